import shutil
from dataclasses import replace
from functools import partial
from threading import Lock

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask.base import compute
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.blocks.progress import Part
from netxr.errors import UnreadableFile
from netxr.estimators.rows import STOP, Stopped, row_tasks
from netxr.moments.prepare import planned_rows, prepare
from netxr.schema.variables import trials_of
from tests.moments.test_one_pass import Reader
from tests.oracles import naive_correlation
from tests.oracles import trials_of as samples_of
from tests.runs import nothing_computes
from tests.strategies import FLOATS, chunked, recordings, samples


def tasks_for(activity, folder, *, use=list, lags=(0, 2), precision=None, missing="raise", block=None, **changes):
    """The tasks of one matrix of all trials together, and their plan."""
    dim = ("time", "trial") if "trial" in activity.dims else "time"
    todo = prepare(activity, lags=lags, dim=dim, sources=None, precision=precision, missing=missing)
    todo, plan = planned_rows(activity, todo, memory="1GiB")
    if block is not None:
        todo = replace(todo, block=block, fourier=None)
    plan = replace(plan, **changes)
    total = plan.tasks * plan.work.n_steps * plan.work.n_trials
    part = Part("run", "matrix", total)
    return row_tasks(trials_of(activity), todo, plan=plan, use=use, folder=folder, part=part), plan


def whole(blocks_of_tasks):
    """The matrix, (lag, target, source), from blocks of rows in order without gap."""
    blocks = [block for blocks in blocks_of_tasks for block in blocks]
    rows = np.concatenate([np.arange(rows.start, rows.stop) for rows, _ in blocks])
    np.testing.assert_array_equal(rows, np.arange(len(rows)))
    return np.concatenate([r for _, r in blocks], axis=1)


def recording(n=5, n_steps=4000, dtype="float64"):
    return xr.DataArray(samples((n, n_steps, 1), dtype, 1)[..., 0], dims=("neuron", "time"))


# --- rows of the matrix ------------------------------------------------------------------


@given(recordings(), st.booleans(), st.booleans(), st.data())
def test_rows_of_all_tasks_are_the_matrix(tmp_path_factory, activity, held, lazy, data):
    n = activity.sizes["neuron"]
    step, tasks_of, block = data.draw(st.integers(1, n)), data.draw(st.integers(1, 3)), data.draw(st.integers(8, 50))
    form = data.draw(chunked(activity)) if lazy else activity
    cut = {"rows": min(n, step * tasks_of), "rows_at_a_time": step, "held": held, "block": block}
    with nothing_computes():
        tasks, plan = tasks_for(form, tmp_path_factory.getbasetemp(), lags=(3, 0, 8), precision="float64", **cut)
    assert len(tasks) == plan.tasks
    r = whole(compute(*tasks, scheduler="synchronous"))
    for found, lag in zip(r, (3, 0, 8), strict=True):
        np.testing.assert_allclose(
            found, naive_correlation(samples_of(activity), lag).astype(float), rtol=0, atol=1e-12
        )


@pytest.mark.crossed
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("lengths", [(0, 1000, 3000), (1000, 0, 0, 3000), (4000, 0)])
@pytest.mark.parametrize("held", [True, False])
def test_chunks_without_frames(tmp_path, dtype, lengths, held):
    values = recording(dtype=dtype).values * dtype_of(dtype)(0.05) - dtype_of(dtype)(65)
    lazy = xr.DataArray(da.from_array(values, chunks=(5, lengths)), dims=("neuron", "time"))
    tasks, _ = tasks_for(lazy, tmp_path, lags=(0,), rows=2, rows_at_a_time=2, held=held)
    expected = np.corrcoef(values.astype(float))
    np.testing.assert_allclose(whole(compute(*tasks))[0], expected, rtol=0, atol=1e-6 if dtype == "float32" else 1e-10)


def dtype_of(name):
    return np.dtype(name).type


# --- reads -------------------------------------------------------------------------------


@pytest.mark.crossed
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("chunks", [(5, 500), (2, 250)])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_the_recording_is_read_as_often_as_the_plan_says(tmp_path, held, chunks, scheduler):
    reader = Reader()
    tasks, plan = tasks_for(reader.recording(chunks), tmp_path, rows=2, rows_at_a_time=1, held=held)
    assert not reader.reads
    compute(*tasks, scheduler=scheduler)
    assert plan.tasks == 3
    beyond = {n for chunk, n in reader.reads.items() if chunk[1] > 0}
    first = {n for chunk, n in reader.reads.items() if chunk[1] == 0}
    assert beyond == {plan.reads} == {1 if held else 3}
    assert first <= {plan.reads, plan.reads + 1}, "once more, for the provisional mean"


@pytest.mark.parametrize("lazy", [True, False])
def test_tasks_of_the_same_recording_have_the_same_keys(tmp_path, lazy):
    activity = recording().chunk(time=500) if lazy else recording()

    def keys(**options):
        return [task.key for task in tasks_for(activity, tmp_path, rows=2, rows_at_a_time=1, **options)[0]]

    assert keys() == keys()
    assert len(set(keys())) == 3
    assert not set(keys()) & set(keys(lags=(1,)))


def test_the_store_of_a_recording_that_goes_away(tmp_path):
    path = tmp_path / "run.zarr"
    netxr.save(recording().rename("activity").to_dataset(), path)
    activity = netxr.open(path).activity
    for held in (True, False):
        tasks, _ = tasks_for(activity, tmp_path, rows=2, rows_at_a_time=1, held=held)
        compute(*tasks)
    shutil.rmtree(path)
    for held in (True, False):
        tasks, _ = tasks_for(activity, tmp_path, rows=2, rows_at_a_time=1, held=held)
        with pytest.raises(UnreadableFile, match=r"run\.zarr: it went away while it was read"):
            compute(*tasks)


# --- giving up ---------------------------------------------------------------------------


@pytest.mark.parametrize("held", [True, False])
def test_tasks_of_a_run_that_was_stopped_give_up(tmp_path, held):
    reader = Reader()
    used = []
    tasks, _ = tasks_for(reader.recording((5, 500)), tmp_path, use=used.extend, rows=2, rows_at_a_time=1, held=held)
    (tmp_path / STOP).touch()
    with pytest.raises(Stopped):
        compute(*tasks, scheduler="synchronous")
    assert not used
    if not held:
        assert max(reader.reads.values()) == 1, "the first block, for the provisional mean"


@pytest.mark.parametrize("held", [True, False])
def test_tasks_give_up_between_rows(tmp_path, held):
    made = []

    def stop_after_two(blocks):
        for rows, _ in blocks:
            made.append(rows)
            if len(made) == 2:
                (tmp_path / STOP).touch()

    tasks, _ = tasks_for(recording(), tmp_path, use=stop_after_two, rows=5, rows_at_a_time=1, held=held)
    with pytest.raises(Stopped):
        compute(*tasks, scheduler="synchronous")
    assert made == [slice(0, 1), slice(1, 2)]


def test_tasks_give_up_while_they_read(tmp_path):
    reads = []

    def stop_at_the_third(block, block_info=None):
        reads.append(block_info[0]["chunk-location"][1])
        if len(reads) == 4:
            (tmp_path / STOP).touch()
        return block

    blocks = recording().chunk(time=100).data.map_blocks(stop_at_the_third, dtype=float, meta=np.empty((0, 0)))
    activity = xr.DataArray(blocks, dims=("neuron", "time"))
    tasks, _ = tasks_for(activity, tmp_path, rows=5, rows_at_a_time=1, held=False, block=100)
    with pytest.raises(Stopped):
        compute(*tasks, scheduler="synchronous")
    assert reads == [0, 0, 1, 2]


# --- progress ----------------------------------------------------------------------------


@pytest.mark.crossed(1)
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("lazy", [True, False])
def test_progress_ends_where_it_said(tmp_path, held, lazy):
    activity = recording().expand_dims(trial=[1, 2])
    activity = activity.chunk(time=500) if lazy else activity
    told, lock = [], Lock()

    def report(done, total):
        with lock:
            told.append((done, total))

    tasks, plan = tasks_for(activity, tmp_path, rows=2, rows_at_a_time=1, held=held)
    with netxr.progress(report):
        compute(*tasks)
    assert {total for _, total in told} == {plan.tasks * 2 * 4000}
    assert told[-1][0] == plan.tasks * 2 * 4000
    assert told == sorted(told)


def test_what_use_returns_is_the_result(tmp_path):
    tasks, _ = tasks_for(recording(), tmp_path, use=partial(sum_of_heights, 10), rows=3, rows_at_a_time=2)
    assert compute(*tasks) == (12, 13)


def sum_of_heights(start, blocks):
    return start + sum(r.shape[1] for _, r in blocks)
