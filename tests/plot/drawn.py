"""What is really drawn, read off figures of both backends."""

import holoviews as hv
from bokeh.models import GlyphRenderer, Image


def bokeh_images(figure):
    """The bokeh renderers of heatmaps in their order, of a figure or of a model that is drawn already."""
    model = figure if hasattr(figure, "select") and not hasattr(figure, "kdims") else hv.render(figure, backend="bokeh")
    images = [one for one in model.select({"type": GlyphRenderer}) if isinstance(one.glyph, Image)]
    return sorted(images, key=lambda image: int(image.id.removeprefix("p")))  # in the order in which they were made


def bokeh_limits(figure):
    """Return {(values as bytes, lower limit, upper limit)} of the heatmaps."""
    mappers = [(image.data_source.data["image"][0], image.glyph.color_mapper) for image in bokeh_images(figure)]
    return {(values.tobytes(), mapper.low, mapper.high) for values, mapper in mappers}


def matplotlib_limits(figure):
    """Return (title, lower limit, upper limit) of each heatmap."""
    axes = [axis for axis in hv.render(figure, backend="matplotlib").axes if axis.images]
    return [(axis.get_title(), *axis.images[0].get_clim()) for axis in axes]


def title_of(figure):
    return hv.render(figure, backend="matplotlib").get_suptitle()
