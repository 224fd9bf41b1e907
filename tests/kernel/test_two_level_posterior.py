"""Rates of studies given their clusters, against plain two-dimensional integration."""

import numpy as np
import pytest
from scipy import special, stats

from metaresp.kernel.nested.effects import effect_posteriors
from metaresp.kernel.nested.study_rate import study_posteriors
from tests.kernel import one_lane as tl
from tests.kernel.test_two_level import nested_counts, nested_effects

TAIL = 0.025
BAND = 1e-4  # of a cumulative probability: the twin cuts the cells of its grid by straight lines


def twin(data, at, study, limits):
    """Return mean and cumulative probabilities of the rate of one study on a plain grid of both effects."""
    mu, between, within = at
    z = np.linspace(-8.5, 8.5, 801)
    w = stats.norm.pdf(z)
    logit = mu + between * z[:, None] + within * z
    mine = data.groups.owner == data.groups.owner[study]
    outer = w.copy()
    for i in np.flatnonzero(mine):
        if i != study:
            outer *= stats.binom.pmf(data.x[0, i], data.n[0, i], special.expit(logit)) @ w
    joint = outer[:, None] * w * stats.binom.pmf(data.x[0, study], data.n[0, study], special.expit(logit))
    joint /= joint.sum()
    rate = special.expit(logit)
    bands = []
    for limit in limits:
        edge = special.logit(limit)
        # the share of each row below the limit: its cumulative sum, interpolated between cells
        if within > 0:
            rows = np.cumsum(joint, axis=1) - 0.5 * joint
            cut = (edge - mu - between * z) / within
            below = [np.interp(c, z, row, 0.0, row[-1]) for c, row in zip(cut, rows, strict=True)]
            bands.append(sum(below))
        else:
            row = joint.sum(axis=1)
            bands.append(np.interp((edge - mu) / between, z, np.cumsum(row) - 0.5 * row))
    return float((joint * rate).sum()), bands


@pytest.mark.parametrize("at", [(-0.5, 0.8, 0.4), (-0.5, 1.5, 0.9), (0.3, 0.7, 0.0), (0.3, 0.0, 0.7)])
def test_against_two_dimensional_integration(at):
    x, n, cluster = nested_counts(4, k=7, clusters=3)
    data, _ = tl.arrange(x, n, cluster)
    found = study_posteriors(data, np.array(at), TAIL)
    for study in (0, 6):
        mean, below = twin(data, at, study, (found.low[study], found.high[study]))
        assert found.mean[study] == pytest.approx(mean, abs=1e-8)
        assert below == pytest.approx([TAIL, 1 - TAIL], abs=BAND)


def test_no_deviation_is_one_rate():
    data, _ = tl.arrange(*nested_counts(1))
    found = study_posteriors(data, np.array([-0.4, 0.0, 0.0]), TAIL)
    assert np.ptp(np.stack(found)) == 0
    assert found.mean[0] == special.expit(-0.4)


def test_studies_of_a_cluster_share_a_rate_without_deviation_within():
    data, _ = tl.arrange(*nested_counts(2))
    found = study_posteriors(data, np.array([-0.4, 0.9, 0.0]), TAIL)
    for group in range(data.groups.first.size):
        assert np.ptp(found.mean[data.groups.owner == group]) == 0
    near = study_posteriors(data, np.array([-0.4, 0.9, 0.01]), TAIL)
    for a, b in zip(found, near, strict=True):
        assert a == pytest.approx(b, abs=1e-3)


@pytest.mark.parametrize("at", [(0.0, 20.0, 0.001), (3.0, 0.01, 25.0), (-2.0, 25.0, 25.0), (0.0, 1e-6, 1e-6)])
def test_extremes(at):
    x, n = np.array([0.0, 10**9, 5e8, 3, 1, 0]), np.array([10.0**9, 10**9, 10**9, 8, 1, 1])
    data, _ = tl.arrange(x, n, np.array([0, 0, 1, 1, 2, 2]))
    with np.errstate(all="raise", under="ignore"):
        found = study_posteriors(data, np.array(at), TAIL)
    assert (found.low <= found.mean).all() or at[1] > 19
    assert (found.low <= found.high).all()
    assert ((found.low >= 0) & (found.high <= 1)).all()
    assert np.isfinite(np.stack(found)).all()


def test_a_study_leans_on_its_cluster():
    x, n = np.array([0.0, 18, 17, 1, 2]), np.array([3.0, 20, 20, 20, 20])
    data, _ = tl.arrange(x, n, np.array([0, 0, 0, 1, 1]))
    found = study_posteriors(data, np.array([0.0, 1.5, 0.3]), TAIL)
    assert found.mean[0] > 0.6
    other, _ = tl.arrange(x, n, np.array([1, 0, 0, 1, 1]))
    assert (
        study_posteriors(other, np.array([0.0, 1.5, 0.3]), TAIL).mean[np.flatnonzero(other.n[0] == 3)[0]]
        < 0.2
    )


def test_effects_against_dense_matrices():
    y, v, cluster = nested_effects(11, k=10, clusters=4)
    for within, between in ((0.2, 0.5), (0.0, 0.5), (0.3, 0.0)):
        mean, sd = effect_posteriors(y, v, cluster, 0.3, within, between)
        covariance = within * np.eye(10) + between * (cluster[:, None] == cluster)
        gain = covariance @ np.linalg.inv(covariance + np.diag(v))
        assert mean == pytest.approx(0.3 + gain @ (y - 0.3), rel=1e-10)
        assert sd**2 == pytest.approx(np.diag(covariance - gain @ covariance), abs=1e-12)
