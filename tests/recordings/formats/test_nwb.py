"""NWB files against h5py's reading and counting by hand; files made by pynwb where it is installed."""

import datetime
import warnings

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")

import netxr  # noqa: E402
from netxr.errors import InvalidInput, UnreadableFile  # noqa: E402
from netxr.recordings.formats.nwb.recording import load  # noqa: E402
from tests.cli.shell import output  # noqa: E402
from tests.conftest import SHARED  # noqa: E402
from tests.marks import slow  # noqa: E402
from tests.recordings.formats import files  # noqa: E402
from tests.recordings.formats.damage import refusals  # noqa: E402
from tests.recordings.formats.opening import opening_takes  # noqa: E402

REAL = SHARED / "data" / "nwb_units" / "units.nwb"
TRAINS = [np.sort(np.random.default_rng(k).uniform(1, 9, size)) for k, size in enumerate((40, 1, 300))]


@pytest.fixture
def rois(tmp_path):
    return files.make_nwb(tmp_path / "a.nwb")


def make(path, **series):
    """A file with one series at acquisition/ts, as `files.add_series` makes it."""
    with h5py.File(path, "w") as file:
        files.start_nwb(file)
        files.add_series(file, "acquisition/ts", **({"data": files.samples()} | series))
    return path


# --- one series of many neurons -------------------------------------------------


def test_fluorescence_comes_labelled(rois):
    run = load(rois, name="DfOverF")
    with h5py.File(rois) as file:
        expected = file["processing/ophys/DfOverF/RoiResponseSeries/data"][()].T
    assert run.activity.dims == ("neuron", "time")
    assert run.activity.dtype == np.float32
    assert np.array_equal(run.activity.values, expected)
    assert run.neuron.values.tolist() == [12, 9, 6, 3, 0]
    assert run.iscell.values.tolist() == [False, True, False, True, False]
    assert run.iscell_probability.values.tolist() == [0.875, 0.75, 0.625, 0.5, 0.375]
    assert run.area.values.tolist() == ["V4", "V3", "V2", "V1", "V0"]
    assert run.depth.values.tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert "image_mask" not in run.coords
    assert run.activity.attrs == {
        "sampling_interval": 1 / files.RATE,
        "sampling_interval_units": "s",
        "units": "a.u.",
        "start_time": 0.0,
    }
    assert run.attrs == {"source_array": "processing/ophys/DfOverF/RoiResponseSeries"}


@pytest.mark.parametrize(
    ("columns", "remarks", "where", "kept"),
    [
        (  # as CaImAn writes NWB: a list of accepted ones that nobody filled in, and those to keep
            {"accepted": np.zeros(4, bool), "keep": np.array([True, False, True, True])},
            [
                "4 of 4 neurons have accepted = False.",
                '1 of 4 neurons have keep = False; to keep the others alone: netxr.select(run, where={"keep": True}).',
            ],
            {"keep": True},
            [0, 2, 3],
        ),
        (  # as NeuroConv does
            {"Accepted": np.array([1, 0, 0, 1]), "Rejected": np.array([0, 1, 1, 0])},
            ['2 of 4 neurons have Accepted = 0; to keep the others alone: netxr.select(run, where={"Accepted": 1}).'],
            {"Accepted": 1},
            [0, 3],
        ),
        ({"valid_roi": np.ones(4, bool), "keep": np.array([1, 2, 3, 0])}, [], {"valid_roi": True}, [0, 1, 2, 3]),
    ],
)
def test_import_of_nwb_says_which_regions_its_table_marks_as_none(tmp_path, columns, remarks, where, kept):
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        files.start_nwb(file)
        table = files.add_table(file, "processing/ophys/Seg/Plane", np.arange(4), **columns)
        series = files.add_series(file, "acquisition/rois", files.samples(50, 4), kind="RoiResponseSeries")
        files.refer(series, "rois", table, np.arange(4))
    said = output("import", tmp_path / "a.nwb", tmp_path / "a.zarr").splitlines()
    assert [line for line in said if " neurons have " in line] == remarks
    assert netxr.select(netxr.open(tmp_path / "a.zarr"), where=where).neuron.values.tolist() == kept


def image_masks():
    """Four pixels: of region 0 the one at x = 1, y = 4, of region 1 one at (6, 0) and three times one at (2, 2)."""
    masks = np.zeros((3, 7, 5))
    masks[0, 1, 4], masks[1, 6, 0], masks[1, 2, 2], masks[2, 0, 0] = 0.5, 1, 3, 9
    return masks


PIXELS = np.array(
    [(1, 4, 0.5), (6, 0, 1), (2, 2, 3), (0, 0, 9)], [("x", np.uint32), ("y", np.uint32), ("weight", np.float32)]
)


def write_regions(path, **columns):
    """Traces of the second and the first of three regions with some columns."""
    with h5py.File(path, "w") as file:
        files.start_nwb(file)
        table = files.add_table(file, "processing/ophys/Seg/Plane", [5, 6, 7], **columns)
        series = files.add_series(file, "acquisition/rois", files.samples(50, 2), kind="RoiResponseSeries")
        files.refer(series, "rois", table, [1, 0])


@pytest.mark.parametrize(
    "columns",
    [
        {"image_mask": image_masks()},
        {"image_mask": np.stack([image_masks() * 0, image_masks()], axis=3)},
        {"pixel_mask": PIXELS, "pixel_mask_index": np.array([1, 3, 4], np.uint8)},
        {"ROICentroids": np.array([[1, 4], [3, 1.5], [0, 0]])},
    ],
)
def test_regions_lie_in_the_middle_of_their_masks(tmp_path, columns):
    write_regions(tmp_path / "a.nwb", **columns)
    run = load(tmp_path / "a.nwb")
    assert run.neuron.values.tolist() == [6, 5]
    assert run.x.values.tolist() == [3, 1]
    assert run.y.values.tolist() == [1.5, 4]
    assert ("x" in load(tmp_path / "a.nwb", masks=False).coords) == ("image_mask" not in columns)
    assert (run.x.units, run.y.units) == ("pixel", "pixel")


@pytest.mark.parametrize(
    "columns",
    [
        {"image_mask": image_masks() * [[[1]], [[0]], [[1]]]},  # a region without a pixel
        {"image_mask": image_masks()[:2]},
        {"pixel_mask": PIXELS["x"], "pixel_mask_index": np.array([1, 3, 4], np.uint8)},
        {"image_mask": image_masks(), "y": np.arange(3.0)},
    ],
)
def test_where_not_all_regions_lie_somewhere_there_are_no_places(tmp_path, columns):
    write_regions(tmp_path / "a.nwb", **columns)
    assert "x" not in load(tmp_path / "a.nwb").coords


@pytest.mark.parametrize(
    "name",
    ["Fluorescence", "/processing/ophys/Fluorescence/", "Fluorescence/RoiResponseSeries", "*Fluor*", "ophys/Fluor*"],
)
def test_a_series_goes_by_path_end_group_or_pattern(rois, name):
    assert load(rois, name=name).attrs["source_array"] == "processing/ophys/Fluorescence/RoiResponseSeries"


@pytest.mark.parametrize("name", [None, "ophys", "RoiResponseSeries"])
def test_several_series_are_listed(rois, name):
    listed = (
        r"processing/ophys/DfOverF/RoiResponseSeries \(RoiResponseSeries, 200 x 5\), "
        r"processing/ophys/Fluorescence/RoiResponseSeries \(RoiResponseSeries, 200 x 5\)\."
    )
    with pytest.raises(InvalidInput, match=listed) as told:
        load(rois, name=name)
    assert str(rois) in str(told.value)


def test_a_name_that_is_not_there_gets_all_that_are(rois):
    with pytest.raises(InvalidInput, match=r"SpatialSeries \(SpatialSeries, 200 x 2\)"):
        load(rois, name="spikes")


def test_the_only_series_needs_no_name(tmp_path):
    run = load(make(tmp_path / "a.nwb", start=2.5))
    assert run.activity.attrs["start_time"] == 2.5
    assert run.neuron.values.tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(run.activity.values, files.samples().T)


def test_a_series_of_more_neurons_than_samples_is_asked_about(tmp_path):
    with pytest.warns(UserWarning, match=r"acquisition/ts has 4 samples of 50 neurons.*format='hdf5' and dims="):
        assert load(make(tmp_path / "a.nwb", data=np.ones((4, 50)))).activity.shape == (50, 4)


@pytest.mark.parametrize("dtype", ["i2", "f4", "f8"])
def test_conversion_and_offset_are_applied_lazily(tmp_path, dtype):
    data = files.samples(400, 5, dtype=dtype)
    path = make(tmp_path / "a.nwb", data=data, conversion=2e-6, offset=-0.25, unit="volts")
    activity = load(path).activity
    assert activity.chunks is not None
    assert activity.dtype == (dtype if dtype.startswith("f") else "f8")
    assert activity.attrs["units"] == "volts"
    np.testing.assert_allclose(activity.values, data.T.astype(float) * 2e-6 - 0.25, rtol=1e-7)


def test_electrodes_have_ids_and_a_conversion_each(tmp_path):
    data = files.samples(dtype="i2")
    factors = np.linspace(1, 2, 5)
    path = make(tmp_path / "a.nwb", data=data, kind="ElectricalSeries", conversion=0.5)
    with h5py.File(path, "r+") as file:
        table = files.add_table(
            file,
            "general/extracellular_ephys/electrodes",
            [7, 8, 9, 10, 11, 12],
            location=list("abcdef"),
            x=np.arange(6.0),
            y=20 * np.arange(6.0),
        )
        table["group"] = np.array([file["acquisition"].ref] * 6, dtype=h5py.ref_dtype)
        files.refer(file["acquisition/ts"], "electrodes", table, [1, 2, 3, 4, 5])
        file["acquisition/ts/channel_conversion"] = factors
    run = load(path)
    np.testing.assert_allclose(run.activity.values, data.T * 0.5 * factors[:, None], rtol=1e-12)
    assert run.neuron.values.tolist() == [8, 9, 10, 11, 12]
    assert run.location.values.tolist() == list("bcdef")
    assert run.y.values.tolist() == [20.0, 40.0, 60.0, 80.0, 100.0]
    assert {run[place].attrs.get("units") for place in ("x", "y")} == {"µm"}
    assert "units" not in run.location.attrs
    assert "group" not in run.coords


@pytest.mark.parametrize("name", [None, "ts"])
def test_samples_stay_in_the_file_until_they_are_asked_for(tmp_path, name):
    path = make(tmp_path / "a.nwb")
    activity = load(path, name=name).activity
    path.unlink()
    with pytest.raises(UnreadableFile, match="there is no such file"):
        activity.compute()


# --- times ----------------------------------------------------------------------


def test_even_timestamps_tell_the_interval(tmp_path):
    times = 5 + np.arange(200) / 25 + np.random.default_rng(0).uniform(-1e-4, 1e-4, 200)
    run = load(make(tmp_path / "a.nwb", timestamps=times))
    assert run.activity.attrs["sampling_interval"] == pytest.approx(0.04, rel=1e-4)
    assert run.activity.attrs["start_time"] == times[0]


def test_uneven_timestamps_are_told_with_place_and_fix(tmp_path):
    times = np.arange(200) / 25
    times[120:] += 0.4
    path = make(tmp_path / "a.nwb", timestamps=times)
    with pytest.raises(
        UnreadableFile, match=r"acquisition/ts/timestamps.*\(sample 120\).*0\.04.*sampling_interval="
    ) as told:
        load(path)
    assert str(path) in str(told.value)
    with pytest.warns(UserWarning, match=r"is followed by .* \(sample 120\).*sampling_interval=0\.04 replaces it"):
        assert load(path, sampling_interval=0.04).activity.attrs["sampling_interval"] == 0.04


def test_stretches_between_gaps_come_as_segments(tmp_path):
    times = 5 + np.arange(200) / 25
    times[120:] += 0.4
    times[150:] += 7
    path = make(tmp_path / "a.nwb", timestamps=times)
    activity = load(path, gaps="segments").activity
    assert activity.time.values.tolist() == times.tolist()
    assert (activity.gaps, activity.sampling_interval, activity.start_time) == ("segments", pytest.approx(0.04), 5)
    x = activity.values.astype(float)
    ends = [slice(0, 120), slice(120, 150), slice(150, 200)]
    later, earlier = (np.hstack([x[:, end][:, part] for end in ends]) for part in (slice(1, None), slice(None, -1)))
    expected = np.corrcoef(later, earlier)[:5, 5:]
    np.testing.assert_allclose(netxr.lagged_correlation(activity), expected, atol=1e-6)
    netxr.convert(path, tmp_path / "run.zarr", gaps="segments")
    stored = netxr.open(tmp_path / "run.zarr").activity
    np.testing.assert_allclose(netxr.lagged_correlation(stored), expected, atol=1e-6)
    assert load(make(tmp_path / "b.nwb"), gaps="segments").activity.equals(load(tmp_path / "b.nwb").activity)


def test_segments_that_go_back_in_time_are_refused(tmp_path):
    path = make(tmp_path / "a.nwb", timestamps=np.r_[0:100, 0:100] / 25)
    with pytest.raises(UnreadableFile, match=r"timestamps goes back: 3\.96 is followed by 0\.0 \(sample 100\)"):
        load(path, gaps="segments")
    with pytest.raises(InvalidInput, match="gaps: got 'cut'"):
        load(path, gaps="cut")


def test_an_interval_that_the_file_contradicts_is_said(tmp_path):
    path = make(tmp_path / "a.nwb")
    assert load(path, sampling_interval=1.0001 / files.RATE).activity.sampling_interval == 1.0001 / files.RATE
    with pytest.warns(
        UserWarning, match=r"a\.nwb: acquisition/ts/starting_time has an interval of .*=0\.5 replaces it"
    ):
        assert load(path, sampling_interval=0.5).activity.sampling_interval == 0.5


@pytest.mark.parametrize("rate", [np.nan, 0.0, -3.0, np.inf])
def test_a_rate_that_is_none_is_told_with_the_fix(tmp_path, rate):
    path = make(tmp_path / "a.nwb", rate=rate)
    with pytest.raises(UnreadableFile, match=r"ts/starting_time.*"):
        load(path)
    assert load(path, sampling_interval=0.5).activity.attrs["sampling_interval"] == 0.5


def test_times_of_another_length_are_refused(tmp_path):
    with pytest.raises(UnreadableFile, match=r"200 samples and timestamps of shape \(199,\)"):
        load(make(tmp_path / "a.nwb", timestamps=np.arange(199.0)))


@pytest.mark.parametrize("interval", [0, -1.0, np.nan, "1"])
def test_a_sampling_interval_that_is_none_is_refused(rois, interval):
    with pytest.raises(InvalidInput, match=r"sampling_interval.*a positive number"):
        load(rois, name="DfOverF", sampling_interval=interval)


# --- one series a neuron --------------------------------------------------------


def make_cells(path, *, folder="acquisition/cells", **odd):
    with h5py.File(path, "w") as file:
        files.start_nwb(file)
        for k, data in enumerate(files.samples(100, 12).T):
            options = odd if k == 10 else {}
            files.add_series(file, f"{folder}/cell_{k}", **({"data": data} | options))
        files.add_series(file, "acquisition/licks", files.samples(70, 1)[:, 0])
    return path


@pytest.mark.parametrize("name", ["cells", "acquisition/cells", "cell_*", "acquisition/cells/cell_*"])
def test_one_series_a_neuron_is_stacked_in_natural_order(tmp_path, name):
    run = load(make_cells(tmp_path / "a.nwb"), name=name)
    assert np.array_equal(run.activity.values, files.samples(100, 12).T)
    assert run.neuron.values.tolist() == [f"cell_{k}" for k in range(12)]
    assert run.activity.attrs["sampling_interval"] == 1 / files.RATE
    assert run.source_array.values[10] == "acquisition/cells/cell_10"


@pytest.mark.parametrize(
    ("odd", "what"),
    [
        ({"rate": 15.0}, "sampling interval.*cell_0 0.0333333 s.*cell_10 0.0666667 s"),
        ({"data": np.ones(99)}, "length.*cell_0 100.*cell_10 99"),
        ({"start": 3.0}, r"start.*cell_0 0\.0+ s.*cell_10 3\.0+ s"),
        ({"unit": "V"}, r"unit.*cell_0 a\.u\..*cell_10 V"),
    ],
)
def test_series_that_do_not_fit_together_are_not_stacked(tmp_path, odd, what):
    with pytest.raises(InvalidInput, match=f"series with different {what}"):
        load(make_cells(tmp_path / "a.nwb", **odd), name="cells")


def test_one_neuron_alone_is_a_recording(tmp_path):
    run = load(make_cells(tmp_path / "a.nwb"), name="cell_3")
    assert run.activity.shape == (1, 100)


def test_one_series_a_neuron_is_not_stacked_unasked(tmp_path):
    with pytest.raises(InvalidInput, match=r"cells/cell_0 \(TimeSeries, 100\).*'acquisition/cell_\*'"):
        load(make_cells(tmp_path / "a.nwb"))


# --- spike times ----------------------------------------------------------------


def counted(trains, *, start, rate, n_bins):
    """Spikes counted one by one."""
    counts = np.zeros((len(trains), n_bins), int)
    for row, train in enumerate(trains):
        for time in train:
            k = int(np.floor(np.round((time - start) * rate, 6)))  # within rounding of an edge: in the next
            if 0 <= k < n_bins:
                counts[row, k] += 1
    return counts


@pytest.mark.parametrize("rate", [1.0, 20.0, 333.3])
def test_spikes_are_counted_from_the_first_to_the_last(tmp_path, rate):
    path = files.make_units(tmp_path / "a.nwb", TRAINS, depth=np.arange(3.0), area=["x", "y", "z"])
    run = load(path, name="units", rate=rate)
    start, stop = min(map(np.min, TRAINS)), max(map(np.max, TRAINS))
    n_bins = int((stop - start) * rate) + 1
    assert run.activity.dtype == np.int32
    assert np.array_equal(run.activity.values, counted(TRAINS, start=start, rate=rate, n_bins=n_bins))
    assert run.activity.values.sum(axis=1).tolist() == [40, 1, 300]
    assert run.neuron.values.tolist() == [10, 11, 12]
    assert run.depth.values.tolist() == [0, 1, 2]
    assert run.area.values.tolist() == ["x", "y", "z"]
    assert run.activity.attrs["sampling_interval"] == 1 / rate
    assert run.activity.attrs["start_time"] == start


def test_a_span_is_cut_into_whole_bins(tmp_path):
    path = files.make_units(tmp_path / "a.nwb", TRAINS)
    run = load(path, rate=10, span=(2, 4.05))
    assert np.array_equal(run.activity.values, counted(TRAINS, start=2, rate=10, n_bins=20))
    assert load(path, rate=10, span=(0, 0.3)).activity.shape == (3, 3)
    assert load(path, rate=10, span=(-50, 50)).activity.values.sum() == 341


def observe(path, intervals, index):
    with h5py.File(path, "r+") as file:
        file["units/obs_intervals"] = np.array(intervals)
        if index is not None:
            file["units/obs_intervals_index"] = np.array(index, "u1")


def test_observation_intervals_of_all_units_are_the_span(tmp_path):
    observe(path := files.make_units(tmp_path / "a.nwb", TRAINS), [[0.0, 10.0], [0.0, 5.1], [5.1, 10.0]], [1, 3, 3])
    activity = load(path, rate=4).activity
    assert activity.dtype == np.int32
    assert np.array_equal(activity.values, counted(TRAINS, start=0, rate=4, n_bins=40))


@pytest.mark.parametrize(("options", "n_bins"), [({}, 40), ({"span": (0, 12)}, 48)])
def test_bins_in_which_a_unit_was_not_observed_are_missing(tmp_path, options, n_bins):
    observe(path := files.make_units(tmp_path / "a.nwb", TRAINS), [[0, 5.1], [4.9, 5.0], [0, 3], [6, 10]], [1, 2, 4])
    expected = counted(TRAINS, start=0, rate=4, n_bins=n_bins).astype(float)
    expected[0, 20:] = np.nan  # the bin from 5 to 5.25 is cut
    expected[1] = np.nan  # 0.1 s are no whole bin
    expected[2, 12:24] = np.nan
    expected[2, 40:] = np.nan
    activity = load(path, rate=4, **options).activity
    np.testing.assert_array_equal(activity.values, expected)
    np.testing.assert_array_equal(activity[1:, 11:30].values, expected[1:, 11:30])


def test_one_observation_interval_a_unit_needs_no_index(tmp_path):
    observe(path := files.make_units(tmp_path / "a.nwb", TRAINS), [[0, 4], [2, 10], [0, 10]], None)
    seen = ~np.isnan(load(path, rate=1).activity.values)
    assert [np.flatnonzero(row)[[0, -1]].tolist() for row in seen] == [[0, 3], [2, 9], [0, 9]]


@pytest.mark.parametrize(
    ("intervals", "index", "match"),
    [
        ([[0, 4], [2, 10]], None, r"obs_intervals, of shape \(2, 2\), is no start and stop"),
        ([[0, 4], [2, np.nan]], [1, 1, 2], "is no start and stop"),
        ([[0, 4], [2, 10]], [1, 2, 3], "obs_intervals_index does not divide 2 obs intervals among 3 rows"),
    ],
)
def test_observation_intervals_that_are_none_are_refused(tmp_path, intervals, index, match):
    observe(path := files.make_units(tmp_path / "a.nwb", TRAINS), intervals, index)
    with pytest.raises(UnreadableFile, match=match):
        load(path, rate=1)


def test_blocks_of_bins_are_counted_alike(tmp_path):
    path = files.make_units(tmp_path / "a.nwb", TRAINS)
    activity = load(path, rate=50, span=(0, 20_000)).activity
    assert len(activity.chunks[1]) > 1
    assert np.array_equal(activity[:, 100:400].values, counted(TRAINS, start=2, rate=50, n_bins=300))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "rate: got None.*bins a second for the spike times of units"),
        ({"rate": 0}, "rate: got 0"),
        ({"rate": 10, "sampling_interval": 0.1}, "rate: got 10 and sampling_interval=0.1"),
        ({"rate": 10, "span": (5, 5)}, r"span: got \(5, 5\)"),
        ({"rate": 10, "span": (5, np.nan)}, "span: got"),
        ({"rate": 10, "span": 7}, "span: got 7"),
        ({"rate": 10, "span": (0, 0.05)}, r"span: got 0 to 0.05 s; expected a bin of 0.1 s at least.*higher rate="),
        ({"rate": 10, "name": "acquisition"}, "units .Units, 3 units"),
    ],
)
def test_bad_bins_are_refused(tmp_path, options, match):
    path = files.make_units(tmp_path / "a.nwb", TRAINS)
    with pytest.raises(InvalidInput, match=match):
        load(path, **options)


def test_a_rate_for_a_series_is_refused(rois):
    with pytest.raises(InvalidInput, match="rate: got one for /processing/ophys/DfOverF"):
        load(rois, name="DfOverF", rate=10)
    with pytest.raises(InvalidInput, match="has none"):
        load(rois, rate=10)


@pytest.mark.parametrize("ends", [[40, 41, 342], [40, 39, 341], [41, 341], [[40], [41], [341]]])
def test_an_index_that_does_not_fit_is_refused(tmp_path, ends):
    path = files.make_units(tmp_path / "a.nwb", TRAINS)
    with h5py.File(path, "r+") as file:
        del file["units/spike_times_index"]
        file["units/spike_times_index"] = np.array(ends, "u2")
    with pytest.raises(UnreadableFile, match="spike_times_index does not divide 341 spike times among 3 rows"):
        load(path, rate=10)


def test_a_time_that_is_no_number_is_refused(tmp_path):
    path = files.make_units(tmp_path / "a.nwb", [*TRAINS, np.array([np.nan])])
    with pytest.raises(UnreadableFile, match="time that is not finite"):
        load(path, rate=10)
    with pytest.raises(UnreadableFile, match="spike_times of row 3"):
        load(path, rate=10, span=(0, 9)).compute()


def test_spike_times_that_may_be_numbers_of_samples_are_asked_about(tmp_path):
    path = files.make_units(tmp_path / "a.nwb", [train * 30_000 for train in TRAINS])
    with pytest.warns(UserWarning, match=r"the busiest unit of units has a spike every .* s.*netxr\.spike_counts"):
        load(path, rate=100)


@pytest.mark.skipif(not REAL.exists(), reason="the shared data are not here")
def test_the_real_file():
    run = load(REAL, rate=100)
    assert run.activity.sum("time").values.tolist() == [11020, 4690, 5644]
    with h5py.File(REAL) as file:
        times, ends = file["units/spike_times"][()], file["units/spike_times_index"][()].astype(int)
        assert run.neuron.values.tolist() == file["units/id"][()].tolist()
    trains = np.split(times, ends[:-1])
    assert run.activity.shape[1] == int((times.max() - times.min()) * 100) + 1
    assert np.array_equal(
        run.activity.values, counted(trains, start=times.min(), rate=100, n_bins=run.activity.shape[1])
    )


# --- what is wrong --------------------------------------------------------------


def test_rows_that_do_not_fit_the_columns_are_refused(rois):
    with h5py.File(rois, "r+") as file:
        series = file["processing/ophys/DfOverF/RoiResponseSeries"]
        table = series.file[series["rois"].attrs["table"]]
        del series["rois"]
        files.refer(series, "rois", table, np.arange(4))
    with pytest.raises(UnreadableFile, match=r"DfOverF/RoiResponseSeries/rois has shape \(4,\) for 5 columns.*dims="):
        load(rois, name="DfOverF")


@pytest.mark.parametrize(("rows", "match"), [([0, 1, 2, 3, 5], "not among its 5"), ([0, 1, 2, 3, 3], "more than once")])
def test_rows_that_are_not_there_or_twice_are_refused(rois, rows, match):
    with h5py.File(rois, "r+") as file:
        file["processing/ophys/DfOverF/RoiResponseSeries/rois"][...] = np.array(rows)
    with pytest.raises(UnreadableFile, match=match):
        load(rois, name="DfOverF")


def test_other_hdf5_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        file["X"] = files.samples()
    with pytest.raises(UnreadableFile, match=r"no file of NWB 2.*format='hdf5'"):
        load(tmp_path / "a.nwb")
    with h5py.File(tmp_path / "b.nwb", "w") as file:
        files.start_nwb(file)
    with pytest.raises(InvalidInput, match="has none"):
        load(tmp_path / "b.nwb")


def test_damage_raises_errors_of_netxr_only(rois, tmp_path):
    assert len(refusals(lambda file: load(file, name="DfOverF").compute(scheduler="synchronous"), rois)) > 20
    units = files.make_units(tmp_path / "units.nwb", TRAINS, depth=np.arange(3.0))
    assert len(refusals(lambda file: load(file, rate=5, span=(0, 9)).compute(scheduler="synchronous"), units)) > 20


@pytest.mark.parametrize("apart", [False, *slow(True)])
def test_opening_80_mb_takes_little(tmp_path, apart):
    small = make(tmp_path / "small.nwb", timestamps=np.arange(200.0))
    large = make(tmp_path / "large.nwb", timestamps=np.arange(200_000.0))
    with h5py.File(large, "r+") as file:
        del file["acquisition/ts/data"]
        file["acquisition/ts"].create_dataset("data", (200_000, 100), "f4", chunks=(1000, 100))
    assert max(opening_takes("nwb.recording.load", small, large, apart=apart)) < 20


# --- files of pynwb -------------------------------------------------------------


@pytest.fixture
def of_pynwb(tmp_path):
    pytest.importorskip("pynwb")
    from pynwb import NWBHDF5IO, NWBFile, TimeSeries
    from pynwb.ecephys import LFP, ElectricalSeries
    from pynwb.ophys import DfOverF, ImageSegmentation, OpticalChannel, RoiResponseSeries

    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    file = NWBFile(session_description="a", identifier="b", session_start_time=start)
    device = file.create_device(name="probe")
    group = file.create_electrode_group(name="shank", description="a", location="CA1", device=device)
    for _ in range(5):
        file.add_electrode(location="CA1", group=group)
    electrodes = file.create_electrode_table_region(region=[0, 2, 4], description="every second")
    channels = ElectricalSeries(
        name="lfp", data=files.samples(200, 3, dtype="i2"), electrodes=electrodes, rate=1000.0, conversion=1e-6
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a table in no file yet
        file.create_processing_module("ecephys", "a").add(LFP(electrical_series=channels))
    plane = file.create_imaging_plane(
        name="plane",
        optical_channel=OpticalChannel(name="green", description="a", emission_lambda=520.0),
        description="a",
        device=device,
        excitation_lambda=480.0,
        indicator="GCaMP6f",
        location="V1",
    )
    segmentation = ImageSegmentation()
    table = segmentation.create_plane_segmentation(name="cells", description="a", imaging_plane=plane)
    table.add_column(name="depth", description="in um")
    for k in range(6):
        mask = np.zeros((9, 4))
        mask[k + 2, 3] = 1.0
        table.add_roi(image_mask=mask, depth=10.0 * k)
    region = table.create_roi_table_region(region=[5, 1, 0], description="some")
    traces = RoiResponseSeries(
        name="traces", data=files.samples(200, 3), rois=region, unit="dF/F", timestamps=np.arange(200) / 20
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.create_processing_module("ophys", "a").add([segmentation, DfOverF(roi_response_series=traces)])
    file.add_acquisition(TimeSeries(name="wheel", data=files.samples()[:, 0], unit="m", rate=files.RATE))
    for train in TRAINS:
        file.add_unit(spike_times=train, obs_intervals=[[0.0, 10.0]])
    path = tmp_path / "pynwb.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(file)
    return path


def test_electrical_series_of_pynwb(of_pynwb):
    run = load(of_pynwb, name="LFP")
    np.testing.assert_allclose(run.activity.values, files.samples(200, 3, dtype="i2").T * 1e-6)
    assert run.neuron.values.tolist() == [0, 2, 4]
    assert run.location.values.tolist() == ["CA1"] * 3
    assert run.activity.attrs["units"] == "volts"
    assert run.activity.attrs["sampling_interval"] == 0.001


def test_fluorescence_of_pynwb(of_pynwb):
    run = load(of_pynwb, name="DfOverF")
    assert np.array_equal(run.activity.values, files.samples(200, 3).T)
    assert run.neuron.values.tolist() == [5, 1, 0]
    assert run.depth.values.tolist() == [50.0, 10.0, 0.0]
    assert run.x.values.tolist() == [7, 3, 2]
    assert run.y.values.tolist() == [3, 3, 3]
    assert run.activity.attrs["units"] == "dF/F"
    assert run.activity.attrs["sampling_interval"] == 0.05


def test_pixel_masks_of_pynwb(of_pynwb, tmp_path):
    from pynwb import NWBHDF5IO
    from pynwb.ophys import ImageSegmentation, RoiResponseSeries

    with NWBHDF5IO(of_pynwb, "r") as source:
        file = source.read()
        table = ImageSegmentation(name="lists").create_plane_segmentation(
            name="pixels", description="a", imaging_plane=file.imaging_planes["plane"]
        )
        table.add_roi(pixel_mask=[(5, 1, 1.0), (8, 1, 2.0)])
        table.add_roi(pixel_mask=[(3, 2, 0.5)])
        file.processing["ophys"].add(table.parent)
        region = table.create_roi_table_region(region=[1, 0], description="both")
        file.add_acquisition(
            RoiResponseSeries(name="listed", data=files.samples(50, 2), rois=region, unit="a", rate=20.0)
        )
        with NWBHDF5IO(tmp_path / "b.nwb", "w") as io:
            io.export(src_io=source, nwbfile=file)
    run = load(tmp_path / "b.nwb", name="listed")
    assert (run.x.values.tolist(), run.y.values.tolist()) == ([3, 7], [2, 1])


def test_observation_intervals_of_pynwb(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile(session_description="a", identifier="b", session_start_time=start)
    file.add_unit(spike_times=[0.5, 7.5], obs_intervals=[[0.0, 4.0], [6.0, 8.0]])
    file.add_unit(spike_times=[3.5], obs_intervals=[[2.0, 8.0]])
    with pynwb.NWBHDF5IO(tmp_path / "a.nwb", "w") as io:
        io.write(file)
    nan = np.nan
    expected = [[1, 0, 0, 0, nan, nan, 0, 1], [nan, nan, 0, 1, 0, 0, 0, 0]]
    np.testing.assert_array_equal(load(tmp_path / "a.nwb", rate=1).activity.values, expected)


def test_units_of_pynwb(of_pynwb):
    run = load(of_pynwb, rate=10)
    assert np.array_equal(run.activity.values, counted(TRAINS, start=0, rate=10, n_bins=100))
    assert run.neuron.values.tolist() == [0, 1, 2]


@pytest.mark.parametrize("apart", [False, *slow(True)])
def test_opening_80_mb_of_spike_times_takes_little(tmp_path, apart):
    rng = np.random.default_rng(0)
    small = files.make_units(tmp_path / "small.nwb", [np.arange(5.0)] * 2)
    large = files.make_units(tmp_path / "large.nwb", [np.zeros(3)] * 2)
    with h5py.File(large, "a") as file:
        del file["units/spike_times"], file["units/spike_times_index"]
        file["units/spike_times"] = rng.uniform(0, 1e4, 10_500_000)
        file["units/spike_times_index"] = np.array([5_000_000, 10_500_000])
    assert large.stat().st_size > 80e6
    traced, resident = opening_takes("nwb.recording.load", small, large, apart=apart, rate=10)
    assert traced < 20
    assert resident < 20
