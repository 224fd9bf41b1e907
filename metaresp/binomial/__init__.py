"""One trial: exact, approximate and Bayesian binomial intervals."""

from importlib import import_module

from metaresp.binomial.compare import MethodIntervals, compare_methods
from metaresp.binomial.coverage import Coverage, coverage
from metaresp.binomial.interval import BinomialCI, binomial_ci
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE
from metaresp.binomial.missing import MissingBounds, missing_bounds
from metaresp.binomial.recover import RecoveredCounts, recover_counts
from metaresp.binomial.test import BinomialTest, binomial_test

# Each of these files its methods when imported; this is the order of the names in the registry.
for _methods in ("exact", "acceptance", "casella", "approximate", "transformed", "bayesian"):
    import_module(f"metaresp.binomial.{_methods}")

__all__ = [
    "BINOMIAL_CI",
    "BINOMIAL_PVALUE",
    "BinomialCI",
    "BinomialTest",
    "Coverage",
    "MethodIntervals",
    "MissingBounds",
    "RecoveredCounts",
    "binomial_ci",
    "binomial_test",
    "compare_methods",
    "coverage",
    "missing_bounds",
    "recover_counts",
]
