import holoviews as hv
import matplotlib as mpl
import numpy as np
import pytest
from bokeh.models import ColorBar, GlyphRenderer, HoverTool
from matplotlib.backends.backend_agg import FigureCanvasAgg

from netxr.errors import InvalidInput
from netxr.plot import matrix
from netxr.plot.style import UNDEFINED_COLOUR

LABEL = "Connectivity Strength"


def colour_at(figure, axis, x, y):
    """Return the RGB that matplotlib really draws at a place given in data coordinates."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    column, row = axis.transData.transform((x, y))
    pixels = np.asarray(canvas.buffer_rgba())
    return pixels[pixels.shape[0] - 1 - int(row), int(column), :3].astype(int)


def test_matplotlib_draws_the_one_edge_at_row_target_column_source(one_edge):
    figure = hv.render(matrix(one_edge), backend="matplotlib")
    axis = figure.axes[0]
    red, green, blue = colour_at(figure, axis, x=0, y=2)
    assert red > green + 50
    assert red > blue + 50
    assert colour_at(figure, axis, x=2, y=0).min() > 240
    assert axis.get_ylim() == (3.5, -0.5)
    assert axis.get_xlim() == (-0.5, 3.5)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("Connectivity from", "Connectivity to")
    assert [tick.get_text() for tick in axis.get_yticklabels()] == list("abcd")
    assert axis.images[0].get_clim() == (-0.5, 0.5)
    assert figure.axes[1].get_ylabel() == LABEL


def test_bokeh_draws_the_one_edge_at_row_target_column_source(one_edge):
    plot = hv.render(matrix(one_edge), backend="bokeh")
    (image,) = plot.select({"type": GlyphRenderer})
    data = image.data_source.data
    np.testing.assert_array_equal(data["image"][0], one_edge.values)
    assert (data["x"][0], data["y"][0], data["dw"][0], data["dh"][0]) == (-0.5, -0.5, 4, 4)
    assert (plot.y_range.start, plot.y_range.end) == (3.5, -0.5)
    assert (plot.x_range.start, plot.x_range.end) == (-0.5, 3.5)
    assert (plot.xaxis[0].axis_label, plot.yaxis[0].axis_label) == ("Connectivity from", "Connectivity to")
    assert plot.xaxis[0].major_label_overrides == {0: "a", 1: "b", 2: "c", 3: "d"}
    assert (image.glyph.color_mapper.low, image.glyph.color_mapper.high) == (-0.5, 0.5)
    assert plot.select_one(ColorBar).title == LABEL
    assert plot.frame_width == plot.frame_height


def test_hover_names_the_neurons_however_often_it_is_drawn(one_edge):
    figure = matrix(one_edge)
    for _ in range(2):
        hover = hv.render(figure, backend="bokeh").select_one(HoverTool)
        assert hover.tooltips == [("from", "$x{label}"), ("to", "$y{label}"), (LABEL.lower(), "@image")]
        assert hover.formatters["$x"].args["labels"] == list("abcd")
        assert hover.formatters["$y"].args["labels"] == list("abcd")


def test_limits_hold_in_layouts_and_grids(random_pair):
    A, R = random_pair
    panels = {name: matrix(weights, limits=(-0.7, 0.7)) for name, weights in (("A", A), ("R", R))}
    for together in (panels["A"] + panels["R"], hv.GridSpace({(k, 0): v for k, v in panels.items()}, ["of", "row"])):
        drawn = hv.render(together, backend="bokeh").select({"type": GlyphRenderer})
        assert {(image.glyph.color_mapper.low, image.glyph.color_mapper.high) for image in drawn} == {(-0.7, 0.7)}
        axes = hv.render(together, backend="matplotlib").axes
        assert {image.get_clim() for axis in axes for image in axis.images} == {(-0.7, 0.7)}


def test_matrices_of_different_sizes_keep_their_axes_side_by_side(random_pair, one_edge):
    pair = matrix(random_pair[0]) + matrix(one_edge)
    images = [axis for axis in hv.render(pair, backend="matplotlib").axes if axis.images]
    assert [axis.get_xlim() for axis in images] == [(-0.5, 5.5), (-0.5, 3.5)]


def test_one_source_is_one_narrow_column_with_its_label(one_edge):
    column = matrix(one_edge.sel(source="a"))
    np.testing.assert_array_equal(column.dimension_values(2, flat=False), [[0.0], [0.0], [0.5], [0.0]])
    plot = hv.render(column, backend="bokeh")
    assert plot.xaxis[0].major_label_overrides == {0: "a"}
    assert plot.frame_width < plot.frame_height / 3
    axis = hv.render(column, backend="matplotlib").axes[0]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["a"]


def test_undefined_cells_are_grey_and_unlike_zero(one_edge):
    holed = one_edge.where(one_edge.target != "d")
    figure = hv.render(matrix(holed), backend="matplotlib")
    expected = np.rint(255 * np.array(mpl.colors.to_rgb(UNDEFINED_COLOUR)))
    np.testing.assert_allclose(colour_at(figure, figure.axes[0], x=1, y=3), expected, atol=1)
    (image,) = hv.render(matrix(holed), backend="bokeh").select({"type": GlyphRenderer})
    assert image.glyph.color_mapper.nan_color == UNDEFINED_COLOUR


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("value", [0.0, 1.0, -2.0, np.nan, 1e-12])
@pytest.mark.parametrize("n_neurons", [1, 3])
def test_constant_undefined_and_tiny_matrices_are_drawn(backend, value, n_neurons, one_edge):
    constant = one_edge[:n_neurons, :n_neurons] * 0 + value
    hv.render(matrix(constant, title="constant"), backend=backend)


def test_long_names_are_upright_and_short_ones_are_not(one_edge):
    named = one_edge.assign_coords(source=[f"neuron {i}" for i in range(4)])
    assert hv.render(matrix(named), backend="bokeh").xaxis[0].major_label_orientation == pytest.approx(np.pi / 2)
    axis = hv.render(matrix(one_edge), backend="matplotlib").axes[0]
    assert {tick.get_rotation() for tick in axis.get_xticklabels()} == {0}


@pytest.mark.parametrize("limits", [(1, 1), (2, -2), (0, np.nan), (1,)])
def test_limits_that_are_no_range_are_refused(one_edge, limits):
    with pytest.raises(InvalidInput, match=r"limits: got .*lower one first.*symmetric_limit"):
        matrix(one_edge, limits=limits)
