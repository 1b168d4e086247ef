"""Chunks that are sound but in another's place, and metadata that were edited: the sums of a store tell."""

import json
import shutil
import signal
import threading
from itertools import combinations

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import netxr
from netxr.store import checksums, commits, growing, layout
from netxr.store.checksums import sum_of
from netxr.store.chunk import read_chunk
from netxr.store.metadata import COPY, DOCUMENT, ROOT, documents, written
from netxr.store.transactions import _FolderTransaction, transaction
from tests.store.stores import check_open, check_tidy, left_by_the_dead

STEPS = 8


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(layout, "CHUNK_BYTES", 2 * 8 * STEPS)


def samples(start, n, trials=2):
    """Samples of which each differs from all others."""
    values = 1.0 + np.arange(start * 10, (start + n) * 10)[None, :, None].repeat(2, 0).repeat(trials, 2)[:, ::10]
    values = values + np.arange(2)[:, None, None] / 8 + np.arange(trials) / 4
    labels = {"neuron": ["a", "b"], "trial": range(trials)}
    return xr.DataArray(values, dims=("neuron", "time", "trial"), coords=labels, name="activity")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "work" / "run.zarr"
    path.parent.mkdir()
    netxr.save(samples(0, 13).to_dataset().assign_coords(group=("neuron", ["u", "v"])), path)
    netxr.append(samples(13, 6), path, dim="time")
    return path


def problems(path):
    return {problem.place: problem.wrong for problem in netxr.verify(path) if not problem.harmless}


def known_sums(path):
    known = documents(path)
    return {name: (written(known, name).chunks, sum_of(path / name, known[name])) for name in known if name != ROOT}


@given(appended=st.lists(st.tuples(st.sampled_from(["time", "trial"]), st.integers(1, 20)), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sums_follow_from_what_is_new_and_are_those_of_all_chunks(tmp_path, appended):
    path = tmp_path / "run.zarr"
    shutil.rmtree(path, ignore_errors=True)
    netxr.save(samples(0, 5).to_dataset(), path)
    for dim, n in appended:
        now = netxr.open(path)
        if dim == "time":
            netxr.append(samples(now.sizes["time"], n, now.sizes["trial"]), path, dim="time")
        else:
            start = now.sizes["trial"]
            netxr.append(samples(0, now.sizes["time"], start + n % 3 + 1).isel(trial=slice(start, None)), path, dim=dim)
    sums = known_sums(path)
    assert all(mine and mine == all_of_them for mine, all_of_them in sums.values())
    assert netxr.verify(path) == ()


def test_a_chunk_is_decoded_once_when_it_is_filled_up_and_not_when_it_is_new(path, monkeypatch):
    reads = []

    def read_once(chunk, document):
        reads.append(chunk.relative_to(path).as_posix())
        return read_chunk(chunk, document)

    monkeypatch.setattr(growing, "read_chunk", read_once)
    monkeypatch.setattr(checksums, "decoded", None)  # for the sum, nothing is read back
    netxr.append(samples(19, 3), path, dim="time")  # 16 + 3 samples, and 3 more
    netxr.append(samples(22, 2 + 4), path, dim="time")  # 2 more end a chunk, 4 begin another
    assert sorted(reads) == sorted([f"activity/c/0/2/{trial}" for trial in (0, 1)] * 2)
    monkeypatch.undo()
    assert all(mine and mine == all_of_them for mine, all_of_them in known_sums(path).values())
    np.testing.assert_array_equal(netxr.open(path).activity, samples(0, 28))


def refuse_to_read(*_):
    raise AssertionError("a chunk is read back")


@pytest.mark.parametrize("dtype", ["f4", ">f8", "c16", "u2", "?", "M8[s]", "f8"])
@pytest.mark.parametrize("lazy", [True, False])
def test_sums_of_a_new_store_follow_from_values_that_are_written(tmp_path, monkeypatch, dtype, lazy):
    values = np.arange(2 * 13 * 2).reshape(2, 13, 2)
    run = samples(0, 13).copy(data=np.asfortranarray(values.astype(dtype))).to_dataset()
    run = (run if dtype not in ("?", "M8[s]") else run.rename(activity="other")).chunk(time=5 if lazy else None)
    run = run if lazy else run.compute()
    if lazy or (np.dtype(dtype).isnative and np.dtype(dtype).kind in "fu"):
        monkeypatch.setattr(checksums, "decoded", refuse_to_read)
    netxr.save(run, tmp_path / "run.zarr")
    monkeypatch.undo()
    assert all(mine and mine == all_of_them for mine, all_of_them in known_sums(tmp_path / "run.zarr").values())
    assert netxr.verify(tmp_path / "run.zarr") == ()


def test_sums_of_replaced_results_follow_from_values_that_are_written(path, monkeypatch):
    curve = xr.DataArray(np.arange(26.0).reshape(2, 13), dims=("row", "frame"), name="curve")
    monkeypatch.setattr(layout, "MATRIX_BYTES", 2 * 8 * STEPS)
    lazy = curve.chunk(frame=4)
    netxr.add(lazy, path)
    monkeypatch.setattr(checksums, "decoded", refuse_to_read)
    netxr.add(lazy * 2, path, replace=True)
    monkeypatch.undo()
    assert all(mine and mine == all_of_them for mine, all_of_them in known_sums(path).values())
    np.testing.assert_array_equal(netxr.open(path).curve, curve * 2)
    assert written(documents(path), "curve").kept


def test_chunks_that_another_process_wrote_add_to_the_sum_as_well(path, monkeypatch):
    monkeypatch.setattr(_FolderTransaction, "terms", {})  # it kept to itself what it knows of them
    for start, n in ((19, 3), (22, 20)):
        netxr.append(samples(start, n), path, dim="time")
    assert all(mine and mine == all_of_them for mine, all_of_them in known_sums(path).values())
    assert netxr.verify(path) == ()


def test_chunks_that_were_swapped_or_copied_are_seen(path):
    chunks = sorted(file for file in (path / "activity" / "c").rglob("*") if file.is_file())
    assert len(chunks) == 6
    for a, b in combinations(chunks, 2):
        held = a.read_bytes(), b.read_bytes()
        a.write_bytes(held[1])
        assert "not those that belong there" in problems(path)["activity"]
        b.write_bytes(held[0])
        assert "not those that belong there" in problems(path)["activity"]
        a.write_bytes(held[0])
        b.write_bytes(held[1])
    assert problems(path) == {}


def test_labels_of_another_array_are_seen(path):
    shutil.copy(path / "group" / "c" / "0", path / "neuron" / "c" / "0")
    assert set(problems(path)) == {"neuron"}


def lengthen_and_fail(path):
    with transaction(path) as changes:
        changes.grow("activity", "time", 40)[:, 19:] = 7.0
        raise ZeroDivisionError


def test_a_write_that_was_cut_off_moves_no_chunk(path):
    """It has filled up the last chunks beyond the end: what is within is the same."""
    before = netxr.open(path).load()
    with pytest.raises(ZeroDivisionError):
        lengthen_and_fail(path)
    assert problems(path) == {}
    xr.testing.assert_identical(netxr.open(path).load(), before)
    netxr.append(samples(19, 30), path, dim="time")
    assert all(mine == all_of_them for mine, all_of_them in known_sums(path).values())


EDITS = {
    "data_type": "float32",
    "codecs": [{"name": "bytes", "configuration": {"endian": "big"}}],
    "dimension_names": ["time", "neuron", "trial"],
    "attributes": {"units": "mV", "scale_factor": 2.0},
    "fill_value": 0.0,
    "shape": [2, 18, 2],
}


@pytest.mark.parametrize("key", EDITS)
def test_metadata_that_were_edited_are_seen(path, key):
    root = json.loads((path / DOCUMENT).read_bytes())
    array = root[COPY]["metadata"]["activity"]
    array[key] = EDITS[key] + array["codecs"][1:] if key == "codecs" else EDITS[key]
    (path / DOCUMENT).write_text(json.dumps(root))
    (path / "activity" / DOCUMENT).write_text(json.dumps(array))
    assert "was edited since netxr wrote it" in problems(path)[""]


def test_attributes_of_the_run_that_were_edited_are_seen(path):
    root = json.loads((path / DOCUMENT).read_bytes())
    root["attributes"]["sampling_interval"] = 3.0
    (path / DOCUMENT).write_text(json.dumps(root))
    assert set(problems(path)) == {""}


def test_what_another_program_wrote_and_consolidated_is_no_problem(path):
    group = zarr.open_group(path, mode="r+")
    group["activity"][:, 0] = 5.0
    assert set(problems(path)) == {"activity"}
    with pytest.warns(UserWarning, match="Consolidated metadata"):
        zarr.consolidate_metadata(path)
    assert problems(path) == {}
    netxr.append(samples(19, 3), path, dim="time")
    assert problems(path) == {}


# --- commits ------------------------------------------------------------------


def test_ctrl_c_in_a_commit_is_raised_when_it_has_ended(path, monkeypatch):
    replace, main = commits._replace, threading.main_thread().ident

    def interrupted(folder, name, document):
        signal.pthread_kill(main, signal.SIGINT)
        replace(folder, name, document)

    monkeypatch.setattr(commits, "_replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        netxr.append(samples(19, 3), path, dim="time")
    monkeypatch.undo()
    assert check_open(path).sizes["time"] == 22
    check_tidy(path)


def test_what_a_writer_that_died_left_in_arrays_is_removed(path):
    before = set(path.rglob("*"))
    left = ["c/0/2/1.0123abcd.partial", "c/0/9/0", "c/0/0/2", "c.0.0.0.77ff.partial"]
    for name in left:
        (path / "activity" / name).parent.mkdir(exist_ok=True, parents=True)
        (path / "activity" / name).write_bytes(b"x")
    for name in ("note.txt", "c/0/2/note"):
        (path / "activity" / name).write_text("mine")
    netxr.add(xr.Dataset({"a": 1.0}), path)
    assert all((path / "activity" / name).exists() for name in left[:3])
    name = left_by_the_dead(path).name[-32:]
    path.with_name(f".staging-{path.name}-writer").write_text(json.dumps({"writer": name}))
    netxr.add(xr.Dataset({"b": 1.0}), path)
    mine = {path / "activity" / name for name in ("note.txt", "c/0/2/note")}
    now = {file for file in path.rglob("*") if file.is_file() and file.relative_to(path).parts[0] not in "ab"}
    assert now - before == mine


def test_values_that_were_replaced_stay_for_a_change_more(path):
    """Whoever opened the store by xarray alone reads on."""
    netxr.add(xr.Dataset({"table": (("x", "y"), np.ones((2, 2))), "row": ("x", np.ones(2))}), path)
    for k in range(2, 8):
        held = xr.open_zarr(path)
        table = netxr.open(path)[["table", "row"]].load() * 0 + k
        netxr.add(table, path, replace=True)
        assert netxr.verify(path) == ()
        netxr.append(samples(netxr.open(path).sizes["time"], 3), path, dim="time")
        assert (held.table.values == k - 1).all()
        assert (held["row"].values == k - 1).all()
        assert netxr.verify(path) == ()
    check_tidy(path)
