"""The only part of the disk that pages can see: the stores of one folder, by the names that the catalogue has."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.schema.arguments import check_path
from netxr.schema.words import counted

NOT_LISTED: Final = "a name that is not in the list"


class Folder:
    """A folder of stores, or one store.

    Parameters
    ----------
    root : path-like
        The folder or the store.
    """

    def __init__(self, root: Any) -> None:
        self.root = check_path("STORE", root).resolve()
        self.catalog()

    def catalog(self) -> pd.DataFrame:
        """Return the catalogue, without stores that symbolic links place outside of the folder."""
        listed = netxr.catalog(self.root)
        return listed[listed["name"].map(self._inside).astype(bool)].reset_index(drop=True)

    @property
    def text(self) -> str:
        """The folder and what it holds, in words."""
        return f"{self.root.name}: {counted(len(self.names()), 'store')}"

    def names(self, *kinds: str) -> list[str]:
        """Return the names of all stores, or of those of certain kinds."""
        listed = self.catalog()
        return [str(name) for name in (listed[listed["kind"].isin(kinds)] if kinds else listed)["name"]]

    def path_of(self, name: str) -> Path:
        """Return where the store of that name is."""
        # The list of names rules out "..", absolute paths, and stores that are links; the second check, links inside.
        if name not in self.names() or not self._stays_here(self.root / name):
            known = "is not there, or may not be read" if self.names() else "is not there: the folder has no store"
            raise InvalidInput("store", got=NOT_LISTED, expected=f"one of those shown; this one {known}")
        return self.root / name

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
