"""What a sweep computes: its axes and settings, checked, and the dataset before its first cell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.compare import SCORE_ATTRS
from netxr.estimators.table import estimator
from netxr.schema.arguments import check_count, check_entries, check_rng, check_seed, is_number, is_whole
from netxr.schema.provenance import provenance
from netxr.simulation.simulate import MODEL_EQUATION
from netxr.store.layout import fill_value

CELL: Final = (n.N_NEURONS, n.SPARSITY, n.N_STEPS)
"""Dims of the cells: what is simulated together."""

AXES: Final = (*CELL, n.N_GROUPS, n.LAG)
"""Dims of a sweep, before its trials."""

SETTINGS: Final = (n.TRIALS, n.SEED, n.RNG, n.ACTIVITY_SEED, n.DIAGONAL, n.PERMUTATIONS, n.ESTIMATOR)
"""What is the same in all cells: fields of a plan, and attributes of the result."""


@dataclass(frozen=True)
class Plan:
    """A sweep to compute: the labels of `AXES` in that order, and the `SETTINGS`, as in `netxr.sweep`."""

    axes: Mapping[str, Sequence[Any]]
    trials: int
    seed: int
    rng: n.Rng
    activity_seed: int | None
    diagonal: bool
    permutations: int
    estimator: str

    @property
    def scores(self) -> list[str]:
        """Names of the scores; a p-value only if there are permutations behind it."""
        return [name for name in SCORE_ATTRS if name != n.MANTEL_P or self.permutations]


def check_plan(
    axes: Mapping[str, Any],
    *,
    trials: int,
    seed: int,
    rng: n.Rng,
    activity_seed: int | None,
    diagonal: bool,
    permutations: int,
    method: str,
) -> Plan:
    """Return the plan of a sweep, if every argument is right and all fit together.

    Raises InvalidInput if one is not.
    """
    check_rng(rng)
    labels = _check_axes(axes)
    trials, seed = check_count(n.TRIALS, trials), check_seed(seed, rng=rng)
    check_seed(seed + trials - 1, rng=rng, argument="seed + trials - 1")
    if activity_seed is not None:
        activity_seed = check_seed(activity_seed, rng=rng, argument=n.ACTIVITY_SEED)
    if not isinstance(diagonal, bool | np.bool_):
        raise InvalidInput(n.DIAGONAL, got=repr(diagonal), expected="True or False: whether self-connections enter")
    permutations = _check_not_negative(n.PERMUTATIONS, permutations)
    entry = estimator(method)
    for lag in labels[n.LAG]:
        entry.needs(lag)  # raises where there is no estimate at this lag
    return Plan(labels, trials, seed, rng, activity_seed, bool(diagonal), permutations, entry.name)


def _check_axes(given: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the labels of the axes, if each is right and all fit together."""
    checks: dict[str, Callable[[str, Any], Any]] = {
        n.N_NEURONS: check_count,
        n.SPARSITY: _check_probability,
        n.N_STEPS: check_count,
        n.N_GROUPS: _check_not_negative,
        n.LAG: _check_not_negative,
    }
    axes = {name: _check_axis(name, given[name], check) for name, check in checks.items()}
    unequal = [f"{g} of {size} neurons" for size in axes[n.N_NEURONS] for g in axes[n.N_GROUPS] if g and size % g]
    if unequal:
        raise InvalidInput(
            n.N_GROUPS, got=", ".join(unequal), expected="numbers that divide every n_neurons, or 0 for no averaging"
        )
    too_long = [f"{lag} in {steps} samples" for steps in axes[n.N_STEPS] for lag in axes[n.LAG] if lag > steps - 2]
    if too_long:
        raise InvalidInput(
            n.LAG, got=", ".join(too_long), expected="lags that leave at least two pairs in every n_steps"
        )
    return axes


def _check_axis(name: str, given: Any, check: Callable[[str, Any], Any]) -> list[Any]:
    """Return the labels of an axis: one value, or a sequence of different ones."""
    expected = "one value, or a sequence of different ones"
    entries = [given] if is_number(given) or isinstance(given, str) else check_entries(name, given, expected=expected)
    labels = [check(name, entry) for entry in entries]
    if not labels or len(set(labels)) < len(labels):
        raise InvalidInput(name, got=repr(labels), expected=expected)
    return labels


def _check_not_negative(name: str, value: Any) -> int:
    """Return `value` as an int if it is a whole number, 0 or above."""
    if not is_whole(value) or value < 0:
        raise InvalidInput(name, got=repr(value), expected="a whole number, 0 or above")
    return int(value)


def _check_probability(name: str, value: Any) -> float:
    """Return `value` as a float if it is a probability."""
    if not is_number(value) or not 0 <= value <= 1:
        raise InvalidInput(name, got=repr(value), expected="a probability, 0 to 1")
    return float(value)


def check_finished(sweep: xr.Dataset, *, argument: str) -> None:
    """Raise InvalidInput if a sweep has cells that are not computed: means and deviations come with the last one."""
    if n.FINISHED in sweep and not bool(sweep[n.FINISHED].all()):
        done, total = int(sweep[n.FINISHED].sum()), sweep[n.FINISHED].size
        raise InvalidInput(
            argument,
            got=f"an unfinished sweep, {done} of {total} cells",
            expected="a finished one",
            fix="Run the same netxr sweep again: it computes what is missing.",
        )


def blank_result(plan: Plan) -> xr.Dataset:
    """Return the sweep before its first cell: nothing finished, every score NaN."""
    sizes = {**{name: len(labels) for name, labels in plan.axes.items()}, n.TRIAL: plan.trials}

    def blank(dims: Sequence[str], dtype: str, attrs: Mapping[str, Any]) -> xr.Variable:
        """Return a variable in which nothing is known yet."""
        return xr.Variable(dims, np.full([sizes[dim] for dim in dims], fill_value(np.dtype(dtype)), dtype), attrs)

    variables: dict[str, xr.Variable] = {}
    for name in plan.scores:
        about, diagonal = SCORE_ATTRS[name][n.LONG_NAME], {n.DIAGONAL: plan.diagonal}
        variables |= {
            name: blank((*AXES, n.TRIAL), "f8", SCORE_ATTRS[name] | diagonal),
            name + n.SCORE_MEAN: blank(AXES, "f8", {n.LONG_NAME: f"{about}, mean over trials"} | diagonal),
            name + n.SCORE_STD: blank(AXES, "f8", {n.LONG_NAME: f"{about}, standard deviation over trials"} | diagonal),
            name + n.SCORE_DEFINED: blank(AXES, "i8", {n.LONG_NAME: f"{about}, trials in which it is defined"}),
        }
    variables[n.FINISHED] = blank(CELL, "?", {n.LONG_NAME: "cells whose scores are there"})
    neurons, groups = np.array(plan.axes[n.N_NEURONS])[:, None], np.array(plan.axes[n.N_GROUPS])
    per_group = ((n.N_NEURONS, n.N_GROUPS), neurons // np.where(groups, groups, neurons))
    settings = {name: getattr(plan, name) for name in SETTINGS}
    return xr.Dataset(
        variables,
        {**plan.axes, n.TRIAL: np.arange(plan.trials), n.NEURONS_PER_GROUP: per_group},
        provenance(**{n.MODEL: MODEL_EQUATION}, **settings),
    )
