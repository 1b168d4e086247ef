"""Files of other tools into stores of netxr."""

import hashlib
import warnings
from collections.abc import Iterable
from os import path as os_path
from pathlib import Path
from reprlib import repr as shortened
from threading import Lock
from typing import Any, Final, NamedTuple
from uuid import uuid4

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.progress import Report
from netxr.blocks.schedulers import computed
from netxr.errors import OutputExists, UnreadableFile
from netxr.preprocessing.trials import cut_trials
from netxr.recordings.formats.registry import format_of
from netxr.recordings.load import is_zarr, load_recording
from netxr.schema.arguments import check_path
from netxr.schema.provenance import first_saved, with_event
from netxr.schema.variables import labels_of
from netxr.schema.words import listed
from netxr.store.dataset import open as open_store
from netxr.store.dataset import save
from netxr.store.staging import PathLike

BLOCK_BYTES: Final = 2**20

FILL: Final = (
    'Estimators leave them out with missing="drop" or missing="pairwise"; netxr.interpolate_frames(activity, '
    "frames=netxr.bad_frames(activity)) fills the frames."
)
"""What to do about missing samples."""

JUDGED: Final = {
    **{n.ISCELL: True, n.ACCEPTED: True, "Accepted": True, "keep": True, "valid_roi": True},
    "state": "accepted",
}
"""What coordinates say of neurons that the program which found them took for cells, as several programs write it."""

_COUNTING: Final = Lock()
"""Held while a block is counted; of the module, as blocks and what counts them may travel to other processes."""


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


class MissingSamples:
    """Counts the samples of each neuron that are NaN or infinite, as the blocks of activity go by."""

    def __init__(self, activity: xr.DataArray) -> None:
        self._labels = labels_of(activity, n.NEURON)
        self._axis = activity.get_axis_num(n.NEURON)
        self._others = tuple(axis for axis in range(activity.ndim) if axis != self._axis)
        self._seen: set[tuple[int, ...]] = set()
        self._n_blocks = 0
        self.of_each: NDArray[np.int64] = np.zeros(len(self._labels), np.int64)

    @property
    def text(self) -> str:
        """How many samples are missing, and of which neurons; an empty text where none is."""
        names = self._labels[self.of_each > 0].tolist()
        count, of_neurons = int(self.of_each.sum()), f"of {len(names):,} of {len(self._labels):,} neurons"
        some, verb = ("sample", "is") if count == 1 else ("samples", "are")
        return f"{count:,} {some} {of_neurons} {verb} missing (NaN or infinite): {listed(names)}" if names else ""

    def counting(self, activity: xr.DataArray) -> xr.DataArray:
        """Return the same activity, whose samples are counted: those in memory now, others when they are computed."""
        samples: Any = activity.data
        if activity.dtype.kind != "f" or not isinstance(samples, da.Array):
            self.of_each = self._missing_in(samples) if activity.dtype.kind == "f" else self.of_each
            return activity
        self._n_blocks = samples.npartitions
        as_before: dict[str, Any] = {"dtype": samples.dtype, "meta": samples._meta, "name": f"counted-{uuid4().hex}"}
        return activity.copy(data=da.map_blocks(self._count, samples, **as_before))  # type: ignore[no-untyped-call]

    def count_again(self, store: PathLike) -> None:
        """Count what was written, if other processes computed some of it: their counts do not come back."""
        if len(self._seen) < self._n_blocks:
            (self.of_each,) = computed(self._missing_in(open_store(store)[n.ACTIVITY].data))

    def _count(self, block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        """Count what is missing in a block, which may be computed more than once, and return it."""
        place, found = block_info[0]["array-location"], self._missing_in(block)
        with _COUNTING:
            if tuple(block_info[0]["chunk-location"]) not in self._seen:
                self._seen.add(tuple(block_info[0]["chunk-location"]))
                self.of_each[slice(*place[self._axis])] += found
        return block

    def _missing_in(self, samples: Any) -> Any:
        """Return how many samples of each neuron are missing."""
        return (~np.isfinite(samples)).sum(axis=self._others)


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


class Marked(NamedTuple):
    """Neurons that a file itself marks as none: by which coordinate, how many in words, and what others have there."""

    name: str
    text: str
    good: Any
    """None where all are marked."""


def marked_as_none(run: xr.Dataset) -> list[Marked]:
    """Return which neurons the file itself marks as no cells, or as not accepted, by each coordinate that says it."""
    marked = []
    for name, right in JUDGED.items():
        entries = run[name].values.tolist() if name in run.coords else []
        bad = [entry for entry in entries if entry != right]
        if not bad or not {*entries} <= ({0, 1} if right is True else {"accepted", "undecided", "rejected"}):
            continue
        good = next((entry for entry in entries if entry == right), None)
        what = " or ".join(dict.fromkeys(map(str, bad)))
        marked.append(Marked(name, f"{len(bad):,} of {len(entries):,} neurons have {name} = {what}", good))
    return marked


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
