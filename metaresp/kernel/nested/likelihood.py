"""The likelihood of counts nested in clusters, by quadrature inside quadrature, with its derivatives.

The logit of study j in cluster i is ``mu + tau_between z_i + tau_within z_ij`` with standard normal z.
Given ``z_i`` the studies of a cluster are independent, each with the marginal likelihood of
:mod:`metaresp.kernel.counts.quadrature`; their product is log-concave in ``z_i`` and is integrated by the
same trapezoidal rule, on a window around its own mode.  Derivatives are posterior means of the inner ones
(Louis 1982, JRSS B 44:226): the score is the mean of the score given ``z_i``, the Hessian the mean of the
Hessian plus the covariance of the score.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, chunked
from metaresp.kernel.counts import quadrature
from metaresp.kernel.nested.robust import Groups

_MODE_STEPS = 60
_LEAP = 4.0  # longest step of the logit
_NEAR = 0.05  # the window's centre may miss the mode by this share of its width
_NODES = np.array([12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048])
_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
_STEPS = 120
_DECREMENT = 1e-16  # squared Newton step in standard errors at which a climb ends
_SHORTEST = 1e-7
# A study so large that its logit is known bends the ridge of both deviations to a circle, on which Newton
# creeps by nothing that matters: a climb ends after so many steps that gained less than this.
_PATIENCE, _GAIN = 12, 1e-7
_AT_ZERO = 1e-6
_PUSH = 0.1
_SPREADS = np.array([False, True, True])


class Nested(NamedTuple):
    """One set of studies in the order of their clusters."""

    x: FloatArray  # (k,)
    n: FloatArray
    groups: Groups


class Point(NamedTuple):
    """Log-likelihood, less the saturated one, with derivatives by (mu, tau_between, tau_within)."""

    value: float
    gradient: FloatArray  # (3,)
    hessian: FloatArray  # (3, 3)


class _Inner(NamedTuple):
    """Sums over the studies of each cluster, given the cluster's logit; shape (clusters, points)."""

    value: FloatArray
    d_mu: FloatArray
    d_tau: FloatArray
    d_mu_mu: FloatArray
    d_mu_tau: FloatArray
    d_tau_tau: FloatArray


def _given(data: Nested, logit: FloatArray, within: float, nats: float, refine: int) -> _Inner:
    """Return the likelihood of each cluster at *logit*, shape (clusters, points)."""
    each = _each(data, logit, within, nats, refine)
    return _Inner(*np.add.reduceat(each, data.groups.first, axis=1))


def _each(data: Nested, logit: FloatArray, within: float, nats: float, refine: int) -> FloatArray:
    """Return log-likelihood and derivatives of each study, shape (6, k, points)."""
    points = logit.shape[1]
    mu = logit[data.groups.owner].ravel()
    x, n = (np.repeat(field, points)[:, None] for field in (data.x, data.n))
    out = np.empty((6, mu.size))
    for part in chunked(mu.size, 24):
        tau = np.full(mu[part].size, within)
        study = quadrature.moments(x[part], n[part], mu[part], tau, nats, refine)
        for row, field in zip(out, study, strict=True):
            row[part] = field[:, 0]
    result: FloatArray = out.reshape(6, -1, points)
    return result


def _mode(
    data: Nested, mu: float, between: float, within: float, nats: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return where each cluster's integrand is highest, the width it has there, and its height.

    The slope ``tau_between score(mu + tau_between z) - z`` falls in z and falls at least as fast as -z:
    the mode lies between 0 and the slope at 0.  Newton, halving where it would leave.
    """
    z = np.zeros((data.groups.first.size, 1))
    low, high = np.full_like(z, -np.inf), np.full_like(z, np.inf)
    leap = _LEAP / max(between, 1e-3)
    for step in range(_MODE_STEPS):
        inner = _given(data, mu + between * z, within, nats, 1)
        slope = between * inner.d_mu - z
        curve = 1 - between * between * np.minimum(inner.d_mu_mu, 0.0)
        if step == 0:
            low, high = np.minimum(slope, 0.0), np.maximum(slope, 0.0)
        low, high = np.where(slope > 0, z, low), np.where(slope > 0, high, z)
        if (np.abs(slope) < _NEAR * np.sqrt(curve)).all():
            break
        new = z + slope / curve
        new = np.where((new >= low) & (new <= high), new, 0.5 * (low + high))
        z = np.clip(new, z - leap, z + leap)
    return z, 1 / np.sqrt(curve), inner.value - 0.5 * z * z


def _nodes(
    data: Nested, mu: float, between: float, within: float, nats: float, refine: int
) -> tuple[FloatArray, FloatArray]:
    """Return the nodes of each cluster, shape (clusters, nodes), and their spacing, shape (clusters, 1)."""
    ends, scale = _window(data, mu, between, within, nats)
    span = ends[:, 1:] - ends[:, :1]
    step = _spacing(data, between, within, scale, nats)
    wanted = float((span / step).max()) + 1
    count = int(_NODES[min(int(np.searchsorted(_NODES, wanted)), _NODES.size - 1)]) * refine
    return ends[:, :1] + span * np.linspace(0.0, 1.0, count), span / (count - 1)


def _window(
    data: Nested, mu: float, between: float, within: float, nats: float
) -> tuple[FloatArray, FloatArray]:
    """Return where each cluster's integrand ends, shape (clusters, 2), and its width at the mode."""
    z, scale, height = _mode(data, mu, between, within, nats)
    widest = np.sqrt(2 * nats)
    d = np.concatenate([-widest * scale, widest * scale], axis=1)
    for _ in range(2):
        at = z + d
        inner = _given(data, mu + between * at, within, nats, 1)
        fall = inner.value - 0.5 * at * at - height + nats
        d = np.clip(d - fall / (between * inner.d_mu - at), -widest, widest)
    return z + d, scale


def cluster_window(data: Nested, mu: float, between: float, within: float) -> FloatArray:
    """Return the standard normal z of each cluster beyond which nothing matters, shape (clusters, 2)."""
    return _window(data, mu, between, within, quadrature.FULL)[0]


def each_study(data: Nested, logit: FloatArray, within: float) -> FloatArray:
    """Return the log-likelihood of each study at logits of its cluster, shape (k, points).

    *logit* has the shape (clusters, points).
    """
    result: FloatArray = _each(data, logit, within, quadrature.FULL, 1)[0]
    return result


def _spacing(data: Nested, between: float, within: float, scale: FloatArray, nats: float) -> FloatArray:
    """Return the spacing of nodes for an error of about ``exp(-nats)``, shape (clusters, 1).

    The larger of two that suffice.  One stays below the nearest pole, as
    :func:`metaresp.kernel.counts.quadrature.nodes_needed` does.  The other holds for any ``tau_within`` above
    0: a study's likelihood is then a normal smear, has no pole, and y off the real axis is at most
    ``exp((tau_between y / tau_within)**2 / 2)`` times what it is on it.
    """
    y = np.minimum(quadrature.STRIP * np.pi / max(between, 1e-9), scale * np.sqrt(2 * nats))
    below_pole: FloatArray = 2 * np.pi * y / (nats + 0.5 * (y / scale) ** 2)
    if within <= 0:
        return below_pole
    studies = np.bincount(data.groups.owner)[:, None]
    growth = 1 + studies * (between / within) ** 2
    smeared: FloatArray = np.pi * np.sqrt(2 / (growth * nats))
    return np.maximum(below_pole, smeared)


def evaluate(data: Nested, at: FloatArray, nats: float = quadrature.FULL, refine: int = 1) -> Point:
    """Return the log-likelihood and its derivatives at one point.

    Parameters
    ----------
    data : Nested
    at : float array, shape (3,)
        mu, tau_between and tau_within: mean logit, standard deviations of clusters and of studies in them.
    nats : float
        Accuracy: errors are about ``exp(-nats)``.
    refine : int
        Multiplies the number of nodes, outside and inside.

    Returns
    -------
    Point
    """
    mu, between, within = (float(value) for value in at)
    z, spacing = _nodes(data, mu, between, within, nats, refine)
    inner = _given(data, mu + between * z, within, nats, refine)
    log = inner.value - 0.5 * z * z
    top = log.max(axis=-1, keepdims=True)
    f = np.exp(log - top)
    mass = f.sum(axis=-1, keepdims=True)
    f /= mass
    score = np.stack([inner.d_mu, z * inner.d_mu, inner.d_tau])
    mean = np.einsum("icm,cm->ic", score, f)
    spread = score - mean[..., None]
    second = np.empty((3, 3, *f.shape))
    second[0, 0], second[0, 2], second[2, 2] = inner.d_mu_mu, inner.d_mu_tau, inner.d_tau_tau
    second[0, 1], second[1, 1], second[1, 2] = z * second[0, 0], z * z * second[0, 0], z * second[0, 2]
    for i, j in ((1, 0), (2, 0), (2, 1)):
        second[i, j] = second[j, i]
    hessian = np.einsum("ijcm,cm->ij", second, f) + np.einsum("icm,jcm,cm->ij", spread, spread, f)
    value = float((top + np.log(mass * spacing) - _HALF_LOG_2PI).sum())
    return Point(value, mean.sum(axis=-1), hessian)


def contributions(data: Nested, at: FloatArray) -> FloatArray:
    """Return what each study tells about mu given the standard deviations, shape (k,), by cluster.

    The information of a cluster is minus the second derivative of its log-likelihood; its studies share
    it by their own information given the cluster's logit, averaged over what is known of that.

    Parameters
    ----------
    data : Nested
    at : float array, shape (3,)
        As in :func:`evaluate`.
    """
    mu, between, within = (float(value) for value in at)
    z, _ = _nodes(data, mu, between, within, quadrature.FULL, 1)
    each = _each(data, mu + between * z, within, quadrature.FULL, 1)
    inner = _Inner(*np.add.reduceat(each, data.groups.first, axis=1))
    log = inner.value - 0.5 * z * z
    f = np.exp(log - log.max(axis=-1, keepdims=True))
    f /= f.sum(axis=-1, keepdims=True)
    score = inner.d_mu - (inner.d_mu * f).sum(axis=-1, keepdims=True)
    cluster = -((inner.d_mu_mu + score * score) * f).sum(axis=-1)
    own = -(each[3] * f[data.groups.owner]).sum(axis=-1)
    result: FloatArray = (cluster / data.groups.sums(own))[data.groups.owner] * own
    return result


def climb(
    data: Nested, start: FloatArray, free: BoolArray, longest: float, refine: int = 1
) -> tuple[FloatArray, Point]:
    """Climb from *start* over the *free* parameters.

    The likelihood is even in each standard deviation: they are reflected at 0, where a Newton step sees no
    slope, and pushed off 0 where the likelihood bends upwards there.

    Parameters
    ----------
    data : Nested
    start : float array, shape (3,)
        mu, tau_between, tau_within.
    free : bool array, shape (3,)
    longest : float
        Largest standard deviation.
    refine : int
        As in :func:`evaluate`.

    Returns
    -------
    at : float array, shape (3,)
    point : Point
    """
    at, length, creeping = _off_zero(start, free), 1.0, 0
    here = evaluate(data, at, refine=refine)
    for _ in range(_STEPS):
        moving = free & ~((at >= longest) & (here.gradient > 0) & _SPREADS)
        step = newton_step(here, moving)
        small = abs(float(step @ here.gradient)) < _DECREMENT * (1 + abs(here.value))
        if small or length < _SHORTEST or creeping > _PATIENCE:
            dip = free & _SPREADS & (at < _AT_ZERO) & (np.diag(here.hessian) > 0)
            if not dip.any():
                break
            at = np.where(dip, _PUSH, at)
            here, length, creeping = evaluate(data, at, refine=refine), 1.0, 0
            continue
        new = at + length * step
        new[1:] = np.minimum(np.abs(new[1:]), longest)
        found = evaluate(data, new, refine=refine)
        if found.value >= here.value - 1e-13 * (1 + abs(here.value)):
            creeping += found.value < here.value + _GAIN * (1 + abs(here.value))
            at, here, length = new, found, min(1.0, 4 * length)
        else:
            length *= 0.25
    return at, here


def _off_zero(start: FloatArray, free: BoolArray) -> FloatArray:
    """Return *start* with free standard deviations of exactly 0 moved a little, to see any slope."""
    return np.where(free & _SPREADS & (start < _AT_ZERO), 0.5 * _PUSH, start)


def newton_step(here: Point, moving: BoolArray) -> FloatArray:
    """Return Newton's step, uphill also where the likelihood is not concave, at most 2 long."""
    roots, vectors = np.linalg.eigh(-here.hessian[np.ix_(moving, moving)])
    size = np.maximum(np.abs(roots), 1e-9 * np.abs(roots).max(initial=0.0) + 1e-300)
    step = np.zeros(3)
    step[moving] = vectors @ ((vectors.T @ here.gradient[moving]) / size)
    step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
    return step
