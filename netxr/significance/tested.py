"""An estimate with its p-values, by the test that goes with its estimator."""

from collections.abc import Mapping
from typing import Any, Final

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.apply import compared, lags_within
from netxr.estimators.estimate import estimate
from netxr.estimators.estimator import Estimator
from netxr.estimators.fit import call_of
from netxr.estimators.granger import granger
from netxr.estimators.regression import regression
from netxr.estimators.table import estimator
from netxr.moments.autocorrelation import autocorrelation
from netxr.moments.lagged import lagged_moments
from netxr.schema.arguments import check_choice
from netxr.significance.correlation_test import REFERENCES, correlation_test, lags_for, lags_of_test

TESTED: Final = (n.LAGGED_CORRELATION, n.REGRESSION, n.GRANGER)
"""The estimators of netxr that have p-values; those of other packages may have some."""

PLAIN: Final = {"dim": n.TIME, "sources": None, "missing": "raise"}
"""Options of a pass over all samples of all neurons, trial by trial."""


def tested(activity: xr.DataArray, *, method: str, lag: int, null: str, **options: Any) -> xr.Dataset:
    """Return an estimate under the name of its estimator, with `p_value` and what else its test says.

    The null is that of lagged correlations, as in `correlation_test`; `options` are of the pass: dim, sources, missing,
    memory. Raises InvalidInput if the estimator has no p-values, or as its function and `lagged_moments` do.
    """
    lags = lags_tested(activity, method=method, lag=lag, null=null)
    whole = is_plain(options)
    if method == n.LAGGED_CORRELATION and whole and options["memory"] is None:
        return correlation_test(activity, lag=lag, null=null)  # type: ignore[arg-type]  # checked
    moments = lagged_moments(activity, lags=lags, **options)
    if method != n.LAGGED_CORRELATION:
        return _by_its_function(moments, method, lag)
    of_neurons = {name: value for name, value in options.items() if name != "sources"}
    flat = autocorrelation(activity, lags=lags_for(activity), **of_neurons) if null == "autocorrelation" else None
    found = correlation_test(moments, lag=lag, null=null, autocorrelation=flat)  # type: ignore[arg-type]
    if not whole:
        return found
    made_by = {n.MADE_BY: call_of("correlation_test", lag=lag, null=null)}  # which makes the same of the activity
    return found.assign({name: one.assign_attrs(made_by) for name, one in found.items() if n.MADE_BY in one.attrs})


def is_plain(options: Mapping[str, Any]) -> bool:
    """Return whether a pass is over all samples of all neurons, trial by trial."""
    return all(options[name] == value for name, value in PLAIN.items())


def lags_tested(activity: xr.DataArray, *, method: str, lag: int, null: str) -> list[int]:
    """Return the lags of the moments that a test needs."""
    check_choice("null", null, tuple(REFERENCES))
    if method == n.LAGGED_CORRELATION:
        return lags_of_test(activity, lag, null)
    return lags_within([check_tested(method)], [lag], n_steps=activity.sizes[n.TIME])


def check_tested(method: str) -> Estimator:
    """Return the estimator of that name, or raise InvalidInput if it is one of netxr's without p-values."""
    entry = estimator(method)
    if not may_have_p_values(method):
        raise _without(method)
    return entry


def may_have_p_values(method: str) -> bool:
    """Return whether an estimator has p-values, or is of another package and may have some."""
    return method in TESTED or not estimator(method).function.__module__.startswith("netxr.")


def _by_its_function(moments: xr.Dataset, method: str, lag: int) -> xr.Dataset:
    """Return what the function of an estimator makes, in which the estimate has the name of the estimator."""
    entry = estimator(method)
    about = {n.ESTIMATOR: method, n.LONG_NAME: entry.long_name, n.REFERENCE: entry.reference}
    if method == n.REGRESSION:
        found = regression(moments, lags=1) if lag == 1 else regression(moments, lags=[lag]).isel({n.LAG: 0})
        matrix = found[n.STANDARDISED]
    elif method == n.GRANGER:
        found = granger(moments, lags=lag)
        matrix = found[n.GRANGER]
    else:
        made = estimate(moments, method=method, lag=lag)
        if not isinstance(made, xr.Dataset) or n.P_VALUE not in made:
            raise _without(method)
        found, matrix = made, compared(made, method)
    attrs = {name: value for name, value in matrix.attrs.items() if name != n.MADE_BY}
    return found.assign({method: matrix.drop_attrs().assign_attrs(attrs | about)}).assign_coords({n.LAG: lag})


def _without(method: str) -> InvalidInput:
    """Return the error about an estimator without p-values."""
    return InvalidInput("method", got=f"{method!r}, which has no p-values", expected=f"one of {', '.join(TESTED)}")
