"""What is lazy is read where that is little, the log says what, and a figure of it is that of the same in memory."""

import logging

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.plot import agreement, facets, lags, matrix, network, score_curve, symmetric_limit
from netxr.plot.loading import MOST_READ, loaded
from tests.plot.drawn import bokeh_cells

R = xr.DataArray(np.arange(18.0).reshape(2, 3, 3) / 10, dims=("lag", "target", "source"))
SCORES = xr.Dataset({"pearson": ("n_neurons", [0.9, 0.5])}, coords={"n_neurons": [5, 50]})


@pytest.mark.parametrize(
    "draws",
    [
        lambda R: matrix(R[0]),
        lambda R: matrix(R[0], p_value=R[1] / 20),
        lambda R: network(R[0]),
        lambda R: network(R[0], p_value=R[1] / 20),
        lambda R: facets(R, col="lag"),
        lambda R: lags(R),
        lambda R: agreement(R[0], R[1], diagonal=False),
    ],
)
def test_small_lazy_matrices_are_drawn(draws):
    draws(R.chunk(target=1))


def test_stored_ones_are_those_in_memory_and_the_log_says_what_was_read(tmp_path, caplog):
    run = netxr.simulate(netxr.random_connectivity(6, seed=1), n_steps=50, seed=1)
    netxr.save(run, tmp_path / "run.zarr")
    stored = netxr.open(tmp_path / "run.zarr").connectivity
    with caplog.at_level(logging.INFO, logger="netxr.plot"):
        np.testing.assert_array_equal(bokeh_cells(matrix(stored)), bokeh_cells(matrix(run.connectivity)))
    assert caplog.messages == ["weights: read 288 B"]


def test_scores_are_read_too():
    assert list(score_curve(SCORES.chunk(), x="n_neurons").Curve.I["mean"]) == [0.9, 0.5]
    assert symmetric_limit(da.from_array(np.array([0.0, -3.0]))) == (-3, 3)


def test_what_is_much_to_read_is_refused():
    long = da.zeros((MOST_READ // 8 + 1,), chunks=10**6)
    with pytest.raises(InvalidInput, match=r"R: got a lazy array of shape .* with 256 MiB and .*\.compute\(\)"):
        loaded(long, argument="R")
    with pytest.raises(
        InvalidInput, match=r"weights: got a lazy array of shape \(60, 60\) with 28.1 KiB and 3,600 tasks"
    ):
        matrix(xr.DataArray(da.zeros((60, 60), chunks=1), dims=("target", "source")))


def test_a_small_result_of_a_long_recording_is_refused_where_much_stands_behind_it():
    class Long:
        shape, dtype, ndim = (10, MOST_READ), np.dtype(float), 2

        def __getitem__(self, part):
            raise AssertionError("read")

    recording = da.from_array(Long(), chunks=(10, MOST_READ // 10), meta=np.empty((0, 0)))
    with pytest.raises(InvalidInput, match=r"score: got a lazy array .* with 20 GiB"):
        loaded(recording[:, :5].sum(), argument="score")
