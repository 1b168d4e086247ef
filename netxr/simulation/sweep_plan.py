"""What a sweep computes: its axes and settings, checked, and the dataset before its first cell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.compare import FURTHER_ATTRS, SCORE_ATTRS
from netxr.estimators.estimate import check_methods
from netxr.estimators.symmetry import ABOUT as ABOUT_SYMMETRY
from netxr.estimators.table import estimator
from netxr.kernels.units import SIGMOID
from netxr.schema.arguments import check_count, check_entries, check_rng, check_seed, is_number, said
from netxr.schema.provenance import provenance
from netxr.simulation.axes import AXES, check_not_negative
from netxr.simulation.model import MODEL_EQUATION
from netxr.simulation.networks import random_connectivity
from netxr.simulation.simulate import simulate
from netxr.store.layout import fill_value

USUAL: Final = {n.WEIGHTS: "binary", n.UNIT_FUNCTION: SIGMOID, n.BURN_IN: 0}
"""Settings of the model that a sweep does not name."""

SETTINGS: Final = (n.TRIALS, n.SEED, n.RNG, n.ACTIVITY_SEED, n.DIAGONAL, n.PERMUTATIONS)
"""What is the same in all cells: fields of a plan, and attributes of the result."""

ABOUT: Final = SCORE_ATTRS | FURTHER_ATTRS | {n.SYMMETRY: ABOUT_SYMMETRY}
"""Attributes of every score that a sweep may have."""

WITHOUT_PERMUTATIONS: Final = tuple(name for name in ABOUT if name != n.MANTEL_P)
"""The scores that a sweep without permutations may have."""


@dataclass(frozen=True)
class Plan:
    """A sweep to compute."""

    axes: Mapping[str, Sequence[Any]]
    """The labels of each dim, in order: the axes with a default, those that were asked for, and `estimator` where
    several methods were.
    """
    methods: Sequence[str]
    scores: Sequence[str]
    """Names of estimators and of scores."""
    weights: str
    units: str
    burn_in: int
    trials: int
    seed: int
    rng: n.Rng
    activity_seed: int | None
    diagonal: bool
    permutations: int
    """As in `netxr.sweep`."""

    @property
    def cell(self) -> tuple[str, ...]:
        """Dims of the cells: what differs in network and dynamics, so that each cell is one simulation.

        Lengths are within a cell, which is simulated once to the longest. Only a sweep without any axis beyond those
        with a default has a cell for each.
        """
        plain = all(dim in AXES and AXES[dim].default is not None for dim in self.axes)
        return tuple(dim for dim in self.acting_on("network", "dynamics") if plain or dim != n.N_STEPS)

    @property
    def is_usual(self) -> bool:
        """Whether networks and dynamics are the tutorial's, but for size, sparsity and length."""
        further = [dim for dim in self.acting_on("network", "dynamics") if AXES[dim].default is None]
        return not further and self.model == USUAL

    @property
    def model(self) -> dict[str, Any]:
        """What is the same in all cells of how networks are drawn and simulated."""
        return {n.WEIGHTS: self.weights, n.UNIT_FUNCTION: self.units, n.BURN_IN: self.burn_in}

    @property
    def settings(self) -> dict[str, Any]:
        """Attributes of the result, None for one that it has not."""
        estimator = self.methods[0] if n.ESTIMATOR not in self.axes else None
        scores = None if self.scores == _usual_scores(self.permutations) else self.scores
        changed = {name: None if value == USUAL[name] else value for name, value in self.model.items()}
        alike = {name: getattr(self, name) for name in SETTINGS}
        return alike | {n.ESTIMATOR: estimator, n.SCORES: scores} | changed

    def acting_on(self, *parts: str) -> list[str]:
        """Return the dims that act on network, dynamics, observation or scoring."""
        return [dim for dim in self.axes if dim in AXES and AXES[dim].acts_on in parts]

    @property
    def within(self) -> tuple[str, ...]:
        """Dims within a cell."""
        return tuple(dim for dim in self.axes if dim not in self.cell)


def check_plan(
    axes: Mapping[str, Any],
    *,
    method: str | Sequence[str],
    scores: Sequence[str] | None,
    weights: str,
    units: str,
    burn_in: int,
    trials: int,
    seed: int,
    rng: n.Rng,
    activity_seed: int | None,
    diagonal: bool,
    permutations: int,
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
    permutations = check_not_negative(n.PERMUTATIONS, permutations)
    methods = check_methods(method)
    for entry in map(estimator, methods):
        for lag in labels[n.LAG]:
            entry.needs(lag)  # raises where there is no estimate at this lag
    if not isinstance(method, str):
        labels[n.ESTIMATOR] = methods
    names = _usual_scores(permutations) if scores is None else _check_scores(scores, permutations)
    for name, value in ((n.WEIGHTS, weights), (n.UNITS, units)):
        if not isinstance(value, str):
            raise InvalidInput(name, got=said(value), expected="a name")
    model = weights, units, check_not_negative(n.BURN_IN, burn_in)
    plan = Plan(labels, methods, names, *model, trials, seed, rng, activity_seed, bool(diagonal), permutations)
    if not plan.is_usual:
        for dim in plan.acting_on("network", "dynamics"):
            for label in labels[dim]:
                tried(plan, {dim: label})
    return plan


def tried(plan: Plan, at: Mapping[str, Any]) -> xr.Dataset:
    """Return a run of three neurons and two steps with the first label of each axis, or another one.

    Raises InvalidInput where network and dynamics do not allow of it, whatever is drawn.
    """
    first = {dim: labels[0] for dim, labels in plan.axes.items()} | dict(at)
    own = {n.N_NEURONS: 3, n.SPARSITY: 0.0, "weights": plan.weights, "rng": plan.rng}
    network = random_connectivity(**{dim: first[dim] for dim in plan.acting_on("network")} | own)
    if n.SPECTRAL_RADIUS not in plan.axes:  # then it differs from network to network
        network = 0 * network
    dynamics = {n.UNITS: plan.units} | {dim: first[dim] for dim in plan.acting_on("dynamics")} | {n.N_STEPS: 2}
    try:
        return simulate(network, rng=plan.rng, **dynamics)
    except InvalidInput as error:
        raise of_axes(plan, error) from None


def of_axes(plan: Plan, error: InvalidInput) -> InvalidInput:
    """Return an error about the networks that a sweep draws as one about the argument that scales them."""
    scale = next((dim for dim in (n.SPECTRAL_RADIUS, n.COUPLING) if dim in plan.axes), None)
    if error.argument != n.CONNECTIVITY or scale is None:
        return error
    return error.about(scale, fix=f"Take lower numbers for {scale}=.")


def _usual_scores(permutations: int) -> list[str]:
    """Return the names of the scores where none is named; a p-value only if there are permutations behind it."""
    return [name for name in SCORE_ATTRS if name != n.MANTEL_P or permutations]


def _check_scores(scores: Any, permutations: int) -> list[str]:
    """Return the names of scores that are asked for; a p-value only if there are permutations behind it."""
    there = ABOUT if permutations else WITHOUT_PERMUTATIONS
    expected = f"a sequence of different ones of {', '.join(there)}"
    names = [scores] if isinstance(scores, str) else check_entries(n.SCORES, scores, expected=expected)
    if not names or not set(map(str, names)) <= set(there) or len(set(names)) < len(names):
        raise InvalidInput(n.SCORES, got=said(names), expected=expected)
    return names


def _check_axes(given: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the labels of the axes that are asked for, if each is right and all fit together."""
    asked = {name: axis for name, axis in AXES.items() if given[name] is not None or axis.default is not None}
    axes = {name: _check_axis(name, given[name], axis.check) for name, axis in asked.items()}
    alone = [
        f"{share:g} of {size} neurons"
        for size, share in product(axes[n.N_NEURONS], axes.get(n.OBSERVED, [1]))
        if share < 1 and recorded(size, share) == 1
    ]
    if alone:
        expected = "shares that are two neurons or more of every n_neurons"
        raise InvalidInput(n.OBSERVED, got=", ".join(alone), expected=expected)
    unequal = [
        f"{g} of {size} neurons"
        for n_neurons, share in product(axes[n.N_NEURONS], axes.get(n.OBSERVED, [1]))
        for size, g in product([recorded(n_neurons, share)], axes[n.N_GROUPS])
        if g and size % g
    ]
    if unequal:
        of = "the recorded ones of " if n.OBSERVED in axes else ""
        raise InvalidInput(
            n.N_GROUPS,
            got=", ".join(unequal),
            expected=f"numbers that divide {of}every n_neurons, or 0 for no averaging",
        )
    too_long = [
        f"{lag} in {n_samples} samples"
        for steps, every, lag in product(axes[n.N_STEPS], axes.get(n.EVERY, [1]), axes[n.LAG])
        for n_samples in [samples_in(steps, every)]
        if lag > n_samples - 2
    ]
    if too_long:
        raise InvalidInput(
            n.LAG, got=", ".join(too_long), expected="lags that leave at least two pairs in every n_steps"
        )
    return axes


def recorded(n_neurons: int, share: float) -> int:
    """Return how many neurons a share of them is."""
    return max(1, round(share * n_neurons))


def samples_in(n_steps: int, every: int) -> int:
    """Return how many samples are taken of some steps, the first among them."""
    return -(-n_steps // every)


def _check_axis(name: str, given: Any, check: Callable[[str, Any], Any]) -> list[Any]:
    """Return the labels of an axis: one value, or a sequence of different ones."""
    expected = "one value, or a sequence of different ones"
    entries = [given] if is_number(given) or isinstance(given, str) else check_entries(name, given, expected=expected)
    labels = [check(name, entry) for entry in entries]
    if not labels or len(set(labels)) < len(labels):
        raise InvalidInput(name, got=repr(labels), expected=expected)
    return labels


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


def call_of(sweep: xr.Dataset) -> str:
    r"""Return the call that makes a sweep again, from its labels and attributes.

    Examples
    --------
    >>> import netxr
    >>> print(call_of(netxr.sweep(n_neurons=[5, 10], trials=2)).replace(", trials", ",\n            trials"))
    netxr.sweep(n_neurons=[5, 10], method="lagged_correlation",
                trials=2, seed=0, rng="modern", diagonal=True, permutations=0)
    """
    axes = {name: labels for name, labels in parameters(sweep).items() if labels != [AXES[name].default]}
    named = sweep[n.ESTIMATOR].values.tolist() if n.ESTIMATOR in sweep.dims else sweep.attrs.get(n.ESTIMATOR)
    alike = {name: sweep.attrs[name] for name in (*SETTINGS, *USUAL, n.SCORES) if sweep.attrs.get(name) is not None}
    said = {name: labels[0] if len(labels) == 1 and name != n.UNITS else labels for name, labels in axes.items()}
    given = said | ({"method": named} if named else {}) | alike
    words = {n.UNIT_FUNCTION: n.UNITS}
    return f"netxr.sweep({', '.join(f'{words.get(name, name)}={_written(value)}' for name, value in given.items())})"


def parameters(sweep: xr.Dataset) -> dict[str, list[Any]]:
    """Return the labels of each axis of a sweep."""
    return {name: sweep[name].values.tolist() for name in AXES if name in sweep.indexes}


def _written(value: Any) -> str:
    """Return a value as Python has it, text in double quotes."""
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(_written, value))}]" if isinstance(value, list | tuple) else repr(value)


def blank_result(plan: Plan) -> xr.Dataset:
    """Return the sweep before its first cell: nothing finished, every score NaN."""
    dims = (*plan.cell, *plan.within)
    sizes = {**{name: len(labels) for name, labels in plan.axes.items()}, n.TRIAL: plan.trials}

    def blank(dims: Sequence[str], dtype: str, attrs: Mapping[str, Any]) -> xr.Variable:
        """Return a variable in which nothing is known yet."""
        return xr.Variable(dims, np.full([sizes[dim] for dim in dims], fill_value(np.dtype(dtype)), dtype), attrs)

    variables: dict[str, xr.Variable] = {}
    for name in plan.scores:
        about, diagonal = ABOUT[name][n.LONG_NAME], {n.DIAGONAL: plan.diagonal}
        variables |= {
            name: blank((*dims, n.TRIAL), "f8", ABOUT[name] | diagonal),
            name + n.SCORE_MEAN: blank(dims, "f8", {n.LONG_NAME: f"{about}, mean over trials"} | diagonal),
            name + n.SCORE_STD: blank(dims, "f8", {n.LONG_NAME: f"{about}, standard deviation over trials"} | diagonal),
            name + n.SCORE_DEFINED: blank(dims, "i8", {n.LONG_NAME: f"{about}, trials in which it is defined"}),
        }
    variables[n.FINISHED] = blank(plan.cell, "?", {n.LONG_NAME: "cells whose scores are there"})
    shares, by_share = plan.axes.get(n.OBSERVED, [1]), [n.OBSERVED] * (n.OBSERVED in plan.axes)
    n_recorded = np.array([[[recorded(size, share)] for share in shares] for size in plan.axes[n.N_NEURONS]])
    n_recorded = n_recorded if by_share else n_recorded[:, 0]
    groups = np.array(plan.axes[n.N_GROUPS])
    per_group = ((n.N_NEURONS, *by_share, n.N_GROUPS), n_recorded // np.where(groups, groups, n_recorded))
    each = [{n.UNITS: label} for label in plan.axes.get(n.UNITS, [plan.units])]
    model = MODEL_EQUATION if plan.is_usual else "; ".join(tried(plan, at).attrs[n.MODEL] for at in each)
    return xr.Dataset(
        variables,
        {**plan.axes, n.TRIAL: np.arange(plan.trials), n.NEURONS_PER_GROUP: per_group},
        provenance(**{n.MODEL: model}, **plan.settings),
    )
