"""Rates of the studies of a fit: observed, and shrunken towards the pooled rate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.counts import clean, distinct
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.trial.beta_mixture import patients
from metaresp.kernel.trial.study_rate import posterior_rates
from metaresp.model.inverse_variance import effects
from metaresp.model.nested_rates import nested_rates
from metaresp.records import Record
from metaresp.transforms import TRANSFORMS

if TYPE_CHECKING:
    import pandas as pd

    from metaresp.result import Fit


@dataclass(frozen=True, eq=False, slots=True)
class StudyRates(Record):
    """Observed and shrunken rate of each study; arrays of shape (k,), rates between 0 and 1.

    Attributes
    ----------
    study : tuple of str
    events, n : int array
    rate, low, high : float array
        Observed rate, and the exact interval of the fit's ``study_ci``.
    shrunken, shrunken_low, shrunken_high : float array
        The study's true rate given its count, at the fitted mean and variance; NaN where these are not
        estimable.
    level : float
        Of both intervals.
    note : str
        What the shrunken rates are, or why there are none.
    outcome : str or None
        What is counted, in words; responses where it is None.
    digits : int or None
        Decimals of the percentages that it prints; as many as the intervals need where it is None.
    """

    study: tuple[str, ...]
    events: IntArray
    n: IntArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    shrunken: FloatArray
    shrunken_low: FloatArray
    shrunken_high: FloatArray
    level: float
    note: str
    outcome: str | None = None
    digits: int | None = None

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a study as a pandas frame."""
        import pandas as pd

        names = [name for name in self.__slots__ if name not in {"level", "note", "outcome", "digits"}]
        return pd.DataFrame({name: getattr(self, name) for name in names})


@silent
def study_rates(fit: "Fit") -> StudyRates:
    """Answer :meth:`metaresp.Fit.study_rates`."""
    (shrunken, low, high), note = _shrink(fit)
    ci = fit.study_ci
    return StudyRates(
        study=tuple(fit.studies.study),
        events=np.asarray(fit.studies.events),
        n=np.asarray(fit.studies.n),
        rate=np.atleast_1d(np.asarray(ci.rate, dtype=np.float64)),
        low=np.atleast_1d(np.asarray(ci.low, dtype=np.float64)),
        high=np.atleast_1d(np.asarray(ci.high, dtype=np.float64)),
        shrunken=shrunken,
        shrunken_low=low,
        shrunken_high=high,
        level=fit.spec.level,
        note=note,
        outcome=fit.spec.outcome,
        digits=fit.spec.digits,
    )


def _shrink(fit: "Fit") -> tuple[tuple[FloatArray, FloatArray, FloatArray], str]:
    k, tail = fit.k, (1 - fit.spec.level) / 2
    if fit.spec.model != "common" and fit.is_exact:
        nothing = np.full(k, np.nan)
        return (nothing, nothing, nothing), f"No shrunken rates: {fit.reason}."
    if fit.spec.model == "common" or fit.tau2 == 0 or fit.rho == 0:
        why = "one common rate" if fit.spec.model == "common" else "no variation between studies is estimated"
        rate, low, high = (np.full(k, value) for value in (fit.rate, *fit.rate_ci))
        return (rate, low, high), f"Every study has the pooled rate with its interval: {why}."
    counts = clean(fit.studies.events[None], fit.studies.n[None], None)[0]
    x, n = counts.x[0], counts.n[0]
    if fit.levels is not None and not np.isnan(fit.tau2_between):  # NaN: one study a cluster
        codes = fit.studies.cluster_codes(str(fit.spec.cluster))
        found = nested_rates(counts, codes, fit.spec, fit.estimate, fit.tau2_between, fit.tau2_within)
        return _triple(*found), "Given all counts of a study's cluster, at the fitted mean and variances."
    if fit.spec.model == "beta-binomial":
        return _beta(x, n, fit.rate, fit.rho, tail), "Beta posterior, at the fitted mean rate and rho."
    if fit.spec.model == "binomial-normal":
        link = LINKS[fit.spec.link or "logit"]
        once, pair = distinct(counts)
        posterior = posterior_rates(link, x[once], n[once], fit.estimate, fit.tau, tail)
        return _triple(
            *(values[pair] for values in posterior)
        ), "Posterior mean of the rate, at the fitted mu and tau."
    transform = TRANSFORMS[str(fit.spec.transform)]
    y, v, _ = effects(counts, fit.spec)
    share = fit.tau2 / (fit.tau2 + v[0])
    centre, sd = fit.estimate + share * (y[0] - fit.estimate), np.sqrt(share * v[0])
    z = -float(special.ndtri(tail))
    ends = (centre, centre - z * sd, centre + z * sd)
    rates = (transform.inverse(np.clip(value, *transform.limits), n) for value in ends)
    scale = f"Normal posterior on the {fit.spec.transform} scale"
    return _triple(*rates), f"{scale} at the fitted mu and tau, turned back into a rate."


def _triple(*values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    mean, low, high = values
    return mean, low, high


def _beta(
    x: FloatArray, n: FloatArray, rate: float, rho: float, tail: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean and limits of a beta distribution with the study's count added."""
    size = float(patients(np.array(rho)))
    a, b = size * rate + x, size * (1 - rate) + n - x
    low = special.betaincinv(a, b, tail).astype(np.float64)
    high = special.betainccinv(a, b, tail).astype(np.float64)
    return a / (a + b), low, high
