"""A few settings of docs/validation with few data sets: a default that stops holding its level fails here."""

import numpy as np
import pytest
from scipy import special

from tests.validation import settings, validate

Setting = settings.Setting
SETS = 250
SMALL = [
    Setting("normal", 2, "300-1000", 0.3, 1.0),
    Setting("normal", 3, "30-200", 0.3, 1.0),
    Setting("normal", 5, "7-40", 0.05, 0.5),
    Setting("normal", 5, "7-40 and one of 2000", 0.3, 1.0),
    Setting("normal", 10, "30-200", 0.3, 0.0),
]
TASKS = {task.setting: task for task in validate.tasks(("normal",))}


@pytest.mark.parametrize("setting", SMALL, ids=str)
def test_the_defaults_hold_what_they_claim_or_what_the_page_lists(setting):
    known = {(row.method, row.quantity): row for row in validate.read().get(("normal", setting), [])}
    task = TASKS[setting]._replace(methods=tuple(validate.GRID["judged"]))
    rows = [row for row in validate.measure(task, SETS) if row.judged]
    assert {row.quantity for row in rows} >= {"typical rate", "mean rate", "new trial"}
    for row in rows:
        assert row.failures == 0, row
        listed = known.get((row.method, row.quantity), row._replace(coverage=1.0, se=0.0))
        bound = min(row.bound, listed.coverage)
        error = np.hypot(np.sqrt(bound * (1 - bound) / row.sets), listed.se)
        assert row.coverage >= bound - 3 * error, row


def test_a_short_run_is_the_beginning_of_a_long_one():
    setting = SMALL[1]
    for ours, theirs in zip(settings.draw(setting, 3, 20), settings.draw(setting, 3, 200), strict=True):
        np.testing.assert_array_equal(ours, theirs[:20])
    assert not np.array_equal(settings.draw(setting, 3, 20)[0], settings.draw(setting, 4, 20)[0])


@pytest.mark.parametrize("tau", [0.5, 1.0])
@pytest.mark.parametrize("effects", [*settings.LAWS, "beta"])
def test_what_is_true_of_a_setting_is_true_of_its_data(effects, tau):
    setting = Setting(effects, 40, "7-40", 0.05, tau)
    rates = np.concatenate([settings.draw(setting, block, 250)[2] for block in range(20)])
    if effects == "outlier":
        assert special.logit(rates[:, -1]).mean() > special.logit(0.05) + 3.9 * tau
        rates = rates[:, :-1]
    logits = special.logit(rates).ravel()
    assert special.expit(logits.mean()) == pytest.approx(0.05, rel=0.03)
    assert logits.std() == pytest.approx(tau, rel=0.03)
    assert rates.mean() == pytest.approx(settings.mean_rate(setting), rel=0.03)
    for rate in (0.01, 0.05, 0.3):
        assert np.mean(rates <= rate) == pytest.approx(
            settings.share_below(setting, np.array([rate])).item(), abs=0.01
        )


def test_an_interval_that_is_missing_is_not_one_that_holds():
    low, high = np.array([0.1, np.nan, np.nan, 0.3]), np.array([0.4, np.nan, np.nan, 0.4])
    exact = np.array([False, True, False, False])
    found = validate.interval(low, high, 0.2, exact)
    np.testing.assert_array_equal(found.held, [1, np.nan, 0, 0])
    np.testing.assert_array_equal(found.failed, [False, False, True, False])


def test_what_is_finished_is_not_run_again(tmp_path):
    table, said = tmp_path / "table.csv", []
    few = [task._replace(methods=("REML, Hartung-Knapp",)) for task in validate.tasks(("mirror",))[:2]]
    validate.run(few[:1], [20], np.inf, 1, said.append, table)
    validate.run(few[::-1], [20], np.inf, 1, said.append, table)
    validate.run(few, [20], np.inf, 1, said.append, table)
    assert [text for text in said if "settings" in text] == [
        "1 settings by 20 data sets",
        "1 settings by 20 data sets",
        "0 settings by 20 data sets",
    ]
    assert list(map(str, validate.read(table).values())) == [str(validate.measure(task, 20)) for task in few]
