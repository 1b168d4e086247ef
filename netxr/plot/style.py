"""What all figures share: colours, limits, words, and options set on both backends at once."""

from collections.abc import Mapping
from html import escape
from textwrap import fill
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.models import BasicTickFormatter, Plot
from bokeh.models.annotations import ColorBar, Legend, Title

from netxr import names as n
from netxr.compat import option_ids, set_option_ids
from netxr.errors import InvalidInput
from netxr.plot.loading import loaded
from netxr.plot.palettes import LIGHT, draw_around
from netxr.schema.arguments import said

_chosen_backend = hv.Store.current_backend
import holoviews.plotting.bokeh  # noqa: E402  registers the backend, and makes it the current one
import holoviews.plotting.mpl  # noqa: E402

hv.Store.set_current_backend(_chosen_backend)

DIVERGING: Final = LIGHT.weights
"""Blue below zero, orange above, zero almost white."""

SEQUENTIAL: Final = LIGHT.scores
"""Teal, the darker the more."""

UNDEFINED_COLOUR: Final = LIGHT.undefined
INK: Final = LIGHT.ink
LINE_COLOUR: Final = LIGHT.accent

PAPER_FONTS: Final = {"title": 11, "labels": 10, "ticks": 9, "clabel": 10, "cticks": 9, "legend": 9}
"""Sizes of letters on paper in points, in proportion to a panel as on the screen."""

BAR: Final = 16
"""Width of a colour bar on the screen in pixels."""

LETTER: Final = 6.0
"""Width of a letter of a title or an axis label on the screen, in pixels."""

BESIDE: Final = 60
"""Pixels over a colour bar that a title may reach into."""

FRAME: Final = 300
"""Height of a bokeh panel in pixels."""

POINTS: Final = 0.72
"""Points of a mark in matplotlib for each pixel in bokeh: panels of matplotlib are a little smaller."""

TEXTS: Final = ("title", "xlabel", "ylabel", "clabel")
TICKS: Final = ("xticks", "yticks")
"""Options that are texts, and lists of (place, text)."""

FRAME_OPTIONS: Final = frozenset(
    {"title", "xlabel", "ylabel", "xticks", "yticks", "xlim", "ylim", "xaxis", "yaxis"}
    | {"frame_width", "frame_height", "aspect", "show_frame", "fontsize"}
)
"""Options that a frame keeps when something is drawn over it."""


def symmetric_limit(*matrices: Any) -> tuple[float, float]:
    """Return colour limits that are symmetric about zero and hold every finite value.

    Parameters
    ----------
    *matrices : array-like
        Arrays of any shapes, which are to share one colour range.

    Returns
    -------
    tuple of float
        ``(-L, L)`` with L the largest finite magnitude, or 1 where there is none above zero.

    Raises
    ------
    InvalidInput
        If a matrix is a large lazy array.

    Examples
    --------
    >>> symmetric_limit([[0.0, -3.0]], [1.0, float("nan")])
    (-3.0, 3.0)
    >>> symmetric_limit([0, 0])
    (-1.0, 1.0)
    """
    largest = 0.0
    for matrix in matrices:
        values = np.asarray(loaded(matrix, argument="matrices"))
        finite = np.isfinite(values)
        ends = (values.min(initial=0, where=finite), values.max(initial=0, where=finite))  # np.abs would be a copy
        largest = max(largest, *(abs(float(end)) for end in ends))
    return (-largest, largest) if largest > 0 else (-1.0, 1.0)


def with_options(
    element: Any,
    *,
    both: Mapping[str, Any] | None = None,
    bokeh: Mapping[str, Any] | None = None,
    matplotlib: Mapping[str, Any] | None = None,
) -> Any:
    """Set the options of `element` on both backends, whichever of them is current.

    When something is laid over an Overlay, HoloViews drops its options and keeps those of its first element.
    """
    shared = both or {}
    if isinstance(element, hv.Overlay):
        first = next(iter(element))
        kept = [{k: v for k, v in (some or {}).items() if k in FRAME_OPTIONS} for some in (shared, bokeh, matplotlib)]
        with_options(first, both=kept[0], bokeh=kept[1], matplotlib=kept[2])
    own = option_ids(_zoomable_panels(element))
    element = element.opts(**shared, **(bokeh or {}), backend="bokeh")
    element = element.opts(**_as_written({**shared, **(matplotlib or {})}), backend="matplotlib")
    set_option_ids(_zoomable_panels(element), own)
    return element


def _as_written(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return matplotlib options in whose texts a dollar sign does not start a formula."""
    texts = {name: _no_formula(options[name]) for name in TEXTS if isinstance(options.get(name), str)}
    ticks = {
        name: [(place, _no_formula(text)) for place, text in options[name]]
        for name in TICKS
        if isinstance(options.get(name), list) and all(isinstance(tick, tuple) for tick in options[name])
    }
    return {**options, **texts, **ticks}


def _no_formula(text: str) -> str:
    """Return a text for matplotlib with its dollar signs escaped."""
    return text.replace("$", r"\$")


def no_formulas(plot: Any, _element: Any) -> None:
    """Make matplotlib write names and legends as they are, dollar signs included."""
    axis = plot.handles["axis"]
    for text in [*axis.texts, *(axis.get_legend().get_texts() if axis.get_legend() else ())]:
        text.set_parse_math(False)


def screen_look(plot: Any, _element: Any) -> None:
    """Make bokeh draw what stands around the data as matplotlib does, each frame with its own."""
    plot.state.frame_align = False  # aligning the frames of a layout cuts off ticks, names and colour bars
    models = plot.state.references()  # to ask bokeh for them takes long
    draw_around(models, LIGHT)
    for model in models:
        if isinstance(model, BasicTickFormatter):
            model.power_limit_low = -5  # 0.001, not 1.000e-3
    for bar in plot.state.right:
        if isinstance(bar, ColorBar):
            _beside_frame(plot.state, bar)
        elif isinstance(bar, Legend):
            bar.location = "top_left"
    _fit_texts(plot.state)


def _fit_texts(frame: Plot) -> None:
    """Break texts that are longer than their side of the frame: bokeh cuts them off."""
    width, height = ((size or FRAME) / LETTER for size in (frame.frame_width, frame.frame_height))
    beside = sum(BESIDE / LETTER for one in frame.right if isinstance(one, ColorBar))
    for axes, room in ((frame.xaxis, width), (frame.yaxis, height)):
        for axis in axes:
            axis.axis_label = _broken(axis.axis_label, room)
    for title, room in ((frame.title, width + beside), *((one, height) for one in frame.right)):
        if isinstance(title, Title):
            title.text = _broken(title.text, room)


def _broken(text: Any, letters: float) -> Any:
    """Return a text in lines of so many letters at most, words kept whole; what is none as it is."""
    if not isinstance(text, str):
        return text
    return "\n".join(fill(line, max(1, int(letters)), break_long_words=False) for line in text.split("\n"))


def _beside_frame(frame: Plot, bar: ColorBar) -> None:
    """Make a colour bar as high as its frame, with its title in the middle of its right side."""
    bar.update(padding=6, width=BAR)
    if bar.formatter == "auto":
        bar.formatter = BasicTickFormatter(power_limit_low=-5, power_limit_high=7)
    if bar.title:
        title = next((one for one in frame.right if isinstance(one, Title)), None) or Title(align="center")
        title.update(
            text=bar.title, text_font_size=bar.title_text_font_size, text_font_style="normal", text_color=LIGHT.ink
        )
        bar.title = None
        if title not in frame.right:
            frame.add_layout(title, "right")


def with_title_over(layout: hv.Layout, title: str) -> hv.Layout:
    """Set the title over all panels: bokeh takes it for HTML, matplotlib for text."""
    layout = layout.opts(title=literal(escape(title).replace("\n", "<br>")), backend="bokeh")
    return layout.opts(title=literal(_no_formula(title)), backend="matplotlib")


def laid_out(layout: hv.Layout, *, title: str, columns: int = 2, **paper: Any) -> hv.Layout:
    """Set the title over all panels and how many stand in a row; `paper` are further options on matplotlib."""
    layout = with_title_over(layout.cols(columns), title)
    return with_options(layout, both={"shared_axes": False}, matplotlib={"sublabel_format": "", **paper})


def title_over(layout: hv.Layout) -> str:
    """Return the title over all panels, an empty text if there is none."""
    title = str(hv.Store.lookup_options("matplotlib", layout, "plot").kwargs.get("title", ""))
    return title.replace(r"\$", "$").replace("{{", "{").replace("}}", "}")


def _zoomable_panels(element: Any) -> list[Any]:
    """Return the DynamicMaps of a Layout."""
    return element.traverse(lambda panel: panel, [hv.DynamicMap]) if isinstance(element, hv.Layout) else []


def literal(title: str) -> str:
    """Return a title with its braces doubled: HoloViews would fill in what single ones hold."""
    return title.replace("{", "{{").replace("}", "}}")


def score_text(score: Any, *, argument: str = "score") -> str:
    """Return a score with three decimals, or say that it is undefined."""
    if isinstance(score, xr.Dataset):
        raise InvalidInput(argument, got="a Dataset", expected="a number", fix="Take one of its scores.")
    value = np.asarray(loaded(score, argument=argument))
    if value.dtype.kind not in "biuf":
        raise InvalidInput(argument, got=said(score), expected="a number")
    if value.size != 1:
        raise InvalidInput(argument, got=f"{value.size} numbers", expected="one", fix="Take one with .isel or .sel.")
    return f"{value.item():.3f}" if np.isfinite(value) else "undefined"


def diagonal_text(*scores: Any) -> str:
    """Say in brackets whether the diagonal is included; an empty text if the scores do not say, or disagree."""
    said: set[Any] = {getattr(score, "attrs", {}).get(n.DIAGONAL) for score in scores}
    if len(said) != 1 or None in said:
        return ""
    return diagonal_words(said.pop())


def holds_diagonal(score: Any) -> bool:
    """Return whether a score says that the diagonal is included: beside it, a matrix shows its own."""
    return bool(getattr(score, "attrs", {}).get(n.DIAGONAL))


def diagonal_words(diagonal: bool) -> str:
    """Say in brackets whether the diagonal is included."""
    return "(with the diagonal)" if diagonal else "(without the diagonal)"
