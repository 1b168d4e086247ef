import warnings

import holoviews as hv
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from bokeh.models import GlyphRenderer, HoverTool, Segment
from matplotlib.backends.backend_agg import FigureCanvasAgg

from netxr.errors import InvalidInput
from netxr.plot import matrix, save
from netxr.plot.style import UNDEFINED_COLOUR
from tests.plot.drawn import bar_titles, bokeh_images, draw, off_diagonal, on_paper, on_screen
from tests.runs import labelled

LABEL = "Connectivity strength"


def colour_at(figure, axis, x, y):
    """Return the RGB that matplotlib really draws at a place given in data coordinates."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    column, row = axis.transData.transform((x, y))
    pixels = np.asarray(canvas.buffer_rgba())
    return pixels[pixels.shape[0] - 1 - int(row), int(column), :3].astype(int)


def test_matplotlib_draws_the_one_edge_at_row_target_column_source(one_edge):
    figure = on_paper(matrix(one_edge))
    axis = figure.axes[0]
    red, green, blue = colour_at(figure, axis, x=0, y=2)
    assert red > green > blue + 20
    assert colour_at(figure, axis, x=2, y=0).min() > 240
    assert axis.get_ylim() == (3.5, -0.5)
    assert axis.get_xlim() == (-0.5, 3.5)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("From neuron", "To neuron")
    assert [tick.get_text() for tick in axis.get_yticklabels()] == list("abcd")
    assert axis.images[0].get_clim() == (-0.5, 0.5)
    assert figure.axes[1].get_ylabel() == LABEL


def test_bokeh_draws_the_one_edge_at_row_target_column_source(one_edge):
    plot = on_screen(matrix(one_edge))
    (image,) = plot.select({"type": GlyphRenderer})
    data = image.data_source.data
    np.testing.assert_array_equal(data["image"][0], off_diagonal(one_edge.values))
    assert (data["x"][0], data["y"][0], data["dw"][0], data["dh"][0]) == (-0.5, -0.5, 4, 4)
    assert (plot.y_range.start, plot.y_range.end) == (3.5, -0.5)
    assert (plot.x_range.start, plot.x_range.end) == (-0.5, 3.5)
    assert (plot.xaxis[0].axis_label, plot.yaxis[0].axis_label) == ("From neuron", "To neuron")
    assert plot.xaxis[0].major_label_overrides == {0: "a", 1: "b", 2: "c", 3: "d"}
    assert (image.glyph.color_mapper.low, image.glyph.color_mapper.high) == (-0.5, 0.5)
    assert bar_titles(plot) == [LABEL]
    assert plot.frame_width == plot.frame_height


def test_hover_names_the_neurons_however_often_it_is_drawn(one_edge):
    figure = matrix(one_edge)
    for _ in range(2):
        hover = on_screen(figure).select_one(HoverTool)
        assert hover.tooltips == [("from", "$x{label}"), ("to", "$y{label}"), (LABEL.lower(), "@image")]
        assert hover.formatters["$x"].args["labels"] == list("abcd")
        assert hover.formatters["$y"].args["labels"] == list("abcd")


def test_limits_hold_in_layouts_and_grids(random_pair):
    A, R = random_pair
    panels = {name: matrix(weights, limits=(-0.7, 0.7)) for name, weights in (("A", A), ("R", R))}
    for together in (panels["A"] + panels["R"], hv.GridSpace({(k, 0): v for k, v in panels.items()}, ["of", "row"])):
        drawn = on_screen(together).select({"type": GlyphRenderer})
        assert {(image.glyph.color_mapper.low, image.glyph.color_mapper.high) for image in drawn} == {(-0.7, 0.7)}
        axes = on_paper(together).axes
        assert {image.get_clim() for axis in axes for image in axis.images} == {(-0.7, 0.7)}


def test_matrices_of_different_sizes_keep_their_axes_side_by_side(random_pair, one_edge):
    pair = matrix(random_pair[0]) + matrix(one_edge)
    images = [axis for axis in on_paper(pair).axes if axis.images]
    assert [axis.get_xlim() for axis in images] == [(-0.5, 5.5), (-0.5, 3.5)]


def test_one_source_is_one_narrow_column_with_its_label(one_edge):
    column = matrix(one_edge.sel(source="a"))
    np.testing.assert_array_equal(column.dimension_values(2, flat=False), [[np.nan], [0.0], [0.5], [0.0]])
    plot = on_screen(column)
    assert plot.xaxis[0].major_label_overrides == {0: "a"}
    assert plot.frame_width < plot.frame_height / 3
    axis = on_paper(column).axes[0]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["a"]


def test_few_targets_are_a_low_panel_of_a_width_that_fits_a_page(one_edge):
    plot = on_screen(matrix(one_edge.isel(target=[0], source=[0] * 40).assign_coords(source=range(40))))
    assert plot.frame_height < plot.frame_width <= 600


def test_undefined_cells_are_grey_and_unlike_zero(one_edge):
    holed = one_edge.where(one_edge.target != "d")
    figure = on_paper(matrix(holed))
    expected = np.rint(255 * np.array(mpl.colors.to_rgb(UNDEFINED_COLOUR)))
    np.testing.assert_allclose(colour_at(figure, figure.axes[0], x=1, y=3), expected, atol=1)
    (image,) = on_screen(matrix(holed)).select({"type": GlyphRenderer})
    assert image.glyph.color_mapper.nan_color == UNDEFINED_COLOUR


@pytest.mark.crossed(1)
@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("value", [0.0, 1.0, -2.0, np.nan, 1e-12])
@pytest.mark.parametrize("n_neurons", [1, 3])
def test_constant_undefined_and_tiny_matrices_are_drawn(backend, value, n_neurons, one_edge):
    constant = one_edge[:n_neurons, :n_neurons] * 0 + value
    draw(matrix(constant, title="constant"), backend)


def test_long_names_are_upright_and_short_ones_are_not(one_edge):
    named = one_edge.assign_coords(source=[f"neuron {i}" for i in range(4)])
    assert on_screen(matrix(named)).xaxis[0].major_label_orientation == pytest.approx(np.pi / 2)
    axis = on_paper(matrix(one_edge)).axes[0]
    assert {tick.get_rotation() for tick in axis.get_xticklabels()} == {0}


@pytest.mark.parametrize("limits", [(1, 1), (2, -2), (0, np.nan), (1,), "auto", (None, 1)])
def test_limits_that_are_no_range_are_refused(one_edge, limits):
    with pytest.raises(InvalidInput, match=r"limits: got .*lower one first.*symmetric_limit"):
        matrix(one_edge, limits=limits)


def test_groups_are_drawn_together_with_borders_and_names(one_edge):
    groups = xr.DataArray(["V2", "V1", "V1", "V2"], dims="neuron", coords={"neuron": list("abcd")})
    figure = matrix(one_edge, groups=groups, title="grouped")  # in order a, d, b, c
    plot = on_screen(figure)
    (image,) = bokeh_images(plot)
    np.testing.assert_array_equal(np.argwhere(image.data_source.data["image"][0] > 0), [[3, 0]])
    assert plot.xaxis[0].major_label_overrides == {0.5: "V2", 2.5: "V1"}
    hover = plot.select({"type": HoverTool})
    assert [tool.formatters["$x"].args["labels"] for tool in hover if "$x" in tool.formatters] == [list("adbc")]
    (lines,) = (one.data_source.data for one in plot.select({"type": GlyphRenderer}) if isinstance(one.glyph, Segment))
    assert [lines[name].tolist() for name in ("source", "end_source")] == [[1.5, -0.5], [1.5, 3.5]]
    axis = on_paper(figure).axes[0]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["V2", "V1"]
    assert axis.get_title() == "grouped"


def test_names_of_small_groups_are_left_out_where_there_is_no_room():
    groups = xr.DataArray([f"g{k}" for k in range(40)], dims="neuron")
    weights = xr.DataArray(np.zeros((40, 40)), dims=("target", "source"))
    axis = on_paper(matrix(weights, groups=groups)).axes[0]
    assert 8 <= len(axis.get_yticklabels()) <= 16


@pytest.fixture(scope="module")
def big():
    weights = np.random.default_rng(0).normal(size=(1200, 1200)).astype(np.float32)
    weights[100:110] = np.nan
    weights[700, 42] = 99
    names = [f"n{k}" for k in range(1200)]
    return xr.DataArray(weights, dims=("target", "source"), coords={"target": names, "source": names})


def test_a_big_matrix_is_drawn_as_means_of_blocks_and_says_so(big, tmp_path):
    figure = matrix(big, title="big")
    plot = on_screen(figure)
    (image,) = bokeh_images(plot)
    cells = image.data_source.data["image"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # blocks without a number
        expected = np.nanmean(big.values.astype(float).reshape(240, 5, 240, 5), axis=(1, 3))
    np.testing.assert_allclose(cells, expected)
    limit = np.nanquantile(abs(expected), 0.995)
    assert image.glyph.color_mapper.high == pytest.approx(limit, rel=1e-3)
    assert plot.title.text == "big\neach cell the mean of 5 x 5 weights"
    assert plot.xaxis[0].major_label_overrides[200] == "n200"
    assert plot.frame_height >= 240
    hover = plot.select_one(HoverTool)
    assert hover.tooltips[-1][0] == "mean connectivity strength"
    assert {axis.args["step"] for axis in hover.formatters.values()} == {5}
    axis = on_paper(figure).axes[0]
    assert axis.get_title() == plot.title.text
    assert axis.get_ylim() == (1199.5, -0.5)
    save(figure, tmp_path / "big.png")


@pytest.mark.crossed(1)
@pytest.mark.parametrize("limits", [None, (-2, 2)])
@pytest.mark.parametrize("grouped", [False, True])
def test_zooming_in_shows_single_weights_on_limits_of_their_own(big, limits, grouped):
    groups = xr.DataArray(["x"] * 1200, dims="neuron", coords={"neuron": big.target.values}) if grouped else None
    figure = matrix(big, limits=limits, groups=groups)
    plot = hv.renderer("bokeh").get_plot(figure).state
    (stream,) = figure.streams
    stream.event(x_range=(39.6, 80.2), y_range=(720.4, 690.3))
    (image,) = bokeh_images(plot)
    data = image.data_source.data
    weights = big.values[690:721, 40:81]
    np.testing.assert_array_equal(data["image"][0], weights)
    assert (data["x"][0], data["y"][0], data["dw"][0], data["dh"][0]) == (39.5, 689.5, 41, 31)
    low, high = limits or (-np.quantile(abs(weights), 0.995, method="higher"),) * 2
    assert (image.glyph.color_mapper.low, image.glyph.color_mapper.high) == (low, abs(high))
    assert plot.title.text == ""
    assert (plot.x_range.start, plot.x_range.end) == (-0.5, 1199.5)  # the view is the browser's
    if not grouped:
        assert plot.yaxis[0].major_label_overrides[700] == "n700"
    stream.event(x_range=(0, 900), y_range=(900, 0))
    assert plot.title.text == "each cell the mean of 2 x 2 weights"
    stream.event(x_range=(0, 20), y_range=(100.6, 108.6))
    assert plot.title.text == "undefined everywhere"
    stream.event(x_range=None, y_range=None)
    assert bokeh_images(plot)[0].data_source.data["image"][0].shape == (240, 240)


def test_braces_in_a_title_stand_for_themselves(one_edge):
    assert on_screen(matrix(one_edge, title="a {b}")).title.text == "a {b}"


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
def test_a_matrix_without_a_number_says_so(one_edge, backend):
    drawn = draw(matrix(one_edge * np.nan, title="R"), backend)
    title = drawn.title.text if backend == "bokeh" else drawn.axes[0].get_title()
    assert title == "R\nundefined everywhere"


def test_the_diagonal_leaves_the_colours_to_the_others():
    R = np.array([[0.9, 0.1, -0.2], [0.05, 0.8, 0.0], [0.1, 0.1, 1.0]])
    assert matrix(labelled(R)).vdims[0].range == (-0.2, 0.2)
    assert np.isnan(np.diag(matrix(labelled(R)).dimension_values(2, flat=False))).all()
    whole = matrix(labelled(R), limits=(-1, 1)).dimension_values(2, flat=False)
    np.testing.assert_array_equal(whole, R)
    shuffled = xr.DataArray(R[[1, 0, 2]], {"target": [1, 0, 2], "source": [0, 1, 2]}, ("target", "source"))
    assert matrix(shuffled).vdims[0].range == (-0.2, 0.2)
    assert matrix(labelled(np.diag([0.5, 2.0]))).vdims[0].range == (-2.0, 2.0)  # there is nothing else to see
    other = xr.DataArray(R, {"target": ["a", "b", "c"], "source": [0, 1, 2]}, ("target", "source"))
    assert matrix(other).vdims[0].range == (-1.0, 1.0)
