"""The line through the counts themselves: a slope on size in the binomial-normal model."""

from functools import cached_property

import numpy as np
from scipy import special

from metaresp.analyses.size_methods import METHODS, PREDICTORS, Answer, Method, count_model
from metaresp.arrays import FloatArray
from metaresp.kernel.counts import binomial_normal, fast
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.regression.calibrations import size_factor
from metaresp.kernel.regression.counts import DesignCounts, fit, rotated
from metaresp.kernel.regression.designs import orthogonal, turned
from metaresp.kernel.regression.limits import profile_limits
from metaresp.kernel.regression.separation import separated
from metaresp.model.binomial_normal import BinomialNormal
from metaresp.records import Interval


@METHODS.add("binomial")
class Binomial(Method):
    """Likelihood-ratio test of a slope in the binomial-normal model: no count is corrected."""

    predictors = ("1/sqrt(n)", "1/n")
    counts = True

    @cached_property
    def model(self) -> BinomialNormal:
        """The model without a slope."""
        return count_model(self.fit)

    @property
    def scale(self) -> str:
        """The link."""
        return str(self.model.spec.link)

    def rate(self, effect: FloatArray) -> FloatArray:
        """Return the rates of the link."""
        return LINKS[self.scale].rate(effect)

    def _design(self, n: FloatArray) -> FloatArray:
        """Return the columns of a limit and a slope."""
        z = PREDICTORS[self.predictor](n, n)
        return np.stack([np.ones_like(z), z], axis=-1)

    def answer(self) -> Answer:
        """Fit the line; its limits hold twice the fall of the profile against the quantile of the test."""
        data, null = self.model.data, self.model.fit
        design = self._design(self.n)[0]
        basis = orthogonal(design)
        top = fit(DesignCounts.plain(data, basis.z[None]))
        gain = np.maximum(2 * (top.local.value - null.top), 0.0)
        factor = size_factor(data.information(null.mu, null.tau), data.copies, null.tau)
        turn = turned(basis, np.eye(2)[..., None])
        fall = t_quantile(np.full(2, np.inf), self.tail) ** 2 * factor
        twice = DesignCounts.plain(data.take(np.zeros(2, dtype=np.int64)), turn.basis.z)
        ends = profile_limits(twice, rotated(top, turn.rotation), fall)
        value, low, high = basis.beta(top.at[0, :2]), turn.unit * ends.low, turn.unit * ends.high
        if separated(design, self.x[0], self.n[0])[1]:
            value = np.sign(value[1]) * np.array([-np.inf, np.inf])
        limit, slope = (float(one) for one in value)
        limit_ci, slope_ci = (
            Interval(min(float(a), float(b)), max(float(b), float(c)))
            for a, b, c in zip(low, value, high, strict=True)
        )
        return Answer(
            statistic=float(gain[0]),
            name="Likelihood ratio",
            pvalue=float(special.chdtrc(1, gain / factor)[0]),
            reference=f"chi-square on 1 df, times {factor[0]:.3f}",
            df=1.0,
            slope=slope,
            slope_ci=slope_ci,
            intercept=limit,
            limit=limit,
            limit_ci=limit_ci,
            tau=float(top.at[0, 2]),
            notes=self._notes(slope),
        )

    def _notes(self, slope: float) -> tuple[str, ...]:
        notes: tuple[str, ...] = ()
        if self.fit.spec.link is None:
            notes += (
                "The line is that of the binomial-normal model (logit link), not of the model of the fit.",
            )
        if self.fit.spec.penalty is not None:
            notes += ("The line is fitted without the penalty of the fit.",)
        if np.isinf(slope):
            end = "smaller" if slope > 0 else "larger"
            notes += (
                f"Events are on the side of the {end} trials alone: the slope has no finite estimate, and "
                "the rate of an infinitely large trial is 0% or 100%. The test and the other limits hold.",
            )
        return notes

    def statistic(self, x: FloatArray, n: FloatArray) -> FloatArray:
        """Return twice the gain in log-likelihood; 0 of sets without events or with nothing else."""
        out = np.zeros(len(x))
        total = x.sum(axis=-1)
        inner = np.flatnonzero((total > 0) & (total < n.sum(axis=-1)))
        if inner.size:
            compiled = self.scale == "logit" and fast.worth(inner.size)
            sets = self.model.data.of_sets(x[inner], n[inner])._replace(compiled=compiled)
            top = fit(DesignCounts.plain(sets, orthogonal(self._design(sets.n)).z)).local.value
            out[inner] = np.maximum(2 * (top - binomial_normal.fit(sets).top), 0.0)
        return out
