"""Intervals centred on the common-effect mean, which small-study bias moves least: Henmi-Copas and IVhet."""

import numpy as np
from scipy.special import gammainc, ndtri

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.effects.mean_registry import (
    MEAN_CI,
    MeanInterval,
    Refit,
    Source,
    interval,
    without_df,
)
from metaresp.kernel.effects.sums import Lanes
from metaresp.kernel.effects.tau2 import cochran_moment, settled
from metaresp.kernel.numerics.roots import bracketed

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(100)
REACH = 10.0  # standard deviations of the mean that the integral covers


@MEAN_CI.add("henmi-copas")
@interval
def henmi_copas(lanes: Lanes, tau2: FloatArray, tail: float, refit: Refit, rng: Source) -> MeanInterval:
    """Henmi-Copas interval about the common-effect mean, with DerSimonian-Laird heterogeneity.

    *tau2* is not used: the method estimates its own by DerSimonian and Laird.  ``df`` is infinite: the
    quantile is the method's own.

    Henmi & Copas (2010), Statistics in Medicine 29:2969-2983, section 3.
    R: ``metafor::hc()`` of an ``rma(method = "DL")`` fit.
    """
    tau2 = settled(cochran_moment, lanes)[0]
    nothing = np.zeros(len(lanes))
    powers = lanes.powers(nothing, 4)
    w1 = powers[0]
    w2, w3, w4 = (power / w1 for power in powers[1:])
    df = lanes.k - 1.0
    inflation = 1.0 + tau2 * w2
    some = (lanes.k > 1) & np.isfinite(tau2)

    def beyond(u: FloatArray, index: IntArray) -> FloatArray:
        """Probability that the statistic exceeds u, less the tail."""
        parts = (item[index, None] for item in (tau2, w1, w2, w3, w4, df, inflation))
        return _exceeds(u, *parts) - tail

    # beyond u = 0 lies half the probability; the statistic's tail is bounded by the normal one at tau2 = 0
    top = np.sqrt(inflation) * 9.0 + 1.0
    usable = np.flatnonzero(some)
    root = bracketed(lambda x, i: beyond(x, usable[i]), np.zeros(len(usable)), top[usable])
    quantile, converged = np.full(len(lanes), np.nan), np.zeros(len(lanes), dtype=np.bool_)
    quantile[usable], converged[usable] = root.value, root.converged & np.isfinite(root.value)
    estimate, se = lanes.mean(nothing).mean, np.sqrt(inflation / w1)
    half = quantile * se
    return without_df(estimate, se, estimate - half, estimate + half, converged)


@MEAN_CI.add("ivhet")
@interval
def ivhet(lanes: Lanes, tau2: FloatArray, tail: float, refit: Refit, rng: Source) -> MeanInterval:
    """IVhet interval: a normal one about the common-effect mean whose variance allows for heterogeneity.

    ``sum(w**2 (v + tau2)) / sum(w)**2`` with ``w = 1/v`` and DerSimonian-Laird's tau2; the *tau2* given is
    not used.  Henmi and Copas have the same centre and variance, and a quantile for the uncertainty of tau2.

    Doi, Barendregt, Khan, Thalib & Williams (2015), Contemporary Clinical Trials 45:130-138, eqs. (3)-(5).
    MetaXL: IVhet.  R: in no package for rates; ``fit.to_r()`` writes it out.
    """
    between = settled(cochran_moment, lanes)[0]
    nothing = np.zeros(len(lanes))
    w1, w2 = lanes.powers(nothing, 2)
    estimate, se = lanes.mean(nothing).mean, np.sqrt((1.0 + between * w2 / w1) / w1)
    half = np.where(lanes.k > 1, -ndtri(tail) * se, np.nan)
    return without_df(estimate, se, estimate - half, estimate + half, np.isfinite(estimate))


def _exceeds(
    u: FloatArray,
    tau2: FloatArray,
    w1: FloatArray,
    w2: FloatArray,
    w3: FloatArray,
    w4: FloatArray,
    df: FloatArray,
    inflation: FloatArray,
) -> FloatArray:
    """Return ``P(U > u)``: Q given the mean is a gamma variable matched in mean and variance."""
    start = np.minimum(u[:, None] / np.sqrt(inflation), REACH)
    half = 0.5 * (REACH - start)
    z = start + half * (1.0 + _NODES)
    rsq = inflation * z * z  # the squared standardised mean, normal with variance `inflation`
    below = (w1 / w2 - 1.0) * (rsq / (u * u)[:, None] - 1.0) + df
    spread = w3 - w2 * w2
    shift = rsq / inflation**2 - 1.0 / inflation
    mean = df + tau2 * (w1 - w2) + tau2**2 * shift * spread
    variance = (
        2.0 * df
        + 4.0 * tau2 * (w1 - w2)
        + 2.0 * tau2**2 * (w1 * w2 - 2.0 * w3 + w2 * w2)
        + 4.0 * tau2**2 * shift * spread
        + 4.0 * tau2**3 * shift * (w4 - 2.0 * w2 * w3 + w2**3)
        + 2.0 * tau2**4 * (1.0 / inflation**2 - 2.0 * rsq / inflation**3) * spread**2
    )
    inside = gammainc(mean * mean / variance, np.fmax(below, 0.0) * mean / variance)
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    result: FloatArray = half[:, 0] * ((inside * density) @ _WEIGHTS)
    return result
