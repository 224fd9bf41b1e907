"""How doubtful rows and cells are taken."""

from typing import NamedTuple

MISSING = ("raise", "drop")
TOTALS = ("raise", "drop", "keep")
UNITS = ("proportion", "percent")


class Options(NamedTuple):
    """How doubtful rows and cells are taken."""

    missing: str = "raise"
    totals: str = "raise"
    unit: str | None = None
    nearest: bool = False


AS_THEY_STAND = Options()
