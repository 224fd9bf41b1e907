"""Maximum likelihood for the binomial-normal model, lane by lane in one batch.

Each study's logit (or its rate on another link) is normal with mean mu and standard deviation tau, or has the
same variance and longer tails (:mod:`metaresp.kernel.counts.effect_shapes`); its count is binomial given the
rate (Stijnen, Hamza and Ozdemir 2010, Statistics in Medicine 29, model 8; R: ``metafor::rma.glmm``,
``lme4::glmer``).  No count is corrected and no study is left out.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.effects.sums import inverse_variance
from metaresp.kernel.numerics.surface import DECREMENT, Bounds, Local, Top, climb, highest

TAU_MAX = LINKS["logit"].tau_max
OK, NOT_CONVERGED, TAU_UNBOUNDED = 0, 1, 2
_GRID = np.array([0.05, 0.12, 0.25, 0.45, 0.8])  # tau to start from, in ranges of the empirical logits
_CENTRES = 3  # means to start from where there may be several hills
_BENT = 0.25  # share of a parabola's fall below which the likelihood has left the parabola at tau = 0
TAU_UNIT = 0.5  # tau is searched on a scale that is linear below this and logarithmic beyond


class Fit(NamedTuple):
    """Maximum likelihood estimates; fields of shape (lanes,)."""

    mu: FloatArray
    tau: FloatArray
    se: FloatArray  # of mu, from the observed information of (mu, tau)
    top: FloatArray  # log-likelihood with its penalty, less the saturated one
    loglik: FloatArray  # without penalty, with the binomial coefficients
    loglik_common: FloatArray  # its maximum at tau = 0
    loglik_saturated: FloatArray  # every study at its own rate
    reason: IntArray
    hill_mu: FloatArray  # where climbs ended, tau = 0 first, shape (lanes, hills)
    hill_tau: FloatArray
    hill_top: FloatArray  # and how high; minus infinity where a lane has fewer

    @property
    def mu_common(self) -> FloatArray:
        """The maximum at tau = 0."""
        return self.hill_mu[:, 0]

    @property
    def top_common(self) -> FloatArray:
        """How high it is, as ``top``."""
        return self.hill_top[:, 0]

    def take(self, rows: IntArray) -> "Fit":
        """Return the lanes at *rows*."""
        return self._replace(**{name: getattr(self, name)[rows] for name in self._fields})


class Scan(NamedTuple):
    """The likelihood at some values of tau, each with about the best mu; fields of shape (lanes, points)."""

    value: FloatArray
    mu: FloatArray
    tau: FloatArray
    rise: FloatArray  # slope in tau along the best mu; NaN where it is not known


def fit(data: CountSurface, refine: int = 1, scan: Scan | None = None) -> Fit:
    """Maximise the likelihood, with its penalty, over mu and tau >= 0.

    ``tau = 0`` is compared, never assumed; a grid of tau, scaled by the range of the empirical
    logits, finds the hills of the profile likelihood, and each hill's top is reached by Newton's
    method on the analytic derivatives.

    Parameters
    ----------
    data : CountSurface
        Every lane holds at least two studies, one event and one non-event.
    refine : int
        Multiplies the number of quadrature nodes.
    scan : Scan, optional
        Where hills are looked for, if that is known already.

    Returns
    -------
    Fit
    """
    total_x, total_n = (np.einsum("lk,lk->l", data.copies, field) for field in (data.x, data.n))
    if data.link == "logit":
        mu_common = np.log(total_x) - np.log(total_n - total_x)
    else:
        mu_common = LINKS[data.link].forward(total_x / total_n)
    zero = np.zeros_like(mu_common)
    surface, every = partial(data.local, refine=refine), np.arange(zero.size)
    at_common = mu_common
    if data.penalty is not None:
        at_common = climb(surface, every, mu_common, zero, Bounds(zero, zero)).a
    common = data.at(at_common, zero)
    known = Top(at_common, zero, common, np.ones(zero.size, dtype=np.bool_))
    starts = _starts(data, common, scan or _scan(data, mu_common))
    close = DECREMENT if data.exact else data.error
    best, hills = highest(surface, known, starts, tau_bounds(data), close)
    mu, tau = best.a, best.b
    unbounded = tau > 0.5 * data.tau_max
    constant = data.saturated()
    plain, plain_common = best.local.value, common.value
    if data.penalty is not None:
        bare = data._replace(penalty=None)
        plain, plain_common = bare.at(mu, tau).value, bare.at(mu_common, zero).value
    return Fit(
        mu=mu,
        tau=tau,
        se=standard_error(best.local, unbounded),
        top=best.local.value,
        loglik=plain + constant,
        loglik_common=plain_common + constant,
        loglik_saturated=constant,
        reason=np.where(unbounded, TAU_UNBOUNDED, np.where(best.converged, OK, NOT_CONVERGED)),
        hill_mu=hills.a,
        hill_tau=hills.b,
        hill_top=hills.value,
    )


def tau_bounds(data: CountSurface) -> Bounds:
    """Return where tau is looked for."""
    return Bounds(np.zeros(data.lanes), np.full(data.lanes, data.tau_max), TAU_UNIT)


def standard_error(at: Local, tau_known: BoolArray) -> FloatArray:
    """Return the standard error of mu from the observed information, given tau where it is flat in tau."""
    alone, joint = -at.d_a_a, at.information()
    result: FloatArray = 1 / np.sqrt(np.where(~tau_known & (joint > 1e-8 * alone), joint, alone))
    return result


def _starts(
    data: CountSurface, common: Local, scan: Scan
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Yield (lanes, mu, tau): the top of a scan over tau, then its further hills where there are any."""
    lanes, (value, mu, tau, rise) = common.value.size, scan
    below = np.column_stack([common.value, value[:, :-1]])
    above = np.column_stack([value[:, 1:], np.full(lanes, -np.inf)])
    hill = (value >= below) & (value >= above)
    # the slope tells of one more between two values, where both are lower than what is beside them
    between = (rise[:, :-1] > 0) & (rise[:, 1:] <= 0) & ~hill[:, :-1] & ~hill[:, 1:]
    hill[:, :-1] |= between & (value[:, :-1] >= value[:, 1:])
    hill[:, 1:] |= between & (value[:, :-1] < value[:, 1:])
    # and one before the first, where a huge study has made it fall from 0 on, but only near 0
    fall, parabola = value[:, 0] - common.value, 0.5 * common.d_b_b * tau[:, 0] ** 2
    hill[:, 0] |= (rise[:, 0] <= 0) & (parabola < 0) & (fall > _BENT * parabola)
    # No hill, and falling from tau = 0 on: nothing to search.
    flat_lane = ~hill.any(axis=-1) & (common.d_b_b < 0) & (value[:, 0] < common.value - 1e-3)
    top = np.where(hill.any(axis=-1), np.where(hill, value, -np.inf).argmax(axis=-1), 0)
    go = np.flatnonzero(~flat_lane)
    yield go, mu[go, top[go]], tau[go, top[go]]
    hill[np.arange(lanes), top] = False
    while hill.any():
        more = np.flatnonzero(hill.any(axis=-1))
        top = np.where(hill, value, -np.inf).argmax(axis=-1)
        yield more, mu[more, top[more]], tau[more, top[more]]
        hill[more, top[more]] = False


def _scan(data: CountSurface, mu_common: FloatArray) -> Scan:
    """Look at some tau, with steps of mu from weighted means and other places."""
    lanes = mu_common.size
    tau, mu, median = places(data)
    if not data.one_hill:  # the mean of far-off studies may lie between two hills
        others = (np.broadcast_to(other[:, None], mu.shape) for other in (mu_common, median))
        mu, tau = np.stack([mu, *others], axis=-1).reshape(lanes, -1), np.repeat(tau, _CENTRES, axis=-1)
    points = tau.shape[1]
    repeat = np.repeat(np.arange(lanes), points)
    repeated, flat = data.take(repeat), tau.ravel()
    longest = np.maximum(2.0, flat) if data.link != "logit" else 2.0
    first = repeated.at(mu.ravel(), flat, quadrature.SCAN)
    moved = mu.ravel() + np.clip(first.d_a / _curve(first), -longest, longest)
    second = repeated.at(moved, flat, quadrature.SCAN)
    step = second.d_a / _curve(second)
    value = (second.value + 0.5 * step * second.d_a).reshape(tau.shape)
    rise = (second.d_b + second.d_a_b * step).reshape(tau.shape)
    mu = (moved + np.clip(step, -longest, longest)).reshape(tau.shape)
    if not data.one_hill:
        better = value.reshape(lanes, -1, _CENTRES).argmax(axis=-1)
        better += _CENTRES * np.arange(points // _CENTRES)
        value, rise, mu, tau = (np.take_along_axis(field, better, -1) for field in (value, rise, mu, tau))
    return Scan(value, mu, tau, rise)


def places(data: CountSurface) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return tau to start from, scaled by the range of the studies, a mean for each, and the median."""
    x, n, copies, link = data[:4]
    present = copies > 0
    if link == "logit":
        y = np.log((x + 0.5) / (n - x + 0.5))
        v = 1 / (x + 0.5) + 1 / (n - x + 0.5)
    else:
        y, v = LINKS[link].empirical(x, n)
    spread = np.where(present, y, -np.inf).max(axis=-1) - np.where(present, y, np.inf).min(axis=-1)
    spread = np.maximum(spread, 0.5)[:, None]
    tau = spread * _GRID if link != "cauchit" else 0.1 * (8 * spread) ** np.linspace(0.0, 1.0, 10)
    mu = np.empty_like(tau)
    for j in range(tau.shape[1]):
        w = copies * inverse_variance(v, tau[:, j, None] ** 2)
        mu[:, j] = np.einsum("lk,lk->l", w, y) / w.sum(axis=-1)
    order = np.argsort(np.where(present, y, np.inf), axis=-1)
    below = np.take_along_axis(copies, order, axis=-1).cumsum(axis=-1)
    middle = (below >= 0.5 * below[:, -1:]).argmax(axis=-1)[:, None]
    median = np.take_along_axis(y, np.take_along_axis(order, middle, axis=-1), axis=-1)[:, 0]
    return np.minimum(tau, LINKS[link].tau_max), mu, median


def _curve(s: Local) -> FloatArray:
    """Return the curvature in mu, made positive where the likelihood is not concave."""
    curve: FloatArray = np.maximum(np.abs(s.d_a_a), 1e-300)
    return curve


def mean_rate(
    mu: FloatArray,
    tau: FloatArray,
    link: str = "logit",
    complement: bool = False,
    effects: str = "normal",
) -> FloatArray:
    """Return the rate averaged over trials, ``E p(mu + tau z)``, or one less it to full accuracy."""
    one = np.ones((mu.size, 1))
    events = np.zeros((mu.size, 1)) if complement else one
    each = CountSurface(events, one, one, link, effects=effects).each(mu, tau)
    mean: FloatArray = np.minimum(np.exp(each.value[:, 0]), 1.0)
    return mean
