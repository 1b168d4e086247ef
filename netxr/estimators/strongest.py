"""The strongest pairs of neurons, out of a matrix that is never held."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.rows import RowBlocks, Run, planned_runs, walked
from netxr.moments.one_pass import attrs_of, coords_of, keeps_trials_apart
from netxr.moments.prepare import Precision, lags_of
from netxr.schema.arguments import check_count, is_number
from netxr.schema.clock import activity_of
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of


class Edges(NamedTuple):
    """Pairs of neurons by their positions, and what is between them, (edge) each."""

    lag: NDArray[np.int64]
    target: NDArray[np.int64]
    source: NDArray[np.int64]
    value: NDArray[Any]
    trial: NDArray[np.int64]


def strongest_pairs(
    data: xr.DataArray | xr.Dataset,
    *,
    lag: int | str = 1,
    lags: Sequence[int | str] | None = None,
    k: int | None = None,
    threshold: float | None = None,
    dim: str | Sequence[str] = n.TIME,
    sources: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    gaps: n.Gaps = "raise",
    memory: int | str | None = None,
) -> xr.Dataset:
    """List the pairs of different neurons that correlate most: the strongest sources of each target, or above a limit.

    Of activity, the whole matrix is made, some rows at a time, and never held: what is kept is the list.

    Parameters
    ----------
    data : DataArray or Dataset
        Samples (neuron, time[, trial]), NumPy or dask, or a Dataset that holds them; read at once, within the budget.
        Or an estimate in memory ([lag, ][trial, ]target, source), of any estimator.
    lag, lags, dim, sources, precision, missing, gaps, memory
        As in `lagged_correlation`; for activity only.
    k : int, optional
        How many sources to list for each target, by magnitude.
    threshold : float, optional
        List pairs that are at least this far from zero; a correlation, 0 to 1, or in the unit of the estimate. With
        `k`, both have to hold.

    Returns
    -------
    Dataset
        `lagged_correlation` (edge), or the estimate under its own name, with `target`, `source`, `lag` and, where
        trials are kept apart, `trial` of each edge as coordinates: in the order of trial, target and lag, the strongest
        first. Undefined pairs are left out.

    Raises
    ------
    InvalidInput
        If neither `k` nor `threshold` is given, an argument does not fit, or the budget is too small.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise".

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(6, seed=1), n_steps=500, seed=1)
    >>> strongest_pairs(run.activity, k=2).sizes["edge"]
    12
    >>> strongest_pairs(netxr.granger(run).granger, k=1).granger.sizes["edge"]
    6
    """
    if k is None and threshold is None:
        raise InvalidInput("k, threshold", got="neither", expected="how many sources a target, or a limit, or both")
    most = None if k is None else check_count("k", k)
    matrix = data if isinstance(data, xr.DataArray) and n.TARGET in data.dims else None
    largest = 1 if matrix is None else np.inf
    if threshold is not None and (not is_number(threshold) or not 0 <= threshold <= largest):
        expected = "a magnitude of correlation, 0 to 1" if matrix is None else "a magnitude, 0 or above"
        raise InvalidInput("threshold", got=repr(threshold), expected=expected)
    if matrix is not None:
        return _of_estimate(matrix, most, float(threshold or 0))
    activity = activity_of(data)
    wanted, argument = lags_of(lag, lags, data)
    options: dict[str, Any] = {"dim": dim, "sources": sources, "precision": precision, "missing": missing, "gaps": gaps}
    runs, plan = planned_runs(activity, lags=wanted, argument=argument, memory=memory, **options)
    columns = np.arange(activity.sizes[n.NEURON])[runs[0].todo.columns]
    found: list[Edges] = []

    def use(run: Run, _matrix: int) -> Callable[[RowBlocks], Edges]:
        """Return what lists the strongest pairs of some rows."""
        return partial(_strongest, np.array(run.places), columns, most, float(threshold or 0))

    for _, matrices in walked(runs, plan, use):
        for k, parts in enumerate(matrices):
            found += [part._replace(trial=np.full(len(part.lag), k)) for part in parts]
    todo = runs[0].todo
    labels = coords_of(activity, todo) | {n.LAG: np.array(wanted)}
    if keeps_trials_apart(activity, todo):
        labels[n.TRIAL] = labels_of(activity, n.TRIAL)
    attrs = attrs_of(activity, todo)
    about = attrs | {n.ESTIMATOR: n.LAGGED_CORRELATION}
    return _labelled_edges(found, labels, n.LAGGED_CORRELATION, about, todo.precision).assign_attrs(attrs)


def _of_estimate(R: xr.DataArray, most: int | None, threshold: float) -> xr.Dataset:
    """Return the strongest pairs of an estimate in memory."""
    R = check_variable(R, CONNECTIVITY_SPEC, argument="data", extra_dims=[n.LAG])
    if R.chunks is not None:
        raise InvalidInput("data", got="a lazy estimate", expected="one in memory", fix="Load it with .compute().")
    labels = {dim: labels_of(R, dim) for dim in map(str, R.dims)}
    if n.LAG in R.coords:
        labels[n.LAG] = np.atleast_1d(R[n.LAG].values)
    further = [dim for dim in (n.TRIAL, n.LAG) if dim not in R.dims]
    places = {label: k for k, label in enumerate(labels[n.TARGET].tolist())}
    columns = np.array([places.get(label, -1) for label in labels[n.SOURCE].tolist()])
    rows = slice(0, len(places))
    found = []
    for k, values in enumerate(R.expand_dims(further).transpose(n.TRIAL, n.LAG, n.TARGET, n.SOURCE).values):
        edges = _strongest(np.arange(len(values)), columns, most, threshold, iter([(rows, values)]))
        found.append(edges._replace(trial=np.full(len(edges.lag), k)))
    return _labelled_edges(found, labels, str(R.name or n.CONNECTIVITY), R.attrs, R.dtype).assign_attrs(R.attrs)


def strongest_entries(R: NDArray[Any], targets: NDArray[Any], sources: NDArray[Any], *, most: int) -> NDArray[np.intp]:
    """Return where the largest magnitudes between different neurons are, the largest first; of equal ones, the first.

    Parameters
    ----------
    R : array, (..., target, source)
        In memory; what is NaN or infinite is left out.
    targets, sources : array
        Labels of the neurons.
    most : int
        How many there are at most.

    Returns
    -------
    array of int, (entry, dim of R)

    Examples
    --------
    >>> neurons = np.array(["a", "b"])
    >>> strongest_entries(np.array([[1.0, -0.2], [0.1, 1.0]]), neurons, neurons, most=1).tolist()
    [[0, 1]]
    """
    strength = np.abs(R).astype(np.float64)
    strength[~np.isfinite(strength) | (targets[:, np.newaxis] == sources)] = -1.0
    flat = strength.ravel()
    few = min(most, flat.size)
    candidates = np.flatnonzero(flat >= max(0.0, np.partition(flat, -few)[-few]))
    order = candidates[np.argsort(-flat[candidates], kind="stable")[:few]]
    return np.column_stack(np.unravel_index(order, R.shape))


def _strongest(
    lags: NDArray[np.int64], columns: NDArray[np.int64], most: int | None, threshold: float, blocks: RowBlocks
) -> Edges:
    """Return the strongest pairs among rows, without pairs of a neuron with itself."""
    parts = []
    for rows, r in blocks:
        targets = np.arange(rows.start, rows.stop)
        magnitude = np.fmax(np.abs(r), -1)  # which is what NaN becomes
        own = np.flatnonzero((columns >= rows.start) & (columns < rows.stop))
        magnitude[:, columns[own] - rows.start, own] = -1
        order = _first_few(magnitude, most)
        strongest = np.take_along_axis(magnitude, order, axis=2)
        lag, row, place = np.nonzero((strongest >= 0) & (strongest >= threshold))
        source = order[lag, row, place]
        by_target = np.lexsort((place, lag, row))
        lag, row, source = lag[by_target], row[by_target], source[by_target]
        parts.append(Edges(lag, targets[row], source, r[lag, row, source], np.zeros_like(lag)))
    edges = _together(parts)
    return edges._replace(lag=lags[edges.lag])


def _together(parts: Sequence[Edges]) -> Edges:
    """Return the edges of several parts as one."""
    return Edges(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _first_few(magnitude: NDArray[Any], most: int | None) -> NDArray[np.int64]:
    """Return the positions of the largest entries of each row, the largest first; of equal ones, those in front."""
    n_lags, n_rows, n_columns = magnitude.shape
    if most is None or most >= n_columns:
        return np.argsort(-magnitude, axis=2, kind="stable")
    last = np.partition(magnitude, n_columns - most, axis=2)[..., n_columns - most, np.newaxis]
    few = magnitude >= last
    crowded = np.count_nonzero(few, axis=2) > most  # of those as large as the last one, the ones in front count
    if crowded.any():
        level, above = magnitude[crowded] == last[crowded], magnitude[crowded] > last[crowded]
        few[crowded] = above | (level & (level.cumsum(axis=1) <= most - above.sum(axis=1, keepdims=True)))
    places = np.nonzero(few)[2].reshape(n_lags, n_rows, most)
    order = np.argsort(-np.take_along_axis(magnitude, places, axis=2), axis=2, kind="stable")
    return np.take_along_axis(places, order, axis=2)


def _labelled_edges(
    found: Sequence[Edges], labels: Mapping[str, NDArray[Any]], name: str, attrs: Mapping[Any, Any], dtype: Any
) -> xr.Dataset:
    """Return edges with the labels of their neurons, lags and trials, in the order of trial, target and lag."""
    edges = _together(found)
    order = np.lexsort((edges.lag, edges.target, edges.trial))  # of equal ones, the strongest stays the first
    at = {column: values[order] for column, values in edges._asdict().items()}
    values = xr.Variable(n.EDGE, at.pop("value").astype(dtype), attrs)
    coords = {dim: (n.EDGE, labels[dim][at[dim]]) for dim in (n.LAG, n.TARGET, n.SOURCE, n.TRIAL) if dim in labels}
    return xr.Dataset({name: values}, coords)
