"""The views of a recording: panes of the page, a figure for paper, a table, and the Python that makes them."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import holoviews as hv
import panel as pn
import xarray as xr

import netxr
import netxr.plot
from netxr import names as n
from netxr.app.frame.downloads import NothingShown
from netxr.app.frame.looks import answer_html, message_pane, scores_html
from netxr.app.frame.panes import TOOLS, card, note, panels, stretched
from netxr.app.recording.cards import strongest_of
from netxr.app.recording.choice import NEURONS, Choice, is_lagged, lags_of
from netxr.app.recording.compute import Scored, Sure, at_lag, lag_shown
from netxr.app.recording.marked_pairs import marked, pairs_named
from netxr.app.recording.python_lines import estimating_lines, preparing_lines, sure_lines, windows_lines
from netxr.app.recording.sure_view import sure_data, sure_figure, sure_panes, sure_table
from netxr.app.recording.windows_view import windows_figure, windows_panes, windows_table
from netxr.errors import InvalidInput
from netxr.estimators.signs import sign_text
from netxr.estimators.symmetry import direction_text, symmetry
from netxr.estimators.table import estimator
from netxr.plot import Selection
from netxr.plot.panels.dashboards import place_of_lag
from netxr.schema.variables import labels_of

ACTIVITY_VIEW, CLEAN_VIEW, ESTIMATE_VIEW, BESIDE_VIEW = "activity", "clean", "estimate", "beside"
AGREEMENT_VIEW, LAGS_VIEW, SURE_VIEW, WINDOWS_VIEW = "agreement", "lags", "sure", "windows"
VIEWS: Final = {
    "Activity": ACTIVITY_VIEW,
    "Before and after": CLEAN_VIEW,
    "Estimate": ESTIMATE_VIEW,
    "Beside the truth": BESIDE_VIEW,
    "Agreement with the truth": AGREEMENT_VIEW,
    "Over lags": LAGS_VIEW,
    "How sure": SURE_VIEW,
    "Over time": WINDOWS_VIEW,
}

MOST_LINKED: Final = 1000
"""Most neurons for which a choice in one figure is marked in all."""

ASIDE: Final = "The tab Compare shows two estimates side by side."

SEEN: Final = (ACTIVITY_VIEW, CLEAN_VIEW)
"""Views of the activity, for which nothing is estimated."""

CURE: Final = "Take what is slow off the activity first: see Clean beside it. Or take deconvolved signals."
"""What to do about an estimate that tells no direction."""

SAME: Final = 0.9
"""Of R and its transpose: from where on it is a warning that R tells no direction."""

TRACE: Final = 24
"""Height of a trace in pixels."""

MOST_BEFORE: Final = 5
"""Traces that are drawn before and after cleaning."""


UNKNOWN: Final = "There is no truth to compare it with: step 4 says which pairs to rely on, and how far."
"""Said of an estimate whose connectivity is not known."""


class Shown(NamedTuple):
    """What is shown of a recording.

    Parameters
    ----------
    path : Path
        Of its store.
    run : Dataset
        The recording, opened lazily.
    choice : Choice
        What is estimated.
    view : str
        Of `VIEWS`.
    lag : int or None
        Which lag, if there are several.
    part : (int, int)
        First sample of the excerpt, and its length.
    excerpt : DataArray
        Activity in memory, (neuron, time).
    found : Scored or None
        The estimate, if the view shows one.
    stored : bool
        Whether the estimate was in the store.
    selection : Selection
        What is marked.
    q : float
        False discovery rate.
    pairs : str
        Which pairs are drawn over windows; the strongest, if empty.
    marked : str
        Which pair is selected.
    sure : Sure or None
        How sure the estimate is, if the view shows it.
    windows : Dataset or None
        The estimate over (block, target, source), if the view shows it.
    foretold : str
        How well estimators would find a network like this one, if that is known.
    before : DataArray or None
        The excerpt as it was recorded, if the view shows what cleaning does.
    """

    path: Path
    run: xr.Dataset
    choice: Choice
    view: str
    lag: int | None
    part: tuple[int, int]
    excerpt: xr.DataArray
    found: Scored | None
    stored: bool
    selection: Selection
    q: float = 0.05
    pairs: str = ""
    marked: str = ""
    sure: Sure | None = None
    windows: xr.Dataset | None = None
    foretold: str = ""
    before: xr.DataArray | None = None

    @property
    def text(self) -> str:
        """What is shown, in words."""
        start, length = self.part[0], self.excerpt.sizes[n.TIME]
        what = (
            f"samples {start:,} to {start + length - 1:,}"
            if self.view in SEEN
            else f"{estimator(self.choice.method).long_name}{f', lags {self.choice.lags}' * is_lagged(self.choice)}"
        )
        return f"{self.path.name}, {self.choice.text}, {what}"

    @property
    def lags(self) -> list[int]:
        """Lags of which one is shown; none where there is no choice."""
        if self.view in (SURE_VIEW, WINDOWS_VIEW):
            lags = lags_of(self.choice.lags) if is_lagged(self.choice) else []
            return lags if len(lags) > 1 else []
        if self.found is None or n.LAG not in self.found.R.dims or self.view == LAGS_VIEW:
            return []
        held: list[int] = self.found.R[n.LAG].values.tolist()
        return held

    @property
    def lag_shown(self) -> int:
        """The one that is."""
        return self.lags[place_of_lag(self.lags, asked=self.lag)]

    @property
    def matrices(self) -> Scored:
        """The estimate at the lag that is shown."""
        if self.found is None:
            raise NothingShown
        return at_lag(self.found, self.lag)

    @property
    def over_lags(self) -> xr.DataArray | None:
        """The estimate at several lags, if there are several."""
        return None if self.found is None or n.LAG not in self.found.R.dims else self.found.R

    @property
    def pair(self) -> tuple[Any, Any] | None:
        """Target and source of the pair that is marked; the strongest, if none is."""
        labels = labels_of(self.matrices.R, n.TARGET)
        named = marked(labels, self.marked)
        if named["targets"] and named["sources"]:
            return named["targets"][0], named["sources"][0]
        strongest = strongest_of(self.matrices.R, most=1)
        return None if strongest.empty else (strongest[n.TARGET].item(), strongest[n.SOURCE].item())

    @property
    def is_linked(self) -> bool:
        """Whether a choice in one figure of the view is marked in all."""
        if self.view != BESIDE_VIEW or self.found is None:
            return False
        return self.found.A is not None and self.found.R.sizes[n.TARGET] <= MOST_LINKED


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
    return (netxr.plot.traces(shown.before, neurons=some) + netxr.plot.traces(shown.excerpt, neurons=some)).cols(1)


def _estimate_figure(shown: Shown) -> Any:
    """Draw the matrix, the network, and the strongest pair over lag."""
    R, groups = shown.matrices.R, shown.excerpt.coords.get(n.GROUP)
    parts = netxr.plot.matrix(R, groups=groups) + netxr.plot.network(R, sign="both", groups=groups)
    pair = shown.pair
    return parts if pair is None or shown.over_lags is None else parts + netxr.plot.lags(shown.over_lags, pairs=[pair])


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
    """Return the panes of a view; the cards of an estimate are `PairCards`."""
    figure = figure_of(shown)
    words = words_of(shown)
    if shown.view == ACTIVITY_VIEW:
        traces, raster = figure
        n_traces = min(20, len(shown.excerpt))
        part = f"{shown.text.rpartition(', ')[2]}"
        return [
            card("Traces", stretched(traces, height=90 + TRACE * n_traces), note=part),
            card("Raster", stretched(raster, height=320), note=f"{len(shown.excerpt):,} neurons"),
        ]
    if shown.view == CLEAN_VIEW:
        said = ", ".join(shown.choice.cleaning) or "nothing is done yet: the two are the same"
        notes = ("as recorded", said)
        return [
            card(title, stretched(one, height=90 + 2 * TRACE * MOST_BEFORE), note=about)
            for title, one, about in zip(("Before", "After"), figure, notes, strict=True)
        ]
    if shown.view == LAGS_VIEW:
        return [card("Over lags", stretched(figure, height=380))]
    if shown.sure is not None:
        return sure_panes(shown.sure, figure, q=shown.q)
    if shown.windows is not None:
        return windows_panes(shown.windows, figure)
    if shown.is_linked:
        *linked, traces = figure
        wide = stretched(traces, height=90 + TRACE * min(20, len(shown.excerpt)))
        return [*words, panels(hv.Layout(linked)), wide]
    return [*words, panels(figure, **TOOLS)]


def words_of(shown: Shown) -> list[Any]:
    """Return what is said over an estimate: how it agrees with the truth, and whether it tells direction."""
    if shown.view not in (ESTIMATE_VIEW, BESIDE_VIEW, AGREEMENT_VIEW):
        return []
    words, (R, A, scores) = [], shown.matrices
    if A is not None and scores is not None:
        words.append(pn.pane.HTML(scores_html(scores, signs=sign_text(A, R)), sizing_mode="stretch_width", margin=0))
    elif shown.view == ESTIMATE_VIEW:
        size = f"{R.sizes[n.TARGET]:,} {NEURONS if shown.choice.level == NEURONS else 'groups'}"
        what = f"{size}, {shown.run.sizes[n.TIME]:,} samples: {estimator(shown.choice.method).long_name}."
        words.append(pn.pane.HTML(answer_html(what, UNKNOWN), sizing_mode="stretch_width", margin=0))
    if shown.view != AGREEMENT_VIEW and estimator(shown.choice.method).directed:
        alike = symmetry(R)
        kind = "warning" if alike.item() > SAME else "note"
        words += [message_pane(said, kind=kind)] if (said := direction_text(alike, cure=CURE)) else []
    return [*words, note(shown.foretold)] if shown.view == ESTIMATE_VIEW and shown.foretold else words


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
        both = f'netxr.plot.matrix(R{groups}) + netxr.plot.network(R, sign="both"{groups})'
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
