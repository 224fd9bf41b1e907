"""Tables as people keep them: each is read right, or asked about in one line that names what is doubtful."""

from pathlib import Path

import pytest

from tests.reading.walk import expected, fault

HERE = Path(__file__).parent
CASES = [
    pytest.param(HERE / folder / name, case, id=f"{folder}/{name}")
    for folder in ("cases", "more")
    if (HERE / folder / "expected.json").exists()
    for name, case in expected(HERE / folder).items()
]


@pytest.mark.parametrize(("path", "case"), CASES)
def test_a_table_is_read_right_or_asked_about(path, case):
    assert fault(path, case) == ""


@pytest.mark.parametrize("folder", ["cases", "more"])
def test_every_file_has_its_expectation(folder):
    files = {path.name for path in (HERE / folder).iterdir()} - {"README.md", "expected.json", "write.py"}
    assert files == set(expected(HERE / folder))
