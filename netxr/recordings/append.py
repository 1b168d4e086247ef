"""More samples, more trials and more results for a saved run, all at once or not at all."""

from collections.abc import Mapping
from typing import Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.array.core import slices_from_chunks
from zarr.abc.store import Store

from netxr import names as n
from netxr.blocks.progress import Report, notified
from netxr.errors import InvalidInput, OutputExists, UnreadableFile
from netxr.recordings.compatible import check_same_labels, compatible
from netxr.recordings.update import Updates, check_moments, made_from_activity, updates
from netxr.schema.arguments import check_choice
from netxr.schema.clock import without_axis
from netxr.schema.provenance import with_event
from netxr.schema.variables import check_activity
from netxr.store.compact import as_codes, as_stored, is_coded
from netxr.store.dataset import open as open_store
from netxr.store.layout import storable
from netxr.store.staging import PathLike
from netxr.store.transactions import Transaction, transaction
from netxr.store.writing import Region, Writable, write_regions

ORIGIN: Final = (n.MODEL, n.SEED, n.RNG, n.SOURCE_FILE, n.SOURCE_SHA256, n.PREPROCESSING)
"""Attributes of the appended data that go into the history where those of the run differ."""


def append(
    data: xr.Dataset | xr.DataArray,
    store: PathLike | Store,
    *,
    dim: str,
    group: str | None = None,
    progress: Report | None = None,
) -> None:
    """Append samples to every trial of a saved run, or further trials to it.

    Lagged moments in the store are updated from the new samples, and from the moments estimates of connectivity, and
    tests of `netxr.correlation_test` that were made from moments; tests and `netxr.reliability` of each trial are made
    of further trials as well. Other estimates, tests and scores are marked as outdated. The attributes of the run stay;
    its history names the seed or file of the new samples. Readers see the run without the new samples, then with all of
    them; a writer that dies leaves the run as it was.

    Parameters
    ----------
    data : Dataset or DataArray
        Activity (neuron, time[, trial]), and in a Dataset whatever else the store has along `dim`. Neurons are
        matched by label.
    store : path-like or zarr Store
        A run that `save`, `simulate` or `convert` made.
    dim : {"time", "trial"}
        "time": the trials continue where they ended, without a gap; samples that have times must have the next ones,
        and samples without go on. "trial": further trials, with new labels, at any time, which the history names.
    group : str, optional
        Group of the run within a Zarr store; its root if not given.
    progress : callable, optional
        Called with (bytes written, bytes to write).

    Raises
    ------
    InvalidInput
        If neurons, trials, dtype, sampling interval, units or preprocessing differ, a label is there already, samples
        are there already by their times or leave a gap, a coordinate or the connectivity contradicts that of the store,
        something is missing that the store has along `dim`, or a compact store has no code for a sample.
    UnreadableFile
        If there is no run at `store`, it is unfinished, or a chunk that new samples share with old ones is damaged.
    StoreBusy
        If another process is writing to it.
    DiskFull
        If the disk is full; the run is as it was.

    Examples
    --------
    >>> import tempfile, netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     netxr.save(run.isel(time=slice(0, 60)), folder + "/run.zarr")
    ...     netxr.append(run.activity[:, 60:], folder + "/run.zarr", dim="time")
    ...     netxr.open(folder + "/run.zarr").activity.equals(run.activity)
    True
    """
    check_choice("dim", dim, (n.TIME, n.TRIAL))
    new = data.to_dataset(name=n.ACTIVITY) if isinstance(data, xr.DataArray) else data
    check_activity(new[n.ACTIVITY] if isinstance(new, xr.Dataset) and n.ACTIVITY in new else new, argument="data")
    with notified(progress), transaction(store, group=group) as changes:
        stored = _run_at(store, group)
        again = made_from_activity(stored)
        new = compatible(new, stored, dim=dim, made_again=again)
        new = new.assign({n.ACTIVITY: as_stored(new[n.ACTIVITY].variable, stored[n.ACTIVITY].variable)})
        start, n_new = stored.sizes[dim], new.sizes[dim]
        regions = []
        for name, variable in stored.variables.items():
            if dim in variable.dims and str(name) not in again:
                array = changes.grow(str(name), dim, start + n_new)
                regions += _regions(array, _encoded(new[name].variable, variable), variable.dims.index(dim), start)
        results = updates(stored, new, dim=dim)
        if isinstance(store, Store):  # where values are replaced at once, they are read before
            results = results._replace(replaced=results.replaced.load())
        regions += _results(changes, stored, results, dim=dim, start=start)
        for name in results.outdated:
            since = f"made before {n_new} samples were appended along {dim}"
            changes.update_attributes({n.OUTDATED: since}, name=name)
        if results.sentence is not None:
            changes.update_attributes({n.SENTENCE: results.sentence}, name=n.SCORE)
        changes.update_attributes(with_event(stored.attrs, f"append: {n_new} along {dim}{_origin(new, stored, dim)}"))
        write_regions(regions)


def add(
    data: xr.Dataset | xr.DataArray, store: PathLike | Store, *, group: str | None = None, replace: bool = False
) -> None:
    """Add results to a saved run: estimates, moments, scores, a connectivity.

    Parameters
    ----------
    data : Dataset or DataArray
        What to add; labels that the run has as well must be the same.
    store : path-like or zarr Store
        The run.
    group : str, optional
        Group of the run within a Zarr store; its root if not given.
    replace : bool
        Whether variables of the same name may be replaced; otherwise they are an error.

    Raises
    ------
    OutputExists
        If the run has a variable of that name, and `replace` is false.
    InvalidInput
        If labels differ from those of the run, or `data` holds the activity, moments in blocks or of marked frames, or
        nothing.
    UnreadableFile
        If there is no run at `store`.
    StoreBusy
        If another process is writing to it.
    DiskFull
        If the disk is full; the run is as it was.

    Examples
    --------
    >>> import tempfile, netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     netxr.save(run, folder + "/run.zarr")
    ...     netxr.add(netxr.lagged_moments(run.activity), folder + "/run.zarr")
    ...     "comoment" in netxr.open(folder + "/run.zarr")
    True
    """
    named = isinstance(data, xr.DataArray) and data.name is not None
    new = storable(data.to_dataset() if named else data)  # type: ignore[arg-type]
    if n.ACTIVITY in new or not new.data_vars:
        fix = "Append samples with netxr.append, or save another run." if n.ACTIVITY in new else ""
        raise InvalidInput(
            "data", got="the activity" if n.ACTIVITY in new else "no variable", expected="results", fix=fix
        )
    check_moments(new, argument="data")
    with transaction(store, group=group) as changes:
        stored = without_axis(open_store(store, group=group))
        new = _beside_lags(new, stored)
        check_same_labels(new, stored)
        taken = [str(name) for name in new.data_vars if name in stored.variables]
        if taken and not replace:
            fix = "Replace it with netxr.add(..., replace=True), or save the new one as a store of its own."
            raise OutputExists(f"{store}: {', '.join(taken)}", fix=fix)
        names = [name for name in new.variables if name in new.data_vars or name not in stored.variables]
        regions = _whole(changes, {str(name): new[name].variable for name in names})
        listed = ", ".join(map(str, new.data_vars))
        changes.update_attributes(with_event(stored.attrs, f"{'replace' if taken else 'add'}: {listed}"))
        changes.declare_coordinates(str(name) for name in names if name in new.coords and name not in new.dims)
        write_regions(regions)


def _beside_lags(new: xr.Dataset, stored: xr.Dataset) -> xr.Dataset:
    """Return results at a single lag, which the attribute `lag` says where the run has several lags along a dim."""
    if n.LAG not in stored.dims or n.LAG not in new.coords or new[n.LAG].ndim:
        return new
    lag = {n.LAG: new[n.LAG].item()}
    return new.assign({name: one.assign_attrs(lag) for name, one in new.data_vars.items()}).drop_vars(n.LAG)


# --- what is written ----------------------------------------------------------


def _origin(new: xr.Dataset, stored: xr.Dataset, dim: str) -> str:
    """Say where the appended samples come from, if not from where the run does: another seed or file; trials, when."""
    old, now = ({**each[n.ACTIVITY].attrs, **each.attrs} for each in (stored, new))
    names = (*ORIGIN, *([n.START_TIME] if dim == n.TRIAL else []))
    others = [name for name in names if name in now and repr(now[name]) != repr(old.get(name))]
    said = [f"{name} {now[name]}".replace("\n", "; ") for name in others]
    left_out = [str(name) for name in new.variables if name not in stored.variables and name not in new.dims]
    said += [f"without {' and '.join(left_out)}"] if left_out else []
    return f" ({', '.join(said)})" if said else ""


def _results(changes: Transaction, stored: xr.Dataset, results: Updates, *, dim: str, start: int) -> list[Region]:
    """Return where moments and estimates are written: those of further trials at the end, others in their place."""
    regions = []
    for name, one in storable(results.further).data_vars.items():
        array = changes.grow(str(name), dim, start + one.sizes[dim])
        regions += _regions(array, one.variable, one.dims.index(dim), start)
    changed = storable(results.replaced)
    names = [name for name, variable in changed.variables.items() if not _same(variable, stored.get(name))]
    return regions + _whole(changes, {str(name): changed[name].variable for name in names})


def _same(variable: xr.Variable, stored: xr.DataArray | None) -> bool:
    """Return whether a variable is in the store as it is; only labels are compared."""
    is_label = variable.chunks is None and variable.ndim == 1
    return is_label and stored is not None and bool(stored.variable.identical(variable))  # type: ignore[no-untyped-call]


def _encoded(variable: xr.Variable, like: xr.Variable) -> xr.Variable:
    """Return a variable as the values of a stored one are written: dates as numbers, samples as compact codes."""
    if is_coded(like):
        return as_codes(variable, like)
    encoding = {key: like.encoding[key] for key in CODES if key in like.encoding}
    values = xr.Variable(like.dims, variable.transpose(*like.dims).data, encoding=encoding)
    return xr.conventions.encode_cf_variable(values)


CODES = ("units", "calendar", "dtype", "_FillValue")
"""What the values of a stored variable are decoded by."""


def _regions(array: Writable, values: xr.Variable, axis: int, start: int) -> list[Region]:
    """Return where values are written after the first `start` entries of an axis, in blocks that share no chunk."""
    first = [start if k == axis else 0 for k in range(values.ndim)]
    lengths = tuple(_pieces(n, at, length) for n, at, length in zip(values.shape, first, array.chunks, strict=True))
    if isinstance(values.data, da.Array):
        return [Region(array, first, values.data.rechunk(lengths))]  # type: ignore[no-untyped-call]
    blocks = slices_from_chunks(lengths)  # type: ignore[no-untyped-call]
    starts = [[at + one.start for at, one in zip(first, block, strict=True)] for block in blocks]
    return [Region(array, at, values.data[block]) for at, block in zip(starts, blocks, strict=True)]


def _whole(changes: Transaction, variables: Mapping[str, xr.Variable]) -> list[Region]:
    """Return where all values of variables are written."""
    coded = {name: xr.conventions.encode_cf_variable(one) for name, one in variables.items()}
    return [Region(array, [0] * coded[name].ndim, coded[name].data) for name, array in changes.put(variables).items()]


def _pieces(n: int, start: int, length: int) -> tuple[int, ...]:
    """Return the lengths of the pieces of `n` entries from `start` on, split where stored chunks end."""
    cuts = [*range(length - start % length, n, length)] if n else []
    return tuple(int(piece) for piece in np.diff([0, *cuts, n]))


def _run_at(store: PathLike | Store, group: str | None) -> xr.Dataset:
    """Return the run that is appended to."""
    stored = without_axis(open_store(store, group=group))
    if n.ACTIVITY not in stored:
        raise UnreadableFile(store, "a store without activity, to which no samples can be appended")
    if n.UNFINISHED in stored.attrs:
        raise UnreadableFile(store, f"unfinished: {stored.attrs[n.UNFINISHED]}", fix="Let it end first.")
    return stored
