"""What is really drawn, read off figures of both backends; and what a figure is told to draw, where that is enough."""

from html import unescape

import holoviews as hv
import numpy as np
from bokeh.models import GlyphRenderer, Image, Plot, Title

from netxr.compat import release_colorbars


def draw(figure, backend):
    """Return the model of bokeh or the figure of matplotlib; hv.render would draw the latter twice."""
    drawn = hv.renderer(backend).get_plot(figure).state
    if backend == "matplotlib":
        release_colorbars(drawn)
    return drawn


def on_screen(figure):
    return draw(figure, "bokeh")


def on_paper(figure):
    return draw(figure, "matplotlib")


def bokeh_images(model):
    """The renderers of heatmaps in the order in which they were made."""
    images = [one for one in model.select({"type": GlyphRenderer}) if isinstance(one.glyph, Image)]
    return sorted(images, key=lambda image: int(image.id.removeprefix("p")))


def bokeh_cells(figure):
    """Draw a figure on the screen and return the cells of its heatmaps, the last row at the bottom."""
    return [image.data_source.data["image"][0] for image in bokeh_images(on_screen(figure))]


def off_diagonal(weights):
    """A matrix as it is drawn: neurons are not shown with themselves."""
    return np.where(np.eye(len(weights), dtype=bool), np.nan, weights)


def bokeh_limits(model):
    """Return {(values as bytes, lower limit, upper limit)} of the heatmaps."""
    mappers = [(image.data_source.data["image"][0], image.glyph.color_mapper) for image in bokeh_images(model)]
    return {(values.tobytes(), mapper.low, mapper.high) for values, mapper in mappers}


def matplotlib_limits(paper):
    """Return (title, lower limit, upper limit) of each heatmap."""
    axes = [axis for axis in paper.axes if axis.images]
    return [(axis.get_title(), *axis.images[0].get_clim()) for axis in axes]


def title_of(figure):
    """Return the title that both backends are told to write over a layout or a panel, which has to be the same."""
    on_screen, on_paper = (
        hv.Store.lookup_options(backend, figure, "plot").kwargs.get("title", "").format()  # fills in fields if any
        for backend in ("bokeh", "matplotlib")
    )
    if isinstance(figure, hv.Layout):
        on_screen = unescape(on_screen.replace("<br>", "\n"))
    on_paper = on_paper.replace(r"\$", "$")
    assert on_screen == on_paper
    return on_paper


def titles_of(layout):
    return [title_of(panel) for panel in layout]


def widest(matrix):
    """The largest magnitude between different neurons, which colours reach to."""
    return float(abs(matrix.where(matrix.target != matrix.source)).max())


def bar_titles(model):
    """Return what stands beside the colour bars that bokeh draws, frame by frame."""
    frames = sorted(model.select({"type": Plot}), key=lambda frame: int(frame.id.removeprefix("p")))
    return [one.text for frame in frames for one in frame.right if isinstance(one, Title)]
