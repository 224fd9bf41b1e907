"""The marginal likelihood of one binomial count under a normal effect on any link, and its derivatives.

For counts x of n, a rate p(theta) and ``theta = mu + tau z`` with z standard normal,

    L(mu, tau) = log  integral  Binomial(x; n, p(mu + tau z)) phi(z) dz .

The integrand is summed by trapezoids in the coordinate of :mod:`metaresp.kernel.counts.link_tracks`, over a
window that holds every place within ``nats`` of the highest.  Steps are halved until that moves the sum by
less than ``exp(-0.75 nats)``; halving about squares the error of a trapezoidal sum (Trefethen and Weideman
2014, SIAM Review 56, theorem 5.1).
"""

from functools import cache

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, chunked
from metaresp.kernel.counts import one_patient, shared_nodes
from metaresp.kernel.counts.link_tracks import TRACKS, Study, Track, log_likelihood, score_of
from metaresp.kernel.counts.link_windows import Piece, windows
from metaresp.kernel.counts.links import LINKS, Link
from metaresp.kernel.counts.moments import Moments, by_positions, central
from metaresp.kernel.counts.quadrature import FULL, SMALL_TAU
from metaresp.kernel.numerics.special import HALF_LOG_2PI

_STANDS = 0.75  # share of nats by which a sum may still move at the last halving
_INTERVALS = 48  # of the second sum
_LEVELS = 12  # halvings
_NODES = 60_000  # in one working array
_LEAST_TAU = 1e-9  # below this share of mu, and of 1, tau is 0: the likelihood moves by n tau**2
_TAIL_NATS = 40.0


def _integrand(
    track: Track, study: Study, top: FloatArray, ref: FloatArray, distance: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the integrand at *distance* in s from the mode, z there less z at the mode, and s.

    The exponent of the prior is formed from distances: at a mean of 1e4 and a tau of 1e-3 nothing is lost.
    """
    wide = Study(*(field[:, None] for field in study))
    top = top[:, None]
    d = track.shift(top, distance) / wide.tau
    z = (track.theta(top) - wide.mu) / wide.tau + d
    s = top + distance
    f = log_likelihood(wide, *track.logs(s)) - 0.5 * z * z + track.stretch(s) - ref[:, None]
    return np.exp(np.maximum(f, -745.0, out=f), out=f), d, s


def _add(track: Track, study: Study, top: FloatArray, ref: FloatArray, distance: FloatArray) -> FloatArray:
    """Return sums of the integrand times powers 0 to 4 of z less its mode, shape (5, studies)."""
    f, d, _ = _integrand(track, study, top, ref, distance)
    out = np.empty((5, f.shape[0]))
    for power in range(5):
        out[power] = f.sum(axis=-1)
        f *= d
    return out


def _sum(
    track: Track, study: Study, piece: Piece, top: FloatArray, ref: FloatArray, nats: float, refine: int
) -> FloatArray:
    """Return the moments of every piece by trapezoids, halved until they stand still; shape (5, pieces)."""
    mine = study.take(piece.owner)
    top, ref, width = top[piece.owner], ref[piece.owner], piece.right - piece.left
    tolerance = max(np.exp(-_STANDS * nats), 1e-14)
    total = np.empty((5, width.size))
    alive = np.arange(width.size)
    before = np.full(width.size, np.inf)
    extra = np.full(width.size, refine.bit_length() - 1)
    for level in range(-1, _LEVELS):
        intervals = _INTERVALS >> 1 if level < 0 else _INTERVALS << level
        share = np.arange(intervals + 1) / intervals if level < 0 else np.arange(1, intervals, 2) / intervals
        fresh = np.empty((5, alive.size))
        for part in chunked(alive.size, share.size, _NODES):
            rows = alive[part]
            distance = (piece.left[rows] - top[rows])[:, None] + width[rows, None] * share
            fresh[:, part] = _add(track, mine.take(rows), top[rows], ref[rows], distance)
        total[:, alive] = fresh if level < 0 else total[:, alive] + fresh
        mass = total[0, alive] / intervals
        still = np.abs(mass - before[alive]) <= tolerance * mass
        extra[alive] -= still
        before[alive] = mass
        done = still & (extra[alive] < 0)
        if level == _LEVELS - 1:
            done[:] = True
        total[:, alive[done]] *= width[alive[done]] / (intervals * mine.tau[alive[done]])
        alive = alive[~done]
        if not alive.size:
            break
    return total


@cache
def _legendre() -> tuple[FloatArray, FloatArray]:
    nodes, weights = special.roots_legendre(64)
    return 0.5 * (nodes + 1), 0.5 * weights


def _beyond(study: Study, centre: FloatArray, ref: FloatArray) -> FloatArray:
    """Return the moments of the trials whose rate is 1 on the log link, where theta is 0 or more."""
    cut = -study.mu / study.tau
    first = np.maximum(cut, -9.0)
    length = np.where(
        first > 0, 2 * _TAIL_NATS / (first + np.sqrt(first * first + 2 * _TAIL_NATS)), 9.0 - first
    )
    share, weight = _legendre()
    z = first[:, None] + length[:, None] * share
    f = np.exp(np.maximum(-0.5 * z * z - ref[:, None], -745.0)) * weight * length[:, None]
    d = z - ((centre - study.mu) / study.tau)[:, None]
    out = np.empty((5, z.shape[0]))
    for power in range(5):
        out[power] = f.sum(axis=-1)
        f *= d
    return out


def _from_scores(
    link: Link, track: Track, study: Study, piece: Piece, top: FloatArray, ref: FloatArray
) -> Moments:
    """Differentiate by the posterior moments of the score, for tau near 0, where the integrand is normal."""
    width = piece.right - piece.left
    distance = (piece.left - top)[:, None] + width[:, None] * (np.arange(129) / 128)
    f, d, s = _integrand(track, study, top, ref, distance)
    mass = f.sum(axis=-1)
    f /= mass[:, None]
    wide = Study(*(field[:, None] for field in study))
    theta = track.theta(s)
    z = (track.theta(top) - study.mu)[:, None] / wide.tau + d
    u, c = score_of(link, wide, theta)
    uz = u * z
    mean_u, mean_uz = (f * u).sum(axis=-1), (f * uz).sum(axis=-1)
    du, duz = u - mean_u[:, None], uz - mean_uz[:, None]
    return Moments(
        ref + np.log(mass * width / (128 * study.tau)) - HALF_LOG_2PI,
        mean_u,
        mean_uz,
        (f * (du * du - c)).sum(axis=-1),
        (f * (du * duz - c * z)).sum(axis=-1),
        (f * (duz * duz - c * z * z)).sum(axis=-1),
    )


def _no_spread(link: Link, track: Track, study: Study) -> Moments:
    """Take one rate for all studies: tau = 0."""
    mu = np.minimum(study.mu, -1e-15) if link is LINKS["log"] else study.mu
    u, c = score_of(link, study, mu)
    zero = np.zeros_like(u)
    return Moments(log_likelihood(study, *track.logs(track.at(mu))), u, zero, -c, zero, u * u - c)


def _spread(name: str, study: Study, nats: float, refine: int) -> Moments:
    link, track = LINKS[name], TRACKS[name]
    pieces, top, ref = windows(link, track, study, nats)
    limited = name == "log"
    if limited:
        ref = np.where((study.y == 0) & (study.mu > 0), 0.0, ref)
    scores = (study.tau < SMALL_TAU) & (study.tau**2 * study.n < 1)
    if limited:
        scores &= study.mu < -10 * study.tau
    out = Moments(*np.empty((6, top.size)))
    rows = np.flatnonzero(scores)
    if rows.size:
        window = Piece(rows, pieces[0].left[rows], pieces[0].right[rows])
        out.put(rows, _from_scores(link, track, study.take(rows), window, top[rows], ref[rows]))
    rows = np.flatnonzero(~scores)
    if rows.size:
        centre = track.theta(top)
        total = np.zeros((5, top.size))
        for piece in pieces:
            wanted = ~scores[piece.owner]
            part = Piece(piece.owner[wanted], piece.left[wanted], piece.right[wanted])
            total[:, part.owner] += _sum(track, study, part, top, ref, nats, refine)
        full = np.flatnonzero((study.y == 0) & ~scores) if limited else np.empty(0, dtype=np.int64)
        if full.size:
            total[:, full] += _beyond(study.take(full), centre[full], ref[full])
        mass = total[0, rows]
        raw = [total[r, rows] / mass for r in range(1, 5)]
        mean = (centre[rows] - study.mu[rows]) / study.tau[rows] + raw[0]
        value = ref[rows] + np.log(mass) - HALF_LOG_2PI
        out.put(rows, by_positions(value, mean, central(*raw), study.tau[rows]))
    return out


def moments(
    link: str,
    x: FloatArray,
    n: FloatArray,
    mu: FloatArray,
    tau: FloatArray,
    nats: float = FULL,
    refine: int = 1,
) -> Moments:
    """Return log-likelihood and derivatives of every study of every lane.

    Parameters
    ----------
    link : str
        A name of ``LINKS``.
    x, n : float array, shape (lanes, k)
        Counts; n at least 1.
    mu, tau : float array, shape (lanes,)
        Mean and standard deviation of theta; tau >= 0.
    nats : float
        Accuracy: errors are about ``exp(-nats)``.
    refine : int
        Multiplies the number of nodes (to show that more change nothing); a power of 2.

    Returns
    -------
    Moments
        Fields of shape (lanes, k).
    """
    closed = one_patient.serves(link, n, tau)
    if closed.size and closed.all():
        return one_patient.moments(link, x, mu, tau)
    out, left = Moments(*np.empty((6, *x.shape))), np.flatnonzero(~closed)
    rows = np.flatnonzero(closed)
    if rows.size:
        out.put(rows, one_patient.moments(link, x[rows], mu[rows], tau[rows]))
    if shared_nodes.serves(link):
        small = _narrow(mu[left], tau[left])
        narrow, wide = left[small], left[~small]
        part = x[wide], n[wide], mu[wide], tau[wide]
        some = Moments(*np.empty((6, *part[0].shape)))
        left = np.concatenate([narrow, wide[shared_nodes.fill(link, *part, nats, refine, some)]])
        out.put(wide, some)
    if left.size:
        out.put(left, _each(link, x[left], n[left], mu[left], tau[left], nats, refine))
    return out


def _narrow(mu: FloatArray, tau: FloatArray) -> BoolArray:
    """Tell where tau is as good as 0."""
    narrow: BoolArray = tau <= _LEAST_TAU * np.maximum(np.abs(mu), 1.0)
    return narrow


def _each(
    link: str, x: FloatArray, n: FloatArray, mu: FloatArray, tau: FloatArray, nats: float, refine: int
) -> Moments:
    """Return the moments by nodes about each study's own mode."""
    k = x.shape[1]
    study = Study(x.ravel(), (n - x).ravel(), n.ravel(), np.repeat(mu, k), np.repeat(tau, k))
    out = Moments(*np.empty((6, x.size)))
    narrow = _narrow(study.mu, study.tau)
    with np.errstate(over="ignore", under="ignore"):
        rows = np.flatnonzero(narrow)
        if rows.size:
            out.put(rows, _no_spread(LINKS[link], TRACKS[link], study.take(rows)))
        rows = np.flatnonzero(~narrow)
        if rows.size:
            out.put(rows, _spread(link, study.take(rows), nats, refine))
    return Moments(*(field.reshape(x.shape) for field in out))
