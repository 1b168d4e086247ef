"""What stands on the page: cards with figures of netxr.plot, side by side if there is room, buttons and notes."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

import holoviews as hv
import panel as pn
from bokeh.models import CustomJS

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


def stretched(figure: Any, *, height: int, basis: int | None = 420, most: int | None = None) -> pn.pane.HoloViews:
    """Return a figure that fills the width up to `most`, and beside others is at least `basis` wide, in pixels.

    Without a basis it stands alone in its row.
    """
    wide = figure.opts(frame_width=None, frame_height=None, responsive=True, height=height, **TOOLS, backend="bokeh")
    styles = ({"flex": f"1 1 {basis}px", "min-width": "0"} if basis else {}) | (
        {"max-width": f"{most}px"} if most else {}
    )
    return pn.pane.HoloViews(in_theme(wide), linked_axes=False, sizing_mode="stretch_width", styles=styles, margin=0)


def fitted(figure: Any, *, aspect: float) -> pn.pane.HoloViews:
    """Return a figure that fills the width, so many times as wide as high."""
    look = {"frame_width": None, "frame_height": None, "responsive": True, "aspect": aspect, "title": ""}
    drawn = figure.opts(**look, **TOOLS, backend="bokeh")
    return pn.pane.HoloViews(
        in_theme(drawn), linked_axes=False, sizing_mode="scale_width", css_classes=["wide"], margin=0
    )


THIN: Final = {"width": 10, "padding": 4, "bar_line_color": None, "major_tick_line_color": None}
"""Of the colour bar beside a square frame."""

SQUARE: Final = "figure.height = Math.round(figure.height + figure.inner_width - figure.inner_height)"
"""What makes the frame of a figure as high as it is wide, whatever stands around it."""


def squared(figure: Any) -> pn.pane.HoloViews:
    """Return a figure that fills the width, with a square frame."""

    def keep_square(plot: Any, _element: Any) -> None:
        """Let the browser change the height with the width."""
        if not plot.state.tags:
            plot.state.tags = ["square"]
            follow = CustomJS(args={"figure": plot.state}, code=SQUARE)
            for side in ("inner_width", "inner_height"):
                plot.state.js_on_change(side, follow)

    bare = figure.opts(hv.opts.Image(clabel="", colorbar_opts=THIN, backend="bokeh"))
    look = {"frame_width": None, "frame_height": None, "responsive": True, "height": 376, "title": ""}
    hooks = hv.Store.lookup_options("bokeh", figure, "plot").kwargs.get("hooks", [])
    drawn = bare.opts(**look, **TOOLS, hooks=[*hooks, keep_square], backend="bokeh")
    wide = {"sizing_mode": "stretch_width", "css_classes": ["square"], "margin": 0}
    return pn.pane.HoloViews(in_theme(drawn), linked_axes=False, **wide)


def button(name: str, do: Callable[[object], object], *, main: bool = False, **look: Any) -> Any:
    """Return a button, in colour if it is the main one."""
    wide = {"sizing_mode": "stretch_width"} if main else {}
    given = {"margin": 0, "css_classes": ["main"] if main else []} | wide | look
    widget = pn.widgets.Button(name=name, **given)
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


def figure_card(title: str, figure: Any, *, note: str = "") -> pn.Column:
    """Return a figure under its title, which a switch in the head makes as large as the window allows."""
    enlarge = pn.widgets.Toggle(name=f"Enlarge {title}", css_classes=["enlarge"], margin=0)
    whole = card(title, figure, note=note, tools=[enlarge])

    def resize(event: Any) -> None:
        """Lay it over the page, or put it back."""
        whole.css_classes = [*(one for one in whole.css_classes if one != "enlarged"), *["enlarged"] * event.new]

    enlarge.param.watch(resize, "value")
    return whole


def one_at_a_time(pictures: Mapping[str, pn.Column]) -> Any:
    """Return buttons that choose which of some cards a narrow page shows; a wide one shows all, and no buttons."""
    first = next(iter(pictures))
    chosen = pn.widgets.RadioButtonGroup(
        name="Figure",
        options=list(pictures),
        value=first,
        css_classes=["choose"],
        sizing_mode="stretch_width",
        margin=0,
    )

    def show(*_events: object) -> None:
        """Set aside all but one."""
        for name, whole in pictures.items():
            whole.css_classes = [
                *(one for one in whole.css_classes if one != "aside"),
                *["aside"] * (name != chosen.value),
            ]

    chosen.param.watch(show, "value")
    show()
    return chosen


class Results:
    """What a tab shows: figures that are dimmed, with a line over them that says why, while the settings are others.

    Both wait a moment, so that nothing flickers where the new ones come at once.

    Parameters
    ----------
    *figures : Any
        What is shown at first.
    run : callable, optional
        Called by a button of that line, where figures wait to be asked for.

    Attributes
    ----------
    answer : Column
        What is said over them, wherever a tab places it; it is dimmed with them.
    """

    WAIT: Final = "opacity .1s linear .3s"

    def __init__(self, *figures: Any, run: Callable[[object], object] = lambda _event: None) -> None:
        self._look = {"background": "var(--sunken)", "padding": "4px 4px 4px 12px", "border-radius": "6px"}
        self._look |= {"position": "absolute", "inset": "0 0 auto 0", "z-index": "3"}
        self._why = pn.pane.HTML("", css_classes=["grows"], margin=0)
        self._run = button("Run", run, visible=False)
        self._bar = row(self._why, self._run)
        self.answer = stack(css_classes=["stack", "grows"])
        self._figures = stack(*figures, css_classes=["stack", "scrolls"], min_height=300)
        self.panes = [pn.Column(self._bar, self._figures, sizing_mode="stretch_width", margin=0)]
        self.current()

    def show(self, *figures: Any, answer: Sequence[Any] = ()) -> None:
        """Show other figures, which are of the current settings, and what they answer."""
        self._figures[:] = list(figures)
        self.answer[:] = list(answer)
        self.current()

    def waiting(self) -> None:
        """Show that something comes."""
        self.show(pn.Column(css_classes=["skeleton"], sizing_mode="stretch_width", margin=0))

    def current(self) -> None:
        """Show the figures as they are: they are of the current settings."""
        self._say("")

    def outdated(self, shown: str, *, waits: bool = False) -> None:
        """Dim the figures, and say what they still show; where others wait to be asked for, offer to run them."""
        self._say(f"Settings changed. Shown still: {shown}.", waits=waits)

    def _say(self, why: str, *, waits: bool = False) -> None:
        """Dim the figures and say why; an empty text dims nothing."""
        self._why.object = f'<div role="status">{escape(why)}</div>'
        self._run.visible = waits
        held = {"opacity": "1", "transition": self.WAIT} if why else {"opacity": "0"}
        self._bar.styles = self._look | held | ({} if waits else {"pointer-events": "none"})
        for part in (self._figures, self.answer):
            part.styles = {"opacity": "0.35", "transition": self.WAIT} if why else {"opacity": "1"}


def heading(text: str) -> pn.pane.HTML:
    """Return the title of a group of controls."""
    return pn.pane.HTML(f'<h2 style="margin:0;font-size:16px;line-height:24px">{escape(text)}</h2>', margin=0)


def note(text: str) -> pn.pane.HTML:
    """Return a line of text."""
    return pn.pane.HTML(escape(text), margin=0, sizing_mode="stretch_width")
