"""Tables of categories of response, and of the simultaneous intervals of one trial."""

from typing import TYPE_CHECKING

from metaresp.present.numbers import level_percent
from metaresp.present.rates import SCALES, UNKNOWN, rates_and_intervals
from metaresp.present.text_tables import TABLES, Summary

if TYPE_CHECKING:
    from metaresp.analyses.categories import Categories
    from metaresp.binomial.multinomial import MultinomialCI

PERCENT = SCALES["percent"]


@TABLES.add("Categories")
def categories(found: "Categories") -> Summary:
    """Show one category a row: its share, and the rate by the definition that ends with it."""
    level, last = level_percent(found.level), len(found.category) - 1
    shares, rates, means = (
        rates_and_intervals(getattr(found, name).tolist(), low.tolist(), high.tolist(), PERCENT)
        for name, low, high in (
            ("share", found.share_low, found.share_high),
            ("rate", found.low, found.high),
            ("mean_rate", found.mean_low, found.mean_high),
        )
    )
    rows = []
    for i, name in enumerate(found.category):
        share, rate, mean = (f"{text[i][0]} ({text[i][1]})" for text in (shares, rates, means))
        own = (found.definition[i], rate, mean) if i < last else (UNKNOWN, UNKNOWN, UNKNOWN)
        rows.append((name, str(int(found.events[i])), share, *own))
    patients, k = int(found.events.sum()), len(found.study)
    columns = (
        "Category",
        "Patients",
        f"Share ({level} CI)",
        "Response is",
        "Typical trial",
        "Mean over trials",
    )
    facts = (("Data", f"{k} {'study' if k == 1 else 'studies'}, {patients} patients"),)
    return Summary(facts, columns, tuple(rows), found.notes)


@TABLES.add("MultinomialCI")
def simultaneous(found: "MultinomialCI") -> Summary:
    """Show one category a row."""
    level = level_percent(found.level)
    texts = rates_and_intervals(found.rate.tolist(), found.low.tolist(), found.high.tolist(), PERCENT)
    rows = tuple(
        (name, f"{count}/{found.n}", *text)
        for name, count, text in zip(found.category, found.events.tolist(), texts, strict=True)
    )
    title = f"All intervals hold together with {level} confidence ({found.method})"
    return Summary((), ("Category", "Patients", "Share", f"{level} CI"), rows, title=title)
