"""Recordings and connections as other libraries hold them in memory: pynapple, MNE-Connectivity, pynwb.

Graphs and sparse matrices are in `schema.graphs`; files of other tools in `recordings.formats`.
"""

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.compat import optional
from netxr.errors import InvalidInput
from netxr.kernels.spikes import SLACK
from netxr.recordings.formats.times import clock_from
from netxr.schema.arguments import check_text, is_number
from netxr.schema.arrays import as_activity, as_connectivity
from netxr.schema.clock import SEGMENTS
from netxr.schema.graphs import listed_edges
from netxr.schema.spacing import interval_in, steps_in

if TYPE_CHECKING:
    from hdmf.common import DynamicTable
    from mne_connectivity import Connectivity

ONE_WAY: Final = ("imcoh", "dpli", "cohy", "cacoh")
"""Methods of MNE-Connectivity of which one way of a pair does not say the other."""

TARGETS_IN_ROWS: Final = re.compile("VAR|DMD")
"""In the names of methods of MNE-Connectivity whose matrices multiply activity: their rows are targets."""


def from_pynapple(data: Any, *, bin_size: float | None = None, units: str | None = None) -> xr.DataArray:
    """Take a recording from pynapple.

    Parameters
    ----------
    data : TsdFrame, Tsd or TsGroup of pynapple
        Samples, a column a neuron; or spike times, which are counted in bins.
    bin_size : float, optional
        Seconds of a bin; spike times need it.
    units : str, optional
        Unit of the samples, e.g. "dF/F"; spike counts are in "spikes".

    Returns
    -------
    DataArray
        The activity, (neuron, time), in seconds, with what pynapple knows of each neuron as coordinates. Where
        `data` covers several epochs, no pair of samples crosses from one into the next: where no gap tells two epochs
        apart, the last sample of the first is left out. So are bins of spikes that end after their epoch, of which
        pynapple counts a part.

    Raises
    ------
    InvalidInput
        If `data` is none of the three, spike times have no `bin_size` or samples have one, or times within an epoch
        are not even.
    """
    kind = type(data).__name__
    if kind not in ("TsdFrame", "Tsd", "TsGroup"):
        fix = "Put it into a TsGroup." if kind == "Ts" else "netxr.as_activity takes plain arrays and tables."
        raise InvalidInput("data", got=f"a {kind}", expected="a TsdFrame, Tsd or TsGroup of pynapple", fix=fix)
    is_spikes = kind == "TsGroup"
    if is_spikes != (bin_size is not None) or not (bin_size is None or (is_number(bin_size) and bin_size > 0)):
        expected = "seconds of a bin" if is_spikes else "none: these are samples, not spike times"
        raise InvalidInput("bin_size", got=repr(bin_size), expected=f"{expected}, for a {kind}")
    about = getattr(data, "metadata", None)
    frame, units = (data.count(bin_size), "spikes") if is_spikes else (data, units)
    samples, times = np.asarray(frame), np.asarray(frame.index)
    samples = samples if samples.ndim == 2 else samples[:, None]
    if bin_size is not None:
        whole = _within_epochs(times, data.time_support, bin_size)
        samples, times = samples[whole], times[whole]
    apart = _with_gaps(times, data.time_support)
    samples, times = samples[apart], times[apart]
    labels = list(frame.columns) if hasattr(frame, "columns") else [0]
    wrong = interval_in(times)[1]
    if wrong and len(frame.time_support) == 1:
        fix = "Interpolate the samples to even times, or bin them, before."
        raise InvalidInput("data", got=f"an index that {wrong}", expected="even times within an epoch", fix=fix)
    clock = clock_from(times, f"the {kind}", "its index", said=None, gaps=SEGMENTS)
    timed: dict[str, Any] = {"sampling_interval": clock.interval, "start_time": clock.start, "units": units}
    activity = clock.put_on(as_activity(samples, dims=(n.TIME, n.NEURON), neurons=labels, **timed))
    if about is None or kind == "Tsd":
        return activity
    return activity.assign_coords({str(name): (n.NEURON, np.asarray(about[name])) for name in about})


def _within_epochs(middles: NDArray[np.float64], epochs: Any, bin_size: float) -> NDArray[np.bool_]:
    """Return which bins end within their epoch."""
    starts, ends = np.asarray(epochs["start"]), np.asarray(epochs["end"])
    ends_of_bins = middles + (0.5 - SLACK) * bin_size
    within: NDArray[np.bool_] = ends_of_bins <= ends[np.searchsorted(starts, middles, side="right") - 1]
    return within


def _with_gaps(times: NDArray[np.float64], epochs: Any) -> NDArray[np.bool_]:
    """Return which samples stay so that a gap lies between any two epochs: not the last before one without."""
    stays = np.ones(len(times), np.bool_)
    crosses = np.diff(np.searchsorted(np.asarray(epochs["start"]), times, side="right")) > 0
    if crosses.any() and not crosses.all():  # else no step is known
        stays[np.setdiff1d(np.flatnonzero(crosses) + 1, steps_in(times).breaks) - 1] = False
    return stays


def to_mne(connections: xr.DataArray | xr.Dataset, *, method: str | None = None) -> "Connectivity":
    """Make a Connectivity of MNE-Connectivity of a matrix or of a list of edges.

    Parameters
    ----------
    connections : DataArray or Dataset
        As in `netxr.to_networkx`.
    method : str, optional
        What the Connectivity says of how it was made; if not given, the name of the matrix.

    Returns
    -------
    mne_connectivity.Connectivity
        An entry for each edge; its `indices` are (sources, targets), as those of seeds and targets there, so that
        rows of ``get_data("dense")`` are sources.

    Raises
    ------
    InvalidInput
        As by `netxr.to_networkx`.
    MissingExtra
        If MNE-Connectivity is not installed.
    """
    mne = optional("mne_connectivity", what="A Connectivity of MNE", extra="mne")
    neurons, sources, targets, columns = listed_edges(connections)
    place = {label: k for k, label in enumerate(neurons)}
    indices = tuple(np.array([place[label] for label in side], dtype=int) for side in (sources, targets))
    return mne.Connectivity(
        next(iter(columns.values()), np.ones(len(sources))),
        n_nodes=len(neurons),
        names=list(map(str, neurons)),
        indices=indices,
        method=method or str(getattr(connections, "name", None) or n.CONNECTIVITY),
    )


def from_mne(connectivity: Any) -> xr.DataArray:
    """Take a Connectivity of MNE-Connectivity.

    Parameters
    ----------
    connectivity : Connectivity
        Of one epoch, frequency and time. Its rows are seeds, which are sources; those of a vector autoregression are
        targets. Where it has the pairs below the diagonal alone, as coherence of all pairs there, they are those above
        too.

    Returns
    -------
    DataArray
        The weights, (target, source), labelled by its names, or by whole numbers where these are all; 0 where it has
        no entry.

    Raises
    ------
    InvalidInput
        If it is none, or has several epochs, frequencies or times; if it has one way of each pair, by a method of which
        that does not say the other.
    """
    if not hasattr(connectivity, "get_data") or not hasattr(connectivity, "names"):
        got = f"a {type(connectivity).__name__}"
        raise InvalidInput("connectivity", got=got, expected="a Connectivity of MNE-Connectivity")
    dense = np.asarray(connectivity.get_data("dense"))
    names = list(map(str, connectivity.names))
    if dense.size != len(names) ** 2:
        fix = "Take one: the mean of epochs by .combine(), that of frequencies by faverage=True."
        got = f"one with dims {tuple(connectivity.dims)}"
        raise InvalidInput("connectivity", got=got, expected="one matrix", fix=fix)
    dense = np.nan_to_num(dense).reshape(len(names), len(names))
    is_half = connectivity.indices is None and not np.triu(dense).any()
    if is_half and connectivity.method in ONE_WAY:
        fix = "Give it indices of pairs both ways."
        raise InvalidInput("connectivity", got=f"{connectivity.method} of one way", expected="both ways", fix=fix)
    dense = dense + dense.T if is_half else dense
    are_numbers = all(name.isdecimal() and str(int(name)) == name for name in names)
    rows: Any = n.TARGET if TARGETS_IN_ROWS.search(str(connectivity.method)) else n.SOURCE
    return as_connectivity(dense, rows=rows, neurons=list(map(int, names)) if are_numbers else names)


def to_nwb(
    connections: xr.DataArray | xr.Dataset,
    *,
    name: str = n.CONNECTIVITY,
    description: str = "Connections between neurons, an edge a row, from source to target.",
) -> "DynamicTable":
    """Make a table for an NWB file of a matrix or of a list of edges.

    ``module.add(netxr.to_nwb(found))`` puts it into a processing module; pynwb writes the file. The table's
    ``to_dataframe()`` is taken back by `netxr.as_connectivity`.

    Parameters
    ----------
    connections : DataArray or Dataset
        As in `netxr.to_networkx`.
    name, description : str
        Of the table.

    Returns
    -------
    hdmf.common.DynamicTable
        The columns source, target, weight, and whatever a list says of its edges.

    Raises
    ------
    InvalidInput
        As by `netxr.to_networkx`; if the name or the description is no text.
    MissingExtra
        If pynwb is not installed.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.as_connectivity([[0, 0.5], [0, 0]], rows="target", neurons=["pre", "post"])
    >>> to_nwb(A).to_dataframe().to_dict("records")
    [{'source': 'post', 'target': 'pre', 'weight': 0.5}]
    """
    check_text("name", name)
    check_text("description", description)
    common = optional("hdmf.common", what="A table of NWB", extra="nwb")
    _, sources, targets, columns = listed_edges(connections)
    frame = pd.DataFrame({n.SOURCE: sources, n.TARGET: targets, **columns})
    if frame.empty:  # of which hdmf makes no table
        empty = [common.VectorData(name=str(label), description=str(label), data=[]) for label in frame]
        return common.DynamicTable(name=name, description=description, columns=empty)
    return common.DynamicTable.from_dataframe(frame, name, table_description=description)
