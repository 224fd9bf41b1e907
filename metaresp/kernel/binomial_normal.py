"""Maximum likelihood for the binomial-normal model, lane by lane in one batch.

Each study's logit (or its rate on another link) is normal with mean mu and standard deviation tau; its count
is binomial given the rate (Stijnen, Hamza and Ozdemir 2010, Statistics in Medicine 29, model 8; R:
``metafor::rma.glmm``, ``lme4::glmer``).  No count is corrected and no study is left out.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked
from metaresp.kernel import link_quadrature, quadrature
from metaresp.kernel.links import LINKS
from metaresp.kernel.sums import inverse_variance

TAU_MAX = LINKS["logit"].tau_max
OK, NOT_CONVERGED, TAU_UNBOUNDED = 0, 1, 2
_GRID = np.array([0.05, 0.12, 0.25, 0.45, 0.8])  # tau to start from, in ranges of the empirical logits
_STEPS = 80
_DECREMENT = 1e-18  # squared Newton step in standard errors at which a lane retires
_CLOSE = 1e-11  # log-likelihoods nearer than this (relative) are equal: the smaller tau is reported
_ELEMENTS = 60_000  # lanes are worked on in blocks of about this many nodes, to stay in cache


class Sums(NamedTuple):
    """Log-likelihood of each lane with gradient and Hessian; fields of shape (lanes,)."""

    value: FloatArray
    d_mu: FloatArray
    d_tau: FloatArray
    d_mu_mu: FloatArray
    d_mu_tau: FloatArray
    d_tau_tau: FloatArray


class Fit(NamedTuple):
    """Maximum likelihood estimates; fields of shape (lanes,)."""

    mu: FloatArray
    tau: FloatArray
    se: FloatArray  # of mu, from the observed information of (mu, tau)
    loglik: FloatArray  # with the binomial coefficients
    loglik_common: FloatArray  # its maximum at tau = 0
    loglik_saturated: FloatArray  # every study at its own rate
    mu_common: FloatArray
    reason: IntArray
    link: str = "logit"

    def take(self, rows: IntArray) -> "Fit":
        """Return the lanes at *rows*."""
        return self._replace(**{name: getattr(self, name)[rows] for name in self._fields if name != "link"})


def study_moments(
    link: str,
    x: FloatArray,
    n: FloatArray,
    mu: FloatArray,
    tau: FloatArray,
    nats: float = quadrature.FULL,
    refine: int = 1,
) -> quadrature.Moments:
    """Return log-likelihood and derivatives of every study, as ``quadrature.moments`` does."""
    if link == "logit":
        return quadrature.moments(x, n, mu, tau, nats, refine)
    return link_quadrature.moments(link, x, n, mu, tau, nats, refine)


def evaluate(
    x: FloatArray,
    n: FloatArray,
    copies: FloatArray,
    mu: FloatArray,
    tau: FloatArray,
    nats: float = quadrature.FULL,
    refine: int = 1,
    link: str = "logit",
) -> Sums:
    """Return the log-likelihood (less the saturated one) and its derivatives.

    Parameters
    ----------
    x, n, copies : float array, shape (lanes, k)
        Counts and multiplicities; n at least 1 everywhere, also where ``copies`` is 0.
    mu, tau : float array, shape (lanes,)
    nats, refine
        As in :func:`metaresp.kernel.quadrature.moments`.
    link : str
        A name of ``metaresp.kernel.links.LINKS``.
    """
    out = np.empty((6, mu.size))
    for part in chunked(mu.size, 24 * x.shape[1], _ELEMENTS):
        study = study_moments(link, x[part], n[part], mu[part], tau[part], nats, refine)
        for row, field in zip(out, study, strict=True):
            np.einsum("lk,lk->l", copies[part], field, out=row[part])
    return Sums(*out)


def fit(x: FloatArray, n: FloatArray, copies: FloatArray, refine: int = 1, link: str = "logit") -> Fit:
    """Maximise the likelihood over mu and tau >= 0.

    ``tau = 0`` is compared, never assumed; a grid of tau, scaled by the range of the empirical
    logits, finds the hills of the profile likelihood, and each hill's top is reached by Newton's
    method on the analytic derivatives.

    Parameters
    ----------
    x, n, copies : float array, shape (lanes, k)
        Every lane holds at least two studies, one event and one non-event.
    refine : int
        Multiplies the number of quadrature nodes.
    link : str
        A name of ``metaresp.kernel.links.LINKS``.

    Returns
    -------
    Fit
    """
    total_x, total_n = (np.einsum("lk,lk->l", copies, field) for field in (x, n))
    if link == "logit":
        mu_common = np.log(total_x) - np.log(total_n - total_x)
    else:
        mu_common = LINKS[link].forward(total_x / total_n)
    zero = np.zeros_like(mu_common)
    common = evaluate(x, n, copies, mu_common, zero, link=link)
    best = _State(
        mu_common.copy(), zero.copy(), Sums(*(f.copy() for f in common)), np.zeros(zero.size, dtype=np.int64)
    )
    for lanes, mu, tau in _starts(x, n, copies, common, mu_common, link):
        if lanes.size:
            found = maximise(x[lanes], n[lanes], copies[lanes], mu, tau, refine, link)
            gain = found.sums.value - best.sums.value[lanes]
            better = gain > _CLOSE * (1 + np.abs(best.sums.value[lanes]))
            best.put(lanes[better], found.take(better))
    at_zero = best.tau == 0
    constant = np.einsum("lk,lk->l", copies, quadrature.saturated(x, n))
    return Fit(
        mu=best.mu,
        tau=best.tau,
        se=standard_error(best.sums, best.reason == TAU_UNBOUNDED),
        loglik=best.sums.value + constant,
        loglik_common=common.value + constant,
        loglik_saturated=constant,
        mu_common=mu_common,
        reason=np.where(
            at_zero, OK, np.where(best.tau > 0.5 * LINKS[link].tau_max, TAU_UNBOUNDED, best.reason)
        ),
        link=link,
    )


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
    x: FloatArray, n: FloatArray, copies: FloatArray, common: Sums, mu_common: FloatArray, link: str
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Yield (lanes, mu, tau): the top of a scan over tau, then its further hills where there are any."""
    lanes = common.value.size
    tau, mu = _scan(x, n, copies, link)
    if LINKS[link].farthest > 1e3:  # heavy tails: the mean of far-off studies may lie between two hills
        tau = np.repeat(tau, 2, axis=-1)
        mu = np.stack([mu, np.broadcast_to(mu_common[:, None], mu.shape)], axis=-1).reshape(tau.shape)
    points = tau.shape[1]
    repeat = np.repeat(np.arange(lanes), points)
    xs, ns, cs, flat = x[repeat], n[repeat], copies[repeat], tau.ravel()
    longest = np.maximum(2.0, flat) if link != "logit" else 2.0
    first = evaluate(xs, ns, cs, mu.ravel(), flat, quadrature.SCAN, link=link)
    moved = mu.ravel() + np.clip(first.d_mu / _curve(first), -longest, longest)
    second = evaluate(xs, ns, cs, moved, flat, quadrature.SCAN, link=link)
    value = (second.value + 0.5 * second.d_mu**2 / _curve(second)).reshape(tau.shape)
    mu = (moved + np.clip(second.d_mu / _curve(second), -longest, longest)).reshape(tau.shape)
    if LINKS[link].farthest > 1e3:
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
        if link == "logit":
            break


def _scan(x: FloatArray, n: FloatArray, copies: FloatArray, link: str) -> tuple[FloatArray, FloatArray]:
    """Return values of tau to start from, scaled by the range of the studies, and a mean for each."""
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


def maximise(
    x: FloatArray,
    n: FloatArray,
    copies: FloatArray,
    mu: FloatArray,
    tau: FloatArray,
    refine: int = 1,
    link: str = "logit",
) -> _State:
    """Climb from (mu, tau) to the nearest stationary point; lanes retire as they converge."""
    done = _State(mu.copy(), tau.copy(), Sums(*np.empty((6, mu.size))), np.full(mu.size, NOT_CONVERGED))
    alive = np.arange(mu.size)
    tau_max = LINKS[link].tau_max
    sums = evaluate(x, n, copies, mu, tau, refine=refine, link=link)
    done.put(alive, _State(mu, tau, sums, done.reason.copy()))
    length = np.ones(mu.size)
    for _ in range(_STEPS):
        here = done.take(alive)
        held = (here.tau >= tau_max) & (here.sums.d_tau >= 0)
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
        tau_new = np.minimum(np.abs(here.tau + shrink * d_tau), tau_max)
        sums = evaluate(x[alive], n[alive], copies[alive], mu_new, tau_new, refine=refine, link=link)
        slack = 1e-13 * (1 + np.abs(here.sums.value))
        good = sums.value >= here.sums.value - slack
        length[alive] = np.where(good, np.minimum(1.0, 2 * shrink), 0.35 * shrink)
        done.put(alive[good], _State(mu_new, tau_new, sums, np.full(alive.size, NOT_CONVERGED)).take(good))
    return done


def information(
    x: FloatArray, n: FloatArray, mu: FloatArray, tau: FloatArray, link: str = "logit"
) -> FloatArray:
    """Return what each study tells about mu given tau, ``-d2 L_i / d mu2``, shape (lanes, k)."""
    out = np.empty(x.shape)
    for part in chunked(mu.size, 24 * x.shape[1], _ELEMENTS):
        out[part] = -study_moments(link, x[part], n[part], mu[part], tau[part]).d_mu_mu
    return out


def mean_rate(mu: FloatArray, tau: FloatArray, link: str = "logit", complement: bool = False) -> FloatArray:
    """Return the rate averaged over trials, ``E p(mu + tau z)``, or one less it to full accuracy."""
    one = np.ones((mu.size, 1))
    events = np.zeros((mu.size, 1)) if complement else one
    mean: FloatArray = np.exp(study_moments(link, events, one, mu, tau).value[:, 0])
    return mean
