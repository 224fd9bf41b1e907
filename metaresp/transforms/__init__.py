"""Effect scales for response rates, continuity corrections, and Freeman-Tukey back-transform sizes.

Each entry of ``TRANSFORMS`` is a :class:`Transform`; ``CORRECT`` holds the rules that say which studies
get the continuity correction, ``BACK_N`` the sizes that a Freeman-Tukey back-transform can use.
"""

from metaresp.transforms.back_size import BACK_N, back_size
from metaresp.transforms.correction import (
    CORRECT,
    LEAVE_OUT,
    SCALE_OF_RULE,
    apply_correction,
    study_effects,
)
from metaresp.transforms.scales import TRANSFORMS, Transform

__all__ = [
    "BACK_N",
    "CORRECT",
    "LEAVE_OUT",
    "SCALE_OF_RULE",
    "TRANSFORMS",
    "Transform",
    "apply_correction",
    "back_size",
    "study_effects",
]
