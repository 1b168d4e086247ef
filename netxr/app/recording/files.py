"""What the folder holds, as one table: stores to open, and files of other tools to import in place."""

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from itertools import count
from math import isfinite
from pathlib import Path
from shlex import quote
from typing import Any, Final

import panel as pn
import xarray as xr

import netxr
from netxr.app.frame.controls import LOOK
from netxr.app.frame.folder import Folder, RawFile
from netxr.app.frame.jobs import Job, message_of
from netxr.app.frame.looks import COMMAND, LABEL, message_pane
from netxr.app.frame.panes import button, card, grid, note, stack
from netxr.app.frame.session import Session
from netxr.app.frame.stores import BROKEN, size_text
from netxr.app.recording.settings import FILL, KINDS
from netxr.errors import InvalidInput, NetxrError
from netxr.recordings.convert import written
from netxr.recordings.marked_neurons import marked_as_none
from netxr.recordings.missing_samples import MissingSamples
from netxr.schema.warned import warnings_heard
from netxr.schema.words import text_of

KEY: Final = "importing"

AXES: Final = {
    "choose what a row is": (),
    "a row is a neuron": ("neuron", "time"),
    "a row is a sample": ("time", "neuron"),
}
"""What a plain array does not say of itself, and nothing else can."""

ASKED: Final = {"dims": "Axes", "sampling_interval": "Samples per second", "rate": "Bins per second"}
"""What the arguments of an import are called in the form."""

WORDS: Final = {
    "dims=('time', 'neuron'), where each column is a neuron": 'the axes "a row is a sample"',
    "got None; expected bins a second": "got none; expected bins a second",
    "rate=100": "100",
}
"""What is said in Python, and what the form says instead."""

WARNED: Final = {
    "Say interval_units='s' if they are, or 'ms'.": "If they are not, call it time_ms and import the file again.",
    "give sampling_interval= in seconds": "import it in the shell with --sampling-interval",
    "sampling_interval=": "a sample every ",
    "Fix:": "Fix, in Python:",
}
"""The same of what loaders warn of."""

INTRO: Final = "Import makes a store beside a file, and leaves the file as it is."

EMPTY: Final = (
    "There is nothing in the folder. Copy a recording into it (a store, NWB, suite2p, CaImAn, MATLAB, HDF5, .csv, .npy "
    "and others), and press Refresh in step 1. Or make one in the shell, where the truth is known, and press it then:"
)

ELSEWHERE: Final = {"sweep": "see Map"}
"""What to do with stores that are no recordings; those of all other kinds are compared."""

MOST_ROWS: Final = 50
"""Most stores that have a row; the others are in the list beside it."""


class Files:
    """A card that lists the stores and the files, each with a button to open it, or to import it.

    `choose` is called with the name of a store that is to open, `imported` with that of the store that was made.
    """

    def __init__(
        self,
        session: Session,
        folder: Folder,
        *,
        choose: Callable[[str], object],
        imported: Callable[[str], object],
    ) -> None:
        self._session, self._folder, self._choose, self._imported = session, folder, choose, imported
        self.panel = stack()

    def show(self, is_open: str) -> None:
        """List the stores and the files; `is_open` is the recording that is open, an empty text if none is."""
        listed = self._folder.catalog()
        rows = [self._store_row(store, is_open) for _, store in listed[:MOST_ROWS].iterrows()]
        rows += [part for file in self._folder.files() for part in self._row(file)]
        more = [note(f"{len(listed) - MOST_ROWS:,} more in the list at the left.")] * (len(listed) > MOST_ROWS)
        title = "Files of the folder" if is_open else "No recording open yet"
        table = [note(f"Open a store, or import a file. {INTRO}"), _row_of(*HEADS), *rows, *more]
        deeper = [note(text) for text in [self._folder.deeper()] if text]
        self.panel[:] = [card(title, *(table if rows else self._nothing()), *deeper)]

    def _nothing(self) -> list[Any]:
        """Return what is said of a folder that holds nothing: how to bring a recording, or to make one."""
        command = f"netxr simulate {quote(str(self._folder.root / 'run.zarr'))} --neurons 25 --steps 5000 --seed 1"
        typed = pn.pane.HTML(f'<pre style="{COMMAND}">{escape(command)}</pre>', sizing_mode="stretch_width", margin=0)
        return [stack(note(EMPTY), typed)]

    def _store_row(self, store: Any, is_open: str) -> pn.Row:
        """Return a row for a store."""
        name, kind = str(store["name"]), str(store["kind"])
        size, _, n_bytes = size_text(store).rpartition(", ")
        what = store["problem"] or ", ".join(filter(None, (kind, size)))
        does: Any = "open" if name == is_open else ELSEWHERE.get(kind, "see Compare")
        if kind == BROKEN:
            does = "cannot be read"
        elif kind in KINDS and name != is_open:
            does = button("Open", lambda _event: self._choose(name), css_classes=["ends"])
        return _row_of(name, what, n_bytes, does)

    def _row(self, file: RawFile) -> list[Any]:
        """Return a row for a file, and below it the options of its import, which are hidden at first."""
        size = text_of(file.n_bytes) if file.n_bytes else ""
        if file.problem:
            return [_row_of(file.name, file.problem, size, "nothing to do")]
        options = self._options(file)
        what = "Name axes" if file.is_array else "Import"
        ask = button(what, lambda _event: options.param.update(visible=True), css_classes=["ends"])
        return [_row_of(file.name, file.what, size, ask), options]

    def _options(self, file: RawFile) -> pn.Column:
        """Return what is asked before a file is imported."""
        store = pn.widgets.TextInput(name="Name of the store", value=self._free_name(file.stem), **LOOK)
        axes = pn.widgets.Select(name="Axes", options=AXES, visible=file.is_array, **LOOK)
        of_rate = "Bins per second (of spike times)" if file.counts_spikes else "Samples per second (0: not known)"
        rate = pn.widgets.FloatInput(name=of_rate, value=0.0, start=0.0, **LOOK)
        several = file.may_hold_several
        which = pn.widgets.TextInput(name="Which array (if it holds several)", visible=several, **LOOK)
        rate.param.watch(partial(_not_known, rate), "value")
        wrong = stack(visible=False)

        def tell(text: str) -> None:
            """Say what is wrong below what was filled in."""
            wrong[:], wrong.visible = [message_pane(text, kind="error")] if text else [], bool(text)

        def begin(_event: object) -> None:
            """Import it with what was said."""
            said: dict[str, Any] = {"dims": axes.value} if file.is_array else {}
            said |= {"interval_units": "s"} if rate.value and file.is_array else {}
            said |= {"sampling_interval": 1 / rate.value} if rate.value and file.has_no_clock else {}
            said |= {"rate": rate.value} if rate.value and file.counts_spikes else {}
            said |= {"name": which.value.strip()} if which.value.strip() else {}
            tell("")
            try:
                self._begin(file, store.value.strip(), said, tell)
            except NetxrError as error:
                tell(message_of(error))

        start = button(f"Import {file.name}", begin, main=True)
        rate.visible = file.has_no_clock or file.counts_spikes
        return stack(grid(store, axes, rate, which), start, wrong, visible=False, margin=(0, 0, 16, 0))

    def _free_name(self, stem: str) -> str:
        """Return a name for a store that no other has."""
        names = (f"{stem}{f'_{k}' * (k > 1)}.zarr" for k in count(1))
        return next(name for name in names if not (self._folder.root / name).exists())

    def _begin(self, file: RawFile, store: str, said: dict[str, Any], tell: Callable[[str], object]) -> None:
        """Import a file in the background; `tell` is called with what is wrong."""
        target = self._folder.place_for(store)
        source = self._folder.raw_path(file.name)
        if target.exists():
            raise InvalidInput("store", got=f"{store}, which is there already", expected="another name")
        if said.get("dims") == ():
            raise InvalidInput("Axes", got="none", expected="whether a row is a neuron or a sample")

        def work(job: Job) -> tuple[str, list[str]]:
            """Convert it, and return what is to be said of it; in another thread."""
            try:
                with warnings_heard() as told:
                    missing = written(source, target, progress=job.step, **said)
            except InvalidInput as error:
                raise _as_asked(error) from None
            self._folder.look_again()
            return store, [*(_in_words(source, text, WARNED) for text in told), *_remarks(netxr.open(target), missing)]

        self._session.run(
            KEY,
            work,
            partial(self._done, file.name),
            label=f"Importing {file.name}",
            tell=lambda error: tell(_in_words(source, message_of(error), WORDS)),
        )

    def _done(self, name: str, made: tuple[str, list[str]]) -> None:
        """Open the store that was made, and say what there is to say of it."""
        store, remarks = made
        self._imported(store)
        kind = "warning" if remarks else "note"
        self._session.say(" ".join([f"{name} was imported as {store}.", *remarks]), kind=kind)


def _remarks(run: xr.Dataset, missing: MissingSamples | None) -> list[str]:
    """Say what to do about neurons that the file itself marks as none, and about missing samples."""
    keep = "to keep the others alone, write {}={} into Neurons of step 2, Clean"
    marked = marked_as_none(run)
    remarks = [f"{text}{'' if good is None else f'; {keep.format(name, good)}'}." for name, text, good in marked]
    return remarks + ([f"{missing.text}. {FILL}"] if missing is not None and missing.text else [])


def _not_known(rate: Any, event: Any) -> None:
    """Show that a rate is not known where what was typed is no number that can be, or nothing."""
    if event.new is None or not isfinite(event.new):
        rate.value = 0.0


def _as_asked(error: InvalidInput) -> InvalidInput:
    """Return an error of an import about what the form asks for, where it asks for that."""
    if error.argument != "name":
        return error.about(ASKED.get(error.argument, error.argument))
    return error.about("Which array", got="none of its names")


def _in_words(source: Path, text: str, form: Mapping[str, str]) -> str:
    """Return what is said of an import in the words of the form, without the folder."""
    for python, words in {str(source): source.name, **form}.items():
        text = text.replace(python, words)
    return text


HEADS: Final = ("Name", "What it is", "Size", "")


def _row_of(name: str, what: str, size: str, does: Any) -> pn.Row:
    """Return a row of the table: a name, what that is, its size, and a button or a word."""
    is_head = (name, what, size, does) == HEADS
    brief = what.partition("; ")[0].removeprefix(f"{name}: ")
    cells = (("flex:0 1 200px;font-weight:600", name), ("flex:1 1 240px", brief), ("flex:0 0 80px", size))
    look = f"min-width:0;overflow-wrap:anywhere;{LABEL if is_head else ''}"
    said = "".join(f'<span style="{look};{wide}">{escape(text)}</span>' for wide, text in cells)
    words = f'<div title="{escape(what)}" style="display:flex;flex-wrap:wrap;gap:0 16px">{said}</div>'
    word = pn.pane.HTML(f'<span style="color:var(--ink2)">{does}</span>', margin=0) if isinstance(does, str) else does
    said_pane = pn.pane.HTML(words, css_classes=["grows"], margin=0)
    classes = ["file", *["heads"] * is_head]
    return pn.Row(said_pane, word, css_classes=classes, sizing_mode="stretch_width", margin=0)
