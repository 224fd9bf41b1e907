"""Scalar twins of the kernel: the definitions, written out with plain loops over one data set."""

import math

import numpy as np
from scipy import integrate, optimize, stats


def t_quantile(tail, df):
    """Upper quantile of Student's t: SciPy's own, of 10 digits before release 1.17, and a Newton step."""
    t = stats.t.isf(tail, df)
    return t + (stats.t.sf(t, df) - tail) / stats.t.pdf(t, df)


def weights(v, tau2):
    return [1.0 / (vi + tau2) for vi in v]


def mean(y, w):
    return sum(wi * yi for wi, yi in zip(w, y, strict=True)) / sum(w)


def generalised_q(y, v, tau2):
    w = weights(v, tau2)
    m = mean(y, w)
    return sum(wi * (yi - m) ** 2 for wi, yi in zip(w, y, strict=True))


def deviance(y, v, tau2, restricted):
    w = weights(v, tau2)
    value = sum(math.log(vi + tau2) for vi in v) + generalised_q(y, v, tau2)
    return value + (math.log(sum(w)) if restricted else 0.0)


def deviance_at(y, v, tau2, mu):
    return sum(math.log(vi + tau2) + (yi - mu) ** 2 / (vi + tau2) for yi, vi in zip(y, v, strict=True))


def least(function, high, points=400):
    """Return where *function* is least on [0, high]: a scan, then Brent in the best cell, 0 compared."""
    grid = [0.0] + [high * 10 ** (-8 * (1 - i / points)) for i in range(points + 1)]
    values = [function(t) for t in grid]
    i = min(range(len(grid)), key=values.__getitem__)
    low, top = grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(
        function, bounds=(low, top), method="bounded", options={"xatol": 1e-13 * top}
    )
    best = min([(found.fun, found.x), (values[i], grid[i]), (values[0], 0.0)])
    return best[1]


def root(function, high=1e-3):
    """Return the zero of a decreasing function on [0, inf), 0 if it is not positive at 0."""
    if function(0.0) <= 0:
        return 0.0
    while function(high) > 0:
        high *= 4
    return optimize.brentq(function, 0.0, high, xtol=1e-16, rtol=1e-14)


def largest_tau2(y, v):
    return 10.0 * (sum((yi - mean(y, [1.0] * len(y))) ** 2 for yi in y) + max(v))


def moment(y, v, a):
    """Equate the Q of weights *a* to its mean."""
    m = mean(y, a)
    q = sum(ai * (yi - m) ** 2 for ai, yi in zip(a, y, strict=True))
    s1, s2 = sum(a), sum(ai * ai for ai in a)
    at_zero = (
        sum(ai * vi for ai, vi in zip(a, v, strict=True))
        - sum(ai * ai * vi for ai, vi in zip(a, v, strict=True)) / s1
    )
    return max(0.0, (q - at_zero) / (s1 - s2 / s1))


def sidik_jonkman(y, v):
    k = len(y)
    m = sum(y) / k
    start = sum((yi - m) ** 2 for yi in y) / k
    return start * generalised_q(y, v, start) / (k - 1) if start > 0 else 0.0


TAU2 = {
    "common": lambda y, v: 0.0,
    "DL": lambda y, v: moment(y, v, weights(v, 0.0)),
    "DL2": lambda y, v: moment(y, v, weights(v, moment(y, v, weights(v, 0.0)))),
    "HE": lambda y, v: moment(y, v, [1.0] * len(y)),
    "HS": lambda y, v: max(0.0, (generalised_q(y, v, 0.0) - len(y)) / sum(weights(v, 0.0))),
    "HSk": lambda y, v: max(
        0.0, (generalised_q(y, v, 0.0) * len(y) / (len(y) - 1) - len(y)) / sum(weights(v, 0.0))
    ),
    "SJ": sidik_jonkman,
    "ML": lambda y, v: least(lambda t: deviance(y, v, t, False), largest_tau2(y, v)),
    "REML": lambda y, v: least(lambda t: deviance(y, v, t, True), largest_tau2(y, v)),
    "EB": lambda y, v: root(lambda t: generalised_q(y, v, t) - (len(y) - 1)),
    "PM": lambda y, v: root(lambda t: generalised_q(y, v, t) - (len(y) - 1)),
    "PMM": lambda y, v: root(lambda t: generalised_q(y, v, t) - stats.chi2.median(len(y) - 1)),
}


def normal(y, v, tau2, tail):
    w = weights(v, tau2)
    half = stats.norm.isf(tail) / math.sqrt(sum(w))
    return mean(y, w) - half, mean(y, w) + half


def student(y, v, tau2, tail):
    w = weights(v, tau2)
    half = t_quantile(tail, len(y) - 1) / math.sqrt(sum(w))
    return mean(y, w) - half, mean(y, w) + half


def hartung_knapp_se(y, v, tau2, floor=0.0):
    factor = generalised_q(y, v, tau2) / (len(y) - 1)
    return math.sqrt(max(factor, floor) / sum(weights(v, tau2)))


def hartung_knapp(y, v, tau2, tail, floor=0.0):
    m = mean(y, weights(v, tau2))
    half = t_quantile(tail, len(y) - 1) * hartung_knapp_se(y, v, tau2, floor)
    return m - half, m + half


def kenward_roger(y, v, tau2, tail):
    """General matrix form of Kenward and Roger (1997) for one fixed effect and one variance parameter."""
    k = len(y)
    x = np.ones((k, 1))
    inverse = np.diag(weights(v, tau2))
    phi = np.linalg.inv(x.T @ inverse @ x)
    projection = inverse - inverse @ x @ phi @ x.T @ inverse
    w = 1.0 / (0.5 * np.trace(projection @ projection))
    p = -x.T @ inverse @ inverse @ x
    q = x.T @ inverse @ inverse @ inverse @ x
    adjusted = phi + 2.0 * phi @ (w * (q - p @ phi @ p)) @ phi
    theta = np.linalg.inv(phi)
    a = float(w * np.trace(theta @ phi @ p @ phi) ** 2)
    rank = 1
    g = ((rank + 1) * a - (rank + 4) * a) / ((rank + 2) * a)
    d = 3 * rank + 2 * (1 - g)
    c1, c2, c3 = g / d, (rank - g) / d, (rank + 2 - g) / d
    b = (a + 6 * a) / (2 * rank)
    expected = 1.0 / (1.0 - a / rank)
    variance = 2.0 / rank * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
    rho = variance / (2 * expected**2)
    df = 4 + (rank + 2) / (rank * rho - 1)
    scale = df / (expected * (df - 2))
    half = t_quantile(tail, df) * math.sqrt(float(adjusted[0, 0]) / scale)
    m = mean(y, weights(v, tau2))
    return m - half, m + half


def ivhet(y, v, tail):
    w, tau2 = weights(v, 0.0), TAU2["DL"](y, v)
    m = mean(y, w)
    se = math.sqrt(sum(wi**2 * (vi + tau2) for wi, vi in zip(w, v, strict=True))) / sum(w)
    return m - stats.norm.isf(tail) * se, m + stats.norm.isf(tail) * se


def henmi_copas(y, v, tail):
    w = weights(v, 0.0)
    w1 = sum(w)
    w2, w3, w4 = (sum(wi**p for wi in w) / w1 for p in (2, 3, 4))
    k, tau2 = len(y), TAU2["DL"](y, v)
    vr = 1 + tau2 * w2

    def chance(u):
        def integrand(r):
            shift = r * r / vr**2 - 1 / vr
            expected = (k - 1) + tau2 * (w1 - w2) + tau2**2 * shift * (w3 - w2**2)
            spread = (
                2 * (k - 1)
                + 4 * tau2 * (w1 - w2)
                + 2 * tau2**2 * (w1 * w2 - 2 * w3 + w2**2)
                + 4 * tau2**2 * shift * (w3 - w2**2)
                + 4 * tau2**3 * shift * (w4 - 2 * w2 * w3 + w2**3)
                + 2 * tau2**4 * (1 / vr**2 - 2 * r * r / vr**3) * (w3 - w2**2) ** 2
            )
            limit = (w1 / w2 - 1) * ((r / u) ** 2 - 1) + (k - 1)
            return stats.gamma.cdf(limit, expected**2 / spread, scale=spread / expected) * stats.norm.pdf(
                r, scale=math.sqrt(vr)
            )

        return integrate.quad(integrand, u, 12 * math.sqrt(vr), epsabs=1e-13, epsrel=1e-12, limit=400)[0]

    u = optimize.brentq(lambda t: chance(t) - tail, 1e-6, 20, xtol=1e-13, rtol=1e-13)
    half = u * math.sqrt(vr / w1)
    return mean(y, w) - half, mean(y, w) + half


def profile_mean(y, v, tail):
    """Walk out from the maximum to where the profile deviance has risen by the squared normal quantile."""
    top = largest_tau2(y, v)
    best = TAU2["ML"](y, v)
    m = mean(y, weights(v, best))
    bound = deviance(y, v, best, False) + stats.norm.isf(tail) ** 2

    def excess(mu):
        t = least(lambda t: deviance_at(y, v, t, mu), top + 10 * (mu - m) ** 2)
        return deviance_at(y, v, t, mu) - bound

    limits = []
    for sign in (-1, 1):
        step = 0.5 * math.sqrt(max(v) + best)
        while excess(m + sign * step) < 0:
            step *= 1.5
        limits.append(optimize.brentq(lambda d, sign=sign: excess(m + sign * d), 0.0, step, xtol=1e-12))
    return m - limits[0], m + limits[1]


MEAN_CI = {
    "normal": normal,
    "t": student,
    "hartung-knapp": hartung_knapp,
    "hartung-knapp-floor": lambda y, v, tau2, tail: hartung_knapp(y, v, tau2, tail, floor=1.0),
    "kenward-roger": kenward_roger,
    "henmi-copas": lambda y, v, tau2, tail: henmi_copas(y, v, tail),
    "ivhet": lambda y, v, tau2, tail: ivhet(y, v, tail),
    "profile": lambda y, v, tau2, tail: profile_mean(y, v, tail),
}


def q_profile(y, v, tail):
    df = len(y) - 1
    return tuple(
        root(lambda t, c=c: generalised_q(y, v, t) - c)
        for c in (stats.chi2.isf(tail, df), stats.chi2.ppf(tail, df))
    )


def q_tail(q, y, v, tau2):
    """Return P(Q > q) at *tau2* by Ruben's (1962) series of chi-squares, all of whose terms are positive."""
    w = np.array(weights(v, 0.0))
    root_sigma = np.sqrt(np.array(v) + tau2)
    matrix = (np.diag(w) - np.outer(w, w) / w.sum()) * np.outer(root_sigma, root_sigma)
    lam = np.sort(np.linalg.eigvalsh(matrix))[1:]
    beta = lam[0]
    share = 1.0 - beta / lam
    terms = 20 + int(36 * lam[-1] / beta)
    g = 0.5 * np.array([(share**m).sum() for m in range(terms + 1)])
    c = np.zeros(terms + 1)
    c[0] = np.sqrt(beta / lam).prod()
    for m in range(1, terms + 1):
        c[m] = g[m:0:-1] @ c[:m] / m
    return float(c @ stats.chi2.sf(q / beta, len(lam) + 2 * np.arange(terms + 1)) + max(0.0, 1.0 - c.sum()))


def generalised_q_interval(y, v, tail):
    q = generalised_q(y, v, 0.0)
    return tuple(root(lambda t, c=c: c - q_tail(q, y, v, t)) for c in (tail, 1 - tail))


def profile_tau2(y, v, tail):
    best = TAU2["REML"](y, v)
    bound = deviance(y, v, best, True) + stats.norm.isf(tail) ** 2

    def excess(t):
        return deviance(y, v, t, True) - bound

    low = optimize.brentq(excess, 0.0, best, xtol=1e-16, rtol=1e-14) if excess(0.0) > 0 else 0.0
    high = best + max(v)
    while excess(high) < 0:
        high *= 2
    return low, optimize.brentq(excess, best, high, xtol=1e-16, rtol=1e-14)


TAU2_CI = {"q-profile": q_profile, "generalised-q": generalised_q_interval, "profile": profile_tau2}
