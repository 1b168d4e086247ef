"""Correlation of each pair of neurons with all others held fixed."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Literal

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.fit import (
    MATRIX,
    Fitted,
    at_once,
    call_of,
    check_length,
    fit,
    moments_for,
    warn_of_rounding,
    without_inputs,
)
from netxr.estimators.given import Given, given_in
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.least_squares import inverse_correlation, least_squares, oas_shrinkage, partial_correlations
from netxr.kernels.normal_equations import NormalEquations
from netxr.schema.arguments import is_number, is_whole
from netxr.schema.clock import in_samples

Shrinkage = Literal["oas"] | float | None

ABOUT: Final = {
    n.ESTIMATOR: n.PARTIAL_CORRELATION,
    n.LONG_NAME: "partial correlation",
    n.REFERENCE: "Marrelec et al. 2006, doi:10.1016/j.neuroimage.2005.12.057",
}
"""Attributes of a partial correlation."""


def partial_correlation(
    data: xr.DataArray | xr.Dataset, *, lag: int | str = 0, shrinkage: Shrinkage = None, given: Given = None
) -> xr.DataArray:
    """Correlate each neuron with each other neuron, all the rest held fixed.

    At lag 0 it follows from the inverse of the covariance matrix. At lag k it is the correlation of x_i(t + k) with
    x_j(t) with all other x(t) held fixed, neuron i itself among them.

    Moments of float32 activity are made by float32 products. A warning says how far off results may be where sources
    nearly depend on one another: then make the moments with precision="float64".

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]); a Dataset that holds it; or lagged moments of all neurons at lag 0, and at
        `lag`, made with missing="raise", which need no further read.
    lag : int or str
        Samples, or time such as "20ms", by which the target is read after the source, 0 or above.
    shrinkage : None, "oas" or float
        How far the covariance of the sources is moved towards a multiple of the identity, from 0 to 1, which makes do
        with fewer samples; "oas" finds that from the samples (Chen et al. 2010, doi:10.1109/TSP.2010.2053029).
    given : DataArray, label or sequence of labels, optional
        Inputs that are held fixed as well, such as a stimulus, motion or the global signal: samples (input,
        time[, trial]) beside activity, or labels of inputs that moments hold; at the time of the target and of the
        sources. They are taken out before anything is shrunk (Frisch & Waugh 1933, doi:10.2307/1907330). All their
        samples are finite; at lag 0 alone, moments may have been made with missing="drop".

    Returns
    -------
    DataArray
        ([trial, ]target, source), float64, lazy if `data` is. A neuron that does not vary has NaN in its row and
        column, and so has one of which the inputs leave nothing. At lag 0 symmetric, with ones on the diagonal.

    Raises
    ------
    InvalidInput
        If there are fewer samples than neurons, or neurons depend on one another, and nothing is shrunk; if inputs do,
        over the lags that count; if moments do not hold what is needed.

    Examples
    --------
    Neuron 0 drives neuron 1, which drives neuron 2: with neuron 1 held fixed, neurons 0 and 2 hardly go together.

    >>> import netxr, numpy as np
    >>> a, b, c = np.random.default_rng(1).normal(size=(3, 5000))
    >>> x = netxr.as_activity(np.stack([a, a + b, a + b + c]), dims=("neuron", "time"))
    >>> partial_correlation(x).values.round(1)[0].tolist()
    [1.0, 0.5, 0.0]
    """
    wanted: int = in_samples(lag, data, argument="lag")
    if not is_whole(wanted) or wanted < 0:
        raise InvalidInput("lag", got=repr(wanted), expected="a whole number of samples, 0 or above")
    check_shrinkage(shrinkage)
    check_length(data, [wanted], argument="lag")
    moments = moments_for(data, [wanted] if wanted else [], given=given)
    found = _at(moments, int(wanted), shrinkage=shrinkage).assign_attrs(ABOUT)
    if not wanted and shrinkage is None and given is None:
        return found
    del found.attrs[n.ESTIMATOR]  # the table's is at lag 0, and shrinks nothing
    made_by = call_of(n.PARTIAL_CORRELATION, lag=wanted, shrinkage=shrinkage, **given_in(moments))
    return found.assign_attrs({n.MADE_BY: made_by})


def partial_correlation_at(moments: xr.Dataset, lag: int) -> xr.DataArray:
    """Return the partial correlation at a lag that moments amount to, ([trial, ]target, source)."""
    return _at(moments_for(moments, [lag] if lag else []), lag, shrinkage=None)


def _at(moments: xr.Dataset, lag: int, *, shrinkage: Shrinkage) -> xr.DataArray:
    """Return the partial correlation at a lag, with the inputs that moments hold held fixed."""
    options: dict[str, Any] = {"shrinkage": shrinkage, "precision": moments.attrs.get(n.PRECISION)}
    if lag:
        fitted = Fitted(partial(_lagged, **options), [lag], {n.PARTIAL_CORRELATION: MATRIX})
        return fit(moments, fitted)[n.PARTIAL_CORRELATION].assign_attrs(moments.attrs)
    return at_once(moments, partial(_at_once, **options)).rename(n.PARTIAL_CORRELATION)


def check_shrinkage(shrinkage: Any) -> None:
    """Raise unless a shrinkage is one."""
    if (
        shrinkage is None
        or (isinstance(shrinkage, str) and shrinkage == "oas")
        or (is_number(shrinkage) and 0 <= shrinkage <= 1)
    ):
        return
    raise InvalidInput("shrinkage", got=repr(shrinkage), expected='None, "oas" or a number from 0 to 1')


def _strength(shrinkage: Shrinkage, products: Floats, n_samples: int) -> float:
    """Return a shrinkage as a number, which may depend on the samples."""
    return oas_shrinkage(products / n_samples, n_samples) if shrinkage == "oas" else float(shrinkage or 0)


def _lagged(equations: NormalEquations, *, shrinkage: Shrinkage, precision: str | None) -> Sequence[Any]:
    """Return the partial correlation with the past."""
    equations = without_inputs(equations, precision)
    strength = _strength(shrinkage, equations.gram, equations.n_targets)
    fitted = least_squares(equations, shrinkage=strength)
    warn_of_rounding(fitted.condition_number, precision)
    return (fitted.partial_correlation,)


def _at_once(comoment: Floats, count: int, n_held: int, *, shrinkage: Shrinkage, precision: str | None) -> Floats:
    """Return the partial correlation of samples at the same time."""
    strength = _strength(shrinkage, comoment, count)
    if not strength and count <= len(comoment) + n_held:
        inputs = f" and {n_held} inputs" if n_held else ""
        raise InvalidInput(
            "data",
            got=f"{count} samples of {len(comoment)} neurons{inputs}",
            expected=f"more samples than neurons{inputs and ' and inputs'}",
            fix='Record longer, or use netxr.partial_correlation with shrinkage="oas".',
        )
    inverse, _, condition_number = inverse_correlation(comoment, shrinkage=strength)
    warn_of_rounding(condition_number, precision)
    return partial_correlations(inverse)
