"""Figures that follow their settings: drawn once by HoloViews, then given the data of others of their kind.

HoloViews takes some tenths of a second to draw one, and a browser as long again, most of it for what does not change.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import holoviews as hv
import panel as pn
import param
from bokeh.models import ColorMapper
from bokeh.models.annotations import BoxAnnotation, Span

from netxr.compat import drawn_columns
from netxr.plot.style import screen_look

GIVEN: Final = ("clim", "xlim", "ylim", "xticks", "yticks", "xlabel", "ylabel", "hooks")
"""Options that a figure is given. If others change, it is drawn anew."""


class LiveFigure:
    """A figure in a pane that can show other ones.

    `styled` turns what netxr.plot draws into a pane of HoloViews, as it is to look.
    """

    def __init__(self, styled: Callable[[Any], pn.pane.HoloViews], figure: Any) -> None:
        self._styled = styled
        self._plot: Any = None
        self.pane = styled(figure)
        self._kind = kind_of(self.pane.object)  # to draw a figure adds to its options
        self._caught(self.pane.object)

    def show(self, figure: Any) -> None:
        """Show another figure."""
        drawn, last = self._styled(figure).object, self._kind
        self._kind = kind_of(drawn)
        if self._is_drawn and self._kind == last:
            self._caught(drawn)
            with param.discard_events(self.pane):
                self.pane.object = drawn
            give(self._plot, drawn)
        else:
            self._plot = None
            self._caught(drawn)
            self.pane.object = drawn

    @property
    def _is_drawn(self) -> bool:
        """Whether there is a plot to give data to; where a pane leaves the page, that of an Overlay loses its parts."""
        return self._plot is not None and self._plot.subplots != {}

    def _caught(self, drawn: Any) -> None:
        """Keep by what a figure is drawn, once it is."""

        def catch(plot: Any, _element: Any) -> None:
            """Keep it."""
            self._plot = plot

        if not isinstance(drawn, hv.DynamicMap):
            drawn.opts(hooks=[*_options(drawn).get("hooks", []), catch], backend="bokeh")


def kind_of(figure: Any) -> str:
    """Return what a figure is drawn of, and with which options: figures of one kind differ in their data alone.

    Examples
    --------
    >>> kind_of(hv.Curve([1, 2])) == kind_of(hv.Curve([3, 4, 5])) != kind_of(hv.Scatter([1, 2]))
    True
    """
    if isinstance(figure, hv.DynamicMap):
        return "drawn by itself"
    whole = [("", _options(figure))] if isinstance(figure, hv.Overlay) else []
    apart = {*GIVEN, *["title"] * bool(whole)}  # an Overlay has one of its own
    each = [(type(one).__name__, _options(one) | _fixed_style(one)) for one in _elements(figure)]
    each = [(name, {key: value for key, value in held.items() if key not in apart}) for name, held in each]
    whole = [(name, {key: value for key, value in held.items() if key not in GIVEN}) for name, held in whole]
    return repr([(name, sorted(held.items())) for name, held in whole + each])


def give(plot: Any, figure: Any) -> None:
    """Give what HoloViews has drawn the data of another figure of its kind, with its range of colours, and its axes."""
    layers = list(plot.subplots.values()) if isinstance(figure, hv.Overlay) else [plot]
    for layer, element in zip(layers, _elements(figure), strict=True):
        _colour(layer, element)
        data, mapping = drawn_columns(layer, element, clim=_options(element).get("clim"))
        if isinstance(layer.handles["glyph"], Span | BoxAnnotation):
            layer.handles["glyph"].update(**mapping)
        else:
            layer.handles["source"].data = data
            _name(plot.state.legend, layer.handles["glyph_renderer"], element.label)
        _call_hooks(layer, element)
    _set_axes(plot, figure)
    if isinstance(figure, hv.Overlay):
        _call_hooks(plot, figure)


def _elements(figure: Any) -> Iterator[Any]:
    """Yield what a figure is drawn of."""
    yield from figure if isinstance(figure, hv.Overlay) else [figure]


def _options(figure: Any, group: str = "plot") -> dict[str, Any]:
    """Return the options of a figure on bokeh."""
    held: dict[str, Any] = hv.Store.lookup_options("bokeh", figure, group).kwargs
    return held


def _fixed_style(element: Any) -> dict[str, Any]:
    """Return the style of an element but for what it is given: a list of colours, and what follows from its values."""
    held = _options(element, "style")
    return {key: one for key, one in held.items() if not isinstance(one, hv.dim | list)}


def _colour(layer: Any, element: Any) -> None:
    """Give a layer the colours of another element, if they are a list."""
    colours = _options(element, "style").get("cmap")
    for mapper in (part for part in layer.handles.values() if isinstance(part, ColorMapper)):
        if isinstance(colours, list) and mapper.palette != colours:
            mapper.palette = colours


def _call_hooks(plot: Any, element: Any) -> None:
    """Call what completes a figure; what stands around the data is there already."""
    for hook in _options(element).get("hooks", []):
        if hook is not screen_look:
            hook(plot, element)


def _name(legends: Any, renderer: Any, label: str) -> None:
    """Give a curve another name in the legend, if it is there."""
    for legend in legends:
        for item in legend.items:
            if renderer in item.renderers:
                item.label = {"value": label}


def _set_axes(plot: Any, figure: Any) -> None:
    """Set what the figure says of both axes: their labels, ends and ticks; a heatmap is as large as its matrix."""
    held, parts = _options(figure), plot.handles
    ends = {axis: held.get(f"{axis}lim") for axis in "xy"}
    if isinstance(figure, hv.Image):
        left, bottom, right, top = figure.bounds.lbrt()
        ends = {"x": (left, right), "y": (top, bottom) if held.get("invert_yaxis") else (bottom, top)}
    for axis in "xy":
        if (end_points := ends[axis]) is not None:
            start, end = end_points
            if (parts[f"{axis}_range"].reset_start, parts[f"{axis}_range"].reset_end) != (start, end):
                parts[f"{axis}_range"].update(start=start, end=end, reset_start=start, reset_end=end)
        if (label := held.get(f"{axis}label")) is not None:
            parts[f"{axis}axis"].axis_label = label
        ticks = held.get(f"{axis}ticks")
        if isinstance(ticks, list) and ticks and isinstance(ticks[0], tuple):
            parts[f"{axis}axis"].ticker.ticks = [position for position, _ in ticks]
            parts[f"{axis}axis"].major_label_overrides = dict(ticks)
