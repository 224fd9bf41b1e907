"""Draws from the confidence distributions of tau2 and of the effect of a new study."""

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.effects.quadratic_form import spectrum, take
from metaresp.kernel.effects.sums import Lanes

DRAWS = 25_000


def tau2_draws(
    q: float, alpha: FloatArray, times: FloatArray, count: int, rng: np.random.Generator
) -> FloatArray:
    """Draw from the confidence distribution of ``tau2`` that inverts the exact distribution of Cochran's Q.

    At ``tau2 = t``, Q is distributed as ``A + t B`` with ``A = sum chi2_i``, ``B = sum alpha_i chi2_i``, so
    ``P(Q(t) >= q)`` is the distribution function in t of ``max(0, (q - A)/B)``: a draw needs no inversion.

    Parameters
    ----------
    q : float
        Observed Q.
    alpha, times : float array, shape (m,)
        Eigenvalues and their multiplicities (see :mod:`metaresp.kernel.effects.quadratic_form`).
    count : int
        Number of draws.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    float array, shape (count,)
    """
    used = times > 0
    single = np.repeat(alpha[used], times[used].astype(np.int64))
    squares = rng.standard_normal((count, len(single))) ** 2
    result: FloatArray = np.fmax(0.0, (q - squares.sum(axis=1)) / (squares @ single))
    return result


def new_study_limits(
    lanes: Lanes, tail: float, rng: np.random.Generator, draws: int = DRAWS
) -> tuple[FloatArray, FloatArray]:
    """Return quantiles of the effect of a new study, ``mean(t) + sqrt(t) Z - T se(t)`` over draws t.

    ``mean`` and ``se`` (Hartung-Knapp) are those of the observed effects at t, Z is standard normal and T is
    Student's t with k - 1 degrees of freedom.  Nagashima, Noma & Furukawa (2019), section 3.
    """
    q = lanes.mean(np.zeros(len(lanes))).q
    usable = (lanes.k > 1) & np.isfinite(q)
    spec = spectrum(lanes)
    low, high = np.full(len(lanes), np.nan), np.full(len(lanes), np.nan)
    for i, child in enumerate(rng.spawn(len(lanes))):
        if not usable[i]:
            continue
        lane, own = np.array([i]), take(spec, np.array([i]))
        t = tau2_draws(float(q[i]), own.alpha[0], own.times[0], draws, child)
        sums = lanes.take(lane).mean(t)
        df = float(lanes.k[i] - 1.0)
        se = np.sqrt(sums.q / (df * sums.weight))
        new = sums.mean + np.sqrt(t) * child.standard_normal(draws) - child.standard_t(df, draws) * se
        low[i], high[i] = np.quantile(new, [tail, 1.0 - tail])
    return low, high
