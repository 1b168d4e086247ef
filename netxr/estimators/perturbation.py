"""Effects of neurons on one another by perturbing them at random."""

from typing import Any, Final

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.fit import MATRIX, call_of
from netxr.moments.lagged import lagged_moments
from netxr.schema.arguments import is_whole, said
from netxr.schema.clock import activity_of, in_samples
from netxr.schema.variables import check_moments, holds_moments, labels_of

ABOUT: Final = {n.LONG_NAME: "effect of the perturbed source", n.REFERENCE: "Rubin 1974, doi:10.1037/h0037350"}
"""Attributes of the effect."""


def perturbation_effect(data: xr.DataArray | xr.Dataset, *, lag: int | str = 1, where: Any = None) -> xr.DataArray:
    """Estimate what each neuron does to each other, from the frames in which neurons were perturbed at random.

    As far as states are set at random, each neuron by itself, nothing but the source makes the difference between
    targets after one state and after another: no network is too large or coupled too strongly for that.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]); a Dataset that holds it; or lagged moments of marked frames at `lag`, made
        with where=, which need no further read.
    lag : int or str
        Samples, or time such as "20ms", by which the target is read after the perturbed source.
    where : DataArray of bool, (time[, trial]), optional
        Frames in which neurons were perturbed. For activity only, which needs it.

    Returns
    -------
    DataArray
        ([trial, ]target, source), in units of the target for one of the source: the slope of the target on the source
        alone. Where perturbed states are 0 and 1, that is the mean of the target after 1 less that after 0. Float64,
        lazy if `data` is. A source that does not vary in these frames has NaN in its column.

    Raises
    ------
    InvalidInput
        If no frames are marked, or moments do not hold the lag.

    References
    ----------
    Rubin 1974, doi:10.1037/h0037350

    Examples
    --------
    In every other frame both neurons are set to 0 or 1, and neuron 1 follows neuron 0:

    >>> import netxr, numpy as np
    >>> x = np.random.default_rng(1).normal(size=(2, 5000))
    >>> x[:, ::2] = np.random.default_rng(2).integers(0, 2, size=(2, 2500))
    >>> x[1, 1::2] += 0.5 * x[0, ::2]
    >>> activity = netxr.as_activity(x, dims=("neuron", "time"))
    >>> is_perturbed = xr.DataArray(np.arange(5000) % 2 == 0, dims="time")
    >>> round(perturbation_effect(activity, where=is_perturbed)[1, 0].item(), 1)
    0.5
    """
    wanted: int = in_samples(lag, data, argument="lag")
    if not is_whole(wanted) or wanted < 0:
        raise InvalidInput("lag", got=said(wanted), expected="a whole number of samples, 0 or above")
    held = _moments_of(data, int(wanted), where).sel({n.LAG: wanted})
    square = held[n.SUMSQ_SOURCE]
    found: xr.DataArray = (held[n.COMOMENT] / square.where(square > 0)).rename(n.PERTURBATION_EFFECT)
    made_by = call_of(n.PERTURBATION_EFFECT, lag=wanted)
    return found.transpose(..., *MATRIX).assign_attrs(held.attrs | ABOUT | {n.MADE_BY: made_by})


def _moments_of(data: Any, lag: int, where: Any) -> xr.Dataset:
    """Return the moments of marked frames at a lag."""
    if not holds_moments(data):
        if where is None:
            expected = "the frames in which neurons were perturbed, beside activity"
            raise InvalidInput("where", got="None", expected=expected)
        return lagged_moments(activity_of(data), lags=[lag], where=where)
    moments = check_moments(data, argument="data")
    fix = "Make them with netxr.lagged_moments(..., where=...)."
    if where is not None:
        raise InvalidInput("where", got="it beside moments", expected="None", fix=fix)
    if n.WHERE not in moments[n.COUNT].attrs:
        expected = "those of the frames in which neurons were perturbed"
        raise InvalidInput("data", got="moments of all frames", expected=expected, fix=fix)
    lags = labels_of(moments, n.LAG).tolist()
    if lag not in lags:
        raise InvalidInput("lag", got=str(lag), expected=f"a lag that the moments hold: {lags}")
    return moments
