import io
import zipfile

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import xarray as xr
from bokeh.events import Tap
from bokeh.models import Plot

import netxr
from netxr.app.sweep.cards import MapCards, Mapped
from netxr.app.sweep.maps import Chosen, Marked, best_of, chosen_of, maps_of, what_is_lost
from netxr.app.sweep.views import SweepChoice, check_read, defined_facets, figures_of, range_of, scores_of
from netxr.app.sweep.words import answer_of, needed_table, rounded, time_text
from netxr.errors import InvalidInput
from tests.app.views import choose, columns_of, dimmed, download, figures, opened, panels_of, press, run_lines, table
from tests.marks import slow

NONE = dict.fromkeys(("n_neurons", "sparsity", "n_steps", "n_groups", "lag"))
ANY = SweepChoice("curves", "pearson", "n_neurons", "sparsity", "none", NONE)


def test_an_unfinished_sweep_has_the_means_of_what_is_there(library):
    cut = netxr.open(library / "cut.zarr").load()
    scores = scores_of(cut, ANY._replace(facet="sparsity"))
    each = cut.pearson.isel(n_steps=0, n_groups=0, lag=0).values  # (n_neurons, sparsity, trial)
    for k, rows in enumerate(each):
        for j, trials in enumerate(rows):
            known = trials[~np.isnan(trials)]
            mean, std, defined = (scores[f"pearson_{end}"].values[k, j] for end in ("mean", "std", "defined"))
            assert defined == len(known)
            np.testing.assert_allclose(mean, known.mean() if len(known) else np.nan)
            np.testing.assert_allclose(std, known.std() if len(known) else np.nan, atol=1e-12)


def test_facets_share_a_range_and_leave_out_what_is_undefined(library):
    sweep = netxr.open(library / "sweep.zarr").load()
    for name in ("pearson_mean", "pearson_std"):
        sweep[name][{"sparsity": 0}] = np.nan
    choice = ANY._replace(facet="sparsity")
    scores = scores_of(sweep, choice)
    assert defined_facets(scores, choice) == [0.9]
    assert len(figures_of(scores, choice)) == 1
    low, high = range_of(scores, choice)
    mean, std = scores.pearson_mean.values, scores.pearson_std.values
    assert low < np.nanmin(mean - std) < np.nanmax(mean + std) < high


def test_further_axes_and_estimators_are_axes_like_others():
    asked = {"n_neurons": 6, "sparsity": 0.4, "coupling": [0.9, 2], "n_steps": 60, "trials": 2}
    sweep = netxr.sweep(**asked, method=["lagged_correlation", "regression"])
    choice = ANY._replace(x="coupling", facet="estimator")
    scores = scores_of(sweep, choice)
    assert set(scores.pearson_mean.dims) == {"coupling", "estimator"}
    assert defined_facets(scores, choice) == ["lagged_correlation", "regression"]
    assert len(figures_of(scores, choice)) == 2
    one = ANY._replace(x="coupling", values=NONE | {"estimator": "regression", "coupling": None})
    expected = sweep.pearson_mean.sel(estimator="regression").squeeze()
    np.testing.assert_array_equal(scores_of(sweep, one).pearson_mean, expected)
    assert one.text == "Pearson correlation over largest singular value of A, estimator regression"
    with pytest.raises(
        InvalidInput, match="x, y, facet: got every; expected axes of this sweep: n_neurons, sparsity, coup"
    ):
        scores_of(sweep, ANY._replace(x="every"))
    with pytest.raises(InvalidInput, match="estimator: got granger; expected one of lagged_correlation, regression"):
        scores_of(sweep, one._replace(values=NONE | {"estimator": "granger"}))


@pytest.fixture(scope="module")
def by_hand():
    """Scores of two estimators whose ends are known: limit .95 or 1, and 10 or 40 samples a neuron that halve them."""
    lengths, sizes = xr.DataArray([100, 10_000], dims="n_steps"), xr.DataArray([5, 50], dims="n_neurons")
    quick, slow = 0.95 / (1 + 10 * sizes / lengths) ** 0.5, 1 / (1 + 40 * sizes / lengths) ** 0.5
    each = xr.concat([quick, slow], "estimator").expand_dims(trial=1, sparsity=2).rename("pearson")
    labels = {"n_steps": lengths.values, "n_neurons": sizes.values, "estimator": ["quick", "slow"]}
    return each.assign_coords(labels | {"sparsity": [0.5, 0.9], "trial": [0]}).to_dataset()


CHOICE = SweepChoice("map", "pearson", "n_neurons", "", "none", NONE)


def test_cells_hold_the_best_and_the_samples_needed_are_those_by_hand(by_hand):
    choice = CHOICE.on(by_hand)
    assert choice.y == "n_steps"
    best = best_of(by_hand, choice)
    quick = np.array([[0.95 / (1 + 10 * size / length) ** 0.5 for length in (100, 10_000)] for size in (5, 50)])
    slow = np.array([[1 / (1 + 40 * size / length) ** 0.5 for length in (100, 10_000)] for size in (5, 50)])
    scores = best.cells.transpose("n_neurons", "n_steps")
    np.testing.assert_allclose(scores.score, np.maximum(quick, slow))
    assert scores.estimator.values.tolist() == np.where(slow > quick, "slow", "quick").tolist()
    chosen = chosen_of(best, choice, None)
    needed = np.minimum(10 * np.array([5, 50]) / ((0.95 / 0.9) ** 2 - 1), 40 * np.array([5, 50]) / (0.9**-2 - 1))
    np.testing.assert_allclose(chosen.ends.samples_needed, needed, rtol=0.01)
    table = needed_table(chosen, Marked("mine.zarr", 50, 2000, 0.1))
    assert f"{rounded(needed[0]):,}" in table
    assert time_text(needed[1] * 0.1) in table
    assert (table.count("enough"), table.count("too short")) == (1, 1)


def test_the_answer_says_whether_the_marked_recording_has_enough(by_hand):
    choice = CHOICE.on(by_hand)
    best, marked = best_of(by_hand, choice), Marked("mine.zarr", 60, 5000, np.nan)
    by_hand = by_hand.assign(finished=True)
    chosen = chosen_of(best, choice, marked)
    assert chosen.called == "50 neurons"  # the nearest
    said = answer_of(best, chosen, choice, marked, by_hand)
    assert "50 neurons: about 4,400 samples are needed; mine.zarr has 5,000: good enough." in said
    low = choice._replace(at=0.97, values=NONE | {"n_neurons": 5})
    best = best_of(by_hand.sel(estimator=["quick"]), low)
    assert "never good enough; the score ends at 0.95" in answer_of(
        best, chosen_of(best, low, None), low, None, by_hand
    )


def test_the_map_has_a_boundary_and_a_dot_between_the_cells(by_hand):
    choice = CHOICE.on(by_hand)._replace(facet="sparsity")
    figures = maps_of(best_of(by_hand, choice), choice, Marked("mine.zarr", 16, 1000, np.nan))
    assert len(figures) == 2
    (spot,) = figures[0].Points.I.array([0, 1]).astype(float)
    np.testing.assert_allclose(spot, [np.log(16 / 5) / np.log(10), 0.5])
    scores = best_of(by_hand, choice).cells.score.isel(sparsity=0).transpose("n_steps", "n_neurons").values
    (way,) = (one.array([0, 1]) for one in figures[0].Path.I.split())
    for x, y in way:  # on the line, between the middles of cells, the score is what is wanted
        column, row = np.clip(x, 0, 1), np.clip(y, 0, 1)
        between = np.array([1 - row, row]) @ scores @ np.array([1 - column, column])
        assert between == pytest.approx(0.9)
    assert {float(np.abs(end).max()) for end in (way[0] - 0.5, way[-1] - 0.5)} == {1.0}  # from frame to frame
    assert len(figures[0].Segments.I) == 2  # gaps
    for backend in ("bokeh", "matplotlib"):
        hv.renderer(backend).get_plot(figures[0])
    outside = maps_of(best_of(by_hand, choice), choice, Marked("mine.zarr", 500, 1000, np.nan))
    assert "Points" not in outside[0].children


def test_what_is_lost_adds_up_to_one(by_hand):
    choice = CHOICE.on(by_hand)._replace(values=NONE | {"n_neurons": 50})
    best = best_of(by_hand.sel(estimator=["quick"]), choice)
    score, noise, bias = what_is_lost(chosen_of(best, choice, None), at=0.9).Area
    np.testing.assert_array_equal(score["upper"], noise["lower"])
    np.testing.assert_allclose(noise["upper"], 0.95)
    np.testing.assert_array_equal(bias["upper"], 1)


def mapped(sweep, choice, marked=None):
    """What a map shows."""
    best = best_of(sweep, choice)
    return Mapped(best, choice, marked, chosen_of(best, choice, marked))


def test_a_map_that_follows_shows_what_a_new_one_would(by_hand):
    first = CHOICE.on(by_hand)._replace(facet="sparsity")
    second = first._replace(at=0.6, values=NONE | {"n_neurons": 50})
    cards = MapCards(mapped(by_hand, first), choose=print)
    panes = cards.panes.select(pn.pane.HoloViews)
    root = cards.panes.get_root()
    models = {one for one in root.references() if isinstance(one, Plot)}
    before = [columns_of(pane) for pane in panes]
    assert cards.follow(mapped(by_hand, second))
    assert {one for one in root.references() if isinstance(one, Plot)} == models
    new = MapCards(mapped(by_hand, second), choose=print)
    for pane, old, wanted in zip(panes, before, new.panes.select(pn.pane.HoloViews), strict=True):
        assert columns_of(pane) == columns_of(wanted) != old
    texts = [[one.object for one in each.panes.select(pn.pane.HTML)] for each in (cards, new)]
    assert texts[0] == texts[1]
    assert not cards.follow(mapped(by_hand, second._replace(facet="none")))


def test_another_score_is_read_when_it_is_shown(pages, library):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr&view=curves&x=n_neurons")
    choose(page, "Score", "roc_auc")
    expected = netxr.open(library / "sweep.zarr").roc_auc_mean.isel(sparsity=0, n_steps=0, lag=0).squeeze()
    np.testing.assert_allclose(table(page).roc_auc_mean, expected)


def test_a_click_chooses_a_row_and_a_recording_is_marked(pages, tmp_path):
    netxr.sweep(n_neurons=[5, 8], sparsity=0.5, n_steps=[60, 200], trials=2, store=tmp_path / "s.zarr")
    netxr.save(netxr.simulate(netxr.random_connectivity(8, seed=1), n_steps=100, seed=1), tmp_path / "mine.zarr")
    page = opened(pages, tmp_path, "?tab=map&sweep=s.zarr")
    assert "5 neurons" in page.text()
    choose(page, "Mark a recording", "mine.zarr")
    assert "mine.zarr" in page.text()
    assert "8 neurons" in page.text()
    assert page.location.search == "?tab=map&sweep=s.zarr&mark=mine.zarr"  # only what was chosen
    plot = hv.renderer("bokeh").get_plot(figures(page)[0]).state
    plot._trigger_event(Tap(plot, x=0.2, y=1.1))
    assert "n_neurons=5" in page.location.search
    assert "5 neurons" in page.text()


def test_a_click_chooses_entries_of_both_axes_and_so_do_the_lists(pages, tmp_path):
    grid = {"n_neurons": [5, 8], "sparsity": [0.3, 0.6, 0.9], "n_steps": [60, 200]}
    netxr.sweep(**grid, trials=2, store=tmp_path / "s.zarr")
    page = opened(pages, tmp_path, "?tab=map&sweep=s.zarr&y=sparsity&at=0.4")
    plot = hv.renderer("bokeh").get_plot(figures(page)[0]).state
    plot._trigger_event(Tap(plot, x=1.2, y=1.9))
    assert "n_neurons=8" in page.location.search
    assert "sparsity=0.9" in page.location.search
    assert "At sparsity = 0.9, 8 neurons" in page.text()
    plot._trigger_event(Tap(plot, x=0.2, y=2.6))  # beside the cells
    assert "n_neurons=8" in page.location.search
    choose(page, "Row: sparsity", 0.6)
    assert "At sparsity = 0.6, 8 neurons" in page.text()
    means = netxr.open(tmp_path / "s.zarr").pearson.mean("trial").sel(n_neurons=8, sparsity=0.6)
    lost = figures(page)[-1].Area.Score.data
    np.testing.assert_allclose(lost["upper"], np.clip(means.squeeze().sortby("n_steps").values, 0, 1), rtol=1e-12)


def test_where_there_is_no_sweep_it_says_how_one_is_made_and_makes_a_small_one(pages, tmp_path):
    netxr.save(netxr.simulate(netxr.random_connectivity(8, seed=1), n_steps=100, seed=1), tmp_path / "mine.zarr")
    page = opened(pages, tmp_path, "?tab=map")
    assert "netxr sweep" in page.text()
    press(page, "Make a small one")
    page.wait()
    assert "2 stores" in page.session.where.object
    assert "sweep=small_sweep.zarr" in page.location.search
    assert len(figures(page)) == 2
    assert not page.messages
    press(page, "New sweep")
    assert "No sweep open" in page.text()
    assert "netxr sweep" in page.text()
    assert not [one for one in page.page.body.select(pn.widgets.Button) if one.name.startswith("Make a small")]
    press(page, "Open small_sweep.zarr")
    page.wait()
    assert len(figures(page)) == 2


def test_the_tab_offers_the_axes_that_a_sweep_has(pages, library):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr")
    widget = page.widget("Along x")
    assert "Sparsity" in widget.options
    assert "Coupling" not in widget.options


def test_a_sweep_of_several_estimators_shows_one_or_all_of_them(pages, library, tmp_path):
    several = ["lagged_correlation", "regression"]
    netxr.sweep(n_neurons=[5, 8], sparsity=0.5, n_steps=[60, 200], trials=2, method=several, store=tmp_path / "s.zarr")
    page = opened(pages, tmp_path, "?tab=map&sweep=s.zarr&view=curves")
    assert not page.messages
    choose(page, "Estimator", "regression")
    space, _ = run_lines(page)
    assert space["scores"].estimator == "regression"
    choose(page, "View", "map")
    (below,) = (one.object for one in page.page.body.select(pn.pane.HTML) if "score 0<" in str(one.object))
    assert "LC: lagged correlation; R: regression" in below  # not in the head, which is cut on a narrow page


def test_curves_leave_the_second_axis_of_the_map_as_it_is(pages, tmp_path):
    netxr.sweep(n_neurons=[5, 8], sparsity=0.5, n_steps=[60, 200], trials=1, store=tmp_path / "s.zarr")
    page = opened(pages, tmp_path, "?tab=map&sweep=s.zarr")
    choose(page, "View", "curves")
    assert page.widget("Along y").value == "n_steps"
    assert page.widget("Along x").value == "n_neurons"
    choose(page, "View", "map")
    assert page.widget("Along y").value == "n_steps"
    assert page.location.search == "?tab=map&sweep=s.zarr"


def test_what_is_no_sweep_or_too_large(library):
    with pytest.raises(InvalidInput, match="a store without finished"):
        check_read(netxr.open(library / "grouped.zarr"), memory=2**30)
    with pytest.raises(InvalidInput, match="expected at most 1 KiB"):
        check_read(netxr.open(library / "sweep.zarr"), memory=2**10)


@pytest.mark.parametrize("search", ["sweep=cut.zarr&x=lag", "sweep=sweep.zarr&lag=2"])
def test_the_lines_of_a_map_make_it(pages, library, search):
    page = opened(pages, library, f"?tab=map&{search}")
    assert not page.messages
    space, _ = run_lines(page)
    numbers, axes = table(page), list(space["best"].score.dims)
    expected = space["best"].score.to_series().sort_index()
    np.testing.assert_allclose(numbers.set_index(axes).sort_index().score, expected)
    assert download(page, "PNG")[1:4] == b"PNG"


@pytest.mark.parametrize(
    "search",
    [
        "sweep=sweep.zarr&view=curves&facet=sparsity&score=roc_auc&lag=2",
        "sweep=cut.zarr&view=curves&x=sparsity&facet=n_neurons",
        *slow("sweep=sweep.zarr&view=curves"),
    ],
)
def test_the_lines_make_the_view_and_the_files_hold_it(pages, library, search):
    page = opened(pages, library, f"?tab=map&{search}")
    assert not page.messages
    space, figure = run_lines(page)
    shown = panels_of(figure)
    assert [type(one) for one in shown] == [type(one) for one in figures(page)]
    name = "roc_auc" if "roc" in search else "pearson"
    numbers, axes = table(page), list(space["scores"][f"{name}_mean"].dims)
    expected = space["scores"][f"{name}_mean"].to_series().sort_index()
    np.testing.assert_allclose(numbers.set_index(axes).sort_index()[f"{name}_mean"], expected)
    if "facet" in search and "cut" in search:
        assert download(page, "PNG")[1:4] == b"PNG"


def test_it_says_how_far_a_sweep_is(pages, library):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr")
    assert "All 6 settings of the network are finished." in page.text()
    choose(page, "Sweep", "cut.zarr")
    assert "Unfinished: 5 of 6 settings of the network so far." in page.text()


def test_axes_that_are_not_drawn_are_chosen_from(pages, library):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr&view=curves")
    assert [page.widget(axis).visible for axis in ("Sparsity", "Lag", "Number of samples")] == [True, True, False]
    choose(page, "Lag", 2)
    choose(page, "Sparsity", 0.9)
    assert page.location.search == "?tab=map&sweep=sweep.zarr&view=curves&sparsity=0.9&lag=2"
    expected = netxr.open(library / "sweep.zarr").pearson_mean.sel(sparsity=0.9, lag=2).squeeze()
    np.testing.assert_allclose(table(page).pearson_mean, expected)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("x=sparsity&facet=sparsity", "x, y, facet: got sparsity twice"),
        ("lag=7", "lag: got 7; expected one of 1, 2"),
        ("score=mantel_p", "score: got"),
        ("score=beauty", "score: got"),
    ],
)
def test_what_goes_wrong_is_a_message(pages, library, search, message):
    page = opened(pages, library, f"?tab=map&sweep=sweep.zarr&view=curves&{search}")
    assert message in page.messages[0]
    assert not any("Unexpected" in shown for shown in page.messages)


def test_a_sweep_is_taken_along_whole(pages, library, tmp_path):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr")
    zipfile.ZipFile(io.BytesIO(download(page, "Zarr (zip)"))).extractall(tmp_path)
    held = netxr.open(tmp_path / "netxr_sweep.zarr").load()
    xr.testing.assert_equal(held, netxr.open(library / "sweep.zarr").load()[list(held.data_vars)])


def test_a_view_of_other_settings_is_dimmed_and_says_which_it_is(pages, library):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr&view=curves&x=n_neurons&lag=2")
    numbers = table(page)
    choose(page, "One for each", "n_neurons")  # along x already
    assert "x, y, facet: got n_neurons twice" in page.messages[0]
    assert dimmed(page)
    assert "Shown still: sweep.zarr, Pearson correlation over number of neurons, lag 2." in page.text()
    assert table(page).equals(numbers)
    choose(page, "One for each", "sparsity")
    assert not dimmed(page)
    assert not page.messages


def test_an_entry_of_a_sweep_is_text_and_no_markup():
    ends = xr.Dataset({"samples_needed": ("kind", [2000.0])}, {"kind": ["<img src=x onerror=alert(1)>"]})
    html = needed_table(Chosen("kind", 0, ends, ""), None)
    assert "&lt;img" in html
    assert "<img" not in html


def test_a_map_opens_along_what_varies_and_curves_say_the_range_that_is_drawn(pages, tmp_path):
    grid = {"n_neurons": 6, "spectral_radius": [0.3, 0.9], "n_steps": [60, 200], "trials": 2, "seed": 1}
    netxr.sweep(**grid, method=["lagged_correlation", "regression"], store=tmp_path / "s.zarr")
    page = opened(pages, tmp_path, "?tab=map&sweep=s.zarr")
    assert [page.widget(f"Along {axis}").value for axis in "xy"] == ["spectral_radius", "n_steps"]
    assert page.location.search == "?tab=map&sweep=s.zarr"
    assert "All 2 settings of the network are finished." in page.text()
    assert page.widget("Row: spectral radius").visible
    choose(page, "View", "curves")
    choose(page, "Estimator", "regression")
    means = netxr.open(tmp_path / "s.zarr").pearson.mean("trial").sel(estimator="regression", n_steps=60).values
    assert f"Mean scores from {means.min():.2f} to {means.max():.2f}." in page.text()
    press(page, "New sweep")
    assert page.session.line.object == ""
