"""One call that opens anything: runs, recordings and sweeps on disk or elsewhere, and files of other tools."""

import os
from pathlib import Path
from typing import Any

import xarray as xr
from zarr.abc.store import Store

from netxr.errors import InvalidInput
from netxr.recordings.formats import zarr_stores
from netxr.recordings.load import load_recording
from netxr.store.dataset import is_store
from netxr.store.dataset import open as open_store
from netxr.store.remote import is_url
from netxr.store.staging import PathLike

__all__ = ["open"]


def open(  # noqa: A001 - netxr.open is its name in public
    source: PathLike | Store | Any,
    *,
    group: str | None = None,
    version: str | None = None,
    format: str | None = None,  # noqa: A002
    **options: Any,
) -> xr.Dataset:
    """Open a run, a recording or a sweep, lazily where its format allows.

    Of a store, a stored chunk is a dask chunk, and no sample is read; what is opened is what was committed when it was
    opened, whatever is written meanwhile.

    Parameters
    ----------
    source : path-like, URL, zarr Store, or array
        A store that netxr or another tool made, as a folder, in an archive (zip), at a URL such as
        ``"s3://bucket/run.zarr"``, or as any Zarr store object; a repository of versions that `versioned` made; else a
        file or folder of a known format, or an array, as in `load_recording`.
    group : str, optional
        Group within a store; its root if not given.
    version : str, optional
        Tag or identifier of a version in a repository, as `versions` lists them; the newest if not given.
    format : str, optional
        Format of a file, where content and suffix do not show it.
    **options : Any
        What the format needs to know, such as ``dims`` of a plain array, or of a store that has dims of its own, e.g.
        ``dims={"unit_id": "neuron", "frame": "time"}``.

    Returns
    -------
    Dataset
        The run as it was saved, or the recording as `activity`; labels and text are in memory.

    Raises
    ------
    UnreadableFile
        If nothing is there, or it is damaged, of no known format, or made by a later release; it says what is there.
    InvalidInput
        If an option is missing, or is none of the format's.
    MissingExtra
        If the package that reads the format is not installed.

    Examples
    --------
    >>> import tempfile, netxr
    >>> A = netxr.as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     netxr.save(A.to_dataset(), folder + "/run.zarr")
    ...     netxr.open(folder + "/run.zarr").connectivity.values.tolist()
    [[0, 1], [0, 0]]
    """
    if _is_file(source, group, format):
        for name, value in (("group", group), ("version", version)):
            if value is not None:
                raise InvalidInput(name, got=repr(value), expected=f"none: {source} is not a store")
        return load_recording(source, format=format, **options)
    if version is not None or _is_missing(source):
        return open_store(source, group=group, version=version)
    if format is not None:
        raise InvalidInput("format", got=repr(format), expected=f"none for the store {source}")
    return load_recording(source, group=group, **options) if options else zarr_stores.opened(source, group)


def _is_file(source: Any, group: str | None, format: str | None) -> bool:  # noqa: A002
    """Return whether a source is for the loaders."""
    if not isinstance(source, str | os.PathLike):
        return not isinstance(source, Store)
    if is_url(source):
        return False
    path = Path(source)
    return not is_store(path) and path.exists() and group is None and not zarr_stores.is_zipped(path)


def _is_missing(source: Any) -> bool:
    """Return whether `source` is a path at which there is nothing."""
    return isinstance(source, str | os.PathLike) and not is_url(source) and not Path(source).exists()
