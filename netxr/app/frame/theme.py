"""The colours of the page, light and dark: as variables of its style sheet, and in the figures that are drawn on it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import panel as pn
from bokeh.themes import Theme

from netxr.plot import palettes
from netxr.plot.palettes import painted

LIGHT, DARK = "light", "dark"


class Colour(NamedTuple):
    """A colour of the page, on light and on dark ground."""

    light: str
    dark: str


TOKENS: Final[Mapping[str, Colour]] = {
    "bg": Colour("#F4F6F7", "#0E1113"),
    "surface": Colour("#FFFFFF", "#171B1E"),
    "sunken": Colour("#EDF0F2", "#20262A"),
    "line": Colour("#DCE1E5", "#2D353A"),
    "control": Colour("#7F8A93", "#77838B"),
    "ink": Colour("#14191D", "#EDF1F3"),
    "ink2": Colour("#525D66", "#A5B0B8"),
    "accent": Colour("#0B6B63", "#4CC9B8"),
    "on-accent": Colour("#FFFFFF", "#05211D"),
    "tint": Colour("#E0F1EE", "#12322E"),
    "warn": Colour("#7A4300", "#F5BD6E"),
    "warn-bg": Colour("#FFF3DD", "#33260E"),
    "wrong": Colour("#B3261E", "#FF9D93"),
    "wrong-bg": Colour("#FDEDEB", "#3B1A17"),
    "positive": Colour("#DD6B1F", "#DB6C22"),
    "negative": Colour("#2F7BC0", "#3F8AD6"),
}
"""By their names in the style sheet, none of which is a variable of bokeh or Panel.

Each text has a contrast of 5.5 to 1 or more with what is below it.
"""


def variables() -> str:
    """Return the style sheet that gives every colour its value, by the theme that the page names.

    Examples
    --------
    >>> variables().splitlines()[1].split("; ")[0]
    ':root[data-theme=dark] { --bg: #0E1113'
    """
    return "\n".join(
        f"{where} {{ {'; '.join(f'--{name}: {getattr(colour, theme)}' for name, colour in TOKENS.items())} }}"
        for where, theme in ((":root", LIGHT), (":root[data-theme=dark]", DARK))
    )


ABOVE: Final = """
:host(.bk-above.bk-inner) {
  width: max-content !important; margin-left: auto; transform: translate(-80px, -100%); background: var(--surface);
}
"""
"""Puts the tools of a figure above its frame, and beside the buttons in the head of its card."""


def _figures(theme: str) -> Theme:
    """Return what bokeh draws figures with where a figure does not say."""
    surface, ink, ink2, line, control = (
        getattr(TOKENS[name], theme) for name in ("surface", "ink", "ink2", "line", "control")
    )
    words = {"major_label_text_color": ink2, "title_text_color": ink2, "title_text_font_style": "normal"}
    words |= {"background_fill_color": surface, "major_label_text_font_size": "12px", "title_text_font_size": "12px"}
    axis = {"axis_line_color": control, "major_tick_line_color": control, "minor_tick_line_color": None}
    labels = {"axis_label_text_color": ink2, "major_label_text_color": ink2, "axis_label_text_font_style": "normal"}
    sizes = {"axis_label_text_font_size": "12px", "major_label_text_font_size": "12px"}
    ground = {"background_fill_color": surface, "border_fill_color": surface, "outline_line_color": None}
    ground |= {"toolbar_inner": True}  # takes no room: it is there while a pointer is, and stands above the frame
    legend = {"background_fill_alpha": 0, "border_line_color": None, "label_text_color": ink2}
    legend |= {"label_text_font_size": "12px", "glyph_width": 16, "glyph_height": 12, "margin": 0, "padding": 0}
    return Theme(
        json={
            "attrs": {
                "Plot": ground,
                "Axis": axis | labels | sizes,
                "Grid": {"grid_line_color": line},
                "Toolbar": {"autohide": True, "logo": None, "stylesheets": [ABOVE]},
                "Title": {"text_color": ink, "text_font_size": "12px"},
                "ColorBar": words,
                "Legend": legend | {"spacing": 16},
            }
        }
    )


FIGURES: Final = {LIGHT: _figures(LIGHT), DARK: _figures(DARK)}
"""Themes of bokeh, of which a page has one."""


def theme_at_work() -> str:
    """Return the theme of the page at work."""
    document = pn.state.curdoc
    return DARK if document is not None and document.theme is FIGURES[DARK] else LIGHT


def in_theme(figure: Any) -> Any:
    """Return a figure of netxr.plot in the colours of the page at work."""
    return figure if theme_at_work() == LIGHT else painted(figure, palettes.DARK)
