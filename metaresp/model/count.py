"""Models of the counts themselves: binomial-normal, and one common rate."""

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.kernel.counts import binomial_normal
from metaresp.kernel.counts.beta_intervals import BETA_CI
from metaresp.kernel.counts.binomial_normal import TAU_UNBOUNDED
from metaresp.kernel.counts.intervals import COUNT_CI, COUNT_PREDICTION
from metaresp.kernel.counts.links import LINKS, Link
from metaresp.kernel.counts.registry import Lanes
from metaresp.kernel.trial.beta_mixture import BETA_PREDICTION
from metaresp.model.estimates import Numbers, all_extreme, exact
from metaresp.model.fitted import Fitted
from metaresp.spec import Spec


def fit_binomial_normal(model: Fitted, rng: Generator | None) -> tuple[Numbers, IntArray]:
    """Fit the binomial-normal model by maximum likelihood to lanes that it can fit."""
    lanes, fit = model.counts, model.fit
    wanted = np.flatnonzero((fit.reason != TAU_UNBOUNDED) | ~all_extreme(lanes))
    if wanted.size == fit.reason.size:
        spec = replace(model.spec, prediction=None) if model.later else model.spec
        return _numbers(lanes, model.lanes._replace(rng=rng), spec), fit.reason
    out: Numbers = {}  # studies at 0% and 100% only: the exact answer takes the place of the model's
    if wanted.size:
        part = lanes.take(wanted)
        found = Lanes(model.data.take(wanted), fit.take(wanted), part.k, rng)
        for key, values in _numbers(part, found, model.spec).items():
            out[key] = np.full(fit.reason.size, np.nan)
            out[key][wanted] = values
    return out, fit.reason


def _numbers(lanes: Counts, found: Lanes, spec: Spec) -> Numbers:
    """Return what the fit says of every lane."""
    fit, name = found.fit, found.data.link
    link = LINKS[name]
    tail = (1 - spec.level) / 2
    ci = COUNT_CI[spec.ci](found, tail)
    lrt = np.maximum(2 * (fit.loglik - fit.loglik_common), 0.0)
    deviance = 2 * (fit.loglik_saturated - fit.loglik_common)
    tau2 = fit.tau**2
    mean = binomial_normal.mean_rate(fit.mu, fit.tau, name)
    v = typical_variance(lanes, mean, binomial_normal.mean_rate(fit.mu, fit.tau, name, complement=True), link)
    out: Numbers = {
        "rate": link.rate(fit.mu),
        "low": link.rate(ci.low),
        "high": link.rate(ci.high),
        "mean_rate": mean,
        "estimate": fit.mu,
        "se": fit.se,
        "df": ci.df,
        "estimate_low": ci.low,
        "estimate_high": ci.high,
        "tau2": tau2,
        "Q": deviance,
        "Q_df": lanes.k - 1,
        "Q_pvalue": special.chdtrc(lanes.k - 1, np.maximum(deviance, 0.0)),
        "I2": 100 * tau2 / (tau2 + v),
        "H2": 1 + tau2 / v,
        "typical_v": v,
        "lrt": lrt,
        "lrt_pvalue": np.where(lrt > 0, 0.5 * special.chdtrc(1, lrt), 1.0),
        "loglik": fit.loglik,
    }
    if spec.prediction is not None:
        new = COUNT_PREDICTION[spec.prediction](found, tail)
        out |= {
            "estimate_prediction_low": new.low,
            "estimate_prediction_high": new.high,
            "prediction_low": link.rate(new.low),
            "prediction_high": link.rate(new.high),
        }
    return out


def typical_variance(lanes: Counts, mean: FloatArray, rest: FloatArray, link: Link) -> FloatArray:
    """Return the typical sampling variance of a study on the link's scale if all had the mean rate.

    *rest* is the complement of the mean rate.

    Higgins and Thompson (2002), eq. (9), with weights ``n rate (1 - rate)`` (on the logit scale; by the
    delta method on others) instead of estimated ones, so that a study at 0% or 100% counts as what its
    size tells.
    """
    terms = link.log_terms(link.forward(np.clip(mean, 1e-300, 1 - 1e-16)))
    each = np.maximum(mean * rest * (terms.d_log_p - terms.d_log_q) ** 2, 1e-100)
    w = lanes.n * each[:, None]
    total = np.einsum("lk,lk->l", lanes.copies, w)
    squares = np.einsum("lk,lk,lk->l", lanes.copies, w, w)
    typical: FloatArray = (lanes.k - 1) * total / (total * total - squares)
    return typical


def weigh_binomial_normal(lanes: Counts, spec: Spec, estimate: FloatArray, tau2: FloatArray) -> FloatArray:
    """Return each study's information about mu at the fitted values, shape (lanes, k)."""
    return np.maximum(Fitted(lanes, spec).data.information(estimate, np.sqrt(tau2)), 0.0)


def fit_beta_binomial(model: Fitted) -> tuple[Numbers, IntArray]:
    """Fit the beta-binomial model by maximum likelihood to lanes that it can fit."""
    lanes, spec, fit = model.counts, model.spec, model.beta.fit
    ci = BETA_CI[spec.ci](model.beta, (1 - spec.level) / 2)
    rate = special.expit(fit.mu)
    lrt = np.maximum(2 * (fit.loglik - fit.loglik_common), 0.0)
    deviance = np.maximum(2 * (fit.loglik_saturated - fit.loglik_common), 0.0)
    out: Numbers = {
        "rate": rate,
        "low": special.expit(ci.low),
        "high": special.expit(ci.high),
        "mean_rate": rate,
        "estimate": fit.mu,
        "se": fit.se,
        "df": ci.df,
        "estimate_low": ci.low,
        "estimate_high": ci.high,
        "rho": fit.rho,
        "Q": deviance,
        "Q_df": lanes.k - 1,
        "Q_pvalue": special.chdtrc(lanes.k - 1, deviance),
        "lrt": lrt,
        "lrt_pvalue": np.where(lrt > 0, 0.5 * special.chdtrc(1, lrt), 1.0),
        "loglik": fit.loglik,
    }
    if spec.prediction is not None:
        new = BETA_PREDICTION[spec.prediction](fit, lanes.k, (1 - spec.level) / 2)
        out |= {
            "estimate_prediction_low": new.low,
            "estimate_prediction_high": new.high,
            "prediction_low": special.expit(new.low),
            "prediction_high": special.expit(new.high),
        }
    return out, fit.reason


def weigh_beta_binomial(lanes: Counts, rho: FloatArray) -> FloatArray:
    """Return ``n / (1 + (n - 1) rho)``, the number of independent patients each study is worth."""
    return lanes.n / (1 + (lanes.n - 1) * rho[:, None])


def fit_common(lanes: Counts, spec: Spec) -> tuple[Numbers, IntArray]:
    """Pool as if every study had one rate: exact binomial inference on the totals."""
    out = exact(lanes.events, lanes.total, spec.level, spec.ci)
    p = lanes.events / lanes.total
    estimate = special.logit(p)
    fitted = lanes.n * p[:, None]
    deviance = 2 * np.einsum(
        "lk,lk->l",
        lanes.copies,
        special.rel_entr(lanes.x, fitted) + special.rel_entr(lanes.n - lanes.x, lanes.n - fitted),
    )
    deviance = np.maximum(deviance, 0.0)
    out |= {
        "estimate": estimate,
        "se": 1 / np.sqrt(lanes.total * p * (1 - p)),
        "estimate_low": special.logit(out["low"]),
        "estimate_high": special.logit(out["high"]),
        "tau2": np.zeros_like(p),
        "Q": deviance,
        "Q_df": lanes.k - 1,
        "Q_pvalue": special.chdtrc(lanes.k - 1, deviance),
    }
    return out, np.zeros(p.size, dtype=np.int64)
