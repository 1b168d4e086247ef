"""How sure an estimate is, and how it changes over time: what the page says and shows beside what netxr finds."""

import re
from types import SimpleNamespace

import holoviews as hv
import numpy as np
import pandas as pd
import panel as pn
import pytest

import netxr
from netxr.app.recording.sure_view import interval_html
from tests.app.views import choose, download, figures, lines, open_step, opened, run_lines, table
from tests.marks import slow

SURE = "?tab=recording&view=sure&recording"
OVER_TIME = "?tab=recording&view=windows&recording"


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A folder with a recording that is long enough for edges, and one of two trials with a sample missing."""
    folder = tmp_path_factory.mktemp("long")
    run = netxr.simulate(netxr.random_connectivity(12, sparsity=0.7, seed=1), n_steps=4000, seed=1)
    activity = run.activity.isel(trial=0, drop=True).drop_vars("time").assign_attrs(sampling_interval=0.05)
    activity.attrs["sampling_interval_units"] = "s"
    groups = netxr.assign_groups(activity.to_dataset(), groups=["V1"] * 8 + ["V2"] * 4)
    netxr.save(groups, folder / "long.zarr")
    trials = netxr.simulate(netxr.random_connectivity(8, sparsity=0.5, seed=2), n_steps=1500, trials=2, seed=2)
    netxr.save(trials, folder / "trials.zarr")
    trials.activity[3, 700, 0] = np.nan
    netxr.save(trials, folder / "holed.zarr")
    return folder


def edges_shown(page):
    (found,) = page.page.body.select(pn.widgets.Tabulator)
    return found


@pytest.mark.parametrize("label", [3, "c"])
def test_edges_are_filtered_by_a_label(pages, tmp_path, label):
    activity = activity_of_two(label)
    netxr.save(activity.to_dataset(name="activity"), tmp_path / "two.zarr")
    edges = edges_shown(opened(pages, tmp_path, f"{SURE}=two.zarr&q=0.9"))
    assert len(edges.current_view) > 1
    how = edges.header_filters["source"]["func"]
    edges.filters = [{"field": "source", "type": how, "value": str(label)}]
    assert set(edges.current_view.source) == {label}
    assert len(edges.current_view) == (edges.value.source == label).sum()


def activity_of_two(label):
    """White noise of three neurons, one of which drives the others."""
    drive, noise = np.random.default_rng(0).normal(size=(2, 2000))
    samples = np.stack([drive, np.roll(drive, 1), np.roll(drive, 1) + noise])
    labels = [label, 13, 23] if label == 3 else ["c", "a", "b"]
    return netxr.as_activity(samples, dims=("neuron", "time"), neurons=labels)


def matrix_shown(page):
    return figures(page)[0]


def halves_shown(page):
    """The pairs of both halves, and those of R and its transpose."""
    points = [one for one in figures(page) if isinstance(one, hv.Points)]
    return {hv.Store.lookup_options("bokeh", panel, "plot").kwargs["ylabel"]: panel for panel in points}


def activity_of(folder, name="long.zarr"):
    return netxr.open(folder / name).activity


def test_reliability_edges_and_matrix_are_those_of_netxr(pages, long):
    page = opened(pages, long, f"{SURE}=long.zarr")
    assert not page.messages
    activity = activity_of(long)
    tested = netxr.correlation_test(activity).compute()
    expected = netxr.edges(tested)
    assert expected.sizes["edge"] > 10
    reliability = netxr.reliability(activity.load()).reliability.item()
    assert f"{expected.sizes['edge']} of 132 pairs at q ≤ 0.05." in page.text()
    assert "Of these, 5 % at most are expected not to correlate" in page.text()
    assert f"Reliability {reliability:.3f}: its root is the most that this estimate can correlate" in page.text()
    assert f"with any truth, {reliability**0.5:.3f}." in page.text()
    assert "No test holds where two neurons drift together" in page.text()
    shown = edges_shown(page).value
    for name in ("source", "target", "effect", "lower", "upper", "p_value", "q_value"):
        np.testing.assert_allclose(shown[name], expected[name], rtol=1e-9, atol=1e-12)
    assert shown.effect.abs().is_monotonic_decreasing
    figure = matrix_shown(page)
    dim = next(iter(figure.traverse(lambda one: one, [lambda one: [str(d) for d in one.vdims] == ["dim"]])))
    found = netxr.false_discovery(tested.p_value) <= 0.05
    np.testing.assert_array_equal(np.isnan(dim.dimension_values("dim", flat=False)), found)
    pairs = ["source", "target"]
    pd.testing.assert_frame_equal(table(page)[pairs], shown[pairs].reset_index(drop=True))


def test_halves_and_the_transpose_are_drawn_against_one_another(pages, long):
    page = opened(pages, long, f"{SURE}=long.zarr")
    x = activity_of(long).values
    off = ~np.eye(12, dtype=bool)
    R = correlated(x)
    shown = halves_shown(page)
    alike = shown["R"]
    np.testing.assert_allclose(np.c_[alike["A"], alike["R"]], np.c_[R.T[off], R[off]], atol=1e-9)
    halves = shown["R of the second half"]
    expected = netxr.reliability(activity_of(long).load()).halves.item()
    assert np.corrcoef(halves["A"], halves["R"])[0, 1] == pytest.approx(expected, abs=1e-9)
    assert f"correlation {np.corrcoef(R[off], R.T[off])[0, 1]:.2f}" in page.text()
    edges = edges_shown(page).value
    strongest = edges.iloc[0]
    place = np.flatnonzero(np.isclose(R[off], strongest.effect, atol=1e-9))
    assert place.size == 1
    assert strongest.first_half == pytest.approx(halves["A"][place[0]])
    assert strongest.second_half == pytest.approx(halves["R"][place[0]])


@pytest.mark.parametrize("search", ["lags=0&q=0.5", "method=partial_correlation"])
def test_of_an_estimate_without_direction_its_values_are_drawn_instead_of_its_transpose(pages, long, search):
    page = opened(pages, long, f"{SURE}=long.zarr&{search}")
    assert not page.messages
    assert "R and its transpose" not in page.text()
    (spread,) = [one for one in figures(page) if isinstance(one, hv.Overlay) and one.traverse(specs=[hv.Polygons])]
    x = activity_of(long).values
    R = np.corrcoef(x) if "lags" in search else -np.linalg.inv(np.cov(x))
    R = R if "lags" in search else R / np.sqrt(np.outer(np.diag(R), np.diag(R)))
    values = R[np.triu_indices(12, 1)]
    medians = [np.median(values)]
    if "lags" in search:
        edges, matrix = edges_shown(page).value, np.zeros((12, 12), bool)
        matrix[edges.source, edges.target] = matrix[edges.target, edges.source] = True
        found = matrix[np.triu_indices(12, 1)]
        assert 0 < found.sum() == len(edges) < 66
        medians = [np.median(values[~found]), np.median(values[found])]
    (drawn,) = spread.traverse(specs=[hv.Segments])
    np.testing.assert_allclose(drawn["median"], medians, atol=1e-9)


def test_an_edge_that_is_clicked_is_selected_and_in_the_address(pages, long):
    page = opened(pages, long, f"{SURE}=long.zarr")
    table = edges_shown(page)
    assert set(table.header_filters) == {"source", "target"}
    for click in table._on_click_callbacks.get(None, []):
        click(SimpleNamespace(row=1))
    edge = table.value.iloc[1]
    assert page.page._settings["Recording"].marked == f"{edge.target} <- {edge.source}"
    assert "marked=" in page.location.search
    open_step(page, "Estimate")
    assert "marked=" in page.location.search


def test_the_bar_of_an_interval_ends_where_the_interval_does():
    def parts(html):
        found = re.findall(r"left:([\d.]+)%;width:([\d.]+)%", html)
        return [(float(left), float(left) + float(width)) for left, width in found]

    assert parts(interval_html(0.1, 0.2, scale=0.2)) == [(50.0, 75.0), (75.0, 100.0)]
    assert parts(interval_html(-0.2, -0.1, scale=0.2)) == [(25.0, 50.0), (0.0, 25.0)]
    assert parts(interval_html(-0.1, 0.2, scale=0.2)) == [(50.0, 50.0), (25.0, 100.0)]
    assert "negative" in interval_html(-0.2, -0.1, scale=0.2)


def correlated(x):
    """x (neuron, time): every target with every source a sample before, by a loop."""
    return np.array([[np.corrcoef(x[i, 1:], x[j, :-1])[0, 1] for j in range(len(x))] for i in range(len(x))])


def test_q_is_a_control_and_nothing_is_computed_again(pages, long, monkeypatch):
    page = opened(pages, long, f"{SURE}=long.zarr")
    few = len(edges_shown(page).value)
    monkeypatch.setattr(netxr, "lagged_moments", None)
    for beyond, said in ((2.0, "at most 0.5"), (0.0, "at least 1e-06")):
        page.release("False discovery rate", beyond)
        assert page.widget("False discovery rate").name == f"False discovery rate q: {said}"
    page.release("False discovery rate", 0.3)
    assert page.widget("False discovery rate").name == "False discovery rate q"
    assert not page.messages
    assert len(edges_shown(page).value) > few
    assert "q=0.3" in page.location.search
    assert "at q ≤ 0.3." in page.text()
    assert "Of these, 30 % at most are expected not to correlate, or of a regression to have no effect." in page.text()
    choose(page, "Lags", "2 s")
    assert page.messages  # another lag has to be computed


def test_what_is_known_of_an_estimate_is_not_computed_again_by_another_step(pages, long, monkeypatch):
    alone = edges_shown(opened(pages, long, f"{SURE}=long.zarr&lags=1-3&lag=2")).value
    page = opened(pages, long, "?tab=recording&view=estimate&recording=long.zarr&lags=1-3&lag=2")
    for work in ("estimate_of", "how_sure"):
        monkeypatch.setattr(f"netxr.app.recording.tab.{work}", None)
    for step in ("How sure", "Estimate", "How sure"):
        open_step(page, step)
        assert not page.messages
    pd.testing.assert_frame_equal(edges_shown(page).value, alone)
    page.widget("Neurons").value = "0:5"
    page.wait()
    assert page.messages  # of other neurons it has to be computed


@pytest.mark.parametrize(
    "search",
    [
        "recording=long.zarr&q=0.2",
        "recording=holed.zarr&trial=0&missing=drop",
        *slow(
            "recording=trials.zarr&trial=-1&lags=0-2&lag=2",
            "recording=long.zarr&method=regression&neurons=0:5&lags=2",
            "recording=long.zarr&method=granger",
            "recording=long.zarr&method=regression_t",
            "recording=long.zarr&method=correlation&level=number&groups=4",
            "recording=trials.zarr&trial=1&method=partial_correlation",
        ),
    ],
)
def test_the_lines_say_what_the_page_says(pages, long, search, capsys):
    page = opened(pages, long, f"?tab=recording&view=sure&{search}")
    assert not page.messages
    capsys.readouterr()
    space, figure = run_lines(page)
    said = capsys.readouterr().out
    if said:
        assert f"Reliability {float(said):.3f}" in page.text()
    else:
        assert "cannot be said, since single samples are left out" in page.text()
    assert type(figure) is type(matrix_shown(page))
    if "edges" in space:
        np.testing.assert_allclose(edges_shown(page).value.effect, space["edges"].effect, atol=1e-12)
        assert f"{len(space['edges'])} of " in page.text()
    else:
        assert "This estimator has no p-values" in page.text()
        assert not page.page.body.select(pn.widgets.Tabulator)
    assert download(page, "Zarr (zip)")[:2] == b"PK"
    assert not page.messages


def test_a_recording_that_is_too_slow_for_its_test_says_so(pages, long, tmp_path):
    activity = activity_of(long).load()
    slow = activity.copy(data=np.cumsum(activity.values - activity.values.mean(1, keepdims=True), axis=1))
    netxr.save(slow.isel(time=slice(1000)).to_dataset(name="activity"), tmp_path / "slow.zarr")
    with pytest.warns(UserWarning, match="not yet zero at lag"):
        page = opened(pages, tmp_path, f"{SURE}=slow.zarr")
    assert "neurons change so slowly that their p-values are too low" in page.text()


def test_a_view_of_lags_that_are_several_shows_one(pages, long):
    page = opened(pages, long, f"{SURE}=long.zarr&lags=0-3")
    assert list(page.widget("Lag shown").options.values()) == [0, 1, 2, 3]
    assert page.widget("Lag shown").value == 1
    choose(page, "Lag shown", 3)
    expected = netxr.edges(netxr.correlation_test(activity_of(long), lag=3))
    assert len(edges_shown(page).value) == expected.sizes["edge"]


def test_an_estimate_over_windows_is_that_of_netxr(pages, long):
    page = opened(pages, long, f"{OVER_TIME}=long.zarr&windows=8&pairs=3%20%3C-%200:1")
    assert not page.messages
    moments = netxr.lagged_moments(activity_of(long), lags=[1], blocks=8)
    R = netxr.lagged_correlation(moments, lag=1).compute()
    curves, matrices = figures(page)
    assert [one.label for one in curves if type(one) is hv.Curve] == ["0 → 3", "1 → 3"]
    curve = next(one for one in curves if type(one) is hv.Curve)
    np.testing.assert_allclose(curve["value"], R.sel(target=3, source=0), atol=1e-12)
    assert curve["time"].tolist() == R.block_time.values.tolist()
    assert [dim.label for dim in matrices.kdims] == ["Time (s)"]
    numbers = table(page)
    np.testing.assert_allclose(numbers.lagged_correlation, R.values.ravel(), atol=1e-12)
    assert (numbers.lower < numbers.upper).all()
    space, figure = run_lines(page)
    np.testing.assert_allclose(space["tested"].lower.values.ravel(), numbers.lower, atol=1e-12)
    assert "pairs=[(3, 0), (3, 1)]" in lines(page)
    assert type(figure) is type(curves)


@pytest.mark.parametrize("method", ["granger", *slow("regression", "partial_correlation")])
def test_other_estimators_are_drawn_over_windows_too(pages, long, method):
    page = opened(pages, long, f"{OVER_TIME}=trials.zarr&windows=3&method={method}")
    assert not page.messages
    space, _ = run_lines(page)
    np.testing.assert_allclose(table(page)[method], space["R"].values.ravel(), atol=1e-12)


def test_what_is_wrong_with_windows_and_pairs_is_said_beside_them(pages, long):
    page = opened(pages, long, f"{OVER_TIME}=long.zarr")
    before = figures(page)
    for label, value, said in (
        ("Windows", 900, "windows: got 900 windows of 4,000 samples; expected at most 400, of 10 samples each"),
        ("Pairs", "0, 1", "pairs: got &#x27;0, 1&#x27;; expected targets &lt;- sources"),
        ("Pairs", "99 <- 0", "&#x27;99&#x27;, which is no neuron here"),
    ):
        widget = page.widget(label)
        old = widget.value
        page.release(label, value) if label == "Windows" else choose(page, label, value)
        (alert,) = _alerts(page)
        assert said in alert.object
        assert not page.messages  # once is enough
        assert "Settings changed" in page.session.line.object
        page.release(label, old) if label == "Windows" else choose(page, label, old)
        assert not _alerts(page)
    assert len(figures(page)) == len(before)


def _alerts(page):
    """Messages that stand beside a control."""
    panes = [one for one in page.page.body.select(pn.pane.HTML) if 'role="alert"' in str(one.object)]
    return [one for one in panes if one not in list(page.session.messages)]


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (f"{OVER_TIME}=trials.zarr&trial=-1", "trial: got all of them; expected one, whose windows follow"),
        (f"{OVER_TIME}=long.zarr&windows=1000", "windows: got 1,000 windows of 4,000 samples"),
        (f"{OVER_TIME}=holed.zarr&missing=pairwise", "blocks: got"),
        (f"{SURE}=long.zarr&q=2", "q: got '2'; expected a number, 1e-06 to 0.5"),
    ],
)
def test_what_cannot_be_is_a_message(pages, long, search, message):
    page = opened(pages, long, search)
    assert any(message in one.replace("&#x27;", "'") for one in page.messages), page.messages
    assert all("Unexpected" not in one for one in page.messages)


def test_blocks_that_are_too_large_are_refused_before_anything_is_read(pages, long):
    page = opened(pages, long, f"{SURE}=long.zarr", memory=2**15)
    assert page.messages
    assert "Unexpected" not in page.messages[0]
