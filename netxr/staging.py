"""Output that appears whole or not at all: Zarr folders that are written beside their place, then renamed."""

import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from os import PathLike as OsPathLike
from os import path as os_path
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
from netxr.errors import InvalidInput, OutputExists
from netxr.layout import codec, encoding, fill_value, plain_attributes, storable
from netxr.names import ACTIVITY, NEURON, TIME, TRIAL

STAGING_PREFIX: Final = ".staging-"
"""How the name of an unfinished folder begins."""

PathLike = str | OsPathLike[str]


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
    if os_path.lexists(path):
        raise OutputExists(path)


def _remove(folder: Path, *, attempts: int = 100, pause: float = 0.2) -> None:
    """Remove `folder`, again while a block that was being written when an exception came brings parts of it back."""
    for _ in range(attempts):
        if not folder.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(pause)


def write_dataset(dataset: xr.Dataset, folder: Path) -> None:
    """Write what `storable` returned."""
    told = {name: encoding(variable) for name, variable in dataset.variables.items()}

    def create() -> Delayed:
        """Write what is in memory, and promise the rest."""
        return dataset.to_zarr(folder, mode="w-", zarr_format=3, consolidated=False, encoding=told, compute=False)

    # A pool of our own is waited for when an exception or Ctrl-C ends the writing: no thread writes on after it.
    with ThreadPoolExecutor(dask.config.get("num_workers", None) or CPU_COUNT) as pool:
        pool.submit(create).result().compute(pool=pool)  # type: ignore[no-untyped-call]


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
    sizes = {NEURON: dataset.sizes.get(NEURON, 0), TIME: n_steps, TRIAL: trials}
    if not sizes[NEURON]:
        raise InvalidInput("dataset", got=f"dims {dict(dataset.sizes)}", expected=f"a {NEURON} axis")
    with streamed_variable(
        path,
        dataset.drop_vars(ACTIVITY, errors="ignore"),
        name=ACTIVITY,
        sizes=sizes,
        chunks={NEURON: sizes[NEURON], TIME: min(steps_per_chunk, n_steps), TRIAL: 1},
        dtype=np.dtype(dtype),
        attrs=attrs or {},
    ) as (stored, _):
        yield stored


@contextmanager
def streamed_variable(
    path: PathLike,
    dataset: xr.Dataset,
    *,
    name: str,
    sizes: Mapping[str, int],
    chunks: Mapping[str, int],
    dtype: np.dtype[Any],
    attrs: Mapping[str, Any],
) -> Iterator[tuple["zarr.Array[Any]", Path]]:
    """Make a store of which the caller fills in one variable block by block, in bounded memory.

    Parameters
    ----------
    path : path-like
        The folder to make. It appears on a clean exit; on any exception nothing stays behind.
    dataset : Dataset
        Everything but that variable.
    name : str
        Name of the variable.
    sizes, chunks : mapping of str to int
        Its dims in order, and its stored chunks.
    dtype : dtype
        Its dtype.
    attrs : mapping
        Its attributes.

    Yields
    ------
    zarr.Array
        The variable, to be assigned to; what is never written reads as NaN, or as 0 where there is no NaN.
    Path
        The unfinished folder.

    Raises
    ------
    OutputExists
        If there is something at `path`.
    InvalidInput
        If `dataset` cannot be stored or has other sizes, or the parent folder is missing.
    """
    with staging(path) as folder:
        rest, told = storable(dataset), plain_attributes(attrs, "attrs")
        if any(rest.sizes.get(dim, size) != size for dim, size in sizes.items()):
            raise InvalidInput("dataset", got=f"dims {dict(rest.sizes)}", expected=f"dims that fit {dict(sizes)}")
        write_dataset(rest, folder)
        stored = zarr.create_array(
            folder,
            name=name,
            shape=tuple(sizes.values()),
            dtype=dtype,
            chunks=tuple(min(chunks[dim], max(1, size)) for dim, size in sizes.items()),
            compressors=codec(),
            fill_value=fill_value(dtype),
            dimension_names=tuple(sizes),
            attributes=told,
        )
        yield stored, folder
