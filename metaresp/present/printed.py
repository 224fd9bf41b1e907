"""Any record as it is printed: its table where it has one."""

from typing import Any

from metaresp.present import (  # noqa: F401 - they register tables
    around_tables,
    category_tables,
    comparison_tables,
    fit_tables,
    gosh_tables,
    regression_tables,
    reproduce_tables,
    small_study_tables,
    study_tables,
    trial_tables,
)
from metaresp.present.text_tables import TABLES, Summary


def table_of(record: Any) -> Summary | None:
    """Return the table of a record, by the name of its class or of one that it is derived from."""
    names = (cls.__name__ for cls in type(record).__mro__)
    return next((TABLES[name](record) for name in names if name in TABLES), None)


def summary_of(record: Any) -> Summary:
    """Return the table of a record; of one without, its fields as a title."""
    return table_of(record) or Summary(title=repr(record))


def as_text(record: Any) -> str:
    """Return what ``str`` gives: the table, or the fields of a record without one."""
    found = table_of(record)
    return repr(record) if found is None else str(found)


def as_html(record: Any) -> str | None:
    """Return what a notebook shows: the table, or nothing for a record without one."""
    found = table_of(record)
    return None if found is None else found._repr_html_()
