"""Where neurons lie in the field of view: the middles of their regions in the images."""

from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.array.core import slices_from_chunks
from numpy.typing import NDArray

from netxr import names as n

PIXEL: Final = "pixel"

Middles = NDArray[np.float64]
"""x and y of each region, (region, 2); NaN where a region has no pixel."""


def places_of(middles: Middles) -> dict[str, xr.Variable]:
    """Return the coordinates of neurons that lie there; none where a neuron lies nowhere, as all are to be drawn."""
    if not np.isfinite(middles).all():
        return {}
    rows = zip((n.X, n.Y), middles.T, strict=True)
    return {name: xr.Variable(n.NEURON, places, {n.UNITS: PIXEL}) for name, places in rows}


def middles_of_pixels(bounds: NDArray[np.int64], x: Any, y: Any, weights: Any) -> Middles:
    """Return the middles of regions by their pixels, listed one region after the other.

    `bounds` says where the pixels of each region begin, and where the last ones end.

    Examples
    --------
    >>> middles_of_pixels(np.array([0, 2, 3]), x=[4, 6, 1], y=[5, 5, 2], weights=[1, 3, 1]).tolist()
    [[5.5, 5.0], [1.0, 2.0]]
    """
    region, listed = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)), slice(bounds[0], bounds[-1])
    weighed = np.maximum(np.asarray(weights, dtype=np.float64)[listed], 0)
    sums = [
        np.bincount(region, weights=weighed * np.asarray(places)[listed], minlength=len(bounds) - 1)
        for places in (x, y, np.ones(bounds[-1]))
    ]
    return _middles(*sums)


def middles_of_images(masks: da.Array) -> Middles:
    """Return the middles of regions by an image of weights each, (region, x, y[, z]), which is read block by block."""
    sums = np.zeros((3, len(masks)))
    for box in slices_from_chunks(masks.chunks):  # type: ignore[no-untyped-call]
        block = masks[box].compute(scheduler="synchronous")
        pixels = np.nonzero(block > 0)
        weights = block[pixels].astype(np.float64)
        for row, places in enumerate((pixels[1] + box[1].start, pixels[2] + box[2].start, 1)):
            sums[row, box[0]] += np.bincount(pixels[0], weights=weights * places, minlength=len(block))
    return _middles(*sums)


def _middles(x: NDArray[Any], y: NDArray[Any], weights: NDArray[Any]) -> Middles:
    """Return the middles by sums of weighted places and of weights."""
    with np.errstate(invalid="ignore"):
        middles: Middles = np.column_stack([x, y]) / weights[:, np.newaxis]
    return middles
