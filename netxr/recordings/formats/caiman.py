"""Results of CaImAn, as its ``CNMF.save`` (HDF5) or its users' ``numpy.savez`` leave them.

CaImAn: Giovannucci et al. 2019, https://doi.org/10.7554/eLife.38173.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.hdf5 import choose, is_array, lazy_dataset, opened
from netxr.recordings.formats.places import Middles, middles_of_pixels, places_of
from netxr.recordings.formats.recognition import content_of
from netxr.recordings.formats.times import check_interval, say_which_interval
from netxr.schema.arrays import as_activity
from netxr.schema.variables import NUMBER_KINDS

ESTIMATES: Final = "estimates"
FRAME_RATE: Final = "params/data/fr"

ACCEPTED_COMPONENTS: Final = "idx_components"
"""Indices of the components that CaImAn took for cells."""

QUALITIES: Final = ("SNR_comp", "r_values", "cnn_preds")
"""What CaImAn decided that by, a number a component."""

FOOTPRINTS: Final = "A"
"""Weights of pixels in each component, (pixel, component), a sparse matrix by columns in HDF5."""

DIMS: Final = (f"{ESTIMATES}/dims", "dims", "params/data/dims")
"""Rows and columns (and planes) of the images, whose pixels are counted down the columns."""

Arrays = Mapping[str, NDArray[Any]]


def load(path: Path, *, name: str = "C", sampling_interval: float | None = None) -> xr.Dataset:
    """Load the traces of CaImAn's components: lazily from HDF5, at once from an .npz archive.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Which traces: "C" (denoised), "S" (deconvolved), "F_dff", "YrA" (residuals), or another array of
        (component, frame).
    sampling_interval : float, optional
        Seconds from frame to frame, instead of what the file's frame rate says.

    Returns
    -------
    Dataset
        `activity` (neuron, time), all components; whether CaImAn accepted each, and by which figures, are
        coordinates on neuron where the file has them, and so are `x` and `y`, the middles of their footprints in pixels
        from the left and from the top.

    Raises
    ------
    InvalidInput
        If there are no such traces, with the names of those that there are.
    UnreadableFile
        If the file is missing, damaged or none of CaImAn's, or CaImAn had not computed these traces.
    """
    if content_of(path) == "zip":
        return _from_archive(path, name, sampling_interval)
    with opened(path) as file:
        if is_array(file.get(ESTIMATES)) or ESTIMATES not in file:
            raise UnreadableFile(path, f"no group {ESTIMATES!r} in it, as CaImAn has it")
        found = {key: node for key, node in file[ESTIMATES].items() if is_array(node)}
        if name in found and found[name].dtype.kind not in NUMBER_KINDS:  # None is saved as the text "NoneType"
            fix = "Compute them in CaImAn (F_dff: estimates.detrend_df_f) and save again."
            raise UnreadableFile(path, f"{ESTIMATES}/{name} holds no traces", fix=fix)
        matrices = {key: node.shape for key, node in found.items() if node.ndim == 2}
        samples = lazy_dataset(path, found[choose(path, name, matrices)])
        beside = {key: np.asarray(found[key][()]) for key in (ACCEPTED_COMPONENTS, *QUALITIES) if key in found}
        rate = file[FRAME_RATE][()] if is_array(file.get(FRAME_RATE)) else None
        middles = _middles(path, file, samples.shape[0])
        return _recording(path, name, samples, beside, rate, sampling_interval).assign_coords(places_of(middles))


def _middles(path: Path, file: Any, n_components: int) -> Middles:
    """Return where the components lie by their footprints in an opened file; NaN where it does not say."""
    footprints: Any = file[ESTIMATES].get(FOOTPRINTS, {})
    parts = [] if is_array(footprints) else [footprints.get(key) for key in ("indptr", "indices", "data")]
    sizes = next((file[place][()] for place in DIMS if is_array(file.get(place)) and file[place].size in (2, 3)), None)
    if sizes is None or sizes.dtype.kind not in "iu" or not parts or not all(map(is_array, parts)):
        return np.full((n_components, 2), np.nan)
    bounds, pixels, weights = (np.asarray(part[()]) for part in parts)
    bounds, n_pixels = bounds.astype(np.int64), int(np.prod(sizes, dtype=np.int64))
    fits = bounds.shape == (n_components + 1,) and bounds[0] == 0 and (np.diff(bounds) >= 0).all()
    fits = fits and bounds[-1] == len(pixels) == len(weights) and ((pixels >= 0) & (pixels < n_pixels)).all()
    if not fits:
        reason = f"{ESTIMATES}/{FOOTPRINTS} is no matrix of {n_pixels} pixels and {n_components} components"
        raise UnreadableFile(path, reason, fix="The file is damaged: copy it again.")
    n_rows, n_columns = int(sizes[0]), int(sizes[1])
    return middles_of_pixels(bounds, pixels // n_rows % n_columns, pixels % n_rows, weights)


def _from_archive(path: Path, name: str, sampling_interval: float | None) -> xr.Dataset:
    """Load traces from an archive of arrays."""
    wanted = (name, "fr", ACCEPTED_COMPONENTS, *QUALITIES)
    fix = "It is damaged or cut off, or these are pickled objects, which are never read."
    # Opened here, because NumPy leaves a damaged archive open.
    with (
        readable_as("an archive", path, fix=fix),
        path.open("rb") as file,
        np.load(file, allow_pickle=False) as archive,
    ):
        if name not in archive.files:
            raise InvalidInput("name", got=repr(name), expected=f"one of {', '.join(archive.files)} in {path}")
        arrays = {key: archive[key] for key in wanted if key in archive.files}
    samples = arrays.pop(name)
    if samples.ndim != 2 or not samples.size or samples.dtype.kind not in NUMBER_KINDS:
        raise UnreadableFile(path, f"{name} is no table of numbers: {samples.dtype} of shape {samples.shape}")
    return _recording(path, name, samples, arrays, arrays.get("fr"), sampling_interval)


def _recording(
    path: Path, name: str, samples: Any, beside: Arrays, rate: Any, sampling_interval: float | None
) -> xr.Dataset:
    """Return traces (component, frame) as a labelled recording."""
    shown = None if rate is None else np.asarray(rate)
    if sampling_interval is None:
        sampling_interval = None if shown is None else _interval(path, shown)
    elif shown is not None and shown.size == 1 and shown.dtype.kind in "fiu" and shown.item() > 0:
        say_which_interval(check_interval(sampling_interval), 1 / float(shown.item()), path, "its frame rate")
    activity = as_activity(samples, dims=(n.NEURON, n.TIME), sampling_interval=sampling_interval)
    columns = {key: beside[key] for key in QUALITIES if key in beside and beside[key].shape == samples.shape[:1]}
    if ACCEPTED_COMPONENTS in beside and beside[ACCEPTED_COMPONENTS].dtype.kind in NUMBER_KINDS:
        columns[n.ACCEPTED] = _accepted(path, beside[ACCEPTED_COMPONENTS], samples.shape[0])
    activity = activity.assign_coords({key: (n.NEURON, values) for key, values in columns.items()})
    return activity.to_dataset().assign_attrs({n.SOURCE_ARRAY: name})


def _interval(path: Path, rate: NDArray[Any]) -> float | None:
    """Return seconds from frame to frame; None where the frame rate is unset, and saved as text."""
    if rate.dtype.kind not in "fiu":
        return None
    if rate.size != 1 or not 0 < rate.reshape(-1)[0] < np.inf:
        fix = "Give sampling_interval=, in seconds."
        raise UnreadableFile(path, f"its frame rate is {rate}, not a number above 0", fix=fix)
    return 1 / float(rate.reshape(-1)[0])


def _accepted(path: Path, indices: NDArray[Any], n_components: int) -> NDArray[np.bool_]:
    """Return for each component whether it is among those that were accepted."""
    if indices.dtype.kind == "b" and indices.shape == (n_components,):
        return indices
    if indices.dtype.kind == "b" or not np.all(indices == np.round(indices)):
        raise UnreadableFile(path, f"{ACCEPTED_COMPONENTS} holds {indices.dtype} that are no numbers of components")
    whole = indices.reshape(-1).astype(np.int64)
    if whole.size and not 0 <= whole.min() <= whole.max() < n_components:
        raise UnreadableFile(path, f"{ACCEPTED_COMPONENTS} counts on to {whole.max()}, and there are {n_components}")
    return np.isin(np.arange(n_components), whole)
