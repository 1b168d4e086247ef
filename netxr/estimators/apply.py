"""Estimators applied to activity, which is read once for all of them, or to moments."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput, NetxrError
from netxr.estimators.estimator import Estimator
from netxr.estimators.symmetry import highest_of
from netxr.moments.one_pass import accumulate
from netxr.moments.prepare import check_lags, check_left, is_label, lags_of, positions_of, prepare
from netxr.schema.arguments import is_usual, is_whole
from netxr.schema.clock import activity_of
from netxr.schema.variables import NUMBER_KINDS, check_moments, holds_moments, labels_of

Estimate = xr.DataArray | xr.Dataset
"""A matrix, or a Dataset in which one is compared with a truth and the others go with it."""

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset, xr.DataArray | xr.Dataset)

SAME_LABELS: Final[dict[str, Any]] = {"coords": "minimal", "compat": "override", "join": "override"}
"""How estimates are put together that differ in lag or estimator alone."""

UNSAID: Final[Mapping[str, Any]] = {
    **{"dim": n.TIME, "precision": None, "missing": "raise", "gaps": "raise"},
    **{"memory": None, "store": None},
}
"""Options of the pass by default."""


def estimate_by(
    entries: Sequence[Estimator],
    data: xr.DataArray | xr.Dataset,
    *,
    lag: int | str,
    lags: Sequence[int | str] | None,
    sources: Hashable | Sequence[Hashable] | None,
    memory: int | str | None,
    store: str | PathLike[str] | None,
    is_one: bool = True,
    **options: Any,
) -> xr.DataArray | xr.Dataset:
    """Return what `estimate` does, by estimators that may be none of the table, over a dim unless it `is_one`."""
    wanted, argument = lags_of(lag, lags, data)
    if holds_moments(data):
        check_unsaid(options | {"memory": memory, "store": store})
        moments = _held(data, entries, wanted, sources=sources, argument=argument)
    elif store is None:
        activity = activity_of(data)
        needed = _lags_within(activity, entries, wanted, argument=argument)
        kept = sources if _by_source(entries, wanted) else None
        todo = prepare(activity, lags=needed, sources=kept, **options)
        moments = accumulate(activity, todo, memory=memory)
    else:
        options |= {"lags": wanted, "sources": sources, "argument": argument}
        stored = _by_rows(entries, is_one=is_one)(activity_of(data), memory=memory, store=store, **options)
        stored = stored if lags is not None else stored.isel({n.LAG: 0})
        return stored.isel({n.SOURCE: 0}) if is_label(sources) else stored
    moments = _with_frames(moments)
    at = list(map(int, wanted)) if lags is not None else int(wanted[0])
    found = [_over_lags(entry, moments, at) for entry in entries]
    estimates = _of_sources(found[0] if is_one else _side_by_side(entries, found, at), sources)
    _say_symmetry(estimates, entries)
    return estimates.isel({n.SOURCE: 0}) if is_label(sources) else estimates


def compared(estimate: xr.DataArray | xr.Dataset, name: str) -> xr.DataArray:
    """Return what of an estimate is compared with a truth: of several variables, the one with the estimator's name."""
    return estimate[name] if isinstance(estimate, xr.Dataset) else estimate


def lags_needed(entries: Sequence[Estimator], lags: Sequence[int]) -> list[int]:
    """Return the lags of the moments from which some estimates at some lags follow."""
    return list(dict.fromkeys(need for entry in entries for lag in lags for need in entry.needs(abs(lag))))


def lags_within(entries: Sequence[Estimator], lags: Sequence[int], *, n_steps: int) -> list[int]:
    """Return the lags of the moments that are needed, or raise InvalidInput if a trial is too short for some."""
    needed = lags_needed(entries, lags)
    longest = max(needed, default=0)
    if n_steps < longest + 2:
        names = " and ".join(entry.name for entry in entries if longest in lags_needed([entry], lags))
        expected = f"{longest + 2} or more, for lags up to {longest}, which {names} needs"
        raise InvalidInput("data", got=f"trials of {n_steps} samples", expected=expected, fix="Record longer.")
    return needed


# --- what goes in ----------------------------------------------------------------------


def _lags_within(
    activity: xr.DataArray, entries: Sequence[Estimator], lags: Sequence[int], *, argument: str
) -> list[int]:
    """Return the lags of the moments that are needed, if a trial offers pairs of samples at each."""
    n_steps = activity.sizes[n.TIME]
    return lags_within(entries, check_lags(lags, n_steps=n_steps, argument=argument, signed=True), n_steps=n_steps)


def _by_source(entries: Sequence[Estimator], lags: Sequence[int]) -> bool:
    """Return whether estimates of some sources follow from the moments of these alone."""
    return min(lags) >= 0 and not any(entry.all_sources for entry in entries)


def check_unsaid(options: Mapping[str, Any]) -> None:
    """Raise if options of the pass are given for moments, which had their own."""
    said = {name: value for name, value in options.items() if not is_usual(value, UNSAID[name])}
    if list(said) == ["store"]:
        fix = "Estimate without store, and keep the result with netxr.save."
        raise InvalidInput("store", got=repr(said["store"]), expected="none for moments", fix=fix)
    if said:
        fix = "Give them to netxr.lagged_moments."
        raise InvalidInput(", ".join(said), got=repr(said), expected="no options of the pass for moments", fix=fix)


def _held(
    moments: xr.Dataset, entries: Sequence[Estimator], lags: Sequence[int], *, sources: Any, argument: str
) -> xr.Dataset:
    """Return moments that are given, of the sources that are asked for, if they hold all that the estimators need."""
    held = labels_of(check_moments(moments, argument="data"), n.LAG).tolist()
    expected = f"lags that the moments hold: {held}, or minus those"
    is_right = bool(lags) and all(map(is_whole, lags)) and len(set(lags)) == len(lags)
    missing = set(lags_needed(entries, lags)) - set(held) if is_right else set()
    if not is_right or missing & set(map(abs, lags)):
        raise InvalidInput(argument, got=repr(list(lags)), expected=expected)
    if missing:
        needing = " and ".join(entry.name for entry in entries if missing & set(lags_needed([entry], lags)))
        fix = "Name all of these as lags of netxr.lagged_moments."
        needed = f"those at lags {sorted(missing)} as well, needed by {needing}"
        raise InvalidInput("data", got=f"moments at lags {held}", expected=needed, fix=fix)
    if min(lags) < 0 and not np.array_equal(labels_of(moments, n.TARGET), labels_of(moments, n.SOURCE)):
        raise InvalidInput(argument, got=repr(list(lags)), expected="lags from 0, for moments of some sources")
    if min(lags) < 0 and n.WHERE in moments[n.COUNT].attrs:
        expected = "lags from 0, for moments whose sources are marked by where=: at others, these would be targets"
        raise InvalidInput(argument, got=repr(list(lags)), expected=expected)
    return _of_sources(moments, sources) if _by_source(entries, lags) else moments


def _with_frames(moments: xr.Dataset) -> xr.Dataset:
    """Return moments that raise if no frame was left to count in any trial, lazy ones when they are computed."""
    if moments.attrs.get(n.MISSING) != "drop":
        return moments
    comoment, count = moments[n.COMOMENT], moments[n.COUNT]
    if comoment.chunks is None:
        check_left(count)
        return moments
    pairs: Any = count.data.max()
    checked = comoment.data.map_blocks(_checked, pairs, dtype=comoment.dtype, meta=np.empty((0,) * comoment.ndim))
    return moments.assign({n.COMOMENT: comoment.copy(data=checked)})


def _checked(comoment: Any, pairs: Any) -> Any:
    """Return co-moments if there are pairs of samples in any trial."""
    check_left(pairs)
    return comoment


def _of_sources(data: Labelled, sources: Any) -> Labelled:
    """Return moments or estimates of some sources; of all if none is named."""
    positions = positions_of(labels_of(data, n.SOURCE), sources)
    return data if positions is None else data.isel({n.SOURCE: list(positions)})


def _by_rows(entries: Sequence[Estimator], *, is_one: bool) -> Callable[..., xr.DataArray]:
    """Return what makes an estimate some rows at a time, where its estimator can be made so."""
    make = entries[0].by_rows if is_one else None
    if make is None:
        fix = "Estimate without store, and keep the result with netxr.save."
        names = [entry.name for entry in entries]
        raise InvalidInput(
            "method",
            got=repr(names[0] if is_one else names),
            expected=f"one that is made some rows at a time, such as {n.LAGGED_CORRELATION}, for a store",
            fix=fix,
        )
    return partial(_made_by_rows, make, entries[0]) if entries[0].package else make


def _made_by_rows(
    make: Callable[..., xr.DataArray], entry: Estimator, activity: xr.DataArray, **wanted: Any
) -> xr.DataArray:
    """Return what another package makes some rows at a time, or raise InvalidInput if it is no estimate."""
    cause = None
    try:
        found = make(activity, **wanted)
    except (NetxrError, MemoryError, OSError):
        raise
    except Exception as error:  # whatever another package raises
        fault, cause = f"fails ({type(error).__name__}: {error})", error
    else:
        if isinstance(found, xr.DataArray) and {n.LAG, n.TARGET, n.SOURCE} <= set(found.dims):
            return found
        fault = f"returns a value of type {type(found).__name__}, and dims {getattr(found, 'dims', ())}"
    got = f"{entry.name!r}, of the package {entry.package}, whose function by_rows {fault}"
    expected = f"a DataArray ({n.LAG}, [{n.TRIAL}, ]{n.TARGET}, {n.SOURCE}), opened from the store"
    raise InvalidInput("method", got=got, expected=expected, fix=f"Update or mend {entry.package}.") from cause


# --- what comes out --------------------------------------------------------------------


def _over_lags(entry: Estimator, moments: xr.Dataset, lag: int | Sequence[int]) -> Estimate:
    """Return an estimate at one lag, or at several, which give a dim."""
    if isinstance(lag, int) or not entry.has_lag:
        return _at(entry, moments, lag if isinstance(lag, int) else lag[0])
    if entry.lags_at_once and min(lag) >= 0:
        return _at(entry, moments, lag)
    each: list[Any] = [_at(entry, moments, one) for one in lag]
    joined: Estimate = xr.concat(each, n.LAG, **SAME_LABELS, combine_attrs="override")
    return joined


def _at(entry: Estimator, moments: xr.Dataset, lag: Any) -> Estimate:
    """Return an estimate at a lag, with its name, its reference and the attributes of the moments."""
    is_swapped = isinstance(lag, int) and lag < 0 and entry.has_lag
    found = _made(entry, moments, -lag if is_swapped else lag)
    if is_swapped:
        found = found.rename({n.TARGET: n.SOURCE, n.SOURCE: n.TARGET})
    matrix = compared(found, entry.name)
    about = {n.ESTIMATOR: entry.name, n.LONG_NAME: entry.long_name, n.REFERENCE: entry.reference}
    attrs = moments.attrs | matrix.attrs | {key: text for key, text in about.items() if text}
    labelled = _in_order(_with_lag(found, lag if entry.has_lag else None))
    if isinstance(labelled, xr.DataArray):
        return labelled.rename(entry.name).assign_attrs(attrs)
    beside = {name: one.assign_attrs({n.RESULT_OF: entry.name}) for name, one in labelled.data_vars.items()}
    return labelled.assign(beside | {entry.name: labelled[entry.name].assign_attrs(attrs)}).assign_attrs(moments.attrs)


def _made(entry: Estimator, moments: xr.Dataset, lag: Any) -> Estimate:
    """Return what the function of an estimator makes of moments, or raise InvalidInput if that is no estimate."""
    cause = None
    try:
        found = entry.function(moments, lag)
    except (NetxrError, MemoryError):
        raise
    except Exception as error:  # whatever another package raises
        fault, cause = f"fails ({type(error).__name__}: {error})", error
    else:
        fault = _fault(found, entry.name, moments, lag)
        if not fault:
            return found
    of = entry.package
    whose, fix = (f", of the package {of}", f"Update or mend {of}.") if of else ("", "")
    dims = f"({'' if isinstance(lag, int) else f'{n.LAG}, '}[{n.TRIAL}, ]{n.TARGET}, {n.SOURCE})"
    raise InvalidInput(
        "method",
        got=f"{entry.name!r}{whose}, whose function {fault}",
        expected=f"real numbers {dims} with the labels of the moments: a DataArray, or {entry.name} of a Dataset",
        fix=fix,
    ) from cause


def _fault(found: object, name: str, moments: xr.Dataset, lag: Any) -> str:
    """Return what keeps the result of a function from being an estimate, "" for nothing; no value is computed."""
    if not isinstance(found, (xr.DataArray, xr.Dataset)):
        return f"returns a value of type {type(found).__name__}"
    if isinstance(found, xr.Dataset) and name not in found.data_vars:
        return f"returns a Dataset of {', '.join(map(str, found.data_vars)) or 'nothing'}"
    matrix = compared(found, name)
    dims = dict.fromkeys((*matrix.dims, *({n.LAG} & set(found.dims))))
    needed = {n.TARGET, n.SOURCE} if isinstance(lag, int) else {n.LAG, n.TARGET, n.SOURCE}
    if not needed <= dims.keys() <= needed | ({n.TRIAL, n.BLOCK} & set(moments.dims)):
        return f"returns dims {tuple(map(str, dims))}"
    if matrix.dtype.kind not in NUMBER_KINDS:
        return f"returns dtype {matrix.dtype}"
    labels = {dim: pd.Index(lag) if dim == n.LAG else moments.get_index(dim) for dim in matrix.dims}
    wrong = [str(dim) for dim, index in labels.items() if not index.equals(matrix.get_index(dim))]
    return f"returns other labels along {' and '.join(wrong)}" if wrong else ""


def _with_lag(found: Estimate, lag: Any) -> Estimate:
    """Return an estimate with a lag as its coordinate; None for without one."""
    if lag is None:
        return found.drop_vars(n.LAG, errors="ignore")
    is_there = n.LAG in found.coords and found[n.LAG].values.tolist() == lag
    return found if is_there else found.assign_coords({n.LAG: lag})


def _in_order(found: Estimate) -> Estimate:
    """Return an estimate with its dims in the order of stores."""
    further = [dim for dim in found.dims if dim not in (n.BLOCK, n.LAG, n.TARGET, n.SOURCE)]
    order = *(dim for dim in (n.BLOCK, n.LAG) if dim in found.dims), *further, n.TARGET, n.SOURCE
    return found if isinstance(found, xr.DataArray) and found.dims == order else found.transpose(*order)


def _say_symmetry(estimates: Estimate, entries: Sequence[Estimator]) -> None:
    """Put among the attributes of estimates how alike they and their transposes are, if in memory and square.

    Of several, those count that may tell direction, if there are any.
    """
    matrix = compared(estimates, entries[0].name)
    if matrix.chunks is not None:
        return
    directed = [entry.name for entry in entries if entry.directed]
    counts = matrix.sel({n.ESTIMATOR: directed}) if directed and n.ESTIMATOR in matrix.dims else matrix
    if not np.isnan(value := highest_of(counts)):
        matrix.attrs[n.SYMMETRY] = value


def _side_by_side(entries: Sequence[Estimator], found: Sequence[Estimate], lag: int | Sequence[int]) -> xr.DataArray:
    """Return what is compared of several estimates, over `estimator`; one without a lag is the same at every lag."""
    lags: Any = lag
    if isinstance(lag, int) and not all(entry.has_lag for entry in entries):
        lags = n.ESTIMATOR, [entry.lag_of(lag) for entry in entries]
    matrices = [compared(one, entry.name).rename("estimate") for entry, one in zip(entries, found, strict=True)]
    alike = xr.broadcast(*(matrix.drop_vars(n.LAG, errors="ignore") for matrix in matrices))
    names = xr.Variable(n.ESTIMATOR, [entry.name for entry in entries])
    joined = xr.concat(alike, names, **SAME_LABELS, combine_attrs="drop_conflicts")
    about = {n.ESTIMATOR: ", ".join(names.values), n.LONG_NAME: "estimated connectivity"}
    references = "; ".join(dict.fromkeys(entry.reference for entry in entries if entry.reference))
    return (
        joined.transpose(n.ESTIMATOR, n.BLOCK, n.LAG, n.TRIAL, n.TARGET, n.SOURCE, missing_dims="ignore")
        .assign_coords({n.LAG: lags} if any(entry.has_lag for entry in entries) else {})
        .assign_attrs(about | ({n.REFERENCE: references} if references else {}))
    )
