"""Intervals for the pooled mean: the registry with every entry filed."""

# Importing files the entries: the order here is the order of the names in the registry.
# isort: off
from metaresp.kernel.effects.mean_registry import MEAN_CI, MeanInterval, MeanMethod, Refit
from metaresp.kernel.effects.mean_wald import wald_test
import metaresp.kernel.effects.henmi_copas
import metaresp.kernel.effects.mean_profile
import metaresp.kernel.effects.mean_bootstrap  # noqa: F401
# isort: on

__all__ = ["MEAN_CI", "MeanInterval", "MeanMethod", "Refit", "wald_test"]
