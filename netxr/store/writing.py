"""Datasets into Zarr groups: what is in memory at once, what is lazy block by block."""

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
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
from netxr.compat import array_of_all_chunks, put_bytes
from netxr.errors import InvalidInput
from netxr.store.checksums import terms_at_end
from netxr.store.growing import GrowingArray
from netxr.store.keys import Index, Terms
from netxr.store.layout import codec, encoding, fill_value, is_cut_short, marked, plain_attributes, storable
from netxr.store.metadata import DOCUMENT, ROOT, read_document, with_copy
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


def write_dataset(dataset: xr.Dataset, store: Path | Store, *, group: str | None = None) -> Terms:
    """Write what `storable` returned as a new group of a folder or a Zarr store.

    Return what chunks of a folder add to the sums of their arrays, as far as it is known from their values.
    """
    lazy = {str(name): _coded(variable) for name, variable in dataset.variables.items() if variable.chunks is not None}
    dataset = dataset.assign({name: stand_in(one) for name, one in lazy.items()})
    with ThreadPoolExecutor(1) as pool:  # its end is waited for when Ctrl-C comes: no thread writes on after it
        pool.submit(create_arrays, dataset, store, group).result()
    arrays = {name: _new_array(store, group, name) for name in lazy}
    write_regions([Region(arrays[name], [0] * one.ndim, one.data) for name, one in lazy.items()])
    terms = {name: array.terms for name, array in arrays.items() if isinstance(array, GrowingArray)}
    return terms | _terms_in_memory(dataset, store) if isinstance(store, Path) else {}


def _new_array(store: Path | Store, group: str | None, name: str) -> Writable:
    """Return an array of a new group to write to."""
    if isinstance(store, Path):
        return GrowingArray(store, name, None, read_document(store / name))
    return stored_array(store, f"{group}/{name}" if group else name)


def _terms_in_memory(dataset: xr.Dataset, folder: Path) -> dict[str, dict[Index, int]]:
    """Return what chunks add to sums that reach beyond their arrays: they would have to be decoded again."""
    plain = {name: one for name, one in dataset.variables.items() if one.chunks is None and one.dtype.kind in "iufc"}
    beyond = {str(name): one.values for name, one in plain.items() if one.dtype.isnative and is_cut_short(one)}
    return {name: terms_at_end(folder / name, values) for name, values in beyond.items()}


def create_arrays(
    dataset: xr.Dataset,
    store: Path | Store,
    group: str | None = None,
    *,
    encodings: Mapping[Hashable, Mapping[str, Any]] | None = None,
) -> None:
    """Write metadata, and values that are in memory; lazy ones are left out.

    Variables are encoded as a store has them, if `encodings` says nothing else.
    """
    marked(dataset).to_zarr(
        store,
        group=group,
        mode="a",  # a folder that is being made exists already, and a store may be a transaction
        zarr_format=3,
        consolidated=False,
        encoding=encodings or {name: encoding(variable) for name, variable in dataset.variables.items()},
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
        group = zarr.open_group(store, mode="r+", use_consolidated=False)
        known = {ROOT: group.metadata.to_dict()}
        for path, member in group.members(max_depth=None):
            about = member.metadata.to_dict()
            known[path] = with_copy({ROOT: about}) if isinstance(member, zarr.Group) else about
        # Zarr's own function warns each time that version 3 of Zarr does not describe the copy yet.
        put_bytes(store, DOCUMENT, json.dumps(with_copy(known)).encode())


def write_regions(regions: Sequence[Region]) -> None:
    """Write values into stored arrays, lazy ones block by block in one pass; the bytes written are reported."""
    run, total = uuid4().hex, sum(region.values.nbytes for region in regions)
    targets = [_Target(region.array, f"{number}", run, total) for number, region in enumerate(regions)]
    places = [
        tuple(slice(first, first + n) for first, n in zip(region.start, region.values.shape, strict=True))
        for region in regions
    ]
    each = list(zip(targets, places, [region.values for region in regions], strict=True))
    in_memory = [one for one in each if not isinstance(one[2], da.Array)]
    with ThreadPoolExecutor(dask.config.get("num_workers", None) or CPU_COUNT) as pool:
        # Those in memory are one block: several might share a stored chunk.
        list(pool.map(lambda one: one[0].__setitem__(one[1], one[2]), in_memory))
        if lazy := [one for one in each if isinstance(one[2], da.Array)]:
            to, at, values = map(list, zip(*lazy, strict=True))
            computed(da.store(values, to, lock=False, regions=at, compute=False), pool=pool)


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

    `dataset` is everything but that variable. The variable, every chunk of which has to be written, and the unfinished
    folder are yielded. It appears on a clean exit; on any exception nothing stays behind. Raises OutputExists if there
    is something at `path`. Raises InvalidInput if `dataset` cannot be stored or has other sizes, or the parent folder
    is missing.
    """
    with staging(path) as folder:
        rest, plain = storable(dataset), plain_attributes(attrs, "attrs")
        if any(rest.sizes.get(dim, size) != size for dim, size in sizes.items()):
            raise InvalidInput("dataset", got=f"dims {dict(rest.sizes)}", expected=f"dims that fit {dict(sizes)}")
        write_dataset(rest, folder)
        fitted = {dim: min(chunks[dim], max(1, size)) for dim, size in sizes.items()}
        yield empty_array(folder, name, sizes=sizes, chunks=fitted, dtype=dtype, attrs=plain), folder
