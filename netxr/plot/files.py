"""Figures as files: on paper, drawn by matplotlib and without a browser, or as a page drawn by bokeh."""

from pathlib import Path
from typing import Any, Final

import holoviews as hv
import numpy as np
from bokeh.embed import components
from bokeh.models import Column, ColumnDataSource, CustomJS, Plot, Toolbar
from bokeh.models.widgets import Slider
from bokeh.resources import Resources
from jinja2 import Environment

from netxr.compat import release_colorbars
from netxr.errors import InvalidInput
from netxr.schema.arguments import check_path, check_vacant
from netxr.schema.outputs import write_new

FORMATS: Final = ("png", "svg", "pdf", "html")
DPI: Final = 150

SCRIPTS: Final = ("bokeh", "bokeh-widgets")
"""The parts of bokeh that figures need: plots, and the titles over them."""

MOST_POSITIONS: Final = 50
"""Of sliders on a page, which holds a figure for each."""

ON_SLIDE: Final = "this.title = texts[this.value]; drawn.forEach((one, k) => { one.visible = k == this.value })"
"""What a page does when its slider is moved: it shows one figure."""

PAGE: Final = Environment(autoescape=True).from_string("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval';
style-src 'unsafe-inline'; img-src data: blob:"><link rel="icon" href="data:,"><title>{{ title }}</title>
<style>body { margin: 1.5rem; color: #14191d; font: 14px/1.4 system-ui, sans-serif; }</style>
{% for code in library %}<script>{{ code|safe }}</script>
{% endfor %}</head><body>{{ figure|safe }}{{ script|safe }}</body></html>
""")
"""A page of one figure, which a browser opens without asking another machine for anything."""


def save(figure: Any, path: str | Path) -> Path:
    """Write a figure to a file that does not exist yet.

    Of a figure that is redrawn on zooming, the first view is written. Of one with sliders, a picture has their first
    position, which a line below it says, and a page has all positions, up to 50, with a slider through them.

    Parameters
    ----------
    figure : HoloViews object
        What a function of netxr.plot returns, restyled or combined as you like.
    path : str or Path
        The file to make. Its ending is the format: .png (150 pixels an inch), .svg, .pdf, or .html for a page on which
        one can zoom and hover, with all that it needs inside.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidInput
        If `figure` is no figure, the ending is another one, the folder does not exist or may not be written to, or a
        page would have more than 50 positions.
    OutputExists
        If the file exists.

    Examples
    --------
    >>> save(hv.Curve([1, 2]), "curve.gif")
    Traceback (most recent call last):
    netxr.errors.InvalidInput: path: got 'curve.gif'; expected a name that ends in .png, .svg, .pdf or .html.
    """
    if not isinstance(figure, hv.core.Dimensioned):
        raise InvalidInput(
            "figure", got=type(figure).__name__, expected="a figure, as the functions of netxr.plot return"
        )
    path = check_path("path", path)
    file_format = path.suffix.lower().removeprefix(".")
    if file_format not in FORMATS:
        expected = f"a name that ends in .{', .'.join(FORMATS[:-1])} or .{FORMATS[-1]}"
        raise InvalidInput("path", got=repr(str(path)), expected=expected)
    check_vacant("path", path)
    is_page = file_format == "html"
    return write_new(path, page(figure, title=path.stem).encode() if is_page else picture(figure, file_format))


def picture(figure: Any, file_format: str) -> bytes:
    """Return a figure as the bytes of a "png", "svg" or "pdf" file.

    Examples
    --------
    >>> picture(hv.Curve([1, 2]), "png")[1:4]
    b'PNG'
    """
    renderer = hv.renderer("matplotlib").instance(dpi=DPI)
    plot = renderer.get_plot(at_position(figure, 0))
    texts = positions(static_view(figure))
    if len(texts) > 1:
        plot.state.text(0.5, -0.01, f"{texts[0]} (one of {len(texts)} positions)", ha="center", va="top", fontsize=9)
    drawn, _ = renderer(plot, fmt=file_format)
    release_colorbars(plot.state)
    return drawn.encode() if isinstance(drawn, str) else bytes(drawn)


def page(figure: Any, *, title: str) -> str:
    """Return a figure as a page that works without a network."""
    script, div = components(on_screen(figure))
    return PAGE.render(title=title, library=library(), figure=div, script=script)


def library() -> list[str]:
    """Return the scripts of bokeh, without those of whatever extension of it happens to be loaded."""
    return list(Resources(mode="inline", components=list(SCRIPTS)).js_raw)


def on_screen(figure: Any) -> Any:
    """Return the bokeh model of a figure; of one with sliders, that of each position, and a slider through them.

    Raises InvalidInput if there are more positions than a page holds.
    """
    texts = positions(static_view(figure))
    if len(texts) > MOST_POSITIONS:
        fix = "Take some of them, or one with figure[...]; a picture, such as .png, has the first."
        got = f"{len(texts)} positions of its sliders"
        raise InvalidInput("figure", got=got, expected=f"at most {MOST_POSITIONS} on a page", fix=fix)
    drawn = [model_of(at_position(figure, place)) for place in range(len(texts))]
    if len(drawn) == 1:
        return drawn[0]
    for model in drawn[1:]:
        model.visible = False
    slider = Slider(start=0, end=len(drawn) - 1, step=1, value=0, title=texts[0], show_value=False)
    slider.js_on_change("value", CustomJS(args={"drawn": drawn, "texts": texts}, code=ON_SLIDE))
    return Column(children=[slider, *drawn])


def model_of(view: Any) -> Any:
    """Return the bokeh model of a figure without sliders, with its tools below it, where they take no width."""
    model = hv.render(view, backend="bokeh")
    for source in model.select({"type": ColumnDataSource}):
        if "image" in source.data:  # seven digits tell colours apart, in half the room
            source.data["image"] = [np.asarray(image, dtype=np.float32) for image in source.data["image"]]
    if isinstance(model, Plot):
        model.toolbar_location = "below"
    for toolbar in model.select({"type": Toolbar}):
        toolbar.logo = None
    for plot in model.select({"type": Plot}):
        plot.sizing_mode = None  # the frame has a size, which is all that "fixed" would ask for
    return model


def static_view(figure: Any) -> Any:
    """Return a figure as it is first seen, without the parts that are redrawn on zooming."""
    return figure.map(lambda zoomable: zoomable[()], hv.DynamicMap)


def positions(figure: Any) -> list[str]:
    """Return in words what the sliders of a figure stand at, position by position; one empty text without sliders.

    Examples
    --------
    >>> positions(hv.HoloMap({1: hv.Curve([1, 2]), 5: hv.Curve([2, 1])}, kdims="Lag"))
    ['Lag 1', 'Lag 5']
    """
    sliding = _sliding(figure)
    if sliding is None:
        return [""]
    keys = [key if isinstance(key, tuple) else (key,) for key in sliding.keys()]  # noqa: SIM118 - no dict
    return [", ".join(f"{dim.label} {value}" for dim, value in zip(sliding.kdims, key, strict=True)) for key in keys]


def at_position(figure: Any, place: int) -> Any:
    """Return a figure at one position of its sliders, without the parts that are redrawn on zooming."""
    still = static_view(figure)
    sliding = _sliding(still)
    if sliding is None:
        return still
    key = list(sliding.keys())[place]
    return still.map(lambda part: part[key] if part.kdims == sliding.kdims else part.last, hv.HoloMap)


def _sliding(figure: Any) -> Any:
    """Return the first part of a figure that has sliders, None if none has."""
    found = figure.traverse(lambda part: part, [hv.HoloMap])
    return found[0] if found else None
