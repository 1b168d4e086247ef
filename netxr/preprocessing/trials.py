"""A recording cut into trials, around events or one after the other."""

from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.preprocessing.events import events_of
from netxr.preprocessing.put_back import put_back
from netxr.schema.arguments import is_finite, said
from netxr.schema.axis import SLACK
from netxr.schema.clock import (
    SEGMENTS,
    Recording,
    activity_of,
    clock_of,
    cuts_of,
    in_units,
    times_of_segments,
    with_axis,
)

NOWHERE: Final = -(2**62)
"""The sample of an event in a gap."""


def cut_trials(
    data: Recording,
    onsets: Any = None,
    *,
    before: float | str = 0.0,
    after: float | str | None = None,
    length: float | str | None = None,
) -> Recording:
    """Cut a recording into trials: around events, or into equal ones that follow one another.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time), or a Dataset that holds it; dask stays lazy.
    onsets : array-like, (trial,), or table, optional
        Times of the events, in the recording's unit of time, or dates where it has them; in samples where it has no
        sampling interval. Of a DataFrame or Dataset, as `load_events` returns, the column `onset` or `start_time`; its
        other columns, such as the stimulus, and coordinates of a DataArray stay with the trials. No two events are at
        the same sample.
    before, after : float or str
        How much of the recording before and after each event is in its trial, in the same unit, or a time such as
        "200ms". Trials may overlap; the attribute `preprocessing` says how many do.
    length : float or str, optional
        In the place of onsets: the length of trials that follow one another from the first sample on. Samples at the
        end that fill none are left out.

    Returns
    -------
    DataArray or Dataset
        Activity (neuron, time, trial), in the dtype of the samples. `time` is relative to the event, which is at the
        nearest sample; `onset` says when it was.

    Raises
    ------
    InvalidInput
        If there are trials already, onsets are no times, an event comes twice, a trial begins before the recording,
        ends after it or goes over a gap in its times, or none is left.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity([np.arange(10.0)], dims=("neuron", "time"), sampling_interval=0.5)
    >>> trials = cut_trials(x, [1.0, 3.0], before=0.5, after=1.0)
    >>> trials.isel(neuron=0).values.T.tolist(), trials.time.values.tolist()
    ([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]], [-0.5, 0.0, 0.5])
    >>> cut_trials(x, length=2).sizes
    Frozen({'neuron': 1, 'time': 4, 'trial': 2})
    """
    activity = activity_of(data)
    if activity.sizes.get(n.TRIAL, 1) > 1:
        fix = f"Take one of them with .isel({n.TRIAL}=0)."
        got = f"a recording of {activity.sizes[n.TRIAL]} trials"
        raise InvalidInput("data", got=got, expected="one that is not cut into trials yet", fix=fix)
    activity = activity.squeeze(n.TRIAL, drop=True) if n.TRIAL in activity.dims else activity
    activity = activity.assign_attrs({n.GAPS: SEGMENTS})  # no trial goes over one
    beside: dict[str, Any] = {}
    cuts = cuts_of(activity)
    interval, units, start = clock_of(activity)
    if (onsets is None) == (length is None):
        got = "both" if onsets is not None else "neither"
        raise InvalidInput("onsets, length", got=got, expected="the times of events, or the length of equal trials")
    if length is not None:
        if before or after is not None:
            got = said({"before": before, "after": after})
            raise InvalidInput("before, after", got=got, expected="none, where trials follow one another")
        n_before, n_after = 0, _samples("length", length, activity)
        places = np.arange(0, activity.sizes[n.TIME] - n_after + 1, n_after)
        times = times_of_segments(activity)[places] if cuts else start + interval * places
        what = f"of {n_after * interval:g} {units}"
    else:
        n_before, n_after = _samples("before", before, activity, least=0), _samples("after", after, activity)
        times, beside = events_of(onsets, taken=data.variables if isinstance(data, xr.Dataset) else data.coords)
        places = _places(activity, times, interval=interval, start=start, cuts=cuts)
        span = f"from {n_before * interval:g} {units} before to {n_after * interval:g} {units} after"
        what = f"{span} {len(places)} events"
        n_overlapping = int((np.diff(np.sort(places)) < n_before + n_after).sum())
        what += f", {n_overlapping} of them within the trial before" if n_overlapping else ""
    _check_inside(activity, places, times, (n_before, n_after), cuts=cuts)
    _check_different(places, times)
    samples: Any = activity.data
    parts = [samples[:, place - n_before : place + n_after] for place in places.tolist()]
    clock = {n.SAMPLING_INTERVAL: interval, n.SAMPLING_INTERVAL_UNITS: units, n.START_TIME: -n_before * interval}
    of_neurons = {name: coord for name, coord in activity.coords.items() if n.TIME not in coord.dims}
    labels = {n.TRIAL: np.arange(len(parts)), n.ONSET: (n.TRIAL, times)} | beside
    cut = xr.DataArray(
        (da if isinstance(samples, da.Array) else np).stack(parts, axis=-1),
        of_neurons | labels,
        (n.NEURON, n.TIME, n.TRIAL),
        name=activity.name,
        attrs={name: value for name, value in activity.attrs.items() if name != n.GAPS},
    )
    whole = data.drop_vars(n.TIME, errors="ignore")
    return put_back(whole, with_axis(cut.assign_attrs(clock)), step=f"cut into {len(parts)} trials {what}", **clock)


def _samples(argument: str, span: Any, activity: xr.DataArray, *, least: int = 1) -> int:
    """Return how many samples a span of time is."""
    interval, units, _ = clock_of(activity)
    expected = f"a span of {least} samples or more, in {units}, or a time such as '200ms'; a sample is {interval:g}"
    span = in_units(span, activity, argument=argument, expected=expected)
    if not is_finite(span) or span < 0 or not span / interval < 2**62:
        raise InvalidInput(argument, got=said(span), expected=expected)
    count = float(span / interval)
    whole = round(count)
    if abs(count - whole) > SLACK * max(1.0, count):
        fix = f"The nearest is {whole * interval:g}."
        raise InvalidInput(
            argument, got=said(span), expected=f"a whole number of samples of {interval:g} {units}", fix=fix
        )
    if whole < least:
        raise InvalidInput(argument, got=said(span), expected=expected)
    return whole


def _places(
    activity: xr.DataArray, times: NDArray[Any], *, interval: float, start: float, cuts: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return the samples that are nearest to events, `NOWHERE` for those in a gap."""
    if times.dtype.kind == "M":
        dates: Any = activity[n.TIME].values if n.TIME in activity.coords else times[:0]
        if not dates.size or dates.dtype.kind != "M":
            raise InvalidInput("onsets", got="dates", expected="numbers, as the times of the recording are")
        since: Any = (times - dates[0]) / np.timedelta64(1, "s")
    else:
        since = times.astype(np.float64) - start
    if not np.isfinite(since).all():
        raise InvalidInput("onsets", got="a time that is not finite", expected="times of the recording")
    if not cuts:
        return np.asarray(np.clip(np.rint(since / interval), NOWHERE, -NOWHERE), np.int64)
    labels = times_of_segments(activity) - start
    later = np.searchsorted(labels, since).clip(1, len(labels) - 1)
    nearest = np.asarray(later - (since - labels[later - 1] < labels[later] - since), np.int64)
    is_near = np.abs(since - labels[nearest]) <= (0.5 + SLACK) * interval
    return np.where(is_near, nearest, NOWHERE)


def _check_different(places: NDArray[Any], times: NDArray[Any]) -> None:
    """Raise if two events are at the same sample: their trials would be one that counts twice."""
    order = np.argsort(places, kind="stable")
    again = np.flatnonzero(np.diff(places[order]) == 0)
    if again.size:
        first, second = order[again[0] : again[0] + 2].tolist()
        got = f"events number {first} and {second} (from 0) at {times[first]} and {times[second]}, the same sample"
        others = f", and {again.size - 1} more such" if again.size > 1 else ""
        raise InvalidInput("onsets", got=got + others, expected="each event once", fix="Leave out one of the two.")


def _check_inside(
    activity: xr.DataArray, places: NDArray[Any], times: NDArray[Any], span: tuple[int, int], *, cuts: tuple[int, ...]
) -> None:
    """Raise unless every trial lies within the recording, and within one stretch of even times."""
    first, last = places - span[0], places + span[1]
    edges = np.array([0, *cuts, activity.sizes[n.TIME]])
    within = np.searchsorted(edges, first, side="right")
    outside = (first < 0) | (last > edges[-1]) | (last > edges[np.minimum(within, len(edges) - 1)])
    if not len(places):
        got = f"trials of {sum(span)} samples"
        raise InvalidInput("length", got=got, expected=f"no longer than the recording, {edges[-1]} samples")
    if outside.any():
        got = f"a trial at {times[outside.argmax()]}"
        others = f", and {outside.sum() - 1} more" if outside.sum() > 1 else ""
        over = " or go over a gap in its times" if cuts else ""
        expected = f"trials of {sum(span)} samples that do not leave the recording{over}, {edges[-1]} samples"
        raise InvalidInput("onsets", got=f"{got}{others}", expected=expected, fix="Leave such events out.")
