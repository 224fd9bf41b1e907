"""Frames and pictures of the funnel, Baujat and drapery records."""

import pytest

import metaresp as mr


@pytest.fixture(scope="module")
def fit():
    return mr.pool(mr.datasets.load("pritz1997"))


def test_funnel(fit, tmp_path):
    found = mr.funnel(fit)
    frame = found.to_frame()
    assert frame["x"].tolist() == pytest.approx(fit.studies.rates.tolist())
    assert frame["y"].tolist() == fit.studies.n.tolist()
    found.plot(tmp_path / "funnel.svg")
    assert (tmp_path / "funnel.svg").stat().st_size > 1000


def test_baujat(fit, tmp_path):
    found = mr.baujat(fit)
    assert found.to_frame()["contribution"].sum() == pytest.approx(fit.heterogeneity.Q)
    found.plot(tmp_path / "baujat.svg")
    assert (tmp_path / "baujat.svg").stat().st_size > 1000


def test_drapery(fit, tmp_path):
    found = mr.drapery(fit)
    frame = found.to_frame()
    assert list(frame.columns) == ["rate", "pooled", *fit.studies.study]
    middle = frame.iloc[200]
    assert middle["Swift and Solomon"] == pytest.approx(mr.binomial_test(4, 8, middle["rate"]).pvalue)
    assert middle["pooled"] == pytest.approx(fit.test(middle["rate"]).pvalue)
    found.plot(tmp_path / "drapery.svg")
    assert (tmp_path / "drapery.svg").stat().st_size > 1000
