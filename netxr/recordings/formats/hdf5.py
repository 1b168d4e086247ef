"""HDF5 files of any origin: their arrays by path, lazily; what other formats in HDF5 share."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr.compat import optional
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.lazy import Box, lazy_array
from netxr.recordings.formats.recognition import content_of
from netxr.recordings.formats.text.table import Table
from netxr.schema.variables import NUMBER_KINDS
from netxr.schema.warned import warn

CODED: Final = ("_FillValue", "missing_value", "scale_factor", "add_offset")
"""Attributes of an array that say what its numbers stand for."""

MOST_NAMED: Final = 30
"""Arrays that a message lists."""


def read(path: Path, name: str | None = None) -> Table:
    """Return one array of an HDF5 file by its path in it, such as "session/traces"; a block is read when it is needed.

    Without a name, the file must have exactly one array of two or three axes. Its attributes `_FillValue`,
    `missing_value`, `scale_factor` and `add_offset` count, as in netCDF. Raises InvalidInput if `name` is needed,
    or is not that of an array of numbers.
    """
    with opened(path) as file:
        if isinstance(name, str) and is_array(named := file.get(name.strip("/") or "/")):
            return Table(_decoded(path, named))
        arrays = {place: node for place, node in nodes_of(file).items() if is_array(node)}
        numbers = {place: node.shape for place, node in arrays.items() if node.dtype.kind in NUMBER_KINDS}
        return Table(_decoded(path, arrays[choose(path, name, numbers)]))


def _decoded(path: Path, dataset: Any) -> da.Array:
    """Return the samples that stored numbers stand for, by the attributes of netCDF for gaps, scale and offset."""
    stored = lazy_dataset(path, dataset)
    said = {name: np.ravel(dataset.attrs[name])[0] for name in CODED if name in dataset.attrs}
    if not said:
        return stored
    coded = xr.Variable([f"axis {k}" for k in range(stored.ndim)], stored, said)
    samples: da.Array = xr.conventions.decode_cf_variable(dataset.name, coded, decode_times=False).data
    return samples


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading, as an ``h5py.File``; whatever h5py raises meanwhile is an UnreadableFile."""
    if content_of(path) != "hdf5":
        raise UnreadableFile(path, "it does not begin as an HDF5 file does", fix="Was it cut off, or renamed?")
    h5py = optional("h5py", what=f"Reading {path}, an HDF5 file,", extra="io")
    with readable_as("HDF5", path), h5py.File(path, "r") as file:
        yield file


def lazy_dataset(path: Path, dataset: Any) -> da.Array:
    """Return an array of an opened HDF5 file as a lazy array of numbers.

    Raises UnreadableFile if it holds no real numbers, is empty, or was cut off. Warns where a part of it was never
    written, as when a recording stopped early.
    """
    path, name = Path(dataset.file.filename), dataset.name.strip("/")  # a link may lead to another file
    if dataset.dtype.kind not in NUMBER_KINDS:
        raise UnreadableFile(path, f"{name} holds {dataset.dtype}, not real numbers")
    if not dataset.shape or 0 in dataset.shape:
        raise UnreadableFile(path, f"{name} is empty, or a single number (shape {dataset.shape})")
    _check_whole(path, dataset)
    _warn_if_unwritten(path, dataset)
    dtype = dataset.dtype.newbyteorder("=")
    return lazy_array(read_box, path, name, shape=dataset.shape, dtype=dtype, own_chunks=dataset.chunks)


def read_box(path: Path, name: str, box: Box) -> NDArray[Any]:
    """Return a box of an array of an HDF5 file, which is opened and closed for it."""
    with optional("h5py", what=f"Reading {path}, an HDF5 file,", extra="io").File(path, "r") as file:
        samples: NDArray[Any] = file[name][box]
        return samples


def nodes_of(group: Any) -> dict[str, Any]:
    """Return all groups and arrays below a group by their path from there, each once, links left out."""
    found: dict[str, Any] = {}
    group.visititems(lambda name, node: found.update({name: node}))
    return found


def is_array(node: Any) -> bool:
    """Say whether a node is an array with axes or a single number, not a group, nor an array of nothing."""
    return isinstance(getattr(node, "shape", None), tuple) and hasattr(node, "dtype")


def text_of(value: Any) -> str:
    """Return text as HDF5 files hold it, in an attribute or as the only entry of an array."""
    one = value[()] if is_array(value) and not isinstance(value, np.generic) else value
    return one.decode(errors="replace") if isinstance(one, bytes) else str(one)


def choose(path: object, name: str | None, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Return the array of that name, or the only one of two or three axes, by the shapes of all arrays of numbers.

    Raises InvalidInput with the names and shapes that there are.
    """
    if name in shapes:
        return str(name)
    tables = [place for place, shape in shapes.items() if len(shape) in (2, 3) and sorted(shape)[-2] > 1]
    if name is None and len(tables) == 1:
        return tables[0]
    listed = [f"{place} ({' x '.join(map(str, shape)) or 'one number'})" for place, shape in shapes.items()]
    there = ", ".join(listed[:MOST_NAMED]) + (f" and {len(listed) - MOST_NAMED} more" * (len(listed) > MOST_NAMED))
    raise InvalidInput(
        "name", got=repr(name), expected=f"the name of an array of numbers; {path} has {there or 'none'}"
    )


def _check_whole(path: Path, dataset: Any) -> None:
    """Raise if not all of an array is there: bytes that its shape counts, or files that it is put together from."""
    stored = dataset.id.get_storage_size()
    if dataset.chunks is None and 0 < stored < dataset.nbytes:
        reason = f"{dataset.name} declares {dataset.nbytes} bytes (shape {dataset.shape}), and holds {stored}"
        raise UnreadableFile(path, reason, fix="The file is damaged: copy it again.")
    for source in dataset.virtual_sources() if dataset.is_virtual else ():
        # HDF5 itself reads what is not there as zeros.
        if source.file_name != "." and "%" not in source.file_name and not (path.parent / source.file_name).exists():
            raise UnreadableFile(path, f"{dataset.name} lies in {source.file_name}, which is not there")


def _warn_if_unwritten(path: Path, dataset: Any) -> None:
    """Warn if chunks of an array were never written, and are read as numbers all the same."""
    if dataset.chunks is None or np.isnan(dataset.fillvalue):
        return
    expected = prod(-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    missing = expected - dataset.id.get_num_chunks()
    if missing > 0:
        text = (
            f"{path}: {missing:,} of {expected:,} chunks of {dataset.name} were never written, and are read as "
            f"{dataset.fillvalue}. Fix: if the recording stopped early, leave its end out, e.g. .isel(time=slice(...))."
        )
        warn(text, stacklevel=3)
