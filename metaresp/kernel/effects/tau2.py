"""Estimators of the between-study variance: the registry, what its entries share, and the entries."""

from collections.abc import Callable
from functools import partial, wraps
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, BoolArray, FloatArray, IntArray
from metaresp.kernel.effects.sums import ESTIMATED, NOT_CONVERGED, Lanes, run_lanes
from metaresp.kernel.effects.tau2_search import Root, climb, maximise
from metaresp.kernel.numerics.quantiles import chi2_quantile
from metaresp.registry import Registry


class Tau2(NamedTuple):
    """Between-study variance of each lane, shape (...)."""

    value: FloatArray
    """The estimate, at least 0; nan where ``reason`` is not 0 (1 no studies, 2 values not finite)."""
    converged: BoolArray
    """False where an iteration stopped early (``reason`` 3; the last value is kept)."""
    reason: IntArray
    """Code of :mod:`metaresp.kernel.effects.sums`: 0 means estimated."""


class Tau2Method(Protocol):
    """The one signature of estimators of the between-study variance."""

    def __call__(self, y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
        """Return the estimate of each lane.

        Parameters
        ----------
        y, v, copies : float array, shape (..., k)
            Study effects, their sampling variances, and study multiplicities.

        Returns
        -------
        Tau2
            ``value``, ``converged`` and ``reason``, each of shape (...); 0 for a single study.

        Examples
        --------
        >>> found = {name: entry([0.0, 1.0, 2.0], [0.1, 0.2, 0.1], [1, 1, 1]) for name, entry in TAU2.items()}
        >>> {name: round(float(found[name].value), 6) for name in ("DL", "HE", "REML")}
        {'DL': 1.125, 'HE': 0.866667, 'REML': 0.931309}
        """


TAU2: Registry[Tau2Method] = Registry("tau2")

_Body: TypeAlias = Callable[[Lanes], Root | FloatArray]


def settled(body: _Body, lanes: Lanes) -> tuple[FloatArray, BoolArray, IntArray]:
    """Run *body*; never below 0, 0 for a single study, nan where there is nothing to estimate."""
    answer = body(lanes)
    value, converged = answer if isinstance(answer, tuple) else (answer, None)
    reason = lanes.reasons()
    if converged is not None and not converged.all():
        reason[~converged & (reason == ESTIMATED)] = NOT_CONVERGED
    value = np.where(lanes.df > 0, np.fmax(value, 0.0), 0.0)
    if reason.any():
        value[(reason != ESTIMATED) & (reason != NOT_CONVERGED)] = np.nan
    return value, reason == ESTIMATED, reason


def estimator(body: _Body) -> Tau2Method:
    """Make an entry of ``TAU2`` out of a function of :class:`Lanes` that gives one value each."""
    of_lanes = partial(settled, body)

    @wraps(body)
    def method(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
        value, converged, reason = run_lanes(of_lanes, y, v, copies)
        return Tau2(value, converged, reason)

    return method


def cochran_moment(lanes: Lanes) -> FloatArray:
    """Return the excess of Cochran's Q over its degrees of freedom, in units of ``tau2``."""
    q, slope = lanes.cochran()
    return (q - lanes.df) / slope


@TAU2.add("common")
@estimator
def common(lanes: Lanes) -> FloatArray:
    """Common-effect model: the between-study variance is 0.

    Rice, Higgins & Lumley (2018), J. R. Stat. Soc. A 181:205-227.  R: ``metafor::rma(method = "EE")``.
    """
    return np.zeros(len(lanes))


@TAU2.add("DL")
@estimator
def dersimonian_laird(lanes: Lanes) -> FloatArray:
    """Moment estimator with the common-effect weights.

    DerSimonian & Laird (1986), Controlled Clinical Trials 7:177-188, eq. (8).
    R: ``metafor::rma(method = "DL")``.
    """
    return cochran_moment(lanes)


@TAU2.add("DL2")
@estimator
def dersimonian_laird_two_step(lanes: Lanes) -> FloatArray:
    """Moment estimator with the weights of a DerSimonian-Laird fit: its second step.

    DerSimonian & Kacker (2007), Contemporary Clinical Trials 28:105-114, eq. (8).
    R: ``metafor::rma(method = "GENQ", weights = 1/(vi + tau2_DL))``.
    """
    q, at_zero, slope = lanes.generalised(lanes.precision(np.fmax(cochran_moment(lanes), 0.0)))
    return (q - at_zero) / slope


@TAU2.add("HE")
@estimator
def hedges(lanes: Lanes) -> FloatArray:
    """Moment estimator with equal weights (Hedges-Olkin, variance components).

    Hedges & Olkin (1985), Statistical Methods for Meta-Analysis, ch. 9, eq. (10).
    R: ``metafor::rma(method = "HE")``.
    """
    squares, variances = lanes.plain()
    return squares / lanes.df - variances


@TAU2.add("HS")
@estimator
def hunter_schmidt(lanes: Lanes) -> FloatArray:
    """Hunter-Schmidt estimator, ``(Q - k) / sum w``; biased towards 0.

    Hunter & Schmidt (1990), Methods of Meta-Analysis; Viechtbauer (2005), J. Educ. Behav. Stat.
    30:261-293, eq. (7).  R: ``metafor::rma(method = "HS")``.
    """
    sums = lanes.mean(np.zeros(len(lanes)))
    return (sums.q - lanes.k) / sums.weight


@TAU2.add("HSk")
@estimator
def hunter_schmidt_small_sample(lanes: Lanes) -> FloatArray:
    """Hunter-Schmidt estimator with the small-sample factor, ``(Q k/(k - 1) - k) / sum w``.

    Brannick, Potter, Benitez & Morris (2019), Organizational Research Methods 22:415-436.
    R: ``metafor::rma(method = "HSk")``.
    """
    sums = lanes.mean(np.zeros(len(lanes)))
    return (sums.q * lanes.k / lanes.df - lanes.k) / sums.weight


@TAU2.add("SJ")
@estimator
def sidik_jonkman(lanes: Lanes) -> FloatArray:
    """Sidik-Jonkman estimator started from the variance of the effects; positive where they differ at all.

    Sidik & Jonkman (2005), Applied Statistics 54:367-384, eq. (5).  R: ``metafor::rma(method = "SJ")``.
    """
    start = lanes.variance()
    return np.where(start > 0, start * lanes.mean(start).q / lanes.df, 0.0)


@TAU2.add("ML")
@estimator
def maximum_likelihood(lanes: Lanes) -> Root:
    """Maximum likelihood in the normal-normal model, the global maximum.

    Hardy & Thompson (1996), Statistics in Medicine 15:619-629.
    R: ``metafor::rma(method = "ML")``, which climbs from one start and can stop at a lesser maximum.
    """
    return maximise(lanes, restricted=False)


@TAU2.add("REML")
@estimator
def restricted_maximum_likelihood(lanes: Lanes) -> Root:
    """Restricted maximum likelihood in the normal-normal model, the global maximum.

    Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30:261-293, eq. (10).
    R: ``metafor::rma(method = "REML")``, which climbs from one start and can stop at a lesser maximum.
    """
    return maximise(lanes, restricted=True)


@TAU2.add("EB")
@estimator
def empirical_bayes(lanes: Lanes) -> Root:
    """Empirical-Bayes (Morris) estimator, which solves the equation of Paule and Mandel.

    Morris (1983), J. Am. Stat. Assoc. 78:47-55; Viechtbauer, Lopez-Lopez, Sanchez-Meca & Marin-Martinez
    (2015), Psychological Methods 20:360-374.  R: ``metafor::rma(method = "EB")``.
    """
    return climb(lanes, lanes.df)


@TAU2.add("PM")
@estimator
def paule_mandel(lanes: Lanes) -> Root:
    """Paule-Mandel estimator: the ``tau2`` at which the generalised Q equals its mean, ``k - 1``.

    Paule & Mandel (1982), J. Res. Natl. Bur. Stand. 87:377-385; DerSimonian & Kacker (2007), Contemporary
    Clinical Trials 28:105-114, eq. (5).
    R: ``metafor::rma(method = "PM")``, whose root search stops at an absolute 1e-4.
    """
    return climb(lanes, lanes.df)


@TAU2.add("PMM")
@estimator
def paule_mandel_median(lanes: Lanes) -> Root:
    """Median-unbiased Paule-Mandel estimator: Q equals the median of its chi-square.

    Viechtbauer (2021), in Handbook of Meta-Analysis (Schmid, Stijnen & White, eds.), ch. 6.
    R: ``metafor::rma(method = "PMM")``, whose root search stops at an absolute 1e-4.
    """
    return climb(lanes, chi2_quantile(lanes.df, 0.5))
