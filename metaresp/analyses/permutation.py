"""Permutation tests: arrangements of groups over studies, all of them or a sample, and the p-value."""

import numpy as np
from numpy.random import Generator

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.regression.designs import rearrangements

# Statistics nearer than this (relative) are equal: rounding is not evidence.
_EQUAL = 1e-9


def arrangements(codes: IntArray, most: int, rng: Generator) -> tuple[IntArray, bool]:
    """Return arrangements of group numbers over units, the given one first.

    Parameters
    ----------
    codes : int array, shape (units,)
        The group of each, from 0.
    most : int
        All distinct arrangements where there are no more than these and the given one; otherwise as many
        drawn at random.
    rng : Generator

    Returns
    -------
    int array, shape (sets, units), and whether they are all

    Examples
    --------
    >>> found, every = arrangements(np.array([0, 0, 1]), 99, np.random.default_rng(1))
    >>> found.tolist(), every
    ([[0, 0, 1], [0, 1, 0], [1, 0, 0]], True)
    """
    orders, every = rearrangements(codes, most + 1, rng)
    found = codes[orders]
    if every:  # in an order of their own
        given = (found == codes).all(axis=1)
        found = np.concatenate([codes[None], found[~given]])
    return found, every


def pvalue(statistic: FloatArray) -> float:
    """Return the share of arrangements that are as far apart as the first, which counts as one of them.

    Parameters
    ----------
    statistic : float array, shape (sets,)
        The larger, the farther apart; that of the data first.

    References
    ----------
    Phipson and Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9:39.

    Examples
    --------
    >>> pvalue(np.array([3.0, 1.0, 3.0, 0.5]))
    0.5
    """
    known = statistic[np.isfinite(statistic)]
    far = known >= statistic[0] - _EQUAL * (1 + abs(statistic[0]))
    return float(far.mean())
