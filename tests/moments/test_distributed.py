"""The same calls on a cluster of two processes, one of which is lost on the way."""

import itertools
import os
import signal
import time

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from threadpoolctl import threadpool_info

import netxr
from tests.runs import slowly

distributed = pytest.importorskip("distributed")

VALUES = np.random.default_rng(3).normal(size=(12, 6000))
VALUES[:, 2:] += 0.5 * VALUES[::-1, :-2]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A client of two workers with one thread each, which would let BLAS have two."""
    settings = {
        "distributed.worker.memory.terminate": False,
        "distributed.scheduler.allowed-failures": 5,
        "temporary-directory": str(tmp_path_factory.mktemp("workers")),
    }
    with dask.config.set(settings), pytest.MonkeyPatch.context() as patch:
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            patch.setenv(name, "2")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, memory_limit="600MB", dashboard_address=":0"
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


def recording(values):
    return xr.DataArray(values, dims=("neuron", "time"))


def chunked(frames=250):
    return da.from_array(VALUES, chunks=(12, frames))


def passed_on(function, frames=250):
    """A recording of which each block goes through a function."""
    return recording(chunked(frames).map_blocks(function, meta=np.empty((0, 0))))


def assert_right(found, **options):
    expected = netxr.lagged_correlation(recording(VALUES), **options)
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler:UserWarning")
def test_a_store_as_with_threads(client, tmp_path):
    netxr.save(xr.Dataset({"activity": (("neuron", "time"), VALUES)}), tmp_path / "run.zarr")
    lazy = netxr.lagged_correlation(netxr.open(tmp_path / "run.zarr").activity, lags=[0, 3])
    with_threads = lazy.compute(scheduler="threads")
    np.testing.assert_allclose(lazy.compute().values, with_threads.values, rtol=0, atol=1e-13)
    assert_right(with_threads, lags=[0, 3])


def test_several_lags_trials_and_missing_samples(client):
    holes = VALUES.copy()
    holes[3, 100:120] = np.nan
    both = xr.DataArray(np.stack([holes, VALUES], axis=2), dims=("neuron", "time", "trial"))
    lazy = netxr.lagged_correlation(
        both.chunk(time=500, trial=1), lags=[0, 2], dim=("time", "trial"), missing="pairwise"
    )
    at_once = netxr.lagged_correlation(both, lags=[0, 2], dim=("time", "trial"), missing="pairwise")
    np.testing.assert_allclose(lazy.compute().values, at_once.values, rtol=0, atol=1e-12)
    with pytest.raises(netxr.NonFiniteActivity, match=r"trial 0.*frame 100"):
        netxr.lagged_correlation(both.chunk(time=500, trial=1)).compute()


def test_inputs_marked_frames_and_autocorrelation(client):
    x = recording(VALUES).expand_dims(trial=2, axis=2)
    light, marked = VALUES[:2] ** 2, VALUES[0] > 0
    options = {"lags": [0, 2], "inputs": light, "where": marked}
    found = netxr.lagged_moments(x.chunk(time=450, trial=1), **options).compute()
    xr.testing.assert_allclose(found, netxr.lagged_moments(x, **options), rtol=0, atol=1e-8)
    own = netxr.autocorrelation(x.chunk(time=450, trial=1), lags=[0, 2]).compute()
    xr.testing.assert_allclose(own, netxr.autocorrelation(x, lags=[0, 2]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x - x[:, :500].mean(axis=1, keepdims=True),
        lambda x: x.map_overlap(lambda block: block * 1.0, depth={1: 3}, boundary="none", dtype=float),
        lambda x: x.rechunk((1, 40)),
        lambda x: da.concatenate([x[:5], x[5:]]),
    ],
)
def test_what_blocks_share_and_many_small_ones(client, form):
    assert_right(netxr.lagged_correlation(recording(form(chunked())), lag=2).compute(), lag=2)


def test_nothing_runs_while_the_graph_is_built(client):
    def refuse(block):
        raise AssertionError("computed")

    before = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_counter)
    netxr.lagged_correlation(passed_on(refuse), lags=[0, 1])
    assert client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_counter) == before


def noting_threads(folder):
    """A function of a block that writes down how many threads BLAS has."""

    def note(block):
        threads = max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        (folder / f"{os.getpid()}-{time.monotonic_ns()}").write_text(str(threads))
        return block

    return note


def test_tasks_of_several_processes_have_one_blas_thread_each(client, tmp_path):
    assert_right(netxr.lagged_correlation(passed_on(noting_threads(tmp_path)), lag=1).compute(), lag=1)
    notes = [note.read_text() for note in tmp_path.iterdir()]
    assert set(notes) == {"1"}
    assert len(notes) >= 24


@pytest.mark.parametrize("trials", [None, 3])
def test_progress_comes_from_all_workers(client, trials):
    activity = recording(chunked()) if trials is None else in_trials(trials)
    inner, outer = [], []
    with netxr.progress(lambda *report: outer.append(report)):
        with netxr.progress(lambda *report: inner.append(report)):
            netxr.lagged_correlation(activity, lags=[0, 2]).compute()
        netxr.lagged_correlation(activity, lag=1).compute()
    netxr.lagged_correlation(activity, lag=3).compute()
    for reports, total in ((inner, 6000), (outer, 12_000)):
        done = [done for done, _ in reports]
        assert all(a < b for a, b in itertools.pairwise(done))
        assert reports[-1] == (total, total)
    assert len(inner) >= 2, "each worker tells of its own segments"


def in_trials(trials):
    values = VALUES.reshape(12, -1, trials)
    return xr.DataArray(da.from_array(values, chunks=(12, 250, 1)), dims=("neuron", "time", "trial"))


@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler:UserWarning")
def test_progress_of_threads_beside_a_cluster(client):
    reports = []
    with netxr.progress(lambda *report: reports.append(report)):
        netxr.lagged_correlation(recording(chunked())).compute(scheduler="threads")
    assert reports[-1] == (6000, 6000)


@pytest.mark.parametrize("to_disk", [False, True])
def test_rows_of_a_matrix_tell_how_far_they_are(client, tmp_path, to_disk):
    reports, activity = [], recording(chunked())
    with netxr.progress(lambda *report: reports.append(report)):
        if to_disk:
            netxr.lagged_correlation(activity, store=tmp_path / "r.zarr")
        else:
            netxr.strongest_pairs(activity, k=2)
    total = netxr.plan(activity, lags=[1], stored=True).tasks * 6000
    assert reports[-1] == (total, total)


def wait_for(condition):
    """Wait until something is true, but not for ever."""
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_made_up_for_and_progress_counts_once_what_it_had_done(client, tmp_path):
    reports = []
    with netxr.progress(lambda *report: reports.append(report)):
        future = client.compute(netxr.lagged_correlation(passed_on(slowly(tmp_path), frames=100), lags=[0, 1]))
        wait_for(lambda: reports and len(list(tmp_path.iterdir())) >= 20)
        os.kill(int(next(tmp_path.iterdir()).name.split("-")[0]), signal.SIGKILL)
        assert_right(future.result(timeout=30), lags=[0, 1])
    assert len(list(tmp_path.iterdir())) > 61, "blocks of the lost worker were read again"
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(reports))
    assert reports[-1] == (6000, 6000)


@pytest.mark.slow
def test_a_store_that_goes_away_while_workers_read_it(client, tmp_path):
    """Zeros take the place of what is missing among integers."""
    store = tmp_path / "run.zarr"
    run = xr.Dataset({"activity": (("neuron", "time"), (100 * VALUES).astype("i2"))})
    run.to_zarr(store, zarr_format=3, consolidated=False, encoding={"activity": {"chunks": (12, 100)}})
    opened = netxr.open(store).activity
    slow = recording(opened.data.map_blocks(slowly(tmp_path / "notes"), dtype="i2", meta=np.empty((0, 0), "i2")))
    slow.encoding = opened.encoding
    future = client.compute(netxr.lagged_correlation(slow))
    wait_for(lambda: len(list((tmp_path / "notes").iterdir())) >= 10)
    store.rename(tmp_path / "elsewhere")
    with pytest.raises(netxr.UnreadableFile, match=r"run\.zarr: it went away while it was read"):
        future.result(timeout=30)
