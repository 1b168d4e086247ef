"""The strongest pairs of neurons, out of a matrix that is never held."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

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
from netxr.schema.graphs import all_neurons
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of

ENTRIES: Final = 2**16
"""Correlations that are looked at together, few enough for a cache."""

HEAPS: Final = 8
"""Heaps for each of the strongest pairs: the more there are, the closer the bound, and the longer it takes."""


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
        first. Undefined pairs are left out. The attribute `neurons` has the labels of all neurons.

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

    R (..., target, source) is in memory; what is NaN or infinite is left out. The result is (entry, dim of R).

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
        height = max(1, ENTRIES * r.shape[1] // max(1, r.size))
        for first in range(0, r.shape[1], height):
            some = r[:, first : first + height]
            parts.append(_strongest_of(some, rows.start + first, columns, most, threshold))
    edges = _together(parts)
    return edges._replace(lag=lags[edges.lag])


def _strongest_of(r: NDArray[Any], first: int, columns: NDArray[np.int64], most: int | None, threshold: float) -> Edges:
    """Return the strongest pairs of a few rows, (lag, row, column), from target `first`: of equal ones, those in front.

    What is as large as the least that may be among them is found first, and only that is put in order.
    """
    magnitude = np.fmax(np.abs(r), -1)  # which is what NaN becomes
    own = np.flatnonzero((columns >= first) & (columns < first + r.shape[1]))
    magnitude[:, columns[own] - first, own] = -1
    least = np.maximum(_least(magnitude, most), threshold)
    place = np.flatnonzero(magnitude >= least[..., np.newaxis])  # of one axis, which is the fastest
    lag, row, source = np.unravel_index(place, r.shape)
    order = np.lexsort((-magnitude.ravel()[place], lag, row))
    lag, row, source = lag[order], row[order], source[order]
    if most is not None:
        list_of = row * len(r) + lag
        starts = np.searchsorted(list_of, list_of)
        kept = np.arange(len(list_of)) - starts < most
        lag, row, source = lag[kept], row[kept], source[kept]
    return Edges(lag, first + row, source, r[lag, row, source], np.zeros_like(lag))


def _least(magnitude: NDArray[Any], most: int | None) -> NDArray[Any]:
    """Return what at least so many entries of each row are as large as, (lag, row, column) -> (lag, row).

    Each row is dealt out to some more heaps than entries are wanted. As many as are wanted of the largest of each
    heap are entries too, so that the last of these is a bound, and a close one.
    """
    n_lags, n_rows, n_columns = magnitude.shape
    if most is None or most >= n_columns:
        return np.zeros((n_lags, n_rows))
    heaps = min(HEAPS * most, n_columns)
    dealt = magnitude[..., : n_columns // heaps * heaps].reshape(n_lags, n_rows, -1, heaps)
    return np.asarray(np.partition(dealt.max(axis=2), heaps - most, axis=2)[..., heaps - most])


def _together(parts: Sequence[Edges]) -> Edges:
    """Return the edges of several parts as one."""
    return Edges(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _labelled_edges(
    found: Sequence[Edges], labels: Mapping[str, NDArray[Any]], name: str, attrs: Mapping[Any, Any], dtype: Any
) -> xr.Dataset:
    """Return edges with the labels of their neurons, lags and trials, in the order of trial, target and lag."""
    edges = _together(found)
    order = np.lexsort((edges.lag, edges.target, edges.trial))  # of equal ones, the strongest stays the first
    at = {column: values[order] for column, values in edges._asdict().items()}
    values = xr.Variable(n.EDGE, at.pop("value").astype(dtype), attrs)
    coords = {dim: (n.EDGE, labels[dim][at[dim]]) for dim in (n.LAG, n.TARGET, n.SOURCE, n.TRIAL) if dim in labels}
    return xr.Dataset({name: values}, coords, all_neurons(labels[n.TARGET], labels[n.SOURCE]))
