"""What a file is, by its content: the bytes it begins with, and for some what lies in it."""

from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile

from netxr.compat import optional
from netxr.errors import UnreadableFile, one_line
from netxr.store.files import open_file

SIGNATURES: Final = {
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"MATLAB 5.0 MAT-file": "mat5",
    b"CDF\x01": "netcdf3",
    b"CDF\x02": "netcdf3",
    b"CDF\x05": "netcdf3",
    b"PAR1": "parquet",
    b"\x1f\x8b": "gzip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "ole",
    b"ARROW1": "feather",
    b"FEA1": "feather",
    **{b"\x80" + bytes([protocol]): "pickle" for protocol in range(2, 6)},
}
"""What files of a kind begin with."""

HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
HDF5_PLACES: Final = (0, 512, 1024, 2048)
"""Where it stands: other programs may begin the file with a block of their own."""

CAIMAN_ARRAYS: Final = frozenset({"A", "S", "YrA", "F_dff", "b", "f", "idx_components"})
"""What CaImAn saves beside its traces C; three of them are no coincidence."""


SAVE_SHEET: Final = "Save its sheet as CSV (in Excel: Save As, CSV UTF-8), and open that."
REFUSED: Final = {
    "ole": ("an Excel file of the old kind (.xls), or one that is built like it", SAVE_SHEET),
    "pickle": (
        "a pickle of Python, which can run any code and is never read",
        "Load it where you trust it, and save its arrays with numpy.savez, or its table with to_csv or to_parquet.",
    ),
    "gzip": (
        "a compressed file (gzip)",
        "Unpack it, and open what is in it; tables of text (.csv.gz) are read as they are.",
    ),
    "feather": ("a table in Feather, or another file of Arrow", "Save it with to_parquet, and open that."),
}
"""Kinds of file that are known and not read: what they are, and what to do."""


NEEDS_OTHERS: Final = {
    ".nii": (
        "a NIfTI image, which holds voxels, not regions",
        "Average it over the regions of an atlas, e.g. with NiftiLabelsMasker of nilearn, and save that as .npy.",
    ),
    ".fif": ("a file of MNE-Python", "Save its samples: numpy.save('x.npy', mne.io.read_raw(path).get_data())."),
    ".tdms": ("a file of LabVIEW", "Save its channels as a table, e.g. with TdmsFile(path).as_dataframe() of nptdms."),
    ".ibw": ("a wave of Igor", "Say format='neo', which reads it where igor2 is installed."),
}
"""Kinds of file by their suffix that are known and not read: what they are, and what to do."""


SUITE2P_PLACES: Final = ("", "plane*/", "suite2p/plane*/", "combined/", "suite2p/combined/")
"""Where F.npy lies in the output folder of suite2p, or in the one above it."""


def content_of(path: Path) -> str | None:
    """Return what kind of file begins like `path`, such as npy, zip or hdf5; None for any that is not known.

    Raises UnreadableFile if it cannot be opened.
    """
    try:
        with open_file(path) as file:
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


def names_in(path: Path) -> list[str]:
    """Return the names of the files in an archive, or raise UnreadableFile if it is damaged."""
    try:
        with ZipFile(path) as archive:
            return archive.namelist()
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        reason = f"a damaged archive ({error})"
        raise UnreadableFile(path, reason, fix="It may have been cut off: copy it again.") from error


def _in_archive(path: Path) -> str:
    """Return whether CaImAn or another program wrote an archive of arrays; another archive is an error."""
    there = names_in(path)
    if there and not any(name.endswith(".npy") for name in there):
        raise of_no_arrays(path, there)
    names = {name.removesuffix(".npy") for name in there}
    return "caiman" if "C" in names and len(names & CAIMAN_ARRAYS) >= 3 else "npz"


def of_no_arrays(path: Path, names: list[str]) -> UnreadableFile:
    """Return the error for an archive of other files: what it is, and what to do."""
    if "content.xml" in names:
        return UnreadableFile(path, "an OpenDocument file", fix=SAVE_SHEET)
    if any(name.startswith("xl/") for name in names):
        return UnreadableFile(path, "an Excel file", fix=SAVE_SHEET)
    listed = ", ".join(names[:5]) + ", ..." * (len(names) > 5)
    return UnreadableFile(
        path, f"an archive without arrays of NumPy; it has {listed}", fix="Unpack it, and open these."
    )


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
            own = file.get("estimates", getclass=True, getlink=True) is h5py.HardLink  # not a link to another file
            return named or ("caiman" if own and "C" in file["estimates"] else "hdf5")
    except Exception as error:  # h5py raises what the place of the damage makes it stumble over
        fix = "It may have been cut off: copy it again."
        raise UnreadableFile(path, f"a damaged HDF5 file ({one_line(error)})", fix=fix) from error
