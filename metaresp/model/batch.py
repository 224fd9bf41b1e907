"""pool_batch: the one entry to the kernel, for one lane or a hundred thousand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked, owned, refuse_masked, silent
from metaresp.counts import Counts, clean
from metaresp.errors import InvalidArgument, InvalidStudies, option
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK, TAU_UNBOUNDED
from metaresp.model.base import Model
from metaresp.model.estimates import (
    ALL_EXTREME,
    NO_ESTIMATE,
    NO_STUDIES,
    REASONS,
    Estimates,
    Numbers,
    Rows,
    all_extreme,
    blank,
    exact,
    is_exact,
    nothing,
)
from metaresp.model.registry import model_of
from metaresp.model.scales import scale_of
from metaresp.model.spec import DEFAULT, Option, Spec, nested_only, resolve
from metaresp.outcome_words import outcome_words
from metaresp.records import Later, Record, on_demand

if TYPE_CHECKING:
    import pandas as pd


_CHUNK = 1 << 19  # counts fitted at once: the arrays of a chunk then take some tens of megabytes
_MEAN_CHUNK = 1 << 17  # the same for the interval of the mean rate


@on_demand("mean_low", "mean_high")
@dataclass(frozen=True, eq=False, slots=True)
class Batch(Record, Estimates):
    """Estimates of many meta-analyses; every array has the batch shape ``(...)``.

    Attributes
    ----------
    spec : Spec
        The options, complete.
    k, events, n : float array
        Studies and totals of each lane, multiplicities counted.
    rate, low, high : float array
        Pooled response rate and its interval, between 0 and 1.
    mean_rate, mean_low, mean_high : float array
        Rate averaged over trials and its interval, computed when it is first read.
    prediction_low, prediction_high : float array
        Interval for the true rate of a new trial.
    estimate, se, df, estimate_low, estimate_high : float array
        The same on the model's scale, with the degrees of freedom of the interval.
    estimate_prediction_low, estimate_prediction_high : float array
        The interval of a new trial on that scale.
    tau2 : float array
        Between-study variance on the model's scale.
    tau2_between, tau2_within : float array
        Its parts between and within clusters, where studies are nested in clusters.
    rho : float array
        Intraclass correlation (beta-binomial model only).
    Q, Q_df, Q_pvalue, I2, H2, I2_Q, I2_Q_low, I2_Q_high, typical_v, lrt, lrt_pvalue, loglik : float array
        Heterogeneity; which of them a model has is said in :class:`metaresp.result.Heterogeneity`.
    reason : int array
        0 where the model was fitted, otherwise a key of ``metaresp.model.REASONS``.
    """

    @property
    def converged(self) -> BoolArray:
        """Whether each lane has an answer that is not cut short (exact fallbacks count as answers)."""
        result: BoolArray = ~np.isin(self.reason, (NOT_CONVERGED, NO_STUDIES, NO_ESTIMATE))
        return owned(result)

    @property
    def told(self) -> list[str]:
        """Why each lane got another answer than the model's, or empty; lanes of any shape in one list."""
        words = {code: outcome_words(self.spec.outcome).retold(text) for code, text in REASONS.items()}
        return [words[int(code)] for code in np.ravel(self.reason)]

    def reasons(self) -> dict[str, int]:
        """Return how many lanes got another answer than the model's, by reason."""
        codes, counts = np.unique(self.reason, return_counts=True)
        words = outcome_words(self.spec.outcome)
        pairs = zip(codes, counts, strict=True)
        return {words.retold(REASONS[int(c)]): int(m) for c, m in pairs if c != OK}

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a lane as a pandas frame."""
        import pandas as pd

        names = [name for name in self.to_dict() if name not in {"spec", "reason"}]
        columns: dict[str, Any] = {name: np.ravel(getattr(self, name)) for name in names}
        return pd.DataFrame(columns | {"converged": np.ravel(self.converged), "note": self.told})


@silent
def pool_batch(
    events: ArrayLike,
    n: ArrayLike,
    copies: ArrayLike | None = None,
    *,
    model: str = DEFAULT,
    link: Option = DEFAULT,
    effects: Option = DEFAULT,
    transform: Option = DEFAULT,
    tau2: Option = DEFAULT,
    ci: Option = DEFAULT,
    prediction: Option = DEFAULT,
    correction: Option = DEFAULT,
    correct: Option = DEFAULT,
    back_n: Option = DEFAULT,
    penalty: Option = DEFAULT,
    cluster: ArrayLike | None = None,
    like: str | None = None,
    level: float = 0.95,
    seed: int | None = None,
    outcome: str | None = None,
    digits: int | None = None,
) -> Batch:
    """Pool many sets of studies at once.

    Parameters
    ----------
    events, n : array_like of int, shape (..., k)
        Responders and patients; the last axis is the studies, leading axes are the batch.
    copies : array_like of int, shape (..., k), optional
        How often each study counts in each lane: 0 leaves it out, 2 enters it twice (a bootstrap).
        Not a weight.
    model, link, effects, transform, tau2, ci, prediction, correction, correct, back_n, penalty
        As in :func:`metaresp.pool`.
    cluster : array_like, shape (k,), optional
        Which studies belong together, as numbers or labels, in every lane: the model is that of
        ``pool(..., cluster=)``, and where it would find nothing to nest (one cluster, or one study in each)
        the ordinary one.  A cluster whose copies are all 0 is left out; a study with two is two of its
        cluster.
    like, level, seed, outcome, digits
        As in :func:`metaresp.pool`.

    Returns
    -------
    Batch
        Arrays of the batch shape ``(...)``.

    Raises
    ------
    InvalidStudies
        A count breaks its rule; the text gives its index.
    InvalidArgument
        An option has no such value, or shapes do not broadcast.

    Examples
    --------
    >>> import metaresp as mr
    >>> batch = mr.pool_batch([[13, 4, 9], [0, 0, 0]], [[18, 7, 15], [18, 12, 7]])
    >>> batch.rate.round(4), batch.high.round(4)
    (array([0.65, 0.  ]), array([0.8812, 0.0949]))
    """
    options: dict[str, Any] = {
        "model": model,
        "link": link,
        "effects": effects,
        "transform": transform,
        "tau2": tau2,
        "ci": ci,
        "prediction": prediction,
        "correction": correction,
        "correct": correct,
        "back_n": back_n,
        "penalty": penalty,
        "like": like,
        "level": level,
        "seed": seed,
        "outcome": outcome,
        "digits": digits,
    }
    spec = resolve(**options) if cluster is None else resolve(**options, cluster="cluster")
    lanes, shape = clean(events, n, copies)
    parts = parts_of(lanes, spec, options, cluster)
    found = [(rows, part, estimate(part)) for rows, part in parts]
    whole = found[0][2] if len(found) == 1 else blank(lanes, spec)
    mean = Later(lambda: _mean_intervals(lanes.k.size, found))
    if len(found) > 1:
        for rows, _, part in found:
            whole.put_all(rows, part)
    low: Any = Later(lambda: np.reshape(owned(mean()[0]), shape))
    high: Any = Later(lambda: np.reshape(owned(mean()[1]), shape))
    fields = {name: np.reshape(owned(field), shape) for name, field in whole.arrays().items()}
    return Batch(spec=spec, **(fields | {"mean_low": low, "mean_high": high}))


def parts_of(
    lanes: Counts, spec: Spec, options: dict[str, Any], cluster: ArrayLike | None
) -> list[tuple[IntArray, Model]]:
    """Return the lanes, or those with something to nest and those without, each with its model."""
    if cluster is None:
        return [(np.arange(lanes.k.size), model_of(spec)(lanes, spec))]
    flat = None if options.get("ci") in nested_only() else resolve(**options)
    return _nested_parts(lanes, _codes(cluster, lanes.x.shape[1]), spec, flat)


def _codes(cluster: ArrayLike, k: int) -> IntArray:
    """Return the number of each study's cluster."""
    refuse_masked("cluster", cluster)
    labels: Any = np.asarray(cluster)
    if labels.shape != (k,):
        raise InvalidArgument(
            f"{option('cluster')} has the shape {labels.shape}: it needs one label for each of {k} studies"
        )
    missing = [i for i, label in enumerate(labels.tolist()) if label is None or label != label]
    if missing:
        raise InvalidStudies(f"cluster[{missing[0]}] is missing: every study needs the label of its cluster")
    try:
        codes: IntArray = np.unique(labels, return_inverse=True)[1]
    except TypeError:
        raise InvalidArgument(f"{option('cluster')}: labels must be all numbers or all text") from None
    return codes


def _nested_parts(
    lanes: Counts, cluster: IntArray, spec: Spec, flat: Spec | None
) -> list[tuple[IntArray, Model]]:
    """Return the lanes with something to nest, and those without, each with its model.

    *flat* is the specification of the ordinary model; None where the options allow none.
    """
    seen = (cluster == np.unique(cluster)[:, None]).astype(np.float64)
    clusters = (lanes.copies @ seen.T > 0).sum(axis=-1)
    nested = np.ones(clusters.size, dtype=np.bool_) if flat is None else (clusters > 1) & (clusters < lanes.k)
    parts: list[tuple[IntArray, Model]] = []
    for one, which, codes in ((spec, nested, cluster), (flat, ~nested, None)):
        rows = np.flatnonzero(which)
        if one is not None and (rows.size or (not clusters.size and not parts)):
            parts.append((rows, model_of(one)(lanes.take(rows), one, codes)))
    return parts


def _mean_intervals(
    lanes: int, found: list[tuple[IntArray, Model, Estimates]]
) -> tuple[FloatArray, FloatArray]:
    """Return the intervals of the mean rate of all lanes, by the model of each."""
    low, high = np.full((2, lanes), np.nan)
    for rows, model, part in found:
        low[rows], high[rows] = mean_interval(type(model)(model.counts, model.spec, model.cluster), part)
    return low, high


def estimate(model: Model) -> Estimates:
    """Return the estimates of every lane, exact where the model does not apply."""
    lanes, spec = model.counts, model.spec
    out = blank(lanes, spec)
    reason = model.classify()
    out.reason[:] = reason
    rng = None if spec.seed is None else np.random.default_rng(spec.seed)
    fitted = np.flatnonzero(reason == OK)
    for part in chunked(fitted.size, lanes.x.shape[1], _CHUNK):
        rows = fitted[part]
        numbers, found = model.take(rows).estimate(rng)
        all_of_them: Rows = slice(None) if rows.size == reason.size else rows
        out.reason[all_of_them] = found
        out.put(all_of_them, numbers)
    if not out.reason.any():
        return out
    unbounded = np.flatnonzero(out.reason == TAU_UNBOUNDED)
    if unbounded.size:
        rows = unbounded[all_extreme(lanes.take(unbounded))]
        out.put(rows, nothing(rows.size))
        out.reason[rows] = ALL_EXTREME
    rows = np.flatnonzero(is_exact(out.reason))
    if rows.size:
        out.put(rows, _exact_on_scale(model.take(rows), out.reason[rows]))
    return out


def _exact_on_scale(model: Model, reason: IntArray) -> Numbers:
    """Return exact rates and limits, with what they are on the scale of the model."""
    spec, scale = model.spec, scale_of(model.spec)
    found = exact(*model.exact_counts(reason), spec.level, model.exact_method(spec))
    return found | {
        "estimate": scale(found["rate"]),
        "estimate_low": scale(found["low"]),
        "estimate_high": scale(found["high"]),
    }


def weights(model: Model, found: Estimates) -> FloatArray:
    """Return each study's share of the pooled estimate in percent, shape (lanes, k)."""
    w = model.exact_weights(found.reason)
    fitted = np.flatnonzero(~is_exact(found.reason))
    if fitted.size:
        w[fitted] = model.take(fitted).weigh(found.take(fitted))
    w = w * model.counts.copies
    share: FloatArray = 100 * w / w.sum(axis=-1, keepdims=True)
    return share


def mean_interval(model: Model, found: Estimates) -> tuple[FloatArray, FloatArray]:
    """Return the interval of the mean rate of every lane; where the rate is the mean, its own."""
    low, high = found.low.copy(), found.high.copy()
    if model.rate_is_mean:
        return low, high
    rows = np.flatnonzero(~is_exact(found.reason) & np.isfinite(found.low) & (found.tau2 >= 0))
    for part in chunked(rows.size, model.counts.x.shape[1], _MEAN_CHUNK):
        some = rows[part]
        ends = model.take(some).mean_limits(found.take(some))
        low[some] = np.clip(np.minimum(ends[0], found.mean_rate[some]), 0.0, 1.0)
        high[some] = np.clip(np.maximum(ends[1], found.mean_rate[some]), 0.0, 1.0)
    return low, high
