"""What units make of what drives them, in place: no array is made in a step."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Respond = Callable[[NDArray[Any]], object]
"""Turns what drives the neurons, (k, n) or (n), into what they make of it, in place."""

SIGMOID: Final = "sigmoid"
LINEAR: Final = "linear"
LIF: Final = "lif"
"""Leaky integrate-and-fire: units that spike, and keep a potential from step to step."""


def _sigmoid(turned: NDArray[Any]) -> None:
    """Turn the drive with its sign turned, -d, into 1 / (1 + exp(-d))."""
    np.exp(turned, turned)
    np.add(turned, 1, turned)
    np.reciprocal(turned, turned)


def _threshold(drive: NDArray[Any]) -> None:
    """Turn the drive into 1 where it is above 0, and 0 elsewhere."""
    drive[...] = drive > 0


RESPONSES: Final[Mapping[str, Respond]] = {
    SIGMOID: _sigmoid,
    LINEAR: lambda drive: None,
    "tanh": lambda drive: np.tanh(drive, drive),
    "threshold": _threshold,
}
"""1 / (1 + exp(-d)), of which the sign is turned beforehand; d itself; its tanh; 1 where it is above 0, else 0."""

UNITS: Final = (*RESPONSES, LIF)
"""Units that have a name."""


def responding(units: str | Callable[[NDArray[Any]], Any]) -> Respond:
    """Return how units respond, in place: those of a name, or of a function that returns what they make of a drive."""
    if isinstance(units, str):
        return RESPONSES[units]

    def respond(drive: NDArray[Any]) -> None:
        """Put what the units make of their drive in its place."""
        drive[...] = units(np.atleast_2d(drive))

    return respond
