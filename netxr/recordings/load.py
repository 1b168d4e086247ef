"""Recordings and connectivity from files of other tools, and from arrays: labelled, and lazy where the format allows.

Which axis is which is never guessed: a file of plain arrays does not say, so the caller does.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike as OsPathLike
from os import fspath
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse import issparse
from zarr.abc.store import Store

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.recordings.formats import zarr_stores
from netxr.recordings.formats.labelling import (
    ARRAY_OPTIONS,
    FILE_OPTIONS,
    activity_of,
    axes_of,
    connectivity_of,
    recording_of,
    refuse_labels,
)
from netxr.recordings.formats.registry import check_options, check_trust, format_of, options_of, read_by
from netxr.recordings.formats.renaming import timed
from netxr.recordings.formats.text.connectivity import read_named, read_parquet
from netxr.recordings.formats.text.table import Table
from netxr.schema.arguments import check_choice, check_name, check_path
from netxr.schema.arrays import as_connectivity
from netxr.schema.clock import with_clock
from netxr.schema.tables import is_graph
from netxr.schema.variables import check_activity, check_connectivity
from netxr.store.dataset import is_store
from netxr.store.layout import unfolded
from netxr.store.remote import is_url
from netxr.store.staging import PathLike

Source: TypeAlias = PathLike | Store | xr.Dataset | xr.DataArray | np.ndarray[Any, Any] | da.Array | pd.DataFrame
"""What a recording is loaded from."""

NAMED: Final = {"text": read_named, "parquet": read_parquet}
"""Formats in which a connectivity may have names, or be a list of edges, and what reads it then."""

CHECKS: Final[dict[str, Callable[..., xr.DataArray]]] = {n.ACTIVITY: check_activity, n.CONNECTIVITY: check_connectivity}


def load_recording(
    source: Source,
    *,
    format: str | None = None,  # noqa: A002
    trusted: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Load a recording from any known file or folder, an xarray object, or a plain array.

    Parameters
    ----------
    source : path-like, Dataset, DataArray, numpy or dask array
        A file or folder, recognised by its suffix and its content: recordings in NWB, netCDF, suite2p, CaImAn and
        Neo's formats know their labels; plain arrays in .npy, .npz, .mat, .h5, .parquet, .csv, .tsv and .txt need
        `dims`, as arrays in memory do. A Dataset or DataArray is checked, and passed through.
    format : str, optional
        What the file is, where it cannot be recognised, or is not to be: npy, npz, text, parquet, matlab, hdf5, nwb,
        netcdf, caiman, suite2p, neo, spikeinterface, roiextractors, or an entry point of ``netxr.loaders``.
    trusted : bool
        Whether a file may take data from other files, as HDF5 can, and unpack to more than a hundred times its size.
        Otherwise it is refused: one from elsewhere could so have any file of yours read as samples, or fill the memory.
    **options : Any
        Of plain arrays: those of `load_activity`. Of other formats: those of their `load`, such as `signal`,
        `neuropil` and `cells` of `netxr.recordings.formats.suite2p.load`.

    Returns
    -------
    Dataset
        The activity, (neuron, time[, trial]), with what else the file holds about the neurons as coordinates. Of a
        store or a netCDF file with results alone, these.

    Raises
    ------
    UnreadableFile
        If the file is missing, damaged, of no known kind, or not what its suffix says; if it holds pickled objects.
    InvalidInput
        If an option is missing, is none of the format, or does not fit what the file holds.
    MissingExtra
        If the format needs a package that is not installed.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/run.npy", np.zeros((500, 3)))
    ...     load_recording(folder + "/run.npy", dims=("time", "neuron"), sampling_interval=0.1).activity.sizes
    Frozen({'neuron': 3, 'time': 500})
    """
    if is_zarr(source, format):
        check_options(options, zarr_stores.OPTIONS, "a Zarr store")
        return with_clock(zarr_stores.load(source, **options))
    if is_labelled(source, format):
        check_options(options, ["gaps"], "a source with labels")
        return _with_gaps(check_recording(dataset_of(source), place_of(source)), source, **options)
    if isinstance(source, np.ndarray | da.Array | pd.DataFrame):
        check_options(options, ARRAY_OPTIONS, "a plain array")
        return with_clock(activity_of(place_of(source), Table(source), **options).to_dataset())
    path = check_source(source)
    one = format_of(path, format)
    if one.kind == "recording":
        check_options(options, options_of(one), f"format {one.name!r}")
        loaded = read_by(one, path, trusted=trusted, **options)
        return with_clock(check_recording(loaded, str(path), or_results=one.name == "netcdf"))
    own = options_of(one) or []
    check_options(options, ["name", *FILE_OPTIONS, *own], f"format {one.name!r}")
    name, said = options.pop("name", None), {key: options.pop(key) for key in own if key in options}
    table = read_by(one, path, name, trusted=trusted, **said)
    return with_clock(recording_of(str(path), table, **options).to_dataset())


def load_activity(
    source: Source,
    *,
    format: str | None = None,  # noqa: A002
    dims: Sequence[str] | Mapping[str, str] | None = None,
    name: str | None = None,
    neurons: Sequence[Any] | None = None,
    sampling_interval: float | None = None,
    interval_units: str | None = None,
    units: str | None = None,
    gaps: n.Gaps = "raise",
    **options: Any,
) -> xr.DataArray:
    """Load the activity of a recording.

    Parameters
    ----------
    source : path-like, URL, zarr Store, Dataset, DataArray, numpy or dask array
        As in `load_recording`, and Zarr stores, also at a URL. Cells of text are separated by tabs, semicolons, commas
        or spaces; an empty cell is NaN, unless spaces separate the cells; lines that begin with # are skipped.
    format : str, optional
        As in `load_recording`.
    dims : sequence of str
        What each axis of a plain array is, rows first: ("neuron", "time"), ("time", "neuron"), or three with
        "trial". Recordings and stores say it themselves; of those with dims of their own, a mapping, such as
        {"unit_id": "neuron", "frame": "time"}.
    name : str, optional
        Which array of a file that holds several; which variable of a store, "activity" if not given.
    neurons : sequence, optional
        A label for each neuron; if not given, those of the columns of a table with dims ("time", "neuron"), else
        0, 1, 2, ...
    sampling_interval : float, optional
        Time from one sample to the next, in `interval_units`. A table with dims ("time", "neuron") may say it
        itself, by a column that is called time.
    interval_units : str, optional
        Unit of `sampling_interval`, "s" if not given.
    units : str, optional
        Unit of the samples, e.g. "mV".
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or say with the attribute `gaps` that the stretches between gaps
        are trials of one recording, of which no pair of samples crosses from one into the next.
    **options : Any
        Further ones, of recordings, and `trusted`, as in `load_recording`.

    Returns
    -------
    DataArray
        The samples, (neuron, time[, trial]), in the dtype of the file; float64 from text. dask-backed where the
        format is read lazily: .npy, .mat of version 7.3, HDF5, Parquet, and most recordings.

    Raises
    ------
    UnreadableFile
        If the file is missing, damaged, ragged, of no known kind, or holds pickled objects or text for numbers;
        if a first line, with dims ("time", "neuron"), numbers the columns or names one of them like an axis.
    InvalidInput
        If an option is missing, or does not fit what the file holds.
    MissingExtra
        If the format needs a package that is not installed.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(folder + "/run.npz", X=np.zeros((500, 3)))
    ...     load_activity(folder + "/run.npz", dims=("time", "neuron")).sizes
    Frozen({'neuron': 3, 'time': 500})
    """
    check_name(name)
    stated = {"neurons": neurons, "sampling_interval": sampling_interval, "interval_units": interval_units}
    given = options | {option: value for option, value in (stated | {"units": units}).items() if value is not None}
    check_choice("gaps", gaps, n.GAP_CHOICES)
    at_gaps: dict[str, Any] = {} if gaps == "raise" else {"gaps": gaps}
    which: dict[str, Any] = {key: value for key, value in (("dims", dims), ("name", name)) if value is not None}
    if is_zarr(source, format) and (isinstance(dims, Mapping) or not zarr_stores.is_own(source)):
        return variable_of(load_recording(source, **given, **which, **at_gaps), n.ACTIVITY, {})
    if is_labelled(source, format):
        recording = check_activity(variable_of(source, name or n.ACTIVITY, given))
        recording = _with_gaps(recording.to_dataset(name=n.ACTIVITY), source, gaps)[n.ACTIVITY]
        check_agrees("dims", dims and axes_of(dims), tuple(map(str, recording.dims)), source)
        return recording
    return variable_of(load_recording(source, format=format, **given, **which, **at_gaps), n.ACTIVITY, {})


def load_connectivity(
    source: Source,
    *,
    rows: Literal["target", "source"] | None = None,
    name: str | None = None,
    neurons: Sequence[Any] | None = None,
    format: str | None = None,  # noqa: A002
    trusted: bool = False,
) -> xr.DataArray:
    """Load a connectivity.

    Parameters
    ----------
    source : path-like, URL, zarr Store, Dataset, DataArray, DataFrame, graph, numpy, dask or sparse array
        A file of plain arrays, a Zarr store or a netCDF file that has a connectivity, an xarray object that is one
        or has one, or whatever `as_connectivity` takes. Text may name the columns in its first line, and the rows in
        their first cells; text and Parquet may list edges, in columns such as source, target and weight.
    rows : {"target", "source"}
        What a row of a plain array is. "target": entry [i, j] is from j to i; "source": from i to j. What has
        labelled axes says it itself.
    name : str, optional
        Which array of a file that holds several; which variable of a store, "connectivity" if not given.
    neurons : sequence, optional
        A label for each neuron of a matrix; if not given, those of the file, else 0, 1, 2, ... Of edges: all neurons,
        also those without an edge; if not given, those with one.
    format : str, optional
        As in `load_recording`.
    trusted : bool
        As in `load_recording`.

    Returns
    -------
    DataArray
        The weights, (target, source), in the dtype of the file; float64 from text. Those of a file of plain arrays
        are in memory, those of a store or a lazy array stay lazy.

    Raises
    ------
    UnreadableFile
        If the file is missing, damaged, ragged, of no known kind, or holds pickled objects or text for numbers.
    InvalidInput
        If an option is missing, or does not fit what the file holds.
    MissingExtra
        If the format needs a package that is not installed.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/A.npy", [[0, 2], [0, 0]])
    ...     load_connectivity(folder + "/A.npy", rows="source").sel(target=1, source=0).item()
    2
    """
    return read_connectivity(source, rows=rows, name=name, neurons=neurons, format=format, trusted=trusted)[0]


def read_connectivity(
    source: Source,
    *,
    rows: Literal["target", "source"] | None = None,
    name: str | None = None,
    neurons: Sequence[Any] | None = None,
    format: str | None = None,  # noqa: A002
    trusted: bool = False,
) -> tuple[xr.DataArray, bool]:
    """Load a connectivity as `load_connectivity` does, and say whether its neurons have labels of their own."""
    check_name(name)
    if is_graph(source):
        return as_connectivity(source, rows=rows, neurons=neurons), True
    if not is_labelled(source, format):
        table = _read_matrix(source, name, format, trusted)
        if table is not None:
            weights = connectivity_of(place_of(source), table, rows=rows, neurons=neurons)
            return weights, table.labels is not None or neurons is not None or _has_labels(table.values)
        source, name = load_recording(source, format=format, trusted=trusted), None
    weights = check_connectivity(variable_of(source, name or n.CONNECTIVITY, {"neurons": neurons}))
    check_agrees("rows", rows, n.TARGET, source)
    return weights, True


def _has_labels(values: Any) -> bool:
    """Return whether a table has labels that are not mere counts, or lists edges."""
    if not isinstance(values, pd.DataFrame):
        return False
    return not all(isinstance(index, pd.RangeIndex) for index in (values.index, values.columns))


def _read_matrix(source: Any, name: str | None, format: str | None, trusted: bool) -> Table | None:  # noqa: A002
    """Return the plain array or table of a source, that of a file in memory; None for a recording, which has labels."""
    if isinstance(source, np.ndarray | da.Array | pd.DataFrame) or issparse(source):
        return Table(source)
    path = check_source(source)
    one = format_of(path, format, look_inside=False)
    if one.kind == "recording":
        return None
    if name is None and one.name in NAMED:
        check_trust(one, path, trusted)
        named = NAMED[one.name](path)
        if named is not None:
            return Table(named)
    table: Table = read_by(one, path, name, trusted=trusted)
    if table.times is not None or table.apart or (one.name == "text" and table.labels is not None):
        refuse_labels(str(path), table, "activity")
    # What is scored or simulated with a matrix is wanted at once, not when a cluster is at hand.
    values: Any = table.values
    return table._replace(values=values.compute(scheduler="synchronous") if hasattr(values, "compute") else values)


def is_labelled(source: Any, format: str | None) -> bool:  # noqa: A002
    """Say whether the axes of a source are labelled already: an xarray object, or a Zarr store, wherever it is."""
    return isinstance(source, xr.Dataset | xr.DataArray) or is_zarr(source, format)


def is_zarr(source: Any, format: str | None) -> bool:  # noqa: A002
    """Say whether a source is a Zarr store: an object, at a URL, in a folder, or in an archive."""
    if isinstance(source, Store) or is_url(source):
        return True
    if format is not None or not isinstance(source, str | OsPathLike):
        return False
    return is_store(Path(source)) or zarr_stores.is_zipped(Path(source))


def place_of(source: Any) -> str:
    """Return the name of a source in messages."""
    return str(source) if isinstance(source, str | OsPathLike) else f"the {type(source).__name__}"


def check_source(source: object) -> Path:
    """Return the path of a file or folder, or raise InvalidInput if `source` is no path at all."""
    if not isinstance(source, str | OsPathLike) or isinstance(fspath(source), bytes):
        expected = "the path of a file or folder, a str or pathlib.Path; an xarray object, a NumPy or dask array"
        raise InvalidInput("source", got=f"{source!r:.80}", expected=expected)
    return check_path("source", source)


def dataset_of(source: Any) -> xr.Dataset:
    """Return a Dataset or store with its axis of time, and a DataArray as the variable that its dims make it."""
    if isinstance(source, xr.DataArray):
        name = n.CONNECTIVITY if n.TARGET in source.dims else n.ACTIVITY
        return with_clock(CHECKS[name](source, argument="source").to_dataset(name=name))
    if isinstance(source, xr.Dataset):
        return unfolded(source) if n.TIME_AXIS in source.attrs else source
    return zarr_stores.opened(source)


def variable_of(source: Any, name: str, given: Mapping[str, object]) -> xr.DataArray:
    """Return one variable of a source that has labels; options that would set others are refused.

    Raises InvalidInput if an option is given, or there is no such variable.
    """
    for option, value in given.items():
        if value is not None:
            fix = "Change it on what is loaded, with .assign_coords or .assign_attrs."
            expected = "nothing: a store or an xarray object has its own"
            raise InvalidInput(option, got=repr(value), expected=expected, fix=fix)
    dataset = dataset_of(source)
    if name not in dataset.data_vars:
        there = ", ".join(sorted(map(str, dataset.data_vars))) or "nothing"
        raise InvalidInput(
            "name", got=f"{name!r} for {place_of(source)}", expected=f"a variable of it, which has {there}"
        )
    return dataset[name]


def check_agrees(option: str, given: object, stored: object, source: object) -> None:
    """Raise InvalidInput if the caller contradicts a source that has labels."""
    if given not in (None, stored):
        raise InvalidInput(option, got=repr(given), expected=f"none, or {stored!r} as {place_of(source)} has it")


def check_recording(loaded: object, place: str, *, or_results: bool = False) -> xr.Dataset:
    """Return what came from `place` if it is a recording, or a connectivity, or a Dataset of results where these do.

    Raises InvalidInput if it is none, or its dims are not those of one.
    """
    expected = f"a Dataset with {n.ACTIVITY!r}, or {n.CONNECTIVITY!r}"
    if not isinstance(loaded, xr.Dataset):
        raise InvalidInput("source", got=f"a {type(loaded).__name__} from {place}", expected=expected)
    if not or_results and not {n.ACTIVITY, n.CONNECTIVITY} & set(loaded):
        got = f"{place} with {', '.join(map(str, loaded.data_vars)) or 'no variable'}"
        fix = "Results alone need no loading."
        raise InvalidInput("source", got=got, expected=expected, fix=fix)
    for name, check in CHECKS.items():
        if name in loaded:
            check(loaded[name], argument=f"{name} of {place}")
    return loaded


def _with_gaps(recording: xr.Dataset, source: Any, gaps: n.Gaps = "raise") -> xr.Dataset:
    """Return a recording that says whether the stretches between gaps in its times are segments."""
    return recording if gaps == "raise" else timed(place_of(source), recording, None, gaps)
