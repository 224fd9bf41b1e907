"""Moderators in the binomial-normal model."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.errors import InvalidArgument, option
from metaresp.kernel.counts.binomial_normal import mean_rate
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.mean_rate import typical_information
from metaresp.kernel.counts.surface import CountSurface, Penalty
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.regression.calibrations import CALIBRATIONS, Reference, bartlett_factor
from metaresp.kernel.regression.counts import CountsFit, DesignCounts, covariance, fit, rotated
from metaresp.kernel.regression.designs import Basis, orthogonal, turned
from metaresp.kernel.regression.effects import two_sided
from metaresp.kernel.regression.lanes import DesignLanes
from metaresp.kernel.regression.limits import profile_limits
from metaresp.kernel.regression.separation import separated
from metaresp.model.regression import REGRESSIONS, Coefficients, Joint, Predicted, Regressor, Residual
from metaresp.model.spec import Spec

_LANES = 1 << 15  # studies of permuted designs at once


@REGRESSIONS.add("binomial-normal")
class CountsRegression(Regressor):
    """Maximum likelihood for counts: nothing is corrected, no study is left out."""

    intervals = (*CALIBRATIONS, "t", "normal")
    QE_words = "Pearson's X2 about the rates of the regression without residual heterogeneity"

    def __init__(self, spec: Spec, counts: Counts, x: FloatArray, cluster: FloatArray | None) -> None:
        super().__init__(spec, counts, x, cluster)
        if spec.penalty is not None and spec.penalty[0] == "log-f":
            raise InvalidArgument(
                f"{option('penalty', spec.penalty)} has no meaning with moderators: choose 'half-normal' or "
                "'half-cauchy'"
            )

    @cached_property
    def basis(self) -> Basis:
        """Orthogonal columns of the design."""
        return orthogonal(self.x)

    @cached_property
    def separated(self) -> BoolArray:
        """Coefficients that the likelihood drives to infinity, the intercept among them."""
        return separated(self.x, self.counts.x[0], self.counts.n[0])

    def _lanes(self, basis: Basis, firth: bool = False) -> DesignCounts:
        """Return lanes of these counts with bases of leading shape (lanes,)."""
        lanes = len(basis.z)
        x, n, copies = (np.broadcast_to(field, (lanes, self.k)) for field in self.counts[:3])
        data = CountSurface(x, n, copies, str(self.spec.link), effects=str(self.spec.effects))
        columns = np.flatnonzero(self.separated[1:]) + 1 if firth else np.zeros(0, dtype=np.int64)
        pseudo = basis.turn[:, columns, :] * self._units[columns, None]
        penalty = None if self.spec.penalty is None else Penalty(*self.spec.penalty)
        return DesignCounts(data, np.ascontiguousarray(basis.z), pseudo, penalty)

    @property
    def _units(self) -> FloatArray:
        """The step of each column that is penalised: a standard deviation, or 1 of an indicator."""
        indicator = ((self.x == 0) | (self.x == 1)).all(axis=0)
        return np.where(indicator, 1.0, self.x.std(axis=0))

    def _reduced(self, sets: Sequence[Sequence[int]]) -> CountsFit:
        """Return the fits without each set of columns."""
        bases, free = [], np.ones((len(sets), self.p), dtype=np.bool_)
        for row, columns in enumerate(sets):
            bases.append(turned(self.basis, np.eye(self.p)[:, list(columns)]).basis)
            free[row, : len(columns)] = False
        basis = Basis(*(np.stack(field) for field in zip(*bases, strict=True)))
        return fit(self._lanes(basis), free)

    @cached_property
    def full(self) -> CountsFit:
        """The maximum of the likelihood, which lies at infinity where a coefficient separates."""
        one = Basis(self.basis.z[None], self.basis.turn[None])
        return fit(self._lanes(one))

    @cached_property
    def best(self) -> CountsFit:
        """What is reported: the maximum, penalised where a coefficient separates."""
        if not self.separated.any():
            return self.full
        one = Basis(self.basis.z[None], self.basis.turn[None])
        return fit(self._lanes(one, firth=True))

    @cached_property
    def _known(self) -> dict[tuple[int, ...], tuple[float, float]]:
        """Highest log-likelihood and its tau without sets of columns, each fitted once."""
        return {}

    def _without(self, sets: Sequence[Sequence[int]]) -> list[tuple[float, float]]:
        """Return the highest log-likelihood without each set of columns, and its tau."""
        keys = [tuple(columns) for columns in sets]
        wanted = [tuple(range(1, self.p)), *((j,) for j in range(self.p)), *keys]
        new = [key for key in dict.fromkeys(wanted) if key not in self._known]
        if new:
            found = self._reduced(new)
            pairs = zip(found.local.value.tolist(), found.at[:, self.p].tolist(), strict=True)
            self._known.update(zip(new, pairs, strict=True))
        return [self._known[key] for key in keys]

    def _falls(self, sets: Sequence[Sequence[int]]) -> FloatArray:
        """Return twice the fall of the log-likelihood without each set of columns."""
        value = np.array([value for value, _ in self._without(sets)])
        falls: FloatArray = np.maximum(2 * (self.full.local.value - value), 0.0)
        return falls

    @property
    def test_words(self) -> str:
        """What the tests of moderators are."""
        return "likelihood-ratio test" + {
            "bartlett": ", Bartlett's correction",
            "profile-f": ", referred to F",
            "t": ", referred to F",
        }.get(self.spec.ci, "")

    @cached_property
    def _df(self) -> float:
        return float(self.k - self.p)

    @property
    def _reference_df(self) -> float:
        """Degrees of freedom of what tests are referred to: infinite for chi-square and normal."""
        return self._df if self.spec.ci in {"t", "profile-f"} else np.inf

    def joint(self, sets: Sequence[Sequence[int]]) -> list[Joint]:
        """Return the likelihood-ratio test of each set of columns."""
        out = []
        name = {"t": "profile-f", "normal": "profile"}.get(self.spec.ci, self.spec.ci)
        for columns, fall in zip(sets, self._falls(sets), strict=True):
            m = len(columns)
            turn = turned(self.basis, np.eye(self.p)[:, list(columns)])
            pvalue = float(
                CALIBRATIONS[name].pvalue(np.array([fall]), self._reference(turn.basis.z[None], m))[0]
            )
            out.append(Joint(float(fall), float(m), self._reference_df, pvalue))
        return out

    @cached_property
    def _information(self) -> FloatArray:
        """What each study tells about its mean given tau, shape (1, k)."""
        one = Basis(self.basis.z[None], self.basis.turn[None])
        return np.maximum(self._lanes(one).information(self.best.at), 0.0)

    def _reference(self, z: FloatArray, m: int) -> Reference:
        """Return what likelihood ratios of the first *m* columns of *z*, a lane each, are held against."""
        lanes = len(z)
        factor = bartlett_factor(np.broadcast_to(self._information, (lanes, self.k)), z, m)
        return Reference(np.full(lanes, float(self.k)), np.full(lanes, self._df), m, factor)

    @cached_property
    def _cov(self) -> FloatArray:
        cov = covariance(self.best.local, self.best.at[:, self.p])[0]
        out: FloatArray = self.basis.turn @ cov @ self.basis.turn.T
        return out

    @cached_property
    def beta(self) -> FloatArray:
        """The coefficients."""
        return self.basis.beta(self.best.at[0, : self.p])

    @cached_property
    def tau(self) -> float:
        """The residual standard deviation between studies."""
        return float(self.best.at[0, self.p])

    @cached_property
    def coefficients(self) -> Coefficients:
        """The coefficients with their intervals and tests."""
        se, df = np.sqrt(np.diag(self._cov)), np.full(self.p, self._reference_df)
        low, high = self._limits(np.eye(self.p), self.beta, se)
        if self.spec.ci in CALIBRATIONS:
            sets = [[j] for j in range(self.p)]
            pvalue = np.array([test.pvalue for test in self.joint(sets)])
            statistic = np.sign(self.beta) * np.sqrt(self._falls(sets))
            return Coefficients(self.beta, se, df, statistic, low, high, pvalue)
        statistic = self.beta / se
        return Coefficients(self.beta, se, df, statistic, low, high, two_sided(statistic, df))

    def _limits(self, rows: FloatArray, mean: FloatArray, se: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the interval of sums of coefficients, *rows* of shape (m, p)."""
        if self.spec.ci not in CALIBRATIONS:
            df = np.full(len(rows), self._reference_df)
            half = t_quantile(df, self.tail) * se
            return mean - half, mean + half
        distinct, where = np.unique(rows, axis=0, return_inverse=True)
        turn = turned(self.basis, distinct[..., None])
        fall = CALIBRATIONS[self.spec.ci].critical(self._reference(turn.basis.z, 1), self.tail)
        lanes = self._lanes(turn.basis, firth=bool(self.separated.any()))
        found = profile_limits(lanes, rotated(self.best, turn.rotation), fall)
        place = where.reshape(-1)
        low, high = (turn.unit * field for field in found)
        return np.minimum(low[place], mean), np.maximum(high[place], mean)

    @cached_property
    def residual(self) -> Residual:
        """What is left between studies, against a fit of the intercept alone."""
        link, x, n = LINKS[str(self.spec.link)], self.counts.x, self.counts.n
        ((_, alone),) = self._without([range(1, self.p)])
        rate = link.rate(self.basis.z @ self.full.common[0, : self.p])
        expected = n[0] * rate
        chance = expected * (1 - rate)
        far = np.abs(x[0] - expected)
        q = float(np.where(far > 1e-9 * n[0], far**2 / np.where(chance > 0, chance, 1.0), 0.0).sum())
        eta, tau = self.basis.z @ self.best.at[0, : self.p], np.full(self.k, self.tau)
        name, effects = str(self.spec.link), str(self.spec.effects)
        mean, rest = (mean_rate(eta, tau, name, other, effects) for other in (False, True))
        each = n[0] * typical_information(mean, rest, link)
        lanes = DesignLanes(np.zeros((1, self.k)), 1 / each[None], np.ones((1, self.k)), self.basis.z[None])
        typical = self._df / float(lanes.cochran()[1][0])
        return self._residual(self.tau**2, alone**2, q, typical, common=False)

    def predicted(self, rows: FloatArray) -> Predicted:
        """Return the means, their intervals and those of a new study.

        A limit of a new study is as far from the mean as the root of the squares of the limit of the mean and
        of t tau, on k - p - 1 degrees of freedom, tau2 being multiplied by k / (k - p): what maximum
        likelihood is too small by for equal studies.
        """
        mean = rows @ self.beta
        se = np.sqrt(np.maximum(np.einsum("ri,ij,rj->r", rows, self._cov, rows), 0.0))
        low, high = self._limits(rows, mean, se)
        spread = t_quantile(np.full(len(rows), self._df - 1), self.tail)
        spread *= self.tau * np.sqrt(self.k / self._df)
        if self.spec.prediction is None:
            spread = np.full(len(rows), np.nan)
        return Predicted(
            mean, se, low, high, mean - np.hypot(mean - low, spread), mean + np.hypot(high - mean, spread)
        )

    def permuted(self, orders: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the likelihood ratios of all moderators and of each."""
        several = self.p > 2
        columns = [[j] for j in range(1, self.p)] if several else []
        turns = [self.basis, *(turned(self.basis, np.eye(self.p)[:, some]).basis for some in columns)]
        free = np.ones((len(turns), self.p), dtype=np.bool_)
        free[1:, 0] = False
        ((alone, _),) = self._without([range(1, self.p)])
        value = np.empty((len(orders), len(turns)))
        size = max(1, _LANES // (self.k * len(turns)))
        for start in range(0, len(orders), size):
            some = orders[start : start + size]
            z = np.stack([turn.z[some] for turn in turns], axis=1).reshape(-1, self.k, self.p)
            turn = np.tile(np.stack([turn.turn for turn in turns]), (len(some), 1, 1))
            found = fit(self._lanes(Basis(z, turn)), np.tile(free, (len(some), 1)))
            value[start : start + size] = found.local.value.reshape(len(some), -1)
        whole = np.maximum(2 * (value[:, 0] - alone), 0.0)
        each = np.maximum(2 * (value[:, :1] - value[:, 1:]), 0.0) if several else whole[:, None]
        return whole, each

    def back(self, values: FloatArray, groups: Counts | None = None) -> FloatArray:
        """Return rates."""
        return LINKS[str(self.spec.link)].rate(values)

    def precision(self) -> FloatArray:
        """Return each study's share of what is told about its mean given tau."""
        shares: FloatArray = 100 * self._information[0] / max(float(self._information.sum()), 1e-300)
        return shares

    def notes(self, named: Callable[[Sequence[int]], str], terms: Sequence[str]) -> list[str]:
        """Say which coefficients separate."""
        notes = []
        if self.tau > 0.5 * LINKS[str(self.spec.link)].tau_max:
            notes.append(
                "The data do not bound tau, what moderators leave between studies, from above: it is held at "
                "its limit."
            )
        apart = [terms[j] for j in np.flatnonzero(self.separated).tolist() if j]
        if not apart:
            return notes
        plural = len(apart) > 1
        return [
            *notes,
            f"{', '.join(apart)}: studies at 0% or 100% separate {'these' if plural else 'this'}, so that no "
            "finite estimate has the highest likelihood. Estimates, intervals and rates have a penalty: the "
            f"density log-F(1, 1) of the coefficient{'s' * plural}, worth half a response and half a "
            "non-response. P-values are of the likelihood ratio without it.",
        ]
