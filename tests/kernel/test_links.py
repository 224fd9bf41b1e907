"""Links against long arithmetic, and against their own inverses."""

import mpmath
import numpy as np
import pytest

from metaresp.errors import UnknownName
from metaresp.kernel.counts.links import LINKS

DIGITS = 2e-12  # relative: the second derivative of a Cauchy tail loses three digits of sixteen
FAR = {"logit": 600, "probit": 3000, "cloglog": 600, "cauchit": 1e7, "log": 600}


def rates(name, t):
    """The rate and its complement, by definition."""
    if name == "logit":
        return 1 / (1 + mpmath.exp(-t)), 1 / (1 + mpmath.exp(t))
    if name == "probit":
        return tuple(mpmath.erfc(-s * t / mpmath.sqrt(2)) / 2 for s in (1, -1))
    if name == "cloglog":
        return -mpmath.expm1(-mpmath.exp(t)), mpmath.exp(-mpmath.exp(t))
    if name == "cauchit":
        return tuple(mpmath.mpf(1) / 2 + s * mpmath.atan(t) / mpmath.pi for s in (1, -1))
    return mpmath.exp(t), -mpmath.expm1(t)


def points(name):
    far = FAR[name]
    rising = np.r_[1e-6, 1e-3, 0.1, 0.4, 0.7, 1.3, 3.0, 8.0, 20.0, 49.0, 51.0, 120.0, far]
    if name == "log":
        return -rising[::-1]
    return np.r_[-rising[::-1], 0.0, rising[rising < 6] if name == "cloglog" else rising]


@pytest.mark.parametrize("name", list(LINKS))
def test_logarithms_and_derivatives_to_the_last_digits(name):
    theta = points(name)
    terms = LINKS[name].log_terms(theta)
    with mpmath.workdps(80):
        for i, t in enumerate(map(mpmath.mpf, theta.tolist())):
            for part in (0, 1):
                want = mpmath.taylor(lambda s, part=part: mpmath.log(rates(name, s)[part]), t, 2)
                want[2] *= 2
                for got, value in zip(terms[3 * part : 3 * part + 3], want, strict=True):
                    assert abs(got[i] - value) <= DIGITS * abs(value) + 1e-70, (name, float(t), part)


@pytest.mark.parametrize("name", list(LINKS))
def test_far_out_nothing_warns_and_nothing_is_nan(name):
    theta = np.r_[-1e150, -1e9, -800.0, -0.0, 0.0, 800.0, 1e9, 1e150]
    for values in (LINKS[name].rate(theta), *LINKS[name].log_terms(theta)):
        assert not np.isnan(values).any()
    rate = LINKS[name].rate(theta)
    assert (np.diff(rate) >= 0).all()
    assert rate[-1] == 1


@pytest.mark.parametrize("name", list(LINKS))
def test_forward_undoes_rate(name):
    theta = points(name)
    rate = LINKS[name].rate(theta)
    clear = (rate > 1e-300) & (rate < 1 - 1e-9)
    back = LINKS[name].forward(rate[clear])
    np.testing.assert_allclose(LINKS[name].rate(back), rate[clear], rtol=1e-13)
    np.testing.assert_allclose(back, theta[clear], rtol=1e-6, atol=1e-12)
    ends = LINKS[name].forward(np.array([0.0, 1.0]))
    assert ends[0] == -np.inf
    assert ends[1] == (0 if name == "log" else np.inf)


@pytest.mark.parametrize("name", [name for name in LINKS if LINKS[name].symmetric])
def test_symmetric_links_exchange_the_rates(name):
    theta = points(name)
    here, there = LINKS[name].log_terms(theta), LINKS[name].log_terms(-theta)
    np.testing.assert_array_equal(here.log_p, there.log_q)
    np.testing.assert_array_equal(here.d_log_p, -there.d_log_q)
    np.testing.assert_array_equal(here.dd_log_p, there.dd_log_q)
    assert LINKS[name].forward(np.array([0.5]))[0] == 0


def test_an_unknown_link_is_named():
    with pytest.raises(UnknownName, match=r"link='loggit' is not known.*did you mean 'logit'"):
        LINKS["loggit"]
