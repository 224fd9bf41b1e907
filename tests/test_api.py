"""The public names, what importing costs, and the documentation that runs."""

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import metaresp as mr
from tests.modules import modules
from tests.readme_commands import commands

ROOT = Path(__file__).parent.parent
HEAVY = {"pandas", "matplotlib", "statsmodels", "scipy.stats", "scipy.optimize", "typer"}
PUBLIC = [
    "BINOMIAL_CI",
    "Batch",
    "Baujat",
    "BinomialCI",
    "BinomialTest",
    "CannotEstimate",
    "Categories",
    "Comparison",
    "Coverage",
    "Cumulative",
    "Drapery",
    "EventForecast",
    "ExcludedStudy",
    "Fit",
    "Funnel",
    "Gosh",
    "Influence",
    "Interval",
    "InvalidArgument",
    "InvalidStudies",
    "LeaveOneOut",
    "MetaRespError",
    "MetaRespWarning",
    "MethodIntervals",
    "MissingBounds",
    "MissingDependency",
    "MissingResponses",
    "MultinomialCI",
    "Overlap",
    "RecoveredCounts",
    "Regression",
    "RegressionRates",
    "Reproduction",
    "SmallStudyEffects",
    "Studies",
    "StudyRates",
    "Subgroups",
    "TrimAndFill",
    "UnknownName",
    "UnreadableFile",
    "__version__",
    "baujat",
    "binomial_ci",
    "binomial_test",
    "check_percent",
    "compare",
    "compare_methods",
    "coverage",
    "cumulative",
    "datasets",
    "drapery",
    "funnel",
    "gosh",
    "influence",
    "leave_one_out",
    "missing_bounds",
    "missing_responses",
    "multinomial_ci",
    "overlap",
    "pool",
    "pool_batch",
    "pool_categories",
    "read_studies",
    "recover_counts",
    "regress",
    "reproduce",
    "small_study_effects",
    "subgroups",
    "trim_and_fill",
]


def test_public_names_are_pinned():
    assert sorted(mr.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(mr, name) is not None
    assert set(PUBLIC) <= set(dir(mr))
    with pytest.raises(AttributeError, match="no attribute 'pol'"):
        mr.pol  # noqa: B018


def loaded(code):
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_import_is_light():
    names = loaded("import metaresp")
    assert not names & HEAVY
    assert "scipy" not in names


def test_one_trial_and_pooling_are_light():
    assert not loaded("import metaresp as mr; mr.binomial_ci(13, 18)") & HEAVY
    assert not loaded("import metaresp as mr; mr.pool(events=[1, 2], n=[9, 9])") & HEAVY


@pytest.mark.parametrize("name", modules())
def test_docstring_examples(name):
    module = importlib.import_module(name)
    assert module.__doc__, name
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_readme_has_two_commands_and_its_python_runs(tmp_path, monkeypatch):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(commands(text)) == 2
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        exec(compile(block, "README.md", "exec"), names)
    for name in ("forest.pdf", "definitions.pdf"):
        assert (tmp_path / name).stat().st_size > 1000


def test_readme_console_output_is_what_is_printed():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```console\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    for command, expected in re.findall(r"^\$ metaresp (.*)\n(.*)$", block, flags=re.MULTILINE):
        run = subprocess.run(
            [sys.executable, "-m", "metaresp", *command.split()], capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == expected


def test_version_is_said_once_everywhere():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'version = "{mr.__version__}"' in project
    assert f"version: {mr.__version__}" in citation
