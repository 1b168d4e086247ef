import pickle
import sys

import numpy as np
import pytest

from netxr.errors import InvalidInput, MissingExtra, UnreadableFile
from netxr.recordings.formats import lazy
from netxr.recordings.load import load_activity, load_recording
from tests.runs import nothing_computes

rawio = pytest.importorskip("neo.rawio")

RATE = 1000.0
COUNTS = np.random.default_rng(0).integers(-3000, 3000, size=(500, 3)).astype("int16")

HEADER = """Brain Vision Data Exchange Header File Version 1.0
[Common Infos]
DataFile={data}
MarkerFile={marker}
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels=3
SamplingInterval=1000
[Binary Infos]
BinaryFormat=INT_16
[Channel Infos]
Ch1=Fp1,,0.5,µV
Ch2=Fp2,,0.5,{unit}
Ch3=Cz,,0.25,µV
"""
MARKER = """Brain Vision Data Exchange Marker File, Version 1.0
[Common Infos]
DataFile={data}
[Marker Infos]
Mk1=New Segment,,1,1,0,20261122000000000000
"""


def brainvision(folder, *, unit="µV"):
    """A file of three channels, in the format of Brain Products' recorder."""
    names = {"data": "x.eeg", "marker": "x.vmrk", "unit": unit}
    (folder / "x.vhdr").write_text(HEADER.format(**names), encoding="utf-8")
    (folder / "x.vmrk").write_text(MARKER.format(**names), encoding="utf-8")
    COUNTS.tofile(folder / "x.eeg")
    return folder / "x.vhdr"


@pytest.fixture
def example(tmp_path):
    """A file of the format that Neo makes up: two blocks, two streams of eight channels, three units with spikes."""
    (tmp_path / "x.fake").touch()
    file = rawio.ExampleRawIO(str(tmp_path / "x.fake"))
    file.parse_header()
    return tmp_path / "x.fake", file


def open_example(path, **options):
    return load_recording(path, format="neo", reader="ExampleRawIO", **options)


def test_signals_of_a_real_format(tmp_path):
    file = brainvision(tmp_path)
    with nothing_computes():
        recording = load_recording(file)
    assert recording.activity.dims == ("neuron", "time")
    assert recording.neuron.values.tolist() == ["Fp1", "Fp2", "Cz"]
    np.testing.assert_allclose(recording.activity.values, (COUNTS * [0.5, 0.5, 0.25]).T, rtol=1e-12)
    assert recording.attrs["sampling_interval"] == pytest.approx(1 / RATE)
    assert recording.activity.attrs["units"] == "uV"
    assert recording.attrs["start_time"] == 0
    there = pickle.loads(pickle.dumps(recording.activity))  # noqa: S301 - our own
    np.testing.assert_array_equal(there.values, recording.activity.values)


def test_units_that_differ_are_a_coordinate(tmp_path):
    recording = load_recording(brainvision(tmp_path, unit="mV"))
    assert recording.units.values.tolist() == ["uV", "mV", "uV"]
    assert "units" not in recording.activity.attrs


def test_a_file_that_is_not_all_there(tmp_path):
    file = brainvision(tmp_path)
    (tmp_path / "x.eeg").unlink()
    with pytest.raises(UnreadableFile, match=r"x\.vhdr: not readable as neo \("):
        load_recording(file)
    activity = load_activity(brainvision(tmp_path))
    (tmp_path / "x.eeg").write_bytes(COUNTS.tobytes()[:100])
    with pytest.raises(UnreadableFile, match=r"x\.vhdr: "):
        activity.compute()


def test_blocks_are_cut_along_time(tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "BLOCK_BYTES", 3 * 8 * 64)
    activity = load_activity(brainvision(tmp_path))
    assert activity.chunks == ((3,), (*(64,) * 7, 52))
    np.testing.assert_allclose(activity[1:, 60:200].values, (COUNTS * [0.5, 0.5, 0.25]).T[1:, 60:200], rtol=1e-12)


def test_segments_are_trials(example):
    path, file = example
    recording = open_example(path, block=0, name="stream 1")
    assert dict(recording.sizes) == {"neuron": 8, "time": 100_000, "trial": 2}
    for trial in range(2):
        raw = file.get_analogsignal_chunk(0, trial, stream_index=1)
        expected = file.rescale_signal_raw_to_float(raw, "float64", 1)
        np.testing.assert_array_equal(recording.activity.isel(trial=trial).values, expected.T)
        alone = open_example(path, block=0, name="1", segment=trial)
        np.testing.assert_array_equal(alone.activity.values, expected.T)
        assert alone.attrs["start_time"] == file.get_signal_t_start(0, trial, 1)
    assert recording.attrs["source_array"] == "stream 1"


@pytest.mark.parametrize("rate", [1, 7, 100])
def test_spikes_are_counted_in_bins(example, rate):
    path, file = example
    recording = open_example(path, block=1, rate=rate)
    assert recording.neuron.values.tolist() == ["unit0", "unit1", "unit2"]
    assert recording.activity.dtype == np.int32
    assert recording.attrs["sampling_interval"] == pytest.approx(1 / rate)
    for trial in range(3):
        start, stop = file.segment_t_start(1, trial), file.segment_t_stop(1, trial)
        n_bins = int(np.floor((stop - start) * rate + 1e-6))
        for unit in range(3):
            times = file.rescale_spike_timestamp(file.get_spike_timestamps(1, trial, unit), "float64")
            counts = [0] * n_bins
            for time in times:
                if (k := int(np.floor(round((time - start) * rate, 6)))) < n_bins:  # an edge is no rounding error
                    counts[k] += 1
            assert recording.activity.isel(neuron=unit, trial=trial).values.tolist() == counts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "block: got None; expected a number from 0 to 1 for"),
        ({"block": 2}, "block: got 2"),
        (
            {"block": 0},
            r"name: got None; expected one stream of signals; .* has stream 0 \(8 channels\), stream 1 .*rate=",
        ),
        ({"block": 0, "name": "LFP"}, "name: got 'LFP'"),
        ({"block": 0, "name": "0", "segment": -1}, "segment: got -1; expected a number from 0 to 1"),
        ({"block": 0, "rate": 0}, "rate: got 0; expected bins a second"),
        ({"block": 0, "rate": 0.01}, r"rate: got 0\.01; expected more than one bin in the 10 s"),
        ({"block": 0, "rate": 10, "name": "0"}, "name: got '0'; expected none with rate="),
        (
            {"block": 0, "signal": "F"},
            "signal: got 'F'; expected no such option: format 'neo' takes name, rate, segment",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(example, options, message):
    with pytest.raises(InvalidInput, match=message):
        open_example(example[0], **options)


def test_segments_that_are_not_equally_long_are_no_trials(example, monkeypatch):
    monkeypatch.setattr(rawio.ExampleRawIO, "_get_signal_size", lambda self, block, segment, stream: 100 + segment)
    with pytest.raises(InvalidInput, match=r"segment: got None; expected one segment: .* are 100, 101 samples long"):
        open_example(example[0], block=0, name="0")
    assert open_example(example[0], block=0, name="0", segment=1).sizes["time"] == 101


def test_readers_are_named_where_the_suffix_leaves_several(tmp_path):
    for name, message in (
        ("x.smr", "reader: got none for .*x.smr; expected one of CedRawIO, Spike2RawIO"),
        ("x.unknown", "Neo knows no such suffix. Say which of Neo's readers it is with reader="),
    ):
        (tmp_path / name).touch()
        with pytest.raises((InvalidInput, UnreadableFile), match=message):
            load_recording(tmp_path / name, format="neo")
    with pytest.raises(InvalidInput, match="reader: got 'SpikeIO'; expected one of AlphaOmegaRawIO"):
        load_recording(tmp_path / "x.smr", reader="SpikeIO")
    with pytest.raises(UnreadableFile, match=r"x\.smr: not readable as neo"):
        load_recording(tmp_path / "x.smr", reader="Spike2RawIO")


def test_the_package_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "neo.rawio", None)
    with pytest.raises(MissingExtra, match=r'needs neo, .*pip install "\.\[neo\]"'):
        load_recording(brainvision(tmp_path))
