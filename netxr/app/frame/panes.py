"""Figures of netxr.plot on the page: side by side if there is room, or as wide as the page."""

from collections.abc import Callable
from html import escape
from typing import Any, Final

import holoviews as hv
import panel as pn

from netxr.app.frame.looks import ACCENT, WIDGET_STYLE

TOOLS: Final = {"active_tools": ["box_zoom"]}
"""A box zooms in; the wheel scrolls the page."""

MAIN_STYLE: Final = f".bk-btn {{ background: {ACCENT} !important; color: #ffffff !important; font-weight: 600; }}"


def panels(figure: Any, **options: Any) -> pn.FlexBox:
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
    return pn.FlexBox(*[pn.pane.HoloViews(panel, linked_axes=False, margin=(5, 0)) for panel in drawn], gap="8px 4px")


def stretched(figure: Any, *, height: int, basis: int = 420, most: int | None = None) -> pn.pane.HoloViews:
    """Return a figure that fills the width up to `most`, and beside others is at least `basis` wide, in pixels."""
    wide = figure.opts(frame_width=None, frame_height=None, responsive=True, height=height, **TOOLS, backend="bokeh")
    styles = {"flex": f"1 1 {basis}px", "min-width": "0"} | ({"max-width": f"{most}px"} if most else {})
    return pn.pane.HoloViews(wide, linked_axes=False, sizing_mode="stretch_width", styles=styles)


def button(name: str, do: Callable[[object], object], *, main: bool = False, **look: Any) -> Any:
    """Return a button, in colour if it is the main one."""
    styles = [WIDGET_STYLE, MAIN_STYLE] if main else [WIDGET_STYLE]
    widget = pn.widgets.Button(name=name, margin=(6, 10), stylesheets=styles, **look)
    widget.on_click(do)
    return widget


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
        look = {"font-size": "14px", "background": "#fff3dd", "color": "#7a4300", "padding": "2px 12px"}
        self._look = look | {"border-radius": "3px"}
        self._why = pn.pane.HTML("", margin=(4, 10), sizing_mode="stretch_width", min_height=24)
        self._figures = pn.Column(*figures, sizing_mode="stretch_width", min_height=300)
        self.panes = [self._why, self._figures]
        self.current()

    def show(self, *figures: Any) -> None:
        """Show other figures, which are of the current settings."""
        self._figures[:] = list(figures)
        self.current()

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


def note(text: str) -> pn.pane.HTML:
    """Return a line of text."""
    return pn.pane.HTML(escape(text), margin=(4, 10), sizing_mode="stretch_width", styles={"font-size": "14px"})
