"""Moderators in the inverse-variance model."""

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.errors import CannotEstimate, option
from metaresp.kernel.effects.sums import study_weights
from metaresp.kernel.effects.tau2_interval import TAU2_CI
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.regression.designs import orthogonal
from metaresp.kernel.regression.effects import (
    FACTORS,
    EffectsFit,
    cluster_robust,
    fit_effects,
    joint,
    joint_pvalue,
    wald,
)
from metaresp.kernel.regression.lanes import DesignLanes
from metaresp.model.inverse_variance import InverseVariance
from metaresp.model.regression import REGRESSIONS, Coefficients, Joint, Predicted, Regressor, Residual
from metaresp.model.spec import Spec

_LANES = 1 << 16  # studies of permuted designs at once


@REGRESSIONS.add("inverse-variance")
class EffectsRegression(Regressor):
    """Weighted least squares with a between-study variance."""

    intervals = tuple(FACTORS)
    clustered = ("CR2", "CR1")
    QE_words = "Cochran's Q of the residuals with common-effect weights"

    def __init__(self, spec: Spec, counts: Counts, x: FloatArray, cluster: FloatArray | None) -> None:
        super().__init__(spec, counts, x, cluster)
        self.pooled = InverseVariance(counts, spec)
        y, v, self.corrected = self.pooled.effects
        unusable = np.flatnonzero(~(np.isfinite(y) & np.isfinite(v) & (v > 0))[0])
        if unusable.size:
            raise CannotEstimate(
                f"regress: {unusable.size} of {self.k} studies are at 0% or 100% and have no sampling "
                f"variance on this scale; choose {option('model', 'binomial-normal')}, or "
                f"{option('transform', 'arcsine')}"
            )
        self.y, self.v = y, v
        if cluster is not None and cluster.shape[1] <= self.p:
            raise CannotEstimate(
                f"regress: {self.p} coefficients need at least {self.p + 1} clusters, here {cluster.shape[1]}"
            )

    @property
    def _tau2(self) -> str | float:
        return "common" if self.spec.tau2 is None else self.spec.tau2

    @cached_property
    def fit(self) -> EffectsFit:
        """The weighted least-squares fit."""
        return fit_effects(self.y, self.v, np.ones_like(self.y), self.x[None], self._tau2)

    @cached_property
    def covariance(self) -> tuple[FloatArray, FloatArray]:
        """Covariance of the coefficients, shape (p, p), and degrees of freedom of each."""
        if self.cluster is not None:
            tau2, adjusted = self.fit.tau2, self.spec.ci == "CR2"
            robust = cluster_robust(self.y, self.v, self.x[None], tau2, self.cluster, adjusted)
            return robust.cov[0], robust.df[0]
        factor, by_t = FACTORS[self.spec.ci]
        df = float(self.fit.df[0]) if by_t else np.inf
        return self.fit.cov[0] * factor(self.fit.ratio)[0], np.full(self.p, df)

    @property
    def test_words(self) -> str:
        """What the tests of moderators are."""
        return f"{'Wald' if np.isinf(self.covariance[1]).all() else 'F'} test"

    @cached_property
    def coefficients(self) -> Coefficients:
        """The coefficients with their Wald intervals and tests."""
        cov, df = self.covariance
        beta = self.fit.beta
        found = wald(beta, cov[None], df[None], self.tail)
        return Coefficients(
            beta[0], found.se[0], df, found.statistic[0], found.low[0], found.high[0], found.pvalue[0]
        )

    def joint(self, sets: Sequence[Sequence[int]]) -> list[Joint]:
        """Return the Wald (chi-square or F) test of each set of columns."""
        cov, df = self.covariance
        out = []
        for columns in sets:
            which = np.array(columns)
            squared = joint(self.fit.beta[:, which], cov[which[:, None], which][None])
            df2 = float(df[which].min())
            statistic, pvalue = joint_pvalue(squared, which.size, np.array([df2]))
            out.append(Joint(float(statistic[0]), float(which.size), df2, float(pvalue[0])))
        return out

    @cached_property
    def residual(self) -> Residual:
        """What is left between studies, against a fit of the intercept alone."""
        fit = self.fit
        alone = fit_effects(self.y, self.v, np.ones_like(self.y), self.x[None, :, :1], self._tau2)
        common = self._tau2 == "common"
        without = float(alone.tau2[0]) if isinstance(self._tau2, str) and not common else np.nan
        q, typical = float(fit.q[0]), float(fit.typical_v[0])
        return self._residual(float(fit.tau2[0]), without, q, typical, common)

    @property
    def tau2_limits(self) -> tuple[float, float]:
        """The Q-profile interval of the residual tau2.  R: ``confint(rma(yi, vi, mods = ~ x))``."""
        lanes = DesignLanes(self.y, self.v, np.ones_like(self.y), orthogonal(self.x[None]).z)
        low, high = inspect.unwrap(TAU2_CI["q-profile"])(lanes, self.tail)
        return float(low[0]), float(high[0])

    def predicted(self, rows: FloatArray) -> Predicted:
        """Return the means, their intervals and those of a new study, k - p - 1 degrees of freedom."""
        cov, df = self.covariance
        mean = rows @ self.fit.beta[0]
        se = np.sqrt(np.maximum(np.einsum("ri,ij,rj->r", rows, cov, rows), 0.0))
        half = t_quantile(np.full(len(rows), df.min()), self.tail) * se
        spread = np.sqrt(se * se + self.fit.tau2[0])
        new = t_quantile(np.full(len(rows), float(self.k - self.p - 1)), self.tail) * spread
        if self.spec.prediction is None:
            new = np.full(len(rows), np.nan)
        new = np.maximum(new, half)  # a new study is never told better than the mean of such studies
        return Predicted(mean, se, mean - half, mean + half, mean - new, mean + new)

    def permuted(self, orders: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the joint statistic and the squared statistic of each moderator."""
        factor, _ = FACTORS[self.spec.ci]
        whole, each = np.empty(len(orders)), np.empty((len(orders), self.p - 1))
        size = max(1, _LANES // self.k)
        for start in range(0, len(orders), size):
            part = slice(start, start + size)
            x = self.x[orders[part]]
            y, v = (np.broadcast_to(field, x.shape[:2]) for field in (self.y, self.v))
            fit = fit_effects(y, v, np.ones_like(y), x, self._tau2)
            cov = fit.cov * factor(fit.ratio)[:, None, None]
            whole[part] = joint(fit.beta[:, 1:], cov[:, 1:, 1:])
            each[part] = fit.beta[:, 1:] ** 2 / np.einsum("lii->li", cov)[:, 1:]
        return whole, each

    def back(self, values: FloatArray, groups: Counts | None = None) -> FloatArray:
        """Return rates, clipped where a limit leaves the scale."""
        pooled = self.pooled if groups is None else InverseVariance(groups, self.spec)
        transform = pooled.transform
        size = pooled.size(np.broadcast_to(self.fit.tau2, pooled.counts.k.shape))
        inside = np.clip(values, *transform.limits)
        rates: FloatArray = transform.inverse(
            inside, None if size is None else np.broadcast_to(size, values.shape)
        )
        return np.asarray(np.where(np.isnan(values), np.nan, rates), dtype=np.float64)

    def precision(self) -> FloatArray:
        """Return each study's share of the weights."""
        shares: FloatArray = study_weights(self.v, np.ones_like(self.v), self.fit.tau2)[0]
        return shares

    def notes(self, named: Callable[[Sequence[int]], str], terms: Sequence[str]) -> list[str]:
        """Say which studies were corrected, and what an iteration did."""
        notes = []
        corrected = np.flatnonzero(self.corrected[0])
        if corrected.size:
            notes.append(
                f"{self.spec.correction:g} was added to events and non-events of {corrected.size} of "
                f"{self.k} studies for the regression ({named(corrected.tolist())})."
            )
        if self.spec.ci == "hartung-knapp" and self.cluster is None and self.fit.ratio[0] < 1:
            notes.append(
                "The studies lie closer to the regression than chance alone would have them: Hartung-Knapp "
                "intervals are narrower than without its factor; ci='hartung-knapp-floor' never is."
            )
        if not self.fit.converged.all():
            notes.append("The iteration for tau2 stopped before it converged.")
        if self.cluster is not None:
            notes.append(
                f"Standard errors are cluster-robust ({self.spec.ci}) over {self.cluster.shape[1]} clusters; "
                "the weights take studies as independent."
            )
        return notes
