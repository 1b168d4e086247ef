"""How a dataset lies in Zarr: the order of dims, chunks, codec, text and attributes.

Only metadata and text are looked at; no sample is read or copied.
"""

import json
from collections.abc import Hashable, Mapping
from math import log2
from reprlib import repr as shortened
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.axis import axis_of, even_times
from netxr.schema.clock import CLOCK, in_step
from netxr.schema.provenance import first_saved
from netxr.schema.variables import ACTIVITY_SPEC, CONNECTIVITY_SPEC, NUMBER_KINDS, check_blocks

CHUNK_BYTES: Final = 5e6
"""About the size of a chunk of activity: reads run at full speed, and a few chunks fit in any memory."""

MATRIX_BYTES: Final = 100e6
"""The largest chunk of any other variable; larger matrices are split along their rows."""

TEXT_KINDS: Final = "OUT"
STORABLE_KINDS: Final = "biufcmM"

LONGEST_NAME: Final = 200
"""Bytes in the name of a variable: names of folders may have 255, and hidden ones are longer."""

DATE_UNITS: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
"""The units of dates that xarray has, and what the CF conventions call them."""

# xarray decodes by these: left in place, they would change values on reading.
DEEPEST: Final = 100
"""Lists and dicts of an attribute that may lie in one another: Zarr and Python go through them by recursion."""

RESERVED_ATTRIBUTES: Final = frozenset({"_FillValue", "missing_value", "scale_factor", "add_offset", "coordinates"})

# xarray decodes by some values of these.
DECODED_BY: Final = frozenset({"units", "calendar", "dtype", "_Unsigned"})

DURATIONS: Final = xr.coders.CFTimedeltaCoder(decode_via_units=False)
"""Numbers in seconds stay numbers: xarray before 2026.4 would decode them as durations."""

# They describe samples on disk, and are written anew.
COMPACT_ATTRIBUTES: Final = frozenset({n.COMPACT, n.COMPACT_DTYPE, n.COMPACT_EFFECT, n.COMPACT_NOTE})


def steps_per_chunk(n_neurons: int, dtype: npt.DTypeLike) -> int:
    """Return how many samples of all neurons make a stored chunk of about 5 MB: a power of two, at least 1.

    Examples
    --------
    >>> steps_per_chunk(1000, "float32")
    1024
    """
    samples = CHUNK_BYTES / (n_neurons * np.dtype(dtype).itemsize)
    return int(2 ** max(0, round(log2(samples))))


def storable(dataset: xr.Dataset, *, event: str = "save") -> xr.Dataset:
    """Return a copy of `dataset` in the order, chunks and types of the store, with provenance.

    `event` is the first line of its history. What Zarr cannot store is an error.
    """
    if isinstance(dataset, xr.DataArray):
        fix = f"Name it: .to_dataset(name={str(dataset.name or 'estimate')!r})."
        raise InvalidInput("dataset", got="a DataArray", expected="a Dataset", fix=fix)
    if not isinstance(dataset, xr.Dataset):
        raise InvalidInput("dataset", got=type(dataset).__name__, expected="a Dataset")
    for name, variable in dataset.variables.items():
        check_blocks(variable, str(name))
    dataset = _folded(in_step(dataset))
    variables = {name: _storable_variable(name, variable) for name, variable in dataset.variables.items()}
    return xr.Dataset(
        {name: variables[name] for name in dataset.data_vars},
        coords={name: variables[name] for name in dataset.coords},
        attrs=plain_attributes(first_saved(_clock_in(dataset) | dataset.attrs, event), "attrs"),
    )


def _clock_in(dataset: xr.Dataset) -> dict[str, Any]:
    """Return what the attributes of the activity say of its clock, which those who list stores look for at the root."""
    attrs = dataset[n.ACTIVITY].attrs if n.ACTIVITY in dataset else {}
    return {name: attrs[name] for name in CLOCK if name in attrs}


def _folded(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose evenly spaced times are an attribute."""
    axis = axis_of(dataset)
    if axis is None:
        return dataset
    attrs = plain_attributes(dataset[n.TIME].attrs, f"attrs of {n.TIME}")
    rest = dataset.drop_vars(n.TIME)
    rest.attrs = {n.TIME_AXIS: json.dumps({"start": axis.start, "interval": axis.step, "attrs": attrs})} | rest.attrs
    return rest


def unfolded(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose evenly spaced times are a coordinate again."""
    rest = dataset.copy(deep=False)
    text = rest.attrs.pop(n.TIME_AXIS, None)
    if text is None or n.TIME not in rest.dims or n.TIME in rest.coords:
        return rest
    axis = json.loads(text)
    return rest.assign_coords(even_times(axis["start"], axis["interval"], rest.sizes[n.TIME], axis["attrs"]))


def has_blank(name: Hashable) -> bool:
    """Return whether a name has white space, which ends a name in the attribute in which xarray lists coordinates."""
    return any(map(str.isspace, str(name)))


def marked(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset in which a variable with a blank in its name says whether it is a coordinate, and is none."""
    names = [name for name, one in dataset.variables.items() if has_blank(name) and name not in one.dims]
    plain = dataset.reset_coords([name for name in names if name in dataset.coords])
    for name in names:
        plain[name].attrs[n.IS_COORDINATE] = int(name in dataset.coords)
    return plain


def with_marked(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset in which what is marked as a coordinate is one.

    Where a blank name is not marked, as by xarray itself, it is one if it says something of neurons or trials of which
    there is more.
    """
    names = [name for name, one in dataset.data_vars.items() if has_blank(name) and _is_coordinate(one, dataset)]
    whole = dataset.set_coords(names)
    for one in whole.variables.values():
        one.attrs.pop(n.IS_COORDINATE, None)
    return whole


def _is_coordinate(variable: xr.DataArray, dataset: xr.Dataset) -> bool:
    """Return whether a variable of a file is a coordinate that cannot be listed as one."""
    if n.IS_COORDINATE in variable.attrs:
        return bool(variable.attrs[n.IS_COORDINATE])
    dims = set(variable.dims)
    is_label = bool(dims) and (dims <= {n.NEURON, n.TRIAL} or dims in ({n.TARGET}, {n.SOURCE}))
    return is_label and any(dims < set(other.dims) for other in dataset.data_vars.values())


def _storable_variable(name: Hashable, variable: xr.Variable) -> xr.Variable:
    """Return a variable with dims in order, dask chunks as stored, text as Python strings, and plain attributes."""
    if not isinstance(name, str) or not _names_folder(name):
        got = f"a variable named {name!r:.80}"
        raise InvalidInput("dataset", got=got, expected="names that can be names of folders")
    variable = _in_order(name, variable)
    if variable.dtype.kind in TEXT_KINDS:
        data = _text(name, variable)
    elif not _is_storable(variable.dtype):
        fix = "Convert with .astype(float)." if variable.dtype.kind in NUMBER_KINDS else ""
        raise InvalidInput(name, got=f"dtype {variable.dtype}", expected="numbers, dates or text", fix=fix)
    elif any(map(np.isnan, variable.shape)):
        fix = "Call .compute_chunk_sizes() on its dask array."
        raise InvalidInput(name, got="chunks of unknown length", expected="known ones", fix=fix)
    else:
        # Two dask chunks in one stored chunk would be written at the same time, and one of them lost.
        data = (variable.chunk(_chunks(variable)) if variable.chunks else variable).data
    attrs = {each: value for each, value in variable.attrs.items() if each not in COMPACT_ATTRIBUTES}
    laid_out = xr.Variable(variable.dims, data, plain_attributes(attrs, f"attrs of {name}"))
    _check_read_alike(name, laid_out)
    return laid_out


def _check_read_alike(name: str, variable: xr.Variable) -> None:
    """Raise if xarray would decode values by an attribute, such as units of "days since 2000"."""
    units, dtype = (str(variable.attrs.get(each)) for each in ("units", "dtype"))
    decoded = "since" in units or dtype == "bool" or dtype.startswith("timedelta64") or "_Unsigned" in variable.attrs
    if variable.dtype.kind in NUMBER_KINDS and decoded:
        got = repr({each: value for each, value in variable.attrs.items() if each in DECODED_BY})
        expected = "attributes that xarray does not decode by"
        raise InvalidInput(f"attrs of {name}", got=got, expected=expected, fix="Rename or remove it.")


def _names_folder(name: str) -> bool:
    """Return whether an array of that name can have a folder of its own in the store."""
    plain = name not in ("", "zarr.json") and not name.startswith((".", "__")) and not set(name) & set("/\\\0")
    return plain and len(name.encode(errors="replace")) <= LONGEST_NAME


def _is_storable(dtype: Any) -> bool:
    """Return whether numbers or dates of a type have a place in Zarr; those of pandas' own types have none."""
    largest = 16 if dtype.kind == "c" else 8
    return isinstance(dtype, np.dtype) and dtype.kind in STORABLE_KINDS and dtype.itemsize <= largest


def _in_order(name: str, variable: xr.Variable) -> xr.Variable:
    """Return `variable` with its dims as its specification has them, or with a matrix in the last two."""
    for spec in (ACTIVITY_SPEC, CONNECTIVITY_SPEC):
        if name == spec.name:
            return variable.transpose(*spec.dims, *spec.optional_dims, ..., missing_dims="ignore")
    if {n.TARGET, n.SOURCE} <= set(variable.dims):
        return variable.transpose(..., n.TARGET, n.SOURCE)
    return variable


def _text(name: str, variable: xr.Variable) -> npt.NDArray[np.object_]:
    """Return text as Python strings, which Zarr stores at any length."""
    text = np.asarray(variable.values, dtype=object)
    for entry in text.flat:
        if not isinstance(entry, str):
            raise InvalidInput(
                name,
                got=f"{entry!r} among entries of dtype object",
                expected="text in every entry, or numbers in every entry",
                fix="Convert with .astype(str), number missing groups -1, or split a MultiIndex with .reset_index.",
            )
    return text


def _chunks(variable: xr.Variable) -> dict[Hashable, int]:
    """Return the stored chunk: all neurons by about 5 MB of time in one trial, else one matrix, else everything."""
    sizes: dict[Hashable, int] = {dim: max(1, size) for dim, size in variable.sizes.items()}
    one_each: dict[Hashable, int] = dict.fromkeys(sizes, 1)
    if {n.NEURON, n.TIME} <= set(sizes):
        # Codes have the chunks of their samples.
        dtype = variable.attrs.get(n.COMPACT_DTYPE, variable.dtype)
        steps = min(sizes[n.TIME], steps_per_chunk(sizes[n.NEURON], dtype))
        return one_each | {n.NEURON: sizes[n.NEURON], n.TIME: steps}
    matrix = {n.TARGET, n.SOURCE} if {n.TARGET, n.SOURCE} <= set(sizes) else set(sizes)
    return one_each | _last_dims_first({dim: size for dim, size in sizes.items() if dim in matrix}, variable.dtype)


def is_cut_short(variable: xr.Variable) -> bool:
    """Return whether stored chunks reach beyond the end of a variable."""
    return any(variable.sizes[dim] % size for dim, size in _chunks(variable).items())


def _last_dims_first(sizes: dict[Hashable, int], dtype: np.dtype[Any]) -> dict[Hashable, int]:
    """Return a chunk of at most `MATRIX_BYTES`, as large as possible along the last dims."""
    chunk: dict[Hashable, int] = {}
    room = int(MATRIX_BYTES / dtype.itemsize)
    for dim in reversed(sizes):
        chunk[dim] = max(1, min(sizes[dim], room))
        room //= chunk[dim]
    return chunk


def encoding(variable: xr.Variable) -> dict[str, Any]:
    """Return the encoding with which xarray writes a variable that `storable` made."""
    encoding: dict[str, Any] = {"chunks": tuple(_chunks(variable).values())} if variable.dims else {}
    encoding["compressors"] = codec() if variable.dtype.kind in STORABLE_KINDS else (ZstdCodec(), Crc32cCodec())
    if variable.dtype.kind == "f":
        # NaN is stored as NaN and needs no mask on reading.
        encoding |= {"_FillValue": None, "fill_value": fill_value(variable.dtype)}
    elif variable.dtype.kind == "M":  # counted in its own unit, in which it is read again
        unit = DATE_UNITS[np.datetime_data(variable.dtype)[0]]
        encoding |= {"units": f"{unit} since 1970-01-01", "calendar": "proleptic_gregorian", "dtype": "int64"}
    elif n.COMPACT_DTYPE in variable.attrs:
        encoding["fill_value"] = variable.attrs["_FillValue"]
    return encoding


def fill_value(dtype: np.dtype[Any]) -> float | int:
    """Return the value of entries that were never written: NaN if the type has it."""
    return np.nan if dtype.kind == "f" else 0


def codec() -> tuple[BytesBytesCodec, ...]:
    """Return the codec of numbers: faster than none, with a checksum that every read checks."""
    return BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle"), Crc32cCodec()


def plain_attributes(attrs: Mapping[Any, Any], place: str) -> dict[str, Any]:
    """Return attributes as JSON has them; an error names one that JSON cannot hold, or that xarray would decode by."""
    plain = {}
    for name, value in attrs.items():
        if not isinstance(name, str) or name in RESERVED_ATTRIBUTES:
            raise InvalidInput(
                place, got=f"the name {name!r}", expected="text that xarray does not decode by", fix="Rename it."
            )
        try:
            plain[name] = json.loads(json.dumps(value, default=_from_numpy))
            if _depth(plain[name]) > DEEPEST:
                raise ValueError("nested too deeply for those who read it")
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(
                place,
                got=f"{name!r} = {shortened(value)}",
                expected="what JSON holds: text, numbers, true or false, None, lists and dicts of them",
                fix=f"Convert it, e.g. to text: attrs[{name!r}] = str(...).",
            ) from error
    return plain


def _depth(value: Any) -> int:
    """Return how many lists and dicts of JSON lie in one another."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, list | dict)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def _from_numpy(value: Any) -> Any:
    """Return a NumPy number, text or array of them as Python's own."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufU":
        return value.tolist()
    raise TypeError(f"JSON has no {type(value).__name__}")
