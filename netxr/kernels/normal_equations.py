"""Normal equations of a regression on the past, from lagged second moments: over exactly the regression's own targets.

Index letters: i target, j source, a lag of the design, d column of the design (lag by lag, all sources of each), r lag
of the moments, k trial, e frame at an end of a trial.

A regression on lags up to p has the targets t = p .. T - 1 of each trial, one set for all its lags. The moments at
lag l hold all pairs from t = l on. What they hold beyond those of the regression lies within p frames of the ends of
trials, so it is taken off again.
"""

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


class Ends(NamedTuple):
    """The first and the last p frames of each trial, (i, k, p) each; they overlap where a trial is short."""

    first: Floats
    last: Floats


def normal_equations(
    n_pairs: Sequence[int],
    mean_target: Floats,
    mean_source: Floats,
    comoment: Floats,
    ends: Ends,
    *,
    lags: Sequence[int],
    design: Sequence[int],
) -> NormalEquations:
    """Return the normal equations of targets x_i(t) on sources x_j(t - a), for each lag a of the design.

    Parameters
    ----------
    n_pairs, mean_target, mean_source, comoment : arrays, (r), (r, i), (r, j) and (r, i, j)
        Lagged moments of the same neurons on both sides; lag 0 is among them.
    ends : Ends
        Of as many frames as the longest lag of the design.
    lags : sequence of int
        Lags of the moments: 0, those of the design, and the distances between them.
    design : sequence of int
        Lags of the sources, 1 and above.
    """
    at = {lag: number for number, lag in enumerate(lags)}
    about, longest = mean_target[at[0]], max(design)
    first, last = (side - about[:, None, None] for side in ends)
    n_targets = int(n_pairs[at[longest]])

    def total(lag: int) -> Floats:
        """Return the sum of x(t - lag) over all targets t."""
        return np.asarray(-first[..., : longest - lag].sum((1, 2)) - last[..., longest - lag :].sum((1, 2)))

    def product(distance: int, lag: int) -> Floats:
        """Return the summed products of x(t - lag) with x(t - lag - distance) over all targets t."""
        number = at[distance]
        to_target, to_source = (side[number] - about for side in (mean_target, mean_source))
        found = comoment[number] + np.outer(n_pairs[number] * to_target, to_source)
        cut = longest - lag
        for side, later in ((first, slice(distance, cut)), (last, slice(cut, longest))):
            earlier = slice(later.start - distance, max(later.stop - distance, later.start - distance))
            if later.start < later.stop:
                found -= np.tensordot(side[..., later], side[..., earlier], ([1, 2], [1, 2]))
        return np.asarray(found)

    n = len(about)
    gram, cross = np.empty((len(design) * n,) * 2), np.empty((n, len(design) * n))
    blocks = [slice(n * number, n * number + n) for number in range(len(design))]
    for here, lag in zip(blocks, design, strict=True):
        cross[:, here] = product(lag, 0)
        for there, other in zip(blocks, design, strict=True):
            if other >= lag:
                gram[here, there] = product(other - lag, lag)
                gram[there, here] = gram[here, there].T
    of_design, of_target = np.concatenate([total(lag) for lag in design]), total(0)
    square = np.diagonal(comoment[at[0]]) - np.square(first).sum((1, 2)) - of_target**2 / n_targets
    gram -= np.outer(of_design / n_targets, of_design)
    # What rounding leaves of a neuron that does not vary is nothing.
    least = np.finfo(np.float64).eps * max(16, n_targets) * np.diagonal(comoment[at[0]])
    np.fill_diagonal(gram, np.where(np.diagonal(gram) > np.tile(least, len(design)), np.diagonal(gram), 0))
    square = np.where(square > least, square, 0)
    cross -= np.outer(of_target / n_targets, of_design)
    means = about + of_target / n_targets, np.tile(about, len(design)) + of_design / n_targets
    return NormalEquations(gram, cross, square, *means, n_targets)


def about_zero(equations: NormalEquations) -> NormalEquations:
    """Return the normal equations of a regression without an intercept: products of samples, not of deviations."""
    gram, cross, square, mean_target, mean_design, n_targets = equations
    return equations._replace(
        gram=gram + np.outer(n_targets * mean_design, mean_design),
        cross=cross + np.outer(n_targets * mean_target, mean_design),
        square=square + n_targets * mean_target**2,
    )
