"""A figure that is given the data of another one shows what that one would."""

from functools import partial

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import xarray as xr
from bokeh.models import LinearColorMapper, Node
from bokeh.models.annotations import BoxAnnotation, Span

import netxr
import netxr.plot
from netxr.app.frame.live import LiveFigure, kind_of
from netxr.app.frame.panes import Results, fitted, squared, stretched
from netxr.app.recording.choice import Choice
from netxr.app.recording.compute import how_sure
from netxr.app.recording.pair_cards import PairCards
from netxr.app.recording.settings import RecordingSettings
from netxr.app.recording.sure_view import SureCards, sure_figure
from netxr.estimators.overlap import shared_pairs
from netxr.plot.scores import agreements


@pytest.fixture(scope="module")
def over_lags():
    """Connectivity of nine neurons at three lags."""
    values = np.random.default_rng(0).standard_normal((3, 9, 9))
    labels = list("abcdefghi")
    coords = {"lag": [0, 1, 2], "target": labels, "source": labels}
    R = xr.DataArray(values / 5, dims=("lag", "target", "source"), coords=coords, name="lagged_correlation")
    return R.assign_attrs(estimator="lagged_correlation")


def curves(R, lag):
    pair = [("a", "b"), ("b", "a")] if lag == 0 else [("c", "h"), ("h", "c")]
    return netxr.plot.lags(R, pairs=pair, samples=40 + lag).opts(title="", backend="bokeh")


def counts(R, lag):
    pairs = shared_pairs(R.isel(lag=0), R.isel(lag=lag) + lag, diagonal=False, arguments=("first", "second"))
    return agreements._counts(pairs).opts(ylabel=f"lag {lag}", backend="bokeh")


KINDS = {
    "counts": (partial(stretched, height=200, basis=None), counts),
    "matrix": (squared, lambda R, lag: netxr.plot.matrix(R.isel(lag=lag))),
    "grouped": (squared, lambda R, lag: netxr.plot.matrix(R.isel(lag=lag), groups=groups_of(R))),
    "network": (partial(fitted, aspect=1.5), lambda R, lag: netxr.plot.network(R.isel(lag=lag), sign="both")),
    "crowd": (partial(fitted, aspect=1.5), lambda _R, lag: netxr.plot.network(crowd(lag), sign="both")),
    "lags": (partial(stretched, height=200, basis=None), curves),
}


def crowd(lag):
    """So many edges that each is thinner and paler, how much depends on all of them."""
    return netxr.as_connectivity(np.random.default_rng(lag).standard_normal((90, 90)) ** 3, rows="target")


def groups_of(R):
    return xr.DataArray(list("xyz" * 3), dims="neuron", coords={"neuron": R.target.values})


def drawn_by(root):
    """The models of bokeh, without the places of a band's ends, which are models too."""
    return {one for one in root.references() if not isinstance(one, Node)}


def seen(plot):
    """What a plot shows: columns, ranges of colours, names in the legend, and marks without columns."""
    columns, rest = [], []
    for one in plot.state.renderers + plot.state.center:
        if isinstance(one, Span | BoxAnnotation):
            rest.append({name: getattr(one, name) for name in ("location", "bottom", "top") if hasattr(one, name)})
        elif hasattr(one, "data_source"):
            columns.append({name: list(column) for name, column in one.data_source.data.items()})
    rest += [[item.label.value for item in legend.items] for legend in plot.state.legend]
    mappers = [one for one in plot.state.references() if isinstance(one, LinearColorMapper)]
    rest.append(sorted((one.low, one.high, tuple(one.palette)) for one in mappers))
    rest += [(one.start, one.end) for one in (plot.state.x_range, plot.state.y_range)]
    rest.append([axis.axis_label for axis in (*plot.state.below, *plot.state.left)])
    return columns, rest


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_given_to_a_figure_is_what_a_new_one_would_show(over_lags, kind):
    styled, draw = KINDS[kind]
    live = LiveFigure(styled, draw(over_lags, 0))
    root = live.pane.get_root()
    first, models = live._plot, drawn_by(root)
    for lag in (1, 2):
        live.show(draw(over_lags, lag))
        new = LiveFigure(styled, draw(over_lags, lag))
        new.pane.get_root()
        (columns, rest), (wanted, rest_wanted) = seen(live._plot), seen(new._plot)
        assert len(columns) == len(wanted)
        for given, drawn in zip(columns, wanted, strict=True):
            assert given.keys() == drawn.keys()
            for name in drawn:
                np.testing.assert_array_equal(given[name], drawn[name])
        assert rest == rest_wanted
    assert live._plot is first
    assert drawn_by(root) == models  # nothing was made anew
    assert live.pane.object is not None


def test_a_figure_of_another_kind_is_drawn_anew(over_lags):
    small = over_lags.isel(lag=1)
    live = LiveFigure(squared, netxr.plot.matrix(small))
    live.pane.get_root()
    first = live._plot
    for weights in (small * np.nan, small):  # what is undefined has a colour of its own
        live.show(netxr.plot.matrix(weights))
        assert live._plot not in (None, first)
        low = live._plot.handles["color_mapper"].low_color
        assert (low is None) == bool(np.isfinite(weights).all())
    large = netxr.as_connectivity(np.eye(1001), rows="target")
    live.show(netxr.plot.matrix(large))
    assert isinstance(live.pane.object, hv.DynamicMap)
    live.show(netxr.plot.matrix(small))
    assert live._kind == kind_of(squared(netxr.plot.matrix(small)).object)
    assert len(live._plot.handles["source"].data["image"][0]) == 9


def test_cards_follow_an_estimate_of_the_same_neurons_and_refuse_others(over_lags):

    def given(R, lag):
        at = R.isel(lag=lag)
        return at, R, None, [netxr.plot.matrix(at), netxr.plot.network(at, sign="both")]

    cards = PairCards(*given(over_lags, 0), lag=0, selected=("a", "b"), choose=print)
    for pane in cards.panes:
        pane.get_root()
    plots = cards._matrix._plot, cards._network._plot, cards._live_curve._plot
    assert cards.follow(*given(over_lags, 2), lag=2, selected=("c", "h"))
    assert plots == (cards._matrix._plot, cards._network._plot, cards._live_curve._plot)
    (ring,) = [one for one in plots[2].state.renderers if one.name == "ring"]
    assert ring.data_source.data == {"x": [2], "y": [over_lags.sel(lag=2, target="c", source="h").item()]}
    assert cards._edge.ends.data["name"] == ["h", "c"]
    strongest = np.abs(over_lags.isel(lag=2).values - np.diag(np.diag(over_lags.isel(lag=2).values))).max()
    assert abs(cards._edges.value["effect"].iloc[0]) == strongest
    assert cards._edges.value.iloc[cards._edges.selection[0]].tolist()[:2] == ["h", "c"]
    others = over_lags.isel(target=slice(8), source=slice(8))
    assert not cards.follow(*given(others, 0), lag=0, selected=None)


def test_a_curve_that_joins_other_figures_is_drawn_after_them(over_lags):
    at, turns = over_lags.isel(lag=1), []
    figures = [[netxr.plot.matrix(one), netxr.plot.network(one, sign="both")] for one in (at, -at)]
    cards = PairCards(at, None, None, figures[0], lag=1, selected=None, choose=print, later=turns.append)
    assert cards.follow(-at, -over_lags, None, figures[1], lag=1, selected=None)
    (pane,) = cards._curve.select(pn.pane.HoloViews)
    assert (pane.object, pane.css_classes) == (None, ["skeleton"])
    for turn in turns:
        turn()
    assert isinstance(pane.object, hv.Overlay)
    assert pane.css_classes == []


def test_a_figure_that_left_the_page_is_given_another_one_and_comes_back_with_it(over_lags):
    for styled, draw in KINDS.values():
        live = LiveFigure(styled, draw(over_lags, 0))
        page = pn.Column(live.pane)
        page.get_root()
        page.clear()
        live.show(draw(over_lags, 1))
        page.append(live.pane)
        new = LiveFigure(styled, draw(over_lags, 1))
        new.pane.get_root()
        assert repr(seen(live._plot)) == repr(seen(new._plot))


def test_networks_of_any_number_of_edges_follow_one_another(over_lags):
    styled, draw = KINDS["network"]
    few = [over_lags.where(np.abs(over_lags) > least, 0.0) for least in (9.0, 0.0, 0.45, 0.3)]
    both_ways = xr.zeros_like(over_lags)
    both_ways[:, 0, 1], both_ways[:, 1, 0] = 0.5, -0.2
    live = LiveFigure(styled, draw(over_lags, 0))
    live.pane.get_root()
    for lag, R in zip((0, 1, 2, 0, 1, 2, 0), (*few, both_ways, -both_ways, few[0]), strict=True):
        live.show(draw(R, lag))
        new = LiveFigure(styled, draw(R, lag))
        new.pane.get_root()
        assert repr(seen(live._plot)) == repr(seen(new._plot))


def test_a_figure_that_waits_to_be_drawn_is_the_one_that_was_given_last(over_lags):
    turns = []
    results = Results(pn.Column(), later=turns.append)
    styled, draw = KINDS["matrix"]
    live = LiveFigure(styled, draw(over_lags, 0))
    results.show(pn.Column(live.pane))
    live.show(draw(over_lags, 2))
    last = live.pane.object
    for turn in turns:
        turn()
    assert live.pane.object is last
    assert "skeleton" not in live.pane.css_classes


def test_curves_come_beside_an_estimate_at_one_lag_and_go(over_lags):
    at = over_lags.isel(lag=1)
    figures = [netxr.plot.matrix(at), netxr.plot.network(at, sign="both")]
    cards = PairCards(at, None, None, figures, lag=1, selected=None, choose=print)
    page = pn.Column(*cards.panes)
    page.get_root()
    whole, first = cards.panes[0], cards._matrix._plot
    assert len(whole) == 3
    assert "wide" in whole[-1].css_classes
    for R, n_cards in ((over_lags, 4), (None, 3)):
        assert cards.follow(at, R, None, figures, lag=1, selected=None)
        assert (len(whole), "wide" in whole[-1].css_classes) == (n_cards, n_cards == 3)
        assert cards._matrix._plot is first
    assert cards.panes == [whole]


@pytest.fixture(scope="module")
def sures(library):
    """How sure an estimate of eight neurons is, at three lags."""
    run = netxr.open(library / "grouped.zarr")
    choice = Choice(*(RecordingSettings().param[name].default for name in Choice._fields))._replace(lags="0-3")
    options = {"memory": 2**30, "compute": lambda lazy: lazy.compute()}
    return [how_sure(run, choice, lag=lag, **options) for lag in (1, 2, 3)]


def test_how_sure_another_lag_is_shown_in_the_cards_that_are_there(sures):
    first, *others = sures

    def made(sure):
        cards = SureCards(sure, sure_figure(sure, q=0.05, groups=None), q=0.05, choose=print)
        for pane in cards.panes:
            pane.get_root()
        return cards

    cards = made(first)
    plots = [one._plot for one in cards._figures.values()]
    for sure in others:
        assert cards.follow(sure, sure_figure(sure, q=0.05, groups=None), q=0.05)
        new = made(sure)
        for title, one in cards._figures.items():
            assert repr(seen(one._plot)) == repr(seen(new._figures[title]._plot))
        heads = [[one.object for one in each.select(pn.pane.HTML)] for each in (*cards.panes, *new.panes)]
        assert heads[: len(heads) // 2] == heads[len(heads) // 2 :]
        assert cards._table.value.equals(new._table.value)
    assert plots[1:] == [one._plot for one in cards._figures.values()][1:]
    few = first._replace(found=first.found.isel(target=slice(5), source=slice(5)))
    assert not cards.follow(few, None, q=0.05)
