"""What computes lazy results: no setting is left behind, and workers that are lost are told in netxr's words."""

import os
import signal
import time
from threading import Thread

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.blocks import schedulers
from tests.runs import slowly

distributed = pytest.importorskip("distributed")

VALUES = np.random.default_rng(5).normal(size=(6, 2000))


def through(function):
    """A recording of which each of 40 blocks goes through a function."""
    blocks = da.from_array(VALUES, chunks=(6, 50)).map_blocks(function, meta=np.empty((0, 0)))
    return xr.DataArray(blocks, dims=("neuron", "time"), name="activity")


RUNS = {
    "rows": lambda activity, folder: netxr.lagged_correlation(activity, store=folder / "r.zarr"),
    "strongest": lambda activity, folder: netxr.strongest_pairs(activity, k=2),
    "save": lambda activity, folder: netxr.save(activity.to_dataset(), folder / "a.zarr"),
    "compact": lambda activity, folder: netxr.save(activity.to_dataset(), folder / "a.zarr", compact="uint16"),
}


def kept(settings):
    """Settings of dask as they can be compared."""
    return {key: repr(value) for key, value in settings.items()}


@pytest.mark.parametrize("run", RUNS)
def test_no_setting_of_dask_is_changed_while_a_run_goes_on(tmp_path, run):
    seen = []

    def note(block):
        seen.append(kept(dask.config.config))
        return block

    before = kept(dask.config.config)
    RUNS[run](through(note), tmp_path)
    assert len(seen) >= 40
    assert all(settings == before for settings in seen)
    assert kept(dask.config.config) == before


def test_what_is_not_lazy_is_handed_back():
    lazy, plain = xr.DataArray(da.ones(3)), xr.DataArray([2.0])
    one, two = schedulers.computed(lazy, plain)
    assert one.values.tolist() == [1, 1, 1]
    assert two is plain


# --- a cluster ----------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path):
    """A cluster of one worker with one thread."""
    settings = {"distributed.scheduler.allowed-failures": 5, "temporary-directory": str(tmp_path / "workers")}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, memory_limit="600MB", dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


def meanwhile(folder, number, act):
    """Do something when so many blocks are done."""

    def wait():
        while len(list(folder.iterdir())) < number:
            time.sleep(0.01)
        act()

    thread = Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
def test_a_worker_that_is_killed_is_replaced(cluster, tmp_path, run):
    notes = tmp_path / "notes"
    slow = through(slowly(notes))
    kill = lambda: os.kill(int(next(notes.iterdir()).name.split("-")[0]), signal.SIGKILL)  # noqa: E731
    thread = meanwhile(notes, 5, kill)
    RUNS[run](slow, tmp_path)
    thread.join()
    assert len({note.name.split("-")[0] for note in notes.iterdir()}) == 2, "another process went on"


@pytest.mark.slow
@pytest.mark.parametrize("run", ["rows", "save"])
def test_a_run_whose_workers_are_all_gone_ends(cluster, tmp_path, run):
    notes = tmp_path / "notes"
    slow = through(slowly(notes))
    gone = []

    def kill():
        for nanny in cluster.workers.values():  # it would start another worker
            cluster.sync(nanny.close, timeout=1)
        gone.append(time.monotonic())

    thread = meanwhile(notes, 5, kill)
    with pytest.raises(netxr.WorkersLost, match=r"none was there for 20 s.*Start a cluster that keeps its workers"):
        RUNS[run](slow, tmp_path)
    thread.join()
    assert time.monotonic() - gone[0] < 30
    assert not [entry for entry in tmp_path.iterdir() if entry.suffix == ".zarr"]


def die(block):
    os._exit(1)


@pytest.mark.slow
def test_a_part_that_kills_its_worker_is_told(cluster, tmp_path):
    cluster.scheduler.allowed_failures = 0
    with pytest.raises(netxr.WorkersLost, match=r"The run lost its workers.*memory="):
        netxr.save(through(die).to_dataset(), tmp_path / "a.zarr")


def test_an_error_of_a_task_is_raised_as_it_is_and_a_cluster_that_ends_is_told(cluster, tmp_path):
    def fail(block):
        raise ZeroDivisionError("in a block")

    with pytest.raises(ZeroDivisionError, match="in a block"):
        netxr.save(through(fail).to_dataset(), tmp_path / "a.zarr")
    notes = tmp_path / "notes"
    slow = through(slowly(notes))
    thread = meanwhile(notes, 5, cluster.close)
    with pytest.raises(netxr.WorkersLost, match="the run was cancelled"):
        netxr.save(slow.to_dataset(), tmp_path / "a.zarr")
    thread.join()
