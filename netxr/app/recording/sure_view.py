"""The view that says how sure an estimate is: its reliability, its edges as a table, and what is not found dimmed."""

from html import escape
from typing import Any, Final

import panel as pn
import panel.models.tabulator  # its scripts are part of the page if it is known before the page is made
import xarray as xr
from bokeh.models.widgets.tables import CellFormatter, NumberFormatter, ScientificFormatter

import netxr
import netxr.plot
from netxr import names as n
from netxr.app.frame.panes import TOOLS, flow, note, panels
from netxr.app.recording.compute import Sure
from netxr.plot.matrices.found_pairs import found_pairs
from netxr.plot.matrices.side_by_side import TITLE_R
from netxr.significance.reliability import LIMIT

ROWS: Final = 12
"""Of the table on a page."""

COLUMNS: Final = {
    n.SOURCE: "From",
    n.TARGET: "To",
    n.EFFECT: "R",
    n.Q_VALUE: "q",
    n.LOWER: "lower",
    n.UPPER: "upper",
    n.P_VALUE: "p",
}
"""Of the table, and what their heads say; the last ones are left out where the page is narrow."""


def sure_figure(sure: Sure, *, q: float, groups: Any) -> Any:
    """Draw the estimate, with the pairs that are not found dimmed."""
    p_value = sure.found[n.P_VALUE] if sure.is_tested else None
    return netxr.plot.matrix(sure.R, p_value=p_value, q=q, groups=groups, title=TITLE_R)


def sure_panes(sure: Sure, figure: Any, *, q: float) -> list[Any]:
    """Return what is said, the matrix, and the edges beside it."""
    said = [pn.pane.HTML(_sentences(sure, q=q), sizing_mode="stretch_width", margin=0)]
    if sure.n_slow:
        text = (
            f"{sure.n_slow:,} of {sure.R.sizes[n.TARGET]:,} neurons change so slowly that their p-values are too low. "
            "Take what is slow off the activity first: see Clean beside it."
        )
        said.append(note(text))
    (matrix,) = panels(figure, **TOOLS)
    if not sure.is_tested:
        return [*said, matrix]
    edges = pn.Column(_table(sure, q=q), styles={"flex": "1 1 420px", "min-width": "0"})
    return [*said, flow(matrix, edges)]


def sure_table(sure: Sure, *, q: float) -> xr.Dataset:
    """Return the edges; the estimate itself where it comes without a test."""
    return netxr.edges(sure.found, q=q) if sure.is_tested else sure.found


def sure_data(sure: Sure) -> xr.Dataset:
    """Return the estimate with all that was found out about it, as a store holds it."""
    return sure.found if sure.halves is None else sure.found.assign(sure.halves.data_vars)


def reliability_text(reliability: float) -> str:
    """Return in words what a reliability says.

    Examples
    --------
    >>> reliability_text(0.64)
    'Reliability 0.640: its root is the most that this estimate can correlate with any truth, 0.800.'
    """
    if reliability > 0:
        return f"Reliability {reliability:.3f}: {LIMIT}, {reliability**0.5:.3f}."
    if reliability <= 0:
        return (
            f"Reliability {reliability:.3f}: nothing of the estimate comes out again in the other half of the samples."
        )
    return "The reliability is undefined: in a half of the samples, the estimate is the same for all pairs."


def _sentences(sure: Sure, *, q: float) -> str:
    """Return how many edges there are, and how reliable the estimate is, in HTML."""
    if not sure.is_tested:
        edges = "This estimator has no p-values; lagged correlation, regression and Granger causality have some."
    else:
        found = found_pairs(sure.R, sure.found[n.P_VALUE], q=q).text
        edges = f"{found}: of these, {100 * q:g} % at most are expected "
        edges += "not to correlate, or of a regression to have no effect."
    if sure.halves is None:
        halves = "How reliable it is cannot be said, since single samples are left out."
    else:
        halves = reliability_text(sure.halves[n.RELIABILITY].item())
    warning = "No test holds where two neurons drift together, or follow the same stimulus." if sure.is_tested else ""
    warning += " In the table, lower and upper are the ends of the interval of 95 %." if n.LOWER in sure.found else ""
    return (
        f'<p style="margin:0 0 4px;font-size:18px;font-weight:600">{escape(edges)}</p>'
        f'<p style="margin:0 0 4px;font-size:15px">{escape(halves)}</p>'
        f'<p style="margin:0;font-size:14px;color:var(--ink2)">{escape(warning)}</p>'
    )


def _table(sure: Sure, *, q: float) -> pn.widgets.Tabulator:
    """Return the edges as a table, the strongest first, which a click on a head sorts."""
    edges = sure_table(sure, q=q)
    held = [name for name in COLUMNS if name in edges.variables]
    frame = edges.reset_coords().to_dataframe()[held]
    numbers: dict[str, CellFormatter] = {
        name: NumberFormatter(format="0.000") for name in (n.EFFECT, n.LOWER, n.UPPER) if name in held
    }
    numbers |= {name: ScientificFormatter(precision=1, power_limit_low=-3) for name in (n.P_VALUE, n.Q_VALUE)}
    return pn.widgets.Tabulator(
        frame,
        titles={name: COLUMNS[name] for name in held},
        formatters=numbers,
        disabled=True,
        show_index=False,
        pagination="remote",
        page_size=ROWS,
        layout="fit_columns",
        text_align=dict.fromkeys(held, "left"),
        configuration={"responsiveLayout": "hide", "columnDefaults": {"minWidth": 76}},
        theme="simple",
        sizing_mode="stretch_width",
        name="Edges",
    )
