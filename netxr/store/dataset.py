"""Runs on disk: plain Zarr v3 groups that appear whole or not at all, and open lazily, also in xarray alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr
import zarr
from xarray.backends import ZarrStore
from zarr.abc.store import Store
from zarr.errors import GroupNotFoundError
from zarr.storage import StorePath

from netxr import names as n
from netxr.blocks.progress import Report, notified
from netxr.errors import InvalidInput, NetxrError, OutputExists, UnreadableFile, first_line
from netxr.schema.arguments import check_group, check_path
from netxr.schema.clock import in_step, with_axis
from netxr.schema.provenance import CURRENT_SCHEMA
from netxr.store.compact import compacted
from netxr.store.files import Folder, read_file
from netxr.store.layout import DURATIONS, TEXT_KINDS, storable, unfolded, with_marked
from netxr.store.lazy import lazily
from netxr.store.locks import STAGING_PREFIX
from netxr.store.metadata import DOCUMENT, Document, documents, too_many_chunks, too_many_labels, with_copy
from netxr.store.remote import place_of, store_of, unlisted, without_scheme
from netxr.store.staging import PathLike, appear, staging
from netxr.store.versions import is_repository
from netxr.store.writing import consolidate_store, write_dataset

__all__ = ["open", "save"]


def save(
    dataset: xr.Dataset,
    store: PathLike | Store,
    *,
    group: str | None = None,
    compact: str | None = None,
    progress: Report | None = None,
) -> None:
    """Save a run as a Zarr group.

    Parameters
    ----------
    dataset : Dataset
        Activity, connectivity, estimates, moments or scores, together or alone. Lazy variables are computed and written
        chunk by chunk. The dataset itself is not changed.
    store : path-like or zarr Store
        The folder to make, in a folder that exists; it appears when it is complete. In a Zarr store, such as that of
        an icechunk session, the group is written in place.
    group : str, optional
        Group of a Zarr store; its root if not given. A group of a folder is a folder in it.
    compact : str, optional
        Round the activity, so that it takes less room. "uint16": to some 65,000 even steps between its smallest and
        largest sample, as codes; infinity is refused. "bits10", or any other number: to so many bits of mantissa, with
        a relative error of 2**-11. The attributes `compact_effect` and `compact_note` of the activity say by how much
        that may change a lagged correlation: 8 E / (s sqrt(T)) + (E / s)**2 for rounding errors up to E in T samples
        of standard deviation s, of the neuron for which that is most. Lazy activity is read twice. What is appended
        later is rounded alike.
    progress : callable, optional
        Called with (bytes written, bytes to write), for lazy variables.

    Raises
    ------
    OutputExists
        If there is something at `store`.
    InvalidInput
        If Zarr or JSON cannot store something in the dataset, the parent folder is missing, or `compact` is unknown or
        saves nothing for this activity.
    DiskFull
        If there is no room; nothing stays behind.

    Examples
    --------
    >>> import tempfile, netxr
    >>> A = netxr.as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     netxr.save(A.to_dataset(), folder + "/run.zarr")
    ...     netxr.open(folder + "/run.zarr").connectivity.values.tolist()
    [[0, 1], [0, 0]]
    """
    with notified(progress):
        if isinstance(store, Store):
            if _is_taken(store, check_group(group)):
                raise OutputExists(f"{place_of(store)}{'/' + group if group else ''}")
            write_dataset(_as_written(dataset, compact), store, group=group)
            consolidate_store(store)
            return
        if group is not None and is_repository(store):
            fix = f"with netxr.versioned({str(store)!r}, message=...) as new: netxr.save(dataset, new, group=...)"
            raise InvalidInput("store", got=f"the repository {store}", expected="a transaction of it", fix=fix)
        final = check_path("store", store) / check_group(group)
        with staging(final) as folder:
            appear(folder, final, write_dataset(_as_written(dataset, compact), folder))


def _as_written(dataset: xr.Dataset, compact: str | None) -> xr.Dataset:
    """Return a dataset as it will lie on disk."""
    laid_out = storable(dataset)
    return laid_out if compact is None else compacted(laid_out, compact)


def open(  # noqa: A001 - one name in public
    source: PathLike | Store, *, group: str | None = None, version: str | None = None
) -> xr.Dataset:
    """Open a saved run lazily: a stored chunk is a dask chunk, and no sample is read.

    The dataset stays as it was when it was opened, whatever is written later.

    Parameters
    ----------
    source : path-like, URL or zarr Store
        Folder of `save` or a streamed simulation, or any Zarr group that xarray reads: on disk, at a URL such as
        ``"s3://bucket/run.zarr"``, in a Zarr store, or in an icechunk repository.
    group : str, optional
        Group within it; its root if not given.
    version : str, optional
        Tag or identifier of a version in a repository; the newest if not given.

    Returns
    -------
    Dataset
        The run as it was saved; labels and text are in memory, text as Python strings.

    Raises
    ------
    UnreadableFile
        If nothing is there, it is no Zarr group, is damaged or unfinished, or a later release wrote it.
    MissingExtra
        If the package that reads such a URL or repository is not installed.
    """
    name, source = check_group(group), without_scheme(source)
    store = store_of(source, version)
    if store is None:
        folder = check_path("source", source) / name
        dataset, place = _open_folder(folder), str(folder)
    else:
        place = place_of(source)
        dataset = _open_store(store, name, place)
    schema = dataset.attrs.get(n.SCHEMA_VERSION, CURRENT_SCHEMA)
    if isinstance(schema, int) and schema > CURRENT_SCHEMA:
        raise UnreadableFile(
            place,
            f"written in version {schema} of the layout, and this netxr knows versions up to {CURRENT_SCHEMA}",
            fix="Upgrade netxr.",
        )
    return dataset


def is_store(path: Path) -> bool:
    """Return whether a folder is a Zarr group, or a repository of versions."""
    return is_repository(path) or any((path / name).exists() for name in (DOCUMENT, ".zgroup"))


# --- folders ------------------------------------------------------------------


def _open_folder(folder: Path) -> xr.Dataset:
    """Open a group on disk in one committed state."""
    _check_is_store(folder)
    while True:
        known = _documents(folder)
        try:
            return _dataset(_group(folder, known), str(folder), folder=folder.absolute(), known=known)
        except Exception as error:  # zarr and xarray raise anything on a damaged file
            if known == _documents(folder):  # else labels were replaced while they were read
                raise UnreadableFile(folder, f"not a readable Zarr group ({type(error).__name__}: {error})") from error


def _documents(folder: Path) -> dict[str, Document]:
    """Return the metadata that count, none for a group of Zarr's version 2; a damaged document is an error."""
    if not (folder / DOCUMENT).exists():
        return {}
    try:
        return documents(folder)
    except OSError as error:
        raise UnreadableFile(folder, f"its metadata cannot be read ({error.strerror})") from error


def _group(folder: Path, known: Mapping[str, Document]) -> zarr.Group:
    """Return a group by metadata that were read, whatever has been written since."""
    if not known:
        return zarr.open_group(Folder(folder, read_only=True), mode="r", use_consolidated=False)
    place = StorePath(Folder(folder, read_only=True))
    return zarr.Group(zarr.AsyncGroup.from_dict(place, with_copy(known)))


def _dataset(group: zarr.Group, place: str, **on_disk: Any) -> xr.Dataset:
    """Return the dataset in an opened group; `on_disk` is passed on to `lazily`."""
    # Dates of netxr are read in the unit in which they were saved, coarse or fine.
    dates = xr.coders.CFDatetimeCoder(time_unit="s" if n.SCHEMA_VERSION in group.attrs else "ns")
    store = ZarrStore(group, mode="r")
    _check_sizes(store)
    dataset = xr.open_dataset(store, chunks=None, decode_times=dates, decode_timedelta=DURATIONS)
    return _with_labels_in_memory(lazily(dataset, place, **on_disk))


def _check_sizes(store: ZarrStore) -> None:
    """Raise ValueError if an array is cut into too many chunks, or if labels are too many for what is stored of them.

    Labels are read when a store is opened, and Zarr takes those that are missing for zeros, however many.
    """
    for name, array in store.members.items():
        if not isinstance(array, zarr.Array):
            continue
        wrong = too_many_chunks(array.shape, array.chunks)
        if not wrong and array.store.supports_listing:
            wrong = too_many_labels(array.shape, array.nbytes_stored)
        if wrong:
            raise ValueError(f"{name}: {wrong}")


def _check_is_store(folder: Path) -> None:
    """Raise if `folder` is no finished Zarr group, and say what it is."""
    if folder.name.startswith(STAGING_PREFIX):
        raise UnreadableFile(
            folder, "a write that has not ended, or was cut off", fix="Open the finished run beside it."
        )
    if not folder.is_dir():
        reason = "a file, not the folder of a store" if folder.exists() else "there is no such file or folder"
        raise UnreadableFile(folder, reason, fix=_stores_in(folder.parent))
    if not is_store(folder):
        raise UnreadableFile(folder, "a folder, but no Zarr group", fix=_stores_in(folder))


def _stores_in(folder: Path) -> str:
    """Return a sentence that lists the stores in a folder."""
    if not folder.is_dir():
        return f"There is no folder {folder} either."
    names = sorted(entry.name for entry in folder.glob("[!.]*") if is_store(entry) and not _is_array(entry))
    return f"Stores in {folder}: {', '.join(names)}." if names else f"There is no store in {folder}."


def _is_array(folder: Path) -> bool:
    """Return whether a folder is an array of a store."""
    try:
        return bool(json.loads(read_file(folder / DOCUMENT))["node_type"] == "array")
    except (OSError, ValueError, KeyError, TypeError):
        return False


# --- Zarr stores --------------------------------------------------------------


def _open_store(store: Store, group: str, place: str) -> xr.Dataset:
    """Open a group of any Zarr store."""
    try:
        return _dataset(zarr.open_group(store, path=group, mode="r"), f"{place}/{group}" if group else place)
    except NetxrError:
        raise
    except (GroupNotFoundError, FileNotFoundError) as error:
        if group:
            raise UnreadableFile(place, f"there is no group {group!r}", fix=_in(store)) from error
        raise UnreadableFile(place, "there is no Zarr group") from error
    except Exception as error:  # whatever the library behind the store raises
        reason = f"not a readable Zarr group ({type(error).__name__}: {first_line(error)})"
        raise UnreadableFile(place, reason, fix=unlisted(error)) from error


def _is_taken(store: Store, group: str) -> bool:
    """Return whether a store has this group, with anything in it."""
    try:
        found = zarr.open_group(store, path=group, mode="r")
    except (GroupNotFoundError, FileNotFoundError):
        return False
    return bool(found.attrs) or any(True for _ in found)


def _in(store: Store) -> str:
    """Return a sentence that lists the groups in a store."""
    try:
        names = sorted(zarr.open_group(store, mode="r").group_keys())
    except Exception:  # the error at hand matters more
        return "There is no Zarr group at its root."
    return f"Groups in it: {', '.join(names)}." if names else "There is no group in it."


def _with_labels_in_memory(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset with its axis of time, with labels and text in memory, text as Python strings."""
    labels, dataset = {}, with_marked(dataset)
    for name, variable in dataset.variables.items():
        is_text = variable.dtype.kind in TEXT_KINDS
        if is_text or not variable.ndim or (name in dataset.coords and variable.ndim == 1):
            # Labels are too small for the caller's scheduler; those of an index are loaded already.
            loaded = variable if name in dataset.xindexes else variable.load(scheduler="synchronous")
            labels[name] = loaded.astype(object) if is_text else loaded
    whole = dataset.assign(labels)
    in_order = {name: whole.variables[name] for name in sorted(whole.data_vars, key=str)}
    return in_step(with_axis(unfolded(xr.Dataset(in_order, whole.coords, whole.attrs))))
