"""Fits of all subsets of the studies: whether the pooled rate is one story or several."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.clusters import batch_options, check_fit
from metaresp.arrays import ByteArray, FloatArray, IntArray, owned, silent
from metaresp.checks import check_seed, check_whole
from metaresp.errors import CannotEstimate, InvalidArgument, known_name, option
from metaresp.kernel.numerics.membership import membership
from metaresp.model.estimates import EXACT, REASONS
from metaresp.model.registry import model_of
from metaresp.model.subset_points import subset_points
from metaresp.outcome_words import outcome_words
from metaresp.records import Later, Record, on_demand
from metaresp.result import Fit
from metaresp.subsets import all_subsets, members, random_subsets

if TYPE_CHECKING:
    import pandas as pd

MOST_SUBSETS = 10_000_000
# Drawn where there are more subsets than are fitted without being asked.
RANDOM_SUBSETS = 100_000
_SEED = 2012  # of subsets that are drawn without a seed


@on_demand(*(f"{of}_{part}" for of in ("rate", "measure") for part in ("with", "without", "share")))
@dataclass(frozen=True, eq=False, slots=True)
class Gosh(Record):
    """Pooled rates of subsets of the studies.  The empty subset is none of them.

    Attributes
    ----------
    study : tuple of str
        What subsets are made of: the studies, or the clusters.
    by : str
        ``study``, or the covariate that tells the clusters.
    complete : bool
        Whether these are all subsets; otherwise different random ones, all sizes as likely as there are
        subsets of them.
    packed : uint8 array, shape (subsets, bytes)
        Which are in a subset, a bit each; :meth:`members` unpacks them.
    k : int array, shape (subsets,)
        Studies of a subset.
    estimate, rate, tau2, I2, rho : float array, shape (subsets,)
        What ``pool`` of these studies gives with the options of the fit; the estimate on the model's scale,
        I2 in percent.  NaN where a quantity is not estimable (one study, no event) or the model has none.
    reason : int array, shape (subsets,)
        0 where the model was fitted, otherwise a key of ``metaresp.model.REASONS``.
    measure : str
        How subsets differ inside: ``I2``, ``rho`` (beta-binomial), or ``k`` where the model knows no spread.
    whole_rate, whole_measure : float
        Of all studies.
    rate_with, rate_without, measure_with, measure_without : float array, shape (units,)
        Medians over the subsets with a study and over those without.
    rate_share, measure_share : float array, shape (units,)
        Part of the variance between subsets that a study's being in or out explains, 0 to 1.
    outcome : str or None
        What is counted, in words; responses where it is None.
    notes : tuple of str
    """

    study: tuple[str, ...]
    by: str
    complete: bool
    packed: ByteArray
    k: IntArray
    estimate: FloatArray
    rate: FloatArray
    tau2: FloatArray
    I2: FloatArray
    rho: FloatArray
    reason: IntArray
    measure: str
    whole_rate: float
    whole_measure: float
    rate_with: FloatArray
    rate_without: FloatArray
    measure_with: FloatArray
    measure_without: FloatArray
    rate_share: FloatArray
    measure_share: FloatArray
    outcome: str | None
    notes: tuple[str, ...]

    def members(self) -> ByteArray:
        """Return which studies (or clusters) each subset holds, 0 or 1, shape (subsets, units)."""
        return members(self.packed, len(self.study))

    @property
    def score(self) -> FloatArray:
        """The part of the scatter of rate and heterogeneity that a study explains, shape (units,)."""
        shares = np.array([self.rate_share] + [self.measure_share] * (self.measure != "k"))
        known = ~np.isnan(shares)
        count = known.sum(axis=0)
        total = np.where(known, shares, 0.0).sum(axis=0)
        return owned(np.where(count > 0, total / np.maximum(count, 1), np.nan))

    def values(self) -> FloatArray:
        """Return the measure of every subset, shape (subsets,)."""
        found: FloatArray = np.asarray(getattr(self, self.measure), dtype=np.float64)
        return found

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a subset: k, estimate, rate, tau2, I2; rho too of the beta-binomial model."""
        import pandas as pd

        names = ["k", "estimate", "rate", "tau2", "I2"] + ["rho"] * (self.measure == "rho")
        return pd.DataFrame({name: getattr(self, name) for name in names})

    def studies_frame(self) -> "pd.DataFrame":
        """Return one row a study: study, medians with and without it, shares, score."""
        import pandas as pd

        names = (
            "rate_with",
            "rate_without",
            "measure_with",
            "measure_without",
            "rate_share",
            "measure_share",
        )
        columns = {name.replace("measure", self.measure): getattr(self, name) for name in names}
        return pd.DataFrame({"study": list(self.study)} | columns | {"score": self.score})

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the picture; see :func:`metaresp.plots.gosh.draw_gosh` for *path*, *study* and *style*."""
        from metaresp.plots.gosh import draw_gosh

        return draw_gosh(self, path, **style)


@silent
def gosh(fit: Fit, *, subsets: int | None = None, seed: int | None = None, by: str = "study") -> Gosh:
    """Fit all subsets of the studies, or many random ones, and tell what each study does to them.

    Parameters
    ----------
    fit : Fit
    subsets : int, optional
        How many subsets at most: all where there are no more, otherwise different random ones.  Without it
        all up to ``2**20`` (20 studies; fewer of nested studies, whose fits take longer), and 100,000
        random ones beyond.
    seed : int, optional
        Of random subsets; without one a fixed seed, so that the same call gives the same answer.
    by : {"study", "cluster"}
        What is left in or out: studies, or whole clusters of nested ones.

    Returns
    -------
    Gosh

    Raises
    ------
    InvalidArgument
        If an argument breaks its rule.
    CannotEstimate
        If there are fewer than two studies (or clusters).

    Notes
    -----
    Every subset gets the answer that ``pool`` gives it, exact ones included, without intervals.  The
    likelihood of counts of a subset is the sum of those of its studies, which are tabulated once over both
    parameters; the maxima are those of ``pool`` to about 1e-8 (``docs/decisions/gosh.md``).

    A study that is part of another story than the rest splits the cloud of subsets in two.  Its score is the
    part of the scatter of rate and heterogeneity that its being in or out explains.  R: ``metafor::gosh``,
    for inverse variance only.

    References
    ----------
    Olkin, Dahabreh and Trikalinos (2012), GOSH: a graphical display of study heterogeneity, Research
    Synthesis Methods 3:214.

    Examples
    --------
    >>> import metaresp as mr
    >>> found = mr.gosh(mr.pool(events=[3, 4, 2, 15], n=[18, 22, 15, 20], study=["Xu", "Li", "Wang", "Ito"]))
    >>> found.k.size, found.complete, found.study[int(found.score.argmax())]
    (15, True, 'Ito')
    >>> found.rate_with.round(2)[3].item(), found.rate_without.round(2)[3].item()
    (0.38, 0.16)
    """
    check_fit(fit)
    kind, spec, studies = model_of(fit.spec), fit.spec, fit.studies
    codes, labels = _units(fit, known_name("by", by, ("study", "cluster")))
    units = len(labels)
    if units < 2:
        raise CannotEstimate(f"gosh: needs two {'studies' if by == 'study' else 'clusters'} or more")
    seed = check_seed(seed)
    total, most = (1 << units) - 1, kind.most_subsets
    wanted = _wanted(subsets, total, most)
    complete = wanted == total
    notes: tuple[str, ...] = ()
    if complete:
        packed = all_subsets(units)
    else:
        packed = random_subsets(units, wanted, np.random.default_rng(_SEED if seed is None else seed))
        notes = (f"{wanted:,} random subsets of {_count(total)}.",)

    def copies(part: slice) -> IntArray:
        return members(packed[part], units)[:, codes].astype(np.int64)

    found = subset_points(studies.events, studies.n, copies, wanted, **batch_options(fit))
    measure = {"tau2": "I2", "rho": "rho", None: "k"}[kind.spread]
    held = members(packed, units)
    value = getattr(found, measure)
    parts = Later(lambda: (membership(found.rate, held), membership(value, held)))

    def told(which: int, name: str) -> Any:
        return Later(lambda: getattr(parts()[which], name))

    whole = {"I2": fit.heterogeneity.I2, "rho": fit.rho, "k": float(fit.k)}[measure]
    return Gosh(
        study=labels,
        by="study" if by == "study" else str(spec.cluster),
        complete=complete,
        packed=packed,
        k=found.k.astype(np.int64),
        estimate=found.estimate,
        rate=found.rate,
        tau2=found.tau2,
        I2=found.I2,
        rho=found.rho,
        reason=found.reason,
        measure=measure,
        whole_rate=fit.rate,
        whole_measure=whole,
        rate_with=told(0, "median_with"),
        rate_without=told(0, "median_without"),
        measure_with=told(1, "median_with"),
        measure_without=told(1, "median_without"),
        rate_share=told(0, "share"),
        measure_share=told(1, "share"),
        outcome=spec.outcome,
        notes=notes + _notes(found.reason, fit),
    )


def _units(fit: Fit, by: str) -> tuple[IntArray, tuple[str, ...]]:
    """Return the number of each study's unit, and the labels of the units."""
    if by == "study":
        return np.arange(fit.k), fit.studies.study
    if fit.spec.cluster is None:
        raise InvalidArgument(
            f"{option('by', 'cluster')}: the studies of this fit are not nested; "
            f"pool with {option('cluster')}"
        )
    names = fit.studies.clusters(fit.spec.cluster)
    return fit.studies.cluster_codes(fit.spec.cluster), tuple(map(str, names))


def _wanted(subsets: int | None, total: int, most: int) -> int:
    """Return how many subsets are fitted."""
    if subsets is None:
        return total if total <= most else min(RANDOM_SUBSETS, most)
    return min(check_whole("subsets", subsets, 1, MOST_SUBSETS, ", or None"), total)


def _count(total: int) -> str:
    """Return a number of subsets in words."""
    return f"{total:,}" if total < 10**12 else f"about {float(total):.1e}" if total < 10**300 else "very many"


def _notes(reason: IntArray, fit: Fit) -> tuple[str, ...]:
    """Say how many subsets got another answer than the model's, and why."""
    words = outcome_words(fit.spec.outcome)
    codes, counts = np.unique(reason[reason != 0], return_counts=True)
    told = []
    for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
        text = words.retold(REASONS[code])
        text = text.partition(":")[0] if code in EXACT else text
        told.append(f"{count:,} {'subset' if count == 1 else 'subsets'} without the model: {text}.")
    return tuple(told)
