"""Rows of a forest plot by groups: heading, studies, diamond and heterogeneity of each."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.subgroups import group_label
from metaresp.present import forest_parts as parts
from metaresp.present.forest_columns import Extras, headline
from metaresp.present.forest_table import ForestRow
from metaresp.present.numbers import pvalue, significant
from metaresp.present.wording import Writer

if TYPE_CHECKING:
    from metaresp.analyses.subgroups import Subgroups
    from metaresp.binomial import BinomialCI
    from metaresp.studies import Studies


def group_rows(
    groups: "Subgroups",
    studies: "Studies",
    ci: "BinomialCI",
    weights: Sequence[np.ndarray],
    order: Sequence[int],
    writer: Writer,
    extras: Extras,
    shrunken: Sequence[np.ndarray] = (),
    *,
    of: str = "typical",
) -> list[ForestRow]:
    """Return the rows of every group, in the order of the groups."""
    rows: list[ForestRow] = []
    members = studies.column(groups.by)
    for i, name in enumerate(groups.group):
        chosen = [j for j in order if group_label(members[j]) == name]
        rows.append(ForestRow("heading", writer.words["group"].format(by=headline(groups.by), group=name)))
        rows += parts.study_rows(studies, ci, weights, chosen, writer, extras, shrunken, indent=1)
        left_out = [item for item in studies.excluded if _group(item, groups.by) == name]
        rows += parts.missing_rows(studies, writer, extras, indent=1, excluded=left_out)
        rows.append(_subtotal(groups, i, chosen, weights, writer, of))
        details = _details(groups, i, writer.words)
        if details:
            rows.append(ForestRow("note", details, indent=1))
    others = [item for item in studies.excluded if _group(item, groups.by) not in groups.group]
    if others:
        rows.append(ForestRow("heading", writer.words["no_group"]))
        rows += parts.missing_rows(studies, writer, extras, indent=1, excluded=others)
    return rows


def _group(item: Any, by: str) -> str:
    return group_label(item.covariates.get(by))


def _subtotal(
    groups: "Subgroups",
    i: int,
    chosen: Sequence[int],
    weights: Sequence[np.ndarray],
    writer: Writer,
    of: str,
) -> ForestRow:
    names = ("mean_rate", "mean_low", "mean_high") if of == "mean" else ("rate", "low", "high")
    rate, low, high = (float(getattr(groups, name)[i]) for name in names)
    cells = {
        **parts.counted(groups.events[i], groups.n[i]),
        "rate": writer.estimate(rate, low, high),
    }
    for j, share in enumerate(weights):
        cells["weight" if j == 0 else f"weight {j}"] = writer.percent(float(np.sum(share[list(chosen)])))
    label = writer.words["subtotal"].format(group=groups.group[i])
    return ForestRow("subtotal", label, rate, low, high, cells=cells)


def _details(groups: "Subgroups", i: int, words: Mapping[str, str]) -> str:
    """Return the heterogeneity inside a group; nothing for one study."""
    if groups.k[i] < 2:
        return ""
    tau2, i2 = float(groups.tau2[i]), float(groups.I2[i])
    one = f" ({words['one_tau2']})" if groups.common_tau2 else ""
    found = [f"τ² = {significant(tau2)}{one}"] if parts.known(tau2) else []
    found += [f"I² = {parts.share(i2)}"] if parts.known(i2) else []
    found += [pvalue(float(groups.within_pvalue[i]))] if parts.known(groups.within_pvalue[i]) else []
    details = "; ".join(found).replace(".", words["decimal"]) or words["not_estimable"]
    return words["heterogeneity"].format(details=details)


def between_line(groups: "Subgroups", words: Mapping[str, str]) -> str:
    """Return the test between the groups in one line; nothing where there is none."""
    if not parts.known(groups.pvalue):
        return ""
    if groups.reference == "F":
        value = f"F = {groups.F:.2f} on {groups.df:.0f} and {significant(groups.df2)} df"
    else:
        value = f"χ² = {groups.statistic:.2f} on {groups.df:.0f} df"
    test = f"{groups.test}, {value}"
    return words["between"].format(test=test, p=pvalue(groups.pvalue)).replace(".", words["decimal"])
