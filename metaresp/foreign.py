"""What R, SciPy, statsmodels and Stata call our methods: for hints, never for a silent reading."""

from functools import cache
from typing import NamedTuple


class Foreign(NamedTuple):
    """A name of other software.

    Attributes
    ----------
    ours : str
        The same in this package.
    also : tuple of (str, str)
        Further options that make it the same.
    where : str
        The software.
    theirs : str
        Its name, of which case, hyphens, underscores and spaces do not matter.
    """

    ours: str
    also: tuple[tuple[str, str], ...]
    where: str
    theirs: str


@cache
def foreign_names(argument: str) -> tuple[Foreign, ...]:
    """Return the names of other software that may be given for an argument by mistake.

    Examples
    --------
    >>> foreign_names("correct")[0]
    Foreign(ours='only-zero', also=(), where='R', theirs='only0')
    """
    import tomllib  # both for the text of an error alone
    from importlib import resources

    tables = tomllib.loads(resources.files("metaresp").joinpath("foreign.toml").read_text("utf-8"))
    names = [
        Foreign(ours, (), where, theirs)
        for table in tables["arguments"].get(argument, ())
        for ours, sources in tables[table].items()
        for where, words in sources.items()
        for theirs in words.split()
    ]
    if argument == "model":  # R's rma takes the estimator of tau2 for its method
        names += [
            Foreign("inverse-variance", (("tau2", ours),), "R", theirs)
            for ours, sources in tables["tau2"].items()
            for theirs in (ours, *sources.get("R", "").split())
            if ours != "common" or theirs != ours
        ]
    return tuple(names)
