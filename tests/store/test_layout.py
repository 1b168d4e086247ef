"""What examples/store_layout.md says of stores, held against stores."""

import itertools
import json
import re
import warnings
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
import xarray as xr
import zarr
from numcodecs import Blosc, Zstd
from zarr.storage import MemoryStore

import netxr
from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.provenance import CURRENT_SCHEMA
from netxr.store.layout import DURATIONS, storable
from netxr.store.locks import unfinished_name
from netxr.store.metadata import PLACEHOLDER

PAGE = (Path(__file__).parents[2] / "examples" / "store_layout.md").read_text("utf-8")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A run with all that the page describes, after an estimate was replaced and samples were appended."""
    path = tmp_path_factory.mktemp("layout") / "run.zarr"
    A = netxr.random_connectivity(5, seed=1, sparsity=0.5)
    run = netxr.simulate(A, n_steps=300, trials=2, seed=1, dtype="float32")
    labels = [f"n{k}" for k in range(5)]
    run = run.assign_coords(neuron=labels, target=labels, source=labels, group=("neuron", [0, 0, 1, 1, -1]))
    run["activity"][:, :100, 1] = np.nan
    first = run.isel(time=slice(0, 250))
    netxr.save(first, path)
    clean = first.isel(trial=[0])
    netxr.add(netxr.lagged_moments(clean.activity, lags=[0, 1], dim=("time", "trial")), path)
    estimate = netxr.lagged_correlation(clean.activity, lags=[0, 1], dim=("time", "trial"))
    netxr.add(estimate, path)
    netxr.add(estimate, path, replace=True)
    return path


def document(path):
    return json.loads((path / "zarr.json").read_text())


def arrays(path):
    return {entry.parent.name: document(entry.parent) for entry in sorted(path.glob("*/zarr.json"))}


def files(array, metadata):
    """Names of the chunks that an array has by its metadata, by another reading of them than netxr's."""
    lengths = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    separator = metadata["chunk_key_encoding"]["configuration"]["separator"]
    counts = [range(-(-n // length)) for n, length in zip(metadata["shape"], lengths, strict=True)]
    return {index: array / separator.join(["c", *map(str, index)]) for index in itertools.product(*counts)}


def test_every_attribute_is_named_and_exists():
    table = PAGE.partition("## Attributes")[2].partition("## Changes")[0]
    named = set(
        itertools.chain(*(re.findall(r"`([a-z0-9_]+)`", row.split("|")[1]) for row in table.splitlines() if "|" in row))
    )
    source = Path(n.__file__).read_text().partition("# --- attributes")[2]
    attributes = set(re.findall(r'Final = "(\w+)"', source))
    assert attributes - named <= {"units"}  # beside the clock
    assert named <= attributes | {"n_steps", "sparsity", "diagonal", "permutations", "lag", "threshold"}
    assert "`units`" in table


def test_every_dim_and_array_of_the_table_exists():
    table = PAGE.partition("## Groups")[2].partition("An array of one dim")[0]
    known = {value for name, value in vars(n).items() if name.isupper()}
    assert set(re.findall(r"`([a-z_]+)`", table)) - {"group", "dimension_names"} <= known


def test_python_of_the_page_runs(store, monkeypatch):
    monkeypatch.chdir(store.parent)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    found = {}
    exec(compile(block.replace("1000:2000", "100:200"), "page", "exec"), found)  # noqa: S102 - the page is ours
    assert found["run"].activity.dims == ("neuron", "time", "trial")
    assert np.array_equal(found["samples"], netxr.open(store).activity[:, 100:200, 0])


def test_dims_are_in_the_order_of_the_table(store):
    found = arrays(store)
    for row in PAGE.partition("| array | dims |")[2].partition("\n\n")[0].splitlines()[2:]:
        cells = row.split("|")
        order = re.findall(r"`([a-z_]+)`", cells[2])
        for name in re.findall(r"`([a-z_]+)`", cells[1]):
            dims = found[name]["dimension_names"]
            assert [dim for dim in order if dim in dims] == [dim for dim in dims if dim in order], name
            assert "with" in cells[2] or set(dims) <= set(order)


def test_codecs_and_fill_values(store):
    for name, metadata in arrays(store).items():
        codecs = [codec["name"] for codec in metadata["codecs"]]
        kind = metadata["data_type"]
        assert codecs == (["vlen-utf8", "zstd", "crc32c"] if kind == "string" else ["bytes", "blosc", "crc32c"]), name
        expected = {"string": "", "bool": False}.get(kind, "NaN" if kind.startswith("float") else 0)
        assert metadata["fill_value"] == expected
        if kind != "string":
            options = metadata["codecs"][1]["configuration"]
            assert (options["cname"], options["clevel"], options["shuffle"]) == ("lz4", 5, "bitshuffle")


def test_every_chunk_is_there_under_the_key_in_the_metadata(store):
    found = arrays(store)
    assert found["lagged_correlation"]["chunk_key_encoding"]["configuration"]["separator"] == "."
    assert found["activity"]["chunk_key_encoding"]["configuration"]["separator"] == "/"
    for name, metadata in found.items():
        assert all(file.is_file() for file in files(store / name, metadata).values()), name


def decoded(file, metadata):
    """The values of a chunk by the rules of the page alone."""
    data = file.read_bytes()
    content, checksum = data[:-4], int.from_bytes(data[-4:], "little")
    assert google_crc32c.value(content) == checksum
    shape = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    if metadata["data_type"] != "string":
        return np.frombuffer(Blosc().decode(content), metadata["data_type"]).reshape(shape)
    content = Zstd().decode(content)
    texts, at = [], 4
    for _ in range(int.from_bytes(content[:4], "little")):
        length = int.from_bytes(content[at : at + 4], "little")
        texts.append(content[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return np.array(texts, dtype=object).reshape(shape)


def test_who_knows_the_page_alone_reads_what_netxr_reads(store):
    run = netxr.open(store)
    for name in ("activity", "connectivity", "neuron", "group", "lagged_correlation", "comoment"):
        metadata = arrays(store)[name]
        values = run[name].transpose(*metadata["dimension_names"]).values
        lengths = metadata["chunk_grid"]["configuration"]["chunk_shape"]
        for index, file in files(store / name, metadata).items():
            place = tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, lengths, strict=True))
            part = values[place]
            chunk = decoded(file, metadata)[tuple(slice(n) for n in part.shape)]
            equal_nan = chunk.dtype.kind == "f"
            assert np.array_equal(chunk, part, equal_nan=equal_nan), name


def test_chunks_are_as_described(tmp_path):
    samples = xr.DataArray(np.zeros((100, 20_000, 2), np.float32), dims=("neuron", "time", "trial"))
    netxr.save(samples.to_dataset(name="activity"), tmp_path / "run.zarr")
    lengths = arrays(tmp_path / "run.zarr")["activity"]["chunk_grid"]["configuration"]["chunk_shape"]
    assert lengths == [100, 2**14, 1]
    assert 3.5e6 < np.prod(lengths) * 4 < 7.1e6


def test_compact_samples_are_as_described(store, tmp_path):
    run = netxr.open(store)[["activity"]]
    netxr.save(run, tmp_path / "codes.zarr", compact="uint16")
    metadata = arrays(tmp_path / "codes.zarr")["activity"]
    attrs = metadata["attributes"]
    assert (metadata["data_type"], metadata["fill_value"], attrs["_FillValue"], attrs["compact_dtype"]) == (
        *("uint16", 65535, 65535, "float32"),
    )
    assert [codec["name"] for codec in metadata["codecs"]] == ["bytes", "blosc", "crc32c"]
    assert np.log2(attrs["scale_factor"]) % 1 == 0
    assert {"add_offset", "compact", "compact_effect", "compact_note"} <= set(attrs)


def test_an_appended_store_and_one_that_is_being_changed(store, tmp_path):
    first = netxr.open(store)[["activity"]].drop_vars("group").compute()
    netxr.save(first, tmp_path / "run.zarr")
    netxr.append(first.isel(time=slice(0, 30)).drop_vars("time"), tmp_path / "run.zarr", dim="time")
    path = tmp_path / "run.zarr"
    assert arrays(path)["activity"]["shape"] == [5, 280, 2]
    assert len(document(path)["attributes"]["history"].splitlines()) == len(first.attrs["history"].splitlines()) + 1
    root = document(path)
    assert root["consolidated_metadata"]["metadata"] == arrays(path)
    # The copy counts.
    root["consolidated_metadata"]["metadata"]["activity"]["shape"] = [5, 250, 2]
    (path / "zarr.json").write_text(json.dumps(root))
    for run in (netxr.open(path), xr.open_zarr(path)):
        assert run.sizes["time"] == 250


def test_names_of_what_is_not_finished():
    assert re.fullmatch(r"\.staging-run\.zarr-[0-9a-f]{32}", unfinished_name(Path("run.zarr")).name)
    assert list(PLACEHOLDER) == ["netxr"]


def test_the_page_is_of_the_present_version():
    assert f"`schema_version` | {CURRENT_SCHEMA}:" in PAGE


def test_version_1_opens_and_is_converted(store, tmp_path):
    """Made of a store of version 2 as the page says that they differ."""
    run = netxr.open(store)[["activity", "connectivity"]].compute()
    old = tmp_path / "old.zarr"
    group = zarr.open_group(old, mode="w", zarr_format=3)
    group.attrs.update({"schema_version": 1, "netxr_version": "0.1.0"})
    for name in ("activity", "connectivity"):
        codec = zarr.codecs.BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle")
        data = run[name]
        chunks = tuple(100 if dim == "time" else 1 if dim == "trial" else n for dim, n in data.sizes.items())
        array = group.create_array(
            name,
            shape=data.shape,
            dtype=data.dtype,
            chunks=chunks,
            compressors=codec,
            dimension_names=data.dims,
            fill_value=np.nan,
        )
        array[...] = data.values
    assert not (old / "activity" / "c" / "0" / "0" / "1").exists()  # nothing but NaN
    netxr.save(netxr.open(old), tmp_path / "new.zarr")
    new = netxr.open(tmp_path / "new.zarr")
    assert new.attrs["schema_version"] == CURRENT_SCHEMA
    assert np.array_equal(new.activity.values, run.activity.values, equal_nan=True)
    assert (tmp_path / "new.zarr" / "activity" / "c" / "0" / "0" / "1").exists()
    assert {codec["name"] for codec in arrays(tmp_path / "new.zarr")["activity"]["codecs"]} == {
        "bytes",
        "blosc",
        "crc32c",
    }


UNITS = [None, "s", "spikes", "since", "days since 2000-01-01", "seconds since start", "days since 0001-01-01", 5, [1]]


@pytest.mark.parametrize("dtype", ["i4", "u1", "f4", "f8", "bool"])
def test_attributes_are_refused_by_which_xarray_decodes(dtype):
    every = itertools.product(
        UNITS, [None, "noleap"], [None, "bool", "timedelta64[s]", "float32", 5], [None, "true", "false", 5]
    )
    for units, calendar, said, unsigned in every:
        given = {"units": units, "calendar": calendar, "dtype": said, "_Unsigned": unsigned}
        attrs = {name: value for name, value in given.items() if value is not None}
        entries = xr.Variable("entry", np.zeros(1, dtype), attrs)
        try:
            with warnings.catch_warnings(action="ignore"):
                read = xr.conventions.decode_cf_variable("x", entries.copy(), decode_timedelta=DURATIONS)
            alike = read.dtype == entries.dtype and read.attrs == attrs
        except Exception:
            alike = False
        try:
            storable(xr.Dataset({"x": entries}))
            taken = True
        except InvalidInput:
            taken = False
        assert taken == (alike and said != "timedelta64[s]"), attrs  # without units, xarray leaves that alone


def test_warnings_of_the_process_are_left_alone(store):
    """What a call ignores, all threads would ignore: those that end in another order leave it so for ever."""
    before, seen = list(warnings.filters), []
    netxr.verify(store, progress=lambda *_: seen.append(list(warnings.filters)))
    assert seen
    assert all(filters == before for filters in seen)
    package = Path(netxr.__file__).parent
    # The shell has the process to itself.
    library = [file for file in package.rglob("*.py") if "cli" not in file.relative_to(package).parts]
    assert [file.name for file in library if "catch_warnings" in file.read_text("utf-8")] == []


def test_a_store_in_memory_has_the_copy_that_zarr_makes(recwarn):
    store = MemoryStore()
    run = netxr.simulate(netxr.random_connectivity(3, seed=1), n_steps=20, seed=1)
    for group in (None, "days/monday"):
        netxr.save(run, store, group=group)
    assert not recwarn.list
    mine = zarr.open_group(store, mode="r").metadata.to_dict()
    assert set(mine["consolidated_metadata"]["metadata"]) >= {"activity", "days", "days/monday", "days/monday/activity"}
    with pytest.warns(UserWarning, match="Consolidated metadata"):
        zarr.consolidate_metadata(store)
    theirs = zarr.open_group(store, mode="r").metadata.to_dict()
    mine, theirs = (
        json.dumps(one, sort_keys=True) for one in (mine, theirs)
    )  # the order is that in which zarr read them
    assert mine == theirs


def test_a_sweep_has_no_checksums(tmp_path):
    netxr.sweep(n_neurons=[4], n_steps=50, trials=1, store=tmp_path / "sweep.zarr")
    found = arrays(tmp_path / "sweep.zarr")
    assert "finished" in found
    assert [codec["name"] for codec in found["pearson"]["codecs"]] == ["bytes", "blosc"]
