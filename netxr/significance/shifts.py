"""Tests of correlations by far lags: how much a pair correlates as if one neuron were shifted in time."""

from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.special import stdtr, stdtrit

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.correlation import lagged_correlation
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.significance import correlation_interval
from netxr.schema.variables import labels_of

FAR_LAGS: Final = 16
"""The fewest far lags that a spread is told from; of activity as many are taken."""

TOGETHER: Final = 0.2
"""How much correlations at neighbouring far lags may go together; of few neurons this is known less well."""

PAIRS: Final = (n.TARGET, n.SOURCE)


def by_shifts(moments: xr.Dataset, r: xr.DataArray, lag: int) -> dict[str, Any]:
    """Return p-values and intervals from the correlations of the same pairs at far lags."""
    far = far_lags(moments, lag)
    step = min(np.diff([abs(lag), *far]), default=0)
    if len(far) < FAR_LAGS:
        fix = f"Make them with netxr.lagged_moments(..., lags=[{abs(lag)}, *range(200, 3600, 200)]), or longer steps."
        got = f"moments at {len(far)} lags beyond {abs(lag)}"
        raise InvalidInput("data", got=got, expected=f"{FAR_LAGS} or more far lags", fix=fix)
    shifted = lagged_correlation(moments, lags=[far_lag if lag >= 0 else -far_lag for far_lag in far])
    shares = moments[n.COUNT].sel({n.LAG: far}, drop=True) / moments[n.COUNT].sel({n.LAG: abs(lag)}, drop=True)
    k = "far_lag"
    found = xr.apply_ufunc(
        partial(_shift_test, step=int(step)),
        r,
        shifted.drop_vars(n.LAG).rename({n.LAG: k}),
        shares.rename({n.LAG: k}),
        input_core_dims=[PAIRS, (k, *PAIRS), (k, *of_pairs(shares))],
        output_core_dims=[PAIRS] * 3,
        vectorize=True,
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64] * 3,
    )
    return {name: one.transpose(*r.dims) for name, one in zip((n.P_VALUE, n.LOWER, n.UPPER), found, strict=True)}


def far_lags(moments: xr.Dataset, lag: int) -> list[int]:
    """Return the lags of moments beyond the one that is tested."""
    return [held for held in sorted(labels_of(moments, n.LAG).tolist()) if held > abs(lag)]


def _shift_test(r: Floats, shifted: Floats, shares: Floats, *, step: int) -> tuple[Floats, ...]:
    """Return the p-values and both ends of the intervals of one trial, from its correlations at far lags, (k, i, j).

    These are of so many pairs of samples, (k) or (k, i, j), for one of the correlation that is tested.
    """
    z = fisher_z(shifted, shares)
    with np.errstate(divide="ignore"):
        deviation = np.sqrt(np.square(z).mean(0))
        t = np.arctanh(r) / deviation
    defined = z[:, np.isfinite(z).all(0)]
    check_apart((defined[:-1] * defined[1:]).sum(), np.square(defined).sum(), len(z) * z.shape[1], step=step)
    df = len(shifted)
    lower, upper = correlation_interval(r, deviation, quantile=float(stdtrit(df, 0.975)))
    return 2 * stdtr(df, -np.abs(t)), lower, upper


def fisher_z(shifted: Floats, shares: Any) -> Floats:
    """Return Fisher's z of correlations at far lags, (k, i, j), as if of as many samples: fewer spread more."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.arctanh(shifted) * np.sqrt(shares if np.ndim(shares) > 1 else shares[:, None, None]))


def check_apart(neighbours: float, squares: float, count: int, *, step: int) -> None:
    """Raise if correlations at one far lag and the next go together, by sums of products: then they are too close."""
    serial = neighbours / squares if squares else 0.0
    if serial > TOGETHER + 3 / np.sqrt(count):
        raise InvalidInput(
            "data",
            got=f"far lags {step} samples apart, at which correlations go together ({serial:.2f})",
            expected="far lags that are farther apart than activity remembers",
            fix=f"Make moments at lags {3 * step} or more apart, or use null='autocorrelation'.",
        )


def of_pairs(count: xr.DataArray) -> tuple[str, ...]:
    """Return the dims of counts in which pairs of neurons differ: none, but where missing samples are left out."""
    return PAIRS if n.TARGET in count.dims else ()
