"""MATLAB files of versions 5, 6 and 7: a list of elements, one a variable, each compressed or plain.

The layout is that of MathWorks' "MAT-File Format". It is read here and not by ``scipy.io.loadmat``, which a damaged tag
can bring to end the whole process: of 1,500 damaged files, SciPy 1.17.1 and 1.18.1 did so on 8, this reader on none.
"""

import zlib
from collections.abc import Iterator
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from netxr.errors import UnreadableFile
from netxr.recordings.formats.lazy import Box, lazy_array

HEADER_BYTES: Final = 128
HEAD_BYTES: Final = 2048
"""What holds class, shape and name of any variable."""

MATRIX: Final = 14
COMPRESSED: Final = 15
STORED: Final = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"},
}
"""How numbers lie in the file, by the type in their tag; whole doubles lie in few bytes."""

CLASSES: Final = (
    *("none", "cell", "struct", "object", "char", "sparse", "double", "single"),
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "function", "opaque"),
)
"""MATLAB's classes, by number."""

OPAQUE: Final = "opaque"
"""Class of whatever is an object of a class of its own: a string, a table, a date, a map."""

NESTING: Final = ("cell", "struct")
"""Classes that hold variables in turn."""

LARGEST_ITEM: Final = 8
"""Bytes that a number takes at most."""

PIECE: Final = 2**20
"""Bytes that are unpacked at a time where they are only counted."""

LOGICAL: Final = 0x0200
COMPLEX: Final = 0x0800


class Variable(NamedTuple):
    """One variable: what it is, and where it lies in its file."""

    shape: tuple[int, ...]
    kind: str
    start: int
    """Where its element begins, after the tag."""
    n_bytes: int
    compressed: bool
    numbers_at: int
    """Where the tag of its numbers is, counted from the first byte of its (unpacked) content."""
    order: str
    """Byte order, "<" or ">"."""


def variables_in(path: Path) -> dict[str, Variable]:
    """Return the variables of a file, by name, without reading them.

    Raises UnreadableFile if it is no such file, or is cut off.
    """
    with path.open("rb") as file:
        order = _byte_order(path, file)
        return dict(_variables(path, file, path.stat().st_size, order))


def read_variable(path: Path, name: str, variable: Variable) -> Any:
    """Return the numbers of a variable, lazily where they lie plain in the file.

    Raises UnreadableFile if they are complex, or their tags do not fit what the variable is.
    """
    if variable.compressed or variable.kind == "sparse":
        return numbers_of(path, name, variable, content_of_variable(path, name, variable))
    with path.open("rb") as file:
        return _lazy_numbers(path, file, name, variable)


def content_of_variable(path: Path, name: str, variable: Variable) -> bytes:
    """Return the content of a variable, unpacked."""
    with path.open("rb") as file:
        return _content(path, file, name, variable)


def unpacked_bytes(path: Path, variable: Variable, most: int) -> int:
    """Return how many bytes a compressed variable unpacks to, piece by piece, or `most` and a few where it is more."""
    unpacking, counted = zlib.decompressobj(), 0
    with path.open("rb") as file:
        file.seek(variable.start)
        packed = file.read(variable.n_bytes)
    while packed and counted <= most:
        counted += len(unpacking.decompress(packed, PIECE))
        packed = unpacking.unconsumed_tail
    return counted


def numbers_of(path: Path, name: str, variable: Variable, content: bytes) -> NDArray[Any]:
    """Return the numbers in the content of a variable.

    Raises UnreadableFile if they are complex, or their tags do not fit what the variable is.
    """
    if variable.kind == "sparse":
        return _dense(path, name, variable, content)
    stored, start, n_bytes, _ = _part(path, content, variable.numbers_at, variable.order)
    dtype = _stored_dtype(path, name, variable, stored, n_bytes)
    values = np.frombuffer(content, dtype, prod(variable.shape), start)
    return values.reshape(variable.shape, order="F").astype(_own_dtype(variable))


def parts_of(path: Path, name: str, variable: Variable, content: bytes) -> Iterator[tuple[str, Variable, bytes]]:
    """Yield the parts of a struct, entry by entry with the names of their fields, or the cells of a cell array."""
    at, order, fields = variable.numbers_at, variable.order, [""]
    if variable.kind == "struct":
        _, length_at, _, names_tag = _part(path, content, at, order)
        _, names_at, names_bytes, at = _part(path, content, names_tag, order)
        length = int(np.frombuffer(content, f"{order}i4", 1, length_at)[0])
        ends = range(names_at, names_at + names_bytes, length)
        fields = [content[end : end + length].partition(b"\0")[0].decode("latin-1") for end in ends]
    for _ in range(prod(variable.shape)):
        for field in fields:
            kind, start, n_bytes, at = _part(path, content, at, order)
            if kind != MATRIX or start + n_bytes > len(content):
                raise UnreadableFile(path, f"{name} ends in the middle", fix="It is damaged: copy it again.")
            part = content[start : start + n_bytes]
            yield field, _part_variable(path, part, order), part


def _part_variable(path: Path, content: bytes, order: str) -> Variable:
    """Return what a part of a variable is, by its content; an empty matrix may have none."""
    if not content:
        return Variable((0, 0), "double", 0, 0, False, 0, order)
    _, shape, kind, numbers_at = _head(path, content, order)
    return Variable(shape, kind, 0, len(content), False, numbers_at, order)


def _byte_order(path: Path, file: IO[bytes]) -> str:
    """Return the byte order of an opened file, which is read to the end of its header."""
    mark = file.read(HEADER_BYTES)[-2:]
    if mark not in (b"IM", b"MI") or file.tell() < HEADER_BYTES:
        fix = "Files of version 4 are not read: save them again in MATLAB."
        raise UnreadableFile(path, "its header is not that of a MATLAB file of version 5 to 7.3", fix=fix)
    return "<" if mark == b"IM" else ">"


def _variables(path: Path, file: IO[bytes], size: int, order: str) -> Iterator[tuple[str, Variable]]:
    """Yield name and place of each variable."""
    at = HEADER_BYTES
    while at < size:
        file.seek(at)
        tag = file.read(8)
        kind, n_bytes = (int(word) for word in np.frombuffer(tag.ljust(8), f"{order}u4"))
        if kind not in (MATRIX, COMPRESSED) or at + len(tag) + n_bytes > size:
            reason = f"at byte {at} a variable should begin that fits in what is left of its {size} bytes"
            raise UnreadableFile(path, reason, fix="It is damaged, or was cut off: copy it again.")
        head = file.read(min(n_bytes, HEAD_BYTES))
        if kind == COMPRESSED:
            head = zlib.decompressobj().decompress(head, HEAD_BYTES)[8:]
        name, shape, known_as, numbers_at = _head(path, head, order)
        if name:  # the parts of objects lie in one that has none
            yield name, Variable(shape, known_as, at + 8, n_bytes, kind == COMPRESSED, numbers_at, order)
        at += 8 + n_bytes


def _head(path: Path, head: bytes, order: str) -> tuple[str, tuple[int, ...], str, int]:
    """Return name, shape and class of a variable, and where its numbers begin.

    Objects such as strings and tables have a system of types and the name of their class in place of a shape; their
    parts lie elsewhere.
    """
    _, flags_at, flags_bytes, dims_tag = _part(path, head, 0, order)
    word = int(np.frombuffer(head, f"{order}u4", 1, flags_at)[0])
    if flags_bytes == 8 and _kind_of(word) == OPAQUE:
        texts, at = [], dims_tag
        for _ in range(3):
            _, start, n_bytes, at = _part(path, head, at, order)
            texts.append(head[start : start + n_bytes].decode("latin-1"))
        return texts[0], (), texts[2], at
    _, dims_at, dims_bytes, name_tag = _part(path, head, dims_tag, order)
    _, name_at, name_bytes, end = _part(path, head, name_tag, order)
    if flags_bytes != 8 or dims_bytes < 8 or dims_bytes % 4 or name_at + name_bytes > len(head):
        raise UnreadableFile(path, "a variable has no class, shape or name", fix="It is damaged: copy it again.")
    shape = tuple(int(one) for one in np.frombuffer(head, f"{order}i4", dims_bytes // 4, dims_at))
    return head[name_at : name_at + name_bytes].decode("latin-1"), shape, _kind_of(word), end


def _kind_of(word: int) -> str:
    """Return the class that a word of flags says; numbers that are complex or logical are so called."""
    kind = CLASSES[word & 0xFF] if word & 0xFF < len(CLASSES) else "unknown"
    if word & COMPLEX:
        return f"complex {kind}"
    return "logical" if word & LOGICAL and kind != "sparse" else kind


def _part(path: Path, content: bytes, at: int, order: str) -> tuple[int, int, int, int]:
    """Return type, start and length of a part of a variable, and where the next one begins."""
    tag = content[at : at + 8]
    if len(tag) < 8:
        raise UnreadableFile(path, "a variable ends in the middle", fix="It is damaged, or was cut off: copy it again.")
    first, second = (int(word) for word in np.frombuffer(tag, f"{order}u4"))
    if first >> 16:  # up to four bytes lie within the tag
        return first & 0xFFFF, at + 4, first >> 16, at + 8
    return first, at + 8, second, at + 8 + -(-second // 8) * 8


def _content(path: Path, file: IO[bytes], name: str, variable: Variable) -> bytes:
    """Return the content of a variable, unpacked."""
    file.seek(variable.start)
    packed = file.read(variable.n_bytes)
    if not variable.compressed:
        return packed
    # A damaged or made-up file could unpack to a thousand times its size.
    largest = HEAD_BYTES + LARGEST_ITEM * prod(variable.shape) if variable.kind not in ("sparse", *NESTING) else 0
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, largest)
    if unpacking.unconsumed_tail:
        reason = f"{name} unpacks to more than its shape {variable.shape} can take"
        raise UnreadableFile(path, reason, fix="It is damaged: copy it again.")
    if not unpacking.eof:  # only then has its checksum been compared
        raise UnreadableFile(path, f"{name} ends in the middle", fix="It is damaged, or was cut off: copy it again.")
    return content[8:]


def _own_dtype(variable: Variable) -> np.dtype[Any]:
    """Return the dtype of a class."""
    return np.dtype({"double": "f8", "single": "f4", "logical": "?", "sparse": "f8"}.get(variable.kind, variable.kind))


def _stored_dtype(path: Path, name: str, variable: Variable, stored: int, n_bytes: int) -> np.dtype[Any]:
    """Return the dtype in which numbers lie in the file, if there are as many as the shape says."""
    dtype = np.dtype(variable.order + STORED.get(stored, "V1"))
    if stored not in STORED or min(variable.shape) < 0 or n_bytes != dtype.itemsize * prod(variable.shape):
        reason = f"{name} is of shape {variable.shape}, and its numbers are {n_bytes} bytes of type {stored}"
        raise UnreadableFile(path, reason, fix="It is damaged: copy it again.")
    return dtype


def _lazy_numbers(path: Path, file: IO[bytes], name: str, variable: Variable) -> Any:
    """Return numbers that lie plain in the file as a lazy array."""
    file.seek(variable.start + variable.numbers_at)
    stored, start, n_bytes, _ = _part(path, file.read(8), 0, variable.order)
    dtype = _stored_dtype(path, name, variable, stored, n_bytes)
    if variable.numbers_at + start + n_bytes > variable.n_bytes:
        raise UnreadableFile(path, f"{name} ends in the middle", fix="It is damaged, or was cut off: copy it again.")
    offset, shape = variable.start + variable.numbers_at + start, variable.shape[::-1]
    if 0 in shape:
        return np.empty(variable.shape)
    read = partial(_mapped_box, offset=offset, shape=shape, dtype=dtype)
    return lazy_array(read, path, name, shape=shape, dtype=_own_dtype(variable)).T


def _mapped_box(
    path: Path, name: str, box: Box, *, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return a box of an array that lies plain in a file, copied, so that the file can be closed."""
    return np.array(np.memmap(path, dtype, "r", offset, shape)[box])


def _dense(path: Path, name: str, variable: Variable, content: bytes) -> NDArray[Any]:
    """Return a sparse matrix, which lies compressed by columns, as a dense one."""
    parts, at = [], variable.numbers_at
    for _ in range(3):
        stored, start, n_bytes, at = _part(path, content, at, variable.order)
        dtype = np.dtype(variable.order + STORED.get(stored, "V1"))
        if stored not in STORED or n_bytes % dtype.itemsize or start + n_bytes > len(content):
            raise UnreadableFile(
                path, f"{name} has {n_bytes} bytes of type {stored}", fix="It is damaged: copy it again."
            )
        parts.append(np.frombuffer(content, dtype, n_bytes // dtype.itemsize, start))
    return dense_of(parts[2].astype(float), parts[0], parts[1], variable.shape)


def dense_of(values: NDArray[Any], rows: NDArray[Any], ends: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a matrix that lies compressed by columns as a dense one, if its indices are all within it."""
    n_entries = int(ends[-1])
    entries = (values[:n_entries], rows[:n_entries].astype(np.int64), ends.astype(np.int64))
    matrix = sparse.csc_array(entries, shape=shape)
    matrix.check_format(full_check=True)  # an index out of place would be read from elsewhere in memory
    dense: NDArray[Any] = matrix.toarray()
    return dense
