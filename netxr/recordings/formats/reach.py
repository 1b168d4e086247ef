"""What a file makes its reader reach for: data in other files, and memory for what it unpacks to.

Both have honest uses. But a file from elsewhere could so have any file of the reader taken for samples, or fill the
memory: netxr reads such a file when the caller says that it is trusted.
"""

import gzip
import os
from math import prod
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

from netxr.compat import optional
from netxr.errors import UnreadableFile
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.matlab.version5 import LARGEST_ITEM, NESTING, unpacked_bytes, variables_in
from netxr.recordings.formats.recognition import content_of

SMALL: Final = 2**24
"""Bytes that anything may unpack to."""

MOST_TIMES: Final = 100
"""By how much more than its size a file may unpack to; counts of rare spikes do, little else does."""

GZIP: Final = b"\x1f\x8b"

TRUST: Final = "If you know where it comes from, say trusted=True."


def check_reach(path: Path) -> None:
    """Raise UnreadableFile if a file takes data from other files, or unpacks to very much more than its size.

    A folder is looked through for what is no file, such as a pipe, which would be waited for.
    """
    if path.is_dir():
        _check_files_in(path)
        return
    content = content_of(path)
    if content == "hdf5":
        _check_alone(path)
    elif content == "zip":
        _check_archive(path)
    elif content == "mat5":
        _check_variables(path)
    elif content == "parquet":
        _check_columns(path)
    else:
        _check_text(path)


def _check_files_in(folder: Path) -> None:
    """Raise if a folder holds what is neither a file nor a folder."""
    for place, _, names in os.walk(folder):
        for name in names:
            entry = Path(place, name)
            if entry.exists() and not entry.is_file():
                raise UnreadableFile(entry, "neither a file nor a folder", fix="Remove it.")


def _check_alone(path: Path) -> None:
    """Raise if anything in an HDF5 file lies in another file."""
    h5py = optional("h5py", what=f"Reading {path}, an HDF5 file,", extra="io")

    def elsewhere(name: str, link: Any) -> tuple[str, str] | None:
        """Return the name of a node that lies in another file, and that file; None ends no search."""
        if isinstance(link, h5py.SoftLink):
            return None  # what it leads to is here, or is no hard link and found as such
        if not isinstance(link, h5py.HardLink):
            return name, getattr(link, "filename", "")
        node = file[name]
        if not isinstance(node, h5py.Dataset):
            return None
        others = [one[0] for one in node.external or ()]
        if node.is_virtual:
            others += [one.file_name for one in node.virtual_sources() if one.file_name != "."]
        return (name, others[0]) if others else None

    with readable_as("HDF5", path), h5py.File(path, "r") as file:
        found = file.visititems_links(elsewhere)
    if found:
        reason = f"its {found[0]!r} lies in another file, {found[1]!r}, which is not read unasked"
        raise UnreadableFile(path, reason, fix=TRUST)


def _check_archive(path: Path) -> None:
    """Raise if a part of an archive is packed too tightly."""
    try:
        with ZipFile(path) as archive:
            for part in archive.infolist():
                _check_size(path, part.filename, part.compress_size, part.file_size)
    except (BadZipFile, OSError, ValueError, NotImplementedError):  # its reader says what is wrong
        return


def _check_variables(path: Path) -> None:
    """Raise if a variable of a MATLAB file before version 7.3 is packed too tightly, or is nearly all zeros."""
    with readable_as("a MATLAB file", path):
        for name, variable in variables_in(path).items():
            if variable.compressed and variable.kind in NESTING:
                _check_size(
                    path, name, variable.n_bytes, unpacked_bytes(path, variable, MOST_TIMES * variable.n_bytes + SMALL)
                )
            elif variable.compressed or variable.kind == "sparse":
                _check_size(path, name, variable.n_bytes, LARGEST_ITEM * prod(map(abs, variable.shape)))


def _check_columns(path: Path) -> None:
    """Raise if a group of rows of a Parquet file is packed too tightly."""
    parquet = optional("pyarrow.parquet", what=f"Reading {path}, a Parquet file,", extra="parquet")
    with readable_as("Parquet", path), parquet.ParquetFile(path) as file:
        for k in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(k)
            unpacked = max(group.total_byte_size, group.num_rows * group.num_columns)
            _check_size(path, f"rows {k}", path.stat().st_size, unpacked)


def _check_text(path: Path) -> None:
    """Raise if a compressed text is packed too tightly: it is unpacked, piece by piece, as far as it may go."""
    with path.open("rb") as file:
        if file.read(len(GZIP)) != GZIP:
            return
    packed, unpacked = path.stat().st_size, 0
    with readable_as("a compressed file", path), gzip.open(path) as text:
        while piece := text.read(SMALL // 16):
            unpacked += len(piece)
            _check_size(path, "its text", packed, unpacked)


def _check_size(path: Path, name: str, packed: int, unpacked: int) -> None:
    """Raise if so many packed bytes unpack to too many."""
    if unpacked > max(SMALL, MOST_TIMES * packed):
        reason = f"{name} unpacks to {unpacked:,} bytes or more, over {MOST_TIMES} times the {packed:,} that it takes"
        raise UnreadableFile(path, reason, fix=TRUST)
