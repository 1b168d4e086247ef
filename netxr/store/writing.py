"""Datasets into Zarr groups: what is in memory at once, what is lazy block by block."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from uuid import uuid4

import dask
import dask.array as da
import numpy as np
import xarray as xr
import zarr
from dask.system import CPU_COUNT
from numpy.typing import NDArray
from zarr.abc.codec import BytesBytesCodec
from zarr.abc.store import Store

from netxr.blocks.progress import Part, report
from netxr.blocks.schedulers import computed
from netxr.compat import array_of_all_chunks
from netxr.errors import InvalidInput
from netxr.store.layout import codec, encoding, fill_value, plain_attributes, storable
from netxr.store.staging import PathLike, staging

WHOLE_CHUNKS: Final[Any] = {"write_empty_chunks": True}
"""A chunk of nothing but NaN or zero is written too: then one that is missing has been lost."""


class Writable(Protocol):
    """An array on disk, as far as those who write to it know it."""

    @property
    def chunks(self) -> tuple[int, ...]:
        """Entries in a chunk along each dim."""

    def __setitem__(self, part: Any, values: Any) -> None:
        """Write values to a part."""


class Region(NamedTuple):
    """Values (ndarray or dask array), and where in a stored array the first one goes.

    No two dask blocks may share a stored chunk.
    """

    array: Writable
    start: Sequence[int]
    values: Any


def write_dataset(dataset: xr.Dataset, store: Path | Store, *, group: str | None = None) -> None:
    """Write what `storable` returned as a new group of a folder or a Zarr store."""
    lazy = {str(name): _coded(variable) for name, variable in dataset.variables.items() if variable.chunks is not None}
    dataset = dataset.assign({name: stand_in(one) for name, one in lazy.items()})
    with ThreadPoolExecutor(1) as pool:  # its end is waited for when Ctrl-C comes: no thread writes on after it
        pool.submit(create_arrays, dataset, store, group).result()
    write_regions(
        [
            Region(stored_array(store, f"{group}/{name}" if group else name), [0] * one.ndim, one.data)
            for name, one in lazy.items()
        ]
    )


def create_arrays(dataset: xr.Dataset, store: Path | Store, group: str | None = None) -> None:
    """Write metadata, and values that are in memory; lazy ones are left out."""
    dataset.to_zarr(
        store,
        group=group,
        mode="a",  # a folder that is being made exists already, and a store may be a transaction
        zarr_format=3,
        consolidated=False,
        encoding={name: encoding(variable) for name, variable in dataset.variables.items()},
        compute=False,
        write_empty_chunks=True,
    )


def stand_in(variable: xr.Variable) -> xr.Variable:
    """Return a variable with lazy zeros in the place of its values, of which xarray would put together the graph."""
    zeros = da.zeros(variable.shape, dtype=variable.dtype, chunks=-1)
    return xr.Variable(variable.dims, zeros, variable.attrs, variable.encoding)


def consolidate_store(store: Store) -> None:
    """Put a copy of all metadata into the root of a Zarr store that is no folder, where the store allows it."""
    if store.supports_consolidated_metadata and store.supports_listing:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # that Zarr 3 does not describe it yet
            zarr.consolidate_metadata(store)


def write_regions(regions: Sequence[Region]) -> None:
    """Write values into stored arrays, lazy ones block by block in one pass; the bytes written are reported."""
    if not regions:
        return
    run, total = uuid4().hex, sum(region.values.nbytes for region in regions)
    targets = [_Target(region.array, f"{number}", run, total) for number, region in enumerate(regions)]
    places = [
        tuple(slice(first, first + n) for first, n in zip(region.start, region.values.shape, strict=True))
        for region in regions
    ]
    # Values in memory are one block: several might share a stored chunk.
    values: list[Any] = [
        each if isinstance(each, da.Array) else da.from_array(each, chunks=-1, name=False)  # type: ignore[no-untyped-call]
        for _, _, each in regions
    ]
    lazy = da.store(values, targets, lock=False, regions=places, compute=False)  # type: ignore[arg-type]
    with ThreadPoolExecutor(dask.config.get("num_workers", None) or CPU_COUNT) as pool:
        computed(lazy, pool=pool)


def _coded(variable: xr.Variable) -> xr.Variable:
    """Return a variable as its values are written, dates as numbers; NaN stands for itself."""
    coded = xr.conventions.encode_cf_variable(variable)
    if variable.dtype.kind == "f":
        coded.attrs.pop("_FillValue", None)
    return coded


def stored_array(store: Path | Store, path: str) -> "zarr.Array[Any]":
    """Return a stored array to write to, every chunk of it."""
    array = zarr.open_array(store, path=path, mode="r+")
    whole: zarr.Array[Any] = array_of_all_chunks(array.metadata, array.store_path)
    return whole


class _Target:
    """A stored array that reports how much is written to it."""

    def __init__(self, array: Writable, name: str, run: str, total: int) -> None:
        self.array, self.name, self.run, self.total = array, name, run, total

    def __setitem__(self, place: Any, values: NDArray[Any]) -> None:
        """Write, then report."""
        self.array[place] = values
        key = f"{self.name}:{[(each.start, each.stop) for each in place]}"
        report(Part(self.run, key, self.total), np.asarray(values).nbytes)


def empty_array(
    folder: Path,
    name: str,
    *,
    sizes: Mapping[str, int],
    chunks: Mapping[str, int],
    dtype: np.dtype[Any],
    attrs: Mapping[str, Any],
    compressors: Sequence[BytesBytesCodec] | None = None,
) -> "zarr.Array[Any]":
    """Make an array in the folder of a group and return it; every chunk of it has to be written."""
    return zarr.create_array(
        folder,
        name=name,
        shape=tuple(sizes.values()),
        dtype=dtype,
        chunks=tuple(chunks[dim] for dim in sizes),
        compressors=codec() if compressors is None else compressors,
        fill_value=fill_value(dtype),
        dimension_names=tuple(sizes),
        attributes=dict(attrs),
        config=WHOLE_CHUNKS,
    )


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
    """Make a store in which the caller fills one variable block by block, in bounded memory.

    It appears on a clean exit; on any exception nothing stays behind.

    Parameters
    ----------
    path : path-like
        The folder to make.
    dataset : Dataset
        Everything but that variable.
    name, sizes, chunks, dtype, attrs
        Of the variable: dims in order with their sizes, and with the sizes of stored chunks.

    Yields
    ------
    zarr.Array
        The variable; every chunk of it has to be written.
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
        rest, plain = storable(dataset), plain_attributes(attrs, "attrs")
        if any(rest.sizes.get(dim, size) != size for dim, size in sizes.items()):
            raise InvalidInput("dataset", got=f"dims {dict(rest.sizes)}", expected=f"dims that fit {dict(sizes)}")
        write_dataset(rest, folder)
        fitted = {dim: min(chunks[dim], max(1, size)) for dim, size in sizes.items()}
        yield empty_array(folder, name, sizes=sizes, chunks=fitted, dtype=dtype, attrs=plain), folder
