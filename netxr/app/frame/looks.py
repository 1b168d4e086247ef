"""How the page looks: its template, its style, and the small parts that all tabs have."""

import math
from collections.abc import Callable, Mapping
from html import escape
from importlib.resources import files
from typing import Any, Final

import panel as pn
import xarray as xr

from netxr import names as n
from netxr.plot.style import score_text

TEMPLATE: Final = (files("netxr.app.frame") / "page.html").read_text("utf-8")

ACCENT: Final = "#1f5f9e"
"""Colour of what can be clicked; its contrast with white is 6.6 to 1."""

WIDGET_STYLE: Final = f"""
:host {{ font-size: 14px; color: #262626; }}
label, .bk-slider-title {{ font-size: 14px; }}
.bk-input {{ font-size: 14px; border-color: #8a8a8a; }}
.bk-input:focus-visible, .bk-btn:focus-visible, .noUi-handle:focus-visible, a:focus-visible, input:focus-visible {{
  outline: 3px solid #f2a900; outline-offset: 1px;
}}
.bk-spin-btn {{ display: none !important; }}
.noUi-connect {{ background-color: {ACCENT} !important; }}
"""
"""Set on every widget: focus is visible, all text has one size."""

TAB_STYLE: Final = f"""
{WIDGET_STYLE}
.bk-btn {{
  font-size: 15px !important; padding: 7px 18px !important; box-shadow: none !important;
  background: #ffffff !important; color: {ACCENT} !important; border: 1px solid #c9d3de !important;
}}
.bk-btn.bk-active {{ background: {ACCENT} !important; color: #ffffff !important; }}
"""

TABLE_STYLE: Final = f"""
{WIDGET_STYLE}
.tabulator {{ font-size: 14px; }}
.tabulator-row .tabulator-cell {{ font-variant-numeric: tabular-nums; }}
.tabulator .tabulator-col:focus-visible, .tabulator-page:focus-visible {{ outline: 3px solid #f2a900; }}
"""

MESSAGE_STYLE: Final = {
    "error": "background: #fdecea; border-left: 4px solid #b3261e;",
    "note": "background: #eaf1f8; border-left: 4px solid #1f5f9e;",
}


def side_by_side(controls: list[Any], body: Any) -> pn.FlexBox:
    """Return the widgets of a tab beside what they change, or above it in columns if the page is narrow."""
    left = pn.FlexBox(*controls, align_items="flex-end", styles={"flex": "1 1 250px", "min-width": "0"})
    body.styles = {"flex": "1000 1 620px", "min-width": "0"}
    return pn.FlexBox(left, body, gap="10px", align_items="flex-start", sizing_mode="stretch_width")


def message_pane(text: str, *, kind: str) -> Any:
    """Return a message, "error" or "note"; screen readers read it out."""
    role = "alert" if kind == "error" else "status"
    shown = f'<div role="{role}">{escape(text)}</div>'
    styles = {"padding": "8px 12px", "font-size": "14px", "border-radius": "3px"}
    look = dict(part.strip().split(": ") for part in MESSAGE_STYLE[kind].rstrip(";").split(";"))
    return pn.pane.HTML(shown, sizing_mode="stretch_width", margin=(4, 10), styles=styles | look)


WAITING: Final = -1
"""Value of a bar that moves without showing progress: before the first sample, and after the last one."""


def progress_row(label: str, *, cancel: Callable[[], object]) -> pn.Row:
    """Return a progress bar, its label, and a button to cancel."""
    bar = pn.indicators.Progress(value=WAITING, max=100, width=220, height=14, margin=(14, 10), bar_color="primary")
    button = pn.widgets.Button(name="Cancel", margin=(4, 10), stylesheets=[WIDGET_STYLE])
    button.on_click(lambda _: cancel())
    text = pn.pane.HTML(escape(label), margin=(10, 10), styles={"font-size": "14px"})
    return pn.Row(bar, text, button, css_classes=["progress"])


SCORES: Final = {
    n.PEARSON: "Correlation of A and R",
    n.SPEARMAN: "Rank correlation",
    n.KAPPA: "Cohen's kappa",
    n.ROC_AUC: "Area under the ROC curve",
    n.SYMMETRY: "R and its transpose",
}


def scores_html(scores: xr.Dataset, *, signs: str = "") -> str:
    """Return how well A and R agree, in words and in numbers; `signs` says which to go by if R tells no sign."""
    return (
        f'<p style="margin:0 0 6px;font-size:15px">{escape(signs or verdict(scores[n.PEARSON].item()))} '
        f"(All scores {with_diagonal(scores)} the diagonal.)</p>{score_list(scores, SCORES)}"
    )


def score_list(scores: xr.Dataset, called: Mapping[str, str]) -> str:
    """Return scores as a list in HTML, each under its name in `called`."""
    cells = "".join(
        f'<div><dt style="color:#4a4a4a">{escape(text)}</dt>'
        f'<dd style="margin:0;font-size:18px;font-weight:600">{escape(score_text(scores[name]))}</dd></div>'
        for name, text in called.items()
    )
    return f'<dl style="display:flex;flex-wrap:wrap;gap:6px 28px;margin:0">{cells}</dl>'


def with_diagonal(scores: xr.Dataset) -> str:
    """Return "with" or "without", depending on whether the diagonal is included in the scores."""
    return "with" if scores[n.PEARSON].attrs.get(n.DIAGONAL) else "without"


def verdict(correlation: float) -> str:
    """Return in words how well two matrices agree, given their correlation.

    Examples
    --------
    >>> verdict(0.95967)
    'The estimate is close to the true connectivity: their correlation is 0.95967.'
    """
    if math.isnan(correlation):
        return "The correlation of A and R is undefined: one of them is the same everywhere."
    words = [(0.8, "is close to"), (0.5, "resembles"), (0.2, "shows little of"), (-1.1, "shows next to nothing of")]
    how = next(text for least, text in words if correlation >= least)
    return f"The estimate {how} the true connectivity: their correlation is {correlation:.5f}."
