"""Studies nested in clusters: intervals of the variances, and p-values by the profile likelihood."""

import numpy as np
from scipy import special

from metaresp.arrays import IntArray
from metaresp.checks import check_level
from metaresp.counts import Counts
from metaresp.errors import CannotEstimate, InvalidArgument, known_name, option
from metaresp.kernel.nested.climb import Best
from metaresp.kernel.nested.counts import fall_at
from metaresp.kernel.nested.effects import fit_nested_gaussian
from metaresp.kernel.nested.robust import groups
from metaresp.kernel.nested.spread import BETWEEN, TOTAL, WITHIN, count_limits, effect_limits
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.numerics.special import saturated
from metaresp.model.inverse_variance import effects
from metaresp.spec import Spec

COMPONENTS = (BETWEEN, WITHIN, TOTAL)


def best_of(counts: Counts, mu: float, tau2_between: float, tau2_within: float, loglik: float) -> Best:
    """Return the maximum of the count model from what a fit keeps of it."""
    at = np.array([mu, np.sqrt(tau2_between), np.sqrt(np.nan_to_num(tau2_within))])
    return Best(at, loglik - float(saturated(counts.x, counts.n).sum()))


def nested_tau2_interval(
    counts: Counts, cluster: IntArray, spec: Spec, best: Best | None, component: str | None, level: float
) -> tuple[float, float]:
    """Return the profile-likelihood interval of one variance, or of their sum.

    Parameters
    ----------
    counts : Counts
        One lane that the model has fitted.
    cluster : int array, shape (k,)
    spec : Spec
    best : Best or None
        The maximum of the count model; not used for effects.
    component : {"between", "within", "total"} or None
        None is the total.
    level : float

    Raises
    ------
    UnknownName
        If there is no such component.
    CannotEstimate
        If the data cannot show it.
    """
    which = TOTAL if component is None else known_name("component", component, COMPONENTS)
    fall = float(t_quantile(np.inf, (1 - check_level(level)) / 2)) ** 2
    if groups(cluster).first.size == cluster.size and which != TOTAL:
        raise CannotEstimate("tau2_ci: every cluster holds one study, so its levels cannot be told apart")
    if spec.model == "binomial-normal" and best is not None:
        x, n = counts.x[0], counts.n[0]
        if (n == 1).all():
            if which == WITHIN:
                raise CannotEstimate("tau2_ci: every study holds one patient: no variance within clusters")
            which = BETWEEN
        low, high = count_limits(x, n, cluster, best, fall, which)
    else:
        y, v, _ = effects(counts, spec)
        fit = fit_nested_gaussian(y[0], v[0], cluster)
        low, high = effect_limits(y[0], v[0], cluster, fit, fall, which)
    return low * low, high * high


def nested_pvalue(counts: Counts, cluster: IntArray, best: Best, target: float, df: float) -> float:
    """Return the two-sided p-value of a mean by the profile likelihood of the count model.

    Parameters
    ----------
    counts : Counts
    cluster : int array, shape (k,)
    best : Best
        The maximum.
    target : float
        Mean to test, on the link scale.
    df : float
        Degrees of freedom of the t quantile behind the interval; infinite: chi-square.
    """
    if not np.isfinite(target):
        raise InvalidArgument(f"{option('target', target)}: must be finite")
    root = float(np.sqrt(fall_at(counts.x[0], counts.n[0], cluster, best, target)))
    return 2 * float(special.ndtr(-root) if np.isinf(df) else special.stdtr(df, -root))
