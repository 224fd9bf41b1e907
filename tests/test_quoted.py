"""What README and docs say of coverage stands in docs/validation/coverage.csv."""

import re

import pytest

from tests.validation import ROOT, page, validate

PAGES = page.quoting()


@pytest.fixture(scope="module")
def table():
    return page.as_table(validate.read())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_quotes_the_table(path, table):
    text = path.read_text(encoding="utf-8")
    assert page.quoted(text, table) == text, "run: python docs/validation/validate.py --page"


def test_readme_and_the_page_of_the_validation_quote():
    assert {ROOT / "README.md", ROOT / "docs" / "validation" / "README.md"} <= set(PAGES)


def test_the_readme_gives_no_coverage_of_its_own():
    text = page.MARKED.sub("", (ROOT / "README.md").read_text(encoding="utf-8"))
    claims = [line for line in re.split(r"[|\n]|\. ", text) if re.search(r"\bcover|\bhold", line)]
    assert not [line for line in claims if re.search(r"\d%|\.\d", line)]


def test_the_table_has_every_setting_of_the_grid(table):
    found = {(row.part, *row[1:6]) for row in table[list(validate.Row._fields)].itertuples(index=False)}
    assert {(task.part, *task.setting) for task in validate.tasks()} == found


def test_every_default_that_falls_short_is_listed(table):
    listed = page.losses(table)
    short = [row for row in table.itertuples() if row.loses]
    assert len(short) == sum(line.count("±") for line in listed)
    for row in short:
        head = f"| {row.effects} | {row.method} | {row.quantity} | {row.k} | {row.n} | "
        assert any(line.startswith(head) and page.lost(row) in line for line in listed)
