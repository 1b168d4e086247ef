"""Output that appears whole or not at all: Zarr folders that are written beside their place, then renamed."""

import errno
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from os import PathLike as OsPathLike
from os import path as os_path
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from netxr.commits import locked, space_needed, unfinished_beside, unfinished_name
from netxr.errors import InvalidInput, OutputExists, StoreBusy
from netxr.layout import codec, fill_value, plain_attributes, storable
from netxr.schema.arguments import check_path
from netxr.writing import WHOLE_CHUNKS, write_dataset

PathLike = str | OsPathLike[str]


@contextmanager
def staging(path: PathLike) -> Iterator[Path]:
    """Yield a hidden folder beside `path` that becomes `path` on a clean exit and goes away on any other.

    What writers that were killed left beside `path` is removed. What the caller lets appear earlier stays.

    Raises
    ------
    OutputExists
        If there is something at `path`.
    InvalidInput
        If its parent folder is missing, or closed to the writer.
    DiskFull
        If there is no room.
    """
    final = check_path("path", path)
    _check_vacant(final)
    with space_needed(final), ExitStack() as held:
        if not final.parent.is_dir():
            raise InvalidInput(
                "path", got=str(path), expected="a place in a folder that exists", fix=f"Make {final.parent}."
            )
        left = unfinished_beside(final)
        _check_vacant(final)  # of a store that has appeared meanwhile, they might be metadata on their way
        remove_abandoned(left)
        unfinished = _new_folder(final, held)
        try:
            yield unfinished
            if unfinished.exists():  # it may have appeared before
                appear(unfinished, final)
        except BaseException:
            _remove(unfinished)
            raise


def _new_folder(final: Path, held: ExitStack) -> Path:
    """Make a hidden folder beside `final` and lock it."""
    while True:
        unfinished = unfinished_name(final)
        unfinished.mkdir()
        # Before it was locked, another writer may have taken it for one that was abandoned.
        with suppress(StoreBusy, FileNotFoundError):
            held.enter_context(locked(unfinished))
            if unfinished.exists():
                return unfinished


def remove_abandoned(entries: Iterable[Path]) -> None:
    """Remove what writers that are gone left beside a store; the caller holds its lock, if there is such a store."""
    for entry in entries:
        with suppress(StoreBusy, FileNotFoundError):
            if entry.is_dir():
                with locked(entry):
                    shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def appear(unfinished: Path, final: Path) -> None:
    """Give a finished folder its name.

    Raises
    ------
    OutputExists
        If there is something at `final`.
    """
    _check_vacant(final)
    try:
        unfinished.rename(final)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):  # another writer was a moment faster
            raise OutputExists(final) from None
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
        The variable, to be assigned to, every chunk of it.
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
            config=WHOLE_CHUNKS,
        )
        yield stored, folder
