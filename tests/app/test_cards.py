"""The cards of an estimate, of which one pair is selected, and what is done to the activity before."""

import re
from types import SimpleNamespace

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import xarray as xr
from bokeh.models import LinearAxis

import netxr
from netxr.app.frame.theme import TOKENS
from netxr.app.recording.pair_cards import ROWS, PairCards, in_shape
from netxr.app.recording.pair_marks import SelectedEdge
from tests.app.views import choose, figures, lines, open_step, opened, press, run_lines, table

ESTIMATE = "?tab=recording&recording=grouped.zarr&view=estimate&lags=0-3"


def test_the_selected_pair_is_in_the_address_and_in_the_lines(pages, library):
    page = opened(pages, library, ESTIMATE)
    choose(page, "Marked", "3 <- 7")
    assert "marked=3+%3C-+7" in page.location.search
    assert "pairs=[(3, 7)]" in lines(page)
    choose(page, "Marked", "99 <- 7")
    assert "no neuron here" in page.messages[0]


def test_over_an_estimate_without_a_truth_it_says_what_it_is_and_the_next_step(pages, tmp_path):
    run = netxr.simulate(netxr.random_connectivity(6, seed=1), n_steps=300, seed=1)
    netxr.save(run.drop_vars(["connectivity", "target", "source"], errors="ignore"), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=estimate&method=regression_t")
    assert "6 neurons, 300 samples: t of a regression on the past at lag 1; R and its transpose " in page.text()
    assert "no truth to compare it with: step 4" in page.text()
    page = opened(pages, tmp_path, "?tab=recording&view=estimate&level=number&groups=3")
    assert "3 groups, 300 samples" in page.text()


def test_what_is_clicked_is_the_pair_of_that_cell_or_row():
    R = netxr.as_connectivity(np.arange(9.0).reshape(3, 3), rows="target", neurons=["a", "b", "c"])
    groups = xr.DataArray(["x", "y", "x"], dims="neuron", coords={"neuron": ["a", "b", "c"]})
    chosen = []
    figures = [netxr.plot.matrix(R, groups=groups), netxr.plot.network(R)]
    cards = PairCards(R, None, groups, figures, selected=None, choose=lambda *pair: chosen.append(pair))
    assert cards.selected == ("c", "b")  # 7 is the largest beside the diagonal
    cell, edge = cards._cell, cards._edge
    cell.tapped(SimpleNamespace(x=1.2, y=-0.3))  # drawn as a, c, b
    cell.tapped(SimpleNamespace(x=0.1, y=0.2))  # the diagonal is no pair
    cell.tapped(SimpleNamespace(x=9, y=0))
    cards._edges.selection = [1]
    assert chosen == [("a", "c"), ("c", "a")]
    cards.select("a", "c")
    assert (cell.source.data["x"], cell.source.data["y"]) == ([1], [0])
    assert edge.ends.data["name"] == ["c", "a"]
    assert cards._edges.value.iloc[cards._edges.selection[0]].tolist() == ["c", "a", 2.0]


def test_a_row_selects_neurons_by_their_labels_and_the_table_turns_to_the_selected_pair():
    """Whole numbers beside an estimate would become 4.0 in a row of the table, and so in the address."""
    labels = [4, 5, 6, 7]
    R = netxr.as_connectivity(np.arange(16.0).reshape(4, 4) ** 2, rows="target", neurons=labels)
    chosen = []
    figures = [netxr.plot.matrix(R), netxr.plot.network(R)]
    cards = PairCards(R, None, None, figures, selected=None, choose=lambda *pair: chosen.append(pair))
    assert (cards._edges.page, list(map(str, cards.selected))) == (1, ["7", "6"])
    cards._edges.selection = [1]
    assert [list(map(str, pair)) for pair in chosen] == [["7", "5"]]
    cards.select(4, 5)  # the weakest
    assert (cards._edges.page, cards._edges.selection) == (-(-12 // ROWS), [11])


def test_the_network_marks_a_pair_and_takes_clicks_near_an_edge():
    R = netxr.as_connectivity([[0.0, -1.0, 0.0], [0.0, 0.0, 2.0], [0.5, 0.0, 0.0]], rows="target", neurons=[5, 6, 7])
    x, y = np.array([0.0, 4.0, 0.0]), np.array([0.0, 0.0, 3.0])  # y downwards, as in an image
    field = xr.Dataset(coords={"neuron": [5, 6, 7], "x": ("neuron", x), "y": ("neuron", y)})
    chosen = []
    network = in_shape(netxr.plot.network(R, sign="both", positions=field), aspect=2.0)
    edge = SelectedEdge(network, R, lambda *pair: chosen.append(pair))
    at = {5: (-1.0, 0.75), 6: (1.0, 0.75), 7: (-1.0, -0.75)}  # the widest side is 2
    edge.tapped(SimpleNamespace(x=0.0, y=0.87))  # between 5 and 6 there is one edge, 6 -> 5, which bends upwards
    edge.tapped(SimpleNamespace(x=0.09, y=-0.11))  # and between 6 and 7 the edge 7 -> 6
    edge.tapped(SimpleNamespace(x=0.9, y=-0.7))  # far from all
    assert chosen == [(5, 6), (6, 7)]
    edge.show(5, 6)
    assert edge.source.data["colour"] == [TOKENS["negative"].light]
    assert list(zip(edge.ends.data["x"], edge.ends.data["y"], strict=True)) == [at[6], at[5]]
    assert edge.source.data["x1"][0] > at[5][0]  # the tip is beside the neuron
    edge.show(7, 6)  # which is not drawn
    assert edge.ends.data["name"] == ["6", "7"]
    shown = hv.Store.lookup_options("bokeh", network, "plot").kwargs
    assert (shown["xlim"][1] / shown["ylim"][1]) == pytest.approx(2.0)


def test_a_lag_curve_is_over_time_with_a_ring_at_the_lag_shown():
    values = np.arange(12.0).reshape(3, 2, 2)
    R = xr.DataArray(values, dims=("lag", "target", "source"), coords={"lag": [0, 1, 3]}, name="R")
    R = R.assign_coords(target=["a", "b"], source=["a", "b"])
    R.attrs |= {"sampling_interval": 0.05, "sampling_interval_units": "s", "estimator": "R"}
    figures = [netxr.plot.matrix(R[1]), netxr.plot.network(R[1])]
    cards = PairCards(R[1], R, None, figures, interval=0.05, lag=1, selected=("b", "a"), choose=print)
    (pane,) = cards._curve
    drawn = hv.render(pane.object, backend="bokeh")
    assert drawn.below[0].axis_label == "Lag (ms)"
    assert not drawn.above or not any(isinstance(one, LinearAxis) for one in drawn.above)
    (mark,) = drawn.select({"name": "ring"})
    assert (mark.data_source.data["x"], mark.data_source.data["y"]) == ([50.0], [6.0])
    (pair,) = [one for one in pane.object if isinstance(one, hv.Curve) and one.label == "a → b"]
    np.testing.assert_allclose(pair["lag"], [0.0, 50.0, 150.0])


def test_lags_are_typed_and_shown_in_time_where_there_is_a_clock(pages, tmp_path):
    x = np.random.default_rng(0).standard_normal((4, 300))
    activity = netxr.as_activity(x, dims=("neuron", "time"), sampling_interval=0.05)
    netxr.save(activity.to_dataset(name="activity"), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=estimate&lags=0-2")
    assert page.widget("Lags (ms)").value == "0-100"
    assert page.widget("Lag shown").options == {"0 ms": 0, "50 ms": 1, "100 ms": 2}
    assert "Lagged correlation at 50 ms, diagonal left out." in page.text()
    assert page.widget("Lags (ms)").placeholder == "50, or 0, 100, 250, or 0-500"
    choose(page, "Lags (ms)", "0, 0.15-0.25s")
    assert "lags=0%2C+3-5" in page.location.search
    assert page.widget("Lags (ms)").value == "0, 150-250"
    assert sorted(set(table(page).lag)) == [0, 3, 4, 5]
    choose(page, "Lags (ms)", "60")
    said = "lags: got 60 ms, which is 1.2 samples of 50 ms; expected a whole number of samples. The nearest is 50 ms"
    assert page.text().count(said) == 1
    assert not page.messages
    assert "lags=0%2C+3-5" in page.location.search
    assert sorted(set(table(page).lag)) == [0, 3, 4, 5]
    choose(page, "Lags (ms)", "50")
    assert said not in page.text()
    assert "lags=" not in page.location.search


def test_a_clock_in_another_unit_is_one_in_seconds(pages, tmp_path):
    x = np.random.default_rng(0).standard_normal((4, 300))
    activity = netxr.as_activity(x, dims=("neuron", "time"), sampling_interval=20, interval_units="ms")
    netxr.save(activity.to_dataset(name="activity"), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=estimate&lags=0-2&high_pass=5")
    assert page.widget("Lags (ms)").value == "0-40"
    assert page.widget("High-pass cutoff").name == "High-pass cutoff in Hz (0: none)"
    page.release("High-pass cutoff", -5)
    assert page.widget("High-pass cutoff").name == "High-pass cutoff in Hz (0: none): at least 0"
    page.release("High-pass cutoff", 5)
    assert page.widget("High-pass cutoff").name == "High-pass cutoff in Hz (0: none)"
    heads = [one.name for one in page.page.body.select(pn.widgets.Button) if "stephead" in one.css_classes]
    assert "4 neurons, 6 s at 50 Hz" in heads[0]
    expected = netxr.lagged_correlation(netxr.high_pass(activity, cutoff=0.005), lags=[0, 1, 2])  # 5 Hz per ms
    np.testing.assert_allclose(table(page).lagged_correlation, expected.values.ravel(), atol=1e-12)
    assert "cutoff=0.005)" in lines(page)
    page.release("High-pass cutoff", 30.0)
    assert "cutoff: got 0.03 per ms, 30 Hz; expected between 0 and 0.025 per ms, 25 Hz" in page.messages[0]


def test_bad_frames_are_left_out_of_the_filter_and_of_the_estimate(pages, tmp_path):
    run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=600, seed=1)
    run.activity[2, 100:110] = np.nan
    netxr.save(run, tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=estimate&bad_frames=yes&high_pass=0.05&z_score=yes")
    assert not page.messages
    x = run.activity.isel(trial=[0])
    bad = netxr.bad_frames(x)
    clean = netxr.mask_frames(netxr.high_pass(netxr.interpolate_frames(x, frames=bad), cutoff=0.05), frames=bad)
    expected = netxr.lagged_correlation(netxr.z_score(clean), missing="drop")
    np.testing.assert_allclose(table(page).lagged_correlation, expected.values.ravel(), atol=1e-10)
    np.testing.assert_allclose(run_lines(page)[0]["R"].values, expected.values[0], atol=1e-10)


@pytest.mark.parametrize("search", ["", "&lags=1,2", "&method=regression", "&trial=-1"])
def test_inputs_are_regressed_out(pages, tmp_path, search):
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=300, trials=2, seed=1)
    light = np.random.default_rng(0).standard_normal((1, 300, 2))
    inputs = xr.DataArray(light, dims=("input", "time", "trial"), coords={"input": ["light"]})
    netxr.save(run.assign(inputs=inputs), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, f"?tab=recording&view=estimate&given=light{search}")
    assert not page.messages
    assert page.widget("Regress out").options == ["light"]
    pooled = "trial=-1" in search
    which = slice(None) if pooled else [0]
    lags = [1, 2] if "lags" in search else [1]
    method = "regression" if "method" in search else "lagged_correlation"
    moments = netxr.lagged_moments(
        run.activity.isel(trial=which),
        lags=sorted({0, *lags}),
        inputs=inputs.isel(trial=which),
        dim=("time", "trial") if pooled else "time",
    )
    expected = netxr.estimate(moments, method=method, lags=lags)
    np.testing.assert_allclose(table(page)[method], expected.values.ravel(), atol=1e-10)
    found = run_lines(page)[0]["R"]
    drawn = found if "lag" not in found.coords else expected.sel(lag=found.lag.item())
    np.testing.assert_allclose(found.values.ravel(), drawn.values.ravel(), atol=1e-10)


def test_an_input_that_is_not_there(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate&given=light")
    assert "given: got &#x27;light&#x27;; expected inputs of the recording (none" in page.messages[0]


def test_cleaning_says_what_becomes_of_direction(pages, tmp_path):
    run = netxr.simulate(netxr.random_connectivity(8, seed=1), n_steps=800, seed=1)
    x = np.cumsum(run.activity.values[:, :, 0] - 0.5, axis=1)
    netxr.save(netxr.as_activity(x, dims=("neuron", "time")).to_dataset(), tmp_path / "slow.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=clean&difference=yes")

    def alike(x):
        R = np.array([[np.corrcoef(x[i, 1:], x[j, :-1])[0, 1] for j in range(8)] for i in range(8)])
        off = ~np.eye(8, dtype=bool)
        return np.corrcoef(R[off], R.T[off])[0, 1]

    assert f"R and its transpose: {alike(x):.2f} as recorded, {alike(np.diff(x)):.2f} cleaned." in page.text()
    assert alike(x) > 0.9 > alike(np.diff(x))
    choose(page, "Neurons", "0")
    assert "R is of pairs of neurons: choose two or more." in page.text()
    assert "undefined" not in page.text()


def test_a_warning_of_direction_leads_to_clean_or_is_kept(pages, tmp_path):
    x = np.cumsum(np.random.default_rng(0).standard_normal((6, 500)), axis=1)
    netxr.save(netxr.as_activity(x, dims=("neuron", "time")).to_dataset(), tmp_path / "slow.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=estimate")
    keep = page.widget("Keep, undirected")
    hidden = [one for one in page.page.body.select(pn.Column) if not one.visible and keep in one.select()]
    assert not hidden
    press(page, "Keep, undirected")
    assert [one for one in page.page.body.select(pn.Column) if not one.visible and keep in one.select()]
    press(page, "Go to Clean")
    assert "view=clean" in page.location.search
    assert ", no direction." not in page.text()


def test_the_table_of_estimators_has_them_all(pages, library):
    page = opened(pages, library, ESTIMATE)
    (table,) = [one.object for one in page.page.body.select(pn.pane.HTML) if "<dialog" in one.object]
    assert not re.search("<dialog[^>]* open", table)
    for method in netxr.methods().long_name.values:
        assert method in table


def test_the_folded_rail_says_which_step_is_open_and_what_it_did(pages, library):
    page = opened(pages, library, ESTIMATE)
    assert "3 Estimate" in page.page._summary[0].object
    assert "lagged correlation" in page.page._summary[0].object
    open_step(page, "Recording")
    assert "1 Recording" in page.page._summary[0].object
    page.page.chosen.value = "Tutorial"
    assert "Tutorial" in page.page._summary[0].object


def test_pairs_without_a_direction_are_listed_once_and_marked_without_a_head():
    values = np.array([[1, 0.5, 0.2, 0.1], [0.5, 1, -0.4, 0.3], [0.2, -0.4, 1, 0.05], [0.1, 0.3, 0.05, 1]])
    R = netxr.as_connectivity(values, rows="target", neurons=list("abcd")).rename("partial_correlation")
    figures = [netxr.plot.matrix(R), netxr.plot.network(R, sign="both")]
    cards = PairCards(R, None, None, figures, selected=None, choose=print)
    rows = cards._edges.value.values.tolist()
    assert rows == [
        ["a", "b", 0.5],
        ["b", "c", -0.4],
        ["b", "d", 0.3],
        ["a", "c", 0.2],
        ["a", "d", 0.1],
        ["c", "d", 0.05],
    ]
    assert cards._edges.titles == {"source": "Between", "target": "and", "effect": "R"}
    said = " ".join(one.object for one in cards.panes[0].select(pn.pane.HTML))
    assert "6 of 6" in said
    assert "3 strongest pairs of each neuron" in said
    cards.select("a", "c")  # both ways of a pair are one row
    first = list(cards._edges.selection)
    cards.select("c", "a")
    assert first == cards._edges.selection == [3]
    assert cards._edge.source.data["size"] == [0]
    directed = R + np.triu(np.full((4, 4), 0.01))
    directed = directed.rename("regression")
    figures = [netxr.plot.matrix(directed), netxr.plot.network(directed, sign="both")]
    assert not cards.follow(directed, None, None, figures, lag=1, selected=None)  # cards of another kind
    assert len(PairCards(directed, None, None, figures, selected=None, choose=print)._edges.value) == 12


def test_how_sure_lists_a_pair_without_a_direction_once(pages, library):
    page = opened(pages, library, "?tab=recording&recording=estimated.zarr&view=sure&lags=0&q=0.5")
    (edges,) = [one for one in page.page.body.select(pn.widgets.Tabulator) if one.name == "Edges"]
    ends = list(zip(edges.value.source, edges.value.target, strict=True))
    assert ends
    assert len({frozenset(pair) for pair in ends}) == len(ends)
    assert f"{len(ends)} of 28 pairs at q" in page.text()
    assert edges.titles["source"] == "Between"
    assert "no direction" not in page.text()  # at lag 0 no estimate has one


def test_curves_over_lags_are_in_the_unit_of_the_page_with_their_names_above(pages, tmp_path):
    x = np.random.default_rng(0).standard_normal((8, 300))
    activity = netxr.as_activity(x, dims=("neuron", "time"), sampling_interval=0.05)
    netxr.save(activity.to_dataset(name="activity"), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=lags&lags=0-3")
    (figure,) = figures(page)
    drawn = hv.render(figure, backend="bokeh")
    assert {axis.axis_label for axis in drawn.select({"type": LinearAxis})} == {"Lag (ms)", "Lagged correlation"}
    (curve, *_) = [one for one in figure if isinstance(one, hv.Curve)]
    np.testing.assert_allclose(curve["lag"], [0, 50, 100, 150])
    assert drawn.xaxis[0].ticker.desired_num_ticks <= 6  # a tick at each lag would run into the next
    (legend,) = drawn.legend
    assert legend in drawn.above
    assert legend.ncols == 2
    assert "strongest 6 of 56 pairs" in page.text()


def test_an_estimate_is_judged_when_it_is_drawn(pages, tmp_path):
    """The standard error of a correlation by chance is that of Bartlett 1946, made anew from the samples."""
    rng, n_samples = np.random.default_rng(3), 4000
    x = rng.standard_normal((4, n_samples))
    for k in range(1, n_samples):
        x[:, k] += 0.8 * x[:, k - 1]
    x[1, 1:] += 0.5 * x[0, :-1]
    activity = netxr.as_activity(x, dims=("neuron", "time"), sampling_interval=0.05)
    netxr.save(activity.to_dataset(name="activity"), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=estimate&lags=0-3&lag=1&marked=3 <- 2")
    (pairs,) = [one for one in page.page.body.select(pn.widgets.Tabulator) if one.name == "Strongest pairs"]
    first = pairs.value.iloc[0]
    assert (first.source, first.target) == (0, 1)
    assert first.q_value < 1e-6
    assert "to 0." in first.interval
    standard = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    halves = np.split(standard, 20, axis=1)
    each = [np.corrcoef(np.hstack(one)[1, 1:], np.hstack(one)[0, :-1])[0, 1] for one in (halves[::2], halves[1::2])]
    np.testing.assert_allclose([float(part) for part in first.halves.split()], each, atol=0.05)
    lags = range(1, 60)
    a, b = ([(standard[k, lag:] * standard[k, :-lag]).mean() for lag in lags] for k in (2, 3))
    error = np.sqrt((1 + 2 * np.dot(a, b)) / n_samples)
    spans = [
        one for figure in figures(page) if isinstance(figure, hv.Overlay) for one in figure if type(one) is hv.HSpan
    ]
    (span,) = spans
    assert max(span.data) == pytest.approx(1.96 * error, rel=0.15)
    assert 1.96 * error > 1.5 * 1.96 / np.sqrt(n_samples)  # autocorrelation makes it wider
    assert "grey: 95 % by chance" in page.text()
    assert "4 neurons, 4,000 samples: edges between " in page.text()
    choose(page, "Lag shown", 2)
    assert pairs.value.iloc[0].q_value < 1e-6
    assert len(pairs.value.columns) == 6


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("", "it carries direction"),
        ("&lags=0", "has no direction"),
        ("&method=partial_correlation", ""),
        ("&missing=drop", ""),
    ],
)
def test_the_answer_says_which_edges_stand_once_that_is_known(pages, tmp_path, search, said):
    run = netxr.simulate(netxr.random_connectivity(12, seed=1), n_steps=3000, seed=1)
    activity = run.activity.isel(trial=0, drop=True).drop_vars("time")
    netxr.save(activity.to_dataset(), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, f"?tab=recording&view=estimate{search}")
    lag, x = 0 if "lags" in search else 1, activity.values
    tested = netxr.correlation_test(activity, lag=lag).compute()
    ways = 1 if lag else 2
    edges = f"edges between {netxr.edges(tested).sizes['edge'] // ways} of {132 // ways} pairs at q ≤ 0.05; "
    cuts = np.array_split(x, 20, axis=1)
    off = ~np.eye(12, dtype=bool)

    def halves(cuts):
        """The correlation of each pair over blocks, whose lags do not go from one to the next."""
        pairs = [(one[:, lag:], one[:, : one.shape[1] - lag]) for one in cuts]
        later, before = (np.concatenate(one, axis=1) for one in zip(*pairs, strict=True))
        return np.corrcoef(later, before)[:12, 12:][off]

    agree = np.corrcoef(halves(cuts[::2]), halves(cuts[1::2]))[0, 1]
    if "partial" in search:
        assert "edges between" not in page.text()
        assert "halves agree" not in page.text()
        assert "step 4 says which pairs" in page.text()
    else:
        assert f"12 neurons, 3,000 samples: {edges}" in page.text()
        (shown,) = re.findall(r"; halves agree (-?0\.\d\d)[;.]", page.text())
        assert float(shown) == pytest.approx(agree, abs=0.03)
        assert said in page.text()
        assert "step 4 says" not in page.text()


def test_noise_and_what_is_slow_are_not_said_to_carry_direction(pages, tmp_path):
    x = np.random.default_rng(0).standard_normal((12, 2000))
    for name, samples in {"noise": x, "slow": np.cumsum(x, axis=1)}.items():
        netxr.save(netxr.as_activity(samples, dims=("neuron", "time")).to_dataset(), tmp_path / f"{name}.zarr")
    noise = opened(pages, tmp_path, "?tab=recording&view=estimate&recording=noise.zarr").text()
    assert "which way is not sure" in noise
    with pytest.warns(UserWarning, match="not yet zero"):
        slow = opened(pages, tmp_path, "?tab=recording&view=estimate&recording=slow.zarr").text()
    assert "so slow that too many edges are found" in slow
    assert "carries direction" not in noise + slow


def test_over_an_estimate_with_a_truth_the_answer_says_which_edges_stand(pages, library):
    page = opened(pages, library, "?tab=recording&recording=estimated.zarr&view=estimate")
    found = netxr.edges(netxr.correlation_test(netxr.open(library / "estimated.zarr").activity.isel(trial=0)).compute())
    assert f". Edges: {found.sizes['edge']} of 56 pairs at q ≤ 0.05.</p>" in page.text()
    assert ", halves agree " in page.text()


def test_what_is_not_tested_has_no_columns_of_a_test(pages, library):
    page = opened(pages, library, "?tab=recording&recording=estimated.zarr&view=estimate&method=partial_correlation")
    (pairs,) = [one for one in page.page.body.select(pn.widgets.Tabulator) if one.name == "Strongest pairs"]
    assert list(pairs.value.columns) == ["source", "target", "effect"]
    choose(page, "Estimator", "lagged_correlation")
    (pairs,) = [one for one in page.page.body.select(pn.widgets.Tabulator) if one.name == "Strongest pairs"]
    assert pairs.value.q_value.notna().all()


def test_a_name_that_the_network_writes_is_written_over_at_its_place():
    R = netxr.as_connectivity(np.arange(9.0).reshape(3, 3), rows="target", neurons=["a", "b", "c"])
    network = in_shape(netxr.plot.network(R), aspect=1.6)
    edge = SelectedEdge(network, R, print)
    edge.show("a", "b")
    written = {str(label): (x, y) for x, y, label in network.Labels.I.array(["x", "y", "label"]).tolist() if label}
    assert list(zip(edge.ends.data["name_x"], edge.ends.data["name_y"], strict=True)) == [written["b"], written["a"]]
    assert edge.ends.data["above"] == [0, 0]
    groups = xr.DataArray(["x", "y", "x"], dims="neuron", coords={"neuron": ["a", "b", "c"]})
    edge.follow(in_shape(netxr.plot.network(R, groups=groups), aspect=1.6), R)  # names of groups, of no neuron
    edge.show("a", "b")
    assert edge.ends.data["name_x"] == edge.ends.data["x"]
    assert all(edge.ends.data["above"])
