"""The colours of the page, light and dark: as variables of its style sheet, and in the figures that are drawn on it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import panel as pn
from bokeh.models import Axis, Plot
from bokeh.models.annotations import ColorBar, Legend, Title
from bokeh.themes import Theme

from netxr.plot import palettes

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


PALETTES: Final = {LIGHT: palettes.LIGHT, DARK: palettes.DARK}
"""Of the figures, by theme."""


def variables() -> str:
    """Return the style sheet that gives every colour its value, by the theme that the page names.

    Examples
    --------
    >>> variables().splitlines()[1].split("; ")[0]
    ':root[data-theme=dark] { --bg: #0E1113'
    """
    return "\n".join(
        f"{where} {{ {'; '.join(f'--{name}: {getattr(colour, theme)}' for name, colour in TOKENS.items())}; "
        f"--scores: {', '.join(PALETTES[theme].scores[::32])} }}"
        for where, theme in ((":root", LIGHT), (":root[data-theme=dark]", DARK))
    )


ABOVE: Final = """
:host(.bk-above.bk-inner) {
  width: max-content !important; margin-left: auto; transform: translate(-80px, -100%); background: var(--surface);
}
"""
"""Puts the tools of a figure above its frame, and beside the buttons in the head of its card."""


def _figures(theme: str) -> Theme:
    """Return what bokeh draws figures with where a figure does not say: as it draws figures that do, but smaller."""
    small = "12px"
    page: dict[Any, dict[str, Any]] = {
        Plot: {"toolbar_inner": True},  # takes no room: it is there while a pointer is, and stands above the frame
        Axis: {"axis_label_text_font_size": small, "major_label_text_font_size": small},
        Title: {"text_font_size": small},
        ColorBar: {"major_label_text_font_size": small, "title_text_font_size": small},
        Legend: {"background_fill_alpha": 0, "label_text_font_size": small, "glyph_width": 16, "glyph_height": 12}
        | {"margin": 0, "padding": 0, "spacing": 16},
    }
    looks = {kind.__name__: look | page[kind] for kind, look in palettes.around(PALETTES[theme]).items()}
    tools = {"autohide": True, "logo": None, "stylesheets": [ABOVE]}
    grid = {"grid_line_color": getattr(TOKENS["line"], theme)}
    return Theme(json={"attrs": looks | {"Grid": grid, "Toolbar": tools}})


FIGURES: Final = {LIGHT: _figures(LIGHT), DARK: _figures(DARK)}
"""Themes of bokeh, of which a page has one."""


def theme_at_work() -> str:
    """Return the theme of the page at work."""
    document = pn.state.curdoc
    return DARK if document is not None and document.theme is FIGURES[DARK] else LIGHT


def in_theme(figure: Any) -> Any:
    """Return a figure of netxr.plot that has the colours of the page at work whenever it is drawn."""
    return palettes.hooked(figure, _paint)


def _paint(plot: Any, _element: Any) -> None:
    """Give what bokeh has drawn the colours of the page at work."""
    if theme_at_work() == DARK:
        palettes.recolour(plot.state.references(), _colours(LIGHT, DARK))


def _colours(old: str, new: str) -> palettes.Colours:
    """Return the colour of a theme that is in the place of each of the other one."""
    tokens = {getattr(one, old).lower(): getattr(one, new) for one in TOKENS.values()}
    return tokens | palettes.in_place_of(PALETTES[old], PALETTES[new])


def switch(theme: str) -> None:
    """Give the page at work another theme: all that is drawn on it has the colours of that one at once."""
    document, last = pn.state.curdoc, theme_at_work()
    if document is not None and theme != last:
        document.theme = FIGURES[theme]
        palettes.recolour(document.models, _colours(last, theme))
