"""Every option of a pooling, resolved and checked once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from metaresp.binomial import BINOMIAL_CI
from metaresp.checks import as_float, check_digits, check_level, check_seed
from metaresp.errors import InvalidArgument, UnknownName, folded, known_name, meant, option
from metaresp.kernel.counts.surface import PENALTIES
from metaresp.model.programs import like_options
from metaresp.model.registry import MODELS, NESTED
from metaresp.outcome_words import check_outcome
from metaresp.records import Record

DEFAULT = "default"
Option: TypeAlias = str | float | tuple[str, float] | None
_NUMBER = (int, float, np.integer, np.floating)

_TAKES_NONE = {"prediction", "penalty"}
_TAKES_NUMBER = {"tau2", "correction"}


@dataclass(frozen=True, eq=False, slots=True)
class Spec(Record):
    """A pooling's options, checked and complete; ``None`` where the model has no such option.

    Attributes
    ----------
    model : str
    level : float
        Confidence level of every interval.
    study_ci : str
        Binomial interval drawn and tabulated for each study.
    link, effects, transform, tau2, ci, prediction, correction, correct, back_n, penalty
        As in :func:`metaresp.pool`.
    seed : int or None
        Seed of the methods that simulate.
    cluster : str or None
        Covariate that tells the cluster of each study, where studies are nested in clusters.
    outcome : str or None
        What is counted, in words; responses where it is None.
    digits : int or None
        Decimals of printed percentages; as many as their intervals need where it is None.
    """

    model: str
    level: float = 0.95
    study_ci: str = "clopper-pearson"
    link: str | None = None
    transform: str | None = None
    tau2: str | float | None = None
    ci: str = "t"
    prediction: str | None = None
    correction: float | None = None
    correct: str | None = None
    back_n: str | None = None
    penalty: tuple[str, float] | None = None
    effects: str | None = None
    seed: int | None = None
    cluster: str | None = None
    outcome: str | None = None
    digits: int | None = None

    def options(self) -> dict[str, Any]:
        """Return the options as keyword arguments that give this same specification."""
        shared = {"model": self.model, "level": self.level, "study_ci": self.study_ci, "seed": self.seed}
        if self.cluster is not None:
            shared["cluster"] = self.cluster
        words = {"outcome": self.outcome, "digits": self.digits}
        shared |= {name: value for name, value in words.items() if value is not None}
        own = {name: getattr(self, name) for name in MODELS[self.model].options}
        return shared | {name: v for name, v in own.items() if v is not None or name in _TAKES_NONE}


def resolve(*, like: Any = None, **options: Any) -> Spec:
    """Check every option and fill in the defaults of the model; see :class:`Spec` for their names.

    *like* is a program whose defaults take the place of ours.

    What was resolved before is not resolved again: the answer is the same frozen record.

    Raises
    ------
    InvalidArgument
        An option has a value outside its rule, or has no meaning for the model.
    """
    if like is not None:
        if options.get("cluster") is not None:
            raise InvalidArgument(
                f"{option('like', like)} has no meaning with {option('cluster')}: leave one of them out"
            )
        options = like_options(like, {name: v for name, v in options.items() if not _is_default(v)})
    # two values that are equal are one to a cache: 1 and True by their type, 0.0 and -0.0 not even so
    if all(type(value) in _TELLING and value != 0 for value in options.values()):
        return _resolved_before(**options)
    return _resolved(**options)


def _resolved(
    *,
    model: str = DEFAULT,
    level: float = 0.95,
    study_ci: str = "clopper-pearson",
    seed: int | None = None,
    cluster: str | None = None,
    outcome: str | None = None,
    digits: int | None = None,
    **options: Option,
) -> Spec:
    model = next(iter(MODELS)) if _is_default(model) else known_name("model", model, MODELS)
    kind, own = MODELS[model], _nested(model, cluster)
    known = {**kind.options, **{name: next(iter(names), None) for name, names in own.items()}}
    resolved: dict[str, Any] = {}
    for name, value in options.items():
        if _is_default(value):
            continue
        if name not in known:
            owners = " or ".join(
                f"{option('model', m)}" for m, other in MODELS.items() if name in other.options
            )
            where = f" (it belongs to {owners})" if owners else ""
            hint = _elsewhere(model, name, value, named=False)
            raise InvalidArgument(
                f"{option(name, value)} has no meaning for {option('model', model)}{where}: leave it out"
                f"{hint}"
            )
        resolved[name] = value
    complete: dict[str, Any] = {**known, **resolved}
    kind.settle(complete, resolved)
    for name, value in complete.items():
        if name in own:
            complete[name] = _checked_nested(model, str(cluster), name, value)
        else:
            complete[name] = _checked(model, name, value)
    return Spec(
        model=model,
        level=check_level(level),
        study_ci=known_name("study_ci", study_ci, BINOMIAL_CI),
        seed=check_seed(seed),
        cluster=cluster,
        outcome=check_outcome(outcome),
        digits=check_digits(digits),
        **complete,
    )


def _is_default(value: Any) -> bool:
    return isinstance(value, str) and folded(value) == DEFAULT


_TELLING = frozenset({str, float, int, type(None)})
_resolved_before = lru_cache(maxsize=256, typed=True)(_resolved)


def nested_only() -> frozenset[str]:
    """Return the intervals that no model of independent studies has."""
    nested, ordinary = (
        {name for kind in kinds.values() for name in kind.choices["ci"]} for kinds in (NESTED, MODELS)
    )
    return frozenset(nested - ordinary)


def _nested(model: str, cluster: str | None) -> Mapping[str, Collection[str]]:
    """Return what the form of a model for nested studies offers instead, nothing without clusters."""
    if cluster is None:
        return {}
    if model not in NESTED:
        raise InvalidArgument(
            f"{option('model', model)} takes studies as independent and has no form for studies nested in "
            f"clusters: with {option('cluster', cluster)} choose {' or '.join(map(repr, NESTED))}; of "
            "reports that share "
            f"patients keep one, studies.largest_per({cluster!r})"
        )
    return NESTED[model].choices


def _checked_nested(model: str, cluster: str, name: str, value: Option) -> Option:
    """Return *value* if the nested model knows it; what only the ordinary one knows is an error."""
    names = NESTED[model].choices[name]
    if value is None and name in _TAKES_NONE:
        return None
    if isinstance(value, str):
        alike = [known for known in names if folded(known) == folded(value)]
        if alike:
            return alike[0]
    raise InvalidArgument(
        f"{option(name, value)} is not possible with {option('cluster', cluster)}, {option('model', model)}: "
        + (f"choose {', '.join(map(repr, names))}" if names else "leave it out")
    )


def _checked(model: str, name: str, value: Option) -> Option:
    if value is None:
        if name in _TAKES_NONE:
            return None
        raise InvalidArgument(f"{option(name, None)}: give one of its names, or leave it out")
    if name == "penalty":
        return _penalty(value)
    if name in _TAKES_NUMBER and isinstance(value, _NUMBER):
        number = as_float(value)
        if isinstance(value, bool) or number is None or not np.isfinite(number) or number < 0:
            raise InvalidArgument(f"{option(name, value)}: a number must be finite and not negative")
        return number
    if name == "correction":
        raise InvalidArgument(f"{option('correction', value)}: must be a number of 0 or more, such as 0.5")
    try:
        return known_name(name, value, MODELS[model].choices[name])
    except UnknownName as error:
        hint = "" if "did you mean" in str(error) else _elsewhere(model, name, value)
        raise UnknownName(f"{error.marked}{hint}") from None


def _elsewhere(model: str, name: str, value: Option, named: bool = True) -> str:
    """Return a hint at the name of another model that *value* is, here or in other software, or nothing."""
    if not isinstance(value, str):
        return ""
    for other, kind in MODELS.items():
        choices = kind.choices.get(name, ()) if other != model else ()
        ours = next((known for known in choices if folded(known) == folded(value)), "")
        if ours and named:
            return f"; {ours!r} belongs to {option('model', other)}"
        hint = "" if ours else meant(name, value, choices)
        if "(" in hint:  # a name of other software, not a misspelling
            return f"{hint.removesuffix('?')} with {option('model', other)}?"
    return ""


def _penalty(value: Any) -> tuple[str, float]:
    """Return a name of PENALTIES and its scale."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise InvalidArgument(
            f"{option('penalty', value)}: must be a name and a scale, such as "
            f"{option('penalty', ('half-normal', 1))}"
        )
    name, scale = known_name("penalty", value[0], PENALTIES), as_float(value[1])
    if isinstance(value[1], bool) or scale is None or not 0 < scale < np.inf:
        raise InvalidArgument(f"{option('penalty', value)}: the scale must be a finite number above 0")
    return name, scale
