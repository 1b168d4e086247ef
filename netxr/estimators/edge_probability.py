"""How likely each pair of neurons is to have an edge, by the t values of all pairs."""

from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.fit import MATRIX, call_of
from netxr.estimators.regression import regression_t_at
from netxr.kernels.edge_mixture import FEWEST, edge_mixture, memberships
from netxr.kernels.lagged_sums import Floats
from netxr.schema.arguments import is_number
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable

REFERENCE: Final = "Efron 2008, doi:10.1214/07-STS236"
LONG_NAMES: Final = {
    n.PROBABILITY: "probability of an edge",
    n.SIGNED: "probability of an edge, with the sign of t",
}


def edge_probability(t: xr.DataArray, *, null_share: float = 0.9) -> xr.Dataset:
    """Tell how likely each pair is to have an edge, from the t values of all pairs together.

    Two groups, by empirical Bayes: without an edge t is N(0, 1); with one it comes from a normal distribution with a
    positive or a negative mean and a variance of at least 1. Shares, means and variances are those that fit all t best.

    Parameters
    ----------
    t : DataArray
        ([...,] target, source), such as `t` of a regression; each matrix has two groups of its own.
    null_share : float
        Share of pairs without an edge that the search for the groups begins with.

    Returns
    -------
    Dataset
        `probability` of an edge, from 0 to 1, and `signed`, the same with the sign of t. Dims and labels of
        `t`; lazy if it is; NaN where t is.

    Raises
    ------
    InvalidInput
        If a matrix has fewer than 500 pairs: then the groups cannot be told apart.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.sample("rate_network")
    >>> found = edge_probability(netxr.regression(run).t)
    >>> is_edge = run.connectivity > 0
    >>> found.probability.where(is_edge).mean().item() > 5 * found.probability.where(~is_edge).mean().item()
    True
    """
    if not is_number(null_share) or not 0 < null_share < 1:
        raise InvalidInput("null_share", got=repr(null_share), expected="a number between 0 and 1")
    extra = [str(dim) for dim in getattr(t, "dims", ()) if dim not in MATRIX]
    checked = check_variable(t, CONNECTIVITY_SPEC, argument="t", extra_dims=extra)
    pairs = checked.sizes[n.TARGET] * checked.sizes[n.SOURCE]
    if pairs < FEWEST:
        fix = "Compare the t values themselves, by the method regression_t."
        raise InvalidInput("t", got=f"{pairs} pairs of neurons", expected=f"{FEWEST} or more", fix=fix)
    both = xr.apply_ufunc(
        _probabilities,
        checked,
        input_core_dims=[MATRIX],
        output_core_dims=[MATRIX, MATRIX],
        kwargs={"null_share": float(null_share)},
        vectorize=True,
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64] * 2,
    )
    found = xr.Dataset(dict(zip(LONG_NAMES, both, strict=True)))
    made_by = call_of(n.EDGE_PROBABILITY, null_share=null_share)
    for name, text in LONG_NAMES.items():
        about = {n.LONG_NAME: text, n.REFERENCE: REFERENCE, n.MADE_BY: made_by}
        found[name] = found[name].transpose(*checked.dims).assign_attrs(checked.attrs | about)
    return found


def edge_probability_at(moments: xr.Dataset, lag: int) -> xr.DataArray:
    """Return the signed probability of an edge by a regression on the samples at one lag, ([trial, ]target, source)."""
    found: xr.DataArray = edge_probability(regression_t_at(moments, lag))[n.SIGNED]
    del found.attrs[n.MADE_BY]
    return found


def _probabilities(t: Floats, *, null_share: float) -> tuple[Any, Any]:
    """Return the probability of an edge, and the same with the sign of t."""
    defined = np.isfinite(t)
    found = np.full((2, *t.shape), np.nan)
    if defined.any():
        none, _, _ = memberships(t[defined], edge_mixture(t[defined], null_share=null_share))
        # A part that is wide reaches over zero: which part t comes from does not tell its sign.
        found[0, defined], found[1, defined] = 1 - none, np.copysign(1 - none, t[defined])
    return found[0], found[1]
