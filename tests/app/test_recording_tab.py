import shutil
import threading
from functools import partial
from html import escape

import holoviews as hv
import numpy as np
import panel as pn
import param
import pytest
import xarray as xr
from click.testing import CliRunner

import netxr
from netxr.app.frame.limits import check_size
from netxr.app.recording.choice import Choice, chosen_activity, chosen_truth, lags_of, neurons_of
from netxr.app.recording.compute import estimate_of, excerpt_of, foretold
from netxr.cli import main
from netxr.errors import InvalidInput
from netxr.estimators.apply import compared
from tests.app.pages import OpenPage
from tests.app.views import (
    choose,
    dimmed,
    download,
    figures,
    lines,
    open_step,
    opened,
    panels_of,
    press,
    run_lines,
    table,
)
from tests.marks import slow

ANY = Choice("1", 0, "all", "neurons", 4, "lagged_correlation", "raise", False)


@pytest.fixture
def own_library(library, tmp_path):
    """A copy that may be written to."""
    return shutil.copytree(library, tmp_path / "library")


def correlated(x, lag):
    """x (neuron, time): every target with every source, by a loop."""
    n, T = x.shape
    return np.array([[np.corrcoef(x[i, lag:], x[j, : T - lag])[0, 1] for j in range(n)] for i in range(n)])


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "got ''"), ("one", "expected lags in samples"), ("-1", "'-1'"), ("1.5", "'1.5'"), ("3-", "'3-'")],
)
def test_what_is_no_lag(text, message):
    with pytest.raises(InvalidInput, match=message):
        lags_of(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" ", "no neuron"),
        ("0, 99", "'99', which is no neuron"),
        ("depth=3", "'depth=3', which is no neuron"),
        ("group=V9", r"the group 'V9'; expected a group of the recording \(V1, V2\)"),
        ("5:3", "no neuron"),
    ],
)
def test_what_is_no_choice_of_neurons(library, text, message):
    with pytest.raises(InvalidInput, match=message):
        neurons_of(netxr.open(library / "grouped.zarr").activity, text)


def test_the_truth_is_of_the_same_neurons_and_groups(library):
    run = netxr.open(library / "grouped.zarr")
    A = run.connectivity.values
    chosen = chosen_truth(run, ANY._replace(neurons="3, 0:1"))
    np.testing.assert_array_equal(chosen, A[np.ix_([3, 0, 1], [3, 0, 1])])
    coarse = chosen_truth(run, ANY._replace(level="group", neurons="6:9"))
    expected = [[A[np.ix_(i, j)].mean() for j in ([6, 7], [8, 9])] for i in ([6, 7], [8, 9])]
    np.testing.assert_allclose(coarse, expected)
    assert chosen_activity(run, ANY._replace(level="group", neurons="6:9")).neuron.values.tolist() == ["V1", "V2"]


def test_an_excerpt_says_when_it_begins(library):
    x = netxr.open(library / "grouped.zarr").activity.drop_vars("time")
    x = x.assign_attrs(sampling_interval=0.5, start_time=3.0)
    part = excerpt_of(x, start=10, length=20, memory=2**30)
    np.testing.assert_array_equal(part, x[:, 10:30, 0].transpose("neuron", "time"))
    assert part.start_time == 8.0
    with pytest.raises(InvalidInput, match="start: got 399; expected a sample of the recording, 0 to 398"):
        excerpt_of(x, start=399, length=20, memory=2**30)
    assert excerpt_of(x, start=398, length=20, memory=2**30).sizes["time"] == 2
    with pytest.raises(InvalidInput, match=r"take 11.2 KiB; expected at most 1 KiB"):
        excerpt_of(x, start=10, length=20, memory=2**10)


def test_too_large_a_matrix_names_both_figures():
    with pytest.raises(InvalidInput, match="got 10,001 of them; expected at most 10,000"):
        check_size(10_001, 1, memory=2**50)
    with pytest.raises(
        InvalidInput, match=r"2,000 neurons at 3 lags, whose matrices take 549 MiB; expected at most 100 MiB"
    ):
        check_size(2_000, 3, memory=100 * 2**20)


def test_a_budget_that_no_pass_stays_within(library):
    with pytest.raises(InvalidInput, match="got 1 MiB; expected at least"):
        estimate_of(netxr.open(library / "grouped.zarr"), ANY, memory=2**20, compute=lambda lazy: lazy.compute())


def test_a_recording_is_looked_at_before_anything_is_estimated(pages, library, monkeypatch):
    monkeypatch.setattr(netxr, "estimate", None)
    page = opened(pages, library, "?tab=recording")
    assert not figures(page)
    choose(page, "Recording", "grouped.zarr")
    assert len(figures(page)) == 2
    assert not page.messages
    assert "12 neurons x 400 samples x 2 trials" in page.text()
    assert "12 neurons, 400 samples, 2 trials." in page.text()
    assert "It does not say how long a sample is. Its connectivity is known." in page.text()
    assert page.location.search == "?tab=recording&recording=grouped.zarr"


@pytest.mark.parametrize(
    ("search", "chosen"),
    [("", slice(None)), ("&neurons=2,5,7", [2, 5, 7]), ("&neurons=group%3DV2", [8, 9, 10, 11])],
)
def test_an_estimate_is_the_correlation(pages, library, search, chosen):
    page = opened(pages, library, f"?tab=recording&recording=grouped.zarr&view=estimate&trial=1&lags=2{search}")
    x = netxr.open(library / "grouped.zarr").activity[:, :, 1].values[chosen]
    np.testing.assert_allclose(table(page).lagged_correlation, correlated(x, 2).ravel(), atol=1e-10)
    assert not page.messages


def test_groups_and_pooled_trials(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate&trial=-1&level=group")
    run = netxr.open(library / "grouped.zarr").compute()
    level = netxr.coarsen(run.drop_vars("connectivity"))
    expected = netxr.lagged_correlation(level.activity, lag=1, dim=("time", "trial"))
    np.testing.assert_allclose(table(page).lagged_correlation, expected.values.ravel(), atol=1e-10)


def test_without_a_truth_it_says_how_well_estimators_would_find_one(pages, library, tmp_path):
    run = netxr.open(library / "grouped.zarr")
    unknown = run.drop_vars("connectivity")
    said = foretold(unknown, ANY, lag=2)
    expected = netxr.recoverability(chosen_activity(unknown, ANY), lag=2)
    assert said.startswith(f"Of couplings that act at lag 2. {expected.sentence}")
    assert "Gains of neurons count" in said
    assert not foretold(unknown, ANY, lag=0)
    assert not foretold(run, ANY, lag=1)
    netxr.save(unknown.compute(), tmp_path / "unknown.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=estimate&lags=1-2&lag=2")
    assert escape(said) in page.text()
    choose(page, "Lag shown", 1)
    assert "Of couplings that act at lag 1." in page.text()
    assert escape(said) not in page.text()
    choose(page, "Neurons", "0, 99")  # there is no such neuron
    (foot,) = [one for one in dimmed(page) for pane in one if "couplings that act" in getattr(pane, "object", "")]
    assert len(foot) == 1
    choose(page, "Neurons", "all")
    choose(page, "Lag shown", 2)
    assert escape(said) in page.text()
    assert "Up to date" in page.text()
    open_step(page, "Recording")
    assert escape(said) not in page.text()


VIEWS = [
    "recording=grouped.zarr&start=50&length=100",
    "recording=grouped.zarr&view=estimate&level=group&lags=0-2&lag=2&diagonal=yes",
    "recording=grouped.zarr&view=agreement&level=number&groups=6&trial=-1",
    "recording=grouped.zarr&view=lags&lags=0-3&missing=drop",
    "recording=estimated.zarr&view=beside&marked=1%20%3C-%200:2",
    "recording=grouped.zarr&view=clean&high_pass=0.1&z_score=yes&bad_frames=yes&start=50&length=100",
    *slow(
        "recording=estimated.zarr&view=estimate&marked=1%20%3C-%202&lags=0-2",
        "recording=grouped.zarr&view=estimate&trial=1&neurons=0:5",
        "recording=grouped.zarr&view=estimate&high_pass=0.1&difference=yes",
    ),
]


@pytest.mark.parametrize("search", VIEWS)
def test_the_lines_make_the_view_and_the_files_hold_it(pages, library, search):
    page = opened(pages, library, f"?tab=recording&{search}")
    assert not page.messages
    space, figure = run_lines(page)
    assert [type(each) for each in panels_of(figure)] == [type(each) for each in figures(page)]
    shown = table(page)
    if "R" in space:
        R = space["R"]
        at_lag = shown[shown.lag == R.lag.item()] if "lag" in shown and not R.lag.ndim else shown
        np.testing.assert_allclose(R.values.ravel(), at_lag.lagged_correlation, atol=1e-12)
    else:
        part = space["activity"].isel(trial=0, time=slice(50, 150)).compute()
        np.testing.assert_allclose(
            part.values.ravel(), shown.sort_values(["neuron", "time"]).activity, rtol=1e-14, atol=1e-15
        )
    if "view=clean" in search or "view=beside" in search:
        assert download(page, "PNG")[1:4] == b"PNG"
    assert download(page, "Zarr (zip)")[:2] == b"PK"
    assert not page.messages


def test_a_table_of_too_many_rows_is_refused(pages, library, monkeypatch):
    monkeypatch.setattr("netxr.recordings.export.MOST_ROWS", 63)
    page = opened(pages, library, "?tab=recording&recording=estimated.zarr&view=estimate")
    with pytest.raises(param.Skip):  # no file at all
        download(page, "CSV")
    assert "table: got 64 rows; expected at most 63" in page.messages[0]


def test_a_stored_estimate_is_shown_without_computing(pages, library, monkeypatch):
    monkeypatch.setattr(netxr, "estimate", None)
    page = opened(pages, library, "?tab=recording&recording=estimated.zarr&view=estimate")
    assert not page.messages
    assert "run.lagged_correlation" in lines(page)
    assert not page.widget("Save").visible
    choose(page, "Lags", "2")
    assert page.messages  # another lag would have to be computed


def test_another_estimator(pages, own_library):
    page = opened(pages, own_library, "?tab=recording&recording=grouped.zarr&view=estimate&trial=-1&method=correlation")
    x = netxr.open(own_library / "grouped.zarr").activity.values
    expected = np.corrcoef(np.concatenate([x[..., 0], x[..., 1]], axis=1))
    np.testing.assert_allclose(table(page).correlation, expected.ravel(), atol=1e-10)
    assert 'method="correlation"' in lines(page).replace("'", '"')
    press(page, "Save")
    assert "Saved with grouped.zarr as correlation." in page.messages[0]
    assert "correlation" in netxr.open(own_library / "grouped.zarr")
    choose(page, "Estimator", "lagged_correlation")
    assert "method=" not in page.location.search


def test_saving_adds_the_estimate_and_nothing_else(pages, own_library):
    store = own_library / "grouped.zarr"
    before = netxr.open(store).load()
    page = opened(pages, own_library, "?tab=recording&recording=grouped.zarr&view=estimate&trial=-1")
    press(page, "Save")
    assert "Saved with grouped.zarr" in page.messages[0]
    after = netxr.open(store).load()
    assert set(after.data_vars) - set(before.data_vars) == {"lagged_correlation"}
    xr.testing.assert_identical(after.drop_vars(["lagged_correlation", "lag"]).drop_attrs(), before.drop_attrs())
    assert not [one for one in netxr.verify(store) if not one.harmless]
    assert "lagged_correlation" in page.text()
    assert not page.widget("Save").visible


def test_an_estimate_is_replaced_only_when_asked_for_again(pages, own_library):
    store = own_library / "estimated.zarr"
    netxr.add(netxr.open(store).lagged_correlation.compute() * 0, store, replace=True)
    page = opened(pages, own_library, "?tab=recording&recording=estimated.zarr&view=estimate")
    press(page, "Run")  # it is there: anew
    press(page, "Save")
    assert "already has an estimate" in page.messages[0]
    assert not netxr.open(store).lagged_correlation.any()
    assert page.widget("Replace").visible
    press(page, "Replace")
    assert netxr.open(store).lagged_correlation.values.any()


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("trial=-1&neurons=0:3", "save: got an estimate of some of the neurons"),
        ("trial=-1&level=group", "save: got an estimate of groups"),
        ("trial=-1&difference=yes", "save: got an estimate of cleaned activity"),
        ("trial=0", "save: got an estimate of one of 2 trials; expected one of all trials, pooled"),
    ],
)
def test_what_cannot_be_saved(pages, library, search, message):
    page = opened(pages, library, f"?tab=recording&recording=grouped.zarr&view=estimate&{search}")
    press(page, "Save")
    assert message in page.messages[0]
    assert "lagged_correlation" not in netxr.open(library / "grouped.zarr")


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("neurons=&view=estimate", "Neurons: got no neuron"),
        ("neurons=0,99&view=estimate", "no neuron here"),
        ("trial=7", "trial: got 7; expected a position from 0 to 1"),
        ("lags=many&view=estimate", "lags: got &#x27;many&#x27;"),
        ("lags=399&view=estimate", "different whole numbers from -398 to 398"),
        ("view=lags", "expected several lags"),
        ("start=400&neurons=0&high_pass=0.7", "High-pass cutoff: got 0.7"),
        ("level=number&groups=5", "expected a number that divides the 12 neurons"),
        ("view=agreement&trial=-1&neurons=3", ""),
        ("recording=../secret", "recording: got"),
        ("recording=damaged.zarr", "damaged.zarr"),
    ],
)
def test_what_goes_wrong_is_a_message(pages, library, search, message):
    page = opened(
        pages, library, f"?tab=recording&{'' if 'recording' in search else 'recording=grouped.zarr&'}{search}"
    )
    assert len(page.messages) == bool(message)
    assert all(message in shown and "Unexpected" not in shown for shown in page.messages)


@pytest.mark.parametrize(
    ("view", "label", "wrong", "right", "said"),
    [
        ("activity", "First sample", 400, 0, "First sample shown: got 400; expected a sample of the recording, 0"),
        ("clean", "Neurons", "0, 99", "0, 3", "Neurons: got &#x27;99&#x27;, which is no neuron here"),
        ("clean", "High-pass", 0.7, 0.1, "High-pass cutoff: got 0.7; expected between 0 and 0.5 per step"),
    ],
)
def test_what_is_wrong_with_a_field_stands_below_it_until_it_is_right(pages, library, view, label, wrong, right, said):
    page = opened(pages, library, f"?tab=recording&recording=grouped.zarr&view={view}")
    type_in = page.release if isinstance(wrong, int | float) else partial(choose, page)
    type_in(label, wrong)
    assert not page.messages
    assert said in "".join(one.object for one in page.page._rail.select(pn.pane.HTML))
    type_in(label, right)
    assert said not in page.text()


def test_a_store_that_went_away(pages, own_library):
    page = opened(pages, own_library, "?tab=recording&recording=grouped.zarr")
    shutil.rmtree(own_library / "grouped.zarr")
    press(page, "Refresh")
    assert "not in the list" in page.messages[0]
    assert dimmed(page)
    assert "Shown still: grouped.zarr" in page.text()


def test_another_recording_never_shows_what_the_one_before_had(pages, library, monkeypatch):
    held, begun = threading.Event(), threading.Event()
    original = netxr.estimate

    def slow(*args, **kwargs):
        begun.set()
        held.wait(10)
        return original(*args, **kwargs)

    monkeypatch.setattr(netxr, "estimate", slow)
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr")
    page.widget("Run").clicks += 1
    begun.wait(10)
    page.widget("Recording").value = "estimated.zarr"
    held.set()
    page.wait()
    assert len(table(page)) == 8 * 300
    assert "activity" in table(page)


@pytest.mark.parametrize("view", ["estimate", "sure"])
def test_of_samples_that_are_missing_the_page_says_what_can_be_done_on_it(pages, own_library, view):
    x = np.random.default_rng(0).normal(size=(4, 200))
    x[1, 7] = np.nan
    netxr.save(netxr.as_activity(x, dims=("neuron", "time")).to_dataset(), own_library / "gaps.zarr")
    page = opened(pages, own_library, f"?tab=recording&recording=gaps.zarr&view={view}")
    assert "NaN" in page.text()
    assert "In step 2, Clean" in page.text()
    assert "missing=" not in page.text()
    assert "There is no result" in page.text()
    assert "Run it again" not in names_of_buttons(page)
    press(page, "Go to Clean")
    assert "view=clean" in page.location.search
    assert "NaN" not in page.text()


def test_an_error_about_a_field_of_another_step_leads_there(pages, library):
    page = opened(pages, library, "?tab=recording&recording=estimated.zarr&view=estimate&high_pass=0.7")
    assert "There is no result" in page.text()
    assert "Run it again" not in names_of_buttons(page)
    press(page, "Go to Clean")
    assert "High-pass cutoff: got 0.7" in page.text()
    assert not page.messages


def test_what_failed_for_another_reason_than_its_settings_can_be_run_again(pages, library):
    page = opened(pages, library, "?tab=recording&recording=damaged.zarr")
    assert "There is no result" in page.text()
    assert "Run it again" in names_of_buttons(page)


def names_of_buttons(page):
    """What the buttons are called that are shown."""
    return [one.name for one in page.page.body.select(pn.widgets.Button) if one.visible]


def test_cancelling_leaves_the_store_as_it_was(pages, library, monkeypatch):
    begun = threading.Event()

    def endless(self, _lazy):
        begun.set()
        while True:
            self.step()

    monkeypatch.setattr("netxr.app.frame.jobs.Job.compute", endless)
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr")
    page.widget("Run").clicks += 1
    begun.wait(10)
    press(page, "Cancel")
    assert "cancelled" in page.messages[0]
    assert dimmed(page)
    assert "Shown still: grouped.zarr, trial 1, neurons all, samples 0 to 399." in page.text()
    assert "lagged_correlation" not in netxr.open(library / "grouped.zarr")


def test_marks_go_to_the_address_and_come_back(pages, library):
    page = opened(pages, library, "?tab=recording&recording=estimated.zarr&view=beside")
    choose(page, "Marked", "2 <- 0, 3:5")
    assert "marked=2+%3C-+0%2C+3%3A5" in page.location.search
    again = opened(pages, library, page.location.search)
    assert "sources=[0, 3, 4, 5], targets=[2]" in lines(again)
    choose(again, "Marked", "99")
    assert "no neuron here" in again.messages[0]


def test_groups_are_marked_in_the_matrices(pages, library, monkeypatch):
    monkeypatch.setattr("netxr.app.recording.shown.MOST_LINKED", 1)
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=beside&neurons=4:11")
    assert lines(page).endswith("score=scores.pearson, groups=activity.group)")
    assert all(isinstance(panel, hv.Overlay) for panel in [*figures(page), *run_lines(page)[1]])  # with borders


def test_beside_the_truth_stand_the_strongest_pairs_and_which_of_them_are_edges(pages, library, monkeypatch):
    monkeypatch.setattr("netxr.app.recording.shown.MOST_LINKED", 1)
    for view in ("beside", "agreement"):
        page = opened(pages, library, f"?tab=recording&recording=estimated.zarr&view={view}")
        (pairs,) = [one for one in page.page.body.select(pn.widgets.Tabulator) if one.name == "Strongest pairs"]
        run = netxr.open(library / "estimated.zarr")
        R, A = run.lagged_correlation.isel(trial=0).values, run.connectivity.values
        off = [(abs(R[i, j]), i, j) for i in range(8) for j in range(8) if i != j]
        rows = [(j, i, R[i, j], A[i, j], A[j, i]) for _, i, j in sorted(off, reverse=True)]
        np.testing.assert_allclose(pairs.value.values.tolist(), rows, atol=1e-9)
        assert f"{sum(row[3] != 0 for row in rows)} of 56 are edges of A" in page.text()


def test_settings_of_the_estimate_leave_the_activity_in_view(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr")
    before = figures(page)
    choose(page, "Lags", "0-3")
    assert [shown is held for shown, held in zip(figures(page), before, strict=True)] == [True, True]
    choose(page, "Neurons", "0:3")
    assert figures(page)[0] is not before[0]


def test_a_store_that_cannot_be_read_is_told_with_its_problem(pages, own_library):
    (own_library / "estimated.zarr" / "zarr.json").write_text("{<b>")
    page = opened(pages, own_library, "?tab=recording")
    assert "estimated.zarr: its metadata are no JSON" in page.text()
    assert "No recording open yet" in page.text()


def test_without_a_folder_it_says_how_to_start(pages):
    for tab in ("recording", "map", "compare"):
        pages.append(OpenPage(f"?tab={tab}"))
        assert "netxr app FOLDER" in pages[-1].wait().text()


def test_what_is_copied_into_an_empty_folder_is_there_after_refresh(pages, tmp_path):
    page = opened(pages, tmp_path, "?tab=recording")
    assert "netxr simulate" in page.text()
    netxr.save(netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=60, seed=1), tmp_path / "run.zarr")
    press(page, "Refresh")
    assert "run.zarr" in page.widget("Recording").options.values()
    assert "netxr simulate" not in page.text()
    assert "1 store" in page.session.where.object


def test_an_empty_folder(pages, tmp_path):
    for tab, said in (
        ("recording", "There is nothing in the folder"),
        ("map", "No sweep yet"),
        ("compare", "No store has an estimate yet"),
    ):
        page = opened(pages, tmp_path, f"?tab={tab}")
        assert said in page.text()
        assert not page.messages


def test_an_estimate_says_whether_it_tells_direction_and_cleaning_is_the_cure(pages, own_library):
    run = netxr.open(own_library / "grouped.zarr").load()
    slow = run.activity.copy(data=np.cumsum(run.activity.values - run.activity.values.mean(1, keepdims=True), axis=1))
    netxr.save(run.assign(activity=slow), own_library / "slow.zarr")
    page = opened(pages, own_library, "?tab=recording&recording=slow.zarr&view=estimate")
    R = netxr.lagged_correlation(slow.isel(trial=0))
    off = ~np.eye(12, dtype=bool)
    alike = np.corrcoef(R.values[off], R.values.T[off])[0, 1]
    assert alike > 0.9
    assert f"R and its transpose: {alike:.3f}, no direction." in page.text()
    page.widget("Differences of").value = True
    page.wait()
    assert "no direction" not in page.text()
    clean = netxr.lagged_correlation(netxr.difference(slow.isel(trial=0)))
    np.testing.assert_allclose(table(page).lagged_correlation, clean.values.ravel(), atol=1e-12)


def test_a_filter_that_cannot_be_is_a_message(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate&high_pass=7")
    assert "High-pass cutoff: got 7.0; expected between 0 and 0.5 per step" in page.messages[0]


def test_an_estimate_of_other_settings_is_dimmed_and_says_of_which(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate&neurons=0:3&lags=0-2")
    assert not dimmed(page)
    shown, numbers = figures(page), table(page)
    choose(page, "Neurons", "0, 99")  # there is no such neuron
    assert (len(page.messages), len(dimmed(page))) == (1, 3)  # the figures, and what is said over and below them
    assert "Shown still: grouped.zarr, trial 1, neurons 0:3, lagged correlation, lags 0-2." in page.text()
    assert all(one is other for one, other in zip(figures(page), shown, strict=True))
    assert table(page).equals(numbers)
    assert not page.widget("Save").visible
    choose(page, "Neurons", "0:5")
    assert not dimmed(page)
    assert "Shown still" not in page.text()
    assert table(page).target.nunique() == 6


def test_a_view_that_cannot_be_drawn_leaves_the_one_before(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate")
    numbers = table(page)
    page.widget("View").value = "lags"
    page.wait()
    assert "expected several lags" in page.messages[0]
    assert dimmed(page)
    assert table(page).equals(numbers)
    open_step(page, "Recording")
    choose(page, "Marked", "0")  # nothing can be marked here
    assert not dimmed(page)
    assert not page.messages


@pytest.mark.parametrize("method", ["regression_t", *slow("regression", "granger", "edge_probability")])
def test_a_lag_without_an_estimate_is_said_beside_the_lags(pages, library, method):
    page = opened(pages, library, f"?tab=recording&recording=grouped.zarr&method={method}")
    widget = page.widget("Lags")
    pair = next(box for box in page.page.body.select(pn.Column) if widget in list(box))
    controls = next(box for box in page.page.body.select(pn.Column) if pair in list(box))
    beside = list(controls)[list(controls).index(pair) + 1]
    assert not list(beside)
    choose(page, "Lags", "0, 1")
    assert "lag: got 0; expected 1 or above" in beside[0].object
    assert not page.messages  # the activity is in view
    open_step(page, "Estimate")
    assert "lag: got 0; expected 1 or above" in page.messages[0]
    choose(page, "Lags", "1")
    assert not list(beside)


@pytest.mark.slow
def test_every_estimator_is_offered_by_its_long_name_and_estimates(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate")
    run, long_names = netxr.open(library / "grouped.zarr").isel(trial=[0]), netxr.methods().long_name
    assert page.widget("Estimator").options == dict(zip(long_names.values, long_names.estimator.values, strict=True))
    for method in long_names.estimator.values.tolist():
        choose(page, "Estimator", method)
        if method == "edge_probability":
            assert "t: got 144 pairs of neurons; expected 500 or more" in page.messages[0]
            continue
        assert not page.messages
        expected = compared(netxr.estimate(run.activity, method=method, lag=1), method).values
        np.testing.assert_allclose(table(page)[method], expected.ravel(), atol=1e-10)


def test_lags_are_not_asked_for_where_there_is_one_alone(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate&method=partial_correlation")
    assert not page.widget("Lags").visible
    choose(page, "Estimator", "granger")
    assert page.widget("Lags").visible


NO_SIGN = "Granger causality tells no sign, and A has both: go by ROC AUC and average precision"


def signs_that_do_not_show():
    """A run whose A has weights of both signs, with an estimate that has none."""
    run = netxr.simulate(netxr.random_connectivity(8, sparsity=0.5, seed=1), n_steps=300, seed=1)
    R = netxr.estimate(run, method="granger")
    run["connectivity"][:, :4] *= -1
    return run.assign(granger=R)


def test_where_signs_do_not_show_it_says_by_which_scores_to_go(pages, tmp_path):
    netxr.save(signs_that_do_not_show(), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "?tab=recording&recording=run.zarr&view=estimate&method=granger")
    assert NO_SIGN in page.text()
    choose(page, "Estimator", "regression")
    assert "tells no sign" not in page.text()


@pytest.mark.slow
def test_where_signs_do_not_show_so_say_all_others(pages, tmp_path):
    netxr.save(signs_that_do_not_show(), tmp_path / "run.zarr")
    both = "first=run.zarr&first_matrix=connectivity&second=run.zarr&second_matrix=granger"
    assert NO_SIGN in opened(pages, tmp_path, f"?tab=compare&{both}").text()
    netxr.report_run(tmp_path / "run.zarr", tmp_path / "run.html")
    assert NO_SIGN in (tmp_path / "run.html").read_text("utf-8")
    flags = ["compare", f"{tmp_path}/run.zarr", f"{tmp_path}/run.zarr", "--no-diagonal"]
    assert NO_SIGN in CliRunner().invoke(main, flags, catch_exceptions=False).output


def test_too_many_neurons_may_be_swapped_axes(pages, tmp_path):
    samples = np.random.default_rng(0).standard_normal((300, 20))
    activity = netxr.as_activity(samples, dims=("neuron", "time"))
    netxr.save(activity.to_dataset(name="activity"), tmp_path / "swapped.zarr")
    page = opened(pages, tmp_path, "?tab=recording&recording=swapped.zarr&view=estimate", memory=2**20)
    assert "300 neurons at 1 lags" in page.messages[0]
    assert "more neurons than samples (20): if the axes are swapped" in page.messages[0]
    choose(page, "Neurons", "0:9")
    assert not any("swapped" in message for message in page.messages)


def test_bad_frames_are_shaded_before_and_after_on_one_axis_of_time(pages, own_library):
    x = np.random.default_rng(0).normal(size=(4, 300))
    x[1, 40:55], x[:, 120] = np.nan, np.inf
    activity = netxr.as_activity(x, dims=("neuron", "time"), sampling_interval=0.1)
    netxr.save(activity.to_dataset(), own_library / "gaps.zarr")
    page = opened(
        pages, own_library, "?tab=recording&recording=gaps.zarr&view=clean&bad_frames=yes&start=20&length=200"
    )
    assert not page.messages
    assert "bad frames shaded, 2 times" in page.text()
    drawn = [hv.render(one, backend="bokeh") for one in figures(page)]
    for plot in drawn:
        bands = [(round(one.left, 6), round(one.right, 6)) for one in plot.select({"name": "bad frames"})]
        assert sorted(bands) == [(3.95, 5.45), (11.95, 12.05)]
    assert drawn[0].x_range is drawn[1].x_range


def test_steps_say_what_they_did_while_another_one_is_open(pages, library):
    page = opened(pages, library, "?tab=recording&recording=estimated.zarr&view=sure")
    open_step(page, "Estimate")
    open_step(page, "Recording")
    heads = {one.name.partition("\n")[0]: one.name for one in page.page.body.select(pn.widgets.Button)}
    assert "lagged correlation" in heads["Estimate"]
    assert "pairs" in heads["How sure"]
    page.release("High-pass cutoff", 0.1)
    heads = {one.name.partition("\n")[0]: one.name for one in page.page.body.select(pn.widgets.Button)}
    assert "not asked for yet" in heads["Estimate"]
    assert "not asked for yet" in heads["How sure"]


@pytest.mark.parametrize(("method", "has_p_values"), [("partial_correlation", False), ("lagged_correlation", True)])
def test_q_is_asked_for_where_there_are_p_values(pages, library, method, has_p_values):
    page = opened(pages, library, f"?tab=recording&recording=estimated.zarr&view=sure&method={method}")
    assert page.widget("False discovery rate").visible == has_p_values
    assert ("what is not found is pale" in page.text()) == has_p_values
    assert not page.messages
