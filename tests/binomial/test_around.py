"""Coverage, comparison of methods, recovered counts, missing patients, and their pictures."""

import numpy as np
import pytest
from matplotlib.text import Text

import metaresp as mr
from metaresp.binomial import Coverage, compare_methods, coverage, missing_bounds, recover_counts
from tests.binomial import slow
from tests.plots.geometry import faults


def test_coverage_is_a_sum_over_counts():
    rates = [0.0, 0.1, 0.33, 0.5, 0.9, 1.0]
    found = coverage(9, ["blaker", "wald"], rates)
    for i, method in enumerate(("blaker", "wald")):
        ci = mr.binomial_ci(np.arange(10), 9, method=method)
        for j, rate in enumerate(rates):
            masses = slow.pmf(9, rate)
            held = sum(m for m, a, b in zip(masses, ci.low, ci.high, strict=True) if a <= rate <= b)
            width = sum(m * (b - a) for m, a, b in zip(masses, ci.low, ci.high, strict=True))
            assert found.coverage[i, j] == pytest.approx(held, abs=1e-13)
            assert found.expected_width[i, j] == pytest.approx(width, abs=1e-13)
    assert list(found.to_frame().columns) == ["method", "rate", "coverage", "expected_width"]
    assert len(found.to_frame()) == 12
    assert Coverage.from_dict(found.to_dict()) == found


def test_mean_and_minimum_against_a_fine_grid():
    grid = (np.arange(50_000) + 0.5) / 50_000
    found = coverage(18, ["clopper-pearson", "wilson", "blaker"], grid)
    np.testing.assert_allclose(found.mean, found.coverage.mean(axis=1), atol=1e-5)
    assert np.all(found.minimum <= found.coverage.min(axis=1) + 1e-9)
    np.testing.assert_allclose(found.minimum, found.coverage.min(axis=1), atol=2e-3)


def test_coverage_refuses():
    for options, text in (
        ({"n": [18, 20]}, "one number of patients"), ({"n": 20_000}, "from 1 to 10000"), ({"n": 0}, "n=0"),
        ({"n": 18, "method": "wilsn"}, "did you mean 'wilson'"), ({"n": 18, "method": []}, "empty list"),
        ({"n": 18, "rates": [0.5, 2]}, r"rates\[1\]=2"),
        ({"n": 18, "prior": (1, 1), "method": "wald"}, "no meaning"),
        ({"n": 18, "level": 2}, "level=2"), ({"n": 18, "alternative": "both"}, "alternative='both'"),
    ):  # fmt: skip
        with pytest.raises(mr.InvalidArgument, match=text):
            coverage(**options)


def test_compare_methods():
    found = compare_methods("13/18")
    assert found.methods == tuple(mr.BINOMIAL_CI)
    assert found.low[0] == mr.binomial_ci(13, 18).low
    assert list(found.to_frame().columns) == ["method", "events", "n", "rate", "low", "high", "width"]
    assert "blyth-still-casella" not in compare_methods(5, 20_000).methods
    with pytest.raises(mr.CannotEstimate):
        compare_methods(5, 20_000, methods=["blyth-still-casella"])
    with pytest.raises(mr.InvalidArgument, match="one trial"):
        compare_methods([1, 2], 5)


def test_counts_come_back_from_their_own_report():
    rng = np.random.default_rng(7)
    for method in ("clopper-pearson", "wilson"):
        for _ in range(20):
            n = int(rng.integers(5, 200))
            x = int(rng.integers(0, n + 1))
            ci = mr.binomial_ci(x, n, method=method)
            found = recover_counts(
                *(f"{100 * v:.1f}%" for v in (ci.rate, ci.low, ci.high)), method=method, n_max=300
            )
            assert (x, n) in list(zip(found.events.tolist(), found.n.tolist(), strict=True))
            for a, b in zip(found.low, found.high, strict=True):
                assert abs(a - ci.low) <= 0.001 + 1e-9
                assert abs(b - ci.high) <= 0.001 + 1e-9


def test_recover_counts_lists_every_candidate():
    found = recover_counts("50%", "10%", "90%", n_max=40, decimals=0)
    tried = [
        (x, n) for n in range(1, 41) for x in range(n + 1)
        if abs(x / n - 0.5) <= 0.005 and abs(mr.binomial_ci(x, n).low - 0.1) <= 0.005
        and abs(mr.binomial_ci(x, n).high - 0.9) <= 0.005
    ]  # fmt: skip
    assert list(zip(found.events.tolist(), found.n.tolist(), strict=True)) == tried
    assert str(recover_counts(72.2, 46.5, 90.3)) == str(recover_counts(0.722, 0.465, 0.903)) == "13/18"
    assert str(recover_counts("72,2", "46,5", "90,3")) == "13/18"
    wide = recover_counts(0.7, 0.5, 0.9, n_max=30)
    assert 1 < len(wide) == len(wide.to_frame())
    assert len(recover_counts("0.70", "0.50", "0.90", n_max=30)) < len(wide)
    assert str(recover_counts("0%", "0%", "15.3%", n_max=9)).startswith("no counts up to n=9")


@pytest.mark.parametrize(("values", "text"), [
    (("72.2%", 0.465, "90.3%"), "all rates from 0 to 1 or all percentages"),
    ((120, 46, 90), "all percentages"),
    (("x", 0, 1), "rate='x' is not a reported rate"),
    ((True, 0, 1), "rate=True"),
    ((float("nan"), 0, 1), "rate=nan"),
    ((-0.1, 0, 1), "rate=-0.1"),
    ((0.2, 0.3, 0.4), "rate=0.2 is not between low=0.3 and high=0.4"),
])  # fmt: skip
def test_recover_counts_refuses(values, text):
    with pytest.raises(mr.InvalidArgument, match=text):
        recover_counts(*values)


def test_recover_counts_refuses_options():
    for options in ({"n_max": 0}, {"n_max": 1.5}, {"decimals": -1}, {"method": "x"}, {"level": 3}):
        with pytest.raises(mr.InvalidArgument, match=next(iter(options))):
            recover_counts(0.5, 0.2, 0.8, **options)


def test_missing_bounds():
    found = missing_bounds("13/18", enrolled=21)
    assert (found.worst.events, found.worst.n, found.best.events, found.best.n) == (13, 21, 16, 21)
    assert found.evaluable == mr.binomial_ci(13, 18)
    assert found.low == mr.binomial_ci(13, 21).low < found.evaluable.low
    assert found.high == mr.binomial_ci(16, 21).high > found.evaluable.high
    same = missing_bounds([1, 2], 5, 5)
    assert same.worst == same.best == same.evaluable
    assert missing_bounds([1, 2], 5, [6, 9]).to_frame()["case"].tolist() == 2 * ["evaluable"] + 2 * [
        "worst"
    ] + 2 * ["best"]
    assert type(found).from_dict(found.to_dict()) == found
    for enrolled, text in (
        (17, "enrolled=17 is below n=18"),
        (None, "enrolled is missing"),
        (18.5, "enrolled=18.5"),
    ):
        with pytest.raises(mr.InvalidArgument, match=text):
            missing_bounds(13, 18, enrolled)


def not_drawn(figure):
    """Labels of ticks beyond the limits of their axis, and of hidden panels: kept, but not drawn."""
    for panel in figure.axes:
        for axis, limits in ((panel.xaxis, panel.get_xlim()), (panel.yaxis, panel.get_ylim())):
            for tick in axis.majorTicks:
                if not (panel.get_visible() and min(limits) <= tick.get_loc() <= max(limits)):
                    yield tick.label1


def texts_overlap(figure):
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    hidden = set(map(id, not_drawn(figure)))
    texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
    texts = [t for t in texts if id(t) not in hidden]
    boxes = [t.get_window_extent(renderer) for t in texts]
    assert len(boxes) > 10
    width, height = figure.canvas.get_width_height()
    outside = [b for b in boxes if b.x0 < -1 or b.y0 < -1 or b.x1 > width + 1 or b.y1 > height + 1]
    crossing = [
        (texts[i].get_text(), texts[k].get_text())
        for i, a in enumerate(boxes)
        for k, b in enumerate(boxes[:i])
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]
    return outside, crossing


@pytest.mark.parametrize(
    "methods", [["blaker"], ["blaker", "wilson"], pytest.param(list(mr.BINOMIAL_CI), marks=pytest.mark.slow)]
)
def test_coverage_picture(methods, tmp_path):
    found = coverage(18, methods, np.linspace(0, 1, 101))
    picture = found.plot(tmp_path / "coverage.svg")
    figure = picture.figure
    assert picture.alt.startswith("Coverage of 95% intervals by the true rate, n = 18; lowest: blaker 95.0%")
    assert picture.alt in (tmp_path / "coverage.svg").read_text(encoding="utf-8")
    assert texts_overlap(figure) == ([], [])
    panel = figure.axes[0]
    np.testing.assert_array_equal(panel.lines[1].get_ydata(), found.coverage[0])


@pytest.mark.parametrize("events", [0, 13, 18])
def test_interval_picture(events, tmp_path):
    found = compare_methods(events, 18)
    plot = found.plot(tmp_path / "intervals.png", width="85mm")
    assert (tmp_path / "intervals.png").stat().st_size > 1000
    assert faults(plot) == []
    rows = plot.table.rows
    assert [(row.low, row.high) for row in rows] == list(zip(found.low, found.high, strict=True))
    assert {row.rate for row in rows} == {events / 18}
    assert plot.table.title == f"{events}/18"
    shown = [row.text("rate") for row in rows]
    assert not any("-0.0" in text for text in shown)
    assert len(shown) == 16
