"""Datasets into Zarr groups: what is in memory at once, what is lazy block by block."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast
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
from netxr.errors import InvalidInput
from netxr.store.layout import codec, encoding, fill_value, plain_attributes, storable
from netxr.store.staging import PathLike, staging

T = TypeVar("T")

WHOLE_CHUNKS: Final[Any] = {"write_empty_chunks": True}
"""A chunk of nothing but NaN or zero is written too: then one that is missing has been lost."""


class Region(NamedTuple):
    """Values and their place in a stored array.

    Parameters
    ----------
    array : zarr.Array
        The stored array.
    start : sequence of int
        Where the first value goes.
    values : ndarray or dask array
        The values; dask blocks shall not share a stored chunk.
    """

    array: "zarr.Array[Any]"
    start: Sequence[int]
    values: Any


def write_dataset(dataset: xr.Dataset, store: Path | Store, *, group: str | None = None) -> None:
    """Write what `storable` returned as a new group of a folder or a Zarr store."""
    lazy = {str(name): _coded(variable) for name, variable in dataset.variables.items() if variable.chunks is not None}
    dataset = dataset.assign(lazy)
    told = {name: encoding(variable) for name, variable in dataset.variables.items()}

    def create() -> None:
        """Write metadata and what is in memory."""
        # With mode "a", because a folder that is being made exists already, and a store may be a transaction.
        dataset.to_zarr(
            store,
            group=group,
            mode="a",
            zarr_format=3,
            consolidated=False,
            encoding=told,
            compute=False,
            write_empty_chunks=True,
        )

    _in_waited_pool(create)
    write_regions(
        [
            Region(stored_array(store, f"{group}/{name}" if group else name), [0] * one.ndim, one.data)
            for name, one in lazy.items()
        ]
    )


def consolidate_store(store: Store) -> None:
    """Let the root of a Zarr store that is no folder carry a copy of all metadata, if that is of use there."""
    if store.supports_consolidated_metadata and store.supports_listing:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # that Zarr 3 does not describe it yet
            zarr.consolidate_metadata(store)


def write_regions(regions: Sequence[Region]) -> None:
    """Write values into stored arrays, lazy ones block by block in one pass; how far it is, is told.

    What listens to `netxr.progress` hears of the bytes that are written.
    """
    if not regions:
        return
    run, total = uuid4().hex, sum(region.values.nbytes for region in regions)
    targets = [_ToldTarget(region.array, f"{number}", run, total) for number, region in enumerate(regions)]
    places = [
        tuple(slice(first, first + n) for first, n in zip(region.start, region.values.shape, strict=True))
        for region in regions
    ]
    lazy = da.store(
        [_lazy(region.values) for region in regions],
        targets,  # type: ignore[arg-type]
        lock=False,
        regions=places,
        compute=False,
    )
    with ThreadPoolExecutor(_threads()) as pool:
        dask.base.compute(lazy, pool=pool)  # type: ignore[no-untyped-call]


def _lazy(values: Any) -> da.Array:
    """Return values as a dask array, those in memory as one block: others might share a stored chunk."""
    if not isinstance(values, da.Array):
        values = da.from_array(values, chunks=-1, name=False)  # type: ignore[no-untyped-call]
    return cast(da.Array, values)


def _coded(variable: xr.Variable) -> xr.Variable:
    """Return a variable as its values are written, dates as numbers; NaN stands for itself."""
    coded = xr.conventions.encode_cf_variable(variable)
    if variable.dtype.kind == "f":
        coded.attrs.pop("_FillValue", None)
    return coded


def stored_array(store: Path | Store, path: str) -> "zarr.Array[Any]":
    """Return a stored array to write to, every chunk of it."""
    array = zarr.open_array(store, path=path, mode="r+")
    return zarr.Array(zarr.AsyncArray(array.metadata, array.store_path, config=WHOLE_CHUNKS))


def _threads() -> int:
    """Return how many blocks are written side by side."""
    return dask.config.get("num_workers", None) or CPU_COUNT


def _in_waited_pool(work: Callable[[], T]) -> T:
    """Do work in a thread that is waited for when an exception or Ctrl-C comes: none writes on after it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


class _ToldTarget:
    """A stored array that tells how much has been written to it."""

    def __init__(self, array: "zarr.Array[Any]", name: str, run: str, total: int) -> None:
        self.array, self.name, self.run, self.total = array, name, run, total

    def __setitem__(self, place: Any, values: NDArray[Any]) -> None:
        """Write, then tell."""
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
    """Make an array in the folder of a group and return it, to be assigned to, every chunk of it."""
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
        fitted = {dim: min(chunks[dim], max(1, size)) for dim, size in sizes.items()}
        yield empty_array(folder, name, sizes=sizes, chunks=fitted, dtype=dtype, attrs=told), folder
