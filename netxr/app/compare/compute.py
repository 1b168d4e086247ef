"""Two matrices from the folder, what they are scored against, and how similar they are."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

import netxr
from netxr import names as n
from netxr.app.compare.matched import FURTHER, Match, matched
from netxr.app.compare.sure import NOT_YET, Sure, how_sure, is_truth
from netxr.app.frame.limits import check_size
from netxr.errors import InvalidInput
from netxr.estimators.overlap import shared_entries
from netxr.estimators.symmetry import symmetry_of
from netxr.estimators.table import estimates_in, name_in_words
from netxr.plot.matrices.side_by_side import pairs_drawn
from netxr.schema.variables import MOMENT_SPECS, labels_of

MOMENTS: Final = {spec.name for spec in MOMENT_SPECS}

INPUTS: Final = 3
"""Of each neuron, which count as the strongest pairs where it is not known which are edges."""


APART: Final = "Neurons are matched by their names: choose two matrices of the same neurons."
"""What is said of matrices that have no neuron in common."""


class Pick(NamedTuple):
    """A matrix in the folder."""

    store: str
    """Name of its store."""
    variable: str = ""
    """Name in the store; "" for its estimate, or else for any matrix it has."""
    trial: str = ""
    """Label as text, if there are several; "" for that of the matrix beside it, or the first."""
    lag: int | None = None
    """Lag, if there are several; None for that of the matrix beside it, or lag 1, or the first other than 0."""


class Side(NamedTuple):
    """One of the two matrices."""

    pick: Pick
    """Which it is."""
    run: xr.Dataset
    """Its store, lazily."""
    match: Match
    """The matrix, in memory, and what has no match in it."""

    @property
    def R(self) -> xr.DataArray:  # noqa: N802 - the field's name of the matrix
        """The matrix, (target, source)."""
        return self.match.matrix

    @property
    def is_truth(self) -> bool:
        """Whether it is a true connectivity."""
        return is_truth(self.R)

    @property
    def called(self) -> str:
        """What it is called."""
        words = "true connectivity" if self.is_truth else name_in_words(self.R)
        return words[:1].upper() + words[1:]

    @property
    def note(self) -> str:
        """Which trial and lag it is."""
        return ", ".join(self.match.entries)

    @property
    def store(self) -> str:
        """Name of its store."""
        return self.pick.store

    @property
    def noted(self) -> str:
        """What it is called, with its trial and lag."""
        return ", ".join([self.called, *self.match.entries])

    @property
    def text(self) -> str:
        """Where it is."""
        return ", ".join([self.pick.store, str(self.R.name), *self.match.entries])


class Pair(NamedTuple):
    """Two matrices, and what can be said of them."""

    sides: tuple[Side, Side]
    """The two."""
    truth: Side | None
    """What they are scored against."""
    alike: xr.Dataset
    """The second against the first, as `netxr.compare` has it."""
    scores: list[xr.Dataset | None]
    """Of each side against the truth; None of a truth itself, or without one."""
    sure: Sure
    """How alike halves of the recordings are, and the standard error of the difference."""
    diagonal: bool
    """Whether self-connections are included."""

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called: what they are, or else what they differ in, such as their stores or lags."""
        one, two = self.sides
        for called in ("called", "store", "noted", "text"):
            if getattr(one, called) != getattr(two, called):
                return getattr(one, called), getattr(two, called)
        return one.called, f"{two.called} again"

    @property
    def has_truth_beside(self) -> bool:
        """Whether there is a truth that is neither of the two."""
        return self.truth is not None and not any(side.is_truth for side in self.sides)

    @property
    def symmetry(self) -> list[float]:
        """How alike each is to its own transpose; NaN where targets and sources are not the same neurons."""
        return [symmetry_of(side.R.transpose(n.TARGET, n.SOURCE).values) for side in self.sides]

    @property
    def shared(self) -> tuple[xr.DataArray, xr.DataArray]:
        """Both, for the neurons that both have."""
        first, second, _ = shared_entries(*(side.R for side in self.sides), arguments=("first", "second"))
        return first, second


def matrices_in(run: xr.Dataset) -> list[str]:
    """Return the names of the matrices in a store: estimates first."""
    found = [
        str(name)
        for name, variable in run.data_vars.items()
        if {n.TARGET, n.SOURCE} <= set(variable.dims) <= {n.TARGET, n.SOURCE} | FURTHER and name not in MOMENTS
    ]
    estimates = estimates_in(run)
    return sorted(found, key=lambda name: name not in estimates)


def matrix_choices(run: xr.Dataset) -> dict[str, str]:
    """Return {text: name} of the matrices in a store: with the names of their estimators."""
    words = {name: name_in_words(run[name]) for name in matrices_in(run)}
    return {name if said == name else f"{said} ({name})": name for name, said in words.items()}


def variable_of(run: xr.Dataset, pick: Pick) -> str:
    """Return the name of the picked matrix."""
    there = matrices_in(run)
    if not there or pick.variable not in ("", *there):
        got = repr(pick.variable) if pick.variable else f"{pick.store}, which has no matrix"
        fix = "Estimate its connectivity in the tab Recording, and save it." if not there else ""
        expected = f"one of {', '.join(there)}" if there else "a store with connectivity or an estimate"
        raise InvalidInput("matrix", got=got, expected=expected, fix=fix)
    return pick.variable or there[0]


def side_of(run: xr.Dataset, pick: Pick, beside: Side | None, *, memory: int, compute: Callable[[Any], Any]) -> Side:
    """Return a picked matrix in memory, of the trial and lag of the one beside it, unless it names its own."""
    match = matched(
        run[variable_of(run, pick)], trial=pick.trial, lag=pick.lag, beside=None if beside is None else beside.R
    )
    check_size(match.matrix.sizes[n.TARGET], 2, memory=memory)
    return Side(pick, run, match._replace(matrix=compute(match.matrix)))


def pair_of(sides: tuple[Side, Side], truth: Side | None, *, diagonal: bool) -> Pair:
    """Return what can be said at once of two matrices, and of each against a truth if there is one."""
    truth = next((side for side in sides if side.is_truth), truth)
    alike = _compared(*sides, diagonal=diagonal)
    against = [None if truth is None or side.is_truth else _compared(truth, side, diagonal=diagonal) for side in sides]
    return Pair(sides, truth, alike, against, NOT_YET, diagonal)


def _compared(first: Side, second: Side, *, diagonal: bool) -> xr.Dataset:
    """Compare two matrices by the neurons that both have; where there are none, say which neurons they have."""
    for dim in (n.TARGET, n.SOURCE):
        ours, theirs = (labels_of(side.R, dim).tolist() for side in (first, second))
        if not set(ours) & set(theirs):
            got = f"neurons such as {_example(theirs)}"
            raise InvalidInput(
                second.text, got=got, expected=f"some of {first.text}, such as {_example(ours)}", fix=APART
            )
    return netxr.compare(first.R, second.R, diagonal=diagonal, permutations=0)


def _example(labels: list[Any]) -> str:
    """Return the first labels, in words."""
    return ", ".join(map(repr, labels[:2]))


def with_sure(pair: Pair, *, compute: Callable[[Any], Any]) -> Pair:
    """Return the same with how sure the two are, for which their recordings are read again."""
    drawn = pairs_drawn(pair.shared[0], diagonal=pair.diagonal)
    sources = [(side.pick.store, side.run, side.R) for side in pair.sides]
    return pair._replace(sure=how_sure(sources, drawn, compute=compute))


def overlap_text(pair: Pair) -> str:
    """Say how many neurons are compared, and how many are left out."""
    counts = (n.N_NEURONS_SHARED, n.N_NEURONS_ONLY_TRUTH, n.N_NEURONS_ONLY_ESTIMATE)
    shared, only_first, only_second = (int(pair.alike[name]) for name in counts)
    left_out = [
        f"{count:,} only in {side.text}"
        for count, side in zip((only_first, only_second), pair.sides, strict=True)
        if count
    ]
    return f"{shared:,} neurons compared" + (f"; left out: {', '.join(left_out)}." if left_out else ".")


def strongest_shared(pair: Pair) -> tuple[int, int, float]:
    """Return how many pairs of neurons count as the strongest, how many both matrices have, and how many by chance.

    Three to a neuron count, and a pair is strong by the magnitude of its weight.
    """
    first, second = (matrix.transpose(n.TARGET, n.SOURCE).values for matrix in pair.shared)
    others = np.asarray(pair.shared[0][n.TARGET].values[:, None] != pair.shared[0][n.SOURCE].values)
    counts = others & np.isfinite(first) & np.isfinite(second)
    most = min(INPUTS * len(first), int(counts.sum()))
    strongest = [set(np.argsort(-np.abs(one[counts]), kind="stable")[:most].tolist()) for one in (first, second)]
    return most, len(strongest[0] & strongest[1]), most**2 / max(1, int(counts.sum()))
