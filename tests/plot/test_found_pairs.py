"""Pairs that are not found at a false discovery rate: dimmed in a matrix, left out of a network.

By hand, of three neurons a, b, c: six pairs have the p-values .001 (a to b), .02 (b to a), .03 (c to a), .2, .5 and .9.
Their rates are .006, .06, .06, .3, .6 and .9: one pair is found at q = .05, and three at q = .1.
"""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import GlyphRenderer, MultiLine

import netxr
from netxr.errors import InvalidInput
from netxr.plot import matrix, network
from netxr.plot.matrices.found_pairs import found_pairs
from tests.plot.drawn import bar_titles, bokeh_images, draw, on_paper, on_screen, title_of
from tests.runs import labelled

BACKENDS = pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
P = np.array([[0.4, 0.02, 0.03], [0.001, 0.4, 0.2], [0.5, 0.9, 0.4]])


@pytest.fixture(name="R")
def estimated():
    return labelled(np.array([[0.9, -0.2, 0.15], [0.5, 0.8, 0.1], [0.05, 0.01, 0.7]]), list("abc"))


@pytest.fixture(name="p")
def p_values():
    return labelled(P.copy(), list("abc"))


@pytest.fixture(scope="module")
def tested():
    """A test of 20 neurons of which some are connected."""
    run = netxr.simulate(netxr.random_connectivity(20, sparsity=0.8, seed=1), n_steps=5000, seed=1)
    return netxr.correlation_test(run).isel(trial=0).compute()


def dimmed(figure, backend):
    """Whether each cell has grey laid over it, the first row first."""
    return dimmed_in(draw(figure, backend), backend)


def dimmed_in(drawn, backend):
    """The same of a figure that is drawn."""
    if backend == "bokeh":
        cover = bokeh_images(drawn)[1]
        assert cover.glyph.color_mapper.nan_color == "rgba(0, 0, 0, 0)"
        return np.isfinite(cover.data_source.data["image"][0])
    cover = drawn.axes[0].images[1]
    cells = cover.get_array()
    opacity = cover.to_rgba(np.ma.masked_invalid(cells))[..., 3]
    bottom, top = cover.get_extent()[2:]
    first = bottom if cover.origin == "lower" else top  # where the first row of the array is drawn
    return (opacity > 0)[:: 1 if first == min(bottom, top) else -1]


def arrows(figure):
    (shafts,) = (one for one in on_screen(figure).select({"type": GlyphRenderer}) if isinstance(one.glyph, MultiLine))
    data = shafts.data_source.data
    return sorted(zip(data["from"], data["to"], strict=True))


@BACKENDS
@pytest.mark.parametrize(("q", "found"), [(0.05, [(1, 0)]), (0.1, [(1, 0), (0, 1), (0, 2)]), (0.001, [])])
def test_what_is_not_found_is_dimmed_by_hand(R, p, backend, q, found):
    expected = np.ones((3, 3), dtype=bool)
    for place in found:
        expected[place] = False
    figure = matrix(R, p_value=p, q=q, title="R")
    np.testing.assert_array_equal(dimmed(figure, backend), expected)
    drawn = draw(figure, backend)
    title = drawn.title.text if backend == "bokeh" else drawn.axes[0].get_title()
    assert title == f"R\n{len(found)} of 6 pairs at q ≤ {q}; others dimmed"


@BACKENDS
def test_what_is_dimmed_is_what_false_discovery_says(tested, backend):
    rates = netxr.false_discovery(tested.p_value)
    found = (rates <= 0.05).values
    assert 10 < found.sum() < 300
    figure = matrix(tested.lagged_correlation, p_value=tested.p_value)
    np.testing.assert_array_equal(dimmed(figure, backend), ~found)


def test_the_arrows_left_are_those_of_false_discovery_and_of_edges(tested):
    figure = network(tested.lagged_correlation, p_value=tested.p_value, edges=None, sign="both", title="R")
    listed = netxr.edges(tested)
    pairs = sorted((str(s), str(t)) for s, t in zip(listed.source.values, listed.target.values, strict=True))
    assert arrows(figure) == pairs
    assert title_of(figure) == f"R\n{len(pairs)} of 380 pairs at q ≤ 0.05; others not drawn"


def test_positive_weights_alone_are_drawn_of_those_found(R, p):
    assert arrows(network(R, p_value=p, q=0.1)) == [("a", "b"), ("c", "a")]
    assert title_of(network(R, p_value=p, q=0.1)) == (
        "3 of 6 pairs at q ≤ 0.1; others not drawn\npositive weights only"
    )


@BACKENDS
def test_a_network_of_which_nothing_is_found_says_so(R, p, backend):
    figure = network(R, p_value=p, q=0.001)
    assert figure.Labels.I["label"][-1] == "no pair at q ≤ 0.001"
    assert title_of(figure) == "0 of 6 pairs at q ≤ 0.001; others not drawn"
    draw(figure, backend)


@BACKENDS
def test_pairs_without_a_p_value_are_counted_and_dimmed(R, p, backend):
    p.loc["c"] = np.nan  # then the three rates are .003, .03 and .03
    figure = matrix(R, p_value=p)
    np.testing.assert_array_equal(dimmed(figure, backend), [[1, 0, 0], [0, 1, 1], [1, 1, 1]])
    assert on_screen(figure).title.text == "3 of 4 pairs at q ≤ 0.05, 2 without a p-value; others dimmed"
    assert "2 without a p-value" in title_of(network(R, p_value=p))
    nothing = matrix(R, p_value=p * np.nan)
    assert on_screen(nothing).title.text == "0 of 0 pairs at q ≤ 0.05, 6 without a p-value; others dimmed"


def test_p_values_are_aligned_by_label_and_rates_are_of_all_of_them(R, p):
    shuffled = p.isel(target=[2, 0, 1], source=[1, 2, 0]).expand_dims(trial=1).transpose("source", ...)
    np.testing.assert_array_equal(dimmed(matrix(R, p_value=shuffled), "bokeh"), dimmed(matrix(R, p_value=p), "bokeh"))
    part = R.sel(target=["b", "a"], source=["a"])  # p-values of all six pairs are tested, one of them is drawn
    np.testing.assert_array_equal(dimmed(matrix(part, p_value=p), "bokeh"), [[False], [True]])


def test_groups_are_drawn_over_what_is_dimmed(R, p):
    groups = xr.DataArray(["x", "y", "x"], dims="neuron", coords={"neuron": list("abc")})  # in order a, c, b
    figure = matrix(R, p_value=p, groups=groups)
    np.testing.assert_array_equal(dimmed(figure, "bokeh"), [[1, 1, 1], [1, 1, 1], [0, 1, 1]])
    assert on_paper(figure).axes[0].images[0].get_clim() == (-0.5, 0.5)


@BACKENDS
def test_a_block_is_dimmed_where_none_of_its_pairs_is_found(backend):
    p = np.full((1000, 1000), 0.5)
    p[3, 8], p[700, 701] = 1e-9, 1e-12
    p[10:14] = np.nan
    R = xr.DataArray(np.ones((1000, 1000)), dims=("target", "source"))
    figure = matrix(R, p_value=xr.DataArray(p, dims=R.dims))
    drawn = draw(figure, backend)
    assert np.argwhere(~dimmed_in(drawn, backend)).tolist() == [[1, 4], [350, 350]]
    title = drawn.title.text if backend == "bokeh" else drawn.axes[0].get_title()
    assert title == (
        "2 of 995,004 pairs at q ≤ 0.05, 3,996 without a p-value; others dimmed\neach cell the mean of 2 x 2 weights"
    )
    if backend == "bokeh":
        (stream,) = figure.streams
        stream.event(x_range=(0, 20), y_range=(20, 0))
        assert np.argwhere(~dimmed_in(drawn, backend)).tolist() == [[3, 8]]


@pytest.mark.parametrize("draws", [matrix, network])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.assign_coords(target=list("abd")), "p_value: got none of 1 of the 3 targets, such as 'c'"),
        (lambda p: p.isel(source=slice(2)), "p_value: got none of 1 of the 3 sources, such as 'c'.*one result"),
        (lambda p: p * 10, "p_value: got values from .* expected 0 to 1"),
        (lambda p: p.values, "p_value: got ndarray"),
        (lambda p: xr.concat([p, p], "lag"), "p_value: got dims .*lag"),
    ],
)
def test_what_are_no_p_values_of_these_neurons_is_refused(R, p, draws, change, message):
    with pytest.raises(InvalidInput, match=message):
        draws(R, p_value=change(p))


@pytest.mark.parametrize("q", [0, 1, -0.1, "low", np.nan, True])
def test_what_is_no_rate_is_refused(R, p, q):
    with pytest.raises(InvalidInput, match=r"q: got .*; expected a share above 0 and below 1"):
        matrix(R, p_value=p, q=q)


@BACKENDS
@pytest.mark.parametrize("sign", ["positive", "both"])
def test_a_network_says_what_its_weights_are(R, backend, sign):
    named = R.rename("granger").assign_attrs(estimator="granger", long_name="Granger causality")
    figure = network(named, sign=sign)
    hover = figure.Segments.I.opts.get("plot", backend="bokeh").kwargs["hover_tooltips"]
    assert hover[-1] == ("granger causality", "@weight")
    if sign == "both":
        drawn = draw(figure, backend)
        bars = [axis.get_ylabel() for axis in drawn.axes] if backend == "matplotlib" else bar_titles(drawn)
        assert "Granger causality" in bars


def test_a_pair_without_a_direction_counts_once():
    activity = np.random.default_rng(0).standard_normal((6, 300))
    activity[1] += activity[0]
    tested = netxr.correlation_test(netxr.as_activity(activity, dims=("neuron", "time")), lag=0)
    said = found_pairs(tested.lagged_correlation, tested.p_value, q=1e-6).text
    assert said == "1 of 15 pairs at q ≤ 1e-06"
