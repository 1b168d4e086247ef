"""Zarr stores that other tools made: datasets with dims of their own, and arrays without names for their axes."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final

import dask.array as da
import xarray as xr
import zarr
from zarr.abc.store import Store
from zarr.storage import LocalStore, ZipStore

from netxr import names as n
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.hdf5 import MOST_NAMED, choose
from netxr.recordings.formats.labelling import FILE_OPTIONS, axes_of, recording_of
from netxr.recordings.formats.recognition import content_of, names_in
from netxr.recordings.formats.renaming import as_run, dims_by_order, is_run, timed
from netxr.recordings.formats.text.table import Table
from netxr.schema.clock import on_axis
from netxr.schema.variables import NUMBER_KINDS
from netxr.store.dataset import open as open_store
from netxr.store.metadata import DIMS_V2
from netxr.store.remote import is_url, store_of

DOCUMENTS: Final = ("zarr.json", ".zgroup", ".zarray")
"""Metadata that say that a Zarr store is there."""

OPTIONS: Final = ("name", "group", *FILE_OPTIONS)


def load(
    source: Any,
    *,
    group: str | None = None,
    name: str | None = None,
    dims: Mapping[str, str] | Sequence[str] | None = None,
    sampling_interval: float | None = None,
    gaps: n.Gaps = "raise",
    **labels: Any,
) -> xr.Dataset:
    """Load a recording from a Zarr store of any tool, lazily.

    Parameters
    ----------
    source : path-like, URL or zarr Store
        The store.
    group : str, optional
        Group within it; its root if not given.
    name : str, optional
        The variable that is the activity; of arrays without dims, the path in the store, such as "session/data".
    dims : mapping of str to str, or sequence of str, optional
        From dims of the store to those of netxr, e.g. {"unit_id": "neuron", "frame": "time"}; or what each axis of an
        array is that has none.
    sampling_interval : float, optional
        Seconds from one sample to the next.
    gaps : {"raise", "segments"}
        What to do where times are not even, as in `netxr.recordings.formats.netcdf.load`.
    **labels : Any
        Of an array without dims: those of `netxr.load_activity`.

    Raises
    ------
    InvalidInput
        If the dims are not those of netxr, with what there is; if an option does not fit.
    UnreadableFile
        If it is no store, is damaged, or has groups and no array at its root.
    """
    dataset = _dataset(source, group)
    if dataset is not None and is_run(dataset) and (name, dims, sampling_interval, labels) == (None, None, None, {}):
        return timed(source, dataset, None, gaps) if n.ACTIVITY in dataset else dataset
    if dataset is not None and dataset.data_vars and dims is not None and not isinstance(dims, Mapping):
        dims = dims_by_order(source, dataset, name, axes_of(dims))
    if dims is not None and not isinstance(dims, Mapping):
        return _plain(source, group, name, dims=dims, sampling_interval=sampling_interval, **labels)
    if labels:
        raise InvalidInput(next(iter(labels)), got="a value", expected=f"none: the store {source} has its own labels")
    if dataset is None or not dataset.data_vars:
        raise _no_dataset(source, group)
    run = as_run(source, dataset, name, dims or {})
    return on_axis(timed(source, run, sampling_interval, gaps)) if n.ACTIVITY in run else run


def opened(source: Any, group: str | None = None) -> xr.Dataset:
    """Open a store as it is, also one in an archive (a zip file), whose store may lie in a folder of it."""
    dataset = _dataset(source, group)
    if dataset is None:
        raise _no_dataset(source, group)
    return dataset


def _opened(source: Any, group: str | None) -> xr.Dataset:
    """Open a store, or one in an archive."""
    folder = _folder_in(source)
    if folder is None:
        return open_store(source, group=group)
    return open_store(ZipStore(source, mode="r"), group="/".join(filter(None, (folder, group))) or None)


def is_own(source: Any) -> bool:
    """Say whether a store is a run of netxr, or has its dims."""
    dataset = _dataset(source, None)
    return dataset is not None and is_run(dataset)


def is_zipped(path: Path) -> bool:
    """Say whether a file is an archive of a Zarr store."""
    return _folder_in(path) is not None


def _folder_in(source: Any) -> str | None:
    """Return the folder of an archive in which a Zarr store lies, empty for its root; None for all other sources."""
    if isinstance(source, Store) or is_url(source) or not Path(source).is_file() or content_of(Path(source)) != "zip":
        return None
    try:
        places = [PurePosixPath(name) for name in names_in(Path(source))]
    except UnreadableFile:  # what reads it will say so
        return None
    roots = sorted((one.parent for one in places if one.name in DOCUMENTS), key=lambda one: len(one.parts))
    return "/".join(roots[0].parts) if roots else None


def _dataset(source: Any, group: str | None) -> xr.Dataset | None:
    """Return what xarray reads of a store; None if arrays in it have no dims."""
    try:
        return _opened(source, group)
    except UnreadableFile as error:
        with suppress(UnreadableFile):
            if isinstance(error.__cause__, KeyError | ValueError) and any(
                "/" not in path and not _names_its_dims(array) for path, array in _arrays(source, group).items()
            ):
                return None
        raise


def _names_its_dims(array: Any) -> bool:
    """Return whether an array says what its axes are; one of a single value needs no names."""
    return not array.ndim or DIMS_V2 in array.attrs or any(getattr(array.metadata, "dimension_names", None) or ())


def _plain(source: Any, group: str | None, name: str | None, **labels: Any) -> xr.Dataset:
    """Return an array of a store, wherever it lies in it, as what the caller says that it is."""
    arrays = {place: one for place, one in _arrays(source, group).items() if one.dtype.kind in NUMBER_KINDS}
    array = arrays[choose(source, name, {place: one.shape for place, one in arrays.items()})]
    samples = da.from_zarr(array)  # type: ignore[no-untyped-call]
    return recording_of(str(source), Table(samples), **labels).to_dataset()


def _arrays(source: Any, group: str | None) -> dict[str, Any]:
    """Return the arrays of a store by their path from a group of it."""
    folder = _folder_in(source)
    store = store_of(source) or (LocalStore(source) if folder is None else ZipStore(source, mode="r"))
    with readable_as("Zarr", source):
        members = zarr.open_group(store, path="/".join(filter(None, (folder, group))), mode="r").members(max_depth=None)
        return {place: one for place, one in sorted(members) if isinstance(one, zarr.Array)}


def _no_dataset(source: Any, group: str | None) -> UnreadableFile:
    """Return the error for a store without an array that has dims, which says what lies deeper."""
    place = f"{source}/{group}" if group else source
    arrays = _arrays(source, group)
    if not arrays:
        return UnreadableFile(place, "a Zarr group without an array")
    groups = sorted({path.rpartition("/")[0] for path in arrays if "/" in path})
    listed = [f"{path} ({' x '.join(map(str, one.shape)) or 'one entry'})" for path, one in arrays.items()]
    there = ", ".join(listed[:MOST_NAMED]) + ", ..." * (len(listed) > MOST_NAMED)
    reason = f"a Zarr group whose arrays lie deeper, or have no dims: {there}"
    fix = f"Say name= and dims=({n.TIME!r}, {n.NEURON!r}) for one of them"
    fix += f", or group={groups[0]!r} for what is in it." if groups else "."
    return UnreadableFile(place, reason, fix=fix)
