from itertools import pairwise

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netxr.plot.activity.binning import cells, extremes, read, segments


def with_gaps(samples, rng):
    samples = samples.copy()
    samples[rng.random(samples.shape) < 0.1] = np.nan
    samples[0, :7] = np.nan
    samples[-1, -1] = np.inf
    return samples


@st.composite
def recordings(draw):
    """Samples in memory, the same in some chunks, and some of its rows."""
    n, n_steps = draw(st.integers(1, 5)), draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    samples = rng.integers(-9, 9, size=(n, n_steps)).astype(np.float64)
    samples = with_gaps(samples, rng) if draw(st.booleans()) else samples
    chunks = (draw(st.integers(1, n)), draw(st.integers(1, n_steps)))
    rows = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n, unique=True))
    return samples, da.from_array(samples, chunks=chunks), rows


def finite(values):
    return values[np.isfinite(values)]


@settings(max_examples=40, deadline=None)
@given(recordings(), st.integers(1, 20), st.booleans())
def test_each_bin_has_its_least_and_its_largest_sample_in_order_of_time(recording, n_bins, lazy):
    samples, chunked, rows = recording
    part = (1, samples.shape[1])
    frames, values = extremes(chunked if lazy else samples, rows, [part], n_bins=n_bins)
    edges = np.linspace(*part, min(n_bins, part[1] - part[0]) + 1).astype(int)
    assert values.shape == (len(rows), 2 * (len(edges) - 1))
    for row, at, drawn in zip(rows, frames, values, strict=True):
        for b, (first, end) in enumerate(pairwise(edges)):
            there = finite(samples[row, first:end])
            pair, when = drawn[2 * b : 2 * b + 2], at[2 * b : 2 * b + 2]
            if not len(there):
                assert np.isnan(pair).all()
                continue
            assert {pair.min(), pair.max()} == {there.min(), there.max()}
            assert first <= when[0] <= when[1] < end
            np.testing.assert_array_equal(samples[row, when.astype(int)], pair)  # each point is a sample


@settings(max_examples=40, deadline=None)
@given(recordings(), st.integers(1, 20), st.booleans())
def test_cells_sum_up_every_sample_once(recording, step, lazy):
    samples, chunked, rows = recording
    edges = np.append(np.arange(1, samples.shape[1], step), samples.shape[1])
    summed = cells(chunked if lazy else samples, rows, edges)
    for k, row in enumerate(rows):
        there = finite(samples[row, 1:])
        for b, (first, end) in enumerate(pairwise(edges)):
            inside = finite(samples[row, first:end])
            assert summed.n_samples[k, b] == len(inside)
            assert summed.total[k, b] == pytest.approx(inside.sum())
        if len(there):
            mean, deviation = summed.scale()[k]
            assert mean == pytest.approx(there.mean(), abs=1e-12)
            assert deviation == pytest.approx(there.std() or 1.0)


def test_samples_far_from_zero_keep_their_digits():
    samples = np.random.default_rng(0).normal(-65, 1e-4, size=(2, 5000))
    summed = cells(da.from_array(samples, chunks=(2, 700)), [0, 1], np.array([0, 2500, 5000]))
    np.testing.assert_allclose(summed.scale()[:, 1], samples.std(axis=1), rtol=1e-6)


def test_reading_one_by_one_marks_what_is_missing():
    samples = np.array([[1, 2, 3], [4, np.inf, np.nan]])
    for given_as in (samples, da.from_array(samples, chunks=(1, 2))):
        np.testing.assert_array_equal(read(given_as, [1, 0], (0, 2)), [[4, np.nan], [1, 2]])


@pytest.mark.parametrize(
    ("chunks", "most", "expected"),
    [
        ((4, 10), 10**9, [(5, 998)]),  # all of it fits
        ((4, 10), 4 * 8 * 30, [(5, 10), (490, 500), (990, 998)]),
        ((4, 10), 1, [(5, 10)]),  # a chunk is the least that can be read
        ((1, 10), 8 * 30, [(5, 10), (490, 500), (990, 998)]),  # only the chunks of the row count
        ((4, 1000), 1, [(5, 998)]),  # a part of a chunk costs as much as all of it
    ],
)
def test_segments_are_whole_chunks_as_far_as_the_budget_goes(chunks, most, expected):
    assert segments(da.zeros((4, 1000), chunks=chunks), [2], 5, 998, most=most) == expected


def test_segments_of_small_chunks_are_few_and_do_not_overlap():
    parts = np.array(segments(da.zeros((4, 10_000), chunks=(4, 5)), [0], 0, 10_000, most=4 * 8 * 4000))
    assert len(parts) <= 64
    assert (parts[1:, 0] >= parts[:-1, 1]).all()
    assert np.diff(parts).sum() == pytest.approx(4000, rel=0.1)


def test_what_is_in_memory_is_read_whole():
    assert segments(np.zeros((4, 10**4)), [0], 5, 9_000, most=1) == [(5, 9_000)]


def test_between_segments_is_a_gap():
    samples = np.arange(100.0)[np.newaxis]
    frames, values = extremes(da.from_array(samples, chunks=(1, 10)), [0], [(0, 10), (80, 100)], n_bins=4)
    np.testing.assert_array_equal(values[0], [0, 4, 5, 9, np.nan, 80, 89, 90, 99])
    np.testing.assert_array_equal(frames, values)


def test_only_the_chunks_of_the_segments_are_read():
    seen = []

    def chunk(block_info=None):
        seen.append(block_info[None]["array-location"][1][0])
        return np.zeros((2, 10))

    lazy = da.map_blocks(chunk, chunks=((2,), (10,) * 20), dtype=float, meta=np.empty((0, 0)))
    with dask.config.set(scheduler="synchronous"):
        extremes(lazy, [0], [(0, 10), (95, 110)], n_bins=4)
    assert sorted(seen) == [0, 90, 100]
