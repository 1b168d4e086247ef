"""Spiking units: potentials that leak, add up what drives them, and are reset where they reach a threshold.

Index letters: t step, k trial, n neuron.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Recurrent = Callable[[NDArray[Any], NDArray[Any]], object]
"""Writes the recurrent drive of spikes (first argument) into an array of their shape (second argument)."""


def fire(
    states: NDArray[Any],
    potential: NDArray[Any],
    first: int,
    *,
    recurrent: Sequence[tuple[int, Recurrent]],
    leak: float,
    threshold: float,
    reset: float,
    is_set: Sequence[bool] = (),
) -> None:
    """Turn what drives each step from `first` on into spikes, in place: leaky integrate-and-fire.

    v(t) = leak v(t - 1) + sum over j of A_ij s_j(t - d_ij) + drive(t); where v(t) reaches the threshold, s(t) is 1 and
    v(t) becomes `reset`.

    States (t, k, n) are spikes, 0 or 1, before `first`, as many steps as the longest delay, and from there on what
    drives each step from outside. `potential` (k, n) is v in the step before `first`, and becomes that in the last
    step. `recurrent` returns the recurrent drive of each delay; of a single trial, that of spikes (n). In steps that
    `is_set` says, spikes are set from outside already: then v only leaks, or is reset.
    """
    steps = list(states[:, 0] if states.shape[1] == 1 else states)  # views, which take longer to make one by one
    v = potential.reshape(steps[0].shape)
    drive, spikes = np.empty_like(v), np.empty(v.shape, bool)
    stays, least, after = (np.array(value, v.dtype) for value in (leak, threshold, reset))  # arrays, as in `units`
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is found later
        for t in range(first, len(steps)):
            now = steps[t]
            np.multiply(v, stays, v)
            if is_set and is_set[t]:
                np.greater(now, 0, spikes)
            else:
                np.add(v, now, v)
                for delay, product in recurrent:
                    product(steps[t - delay], drive)
                    np.add(v, drive, v)
                np.greater_equal(v, least, spikes)
                now[...] = spikes
            v[spikes] = after
