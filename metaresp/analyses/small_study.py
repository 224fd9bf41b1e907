"""Small-study effects: whether the rates of small trials differ from those of large ones."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses import size_counts, size_effects  # noqa: F401 - they register their methods
from metaresp.analyses.clusters import check_fit
from metaresp.analyses.size_methods import GROWING, METHODS, Answer, Method, count_model
from metaresp.analyses.size_notes import notes_of
from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.checks import check_seed, check_whole
from metaresp.errors import CannotEstimate, InvalidArgument, known_name, option
from metaresp.kernel.counts.resampling import drawn_counts
from metaresp.records import Interval, Record
from metaresp.result import Fit

if TYPE_CHECKING:
    import pandas as pd

LEAST_STUDIES = 3
_CONSTANT = 1e-6  # relative range below which sizes are one size
_POINTS = 61
_REPEATS = (99, 99_999)
PVALUES = ("default", "bootstrap")


@dataclass(frozen=True, eq=False, slots=True)
class SmallStudyEffects(Record):
    """Whether rates hang on the sizes of the trials.

    Attributes
    ----------
    method, predictor : str
        What was asked, and what the line runs along (empty where there is no line).
    scale : str
        The link or transform on which the line is straight.
    statistic, statistic_name : float, str
        ``Likelihood ratio``, ``t``, ``z``, ``Kendall's tau`` or ``LFK index``.
    df, reference, pvalue : float, str, float
        Degrees of freedom (NaN where there are none), what the statistic was referred to, and the two-sided
        p-value; NaN for the LFK index, which has none of its own.
    slope, slope_ci : float, Interval or None
        Change on the scale for one unit of the predictor; infinite where events are separated by size.
    limit, limit_ci : float, Interval or None
        The line at an infinitely large trial, on the scale; NaN and None where the method has no such thing.
    limit_rate, limit_rate_ci : float, Interval or None
        The same as a rate.
    tau : float
        Standard deviation of true effects about the line; NaN where the method has none.
    rate, level : float
        Of the fit: its pooled rate and the level of all intervals.
    study : tuple of str
    events, n : int array, shape (k,)
    x : float array, shape (k,)
        Predictor of each study; ``1 / sqrt(n)`` where there is no line.
    line_x, line_rate : float array, shape (m,)
        The line as rates; empty where there is none.
    outcome : str or None
        What is counted, in words; responses where it is None.
    notes : tuple of str
    """

    method: str
    predictor: str
    scale: str
    statistic: float
    statistic_name: str
    df: float
    reference: str
    pvalue: float
    slope: float
    slope_ci: Interval | None
    limit: float
    limit_ci: Interval | None
    limit_rate: float
    limit_rate_ci: Interval | None
    tau: float
    rate: float
    level: float
    study: tuple[str, ...]
    events: IntArray
    n: IntArray
    x: FloatArray
    line_x: FloatArray
    line_rate: FloatArray
    outcome: str | None
    notes: tuple[str, ...]

    @property
    def k(self) -> int:
        """Number of studies."""
        return len(self.study)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row: method, predictor, k, statistic, df, pvalue, slope and limit with their limits."""
        import pandas as pd

        row: dict[str, Any] = {
            name: getattr(self, name) for name in ("method", "predictor", "k", "statistic")
        }
        row |= {"statistic_name": self.statistic_name, "df": self.df, "pvalue": self.pvalue}
        for name in ("slope", "limit", "limit_rate"):
            low, high = getattr(self, f"{name}_ci") or (np.nan, np.nan)
            row |= {name: getattr(self, name), f"{name}_low": low, f"{name}_high": high}
        return pd.DataFrame([row])

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the picture; see :func:`metaresp.plots.small_study.draw_line` for *path* and *style*."""
        from metaresp.plots.small_study import draw_line

        return draw_line(self, path, **style)


@silent
def small_study_effects(
    fit: Fit,
    *,
    method: str = "binomial",
    predictor: str | None = None,
    pvalue: str = "default",
    repeats: int | None = None,
    seed: int | None = None,
) -> SmallStudyEffects:
    """Test whether the rates of small trials differ from those of large ones.

    Parameters
    ----------
    fit : Fit
    method : {"binomial", "egger", "egger-mixed", "peters", "rank", "lfk"}
        ``binomial``: the counts in the binomial-normal model (link of the fit, or logit) with a slope on
        ``1 / sqrt(n)``; likelihood-ratio test with a correction for few studies, profile limits.
        ``egger``, ``egger-mixed``: weighted regression of the effects with a multiplicative dispersion, or
        with an additive variance (REML).  ``peters``: as egger on ``1 / n``.  ``rank``: Kendall's
        correlation of effects and variances.  ``lfk``: an index, and no test.
    predictor : {"se", "variance", "1/sqrt(n)", "1/n", "sqrt(n)", "n"}, optional
        Of egger and egger-mixed, which take ``se`` by default; binomial takes ``1/sqrt(n)`` or ``1/n``.
    pvalue : {"default", "bootstrap"}
        ``bootstrap``: share of sets of counts, drawn from the model without an effect of size, whose
        statistic is at least as large; for every method.
    repeats, seed : int, optional
        Of the bootstrap, and of nothing else: 999 and 1 if not given.

    Returns
    -------
    SmallStudyEffects

    Raises
    ------
    UnknownName
        If *method*, *predictor* or *pvalue* has no such value.
    InvalidArgument
        If a predictor has no meaning for the method, or *repeats* or *seed* breaks its rule.
    CannotEstimate
        If there are fewer than three studies, no events or nothing but events, one size only, studies
        nested in clusters, or every study is at 0% or 100%.

    Notes
    -----
    Effects are those of an inverse-variance fit; other fits take logits, with 0.5 added to events and
    non-events of studies at 0% or 100%.  No study is left out.  On logits the variance hangs on the rate, so
    that ``egger``, ``egger-mixed`` and ``rank`` find effects of size where there are none; measured sizes
    of every method are in ``docs/decisions/small-study-effects.md``.

    The limit is the line at ``1 / sqrt(n) = 0``, the rate of an infinitely large trial (Ruecker and others
    2011).  It is an extrapolation, and not a corrected rate.  R: ``metafor::regtest(model = "rma" or "lm")``,
    ``ranktest``, ``meta::metabias(method.bias = "Peters")`` (which leaves out studies at 0% and 100%),
    ``metasens::lfkindex``; none for counts.

    References
    ----------
    Egger and others (1997), BMJ 315:629.  Begg and Mazumdar (1994), Biometrics 50:1088.  Peters and others
    (2006), JAMA 295:676.  Ruecker and others (2011), Biostatistics 12:122.  Furuya-Kanamori and others
    (2018), International Journal of Evidence-Based Healthcare 16:195.  Schwarzer, Ruecker and Semaca (2024),
    Research Synthesis Methods 15:603.

    Examples
    --------
    >>> import metaresp as mr
    >>> fit = mr.pool(events=[7, 6, 9, 14, 30, 52], n=[9, 8, 14, 25, 70, 120])
    >>> found = small_study_effects(fit)
    >>> round(found.statistic, 2), round(found.pvalue, 4), round(found.limit_rate, 3)
    (9.15, 0.0097, 0.303)
    >>> small_study_effects(fit, method="peters").pvalue < 0.05
    True
    """
    check_fit(fit)
    method = known_name("method", method, METHODS)
    pvalue = known_name("pvalue", pvalue, PVALUES)
    draws = _draws(pvalue, repeats, seed)
    asked = METHODS[method](fit, _predictor(method, predictor))
    _check(fit)
    bad = not (asked.counts or (np.isfinite(asked.own.y).all() and (asked.own.v > 0).all()))
    if bad:
        raise CannotEstimate(
            f"small_study_effects: with {option('correct', fit.spec.correct)} a study at 0% or 100% has no "
            f"effect on the {asked.scale} scale; use {option('method', 'binomial')}"
        )
    if asked.predictor and np.ptp(asked.along) <= _CONSTANT * asked.along.max():
        raise CannotEstimate(
            f"small_study_effects: {asked.predictor} is {asked.along[0]:.3g} in every study, and has no slope"
        )
    answer = asked.answer()
    if np.isnan(answer.statistic) or np.isinf(answer.statistic):
        raise CannotEstimate(
            f"small_study_effects: the effects leave nothing to test by {option('method', method)}: they are "
            f"equal, or lie on a line exactly; use {option('method', 'binomial')}"
        )
    p, reference, notes = answer.pvalue, answer.reference, notes_of(asked, answer)
    if pvalue == "bootstrap":
        p, reference = _bootstrap(asked, *draws)
    line_x, line_rate = _line(asked, answer)
    limits = answer.limit_ci
    spec = fit.spec
    return SmallStudyEffects(
        method=method,
        predictor=asked.predictor,
        scale=asked.scale,
        statistic=answer.statistic,
        statistic_name=answer.name,
        df=answer.df,
        reference=reference,
        pvalue=p,
        slope=answer.slope,
        slope_ci=answer.slope_ci,
        limit=answer.limit,
        limit_ci=limits,
        limit_rate=_rate(asked, answer.limit),
        limit_rate_ci=None if limits is None else Interval(*(_rate(asked, end) for end in limits)),
        tau=answer.tau,
        rate=float(fit.rate),
        level=spec.level,
        study=fit.studies.study,
        events=fit.studies.events,
        n=fit.studies.n,
        x=asked.along,
        line_x=line_x,
        line_rate=line_rate,
        outcome=spec.outcome,
        notes=notes,
    )


def _predictor(method: str, given: str | None) -> str:
    """Return what the line runs along."""
    known = METHODS[method].predictors
    if given is None:
        return known[0] if known else ""
    if not known:
        raise InvalidArgument(
            f"{option('predictor', given)} has no meaning for {option('method', method)}: leave it out"
        )
    return known_name("predictor", given, known)


def _check(fit: Fit) -> None:
    """Refuse what no method can answer."""
    k, studies = fit.k, fit.studies
    if fit.spec.cluster is not None:
        raise CannotEstimate(
            f"small_study_effects takes studies as independent: with {option('cluster', fit.spec.cluster)} "
            f"keep one report of each, studies.largest_per({fit.spec.cluster!r}), and pool without it"
        )
    if k < LEAST_STUDIES:
        raise CannotEstimate(f"small_study_effects: needs three studies or more, here {k}")
    if fit.events in (0, fit.n):
        what = "has an event" if fit.events == 0 else "is below 100%"
        raise CannotEstimate(f"small_study_effects: no study {what}, so that no rate hangs on size")
    if ((studies.events == 0) | (studies.events == studies.n)).all():
        raise CannotEstimate(
            "small_study_effects: every study is at 0% or at 100%, so that the spread between trials has no "
            "bound and no slope can be told from it"
        )
    if studies.n.min() == studies.n.max():
        raise CannotEstimate(
            f"small_study_effects: every study has n = {studies.n[0]}, so that nothing can hang on size"
        )


def _rate(asked: Method, effect: float) -> float:
    return effect if np.isnan(effect) else float(asked.rate(np.array([effect]))[0])


def _line(asked: Method, answer: Answer) -> tuple[FloatArray, FloatArray]:
    """Return the line along the predictor, from an infinitely large trial where it has one."""
    if not asked.predictor or not np.isfinite(answer.slope):
        return np.zeros(0), np.zeros(0)
    least = asked.along.min() if asked.predictor in GROWING else 0.0
    x = np.linspace(least, asked.along.max(), _POINTS)
    return x, asked.rate(answer.intercept + answer.slope * x)


def _draws(pvalue: str, repeats: int | None, seed: int | None) -> tuple[int, int]:
    """Return how many sets are drawn and the seed, refused where nothing is drawn."""
    for name, value in (("repeats", repeats), ("seed", seed)):
        if value is not None and pvalue != "bootstrap":
            raise InvalidArgument(
                f"{option(name, value)} has no meaning without {option('pvalue', 'bootstrap')}: leave it out"
            )
    fixed = check_seed(seed)
    many = 999 if repeats is None else check_whole("repeats", repeats, *_REPEATS)
    return many, 1 if fixed is None else fixed


def _bootstrap(asked: Method, repeats: int, seed: int) -> tuple[float, str]:
    """Return the p-value by sets drawn from the binomial-normal model without a slope, one batch."""
    rng = np.random.default_rng(seed)
    model = count_model(asked.fit)
    x = drawn_counts(model.data, model.fit, rng, repeats)
    found = np.nan_to_num(asked.statistic(x, np.broadcast_to(asked.n, x.shape)), nan=0.0)
    own = float(asked.statistic(asked.x, asked.n)[0])
    above = int((found >= own * (1 - 1e-9)).sum())
    return (1 + above) / (repeats + 1), f"{repeats:,} drawn sets"
