import itertools
import pickle

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from netxr.blocks import schedulers
from netxr.blocks.segments import SPLIT_EVERY, WORKING_MEMORY, even_cuts, in_segments, in_threads, tree
from tests.runs import nothing_computes
from tests.strategies import splits


def join(parts):
    return [entry for part in parts for entry in part]


# --- cuts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "parts", "expected"),
    [
        ([4, 4, 4, 4], 1, [0, 4]),
        ([4, 4, 4, 4], 2, [0, 2, 4]),
        ([4, 4, 4, 4], 4, [0, 1, 2, 3, 4]),
        ([4, 4, 4, 4], 9, [0, 1, 2, 3, 4]),
        ([1, 1, 1, 9], 2, [0, 3, 4]),
        ([9, 1, 1, 1], 2, [0, 1, 4]),
        ([9, 1, 1, 1], 3, [0, 1, 2, 4]),
        ([1, 1, 1, 9], 3, [0, 2, 3, 4]),
        ([5], 3, [0, 1]),
        ([0, 0, 5], 2, [0, 2, 3]),
    ],
)
def test_even_cuts(lengths, parts, expected):
    assert even_cuts(lengths, parts) == expected


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30), st.integers(1, 12))
def test_parts_cover_all_have_a_block_each_and_are_nearly_even(lengths, parts):
    cuts = even_cuts(lengths, parts)
    assert (cuts[0], cuts[-1]) == (0, len(lengths))
    assert len(cuts) == min(parts, len(lengths)) + 1
    assert all(a < b for a, b in itertools.pairwise(cuts))
    sizes = [sum(lengths[a:b]) for a, b in itertools.pairwise(cuts)]
    assert max(sizes) < sum(lengths) / (len(cuts) - 1) + 2 * max(lengths)


# --- segments -------------------------------------------------------------------------------------


def recorder(pieces, offset, *, name):
    """What a step got, as a list of one."""
    return [(offset, [piece.copy() for piece in pieces], name)]


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(splits(n), splits(2))), st.integers(1, 9))
def test_any_segments_go_over_all_blocks_in_order(chunks, segments):
    lengths, rows = chunks
    entries = np.stack([np.arange(sum(lengths)), -np.arange(sum(lengths))])
    array = da.from_array(entries, chunks=(rows, lengths))
    with nothing_computes():
        lazy = in_segments(recorder, join, array, segments=segments, one_thread=True, key="walk", name="x")
    done = dask.compute(lazy, scheduler="synchronous")[0]
    assert [piece.shape[1] for _, pieces, _ in done for piece in pieces] == list(lengths)
    np.testing.assert_array_equal(np.concatenate([np.concatenate(p, axis=1) for _, p, _ in done], axis=1), entries)
    assert len(done) == min(segments, len(lengths))
    assert all(pieces and name == "x" for _, pieces, name in done)
    assert [offset for offset, _, _ in done] == [pieces[0][0, 0] for _, pieces, _ in done]


def test_keys_are_those_of_the_place():
    def keys():
        array = da.arange(12, chunks=2)
        return set(in_segments(recorder, join, array, segments=2, one_thread=True, key="k", name="").__dask_graph__())

    assert keys() == keys() == {"k-0", "k-3", "k-sum-0-0"}


def test_results_that_blocks_share_are_inputs_of_the_tasks():
    array = da.diff(da.from_array(np.arange(24) ** 2, chunks=4))
    lazy = in_segments(recorder, join, array, segments=3, one_thread=True, key="k", name="")
    done = dask.compute(lazy, scheduler="synchronous")[0]
    found = np.concatenate([np.concatenate(pieces) for _, pieces, _ in done])
    np.testing.assert_array_equal(found, np.diff(np.arange(24) ** 2))


@pytest.mark.parametrize("one_thread", [True, False])
def test_blas_threads_in_a_task(one_thread):
    def step(pieces, offset):
        return [{_blas_threads()} for _ in pieces]

    with threadpool_limits(2, user_api="blas"):
        usual = _blas_threads()
        array = da.zeros(9, chunks=3)
        lazy = in_segments(step, join, array, segments=2, one_thread=one_thread, key="k")
        assert set.union(*dask.compute(lazy, scheduler="synchronous")[0]) == {1 if one_thread else usual}
        assert _blas_threads() == usual


def _blas_threads():
    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


def test_an_error_in_a_step_is_raised_and_the_threads_are_given_back():
    def step(pieces, offset):
        raise ZeroDivisionError

    # In one thread: of several, the others may still be at work, and hold the limit, when the error arrives.
    lazy = in_segments(step, join, da.zeros(9, chunks=3), segments=2, one_thread=True, key="k")
    with threadpool_limits(2, user_api="blas"):
        usual = _blas_threads()
        with pytest.raises(ZeroDivisionError):
            lazy.compute(scheduler="synchronous")
        assert _blas_threads() == usual


def test_the_graph_can_be_sent_elsewhere():
    array = da.arange(12, chunks=2)
    lazy = in_segments(recorder, join, array, segments=2, one_thread=True, key="k", name="")
    there = pickle.loads(pickle.dumps(dict(lazy.__dask_graph__())))  # noqa: S301 - written above
    assert [offset for offset, _, _ in dask.get(there, "k-sum-0-0")] == [0, 6]


# --- trees -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 16, 17, 64, 65, 600])
def test_tree_keeps_the_order_and_combines_few_at_a_time(n):
    widths = []

    def combine(parts):
        widths.append(len(parts))
        return join(parts)

    leaf = dask.delayed(lambda k: [k])
    joined = tree(combine, [leaf(k) for k in range(n)], key="sum")
    assert dask.compute(joined, scheduler="synchronous")[0] == list(range(n))
    assert max(widths, default=0) <= SPLIT_EVERY


# --- threads -----------------------------------------------------------------------------------


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.setattr(schedulers.os, "sched_getaffinity", lambda pid: set(range(4)), raising=False)


def segments(*, length, shortest=10, worker_bytes=1):
    """Where the segments of an array begin, and their entries."""
    return in_threads(
        lambda pieces, offset: [(offset, *(piece.tolist() for piece in pieces))],
        join,
        np.arange(length),
        shortest=shortest,
        worker_bytes=worker_bytes,
    )


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(("length", "workers"), [(1, 1), (10, 1), (19, 1), (20, 2), (39, 3), (40, 4), (1003, 4)])
def test_a_stretch_a_thread(length, workers):
    parts = segments(length=length)
    assert len(parts) == workers
    assert all(entries[0] == offset for offset, entries in parts)
    assert join(entries for _, entries in parts) == list(range(length))
    lengths = [len(entries) for _, entries in parts]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.usefixtures("four_cores")
def test_one_thread_where_several_would_hold_too_much():
    assert len(segments(length=100, worker_bytes=WORKING_MEMORY // 4)) == 4
    assert len(segments(length=100, worker_bytes=WORKING_MEMORY // 4 + 1)) == 1


@pytest.mark.usefixtures("four_cores")
def test_an_error_in_a_thread_is_raised():
    def fail(pieces, offset):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_threads(fail, list, np.zeros(100), shortest=1, worker_bytes=1)
