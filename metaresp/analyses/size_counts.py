"""The line through the counts themselves: a slope on size in the binomial-normal model."""

from functools import cached_property

import numpy as np
from scipy import special

from metaresp.analyses.size_methods import METHODS, PREDICTORS, Answer, Method, count_model
from metaresp.arrays import FloatArray
from metaresp.kernel.counts import binomial_normal, fast, line
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.model.binomial_normal import BinomialNormal
from metaresp.records import Interval

_NATS = 19.0  # accuracy of the likelihood of a drawn set: 6e-9


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

    def _designs(self, n: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return a design with the slope first, one with the limit first, the slope's unit, its centre."""
        z = PREDICTORS[self.predictor](n, n)
        centre, unit = z.mean(axis=-1, keepdims=True), z.std(axis=-1, keepdims=True)
        one = np.ones_like(z)
        return (
            np.stack([(z - centre) / np.where(unit > 0, unit, 1.0), one], axis=-1),
            np.stack([1 - z / centre, z / centre], axis=-1),
            unit[:, 0],
            centre[:, 0],
        )

    def answer(self) -> Answer:
        """Fit the line; its limits hold twice the fall of the profile against the quantile of the test."""
        data, null = self.model.data, self.model.fit
        by_slope, by_limit, unit, centre = self._designs(self.n)
        top = line.fit(data, by_slope)
        gain = np.maximum(2 * (top.value - null.top), 0.0)
        factor = line.size_factor(data, null.mu, null.tau)
        fall = t_quantile(np.array([np.inf]), self.tail) ** 2 * factor
        run = float(line.separated(data, self.along[None])[0])
        slopes = np.ravel(line.interval(data, by_slope, top, 0, fall))
        same = top.turned(np.array([[-centre[0] / unit[0], 1.0], [0.0, 1.0]]))
        limits = np.ravel(line.interval(data, by_limit, same, 0, fall))
        slope, limit = float(top.at[0, 0] / unit[0]), float(same.at[0, 0])
        if run:
            slope, limit = run * np.inf, -run * np.inf
            slopes[int(run > 0)], limits[int(run < 0)] = slope, limit
        return Answer(
            statistic=float(gain[0]),
            name="Likelihood ratio",
            pvalue=float(special.chdtrc(1, gain / factor)[0]),
            reference=f"chi-square on 1 df, times {factor[0]:.3f}",
            df=1.0,
            slope=slope,
            slope_ci=_around(slope, slopes / unit[0]),
            intercept=limit,
            limit=limit,
            limit_ci=_around(limit, limits),
            tau=float(top.tau[0]),
            notes=self._notes(run),
        )

    def _notes(self, run: float) -> tuple[str, ...]:
        notes: tuple[str, ...] = ()
        if self.fit.spec.link is None:
            notes += (
                "The line is that of the binomial-normal model (logit link), not of the model of the fit.",
            )
        if self.fit.spec.penalty is not None:
            notes += ("The line is fitted without the penalty of the fit.",)
        if run:
            end = "smaller" if run > 0 else "larger"
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
            data = self.model.data._replace(
                x=x[inner],
                n=n[inner],
                copies=np.ones((inner.size, x.shape[1])),
                compiled=compiled,
                nats=_NATS,
            )
            top = line.fit(data, self._designs(n[inner])[0]).value
            out[inner] = np.maximum(2 * (top - binomial_normal.fit(data).top), 0.0)
        return out


def _around(value: float, ends: FloatArray) -> Interval:
    """Return limits that hold the estimate, whatever rounding did."""
    return Interval(min(float(ends[0]), value), max(float(ends[1]), value))
