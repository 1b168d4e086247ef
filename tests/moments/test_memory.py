"""What a run holds in memory is less than what was projected, and than what was allowed."""

import gc

import numpy as np
import pytest
import xarray as xr

import netxr
from tests.marks import slow
from tests.runs import peak_bytes


def recording(path, n, n_steps, dtype):
    """A recording on disk, in blocks of about 5 MB."""
    samples = np.random.default_rng(0).standard_normal((n, n_steps)).astype(dtype) + np.dtype(dtype).type(3)
    netxr.save(xr.Dataset({"activity": (("neuron", "time"), samples)}), path)
    return netxr.open(path).activity


def traced_peak(task):
    """Bytes that NumPy and Python hold at most on top of what they held before."""
    task()  # what is imported and kept on first use is no part of it
    gc.collect()
    return peak_bytes(task)


@pytest.mark.crossed(1)
@pytest.mark.parametrize(
    ("n", "n_steps", "memory"),
    [
        (20, 400_000, "160MB"),
        (700, 10_000, "250MB"),
        *slow((150, 60_000, "160MB"), (700, 10_000, "1GB"), (3_000, 1_000, "1GB")),
    ],
)
@pytest.mark.parametrize(("dtype", "lags"), [("float32", [1]), ("float64", [0, 1, 4])])
def test_measured_below_projected_below_allowed(tmp_path, n, n_steps, memory, dtype, lags):
    activity = recording(tmp_path / "run.zarr", n, n_steps, dtype)
    projected = netxr.plan(activity, lags=lags, memory=memory).peak_bytes
    allowed = {"MB": 10**6, "GB": 10**9}[memory[-2:]] * int(memory[:-2])
    peak = traced_peak(lambda: netxr.lagged_correlation(activity, lags=lags, memory=memory).compute())
    assert peak < projected <= allowed


@pytest.mark.parametrize(
    ("n", "n_steps", "memory"),
    [(1_500, 2_000, "200MB"), *slow((150, 60_000, "160MB"), (1_500, 2_000, "1GB"), (3_000, 1_000, "250MB"))],
)
def test_rows_that_are_written_as_they_are_made(tmp_path, n, n_steps, memory):
    activity = recording(tmp_path / "run.zarr", n, n_steps, "float32")
    projected = netxr.plan(activity, lags=[1], memory=memory, stored=True).peak_bytes
    names = iter("ab")
    peak = traced_peak(lambda: netxr.lagged_correlation(activity, memory=memory, store=tmp_path / next(names)))
    assert peak < projected


@pytest.mark.parametrize("stored", [True, *slow(False)])
def test_pooled_trials_are_added_as_they_come(tmp_path, stored):
    samples = np.random.default_rng(0).standard_normal((200, 20, 20))
    activity = xr.DataArray(samples, dims=("neuron", "time", "trial"))
    options = {"lags": [0, 1, 2], "dim": ("time", "trial")}
    names = iter("ab")

    def run():
        store = {"store": tmp_path / next(names)} if stored else {}
        netxr.lagged_correlation(activity, **options, **store)

    assert traced_peak(run) < 12 * 3 * 200 * 200 * 8


@pytest.mark.slow
def test_a_bad_frame_does_not_blow_up_a_long_block(tmp_path):
    samples = np.random.default_rng(0).standard_normal((10, 100_000)).astype("f4")
    samples[3, 70_000] = np.nan
    netxr.save(xr.Dataset({"activity": (("neuron", "time"), samples)}), tmp_path / "run.zarr")
    activity = netxr.open(tmp_path / "run.zarr").activity
    projected = netxr.plan(activity, lags=range(50), missing="drop").peak_bytes
    assert traced_peak(lambda: netxr.lagged_moments(activity, lags=range(50), missing="drop").compute()) < projected


@pytest.mark.crossed(1)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "n_steps", "memory"), [(20, 200_000, "160MB"), *slow((700, 10_000, "500MB"))])
def test_rows_beside_the_neurons_are_counted(tmp_path, n, n_steps, memory, dtype):
    samples = np.random.default_rng(0).uniform(0.1, 0.9, (n, n_steps)).astype(dtype)
    netxr.save(xr.Dataset({"activity": (("neuron", "time"), samples)}), tmp_path / "run.zarr")
    activity, seen = netxr.open(tmp_path / "run.zarr").activity, samples[: n // 4] ** 2
    del samples
    options = {"lags": [0, 1], "link": "logit", "inputs": seen, "where": np.arange(n_steps) % 3 == 0, "memory": memory}
    projected = netxr.plan(activity, **options).peak_bytes
    assert netxr.plan(activity, lags=[0, 1], memory=memory).peak_bytes < projected
    peak = traced_peak(lambda: netxr.lagged_moments(activity, **options).compute())
    assert peak < projected <= int(memory[:-2]) * 10**6
