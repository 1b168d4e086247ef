"""What can be downloaded from a view: the figure, its numbers, its data, and the Python that makes it."""

import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import panel as pn
import param
import xarray as xr

import netxr
import netxr.plot.files
from netxr.app.frame.jobs import message_of
from netxr.app.frame.session import Session
from netxr.errors import InvalidInput, NetxrError
from netxr.recordings.export import csv
from netxr.schema.words import text_of

MOST_BYTES: Final = 2**26
"""Most bytes of a download, which is sent to the page in one piece."""


class NothingShown(NetxrError):
    """A download was asked for, but the view shows nothing yet."""

    def __init__(self) -> None:
        super().__init__("There is nothing to download yet: the view is empty.")


def downloads(
    session: Session,
    *,
    name: str,
    shown: Callable[[], Any],
    figure: Callable[[Any], Any],
    table: Callable[[Any], xr.Dataset],
    data: Callable[[Any], xr.Dataset],
    lines: Callable[[Any], str],
    beside: Sequence[Any] = (),
    further: Sequence[Any] = (),
) -> pn.Column:
    """Return what can be taken from a view: a switch for its Python, and a menu of files, each made on demand.

    `shown` returns what the view shows, None if nothing, with which the others are called: `figure` returns what is
    drawn as PNG and SVG; `table` loaded variables with common dims, (target, source) for instance, columns of the CSV;
    `data` what is zipped as a Zarr store; `lines` the Python that makes the view. Files have the `name`. Buttons
    `beside` stand before these, `further` ones in the menu.
    """

    def of_shown(make: Callable[[Any], Any]) -> Any:
        """Make something of what the view shows now."""
        what = shown()
        if what is None:
            raise NothingShown
        return make(what)

    makers: dict[str, tuple[str, Callable[[Any], bytes]]] = {
        "png": ("PNG", lambda what: netxr.plot.files.picture(figure(what), "png")),
        "svg": ("SVG", lambda what: netxr.plot.files.picture(figure(what), "svg")),
        "csv": ("CSV", lambda what: csv(table(what)).encode()),
        "zarr.zip": ("Zarr (zip)", lambda what: zipped_store(data(what), name=name)),
    }
    buttons = [
        _button(session, text, f"{name}.{ending}", partial(of_shown, make)) for ending, (text, make) in makers.items()
    ]
    python, text = _python(partial(of_shown, lines))
    menu = pn.Column(*buttons, *further, css_classes=["menu"], visible=False, margin=0)
    export = pn.widgets.Toggle(name="Export", css_classes=["export"], margin=0)
    export.param.watch(lambda event: menu.param.update(visible=event.new), "value")
    opened = pn.Column(export, menu, css_classes=["opened"], margin=0)
    tools = pn.Row(*beside, python, opened, css_classes=["row"], margin=0)
    return pn.Column(tools, text, css_classes=["tools"], sizing_mode="stretch_width", margin=0)


def zipped_store(data: xr.Dataset, *, name: str, most: int = MOST_BYTES) -> bytes:
    """Return a Zarr store as one zip file; `most` is in bytes."""
    if data.nbytes > most:
        raise InvalidInput(
            "download",
            got=text_of(data.nbytes),
            expected=f"at most {text_of(most)}",
            fix="Save it on this machine with netxr.save: see the Python lines of the view.",
        )
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        store = Path(folder) / f"{name}.zarr"
        netxr.save(data, store)
        for file in sorted(store.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return packed.getvalue()


def _button(session: Session, text: str, filename: str, make: Callable[[], bytes]) -> Any:
    """Return a button that downloads what `make` returns."""

    def created() -> io.BytesIO:
        """Return the file; an error is shown in the page."""
        try:
            return io.BytesIO(make())
        except Exception as error:
            session.say(message_of(error))
            raise param.Skip from error  # an empty file would look like a successful download

    return pn.widgets.FileDownload(
        callback=created, filename=filename, label=text, sizing_mode="stretch_width", margin=0
    )


def _python(lines: Callable[[], str]) -> tuple[Any, Any]:
    """Return a switch that shows the lines of Python, and their text, to be copied."""
    switch = pn.widgets.Toggle(name="Python", margin=0)
    text = pn.widgets.TextAreaInput(
        name="Lines of Python",
        disabled=False,
        auto_grow=True,
        sizing_mode="stretch_width",
        visible=False,
        margin=0,
        stylesheets=["textarea { font-family: ui-monospace, Menlo, Consolas, monospace; }"],
    )

    def show(_event: object) -> None:
        """Show the lines, or hide them."""
        text.param.update(value=lines() if switch.value else "", visible=switch.value)

    switch.param.watch(show, "value")
    return switch, text
