"""What a recording is loaded from: files and folders, plain arrays, and what has labels of its own."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike as OsPathLike
from os import fspath
from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from zarr.abc.store import Store

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.variables import check_activity, check_connectivity
from netxr.store.dataset import is_store
from netxr.store.dataset import open as open_store
from netxr.store.remote import is_url
from netxr.store.staging import PathLike

Source = PathLike | Store | xr.Dataset | xr.DataArray | np.ndarray[Any, Any] | da.Array
"""What a recording is loaded from."""

CHECKS: Final[dict[str, Callable[..., xr.DataArray]]] = {n.ACTIVITY: check_activity, n.CONNECTIVITY: check_connectivity}


def is_labelled(source: Any, format: str | None) -> bool:  # noqa: A002
    """Say whether the axes of a source are labelled already: an xarray object, or a Zarr store, wherever it is."""
    if isinstance(source, xr.Dataset | xr.DataArray | Store) or is_url(source):
        return True
    return format is None and isinstance(source, str | OsPathLike) and is_store(Path(source))


def place_of(source: Any) -> str:
    """Return what a message calls a source."""
    return str(source) if isinstance(source, str | OsPathLike) else f"the {type(source).__name__}"


def check_source(source: object) -> Path:
    """Return the path of a file or folder.

    Raises
    ------
    InvalidInput
        If `source` is no path at all.
    """
    if not isinstance(source, str | OsPathLike) or isinstance(fspath(source), bytes):
        expected = "the path of a file or folder, a str or pathlib.Path; an xarray object, a NumPy or dask array"
        raise InvalidInput("source", got=f"{source!r:.80}", expected=expected)
    return Path(source)


def dataset_of(source: Any) -> xr.Dataset:
    """Return a store's or a given Dataset as it is, and a DataArray as the variable that its dims make it."""
    if isinstance(source, xr.DataArray):
        name = n.CONNECTIVITY if n.TARGET in source.dims else n.ACTIVITY
        return with_interval(CHECKS[name](source, argument="source").to_dataset(name=name))
    return source if isinstance(source, xr.Dataset) else open_store(source)


def variable_of(source: Any, name: str, given: Mapping[str, object]) -> xr.DataArray:
    """Return one variable of what has labels, and therefore is not given any.

    Raises
    ------
    InvalidInput
        If an option is given, or there is no such variable.
    """
    for option, value in given.items():
        if value is not None:
            fix = "Change it on what is loaded, with .assign_coords or .assign_attrs."
            expected = "nothing for a store or an xarray object, which carries its own"
            raise InvalidInput(option, got=repr(value), expected=expected, fix=fix)
    dataset = dataset_of(source)
    if name not in dataset.data_vars:
        there = ", ".join(sorted(map(str, dataset.data_vars))) or "nothing"
        raise InvalidInput(
            "name", got=f"{name!r} for {place_of(source)}", expected=f"a variable of it, which has {there}"
        )
    return dataset[name]


def check_agrees(option: str, given: object, stored: object, source: object) -> None:
    """Raise if the caller says something else than what has labels.

    Raises
    ------
    InvalidInput
        If the two differ.
    """
    if given not in (None, stored):
        raise InvalidInput(option, got=repr(given), expected=f"none, or {stored!r} as {place_of(source)} has it")


def check_recording(loaded: object, place: str) -> xr.Dataset:
    """Return what came from `place` if it is a recording, or a connectivity.

    Raises
    ------
    InvalidInput
        If it is neither, or its dims are not those of one.
    """
    if not isinstance(loaded, xr.Dataset) or not {n.ACTIVITY, n.CONNECTIVITY} & set(loaded):
        got = f"a {type(loaded).__name__} without it from {place}"
        raise InvalidInput("source", got=got, expected=f"a Dataset with {n.ACTIVITY!r}, or {n.CONNECTIVITY!r}")
    for name, check in CHECKS.items():
        if name in loaded:
            check(loaded[name], argument=f"{name} of {place}")
    return loaded


def with_interval(recording: xr.Dataset) -> xr.Dataset:
    """Return a recording of which both the whole and its activity say the sampling interval that one of them says."""
    if n.ACTIVITY not in recording:
        return recording
    activity = recording[n.ACTIVITY]
    both = (n.SAMPLING_INTERVAL, n.SAMPLING_INTERVAL_UNITS)
    known = {name: value for name, value in (recording.attrs | activity.attrs).items() if name in both}
    return recording.assign({n.ACTIVITY: activity.assign_attrs(known)}).assign_attrs(known)


def check_options(options: Mapping[str, Any], taken: Sequence[str] | None, what: str) -> None:
    """Raise if an option is none of those that are taken; None takes any.

    Raises
    ------
    InvalidInput
        If there is one.
    """
    for option, value in options.items():
        if taken is not None and option not in taken:
            expected = f"no such option: {what} takes {', '.join(taken) or 'none'}"
            raise InvalidInput(option, got=f"{value!r:.80}", expected=expected)
