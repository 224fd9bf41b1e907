"""``reproduce`` finds the method behind published numbers: R's own, and those of our calls."""

import json
import pickle
from functools import cache

import numpy as np
import pytest
from scipy.special import expit

import metaresp as mr
from metaresp.analyses.candidates import Candidate, candidates
from metaresp.analyses.method_words import call_text
from metaresp.analyses.published import read_published
from metaresp.analyses.reproduce import compared
from metaresp.cli import main
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.transforms import BACK_N, CORRECT, TRANSFORMS
from tests.datasets import NAMES, counts, reference

META = {"PRAW": "identity", "PLN": "log", "PLOGIT": "logit", "PAS": "arcsine", "PFT": "freeman-tukey"}
METAFOR = {"PR": "identity", "PLN": "log", "PLO": "logit", "PAS": "arcsine", "PFT": "freeman-tukey"}
TESTS = {"z": "normal", "t": "t", "knha": "hartung-knapp", "adhoc": "hartung-knapp-floor"}
EVERY = 4  # of R's numbers that the suite tries
# one decimal of a percentage has no digit of cases per 10,000 births
UNITS = {"crisafulli2020": (1e5, " per 100,000")}
SAME = 1e-9
STUDIES = mr.Studies([13, 4, 9, 11, 0], [18, 7, 15, 30, 6], study=["Xu", "Li", "Wang", "Hu", "Wu"])


@cache
def tried(name):
    studies = mr.Studies(*counts(name))
    return studies, candidates(studies)


def options_of(transform, tau2, ci, rule="only-zero"):
    options = {"model": "inverse-variance", "transform": transform, "tau2": tau2, "ci": ci}
    if TRANSFORMS[transform].corrected:
        options["correct"] = rule
    return options | ({"back_n": "harmonic"} if transform == "freeman-tukey" else {})


def numbers_of_r(name):
    """Yield what R was asked, as the options of ``pool``, and the rate and limits that it gave."""
    events, n = counts(name)
    content = reference(name)
    at_edge = bool(((events == 0) | (events == n)).any())
    size = len(n) / (1 / n).sum()
    for scale, transform in METAFOR.items():
        for key, entry in content["inverse_variance"][scale].items():
            method, _, test = key.rpartition("_")
            if test not in TESTS or method.startswith("henmi"):
                continue
            y = np.array([entry["estimate"], *entry["ci"]])
            limits = TRANSFORMS[transform].limits
            rates = {"identity": y, "log": np.exp(y)}.get(transform)
            if rates is None:
                rates = TRANSFORMS[transform].inverse(np.clip(y, *limits), size)
            yield options_of(transform, "common" if method == "EE" else method, TESTS[test]), rates
    for key, entry in content["metaprop"].items():
        scale, _, ci = key.partition("_")
        if scale == "study" or "error" in entry:
            continue
        rule = {"PRAW": "variance", "PLN": "events"}.get(scale, "only-zero") if at_edge else "only-zero"
        options = options_of(META[scale], "REML", "normal" if ci == "classic" else "hartung-knapp", rule)
        yield options, np.array([entry[f"prop_{part}"] for part in ("random", "lower", "upper")])
    for test in "zt":
        entry = content["glmm"][f"metafor_PLO_nAGQ7_{test}"]
        options = {"model": "binomial-normal", "link": "logit", "ci": TESTS[test]}
        yield options, expit([entry["estimate"], *entry["ci"]])


def place(found, call):
    """Return the row of a call, and its place among methods whose numbers differ, or None."""
    numbers = list(zip(found.rate.round(8), found.low.round(8), found.high.round(8), strict=True))
    where = [i for i, text in enumerate(found.call) if text == call]
    if not where:
        return None, None
    distinct = list(dict.fromkeys(numbers[: where[0] + 1]))
    return int(found.group[where[0]]), distinct.index(numbers[where[0]])


def test_what_r_printed_is_found():
    """At one decimal: rows name all methods of the same digits; strictly, methods count one by one."""
    rows, strict, count = 0, 0, 0
    for name in NAMES:
        studies, all_methods = tried(name)
        factor, unit = UNITS.get(name, (100, "%"))
        for options, (rate, low, high) in list(numbers_of_r(name))[::EVERY]:
            text = f"{rate * factor:.1f}{unit} ({low * factor:.1f} to {high * factor:.1f})"
            found = compared(studies, read_published(text), all_methods, 0.95)
            row, one_by_one = place(found, call_text(Candidate(options, 0.95, [], []), len(studies), 0.95))
            count += 1
            rows += row is not None and row < 3
            strict += one_by_one is not None and one_by_one < 3
    assert count >= 200
    assert rows / count >= 0.95, (rows, count)
    assert strict / count >= 0.85, (strict, count)


@pytest.mark.parametrize("studies", [STUDIES, mr.Studies([3, 7], [9, 8])], ids=["zeros", "two studies"])
def test_calls_give_their_numbers(studies):
    """A call is run as it is printed, of methods spread over all of them."""
    found = candidates(studies)
    some = range(0, len(found.methods), max(1, len(found.methods) // 160))
    kinds = set()
    for i in some:
        method = found.methods[i]
        text = call_text(method, len(studies), 0.95)
        if not text:
            continue
        fit = eval(text, {"mr": mr, "studies": studies})
        expected = [found.numbers[name][i] for name in ("rate", "low", "high")]
        np.testing.assert_allclose([fit.rate, *fit.rate_ci], expected, rtol=0, atol=SAME, err_msg=text)
        kinds.add((method.options["model"], method.swapped, method.without is not None))
    assert len(kinds) >= 5


def printed(fit, decimals=2):
    return " ".join(f"{100 * value:.{decimals}f}%" for value in (fit.rate, *fit.rate_ci))


SLIPS = {
    "0.5 to all": lambda s: mr.pool(s, like="cma", correct="all"),
    "without studies at 0 or n": lambda s: mr.pool(s, like="stata-metaprop"),
    "without Wang": lambda s: mr.pool(s[[0, 1, 3, 4]], like="cma"),
    "non-responders": lambda s: mr.pool(mr.Studies(s.n - s.events, s.n), like="cma"),
    "90% level": lambda s: mr.pool(s, like="cma", level=0.9),
    "common effect": lambda s: mr.pool(s, like="cma", tau2="common"),
    "totals as of one study, wald interval": lambda s: mr.pool(s, model="common", ci="wald"),
    "(back by inverse-variance n)": lambda s: mr.pool(s, like="metaxl"),
    "(back by arcsine)": lambda s: mr.pool(s, like="medcalc", back_n="none"),
    "beta-binomial": lambda s: mr.pool(s, model="beta-binomial", ci="normal"),
    "probit link": lambda s: mr.pool(s, link="probit", ci="t"),
}


@pytest.mark.parametrize("words", SLIPS)
def test_slips_are_named(words):
    found = mr.reproduce(STUDIES, printed(SLIPS[words](STUDIES)))
    assert found.found
    assert words in found.method[0]
    assert (found.matches[found.group == 0] == 3).all()


def test_a_plain_mean_of_rates():
    p = STUDIES.rates
    half = 2.7764451 * p.std(ddof=1) / np.sqrt(5)
    text = " ".join(f"{100 * value:.2f}" for value in (p.mean(), p.mean() - half, p.mean() + half))
    assert mr.reproduce(STUDIES, text).method[0].startswith("plain mean")


def test_defaults_stand_first():
    """Of methods with the same digits that of a program's defaults is the first."""
    studies = mr.datasets.load("pritz1997")
    for like, title in (("meta", "R meta"), ("metafor", "R metafor"), ("cma", "CMA"), ("metaxl", "MetaXL")):
        found = mr.reproduce(studies, printed(mr.pool(studies, like=like)))
        assert f"{title} (default)" in found.program[0]


def test_heterogeneity_and_weights_count():
    studies = mr.datasets.load("pritz1997")
    fit = mr.pool(studies, like="cma")
    text = printed(fit, 1)
    some = mr.reproduce(studies, text)
    more = mr.reproduce(
        studies, text, I2=f"{fit.heterogeneity.I2_Q:.1f}%", tau2=f"{fit.tau2:.3f}",
        Q=round(fit.heterogeneity.Q, 2), weights=[f"{w:.1f}" for w in fit.weights],
    )  # fmt: skip
    assert (some.printed, more.printed) == (3, 3 + 3 + 14)
    assert more.found
    assert (more.group == 0).sum() <= (some.group == 0).sum()
    assert 'tau2="DL"' in more.call[0]
    assert "DL" in more.method[0]
    beside = mr.reproduce(studies, f"{text}, I² = {fit.heterogeneity.I2:.0f}%, τ² = {fit.tau2:.2f}")
    assert (beside.printed, beside.found) == (5, True)


def test_weights_of_many_equal_studies():
    studies = mr.Studies([3, 5, 8] * 100, [9, 12, 20] * 100)
    fit = mr.pool(studies, like="cma")
    weights = [f"{w:.4f}" for w in fit.weights]
    found = mr.reproduce(studies, printed(fit), weights=weights)
    assert (found.printed, found.matches[0]) == (303, 303)
    assert 'tau2="DL"' in found.call[0] or fit.tau2 == 0


def test_none_is_said_with_the_nearest():
    studies = mr.datasets.load("pritz1997")
    found = mr.reproduce(studies, "41.3% (20.1 to 44.4)")
    assert not found.found
    assert str(found).startswith("No method gives these numbers.  The nearest, ")
    fit = mr.pool(studies, like="cma")
    low, high = (100 * limit for limit in fit.rate_ci)
    one_out = mr.reproduce(mr.Studies([0, 0, 0, 0, 1, 0, 2], [12, 18, 9, 25, 14, 31, 7]), "3.4% (1.3 to 8.6)")
    assert "meets 1 of 3, without Study 2: totals" in str(one_out)
    misprinted = mr.reproduce(studies, f"70.1% ({low:.2f} to {high:.2f})")
    assert misprinted.matches[0] == 2
    assert 'tau2="DL"' in misprinted.call[0]


READ = {
    "72.1% (65.3 to 78.2)": (0.721, 0.653, 0.782, 0.0005),
    "72.1 [65.3-78.2]": (0.721, 0.653, 0.782, 0.0005),
    "0.72 (0.65, 0.78)": (0.72, 0.65, 0.78, 0.005),
    "0.72 (0.65,0.78)": (0.72, 0.65, 0.78, 0.005),
    "72·1% (95% CI 65·3–78·2)": (0.721, 0.653, 0.782, 0.0005),
    "72,1% (IC95% 65,3-78,2)": (0.721, 0.653, 0.782, 0.0005),
    "72,1 % (65,3; 78,2)": (0.721, 0.653, 0.782, 0.0005),
    "72 (65,78)": (0.72, 0.65, 0.78, 0.005),
    "72.1%": (0.721, 0.0005),
    "0.72 (95%CI: 0.65-0.78; I2=45%, p<0.001)": (0.72, 0.65, 0.78, 0.005),
    "2.2 per 10,000 (2.1 to 2.4)": (2.2e-4, 2.1e-4, 2.4e-4, 5e-6),
    "80.2% (-1.2 to 112.3)": (0.802, -0.012, 1.123, 0.0005),
    "72.1 percent (65.3 percent-78.2 percent)": (0.721, 0.653, 0.782, 0.0005),
    "72.1% (95% confidence interval, 65.3% to 78.2%), Q(13) = 29.8": (0.721, 0.653, 0.782, 0.0005),
}


@pytest.mark.parametrize("text", READ)
def test_forms_of_the_text(text):
    *expected, half = READ[text]
    found = read_published(text)
    values = [found.numbers[name] for name in ("rate", "low", "high") if name in found.numbers]
    np.testing.assert_allclose([value for value, _ in values], expected)
    np.testing.assert_allclose([h for _, h in values], half)


def test_the_level_of_the_text():
    assert read_published("72.1% (90% CI 65.3-78.2)").level == 0.9
    assert read_published("92.1% (CI 85.3-98.2)").level is None
    fit = mr.pool(STUDIES, like="cma", level=0.9)
    text = f"{100 * fit.rate:.2f}% (90% CI {100 * fit.rate_ci.low:.2f} to {100 * fit.rate_ci.high:.2f})"
    found = mr.reproduce(STUDIES, text)
    assert found.level == 0.9
    assert not found.method[0].startswith("95%")
    assert "level" not in found.method[0]
    eval(found.call[0], {"mr": mr, "studies": STUDIES})


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("nonsense", {}, "no rate with its limits is understood: write 72.1% (65.3 to 78.2)"),
        ("", {}, "no rate with its limits"),
        ("72.1% (65.3)", {}, "no rate with its limits"),
        ("1 2 3 4", {}, "no rate with its limits"),
        ("9" * 400, {}, "a rate lies from 0 to 100"),
        ("72 (80 to 90)", {}, "the limits do not hold the rate"),
        (5, {}, "must be text"),
        ("72.1%", {"I2": "much"}, "I2='much': must be a number"),
        ("72.1%", {"tau2": [1]}, "tau2=[1]: must be a number"),
        ("72.1%", {"Q": -1}, "Q=-1: must be a number"),
        ("72.1%", {"weights": [20, 80]}, "2 weights for 5 studies"),
        ("72.1%", {"level": 95}, "write 0.95 for 95%"),
    ],
)
def test_nonsense_is_one_clear_error(text, options, words):
    with pytest.raises(mr.InvalidArgument) as caught:
        mr.reproduce(STUDIES, text, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


AWKWARD = {
    "one study": ([4], [9]),
    "two studies": ([4, 5], [9, 11]),
    "two mirrored": ([0, 7], [7, 7]),
    "one within": ([0, 3], [9, 9]),
    "all zero": ([0, 0, 0], [9, 12, 7]),
    "all respond": ([9, 12, 7], [9, 12, 7]),
    "all at an edge": ([0, 12, 7], [9, 12, 7]),
    "one patient each": ([0, 1, 1], [1, 1, 1]),
    "one huge": ([3, 200_000_000, 4], [9, 1_000_000_000, 12]),
    "many": ([3, 5, 8] * 50, [9, 12, 20] * 50),
    "equal": ([5, 5, 5], [10, 10, 10]),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_studies_have_an_answer(name):
    studies = mr.Studies(*AWKWARD[name])
    with np.errstate(all="raise"):
        found = mr.reproduce(studies, "44.4% (13.7 to 78.8)")
    assert found.tried > 10
    assert np.isfinite(found.rate).all()
    assert len(str(found).splitlines()) > 4
    for text in [text for text in found.call if text][:12]:
        fit = eval(text, {"mr": mr, "studies": studies})
        i = found.call.index(text)
        np.testing.assert_allclose(
            [fit.rate, *fit.rate_ci], [found.rate[i], found.low[i], found.high[i]], atol=SAME
        )
    assert type(found).from_dict(json.loads(found.to_json())) == found
    assert pickle.loads(pickle.dumps(found)) == found


def test_one_study_is_clopper_pearson():
    found = mr.reproduce(mr.Studies([4], [9]), "44.4% (13.7 to 78.8)")
    assert found.method[0] == "totals as of one study, clopper-pearson interval"
    assert found.call[0] == 'mr.pool(studies, model="common", ci="clopper-pearson")'


def test_what_r_gives_where_pool_is_exact_has_no_call():
    """R's meta pools three studies at 0 by their corrected logits; pool answers exactly."""
    studies = mr.Studies([0, 0, 0], [9, 12, 7])
    y = np.log(0.5 / (studies.n + 0.5))
    w = 1 / (1 / 0.5 + 1 / (studies.n + 0.5))
    centre, se = (w * y).sum() / w.sum(), 1 / np.sqrt(w.sum())
    rate, low, high = 100 * expit([centre, centre - 1.959964 * se, centre + 1.959964 * se])
    found = mr.reproduce(studies, f"{rate:.1f}% ({low:.1f} to {high:.1f})")
    assert found.found
    assert found.call[0] == ""
    assert found.r_call[0].startswith("predict(rma(")
    assert any("mr.pool has an exact answer there" in note for note in found.notes)


def test_frames():
    found = mr.reproduce(STUDIES, printed(mr.pool(STUDIES, like="cma"), 0))
    rows, each = found.to_frame(), found.to_frame(each=True)
    columns = ["method", "program", "call", "rate", "low", "high", "matches", "distance"]
    assert list(rows.columns[:8]) == columns
    assert list(each.columns[:8]) == columns
    assert len(each) == len(found.method) == rows["methods"].sum()
    assert rows["methods"][0] == (found.group == 0).sum() > 1
    assert rows["method"][0].count("; ") == rows["methods"][0] - 1
    assert rows["call"][0] == found.call[0]
    assert (np.diff(found.group) >= 0).all()


def test_the_command(tmp_path, capsys):
    path = tmp_path / "trials.csv"
    path.write_text("study,events,n\nXu,13,18\nLi,4,7\nWang,9,15\nHu,11,30\n", encoding="utf-8")
    assert main(["reproduce", str(path), "55.2% (37.3 to 71.8)"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(
        "These numbers are what R meta (default), R metafor (default) and 5 more give with logit, REML"
    )
    assert main(["reproduce", str(path), "55.2%", "--i2", "50", "--level", "0.9", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["printed"], content["level"]) == (2, 0.9)
    assert main(["reproduce", str(path), "nonsense"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "write 72.1% (65.3 to 78.2)" in said
    assert main(["reproduce", str(path), "55%", "--weights", "1 2"]) == 2
    assert "--weights: 2 weights for 4 studies" in capsys.readouterr().err


def test_every_method_is_compared():
    """What is added to a registry is compared too; bootstraps are random, Blyth-Still-Casella is for few."""
    found = candidates(STUDIES).methods
    seen = {name: {one.options.get(name) for one in found} for name in ("tau2", "ci", "correct", "back_n")}
    assert set(TAU2) <= seen["tau2"]
    assert {*MEAN_CI, *mr.BINOMIAL_CI} - {"bootstrap", "blyth-still-casella"} <= seen["ci"]
    assert set(CORRECT) - {"none"} <= seen["correct"]
    assert set(BACK_N) <= seen["back_n"]


def test_an_interval_that_only_this_package_has_is_no_programs():
    studies = mr.datasets.load("pritz1997")
    low, high = mr.pool(studies).rate_ci
    found = mr.reproduce(studies, f"{mr.pool(studies).rate:.1%} ({low:.1%} to {high:.1%})")
    assert "bartlett" in found.method[0]
    assert found.program[0] == ""
    assert "no program's default" in str(found)
