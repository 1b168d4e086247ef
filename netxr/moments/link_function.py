"""Targets that are read through a link, beside their own samples.

The tutorial's model is x(t + 1) = sigmoid(A x(t) + e): read as logit(x), a target is linear in its sources.
"""

from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logit

from netxr import names as n
from netxr.errors import InvalidInput

LINKED: Final = {
    n.MEAN_LINKED: n.MEAN_TARGET,
    n.SUMSQ_LINKED: n.SUMSQ_TARGET,
    n.COMOMENT_LINKED: n.COMOMENT,
}
"""Moments of linked targets, and those of the samples themselves that are made alike."""

PART: Final = 2**14
"""Samples whose logits are taken at a time, so that what is in between stays in a cache."""

LOW: Final = 1 / 16
"""Samples below have odds near zero."""


def linked_frames(edges: xr.DataArray) -> xr.DataArray:
    """Return what the link makes of frames, NaN of those that are not between 0 and 1, such as inputs."""
    inside = edges.where((edges > 0) & (edges < 1))
    found: xr.DataArray = xr.apply_ufunc(logit, inside, dask="parallelized", output_dtypes=[np.float64])
    return found


def linked_or_zero(samples: NDArray[Any]) -> NDArray[Any]:
    """Return what the link makes of samples, 0 of those that are not between 0 and 1, as first samples may be."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = logit(samples)
    return np.asarray(np.where(np.isfinite(found), found, found.dtype.type(0)))


def fill_logits(found: NDArray[Any], samples: NDArray[Any], start: int, labels: list[Any]) -> None:
    """Fill an array with the logits of samples, (neuron, time[, trial]), that begin at a frame.

    A first sample that is not between 0 and 1, and is never a target at lags 1 and above, is 0 there: a simulation
    begins at 0. Raises InvalidInput if another one is not.
    """
    axis = int(np.argmax(samples.strides))
    ahead, logits = np.moveaxis(samples, axis, 0), np.moveaxis(found, axis, 0)
    length = max(1, PART * len(ahead) // max(1, samples.size))
    with np.errstate(divide="ignore", invalid="ignore"):
        for begin in range(0, len(ahead), length):
            _fill(logits[begin : begin + length], ahead[begin : begin + length])
    first_frame = slice(0, max(0, 1 - start))
    found[:, first_frame] = linked_or_zero(samples[:, first_frame].astype(found.dtype, copy=False))
    if np.isfinite(found.sum()):
        return
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


def _fill(found: NDArray[Any], samples: NDArray[Any]) -> None:
    """Fill an array with logits, as exact as SciPy's and several times faster."""
    x = samples.astype(found.dtype, copy=False)
    # The odds less one have all their digits near one half; near zero the odds themselves do.
    np.log1p((2 * x - 1) / (1 - x), out=found)
    low = x < LOW
    if low.any():
        found[low] = np.log(x[low] / (1 - x[low]))
