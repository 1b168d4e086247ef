"""Estimates of connectivity by one estimator of the table or several, from one pass over the activity."""

from collections.abc import Hashable, Sequence
from os import PathLike
from typing import Any

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.apply import estimate_by
from netxr.estimators.table import estimator
from netxr.moments.prepare import Precision
from netxr.schema.arguments import check_entries


def estimate(
    data: xr.DataArray | xr.Dataset,
    *,
    method: str | Sequence[str],
    lag: int | str = 1,
    lags: Sequence[int | str] | None = None,
    dim: str | Sequence[str] = n.TIME,
    sources: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    gaps: n.Gaps = "raise",
    memory: int | str | None = None,
    store: str | PathLike[str] | None = None,
) -> xr.DataArray | xr.Dataset:
    """Estimate connectivity by any estimator of `netxr.methods`, or by several from one read of the activity.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), NumPy or dask; a Dataset that holds it; or lagged moments, which need no
        further read. A Dataset with both is taken for its moments, which have to be of the same neurons and samples.
    method : str or sequence of str
        Names of estimators, as `netxr.methods` lists them; "regression" is that of the standardised coefficients. A
        sequence gives a leading `estimator` dim.
    lag : int or str
        Samples, or time such as "20ms", by which the target is read after the source. At a negative lag the source is
        read after the target: the estimate at the positive lag with its sides swapped.
    lags : sequence of int or str, optional
        Several lags in the place of `lag`; they give a `lag` dim. What does not depend on the lag has none, and is
        repeated where it stands beside estimates that do; at a single lag, `lag` says that of each estimator.
    dim, sources, precision, missing, gaps, memory
        As in `lagged_moments`; for activity only, except `sources`. A single source drops the `source` dim.
    store : path-like, optional
        Zarr folder to make, some rows at a time; for activity, and one method that can be made so, such as
        "lagged_correlation".

    Returns
    -------
    DataArray or Dataset
        ([estimator, ][lag, ][trial, ]target, source), lazy if `data` is, with the name of the estimator and its
        reference in the attributes; one in memory also says there how alike it and its transpose are, as
        `netxr.symmetry` does: the highest of all but lag 0. A Dataset where a single estimator has further results,
        such as p-values.

    Raises
    ------
    InvalidInput
        If there is no such estimator, its package cannot be loaded, its function fails or returns no estimate, moments
        do not hold the lags that it needs, or as `lagged_moments` does.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise"; if it is "drop", and no frame is left, InvalidInput.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.sample("rate_network")
    >>> netxr.estimate(run, method="lagged_correlation", lag=1).sizes
    Frozen({'target': 25, 'source': 25})
    >>> netxr.estimate(run, method=["lagged_correlation", "correlation"], lags=[1, 2]).sizes
    Frozen({'estimator': 2, 'lag': 2, 'target': 25, 'source': 25})
    """
    entries = [estimator(name) for name in check_methods(method)]
    options: dict[str, Any] = {"dim": dim, "precision": precision, "missing": missing, "gaps": gaps}
    options |= {"sources": sources, "memory": memory, "store": store}
    return estimate_by(entries, data, lag=lag, lags=lags, is_one=isinstance(method, str), **options)


def check_methods(method: object, *, argument: str = "method") -> list[str]:
    """Return the names of the estimators that are asked for, one or different ones."""
    if isinstance(method, str):
        return [method]
    expected = "the name of an estimator, or a list of different ones"
    names = check_entries(argument, method, expected=expected)
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise InvalidInput(argument, got=repr(method), expected=expected, fix="netxr.methods() lists them.")
    return names
