"""What a model says of itself, before it is given any counts: options, properties and words."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from metaresp.model.estimates import EXACT_METHOD, PEARSON
from metaresp.model.scales import scale_name
from metaresp.model.spec import Option, Spec


class Described:
    """The part of a model that is the same for all counts.

    Attributes
    ----------
    name : str
    options : mapping
        What it can be told, and what ``"default"`` stands for; another option has no meaning for it.
    choices : mapping
        The names of each option that has names.  A form for nested studies gives what it offers instead, the
        first being the default.
    spread : {"tau2", "rho"} or None
        How trials differ; None where they do not.
    spread_words : str
        The same in a sentence.
    spread_symbol : str
    exact : bool
        Whether its answer is always a binomial interval on the totals.
    rate_is_mean : bool
        Whether the pooled rate is the mean over trials.
    grouped : bool
        Whether equal studies are fitted as one that counts more often.
    has_likelihood : bool
        Whether groups of studies are compared by its likelihood, :meth:`group_likelihood`.
    explains : bool
        Whether a fit that says nearly nothing tells what helps.
    I2_has_interval : bool
        Whether I2 has the interval of tau2.
    carries_tau : bool
        Whether :meth:`study_rates` takes tau as unknown, so that an estimate of 0 is no exception.
    most_subsets : int
        How many subsets of studies are fitted without being asked for.
    own_centre : collection of str
        Intervals that bring their own estimate.
    tau2_methods : tuple of str
        Of the interval of tau2, the first being the default; empty where there is no tau2.
    Q_symbol, Q_definition : str
        What Q is called beside its value, and in words.
    """

    name: ClassVar[str]
    options: ClassVar[Mapping[str, Option]]
    choices: ClassVar[Mapping[str, Collection[str]]]
    spread: ClassVar[str | None] = "tau2"
    spread_words: ClassVar[str] = "tau2"
    spread_symbol: ClassVar[str] = "τ²"
    exact: ClassVar[bool] = False
    rate_is_mean: ClassVar[bool] = False
    grouped: ClassVar[bool] = False
    has_likelihood: ClassVar[bool] = False
    explains: ClassVar[bool] = False
    I2_has_interval: ClassVar[bool] = False
    carries_tau: ClassVar[bool] = False
    most_subsets: ClassVar[int] = 1 << 20
    own_centre: ClassVar[Collection[str]] = ()
    tau2_methods: ClassVar[tuple[str, ...]] = ()
    Q_symbol: ClassVar[str] = "Pearson's X2"
    Q_definition: ClassVar[str] = PEARSON

    @classmethod
    def without_intervals(cls, spec: Spec) -> dict[str, Option]:
        """Return the options with which the same estimates cost least: no interval is looked at."""
        return {"ci": spec.ci if spec.ci in cls.own_centre else "normal", "prediction": None}

    @classmethod
    def settle(cls, complete: dict[str, Any], given: Mapping[str, Any]) -> None:
        """Drop from the *complete* options what the others leave without a use; see that none was *given*."""

    @classmethod
    def label(cls, spec: Spec, nested: str) -> str:
        """Return the model in words; *nested* says how studies are nested, or is empty."""
        return cls.name.capitalize()

    @classmethod
    def typical_scale(cls, spec: Spec) -> str:
        """Return the scale whose mean makes the pooled rate; empty where that is the mean over trials."""
        return "" if cls.rate_is_mean else scale_name(spec)

    @classmethod
    def I2_definition(cls, spec: Spec) -> str:
        """Say what I2 is a share of."""
        raise NotImplementedError

    @classmethod
    def exact_method(cls, spec: Spec) -> str:
        """Return the binomial interval of an exact answer."""
        return EXACT_METHOD

    @classmethod
    def r_script(cls, spec: Spec) -> list[str] | None:
        """Return the lines of R that repeat the analysis of the data frame ``d``; None where R has none."""
        return None

    @classmethod
    def brief(cls, spec: Spec, at_edge: bool) -> str:
        """Return the method in a few words, for studies of which some are *at_edge*, 0% or 100%, or none."""
        scale = "" if spec.link is None else f", {spec.link} link"
        return f"{cls.name}{scale}, {spec.ci} interval"

    @classmethod
    def r_call(cls, spec: Spec, events: str, data: str) -> str:
        """Return the one call of R that gives rate and interval of a frame; empty where there is none."""
        return ""

    def notes(self, one: Mapping[str, Any], named: Callable[[Sequence[int]], str]) -> list[str]:
        """Say in sentences what was done to awkward data.

        Parameters
        ----------
        one : mapping
            The estimates of the one lane.
        named : callable
            Gives the labels of the studies at some positions.
        """
        return []
