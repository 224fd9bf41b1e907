"""Lines and correlations of effects with their sizes: the usual ways, with the faults they have for rates."""

from dataclasses import replace

import numpy as np
from scipy import special

from metaresp.analyses.size_methods import GROWING, METHODS, PREDICTORS, Answer, Method
from metaresp.arrays import FloatArray
from metaresp.kernel.effects import asymmetry
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.records import Interval


class _Weighted(Method):
    """A weighted line through effects."""

    predictors = tuple(PREDICTORS)

    def line(self, x: FloatArray, n: FloatArray) -> asymmetry.Line:
        """Return the line of each set."""
        found = self.effects(x, n)
        return self.fitted(found.y, found.v, PREDICTORS[self.predictor](n, found.v))

    def fitted(self, y: FloatArray, v: FloatArray, z: FloatArray) -> asymmetry.Line:
        """Return the line of effects."""
        raise NotImplementedError

    def statistic(self, x: FloatArray, n: FloatArray) -> FloatArray:
        """Return the absolute slope over its standard error."""
        found = self.line(x, n)
        return np.abs(found.slope / found.slope_se)

    def _answer(self, name: str, df: float, reference: str) -> Answer:
        found = self.line(self.x, self.n)
        slope, limit = float(found.slope[0]), float(found.intercept[0])
        t = slope / float(found.slope_se[0])
        quantile = float(t_quantile(np.array([df]), self.tail)[0])
        below = special.ndtr(-abs(t)) if np.isinf(df) else special.stdtr(df, -abs(t))
        slope_half, limit_half = (quantile * float(se[0]) for se in (found.slope_se, found.intercept_se))
        slopes = Interval(slope - slope_half, slope + slope_half)
        tau = float(np.sqrt(found.tau2[0]))
        answer = Answer(t, name, float(2 * below), reference, df, slope, slopes, limit, tau=tau)
        if self.predictor in GROWING:
            return answer
        return replace(answer, limit=limit, limit_ci=Interval(limit - limit_half, limit + limit_half))


@METHODS.add("egger")
class Egger(_Weighted):
    """Egger's regression: weights ``1 / v`` and a dispersion."""

    def fitted(self, y: FloatArray, v: FloatArray, z: FloatArray) -> asymmetry.Line:
        """Return the least-squares line."""
        return asymmetry.least_squares(y, v, z)

    def answer(self) -> Answer:
        """Refer the slope to Student's t."""
        df = self.x.shape[1] - 2.0
        return self._answer("t", df, f"t on {df:.0f} df")


@METHODS.add("egger-mixed")
class EggerMixed(_Weighted):
    """Egger's regression with a variance between studies (REML) beside that within."""

    def fitted(self, y: FloatArray, v: FloatArray, z: FloatArray) -> asymmetry.Line:
        """Return the line with an additive variance."""
        return asymmetry.additive(y, v, z)

    def answer(self) -> Answer:
        """Refer the slope to the normal law."""
        return self._answer("z", np.inf, "normal")


@METHODS.add("peters")
class Peters(Egger):
    """Peters' regression: effects on ``1 / n``, which does not hang on the rate."""

    predictors = ("1/n",)


@METHODS.add("rank")
class RankCorrelation(Method):
    """Begg and Mazumdar's rank correlation of effects and variances."""

    def answer(self) -> Answer:
        """Return Kendall's tau."""
        found = asymmetry.rank_correlation(self.own.y, self.own.v)
        tied = bool(found.tied[0])
        notes = ("Studies are tied: the p-value is that of the normal law, given the ties.",) if tied else ()
        exact = not tied and self.x.shape[1] <= asymmetry.MOST_EXACT
        reference = "exact" if exact else "normal"
        tau, pvalue = float(found.tau[0]), float(found.pvalue[0])
        return Answer(tau, "Kendall's tau", pvalue, reference, notes=notes)

    def statistic(self, x: FloatArray, n: FloatArray) -> FloatArray:
        """Return the absolute correlation."""
        found = self.effects(x, n)
        return np.abs(asymmetry.rank_correlation(found.y, found.v).tau)


@METHODS.add("lfk")
class LFK(Method):
    """Furuya-Kanamori's index of the two limbs of a Doi plot, which is no test."""

    tests = False

    def answer(self) -> Answer:
        """Return the index."""
        index = float(asymmetry.lfk_index(self.own.y, self.own.v)[0])
        return Answer(index, "LFK index", np.nan, "")

    def statistic(self, x: FloatArray, n: FloatArray) -> FloatArray:
        """Return the absolute index."""
        found = self.effects(x, n)
        return np.abs(asymmetry.lfk_index(found.y, found.v))
