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
    sorting.segments.append({"a": [350], "b": []})
    both = netxr.open(tmp_path, format="spikeinterface", rate=10).activity
    assert both.dims == ("neuron", "time", "trial")
    assert both.sel(neuron="a").values.T.tolist() == [[2, 0, 1, 0], [0, 0, 0, 1]]
    one = netxr.open(tmp_path, format="spikeinterface", rate=10, segment=1).activity
    assert one.sel(neuron="a").values.tolist() == [0, 0, 0, 1]


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
