"""The methods that published numbers are compared with, all evaluated on the same studies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.binomial import BINOMIAL_CI
from metaresp.counts import Counts, clean, grouped
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.model.effect_grid import EffectGrid, EffectScale, effect_grid
from metaresp.model.estimates import exact, is_exact
from metaresp.model.programs import programs_with
from metaresp.model.registry import MODELS
from metaresp.model.shared_fit import estimates_of
from metaresp.model.spec import resolve
from metaresp.studies import Studies
from metaresp.transforms import BACK_N, CORRECT, LEAVE_OUT, SCALE_OF_RULE, TRANSFORMS

# From the most to the least usual: of methods that give the same digits the usual ones stand first.
_TAU2 = tuple(dict.fromkeys(("REML", "DL", "common", "PM", "ML", "EB", "SJ", "HE", "HS", *TAU2)))
_OWN_TAU2 = {"henmi-copas": "DL", "ivhet": "DL", "profile": "ML"}  # whatever tau2 is asked for
_CI = tuple(
    dict.fromkeys(ci for ci in ("normal", "hartung-knapp", *MEAN_CI) if ci not in {*_OWN_TAU2, "bootstrap"})
)
_RULES = tuple(dict.fromkeys(("only-zero", "variance", "events", LEAVE_OUT, *CORRECT)))
_SCALES = ("logit", "freeman-tukey", "identity", "arcsine", "log")
# Count models with their intervals; the first is that of other programs.
_LIKELIHOODS: tuple[tuple[dict[str, str], tuple[str, ...]], ...] = (
    ({"model": "binomial-normal", "link": "logit"}, ("normal", "t", "profile", "bartlett", "profile-t")),
    ({"model": "binomial-normal", "link": "probit"}, ("normal", "t")),
    ({"model": "binomial-normal", "link": "cloglog"}, ("normal", "t")),
    ({"model": "beta-binomial"}, ("normal", "t", "profile", "bartlett")),
)
_GLMM = ((_LIKELIHOODS[0][0], ("normal", "t")),)
_USUAL_TOTALS = ("clopper-pearson", "wald", "wilson")
_TOTALS = (*_USUAL_TOTALS, *(m for m in BINOMIAL_CI if m not in {*_USUAL_TOTALS, "blyth-still-casella"}))
_LEVELS = (0.95, 0.9, 0.99)
MOST_LEFT_OUT = 100  # studies up to which each is left out once
SAME_WEIGHT = 1e6  # a tau2 beside which every sampling variance is nothing
# How much less plausible than the default of a program.
_OFFERED, _NOBODY, _OTHER_LEVEL, _SWAPPED, _LEFT_OUT = 1.0, 2.0, 3.5, 4.0, 5.0


class Candidate(NamedTuple):
    """A method: options of :func:`metaresp.pool`, and what was done to the studies before.

    ``without`` is the position of a study that is left out, ``swapped`` whether responders and others change
    places, ``default`` and ``offered`` the programs that do so, ``answered`` whether ``pool`` gives these
    numbers and not an exact answer in their place.
    """

    options: dict[str, Any]
    level: float
    default: list[str]
    offered: list[str]
    without: int | None = None
    swapped: bool = False
    answered: bool = True


_FIELDS = ("rate", "low", "high", "low_beyond", "high_beyond", "tau2", "I2", "I2_Q", "Q", "rank")


class Candidates(NamedTuple):
    """Methods and what each gives: ``numbers[name]`` has the shape (methods,).

    ``numbers["rank"]`` is the less the more plausible a method is; ``weights(i)`` are the shares of the
    studies in method i in percent, NaN where it has none.
    """

    methods: list[Candidate]
    numbers: dict[str, FloatArray]
    weights: Callable[[IntArray], FloatArray]


@dataclass(slots=True)
class _Lanes:
    """The studies as they are, or each left out in turn and with responders and others swapped.

    Many equal studies are one that counts more often; ``pair`` is where each study stands.
    """

    counts: Counts
    pair: IntArray
    without: list[int | None]
    swapped: list[bool]
    at_edge: bool

    def fitted(self, rule: str | None) -> list[bool]:
        """Whether ``pool`` fits a lane by a rule of correction, or has an exact answer there."""
        c = self.counts
        if rule == LEAVE_OUT:
            c = c.without((c.x == 0) | (c.x == c.n))
        return list(((c.k > 1) & (c.events > 0) & (c.events < c.total)).tolist())


def _lanes(studies: Studies) -> tuple[_Lanes, _Lanes]:
    """Return the studies as they are, and with the slips."""
    k, events, n = len(studies), studies.events, studies.n
    at_edge = bool(((events == 0) | (events == n)).any())
    whole = _Lanes(*grouped(clean(events[None], n, np.ones((1, k)))[0]), [None], [False], at_edge)
    left_out = list(range(k)) if 2 < k <= MOST_LEFT_OUT else []
    copies = np.vstack([1 - np.eye(len(left_out), k), np.ones((1, k))])
    x = np.vstack([np.broadcast_to(events, (len(left_out), k)), n - events])
    swapped = [False] * len(left_out) + [True]
    counts = clean(x, n, copies)[0]
    lanes = (counts, np.arange(k)) if left_out else grouped(counts)
    return whole, _Lanes(*lanes, [*left_out, None], swapped, at_edge)


def effect_scales(at_edge: bool, back_n: Sequence[str] = tuple(BACK_N)) -> list[EffectScale]:
    """Return the scales with their corrections that give different effects.

    Examples
    --------
    >>> [scale.correct for scale in effect_scales(True) if scale.transform == "identity"]
    ['only-zero', 'variance', 'leave-out', 'if-any', 'all']
    """
    found = []
    for name in _SCALES:
        rules = [rule for rule in _RULES if rule != "none" and SCALE_OF_RULE.get(rule, name) == name]
        if not TRANSFORMS[name].corrected:
            sizes = back_n if name == "freeman-tukey" else (None,)
            found += [EffectScale(name, None, size) for size in sizes]
        elif at_edge:
            found += [EffectScale(name, rule) for rule in rules]
        else:
            found += [EffectScale(name, rule) for rule in ("only-zero", "all")]
    return found


class _Collected:
    """Methods as they come, with their numbers."""

    def __init__(self, level: float) -> None:
        self.level = level
        self.methods: list[Candidate] = []
        self.parts: list[dict[str, FloatArray]] = []
        self.grids: list[tuple[int, tuple[int, ...], EffectGrid, IntArray]] = []
        self.known: dict[tuple[Any, ...], tuple[list[str], list[str], float]] = {}

    def add(
        self, lanes: _Lanes, options: Sequence[dict[str, Any]], level: float, numbers: dict[str, Any]
    ) -> None:
        """Add methods with *numbers* of shape (options, lanes)."""
        shape = (len(options), len(lanes.without))
        ranks = np.empty(shape)
        fitted = {rule: lanes.fitted(rule) for rule in {one.get("correct") for one in options}}
        for i, one in enumerate(options):
            key = tuple(one.items())
            if key not in self.known:
                default, offered = programs_with(one, lanes.at_edge)
                base = 0.0 if default else _OFFERED if offered else _NOBODY
                self.known[key] = default, offered, base + _habit(one)
            default, offered, base = self.known[key]
            for lane, (without, swapped) in enumerate(zip(lanes.without, lanes.swapped, strict=True)):
                answered = fitted[one.get("correct")][lane] or MODELS[one["model"]].exact
                self.methods.append(Candidate(one, level, default, offered, without, swapped, answered))
                slip = _OTHER_LEVEL * (level != self.level) + _SWAPPED * swapped
                ranks[i, lane] = base + slip + _LEFT_OUT * (without is not None)
        full = {name: numbers.get(name, np.nan) for name in _FIELDS} | {"rank": ranks}
        for end in ("low", "high"):
            full[f"{end}_beyond"] = numbers.get(f"{end}_beyond", full[end])
        self.parts.append({name: np.broadcast_to(value, shape).ravel() for name, value in full.items()})

    def done(self, k: int) -> Candidates:
        """Return those that have a rate, of *k* studies."""

        def weights(chosen: IntArray) -> FloatArray:
            shares = np.full((chosen.size, k), np.nan)
            places = kept[chosen]
            for start, shape, grid, pair in self.grids:
                inside = (places >= start) & (places < start + np.prod(shape))
                scale, between, _, lane = np.unravel_index(places[inside] - start, shape)
                of_pairs = grid.weights(scale, between, lane)
                shares[inside] = (of_pairs / np.fmax(grid.copies[scale, lane], 1.0))[:, pair]
            return shares

        numbers = {name: np.concatenate([part[name] for part in self.parts]) for name in _FIELDS}
        kept = np.flatnonzero(np.isfinite(numbers["rate"]))
        return Candidates([self.methods[i] for i in kept], {n: v[kept] for n, v in numbers.items()}, weights)


def _habit(options: dict[str, Any]) -> float:
    """Return a share of 1 by which a usual choice goes before an unusual one."""
    places = [
        names.index(options[name]) / len(names) if options.get(name) in names else 1.0
        for name, names in (("tau2", _TAU2), ("ci", (*_CI, *_OWN_TAU2)), ("transform", _SCALES))
    ]
    rule = options.get("correct") in {"if-any", "all"}
    return 0.3 * places[0] + 0.15 * places[1] + 0.01 * places[2] + 1.5 * rule


def candidates(studies: Studies, level: float = 0.95) -> Candidates:
    """Return every method of the known programs, and of the usual slips, with its numbers.

    Examples
    --------
    >>> found = candidates(Studies([13, 4, 9], [18, 7, 15]))
    >>> first = next(i for i, one in enumerate(found.methods) if one.options.get("ci") == "hartung-knapp")
    >>> found.methods[first].options["transform"], float(found.numbers["low"][first].round(3))
    ('logit', 0.43)
    """
    whole, varied = _lanes(studies)
    scales = effect_scales(whole.at_edge)
    usual = [s for s in effect_scales(whole.at_edge, ["harmonic"]) if s.correct not in {"all", "if-any"}]
    same = [EffectScale("identity", "variance" if whole.at_edge else "only-zero")]
    others = [other for other in _LEVELS if other != level]
    found = _Collected(level)
    _effects(found, whole, scales, _TAU2, _CI, level)
    for ci, tau2 in _OWN_TAU2.items():
        _effects(found, whole, usual if ci == "profile" else scales, [tau2], [ci], level)
    _effects(found, whole, same, [SAME_WEIGHT], ["hartung-knapp"], level)
    _effects(found, varied, usual, ["REML", "DL", "common"], ["normal", "hartung-knapp"], level)
    _likelihoods(found, whole, _LIKELIHOODS, level)
    _likelihoods(found, varied, _GLMM, level)
    _totals(found, whole, _TOTALS, level)
    _totals(found, varied, _USUAL_TOTALS, level)
    for other in others:
        _effects(found, whole, usual, ["REML", "DL", "common"], ["normal", "t", "hartung-knapp"], other)
        _likelihoods(found, whole, _GLMM, other)
        _totals(found, whole, _USUAL_TOTALS, other)
    return found.done(len(studies))


def _effects(
    found: _Collected,
    lanes: _Lanes,
    scales: Sequence[EffectScale],
    tau2: Sequence[str | float],
    ci: Sequence[str],
    level: float,
) -> None:
    """Add the analyses of effects, all combinations of scales, estimators and intervals."""
    grid = effect_grid(lanes.counts, scales, tau2, ci, (1 - level) / 2)
    options = []
    for scale, between, kind in product(scales, tau2, ci):
        one: dict[str, Any] = {"model": "inverse-variance", "transform": scale.transform, "tau2": between}
        one |= {"ci": kind} | ({"correct": scale.correct} if scale.correct else {})
        options.append(one | ({"back_n": scale.back_n} if scale.back_n else {}))
    shape = grid.rate.shape
    numbers = {name: getattr(grid, name) for name in ("rate", "low", "high", "low_beyond", "high_beyond")}
    numbers |= {name: getattr(grid, name)[:, :, None] for name in ("tau2", "I2", "I2_Q")}
    numbers["Q"] = grid.Q[:, None, None]
    wide = (len(options), shape[-1])
    found.grids.append((len(found.methods), shape, grid, lanes.pair))
    found.add(lanes, options, level, {n: np.broadcast_to(v, shape).reshape(wide) for n, v in numbers.items()})


def _likelihoods(
    found: _Collected,
    lanes: _Lanes,
    models: Sequence[tuple[dict[str, str], tuple[str, ...]]],
    level: float,
) -> None:
    """Add count models, each fitted once; I2 is metafor's, of the logits of the studies."""
    options = [model | {"ci": ci} for model, cis in models for ci in cis]
    specs = [resolve(**one, prediction=None, level=level) for one in options]
    fits = estimates_of(lanes.counts, specs)
    numbers = {
        name: np.stack([np.where(is_exact(fit.reason), np.nan, getattr(fit, name)) for fit in fits])
        for name in ("rate", "low", "high", "tau2")
    }
    usual = effect_grid(
        lanes.counts, [EffectScale("logit", "only-zero")], list(numbers["tau2"]), ["normal"], 0.025
    )
    numbers |= {"I2": usual.I2[0], "I2_Q": usual.I2_Q[0], "Q": np.broadcast_to(usual.Q, usual.I2[0].shape)}
    found.add(lanes, options, level, numbers)


def _totals(found: _Collected, lanes: _Lanes, methods: Sequence[str], level: float) -> None:
    """Add binomial intervals of the totals, as if all studies were one."""
    of = [exact(lanes.counts.events, lanes.counts.total, level, method) for method in methods]
    numbers = {name: np.stack([one[name] for one in of]) for name in ("rate", "low", "high")}
    found.add(lanes, [{"model": "common", "ci": method} for method in methods], level, numbers)
