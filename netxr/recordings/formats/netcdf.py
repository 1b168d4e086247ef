"""netCDF files: Datasets of netxr and others that use its dims, by xarray with h5netcdf or SciPy."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.compat import optional
from netxr.errors import UnreadableFile
from netxr.recordings.formats import hdf5
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.labelling import axes_of
from netxr.recordings.formats.lazy import Box, lazy_array
from netxr.recordings.formats.recognition import content_of
from netxr.recordings.formats.renaming import as_run, dims_by_order, timed
from netxr.schema.clock import on_axis
from netxr.schema.variables import NUMBER_KINDS
from netxr.store.layout import with_marked

ENGINES: Final = {"hdf5": "h5netcdf", "netcdf3": "scipy"}
"""What reads a file, by how it begins."""


def load(
    path: Path,
    *,
    name: str | None = None,
    dims: Mapping[str, str] | Sequence[str] | None = None,
    sampling_interval: float | None = None,
    gaps: n.Gaps = "raise",
) -> xr.Dataset:
    """Load a Dataset from a netCDF file; its variables are read when they are asked for.

    Parameters
    ----------
    path : Path
        The file, netCDF 3 or 4.
    name : str, optional
        The variable that is the activity, where it has another name and others have the same dims.
    dims : mapping of str to str, or sequence of str, optional
        From dims of the file to those of netxr, e.g. {"cell": "neuron", "frame": "time"}; or what each axis of the
        variable is, in order.
    sampling_interval : float, optional
        Seconds from one sample to the next, instead of times that the file has; a warning says so where these differ.
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or say with the attribute `gaps` that the stretches between gaps
        are trials of one recording.

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
        with _opened(path) as opened:
            file = with_marked(opened)
            variables = {str(key): _variable(path, str(key), one.variable) for key, one in file.data_vars.items()}
            coordinates = {
                str(key): _variable(path, str(key), one.variable, label=True) for key, one in file.coords.items()
            }
            attributes = _plain_attributes(file.attrs)
        held = xr.Dataset(variables, coordinates, attributes)
        if dims is not None and not isinstance(dims, Mapping):
            dims = dims_by_order(path, held, name, axes_of(dims))
        known = as_run(path, held, name, dims or {})
        return on_axis(_dated(timed(path, known, sampling_interval, gaps) if n.ACTIVITY in known else known))


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


def _dated(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset with dates and durations where labels count them, and xarray can decode them."""
    dates = {}
    for name, one in dataset.coords.items():
        if one.dtype.kind in "fiu" and one.ndim == 1 and n.UNITS in one.attrs:
            with suppress(Exception):  # units that only look like those of dates, or dates of another calendar
                dates[name] = xr.conventions.decode_cf_variable(name, one.variable).load()
    return dataset.assign_coords(dates)
