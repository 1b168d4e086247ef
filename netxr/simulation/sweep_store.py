"""A sweep on disk: one Zarr chunk a cell, filled in as cells finish, and picked up again where it stopped.

The store is a plain one: ``xarray.open_zarr(path)`` reads it at any time. A chunk is
replaced as a whole, and a cell is marked `finished` after its scores are there.
"""

import os
from pathlib import Path
from typing import Any

import xarray as xr
import zarr

from netxr import names as n
from netxr.errors import InvalidInput, OutputExists, UnreadableFile
from netxr.simulation.axes import AXES
from netxr.simulation.sweep_plan import SETTINGS
from netxr.store.dataset import open as open_store
from netxr.store.layout import codec, storable
from netxr.store.metadata import DOCUMENT
from netxr.store.staging import PathLike, staging
from netxr.store.writing import empty_array, write_dataset


def resume(path: PathLike, blank: xr.Dataset) -> dict[str, Any]:
    """Return the arrays of the sweep at `path` by name, to be filled in; made as in `blank` if there is nothing yet.

    Raises InvalidInput if the sweep there has another axis or setting, OutputExists if the store is of something else,
    UnreadableFile if there is no store, or it is damaged.
    """
    if os.path.lexists(path):
        _check_same_sweep(path, open_store(path), blank)
    else:
        _create(path, blank)
    group = zarr.open_group(path, mode="r+")
    return {str(name): group[str(name)] for name in blank.data_vars}


def _create(path: PathLike, blank: xr.Dataset) -> None:
    """Make the store with no cell filled in."""
    with staging(path) as folder:
        write_dataset(storable(blank.drop_vars(blank.data_vars), event="sweep"), folder)
        for name, variable in blank.data_vars.items():
            by_cell = name == n.FINISHED or n.TRIAL in variable.dims
            sizes = {str(dim): size for dim, size in variable.sizes.items()}
            empty_array(
                folder,
                str(name),
                sizes=sizes,
                chunks={dim: 1 if by_cell and dim in blank[n.FINISHED].dims else size for dim, size in sizes.items()},
                dtype=variable.dtype,
                attrs=variable.attrs,
                compressors=codec()[:1],  # cells that are not finished have no chunk yet
            )


def _check_same_sweep(path: PathLike, stored: xr.Dataset, blank: xr.Dataset) -> None:
    """Raise unless the store is of the sweep that `blank` begins."""
    if n.FINISHED not in stored:
        raise OutputExists(path)
    differing = [
        name for name in (*AXES, n.ESTIMATOR, *SETTINGS, n.SCORES) if _said(stored, name) != _said(blank, name)
    ]
    if differing:
        name = differing[0]
        raise InvalidInput(
            {n.ESTIMATOR: "method", n.UNIT_FUNCTION: n.UNITS}.get(name, name),
            got=repr(_said(blank, name)),
            expected=f"{_said(stored, name)!r}, as in the sweep that is kept in {path}",
            fix="Ask for the same sweep, or choose another store.",
        )
    lost = [
        str(name)
        for name, variable in blank.data_vars.items()
        if _shape(stored, name) != variable.shape or not Path(path, str(name), DOCUMENT).exists()
    ]
    if lost:
        raise UnreadableFile(path, f"a sweep in which {', '.join(lost)} is missing or cut", fix="Choose another store.")


def _said(sweep: xr.Dataset, name: str) -> Any:
    """Return the labels of an axis, or a setting; None where there is neither."""
    return sweep[name].values.tolist() if name in sweep.indexes else sweep.attrs.get(name)


def _shape(dataset: xr.Dataset, name: Any) -> tuple[int, ...] | None:
    """Return the shape of a variable, None if it is missing."""
    return dataset[name].shape if name in dataset else None
