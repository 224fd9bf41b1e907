"""The command line under interrupts, full disks, closed streams and odd terminals: one line, no traceback."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metaresp.cli import main

PYTHON = [sys.executable, "-m", "metaresp"]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and descriptors")
# a shell starts what it sends to the background with interrupts ignored, and so do its processes
interruptible = pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) == signal.SIG_IGN, reason="interrupts are ignored here"
)
NASTY = "Xu\x1b[31m\x07\u202e中é"


@pytest.fixture
def trials(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text(f"trial,r,n\nXu 中é,13,18\n{NASTY},4,7\nWang,9,15\n", encoding="utf-8")
    return path


def assert_one_line(stderr, words):
    assert stderr.startswith("metaresp: "), stderr
    assert stderr.count("\n") == 1, stderr
    assert words in stderr


COMMANDS = [["ci", "13/18"], ["pool", "trials.csv"], ["pool", "trials.csv", "--json"], ["--help"],
            ["forest", "trials.csv", "-o", "a.svg"]]  # fmt: skip


@posix
@pytest.mark.parametrize(
    ("command", "unbuffered"), [*((command, "") for command in COMMANDS), (COMMANDS[1], "1")], ids=str
)
def test_a_full_disk_is_one_line(trials, command, unbuffered):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [*PYTHON, *command], stdout=full, stderr=subprocess.PIPE, text=True, cwd=trials.parent,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered}, check=False,
        )  # fmt: skip
    assert run.returncode == 2
    assert_one_line(run.stderr, "standard output: cannot be written (No space left on device)")


@posix
@pytest.mark.parametrize("command", COMMANDS[:3], ids=" ".join)
def test_closed_output_is_one_line(trials, command):
    run = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *PYTHON, *command], stderr=subprocess.PIPE, text=True,
        cwd=trials.parent, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert_one_line(run.stderr, "standard output: cannot be written")


@posix
def test_closed_or_full_errors_leave_the_status(trials):
    for how in ("2>&-", "2>/dev/full"):
        run = subprocess.run(
            ["/bin/sh", "-c", f'"$@" {how}', "sh", *PYTHON, "pool", "nowhere.csv"], stdout=subprocess.PIPE,
            cwd=trials.parent, check=False,
        )  # fmt: skip
        assert run.returncode == 2
        assert run.stdout == b""


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_nobody_reads(trials, unbuffered):
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(
        [*PYTHON, "pool", "trials.csv"], stdout=writer, stderr=subprocess.PIPE, cwd=trials.parent,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered}, check=False,
    )  # fmt: skip
    os.close(writer)
    assert run.returncode == 0
    assert run.stderr == b""


ENCODINGS = [
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "ascii:backslashreplace"},
    {"LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]


@pytest.mark.parametrize("environment", ENCODINGS, ids=str)
@pytest.mark.parametrize("command", COMMANDS[1:3], ids=" ".join)
def test_any_encoding_of_the_output(trials, environment, command):
    run = subprocess.run(
        [*PYTHON, *command], capture_output=True, cwd=trials.parent, env=os.environ | environment, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == b""
    if "--json" in command:
        labels = json.loads(run.stdout)["studies"]["study"]
        assert labels[0] == "Xu 中é"
        assert labels[1].endswith("\u202e中é")
    elif command[0] == "pool":
        assert b"26 of 40" in run.stdout
        assert b"\x1b" not in run.stdout


def test_no_escape_reaches_a_terminal(trials):
    odd = trials.with_name("a\x1b[31m\u202e.csv")
    trials.rename(odd)
    for command in (
        ["pool", odd],
        ["pool", odd, "--json"],
        ["pool", odd, "--n", "\x1b[2J"],
        ["pool", odd.with_name("not\x1b[2J\u202e.csv")],
        ["forest", odd, "-o", trials.with_name("b\x1b[2J\u2066.svg")],
        ["forest", odd, "--sort", "\x9b31m"],
        ["\x1b]0;title\x07"],
        ["--\x1b"],
    ):
        run = subprocess.run(
            [*PYTHON, *map(str, command)], capture_output=True, text=True, encoding="utf-8", check=False,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        assert run.returncode in (0, 2)
        assert not set(run.stdout + run.stderr) & set("\x1b\x07\x9b\u202e\u2066"), command
        assert run.stdout or run.stderr


def test_a_backend_that_is_none(trials):
    run = subprocess.run(
        [*PYTHON, "forest", "trials.csv", "-o", "a.png"], capture_output=True, cwd=trials.parent,
        env=os.environ | {"MPLBACKEND": "nonsense"}, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, b"")
    assert trials.with_name("a.png").read_bytes().startswith(b"\x89PNG")


READY = """
import sys
from metaresp.cli import end_at_interrupt, run
end_at_interrupt()
print("ready", flush=True)
run()
"""


def interrupted(folder, output, after):
    """Send an interrupt *after* seconds and return status, stderr and seconds that were taken."""
    process = subprocess.Popen(
        [sys.executable, "-c", READY, "forest", "trials.csv", "-o", output], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    start = time.perf_counter()
    if after is not None:
        time.sleep(after)
        process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    return process.returncode, stderr, time.perf_counter() - start


@posix
@interruptible
@pytest.mark.parametrize("moments", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_an_interrupt_at_any_moment(trials, moments):
    folder = trials.parent
    status, _, seconds = interrupted(folder, "whole.svg", None)
    assert status == 0
    whole, rng, ended = (folder / "whole.svg").read_bytes(), random.Random(1), 0
    for i in range(moments):
        after = seconds * (i + rng.random()) / moments
        status, stderr, _ = interrupted(folder, "a.svg", after)
        if status == 0:
            assert stderr == ""
        else:
            assert (status, stderr) == (130, "metaresp: interrupted\n"), after
            ended += 1
        assert {path.name for path in folder.iterdir()} <= {"trials.csv", "whole.svg", "a.svg"}
        if (folder / "a.svg").exists():
            assert (folder / "a.svg").read_bytes() == whole
            (folder / "a.svg").unlink()
    assert ended


@posix
@interruptible
def test_an_interrupt_while_a_file_is_written(trials):
    script = f"""
import os, signal
from metaresp.cli import end_at_interrupt
from metaresp import writing
end_at_interrupt()
plain = os.replace
writing.os.replace = lambda *_: signal.raise_signal(signal.SIGINT)
writing.write_files({{writing.Path({str(trials)!r}): b"new"}})
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (130, "metaresp: interrupted\n")
    assert os.listdir(trials.parent) == [trials.name]
    assert "Wang" in trials.read_text(encoding="utf-8")


@posix
def test_an_ignored_interrupt_stays_ignored(trials):
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + READY.replace(
        "run()\n", "signal.raise_signal(signal.SIGINT); run()\n", 1
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "ci", "13/18"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0
    assert "72.2%" in run.stdout


RETURNED = [(None, 0), (0, 0), (3, 3), (130, 130)]


@pytest.mark.parametrize(("returned", "status"), RETURNED)
def test_what_the_application_returns_is_the_status(monkeypatch, capsys, returned, status):
    monkeypatch.setattr("metaresp.cli.app.app", lambda **_: returned)
    assert main(["ci"]) == status
    assert capsys.readouterr().err == ("metaresp: interrupted\n" if status == 130 else "")


class Abort(RuntimeError):
    """What click raises after Ctrl-C."""


FAULTS = [(KeyboardInterrupt(), 130, "interrupted"), (Abort(), 130, "interrupted"),
          (MemoryError(), 2, "memory"), (ZeroDivisionError("a\nb"), 1, "ZeroDivisionError: a b")]  # fmt: skip


@pytest.mark.parametrize(("fault", "status", "words"), FAULTS, ids=repr)
def test_faults_are_one_line(monkeypatch, capsys, fault, status, words):
    def fail(**_):
        raise fault

    monkeypatch.setattr("metaresp.cli.app.app", fail)
    before = sys.stdout
    assert main(["ci"]) == status
    assert sys.stdout is before
    assert_one_line(capsys.readouterr().err, words)
