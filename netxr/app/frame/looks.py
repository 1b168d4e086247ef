"""How the page looks: its template, its style, and the small parts that all tabs have."""

import math
from collections.abc import Callable, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any, Final, NamedTuple

import panel as pn
import xarray as xr
from panel.theme import Design

from netxr import names as n
from netxr.plot.style import score_text

PAGE: Final = files("netxr.app.frame")
TEMPLATE: Final = (PAGE / "page.html").read_text("utf-8")
PAGE_STYLE: Final = (PAGE / "page.css").read_text("utf-8")

WIDGETS: Final = "widgets.css"
PARTS: Final = (PAGE / WIDGETS, *(files("panel.theme") / "css" / name for name in ("default.css", "native.css")))
STYLE: Final = "\n".join(part.read_text("utf-8") for part in PARTS)
WIDGET_STYLE: Final = f"/{WIDGETS}?v={sha256(STYLE.encode()).hexdigest()[:16]}"
"""The style of all that Panel draws, into which the style of the page does not reach, and where the server has it.

Panel's own is at the end of it: as files of their own they would be loaded into each part of the page.
"""

MESSAGE_COLOURS: Final = {"error": ("wrong", "wrong-bg"), "note": ("ink", "sunken"), "warning": ("warn", "warn-bg")}
"""Of the text and of the ground of each kind of message."""


TITLE: Final = "font-size:16px;line-height:24px"
ANSWER: Final = "font-size:20px;line-height:28px"
LABEL: Final = "font-size:12px;line-height:16px;color:var(--ink2)"
"""How titles, the answer over all results, and labels are written in HTML."""


COMMAND: Final = "margin:0;white-space:pre-wrap;overflow-wrap:anywhere"
"""How a command is written, which wraps on a narrow page."""


class Bare(Design):
    """A design of Panel that adds no style sheets to the parts of a page."""


class Sides(NamedTuple):
    """What a tab shows: its settings in the rail at the left, and beside them its results.

    Where a narrow page folds the rail, `summary` stands for it.
    """

    rail: list[Any]
    results: Any
    summary: Any = None


def side_by_side(controls: list[Any], body: Any, *, summary: Any = None) -> Sides:
    """Return the widgets of a tab beside what they change, which stands evenly spaced."""
    body.param.update(css_classes=[*body.css_classes, "stack"], sizing_mode="stretch_width", margin=0)
    return Sides(controls, body, summary)


def message_pane(text: str, *, kind: str) -> Any:
    """Return a message, "error", "note" or "warning"; screen readers read it out."""
    role = "alert" if kind == "error" else "status"
    colour, ground = MESSAGE_COLOURS[kind]
    styles = {"padding": "8px 12px", "border-radius": "6px"}
    styles |= {"color": f"var(--{colour})", "background": f"var(--{ground})"}
    shown = f'<div role="{role}">{escape(text)}</div>'
    return pn.pane.HTML(shown, sizing_mode="stretch_width", margin=0, styles=styles)


WAITING: Final = -1
"""Value of a bar that moves without showing progress: before the first sample, and after the last one."""


def progress_row(label: str, *, cancel: Callable[[], object]) -> pn.Row:
    """Return a progress bar, its label, and a button to cancel."""
    bar = pn.indicators.Progress(
        value=WAITING, max=100, height=4, css_classes=["bar"], sizing_mode="stretch_width", margin=0
    )
    button = pn.widgets.Button(name="Cancel", margin=0)
    button.on_click(lambda _: cancel())
    text = pn.pane.HTML(escape(label), margin=0, sizing_mode="stretch_width")
    return pn.Row(bar, text, button, css_classes=["progress"], sizing_mode="stretch_width", margin=0)


def state_html(text: str, *, done: bool = False) -> str:
    """Return the line at the foot of the rail; a dot in colour says that all is done."""
    colour = "accent" if done else "control"
    dot = f"flex:none;width:8px;height:8px;margin:6px 12px 0 4px;border-radius:4px;background:var(--{colour})"
    return f'<div role="status" style="display:flex;color:var(--ink2)"><i style="{dot}"></i>{escape(text)}</div>'


SCORES: Final = {
    n.SPEARMAN: "rank correlation",
    n.KAPPA: "kappa",
    n.ROC_AUC: "area under ROC",
    n.SYMMETRY: "R and its transpose",
}


def answer_html(text: str, explained: str) -> str:
    """Return what results say in one sentence, and below it a line that explains it."""
    said = f'<p style="margin:0;{ANSWER}">{escape(text)}</p>'
    look = "margin:0 var(--beside,0) 0 0;padding:8px 0;color:var(--ink2)"
    return said + f'<p style="{look}">{escape(explained)}</p>'


def scores_html(scores: xr.Dataset, *, signs: str = "", edges: str = "", halves: str = "") -> str:
    """Return how well A and R agree, in words and in numbers; `signs` says which to go by if R tells no sign.

    `edges` say how many of R stand, and `halves` how well those of the samples agree, if that is known.
    """
    each = [f"{text} {score_text(scores[name])}" for name, text in SCORES.items()]
    said = f"{with_diagonal(scores).capitalize()} the diagonal: {', '.join([*each, *[halves] * bool(halves)])}."
    found = f" Edges: {edges}." if edges else ""
    return answer_html(f"{signs or verdict(scores[n.PEARSON].item())}{found}", said)


def table_html(heads: Sequence[str], rows: Sequence[Sequence[str]], *, chosen: int | None = None) -> str:
    """Return a table of cells that are HTML: the first of a row is its name, the others are numbers.

    Examples
    --------
    >>> table_html(["", "Samples"], [["25 neurons", "1,200"]]).count("<td")
    1
    """
    cell = "padding:6px 8px;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums"
    right, left = f"{cell};white-space:nowrap;text-align:right", f"{cell};text-align:left;font-weight:400"
    head = "".join(f'<th scope="col" style="{right};{LABEL}">{escape(text)}</th>' for text in heads)
    body = ""
    for k, (name, *numbers) in enumerate(rows):
        look = "background:var(--tint);box-shadow:inset 3px 0 0 var(--accent)" if k == chosen else ""
        cells = "".join(f'<td style="{right}">{number}</td>' for number in numbers)
        body += f'<tr style="{look}"><th scope="row" style="{left}">{name}</th>{cells}</tr>'
    look = "width:100%;border-collapse:collapse"
    table = f'<table style="{look}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div style="overflow-x:auto" tabindex="0" role="region" aria-label="Table">{table}</div>'


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
