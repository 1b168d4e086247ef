"""What units make of what drives them, in place: no array of rates is made in a step.

A ufunc takes a Python number up to twice as long as an array without dims: what is used in each step is such an array.
To assign takes half as long as `np.copyto`, which is a Python function.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Respond = Callable[[NDArray[Any], NDArray[Any]], object]
"""Puts what neurons make of what drives them, (k, n) or (n), in its place, which both arguments are, as of a ufunc."""

SIGMOID: Final = "sigmoid"
LINEAR: Final = "linear"
LIF: Final = "lif"
"""Leaky integrate-and-fire: units that spike, and keep a potential from step to step."""


def _sigmoid(dtype: np.dtype[Any]) -> Respond:
    """Return what turns the drive with its sign turned, -d, into 1 / (1 + exp(-d))."""
    one = np.ones((), dtype)

    def respond(turned: NDArray[Any], rates: NDArray[Any]) -> None:
        """Put the rates in the place of the drive."""
        np.exp(turned, rates)
        np.add(rates, one, rates)
        np.reciprocal(rates, rates)

    return respond


def _threshold(dtype: np.dtype[Any]) -> Respond:
    """Return what turns the drive into 1 where it is above 0, and 0 elsewhere."""
    zero, greater = np.zeros((), dtype), np.greater

    def respond(drive: NDArray[Any], out: NDArray[Any]) -> None:
        """Put 0 or 1 in the place of the drive."""
        out[...] = greater(drive, zero)

    return respond


RESPONSES: Final[Mapping[str, Callable[[np.dtype[Any]], Respond]]] = {
    SIGMOID: _sigmoid,
    LINEAR: lambda dtype: lambda drive, out: None,
    "tanh": lambda dtype: np.tanh,
    "threshold": _threshold,
}
"""1 / (1 + exp(-d)), of which the sign is turned beforehand; d itself; its tanh; 1 where it is above 0, else 0."""

UNITS: Final = (*RESPONSES, LIF)
"""Units that have a name."""


def responding(units: str | Callable[[NDArray[Any]], Any], dtype: np.dtype[Any]) -> Respond:
    """Return how units respond, in place: those of a name, or of a function that returns what they make of a drive."""
    if isinstance(units, str):
        return RESPONSES[units](dtype)

    def respond(drive: NDArray[Any], out: NDArray[Any]) -> None:
        """Put what the units make of their drive in its place."""
        out[...] = units(np.atleast_2d(drive))

    return respond
