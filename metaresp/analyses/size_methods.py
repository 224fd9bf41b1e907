"""What a way to ask whether rates hang on the sizes of the trials is; the ways register themselves here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray
from metaresp.checks import LARGEST_N
from metaresp.counts import clean
from metaresp.model.binomial_normal import BinomialNormal
from metaresp.model.inverse_variance import InverseVariance
from metaresp.model.spec import Spec, resolve
from metaresp.records import Interval
from metaresp.registry import Registry
from metaresp.result import Fit
from metaresp.transforms import TRANSFORMS, study_effects

# What a line runs along, of the sizes and the variances of effects.
PREDICTORS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "se": lambda n, v: np.sqrt(v),
    "variance": lambda n, v: v,
    "1/sqrt(n)": lambda n, v: 1 / np.sqrt(n),
    "1/n": lambda n, v: 1 / n,
    "sqrt(n)": lambda n, v: np.sqrt(n),
    "n": lambda n, v: n,
}
GROWING = frozenset({"n", "sqrt(n)"})  # those that a larger trial has more of
OF_EFFECTS = frozenset({"se", "variance"})  # those that hang on the rate too


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method says of the studies; NaN and None where it has no such thing."""

    statistic: float
    name: str
    pvalue: float
    reference: str
    df: float = np.nan
    slope: float = np.nan
    slope_ci: Interval | None = None
    intercept: float = np.nan  # of the line
    limit: float = np.nan  # the same, where it is that of an infinitely large trial
    limit_ci: Interval | None = None
    tau: float = np.nan
    notes: tuple[str, ...] = ()


class Effects(NamedTuple):
    """Effects of sets of counts, shape (lanes, k)."""

    y: FloatArray
    v: FloatArray
    corrected: BoolArray


def count_model(fit: Fit) -> BinomialNormal:
    """Return the binomial-normal model of the studies, with the link of the fit where it has one."""
    own = {
        name: getattr(fit.spec, name) for name in ("link", "effects") if getattr(fit.spec, name) is not None
    }
    spec = resolve(level=fit.spec.level, **own)
    return BinomialNormal(clean(fit.studies.events, fit.studies.n, None)[0], spec)


def effect_model(fit: Fit, spec: Spec) -> InverseVariance:
    """Return the inverse-variance model of the studies of a fit."""
    return InverseVariance(clean(fit.studies.events, fit.studies.n, None)[0], spec)


def effect_spec(fit: Fit, tau2: str | float | None = None) -> Spec:
    """Return the options of an inverse-variance model: those of the fit, or logits where it has none."""
    spec = (
        fit.spec
        if fit.spec.transform is not None
        else resolve(
            model="inverse-variance", level=fit.spec.level, outcome=fit.spec.outcome, digits=fit.spec.digits
        )
    )
    if tau2 is None:
        return spec
    return resolve(**(replace(spec, tau2=tau2).options()))


class Method:
    """One way to ask, of the studies of one fit.

    Parameters
    ----------
    fit : Fit
    predictor : str
        A name of ``predictors``.

    Attributes
    ----------
    predictors : tuple of str
        What the line may run along, the default first; empty where there is no line.
    counts : bool
        Whether it asks the counts themselves, and not effects with a variance.
    tests : bool
        Whether it has a p-value of its own.
    """

    predictors: ClassVar[tuple[str, ...]] = ()
    counts: ClassVar[bool] = False
    tests: ClassVar[bool] = True

    def __init__(self, fit: Fit, predictor: str) -> None:
        self.fit, self.predictor = fit, predictor
        self.x = fit.studies.events.astype(np.float64)[None]
        self.n = fit.studies.n.astype(np.float64)[None]
        self.tail = (1 - fit.spec.level) / 2

    @cached_property
    def spec(self) -> Spec:
        """The options of the effects."""
        return effect_spec(self.fit)

    @property
    def scale(self) -> str:
        """The scale of the line."""
        return str(self.spec.transform)

    @cached_property
    def own(self) -> Effects:
        """The effects of the studies."""
        return self.effects(self.x, self.n)

    @cached_property
    def along(self) -> FloatArray:
        """What the line runs along, shape (k,); without a line ``1 / sqrt(n)``."""
        name = self.predictor or "1/sqrt(n)"
        found: FloatArray = PREDICTORS[name](self.n, self.own.v if name in OF_EFFECTS else self.n)[0]
        return found

    def effects(self, x: FloatArray, n: FloatArray) -> Effects:
        """Return the effects of sets of counts."""
        rule, amount = self.spec.correct or "none", float(self.spec.correction or 0.0)
        return Effects(*study_effects(TRANSFORMS[self.scale], x, n, np.ones_like(x), rule, amount))

    def rate(self, effect: FloatArray) -> FloatArray:
        """Return effects of an infinitely large trial as rates."""
        transform = TRANSFORMS[self.scale]
        rate: FloatArray = transform.inverse(
            np.clip(effect, *transform.limits), np.full(effect.shape, float(LARGEST_N))
        )
        return rate

    def answer(self) -> Answer:
        """Return what the method says."""
        raise NotImplementedError

    def statistic(self, x: FloatArray, n: FloatArray) -> FloatArray:
        """Return a number for each set of counts, the greater the more it hangs on size; NaN for none."""
        raise NotImplementedError


METHODS: Registry[type[Method]] = Registry("method")
