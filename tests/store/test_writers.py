"""Writers on machines that do not share locks: marks beside the store keep them apart."""

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.compat import wait_for
from netxr.errors import StoreBusy
from netxr.store import locks, writers
from netxr.store.locks import alone, left_beside, marked
from netxr.store.metadata import COPY, DOCUMENT, WRITTEN
from netxr.store.staging import staging
from netxr.store.transactions import transaction
from netxr.store.writers import NAME_LENGTH, is_gone, is_running, new_name
from tests.store.stores import check_open, check_tidy, left_by_the_dead

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks of Unix")

SCORE = xr.Dataset({"score": 1.0})


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "work" / "run.zarr"
    path.parent.mkdir()
    samples = xr.DataArray(np.arange(10.0).reshape(2, 5), dims=("neuron", "time"), coords={"neuron": [0, 1]})
    netxr.save(samples.to_dataset(name="activity"), path)
    return path


@pytest.fixture(params=["a lock that counts here", "a lock that does nothing"])
def either_lock(request, monkeypatch):
    if request.param == "a lock that does nothing":
        monkeypatch.setattr(locks.FCNTL, "flock", lambda handle, operation: None)


def mark_of(path, name):
    """The mark of another writer, whose process has a name."""
    file = path.with_name(f".staging-{path.name}-writer")
    file.write_text(json.dumps({"writer": name, "host": "node17", "process": 4711, "since": "noon"}))
    return file


def test_a_name_tells_who_made_it():
    child = os.fork()
    if not child:
        signal.pause()
    try:
        theirs = new_name()[:8] + f"{child:08x}" + writers._began(child) + "00000000"
        assert is_running(new_name())
        assert is_running(theirs)
        assert not is_gone(theirs)
    finally:
        os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it is still listed
    assert is_gone(theirs)
    os.waitpid(child, 0)
    assert is_gone(theirs)
    assert len({new_name() for _ in range(100)}) == 100
    elsewhere = "0" * NAME_LENGTH
    assert not is_gone(elsewhere)
    assert not is_running(elsewhere)


def test_what_a_writer_says_while_it_writes(path):
    with transaction(path):
        (mark,) = left_beside(path)
        about = json.loads(mark.read_text())
        assert (about["process"], is_running(about["writer"])) == (os.getpid(), True)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("either_lock")
def test_a_mark_of_another_machine_is_left_until_someone_removes_it(path):
    mark = mark_of(path, "0" * NAME_LENGTH)
    for change in (lambda: netxr.add(SCORE, path), lambda: netxr.append(netxr.open(path).activity, path, dim="time")):
        with pytest.raises(StoreBusy, match=rf"process 4711 on node17, since noon.* remove {mark} first"):
            change()
    assert check_open(path).sizes["time"] == 5
    assert [problem.fix for problem in netxr.verify(path)] == ["Remove it if that writer was cut off."]
    mark.unlink()
    netxr.add(SCORE, path)
    check_tidy(path)


@pytest.mark.usefixtures("either_lock")
def test_a_mark_whose_process_is_gone_is_taken_away(path):
    mark = mark_of(path, left_by_the_dead(path).name[-NAME_LENGTH:])
    assert [(problem.place, problem.fix) for problem in netxr.verify(path)] == [
        (mark.name, "The next writer removes it.")
    ]
    netxr.add(SCORE, path)
    check_tidy(path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"writer": 3}', "\0\xff"])
def test_a_mark_that_cannot_be_read_is_left(path, text):
    mark_of(path, "").write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreBusy, match=r"process unknown on an unknown machine"):
        netxr.add(SCORE, path)


@pytest.mark.usefixtures("either_lock")
def test_two_writers_of_one_machine(path):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        with alone(path):
            os.write(write, b"1")
            signal.pause()
    try:
        os.read(read, 1)
        with pytest.raises(StoreBusy):
            netxr.add(SCORE, path)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    netxr.add(SCORE, path)
    check_tidy(path)


def lengthen(path, meanwhile):
    with transaction(path) as changes:
        changes.grow("activity", "time", 9)[:, 5:] = 1.0
        meanwhile()


def test_a_writer_whose_mark_was_removed_keeps_nothing(path):
    """Its lock was broken while it was at work: what it has done does not count, and is not undone under another."""

    def break_the_lock():
        (mark,) = left_beside(path)
        mark.unlink()

    with pytest.raises(StoreBusy, match=r"another writer has taken its lock away.*do it again"):
        lengthen(path, break_the_lock)
    assert check_open(path).sizes["time"] == 5
    netxr.append(netxr.open(path).activity.load(), path, dim="time")
    assert check_open(path).activity.values[0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0] * 2


def test_a_commit_that_came_in_between_is_kept(path):
    """Not even the mark was seen by who made it."""

    def commit():
        root = json.loads((path / DOCUMENT).read_bytes())
        root["attributes"]["note"] = "early"
        assert root[COPY][WRITTEN]
        (path / DOCUMENT).write_text(json.dumps(root))

    with pytest.raises(StoreBusy):
        lengthen(path, commit)
    assert netxr.open(path).sizes["time"] == 5
    assert netxr.open(path).attrs["note"] == "early"


def test_without_links_a_mark_is_made_too(path, monkeypatch):
    def no_links(old, new):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    netxr.add(SCORE, path)
    with marked(path), pytest.raises(StoreBusy):
        netxr.add(xr.Dataset({"other": 1.0}), path)
    check_tidy(path)


@pytest.mark.parametrize(("owner", "step"), [(Path, "write_text"), (os, "link"), (Path, "read_text"), (Path, "unlink")])
def test_ctrl_c_after_any_step_of_making_a_mark_leaves_none(path, monkeypatch, owner, step):
    do = getattr(owner, step)

    def interrupted(*args, **kwargs):
        monkeypatch.undo()
        do(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, step, interrupted)
    with pytest.raises(KeyboardInterrupt), marked(path):
        pass
    check_tidy(path)


def test_ctrl_c_while_a_mark_is_removed_leaves_none(path, monkeypatch):
    read = Path.read_text

    def interrupted(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)
        return read(*args, **kwargs)

    with pytest.raises(KeyboardInterrupt), marked(path):
        monkeypatch.setattr(Path, "read_text", interrupted)
    check_tidy(path)


def test_what_zarr_still_makes_when_a_writer_gives_up_is_removed_too(tmp_path):
    begun = threading.Event()

    async def still_opened(folder):
        begun.set()
        await asyncio.sleep(0.5)
        folder.mkdir(exist_ok=True)

    def give_up():
        with staging(tmp_path / "run.zarr") as folder:
            threads.append(threading.Thread(target=lambda: wait_for(still_opened(folder))))
            threads[0].start()
            assert begun.wait(20)
            raise KeyboardInterrupt

    threads = []
    with pytest.raises(KeyboardInterrupt):
        give_up()
    threads[0].join()
    assert list(tmp_path.iterdir()) == []


def test_a_child_of_fork_that_unwinds_leaves_lock_and_mark(path):
    with alone(path) as mark:
        child = os.fork()
        if not child:
            mark.remove()
            locks._release(os.open(path, os.O_RDONLY), path, is_owner=False)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert mark.is_there()


@pytest.mark.parametrize("name", ["n" * 254, "ü" * 127, "a" * 181])
def test_a_store_with_a_long_name(tmp_path, name):
    run = xr.Dataset({"activity": (("neuron", "time"), np.ones((2, 3)))})
    netxr.save(run, tmp_path / name)
    netxr.append(run.activity, tmp_path / name, dim="time")
    netxr.add(SCORE, tmp_path / name)
    netxr.save(SCORE, tmp_path / name, group="g" * 200)
    assert check_open(tmp_path / name).sizes["time"] == 6
    check_tidy(tmp_path / name)


def test_a_folder_that_may_not_be_removed_is_left(tmp_path, monkeypatch):
    """It may be another user's."""
    dead = left_by_the_dead(tmp_path / "run.zarr")
    dead.mkdir()
    open_ = os.open

    def not_theirs(path, *args, **kwargs):
        if str(path) == str(dead):
            raise PermissionError(13, "Permission denied", str(path))
        return open_(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", not_theirs)
    netxr.save(SCORE, tmp_path / "run.zarr")
    netxr.add(xr.Dataset({"other": 1.0}), tmp_path / "run.zarr")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([dead.name, "run.zarr"])
