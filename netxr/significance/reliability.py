"""How reliable an estimate is: how alike those from two halves of the samples are."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.estimators.apply import compared, lags_within
from netxr.estimators.estimate import estimate
from netxr.estimators.fit import call_of
from netxr.estimators.table import estimator
from netxr.moments.lagged import lagged_moments
from netxr.moments.prepare import lags_of
from netxr.schema.clock import activity_of
from netxr.significance.false_discovery import same_neuron
from netxr.significance.jackknife import parts_of, pooled

BLOCKS: Final = 20
"""Of activity, of which odd and even ones are compared."""

LIMIT: Final = "its root is the most that this estimate can correlate with any truth"

ABOUT: Final = {
    n.RELIABILITY: f"reliability of the estimate; {LIMIT}",
    n.HALVES: "correlation of the estimates from both halves of the samples",
    n.RELIABILITY_OF_NEURON: "reliability of the estimates of a neuron",
}
REFERENCE: Final = (
    "Spearman 1910, doi:10.1111/j.2044-8295.1910.tb00206.x; Brown 1910, doi:10.1111/j.2044-8295.1910.tb00207.x"
)


def reliability(
    data: xr.DataArray | xr.Dataset, *, method: str = n.LAGGED_CORRELATION, lag: int | str = 1
) -> xr.Dataset:
    """Say how much of an estimate would come out again from other samples of the same network.

    The estimate is made of the odd and of the even blocks (or trials). Their correlation over all pairs of different
    neurons, corrected for half the length by Spearman and Brown, is the reliability: the first number to look at
    before a matrix is believed. Its root is the most that this estimate can correlate with any truth. A high one does
    not say that the estimate is the connectivity: bias comes out again as well.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it: read once, in 20 blocks. Or lagged moments in
        blocks, or else of several trials, of which the last is left out if their number is odd. A Dataset with activity
        and moments without blocks is taken for its activity.
    method : str
        Name of an estimator, as `netxr.methods` lists them.
    lag : int or str
        Samples, or time such as "20ms", by which the target is read after the source.

    Returns
    -------
    Dataset
        `reliability` ([trial]), up to 1; `halves`, the correlation before it is corrected; and
        `reliability_of_neuron` ([trial, ]neuron), of the pairs in which a neuron is target or source. Lazy if `data`
        is. NaN where an estimate is the same for all pairs.

    Raises
    ------
    InvalidInput
        If there are fewer than two blocks or trials, or the estimator cannot be had of the data.

    References
    ----------
    Spearman 1910, doi:10.1111/j.2044-8295.1910.tb00206.x; Brown 1910, doi:10.1111/j.2044-8295.1910.tb00207.x.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.random_connectivity(20, seed=1)
    >>> short, long = (reliability(netxr.simulate(A, n_steps=k, seed=1)).reliability.item() for k in (1000, 20_000))
    >>> short < long
    True
    """
    (wanted,), _ = lags_of(lag, None, data)
    if not isinstance(data, xr.Dataset) or (n.ACTIVITY in data and n.BLOCK not in data.dims) or n.COMOMENT not in data:
        activity = activity_of(data)
        lags = lags_within([estimator(method)], [wanted], n_steps=activity.sizes[n.TIME])
        data = lagged_moments(activity, lags=lags, blocks=BLOCKS)
    return reliability_of(halves_of(data, method=method, lag=wanted), method=method, lag=wanted)


def reliability_of(estimates: tuple[xr.DataArray, xr.DataArray], *, method: str, lag: int) -> xr.Dataset:
    """Return what `reliability` says of the estimates of both halves, as `halves_of` makes them."""
    first, second = estimates
    halves = alike(first, second, [n.TARGET, n.SOURCE])
    of_neuron = alike(_of_neuron(first), _of_neuron(second), ["partner"])
    found = {n.RELIABILITY: _corrected(halves), n.HALVES: halves, n.RELIABILITY_OF_NEURON: _corrected(of_neuron)}
    made_by = call_of("reliability", method=method, lag=lag)
    about: dict[str, Any] = {n.REFERENCE: REFERENCE, n.MADE_BY: made_by}
    return xr.Dataset({name: one.assign_attrs(about | {n.LONG_NAME: ABOUT[name]}) for name, one in found.items()})


def halves_of(moments: xr.Dataset, *, method: str, lag: int) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the estimates of the odd and of the even blocks or trials, without self-connections."""
    parts = parts_of(moments, least=2)
    even = len(parts) // 2 * 2
    first, second = (off_diagonal(pooled(parts[start:even:2]), method, lag) for start in (0, 1))
    return first, second


def off_diagonal(moments: xr.Dataset, method: str | Sequence[str], lag: int) -> xr.DataArray:
    """Return an estimate, or several over a dim, without the pairs of a neuron with itself."""
    found = compared(estimate(moments, method=method, lag=lag), str(method))
    return found.where(~same_neuron(found)).drop_vars(n.LAG, errors="ignore")


def _of_neuron(matrix: xr.DataArray) -> xr.DataArray:
    """Return the entries of each neuron as a target, and then as a source, (..., neuron, partner)."""
    as_target = matrix.rename({n.TARGET: n.NEURON, n.SOURCE: "partner"})
    as_source = matrix.rename({n.SOURCE: n.NEURON, n.TARGET: "partner"})
    return xr.concat([as_target, as_source.transpose(*as_target.dims)], "partner")


def alike(a: xr.DataArray, b: xr.DataArray, dims: list[str]) -> xr.DataArray:
    """Return the correlation of two estimates over the pairs that both define; NaN where one does not vary."""
    found: xr.DataArray = xr.apply_ufunc(
        _pearson,
        a,
        b,
        input_core_dims=[dims, dims],
        kwargs={"axes": tuple(range(-len(dims), 0))},
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64],
    )
    return found


def _pearson(a: NDArray[Any], b: NDArray[Any], *, axes: tuple[int, ...]) -> NDArray[Any]:
    """Return the correlation of the entries along some axes that are defined in both."""
    defined = np.isfinite(a) & np.isfinite(b)
    count = np.maximum(defined.sum(axes, keepdims=True), 1)
    a, b = (np.where(defined, one, 0) for one in (a, b))
    x, y = (np.where(defined, one - one.sum(axes, keepdims=True) / count, 0) for one in (a, b))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (x * y).sum(axes) / np.sqrt(np.square(x).sum(axes) * np.square(y).sum(axes))
    return np.asarray(np.clip(found, -1, 1))


def _corrected(halves: xr.DataArray) -> xr.DataArray:
    """Return the correlation of two estimates of twice as many samples, by Spearman and Brown."""
    return 2 * halves / (1 + halves.where(halves > -1))
