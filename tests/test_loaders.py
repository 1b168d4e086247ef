from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from netxr.errors import InvalidInput, NetxrError, UnreadableFile
from netxr.loaders import READERS, load_activity, load_connectivity
from netxr.store import save

DATA = Path(__file__).parents[1].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not on this machine")

SAMPLES = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
WEIGHTS = np.array([[0, 1.5, 0], [0, 0, -2], [1, 0, 0]])
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


@pytest.mark.parametrize("suffix", [*READERS, ".NPY"])
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


@pytest.mark.parametrize("suffix", READERS)
def test_connectivity_of_every_format(tmp_path, suffix):
    file = write(tmp_path / f"A{suffix}", WEIGHTS)
    to_from = load_connectivity(file, rows="target", neurons=list("abc"))
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


def test_npy_is_mapped_and_left_alone(tmp_path):
    np.save(tmp_path / "x.npy", SAMPLES)
    loaded = load_activity(str(tmp_path / "x.npy"), dims=TIME_NEURON)
    mapped = loaded.variable._data
    while not isinstance(mapped, np.memmap):
        mapped = mapped.base
    assert mapped.mode == "r"


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
    with pytest.raises(UnreadableFile, match=r"first line is no numbers .*neurons="):
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
    with pytest.raises(InvalidInput, match="units: got 'mV'; expected nothing for a store"):
        load_activity(path, units="mV")
    with pytest.raises(InvalidInput, match=r"neurons: got .*assign_coords"):
        load_connectivity(path, neurons=[1, 2, 3])
    with pytest.raises(InvalidInput, match=r"activity: got dims \('target', 'source'\)"):
        load_activity(path, name="connectivity")


# --- what is refused ----------------------------------------------------------


@pytest.mark.parametrize("suffix", READERS)
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
    with pytest.raises(UnreadableFile, match=r"looks like column numbers, not samples\. Remove the line, or give the"):
        load_activity(file, dims=TIME_NEURON)
    assert load_activity(file, dims=NEURON_TIME).shape == (3, 2)
    file.write_text(f"{first},{first + 1}\n5,6\n")
    assert load_connectivity(file, rows="target").shape == (2, 2)
    file.write_text(f"a,b\n{first},{first + 1}\n5,6\n")
    assert load_activity(file, dims=TIME_NEURON).shape == (2, 2)
    np.save(tmp_path / "x.npy", [[0, 1], [5, 6]])
    assert load_activity(tmp_path / "x.npy", dims=TIME_NEURON).shape == (2, 2)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("time,a", "its column 'time' is an axis, not a neuron. Remove that column"),
        ("a,Trial", "its column 'Trial' is an axis"),
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


@pytest.mark.parametrize("path", [None, 5, b"x.npy", ["x.npy"], np.zeros(3)])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InvalidInput, match=r"path: got .*; expected the path of a file or folder"):
        load_activity(path, dims=NEURON_TIME)
    with pytest.raises(InvalidInput, match=r"path: got .*; expected the path of a file or folder"):
        load_connectivity(path, rows="target")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_pickles_are_refused(tmp_path, suffix):
    file = write(tmp_path / f"x{suffix}", np.array([["a", None]], dtype=object))
    for load in every_load(file):
        with pytest.raises(UnreadableFile, match=r"not readable as .*pickled objects never are"):
            load()


def test_arrays_that_are_no_numbers_are_refused(tmp_path):
    for array in (np.array([["a", "b"]]), np.ones((2, 2), complex), np.zeros((2, 2), [("a", int)])):
        np.save(tmp_path / "x.npy", array)
        with pytest.raises(InvalidInput, match=r"samples: got dtype .*expected real numbers"):
            load_activity(tmp_path / "x.npy", dims=NEURON_TIME)
    np.save(tmp_path / "x.npy", np.zeros((0, 2)))
    for load in every_load(tmp_path / "x.npy"):
        with pytest.raises(NetxrError):
            load()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.mat", b"", r"no known kind of file; known are \.npy, \.npz, \.csv, \.tsv, \.txt, and folders"),
        ("x", b"1 2", "no known kind of file"),
        ("x.npy", b"", r"not readable as \.npy"),
        ("x.npz", b"", r"not readable as \.npz"),
        ("x.npy", b"1,2\n3,4\n", r"not readable as \.npy"),
        ("x.npz", b"PK\x03\x04 and nothing", r"not readable as \.npz"),
        ("x.csv", b"\xff\xfe1\x00,\x00", r"not readable as \.csv \(UnicodeDecodeError"),
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


def test_what_is_not_there_or_in_disguise(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    write(tmp_path / "x.npy", SAMPLES).rename(tmp_path / "x.npz")
    for load in every_load(tmp_path / "nothing.npy"):
        with pytest.raises(UnreadableFile, match=r"nothing\.npy: there is no such file"):
            load()
    for load in every_load(tmp_path / "folder.npy"):
        with pytest.raises(UnreadableFile, match="a folder, but no Zarr group"):
            load()
    for load in every_load(tmp_path / "x.npz"):
        with pytest.raises(UnreadableFile, match=r"not an archive of arrays.*Rename a single array to \.npy"):
            load()
    with pytest.raises(InvalidInput, match=r"name: got 'X'; expected none for a \.csv file"):
        load_activity(write(tmp_path / "x.csv", SAMPLES), dims=NEURON_TIME, name="X")


@given(data=st.data(), suffix=st.sampled_from(list(READERS)))
@settings(max_examples=150, deadline=None)
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
@pytest.mark.parametrize("network", ["exc4_inh1/p2", "exc4_inh1/p4", "exc8_inh2/p2", "exc8_inh2/p4"])
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


@needs_data
def test_suite2p_arrays():
    assert load_activity(DATA / "suite2p" / "F.npy", dims=NEURON_TIME).shape == (219, 2000)
