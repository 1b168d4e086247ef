import pickle
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from xarray.indexes import PandasIndex, RangeIndex

from netxr.errors import InvalidInput
from netxr.schema.arrays import as_activity
from netxr.schema.axis import axis_of, even_times
from netxr.schema.clock import clock_of, with_axis, without_axis
from netxr.schema.spacing import interval_in

TEN = np.arange(20.0).reshape(2, 10)


def recording(samples=TEN, *, start_time=3.0, sampling_interval=0.1, **options):
    options |= {"start_time": start_time, "sampling_interval": sampling_interval}
    return as_activity(samples, dims=("neuron", "time"), **options)


def test_samples_have_times_of_which_nothing_is_held():
    x = recording(np.zeros((2, 1000)), start_time=10, sampling_interval=0.25, interval_units="ms")
    assert isinstance(x.xindexes["time"], RangeIndex)
    assert x.time.values[:3].tolist() == [10, 10.25, 10.5]
    assert x.time.attrs == {"units": "ms"}
    assert len(pickle.dumps(x.coords["time"])) < 2000
    assert x.sel(time=slice(11, 12), method="nearest").time.values.tolist() == [11, 11.25, 11.5, 11.75]
    assert x.sel(time=11.3, method="nearest").time == 11.25


@pytest.mark.parametrize(
    "part", [slice(2, 8), slice(1, None, 3), slice(None, None, -1), slice(4, 4), slice(7, None, 2)]
)
def test_part_of_the_times_are_those_of_the_samples(part):
    x = recording()
    np.testing.assert_allclose(x.isel(time=part).time, x.time.values[part], rtol=1e-15)
    assert axis_of(x.isel(time=part)) is not None
    assert x.isel(time=part).time.attrs == {"units": "s"}


def test_single_samples_keep_their_times():
    x = recording()
    np.testing.assert_allclose(x.isel(time=[1, 5]).time, [3.1, 3.5])
    assert axis_of(x.isel(time=[1, 5])) is None
    assert x.isel(time=4).time.item() == 3.4


@given(cuts=st.lists(st.integers(1, 9), unique=True).map(sorted))
def test_pieces_put_together_are_the_whole(cuts):
    x = recording()
    pieces = [x.isel(time=slice(*ends)) for ends in zip([0, *cuts], [*cuts, 10], strict=True)]
    whole = xr.concat(pieces, "time")
    assert isinstance(whole.xindexes["time"], RangeIndex)
    np.testing.assert_allclose(whole.time, x.time, rtol=1e-14)
    xr.testing.assert_equal(whole.drop_vars("time"), x.drop_vars("time"))


def test_pieces_with_a_gap_keep_every_time():
    x = recording()
    joined = xr.concat([x.isel(time=slice(0, 3)), x.isel(time=slice(5, None))], "time")
    assert isinstance(joined.xindexes["time"], PandasIndex)
    np.testing.assert_allclose(joined.time, np.delete(x.time.values, [3, 4]))


def test_trials_are_stacked_and_variables_merged():
    x = recording()
    stacked = xr.concat([x, 2 * x], pd.Index([0, 1], name="trial"))
    assert stacked.sizes == {"trial": 2, "neuron": 2, "time": 10}
    assert axis_of(stacked).equals(axis_of(x))
    merged = xr.merge([x.to_dataset(), x.rename("again").to_dataset()])
    assert axis_of(merged).equals(axis_of(x))


def test_samples_of_different_times_are_not_put_side_by_side():
    x = recording()
    with pytest.raises(InvalidInput, match=r"time: got recordings of different times, 3\.1 to 3\.9 and 3 to 3\.8; "):
        x[:, 1:] - x[:, :-1]
    start = 1e9  # seconds since 1970: too large for a share of it to be rounding
    with pytest.raises(InvalidInput, match=r"drop_vars\('time'\)"):
        recording(start_time=start) + recording(start_time=start + 60)
    assert (x[:, 1:].drop_vars("time") - x[:, :-1].drop_vars("time")).sizes["time"] == 9


def test_the_axis_goes_before_the_attributes():
    x = recording()
    assert clock_of(x) == (0.1, "s", 3)
    assert clock_of(x.isel(time=slice(5, None, 2))) == pytest.approx((0.2, "s", 3.5))
    assert clock_of(x.assign_attrs(sampling_interval=7, start_time=70)) == (0.1, "s", 3)
    assert clock_of(x.to_dataset()) == (0.1, "s", 3)


def test_the_attributes_say_it_where_there_is_no_axis():
    bare = xr.DataArray(TEN, dims=("neuron", "time"), name="activity")
    assert clock_of(bare) == (1, "step", 0)
    assert clock_of(bare.assign_attrs(sampling_interval=2)) == (2, "s", 0)
    assert clock_of(bare.to_dataset().assign_attrs(sampling_interval=2, sampling_interval_units="ms")) == (2, "ms", 0)
    assert clock_of(bare.assign_attrs(sampling_interval=2, start_time=-1).drop_vars("time", errors="ignore"))[2] == -1
    with pytest.raises(InvalidInput, match=r"data.attrs\['sampling_interval'\]: got 'fast'; expected a number above 0"):
        clock_of(bare.assign_attrs(sampling_interval="fast"))


def test_even_times_without_an_interval_say_it():
    bare = xr.DataArray(TEN, dims=("neuron", "time"))
    seconds = bare.assign_coords(time=("time", np.arange(5, 15) * 0.5, {"units": "min"}))
    assert clock_of(seconds) == (0.5, "min", 2.5)
    dates = bare.assign_coords(time=pd.date_range("2026-01-01", periods=10, freq="100ms"))
    assert clock_of(dates) == (0.1, "s", 0)
    uneven = bare.assign_coords(time=[0, 1, 2, 3, 4, 6, 7, 8, 9, 10])
    with pytest.raises(InvalidInput, match=r"'time' that is not even: 4\.? is followed by 6\.? \(sample 5\)"):
        clock_of(uneven)
    with pytest.raises(InvalidInput, match=r"holds <U1"):
        clock_of(bare.assign_coords(time=list("abcdefghij")))


def test_an_axis_is_made_and_taken_away():
    bare = recording().drop_vars("time")
    xr.testing.assert_identical(with_axis(bare), recording())
    xr.testing.assert_identical(with_axis(bare.to_dataset()), recording().to_dataset())
    part = recording().isel(time=slice(2, None)).to_dataset()
    assert "time" not in without_axis(part).coords
    assert without_axis(part).activity.attrs["start_time"] == 3.2
    for none in (bare.drop_attrs(), bare.assign_attrs(sampling_interval="fast"), bare.isel(time=0)):
        assert with_axis(none) is none


@pytest.mark.parametrize(
    ("times", "wrong"),
    [
        ([0.0], "holds 1 time"),
        ([0, 1, np.nan], "not finite"),
        ([0, 1, 3, 4, 5], r"1.0 is followed by 3.0 \(sample 2\), where most steps are 1"),
        ([3, 2, 1], "descends: 3.0 is followed by 2.0"),
    ],
)
def test_times_that_are_not_even(times, wrong):
    interval, told = interval_in(np.array(times, dtype=float))
    assert np.isnan(interval)
    assert re.search(wrong, told)


def test_even_times_are_exact_at_the_start():
    assert even_times(0.1, 0.1, 3)["time"].values.tolist() == [0.1, 0.1 + 1 * 0.1, 0.1 + 2 * 0.1]


def test_times_are_found_as_by_other_indexes():
    x = recording()
    plain = x.drop_vars("time").assign_coords(time=x.time.values)
    for times in (
        slice(3.2, 3.5),
        slice(3.25, None),
        slice(None, 3.1),
        slice(0, 1),
        slice(3.1, 3.8, 2),
        slice(3.05, 9),
    ):
        np.testing.assert_array_equal(x.sel(time=times), plain.sel(time=times))
    np.testing.assert_array_equal(x.sel(time=[3.1, 3.5]), plain.sel(time=[3.1, 3.5]))
    assert x.sel(time=3.3, neuron=1).item() == 13
    for missing in (3.35, 2.9, 4.0, [3.1, 3.15]):
        with pytest.raises(KeyError, match="no sample was taken then"):
            x.sel(time=missing)


def test_tables_have_a_column_of_times():
    table = recording().to_dataframe().reset_index()
    assert list(table)[:2] == ["neuron", "time"]


CHOSEN = {
    "true and false": lambda x: x[:, np.arange(10) % 3 > 0],
    "a condition on time": lambda x: x[:, x.time > 3.35],
    "a condition in sel": lambda x: x.sel(time=x.time > 3.35),
    "where": lambda x: x.where(x.time > 3.35, drop=True),
    "dropna": lambda x: x.where(x.time != 3.5).dropna("time"),
    "none": lambda x: x[:, np.zeros(10, bool)],
    "places": lambda x: x.isel(time=[7, 2]),
    "nearest": lambda x: x.sel(time=3.44, method="nearest"),
    "nearest before the first": lambda x: x.sel(time=1.0, method="nearest"),
    "nearest behind the last": lambda x: x.sel(time=[3.1, 99.0], method="nearest"),
    "nearest along another dim": lambda x: x.sel(time=xr.DataArray([0.0, 3.5], dims="event"), method="nearest"),
}


@pytest.mark.parametrize("how", CHOSEN)
def test_samples_are_chosen_as_by_an_index_of_every_time(how):
    x = recording()
    every = x.drop_vars("time").assign_coords(time=3.0 + 0.1 * np.arange(10))
    found, expected = CHOSEN[how](x), CHOSEN[how](every)
    xr.testing.assert_allclose(found.drop_attrs(), expected.drop_attrs())


def test_a_dataset_is_cut_by_a_condition():
    cut = recording().to_dataset().isel(time=np.arange(10) > 6)
    np.testing.assert_allclose(cut.time, [3.7, 3.8, 3.9])
    assert cut.activity.sizes["time"] == 3


@pytest.mark.parametrize(
    ("time", "options"),
    [
        (1.2, {"method": "pad"}),
        ([1.2, 2.9], {"method": "backfill"}),
        ([1.2, 2.9], {"method": "ffill", "tolerance": 0.5}),
        (1.2, {"method": "pad", "tolerance": 0.1}),
        (0.1, {"method": "pad"}),
        (1.2, {"method": "nearest", "tolerance": 0.1}),
        (1.45, {"method": "nearest", "tolerance": 0.1}),
        (1.2, {}),
        ([1.0, 1.2], {}),
        (99.0, {}),
    ],
)
def test_times_are_chosen_and_refused_as_by_an_ordinary_index(time, options):
    values = xr.DataArray(np.arange(8.0), dims="time")
    axis = values.assign_coords(even_times(1.0, 0.5, 8))
    plain = values.assign_coords(time=axis.time.values)
    try:
        expected = plain.sel(time=time, **options)
    except KeyError:
        with pytest.raises(KeyError) as error:
            axis.sel(time=time, **options)
        assert str(np.ravel(time)[-1]) in str(error.value)
    else:
        xr.testing.assert_equal(axis.sel(time=time, **options).drop_vars("time"), expected.drop_vars("time"))


def test_a_label_that_is_no_time_is_not_found():
    with pytest.raises(KeyError, match="monday"):
        xr.DataArray(np.arange(8.0), dims="time").assign_coords(even_times(1.0, 0.5, 8)).sel(time="monday")
