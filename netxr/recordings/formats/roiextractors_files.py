"""Segmentations of calcium imaging that roiextractors reads: traces of cells."""

from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.compat import optional
from netxr.errors import InvalidInput
from netxr.schema.arguments import check_choice
from netxr.schema.arrays import as_activity

SIGNALS = ("raw", "dff", "deconvolved", "denoised")


def load(
    path: Path, *, extractor: str | None = None, signal: Literal["raw", "dff", "deconvolved", "denoised"] = "raw"
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

    Returns
    -------
    Dataset
        `activity` (neuron, time), in memory. A neuron is a region of interest, labelled by its id.

    Raises
    ------
    InvalidInput
        If `extractor` is none of its classes, or there is no such signal.
    MissingExtra
        If roiextractors is not installed.
    """
    check_choice("signal", signal, SIGNALS)
    package = optional("roiextractors", what="A segmentation", extra="roiextractors")
    known = [name for name in dir(package) if name.endswith("SegmentationExtractor")]
    if extractor not in known:
        raise InvalidInput("extractor", got=repr(extractor), expected=f"one of {', '.join(known)}")
    segmentation = getattr(package, extractor)(path)
    traces = segmentation.get_traces(name=signal)
    if traces is None:
        there = ", ".join(name for name, one in segmentation.get_traces_dict().items() if one is not None)
        raise InvalidInput("signal", got=repr(signal), expected=f"one of {there}, which {path} has")
    rate = segmentation.get_sampling_frequency()
    activity = as_activity(
        np.asarray(traces),
        dims=(n.TIME, n.NEURON),
        neurons=list(segmentation.get_roi_ids()),
        sampling_interval=None if rate is None else 1 / float(rate),
    )
    return activity.to_dataset()
