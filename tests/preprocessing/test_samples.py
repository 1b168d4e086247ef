import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput
from netxr.preprocessing.samples import _whole_bins, clip, difference, resample, threshold
from tests.preprocessing.steps import recording
from tests.strategies import chunked, recordings, splits

# --- resample --------------------------------------------------------------------------


@given(recordings(steps=(6, 30)), st.integers(1, 6), st.sampled_from(["mean", "sum"]), st.data())
def test_bins_of_any_recording(activity, factor, how, data):
    x = activity.transpose("neuron", "time", ...).values
    wide = x if x.dtype.kind in "iub" else x.astype(float)
    bins = [wide[:, k : k + factor] for k in range(0, x.shape[1] - factor + 1, factor)]
    expected = np.stack([getattr(one, how)(axis=1) for one in bins], axis=1)
    if x.dtype.kind == "f":
        expected = expected.astype(x.dtype)
    result = resample(data.draw(chunked(activity)), sampling_interval=factor, how=how)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.values, expected, rtol=2e-3 if x.dtype == "float16" else 1e-6)
    assert (result.attrs["sampling_interval"], result.attrs["sampling_interval_units"]) == (factor, "step")


def test_the_clock_after_binning():
    activity = recording(n_steps=80).assign_attrs(start_time=3.0)
    result = resample(activity, sampling_interval=1.5)
    assert result.attrs["sampling_interval"] == 1.5
    assert result.attrs["start_time"] == 3.0
    assert result.attrs["preprocessing"] == "resample to 1.5 s, mean of 3 samples each, 2 at the end left out"


def test_twice_is_once_by_both():
    activity = recording(n_steps=84)
    twice = resample(resample(activity, sampling_interval=1), sampling_interval=3)
    np.testing.assert_allclose(twice, resample(activity, sampling_interval=3), atol=1e-12)


def test_a_bin_with_nan_is_nan():
    activity = recording(n_steps=6, trials=None)
    activity[0, 4] = np.nan
    result = resample(activity, sampling_interval=1)
    assert np.isnan(result.values).nonzero()[0].tolist() == [0]
    assert np.isnan(result.values[0, 2])


def test_sums_of_counts_do_not_overflow():
    counts = xr.DataArray(np.full((1, 4), 200, np.uint8), dims=("neuron", "time"))
    assert resample(counts, sampling_interval=4, how="sum").values.tolist() == [[800]]


def test_sums_of_float16_are_float32():
    loud = xr.DataArray(np.full((1, 4), 60_000, np.float16), dims=("neuron", "time"))
    for activity in (loud, loud.chunk(time=2)):
        binned = resample(activity, sampling_interval=4, how="sum")
        assert binned.dtype == np.float32
        assert binned.values.tolist() == [[4 * float(np.float16(60_000))]]


@given(st.data())
def test_chunks_move_to_whole_bins(data):
    n_bins, factor = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 5))
    lengths = data.draw(splits(n_bins * factor))
    bins = _whole_bins(lengths, factor)
    assert sum(bins) == sum(lengths)
    assert all(length % factor == 0 and length > 0 for length in bins)
    assert set(np.cumsum(bins)) <= {end // factor * factor for end in np.cumsum(lengths)}


def test_long_recordings_keep_their_chunks():
    lazy = xr.DataArray(da.zeros((5, 10_000), chunks=(5, 1000)), dims=("neuron", "time"))
    chunks = resample(lazy, sampling_interval=3).chunksizes["time"]
    assert (len(chunks), set(chunks)) == (10, {333, 334})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"sampling_interval": 0.7},
            ["0.7 s, 1.4 samples", "a whole multiple of 0.5 s", "nearest is 0.5 s, 1 samples"],
        ),
        ({"sampling_interval": 1.8}, ["nearest is 2 s, 4 samples"]),
        ({"sampling_interval": 0.1}, ["0.2 samples", "nearest is 0.5 s"]),
        ({"sampling_interval": 0}, ["got 0", "a length in s, above 0"]),
        ({"sampling_interval": "1 s"}, ["got '1 s'"]),
        ({"sampling_interval": float("nan")}, ["got nan"]),
        ({"sampling_interval": 100}, ["got 100 s", "at most 40 s, the whole recording"]),
        ({"sampling_interval": 1, "how": "median"}, ["how", "'median'", "'mean' or 'sum'"]),
    ],
)
def test_wrong_bins(arguments, words):
    with pytest.raises(InvalidInput) as error:
        resample(recording(), **arguments)
    assert all(word in str(error.value) for word in words), str(error.value)


# --- threshold -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16"])
def test_threshold(dtype):
    x = recording(dtype=dtype)
    result = threshold(x.chunk(time=7), at=0.5)
    np.testing.assert_array_equal(result.values, x.values * (x.values >= 0.5))
    assert result.preprocessing == "threshold at=0.5"


def test_threshold_leaves_nan():
    x = xr.DataArray([[np.nan, 2.0, -1.0]], dims=("neuron", "time"))
    np.testing.assert_array_equal(threshold(x, at=2), [[np.nan, 2, 0]])


@pytest.mark.parametrize("at", [0, -1, np.nan, "high", None])
def test_wrong_thresholds(at):
    with pytest.raises(InvalidInput, match="at: got"):
        threshold(recording(), at=at)


# --- clip ------------------------------------------------------------------------------


@given(recordings(), st.floats(-20, 0), st.floats(0, 60), st.data())
def test_clip_any_recording(activity, lower, upper, data):
    which = data.draw(st.sampled_from([{"lower": lower}, {"upper": upper}, {"lower": lower, "upper": upper}]))
    x = activity.transpose("neuron", "time", ...).values
    x = x if x.dtype.kind == "f" else x.astype(float)
    result = clip(data.draw(chunked(activity)), **which)
    np.testing.assert_array_equal(result.values, np.clip(x, which.get("lower"), which.get("upper")))


def test_clip_leaves_nan():
    x = xr.DataArray([[np.nan, np.inf, -7.0]], dims=("neuron", "time"))
    np.testing.assert_array_equal(clip(x, lower=0, upper=5), [[np.nan, 5, 0]])
    assert clip(x, lower=-0.5).attrs["preprocessing"] == "clip lower=-0.5"


def test_bounds_beyond_an_integer_type():
    x = xr.DataArray(np.array([[100, -100]], np.int8), dims=("neuron", "time"))
    np.testing.assert_array_equal(clip(x, upper=1000), x)
    np.testing.assert_array_equal(clip(x, lower=0.5), [[100, 0.5]])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, ["lower=None, upper=None"]),
        ({"lower": 2, "upper": 1}, ["lower=2, upper=1", "in this order"]),
        ({"lower": "0"}, ["lower: got '0'"]),
        ({"upper": float("nan")}, ["upper: got nan"]),
    ],
)
def test_wrong_bounds(arguments, words):
    with pytest.raises(InvalidInput) as error:
        clip(recording(), **arguments)
    assert all(word in str(error.value) for word in words)


# --- difference ------------------------------------------------------------------------


@given(recordings(), st.data())
def test_differences_of_any_recording(activity, data):
    x = activity.transpose("neuron", "time", ...).values
    wide = {"float16": "float32", "float32": "float32"}.get(x.dtype.name, "float64")  # in which none overflows
    expected = np.diff(x.astype(wide), axis=1)
    result = difference(data.draw(chunked(activity)))
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result.values, expected)


def test_differences_of_unsigned_integers_are_negative():
    x = xr.DataArray(np.array([[5, 3]], np.uint8), dims=("neuron", "time"))
    assert difference(x).values.tolist() == [[-2.0]]


@pytest.mark.parametrize("lazy", [False, True])
def test_differences_of_float16_do_not_overflow(lazy):
    x = xr.DataArray(np.array([[-60000, 60000, 1]], "f2"), dims=("neuron", "time"))
    found = difference(x.chunk(time=1) if lazy else x)
    assert found.dtype == np.float32
    assert found.values.tolist() == [[120000.0, -59999.0]]


def test_differences_keep_the_chunks():
    lazy = xr.DataArray(da.zeros((2, 10), chunks=(2, 4)), dims=("neuron", "time"))
    assert difference(lazy).chunksizes["time"] == (4, 4, 1)


def test_a_single_sample_has_no_difference():
    with pytest.raises(InvalidInput, match="a single sample a trial"):
        difference(xr.DataArray([[1.0]], dims=("neuron", "time")))
