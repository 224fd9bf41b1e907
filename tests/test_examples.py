"""Every example runs as a user runs it, and prints what it promises."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
PROMISES = {
    "aplastic_anemia": [
        "13/18 = 72.2% (46.5% to 90.3%)",
        "can only be 13",
        "18.5%",
        "15.3%",
        "up to 'relieved': 10/18 = 55.6% (30.8% to 78.5%)",
        "without a diamond",
    ],
    "hyperdynamic_therapy": ["14 trials, 246/326", "79.8%", "0.5893", "0.3646"],
    "lupus_cohorts": [
        "n = 87",
        "0/2: 0.0% (0.0% to 84.2%)",
        "union with the fewest",
        "13.5% (7.8% to 19.7%), 13 trials",
        "0.81 within",
    ],
}
# As in pyproject.toml: matplotlib before 3.10.8 with a newer pyparsing.
FORMER_NAMES = [
    f"-Wignore::DeprecationWarning:matplotlib.{module}" for module in ("_fontconfig_pattern", "_mathtext")
]
WRITES = {"aplastic_anemia": "aplastic_anemia.png", "hyperdynamic_therapy": "hyperdynamic_therapy.pdf"}


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(PROMISES)


@pytest.mark.parametrize("name", PROMISES)
def test_example(name, tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "error", *FORMER_NAMES, str(EXAMPLES / f"{name}.py")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for words in PROMISES[name]:
        assert words in run.stdout, run.stdout
    assert [path.name for path in tmp_path.iterdir()] == [WRITES[name]] if name in WRITES else True
