"""The least versions that are declared are those that .ci/run tries."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OLDEST = ROOT / ".ci" / "oldest.txt"
# Installed by none of our own names: tried at its oldest with the oldest typer.
FURTHER = {"click"}


def declared():
    """Return the least version of each dependency of the package and of its tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + [
        *extras["files"],
        *extras["formula"],
        *extras["parquet"],
        *extras["test"],
    ]
    return dict(re.match(r"([\w-]+)[^>]*>=([\d.]+)", line).groups() for line in lines if ">=" in line)


def release(version):
    """Return a version as numbers: 3.1 is 3.1.0."""
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


@pytest.mark.skipif(not OLDEST.exists(), reason="no part of the source distribution")
def test_every_minimum_is_tried():
    tried = dict(re.findall(r"^([\w-]+)==([\d.]+)$", OLDEST.read_text(encoding="utf-8"), flags=re.MULTILINE))
    least = declared()
    assert tried.keys() - FURTHER == least.keys()
    assert {name: release(tried[name]) for name in least} == {name: release(v) for name, v in least.items()}
