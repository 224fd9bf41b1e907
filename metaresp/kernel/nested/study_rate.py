"""The true rate of each study given the counts of its whole cluster, at given mean and deviations.

The logit of a study has a density proportional to its own likelihood times a mixture of normals about the
logits that its cluster may have, weighted by what the other studies of the cluster say.  That density is
log-concave: it is put on a grid, narrowed until the grid lies where the density matters.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.kernel.counts import link_quadrature, quadrature
from metaresp.kernel.counts.links import LINKS, Link
from metaresp.kernel.nested.link_nodes import at_thetas, what_matters
from metaresp.kernel.nested.nodes import Nested, cluster_window, each_study

_POINTS = 601
_NATS = 36.0  # what lies below this is 1e-16 of the top
_ZOOMS = 80
_FINE = 0.5  # spacing of the cluster's logits in standard deviations of a study's about it
_MOST = 4096  # of them: a deviation within clusters that would need more is taken as 0
_REACH = 9.0
_NEWTON = 8
_NOTHING = -1e5  # log-likelihood of what cannot be

LogDensity = Callable[[FloatArray], FloatArray]


class StudyPosterior(NamedTuple):
    """Mean and equal-tailed limits of each study's rate, in the order of the data; shape (k,)."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


def study_posteriors(data: Nested, at: FloatArray, tail: float) -> StudyPosterior:
    """Return mean and equal-tailed interval of the true rate of every study.

    Parameters
    ----------
    data : Nested
        One lane.
    at : float array, shape (3,)
        mu, tau_between and tau_within.
    tail : float
        Probability beyond each limit.

    Returns
    -------
    StudyPosterior
        All equal to the rate of *mu* where both deviations are 0.
    """
    mu, between, within = (float(value) for value in at)
    k, link = data.x.shape[1], LINKS[data.link]
    if between == 0 and within == 0:
        return StudyPosterior(*np.full((3, k), link.rate(np.array([mu]))[0]))
    centres = np.full((data.groups.first.size, 1), mu)
    others = np.zeros((k, 1))
    if between > 0:
        z = _fine(_window(data, at), between, within)
        if z is None:
            return _shared(data, mu, between, tail)
        centres = mu + between * z
        own = _each(data, centres, within)
        whole = np.add.reduceat(own, data.groups.first, axis=0)[data.groups.owner]
        others = whole - own - 0.5 * z[data.groups.owner] ** 2
    out = StudyPosterior(*np.empty((3, k)))
    for i in range(k):
        about = centres[data.groups.owner[i]]
        ends = about[0] - _REACH * within, about[-1] + _REACH * within
        log = _mixed(data, i, about, others[i], within)
        found = _summary(link, *_narrow(log, *_with_own(data, slice(i, i + 1), *ends)), tail)
        out.mean[i], out.low[i], out.high[i] = found
    return out


def _window(data: Nested, at: FloatArray) -> FloatArray:
    """Return the standard normal z of each cluster beyond which nothing matters, shape (clusters, 2)."""
    if data.link == "logit":
        return cluster_window(data, *at.tolist())
    low, high, _ = what_matters(data, at[None], quadrature.FULL)
    return np.tile(np.concatenate([low, high]), (data.groups.first.size, 1))


def _each(data: Nested, centres: FloatArray, within: float) -> FloatArray:
    """Return the log-likelihood of each study at thetas of its cluster, shape (k, points)."""
    if data.link == "logit":
        return each_study(data, centres, within)
    result: FloatArray = at_thetas(data, centres[:1], np.array([within]), quadrature.FULL, 1)[0, 0]
    return result


def _fine(window: FloatArray, between: float, within: float) -> FloatArray | None:
    """Return nodes over the window of each cluster, finer than a study's deviation; None if too many."""
    span = float((window[:, 1] - window[:, 0]).max())
    if within <= 0 or span * between / (_FINE * within) > _MOST:
        return None
    count = int(span * between / (_FINE * within)) + 33
    nodes: FloatArray = np.linspace(window[:, 0], window[:, 1], count, axis=1)
    return nodes


def _mixed(data: Nested, i: int, centres: FloatArray, others: FloatArray, within: float) -> LogDensity:
    def log(theta: FloatArray) -> FloatArray:
        z = (theta[:, None] - centres) / within
        prior: FloatArray = special.logsumexp(others - 0.5 * z * z, axis=1)
        return prior + _likelihood(data, slice(i, i + 1), theta)

    return log


def _shared(data: Nested, mu: float, between: float, tail: float) -> StudyPosterior:
    """Return the posteriors where the studies of a cluster have one rate."""
    found = []
    ends = np.append(data.groups.first, data.x.shape[1])
    for first, last in itertools.pairwise(ends):
        members = slice(int(first), int(last))

        def log(theta: FloatArray, members: slice = members) -> FloatArray:
            return _likelihood(data, members, theta) - 0.5 * ((theta - mu) / between) ** 2

        low, high = mu - _REACH * between, mu + _REACH * between
        found.append(_summary(LINKS[data.link], *_narrow(log, *_with_own(data, members, low, high)), tail))
    return StudyPosterior(*np.array(found)[data.groups.owner].T)


def _likelihood(data: Nested, members: slice, theta: FloatArray) -> FloatArray:
    x, n = (np.broadcast_to(field[0, members], (theta.size, field[0, members].size)) for field in data[:2])
    none = np.zeros(theta.size)
    if data.link == "logit":
        value = quadrature.moments(x, n, theta, none).value
    else:
        value = link_quadrature.moments(data.link, x, n, theta, none).value
    if data.link == "log":  # where the rate is 1 a non-event is impossible
        value = np.where((theta >= 0)[:, None] & (x < n), _NOTHING, value)
    result: FloatArray = value.sum(axis=1)
    return result


def _with_own(data: Nested, members: slice, low: float, high: float) -> tuple[float, float]:
    """Return the range made to hold the studies' own thetas."""
    own = LINKS[data.link].forward((data.x[0, members] + 0.5) / (data.n[0, members] + 1))
    return min(low, float(own.min()) - 3), max(high, float(own.max()) + 3)


def _narrow(log: LogDensity, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Return a grid over where the density matters, and the density on it, 1 at its top."""
    for _ in range(_ZOOMS):
        theta = np.linspace(low, high, _POINTS)
        value = log(theta)
        inside = np.flatnonzero(value > value.max() - _NATS)
        first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, _POINTS - 1)
        if last - first > _POINTS // 2:
            break
        low, high = float(theta[first]), float(theta[last])
    return theta, np.exp(value - value.max())


def _summary(link: Link, theta: FloatArray, density: FloatArray, tail: float) -> tuple[float, float, float]:
    """Return mean and limits of the rate; the density is integrated as a cubic spline."""
    from scipy.interpolate import CubicSpline

    mean = float((link.rate(theta) * density).sum() / density.sum())
    spline = CubicSpline(theta, density)
    below = spline.antiderivative()
    running = below(theta)
    limits = []
    for share in (tail, 1 - tail):
        target = share * running[-1]
        at = float(np.interp(target, running, theta))
        for _ in range(_NEWTON):
            at -= float((below(at) - target) / max(float(spline(at)), 1e-300))
            at = min(max(at, float(theta[0])), float(theta[-1]))
        limits.append(float(link.rate(np.array([at]))[0]))
    return mean, limits[0], limits[1]
