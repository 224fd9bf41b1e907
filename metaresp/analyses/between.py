"""Tests that groups of studies share one mean: statistics of many sets of groups at once, and references."""

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.kernel.counts.groups import Arrow, Range, climb
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.numerics.surface import Local
from metaresp.model.base import Spread
from metaresp.model.registry import model_of
from metaresp.model.scales import scale_name
from metaresp.model.spec import Spec

# A logit beyond which a rate is 0 or 1 in the likelihood's last digit.
LOGITS = Range(-30.0, 30.0)
LEAST_SE = 1e-8


def likelihood_ratios(lanes: Counts, groups: int, spec: Spec, *, shared: bool, held: BoolArray) -> FloatArray:
    """Return twice the gain in log-likelihood of a mean for each group over one mean for all.

    Parameters
    ----------
    lanes : Counts
        One lane a group: lane ``groups * s + g`` is group g of set s.
    groups : int
        Of each set.
    spec : Spec
        Of a model that has a likelihood.
    shared : bool
        Whether the groups have one spread (tau, or the intraclass correlation); otherwise each has its own,
        under both hypotheses.
    held : bool array, shape (sets, groups)
        Groups whose own spread is 0 under both hypotheses: all at 0% or 100%, where nothing is known of it.

    Returns
    -------
    float array, shape (sets,)

    Notes
    -----
    The likelihood is finite where every count of a group is 0 (its supremum, at a logit of minus
    infinity), so that separated groups have a statistic, which no Wald test has.
    """
    sets = held.shape[0]
    kind, link = model_of(spec), scale_name(spec)
    apart = _start(link, lanes.events, lanes.total).reshape(sets, groups)
    together = _start(
        link, *(field.reshape(sets, groups).sum(axis=-1) for field in (lanes.events, lanes.total))
    )
    largest = np.where(lanes.copies > 0, lanes.n, 1.0).max(initial=1.0)
    spread = kind(lanes, spec).group_likelihood(float(largest))
    if not shared:
        top = _highest(spread, 1, apart.reshape(-1, 1), held.reshape(-1, 1), spread_is_own=True)
        null = _highest(spread, groups, together[:, None], held, spread_is_own=True)
        return _twice(top.reshape(sets, groups).sum(axis=-1) - null)
    free = np.zeros_like(held)
    wide = [field.reshape(sets, -1) for field in (lanes.x, lanes.n, lanes.copies)]
    merged = Counts(*wide, *(field.reshape(sets, groups).sum(axis=-1) for field in lanes[3:]))
    whole = kind(merged, spec).group_likelihood(float(largest))
    top = _highest(spread, groups, apart, free, spread_is_own=False)
    null = _highest(whole, 1, together[:, None], free[:, :1], spread_is_own=False)
    return _twice(top - null)


def _twice(gain: FloatArray) -> FloatArray:
    statistic: FloatArray = np.maximum(2 * gain, 0.0)
    return statistic


def _start(link: str, events: FloatArray, n: FloatArray) -> FloatArray:
    """Return a finite place to start from, in the coordinate of the search."""
    if link == "logit":
        logit: FloatArray = np.clip(np.log(events + 0.5) - np.log(n - events + 0.5), -8.0, 8.0)
        return logit
    theta = LINKS[link].forward((events + 0.5) / (n + 1))
    return np.arcsinh(theta) if link == "cauchit" else np.clip(theta, -8.0, 8.0)


def _highest(
    spread: Spread, groups: int, logits: FloatArray, held: BoolArray, spread_is_own: bool
) -> FloatArray:
    """Return the greatest log-likelihood of each set, the best of climbs from several spreads."""
    best = np.full(held.shape[0], -np.inf)

    def crosswise(rows: IntArray, a: FloatArray, b: FloatArray) -> Local:
        return spread.surface(rows, b, a).swapped()

    for start in spread.starts:
        if spread_is_own:
            arrow = Arrow(spread.surface, groups, LOGITS, spread.range, held)
            found = climb(arrow, logits[:, 0], np.where(held, 0.0, start))
        else:
            arrow = Arrow(crosswise, groups, spread.range, LOGITS, held)
            found = climb(arrow, np.full(held.shape[0], start), logits)
        best = np.maximum(best, found.value)
    return best


def likelihood_f(statistic: FloatArray, k: FloatArray, groups: int) -> tuple[FloatArray, FloatArray]:
    """Return the F value that a likelihood ratio of *k* studies in *groups* stands for, and its p-value.

    Parameters
    ----------
    statistic : float array
    k : float array
        Studies in all; more than there are groups.
    groups : int

    Notes
    -----
    For normal effects with one variance the statistic is ``k log(1 + (groups - 1) F / (k - groups))`` with F
    on (groups - 1) and (k - groups) degrees of freedom exactly: the test of an analysis of variance.

    Examples
    --------
    >>> f, p = likelihood_f(np.array(6.0), np.array(8.0), 2)
    >>> round(float(f), 4), round(float(p), 4)
    (6.702, 0.0413)
    """
    between, within = groups - 1.0, k - groups
    f = within / between * np.expm1(statistic / k)
    pvalue = np.asarray(special.fdtrc(between, within, f), dtype=np.float64)
    return f, pvalue


def welch_f(estimate: FloatArray, se: FloatArray, df: FloatArray) -> tuple[float, float, float, float]:
    """Return Q between means, Welch's F, its denominator degrees of freedom, and its p-value.

    Parameters
    ----------
    estimate, se, df : float array, shape (groups,)
        Means, their standard errors and degrees of freedom.

    References
    ----------
    Welch (1951), On the comparison of several mean values, Biometrika 38:330.  R: ``oneway.test``.

    Examples
    --------
    >>> found = welch_f(np.array([0.0, 1.0]), np.array([0.3, 0.4]), np.array([4.0, 5.0]))
    >>> [round(value, 4) for value in found]
    [4.0, 4.0, 8.7474, 0.0775]
    """
    # studies that agree exactly may have a standard error of 0: the smallest that still has a weight
    w = 1 / np.maximum(se, LEAST_SE * max(float(se.max()), LEAST_SE)) ** 2
    share = w / w.sum()
    centre = np.sum(share * estimate)
    q = float(np.sum(w * (estimate - centre) ** 2))
    groups = estimate.size
    spare = float(np.sum((1 - share) ** 2 / df))
    f = q / (groups - 1) / (1 + 2 * (groups - 2) / (groups**2 - 1) * spare)
    within = (groups**2 - 1) / (3 * spare)
    return q, f, within, float(special.fdtrc(groups - 1, within, f))
