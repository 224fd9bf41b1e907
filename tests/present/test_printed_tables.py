"""print() of every public result is a readable table: aligned, at most 120 columns, no arrays."""

import dataclasses
import re
import subprocess
import sys

import numpy as np
import pytest

import metaresp as mr
from metaresp.binomial import coverage
from metaresp.present.forest_table import Column
from metaresp.present.printed import TABLES, table_of
from metaresp.present.text_tables import MOST_ROWS, WIDTH, Summary, display_width
from metaresp.records import Record
from metaresp.studies.parts import ExcludedStudy
from tests.test_api import PUBLIC

LONG = "A study with a label that goes on and on, as labels of registries and of translated reports do, " * 2


@pytest.fixture(scope="module")
def results():
    """Several results of every public record, of ordinary and of awkward data."""
    studies = mr.datasets.load("pritz1997")
    grouped = mr.Studies([0, 0, 0, 4, 5, 3], [20] * 6, covariates={"region": list("AAABBB")})
    fit = mr.pool(studies)
    other = mr.pool(studies, model="inverse-variance", digits=2, outcome="complete remission")
    zero = mr.pool(events=[0, 0], n=[32, 40])
    beta = mr.pool(studies, model="beta-binomial")
    nested = mr.pool(events=[1, 2, 9, 7, 4, 0], n=[9, 12, 14, 11, 8, 6], cluster=list("aabbba"))
    many = mr.Studies(np.arange(250) % 9, np.full(250, 9))
    wide = mr.Studies(
        [3, 1], [9, 10**9], [LONG, "東京 2012\nsecond line"],
        {f"covariate {i}": ["a value", None] for i in range(20)},
        excluded=[ExcludedStudy("Li", None, 35, 3, "events are missing", {})],
    )  # fmt: skip
    fits = [fit, other, zero, beta, nested, mr.pool(events=[3], n=[9]), mr.pool(many), mr.pool(wide)]
    batch = mr.pool_batch(np.ones((20, 10, 3), int), [[9, 9, 9]], model="common")
    lanes = mr.pool_batch([[13, 4, 9], [0, 0, 0], [0, 1, 0]], [[18, 7, 15], [18, 12, 7], [10**9] * 3])
    nothing = mr.pool_batch([[1, 2]], [[3, 4]], [[0, 0]], model="inverse-variance")
    one_lane = mr.pool_batch([1, 2], [3, 4])
    doses = mr.Studies([1, 3, 5, 9], [12, 20, 22, 18], covariates={"dose": [1, 2, 3, 4], LONG: list("abba")})
    regressions = [
        mr.regress(doses, ["dose", LONG]), mr.regress(grouped, "region"),
        mr.regress(doses, "dose", model="inverse-variance", permutations=100),
    ]  # fmt: skip
    return [
        *fits, *(one.heterogeneity for one in fits), *(one.study_rates() for one in fits), nested.levels,
        *(one.spec for one in fits), *(one.studies for one in fits), *wide.excluded, batch, lanes, nothing,
        one_lane,
        *(one.study_ci for one in fits), mr.binomial_ci(3, 100_000), mr.binomial_ci([], []),
        mr.binomial_ci([[1, 2], [3, 4]], 9, method="hpd", alternative="less"),
        mr.binomial_ci(np.arange(1000), 1000), mr.binomial_test(13, 18, 0.5),
        mr.binomial_test(np.arange(1000), 1000, [[0.2], [0.3]]), mr.binomial_test([1, 2], 9, 0.3),
        mr.compare_methods(13, 18), mr.compare_methods(0, 5, alternative="less"), coverage(18),
        coverage(9, "wald", [0.3]), mr.missing_bounds([13, 4], [18, 7], [21, 7]), mr.missing_bounds(1, 2, 3),
        mr.recover_counts("72.2%", "46.5%", "90.3%"), mr.recover_counts(0.7, 0.5, 0.9, n_max=60),
        mr.recover_counts("0%", "0%", "15.3%", n_max=9),
        mr.subgroups(mr.pool(grouped), "region"), mr.subgroups(mr.pool(grouped, outcome="death"), "region"),
        mr.subgroups(mr.pool(grouped, model="inverse-variance"), "region"),
        *(mr.small_study_effects(fit, method=name) for name in ("binomial", "egger", "rank", "lfk")),
        mr.small_study_effects(mr.pool(events=[0, 0, 4], n=[40, 30, 9])), mr.trim_and_fill(fit),
        mr.baujat(fit), mr.funnel(fit), mr.funnel(other, size="se"), mr.drapery(fit),
        mr.gosh(other), mr.gosh(zero), mr.gosh(mr.pool(many, model="common"), subsets=9),
        *regressions, *(one.predict() for one in regressions), regressions[0].bubbles("dose"),
        regressions[1].bubbles(),
        fit.predict_events(5), other.predict_events(100_000), fit.test(0.3), other.test(0.001),
        zero.test(0.5), mr.compare(fit), mr.compare(zero), mr.multinomial_ci([0, 4, 90]),
        mr.pool_categories({"CR": [1, 0], "PR": [4, 3], LONG: [9, 8]}, categories=["CR", "PR", LONG]),
        mr.overlap(grouped, "region"), mr.overlap(zero, "study"),
        mr.missing_responses(mr.Studies([1, 0], [9, 4], enrolled=[12, 4]), odds=[0, 0.5, 1, 3, np.inf]),
        zero.test(0.5), mr.leave_one_out(fit), mr.leave_one_out(zero), mr.leave_one_out(mr.pool(wide)),
        mr.leave_one_out(beta, prediction=True), mr.leave_one_out(nested, by="cluster"),
        mr.cumulative(other, by="rate"), mr.cumulative(mr.pool(grouped), by="region"), mr.influence(fit),
        mr.influence(beta), mr.influence(mr.pool(grouped), by="region"),
        zero.test(0.5),
        mr.reproduce(studies, "75.7% (66.1 to 83.4)"), mr.reproduce(zero.studies, "1.0% (0 to 5)"),
        mr.reproduce(grouped, "0.10", I2=50), mr.reproduce(wide, "2.2 per 10,000 (1.1 to 9.9)"),
    ]  # fmt: skip


def table_lines(text, summary):
    """Return the lines of the table in *text*: from its head on, as many as it has rows."""
    lines = text.splitlines()
    heads = [re.split(r"  +", line)[:2] for line in lines]
    at = heads.index(list(summary.columns[:2]))
    return lines[at : at + 1 + min(len(summary.rows), MOST_ROWS)]


def test_every_public_record_is_walked(results):
    records = {name for name in PUBLIC if isinstance(getattr(mr, name), type)}
    records = {name for name in records if issubclass(getattr(mr, name), Record)}
    walked = {type(result).__name__ for result in results}
    assert records <= walked
    assert walked == set(TABLES), "a table without a record, or a record without a table"


def test_print_is_a_table(results):
    for result in results:
        text, summary = str(result), table_of(result)
        name = type(result).__name__
        assert text.strip(), name
        assert not re.search(r"array\(|dtype|\bnan\b|None|\bnp\.", text), text
        assert max(map(len, text.splitlines())) <= WIDTH, text
        assert all(line == line.rstrip() for line in text.splitlines()), name
        assert not re.search(r"\n\n\n", text), name
        if name not in {"Studies", "Fit", "StudyRates"} and "東京" not in text:
            assert text.isascii(), text
        if summary.columns:
            lines = table_lines(text, summary)
            assert len(lines) == 1 + min(len(summary.rows), MOST_ROWS)
            if all(map(all, summary.rows)) and len(summary.columns) < 20:
                check_alignment(lines)


def test_summary_is_what_is_printed(results):
    for result in results:
        found = result.summary()
        assert isinstance(found, Summary)
        assert str(found) == str(result), type(result).__name__
    assert "Column(key='a'" in str(Column("a", "A").summary())


def check_alignment(lines):
    """All columns but the first end at the same place in every line."""
    assert len({display_width(line) for line in lines}) == 1, "\n".join(lines)
    plain = [line for line in lines if line.isascii()]
    ends = [[match.end() for match in re.finditer(r"\S(?=  |$)", line)][1:] for line in plain]
    assert all(row == ends[0] for row in ends), "\n".join(lines)


def test_a_notebook_shows_the_same(results):
    for result in results:
        summary, shown = table_of(result), result._repr_html_()
        assert shown.count("<tr>") >= min(len(summary.rows), MOST_ROWS)
        assert "<script" not in shown
    assert mr.pool(events=[1], n=[9], study=["<b>"])._repr_html_().count("&lt;b&gt;") == 1
    assert Summary().__str__() == ""


def test_long_ones_say_what_is_left_out():
    long = mr.binomial_ci(np.arange(1000), 1000)
    assert str(long).endswith("... and 980 more rows")
    assert "<p>... and 980 more rows</p>" in long._repr_html_()
    assert "... and 150 more rows\n" in f"{mr.Studies(np.zeros(250, int), np.full(250, 9))}\n"
    wide = mr.Studies([1], [9], covariates={f"covariate number {i}": ["value"] for i in range(20)})
    assert re.search(r"Columns left out here: covariate number \d+, ", str(wide))


def test_repr_of_studies_is_short():
    assert repr(mr.Studies([13, 4], [18, 7])) == "Studies(k=2, events=17, n=25)"


def test_where_the_data_came_from_is_said():
    class Source:
        notes = ()

        def __str__(self):
            return "trials.csv: 'Positive' as events, 'n' as patients, header in row 1"

    class Read:
        source = Source()

        def __init__(self, studies):
            self._studies = studies

        def __getattr__(self, name):
            return getattr(self._studies, name)

        def __len__(self):
            return len(self._studies)

    fit = mr.pool(events=[13, 4], n=[18, 7])
    sourced = dataclasses.replace(fit, studies=Read(fit.studies))
    facts = dict(sourced.summary().facts)
    assert facts["Read"] == "trials.csv: 'Positive' as events, 'n' as patients, header in row 1"
    assert "Read" not in dict(fit.summary().facts)


def test_printing_loads_nothing_heavy():
    code = (
        "import metaresp as mr, sys; str(mr.binomial_ci([1, 2], 9)); str(mr.pool(events=[1, 2], n=[9, 9]));"
        "print(sorted({'pandas', 'matplotlib', 'scipy.stats'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
