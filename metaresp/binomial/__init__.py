"""One trial: exact, approximate and Bayesian binomial intervals."""
