"""The views of a recording: panes of the page, a figure for paper, a table, and the Python that makes them."""

from typing import Any, Final

import holoviews as hv
import xarray as xr

import netxr
import netxr.plot
from netxr import names as n
from netxr.app.frame.downloads import NothingShown
from netxr.app.frame.lag_times import in_time
from netxr.app.frame.panes import (
    FEW,
    FIRST_ROW,
    SECOND_ROW,
    curves_card,
    figure_card,
    stretched,
    untitled,
)
from netxr.app.recording.bad_frames import bad_spans, shaded, spans_text
from netxr.app.recording.compute import lag_shown
from netxr.app.recording.marked_pairs import pairs_named
from netxr.app.recording.python_lines import estimating_lines, preparing_lines, sure_lines, windows_lines
from netxr.app.recording.shown import (
    ACTIVITY_VIEW,
    AGREEMENT_VIEW,
    BESIDE_VIEW,
    CLEAN_VIEW,
    ESTIMATE_VIEW,
    LAGS_VIEW,
    SEEN,
    SURE_VIEW,
    WINDOWS_VIEW,
    Shown,
)
from netxr.app.recording.sure_view import sure_data, sure_figure, sure_table
from netxr.app.recording.truth_cards import agreement_cards, beside_cards
from netxr.app.recording.windows_view import windows_figure, windows_panes, windows_table
from netxr.errors import InvalidInput
from netxr.plot.matrices.node_positions import field_of
from netxr.schema.variables import labels_of

ASIDE: Final = "The tab Compare shows two estimates side by side."

SEEN_CARDS: Final = {"Traces": FIRST_ROW, "Raster": SECOND_ROW}
"""Heights of the figures of the activity, in pixels."""

SAME_TIME: Final = {"backend_opts": {"plot.min_border_left": 54, "plot.min_border_right": 100}}
"""Room beside traces as beside the raster below them, which has a colour bar: one time is at one place."""

HALF: Final = (FIRST_ROW + SECOND_ROW) // 2
"""Height of two figures that are as large as each other."""

MOST_BEFORE: Final = 5
"""Traces that are drawn before and after cleaning."""


def figure_of(shown: Shown) -> Any:
    """Return the figure of a view."""
    draw = {
        ACTIVITY_VIEW: _activity_figure,
        CLEAN_VIEW: _clean_figure,
        ESTIMATE_VIEW: _estimate_figure,
        BESIDE_VIEW: _beside_figure,
        AGREEMENT_VIEW: _agreement_figure,
        LAGS_VIEW: _lags_figure,
        SURE_VIEW: _sure_figure,
        WINDOWS_VIEW: _windows_figure,
    }
    return draw[shown.view](shown)


def _activity_figure(shown: Shown) -> Any:
    """Draw traces, and a raster below them."""
    both = (netxr.plot.traces(shown.excerpt) + netxr.plot.raster(shown.excerpt)).cols(1)
    return both.opts(fig_inches=(9, 10), vspace=0.35, sublabel_format="", backend="matplotlib")


def _clean_figure(shown: Shown) -> Any:
    """Draw some traces as they were recorded, and below them what cleaning made of them."""
    if shown.before is None:
        raise NothingShown
    some = labels_of(shown.excerpt, n.NEURON)[:MOST_BEFORE].tolist()
    both = [netxr.plot.traces(one, neurons=some) for one in (shown.before, shown.excerpt)]
    return hv.Layout(shaded(both, bad_spans(shown.before))).cols(1)


def matrix_and_network(shown: Shown) -> hv.Layout:
    """Draw an estimate at one lag."""
    R, groups = shown.matrices.R, shown.excerpt.coords.get(n.GROUP)
    network = netxr.plot.network(R, sign="both", groups=groups, positions=field_of(shown.excerpt))
    return netxr.plot.matrix(R, groups=groups) + network


def _estimate_figure(shown: Shown) -> Any:
    """Draw the matrix, the network, and the strongest pair over lag."""
    both, pair = matrix_and_network(shown), shown.pair
    return both if pair is None or shown.over_lags is None else both + netxr.plot.lags(shown.over_lags, pairs=[pair])


def _beside_figure(shown: Shown) -> Any:
    """Draw R beside A."""
    found, groups = shown.matrices, shown.excerpt.coords.get(n.GROUP)
    if found.A is None:
        raise InvalidInput("view", got="a recording without its true connectivity", expected="one with it", fix=ASIDE)
    if shown.is_linked:
        return netxr.plot.linked(found.A, found.R, activity=shown.excerpt, selection=shown.selection)
    score = None if found.scores is None else found.scores[n.PEARSON]
    return netxr.plot.compare(found.A, found.R, score=score, groups=groups)


def _agreement_figure(shown: Shown) -> Any:
    """Draw R against A."""
    found = shown.matrices
    if found.A is None:
        raise InvalidInput(
            "view",
            got="a recording without its true connectivity",
            expected="one to compare the estimate with",
            fix=ASIDE,
        )
    return netxr.plot.agreement(found.A, found.R, diagonal=shown.choice.diagonal)


def _lags_figure(shown: Shown) -> Any:
    """Draw R over lag."""
    if shown.found is None or n.LAG not in shown.found.R.dims:
        raise InvalidInput("lags", got=shown.choice.lags, expected="several lags", fix='Ask for "0-10", for example.')
    return netxr.plot.lags(shown.found.R)


def in_its_unit(shown: Shown) -> Any:
    """Draw R over lag in the unit in which the page shows lags."""
    if shown.over_lags is None:
        raise NothingShown
    timed, label = in_time(shown.over_lags, shown.interval)
    return netxr.plot.lags(timed).opts(xlabel=label, xticks=FEW, backend="bokeh")


def _sure_figure(shown: Shown) -> Any:
    """Draw R with what is not found dimmed."""
    if shown.sure is None:
        raise NothingShown
    return sure_figure(shown.sure, q=shown.q, groups=shown.excerpt.coords.get(n.GROUP))


def _windows_figure(shown: Shown) -> Any:
    """Draw R over the windows of the recording."""
    if shown.windows is None:
        raise NothingShown
    return windows_figure(shown.windows, pairs=shown.pairs)


def drawn_on_page(shown: Shown) -> list[Any]:
    """Return the panes of a view; the cards of an estimate are `PairCards`, and those of how sure it is `SureCards`."""
    figure = figure_of(shown)
    if shown.view == ACTIVITY_VIEW:
        return [
            figure_card(title, stretched(one.opts(**SAME_TIME, backend="bokeh"), height=height, basis=None), note=about)
            for (title, height), (one, about) in zip(SEEN_CARDS.items(), map(untitled, figure), strict=True)
        ]
    if shown.view == CLEAN_VIEW:
        said = ", ".join(shown.choice.cleaning) or "nothing is done yet: the two are the same"
        spans = [] if shown.before is None else bad_spans(shown.before)
        notes = ("; ".join(filter(None, ("as recorded", spans_text(spans)))), said)
        return [
            figure_card(title, stretched(one, height=HALF, basis=None), note=about)
            for title, one, about in zip(("Before", "After"), figure, notes, strict=True)
        ]
    if shown.view == LAGS_VIEW:
        return [curves_card("Over lags", in_its_unit(shown))]
    if shown.windows is not None:
        return windows_panes(shown.windows, figure)
    found = shown.matrices
    if found.A is None:
        raise NothingShown
    return (beside_cards if shown.view == BESIDE_VIEW else agreement_cards)(figure, found.A, found.R)


def table_of(shown: Shown) -> xr.Dataset:
    """Return the numbers of a view, in memory."""
    if shown.view in SEEN:
        return shown.excerpt.to_dataset(name=n.ACTIVITY)
    if shown.sure is not None:
        return sure_table(shown.sure, q=shown.q)
    if shown.windows is not None:
        return windows_table(shown.windows)
    if shown.found is None:
        raise NothingShown
    R = {shown.choice.method: shown.found.R}
    return xr.Dataset(R if shown.found.A is None else R | {n.CONNECTIVITY: shown.found.A})


def taken_along(shown: Shown) -> xr.Dataset:
    """Return the data of a view as a store holds them: the excerpt, or the estimate with truth and scores."""
    if shown.sure is not None:
        return sure_data(shown.sure).assign_attrs(shown.run.attrs)
    table = table_of(shown)
    scores = None if shown.found is None else shown.found.scores
    kept = table if scores is None else table.assign(scores.data_vars)
    return kept.assign_attrs(shown.run.attrs)


def lines_of(shown: Shown) -> str:
    """Return the lines of Python that make a view."""
    prepare, one = preparing_lines(shown.path, shown.run, shown.choice), _one_trial(shown)
    start, length = shown.part
    part = f"start={start}, n_steps={length}"
    if shown.view == ACTIVITY_VIEW:
        return "\n".join([*prepare, f"(netxr.plot.traces({one}, {part}) + netxr.plot.raster({one}, {part})).cols(1)"])
    if shown.view == CLEAN_VIEW:
        before = preparing_lines(shown.path, shown.run, shown.choice.as_recorded)
        part = f"{part}, neurons={labels_of(shown.excerpt, n.NEURON)[:MOST_BEFORE].tolist()}"
        both = f"(netxr.plot.traces({one.replace('activity', 'before')}, {part}) + netxr.plot.traces({one}, {part}))"
        return "\n".join([*before, "before = activity", *prepare[3:], f"{both}.cols(1)"])
    if shown.sure is not None or shown.windows is not None:
        return "\n".join([*prepare, *_judging_lines(shown)])
    estimate = estimating_lines(shown.run, shown.choice, stored=shown.stored)
    if shown.view == LAGS_VIEW:
        return "\n".join([*prepare, *estimate, "netxr.plot.lags(R)"])
    return "\n".join([*prepare, *estimate, *_drawing_lines(shown)])


def _drawing_lines(shown: Shown) -> list[str]:
    """Return the lines of Python that draw an estimate at one lag."""
    found, groups = shown.matrices, ", groups=activity.group" if n.GROUP in shown.excerpt.coords else ""
    several = shown.over_lags is not None
    lines = [f"R = R.sel(lag={found.R[n.LAG].item()})"] if several else []
    if shown.view == ESTIMATE_VIEW:
        places = "" if field_of(shown.excerpt) is None else ", positions=activity"
        both = f'netxr.plot.matrix(R{groups}) + netxr.plot.network(R, sign="both"{groups}{places})'
        curve = [f"curve = netxr.plot.lags(R, pairs=[{shown.pair}])"] if several else []
        return [*curve, *lines, f"{both} + curve" if several else both]
    if shown.view == AGREEMENT_VIEW:
        return [*lines, f"netxr.plot.agreement(A, R, diagonal={shown.choice.diagonal})"]
    if shown.is_linked:
        chosen = {name: labels for name, labels in shown.selection.contents.items() if labels}
        marks = ", ".join(f"{name}={labels}" for name, labels in chosen.items())
        selection = f", selection=netxr.plot.Selection({marks})" if marks else ""
        return [*lines, f"netxr.plot.linked(A, R, activity={_one_trial(shown)}{selection})"]
    at = f".sel(lag={found.R[n.LAG].item()})" if several and n.LAG in shown.found.scores.pearson.dims else ""  # type: ignore[union-attr]
    return [*lines, f"netxr.plot.compare(A, R, score=scores.pearson{at}{groups})"]


def _judging_lines(shown: Shown) -> list[str]:
    """Return the lines of Python that say how sure an estimate is, or how it changes over time."""
    at = lag_shown(shown.choice, shown.lag)
    if shown.windows is None:
        groups = ", groups=activity.group" if n.GROUP in shown.excerpt.coords else ""
        return sure_lines(shown.run, shown.choice, lag=at, q=shown.q, groups=groups)
    pairs = pairs_named(labels_of(shown.windows, n.TARGET), shown.pairs)
    return windows_lines(shown.run, shown.choice, lag=at, n_windows=shown.windows.sizes[n.BLOCK], pairs=pairs)


def _one_trial(shown: Shown) -> str:
    """Return the Python of one trial of the chosen activity."""
    return "activity.isel(trial=0)" if "trial" in shown.run[n.ACTIVITY].dims else "activity"
