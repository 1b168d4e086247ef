"""Regions of interest in NWB files: where in the image they lie."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from netxr.recordings.formats.hdf5 import is_array, lazy_dataset
from netxr.recordings.formats.nwb.tables import bounds_of
from netxr.recordings.formats.places import Middles, middles_of_images, middles_of_pixels
from netxr.schema.variables import NUMBER_KINDS

CENTROIDS: Final = "ROICentroids"
"""Column of x, y[, z] that NeuroConv writes; none of the schema of NWB."""

PIXELS: Final = ("pixel_mask", "voxel_mask")
"""Columns of lists of x, y[, z] and weight."""

IMAGES: Final = "image_mask"
"""Column of an image of weights each, (x, y[, z]) by the schema of NWB."""


def middles_in(path: Path, table: Any, *, images: bool) -> Middles | None:
    """Return x and y of the middle of each row of an opened table of regions; None if it does not say where they lie.

    `images` says whether images of them, which are large, are read. Raises UnreadableFile if lists of pixels do not
    fit their index.
    """
    n_rows = len(table["id"])
    if _is_matrix(table.get(CENTROIDS), n_rows, (2,)) and table[CENTROIDS].shape[1] in (2, 3):
        return np.asarray(table[CENTROIDS][:, :2], dtype=np.float64)
    for name in PIXELS:
        if is_array(table.get(name)) and {"x", "y", "weight"} <= {*(table[name].dtype.names or ())}:
            pixels = table[name][()]
            return middles_of_pixels(bounds_of(path, table, name, n_rows), pixels["x"], pixels["y"], pixels["weight"])
    if images and _is_matrix(table.get(IMAGES), n_rows, (3, 4)):
        return middles_of_images(lazy_dataset(path, table[IMAGES]))
    return None


def _is_matrix(node: Any, n_rows: int, ndims: tuple[int, ...]) -> bool:
    """Say whether a node holds an array of numbers for each row."""
    fits = is_array(node) and len(node.shape) in ndims and node.shape[0] == n_rows
    return bool(fits and node.size and node.dtype.kind in NUMBER_KINDS)
