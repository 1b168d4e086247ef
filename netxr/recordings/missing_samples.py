"""Which samples of a recording are missing, counted while it is written."""

from threading import Lock
from typing import Any, Final
from uuid import uuid4

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.schedulers import computed
from netxr.schema.variables import labels_of
from netxr.schema.words import listed
from netxr.store.dataset import open as open_store
from netxr.store.staging import PathLike

FILL: Final = (
    'Estimators leave them out with missing="drop" or missing="pairwise"; netxr.interpolate_frames(activity, '
    "frames=netxr.bad_frames(activity)) fills the frames."
)
"""What to do about missing samples."""

_COUNTING: Final = Lock()
"""Held while a block is counted; of the module, as blocks and what counts them may travel to other processes."""


class MissingSamples:
    """Counts the samples of each neuron that are NaN or infinite, as the blocks of activity go by."""

    def __init__(self, activity: xr.DataArray) -> None:
        self._labels = labels_of(activity, n.NEURON)
        self._axis = activity.get_axis_num(n.NEURON)
        self._others = tuple(axis for axis in range(activity.ndim) if axis != self._axis)
        self._seen: set[tuple[int, ...]] = set()
        self._n_blocks = 0
        self.of_each: NDArray[np.int64] = np.zeros(len(self._labels), np.int64)

    @property
    def text(self) -> str:
        """How many samples are missing, and of which neurons; an empty text where none is."""
        names = self._labels[self.of_each > 0].tolist()
        count, of_neurons = int(self.of_each.sum()), f"of {len(names):,} of {len(self._labels):,} neurons"
        some, verb = ("sample", "is") if count == 1 else ("samples", "are")
        return f"{count:,} {some} {of_neurons} {verb} missing (NaN or infinite): {listed(names)}" if names else ""

    def counting(self, activity: xr.DataArray) -> xr.DataArray:
        """Return the same activity, whose samples are counted: those in memory now, others when they are computed."""
        samples: Any = activity.data
        if activity.dtype.kind != "f" or not isinstance(samples, da.Array):
            self.of_each = self._missing_in(samples) if activity.dtype.kind == "f" else self.of_each
            return activity
        self._n_blocks = samples.npartitions
        as_before: dict[str, Any] = {"dtype": samples.dtype, "meta": samples._meta, "name": f"counted-{uuid4().hex}"}
        return activity.copy(data=da.map_blocks(self._count, samples, **as_before))  # type: ignore[no-untyped-call]

    def count_again(self, store: PathLike) -> None:
        """Count what was written, if other processes computed some of it: their counts do not come back."""
        if len(self._seen) < self._n_blocks:
            (self.of_each,) = computed(self._missing_in(open_store(store)[n.ACTIVITY].data))

    def _count(self, block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        """Count what is missing in a block, which may be computed more than once, and return it."""
        place, found = block_info[0]["array-location"], self._missing_in(block)
        with _COUNTING:
            if tuple(block_info[0]["chunk-location"]) not in self._seen:
                self._seen.add(tuple(block_info[0]["chunk-location"]))
                self.of_each[slice(*place[self._axis])] += found
        return block

    def _missing_in(self, samples: Any) -> Any:
        """Return how many samples of each neuron are missing."""
        return (~np.isfinite(samples)).sum(axis=self._others)
