"""How many of n patients will respond, given the distribution of the true rate of their trial."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.numerics.panels import NEGLIGIBLE, Logs, Panels, angle_and_logit, divide, too_wide
from metaresp.kernel.numerics.special import half_deviance, saturated

Function = Callable[[FloatArray], FloatArray]

_LEAST_MASS = 1e-24  # of a panel that is worth evaluating
_LEAST_LOG = -690.0
_NATS = 40.0  # of the binomial tails that are left out
_CELLS = 1 << 15  # probabilities worked on at once, to stay in cache


class RateLaw(NamedTuple):
    """Distribution of theta, the true rate of a trial on the scale of a model."""

    logs: Logs  # theta to log p and log q, each monotone
    cdf: Function
    upper: Function  # 1 - cdf, to its own last digit
    density: Function
    centre: float
    spread: float  # distance over which the density changes at the centre; farther out, the distance itself
    kinks: tuple[float, ...] = ()  # where the rate becomes 0 or 1 for good


def event_probabilities(law: RateLaw, n: int) -> FloatArray:
    """Return the probabilities of 0 to n events, ``integral Binomial(r; n, p) dF(p)``, shape (n + 1,).

    Where an event, or a non-event, has probability below 1e-20 the count is 0, or n, for certain; between,
    the binomial probabilities are integrated on panels.
    """
    panels = _panels(law, float(n))
    theta, weight = panels.nodes()
    mass = weight * law.density(theta)
    with np.errstate(over="ignore"):
        # a node next to where the rate becomes 0 or 1 may fall on it by rounding
        log_p, log_q = (np.maximum(log, _LEAST_LOG) for log in law.logs(theta))
    pmf = np.zeros(n + 1)
    every = np.arange(n + 1.0)
    own_rate = saturated(every, np.full_like(every, n))
    pmf[0] += float(law.cdf(panels.low[:1])[0])
    pmf[-1] += float(law.upper(panels.high[-1:])[0])
    for block in _blocks(mass, log_p, n):
        _add(pmf, own_rate, mass[block].ravel(), log_p[block].ravel(), log_q[block].ravel())
    result: FloatArray = pmf / pmf.sum()
    return result


def _panels(law: RateLaw, n: float) -> Panels:
    """Divide the range in which the count is open."""
    reach, size = law.spread, np.array(n)
    top = NEGLIGIBLE + np.log(n)

    def logit(theta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return angle_and_logit(*law.logs(theta), size)[1]

    while True:
        ends = law.centre + reach * np.array([-1.0, 1.0])
        at = logit(ends)
        if at[0] <= -top and at[1] >= top:
            break
        reach *= 2.0

    def judge(owner: IntArray, low: FloatArray, high: FloatArray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore"):
            at_low, at_high = law.logs(low), law.logs(high)
        open_ = angle_and_logit(*at_low, size)[1] != angle_and_logit(*at_high, size)[1]
        distance = np.hypot(law.spread, 0.5 * (low + high) - law.centre)
        return open_, (high - low > distance) | too_wide(at_low, at_high, size)

    inner = [kink for kink in law.kinks if ends[0] < kink < ends[1]]
    edges = np.unique([*ends, law.centre, *inner])
    return divide(np.zeros(edges.size - 1, np.int64), edges[:-1], edges[1:], judge)


def _blocks(mass: FloatArray, log_p: FloatArray, n: int) -> list[slice]:
    """Group neighbouring panels while that costs no more cells than it saves calls."""
    worth = mass.sum(axis=-1) > _LEAST_MASS
    span = _range(np.exp(log_p), n)
    blocks: list[slice] = []
    start = None
    for i in range(mass.shape[0]):
        if start is not None:
            wide = span[1][start : i + 1].max() - span[0][start : i + 1].min()
            own = (span[1][i] - span[0][i]).max()
            if not worth[i] or wide > 1.25 * own + 64:
                blocks.append(slice(start, i))
                start = None
        if start is None and worth[i]:
            start = i
    if start is not None:
        blocks.append(slice(start, mass.shape[0]))
    return blocks


def _range(p: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Return counts beyond which a binomial probability is below ``exp(-40)`` (Bernstein's inequality)."""
    reach = _NATS / 3 + np.sqrt((_NATS / 3) ** 2 + 2 * _NATS * n * p * (1 - p))
    return np.maximum(np.floor(n * p - reach), 0), np.minimum(np.ceil(n * p + reach), n)


def _add(
    pmf: FloatArray, own_rate: FloatArray, mass: FloatArray, log_p: FloatArray, log_q: FloatArray
) -> None:
    """Add the binomial probabilities of some rates, each times its mass.

    *own_rate* holds the log-probability of each count at its own rate.
    """
    n = pmf.size - 1
    low, high = _range(np.exp(log_p), n)
    first, last = int(low.min()), int(high.max())
    middle = mass.size // 2
    rows = max(1, _CELLS // mass.size)
    for begin in range(first, last + 1, rows):
        r = np.arange(begin, min(begin + rows, last + 1), dtype=np.float64)
        size = np.full_like(r, n)
        p, q = (np.maximum(np.exp(log[middle]), 1e-300) for log in (log_p, log_q))
        fall = half_deviance(r, size, p) if p < 0.5 else half_deviance(size - r, size, q)
        at_middle = own_rate[begin : begin + r.size] - fall
        logit = (log_p - log_p[middle]) - (log_q - log_q[middle])
        exponent = np.multiply.outer(r, logit)
        exponent += at_middle[:, None]
        exponent += n * (log_q - log_q[middle])
        pmf[begin : begin + r.size] += np.exp(exponent, out=exponent) @ mass
