"""Arrays in files as dask arrays: a block is read when it is asked for, and no file stays open between."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from netxr.errors import NetxrError, UnreadableFile, one_line

Box = tuple[slice, ...]
"""A start and a stop on each axis; its step is 1."""

Reader = Callable[[Path, str, Box], NDArray[Any]]
"""Opens a file, returns a box of the array of that name, and closes the file; a function of a module, to be pickled."""

BLOCK_BYTES: Final = 8 * 2**20
"""What a block takes at most, unless a single chunk of the file takes more."""

MOST_BLOCKS: Final = 2**17
"""An array of more blocks (1 TB) is taken for a damaged header."""


@dataclass(frozen=True)
class FileArray:
    """An array in a file, of which boxes are read by index as from a NumPy array."""

    path: Path
    name: str
    """Which array of the file; empty where it holds one."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Reader
    """(path, name, box) -> the samples of the box."""
    stamp: tuple[int, int]
    """Size and time of change of the file when it was opened: what was changed since is not read."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Return what `index`, an integer, slice or array of integers an axis, selects.

        Raises UnreadableFile if the file is gone, changed or damaged, with the box that could not be read.
        """
        box, rest = _box_of(index, self.shape)
        wanted = tuple(one.stop - one.start for one in box)
        if 0 in wanted:
            return _selected(np.empty(wanted, self.dtype), rest)
        try:
            if stamp_of(self.path) != self.stamp:
                raise UnreadableFile(self.path, "it was changed after it was opened", fix="Open it again.")
            samples = np.asarray(self.read(self.path, self.name, box))
        except NetxrError:
            raise
        except Exception as error:  # what a damaged file makes the libraries below stumble over
            reason = f"{_place(self.name, box)} cannot be read ({one_line(error)})"
            raise UnreadableFile(self.path, reason, fix="The file is damaged there; copy it again.") from error
        if samples.shape != wanted:
            raise UnreadableFile(self.path, f"{_place(self.name, box)} has shape {samples.shape}, not {wanted}")
        return _selected(samples, rest).astype(self.dtype, copy=False)


def lazy_array(
    read: Reader,
    path: Path,
    name: str,
    *,
    shape: tuple[int, ...],
    dtype: Any,
    own_chunks: tuple[int, ...] | None = None,
) -> da.Array:
    """Return an array in a file as a dask array in blocks of about 8 MB, of whole chunks of the file if it has them.

    Its token is that of file, name and time of change: the same at every opening of an unchanged file. `read` is at the
    top of a module. Raises UnreadableFile if the file is missing, or its array is too large to be true.
    """
    array = FileArray(path.absolute(), name, tuple(map(int, shape)), np.dtype(dtype), read, stamp_of(path))
    block = block_shape(array.shape, array.dtype.itemsize, own_chunks)
    if prod(-(-size // step) for size, step in zip(array.shape, block, strict=True)) > MOST_BLOCKS:
        raise UnreadableFile(path, f"{name or 'its array'} claims to have shape {array.shape}", fix="Is it damaged?")
    meta = np.empty((0,) * array.ndim, dtype=array.dtype)
    return da.from_array(array, chunks=block, meta=meta, inline_array=True)  # type: ignore[no-untyped-call, no-any-return]


def block_shape(shape: tuple[int, ...], itemsize: int, own_chunks: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Return the shape of blocks of at most 8 MB, or one chunk of the file: the longest axis is cut first.

    Where the file has no chunks, pieces are powers of two long, as stored chunks are: saving only splits blocks then.

    Examples
    --------
    >>> block_shape((1_000_000, 100), 4)
    (16384, 100)
    >>> block_shape((1_000_000, 100), 4, own_chunks=(1000, 10))
    (16000, 100)
    """
    chunk = [min(one, size) or 1 for one, size in zip(own_chunks or (1,) * len(shape), shape, strict=True)]
    block = list(chunk)
    for axis in sorted(range(len(shape)), key=lambda axis: shape[axis]):
        fit = max(1, BLOCK_BYTES // (prod(block) * itemsize))
        block[axis] = max(1, min(chunk[axis] * 2 ** (fit.bit_length() - 1), shape[axis]))
    return tuple(block)


def stamp_of(path: Path) -> tuple[int, int]:
    """Return size and time of change of a file, or raise UnreadableFile if there is none."""
    try:
        known = path.stat()
    except OSError as error:
        raise UnreadableFile(path, f"there is no such file ({error.strerror})") from error
    return known.st_size, known.st_mtime_ns


def _place(name: str, box: Box) -> str:
    """Say which box of which array."""
    return f"{name or 'its array'}[{', '.join(f'{one.start}:{one.stop}' for one in box)}]"


def _box_of(index: Any, shape: tuple[int, ...]) -> tuple[Box, list[Any]]:
    """Return the box that holds all that `index` selects, and what to select of each axis of the box."""
    entries = index if isinstance(index, tuple) else (index,)
    box, rest = [], list[Any]()
    for entry, size in zip((*entries, *(slice(None),) * (len(shape) - len(entries))), shape, strict=True):
        if isinstance(entry, slice):
            chosen = range(size)[entry]
            ends = (chosen[0], chosen[-1]) if chosen else (0, -1)
            rest.append(slice(None, None, entry.step))
        else:
            numbers = np.asarray(entry, dtype=np.int64) % size
            ends = (int(numbers.min()), int(numbers.max())) if numbers.size else (0, -1)
            rest.append(numbers - ends[0])
        box.append(slice(min(ends), max(ends) + 1) if ends != (0, -1) else slice(0, 0))
    return tuple(box), rest


def _selected(samples: NDArray[Any], rest: list[Any]) -> NDArray[Any]:
    """Return a selection of each axis, the last axis first: an integer drops its own."""
    for axis, entry in reversed(list(enumerate(rest))):
        samples = samples[(slice(None),) * axis + (entry,)]
    return samples
