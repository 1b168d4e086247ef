"""By hand:
- 0 1 2 3 4 5 6 cut at 2 and 4, one before and two after: 1 2 3 and 3 4 5.
- 0 1 2 3 4 5 6 in trials of 3: 0 1 2 and 3 4 5, and 6 is left out.
- sampled every 0.5 s from 10 s on, an event at 11.2 s is at the nearest sample, the second: 11.0 s.
"""

import re

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import netxr
from netxr import cut_trials
from netxr.errors import InvalidInput
from tests.oracles import naive_correlation
from tests.preprocessing.steps import recording, unreadable
from tests.runs import nothing_computes


@pytest.fixture
def seven():
    return xr.DataArray([np.arange(7.0)], {"neuron": ["a"]}, ("neuron", "time"))


def test_by_hand(seven):
    around = cut_trials(seven, [2, 4], before=1, after=2)
    assert around.sel(neuron="a").transpose("trial", "time").values.tolist() == [[1, 2, 3], [3, 4, 5]]
    assert around.time.values.tolist() == [-1, 0, 1]
    assert around.onset.values.tolist() == [2, 4]
    equal = cut_trials(seven, length=3)
    assert equal.sel(neuron="a").transpose("trial", "time").values.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert equal.onset.values.tolist() == [0, 3]
    timed = seven.assign_attrs(sampling_interval=0.5, start_time=10.0)
    assert cut_trials(timed, [11.2], before=0.5, after=0.5).values.ravel().tolist() == [1, 2]


@pytest.mark.parametrize("on_axis", [True, False])
def test_trials_are_the_samples_around_events(on_axis):
    whole = recording(trials=None)
    times = 3.0 + 0.5 * np.arange(80)
    whole = whole.assign_coords(time=times) if on_axis else whole.assign_attrs(start_time=3.0)
    onsets = np.array([5.0, 5.5, 30.1])
    found = cut_trials(whole, onsets, before=1.0, after=2.5)
    for k, onset in enumerate(onsets):
        at = int(np.abs(times - onset).argmin())
        np.testing.assert_array_equal(found.isel(trial=k), whole[:, at - 2 : at + 5])
    np.testing.assert_allclose(found.time, np.arange(-1.0, 2.5, 0.5))
    assert {"depth", "onset"} <= set(found.coords)
    assert found.attrs.items() >= {"units": "mV", "animal": "m7", "sampling_interval": 0.5, "start_time": -1.0}.items()
    assert found.preprocessing == (
        "cut into 3 trials from 1 s before to 2.5 s after 3 events, 1 of them within the trial before"
    )


def test_spans_are_named_in_time(seven):
    timed = seven.assign_attrs(sampling_interval=500.0, sampling_interval_units="ms")
    named = cut_trials(timed, [1000, 2000], before="500ms", after="1 s")
    xr.testing.assert_identical(named, cut_trials(timed, [1000, 2000], before=500, after=1000))
    assert named.sel(neuron="a").transpose("trial", "time").values.tolist() == [[1, 2, 3], [3, 4, 5]]
    assert cut_trials(timed, length="1.5s").onset.values.tolist() == [0, 1500]
    for span, said in (("0.7s", "which is 1.4 samples of 500 ms"), ("soon", "after: got 'soon'; expected a span of 1")):
        with pytest.raises(InvalidInput, match=said):
            cut_trials(timed, [1000], after=span)
    with pytest.raises(InvalidInput, match="after: got '1s', of samples counted in 'step'"):
        cut_trials(seven, [2], after="1s")


@pytest.mark.parametrize(
    ("onsets", "said"),
    [
        ([2, 4, 3, 4], "events number 1 and 3 (from 0) at 4 and 4, the same sample"),
        ([4.2, 2, 3.9], "events number 0 and 2 (from 0) at 4.2 and 3.9, the same sample"),
        ([2, 4, 2, 2], "events number 0 and 2 (from 0) at 2 and 2, the same sample, and 1 more such"),
    ],
)
def test_an_event_counts_once(seven, onsets, said):
    with pytest.raises(InvalidInput, match=re.escape(f"onsets: got {said}; expected each event once")):
        cut_trials(seven, onsets, before=1, after=2)


def test_lazy_stays_lazy():
    whole = recording(trials=None)
    with nothing_computes():
        assert isinstance(cut_trials(unreadable(recording(trials=1), time=11), length=10).data, da.Array)
    lazily = cut_trials(whole.chunk(time=7), [5, 20], before=2, after=3)
    xr.testing.assert_identical(lazily.compute(), cut_trials(whole, [5, 20], before=2, after=3))


def test_no_pair_crosses_from_one_trial_into_the_next():
    whole = recording(trials=None)
    found = netxr.lagged_correlation(cut_trials(whole, length=10), lag=1, dim=("time", "trial"))
    trials = [whole.values[:, 20 * k : 20 * k + 20] for k in range(4)]
    np.testing.assert_allclose(found, naive_correlation(trials, 1), rtol=0, atol=1e-12)


def test_coordinates_of_trials_stay():
    onsets = xr.DataArray(
        [5.0, 9.0], {"trial": [7, 8], "stimulus": ("trial", ["left", "right"]), "day": 3}, dims="trial"
    )
    found = cut_trials(recording(trials=None), onsets, after=2)
    assert found.trial.values.tolist() == [7, 8]
    assert found.stimulus.values.tolist() == ["left", "right"]
    assert "stimulus" in cut_trials(recording(trials=None), onsets.rename(trial="event"), after=2).coords


TABLE = pd.DataFrame(
    {"onset": [5.0, 9.0, 20.0], "duration": 2.0, "stimulus": ["left", "right", "left"], "block": [1, 1, 2]}, [4, 6, 9]
)


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        TABLE.rename(columns={"onset": "start_time"}),
        TABLE.reset_index(names="trial"),
        TABLE.to_xarray().rename(index="trial"),
        TABLE.to_xarray().rename(index="trial").set_coords("onset"),
    ],
)
def test_columns_of_a_table_of_events_are_coordinates_of_trials(table):
    whole = recording(trials=None)
    found = cut_trials(whole, table, before=1, after=2)
    assert found.trial.values.tolist() == [4, 6, 9]
    assert found.stimulus.values.tolist() == ["left", "right", "left"]
    assert found.stimulus.dtype == object
    assert found.block.values.tolist() == [1, 1, 2]
    assert found.duration.values.tolist() == [2, 2, 2]
    np.testing.assert_array_equal(found, cut_trials(whole, [5.0, 9.0, 20.0], before=1, after=2))
    left = netxr.select(found, where={"stimulus": "left"})
    np.testing.assert_array_equal(left, found.isel(trial=[0, 2]))
    R = netxr.lagged_correlation(left, dim=("time", "trial"))
    np.testing.assert_allclose(R, naive_correlation([t.values for t in left.transpose("trial", ...)], 1), atol=1e-12)


def test_rows_without_a_label_of_their_own_are_counted():
    twice = pd.concat([TABLE, TABLE.assign(onset=TABLE.onset + 0.5)])
    assert cut_trials(recording(trials=None), twice, after=2).trial.values.tolist() == list(range(6))


def test_what_is_cut_can_be_saved(tmp_path):
    trials = cut_trials(recording(trials=None), TABLE, before=1, after=2)
    netxr.save(trials.to_dataset(), tmp_path / "trials.zarr")
    back = netxr.open(tmp_path / "trials.zarr").activity
    assert back.stimulus.values.tolist() == ["left", "right", "left"]
    assert back.time.values.tolist() == trials.time.values.tolist()
    assert netxr.minus_trial_mean(netxr.select(back, where={"stimulus": "left"})).sizes["trial"] == 2


def test_overlapping_trials_are_said():
    found = cut_trials(recording(trials=None), [5.0, 12.0, 6.0, 10.0], before=1, after=2)
    assert found.preprocessing.endswith("after 4 events, 2 of them within the trial before")


def test_dates():
    start = np.datetime64("2026-03-01T12:00:00", "ns")
    whole = recording(trials=None).assign_coords(time=start + np.arange(80) * np.timedelta64(500, "ms"))
    at = start + np.array([4, 10]) * np.timedelta64(1, "s")
    found = cut_trials(whole, at, before=1, after=1)
    np.testing.assert_array_equal(found.isel(trial=1), whole[:, 18:22])
    np.testing.assert_array_equal(found.onset, at)


def test_a_dataset_keeps_its_truth_and_loses_moments():
    whole = recording(trials=None)
    run = netxr.lagged_moments(whole).assign(activity=whole, connectivity=(("target", "source"), np.eye(3)))
    found = cut_trials(run, length=5)
    assert set(found.data_vars) == {"activity", "connectivity"}
    xr.testing.assert_identical(found.activity, cut_trials(whole, length=5))
    assert cut_trials(run, length=40).activity.sizes["time"] == 80


def test_no_trial_goes_over_a_gap():
    times = np.r_[np.arange(40) * 0.5, 100 + np.arange(40) * 0.5]
    whole = recording(trials=None).assign_coords(time=times)
    found = cut_trials(whole, [5.0, 101.1], before=0.5, after=2)
    np.testing.assert_array_equal(found.isel(trial=1), whole[:, 41:46])
    xr.testing.assert_identical(
        cut_trials(whole.assign_attrs(gaps="segments"), [5.0, 101.1], before=0.5, after=2), found
    )
    assert "gaps" not in found.attrs
    for onset in (19.0, 99.9):
        with pytest.raises(InvalidInput, match="go over a gap"):
            cut_trials(whole, [onset], before=0.5, after=2)


@pytest.mark.parametrize("after_gap", [20.0, 100.0])
def test_onsets_are_in_the_unit_of_the_clock_also_where_times_are_in_another(after_gap):
    times = np.r_[np.arange(40) * 0.5, after_gap + np.arange(40) * 0.5]
    in_ms = recording(trials=None).assign_coords(time=("time", 1000 * times, {"units": "ms"}))
    clock = {"sampling_interval": 0.5, "sampling_interval_units": "s"}
    found = cut_trials(in_ms.assign_attrs(clock), [5.0, after_gap + 1], after=1.0)
    np.testing.assert_array_equal(found.isel(time=0).values, in_ms.values[:, [10, 42]])


def test_an_event_in_a_gap_has_no_trial_and_equal_trials_begin_when_they_did():
    times = np.r_[np.arange(40) * 0.5, 100 + np.arange(40) * 0.5]
    whole = recording(trials=None).assign_coords(time=times)
    assert cut_trials(whole, [99.8], after=2).isel(neuron=0, time=0).item() == whole[0, 40]
    with pytest.raises(InvalidInput, match=r"a trial at 60.0, and 1 more.*go over a gap"):
        cut_trials(whole, [60.0, 70.0], after=0.5)
    for onset in (19.8, 60.0, 99.7):  # the nearest samples are at 19.5 and 100
        with pytest.raises(InvalidInput, match=f"a trial at {onset}.*go over a gap"):
            cut_trials(whole, [onset], after=0.5)
    assert cut_trials(whole, length=10).onset.values.tolist() == [0.0, 10.0, 100.0, 110.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "got neither"),
        ({"onsets": [1], "after": 1, "length": 3}, "got both"),
        ({"length": 3, "after": 1}, "trials follow one another"),
        ({"length": 0}, "length: got 0"),
        ({"length": 0.7}, r"whole number of samples of 0.5 s. The nearest is 0.5"),
        ({"length": 1000}, "no longer than the recording, 80 samples"),
        ({"onsets": [5]}, "after: got None"),
        ({"onsets": [5], "before": -1, "after": 1}, "before: got -1"),
        ({"onsets": [0.5, 0, 5], "before": 1, "after": 1}, "a trial at 0.5, and 1 more"),
        ({"onsets": [39.5], "after": 1}, "do not leave the recording"),
        ({"onsets": [np.nan], "after": 1}, "not finite"),
        ({"onsets": ["left"], "after": 1}, "times of events"),
        ({"onsets": [], "after": 1}, "times of events"),
        ({"onsets": [[1, 2]], "after": 1}, "times of events"),
        ({"onsets": [1e300], "after": 1}, "do not leave the recording"),
        (
            {"onsets": TABLE.drop(columns="onset"), "after": 1},
            "a table with duration, stimulus, block, trial; expected",
        ),
        ({"onsets": TABLE.rename(columns={"stimulus": "depth"}), "after": 1}, r"a column 'depth'.*Rename it"),
        ({"onsets": TABLE.rename(columns={"stimulus": "time"}), "after": 1}, "a column 'time'"),
        ({"onsets": TABLE.iloc[:0], "after": 1}, "times of events"),
        ({"onsets": np.array(["2026-01-01"], "M8[s]"), "after": 1}, "dates"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(InvalidInput, match=message):
        cut_trials(recording(trials=None), **given)


def test_a_recording_of_trials_is_not_cut():
    with pytest.raises(InvalidInput, match="2 trials"):
        cut_trials(recording(trials=2), length=5)
    assert cut_trials(recording(trials=1), length=5).sizes["trial"] == 8
