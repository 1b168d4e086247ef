import dask
import dask.array as da
import numpy as np
import pytest
import scipy.signal
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput, NonFiniteActivity
from netxr.kernels.filters import filtered, n_padded, response, states_between
from netxr.preprocessing.filtering import high_pass, low_pass
from netxr.preprocessing.frames import interpolate_frames, mask_frames
from tests.kernels.segments import cuts, spans
from tests.preprocessing.steps import per_trial, recording
from tests.strategies import chunked, recordings


def by_scipy(activity, *, cutoff, order=2, rate=2.0):
    sos = scipy.signal.butter(order, cutoff, "highpass", fs=rate, output="sos")
    return per_trial(activity.astype(float), lambda x: scipy.signal.sosfiltfilt(sos, x, axis=1))


@given(
    recordings(steps=(40, 90), dtypes=("float64", "float32", "int16")),
    st.floats(0.01, 0.9),
    st.integers(1, 4),
    st.data(),
)
def test_any_recording_is_filtered_as_scipy_does(activity, cutoff, order, data):
    activity = activity.assign_attrs(sampling_interval=0.5)
    result = high_pass(data.draw(chunked(activity)), cutoff=cutoff, order=order)
    tolerance = 2e-5 if activity.dtype == "float32" else 1e-8
    np.testing.assert_allclose(result.values, by_scipy(activity, cutoff=cutoff, order=order), atol=tolerance)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("chunks", [(20_000,), (37,) * 540 + (20,), (3, 9_997, 1, 1, 9_998)])
@pytest.mark.parametrize(("cutoff", "order"), [(1e-4, 1), (1e-3, 2), (1e-3, 4), (0.5, 8)])
def test_long_responses_reach_over_chunks(chunks, cutoff, order):
    rng = np.random.default_rng(5)
    values = rng.normal(size=(2, 20_000)) + 50 + np.linspace(0, 30, 20_000)
    activity = xr.DataArray(values, dims=("neuron", "time"), attrs={"sampling_interval": 0.5})
    result = high_pass(activity.chunk(time=chunks), cutoff=cutoff, order=order)
    assert result.chunksizes["time"] == chunks
    np.testing.assert_allclose(result.values, by_scipy(activity, cutoff=cutoff, order=order), atol=1e-8)


def test_slow_goes_and_fast_stays_where_it_was():
    t = 0.5 * np.arange(4000)
    slow, fast = 5 * np.sin(2 * np.pi * 0.002 * t), np.sin(2 * np.pi * 0.2 * t)
    activity = xr.DataArray((slow + fast)[None], dims=("neuron", "time"), attrs={"sampling_interval": 0.5})
    result = high_pass(activity.chunk(time=300), cutoff=0.02).values[0]
    np.testing.assert_allclose(result[500:-500], fast[500:-500], atol=0.01)


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("chunks", [4000, 300])
def test_low_pass_is_that_of_scipy_but_at_the_ends(order, chunks):
    values = np.random.default_rng(3).normal(size=(2, 4000)) + 7
    activity = xr.DataArray(values, dims=("neuron", "time"), attrs={"sampling_interval": 0.5})
    result = low_pass(activity.chunk(time=chunks), cutoff=0.05, order=order)
    sos = scipy.signal.butter(order, 0.05, fs=2.0, output="sos")
    expected = scipy.signal.sosfiltfilt(sos, values, axis=1)
    np.testing.assert_allclose(result.values[:, 400:-400], expected[:, 400:-400], rtol=0, atol=1e-8)
    np.testing.assert_allclose(result + high_pass(activity, cutoff=0.05, order=order), values, rtol=0, atol=1e-9)
    assert result.preprocessing == f"low_pass cutoff=0.05 Hz order={order}"


def test_the_cutoff_halves_amplitudes():
    t = 0.5 * np.arange(8000)
    wave = xr.DataArray(np.sin(2 * np.pi * 0.05 * t)[None], dims=("neuron", "time"), attrs={"sampling_interval": 0.5})
    result = high_pass(wave, cutoff=0.05).values[0, 1000:-1000]
    assert np.ptp(result) / 2 == pytest.approx(0.5, abs=0.01)


@given(recordings(steps=(40, 60), dtypes=("float64",)), st.floats(-3, 3), st.data())
def test_a_filter_is_linear_and_forgets_offsets(activity, factor, data):
    activity = activity.assign_attrs(sampling_interval=0.5)
    lazy = data.draw(chunked(factor * activity + 7)).assign_attrs(sampling_interval=0.5)
    np.testing.assert_allclose(high_pass(lazy, cutoff=0.2), factor * high_pass(activity, cutoff=0.2), atol=1e-9)


def test_backwards_in_time_is_the_same_backwards():
    activity = recording(n_steps=4000)
    forth = high_pass(activity.chunk(time=333), cutoff=0.1)
    back = high_pass(activity.isel(time=slice(None, None, -1)).chunk(time=250), cutoff=0.1)
    middle = slice(1000, 3000)
    np.testing.assert_allclose(forth[:, middle], back.isel(time=slice(None, None, -1))[:, middle], atol=1e-9)


@pytest.mark.parametrize("lazy", [False, True])
def test_what_does_not_vary_is_zero(lazy):
    x = xr.DataArray(np.full((2, 100), -65.3), dims=("neuron", "time"), attrs={"sampling_interval": 0.5})
    x[1, 50] = -60
    result = high_pass(x.chunk(time=9) if lazy else x, cutoff=0.1).values
    assert (result[0] == 0).all()
    assert (result[1] != 0).any()


def test_what_is_recorded():
    activity = recording()
    assert high_pass(activity, cutoff=0.01).attrs["preprocessing"] == "high_pass cutoff=0.01 Hz order=2"
    step = high_pass(activity.assign_attrs(sampling_interval_units="ms"), cutoff=0.01, order=3)
    assert step.attrs["preprocessing"] == "high_pass cutoff=0.01 per ms order=3"


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_an_error_that_says_where(lazy, value):
    activity = recording()
    activity[1, 40, 1] = value
    with pytest.raises(NonFiniteActivity) as error:
        high_pass(activity.chunk(time=9) if lazy else activity, cutoff=0.1).compute(scheduler="synchronous")
    words = ["activity, trial 6", "in 1 frames from 40 to 40", "interpolate_frames", "mask_frames"]
    assert all(word in str(error.value) for word in words)


def test_fill_filter_and_mask_again():
    activity, frames = recording(), [11, 12, 40]
    broken = activity.copy()
    broken[:, frames] = np.nan
    clean = mask_frames(high_pass(interpolate_frames(broken, frames=frames), cutoff=0.1), frames=frames)
    assert np.isnan(clean.values).any(axis=(0, 2)).nonzero()[0].tolist() == frames
    assert [line.split()[0] for line in clean.attrs["preprocessing"].split("\n")] == [
        "interpolate_frames",
        "high_pass",
        "mask_frames",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cutoff": 0}, ["cutoff: got 0", "between 0 and 1 Hz, half the sampling rate"]),
        ({"cutoff": 1.0}, ["cutoff: got 1.0"]),
        ({"cutoff": "0.1 Hz"}, ["cutoff: got '0.1 Hz'"]),
        ({"cutoff": float("nan")}, ["cutoff: got nan"]),
        ({"cutoff": 0.1, "order": 0}, ["order: got 0"]),
        ({"cutoff": 0.1, "order": 40}, ["80 samples a trial", "more than 123 for order 40"]),
    ],
)
def test_wrong_filters(arguments, words):
    with pytest.raises(InvalidInput) as error:
        high_pass(recording(), **arguments)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_no_sampling_interval():
    with pytest.raises(InvalidInput, match=r"sampling_interval: got none.*assign_attrs\(sampling_interval"):
        high_pass(recording().drop_attrs(), cutoff=0.1)


@pytest.mark.parametrize("order", range(1, 9))
def test_the_extension_is_that_of_scipy(order):
    """SciPy refuses a signal no longer than its extension, and names the length."""
    sos = scipy.signal.butter(order, 0.1, "highpass", output="sos")
    scipy.signal.sosfiltfilt(sos, np.zeros(n_padded(sos) + 1))
    with pytest.raises(ValueError, match="must be greater than padlen"):
        scipy.signal.sosfiltfilt(sos, np.zeros(n_padded(sos)))


@given(cuts(60), st.integers(1, 5), st.integers(0, 9))
def test_states_carry_over_any_blocks(cut, order, seed):
    sos = scipy.signal.butter(order, 0.05, "highpass", output="sos")
    x = np.random.default_rng(seed).normal(size=(3, 60)).cumsum(axis=1)
    blocks = [x[:, a:b] for a, b in spans([length for segment in cut for length in segment])]
    n = n_padded(sos) + 1
    between = states_between(sos, [response(sos, block) for block in blocks], x[:, :n], x[:, -n:])
    joined = np.concatenate([filtered(sos, b, *states) for b, states in zip(blocks, between, strict=True)], axis=1)
    np.testing.assert_allclose(joined, scipy.signal.sosfiltfilt(sos, x, axis=1), atol=1e-9)


def test_each_block_is_made_twice_and_let_go():
    made = []

    def make(block, block_info=None):
        made.append(block_info[0]["chunk-location"][1])
        return np.random.default_rng(1).normal(size=block.shape)

    lazy = da.zeros((4, 6000), chunks=(4, 100)).map_blocks(make, meta=np.empty((0, 0)))
    activity = xr.DataArray(lazy, dims=("neuron", "time"), attrs={"sampling_interval": 0.5})
    with dask.config.set(scheduler="synchronous"):
        high_pass(activity, cutoff=0.1).compute()
    assert set(made) == set(range(60))
    assert len(made) <= 2 * 60 + 10
