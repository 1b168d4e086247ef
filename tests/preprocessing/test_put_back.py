import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from netxr.preprocessing.detrend import detrend, z_score
from netxr.preprocessing.filtering import high_pass
from netxr.preprocessing.frames import bad_frames
from netxr.preprocessing.samples import clip, difference, resample
from netxr.preprocessing.select import select
from netxr.schema.clock import activity_of, clock_of
from tests.preprocessing.steps import STEPS, each_step, recording, unreadable
from tests.runs import nothing_computes
from tests.strategies import chunked


@each_step
def test_lazy_stays_lazy(step):
    lazy = unreadable(recording())
    with nothing_computes():
        result = step(lazy)
    assert isinstance(result.data, da.Array)
    assert not np.isnan(result.shape).any()


@each_step
@given(trials=st.sampled_from([None, 2]), data=st.data())
def test_any_chunking_and_order_of_dims_gives_the_same(step, trials, data):
    activity = recording(trials=trials)
    expected = step(activity)
    lazily = data.draw(chunked(activity.transpose(*data.draw(st.permutations(activity.dims)))))
    result = step(lazily)
    assert result.dims == expected.dims == ("neuron", "time", "trial")[: activity.ndim]
    assert result.dtype == expected.dtype
    assert result.shape == result.compute(scheduler="synchronous").shape
    xr.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-10)
    assert result.attrs == expected.attrs
    assert not set(result.coords) ^ set(expected.coords)


@pytest.mark.crossed
@each_step
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int16", "uint8", "bool"])
def test_dtypes(step, lazy, dtype):
    activity = recording(dtype=dtype)
    result = step(activity.chunk(time=9) if lazy else activity)
    if dtype == "float16" and step is difference:
        assert result.dtype == "float32"
    else:
        keeps = dtype.startswith("float") or step in (STEPS["select"], STEPS["drop_frames"])
        assert result.dtype == (dtype if keeps else "float64")
    assert result.compute().dtype == result.dtype
    wide = step(activity.astype(np.float64))
    tolerance = {"float32": 1e-5, "float16": 2e-2}.get(dtype, 1e-10)
    np.testing.assert_allclose(result.values.astype(float), wide.values, rtol=tolerance, atol=10 * tolerance)


@each_step
def test_trials_know_nothing_of_each_other(step):
    activity = recording(trials=3)
    together = step(activity)
    for k in range(3):
        np.testing.assert_array_equal(step(activity.isel(trial=[k])).isel(trial=0), together.isel(trial=k))


@each_step
def test_labels_and_attributes_are_kept(step):
    activity = recording()
    before = activity.copy(deep=True)
    result = step(activity)
    xr.testing.assert_identical(activity, before)
    assert activity.attrs == before.attrs
    assert result.name == "activity"
    assert set(result.coords) == {"neuron", "trial", "depth"}
    assert result.attrs["animal"] == "m7"
    assert result.attrs["units"] == ("1" if step is z_score else "mV")
    assert "\n" not in result.attrs["preprocessing"]
    again = clip(result, upper=100)
    assert again.attrs["preprocessing"] == result.attrs["preprocessing"] + "\nclip upper=100"


@each_step
def test_of_a_dataset_all_else_is_kept(step):
    activity = recording()
    coords = {"target": list("abc"), "source": list("abc")}
    truth = xr.DataArray(np.eye(3), dims=("target", "source"), coords=coords, name="connectivity")
    run = xr.Dataset({"activity": activity, "connectivity": truth}, attrs={"seed": 3, "sampling_interval": 0.5})
    before = run.copy(deep=True)
    result = step(run)
    xr.testing.assert_identical(run, before)
    xr.testing.assert_identical(result.activity, step(activity))
    xr.testing.assert_identical(result.connectivity, truth)
    interval = 1.5 if step is STEPS["resample"] else 0.5
    assert result.attrs == {"seed": 3, "sampling_interval": interval}


@each_step
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.ones((3, 50)), ["data", "ndarray of shape (3, 50)", "as_activity"]),
        (xr.Dataset({"speed": ("time", [1.0])}), ["data", "a Dataset with speed", "'activity'"]),
        (xr.DataArray(np.ones((3, 50)), dims=("neuron", "place")), ["data", "dims ('neuron', 'place')"]),
        (xr.Dataset({"activity": ("time", [1.0])}), ["data.activity", "dims ('time',)"]),
    ],
)
def test_no_recording(step, data, words):
    with pytest.raises(InvalidInput) as error:
        step(data)
    assert all(word in str(error.value) for word in words)


@each_step
def test_results_are_correlated_lazily(step):
    activity = recording(n_steps=120)
    lazily = step(activity.chunk(time=(7, 1, 50, 62), trial=1))
    with nothing_computes():
        estimate = netxr.lagged_correlation(lazily, lags=[0, 1], missing="drop")
    expected = netxr.lagged_correlation(step(activity), lags=[0, 1], missing="drop")
    np.testing.assert_allclose(estimate.values, expected, atol=1e-8)
    assert estimate.attrs["preprocessing"] == lazily.attrs["preprocessing"]


def test_a_chain_of_steps():
    def prepare(data):
        return z_score(difference(resample(select(data, time=(3, 40)), sampling_interval=1)))

    activity = recording(n_steps=100)
    with nothing_computes():
        lazily = prepare(unreadable(activity))
    expected = [
        "select time 3 to 40 s: 74 of 100 samples",
        "resample to 1 s, mean of 2 samples each",
        "difference of consecutive samples",
        "z_score",
    ]
    assert lazily.attrs["preprocessing"].split("\n") == expected
    xr.testing.assert_allclose(prepare(activity.chunk(time=13)), prepare(activity))


def test_what_was_done_is_kept_in_a_store(tmp_path):
    activity = z_score(recording().chunk(time=20))
    netxr.save(activity.to_dataset(), tmp_path / "run.zarr")
    reopened = xr.open_zarr(tmp_path / "run.zarr", consolidated=False)
    assert reopened.activity.attrs["preprocessing"] == "z_score"
    np.testing.assert_allclose(reopened.activity, activity)


@pytest.mark.parametrize("name", ["resample", "difference"])
def test_other_variables_along_a_changed_dim(name):
    run = xr.Dataset({"activity": recording(), "speed": ("time", np.zeros(80))})
    with pytest.raises(InvalidInput) as error:
        STEPS[name](run)
    assert "speed has the dim time too" in str(error.value)
    assert ".drop_vars(['speed'])" in str(error.value)


@pytest.mark.parametrize("name", ["select", "drop_frames"])
def test_other_variables_are_cut_along(name):
    run = xr.Dataset({"activity": recording(), "speed": ("time", np.arange(80.0))})
    result = STEPS[name](run)
    assert result.sizes == result.activity.sizes
    expected = np.arange(10.0, 50) if name == "select" else np.arange(2.0, 80)
    np.testing.assert_array_equal(result.speed, expected)


def test_a_coordinate_time_of_a_dataset_follows():
    run = xr.Dataset({"activity": recording()}).assign_coords(time=0.5 * np.arange(80))
    assert resample(run, sampling_interval=1.5).time.values[:3].tolist() == [0, 1.5, 3]
    assert difference(run).time.values.tolist() == (0.5 * np.arange(79)).tolist()


def test_how_the_file_held_the_samples_is_forgotten():
    activity = recording()
    activity.encoding = {"dtype": "int16", "scale_factor": 0.1}
    assert z_score(activity).encoding == {}
    assert activity.encoding["dtype"] == "int16"


def test_the_clock_of_a_dataset_counts_where_the_activity_has_none():
    run = xr.Dataset({"activity": recording().drop_attrs()}, attrs={"sampling_interval": 0.5, "start_time": 4.0})
    assert clock_of(activity_of(run)) == (0.5, "s", 4.0)
    assert select(run, time=(5, 6)).attrs["start_time"] == 5.0


@pytest.mark.parametrize(
    ("attrs", "word"),
    [
        ({"sampling_interval": "0.5"}, "data.attrs['sampling_interval']: got '0.5'; expected a number above 0"),
        ({"sampling_interval": 0.0}, "data.attrs['sampling_interval']: got 0.0"),
        ({"sampling_interval": float("nan")}, "data.attrs['sampling_interval']: got nan"),
        ({"start_time": [3]}, "data.attrs['start_time']: got [3]; expected a number"),
    ],
)
def test_a_wrong_clock(attrs, word):
    activity = recording()
    activity.attrs = attrs
    with pytest.raises(InvalidInput) as error:
        resample(activity, sampling_interval=1)
    assert word in str(error.value)


def test_even_times_are_the_clock_where_no_sampling_interval_is_said():
    activity = recording().drop_attrs().assign_coords(time=0.5 * np.arange(80))
    assert resample(activity, sampling_interval=2).sizes["time"] == 20
    with pytest.raises(InvalidInput, match=r"'time' that is not even.*expected even times, since samples are counted"):
        resample(activity.assign_coords(time=np.arange(80.0) ** 2), sampling_interval=2)


def test_bad_frames_are_lazy_too():
    lazy = unreadable(recording())
    with nothing_computes():
        assert isinstance(bad_frames(lazy).data, da.Array)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("n_blocks", [1, 2, 40])
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_each_step_takes_one_more_pass(n_blocks, workers):
    """Passes do not repeat one another, however many lanes there are and however many steps follow."""
    made = []

    def make(block, block_info=None):
        made.append(block_info[0]["chunk-location"])
        return np.random.default_rng(block_info[0]["chunk-location"][1]).normal(size=block.shape)

    blocks = da.zeros((4, 100 * n_blocks), chunks=(4, 100)).map_blocks(make, meta=np.empty((0, 0)))
    activity = xr.DataArray(blocks, dims=("neuron", "time"), attrs={"sampling_interval": 0.5})
    with dask.config.set(num_workers=workers):
        netxr.lagged_correlation(z_score(detrend(high_pass(activity, cutoff=0.1)))).compute()
    beside = 6  # the ends of the trial, for the filter; the first block, for the provisional mean
    assert len(made) <= 4 * n_blocks + beside


@pytest.mark.parametrize("step", [netxr.difference, lambda run: netxr.clip(run, lower=0.4), netxr.z_score])
def test_moments_and_estimates_of_the_samples_before_go(step):
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=60, seed=1)
    moments = netxr.lagged_moments(run, lags=[0, 1])
    R = netxr.lagged_correlation(moments, lags=[0, 1])
    held = run.merge(moments, combine_attrs="override").assign(lagged_correlation=R)
    done = step(held)
    assert set(done.data_vars) == {"activity", "connectivity"}
    expected = netxr.lagged_correlation(step(run.activity))
    np.testing.assert_array_equal(netxr.lagged_correlation(done), expected)
