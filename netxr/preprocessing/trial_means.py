"""What trials have in common, and what is left without it: signal and noise."""

from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.preprocessing.put_back import put_back
from netxr.schema.clock import Recording, activity_of
from netxr.schema.conditions import conditions_of
from netxr.schema.variables import float_type, labels_of


def trial_mean(data: Recording, *, by: str | None = None) -> Recording:
    """Average over trials, at each time after the event: what neurons do at each stimulus.

    The correlations of the means, pooled with dim=("time", "trial"), are signal correlations; `minus_trial_mean` leaves
    the noise. A mean of few trials still holds noise, which correlates as well.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time, trial), or a Dataset that holds it; dask stays lazy.
    by : str, optional
        A coordinate on `trial`, such as the stimulus; it is read. There is a mean for each of its values.

    Returns
    -------
    DataArray or Dataset
        The means (neuron, time, trial), a trial for each value of `by`, which is a coordinate; without `by`, one trial.
        Floating-point samples in their dtype, integers as float64. A mean with NaN is NaN.

    Raises
    ------
    InvalidInput
        If there are no trials, or `by` is no coordinate on them.

    References
    ----------
    Averbeck, Latham & Pouget 2006, doi:10.1038/nrn1888, on noise and signal correlations.

    Examples
    --------
    >>> import netxr
    >>> x = netxr.as_activity([[[1.0, 3.0, 5.0]]], dims=("neuron", "time", "trial"))
    >>> x = x.assign_coords(tone=("trial", ["low", "low", "high"]))
    >>> means = trial_mean(x, by="tone")
    >>> means.values.tolist(), means.tone.values.tolist()
    ([[[5.0, 2.0]]], ['high', 'low'])
    """
    activity = _with_trials(data)
    alike = _alike(activity, by)
    samples = _samples(activity)
    means = [samples[..., trials].mean(-1, keepdims=True) for trials in alike.values()]
    of_trials = [name for name, coord in activity.coords.items() if n.TRIAL in coord.dims]
    rest = activity.isel({n.TRIAL: [0] * len(means)}).drop_vars(of_trials).transpose(n.NEURON, n.TIME, n.TRIAL)
    averaged = rest.copy(data=_joined(means)).assign_coords({n.TRIAL: np.arange(len(means))})
    if by is not None:
        averaged = averaged.assign_coords(
            {by: (n.TRIAL, activity[by].values[[trials[0] for trials in alike.values()]])}
        )
    return put_back(data, averaged, step=f"trial_mean of {activity.sizes[n.TRIAL]} trials" + _by(by))


def minus_trial_mean(data: Recording, *, by: str | None = None) -> Recording:
    """Subtract what all trials have in common: the mean over trials, at each time after the event.

    What is left of two neurons are their noise correlations; those of `trial_mean` are their signal correlations.
    Trials have to be of the same stimulus, or `by` names what they were of.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time, trial), or a Dataset that holds it; dask stays lazy.
    by : str, optional
        A coordinate on `trial`, such as the stimulus; it is read. Each mean is over the trials in which it is the same.

    Returns
    -------
    DataArray or Dataset
        The samples less the mean; floating-point samples in their dtype, integers as float64. A sample that is NaN in a
        trial is NaN at its time in all trials with the same value of `by`.

    Raises
    ------
    InvalidInput
        If there are no trials, `by` is no coordinate on them, or a mean would be of a single trial, which leaves 0.

    References
    ----------
    Averbeck, Latham & Pouget 2006, doi:10.1038/nrn1888, on noise and signal correlations.

    Examples
    --------
    >>> import netxr
    >>> x = netxr.as_activity([[[1.0, 3.0], [5.0, 5.0]]], dims=("neuron", "time", "trial"))
    >>> minus_trial_mean(x).values.tolist()
    [[[-1.0, 1.0], [0.0, 0.0]]]
    """
    activity = _with_trials(data)
    alike = _alike(activity, by)
    alone = [int(trials[0]) for trials in alike.values() if len(trials) == 1]
    if alone:
        whose = "of it" if by is None else f"with the same {by}"
        got = f"a single trial {whose}, {labels_of(activity, n.TRIAL)[alone[0]]}"
        raise InvalidInput("data", got=got, expected="two trials or more for each mean", fix="Leave such trials out.")
    samples = _samples(activity)
    rest = [samples[..., trials] - samples[..., trials].mean(-1, keepdims=True) for trials in alike.values()]
    left = _joined(rest)[..., np.argsort(np.concatenate(list(alike.values())))]
    done = activity.transpose(n.NEURON, n.TIME, n.TRIAL).copy(data=left)
    return put_back(data, done, step=f"minus_trial_mean of {activity.sizes[n.TRIAL]} trials" + _by(by))


def _with_trials(data: Any) -> xr.DataArray:
    """Return the activity if it has trials."""
    activity = activity_of(data)
    if n.TRIAL not in activity.dims:
        fix = "Cut it around its events first, with netxr.cut_trials."
        raise InvalidInput("data", got="a recording without trials", expected="several of them", fix=fix)
    return activity


def _alike(activity: xr.DataArray, by: str | None) -> dict[object, NDArray[np.int64]]:
    """Return which trials go into each mean."""
    return {None: np.arange(activity.sizes[n.TRIAL])} if by is None else conditions_of(activity, by)


def _samples(activity: xr.DataArray) -> Any:
    """Return samples with fractions, (neuron, time, trial)."""
    return activity.astype(float_type(activity), copy=False).transpose(n.NEURON, n.TIME, n.TRIAL).data


def _joined(parts: list[Any]) -> Any:
    """Return trials of several conditions one after the other, (neuron, time, trial)."""
    return (da if isinstance(parts[0], da.Array) else np).concatenate(parts, axis=-1)


def _by(by: str | None) -> str:
    """Say by what trials were parted."""
    return f" by {by}" if by else ""
