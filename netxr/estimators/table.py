"""The table of estimators: what each assumes, which moments it needs, and how it follows from them.

An estimator is one `Estimator`. Everything else (``netxr.estimate``, sweeps, stores that are appended to, the shell,
reports, figures, the app) asks this table, so a new one is a new entry and no change elsewhere. Other packages add
theirs by an entry point of the group `netxr.estimators`, whose name is the name of the estimator.
"""

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.correlation import AT_ONCE, LAGGED
from netxr.estimators.correlogram import EXCESS
from netxr.estimators.edge_probability import REFERENCE as TWO_GROUPS
from netxr.estimators.edge_probability import edge_probability_at
from netxr.estimators.estimator import Estimator
from netxr.estimators.granger import REFERENCE as LINEAR_FEEDBACK
from netxr.estimators.granger import granger_at
from netxr.estimators.partial_correlation import ABOUT as ABOUT_PARTIAL
from netxr.estimators.partial_correlation import partial_correlation_at
from netxr.estimators.regression import ABOUT as ABOUT_REGRESSION
from netxr.estimators.regression import check_past, regression_at, regression_t_at

GROUP: Final = "netxr.estimators"
"""Group of the entry points by which other packages add estimators."""


def _and_at_once(lag: int) -> tuple[int, ...]:
    """Return the lag and lag 0, which a regression on the past needs."""
    return (0, check_past(lag))


def _up_to(lag: int) -> tuple[int, ...]:
    """Return all lags up to one, which a regression on the whole past needs."""
    return tuple(range(check_past(lag) + 1))


PAST: Final = "each source acts on its targets after the lag, linearly, and every neuron that acts on them was recorded"


BUILT_IN: Final = {
    entry.name: entry
    for entry in (
        LAGGED,
        AT_ONCE,
        Estimator(
            name=n.PARTIAL_CORRELATION,
            function=lambda moments, _lag: partial_correlation_at(moments, 0),
            long_name=ABOUT_PARTIAL[n.LONG_NAME],
            reference=ABOUT_PARTIAL[n.REFERENCE],
            assumes="neurons that are connected go together within one sample, and every neuron was recorded",
            lags=lambda _lag: (0,),
            directed=False,
            all_sources=True,
        ),
        Estimator(
            name=n.REGRESSION,
            function=regression_at,
            long_name="standardised regression coefficient",
            reference=ABOUT_REGRESSION[n.REFERENCE],
            assumes=PAST,
            lags=_and_at_once,
            all_sources=True,
        ),
        Estimator(
            name=n.REGRESSION_T,
            function=regression_t_at,
            long_name=f"t of a {ABOUT_REGRESSION[n.LONG_NAME]}",
            reference=ABOUT_REGRESSION[n.REFERENCE],
            assumes=PAST,
            lags=_and_at_once,
            all_sources=True,
        ),
        Estimator(
            name=n.GRANGER,
            function=granger_at,
            long_name="Granger causality",
            reference=LINEAR_FEEDBACK,
            assumes=PAST,
            lags=_up_to,
            signed=False,
            all_sources=True,
        ),
        Estimator(
            name=n.EDGE_PROBABILITY,
            function=edge_probability_at,
            long_name="probability of an edge, signed",
            reference=TWO_GROUPS,
            assumes=f"{PAST}; t of pairs without an edge is a standard normal",
            lags=_and_at_once,
            all_sources=True,
        ),
        EXCESS,
    )
}
"""The estimators that netxr brings, by name; the first is the one where none is named."""

DEFAULT: Final = next(iter(BUILT_IN))

FUNCTIONS: Final = ("instrumental_variables", "perturbation_effect")
"""Functions that estimate connectivity, but not from activity alone."""

ROWWISE: Final = tuple(name for name, entry in BUILT_IN.items() if entry.by_rows is not None)
"""The names of those that can be made some rows at a time."""


def methods() -> xr.Dataset:
    """List the estimators of connectivity that there are, those of other packages included.

    Returns
    -------
    Dataset
        Over `estimator`, the names that ``netxr.estimate(..., method=name)`` takes: `long_name`, `reference`,
        `assumes` (what has to hold for the estimate to be the connectivity), `directed` (whether it distinguishes
        source from target), `signed` (whether it distinguishes excitation from inhibition), `package`, and `error`:
        why an estimator of another package cannot be loaded, or is not, since its name is taken; empty where it can.

    Examples
    --------
    >>> import netxr
    >>> netxr.methods().sel(estimator="lagged_correlation").directed.item()
    True
    """
    rows = {name: _row(name) for name in method_names()}
    rows |= {f"{point.name} of {_package_of(point)}": _row(point.name, ignored=point) for point in _ignored()}
    columns = {key: (n.ESTIMATOR, [row[key] for row in rows.values()]) for key in rows[DEFAULT]}
    return xr.Dataset(columns, {n.ESTIMATOR: list(rows)})


def method_names() -> list[str]:
    """Return the names of all estimators, without loading those of other packages."""
    return [*BUILT_IN, *(name for name in _entry_points(tuple(sys.path)) if name not in BUILT_IN)]


def estimator(name: str, *, argument: str = "method") -> Estimator:
    """Return the estimator of that name.

    Raises InvalidInput if it is not one name, or there is none, with the list of those there are; or its package
    cannot be loaded.
    """
    if not isinstance(name, str):
        expected = f"the name of one estimator: {' or '.join(method_names())}"
        raise InvalidInput(argument, got=repr(name), expected=expected)
    if name in BUILT_IN:
        return BUILT_IN[name]
    offered = _entry_points(tuple(sys.path))
    if name not in offered:
        fix = f"Call netxr.{name}(...), which takes more than an estimator does." if name in FUNCTIONS else ""
        raise InvalidInput(argument, got=repr(name), expected=f"one of {', '.join(method_names())}", fix=fix)
    return _loaded(offered[name])


def package_of(name: str) -> str:
    """Return the name of the package that an estimator comes from."""
    return "netxr" if name in BUILT_IN else _package_of(_entry_points(tuple(sys.path))[name])


def estimates_in(dataset: xr.Dataset) -> list[str]:
    """Return the names of the estimates in a dataset, in the order of the table, those of no estimator in it last."""
    order = method_names()
    found = [str(name) for name, one in dataset.data_vars.items() if is_estimate(str(name), one.attrs)]
    return sorted(found, key=lambda name: order.index(name) if name in order else len(order))


def drawn_estimate(dataset: xr.Dataset) -> str | None:
    """Return the name of the first estimate that is a matrix, which figures show; None where there is none."""
    return next((name for name in estimates_in(dataset) if n.TARGET in dataset[name].dims), None)


def name_in_words(estimate: xr.DataArray) -> str:
    """Return what an estimate is called in text: as its estimator calls it, else its own name."""
    return str(estimate.attrs.get(n.LONG_NAME, estimate.name))


def is_estimate(name: str, attrs: Mapping[Any, Any]) -> bool:
    """Return whether a variable is an estimate: by its attribute `estimator`, or by its name in the table."""
    return n.ESTIMATOR in attrs or name in method_names()


def estimator_of(estimate: xr.DataArray) -> Estimator | None:
    """Return the estimator that made an estimate; None where the table has it no more, or it cannot be loaded."""
    for name in (estimate.attrs.get(n.ESTIMATOR), estimate.name):
        if name in method_names():
            with suppress(InvalidInput):
                return estimator(str(name))
    return None


def estimators_of(estimate: xr.DataArray) -> list[Estimator]:
    """Return the estimators that made an estimate, several along `estimator`; none if one of them is not to be had."""
    if n.ESTIMATOR not in estimate.dims:
        found = estimator_of(estimate)
        return [] if found is None else [found]
    with suppress(InvalidInput):
        return [estimator(str(name)) for name in estimate[n.ESTIMATOR].values.tolist()]
    return []


# --- estimators of other packages ------------------------------------------------------


@cache
def _every_entry_point(_path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of other packages, in the order of the path, whose packages are all read for it."""
    return tuple(dict.fromkeys(entry_points(group=GROUP)))


@cache
def _entry_points(path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Return the entry points of other packages by name, of equal names the first on the path."""
    return {point.name: point for point in reversed(_every_entry_point(path))}


def _ignored() -> list[EntryPoint]:
    """Return the entry points whose names are those of other estimators, which are taken instead."""
    path = tuple(sys.path)
    chosen = {name: point for name, point in _entry_points(path).items() if name not in BUILT_IN}
    return [point for point in _every_entry_point(path) if point.name not in chosen or chosen[point.name] != point]


@cache
def _loaded(point: EntryPoint) -> Estimator:
    """Return the estimator of another package, or raise InvalidInput if it cannot be loaded, or is none."""
    try:
        found = point.load()
        made = found if isinstance(found, Estimator) else found()
        if not isinstance(made, Estimator) or made.name != point.name:
            raise TypeError(f"not a netxr.Estimator of the name {point.name!r}: {made!r:.80}")
    except Exception as error:  # whatever another package raises
        package = _package_of(point)
        raise InvalidInput(
            "method",
            got=f"{point.name!r}, of the package {package}, whose entry point {point.value!r} cannot be loaded "
            f"({type(error).__name__}: {error})",
            expected="an estimator that can be loaded",
            fix=f"Update {package}, or uninstall it.",
        ) from error
    return replace(made, package=_package_of(point))


def _package_of(point: EntryPoint) -> str:
    """Return the name of the package that an entry point comes from."""
    return point.dist.name if point.dist is not None else "unknown"


def _row(name: str, *, ignored: EntryPoint | None = None) -> dict[str, Any]:
    """Return what `methods` says of an estimator, or of an entry point that is ignored for its name."""
    about = {n.PACKAGE: package_of(name), n.ERROR: ""}
    entry = Estimator(DEFAULT, function=lambda moments, _lag: moments, long_name="", directed=False, signed=False)
    if ignored is not None:
        about = {n.PACKAGE: _package_of(ignored), n.ERROR: f"ignored: {name} is the one of {package_of(name)}"}
    else:
        try:
            entry = estimator(name)
        except InvalidInput as error:
            about[n.ERROR] = str(error)
    columns = (n.LONG_NAME, n.REFERENCE, n.ASSUMES, n.DIRECTED, n.SIGNED)
    return {column: getattr(entry, column) for column in columns} | about
