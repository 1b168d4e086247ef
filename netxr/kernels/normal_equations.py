"""Normal equations of a regression on the past, from lagged second moments: over exactly the regression's own targets.

Index letters: i target, j source, a lag of the design, d column of the design (lag by lag, all sources of each; behind
them the inputs that are given, at lags of their own), r lag of the moments, k trial, e frame at an end of a trial.

A regression on lags up to p has the targets t = p .. T - 1 of each trial, one set for all its lags. The moments at
lag l hold all pairs from t = l on. What they hold beyond those of the regression lies within p frames of the ends of
trials, so it is taken off again. In a block with another before it all samples are targets, and what is wanting at its
start is added.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from netxr.kernels.lagged_sums import Floats


class NormalEquations(NamedTuple):
    """Summed products of deviations from the means over the regression's own targets, and those means."""

    gram: Floats  # (d, d): of the design with itself
    cross: Floats  # (i, d): of the targets with the design
    square: Floats  # (i): of the targets with themselves
    mean_target: Floats  # (i)
    mean_design: Floats  # (d)
    n_targets: int
    n_given: int = 0  # columns of inputs, the last ones of the design
    n_held: int = 0  # directions of inputs that were taken out: so many parameters of each target


class Ends(NamedTuple):
    """The frames at the ends of trials or blocks, p of each, (i, k, p); in short ones they overlap."""

    first: Floats  # none for a block with another before it
    before: Floats  # the last ones of the block before; none for a trial
    last: Floats


class Targets(NamedTuple):
    """Moments of what is regressed, the samples themselves or what a link makes of them."""

    mean: Floats  # (r, i)
    square: Floats  # (r, i)
    comoment: Floats  # (r, i, j)
    first: Floats  # (i, k, p): the first frames, as in `Ends`


def normal_equations(
    n_pairs: Sequence[int],
    mean_target: Floats,
    mean_source: Floats,
    comoment: Floats,
    *,
    ends: Ends,
    targets: Targets,
    lags: Sequence[int],
    design: Sequence[int],
    input_lags: Sequence[int] = (),
) -> NormalEquations:
    """Return the normal equations of targets on sources x_j(t - a), for each lag a of the design.

    Moments, (r), (r, i), (r, j) and (r, i, j), are of the same neurons on both sides, and of inputs behind them; their
    `lags` are 0, those of the design, and the distances between them. `ends` are as many frames as the longest lag of
    the design. Inputs, which are no targets, are columns at `input_lags` as well.
    """
    at = {lag: number for number, lag in enumerate(lags)}
    about, longest = mean_target[at[0]], max(design)
    n_targets, about_target = int(n_pairs[at[longest]]), targets.mean[at[longest]]
    first, before, last = (side - about[:, None, None] for side in ends)
    neurons, inputs = slice(len(about_target)), slice(len(about_target), None)
    columns = [(lag, neurons) for lag in design] + [(lag, inputs) for lag in input_lags]

    def total(lag: int, which: slice) -> Floats:
        """Return the sum of x(t - lag) over all targets t."""
        cut = longest - lag
        found = before[which, :, cut:].sum((1, 2)) - first[which, :, :cut].sum((1, 2))
        return np.asarray(found - last[which, :, cut:].sum((1, 2)))

    def with_itself(lag: int, which: slice, other: int, others: slice) -> Floats:
        """Return the summed products of some x(t - lag) with others as long before or longer, over all targets t."""
        distance, cut = other - lag, longest - lag
        number = at[distance]
        to_target, to_source = (mean_target[number] - about)[which], (mean_source[number] - about)[others]
        found = comoment[number, which, others] + np.outer(n_pairs[number] * to_target, to_source)
        found += _products(before[which], before[others], slice(cut, longest), distance)
        found -= _products(first[which], first[others], slice(distance, cut), distance)
        found -= _products(last[which], last[others], slice(cut, longest), distance)
        return np.asarray(found)

    def with_targets(lag: int, which: slice) -> Floats:
        """Return the summed products of the targets with some x(t - lag)."""
        number = at[lag]
        to_target, to_source = targets.mean[number] - about_target, (mean_source[number] - about)[which]
        found = targets.comoment[number, :, which] + np.outer(n_pairs[number] * to_target, to_source)
        if first.size:
            of_targets = targets.first - about_target[:, None, None]
            found -= _products(of_targets, first[which], slice(lag, longest), lag)
        return np.asarray(found)

    ends_at = np.cumsum([0, *(len(about[which]) for _, which in columns)])
    blocks = list(itertools.starmap(slice, itertools.pairwise(ends_at)))
    gram, cross = np.empty((ends_at[-1],) * 2), np.empty((len(about_target), ends_at[-1]))
    for here, (lag, which) in zip(blocks, columns, strict=True):
        cross[:, here] = with_targets(lag, which)
        for there, (other, others) in zip(blocks, columns, strict=True):
            if other >= lag:
                gram[here, there] = with_itself(lag, which, other, others)
                gram[there, here] = gram[here, there].T
    of_design = np.concatenate([total(lag, which) for lag, which in columns])
    gram -= np.outer(of_design / n_targets, of_design)
    own = np.diagonal(comoment[at[0]])
    _clear_rounding(gram, np.concatenate([own[which] for _, which in columns]), n_targets=n_targets)
    mean_design = np.concatenate([about[which] for _, which in columns]) + of_design / n_targets
    square, n_given = targets.square[at[longest]], len(gram) - len(design) * len(about_target)
    return NormalEquations(gram, cross, square, about_target, mean_design, n_targets, n_given)


def _clear_rounding(gram: Floats, own: Floats, *, n_targets: int) -> None:
    """Make the diagonal of a Gram matrix 0 where it is what rounding leaves of a column that does not vary."""
    least = np.finfo(np.float64).eps * max(16, n_targets) * own
    np.fill_diagonal(gram, np.where(np.diagonal(gram) > least, np.diagonal(gram), 0))


def _products(later: Floats, earlier: Floats, frames: slice, distance: int) -> Floats | float:
    """Return the summed products of some frames with those a distance before them."""
    if frames.start >= frames.stop or not later.size:
        return 0.0
    partners = slice(frames.start - distance, frames.stop - distance)
    return np.tensordot(later[..., frames], earlier[..., partners], ([1, 2], [1, 2]))


def pooled(parts: Sequence[NormalEquations]) -> NormalEquations:
    """Return the normal equations of regressions on samples that have no target in common, together."""
    n_targets = sum(part.n_targets for part in parts)
    mean_target, mean_design = (
        np.asarray(sum(part.n_targets * part[side] for part in parts) / n_targets) for side in (3, 4)
    )
    gram, cross, square = (np.asarray(sum(part[side] for part in parts)) for side in (0, 1, 2))
    for part in parts:
        target, design = part.mean_target - mean_target, part.mean_design - mean_design
        gram += np.outer(part.n_targets * design, design)
        cross += np.outer(part.n_targets * target, design)
        square += part.n_targets * target**2
    return NormalEquations(gram, cross, square, mean_target, mean_design, n_targets, parts[0].n_given)


def about_zero(equations: NormalEquations) -> NormalEquations:
    """Return the normal equations of a regression without an intercept: products of samples, not of deviations."""
    gram, cross, square, mean_target, mean_design, n_targets = equations[:6]
    return equations._replace(
        gram=gram + np.outer(n_targets * mean_design, mean_design),
        cross=cross + np.outer(n_targets * mean_target, mean_design),
        square=square + n_targets * mean_target**2,
        mean_target=np.zeros_like(mean_target),
        mean_design=np.zeros_like(mean_design),
    )
