"""The only part of the disk that pages can see: the stores of one folder, by the names that the catalogue has."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
import xarray as xr

import netxr
from netxr.errors import InvalidInput, NetxrError
from netxr.recordings.catalog import stores_deeper
from netxr.recordings.formats.plain import read_npy
from netxr.recordings.formats.registry import UNKNOWN, format_of
from netxr.recordings.formats.text.cells import is_word
from netxr.recordings.formats.text.connectivity import lists_edges
from netxr.recordings.formats.text.lines import DELIMITERS, cells_of, opened, without_remark
from netxr.schema.arguments import check_path
from netxr.schema.words import counted
from netxr.store.dataset import is_store

MOST_FILES: Final = 100
"""Most files of the folder that are looked at."""

NO_RECORDING: Final = "no recording"
EMPTY: Final = "an empty file"
EDGES: Final = "a list of edges, no recording"
PROSE: Final = "text without a line of numbers, no recording"
"""What is said of files that cannot be imported."""

BEGINNING: Final = 2**14
"""Characters of a text file that are looked at: its first line may hold a neuron's samples."""

FRESH: Final = 2.0
"""Seconds for which a listing holds: a page asks for it many times in a row."""

OTHERS: Final = (".py", ".ipynb", ".md", ".html", ".png", ".svg", ".json", ".log", ".txt~")
"""Suffixes of what is no recording and not listed."""


class RawFile(NamedTuple):
    """A file or folder that is no store."""

    name: str
    """In the folder."""
    what: str
    """What it is, in words."""
    n_bytes: int
    """Its size; 0 for a folder."""
    is_array: bool
    """Whether it holds plain arrays, which do not say what their axes are."""
    problem: str = ""
    """Why it cannot be imported, empty if it can."""

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return Path(self.name).stem

    @property
    def counts_spikes(self) -> bool:
        """Whether it may hold spike times, which are counted in bins."""
        return self.what.startswith(("nwb", "neo", "spikeinterface"))

    @property
    def has_no_clock(self) -> bool:
        """Whether it may not say how long a sample is."""
        return self.is_array or self.what in ("suite2p", "caiman")

    @property
    def may_hold_several(self) -> bool:
        """Whether it may hold several arrays."""
        return self.what.startswith(("npz", "matlab", "hdf5"))


class Listing(NamedTuple):
    """What the folder held at a time."""

    until: float
    """When it is to be listed again, by `time.monotonic`."""
    stores: set[str]
    """All names of the catalogue."""
    catalog: pd.DataFrame
    """The catalogue, without stores that symbolic links place outside of the folder."""


CLOCK: Final = re.compile(r"\d+[-:]\d\d[-:]\d\d")
"""How a date or a time of day begins."""

NOT_LISTED: Final = "a name that is not in the list"
PLAIN_NAME: Final = re.compile(r"\w[\w .-]{0,99}")
"""A name of a store that is said where the store is not there."""


class Folder:
    """A folder of stores, or one store."""

    def __init__(self, root: Any) -> None:
        self.root = check_path("STORE", root).resolve()
        self.look_again()

    def look_again(self) -> None:
        """List what the folder holds."""
        self._entries = _entries_of(self.root)
        listed = netxr.catalog(self.root)
        inside = listed[listed["name"].map(self._inside).astype(bool)].reset_index(drop=True)
        self._listing = Listing(time.monotonic() + FRESH, set(listed["name"]), inside)

    def has_changed(self) -> bool:
        """Return whether something came into the folder, went, or was changed in its place, since it was listed."""
        return _entries_of(self.root) != self._entries

    def _fresh(self) -> Listing:
        """Return a listing that is fresh."""
        if time.monotonic() > self._listing.until:
            self.look_again()
        return self._listing

    def catalog(self) -> pd.DataFrame:
        """Return the catalogue, without stores that symbolic links place outside of the folder."""
        return self._fresh().catalog

    @property
    def text(self) -> str:
        """The folder and what it holds, in words."""
        files = [file for file in self.files() if not file.problem]
        more = f", {counted(len(files), 'file')} to import" if files else ""
        return f"{self.root.name}: {counted(len(self.names()), 'store')}{more}"

    def names(self, *kinds: str) -> list[str]:
        """Return the names of all stores, or of those of certain kinds."""
        listed = self.catalog()
        return [str(name) for name in (listed[listed["kind"].isin(kinds)] if kinds else listed)["name"]]

    def path_of(self, name: str) -> Path:
        """Return where the store of that name is."""
        if not self._holds(name):
            self.look_again()  # it may just have been made
        if not self._holds(name):
            known = "is not there, or may not be read" if self.names() else "is not there: the folder has no store"
            is_plain = PLAIN_NAME.fullmatch(name) is not None  # a path would be said as if something were known of it
            got = f"{name}, {NOT_LISTED}" if is_plain else NOT_LISTED
            raise InvalidInput("store", got=got, expected=f"one of those shown; this one {known}")
        return self.root / name

    def _holds(self, name: str) -> bool:
        """Return whether a store of that name lies in the folder, and all of it."""
        # The list of names rules out "..", absolute paths, and stores that are links; the second check, links inside.
        return name in self.names() and self._stays_here(self.root / name)

    def deeper(self) -> str:
        """Say which folders in it hold stores, none of which is listed; an empty text where none does."""
        named = [f"{name} ({counted(count, 'store')})" for name, count in stores_deeper(self.root).items()]
        return f"Not looked into: {', '.join(named)}. Start netxr app with such a folder to see it." if named else ""

    def files(self) -> list[RawFile]:
        """Return what else the folder holds: files of other tools, and why one of them cannot be imported."""
        if is_store(self.root):
            return []
        stores = self._fresh().stores
        found = sorted(one for one in _listed(self.root) if one.name not in stores and self._may_be_raw(one))
        described = [(one, _described(one)) for one in found[:MOST_FILES]]
        return [raw for one, raw in described if one.is_file() or not raw.problem]  # any folder is no recording

    def raw_path(self, name: str) -> Path:
        """Return where a file that is no store is."""
        if name not in [file.name for file in self.files()]:
            raise InvalidInput("file", got=NOT_LISTED, expected="one of those shown")
        return self.root / name

    def place_for(self, name: str) -> Path:
        """Return where a store of that name is to be made: in the folder, and in none of its folders."""
        if not name or name.startswith(".") or Path(name).name != name or "\0" in name:
            raise InvalidInput("store", got=repr(name), expected="a plain name such as run.zarr")
        return self.root / name

    def _may_be_raw(self, place: Path) -> bool:
        """Return whether a file may be one of another tool, and lies in the folder itself."""
        hidden = place.name.startswith(".") or place.suffix.lower() in OTHERS
        return not hidden and not place.is_symlink() and (place.is_file() or place.is_dir())

    def open(self, name: str) -> xr.Dataset:
        """Open a store, lazily."""
        return netxr.open(self.path_of(name))

    def _inside(self, name: str) -> bool:
        """Return whether a store and the arrays in it lie in the folder."""
        place = self.root / name
        members = _listed(place)
        files = [file for member in members for file in _listed(member)]
        return all(one.resolve().is_relative_to(self.root) for one in (place, *members, *files))

    def _stays_here(self, place: Path) -> bool:
        """Return whether all links in a store lead into the folder."""
        try:
            return all(map(self._leads_here, _links_in(place)))
        except OSError:  # may not be listed, or was just removed
            return False

    def _leads_here(self, link: Path) -> bool:
        """Return whether a link leads to a file in the folder; what a linked folder holds would not be checked."""
        return link.resolve().is_relative_to(self.root) and not link.is_dir()


def _entries_of(root: Path) -> dict[str, int]:
    """Return the names in a folder, and when each was last changed; none of what is gone meanwhile."""
    found = {}
    for one in _listed(root):
        with suppress(OSError):
            found[one.name] = one.lstat().st_mtime_ns
    return found


def _listed(place: Path) -> list[Path]:
    """Return the entries of a folder; none if it is no folder, or the user may not list it."""
    try:
        return list(place.iterdir())
    except OSError:
        return []


def _links_in(place: Path) -> Iterator[Path]:
    """Yield the symbolic links below a folder, however deep."""
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path)
            elif entry.is_dir():
                yield from _links_in(Path(entry.path))


def _described(place: Path) -> RawFile:
    """Return what a file is, by its suffix and the bytes with which it begins."""
    n_bytes = place.stat().st_size if place.is_file() else 0
    if place.is_file() and not n_bytes:
        return RawFile(place.name, "", 0, False, EMPTY)
    try:
        found = format_of(place)
        rows = _first_rows(place) if found.name == "text" else []
        if found.name in ("text", "parquet") and len(rows) != 1 and lists_edges(place, found.name):
            return RawFile(place.name, "", n_bytes, False, EDGES)
        if rows and not any(map(_reads_as_numbers, rows)):
            return RawFile(place.name, "", n_bytes, False, PROSE)
    except NetxrError as error:
        return RawFile(place.name, "", n_bytes, False, _why(error, place))
    if found.kind != "array":
        return RawFile(place.name, found.name, n_bytes, False)
    return RawFile(place.name, f"{found.name}{_shape_text(place, found.name)}: which axis is time?", n_bytes, True)


def _first_rows(place: Path) -> list[str]:
    """Return the lines at the beginning of a text file that are no remarks; none where it cannot be read."""
    with suppress(UnicodeError, EOFError, OSError), opened(place) as file:
        return [line for line in file.read(BEGINNING).splitlines() if without_remark(line).strip()]
    return []


def _reads_as_numbers(line: str) -> bool:
    """Return whether half of the cells of a line hold a number, a date or a time of day.

    Examples
    --------
    >>> _reads_as_numbers("2026-11-29 17:58:56;0,5"), _reads_as_numbers("In May 2026, 12 mice ran.")
    (True, False)
    """
    delimiter = next((mark for mark in DELIMITERS if mark in line), None)
    cells = [cell for cell in cells_of(without_remark(line), delimiter) if cell]
    return bool(cells) and 2 * sum(not is_word(cell) or bool(CLOCK.match(cell)) for cell in cells) >= len(cells)


def _shape_text(place: Path, kind: str) -> str:
    """Return the shape of an array where that is soon known, as it is said after what the file is."""
    with suppress(NetxrError):
        if kind == "npy":
            return f", {' x '.join(f'{size:,}' for size in read_npy(place).values.shape)}"
    return ""


def _why(error: NetxrError, place: Path) -> str:
    """Return why a file is no recording, as the page says it: without what is only done in Python."""
    said = " ".join(str(error).split()).replace(str(place), place.name).removeprefix(f"{place.name}: ")
    if UNKNOWN in said:
        return NO_RECORDING
    sentences = [one for one in said.split(". ") if "format=" not in one]
    return f"{'. '.join(sentences).removesuffix('.')}." if sentences else NO_RECORDING
