import weakref

import dask
import dask.array as da
import numpy as np
import pytest
import scipy.signal
import scipy.stats
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput
from netxr.preprocessing.detrend import detrend, z_score
from tests.preprocessing.steps import per_trial, recording
from tests.strategies import chunked, recordings


def with_holes(activity, seed=0, share=0.2):
    holes = np.random.default_rng(seed).random(activity.shape) < share
    return activity.where(~holes)


# --- z_score ---------------------------------------------------------------------------


@given(recordings(dtypes=("float64", "float32", "int16", "int64")), st.data())
def test_scores_of_any_recording(activity, data):
    expected = per_trial(activity.astype(float), lambda x: scipy.stats.zscore(x, axis=1))
    result = z_score(data.draw(chunked(activity)))
    np.testing.assert_allclose(result.values, expected, atol=2e-5 if activity.dtype == "float32" else 1e-9)


@pytest.mark.parametrize("lazy", [False, True])
def test_missing_samples_are_left_out(lazy):
    activity = with_holes(recording())
    expected = per_trial(activity, lambda x: scipy.stats.zscore(x, axis=1, nan_policy="omit"))
    result = z_score(activity.chunk(time=(30, 1, 49)) if lazy else activity)
    np.testing.assert_allclose(result.values, expected, atol=1e-10)


@pytest.mark.parametrize("lazy", [False, True])
def test_infinity_is_left_out(lazy):
    x = xr.DataArray([[np.inf, 1.0, 3.0, 1.0, 3.0, -np.inf, np.nan]], dims=("neuron", "time"))
    result = z_score(x.chunk(time=2) if lazy else x)
    np.testing.assert_allclose(result, [[np.inf, -1, 1, -1, 1, -np.inf, np.nan]])


@pytest.mark.parametrize("step", [z_score, detrend])
@pytest.mark.parametrize("value", [0.1, -65.3, 1e9])
def test_what_does_not_vary_is_zero(step, value):
    x = xr.DataArray(np.full((2, 1001), value), dims=("neuron", "time"))
    x[0, 3:9] = np.nan
    for given_x in (x, x.chunk(time=70)):
        result = step(given_x)
        assert (result.values[1] == 0).all()
        assert np.isnan(result.values[0, 3:9]).all()
        assert (np.delete(result.values[0], np.s_[3:9]) == 0).all()


def test_a_neuron_that_is_never_there_stays_nan():
    x = xr.DataArray(np.full((1, 9), np.nan), dims=("neuron", "time"))
    assert np.isnan(z_score(x)).all()
    assert np.isnan(detrend(x)).all()


@pytest.mark.parametrize("lazy", [False, True])
def test_a_large_mean_does_not_drown_the_deviation(lazy):
    rng = np.random.default_rng(3)
    x = xr.DataArray((1e7 + 1e-2 * rng.normal(size=(2, 5000))), dims=("neuron", "time"))
    result = z_score(x.chunk(time=400) if lazy else x)
    np.testing.assert_allclose(result, scipy.stats.zscore(x.values, axis=1), atol=1e-4)
    np.testing.assert_allclose(result.std("time"), 1, rtol=1e-9)


@given(recordings(dtypes=("float64",)), st.floats(0.01, 100), st.floats(-100, 100))
def test_scores_know_nothing_of_scale_and_offset(activity, scale, offset):
    np.testing.assert_allclose(z_score(scale * activity + offset), z_score(activity), atol=1e-8)


def test_units_of_scores():
    assert z_score(recording()).attrs["units"] == "1"
    assert z_score(recording().drop_attrs()).attrs["units"] == "1"


# --- detrend ---------------------------------------------------------------------------


@given(recordings(dtypes=("float64", "float32", "int16")), st.integers(0, 2), st.data())
def test_trends_of_any_recording(activity, order, data):
    t = np.arange(activity.sizes["time"])

    def naive(x):
        return np.stack([row - np.polyval(np.polyfit(t, row, order), t) for row in x])

    result = detrend(data.draw(chunked(activity)), order=order)
    tolerance = 2e-5 if activity.dtype == "float32" else 1e-8
    np.testing.assert_allclose(result.values, per_trial(activity.astype(float), naive), atol=tolerance)


@pytest.mark.parametrize(("order", "kind"), [(0, "constant"), (1, "linear")])
@pytest.mark.parametrize("lazy", [False, True])
def test_trends_as_scipy_has_them(order, kind, lazy):
    activity = recording(n_steps=500) + xr.DataArray(np.linspace(0, 90, 500), dims="time")
    expected = scipy.signal.detrend(activity.values, axis=1, type=kind)
    result = detrend(activity.chunk(time=77, neuron=2) if lazy else activity, order=order)
    np.testing.assert_allclose(result, expected, atol=1e-10)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("lazy", [False, True])
def test_fits_go_by_the_samples_that_are_there(order, lazy):
    activity = with_holes(recording())
    t = np.arange(activity.sizes["time"])

    def naive(x):
        rows = []
        for row in x:
            there = np.isfinite(row)
            rows.append(row - np.polyval(np.polyfit(t[there], row[there], order), t))
        return np.stack(rows)

    result = detrend(activity.chunk(time=9) if lazy else activity, order=order)
    np.testing.assert_allclose(result.values, per_trial(activity, naive), atol=1e-10)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_a_detrended_recording_has_no_trend(order):
    once = detrend(recording().chunk(time=7), order=order).compute()
    np.testing.assert_allclose(detrend(once, order=order), once, atol=1e-12)


def test_fewer_samples_than_coefficients_are_fitted_exactly():
    x = xr.DataArray(np.full((1, 60), np.nan), dims=("neuron", "time"))
    x[0, 3], x[0, 40] = 5, 9
    np.testing.assert_allclose(detrend(x, order=2).values[0, [3, 40]], 0, atol=1e-9)


@pytest.mark.parametrize("order", [-1, 3, 1.0, "1", True])
def test_wrong_orders(order):
    with pytest.raises(InvalidInput, match=r"order: got .*expected 0, 1 or 2.*high_pass"):
        detrend(recording(), order=order)


def test_too_short_for_a_trend():
    with pytest.raises(InvalidInput, match=r"3 samples a trial; expected 4 or more for order 2"):
        detrend(recording(n_steps=3), order=2)


# --- both ------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [z_score, detrend])
def test_blocks_are_held_one_at_a_time(step):
    """What needs the whole course first reads the blocks twice, and holds none of them between."""
    alive, most = weakref.WeakValueDictionary(), [0]

    def make(block, block_info=None):
        made = np.random.default_rng(1).normal(size=block.shape)
        alive[id(made)] = made
        most[0] = max(most[0], len(alive))
        return made

    n_blocks = 60
    lazy = da.zeros((4, 100 * n_blocks), chunks=(4, 100)).map_blocks(make, meta=np.empty((0, 0)))
    result = step(xr.DataArray(lazy, dims=("neuron", "time"))).data
    with dask.config.set(scheduler="synchronous"):
        result.sum().compute(optimize_graph=False)
    assert most[0] < n_blocks / 4
