import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from bokeh.models import HoverTool, Line

from netxr.errors import InvalidInput
from netxr.plot import score_curve
from netxr.plot.palettes import LIGHT
from netxr.plot.style import LINE_COLOUR
from tests.plot.drawn import draw, on_paper, on_screen, title_of


@pytest.fixture
def scores():
    return xr.Dataset(
        {
            "pearson": (("n_neurons", "trial"), np.full((4, 5), np.nan)),
            "pearson_mean": ("n_neurons", [0.2, 0.8, np.nan, 0.5]),
            "pearson_std": ("n_neurons", [0.01, 0.1, np.nan, 0.05]),
            "pearson_defined": ("n_neurons", [5, 3, 0, 5]),
        },
        coords={
            "n_neurons": [100, 5, 25, 50],
            "group_size": ("n_neurons", [1, 4, 3, 2]),
            "name": ("n_neurons", list("abcd")),
        },
    )


def test_the_curve_ascends_in_x_with_a_band_of_one_deviation(scores):
    figure = score_curve(scores, x="n_neurons", title="size")
    np.testing.assert_array_equal(figure.Curve.I["x"], [5, 25, 50, 100])
    np.testing.assert_array_equal(figure.Curve.I["mean"], [0.8, np.nan, 0.5, 0.2])
    np.testing.assert_array_equal(figure.Spread.I["std"], [0.1, np.nan, 0.05, 0.01])
    axis = on_paper(figure).axes[0]
    band = {tuple(np.round(corner, 9)) for path in axis.collections[0].get_paths() for corner in path.vertices}
    assert {(50, 0.45), (50, 0.55), (100, 0.19), (100, 0.21)} <= band
    assert not any(corner[0] == 25 for corner in band)
    assert axis.get_xlabel() == "Number of neurons"
    assert axis.get_ylabel() == "Pearson"
    assert axis.get_title() == "size\nundefined at number of neurons = 25"


@pytest.mark.parametrize(("diagonal", "text"), [(True, "(with the diagonal)"), (False, "(without the diagonal)")])
def test_the_title_says_whether_the_diagonal_is_in(scores, diagonal, text):
    scores.pearson_mean.attrs["diagonal"] = diagonal
    for given, lines in (("size", ["size", text]), ("", [text])):
        figure = score_curve(scores, x="n_neurons", title=given)
        assert title_of(figure).splitlines() == [*lines, "undefined at number of neurons = 25"]


def test_marks_say_how_many_trials_are_defined(scores):
    figure = score_curve(scores, x="n_neurons")
    assert list(figure.Points.I["x"]) == [5, 50, 100]
    assert list(figure.Points.I["defined"]) == ["3 of 5", "5 of 5", "5 of 5"]
    assert list(figure.Points.I["fill"]) == ["#ffffff", LINE_COLOUR, LINE_COLOUR]
    assert [text.strip() for text in figure.Labels.I["text"]] == ["3 of 5"]
    hover = on_screen(figure).select_one(HoverTool)
    assert ("trials defined", "@{defined}") in hover.tooltips
    axis = on_paper(figure).axes[0]
    faces = next(c for c in axis.collections if len(c.get_offsets()) == 3).get_facecolors()
    assert [tuple(face[:3]) == (1, 1, 1) for face in faces] == [True, False, False]


def test_another_coordinate_may_be_the_x_axis_and_labels_be_given(scores):
    figure = score_curve(scores, x="group_size", xlabel="Neurons per group", ylabel="Correlation")
    np.testing.assert_array_equal(figure.Curve.I["mean"], [0.2, 0.5, np.nan, 0.8])
    plot = on_screen(figure)
    assert (plot.xaxis[0].axis_label, plot.yaxis[0].axis_label) == ("Neurons per group", "Correlation")


def test_without_a_dim_of_trials_the_largest_number_counts(scores):
    figure = score_curve(scores.drop_dims("trial"), x="n_neurons")
    assert list(figure.Points.I["defined"]) == ["3 of 5", "5 of 5", "5 of 5"]


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
def test_over_two_parameters_there_is_a_curve_for_each_value_of_the_other(scores, backend):
    two = xr.concat(
        [scores.drop_vars("pearson"), scores.drop_vars("pearson") * 0.5], xr.Variable("sparsity", [0.5, 0.9])
    )
    figure = score_curve(two, x="n_neurons")
    curves = [part for part in figure if isinstance(part, hv.Curve)]
    assert [curve.label for curve in curves] == ["sparsity = 0.5", "sparsity = 0.9"]
    np.testing.assert_array_equal(curves[1]["mean"], np.array([0.8, np.nan, 0.5, 0.2]) / 2)
    drawn = draw(figure, backend)
    if backend == "bokeh":
        assert [item.label.value for item in drawn.legend[0].items] == ["sparsity = 0.5", "sparsity = 0.9"]
        lines = [one.glyph.line_color for one in drawn.renderers if isinstance(one.glyph, Line)]
    else:
        (axis,) = drawn.axes
        assert [text.get_text() for text in axis.get_legend().get_texts()] == ["sparsity = 0.5", "sparsity = 0.9"]
        lines = [line.get_color() for line in axis.lines]
    assert lines == list(LIGHT.curves[:2])
    assert "sparsity = 0.9 undefined at number of neurons = 25" in title_of(figure)


def test_estimators_are_named_in_words():
    scores = xr.Dataset(
        {"pearson": (("estimator", "n_steps"), [[0.2, 0.5], [0.4, 0.9]])},
        coords={"n_steps": [100, 1000], "estimator": ["lagged_correlation", "regression"]},
    )
    figure = score_curve(scores, x="n_steps")
    assert [part.label for part in figure if isinstance(part, hv.Curve)] == ["lagged correlation", "regression"]
    assert on_paper(figure).axes[0].get_xlabel() == "Number of samples"


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("n_points", [1, 99])
def test_single_trials_are_a_plain_line(backend, n_points):
    sparsity = np.linspace(0.01, 0.99, n_points)
    single = xr.Dataset({"pearson": ("sparsity", sparsity**2)}, coords={"sparsity": sparsity})
    figure = score_curve(single, x="sparsity")
    np.testing.assert_array_equal(figure.Curve.I["mean"], sparsity**2)
    assert not np.any(figure.Spread.I["std"])
    assert len(figure.Labels.I) == 0
    draw(figure, backend)


def test_what_cannot_be_drawn_is_refused(scores):
    with pytest.raises(InvalidInput, match=r"score: got 'kappa'.*which has pearson, pearson_mean"):
        score_curve(scores, x="n_neurons", score="kappa")
    for x in ("name", "sparsity"):
        with pytest.raises(InvalidInput, match=f"x: got '{x}'.*along n_neurons .*group_size"):
            score_curve(scores, x=x)
    with pytest.raises(InvalidInput, match=r"one dim or two dims.*isel"):
        score_curve(scores[["pearson"]].expand_dims("lag"), x="n_neurons")
    with pytest.raises(
        InvalidInput, match=r"8 curves, one for each lag; expected 7 at most.*lag=slice\(None, None, 2\)"
    ):
        score_curve(scores[["pearson_mean"]].rename(pearson_mean="pearson").expand_dims(lag=range(8)), x="n_neurons")
    with pytest.raises(InvalidInput, match="undefined everywhere"):
        score_curve(scores.isel(n_neurons=[2]), x="n_neurons")
    with pytest.raises(InvalidInput, match="scores: got DataArray"):
        score_curve(scores.pearson_mean, x="n_neurons")


def test_braces_stand_for_themselves_and_infinity_is_undefined():
    scores = xr.Dataset({"pearson": ("n", [np.inf, 0.5, 0.4])}, coords={"n": [1, 2, 3]})
    figure = score_curve(scores, x="n", title="{a}")
    assert title_of(figure) == "{a}\nundefined at n = 1"
    assert on_paper(figure).axes[0].get_title() == title_of(figure)


def test_the_title_says_no_entry_twice_nor_that_there_are_no_groups(scores):
    at = {"estimator": "granger", "n_groups": 0}
    assert title_of(score_curve(scores.assign_coords(at), x="n_neurons", title="Granger")).splitlines()[0] == "Granger"
    others = scores.assign_coords(at | {"lag": 2, "n_groups": 5})
    told = title_of(score_curve(others, x="n_neurons", title="All")).splitlines()
    assert told[:2] == ["All", "granger, lag = 2, 5 groups"]


def test_the_title_says_at_which_entries_of_other_dims_the_scores_are(scores):
    scores.pearson_mean.attrs["diagonal"] = False
    at = {"n_steps": 2000, "sparsity": 0.5, "estimator": "lagged_correlation"}
    text = "lagged correlation, 2,000 samples, sparsity = 0.5 (without the diagonal)"
    figure = score_curve(scores.assign_coords(at), x="n_neurons", title="size")
    assert title_of(figure).splitlines()[:2] == ["size", text]
    paper = on_paper(figure)
    paper.canvas.draw()
    over = paper.axes[0].title.get_window_extent()
    assert 0 <= over.x0 < over.x1 <= paper.bbox.x1
