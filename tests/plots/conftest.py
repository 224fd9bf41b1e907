"""The fonts that figures are tested with: matplotlib's own, whatever the machine has."""

import pytest

from metaresp.plots.fonts import installed
from metaresp.plots.style import Style

OWN = "DejaVu Sans"
# Geometry is tested with the preferred font too, where it is installed: its letters are narrower.
PREFERRED = next((name for name in Style().fonts if name in installed()), OWN)
FONTS = [OWN] if PREFERRED == OWN else [OWN, PREFERRED]


@pytest.fixture(autouse=True, scope="module")
def font(request):
    """Let figures find one font, and that of matplotlib for the letters that it has not."""
    name = getattr(request, "param", OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("metaresp.plots.fonts.installed", lambda: frozenset({name, OWN}))
        yield name
