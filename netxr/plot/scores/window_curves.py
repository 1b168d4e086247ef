"""An estimate over the windows of a recording, for chosen pairs of neurons."""

from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.loading import loaded
from netxr.plot.scores.pair_curves import pair_curves
from netxr.plot.ticks import windows_of
from netxr.schema.arguments import check_text
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable

BESIDE: Final = (n.LOWER, n.UPPER, n.STANDARD_ERROR, n.P_VALUE, n.EFFECTIVE_SAMPLES)
"""What stands beside an estimate."""

FIX: Final = "Estimate from moments in blocks, such as netxr.lagged_moments(activity, blocks=20)."

Bands = tuple[xr.DataArray, xr.DataArray]


def windows(R: Any, *, pairs: Iterable[tuple[Hashable, Hashable]] | None = None, title: str = "") -> hv.Overlay:
    """Draw an estimate of chosen pairs of neurons over the windows of a recording.

    Curves differ in colour, dashes and marks. Undefined values are gaps. Windows stand at their middle, in the time of
    the recording where that is known. For matrices over windows, see `facets`.

    Parameters
    ----------
    R : DataArray or Dataset
        Estimated connectivity in memory, (block, target, source) in any order of dims, as estimators return it for
        moments in blocks; a dim of one trial may be there. Of a Dataset, such as `netxr.correlation_test` and
        `netxr.regression` return, `lower` and `upper` or else `standard_error` are bands; the title says which.
    pairs : iterable of (label, label), optional
        Target and source of each curve, in this order. By default, the six pairs of different neurons with the largest
        magnitude in any window; the title says of how many.
    title : str
        Title over the curves.

    Returns
    -------
    holoviews.Overlay
        HLine (zero), an Area (band) for each pair, and a Curve and Scatter (marks) for each, named "source → target".

    Raises
    ------
    InvalidInput
        If `R` has no windows, is lazy, or has several trials or lags; if a neuron is not in it; if there are too many
        pairs.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=500, seed=1)
    >>> moments = netxr.lagged_moments(run, blocks=5)
    >>> [element.label for element in windows(netxr.lagged_correlation(moments), pairs=[(1, 0)])]
    ['', '0 → 1', '0 → 1']
    """
    check_text("title", title)
    estimate, bands, said = _with_bands(R)
    values = _checked(estimate)
    along = windows_of(values)
    order = np.argsort(along.places)
    return pair_curves(
        values[order],
        pairs,
        x=hv.Dimension(along.name, label=along.label),
        at=along.places[order],
        notes=[title, said],
        bands=None if bands is None else (_checked(bands[0])[order], _checked(bands[1])[order]),
    )


def _with_bands(R: Any) -> tuple[Any, Bands | None, str]:
    """Return the estimate, both ends of its bands if there are any, and what they are."""
    if not isinstance(R, xr.Dataset):
        return R, None, ""
    by_ends, by_error = {n.LOWER, n.UPPER} <= set(R.data_vars), n.STANDARD_ERROR in R
    order = [*([n.COEFFICIENT] if by_error and not by_ends else []), *map(str, R.data_vars)]
    name = next((name for name in order if name in R and name not in BESIDE), None)
    if name is None:
        raise InvalidInput("R", got=f"a Dataset with {list(R.data_vars)}", expected="one with an estimate", fix=FIX)
    if by_ends:
        return R[name], (R[n.LOWER], R[n.UPPER]), "bands: intervals of 95 %"
    if by_error:
        error = R[n.STANDARD_ERROR]
        return R[name], (R[name] - error, R[name] + error), "bands: one standard error"
    return R[name], None, ""


def _checked(R: Any) -> xr.DataArray:
    """Return R as (block, target, source) in memory."""
    core = (n.BLOCK, n.TARGET, n.SOURCE)
    if isinstance(R, xr.DataArray):
        if n.BLOCK not in R.dims:
            got = f"dims {tuple(map(str, R.dims))}"
            raise InvalidInput("R", got=got, expected=f"a dim {n.BLOCK!r}", fix=FIX)
        R = R.squeeze([dim for dim in R.dims if dim not in core and R.sizes[dim] == 1])
        R = R.expand_dims([dim for dim in (n.SOURCE,) if dim in R.coords and dim not in R.dims])
    spec = replace(CONNECTIVITY_SPEC, optional_dims=())
    checked: xr.DataArray = loaded(check_variable(R, spec, argument="R", extra_dims=(n.BLOCK,)), argument="R")
    return checked.transpose(*core)
