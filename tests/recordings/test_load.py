import gzip
import pickle
import sys
import zipfile
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from netxr.errors import InvalidInput, MissingExtra, NetxrError, UnreadableFile
from netxr.recordings.formats import registry
from netxr.recordings.load import load_activity, load_connectivity, load_recording
from netxr.schema.arrays import as_activity
from netxr.store.dataset import save
from tests.conftest import SHARED
from tests.marks import slow
from tests.runs import nothing_computes, printed_by

DATA = SHARED / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not on this machine")

SAMPLES = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
WEIGHTS = np.array([[0, 1.5, 0], [0, 0, -2], [1, 0, 0]])
SUFFIXES = (".npy", ".npz", ".csv", ".tsv", ".txt")
NEURON_TIME, TIME_NEURON = ("neuron", "time"), ("time", "neuron")


def write(file, array):
    if file.suffix == ".npy":
        np.save(file, array)
    elif file.suffix == ".npz":
        np.savez(file, array)
    else:
        np.savetxt(file, array, delimiter={".csv": ",", ".tsv": "\t", ".txt": " "}[file.suffix])
    return file


def every_load(file):
    yield lambda: load_activity(file, dims=NEURON_TIME)
    yield lambda: load_activity(file, dims=TIME_NEURON)
    yield lambda: load_connectivity(file, rows="target")


# --- what comes out -----------------------------------------------------------


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".NPY"])
@pytest.mark.parametrize("dims", [NEURON_TIME, TIME_NEURON])
def test_activity_of_every_format(tmp_path, suffix, dims):
    file = write(tmp_path / f"x{suffix.lower()}", SAMPLES).rename(tmp_path / f"x{suffix}")
    loaded = load_activity(
        file, dims=dims, neurons=list("abcde")[: SAMPLES.shape[dims.index("neuron")]], sampling_interval=2, units="mV"
    )
    assert loaded.dims == NEURON_TIME
    assert loaded.dtype == (SAMPLES.dtype if suffix.lower() in (".npy", ".npz") else np.float64)
    np.testing.assert_array_equal(loaded.values, SAMPLES if dims == NEURON_TIME else SAMPLES.T)
    assert loaded.attrs == {"sampling_interval": 2.0, "sampling_interval_units": "s", "units": "mV"}
    assert loaded.neuron.values[0] == "a"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_connectivity_of_every_format(tmp_path, suffix):
    file = write(tmp_path / f"A{suffix}", WEIGHTS)
    to_from = load_connectivity(file, rows="target", neurons=list("abc"))
    assert to_from.chunks is None
    from_to = load_connectivity(file, rows="source", neurons=list("abc"))
    np.testing.assert_array_equal(to_from.values, WEIGHTS)
    np.testing.assert_array_equal(from_to.values, WEIGHTS.T)
    assert to_from.sel(target="a", source="b") == 1.5
    assert from_to.sel(target="b", source="a") == 1.5


def test_three_axes_with_trials(tmp_path):
    samples = np.arange(24.0).reshape(2, 3, 4)
    np.save(tmp_path / "x.npy", samples)
    loaded = load_activity(tmp_path / "x.npy", dims=("trial", "time", "neuron"))
    np.testing.assert_array_equal(loaded.transpose("trial", "time", "neuron").values, samples)


def test_npy_is_opened_without_a_read_and_read_anywhere(tmp_path):
    np.save(tmp_path / "x.npy", SAMPLES)
    with nothing_computes():
        loaded = load_activity(str(tmp_path / "x.npy"), dims=TIME_NEURON)
    assert loaded.chunks is not None
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(loaded)).values, SAMPLES.T)  # noqa: S301 - our own


def test_an_array_of_several_is_picked_by_name(tmp_path):
    file = tmp_path / "both.npz"
    np.savez_compressed(file, X=SAMPLES, A=WEIGHTS)
    np.testing.assert_array_equal(load_activity(file, dims=NEURON_TIME, name="X").values, SAMPLES)
    np.testing.assert_array_equal(load_connectivity(file, rows="target", name="A").values, WEIGHTS)
    for load in every_load(file):
        with pytest.raises(InvalidInput, match="name: got None; expected one of X, A"):
            load()
    with pytest.raises(InvalidInput, match="name: got 'B'; expected one of X, A"):
        load_activity(file, dims=NEURON_TIME, name="B")


def test_a_first_line_of_labels_names_the_neurons(tmp_path):
    (tmp_path / "x.csv").write_text("left,right\n1,2\n3,4\n5,6\n")
    loaded = load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    assert loaded.sel(neuron="right").values.tolist() == [2, 4, 6]
    assert load_activity(tmp_path / "x.csv", dims=TIME_NEURON, neurons=[7, 9]).neuron.values.tolist() == [7, 9]
    with pytest.raises(
        UnreadableFile, match=r"first line is no numbers \(left, right, \.\.\.\); labels go only with dims="
    ):
        load_activity(tmp_path / "x.csv", dims=NEURON_TIME)
    with pytest.raises(InvalidInput, match=r"weights: got shape \(3, 2\); expected a square matrix"):
        load_connectivity(tmp_path / "x.csv", rows="target")


def test_missing_samples_of_a_text_file_are_nan(tmp_path):
    (tmp_path / "x.csv").write_text("left,right\n1,\n,4\n")
    loaded = load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    np.testing.assert_array_equal(loaded.sel(neuron="right").values, [np.nan, 4])


def test_stores_say_themselves_what_their_axes_are(tmp_path):
    run = xr.Dataset(
        {
            "activity": (NEURON_TIME, SAMPLES),
            "clean": (NEURON_TIME, SAMPLES + 1),
            "connectivity": (("target", "source"), WEIGHTS),
        },
        coords={"neuron": list("abc"), "target": list("abc"), "source": list("abc")},
    )
    path = tmp_path / "run.zarr"
    save(run, path)
    loaded = load_activity(path)
    assert loaded.chunks is not None
    np.testing.assert_array_equal(loaded.values, SAMPLES)
    np.testing.assert_array_equal(load_activity(path, name="clean", dims=NEURON_TIME).values, SAMPLES + 1)
    np.testing.assert_array_equal(load_connectivity(path, rows="target").values, WEIGHTS)
    with pytest.raises(InvalidInput, match=r"dims: got \('time', 'neuron'\); expected none, or \('neuron', 'time'\)"):
        load_activity(path, dims=TIME_NEURON)
    with pytest.raises(InvalidInput, match="rows: got 'source'; expected none, or 'target'"):
        load_connectivity(path, rows="source")
    with pytest.raises(InvalidInput, match=r"name: got 'raw' .*which has activity, clean, connectivity"):
        load_activity(path, name="raw")
    with pytest.raises(InvalidInput, match="units: got 'mV'; expected nothing: a store or an xarray object"):
        load_activity(path, units="mV")
    with pytest.raises(InvalidInput, match=r"neurons: got .*assign_coords"):
        load_connectivity(path, neurons=[1, 2, 3])
    with pytest.raises(InvalidInput, match=r"activity: got dims \('target', 'source'\)"):
        load_activity(path, name="connectivity")


# --- what is refused ----------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_orientation_is_never_guessed(tmp_path, suffix):
    file = write(tmp_path / f"x{suffix}", SAMPLES)
    with pytest.raises(InvalidInput, match=r"dims: got none for .*of shape \(3, 5\).*dims=\('neuron', 'time'\)"):
        load_activity(file)
    with pytest.raises(InvalidInput, match=r"rows: got none for .*of shape \(3, 5\).*rows='target' if"):
        load_connectivity(file)
    with pytest.raises(InvalidInput, match=r"dims: got .*for an array of shape"):
        load_activity(file, dims=("neuron", "time", "trial"))
    with pytest.raises(InvalidInput, match="rows: got 'to'"):
        load_connectivity(file, rows="to")
    with pytest.raises(InvalidInput, match=r"weights: got shape \(3, 5\); expected a square matrix"):
        load_connectivity(file, rows="target")


@pytest.mark.parametrize("first", [0, 1])
def test_column_numbers_are_no_sample(tmp_path, first):
    file = tmp_path / "x.csv"
    pd.DataFrame(np.eye(2) / 2, columns=[first, first + 1]).to_csv(file, index=False)
    with pytest.raises(
        InvalidInput, match=r"header: got none for .*names the neurons, False if it is the first sample"
    ):
        load_activity(file, dims=TIME_NEURON)
    assert load_activity(file, dims=TIME_NEURON, header=True).neuron.values.tolist() == [first, first + 1]
    assert load_activity(file, dims=TIME_NEURON, header=False).shape == (2, 3)
    assert load_activity(file, dims=NEURON_TIME).shape == (3, 2)
    file.write_text(f"{first},{first + 1}\n5,6\n")
    assert load_connectivity(file, rows="target").shape == (2, 2)
    file.write_text(f"a,b\n{first},{first + 1}\n5,6\n")
    assert load_activity(file, dims=TIME_NEURON).shape == (2, 2)
    np.save(tmp_path / "x.npy", [[0, 1], [5, 6]])
    assert load_activity(tmp_path / "x.npy", dims=TIME_NEURON).shape == (2, 2)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("dims", [("neuron", "time"), ("time", "neuron")])
@pytest.mark.parametrize("neurons", [2**63, -0.5, float("inf"), Path("x"), object(), lambda: "abc", range(10**10)])
def test_labels_that_are_no_sequence_are_refused(tmp_path, dims, neurons):
    np.save(tmp_path / "x.npy", SAMPLES)
    with pytest.raises(InvalidInput, match=r"^neurons: got"):
        load_activity(tmp_path / "x.npy", dims=dims, neurons=neurons)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a,Trial", "its column 'Trial' is an axis, not a neuron. Remove that column"),
        ("a,time", "its column 'time' holds 1 time, from which no interval follows"),
        ("neuron,b", "its column 'neuron' is an axis"),
        (",a", "its column 1 has no label, others have. Remove that column if it numbers the rows"),
    ],
)
def test_columns_that_are_no_neurons_are_refused(tmp_path, header, message):
    (tmp_path / "x.csv").write_text(f"{header}\n1,2\n")
    for neurons in (None, ["p", "q"]):
        with pytest.raises(UnreadableFile, match=message):
            load_activity(tmp_path / "x.csv", dims=TIME_NEURON, neurons=neurons)
    (tmp_path / "x.csv").write_text("t,timer\n1,2\n")
    assert load_activity(tmp_path / "x.csv", dims=TIME_NEURON).neuron.values.tolist() == ["t", "timer"]


def test_a_long_first_line_is_cut_in_the_message(tmp_path):
    (tmp_path / "x.txt").write_text("|".join("abcdefghij" * 9) + "\n1\n")
    with pytest.raises(UnreadableFile, match=r"no numbers \(.{37}\.\.\., \.\.\.\)"):
        load_activity(tmp_path / "x.txt", dims=NEURON_TIME)


@pytest.mark.parametrize("source", [None, 5, b"x.npy", ["x.npy"], [[1.0, 2.0]]])
def test_what_is_no_source_is_refused(source):
    with pytest.raises(InvalidInput, match=r"source: got .*; expected the path of a file or folder.*NumPy or dask"):
        load_activity(source, dims=NEURON_TIME)
    with pytest.raises(InvalidInput, match=r"source: got .*; expected the path of a file or folder"):
        load_connectivity(source, rows="target")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_pickles_are_refused(tmp_path, suffix):
    file = write(tmp_path / f"x{suffix}", np.array([["a", None]], dtype=object))
    for load in every_load(file):
        with pytest.raises(UnreadableFile, match=r"it holds pickled objects, which are never read"):
            load()


def test_arrays_that_are_no_numbers_are_refused(tmp_path):
    for array in (np.array([["a", "b"]]), np.ones((2, 2), complex), np.zeros((2, 2), [("a", int)])):
        np.save(tmp_path / "x.npy", array)
        np.savez(tmp_path / "x.npz", array)
        for file in (tmp_path / "x.npy", tmp_path / "x.npz"):
            with pytest.raises(UnreadableFile, match=r"it holds .*, not real numbers"):
                load_activity(file, dims=NEURON_TIME)
        with pytest.raises(InvalidInput, match=r"samples: got dtype .*expected real numbers"):
            load_activity(array, dims=NEURON_TIME)
    np.save(tmp_path / "x.npy", np.zeros((0, 2)))
    for load in every_load(tmp_path / "x.npy"):
        with pytest.raises(NetxrError):
            load()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.wav",
            b"RIFF",
            r"no known kind of file; known are npy \(\.npy\); npz .*; neo .*folders of suite2p.*format=",
        ),
        ("x", b"1 2", "no known kind of file"),
        ("x.npy", b"", r"suffix \.npy, but its content is empty"),
        ("x.npz", b"", r"suffix \.npz, but its content is empty"),
        ("x.npy", b"1,2\n3,4\n", r"suffix \.npy, but its content begins with b'1,2.n3,4.n', which no npy file does"),
        ("x.npz", b"PK\x03\x04 and nothing", "File is not a zip file"),
        ("x.npy", b"\x93NUMPY\x01\x00v\x00{'descr'", r"the header of its array is damaged \("),
        ("x.npy", b"\x93NUMPY\x09\x00v\x00{'descr'", r"of version \(9, 0\) of the \.npy format"),
        ("x.csv", b"\xff1,2", "byte 0, in line 1, is no text in UTF-8"),
        ("x.csv", b"\xff\xfe1\x00,", "no text in UTF-8"),
        ("x.csv", b"PAR1", r"suffix \.csv, but its content looks like parquet"),
        ("x.csv", b"", "no numbers in it"),
        ("x.csv", b"1,2\n3,x\n", "'x' in line 2, column 2 is no number"),
        ("x.tsv", b"1\t2\n3\n", "line 2 has 1 cells"),
    ],
)
def test_a_bad_file_is_an_error_of_ours(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    for load in every_load(tmp_path / name):
        with pytest.raises(UnreadableFile, match=message):
            load()


def archive_of(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")


@pytest.mark.parametrize("suffix", [".xlsx", ".npz", ""])
def test_a_spreadsheet_is_said_to_be_one(tmp_path, suffix):
    archive_of(tmp_path / f"x{suffix}", "[Content_Types].xml", "xl/workbook.xml")
    for load in every_load(tmp_path / f"x{suffix}"):
        with pytest.raises(UnreadableFile, match=r"an Excel file\. Save its sheet as CSV"):
            load()


def test_files_that_are_known_and_not_read_say_what_to_do(tmp_path):
    archive_of(tmp_path / "x.ods", "mimetype", "content.xml")
    archive_of(tmp_path / "x.zip", "a.csv", "b.csv")
    (tmp_path / "x.xls").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(99))
    (tmp_path / "x.feather").write_bytes(b"ARROW1" + bytes(99))
    (tmp_path / "x.bin.gz").write_bytes(gzip.compress(b"1,2"))
    for protocol in range(6):
        (tmp_path / f"{protocol}.pkl").write_bytes(pickle.dumps({"C": SAMPLES}, protocol))
    (tmp_path / "pickled").write_bytes(pickle.dumps([1.0]))
    for name, match in {
        "x.ods": "an OpenDocument file. Save its sheet as CSV",
        "x.zip": r"an archive without arrays of NumPy; it has a\.csv, b\.csv\. Unpack it",
        "x.xls": r"an Excel file of the old kind \(.xls\).*Save its sheet as CSV",
        "x.feather": "a table in Feather.*to_parquet",
        "x.bin.gz": r"a compressed file \(gzip\)\. Unpack it",
        **{f"{protocol}.pkl": "a pickle of Python.*never read.*numpy.savez" for protocol in range(6)},
        "pickled": "a pickle of Python",
    }.items():
        for load in every_load(tmp_path / name):
            with pytest.raises(UnreadableFile, match=match):
                load()


def test_what_is_not_there_or_in_disguise(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    write(tmp_path / "x.npy", SAMPLES).rename(tmp_path / "x.npz")
    for load in every_load(tmp_path / "nothing.npy"):
        with pytest.raises(UnreadableFile, match=r"nothing\.npy: there is no such file"):
            load()
    for load in every_load(tmp_path / "folder.npy"):
        with pytest.raises(UnreadableFile, match="a folder, but no Zarr group, and no output of suite2p"):
            load()
    for load in every_load(tmp_path / "x.npz"):
        with pytest.raises(
            UnreadableFile, match=r"suffix \.npz, but its content looks like npy\. Rename it, or say format="
        ):
            load()
    assert load_activity(tmp_path / "x.npz", dims=NEURON_TIME, format="npy").shape == SAMPLES.shape
    with pytest.raises(UnreadableFile, match="format='parquet', but its content looks like npy"):
        load_activity(tmp_path / "x.npz", dims=NEURON_TIME, format="parquet")
    with pytest.raises(InvalidInput, match="format: got 'numpy'; expected one of npy, npz, text, parquet, "):
        load_activity(tmp_path / "x.npz", dims=NEURON_TIME, format="numpy")
    with pytest.raises(InvalidInput, match=r"name: got 'X'; expected none for a \.csv file"):
        load_activity(write(tmp_path / "x.csv", SAMPLES), dims=NEURON_TIME, name="X")


@given(data=st.data(), suffix=st.sampled_from(list(SUFFIXES)))
@settings(max_examples=30)
def test_whatever_a_file_holds_it_loads_or_is_an_error_of_ours(tmp_path_factory, data, suffix):
    file = write(tmp_path_factory.mktemp("any") / f"x{suffix}", WEIGHTS)
    whole = file.read_bytes()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:place] + data.draw(st.binary(min_size=1, max_size=4)) + whole[place + 1 :]
    text = data.draw(st.text("0123456789.,-\t\n eE#\"'naif;", max_size=40)).encode()
    file.write_bytes(data.draw(st.sampled_from([cut, changed, text, data.draw(st.binary(max_size=60))])))
    for load in every_load(file):
        with suppress(NetxrError):  # any other error fails the test
            loaded = load()
            assert loaded.size > 0
            assert np.asarray(loaded.values).dtype.kind in "fiub"


# --- how a format is found ----------------------------------------------------


def h5(file, **arrays):
    h5py = pytest.importorskip("h5py")
    with h5py.File(file, "w") as opened:
        for name, array in arrays.items():
            opened[name] = array
    return file


def test_a_file_without_suffix_is_known_by_its_content(tmp_path):
    for suffix in (".npy", ".npz"):
        file = write(tmp_path / f"x{suffix}", SAMPLES).rename(tmp_path / f"recording of {suffix[1:]}")
        np.testing.assert_array_equal(load_activity(file, dims=NEURON_TIME).values, SAMPLES)
    file = h5(tmp_path / "session.2026-11-22", X=SAMPLES)
    np.testing.assert_array_equal(load_activity(file, dims=NEURON_TIME).values, SAMPLES)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"C": SAMPLES}, "npz"),
        ({"X": SAMPLES, "A": WEIGHTS, "C": WEIGHTS}, "npz"),
        ({"C": SAMPLES, "S": SAMPLES, "A": WEIGHTS, "YrA": SAMPLES}, "caiman"),
    ],
)
def test_archives_are_told_apart(tmp_path, arrays, expected):
    np.savez(tmp_path / "x.npz", **arrays)
    assert registry.format_of(tmp_path / "x.npz").name == expected
    assert registry.format_of(tmp_path / "x.npz", look_inside=False).name == "npz"
    assert load_connectivity(write(tmp_path / "A.npz", WEIGHTS), rows="target").shape == (3, 3)


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ""])
def test_hdf5_files_are_told_apart(tmp_path, suffix):
    file = h5(tmp_path / f"x{suffix}", **{"estimates/C": SAMPLES})
    assert registry.format_of(file).name == "caiman"
    file.unlink()
    assert registry.format_of(h5(file, C=SAMPLES)).name == "hdf5"
    h5py = pytest.importorskip("h5py")
    for mark, expected in (("nwb_version", "nwb"), ("_NCProperties", "netcdf")):
        with h5py.File(file, "w") as opened:
            opened.attrs[mark] = "2"
        assert registry.format_of(file).name == expected
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UnreadableFile, match=r"a damaged HDF5 file \(OSError"):
        registry.format_of(file)


def test_folders_of_suite2p_are_known(tmp_path):
    for place in ("suite2p/plane0", "plane1", "."):
        (tmp_path / "output" / place).mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "output" / place / "F.npy", SAMPLES)
        assert registry.format_of(tmp_path / "output").name == "suite2p"


def test_every_format_has_its_function():
    for one in registry.FORMATS.values():
        assert callable(one.function())
        assert one.kind == "array" or registry.options_of(one) is not None


def own_loader(path, *, gain=1.0):
    return xr.Dataset({"activity": (NEURON_TIME, gain * np.full((2, 4), float(path.read_text())))})


def no_recording(path, **options):
    return SAMPLES


@pytest.fixture
def own_formats(monkeypatch):
    added = []
    monkeypatch.setattr(registry, "entry_points", lambda *, group: added)

    def add(name, value):
        added.append(EntryPoint(name, value, registry.ENTRY_POINTS))

    # The function of an entry point is found by its module: this one, whatever pytest calls it.
    monkeypatch.setitem(sys.modules, "a_labs_own", sys.modules[__name__])
    return add


def test_a_format_of_the_users_own(tmp_path, own_formats):
    (tmp_path / "x.lab").write_text("2")
    with pytest.raises(UnreadableFile, match="no known kind of file"):
        load_recording(tmp_path / "x.lab")
    own_formats("lab", "a_labs_own:own_loader")
    assert load_recording(tmp_path / "x.lab").activity.values.tolist() == [[2.0] * 4] * 2
    assert load_activity(tmp_path / "x.lab", gain=3.0).values.max() == 6
    (tmp_path / "x.txt").write_text("5")
    assert load_recording(tmp_path / "x.txt", format="lab").activity.values.max() == 5
    with pytest.raises(InvalidInput, match="loss: got 3; expected no such option: format 'lab' takes gain"):
        load_recording(tmp_path / "x.lab", loss=3)
    (tmp_path / "x.lab").write_text("two")
    with pytest.raises(UnreadableFile, match=r"x\.lab: not readable as lab \(ValueError: could not convert"):
        load_recording(tmp_path / "x.lab")


def test_a_format_of_the_users_own_that_is_broken(tmp_path, own_formats):
    (tmp_path / "x.lab").write_text("2")
    own_formats("lab", "a_labs_own:gone")
    with pytest.raises(
        InvalidInput, match=r"format: got 'lab', whose function a_labs_own:gone cannot be loaded \(Attr"
    ):
        load_recording(tmp_path / "x.lab")
    own_formats("lab", "a_labs_own:no_recording")
    with pytest.raises(InvalidInput, match="format: got 'lab' from a_labs_own:gone and a_labs_own:no_recording"):
        load_recording(tmp_path / "x.lab")


def test_a_loader_has_to_return_a_recording(tmp_path, own_formats):
    (tmp_path / "x.lab").write_text("2")
    own_formats("lab", "a_labs_own:no_recording")
    with pytest.raises(InvalidInput, match=r"got a ndarray from .*x\.lab; expected a Dataset with 'activity'"):
        load_recording(tmp_path / "x.lab", anything=1)


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(MissingExtra, match=r'needs h5py, which is not installed\..* run: pip install "\.\[io\]"'):
        load_recording(tmp_path / "x.h5")


def test_loaders_load_no_format_before_it_is_used():
    code = "import sys, netxr.recordings.load; print(*{name.split('.')[0] for name in sys.modules})"
    assert not {"h5py", "h5netcdf", "neo", "pynwb"} & set(printed_by(code).split())


# --- xarray objects and plain arrays ------------------------------------------


def test_xarray_objects_are_checked_and_passed_through():
    activity = xr.DataArray(SAMPLES, dims=NEURON_TIME, attrs={"sampling_interval": 0.5}, name="anything")
    recording = load_recording(activity)
    assert recording.activity.drop_vars("time").identical(activity.rename("activity"))
    assert recording.time.values.tolist() == [0, 0.5, 1, 1.5, 2]
    assert recording.attrs == {"sampling_interval": 0.5}
    whole = xr.Dataset({"activity": activity, "connectivity": (("target", "source"), WEIGHTS)})
    assert load_recording(whole) is whole
    assert load_activity(whole).identical(whole.activity)
    assert load_connectivity(whole).identical(whole.connectivity)
    assert load_connectivity(whole.connectivity).identical(whole.connectivity)
    with pytest.raises(InvalidInput, match=r"source: got dims \('neuron', 'x'\)"):
        load_recording(activity.rename(time="x"))
    with pytest.raises(InvalidInput, match="expected a Dataset with 'activity', or 'connectivity'"):
        load_recording(xr.Dataset({"x": activity}))
    with pytest.raises(InvalidInput, match=r"dims: got .*; expected no such option: a source with labels takes gaps"):
        load_recording(activity, dims=NEURON_TIME)
    with pytest.raises(
        InvalidInput, match="name: got 'connectivity' for the Dataset; expected a variable of it, which has"
    ):
        load_connectivity(whole.drop_vars("connectivity"))
    with pytest.raises(InvalidInput, match=r"connectivity of the Dataset: got 3 targets x 2 sources"):
        load_recording(whole.isel(source=slice(2)))


@pytest.mark.parametrize("make", [np.asarray, lambda array: da.from_array(array, chunks=2)])
def test_plain_arrays_are_labelled(make):
    loaded = load_recording(make(SAMPLES), dims=TIME_NEURON, sampling_interval=2, interval_units="ms", units="mV")
    assert isinstance(loaded.activity.data, type(make(SAMPLES)))
    np.testing.assert_array_equal(loaded.activity.values, SAMPLES.T)
    assert loaded.attrs == {"sampling_interval": 2.0, "sampling_interval_units": "ms"}
    assert loaded.activity.attrs == {"sampling_interval": 2.0, "sampling_interval_units": "ms", "units": "mV"}
    np.testing.assert_array_equal(load_connectivity(make(WEIGHTS), rows="source").values, WEIGHTS.T)
    with pytest.raises(InvalidInput, match=r"dims: got none for the \w+, of shape \(3, 5\)"):
        load_recording(make(SAMPLES))
    with pytest.raises(InvalidInput, match=r"rows: got none for the \w+, of shape \(3, 3\)"):
        load_connectivity(make(WEIGHTS))
    with pytest.raises(InvalidInput, match="name: got 'x'; expected no such option: a plain array takes dims, neurons"):
        load_recording(make(SAMPLES), dims=NEURON_TIME, name="x")
    with pytest.raises(InvalidInput, match="dims: got 5; expected a name for each axis"):
        load_recording(make(SAMPLES), dims=5)


def test_options_that_a_format_has_not_are_refused(tmp_path):
    file = write(tmp_path / "x.npy", SAMPLES)
    for option in ("rows", "signal", "rate"):
        with pytest.raises(
            InvalidInput, match=f"{option}: got 1; expected no such option: format 'npy' takes name, dims"
        ):
            load_recording(file, dims=NEURON_TIME, **{option: 1})
    (tmp_path / "s").mkdir()
    write(tmp_path / "s" / "F.npy", SAMPLES)
    with pytest.raises(
        InvalidInput, match=r"dims: got .*: format 'suite2p' takes signal, neuropil, cells, plane, sampling"
    ):
        load_activity(tmp_path / "s", dims=NEURON_TIME)
    with pytest.raises(InvalidInput, match="name: got 'connectivity' for the Dataset"):
        load_connectivity(tmp_path / "s", rows="target")


# --- recordings ---------------------------------------------------------------


@needs_data
def test_netsim_subjects():
    for file in sorted((DATA / "netsim_sim3").glob("*.npz")):
        activity = load_activity(file, dims=NEURON_TIME, name="X_np")
        truth = load_connectivity(file, rows="target", name="Gref")
        with np.load(file) as archive:
            np.testing.assert_array_equal(activity.values, archive["X_np"])
            np.testing.assert_array_equal(truth.values, archive["Gref"])
        assert activity.shape == (15, 200)
        assert truth.dims == ("target", "source")


@needs_data
@pytest.mark.parametrize("network", ["exc4_inh1/p2", *slow("exc4_inh1/p4", "exc8_inh2/p2", "exc8_inh2/p4")])
def test_izhikevich_networks(network):
    folder = DATA / "izhikevich" / network
    activity = load_activity(folder / "v_alltimes.txt", dims=NEURON_TIME, sampling_interval=1, interval_units="ms")
    truth = load_connectivity(folder / "connectivity.txt", rows="target")
    n_neurons = 5 if "exc4" in network else 10
    assert activity.shape == (n_neurons, 5001)
    assert truth.shape == (n_neurons, n_neurons)
    for loaded, name in ((activity, "v_alltimes.txt"), (truth, "connectivity.txt")):
        rows = [line.split(",") for line in (folder / name).read_text().splitlines()]
        assert loaded.values.tolist() == [[float(cell) for cell in row] for row in rows]
    # The last fifth of the neurons is inhibitory: what leaves it, its column, is never positive.
    assert (truth.isel(source=slice(-n_neurons // 5, None)) <= 0).all()
    assert (truth.isel(source=slice(None, -n_neurons // 5)) >= 0).all()


def test_a_run_that_xarray_opened_has_its_axis_of_time(tmp_path):
    x = as_activity(np.zeros((2, 6)), dims=("neuron", "time"), sampling_interval=0.5)
    run = load_recording(x.drop_vars("time", errors="ignore").assign_attrs(start_time=3.0))
    save(run, tmp_path / "run.zarr")
    opened = xr.open_zarr(tmp_path / "run.zarr")
    assert "time" not in opened.coords
    for loaded in (load_activity(opened), load_recording(opened).activity):
        np.testing.assert_allclose(loaded.time, 3.0 + 0.5 * np.arange(6))
