"""The axis of time of evenly spaced samples: a start and an interval, and nothing as long as the recording."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np
import xarray as xr
from xarray.indexes import PandasIndex, RangeIndex
from xarray.indexes.range_index import (
    RangeCoordinateTransform,  # not in xarray's reference; there 2025.4 to 2026.9
)

from netxr import names as n
from netxr.compat import sel_result
from netxr.errors import InvalidInput

SLACK: Final = 1e-6
"""Largest difference of two equal times, as a share of the interval: rounding."""


class EvenTimes(RangeCoordinateTransform):
    """Sample k is at ``start + k * step``."""

    def __init__(self, start: float, step: float, size: int, coord_name: Hashable = n.TIME, dim: str = n.TIME) -> None:
        super().__init__(start, start + size * step, size, coord_name, dim)
        self.interval = step

    @property
    def step(self) -> float:
        """Time from each sample to the next, to the last digit: older xarray divides the span by the size."""
        return self.interval

    def slice(self, sl: slice) -> "EvenTimes":
        """Return the times of a slice of the samples."""
        chosen = range(self.size)[sl]
        start = self.start + chosen.start * self.step
        return EvenTimes(start, self.step * chosen.step, len(chosen), self.coord_name, self.dim)

    def equals(self, other: Any, exclude: frozenset[Hashable] | None = None, **_: Any) -> bool:
        """Return whether both say the same of each sample, but for rounding."""
        if not isinstance(other, RangeCoordinateTransform) or self.size != other.size:
            return False
        return max(abs(self.start - other.start), abs(self.stop - other.stop)) <= SLACK * abs(self.step)


class TimeIndex(RangeIndex):
    """Index of evenly spaced times that can be joined end to end, as those of pandas can."""

    def isel(self, indexers: Mapping[Any, Any]) -> xr.Index | None:
        """Return the index of some of the samples; of others than a slice, one that holds every time."""
        chosen = indexers[self.dim]
        if isinstance(chosen, slice):
            return type(self)(self.transform.slice(chosen))
        if np.asarray(chosen).dtype.kind == "b":  # which samples, where `RangeIndex` reads the numbers 0 and 1
            places = np.flatnonzero(np.asarray(chosen))
            chosen = xr.Variable(chosen.dims, places) if isinstance(chosen, xr.Variable) else places
        return super().isel({self.dim: chosen})

    def sel(self, labels: dict[Any, Any], method: Any = None, tolerance: Any = None) -> Any:
        """Return the positions of times: of a slice with both ends, of single ones exactly, as an index of pandas does.

        With method="nearest", the nearest sample there is; other methods, and a tolerance, are those of pandas. True
        and false say of each sample whether it is chosen.

        Raises KeyError if no sample was taken at a time.
        """
        wanted = labels[self.coord_name]
        if not isinstance(wanted, slice) and np.asarray(wanted).dtype.kind == "b":
            return sel_result({self.dim: np.flatnonzero(np.asarray(wanted))})
        if tolerance is not None or method not in (None, "nearest"):
            try:
                return PandasIndex(self.to_pandas_index(), self.dim).sel(labels, method=method, tolerance=tolerance)
            except KeyError:
                raise KeyError(np.asarray(wanted).tolist()) from None
        if method is not None:
            return self._nearest(super().sel(labels, method=method, tolerance=tolerance))
        if isinstance(wanted, slice):
            first = 0 if wanted.start is None else int(np.ceil((wanted.start - self.start) / self.step - SLACK))
            last = self.size if wanted.stop is None else int((wanted.stop - self.start) / self.step + SLACK) + 1
            return sel_result({self.dim: slice(max(first, 0), max(last, 0), wanted.step)})
        if np.asarray(wanted).dtype.kind not in "fiu":
            raise KeyError(wanted)
        found = super().sel(labels, method="nearest")
        places = np.asarray(found.dim_indexers[self.dim])
        off = np.abs(self.start + places * self.step - np.asarray(wanted)) > SLACK * abs(self.step)
        if (off | (places < 0) | (places >= self.size)).any():
            raise KeyError(f"{wanted!r}: no sample was taken then; with method='nearest' the nearest is found")
        return found

    def _nearest(self, found: Any) -> Any:
        """Return the places found: those of the first or last sample for times that lie outside."""
        places = found.dim_indexers[self.dim]
        if isinstance(places, slice):
            return found
        inside = np.clip(places, 0, self.size - 1)
        return sel_result({self.dim: inside})

    def to_pandas_index(self) -> Any:
        """Return every time, under the name of the coordinate, which tables are to have."""
        return super().to_pandas_index().rename(self.coord_name)

    @classmethod
    def concat(cls, indexes: Sequence[Any], dim: Hashable, positions: Iterable[Iterable[int]] | None = None) -> Any:
        """Return the index of joined samples: even times if they continue evenly, else one that holds every time."""
        even = positions is None and all(isinstance(each, RangeIndex) for each in indexes)
        if even and all(_goes_on(one, other) for one, other in pairwise(indexes)):
            first, size = indexes[0], sum(each.size for each in indexes)
            return cls(EvenTimes(first.start, first.step, size, first.coord_name, first.dim))
        plain = [PandasIndex(each.to_pandas_index(), dim) for each in indexes]
        return PandasIndex.concat(plain, dim, positions)

    def join(self, other: xr.Index, how: Any = "inner") -> Self:
        """Raise InvalidInput: samples at different times cannot be matched. xarray asks only where indexes differ."""
        raise InvalidInput(
            self.dim,
            got=f"recordings of different times, {_span(self)} and {_span(other)}",
            expected="the same times, or none",
            fix=f"To go by the order of samples, remove the times of each with .drop_vars({str(self.coord_name)!r}).",
        )


def _goes_on(one: Any, other: Any) -> bool:
    """Return whether another index continues one."""
    end, drift = one.start + one.size * one.step, (one.step - other.step) * other.size
    return bool(max(abs(drift), abs(end - other.start)) <= SLACK * abs(one.step))


def _span(index: Any) -> str:
    """Say from when to when an index goes."""
    if not isinstance(index, RangeIndex):
        return "others"
    return f"{index.start:g} to {index.start + (index.size - 1) * index.step:g}"


def even_times(start: float, interval: float, size: int, attrs: Mapping[Any, Any] | None = None) -> xr.Coordinates:
    """Return the coordinate `time` of evenly spaced samples, from the first time and the interval.

    Examples
    --------
    >>> even_times(1.0, 0.5, 3)["time"].values.tolist()
    [1.0, 1.5, 2.0]
    """
    coordinates = xr.Coordinates.from_xindex(TimeIndex(EvenTimes(float(start), float(interval), size)))
    coordinates[n.TIME].variable.attrs.update(attrs or {})
    return coordinates


def axis_of(data: xr.DataArray | xr.Dataset) -> RangeIndex | None:
    """Return the index of evenly spaced times, None if there is none."""
    index = data.xindexes.get(n.TIME)
    return index if isinstance(index, RangeIndex) else None
