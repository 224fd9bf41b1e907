"""How much each study, or each group of studies, matters to a fit: deletion diagnostics of every model."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.clusters import check_fit, refitted
from metaresp.analyses.refits import left_out
from metaresp.arrays import BoolArray, FloatArray, silent
from metaresp.errors import CannotEstimate, few
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.trial.left_out import moves, rules
from metaresp.model.kept import model_for
from metaresp.records import Record
from metaresp.result import Fit
from metaresp.subsets import without_each

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, slots=True)
class Influence(Record):
    """Deletion diagnostics.  Arrays have shape (groups,), one value a study that is left out.

    Attributes
    ----------
    fit : Fit
        Of all studies.
    by : str or None
        The covariate whose groups are left out; None: study by study.
    study : tuple of str
        The study, or the group, that is left out.
    rstudent : float array
        Studentised deleted residual: how far the study lies from what the others let expect of it; of
        counts as a standard normal deviate.
    dffits, dfbetas : float array
        How far the estimate moves with the study, in standard errors.
    cooks_distance : float array
        The square of its move, in squared standard errors of all studies.
    cov_ratio : float array
        Squared standard error without the study over that with it: below 1 the study makes the rate less
        certain.
    tau2_deleted, rho_deleted, Q_deleted : float array
        Heterogeneity without the study; rho of the beta-binomial model.
    hat, weight : float array
        Share of the study in the estimate, as a fraction and in percent.
    influential : bool array
    notes : tuple of str
    """

    fit: Fit
    by: str | None
    study: tuple[str, ...]
    rstudent: FloatArray
    dffits: FloatArray
    cooks_distance: FloatArray
    cov_ratio: FloatArray
    tau2_deleted: FloatArray
    rho_deleted: FloatArray
    Q_deleted: FloatArray
    hat: FloatArray
    weight: FloatArray
    dfbetas: FloatArray
    influential: BoolArray
    notes: tuple[str, ...]

    @property
    def lines(self) -> dict[str, tuple[float, ...]]:
        """What each diagnostic is held against: its value with no influence, and the limits of the rules."""
        z, limit = float(t_quantile(np.inf, (1 - self.fit.spec.level) / 2)), rules(self.hat.size)
        return {
            "rstudent": (0.0, -z, z),
            "dffits": (0.0, -limit.dffits, limit.dffits),
            "dfbetas": (0.0, -limit.dfbetas, limit.dfbetas),
            "cooks_distance": (0.0, limit.cooks_distance),
            "cov_ratio": (1.0,),
            "tau2_deleted": (self.fit.tau2,),
            "rho_deleted": (self.fit.rho,),
            "Q_deleted": (self.fit.heterogeneity.Q,),
            "hat": (1 / self.hat.size, limit.hat),
            "weight": (100 / self.hat.size, 100 * limit.hat),
        }

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a study: its diagnostics, and whether it is influential."""
        import pandas as pd

        names = ["study", "rstudent", "dffits", "cooks_distance", "cov_ratio", "tau2_deleted"]
        names += [*["rho_deleted"] * bool(np.isfinite(self.rho_deleted).any()), "Q_deleted", "hat", "weight"]
        columns = {name: getattr(self, name) for name in (*names, "dfbetas", "influential")}
        return pd.DataFrame(columns | {"study": list(self.study)})

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the picture; see :func:`metaresp.plots.influence.draw_influence` for *path* and *style*."""
        from metaresp.plots.influence import draw_influence

        return draw_influence(self, path, **style)


@silent
def influence(fit: Fit, *, by: str | None = None) -> Influence:
    """Return deletion diagnostics of each study, or of each group of studies.

    Parameters
    ----------
    fit : Fit
        Of any model, of nested studies too.
    by : str, optional
        A covariate: leave out all studies of one value of it at a time, such as one centre of studies
        nested in centres.  Study by study when not given.

    Returns
    -------
    Influence

    Raises
    ------
    InvalidArgument
        If *fit* or *by* is none.
    UnknownName
        If the studies have no column *by*.
    CannotEstimate
        If there are fewer than three studies or one group, or the fit has no standard error: a pooled rate
        of 0% or 100%, or an exact answer.

    Notes
    -----
    All fits are one batch; mu(i), se(i), tau2(i) are those without study i.

    Inverse variance: residual ``(y - mu(i)) / sqrt(v + tau2(i) + se(i)**2)``, DFFITS ``(mu - mu(i)) /
    sqrt(hat (v + tau2(i)))``, DFBETAS ``(mu - mu(i)) / sqrt(1 / sum 1 / (v + tau2(i)))`` over all studies.
    With Hartung-Knapp intervals their factor scales all but se(i).  R: ``metafor::influence.rma.uni``.

    Counts have no effect at 0% or 100%.  The residual is the normal quantile of the probability of fewer
    events and half that of as many, theta having Student's t distribution about mu(i) on m - 1 degrees of
    freedom with the squared scale ``(tau2(i) + se(i)**2) m / (m - 1)``, m studies (or clusters) being left:
    so is a normal effect among normal effects.  Beta-binomial: a beta law with the variances of rho(i) and
    the mean instead; one common rate: theta normal with the variance ``se(i)**2``.  DFFITS and DFBETAS are
    ``(mu - mu(i)) / (se(i) sqrt(1 - hat))``, equal as there is one coefficient.  Measured, and why:
    ``docs/decisions/influence.md``.  R: none.

    Cook's distance is ``(mu - mu(i))**2 / se**2``, the covariance ratio ``se(i)**2 / se**2``.  A study is
    influential, g of them being left out in turn, if ``|DFFITS| > 3 / sqrt(g - 1)``, Cook's distance is
    beyond the median of chi-square on 1 degree of freedom, ``hat > 3 / g``, ``|DFBETAS| > 1``, or there is
    no estimate without it.

    A group of several studies is one of all their patients.  Its theta keeps the variance between clusters,
    and of what studies have to themselves the sum of their squared shares.

    References
    ----------
    Viechtbauer and Cheung (2010), Outlier and influence diagnostics for meta-analysis, Research Synthesis
    Methods 1:112.

    Examples
    --------
    >>> import metaresp as mr
    >>> found = influence(mr.pool(events=[13, 4, 9, 0, 8], n=[18, 7, 15, 19, 14]))
    >>> found.rstudent.round(2).tolist()
    [0.62, 0.27, 0.34, -3.29, 0.28]
    >>> found.notes[0]
    'Influential: Study 4.'
    """
    check_fit(fit)
    if fit.k < 3:
        raise CannotEstimate(f"influence: needs three studies or more, here {fit.k}")
    labels, groups = left_out(fit, by)
    if len(labels) < 2:
        raise CannotEstimate(f"influence: all studies have the same {by}, and nothing is left without it")
    if not np.isfinite([fit.estimate, fit.se]).all():
        raise CannotEstimate(f"influence: the answer is exact and has no standard error ({fit.reason})")
    if fit.se == 0:
        raise CannotEstimate("influence: the studies agree exactly, and the standard error is 0")
    copies = without_each(groups)
    without = refitted(fit, copies, limits=False)
    members = (copies == 0).astype(np.float64)
    model = model_for(fit.studies, fit.spec)
    dffits, dfbetas = model.moved(fit, without, members)
    weight = members @ fit.weights
    found = moves(
        fit.estimate - without.estimate, np.asarray(fit.se), without.se, dffits, dfbetas, weight / 100
    )
    return Influence(
        fit=fit,
        by=by,
        study=tuple(labels),
        rstudent=model.unseen(without, members),
        dffits=dffits,
        cooks_distance=found.cooks_distance,
        cov_ratio=found.cov_ratio,
        tau2_deleted=without.tau2,
        rho_deleted=without.rho,
        Q_deleted=without.Q,
        hat=weight / 100,
        weight=weight,
        dfbetas=dfbetas,
        influential=found.influential,
        notes=_notes(labels, found.influential, without.told),
    )


def _notes(labels: list[str], influential: BoolArray, reasons: list[str]) -> tuple[str, ...]:
    """Say which studies are influential, and where there is no fit without a study."""
    named = [label for label, flag in zip(labels, influential, strict=True) if flag]
    first = f"Influential: {few(named, 10)}." if named else "By the usual rules no study is influential."
    more = [f"Without {label}: {reason}." for label, reason in zip(labels, reasons, strict=True) if reason]
    return (first, *more)
