"""When the logit likelihood is worked out by compiled code, and the lanes that it leaves to the NumPy form.

:mod:`metaresp.kernel.counts.compiled` is imported, and numba with it, when a batch is large enough for that
to pay; without numba, never.
"""

from contextlib import suppress
from functools import cache
from importlib.util import find_spec

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.moments import Moments

ENOUGH = 500  # lanes of one batch from which on loading, half a second, soon pays


def worth(lanes: int) -> bool:
    """Tell whether compiled code is to work out the lanes of a batch.

    The size of the batch alone decides, so that an answer never depends on what a process did before it.
    """
    return lanes >= ENOUGH and _installed() and _works()


@cache
def _installed() -> bool:
    return find_spec("numba") is not None


@cache
def _works() -> bool:
    """Load the compiled code, and try it on one study, so that whatever fails does so here."""
    try:
        from numba.core import config

        if getattr(config, "DISABLE_JIT", 0):  # interpreted it would be far slower than NumPy
            return False
        from metaresp.kernel.counts import compiled

        with suppress(RuntimeError):  # where no directory can be written to, every process compiles
            compiled.moments.enable_caching()
        one = np.ones((1, 1))
        return bool(_call(one, 2 * one, np.zeros(1), np.ones(1), quadrature.FULL)[1].all())
    except Exception:  # of a numba that does not know this Python, NumPy or machine, or of a full disk
        return False


def moments(x: FloatArray, n: FloatArray, mu: FloatArray, tau: FloatArray, nats: float) -> Moments:
    """Return what :func:`metaresp.kernel.counts.quadrature.moments` does."""
    out, done = _call(x, n, mu, tau, nats)
    left = np.flatnonzero(done == 0)
    if left.size:
        out[:, left] = quadrature.moments(x[left], n[left], mu[left], tau[left], nats)
    return Moments(*out)


def _call(
    x: FloatArray, n: FloatArray, mu: FloatArray, tau: FloatArray, nats: float
) -> tuple[FloatArray, FloatArray]:
    from metaresp.kernel.counts import compiled

    out, done = np.empty((6, *x.shape)), np.empty(mu.size)
    # code is compiled for one layout of arrays: in one piece, and free to be written to
    x, n, mu, tau = (np.require(field, np.float64, ["C", "W"]) for field in (x, n, mu, tau))
    compiled.moments(x, n, mu, tau, nats, out, done)
    return out, done
