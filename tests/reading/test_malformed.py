"""Three hundred broken or hostile files: one clear line and status 2, or right; never a traceback."""

import json
import time

import pytest

from metaresp.cli import main
from tests.reading.malformed import COUNT, files

LONGEST = 600
#: Nothing here is big: a file that takes this long is read in a way that does not end.
GUARD_SECONDS = 60


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return files(tmp_path_factory.mktemp("malformed"))


@pytest.mark.parametrize("number", range(COUNT))
def test_one_clear_line_or_right(written, number, capfd, monkeypatch, tmp_path):
    path, right = written[number]
    monkeypatch.chdir(tmp_path)
    before = {one.name for one in path.parent.iterdir()}
    started = time.process_time()
    status = main(["pool", str(path), "--json"])
    assert time.process_time() - started < GUARD_SECONDS
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())
    assert {one.name for one in path.parent.iterdir()} == before
    if status == 0:
        assert right is not None, f"{path.name} holds no studies, but was pooled: {out[:300]}"
        fit = json.loads(out)
        if right:
            read = fit["studies"]
            assert list(zip(read["events"], read["n"], strict=True)) == [tuple(row) for row in right]
        return
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1, err
    assert len(err.replace(str(path.parent), "")) < LONGEST, err
    assert path.name in err
    assert not any(ord(letter) < 32 for letter in err.rstrip("\n")), repr(err)


def test_the_same_files_are_written_again(written, tmp_path):
    again = files(tmp_path)
    assert len(again) == len(written) == COUNT
    # workbooks carry the time at which they were written
    assert all(
        one.read_bytes() == other.read_bytes()
        for (one, _), (other, _) in zip(written, again, strict=True)
        if one.suffix not in {".xlsx"}
    )
