"""Two-stage least squares from normal equations: targets on what instruments explain of the sources.

Index letters as in `normal_equations`; w direction in which instruments vary.
"""

from typing import NamedTuple

import numpy as np

from netxr.errors import InvalidInput
from netxr.kernels.given import whitening
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.normal_equations import NormalEquations


class TwoStage(NamedTuple):
    """Effects of sources by way of instruments; NaN where a target or a source does not vary."""

    coefficient: Floats
    standard_error: Floats
    """In units of the target for one of the source; errors are those of the structural residual, of the target less
    what the sources themselves, not what instruments explain of them, amount to, (i, j).
    """
    first_stage_f: Floats
    """F of the regression of each source on the instruments, (j)."""
    df: int
    """Targets less parameters."""


def two_stage_least_squares(equations: NormalEquations) -> TwoStage:
    """Fit every target; inputs, at the time of the sources, are the instruments.

    Raises InvalidInput if instruments depend on one another, or they or the samples are too few.
    """
    n = len(equations.gram) - equations.n_given
    sources, of_instruments = equations.gram[:n, :n], equations.gram[n:, n:]
    variance = np.diagonal(sources)
    n_varying, n_directions = (int((np.diagonal(side) > 0).sum()) for side in (sources, of_instruments))
    _check_enough(equations.n_targets, n_varying, n_directions)
    directions = whitening(
        of_instruments,
        argument="instruments",
        got="instruments that depend on one another",
        fix="Leave out instruments that others add up to.",
    )
    onto = equations.gram[:n, n:] @ directions  # (j, w)
    explained = onto @ onto.T
    explained[variance <= 0] = explained[:, variance <= 0] = 0
    root = whitening(
        explained,
        argument="instruments",
        got="instruments by way of which neurons depend on one another",
        fix="Take instruments that act on each neuron by itself, or fewer neurons as data.",
    )
    b = equations.cross[:, n:] @ directions @ onto.T @ root @ root.T
    square = equations.square - 2 * np.einsum("ij,ij->i", b, equations.cross[:, :n])
    square += np.einsum("ij,ij->i", b @ sources, b)
    df, df_of_first = equations.n_targets - n_varying - 1, equations.n_targets - n_directions - 1
    error = np.sqrt(np.outer(np.maximum(square, 0) / df, np.square(root).sum(1)))
    b[:, variance <= 0] = error[:, variance <= 0] = np.nan
    b[equations.square <= 0] = error[equations.square <= 0] = np.nan
    share = np.diagonal(explained) / np.where(variance > 0, variance, np.nan)
    with np.errstate(divide="ignore"):  # a source may be an instrument
        first_stage_f = (share / n_directions) / (np.maximum(1 - share, 0) / df_of_first)
    return TwoStage(b, error, first_stage_f, df)


def _check_enough(n_targets: int, n_sources: int, n_instruments: int) -> None:
    """Raise unless there are as many instruments as sources, and more samples than either."""
    if n_instruments < n_sources:
        raise InvalidInput(
            "instruments",
            got=f"{n_instruments} instruments that vary for {n_sources} neurons that do",
            expected="as many as there are neurons, or more: what they explain of the neurons is singular otherwise",
            fix="Record an instrument for each neuron, or take fewer neurons as data.",
        )
    if n_targets <= n_instruments + 1:
        raise InvalidInput(
            "data",
            got=f"{n_targets} samples of each target for {n_instruments + 1} parameters of the first stage",
            expected=f"at least {n_instruments + 2}",
            fix="Record longer.",
        )
