import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput
from netxr.preprocessing.select import select


def recording(**attrs):
    return xr.DataArray(
        np.arange(400.0).reshape(4, 100),
        dims=("neuron", "time"),
        coords={
            "neuron": ["a", "b", "c", "d"],
            "area": ("neuron", np.array(["V1", "V1", "LM", "V1"], dtype=object)),
            "iscell": ("neuron", [True, False, True, True]),
            "depth": ("neuron", [120.0, 310.0, np.nan, 90.0]),
        },
        name="activity",
        attrs=attrs,
    )


SECONDS = {"sampling_interval": 0.1, "sampling_interval_units": "s"}

# --- time ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "frames"),
    [
        ((2, 5), (20, 50)),
        ((1.1, 2.3), (11, 23)),
        ((1.15, 1.25), (12, 13)),
        ((None, 0.3), (0, 3)),
        ((9.5, None), (95, 100)),
        ((-4, 700), (0, 100)),
        ((None, None), (0, 100)),
        ([0.6, 0.7], (6, 7)),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_time_by_the_clock(time, frames, lazy):
    activity = recording(**SECONDS)
    result = select(activity.chunk(time=30) if lazy else activity, time=time)
    np.testing.assert_array_equal(result, activity.isel(time=slice(*frames)))
    assert result.attrs["start_time"] == pytest.approx(frames[0] * 0.1)


@given(st.integers(0, 10**6), st.sampled_from([0.1, 1 / 30, 0.0333, 1e-3, 7.0]), st.floats(-50, 50))
def test_a_sample_is_where_it_is(frame, interval, start):
    frame %= 100
    activity = recording(sampling_interval=interval, start_time=start)
    result = select(activity, time=(start + frame * interval, start + (frame + 1) * interval))
    assert result.values[0].tolist() == [frame]


def test_times_stay_those_of_the_recording():
    once = select(recording(**SECONDS), time=(3, 9))
    twice = select(once, time=(4, 5))
    assert twice.values[0, 0] == 40
    assert twice.attrs["start_time"] == 4.0
    assert twice.sizes["time"] == 10


def test_without_an_interval_time_is_counted_in_steps():
    result = select(recording(), time=(10, 13))
    assert result.values[0].tolist() == [10, 11, 12]
    assert result.attrs["preprocessing"] == "select time 10 to 13 step: 3 of 100 samples"


def test_a_coordinate_comes_first():
    activity = recording(**SECONDS).assign_coords(time=1000 + 2.0 * np.arange(100))
    result = select(activity, time=(1010, 1016))
    assert result.time.values.tolist() == [1010, 1012, 1014]
    assert (result.start_time, result.sampling_interval) == (1010, 2)


def test_dates():
    activity = recording().assign_coords(time=pd.date_range("2026-01-01", periods=100, freq="s"))
    result = select(activity, time=("2026-01-01T00:00:10", np.datetime64("2026-01-01T00:00:12")))
    assert result.values[0].tolist() == [10, 11]


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ((50, 60), ["(50, 60), without a sample", "0.0 to 9.9 s"]),
        ((5, 5), ["without a sample"]),
        ((6, 5), ["without a sample"]),
        (5, ["got 5", "(start, stop)"]),
        ((1, 2, 3), ["(start, stop)"]),
        (("1", 2), ["got '1'", "a number"]),
        ((float("nan"), 2), ["got nan"]),
        (slice(1, 2), ["slice(1, 2, None)"]),
    ],
)
def test_wrong_times(time, words):
    with pytest.raises(InvalidInput) as error:
        select(recording(**SECONDS), time=time)
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize(
    ("times", "time", "words"),
    [
        (np.arange(100)[::-1], (3, 5), ["does not increase"]),
        (pd.date_range("2026-01-01", periods=100), (3, 5), ["times like Timestamp"]),
        (np.arange(100.0), ("a", 5), ["time: got 'a'; expected a number"]),
        (np.arange(100.0), (200, 300), ["0.0 to 99.0"]),
    ],
)
def test_wrong_times_of_a_coordinate(times, time, words):
    with pytest.raises(InvalidInput) as error:
        select(recording().assign_coords(time=times), time=time)
    assert all(word in str(error.value) for word in words), str(error.value)


# --- neurons ---------------------------------------------------------------------------


def test_labels_in_the_order_asked_for():
    result = select(recording(), neurons=["d", "a"])
    assert result.neuron.values.tolist() == ["d", "a"]
    assert result.values[:, 0].tolist() == [300, 0]
    assert result.depth.values.tolist() == [90, 120]
    assert result.attrs["preprocessing"] == "select by label: 2 of 4 neurons"
    assert "start_time" not in result.attrs


@pytest.mark.parametrize("neurons", ["c", ["c"], np.array(["c"], dtype=object), xr.DataArray(["c"]), {"c"}])
def test_one_label(neurons):
    assert select(recording(), neurons=neurons).neuron.values.tolist() == ["c"]


def test_neurons_without_labels_are_numbered():
    activity = xr.DataArray(np.zeros((5, 9)), dims=("neuron", "time"))
    assert select(activity, neurons=[4, 0]).sizes["neuron"] == 2


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"area": "V1"}, "abd"),
        ({"area": ["LM", "V2"]}, "c"),
        ({"iscell": True}, "acd"),
        ({"iscell": True, "area": "V1"}, "ad"),
        ({"depth": lambda depth: depth < 200}, "ad"),
        ({"depth": 310}, "b"),
        ({"neuron": ["b", "c"]}, "bc"),
    ],
)
def test_where(where, left):
    result = select(recording(), where=where)
    assert "".join(result.neuron.values) == left


def test_labels_and_what_holds_of_them():
    result = select(recording(), neurons=["d", "b", "a"], where={"iscell": True})
    assert result.neuron.values.tolist() == ["d", "a"]


def test_flags_may_be_variables_of_a_dataset():
    run = xr.Dataset({"activity": recording(), "snr": ("neuron", [1.0, 5.0, 2.0, 9.0])})
    result = select(run, where={"snr": lambda snr: snr > 4})
    assert result.neuron.values.tolist() == ["b", "d"]
    assert result.snr.values.tolist() == [5, 9]


def test_what_is_recorded():
    def shallow(depth):
        return depth < 200

    result = select(recording(**SECONDS), time=(None, 5), where={"depth": shallow, "area": "V1"})
    expected = "select time the start to 5 s, where depth=shallow, area='V1': 50 of 100 samples, 2 of 4 neurons"
    assert result.attrs["preprocessing"] == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, ["time, neurons, where: got none of them"]),
        ({"neurons": ["a", "z"]}, ["neurons: got 'z' among them", "such as 'a', 'b', 'c'"]),
        ({"neurons": ["a", "a"]}, ["each once"]),
        ({"neurons": []}, ["neurons: got []"]),
        ({"neurons": [["a"]]}, ["neurons: got", "among them"]),
        ({"where": {"layer": 4}}, ["where: got 'layer'", "there are: neuron, area, iscell, depth"]),
        ({"where": {"area": "V9"}}, ["area='V9', which no neuron meets", "area is one of 'V1', 'LM'"]),
        ({"where": "V1"}, ["where: got 'V1'", "a mapping"]),
        ({"where": {}}, ["where: got {}"]),
        ({"where": {"depth": lambda depth: depth.mean()}}, ["where['depth']", "shape ()", "each of 4 neurons"]),
        ({"where": {"depth": lambda depth: depth}}, ["returns float64"]),
        ({"where": {"area": "LM"}, "neurons": ["a"]}, ["which no neuron meets"]),
    ],
)
def test_wrong_neurons(arguments, words):
    with pytest.raises(InvalidInput) as error:
        select(recording(), **arguments)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_trials_by_their_coordinates():
    whole = recording().expand_dims(trial=[0, 1, 2], axis=-1)
    whole = whole.assign_coords(stimulus=("trial", ["left", "right", "left"]))
    found = select(whole, where={"stimulus": "left", "area": "V1"})
    chosen = whole.isel(trial=[0, 2], neuron=np.flatnonzero(whole.area.values == "V1"))
    np.testing.assert_array_equal(found.values, chosen.values)
    assert found.trial.values.tolist() == [0, 2]
    assert found.preprocessing == "select where stimulus='left', area='V1': 3 of 4 neurons, 2 of 3 trials"
    with pytest.raises(InvalidInput, match="which no trial meets; expected conditions that a trial meets"):
        select(whole, where={"stimulus": "up"})
