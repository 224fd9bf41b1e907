"""One trial: exact, approximate and Bayesian binomial intervals."""

from metaresp.binomial import exact  # isort: split

from metaresp.binomial import acceptance, approximate, bayesian
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
    "exact",
]
