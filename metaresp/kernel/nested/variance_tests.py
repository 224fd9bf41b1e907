"""Likelihood-ratio tests of the variances of nested studies: their reference distributions.

Both variances are at the edge of what they can be when they are 0.  Self & Liang (1987), JASA 82:605: the
statistic is then distributed as a mixture of chi-squares, with weights that depend on the information.
"""

import math

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.kernel.effects.sums import inverse_variance
from metaresp.kernel.nested.robust import Groups


def one_variance(lrt: float) -> float:
    """Return the p-value of a test that one variance is 0: half a point mass at 0, half chi-square on 1 df.

    Case 5 of Self & Liang, for another variance that is positive; where that is 0 too, the true
    distribution lies below this one and the test is conservative.
    """
    return 0.5 * float(special.chdtrc(1, lrt)) if lrt > 0 else 1.0


def both_variances(lrt: float, angle: float) -> float:
    """Return the p-value of a test that both variances are 0.

    Parameters
    ----------
    lrt : float
        Twice the gain in log-likelihood.
    angle : float
        Between the two directions away from 0, in the metric of the information: the weights of
        chi-square on 2, 1 and 0 df are ``angle / (2 pi)``, ``1/2`` and the rest (case 7).
    """
    if lrt <= 0:
        return 1.0
    two = angle / (2 * math.pi)
    return two * float(special.chdtrc(2, lrt)) + 0.5 * float(special.chdtrc(1, lrt))


def count_angle(n: FloatArray, g: Groups) -> float:
    """Return the angle for counts.

    At one common rate p the information about the two variances, mu profiled out, is
    ``(p (1 - p))**2 / 2`` times ``sum n (n - 1)`` over studies (within, and the covariance) and
    over clusters (between), exactly: two patients tell of a variance only if they share it.

    Parameters
    ----------
    n : float array, shape (k,)
        Patients, in the order of *g*.
    g : Groups
    """
    total = g.sums(n)
    within, between = float((n * (n - 1)).sum()), float((total * (total - 1)).sum())
    return math.acos(math.sqrt(within / between)) if between > 0 else 0.0


def effect_angle(v: FloatArray, g: Groups) -> float:
    """Return the angle for effects with known variances: information ``tr(P V_i P V_j) / 2`` at 0.

    Parameters
    ----------
    v : float array, shape (k,)
        Sampling variances, in the order of *g*.
    g : Groups
    """
    w = inverse_variance(v, np.zeros(v.size))
    s = g.sums(w)
    total = float(s.sum())
    w2, w3 = g.sums(w * w), float((w**3).sum())
    squares = float(w2.sum())
    blocks = float((s * s).sum())
    within = squares - 2 * w3 / total + (squares / total) ** 2
    between = blocks - 2 * float((s**3).sum()) / total + (blocks / total) ** 2
    both = squares - 2 * float((s * w2).sum()) / total + squares * blocks / total**2
    return math.acos(min(1.0, both / math.sqrt(within * between))) if within * between > 0 else 0.0
