import getpass
import json
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.storage import MemoryStore

import netxr
from netxr import names as n
from netxr.errors import InvalidInput, OutputExists, UnreadableFile
from netxr.schema.clock import CLOCK, in_step, with_axis
from netxr.schema.provenance import CURRENT_SCHEMA
from netxr.store.dataset import open as open_store
from netxr.store.dataset import save
from netxr.store.layout import encoding as encoding_of
from netxr.store.layout import plain_attributes, steps_per_chunk
from netxr.store.metadata import DOCUMENT
from netxr.store.writing import streamed_variable
from tests.runs import contents, names, nothing_computes
from tests.store.origins import ORIGIN
from tests.store.stores import edit

ADDED = (n.SCHEMA_VERSION, n.NETXR_VERSION, n.NUMPY_VERSION, *ORIGIN)


def a_run(*, n_neurons=3, n_steps=7, trials=2, dtype="float32", lazy=False):
    rng = np.random.default_rng(0)
    labels = np.array([f"nérve {k}" for k in range(n_neurons)], dtype=object)
    samples = rng.normal(size=(n_neurons, n_steps, trials)).astype(dtype)
    samples[0, 0] = np.nan
    samples[1, 1] = 0
    run = xr.Dataset(
        {
            "activity": (
                ("neuron", "time", "trial"),
                da.from_array(samples, chunks=(2, 3, 2)) if lazy else samples,
                {"units": "mV", "sampling_interval": 0.5},
            ),
            "connectivity": (("target", "source"), rng.normal(size=(n_neurons, n_neurons))),
            "lagged_correlation": (
                ("lag", "trial", "target", "source"),
                rng.random((2, trials, n_neurons, n_neurons), dtype=np.float32),
            ),
            "count": ("lag", np.array([6, 5])),
            "pearson": ((), 0.25),
        },
        coords={
            "neuron": labels,
            "target": labels,
            "source": labels,
            "lag": [1, 2],
            "trial": np.arange(trials),
            "group": ("neuron", np.arange(n_neurons) - 1),
            "area": ("neuron", np.array(["V1", "", "V2"] * n_neurons, dtype=object)[:n_neurons]),
        },
        attrs={"model": "sigmoid", "seed": 42, "nested": {"a": [1, 2.5, None, True]}, "undefined": float("nan")},
    )
    return with_axis(run)


def without_added(dataset):
    """A dataset without what saving adds: where it comes from, and the clock of its activity."""
    bare = dataset.copy()
    bare.attrs = {name: value for name, value in dataset.attrs.items() if name not in {*ADDED, *CLOCK}}
    return bare


def assert_same(opened, saved):
    saved = in_step(saved)  # attributes of a part say when the part begins, and how far apart its samples are
    xr.testing.assert_identical(without_added(opened), without_added(saved))
    for name, variable in saved.variables.items():
        assert opened[name].dtype == variable.dtype, name
        assert opened[name].dims == variable.dims, name


# --- round trips --------------------------------------------------------------


@pytest.mark.parametrize("lazy", [False, True])
def test_a_run_comes_back_as_it_was_saved(tmp_path, lazy):
    run = a_run(lazy=lazy)
    save(run, tmp_path / "run.zarr")
    opened = open_store(tmp_path / "run.zarr")
    assert_same(opened, run)
    assert {name: opened.attrs[name] for name in ADDED} == {
        n.SCHEMA_VERSION: CURRENT_SCHEMA,
        n.NETXR_VERSION: opened.attrs[n.NETXR_VERSION],
        n.NUMPY_VERSION: np.__version__,
        n.CREATED: opened.attrs[n.CREATED],
        n.CREATED_BY: getpass.getuser(),
        n.HISTORY: f"{opened.attrs[n.CREATED]} {getpass.getuser()}: netxr {opened.attrs[n.NETXR_VERSION]} save",
    }
    assert datetime.now(UTC) - datetime.fromisoformat(opened.attrs[n.CREATED]) < timedelta(minutes=10)
    assert names(tmp_path) == ["run.zarr"]


def test_saved_again_and_again_it_is_the_same(tmp_path):
    save(a_run(), tmp_path / "1.zarr")
    save(open_store(tmp_path / "1.zarr"), tmp_path / "2.zarr")
    save(open_store(tmp_path / "2.zarr").chunk(time=2, neuron=1), tmp_path / "3.zarr")
    save(open_store(tmp_path / "3.zarr").isel(time=slice(1, 6), neuron=[2, 0]), tmp_path / "4.zarr")
    for k in (1, 2, 3):  # the names of the commits differ
        edit(tmp_path / f"{k}.zarr" / "zarr.json", consolidated_metadata=None)
    assert contents(tmp_path / "1.zarr") == contents(tmp_path / "2.zarr") == contents(tmp_path / "3.zarr")
    assert_same(open_store(tmp_path / "4.zarr"), a_run().isel(time=slice(1, 6), neuron=[2, 0]))


def test_an_opened_foreign_store_with_scaled_integers_saves_as_what_it_reads(tmp_path):
    run = xr.Dataset({"activity": (("neuron", "time"), np.linspace(0, 1, 12).reshape(3, 4))})
    packed = {"dtype": "uint16", "scale_factor": 1 / 65535, "add_offset": 0.0, "_FillValue": 65535, "chunks": (2, 2)}
    run.to_zarr(tmp_path / "packed.zarr", consolidated=False, zarr_format=3, encoding={"activity": packed})
    opened = open_store(tmp_path / "packed.zarr")
    save(opened, tmp_path / "plain.zarr")
    assert_same(open_store(tmp_path / "plain.zarr"), opened)


@pytest.mark.parametrize("part", [slice(None), slice(3, None), slice(1, None, 2)])
def test_times_come_back_of_which_start_and_interval_are_stored(tmp_path, part):
    run = a_run(n_steps=20).isel(time=part)
    run.time.attrs["long_name"] = "time since the tone"
    save(run, tmp_path / "run.zarr")
    opened = open_store(tmp_path / "run.zarr")
    assert_same(opened, run)
    assert isinstance(opened.xindexes["time"], xr.indexes.RangeIndex)
    assert "time" not in names(tmp_path / "run.zarr")
    again = tmp_path / "again.zarr"
    save(opened, again)
    xr.testing.assert_identical(open_store(again), opened)


def test_times_that_are_not_even_are_stored_one_by_one(tmp_path):
    run = a_run().isel(time=[0, 1, 4])
    save(run, tmp_path / "run.zarr")
    assert_same(open_store(tmp_path / "run.zarr"), run)
    assert "time" in names(tmp_path / "run.zarr")


def test_plain_xarray_reads_a_run(tmp_path):
    run = a_run()
    save(run, tmp_path / "run.zarr")
    with xr.open_zarr(tmp_path / "run.zarr", consolidated=False) as opened:
        for name in run.data_vars:
            np.testing.assert_array_equal(opened[name].values, run[name].values)
            assert opened[name].attrs == run[name].attrs
        for name in opened.coords:
            assert opened[name].values.tolist() == run[name].values.tolist()
        assert set(opened.coords) == set(run.coords) - {"time"}
        assert json.loads(opened.time_axis) == {"start": 0, "interval": 0.5, "attrs": {"units": "s"}}


@given(
    dtype=st.sampled_from(["bool", "int8", "uint16", "int64", "float16", "float32", "float64", "complex64"]),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 3)),
    labels=st.one_of(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), min_size=4, max_size=4, unique=True),
        st.lists(st.integers(-(2**63), 2**63 - 1), min_size=4, max_size=4, unique=True),
    ),
    chunks=st.one_of(st.none(), st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 3))),
    data=st.data(),
)
def test_any_shape_dtype_label_and_chunking_comes_back(tmp_path_factory, dtype, shape, labels, chunks, data):
    values = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 3, size=shape).astype(dtype)
    if np.dtype(dtype).kind == "f":
        values.flat[0] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 0.0]))
    if isinstance(labels[0], str):
        labels = np.array(labels, dtype=object)
    run = xr.Dataset(
        {"activity": (("neuron", "time", "trial"), values if chunks is None else da.from_array(values, chunks=chunks))},
        coords={"neuron": labels[: shape[0]]},
    )
    path = tmp_path_factory.mktemp("any") / "run.zarr"
    save(run, path)
    opened = open_store(path)
    assert_same(opened, run)
    assert opened.activity.values.tobytes() == values.tobytes()


def test_fixed_width_text_comes_back_as_python_strings(tmp_path):
    run = xr.Dataset({"kind": ("neuron", np.array(["excitatory", "in"]))}, coords={"neuron": np.array(["a", "bb"])})
    save(run, tmp_path / "run.zarr")
    opened = open_store(tmp_path / "run.zarr")
    for name in ("kind", "neuron"):
        assert opened[name].dtype == object
        assert opened[name].values.tolist() == run[name].values.tolist()
        assert type(opened[name].values[0]) is str
    assert opened.sel(neuron="bb").kind.item() == "in"


def test_dates_durations_and_empty_dims_come_back(tmp_path):
    run = xr.Dataset(
        {
            "start": ("trial", np.array(["2024-01-01T10:00", "2025-06-01"], "datetime64[ns]")),
            "none": ("x", np.zeros(0)),
        },
        coords={"length": ("trial", np.array([1, 2], "timedelta64[s]").astype("timedelta64[ns]"))},
    )
    save(run, tmp_path / "run.zarr")
    assert_same(open_store(tmp_path / "run.zarr"), run)


def test_attributes_of_numpy_come_back_as_pythons(tmp_path):
    attrs = {"a": np.float32(0.5), "b": np.arange(3), "c": (1, 2), "d": {"e": np.bool_(True)}, "f": np.str_("x")}
    save(xr.Dataset({"x": ((), 1.0, attrs)}, attrs=attrs), tmp_path / "run.zarr")
    opened = open_store(tmp_path / "run.zarr")
    expected = {"a": 0.5, "b": [0, 1, 2], "c": [1, 2], "d": {"e": True}, "f": "x"}
    assert opened.x.attrs == expected
    assert {name: opened.attrs[name] for name in expected} == expected


def test_known_provenance_is_kept_and_the_layout_is_that_of_the_writer(tmp_path):
    save(xr.Dataset(attrs={n.NUMPY_VERSION: "1.0", n.SCHEMA_VERSION: 0}), tmp_path / "run.zarr")
    attrs = open_store(tmp_path / "run.zarr").attrs
    assert attrs[n.NUMPY_VERSION] == "1.0"
    assert attrs[n.SCHEMA_VERSION] == CURRENT_SCHEMA


def test_saving_leaves_the_dataset_as_it_was(tmp_path):
    run = a_run(lazy=True)
    run["activity"] = run.activity.transpose("trial", ...)
    run.activity.encoding = {"chunks": (1, 1, 1), "dtype": "int8", "scale_factor": 3}
    before, encoding, chunks = run.copy(deep=True), dict(run.activity.encoding), run.activity.chunks
    save(run, tmp_path / "run.zarr")
    xr.testing.assert_identical(run, before)
    assert run.activity.encoding == encoding
    assert run.activity.chunks == chunks
    assert_same(open_store(tmp_path / "run.zarr"), a_run())


# --- layout and laziness ------------------------------------------------------


def layout(path, name):
    meta = json.loads((path / name / "zarr.json").read_text())
    return tuple(meta["chunk_grid"]["configuration"]["chunk_shape"]), meta


def test_layout_of_activity_and_matrices(tmp_path):
    run = a_run(n_neurons=100, n_steps=20_000, trials=2, dtype="float64")
    save(run.transpose("trial", "source", "time", ...), tmp_path / "run.zarr")
    chunk, meta = layout(tmp_path / "run.zarr", "activity")
    assert chunk == (100, 8192, 1)
    assert meta["dimension_names"] == ["neuron", "time", "trial"]
    codec, checksum = meta["codecs"][-2:]
    assert (codec["name"], checksum["name"]) == ("blosc", "crc32c")
    assert {name: codec["configuration"][name] for name in ("cname", "clevel", "shuffle", "typesize")} == {
        "cname": "lz4",
        "clevel": 5,
        "shuffle": "bitshuffle",
        "typesize": 8,
    }
    assert layout(tmp_path / "run.zarr", "connectivity")[1]["dimension_names"] == ["target", "source"]
    chunk, meta = layout(tmp_path / "run.zarr", "lagged_correlation")
    assert chunk == (1, 1, 100, 100)
    assert meta["dimension_names"] == ["trial", "lag", "target", "source"]
    assert layout(tmp_path / "run.zarr", "neuron")[1]["data_type"] == "string"


def test_a_large_matrix_is_cut_along_its_rows():
    matrix = xr.Variable(("target", "source"), da.zeros((20_000, 20_000)))
    assert encoding_of(matrix)["chunks"] == (625, 20_000)


@given(n_neurons=st.integers(1, 10**8), dtype=st.sampled_from(["float32", "float64", "uint8"]))
def test_a_chunk_is_a_power_of_two_of_samples_and_about_5_mb(n_neurons, dtype):
    steps = steps_per_chunk(n_neurons, dtype)
    size = steps * n_neurons * np.dtype(dtype).itemsize
    assert steps >= 1
    assert steps & (steps - 1) == 0
    assert steps == 1 or 3.4e6 < size < 7.2e6


def test_opening_reads_no_sample_and_dask_chunks_are_stored_chunks(tmp_path):
    run = a_run(n_neurons=100, n_steps=20_000, trials=2, dtype="float64")
    save(run, tmp_path / "run.zarr")
    for chunk in (tmp_path / "run.zarr" / "activity" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"damaged")
    with nothing_computes():
        opened = open_store(tmp_path / "run.zarr")
        assert opened.activity.chunks == ((100,), (8192, 8192, 3616), (1, 1))
        assert opened.lagged_correlation.chunks == ((1, 1), (1, 1), (100,), (100,))
        assert opened.group.chunks is None
        assert opened.area.values.tolist() == run.area.values.tolist()


def test_a_lazy_recording_is_written_block_by_block(tmp_path):
    seen = []

    def block(block_info):
        location = block_info[None]["array-location"]
        shape = tuple(stop - start for start, stop in location)
        seen.append(shape)
        return np.full(shape, location[1][0], dtype="float32")

    # dask finds out the dtype of a block function by a call of its own unless it is given.
    samples = da.map_blocks(
        block, chunks=((4,), (10,) * 5, (1, 1)), dtype="float32", meta=np.empty((0, 0, 0), "float32")
    )
    with nothing_computes():
        run = xr.Dataset({"activity": (("neuron", "time", "trial"), samples)})
    save(run, tmp_path / "run.zarr")
    assert sorted(seen) == [(4, 10, 1)] * 10
    starts = np.repeat(np.arange(0, 50, 10), 10)
    np.testing.assert_array_equal(open_store(tmp_path / "run.zarr").activity.values[0, :, 1], starts)


def test_the_callers_scheduler_computes(tmp_path):
    with nothing_computes(), pytest.raises(AssertionError, match="something was computed"):
        save(a_run(lazy=True), tmp_path / "run.zarr")
    assert names(tmp_path) == []
    with dask.config.set(scheduler="synchronous"):
        save(a_run(lazy=True), tmp_path / "run.zarr")
    assert_same(open_store(tmp_path / "run.zarr"), a_run())


# --- whole or not at all ------------------------------------------------------


@pytest.mark.parametrize("occupant", ["folder", "full folder", "file", "link to nowhere", "store"])
def test_what_stands_at_the_path_is_left_as_it_is(tmp_path, occupant):
    path = tmp_path / "run.zarr"
    if occupant == "file":
        path.write_text("mine")
    elif occupant == "link to nowhere":
        path.symlink_to(tmp_path / "nowhere")
    elif occupant == "store":
        save(a_run(n_steps=3), path)
    else:
        path.mkdir()
    if occupant == "full folder":
        (path / "notes").write_text("mine")
    before = contents(tmp_path)
    never = da.map_blocks(lambda: pytest.fail("worked before looking"), chunks=((2,), (2,)), meta=np.empty((0, 0)))
    with pytest.raises(OutputExists, match=r"run\.zarr exists and is left as it is"):
        save(xr.Dataset({"activity": (("neuron", "time"), never)}), path)
    with pytest.raises(OutputExists), streamed(path):
        pytest.fail("worked before looking")
    assert contents(tmp_path) == before
    assert names(tmp_path) == ["run.zarr"]


def test_a_path_taken_while_writing_is_left_as_it_is(tmp_path):
    with pytest.raises(OutputExists), streamed(tmp_path / "run.zarr"):
        (tmp_path / "run.zarr").mkdir()
    assert list(tmp_path.rglob("*")) == [tmp_path / "run.zarr"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_while_computing_leaves_nothing(tmp_path, error):
    def block(block_id):
        if block_id == (0, 3):
            raise error("in the middle")
        return np.zeros((2, 5))

    samples = da.map_blocks(block, chunks=((2,), (5,) * 6), meta=np.empty((0, 0)))
    with pytest.raises(error, match="in the middle"):
        save(xr.Dataset({"activity": (("neuron", "time"), samples)}), tmp_path / "run.zarr")
    assert names(tmp_path) == []


def test_a_missing_parent_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"store: got .*a place in a folder that exists.*Make .*not-there"):
        save(a_run(), tmp_path / "not-there" / "run.zarr")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (a_run().activity, r"dataset: got a DataArray; expected a Dataset.*\.to_dataset\(name='activity'\)"),
        (np.zeros(3), "dataset: got ndarray; expected a Dataset"),
        (xr.Dataset(attrs={"when": np.datetime64("2024-01-01")}), "attrs: got 'when' = .*what JSON holds"),
        (xr.Dataset(attrs={"where": Path("x")}), "attrs: got 'where' = "),
        (xr.Dataset(attrs={3: "x"}), "attrs: got the name 3"),
        (xr.Dataset({"x": ((), 1.0, {"z": 1j})}), "attrs of x: got 'z' = 1j"),
        (xr.Dataset({"x": ((), 1.0, {"missing_value": 0.0})}), "attrs of x: got the name 'missing_value'"),
        (xr.Dataset({"x": ("y", np.array(["a", None], dtype=object))}), "x: got (nan|None) among entries of dtype obj"),
        (xr.Dataset({"x": ("y", np.array([b"a"]))}), r"x: got dtype \|S1; expected numbers, dates or text"),
        (xr.Dataset({"x": ("y", np.zeros(2, "longdouble"))}), r"x: got dtype \w+; .*\.astype\(float\)"),
        (xr.Dataset({"x": ("y", pd.array([1, None], dtype="Int64"))}), "x: got dtype Int64"),
        (
            xr.Dataset({"x": ("y", da.arange(9, chunks=3)[da.arange(9, chunks=3) > 4])}),
            "x: got chunks of unknown length",
        ),
        (xr.Dataset(attrs={"deep": reduce(lambda inner, _: [inner], range(3000), 1)}), "attrs: got 'deep' = "),
        *((xr.Dataset({name: ((), 1.0)}), "a variable named") for name in ("zarr.json", "a\0b", "x" * 300)),
        *(
            (
                xr.Dataset({"x": ("y", np.ones(3, dtype=dtype), attrs)}),
                f"attrs of x: got .*{next(iter(attrs))}.*decode",
            )
            for dtype in ("i4", "f8", "bool")
            for attrs in (
                {"units": "days since 2000-01-01"},
                {"units": "seconds since start"},
                {"dtype": "bool"},
                {"_Unsigned": "true"},
            )
        ),
        (xr.Dataset({"..": ((), 1.0)}), r"a variable named '\.\.'"),
        (xr.Dataset({5: ((), 1.0)}), "a variable named 5"),
        (a_run().stack(both=["target", "source"]), "both: got .*reset_index"),
    ],
)
def test_what_has_no_place_in_a_store_is_named_before_writing(tmp_path, monkeypatch, dataset, message):
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waited for blocks that nobody writes"))
    with pytest.raises(InvalidInput, match=message):
        save(dataset, tmp_path / "run.zarr")
    assert names(tmp_path) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(attrs=st.dictionaries(st.text(max_size=5).map("a{}".format), json_values, max_size=3))
def test_any_attributes_of_json_stay_as_they_are(attrs):
    assert plain_attributes(attrs, "attrs") == attrs


# --- what cannot be opened ----------------------------------------------------


def test_what_is_not_a_store_is_said_with_what_is_there(tmp_path):
    save(a_run(), tmp_path / "run.zarr")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFile, match=r"runn: there is no such file or folder\. Stores in .*: run\.zarr\."):
        open_store(tmp_path / "runn")
    with pytest.raises(UnreadableFile, match=r"no such file or folder\. There is no folder .*nowhere either"):
        open_store(tmp_path / "nowhere" / "run.zarr")
    with pytest.raises(UnreadableFile, match=r"notes\.txt: a file, not the folder of a store"):
        open_store(tmp_path / "notes.txt")
    with pytest.raises(UnreadableFile, match=r"a folder, but no Zarr group\. Stores in .*: run\.zarr"):
        open_store(tmp_path)
    with pytest.raises(UnreadableFile, match=r"no Zarr group\. There is no store in .*empty\."):
        open_store(tmp_path / "empty")
    with pytest.raises(UnreadableFile, match=r"not a readable Zarr group|its metadata are damaged"):
        open_store(tmp_path / "run.zarr" / "activity")


def test_a_store_of_a_later_release_says_to_upgrade(tmp_path):
    save(a_run(), tmp_path / "run.zarr")
    zarr.open_group(tmp_path / "run.zarr", mode="r+").attrs[n.SCHEMA_VERSION] = CURRENT_SCHEMA + 1
    with pytest.raises(UnreadableFile, match=f"version {CURRENT_SCHEMA + 1} of the layout.*Upgrade netxr"):
        open_store(tmp_path / "run.zarr")


@pytest.mark.parametrize("file", ["zarr.json", "activity/zarr.json", "neuron/zarr.json", "neuron/c/0"])
@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_damaged_store_is_an_error_of_ours(tmp_path, file, damage):
    save(a_run(), tmp_path / "run.zarr")
    edit(tmp_path / "run.zarr" / "zarr.json", consolidated_metadata=None)  # else the copy of a document counts
    victim = tmp_path / "run.zarr" / file
    victim.write_bytes(victim.read_bytes()[:9] if damage == "cut" else b'{"zarr_format": 9}')
    with pytest.raises(UnreadableFile, match=r"not a readable Zarr group|its metadata are damaged"):
        open_store(tmp_path / "run.zarr")


def test_a_store_of_another_program_opens(tmp_path):
    foreign = xr.Dataset({"activity": (("neuron", "time"), np.eye(3))}, coords={"neuron": ["a", "b", "c"]})
    foreign.to_zarr(tmp_path / "v2.zarr", zarr_format=2, consolidated=False)
    opened = open_store(tmp_path / "v2.zarr")
    np.testing.assert_array_equal(opened.activity.values, np.eye(3))
    assert opened.neuron.values.tolist() == ["a", "b", "c"]


# --- streamed activity --------------------------------------------------------


@contextmanager
def streamed(path, *, n_steps=10, trials=2, rest=None, attrs=None):
    rest = a_run().drop_dims("lag").drop_vars("activity") if rest is None else rest
    sizes, chunks = {"neuron": 3, "time": n_steps, "trial": trials}, {"neuron": 3, "time": 4, "trial": 1}
    with streamed_variable(
        path, rest, name="activity", sizes=sizes, chunks=chunks, dtype=np.dtype("float32"), attrs=attrs or {}
    ) as (array, _):
        yield array


def test_a_streamed_run_is_the_run_saved_at_once(tmp_path):
    rest, samples = (
        a_run().drop_vars(["activity", "time", "lagged_correlation", "count", "lag"]),
        a_run(n_steps=10).activity,
    )
    with streamed(
        tmp_path / "streamed.zarr", rest=rest, attrs={"units": "mV", "sampling_interval": np.float64(0.5)}
    ) as array:
        assert isinstance(array, zarr.Array)
        assert names(tmp_path)[0].startswith(".staging-")
        for trial in range(2):
            for start in range(0, 10, 4):
                array[:, start : start + 4, trial] = samples.values[:, start : start + 4, trial]
    assert names(tmp_path) == ["streamed.zarr"]
    save(rest.assign(activity=samples), tmp_path / "saved.zarr")
    opened = open_store(tmp_path / "streamed.zarr")
    xr.testing.assert_identical(*map(without_added, (opened, open_store(tmp_path / "saved.zarr"))))
    assert opened.activity.chunks == ((3,), (4, 4, 2), (1, 1))
    streamed_meta, saved_meta = (layout(tmp_path / name, "activity")[1] for name in ("streamed.zarr", "saved.zarr"))
    for key in ("codecs", "fill_value", "data_type", "dimension_names"):
        assert streamed_meta[key] == saved_meta[key]


def test_a_chunk_never_written_is_an_error(tmp_path):
    with streamed(tmp_path / "run.zarr") as array:
        array[:, :4, 0] = 0
    activity = open_store(tmp_path / "run.zarr").activity
    assert (activity[:, :4, 0].values == 0).all()
    with pytest.raises(UnreadableFile, match=r"chunk activity/c/0/[12]/0 is missing. Put it back"):
        activity[:, 4:, 0].compute()


def test_giving_up_as_soon_as_the_hidden_folder_is_there_leaves_nothing(tmp_path, monkeypatch):
    mkdir = Path.mkdir

    def made(folder, *args, **options):
        mkdir(folder, *args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", made)
    with pytest.raises(KeyboardInterrupt):
        netxr.save(a_run(), tmp_path / "run.zarr")
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_stream_that_breaks_leaves_nothing(tmp_path, error):
    def stream():
        with streamed(tmp_path / "run.zarr") as array:
            array[:, :4, 0] = 1
            raise error("enough")

    with pytest.raises(error, match="enough"):
        stream()
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "rest",
    [
        a_run(n_neurons=4).drop_vars("activity"),
        a_run(trials=3).drop_vars("activity"),
        a_run().drop_vars(["activity", "time"]).assign(stimulus=("time", np.zeros(9))),
    ],
)
def test_a_stream_that_does_not_fit_its_labels_is_refused(tmp_path, rest):
    with (
        pytest.raises(InvalidInput, match=r"dataset: got dims .*expected dims that fit"),
        streamed(tmp_path / "run.zarr", rest=rest),
    ):
        pytest.fail("not refused")
    assert names(tmp_path) == []


def test_an_unfinished_stream_cannot_be_opened(tmp_path):
    with streamed(tmp_path / "run.zarr"):
        (staging,) = tmp_path.iterdir()
        with pytest.raises(UnreadableFile, match="a write that has not ended, or was cut off"):
            open_store(staging)
        with pytest.raises(UnreadableFile, match=r"no such file or folder\. There is no store in"):
            open_store(tmp_path / "run.zarr")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["lazy", "streamed", "in memory"])
def test_ctrl_c_leaves_nothing(tmp_path, way):
    script = """
        import sys
        import dask.array as da, numpy as np, xarray as xr
        from netxr.store.writing import streamed_variable
        from netxr.store.dataset import save

        path, way = sys.argv[1:]
        samples = da.zeros((100, 4_000_000), chunks=(100, 8192)) if way == "lazy" else np.random.rand(100, 400_000)
        run = xr.Dataset({"activity": (("neuron", "time"), samples)}, coords={"neuron": np.arange(100)})
        if way != "streamed":
            save(run, path)
        sizes, chunks = {"neuron": 100, "time": 400_000, "trial": 9}, {"neuron": 100, "time": 8192, "trial": 1}
        options = {"sizes": sizes, "chunks": chunks, "dtype": np.dtype(float), "attrs": {}}
        with streamed_variable(path, run[["neuron"]], name="activity", **options) as (array, _):
            for block in range(9 * 48):
                trial, start = block // 48, block % 48 * 8192
                array[:, start : start + 8192, trial] = samples[:, start : start + 8192]
    """
    with (tmp_path / "errors").open("w+") as errors:
        command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "run.zarr"), way]
        process = subprocess.Popen(command, stderr=errors)  # noqa: S603 - runs this very interpreter
        while process.poll() is None and not any(tmp_path.glob(".staging-*/activity/c/0/*")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    assert "KeyboardInterrupt" in (tmp_path / "errors").read_text()
    assert process.returncode != 0
    assert names(tmp_path) == ["errors"]


@pytest.mark.parametrize(
    "attrs", [{"units": "ms"}, {"units": "seconds"}, {"units": 5}, {"dtype": "float32"}, {"calendar": "x"}]
)
def test_attributes_that_only_sound_like_instructions_stay(tmp_path, attrs):
    run = xr.Dataset({"x": ("y", np.arange(3), attrs), "z": ("y", np.arange(3.0) + 0.5, attrs)})
    save(run, tmp_path / "run.zarr")
    assert_same(open_store(tmp_path / "run.zarr"), run)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_come_back_in_their_own_unit(tmp_path, unit):
    dates = np.array(["2026-01-01T00:00:01", "NaT", "1999-12-31"], dtype=f"M8[{unit}]")
    if unit != "ns":  # which reaches to the year 2262
        dates[0] = np.datetime64("9999-01-01")
    run = xr.Dataset({"when": ("neuron", dates), "once": dates[2]}, {"neuron": [1, 2, 3]})
    run = run.assign_coords(time=np.arange(4).astype(f"M8[{unit}]"), length=("time", np.arange(4).astype("m8[ms]")))
    save(run, tmp_path / "run.zarr")
    assert_same(open_store(tmp_path / "run.zarr"), run)
    save(open_store(tmp_path / "run.zarr"), tmp_path / "again.zarr")
    assert_same(open_store(tmp_path / "again.zarr"), run)


# --- what has been lost -------------------------------------------------------


@pytest.fixture
def labelled(tmp_path):
    """A store with labels of numbers and of text, a date and a number."""
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=20, seed=1)
    labels = {"group": ("neuron", list("abcd")), "neuron": list("wxyz"), "day": np.datetime64("2026-01-01", "s")}
    netxr.save(run.drop_vars("connectivity").assign_coords(labels).assign(score=2.5), tmp_path / "run.zarr")
    return tmp_path / "run.zarr"


@pytest.mark.parametrize("how", ["gone", "a folder"])
def test_no_chunk_that_is_lost_reads_as_nothing(labelled, how):
    before = netxr.open(labelled).load()
    chunks = [file for file in labelled.glob("*/**/*") if file.is_file() and file.name != DOCUMENT]
    assert {chunk.relative_to(labelled).parts[0] for chunk in chunks} == set(before.variables) - {"time"}
    for chunk in chunks:
        aside = chunk.rename(labelled.parent / "aside")
        if how == "a folder":
            chunk.mkdir()
        place = chunk.relative_to(labelled)
        wrong = "missing" if how == "gone" else "no file, but a folder"
        with pytest.raises(UnreadableFile, match=rf"chunk {place} is {wrong}\. Put it back from a copy"):
            netxr.open(labelled).load()
        assert [problem.place for problem in netxr.verify(labelled) if not problem.harmless][:1] == [str(place)]
        if how == "a folder":
            chunk.rmdir()
        aside.rename(chunk)
    xr.testing.assert_identical(netxr.open(labelled).load(), before)


@pytest.mark.parametrize("on_axis", [True, False], ids=["axis", "every time"])
@pytest.mark.parametrize("chosen", [slice(None, None, 2), slice(10, None), slice(3, 40, 5)])
def test_attributes_of_the_clock_are_saved_as_the_times_say(tmp_path, on_axis, chosen):
    times = 2.0 + 0.25 * np.arange(60)
    data = np.random.default_rng(1).normal(size=(2, 60))
    whole = netxr.as_activity(data, dims=("neuron", "time"), sampling_interval=0.25)
    whole = whole.assign_attrs(start_time=2.0)
    if on_axis:
        netxr.save(whole.drop_vars("time", errors="ignore").to_dataset(name="activity"), tmp_path / "whole.zarr")
        whole = netxr.open(tmp_path / "whole.zarr").activity
    else:
        whole = whole.drop_vars("time", errors="ignore").assign_coords(time=times)
    for name, root in (("plain", {}), ("root", {"sampling_interval": 0.25, "start_time": 2.0})):
        part = whole.isel(time=chosen).to_dataset(name="activity").assign_attrs(root)
        netxr.save(part, tmp_path / f"{name}.zarr")
        left = xr.open_zarr(tmp_path / f"{name}.zarr", decode_times=False)
        for attrs in (left.attrs, left.activity.attrs, netxr.open(tmp_path / f"{name}.zarr").activity.attrs):
            assert attrs["sampling_interval"] == pytest.approx(np.diff(times[chosen])[0])
            assert attrs.get("start_time", 0.0) == pytest.approx(times[chosen][0])
        np.testing.assert_allclose(netxr.open(tmp_path / f"{name}.zarr").time, times[chosen])


def test_attributes_that_contradict_the_times_of_a_store_are_read_as_the_times_say(tmp_path):
    values = xr.DataArray(np.zeros((2, 4)), {"time": [1.0, 3.0, 5.0, 7.0]}, ("neuron", "time"))
    run = values.assign_attrs(sampling_interval=1.0, start_time=0.0).to_dataset(name="activity")
    run.to_zarr(tmp_path / "other.zarr", consolidated=False)
    for opened in (netxr.open(tmp_path / "other.zarr"), netxr.load_recording(run.activity)):
        attrs = opened.activity.attrs
        assert (attrs["sampling_interval"], attrs["start_time"]) == (2.0, 1.0)


@pytest.mark.parametrize(("length", "blocks"), [(200, (1, 1)), (2500, (2, 2048))])
def test_many_tiny_chunks_are_read_together(tmp_path, length, blocks):
    group = zarr.open_group(tmp_path / "tiny.zarr", mode="w")
    made = group.create_array(
        "activity", shape=(2, length), chunks=(1, 1), dtype="f8", dimension_names=("neuron", "time"), fill_value=0.5
    )
    made[0, 7], made[1, length - 1] = 3.0, 4.0
    activity = netxr.open(tmp_path / "tiny.zarr").activity
    assert tuple(lengths[0] for lengths in activity.chunks) == blocks
    expected = np.full((2, length), 0.5)
    expected[0, 7], expected[1, -1] = 3.0, 4.0
    np.testing.assert_array_equal(activity, expected)
    np.testing.assert_array_equal(activity[:, 5:9], expected[:, 5:9])


@pytest.fixture
def blank_names():
    """Trials whose coordinates have white space in their names, on one dim and on two, beside a variable that does."""
    activity = netxr.as_activity(np.arange(6.0).reshape(1, 2, 3), dims=("neuron", "time", "trial"))
    about = {
        "stim name": ("trial", ["a", "a", "b"]),
        "stim\tlevel": ("trial", [1.0, 2.0, 4.0]),
        "day": ("trial", [1, 1, 2]),
    }
    about |= {
        "cell type": ("neuron", np.array(["e"], object)),
        "rate of\xa0both": (("neuron", "trial"), [[0.5, 1.5, 2.5]]),
    }
    activity = activity.assign_coords(trial=[0, 1, 2], **about)
    return activity.to_dataset(name="activity").assign({"my score": ("neuron", [7.0])})


def test_coordinates_with_blanks_in_their_names_stay_coordinates(tmp_path, blank_names):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        netxr.save(blank_names, tmp_path / "run.zarr", compact="uint16")
        netxr.save(blank_names.isel(trial=[0, 1]), tmp_path / "grown.zarr")
        netxr.save(blank_names.isel(trial=[0, 1]), memory := MemoryStore())
    for store in (tmp_path / "grown.zarr", memory):
        netxr.append(blank_names.isel(trial=[2]), store, dim="trial")
        found = netxr.lagged_correlation(blank_names.activity, lag=0).assign_coords({"a note": ("target", ["x"])})
        for replace in (False, True):
            netxr.add(found, store, replace=replace)
        assert set(netxr.open(store).coords) - set(found.coords) == set(blank_names.coords) - set(found.coords)
        assert set(netxr.open(store).data_vars) == {"activity", "my score", "lagged_correlation"}
        assert netxr.open(store)["a note"].dims == ("target",)
    whole = netxr.open(tmp_path / "run.zarr")
    xr.testing.assert_equal(whole.coords.to_dataset().load(), blank_names.coords.to_dataset())
    assert "is_coordinate" not in {**whole["stim name"].attrs, **blank_names["stim name"].attrs}
    means = netxr.trial_mean(whole.activity, by="stim name").squeeze("neuron").transpose(..., "time")
    assert means.values.round(3).tolist() == [[0.5, 3.5], [2, 5]]  # of trials 0 and 1, and of trial 2


def test_blank_names_that_xarray_wrote_are_coordinates_where_they_label_neurons_or_trials(tmp_path, blank_names):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that cannot be listed, and of text in Zarr
        blank_names.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
        blank_names.to_zarr(tmp_path / "run.zarr", consolidated=False)
        blank_names.activity.to_netcdf(tmp_path / "one.nc", engine="h5netcdf")
    for name in ("run.nc", "run.zarr", "one.nc"):
        found = netxr.open(tmp_path / name)
        assert list(found.data_vars) == ["activity"]
        assert found["stim name"].values.tolist() == ["a", "a", "b"]
        assert set(blank_names.coords) <= set(found.coords)
