import time

import holoviews as hv
import numpy as np
import pytest
from bokeh.models import GlyphRenderer, HoverTool, Scatter, Segment

from netxr.errors import InvalidInput
from netxr.plot import network


def circle(n_neurons):
    return {
        k: np.array([np.cos(2 * np.pi * k / n_neurons), np.sin(2 * np.pi * k / n_neurons)]) for k in range(n_neurons)
    }


def on_bokeh(figure, glyph):
    renderers = hv.render(figure, backend="bokeh").select({"type": GlyphRenderer})
    found = [renderer for renderer in renderers if isinstance(renderer.glyph, glyph)]
    return sorted(found, key=lambda renderer: getattr(renderer.glyph, "marker", "") != "triangle")


def test_the_arrow_of_the_one_edge_runs_from_source_to_target(one_edge):
    places = circle(4)
    (shaft,) = on_bokeh(network(one_edge), Segment)
    start = np.array([shaft.data_source.data[name][0] for name in ("x0", "y0")])
    end = np.array([shaft.data_source.data[name][0] for name in ("x1", "y1")])
    assert np.linalg.norm(start - places[0]) < 0.1
    assert np.linalg.norm(end - places[2]) < 0.25
    head, _nodes = on_bokeh(network(one_edge), Scatter)
    middle = np.array([head.data_source.data[name][0] for name in ("x", "y")])
    assert 0 < np.linalg.norm(middle - places[2]) < 0.25 < np.linalg.norm(middle - places[0])
    assert (head.data_source.data["from"][0], head.data_source.data["to"][0]) == ("a", "c")


def test_the_arrowhead_points_at_the_target_on_both_backends(one_edge):
    direction = np.pi  # from the right of the circle to its left
    head, _nodes = on_bokeh(network(one_edge), Scatter)
    assert head.glyph.marker == "triangle"  # with its tip upwards at angle 0
    assert head.data_source.data["angle"][0] + np.pi / 2 == pytest.approx(direction)
    axis = hv.render(network(one_edge), backend="matplotlib").axes[0]
    (triangle,) = next(c for c in axis.collections if len(c.get_paths()[0].vertices) == 3).get_paths()
    corners = triangle.vertices
    assert sorted(corners @ [np.cos(direction), np.sin(direction)]) == pytest.approx(
        [-0.5 / np.sqrt(3), -0.5 / np.sqrt(3), 1 / np.sqrt(3)]
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
    (shafts,) = on_bokeh(network(weights), Segment)
    data = shafts.data_source.data
    assert list(zip(data["from"], data["to"], data["weight"], strict=True)) == [("a", "b", 0.25), ("a", "c", 0.5)]
    widths = data[shafts.glyph.line_width.field]
    assert widths[1] == pytest.approx(2 * widths[0])
    opacity = [int(colour[-2:], 16) for colour in shafts.glyph.line_color.transform.palette]
    assert opacity == sorted(opacity)
    assert opacity[-1] == 255
    (shaft_lines,) = (
        c for c in hv.render(network(weights), backend="matplotlib").axes[0].collections if hasattr(c, "get_segments")
    )
    thin, thick = shaft_lines.get_linewidths()
    assert thick == pytest.approx(2 * thin)
    shaft_lines.update_scalarmappable()
    faint, dark = shaft_lines.get_edgecolors()[:, 3]
    assert faint < 0.6 < dark == 1


def test_edges_in_both_directions_stand_apart_and_parallel(one_edge):
    weights = one_edge.copy()
    weights.loc["a", "c"] = 0.5
    (shafts,) = on_bokeh(network(weights), Segment)
    y = [shafts.data_source.data[name] for name in ("y0", "y1")]
    np.testing.assert_allclose(y[0], y[1], atol=1e-12)
    assert abs(y[0][0] - y[0][1]) > 0.03
    (alone,) = on_bokeh(network(one_edge), Segment)
    assert alone.data_source.data["y0"][0] == pytest.approx(0)


def test_hover_names_neurons_and_weights(one_edge):
    tools = hv.render(network(one_edge), backend="bokeh").select({"type": HoverTool})
    tips = {tuple(tool.tooltips) for tool in tools}
    assert (("from", "@{from}"), ("to", "@{to}"), ("connectivity strength", "@{weight}")) in tips
    assert (("neuron", "@{neuron}"),) in tips


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
@pytest.mark.parametrize("n_neurons", [1, 4])
def test_a_graph_without_edges_says_so(one_edge, backend, value, n_neurons):
    figure = network(one_edge[:n_neurons, :n_neurons] * 0 + value, title="nothing")
    assert "no positive weight" in figure.Labels.I["label"][-1]
    hv.render(figure, backend=backend)


def test_names_are_thinned_where_there_is_no_room(one_edge):
    n = 200
    many = one_edge.isel(target=[0] * n, source=[0] * n)
    many = many.assign_coords(target=range(n), source=range(n))
    assert 10 < len(network(many).Labels.I) < 60
    named = many.assign_coords(target=[f"neuron {i}" for i in range(n)], source=[f"neuron {i}" for i in range(n)])
    assert len(network(named).Labels.I) < len(network(many).Labels.I)


def test_ten_thousand_edges_are_built_within_a_second(one_edge):
    n = 101
    dense = one_edge.isel(target=[2] * n, source=[0] * n).assign_coords(target=range(n), source=range(n))
    started = time.perf_counter()
    figure = network(dense)
    assert time.perf_counter() - started < 1
    assert len(figure.Segments.I) == n * (n - 1)
    hv.render(figure, backend="bokeh")


def test_a_graph_needs_the_same_neurons_on_both_sides(one_edge):
    with pytest.raises(InvalidInput, match="weights: got 4 targets x 3 sources"):
        network(one_edge[:, :3])
