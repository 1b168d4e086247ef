"""netCDF files: Datasets of netxr and others that use its dims, by xarray with h5netcdf or SciPy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.compat import optional
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats import hdf5
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.lazy import Box, lazy_array
from netxr.recordings.formats.recognition import content_of
from netxr.recordings.formats.times import check_interval, interval_of
from netxr.schema.clock import on_axis
from netxr.schema.variables import NUMBER_KINDS

RECORDING_DIMS: Final = frozenset((n.NEURON, n.TIME, n.TRIAL))

OWN_DIMS: Final = RECORDING_DIMS | {
    *(n.TARGET, n.SOURCE, n.LAG, n.EDGE_FRAME, n.EDGE),
    *(n.N_NEURONS, n.SPARSITY, n.N_STEPS, n.N_GROUPS),
}
"""Dims of the datasets that netxr makes."""

ENGINES: Final = {"hdf5": "h5netcdf", "netcdf3": "scipy"}
"""What reads a file, by how it begins."""


def load(
    path: Path,
    *,
    name: str | None = None,
    dims: Mapping[str, str] | None = None,
    sampling_interval: float | None = None,
) -> xr.Dataset:
    """Load a Dataset from a netCDF file; its variables are read when they are asked for.

    Parameters
    ----------
    path : Path
        The file, netCDF 3 or 4.
    name : str, optional
        The variable that is the activity, where it has another name and others have the same dims.
    dims : mapping of str to str, optional
        From dims of the file to those of netxr, e.g. {"cell": "neuron", "frame": "time"}.
    sampling_interval : float, optional
        Seconds from one sample to the next, instead of times that the file has.

    Returns
    -------
    Dataset
        What is in the file, scales and offsets applied; labels in a unit such as "days since 2000-01-01" are dates.
        Times in a unit become the sampling interval where the file does not say one.

    Raises
    ------
    InvalidInput
        If the dims are not those of netxr, with the dims that there are; if `name` or `dims` is not in the file.
    UnreadableFile
        If the file is missing, damaged or no netCDF, or its times are not even.
    """
    with readable_as("netCDF", path):
        with _opened(path) as file:
            variables = {str(key): _variable(path, str(key), one.variable) for key, one in file.data_vars.items()}
            coordinates = {
                str(key): _variable(path, str(key), one.variable, label=True) for key, one in file.coords.items()
            }
            attributes = _plain_attributes(file.attrs)
        known = _renamed(path, xr.Dataset(variables, coordinates, attributes), name, dims or {})
        return on_axis(_dated(_timed(path, known, sampling_interval) if n.ACTIVITY in known else known))


@contextmanager
def _opened(path: Path) -> Iterator[xr.Dataset]:
    """Open a file lazily, for as long as the context lasts."""
    engine = ENGINES.get(content_of(path) or "")
    if engine is None:
        raise UnreadableFile(path, "it does not begin as a netCDF file does", fix="Was it cut off, or renamed?")
    options: dict[str, Any] = {}
    if engine == "h5netcdf":
        optional(engine, what=f"Reading {path}, a netCDF 4 file,", extra="io")
        options["phony_dims"] = "sort"
        with hdf5.opened(path) as raw:
            raw.attrs.get("_nc3_strict")  # h5netcdf begins with it, and leaves a half-made object where that fails
    with xr.open_dataset(
        path, engine=engine, decode_times=False, decode_timedelta=False, create_default_indexes=False, **options
    ) as file:
        yield file


def _variable(path: Path, name: str, variable: xr.Variable, *, label: bool = False) -> xr.Variable:
    """Return a variable that no longer needs the opened file: numbers lazily, labels and text in memory."""
    attributes = _plain_attributes(variable.attrs)
    if variable.ndim == 0 or (label and variable.ndim == 1) or variable.dtype.kind not in NUMBER_KINDS:
        values = np.asarray(variable.values)
        text = values.dtype.kind in "UST"
        return xr.Variable(variable.dims, values.astype(object) if text else values, attributes)
    samples = lazy_array(
        _read_box,
        path,
        name,
        shape=variable.shape,
        dtype=variable.dtype.newbyteorder("="),
        own_chunks=variable.encoding.get("chunksizes"),
    )
    return xr.Variable(variable.dims, samples, attributes)


def _read_box(path: Path, name: str, box: Box) -> NDArray[Any]:
    """Return a box of a variable, decoded; the file is opened and closed for it."""
    with _opened(path) as file:
        return np.asarray(file.variables[name][box].values)


def _plain_attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Return attributes with numbers as Python has them."""
    return {str(key): one.item() if isinstance(one, np.generic) else one for key, one in attributes.items()}


def _renamed(path: Path, dataset: xr.Dataset, name: str | None, dims: Mapping[str, str]) -> xr.Dataset:
    """Return a dataset with the dims of netxr, and the variable that is meant as its activity."""
    if not isinstance(dims, Mapping) or not set(dims) <= set(dataset.dims):
        expected = f"a mapping from dims of {path}, which has {', '.join(map(str, dataset.dims))}"
        raise InvalidInput("dims", got=repr(dims), expected=expected, fix=f"E.g. dims={{'cell': {n.NEURON!r}}}.")
    taken = {*dataset.dims, *dataset.variables} - set(dims)
    if len(set(dims.values())) < len(dims) or taken & set(dims.values()):
        has = ", ".join(sorted(map(str, taken)))
        expected = f"a name of its own for each dim{has and f', and none that {path} has: {has}'}"
        raise InvalidInput("dims", got=repr(dims), expected=expected)
    if name is not None and name not in dataset.data_vars:
        expected = f"a variable of {path}, which has {_listed(dataset)}"
        raise InvalidInput("name", got=repr(name), expected=expected)
    renamed = dataset.rename(dims)
    fitting = [
        str(key) for key, one in renamed.data_vars.items() if {n.NEURON, n.TIME} <= set(one.dims) <= RECORDING_DIMS
    ]
    if name is None and (len(fitting) == 1 or n.ACTIVITY in fitting):
        name = n.ACTIVITY if n.ACTIVITY in fitting else fitting[0]
    if name is not None and name in fitting:
        others = renamed if name == n.ACTIVITY else renamed.drop_vars(n.ACTIVITY, errors="ignore")
        return others.rename({name: n.ACTIVITY}).transpose(n.NEURON, n.TIME, n.TRIAL, ..., missing_dims="ignore")
    if name is None and not fitting and renamed.data_vars and set(renamed.dims) <= OWN_DIMS:
        return renamed
    argument = "name" if fitting else "dims"
    expected = f"one variable with dims {n.NEURON}, {n.TIME}[, {n.TRIAL}]; {path} has {_listed(dataset)}"
    fix = f"Say dims={{'cell': {n.NEURON!r}, 'frame': {n.TIME!r}}} with its own dims, and name= where several fit."
    raise InvalidInput(argument, got=repr(dims if argument == "dims" else name), expected=expected, fix=fix)


def _listed(dataset: xr.Dataset) -> str:
    """Return the variables of a dataset with their dims, for a message."""
    return ", ".join(f"{key} ({', '.join(map(str, one.dims))})" for key, one in dataset.data_vars.items()) or "none"


def _timed(path: Path, recording: xr.Dataset, sampling_interval: float | None) -> xr.Dataset:
    """Return a recording with the sampling interval that its times show, if it has none and they have a unit."""
    activity = recording[n.ACTIVITY]
    if sampling_interval is not None:
        said: dict[str, Any] = {n.SAMPLING_INTERVAL: check_interval(sampling_interval), n.SAMPLING_INTERVAL_UNITS: "s"}
        return recording.assign({n.ACTIVITY: activity.assign_attrs(said)}).drop_vars(n.TIME, errors="ignore")
    if (
        n.SAMPLING_INTERVAL in activity.attrs | recording.attrs
        or n.TIME not in activity.coords
        or activity[n.TIME].size < 2
    ):
        return recording
    times = activity[n.TIME]
    if times.dtype.kind not in "fiu":
        return recording
    interval = interval_of(times.values, path, f"its coordinate {n.TIME!r}")
    unit = str(times.attrs.get(n.UNITS, "")).partition(" ")[0]
    said = {n.SAMPLING_INTERVAL: interval, n.SAMPLING_INTERVAL_UNITS: unit} if unit else {}
    return recording.assign({n.ACTIVITY: activity.assign_attrs(said)})


def _dated(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset with dates and durations where labels count them, and xarray can decode them."""
    dates = {}
    for name, one in dataset.coords.items():
        if one.dtype.kind in "fiu" and one.ndim == 1 and n.UNITS in one.attrs:
            with suppress(Exception):  # units that only look like those of dates, or dates of another calendar
                dates[name] = xr.conventions.decode_cf_variable(name, one.variable).load()
    return dataset.assign_coords(dates)
