import builtins
import json
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

import netxr
from netxr.recordings.catalog import COLUMNS, catalog, in_brief
from netxr.store.metadata import ROOT, documents, with_copy
from tests.benchmarks.timing import FULL
from tests.runs import peak_bytes
from tests.store.stores import edit


@pytest.fixture(scope="module")
def run():
    A = netxr.random_connectivity(4, sparsity=0.5, seed=1)
    return netxr.simulate(A, n_steps=30, trials=2, seed=7)


def save_all(run, folder):
    recording = xr.Dataset({"activity": run.activity.drop_attrs(deep=False).isel(trial=0, drop=True).astype("f4")})
    netxr.save(run, folder / "run.zarr")
    netxr.save(recording, folder / "recording.zarr")
    netxr.save(netxr.lagged_moments(run.activity), folder / "moments.zarr")
    netxr.save(netxr.lagged_correlation(run.activity).to_dataset(name="lagged_correlation"), folder / "estimate.zarr")
    netxr.save(run[["connectivity"]], folder / "truth.zarr")
    netxr.save(xr.Dataset({"pearson": 0.5}), folder / "scores.zarr")
    netxr.sweep(n_neurons=[5], sparsity=0.5, n_steps=50, trials=2, store=folder / "sweep.zarr")


def test_what_a_folder_holds(run, tmp_path):
    save_all(run, tmp_path)
    table = catalog(tmp_path).set_index("name")
    assert list(table.index) == sorted(path.name for path in tmp_path.iterdir())
    kinds = ["estimate", "moments", "recording", "run", "other", "sweep", "connectivity"]
    assert table.kind.to_list() == kinds
    one = table.loc["run.zarr"]
    assert (one.neurons, one.samples, one.trials, one.seed) == (4, 30, 2, 7)
    assert one.bytes == run.drop_vars("time").nbytes
    assert (one.truth, one.moments, one.estimates, one.problem) == (True, False, "", "")
    assert one.model == run.attrs["model"]
    assert one.created == netxr.open(tmp_path / "run.zarr").attrs["created"]
    assert table.truth["truth.zarr"]
    assert not table.truth["recording.zarr"]
    assert table.loc["recording.zarr", ["trials", "seed"]].isna().all()
    assert table.loc["recording.zarr", "bytes"] == 4 * 30 * 4 + 4 * 8
    assert table.moments["moments.zarr"]
    assert table.estimates["estimate.zarr"] == "lagged_correlation"


def test_a_run_with_moments_and_an_estimate(run, tmp_path):
    whole = run.merge(netxr.lagged_moments(run.activity, lags=[0, 1]), compat="override")
    whole["lagged_correlation"] = netxr.lagged_correlation(run.activity, lags=[0, 1])
    netxr.save(whole, tmp_path / "run.zarr")
    (row,) = catalog(tmp_path / "run.zarr").to_dict("records")
    assert (row["name"], row["kind"], row["moments"], row["estimates"]) == (".", "run", True, "lagged_correlation")


def test_every_name_opens(run, tmp_path):
    netxr.save(run, tmp_path / "b.zarr")
    netxr.save(xr.Dataset(), tmp_path / "a.zarr")
    for name in ("two", "one"):
        netxr.save(run, tmp_path / "a.zarr" / name)
    for source in (tmp_path, tmp_path / "a.zarr"):
        names = catalog(source).name.to_list()
        assert all("activity" in netxr.open(Path(source) / name) for name in names)
    assert catalog(tmp_path).name.to_list() == ["a.zarr/one", "a.zarr/two", "b.zarr"]
    assert names == ["one", "two"]


def test_a_store_object_and_a_folder_say_the_same(run, tmp_path):
    netxr.save(run, tmp_path / "run.zarr")
    netxr.save(run, tmp_path / "run.zarr" / "again")
    from_store = catalog(zarr.storage.LocalStore(tmp_path / "run.zarr"))
    pd.testing.assert_frame_equal(from_store, catalog(tmp_path / "run.zarr"))
    assert from_store.name.to_list() == [".", "again"]


def test_a_store_in_memory(run):
    store = zarr.storage.MemoryStore()
    run.to_zarr(store, consolidated=False)
    assert catalog(store).kind.to_list() == ["run"]


def test_nothing_at_a_url():
    pytest.importorskip("obstore")
    with pytest.raises(netxr.UnreadableFile, match="memory://"):
        catalog("memory:///nothing")


def test_zarr_version_2(run, tmp_path):
    run.to_zarr(tmp_path / "old.zarr", zarr_format=2, consolidated=False)
    (row,) = catalog(tmp_path).to_dict("records")
    assert (row["kind"], row["neurons"], row["samples"], row["trials"]) == ("run", 4, 30, 2)
    assert row["bytes"] == sum(variable.nbytes for variable in run.variables.values())


def test_text_counts_nothing(run, tmp_path):
    netxr.save(run[["activity"]].assign_coords(neuron=list("abcd")), tmp_path / "run.zarr")
    (row,) = catalog(tmp_path).to_dict("records")
    assert row["bytes"] == run.activity.nbytes + run.trial.nbytes


def test_an_empty_folder(tmp_path):
    empty = catalog(tmp_path)
    assert list(empty.columns) == list(COLUMNS)
    assert len(empty) == 0
    netxr.save(xr.Dataset(), tmp_path / "a.zarr")
    assert catalog(tmp_path).dtypes.equals(empty.dtypes)
    assert catalog(tmp_path).kind.to_list() == ["empty"]


def test_what_is_no_store_is_not_listed(run, tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "figures").mkdir()
    netxr.save(run, tmp_path / ".staging-run.zarr-00000000000000000000000000000000")
    assert catalog(tmp_path).empty


def test_links_to_stores_are_listed_and_loops_end(run, tmp_path):
    netxr.save(run, tmp_path / "kept.zarr")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.zarr").symlink_to(tmp_path / "kept.zarr")
    (folder / "up").symlink_to(tmp_path)
    (folder / "gone.zarr").symlink_to(tmp_path / "nowhere")
    (tmp_path / "kept.zarr" / "self").symlink_to(tmp_path / "kept.zarr")
    assert catalog(folder).name.to_list()[0] == "a.zarr"
    assert len(catalog(folder)) <= 2


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON"),
        (b"{}", "neither of a Zarr group nor of an array"),
        (b'{"node_type": "group"}', ""),
        (b'{"node_type": "group", "attributes": [1]}', "attributes are no JSON object"),
        (b'{"node_type": "array", "shape": [1], "data_type": "int8"}', "one array"),
        (b'{"node_type": "array", "shape": [99999999999999999999]}', "its shape is"),
        (b'{"node_type": "group", "consolidated_metadata": 3}', "copy of the metadata"),
        (None, "without zarr.json"),
    ],
)
def test_a_broken_store_says_so_beside_the_others(run, tmp_path, damage, told):
    netxr.save(run, tmp_path / "good.zarr")
    netxr.save(run, tmp_path / "bad.zarr")
    path = tmp_path / "bad.zarr" / "zarr.json"
    path.unlink() if damage is None else path.write_bytes(damage)
    table = catalog(tmp_path).set_index("name")
    assert told in table.problem["bad.zarr"]
    assert bool(told) == (table.kind["bad.zarr"] == "broken")
    assert table.problem["good.zarr"] == ""


@pytest.mark.parametrize("shape", ["[-1]", '["4"]', "4", "[4, 4, 4, 4]", "[1e3, 2, 3]", "null"])
def test_a_broken_array_says_so_beside_the_others(run, tmp_path, shape):
    netxr.save(run, tmp_path / "a.zarr")
    path = tmp_path / "a.zarr" / "activity" / "zarr.json"
    edit(path, shape=json.loads(shape))
    (row,) = catalog(tmp_path).to_dict("records")
    assert (row["kind"], "'activity': its" in row["problem"]) == ("broken", True)
    edit(tmp_path / "a.zarr" / "zarr.json", consolidated_metadata=None)  # as older releases and other programs write it
    (row,) = catalog(tmp_path).to_dict("records")
    assert "activity: its" in row["problem"]
    assert row["kind"] == "connectivity"
    assert row["neurons"] == 4


@pytest.mark.parametrize("consolidated", [True, False])
def test_labels_that_nobody_can_have_stored_are_said_by_all(run, tmp_path, consolidated):
    path, many = tmp_path / "a.zarr", [10**10]
    netxr.save(run, path)
    netxr.save(run, tmp_path / "good.zarr")
    regular = {"name": "regular", "configuration": {"chunk_shape": many}}
    edit(path / "trial" / "zarr.json", shape=many, chunk_grid=regular)
    if not consolidated:  # as older releases and other programs write it
        edit(path / "zarr.json", consolidated_metadata=None)
    else:
        root = json.loads((path / "zarr.json").read_text())
        root["consolidated_metadata"]["metadata"]["trial"] |= {"shape": many, "chunk_grid": regular}
        (path / "zarr.json").write_text(json.dumps(root))
    wrong = r"of 10,000,000,000 entries, \d+ bytes are there"
    tables = []
    assert peak_bytes(lambda: tables.append(catalog(tmp_path))) < 10**7
    listed, good = tables[0].to_dict("records")
    assert re.fullmatch(f"trial: {wrong}", listed["problem"])
    assert (listed["trials"], good["trials"], good["problem"]) == (2, 2, "")
    assert re.fullmatch(wrong, {problem.place: problem.wrong for problem in netxr.verify(path)}["trial"])
    with pytest.raises(netxr.UnreadableFile, match=f"trial: {wrong}"):
        netxr.open(path)


def test_a_later_layout_is_told(run, tmp_path):
    netxr.save(run, tmp_path / "a.zarr")
    path = tmp_path / "a.zarr" / "zarr.json"
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 99'))
    assert "version 99" in catalog(tmp_path).problem[0]


def test_what_counts_where_a_commit_was_cut_off(run, tmp_path):
    netxr.save(run, tmp_path / "a.zarr")
    known = documents(tmp_path / "a.zarr")
    known["activity"]["shape"][1] = 20
    root = known.pop(ROOT)
    root["attributes"] |= {"unfinished": "40 steps"}
    (tmp_path / "a.zarr" / "zarr.json").write_text(json.dumps(with_copy({ROOT: root, **known})))
    (row,) = catalog(tmp_path).to_dict("records")
    assert (row["samples"], row["unfinished"], row["problem"]) == (20, "40 steps", "")


def test_seeds_of_any_size_and_kind(run, tmp_path):
    for name, seed in {"a": 2**64 - 1, "b": [1, 2]}.items():
        netxr.save(run.assign_attrs(seed=seed), tmp_path / f"{name}.zarr")
    assert catalog(tmp_path).seed.to_list() == [2**64 - 1, [1, 2]]


@pytest.mark.parametrize("source", [3, None, ["a"]])
def test_what_is_no_source(source):
    with pytest.raises(netxr.InvalidInput, match="source: got"):
        catalog(source)


def test_a_missing_folder_and_a_file(tmp_path):
    with pytest.raises(netxr.UnreadableFile, match="there is no such folder"):
        catalog(tmp_path / "nothing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(netxr.UnreadableFile, match="a file, not a folder"):
        catalog(tmp_path / "file")


def test_only_metadata_are_read(run, tmp_path, monkeypatch):
    for k in range(5):
        netxr.save(run, tmp_path / f"{k}.zarr")
    real, opened = builtins.open, []

    def counting(file, *args, **kwargs):
        opened.append(str(file))
        return real(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", counting)
    monkeypatch.setattr(zarr, "open_group", lambda *_, **__: pytest.fail("opened"))
    table = catalog(tmp_path)
    assert len(table) == 5
    assert sorted(opened) == sorted(map(str, tmp_path.glob("*/zarr.json")))


@pytest.mark.benchmark
def test_time_over_that_of_reading_the_documents(run, tmp_path):
    """200 runs, few at small size; the floor reads and parses the same files."""
    n_runs = 200 if FULL else 20
    netxr.save(run, tmp_path / "000.zarr")
    for k in range(1, n_runs):
        shutil.copytree(tmp_path / "000.zarr", tmp_path / f"{k:03}.zarr")
    paths = [str(path) for path in tmp_path.rglob("zarr.json")]

    def seconds(function):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return min(times)

    def floor():
        for path in paths:
            with open(path, "rb") as file:  # noqa: PTH123 - the quickest there is
                json.loads(file.read())

    whole, bare = seconds(lambda: catalog(tmp_path)), seconds(floor)
    print(f"\ncatalog of {n_runs} runs, {len(paths)} documents: {whole:.3f} s, {whole / bare:.2f} x reading them")
    assert len(catalog(tmp_path)) == n_runs


def test_numbers_are_counted_by_their_type(tmp_path):
    values = {kind: np.zeros((3, 5), kind) for kind in ("bool", "i1", "u2", "f4", "f8", "c8", "c16", "M8[ns]")}
    dataset = xr.Dataset({f"x{k}": (("a", "b"), one) for k, one in enumerate(values.values())})
    netxr.save(dataset, tmp_path / "a.zarr")
    assert catalog(tmp_path).bytes[0] == dataset.nbytes


def test_repositories_of_versions_are_listed_with_their_groups(tmp_path):
    pytest.importorskip("icechunk")
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=20, seed=1)
    with netxr.versioned(tmp_path / "runs.icechunk", message="two days") as store:
        netxr.save(run, store, group="monday")
        netxr.save(run.isel(time=slice(0, 9)), store, group="tuesday")
    netxr.save(run, tmp_path / "run.zarr")
    listed = netxr.catalog(tmp_path)
    assert listed.name.tolist() == ["run.zarr", "runs.icechunk/monday", "runs.icechunk/tuesday"]
    assert listed.samples.tolist() == [20, 20, 9]
    assert netxr.catalog(tmp_path / "runs.icechunk").name.tolist() == ["monday", "tuesday"]
    assert netxr.verify(tmp_path / "runs.icechunk") == ()


# --- in brief -----------------------------------------------------------------------------


def test_in_brief_by_hand(run, tmp_path):
    save_all(run, tmp_path)
    brief = in_brief(catalog(tmp_path)).set_index("name")
    created = netxr.open(tmp_path / "run.zarr").attrs["created"]
    assert brief.loc["run.zarr"].to_list() == ["run", "2.11 KiB", "4", "30", "2", "A", created[:10]]
    assert brief.holds["estimate.zarr"] == "R"
    assert brief.holds["moments.zarr"] == "moments"
    assert brief.samples["truth.zarr"] == "-"


def test_several_and_outdated_estimates_in_brief(run, tmp_path):
    R = netxr.lagged_correlation(run.activity)
    both = run.assign(lagged_correlation=R, correlation=netxr.estimate(run, method="correlation"))
    both.correlation.attrs["outdated"] = "made before"
    netxr.save(both, tmp_path / "a.zarr")
    assert in_brief(catalog(tmp_path)).holds[0] == "A, 2 R outdated"


def test_a_catalog_shows_itself_in_100_columns(run, tmp_path):
    name = "a_name_of_" + 60 * "x" + ".zarr"
    netxr.save(run.assign(lagged_correlation=netxr.lagged_correlation(run)), tmp_path / name)
    listed = catalog(tmp_path)
    for text in (repr(listed), str(listed)):
        assert max(map(len, text.splitlines())) <= 100
        assert "a_name_of_x" in text
        assert "….zarr" in text or "…" in text
    assert name in listed.name.to_list()
    page = listed._repr_html_()
    assert page.startswith("<table")
    assert "<td>run</td>" in page
    assert type(listed[["name"]]) is pd.DataFrame
    assert repr(catalog(tmp_path / name).iloc[:0]) != ""


def test_long_names_in_a_notebook_are_text(run, tmp_path):
    netxr.save(run, tmp_path / "<b>.zarr")
    assert "<b>" not in catalog(tmp_path)._repr_html_()


def test_a_catalog_of_nothing_says_so(tmp_path):
    assert repr(catalog(tmp_path)) == "no store"
