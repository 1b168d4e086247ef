import sys

import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColorBar, GlyphRenderer, HoverTool, MultiLine, Scatter, Segment
from matplotlib.collections import QuadMesh

from netxr.errors import InvalidInput, MissingExtra
from netxr.plot import matrix, network
from netxr.plot.matrices.arrow_marks import BEND, NEGATIVE_COLOUR, POSITIVE_COLOUR, bent
from tests.plot.drawn import draw, on_paper, on_screen, title_of
from tests.runs import labelled


def circle(n_neurons):
    return {
        k: np.array([np.cos(2 * np.pi * k / n_neurons), np.sin(2 * np.pi * k / n_neurons)]) for k in range(n_neurons)
    }


def grouped(groups, labels="abcd"):
    return xr.DataArray(groups, dims="neuron", coords={"neuron": list(labels)})


def on_bokeh(model, glyph):
    renderers = model.select({"type": GlyphRenderer})
    found = [renderer for renderer in renderers if isinstance(renderer.glyph, glyph)]
    return sorted(found, key=lambda renderer: getattr(renderer.glyph, "marker", "") != "triangle")


def test_the_arrow_of_the_one_edge_runs_from_source_to_target(one_edge):
    places = circle(4)
    screen = on_screen(network(one_edge))
    (shaft,) = on_bokeh(screen, MultiLine)
    start = np.array([shaft.data_source.data[name][0] for name in ("x0", "y0")])
    end = np.array([shaft.data_source.data[name][0] for name in ("x1", "y1")])
    assert np.linalg.norm(start - places[0]) < 0.1
    assert np.linalg.norm(end - places[2]) < 0.25
    head, _nodes = on_bokeh(screen, Scatter)
    middle = np.array([head.data_source.data[name][0] for name in ("x", "y")])
    assert 0 < np.linalg.norm(middle - places[2]) < 0.25 < np.linalg.norm(middle - places[0])
    assert (head.data_source.data["from"][0], head.data_source.data["to"][0]) == ("a", "c")


def test_arrowheads_of_several_edges_point_at_their_targets(random_pair):
    screen = on_screen(network(random_pair[0]))
    head, _nodes = on_bokeh(screen, Scatter)
    shaft = on_bokeh(screen, MultiLine)[0].data_source.data
    angles = head.data_source.data[head.glyph.angle.field] + np.pi / 2
    along = np.array([[x[-1] - x[-2], y[-1] - y[-2]] for x, y in zip(shaft["xs"], shaft["ys"], strict=True)])
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    np.testing.assert_allclose(
        np.column_stack([np.cos(angles), np.sin(angles)]), along, atol=0.02
    )  # as a parabola goes on


def test_the_arrowhead_points_at_the_target_on_both_backends(one_edge):
    direction = np.pi + np.arctan(4 * BEND)  # from the right of the circle to its left, on a way that bends
    head, _nodes = on_bokeh(on_screen(network(one_edge)), Scatter)
    assert head.glyph.marker == "triangle"  # with its tip upwards at angle 0
    assert (head.glyph.angle + np.pi / 2) % (2 * np.pi) == pytest.approx(direction, abs=0.02)
    axis = on_paper(network(one_edge)).axes[0]
    (triangle,) = next(c for c in axis.collections if len(c.get_paths()[0].vertices) == 3).get_paths()
    corners = triangle.vertices
    assert sorted(corners @ [np.cos(direction), np.sin(direction)]) == pytest.approx(
        [-0.5 / np.sqrt(3), -0.5 / np.sqrt(3), 1 / np.sqrt(3)], abs=0.02
    )


def test_neurons_stand_counter_clockwise_from_the_right_with_their_names(one_edge):
    nodes = network(one_edge).Points.II
    np.testing.assert_allclose(nodes.array(["x", "y"]).astype(float), list(circle(4).values()), atol=1e-12)
    assert list(nodes["neuron"]) == list("abcd")
    labels = network(one_edge).Labels.I
    assert list(labels["label"])[:4] == list("abcd")
    assert labels["x"][0] > 1
    assert labels["y"][1] > 1


def test_edges_are_wider_and_more_opaque_the_stronger_they_are(one_edge):
    weights = one_edge.copy()
    weights.loc["b", "a"], weights.loc["d", "a"], weights.loc["a", "a"] = 0.25, -3.0, 9.0
    (shafts,) = on_bokeh(on_screen(network(weights)), MultiLine)
    data = shafts.data_source.data
    assert list(zip(data["from"], data["to"], data["weight"], strict=True)) == [("a", "b", 0.25), ("a", "c", 0.5)]
    widths = data[shafts.glyph.line_width.field]
    np.testing.assert_allclose(widths, [0.7 + 1.6 / 2, 2.3])
    opacity = [int(colour[-2:], 16) for colour in shafts.glyph.line_color.transform.palette]
    assert opacity == sorted(opacity)
    assert opacity[-1] == 255
    (shaft_lines,) = (c for c in on_paper(network(weights)).axes[0].collections if hasattr(c, "get_segments"))
    thin, thick = shaft_lines.get_linewidths()
    assert thick / thin == pytest.approx(2.3 / 1.5)
    shaft_lines.update_scalarmappable()
    faint, dark = shaft_lines.get_edgecolors()[:, 3]
    assert faint < 0.6 < dark == 1


def test_edges_in_both_directions_part_and_each_keeps_clear_of_the_nodes(one_edge):
    weights = one_edge.copy()
    weights.loc["a", "c"] = 0.5
    (shafts,) = on_bokeh(on_screen(network(weights)), MultiLine)
    there, back = (np.column_stack([shafts.data_source.data[name][k] for name in ("xs", "ys")]) for k in (0, 1))
    np.testing.assert_allclose(there, -back, atol=1e-12)  # round the middle of both nodes
    chord = np.linalg.norm(there[-1] - there[0])
    assert abs(there[6, 1] - back[6, 1]) > 0.1 * chord
    for node in (1.0, -1.0):
        assert min(np.linalg.norm(there - (node, 0), axis=1)) > 0.04
    paper = next(one for one in on_paper(network(weights)).axes[0].collections if hasattr(one, "get_segments"))
    np.testing.assert_allclose(paper.get_segments(), [there, back], atol=1e-4)  # a hundredth of a pixel


def test_a_bent_edge_is_a_parabola_to_the_right_of_its_way():
    (points,) = bent(np.array([[0.0, 0.0]]), np.array([[0.0, 2.0]]))
    share = np.linspace(0, 1, len(points))
    np.testing.assert_allclose(points[:, 1], 2 * share)
    np.testing.assert_allclose(points[:, 0], 4 * share * (1 - share) * BEND * 2)


def test_a_crowd_of_edges_is_straight(one_edge):
    n = 40
    dense = one_edge.isel(target=[2] * n, source=[0] * n).assign_coords(target=range(n), source=range(n))
    assert not on_bokeh(on_screen(network(dense, edges=None)), MultiLine)


def test_hover_names_neurons_and_weights(one_edge):
    tools = on_screen(network(one_edge)).select({"type": HoverTool})
    tips = {tuple(tool.tooltips) for tool in tools}
    assert (("from", "@{from}"), ("to", "@{to}"), ("connectivity strength", "@{weight}")) in tips
    assert (("neuron", "@{neuron}"),) in tips


@pytest.mark.crossed
@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
@pytest.mark.parametrize("n_neurons", [1, 4])
def test_a_graph_without_edges_says_so(one_edge, backend, value, n_neurons):
    figure = network(one_edge[:n_neurons, :n_neurons] * 0 + value, title="nothing")
    assert "no positive weight" in figure.Labels.I["label"][-1]
    draw(figure, backend)


def test_names_are_thinned_where_there_is_no_room(one_edge):
    n = 200
    many = one_edge.isel(target=[0] * n, source=[0] * n)
    many = many.assign_coords(target=range(n), source=range(n))
    assert 10 < len(network(many).Labels.I) < 60
    named = many.assign_coords(target=[f"neuron {i}" for i in range(n)], source=[f"neuron {i}" for i in range(n)])
    assert len(network(named).Labels.I) < len(network(many).Labels.I)


def test_of_more_than_ten_thousand_edges_the_strongest_are_drawn_which_the_title_says(one_edge):
    n = 101
    dense = one_edge.isel(target=[2] * n, source=[0] * n).assign_coords(target=range(n), source=range(n)).copy()
    dense[7, 3] = 0.1
    figure = network(dense, edges=None, title="R")
    assert len(figure.Segments.I) == 10_000
    assert 0.1 not in figure.Segments.I["weight"]
    assert title_of(figure) == "R\nstrongest 10,000 of 10,100 edges"
    assert title_of(network(dense[:4, :4], title="R")) == "R"


def test_of_many_edges_the_three_strongest_inputs_of_each_neuron_are_drawn_which_the_title_says():
    weights = labelled(np.random.default_rng(0).random((20, 20)))
    figure = network(weights, title="R")
    assert title_of(figure) == "R\n3 strongest inputs of each: 60 of 380 edges"
    drawn = set(zip(figure.Segments.I["to"], figure.Segments.I["from"], strict=True))
    for target, row in enumerate(weights.values):
        strongest = sorted(set(range(20)) - {target}, key=lambda source: row[source])[-3:]
        assert {(str(target), str(source)) for source in strongest} <= drawn
    assert len(network(weights, edges=5).Segments.I) == 100
    assert title_of(network(weights, edges=None)) == ""
    with pytest.raises(InvalidInput, match="edges: got 0; expected a whole number, 1 or above"):
        network(weights, edges=0)


def in_field(x, y, labels="abcd"):
    return xr.DataArray(
        np.zeros((len(x), 2)),
        dims=("neuron", "time"),
        coords={"neuron": list(labels), "x": ("neuron", x), "y": ("neuron", y)},
    )


def test_neurons_stand_where_they_lie_in_the_image(one_edge):
    recording = in_field([10.0, 30, 50, 20], [0.0, 20, 10, 5])
    for given in (recording, recording.to_dataset(name="activity"), recording[[2, 0, 1, 3]]):
        nodes = network(one_edge, positions=given).Points.II.array(["x", "y"]).astype(float)
        np.testing.assert_allclose(nodes, [[-1, 0.5], [0, -0.5], [1, 0], [-0.5, 0.25]])  # y goes down in an image
    grouped_figure = network(one_edge, positions=recording, groups=grouped(["V1", "V1", "LM", "LM"]))
    assert list(grouped_figure.Labels.I["label"]) == ["V1", "LM", ""]
    np.testing.assert_allclose(grouped_figure.Labels.I["x"][:2], [-0.5, 0.25])
    on_paper(network(one_edge, positions=in_field([1.0] * 4, [2.0] * 4))).canvas.draw()  # all in one place


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (in_field([1.0, 2, 3, 4], [1.0, 2, 3, np.nan]), "no place of 1 of 4 neurons, such as 'd'; expected x and y of"),
        (in_field([1.0, 2], [1.0, 2], "xy"), "no place of 4 of 4 neurons, such as 'a'"),
        (in_field([1.0], [1.0], "a").drop_vars("y"), "expected a recording with the coordinates x and y on neuron"),
        ([[0, 1]], r"positions: got list.*assign_coords"),
    ],
)
def test_positions_that_lack_a_neuron_are_refused(one_edge, positions, message):
    with pytest.raises(InvalidInput, match=message):
        network(one_edge, positions=positions)


def test_edges_pull_neurons_together(monkeypatch):
    pytest.importorskip("networkx")
    weights = np.zeros((6, 6))
    weights[1, 0] = weights[2, 1] = weights[0, 2] = weights[4, 3] = weights[5, 4] = weights[3, 5] = 1.0
    nodes = network(labelled(weights), layout="spring").Points.II.array(["x", "y"]).astype(float)
    distances = np.linalg.norm(nodes[:, np.newaxis] - nodes, axis=-1)
    assert distances[:3, :3].max() < distances[:3, 3:].min()
    again = network(labelled(weights), layout="spring").Points.II.array(["x", "y"]).astype(float)
    np.testing.assert_array_equal(nodes, again)
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtra, match=r"layout='spring' needs networkx.*\[graph\]"):
        network(labelled(weights), layout="spring")


@pytest.mark.crossed(1)
@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("layout", ["circle", "groups"])
def test_a_thousand_neurons_are_drawn(backend, layout):
    weights = labelled(np.random.default_rng(1).normal(size=(1000, 1000)).astype(np.float32))
    figure = network(weights, layout=layout, sign="both", groups=grouped(["V1", "LM"] * 500, range(1000)))
    assert len(figure.Points.II) == 1000
    draw(figure, backend)


def test_signs_are_orange_and_blue_on_limits_about_zero(one_edge):
    weights = one_edge.copy()
    weights.loc["b", "a"], weights.loc["a", "b"] = -2.0, 0.5
    figure = network(weights, sign="both")
    (shafts,) = on_bokeh(on_screen(figure), MultiLine)
    data, mapper = shafts.data_source.data, shafts.glyph.line_color.transform
    assert sorted(zip(data["from"], data["to"], data["weight"], strict=True)) == [
        ("a", "b", -2.0),
        ("a", "c", 0.5),
        ("b", "a", 0.5),
    ]
    assert (mapper.low, mapper.high) == (-2, 2)
    assert (mapper.palette[0], mapper.palette[-1]) == (f"{NEGATIVE_COLOUR}ff", f"{POSITIVE_COLOUR}ff")
    widths = dict(zip(data["weight"], data[shafts.glyph.line_width.field], strict=True))
    assert (widths[-2.0], widths[0.5]) == pytest.approx((2.3, 1.1))
    axis = on_paper(figure).axes[0]
    (lines,) = (c for c in axis.collections if hasattr(c, "get_segments"))
    lines.update_scalarmappable()
    assert lines.get_clim() == (-2, 2)
    red, _green, blue, opacity = lines.get_edgecolors().T  # the weakest first
    assert (red > blue).tolist() == [True, True, False]
    assert opacity[0] < 0.5 < opacity[2] == 1


@pytest.mark.parametrize("layout", ["circle", "groups"])
def test_the_one_edge_ends_at_its_target_in_groups_too(one_edge, layout):
    figure = network(one_edge, layout=layout, groups=grouped(["V1", "V1", "LM", "LM"]))
    nodes = {str(name): np.array([x, y]) for x, y, name in figure.Points.II.array(["x", "y", "neuron"])}
    head = figure.Points.I.array(["x", "y"])[0].astype(float)
    distances = {name: np.linalg.norm(head - place.astype(float)) for name, place in nodes.items()}
    assert min(distances, key=distances.get) == "c"
    direction = (nodes["c"] - nodes["a"]).astype(float)
    angle = np.radians(float(figure.Points.I["angle"][0])) + np.pi / 2
    assert [np.cos(angle), np.sin(angle)] @ direction > 0.95 * np.linalg.norm(direction)
    assert list(figure.Labels.I["label"]) == ["V1", "LM", ""]


def test_what_cannot_be_laid_out_is_refused(one_edge):
    with pytest.raises(InvalidInput, match=r"groups: got None.*assign_groups"):
        network(one_edge, layout="groups")
    with pytest.raises(InvalidInput, match="layout: got 'star'; expected 'circle' or 'groups' or 'spring'"):
        network(one_edge, layout="star")
    with pytest.raises(InvalidInput, match="sign: got 'negative'; expected 'positive' or 'both'"):
        network(one_edge, sign="negative")


def test_a_graph_needs_the_same_neurons_on_both_sides(one_edge):
    with pytest.raises(InvalidInput, match="weights: got 4 targets x 3 sources"):
        network(one_edge[:, :3])


def test_the_title_says_where_negative_weights_are_not_drawn(one_edge):
    assert title_of(network(one_edge - np.diag([1.0, 0, 0, 0]), title="mine")) == "mine"
    one_edge[0, 1] = -0.1
    assert title_of(network(one_edge, title="mine")) == "mine\npositive weights only"
    assert title_of(network(one_edge, title="mine", sign="both")) == "mine"


def test_names_may_be_anything(one_edge):
    odd = one_edge.assign_coords(target=np.array(["$\\frac{$", 2, 2.5, "d"], dtype=object))
    figure = network(odd.assign_coords(source=odd.target.values))
    assert list(figure.Labels.I["label"])[:3] == ["$\\frac{$", "2", "2.5"]
    on_paper(figure).canvas.draw()
    assert on_screen(figure).frame_align is False  # aligned with other panels it would be cut off


def test_the_colour_bar_stands_clear_of_a_matrix_beside_it(one_edge):
    page = on_paper(network(one_edge, sign="both") + matrix(one_edge))
    page.canvas.draw()
    heatmap = next(axis for axis in page.axes if axis.images)
    bar = next(axis for axis in page.axes if axis.get_ylabel() == "Connectivity strength")
    assert bar.get_tightbbox().x1 < heatmap.yaxis.label.get_window_extent().x0


def test_the_colour_bar_of_a_crowd_is_as_clear_as_edges_over_one_another():
    weights = labelled(np.random.default_rng(0).normal(size=(60, 60)))
    screen = on_screen(network(weights, sign="both", edges=None))
    (bar,) = screen.select({"type": ColorBar})
    (shafts,) = (one for one in screen.select({"type": GlyphRenderer}) if isinstance(one.glyph, Segment))
    drawn = shafts.glyph.line_color.transform
    assert int(drawn.palette[-1][7:], 16) < 100
    assert (bar.color_mapper.palette[-1][7:], bar.color_mapper.palette[-1][:7]) == ("ff", drawn.palette[-1][:7])
    assert (bar.color_mapper.low, bar.color_mapper.high) == (drawn.low, drawn.high)
    axes = on_paper(network(weights, sign="both", edges=None)).axes
    (colours,) = (one.get_cmap()(1.0) for one in axes[1].collections if isinstance(one, QuadMesh))
    (edges,) = (one for one in axes[0].collections if hasattr(one, "get_segments"))
    assert colours == pytest.approx((*edges.get_cmap()(1.0)[:3], 1.0))
    assert edges.get_cmap()(1.0)[3] < 0.4


def test_many_weak_edges_leave_the_strong_ones_as_they_are():
    """As strong as the strongest, 300 are a crowd; where most are weak, it is these that are faint."""
    strong = labelled(np.ones((101, 101)))
    weak = strong * 0.02
    weak[0, 1] = 1.0
    opacity = [
        on_bokeh(on_screen(network(one)), MultiLine)[0].glyph.line_color.transform.palette[-1] for one in (strong, weak)
    ]
    assert int(opacity[0][7:], 16) < 120
    assert int(opacity[1][7:], 16) == 255


@pytest.mark.parametrize("n_neurons", [4, 400])
def test_outlines_of_neurons_are_thinner_where_these_are_small(n_neurons):
    figure = network(labelled(np.eye(n_neurons)))
    (nodes,) = (one for one in on_bokeh(on_screen(figure), Scatter) if one.glyph.marker == "circle")
    assert nodes.glyph.line_width < nodes.glyph.size / 3
    (drawn,) = (one for one in on_paper(figure).axes[0].collections if len(one.get_offsets()) == n_neurons)
    assert drawn.get_linewidths()[0] < np.sqrt(drawn.get_sizes()[0]) / 2


def test_a_long_number_of_edges_stays_on_one_line():
    n = 1200
    weights = xr.DataArray(np.ones((n, n)), dims=("target", "source"))
    assert title_of(network(weights)) == "3 strongest inputs of each: 3,600 of 1,438,800"


@pytest.mark.parametrize("title", ["", "R"])
@pytest.mark.parametrize("edges", [1, 3, None])
def test_a_title_has_at_most_two_lines(title, edges):
    values = np.random.default_rng(1).normal(size=(20, 20))
    weights = labelled(values)
    p_value = xr.where(abs(weights) > 0.3, 1e-6, 0.9)
    options = {"edges": edges, "title": title}
    for figure in (network(weights, **options), network(weights, p_value=p_value, **options)):
        said = title_of(figure)
        assert "positive" in said
        assert len(said.splitlines()) <= 2
    n_found = int((p_value.values < 0.5)[~np.eye(20, dtype=bool)].sum())
    assert f"{n_found} of 380 pairs" in said


@pytest.fixture
def both_ways():
    """An estimate that is its own transpose, of 12 neurons."""
    values = np.random.default_rng(3).normal(size=(12, 12))
    return labelled(values + values.T).rename("correlation")


def test_a_pair_without_direction_is_one_line_without_an_arrowhead(both_ways, one_edge):
    figure = network(both_ways, sign="both", edges=None, title="R")
    shafts = figure.Segments.I
    drawn = dict(zip(map(frozenset, shafts.array(["from", "to"])), shafts["weight"], strict=True))
    assert len(shafts) == len(drawn) == 12 * 11 / 2
    for (one, other), weight in drawn.items():
        assert weight == both_ways.values[int(one), int(other)]
    assert not len(figure.Points.I)
    assert title_of(figure) == "R"
    tools = on_screen(figure).select({"type": HoverTool})
    assert ["between", "and"] in [[name for name, _ in tool.tooltips[:2]] for tool in tools]
    truth = network((one_edge + one_edge.T.values).rename("connectivity"))
    assert len(truth.Segments.I) == len(truth.Points.I) == 2


def test_the_strongest_pairs_of_each_neuron_without_direction(both_ways):
    figure = network(both_ways, sign="both", edges=2)
    strength = np.abs(both_ways.values)
    np.fill_diagonal(strength, 0)
    expected = {frozenset([i, int(j)]) for i, row in enumerate(strength) for j in np.argsort(row)[-2:]}
    shafts = figure.Segments.I
    assert {frozenset(map(int, pair)) for pair in shafts.array(["from", "to"])} == expected
    assert len(shafts) == len(expected)
    assert title_of(figure) == f"2 strongest pairs of each: {len(expected)} of 66 pairs"
    for backend in ("bokeh", "matplotlib"):
        draw(figure, backend)


def test_found_pairs_without_direction_count_once(both_ways):
    p = both_ways.copy(data=np.full((12, 12), 0.9)).rename("p_value")
    p[2, 5] = p[5, 2] = 1e-6
    assert title_of(network(both_ways, sign="both", p_value=p)).startswith("1 of 66 pairs at q")
