"""Plain files and stores in, labelled arrays out: .npy, .npz, text tables and Zarr.

Which axis is which is never guessed: a plain file does not say, so the caller does.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from netxr.arrays import as_activity, as_connectivity
from netxr.errors import InvalidInput, NetxrError, UnreadableFile
from netxr.names import ACTIVITY, CONNECTIVITY, NEURON, SOURCE, TARGET, TIME, TRIAL
from netxr.schema import check_activity, check_connectivity
from netxr.staging import PathLike
from netxr.store import open as open_store
from netxr.tables import Table, read_table, shown


def load_activity(
    path: PathLike,
    *,
    dims: Sequence[str] | None = None,
    name: str | None = None,
    neurons: Sequence[Any] | None = None,
    sampling_interval: float | None = None,
    interval_units: str = "s",
    units: str | None = None,
) -> xr.DataArray:
    """Load a recording from a plain file or a Zarr store.

    Parameters
    ----------
    path : path-like
        A .npy (memory-mapped), .npz, .csv, .tsv or .txt file, or the folder of a Zarr store (opened lazily).
        Cells of text are parted by tabs, semicolons, commas or spaces; an empty cell is NaN, unless spaces part
        the cells; lines that begin with # are skipped.
    dims : sequence of str
        What each axis of a plain file is, rows first: ("neuron", "time"), ("time", "neuron"), or three with
        "trial". A store says it itself.
    name : str, optional
        Which array of an .npz file that holds several; which variable of a store, "activity" if not given.
    neurons : sequence, optional
        A label for each neuron; if not given, those in the first line of a text file with dims
        ("time", "neuron"), else 0, 1, 2, ...
    sampling_interval : float, optional
        Time from one sample to the next, in `interval_units`.
    interval_units : str
        Unit of `sampling_interval`.
    units : str, optional
        Unit of the samples, e.g. "mV".

    Returns
    -------
    DataArray
        The samples, (neuron, time[, trial]), in the dtype of the file; float64 from text.

    Raises
    ------
    UnreadableFile
        If the file is missing, damaged, ragged, of no known kind, or holds pickled objects or text for numbers;
        if a first line, with dims ("time", "neuron"), numbers the columns or names one of them like an axis.
    InvalidInput
        If an option is missing, or does not fit what the file holds.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(folder + "/run.npz", X=np.zeros((500, 3)))
    ...     load_activity(folder + "/run.npz", dims=("time", "neuron")).sizes
    Frozen({'neuron': 3, 'time': 500})
    """
    _check_path(path)
    if Path(path).is_dir():
        given = {"neurons": neurons, "sampling_interval": sampling_interval, "units": units}
        recording = check_activity(_from_store(path, name or ACTIVITY, given))
        _check_agrees("dims", None if dims is None else tuple(dims), tuple(map(str, recording.dims)), path)
        return recording
    table = _read(Path(path), name)
    if dims is None:
        fix = f"Say what its axes are, e.g. dims=({NEURON!r}, {TIME!r}) or dims=({TIME!r}, {NEURON!r})."
        raise InvalidInput(
            "dims", got=f"none for {path}, of shape {table.values.shape}", expected="a name for each axis", fix=fix
        )
    if tuple(dims) == (TIME, NEURON):
        _check_columns_are_neurons(path, table)
    elif table.labels is not None:
        _refuse_labels(path, table.labels, f"dims=({TIME!r}, {NEURON!r}), where each column is a neuron")
    return as_activity(
        table.values,
        dims=dims,
        neurons=table.labels if neurons is None else neurons,
        sampling_interval=sampling_interval,
        interval_units=interval_units,
        units=units,
    )


def load_connectivity(
    path: PathLike,
    *,
    rows: Literal["target", "source"] | None = None,
    name: str | None = None,
    neurons: Sequence[Any] | None = None,
) -> xr.DataArray:
    """Load a connectivity from a plain file or a Zarr store.

    Parameters
    ----------
    path : path-like
        As in `load_activity`.
    rows : {"target", "source"}
        What a row of a plain file is. "target": entry [i, j] is from j to i; "source": from i to j. A store
        says it itself.
    name : str, optional
        Which array of an .npz file that holds several; which variable of a store, "connectivity" if not given.
    neurons : sequence, optional
        A label for each neuron; 0, 1, 2, ... if not given.

    Returns
    -------
    DataArray
        The weights, (target, source), in the dtype of the file; float64 from text.

    Raises
    ------
    UnreadableFile
        If the file is missing, damaged, ragged, of no known kind, or holds pickled objects or text for numbers.
    InvalidInput
        If an option is missing, or does not fit what the file holds.
    """
    _check_path(path)
    if Path(path).is_dir():
        weights = check_connectivity(_from_store(path, name or CONNECTIVITY, {"neurons": neurons}))
        _check_agrees("rows", rows, TARGET, path)
        return weights
    table = _read(Path(path), name)
    if rows is None:
        fix = f"rows={TARGET!r} if entry [i, j] is from j to i, rows={SOURCE!r} if it is from i to j."
        raise InvalidInput(
            "rows", got=f"none for {path}, of shape {table.values.shape}", expected="what a row is", fix=fix
        )
    if table.labels is not None:
        _refuse_labels(path, table.labels, "activity; labels of a connectivity go in neurons=")
    return as_connectivity(table.values, rows=rows, neurons=neurons)


def _check_path(path: object) -> None:
    """Raise if `path` is no path at all."""
    if not isinstance(path, str | os.PathLike):
        raise InvalidInput("path", got=f"{path!r:.80}", expected="the path of a file or folder, a str or pathlib.Path")


# --- stores -------------------------------------------------------------------


def _from_store(path: PathLike, name: str, given: Mapping[str, object]) -> xr.DataArray:
    """Return one variable of a store, which carries itself what plain files are given."""
    dataset = open_store(path)
    if name not in dataset.data_vars:
        there = ", ".join(sorted(map(str, dataset.data_vars))) or "nothing"
        raise InvalidInput("name", got=f"{name!r} for {path}", expected=f"a variable of the store, which has {there}")
    for option, value in given.items():
        if value is not None:
            fix = "Change it on what is loaded, with .assign_coords or .assign_attrs."
            raise InvalidInput(option, got=repr(value), expected="nothing for a store, which carries its own", fix=fix)
    return dataset[name]


def _check_agrees(option: str, given: object, stored: object, path: PathLike) -> None:
    """Raise if the caller says something else than the store."""
    if given not in (None, stored):
        raise InvalidInput(option, got=repr(given), expected=f"none, or {stored!r} as {path} has it")


# --- plain files --------------------------------------------------------------


def _read(path: Path, name: str | None) -> Table:
    """Read a plain file by the reader that its suffix names."""
    if not path.exists():
        raise UnreadableFile(path, "there is no such file")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        raise UnreadableFile(path, f"no known kind of file; known are {known}, and folders of Zarr stores")
    if name is not None and reader is not _read_npz:
        raise InvalidInput("name", got=repr(name), expected=f"none for a {path.suffix} file, which holds one array")
    try:
        return reader(path, name)
    except NetxrError:
        raise
    except Exception as error:  # a damaged file makes the readers below raise whatever they stumble over
        fix = "Plain numbers are read; pickled objects never are."
        raise UnreadableFile(
            path, f"not readable as {path.suffix} ({type(error).__name__}: {error})", fix=fix
        ) from error


def _read_npy(path: Path, name: str | None) -> Table:
    """Map one array from disk; nothing is read until it is used."""
    return Table(np.lib.format.open_memmap(path, mode="r"))


def _read_npz(path: Path, name: str | None) -> Table:
    """Read one array of an archive."""
    # Opened here, because NumPy leaves a damaged archive open.
    with path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise UnreadableFile(path, "not an archive of arrays", fix="Rename a single array to .npy.")
        names = archive.files
        if name not in names and (name is not None or len(names) != 1):
            raise InvalidInput(
                "name", got=repr(name), expected=f"one of {', '.join(names) or 'none'}, as {path} has it"
            )
        return Table(archive[names[0] if name is None else name])


def _read_text(path: Path, name: str | None) -> Table:
    """Read a table of numbers."""
    return read_table(path)


READERS: Final[dict[str, Callable[[Path, str | None], Table]]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
}
"""How a plain file is read, by its suffix."""


def _check_columns_are_neurons(path: PathLike, table: Table) -> None:
    """Raise if the first line of a text file shows that not every column is a neuron, or is no sample."""
    if table.counts_columns:
        fix = "Remove the line, or give the neurons names: a line of labels goes before the first sample."
        raise UnreadableFile(path, "its first line looks like column numbers, not samples", fix=fix)
    for column, label in enumerate(table.labels or [], start=1):
        if label.lower() in (TIME, NEURON, TRIAL):
            raise UnreadableFile(path, f"its column {label!r} is an axis, not a neuron", fix="Remove that column.")
        if not label:
            fix = "Remove that column if it numbers the rows, or label it."
            raise UnreadableFile(path, f"its column {column} has no label, others have", fix=fix)


def _refuse_labels(path: PathLike, labels: list[str], place: str) -> None:
    """Raise because a text file begins with labels where none can be."""
    begin = ", ".join(map(shown, labels[:3]))
    raise UnreadableFile(path, f"its first line is no numbers ({begin}, ...); labels go only with {place}")
