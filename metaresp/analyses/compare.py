"""The same studies under every defensible model, side by side."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, silent
from metaresp.checks import check_bool
from metaresp.errors import CannotEstimate, InvalidArgument, option
from metaresp.inputs import find_studies
from metaresp.kernel.counts.links import LINKS
from metaresp.model.registry import MODELS, NESTED, model_of
from metaresp.model.spec import Spec, resolve
from metaresp.pooling import pool
from metaresp.records import Answered
from metaresp.result import Fit
from metaresp.transforms import TRANSFORMS

if TYPE_CHECKING:
    import pandas as pd

# Two answers differ materially when their odds differ by this factor and their rates by this much.
ODDS = 1.5
RATES = 0.01
# Below it the counts contradict one rate for all trials.
CONTRADICTED = 0.05
CHOICE = (
    "The choice of the model decides here: tell which one was chosen before the data were seen, and give the "
    "others beside it."
)
PENALTY = ("half-normal", 1.0)


@dataclass(frozen=True, eq=False, slots=True)
class Comparison(Answered):
    """One set of studies under several models.  Arrays have shape (models,).

    Attributes
    ----------
    fits : tuple of Fit
        The default model first.
    model : tuple of str
        What tells each fit from the others.
    rate, low, high : float array
        Pooled rate and its interval, between 0 and 1.
    mean_rate : float array
        Rate averaged over trials, which is what models can be compared by.
    prediction_low, prediction_high : float array
        Interval of a new trial; NaN where the model has none.
    tau2 : float array
        On the scale of each model; NaN where it has none.
    note : tuple of str
        Which rate it is, and what speaks against the model; a model without an answer says why.
    agree : bool
        False where rates differ materially: their odds by a factor of 1.5 and themselves by a percentage
        point.  Models that the counts contradict take no part in it.
    notes : tuple of str
        First a loud line, if they do not agree.
    """

    fits: tuple[Fit, ...]
    model: tuple[str, ...]
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    mean_rate: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray
    tau2: FloatArray
    note: tuple[str, ...]
    agree: bool
    notes: tuple[str, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a model: model, rate, low, high, mean_rate, the new trial's limits, tau2, note."""
        import pandas as pd

        arrays = ("rate", "low", "high", "mean_rate", "prediction_low", "prediction_high", "tau2")
        columns: dict[str, Any] = {"model": list(self.model)}
        columns |= {name: getattr(self, name) for name in arrays}
        return pd.DataFrame(columns | {"note": list(self.note)})

    @property
    def spec(self) -> Spec:
        """The options of the default model."""
        return self.fits[0].spec

    def forest(
        self, path: str | os.PathLike[str] | None = None, *, studies: bool = False, **style: Any
    ) -> Any:
        """Draw one model a row, or with *studies* each study and a diamond a model.

        *style* is that of :func:`metaresp.plots.answers.forest_answers`, or with *studies* of
        :func:`metaresp.plots.forest.forest_fit`.
        """
        if check_bool("studies", studies):
            return self.fits[0].forest(path, also=self.fits[1:], **style)
        return Answered.forest(self, path, **style)


@silent
def compare(
    data: Any = None, *, level: float = 0.95, cluster: str | None = None, **options: Any
) -> Comparison:
    """Pool the same studies by every defensible model.

    Parameters
    ----------
    data : Studies, Fit, DataFrame or path
        Of a fit its studies, level, clusters and words are taken.
    level : float
    cluster : str, optional
        Covariate of clusters; only models that can nest studies are compared then.
    **options
        How a frame or a file is read, or ``events`` and ``n`` as values: see :func:`metaresp.pool`; and
        ``outcome``, ``digits``.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidArgument, InvalidStudies
        As :func:`metaresp.pool`.

    Notes
    -----
    The binomial-normal model on every link, with the default penalty on tau, and with effects that allow
    outlying trials; the beta-binomial; one common rate; inverse variance on every transform (REML,
    Hartung-Knapp).  All take the same counts; they differ in which rate is averaged on which scale, and so
    where events are few.  The cauchit link and the log link have effects of another form: they belong to the
    question "how much does the form of the model matter", as the others do.

    R: each by a call of its own, ``meta::metaprop``, ``metafor::rma.glmm``, ``lme4::glmer``.

    Examples
    --------
    >>> import metaresp as mr
    >>> found = mr.compare(events=[0, 0, 0, 0, 1, 0, 2], n=[12, 18, 9, 25, 14, 31, 7])
    >>> found.agree, found.model[0], round(float(found.rate.min()), 3), round(float(found.rate.max()), 3)
    (False, 'binomial-normal', 0.003, 0.063)
    """
    words: dict[str, Any] = {name: options.pop(name) for name in ("outcome", "digits") if name in options}
    if isinstance(data, Fit):
        spec = data.spec
        if options or cluster is not None:
            given = next(iter(options), "cluster")
            raise InvalidArgument(f"{option(given)}: leave it out when a fit is given")
        words = {"outcome": spec.outcome, "digits": spec.digits} | words
        data, level, cluster = data.studies, spec.level, spec.cluster
    studies, clusters = find_studies(data, cluster, **options)
    shared: dict[str, Any] = {"level": level, **words} | ({"cluster": clusters} if clusters else {})
    fits: list[Fit] = []
    names, left_out = [], []
    for name, chosen in _candidates(nested=bool(clusters)):
        resolve(**chosen, **shared)  # a wrong option is an error, not a model without an answer
        try:
            fits.append(pool(studies, **chosen, **shared))
        except CannotEstimate as error:
            left_out.append(f"{name}: no answer ({error}).")
        else:
            names.append(name)
    return _compared(fits, names, left_out)


def _candidates(nested: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the models that are compared, with what to call them."""
    for model, kind in (NESTED if nested else MODELS).items():
        own = MODELS[model].options
        if "link" in own:
            links = kind.choices.get("link", tuple(LINKS))
            for link in links:
                yield (model if link == "logit" else f"{model}, {link}"), {"model": model, "link": link}
            if not nested:
                yield f"{model}, penalised tau", {"model": model, "penalty": PENALTY}
                for effects in [name for name in kind.choices["effects"] if name != "normal"]:
                    yield f"{model}, {effects} effects", {"model": model, "effects": effects}
        elif "transform" in own:
            for transform in kind.choices.get("transform", tuple(TRANSFORMS)):
                yield f"{model}, {transform}", {"model": model, "transform": transform}
        else:
            yield model, {"model": model}


def _compared(fits: Sequence[Fit], names: Sequence[str], left_out: Sequence[str]) -> Comparison:
    new = [fit.prediction_interval or (np.nan, np.nan) for fit in fits]
    rate, mean = (np.array([getattr(fit, name) for fit in fits]) for name in ("rate", "mean_rate"))
    doubted = np.array([_contradicted(fit) for fit in fits])
    loud = _difference(rate, names, doubted)
    told = (loud, CHOICE) if loud else ()
    return Comparison(
        fits=tuple(fits),
        model=tuple(names),
        rate=rate,
        low=np.array([fit.rate_ci.low for fit in fits]),
        high=np.array([fit.rate_ci.high for fit in fits]),
        mean_rate=mean,
        prediction_low=np.array([low for low, _ in new]),
        prediction_high=np.array([high for _, high in new]),
        tau2=np.array([fit.tau2 for fit in fits]),
        note=tuple(map(_note, fits, doubted)),
        agree=not loud,
        notes=(*told, *left_out),
    )


def _contradicted(fit: Fit) -> bool:
    """Tell whether a model of one rate meets counts that speak against one rate."""
    return not model_of(fit.spec).spread and bool(fit.heterogeneity.pvalue < CONTRADICTED)


def _difference(rate: FloatArray, names: Sequence[str], doubted: BoolArray) -> str:
    """Return how far apart the rates are, or nothing where that is not much."""
    places = np.flatnonzero(~doubted)
    least, most = (int(places[pick(rate[places])]) for pick in (np.argmin, np.argmax))
    low, high = float(rate[least]), float(rate[most])
    if high * (1 - low) <= ODDS * low * (1 - high) or high - low <= RATES:
        return ""
    return f"ANSWERS DIFFER: from {low:.1%} ({names[least]}) to {high:.1%} ({names[most]})."


def _note(fit: Fit, doubted: bool) -> str:
    """Say which rate it is, and what speaks against the model."""
    kind = model_of(fit.spec)
    if not kind.spread:
        return "one rate, contradicted" if doubted else "one rate"
    if fit.is_exact:
        return "exact, " + fit.counted
    return "typical trial" if kind.typical_scale(fit.spec) else "mean over trials"
