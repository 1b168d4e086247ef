"""What is drawn on a page has the colours of its theme, also where that is switched afterwards."""

import numpy as np
import panel as pn
import pytest
from bokeh.core.property.vectorization import Value
from bokeh.document import Document
from bokeh.models import ColumnDataSource, Plot
from panel.io.state import set_curdoc

import netxr.plot
from netxr.app.frame.panes import stretched, upright
from netxr.app.frame.theme import DARK, FIGURES, LIGHT, switch
from netxr.app.tutorial.compute import Setup, tutorial_run
from netxr.app.tutorial.views import score_over_size, separation
from netxr.plot import palettes

SETUP = Setup(6, 0.5, 300, 1, lag=1, groups=0, diagonal=True)
RUN = tutorial_run(SETUP)


def wide(figure):
    """A figure as wide as the page."""
    return stretched(figure, height=200, basis=None)


DRAWN = {
    "matrix": lambda: upright(netxr.plot.matrix(RUN.lagged_correlation)),
    "network": lambda: wide(netxr.plot.network(RUN.lagged_correlation, sign="both")),
    "histograms": lambda: wide(separation(RUN)),
    "curve": lambda: wide(score_over_size(SETUP)),
}


def coloured(document):
    """All colours of what is drawn in a document."""
    found = []
    for model in document.models:
        if isinstance(model, ColumnDataSource):
            texts = {name: list(column) for name, column in model.data.items() if np.asarray(column).dtype.kind in "OU"}
            found.append(str(texts))
            continue
        held = {name: getattr(model, name) for name in model.properties() if name.endswith(("_color", "palette"))}
        held = {name: one.value if isinstance(one, Value) else one for name, one in held.items()}
        found.append(
            f"{type(model).__name__} { {name: one for name, one in held.items() if isinstance(one, str | list)} }"
        )
    return sorted(text.lower() for text in found)


def opened(theme, draw):
    """A document of a theme in which something is drawn."""
    document = Document()
    document.theme = FIGURES[theme]
    with set_curdoc(document):
        document.add_root(draw().get_root(document))
    return document


@pytest.mark.parametrize("kind", DRAWN)
def test_a_page_whose_theme_is_switched_looks_like_one_that_was_opened_in_it(kind):
    wanted = {theme: coloured(opened(theme, DRAWN[kind])) for theme in (LIGHT, DARK)}
    assert wanted[LIGHT] != wanted[DARK]
    for first, second in ((LIGHT, DARK), (DARK, LIGHT)):
        document = opened(first, DRAWN[kind])
        with set_curdoc(document):
            for theme in (second, first, second):
                switch(theme)
                assert coloured(document) == wanted[theme]
                assert document.theme is FIGURES[theme]


def test_what_is_drawn_after_the_switch_has_the_theme_of_then():
    pane = DRAWN["matrix"]()
    document = opened(LIGHT, lambda: pane)
    with set_curdoc(document):
        switch(DARK)
        pane.object = upright(netxr.plot.matrix(RUN.connectivity)).object
        (plot,) = (one for one in document.models if isinstance(one, Plot))
    assert plot.background_fill_color.lower() == palettes.DARK.ground


def test_without_a_page_nothing_is_switched():
    with set_curdoc(None):
        switch(DARK)
    assert pn.state.curdoc is None


def test_each_colour_of_a_palette_is_there_once():
    for palette in (palettes.LIGHT, palettes.DARK):
        singles = [one for one in np.hstack([np.atleast_1d(one) for one in palette]) if one not in palette.weights]
        singles = [one for one in singles if one not in palette.scores]
        assert len(singles) == len(set(singles)) == 19
