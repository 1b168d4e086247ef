import numpy as np
import pytest
import xarray as xr
from bokeh.models import HoverTool

from netxr.errors import InvalidInput
from netxr.plot import map as score_map
from netxr.plot.style import DIVERGING, INK, UNDEFINED_COLOUR
from tests.plot.drawn import bar_titles, bokeh_cells, bokeh_images, draw, on_paper, on_screen

MEAN = np.array([[0.5, 0.4, 0.3], [0.9, 0.8, np.nan]])
DEFINED = np.array([[5, 5, 2], [5, 3, 0]])


@pytest.fixture
def scores():
    """Rows are n_neurons 50 and 5, in this order; columns are unevenly spaced."""
    dims = ("n_neurons", "sparsity")
    return xr.Dataset(
        {"pearson_mean": (dims, MEAN, {"long_name": "Correlation"}), "pearson_defined": (dims, DEFINED)},
        coords={
            "n_neurons": [50, 5],
            "sparsity": [0.1, 0.2, 0.9],
            "size": ("n_neurons", ["large", "small"]),
            "n_edges": (dims, np.ones((2, 3))),
        },
    )


def texts_of(figure):
    labels = figure.Labels.I
    return {(x, y): text for x, y, text in zip(labels["x"], labels["y"], labels["text"], strict=True)}


def test_cells_are_equal_and_ascend_to_the_right_and_upwards(scores):
    figure = score_map(scores, x="sparsity", y="n_neurons", title="Sweep")
    plot = on_screen(figure)
    (image,) = bokeh_images(plot)
    data = image.data_source.data
    np.testing.assert_array_equal(data["image"][0], MEAN[::-1])  # bokeh's first row is at the bottom
    assert (data["x"][0], data["y"][0], data["dw"][0], data["dh"][0]) == (-0.5, -0.5, 3, 2)
    assert plot.xaxis[0].major_label_overrides == {0: "0.1", 1: "0.2", 2: "0.9"}
    assert plot.yaxis[0].major_label_overrides == {0: "5", 1: "50"}
    assert (plot.xaxis[0].axis_label, plot.yaxis[0].axis_label) == ("Sparsity", "Number of neurons")
    assert bar_titles(plot) == ["Correlation"]
    assert image.glyph.color_mapper.nan_color == UNDEFINED_COLOUR
    assert plot.title.text == "Sweep\ngrey: undefined"
    axis = on_paper(figure).axes[0]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["0.1", "0.2", "0.9"]
    assert axis.get_ylim() == (-0.5, 1.5)
    bottom = axis.images[0].get_array()[-1 if axis.images[0].origin == "upper" else 0]
    np.testing.assert_array_equal(np.ma.filled(bottom, np.nan), MEAN[1])


def test_axes_change_places(scores):
    (cells,) = bokeh_cells(score_map(scores, x="n_neurons", y="sparsity"))
    np.testing.assert_array_equal(cells, MEAN[::-1].T)


def test_values_and_numbers_of_defined_trials_are_written_in(scores):
    assert texts_of(score_map(scores, x="sparsity", y="n_neurons")) == {
        (0, 0): "0.90",
        (1, 0): "0.80\n3 of 5",
        (2, 0): "0 of 5",
        (0, 1): "0.50",
        (1, 1): "0.40",
        (2, 1): "0.30\n2 of 5",
    }
    six = score_map(scores.assign_coords(trial=range(6)), x="sparsity", y="n_neurons")
    assert texts_of(six)[0, 0] == "0.90\n5 of 6"


def test_hover_names_parameters_and_trials(scores):
    plot = on_screen(score_map(scores, x="sparsity", y="size"))
    (tool,) = (tool for tool in plot.select({"type": HoverTool}) if "$x" in tool.formatters)
    assert tool.formatters["$y"].args["labels"] == ["large", "small"]
    assert tool.tooltips[-1] == ("trials defined", "@defined of 5")
    np.testing.assert_array_equal(bokeh_images(plot)[0].data_source.data["defined"][0], DEFINED)


def test_scores_of_both_signs_have_symmetric_limits_and_others_their_range(scores):
    (image,) = bokeh_images(on_screen(score_map(scores, x="sparsity", y="n_neurons")))
    assert (image.glyph.color_mapper.low, image.glyph.color_mapper.high) == (0, 1)
    both_signs = score_map(scores - 0.6, x="sparsity", y="n_neurons")
    (image,) = bokeh_images(on_screen(both_signs))
    assert -image.glyph.color_mapper.low == image.glyph.color_mapper.high == pytest.approx(0.3)
    assert image.glyph.color_mapper.palette == DIVERGING
    assert on_paper(both_signs).axes[0].images[0].get_clim() == pytest.approx((-0.3, 0.3))


def test_text_is_dark_on_light_cells_and_light_on_dark_ones(scores):
    labels = score_map(scores, x="sparsity", y="n_neurons").Labels.I
    inks = dict(zip(labels["text"], labels["ink"], strict=True))
    assert inks["0.30\n2 of 5"] == inks["0 of 5"] == INK  # almost white and grey
    assert inks["0.90"] == "#ffffff"  # dark teal


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
def test_maps_without_room_for_numbers_have_dots(backend):
    defined = np.full((13, 5), 4)
    defined[12, 1], defined[0, 0] = 2, 0
    mean = np.where(defined, 0.5, np.nan)
    dims = ("n_neurons", "sparsity")
    figure = score_map(
        xr.Dataset({"kappa_mean": (dims, mean), "kappa_defined": (dims, defined)}),
        x="sparsity",
        y="n_neurons",
        score="kappa",
    )
    np.testing.assert_array_equal(figure.Points.I.array(["x", "y"]), [[1, 12]])
    drawn = draw(figure, backend)
    title = drawn.title.text if backend == "bokeh" else drawn.axes[0].get_title()
    assert title == "grey: undefined, dots: fewer than 4 trials defined"


@pytest.mark.crossed(1)
@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize(("value", "limits"), [(0.5, (0, 1)), (3.0, (0, 3)), (-0.25, (-0.25, 0.25))])
def test_one_cell_and_constant_scores_are_drawn(scores, backend, value, limits):
    one = xr.Dataset({"pearson": (("n_neurons", "lag"), [[value]], {"diagonal": True})})
    figure = score_map(one, x="lag", y="n_neurons")
    drawn = draw(figure, backend)
    if backend == "matplotlib":
        assert drawn.axes[0].images[0].get_clim() == limits
        assert drawn.axes[0].get_title() == "(with the diagonal)"
    assert texts_of(figure) == {(0, 0): f"{value:.2f}"}


def test_what_cannot_be_drawn_is_refused(scores):
    axes = {"x": "sparsity", "y": "n_neurons"}
    with pytest.raises(InvalidInput, match=r"score: got 'kappa'.*which has pearson_mean, pearson_defined"):
        score_map(scores, **axes, score="kappa")
    with pytest.raises(InvalidInput, match=r"x: got 'n_edges'; expected a dim .*: n_neurons, sparsity, size"):
        score_map(scores, x="n_edges", y="n_neurons")
    with pytest.raises(InvalidInput, match=r"y: got 'size'.*: sparsity"):
        score_map(scores, x="n_neurons", y="size")
    with pytest.raises(InvalidInput, match=r"two dims.*isel"):
        score_map(scores.isel(sparsity=0), **axes)
    with pytest.raises(InvalidInput, match="undefined everywhere"):
        score_map(scores.isel(n_neurons=[1], sparsity=[2]), **axes)
    with pytest.raises(InvalidInput, match="somewhere along"):
        score_map(scores.isel(n_neurons=[]), **axes)
    with pytest.raises(InvalidInput, match="scores: got DataArray"):
        score_map(scores.pearson_mean, **axes)


def test_the_title_says_at_which_entries_of_other_dims_the_scores_are_within_the_width(scores):
    scores.pearson_mean.attrs["diagonal"] = True
    at = {"n_steps": 2000, "lag": 2, "spectral_radius": 0.5, "estimator": "partial_correlation"}
    paper = on_paper(score_map(scores.assign_coords(at), x="sparsity", y="n_neurons"))
    title = paper.axes[0].title
    text = "partial correlation, lag = 2, 2,000 samples, spectral radius = 0.5 (with the diagonal) grey: undefined"
    assert " ".join(title.get_text().split()) == text
    paper.canvas.draw()
    over = title.get_window_extent()
    assert 0 <= over.x0 < over.x1 <= paper.bbox.x1
