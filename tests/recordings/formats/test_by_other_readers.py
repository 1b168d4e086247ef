"""Recordings that SpikeInterface and roiextractors read; stand-ins for both, and they themselves where installed."""

import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

import netxr
from netxr.errors import InvalidInput, MissingExtra, UnreadableFile


class Sorting:
    """As much of SpikeInterface's as is asked for: frames of spikes by segment and unit."""

    def __init__(self, segments):
        self.segments, self.unit_ids, self.sampling_frequency = segments, list(segments[0]), 1000.0

    def get_num_segments(self):
        return len(self.segments)

    def get_unit_spike_train(self, unit_id, segment_index):
        return np.array(self.segments[segment_index][unit_id], dtype=int)


@pytest.fixture
def sorting(monkeypatch):
    """What SpikeInterface reads, whatever the folder."""
    held = Sorting([{"a": [50, 60, 250], "b": [150]}])
    monkeypatch.setitem(sys.modules, "spikeinterface", SimpleNamespace(load=lambda _path: held))
    return held


@pytest.mark.usefixtures("sorting")
def test_a_sorting_by_hand(tmp_path):
    activity = netxr.open(tmp_path, format="spikeinterface", rate=10).activity
    assert activity.sel(neuron="a").values.tolist() == [2, 0, 1]
    assert activity.sel(neuron="b").values.tolist() == [0, 1, 0]
    assert (activity.attrs["sampling_interval"], activity.attrs["units"]) == (0.1, "spikes")


def test_segments_of_a_sorting_are_trials(sorting, tmp_path):
    sorting.segments.append({"a": [150, 290], "b": []})
    both = netxr.open(tmp_path, format="spikeinterface", rate=10).activity
    assert both.dims == ("neuron", "time", "trial")
    assert both.sel(neuron="a").values.T.tolist() == [[2, 0, 1], [0, 1, 1]]
    one = netxr.open(tmp_path, format="spikeinterface", rate=10, segment=1).activity
    assert one.sel(neuron="a").values.tolist() == [0, 1, 1]


def test_trials_end_where_the_shortest_segment_may_have_ended(sorting, tmp_path):
    sorting.segments.append({"a": [150, 350], "b": [300]})
    with pytest.warns(
        UserWarning, match=r"last spike of segment 0, after 0\.3 s; 2 spikes of others .* segment= takes"
    ):
        both = netxr.open(tmp_path, format="spikeinterface", rate=10).activity
    assert both.sel(neuron="a").values.T.tolist() == [[2, 0, 1], [0, 1, 0]]
    sorting.segments[0] = {"a": [], "b": []}
    with pytest.raises(InvalidInput, match=r"segment: got None; .* number 0 of .* has no spike to tell its length"):
        netxr.open(tmp_path, format="spikeinterface", rate=10)


@pytest.mark.parametrize("options", [{}, {"rate": 0}, {"rate": 10, "segment": 1}])
@pytest.mark.usefixtures("sorting")
def test_what_a_sorting_needs(tmp_path, options):
    with pytest.raises(InvalidInput, match="segment: got 1" if "segment" in options else "rate: got"):
        netxr.open(tmp_path, format="spikeinterface", **options)


def test_a_sorting_without_spikes_and_what_is_none(sorting, tmp_path, monkeypatch):
    sorting.segments[0] |= {"a": [], "b": []}
    with pytest.raises(UnreadableFile, match="no unit has a spike"):
        netxr.open(tmp_path, format="spikeinterface", rate=10)
    monkeypatch.setitem(sys.modules, "spikeinterface", SimpleNamespace(load=lambda _path: "a recording"))
    with pytest.raises(UnreadableFile, match="a str, which is no sorting"):
        netxr.open(tmp_path, format="spikeinterface", rate=10)


class CaimanSegmentationExtractor:
    """As much of a reader of roiextractors as is asked for."""

    def __init__(self, path):
        self.path = path

    def get_traces(self, name):
        return np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]) if name == "raw" else None

    def get_traces_dict(self):
        return {"raw": 1, "dff": None}

    def get_sampling_frequency(self):
        return 20.0

    def get_roi_ids(self):
        return [4, 9]


@pytest.fixture
def readers(monkeypatch):
    package = SimpleNamespace(CaimanSegmentationExtractor=CaimanSegmentationExtractor)
    monkeypatch.setitem(sys.modules, "roiextractors", package)


@pytest.mark.usefixtures("readers")
def test_a_segmentation_by_hand(tmp_path):
    asked = {"format": "roiextractors", "extractor": "CaimanSegmentationExtractor"}
    activity = netxr.open(tmp_path, **asked).activity
    assert activity.sel(neuron=9).values.tolist() == [1, 3, 5]
    assert activity.attrs["sampling_interval"] == 0.05
    with pytest.raises(InvalidInput, match="signal: got 'dff'; expected one of raw"):
        netxr.open(tmp_path, **asked, signal="dff")
    with pytest.raises(InvalidInput, match="expected one of CaimanSegmentationExtractor"):
        netxr.open(tmp_path, format="roiextractors")


ROI = {"format": "roiextractors", "extractor": "CaimanSegmentationExtractor"}


@pytest.mark.usefixtures("readers")
def test_regions_that_were_accepted_are_marked_and_kept(tmp_path, monkeypatch):
    with pytest.raises(InvalidInput, match="cells: got True; expected False: it is not said which of 2 regions"):
        netxr.open(tmp_path, **ROI, cells=True)
    monkeypatch.setattr(CaimanSegmentationExtractor, "get_accepted_list", lambda _: [9], raising=False)
    assert netxr.open(tmp_path, **ROI).accepted.values.tolist() == [False, True]
    kept = netxr.open(tmp_path, **ROI, cells=True).activity
    assert kept.neuron.values.tolist() == [9]
    assert kept.values.tolist() == [[1, 3, 5]]
    monkeypatch.setattr(CaimanSegmentationExtractor, "get_accepted_list", lambda _: [])
    with pytest.raises(InvalidInput, match="none of 2 regions is a cell"):
        netxr.open(tmp_path, **ROI, cells=True)


@pytest.mark.parametrize(
    ("name", "values"), [("is_accepted", [True, False]), ("iscell", [1.0, 0.0]), ("cell_status", ["accepted", "x"])]
)
@pytest.mark.usefixtures("readers")
def test_regions_are_accepted_by_a_property(tmp_path, monkeypatch, name, values):
    kind = CaimanSegmentationExtractor
    monkeypatch.setattr(kind, "get_property_keys", lambda _: ["snr", name], raising=False)
    monkeypatch.setattr(kind, "get_property", lambda _, key, ids: np.array(values), raising=False)
    assert netxr.open(tmp_path, **ROI).accepted.values.tolist() == [True, False]


@pytest.mark.usefixtures("readers")
def test_timestamps_of_a_segmentation_go_before_its_rate(tmp_path, monkeypatch):
    times = [2.0, 2.1, 2.5]
    monkeypatch.setattr(CaimanSegmentationExtractor, "get_native_timestamps", lambda _: times, raising=False)
    with pytest.raises(UnreadableFile, match=r"the time of its samples is not even.*gaps='segments'"):
        netxr.open(tmp_path, **ROI)
    assert netxr.open(tmp_path, **ROI, gaps="segments").time.values.tolist() == times
    times[2] = 2.2
    assert netxr.open(tmp_path, **ROI).activity.attrs["sampling_interval"] == 0.1
    assert netxr.open(tmp_path, **ROI).activity.attrs["start_time"] == 2


@pytest.mark.parametrize(("name", "options"), [("spikeinterface", {"rate": 10}), ("roiextractors", {})])
def test_without_the_package(tmp_path, monkeypatch, name, options):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=f"\\[{name}\\]"):
        netxr.open(tmp_path, format=name, **options)


@pytest.mark.skipif(find_spec("spikeinterface") is None, reason="SpikeInterface is not installed")
@pytest.mark.filterwarnings("ignore")
def test_spikeinterface_itself(tmp_path):
    from spikeinterface.core import NumpySorting

    trains = [{"a": np.array([50, 60, 250]), "b": np.array([150])}]
    NumpySorting.from_unit_dict(trains, sampling_frequency=1000.0).save(folder=tmp_path / "sorting")
    activity = netxr.open(tmp_path / "sorting", format="spikeinterface", rate=10).activity
    assert activity.sel(neuron="a").values.tolist() == [2, 0, 1]
