"""The report of a recording as a file: written by a process of its own, since pages are drawn in this one."""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import panel as pn
import xarray as xr

import netxr
from netxr import names as n
from netxr.app.frame.downloads import NothingShown
from netxr.app.frame.jobs import Job, message_of
from netxr.app.frame.panes import button
from netxr.app.frame.session import Session
from netxr.app.recording.choice import Choice, chosen_activity, with_bad_frames
from netxr.app.recording.shown import Shown
from netxr.errors import NetxrError

KEY: Final = "report"

WAIT: Final = 0.1
"""Seconds after which a process that says nothing is looked after again."""


class Reported(NamedTuple):
    """What a report is about: a recording at a path, what of it, and matrices that are made of it, in memory."""

    path: Path
    choice: Choice
    matrices: xr.Dataset

    @classmethod
    def of(cls, shown: Shown) -> "Reported":
        """Return what a report of a view is about: with the estimate that it shows, or without one."""
        held: dict[str, xr.DataArray] = {}
        if shown.found is not None:
            held = {shown.choice.method: shown.found.R}
            held |= {} if shown.found.A is None else {n.CONNECTIVITY: shown.found.A}
        elif shown.sure is not None:
            held = {str(name): one for name, one in shown.sure.found.data_vars.items()}
        return cls(shown.path, shown.choice, xr.Dataset(held))

    def dataset(self) -> xr.Dataset:
        """Return the recording with the matrices, lazily."""
        run = with_bad_frames(netxr.open(self.path), self.choice, xr.Dataset.compute)
        activity = chosen_activity(run, self.choice)
        return self.matrices.assign({n.ACTIVITY: activity}).assign_attrs(run.attrs)


class ReportFile:
    """A button that has a report written, and one that downloads it when it is there.

    The session writes it in the background. `shown` returns what the view shows, None if nothing.
    """

    def __init__(self, session: Session, shown: Callable[[], Shown | None]) -> None:
        self._session, self._shown, self._page = session, shown, b""
        self._ask = button("Report", lambda _event: self._begin(), sizing_mode="stretch_width", css_classes=["full"])
        self._take = pn.widgets.FileDownload(
            callback=lambda: BytesIO(self._page),
            filename="report.html",
            label="Download the report",
            visible=False,
            sizing_mode="stretch_width",
            margin=0,
        )
        self.buttons = [self._ask, self._take]

    def _begin(self) -> None:
        """Have the report of what is shown written."""
        with self._session.guarded():
            shown = self._shown()
            if shown is None:
                raise NothingShown
            self._take.visible = False
            name = shown.path.name
            work, then = partial(written, Reported.of(shown)), partial(self._offer, name)
            self._session.run(KEY, work, then, label=f"Writing the report of {name}")

    def _offer(self, name: str, page: bytes) -> None:
        """Offer a report that was written."""
        self._page = page
        self._take.param.update(filename=f"{Path(name).stem}.html", visible=True)
        self._session.say(f"The report of {name} is written: Export, Download the report.", kind="note")


def written(reported: Reported, job: Job) -> bytes:
    """Return a report as one HTML file, with progress; if the job is cancelled, its process ends."""
    context = get_context("spawn")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_write, args=(reported, file, there), daemon=True)
        process.start()
        there.close()
        try:
            _follow(here, job)
        finally:
            process.kill()
            process.join()
        return file.read_bytes()


def _follow(said: Connection, job: Job) -> None:
    """Pass on the progress of a process until it ends, and the error that ends it."""
    while True:
        job.step()
        if not said.poll(WAIT):
            continue
        try:
            what: Any = said.recv()
        except EOFError:
            raise MemoryError from None  # it was ended before it could say anything
        if what is None:
            return
        if isinstance(what, NetxrError):
            raise what
        job.step(*what)


def _write(reported: Reported, file: Path, said: Connection) -> None:
    """Write a report in a process of its own, which says how far it is, an error, and None at its end."""
    try:
        netxr.report_run(reported.dataset(), file, progress=lambda *done: said.send(done))
        said.send(None)
    except NetxrError as error:
        said.send(error)
    except Exception as error:
        said.send(NetxrError(message_of(error)))
