"""Runs on disk: plain Zarr v3 folders that appear whole or not at all, and open lazily.

A folder holds one Dataset and reads with ``xarray.open_zarr(path, consolidated=False)`` alone. Output
is written to a hidden folder beside its final place and renamed when it is complete.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import dask
import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr
from dask.delayed import Delayed
from dask.system import CPU_COUNT

from netxr.arguments import check_path
from netxr.errors import InvalidInput, OutputExists, UnreadableFile
from netxr.layout import TEXT_KINDS, codec, encoding, fill_value, plain_attributes, steps_per_chunk, storable
from netxr.names import ACTIVITY, NEURON, SCHEMA_VERSION, TIME, TRIAL
from netxr.schema import CURRENT_SCHEMA

__all__ = ["open", "save", "steps_per_chunk", "streamed_store"]

STAGING_PREFIX: Final = ".staging-"
"""How the name of an unfinished folder begins."""

PathLike = str | os.PathLike[str]


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
        _write(storable(dataset), folder)


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
        dataset = _with_labels_in_memory(xr.open_zarr(folder, consolidated=False, chunks={}))
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


@contextmanager
def streamed_store(
    path: PathLike,
    dataset: xr.Dataset,
    *,
    n_steps: int,
    trials: int,
    dtype: npt.DTypeLike,
    steps_per_chunk: int,
    attrs: Mapping[str, Any] | None = None,
) -> Iterator["zarr.Array[Any]"]:
    """Make a run whose activity the caller fills in block by block, in bounded memory.

    Parameters
    ----------
    path : path-like
        The folder to make. It appears on a clean exit; on any exception nothing stays behind.
    dataset : Dataset
        Everything but the activity: connectivity, coordinates, attributes; it has the dim ``neuron``.
    n_steps : int
        Samples a trial.
    trials : int
        Number of trials.
    dtype : dtype-like
        Of the activity.
    steps_per_chunk : int
        Samples in a stored chunk; blocks that begin at multiples of it are written without reading back.
    attrs : mapping, optional
        Attributes of the activity.

    Yields
    ------
    zarr.Array
        The activity, (neuron, time, trial), to be assigned to. What is never written reads as NaN.

    Raises
    ------
    OutputExists
        If there is something at `path`.
    InvalidInput
        If `dataset` cannot be stored or lacks the dim ``neuron``, or the parent folder is missing.
    """
    with staging(path) as folder:
        rest = storable(dataset.drop_vars(ACTIVITY, errors="ignore"))
        sizes = {NEURON: rest.sizes.get(NEURON, 0), TIME: n_steps, TRIAL: trials}
        if sizes != sizes | {dim: rest.sizes[dim] for dim in sizes if dim in rest.sizes} or not sizes[NEURON]:
            raise InvalidInput(
                "dataset", got=f"dims {dict(rest.sizes)}", expected=f"a {NEURON} axis, and dims that fit {sizes}"
            )
        type_ = np.dtype(dtype)
        activity_attrs = plain_attributes(attrs or {}, "attrs")
        _write(rest, folder)
        yield zarr.create_array(
            folder,
            name=ACTIVITY,
            shape=tuple(sizes.values()),
            dtype=type_,
            chunks=(sizes[NEURON], min(steps_per_chunk, n_steps), 1),
            compressors=codec(),
            fill_value=fill_value(type_),
            dimension_names=tuple(sizes),
            attributes=activity_attrs,
        )


# --- output that appears whole ----------------------------------------------


@contextmanager
def staging(path: PathLike) -> Iterator[Path]:
    """Yield a hidden name beside `path` for a folder that becomes `path` on a clean exit and goes away on any other."""
    final = check_path("path", path)
    _check_vacant(final)
    if not final.parent.is_dir():
        raise InvalidInput(
            "path", got=str(path), expected="a place in a folder that exists", fix=f"Make {final.parent}."
        )
    unfinished = final.with_name(f"{STAGING_PREFIX}{uuid4().hex}")
    try:
        yield unfinished
        _check_vacant(final)
        unfinished.rename(final)
    except BaseException:
        _remove(unfinished)
        raise


def _check_vacant(path: Path) -> None:
    """Raise if there is anything at `path`, even a link to nowhere."""
    if os.path.lexists(path):
        raise OutputExists(path)


def _remove(folder: Path, *, attempts: int = 100, pause: float = 0.2) -> None:
    """Remove `folder`, again while a block that was being written when an exception came brings parts of it back."""
    for _ in range(attempts):
        if not folder.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(pause)


def _write(dataset: xr.Dataset, folder: Path) -> None:
    """Write what `storable` returned."""
    told = {name: encoding(variable) for name, variable in dataset.variables.items()}

    def create() -> Delayed:
        """Write what is in memory, and promise the rest."""
        return dataset.to_zarr(folder, mode="w-", zarr_format=3, consolidated=False, encoding=told, compute=False)

    # A pool of our own is waited for when an exception or Ctrl-C ends the writing: no thread writes on after it.
    with ThreadPoolExecutor(dask.config.get("num_workers", None) or CPU_COUNT) as pool:
        pool.submit(create).result().compute(pool=pool)  # type: ignore[no-untyped-call]


# --- from a store to a dataset ------------------------------------------------


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
