"""Published counts that ship with the package, each with its citation.

Examples
--------
>>> from metaresp import datasets
>>> datasets.names()[:3]
['aplastic_anemia', 'baeten2013', 'crisafulli2020']
>>> datasets.load("pritz1997")
Studies(k=14, events=246, n=326)
"""

import json
from functools import cache
from pathlib import Path

from metaresp.errors import UnknownName, closest, shown
from metaresp.studies import Studies, read_studies

__all__ = ["citation", "load", "names", "path"]

_FOLDER = Path(__file__).parent
# The reports whose events are not given are listed, not refused.
_WITH_GAPS = frozenset(["lupus_cohorts"])


def names() -> list[str]:
    """Return the names of the shipped data sets.

    Examples
    --------
    >>> from metaresp import datasets
    >>> "pritz1997" in datasets.names()
    True
    """
    return sorted(_citations())


def path(name: str) -> Path:
    """Return the path of the CSV file of a data set, for ``read_studies`` or the command line.

    Raises
    ------
    UnknownName
        If there is no data set of that name.

    Examples
    --------
    >>> from metaresp import datasets
    >>> datasets.path("pritz1997").name
    'pritz1997.csv'
    """
    _check(name)
    return _FOLDER / f"{name}.csv"


def load(name: str) -> Studies:
    """Return the studies of a data set.

    Raises
    ------
    UnknownName
        If there is no data set of that name.

    Notes
    -----
    In R: ``metadat::dat.pritz1997`` and its like; the citation of each says which.

    Examples
    --------
    >>> from metaresp import datasets
    >>> datasets.load("aplastic_anemia").events.tolist()
    [13, 4, 7, 0]
    """
    return read_studies(path(name), missing="drop" if name in _WITH_GAPS else "raise")


def citation(name: str) -> str:
    """Return where the counts of a data set come from, and what to mind when using them.

    Raises
    ------
    UnknownName
        If there is no data set of that name.

    Examples
    --------
    >>> from metaresp import datasets
    >>> "must not be pooled" in datasets.citation("aplastic_anemia")
    True
    """
    _check(name)
    return _citations()[name]


@cache
def _citations() -> dict[str, str]:
    texts: dict[str, str] = json.loads((_FOLDER / "citations.json").read_text(encoding="utf-8"))
    return texts


def _check(name: str) -> None:
    if not isinstance(name, str) or name not in _citations():
        hint = closest(name, names()) if isinstance(name, str) else ""
        listed = ", ".join(map(repr, names()))
        raise UnknownName(f"data set {shown(name)} is not known: choose {listed}{hint}")
