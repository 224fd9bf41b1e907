"""What a model is: one object in one file, which answers everything that is asked of a pooling."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.random import Generator

from metaresp.arrays import FloatArray, IntArray
from metaresp.checks import check_level
from metaresp.counts import Counts
from metaresp.errors import CannotEstimate, InvalidArgument, known_name, option
from metaresp.kernel.counts.groups import Range
from metaresp.kernel.counts.one_rate import shares
from metaresp.kernel.counts.resampling import Draws
from metaresp.kernel.numerics.panels import Logs
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.numerics.surface import Surface
from metaresp.model.described import Described
from metaresp.model.estimates import (
    ALL_EXTREME,
    Estimates,
    Numbers,
    classify,
    exact_counts,
)
from metaresp.model.left_out import LeftOut
from metaresp.model.predictive import NewTrial, StudentTrial, link_logs
from metaresp.model.scales import scale_name, scale_of
from metaresp.model.spec import Spec
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit

SHARE = "Share of Pearson's X2 against one common rate"


class Spread(NamedTuple):
    """A likelihood by the logit of the mean and by what tells the spread, with the range of that."""

    surface: Surface
    range: Range
    starts: tuple[float, ...]


class StudyTruths(NamedTuple):
    """The true rate of each study given its count, shape (k,), and in words what that is."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray
    note: str
    outlier: FloatArray | None = None  # probability that it is one, of a model that knows outlying studies


class Model(Described, LeftOut):
    """Lanes of counts under one model, each part of the answer when it is first asked for.

    A model is a subclass, named in ``metaresp.model``.  Nothing else asks for its name: what differs between
    models is an attribute or a method here.

    Parameters
    ----------
    counts : Counts
    spec : Spec
    cluster : int array, shape (k,), optional
        The number of each study's cluster, where studies are nested.
    later : bool
        Whether an interval of a new trial that takes long may wait until it is asked for.

    Attributes
    ----------
    table : object
        What :meth:`tabulated` gave for all studies, where the lanes are subsets of these.
    bare : bool
        Whether rate, estimate and heterogeneity alone are looked at.
    """

    def __init__(
        self, counts: Counts, spec: Spec, cluster: IntArray | None = None, later: bool = False
    ) -> None:
        self.counts = counts
        self.spec = spec
        self.cluster = cluster
        self.later = later
        self.table: Any = None
        self.bare = False

    def take(self, rows: IntArray) -> Self:
        """Return the model of the lanes at *rows*, itself where these are all."""
        if rows.size == self.counts.k.size:
            return self
        part = type(self)(self.counts.take(rows), self.spec, self.cluster)
        part.table, part.bare = self.table, self.bare
        return part

    def tabulated(self) -> Any:
        """Return what subsets of the studies of one lane share: likelihoods as a table, effects, or None."""
        return None

    @cached_property
    def draws(self) -> Draws:
        """The random source of intervals that simulate, and what they drew from it."""
        return Draws(None if self.spec.seed is None else np.random.default_rng(self.spec.seed))

    @property
    def waits(self) -> bool:
        """Whether the interval of a new trial waits until it is asked for, :meth:`new_interval`."""
        return False

    @property
    def tail(self) -> float:
        """The probability beyond each limit."""
        return (1 - self.spec.level) / 2

    # Estimates of lanes

    def classify(self) -> IntArray:
        """Return OK for lanes that the model can fit, otherwise the reason why it cannot."""
        return classify(self.counts)

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Return the estimates of lanes that the model can fit, with a reason for each lane."""
        raise NotImplementedError

    def exact_counts(self, reason: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the events and the n of an exact answer."""
        return exact_counts(self.counts, reason)

    def exact_weights(self, reason: IntArray) -> FloatArray:
        """Return what each study weighs in exact answers, shape (lanes, k): as it is counted."""
        return np.where((reason == ALL_EXTREME)[:, None], 1.0, self.counts.n)

    def weigh(self, found: Estimates) -> FloatArray:
        """Return what each study weighs in lanes that the model has fitted, shape (lanes, k)."""
        return self.counts.n

    def typical_limits(self) -> tuple[float, float] | None:
        """Return limits of the typical trial's rate of one lane whose answer is exact, where there are any.

        None where the exact answer is that of the model too.
        """
        return None

    def mean_limits(self, found: Estimates) -> tuple[FloatArray, FloatArray]:
        """Return the limits of the mean rate over trials: those of mu, averaged at the estimated tau2."""
        low, high = (self.mean_rates(end, found.tau2) for end in (found.estimate_low, found.estimate_high))
        return low, high

    def mean_rates(self, mu: FloatArray, tau2: FloatArray) -> FloatArray:
        """Return the mean rate over trials of every lane, were these its mean and variance."""
        raise NotImplementedError

    def levels(self, found: Estimates) -> dict[str, float] | None:
        """Return the parts of tau2 of nested studies, as in :class:`metaresp.result.Levels`, or None."""
        return None

    def new_interval(self) -> tuple[Interval, Interval]:
        """Return the interval of a new trial that waited, of one lane: as rates, and on the scale."""
        raise NotImplementedError

    # Questions about one fit

    def tau2_interval(
        self, pooled: "Fit", method: str | None, component: str | None, level: float
    ) -> Interval:
        """Return the interval of tau2 of one lane; see :meth:`metaresp.Fit.tau2_ci`."""
        if component is not None and (not isinstance(component, str) or component != "total"):
            raise InvalidArgument(
                f"{option('component', component)} has no meaning for a fit without {option('cluster')}: "
                "leave it out"
            )
        low, high = self.tau2_limits(method, level)
        return Interval(low[0].item(), high[0].item())

    def tau2_limits(self, method: str | None, level: float) -> tuple[FloatArray, FloatArray]:
        """Return low and high of tau2 for every lane; without *method* by the first of ``tau2_methods``.

        Raises
        ------
        CannotEstimate
            If the model has no tau2.
        UnknownName
            If the model has no such method.
        """
        known = self.tau2_methods
        if not known:
            raise CannotEstimate(f"tau2_ci: {option('model', self.name)} has no tau2")
        chosen = known[0] if method is None else known_name("method", method, known)
        return self._tau2_limits(chosen, (1 - check_level(level)) / 2)

    def rho_limits(self, method: str | None, level: float) -> tuple[FloatArray, FloatArray]:
        """Return low and high of rho for every lane, of a model that has one."""
        raise CannotEstimate(f"rho_ci: {option('model', self.name)} has no rho: tau2_ci is its counterpart")

    def _tau2_limits(self, method: str, tail: float) -> tuple[FloatArray, FloatArray]:
        raise NotImplementedError

    def effect_of(self, rate: float, tau2: float) -> float:
        """Return the effect of one lane that turns back into *rate*, on the model's scale."""
        return float(scale_of(self.spec)(np.array([rate]))[0])

    def logs(self, tau2: float) -> tuple[Logs, tuple[float, ...]]:
        """Return how an effect becomes log p and log q, and where the rate becomes 0 or 1 for good."""
        name = scale_name(self.spec)
        return link_logs(name), (0.0,) if name == "log" else ()

    def pvalues(self, targets: FloatArray) -> FloatArray | None:
        """Return the two-sided p-values of several means of each lane, shape (lanes, points).

        The means are on the model's scale.  None where the interval is the estimate plus and minus a
        quantile of t times the standard error.
        """
        return None

    def mean_pvalues(self, rates: FloatArray) -> FloatArray | None:
        """Return the two-sided p-values of mean rates over trials, shape (lanes, points).

        None where they are those of typical rates.
        """
        return None

    def typical_of_mean(self, rate: float, tau2: float) -> float:
        """Return the rate of a typical trial where the mean over trials is *rate*, at a known tau2."""
        raise NotImplementedError

    def new_trial(self, pooled: "Fit", limits: Interval) -> NewTrial:
        """Return the distribution whose quantiles are the *limits* of a new trial, on the model's scale."""
        units = float(pooled.clusters or pooled.k)
        df = {"normal": np.inf, "hts": units - 2}.get(str(self.spec.prediction), units - 1)
        low, high = limits
        spread = (high - low) / 2 / float(t_quantile(np.array(df), self.tail))
        logs, kinks = self.logs(pooled.tau2)
        return StudentTrial(
            (low + high) / 2, spread, df, lambda rate: self.effect_of(rate, pooled.tau2), logs, kinks
        )

    def study_rates(self, pooled: "Fit") -> StudyTruths:
        """Return the true rate of each study given its count, at the fitted mean and spread."""
        raise NotImplementedError

    def contributions(self, pooled: "Fit") -> tuple[FloatArray, str]:
        """Return each study's share of the heterogeneity, shape (k,), and what that is."""
        return shares(self.counts.x[0], self.counts.n[0]), SHARE

    def mean_gain(self) -> tuple[float, float]:
        """Return twice the gain in log-likelihood of a mean for each lane over one mean for all of them.

        With the number of clusters of all lanes: of nested studies.
        """
        raise NotImplementedError

    def group_likelihood(self, largest: float) -> Spread:
        """Return the likelihood of the lanes, less the saturated one; *largest* is that of all n."""
        raise NotImplementedError
