"""What a file is, by its content: the bytes it begins with, and for some what lies in it."""

from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile

from netxr.compat import optional
from netxr.errors import UnreadableFile, one_line

SIGNATURES: Final = {
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"MATLAB 5.0 MAT-file": "mat5",
    b"CDF\x01": "netcdf3",
    b"CDF\x02": "netcdf3",
    b"CDF\x05": "netcdf3",
    b"PAR1": "parquet",
}
"""What files of a kind begin with."""

HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
HDF5_PLACES: Final = (0, 512, 1024, 2048)
"""Where it stands: other programs may begin the file with a block of their own."""

CAIMAN_ARRAYS: Final = frozenset({"A", "S", "YrA", "F_dff", "b", "f", "idx_components"})
"""What CaImAn saves beside its traces C; three of them are no coincidence."""


SUITE2P_PLACES: Final = ("", "plane*/", "suite2p/plane*/", "combined/", "suite2p/combined/")
"""Where F.npy lies in the output folder of suite2p, or in the one above it."""


def content_of(path: Path) -> str | None:
    """Return what kind of file begins like `path`: npy, zip, hdf5, mat5, netcdf3 or parquet; None for any other.

    Raises UnreadableFile if it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(HDF5_PLACES[-1] + len(HDF5_SIGNATURE))
    except OSError as error:
        raise UnreadableFile(path, f"it cannot be opened ({error.strerror})") from error
    if any(begin[place:].startswith(HDF5_SIGNATURE) for place in HDF5_PLACES):
        return "hdf5"
    return next((kind for signature, kind in SIGNATURES.items() if begin.startswith(signature)), None)


def written_by(path: Path, content: str | None) -> str | None:
    """Return the format of a file whose suffix says no more than its content: npz, caiman, matlab, nwb, netcdf, hdf5.

    Raises UnreadableFile if it is too damaged to look into, MissingExtra if it is HDF5 and h5py is not installed.
    """
    if content == "zip":
        return _in_archive(path)
    return _in_hdf5(path) if content == "hdf5" else None


def _in_archive(path: Path) -> str:
    """Return whether CaImAn or another program wrote an archive of arrays."""
    try:
        with ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        reason = f"a damaged archive ({error})"
        raise UnreadableFile(path, reason, fix="It may have been cut off: copy it again.") from error
    return "caiman" if "C" in names and len(names & CAIMAN_ARRAYS) >= 3 else "npz"


def _in_hdf5(path: Path) -> str:
    """Return which program wrote an HDF5 file."""
    h5py = optional("h5py", what=f"Reading {path}, an HDF5 file,", extra="io")
    try:
        with path.open("rb") as raw:
            if raw.read(10) == b"MATLAB 7.3":
                return "matlab"
        with h5py.File(path, "r") as file:
            marks = {"nwb_version": "nwb", "_NCProperties": "netcdf"}
            named = next((program for mark, program in marks.items() if mark in file.attrs), None)
            return named or ("caiman" if "estimates" in file and "C" in file["estimates"] else "hdf5")
    except Exception as error:  # h5py raises what the place of the damage makes it stumble over
        fix = "It may have been cut off: copy it again."
        raise UnreadableFile(path, f"a damaged HDF5 file ({one_line(error)})", fix=fix) from error
