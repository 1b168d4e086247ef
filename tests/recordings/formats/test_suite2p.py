import pickle

import numpy as np
import pytest

from netxr.errors import InvalidInput, NetxrError, UnreadableFile
from netxr.plot.matrices.node_positions import field_places
from netxr.recordings.formats.suite2p import load
from netxr.recordings.load import load_activity, load_recording
from tests.conftest import SHARED
from tests.recordings.formats.damage import damaged
from tests.runs import nothing_computes

DATA = SHARED / "data" / "suite2p"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recording is not on this machine")

RNG = np.random.default_rng(0)
F, FNEU, SPKS = (RNG.normal(100, 10, size=(4, 30)).astype("float32") for _ in range(3))
ISCELL = np.array([[1, 0.9], [0, 0.2], [1, 0.7], [0, 0.6]])


def write(folder, **arrays):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in ({"F": F, "Fneu": FNEU, "spks": SPKS, "iscell": ISCELL} | arrays).items():
        if array is not None:
            np.save(folder / f"{name}.npy", array)
    return folder


@pytest.mark.parametrize(("signal", "expected"), [("F", F), ("Fneu", FNEU), ("spks", SPKS)])
def test_each_signal_is_as_the_file_has_it(tmp_path, signal, expected):
    recording = load_recording(write(tmp_path / "plane0"), signal=signal, sampling_interval=0.1)
    assert recording.activity.chunks is not None
    assert recording.activity.dtype == np.float32
    np.testing.assert_array_equal(recording.activity.values, expected)
    assert recording.neuron.values.tolist() == [0, 1, 2, 3]
    assert recording.iscell.values.tolist() == [True, False, True, False]
    np.testing.assert_array_equal(recording.iscell_probability.values, ISCELL[:, 1])
    assert recording.attrs == {"sampling_interval": 0.1, "sampling_interval_units": "s"}
    assert "fluorescence" in recording.activity.attrs["long_name"]


def test_neuropil_is_taken_off_lazily(tmp_path):
    with nothing_computes():
        activity = load_activity(write(tmp_path / "plane0"), neuropil=0.7)
    assert activity.dtype == np.float32
    assert activity.attrs["long_name"] == "fluorescence - 0.7 x neuropil"
    there = pickle.loads(pickle.dumps(activity))  # noqa: S301 - our own
    np.testing.assert_array_equal(there.values, F - np.float32(0.7) * FNEU)
    np.testing.assert_array_equal(load_activity(tmp_path / "plane0", neuropil=0).values, F)


def test_cells_keep_the_number_of_their_region(tmp_path):
    recording = load(write(tmp_path / "plane0"), signal="spks", cells=True)
    assert recording.neuron.values.tolist() == [0, 2]
    np.testing.assert_array_equal(recording.activity.values, SPKS[[0, 2]])
    np.testing.assert_array_equal(recording.iscell_probability.values, [0.9, 0.7])
    write(tmp_path / "none", iscell=ISCELL * [0, 1])
    with pytest.raises(InvalidInput, match=r"cells: got True; expected False: none of 4 regions in .* is a cell"):
        load(tmp_path / "none", cells=True)
    write(tmp_path / "uncurated", iscell=None)
    assert set(load(tmp_path / "uncurated").coords) == {"neuron"}
    with pytest.raises(UnreadableFile, match=r"iscell\.npy: there is no such file\. .*uncurated has F\.npy, Fneu"):
        load(tmp_path / "uncurated", cells=True)


def test_ops_are_unpickled_only_when_asked(tmp_path):
    folder = write(tmp_path / "plane0")
    with pytest.raises(UnreadableFile, match=r"ops\.npy: there is no such file\. Give sampling_interval="):
        load(folder, ops=True)
    np.save(folder / "ops.npy", {"fs": 30.0})
    assert "sampling_interval" not in load(folder).activity.attrs
    assert load(folder, ops=True).activity.attrs["sampling_interval"] == pytest.approx(1 / 30)
    with pytest.raises(InvalidInput, match=r"sampling_interval: got 0\.1; expected none with ops=True"):
        load(folder, ops=True, sampling_interval=0.1)
    for ops, message in (
        ({"fs": 0.0}, "its frame rate 'fs' is 0"),
        ({}, "no frame rate 'fs'"),
        ([1.0], "no frame rate"),
    ):
        np.save(folder / "ops.npy", ops)
        with pytest.raises(UnreadableFile, match=message):
            load(folder, ops=True)


def test_regions_lie_where_stat_says_when_it_is_asked(tmp_path):
    folder = write(tmp_path / "plane0")
    with pytest.raises(UnreadableFile, match=r"stat\.npy: there is no such file\. Leave out stat="):
        load(folder, stat=True)
    regions = [{"med": [row, column], "npix": 9} for row, column in [(10, 200), (20, 150.5), (30, 7), (500, 0)]]
    np.save(folder / "stat.npy", np.array(regions, dtype=object))
    assert "x" not in load(folder).coords
    found = load(folder, stat=True, cells=True)
    assert found.x.values.tolist() == [200, 7]
    assert found.y.values.tolist() == [10, 30]
    assert found.x.units == found.y.units == "pixel"
    places = field_places(found.activity, np.array([2, 0]))
    assert places.tolist() == [[7, -30], [200, -10]]  # row 10 of the image is above row 30
    for stat, message in (
        (np.array(regions[:3], dtype=object), r"stat\.npy: its shape is \(3, 2\), not \(4, 2\)"),
        (np.array([{}] * 4, dtype=object), r"no middle 'med' of each region \(KeyError"),
        (np.ones(4), "no middle 'med'"),
    ):
        np.save(folder / "stat.npy", stat)
        with pytest.raises(UnreadableFile, match=message):
            load(folder, stat=True)
    (folder / "stat.npy").write_bytes(b"cut")
    with pytest.raises(UnreadableFile, match=r"stat\.npy: not readable as a pickle"):
        load(folder, stat=True)


@pytest.mark.parametrize("place", ["plane0", "suite2p/plane0"])
def test_a_folder_of_one_plane_is_that_plane(tmp_path, place):
    write(tmp_path / place)
    np.testing.assert_array_equal(load_recording(tmp_path).activity.values, F)
    np.testing.assert_array_equal(load_recording(tmp_path, plane=0).activity.values, F)
    np.testing.assert_array_equal(load_recording(tmp_path / place).activity.values, F)


def test_of_several_planes_one_is_named(tmp_path):
    for plane in (0, 2, 10):
        write(tmp_path / "suite2p" / f"plane{plane}", F=F + plane)
    write(tmp_path / "suite2p" / "combined", F=F - 1)
    for folder in (tmp_path, tmp_path / "suite2p"):
        with pytest.raises(InvalidInput, match="plane: got None; expected one of plane0, plane2, plane10, combined"):
            load_recording(folder)
        with pytest.raises(InvalidInput, match="plane: got 1; expected one of plane0"):
            load_recording(folder, plane=1)
        np.testing.assert_array_equal(load_recording(folder, plane=10).activity.values, F + 10)
        np.testing.assert_array_equal(load_recording(folder, plane="combined").activity.values, F - 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"signal": "dF"}, "signal: got 'dF'; expected 'F' or 'Fneu' or 'spks'"),
        ({"neuropil": "0.7"}, "neuropil: got '0.7'; expected a factor, such as 0.7, or None"),
        ({"neuropil": np.nan}, "neuropil: got nan"),
        ({"neuropil": 0.7, "signal": "spks"}, "neuropil: got 0.7 with signal='spks'; expected None, except with 'F'"),
        ({"sampling_interval": -1}, "sampling_interval: got -1; expected a positive number"),
        ({"rate": 30}, "rate: got 30; expected no such option: format 'suite2p' takes signal, neuropil"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, options, message):
    with pytest.raises(InvalidInput, match=message):
        load_recording(write(tmp_path / "plane0"), **options)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"Fneu": FNEU[:3]}, r"Fneu\.npy: its shape is \(3, 30\), not \(4, 30\)\. They are not from the same run"),
        ({"spks": SPKS[:, 1:]}, r"spks\.npy: its shape is \(4, 29\), not \(4, 30\)"),
        ({"iscell": ISCELL[:2]}, r"iscell\.npy: its shape is \(2, 2\), not \(4, 2\)"),
        ({"iscell": ISCELL + 1}, r"iscell\.npy: its first column holds other numbers than 0 and 1"),
        ({"F": F[0]}, r"F\.npy: its array has shape \(30,\), and no region and frame"),
        ({"F": np.array([{}])}, r"F\.npy: it holds pickled objects, which are never read"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(tmp_path, arrays, message):
    with pytest.raises(UnreadableFile, match=message):
        load_recording(write(tmp_path / "plane0", **arrays))


def test_damaged_folders_are_errors_of_ours(tmp_path):
    folder = write(tmp_path / "plane0")
    refused = 0
    for file in sorted(folder.iterdir()):
        whole = file.read_bytes()
        for content in damaged(whole, cases=15):
            file.write_bytes(content)
            try:
                load_activity(folder, neuropil=0.7, cells=True).compute()
            except NetxrError:
                refused += 1
        file.write_bytes(whole)
    assert refused > 25


@needs_data
def test_a_real_folder():
    curated = np.load(DATA / "iscell.npy")
    for signal in ("F", "Fneu", "spks"):
        recording = load_recording(DATA, signal=signal, sampling_interval=1 / 30)
        np.testing.assert_array_equal(recording.activity.values, np.load(DATA / f"{signal}.npy"))
        assert recording.activity.shape == (219, 2000)
        assert recording.activity.dtype == np.float32
        np.testing.assert_array_equal(recording.iscell.values, curated[:, 0] == 1)
    cells = load_activity(DATA, neuropil=0.7, cells=True)
    corrected = np.load(DATA / "F.npy") - np.float32(0.7) * np.load(DATA / "Fneu.npy")
    np.testing.assert_array_equal(cells.values, corrected[curated[:, 0] == 1])
    np.testing.assert_array_equal(cells.neuron.values, np.flatnonzero(curated[:, 0]))


@pytest.mark.parametrize("option", ["ops", "cells"])
def test_a_word_is_no_yes(tmp_path, option):
    folder = write(tmp_path / "plane0")
    (folder / "ops.npy").write_bytes(pickle.dumps({"fs": 10.0}))
    with pytest.raises(InvalidInput, match=f"{option}: got 'no'; expected True or False"):
        load(folder, **{option: "no"})
