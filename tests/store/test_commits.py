import json
import sys
from itertools import product

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import DiskFull, OutputExists, StoreBusy
from netxr.store import commits
from netxr.store.commits import array_to_be, repair, reserve
from netxr.store.keys import chunk_key, chunks_to_come, under_new_keys
from netxr.store.locks import STAGING_PREFIX, locked, unfinished_beside, unfinished_name
from netxr.store.metadata import COPY, DOCUMENT, ROOT, documents, grown
from netxr.store.transactions import transaction
from tests.store.stores import behind, check_open, check_tidy, cut_off, left_by_the_dead, let_count

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks of Unix")

ENCODINGS = [{"name": name, "configuration": {"separator": sep}} for name in ("default", "v2") for sep in "/."]


@pytest.fixture
def path(tmp_path):
    """A store of an array that grows, and of others."""
    path = tmp_path / "run.zarr"
    samples = xr.DataArray(np.arange(10.0).reshape(2, 5), dims=("neuron", "time"), coords={"neuron": [0, 1]})
    netxr.save(xr.Dataset({"activity": samples, "score": ("neuron", [1.0, 2.0]), "number": 3.0}), path)
    return path


def document_of(shape, chunks, encoding):
    grid = {"name": "regular", "configuration": {"chunk_shape": list(chunks)}}
    return {
        "shape": list(shape),
        "chunk_grid": grid,
        "chunk_key_encoding": encoding,
        "dimension_names": [f"dim_{k}" for k in range(len(shape))],
    }


# --- names of chunks ----------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("shape", [(), (3,), (3, 2, 4)])
def test_chunks_are_named_as_zarr_names_them(tmp_path, encoding, shape):
    keys = {"name": encoding["name"], "separator": encoding["configuration"]["separator"]}
    array = zarr.create_array(
        tmp_path / "a", shape=shape, chunks=(1,) * len(shape), dtype="f8", chunk_key_encoding=keys, fill_value=0.0
    )
    array[...] = np.ones(shape)
    files = {file.relative_to(tmp_path / "a").as_posix() for file in (tmp_path / "a").rglob("*") if file.is_file()}
    document = document_of(shape, (1,) * len(shape), encoding)
    expected = {chunk_key(document, index) for index in product(*map(range, shape))}
    assert files - {DOCUMENT} == expected
    assert chunk_key(under_new_keys(document), [0] * len(shape)) not in files


@given(st.data())
def test_chunks_to_come_are_those_that_zarr_writes_beyond_the_end(data):
    n_dims = data.draw(st.integers(1, 3))
    sizes = st.lists(st.integers(1, 6), min_size=n_dims, max_size=n_dims)
    shape, chunks, axis = data.draw(sizes), data.draw(sizes), data.draw(st.integers(0, n_dims - 1))
    present = document_of(shape, chunks, ENCODINGS[0])
    later = grown(present, f"dim_{axis}", shape[axis] + data.draw(st.integers(0, 7)))
    keys = [
        {
            chunk_key(present, index)
            for index in np.ndindex(*(-(-n // k) for n, k in zip(each["shape"], chunks, strict=True)))
        }
        for each in (present, later)
    ]
    found = list(chunks_to_come(present, later))
    assert set(found) == keys[1] - keys[0]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("shapes", [[(2,), (), (2, 2), ()], [(), (2,), (2,), (2, 2, 2)], [(2, 2), (), (), (2,)]])
def test_values_are_replaced_by_some_of_other_dims_again_and_again(path, shapes):
    for turn, shape in enumerate([*shapes, *shapes]):
        values = np.full(shape, float(turn))
        dims = [f"of_{turn % len(shapes)}_{k}" for k in range(len(shape))]
        netxr.add(xr.Dataset({"replaced": (dims, values)}), path, replace=True)
        np.testing.assert_array_equal(check_open(path).replaced.values, values)
        repair(path)
        entries = {entry.name for entry in (path / "replaced").iterdir()} - {DOCUMENT}
        np.testing.assert_array_equal(netxr.open(path).replaced.values, values)
        encoding = documents(path)["replaced"]["chunk_key_encoding"]
        assert len(entries) == 1 or encoding["configuration"]["separator"] == "."
    check_tidy(path)


# --- commits ------------------------------------------------------------------


def test_several_documents_change_at_once(path, monkeypatch):
    """Between any two of them, whoever opens the store sees either state."""
    known = documents(path)
    changed = {
        "activity": grown(known["activity"], "time", 8),
        ROOT: known[ROOT] | {"attributes": known[ROOT]["attributes"] | {"note": "new"}},
    }
    array_to_be(path, "activity", changed["activity"])[:, 5:] = 7.0
    seen, replace = [], commits._replace

    def watched(folder, name, document):
        replace(folder, name, document)
        with xr.open_zarr(path) as plain:
            seen.append((netxr.open(path).sizes["time"], netxr.open(path).attrs.get("note"), plain.sizes["time"]))

    monkeypatch.setattr(commits, "_replace", watched)
    assert netxr.open(path).sizes["time"] == 5
    let_count(path, changed)
    assert seen == [(8, "new", 8)] * 3
    check_tidy(path)


def test_a_commit_that_cannot_be_ended_is_there_nevertheless(path, monkeypatch):
    """The disk is full after the root was replaced: that is no error, for the caller would append a second time."""
    replace, calls = commits._replace, []

    def full(folder, name, document):
        calls.append(name)
        if len(calls) > 1:
            raise DiskFull(folder, "No space left on device")
        replace(folder, name, document)

    with monkeypatch.context() as patch:
        patch.setattr(commits, "_replace", full)
        netxr.append(
            xr.DataArray(np.ones((2, 3)), dims=("neuron", "time"), coords={"neuron": [0, 1]}), path, dim="time"
        )
    assert behind(path) == ["activity"]
    assert check_open(path).sizes["time"] == 8
    with transaction(path):
        pass
    assert check_open(path).sizes["time"] == 8
    check_tidy(path)


def test_metadata_that_someone_consolidated_are_kept_up_to_date(path):
    with pytest.warns(UserWarning, match="Consolidated metadata"):
        zarr.consolidate_metadata(path)
    netxr.append(xr.DataArray(np.ones((2, 3)), dims=("neuron", "time"), coords={"neuron": [0, 1]}), path, dim="time")
    assert check_open(path).sizes["time"] == 8


def test_a_transaction_that_fails_leaves_nothing(path):
    files = sorted(path.rglob("*"))
    with pytest.raises(ZeroDivisionError), transaction(path) as changes:
        change_and_fail(changes)
    assert [file for file in sorted(path.rglob("*")) if file.is_file() or file in files] == files
    assert "note" not in check_open(path).attrs
    check_tidy(path)


def change_and_fail(changes):
    changes.grow("activity", "time", 40)[:, 5:] = 1.0
    variable = xr.Variable(("neuron",), np.array([5.0, 6.0]))
    for array in changes.put({"score": variable, "new": variable}).values():
        array[:] = 5.0
    changes.update_attributes({"note": "new"})
    raise ZeroDivisionError


def test_a_store_carries_a_copy_of_the_groups_in_it_as_they_have_become(path):
    """A group in a store has a lock of its own: it may be appended to while the store is written to, or cut off."""
    samples = xr.DataArray(np.ones((2, 3)), dims=("neuron", "time"), coords={"neuron": [0, 1]})

    def seen():
        with xr.open_zarr(path, group="monday") as plain:
            assert list(plain.activity.load().values[0]) == [1.0] * plain.sizes["time"]
            return netxr.open(path, group="monday").sizes["time"], plain.sizes["time"]

    with transaction(path):
        netxr.save(samples.to_dataset(name="activity"), path, group="monday")
        netxr.save(samples.to_dataset(name="activity"), path / "monday", group="noon")
    assert seen() == (3, 3)
    with transaction(path) as changes:
        changes.update_attributes({"note": "new"})
        netxr.append(samples, path / "monday", dim="time")
        assert seen() == (6, 3)
    assert seen() == (6, 6)
    netxr.append(samples, path / "monday", dim="time")
    assert seen() == (9, 9)
    assert xr.open_zarr(path, group="monday/noon").sizes["time"] == 3
    members = dict(zarr.open_group(path, mode="r").members(max_depth=None))
    assert {"monday/activity", "monday/noon", "monday/noon/activity"} <= set(members)
    check_open(path)
    check_open(path / "monday")


def test_a_store_of_others_gets_no_copy_unasked(tmp_path):
    xr.Dataset({"score": 1.0}).to_zarr(tmp_path / "theirs.zarr", consolidated=False)
    netxr.save(xr.Dataset({"score": 2.0}), tmp_path / "theirs.zarr", group="ours")
    assert not json.loads((tmp_path / "theirs.zarr" / DOCUMENT).read_bytes()).get(COPY)
    assert xr.open_zarr(tmp_path / "theirs.zarr", group="ours", consolidated=False).score == 2.0


def test_a_store_of_an_older_release_has_one_commit_point_from_its_first_change_on(path):
    root = json.loads((path / DOCUMENT).read_bytes())
    del root[COPY]
    (path / DOCUMENT).write_text(json.dumps(root))
    before = netxr.open(path).load()
    xr.testing.assert_identical(before, xr.open_zarr(path, consolidated=False).load())
    netxr.add(xr.Dataset({"new": 1.0}), path)
    assert check_open(path).new == 1.0
    xr.testing.assert_equal(netxr.open(path).drop_vars("new"), before)


def test_an_array_does_not_take_the_place_of_a_group(path):
    netxr.save(xr.Dataset({"score": 1.0}), path, group="monday")
    for replace in (False, True):
        with pytest.raises(OutputExists, match="monday exists"):
            netxr.add(xr.Dataset({"monday": 2.0}), path, replace=replace)
    assert netxr.open(path, group="monday").score == 1.0


# --- what other programs write ------------------------------------------------


def test_what_another_program_changed_in_an_array_is_kept(path):
    """It changes the document of the array alone; the next commit takes that into the copy."""
    group = zarr.open_group(path, mode="r+", use_consolidated=False)
    group["activity"].attrs["note"] = "mine"
    group["activity"].resize((2, 7))
    group["activity"][:, 5:] = 9.0
    group.create_array("theirs", shape=(2,), dtype="f8", dimension_names=("neuron",))[:] = 4.0
    problems = netxr.verify(path)
    assert all(problem.harmless for problem in problems)
    for name, done in (("activity", "changed"), ("theirs", "added")):
        assert (name, f"another program has {done} it since the last commit") in [problem[:2] for problem in problems]
    netxr.append(xr.DataArray(np.ones((2, 3)), dims=("neuron", "time"), coords={"neuron": [0, 1]}), path, dim="time")
    now = check_open(path)
    assert (now.activity.attrs["note"], now.theirs.values.tolist()) == ("mine", [4.0, 4.0])
    assert now.activity.values[0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 9.0, 9.0, 1.0, 1.0, 1.0]
    check_tidy(path)


def two_frames(value):
    return xr.DataArray(np.full((2, 2), value), dims=("neuron", "time"), coords={"neuron": [0, 1]})


def test_an_edit_through_an_old_handle_loses_no_samples(path):
    """Zarr writes the whole document, with the shape that it had when the array was opened."""
    theirs = zarr.open_group(path, mode="r+")["activity"]
    netxr.append(two_frames(7.0), path, dim="time")
    theirs.attrs["note"] = "mine"
    assert netxr.open(path).sizes["time"] == 7
    (problem,) = netxr.verify(path)
    assert (problem.place, problem.harmless) == ("activity", True)
    assert problem.wrong.endswith("as it was before that: its zarr.json gives another shape or layout")
    netxr.append(two_frames(8.0), path, dim="time")
    now = check_open(path)
    assert now.activity.values[0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 7.0, 8.0, 8.0]
    assert now.activity.attrs["note"] == "mine"
    check_tidy(path)


@pytest.mark.parametrize("values", [["a", "b"], np.array([5, 6], dtype="datetime64[s]"), [5.0, 6.0]])
def test_an_edit_through_an_old_handle_brings_no_replaced_values_back(path, values):
    theirs = zarr.open_group(path, mode="r+")["score"]
    netxr.add(xr.Dataset({"score": ("neuron", values)}), path, replace=True)
    after = netxr.open(path).load()
    theirs.attrs["note"] = "mine"
    assert [(problem.place, problem.harmless) for problem in netxr.verify(path)][:1] == [("score", True)]
    netxr.add(xr.Dataset({"new": 1.0}), path)
    xr.testing.assert_equal(check_open(path).drop_vars("new"), after)
    assert netxr.open(path).score.attrs["note"] == "mine"
    check_tidy(path)


def test_an_old_handle_of_the_group_hides_samples_until_the_next_change(path):
    """Zarr writes the copy that it read when the group was opened, over the newer one."""
    theirs = zarr.open_group(path, mode="r+")
    netxr.append(two_frames(7.0), path, dim="time")
    netxr.add(xr.Dataset({"new": 1.0}), path)
    theirs.attrs["note"] = "mine"
    assert netxr.open(path).sizes["time"] == 5
    (problem,) = (problem for problem in netxr.verify(path) if not problem.harmless)
    assert problem.place == "activity"
    assert "longer than in the copy" in problem.wrong
    netxr.append(two_frames(8.0), path, dim="time")
    now = check_open(path)
    assert now.activity.values[0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 7.0, 8.0, 8.0]
    assert (now.attrs["note"], now.new) == ("mine", 1.0)
    check_tidy(path)


def test_a_replaced_array_beside_an_old_copy_is_reported(path):
    theirs = zarr.open_group(path, mode="r+")
    netxr.add(xr.Dataset({"score": ("neuron", [5.0, 6.0])}), path, replace=True)
    theirs.attrs["note"] = "mine"
    (problem,) = (problem for problem in netxr.verify(path) if not problem.harmless)
    assert problem.place == "score"
    assert "laid out otherwise" in problem.wrong
    with pytest.warns(UserWarning, match="Consolidated metadata"):
        zarr.consolidate_metadata(path)
    netxr.add(xr.Dataset({"new": 1.0}), path)
    assert check_open(path).score.values.tolist() == [5.0, 6.0]
    check_tidy(path)


def test_an_attribute_that_another_program_takes_back_stays_away(path):
    """The document is then like the one before the commit, and yet not what a commit left behind."""
    before = (path / "score" / DOCUMENT).read_bytes()
    with transaction(path) as changes:
        changes.update_attributes({"note": "new"}, name="score")
    (path / "score" / DOCUMENT).write_bytes(before)
    netxr.add(xr.Dataset({"other": 1.0}), path)
    assert "note" not in check_open(path).score.attrs


@pytest.mark.parametrize("name", ["activity", "score"])
@pytest.mark.parametrize("named", [True, False])
def test_a_commit_that_was_cut_off_is_not_taken_for_an_edit(path, monkeypatch, name, named):
    """Not even where another program has meanwhile changed the group, which loses the names of commits."""
    samples = xr.DataArray(np.ones((2, 3)), dims=("neuron", "time"), coords={"neuron": [0, 1]})
    with monkeypatch.context() as patch:
        cut_off(patch)
        if name == "activity":
            netxr.append(samples, path, dim="time")
        else:
            netxr.add(xr.Dataset({"score": ("neuron", [5.0, 6.0])}), path, replace=True)
    assert behind(path) == [name]
    after = netxr.open(path).load()
    if not named:
        zarr.open_group(path, mode="r+").attrs["note"] = "mine"
    netxr.add(xr.Dataset({"new": 1.0}), path)
    xr.testing.assert_equal(check_open(path).drop_vars("new"), after)
    check_tidy(path)


# --- repair -------------------------------------------------------------------


def test_an_array_that_never_was_committed_goes_away(path):
    reserve(path, "new")
    (path / "new" / "c").mkdir()
    (path / "new" / "c" / "0").write_bytes(b"a chunk")
    before = check_open(path)
    assert "new" not in before
    netxr.add(xr.Dataset({"new": 4.0}), path)
    assert check_open(path).new == 4.0
    check_tidy(path)


def test_only_chunks_are_taken_for_chunks(path):
    """What someone put into the folder of an array stays."""
    for name in ("notes.txt", "copy", ".DS_Store"):
        (path / "score" / name).write_text("mine")
    (path / "score" / "c.0").write_bytes(b"left over")
    repair(path)
    names = {entry.name for entry in (path / "score").iterdir()}
    assert names == {DOCUMENT, "c", "notes.txt", "copy", ".DS_Store"}


# --- who may write ------------------------------------------------------------


def test_one_writer_at_a_time(tmp_path):
    with locked(tmp_path), pytest.raises(StoreBusy, match="is being written to by another process"), locked(tmp_path):
        raise AssertionError
    with locked(tmp_path):
        pass


def test_only_its_own_unfinished_names_are_found_beside_a_store(tmp_path):
    mine, other = unfinished_name(tmp_path / "run"), unfinished_name(tmp_path / "run-2")
    for name in (mine, other, tmp_path / "run", tmp_path / f"{STAGING_PREFIX}run-mine"):
        name.mkdir()
    assert unfinished_beside(tmp_path / "run") == [mine]


def test_a_group_is_made_beside_the_store_that_it_will_be_in(path):
    monday, store = left_by_the_dead(path / "monday"), left_by_the_dead(path)
    monday.mkdir()
    store.mkdir()
    assert monday.parent == store.parent == path.parent
    assert unfinished_beside(path / "monday") == [monday]
    assert unfinished_beside(path) == [store]
    check_open(path)
    netxr.save(xr.Dataset({"score": 1.0}), path, group="monday")
    assert not monday.exists()
    netxr.add(xr.Dataset({"new": 1.0}), path)
    netxr.add(xr.Dataset({"new": 1.0}), path / "monday")
    check_tidy(path)


def test_a_store_behind_a_link_is_written_to_where_it_is(path, tmp_path):
    """A link may lead to another disk, and no file can be renamed from one to another."""
    (tmp_path / "elsewhere").mkdir()
    real = path.rename(tmp_path / "elsewhere" / "real.zarr")
    path.symlink_to(real)
    assert unfinished_name(path).parent == real.parent
    assert unfinished_name(path).name.startswith(f"{STAGING_PREFIX}real.zarr-")
    netxr.add(xr.Dataset({"new": 1.0}), path)
    assert path.is_symlink()
    assert check_open(real).new == 1.0
    with pytest.raises(OutputExists):
        netxr.save(xr.Dataset({"new": 1.0}), path)
    check_tidy(real)
