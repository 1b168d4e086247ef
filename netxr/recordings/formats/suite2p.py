"""Output folders of suite2p: fluorescence, neuropil and deconvolved spikes of regions of interest.

suite2p: Pachitariu et al. 2017, https://doi.org/10.1101/061507.
"""

from pathlib import Path
from typing import Any, Final, Literal

import dask.array as da
import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput, UnreadableFile, one_line
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.places import places_of
from netxr.recordings.formats.plain import read_npy
from netxr.recordings.formats.recognition import SUITE2P_PLACES
from netxr.schema.arguments import check_choice, check_flag, is_finite
from netxr.schema.arrays import as_activity

SIGNALS: Final = {"F": "fluorescence", "Fneu": "neuropil fluorescence", "spks": "deconvolved fluorescence"}
"""Arrays that a folder holds, (region, frame), and what they are."""

SAY_INTERVAL: Final = "Give sampling_interval=, in seconds."


def load(
    path: Path,
    *,
    signal: Literal["F", "Fneu", "spks"] = "F",
    neuropil: float | None = None,
    cells: bool = False,
    plane: int | str | None = None,
    sampling_interval: float | None = None,
    ops: bool = False,
    stat: bool = False,
) -> xr.Dataset:
    """Load one signal of a folder of suite2p, lazily.

    Parameters
    ----------
    path : Path
        The folder: that of one plane, or one that holds planes.
    signal : {"F", "Fneu", "spks"}
        Fluorescence, that of the neuropil around, or deconvolved spikes.
    neuropil : float, optional
        Take this many times the neuropil off the fluorescence: F - neuropil * Fneu. suite2p itself takes 0.7 before
        it deconvolves. If not given, F is as the file has it.
    cells : bool
        Keep the regions that are cells (first column of iscell.npy), instead of all.
    plane : int or str, optional
        Which plane, where there are several: 0 for plane0, or "combined".
    sampling_interval : float, optional
        Seconds from one frame to the next.
    ops : bool
        Whether to unpickle ops.npy, for the frame rate. A pickle runs code when it is read: only from who you trust.
    stat : bool
        Whether to unpickle stat.npy, for the middle of each region (its `med`), so that figures draw neurons where they
        lie: only from who you trust, likewise.

    Returns
    -------
    Dataset
        `activity` (neuron, time). A neuron's label is the row of its region in the files, also among cells alone;
        `iscell` and `iscell_probability` are coordinates where the folder has them; with `stat`, also `x` and `y`, in
        pixels from the left and from the top of the image.

    Raises
    ------
    InvalidInput
        If an option does not fit the folder.
    UnreadableFile
        If a file is missing or damaged, or they are not of the same regions and frames.
    """
    check_choice("signal", signal, tuple(SIGNALS))
    check_flag("cells", cells)
    check_flag("ops", ops)
    check_flag("stat", stat)
    _check_neuropil(neuropil, signal)
    folder = _plane_of(path, plane)
    samples, what = _array(folder, signal), SIGNALS[signal]
    for other in SIGNALS:
        if (folder / f"{other}.npy").exists():
            _check_same(folder, other, _array(folder, other).shape, samples.shape)
    if neuropil is not None:
        samples, what = samples - float(neuropil) * _array(folder, "Fneu"), f"{what} - {neuropil:g} x neuropil"
    if ops:
        sampling_interval = _interval(folder, sampling_interval)
    activity = as_activity(samples, dims=(n.NEURON, n.TIME), sampling_interval=sampling_interval)
    activity = activity.assign_coords(_places(folder, activity.sizes[n.NEURON])) if stat else activity
    return _with_cells(folder, activity.assign_attrs({n.LONG_NAME: what}), cells=cells).to_dataset()


def _planes_in(path: Path) -> dict[str, Path]:
    """Return the folders of planes in a folder of suite2p by their names; itself, if it is one."""
    found = [file.parent for place in SUITE2P_PLACES for file in path.glob(f"{place}F.npy")]
    return {folder.name: folder for folder in sorted(found, key=lambda folder: (len(folder.name), folder.name))}


def _plane_of(path: Path, plane: int | str | None) -> Path:
    """Return the folder of the plane that is meant."""
    if (path / "F.npy").exists() and plane is None:
        return path
    there = _planes_in(path)
    if not there:
        raise UnreadableFile(path, "no F.npy in it, nor in plane0 or suite2p/plane0", fix="Is it a folder of suite2p?")
    name = plane if isinstance(plane, str) else f"plane{plane}"
    if plane is None and len(there) == 1:
        name = next(iter(there))
    if name not in there:
        raise InvalidInput("plane", got=repr(plane), expected=f"one of {', '.join(there)}, as {path} has them")
    return there[name]


def _check_neuropil(neuropil: Any, signal: str) -> None:
    """Raise if that much of the neuropil cannot be taken off."""
    if neuropil is None:
        return
    if not is_finite(neuropil):
        raise InvalidInput("neuropil", got=repr(neuropil), expected="a factor, such as 0.7, or None for no correction")
    if signal != "F":
        raise InvalidInput("neuropil", got=f"{neuropil!r} with signal={signal!r}", expected="None, except with 'F'")


def _array(folder: Path, name: str) -> da.Array:
    """Return one of the arrays of a folder."""
    file = folder / f"{name}.npy"
    if not file.exists():
        raise UnreadableFile(file, "there is no such file", fix=f"{folder} has {_files_in(folder)}.")
    samples: da.Array = read_npy(file).values
    if samples.ndim != 2:
        raise UnreadableFile(file, f"its array has shape {samples.shape}, and no region and frame")
    return samples


def _files_in(folder: Path) -> str:
    """Return the names of the arrays in a folder."""
    return ", ".join(sorted(file.name for file in folder.glob("*.npy")))


def _check_same(folder: Path, name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Raise if an array is not of the same regions, and frames."""
    if shape != wanted:
        fix = "They are not from the same run of suite2p, or one is damaged."
        raise UnreadableFile(folder / f"{name}.npy", f"its shape is {shape}, not {wanted}", fix=fix)


def _with_cells(folder: Path, activity: xr.DataArray, *, cells: bool) -> xr.DataArray:
    """Return a recording with what suite2p says of its regions, and if it is wanted of cells alone."""
    if not (folder / "iscell.npy").exists() and not cells:
        return activity
    lazy: Any = _array(folder, "iscell")
    curated = np.asarray(lazy.compute(scheduler="synchronous"))
    _check_same(folder, "iscell", curated.shape, (activity.sizes[n.NEURON], 2))
    if not np.isin(curated[:, 0], (0, 1)).all():
        raise UnreadableFile(folder / "iscell.npy", "its first column holds other numbers than 0 and 1")
    is_cell = curated[:, 0] == 1
    labelled = activity.assign_coords({n.ISCELL: (n.NEURON, is_cell), n.ISCELL_PROBABILITY: (n.NEURON, curated[:, 1])})
    if not cells:
        return labelled
    if not is_cell.any():
        raise InvalidInput("cells", got="True", expected=f"False: none of {len(is_cell)} regions in {folder} is a cell")
    return labelled.isel({n.NEURON: np.flatnonzero(is_cell)})


def _places(folder: Path, n_regions: int) -> dict[str, xr.Variable]:
    """Return where the regions lie by their statistics, which are pickled."""
    regions = _unpickled(folder / "stat.npy", "Leave out stat=.")
    try:
        middles = np.array([region["med"] for region in regions], dtype=np.float64).reshape(-1, 2)
    except Exception as error:  # they may be anything
        raise UnreadableFile(folder / "stat.npy", f"no middle 'med' of each region ({one_line(error)})") from error
    _check_same(folder, "stat", middles.shape, (n_regions, 2))
    return places_of(middles[:, ::-1])


def _interval(folder: Path, sampling_interval: float | None) -> float:
    """Return seconds from one frame to the next by the settings of the run, which are pickled."""
    if sampling_interval is not None:
        raise InvalidInput("sampling_interval", got=repr(sampling_interval), expected="none with ops=True")
    file = folder / "ops.npy"
    settings = _unpickled(file, SAY_INTERVAL)
    try:
        rate = float(settings.item()["fs"])
    except Exception as error:  # they may be anything
        raise UnreadableFile(file, f"no frame rate 'fs' in it ({one_line(error)})") from error
    if not 0 < rate < np.inf:
        raise UnreadableFile(file, f"its frame rate 'fs' is {rate}", fix=SAY_INTERVAL)
    return 1 / rate


def _unpickled(file: Path, otherwise: str) -> Any:
    """Return what a file holds that the caller trusts; `otherwise` is what to do if there is none."""
    if not file.exists():
        raise UnreadableFile(file, "there is no such file", fix=otherwise)
    with readable_as("a pickle", file):
        return np.load(file, allow_pickle=True)
