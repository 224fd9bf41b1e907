"""R scripts: every option has one, labels stay inside their strings, and the shipped data's are kept.

The scripts of tests/reference/scripts were run with R 4.2.2 and metafor; they print what metaresp gives.
"""

import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.prediction import PREDICTION
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.model.spec import resolve
from metaresp.present.r_script import r_script
from metaresp.present.r_text import numbers, quoted, strings
from metaresp.studies import Studies
from metaresp.transforms import BACK_N, CORRECT, SCALE_OF_RULE, TRANSFORMS
from tests.datasets import NAMES, counts

SCRIPTS = Path(__file__).parents[1] / "reference" / "scripts"
TRIALS = SimpleNamespace(study=["A", "B", "C"], events=[3, 0, 9], n=[10, 12, 9])


def balanced(script):
    """Whether brackets match outside strings and comments, and every string ends."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"', "", script)
    bare = re.sub(r"#.*", "", bare)
    stack = []
    for c in bare:
        if c in "([{":
            stack.append(c)
        elif c in ")]}" and (not stack or stack.pop() + c not in {"()", "[]", "{}"}):
            return False
    return not stack and '"' not in bare


OPTIONS = [
    *({"tau2": name} for name in [*TAU2, 0.25]),
    *({"ci": ci, "prediction": p} for ci, p in itertools.product(MEAN_CI, [*PREDICTION, None])),
    *({"transform": name} for name in TRANSFORMS),
    *({"transform": "freeman-tukey", "back_n": name} for name in BACK_N),
    *({"correct": name, "transform": SCALE_OF_RULE.get(name, "logit")} for name in CORRECT),
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_has_a_script(options):
    script = r_script(TRIALS, resolve(model="inverse-variance", **options))
    assert balanced(script), script
    assert "None" not in script.replace("no correct = None", "")
    assert max(map(len, script.splitlines())) < 140


def test_options_reach_the_calls():
    script = r_script(
        TRIALS,
        resolve(model="inverse-variance", tau2="PM", ci="hartung-knapp-floor", correction=0.25, level=0.9),
    )
    for part in (
        'method = "PM"',
        'test = "adhoc"',
        "add = 0.25",
        'to = "only0"',
        "level = 90",
        "qt(0.95, fit$k - 2)",
    ):
        assert part in script, part
    assert "events = c(3, 0, 9)" in script


@pytest.mark.parametrize("model", ["binomial-normal", "common", "beta-binomial"])
def test_other_models(model):
    script = r_script(TRIALS, resolve(model=model))
    assert balanced(script)
    assert {"binomial-normal": "rma.glmm", "common": "binom.test", "beta-binomial": "optim"}[model] in script


@pytest.mark.parametrize("link", ["probit", "cloglog", "cauchit", "log"])
@pytest.mark.parametrize("ci", ["t", "normal", "profile"])
def test_other_links_go_to_lme4(link, ci):
    script = r_script(TRIALS, resolve(link=link, ci=ci))
    assert balanced(script)
    assert f'family = binomial("{link}"), nAGQ = 25' in script
    assert ("confint" in script) == (ci == "profile")
    assert "rma.glmm" not in script


def test_labels_cannot_end_their_string():
    evil = [
        'x"); system("rm -rf ~")  #',
        "back\\",
        "line\nbreak\r\t",
        "nul\0",
        "Müller 东京",
        "\u202e",
        "'single'",
    ]
    script = r_script(SimpleNamespace(study=evil, events=[1] * 7, n=[2] * 7), resolve(model="common"))
    assert balanced(script)
    for label in evil:
        assert not re.search(r'(?<!\\)(?:\\\\)*"', quoted(label)[1:-1])
    assert quoted("back\\") == '"back\\\\"'
    assert quoted("\u202e") == '"\\U{202e}"'
    assert "Müller 东京" in script
    assert strings(["a"]) == 'c(\n    "a"\n  )'


def test_large_counts_are_written_in_full():
    assert numbers([10**9, 0]) == "c(1000000000, 0)"
    assert max(map(len, numbers(range(1000)).splitlines())) <= 100


@pytest.mark.parametrize("name", NAMES)
def test_scripts_of_the_reference_data_are_kept(name):
    """To renew them after an intended change, write ``script`` to the file and run it in R."""
    events, n = counts(name)
    script = r_script(Studies(events=events, n=n), resolve(model="inverse-variance"))
    assert script == (SCRIPTS / f"{name}.R").read_text(encoding="utf-8")
