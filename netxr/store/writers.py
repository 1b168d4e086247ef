"""Which process writes, on which machine: a name that others can read, and a mark beside the store that bears it.

A lock of the system ends with its process, but may count on one machine alone. The mark is a file, which every machine
sees; it stays when its process dies. So where the lock is free, a mark of this machine whose process is gone is taken
away, and one of another machine has to be removed by hand.
"""

import json
import os
import re
import socket
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psutil

from netxr.errors import StoreBusy
from netxr.store.interrupts import to_the_end

DIGITS: Final = 8
"""Hexadecimal digits of each of the four parts of a name: machine, process, when that began, and a number drawn."""

NAME_LENGTH: Final = 4 * DIGITS

NAME: Final = re.compile(f"[0-9a-f]{{{NAME_LENGTH}}}")

MACHINE_ID: Final = Path("/etc/machine-id")
PROCESSES: Final = Path("/proc")
ENDED: Final = ("Z", "X")
"""States of processes that have ended, and are still listed."""


def new_name() -> str:
    """Return a new name of 32 hexadecimal digits, which tells the machine and the process that made it."""
    return _machine() + _this_process(os.getpid()) + uuid4().hex[:DIGITS]


def is_gone(name: str) -> bool:
    """Return whether the process that made a name is known to have ended."""
    return _is_from_here(name) and not is_running(name)


def is_running(name: str) -> bool:
    """Return whether the process that made a name is known to be running."""
    process, began = name[DIGITS : 2 * DIGITS], name[2 * DIGITS : 3 * DIGITS]
    return _is_from_here(name) and _began(int(process, 16)) == began


class Mark:
    """A file that says who writes to a store, for as long as it does.

    It is made under the name `unfinished`.

    Attributes
    ----------
    after_a_crash : bool
        Whether the mark of a writer was there that is gone.
    """

    def __init__(self, store: Path, file: Path, unfinished: Path) -> None:
        self.store, self.file, self.unfinished, self.process = store, file, unfinished, os.getpid()
        since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        about = {"writer": unfinished.name[-NAME_LENGTH:], "host": socket.gethostname(), "process": self.process}
        self.text = json.dumps(about | {"since": since})
        self.after_a_crash = False

    def make(self) -> None:
        """Make the mark; it is an error (StoreBusy) if that of another writer is there, who may be at work."""
        while not self._made():
            self._take_away()

    def is_there(self) -> bool:
        """Return whether the mark is there as it was made: nobody has removed it, and written since."""
        return _text(self.file) == self.text

    def remove(self) -> None:
        """Remove the mark, also one that is half made; a process that was forked from its writer leaves it."""
        if self.process == os.getpid():
            to_the_end(self._remove)

    def _remove(self) -> None:
        """Do what `remove` says."""
        self.unfinished.unlink(missing_ok=True)
        if self.is_there():
            self.file.unlink(missing_ok=True)

    def _made(self) -> bool:
        """Return whether the mark could be made, in one step and with its text; not if there is one."""
        try:
            self.unfinished.write_text(self.text, encoding="utf-8")
            try:
                os.link(self.unfinished, self.file)
            except FileExistsError:
                return False
            except FileNotFoundError:
                raise StoreBusy(self.store) from None  # another writer has just cleared up
            except OSError:  # a file system without links
                with suppress(FileExistsError), self.file.open("x", encoding="utf-8") as file:
                    file.write(self.text)
            return self.is_there()
        finally:
            self.unfinished.unlink(missing_ok=True)

    def _take_away(self) -> None:
        """Take away the mark of a writer that is gone; it is an error if it may be at work."""
        text = _text(self.file)
        if text is None:
            return
        about = _about(text)
        if not is_gone(about["writer"]):
            raise _busy(self.store, self.file, about)
        with suppress(FileNotFoundError):  # another writer was a moment faster
            aside = self.file.rename(self.unfinished)
            if _text(aside) == text:
                aside.unlink()
                self.after_a_crash = True
            else:  # that one has made its own mark meanwhile
                with suppress(OSError):
                    os.link(aside, self.file)
                aside.unlink()


def writer_of(mark: Path) -> str:
    """Return the name in a mark."""
    return str(_about(_text(mark) or "")["writer"])


def _busy(store: Path, file: Path, about: dict[str, Any]) -> StoreBusy:
    """Return the error about the mark of another writer."""
    who = f"process {about['process']} on {about['host']}, since {about['since']}"
    fix = f"Wait until it has ended, and try again; if it was cut off there, remove {file} first."
    return StoreBusy(store, f"it is being written to by another process ({who})", fix=fix)


def _about(text: str) -> dict[str, Any]:
    """Return what a mark says."""
    unknown = {"writer": "0" * NAME_LENGTH, "process": "unknown", "host": "an unknown machine", "since": "then"}
    try:
        about = json.loads(text)
        return unknown | about if NAME.fullmatch(about["writer"]) else unknown
    except (ValueError, TypeError, KeyError):
        return unknown


def _text(file: Path) -> str | None:
    """Return what is in a file, None if there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _is_from_here(name: str) -> bool:
    """Return whether a process of this machine made a name."""
    return name[:DIGITS] == _machine()


@cache
def _machine() -> str:
    """Return digits that tell this machine from others."""
    with suppress(OSError):
        return _digest(f"{socket.gethostname()} {MACHINE_ID.read_text(encoding='utf-8')}")
    return _digest(socket.gethostname())


@cache
def _this_process(process: int) -> str:
    """Return digits that tell this process, of which the number is given since a fork has another."""
    return _digits(process) + _began(process)


def _began(process: int) -> str:
    """Return digits that tell when a process began, as the system counts it; none if it has ended."""
    try:
        about = (PROCESSES / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if (PROCESSES / "self" / "stat").exists():
            return ""
        with suppress(psutil.Error):
            return _digest(str(psutil.Process(process).create_time()))
        return ""
    fields = about.rpartition(")")[2].split()  # the name of a program may hold blanks
    return "" if fields[0] in ENDED else _digits(int(fields[19]))


def _digits(number: int) -> str:
    """Return the last digits of a number."""
    return f"{number:0{DIGITS}x}"[-DIGITS:]


def _digest(text: str) -> str:
    """Return digits that stand for a text."""
    return blake2b(text.encode(), digest_size=DIGITS // 2).hexdigest()
