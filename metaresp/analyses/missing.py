"""Patients without a response: what the pooled rate would be by what is assumed of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.clusters import batch_options, fit_of
from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.checks import as_float, check_whole
from metaresp.errors import CannotEstimate, InvalidArgument, option
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.model import Batch, pool_batch
from metaresp.model.spec import Spec
from metaresp.records import Answered, Interval
from metaresp.result import Fit

if TYPE_CHECKING:
    import pandas as pd

# Studies with missing responses up to which every one of them is taken as all or none, 2 to this many fits.
MOST_APART = 8
ODDS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, np.inf)


@dataclass(frozen=True, eq=False, slots=True)
class MissingResponses(Answered):
    """The pooled rate by what is assumed of patients without a response.  Arrays: shape (assumptions,).

    Attributes
    ----------
    study : tuple of str
        All, with those whose responders are not known.
    missing : int array, shape (k,)
        Patients without a known response in each.
    odds : float array
        Odds of a response among them over those of the other patients of the same trial: 0 if none of them
        has responded, 1 if they are like the others, infinite if all have.
    rate, low, high : float array
        Of all enrolled patients, between 0 and 1.
    bounds : Interval or None
        Least lower and greatest upper limit of all patterns in which of each study all patients without a
        response have responded, or none; None where more than 8 studies have such patients.
    evaluated : Fit
        Of those with a response, as they are: what odds of 1 stand for.
    notes : tuple of str
    """

    study: tuple[str, ...]
    missing: IntArray
    odds: FloatArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    bounds: Interval | None
    evaluated: Fit
    notes: tuple[str, ...]

    @property
    def spec(self) -> Spec:
        """The options of every fit."""
        return self.evaluated.spec

    def to_frame(self) -> "pd.DataFrame":
        """Return one row an assumption: odds, rate, low, high."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in ("odds", "rate", "low", "high")})


@silent
def missing_responses(
    data: Any,
    *,
    odds: Iterable[float] = ODDS,
    imputations: int = 50,
    seed: int = 1,
    **options: Any,
) -> MissingResponses:
    """Pool the rate of all enrolled patients under assumptions on those without a response.

    Parameters
    ----------
    data : Studies or Fit
        With ``enrolled`` patients of each study beside the evaluable ones, or studies left out because
        their events are missing (``missing="drop"``), or both.
    odds : sequence of float
        Informative-missingness odds ratios, from 0 (nobody has responded) to infinity (everybody has).
    imputations : int
        Data sets that are completed at random for odds between the two; 2 to 1,000.
    seed : int
    **options
        Of :func:`metaresp.pool`, where *data* is no fit.

    Returns
    -------
    MissingResponses

    Raises
    ------
    CannotEstimate
        If no patient is without a response.
    InvalidArgument
        If an argument has no such value.

    Notes
    -----
    Odds of 0 and of infinity need no imputation: nobody, or everybody, has responded.  They are no bounds:
    where the missing of one study have responded and those of another have not, trials differ more, and the
    limits are farther apart; ``bounds`` has these.  Odds of 1 take the evaluated patients alone, where
    every study has some.  Between, each study's rate among evaluated patients is drawn from its beta
    posterior (Jeffreys), the odds are multiplied, the missing responses drawn, and the completed studies
    pooled, all in one batch.  A study without any count takes a rate of one of the others, at random.  The
    answers are combined as Rubin's rules do, on the arcsine scale of the rate, where 0% and 100% are
    finite, each limit with its own distance.

    R: none for single arms; ``metasens::metamiss`` has the same odds for two.

    References
    ----------
    Higgins, White and Wood (2008), Clinical Trials 5:225, section 3.2 (informative-missingness odds ratio).
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys, chapter 3.

    Examples
    --------
    >>> import metaresp as mr
    >>> studies = mr.Studies([13, 4, 9], [18, 7, 20], enrolled=[20, 9, 20])
    >>> found = mr.missing_responses(studies, odds=[0, 1, float("inf")])
    >>> found.rate.round(2).tolist()
    [0.53, 0.58, 0.62]
    """
    chosen = _checked_odds(odds)
    imputations, seed = check_whole("imputations", imputations, 2, 1000), check_whole("seed", seed, 0)
    fit = fit_of(data, options)
    if fit.spec.cluster is not None:
        raise InvalidArgument(f"{option('cluster', fit.spec.cluster)}: is not offered with missing responses")
    studies = fit.studies
    unknown = [item for item in studies.excluded if item.events is None and item.n]
    enrolled = studies.n if studies.enrolled is None else studies.enrolled
    events = np.concatenate([studies.events, np.zeros(len(unknown), dtype=np.int64)])
    n = np.concatenate([studies.n, np.zeros(len(unknown), dtype=np.int64)])
    everybody = np.concatenate([enrolled, np.array([item.n for item in unknown], dtype=np.int64)])
    missing = everybody - n
    if not missing.any():
        raise CannotEstimate(
            "missing_responses: every patient has a response (enrolled= tells how many were enrolled, "
            "missing='drop' keeps studies without events)"
        )
    # lanes: one for odds of 0 and infinity, several for those between, with the same draws for each; the
    # evaluated patients are the answer to odds of 1, unless a study has none
    alike = [each == 1 and not unknown for each in chosen]
    lanes = [
        events[None] if as_they_are else _completed(events, n, missing, each, int(imputations), int(seed))
        for each, as_they_are in zip(chosen, alike, strict=True)
    ]
    lanes.append(events + _all_or_none(missing))
    sizes = [lane.shape[0] for lane in lanes]
    whose = [*(n if as_they_are else everybody for as_they_are in alike), everybody]
    patients = np.repeat(whose, sizes, axis=0)
    options = batch_options(fit) | _no_new_trial(fit)
    batch = pool_batch(
        np.concatenate(lanes), np.maximum(patients, 1), (patients > 0).astype(np.int64), **options
    )
    ends = np.cumsum(sizes)
    parts = [
        _combined(batch, slice(end - size, end), fit.spec.level)
        for end, size in zip(ends[:-1], sizes[:-1], strict=True)
    ]
    apart = slice(ends[-2], ends[-1])
    bounds = Interval(float(batch.low[apart].min()), float(batch.high[apart].max())) if sizes[-1] else None
    rate, low, high = (np.array(values) for values in zip(*parts, strict=True))
    share = missing.sum() / everybody.sum()
    notes = [f"{int(missing.sum()):,} of {int(everybody.sum()):,} patients ({share:.1%}) have no response."]
    if unknown:
        noun = "study without any count takes" if len(unknown) == 1 else "studies without any count take"
        notes.append(f"{len(unknown)} {noun} part.")
    if any(0 < each < np.inf for each in chosen):
        notes.append(f"{imputations} completed data sets for each of the odds between, seed {seed}.")
    if bounds is not None:
        notes.append(
            "Whichever studies' missing patients have all responded and whichever studies' have not, the "
            f"limits are within {bounds.low:.1%} to {bounds.high:.1%}."
        )
    return MissingResponses(
        study=(*studies.study, *(item.study for item in unknown)),
        missing=missing,
        odds=np.array(chosen),
        rate=rate,
        low=low,
        high=high,
        bounds=bounds,
        evaluated=fit,
        notes=tuple(notes),
    )


def _all_or_none(missing: IntArray) -> IntArray:
    """Return what every pattern of all or none adds to the events, shape (patterns, k); none of too many."""
    places = np.flatnonzero(missing)
    if places.size > MOST_APART:
        return np.zeros((0, missing.size), dtype=np.int64)
    added = np.zeros((1 << places.size, missing.size), dtype=np.int64)
    added[:, places] = (np.arange(len(added))[:, None] >> np.arange(places.size) & 1) * missing[places]
    return added


def _no_new_trial(fit: Fit) -> dict[str, None]:
    return {} if fit.spec.prediction is None else {"prediction": None}


def _checked_odds(odds: Any) -> list[float]:
    if isinstance(odds, str | bytes) or not hasattr(odds, "__iter__"):
        raise InvalidArgument(f"{option('odds', odds)}: must be a list of odds ratios of 0 or more")
    found = []
    for each in odds:
        value = as_float(each)
        if value is None or isinstance(each, bool) or not value >= 0:
            raise InvalidArgument(f"{option('odds')}: {each!r} must be 0 or more, or infinity")
        found.append(value)
    if not found:
        raise InvalidArgument(f"{option('odds', ())}: needs one odds ratio or more")
    return found


def _completed(
    events: IntArray, n: IntArray, missing: IntArray, odds: float, imputations: int, seed: int
) -> IntArray:
    """Return the events of completed studies, shape (lanes, k)."""
    if odds == 0:
        return events[None]
    if np.isinf(odds):
        return (events + missing)[None]
    rng = np.random.default_rng(seed)
    shape = (imputations, n.size)
    rate = rng.beta(events + 0.5, n - events + 0.5, shape)
    known = np.flatnonzero(n > 0)
    like = rng.choice(known, shape)
    rate = np.where(n > 0, rate, np.take_along_axis(rate, like, axis=1))
    shifted = odds * rate / (1 - rate + odds * rate)
    return events + rng.binomial(missing, shifted)


def _combined(batch: Batch, lanes: slice, level: float) -> tuple[float, float, float]:
    """Return one rate with its limits out of those of completed data sets, by Rubin's rules."""
    rate, low, high = (np.arcsin(np.sqrt(getattr(batch, name)[lanes])) for name in ("rate", "low", "high"))
    centre, many = float(rate.mean()), rate.size
    between = 0.0
    if many > 1:
        between = (1 + 1 / many) * float(rate.var(ddof=1))
    z = float(t_quantile(np.array(np.inf), (1 - level) / 2))
    below, above = (float(np.mean((end - rate) ** 2)) for end in (low, high))
    ends = centre - np.sqrt(below + z**2 * between), centre + np.sqrt(above + z**2 * between)
    least, most = (float(np.sin(np.clip(end, 0.0, np.pi / 2)) ** 2) for end in ends)
    return float(np.sin(centre) ** 2), least, most
