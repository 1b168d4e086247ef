"""Whether a recording begins far from where its activity settles: then a few samples make most of what it shows."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FIRST: Final = 128
"""Samples that are the beginning."""

LATE: Final = 4096
"""Samples at the end, of which is seen where activity settles."""

SHORTEST: Final = 4 * FIRST
"""Samples from which on anything is said."""

FAR: Final = 10
"""Times the variance of the end by which the beginning has to be off: what is slow is off by less, by chance."""

SHARE: Final = 0.05
"""Of the summed squares of a neuron, from which on they are said to come from its beginning."""


def share_of_start(activity: Any) -> NDArray[np.float64]:
    """Return by what share the first samples make up the variance of each neuron, (trial, neuron); 0 where they do not.

    Samples (neuron, time, trial) at both ends are read, one trial after the other.
    """
    n_neurons, n_steps, n_trials = activity.shape
    shares = np.zeros((n_trials, n_neurons))
    if n_steps < SHORTEST:
        return shares
    for k in range(n_trials):
        late = np.asarray(activity[:, max(FIRST, n_steps - LATE) :, k], np.float64)
        mean = late.mean(axis=1, keepdims=True)
        variance = _variance(late, mean)
        beyond = np.square(activity[:, :FIRST, k] - mean).sum(axis=1) - FIRST * variance
        is_far = beyond > FAR * FIRST * variance
        shares[k, is_far] = beyond[is_far] / (beyond + n_steps * variance)[is_far]
    return shares


def _variance(samples: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance of each neuron, (neuron), in a third of the time of var, which takes the mean again."""
    off = samples - mean
    return np.asarray(np.square(off, off).mean(axis=1))


def remark_on(activity: Any) -> str | None:
    """Return in words whether a recording, (neuron, time, trial), begins far from where it settles; None if not."""
    shares = share_of_start(activity).max(axis=0)
    n_far = int((shares > SHARE).sum())
    if not n_far:
        return None
    return (
        f"The first samples stand far from where activity settles: of {n_far} of {len(shares)} neurons they make more "
        f"than {SHARE:g} of the variance, {shares.max():.2g} at most. Take burn_in={4 * FIRST}, or leave them out."
    )
