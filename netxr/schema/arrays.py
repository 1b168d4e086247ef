"""Plain arrays and tables in, labelled arrays out: which axis is which is always said, never guessed."""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import array_of, check_choice, check_entries, check_room, is_finite, is_number
from netxr.schema.clock import with_axis
from netxr.schema.tables import (
    Edges,
    check_neurons,
    edges_in,
    edges_of,
    interval_of,
    is_graph,
    labels_in,
    matrix_in,
    matrix_of,
    neurons_in,
    numbers_in,
    table_of,
    times_in,
)
from netxr.schema.variables import ACTIVITY_SPEC, check_activity, check_connectivity, check_labels

ROWS: Final = (n.TARGET, n.SOURCE)

CLOSE: Final = 1e-3
"""By which share the interval that the caller says may differ from that of an index of times: it was rounded."""


def as_activity(
    samples: Any,
    *,
    dims: Sequence[str] | None = None,
    neurons: Sequence[Any] | None = None,
    sampling_interval: float | None = None,
    interval_units: str = "s",
    start_time: float | None = None,
    units: str | None = None,
) -> xr.DataArray:
    """Label a plain array or a table of samples as a recording.

    Parameters
    ----------
    samples : array-like or table
        Two or three axes of real numbers; a dask array stays lazy. A table is a DataFrame of pandas or polars, a Table
        of pyarrow, or an array with fields.
    dims : sequence of str
        What each axis of `samples` is: "neuron", "time" and, if there are three, "trial". There is no default.
    neurons : sequence, optional
        A label for each neuron; if not given, those of a table, else 0, 1, 2, ...
    sampling_interval : float, optional
        Time from one sample to the next, in `interval_units`. A DataFrame with an index of times says it itself.
    interval_units : str
        Unit of `sampling_interval`.
    start_time : float, optional
        Time of the first sample in `interval_units`, e.g. by the clock of the session; 0 if not given.
    units : str, optional
        Unit of the samples, e.g. "mV".

    Returns
    -------
    DataArray
        The samples, dims ordered (neuron, time[, trial]), same dtype; with a coordinate `time` if there is a sampling
        interval, of which only start and interval are held.

    Raises
    ------
    InvalidInput
        If `dims` does not name the axes, the labels do not fit, or the times of a table are not even.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> as_activity(np.zeros((500, 3)), dims=("time", "neuron"), neurons=["a", "b", "c"]).sizes
    Frozen({'neuron': 3, 'time': 500})
    >>> as_activity(np.zeros((500, 3)), dims=("time", "neuron"), sampling_interval=0.1, start_time=5).time.values[:3]
    array([5. , 5.1, 5.2])
    >>> as_activity(pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 3.0]}), dims=("time", "neuron")).neuron.values
    array(['a', 'b'], dtype=object)
    """
    table = table_of("samples", samples)
    array = _plain_array("samples", samples) if table is None else numbers_in(table)
    expected = f"{n.NEURON!r}, {n.TIME!r} and, for a third axis, {n.TRIAL!r}, in the order of the array's axes"
    if dims is None:
        fix = f"Say what its axes are, e.g. dims=({n.NEURON!r}, {n.TIME!r}) or dims=({n.TIME!r}, {n.NEURON!r})."
        raise InvalidInput("dims", got=f"none for shape {tuple(array.shape)}", expected="a name for each axis", fix=fix)
    axes = check_entries("dims", dims, expected=expected)
    if len(axes) != array.ndim or sorted(map(str, axes)) not in ([n.NEURON, n.TIME], [n.NEURON, n.TIME, n.TRIAL]):
        raise InvalidInput("dims", got=f"{tuple(axes)} for an array of shape {tuple(array.shape)}", expected=expected)
    if table is not None:
        named = dict(zip(axes, (table.index, table.columns), strict=True))
        if axes[0] == n.TIME:
            check_neurons(table)
        neurons = labels_in(named[n.NEURON]) if neurons is None else neurons
        times = times_in(named[n.TIME])
        if times is not None:
            sampling_interval = _agreed(sampling_interval, interval_of(times))
            start_time = float(times[0]) if start_time is None else start_time
    labelled = xr.DataArray(array, dims=axes, name=n.ACTIVITY)
    labelled = labelled.transpose(*(d for d in (*ACTIVITY_SPEC.dims, n.TRIAL) if d in axes))
    labelled = labelled.assign_coords({n.NEURON: neuron_labels(neurons, labelled.sizes[n.NEURON])})
    if sampling_interval is not None:
        if not is_number(sampling_interval) or not 0 < sampling_interval < np.inf:
            raise InvalidInput("sampling_interval", got=repr(sampling_interval), expected="a positive number")
        if not isinstance(interval_units, str):
            raise InvalidInput("interval_units", got=repr(interval_units), expected="text, such as 's' or 'ms'")
        labelled.attrs |= {n.SAMPLING_INTERVAL: float(sampling_interval), n.SAMPLING_INTERVAL_UNITS: interval_units}
    if start_time is not None:
        if not is_finite(start_time):
            raise InvalidInput("start_time", got=repr(start_time), expected="a number")
        labelled.attrs[n.START_TIME] = float(start_time)
    if units is not None:
        labelled.attrs[n.UNITS] = units
    check_labels(labelled, argument="neurons")
    return with_axis(check_activity(labelled, argument="samples"))


def as_connectivity(
    weights: Any, *, rows: Literal["target", "source"] | None = None, neurons: Sequence[Any] | None = None
) -> xr.DataArray:
    """Label a matrix, a list of edges or a graph as a connectivity.

    Parameters
    ----------
    weights : array-like, table or graph
        Square matrix of real numbers, 0 = no edge: an array (with a third axis, the first or the last, one matrix a
        trial), a sparse matrix of SciPy, or a DataFrame, whose columns are put in the order of its rows. Or a table
        with an edge a row, in columns named like source, target and, if there are weights, weight. Or a graph of
        NetworkX. Edges without a weight have 1; weights of several edges between the same neurons add up.
    rows : {"target", "source"}
        What a row of a matrix is. "target": weights[i, j] is from j to i, as netxr and the dynamics A x have it.
        "source": weights[i, j] is from i to j, as many graph libraries have it. There is no default. Edges and graphs
        say it themselves.
    neurons : sequence, optional
        A label for each neuron of a matrix; if not given, those of a DataFrame, else 0, 1, 2, ... Of edges and graphs:
        all neurons, also those without an edge; if not given, those with an edge, or all nodes of the graph.

    Returns
    -------
    DataArray
        The weights, ([trial, ]target, source), same dtype.

    Raises
    ------
    InvalidInput
        If the matrix is not square, `rows` is neither of the two, or the labels do not fit.

    Examples
    --------
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="source", neurons=["a", "b"])
    >>> A.sel(target="b", source="a").item()
    1
    >>> import pandas as pd
    >>> edges = pd.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "weight": [2.0, -1.0]})
    >>> as_connectivity(edges).sel(target="b", source="a").item()
    2.0
    """
    table = table_of("weights", weights)
    edges = edges_of(weights) if is_graph(weights) else None if table is None else edges_in(table)
    if edges is not None:
        if rows is not None:
            raise InvalidInput("rows", got=repr(rows), expected="none: edges say themselves which way they point")
        return matrix_of_edges(edges, list(weights.nodes) if neurons is None and is_graph(weights) else neurons)
    if rows is None:
        fix = f"rows={n.TARGET!r} if entry [i, j] is from j to i, rows={n.SOURCE!r} if it is from i to j."
        raise InvalidInput("rows", got="none", expected="what a row of the matrix is", fix=fix)
    check_choice("rows", rows, ROWS)
    matrix, named = (_plain_array("weights", weights), None) if table is None else matrix_in(table)
    matrix = _trials_first(matrix)
    if matrix.ndim not in (2, 3) or matrix.shape[-2] != matrix.shape[-1]:
        raise InvalidInput("weights", got=f"shape {matrix.shape}", expected="a square matrix", fix=_squared(matrix))
    labels = neuron_labels(named if neurons is None else neurons, matrix.shape[-1])
    columns = n.SOURCE if rows == n.TARGET else n.TARGET
    trials = {n.TRIAL: np.arange(len(matrix))} if matrix.ndim == 3 else {}
    coords = {**trials, n.TARGET: labels, n.SOURCE: labels}
    labelled = xr.DataArray(matrix, dims=(*trials, rows, columns), coords=coords, name=n.CONNECTIVITY)
    check_labels(labelled, argument="neurons")
    return check_connectivity(labelled.transpose(..., n.TARGET, n.SOURCE), argument="weights")


def matrix_of_edges(edges: Edges, neurons: Sequence[Any] | None) -> xr.DataArray:
    """Return edges as a connectivity, of all `neurons` or, without them, of those with an edge."""
    there = neurons_in(edges) if neurons is None else check_entries("neurons", neurons, expected="labels of neurons")
    if not there:
        fix = "Say which neurons there are: the list names none."
        raise InvalidInput("neurons", got="none, for a list without any edge", expected="their labels", fix=fix)
    labels = neuron_labels(there, len(there))
    matrix = matrix_of(edges, labels.tolist())
    labelled = xr.DataArray(matrix, {n.TARGET: labels, n.SOURCE: labels}, (n.TARGET, n.SOURCE), n.CONNECTIVITY)
    check_labels(labelled, argument="neurons")
    return check_connectivity(labelled, argument="weights")


def _trials_first(matrix: Any) -> Any:
    """Return one matrix a trial with the trials along its first axis: they are along the one of another length."""
    if matrix.ndim == 3 and len(set(matrix.shape)) == 1:
        fix = "Give each trial as a connectivity of its own, and join them with xarray.concat."
        raise InvalidInput("weights", got=f"shape {matrix.shape}", expected="one axis of another length", fix=fix)
    if matrix.ndim == 3 and matrix.shape[0] == matrix.shape[1]:
        return matrix.transpose(2, 0, 1)
    return matrix


def _squared(matrix: Any) -> str:
    """Return what to do about a matrix that is not square."""
    if matrix.ndim == 2 and matrix.shape[1] in (2, 3):
        return "Name the columns of a list of edges: source, target and weight, in a DataFrame or the first line."
    if matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] + 1:
        return "Name the rows as well as the columns, or give only numbers, and the labels as neurons=."
    return ""


def _agreed(said: float | None, interval: float) -> float:
    """Return the interval of an index of times, or raise InvalidInput if the caller says another."""
    if said is not None and not (is_number(said) and abs(said - interval) <= CLOSE * interval):
        expected = f"none, or {interval:g} as the index has it"
        raise InvalidInput("sampling_interval", got=repr(said), expected=expected)
    return interval


def neuron_labels(neurons: Sequence[Any] | None, n_neurons: int) -> np.ndarray[Any, Any]:
    """Return one label a neuron: those given, or 0, 1, 2, ...

    Raises InvalidInput if there is not exactly one for each neuron.
    """
    if neurons is None:
        return np.arange(n_neurons)
    labels = array_of("neurons", neurons, expected=f"a label for each of {n_neurons} neurons")
    if labels.dtype.kind in "US" and not all(isinstance(label, (str, bytes)) for label in neurons):
        raise InvalidInput("neurons", got="numbers and text", expected="labels of one kind", fix="Write all as text.")
    if labels.shape != (n_neurons,):
        raise InvalidInput("neurons", got=f"labels of shape {labels.shape}", expected=f"one for each of {n_neurons}")
    if pd.isna(labels).any():
        got = f"NaN or None for neuron number {int(np.argmax(pd.isna(labels)))} (from 0)"
        raise InvalidInput("neurons", got=got, expected="a label for every neuron", fix="Name each of them.")
    # Fixed-width text has no settled place in Zarr v3; variable-length text has, and can be appended to.
    return labels.astype(object) if labels.dtype.kind in "US" else labels


def _plain_array(argument: str, values: Any) -> Any:
    """Return `values` as an array that has no labels yet."""
    first = values[0] if isinstance(values, (list, tuple)) and values else values
    if isinstance(first, (xr.DataArray, xr.Dataset, pd.DataFrame)):
        several = "" if first is values else "several, such as "
        fix = "Join them with xarray.concat." if several else "Rename its dims with .rename, or give its .data."
        if isinstance(values, xr.Dataset):
            fix = f"Take one variable of it, {', '.join(map(repr, values.data_vars)) or 'of which there is none'}."
        got = f"{several}a {type(first).__name__}, whose axes have names"
        raise InvalidInput(argument, got=got, expected="a plain array", fix=fix)
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        check_room(argument, values.shape, values.dtype.itemsize * math.prod(values.shape))
        return values.toarray()
    return values if hasattr(values, "ndim") else _rectangular(argument, values)


def _rectangular(argument: str, values: Any) -> np.ndarray[Any, Any]:
    """Return `values` as a NumPy array."""
    if isinstance(values, range):  # which may be longer than memory
        values = check_entries(argument, values, expected="an array")
    try:
        array = np.asarray(values)
    except ValueError:
        raise InvalidInput(argument, got="rows of different lengths", expected="a rectangular array") from None
    if array.dtype == object and not array.ndim:
        raise InvalidInput(argument, got=f"a {type(values).__name__}", expected="an array")
    return array
