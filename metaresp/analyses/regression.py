"""Regression: what a regression on moderators found, frozen, with what can be asked of it."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.moderators import Design
from metaresp.analyses.predicted import Bubbles, RegressionRates, bubbles, rates_at
from metaresp.arrays import FloatArray, silent
from metaresp.counts import clean
from metaresp.errors import InvalidArgument, option
from metaresp.model.kept import keep, recalled
from metaresp.model.regression import Regressor
from metaresp.model.regressions import REGRESSIONS
from metaresp.model.scales import scale_name
from metaresp.model.spec import Spec
from metaresp.records import Record
from metaresp.studies import Studies

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Regression(Record):
    """Coefficients of moderators.  Arrays over terms have shape (p,), the intercept first.

    Estimates and their intervals are on the scale of the model (logits by default): per unit of a number, of
    a level against the reference level.

    Attributes
    ----------
    studies : Studies
        Those that take part.
    spec : Spec
    on : tuple of str
        The covariates.
    formula : str or None
    design : Design
        Names and columns, and which columns each moderator has.
    estimate, se, df, statistic, low, high, pvalue : float array, shape (p,)
        ``statistic`` is t or z, or the signed root of the likelihood ratio; ``df`` that of the reference of
        its p-value, infinite for the normal law and chi-square.
    moderator_statistic, moderator_df, moderator_df2, moderator_pvalue : float array, shape (moderators,)
        Test of each moderator, all its levels together.
    QM, QM_df, QM_df2, QM_pvalue : float
        Test of all moderators together: a likelihood ratio, F (``QM_df2`` finite) or chi-square.
    test, QE_definition : str
        What those tests and ``QE`` are.
    tau2, tau2_without : float
        Between-study variance that the moderators leave, and without them.
    R2 : float
        Share of tau2 that they explain, in percent, at least 0; NaN where there is none to explain.
    QE, QE_df, QE_pvalue, I2 : float
        Residual heterogeneity; I2 in percent.
    weight : float array, shape (k,)
        Share of each study in percent.
    permutations : int
        Rearrangements of the studies' moderators that were fitted, 0 for none; *all_permutations* tells
        whether they are all there are.
    QM_permutation_pvalue : float
    permutation_pvalue : float array, shape (p,)
        NaN for the intercept.
    notes : tuple of str
    """

    studies: Studies
    spec: Spec
    on: tuple[str, ...]
    formula: str | None
    design: Design
    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    statistic: FloatArray
    low: FloatArray
    high: FloatArray
    pvalue: FloatArray
    moderator_statistic: FloatArray
    moderator_df: FloatArray
    moderator_df2: FloatArray
    moderator_pvalue: FloatArray
    QM: float
    QM_df: float
    QM_df2: float
    QM_pvalue: float
    test: str
    QE_definition: str
    tau2: float
    tau2_without: float
    R2: float
    QE: float
    QE_df: float
    QE_pvalue: float
    I2: float
    weight: FloatArray
    permutations: int
    all_permutations: bool
    QM_permutation_pvalue: float
    permutation_pvalue: FloatArray
    notes: tuple[str, ...]

    @property
    def k(self) -> int:
        """Number of studies that take part."""
        return len(self.studies)

    @property
    def term(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.design.names

    @property
    def scale(self) -> str:
        """Scale of the estimates: a link or a transform."""
        return scale_name(self.spec)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a coefficient: term, estimate, se, statistic, df, low, high, pvalue; odds ratios."""
        import pandas as pd

        names = ("estimate", "se", "statistic", "df", "low", "high", "pvalue")
        columns: dict[str, Any] = {"term": list(self.term)} | {name: getattr(self, name) for name in names}
        if self.scale == "logit":
            ratios = {"odds_ratio": "estimate", "odds_ratio_low": "low", "odds_ratio_high": "high"}
            for name, source in ratios.items():
                values = np.exp(np.clip(getattr(self, source), -700.0, 700.0))
                columns[name] = np.where(np.arange(values.size) > 0, values, np.nan)
        if self.permutations:
            columns["permutation_pvalue"] = self.permutation_pvalue
        return pd.DataFrame(columns)

    @silent
    def predict(self, new: Any = None, **values: Any) -> RegressionRates:
        """Return rates of studies with given moderators.

        Parameters
        ----------
        new : mapping, list of mappings, data frame or Studies, optional
            A value, or a list of values, of every moderator; the studies' own when not given.
        **values
            The same by name, ``dose=2`` for ``{"dose": 2}``.

        Returns
        -------
        RegressionRates
            The rate of the typical study with such moderators, its confidence interval, and the interval of
            the true rate of a new one.

        Examples
        --------
        >>> import metaresp as mr
        >>> studies = mr.Studies([2, 4, 9, 12], [20] * 4, covariates={"dose": [1, 2, 3, 4]})
        >>> mr.regress(studies, "dose").predict({"dose": [1, 5]}).rate.round(3).tolist()
        [0.103, 0.802]
        """
        if values and new is not None:
            raise InvalidArgument(f"{option('new', new)}: give it, or moderators by name, not both")
        return rates_at(self, model_of(self), values or new)

    def plot(self, path: str | os.PathLike[str] | None = None, *, on: str | None = None, **style: Any) -> Any:
        """Draw studies against a moderator, larger where they weigh more, with the fitted rate and its bands.

        Parameters
        ----------
        path : path, optional
            Where to write it.
        on : str, optional
            Which moderator, where there are several: the others are held at their mean, or reference level.
        **style
            See :func:`metaresp.plots.bubbles.draw_bubbles`.
        """
        from metaresp.plots.bubbles import draw_bubbles

        return draw_bubbles(self.bubbles(on), path, **style)

    @silent
    def bubbles(self, on: str | None = None) -> Bubbles:
        """Return what :meth:`plot` draws."""
        return bubbles(self, model_of(self), on)


def model_of(found: Regression) -> Regressor:
    """Return the fitted model of a regression, fitted again where it was not kept."""
    kept = recalled(found)
    if kept is None:
        kept = (fitted(found.studies, found.spec, found.design), None)
        keep(found, kept)
    model: Regressor = kept[0]
    return model


def fitted(studies: Studies, spec: Spec, design: Design) -> Regressor:
    """Return the model of these studies with a design."""
    cluster = None
    if spec.cluster is not None:
        codes = studies.cluster_codes(spec.cluster)
        cluster = (codes[:, None] == np.arange(codes.max() + 1)).astype(np.float64)
    counts = clean(studies.events, studies.n, None)[0]
    return REGRESSIONS[spec.model](spec, counts, design.x, cluster)
