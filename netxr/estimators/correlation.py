"""The lagged correlation, which the tutorial estimates connectivity by."""

from collections.abc import Hashable, Sequence
from os import PathLike

import xarray as xr

from netxr import names as n
from netxr.estimators.estimate import estimate
from netxr.estimators.table import compared
from netxr.moments.planning import Precision


def lagged_correlation(
    data: xr.DataArray | xr.Dataset,
    *,
    lag: int = 1,
    lags: Sequence[int] | None = None,
    dim: str | Sequence[str] = n.TIME,
    sources: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    gaps: n.Gaps = "raise",
    memory: int | str | None = None,
    store: str | PathLike[str] | None = None,
) -> xr.DataArray:
    """Correlate each neuron with each other neuron's activity `lag` samples before.

    R[i, j] is Pearson's correlation of x_i(t + lag) with x_j(t): row = target, column = source, as in the
    connectivity. Each side has its own mean and standard deviation over its own samples, as in the tutorial on
    correlations of Neuromatch Academy (W3D5, Network Causality).

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), NumPy or dask; a Dataset that holds it; or lagged moments, which need no
        further read. A Dataset with both is taken for its moments.
    lag : int
        Samples by which the target is read after the source. At a negative lag the source is read after the target:
        R at lag -k is R at lag k with its sides swapped.
    lags : sequence of int, optional
        Several lags in the place of `lag`; they give a leading `lag` dim.
    dim : str or sequence of str
        What to correlate over: "time" keeps trials apart, ("time", "trial") pools their pairs of samples.
    sources : label or sequence of labels, optional
        Neurons to take as sources; all if not given. A single label drops the `source` dim.
    precision : {"float32", "float64"}, optional
        Of the products within a block of samples: by default that of the samples. For activity only.
    missing : {"raise", "drop", "pairwise"}
        What to do with NaN and infinity: an error, or drop the frames that hold one, or leave out these samples
        alone, pair of neurons by pair. For activity only.
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or take the stretches between gaps as trials that are pooled.
        For activity only.
    memory : int or str, optional
        What the pass may take, in bytes or as text such as "2GiB"; by default half of what is free. For activity only.
    store : path-like, optional
        Zarr folder to make. Correlations are made and written some rows at a time, in the precision of the products,
        so that there may be more of them than memory holds; it runs at once, and the result is opened lazily.
        For activity only.

    Returns
    -------
    DataArray
        Correlations ([lag, ][trial, ]target[, source]): float64, and lazy if `data` is; with `store`, in the precision
        of the products, and lazily opened. A neuron that does not vary has NaN in its row and column.

    Raises
    ------
    InvalidInput
        If `data` is neither, does not hold the lag, or is too short for it.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise".

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> netxr.lagged_correlation(run.activity, lag=1).sizes
    Frozen({'trial': 1, 'target': 5, 'source': 5})
    """
    options = {"dim": dim, "sources": sources, "precision": precision, "missing": missing, "gaps": gaps}
    at = {"lag": lag, "lags": lags, "memory": memory, "store": store}
    found = estimate(data, method=n.LAGGED_CORRELATION, **at, **options)  # type: ignore[arg-type]
    return compared(found, n.LAGGED_CORRELATION)
