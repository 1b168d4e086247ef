import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from netxr.preprocessing.frames import _fill, _frames_needed, bad_frames, drop_frames, interpolate_frames, mask_frames
from netxr.preprocessing.select import select
from tests.preprocessing.steps import recording
from tests.strategies import chunked, recordings, splits


@st.composite
def flags(draw, n):
    """Bad frames in runs, some long; at least one frame is good."""
    bad = np.zeros(n, dtype=bool)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, n - 1))
        bad[start : start + draw(st.integers(1, n))] = True
    bad[draw(st.integers(0, n - 1))] = False
    return bad


def naive_fill(x, bad):
    good = np.flatnonzero(~bad)
    return np.stack([np.interp(np.arange(len(bad)), good, row[good]) for row in x.astype(float)])


# --- found -----------------------------------------------------------------------------


@pytest.mark.parametrize("lazy", [False, True])
def test_bad_frames_hold_something_that_is_no_number(lazy):
    activity = recording(n_steps=20)
    activity[0, 3, 0], activity[2, 5, 1], activity[1, 5, 0] = np.nan, np.inf, -np.inf
    found = bad_frames(activity.chunk(time=6) if lazy else activity)
    assert found.dims == ("time", "trial")
    assert np.argwhere(found.values).tolist() == [[3, 0], [5, 0], [5, 1]]
    assert found.name == "bad_frames"
    assert found.attrs == {}
    assert not bad_frames(activity.isel(trial=0, time=slice(6, None)).astype("int16")).any()


# --- given -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frames",
    [
        [1, 2, 4],
        (4, 1, 2),
        np.array([1, 2, 4], dtype=np.uint8),
        [False, True, True, False, True, False],
        xr.DataArray([False, True, True, False, True, False], dims="time"),
    ],
)
def test_frames_may_be_given_in_several_ways(frames):
    masked = mask_frames(recording(n_steps=6), frames=frames)
    assert np.isnan(masked.values).all(axis=(0, 2)).tolist() == [False, True, True, False, True, False]
    assert np.isnan(masked.values).sum() == 3 * 3 * 2
    assert masked.attrs["preprocessing"] == "mask_frames 3 of 6: 1-2, 4"


@pytest.mark.parametrize("change", [mask_frames, interpolate_frames, drop_frames])
@pytest.mark.parametrize("lazy", [False, True])
def test_no_bad_frame_changes_nothing(change, lazy):
    activity = recording(n_steps=6)
    result = change(activity.chunk(time=4) if lazy else activity, frames=[])
    np.testing.assert_array_equal(result, activity)
    assert result.attrs["preprocessing"] == f"{change.__name__} 0 of 6"


@pytest.mark.parametrize("change", [mask_frames, interpolate_frames])
@pytest.mark.parametrize("lazy", [False, True])
def test_trials_may_have_bad_frames_of_their_own(change, lazy):
    activity = recording(n_steps=6)
    frames = xr.DataArray(np.zeros((2, 6), dtype=bool), dims=("trial", "time"), coords={"trial": [5, 6]})
    frames[0, 2:4] = frames[1, 5] = True
    result = change(activity.chunk(time=3) if lazy else activity, frames=frames)
    for k, own in enumerate([[2, 3], [5]]):
        np.testing.assert_array_equal(result[..., [k]], change(activity[..., [k]], frames=own))
    expected = f"{change.__name__} in trial 5 2 of 6: 2-3; in trial 6 1 of 6: 5"
    assert result.attrs["preprocessing"] == expected


def test_a_long_list_is_cut_short():
    masked = mask_frames(recording(n=1, n_steps=5000, trials=None), frames=range(0, 5000, 2))
    told = masked.attrs["preprocessing"]
    assert told.startswith("mask_frames 2500 of 5000: 0, 2, 4,")
    assert told.endswith(", 1998, and 1500 ranges more")


def test_found_and_given():
    activity = recording(n_steps=20)
    activity[0, 3, 0] = np.nan
    filled = interpolate_frames(activity.chunk(time=6), frames=bad_frames(activity.chunk(time=6)).compute())
    np.testing.assert_allclose(filled[:, 3, 0], (activity[:, 2, 0] + activity[:, 4, 0]) / 2)


@pytest.mark.parametrize("change", [mask_frames, interpolate_frames, drop_frames])
@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([6], ["different frame numbers, 0 to 5", "6 times True or False"]),
        ([-1], ["different frame numbers"]),
        ([1, 1], ["different frame numbers"]),
        ([0, 1, 0, 0, 0, 0], [".astype(bool)"]),
        ([True, False], ["list of bool, shape (2,)"]),
        ([1.0], ["list of float64"]),
        ("12", ["str"]),
        ([[1]], ["shape (1, 1)"]),
        (None, ["NoneType"]),
        (xr.DataArray(np.zeros(5, dtype=bool), dims="time"), ["time of 6 frames"]),
        (xr.DataArray(np.zeros(6), dims="time"), ["float64 with dims"]),
        (xr.DataArray(np.zeros((6, 3), dtype=bool), dims=("time", "neuron")), ["got bool with dims"]),
        (
            xr.DataArray(np.zeros((6, 2), dtype=bool), dims=("time", "trial"), coords={"trial": [6, 5]}),
            ["labelled like the activity"],
        ),
        (xr.DataArray(np.zeros(6, dtype=bool), dims="time").chunk(), ["a lazy array", "frames=bad.compute()"]),
    ],
)
def test_wrong_frames(change, frames, words):
    with pytest.raises(InvalidInput) as error:
        change(recording(n_steps=6), frames=frames)
    assert str(error.value).startswith("frames: ")
    assert all(word in str(error.value) for word in words), str(error.value)


# --- marked ----------------------------------------------------------------------------


@pytest.mark.parametrize("lazy", [False, True])
def test_masked_frames_make_no_pairs(lazy):
    """The pairs that are left are those with both samples good, and each still lies a lag apart."""
    activity, frames = recording(n_steps=60, trials=None), [0, 10, 11, 30]
    masked = mask_frames(activity.chunk(time=7) if lazy else activity, frames=frames)
    estimate = netxr.lagged_correlation(masked, lag=2, missing="drop")
    pairs = [t for t in range(58) if not {t, t + 2} & set(frames)]
    x = activity.values
    expected = [[np.corrcoef(x[i, np.add(pairs, 2)], x[j, pairs])[0, 1] for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(estimate, expected, atol=1e-10)


# --- interpolated ----------------------------------------------------------------------


@given(recordings(dtypes=("float64", "float32", "int16")), st.data())
def test_interpolation_as_numpy_has_it(activity, data):
    bad = data.draw(flags(activity.sizes["time"]))
    x = activity.transpose("neuron", "time", ...).values
    by_trial = x[..., None] if x.ndim == 2 else x
    expected = np.stack([naive_fill(trial, bad) for trial in np.moveaxis(by_trial, 2, 0)], axis=2).reshape(x.shape)
    result = interpolate_frames(data.draw(chunked(activity)), frames=bad)
    tolerance = 1e-5 if activity.dtype == "float32" else 1e-10
    np.testing.assert_allclose(result.values, expected, rtol=tolerance, atol=tolerance)
    good = ~bad
    np.testing.assert_array_equal(result.values[:, good], x[:, good])


@pytest.mark.parametrize("lazy", [False, True])
def test_what_bad_frames_hold_does_not_matter(lazy):
    activity = recording(n_steps=30)
    worse = activity.copy()
    worse[:, [0, 9, 10, 29]] = np.inf
    filled = interpolate_frames(worse.chunk(time=10) if lazy else worse, frames=[0, 9, 10, 29])
    np.testing.assert_array_equal(filled, interpolate_frames(activity, frames=[0, 9, 10, 29]))


def test_no_good_frame_to_go_by():
    with pytest.raises(InvalidInput, match="all frames of a trial"):
        interpolate_frames(recording(n_steps=3), frames=[0, 1, 2])


@given(st.integers(2, 40), st.data())
def test_chunks_reach_as_far_as_they_need(n, data):
    bad = data.draw(flags(n))
    lengths = data.draw(splits(n))
    ends = np.cumsum(lengths)
    reach = _frames_needed(bad, ends[:-1])
    x = np.random.default_rng(0).normal(size=(1, n))
    expected = naive_fill(x, bad)
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        first = max(0, start - reach)
        part = slice(first, end + reach)
        filled = _fill(x[:, part], bad[None, part])[:, start - first : end - first]
        np.testing.assert_allclose(filled, expected[:, start:end], atol=1e-12)


# --- dropped ---------------------------------------------------------------------------


@pytest.mark.parametrize("lazy", [False, True])
def test_ends_are_cut_off(lazy):
    activity = recording(n_steps=10).assign_attrs(start_time=1.0)
    result = drop_frames(activity.chunk(time=3) if lazy else activity, frames=[0, 1, 9])
    np.testing.assert_array_equal(result, activity[:, 2:9])
    assert result.attrs["start_time"] == 2.0
    assert result.attrs["preprocessing"] == "drop_frames 3 of 10: 0-1, 9"
    np.testing.assert_array_equal(select(result, time=(2, 2.5))[:, 0], activity[:, 2])


@pytest.mark.parametrize("lazy", [False, True])
def test_the_middle_is_cut_out_if_asked_for(lazy):
    activity = recording(n_steps=10)
    given_activity = activity.chunk(time=3) if lazy else activity
    with pytest.raises(InvalidInput, match=r"2 in the middle: 4-5; expected frames at the ends.*mask_frames"):
        drop_frames(given_activity, frames=[0, 4, 5])
    result = drop_frames(given_activity, frames=[0, 4, 5], join=True)
    np.testing.assert_array_equal(result, np.delete(activity.values, [0, 4, 5], axis=1))
    assert result.attrs["preprocessing"] == "drop_frames 3 of 10: 0, 4-5, the rest joined"


def test_a_coordinate_shows_the_gap():
    activity = recording(n_steps=5).assign_coords(time=np.arange(5) / 2)
    result = drop_frames(activity, frames=[2], join=True)
    assert result.time.values.tolist() == [0, 0.5, 1.5, 2]


def test_frames_that_differ_between_trials_are_not_dropped():
    frames = xr.DataArray(np.eye(6, 2, dtype=bool), dims=("time", "trial"), coords={"trial": [5, 6]})
    with pytest.raises(InvalidInput, match=r"other frames in other trials.*mask_frames"):
        drop_frames(recording(n_steps=6), frames=frames)
    same = frames.isel(trial=[0, 0]).assign_coords(trial=[5, 6])
    assert drop_frames(recording(n_steps=6), frames=same).sizes["time"] == 5


def test_something_must_be_left():
    with pytest.raises(InvalidInput, match="all frames"):
        drop_frames(recording(n_steps=3), frames=[0, 1, 2])
