"""What is estimated from a recording: which lags, trial, and neurons or groups, as the settings say."""

import re
from typing import Any, Final, NamedTuple

import xarray as xr

import netxr
from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.table import estimator
from netxr.schema.variables import labels_of

ALL: Final = "all"
"""Stands for all neurons."""

POOLED: Final = -1
"""Stands for all trials together."""

NEURONS: Final = "neurons"
NUMBER: Final = "number"
OWN: Final = "group"
LEVELS: Final = {"Neurons": NEURONS, "Groups of equal size": NUMBER, "The recording's own groups": OWN}
"""What is correlated: neurons, groups of neighbours of equal size, or groups by the coordinate `group`."""


class Choice(NamedTuple):
    """What is estimated from a recording.

    Parameters
    ----------
    lags : str
        Lags in samples, such as "1", "0, 2, 5" or "0-10".
    trial : int
        Its position, or `POOLED`.
    neurons : str
        "all", labels such as "a, b" or "0:9", or a group such as "group=V1".
    level : str
        Of `LEVELS`: "neurons", "number" or "group".
    groups : int
        Number of groups of equal size, if the level is "number".
    method : str
        Name of the estimator, as `netxr.methods` lists it.
    missing : str
        "raise", "drop" or "pairwise".
    diagonal : bool
        Whether self-connections are included in the scores.
    high_pass : float
        Frequency below which the activity is filtered out, 0 for none.
    difference : bool
        Whether differences of neighbouring samples are taken.
    """

    lags: str
    trial: int
    neurons: str
    level: str
    groups: int
    method: str
    missing: n.Missing
    diagonal: bool
    high_pass: float = 0.0
    difference: bool = False

    @property
    def is_cleaned(self) -> bool:
        """Whether the activity is changed before it is estimated."""
        return bool(self.high_pass or self.difference)

    @property
    def text(self) -> str:
        """What of a recording is taken, in words."""
        groups = {NEURONS: "", NUMBER: f"{self.groups:,} groups", OWN: "its own groups"}
        parts = [
            "all trials" if self.trial == POOLED else f"trial {self.trial + 1}",
            f"neurons {self.neurons}",
            groups[self.level],
            f"high-pass {self.high_pass:g}" if self.high_pass else "",
            "differences" if self.difference else "",
        ]
        return ", ".join(filter(None, parts))


def lags_problem(choice: Choice) -> str:
    """Return why an estimator has no estimate at the lags that are asked for; an empty text where it has one."""
    try:
        for lag in lags_of(choice.lags):
            estimator(choice.method).needs(lag)
    except InvalidInput as error:
        return str(error)
    return ""


def is_lagged(choice: Choice) -> bool:
    """Return whether an estimate depends on the lags that are asked for, as far as its estimator says."""
    try:
        return estimator(choice.method).has_lag
    except InvalidInput:
        return True


def lags_of(text: str) -> list[int]:
    """Return the lags in a text.

    Examples
    --------
    >>> lags_of("1"), lags_of("0-3, 8")
    ([1], [0, 1, 2, 3, 8])
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found = [re.fullmatch(r"(\d{1,6})(?:\s*-\s*(\d{1,6}))?", part) for part in parts]
    if not parts or not all(found):
        raise InvalidInput("lags", got=repr(text), expected='lags in samples, such as "1", "0, 2, 5" or "0-10"')
    ends = [(int(one[1]), int(one[2] or one[1])) for one in found if one]
    return list(dict.fromkeys(lag for first, last in ends for lag in range(first, last + 1)))


def neurons_of(activity: xr.DataArray, text: str) -> dict[str, Any]:
    """Return the arguments of `netxr.select` for a text; none for all neurons.

    Examples
    --------
    >>> import numpy as np
    >>> X = netxr.as_activity(np.zeros((3, 5)), dims=("neuron", "time"), neurons=["a", "b", "c"])
    >>> neurons_of(X, "c, a"), neurons_of(X, "b:c"), neurons_of(X, "all")
    ({'neurons': ['c', 'a']}, {'neurons': ['b', 'c']}, {})
    """
    labels = labels_of(activity, n.NEURON).tolist()
    if text.strip() == ALL:
        return {}
    name, is_group, group = (part.strip() for part in text.partition("="))
    if is_group and name == n.GROUP:
        return {"where": {n.GROUP: _group_named(activity, group)}}
    return {"neurons": labels_named(labels, text, argument="neurons")}


def labels_named(labels: list[Any], text: str, *, argument: str) -> list[Any]:
    """Return the labels in a text, separated by commas, or as ranges such as "a:c"."""
    written = {str(label): place for place, label in enumerate(labels)}
    some = f'labels such as "{", ".join(map(str, labels[:3]))}" or "{labels[0]}:{labels[-1]}"'
    expected = f'"{ALL}", {some}, or "{n.GROUP}=..."' if argument == NEURONS else some
    chosen: list[Any] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = (part, "", part) if part in written else (end.strip() for end in part.partition(":"))
        if first not in written or last not in written:
            raise InvalidInput(argument, got=f"{part!r}, which is no neuron here", expected=expected)
        chosen += labels[written[first] : written[last] + 1]
    if not chosen:
        raise InvalidInput(argument, got="no neuron", expected=expected)
    return list(dict.fromkeys(chosen))


def _group_named(activity: xr.DataArray, name: str) -> Any:
    """Return the label of the group with that name."""
    groups = dict.fromkeys(activity[n.GROUP].values.tolist()) if n.GROUP in activity.coords else {}
    found = {str(group): group for group in groups}
    if name not in found:
        there = ", ".join(list(found)[:8]) or "none: it has no coordinate `group`"
        raise InvalidInput("neurons", got=f"the group {name!r}", expected=f"a group of the recording ({there})")
    return found[name]


def chosen_activity(run: xr.Dataset, choice: Choice) -> xr.DataArray:
    """Return the activity of the chosen trial and neurons or groups, lazily, (neuron, time[, trial])."""
    activity = run[n.ACTIVITY]
    if n.TRIAL in activity.dims and choice.trial != POOLED:
        if choice.trial >= activity.sizes[n.TRIAL]:
            n_trials = activity.sizes[n.TRIAL]
            raise InvalidInput("trial", got=f"{choice.trial}", expected=f"a position from 0 to {n_trials - 1}")
        activity = activity.isel({n.TRIAL: [choice.trial]})
    wanted = neurons_of(activity, choice.neurons)
    activity = netxr.select(activity, **wanted) if wanted else activity
    activity = netxr.high_pass(activity, cutoff=choice.high_pass) if choice.high_pass else activity
    activity = netxr.difference(activity) if choice.difference else activity
    return _at_level(activity, choice)


def _at_level(data: xr.DataArray, choice: Choice, groups: Any = None) -> xr.DataArray:
    """Average neurons into groups, if the choice is of groups."""
    if choice.level == NEURONS:
        return data
    coarse: xr.DataArray = netxr.coarsen(data, groups=groups if choice.level == OWN else choice.groups)
    return coarse


def chosen_truth(run: xr.Dataset, choice: Choice) -> xr.DataArray | None:
    """Return the true connectivity of the same neurons or groups, lazily; None if it is not known."""
    if n.CONNECTIVITY not in run:
        return None
    A = run[n.CONNECTIVITY]
    if n.TRIAL in A.dims:
        if choice.trial == POOLED and A.sizes[n.TRIAL] > 1:
            return None
        A = A.isel({n.TRIAL: max(choice.trial, 0)}, drop=True)
    fine = chosen_activity(run, choice._replace(level=NEURONS, high_pass=0.0, difference=False))
    neurons, known = labels_of(fine, n.NEURON).tolist(), labels_of(A, n.TARGET).tolist()
    if not set(neurons) <= set(known):
        return A
    if neurons != known:
        places = [known.index(label) for label in neurons]
        A = A.isel({n.TARGET: places, n.SOURCE: places})
    return _at_level(A, choice, fine[n.GROUP].values if n.GROUP in fine.coords else None)
