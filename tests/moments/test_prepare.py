import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask.system import CPU_COUNT

import netxr
from netxr.blocks.schedulers import Slots
from netxr.errors import InvalidInput
from netxr.moments.prepare import check_dim, check_lags, is_label, positions_of, prepare, work_of
from netxr.schema.words import text_of
from tests.runs import nothing_computes

USUAL = {"lags": [0, 2], "dim": "time", "sources": None, "precision": None, "missing": "raise"}


@pytest.fixture(autouse=True)
def no_sample_is_read():
    """Planning reads no sample."""
    with nothing_computes():
        yield


def recording(n=6, n_steps=1000, trials=None, dtype="f4", chunks=None):
    shape, dims = (n, n_steps), ("neuron", "time")
    if trials:
        shape, dims = (*shape, trials), (*dims, "trial")
    data = np.zeros(shape, dtype) if chunks is None else da.zeros(shape, chunks=chunks, dtype=dtype)
    return xr.DataArray(data, dims=dims, coords={"neuron": list("abcdefghij")[:n]})


def work(activity, **options):
    options = USUAL | options
    return work_of(activity, prepare(activity, **options))


# --- what is to be done ----------------------------------------------------------------------------


def test_what_is_summed_up():
    todo = prepare(recording(), **USUAL | {"sources": ["d", "a"], "missing": "pairwise"})
    assert (todo.lags, todo.sources, todo.precision, todo.missing) == ((0, 2), (3, 0), np.dtype("f4"), "pairwise")
    assert todo.max_lag == 2


@pytest.mark.parametrize(
    ("dtype", "precision", "expected"),
    [("f2", None, "f4"), ("f4", None, "f4"), ("f4", "float64", "f8"), ("f8", "float32", "f4"), ("i2", None, "f8")],
)
def test_the_precision_of_products(dtype, precision, expected):
    assert prepare(recording(dtype=dtype), **USUAL | {"precision": precision}).precision == np.dtype(expected)


def test_the_sizes_of_the_work():
    found = work(recording(trials=3), sources=["a", "b"], missing="pairwise")
    assert (found.n_neurons, found.n_targets, found.n_sources) == (6, 6, 2)
    assert (found.n_steps, found.n_trials, found.results) == (1000, 3, 3)
    assert (found.layers, found.products) == (3, 6)
    assert found.stored == 6 * 1000 * 3 * 4
    assert work(recording(trials=3), dim=("time", "trial")).results == 1
    assert work(recording()).results == 1


@pytest.mark.parametrize(
    ("trials", "chunks", "frames"),
    [
        (None, None, 0),
        (None, (6, 250), 250),
        (None, (2, 250), 250),
        (None, (6, (1, 900, 99)), 900),
        (3, (6, 250, 1), 250),
        (3, (6, 250, 3), 750),
    ],
)
def test_the_largest_chunk_as_the_pass_meets_it(trials, chunks, frames):
    assert work(recording(trials=trials, chunks=chunks)).chunk == frames * 6 * 4


# --- where it runs ---------------------------------------------------------------------------------


def test_threads_of_this_process():
    lazy = recording(n_steps=10**6, chunks=(6, 10_000))
    assert netxr.plan(lazy, memory="10GiB").processes == 1
    with dask.config.set(scheduler="threads", num_workers=3):
        assert netxr.plan(lazy, memory="10GiB").workers == 3
    with dask.config.set(scheduler="threads", num_workers=None):
        assert netxr.plan(lazy, memory="10GiB").workers == CPU_COUNT


def test_workers_of_a_cluster_and_a_share_of_their_memory(monkeypatch):
    lazy = recording(n_steps=10**6, chunks=(6, 10_000))
    monkeypatch.setattr("netxr.moments.prepare.slots", lambda: Slots(4, 2, 10**9))
    found = netxr.plan(lazy)
    assert (found.processes, found.workers) == (4, 2)
    assert found.peak_bytes <= 0.5 * 10**9
    monkeypatch.setattr("netxr.moments.prepare.slots", lambda: Slots(4, 2, 2**20))
    with pytest.raises(InvalidInput, match=rf"memory: got {text_of(2**19)}.*expected at least \d+ MiB"):
        netxr.plan(lazy)


@pytest.mark.parametrize("stored", [False, True])
def test_too_small_a_budget_is_refused_before_anything_is_read(stored):
    with pytest.raises(InvalidInput, match=r"memory: got 1 MiB; expected at least \d+ MiB for 6 x 6 pairs"):
        netxr.plan(recording(chunks=(6, 250)), memory="1MiB", stored=stored)
    with pytest.raises(InvalidInput, match="memory: got 1 MiB"):
        netxr.lagged_moments(recording(chunks=(6, 250)), memory=2**20)


@pytest.mark.parametrize("memory", [0, "much", 1.5, ""])
def test_a_budget_that_is_none(memory):
    with pytest.raises(InvalidInput, match=r"memory: got .*; expected bytes"):
        netxr.lagged_correlation(recording(chunks=(6, 250)), memory=memory)


def test_unknown_chunk_lengths_are_an_error_with_the_fix():
    values = da.random.default_rng(0).normal(size=(6, 1000), chunks=(6, 100))
    activity = xr.DataArray(values[:, values[0] > 0], dims=("neuron", "time"))
    with pytest.raises(InvalidInput, match=r"data: got chunks of unknown length.*compute_chunk_sizes"):
        netxr.lagged_moments(activity)


# --- arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lags", [[0, 8], (8, 0), np.array([0, 8])])
def test_lags_that_leave_two_pairs(lags):
    assert check_lags(lags, n_steps=10) == list(lags)
    with pytest.raises(InvalidInput, match=r"lag: got .*from 0 to 7, for trials of 9 samples"):
        check_lags(lags, n_steps=9, argument="lag")


@pytest.mark.parametrize("dim", ["time", ["time"], ("time", "trial"), ["trial", "time"]])
def test_dims_to_sum_over(dim):
    pooled = check_dim(dim, recording(trials=2))
    assert pooled == (("time",) if "trial" not in dim else ("time", "trial"))


def test_a_recording_without_trials_pools_none():
    with pytest.raises(InvalidInput, match=r"dim: got .*; expected \('time',\)"):
        check_dim(("time", "trial"), recording())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        *(("a", True), (3, True), (np.str_("a"), True), (np.array("a"), True), (xr.DataArray("a"), True)),
        *((None, False), (["a"], False), ((), False), (np.array(["a"]), False)),
    ],
)
def test_what_is_a_single_label(source, expected):
    assert is_label(source) is expected


def test_positions_of_labels():
    neurons = np.array(["a", "b", "c"])
    assert positions_of(neurons, None) is None
    assert positions_of(neurons, "b") == (1,)
    assert positions_of(neurons, ["c", "a"]) == (2, 0)
    for wrong in ("z", [], ["a", "a"], ["a", "z"]):
        with pytest.raises(InvalidInput, match=r"sources: got .*labels of neurons, each once, such as 'a', 'b', 'c'"):
            positions_of(neurons, wrong)


@pytest.mark.parametrize("chunked", [False, True])
def test_rows_beside_the_neurons_are_planned_for_and_none_is_read(chunked):
    activity = xr.DataArray(np.random.default_rng(0).uniform(0.1, 0.9, (30, 400)), dims=("neuron", "time"))
    given = activity.chunk(time=100) if chunked else activity
    with nothing_computes():
        plain = netxr.plan(given, lags=[0, 1])
        wide = netxr.plan(given, link="logit", inputs=np.zeros((10, 400)), where=np.ones(400, bool))
    assert (wide.work.n_targets, wide.work.n_sources) == (70, 40)
    assert wide.work.sums / plain.work.sums == 70 * 40 / 30**2
    assert wide.work.chunk == 71 * 8 * (100 if chunked else 400)
