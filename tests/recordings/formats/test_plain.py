import os
import pickle
import re
import zipfile
from functools import partial

import dask
import numpy as np
import pandas as pd
import pytest
import scipy.io
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from netxr.cli import main
from netxr.errors import InvalidInput, NetxrError, UnreadableFile
from netxr.recordings.formats import lazy
from netxr.recordings.formats.plain import read_npy, read_npz, read_text
from netxr.recordings.load import load_activity
from tests.recordings.formats.damage import refusals

SAMPLES = np.random.default_rng(0).normal(size=(3, 50)).astype("float32")
TIME_NEURON = ("time", "neuron")


# --- npy ----------------------------------------------------------------------


@given(
    array=npst.arrays(
        st.sampled_from(["f4", ">f8", "<i2", ">u4", "b1", "f2"]),
        npst.array_shapes(min_dims=1, max_dims=3, max_side=6),
        elements=st.integers(0, 1),
    ),
    fortran=st.booleans(),
    block_bytes=st.sampled_from([1, 16, 64, 2**23]),
    data=st.data(),
)
def test_any_box_of_any_array(tmp_path_factory, array, fortran, block_bytes, data):
    file = tmp_path_factory.mktemp("npy") / "x.npy"
    np.save(file, np.asfortranarray(array) if fortran else array)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy, "BLOCK_BYTES", block_bytes)
        loaded = read_npy(file).values
    assert loaded.dtype.isnative
    assert loaded.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(loaded.compute(scheduler="synchronous"), array)
    box = tuple(slice(*sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2)))) for n in array.shape)
    np.testing.assert_array_equal(loaded[box].compute(scheduler="synchronous"), array[box])


def test_blocks_are_cut_along_the_longest_axis_and_read_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "BLOCK_BYTES", 3 * 8 * 4)
    np.save(tmp_path / "x.npy", SAMPLES)
    loaded = read_npy(tmp_path / "x.npy").values
    assert loaded.chunks == ((3,), (8, 8, 8, 8, 8, 8, 2))
    content = bytearray((tmp_path / "x.npy").read_bytes())
    stat = (tmp_path / "x.npy").stat()
    content[128:132] = b"\xff\xff\xff\xff"  # the first sample becomes NaN, unseen by size and time of change
    (tmp_path / "x.npy").write_bytes(content)
    os.utime(tmp_path / "x.npy", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    np.testing.assert_array_equal(loaded[:, 8:].compute(), SAMPLES[:, 8:])
    assert np.isnan(loaded[0, 0].compute())


def test_what_is_selected_is_read_alone(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", SAMPLES)
    asked, whole = [], lazy.FileArray.__getitem__
    monkeypatch.setattr(lazy.FileArray, "__getitem__", lambda self, index: asked.append(index) or whole(self, index))
    loaded = load_activity(tmp_path / "x.npy", dims=("neuron", "time"))
    asked.clear()
    np.testing.assert_array_equal(loaded.isel(neuron=slice(1, 3), time=slice(5, 9)).values, SAMPLES[1:3, 5:9])
    assert sum(np.empty(SAMPLES.shape)[index].size for index in asked) == 8


def test_a_recording_travels_to_other_processes(tmp_path):
    np.save(tmp_path / "x.npy", SAMPLES)
    loaded = load_activity(tmp_path / "x.npy", dims=("neuron", "time"))
    there = pickle.loads(pickle.dumps(loaded))  # noqa: S301 - our own
    np.testing.assert_array_equal(there.values, SAMPLES)
    with dask.config.set(scheduler="processes", num_workers=1):
        np.testing.assert_array_equal(loaded.values, SAMPLES)


def test_later_versions_of_the_header_are_read(tmp_path):
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array(file, SAMPLES, version=(2, 0))
    np.testing.assert_array_equal(read_npy(tmp_path / "x.npy").values.compute(), SAMPLES)


def test_a_file_that_was_cut_off_says_how_much_is_missing(tmp_path):
    np.save(tmp_path / "x.npy", SAMPLES)
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-1])
    message = r"x\.npy: it holds 727 bytes, and its header declares 728 \(shape \(3, 50\) of float32\)\. It was cut off"
    with pytest.raises(UnreadableFile, match=message):
        read_npy(tmp_path / "x.npy")


def test_a_file_that_changes_or_goes_while_it_is_open(tmp_path):
    np.save(tmp_path / "x.npy", SAMPLES)
    loaded = read_npy(tmp_path / "x.npy").values
    np.save(tmp_path / "x.npy", SAMPLES[:, :40])
    with pytest.raises(UnreadableFile, match=r"x\.npy: it was changed after it was opened\. Open it again"):
        loaded.compute()
    (tmp_path / "x.npy").unlink()
    with pytest.raises(UnreadableFile, match=r"x\.npy: there is no such file"):
        loaded.compute()


@pytest.mark.parametrize("shape", ["(-1, 3)", "(3, -50)", "(10**19, 10**19)", "(2.5, 2)", "3"])
def test_shapes_that_cannot_be(tmp_path, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00" + header.encode() + SAMPLES.tobytes())
    with pytest.raises(NetxrError):
        load_activity(tmp_path / "x.npy", dims=("neuron", "time"))


def test_damaged_files_are_errors_of_ours(tmp_path):
    np.save(tmp_path / "whole.npy", SAMPLES)
    np.savez_compressed(tmp_path / "whole.npz", X=SAMPLES, A=SAMPLES[:, :3])
    (tmp_path / "whole.csv").write_text("time,a,b\n" + "".join(f"{k / 10},{k * k},{-k}\n" for k in range(20)))
    for name, in_file in (("whole.npy", None), ("whole.npz", "X"), ("whole.csv", None)):
        load = partial(load_activity, dims=TIME_NEURON, name=in_file)
        assert len(refusals(lambda file, load=load: load(file).compute(), tmp_path / name)) > 20


# --- npz ----------------------------------------------------------------------


def test_an_array_of_an_archive_is_native_and_in_memory(tmp_path):
    np.savez(tmp_path / "x.npz", big=SAMPLES.astype(">f4"), small=SAMPLES)
    values = read_npz(tmp_path / "x.npz", "big").values
    assert isinstance(values, np.ndarray)
    assert values.dtype == np.dtype("f4")
    assert values.dtype.isnative
    np.testing.assert_array_equal(values, SAMPLES)


def test_an_archive_is_checked_before_memory_is_taken(tmp_path):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }".ljust(117) + "\n"
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("X.npy", b"\x93NUMPY\x01\x00v\x00" + header.encode() + SAMPLES.tobytes())
    with pytest.raises(UnreadableFile, match="it holds 728 bytes, and its header declares 4000000000128"):
        read_npz(tmp_path / "x.npz")
    np.savez(tmp_path / "none.npz")
    with pytest.raises(InvalidInput, match=r"name: got None; expected one of none, as .*none\.npz has it"):
        read_npz(tmp_path / "none.npz")


# --- text ---------------------------------------------------------------------


@pytest.mark.parametrize("label", ["time", "Time"])
@pytest.mark.parametrize("column", [0, 1])
def test_a_column_of_times_gives_the_sampling_interval(tmp_path, label, column):
    header, rows = ["a", "b"], [[str(k), str(-k)] for k in range(4)]
    for k, cells in enumerate([header, *rows]):
        cells.insert(column, label if k == 0 else f"{0.3 + (k - 1) * 0.1:.1f}")
    (tmp_path / "x.csv").write_text("\n".join(",".join(cells) for cells in [header, *rows]))
    loaded = load_activity(tmp_path / "x.csv", dims=TIME_NEURON, units="mV")
    assert loaded.neuron.values.tolist() == ["a", "b"]
    assert loaded.values.tolist() == [[0, 1, 2, 3], [0, -1, -2, -3]]
    clock = {"sampling_interval": 0.1, "sampling_interval_units": "s", "start_time": 0.3}
    assert loaded.attrs == {**clock, "units": "mV"}
    np.testing.assert_allclose(loaded.time, [0.3, 0.4, 0.5, 0.6], rtol=1e-12)
    loaded = load_activity(tmp_path / "x.csv", dims=TIME_NEURON, interval_units="ms", sampling_interval=0.1)
    assert loaded.attrs["sampling_interval_units"] == "ms"
    with pytest.raises(
        InvalidInput, match=r"sampling_interval: got 0\.2; expected none, or 0\.1 as the column 'time' of"
    ):
        load_activity(tmp_path / "x.csv", dims=TIME_NEURON, sampling_interval=0.2)
    with pytest.raises(UnreadableFile, match=r"first line is no numbers \(.*; labels go only with"):
        load_activity(tmp_path / "x.csv", dims=("neuron", "time"))


@pytest.mark.parametrize(
    "times", [[0, 1, 2, 4, 5], [0, 1, 2, 2, 3], [0, 1, "", 3, 4], [4, 3, 2, 1, 0], [1, 1, 1, 1, 1]]
)
def test_times_that_are_not_even_are_refused_with_the_place(tmp_path, times):
    (tmp_path / "x.tsv").write_text("time\ta\n" + "".join(f"{t}\t1\n" for t in times))
    message = (
        r"x\.tsv: its column 'time' (is not even|descends): .* is followed by .*(resample to even|Sort the samples)"
    )
    with pytest.raises(UnreadableFile, match=message):
        load_activity(tmp_path / "x.tsv", dims=TIME_NEURON)


def test_a_table_of_times_alone_has_no_neurons(tmp_path):
    (tmp_path / "x.csv").write_text("time\n1\n2\n")
    with pytest.raises(InvalidInput, match="no entry along neuron"):
        load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    with pytest.raises(InvalidInput, match=r"name: got 'X'; expected none for a \.csv file"):
        read_text(tmp_path / "x.csv", "X")


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(tmp_path, version):
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array(file, SAMPLES, version=version)
    np.testing.assert_array_equal(read_npy(tmp_path / "x.npy").values.compute(), SAMPLES)


@pytest.mark.parametrize("label", ["timestamps", "t ()", "frame", "index", "Unnamed: 0", "sample"])
def test_a_column_that_looks_like_an_axis_is_no_neuron(tmp_path, label):
    for labels in (f"{label},a,b", f"a,b,{label}"):
        (tmp_path / "x.csv").write_text(f"{labels}\n1,2,3\n4,5,6\n")
        with pytest.raises(UnreadableFile, match=r"x\.csv: its column .* looks like an axis.*Call it time.*times="):
            load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    (tmp_path / "x.csv").write_text("timer,t,framework\n1,2,3\n4,5,6\n")
    assert load_activity(tmp_path / "x.csv", dims=TIME_NEURON).sizes["neuron"] == 3


TRACES = np.random.default_rng(1).normal(size=(300, 3)).round(6)
EVEN = np.arange(300) * 0.1


def table(file, clock, label, *, last=False, **options):
    """Write three traces and a clock beside them."""
    frame = pd.DataFrame(TRACES, columns=list("abc"))
    frame.insert(3 if last else 0, label, clock)
    frame.to_csv(file, index=False, **options)
    return file


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("label", "clock", "interval", "units"),
    [
        ("Time (s)", EVEN, 0.1, "s"),
        ("Elapsed time [s]", EVEN, 0.1, "s"),
        ("Time Stamp (ms)", EVEN * 333, 33.3, "ms"),
        ("time_ms", EVEN * 333, 33.3, "ms"),
        ("Time(s)/Cell Status", EVEN, 0.1, "s"),
        ("Seconds", EVEN, 0.1, "s"),
        ("t (min)", EVEN, 0.1, "min"),
        ("TIME", EVEN, 0.1, "s"),
        ("when", pd.date_range("2026-11-29 17:58", periods=300, freq="100ms").astype(str), 0.1, "s"),
        ("when", [f"0:00:{k / 10:04.1f}" if k < 600 else "" for k in range(300)], 0.1, "s"),
        ("Frame Number", np.arange(300), None, None),
        ("frame", np.arange(1, 301), None, None),
        ("", np.arange(300), None, None),
        ("Unnamed: 0", np.arange(300), None, None),
    ],
)
def test_a_clock_with_a_known_name_is_used(tmp_path, last, label, clock, interval, units):
    file = table(tmp_path / "x.csv", clock, label, last=last)
    loaded = load_activity(file, dims=TIME_NEURON)
    assert loaded.neuron.values.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(loaded.values, TRACES.T)
    assert loaded.attrs.get("sampling_interval") == (None if interval is None else pytest.approx(interval))
    assert loaded.attrs.get("sampling_interval_units") == units
    if interval is None:
        assert load_activity(file, dims=TIME_NEURON, sampling_interval=0.2).attrs["sampling_interval"] == 0.2
    if units == "ms":
        with pytest.raises(InvalidInput, match="interval_units: got 's'; expected none, or 'ms'"):
            load_activity(file, dims=TIME_NEURON, interval_units="s")


def test_an_interval_agrees_with_times_in_another_unit(tmp_path):
    file = table(tmp_path / "x.csv", EVEN * 200, "time_ms")
    alone = load_activity(file, dims=TIME_NEURON)
    for interval, units in ((0.02, "s"), (20_000, "us"), (20, "ms"), (20, None)):
        said = load_activity(file, dims=TIME_NEURON, sampling_interval=interval, interval_units=units)
        assert said.identical(alone)
    assert (alone.attrs["sampling_interval"], alone.attrs["sampling_interval_units"]) == (pytest.approx(20), "ms")
    with pytest.raises(InvalidInput, match=r"sampling_interval: got 0\.025 s; expected none, or 20 ms as the column"):
        load_activity(file, dims=TIME_NEURON, sampling_interval=0.025, interval_units="s")
    with pytest.raises(InvalidInput, match="interval_units: got 'frame'; expected none, or 'ms'"):
        load_activity(file, dims=TIME_NEURON, sampling_interval=20, interval_units="frame")


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("label", "clock"),
    [
        ("t", EVEN),
        ("Zeit", EVEN + 5),
        ("counter", np.arange(300) * 2),
        ("counter", np.arange(300)),
        ("clock", np.cumsum(np.random.default_rng(0).normal(0.1, 0.002, 300))),
        ("clock", np.delete(np.arange(310) * 0.1, range(50, 60))),
    ],
)
def test_a_clock_is_told_by_its_values(tmp_path, last, label, clock):
    file = table(tmp_path / "x.csv", clock, label, last=last)
    with pytest.raises(
        UnreadableFile, match=rf"x\.csv: its column '{label}' ascends evenly.*times='{label}'.*neurons="
    ):
        load_activity(file, dims=TIME_NEURON)
    all_neurons = load_activity(file, dims=TIME_NEURON, neurons=range(4))
    right = np.loadtxt(file, delimiter=",", skiprows=1)
    np.testing.assert_array_equal(all_neurons[3 if last else 0], right[:, 3 if last else 0])
    table(file, clock, label, last=last, header=False)
    place = "last" if last else "first"
    with pytest.raises(UnreadableFile, match=rf"its {place} column ascends evenly.*times={-1 if last else 0}"):
        load_activity(file, dims=TIME_NEURON)
    np.savetxt(file, np.loadtxt(file, delimiter=",").T, delimiter=",")
    with pytest.raises(UnreadableFile, match=rf"its {place} row ascends evenly"):
        load_activity(file, dims=("neuron", "time"))


@pytest.mark.parametrize("first", [0, 1, 1000])
@pytest.mark.parametrize("save", ["csv", "npy"])
def test_a_column_that_numbers_neurons_is_no_sample(tmp_path, save, first):
    file, values = tmp_path / f"x.{save}", np.column_stack([first + np.arange(3), TRACES.T])
    np.save(file, values) if save == "npy" else np.savetxt(file, values, delimiter=",")
    with pytest.raises(UnreadableFile, match=r"its first column counts, as numbers of neurons do.*neurons="):
        load_activity(file, dims=("neuron", "time"))
    whole = load_activity(file, dims=("neuron", "time"), neurons=["a", "b", "c"])
    np.testing.assert_array_equal(whole.values, values)


def test_counts_of_few_neurons_are_not_taken_for_their_numbers(tmp_path):
    counts = np.random.default_rng(0).poisson(2, (3, 300)).astype(float)
    counts[:, 0] = [0, 1, 2]
    np.save(tmp_path / "x.npy", counts)
    assert load_activity(tmp_path / "x.npy", dims=("neuron", "time")).sizes == {"neuron": 3, "time": 300}


@pytest.mark.parametrize("save", ["npy", "npz", "mat", "h5", "parquet"])
def test_a_clock_in_other_files_is_told_by_its_values_too(tmp_path, save):
    file, values = tmp_path / f"x.{save}", np.column_stack([EVEN, TRACES])
    if save == "npy":
        np.save(file, values)
    elif save == "npz":
        np.savez(file, values)
    elif save == "mat":
        scipy.io.savemat(file, {"X": values})
    elif save == "h5":
        with pytest.importorskip("h5py").File(file, "w") as opened:
            opened["X"] = values
    else:
        pytest.importorskip("pyarrow")
        pd.DataFrame(values, columns=["Zeit", "a", "b", "c"]).to_parquet(file)
    with pytest.raises(UnreadableFile, match=r"its .*column.* ascends evenly"):
        load_activity(file, dims=TIME_NEURON)
    loaded = load_activity(file, dims=TIME_NEURON, times=0)
    np.testing.assert_array_equal(loaded.values, TRACES.T)
    assert loaded.attrs["sampling_interval"] == 0.1
    assert load_activity(file, dims=TIME_NEURON, neurons=range(4)).sizes["neuron"] == 4


def test_the_caller_says_which_column_is_the_clock(tmp_path):
    file = table(tmp_path / "x.csv", EVEN, "t")
    loaded = load_activity(file, dims=TIME_NEURON, times="t", interval_units="min")
    np.testing.assert_array_equal(loaded.values, TRACES.T)
    assert loaded.attrs == {"sampling_interval": 0.1, "sampling_interval_units": "min", "start_time": 0.0}
    table(file, np.arange(300), "counter")
    loaded = load_activity(file, dims=TIME_NEURON, times="counter", sampling_interval=0.05)
    assert (loaded.shape, loaded.attrs["sampling_interval"]) == ((3, 300), 0.05)
    for wrong in ("Zeit", 9, True):
        with pytest.raises(InvalidInput, match=r"times: got .*expected a column of .*x\.csv: counter, a, b, c"):
            load_activity(file, dims=TIME_NEURON, times=wrong)
    with pytest.raises(InvalidInput, match="times: got 'counter'; expected none, unless dims="):
        load_activity(file, dims=("neuron", "time"), times="counter")
    done = CliRunner().invoke(
        main, ["import", str(file), str(tmp_path / "x.zarr"), "--dims", "time,neuron", "--option", "times=counter"]
    )
    assert done.exit_code == 0, done.output


def test_ramps_throughout_are_no_clock(tmp_path):
    ramps = np.arange(60.0).reshape(20, 3)
    for dims in (TIME_NEURON, ("neuron", "time")):
        np.savetxt(tmp_path / "x.csv", ramps, delimiter=",")
        np.testing.assert_array_equal(load_activity(tmp_path / "x.csv", dims=dims).transpose(*dims), ramps)


def test_names_that_are_numbers(tmp_path):
    frame = pd.DataFrame(TRACES, columns=[3, 7, 12])
    frame.to_csv(tmp_path / "x.csv")
    loaded = load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    assert loaded.neuron.values.tolist() == [3, 7, 12]
    np.testing.assert_array_equal(loaded.values, TRACES.T)
    frame.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(
        InvalidInput, match=r"header: got none for .*True if its first line names the neurons, False if"
    ):
        load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    loaded = load_activity(tmp_path / "x.csv", dims=TIME_NEURON, header=True)
    assert loaded.neuron.values.tolist() == [3, 7, 12]
    assert load_activity(tmp_path / "x.csv", dims=TIME_NEURON, header=False).shape == (3, 301)
    frame.set_axis(pd.Index(EVEN, name="time")).to_csv(tmp_path / "x.csv")
    loaded = load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    assert loaded.neuron.values.tolist() == [3, 7, 12]
    assert loaded.attrs["sampling_interval"] == 0.1


@pytest.mark.parametrize("corner", ["", "neuron", "Cell"])
@pytest.mark.parametrize("names", [["a", "b", "c"], [3, 7, 12]])
def test_a_neuron_a_row_with_its_name_first(tmp_path, corner, names):
    dims = ("neuron", "time")
    frame = pd.DataFrame(TRACES.T, index=pd.Index(names, name=corner))
    frame.to_csv(tmp_path / "x.csv")
    loaded = load_activity(tmp_path / "x.csv", dims=dims)
    assert loaded.neuron.values.tolist() == names
    np.testing.assert_array_equal(loaded.values, TRACES.T)
    assert "sampling_interval" not in loaded.attrs
    frame.set_axis(EVEN.round(1), axis=1).to_csv(tmp_path / "x.csv")
    loaded = load_activity(tmp_path / "x.csv", dims=dims)
    assert (loaded.neuron.values.tolist(), loaded.attrs.get("sampling_interval")) == (names, 0.1)
    if names[0] == "a":
        frame.to_csv(tmp_path / "x.csv", header=False)
        loaded = load_activity(tmp_path / "x.csv", dims=dims)
        assert loaded.neuron.values.tolist() == names
        np.testing.assert_array_equal(loaded.values, TRACES.T)
        with pytest.raises(UnreadableFile, match=r"its column 1 holds words \('a'\), not samples"):
            load_activity(tmp_path / "x.csv", dims=TIME_NEURON)


def test_two_lines_of_labels(tmp_path):
    lines = [" , C000, C001, C002", "Time(s)/Cell Status, accepted, undecided, rejected"]
    rows = [", ".join(map(str, row)) for row in np.column_stack([EVEN.round(1), TRACES])]
    (tmp_path / "x.csv").write_text("\n".join(lines + rows))
    loaded = load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    np.testing.assert_array_equal(loaded.values, TRACES.T)
    assert loaded.neuron.values.tolist() == ["C000", "C001", "C002"]
    assert loaded.state.values.tolist() == ["accepted", "undecided", "rejected"]
    assert loaded.attrs["sampling_interval"] == 0.1


@pytest.mark.parametrize(
    ("units", "attrs", "each"),
    [
        ("ms,mV,mV,mV", {"sampling_interval_units": "ms", "units": "mV"}, None),
        ("(sec),[mV],[mV],[mV]", {"sampling_interval_units": "s", "units": "mV"}, None),
        ("ms,mV,uV,mV", {"sampling_interval_units": "ms"}, ["mV", "uV", "mV"]),
    ],
)
def test_a_second_line_of_units_is_one(tmp_path, units, attrs, each):
    rows = [",".join(map(str, row)) for row in np.column_stack([np.arange(len(TRACES)) * 20, TRACES])]
    (tmp_path / "x.csv").write_text("\n".join(["time,a,b,c", units, *rows]))
    loaded = load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    np.testing.assert_array_equal(loaded.values, TRACES.T)
    assert loaded.attrs == {"sampling_interval": 20.0, "start_time": 0.0} | attrs
    assert "state" not in loaded.coords
    assert (loaded.coords["units"].values.tolist() if each else None) == each


@pytest.mark.parametrize("label", ["time_ms", "timestamp", "Time Stamp (ms)", "frame"])
def test_a_clock_between_neurons_is_no_neuron(tmp_path, label):
    frame = pd.DataFrame({"a": TRACES[:, 0], label: np.arange(len(TRACES)) * 0.5, "b": TRACES[:, 1]})
    frame.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(UnreadableFile, match=re.escape(f"its column {label!r} looks like an axis, not like a neuron")):
        load_activity(tmp_path / "x.csv", dims=TIME_NEURON)
    asked = load_activity(tmp_path / "x.csv", dims=TIME_NEURON, times=label)
    assert asked.neuron.values.tolist() == ["a", "b"]
    assert asked.attrs["sampling_interval"] == 0.5
    named = load_activity(tmp_path / "x.csv", dims=TIME_NEURON, neurons=["a", "t", "b"])
    np.testing.assert_array_equal(named.sel(neuron="t"), np.arange(len(TRACES)) * 0.5)


def test_labels_that_do_not_fit_the_columns_are_told_with_the_file(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("a,a,b\n1,2,3\n")
    with pytest.raises(UnreadableFile, match=r"x\.csv: its columns 1 and 2 are all called 'a'.*neurons="):
        load_activity(file, dims=TIME_NEURON)
    assert load_activity(file, dims=TIME_NEURON, neurons=[1, 2, 3]).sizes["neuron"] == 3
    file.write_text("a,b\n1,2,3\n4,5,6\n")
    with pytest.raises(UnreadableFile, match=r"x\.csv: its first line has 2 labels, the rows have 3 cells"):
        load_activity(file, dims=TIME_NEURON)
    file.write_bytes("é,b\n1,2\n".encode("latin-1"))
    with pytest.raises(UnreadableFile, match=r"x\.csv: byte 0, in line 1, is no text in UTF-8\. Save it as text"):
        load_activity(file, dims=TIME_NEURON)
