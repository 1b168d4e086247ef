"""Preprocessing that reads a whole trial first: for its trend, or its mean and standard deviation."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.delayed import delayed

from netxr import names as n
from netxr.blocks.trials import over_frames, stack_trials
from netxr.errors import InvalidInput
from netxr.kernels.trends import (
    Course,
    Floats,
    join_courses,
    mean_and_deviation,
    standardised,
    sum_course,
    trend,
    without_trend,
)
from netxr.preprocessing.put_back import by_segment, put_back
from netxr.schema.arguments import is_whole
from netxr.schema.clock import Recording, activity_of
from netxr.schema.variables import Trial, float_type, trials_of

COEFFICIENT: Final = "coefficient"
"""Dim of the numbers that describe a neuron in a trial; no result has it."""


def z_score(data: Recording) -> Recording:
    """Express the samples in standard deviations from the mean, of each neuron in each trial.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy, and is read once more for the
        means.

    Returns
    -------
    DataArray or Dataset
        The scores, with units "1"; floating-point samples in their dtype, integers as float64. Standard
        deviations are those of the population (ddof = 0). NaN and infinity are left out of both, and stay what they
        are. A neuron that does not vary is 0.

    Raises
    ------
    InvalidInput
        If `data` is no recording.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity([[1.0, 3.0, 1.0, 3.0]], dims=("neuron", "time"), units="mV")
    >>> z_score(x).values.tolist(), z_score(x).units
    ([[-1.0, 1.0, -1.0, 1.0]], '1')
    """
    activity = activity_of(data)
    scale = _coefficients(activity, mean_and_deviation, order=0)
    scored = _sample_by_sample(standardised, activity, scale)
    return put_back(data, scored, step="z_score", **{n.UNITS: "1"})


def detrend(data: Recording, *, order: int = 1, gaps: n.Gaps = "raise") -> Recording:
    """Subtract the polynomial of time that fits each neuron best, trial by trial.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy, and is read once more for the
        fit.
    order : int
        Of the polynomial: 0 for the mean, 1 for a straight line, 2 for a parabola.
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or take each stretch between gaps on its own.

    Returns
    -------
    DataArray or Dataset
        What is left; floating-point samples in their dtype, integers as float64. NaN and infinity are left out of
        the fit, and stay what they are.

    Raises
    ------
    InvalidInput
        If the order is another, there are not more samples than the polynomial has coefficients, or times are not
        even.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity([[1.0, 3.0, 3.0, 5.0]], dims=("neuron", "time"))
    >>> detrend(x, order=1).values.round(6).tolist()
    [[-0.2, 0.6, -0.6, 0.2]]
    """
    activity = activity_of(data)
    if not is_whole(order) or not 0 <= order <= 2:
        fix = "Slower than a parabola, but no trend: use high_pass."
        raise InvalidInput("order", got=repr(order), expected="0, 1 or 2", fix=fix)
    left = by_segment(partial(_without_trend, order=order), activity, gaps=gaps)
    return put_back(data, left, step=f"detrend order={order}")


def _without_trend(activity: xr.DataArray, *, order: int) -> xr.DataArray:
    """Return what is left of an activity without its trend."""
    n_steps = activity.sizes[n.TIME]
    if n_steps < order + 2:
        raise InvalidInput("data", got=f"{n_steps} samples a trial", expected=f"{order + 2} or more for order {order}")
    fitted = _coefficients(activity, trend, order=order)
    along = activity.chunksizes.get(n.TIME)
    frames = xr.DataArray(da.arange(n_steps, chunks=(along,)) if along else np.arange(n_steps), dims=n.TIME)
    return _sample_by_sample(partial(without_trend, n_steps=n_steps), activity, frames, fitted)


def _sample_by_sample(kernel: Callable[..., Any], activity: xr.DataArray, *others: xr.DataArray) -> xr.DataArray:
    """Return the result of a kernel for samples and the coefficients of their neurons."""
    done = xr.apply_ufunc(
        kernel,
        activity,
        *others,
        input_core_dims=[[], *([COEFFICIENT] if COEFFICIENT in other.dims else [] for other in others)],
        dask="parallelized",
        output_dtypes=[float_type(activity)],
    )
    return activity.copy(data=done.data)


def _coefficients(activity: xr.DataArray, finish: Callable[[Course], Floats], *, order: int) -> xr.DataArray:
    """Return the coefficients of each neuron, (neuron, coefficient[, trial])."""
    n_neurons, n_steps = activity.sizes[n.NEURON], activity.sizes[n.TIME]
    width = order + 2

    def describe(trial: Trial) -> Any:
        """Return the coefficients of a trial (neuron, coefficient), lazy if its samples are."""
        summed = over_frames(sum_course, join_courses, trial.samples, key="course", order=order, n_steps=n_steps)
        if isinstance(trial.samples, da.Array):
            return da.from_delayed(delayed(finish, pure=True)(summed), (n_neurons, width), np.float64)  # type: ignore[no-untyped-call]
        return finish(summed)

    dims = (n.NEURON, COEFFICIENT, n.TRIAL)[: activity.ndim]
    return xr.DataArray(stack_trials([describe(trial) for trial in trials_of(activity)], like=activity), dims=dims)
