"""Random calls and damaged files bring out errors of netxr alone, in time: few by default, NETXR_FUZZ says how many."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("h5netcdf")
pytest.importorskip("pyarrow")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="calls are ended by a signal")

COUNT = int(os.environ.get("NETXR_FUZZ", "150"))
SEED = int(os.environ.get("NETXR_FUZZ_SEED", "1"))


@pytest.mark.slow
@pytest.mark.parametrize("what", ["calls", "files"])
def test_only_errors_of_netxr_come_out(what):
    command = [sys.executable, "-m", "tests.reliability.fuzz", what, str(COUNT), "--seed", str(SEED)]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    *faults, last = done.stdout.splitlines() or [""]
    assert done.returncode == 0, f"it ended at {done.stderr[-2000:]}"
    assert not faults, "\n".join(faults)
    assert json.loads(last) == {"tried": COUNT, "failed": 0}
