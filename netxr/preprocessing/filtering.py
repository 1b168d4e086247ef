"""Filters along time: the same result however a recording is chunked."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.delayed import delayed
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt_zi, sosfiltfilt

from netxr import names as n
from netxr.blocks.trials import over_frames, rows_of, stack_trials
from netxr.errors import InvalidInput, NonFiniteActivity
from netxr.kernels.filters import Floats, Response, filtered, n_padded, response, states_between
from netxr.kernels.trends import as_samples
from netxr.preprocessing.put_back import by_segment, put_back
from netxr.schema.arguments import check_count, is_number, said
from netxr.schema.clock import Recording, activity_of, clock_of, second_in
from netxr.schema.variables import Trial, float_type, trials_of

MOST_ORDER: Final = 100
"""Filters of a higher order are not stable, and take memory by their order."""


def _has_rest(sos: Floats) -> bool:
    """Return whether a filter has numbers, and a state in which it rests: one that is too slow has none."""
    try:
        return bool(np.isfinite(sosfilt_zi(sos)).all())
    except (np.linalg.LinAlgError, ValueError):
        return False


def high_pass(data: Recording, *, cutoff: float, order: int = 2, gaps: n.Gaps = "raise") -> Recording:
    """Take out what varies more slowly than a frequency, without a shift in time.

    A Butterworth filter runs forwards and backwards over each trial, extended at its ends by point reflection, as
    SciPy's ``sosfiltfilt`` does. Chunks of a lazy recording are filtered one by one, each from the states that the
    filter reaches there on its way over the whole trial; so the result is the same however it is chunked.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it, with even times or a `sampling_interval`; dask
        stays lazy, and is read once more for the states.
    cutoff : float
        Frequency in cycles per `sampling_interval_units`, so in Hz where those are "s". Amplitudes are halved there,
        since the filter runs twice.
    order : int
        Of the filter; it runs twice, so the slope is that of twice the order.
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or take each stretch between gaps on its own.

    Returns
    -------
    DataArray or Dataset
        The filtered samples; floating-point ones in their dtype, integers as float64. A neuron that does not vary
        is 0.

    Raises
    ------
    InvalidInput
        If there is no sampling interval, times are not even, the cutoff is not between 0 and half the sampling rate,
        or a trial or segment is too short for the extension.
    NonFiniteActivity
        If a sample is NaN or infinite, which would spread to all others; of lazy data, when computed.

    Notes
    -----
    Gustafsson (1996) discusses filters that run both ways, doi:10.1109/78.492552.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> slow, fast = np.linspace(0, 50, 1000), np.sin(np.arange(1000.0))
    >>> x = netxr.as_activity((slow + fast)[None], dims=("neuron", "time"), sampling_interval=0.1)
    >>> bool(abs(high_pass(x, cutoff=0.1) - fast).mean() < 0.02)
    True
    """
    fast, said_as = _filtered(data, cutoff=cutoff, order=order, gaps=gaps)
    return put_back(data, fast, step=f"high_pass {said_as}")


def low_pass(data: Recording, *, cutoff: float, order: int = 2, gaps: n.Gaps = "raise") -> Recording:
    """Take out what varies faster than a frequency, without a shift in time: all that `high_pass` leaves.

    What a Butterworth filter that runs both ways lets through above its cutoff and what it lets through below add up to
    the signal. So this is the activity less what `high_pass` returns.

    Parameters
    ----------
    data, cutoff, order, gaps
        As in `high_pass`.

    Returns
    -------
    DataArray or Dataset
        The smoothed samples; floating-point ones in their dtype, integers as float64.

    Raises
    ------
    InvalidInput, NonFiniteActivity
        As `high_pass` does.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> slow, fast = np.linspace(0, 50, 1000), np.sin(np.arange(1000.0))
    >>> x = netxr.as_activity((slow + fast)[None], dims=("neuron", "time"), sampling_interval=0.1)
    >>> bool(abs(low_pass(x, cutoff=0.1) - slow).mean() < 0.02)
    True
    """
    fast, said_as = _filtered(data, cutoff=cutoff, order=order, gaps=gaps)
    activity = activity_of(data).astype(float_type(fast), copy=False)
    return put_back(data, fast.copy(data=activity.data - fast.data), step=f"low_pass {said_as}")


def _filtered(data: Recording, *, cutoff: float, order: int, gaps: n.Gaps) -> tuple[xr.DataArray, str]:
    """Return what is faster than a cutoff, and the filter in words."""
    activity = activity_of(data)
    if n.SAMPLING_INTERVAL not in activity.attrs and n.TIME not in activity.coords:
        fix = f"Say it with .assign_attrs({n.SAMPLING_INTERVAL}=..., {n.SAMPLING_INTERVAL_UNITS}='s')."
        raise InvalidInput(
            n.SAMPLING_INTERVAL, got="none", expected="the time from one sample to the next, as an attribute", fix=fix
        )
    interval, units, _ = clock_of(activity, gaps=gaps)
    unit = "Hz" if units == "s" else f"per {units}"
    hertz = 1 / (second_in(units) or 1.0)
    if not is_number(cutoff) or not 0 < cutoff < 0.5 / interval:
        got = f"{said(cutoff)} {unit}, {cutoff * hertz:g} Hz" if is_number(cutoff) and hertz != 1 else said(cutoff)
        most = f"{0.5 / interval:g} {unit}{f', {0.5 / interval * hertz:g} Hz' if hertz != 1 else ''}"
        raise InvalidInput("cutoff", got=got, expected=f"between 0 and {most}, half the sampling rate")
    if check_count("order", order) > MOST_ORDER:
        raise InvalidInput("order", got=said(order), expected=f"at most {MOST_ORDER}: more is not numerically stable")
    sos = butter(order, cutoff, "highpass", fs=1 / interval, output="sos")
    if not _has_rest(sos):
        fix = "Nothing slower than the recording is left in it: detrend takes that off."
        raise InvalidInput("cutoff", got=f"{cutoff:g} {unit}", expected="one at which a filter has numbers", fix=fix)
    fast = by_segment(partial(_fast, sos=sos, order=order), activity, gaps=gaps)
    return fast, f"cutoff={cutoff:g} {unit} order={order}"


def _fast(activity: xr.DataArray, *, sos: Floats, order: int) -> xr.DataArray:
    """Return the filtered activity."""
    if activity.sizes[n.TIME] <= n_padded(sos):
        got = f"{activity.sizes[n.TIME]} samples a trial or segment"
        raise InvalidInput("data", got=got, expected=f"more than {n_padded(sos)} for order {order}")
    each = [_high_pass(trial, sos, float_type(activity)) for trial in trials_of(activity)]
    return activity.copy(data=stack_trials(each, like=activity))


def _high_pass(trial: Trial, sos: Floats, dtype: np.dtype[Any]) -> Any:
    """Return the filtered samples of a trial, (neuron, time)."""
    samples = trial.samples
    if not isinstance(samples, da.Array):
        return _filter_whole(samples, sos=sos, place=trial.name)
    samples = samples.rechunk({0: -1})  # type: ignore[no-untyped-call]
    as_before = {"chunks": samples.chunks, "dtype": dtype, "meta": np.empty((0, 0), dtype)}
    n_blocks = samples.numblocks[1]
    if n_blocks == 1:
        return samples.map_blocks(_filter_whole, sos=sos, place=trial.name, **as_before)
    n_ends, width = n_padded(sos) + 1, 4 * len(sos)
    responses = over_frames(_responses, _joined, samples, key="responses", sos=sos, place=trial.name)
    states = delayed(_states_of_blocks, pure=True)(sos, responses, samples[:, :n_ends], samples[:, -n_ends:])
    table = da.from_delayed(states, (len(samples), n_blocks * width), np.float64)  # type: ignore[no-untyped-call]
    table = table.rechunk((-1, (width,) * n_blocks))
    return da.map_blocks(_filter_block, samples, table, sos=sos, **as_before)  # type: ignore[no-untyped-call]


def _filter_whole(samples: NDArray[Any], *, sos: Floats, place: str) -> NDArray[Any]:
    """Return the filtered samples of a whole trial in memory."""
    done = np.empty(samples.shape, samples.dtype if samples.dtype.kind == "f" else np.float64)
    for rows, piece in rows_of(samples):
        _check_finite(piece, 0, place=place)
        done[rows] = sosfiltfilt(sos, piece - piece[:, :1].astype(np.float64))
    return done


def _responses(pieces: Iterable[NDArray[Any]], offset: int, *, sos: Floats, place: str) -> list[Response]:
    """Return the states that each block of a segment ends in."""
    found = []
    for piece in pieces:
        _check_finite(piece, offset, place=place)
        found.append(response(sos, piece))
        offset += piece.shape[1]
    return found


def _joined(parts: Sequence[list[Response]]) -> list[Response]:
    """Return what consecutive segments hold as one list."""
    return list(chain.from_iterable(parts))


def _states_of_blocks(sos: Floats, responses: list[Response], first: NDArray[Any], last: NDArray[Any]) -> Floats:
    """Return the states in which each block begins, forwards and backwards, side by side."""
    return np.concatenate([state for both in states_between(sos, responses, first, last) for state in both], axis=1)


def _filter_block(samples: NDArray[Any], states: Floats, *, sos: Floats) -> NDArray[Any]:
    """Return the filtered samples of a block, from the states that come with it."""
    return as_samples(filtered(sos, samples, *np.hsplit(states, 2)), samples)


def _check_finite(samples: NDArray[Any], offset: int, *, place: str) -> None:
    """Raise if a sample is NaN or infinite."""
    wrong = ~np.isfinite(samples)
    if wrong.any():
        frames = np.flatnonzero(wrong.any(axis=0)) + offset
        raise NonFiniteActivity(
            place,
            got=f"NaN or infinity in {len(frames)} frames from {frames[0]} to {frames[-1]}",
            expected="finite samples: a filter spreads such a one to all others",
            fix="Fill them with interpolate_frames, filter, and mark them as missing again with mask_frames.",
        )
