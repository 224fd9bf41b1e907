"""The numbers of R packages and of definitions in R, for every method, pair and level."""

import json
from pathlib import Path

import numpy as np
import pytest

import metaresp as mr

FILE = Path(__file__).parents[1] / "reference" / "binomial" / "binomial_ci.json"
CONTENT = json.loads(FILE.read_text(encoding="utf-8"))
KEY = {
    "clopper-pearson": "clopper_pearson", "mid-p": "mid_p", "blaker": "blaker", "sterne": "sterne",
    "blyth-still-casella": "blyth_still_casella", "wilson": "wilson", "wilson-cc": "wilson_cc",
    "agresti-coull": "agresti_coull", "likelihood-ratio": "lrt", "logit": "logit", "probit": "probit",
    "cloglog": "cloglog", "arcsine": "arcsine", "wald": "wald", "jeffreys": "jeffreys_bcd",
    "hpd": "jeffreys_hpd",
}  # fmt: skip

RELATIVE = 1e-9
#: The reference limits of root searches were confirmed to 1e-13 absolute, which is coarse for rates of 1e-6.
ABSOLUTE = 2e-13


def test_every_method_has_a_reference():
    assert set(KEY) == set(mr.BINOMIAL_CI)


@pytest.mark.parametrize("method", KEY)
def test_limits(method):
    rows = [r for r in CONTENT["results"] if r["definition"].get(KEY[method]) is not None]
    assert len(rows) == (84 if method == "blyth-still-casella" else 135)
    for row in rows:
        ci = mr.binomial_ci(row["x"], row["n"], method=method, level=row["level"])
        wanted = np.clip(np.array(row["definition"][KEY[method]], float), 0, 1)
        where = f"{method} {row['x']}/{row['n']} at {row['level']}"
        np.testing.assert_allclose([ci.low, ci.high], wanted, rtol=RELATIVE, atol=ABSOLUTE, err_msg=where)


def test_all_rows_at_once_are_the_rows_one_by_one():
    rows = CONTENT["results"]
    for method in mr.BINOMIAL_CI:
        for level in CONTENT["levels"]:
            pairs = [(r["x"], r["n"]) for r in rows if r["level"] == level]
            if method == "blyth-still-casella":
                pairs = [(x, n) for x, n in pairs if n <= 300]
            x, n = np.array(pairs).T
            together = mr.binomial_ci(x, n, method=method, level=level)
            for i, (events, size) in enumerate(pairs):
                alone = mr.binomial_ci(events, size, method=method, level=level)
                assert (alone.low, alone.high) == (together.low[i], together.high[i]), (method, events, size)


def test_hulls_of_all_sets_with_holes():
    sets = CONTENT["confidence_sets_with_holes_n_le_40"]["sets"]
    assert len(sets) == 48
    for row in sets:
        ci = mr.binomial_ci(row["x"], row["n"], method=row["method"], level=row["level"])
        ends = row["components"][0][0], row["components"][-1][1]
        np.testing.assert_allclose([ci.low, ci.high], ends, rtol=RELATIVE, atol=ABSOLUTE)


def test_a_billion_patients():
    """From 40-digit continued fractions of the incomplete beta function (mpmath)."""
    n = 10**9
    exact = {
        ("clopper-pearson", 0, 0.95): (0.0, 3.6888794473100196095e-9),
        ("clopper-pearson", 3, 0.95): (6.1867212332289602755e-10, 8.7672730444606958671e-9),
        ("clopper-pearson", 3, 1 - 1e-10): (6.6954503059642446083e-13, 3.2461119670439915452e-8),
        ("clopper-pearson", 123456, 0.95): (1.2276833085301320819e-4, 1.2414656552568756621e-4),
        ("clopper-pearson", n // 2, 0.95): (0.49996900974842228227, 0.50003099025157771773),
        ("mid-p", 3, 0.95): (7.6309629834709191886e-10, 8.1644691861888551072e-9),
        ("mid-p", 3, 1 - 1e-10): (8.4355128253138762532e-13, 3.1795146148244348427e-8),
        ("mid-p", n // 2, 1 - 1e-10): (0.49989774852647837241, 0.50010225147352162759),
    }
    for (method, x, level), wanted in exact.items():
        ci = mr.binomial_ci(x, n, method=method, level=level)
        np.testing.assert_allclose([ci.low, ci.high], wanted, rtol=1e-11, err_msg=f"{method} {x} {level}")


@pytest.mark.parametrize("method", [m for m in KEY if m not in ("blyth-still-casella", "probit", "cloglog")])
def test_enormous_trials_are_those_of_the_poisson_limit(method):
    """n * limit hardly changes from n = 1e8 to 1e9 when events are few (but on those two scales)."""
    for x in (1, 4, 30):
        small = mr.binomial_ci(x, 10**8, method=method)
        large = mr.binomial_ci(x, 10**9, method=method)
        np.testing.assert_allclose(10 * large.low, small.low, rtol=1e-5)
        np.testing.assert_allclose(10 * large.high, small.high, rtol=1e-5)
        assert 0 <= large.low < large.rate < large.high < 1e-6
