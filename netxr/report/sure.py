"""How sure an estimate is, on the page of a run: its reliability, and the edges that a test finds."""

import math
from collections.abc import Iterator
from typing import Any, Final

import xarray as xr

import netxr
from netxr import names as n
from netxr.errors import NetxrError
from netxr.report import page
from netxr.schema.clock import activity_of
from netxr.schema.words import number
from netxr.significance.reliability import BLOCKS
from netxr.significance.tested import tested

MOST_EDGES: Final = 20
"""Edges that are listed."""

RELIABILITY: Final = (
    "How alike the estimates of two halves of the samples are, for as many samples as there are: 1 where no noise is "
    "left. Its root is the most that this estimate can correlate with any truth. It does not tell bias, which is the "
    "same in both halves."
)
EDGES: Final = (
    "Of the edges, one in twenty at most is expected not to correlate (of a regression: to have no effect). A pair "
    "that correlates need not be connected. Where neurons drift, or follow the same stimulus, no such test holds."
)


def sure_parts(run: xr.Dataset, *, most_neurons: int) -> Iterator[Any]:
    """Yield the reliability and the strongest edges of a run; of up to `most_neurons`, they are made if need be."""
    is_small = run.sizes.get(n.NEURON, run.sizes.get(n.TARGET, 0)) <= most_neurons
    for title, part in (("How sure: reliability", _reliability), ("How sure: edges", _edges)):
        try:
            found = part(run, is_small)
        except NetxrError as error:
            yield page.Table(title, f"It could not be made: {error}", [])
        else:
            if found is not None:
                yield page.Table(title, *found)


def _reliability(run: xr.Dataset, is_small: bool) -> tuple[str, list[dict[str, str]]] | None:
    """Return what the reliability is about, and a row for each trial; None where none is to be had."""
    if n.RELIABILITY in run:
        found, made = run[n.RELIABILITY].compute(), ""
    elif is_small and (n.BLOCK in run.dims or n.ACTIVITY in run):
        lag = _lag_of(run)
        parts = run if n.BLOCK in run.dims else _in_blocks(run, lag)
        found = netxr.reliability(parts, lag=lag).compute()[n.RELIABILITY]
        made = f"Of the lagged correlation at lag {lag}, computed for this page. "
    else:
        return None
    rows = [
        {name: number(value) if isinstance(value, float) else str(value) for name, value in row.items()}
        for row in reliability_rows(found)
    ]
    return f"{made}{RELIABILITY}{_outdated(found)}", rows


def _in_blocks(run: xr.Dataset, lag: int) -> xr.Dataset:
    """Return moments of the activity of a run, without frames that hold NaN."""
    return netxr.lagged_moments(run[[n.ACTIVITY]], lags=[abs(lag)], blocks=BLOCKS, missing="drop")


def _edges(run: xr.Dataset, is_small: bool) -> tuple[str, list[dict[str, str]]] | None:
    """Return what was tested, and a row for each of the strongest edges; None where nothing can be tested."""
    if n.P_VALUE in run:
        found, made = netxr.edges(run), ""
    elif is_small and n.ACTIVITY in run:
        options: dict[str, Any] = {"dim": n.TIME, "sources": None, "missing": "drop", "memory": None}
        activity, lag = activity_of(run[[n.ACTIVITY]]), _lag_of(run)
        p = tested(activity, method=n.LAGGED_CORRELATION, lag=lag, null="autocorrelation", **options)
        found = netxr.edges(p)
        made = f"Lagged correlations at lag {lag}, allowing for autocorrelation, tested for this page. "
    else:
        return None
    attrs, n_edges = found.attrs, found.sizes[n.EDGE]
    slow = attrs.get(n.N_SLOW, 0)
    made += f"{slow} neurons change so slowly that their p-values are too low: filter them first. " * bool(slow)
    counts = f"{attrs[n.N_PAIRS]:,} pairs tested"
    counts += f", {attrs[n.N_UNDEFINED]:,} more undefined" if attrs[n.N_UNDEFINED] else ""
    listed = f", of which the {MOST_EDGES} strongest are listed" if n_edges > MOST_EDGES else ""
    found_edges = f"{n_edges:,} edge{'' if n_edges == 1 else 's'}"
    text = f"{made}{counts}: {found_edges} at a false discovery rate of {attrs[n.Q]:g}{listed}. {EDGES}"
    rows = edge_rows(found, most=MOST_EDGES)
    return text, [{name: _cell(name, value) for name, value in row.items()} for row in rows]


def edge_rows(edges: xr.Dataset, *, most: int) -> list[dict[str, Any]]:
    """Return a row for each of the first edges of a list, under the names that readers see."""
    names = {"from": n.SOURCE, "to": n.TARGET, n.LAG: n.LAG, n.TRIAL: n.TRIAL, "R": n.EFFECT}
    names |= {name: name for name in (n.LOWER, n.UPPER, n.P_VALUE, n.Q_VALUE)}
    chosen = edges.isel({n.EDGE: slice(most)})
    columns = {name: chosen[own].values.tolist() for name, own in names.items() if own in chosen.variables}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def reliability_rows(found: xr.DataArray) -> list[dict[str, Any]]:
    """Return the reliability of each trial and its root, a row each."""
    labels = found[n.TRIAL].values.tolist() if n.TRIAL in found.dims else [None]
    return [
        ({} if label is None else {n.TRIAL: label}) | {n.RELIABILITY: value, "root": math.sqrt(max(value, 0.0))}
        for label, value in zip(labels, found.values.ravel().tolist(), strict=True)
    ]


def _cell(name: str, value: Any) -> str:
    """Return a value as text; a p-value keeps its digits however small it is."""
    if name in (n.P_VALUE, n.Q_VALUE):
        return f"{value:.2g}"
    return number(value) if isinstance(value, float) and name in ("R", n.LOWER, n.UPPER) else str(value)


def _lag_of(run: xr.Dataset) -> int:
    """Return the lag of the correlations that a run has, if it is a single one; else 1."""
    R = run.get(n.LAGGED_CORRELATION)
    return int(R[n.LAG]) if R is not None and n.LAG in R.coords and not R[n.LAG].ndim else 1


def _outdated(result: xr.DataArray) -> str:
    """Return that a result is outdated, if it is."""
    return f" Outdated: {result.attrs[n.OUTDATED]}." if n.OUTDATED in result.attrs else ""
