"""What a Baujat plot shows: each study's share of the heterogeneity and its influence, computed once."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.clusters import check_fit, refitted
from metaresp.arrays import FloatArray, silent
from metaresp.errors import CannotEstimate
from metaresp.model.kept import model_for
from metaresp.records import Record
from metaresp.result import Fit
from metaresp.subsets import without_each

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, slots=True)
class Baujat(Record):
    """Each study's share of the heterogeneity and its influence on the pooled rate.

    Attributes
    ----------
    study : tuple of str
    contribution : float array, shape (k,)
        Binomial models: to Pearson's X2 against one common rate.  Inverse variance: squared Pearson
        residual, which with one common effect is the contribution to Cochran's Q.
    influence : float array, shape (k,)
        Squared change of the estimate without the study, over the squared standard error without it; NaN
        where the fit without it has no estimate.
    contribution_label : str
        Which of the three it is.
    """

    study: tuple[str, ...]
    contribution: FloatArray
    influence: FloatArray
    contribution_label: str

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a study: study, contribution, influence."""
        import pandas as pd

        columns = {"study": list(self.study), "contribution": self.contribution, "influence": self.influence}
        return pd.DataFrame(columns)

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the picture; see :func:`metaresp.plots.scatter.draw_baujat` for *path* and *style*."""
        from metaresp.plots.scatter import draw_baujat

        return draw_baujat(self, path, **style)


@silent
def baujat(fit: Fit) -> Baujat:
    """Return each study's share of the heterogeneity and its influence on the pooled rate.

    Raises
    ------
    CannotEstimate
        If there are fewer than three studies, or no events, or nothing but events.

    Notes
    -----
    All fits without one study are one batch.  The influence is ``(mu(i) - mu)**2 / se(i)**2`` on the model's
    scale, with mu(i) and se(i) of the fit without study i.

    Inverse variance: the contribution is ``(y - mu)**2 / (v + tau2)``; both axes are those of R's
    ``metafor::baujat``, whatever the transform and the estimator of tau2.

    Binomial models have no residual on the logit scale at 0% or 100%: the contribution is the study's share
    of Pearson's X2 against one common rate, ``(x - n p)**2 / (n p (1 - p))`` with p of the totals; the sum is
    the fit's ``heterogeneity.Q``.

    References
    ----------
    Baujat, Mahe, Pignon and Hill (2002), Statistics in Medicine 21:2641.

    Examples
    --------
    >>> import metaresp as mr
    >>> found = baujat(mr.pool(events=[2, 4, 14, 5], n=[18, 17, 15, 20]))
    >>> int(found.contribution.argmax())
    2
    """
    check_fit(fit)
    k = fit.k
    if k < 3:
        raise CannotEstimate(f"baujat: needs three studies or more, here {k}")
    if not np.isfinite(fit.estimate):
        raise CannotEstimate("baujat: a pooled rate of 0% or 100% has no residuals")
    without = refitted(fit, without_each(np.arange(k)), limits=False)
    usable = np.isfinite(without.estimate) & np.isfinite(without.se)
    distance = np.where(usable, without.estimate, fit.estimate) - fit.estimate
    influence = np.where(usable, (distance / np.where(usable, without.se, 1.0)) ** 2, np.nan)
    share, label = model_for(fit.studies, fit.spec).contributions(fit)
    return Baujat(fit.studies.study, share, influence, label)
