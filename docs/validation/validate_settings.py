"""Settings of a validation: data sets drawn from them, and what is true of each."""

import zlib
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, special, stats

BLOCK = 250  # sets that share a seed
OUTLIER = 4.0  # standard deviations by which the one trial is moved

# Logits less their mean, over tau: of mean 0 and standard deviation 1.  Several are mixed in equal parts.
_SIDE = 0.95
LAWS: dict[str, tuple[Any, ...]] = {
    "normal": (stats.norm(),),
    "t": (stats.t(4, scale=np.sqrt(0.5)),),
    "skewed": (stats.expon(-1),),
    "bimodal": tuple(stats.norm(side, np.sqrt(1 - _SIDE**2)) for side in (-_SIDE, _SIDE)),
    "outlier": (stats.norm(),),  # what is asked for is the law of the other trials
}


class Setting(NamedTuple):
    """What data sets are drawn from; *rate* is that of the typical trial, expit of the mean logit."""

    effects: str
    k: int
    n: str
    rate: float
    tau: float


@cache
def beta_shapes(setting: Setting) -> tuple[float, float]:
    """Return the beta distribution whose logit has this mean and standard deviation."""

    def miss(logs: np.ndarray) -> list[float]:
        a, b = np.exp(logs)
        spread = np.sqrt(special.polygamma(1, a) + special.polygamma(1, b))
        return [special.psi(a) - special.psi(b) - special.logit(setting.rate), np.log(spread / setting.tau)]

    start = np.log([1 / setting.tau**2 + 0.5, (1 / setting.tau**2 + 0.5) / setting.rate])
    a, b = np.exp(optimize.root(miss, start, tol=1e-12).x)
    return float(a), float(b)


@cache
def _evenly(effects: str, points: int = 100_000) -> np.ndarray:
    u = (np.arange(points) + 0.5) / points
    return np.concatenate([law.ppf(u) for law in LAWS[effects]])


@cache
def mean_rate(setting: Setting) -> float:
    """Return the mean of the rates of trials."""
    if setting.tau == 0:
        return setting.rate
    if setting.effects == "beta":
        a, b = beta_shapes(setting)
        return a / (a + b)
    logit = special.logit(setting.rate) + setting.tau * _evenly(setting.effects)
    return float(special.expit(logit).mean())


def share_below(setting: Setting, rate: np.ndarray) -> np.ndarray:
    """Return the probability that a new trial's rate is at most *rate*."""
    if setting.effects == "beta":
        return special.betainc(*beta_shapes(setting), rate)
    z = (special.logit(rate) - special.logit(setting.rate)) / setting.tau
    return np.mean([law.cdf(z) for law in LAWS[setting.effects]], axis=0)


def draw(setting: Setting, block: int, sets: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return events, n and true rates, shape (sets, k), of the first *sets* of a block."""
    rng = np.random.default_rng([zlib.crc32("|".join(map(str, setting)).encode()), block])
    shape = (BLOCK, setting.k)
    sizes, _, giant = setting.n.partition(" and one of ")
    low, high = map(int, sizes.split("-"))
    n = rng.integers(low, high + 1, shape)
    if giant:
        n[:, 0] = int(giant)
    u, which = rng.random(shape), rng.random(shape)
    if setting.tau == 0:
        p = np.full(shape, setting.rate)
    elif setting.effects == "beta":
        p = special.betaincinv(*beta_shapes(setting), u)
    else:
        laws = LAWS[setting.effects]
        z = np.select([which < (i + 1) / len(laws) for i in range(len(laws))], [law.ppf(u) for law in laws])
        if setting.effects == "outlier":
            z[:, -1] += OUTLIER
        p = special.expit(special.logit(setting.rate) + setting.tau * z)
    return rng.binomial(n, p)[:sets], n[:sets], p[:sets]
