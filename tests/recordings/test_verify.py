import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

import netxr
from netxr.recordings.catalog import catalog
from netxr.recordings.verify import Problem, verify
from netxr.recordings.verify_chunks import MOST_LISTED
from netxr.store.commits import array_to_be
from netxr.store.locks import unfinished_name
from netxr.store.metadata import ROOT, documents, grown
from netxr.store.writers import NAME_LENGTH
from tests.runs import peak_bytes
from tests.store.stores import cut_off, edit, left_by_the_dead, let_count

NEURONS, STEPS, TRIALS = 4, 60, 2
PER_CHUNK = 16


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run with text labels, moments and an estimate, in several chunks."""
    A = netxr.random_connectivity(NEURONS, sparsity=0.5, seed=1)
    run = netxr.simulate(A, n_steps=STEPS, trials=TRIALS, seed=1)
    moments = netxr.lagged_moments(run.activity, lags=[0, 1])[["count", "comoment"]]
    run = run.merge(moments, compat="override", combine_attrs="override")
    run["lagged_correlation"] = netxr.lagged_correlation(run.activity, lags=[0, 1])
    names = list("abcd")
    run = run.assign_coords(neuron=names, target=names, source=names, group=("neuron", [0, 0, 1, -1]))
    path = tmp_path_factory.mktemp("kept") / "run.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netxr.store.layout.CHUNK_BYTES", PER_CHUNK * NEURONS * 8)
        netxr.save(run, path)
    return path


@pytest.fixture
def store(kept, tmp_path):
    return Path(shutil.copytree(kept, tmp_path / "run.zarr"))


def attributes(path, **changes):
    known = json.loads(path.read_text())["attributes"]
    edit(path, attributes=known | changes)


def replace(store, name, values):
    """Put an array of another content in the place of one."""
    shutil.rmtree(store / name)
    known = json.loads((store / "zarr.json").read_text())["attributes"]
    xr.Dataset({name: values}, attrs=known).to_zarr(store, mode="a", consolidated=False)


def chunk_files(store):
    return sorted(path for path in store.rglob("*") if path.is_file() and path.name != "zarr.json")


def wrong(store):
    return [problem for problem in verify(store) if not problem.harmless]


# --- what is sound ----------------------------------------------------------------


def test_a_saved_run_is_sound(store):
    assert len(list((store / "activity" / "c" / "0").iterdir())) == 4
    assert verify(store) == ()
    assert verify(str(store)) == ()


def test_a_store_object_is_sound(store):
    assert verify(zarr.storage.LocalStore(store, read_only=True)) == ()
    in_memory = zarr.storage.MemoryStore()
    netxr.open(store).to_zarr(in_memory, consolidated=False, encoding={})
    assert not [problem for problem in verify(in_memory) if not problem.harmless]


def test_a_streamed_run_is_sound(tmp_path):
    A = netxr.random_connectivity(3, seed=1)
    netxr.simulate(A, n_steps=100, trials=2, seed=1, store=tmp_path / "run.zarr")
    assert verify(tmp_path / "run.zarr") == ()


def test_groups_are_verified_as_well(store):
    shutil.copytree(store, store / "inner")
    assert verify(store) == ()
    (store / "inner" / "activity" / "c" / "0" / "1" / "0").unlink()
    assert [problem.place for problem in verify(store)] == ["inner/activity/c/0/1/0"]


def test_what_is_undefined_is_sound(tmp_path):
    silent = xr.DataArray(np.zeros((3, 20)), dims=("neuron", "time"))
    netxr.save(netxr.lagged_correlation(silent).to_dataset(name="lagged_correlation"), tmp_path / "a.zarr")
    assert verify(tmp_path / "a.zarr") == ()


def test_a_sweep_is_sound_and_says_what_is_missing(tmp_path):
    path = tmp_path / "sweep.zarr"
    netxr.sweep(n_neurons=[4, 5], sparsity=0.5, n_steps=[50, 60], trials=2, permutations=0, store=path)
    assert verify(path) == ()
    zarr.open_group(path, mode="r+")["finished"][0, 0, 1] = False
    (problem,) = verify(path)
    assert "1 of 4 cells" in problem.wrong
    assert problem.harmless


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_stores_of_others_are_sound(tmp_path, kept, zarr_format):
    run = netxr.open(kept).drop_attrs().drop_encoding().assign_coords(target=range(4), source=range(4), neuron=range(4))
    run.to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, consolidated=False)
    assert verify(tmp_path / "a.zarr") == ()


def test_arrays_without_dims_and_without_entries(tmp_path):
    netxr.save(xr.Dataset({"one": 3.5, "none": ("x", np.zeros(0))}), tmp_path / "a.zarr")
    assert verify(tmp_path / "a.zarr") == ()


# --- chunks ---------------------------------------------------------------------------


def test_any_flipped_byte_of_a_chunk_is_found(store):
    rng = np.random.default_rng(1)
    for path in chunk_files(store):
        sound = path.read_bytes()
        at, bit = rng.integers(len(sound)), rng.integers(8)
        path.write_bytes(sound[:at] + bytes([sound[at] ^ (1 << bit)]) + sound[at + 1 :])
        (problem,) = wrong(store)
        assert problem.place == path.relative_to(store).as_posix()
        assert "damaged" in problem.wrong
        path.write_bytes(sound)
    assert verify(store) == ()


@pytest.mark.slow
def test_any_cut_chunk_is_found(store):
    rng = np.random.default_rng(2)
    for path in chunk_files(store):
        sound = path.read_bytes()
        for length in (0, rng.integers(1, len(sound))):
            path.write_bytes(sound[:length])
            assert [problem.place for problem in wrong(store)] == [path.relative_to(store).as_posix()]
        path.write_bytes(sound)


def test_any_missing_chunk_is_found(store):
    for path in chunk_files(store):
        moved = path.rename(store.with_name("moved"))
        (problem,) = wrong(store)
        assert problem.place == path.relative_to(store).as_posix()
        assert "missing" in problem.wrong
        moved.rename(path)


def test_a_problem_says_which_samples(store):
    (store / "activity" / "c" / "0" / "3" / "1").unlink()
    for source in (store, zarr.storage.LocalStore(store)):
        (problem,) = verify(source)
        assert problem[:2] == ("activity/c/0/3/1", "missing: time 48 to 59, trial 1")


def test_many_missing_chunks_are_summed_up(tmp_path):
    dims = ("neuron", "time", "trial")
    netxr.save(xr.Dataset({"activity": (dims, np.ones((1, 1, MOST_LISTED + 50)))}), tmp_path / "a.zarr")
    shutil.rmtree(tmp_path / "a.zarr" / "activity" / "c")
    problems = wrong(tmp_path / "a.zarr")
    assert len(problems) == MOST_LISTED + 1
    assert "50 further chunks" in problems[-1].wrong


def test_a_shape_beyond_all_bounds_ends(store):
    edit(store / "activity" / "zarr.json", shape=[NEURONS, 2**50, TRIALS])
    problems = wrong(store)
    assert any("it is cut into" in problem.wrong for problem in problems)
    edit(store / "activity" / "zarr.json", shape=[NEURONS, 2**20, TRIALS])
    assert any("further chunks are missing" in problem.wrong for problem in wrong(store))


def test_a_chunk_of_nothing_but_nan_is_told(kept, tmp_path, monkeypatch):
    monkeypatch.setattr("netxr.store.layout.CHUNK_BYTES", PER_CHUNK * NEURONS * 8)
    run = netxr.open(kept)[["activity"]].load()
    run.activity[:, PER_CHUNK : 2 * PER_CHUNK, 1] = np.nan
    run.activity[:, 0, 0] = np.nan
    netxr.save(run, tmp_path / "a.zarr")
    (problem,) = verify(tmp_path / "a.zarr")
    assert problem == ("activity/c/0/1/1", "nothing but NaN: time 16 to 31, trial 1", problem.fix, True)


def test_chunks_of_a_killed_append_are_harmless(store):
    whole = grown(documents(store)["activity"], "time", STEPS + 40)
    array_to_be(store, "activity", whole)[:, 64:, :] = 1.0
    (problem,) = verify(store)
    assert problem.harmless
    assert problem.place == "activity"
    assert "chunks: 6, such as c/0/4/0" in problem.wrong


def test_a_run_that_was_appended_to_is_sound(tmp_path):
    run = netxr.simulate(netxr.random_connectivity(3, seed=1), n_steps=80, trials=2, seed=1)
    path = tmp_path / "run.zarr"
    first = run.isel(time=slice(0, 50))
    netxr.save(first.merge(netxr.lagged_moments(first.activity), compat="override", combine_attrs="override"), path)
    for start in (50, 65):
        netxr.append(run.activity.isel(time=slice(start, start + 15)), path, dim="time")
        assert netxr.open(path).sizes["time"] == start + 15
        assert verify(path) == ()


def test_files_of_no_array_are_harmless(store):
    (store / "activity" / "c" / "0" / "00").mkdir()
    for name in ("c/0/0/0.partial", "c/0/00/0", "note.txt", "c.0.0.9", "c/0/0/9"):
        (store / "activity" / name).write_bytes(b"x")
    (problem,) = verify(store)
    assert problem.harmless
    assert "chunks: 4, such as c/0/0/0.partial" in problem.wrong


# --- metadata ---------------------------------------------------------------------------


def test_no_store(tmp_path):
    with pytest.raises(netxr.UnreadableFile, match="no such folder"):
        verify(tmp_path / "nothing")
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "file"):
        (problem,) = verify(place)
        assert "no Zarr group" in problem.wrong
        assert not problem.harmless


def test_an_array_is_no_store(store):
    assert "one array" in verify(store / "activity")[0].wrong


@pytest.mark.parametrize("source", [3, None])
def test_what_is_no_path(source):
    with pytest.raises(netxr.InvalidInput, match="store: got"):
        verify(source)


def test_a_progress_that_is_no_function(store):
    with pytest.raises(netxr.InvalidInput, match="progress: got 3"):
        verify(store, progress=3)


def test_a_later_layout(store):
    attributes(store / "zarr.json", schema_version=99)
    (problem,) = verify(store)
    assert "version 99" in problem.wrong
    assert problem.fix == "Upgrade netxr."


def test_a_layout_that_is_no_number(store):
    attributes(store / "zarr.json", schema_version="two")
    assert [problem.wrong for problem in wrong(store)] == ["schema_version is 'two', not a number"]


def test_an_earlier_layout_opens_and_says_how_to_convert(tmp_path):
    activity = np.ones((3, 40))
    activity[:, 20:30] = np.nan
    run = xr.Dataset({"activity": (("neuron", "time"), activity), "e": ("x", np.full(4, np.nan))})
    chunks = {
        "activity": {"chunks": (3, 10), "_FillValue": None, "fill_value": np.nan},
        "e": {"_FillValue": None, "fill_value": np.nan},
    }
    run.assign_attrs(schema_version=1).to_zarr(
        tmp_path / "a.zarr", consolidated=False, encoding=chunks, write_empty_chunks=False
    )
    old, hole, other = sorted(verify(tmp_path / "a.zarr"), key=lambda problem: problem.place)
    assert "version 1" in old.wrong
    assert "netxr.save" in old.fix
    assert old.harmless
    assert "1 of 4 chunks are not written" in hole.wrong
    assert "time 20 to 29" in hole.wrong
    assert not hole.harmless
    assert other.harmless


def test_dims_of_different_length(store):
    edit(store / "group" / "zarr.json", shape=[3])
    assert any("neuron is of different length" in problem.wrong for problem in wrong(store))


def test_an_array_that_is_named_like_a_dim_of_others(store):
    edit(store / "zarr.json", consolidated_metadata=None)
    edit(store / "group" / "zarr.json", dimension_names=["trial"], shape=[TRIALS])
    assert wrong(store) == []
    (store / "group").rename(store / "time")
    assert [problem[:2] for problem in wrong(store)] == [("time", "named like the dim time, which it does not have")]


def test_a_member_without_metadata(store):
    (store / "connectivity" / "zarr.json").unlink()
    assert [problem[:2] for problem in wrong(store)] == [("connectivity", "its zarr.json is missing")]


def test_an_array_that_zarr_cannot_open(store):
    edit(store / "connectivity" / "zarr.json", codecs=[{"name": "unheard"}])
    (problem,) = wrong(store)
    assert problem.place == "connectivity"
    assert "unheard" in problem.wrong


def test_dims_without_names_and_in_another_order(store):
    edit(store / "connectivity" / "zarr.json", dimension_names=None)
    edit(store / "activity" / "zarr.json", dimension_names=["time", "neuron", "trial"])
    told = {problem.place: problem.wrong for problem in wrong(store)}
    assert told["connectivity"] == "its dims have no names"
    assert told["activity"] == "its dims are time, neuron, trial"


def test_chunks_of_another_layout_are_a_remark(store):
    run = netxr.open(store).activity.load()
    replace(store, "activity", run.drop_encoding().chunk(neuron=2).variable)
    (layout, checksums) = verify(store)
    assert "not of all neurons" in layout.wrong
    assert "no checksums in activity: " in checksums.wrong
    assert layout.harmless
    assert checksums.harmless


def test_labels_that_repeat(store):
    replace(store, "neuron", ("neuron", [1, 2, 2, 2]))
    told = {problem.place: problem.wrong for problem in verify(store)}
    assert told["neuron"] == "2 of 4 labels repeat others"


def test_labels_of_other_neurons(store):
    replace(store, "target", ("target", np.array(list("abcz"), object)))
    told = {problem.place: problem for problem in verify(store) if "checksum" not in problem.wrong}
    assert "1 of 4 labels are of no neuron" in told["target"].wrong
    assert told["target"].harmless
    assert "labelled differently" in told["connectivity"].wrong
    assert not told["connectivity"].harmless
    replace(store, "target", ("target", np.array(list("wxyz"), object)))
    assert "4 of 4 labels are of no neuron" in [problem.wrong.rpartition(" of the")[0] for problem in wrong(store)]


def test_moments_of_fewer_samples(store):
    attributes(store / "zarr.json", missing="raise")
    assert verify(store) == ()
    whole = grown(documents(store)["activity"], "time", STEPS + 4)
    let_count(store, {"activity": whole})
    (problem,) = wrong(store)
    assert problem.place == "count"
    assert "other samples than the 64" in problem.wrong
    attributes(store / "zarr.json", missing="drop")
    assert verify(store) == ()
    let_count(store, {"activity": grown(whole, "time", STEPS - 1)})
    assert any("other samples" in problem.wrong for problem in wrong(store))


def test_an_unfinished_run(store):
    attributes(store / "zarr.json", unfinished="it will be 100 steps")
    (problem,) = verify(store)
    assert "it will be 100 steps" in problem.wrong
    assert problem.harmless


def test_an_outdated_estimate(store):
    attributes(store / "lagged_correlation" / "zarr.json", outdated="40 samples came after it")
    (problem,) = verify(store)
    assert problem[:2] == ("lagged_correlation", "outdated: 40 samples came after it")
    assert problem.harmless
    assert catalog(store).estimates[0] == "lagged_correlation (outdated)"


def test_a_commit_that_was_cut_off(store, monkeypatch):
    known = documents(store)
    array_to_be(store, "activity", grown(known["activity"], "time", 128))[:, STEPS:, :] = 1.0
    cut_off(monkeypatch)
    root = known[ROOT] | {"attributes": known[ROOT]["attributes"] | {"note": "longer"}}
    let_count(store, {ROOT: root, "activity": grown(known["activity"], "time", 128)})
    told = [problem for problem in verify(store) if problem.place != "count"]
    assert [problem.harmless for problem in told] == [True]
    assert "a commit was cut off" in told[0].wrong
    (store / "activity" / "c" / "0" / "7" / "1").unlink()
    assert "activity/c/0/7/1" in [problem.place for problem in wrong(store)]


def test_leftovers_beside_a_store(store):
    mine, file, at_work = left_by_the_dead(store), left_by_the_dead(store), unfinished_name(store)
    far = at_work.with_name(at_work.name.replace(at_work.name[-NAME_LENGTH:], "0" * NAME_LENGTH))
    for folder in (mine, at_work, far):
        folder.mkdir()
    file.write_text("{")
    problems = verify(store)
    assert sorted(problem.place for problem in problems) == sorted([mine.name, file.name, far.name])
    fixes = {problem.place: problem.fix for problem in problems}
    assert fixes[far.name] == "Remove it if that writer was cut off."
    assert all(problem.harmless for problem in problems)


# --- manners -------------------------------------------------------------------------------


def test_progress_counts_every_chunk(store):
    seen = []
    verify(store, progress=lambda *now: seen.append(now))
    total = len(chunk_files(store))
    assert seen == [(k, total) for k in range(1, total + 1)]


def test_a_problem_reads_as_a_line():
    assert str(Problem("", "no Zarr group", "Name one.")) == "the store: no Zarr group. Name one."
    assert str(Problem("activity", "gone")) == "activity: gone."


def test_nothing_is_written(store):
    (store / "activity" / "c" / "0" / "0" / "0").write_bytes(b"x")

    def state():
        return [(path, path.lstat().st_mtime_ns, path.lstat().st_ino) for path in sorted(store.parent.rglob("*"))]

    before = state()
    verify(store)
    assert state() == before


def test_a_chunk_at_a_time_is_in_memory(tmp_path):
    chunk = 2**22
    samples = np.random.default_rng(1).random((64, 20 * chunk // (64 * 8)))
    netxr.save(xr.Dataset({"activity": (("neuron", "time"), samples)}), tmp_path / "a.zarr")
    files = len(chunk_files(tmp_path / "a.zarr"))
    assert files >= 20
    assert verify(tmp_path / "a.zarr") == ()
    assert peak_bytes(lambda: verify(tmp_path / "a.zarr")) < 5 * samples.nbytes / files


def damaged(path, rng):
    """Damage a file in one of four ways."""
    sound = path.read_bytes()
    at = int(rng.integers(max(1, len(sound))))
    way = rng.integers(4)
    if way == 0:
        path.unlink()
    elif way == 1:
        path.write_bytes(sound[:at])
    elif way == 2:
        path.write_bytes(sound[:at] + bytes([rng.integers(256)]) + sound[at + 1 :])
    else:
        path.write_bytes(sound[:at] + rng.bytes(3) + sound[at:])
    return not path.exists() or path.read_bytes() != sound


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_damage_anywhere_is_a_problem_or_an_error_of_netxr(kept, tmp_path, seed):
    rng = np.random.default_rng(seed)
    names = sorted(path.relative_to(kept) for path in kept.rglob("*") if path.is_file())
    for case in range(16):
        store = Path(shutil.copytree(kept, tmp_path / f"{case}.zarr"))
        name = names[rng.integers(len(names))]
        changed = damaged(store / name, rng)
        problems = verify(store)
        assert all(isinstance(problem, Problem) for problem in problems)
        if name.name != "zarr.json" and changed:
            assert name.as_posix() in [problem.place for problem in problems if not problem.harmless]
        assert len(catalog(store.parent)) >= 1
        try:
            netxr.open(store).load()
        except netxr.NetxrError:
            assert [problem for problem in problems if not problem.harmless], name
        shutil.rmtree(store)


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_link_to_a_store_is_verified(store, tmp_path):
    (tmp_path / "link").symlink_to(store)
    assert verify(tmp_path / "link") == ()
