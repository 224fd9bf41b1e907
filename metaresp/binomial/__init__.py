"""One trial: exact, approximate and Bayesian binomial intervals."""

# isort: off  (the order of import is the order of the names in the registry)
from metaresp.binomial import exact, acceptance, casella, approximate, transformed, bayesian

# isort: on
from metaresp.binomial.interval import BinomialCI, binomial_ci
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE
from metaresp.binomial.test import BinomialTest, binomial_test

__all__ = [
    "BINOMIAL_CI",
    "BINOMIAL_PVALUE",
    "BinomialCI",
    "BinomialTest",
    "acceptance",
    "approximate",
    "bayesian",
    "binomial_ci",
    "binomial_test",
    "casella",
    "exact",
    "transformed",
]
