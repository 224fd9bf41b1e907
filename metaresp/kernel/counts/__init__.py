"""Counts under a normal or a beta distribution of rates: likelihoods, maxima, intervals."""
