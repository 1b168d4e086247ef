"""What can be put beside a saved run: more samples of the same neurons, and results about them."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.clock import clock_of, without_times
from netxr.schema.spacing import LARGEST_DRIFT
from netxr.schema.variables import labels_of
from netxr.store.layout import TEXT_KINDS

SAME: Final = (n.SAMPLING_INTERVAL, n.SAMPLING_INTERVAL_UNITS, n.UNITS)
"""Attributes in which what is appended must not differ."""


OTHERS: Final = {
    n.TIME: f"Trials of a run share their times: cut all to the shortest, by .isel({n.TIME}=slice(...)), and save them "
    "together; or save this one as a store of its own.",
    n.NEURON: 'Save it as a store of its own: netxr.merge_moments(..., join="outer") puts moments of different neurons '
    "together.",
}
"""What to do with other labels than those of the store."""


def compatible(new: xr.Dataset, stored: xr.Dataset, *, dim: str, made_again: Collection[str]) -> xr.Dataset:
    """Return `new`, its labels in the order of the store's, if it goes on where `stored` ends along `dim`.

    Raises InvalidInput if neurons, trials, dtype, sampling interval, units or preprocessing differ, a label is there
    already, samples do not go on in time where the run ends, a coordinate or the connectivity contradicts that of the
    run, or something is missing that the run has along `dim`, unless it is in `made_again`.
    """
    if n.TIME not in stored.coords:
        if dim == n.TIME and n.ACTIVITY in new:
            _check_next(stored, new)
        new = without_times(new)
    present, added = stored[n.ACTIVITY], new[n.ACTIVITY]
    if set(added.dims) != set(present.dims):
        fix = (
            "Give a recording of one trial its label: .expand_dims(trial=['tuesday'])."
            if n.TRIAL in present.dims
            else ""
        )
        raise InvalidInput("data", got=f"dims {added.dims}", expected=f"dims {present.dims}, as the store has", fix=fix)
    if dim not in present.dims:
        fix = "Save it as a new store with .expand_dims(trial=['monday'])."
        raise InvalidInput("dim", got=repr(dim), expected=f"one of {present.dims}, as the store has", fix=fix)
    if added.dtype != present.dtype:
        fix = f'Convert with .astype("{present.dtype}"), knowing what that does to the samples.'
        raise InvalidInput("data", got=f"dtype {added.dtype}", expected=f"{present.dtype}, as the store has", fix=fix)
    for name in SAME:
        old, now = (each.attrs.get(name) for each in (present, added))
        if old is not None and now is not None and old != now:
            raise InvalidInput("data", got=f"{name} {now!r}", expected=f"{old!r}, as the store has")
        if name == n.UNITS and (old is None) != (now is None):
            fix = f"Say it of both, by .assign_attrs({n.UNITS}=...), or of neither."
            raise InvalidInput(
                "data", got=f"activity with units {now!r}", expected=f"{old!r}, as the store has", fix=fix
            )
    _check_prepared_alike(present, added)
    new = _in_stored_order(new, stored, [other for other in map(str, present.dims) if other != dim])
    _check_goes_on(labels_of(stored, dim), labels_of(new, dim), stored, new, dim)
    _check_same_facts(new, stored, dim)
    missing = [
        str(name)
        for name, v in stored.variables.items()
        if dim in v.dims and name not in new and name not in made_again
    ]
    if missing:
        raise InvalidInput(
            "data",
            got=f"no {', '.join(missing)}",
            expected=f"a Dataset with all that the store has along {dim}",
            fix="Make results alike of what is new, and give them with it.",
        )
    return new


def _check_next(stored: xr.Dataset, new: xr.Dataset) -> None:
    """Raise if the times of new samples, where they have some, are not those that follow the run's."""
    if n.TIME not in new.coords or n.SAMPLING_INTERVAL not in stored[n.ACTIVITY].attrs or not new.sizes[n.TIME]:
        return
    interval, unit, begin = clock_of(stored, argument="store")
    own, own_unit, _ = clock_of(new)
    times = new[n.TIME]
    if (own, own_unit) != (interval, unit) or times.dtype.kind not in "fiu":
        return
    counts = times.dtype.kind in "iu" and n.UNITS not in times.attrs
    start = float(times.values[0]) * (interval if counts else 1)
    end, last = (origin + interval * (data.sizes[n.TIME] - 1) for origin, data in ((begin, stored), (start, new)))
    ahead = (start - end) / interval - 1
    if abs(ahead) <= LARGEST_DRIFT:
        return
    span = f"samples from {start:g} to {last:g} {unit}"
    if ahead > 0:
        got = f"{span}, which leave out {ahead:.6g} samples after the run's last at {end:g}"
        fix = f"As further trials they may begin at any time: append with dim={n.TRIAL!r}."
    else:
        there = round(min(last, end) / interval - max(start, begin) / interval) + 1
        got = f"{span}, of which the run, {begin:g} to {end:g}, has {max(there, 0)} already"
        fix = f"Append what is new alone, such as .sel({n.TIME}=slice({end + interval:g}, None))."
    fix += f" If they do go on where the run ends, and only their times are wrong, .drop_vars({n.TIME!r})."
    raise InvalidInput("data", got=got, expected=f"samples that go on at {end + interval:g} {unit}", fix=fix)


def _check_prepared_alike(present: xr.DataArray, added: xr.DataArray) -> None:
    """Raise if samples went through other steps than those in the store; which were selected is no matter."""
    old, now = (
        [step for step in each.attrs.get(n.PREPROCESSING, "").splitlines() if not step.startswith("select")]
        for each in (present, added)
    )
    if old != now:
        expected = f"{'; '.join(old) or 'none'}, as the store has"
        raise InvalidInput("data", got=f"preprocessing {'; '.join(now) or 'none'}", expected=expected)


def _in_stored_order(new: xr.Dataset, stored: xr.Dataset, dims: Sequence[str]) -> xr.Dataset:
    """Return the new samples with labels in the order of the store's."""
    for dim in dims:
        old, now = labels_of(stored, dim).tolist(), labels_of(new[n.ACTIVITY], dim).tolist()
        if old == now:
            continue
        if dim == n.TIME or sorted(map(repr, old)) != sorted(map(repr, now)):
            other = [label for label in now if label not in set(old)][:3]
            got = f"other labels along {dim}, such as {other}" if other else f"{len(now)} labels along {dim}"
            raise InvalidInput("data", got=got, expected=f"the {len(old)} that the store has", fix=OTHERS.get(dim, ""))
        new = new.sel({dim: old})
    return new


def _check_same_facts(new: xr.Dataset, stored: xr.Dataset, dim: str) -> None:
    """Raise if what both say of the neurons, such as their area, or of the whole run differs."""
    shared = [name for name in (*stored.coords, n.CONNECTIVITY) if name in stored and name in new.variables]
    for name in shared:
        old, now = stored[name], new[name]
        if name in stored.dims or dim in old.dims or dim in now.dims:
            continue
        if set(old.dims) == set(now.dims):  # each in the order of the store, where both have the same labels
            order = {d: labels_of(old, str(d)) for d in old.dims if d in now.indexes and now.sizes[d] == old.sizes[d]}
            now = now.transpose(*old.dims)
            now = now.sel(order) if all(np.isin(at, labels_of(now, str(d))).all() for d, at in order.items()) else now
            if old.variable.equals(now.variable):
                continue
        raise InvalidInput(
            "data",
            got=f"another {name}{_first_difference(now, old)}",
            expected="that of the store, which is about the same neurons",
            fix=f"Correct the one that is wrong; or append without it, by .drop_vars({str(name)!r}).",
        )


def _first_difference(now: xr.DataArray, old: xr.DataArray) -> str:
    """Say where the values of two coordinates differ first."""
    if now.dims != old.dims or now.shape != old.shape or now.ndim > 1:
        return ""
    if not now.ndim:
        return f", {now.item()!r} for {old.item()!r}"
    dim = str(old.dims[0])
    pairs = zip(labels_of(old, dim).tolist(), now.values.tolist(), old.values.tolist(), strict=True)
    label, here, there = next(((k, a, b) for k, a, b in pairs if a != b), (None, None, None))
    return f", {here!r} for {there!r} at {dim} {label!r}"


def _check_goes_on(
    old: np.ndarray[Any, Any], now: np.ndarray[Any, Any], stored: xr.Dataset, new: xr.Dataset, dim: str
) -> None:
    """Raise if labels repeat, or time does not go on."""
    if dim == n.TRIAL:
        twice = sorted(set(old.tolist()) & set(now.tolist()), key=repr)
        if twice:
            fix = "Relabel with .assign_coords(trial=...)."
            raise InvalidInput(
                "data", got=f"trials {twice} that the store has", expected="labels of their own", fix=fix
            )
        if old.dtype.kind != now.dtype.kind and not {old.dtype.kind, now.dtype.kind} <= set(TEXT_KINDS):
            raise InvalidInput(
                "data", got=f"trial labels of dtype {now.dtype}", expected=f"{old.dtype}, as in the store"
            )
        return
    if (n.TIME in stored.coords) != (n.TIME in new.coords):
        fix = (
            "Remove it with .drop_vars('time')." if n.TIME in new.coords else "Give one with .assign_coords(time=...)."
        )
        got = "a time coordinate" if n.TIME in new.coords else "no time coordinate"
        raise InvalidInput("data", got=got, expected="one if the store has one, else none", fix=fix)
    if n.TIME in stored.coords:
        steps = np.diff(np.concatenate([old[-2:], now]))
        if not np.allclose(steps.astype(float), steps[:1].astype(float), rtol=1e-6, atol=0) or steps[0] <= 0 * steps[0]:
            there = np.isin(now, old).sum()
            got = f"times from {now[0]} to {now[-1]}" + (f", of which the run has {there} already" if there else "")
            fix = f"Append what is new alone; after a gap, as further trials, with dim={n.TRIAL!r}."
            raise InvalidInput("data", got=got, expected=f"times that go on evenly after {old[-1]}", fix=fix)


def check_same_labels(new: xr.Dataset, stored: xr.Dataset) -> None:
    """Raise InvalidInput if results have other labels than the run, or another coordinate of the same name."""
    for name in dict.fromkeys([*new.dims, *new.coords, *stored.dims, *stored.coords]):
        if not all(name in each.dims or name in each.variables for each in (new, stored)):
            continue
        if not new[name].variable.equals(stored[name].variable):
            got = f"other labels along {name}" if new[name].dims == stored[name].dims else f"another {name}"
            expected = f"that of the run, {stored[name].values.tolist()!r:.80}"
            fix = f"Save it as a store of its own, make it with the {name} of the run, or rename {name}."
            raise InvalidInput("data", got=got, expected=expected, fix=fix)
