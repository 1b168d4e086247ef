"""The view that says how sure an estimate is: its reliability, its edges as a table, and what is not found dimmed."""

from collections.abc import Callable
from html import escape
from typing import Any, Final

import holoviews as hv
import numpy as np
import panel as pn
import xarray as xr
from bokeh.models.widgets.tables import NumberFormatter, ScientificFormatter
from numpy.typing import NDArray

import netxr
import netxr.plot
from netxr import names as n
from netxr.app.frame.live import LiveFigure
from netxr.app.frame.looks import LABEL, answer_html, message_pane
from netxr.app.frame.panes import FEW, card, entitle, figure_card, squared
from netxr.app.frame.tables import Table, table
from netxr.app.recording.compute import Sure
from netxr.app.recording.strongest import ENDS
from netxr.estimators.overlap import shared_pairs
from netxr.estimators.symmetry import symmetry
from netxr.estimators.undirected import is_undirected
from netxr.plot.matrices.found_pairs import found_pairs
from netxr.plot.matrices.side_by_side import TITLE_R
from netxr.plot.scores.agreements import entries
from netxr.plot.scores.violins import violins
from netxr.schema.variables import NUMBER_KINDS, labels_of
from netxr.significance.reliability import LIMIT

ROWS: Final = 6
"""Of the table on a page."""

EDGES, TURNED, SPREAD = "Edges", "R and its transpose", "Values of R"
"""Titles of cards."""

ROOM: Final = 0.05
"""Beside the values on an axis, as a fraction of their range."""

INTERVAL: Final = "interval"
HALVES: Final = ("first_half", "second_half")
"""Columns that the edges do not have of themselves."""

COLUMNS: Final = {
    **ENDS[True],
    n.EFFECT: "R",
    n.Q_VALUE: "q",
    INTERVAL: "95 % interval",
    n.LOWER: "lower",
    n.UPPER: "upper",
    HALVES[0]: "1st half",
    HALVES[1]: "2nd half",
    n.P_VALUE: "p",
}
"""Of the table, and what their heads say; the last ones are left out where the page is narrow."""

Choose = Callable[[Any, Any], object]
"""Called with the target and source of a row that is clicked."""


def sure_figure(sure: Sure, *, q: float, groups: Any) -> Any:
    """Draw the estimate, with the pairs that are not found dimmed."""
    p_value = sure.found[n.P_VALUE] if sure.is_tested else None
    return netxr.plot.matrix(sure.R, p_value=p_value, q=q, groups=groups, title=TITLE_R)


class SureCards:
    """The cards of how sure an estimate is: its matrix, both halves against each other, R against its transpose.

    Of an estimate that is its own transpose, its values instead. And below them its edges. `figure` is what
    `sure_figure` draws; `choose` is called with a pair that is clicked.
    """

    def __init__(self, sure: Sure, figure: Any, *, q: float, choose: Choose) -> None:
        self._kind, self._choose = _kind(sure), choose
        self._figures = {title: LiveFigure(squared, one) for title, one in _pictures(sure, figure, q=q).items()}
        self._cards = {title: figure_card(title, one.pane) for title, one in self._figures.items()}
        self.panes: list[Any] = [
            pn.Column(*self._cards.values(), css_classes=["thirds"], sizing_mode="stretch_width", margin=0)
        ]
        if sure.is_tested:
            self._frame = _frame(sure, q=q)
            self._table = _table(self._frame, ENDS[not is_undirected(sure.R)], choose=self._clicked)
            self._limits = pn.pane.HTML("", sizing_mode="stretch_width", margin=(8, 0, 0, 0))
            self._cards[EDGES] = card(EDGES, self._table, self._limits)
            self.panes.append(self._cards[EDGES])
        self._say(sure, q=q)

    def follow(self, sure: Sure, figure: Any, *, q: float) -> bool:
        """Show another estimate in the same cards, or return False if it is of other neurons or another kind."""
        if _kind(sure) != self._kind:
            return False
        for title, one in _pictures(sure, figure, q=q).items():
            self._figures[title].show(one)
        if sure.is_tested:
            self._frame = _frame(sure, q=q)
            self._table.param.update(value=self._frame, page=1)
        self._say(sure, q=q)
        return True

    def _say(self, sure: Sure, *, q: float) -> None:
        """Say in the heads of the cards what they show, and below the table what it cannot tell."""
        notes = {"Matrix R": "what is not found is pale" if sure.is_tested else "no p-values"}
        if sure.halves is not None:
            notes["Halves"] = f"correlation {sure.halves[n.HALVES].item():.2f}"
        notes[TURNED] = f"correlation {symmetry(sure.R).item():.2f}"
        notes[SPREAD] = "line: median"
        if sure.is_tested:
            notes[EDGES] = found_pairs(sure.R, sure.found[n.P_VALUE], q=q).text
            self._limits.object = _limits_html(q)
        for title, whole in self._cards.items():
            entitle(whole, title, notes.get(title, ""))

    def _clicked(self, event: Any) -> None:
        """Select the pair of a row."""
        self._choose(self._frame[n.TARGET].iloc[event.row], self._frame[n.SOURCE].iloc[event.row])


def _kind(sure: Sure) -> tuple[Any, ...]:
    """Return what cards depend on: the neurons, whether R has a direction, and what is known of it."""
    labels = [labels_of(sure.R, end).tolist() for end in (n.TARGET, n.SOURCE)]
    return *labels, is_undirected(sure.R), [*sure.found.data_vars], len(sure.of_halves), sure.halves is None


def _pictures(sure: Sure, figure: Any, *, q: float) -> dict[str, Any]:
    """Return the figures, by title."""
    drawn = {"Matrix R": figure}
    if sure.of_halves:
        first, second = sure.of_halves
        drawn["Halves"] = pairs_against(first, second, "R of the first half", "R of the second half")
    if is_undirected(sure.R):
        return drawn | {SPREAD: _spread(sure, q=q)}
    turned = sure.R.rename({n.TARGET: n.SOURCE, n.SOURCE: n.TARGET})
    return drawn | {TURNED: pairs_against(turned, sure.R, "R back", "R")}


def _spread(sure: Sure, *, q: float) -> Any:
    """Draw how the values of an estimate without direction are spread, of pairs that are found and of the others."""
    once = np.tri(len(sure.R), k=-1, dtype=bool) & np.isfinite(sure.R.values)
    if not sure.is_tested:
        return violins({"pairs": sure.R.values[once]}, ylabel="R", title="")
    found = found_pairs(sure.R, sure.found[n.P_VALUE], q=q).found
    each = {"not found": once & ~found, "found": once & found}
    return violins({name: sure.R.values[which] for name, which in each.items()}, ylabel="R", title="")


def pairs_against(first: xr.DataArray, second: xr.DataArray, xlabel: str, ylabel: str) -> Any:
    """Draw one estimate against another, pair by pair."""
    pairs = shared_pairs(first, second, diagonal=False, arguments=("first", "second"))
    figure = entries(pairs).opts(xlabel=xlabel, ylabel=ylabel, xticks=FEW, backend="bokeh")
    if isinstance(figure, hv.Points):
        figure.opts(xlim=_ends(pairs.truth), ylim=_ends(pairs.estimate), backend="bokeh")
    return figure


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of an axis, with room beside the values."""
    low, high = float(values.min()), float(values.max())
    room = ROOM * (high - low) or 1.0
    return low - room, high + room


def sure_notes(sure: Sure) -> list[Any]:
    """Return a warning where neurons change so slowly that their p-values are too low."""
    if not sure.n_slow:
        return []
    text = (
        f"{sure.n_slow:,} of {sure.R.sizes[n.TARGET]:,} neurons change so slowly that their p-values are too low: "
        "take what is slow off first, in step 2, Clean."
    )
    warning = message_pane(text, kind="warning")
    warning.styles |= {"max-width": "calc(100% - var(--beside, 0px))"}  # what is taken from the view stands there
    return [warning]


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


def sure_html(sure: Sure, *, q: float) -> str:
    """Return how many edges there are, and how reliable the estimate is, in HTML."""
    if sure.is_tested:
        edges = f"{found_pairs(sure.R, sure.found[n.P_VALUE], q=q).text}."
    else:
        edges = "This estimator has no p-values; lagged correlation, regression and Granger causality have some."
    if sure.halves is None:
        halves = "How reliable it is cannot be said, since single samples are left out."
    else:
        halves = reliability_text(sure.halves[n.RELIABILITY].item())
    return answer_html(edges, halves)


def _limits_html(q: float) -> str:
    """Return what stands below the table: what it cannot tell, as HTML."""
    text = (
        f"Of these, {100 * q:g} % at most are expected not to correlate, or of a regression to have no effect. "
        "No test holds where two neurons drift together, or follow the same stimulus."
    )
    return f'<p style="margin:0;{LABEL}">{escape(text)}</p>'


def interval_html(lower: float, upper: float, *, scale: float) -> str:
    """Return an interval as a bar: pale from zero to its near end, full between its ends, and zero marked.

    Examples
    --------
    >>> interval_html(0.1, 0.2, scale=0.2).count("width:25.0%")
    2
    """
    near = lower if lower > 0 else min(upper, 0.0)
    colour = "var(--positive)" if lower + upper >= 0 else "var(--negative)"

    def part(start: float, end: float, look: str) -> str:
        """Return a part of the bar."""
        left, width = 50 + 50 * min(start, end) / scale, 50 * abs(end - start) / scale
        place = f"left:{left:.1f}%;width:{width:.1f}%"
        return f'<i style="position:absolute;top:4px;height:8px;background:{colour};{place};{look}"></i>'

    zero = '<i style="position:absolute;left:50%;top:0;width:1px;height:16px;background:var(--control)"></i>'
    bar = part(0.0, near, "opacity:.4") + part(lower, upper, "") + zero
    return f'<div style="position:relative;height:16px">{bar}</div>'


def _table(frame: Any, ends: dict[str, str], *, choose: Callable[[Any], object]) -> Table:
    """Return the edges as a table, the strongest first, which a click on a head sorts, and on a row selects.

    `ends` are the heads of both ends of an edge; `choose` is called with the event of a click.
    """
    heads = COLUMNS | ends
    numbers: dict[str, Any] = {
        name: NumberFormatter(format="0.000") for name in (n.EFFECT, n.LOWER, n.UPPER, *HALVES) if name in frame
    }
    numbers |= {name: ScientificFormatter(precision=2, power_limit_low=-1) for name in (n.P_VALUE, n.Q_VALUE)}
    shown = table(
        frame,
        titles={name: heads[name] for name in frame},
        formatters=numbers | {INTERVAL: {"type": "html"}},
        header_filters={name: _filter_of(frame[name], heads[name]) for name in (n.SOURCE, n.TARGET)},
        pagination="remote",
        page_size=ROWS,
        text_align=dict.fromkeys(frame, "left"),
        widths={INTERVAL: 128},  # of its head
        configuration={"responsiveLayout": "hide", "columnDefaults": {"minWidth": 76}},
        name=EDGES,
    )
    shown.on_click(choose)
    return shown


def _filter_of(labels: Any, head: str) -> dict[str, str]:
    """Return how a column of labels is filtered: by a number where they are numbers, else by a part of their text."""
    how = {"type": "number", "func": "="} if labels.dtype.kind in NUMBER_KINDS else {"type": "input", "func": "like"}
    return how | {"placeholder": f"{head} ..."}


def _frame(sure: Sure, *, q: float) -> Any:
    """Return the edges with their intervals as bars, and what each half has."""
    edges = sure_table(sure, q=q)
    if is_undirected(sure.R):
        edges = edges.isel({"edge": _first_of_two(sure.R, edges)})
    ends = {end: edges[end] for end in (n.TARGET, n.SOURCE)}
    for name, half in zip(HALVES, sure.of_halves, strict=False):
        edges[name] = ("edge", half.sel(ends).values)
    if n.LOWER in edges:
        limits = list(zip(edges[n.LOWER].values.tolist(), edges[n.UPPER].values.tolist(), strict=True))
        scale = max((abs(end) for both in limits for end in both), default=1.0)
        edges[INTERVAL] = ("edge", [interval_html(*both, scale=scale) for both in limits])
    held = [name for name in COLUMNS if name in edges.variables]
    return edges.reset_coords().to_dataframe()[held]


def _first_of_two(R: xr.DataArray, edges: xr.Dataset) -> Any:
    """Return which edges of an estimate without direction are listed: of both ways of a pair, the one that is first."""
    places = {label: place for place, label in enumerate(labels_of(R, n.SOURCE).tolist())}
    ends = zip(edges[n.SOURCE].values.tolist(), edges[n.TARGET].values.tolist(), strict=True)
    return [places[source] < places[target] for source, target in ends]
