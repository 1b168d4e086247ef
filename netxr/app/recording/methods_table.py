"""The table of estimators, over the page: what each is for, whether it tells direction and sign."""

from html import escape
from typing import Final

import panel as pn

from netxr import names as n
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


def methods_dialogue() -> pn.pane.HTML:
    """Return a button that lays the table of estimators over the page; Escape, and one beside its title, close it.

    The browser does it by itself, also while the server computes.
    """
    opens = (
        '<button type="button" class="link" onclick="this.nextElementSibling.showModal()">Table of estimators</button>'
    )
    closes = (
        '<button type="button" class="close" aria-label="Close the table of estimators" '
        "onclick=\"this.closest('dialog').close()\"></button>"
    )
    title = f'<h2 style="flex:1;margin:0;font-size:16px;line-height:24px">Estimators</h2>{closes}'
    head = f'<div style="display:flex;align-items:center;min-height:40px">{title}</div>'
    whole = f'{opens}<dialog aria-label="Estimators">{head}{methods_html()}</dialog>'
    return pn.pane.HTML(whole, sizing_mode="stretch_width", margin=0)
