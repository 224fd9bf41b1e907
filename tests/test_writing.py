"""Files whole or not at all, with their mode and links."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from metaresp import writing
from metaresp.errors import InvalidArgument, UnreadableFile
from metaresp.writing import checked_path, write_files

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes")


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "a.txt"
    for content in (b"one", b"two"):
        write_files({path: content})
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["a.txt"]


@posix
def test_a_new_file_has_the_mode_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_files({tmp_path / "ours": b""})
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_replaced_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_files({path: b"new"})
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_links_are_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link, chain = tmp_path / "folder" / "a.txt", tmp_path / "link.txt", tmp_path / "chain.txt"
    link.symlink_to(Path("folder") / "a.txt")
    chain.symlink_to(link)
    for path, content in ((link, b"made"), (chain, b"replaced")):
        write_files({path: content})
        assert link.is_symlink()
        assert chain.is_symlink()
        assert target.read_bytes() == content


@posix
def test_a_pipe_is_written_straight(tmp_path):
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_files({pipe: b"content"})
    reader.join()
    assert found == [b"content"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix
def test_a_full_device(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    (tmp_path / "a.txt").symlink_to("/dev/full")
    with pytest.raises(UnreadableFile, match=r"a\.txt'.*No space left"):
        write_files({tmp_path / "a.txt": b"content"})


def test_names_as_long_as_names_can_be(tmp_path):
    path = tmp_path / ("x" * 251 + ".txt")
    write_files({path: b"content"})
    assert path.read_bytes() == b"content"
    with pytest.raises(UnreadableFile, match=r"too long"):
        write_files({tmp_path / ("x" * 256): b"content"})
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize(
    "fault", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()]
)
@pytest.mark.parametrize("where", ["os.replace", "shutil.copymode", "builtins.open"])
def test_nothing_changes_when_writing_fails(tmp_path, monkeypatch, fault, where):
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in paths:
        path.write_bytes(b"old")

    class Full:
        def __init__(self, path, mode):
            self.file = os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY), "wb")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, content):
            self.file.write(content[:1])
            raise fault

    def fail(*_):
        raise fault

    monkeypatch.setattr(where, Full if where == "builtins.open" else fail)
    with pytest.raises(UnreadableFile if isinstance(fault, OSError) else type(fault)):
        write_files(dict.fromkeys(paths, b"new"))
    monkeypatch.undo()
    assert sorted(tmp_path.iterdir()) == paths
    assert [path.read_bytes() for path in paths] == [b"old", b"old"]
    assert not writing._UNFINISHED


def test_all_files_or_none(tmp_path):
    with pytest.raises(UnreadableFile, match="no folder"):
        write_files({tmp_path / "a.txt": b"new", tmp_path / "nowhere" / "b.txt": b"new"})
    assert not list(tmp_path.iterdir())


def test_threads_on_one_path(tmp_path):
    path = tmp_path / "a.txt"
    contents = [bytes([65 + i]) * 100_000 for i in range(8)]
    seen = []

    def work(i):
        write_files({path: contents[i % 8]})
        seen.append(path.read_bytes() in contents)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(80)))
    assert seen == [True] * 80
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("path", [5, None, "a\0b.png", b"a\0b.png"])
def test_what_is_no_path(path):
    with pytest.raises(InvalidArgument, match="path="):
        checked_path(path)


def test_paths_of_bytes(tmp_path):
    assert checked_path(os.fsencode(tmp_path / "a.png")) == tmp_path / "a.png"
