"""Selection of a part of a recording: a segment of time, neurons by label, neurons and trials by coordinates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.preprocessing.put_back import take
from netxr.schema.arguments import check_entries, is_finite, said
from netxr.schema.axis import axis_of
from netxr.schema.clock import Recording, activity_of, clock_of


def select(
    data: Recording,
    *,
    time: tuple[Any, Any] | None = None,
    neurons: Sequence[Any] | None = None,
    where: Mapping[str, Any | Sequence[Any] | Callable[[NDArray[Any]], Any]] | None = None,
) -> Recording:
    """Select samples by time, neurons by label, and neurons and trials by coordinates: area, depth, stimulus.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy. Labels are read, samples are not.
    time : (start, stop), optional
        Samples from `start` on and before `stop`; None for an open end. By the coordinate `time` where there is one,
        else by the number of the sample, from 0.
    neurons : sequence of labels, optional
        Labels of the neurons to keep, in the order of the result.
    where : mapping, optional
        Conditions that a neuron or a trial must all meet: for a coordinate on `neuron` or `trial` (in a Dataset, also a
        variable), the value, several allowed values, or a function that takes the array of values and returns True or
        False for each.

    Returns
    -------
    DataArray or Dataset
        The selection, with all dims. Where samples are evenly spaced, the attribute `start_time` and the coordinate
        `time` say when the first of them was taken.

    Raises
    ------
    InvalidInput
        If nothing is asked for, nothing is left, or a label, coordinate or time is unknown.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity(np.zeros((3, 100)), dims=("neuron", "time"), sampling_interval=0.1)
    >>> x = x.assign_coords(area=("neuron", ["V1", "V1", "V2"]), iscell=("neuron", [True, False, True]))
    >>> part = select(x, time=(2, 5), where={"area": "V1", "iscell": True})
    >>> part.sizes, part.start_time
    (Frozen({'neuron': 1, 'time': 30}), 2.0)
    >>> part.preprocessing
    "select time 2 to 5 s, where area='V1', iscell=True: 30 of 100 samples, 1 of 3 neurons"
    """
    activity = activity_of(data)
    if time is None and neurons is None and where is None:
        raise InvalidInput("time, neurons, where", got="none of them", expected="at least one to select by")
    positions: dict[str, Any] = {}
    asked = []
    if neurons is not None:
        positions[n.NEURON] = _positions(activity, neurons)
        asked.append("by label")
    if where is not None:
        for dim, meets in _meets(data, where).items():
            chosen = positions.get(dim, np.arange(activity.sizes[dim]))
            positions[dim] = chosen[meets[chosen]]
            if not len(positions[dim]):
                there = "; ".join(f"{name} is one of {_examples(data[name].values)}" for name in where)
                got, expected = f"{_in_words(where)}, which no {dim} meets", f"conditions that a {dim} meets; {there}"
                raise InvalidInput("where", got=got, expected=expected)
        asked.append(f"where {_in_words(where)}")
    if time is not None:
        positions[n.TIME], text = _segment(activity, time)
        asked.insert(0, f"time {text}")
    step = f"select {', '.join(asked)}: {_counted(activity, positions)}"
    return take(data, positions, step=step)


def _positions(activity: xr.DataArray, neurons: Sequence[Any] | None) -> NDArray[np.int64]:
    """Return the positions of the neurons with these labels, in the order of the labels."""
    index = activity.get_index(n.NEURON)
    if neurons is None:
        return np.arange(len(index))
    wanted = _several("neurons", neurons)
    places = {label: place for place, label in enumerate(index.tolist())}
    unknown = [label for label in wanted if not _is_among(label, places)]
    if unknown or not wanted or len(set(wanted)) < len(wanted):
        raise InvalidInput(
            "neurons",
            got=f"{unknown[0]!r} among them" if unknown else repr(wanted),
            expected=f"labels of neurons, each once, such as {', '.join(map(repr, index[:3].tolist()))}",
        )
    return np.array([places[label] for label in wanted])


def _meets(data: xr.DataArray | xr.Dataset, where: Mapping[str, Any]) -> dict[Any, NDArray[np.bool_]]:
    """Return for each neuron, for each trial or both, by dim, whether it meets all conditions on its coordinates."""
    known = data.variables if isinstance(data, xr.Dataset) else data.coords
    there = {name: known[name] for name in known if known[name].dims in ((n.NEURON,), (n.TRIAL,))}
    if not isinstance(where, Mapping) or not where:
        raise InvalidInput("where", got=repr(where), expected='a mapping such as {"area": "V1"}')
    meets: dict[Any, NDArray[np.bool_]] = {}
    for name, wanted in where.items():
        if name not in there:
            names = ", ".join(map(str, there)) or "none"
            raise InvalidInput("where", got=repr(name), expected=f"a coordinate on neuron or trial; there are: {names}")
        (dim,), values = there[name].dims, np.asarray(there[name].values)
        if callable(wanted):
            answer = np.asarray(wanted(values))
        else:
            either = _several("where", wanted)
            answer = np.array([value in either for value in values.tolist()])
        if answer.dtype != bool or answer.shape != values.shape:
            got = f"a function that returns {answer.dtype} of shape {answer.shape}"
            expected = f"True or False for each of {len(values)} {dim}s"
            raise InvalidInput(f"where[{name!r}]", got=got, expected=expected)
        meets[dim] = meets.get(dim, True) & answer
    return meets


def _segment(activity: xr.DataArray, time: Any) -> tuple[slice, str]:
    """Return the samples between two times, and the times in words."""
    if not isinstance(time, (tuple, list)) or len(time) != 2:
        raise InvalidInput("time", got=repr(time), expected="(start, stop), None for an open end")
    n_steps = activity.sizes[n.TIME]
    if n.TIME in activity.coords and axis_of(activity) is None:
        first, last = _by_coordinate(activity, time)
        begin, end, units = activity[n.TIME].values[0], activity[n.TIME].values[-1], ""
    else:
        interval, units, begin = clock_of(activity)
        end = begin + (n_steps - 1) * interval
        first, last = _by_clock(time, interval, begin, n_steps)
    if first >= last:
        got = f"{time!r}, without a sample between them"
        raise InvalidInput("time", got=got, expected=f"a segment of the recording, {begin} to {end} {units}".rstrip())
    start, stop = ("the start", "the end")
    text = f"{start if time[0] is None else time[0]} to {stop if time[1] is None else time[1]} {units}".rstrip()
    return slice(first, last), text


def _by_clock(time: Sequence[Any], interval: float, begin: float, n_steps: int) -> tuple[int, int]:
    """Return the first sample between two times and the first after them, by the sampling interval."""
    edges = [0, n_steps]
    for k, moment in enumerate(time):
        if moment is not None:
            frame = (_number(moment) - begin) / interval
            nearest = np.rint(frame)
            frame = nearest if abs(frame - nearest) < 1e-6 else np.ceil(frame)  # 1.1 / 0.1 is more than 11
            edges[k] = int(np.clip(frame, 0, n_steps))
    return edges[0], edges[1]


def _by_coordinate(activity: xr.DataArray, time: Sequence[Any]) -> tuple[int, int]:
    """Return the first sample between two times and the first after them, by the coordinate."""
    index = activity.get_index(n.TIME)
    if not index.is_monotonic_increasing:
        raise InvalidInput("time", got="a coordinate that does not increase", expected="times in order")
    edges = [0, len(index)]
    for k, moment in enumerate(time):
        if moment is not None:
            entry = _number(moment) if index.dtype.kind in "iuf" else moment
            try:
                edges[k] = int(index.searchsorted(entry))
            except (TypeError, ValueError):
                raise InvalidInput("time", got=said(moment), expected=f"times like {index[0]!r}") from None
    return edges[0], edges[1]


def _number(moment: Any) -> float:
    """Return a time if it is a number."""
    if not is_finite(moment):
        raise InvalidInput("time", got=said(moment), expected="a number, or None for an open end")
    return float(moment)


def _is_among(label: Any, places: Mapping[Any, int]) -> bool:
    """Return whether a value is one of the labels; what cannot be hashed is none."""
    try:
        return label in places
    except TypeError:
        return False


def _several(argument: str, wanted: Any) -> list[Any]:
    """Return one value, or several, as a list."""
    if isinstance(wanted, (str, bytes)) or not isinstance(wanted, Iterable) or getattr(wanted, "ndim", 1) == 0:
        return [wanted]
    return check_entries(argument, wanted, expected="one value, or several")


def _in_words(where: Mapping[str, Any] | None) -> str:
    """Return the conditions as text."""
    pairs = (where or {}).items()
    return ", ".join(f"{name}={getattr(value, '__name__', repr(value))}" for name, value in pairs)


def _examples(values: NDArray[Any]) -> str:
    """Return a few different values."""
    different = list(dict.fromkeys(values.tolist()))
    return ", ".join(map(repr, different[:5])) + (", ..." if len(different) > 5 else "")


def _counted(activity: xr.DataArray, positions: Mapping[str, Any]) -> str:
    """Say how many of the samples, neurons and trials are selected."""
    left = []
    if n.TIME in positions:
        n_steps = activity.sizes[n.TIME]
        left.append(f"{positions[n.TIME].stop - positions[n.TIME].start} of {n_steps} samples")
    chosen = [dim for dim in (n.NEURON, n.TRIAL) if dim in positions]
    left += [f"{len(positions[dim])} of {activity.sizes[dim]} {dim}s" for dim in chosen]
    return ", ".join(left)
