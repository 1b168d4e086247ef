"""A simulated run on disk that can be resumed: committed samples stay, whatever happens to the process that writes."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from shutil import disk_usage
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import DiskFull, InvalidInput, NetxrError, OutputExists
from netxr.schema.arguments import check_path
from netxr.schema.outputs import space_needed
from netxr.schema.words import text_of
from netxr.store.commits import array_to_be, commit, writing
from netxr.store.dataset import open as open_store
from netxr.store.layout import plain_attributes, storable
from netxr.store.locks import marked
from netxr.store.metadata import ROOT, documents, grown, sizes
from netxr.store.staging import PathLike, appear, staging
from netxr.store.writers import Mark
from netxr.store.writing import empty_array, write_dataset


class Growing(NamedTuple):
    """A variable of a run that is written as it grows in time: its dims, dtype and attributes."""

    dims: tuple[Any, ...]
    dtype: np.dtype[Any]
    attrs: Mapping[Any, Any]


class ResumableRun:
    """A run whose samples are written first and committed then, `n_steps` a trial at the end.

    It is in `folder`, and appears at `path` with the first commit.

    Attributes
    ----------
    arrays : dict of zarr.Array
        What grows, activity (neuron, time, trial) among it, at its final length, to be written from `committed` on.
    committed : int
        Samples a trial that readers see.
    """

    def __init__(self, path: Path, folder: Path, *, growing: Iterable[str], n_steps: int, mark: Mark) -> None:
        self.path, self.growing, self.n_steps, self.mark = path, tuple(growing), n_steps, mark
        self._use_folder(folder)
        self.committed = sizes(self.known[n.ACTIVITY])[n.TIME]

    def commit(self, n_steps: int, attributes: Mapping[str, Any] | None = None) -> None:
        """Let readers see the first `n_steps` samples of every trial, and further attributes.

        With the last samples go the attributes of an unfinished run.
        """
        changed = {name: grown(self.known[name], n.TIME, n_steps) for name in self.growing}
        gone = (n.UNFINISHED, n.POTENTIAL) if n_steps == self.n_steps else ()
        if gone or attributes:
            kept = {name: value for name, value in self.attributes.items() if name not in gone}
            changed[ROOT] = self.known[ROOT] | {"attributes": kept | dict(attributes or {})}
        commit(self.folder, self.known, changed, self.mark)
        self.committed = n_steps
        if self.folder != self.path:
            appear(self.folder, self.path)
        self._use_folder(self.path)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes of the run as readers see it."""
        attributes: Mapping[str, Any] = self.known[ROOT]["attributes"]
        return attributes

    def last_states(self, n_steps: int) -> np.ndarray[Any, Any]:
        """Return the last samples that were committed, (time, trial, neuron)."""
        last = slice(self.committed - n_steps, self.committed)
        return np.ascontiguousarray(np.asarray(self.arrays[n.ACTIVITY][:, last, :]).transpose(1, 2, 0))

    def _use_folder(self, folder: Path) -> None:
        """Take the run to be in `folder`."""
        self.folder, self.known = folder, documents(folder)
        whole = {name: grown(self.known[name], n.TIME, self.n_steps) for name in self.growing}
        self.arrays = {name: array_to_be(folder, name, document) for name, document in whole.items()}


MOST_COMPRESSED: Final = 100
"""Samples that take less of their bytes than one in so many on disk are none that are worth keeping."""


def _check_room(final: Path, run: xr.Dataset, growing: Mapping[str, Growing], n_steps: int) -> None:
    """Raise DiskFull if what is to be written cannot fit on the disk, however well it is compressed."""
    folder = final.parent
    n_bytes = sum(
        n_steps * prod(run.sizes[d] for d in one.dims if d != n.TIME) * one.dtype.itemsize for one in growing.values()
    )
    if folder.is_dir() and n_bytes > MOST_COMPRESSED * (free := disk_usage(folder).free):
        raise DiskFull(final, f"{text_of(n_bytes)} of samples, and {text_of(free)} are free")


@contextmanager
def resumable_run(
    path: PathLike,
    run: xr.Dataset,
    *,
    n_steps: int,
    growing: Mapping[str, Growing],
    steps_per_chunk: int,
    settings: Sequence[str],
) -> Iterator[ResumableRun]:
    """Make a run whose samples the caller fills in and commits, or resume one that was interrupted.

    The folder appears with the first commit; without one, nothing stays behind. `run` is everything but what grows,
    activity among it; until it has `n_steps` samples a trial it has the attribute `unfinished`. Blocks should begin at
    multiples of `steps_per_chunk`. Attributes that `settings` names must be the same when a run is resumed. Raises
    OutputExists if there is something at `path` that is no unfinished run. Raises InvalidInput if the unfinished run
    has other settings, labels or weights, or the parent folder is missing. Raises StoreBusy, DiskFull if another
    process writes to it, or there is no room; what was committed stays.
    """
    final = check_path("store", path).absolute()
    if os.path.lexists(final):
        _check_unfinished(final)
        with space_needed(final), writing(final) as mark:
            _check_same(final, run, growing[n.ACTIVITY].dtype, settings)
            yield ResumableRun(final, final, growing=growing, n_steps=n_steps, mark=mark)
        return
    _check_room(final, run, growing, n_steps)
    with staging(final) as folder, marked(final) as mark:
        unfinished = {n.UNFINISHED: f"a simulation of {n_steps} steps, which the same call resumes"}
        write_dataset(storable(run.assign_attrs(unfinished), event="simulate"), folder)
        for name, one in growing.items():
            sizes = {dim: 0 if dim == n.TIME else run.sizes[dim] for dim in one.dims}
            chunks = sizes | {n.TIME: min(steps_per_chunk, n_steps), n.TRIAL: 1}
            attrs = plain_attributes(one.attrs, "attrs")
            empty_array(folder, name, sizes=sizes, chunks=chunks, dtype=one.dtype, attrs=attrs)
        yield ResumableRun(final, folder, growing=growing, n_steps=n_steps, mark=mark)


def _check_unfinished(path: Path) -> None:
    """Raise if what is at `path` is no unfinished run."""
    try:
        stored = open_store(path)
    except NetxrError:
        raise OutputExists(path) from None
    if n.UNFINISHED not in stored.attrs:
        raise OutputExists(path)


def _check_same(path: Path, run: xr.Dataset, dtype: np.dtype[Any], settings: Sequence[str]) -> None:
    """Raise unless the unfinished run at `path` began as `run` does."""
    stored = open_store(path)
    if n.UNFINISHED not in stored.attrs:  # another process has just finished it
        raise OutputExists(path)
    kept = {name: stored.attrs.get(name) for name in settings} | {"dtype": str(stored[n.ACTIVITY].dtype)}
    wanted = plain_attributes({name: run.attrs.get(name) for name in settings}, "attrs") | {"dtype": str(dtype)}
    labels = {n.NEURON: n.CONNECTIVITY, n.TARGET: n.CONNECTIVITY, n.SOURCE: n.CONNECTIVITY, n.TRIAL: "trials"}
    for name in wanted:
        if wanted[name] != kept[name]:
            raise _of_another_run(path, name, repr(wanted[name]), repr(kept[name]))
    for dim, argument in labels.items():
        if not np.array_equal(stored[dim].values, run[dim].values):
            raise _of_another_run(path, argument, f"other labels along {dim}", "the same")
    for given, variable in run.data_vars.items():
        if not np.array_equal(stored[given].values, variable.transpose(n.TARGET, n.SOURCE, ...).values):
            raise _of_another_run(
                path, str(given), "other weights" if given == n.CONNECTIVITY else "others", "the same"
            )


def _of_another_run(path: Path, argument: str, got: str, kept: str) -> InvalidInput:
    """Return the error about a run that differs from the unfinished one at `path`."""
    fix = "Ask for the same run, or choose another path."
    return InvalidInput(argument, got=got, expected=f"{kept}, as the unfinished run at {path} has it", fix=fix)
