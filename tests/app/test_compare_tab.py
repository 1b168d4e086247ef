from itertools import pairwise
from threading import Event

import numpy as np
import panel as pn
import pytest
import xarray as xr
from bokeh.models import Plot

import netxr
from netxr.app.compare import tab
from netxr.app.compare.cards import WAITS, CompareCards
from netxr.app.compare.compute import Pick, matrices_in, pair_of, side_of, strongest_shared, variable_of, with_sure
from netxr.app.compare.matched import matched
from netxr.app.compare.scores import parts_of, scores_table
from netxr.app.compare.sure import NOT_YET
from netxr.app.compare.views import Compared, difference
from netxr.app.frame.folder import Folder
from netxr.errors import InvalidInput
from tests.app.pages import OpenPage
from tests.app.views import choose, columns_of, dimmed, download, figures, opened, panels_of, press, run_lines, table
from tests.marks import slow

TRUTH = "first=estimated.zarr&first_matrix=connectivity&second=estimated.zarr"


def test_estimates_come_first(library):
    assert matrices_in(netxr.open(library / "estimated.zarr")) == ["lagged_correlation", "connectivity"]
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=50, seed=1)
    assert matrices_in(netxr.lagged_moments(run.activity)) == []


def test_which_matrix_is_picked():
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=50, trials=3, seed=1)
    R = netxr.lagged_correlation(run.activity, lags=[0, 2, 5])
    run = run.assign(lagged_correlation=R)

    def picked(run, pick, beside=None):
        return matched(run[variable_of(run, pick)], trial=pick.trial, lag=pick.lag, beside=beside).matrix

    np.testing.assert_array_equal(picked(run, Pick("", "", "2", 5)), R.values[2, 2])
    np.testing.assert_array_equal(picked(run, Pick("", "", "1")), R.values[1, 1])  # lag 0 tells no direction
    again = R.assign_coords(lag=[0, 3, 1]).to_dataset(name="lagged_correlation")
    assert picked(again, Pick("", "")).lag == 1
    for pick, message in (
        (Pick("", "R"), "expected one of lagged_correlation, connectivity"),
        (Pick("", "", "3"), "trial: got 3; expected one of 0, 1, 2"),
        (Pick("", "", "", 1), "lag: got 1; expected one of 0, 2, 5"),
    ):
        with pytest.raises(InvalidInput, match=message):
            picked(run, pick)
    with pytest.raises(InvalidInput, match="Estimate its connectivity"):
        picked(run[["activity"]], Pick("a.zarr"))


def test_lags_are_matched_by_their_time_where_both_recordings_have_a_clock():
    first, second = (
        xr.DataArray(
            np.arange(16.0).reshape(4, 2, 2),
            dims=("lag", "target", "source"),
            coords={"lag": [0, 1, 2, 3], "target": [0, 1], "source": [0, 1]},
            attrs={"sampling_interval": interval, "sampling_interval_units": "s"},
        )
        for interval in (1 / 30, 1 / 15)
    )
    beside = matched(first, trial="", lag=2, beside=None)
    assert beside.entries == ["lag 66.7 ms"]
    found = matched(second, trial="", lag=None, beside=beside.matrix)
    assert (found.matrix.lag, found.missing) == (1, "")
    np.testing.assert_array_equal(found.matrix, second.values[1])
    odd = matched(second, trial="", lag=None, beside=matched(first, trial="", lag=3, beside=None).matrix)
    assert odd.missing == "Lag 100 ms of the first is not in this one; shown: lag 66.7 ms."
    clockless = matched(second.drop_attrs(), trial="", lag=None, beside=beside.matrix)
    assert (clockless.matrix.lag, clockless.missing) == (2, "")  # by samples


def test_lags_and_trials_are_matched_by_value_and_what_has_no_match_is_said():
    R = xr.DataArray(
        np.arange(24.0).reshape(2, 3, 2, 2),
        dims=("trial", "lag", "target", "source"),
        coords={"trial": [7, 9], "lag": [0, 2, 5], "target": [0, 1], "source": [0, 1]},
    )
    first = matched(R, trial="9", lag=5, beside=None)
    assert first.entries == ["trial 9", "lag 5"]
    turned = matched(R.isel(trial=[1, 0], lag=[2, 1, 0]), trial="", lag=None, beside=first.matrix)
    np.testing.assert_array_equal(turned.matrix, R.values[1, 2])
    assert turned.missing == ""
    lacking = matched(R.sel(trial=[7], lag=[0, 2]), trial="", lag=None, beside=first.matrix)
    np.testing.assert_array_equal(lacking.matrix, R.values[0, 1])
    said = "Trial 9 of the first is not in this one; shown: 7. Lag 5 of the first is not in this one; shown: lag 2."
    assert lacking.missing == said
    assert matched(R, trial="7", lag=2, beside=first.matrix).missing == ""  # asked for


def test_neurons_are_matched_by_label():
    A = netxr.as_connectivity(np.arange(9.0).reshape(3, 3), rows="target", neurons=["a", "b", "c"])
    R = netxr.as_connectivity(np.arange(9.0).reshape(3, 3), rows="target", neurons=["c", "x", "a"])
    runs = (A.to_dataset(name="connectivity"), R.to_dataset(name="R"))
    sides = [
        side_of(run, Pick(name), None, memory=2**20, compute=xr.DataArray.compute)
        for run, name in zip(runs, "ab", strict=True)
    ]
    first, second = pair_of((sides[0], sides[1]), None, diagonal=True).shared
    assert first.values.tolist() == [[0, 2], [6, 8]]
    assert second.values.tolist() == [[8, 6], [2, 0]]
    assert second.target.values.tolist() == ["a", "c"]


@pytest.fixture(scope="module")
def two():
    """A run with two estimates of it, each with its side."""
    A = netxr.random_connectivity(12, sparsity=0.7, spectral_radius=0.8, inhibitory=0.3, weights="lognormal", seed=3)
    run = netxr.simulate(A, n_steps=900, units="linear", seed=3)
    names = ["lagged_correlation", "regression"]
    run = run.assign({name: netxr.estimate(run.activity, method=name) for name in names})
    options = {"memory": 2**30, "compute": lambda lazy: lazy.compute()}
    first, second, truth = (side_of(run, Pick("run", name), None, **options) for name in (*names, "connectivity"))
    return run, with_sure(pair_of((first, second), truth, diagonal=False), compute=options["compute"])


def test_matrices_of_one_kind_are_called_by_what_they_differ_in(two):
    pair = two[1]
    first = pair.sides[0]
    other = first._replace(pick=first.pick._replace(store="tuesday.zarr"))
    later = first._replace(match=first.match._replace(entries=["lag 2"]))
    assert pair.names == ("Lagged correlation", "Standardised regression coefficient")
    assert pair._replace(sides=(first, other)).names == ("run", "tuesday.zarr")
    assert pair._replace(sides=(first, later)).names == ("Lagged correlation", "Lagged correlation, lag 2")
    assert pair._replace(sides=(first, first)).names == ("Lagged correlation", "Lagged correlation again")


def test_the_error_of_the_difference_is_that_of_leaving_out_block_by_block(two):
    run, pair = two
    samples = run.activity.isel(trial=0).transpose("neuron", "time").values
    ends, off = np.linspace(0, samples.shape[1], 21).astype(int), ~np.eye(12, dtype=bool)

    def standard(R):
        return (R - R[off].mean()) / R[off].std()

    def difference(now, after):
        z = [(each - each.mean(1, keepdims=True)) / each.std(1, keepdims=True) for each in (after, now)]
        correlation = z[0] @ z[1].T / z[0].shape[1]
        return standard(np.linalg.solve(np.corrcoef(now), correlation.T).T) - standard(correlation)

    pairs = np.stack([samples[:, :-1], samples[:, 1:]])
    without = []
    for start, stop in pairwise(ends):
        kept = np.delete(pairs, slice(max(0, start - 1), stop - 1), axis=2)
        without.append(difference(*kept))
    error = np.sqrt(19 / 20 * ((np.array(without) - np.mean(without, 0)) ** 2).sum(0))
    assert np.corrcoef(pair.sure.error.values[off], error[off])[0, 1] > 0.99
    np.testing.assert_allclose(pair.sure.error.values[off].mean(), error[off].mean(), rtol=0.02)


def test_a_score_is_parted_by_the_reliability_and_the_parts_add_up(two):
    run, pair = two
    for k, name in enumerate(("lagged_correlation", "regression")):
        expected = netxr.reliability(run, method=name).reliability.item()
        assert pair.sure.reliability[k] == pytest.approx(expected, abs=1e-9)
        parts = parts_of(pair.scores[k].pearson.item(), expected, diagonal=False)
        assert sum(parts) == pytest.approx(1)
        assert parts.bias == pytest.approx(1 - min(1, parts.score / expected**0.5))
    assert np.isnan(parts_of(0.5, 0.5, diagonal=True).noise)
    assert np.isnan(parts_of(-0.1, 0.5, diagonal=False).noise)
    assert parts_of(0.9, 0.64, diagonal=False).bias == 0  # it exceeds what its halves allow
    table = scores_table(pair)
    low, high = (pair.scores[k].pearson.item() for k in range(2))
    assert f"{high - low:+.2f}" in table
    assert "from bias +" in table


def test_an_estimate_of_other_samples_has_no_error_and_it_says_why(two):
    run, pair = two
    other = pair.sides[1]._replace(match=pair.sides[1].match._replace(matrix=pair.sides[1].R * 1.1))
    sure = with_sure(pair_of((pair.sides[0], other), pair.truth, diagonal=False), compute=xr.Dataset.compute).sure
    assert sure.error is None
    assert "made of other samples or otherwise" in sure.problem
    bare = pair.sides[1]._replace(run=run.drop_vars("activity"))
    sure = with_sure(pair_of((bare, bare), None, diagonal=False), compute=xr.Dataset.compute).sure
    assert "of run is stored without its recording" in sure.problem


def test_cards_that_follow_show_what_new_ones_would(two):
    _, pair = two
    first, second = pair.sides
    asked = [((second, first), pair.truth), ((first, pair.truth), None)]
    judged = [with_sure(pair_of(*one, diagonal=False), compute=xr.Dataset.compute) for one in asked]
    cards = CompareCards(Compared({}, pair._replace(sure=NOT_YET)))
    assert len(cards.body.select(pn.pane.HoloViews)) == 3
    cards.judge(Compared({}, pair))
    root, panes = cards.body.get_root(), cards.body.select(pn.pane.HoloViews)
    plots = {one for one in root.references() if isinstance(one, Plot)}
    for other in judged:
        before = [columns_of(pane) for pane in panes]
        assert cards.follow(Compared({}, other._replace(sure=NOT_YET)))
        assert cards.body[2][1].styles == WAITS
        cards.judge(Compared({}, other))
        assert {one for one in root.references() if isinstance(one, Plot)} == plots
        assert cards.body[2][1].styles == {"opacity": "1"}
        new = CompareCards(Compared({}, other))
        for pane, old, wanted in zip(panes, before, new.body.select(pn.pane.HoloViews), strict=True):
            assert columns_of(pane) == columns_of(wanted) != old
        for kind, said in ((pn.pane.HTML, "object"), (pn.widgets.Widget, "name")):
            texts = [[getattr(one, said) for one in each.body.select(kind) if one.visible] for each in (cards, new)]
            assert texts[0] == texts[1]
    fewer = [side._replace(match=side.match._replace(matrix=side.R[:9, :9])) for side in pair.sides]
    assert not cards.follow(Compared({}, pair._replace(sides=tuple(fewer))))


def test_of_a_matrix_and_itself_it_says_that_they_are_the_same(two):
    side = two[1].sides[0]
    pair = with_sure(pair_of((side, side), None, diagonal=False), compute=xr.Dataset.compute)
    figure, _, said = difference(pair)
    assert said == "Both are the same: their difference is 0 everywhere."
    values = figure.dimension_values(2)
    assert (np.isfinite(values).sum(), np.nanmax(np.abs(values))) == (12 * 11, 0)
    assert not difference(two[1])[2]


def test_what_is_said_of_three_figures_stands_below_them(two):
    whole = CompareCards(Compared({}, two[1])).body[3]
    assert "teal" not in whole[0].select(pn.pane.HTML)[0].object
    assert whole[1][1].object == "teal: edge in the truth"


def test_the_strongest_pairs_that_both_have(two):
    _, pair = two
    most, both, chance = strongest_shared(pair)
    off = ~np.eye(12, dtype=bool)
    first, second = (set(np.argsort(-abs(one.values[off]))[:36].tolist()) for one in pair.shared)
    assert (most, both) == (36, len(first & second))
    assert chance == pytest.approx(36 * 36 / 132)


@pytest.mark.parametrize("stores", [TRUTH, *slow("first=estimated.zarr&second=grouped.zarr&diagonal=yes")])
def test_the_lines_make_the_figure_and_the_files_hold_it(pages, library, stores):
    page = opened(pages, library, f"?tab=compare&{stores}")
    assert not page.messages
    space, figure = run_lines(page)
    assert len(panels_of(figure)) == 3
    shown = table(page)
    both = [space[name].where(space[name].target.isin(shown.target), drop=True) for name in ("first", "second")]
    np.testing.assert_allclose(both[0].values.ravel(), shown["first"])
    off = slice(None) if "diagonal=yes" in stores else (shown.target != shown.source).values
    expected = np.corrcoef(shown["first"][off], shown["second"][off])[0, 1]
    assert f"{expected:.2f}" in page.text()
    assert f"{'with' if 'diagonal=yes' in stores else 'without'} the diagonal" in page.text()
    assert download(page, "Zarr (zip)")[:2] == b"PK"
    if stores != TRUTH:
        assert download(page, "PNG")[1:4] == b"PNG"


def test_matrices_are_shown_before_it_is_known_how_sure_they_are(pages, library, monkeypatch):
    shown = Event()

    def waits(pair, **options):
        assert shown.wait(60)
        return with_sure(pair, **options)

    monkeypatch.setattr(tab, "with_sure", waits)
    pages.append(OpenPage(f"?tab=compare&{TRUTH}", folder=Folder(library)))
    page = pages[0]
    page.loop.run_until(lambda: len(figures(page)) == 3)
    assert "not known" in page.text()
    shown.set()
    assert (len(figures(page.wait())), "not known" in page.text()) == (4, False)


def test_without_a_truth_it_says_what_both_have_and_no_score(pages, library):
    run = "first=estimated.zarr&second=estimated.zarr&second_matrix=lagged_correlation"
    page = opened(pages, library, f"?tab=compare&{run}")
    assert "against the truth" in page.text()
    choose(page, "Truth", "none")
    assert "against=none" in page.location.search
    assert "strongest pairs of each, 24 are the same" in page.text()
    assert "Pearson" not in page.text()


def test_the_two_change_places(pages, library):
    page = opened(pages, library, f"?tab=compare&{TRUTH}")
    assert "8 neurons compared." in page.text()
    press(page, "Swap the two")
    assert page.location.search == "?tab=compare&first=estimated.zarr&second=estimated.zarr&second_matrix=connectivity"


def test_it_says_how_many_neurons_are_left_out(pages, library):
    page = opened(pages, library, "?tab=compare&first=estimated.zarr&second=grouped.zarr")
    assert "8 neurons compared; left out: 4 only in grouped.zarr, connectivity." in page.text()


def test_two_truths_are_alike_and_neither_is_an_estimate(pages, library):
    page = opened(pages, library, f"?tab=compare&{TRUTH}&second_matrix=connectivity")
    assert "The two agree" in page.text()
    assert "The estimate" not in page.text()


def test_choosing_another_matrix(pages, library):
    page = opened(pages, library, "?tab=compare&first=estimated.zarr&second=estimated.zarr")
    assert "lagged correlation (lagged_correlation)" in page.widget("Matrix").options
    choose(page, "Matrix", "connectivity")
    assert "first_matrix=connectivity" in page.location.search
    assert "True connectivity" in page.text()
    press(page, "Refresh")
    assert len(figures(page)) == 4


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (
            "first=estimated.zarr&second=letters.zarr",
            "letters.zarr, connectivity: got neurons such as",
        ),
        ("first=estimated.zarr&second=estimated.zarr&second_matrix=no", "matrix: got"),
        ("first=../unseen.zarr&second=estimated.zarr", "first: got"),
        ("first=/etc&second=estimated.zarr", "first: got"),
    ],
)
def test_what_goes_wrong_is_a_message(pages, library, search, message):
    page = opened(pages, library, f"?tab=compare&{search}")
    assert message in page.messages[0]
    assert not figures(page)


def test_matrices_beyond_the_budget(pages, library):
    page = opened(pages, library, f"?tab=compare&{TRUTH}", memory=1000)
    assert "8 neurons at 2 lags, whose matrices take 6 KiB; expected at most 1000 B" in page.messages[0]


@pytest.mark.slow
def test_matrices_of_other_settings_are_dimmed_and_say_which_they_are(pages, library):
    page = opened(pages, library, f"?tab=compare&{TRUTH}")
    numbers = table(page)
    page.page._settings["Compare"].second = "letters.zarr"
    page.wait()
    assert "Neurons are matched by their names" in page.messages[0]
    assert dimmed(page)
    held = "estimated.zarr, connectivity and estimated.zarr, lagged_correlation, without the diagonal."
    assert f"Shown still: {held}" in page.text()
    assert table(page).equals(numbers)
    page.page._settings["Compare"].second = "grouped.zarr"
    page.wait()
    assert not dimmed(page)
    assert "8 neurons compared" in page.text()


@pytest.mark.parametrize("rows", ["target", "source"])
def test_a_truth_is_imported_from_a_matrix_of_the_folder(pages, tmp_path, rows):
    run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=200, seed=1)
    netxr.save(run.drop_vars("connectivity").drop_dims(["target", "source"], errors="ignore"), tmp_path / "run.zarr")
    netxr.add(netxr.lagged_correlation(run.activity, lag=1), tmp_path / "run.zarr")
    A = np.arange(25.0).reshape(5, 5)
    np.savetxt(tmp_path / "known.csv", A if rows == "target" else A.T, delimiter=",")
    np.save(tmp_path / "small.npy", np.eye(3))
    (tmp_path / "notes.txt").write_text("Nothing to report.\n")
    page = opened(pages, tmp_path, "?tab=compare&first=run.zarr&second=run.zarr")
    choose(page, "Import a truth", "notes.txt")
    press(page, "Import the truth")
    assert "notes.txt: " in page.text()
    assert str(tmp_path) not in page.text()
    choose(page, "Import a truth", "small.npy")
    press(page, "Import the truth")
    assert "the truth is 3 x 3 and the recording has 5 neurons" in page.text()
    choose(page, "Import a truth", "known.csv")
    assert "3 x 3" not in page.text()
    choose(page, "A row of the file is", rows)
    press(page, "Import the truth")
    assert not page.messages
    assert "against=known_truth.zarr" in page.location.search
    np.testing.assert_array_equal(netxr.open(tmp_path / "known_truth.zarr").connectivity.values, A)
    R = netxr.lagged_correlation(run.activity, lag=1).values.squeeze()
    off = ~np.eye(5, dtype=bool)
    assert f"{np.corrcoef(A[off], R[off])[0, 1]:.2f}" in page.text()
    choose(page, "Import a truth", "known.csv")
    press(page, "Import the truth")
    assert "known_truth.zarr, which is there already" in page.text()
