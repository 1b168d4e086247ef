"""Arrays of NumPy and tables of text: .npy lazily, .npz and text at once."""

from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.lazy import Box, lazy_array
from netxr.recordings.formats.recognition import of_no_arrays
from netxr.recordings.formats.text.table import Table, read_table
from netxr.schema.variables import NUMBER_KINDS

HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    **dict.fromkeys([(2, 0), (3, 0)], np.lib.format.read_array_header_2_0),
}
"""How the header of an array is read, by the version of its format; 3 differs from 2 in names of fields alone."""


class Header(NamedTuple):
    """Where an array begins in its file, and how it lies there."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    begin: int


def read_npy(path: Path, name: str | None = None) -> Table:
    """Return the array of a .npy file; a block is read when it is needed.

    Raises UnreadableFile if it is no such file, is shorter than its header says, or holds no real numbers.
    """
    _check_one(name, ".npy")
    with path.open("rb") as file:
        array = _header(file, path.stat().st_size, path)
    dtype = array.dtype.newbyteorder("=")
    return Table(lazy_array(partial(_box, array=array), path, "", shape=array.shape, dtype=dtype))


def read_npz(path: Path, name: str | None = None) -> Table:
    """Return one array of a .npz archive, in memory.

    Raises InvalidInput if there are several and `name` is none of them, UnreadableFile if the array is cut off or holds
    no real numbers.
    """
    # Opened here, because NumPy leaves a damaged archive open.
    with path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile) or archive.zip is None:
            raise UnreadableFile(path, "not an archive of arrays")
        members = {member.filename.removesuffix(".npy"): member for member in archive.zip.infolist()}
        if members and not any(one.filename.endswith(".npy") for one in members.values()):
            raise of_no_arrays(path, archive.zip.namelist())
        member = members[chosen(name, list(members), path)]
        with archive.zip.open(member) as array:
            dtype = _header(array, member.file_size, path).dtype
        with archive.zip.open(member) as array:
            values = np.lib.format.read_array(array, allow_pickle=False)
    return Table(values.astype(dtype.newbyteorder("="), copy=False))


def read_text(path: Path, name: str | None = None, *, header: bool | None = None) -> Table:
    """Return the numbers of a text table and the labels of its columns, in memory.

    `header` says whether its first line is labels, where it holds numbers that may be samples as well.
    """
    _check_one(name, path.suffix)
    return read_table(path, header=header)


def chosen(name: str | None, there: list[str], path: Path) -> str:
    """Return which array of a file is meant, or raise InvalidInput with the names that there are."""
    if name in there:
        return name
    if name is not None or len(there) != 1:
        raise InvalidInput("name", got=repr(name), expected=f"one of {', '.join(there) or 'none'}, as {path} has it")
    return there[0]


def _check_one(name: str | None, suffix: str) -> None:
    """Raise if one of several arrays is named, where there is one."""
    if name is not None:
        raise InvalidInput("name", got=repr(name), expected=f"none for a {suffix} file, which holds one array")


def _header(file: IO[bytes], size: int, path: Path) -> Header:
    """Return what the header says of the array that begins in `file`, if it is whole and of real numbers."""
    try:
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            raise UnreadableFile(path, f"its array is of version {version} of the .npy format, which is not known")
        shape, fortran, dtype = HEADERS[version](file)
    except (ValueError, TypeError, SyntaxError, OverflowError, RecursionError) as error:
        raise UnreadableFile(path, f"the header of its array is damaged ({type(error).__name__}: {error})") from error
    if dtype.hasobject:
        raise UnreadableFile(path, "it holds pickled objects, which are never read", fix="Save plain numbers.")
    if dtype.names:
        fix = "Save its fields as columns: np.column_stack([X[name] for name in X.dtype.names])."
        raise UnreadableFile(path, f"it holds records with fields {', '.join(dtype.names)}, not real numbers", fix=fix)
    if dtype.kind not in NUMBER_KINDS:
        raise UnreadableFile(path, f"it holds {dtype}, not real numbers", fix="Save real numbers.")
    declared = file.tell() + dtype.itemsize * int(np.prod([int(length) for length in shape], dtype=object))
    if min(shape, default=0) < 0 or declared > size:
        reason = f"it holds {size} bytes, and its header declares {declared} (shape {shape} of {dtype})"
        raise UnreadableFile(path, reason, fix="It was cut off: copy it again.")
    return Header(shape, dtype, fortran, file.tell())


def _box(path: Path, name: str, box: Box, *, array: Header) -> NDArray[Any]:
    """Return a box of an array.

    It is read run by run. A map of the file would hold in memory what lies around each run as well: of an array
    (neuron, time) nearly all of the file for every block.
    """
    shape, box = (array.shape[::-1], box[::-1]) if array.fortran else (array.shape, box)
    sizes = [one.stop - one.start for one in box]
    last = len(box) - 1  # the axis of which a run takes a part, and all of those after it
    while last > 0 and sizes[last] == shape[last]:
        last -= 1
    places = np.array(0)
    for axis, one in enumerate(box):
        steps = np.arange(one.start, one.stop) if axis < last else np.array([one.start])
        places = np.add.outer(places, steps * prod(shape[axis + 1 :]))
    samples = np.empty(sizes, dtype=array.dtype)
    content, length = samples.reshape(-1).view(np.uint8).data, prod(sizes[last:]) * array.dtype.itemsize
    with path.open("rb", buffering=0) as file:
        for k, place in enumerate((array.begin + places * array.dtype.itemsize).ravel().tolist()):
            file.seek(place)
            if file.readinto(content[k * length : (k + 1) * length]) != length:
                raise UnreadableFile(path, "it ended while it was read", fix="It was cut off: copy it again.")
    return samples.T if array.fortran else samples
