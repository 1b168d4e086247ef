"""Segmentations of calcium imaging that roiextractors reads: traces of cells."""

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.compat import optional
from netxr.errors import InvalidInput
from netxr.recordings.formats.times import Clock, clock_from
from netxr.schema.arguments import check_choice, check_flag
from netxr.schema.arrays import as_activity

SIGNALS: Final = ("raw", "dff", "deconvolved", "denoised")

JUDGED: Final = {"is_accepted": True, "accepted": True, n.ISCELL: True, "cell_status": "accepted"}
"""Properties of regions that say which were taken for cells, as the readers of several formats call them."""


def load(
    path: Path,
    *,
    extractor: str | None = None,
    signal: Literal["raw", "dff", "deconvolved", "denoised"] = "raw",
    cells: bool = False,
    gaps: n.Gaps = "raise",
) -> xr.Dataset:
    """Load the traces of a segmentation that roiextractors reads.

    Parameters
    ----------
    path : Path
        The file or folder.
    extractor : str
        Name of the class of roiextractors that reads it, e.g. "CaimanSegmentationExtractor".
    signal : {"raw", "dff", "deconvolved", "denoised"}
        Which of its traces.
    cells : bool
        Keep the regions that were accepted as cells, instead of all.
    gaps : {"raise", "segments"}
        What to do where the file's own timestamps are not even: an error, or say with the attribute `gaps` that the
        stretches between gaps are trials of one recording.

    Returns
    -------
    Dataset
        `activity` (neuron, time), in memory. A neuron is a region of interest, labelled by its id; whether it was
        accepted as a cell is a coordinate, where the segmentation says so.

    Raises
    ------
    InvalidInput
        If `extractor` is none of its classes, there is no such signal, or no region was accepted, or it is not known
        which, and `cells` are wanted.
    UnreadableFile
        If its timestamps are not even, and gaps part no segments.
    MissingExtra
        If roiextractors is not installed.
    """
    check_choice("signal", signal, SIGNALS)
    check_choice("gaps", gaps, n.GAP_CHOICES)
    check_flag("cells", cells)
    package = optional("roiextractors", what="A segmentation", extra="roiextractors")
    known = [name for name in dir(package) if name.endswith("SegmentationExtractor")]
    if extractor not in known:
        raise InvalidInput("extractor", got=repr(extractor), expected=f"one of {', '.join(known)}")
    segmentation = getattr(package, extractor)(path)
    traces = segmentation.get_traces(name=signal)
    if traces is None:
        there = ", ".join(name for name, one in segmentation.get_traces_dict().items() if one is not None)
        raise InvalidInput("signal", got=repr(signal), expected=f"one of {there}, which {path} has")
    ids, clock = list(segmentation.get_roi_ids()), _clock_of(path, segmentation, gaps)
    interval, start = (None, None) if clock is None else clock[:2]
    dims = (n.TIME, n.NEURON)
    activity = as_activity(np.asarray(traces), dims=dims, neurons=ids, sampling_interval=interval, start_time=start)
    activity = activity if clock is None else clock.put_on(activity)
    accepted = _accepted(segmentation, ids)
    if cells and (accepted is None or not accepted.any()):
        expected = f"False: {'it is not said which' if accepted is None else 'none'} of {len(ids)} regions is a cell"
        raise InvalidInput("cells", got="True", expected=expected)
    if accepted is None:
        return activity.to_dataset()
    run = activity.assign_coords({n.ACCEPTED: (n.NEURON, accepted)}).to_dataset()
    return run.isel({n.NEURON: np.flatnonzero(accepted)}) if cells else run


def _clock_of(path: Path, segmentation: Any, gaps: n.Gaps) -> Clock | None:
    """Return the clock of the samples: by their own timestamps, else by the sampling frequency, if there is one."""
    times = segmentation.get_native_timestamps() if hasattr(segmentation, "get_native_timestamps") else None
    if times is not None:
        return clock_from(np.asarray(times), path, "the time of its samples", said=None, gaps=gaps)
    rate = segmentation.get_sampling_frequency()
    return None if rate is None else Clock(1 / float(rate), 0.0)


def _accepted(segmentation: Any, ids: list[Any]) -> NDArray[np.bool_] | None:
    """Return which regions were accepted as cells; None if it is not said."""
    if hasattr(segmentation, "get_accepted_list"):
        accepted = segmentation.get_accepted_list()
        return None if accepted is None else np.isin(ids, list(accepted))
    there = segmentation.get_property_keys() if hasattr(segmentation, "get_property_keys") else ()
    for name, right in JUDGED.items():
        if name in there:
            judged: NDArray[np.bool_] = np.asarray(segmentation.get_property(name, ids)) == right
            return judged
    return None
