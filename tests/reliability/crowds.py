"""Readers of every kind beside a writer, and two writers between whom the lock of the system does nothing."""

import tempfile
from pathlib import Path

import numpy as np

import netxr
from tests.store.crowd import begin, crowd, samples


def readers(tally, seconds):
    """Open a run again and again while it is appended to: by netxr, by xarray alone, and held for a while."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.zarr"
        begin(path, 30)
        writer, by_netxr, plain = crowd("appending", "reading", "plainly_reading", path=path, seconds=seconds)
        for what, outcome in (("netxr.open beside a writer, some held", by_netxr), ("a writer beside readers", writer)):
            n = outcome.get("opened", len(outcome.get("pieces", [])))
            for _ in range(max(0, n - 1)):
                tally.note(what)
            tally.note(what, outcome.get("error", ""))
        for wrong in plain.get("outcomes", [plain.get("error")]):
            tally.note("xarray.open_zarr beside a writer", wrong)


def writers_without_locks(tally, seconds):
    """Let two processes append, with a lock that does nothing: every append that was done is there, as it was given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.zarr"
        begin(path, 30, moments=False)
        outcomes = crowd(*["appending_without_lock"] * 2, path=path, seconds=seconds)
        activity = netxr.open(path).activity.transpose("time", "neuron", "trial").values[30:]
        wrote = np.rint(activity[:, 0, 0] / 100).astype(int)
        for me, outcome in enumerate(outcomes):
            pieces = outcome.get("pieces", [])
            expected = samples(outcome.get("begun", 30), sum(pieces), writer=me).values
            lost = outcome.get("error", "")
            if not lost and not np.array_equal(activity[wrote == me], expected):
                lost = f"{len(expected)} samples were appended, {(wrote == me).sum()} are there, or wrong"
            for _ in range(max(0, len(pieces) - 1)):
                tally.note("appends of two writers without locks")
            tally.note("appends of two writers without locks", lost)
        problems = [str(problem) for problem in netxr.verify(path)]
        tally.note("the store of two writers without locks is sound", "; ".join(problems))
