"""The command line as a user meets it: status, output and files of every command."""

import contextlib
import io
import json
import os
import subprocess
import sys

import pytest

import metaresp as mr
from metaresp.cli import main


def metaresp(*arguments, cwd="."):
    """Run a command in this process, which is the same (see below) and saves starting Python."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([*map(str, arguments)])
    said = []
    for stream in (out, err):
        stream.flush()
        said.append(stream.buffer.getvalue().decode("utf-8"))
    return subprocess.CompletedProcess(arguments, status, *said)


def flat(content, path=""):
    """Return the leaves of JSON by their paths."""
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        return {name: leaf for key, value in items for name, leaf in flat(value, f"{path}/{key}").items()}
    return {path: content}


@pytest.mark.parametrize(
    "arguments",
    [
        ["ci", "13/18", "0/18"],
        ["pool", "trials.csv"],
        ["pool", "trials.csv", "--json"],
        ["ci", "14/13"],
        ["ci", "13/18", "--frob"],
        ["pool", "nowhere.csv"],
        ["forest", "trials.csv", "-o", "no/a.png"],
    ],
    ids=" ".join,
)
def test_a_process_of_its_own_says_the_same(trials, arguments):
    run = subprocess.run(
        [sys.executable, "-m", "metaresp", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=trials.parent,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    here = metaresp(*arguments, cwd=trials.parent)
    if "--json" in arguments and run.returncode == 0:  # sums by more threads differ in their last digits
        one, other = (flat(json.loads(text)) for text in (run.stdout, here.stdout))
        assert one.keys() == other.keys()
        for path, leaf in one.items():
            same = pytest.approx(other[path], rel=1e-9) if isinstance(leaf, float) else other[path]
            assert leaf == same, path
        return
    assert (run.returncode, run.stdout) == (here.returncode, here.stdout)
    # the name of the program in the hint is that of pytest here
    assert run.stderr.partition(" (see: ")[0] == here.stderr.partition(" (see: ")[0]


@pytest.fixture
def trials(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("trial,r,n,year\nXu,13,18,2012\nLi,4,7,2013\nWang,9,15,2014\n", encoding="utf-8")
    return path


def test_ci():
    assert metaresp("ci", "13/18").stdout.startswith("13/18: 72.2% (46.5% to 90.3%)")
    assert "at most 15.3%" in metaresp("ci", "0/18", "--alternative", "less").stdout
    assert "at least" in metaresp("ci", "18/18", "--alternative", "greater").stdout


def test_ci_of_several_trials_is_an_aligned_table():
    lines = metaresp("ci", "13/18", "4/7", "0/18").stdout.splitlines()
    assert len(lines) == 5
    assert len({line.index("%") for line in lines[2:]}) == 1


def test_ci_by_all_methods(tmp_path):
    run = metaresp("ci", "13/18", "--all-methods", "--plot", tmp_path / "methods.svg")
    assert run.returncode == 0, run.stderr
    for name in mr.BINOMIAL_CI:
        assert any(line.startswith(f"{name} ") for line in run.stdout.splitlines()), name
    assert (tmp_path / "methods.svg").stat().st_size > 1000


def test_ci_by_all_methods_says_what_is_left_out():
    assert (
        "Cannot be had at n = 20000: blyth-still-casella" in metaresp("ci", "3/20000", "--all-methods").stdout
    )


def test_ci_plot(tmp_path):
    assert metaresp("ci", "13/18", "4/7", "--method", "blaker", "--plot", tmp_path / "a.png").returncode == 0
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_ci_json_is_the_record():
    one = json.loads(metaresp("ci", "13/18", "--json").stdout)
    assert one == mr.binomial_ci(13, 18).to_dict()
    two = json.loads(metaresp("ci", "13/18", "4/7", "--json").stdout)
    assert two["events"] == [13, 4]


def test_pool(trials):
    run = metaresp("pool", trials)
    assert run.returncode == 0
    assert "65.0%" in run.stdout
    assert "26 of 40" in run.stdout
    content = json.loads(metaresp("pool", trials, "--json").stdout)
    assert mr.Fit.from_dict(content) == mr.pool(mr.read_studies(trials))


def test_pool_options_of_files_and_simulation(tmp_path):
    path = tmp_path / "percent.csv"
    path.write_text("trial,orr,n,enrolled\nXu,72.2,18,20\nLi,57.1,7,9\n", encoding="utf-8")
    options = [
        "--percent",
        "orr",
        "--enrolled",
        "enrolled",
        "--model",
        "inverse-variance",
        "--ci",
        "bootstrap",
    ]
    run = metaresp("pool", path, *options, "--seed", "3", "--json")
    content = json.loads(run.stdout)
    assert content["studies"]["events"] == [13, 4]
    assert content["studies"]["enrolled"] == [20, 9]
    assert content["spec"]["seed"] == 3
    again = metaresp("pool", path, *options, "--seed", "3", "--json")
    assert again.stdout == run.stdout


def test_pool_options(trials):
    run = metaresp(
        "pool",
        trials,
        "--model",
        "inverse-variance",
        "--tau2",
        "0.2",
        "--ci",
        "t",
        "--prediction",
        "none",
        "--json",
    )
    content = json.loads(run.stdout)
    assert content["tau2"] == 0.2
    assert content["prediction_interval"] is None


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_forest(trials, ending, tmp_path):
    output = tmp_path / f"forest.{ending}"
    run = metaresp("forest", trials, "-o", output, "--sort", "rate", "--title", "Response")
    assert run.returncode == 0, run.stderr
    assert output.stat().st_size > 1000
    assert run.stdout == f"wrote {output}\n"


def test_forest_by_subgroups_in_a_style(trials, tmp_path):
    trials.write_text("trial,r,n,region\nXu,13,18,A\nLi,4,7,A\nWang,9,15,B\nHu,2,9,B\n", encoding="utf-8")
    output = tmp_path / "groups.svg"
    run = metaresp("forest", trials, "-o", output, "--by", "region", "--style", "jama", "--page", "A4")
    assert run.returncode == 0, run.stderr
    assert "Test between groups" in output.read_text(encoding="utf-8")
    assert metaresp("forest", trials, "--no-pool", "--by", "region").returncode == 2
    assert "did you mean 'jama'" in metaresp("forest", trials, "--style", "jamma").stderr


def test_forest_without_pooling(trials, tmp_path):
    run = metaresp("forest", trials, "-o", tmp_path / "a.svg", "--no-pool", "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["study"] == ["Xu", "Li", "Wang"]
    run = metaresp("forest", trials, "--no-pool", "--model", "common")
    assert run.returncode == 2
    assert "--model has no meaning with --no-pool" in run.stderr


def test_demo(tmp_path):
    run = metaresp("demo", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "79.8%" in run.stdout
    assert (tmp_path / "metaresp-demo.png").stat().st_size > 1000


@pytest.fixture
def arms(tmp_path):
    rows = ["A,1,9,x", "B,2,12,x", "C,9,14,y", "D,7,11,y", "E,4,8,z", "F,0,6,z"]
    path = tmp_path / "arms.csv"
    path.write_text("\n".join(["study,events,n,centre", *rows, ""]), encoding="utf-8")
    return path


def test_pool_with_clusters(arms):
    run = metaresp("pool", arms, "--cluster", "centre", "--json")
    assert run.returncode == 0, run.stderr
    content = json.loads(run.stdout)
    assert content["levels"]["clusters"] == 3
    text = metaresp("pool", arms, "--cluster", "centre", "--model", "inverse-variance", "--ci", "CR1").stdout
    assert "studies nested in 3 clusters by centre" in text


def test_forest_with_clusters(arms):
    run = metaresp("forest", arms, "--cluster", "centre", "-o", arms.parent / "a.svg")
    assert run.returncode == 0, run.stderr
    assert "nested in 3 clusters" in " ".join((arms.parent / "a.svg").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--cluster", "center"], "column 'center' is not known"),
        (["--cluster", "centre", "--model", "common"], "takes studies as independent"),
        (["--cluster", "centre", "--model", "inverse-variance", "--tau2", "DL"], "choose 'REML'"),
    ],
)
def test_bad_clusters_are_one_line(arms, options, words):
    run = metaresp("pool", arms, *options)
    assert (run.returncode, run.stdout) == (2, "")
    assert words in run.stderr
    assert run.stderr.count("\n") == 1


BAD = [
    (["ci", "14/13"], ["14", "13"]),
    (["ci", "13"], ["13 is not events/n"]),
    (["ci", "a/b"], ["a/b is not events/n"]),
    (["ci", "13/18", "--method", "wilso"], ["did you mean 'wilson'"]),
    (["ci", "13/18", "--level", "95"], ["--level 95"]),
    (["ci", "13/18", "--alternative", "upper"], ["--alternative upper"]),
    (["ci", "-1/18"], ["'-1/18' is negative"]),
    (["pool", "trials.csv", "--sheet", "1"], ["--sheet 1", "no workbook"]),
    (["ci"], ["issing argument"]),
    (["ci", "13/18", "4/7", "--all-methods"], ["one trial"]),
    (["ci", "13/18", "--all-methods", "--method", "wilson"], ["--method"]),
    (["ci", "13/18", "--alternative", "less", "--plot", "a.png"], ["two-sided"]),
    (["ci", "13/18", "--frob"], ["--frob"]),
    (["pol"], ["pol"]),
    (["pool", "nowhere.csv"], ["nowhere.csv"]),
    (["pool", "trials.csv", "--model", "glmm"], ["--model glmm"]),
    (["pool", "trials.csv", "--link", "probot"], ["--link probot", "did you mean 'probit'"]),
    (["pool", "trials.csv", "--transform", "logit"], ["no meaning for --model binomial-normal"]),
    (["pool", "trials.csv", "--events", "x"], ["no column of trials.csv"]),
    (["pool", "bad.csv"], ["bad.csv", "row 3", "9", "7"]),
    (["forest", "trials.csv", "-o", "forest.docx"], ["forest.docx", ".png"]),
    (["forest", "trials.csv", "-o", "no/such/folder/forest.png"], ["folder"]),
    (["forest", "trials.csv", "--sort", "colour"], ["colour"]),
    (["demo", "pritz"], ["did you mean 'pritz1997'"]),
]


@pytest.mark.parametrize(
    ("arguments", "words"), BAD, ids=lambda v: " ".join(v) if isinstance(v, list) else None
)
def test_bad_input_is_one_line_and_status_2(arguments, words, trials):
    (trials.parent / "bad.csv").write_text("study,events,n\nA,3,9\nB,9,7\n", encoding="utf-8")
    before = set(trials.parent.iterdir())
    run = metaresp(*arguments, cwd=trials.parent)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("metaresp: ")
    assert run.stderr.count("\n") == 1
    assert "Traceback" not in run.stderr
    for word in words:
        assert word in run.stderr
    assert set(trials.parent.iterdir()) == before


@pytest.mark.parametrize("command", ["ci", "pool", "forest", "demo"])
def test_help_has_examples(command):
    run = metaresp(command, "--help")
    assert run.returncode == 0
    assert f"metaresp {command}" in run.stdout.split("Examples:")[1]


def test_no_command_shows_the_commands():
    run = metaresp()
    assert run.returncode == 0
    for command in ("ci", "pool", "forest", "demo"):
        assert command in run.stdout


def test_version():
    assert metaresp("--version").stdout.strip() == f"metaresp {mr.__version__}"


@pytest.mark.parametrize(("given", "threads"), [({}, "1"), ({"OMP_NUM_THREADS": "3"}, None)])
def test_a_command_is_one_short_process(monkeypatch, given, threads):
    from metaresp import cli

    done = []
    for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS", "MPLBACKEND"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cli, "end_at_interrupt", lambda: None)
    monkeypatch.setattr(cli, "main", lambda: done.append(os.environ.get("OPENBLAS_NUM_THREADS")) or 0)
    monkeypatch.setattr(cli.gc, "set_threshold", lambda *_: done.append("seldom"))
    monkeypatch.setattr(cli.gc, "freeze", lambda: done.append("frozen"))
    with pytest.raises(SystemExit) as ended:
        cli.run()
    assert ended.value.code == 0
    assert done == ["seldom", threads, "frozen"]
