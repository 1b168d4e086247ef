"""The trials of a recording, one array each."""

from typing import Any, NamedTuple

import xarray as xr

from netxr import names as n
from netxr.schema.variables import labels_of


class Trial(NamedTuple):
    """Samples of one trial, (neuron, time), and what to call them in an error."""

    name: str
    samples: Any


def trials_of(activity: xr.DataArray) -> list[Trial]:
    """Return the samples of each trial; a recording without trial dim is one trial."""
    if n.TRIAL not in activity.dims:
        return [Trial(n.ACTIVITY, activity.transpose(n.NEURON, n.TIME).data)]
    samples = activity.transpose(n.NEURON, n.TIME, n.TRIAL).data
    labels = labels_of(activity, n.TRIAL).tolist()
    return [Trial(f"{n.ACTIVITY}, trial {label}", samples[:, :, k]) for k, label in enumerate(labels)]
