import gc
import pickle
import shutil
import weakref
from collections import Counter
from dataclasses import replace
from threading import Lock

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.blocks.segments import even_cuts, streams
from netxr.compat import results_of
from netxr.errors import UnreadableFile
from netxr.estimators import rows as matrices
from netxr.kernels.running_sums import FrameBlock
from netxr.moments.prepare import planned_rows
from tests.runs import nothing_computes
from tests.strategies import splits

cloudpickle = pytest.importorskip("cloudpickle")

VALUES = np.random.default_rng(0).normal(size=(4, 40))


class Source:
    """A recording whose chunks are counted when they are made, and watched while they are there."""

    def __init__(self):
        self.made = Counter()
        self.alive = self.most_alive = 0

    def __call__(self, block, block_info=None):
        self.made[tuple(block_info[0]["chunk-location"])] += 1
        fresh = block.copy()
        self.alive += 1
        self.most_alive = max(self.most_alive, self.alive)
        weakref.finalize(fresh, self._gone)
        return fresh

    def _gone(self):
        self.alive -= 1

    def array(self, chunks=((4,), (5,) * 8)):
        blocks = da.from_array(VALUES, chunks=chunks)
        return blocks.map_blocks(self, dtype=float, meta=np.empty((0, 0)))


def smooth(block):
    return block + np.roll(block, 1, axis=1)


FORMS = {
    "plain": lambda x: x,
    "a chain": lambda x: (x * 2 + 1)[::-1],
    "differences": lambda x: da.diff(x, axis=1),
    "overlap": lambda x: x.map_overlap(smooth, depth={1: 2}, boundary="none", dtype=float),
    "less its mean": lambda x: x - x.mean(axis=1, keepdims=True),
    "less the mean of some": lambda x: x - x[:, :10].mean(axis=1, keepdims=True),
    "running sums": lambda x: da.cumsum(x, axis=1),
    "some frames": lambda x: x[:, 3:37:2],
    "frames in any order": lambda x: x[:, [30, 2, 3, 17, 38, 0]],
    "other chunks": lambda x: x.rechunk((4, 7)),
    "together": lambda x: da.concatenate([x[:, :20], x], axis=1),
}

CHUNKS = {
    "even": ((4,), (5,) * 8),
    "one": ((4,), (40,)),
    "tiny": ((4,), (1,) * 40),
    "neurons": ((1, 3), (5,) * 8),
    "neurons and tiny": ((1,) * 4, (2,) * 20),
    "uneven": ((4,), (1, 13, 2, 20, 4)),
}


def cut_up(array, parts):
    """The streams of an array of one chunk along the neurons, in parts."""
    whole = array.rechunk({0: -1})
    return streams(whole, even_cuts(whole.chunks[1], parts))


def run(found):
    """All blocks of all streams in order, each as one task would get it."""
    parts = dask.compute([inputs for _, inputs in found], scheduler="synchronous")[0]
    return [block for (stream, _), inputs in zip(found, parts, strict=True) for block in stream.blocks(inputs)]


@pytest.mark.crossed
@pytest.mark.parametrize("parts", [1, 2, 3, 8])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("chunks", CHUNKS)
def test_streams_are_the_array_and_every_chunk_is_made_once(chunks, form, parts):
    source = Source()
    array = FORMS[form](source.array(CHUNKS[chunks]))
    expected = array.compute(scheduler="synchronous")
    needed = set(source.made)
    source.made.clear()
    np.testing.assert_array_equal(np.concatenate(run(cut_up(array, parts)), axis=1), expected)
    assert source.made == Counter(needed)


@given(splits(40), st.integers(1, 9), st.sampled_from(sorted(FORMS)))
def test_any_chunks_and_cuts(lengths, parts, form):
    array = FORMS[form](da.from_array(VALUES, chunks=(4, lengths)))
    found = np.concatenate(run(cut_up(array, parts)), axis=1)
    np.testing.assert_array_equal(found, array.compute(scheduler="synchronous"))


def test_chunks_without_frames():
    array = da.from_array(VALUES, chunks=((4,), (0, 13, 0, 0, 27, 0)))
    assert [block.shape[1] for block in run(cut_up(array, 3))] == [0, 13, 0, 0, 27, 0]


def test_nothing_is_computed_while_building():
    source = Source()
    for form in FORMS.values():
        with nothing_computes():
            cut_up(form(source.array()), 3)
    assert not source.made


@pytest.mark.parametrize("form", ["plain", "a chain", "differences", "overlap", "running sums", "some frames"])
@pytest.mark.parametrize("chunks", ["even", "tiny", "neurons"])
def test_few_chunks_are_alive_at_a_time(form, chunks):
    """Two blocks, and what they share, where there are 8 to 40; reference counts alone free them."""
    source = Source()
    array = FORMS[form](source.array(CHUNKS[chunks])).rechunk({0: -1})
    ((stream, inputs),) = streams(array, [0, array.numblocks[1]])
    assert not inputs
    gc.disable()
    try:
        n_blocks = sum(1 for _ in stream.blocks([]))
    finally:
        gc.enable()
    assert n_blocks == array.numblocks[1]
    assert sum(source.made.values()) >= 7
    # A block with its overlap on both sides is made of three chunks (five tiny ones), chunked neurons double them.
    most = {"even": 4, "tiny": 7, "neurons": 8}[chunks]
    assert 1 <= source.most_alive <= most
    assert source.alive == 0


def test_plain_chunks_are_alive_one_at_a_time_if_the_reader_lets_go():
    source = Source()
    ((stream, _),) = streams(source.array(), [0, 8])
    blocks = stream.blocks([])
    for _ in range(8):
        next(blocks)
    assert source.most_alive <= 2


def test_a_stream_that_is_left_early_lets_go():
    source = Source()
    ((stream, _),) = streams(source.array(), [0, 8])
    blocks = stream.blocks([])
    next(blocks)
    blocks.close()
    assert source.alive == 0
    assert sum(source.made.values()) == 1


def test_a_shared_result_is_computed_once_for_all_streams():
    means = []

    def mean(block):
        means.append(1)
        return block.mean(axis=1, keepdims=True)

    x = da.from_array(VALUES, chunks=(4, 5))
    centre = x[:, :5].map_blocks(mean, dtype=float, chunks=((4,), (1,)), meta=np.empty((0, 0)))
    run(cut_up(x - centre, 4))
    assert len(means) == 1


def test_streams_of_independent_blocks_have_no_inputs():
    for form in ("plain", "a chain"):
        assert all(not inputs for _, inputs in cut_up(FORMS[form](da.from_array(VALUES, chunks=(2, 5))), 4))


def test_a_stream_holds_its_own_tasks_only():
    array = da.from_array(VALUES, chunks=(4, 1)) * 2
    sizes = [len(stream.graph) for stream, _ in cut_up(array, 4)]
    assert sum(sizes) <= len(dict(array.__dask_graph__()))
    assert max(sizes) <= 2 * 10 + 1


def test_keys_are_deterministic():
    def keys():
        array = FORMS["overlap"](da.from_array(VALUES, chunks=(4, 5)))
        return [(stream.keys, set(stream.graph), stream.inputs) for stream, _ in cut_up(array, 3)]

    assert keys() == keys()


@pytest.mark.parametrize("form", FORMS)
def test_streams_travel(form):
    array = FORMS[form](da.from_array(VALUES, chunks=(4, 5)))
    for stream, inputs in cut_up(array, 2):
        values = dask.compute(inputs, scheduler="synchronous")[0]
        there = pickle.loads(cloudpickle.dumps(stream))  # noqa: S301 - written above
        for ours, theirs in zip(stream.blocks(values), there.blocks(values), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_an_error_in_a_chunk_is_raised():
    def fail(block):
        raise OSError("damaged")

    ((stream, _),) = streams(da.zeros((2, 9), chunks=(2, 3)).map_blocks(fail, meta=np.empty((0, 0))), [0, 3])
    with pytest.raises(OSError, match="damaged"):
        list(stream.blocks([]))


# --- stores that go away ---------------------------------------------------------------------------


ROUTES = {
    "computed": lambda activity, out: netxr.lagged_correlation(activity, lags=[0, 2]).compute(),
    "computed in one thread": lambda activity, out: netxr.lagged_moments(activity).compute(scheduler="synchronous"),
    "saved": lambda activity, out: netxr.save(netxr.lagged_moments(activity), out),
    "in rows": lambda activity, out: netxr.lagged_correlation(activity, store=out),
    "pairs": lambda activity, out: netxr.strongest_pairs(activity, k=1),
}


def stored(folder, dtype, trials=None):
    """A recording in a store of 16 chunks a trial."""
    shape, dims = (
        ((4, 4000), ("neuron", "time")) if trials is None else ((4, 4000, trials), ("neuron", "time", "trial"))
    )
    values = np.random.default_rng(0).integers(-50, 50, shape).astype(dtype)
    chunks = {"activity": {"chunks": (4, 250, 1)[: len(dims)]}}
    run = xr.DataArray(values, dims=dims).to_dataset(name="activity")
    run.to_zarr(folder / "run.zarr", zarr_format=3, consolidated=False, encoding=chunks)
    opened = netxr.open(folder / "run.zarr").activity
    assert opened.chunksizes["time"] == (250,) * 16
    return opened


def removed(store):
    gone = store.rename(store.with_name("gone"))  # as a whole: blocks are read meanwhile
    shutil.rmtree(gone)


def moved(store):
    store.rename(store.with_name("elsewhere"))


@pytest.fixture(params=[removed, moved])
def goes_away(request, monkeypatch):
    """Makes a store go away as soon as the first of its frames are summed up."""

    def after_first_block(store):
        take, lock = FrameBlock.take, Lock()

        def take_and_remove(self, frames):
            with lock:
                if store.exists():
                    request.param(store)
            return take(self, frames)

        monkeypatch.setattr(FrameBlock, "take", take_and_remove)

    return after_first_block


@pytest.mark.crossed
@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8"])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("held", [True, False])
def test_a_store_that_goes_away_while_it_is_read(tmp_path, monkeypatch, goes_away, dtype, route, held):
    """What is missing reads as NaN, or among integers as zeros that nobody would notice."""
    activity = stored(tmp_path, dtype)

    def planned(*arguments, **options):
        todo, plan = planned_rows(*arguments, **options)
        return todo, replace(plan, rows=2, held=held, workers=2)

    monkeypatch.setattr(matrices, "planned_rows", planned)
    goes_away(tmp_path / "run.zarr")
    with pytest.raises(UnreadableFile, match=r"run\.zarr: it went away") as caught:
        ROUTES[route](activity, tmp_path / "out.zarr")
    assert str(tmp_path / "run.zarr") in str(caught.value)
    assert {entry.name for entry in tmp_path.iterdir()} <= {"elsewhere", "gone"}, "nothing is left of what was begun"


@pytest.mark.crossed
@pytest.mark.parametrize("dim", ["time", ("time", "trial")])
@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
def test_a_store_of_several_trials_that_goes_away(tmp_path, goes_away, dim, missing):
    activity = stored(tmp_path, "float64", trials=2).isel(neuron=slice(1, None))
    goes_away(tmp_path / "run.zarr")
    with pytest.raises(UnreadableFile, match=r"run\.zarr"):
        netxr.lagged_correlation(activity, dim=dim, missing=missing).compute()


@pytest.mark.parametrize("route", ROUTES)
def test_a_recording_in_memory_needs_its_store_no_more(tmp_path, route):
    activity = stored(tmp_path, "int16").load()
    removed(tmp_path / "run.zarr")
    ROUTES[route](activity, tmp_path / "out.zarr")


@pytest.mark.parametrize("route", ROUTES)
def test_a_recording_from_elsewhere_is_no_path_to_watch(tmp_path, route):
    activity = xr.DataArray(da.from_array(VALUES, chunks=(4, 5)), dims=("neuron", "time"))
    activity.encoding["source"] = "https://host/recording.nc"
    ROUTES[route](activity, tmp_path / "out.zarr")


@given(st.lists(st.sets(st.integers(0, 8), max_size=4), min_size=1, max_size=9), st.data())
def test_tasks_in_any_order_give_what_dask_makes_of_them_each_once(needs, data):
    """Task k takes those of its `needs` that come before it, and is the sum of their squares and k."""
    made, tasks, values = Counter(), [], []

    def summed(k, *before):
        made[k] += 1
        return k + sum(np.square(before))

    for k, need in enumerate(needs):
        before = sorted(j for j in need if j < k)
        tasks.append(dask.delayed(summed)(k, *(tasks[j] for j in before), dask_key_name=f"task-{k}"))
        values.append(k + sum(values[j] ** 2 for j in before))
    wanted = data.draw(st.lists(st.sampled_from(range(len(needs))), min_size=1, unique=True))
    graph = {key: task for k in wanted for key, task in dict(tasks[k].dask).items()}
    assert list(results_of(graph, [f"task-{k}" for k in wanted], {})) == [values[k] for k in wanted]
    assert set(made.values()) == {1}
    assert len(made) == len(graph)
