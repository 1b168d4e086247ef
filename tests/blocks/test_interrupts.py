"""Ctrl-C in the middle of a pass: it ends within seconds, and nothing unfinished is left."""

import signal
import subprocess
import sys
import textwrap
import time

import pytest
import zarr

from tests.marks import slow

# A pass that waits whenever it tells how far it is, and so would take minutes.
SCRIPT = """
    import sys, time
    import netxr

    def report(done, total):
        print(done, flush=True)
        time.sleep(0.3)

    activity = netxr.open(sys.argv[1] + "/run.zarr").activity
    with netxr.progress(report):
        if sys.argv[2] == "store":
            netxr.lagged_correlation(activity, store=sys.argv[1] + "/out.zarr")
        else:
            netxr.lagged_correlation(activity).compute()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("route", ["store", *slow("compute")])
@pytest.mark.parametrize("n_steps", [10**9, *slow(2 * 10**6)])  # one that cannot be held in memory, and one that is
def test_ctrl_c_ends_a_pass_and_leaves_nothing(tmp_path, route, n_steps):
    group = zarr.create_group(tmp_path / "run.zarr")  # all of it is fill value: it takes no room on disk
    dims = ("neuron", "time")
    group.create_array(
        "activity", shape=(20, n_steps), chunks=(20, 10**5), dtype="f4", fill_value=1, dimension_names=dims
    )
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path), route]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:  # noqa: S603 - runs this interpreter
        assert process.stdout.readline(), process.stderr.read()
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        errors = process.communicate(timeout=60)[1]
    assert time.monotonic() - began < 10
    assert process.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.zarr"]
