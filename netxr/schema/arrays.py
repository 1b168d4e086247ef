"""Plain arrays in, labelled arrays out: which axis is which is always said, never guessed."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import check_choice, check_entries, is_number
from netxr.schema.clock import with_axis
from netxr.schema.variables import ACTIVITY_SPEC, check_activity, check_connectivity, check_labels

ROWS: Final = (n.TARGET, n.SOURCE)


def as_activity(
    samples: Any,
    *,
    dims: Sequence[str],
    neurons: Sequence[Any] | None = None,
    sampling_interval: float | None = None,
    interval_units: str = "s",
    start_time: float | None = None,
    units: str | None = None,
) -> xr.DataArray:
    """Label a plain array of samples as a recording.

    Parameters
    ----------
    samples : array-like
        Two or three axes of real numbers; a dask array stays lazy.
    dims : sequence of str
        What each axis of `samples` is: "neuron", "time" and, if there are three, "trial".
    neurons : sequence, optional
        A label for each neuron; 0, 1, 2, ... if not given.
    sampling_interval : float, optional
        Time from one sample to the next, in `interval_units`.
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
        If `dims` does not name the axes, or the labels do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> as_activity(np.zeros((500, 3)), dims=("time", "neuron"), neurons=["a", "b", "c"]).sizes
    Frozen({'neuron': 3, 'time': 500})
    >>> as_activity(np.zeros((500, 3)), dims=("time", "neuron"), sampling_interval=0.1, start_time=5).time.values[:3]
    array([5. , 5.1, 5.2])
    """
    array = _plain_array("samples", samples)
    expected = f"{n.NEURON!r}, {n.TIME!r} and, for a third axis, {n.TRIAL!r}, in the order of the array's axes"
    axes = check_entries("dims", dims, expected=expected)
    if len(axes) != array.ndim or sorted(map(str, axes)) not in ([n.NEURON, n.TIME], [n.NEURON, n.TIME, n.TRIAL]):
        raise InvalidInput("dims", got=f"{tuple(axes)} for an array of shape {tuple(array.shape)}", expected=expected)
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
        if not is_number(start_time) or not np.isfinite(start_time):
            raise InvalidInput("start_time", got=repr(start_time), expected="a number")
        labelled.attrs[n.START_TIME] = float(start_time)
    if units is not None:
        labelled.attrs[n.UNITS] = units
    check_labels(labelled, argument="neurons")
    return with_axis(check_activity(labelled, argument="samples"))


def as_connectivity(
    weights: Any, *, rows: Literal["target", "source"], neurons: Sequence[Any] | None = None
) -> xr.DataArray:
    """Label a plain square matrix as a connectivity.

    Parameters
    ----------
    weights : array-like
        Square matrix of real numbers; 0 = no edge.
    rows : {"target", "source"}
        What a row is. "target": weights[i, j] is from j to i, as netxr and the dynamics A x have it.
        "source": weights[i, j] is from i to j, as many graph libraries have it.
    neurons : sequence, optional
        A label for each neuron; 0, 1, 2, ... if not given.

    Returns
    -------
    DataArray
        The weights, (target, source), same dtype.

    Raises
    ------
    InvalidInput
        If the matrix is not square, `rows` is neither of the two, or the labels do not fit.

    Examples
    --------
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="source", neurons=["a", "b"])
    >>> A.sel(target="b", source="a").item()
    1
    """
    check_choice("rows", rows, ROWS)
    matrix = _plain_array("weights", weights)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InvalidInput("weights", got=f"shape {matrix.shape}", expected="a square matrix")
    labels = neuron_labels(neurons, len(matrix))
    columns = n.SOURCE if rows == n.TARGET else n.TARGET
    labelled = xr.DataArray(
        matrix, dims=(rows, columns), coords={n.TARGET: labels, n.SOURCE: labels}, name=n.CONNECTIVITY
    )
    check_labels(labelled, argument="neurons")
    return check_connectivity(labelled.transpose(n.TARGET, n.SOURCE), argument="weights")


def neuron_labels(neurons: Sequence[Any] | None, n_neurons: int) -> np.ndarray[Any, Any]:
    """Return one label a neuron: those given, or 0, 1, 2, ...

    Raises InvalidInput if there is not exactly one for each neuron.
    """
    if neurons is None:
        return np.arange(n_neurons)
    labels = _rectangular("neurons", neurons)
    if labels.dtype.kind in "US" and not all(isinstance(label, (str, bytes)) for label in neurons):
        raise InvalidInput("neurons", got="numbers and text", expected="labels of one kind", fix="Write all as text.")
    if labels.shape != (n_neurons,):
        raise InvalidInput("neurons", got=f"labels of shape {labels.shape}", expected=f"one for each of {n_neurons}")
    # Fixed-width text has no settled place in Zarr v3; variable-length text has, and can be appended to.
    return labels.astype(object) if labels.dtype.kind in "US" else labels


def _plain_array(argument: str, values: Any) -> Any:
    """Return `values` as an array that has no labels yet."""
    if isinstance(values, (xr.DataArray, xr.Dataset)):
        raise InvalidInput(
            argument,
            got=f"a {type(values).__name__}, whose axes have names",
            expected="a plain array",
            fix="Rename its dims with .rename, or give its .data.",
        )
    return values if hasattr(values, "ndim") else _rectangular(argument, values)


def _rectangular(argument: str, values: Any) -> np.ndarray[Any, Any]:
    """Return `values` as a NumPy array."""
    try:
        return np.asarray(values)
    except ValueError:
        raise InvalidInput(argument, got="rows of different lengths", expected="a rectangular array") from None
