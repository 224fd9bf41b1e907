"""Studies nested in clusters on any link: nodes of the outer integral, on panels that all clusters share.

Nothing is assumed about the number of hills of a cluster's likelihood, nor that it is smooth where a rate
becomes 1 on the log link: a range outside of which the normal density alone is negligible is narrowed to
what matters by looks at a few places, and cut into Gauss-Legendre panels as long as the narrowest hill is
wide, and shorter than the distance to the places off the real axis where a likelihood ends, which is 1 or
more at a theta of 0 and grows with theta.
"""

import numpy as np

from metaresp.arrays import FloatArray, chunked
from metaresp.kernel.counts import link_quadrature, quadrature
from metaresp.kernel.nested.nodes import Nested, Nodes
from metaresp.kernel.numerics.panels import gauss

_LOOKS, _PLACES = 6, 41
_FULL, _ROUGH = 5.0, 10.0  # longest panel in standard deviations, and where the likelihood is only scanned
_FEWEST, _MOST = 2, 256  # panels
_TURN = 1.0  # theta about which rates turn: panels crowd there
_WIDEST = 60.0  # standard deviations: what is beyond has no mass whatever the counts say
_LANES = 40_000  # studies and nodes worked on at once
_NOTHING = -1e5  # log-likelihood of what cannot be


def at_thetas(data: Nested, theta: FloatArray, within: FloatArray, nats: float, refine: int) -> FloatArray:
    """Return log-likelihood and derivatives of each study at each mean of its cluster.

    Parameters
    ----------
    data : Nested
    theta : float array, shape (lanes, points)
    within : float array, shape (lanes,)
        Standard deviation about it.
    nats, refine
        As in :func:`metaresp.kernel.nested.likelihood.evaluate`.

    Returns
    -------
    float array, shape (6, lanes, k, points)
    """
    points, k = theta.shape[1], data.x.shape[1]
    mu, tau = theta.ravel(), np.repeat(within, points)
    out = np.empty((6, mu.size, k))
    for part in chunked(mu.size, k, _LANES):
        lane = np.arange(part.start, part.stop) // points
        some = link_quadrature.moments(
            data.link, data.x[lane], data.n[lane], mu[part], tau[part], nats, refine
        )
        for row, field in zip(out, some, strict=True):
            row[part] = field
    if data.link == "log":  # where every rate is 1 a non-event is impossible
        lane = np.repeat(np.arange(len(data.x)), points)
        cannot = ((mu >= 0) & (tau == 0))[:, None] & (data.x < data.n)[lane]
        out[:, cannot] = 0.0
        out[0, cannot] = _NOTHING
    return np.ascontiguousarray(np.moveaxis(out.reshape(6, len(theta), points, k), 2, 3))


def panel_nodes(data: Nested, at: FloatArray, nats: float, refine: int) -> Nodes:
    """Return nodes of the outer integrals; as :func:`metaresp.kernel.nested.nodes.own_nodes`."""
    low, high, width = what_matters(data, at, nats)
    longest = (_FULL if nats > quadrature.SCAN else _ROUGH) * width
    count = int(np.clip(np.ceil(((high - low) / longest).max()), _FEWEST, _MOST)) * refine
    tau = np.where(at[:, 1] > 0, at[:, 1], 1.0)
    first, last = (np.arcsinh((at[:, 0] + at[:, 1] * end) / _TURN) for end in (low, high))
    crowded = np.linspace(first, last, int(np.ceil((last - first).max())) + 1, axis=-1)
    crowded = (_TURN * np.sinh(crowded) - at[:, :1]) / tau[:, None]
    inside = np.clip(crowded[:, 1:-1], low[:, None], high[:, None])
    edges = np.sort(np.concatenate([np.linspace(low, high, count + 1, axis=-1), inside], axis=1), axis=1)
    if data.link == "log":  # a panel ends where the rate becomes 1
        cut = np.clip(-at[:, 0] / tau, low, high)
        edges = np.sort(np.concatenate([edges, cut[:, None]], axis=1), axis=1)
    z, weight = (part.reshape(len(at), -1) for part in gauss(edges[:, :-1], edges[:, 1:]))
    each = _along(data, at, z, nats, refine)
    with np.errstate(divide="ignore"):
        return Nodes(z[:, None], np.ones((len(at), 1)), each, np.log(weight)[:, None])


def _along(data: Nested, at: FloatArray, z: FloatArray, nats: float, refine: int) -> FloatArray:
    """Return what the studies say at each z; at one only where clusters do not differ."""
    if (at[:, 1] > 0).any():
        return at_thetas(data, at[:, :1] + at[:, 1:2] * z, at[:, 2], nats, refine)
    return np.repeat(at_thetas(data, at[:, :1], at[:, 2], nats, refine), z.shape[1], axis=-1)


def what_matters(data: Nested, at: FloatArray, nats: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the ends of what matters to some cluster, and the narrowest hill there; shape (lanes,)."""
    far = np.full(len(at), _WIDEST)
    reach = np.sqrt(2 * nats)
    low, high, width = -far, far, np.ones(len(at))
    spread = at[:, 1] > 0
    for _ in range(_LOOKS):
        z = np.linspace(low, high, _PLACES, axis=-1)
        each = data.clustered(_along(data, at, z, quadrature.SCAN, 1)[[0, 3]])
        log = each[0] - 0.5 * (z * z)[:, None]
        top = log.argmax(axis=-1)
        matters = (log > log.max(axis=-1, keepdims=True) - nats).any(axis=1)
        first = np.maximum(matters.argmax(axis=-1) - 1, 0)
        last = np.minimum(_PLACES - matters[:, ::-1].argmax(axis=-1), _PLACES - 1)
        lanes = np.arange(len(at))
        bend = np.take_along_axis(each[1], top[..., None], axis=-1)[..., 0]
        width = (1 / np.sqrt(1 + np.maximum(-(at[:, 1:2] ** 2) * bend, 0.0))).min(axis=-1)
        share = (last - first) / (_PLACES - 1)
        low, high = z[lanes, first], z[lanes, last]
        if (share > 0.4).all():
            break
    near = np.where(spread, np.inf, reach)
    return np.maximum(low, -near), np.minimum(high, near), width
