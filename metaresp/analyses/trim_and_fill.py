"""Trim and fill: what the pooled rate would be, had the trials that look missing on one side been there."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.clusters import check_fit
from metaresp.analyses.size_methods import effect_model, effect_spec
from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.counts import clean
from metaresp.errors import CannotEstimate, few, known_name, option
from metaresp.kernel.effects.asymmetry import additive, trimmed
from metaresp.model.inverse_variance import Effects, InverseVariance
from metaresp.model.spec import Spec
from metaresp.records import Interval, Record
from metaresp.result import Fit
from metaresp.subsets import growing

if TYPE_CHECKING:
    import pandas as pd

ESTIMATORS = ("L0", "R0")
SIDES = ("auto", "left", "right")
LEAST_STUDIES = 3
CAVEAT = (
    "Trim and fill takes any asymmetry for studies that are missing on one side; it has many other causes. "
    "The adjusted rate is a sensitivity analysis, not a corrected answer."
)
BOLD = (
    "Effects and their standard errors both hang on the rate: the funnel is not symmetric by construction, "
    "and studies are filled where none are missing."
)


@dataclass(frozen=True, eq=False, slots=True)
class TrimAndFill(Record):
    """A pooled rate with the studies filled in that mirror the outermost ones of the other side.

    Attributes
    ----------
    estimator, side : str
        ``left``: what is missing has the lower rates.
    k0 : int
        Number of studies filled in.
    scale : str
        The transform of the effects.
    rate, rate_ci, estimate : float, Interval, float
        Without them, by the inverse-variance model; the effect on its scale.
    adjusted_rate, adjusted_rate_ci, adjusted_estimate, adjusted_estimate_ci, adjusted_tau2
        With them.
    level : float
    study : tuple of str
        Labels of the studies and, behind them, of those filled in.
    filled, corrected : tuple of bool
        Which are filled in; which have a correction added to their counts.
    n : int array, shape (k + k0,)
        Patients; a study filled in has those of the one that it mirrors.
    effect, se : float array, shape (k + k0,)
    outcome : str or None
        What is counted, in words; responses where it is None.
    notes : tuple of str
    """

    estimator: str
    side: str
    k0: int
    scale: str
    rate: float
    rate_ci: Interval
    estimate: float
    adjusted_rate: float
    adjusted_rate_ci: Interval
    adjusted_estimate: float
    adjusted_estimate_ci: Interval
    adjusted_tau2: float
    level: float
    study: tuple[str, ...]
    filled: tuple[bool, ...]
    corrected: tuple[bool, ...]
    n: IntArray
    effect: FloatArray
    se: FloatArray
    outcome: str | None
    notes: tuple[str, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a study, those filled in last: study, n, effect, se, filled."""
        import pandas as pd

        columns = {"study": list(self.study), "n": self.n, "effect": self.effect, "se": self.se}
        return pd.DataFrame(columns | {"filled": list(self.filled)})

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the funnel; see :func:`metaresp.plots.small_study.draw_filled` for *path* and *style*."""
        from metaresp.plots.small_study import draw_filled

        return draw_filled(self, path, **style)


@silent
def trim_and_fill(
    fit: Fit, *, estimator: str = "L0", side: str = "auto", tau2: str | float | None = None
) -> TrimAndFill:
    """Fill in the studies whose absence would explain the asymmetry of the funnel, and pool again.

    Parameters
    ----------
    fit : Fit
    estimator : {"L0", "R0"}
        Of the number missing: by the rank sum, or by the run of outermost effects.
    side : {"auto", "left", "right"}
        Where studies are missing: ``left`` those of low rates.  ``auto``: opposite to the side to which
        effects with large standard errors lie, by a mixed regression on them.
    tau2 : str or float, optional
        Estimator of tau2; that of an inverse-variance fit, REML for others.

    Returns
    -------
    TrimAndFill

    Raises
    ------
    UnknownName
        If *estimator*, *side* or *tau2* has no such value.
    CannotEstimate
        If there are fewer than three studies, no events or nothing but events, studies nested in clusters,
        or a study without an effect of its own.

    Notes
    -----
    Effects are those of an inverse-variance fit; other fits take logits, with 0.5 added to events and
    non-events of studies at 0% or 100%.  The means of all sets that trimming may leave are one batch.
    R: ``metafor::trimfill(rma(...))``.

    References
    ----------
    Duval and Tweedie (2000), Journal of the American Statistical Association 95:89, and Biometrics 56:455.

    Examples
    --------
    >>> import metaresp as mr
    >>> found = trim_and_fill(mr.pool(mr.datasets.load("pritz1997"), model="inverse-variance"))
    >>> found.k0, found.side, round(found.rate, 3), round(found.adjusted_rate, 3)
    (4, 'left', 0.757, 0.709)
    """
    check_fit(fit)
    estimator = known_name("estimator", estimator, ESTIMATORS)
    side = known_name("side", side, SIDES)
    _check(fit)
    spec = effect_spec(fit, tau2)
    whole = effect_model(fit, spec)
    y, v, corrected = (field[0] for field in whole.effects)
    if not (np.isfinite(y).all() and (v > 0).all()):
        raise CannotEstimate(
            f"trim_and_fill: with {option('correct', spec.correct)} a study at 0% or 100% has no effect with "
            f"a variance on the {spec.transform} scale; choose another {option('transform')}"
        )
    if side == "auto":
        slope = float(additive(y[None], v[None], np.sqrt(v)[None]).slope[0])
        side = "right" if slope < 0 or np.isnan(slope) else "left"
    sign = 1.0 if side == "left" else -1.0
    order = np.lexsort((v, sign * y))  # of equal effects by size, so that no order of rows matters
    means = _estimates(_with(whole, spec, np.arange(fit.k), y, v, growing(order)))["estimate"]
    k0, settled = trimmed(sign * y[order], sign * means, estimator == "R0")
    centre, mirrored = float(means[fit.k - k0 - 1]), order[fit.k - k0 :]
    rows = np.r_[np.arange(fit.k), mirrored]
    effect, variance = np.r_[y, 2 * centre - y[mirrored]], v[rows]
    before = _one(_with(whole, spec, np.arange(fit.k), y, v, None))
    after = _one(_with(whole, spec, rows, effect, variance, None)) if k0 else before
    labels = fit.studies.study
    return TrimAndFill(
        estimator=estimator,
        side=side,
        k0=k0,
        scale=str(spec.transform),
        rate=before["rate"],
        rate_ci=Interval(before["low"], before["high"]),
        estimate=before["estimate"],
        adjusted_rate=after["rate"],
        adjusted_rate_ci=Interval(after["low"], after["high"]),
        adjusted_estimate=after["estimate"],
        adjusted_estimate_ci=Interval(after["estimate_low"], after["estimate_high"]),
        adjusted_tau2=after["tau2"],
        level=spec.level,
        study=(*labels, *(f"filled in: mirror of {labels[i]}" for i in mirrored.tolist())),
        filled=(False,) * fit.k + (True,) * k0,
        corrected=tuple(corrected[rows].tolist()),
        n=fit.studies.n[rows],
        effect=effect,
        se=np.sqrt(variance),
        outcome=spec.outcome,
        notes=_notes(fit, spec, np.flatnonzero(corrected), settled),
    )


def _check(fit: Fit) -> None:
    """Refuse what has no funnel."""
    if fit.spec.cluster is not None:
        raise CannotEstimate(
            f"trim_and_fill takes studies as independent: with {option('cluster', fit.spec.cluster)} keep "
            f"one report of each, studies.largest_per({fit.spec.cluster!r}), and pool without it"
        )
    if fit.k < LEAST_STUDIES:
        raise CannotEstimate(f"trim_and_fill: needs three studies or more, here {fit.k}")
    if fit.events in (0, fit.n):
        what = "has an event" if fit.events == 0 else "is below 100%"
        raise CannotEstimate(f"trim_and_fill: no study {what}, so that the funnel has one side only")


def _with(
    model: InverseVariance, spec: Spec, rows: IntArray, y: FloatArray, v: FloatArray, copies: IntArray | None
) -> InverseVariance:
    """Return the model of these effects, of studies as large as those at *rows*."""
    x, n = model.counts.x[0][rows], model.counts.n[0][rows]
    lanes = clean(x, n, copies)[0]
    out = InverseVariance(lanes, spec)
    shape = lanes.x.shape
    out.effects = Effects(
        np.broadcast_to(y, shape), np.broadcast_to(v, shape), np.zeros(shape, dtype=np.bool_)
    )
    return out


def _estimates(model: InverseVariance) -> dict[str, FloatArray]:
    seed = model.spec.seed
    return model.estimate(None if seed is None else np.random.default_rng(seed))[0]


def _one(model: InverseVariance) -> dict[str, float]:
    return {name: float(np.ravel(values)[0]) for name, values in _estimates(model).items()}


def _notes(fit: Fit, spec: Spec, corrected: IntArray, settled: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if fit.spec.transform is None:
        notes.append(
            f"Effects are logits, pooled by inverse variance (tau2 {spec.tau2}): a {fit.spec.model} fit has "
            "none with a known variance, and the rate without filling differs from that of the fit."
        )
    if corrected.size:
        named = few([fit.studies.study[i] for i in corrected.tolist()])
        notes.append(
            f"{spec.correction:g} was added to events and non-events of {corrected.size} of {fit.k} studies "
            f"({named})."
        )
    if not settled:
        notes.append("The number missing went round between values: the largest is taken.")
    if spec.transform not in {"arcsine", "freeman-tukey"}:
        notes.append(BOLD)
    return (*notes, CAVEAT)
