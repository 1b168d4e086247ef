"""All figures of a run on one page: activity, connectivity, and how the estimate agrees with the truth."""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr

from netxr import names as n
from netxr.blocks.schedulers import computed
from netxr.errors import InvalidInput
from netxr.estimators.table import drawn_estimate
from netxr.plot.activity.raster import raster
from netxr.plot.activity.traces import traces
from netxr.plot.grouping import groups_of
from netxr.plot.matrices.graphs import network
from netxr.plot.matrices.heatmaps import matrix
from netxr.plot.matrices.node_positions import field_of
from netxr.plot.matrices.side_by_side import TITLE_A, TITLE_R, compare, room_for
from netxr.plot.scores.agreements import agreement
from netxr.plot.scores.lag_curves import lags
from netxr.plot.style import FRAME, laid_out, title_over, with_options
from netxr.schema.clock import activity_of
from netxr.schema.variables import labels_of

MOST_NODES: Final = 100
"""Most neurons of which a graph is drawn: with more, arrows cover each other."""

FRAMES: Final = {"traces": 350, "raster": 370, "lags": 230}
"""Widths of frames in bokeh pixels, reduced so that two panels fit on a page of 1,000 pixels."""

N_STEPS: Final = 1000
"""Samples of traces; the raster shows all samples."""


def dashboard(run: xr.Dataset) -> hv.Layout:
    """Draw all that a run has: its activity, its true and estimated connectivity, and how well they agree.

    Drawn are: traces of 20 neurons over a thousand samples, and a raster of all neurons and samples; the matrices A and
    R, and their graphs for up to 100 neurons (of R, the positive weights); how R agrees with A, without the diagonal;
    and R over lag for the strongest pairs, if there are several lags. What the run does not have is left out, and
    nothing is estimated: add an estimate with ``run.assign(lagged_correlation=netxr.lagged_correlation(run.activity,
    lags=[0, 1, 2]))``. Of several trials the first is drawn, and of several lags lag 1 if it is there; the title says
    so. Of several estimates the first in `netxr.methods` is drawn. Activity is read as in `traces` and `raster`;
    matrices are loaded.

    Parameters
    ----------
    run : Dataset
        As `netxr.open` or `netxr.simulate` returns it, with `activity`, `connectivity` or an estimate. A coordinate
        `group` on `neuron` orders the neurons in all figures.

    Returns
    -------
    holoviews.Layout
        Two panels in a row.

    Raises
    ------
    InvalidInput
        If `run` is no Dataset, or has nothing to draw.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(6, seed=1), n_steps=100, seed=1)
    >>> len(dashboard(run))  # traces, raster, A and its graph
    4
    """
    available = available_in(run)
    figures = figures_of(available)
    for name, width in FRAMES.items():
        if name in figures:
            figures[name] = with_options(figures[name], bokeh={"frame_width": width, "frame_height": FRAME})
    rows = [figure for figure in figures.values() if isinstance(figure, hv.Layout)]
    panels = [one for figure in figures.values() for one in (figure if isinstance(figure, hv.Layout) else [figure])]
    titles = filter(None, (available.note, *map(title_over, rows)))
    room = _room(available)
    size = (12, (4.6 + room) * -(-len(panels) // 2))
    return laid_out(hv.Layout(panels), title="\n".join(titles), fig_inches=size, hspace=0.4, vspace=0.35 + room / 4)


class Available(NamedTuple):
    """What a run has to draw: one trial, matrices in memory."""

    activity: xr.DataArray | None
    """(neuron, time), as lazy as it came."""
    A: xr.DataArray | None
    R: xr.DataArray | None
    """(target, source)"""
    lagged: xr.DataArray | None
    """(lag, target, source), if there are several lags."""
    score: xr.DataArray | None
    """Correlation of A and R."""
    groups: xr.DataArray | None
    """(neuron,)"""
    field: xr.Dataset | None
    """Where the neurons lie, if the run says so."""
    note: str
    """Which trial and which lag it is, if there are several."""


def _room(available: Available) -> float:
    """Return how many more inches long names under a matrix need."""
    if available.groups is not None:
        return room_for(available.groups.values)
    return room_for(*(labels_of(one, n.SOURCE) for one in (available.A, available.R) if one is not None))


def available_in(run: xr.Dataset) -> Available:
    """Return what a run has to draw, with the first estimate that it has.

    Raises InvalidInput if it is no Dataset, or there is nothing.
    """
    if not isinstance(run, xr.Dataset):
        raise InvalidInput("run", got=type(run).__name__, expected="a Dataset, as netxr.open returns it")
    estimate = drawn_estimate(run)
    if estimate is None and not {n.ACTIVITY, n.CONNECTIVITY} & set(run.data_vars):
        known = ", ".join(map(str, run.data_vars)) or "no variable"
        raise InvalidInput(
            "run",
            got=f"a Dataset with {known}",
            expected=f"one with {n.ACTIVITY}, {n.CONNECTIVITY} or an estimate",
            fix="Draw the scores of a sweep with score_curve.",
        )
    lag, first = _drawn_lag(run), {n.TRIAL: 0} if n.TRIAL in run.dims else {}
    one = run.isel(first)
    lagged = None if estimate is None else _loaded(one, estimate)
    several = lagged is not None and lagged.sizes.get(n.LAG, 1) > 1
    notes = [
        f"trial {labels_of(run, n.TRIAL)[0]}, the first of {run.sizes[n.TRIAL]}"
        if run.sizes.get(n.TRIAL, 1) > 1
        else ""
    ]
    notes += [f"R at lag {labels_of(run, n.LAG)[lag]}" if several else ""]
    return Available(
        activity=activity_of(one) if n.ACTIVITY in one else None,
        A=one[n.CONNECTIVITY].compute() if n.CONNECTIVITY in one else None,
        R=None if lagged is None else _at(lagged, lag),
        lagged=lagged if several else None,
        score=_at(_of_estimator(one[n.PEARSON].compute(), estimate), lag) if n.PEARSON in one else None,
        groups=groups_of(one),
        field=field_of(one),
        note=", ".join(filter(None, notes)),
    )


def drawn(run: xr.Dataset, estimate: str) -> xr.DataArray:
    """Return R of all trials in memory, at the lag that is drawn."""
    return _at(_loaded(run, estimate), _drawn_lag(run))


def _loaded(run: xr.Dataset, estimate: str) -> xr.DataArray:
    """Return R in memory: the first of several estimators, a single source as a column."""
    R: xr.DataArray = computed(run[estimate].isel({n.ESTIMATOR: 0}, missing_dims="ignore"))[0]
    return R if n.SOURCE in R.dims else R.expand_dims(n.SOURCE)


def _drawn_lag(run: xr.Dataset) -> int:
    """Return the position of the lag that is drawn: lag 1, else the first other than 0."""
    return place_of_lag(labels_of(run, n.LAG).tolist() if n.LAG in run.dims else [1])


def place_of_lag(lags: Sequence[int], *, asked: int | None = None) -> int:
    """Return the position of the lag that is asked for and there, else of lag 1, else of the first other than 0.

    Examples
    --------
    >>> place_of_lag([0, 1, 2]), place_of_lag([0, 2]), place_of_lag([0, 1, 2], asked=0)
    (1, 1, 0)
    """
    wanted = next((lag for lag in (asked, 1) if lag in lags), None)
    return lags.index(wanted) if wanted is not None else next((k for k, lag in enumerate(lags) if lag), 0)


def _of_estimator(score: xr.DataArray, estimate: str | None) -> xr.DataArray:
    """Return the score of the estimate that is drawn, where several are scored."""
    return score.sel({n.ESTIMATOR: estimate}) if n.ESTIMATOR in score.dims else score


def _at(values: xr.DataArray, lag: int) -> xr.DataArray:
    """Return the values at one lag."""
    return values.isel({n.LAG: lag}) if n.LAG in values.dims else values


def figures_of(available: Available) -> dict[str, Any]:
    """Return the figures by name, in their order on a page."""
    activity, A, R, groups = available.activity, available.A, available.R, available.groups
    figures: dict[str, Any] = {}
    if activity is not None:
        figures |= {"traces": traces(activity, n_steps=N_STEPS), "raster": raster(activity)}
    if A is not None and R is not None:
        figures["compare"] = compare(A, R, score=available.score, groups=groups)
    elif A is not None:
        figures["matrix"] = matrix(A, groups=groups, title=TITLE_A)
    elif R is not None:
        figures["matrix"] = matrix(R, groups=groups, title=TITLE_R)
    graphs = [
        network(one, groups=groups, positions=available.field, sign=_signs(one, is_truth=one is A), title=title)
        for one, title in ((A, "True connectivity A"), (R, "Estimated connectivity R"))
        if one is not None and one.sizes[n.TARGET] <= MOST_NODES and _is_square(one)
    ]
    if graphs:
        figures["network"] = laid_out(hv.Layout(graphs), title="") if len(graphs) > 1 else graphs[0]
    if A is not None and R is not None and _is_square(A) and _shared(A, R):
        figures["agreement"] = agreement(A, R, diagonal=False)
    if available.lagged is not None and _n_neurons(available.lagged) > 1:
        figures["lags"] = lags(available.lagged)
    return figures


def _signs(weights: xr.DataArray, *, is_truth: bool) -> Literal["positive", "both"]:
    """Return which edges are drawn: of an estimate, in which half are negative by chance, the positive ones."""
    return "both" if is_truth and (weights < 0).any() else "positive"


def _is_square(weights: xr.DataArray) -> bool:
    """Return whether every neuron of a matrix is both a target and a source."""
    return np.array_equal(labels_of(weights, n.TARGET), labels_of(weights, n.SOURCE))


def _shared(A: xr.DataArray, R: xr.DataArray) -> bool:
    """Return whether the two have pairs of neurons in common."""
    return all(set(labels_of(A, dim).tolist()) & set(labels_of(R, dim).tolist()) for dim in (n.TARGET, n.SOURCE))


def _n_neurons(R: xr.DataArray) -> int:
    """Return how many neurons are a target or a source."""
    return len({label for dim in (n.TARGET, n.SOURCE) for label in labels_of(R, dim).tolist()})
