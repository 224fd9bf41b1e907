"""Likelihood-ratio tests of the variances of nested studies: their reference distributions.

Both variances are at the edge of what they can be when they are 0.  Self & Liang (1987), JASA 82:605: the
statistic is then distributed as a mixture of chi-squares, with weights that depend on the information.
"""

import math

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.kernel.effects.sums import inverse_variance
from metaresp.kernel.nested.effects import Effects
from metaresp.kernel.nested.nodes import Nested


def one_variance(lrt: FloatArray) -> FloatArray:
    """Return the p-values of tests that one variance is 0: half a point mass at 0, half chi-square on 1 df.

    Case 5 of Self & Liang, for another variance that is positive; where that is 0 too, the true
    distribution lies below this one and the test is conservative.
    """
    return np.where(lrt > 0, 0.5 * special.chdtrc(1, lrt), 1.0)


def both_variances(lrt: FloatArray, angle: FloatArray) -> FloatArray:
    """Return the p-values of tests that both variances are 0.

    Parameters
    ----------
    lrt : float array
        Twice the gain in log-likelihood.
    angle : float array
        Between the two directions away from 0, in the metric of the information: the weights of
        chi-square on 2, 1 and 0 df are ``angle / (2 pi)``, ``1/2`` and the rest (case 7).
    """
    pvalue = angle / (2 * math.pi) * special.chdtrc(2, lrt) + 0.5 * special.chdtrc(1, lrt)
    return np.where(lrt > 0, pvalue, 1.0)


def count_angle(data: Nested) -> FloatArray:
    """Return the angle for counts, shape (lanes,).

    At one common rate p the information about the two variances, mu profiled out, is
    ``(p (1 - p))**2 / 2`` times ``sum n (n - 1)`` over studies (within, and the covariance) and
    over clusters (between), exactly: two patients tell of a variance only if they share it.
    """
    n, copies = data.n, data.copies
    total = data.groups.sums(copies * n)
    within, between = (copies * n * (n - 1)).sum(axis=-1), (total * (total - 1)).sum(axis=-1)
    share = np.where(between > 0, within / np.where(between > 0, between, 1.0), 1.0)
    return np.arccos(np.sqrt(np.minimum(share, 1.0)))


def effect_angle(data: Effects) -> FloatArray:
    """Return the angle for effects with known variances: information ``tr(P V_i P V_j) / 2`` at 0."""
    w = inverse_variance(data.v, np.zeros((len(data.v), 1)))
    s, w2, w3 = data.sums(w), data.sums(w * w), data.add(w**3)
    total = s.sum(axis=-1)
    squares, blocks = w2.sum(axis=-1), (s * s).sum(axis=-1)
    within = squares - 2 * w3 / total + (squares / total) ** 2
    between = blocks - 2 * (s**3).sum(axis=-1) / total + (blocks / total) ** 2
    both = squares - 2 * (s * w2).sum(axis=-1) / total + squares * blocks / total**2
    product = within * between
    cosine = both / np.sqrt(np.where(product > 0, product, 1.0))
    return np.where(product > 0, np.arccos(np.clip(cosine, -1.0, 1.0)), 0.0)
