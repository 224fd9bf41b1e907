"""The models that take moderators, each in a file of its own."""

from metaresp.model import counts_regression, effects_regression  # noqa: F401 - they register themselves
from metaresp.model.regression import REGRESSIONS

__all__ = ["REGRESSIONS"]
