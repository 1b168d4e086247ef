"""Granger causality: how much better the past of a source predicts a target than the target's own past does."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.estimators.fit import (
    MATRIX,
    Fitted,
    call_of,
    check_design,
    check_room,
    fit,
    moments_for,
    warn_of_rounding,
    without_inputs,
)
from netxr.estimators.given import Given, given_in
from netxr.kernels.least_squares import Fit, granger_f, least_squares, pairwise_granger_f
from netxr.kernels.normal_equations import NormalEquations
from netxr.kernels.p_values import p_value_of_f
from netxr.schema.arguments import check_flag
from netxr.schema.clock import in_samples

ABOUT: Final = {
    n.GRANGER: "Granger causality",
    n.F: "F of the source",
    n.P_VALUE: "p-value of the source",
    n.DF: "degrees of freedom",
}
REFERENCE: Final = "Geweke 1984, doi:10.1080/01621459.1984.10477110"
REFERENCE_OF_PAIRS: Final = "Geweke 1982, doi:10.1080/01621459.1982.10477803"
"""With the past of all others held fixed, and with the target's own alone."""


def granger(
    data: xr.DataArray | xr.Dataset,
    *,
    lags: int | str | Sequence[int | str] = 1,
    conditional: bool = True,
    given: Given = None,
) -> xr.Dataset:
    """Test whether the past of each neuron helps to predict each other neuron.

    Moments of float32 activity are made by float32 products. A warning says how far off results may be where sources
    nearly depend on one another: then make the moments with precision="float64".

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]); a Dataset that holds it; or lagged moments of all neurons, made with
        missing="raise", which need no further read.
    lags : int, str, or sequence of these
        Lags of the past in samples, or in time such as "20ms": all from 1 to a number, or those that are listed.
    conditional : bool
        Whether the past of all other neurons is held fixed (Geweke 1984, doi:10.1080/01621459.1984.10477110), or only
        the target's own (Geweke 1982, doi:10.1080/01621459.1982.10477803).
    given : DataArray, label or sequence of labels, optional
        Inputs that are held fixed as well, such as a stimulus or the global signal: samples (input, time[, trial])
        beside activity, or labels of inputs that moments hold; at the time of the target and at each lag. All their
        samples are finite: no frame can be left out.

    Returns
    -------
    Dataset
        `granger` ([trial, ]target, source), the log of the variance that is left without the source to the one that is
        left with it, of which half is the transfer entropy of Gaussian activity in nats (Barnett, Barrett & Seth 2009,
        doi:10.1103/PhysRevLett.103.238701); `f` and `p_value` of leaving the source out, and `df` ([trial]) of the F
        beside the number of lags. Float64, lazy if `data` is. A neuron that does not vary has NaN in its row and
        column, and so has one of which the inputs leave nothing; so has the diagonal of the pairwise test.

    Raises
    ------
    InvalidInput
        If there are no more samples than parameters, or neurons depend on one another; or if moments do not hold what
        is needed.

    Notes
    -----
    All sources follow from one factorisation: F = b' (K_jj)^-1 b / (p s^2), with b the coefficients of source j at its
    p lags, K the inverse of the moments of the design, and s^2 the variance that is left.

    Examples
    --------
    >>> import netxr, numpy as np
    >>> x = np.random.default_rng(1).normal(size=(2, 500))
    >>> x[1, 1:] += x[0, :-1]  # neuron 0 drives neuron 1
    >>> found = granger(netxr.as_activity(x, dims=("neuron", "time")))
    >>> (found.p_value < 0.01).values.tolist()
    [[False, False], [True, False]]
    """
    lags = in_samples(lags, data, argument="lags")
    design = check_design(lags)
    check_flag("conditional", conditional)
    check_room(data, design)
    moments = moments_for(data, design, given=given)
    results = Fitted(
        partial(_tests, n_lags=len(design), conditional=conditional, precision=moments.attrs.get(n.PRECISION)),
        design,
        {n.GRANGER: MATRIX, n.F: MATRIX, n.P_VALUE: MATRIX, n.DF: ()},
    )
    found = fit(moments, results).drop_vars(n.LAG, errors="ignore")
    made_by = call_of(n.GRANGER, lags=lags, conditional=conditional, **given_in(moments))
    for name, text in ABOUT.items():
        about = {n.LONG_NAME: text, n.REFERENCE: REFERENCE if conditional else REFERENCE_OF_PAIRS, n.MADE_BY: made_by}
        found[name].attrs |= moments.attrs | about
    return found


def granger_at(moments: xr.Dataset, lag: int) -> xr.DataArray:
    """Return the conditional Granger causality of the samples up to a lag, ([trial, ]target, source)."""
    found: xr.DataArray = granger(moments, lags=lag)[n.GRANGER]
    del found.attrs[n.MADE_BY]
    return found


def _tests(equations: NormalEquations, *, n_lags: int, conditional: bool, precision: str | None) -> Sequence[Any]:
    """Return the log variance ratio, F, its p-value, and its degrees of freedom."""
    equations = without_inputs(equations, precision)
    if conditional:
        fitted: Fit = least_squares(equations)
        f, df, condition_number = granger_f(fitted, n_lags=n_lags), fitted.df, fitted.condition_number
    else:
        f, df, condition_number = pairwise_granger_f(equations, n_lags=n_lags)
    warn_of_rounding(condition_number, precision)
    ratio = f * (n_lags / df)
    return np.log1p(ratio, out=ratio), f, p_value_of_f(f, n_lags, df), df
