"""The sums behind a likelihood's score for many subsets of the same studies, as matrix products."""

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.effects.sums import Lanes, ScoreSums, inverse_variance

_LOST = 1e-8  # of a sum of squares: less is not told from rounding


def one_set(lanes: Lanes) -> tuple[FloatArray, FloatArray] | None:
    """Return effects and variances, shape (k,), of the studies that every lane has some of, or None."""
    if lanes.copies is None:
        return None
    present = lanes.copies > 0
    first, rows = present.argmax(axis=1), np.arange(len(present))
    y, v = lanes.y[rows, first], lanes.v[rows, first]
    alike = (lanes.y == y[:, None]) & (lanes.v == v[:, None]) | ~present
    return (y, v) if alike.all() else None


def log_ratios(
    lanes: Lanes, studies: tuple[FloatArray, FloatArray], vmin: float, u: FloatArray, restricted: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the log-ratio of the score's halves and its slope in ``u``, shape (points, lanes).

    Parameters
    ----------
    lanes : Lanes
        Subsets of *studies*.
    studies : tuple of float array
        As :func:`one_set` gives them.
    vmin : float
    u : float array, shape (points,)
        ``log(1 + tau2 / vmin)``.
    restricted : bool
    """
    assert lanes.copies is not None  # or there would be no subsets
    t = vmin * np.expm1(u)
    s = scores(lanes.copies, studies, t, restricted)
    return np.log(s.data / s.trace), (t + vmin)[:, None] * (s.data_slope / s.data - s.trace_slope / s.trace)


def scores(
    copies: FloatArray, studies: tuple[FloatArray, FloatArray], tau2: FloatArray, restricted: bool
) -> ScoreSums:
    """Return the halves of the score of every subset at some values of tau2, shape (points, lanes).

    Parameters
    ----------
    copies : float array, shape (k, lanes)
    studies : tuple of float array, shape (k,)
        Effects and variances.
    tau2 : float array, shape (points,)
    restricted : bool

    Returns
    -------
    ScoreSums
        As of :meth:`metaresp.kernel.effects.sums.Lanes.score`; NaN where sums of squares have lost their
        digits to the mean.
    """
    y, w = studies[0] - studies[0].mean(), inverse_variance(studies[1], tau2[:, None])
    ww = w * w
    www = ww * w
    s1, s2, s3, t1, t2, t3, q2, q3 = (
        f @ copies for f in (w, ww, www, w * y, ww * y, www * y, ww * y * y, www * y * y)
    )
    mean = t1 / s1
    off = t2 - mean * s2
    data = q2 - mean * (t2 + off)
    data[data <= _LOST * q2] = np.nan
    data_slope = 2.0 * (off * off / s1 - (q3 - mean * (2.0 * t3 - mean * s3)))
    if not restricted:
        return ScoreSums(data, s1, data_slope, -s2)
    ratio = s2 / s1
    return ScoreSums(data, s1 - ratio, data_slope, 2.0 * s3 / s1 - s2 - ratio * ratio)
