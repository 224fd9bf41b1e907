"""Printed numbers never lie: every percentage, read back, is one that can be said of the number."""

import html
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import metaresp as mr
from metaresp.present.describe import describe
from metaresp.present.forest_rows import forest_rows, forest_rows_studies
from metaresp.present.trials import method_lines, trial_lines
from tests.present.reading import percentages, triple, true

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def trials(draw, most=5):
    """Return counts of any size up to 1e9, often at or near none or all."""
    events, n = [], []
    for _ in range(draw(st.integers(1, most))):
        size = int(10 ** draw(st.floats(0, 9)))
        near = st.integers(0, min(size, 12))
        x = draw(st.one_of(near, near.map(lambda few, size=size: size - few), st.integers(0, size)))
        events.append(x)
        n.append(size)
    return events, n


def rows_of(ci):
    return list(zip(*(np.ravel(getattr(ci, name)).tolist() for name in ("rate", "low", "high")), strict=True))


def without_bar(line):
    return re.split(r"  [.*·─●-]{40}", line)[0]


@given(trials(), st.sampled_from(["clopper-pearson", "wilson", "jeffreys", "wald"]))
@settings(QUIET, max_examples=150)
def test_trials(counts, method):
    ci = mr.binomial_ci(*counts, method=method)
    for text in ("\n".join(map(without_bar, trial_lines(ci, ascii_only=True))), str(ci)):
        lines = [line for line in text.splitlines() if re.match(r"\d+/\d+", line)]
        level = " 95%" if len(lines) == 1 else ""
        for line, (rate, low, high) in zip(lines, rows_of(ci), strict=True):
            assert triple(line.split(", ")[0].removesuffix(level), rate, low, high), line


@given(trials(most=1), st.sampled_from(["less", "greater"]))
@settings(QUIET, max_examples=60)
def test_bounds_of_one_side(counts, alternative):
    ci = mr.binomial_ci(*counts, alternative=alternative)
    ((rate, low, high),) = rows_of(ci)
    one, bound = percentages(trial_lines(ci)[0].split(", ")[0])
    assert true(one, rate)
    assert true(bound, high if alternative == "less" else low)


@given(trials(most=1))
@settings(QUIET, max_examples=20)
def test_every_method(counts):
    table = mr.compare_methods(counts[0][0], counts[1][0])
    for text in (str(table), "\n".join(map(without_bar, method_lines(table)))):
        lines = text.splitlines()
        head = lines[0].split(", ")[0].partition(": ")[2]
        named = {line.split("  ")[0]: line for line in lines[2:]}
        for name, low, high in zip(table.methods, table.low, table.high, strict=True):
            least, most = percentages(named[name])
            assert true(least, low), named[name]
            assert true(most, high), named[name]
        assert true(percentages(head)[0], table.rate)


@given(trials(), st.sampled_from(["binomial-normal", "inverse-variance", "common"]))
@settings(QUIET, max_examples=60)
def test_a_fit(counts, model):
    fit = mr.pool(events=counts[0], n=counts[1], model=model)
    text = str(fit)
    facts = dict(re.split(r"  +", line, maxsplit=1) for line in fit.summary().__str__().splitlines()
                 if re.match(r"(Pooled|Mean|A new|Data)", line))  # fmt: skip
    pooled = facts["Pooled response rate"].replace("95% CI ", "")
    assert triple(pooled, fit.rate, *fit.rate_ci), pooled
    if "Mean over trials" in facts:
        assert true(percentages(facts["Mean over trials"])[0], fit.mean_rate)
    if "A new trial" in facts:
        least, most, _ = percentages(facts["A new trial"])
        assert true(least, fit.prediction_interval.low)
        assert true(most, fit.prediction_interval.high)
    assert true(percentages(facts["Data"])[0], fit.events / fit.n)
    lines = [line for line in text.splitlines() if line.startswith("Study ")][1:]
    cells = re.findall(r"<tr>(<td>Study.*?)</tr>", fit._repr_html_())
    for i, (rate, low, high) in enumerate(rows_of(fit.study_ci)):
        for row in (lines[i], html.unescape(re.sub(r"<[^>]*>", " ", cells[i]))):
            *three, weight = percentages(row)
            assert true(weight, fit.weights[i] / 100) or abs(fit.weights[i] - 100) < 1e-9
            assert triple(" ".join(f"{p.mark}{p.number:.{p.decimals}f}%" for p in three), rate, low, high), (
                row
            )


@given(trials(), st.sampled_from(["percent", "proportion", "per 1000", "per 100000"]))
@settings(QUIET, max_examples=60)
def test_a_figure_and_its_description(counts, scale):
    fit = mr.pool(events=counts[0], n=counts[1])
    table = forest_rows(fit, scale=scale)
    factor = table.factor
    for row in table.rows:
        if row.kind not in {"study", "pooled"}:
            continue
        written = row.text("rate")
        assert written in describe(table)
        as_percent = re.sub(r"(\d+(?:\.\d+)?)%?", r"\1%", written)
        if scale == "percent":
            assert triple(as_percent, row.rate, row.low, row.high), written
        else:
            for printed, value in zip(percentages(as_percent), (row.rate, row.low, row.high), strict=True):
                assert printed.mark or (printed.number == 0) == (value == 0), written
                assert printed.mark or (printed.number == factor) == (value == 1), written


@given(trials(), st.integers(0, 4))
@settings(QUIET, max_examples=60)
def test_decimals_asked_for(counts, digits):
    """Every rate has them, and still only nothing reads 0% and all 100%."""
    fit = mr.pool(events=counts[0], n=counts[1], digits=digits)
    ci = fit.study_ci
    table = forest_rows(fit)
    plain = mr.pool(events=counts[0], n=counts[1])
    assert str(plain.summary(digits=digits)) == str(fit)
    studies = forest_rows_studies(fit.studies, digits=digits)
    for i, values in enumerate(rows_of(ci)):
        line = next(line for line in str(fit).splitlines() if re.match(rf"Study {i + 1} ", line))
        texts = (" ".join(line.split()[:-1]), table.rows[i].text("rate"), studies.rows[i].text("rate"))
        for text in (*texts, str(ci).splitlines()[-len(counts[0]) :][i].split(", ")[0]):
            found = percentages(text)
            assert {item.decimals for item in found} == {digits}, text
            assert all(true(*pair) for pair in zip(found, values, strict=True)), text


def test_three_of_a_hundred_thousand():
    assert str(mr.binomial_ci(3, 100_000)).startswith("3/100000: 0.0030% (0.0006% to 0.0088%)")
    assert str(mr.binomial_ci(99_997, 100_000)).startswith("99997/100000: 99.9970% (99.9912% to 99.9994%)")
    assert str(mr.binomial_ci(3, 100_000, digits=1)).startswith("3/100000: <0.1% (<0.1% to <0.1%)")


@pytest.mark.parametrize("wrong", [-1, 11, 1.5, "2", True])
def test_wrong_digits(wrong):
    for call in (
        lambda: mr.pool(events=[1], n=[9], digits=wrong),
        lambda: mr.binomial_ci(1, 9, digits=wrong),
        lambda: mr.pool(events=[1], n=[9]).summary(digits=wrong),
        lambda: mr.Studies([1], [9]).forest(digits=wrong),
    ):
        with pytest.raises(mr.InvalidArgument, match=r"digits=.*whole number of decimals from 0 to 10"):
            call()


def test_digits_in_other_units_say_as_much():
    fit = mr.pool(events=[13, 4], n=[18, 7], digits=2)
    texts = [forest_rows(fit, scale=scale).rows[0].text("rate") for scale in ("proportion", "per 1000")]
    assert texts == ["0.7222 (0.4652 to 0.9031)", "722.2 (465.2 to 903.1)"]
    assert forest_rows(fit, scale="per 1000", digits=0).rows[0].text("rate") == "722 (465 to 903)"
