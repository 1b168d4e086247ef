"""Saving an estimate with its recording. An existing one is replaced only after a second, separate click."""

from collections.abc import Callable
from functools import partial
from typing import Final

import xarray as xr

import netxr
from netxr.app.frame.folder import Folder
from netxr.app.frame.jobs import Job
from netxr.app.frame.panes import button
from netxr.app.frame.session import Session

KEY: Final = "saving"


class Saving:
    """A button that saves an estimate, and another that replaces an existing one; `saved` is called afterwards."""

    def __init__(self, session: Session, folder: Folder, *, saved: Callable[[], object]) -> None:
        self._session, self._folder, self._saved = session, folder, saved
        self._name = ""
        self._make: Callable[[], xr.DataArray] | None = None
        self._save = button("Save", lambda _event: self._write(replace=False), visible=False)
        self._replace = button("Replace the one that is there", lambda _event: self._write(replace=True), visible=False)
        self.buttons = [self._save, self._replace]

    def offer(self, name: str, make: Callable[[], xr.DataArray]) -> None:
        """Offer to save what `make` returns with the recording of that name; `make` may raise an error instead."""
        self._name, self._make = name, make
        self._save.visible, self._replace.visible = True, False

    def withdraw(self) -> None:
        """Offer nothing any more."""
        self._make = None
        self._save.visible = self._replace.visible = False

    def _write(self, *, replace: bool) -> None:
        """Add the estimate to its store."""
        with self._session.guarded():
            if self._make is not None:
                write = partial(self._add, self._name, self._make(), replace)
                self._session.run(KEY, write, partial(self._say, self._name), label=f"Saving with {self._name}")

    def _add(self, name: str, R: xr.DataArray, replace: bool, _job: Job) -> str:
        """Add R to its store, and return its name there, "" if it was not added; in another thread."""
        if not replace and R.name in self._folder.open(name):
            return ""
        netxr.add(R, self._folder.path_of(name), replace=replace)
        self._folder.look_again()
        return str(R.name)

    def _say(self, name: str, saved_as: str) -> None:
        """Say whether it was saved."""
        if name == self._name:
            self._save.visible, self._replace.visible = False, not saved_as
        if saved_as:
            self._session.say(f"Saved with {name} as {saved_as}.", kind="note")
            self._saved()
        else:
            self._session.say(f"{name} already has an estimate, which was kept.", kind="note")
