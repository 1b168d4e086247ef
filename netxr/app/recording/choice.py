"""What is estimated from a recording: which lags, trial, and neurons or groups, as the settings say."""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import xarray as xr

import netxr
from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.table import estimator
from netxr.schema.clock import clock_of, second_in
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
    """What is estimated from a recording."""

    lags: str
    """Lags in samples, such as "1", "0, 2, 5" or "0-10"."""
    trial: int
    """Its position, or `POOLED`."""
    neurons: str
    """Labels such as "a, b" or "0:9", "all", or what a coordinate says, such as "group=V1" or "iscell=True"."""
    level: str
    """Of `LEVELS`: "neurons", "number" or "group"."""
    groups: int
    """Number of groups of equal size, if the level is "number"."""
    method: str
    """Name of the estimator, as `netxr.methods` lists it."""
    missing: n.Missing
    """What becomes of missing samples: "raise", "drop" or "pairwise"."""
    diagonal: bool
    """Whether self-connections are included in the scores."""
    high_pass: float = 0.0
    """Frequency in Hz below which the activity is filtered out, 0 for none."""
    difference: bool = False
    """Whether differences of neighbouring samples are taken."""
    z_score: bool = False
    """Whether each neuron is expressed in its standard deviations."""
    bad_frames: bool = False
    """Whether frames in which a sample is NaN or infinite are left out."""
    given: str = ""
    """Labels of inputs that are regressed out, separated by commas."""

    @property
    def is_cleaned(self) -> bool:
        """Whether the activity is changed before it is estimated."""
        return bool(self.cleaning)

    @property
    def cleaning(self) -> list[str]:
        """What is done to the activity, in words, in the order in which it is done."""
        said = {
            "bad frames left out": self.bad_frames,
            f"high-pass {self.high_pass:g}": self.high_pass,
            "differences": self.difference,
            "z-score": self.z_score,
        }
        return [words for words, is_done in said.items() if is_done]

    @property
    def as_recorded(self) -> "Choice":
        """The same of activity that is not cleaned."""
        return self._replace(high_pass=0.0, difference=False, z_score=False, bad_frames=False)

    @property
    def handling(self) -> n.Missing:
        """What a pass does with missing samples: those of bad frames are left out."""
        return "drop" if self.bad_frames and self.missing == "raise" else self.missing

    @property
    def text(self) -> str:
        """What of a recording is taken, in words."""
        groups = {NEURONS: "", NUMBER: f"{self.groups:,} groups", OWN: "its own groups"}
        parts = [
            "all trials" if self.trial == POOLED else f"trial {self.trial + 1}",
            f"neurons {self.neurons}",
            groups[self.level],
            *self.cleaning,
            f"without {self.given}" if self.given else "",
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
    name, is_said, value = (part.strip() for part in text.partition("="))
    if is_said and (name == n.GROUP or (name in activity.coords and activity[name].dims == (n.NEURON,))):
        return {"where": {name: _entry_named(activity, name, value)}}
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


def _entry_named(activity: xr.DataArray, coordinate: str, text: str) -> Any:
    """Return the entry of a coordinate on neuron that a text means."""
    entries = dict.fromkeys(activity[coordinate].values.tolist()) if coordinate in activity.coords else {}
    found = {str(entry): entry for entry in entries}
    if text not in found:
        there = ", ".join(list(found)[:8]) or f"none: it has no coordinate `{coordinate}`"
        expected = f"a {coordinate} of the recording ({there})"
        raise InvalidInput("neurons", got=f"the {coordinate} {text!r}", expected=expected)
    return found[text]


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
    return _at_level(_cleaned(activity, run, choice), choice)


def _cleaned(activity: xr.DataArray, run: xr.Dataset, choice: Choice) -> xr.DataArray:
    """Leave out bad frames, filter, take differences, standardise: what is asked for, in this order."""
    bad = run[n.BAD_FRAMES] if choice.bad_frames else None
    if bad is not None and n.TRIAL in bad.dims:
        bad = bad.sel({n.TRIAL: activity[n.TRIAL]}) if n.TRIAL in activity.coords else bad.isel({n.TRIAL: choice.trial})
    if choice.high_pass:
        whole = activity if bad is None else netxr.interpolate_frames(activity, frames=bad)
        activity = netxr.high_pass(whole, cutoff=cutoff_of(whole, choice))
    activity = activity if bad is None else netxr.mask_frames(activity, frames=bad)
    activity = netxr.difference(activity) if choice.difference else activity
    return netxr.z_score(activity) if choice.z_score else activity


def cutoff_of(activity: xr.DataArray, choice: Choice) -> float:
    """Return the cutoff in the unit of a recording's clock, such as cycles per ms; of one without seconds, as it is."""
    _, unit, _ = clock_of(activity)
    return float(f"{choice.high_pass * (second_in(unit) or 1.0):.12g}")


def with_bad_frames(run: xr.Dataset, choice: Choice, compute: Callable[[Any], Any]) -> xr.Dataset:
    """Return a recording that says which of its frames are bad, if they are to be left out: all of it is read."""
    return run.assign({n.BAD_FRAMES: compute(netxr.bad_frames(run))}) if choice.bad_frames else run


def inputs_of(run: xr.Dataset, choice: Choice) -> xr.DataArray | None:
    """Return the samples of the inputs that are regressed out, (input, time[, trial]); None where there are none."""
    if not choice.given.strip():
        return None
    held = labels_of(run[n.INPUTS], n.INPUT).tolist() if n.INPUTS in run else []
    wanted = [part.strip() for part in choice.given.split(",") if part.strip()]
    named = {str(label): place for place, label in enumerate(held)}
    if unknown := [label for label in wanted if label not in named]:
        there = ", ".join(named) or "none: the recording has no inputs"
        raise InvalidInput("given", got=repr(unknown[0]), expected=f"inputs of the recording ({there})")
    inputs = run[n.INPUTS].isel({n.INPUT: [named[label] for label in wanted]})
    apart = n.TRIAL in inputs.dims and choice.trial != POOLED
    return inputs.isel({n.TRIAL: [choice.trial]}) if apart else inputs


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
    fine = chosen_activity(run, choice.as_recorded._replace(level=NEURONS))
    neurons, known = labels_of(fine, n.NEURON).tolist(), labels_of(A, n.TARGET).tolist()
    if not set(neurons) <= set(known):
        return A
    if neurons != known:
        places = [known.index(label) for label in neurons]
        A = A.isel({n.TARGET: places, n.SOURCE: places})
    return _at_level(A, choice, fine[n.GROUP].values if n.GROUP in fine.coords else None)
