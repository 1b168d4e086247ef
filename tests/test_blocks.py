import itertools

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from netxr import blocks
from netxr.blocks import SPLIT_EVERY, WORKING_MEMORY, followers, in_blocks, in_threads, tree
from netxr.errors import InvalidInput
from tests.strategies import splits


@pytest.mark.parametrize(
    ("lengths", "k", "halo", "expected"),
    [
        ([10], 0, 3, []),
        ([4, 4], 0, 0, []),
        ([4, 4], 0, 1, [(1, 1)]),
        ([4, 4], 0, 4, [(1, 4)]),
        ([4, 4], 0, 9, [(1, 4)]),
        ([4, 4], 1, 2, []),
        ([4, 1, 1, 5], 0, 3, [(1, 1), (2, 1), (3, 1)]),
        ([4, 1, 1, 5], 1, 3, [(2, 1), (3, 2)]),
        ([1, 1, 1, 1], 0, 2, [(1, 1), (2, 1)]),
        ([3, 0, 3], 0, 2, [(1, 0), (2, 2)]),
    ],
)
def test_followers(lengths, k, halo, expected):
    assert list(followers(lengths, k, halo)) == expected


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(splits(n), st.integers(0, 40))))
def test_followers_hold_the_next_entries_and_no_more(case):
    lengths, halo = case
    for k in range(len(lengths)):
        found = list(followers(lengths, k, halo))
        assert sum(take for _, take in found) == min(halo, sum(lengths[k + 1 :]))
        assert [j for j, _ in found] == list(range(k + 1, k + 1 + len(found)))
        assert all(0 < take <= lengths[j] for j, take in found)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 64, 65, 600])
def test_tree_keeps_the_order_and_combines_few_at_a_time(n):
    widths = []

    def join(parts):
        widths.append(len(parts))
        return [entry for part in parts for entry in part]

    leaf = dask.delayed(lambda k: [k])
    joined = tree(join, [leaf(k) for k in range(n)])
    assert dask.compute(joined, scheduler="synchronous")[0] == list(range(n))
    assert max(widths, default=0) <= SPLIT_EVERY


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(splits(n), splits(2), st.integers(0, 35))))
def test_a_block_comes_with_its_halo_and_offset(case):
    lengths, rows, halo = case
    entries = np.stack([np.arange(sum(lengths)), -np.arange(sum(lengths))])

    def partial(joined, length, offset, *, name):
        return [(joined.copy(), length, offset, name)]

    def join(parts):
        return [entry for part in parts for entry in part]

    lazy = in_blocks(partial, join, da.from_array(entries, chunks=(rows, lengths)), halo=halo, name="x")
    done = dask.compute(lazy, scheduler="synchronous")[0]
    assert [length for _, length, _, _ in done] == list(lengths)
    for joined, length, offset, name in done:
        np.testing.assert_array_equal(joined, entries[:, offset : offset + length + halo])
        assert name == "x"


def test_blocks_run_with_one_blas_thread():
    with threadpool_limits(2, user_api="blas"):
        assert _threads_in_a_block() == {1}


def _threads_in_a_block():
    lazy = in_blocks(
        lambda joined, length, offset: {_blas_threads()}, lambda p: set.union(*p), da.zeros(9, chunks=3), halo=1
    )
    return dask.compute(lazy, scheduler="synchronous")[0]


def _blas_threads():
    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


def test_unknown_chunk_lengths_are_an_error_with_the_fix():
    unknown = da.arange(20, chunks=5)
    unknown = unknown[unknown > 3]
    with pytest.raises(InvalidInput, match=r"activity: .*compute_chunk_sizes"):
        in_blocks(lambda *_: 0, sum, unknown, halo=1)


# --- threads -------------------------------------------------------------------------------


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.setattr(blocks.os, "sched_getaffinity", lambda pid: set(range(4)), raising=False)


def stretches(*, length, shortest=10, worker_bytes=1):
    return in_threads(
        lambda start, stop: [(start, stop)],
        lambda parts: [entry for part in parts for entry in part],
        length=length,
        shortest=shortest,
        worker_bytes=worker_bytes,
    )


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(("length", "workers"), [(1, 1), (10, 1), (19, 1), (20, 2), (39, 3), (40, 4), (1003, 4)])
def test_a_stretch_a_thread(length, workers):
    parts = stretches(length=length)
    assert len(parts) == workers
    assert parts[0][0] == 0
    assert parts[-1][1] == length
    assert all(stop == start for (_, stop), (start, _) in itertools.pairwise(parts))
    assert max(b - a for a, b in parts) - min(b - a for a, b in parts) <= 1


@pytest.mark.usefixtures("four_cores")
def test_one_thread_where_several_would_hold_too_much():
    assert len(stretches(length=100, worker_bytes=WORKING_MEMORY // 4)) == 4
    assert stretches(length=100, worker_bytes=WORKING_MEMORY // 4 + 1) == [(0, 100)]


@pytest.mark.usefixtures("four_cores")
def test_an_error_in_a_thread_is_raised():
    def fail(start, stop):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_threads(fail, list, length=100, shortest=1, worker_bytes=1)
