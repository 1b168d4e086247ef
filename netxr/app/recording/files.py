"""Files of the folder that are no stores yet: what each is, and its import in place."""

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any, Final

import panel as pn

import netxr
from netxr.app.frame.controls import LOOK
from netxr.app.frame.folder import Folder, RawFile
from netxr.app.frame.jobs import Job
from netxr.app.frame.panes import button, card, grid, note, row, stack
from netxr.app.frame.session import Session
from netxr.errors import InvalidInput
from netxr.schema.words import text_of

KEY: Final = "importing"

AXES: Final = {"a row is a neuron": ("neuron", "time"), "a row is a sample": ("time", "neuron")}
"""What a plain array does not say of itself."""

INTRO: Final = "Import makes a store beside a file, and leaves the file as it is."


class RawFiles:
    """A card that lists the files, each with a button to import it.

    Parameters
    ----------
    session, folder : Session, Folder
        Of the page.
    imported : callable
        Called with the name of the store that was made.
    """

    def __init__(self, session: Session, folder: Folder, *, imported: Callable[[str], object]) -> None:
        self._session, self._folder, self._imported = session, folder, imported
        self._rows = stack()
        self.is_filled = False
        self.panel = card("Files to import", note(INTRO), self._rows)
        self.look_again()

    def look_again(self) -> None:
        """List the files again."""
        files = self._folder.files()
        self._rows[:] = [part for file in files for part in self._row(file)]
        self.is_filled = bool(files)

    def _row(self, file: RawFile) -> list[Any]:
        """Return a row for a file, and below it the options of its import, which are hidden at first."""
        about = file.problem or file.what
        size = f" ({text_of(file.n_bytes)})" if file.n_bytes else ""
        said = f"<b>{escape(file.name)}</b>{escape(size)}<br>{escape(about)}"
        words = pn.pane.HTML(said, css_classes=["grows"], margin=0)
        if file.problem:
            return [row(words)]
        options = self._options(file)
        ask = button("Name axes" if file.is_array else "Import", lambda _event: options.param.update(visible=True))
        return [row(words, ask), options]

    def _options(self, file: RawFile) -> pn.Column:
        """Return what is asked before a file is imported."""
        store = pn.widgets.TextInput(name="Name of the store", value=f"{file.stem}.zarr", **LOOK)
        axes = pn.widgets.Select(name="Axes", options=AXES, visible=file.is_array, **LOOK)
        rate = pn.widgets.FloatInput(name="Samples per second (0: not known)", value=0.0, start=0.0, **LOOK)
        which = pn.widgets.TextInput(name="Which array (if it holds several)", visible=file.is_array, **LOOK)

        def begin(_event: object) -> None:
            """Import it with what was said."""
            said: dict[str, Any] = {"dims": axes.value} if file.is_array else {}
            said |= {"sampling_interval": 1 / rate.value} if rate.value and file.is_array else {}
            said |= {"rate": rate.value} if rate.value and not file.is_array else {}
            said |= {"name": which.value.strip()} if which.value.strip() else {}
            with self._session.guarded():
                self._begin(file, store.value.strip(), said)

        start = button(f"Import {file.name}", begin, main=True)
        rate.visible = file.is_array or file.counts_spikes
        return stack(grid(store, axes, rate, which), start, visible=False)

    def _begin(self, file: RawFile, store: str, said: dict[str, Any]) -> None:
        """Import a file in the background."""
        target = self._folder.place_for(store)
        source = self._folder.raw_path(file.name)
        if target.exists():
            raise InvalidInput("store", got=f"{store}, which is there already", expected="another name")

        def work(job: Job) -> str:
            """Convert it; in another thread."""
            netxr.convert(source, target, progress=job.step, **said)
            return store

        self._session.run(KEY, work, partial(self._done, file.name), label=f"Importing {file.name}")

    def _done(self, name: str, store: str) -> None:
        """Open the store that was made."""
        self.look_again()
        self._imported(store)
        self._session.say(f"{name} was imported as {store}.", kind="note")
