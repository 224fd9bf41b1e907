"""Estimators of the between-study variance that solve an equation or maximise a likelihood."""

from metaresp.arrays import ArrayLike
from metaresp.kernel.effects.tau2_moment import TAU2, Tau2, estimate  # the closed forms come first
from metaresp.kernel.effects.tau2_search import climb, maximise
from metaresp.kernel.numerics.quantiles import chi2_quantile

__all__ = [
    "TAU2",
    "Tau2",
    "empirical_bayes",
    "maximum_likelihood",
    "paule_mandel",
    "paule_mandel_median",
    "restricted_maximum_likelihood",
]


@TAU2.add("ML")
def maximum_likelihood(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Maximum likelihood in the normal-normal model, the global maximum.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    References
    ----------
    Hardy & Thompson (1996), Statistics in Medicine 15:619-629.

    Notes
    -----
    R: ``metafor::rma(method = "ML")``, which climbs from one start and can stop at a lesser maximum.

    Examples
    --------
    >>> round(float(maximum_likelihood([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1]).value), 6)
    0.566667
    """
    return estimate(lambda lanes: maximise(lanes, restricted=False), y, v, copies)


@TAU2.add("REML")
def restricted_maximum_likelihood(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Restricted maximum likelihood in the normal-normal model, the global maximum.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    References
    ----------
    Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30:261-293, eq. (10).

    Notes
    -----
    R: ``metafor::rma(method = "REML")``, which climbs from one start and can stop at a lesser maximum.

    Examples
    --------
    >>> round(float(restricted_maximum_likelihood([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1]).value), 6)
    0.9
    """
    return estimate(lambda lanes: maximise(lanes, restricted=True), y, v, copies)


@TAU2.add("EB")
def empirical_bayes(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Empirical-Bayes (Morris) estimator, which solves the equation of Paule and Mandel.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    References
    ----------
    Morris (1983), J. Am. Stat. Assoc. 78:47-55; Viechtbauer, Lopez-Lopez, Sanchez-Meca & Marin-Martinez
    (2015), Psychological Methods 20:360-374.

    Notes
    -----
    R: ``metafor::rma(method = "EB")``.

    Examples
    --------
    >>> round(float(empirical_bayes([0.0, 1.0, 2.0], [0.1, 0.2, 0.1], [1, 1, 1]).value), 6)
    0.9
    """
    return estimate(lambda lanes: climb(lanes, lanes.k - 1.0), y, v, copies)


@TAU2.add("PM")
def paule_mandel(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Paule-Mandel estimator: the ``tau2`` at which the generalised Q equals its mean, ``k - 1``.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    References
    ----------
    Paule & Mandel (1982), J. Res. Natl. Bur. Stand. 87:377-385; DerSimonian & Kacker (2007), eq. (5).

    Notes
    -----
    R: ``metafor::rma(method = "PM")``, whose root search stops at an absolute 1e-4.

    Examples
    --------
    >>> round(float(paule_mandel([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1]).value), 6)
    0.9
    """
    return estimate(lambda lanes: climb(lanes, lanes.k - 1.0), y, v, copies)


@TAU2.add("PMM")
def paule_mandel_median(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Median-unbiased Paule-Mandel estimator: Q equals the median of its chi-square.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    References
    ----------
    Viechtbauer (2021), in Handbook of Meta-Analysis (Schmid, Stijnen & White, eds.), ch. 6.

    Notes
    -----
    R: ``metafor::rma(method = "PMM")``, whose root search stops at an absolute 1e-4.

    Examples
    --------
    >>> round(float(paule_mandel_median([0.0, 1.0, 2.0], [0.1, 0.2, 0.1], [1, 1, 1]).value), 6)
    1.342695
    """
    return estimate(lambda lanes: climb(lanes, chi2_quantile(lanes.k - 1.0, 0.5)), y, v, copies)
