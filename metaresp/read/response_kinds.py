"""Columns of the kinds of response, complete to progressive, of which events and n are sums."""

import re
from collections.abc import Sequence

from metaresp.read.profile import Column
from metaresp.read.vocabulary import folded

# What a responder may have had, and what the others had.
_RESPONSE = re.compile(
    r"(?:s|v|vg|n|m|p|u|c)?(?:cr|pr)s?|cr[ihp]|(?:stringent |very good |near |nearly |minor )?"
    r"(?:complete|partial)"
    r"(?: clinical| metabolic| molecular)? (?:response|remission)s?|completas?|parcia(?:l|is|les)|"
    r"完全缓解|部分缓解|"
    r"完全奏効|部分奏効|完全奏功|部分奏功|완전관해|부분관해|완전반응|부분반응"
)
_WITHOUT = re.compile(
    r"(?:sd|pd|ne|mr|nr|dp|mp|ed|rp|ee)|(?:stable|progressive) disease|progression|not evaluable|"
    r"minimal response|"
    r"疾病稳定|疾病进展|稳定|进展|安定|進行|안정병변|진행병변"
)
_OF_ALL = re.compile(
    r"orr?|overall response|objective response|responders?|responses?|cr\s*\+\s*pr|rr|总有效|有效|奏効"
)


def _bare(name: str) -> str:
    return re.sub(r"\s*(?:[(\[]?\s*(?:n|no\.?)\s*[)\]]?)?$", "", folded(name)) if len(name) < 60 else ""


def is_kind(name: str) -> bool:
    """Whether a head is that of one kind of response, a part of those that responded.

    Examples
    --------
    >>> is_kind("CR"), is_kind("Partial response (n)"), is_kind("ORR")
    (True, True, False)
    """
    return _RESPONSE.fullmatch(_bare(name)) is not None


def kinds_of(columns: Sequence[Column]) -> tuple[list[Column], list[Column], Column | None]:
    """Return the columns of responses, those of other patients, and the one that adds the responses up."""
    counts = [column for column in columns if column.kind in {"count", "counted"}]
    with_it = [column for column in counts if is_kind(column.name)]
    without = [column for column in counts if _WITHOUT.fullmatch(_bare(column.name))]
    of_all = [column for column in counts if _OF_ALL.fullmatch(_bare(column.name))]
    return with_it, without, of_all[0] if len(of_all) == 1 else None
