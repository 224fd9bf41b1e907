"""Likelihoods of counts on nodes that all studies of a lane share, for links without kinks.

At given mu and tau the integrals over ``theta = mu + tau z`` of all studies have one normal density in
common, and their binomial parts are exponentials of ``x log p + y log q``: two functions of the node,
combined by the counts.  On nodes in z that serve every study the trapezoidal rule needs the link once a
node, one exponential a study and node, and one product of matrices for all moments of the score
``u = x a + y b``, with a and b the derivatives of log p and log q:

    d/dmu: E u        d2/dmu2: Var u + E u'        u' = x a' + y b'
    d/dtau: E u z     d2/dtau2: Var u z + E u' z**2        d2/dmu dtau: Cov(u, u z) + E u' z

Where tau is large beside a unit of theta the nodes are equally spaced in s, ``theta = sinh(s)``, so that they
crowd where a rate turns, and derivatives come from the moments of z.

Halving the step squares the error of such a sum (Trefethen and Weideman 2014, SIAM Review 56, theorem 5.1): a
lane whose sums over every other node agree to half the digits is right to all of them.  Others are left to
nodes about each study's own mode.
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts.links import LINKS, Link, LogTerms
from metaresp.kernel.counts.moments import Moments, by_positions, central
from metaresp.kernel.numerics.special import HALF_LOG_2PI

# What a patient tells of theta at most, and how far from the real axis the likelihood stays tame.
_REACH: Mapping[str, tuple[float, float]] = {
    "probit": (1.0, 0.9), "cloglog": (1.0, 0.9), "cauchit": (1.0, 0.9),
}  # fmt: skip
_TIERS = np.array(
    [33, 41, 49, 65, 81, 97, 129, 161, 193, 257, 321, 385, 513, 769]
)  # odd: every other node is a rule too
_MOST_PATIENTS = 2_000.0  # sums over nodes lose about n times the rounding of a float
_DEEPEST = 500.0  # log-likelihood at the top, less the saturated one, beyond which exponentials lose digits
_STEEP = 2.0  # theta of the cloglog link beyond which scores are too large to be told apart from there
_BESIDE = 0.5  # of that, what a rate of (x + 1/2) / (n + 1) costs at most
# From which tau on nodes may crowd, and the strip in s: beyond a quarter of pi the normal density grows.
_CROWDED_FROM, _CROWDED_STRIP = 2.0, 0.7
_TRIES, _FINER = 2, 2  # how often nodes that do not stand still are made closer, by how many tiers
_SPARE = 6.0  # e-foldings more than asked for: derivatives need finer nodes than the value
_HALF = 0.38  # share of the digits asked for to which every other node must agree
_ELEMENTS = 100_000  # nodes of studies worked on at once, to stay in cache


class Plan(NamedTuple):
    """Ends of the range of z, number of nodes (0: others serve) and whether they crowd; shape (lanes,)."""

    low: FloatArray
    high: FloatArray
    nodes: IntArray
    crowded: BoolArray


def serves(link: str) -> bool:
    """Whether a link has nodes here."""
    return link in _REACH


def _plan(
    link: str, x: FloatArray, n: FloatArray, mu: FloatArray, tau: FloatArray, nats: float, refine: int = 1
) -> Plan:
    """Return where the nodes of each lane lie.

    A likelihood rises up to the study's own rate and falls beyond: the integrand is within *nats* of its top
    no farther than that rate and the width of the normal density beyond, and no farther than that density
    alone allows.
    """
    most, strip = _REACH[link]
    y = n - x
    at = LINKS[link].log_terms(mu)
    saturated = special.xlogy(x, x / n) + special.xlogy(y, y / n)
    depth = saturated - x * at.log_p[:, None] - y * at.log_q[:, None]
    reach = np.sqrt(2 * nats)
    with np.errstate(over="ignore", invalid="ignore"):
        own, near = (
            (LINKS[link].forward(p) - mu[:, None]) / tau[:, None] for p in (x / n, (x + 0.5) / (n + 1))
        )
        depth = np.minimum(depth, _BESIDE + 0.5 * near * near)  # the top is no lower than either place
        farthest = np.sqrt(2 * (np.maximum(depth, 0.0) + nats))
        side = np.minimum(np.abs(own) + reach, farthest)
        low = -np.where(own < 0, side, reach).max(axis=-1)
        high = np.where(own > 0, side, reach).max(axis=-1)
        largest, wanted = n.max(axis=-1), nats + _SPARE
        even = (high - low) / _step(1 / np.sqrt(1 + most * largest * tau * tau), strip / tau, wanted)
        span = np.arcsinh(mu + high * tau) - np.arcsinh(mu + low * tau)
        # in s the normal density is as narrow as tau beside the mean
        width = 1 / np.sqrt(1 + most * largest + (mu * mu + 1) / (tau * tau))
        crowd = span / _step(width, np.full_like(tau, _CROWDED_STRIP), wanted)
    crowded = (tau >= _CROWDED_FROM) & (crowd < even)
    count = refine * np.ceil(np.minimum(np.where(crowded, crowd, even), 1e6)) + 1
    usable = (count <= _TIERS[-1]) & (n.max(axis=-1) <= _MOST_PATIENTS) & (depth.max(axis=-1) < _DEEPEST)
    return Plan(low, high, np.where(usable, count, 0).astype(np.int64), crowded)


def _step(width: FloatArray, strip: FloatArray, nats: float) -> FloatArray:
    """Return the step of a trapezoidal rule for an integrand of some width, tame within a strip."""
    inside = np.minimum(strip, width * np.sqrt(2 * nats))
    step: FloatArray = 2 * np.pi * inside / (nats + 0.5 * (inside / width) ** 2)
    return step


def fill(
    link: str,
    x: FloatArray,
    n: FloatArray,
    mu: FloatArray,
    tau: FloatArray,
    nats: float,
    refine: int,
    out: Moments,
) -> IntArray:
    """Write the moments of the lanes that have nodes into *out*, and return the other lanes; tau above 0."""
    plan = _plan(link, x, n, mu, tau, nats, refine)
    tier = np.searchsorted(_TIERS, plan.nodes)
    left, alive = np.flatnonzero(plan.nodes == 0), np.flatnonzero(plan.nodes > 0)
    for _ in range(_TRIES):
        group = 2 * tier[alive] + plan.crowded[alive]
        unsure = [np.empty(0, dtype=np.int64)]
        for g in np.unique(group):
            lanes = alive[group == g]
            nodes, integrate = int(_TIERS[g // 2]), (_integrated, _crowded)[g % 2]
            size = max(1, _ELEMENTS // (nodes * x.shape[1]))
            for begin in range(0, lanes.size, size):
                rows = lanes[begin : begin + size]
                ends = plan.low[rows], plan.high[rows]
                part, sure = integrate(LINKS[link], x[rows], n[rows], mu[rows], tau[rows], ends, nodes, nats)
                out.put(rows, part)
                unsure.append(rows[~sure])
        alive = np.concatenate(unsure)
        last = tier[alive] == _TIERS.size - 1
        left = np.concatenate([left, alive[last]])
        alive = alive[~last]
        if not alive.size:
            return left
        tier[alive] = np.minimum(tier[alive] + _FINER, _TIERS.size - 1)
    return np.concatenate([left, alive])


@cache
def _unit(nodes: int) -> FloatArray:
    return np.linspace(0.0, 1.0, nodes)


class _Nodes(NamedTuple):
    """Nodes of some lanes, shape (lanes, nodes), and the integrands of their studies on them."""

    z: FloatArray
    at: LogTerms
    f: FloatArray  # (lanes, k, nodes)

    def total(self, columns: list[FloatArray], nats: float) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Return mass, means of *columns* of z, and where every other node says the same of the mass."""
        sums = np.moveaxis(self.f @ np.stack([np.ones_like(self.z), *columns], axis=-1), -1, 0)
        mass, half = sums[0], self.f[..., ::2].sum(axis=-1)
        return mass, sums[1:] / mass, (np.abs(2 * half - mass) <= np.exp(-_HALF * nats) * mass).all(axis=-1)


def _nodes(
    link: Link, x: FloatArray, n: FloatArray, z: FloatArray, theta: FloatArray, log_density: FloatArray
) -> _Nodes:
    """Return the integrands, less the saturated likelihood, under a density of the nodes."""
    at, y = link.log_terms(theta), n - x
    saturated = special.xlogy(x, x / n) + special.xlogy(y, y / n)
    terms = np.stack([at.log_p, at.log_q, log_density, np.ones_like(z)], axis=1)
    return _Nodes(z, at, np.exp(np.stack([x, y, np.ones_like(x), -saturated], axis=-1) @ terms))


def _integrated(
    link: Link,
    x: FloatArray,
    n: FloatArray,
    mu: FloatArray,
    tau: FloatArray,
    ends: tuple[FloatArray, FloatArray],
    nodes: int,
    nats: float,
) -> tuple[Moments, BoolArray]:
    """Return the moments of some lanes, and which of them stand still when every other node is left out."""
    low, high = ends
    z = low[:, None] + (high - low)[:, None] * _unit(nodes)
    zz = z * z
    there = _nodes(link, x, n, z, mu[:, None] + tau[:, None] * z, -0.5 * zz)
    here = link.log_terms(mu if link.symmetric else np.minimum(mu, _STEEP))
    a, b = there.at.d_log_p - here.d_log_p[:, None], there.at.d_log_q - here.d_log_q[:, None]
    fields = (a, b, a * a, a * b, b * b, there.at.dd_log_p, there.at.dd_log_q)
    columns = [z, zz, *(field * power for field in fields for power in (1.0, z, zz))]
    mass, means, sure = there.total(columns, nats)
    value = np.log(mass) + (np.log((high - low) / (nodes - 1)) - HALF_LOG_2PI)[:, None]
    return _derived(value, means, x, n - x, (here.d_log_p[:, None], here.d_log_q[:, None])), sure


def _crowded(
    link: Link,
    x: FloatArray,
    n: FloatArray,
    mu: FloatArray,
    tau: FloatArray,
    ends: tuple[FloatArray, FloatArray],
    nodes: int,
    nats: float,
) -> tuple[Moments, BoolArray]:
    """Return what :func:`_integrated` does, on nodes that crowd where rates turn."""
    first, last = (np.arcsinh(mu + end * tau) for end in ends)
    theta = np.sinh(first[:, None] + (last - first)[:, None] * _unit(nodes))
    z = (theta - mu[:, None]) / tau[:, None]
    zz = z * z
    there = _nodes(link, x, n, z, theta, 0.5 * np.log1p(theta * theta) - 0.5 * zz)
    mass, raw, sure = there.total([z, zz, zz * z, zz * zz], nats)
    value = np.log(mass) + (np.log((last - first) / (nodes - 1) / tau) - HALF_LOG_2PI)[:, None]
    return by_positions(value, raw[0], central(*raw), tau[:, None]), sure


def _derived(
    value: FloatArray, means: FloatArray, x: FloatArray, y: FloatArray, at: tuple[FloatArray, FloatArray]
) -> Moments:
    """Return the derivatives from the posterior means; the score is u near mu plus what it differs there."""
    z, zz = means[0], means[1]
    a, b = means[2:5], means[5:8]
    aa, ab, bb = means[8:11], means[11:14], means[14:17]
    bend = x * means[17:20] + y * means[20:23]
    u = x * at[0] + y * at[1]
    away = x * a + y * b  # of the score at mu: its mean times 1, z and z^2
    square = x * x * aa + 2 * x * y * ab + y * y * bb
    mean_u, mean_uz = u + away[0], u * z + away[1]
    cov = u * u * z + 2 * u * away[1] + square[1] - mean_u * mean_uz
    var_uz = u * u * zz + 2 * u * away[2] + square[2] - mean_uz * mean_uz
    return Moments(
        value,
        mean_u,
        mean_uz,
        square[0] - away[0] * away[0] + bend[0],
        cov + bend[1],
        var_uz + bend[2],
    )
