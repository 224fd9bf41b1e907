"""Intervals for the pooled mean: the registry with every entry filed."""

# Importing files the entries: the order here is the order of the names in the registry.
# isort: off
from metaresp.kernel.effects.mean_registry import MEAN_CI, MeanInterval, MeanMethod, Refit
from metaresp.kernel.effects.mean_wald import hartung_knapp, hartung_knapp_floor, normal, student, wald_test
from metaresp.kernel.effects.kenward_roger import kenward_roger
from metaresp.kernel.effects.henmi_copas import henmi_copas
from metaresp.kernel.effects.mean_profile import profile
from metaresp.kernel.effects.mean_bootstrap import bootstrap
# isort: on

__all__ = [
    "MEAN_CI",
    "MeanInterval",
    "MeanMethod",
    "Refit",
    "bootstrap",
    "hartung_knapp",
    "hartung_knapp_floor",
    "henmi_copas",
    "kenward_roger",
    "normal",
    "profile",
    "student",
    "wald_test",
]
