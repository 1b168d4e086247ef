"""Bursts, in which most neurons are active at once: found, or weighted down.

Within a burst every neuron goes together with every other, so that correlations tell of the burst, and not of edges.
"""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.preprocessing.put_back import put_back
from netxr.schema.arguments import check_share, is_finite, said
from netxr.schema.clock import Recording, activity_of
from netxr.schema.variables import float_type


def burst_frames(data: xr.DataArray | xr.Dataset, *, share: float, above: float = 0.0) -> xr.DataArray:
    """Find the frames in which more than a share of the neurons are active.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it: counts of spikes, or what `threshold` leaves of
        calcium signals.
    share : float
        Share of the neurons, from 0 to 1.
    above : float
        A neuron is active where its sample is above this value, in the unit of the samples.

    Returns
    -------
    DataArray of bool, (time[, trial])
        True within a burst; lazy if `data` is. Compute it before giving it to `mask_frames`, which leaves these frames
        out of correlations with missing="drop"; or give its opposite to ``lagged_moments(..., where=~found)``, which
        takes no source from them.

    Raises
    ------
    InvalidInput
        If `data` is no recording, or an argument no number.

    Examples
    --------
    >>> import netxr
    >>> x = netxr.as_activity([[0, 1, 1, 0], [0, 0, 2, 0], [1, 0, 1, 0]], dims=("neuron", "time"))
    >>> burst_frames(x, share=0.5).values.tolist()
    [False, False, True, False]
    """
    activity = activity_of(data)
    if not is_finite(above):
        raise InvalidInput("above", got=said(above), expected="a number, in the unit of the samples")
    active = (activity > above).sum(n.NEURON)
    return (
        (active > check_share("share", share) * activity.sizes[n.NEURON]).rename(n.BURST_FRAMES).drop_attrs(deep=False)
    )


def downweight_bursts(data: Recording) -> Recording:
    """Let what a neuron does while others are silent count more than what it does within a burst.

    A sample x becomes (x + 1) to the power 1 + 1 / s, with s the sum of all neurons in its frame: with a single active
    neuron it grows up to e-fold, within a burst it stays x + 1, and where a neuron is silent it is 1. The last of the
    steps of Sutera et al. 2014, arXiv:1406.7865, on signals that went through `low_pass`, `difference` and `threshold`.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]) from 0 up, or a Dataset that holds it; dask stays lazy.

    Returns
    -------
    DataArray or Dataset
        The weighted samples; floating-point ones in their dtype, integers as float64. NaN stays, and counts as 0 in the
        sum. The sum is in the unit of the samples: where an active neuron has much more than 1, the step does little.

    Raises
    ------
    InvalidInput
        If a sample is negative; for dask arrays, when computed.

    Examples
    --------
    >>> import netxr
    >>> x = netxr.as_activity([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]], dims=("neuron", "time"))
    >>> downweight_bursts(x).values.round(3).tolist()
    [[1.0, 4.0, 2.828], [1.0, 1.0, 2.828]]
    """
    activity = activity_of(data)
    samples = activity.astype(float_type(activity), copy=False)
    weighted = xr.apply_ufunc(
        _weighted,
        samples,
        samples.sum(n.NEURON, skipna=True),
        dask="parallelized",
        output_dtypes=[samples.dtype],
    )
    done = activity.copy(data=weighted.transpose(*activity.dims).data)
    return put_back(data, done, step="downweight_bursts", **{n.UNITS: "1"})


def _weighted(samples: NDArray[Any], together: NDArray[Any]) -> NDArray[Any]:
    """Return samples weighted by what all neurons do together, which has no axis of neurons."""
    if (samples < 0).any():
        fix = "Set what is no onset to 0, with netxr.threshold or netxr.clip(lower=0)."
        raise InvalidInput("data", got="a negative sample", expected="samples from 0 up", fix=fix)
    inverse = np.divide(1, together, out=np.zeros_like(together), where=together > 0)
    return np.asarray((samples + 1) ** (1 + inverse))
