"""What stands on the page: cards with figures of netxr.plot, side by side if there is room, buttons and notes."""

from collections.abc import Callable
from html import escape
from typing import Any, Final

import holoviews as hv
import panel as pn

from netxr.app.frame.theme import in_theme

TOOLS: Final = {"active_tools": ["box_zoom"]}
"""A box zooms in; the wheel scrolls the page."""


def panels(figure: Any, **options: Any) -> pn.Row:
    """Return the panels of a figure, which stand below each other on a narrow page.

    Parameters
    ----------
    figure : HoloViews object
        A Layout, or one panel.
    **options : Any
        Of the panels, on bokeh.
    """
    each = list(figure) if isinstance(figure, hv.Layout) else [figure]
    # A pane each: a Layout is as wide as all its panels. Without a sizing mode, a pane is as wide as its frame, axes
    # and colour bar together.
    drawn = [panel.opts(toolbar="below", fontsize={"title": "10pt"}, **options, backend="bokeh") for panel in each]
    panes = [pn.pane.HoloViews(in_theme(panel), linked_axes=False, margin=0) for panel in drawn]
    return flow(*panes)


def stretched(figure: Any, *, height: int, basis: int = 420, most: int | None = None) -> pn.pane.HoloViews:
    """Return a figure that fills the width up to `most`, and beside others is at least `basis` wide, in pixels."""
    wide = figure.opts(frame_width=None, frame_height=None, responsive=True, height=height, **TOOLS, backend="bokeh")
    styles = {"flex": f"1 1 {basis}px", "min-width": "0"} | ({"max-width": f"{most}px"} if most else {})
    return pn.pane.HoloViews(in_theme(wide), linked_axes=False, sizing_mode="stretch_width", styles=styles, margin=0)


def fitted(figure: Any, *, aspect: float) -> pn.pane.HoloViews:
    """Return a figure that fills the width, so many times as wide as high."""
    look = {"frame_width": None, "frame_height": None, "responsive": True, "aspect": aspect, "title": ""}
    drawn = figure.opts(**look, **TOOLS, backend="bokeh")
    return pn.pane.HoloViews(in_theme(drawn), linked_axes=False, sizing_mode="scale_width", margin=0)


def button(name: str, do: Callable[[object], object], *, main: bool = False, **look: Any) -> Any:
    """Return a button, in colour if it is the main one."""
    wide = {"sizing_mode": "stretch_width"} if main else {}
    widget = pn.widgets.Button(name=name, margin=0, css_classes=["main"] if main else [], **wide | look)
    widget.on_click(do)
    return widget


def flow(*parts: Any) -> pn.Row:
    """Return figures beside each other, in several rows where they need the room.

    Not as a FlexBox of Panel, in which figures that come while it is laid out stay empty.
    """
    return pn.Row(*parts, css_classes=["flow"], sizing_mode="stretch_width", margin=0)


def row(*parts: Any) -> pn.Row:
    """Return parts beside each other, in several rows where they need the room."""
    return pn.Row(*parts, css_classes=["row"], sizing_mode="stretch_width", margin=0)


def grid(*parts: Any) -> pn.Column:
    """Return controls in columns of one width."""
    return pn.Column(*parts, css_classes=["grid"], sizing_mode="stretch_width", margin=0)


def stack(*parts: Any, **look: Any) -> pn.Column:
    """Return parts below each other, evenly spaced."""
    return pn.Column(*parts, **{"css_classes": ["stack"], "sizing_mode": "stretch_width", "margin": 0} | look)


def card(title: str, *content: Any, note: str = "", tools: Any = (), wide: bool = False, **look: Any) -> pn.Column:
    """Return a result under its title, with a note beside that, and buttons at the right of both."""
    words = f'<h2 style="display:inline;margin:0;font-size:16px;line-height:24px">{escape(title)}</h2>'
    said = f' <span style="margin-left:4px;font-size:12px;color:var(--ink2)">{escape(note)}</span>' if note else ""
    title_pane = pn.pane.HTML(words + said, css_classes=["grows"], margin=0)
    head = pn.Row(title_pane, *tools, css_classes=["head"], sizing_mode="stretch_width", margin=0)
    classes = ["card", *["wide"] * wide]
    return pn.Column(head, *content, css_classes=classes, sizing_mode="stretch_width", margin=0, **look)


class Results:
    """What a tab shows: figures that are dimmed, with a line over them that says why, while the settings are others.

    Both wait a moment, so that nothing flickers where the new ones come at once.

    Parameters
    ----------
    *figures : Any
        What is shown at first.
    """

    WAIT: Final = "opacity .1s linear .3s"

    def __init__(self, *figures: Any) -> None:
        look = {"background": "var(--sunken)", "padding": "6px 12px", "border-radius": "6px", "pointer-events": "none"}
        self._look = look | {"position": "absolute", "inset": "0 0 auto 0", "z-index": "3"}
        self._why = pn.pane.HTML("", margin=0)
        self._figures = stack(*figures, css_classes=["stack", "scrolls"], min_height=300)
        self.panes = [pn.Column(self._why, self._figures, sizing_mode="stretch_width", margin=0)]
        self.current()

    def show(self, *figures: Any) -> None:
        """Show other figures, which are of the current settings."""
        self._figures[:] = list(figures)
        self.current()

    def waiting(self) -> None:
        """Show that something comes."""
        self.show(pn.Column(css_classes=["skeleton"], sizing_mode="stretch_width", margin=0))

    def current(self) -> None:
        """Show the figures as they are: they are of the current settings."""
        self._say("")

    def outdated(self, shown: str) -> None:
        """Dim the figures, and say what they still show."""
        self._say(f"Settings changed. Shown still: {shown}.")

    def _say(self, why: str) -> None:
        """Dim the figures and say why; an empty text dims nothing."""
        self._why.object = f'<div role="status">{escape(why)}</div>'
        self._why.styles = self._look | ({"opacity": "1", "transition": self.WAIT} if why else {"opacity": "0"})
        self._figures.styles = {"opacity": "0.35", "transition": self.WAIT} if why else {"opacity": "1"}


def heading(text: str) -> pn.pane.HTML:
    """Return the title of a group of controls."""
    return pn.pane.HTML(f'<h2 style="margin:0;font-size:16px;line-height:24px">{escape(text)}</h2>', margin=0)


def note(text: str) -> pn.pane.HTML:
    """Return a line of text."""
    return pn.pane.HTML(escape(text), margin=0, sizing_mode="stretch_width")
