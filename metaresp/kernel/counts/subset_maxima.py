"""Maxima of the likelihood of a great many subsets of the same studies, each study's worked out once.

The log-likelihood of a subset is the sum of those of its studies.  Each study's is tabulated over both
parameters: with its slopes on a coarse scan, that shows a subset's hills, and as a polynomial on small
patches, wherever a search comes.  What a subset's likelihood is at a place, and how it bends there, is then
one product of its copies with a table; no study is integrated again for it.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.numerics.surface import Bounds, Local, Top, highest

_NODES = 12  # of a patch in either direction
_WIDE = 0.3  # a patch in the mean, where the spread is small
_STEP = 0.35  # a patch in the spread, on the scale on which it is walked
_EDGE = 1.05  # half widths at which a search leaves a patch: none goes to and fro between two
_FINE = 0.5  # distance of two means of the scan in standard deviations of a study
_TYPICAL = 0.25  # a study this far up in the order of errors
_MOST_MEANS = 60
_BEYOND = 2.0  # how far the scan goes past the studies, in spreads
_AMPLIFIED = 10.0  # the error of a slope over the last terms of a patch's polynomial
_SURE = 1e-8  # error of the mean, and relative error of the spread, at which a maximum is sure

_POINTS = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
_CHEBYSHEV = np.linalg.inv(np.polynomial.chebyshev.chebvander(_POINTS, _NODES - 1))
_POWERS = np.array(
    [
        np.pad(np.polynomial.chebyshev.cheb2poly(row), (0, _NODES - 1 - j))
        for j, row in enumerate(np.eye(_NODES)[j, : j + 1] for j in range(_NODES))
    ]
).T  # from Chebyshev's polynomials to powers
_DEGREE = np.arange(_NODES, dtype=np.float64)


class Scan(NamedTuple):
    """Where studies lie, and the spreads at which a coarse scan looks for hills.

    Attributes
    ----------
    y, error : float array, shape (k,)
        About where each study's likelihood is highest, as a mean, and how wide it is.
    b : float array, shape (points,)
        Values above 0 of the parameter of spread, ascending.
    spread : float array, shape (points,)
        The same as a standard deviation of the studies' means.
    top : float
        Greatest value of the parameter of spread.
    unit : float or None
        As in :class:`metaresp.kernel.numerics.surface.Bounds`, for the parameter of spread.
    linear : float
        Value of b below which likelihoods bend with b as they do near 0.
    logarithmic : bool
        Whether large values of b, and of the mean, are logarithms of what they stand for.
    """

    y: FloatArray
    error: FloatArray
    b: FloatArray
    spread: FloatArray
    top: float
    unit: float | None
    linear: float
    logarithmic: bool = False

    def edges(self) -> FloatArray:
        """Return where patches end in b: they are as long as what they are a part of, or a fixed length."""
        edges, most = [0.0], 1.0 if self.logarithmic else np.inf
        while edges[-1] < self.top:
            edges.append(edges[-1] + _STEP * min(float(np.hypot(self.linear, edges[-1])), most))
        return np.array(edges)


Terms = Callable[[FloatArray, FloatArray], Local]


class _Patch(NamedTuple):
    """Polynomials of the terms on one rectangle, and how much their last terms are worth."""

    powers: FloatArray  # (terms, nodes * nodes)
    last: FloatArray  # (terms,)
    middle: tuple[float, float]
    half: tuple[float, float]


class Table:
    """The likelihoods of single studies, tabulated as they are asked for.

    Parameters
    ----------
    each : callable
        Gives, at ``(a, b)`` of shape (places,), every term of the sums with its derivatives, fields of shape
        (places, terms): the studies, and what else is added to every subset.
    scan : Scan
    """

    def __init__(self, each: Terms, scan: Scan) -> None:
        self.each, self.scan = each, scan
        self.edges = scan.edges()
        wide = 0.0 if scan.logarithmic else self.edges[:-1]
        self.wide = _WIDE * np.hypot(1.0, np.broadcast_to(wide, self.edges[1:].shape))
        self.patches: dict[tuple[int, int], _Patch] = {}
        row, a, width = [], [], []
        for j, spread in enumerate(scan.spread):
            low, high = scan.y.min() - _BEYOND * spread, scan.y.max() + _BEYOND * spread
            step = _FINE * float(np.hypot(spread, np.quantile(scan.error, _TYPICAL)))
            count = int(min(np.ceil((high - low) / step), _MOST_MEANS)) + 1
            a.append(np.linspace(low, high, count))
            row.append(np.full(count, j))
            width.append(np.full(count, (high - low) / max(count - 1, 1)))
        self.row, self.a, self.width = (np.concatenate(part) for part in (row, a, width))
        self.first = np.searchsorted(self.row, np.arange(scan.b.size + 1))
        at = each(self.a, scan.b[self.row])
        self.scanned = [np.ascontiguousarray(field.T) for field in (at.value, at.d_a, at.d_a_a)]

    def place(self, a: FloatArray, b: FloatArray) -> IntArray:
        """Return the numbers, in b and in a, of the patches that hold some places, shape (2, places)."""
        row = np.clip(np.searchsorted(self.edges, b, side="right") - 1, 0, self.wide.size - 1)
        return np.array([row, np.floor(a / self.wide[row])], dtype=np.int64)

    def patch(self, key: tuple[int, int]) -> _Patch:
        """Return the polynomials on one patch."""
        if key not in self.patches:
            row, column = key
            low, high, width = (float(v) for v in (*self.edges[row : row + 2], self.wide[row]))
            middle, half = ((column + 0.5) * width, 0.5 * (low + high)), (0.5 * width, 0.5 * (high - low))
            a, b = (m + h * _POINTS for m, h in zip(middle, half, strict=True))
            value = self.each(np.repeat(a, _NODES), np.tile(b, _NODES)).value.T
            smooth = _CHEBYSHEV @ value.reshape(-1, _NODES, _NODES) @ _CHEBYSHEV.T
            size = np.abs(smooth)
            last = size[:, -1].sum(axis=1) + size[:, :, -1].sum(axis=1)
            powers = _POWERS @ smooth @ _POWERS.T
            self.patches[key] = _Patch(powers.reshape(len(powers), -1), last, middle, half)
        return self.patches[key]


class Subsets:
    """The likelihood of some subsets, a surface made of the patches of a table.

    Parameters
    ----------
    table : Table
    copies : float array, shape (subsets, terms)
    """

    def __init__(self, table: Table, copies: FloatArray) -> None:
        self.table, self.copies = table, copies
        lanes = len(copies)
        self.powers = np.empty((lanes, _NODES, _NODES))
        self.last = np.empty(lanes)
        self.frame = np.zeros((4, lanes))  # middle and half width of the patch, in either direction
        self.frame[2:] = -1.0  # nowhere yet

    def local(self, rows: IntArray, a: FloatArray, b: FloatArray) -> Local:
        """Return the surface as :mod:`metaresp.kernel.numerics.surface` asks for it."""
        self._gather(rows, a, b)
        middle_a, middle_b, half_a, half_b = self.frame[:, rows]
        by_a, by_b = _derivatives((a - middle_a) / half_a), _derivatives((b - middle_b) / half_b)
        both = by_a @ (self.powers[rows] @ by_b.transpose(0, 2, 1))
        return Local(
            both[:, 0, 0],
            both[:, 1, 0] / half_a,
            both[:, 0, 1] / half_b,
            both[:, 2, 0] / half_a**2,
            both[:, 1, 1] / (half_a * half_b),
            both[:, 0, 2] / half_b**2,
        )

    def _gather(self, rows: IntArray, a: FloatArray, b: FloatArray) -> None:
        """Add up the polynomials of the patches at some places, for the subsets that have left theirs."""
        middle_a, middle_b, half_a, half_b = self.frame[:, rows]
        left = (np.abs(a - middle_a) > _EDGE * half_a) | (np.abs(b - middle_b) > _EDGE * half_b)
        moved = np.flatnonzero(left)
        if not moved.size:
            return
        keys, which = np.unique(self.table.place(a[moved], b[moved]), axis=1, return_inverse=True)
        order = np.argsort(which.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(which.ravel()))
        for one, some in zip(keys.T.tolist(), np.split(moved[order], ends[:-1]), strict=True):
            there, patch = rows[some], self.table.patch((one[0], one[1]))
            copies = self.copies[there]
            self.powers[there] = (copies @ patch.powers).reshape(-1, _NODES, _NODES)
            self.last[there] = copies @ patch.last
            self.frame[:, there] = np.array([*patch.middle, *patch.half])[:, None]

    def sure(self, top: Top) -> BoolArray:
        """Tell which maxima lie where the polynomials say, but for :data:`_SURE`."""
        s = self.local(np.arange(top.a.size), top.a, top.b)
        slope_a, slope_b = _AMPLIFIED * self.last / self.frame[2], _AMPLIFIED * self.last / self.frame[3]
        inside = top.b > 0
        h_aa, h_ab, h_bb = -s.d_a_a, np.where(inside, np.abs(s.d_a_b), 0.0), np.where(inside, -s.d_b_b, 1.0)
        determinant = h_aa * h_bb - h_ab * h_ab
        error_a = h_bb * slope_a + h_ab * slope_b
        error_b = np.where(inside, h_aa * slope_b + h_ab * slope_a, 0.0)
        sure: BoolArray = (h_aa > 0) & (determinant > 0)
        sure &= (error_a <= _SURE * determinant) & (error_b <= _SURE * determinant * top.b)
        return sure & top.converged & (top.b < 0.5 * self.table.scan.top)


def _derivatives(x: FloatArray) -> FloatArray:
    """Return the powers of x with their first and second derivatives, shape (lanes, 3, nodes)."""
    out = np.zeros((x.size, 3, _NODES))
    out[:, 0, 0] = 1.0
    for j in range(1, _NODES):
        np.multiply(out[:, 0, j - 1], x, out=out[:, 0, j])
    out[:, 1, 1:] = _DEGREE[1:] * out[:, 0, :-1]
    out[:, 2, 1:] = _DEGREE[1:] * out[:, 1, :-1]
    return out


class Maxima(NamedTuple):
    """The highest place of every subset, that with no spread, and whether the first is known well."""

    top: Top
    common: Top
    sure: BoolArray


def maxima(table: Table, copies: FloatArray, common: FloatArray) -> Maxima:
    """Return the maxima of some subsets.

    Parameters
    ----------
    table : Table
    copies : float array, shape (subsets, terms)
    common : float array, shape (subsets,)
        About where a subset is highest without a spread.

    Returns
    -------
    Maxima
        Where it is not ``sure`` the maximum is to be looked for by the likelihood itself.
    """
    subsets, count = Subsets(table, copies), len(copies)
    every, zero = np.arange(count), np.zeros(count)
    known, _ = highest(
        subsets.local,
        Top(common, zero, subsets.local(every, common, zero), np.ones(count, dtype=np.bool_)),
        [(every, common, zero)],
        Bounds(zero, zero),
    )
    bounds = Bounds(zero, np.full(count, table.scan.top), table.scan.unit)
    top, _ = highest(subsets.local, known, _starts(table, copies, known), bounds)
    return Maxima(top, known, subsets.sure(top))


def _starts(
    table: Table, copies: FloatArray, known: Top
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Yield (rows, a, b) of the hills of a scan over the spread, the highest of each subset first."""
    value, slope, curve = (copies @ field for field in table.scanned)
    curve = np.maximum(np.abs(curve), 1e-300)
    step = np.clip(slope / curve, -table.width, table.width)
    value += step * (slope - 0.5 * step * curve)
    places = [slice(*ends) for ends in zip(table.first[:-1], table.first[1:], strict=True)]
    best = np.stack([part.start + value[:, part].argmax(axis=1) for part in places], axis=1)
    each = np.arange(len(copies))[:, None]
    end = np.full((len(copies), 1), -np.inf)
    height = np.column_stack([known.local.value, value[each, best], end])
    hill = (height[:, 1:-1] >= height[:, :-2]) & (height[:, 1:-1] >= height[:, 2:])
    rises = (known.local.d_b if table.scan.unit is None else known.local.d_b_b) > 0
    hill[:, 0] |= rises & ~hill.any(axis=1)
    mean, height = table.a[best] + step[each, best], height[:, 1:-1]
    while hill.any():
        go = np.flatnonzero(hill.any(axis=1))
        row = np.where(hill[go], height[go], -np.inf).argmax(axis=1)
        hill[go, row] = False
        yield go, mean[go, row], table.scan.b[row]
