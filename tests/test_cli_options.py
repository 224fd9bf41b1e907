"""The command line takes what Python takes, and says what is wrong in flags."""

import inspect
import json
import re
from pathlib import Path

import pytest

import metaresp as mr
from metaresp.cli import main
from metaresp.cli.table import ALIASES, COMMANDS, TABLE, flags
from metaresp.cli.values import KINDS
from metaresp.plots.forest import takes

# Arguments with no flag, and why.
NO_FLAG = {
    "pool": {"data"},  # the file
    "read_studies": {"path"},  # the file
    "binomial_ci": {"events", "n"},  # the trials
    "reproduce": {"studies", "published"},  # the file and the numbers
    "forest_fit": {"ax"},  # axes of a running program
    "forest_studies": {"ax", "method"},  # --study-ci
}
# Flags whose argument another branch brings; empty when all is merged.
COMING = {"outcome", "digits", "totals", "unit", "nearest"}
CALLS = {
    "pool": (set(inspect.signature(mr.pool).parameters), "pool", ("read", "model", "words")),
    "read_studies": (set(inspect.signature(mr.read_studies).parameters), "pool", ("read",)),
    "reproduce": (
        set(inspect.signature(mr.reproduce).parameters),
        "reproduce",
        ("published",),
    ),
    "binomial_ci": (set(inspect.signature(mr.binomial_ci).parameters), "ci", ("trial",)),
    "forest_fit": (takes(), "forest", ("draw", "words")),
    "forest_studies": (takes(pooled=False), "forest", ("draw", "words", "model")),
}


def names(*parts):
    return {option.name for part in parts for option in TABLE[part]}


@pytest.mark.parametrize("call", CALLS)
def test_every_argument_is_a_flag(call):
    arguments, command, parts = CALLS[call]
    assert set(parts) <= set(COMMANDS[command])
    assert arguments - names(*parts) == NO_FLAG[call]


@pytest.mark.parametrize(
    ("call", "parts"),
    [("read_studies", "read"), ("pool", "model"), ("binomial_ci", "trial"), ("forest_fit", "draw"),
     ("reproduce", "published"),
     ("pool", "words")],
)  # fmt: skip
def test_every_flag_is_an_argument(call, parts):
    assert names(parts) - CALLS[call][0] <= COMING


def test_every_option_has_a_kind_and_a_flag_of_its_own():
    for command, parts in COMMANDS.items():
        items = [option for part in parts for option in TABLE[part]]
        assert {item.kind for item in items} <= set(KINDS)
        written = [flag for item in items for flag in (item.flags or (item.flag,))]
        assert len(written) == len(set(written)), command
        assert len({item.key for item in items}) == len(items)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_lists_every_flag(command, capsys):
    main([command, "--help"])
    shown = capsys.readouterr().out
    for part in COMMANDS[command]:
        for option in TABLE[part]:
            for flag in option.flags or (option.flag,):
                assert re.search(rf"{flag}\b", shown), flag


@pytest.fixture
def trials(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = ["Xu,13,18,2012,A,low", "Li,4,7,2013,A,high", "Wang,9,15,2014,B,low", "Hu,2,9,2011,B,low"]
    path = tmp_path / "trials.csv"
    path.write_text("\n".join(["trial,r,n,year,region,rob", *rows, ""]), encoding="utf-8")
    return path


DRAWN = {
    "by": (["region"], "region"),
    "sort": (["weight"], "weight"),
    "scale": (["Per 1000"], "Per 1000"),
    "xlim": (["0,0.9"], (0, 0.9)),
    "spacing": (["sqrt"], "sqrt"),
    "left": (["year"], ["year"]),
    "right": (["year=Year of trial", "region"], {"year": "Year of trial", "region": "Region"}),
    "risk_of_bias": (["rob"], ["rob"]),
    "counts": (["none"], None),
    "weights": (["no"], False),
    "of": (["mean"], "mean"),
    "prediction": (["density"], "density"),
    "shrunken": (None, True),
    "benchmark": (["Standard=0.4", "0.2"], {"Standard": 0.4, "Benchmark 0.2": 0.2}),
    "zones": (["Futile=0,0.1"], {"Futile": (0, 0.1)}),
    "notes": (None, False),
    "title": (["Response"], "Response"),
    "axis_label": (["Rate"], "Rate"),
    "labels": (["study=Trial"], {"study": "Trial"}),
    "style": (["JAMA"], "JAMA"),
    "width": (["250mm"], "250mm"),
    "page": (["a4"], "a4"),
    "font_size": (["8"], 8),
    "dpi": (["100"], 100),
    "alt": (["words"], "words"),
}
TOGETHER = {"descending", "formats", "align", "also"}  # need another option: below


def test_the_list_of_drawing_options_is_complete():
    assert set(DRAWN) | TOGETHER == names("draw")


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_option_draws_what_python_draws(name, trials, capsys):
    texts, value = DRAWN[name]
    (option,) = (item for item in TABLE["draw"] if item.name == name)
    given = [option.flag] if texts is None else [word for text in texts for word in (option.flag, text)]
    assert main(["forest", str(trials), "-o", "cli.svg", *given]) == 0, capsys.readouterr().err
    mr.pool(mr.read_studies(trials)).forest("python.svg", **{name: value})
    assert same_picture("cli.svg", "python.svg")


def same_picture(one, other):
    return Path(one).read_bytes() == Path(other).read_bytes()


def test_drawing_options_that_go_together(trials, capsys):
    given = [
        "--sort",
        "year",
        "--descending",
        "--left",
        "year",
        "--format",
        "year=d",
        "--align",
        "year=right",
    ]
    given += ["--also", "Inverse_Variance,transform=arcsine", "--also", "common"]
    assert main(["forest", str(trials), "-o", "cli.svg", *given]) == 0, capsys.readouterr().err
    studies = mr.read_studies(trials)
    others = [
        mr.pool(studies, model="inverse-variance", transform="arcsine"),
        mr.pool(studies, model="common"),
    ]
    mr.pool(studies).forest(
        "python.svg", sort="year", descending=True, left=["year"], formats={"year": "d"},
        align={"year": "right"}, also=others,
    )  # fmt: skip
    assert same_picture("cli.svg", "python.svg")


def test_reading_and_model_options(trials, capsys):
    given = ["--events", "r", "--n", "n", "--study", "trial", "--covariates", "year", "--covariate", "rob"]
    given += ["--model", "inverse variance", "--tau2", "reml", "--ci", "Hartung_Knapp", "--level", "0.9"]
    assert main(["pool", str(trials), *given, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    fit = mr.pool(
        trials,
        events="r",
        n="n",
        study="trial",
        covariates=["year", "rob"],
        model="inverse-variance",
        level=0.9,
    )
    assert mr.Fit.from_dict(content) == fit


def test_ci_with_a_prior_is_drawn_with_it(trials, capsys):
    given = ["13/18", "4/7", "--method", "jeffreys", "--prior", "1,1"]
    assert main(["ci", *given, "--plot", "a.svg"]) == 0
    uniform = capsys.readouterr().out
    assert main(["ci", *given[:4], "--plot", "b.svg"]) == 0
    assert capsys.readouterr().out != uniform
    assert not same_picture("a.svg", "b.svg")


BAD = [
    ("pool --model GLMM", "--model GLMM is not known", "did you mean 'binomial-normal' (R: GLMM)"),
    ("pool --model reml", "'inverse-variance' with --tau2 REML (R: REML)"),
    ("pool --link probot", "--link probot", "did you mean 'probit'"),
    ("pool --transform logit", "--transform logit has no meaning for --model binomial-normal"),
    ("pool --tau2 -1 --model inverse-variance", "--tau2 -1.0"),
    ("pool --tau2 dlaird --model inverse-variance", "'DL' (Stata: dlaird)"),
    ("pool --ci knha --model inverse-variance", "--ci knha", "'hartung-knapp' (R: knha)"),
    ("pool --prediction wide", "--prediction wide"),
    ("pool --correction x --model inverse-variance", "--correction x: must be a number"),
    (
        "pool --correct all --transform arcsine --model inverse-variance",
        "--correct all",
        "--transform arcsine",
    ),
    ("pool --back-n harmonic --model inverse-variance", "--back-n harmonic", "--transform logit"),
    ("pool --level 95", "--level 95 is", "write 0.95 for 95%"),
    ("pool --level x", "--level x"),
    ("pool --study-ci exact", "--study-ci exact", "'clopper-pearson'"),
    ("pool --seed -1", "--seed -1"),
    ("pool --seed 1.5", "--seed 1.5"),
    ("pool --cluster region --model common", "--model common", "--cluster region"),
    ("pool --cluster region --tau2 DL --model inverse-variance", "--tau2 DL", "--cluster region"),
    ("forest --by colour", "colour"),
    ("forest --sort colour", "--sort colour"),
    ("forest --descending", "--descending: name the column in --sort too"),
    ("forest --scale percentage", "--scale percentage", "'percent'"),
    ("forest --xlim 0", "--xlim 0"),
    ("forest --xlim 0.5,0.2", "--xlim 0.5,0.2"),
    ("forest --spacing log", "--spacing log"),
    ("forest --left colour", "colour"),
    ("forest --left year --left year", "--left"),
    ("forest --format year", "--format year: must be key=value"),
    ("forest --left year --format year=.1q", "--format year=.1q"),
    ("forest --format region=.1f", "--format region"),
    ("forest --left year --align year=middle", "--align year=middle"),
    ("forest --risk-of-bias year", "--risk-of-bias year"),
    ("forest --counts three", "--counts three", "--counts none"),
    ("forest --weights maybe", "--weights maybe", "'yes', 'no', 'all'"),
    ("forest --draw-prediction dense", "--draw-prediction dense", "'density'"),
    ("forest --also bayes", "--model bayes"),
    ("forest --also common,colour=red", "--also colour"),
    ("forest --benchmark 20", "--benchmark 20"),
    ("forest --benchmark x", "--benchmark x"),
    ("forest --zone Futile", "--zone Futile"),
    ("forest --zone Futile=0.3,0.1", "--zone Futile=0.3,0.1"),
    ("forest --zone Futile=3,4", "--zone Futile=3"),
    ("forest --label studie=x", "--label studie", "'study'"),
    ("forest --label study={x}", "--label 'study={x}'"),
    ("forest --style jamma", "--style jamma", "'jama'"),
    ("forest --style none.toml", "--style none.toml"),
    ("forest --width wide", "--width wide"),
    ("forest --width 100 --page A4", "--width", "--page"),
    ("forest --page A9", "--page A9"),
    ("forest --font-size 100", "--font-size 100"),
    ("forest --dpi 1", "--dpi 1"),
    ("forest -o forest.docx", "--output forest.docx"),
    ("forest -o no/such/forest.svg", "--output no/such/forest.svg"),
    ("forest --no-pool --by region", "--by has no meaning with --no-pool"),
    ("forest --no-pool --draw-prediction bar", "--draw-prediction has no meaning with --no-pool"),
    ("forest --no-pool --no-notes", "--no-notes has no meaning with --no-pool"),
    ("forest --no-pool --model common", "--model has no meaning with --no-pool"),
    ("forest --no-pool --study-ci exact", "--study-ci exact"),
    ("ci 14/13", "events 14 is more than n 13"),
    ("ci 13", "13 is not events/n"),
    ("ci 13/18 --method exact", "--method exact", "'clopper-pearson' (R: exact)"),
    ("ci 13/18 --prior 1,1", "--prior 1,1 has no meaning for --method clopper-pearson"),
    ("ci 13/18 --method hpd --prior 1", "--prior 1"),
    ("ci 13/18 --alternative two.sided", "'two-sided' (R: two.sided)"),
    ("ci 13/18 --all-methods --prior 1,1", "--prior has no meaning with --all-methods"),
    ("ci 13/18 --plot a.docx", "--plot a.docx"),
]
# key=value is how some flags are written; an argument of Python is a name of the table before a value.
PYTHON = re.compile(
    r"(?<![\w'=-])(?:"
    + "|".join(sorted({option.name for part in TABLE.values() for option in part} | set(ALIASES["ci"])))
    + r")(?:\[[^\]]*\])?="
)


@pytest.mark.parametrize(("line", "words"), [(line, words) for line, *words in BAD])
def test_errors_speak_of_flags(line, words, trials, capsys):
    command, *rest = line.split()
    before = set(trials.parent.iterdir())
    assert main([command, *([] if command == "ci" else [str(trials)]), *rest]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    for word in words:
        assert word in err
    assert not PYTHON.search(err), err
    assert set(trials.parent.iterdir()) == before


def test_flags_of_renamed_arguments():
    assert flags("forest")["labels"] == "--label"
    assert flags("forest")["path"] == "--output"
    assert "prediction" not in flags("forest")
    assert flags("ci")["events"] == "events"
