"""Random data and random options, with warnings as errors and NumPy told to raise: an answer or one error."""

import math
import warnings

import numpy as np
import pytest

import metaresp as mr
from metaresp.binomial import BINOMIAL_CI
from metaresp.kernel.counts.surface import PENALTIES
from metaresp.model.registry import MODELS, NESTED

SEED = 1
LEVELS = [0.95, 0.9, 0.5, 0.999, 1e-3, 1e-12, 1e-300, 1 - 1e-12]
SLOW = {"bootstrap", "blyth-still-casella"}


def random_studies(rng):
    k = int(rng.choice([1, 2, 2, 3, 4, 6, 9, 15]))
    largest = int(
        rng.choice([1, 2, 5, 20, 60, 400, 10**5, 10**9], p=[0.05, 0.1, 0.2, 0.3, 0.2, 0.1, 0.04, 0.01])
    )
    n = rng.integers(1, largest, size=k, endpoint=True)
    rates = rng.choice([rng.random(k), np.full(k, rng.random()), rng.integers(0, 2, k), np.full(k, 0.01)])
    arms = [f"arm {number}" for number in rng.integers(0, max(2, k // 2), size=k)]
    return mr.Studies(rng.binomial(n, rates), n, covariates={"arm": arms})


def pick(rng, names):
    names = [name for name in names if name not in SLOW or rng.random() < 0.05] or list(names)
    return names[rng.integers(len(names))]


def random_options(rng, k):
    model = pick(rng, MODELS)
    options = {"model": model, "level": LEVELS[0] if rng.random() < 0.7 else pick(rng, LEVELS)}
    choices = {name: list(names) for name, names in MODELS[model].choices.items()}
    if k > 2 and model in NESTED and rng.random() < 0.2:
        options["cluster"] = "arm"
        choices = {**choices, **{name: list(names) for name, names in NESTED[model].choices.items()}}
    for name, names in choices.items():
        if names and rng.random() < 0.5:
            options[name] = pick(rng, names)
    if "correction" in choices and rng.random() < 0.2:
        options["correction"] = float(rng.choice([0, 0.5, 1e-6, 3]))
    if "tau2" in choices and rng.random() < 0.1:
        options["tau2"] = float(rng.choice([0, 0.3, 1e-12, 1e6]))
    if model == "binomial-normal" and "cluster" not in options and rng.random() < 0.15:
        options["penalty"] = pick(rng, PENALTIES), float(rng.choice([0.3, 1.0, 20.0]))
    if rng.random() < 0.1:
        options["prediction"] = None
    if rng.random() < 0.2:
        options["study_ci"] = pick(rng, BINOMIAL_CI)
    return options


def assert_ordered(low, middle, high, where):
    assert 0 <= low <= middle <= high <= 1, where
    assert all(map(math.isfinite, (low, middle, high))), where


def ask(fit, rng, where):
    """Ask a fit two of all questions; what it has no answer to is an error of ours."""
    assert_ordered(fit.rate_ci.low, fit.rate, fit.rate_ci.high, where)
    assert_ordered(fit.mean_rate_ci.low, fit.mean_rate, fit.mean_rate_ci.high, where)
    assert abs(fit.weights.sum() - 100) < 1e-6, where
    if fit.prediction_interval is not None:
        low, high = fit.prediction_interval
        assert 0 <= low <= high <= 1, where
    assert str(fit), where
    rates = fit.study_rates()
    for low, high in ((rates.low, rates.high), (rates.shrunken_low, rates.shrunken_high)):
        assert not (low > high).any(), where
        assert not ((low < 0) | (high > 1)).any(), where

    def spread():
        low, high = fit.tau2_ci()
        assert 0 <= low <= high, where

    def intraclass():
        low, high = fit.rho_ci()
        assert 0 <= low <= fit.rho <= high <= 1, where

    questions = [
        spread,
        lambda: fit.probability_above(float(rng.choice([1e-9, 0.2, 0.5, 1 - 1e-9]))),
        lambda: fit.predict_events(int(rng.choice([1, 20]))),
        lambda: mr.subgroups(fit, "arm"),
        lambda: fit.test(float(rng.choice([1e-6, 0.2, 0.97])), of=str(rng.choice(["typical", "mean"]))),
        lambda: mr.funnel(fit),
        lambda: mr.baujat(fit),
        intraclass,
    ]
    for number in rng.permutation(len(questions))[:2].tolist():
        if fit.spec.ci in SLOW and number in (1, 4):
            continue
        try:
            questions[number]()
        except mr.MetaRespError:
            pass
        except Exception as error:
            raise AssertionError(f"question {number} of {where}: {error!r}") from error


@pytest.mark.parametrize("fits", [120, pytest.param(20_000, marks=pytest.mark.slow)])
def test_random_fits(fits):
    made = 0
    for number in range(fits):
        rng = np.random.default_rng([SEED, number])
        studies = random_studies(rng)
        options = random_options(rng, len(studies))
        counts = f"events={studies.events.tolist()}, n={studies.n.tolist()}"
        where = f"number {number}: pool({counts}, {studies.covariates['arm']}, **{options})"
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            try:
                fit = mr.pool(studies, **options)
            except mr.MetaRespError:
                continue
            except Exception as error:
                raise AssertionError(f"{where}: {error!r}") from error
            made += 1
            ask(fit, rng, where)
    assert made > fits / 2
