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
from metaresp.kernel.counts import quadrature
from metaresp.kernel.nested.nodes import Nested, cluster_window, each_study

_POINTS = 601
_NATS = 36.0  # what lies below this is 1e-16 of the top
_ZOOMS = 80
_FINE = 0.5  # spacing of the cluster's logits in standard deviations of a study's about it
_MOST = 4096  # of them: a deviation within clusters that would need more is taken as 0
_REACH = 9.0
_NEWTON = 8

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
    k = data.x.shape[1]
    if between == 0 and within == 0:
        return StudyPosterior(*np.full((3, k), special.expit(mu)))
    centres = np.full((data.groups.first.size, 1), mu)
    others = np.zeros((k, 1))
    if between > 0:
        z = _fine(cluster_window(data, mu, between, within), between, within)
        if z is None:
            return _shared(data, mu, between, tail)
        centres = mu + between * z
        own = each_study(data, centres, within)
        whole = np.add.reduceat(own, data.groups.first, axis=0)[data.groups.owner]
        others = whole - own - 0.5 * z[data.groups.owner] ** 2
    out = StudyPosterior(*np.empty((3, k)))
    for i in range(k):
        about = centres[data.groups.owner[i]]
        ends = about[0] - _REACH * within, about[-1] + _REACH * within
        log = _mixed(data.x[0, i], data.n[0, i], about, others[i], within)
        found = _summary(*_narrow(log, *_with_own(data, slice(i, i + 1), *ends)), tail)
        out.mean[i], out.low[i], out.high[i] = found
    return out


def _fine(window: FloatArray, between: float, within: float) -> FloatArray | None:
    """Return nodes over the window of each cluster, finer than a study's deviation; None if too many."""
    span = float((window[:, 1] - window[:, 0]).max())
    if within <= 0 or span * between / (_FINE * within) > _MOST:
        return None
    count = int(span * between / (_FINE * within)) + 33
    nodes: FloatArray = np.linspace(window[:, 0], window[:, 1], count, axis=1)
    return nodes


def _mixed(x: float, n: float, centres: FloatArray, others: FloatArray, within: float) -> LogDensity:
    def log(theta: FloatArray) -> FloatArray:
        z = (theta[:, None] - centres) / within
        prior: FloatArray = special.logsumexp(others - 0.5 * z * z, axis=1)
        return prior + _likelihood(np.array([x]), np.array([n]), theta)

    return log


def _shared(data: Nested, mu: float, between: float, tail: float) -> StudyPosterior:
    """Return the posteriors where the studies of a cluster have one rate."""
    found = []
    ends = np.append(data.groups.first, data.x.shape[1])
    for first, last in itertools.pairwise(ends):
        members = slice(int(first), int(last))

        def log(theta: FloatArray, members: slice = members) -> FloatArray:
            return _likelihood(data.x[0, members], data.n[0, members], theta) - 0.5 * ((theta - mu) / between) ** 2

        low, high = mu - _REACH * between, mu + _REACH * between
        found.append(_summary(*_narrow(log, *_with_own(data, members, low, high)), tail))
    return StudyPosterior(*np.array(found)[data.groups.owner].T)


def _likelihood(x: FloatArray, n: FloatArray, theta: FloatArray) -> FloatArray:
    shape = (theta.size, x.size)
    value = quadrature.moments(
        np.broadcast_to(x, shape), np.broadcast_to(n, shape), theta, np.zeros(theta.size)
    ).value
    result: FloatArray = value.sum(axis=1)
    return result


def _with_own(data: Nested, members: slice, low: float, high: float) -> tuple[float, float]:
    """Return the range made to hold the studies' own logits."""
    own = np.log((data.x[0, members] + 0.5) / (data.n[0, members] - data.x[0, members] + 0.5))
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


def _summary(theta: FloatArray, density: FloatArray, tail: float) -> tuple[float, float, float]:
    """Return mean and limits of the rate; the density is integrated as a cubic spline."""
    from scipy.interpolate import CubicSpline

    mean = float((special.expit(theta) * density).sum() / density.sum())
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
        limits.append(float(special.expit(at)))
    return mean, limits[0], limits[1]
