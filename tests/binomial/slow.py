"""Definitions written out for one trial: sums over counts, no shared code with the package."""

from math import comb


def pmf(n, p):
    return [comb(n, y) * p**y * (1 - p) ** (n - y) for y in range(n + 1)]


def at_most(x, n, p):
    return sum(pmf(n, p)[: x + 1])


def at_least(x, n, p):
    return sum(pmf(n, p)[x:])


def clopper_pearson(x, n, p):
    return min(1.0, 2 * min(at_most(x, n, p), at_least(x, n, p)))


def mid_p(x, n, p):
    half = pmf(n, p)[x] / 2
    return min(1.0, 2 * min(at_most(x, n, p) - half, at_least(x, n, p) - half))


def sterne(x, n, p):
    masses = pmf(n, p)
    return min(1.0, sum(mass for mass in masses if mass <= masses[x] * (1 + 1e-7)))


def blaker(x, n, p):
    masses = pmf(n, p)
    below = [sum(masses[: y + 1]) for y in range(n + 1)]
    above = [sum(masses[y:]) for y in range(n + 1)]
    tails = [min(a, b) for a, b in zip(below, above, strict=True)]
    return min(1.0, sum(m for m, tail in zip(masses, tails, strict=True) if tail <= tails[x] * (1 + 1e-7)))


def hull(pvalue, x, n, alpha, steps):
    """Outermost grid rates with a p-value above alpha."""
    inside = [i / steps for i in range(1, steps) if pvalue(x, n, i / steps) > alpha]
    return min(inside), max(inside)
