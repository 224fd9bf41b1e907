"""Any studies, columns and groups in every style: nothing cropped or touching, every number the fit's."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import metaresp as mr
from metaresp.plots.style import style_names
from tests.plots import printed
from tests.plots.geometry import faults
from tests.plots.test_geometry import SCRIPTS, label

MORE_SCRIPTS = SCRIPTS | {
    "arabic": "دراسة سريرية عشوائية مستقبلية ",
    "hebrew": "ניסוי קליני אקראי פרוספקטיבי ",
    "thai": "การทดลองทางคลินิกแบบสุ่ม ",
    "devanagari": "यादृच्छिक नैदानिक परीक्षण ",
    "korean": "무작위 임상 시험 ",
    "vietnamese": "Thử nghiệm lâm sàng ngẫu nhiên ",
}
MODELS = ("binomial-normal", "inverse-variance", "beta-binomial", "common")


def trials(seed, most):
    """Return random studies with covariates: six groups at most, eight columns of every kind."""
    random = np.random.default_rng(seed)
    k = int(random.integers(1, most + 1))
    largest = 10 ** random.uniform(0.5, 4)
    n = random.integers(1, int(largest) + 2, k)
    events = random.binomial(n, random.beta(0.4, random.choice([0.5, 2.0, 20.0]), k))
    lengths = random.choice([1, 5, 12, 30, 70, 120], k)
    scripts = random.choice(sorted(MORE_SCRIPTS), k)
    words = MORE_SCRIPTS
    labels = [
        (words[name] * (1 + size // len(words[name])))[:size].strip() or "x"
        for name, size in zip(scripts, lengths, strict=True)
    ]
    columns = {
        "year": [int(value) for value in random.integers(1950, 2030, k)],
        "dose": [round(float(value), 2) for value in random.gamma(1, 20, k)],
        "share": [None if value < 0.2 else round(float(value), 3) for value in random.uniform(size=k)],
        "country": [label("cyrillic", int(size)).strip() for size in random.integers(1, 25, k)],
        "drug": [label("latin", int(size)).strip() for size in random.integers(1, 50, k)],
        "note": [None if value else "−" for value in random.integers(0, 2, k)],
        "weeks": [float(value) for value in random.integers(1, 200, k)],
        "line": ["first-line" if value else "2" for value in random.integers(0, 2, k)],
    }
    groups = int(random.integers(0, 7))
    if groups:
        columns["group"] = [f"Group {value}" for value in random.integers(0, groups, k)]
    return mr.Studies(events, n, labels, columns), groups


def order(fit, sort):
    """Return the positions of the studies as they should stand, without groups."""
    studies = fit.studies
    values = {"rate": studies.events / studies.n, "weight": fit.weights, None: range(fit.k)}[sort]
    return sorted(range(fit.k), key=lambda i: values[i])


def check(seed, style, most, model, scale, spacing, extra, sort, of):
    studies, groups = trials(seed, most)
    fit = mr.pool(studies, model=model)
    names = ["year", "dose", "share", "country", "drug", "note", "weeks", "line"][:extra]
    by = mr.subgroups(fit, "group") if groups else None
    plot = fit.forest(
        style=style, scale=scale, spacing=spacing, left=names[::2], right=names[1::2], by=by, sort=sort,
        benchmark=0.3, title=studies.study[0], of=of,
    )  # fmt: skip
    assert faults(plot, dpi=100) == []
    assert printed.unlike_the_table(plot) == []
    assert printed.crooked(plot) == []
    assert printed.ticks_say_where_they_are(plot)
    places = order(fit, sort)
    if by is not None:
        members = studies.column("group")
        places = [i for name in by.group for i in places if members[i] == name]
    check_studies(plot, fit, places, names)
    check_pooled(plot, fit, of)
    if by is not None:
        check_groups(plot, fit, by, of)
    check_notes(plot, fit, by)


def text(plot, row, key):
    return " ".join(part.get_text() for part in plot.texts[row, key])


def drawn(plot, row, names):
    return [list(plot.marks[row][name].get_xdata()) for name in names if name in plot.marks[row]]


def clipped(plot, low, high):
    least, most = plot.axes.get_xlim()
    return [max(low, least), min(high, most)]


def check_counts(plot, row, events, n):
    keys = {column.key for column in plot.table.columns}
    if "events" in keys:
        assert text(plot, row, "events") == f"{events}/{n}"
    else:
        assert (text(plot, row, "responders"), text(plot, row, "total")) == (str(events), str(n))


def check_studies(plot, fit, places, names):
    """Marks to the last digit, printed numbers to theirs."""
    rows = [i for i, row in enumerate(plot.table.rows) if row.kind == "study"]
    assert len(rows) == len(places)
    studies, factor = fit.studies, plot.table.factor
    ci = mr.binomial_ci(studies.events, studies.n)
    least, most = plot.axes.get_xlim()
    for row, i in zip(rows, places, strict=True):
        rate, low, high = float(ci.rate[i]), float(ci.low[i]), float(ci.high[i])
        assert printed.joined(plot.texts[row, "study"]) == studies.study[i].translate(SPACES).replace(" ", "")
        check_counts(plot, row, studies.events[i], studies.n[i])
        assert printed.rates_are_printed(text(plot, row, "rate"), (rate, low, high), factor)
        if "weight" in {column.key for column in plot.table.columns}:
            assert printed.is_printed(text(plot, row, "weight").rstrip("%"), fit.weights[i])
        assert drawn(plot, row, ["interval"]) == [clipped(plot, low, high)]
        assert drawn(plot, row, ["square"]) == ([[rate]] if least <= rate <= most else [])
        for name in names:
            check_covariate(text(plot, row, name), studies.column(name)[i])


SPACES = str.maketrans({"\t": " ", "\n": " "})


def check_covariate(words, value):
    if value is None:
        assert words == ""
    elif isinstance(value, int | float):
        assert float(words) == pytest.approx(value, abs=5.1e-4)
    else:
        assert words.replace(" ", "") == value.replace(" ", "")


def check_pooled(plot, fit, of):
    kinds = [row.kind for row in plot.table.rows]
    row = kinds.index("pooled")
    rate, (low, high) = (fit.mean_rate, fit.mean_rate_ci) if of == "mean" else (fit.rate, fit.rate_ci)
    assert printed.rates_are_printed(text(plot, row, "rate"), (rate, low, high), plot.table.factor)
    check_counts(plot, row, fit.events, fit.n)
    corners = plot.marks[row]["diamond"].get_xy()[:, 0]
    assert (corners.min(), corners.max()) == (low, high)
    assert ("prediction" in kinds) == (fit.prediction_interval is not None)
    if fit.prediction_interval is not None:
        row = kinds.index("prediction")
        limits = tuple(fit.prediction_interval)
        assert printed.rates_are_printed(text(plot, row, "rate"), limits, plot.table.factor)
        assert drawn(plot, row, ["bar"]) == ([clipped(plot, *limits)] if limits[0] < limits[1] else [])


def check_groups(plot, fit, by, of):
    kinds = [row.kind for row in plot.table.rows]
    rows = [i for i, kind in enumerate(kinds) if kind == "subtotal"]
    assert len(rows) == len(by.group)
    members = np.array(fit.studies.column("group"))
    for g, row in enumerate(rows):
        low, high = (by.mean_low[g], by.mean_high[g]) if of == "mean" else (by.low[g], by.high[g])
        estimate = (by.mean_rate[g] if of == "mean" else by.rate[g], low, high)
        assert printed.rates_are_printed(text(plot, row, "rate"), estimate, plot.table.factor)
        check_counts(plot, row, by.events[g], by.n[g])
        share = fit.weights[members == by.group[g]].sum()
        assert printed.is_printed(text(plot, row, "weight").rstrip("%"), share)
        corners = plot.marks[row]["diamond"].get_xy()[:, 0]
        assert (corners.min(), corners.max()) == (low, high)
        if row + 1 < len(kinds) and kinds[row + 1] == "note":
            words = text(plot, row + 1, "study")
            assert printed.one_number("τ² = ", words, by.tau2[g])
            assert printed.one_number("I² = ", words, by.I2[g])
            assert not np.isfinite(by.within_pvalue[g]) or printed.p_is_printed(words, by.within_pvalue[g])


def check_notes(plot, fit, by):
    found = [note for note in plot.table.notes if note.startswith("Heterogeneity: ")]
    assert len(found) == (fit.k > 1 and fit.spec.model != "common")
    h = fit.heterogeneity
    for note in found:
        assert printed.one_number("τ² = ", note, fit.tau2)
        assert printed.one_number("ρ = ", note, fit.rho)
        assert printed.one_number("I² = ", note, h.I2)
        if " df = " in note:
            symbol = "Q" if fit.spec.model == "inverse-variance" else "Pearson's X²"
            assert printed.one_number(f"{symbol} = ", note, h.Q)
            assert printed.one_number("df = ", note, h.df)
            assert printed.p_is_printed(note, h.pvalue)
    between = [note for note in plot.table.notes if note.startswith("Test between groups")]
    assert len(between) == (by is not None and np.isfinite(by.pvalue))
    for note in between:
        assert printed.p_is_printed(note, by.pvalue)
        value = by.F if by.reference == "F" else by.statistic
        assert printed.one_number("F = " if by.reference == "F" else "χ² = ", note, value)
        assert printed.one_number(" on ", note, by.df)
        assert printed.one_number(" and ", note, by.df2 if by.reference == "F" else None)


OPTIONS = {
    "seed": st.integers(0, 10**6),
    "model": st.sampled_from(MODELS),
    "scale": st.sampled_from(["percent", "proportion", "per 1000"]),
    "spacing": st.sampled_from(["linear", "logit", "sqrt"]),
    "extra": st.integers(0, 8),
    "sort": st.sampled_from([None, "rate", "weight"]),
    "of": st.sampled_from(["typical", "mean"]),
}
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@pytest.mark.parametrize("style", style_names())
@settings(max_examples=3, **UNHURRIED)
@given(**OPTIONS)
def test_small_figures(style, **options):
    check(style=style, most=16, **options)


@pytest.mark.slow
@pytest.mark.parametrize("style", style_names())
@settings(max_examples=6, **UNHURRIED)
@given(**OPTIONS)
def test_figures_of_up_to_two_hundred_studies(style, **options):
    check(style=style, most=200, **options)


@pytest.mark.parametrize(
    ("style", "spacing", "scale"),
    [
        *itertools.product(style_names(), ["linear", "logit", "sqrt"], ["percent"]),
        *itertools.product(
            ["default"], ["linear", "logit", "sqrt"], ["proportion", "per 1000", "per 100000"]
        ),
    ],
)
def test_the_drawn_interval_is_the_exact_one(style, spacing, scale):
    """Every kind of study on one plot: none, one, all but one and all of 1 to a million patients."""
    n = [1, 1, 7, 7, 7, 31, 400, 400, 10**6, 10**6, 10**6]
    events = [0, 1, 0, 1, 7, 30, 0, 399, 0, 1, 10**6]
    studies = mr.Studies(events, n)
    ci = mr.binomial_ci(events, n)
    plot = studies.forest(style=style, spacing=spacing, scale=scale)
    to_pixels = plot.axes.transData
    left, right = plot.axes.transAxes.transform([(0, 0), (1, 0)])[:, 0]
    for i, marks in enumerate(plot.marks):
        assert list(marks["interval"].get_xdata()) == [ci.low[i], ci.high[i]]
        assert list(marks["square"].get_xdata()) == [events[i] / n[i]]
        at = to_pixels.transform([(events[i] / n[i], 0.0)])[0, 0]
        if events[i] in (0, n[i]):
            assert at == pytest.approx(left if events[i] == 0 else right, abs=1e-6)
        assert printed.rates_are_printed(
            text(plot, i, "rate"), (ci.rate[i], ci.low[i], ci.high[i]), plot.table.factor
        )
    assert faults(plot, dpi=100) == []


@pytest.mark.parametrize("script", sorted(MORE_SCRIPTS))
def test_a_machine_with_no_other_font_than_that_of_matplotlib(script):
    """Letters that no font has are boxes, as wide as what was measured."""
    words = [(MORE_SCRIPTS[script] * 8)[:size].strip() for size in (3, 40, 120)]
    studies = mr.Studies([1, 0, 9], [9, 9, 9], words, {"country": words, "region": ["a", "b", "b"]})
    for width in (None, "170mm"):
        plot = mr.pool(studies).forest(by="region", right="country", title=words[1], width=width)
        assert plot.texts[1, "study"][0].get_fontfamily() == ["DejaVu Sans"]
        assert faults(plot, dpi=100) == []
        assert printed.unlike_the_table(plot) == printed.crooked(plot) == []


def test_the_reader_sees_wrong_numbers():
    assert printed.is_printed("94.1", 94.149)
    assert not printed.is_printed("94.1", 94.16)
    assert printed.is_printed("<0.001", 2e-9)
    assert not printed.is_printed("<0.001", 0.002)
    assert not printed.is_printed("<0.001", 0.0)
    assert printed.is_printed("6·19e-05", 6.189e-5)
    assert printed.rates_are_printed("94·1% (71·3–99·9)", (0.94118, 0.71311, 0.99851), 100)
    assert not printed.rates_are_printed("0.0% (0.0% to 1.0%)", (0.0004, 0.0, 0.01), 100)
    plot = mr.pool(mr.datasets.load("pritz1997")).forest()
    assert printed.unlike_the_table(plot) == printed.crooked(plot) == []
    plot.texts[3, "rate"][0].set_text("74.2% (61.0% to 84.7%)")
    assert printed.unlike_the_table(plot)[0][0] == (3, "rate")
    plot.texts[4, "weight"][0].set_x(plot.texts[4, "weight"][0].get_position()[0] + 4)
    assert printed.crooked(plot)[0][0] == "weight"
