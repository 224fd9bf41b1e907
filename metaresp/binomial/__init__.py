"""One trial: exact, approximate and Bayesian binomial intervals."""

from importlib import import_module

from metaresp.binomial.interval import BinomialCI, binomial_ci
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE
from metaresp.binomial.test import BinomialTest, binomial_test

# Each of these files its methods when imported; this is the order of the names in the registry.
for _methods in ("exact", "acceptance", "casella", "approximate", "transformed", "bayesian"):
    import_module(f"metaresp.binomial.{_methods}")

__all__ = [
    "BINOMIAL_CI",
    "BINOMIAL_PVALUE",
    "BinomialCI",
    "BinomialTest",
    "binomial_ci",
    "binomial_test",
]
