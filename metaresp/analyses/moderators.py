"""Moderators of studies as columns of a design: numbers, levels against a reference, or a formula."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.errors import CannotEstimate, InvalidArgument, MissingDependency, few, known_name, option, shown
from metaresp.kernel.regression.designs import dependent
from metaresp.records import Record
from metaresp.studies import Studies
from metaresp.studies.parts import Value

INTERCEPT = "intercept"
_OPERATORS = frozenset("~+:*(^|/")
_RULES = ("first", "frequent")
_COLOURS = re.compile("\x1b\\[[0-9;]*m|[\u29da\u29db]")
_LEVEL = re.compile(r"(?:C\()?\b(\w[\w ]*)(?:, [^\[]*)?\)?\[T\.([^\]]*)\]")


@dataclass(frozen=True, eq=False, slots=True)
class Term(Record):
    """One moderator and the columns that it has in the design.

    Attributes
    ----------
    name : str
        A covariate, or a term of the formula.
    columns : tuple of int
        In the design, of which column 0 is the intercept.
    levels : tuple of str
        Of a covariate that is text, the reference first; empty for a number.
    """

    name: str
    columns: tuple[int, ...]
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Design(Record):
    """The columns of some studies.

    Attributes
    ----------
    names : tuple of str
        Of the columns.
    x : float array, shape (k, p)
    terms : tuple of Term
    """

    names: tuple[str, ...]
    x: FloatArray
    terms: tuple[Term, ...]


def columns_of(studies: Studies, on: Any) -> tuple[tuple[str, ...], str | None]:
    """Return the covariates that *on* names, and the formula where it is one."""
    if isinstance(on, str):
        if on in studies.covariates or not _OPERATORS & set(on):
            on = [on]
        else:
            return _variables(studies, on), on
    if not isinstance(on, Sequence) or not on or not all(isinstance(name, str) for name in on):
        raise InvalidArgument(f"{option('on', on)}: must be the names of covariates, or a formula")
    twice = [name for i, name in enumerate(on) if name in on[:i]]
    if twice:
        raise InvalidArgument(f"{option('on', twice[0])} is named twice")
    for name in on:
        if name in {"events", "n", "rate"}:
            raise InvalidArgument(f"{option('on', name)}: the counts are what is explained; name a covariate")
        if name != "study":
            known_name("on", name, studies.covariates)
    return tuple(on), None


def complete(studies: Studies, names: Sequence[str], missing: str) -> tuple[IntArray, list[str]]:
    """Return the positions of the studies that have every covariate, and the labels of the others."""
    blank = np.array([[_blank(value) for value in studies.column(name)] for name in names], dtype=bool)
    without = blank.reshape(len(names), -1).any(axis=0)
    labels = [studies.study[i] for i in np.flatnonzero(without)]
    if labels and missing == "raise":
        which = [name for name, row in zip(names, blank, strict=True) if row.any()]
        raise InvalidArgument(
            f"regress: {len(labels)} of {len(studies)} studies have no value of "
            f"{few(list(map(repr, which)))} ({few([shown(label) for label in labels])}): "
            f"{option('missing', 'drop')} leaves them out"
        )
    return np.flatnonzero(~without), labels


def _blank(value: Value) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value)) or value == ""


def design_of(
    studies: Studies,
    names: Sequence[str],
    reference: str | Mapping[str, Any],
    levels: Mapping[str, tuple[str, ...]] | None = None,
) -> Design:
    """Return the design of covariates: an intercept, numbers as they are, levels as indicators.

    Parameters
    ----------
    studies : Studies
        With a value of every one.
    names : sequence of str
    reference : {"first", "frequent"} or mapping
        The level that others are compared with: the first in order, the most frequent, or by covariate.
    levels : mapping, optional
        Levels that are known already, the reference first; those of the studies are theirs.
    """
    chosen = dict(reference) if isinstance(reference, Mapping) else {}
    for name in chosen:
        if name not in names:
            raise InvalidArgument(
                f"{option('reference', chosen[name], name)}: {name!r} is not among the moderators"
            )
    rule = "first" if chosen or not isinstance(reference, str) else known_name("reference", reference, _RULES)
    columns, heads, terms = [np.ones(len(studies))], [INTERCEPT], []
    for name in names:
        values = studies.column(name)
        known = levels.get(name) if levels is not None else None
        if known is None and _numeric(values):
            if name in chosen:
                raise InvalidArgument(
                    f"{option('reference', chosen[name], name)}: {name!r} is a number, which has no reference"
                )
            terms.append(Term(name, (len(columns),)))
            columns.append(np.array(values, dtype=np.float64))
            heads.append(name)
            continue
        texts = [level_text(value) for value in values]
        order = known or _ordered(name, values, chosen.get(name), rule)
        places = tuple(range(len(columns), len(columns) + len(order) - 1))
        terms.append(Term(name, places, order))
        columns += [np.array([text == level for text in texts], dtype=np.float64) for level in order[1:]]
        heads += [f"{name}: {level}" for level in order[1:]]
    return Design(tuple(heads), np.column_stack(columns), tuple(terms))


def _numeric(values: Sequence[Value]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def level_text(value: Value) -> str:
    """Return the value of a category as text, different ones as different texts."""
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value).removesuffix(".0")


def _ordered(name: str, values: Sequence[Value], chosen: Any, rule: str) -> tuple[str, ...]:
    """Return the levels, the reference first, the others in order."""
    ranked = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    levels = list(dict.fromkeys(map(level_text, ranked)))
    first = levels[0]
    if chosen is not None:
        first = level_text(chosen)
        if first not in levels:
            raise InvalidArgument(
                f"{option('reference', chosen, name)}: no study has this level; it is one of "
                f"{few(list(map(repr, levels)))}"
            )
    elif rule == "frequent":
        texts = list(map(level_text, values))
        first = max(levels, key=texts.count)
    return (first, *(level for level in levels if level != first))


def _formulaic() -> Any:
    try:
        return import_module("formulaic")
    except ImportError:
        raise MissingDependency(
            "a formula needs formulaic: pip install 'metaresp[formula]', or give the names of columns"
        ) from None


def _variables(studies: Studies, formula: str) -> tuple[str, ...]:
    """Return the covariates that a formula speaks of."""
    formulaic = _formulaic()
    if formula.partition("~")[0].strip() and "~" in formula:
        raise InvalidArgument(
            f"{option('on', formula)}: leave out what stands left of '~': it is always the counts"
        )
    try:
        parsed = formulaic.Formula(_right_side(formula))
        found = sorted(map(str, parsed.required_variables))
    except Exception as error:
        raise InvalidArgument(
            f"{option('on', formula)}: no formula that can be read ({_said(error)})"
        ) from None
    for name in found:
        if name != "study":
            known_name("on", name, studies.covariates)
    if not found:
        raise InvalidArgument(f"{option('on', formula)}: names no covariate")
    return tuple(name for name in studies.covariates if name in found)


def _right_side(formula: str) -> str:
    return formula.partition("~")[2] if "~" in formula else formula


def _said(error: Exception) -> str:
    """Return the first line of an error of formulaic, without its colours."""
    return _COLOURS.sub("", str(error)).strip().partition("\n")[0]


def formula_design(studies: Studies, formula: str, names: Sequence[str]) -> tuple[Design, Any]:
    """Return the design of a formula, and what evaluates it on other studies."""
    import pandas as pd

    formulaic = _formulaic()
    frame = pd.DataFrame({name: list(studies.column(name)) for name in names})
    try:
        found = formulaic.model_matrix(_right_side(formula), frame, context={})
    except Exception as error:
        raise InvalidArgument(f"{option('on', formula)}: cannot be evaluated ({_said(error)})") from None
    spec = found.model_spec
    heads = [str(head) for head in found.columns]
    if not heads or heads[0] != "Intercept":
        raise InvalidArgument(f"{option('on', formula)}: must have an intercept; leave out '0' or '-1'")
    terms = tuple(
        Term(str(term), tuple(int(i) for i in places))
        for term, places in spec.term_indices.items()
        if str(term) != "1"
    )
    x = np.asarray(found, dtype=np.float64)
    # C(region)[T.Asia] is "region: Asia", as where the column is named
    heads = [_LEVEL.sub(r"\1: \2", head) for head in heads]
    return Design((INTERCEPT, *heads[1:]), x, terms), spec


def check_design(design: Design, studies: Studies) -> None:
    """Refuse a design that the studies cannot tell apart: constant, collinear, or of too many columns."""
    k, p = design.x.shape
    if not np.isfinite(design.x).all():
        column = int(np.flatnonzero(~np.isfinite(design.x).all(axis=0))[0])
        raise InvalidArgument(f"regress: {design.names[column]} is not finite in every study")
    for term in design.terms:
        part = design.x[:, list(term.columns)]
        if not part.shape[1] or (part == part[:1]).all():
            value = term.levels[0] if term.levels else f"{part[0, 0]:g}" if part.size else ""
            raise CannotEstimate(
                f"regress: {term.name!r} is the same in all {k} studies ({value}): it explains nothing; "
                "leave it out"
            )
    if k <= p:
        raise CannotEstimate(
            f"regress: {p} coefficients ({few(list(design.names))}) need at least {p + 1} studies, here {k}: "
            "take fewer moderators, or fewer levels"
        )
    for column, others in dependent(design.x):
        words = few([design.names[j] for j in others if j] or ["the intercept"])
        raise CannotEstimate(
            f"regress: {design.names[column]} is told by {words} already (collinear): leave one of them out"
        )
