"""Pipes and devices in the place of files of a store, and metadata that promise too much."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import psutil
import pytest
import xarray as xr

import netxr

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")

ARRAY = {
    "zarr_format": 3,
    "node_type": "array",
    "data_type": "float64",
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
    "fill_value": 0,
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
}


def plain_store(folder, **arrays):
    """A store of a few hundred bytes: names with shape, chunks, dims and codecs."""
    for name, (shape, chunks, dims, *codecs) in arrays.items():
        (folder / name).mkdir(parents=True)
        grid = {"name": "regular", "configuration": {"chunk_shape": chunks}}
        document = ARRAY | {"shape": shape, "chunk_grid": grid, "dimension_names": dims}
        document |= {"codecs": codecs} if codecs else {}
        (folder / name / "zarr.json").write_text(json.dumps(document))
    (folder / "zarr.json").write_text(json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {}}))
    return folder


def version_two(folder, shape, chunks):
    (folder / "activity").mkdir(parents=True)
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    array = {"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": "<f8", "fill_value": 0}
    array |= {"order": "C", "compressor": None, "filters": None}
    (folder / "activity" / ".zarray").write_text(json.dumps(array))
    (folder / "activity" / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["neuron", "time"]}')
    return folder


def memory_of(function):
    """Megabytes that a call takes of this process, at its end."""
    before = psutil.Process().memory_info().rss
    function()
    return (psutil.Process().memory_info().rss - before) / 2**20


AXES = ["neuron", "time"]

SHARDS = {
    "name": "sharding_indexed",
    "configuration": {
        "chunk_shape": [1, 1],
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    },
}

TOO_MUCH = {
    "chunks of one": lambda folder: plain_store(folder, activity=([4, 10**8], [1, 1], AXES)),
    "chunks along both": lambda folder: plain_store(folder, activity=([10**4, 10**4], [1, 1], AXES)),
    "chunks in a shard": lambda folder: plain_store(folder, activity=([4, 10**8], [4, 10**8], AXES, SHARDS)),
    "labels": lambda folder: plain_store(
        folder, activity=([10**9, 4], [10**9, 4], AXES), neuron=([10**9], [10**9], ["neuron"])
    ),
    "version 2": lambda folder: version_two(folder, [4, 10**8], [1, 1]),
}


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_metadata_that_promise_too_much_take_neither_time_nor_memory(tmp_path, kind):
    netxr.save(netxr.random_connectivity(3, seed=1).to_dataset(name="connectivity"), tmp_path / "good.zarr")
    netxr.open(tmp_path / "good.zarr")
    store = TOO_MUCH[kind](tmp_path / "bad.zarr")
    listed = []

    def look():
        listed.append(netxr.catalog(tmp_path))
        with pytest.raises(netxr.UnreadableFile, match=r"bad\.zarr"):
            netxr.open(store)
        assert netxr.verify(store)

    assert memory_of(look) < 100
    assert list(listed[0]["name"]) == ["bad.zarr", "good.zarr"]
    assert kind == "labels" or "chunks" in listed[0]["problem"][0]


def test_a_document_without_end_is_not_read(tmp_path):
    store = plain_store(tmp_path / "long.zarr", activity=([4, 10], [4, 10], AXES))
    with (store / "zarr.json").open("r+b") as file:
        file.truncate(2**30)
    with pytest.raises(netxr.UnreadableFile, match="more than"):
        netxr.open(store)
    assert "more than" in netxr.catalog(tmp_path)["problem"][0]


def test_many_chunks_are_no_fault(tmp_path):
    store = plain_store(tmp_path / "many.zarr", activity=([1000, 1000], [1, 1], AXES))
    assert netxr.open(store).sizes["time"] == 1000


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("kept")
    run = netxr.simulate(netxr.random_connectivity(3, seed=1), n_steps=50, seed=1).drop_vars("connectivity")
    run = run.drop_vars(["target", "source"]).assign_coords(depth=("neuron", [1.0, 2.0, 3.0]))
    netxr.save(run, path / "netxr.zarr")
    run.to_zarr(path / "plain.zarr", zarr_format=3, consolidated=False)
    run.to_zarr(path / "two.zarr", zarr_format=2, consolidated=False)
    return path


def in_time(code, *arguments, seconds=60):
    """What a call prints; it is ended, as an error, if it waits."""
    call = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=seconds)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return done.stdout


CALLS = """
    import sys, netxr
    from contextlib import suppress
    from netxr.app.frame.folder import Folder
    from pathlib import Path
    folder = Path(sys.argv[1])
    for store in map(Path, sys.argv[2:]):
        with suppress(netxr.NetxrError):
            netxr.open(store).load()
        with suppress(netxr.NetxrError):
            netxr.verify(store)
        with suppress(netxr.NetxrError):
            netxr.catalog(store)
        with suppress(netxr.NetxrError):
            netxr.convert(store, store.with_suffix(".copy"))
    print(len(netxr.catalog(folder)), len(Folder(folder).names()))
"""


def pipes(store, new):
    """Copies of a store, in each of which a pipe or a device stands for one of the files."""
    made = []
    for k, file in enumerate(sorted(one.relative_to(store) for one in store.rglob("*") if one.is_file())):
        copy = Path(shutil.copytree(store, new / f"{k}.zarr"))
        (copy / file).unlink()
        os.mkfifo(copy / file) if k % 2 else (copy / file).symlink_to("/dev/zero")
        made.append(copy)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", ["netxr.zarr", "plain.zarr", "two.zarr"])
def test_nothing_waits_for_a_pipe_or_reads_a_device(kept, tmp_path, name):
    made = pipes(kept / name, tmp_path)
    os.mkfifo(tmp_path / "alone.zarr")
    os.mkfifo(tmp_path / "alone.npy")
    listed, offered = map(int, in_time(CALLS, tmp_path, *made).split())
    assert listed >= len(made), "copies beside them"
    assert offered <= listed


def test_a_pipe_for_samples_is_told(kept, tmp_path):
    stores = [Path(shutil.copytree(kept / name, tmp_path / name)) for name in ("netxr.zarr", "plain.zarr")]
    for store in stores:
        chunk = next(file for file in (store / "activity").rglob("*") if file.is_file() and file.name != "zarr.json")
        chunk.unlink()
        os.mkfifo(chunk)
    code = """
        import sys, netxr
        for store in sys.argv[1:]:
            try: netxr.open(store).load()
            except netxr.UnreadableFile as error: print(error)
    """
    told = in_time(code, *stores).splitlines()
    assert len(told) == 2
    assert all("it is no file" in line or "is missing" in line for line in told)


def test_samples_are_what_they_were(kept):
    one, two = netxr.open(kept / "netxr.zarr"), netxr.open(kept / "plain.zarr")
    np.testing.assert_array_equal(one.activity.values, two.activity.values)
    xr.testing.assert_equal(one.depth, two.depth)
