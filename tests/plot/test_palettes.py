import holoviews as hv
import numpy as np
import pytest
from bokeh.models import ColorBar, GlyphRenderer, Image, MultiLine, Plot, Scatter

from netxr.plot import matrix, network, score_curve
from netxr.plot.palettes import DARK, LIGHT, painted
from tests.plot.drawn import bokeh_images, on_paper, on_screen
from tests.plot.test_loading import SCORES
from tests.runs import labelled


def rgb(colour):
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])


def luminance(colour):
    """Relative luminance, as WCAG 2 defines it."""
    linear = np.where(rgb(colour) <= 10.31, rgb(colour) / 255 / 12.92, ((rgb(colour) / 255 + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_zero_is_near_the_ground_and_signs_leave_it_evenly(palette):
    middle = len(palette.weights) // 2
    assert palette.weights[middle] == palette.scores[0]
    assert contrast(palette.weights[middle], palette.ground) < 1.25
    away = [contrast(colour, palette.weights[middle]) for colour in palette.weights]
    assert (np.diff(away[: middle + 1]) <= 0.01).all()
    assert (np.diff(away[middle:]) >= -0.01).all()
    blue, orange = rgb(palette.weights[middle // 2]), rgb(palette.weights[-middle // 2])
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_texts_and_marks_are_seen_on_the_ground(palette):
    for colour, least in ((palette.ink, 7), (palette.notes, 4.5), (palette.accent, 4.5), (palette.lines, 3)):
        assert contrast(colour, palette.ground) >= least
    for colour in palette.verdicts:
        assert contrast(palette.ink, colour) >= 4.5
    assert len(set(palette.curves)) == len(LIGHT.curves)
    assert all(contrast(colour, palette.ground) >= 2 for colour in palette.curves)


def test_a_dark_figure_has_dark_colours_wherever_there_were_light_ones(one_edge):
    plot = on_screen(painted(matrix(one_edge), DARK))
    (image,) = bokeh_images(plot)
    assert image.glyph.color_mapper.palette == DARK.weights
    assert image.glyph.color_mapper.nan_color == DARK.undefined
    assert plot.background_fill_color == plot.border_fill_color == DARK.ground
    assert plot.select_one(ColorBar).major_label_text_color == plot.xaxis[0].major_label_text_color == DARK.notes
    graph = on_screen(painted(network(one_edge), DARK))
    (shafts,) = (one for one in graph.select({"type": GlyphRenderer}) if isinstance(one.glyph, MultiLine))
    assert {colour[:7] for colour in shafts.glyph.line_color.transform.palette} == {DARK.ink}
    nodes = [one.glyph for one in graph.select({"type": GlyphRenderer}) if isinstance(one.glyph, Scatter)]
    assert (DARK.ground, DARK.ink) in [(glyph.fill_color, glyph.line_color) for glyph in nodes]
    curve = on_screen(painted(score_curve(SCORES, x="n_neurons"), DARK))
    fills = [one.data_source.data["fill"] for one in curve.renderers if "fill" in one.data_source.data]
    assert [list(fill) for fill in fills] == [[DARK.accent] * 2]


def test_it_stays_dark_when_it_is_redrawn():
    big = matrix(labelled(np.random.default_rng(0).normal(size=(600, 600))))
    plot = hv.renderer("bokeh").get_plot(painted(big, DARK))
    big.streams[0].event(x_range=(0, 20), y_range=(20, 0))
    images = [one for one in plot.state.select({"type": GlyphRenderer}) if isinstance(one.glyph, Image)]
    assert [one.glyph.color_mapper.palette for one in images] == [DARK.weights]
    assert images[0].data_source.data["image"][0].shape == (21, 21)


def test_paper_and_the_figure_that_was_given_stay_light(one_edge):
    figure = matrix(one_edge)
    axis = on_paper(painted(figure, DARK)).axes[0]
    assert axis.get_facecolor()[:3] == (1, 1, 1)
    assert on_screen(figure).background_fill_color == "#ffffff"
    assert painted(figure, LIGHT) is figure


def test_panels_beside_one_another_are_all_painted(one_edge):
    page = on_screen(painted(matrix(one_edge) + network(one_edge), DARK))
    assert len(bokeh_images(page)) == 1
    grounds = {plot.background_fill_color for plot in page.select({"type": Plot})}
    assert grounds == {DARK.ground}
