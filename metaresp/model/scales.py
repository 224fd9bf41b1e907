"""The scale of each model's estimate: how a rate looks on it, and back."""

from collections.abc import Callable

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.counts.links import LINKS
from metaresp.spec import Spec

Scale = Callable[[FloatArray], FloatArray]


def _arcsine(rate: FloatArray) -> FloatArray:
    angle: FloatArray = np.arcsin(np.sqrt(rate))
    return angle


# A rate of 0 or 1 is infinite on the logit scale: that is its value, not a failure.
_SCALES: dict[str, Scale] = {
    "arcsine": _arcsine,
    "freeman-tukey": _arcsine,
    "identity": np.asarray,
    **{name: link.forward for name, link in LINKS.items()},
}


def scale_name(spec: Spec) -> str:
    """Return the name of the scale of ``estimate`` and ``tau2``."""
    return spec.transform or spec.link or "logit"


def scale_of(spec: Spec) -> Scale:
    """Return the function that takes a rate to the scale of the model."""
    return _SCALES[scale_name(spec)]
