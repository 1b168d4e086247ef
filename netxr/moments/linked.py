"""Targets that are read through a link, beside their own samples, in the same pass.

The tutorial's model is x(t + 1) = sigmoid(A x(t) + e): read as logit(x), a target is linear in its sources. The
pass goes over a recording with twice the rows, the samples and what the link makes of them, and takes the former as
sources.
"""

from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logit

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import check_choice
from netxr.schema.variables import labels_of

LINKED: Final = {
    n.MEAN_LINKED: n.MEAN_TARGET,
    n.SUMSQ_LINKED: n.SUMSQ_TARGET,
    n.COMOMENT_LINKED: n.COMOMENT,
}
"""Moments of linked targets, and those of the samples themselves that are made alike."""


def with_linked(activity: xr.DataArray, link: object) -> xr.DataArray:
    """Return a recording with the logits of its neurons as further neurons, labelled 0, 1, ...; lazy if it is.

    The first sample of a trial, which is never a target at lags 1 and above, is 0 there: a simulation begins at 0.
    """
    check_choice("link", link, ("logit",))
    samples = activity.transpose(n.NEURON, n.TIME, ...)
    labels = labels_of(samples, n.NEURON).tolist()
    if isinstance(samples.data, da.Array):
        steps: Any = samples.data.rechunk({0: -1})  # type: ignore[no-untyped-call]
        dtype = _float(samples.dtype)
        further: Any = da.map_blocks(_logit_of_block, steps, labels, dtype=dtype, meta=np.empty((0,) * steps.ndim))  # type: ignore[no-untyped-call]
        both: Any = da.concatenate([steps.astype(dtype), further]).rechunk({0: -1})  # type: ignore[no-untyped-call]
    else:
        values = np.asarray(samples.data)
        both = np.concatenate([values, _logit(values, 0, labels)])
    rest = {name: coord for name, coord in samples.coords.items() if n.NEURON not in coord.dims}
    return xr.DataArray(both, rest, samples.dims, samples.name, samples.attrs)


def apart(moments: xr.Dataset, activity: xr.DataArray) -> xr.Dataset:
    """Return moments of a recording with linked neurons as those of the recording, with linked targets beside its own.

    They are undefined at lag 0, where the first sample is a target.
    """
    size = moments.sizes[n.SOURCE]
    axes = [axis for axis in (n.TARGET, n.NEURON) if axis in moments.dims]
    own = moments.isel(dict.fromkeys(axes, slice(0, size)))
    linked = moments[list(LINKED.values())].isel({n.TARGET: slice(size, None)}).drop_vars([n.TARGET, n.SOURCE])
    defined = linked.where(moments[n.LAG] > 0)
    both = own.drop_vars([*axes, n.SOURCE], errors="ignore").assign({name: defined[of] for name, of in LINKED.items()})
    labels = labels_of(activity, n.NEURON)
    named = both.assign_coords({n.TARGET: labels, n.SOURCE: labels})
    if n.NEURON in axes:
        along = {name: coord for name, coord in activity.coords.items() if coord.dims == (n.NEURON,)}
        named = named.assign_coords({n.NEURON: labels} | along)
    return named.assign_attrs({n.LINK: "logit"})


def linked_frames(edges: xr.DataArray) -> xr.DataArray:
    """Return what the link makes of frames that were checked when they were summed up."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: xr.DataArray = xr.apply_ufunc(logit, edges, dask="parallelized", output_dtypes=[np.float64])
    return found


def _logit_of_block(samples: NDArray[Any], labels: list[Any], block_info: Any = None) -> NDArray[Any]:
    """Return the logits of a block, (neuron, time[, trial])."""
    start = block_info[0]["array-location"][1][0] if block_info else 1
    return _logit(samples, start, labels)


def _logit(samples: NDArray[Any], start: int, labels: list[Any]) -> NDArray[Any]:
    """Return the logits of samples that begin at a frame, or raise if some are not between 0 and 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = logit(samples.astype(_float(samples.dtype), copy=False))
    first = np.arange(start, start + samples.shape[1]) == 0
    found[:, first] = 0
    outside = ~np.isfinite(found) & ~np.isnan(samples)
    if outside.any():
        first_one = tuple(np.argwhere(outside)[0])
        neuron, frame = first_one[:2]
        raise InvalidInput(
            n.LINK,
            got=f"logit of {outside.sum():,} samples that are not between 0 and 1, the first of them "
            f"{samples[first_one]} of neuron {labels[neuron]} at sample {start + frame}",
            expected="samples above 0 and below 1",
            fix="Leave the link out: regress the samples themselves.",
        )
    return np.asarray(found)


def _float(dtype: Any) -> np.dtype[Any]:
    """Return the floating type of logits of samples."""
    return np.dtype(np.float32 if dtype == np.float32 else np.float64)
