"""Intervals and p-values of the rate averaged over trials, by model."""

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray, chunked
from metaresp.counts import Counts
from metaresp.kernel.counts.binomial_normal import mean_rate
from metaresp.kernel.counts.calibrations import CALIBRATIONS
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.mean_rate import MeanSurface, mean_fall, mean_limits
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.model.estimates import EXACT, Estimates
from metaresp.model.fitted import Fitted
from metaresp.model.inverse_variance import effects, turning_size
from metaresp.spec import Spec
from metaresp.transforms import TRANSFORMS, back_size

_CHUNK = 1 << 17  # counts worked on at once


def mean_interval(lanes: Counts, spec: Spec, found: Estimates) -> tuple[FloatArray, FloatArray]:
    """Return the interval of the mean rate of every lane.

    Binomial-normal: the limits of its profile likelihood over (mu, tau), with the calibration of ``ci``, or
    the delta method on the logit for Wald intervals.  Where the rate is the mean (beta-binomial, one common
    rate, exact answers) its own interval; elsewhere the limits of mu, turned into mean rates at the estimated
    tau2.
    """
    low, high = found.low.copy(), found.high.copy()
    rows = np.flatnonzero(~np.isin(found.reason, EXACT) & np.isfinite(found.low) & (found.tau2 >= 0))
    if not rows.size or spec.model in {"beta-binomial", "common"}:
        return low, high
    if spec.model == "binomial-normal" and spec.cluster is None:
        ends = np.empty((2, rows.size))
        for part in chunked(rows.size, lanes.x.shape[1], _CHUNK):
            ends[:, part] = _of_counts(Fitted(lanes.take(rows[part]), spec))
    else:
        ends = np.array(_at_tau2(lanes, spec, found, rows))
    low[rows] = np.clip(np.minimum(ends[0], found.mean_rate[rows]), 0.0, 1.0)
    high[rows] = np.clip(np.maximum(ends[1], found.mean_rate[rows]), 0.0, 1.0)
    return low, high


def _of_counts(model: Fitted) -> tuple[FloatArray, FloatArray]:
    lanes, tail = model.lanes, (1 - model.spec.level) / 2
    if model.spec.ci in CALIBRATIONS:
        limits = mean_limits(lanes.data, lanes.fit, CALIBRATIONS[model.spec.ci].critical(lanes, tail))
        return special.expit(limits.low), special.expit(limits.high)
    centre, se = mean_logit(model)
    df = lanes.k - 1 if model.spec.ci == "t" else np.full_like(lanes.k, np.inf)
    half = t_quantile(df, tail) * se
    return special.expit(centre - half), special.expit(centre + half)


def mean_logit(model: Fitted) -> tuple[FloatArray, FloatArray]:
    """Return the logit of the mean rate and its standard error, from the observed information."""
    surface = MeanSurface(model.data)
    psi = surface.logit(model.fit.mu, model.fit.tau).value
    s = surface.local(np.arange(psi.size), psi, model.fit.tau)
    open_ = (model.fit.tau > 0) & (s.d_b_b < 0)
    curve = -s.d_a_a + np.where(open_, s.d_a_b**2 / np.where(open_, s.d_b_b, -1.0), 0.0)
    return psi, 1 / np.sqrt(np.maximum(curve, 1e-300))


def _at_tau2(lanes: Counts, spec: Spec, found: Estimates, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean rates at the limits of mu; they rise with mu."""
    tau2 = found.tau2[rows]
    ends = found.estimate_low[rows], found.estimate_high[rows]
    if spec.model == "binomial-normal":
        low, high = (mean_rate(end, np.sqrt(tau2)) for end in ends)
        return low, high
    some = lanes.take(rows)
    _, v, _ = effects(some, spec)
    size = None if spec.back_n is None else back_size(some.n, some.copies, spec.back_n, v, tau2)
    low, high = (TRANSFORMS[str(spec.transform)].mean_rate(end, tau2, size) for end in ends)
    return low, high


def mean_pvalue(model: Fitted, rate: float) -> float:
    """Return the two-sided p-value of a mean rate in the binomial-normal model, for one lane."""
    psi = np.array([special.logit(rate)])
    lanes = model.lanes
    if model.spec.ci in CALIBRATIONS:
        return float(CALIBRATIONS[model.spec.ci].pvalue(lanes, mean_fall(lanes.data, lanes.fit, psi))[0])
    centre, se = mean_logit(model)
    distance = -np.abs(psi - centre) / se
    df = lanes.k - 1 if model.spec.ci == "t" else np.full_like(lanes.k, np.inf)
    below = np.where(np.isfinite(df), special.stdtr(df, distance), special.ndtr(distance))
    return float(2 * below[0])


def typical_of_mean(counts: Counts, spec: Spec, tau2: float, rate: float) -> float:
    """Return the rate of a typical trial where the mean over trials is *rate*, at a known tau2."""
    from scipy.optimize import brentq

    if spec.model == "binomial-normal":
        name = spec.link or "logit"
        link, tau = LINKS[name], np.sqrt([tau2])
        ends = -link.farthest, link.farthest

        def miss(mu: float) -> float:
            return float(mean_rate(np.array([mu]), tau, name)[0]) - rate

        return float(link.rate(np.array([brentq(miss, *ends, xtol=1e-12)]))[0])
    transform = TRANSFORMS[str(spec.transform)]
    size = turning_size(counts, spec, tau2) if spec.back_n is not None else None
    low, high = transform.limits
    low, high = max(low, -700.0), min(high, 700.0)

    def short(mu: float) -> float:
        return float(transform.mean_rate(np.array([mu]), np.array([tau2]), size)[0]) - rate

    if short(low) >= 0 or short(high) <= 0:
        at = low if short(low) >= 0 else high
    else:
        at = brentq(short, low, high, xtol=1e-12)
    typical = float(transform.inverse(np.array([at]), size)[0])
    return min(max(typical, 1e-12), 1 - 1e-12)
