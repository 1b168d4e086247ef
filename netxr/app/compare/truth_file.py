"""The truth of a recording from a file of the folder: a matrix, or a list of edges, imported as a store beside it."""

from functools import partial
from pathlib import Path
from typing import Any, Final

import panel as pn
import param

import netxr
from netxr import names as n
from netxr.app.frame.controls import LOOK
from netxr.app.frame.folder import EDGES, Folder, RawFile
from netxr.app.frame.jobs import Job, message_of
from netxr.app.frame.looks import message_pane
from netxr.app.frame.panes import button, stack
from netxr.app.frame.session import Session
from netxr.errors import InvalidInput, NetxrError
from netxr.recordings.truths import load_truth
from netxr.schema.variables import labels_of

KEY: Final = "importing a truth"

SUFFIXES: Final = (".csv", ".tsv", ".txt", ".npy", ".npz", ".mat", ".parquet")
MOST_BYTES: Final = 2**28
"""Of files that may be a matrix: their suffixes, and their size."""

ROWS: Final = {"a target: what it receives": n.TARGET, "a source: what it sends": n.SOURCE}
"""What a plain matrix does not say of itself."""


class TruthFile:
    """Offers to import what matrices are scored against; the store that is made becomes the setting `against`."""

    def __init__(self, session: Session, folder: Folder, settings: param.Parameterized) -> None:
        self._session, self._folder, self._settings = session, folder, settings
        self._file = pn.widgets.Select(name="Import a truth", **LOOK)
        self._rows = pn.widgets.Select(name="A row of the file is", options=ROWS, visible=False, **LOOK)
        self._start = button("Import the truth", self._begin, visible=False)
        self._wrong = stack(visible=False)
        self.widgets = [self._file, self._rows, self._start, self._wrong]
        self._file.param.watch(lambda _event: self._ask(), "value")
        self.offer()

    def offer(self) -> None:
        """Offer the files of the folder that may be a truth."""
        files = [file for file in self._folder.files() if _may_be_truth(file)]
        self._edges = {file.name for file in files if file.problem == EDGES}
        offered = {"Choose a file": ""} | {file.name: file.name for file in files}
        value = self._file.value if self._file.value in offered.values() else ""
        self._file.param.update(options=offered, value=value, visible=bool(files))
        self._ask()

    def _ask(self) -> None:
        """Ask what has to be known of the chosen file."""
        name = self._file.value
        self._tell("")
        self._start.visible = bool(name)
        self._rows.visible = bool(name) and name not in self._edges

    def _tell(self, text: str) -> None:
        """Say below the file what is wrong with it."""
        self._wrong[:], self._wrong.visible = [message_pane(text, kind="error")] if text else [], bool(text)

    def _begin(self, _event: object) -> None:
        """Import the chosen file for the neurons of the first store."""
        self._tell("")
        try:
            first, file = self._settings.first, self._file.value
            if not first:
                fix = "Choose the first store."
                raise InvalidInput("truth", got="no recording", expected="one whose neurons it is of", fix=fix)
            store = f"{Path(file).stem}_truth.zarr"
            source, target = self._folder.raw_path(file), self._folder.place_for(store)
            if target.exists():
                raise InvalidInput(
                    "truth", got=f"{store}, which is there already", expected="a file that is not imported"
                )
        except NetxrError as error:
            self._tell(message_of(error))
            return
        rows = None if file in self._edges else self._rows.value
        work = partial(self._imported, first, source, target, rows)
        tell = partial(self._tell_of, source)
        self._session.run(KEY, work, self._done, label=f"Importing {file}", tell=tell)

    def _tell_of(self, source: Path, error: BaseException) -> None:
        """Say what is wrong with a file, without its folder."""
        self._tell(message_of(error).replace(str(source), source.name))

    def _imported(self, first: str, source: Path, target: Path, rows: Any, _job: Job) -> str:
        """Save the truth as a store; in another thread."""
        neurons = _neurons_of(self._folder.open(first))
        truth = load_truth(source, neurons, rows=rows)
        known = set(truth[n.TARGET].values.tolist())
        if not known & set(neurons):
            got = f"neurons such as {sorted(map(str, known))[:2]}"
            raise InvalidInput("truth", got=got, expected=f"those of {first}, such as {neurons[:2]}")
        netxr.save(truth.rename(n.CONNECTIVITY).to_dataset(), target)
        return target.name

    def _done(self, store: str) -> None:
        """Score against the store that was made."""
        self._file.value = ""
        self._session.look_again()
        self._settings.against = store


def _may_be_truth(file: RawFile) -> bool:
    """Return whether a file may hold a connectivity."""
    is_matrix = Path(file.name).suffix.lower() in SUFFIXES and 0 < file.n_bytes <= MOST_BYTES
    return is_matrix and file.problem in ("", EDGES)


def _neurons_of(run: Any) -> list[Any]:
    """Return the labels of the neurons of a store: of its activity, or else of its first matrix."""
    if n.ACTIVITY in run:
        return labels_of(run[n.ACTIVITY], n.NEURON).tolist()  # type: ignore[no-any-return]
    matrix = next(one for one in run.data_vars.values() if n.TARGET in one.dims)
    return labels_of(matrix, n.TARGET).tolist()  # type: ignore[no-any-return]
