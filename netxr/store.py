"""Runs on disk: plain Zarr v3 folders that appear whole or not at all, and open lazily.

A folder holds one Dataset and reads with ``xarray.open_zarr(path, consolidated=False)`` alone.
"""

from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr
from numpy.typing import NDArray

from netxr.arguments import check_path
from netxr.errors import UnreadableFile
from netxr.layout import TEXT_KINDS, storable
from netxr.names import SCHEMA_VERSION
from netxr.schema import CURRENT_SCHEMA
from netxr.staging import STAGING_PREFIX, PathLike, staging, write_dataset

__all__ = ["open", "save"]


def save(dataset: xr.Dataset, path: PathLike) -> None:
    """Save a run as a Zarr folder.

    Parameters
    ----------
    dataset : Dataset
        Activity, connectivity, estimates, moments or scores, together or alone. dask-backed variables
        are computed and written chunk by chunk. The dataset itself is left as it is.
    path : path-like
        The folder to make, in a folder that exists. It appears when it is complete.

    Raises
    ------
    OutputExists
        If there is something at `path`.
    InvalidInput
        If the dataset holds what Zarr or JSON cannot, or the parent folder is missing.

    Examples
    --------
    >>> import tempfile, netxr
    >>> A = netxr.as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     netxr.save(A.to_dataset(), folder + "/run.zarr")
    ...     netxr.open(folder + "/run.zarr").connectivity.values.tolist()
    [[0, 1], [0, 0]]
    """
    with staging(path) as folder:
        write_dataset(storable(dataset), folder)


def open(path: PathLike) -> xr.Dataset:  # noqa: A001 - netxr.open is its name in public
    """Open a saved run lazily: a stored chunk is a dask chunk, and no sample is read.

    Parameters
    ----------
    path : path-like
        Folder that `save` or a streamed simulation made, or another Zarr group that xarray reads.

    Returns
    -------
    Dataset
        The run as it was saved; labels and text are in memory, text as Python strings.

    Raises
    ------
    UnreadableFile
        If nothing is there, it is no Zarr group, is damaged or unfinished, or a later release wrote it.
    """
    folder = check_path("path", path)
    _check_is_store(folder)
    try:
        dataset = _watched(_with_labels_in_memory(xr.open_zarr(folder, consolidated=False, chunks={})), folder)
    except Exception as error:  # zarr and xarray raise whatever a damaged file makes them stumble over
        raise UnreadableFile(path, f"not a readable Zarr group ({type(error).__name__}: {error})") from error
    schema = dataset.attrs.get(SCHEMA_VERSION, CURRENT_SCHEMA)
    if isinstance(schema, int) and schema > CURRENT_SCHEMA:
        raise UnreadableFile(
            path,
            f"written in version {schema} of the layout, and this netxr knows versions up to {CURRENT_SCHEMA}",
            fix="Upgrade netxr.",
        )
    return dataset


def _check_is_store(folder: Path) -> None:
    """Raise, saying what is there instead, if `folder` is not the top of a finished Zarr group."""
    if folder.name.startswith(STAGING_PREFIX):
        raise UnreadableFile(
            folder, "a write that has not ended, or was cut off", fix="Open the finished run beside it."
        )
    if not folder.is_dir():
        reason = "a file, not the folder of a store" if folder.exists() else "there is no such folder"
        raise UnreadableFile(folder, reason, fix=_stores_in(folder.parent))
    if not any((folder / name).exists() for name in ("zarr.json", ".zgroup")):
        raise UnreadableFile(folder, "a folder, but no Zarr group", fix=_stores_in(folder))


def _stores_in(folder: Path) -> str:
    """Say in a sentence which stores `folder` holds."""
    if not folder.is_dir():
        return f"There is no folder {folder} either."
    names = sorted(entry.parent.name for entry in folder.glob("[!.]*/zarr.json"))
    return f"Stores in {folder}: {', '.join(names)}." if names else f"There is no store in {folder}."


def _with_labels_in_memory(dataset: xr.Dataset) -> xr.Dataset:
    """Return `dataset` with labels and text loaded, text as Python strings."""
    labels = {}
    for name, variable in dataset.variables.items():
        is_text = variable.dtype.kind in TEXT_KINDS
        if is_text or (name in dataset.coords and variable.ndim <= 1):
            # Labels are too small to be worth a trip to the caller's scheduler; those of an index are loaded already.
            loaded = variable if name in dataset.indexes else variable.load(scheduler="synchronous")
            labels[name] = loaded.astype(object) if is_text else loaded
    return dataset.assign(labels)


def _watched(dataset: xr.Dataset, folder: Path) -> xr.Dataset:
    """Return `dataset` with lazy chunks that are an error if the store went away before they were read."""
    lazy = {name: variable for name, variable in dataset.variables.items() if variable.chunks is not None}
    watch = partial(_while_there, path=str(folder.absolute()))
    return dataset.assign(
        {name: one.copy(data=one.data.map_blocks(watch, meta=one.data._meta)) for name, one in lazy.items()}
    )


def _while_there(chunk: NDArray[Any], *, path: str) -> NDArray[Any]:
    """Return a chunk if its store is there: what is missing of a Zarr array reads as NaN or zero, without a word."""
    if not Path(path).exists():
        raise UnreadableFile(path, "it went away while it was read", fix="Put it back, and run again.")
    return chunk
