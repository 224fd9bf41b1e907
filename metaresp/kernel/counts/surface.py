"""The likelihood of counts whose rates vary on a link scale, as a surface over mu and tau.

Everything that is asked of the binomial-normal model (maximum, limits, tests, a new trial, groups) asks this
one thing: the log-likelihood of some lanes at given mu and tau, with its derivatives.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked
from metaresp.kernel.counts import fast, link_quadrature, quadrature
from metaresp.kernel.counts.effect_shapes import EFFECTS, ByScale, EffectShape, by_scale, spreads
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.moments import Moments
from metaresp.kernel.numerics.special import saturated
from metaresp.kernel.numerics.surface import Local

_NATS = 19.0  # accuracy of the likelihood of a drawn set: 6e-9
_ROUGH = 12.0  # nats of a value that is only to be compared
_LONG_TAILS = 1e3  # where rates of 0 and 1 are this far off
_WIDEST_LOGIT = 90.0  # its quadrature reaches farther than tau does
_NODES = 24  # about, of a study
_ELEMENTS = 480_000  # lanes are worked on in blocks of about this many nodes: few calls, and still in cache


class Penalty(NamedTuple):
    """What is added to the log-likelihood: a name of :data:`PENALTIES` and its scale."""

    name: str
    scale: float

    def add(self, at: Local, mu: FloatArray, tau: FloatArray) -> Local:
        """Return *at* with the penalty."""
        value, d_mu, d_tau, d_mu_mu, d_tau_tau = PENALTIES[self.name](mu, tau, self.scale)
        return Local(
            at.value + value,
            at.d_a + d_mu,
            at.d_b + d_tau,
            at.d_a_a + d_mu_mu,
            at.d_a_b,
            at.d_b_b + d_tau_tau,
        )


class CountSurface(NamedTuple):
    """Lanes of counts and the link on which their rates vary.

    Attributes
    ----------
    x, n, copies : float array, shape (lanes, k)
        Counts and multiplicities; n at least 1 everywhere, also where ``copies`` is 0.
    link : str
        A name of ``metaresp.kernel.counts.links.LINKS``.
    penalty : Penalty or None
    nats : float
        Accuracy at most: errors are about ``exp(-nats)``.
    compiled : bool
        Whether compiled code works out a logit likelihood: for all that is asked, so that a lane's numbers do
        not depend on how many others are still searched.
    effects : str
        A name of ``metaresp.kernel.counts.effect_shapes.EFFECTS``.
    """

    x: FloatArray
    n: FloatArray
    copies: FloatArray
    link: str = "logit"
    penalty: Penalty | None = None
    nats: float = quadrature.FULL
    compiled: bool = False
    effects: str = "normal"

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return len(self.x)

    @property
    def tau_max(self) -> float:
        """The greatest tau that is looked at."""
        return LINKS[self.link].tau_max

    @property
    def farthest(self) -> float:
        """The theta beyond which a rate is 0 or 1."""
        return LINKS[self.link].farthest

    @property
    def shape(self) -> EffectShape:
        """How effects are spread."""
        return EFFECTS[self.effects]

    @property
    def widest(self) -> float:
        """The greatest spread of one scale of the effects: rates are 0 or 1 there."""
        return _WIDEST_LOGIT if self.link == "logit" else self.tau_max

    @property
    def one_hill(self) -> bool:
        """Whether the likelihood given tau is log-concave in mu: rates and effects have no long tails."""
        return self.farthest < _LONG_TAILS and self.shape.normal

    @property
    def exact(self) -> bool:
        """Whether the likelihood is right to rounding."""
        return self.nats >= quadrature.FULL

    @property
    def error(self) -> float:
        """About the error of a likelihood that need not be exact."""
        return float(np.exp(-self.nats))

    @property
    def width(self) -> int:
        """About how many nodes a lane takes."""
        return _NODES * int(self.x.shape[1]) * self.shape.scale.size

    def take(self, rows: IntArray | BoolArray | slice) -> "CountSurface":
        """Return the lanes at *rows*."""
        return self._replace(x=self.x[rows], n=self.n[rows], copies=self.copies[rows])

    def of_sets(self, x: FloatArray, n: FloatArray) -> "CountSurface":
        """Return the likelihood of other counts, as accurate as a comparison of many sets needs."""
        return self._replace(x=x, n=n, copies=np.ones_like(x), nats=_NATS)

    def each(
        self, mu: FloatArray, tau: FloatArray, nats: float = quadrature.FULL, refine: int = 1
    ) -> Moments:
        """Return log-likelihood (less the saturated one) and derivatives of every study, shape (lanes, k)."""
        nats = min(nats, self.nats)
        if not self.shape.normal:
            return self.by_scale(mu, tau, nats, refine).joined()
        if self.link == "logit":
            if self.compiled and refine == 1:
                return fast.moments(self.x, self.n, mu, tau, nats)
            return quadrature.moments(self.x, self.n, mu, tau, nats, refine)
        return link_quadrature.moments(self.link, self.x, self.n, mu, tau, nats, refine)

    def by_scale(
        self, mu: FloatArray, tau: FloatArray, nats: float = quadrature.FULL, refine: int = 1
    ) -> ByScale:
        """Return what :meth:`each` does for every scale of the effects, as normal lanes of their own."""
        scales = self.shape.scale.size
        spread = spreads(self.shape, tau, self.widest)
        x, n, copies = (np.repeat(field, scales, axis=0) for field in (self.x, self.n, self.copies))
        normal = self._replace(x=x, n=n, copies=copies, effects="normal")
        each = normal.each(np.repeat(mu, scales), spread.ravel(), nats, refine)
        parts = Moments(*(field.reshape(mu.size, scales, -1) for field in each))
        return by_scale(self.shape, parts, tau, spread)

    def at(self, mu: FloatArray, tau: FloatArray, nats: float = quadrature.FULL, refine: int = 1) -> Local:
        """Return log-likelihood (less the saturated one) with penalty, gradient and Hessian of each lane.

        mu is a, and tau is b.

        Parameters
        ----------
        mu, tau : float array, shape (lanes,)
        nats, refine
            As in :func:`metaresp.kernel.counts.quadrature.moments`.
        """
        if self.lanes * self.width <= _ELEMENTS:
            out = np.einsum("lk,flk->fl", self.copies, np.array(self.each(mu, tau, nats, refine)))
        else:
            out = np.empty((6, mu.size))
            for rows in chunked(mu.size, self.width, _ELEMENTS):
                part = self.take(rows)
                for field, each in zip(out, part.each(mu[rows], tau[rows], nats, refine), strict=True):
                    np.einsum("lk,lk->l", part.copies, each, out=field[rows])
        sums = Local(*out)
        return sums if self.penalty is None else self.penalty.add(sums, mu, tau)

    def local(self, rows: IntArray, mu: FloatArray, tau: FloatArray, refine: int = 1) -> Local:
        """Return the surface as :mod:`metaresp.kernel.numerics.surface` asks for it."""
        return self.take(rows).at(mu, tau, refine=refine)

    def rough(self, rows: IntArray, mu: FloatArray, tau: FloatArray) -> FloatArray:
        """Return the value alone, right to about 1e-5."""
        return self.take(rows).at(mu, tau, _ROUGH).value

    def saturated(self) -> FloatArray:
        """Return the log-likelihood of each lane with every study at its own rate."""
        total: FloatArray = np.einsum("lk,lk->l", self.copies, saturated(self.x, self.n))
        return total

    def information(self, mu: FloatArray, tau: FloatArray) -> FloatArray:
        """Return what each study tells about mu given tau, ``-d2 L_i / d mu2``, shape (lanes, k).

        Where effects have several scales, were its own known: the mean over them given its count, by which
        an outlying study tells little, and never less than nothing.
        """
        out = np.empty(self.x.shape)
        for part in chunked(mu.size, self.width, _ELEMENTS):
            lanes, here = self.take(part), (mu[part], tau[part])
            if self.shape.normal:
                out[part] = -lanes.each(*here).d_mu_mu
            else:
                found = lanes.by_scale(*here)
                out[part] = -found.mean(found.parts.d_mu_mu)
        return out


_Terms = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def _half_normal(mu: FloatArray, tau: FloatArray, scale: float) -> _Terms:
    """Return ``-tau**2 / (2 scale**2)`` and its derivatives."""
    weight = 1 / scale**2
    none = np.zeros_like(mu)
    return -0.5 * weight * tau**2, none, -weight * tau, none, np.full_like(tau, -weight)


def _half_cauchy(mu: FloatArray, tau: FloatArray, scale: float) -> _Terms:
    """Return ``-log(1 + (tau / scale)**2)`` and its derivatives."""
    square = scale**2 + tau**2
    none = np.zeros_like(mu)
    return (
        -np.log1p((tau / scale) ** 2),
        none,
        -2 * tau / square,
        none,
        -2 * (scale**2 - tau**2) / square**2,
    )


def _log_f(mu: FloatArray, tau: FloatArray, scale: float) -> _Terms:
    """Return the log density of mu if half of *scale* patients more responded and half did not."""
    p = np.exp(-np.logaddexp(0.0, -mu))
    none = np.zeros_like(mu)
    value = scale * (0.5 * mu - np.logaddexp(0.0, mu))
    return value + scale * np.log(2.0), scale * (0.5 - p), none, -scale * p * (1 - p), none


# Log densities of tau or mu, 0 at tau = 0 or mu = 0, with first and second derivatives by mu and by tau.
PENALTIES: Mapping[str, Callable[[FloatArray, FloatArray, float], _Terms]] = {
    "half-normal": _half_normal,
    "half-cauchy": _half_cauchy,
    "log-f": _log_f,
}
