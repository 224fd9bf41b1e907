"""Coefficients that the likelihood of counts drives to infinity: separation by studies at 0 or n."""

import numpy as np

from metaresp.arrays import BoolArray, FloatArray

_ROUNDING = 1e-9


def separated(x: FloatArray, events: FloatArray, n: FloatArray) -> BoolArray:
    """Tell the coefficients of which a likelihood of binomial counts has no finite maximum.

    A direction of the coefficients that moves no study with a rate between 0 and 1, and every other study
    towards its own end or not at all, never lowers the likelihood, whatever tau is.

    Parameters
    ----------
    x : float array, shape (k, p)
        Of full rank.
    events, n : float array, shape (k,)

    Returns
    -------
    bool array, shape (p,)

    References
    ----------
    Albert & Anderson (1984), Biometrika 71:1; Konis (2007), Computational algorithms for linearly separable
    data: by linear programs, as here.  R: ``detectseparation::detect_separation``.

    Examples
    --------
    >>> x = np.array([[1.0, 0], [1, 0], [1, 1], [1, 1]])
    >>> separated(x, np.array([0.0, 0, 5, 7]), np.full(4, 20.0)).tolist()
    [True, True]
    """
    p = x.shape[1]
    inner = (events > 0) & (events < n)
    size = np.sqrt((x * x).mean(axis=0))
    unit = x / np.where(size > 0, size, 1.0)
    ends = unit[~inner] * np.where(events[~inner] > 0, 1.0, -1.0)[:, None]
    if not len(ends):
        return np.zeros(p, dtype=np.bool_)
    _, roots, rows = np.linalg.svd(unit[inner]) if inner.any() else (None, np.zeros(0), np.eye(p))
    rank = int((roots > _ROUNDING * max(roots.max(initial=0.0), 1.0)).sum())
    null = rows[rank:].T  # directions that move no study between 0 and 1
    if not null.shape[1]:
        return np.zeros(p, dtype=np.bool_)
    from scipy.optimize import linprog  # not light, and seldom needed

    moves = ends @ null
    moves[np.abs(moves) < _ROUNDING] = 0.0
    found = np.zeros(p, dtype=np.bool_)
    for j in range(p):
        for sign in (1.0, -1.0):
            best = linprog(-sign * null[j], A_ub=-moves, b_ub=np.zeros(len(moves)), bounds=(-1.0, 1.0))
            found[j] |= best.status == 0 and -float(best.fun or 0.0) > 1e-6
    return found
