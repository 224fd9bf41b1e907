"""The fitted model behind a result, kept so that later questions cost no further fit.

A result that was made from JSON, a copy or a pickle has none: it is fitted again when it is first asked.
"""

import weakref
from functools import cached_property

import numpy as np

from metaresp.arrays import IntArray
from metaresp.counts import Counts, clean, grouped
from metaresp.kernel.counts import beta_binomial, binomial_normal
from metaresp.kernel.counts.beta_intervals import BetaLanes
from metaresp.kernel.counts.intervals import mixed
from metaresp.kernel.counts.new_trial import Mixture
from metaresp.kernel.counts.profile_limits import Maximum
from metaresp.kernel.counts.registry import CountInterval, Lanes
from metaresp.kernel.counts.surface import CountSurface, Penalty
from metaresp.records import Record
from metaresp.spec import Spec


class Fitted:
    """Lanes of counts with what a count model finds for them, each part when it is first asked for.

    Attributes
    ----------
    counts : Counts
    spec : Spec
    later : bool
        Whether the interval of a new trial is left until it is asked for.
    """

    def __init__(self, counts: Counts, spec: Spec, later: bool = False) -> None:
        self.counts = counts
        self.spec = spec
        self.later = later

    @cached_property
    def data(self) -> CountSurface:
        """The likelihood of the binomial-normal model."""
        penalty = None if self.spec.penalty is None else Penalty(*self.spec.penalty)
        x, n, copies = self.counts.x, self.counts.n, self.counts.copies
        return CountSurface(x, n, copies, self.spec.link or "logit", penalty)

    @cached_property
    def fit(self) -> binomial_normal.Fit:
        """The maximum of that likelihood."""
        return binomial_normal.fit(self.data)

    @property
    def lanes(self) -> Lanes:
        """What intervals and tests of that model look at, the random source at its start."""
        rng = None if self.spec.seed is None else np.random.default_rng(self.spec.seed)
        return Lanes(self.data, self.fit, self.counts.k, rng)

    @property
    def maximum(self) -> Maximum:
        """The height of the likelihood, with its penalty, and where it is reached."""
        return Maximum(self.fit.mu, self.fit.tau, self.fit.se, self.fit.top, self.fit.top_common)

    @cached_property
    def new_trial(self) -> tuple[Mixture, CountInterval]:
        """What a new trial's theta may be, and its likelihood interval."""
        return mixed(self.lanes, (1 - self.spec.level) / 2)

    @cached_property
    def beta(self) -> BetaLanes:
        """The beta-binomial fit."""
        x, n, copies = self.counts.x, self.counts.n, self.counts.copies
        return BetaLanes(beta_binomial.counts(x, n, copies), beta_binomial.fit(x, n, copies), self.counts.k)


def lane_of(lanes: Counts, spec: Spec) -> tuple[Counts, IntArray]:
    """Return the one lane as it is estimated, equal studies as one, and the place of each study in it.

    What draws data sets study by study, or knows which study is of which cluster, takes each by itself.
    """
    if spec.cluster is not None or "bootstrap" in {spec.ci, spec.prediction}:
        return lanes, np.arange(lanes.x.shape[1])
    if spec.model not in {"binomial-normal", "beta-binomial"}:
        return lanes, np.arange(lanes.x.shape[1])  # sums alone
    return grouped(lanes)


_KEPT: dict[int, Fitted] = {}


def keep(result: Record, model: Fitted) -> None:
    """Keep the model of a result for as long as the result lives."""
    _KEPT[id(result)] = model
    weakref.finalize(result, _KEPT.pop, id(result), None)


def kept(result: "Record", events: np.ndarray, n: np.ndarray, spec: Spec) -> Fitted:
    """Return the model of a result with these counts, fitted again where it was not kept."""
    model = _KEPT.get(id(result))
    if model is None:
        model = Fitted(lane_of(clean(events[None], n[None], None)[0], spec)[0], spec)
        keep(result, model)
    return model
