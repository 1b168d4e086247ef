"""Files of the folder that are no stores: listed with what they are, and imported in place."""

from html import unescape

import numpy as np
import panel as pn
import pytest

import netxr
from netxr.app.frame.folder import Folder
from netxr.app.recording.choice import neurons_of
from netxr.errors import InvalidInput
from netxr.recordings.export import csv
from tests.app.views import choose, opened, press, table


@pytest.fixture
def raw(tmp_path):
    """A folder with a plain array, a file that is no recording, and one that is not whole."""
    samples = np.random.default_rng(0).standard_normal((300, 4))
    np.save(tmp_path / "traces.npy", samples)
    (tmp_path / "notes.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    (tmp_path / "plots").mkdir()
    return tmp_path, samples


def test_files_are_listed_with_what_they_are_or_why_they_cannot_be_imported(raw):
    folder, _ = raw
    listed = {file.name: file for file in Folder(folder).files()}
    assert set(listed) == {"cut.npz", "notes.xls", "traces.npy"}
    assert listed["traces.npy"].is_array
    assert not listed["traces.npy"].problem
    assert "Excel" in listed["notes.xls"].problem
    assert listed["cut.npz"].problem
    assert str(folder) not in listed["cut.npz"].problem + listed["notes.xls"].problem


@pytest.fixture
def tested():
    """A small table of edges, and the estimate that it is from."""
    run = netxr.simulate(netxr.random_connectivity(6, sparsity=0.5, seed=1), n_steps=500, seed=1)
    found = netxr.correlation_test(run.activity.isel(trial=0)).compute()
    return netxr.edges(found, q=0.9), found


def test_what_is_no_recording_is_listed_with_one_short_reason(tmp_path, tested):
    pytest.importorskip("pyarrow")
    edges, found = tested
    for name in ("log.out", "server.pid", "notes.xlsx"):
        (tmp_path / name).write_text("123\n")
    (tmp_path / "none.csv").touch()
    (tmp_path / "odd.npy").write_text("no array")
    edges.to_dataframe().to_csv(tmp_path / "table.csv")
    edges.to_dataframe().to_parquet(tmp_path / "table.parquet")
    (tmp_path / "exported.csv").write_text(csv(edges))
    (tmp_path / "pairs.csv").write_text(csv(found[["lagged_correlation"]]))
    np.savetxt(tmp_path / "samples.csv", np.eye(3), delimiter=",", header="a,b,c", comments="")
    (tmp_path / "README.txt").write_text("In May 2026, 12 mice ran.\n\n# see the paper\nAsk, please, before use.\n")
    (tmp_path / "dated.csv").write_text("when,a\nunit,mV\n" + "2026-05-01 10:00:00,0.5\n" * 3)
    said = {file.name: file.problem for file in Folder(tmp_path).files()}
    assert said.pop("samples.csv") == said.pop("dated.csv") == ""
    assert said.pop("README.txt") == "text without a line of numbers, no recording"
    assert {said.pop(name) for name in ("log.out", "server.pid", "notes.xlsx")} == {"no recording"}
    assert said.pop("none.csv") == "an empty file"
    odd = said.pop("odd.npy")
    assert odd.startswith("suffix .npy, but its content begins with")
    assert "format=" not in odd
    assert said == dict.fromkeys(
        ["table.csv", "table.parquet", "exported.csv", "pairs.csv"], "a list of edges, no recording"
    )


def test_of_a_file_of_long_lines_only_the_beginning_is_listed(tmp_path, monkeypatch):
    (tmp_path / "wide.csv").write_text("\n".join([",".join(["0.125"] * 20_000)] * 3))
    monkeypatch.setattr("netxr.app.frame.folder.lists_edges", pytest.fail)
    (file,) = Folder(tmp_path).files()
    assert file.is_array
    assert not file.problem


def test_what_is_imported_is_offered_in_tabs_that_were_open_already(pages, raw):
    folder, _ = raw
    page = opened(pages, folder, "?tab=compare")
    page.page.chosen.value = "Recording"
    page.wait()
    choose(page, "Axes", ("time", "neuron"))
    press(page, "Import traces.npy")
    page.page.chosen.value = "Compare"
    assert "traces.zarr" in page.wait().widget("Store").options.values()


def test_stores_in_folders_of_the_folder_are_named(pages, raw):
    folder, _ = raw
    (folder / "day one").mkdir()
    netxr.save(netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=60, seed=1), folder / "day one" / "a.zarr")
    text = opened(pages, folder, "?tab=recording").text()
    assert "Not looked into: day one (1 store)." in text
    assert "plots" not in text


def test_a_file_is_imported_in_place_and_opens(pages, raw):
    folder, samples = raw
    page = opened(pages, folder, "?tab=recording")
    assert "Excel" in page.text()
    choose(page, "Axes", ("time", "neuron"))
    page.widget("Samples per second").value = 50.0
    press(page, "Import traces.npy")
    assert "traces.npy was imported as traces.zarr." in page.messages[0]
    assert "1 store, 1 file to import" in page.session.where.object
    stored = netxr.open(folder / "traces.zarr")
    np.testing.assert_array_equal(stored.activity.transpose("time", "neuron"), samples)
    assert stored.activity.attrs["sampling_interval"] == 0.02
    assert table(page).activity.size == samples.size
    np.testing.assert_array_equal(np.load(folder / "traces.npy"), samples)


def test_a_rate_that_is_typed_agrees_with_times_in_milliseconds(pages, tmp_path):
    rows = [f"{20 * k},{k % 7},{k % 5}" for k in range(100)]
    (tmp_path / "mouse.csv").write_text("\n".join(["time_ms,a,b", *rows]))
    page = opened(pages, tmp_path, "?tab=recording")
    choose(page, "Axes", ("time", "neuron"))
    page.widget("Samples per second").value = 49.0
    press(page, "Import mouse.csv")
    assert "got 0.02040816326530612 s; expected none, or 20 ms" in page.text()
    page.widget("Samples per second").value = 50.0
    press(page, "Import mouse.csv")
    assert "mouse.csv was imported as mouse.zarr." in page.messages[0]
    assert "A sample every 20 ms." in page.text()


def test_what_a_loader_warns_of_is_said_with_the_import_in_the_words_of_the_form(pages, tmp_path):
    rows = [f"{20 * k},{k % 7},{k % 5}" for k in range(100)]
    (tmp_path / "mouse.csv").write_text("\n".join(["time,a,b", *rows]))
    page = opened(pages, tmp_path, "?tab=recording")
    choose(page, "Axes", ("time", "neuron"))
    press(page, "Import mouse.csv")
    (said,) = map(unescape, page.messages)
    assert "mouse.csv was imported as mouse.zarr. mouse.csv: its column 'time' names no unit" in said
    assert "its steps of 20 are taken for seconds. If they are not, call it time_ms and import the file again." in said
    assert "--warn" in str(page.session.messages[0].styles)


def test_what_a_file_marks_as_no_cell_and_what_is_missing_in_it_is_said(pages, tmp_path):
    plane, x = tmp_path / "plane0", np.random.default_rng(0).standard_normal((4, 90)).astype(np.float32)
    plane.mkdir()
    x[2, [5, 8]] = np.nan
    np.save(plane / "F.npy", x)
    np.save(plane / "iscell.npy", np.array([[1, 0.9], [0, 0.2], [1, 0.7], [0, 0.6]]))
    page = opened(pages, tmp_path, "?tab=recording")
    press(page, "Import plane0")
    said = page.messages[0]
    assert "2 of 4 neurons have iscell = False; to keep the others alone, write iscell=True into Neurons" in said
    assert "2 samples of 1 of 4 neurons are missing (NaN or infinite): 2. In step 2, Clean" in said
    kept = neurons_of(netxr.open(tmp_path / "plane0.zarr").activity, "iscell=True")
    assert netxr.select(netxr.open(tmp_path / "plane0.zarr"), **kept).neuron.values.tolist() == [0, 2]


def test_stores_and_files_are_one_table_and_open_from_it(pages, raw):
    folder, _ = raw
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=60, seed=1)
    for name in ("first.zarr", "second.zarr"):
        netxr.save(run, folder / name)
    netxr.sweep(n_neurons=[4], n_steps=50, trials=1, store=folder / "sweep.zarr")
    page = opened(pages, folder, "?tab=recording")
    names = ["first.zarr", "second.zarr", "sweep.zarr", "cut.npz", "notes.xls", "traces.npy"]
    places = [page.text().index(f">{name}<") for name in names]
    assert places == sorted(places)
    assert "No recording open yet" in page.text()
    assert "4 neurons x 60 samples" in page.text()
    assert "see Map" in page.text()
    open_buttons = [one for one in page.page.body.select(pn.widgets.Button) if one.name == "Open"]
    assert len(open_buttons) == 2
    open_buttons[1].clicks += 1
    page.wait()
    assert page.page._settings["Recording"].recording == "second.zarr"
    panel = page.page._views["Recording"].results
    shown = [one for one in panel if getattr(one, "visible", True)]
    page.widget("All files").value = True
    assert len([one for one in panel if one.visible]) == len(shown) + 1
    assert [one.name for one in page.page.body.select(pn.widgets.Button)].count("Open") == 1


@pytest.mark.parametrize("name", ["../out.zarr", "/tmp/out.zarr", "", ".hidden", "a/b.zarr"])  # noqa: S108
def test_a_store_is_made_in_the_folder_alone(pages, raw, name):
    folder, _ = raw
    page = opened(pages, folder, "?tab=recording")
    page.widget("Name of the store").value = name
    press(page, "Import traces.npy")
    assert "store: got" in page.text()
    assert sorted(one.name for one in folder.iterdir()) == ["cut.npz", "notes.xls", "plots", "traces.npy"]


def test_what_is_wrong_with_an_import_stands_in_its_form_in_the_words_of_the_form(pages, raw):
    folder, _ = raw
    scipy = pytest.importorskip("scipy.io")
    scipy.savemat(folder / "two.mat", {"a": np.ones((5, 9)), "b": np.ones((5, 9))})
    page = opened(pages, folder, "?tab=recording")
    press(page, "Import two.mat")
    assert "Axes: got none; expected whether a row is a neuron or a sample." in page.text()
    choose_axes(page, ("neuron", "time"))
    press(page, "Import two.mat")
    form = next(one for one in page.page.body.select(pn.Column) if any(part.name == "Import two.mat" for part in one))
    assert "Which array: got none of its names" in form[-1][0].object
    assert not page.messages
    page.widget("Name of the store").value = "../up.zarr"
    press(page, "Import traces.npy")
    assert "store: got" in page.text()
    assert not page.messages


def choose_axes(page, axes):
    """Say in all forms what a row is."""
    for widget in page.page.body.select(pn.widgets.Select):
        if widget.name == "Axes":
            widget.value = axes
    page.wait()


def test_labels_of_a_table_whose_rows_are_called_neurons_are_refused_in_the_words_of_the_form(pages, tmp_path):
    (tmp_path / "mouse.csv").write_text("a,b\n" + "\n".join(f"{k % 7},{k % 5}" for k in range(100)))
    page = opened(pages, tmp_path, "?tab=recording")
    choose_axes(page, ("neuron", "time"))
    press(page, "Import mouse.csv")
    assert "mouse.csv: its first line is no numbers (a, b, ...); labels go only with the axes" in page.text()
    assert "&quot;a row is a sample&quot;" in page.text()
    assert str(tmp_path) not in page.text()
    assert "dims=" not in page.text()


def test_a_folder_of_suite2p_is_told_its_rate_and_an_array_its_shape(pages, tmp_path):
    plane = tmp_path / "suite2p" / "plane0"
    plane.mkdir(parents=True)
    np.save(plane / "F.npy", np.random.default_rng(0).standard_normal((3, 1200)).astype("f4"))
    np.save(tmp_path / "x.npy", np.zeros((3, 1200)))
    page = opened(pages, tmp_path, "?tab=recording")
    assert "npy, 3 x 1,200: which axis is time?" in page.text()
    for rate in page.page.body.select(pn.widgets.FloatInput):
        if rate.name.startswith("Samples per second"):
            rate.value = 30.0
    press(page, "Import suite2p")
    assert netxr.open(tmp_path / "suite2p.zarr").activity.attrs["sampling_interval"] == pytest.approx(1 / 30)
    assert "3 neurons, 1,200 samples" in page.text()


def test_a_free_name_is_offered_and_a_rate_that_is_no_number_is_not_known(pages, raw):
    folder, samples = raw
    for name in ("traces.zarr", "traces_2.zarr"):
        (folder / name).mkdir()
    page = opened(pages, folder, "?tab=recording")
    assert page.widget("Name of the store").value == "traces_3.zarr"
    rate = page.widget("Samples per second")
    for typed in (float("nan"), float("inf"), None):
        rate.value = typed
        assert rate.value == 0.0
    choose(page, "Axes", ("time", "neuron"))
    press(page, "Import traces.npy")
    assert netxr.open(folder / "traces_3.zarr").activity.size == samples.size


def test_no_other_file_is_read(raw):
    folder, _ = raw
    for name in ("../secret.npy", "/etc/passwd", "plots", "traces.npy/.."):
        with pytest.raises(InvalidInput, match="not in the list"):
            Folder(folder).raw_path(name)


def test_the_only_recording_opens_itself(pages, tmp_path):
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=60, seed=1)
    netxr.save(run, tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "")
    assert table(page).activity.size == 240
    assert "4 neurons x 60 samples" in page.text()
