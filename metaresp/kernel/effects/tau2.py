"""Estimators of the between-study variance: the registry with every entry filed."""

from metaresp.kernel.effects.tau2_iterated import TAU2, Tau2
from metaresp.kernel.effects.tau2_registry import Tau2Method

__all__ = ["TAU2", "Tau2", "Tau2Method"]
