"""What stands on the page: cards with figures of netxr.plot, side by side if there is room, buttons and notes."""

from collections.abc import Callable, Sequence
from html import escape
from types import MappingProxyType
from typing import Any, Final

import holoviews as hv
import panel as pn
from bokeh.models import CustomJS

from netxr.app.frame.theme import in_theme
from netxr.compat import has_room_before

FIRST_ROW: Final = 374
SECOND_ROW: Final = 218
"""Heights of figures in pixels, in cards of 432 and of 276: both rows fit on a screen of 900."""

TOOLS: Final = {"active_tools": ["box_zoom"], "toolbar": "above"}
"""A box zooms in; the wheel scrolls the page. Tools stand above the frame: over it, they would hide what is drawn."""


@has_room_before
class Figure(pn.pane.HoloViews):
    """A figure of a page."""


def stretched(figure: Any, *, height: int, basis: str | None = "420px", most: int | None = None) -> pn.pane.HoloViews:
    """Return a figure that fills the width up to `most` pixels, and beside others is at least `basis` wide.

    Without a basis it stands alone in its row.
    """
    bare = figure.opts(hv.opts.Image(colorbar_opts={"width": 10, **PLAIN}, backend="bokeh"))
    wide = bare.opts(frame_width=None, frame_height=None, responsive=True, height=height, **TOOLS, backend="bokeh")
    styles = ({"flex": f"1 1 {basis}", "min-width": "0"} if basis else {}) | (
        {"max-width": f"{most}px"} if most else {}
    )
    room = {"sizing_mode": "stretch_width", "min_height": height, "margin": 0}
    return Figure(in_theme(wide), linked_axes=False, styles=styles, **room)


def untitled(figure: Any) -> tuple[Any, str]:
    """Return a figure without its title, and the title, for its card; that of one that zooms changes, and stays."""
    if isinstance(figure, hv.DynamicMap):
        return figure, ""
    title = hv.Store.lookup_options("bokeh", figure, "plot").kwargs.get("title", "")
    return figure.opts(title="", backend="bokeh"), title.replace("{{", "{").replace("}}", "}")


def fitted(figure: Any, *, aspect: float) -> pn.pane.HoloViews:
    """Return a figure that fills the width, so many times as wide as high."""
    look = {"frame_width": None, "frame_height": None, "responsive": True, "aspect": aspect, "title": ""}
    drawn = figure.opts(**look, **TOOLS, backend="bokeh")
    classes = ["wide" if aspect > 1 else "square"]
    return Figure(in_theme(drawn), linked_axes=False, sizing_mode="scale_width", css_classes=classes, margin=0)


UPRIGHT: Final = 0.88
"""How many times as wide as high an upright figure is, with its axes, in a third of the width."""


FEW: Final = 5
"""Ticks of a short axis, whose numbers are long."""

PLAIN: Final = MappingProxyType({"bar_line_color": None, "major_tick_line_color": None})
THIN: Final = MappingProxyType({"width": 10, "padding": 4, **PLAIN})
FLAT: Final = MappingProxyType({"height": 8, "padding": 4, **PLAIN})
"""Of the colour bar of any figure, of one beside a frame, and of one below; HoloViews adds to what it is given."""

SQUARE: Final = "figure.height = Math.max(0, figure.outer_height + figure.inner_width - figure.inner_height)"
"""What makes the frame of a figure as high as it is wide, whatever stands around it.

All three are of one layout, so that it may be called twice for each: the height that is asked for may be of the next.
"""


def squared(figure: Any) -> pn.pane.HoloViews:
    """Return a figure that fills the width, with a square frame."""

    def keep_square(plot: Any, _element: Any) -> None:
        """Let the browser change the height with the width."""
        if not plot.state.tags:
            plot.state.tags = ["square"]
            follow = CustomJS(args={"figure": plot.state}, code=SQUARE)
            for side in ("inner_width", "inner_height"):
                plot.state.js_on_change(side, follow)

    bare = figure.opts(hv.opts.Image(clabel="", colorbar_opts={**THIN}, backend="bokeh"))
    look = {"frame_width": None, "frame_height": None, "responsive": True, "height": FIRST_ROW, "title": ""}
    hooks = hv.Store.lookup_options("bokeh", figure, "plot").kwargs.get("hooks", [])
    drawn = bare.opts(**look, **TOOLS, hooks=[*hooks, keep_square], backend="bokeh")
    wide = {"sizing_mode": "stretch_width", "css_classes": ["square"], "margin": 0}
    return Figure(in_theme(drawn), linked_axes=False, **wide)


def upright(figure: Any) -> pn.pane.HoloViews:
    """Return a heatmap that fills the width, with a square frame, its colour bar below it."""
    pane = squared(figure)
    pane.object = pane.object.opts(hv.opts.Image(colorbar_position="bottom", colorbar_opts={**FLAT}, backend="bokeh"))
    return pane


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


def halves(*parts: Any) -> pn.Column:
    """Return two short controls beside each other, or one that takes the room of both."""
    return pn.Column(*parts, css_classes=["halves"], sizing_mode="stretch_width", margin=0)


def beside(wide: Any, short: Any) -> pn.Column:
    """Return a control and one beside it that takes no more room than its words."""
    return pn.Column(wide, short, css_classes=["beside"], sizing_mode="stretch_width", margin=0)


def grid(*parts: Any) -> pn.Column:
    """Return controls in columns of one width."""
    return pn.Column(*parts, css_classes=["grid"], sizing_mode="stretch_width", margin=0)


def stack(*parts: Any, **look: Any) -> pn.Column:
    """Return parts below each other, evenly spaced."""
    return pn.Column(*parts, **{"css_classes": ["stack"], "sizing_mode": "stretch_width", "margin": 0} | look)


def card(title: str, *content: Any, note: str = "", tools: Any = (), wide: bool = False, **look: Any) -> pn.Column:
    """Return a result under its title, with a note beside that, and buttons at the right of both."""
    title_pane = pn.pane.HTML(head_html(title, note), css_classes=["grows"], margin=0)
    head = pn.Row(title_pane, *tools, css_classes=["head"], sizing_mode="stretch_width", margin=0)
    classes = ["card", *["wide"] * wide]
    return pn.Column(head, *content, css_classes=classes, sizing_mode="stretch_width", margin=0, **look)


def entitle(whole: pn.Column, title: str, note: str = "") -> None:
    """Say in the head of a card what it shows by now."""
    words, *tools = whole[0]
    words.object = head_html(title, note)
    for tool in tools:
        tool.object = _tools_html(title)


def head_html(title: str, note: str) -> str:
    """Return the title of a card, as HTML, if it has one, and a note beside it, which goes on below the title."""
    heading = f'<h2 style="display:inline;margin:0;font-size:16px;line-height:24px">{escape(title)}</h2>'
    words = heading if title else ""
    return f'<div style="line-height:16px;overflow-wrap:anywhere">{words}{_note_html(note)}</div>'


def _note_html(text: str) -> str:
    """Return what stands beside a title."""
    return f' <span style="margin-left:4px;font-size:12px;color:var(--ink2)">{escape(text)}</span>' if text else ""


def figure_card(title: str, *content: Any, note: str = "", **look: Any) -> pn.Column:
    """Return a figure under its title, which is enlarged and downloaded by buttons in the head."""
    return _with_tools(card(title, *content, note=note, **look), title)


def curves_card(title: str, figure: Any) -> pn.Column:
    """Return curves with their names above them, in columns that a narrow page has room for."""
    bare, said = untitled(figure)
    named = bare.opts(legend_position="top", legend_cols=2, backend="bokeh")
    return figure_card(title, stretched(named, height=FIRST_ROW, basis=None), note=", ".join(said.splitlines()))


def _with_tools(whole: pn.Column, title: str) -> pn.Column:
    """Add to the head of a card a switch that makes it as large as the window allows, and a button for its picture."""
    whole[0].append(pn.pane.HTML(_tools_html(title), css_classes=["icons"], margin=0))
    return whole


def _tools_html(title: str) -> str:
    """Return the two buttons, as HTML. The script of the page does what they say, also while the server computes."""
    called, file = escape(title), f"netxr_{title}.png".lower().replace(" ", "_").replace("?", "")
    said = {f"Enlarge {called}": "", f"Download {called} as PNG": "; SVG and others: Export"}
    large, down = (f'type="button" aria-label="{text}" title="{text}{more}"' for text, more in said.items())
    enlarge = f'<button class="enlarge" aria-pressed="false" {large}></button>'
    return f'{enlarge}<button class="download" {down} data-file="{escape(file)}"></button>'


def _hide(part: pn.Column | pn.Row, is_hidden: bool) -> None:
    """Hide a part, or show it: a style sheet that lays it out would win over its `visible`."""
    part.css_classes = [*(one for one in part.css_classes if one != "hidden"), *["hidden"] * is_hidden]


def emptied(pane: pn.pane.HoloViews) -> Callable[[], None]:
    """Take the figure out of a pane, and return what draws it there, unless that was given another one meanwhile."""
    figure, classes = pane.object, pane.css_classes
    pane.param.update(object=None, css_classes=[*classes, "skeleton"])
    return lambda: pane.param.update(object=figure if pane.object is None else pane.object, css_classes=classes)


class Results:
    """What a tab shows: figures that are dimmed, with a line above that says why, while the settings are others.

    Both wait a moment, so that nothing flickers where the new ones come at once. What is said is shown first, and then
    figure after figure: to draw one takes some tenths of a second.

    `tools`, what can be taken from them, are there while they are. `run` is called by a button of that line, where
    figures wait to be asked for. `later` calls a function at the next turn of the event loop; without it, all is drawn
    at once. The attributes `head`, what the figures answer, beside the tools, and `foot`, a stack of what is said below
    them, are dimmed with them; `body` are the figures.
    """

    WAIT: Final = "opacity .1s linear .3s"

    def __init__(
        self,
        tools: pn.Column,
        *,
        run: Callable[[object], object] = lambda _event: None,
        later: Callable[[Callable[[], object]], object] = lambda call: call(),
    ) -> None:
        self._later = later
        self._why = pn.pane.HTML("", css_classes=["grows"], margin=0)
        self._run = button("Run", run, visible=False)
        self._bar = pn.Row(self._why, self._run, css_classes=["stale"], sizing_mode="stretch_width", margin=0)
        self._answer, self._tools = stack(css_classes=["stack", "grows"]), tools
        head = (self._answer, tools, self._bar)
        self.head = pn.Row(*head, css_classes=["answer"], sizing_mode="stretch_width", margin=0)
        self._figures, self.foot = stack(css_classes=["stack", "scrolls"]), stack(visible=False)
        self.body = pn.Column(self._figures, sizing_mode="stretch_width", margin=0)
        self.current()

    def show(self, *figures: Any, answer: Sequence[Any] = ()) -> None:
        """Show other figures, which are of the current settings, and what they answer."""
        shown = self._figures.select(pn.pane.HoloViews)
        panes = [pane for one in figures for pane in one.select(pn.pane.HoloViews) if pane not in shown]
        fresh = [pane for pane in panes if pane.object is not None]  # others wait to be drawn already
        drawing = [emptied(pane) for pane in fresh]
        if list(self._figures) != list(figures):
            self._figures[:] = list(figures)
        if list(self._answer) != list(answer):
            self._answer[:] = list(answer)
        _hide(self.head, False)
        _hide(self._tools, False)
        self.current()
        for draw in drawing:
            self._later(draw)

    def empty(self, title: str, text: str, *steps: Any) -> None:
        """Show that there is nothing, why, and what can be done about it."""
        self.nothing(card(title, stack(note(text), *steps)))

    def nothing(self, *instead: Any) -> None:
        """Show that there is nothing, by what stands in its place."""
        self.show(*instead)
        _hide(self.head, True)

    def waiting(self) -> None:
        """Show that something comes."""
        self.show(pn.Column(css_classes=["skeleton"], sizing_mode="stretch_width", margin=0))
        _hide(self._tools, True)

    def current(self) -> None:
        """Show the figures as they are: they are of the current settings."""
        self._say("")

    def outdated(self, shown: str, *, waits: bool = False) -> None:
        """Dim the figures, and say what they still show; where others wait to be asked for, offer to run them."""
        self._say(f"Settings changed. Shown still: {shown}.", waits=waits)

    def _say(self, why: str, *, waits: bool = False) -> None:
        """Dim the figures and say why; an empty text dims nothing."""
        cut = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
        self._why.object = f'<div role="status" title="{escape(why)}" style="{cut}">{escape(why)}</div>'
        self._run.visible = waits
        held = {"opacity": "1", "transition": self.WAIT} if why else {"opacity": "0"}
        self._bar.styles = held | ({} if waits else {"pointer-events": "none"})
        for part in (self._figures, self._answer, self.foot):
            part.styles = {"opacity": "0.35", "transition": self.WAIT} if why else {"opacity": "1"}


def heading(text: str) -> pn.pane.HTML:
    """Return the title of a group of controls."""
    return pn.pane.HTML(f'<h2 style="margin:0;font-size:16px;line-height:24px">{escape(text)}</h2>', margin=0)


def note(text: str) -> pn.pane.HTML:
    """Return a line of text."""
    return pn.pane.HTML(escape(text), margin=0, sizing_mode="stretch_width")
