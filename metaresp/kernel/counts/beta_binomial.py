"""Maximum likelihood for the beta-binomial model, lane by lane in one batch, with profile intervals.

Each study's rate has a beta distribution with mean p and intraclass correlation rho; its count is binomial
given the rate (Skellam 1948, JRSS B 10:257; Griffiths 1973, Biometrics 29:637).  The search runs over
mu = logit p and ``u = log1p(N theta)`` with ``theta = rho / (1 - rho)`` and N the largest study: near rho = 0
the likelihood is smooth in theta, far from it in log theta.  R: ``VGAM::vglm(betabinomial)``,
``aod::betabin``.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked
from metaresp.kernel.counts import beta_binomial_terms
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK
from metaresp.kernel.numerics import profile, ridge
from metaresp.kernel.numerics.profile import Limits, Search
from metaresp.kernel.numerics.ridge import Beside, Profile
from metaresp.kernel.numerics.special import saturated
from metaresp.kernel.numerics.surface import Bounds, Local, Top, highest

RHO_ONE, RHO_UNKNOWN, NO_MEAN = 3, 4, 5
THETA_MAX = 1e12  # a likelihood that still rises here rises up to rho = 1
FARTHEST = 250.0  # a logit beyond which a rate is 0 or 1 to the last digit
_SCAN_TOP = 30.0  # theta up to which hills are looked for: rho = 0.97
_DENSE = np.array([0.0, 0.12, 0.35, 0.7, 1.1, 1.6, 2.3, 3.1, 4.1])  # points of the scan in u
_SPACING = 0.6  # beyond them; hills of the likelihood in log theta are about as wide
_HILLS = 3
_MEAN_STEPS = 3
_WIDTH = 80  # floats that one study takes in the working arrays


class Fit(NamedTuple):
    """Maximum likelihood estimates; fields of shape (lanes,)."""

    mu: FloatArray  # logit of the mean rate; NaN without an event, or without a non-event
    rho: FloatArray  # intraclass correlation, 0 to 1
    se: FloatArray  # of mu, from the observed information of both parameters; given rho where it is 0 or 1
    loglik: FloatArray  # with the binomial coefficients
    loglik_common: FloatArray  # its maximum at rho = 0
    loglik_saturated: FloatArray  # every study at its own rate
    reason: IntArray
    hill_mu: FloatArray  # where climbs ended, rho = 0 first, shape (lanes, hills)
    hill_top: FloatArray  # how high, less the saturated one; minus infinity where a lane has fewer

    @property
    def mu_common(self) -> FloatArray:
        """The maximum at rho = 0."""
        return self.hill_mu[:, 0]


class Counts(NamedTuple):
    """Lanes with what the search needs to know of them."""

    x: FloatArray  # (lanes, k)
    n: FloatArray
    copies: FloatArray
    size: FloatArray  # (lanes,): the largest study
    known: BoolArray  # (lanes,): whether any study holds two patients, and so tells of rho

    def theta(self, rows: IntArray, u: FloatArray) -> FloatArray:
        """Return theta at *u*, for the lanes at *rows*."""
        result: FloatArray = np.expm1(u) / self.size[rows]
        return result

    def surface(self, rows: IntArray, mu: FloatArray, u: FloatArray) -> Local:
        """Return the log-likelihood, less the saturated one, and its derivatives by mu and u."""
        theta = self.theta(rows, u)
        whole = rows.size == self.size.size and np.array_equal(rows, np.arange(rows.size))
        x, n, copies = (field if whole else field[rows] for field in self[:3])
        out = evaluate(x, n, copies, mu, theta)
        stretch = theta + 1 / self.size[rows]
        return Local(
            out.value,
            out.d_a,
            out.d_b * stretch,
            out.d_a_a,
            out.d_a_b * stretch,
            (out.d_b_b * stretch + out.d_b) * stretch,
        )

    def crosswise(self, rows: IntArray, u: FloatArray, mu: FloatArray) -> Local:
        """Return the surface with u as the parameter of interest."""
        return self.surface(rows, mu, u).swapped()

    def bounds(self) -> Bounds:
        """Return where u is looked for."""
        return Bounds(np.zeros(self.size.size), self.longest())

    def longest(self) -> FloatArray:
        """Return the greatest u, shape (lanes,); 0 where rho is not identified."""
        return np.where(self.known, np.log1p(self.size * THETA_MAX), 0.0)

    def grid(self) -> FloatArray:
        """Return 0 and values of u at which hills are looked for, NaN behind; shape (lanes, points)."""
        last = np.where(self.known, np.log1p(self.size * _SCAN_TOP), 0.0)[:, None]
        points = int(np.ceil(max(last.max(initial=0.0) - _DENSE[-1], 0.0) / _SPACING)) + 1
        u = np.concatenate([_DENSE, _DENSE[-1] + _SPACING * np.arange(1, points)])
        inner = np.where(u <= last, u, np.nan)
        inner[:, :1] = 0.0
        return inner


def evaluate(x: FloatArray, n: FloatArray, copies: FloatArray, mu: FloatArray, theta: FloatArray) -> Local:
    """Return the log-likelihood of each lane, less the saturated one, and its derivatives.

    Parameters
    ----------
    x, n, copies : float array, shape (lanes, k)
        Counts and multiplicities; n at least 1 everywhere, also where ``copies`` is 0.
    mu, theta : float array, shape (lanes,)
        Logit of the mean rate, and ``rho / (1 - rho)``.

    Returns
    -------
    Local
        Derivatives by mu (a) and theta (b).
    """
    out = np.empty((6, mu.size))
    for part in chunked(mu.size, _WIDTH * x.shape[1]):
        study = beta_binomial_terms.terms(x[part], n[part], mu[part], theta[part])
        for row, field in zip(out, study, strict=True):
            np.einsum("lk,lk->l", copies[part], field, out=row[part])
    return Local(*out)


def counts(x: FloatArray, n: FloatArray, copies: FloatArray) -> Counts:
    """Return lanes with what the search needs to know of them."""
    size = np.where(copies > 0, n, 1.0).max(axis=-1)
    return Counts(x, n, copies, size, size > 1)


def fit(x: FloatArray, n: FloatArray, copies: FloatArray) -> Fit:
    """Maximise the likelihood over mu and rho in [0, 1].

    ``rho = 0`` is compared, never assumed; a grid of rho finds the hills of the profile likelihood, and
    the top of each is reached by Newton's method on the analytic derivatives.  Where every study is at 0
    or n the likelihood rises up to ``rho = 1``, where a study counts as one patient: ``reason`` is RHO_ONE.
    Where no study holds two patients rho is not identified: it is 0, ``reason`` RHO_UNKNOWN.  Without an
    event, or without a non-event, there is no mu: ``reason`` is NO_MEAN.

    Parameters
    ----------
    x, n, copies : float array, shape (lanes, k)
        Counts and multiplicities; n at least 1 everywhere, also where ``copies`` is 0.

    Returns
    -------
    Fit
    """
    total_x, total_y = (np.einsum("lk,lk->l", copies, field) for field in (x, n - x))
    has_mean = (total_x > 0) & (total_y > 0)
    lanes = np.flatnonzero(has_mean)
    if lanes.size == has_mean.size:
        return _fit(x, n, copies, np.log(total_x) - np.log(total_y))
    found = _fit(x[lanes], n[lanes], copies[lanes], np.log(total_x[lanes]) - np.log(total_y[lanes]))
    out = Fit(*(np.full((has_mean.size, *field.shape[1:]), np.nan) for field in found))
    out = out._replace(reason=np.full(has_mean.size, NO_MEAN))
    for whole, part in zip(out, found, strict=True):
        whole[lanes] = part
    return out


def _fit(x: FloatArray, n: FloatArray, copies: FloatArray, mu_common: FloatArray) -> Fit:
    data = counts(x, n, copies)
    every = np.arange(mu_common.size)
    common = data.surface(every, mu_common, np.zeros(every.size))
    extreme = ((x == 0) | (x == n) | (copies == 0)).all(axis=-1) & data.known
    known = Top(mu_common, np.zeros(every.size), common, np.ones(every.size, dtype=np.bool_))
    starts = _starts(data, np.flatnonzero(data.known & ~extreme), mu_common, common)
    (mu, u, local, converged), hills = highest(data.surface, known, starts, data.bounds())
    rho, value = _rho(data.theta(every, u)), local.value
    reason = np.where(data.known, np.where(converged, OK, NOT_CONVERGED), RHO_UNKNOWN)
    information = np.where(u > 0, local.information(), -local.d_a_a)
    if extreme.any():
        rho[extreme], reason[extreme] = 1.0, RHO_ONE
        top = _all_or_none(x[extreme], copies[extreme])
        mu[extreme], information[extreme], value[extreme] = top
    constant = np.einsum("lk,lk->l", copies, saturated(x, n))
    usable = np.where(information > 0, information, -local.d_a_a)
    return Fit(
        mu=mu,
        rho=rho,
        se=1 / np.sqrt(np.where(usable > 0, usable, np.inf)),
        loglik=value + constant,
        loglik_common=common.value + constant,
        loglik_saturated=constant,
        reason=reason,
        hill_mu=hills.a,
        hill_top=hills.value,
    )


def _rho(theta: FloatArray) -> FloatArray:
    result: FloatArray = theta / (1 + theta)
    return result


def _all_or_none(x: FloatArray, copies: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mu, its information and the log-likelihood at rho = 1: a study is one event or none."""
    all_, none = (np.einsum("lk,lk->l", copies, at.astype(np.float64)) for at in (x > 0, x == 0))
    p = all_ / (all_ + none)
    return np.log(all_ / none), none * p, all_ * np.log(p) + none * np.log1p(-p)


def _starts(
    data: Counts, rows: IntArray, mu_common: FloatArray, common: Local
) -> list[tuple[IntArray, FloatArray, FloatArray]]:
    """Return (rows, mu, u) of the highest hills of a scan over u; some steps of mu at each point."""
    if not rows.size:
        return []
    grid = data.grid()[rows, 1:]
    owner, column = np.nonzero(~np.isnan(grid))
    lanes, u = rows[owner], grid[owner, column]
    mu = mean_at(data, lanes, data.theta(lanes, u))
    for _ in range(_MEAN_STEPS):
        s = data.surface(lanes, mu, u)
        # the likelihood is concave in p, so this curvature is positive
        curve = np.maximum(-s.d_a_a - np.tanh(0.5 * mu) * s.d_a, 1e-300)
        step = np.clip(s.d_a / curve, -1.0, 1.0)
        mu = np.clip(mu + step, -FARTHEST, FARTHEST)
    shape = (rows.size, grid.shape[1] + 1)
    value, slope, at = (np.full(shape, fill) for fill in (-np.inf, np.nan, 0.0))
    value[:, 0], slope[:, 0], at[:, 0] = common.value[rows], common.d_b[rows], mu_common[rows]
    value[owner, column + 1] = s.value + step * (s.d_a - 0.5 * step * curve)
    slope[owner, column + 1], at[owner, column + 1] = s.d_b + s.d_a_b * step, mu
    return _hills(rows, data.grid()[rows], value, slope, at)


def _hills(
    rows: IntArray, u: FloatArray, value: FloatArray, slope: FloatArray, mu: FloatArray
) -> list[tuple[IntArray, FloatArray, FloatArray]]:
    """Return where the profile stops rising, the highest such place of each lane first."""
    end = np.full((rows.size, 1), np.nan)
    last = np.isnan(np.column_stack([u[:, 1:], end]))
    after = np.where(last, -1.0, np.column_stack([slope[:, 1:], end]))
    hill = (slope > 0) & (after <= 0)
    height = np.maximum(value, np.column_stack([value[:, 1:], np.full(rows.size, -np.inf)]))
    starts = []
    for _ in range(_HILLS):
        lanes = np.flatnonzero(hill.any(axis=-1))
        cell = np.where(hill, height, -np.inf).argmax(axis=-1)[lanes]
        hill[lanes, cell] = False
        following = np.where(last[lanes, cell], cell, cell + 1)
        rise = slope[lanes, cell]
        share = rise / (rise - np.where(last[lanes, cell], -1.0, slope[lanes, following]))
        start = [a[lanes, cell] + share * (a[lanes, following] - a[lanes, cell]) for a in (mu, u)]
        starts.append((rows[lanes], start[0], start[1]))
    return [start for start in starts if start[0].size]


def mean_at(data: Counts, lanes: IntArray, theta: FloatArray) -> FloatArray:
    """Return the logit of the mean of the rates, each weighted by its precision at *theta*."""
    n = data.n[lanes]
    w = data.copies[lanes] * n / (1 + n * theta[:, None])
    x, y = (np.einsum("lk,lk->l", w, part / n) for part in (data.x[lanes], n - data.x[lanes]))
    result: FloatArray = np.log(x) - np.log(y)
    return result


def _over_u(data: Counts) -> Profile:
    return Profile(data.surface, data.bounds(), data.grid())


def profile_fall(data: Counts, fit: Fit, mu: FloatArray, rows: IntArray) -> FloatArray:
    """Return twice the fall of the profile of the lanes at *rows* from the maximum to *mu* or farther."""
    top = fit.loglik - fit.loglik_saturated
    return ridge.fall(_over_u(data), rows, mu, fit.mu, top, Beside(fit.hill_mu, fit.hill_top))


def mu_limits(data: Counts, fit: Fit, fall: FloatArray) -> Limits:
    """Return the profile-likelihood interval of mu.

    Parameters
    ----------
    data : Counts
    fit : Fit
        The maximum of these lanes.
    fall : float array, shape (lanes,)
        Critical value of twice the log-likelihood.

    Returns
    -------
    Limits
        NaN where there is no mu.
    """
    rows, u, top = _located(data, fit)
    se = np.minimum(fit.se, 5.0)
    guess = np.sqrt(fall) * se, u
    beside = Beside(fit.hill_mu, fit.hill_top)
    search = Search(_over_u(data), fit.mu, top, top - fall / 2, se, _reach(u), *guess, beside)
    return _limits(search, rows)


def rho_limits(data: Counts, fit: Fit, fall: FloatArray) -> Limits:
    """Return the profile-likelihood interval of rho, within [0, 1].

    A limit is 0 or 1 where the profile does not fall to the target before.  As :func:`mu_limits`.
    """
    rows, u, top = _located(data, fit)
    zero = data.surface(rows, fit.mu[rows], u[rows])
    scale = np.ones(u.size)
    scale[rows] = np.clip(1 / np.sqrt(np.maximum(-zero.d_b_b, 1e-6)), 0.05, 3.0)
    grid = fit.mu[:, None] + np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    over_mu, distance = Profile(data.crosswise, _reach(u), grid), np.sqrt(fall) * scale
    search = Search(over_mu, u, top, top - fall / 2, scale, data.bounds(), distance, fit.mu)
    low, high = (_rho(np.expm1(end) / data.size) for end in _limits(search, rows))
    high[high >= _rho(np.array(0.999 * THETA_MAX))] = 1.0
    high[rows[~data.known[rows]]] = 1.0
    return Limits(low, high)


def _reach(u: FloatArray) -> Bounds:
    far = np.full(u.size, FARTHEST)
    return Bounds(-far, far)


def _located(data: Counts, fit: Fit) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the lanes which have a mean, where their maxima lie in u, and how high."""
    rho = np.where(np.isnan(fit.rho), 0.0, fit.rho)
    theta = np.where(rho < 1, rho / np.where(rho < 1, 1 - rho, 1.0), THETA_MAX)
    u = np.minimum(np.log1p(data.size * theta), data.longest())
    return np.flatnonzero(fit.reason != NO_MEAN), u, fit.loglik - fit.loglik_saturated


def _limits(search: Search, rows: IntArray) -> Limits:
    """Return the limits of the lanes at *rows*, NaN elsewhere."""
    out = Limits(*np.full((2, search.centre.size), np.nan))
    if rows.size:
        for whole, part in zip(out, profile.limits(search, rows), strict=True):
            whole[rows] = part
    return out
