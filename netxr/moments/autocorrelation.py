"""Correlation of each neuron with itself some samples before, in one pass and without pairs of neurons."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.moments import correlation
from netxr.kernels.own_products import own_block
from netxr.moments.one_pass import accumulate, accumulate_each, keeps_trials_apart
from netxr.moments.prepare import check_lags, check_left, prepare
from netxr.schema.arguments import check_entries, is_whole, said
from netxr.schema.clock import activity_of, in_samples
from netxr.schema.provenance import provenance
from netxr.schema.variables import check_moments, holds_moments, labels_of

HELD: Final = (n.COMOMENT, n.SUMSQ_TARGET, n.SUMSQ_SOURCE)
"""Moments that a correlation follows from."""


def autocorrelation(
    data: xr.DataArray | xr.Dataset,
    *,
    lags: Sequence[int | str],
    dim: str | Sequence[str] = n.TIME,
    missing: n.Missing = "raise",
    gaps: n.Gaps = "raise",
    memory: int | str | None = None,
) -> xr.DataArray:
    """Correlate each neuron with itself some samples before.

    It is the diagonal of `lagged_correlation`, without the other pairs: at each lag both sides have their own mean and
    standard deviation over their own samples.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), NumPy or dask; a Dataset that holds it; or lagged moments, which need no
        further read. A Dataset with both is taken for its moments.
    lags : sequence of int or str
        Lags in samples, or in time such as "20ms", 0 and above.
    dim : str or sequence of str
        What to correlate over: "time" keeps trials apart, ("time", "trial") pools their pairs of samples. Of activity
        only.
    missing : {"raise", "drop", "pairwise"}
        What to do with NaN and infinity: an error, or drop the frames that hold one, or leave out these samples alone.
        Of activity only.
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or take the stretches between gaps as trials that are pooled. Of
        activity only.
    memory : int or str, optional
        What the pass may take, in bytes or as text such as "2GiB"; by default half of what is free. Of activity only.

    Returns
    -------
    DataArray
        Correlations (lag[, trial], neuron), between -1 and 1: float64, and lazy if `data` is; NaN for a neuron that
        does not vary. Of moments in blocks, with a leading dim `block`.

    Raises
    ------
    InvalidInput
        If `data` is neither, does not hold a lag, or is too short for it.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise".

    Examples
    --------
    >>> import netxr
    >>> alternating = netxr.as_activity([[0, 1, 0, 1, 0, 1]], dims=("neuron", "time"))
    >>> autocorrelation(alternating, lags=[0, 1, 2]).values.tolist()
    [[1.0], [-1.0], [1.0]]
    """
    wanted = in_samples(lags, data, argument="lags")
    if holds_moments(data):
        own, attrs = _diagonal(check_moments(data, argument="data"), wanted), data.attrs
    else:
        activity = activity_of(data)
        checked = check_lags(wanted, n_steps=activity.sizes[n.TIME])
        todo = prepare(activity, lags=checked, dim=dim, sources=None, precision="float64", missing=missing, gaps=gaps)
        own = accumulate(activity, replace(todo, pairs=False), memory=memory)
        own, attrs = _of_neurons(own, activity), own.attrs
    return _estimate(own, attrs)


def with_autocorrelation(
    data: xr.DataArray | xr.Dataset,
    *,
    lags: Sequence[int],
    own_lags: Sequence[int],
    dim: str | Sequence[str] = n.TIME,
    missing: n.Missing = "raise",
) -> tuple[xr.Dataset, xr.DataArray]:
    """Return the moments of activity at some lags, and its autocorrelation at others, from one read.

    `own_lags`, of which there may be many, are of each neuron with itself alone. Raises InvalidInput as
    `lagged_moments` does.
    """
    activity = activity_of(data)
    checked = check_lags(lags, n_steps=activity.sizes[n.TIME])
    todo = prepare(activity, lags=checked, dim=dim, sources=None, precision=None, missing=missing)
    own = check_lags(own_lags, n_steps=activity.sizes[n.TIME], argument="own_lags")
    # In float64, as `autocorrelation`: lags that leave out a frame far from all others are resolved as well.
    precision = np.dtype(np.float64)
    block = own_block(activity.sizes[n.NEURON], max(own), precision)
    alone = replace(todo, lags=tuple(own), pairs=False, block=block, precision=precision)
    moments, single = accumulate_each(activity, [todo, alone], memory=None)
    return moments, _estimate(_of_neurons(single, activity), single.attrs)


def n_pairs(
    activity: xr.DataArray,
    *,
    lags: Sequence[int],
    dim: str | Sequence[str],
    missing: Literal["raise", "drop"],
    memory: int | str | None = None,
) -> xr.DataArray:
    """Return how many pairs of samples moments hold at each lag, (lag[, trial]): where none is missing, without a read.

    Raises InvalidInput as `lagged_moments` does.
    """
    checked = check_lags(lags, n_steps=activity.sizes[n.TIME])
    todo = prepare(activity, lags=checked, dim=dim, sources=None, precision=None, missing=missing)
    if missing == "drop":
        count = accumulate(activity, replace(todo, pairs=False), memory=memory)[n.COUNT].compute()
        check_left(count)
        return count
    lengths = np.diff([0, *todo.cuts, activity.sizes[n.TIME]])
    each = np.maximum(lengths - np.array(checked)[:, None], 0).sum(1)
    is_apart, n_trials = keeps_trials_apart(activity, todo), activity.sizes.get(n.TRIAL, 1)
    counts = xr.DataArray(each if is_apart else n_trials * each, {n.LAG: checked}, n.LAG)
    return counts.expand_dims({n.TRIAL: labels_of(activity, n.TRIAL)}, axis=1) if is_apart else counts


def _of_neurons(own: xr.Dataset, activity: xr.DataArray) -> xr.Dataset:
    """Return moments without pairs with the labels of the neurons."""
    along = {name: coord for name, coord in activity.coords.items() if coord.dims == (n.NEURON,)}
    return own.drop_vars(n.SOURCE).rename({n.TARGET: n.NEURON}).assign_coords(along)


def _estimate(own: xr.Dataset, attrs: Mapping[Any, Any]) -> xr.DataArray:
    """Return the autocorrelation that moments of each neuron with itself amount to."""
    estimate: xr.DataArray = xr.apply_ufunc(
        _correlation, *(own[name] for name in HELD), dask="parallelized", output_dtypes=[np.float64]
    )
    made = dict(attrs) | provenance() | {n.LONG_NAME: "autocorrelation", n.UNDEFINED_WHERE: "a neuron does not vary"}
    return estimate.transpose(n.BLOCK, n.LAG, ..., missing_dims="ignore").rename(n.AUTOCORRELATION).assign_attrs(made)


def _diagonal(moments: xr.Dataset, lags: object) -> xr.Dataset:
    """Return the moments of each neuron with itself, along `neuron`, at some of their lags."""
    if n.SHUFFLE_TRIALS in moments.attrs:
        got, expected = "moments whose sources are of another trial", "those of each neuron with itself"
        fix = "Give autocorrelation=netxr.autocorrelation(activity, lags=range(1, 200)), of the activity."
        raise InvalidInput("data", got=got, expected=expected, fix=fix)
    held = labels_of(moments, n.LAG).tolist()
    entries = check_entries("lags", lags, expected=f"lags of the moments, {held}", fix="Put a single lag into a list.")
    if not entries or not all(is_whole(lag) and lag in held for lag in entries) or len(set(entries)) < len(entries):
        fix = "Name all of these as lags of netxr.lagged_moments."
        raise InvalidInput("lags", got=said(entries), expected=f"different ones of the moments' {held}", fix=fix)
    neurons = labels_of(moments, n.TARGET)
    if not np.array_equal(labels_of(moments, n.SOURCE), neurons):
        fix = "Accumulate those of all neurons, without sources=."
        raise InvalidInput("data", got="moments of some sources", expected="those of all neurons", fix=fix)
    at = xr.DataArray(np.arange(len(neurons)), {n.NEURON: neurons}, n.NEURON)
    chosen = moments[list(HELD)].isel({n.LAG: [held.index(lag) for lag in entries]})
    axes = {n.TARGET, n.SOURCE}
    bare = chosen.drop_vars([name for name, coord in chosen.coords.items() if axes & {*coord.dims}])
    return bare.map(lambda one: one.isel(dict.fromkeys(axes & {*one.dims}, at)))


def _correlation(comoment: Floats, sumsq_target: Floats, sumsq_source: Floats) -> NDArray[np.float64]:
    """Return the correlation of each neuron with itself, (...)."""
    return correlation(comoment[..., None, None], sumsq_target[..., None], sumsq_source[..., None])[..., 0, 0]
