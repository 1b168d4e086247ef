"""Tables on the page, of which a row is selected, and a click on a head sorts."""

from typing import Any

import panel as pn
import panel.models.tabulator  # its scripts are part of the page if it is known before the page is made

from netxr.compat import without_icons


@without_icons
class Table(pn.widgets.Tabulator):
    """A table that has no icons."""


def table(frame: Any, **look: Any) -> Table:
    """Return a table of a DataFrame that fills the width, with as many rows on a page as `page_size` says.

    No cell has an editor: those of cells that may not be edited throw away the focus that the Tab key gives them.
    """
    look["editors"] = dict.fromkeys(frame)
    plain = {"disabled": True, "show_index": False, "selectable": 1, "layout": "fit_columns", "theme": "simple"}
    return Table(frame, sizing_mode="stretch_width", margin=0, **plain, **look)
