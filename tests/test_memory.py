"""What a run holds in memory is less than what was projected, and than what was allowed."""

import gc
import tracemalloc

import numpy as np
import pytest
import xarray as xr

import netxr


def recording(path, n, n_steps, dtype):
    """A recording on disk, in blocks of about 5 MB."""
    samples = np.random.default_rng(0).standard_normal((n, n_steps)).astype(dtype) + np.dtype(dtype).type(3)
    netxr.save(xr.Dataset({"activity": (("neuron", "time"), samples)}), path)
    return netxr.open(path).activity


def traced_peak(task):
    """Bytes that NumPy and Python hold at most on top of what they held before."""
    task()  # what is imported and kept on first use is no part of it
    gc.collect()
    tracemalloc.start()
    try:
        task()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("n", "n_steps", "memory"),
    [
        (20, 400_000, "160MB"),
        (20, 400_000, "1GB"),
        (150, 60_000, "160MB"),
        (150, 60_000, "1GB"),
        (700, 10_000, "250MB"),
        (700, 10_000, "1GB"),
        (1_500, 2_000, "1GB"),
        (3_000, 1_000, "1GB"),
    ],
)
@pytest.mark.parametrize(("dtype", "lags"), [("float32", [1]), ("float64", [0, 1, 4])])
def test_measured_below_projected_below_allowed(tmp_path, n, n_steps, memory, dtype, lags):
    activity = recording(tmp_path / "run.zarr", n, n_steps, dtype)
    projected = netxr.plan(activity, lags=lags, memory=memory).peak_bytes
    allowed = {"MB": 10**6, "GB": 10**9}[memory[-2:]] * int(memory[:-2])
    peak = traced_peak(lambda: netxr.lagged_correlation(activity, lag=lags, memory=memory).compute())
    assert peak < projected <= allowed


@pytest.mark.parametrize(
    ("n", "n_steps", "memory"),
    [(150, 60_000, "160MB"), (1_500, 2_000, "200MB"), (1_500, 2_000, "1GB"), (3_000, 1_000, "250MB")],
)
def test_rows_that_are_written_as_they_are_made(tmp_path, n, n_steps, memory):
    activity = recording(tmp_path / "run.zarr", n, n_steps, "float32")
    projected = netxr.plan(activity, lags=[1], memory=memory, stored=True).peak_bytes
    names = iter("ab")
    peak = traced_peak(lambda: netxr.lagged_correlation(activity, memory=memory, store=tmp_path / next(names)))
    assert peak < projected
