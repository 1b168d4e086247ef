"""New files: what a closed folder, or a full disk, is said to be, and that nothing stays of what was not finished."""

import errno
import os
import re
from io import FileIO
from pathlib import Path

import pytest

import netxr
from netxr.errors import DiskFull, InvalidInput, OutputExists
from netxr.schema.outputs import write_new
from tests.cli.shell import run

CLOSED = "expected a place that can be written to (Permission denied). Choose another, or get the right to write there."


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A folder that is closed to whoever runs the tests, an administrator too."""
    folder, usual = tmp_path / "closed", os.access
    folder.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and usual(path, mode))
    return folder


@pytest.fixture
def store(tmp_path):
    netxr.save(netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1), tmp_path / "run.zarr")
    return tmp_path / "run.zarr"


def test_figures_and_pages_in_a_closed_folder(closed, store):
    figure = netxr.plot.matrix(netxr.open(store).connectivity)
    for write in (
        lambda: netxr.plot.save(figure, closed / "f.png"),
        lambda: netxr.report_run(store, closed / "f.html"),
    ):
        with pytest.raises(InvalidInput, match=f"path: got .*closed.*{re.escape(CLOSED)}"):
            write()


@pytest.mark.parametrize(
    "command",
    [
        "plot {store} {to}/f.png",
        "report {store} {to}/f.html",
        "report {store} --out {to}/f.html",
        "estimate {store} --strongest 1 --out {to}/pairs.csv",
        "estimate {store} --no-diagonal --out {to}/R.zarr",
        "map {to}/m.zarr --neurons 5 --steps 100",
        "import {store} {to}/copy.zarr",
        "simulate {to}/run.zarr --neurons 5 --steps 100",
        "tutorial --out {to}/tutorial",
    ],
)
def test_each_output_of_the_shell_in_a_closed_folder(closed, store, command):
    result = run(*(word.format(store=store, to=closed) for word in command.split()))
    assert (result.exit_code, CLOSED in result.stderr) == (2, True), result.output
    assert not list(closed.iterdir())


@pytest.mark.parametrize(
    ("code", "error"), [(errno.EROFS, InvalidInput), (errno.ENOSPC, DiskFull), (errno.EIO, OSError)]
)
def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch, code, error):
    class Failing(FileIO):
        def write(self, content):
            raise OSError(code, os.strerror(code))

    with monkeypatch.context() as disk:
        disk.setattr(Path, "open", lambda path, mode: Failing(path, mode.removesuffix("b")))
        with pytest.raises(error, match=os.strerror(code)):
            write_new(tmp_path / "f.txt", b"first")
    assert not list(tmp_path.iterdir())
    write_new(tmp_path / "f.txt", b"first")
    with pytest.raises(OutputExists):
        write_new(tmp_path / "f.txt", b"second")
    assert (tmp_path / "f.txt").read_bytes() == b"first"
