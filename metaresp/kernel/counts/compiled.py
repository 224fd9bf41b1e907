"""The logit likelihood of many counts under a normal random effect in compiled code; imports numba.

A faster twin of :func:`metaresp.kernel.counts.quadrature.moments`, asked through
:mod:`metaresp.kernel.counts.fast` alone.  The same integrals

    L(mu, tau) = log  integral  Binomial(x; n, expit(theta)) phi((theta - mu) / tau) d theta / tau

are sums by the same trapezoidal rule, but over nodes of theta that all studies of a lane share: what a node
costs (``log p``, ``log q``, the normal density) is paid once a lane, and a study pays one exponential a node.

*Nodes.*  For tau below :data:`_CROWDED_FROM` they are equally spaced in z.  Beyond they are equally spaced in
w, ``theta = A sinh(w)``: they crowd about 0, where a rate turns, and thin out over the wide normal density.

*Step.*  An integrand that is analytic in a strip of half-width y about the real axis, where it grows as a
normal one of standard deviation s does, by ``exp(y**2 / (2 s**2))``, is summed to ``exp(-nats)`` with a step of
``2 pi y / (nats + y**2 / (2 s**2))`` (Trefethen and Weideman 2014, SIAM Review 56, theorem 5.1).  The nearest
poles of a logit likelihood lie at i pi; s follows from the information of the study and ``1 / tau**2``.

*Derivatives* come from posterior means of the score ``u = x q - y p`` and of its slope ``-n p q``:

    d/dmu: E u        d2/dmu2: Var u - n E pq
    d/dtau: E uz      d2/dtau2: Var uz - n E pq z**2        d2/dmu dtau: Cov(u, uz) - n E pq z

Nothing is divided by tau, so that they keep their digits near tau = 0.  With u as written nothing cancels where
a rate is 0 or 1; elsewhere sums over u lose about n roundings, hence a limit of n.

Every other node makes a rule of its own, whose error is the fourth root of that of all of them at worst.  A
lane in which the two do not agree that far in every study, or that wants too many nodes, is left to the NumPy
form.
"""

from math import asinh, exp, hypot, log, pi, sqrt

import numba
import numpy as np

from metaresp.arrays import FloatArray, IntArray

MOST_PATIENTS = 5000.0  # of a study
_MOST_NODES = 2048
_CROWDED_FROM = 0.5
_A = 2.0  # theta = A sinh(w)
_POLE = 0.55 * pi  # half-width of the strip in theta, as in quadrature
_STRIP = 0.7  # the same in w: from a quarter of pi on the normal density would grow off the axis
_SPARE = 3.0  # nats that nodes reach farther, and lie closer, than asked for: derivatives need them
_AGREE = 0.2  # share of the nats to which every other node must agree
_MANY = 128  # nodes from which on it pays to look where an integrand is next to nothing
_HALF_LOG_2PI = 0.5 * log(2 * pi)
_LEAST = -700.0  # of an exponent
_LOG2_E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 6.93147180369123816490e-01, 1.90821492927058770002e-10
_MAGIC = 6755399441055744.0  # 1.5 * 2**52: what is added to it is rounded to a whole number in the last bits
_LOG_OF_BITS = 0.6931471805599453 / 2.0**52

# The room that one lane is worked in: so many rows of a number a node, one after another in one array, so that
# the compiler sees that they do not overlap.
_ROWS = 11
_Z, _LOG_P, _LOG_Q, _P, _Q, _PQ, _LOG_DENSITY, _SPACE, _SIGNED, _F, _SCALE = range(
    0, _ROWS * _MOST_NODES, _MOST_NODES
)


# A product may be added before it is rounded; no more, or the rounding by _MAGIC would be "simplified".
@numba.njit(nogil=True, error_model="numpy", forceinline=True, fastmath={"contract"})
def _exponentials(room: FloatArray, bits: IntArray, begin: int, end: int) -> None:
    """Replace some numbers of row F by their exponentials, exact to 2 in the last digit.

    ``exp(x) = 2**k exp(r)`` with k whole and r at most ``log(2) / 2`` from 0, in arithmetic that a compiler
    turns into vector code.  *bits* is the room seen as whole numbers: k goes where a float keeps its exponent.
    """
    for j in range(begin, end):
        x = min(max(room[_F + j], _LEAST), -_LEAST)
        whole = x * _LOG2_E + _MAGIC
        room[_SCALE + j] = whole
        k = whole - _MAGIC
        r = (x - k * _LN2_HIGH) - k * _LN2_LOW
        s = 1.0 / 479001600.0
        s = s * r + 1.0 / 39916800.0
        s = s * r + 1.0 / 3628800.0
        s = s * r + 1.0 / 362880.0
        s = s * r + 1.0 / 40320.0
        s = s * r + 1.0 / 5040.0
        s = s * r + 1.0 / 720.0
        s = s * r + 1.0 / 120.0
        s = s * r + 1.0 / 24.0
        s = s * r + 1.0 / 6.0
        s = s * r + 0.5
        room[_F + j] = 1.0 + (r + r * r * s)
    for j in range(begin, end):
        bits[_SCALE + j] = (bits[_SCALE + j] << np.int64(52)) + (np.int64(1023) << np.int64(52))
    for j in range(begin, end):
        room[_F + j] *= room[_SCALE + j]


@numba.njit(nogil=True, error_model="numpy", forceinline=True)
def _step(width: float, strip: float, nats: float) -> float:
    """Return the step for an integrand as wide as a normal one, analytic within a strip."""
    y = min(strip, width * sqrt(2 * nats))
    return 2 * pi * y / (nats + 0.5 * (y / width) ** 2)


@numba.njit(nogil=True, error_model="numpy", forceinline=True)
def _lay(
    room: FloatArray, bits: IntArray, x: FloatArray, n: FloatArray, mu: float, tau: float, nats: float
) -> tuple[float, float, float]:
    """Return the first and the last node of a lane, in z or in w, and the step.

    The mode of a study's integrand lies between mu and the study's own logit, and no farther from mu than
    tau**2 times the score there; the integrand falls from it at least as fast as the normal density.
    """
    e = exp(-abs(mu))
    p = 1 / (1 + e) if mu > 0 else e / (1 + e)
    at_mu, precision = p * (1 - p), 1 / (tau * tau)
    low, high, sharpest, step = 0.0, 0.0, 0.0, _STRIP
    crowded = tau >= _CROWDED_FROM
    for i in range(x.size):
        a, b = x[i] + 0.5, n[i] - x[i] + 0.5
        # The bits of a float are about its logarithm: the difference is log(a / b) to 0.06.
        room[_F], room[_SCALE] = a, b
        own = (bits[_F] - bits[_SCALE]) * _LOG_OF_BITS - mu
        score = tau * tau * (x[i] - n[i] * p)
        mode = score if abs(score) < abs(own) else own
        low, high = min(low, mode), max(high, mode)
        at_own = a * b / ((a + b) * (a + b))
        # the greatest pq between mu and the own logit
        sharpness = n[i] * (0.25 if mu * (own + mu) < 0 else max(at_mu, at_own)) + precision
        sharpest = max(sharpest, sharpness)
        if crowded:
            told = n[i] * at_own
            stretch = hypot(_A, mu + own * told / (told + precision))  # d theta / dw about the mode
            strip = min(_POLE / stretch, _STRIP)
            step = min(step, _step(1 / (sqrt(sharpness) * stretch), strip, nats))
    wide = tau * sqrt(2 * nats)
    low, high = low - wide, high + wide
    if crowded:
        return asinh((mu + low) / _A), asinh((mu + high) / _A), step
    return low / tau, high / tau, _step(1 / sqrt(sharpest), _POLE, nats) / tau


@numba.njit(nogil=True, error_model="numpy", forceinline=True, fastmath={"contract"})
def _fill(
    room: FloatArray, bits: IntArray, mu: float, tau: float, first: float, step: float, count: int
) -> None:
    """Write what depends on a node alone."""
    for j in range(count):
        room[_Z + j] = first + j * step
        room[_SPACE + j] = 1.0
    if tau >= _CROWDED_FROM:
        for j in range(count):
            room[_F + j] = room[_Z + j]
        _exponentials(room, bits, 0, count)
        for j in range(count):
            grown = 0.5 * _A * room[_F + j]
            shrunk = 0.5 * _A / room[_F + j]
            room[_Z + j] = (grown - shrunk - mu) / tau
            room[_SPACE + j] = (grown + shrunk) / tau  # dz / dw
    for j in range(count):
        room[_F + j] = -abs(mu + tau * room[_Z + j])
    _exponentials(room, bits, 0, count)
    for j in range(count):
        z, e = room[_Z + j], room[_F + j]
        theta = mu + tau * z
        # log(1 + e) = 2 atanh(e / (2 + e)) by its series, in squares of at most 1/9
        s = e / (2 + e)
        s2 = s * s
        t = 1.0 / 33.0
        t = t * s2 + 1.0 / 31.0
        t = t * s2 + 1.0 / 29.0
        t = t * s2 + 1.0 / 27.0
        t = t * s2 + 1.0 / 25.0
        t = t * s2 + 1.0 / 23.0
        t = t * s2 + 1.0 / 21.0
        t = t * s2 + 1.0 / 19.0
        t = t * s2 + 1.0 / 17.0
        t = t * s2 + 1.0 / 15.0
        t = t * s2 + 1.0 / 13.0
        t = t * s2 + 1.0 / 11.0
        t = t * s2 + 1.0 / 9.0
        t = t * s2 + 1.0 / 7.0
        t = t * s2 + 1.0 / 5.0
        t = t * s2 + 1.0 / 3.0
        turn = 2 * (s + s * s2 * t)
        larger = 1 / (1 + e)
        smaller = e * larger
        room[_LOG_P + j] = min(theta, 0.0) - turn
        room[_LOG_Q + j] = -max(theta, 0.0) - turn
        room[_P + j] = larger if theta > 0 else smaller
        room[_Q + j] = smaller if theta > 0 else larger
        room[_PQ + j] = larger * smaller
        room[_LOG_DENSITY + j] = -0.5 * z * z
        room[_SIGNED + j] = room[_SPACE + j] * (1 - 2 * (j & 1))


# Sums may be taken in the order that fills a processor's registers; there is no NaN to keep apart.
@numba.njit(
    nogil=True, error_model="numpy", forceinline=True, fastmath={"reassoc", "nsz", "contract", "nnan"}
)
def _study(
    room: FloatArray, bits: IntArray, x: float, y: float, count: int, nats: float, out: FloatArray
) -> float:
    """Write the moments of one study, all but a constant of the value; return by how much other nodes differ."""
    top = -np.inf
    for j in range(count):
        room[_F + j] = x * room[_LOG_P + j] + y * room[_LOG_Q + j] + room[_LOG_DENSITY + j]
        top = max(top, room[_F + j])
    begin, end = 0, count
    if count > _MANY:
        while room[_F + begin] < top - nats:
            begin += 1
        while room[_F + end - 1] < top - nats:
            end -= 1
    for j in range(begin, end):
        room[_F + j] -= top
    _exponentials(room, bits, begin, end)
    mass, other, u, uz, uu, uuz, uuzz, c, cz, czz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(begin, end):
        z, f, score = room[_Z + j], room[_F + j], x * room[_Q + j] - y * room[_P + j]
        g = f * room[_SPACE + j]
        gu, gc = g * score, g * room[_PQ + j]
        guz, gcz = gu * z, gc * z
        mass += g
        other += f * room[_SIGNED + j]
        u += gu
        uz += guz
        uu += gu * score
        uuz += guz * score
        uuzz += guz * score * z
        c += gc
        cz += gcz
        czz += gcz * z
    r, n = 1 / mass, x + y
    u, uz = u * r, uz * r
    saturated = (x * log(x / n) if x > 0 else 0.0) + (y * log(y / n) if y > 0 else 0.0)
    out[0] = log(mass) + (top - saturated)
    out[1], out[2] = u, uz
    out[3] = uu * r - u * u - n * c * r
    out[4] = uuz * r - u * uz - n * cz * r
    out[5] = uuzz * r - uz * uz - n * czz * r
    return abs(other) * r


@numba.njit(cache=True, nogil=True, error_model="numpy")
def moments(
    x: FloatArray,
    n: FloatArray,
    mu: FloatArray,
    tau: FloatArray,
    nats: float,
    out: FloatArray,
    done: IntArray,
) -> None:
    """Write the moments of every study of every lane.

    Parameters
    ----------
    x, n : float array, shape (lanes, k)
        Counts; n at least 1.
    mu, tau : float array, shape (lanes,)
        tau above 0.
    nats : float
        Errors are about ``exp(-nats)``.
    out : float array, shape (6, lanes, k)
        Fields of :class:`metaresp.kernel.counts.moments.Moments`.
    done : int array, shape (lanes,)
        1 where the lane has its answer.
    """
    room, found = np.empty(_ROWS * _MOST_NODES), np.empty(6)
    bits = room.view(np.int64)
    wanted = nats + _SPARE
    close = exp(-_AGREE * nats)
    for lane in range(mu.size):
        done[lane] = 0
        first, last, step = _lay(room, bits, x[lane], n[lane], mu[lane], tau[lane], wanted)
        if not (last - first) / step < _MOST_NODES - 2:
            continue
        count = int((last - first) / step) + 2
        _fill(room, bits, mu[lane], tau[lane], first, step, count)
        constant = log(step) - _HALF_LOG_2PI
        most, differ = 0.0, 0.0
        for i in range(x.shape[1]):
            events, size = x[lane, i], n[lane, i]
            most = max(most, size)
            differ = max(differ, _study(room, bits, events, size - events, count, wanted, found))
            found[0] += constant
            for field in range(6):
                out[field, lane, i] = found[field]
        done[lane] = most <= MOST_PATIENTS and differ <= close
