"""The colours of all figures: light ones for paper, dark ones for a dark page.

Blue and orange are signs and nothing else, teal is choice and quality. Zero has the colour of the ground.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
from bokeh.core.property.vectorization import Value
from bokeh.models import Axis, ColumnDataSource, Plot
from bokeh.models.annotations import ColorBar, Legend, Title
from bokeh.palettes import interp_palette

STEPS: Final = 255
"""Colours of a map: an odd number, so that zero has one of its own."""


class Palette(NamedTuple):
    """Colours, as #rrggbb."""

    ground: str
    """What figures are drawn on."""
    ink: str
    notes: str
    lines: str
    """Of text; of tick labels; of axes and lines beside the data."""
    accent: str
    """Of what is measured, and of a choice."""
    undefined: str
    """Of a cell without a value, and of a diagonal that is left out."""
    hidden: str
    """Of what is laid over cells that were not found."""
    weights: list[str]
    scores: list[str]
    """Maps: from the lowest weight over 0 to the highest, and from the lowest score to the highest."""
    signs: tuple[str, str]
    """Of lines and marks of a negative weight, and of a positive one."""
    verdicts: tuple[str, str, str]
    """Of "never", "more samples" and "good enough", each light or dark enough for text in `ink`."""
    curves: tuple[str, ...]
    """Of curves in one frame."""


def _map(*stops: str) -> list[str]:
    """Return the colours between some, evenly spaced."""
    return [str(colour) for colour in interp_palette(stops, STEPS)]


LIGHT: Final = Palette(
    ground="#ffffff",
    ink="#14191d",
    notes="#525d66",
    lines="#7f8a93",
    accent="#0b6b63",
    undefined="#b9c1c8",
    hidden="#dce1e5",
    weights=_map("#0f3f7a", "#2f7bc0", "#f3f5f6", "#dd6b1f", "#8f3005"),
    scores=_map("#f3f5f6", "#d0e8e4", "#94ccc3", "#4ba398", "#1a7f74", "#0b5650"),
    signs=("#2166ac", "#b94a0f"),
    verdicts=("#edf0f2", "#b2d9d3", "#4ca399"),
    curves=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"),
)
"""For a white page. The curves are those of Okabe & Ito 2008 without the yellow (jfly.uni-koeln.de/color), which
colour-blind readers tell apart."""

DARK: Final = Palette(
    ground="#171b1e",
    ink="#edf1f3",
    notes="#a5b0b8",
    lines="#77838b",
    accent="#4cc9b8",
    undefined="#59636b",
    hidden="#2d353a",
    weights=_map("#a9d6ff", "#3f8ad6", "#22282c", "#db6c22", "#ffc79c"),
    scores=_map("#22282c", "#17403b", "#1b625a", "#268a7d", "#41b5a6", "#7adfd1"),
    signs=("#3f8ad7", "#db6c23"),
    verdicts=("#20262a", "#17403c", "#1b625b"),
    curves=("#4c9fe0", "#f0803c", "#2cc295", "#e3a1c8", "#f0b840", "#9adcff", "#fefefe"),
)
"""For a dark page. Each colour beside the maps is there once, so that what has it can be made light again."""


def painted(figure: Any, palette: Palette) -> Any:
    """Return a figure that bokeh draws in the colours of another palette than `LIGHT`; on paper it stays as it is.

    Colours of `LIGHT` become those at the same places of the palette.

    Examples
    --------
    >>> figure = painted(hv.Curve([1, 2]).opts(color=LIGHT.accent, backend="bokeh"), DARK)
    >>> hv.render(figure, backend="bokeh").background_fill_color
    '#171b1e'
    """
    return figure if palette == LIGHT else hooked(figure, partial(paint, palette=palette))


def hooked(figure: Any, hook: Callable[[Any, Any], object]) -> Any:
    """Return a figure of which each panel calls a hook of HoloViews whenever bokeh has drawn all of it."""

    def with_hook(panel: Any) -> Any:
        """Return a panel that does."""
        own = hv.Store.lookup_options("bokeh", panel, "plot").kwargs.get("hooks", [])
        return panel.opts(hooks=[*own, hook], backend="bokeh", clone=True)

    is_one = isinstance(figure, hv.Overlay | hv.NdOverlay)  # its parts need none
    return with_hook(figure) if is_one else figure.map(with_hook, [hv.Overlay, hv.NdOverlay, hv.Element])


Colours = Mapping[Any, Any]
"""{old: new} of single colours, and of whole maps, whose neighbouring steps may have one colour."""


def in_place_of(old: Palette, new: Palette) -> dict[Any, Any]:
    """Return the colour of a palette that is in the place of each of another one, and its map in that of each map."""
    flat = [np.hstack([np.atleast_1d(colours) for colours in one]).tolist() for one in (old, new)]
    maps = {tuple(old.weights): new.weights, tuple(old.scores): new.scores}
    return dict(zip(*flat, strict=True)) | maps


def paint(plot: Any, _element: Any = None, *, palette: Palette) -> None:
    """Give everything in a frame that bokeh has drawn its colour: what netxr draws, and then what is around it."""
    models = plot.state.references()
    recolour(models, in_place_of(LIGHT, palette))
    draw_around(models, palette)


def recolour(models: Iterable[Any], colours: Colours) -> None:
    """Give what some models of bokeh draw other colours: single ones, maps, and columns of them."""
    for model in models:
        if isinstance(model, ColumnDataSource):
            texts = {name: column for name, column in model.data.items() if np.asarray(column).dtype.kind in "OU"}
            new = {name: [_in_place(one, colours) for one in column] for name, column in texts.items()}
            model.data.update({name: column for name, column in new.items() if column != list(texts[name])})
        else:
            held = {name: getattr(model, name) for name in model.properties() if name.endswith(("_color", "palette"))}
            new = {name: _in_place(value, colours) for name, value in held.items()}
            if "palette" in held:
                new["palette"] = colours.get(tuple(held["palette"]), new["palette"])
            model.update(**new)


def draw_around(models: Iterable[Any], palette: Palette) -> None:
    """Give those of some models of bokeh that stand around the data their look."""
    looks = around(palette)
    for model in models:
        for kind, look in looks.items():
            if isinstance(model, kind):
                model.update(**look)


def _in_place(value: Any, colours: Colours) -> Any:
    """Return what is in the place of a colour, or of each of several; anything else as it is."""
    if isinstance(value, Value):
        return Value(_in_place(value.value, colours))
    if isinstance(value, list | tuple):
        return [_in_place(one, colours) for one in value]
    is_colour = isinstance(value, str) and value.startswith("#")
    return colours.get(value[:7].lower(), value[:7]) + value[7:] if is_colour else value


def around(palette: Palette) -> dict[Any, dict[str, Any]]:
    """Return how bokeh draws what stands around the data: axes with their ticks, upright letters, and no frame."""
    axis: dict[str, Any] = dict.fromkeys(("axis_line_color", "major_tick_line_color"), palette.lines)
    axis |= {"minor_tick_line_color": None, "major_tick_in": 0, "major_tick_out": 5}
    texts = {"axis_label_text_color": palette.ink, "major_label_text_color": palette.notes}
    texts["axis_label_text_font_style"] = "normal"
    bar = {"title_text_color": palette.ink, "title_text_font_style": "normal", "major_label_text_color": palette.notes}
    return {
        Plot: {
            **dict.fromkeys(("background_fill_color", "border_fill_color"), palette.ground),
            "outline_line_color": None,
        },
        Axis: axis | texts,
        Title: {"text_color": palette.ink, "text_font_style": "normal"},
        ColorBar: bar
        | {
            "background_fill_color": palette.ground,
            "major_tick_line_color": palette.lines,
            "bar_line_color": palette.lines,
        }
        | {"major_tick_in": 0, "major_tick_out": 5},
        Legend: {"background_fill_color": palette.ground, "label_text_color": palette.ink, "border_line_color": None},
    }
