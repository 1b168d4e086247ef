import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColorBar, Div, Plot, Title, Toolbar
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot import compare, matrix, symmetric_limit
from netxr.plot.files import model_of
from netxr.plot.loading import loaded_matrix
from netxr.plot.style import (
    DIVERGING,
    literal,
    score_text,
    title_over,
    with_options,
    with_title_over,
)
from netxr.plot.words import axis_label
from tests.plot.drawn import bar_titles, draw, on_paper, on_screen
from tests.runs import labelled, printed_by

values = hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=4), elements=st.floats(width=32))


@given(st.lists(values, max_size=3))
def test_limits_are_symmetric_and_just_hold_every_finite_value(matrices):
    low, high = symmetric_limit(*matrices)
    magnitudes = [abs(v) for matrix in matrices for v in matrix.ravel().tolist() if np.isfinite(v)]
    assert low == -high
    assert high == (max(magnitudes, default=0.0) or 1.0)


def test_zero_is_its_own_nearly_white_colour_between_blue_and_orange():
    red, green, blue = ([int(colour[i : i + 2], 16) for colour in DIVERGING] for i in (1, 3, 5))
    middle = len(DIVERGING) // 2
    assert len(DIVERGING) % 2 == 1
    assert min(red[middle], green[middle], blue[middle]) > 240
    assert blue[40] > red[40]
    assert red[-40] > blue[-40]


@pytest.mark.parametrize(
    ("score", "text"), [(0.35960, "0.360"), (np.nan, "undefined"), (xr.DataArray([-0.25]), "-0.250"), (1, "1.000")]
)
def test_scores_have_three_decimals_or_are_said_to_be_undefined(score, text):
    assert score_text(score) == text


def test_several_scores_are_refused():
    with pytest.raises(InvalidInput, match="score: got 2 numbers; expected one"):
        score_text(xr.DataArray([0.1, 0.2]))
    with pytest.raises(InvalidInput, match="score: got 'high'; expected a number"):
        score_text("high")


def test_axis_labels_are_long_names_or_words():
    scores = xr.Dataset(coords={"n_neurons": [1], "lag": ("lag", [1], {n.LONG_NAME: "delay"})})
    assert axis_label(scores, "n_neurons") == "Number of neurons"
    assert axis_label(scores, "lag") == "Delay"


def test_a_matrix_may_come_in_any_order_of_dims_with_dims_of_one_entry():
    weights = xr.DataArray(np.arange(6.0).reshape(1, 2, 3), dims=("trial", "source", "target"))
    assert loaded_matrix(weights).dims == ("target", "source")
    np.testing.assert_array_equal(loaded_matrix(weights), np.arange(6.0).reshape(2, 3).T)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.eye(3), r"weights: got ndarray of shape \(3, 3\)"),
        (xr.DataArray(np.zeros((2, 3, 3)), dims=("trial", "target", "source")), r"\.isel"),
        (xr.DataArray([["a"]], dims=("target", "source")), "real numbers"),
        (xr.DataArray(np.zeros((0, 0)), dims=("target", "source")), "no entry"),
    ],
)
def test_what_is_no_matrix_is_refused(weights, message):
    with pytest.raises(InvalidInput, match=message):
        loaded_matrix(weights)


@pytest.mark.slow
def test_importing_the_figures_leaves_the_chosen_backend():
    script = """
import holoviews as hv
chosen = hv.Store.current_backend
import netxr.plot
assert (hv.Store.current_backend, len(hv.Store.loaded_backends())) == (chosen, 2)
"""
    printed_by(script)


def test_titles_and_ticks_are_written_as_they_are():
    text = "<b> {x} & $\\frac{$"
    panel = with_options(hv.Curve([1, 2]), both={"title": literal(text), "xticks": [(0, text)]})
    layout = with_title_over(hv.Layout([panel, panel]), f"{text}\nbelow")
    assert title_over(layout) == f"{text}\nbelow"
    paper = on_paper(layout)
    assert paper.get_suptitle() == f"{text}\nbelow".replace("$", r"\$")
    paper.canvas.draw()  # a formula that is none would raise
    (over,) = [div.text for div in on_screen(layout).select({"type": Div}) if "below" in div.text]
    assert "&lt;b&gt; {x} &amp; $\\frac{$<br>below<" in over


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
def test_what_a_frame_says_lasts_when_something_is_laid_over_it(backend):
    figure = with_options(
        hv.Curve([1, 2]) * hv.Points([(0, 1)]), both={"title": "undefined at 3", "xlim": (-1, 4), "xaxis": None}
    )
    drawn = draw(figure * hv.HLine(1), backend)
    if backend == "bokeh":
        shown = drawn.title.text, drawn.x_range.start, drawn.x_range.end, drawn.xaxis[0].visible
    else:
        (axis,) = drawn.axes
        shown = axis.get_title(), *axis.get_xlim(), axis.xaxis.get_visible()
    assert shown == ("undefined at 3", -1, 4, False)


WORDS = "smallest and largest of every hundred samples in all of the neurons that were recorded on that day"


def test_bokeh_gets_texts_in_lines_that_fit_their_side():
    figure = matrix(labelled(np.eye(4, k=1)), title=WORDS)
    frame = on_screen(figure.opts(xlabel=WORDS, ylabel=WORDS, clabel=WORDS, backend="bokeh"))
    texts = [frame.title.text, frame.xaxis[0].axis_label, frame.yaxis[0].axis_label, *bar_titles(frame)]
    assert [" ".join(text.split()) for text in texts] == [WORDS] * 4
    for text, room in zip(texts, (360, 300, 300, 300), strict=True):
        assert max(map(len, text.split("\n"))) <= room / 6


def test_what_stands_around_the_data_is_upright_thin_and_without_a_box(random_pair):
    for frame in on_screen(compare(*random_pair)).select({"type": Plot}):
        assert frame.outline_line_color is None
        assert {axis.axis_label_text_font_style for axis in frame.xaxis + frame.yaxis} == {"normal"}
        assert {axis.major_tick_in for axis in frame.xaxis + frame.yaxis} == {0}
        assert frame.title.text_font_style == "normal"
        (bar,) = (one for one in frame.right if isinstance(one, ColorBar))
        assert bar.padding < 10
        assert [one.align for one in frame.right if isinstance(one, Title)] == ["center"]


def test_pages_have_no_logo(random_pair):
    for figure in (compare(*random_pair), matrix(random_pair[0])):
        tools = model_of(figure).select({"type": Toolbar})
        assert {one.logo for one in tools} == {None}
