from collections import Counter
from threading import Lock

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

import netxr

VALUES = np.random.default_rng(1).normal(size=(5, 4000))


LOCK = Lock()


class Reader:
    """Makes chunks, and counts how often each is made."""

    def __init__(self):
        self.reads = Counter()

    def __call__(self, block, block_info=None):
        with LOCK:  # tasks run side by side, and "add one" is two steps
            self.reads[tuple(block_info[0]["chunk-location"])] += 1
        return block

    def recording(self, chunks, dims=("neuron", "time"), values=VALUES):
        blocks = da.from_array(values, chunks=chunks).map_blocks(self, dtype=float, meta=np.empty((0,) * len(dims)))
        return xr.DataArray(blocks, dims=dims)


@pytest.mark.crossed
@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
@pytest.mark.parametrize("chunks", [(5, 100), (5, 4000), (2, 250), (5, (1, 999, 2000, 1000))])
@pytest.mark.parametrize("workers", [1, 4])
def test_one_read_serves_all_lags(missing, chunks, workers):
    reader = Reader()
    with dask.config.set(scheduler="threads", num_workers=workers):
        moments = netxr.lagged_moments(reader.recording(chunks), lags=range(0, 60, 3), missing=missing)
        assert not reader.reads
        moments.compute()
    first = {chunk: n for chunk, n in reader.reads.items() if chunk[1] == 0}
    others = {chunk: n for chunk, n in reader.reads.items() if chunk[1] > 0}
    assert set(others.values()) <= {1}
    segments = 1 if workers == 1 or chunks == (5, 4000) else 2 * workers
    assert max(first.values()) <= segments, "once in each segment, for the provisional mean"


def test_estimates_at_several_lags_share_the_read():
    reader = Reader()
    moments = netxr.lagged_moments(reader.recording((5, 500)), lags=[0, 1, 2])
    dask.compute(*(netxr.lagged_correlation(moments, lag=lag) for lag in (0, 1, 2)), scheduler="synchronous")
    assert sorted(reader.reads.values())[:7] == [1] * 7


def test_trials_in_chunks_of_their_own_are_read_once():
    reader = Reader()
    values = VALUES.reshape(5, 1000, 4)
    recording = reader.recording((5, 250, 1), ("neuron", "time", "trial"), values)
    for dim, reads_of_first in (("time", 1), (("time", "trial"), 4)):
        reader.reads.clear()
        netxr.lagged_moments(recording, lags=[0, 5], dim=dim).compute(scheduler="synchronous")
        assert len(reader.reads) == 16
        assert reader.reads.pop((0, 0, 0)) == reads_of_first, "trials that are pooled share their provisional mean"
        assert set(reader.reads.values()) == {1}


@pytest.mark.parametrize("lengths", [(0, 1000, 3000), (1000, 0, 0, 3000), (4000, 0)])
def test_chunks_without_frames(lengths):
    recording = xr.DataArray(da.from_array(VALUES, chunks=(5, lengths)), dims=("neuron", "time"))
    expected = netxr.lagged_correlation(xr.DataArray(VALUES, dims=("neuron", "time")), lag=2)
    np.testing.assert_allclose(netxr.lagged_correlation(recording, lag=2), expected, rtol=0, atol=1e-13)
