"""The scale of each model's estimate: how a rate looks on it, and back."""

from collections.abc import Callable

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.spec import Spec

Scale = Callable[[FloatArray], FloatArray]


def _arcsine(rate: FloatArray) -> FloatArray:
    angle: FloatArray = np.arcsin(np.sqrt(rate))
    return angle


def _log(rate: FloatArray) -> FloatArray:
    positive = np.asarray(rate) > 0
    result: FloatArray = np.where(positive, np.log(np.where(positive, rate, 1.0)), -np.inf)
    return result


# A rate of 0 or 1 is infinite on the logit scale: that is its value, not a failure.
_SCALES: dict[str, Scale] = {
    "logit": special.logit,
    "probit": special.ndtri,
    "arcsine": _arcsine,
    "freeman-tukey": _arcsine,
    "log": _log,
    "identity": np.asarray,
}


def scale_name(spec: Spec) -> str:
    """Return the name of the scale of ``estimate`` and ``tau2``."""
    return spec.transform or spec.link or "logit"


def scale_of(spec: Spec) -> Scale:
    """Return the function that takes a rate to the scale of the model."""
    return _SCALES[scale_name(spec)]
