"""Writing where locks are of another kind, or where there are none."""

import errno
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import CannotLock
from netxr.store import locks
from tests.runs import contents, names

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="takes fcntl away")

WITHOUT_FCNTL = """
    import sys
    sys.modules["fcntl"] = None
"""

LIKE_WINDOWS = """
    import fcntl, types
    from netxr.store import locks

    def locking(handle, mode, n):
        fcntl.flock(handle, (fcntl.LOCK_UN, fcntl.LOCK_EX, fcntl.LOCK_EX | fcntl.LOCK_NB)[mode])

    locks.FCNTL = None
    locks.MSVCRT = types.SimpleNamespace(LK_UNLCK=0, LK_LOCK=1, LK_NBLCK=2, locking=locking)
"""

WORK = """
    import netxr, xarray as xr
    from netxr.errors import NetxrError

    A = netxr.random_connectivity(4, seed=1)
    run = netxr.simulate(A, n_steps=50, seed=1)
    netxr.lagged_correlation(run.activity).compute()
    netxr.save(run, "run.zarr")
    xr.testing.assert_identical(netxr.open("run.zarr").activity.load(), run.activity)
    netxr.simulate(A, n_steps=50, seed=1, store="simulated.zarr")
    assert netxr.open("simulated.zarr").sizes["time"] == 50
    for _ in range(2):
        netxr.sweep(n_neurons=[4], trials=1, n_steps=20, store="sweep.zarr")
    assert netxr.verify("sweep.zarr") == netxr.verify("run.zarr") == ()
    try:
        netxr.append(run.activity.drop_vars("time"), "run.zarr", dim="time")
        print(netxr.open("run.zarr").sizes["time"])
    except NetxrError as error:
        print(type(error).__name__, error)
"""


def done(script, folder):
    """What a script prints in another interpreter."""
    code = textwrap.dedent(script) + textwrap.dedent(WORK)
    command = [sys.executable, "-W", "error", "-c", code]
    process = subprocess.run(  # noqa: S603 - this interpreter, and the scripts above
        command, cwd=folder, text=True, capture_output=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_without_locks_new_stores_are_made_and_others_left_alone(tmp_path):
    printed = done(WITHOUT_FCNTL, tmp_path)
    assert printed.startswith("CannotLock run.zarr") or f"CannotLock {tmp_path}" in printed
    assert "neither the module fcntl nor msvcrt" in printed
    assert "netxr.save" in printed
    assert names(tmp_path) == ["run.zarr", "simulated.zarr", "sweep.zarr"]


@pytest.mark.slow
def test_the_locks_of_windows_and_a_store_that_is_busy_with_them(tmp_path):
    script = """
        import netxr
        from netxr.store.locks import locked
        from netxr.errors import StoreBusy
        from pathlib import Path
        import xarray as xr

        netxr.save(xr.Dataset({"score": 1.0}), "busy.zarr")
        with locked(Path("busy.zarr")):
            try:
                netxr.add(xr.Dataset({"other": 1.0}), "busy.zarr")
            except StoreBusy:
                print("busy")
    """
    assert done(textwrap.dedent(LIKE_WINDOWS) + textwrap.dedent(script), tmp_path) == "busy\n100\n"
    assert names(tmp_path) == ["busy.zarr", "run.zarr", "simulated.zarr", "sweep.zarr"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EINVAL])
def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch, number):
    run = xr.Dataset({"activity": (("neuron", "time"), np.ones((2, 3)))})
    netxr.save(run, tmp_path / "run.zarr")
    before = contents(tmp_path)

    class Fcntl:
        LOCK_EX, LOCK_NB, LOCK_UN = 2, 4, 8

        @staticmethod
        def flock(handle, operation):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks, "FCNTL", Fcntl)
    A = netxr.random_connectivity(3, seed=1)
    for attempt in (
        lambda: netxr.save(run, tmp_path / "new.zarr"),
        lambda: netxr.simulate(A, n_steps=9, store=tmp_path / "new.zarr"),
        lambda: netxr.add(xr.Dataset({"score": 1.0}), tmp_path / "run.zarr"),
        lambda: netxr.append(run.activity, tmp_path / "run.zarr", dim="time"),
    ):
        with pytest.raises(CannotLock, match=rf"{os.strerror(number)}.*Write to a local disk, and copy"):
            attempt()
    assert contents(tmp_path) == before
    xr.testing.assert_equal(netxr.open(tmp_path / "run.zarr").activity.load(), run.activity)


def test_a_child_of_fork_does_not_keep_a_lock(tmp_path):
    with locks.locked(tmp_path):
        child = os.fork()
        if not child:
            os.read(os.open("/dev/zero", os.O_RDONLY), 1)
            os.execv("/bin/sleep", ["sleep", "20"])  # noqa: S606
    try:
        with locks.locked(tmp_path):
            pass
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
