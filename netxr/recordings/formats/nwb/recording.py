"""NWB files (Neurodata Without Borders 2, in HDF5): series of many neurons, one series a neuron, binned spikes.

The layout is that of the NWB schema, https://nwb-schema.readthedocs.io.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.hdf5 import MOST_NAMED, is_array, nodes_of, opened, text_of
from netxr.recordings.formats.nwb.events import tables_in
from netxr.recordings.formats.nwb.series import load_series, stack_series
from netxr.recordings.formats.nwb.units import load_units
from netxr.recordings.formats.times import check_interval
from netxr.schema.arguments import check_choice, check_flag
from netxr.schema.variables import NUMBER_KINDS

TYPE: Final = "neurodata_type"
"""Attribute that says what a group is."""

UNITS_TYPE: Final = "Units"

SAMPLED_TYPES: Final = ("RoiResponseSeries", "ElectricalSeries", "TimeSeries")
"""Series of which each column is a neuron or channel: one of them is chosen unnamed if there is no other."""


def load(
    path: Path,
    *,
    name: str | None = None,
    rate: float | None = None,
    span: tuple[float, float] | None = None,
    sampling_interval: float | None = None,
    gaps: n.Gaps = "raise",
    masks: bool = True,
) -> xr.Dataset:
    """Load a recording from an NWB file, lazily.

    Parameters
    ----------
    path : Path
        The file, HDF5.
    name : str, optional
        Which series: its path in the file, the end of it, a group that holds it, or a pattern with * and ?,
        e.g. "DfOverF", "acquisition/cell_*". Several series of one neuron each are stacked. "units" is the table of
        spike times. Not needed where there is one series or table.
    rate : float, optional
        For spike times: how many bins a second, in Hz.
    span : (float, float), optional
        For spike times: start of the first bin and end of the last, in seconds; if not given, as long as the
        table's observation intervals, or from the first spike to the last.
    sampling_interval : float, optional
        For series: seconds from one sample to the next, instead of what the file says; a warning says so where the
        file says something else.
    gaps : {"raise", "segments"}
        For series: what to do where timestamps are not even. An error, or keep them, and say with the attribute `gaps`
        that the stretches between gaps are trials of one recording.
    masks : bool
        For regions of interest: whether to read their image masks, which say where they lie. They may be larger than
        the traces; without them, a file opens sooner.

    Returns
    -------
    Dataset
        `activity` (neuron, time): samples times the file's conversion, float64 from integers where that is not 1;
        or spike counts, int32; float64 where the table's observation intervals leave out bins of a unit, which are NaN.
        Labels are the ids of regions of interest, electrodes or units, or the names of stacked series; plain columns of
        their table are coordinates on neuron, and so are `x` and `y`, in pixels, where it says with masks or centroids
        where all regions lie. The attribute `event_tables` names the tables of trials and other intervals in the file,
        which `netxr.load_events` reads.

    Raises
    ------
    InvalidInput
        If `name` is needed or fits nothing (the message lists what is there), `rate` or `span` cannot be used, or
        stacked series do not fit together.
    UnreadableFile
        If the file is missing, damaged or no NWB file, or its times are not evenly spaced.
    """
    interval = None if sampling_interval is None else check_interval(sampling_interval)
    check_choice("gaps", gaps, n.GAP_CHOICES)
    check_flag("masks", masks)
    with opened(path) as file:
        if "nwb_version" not in file.attrs:
            fix = "Files of NWB 1, and any other HDF5, are read array by array with format='hdf5'."
            raise UnreadableFile(path, "HDF5, but no file of NWB 2", fix=fix)
        spikes = rate is not None or span is not None
        sources = _sources_in(file)
        if spikes and name is None:
            sources = {place: node for place, node in sources.items() if _is_units(node)}
        chosen = _choose(path, sources, name)
        tables = tables_in(file)
        about = {n.EVENT_TABLES: ", ".join(tables)} if tables else {}
        if _type_of(chosen[0]) == UNITS_TYPE:
            return load_units(path, chosen[0], rate=rate, span=span, sampling_interval=interval).assign_attrs(about)
        if spikes:
            given = "rate" if rate is not None else "span"
            fix = "Leave it out, or say name='units' where there is such a table."
            raise InvalidInput(
                given, got=f"one for {chosen[0].name} in {path}", expected="none for a series of samples", fix=fix
            )
        if len(chosen) == 1:
            run = load_series(path, chosen[0], sampling_interval=interval, gaps=gaps, masks=masks)
            return run.assign_attrs(about)
        return stack_series(path, chosen, sampling_interval=interval, gaps=gaps).assign_attrs(about)


def _sources_in(file: Any) -> dict[str, Any]:
    """Return the series and tables of spike times of a file by their path, in natural order."""
    found = {place: node for place, node in nodes_of(file).items() if _is_series(node) or _is_units(node)}
    return {place: found[place] for place in sorted(found, key=_natural)}


def _is_series(node: Any) -> bool:
    """Say whether a group holds samples of one neuron or of several."""
    data: Any = None if is_array(node) else node.get("data")
    if not is_array(data) or not ("starting_time" in node or "timestamps" in node):
        return False
    return len(data.shape) in (1, 2) and data.dtype.kind in NUMBER_KINDS


def _is_units(node: Any) -> bool:
    """Say whether a group is a table of spike times."""
    return not is_array(node) and _type_of(node) == UNITS_TYPE and "spike_times_index" in node


def _type_of(node: Any) -> str:
    """Return what the file says that a group is."""
    return text_of(node.attrs.get(TYPE, "group"))


def _choose(path: Path, sources: dict[str, Any], name: str | None) -> list[Any]:
    """Return the series that are meant, several only if each is of one neuron."""
    places = _matching(sources, name)
    chosen = [sources[place] for place in places]
    if len(chosen) == 1 or (len(chosen) > 1 and all(_is_series(node) and node["data"].ndim == 1 for node in chosen)):
        return chosen
    listed = [_described(place, sources[place]) for place in places or sources]
    more = f" and {len(listed) - MOST_NAMED} more" * (len(listed) > MOST_NAMED)
    there = f"{path} has {', '.join(listed[:MOST_NAMED]) or 'none'}{more}"
    raise InvalidInput(
        "name",
        got=repr(name),
        expected=f"one series or table, or several series of one neuron each; {there}",
        fix="Say name= with its path, or with a pattern such as 'acquisition/cell_*' for one series a neuron.",
    )


def _matching(sources: dict[str, Any], name: str | None) -> list[str]:
    """Return the paths that `name` fits: as a whole, else at their end, else as a group that they are in."""
    if name is None:
        return [
            place
            for place, node in sources.items()
            if _is_units(node) or (_type_of(node) in SAMPLED_TYPES and node["data"].ndim == 2)
        ]
    wanted = str(name).strip("/")
    if wanted in sources:
        return [wanted]
    for pattern in (wanted, f"*/{wanted}", f"{wanted}/*", f"*/{wanted}/*"):
        if fitting := [place for place in sources if fnmatchcase(place, pattern)]:
            return fitting
    return []


def _described(place: str, node: Any) -> str:
    """Say what is at a path."""
    if _is_units(node):
        return f"{place} (Units, {len(node['id'])} units)"
    return f"{place} ({_type_of(node)}, {' x '.join(map(str, node['data'].shape))})"


def _natural(place: str) -> list[tuple[int, str]]:
    """Return a key that sorts cell_10 after cell_9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", place)]
