"""Activity in less space: as 16-bit codes, or with fewer bits of mantissa, and how that changes correlations."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.schedulers import computed, slots
from netxr.blocks.segments import in_segments
from netxr.blocks.trials import pieces_of
from netxr.errors import InvalidInput
from netxr.kernels.codes import (
    Codes,
    Spread,
    bit_rounded,
    changes_of_correlation,
    coded,
    codes_between,
    decoded,
    half_step,
    join_spreads,
    spread,
)
from netxr.schema.provenance import with_event
from netxr.schema.variables import check_activity, labels_of, trials_of

UINT16: Final = "uint16"

SMALLEST_GAIN: Final = 4
"""Bytes a sample; smaller ones gain nothing."""

WITHOUT_CODES: Final = "Save the run once more without codes, netxr.save(netxr.open(old), new), and append to that one."


def compacted(dataset: xr.Dataset, compact: str) -> xr.Dataset:
    """Return a dataset from `storable` with its activity rounded, or as codes with attributes of the CF conventions.

    `compact` is "uint16" or "bits1", "bits2" and so on. Lazy activity is read once for that. The attributes of the
    activity say the effect. It is an error if there is no activity of 4 or 8 bytes a sample, or, for codes, if it has
    infinite samples.
    """
    activity = _activity_of(dataset, compact)
    bits = _bits(compact, activity.dtype)
    spreads = _spreads(activity)
    attrs = activity.attrs | {n.COMPACT: compact}
    if bits is None:
        codes = _codes_of(spreads, activity)
        attrs |= {"scale_factor": codes.scale, "add_offset": codes.offset, "_FillValue": codes.missing}
        attrs[n.COMPACT_DTYPE] = str(activity.dtype)
        data = _by_block(partial(_coded, codes=codes, argument=n.ACTIVITY), activity.data, codes.dtype)
        error, steps = np.full(spreads.n_finite.shape, codes.scale / 2), f"steps of {codes.scale:.4g}"
    else:
        data = _by_block(partial(bit_rounded, bits=bits), activity.data, activity.dtype)
        error = half_step(np.maximum(-spreads.least, spreads.most), bits)
        steps = f"{bits} bits of mantissa"
    attrs |= _effect(spreads, error, steps, labels_of(activity, n.NEURON))
    changed = dataset.assign({n.ACTIVITY: (activity.dims, data, attrs)})
    return changed.assign_attrs(with_event(dataset.attrs, f"compact: {n.ACTIVITY} rounded to {steps}"))


def as_stored(new: xr.Variable, stored: xr.Variable) -> xr.Variable:
    """Return samples to append, rounded as those in the store; computing a sample without a code is an error."""
    compact = stored.attrs.get(n.COMPACT)
    if is_coded(stored):
        kernel: Callable[..., NDArray[Any]] = partial(_recoded, codes=_codes_in(stored))
    elif compact is not None and (bits := _bits(compact, stored.dtype)):
        kernel = partial(bit_rounded, bits=bits)
    else:
        return new
    samples = new.transpose(*stored.dims)
    return samples.copy(data=_by_block(kernel, samples.data, new.dtype))


def as_codes(new: xr.Variable, stored: xr.Variable) -> xr.Variable:
    """Return samples as codes of a stored variable; a sample without a code is an error."""
    codes, samples = _codes_in(stored), new.transpose(*stored.dims)
    kernel = partial(_coded, codes=codes, argument="data", fix=WITHOUT_CODES)
    return xr.Variable(samples.dims, _by_block(kernel, samples.data, codes.dtype))


def is_coded(stored: xr.Variable) -> bool:
    """Return whether an opened variable of floating-point numbers is stored as integer codes."""
    return stored.dtype.kind == "f" and np.dtype(stored.encoding.get("dtype", stored.dtype)).kind in "iu"


def _activity_of(dataset: xr.Dataset, compact: str) -> xr.DataArray:
    """Return the activity; it is an error if it cannot be made smaller."""
    if n.ACTIVITY not in dataset:
        known = ", ".join(map(str, dataset.data_vars)) or "no variable"
        raise InvalidInput("compact", got=f"{compact!r} for {known}", expected=f"a Dataset with {n.ACTIVITY}")
    activity = check_activity(dataset[n.ACTIVITY], argument=n.ACTIVITY)
    if activity.dtype.kind != "f" or activity.dtype.itemsize < SMALLEST_GAIN:
        got = f"{compact!r} for activity of dtype {activity.dtype}"
        raise InvalidInput(
            "compact", got=got, expected="float32 or float64", fix="Leave it out: it would save nothing."
        )
    return activity


def _bits(compact: object, dtype: np.dtype[Any]) -> int | None:
    """Return how many bits of mantissa are kept; None if samples become codes."""
    most = np.finfo(dtype).nmant - 1
    number = re.fullmatch(r"bits([1-9][0-9]?)", compact) if isinstance(compact, str) else None
    if number and int(number[1]) <= most:
        return int(number[1])
    if isinstance(compact, str) and compact == UINT16:
        return None
    raise InvalidInput(
        "compact",
        got=repr(compact),
        expected=f"'{UINT16}', or 'bits1' to 'bits{most}' for {dtype}",
        fix="compact='bits10' keeps 10 bits of mantissa, about three digits.",
    )


def _spreads(activity: xr.DataArray) -> Spread:
    """Return the spread of each neuron in each trial, all (trial, neuron), in one pass."""
    each = computed(*[_spread_of_trial(trial.samples) for trial in trials_of(activity)])
    return Spread(*(np.stack(column) for column in zip(*each, strict=True)))


def _spread_of_trial(samples: Any) -> Any:
    """Return the spread of a trial (neuron, time), lazily if it is lazy."""
    if not isinstance(samples, da.Array):
        return spread(pieces_of(samples))
    processes, threads, _ = slots()
    key = f"spread-{tokenize(samples.name)}"
    return in_segments(spread, join_spreads, samples, segments=processes * threads, one_thread=False, key=key)


def _codes_of(spreads: Spread, activity: xr.DataArray) -> Codes:
    """Return codes for samples of these spreads; a sample that is infinite, or nearly, is an error."""
    largest = np.finfo(activity.dtype).max / 4
    # They are infinite for neurons without a finite sample.
    least, most = float(spreads.least.min()), float(spreads.most.max())
    wrong = (spreads.n_infinite > 0) | (spreads.least < -largest) | (spreads.most > largest)
    if wrong.any():
        neuron = labels_of(activity, n.NEURON)[wrong.any(axis=0).argmax()]
        raise InvalidInput(
            n.ACTIVITY,
            got=f"infinite samples, or nearly infinite ones, of neuron {neuron}",
            expected=f"samples below {largest:g} for compact='{UINT16}'",
            fix="Make them NaN, or save with compact='bits10', which keeps infinity.",
        )
    return codes_between(least, most) if least <= most else codes_between(0.0, 0.0)


def _codes_in(stored: xr.Variable) -> Codes:
    """Return the codes of a stored variable."""
    cf = stored.encoding
    scale, offset = float(cf.get("scale_factor", 1)), float(cf.get("add_offset", 0))
    return Codes(np.dtype(cf["dtype"]), scale, offset, cf.get("_FillValue"))


def _coded(samples: NDArray[Any], *, codes: Codes, argument: str, fix: str = "") -> NDArray[Any]:
    """Return the codes of samples; a sample without a code is an error."""
    done, outside = coded(samples, codes)
    if outside.any():
        low, high = codes.reach
        got = f"a sample of {samples[outside][0]:g}"
        raise InvalidInput(argument, got=got, expected=f"{low:g} to {high:g}, the range of the stored codes", fix=fix)
    return done


def _recoded(samples: NDArray[Any], *, codes: Codes) -> NDArray[Any]:
    """Return samples as their codes read."""
    return decoded(_coded(samples, codes=codes, argument="data", fix=WITHOUT_CODES), codes, samples.dtype)


def _effect(spreads: Spread, error: NDArray[Any], steps: str, neurons: NDArray[Any]) -> Mapping[str, Any]:
    """Return attributes that say how much lagged correlations change."""
    likely, possible = (change.max(axis=0) for change in changes_of_correlation(spreads, error))
    worst, n_lost = int(likely.argmax()), int(np.count_nonzero(possible >= 2))
    note = (
        f"rounded to {steps}: correlations of these {int(spreads.n_finite[:, worst].max())} samples change by about "
        f"{likely[worst]:.1e} at most, and never by more than {possible[worst]:.1e} (neuron {neurons[worst]})"
    )
    lost = f"; {n_lost} of {len(neurons)} neurons vary by less than a step, and theirs mean nothing" if n_lost else ""
    return {n.COMPACT_EFFECT: float(f"{likely[worst]:.3e}"), n.COMPACT_NOTE: note + lost}


def _by_block(kernel: Callable[[Any], NDArray[Any]], samples: Any, dtype: np.dtype[Any]) -> Any:
    """Apply a kernel to samples (neuron, time[, trial]), lazily if they are lazy, else piece by piece."""
    if isinstance(samples, da.Array):
        meta = np.empty((0,) * samples.ndim, dtype)
        return da.map_blocks(kernel, samples, dtype=dtype, meta=meta)  # type: ignore[no-untyped-call]
    return np.concatenate([kernel(piece) for piece in pieces_of(samples)], axis=1)
