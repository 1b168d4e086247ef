"""The table of estimators, over the page: what each is for, whether it tells direction and sign."""

from html import escape
from typing import Final

import panel as pn

from netxr import names as n
from netxr.app.frame.panes import card
from netxr.estimators.table import methods

HEADS: Final = ("Estimator", "It assumes that", "Direction", "Sign", "Reference")

CELL: Final = "text-align:left;padding:6px 12px 6px 0;vertical-align:top;border-bottom:1px solid var(--line)"


def methods_html() -> str:
    """Return the estimators that can be loaded as a table in HTML."""
    listed = methods().to_dataframe()
    shown = listed[listed[n.ERROR] == ""].assign(
        **{name: listed[name].map({True: "yes", False: "no"}) for name in (n.DIRECTED, n.SIGNED)}
    )
    rows = shown[[n.LONG_NAME, n.ASSUMES, n.DIRECTED, n.SIGNED, n.REFERENCE]].to_numpy().tolist()
    return (
        '<table style="border-collapse:collapse;width:100%">'
        f"<thead>{_row(list(HEADS), 'th')}</thead><tbody>{''.join(_row(row, 'td') for row in rows)}</tbody></table>"
    )


def _row(cells: list[str], tag: str) -> str:
    """Return a row of the table."""
    return "".join(["<tr>", *(f'<{tag} style="{CELL}">{escape(cell)}</{tag}>' for cell in cells), "</tr>"])


def methods_dialogue() -> pn.Column:
    """Return a switch that lays the table of estimators over the page; one in the card takes it away again."""
    opens = pn.widgets.Toggle(name="Table of estimators", css_classes=["link"], margin=0)
    closes = pn.widgets.Toggle(name="Close the table of estimators", css_classes=["enlarge"], margin=0)
    table = pn.pane.HTML(methods_html(), sizing_mode="stretch_width", margin=0)
    whole = card("Estimators", table, tools=[closes], visible=False)
    whole.css_classes = ["card", "enlarged"]
    opens.jslink(whole, value="visible")  # the browser does it by itself, also while the server computes
    opens.jslink(closes, value="value", bidirectional=True)
    return pn.Column(opens, whole, sizing_mode="stretch_width", margin=0)
