"""A model is one object in one file: nothing else asks for its name, and another one needs one line."""

import ast
import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from scipy import special

import metaresp as mr
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.model.base import Model, StudyTruths
from metaresp.model.registry import MODELS, NESTED, model_of
from metaresp.model.spec import resolve

ROOT = Path(mr.__file__).parent
COUNTS = {"events": [13, 4, 9, 10, 7, 2], "n": [18, 7, 15, 41, 16, 20]}
OPTIONS = {"tau2"}  # tau2="common" is an estimator


def decisions():
    """Yield what is compared, looked up or matched with the name of a model outside ``metaresp/model``.

    The kernel knows no models, only estimators with a word for a name; ``foreign`` is a dictionary.
    """
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).parts[0] in {"model", "foreign.py", "kernel"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                parts = [node.left, *node.comparators]
            elif isinstance(node, ast.match_case):
                parts = [node.pattern]
            elif isinstance(node, ast.Dict):
                parts = [key for key in node.keys if key is not None]
            elif isinstance(node, ast.Subscript):
                parts = [node.slice]
            else:
                continue
            text = {n.value for part in parts for n in ast.walk(part) if isinstance(n, ast.Constant)}
            attributes = {n.attr for part in parts for n in ast.walk(part) if isinstance(n, ast.Attribute)}
            names = {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)}
            asked = isinstance(node, ast.Compare) and "model" in attributes
            if asked or (text & set(MODELS) and not OPTIONS & (attributes | names)):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)[:100]}"


def test_no_room_but_the_models_own_asks_for_a_name():
    found = list(decisions())
    assert not found, "\n".join(found)


def test_within_the_room_names_stand_in_the_models_files():
    for path in (ROOT / "model").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                attributes = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
                assert "model" not in attributes, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("registry", [MODELS, NESTED])
def test_each_model_has_a_file_of_its_own(registry):
    files = {kind.__module__ for kind in registry.values()}
    assert len(files) == len(registry)
    for name, kind in registry.items():
        assert kind.name == name
        assert kind.__module__.endswith(name.replace("-", "_"))
        assert set(kind.choices) <= set(kind.options)


def test_the_nested_form_is_asked_for_by_clusters():
    for name, kind in NESTED.items():
        assert model_of(resolve(model=name)) is MODELS[name]
        assert model_of(resolve(model=name, cluster="centre")) is kind
        assert issubclass(kind, MODELS[name])


class MeanOfRates(Model):
    """The mean of the observed rates with a t interval: what a table of percentages invites."""

    name = "mean-of-rates"
    options: ClassVar = {"ci": "t", "prediction": "t"}
    choices: ClassVar = {"ci": ("t", "normal"), "prediction": ("t",)}

    @classmethod
    def I2_definition(cls, spec):
        return "not defined for a mean of rates"

    def estimate(self, rng):
        x, n, copies, k = (getattr(self.counts, name) for name in ("x", "n", "copies", "k"))
        rate = (copies * x / n).sum(-1) / k
        spread = (copies * (x / n - rate[:, None]) ** 2).sum(-1) / (k - 1)
        se = np.sqrt(spread / k)
        half = t_quantile(k - 1 if self.spec.ci == "t" else np.full_like(k, np.inf), self.tail) * se
        new = t_quantile(k - 1, self.tail) * np.sqrt(spread + se**2)
        ends = {"": half, "prediction_": new}
        found = {"rate": rate, "mean_rate": rate, "estimate": special.logit(rate), "se": se, "df": k - 1}
        found |= {"tau2": spread}
        for which, width in ends.items():
            low, high = np.clip(rate - width, 1e-9, 1), np.clip(rate + width, 0, 1 - 1e-9)
            found |= {f"{which}low": low, f"{which}high": high}
            found |= {
                f"estimate_{which}low": special.logit(low),
                f"estimate_{which}high": special.logit(high),
            }
        return found, np.zeros(k.size, dtype=np.int64)

    def mean_rates(self, mu, tau2):
        return special.expit(mu)

    def study_rates(self, pooled):
        rate = self.counts.x[0] / self.counts.n[0]
        return StudyTruths(rate, rate, rate, "As observed.")


@pytest.fixture
def toy():
    MODELS.add("mean-of-rates")(MeanOfRates)  # the one line
    yield "mean-of-rates"
    del MODELS._functions["mean-of-rates"]


def test_one_class_and_one_line_make_a_model(toy):
    fit = mr.pool(**COUNTS, model="Mean of rates")
    rates = np.array(COUNTS["events"]) / COUNTS["n"]
    half = -special.stdtrit(5, 0.025) * rates.std(ddof=1) / 6**0.5
    assert fit.rate == pytest.approx(rates.mean(), rel=1e-12)
    assert fit.rate_ci == pytest.approx((rates.mean() - half, rates.mean() + half), rel=1e-12)
    assert fit.mean_rate_ci == pytest.approx(fit.rate_ci, rel=1e-12)
    assert fit.weights == pytest.approx(100 * np.array(COUNTS["n"]) / sum(COUNTS["n"]), rel=1e-12)
    assert fit.heterogeneity.I2_definition == "not defined for a mean of rates"
    assert "Mean-of-rates" in str(fit)
    assert fit.forest() is not None
    assert 0 < fit.test(0.2).pvalue < 1
    assert fit.probability_above(0.2) > fit.probability_above(0.5)
    assert fit.predict_events(10).pmf.sum() == pytest.approx(1)
    assert fit.study_rates().note == "As observed."
    assert mr.baujat(fit).contribution.size == 6
    assert mr.Fit.from_dict(json.loads(fit.to_json())) == fit


def test_a_toy_is_pooled_in_batches_and_subgroups(toy):
    batch = mr.pool_batch([COUNTS["events"], [0] * 6], [COUNTS["n"]] * 2, model=toy)
    fit = mr.pool(**COUNTS, model=toy)
    assert batch.rate[0] == fit.rate
    assert (batch.low[0], batch.high[0]) == fit.rate_ci
    assert (batch.rate[1], batch.low[1]) == (0, 0)
    copies = mr.pool_batch(COUNTS["events"], COUNTS["n"], [2, 1, 0, 1, 1, 1], model=toy)
    twice = mr.pool(events=[13, 13, 4, 10, 7, 2], n=[18, 18, 7, 41, 16, 20], model=toy)
    assert copies.rate == pytest.approx(twice.rate, rel=1e-12)
    studies = mr.Studies(**COUNTS, covariates={"g": list("aaabbb")})
    assert mr.subgroups(mr.pool(studies, model=toy), "g").test == "Q between groups"


def test_what_a_toy_has_not_is_said(toy):
    fit = mr.pool(**COUNTS, model=toy)
    with pytest.raises(mr.CannotEstimate, match="model='mean-of-rates' has no tau2"):
        fit.tau2_ci()
    with pytest.raises(mr.InvalidArgument, match="model='mean-of-rates' has no counterpart in R"):
        fit.to_r()
    with pytest.raises(mr.InvalidArgument, match="has no meaning for model='mean-of-rates'"):
        mr.pool(**COUNTS, model=toy, link="logit")
    with pytest.raises(mr.UnknownName, match="choose 't', 'normal'"):
        mr.pool(**COUNTS, model=toy, ci="wilson")
    with pytest.raises(mr.InvalidArgument, match="no form for studies nested"):
        mr.pool(**COUNTS, model=toy, cluster=list("aabbcc"), ci="t")
    with pytest.raises(mr.UnknownName, match="'mean-of-rates'"):
        mr.pool(**COUNTS, model="nothing of the kind")


def test_one_table_of_result_fields():
    """A batch adds no field of its own, and one fit has the numbers of one lane."""
    from dataclasses import fields

    from metaresp.model.estimates import Estimates

    assert [f.name for f in fields(mr.Batch)] == [f.name for f in fields(Estimates)]
    for model in MODELS:
        fit, batch = mr.pool(**COUNTS, model=model), mr.pool_batch(**COUNTS, model=model)
        for name in ("rate", "mean_rate", "estimate", "se", "df", "tau2", "rho", "loglik"):
            assert getattr(batch, name) == pytest.approx(getattr(fit, name), nan_ok=True, rel=1e-12)
