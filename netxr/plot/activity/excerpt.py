"""Which neurons and samples of a recording a figure shows, in which order, and how its axes are labelled."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.activity.binning import Part
from netxr.plot.grouping import GroupOrder, groups_of, order_of
from netxr.schema.arguments import is_whole
from netxr.schema.clock import activity_of, clock_of, cuts_of, times_of_segments
from netxr.schema.variables import labels_of


class Excerpt(NamedTuple):
    """What is shown of a recording."""

    samples: Any
    """All of the recording, (neuron, time)."""
    rows: NDArray[np.intp]
    """Which neurons are drawn, from the top."""
    labels: list[str]
    order: GroupOrder
    """Where groups lie among them."""
    part: Part
    """The first sample, and the one after the last."""
    clock: tuple[float, str, float]
    """Sampling interval, its unit, and the time of the first sample of the recording."""
    units: str
    """Of the samples, where known."""
    n_asked: int
    """How many neurons were asked for; fewer may be drawn."""
    cuts: tuple[int, ...] = ()
    """Samples before which there is a gap, where times go on over gaps."""
    taken: NDArray[np.float64] | None = None
    """When all samples were taken, if there is one."""

    @property
    def time_axis(self) -> hv.Dimension:
        """The axis of time, which figures beside one another share."""
        return hv.Dimension(n.TIME, label=f"Time ({self.clock[1]})")

    def times(self, positions: Any) -> NDArray[np.float64]:
        """Return the times of samples."""
        interval, _, first = self.clock
        places = np.asarray(positions, dtype=np.float64)
        if self.taken is None:
            return first + interval * places
        nearest = np.clip(np.nan_to_num(places).round().astype(int), 0, len(self.taken) - 1)
        return np.asarray(self.taken[nearest] + interval * (places - nearest))

    @property
    def ends(self) -> tuple[float, float]:
        """Where the axis of time begins and ends: half a sample before the first one shown and after the last."""
        left, right = self.times([self.part[0], self.part[1] - 1]).tolist()
        return left - self.clock[0] / 2, right + self.clock[0] / 2

    @property
    def intervals(self) -> NDArray[np.intp]:
        """How many sampling intervals after the first sample shown each of them was taken."""
        if self.taken is None:
            return np.arange(self.part[1] - self.part[0])
        taken = self.taken[slice(*self.part)]
        return np.asarray(np.rint((taken - taken[0]) / self.clock[0]).astype(np.intp))

    def intervals_in(self, x_range: tuple[Any, Any] | None) -> tuple[float, float] | None:
        """Return a range of times as sampling intervals after the first sample shown; None if it is not known."""
        if x_range is None or x_range[0] is None or x_range[1] is None:
            return None
        first, last = ((np.array(sorted(map(float, x_range))) - self.times(self.part[0])) / self.clock[0]).tolist()
        return first, last

    def positions_in(self, x_range: tuple[Any, Any] | None) -> tuple[float, float] | None:
        """Return a range of times as (fractional) samples after the first one shown; None if it is not known."""
        view = self.intervals_in(x_range)
        if view is None or self.taken is None:
            return view
        first, last = np.interp(view, self.intervals, range(self.part[1] - self.part[0])).tolist()
        return first, last

    def zoomed(self, x_range: tuple[Any, Any] | None) -> Part:
        """Return which of the samples first shown lie between two times, at least one."""
        view, (start, stop) = self.positions_in(x_range), self.part
        if view is None:
            return self.part
        begin = int(np.clip(start + np.floor(view[0] + 0.5), start, stop - 1))
        return begin, int(np.clip(start + np.ceil(view[1] + 0.5), begin + 1, stop))


def excerpt_of(
    activity: xr.DataArray | xr.Dataset,
    *,
    neurons: Sequence[Any] | None,
    start: int,
    n_steps: int | None,
    most: int | None = None,
) -> Excerpt:
    """Return what is shown of a recording (neuron, time), which may have a `trial` of one entry; no sample is read.

    Neurons stand in the order in which their labels are given; with None, in that of their groups if they have any, and
    no more than `most`: the first ones, or as many spread over all groups. Without `n_steps` it goes to the end. Where
    gaps are known, times go on over them.
    """
    one = _one_trial(activity_of(activity, argument=n.ACTIVITY)).transpose(n.NEURON, n.TIME)
    part = _part(one.sizes[n.TIME], start, n_steps)
    labels = labels_of(one, n.NEURON)
    rows = _positions(labels, neurons)
    groups = groups_of(one)
    if neurons is None:
        rows = order_of(labels, groups).positions
        if most is not None and len(rows) > most:
            rows = rows[:most] if groups is None else rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
    cuts = cuts_of(one, argument=n.ACTIVITY) if n.GAPS in one.attrs else ()
    return Excerpt(
        one.data,
        rows,
        [str(label) for label in labels[rows]],
        order_of(labels[rows], groups if neurons is None else None),
        part,
        clock_of(one, gaps="segments", argument=n.ACTIVITY) if cuts else _clock_of_part(one, part),
        "" if (units := str(one.attrs.get(n.UNITS, ""))) == "1" else units,  # "1": none, as of z-scores
        len(labels) if neurons is None else len(rows),
        cuts,
        times_of_segments(one) if cuts else None,
    )


def _clock_of_part(activity: xr.DataArray, part: Part) -> tuple[float, str, float]:
    """Return sampling interval, its unit, and the time of the first sample of all, by what the shown part says."""
    shown = activity.isel({n.TIME: slice(*part)}) if part[1] - part[0] > 1 else activity
    interval, unit, first = clock_of(shown, argument=n.ACTIVITY)
    is_cut = shown is not activity and n.TIME in activity.coords
    return interval, unit, first - interval * part[0] if is_cut else first


def _one_trial(activity: xr.DataArray) -> xr.DataArray:
    """Return `activity` without its dim of trials, which may have one entry."""
    if activity.sizes.get(n.TRIAL, 1) > 1:
        raise InvalidInput(
            n.ACTIVITY, got=f"{activity.sizes[n.TRIAL]} trials", expected="one", fix="Take one with .isel(trial=0)."
        )
    return activity.squeeze(n.TRIAL) if n.TRIAL in activity.dims else activity


def _part(length: int, start: int, n_steps: int | None) -> Part:
    """Return the first sample and the one after the last."""
    if not is_whole(start) or not 0 <= start < length:
        raise InvalidInput("start", got=repr(start), expected=f"a sample from 0 to {length - 1}")
    if n_steps is not None and (not is_whole(n_steps) or n_steps < 1):
        raise InvalidInput("n_steps", got=repr(n_steps), expected="at least 1")
    return start, length if n_steps is None else min(start + n_steps, length)


def _positions(labels: NDArray[Any], neurons: Sequence[Any] | None) -> NDArray[np.intp]:
    """Return where the chosen neurons are: all, or those of these labels."""
    if neurons is None:
        return np.arange(len(labels))
    places = {label: place for place, label in enumerate(labels.tolist())}
    wanted = _listed(neurons)
    unknown = [label for label in wanted if not isinstance(label, Hashable) or label not in places]
    if unknown or not wanted:
        raise InvalidInput(
            "neurons",
            got=f"{unknown[0]!r}, which is not recorded" if unknown else "no neuron",
            expected=f"labels such as {', '.join(map(repr, list(places)[:3]))}",
        )
    return np.array([places[label] for label in wanted])


def _listed(neurons: Any) -> list[Any]:
    """Return labels as a list, those of arrays as plain values: a label may be a pair, which is no row of an array."""
    if isinstance(neurons, str) or not isinstance(neurons, Iterable):
        return [neurons]
    return np.ravel(np.asarray(neurons)).tolist() if hasattr(neurons, "dtype") else list(neurons)
