"""Maximum likelihood for the binomial-normal model, lane by lane in one batch.

Each study's logit (or its rate on another link) is normal with mean mu and standard deviation tau; its count
is binomial given the rate (Stijnen, Hamza and Ozdemir 2010, Statistics in Medicine 29, model 8; R:
``metafor::rma.glmm``, ``lme4::glmer``).  No count is corrected and no study is left out.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.surface import CountSurface, Sums
from metaresp.kernel.effects.sums import inverse_variance

TAU_MAX = LINKS["logit"].tau_max
OK, NOT_CONVERGED, TAU_UNBOUNDED = 0, 1, 2
_GRID = np.array([0.05, 0.12, 0.25, 0.45, 0.8])  # tau to start from, in ranges of the empirical logits
_STEPS = 80
_DECREMENT = 1e-18  # squared Newton step in standard errors at which a lane retires
_CLOSE = 1e-11  # log-likelihoods nearer than this (relative) are equal: the smaller tau is reported


class Fit(NamedTuple):
    """Maximum likelihood estimates; fields of shape (lanes,)."""

    mu: FloatArray
    tau: FloatArray
    se: FloatArray  # of mu, from the observed information of (mu, tau)
    top: FloatArray  # log-likelihood with its penalty, less the saturated one
    top_common: FloatArray  # the same at tau = 0
    loglik: FloatArray  # without penalty, with the binomial coefficients
    loglik_common: FloatArray  # its maximum at tau = 0
    loglik_saturated: FloatArray  # every study at its own rate
    mu_common: FloatArray
    reason: IntArray

    def take(self, rows: IntArray) -> "Fit":
        """Return the lanes at *rows*."""
        return self._replace(**{name: getattr(self, name)[rows] for name in self._fields})


def fit(data: CountSurface, refine: int = 1) -> Fit:
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
    at_common = mu_common if data.penalty is None else _best_without_spread(data, mu_common)
    common = data.at(at_common, zero)
    best = _State(
        at_common.copy(), zero.copy(), Sums(*(f.copy() for f in common)), np.zeros(zero.size, dtype=np.int64)
    )
    for lanes, mu, tau in _starts(data, common, mu_common):
        if lanes.size:
            found = maximise(data.take(lanes), mu, tau, refine)
            gain = found.sums.value - best.sums.value[lanes]
            better = gain > _CLOSE * (1 + np.abs(best.sums.value[lanes]))
            best.put(lanes[better], found.take(better))
    at_zero = best.tau == 0
    constant = data.saturated()
    plain, plain_common = best.sums.value, common.value
    if data.penalty is not None:
        bare = data._replace(penalty=None)
        plain, plain_common = bare.at(best.mu, best.tau).value, bare.at(mu_common, zero).value
    return Fit(
        mu=best.mu,
        tau=best.tau,
        se=standard_error(best.sums, best.reason == TAU_UNBOUNDED),
        top=best.sums.value,
        top_common=common.value,
        loglik=plain + constant,
        loglik_common=plain_common + constant,
        loglik_saturated=constant,
        mu_common=mu_common,
        reason=np.where(at_zero, OK, np.where(best.tau > 0.5 * data.tau_max, TAU_UNBOUNDED, best.reason)),
    )


def _best_without_spread(data: CountSurface, mu: FloatArray) -> FloatArray:
    """Return the best mu of each lane at tau = 0 under a penalty, by Newton's method from *mu*."""
    zero = np.zeros_like(mu)
    for _ in range(_STEPS):
        s = data.at(mu, zero)
        step = np.clip(s.d_mu / _curve(s), -1.0, 1.0)
        mu = mu + step
        if (np.abs(step * s.d_mu) < _DECREMENT).all():
            break
    return mu


def standard_error(sums: Sums, tau_known: BoolArray) -> FloatArray:
    """Return the standard error of mu from the observed information, given tau where it is flat in tau."""
    a, b, c = -sums.d_mu_mu, -sums.d_mu_tau, -sums.d_tau_tau
    joint = a - b * b / np.where(c > 0, c, np.inf)
    usable = ~tau_known & (c > 0) & (joint > 1e-8 * a)
    result: FloatArray = 1 / np.sqrt(np.where(usable, joint, a))
    return result


class _State(NamedTuple):
    """Where each lane stands."""

    mu: FloatArray
    tau: FloatArray
    sums: Sums
    reason: IntArray

    def put(self, lanes: IntArray, other: "_State") -> None:
        self.mu[lanes], self.tau[lanes], self.reason[lanes] = other.mu, other.tau, other.reason
        for mine, theirs in zip(self.sums, other.sums, strict=True):
            mine[lanes] = theirs

    def take(self, lanes: BoolArray | IntArray) -> "_State":
        return _State(
            self.mu[lanes], self.tau[lanes], Sums(*(f[lanes] for f in self.sums)), self.reason[lanes]
        )


def _starts(
    data: CountSurface, common: Sums, mu_common: FloatArray
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Yield (lanes, mu, tau): the top of a scan over tau, then its further hills where there are any."""
    lanes = common.value.size
    tau, mu = _scan(data)
    if data.farthest > 1e3:  # heavy tails: the mean of far-off studies may lie between two hills
        tau = np.repeat(tau, 2, axis=-1)
        mu = np.stack([mu, np.broadcast_to(mu_common[:, None], mu.shape)], axis=-1).reshape(tau.shape)
    points = tau.shape[1]
    repeat = np.repeat(np.arange(lanes), points)
    repeated, flat = data.take(repeat), tau.ravel()
    longest = np.maximum(2.0, flat) if data.link != "logit" else 2.0
    first = repeated.at(mu.ravel(), flat, quadrature.SCAN)
    moved = mu.ravel() + np.clip(first.d_mu / _curve(first), -longest, longest)
    second = repeated.at(moved, flat, quadrature.SCAN)
    value = (second.value + 0.5 * second.d_mu**2 / _curve(second)).reshape(tau.shape)
    mu = (moved + np.clip(second.d_mu / _curve(second), -longest, longest)).reshape(tau.shape)
    if data.farthest > 1e3:
        better = value.reshape(lanes, -1, 2).argmax(axis=-1) + 2 * np.arange(points // 2)
        value, mu, tau = (np.take_along_axis(field, better, -1) for field in (value, mu, tau))
    below = np.column_stack([common.value, value[:, :-1]])
    above = np.column_stack([value[:, 1:], np.full(lanes, -np.inf)])
    hill = (value >= below) & (value >= above)
    # No hill, and falling from tau = 0 on: nothing to search.
    flat_lane = ~hill.any(axis=-1) & (common.d_tau_tau < 0) & (value[:, 0] < common.value - 1e-3)
    top = np.where(hill.any(axis=-1), np.where(hill, value, -np.inf).argmax(axis=-1), 0)
    go = np.flatnonzero(~flat_lane)
    yield go, mu[go, top[go]], tau[go, top[go]]
    hill[np.arange(lanes), top] = False
    while hill.any():
        more = np.flatnonzero(hill.any(axis=-1))
        top = np.where(hill, value, -np.inf).argmax(axis=-1)
        yield more, mu[more, top[more]], tau[more, top[more]]
        hill[more, top[more]] = False
        if data.link == "logit":
            break


def _scan(data: CountSurface) -> tuple[FloatArray, FloatArray]:
    """Return values of tau to start from, scaled by the range of the studies, and a mean for each."""
    x, n, copies, link = data[:4]
    present = copies > 0
    if link == "logit":
        y = np.log((x + 0.5) / (n - x + 0.5))
        v = 1 / (x + 0.5) + 1 / (n - x + 0.5)
    else:
        p = (x + 0.5) / (n + 1)
        y = LINKS[link].forward(p)
        terms = LINKS[link].log_terms(y)
        v = 1 / ((n + 1) * p * (1 - p) * (terms.d_log_p - terms.d_log_q) ** 2)
    spread = np.where(present, y, -np.inf).max(axis=-1) - np.where(present, y, np.inf).min(axis=-1)
    spread = np.maximum(spread, 0.5)[:, None]
    tau = spread * _GRID if link != "cauchit" else 0.1 * (8 * spread) ** np.linspace(0.0, 1.0, 10)
    mu = np.empty_like(tau)
    for j in range(tau.shape[1]):
        w = copies * inverse_variance(v, tau[:, j, None] ** 2)
        mu[:, j] = np.einsum("lk,lk->l", w, y) / w.sum(axis=-1)
    return np.minimum(tau, LINKS[link].tau_max), mu


def _curve(s: Sums) -> FloatArray:
    """Return the curvature in mu, made positive where the likelihood is not concave."""
    curve: FloatArray = np.maximum(np.abs(s.d_mu_mu), 1e-300)
    return curve


def _step(
    mu: FloatArray, tau: FloatArray, s: Sums, held: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the Newton step in mu and tau and its decrement; uphill also where not concave."""
    a, b, c = _curve(s), -s.d_mu_tau, -s.d_tau_tau
    schur = c - b * b / a
    slope = s.d_tau - b * s.d_mu / a
    floor = 1e-8 * (np.abs(c) + b * b / a) + 1e-300
    d_tau = np.where(held, 0.0, slope / np.maximum(np.abs(schur), floor))
    reach = np.maximum(tau, 0.5)
    d_tau = np.clip(d_tau, -reach, reach)
    d_mu = (s.d_mu - b * d_tau) / a
    limit = 2.0 + 2.0 * tau
    d_mu = np.clip(d_mu, -limit, limit)
    decrement = np.abs(d_mu * s.d_mu) + np.where(held, 0.0, np.abs(d_tau * slope))
    return d_mu, d_tau, decrement


def maximise(data: CountSurface, mu: FloatArray, tau: FloatArray, refine: int = 1) -> _State:
    """Climb from (mu, tau) to the nearest stationary point; lanes retire as they converge."""
    done = _State(mu.copy(), tau.copy(), Sums(*np.empty((6, mu.size))), np.full(mu.size, NOT_CONVERGED))
    alive = np.arange(mu.size)
    sums = data.at(mu, tau, refine=refine)
    done.put(alive, _State(mu, tau, sums, done.reason.copy()))
    length = np.ones(mu.size)
    for _ in range(_STEPS):
        here = done.take(alive)
        held = (here.tau >= data.tau_max) & (here.sums.d_tau >= 0)
        d_mu, d_tau, decrement = _step(here.mu, here.tau, here.sums, held)
        still = length[alive] < 1e-6
        finished = (decrement < _DECREMENT) | still | (here.tau < 1e-6)
        if finished.any():
            ended = alive[finished]
            done.reason[ended] = np.where(
                held[finished],
                TAU_UNBOUNDED,
                np.where(still[finished] & (decrement[finished] > 1e-9), NOT_CONVERGED, OK),
            )
            keep = ~finished
            alive, d_mu, d_tau, here = alive[keep], d_mu[keep], d_tau[keep], here.take(keep)
            if not alive.size:
                break
        shrink = length[alive]
        mu_new = here.mu + shrink * d_mu
        tau_new = np.minimum(np.abs(here.tau + shrink * d_tau), data.tau_max)
        sums = data.take(alive).at(mu_new, tau_new, refine=refine)
        slack = 1e-13 * (1 + np.abs(here.sums.value))
        good = sums.value >= here.sums.value - slack
        length[alive] = np.where(good, np.minimum(1.0, 2 * shrink), 0.35 * shrink)
        done.put(alive[good], _State(mu_new, tau_new, sums, np.full(alive.size, NOT_CONVERGED)).take(good))
    return done


def mean_rate(mu: FloatArray, tau: FloatArray, link: str = "logit", complement: bool = False) -> FloatArray:
    """Return the rate averaged over trials, ``E p(mu + tau z)``, or one less it to full accuracy."""
    one = np.ones((mu.size, 1))
    events = np.zeros((mu.size, 1)) if complement else one
    mean: FloatArray = np.minimum(np.exp(CountSurface(events, one, one, link).each(mu, tau).value[:, 0]), 1.0)
    return mean
