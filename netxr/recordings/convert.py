"""Files of other tools into stores of netxr."""

import hashlib
import warnings
from collections.abc import Iterable
from os import path as os_path
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, Final

from netxr import names as n
from netxr.blocks.progress import Report
from netxr.errors import OutputExists, UnreadableFile
from netxr.preprocessing.trials import cut_trials
from netxr.recordings.formats.registry import format_of
from netxr.recordings.load import is_zarr, load_recording
from netxr.recordings.missing_samples import FILL, MissingSamples
from netxr.schema.arguments import check_path
from netxr.schema.provenance import first_saved, with_event
from netxr.store.dataset import save
from netxr.store.staging import PathLike

BLOCK_BYTES: Final = 2**20


def convert(
    source: PathLike,
    store: PathLike,
    *,
    format: str | None = None,  # noqa: A002
    trial_length: float | str | None = None,
    progress: Report | None = None,
    **options: Any,
) -> None:
    """Convert a recording of another tool to a Zarr store, in bounded memory where its format is read lazily.

    A warning says how many samples are missing, NaN or infinite, and of which neurons.

    Parameters
    ----------
    source : path-like
        A file or folder, as in `netxr.load_recording`.
    store : path-like
        The store to make, in a folder that exists; it appears when it is complete. Its attributes say from which file
        it came, in which format, with which options and SHA-256 checksum; of a folder, that of its files.
    format : str, optional
        What the file is, where it cannot be recognised.
    trial_length : float or str, optional
        Cut the recording into trials that follow one another, as `netxr.cut_trials` does with this length.
    progress : callable, optional
        Called with (bytes written, bytes to write).
    **options : Any
        Those of the format.

    Raises
    ------
    OutputExists
        If there is something at `store`.
    UnreadableFile
        If the file is missing, damaged or of no known kind; nothing stays behind.
    InvalidInput
        If an option is missing or does not fit.
    MissingExtra
        If the format needs a package that is not installed.
    DiskFull
        If there is no room; nothing stays behind.

    Examples
    --------
    >>> import tempfile, netxr, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/run.npy", np.zeros((500, 3)))
    ...     convert(folder + "/run.npy", folder + "/run.zarr", dims=("time", "neuron"), sampling_interval=0.1)
    ...     netxr.open(folder + "/run.zarr").attrs["source_file"]
    'run.npy'
    """
    missing = written(source, store, format=format, trial_length=trial_length, progress=progress, **options)
    if missing is not None and missing.text:
        warnings.warn(f"{missing.text}. {FILL}", UserWarning, stacklevel=2)


def written(
    source: PathLike,
    store: PathLike,
    *,
    format: str | None = None,  # noqa: A002
    trial_length: float | str | None = None,
    progress: Report | None = None,
    **options: Any,
) -> MissingSamples | None:
    """Convert a recording as `convert` does; return which samples of it are missing, None of a store without any."""
    file, target = check_path("source", source), check_path("store", store)
    if os_path.lexists(target):
        raise OutputExists(target)
    recording = load_recording(file, format=format, **options)
    recording = recording if trial_length is None else cut_trials(recording, length=trial_length)
    known = "zarr" if is_zarr(file, format) else format_of(file, format).name
    origin = {n.SOURCE_FILE: file.absolute().name, n.SOURCE_FORMAT: known, n.SOURCE_SHA256: _sha256(_files_of(file))}
    said = ", ".join(f"{option}={shortened(value)}" for option, value in options.items())
    origin |= {n.SOURCE_OPTIONS: said} if said else {}
    event, attrs = f"import: {origin[n.SOURCE_FILE]} ({known})", recording.attrs | origin
    attrs = with_event(attrs, event) if n.CREATED in attrs else first_saved(attrs, event)
    recording = recording.assign_attrs(attrs)
    if n.ACTIVITY not in recording:
        save(recording, target, progress=progress)
        return None
    missing = MissingSamples(recording[n.ACTIVITY])
    save(recording.assign({n.ACTIVITY: missing.counting(recording[n.ACTIVITY])}), target, progress=progress)
    missing.count_again(target)
    return missing


def _files_of(source: Path) -> list[Path]:
    """Return a file, or the files of a folder, sorted by their places in it."""
    if source.is_file():
        return [source]
    return sorted(
        (file for file in source.rglob("*") if file.is_file()), key=lambda file: file.relative_to(source).parts
    )


def _sha256(files: Iterable[Path]) -> str:
    """Return the checksum of the content of files, one after the other."""
    digest = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    digest.update(block)
        except OSError as error:
            raise UnreadableFile(path, f"it cannot be read ({error.strerror})") from error
    return digest.hexdigest()
