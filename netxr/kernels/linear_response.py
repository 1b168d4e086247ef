"""What the tutorial's model is to a regression: a linear network, whose gains and noise follow from its couplings."""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import expit

from netxr.kernels.lagged_sums import Floats

NODES: Final = 41
"""Points at which an integral over normal input is taken (Gauss and Hermite)."""

ROUNDS: Final = 1000

CLOSE: Final = 1e-12


class LinearResponse(NamedTuple):
    """x(t + 1) = mean + diag(gain) A (x(t) - mean) + noise, of as many second moments as the model has."""

    gain: Floats
    """By how much a neuron follows its input, (i)."""
    noise: Floats
    """Variance of each neuron that is left, (i)."""
    covariance: Floats
    """Of x, (i, j)."""


def linear_response(weights: Floats) -> LinearResponse | None:
    """Return what x(t + 1) = sigmoid(A x(t) + e(t)), e ~ N(0, 1), is to a regression.

    None where it does not settle, or where a neuron stays at 0 or 1.

    Input is taken to be normal, as it is with many sources: mean and covariance of x make that of the input, and the
    mean, slope and variance of the sigmoid over it make them.

    Examples
    --------
    >>> alone = linear_response(np.zeros((1, 1)))
    >>> round(alone.gain.item(), 3), alone.noise.item() == alone.covariance.item()
    (0.207, True)
    """
    nodes, share = np.polynomial.hermite_e.hermegauss(NODES)
    share /= share.sum()
    mean, covariance = np.full(len(weights), 0.5), np.eye(len(weights)) / 20
    for _ in range(ROUNDS):
        spread = np.sqrt(1 + np.einsum("ij,ij->i", weights @ covariance, weights))
        rate = expit((weights @ mean)[:, None] + spread[:, None] * nodes)
        now, gain = rate @ share, (rate * (1 - rate)) @ share
        followed = gain[:, None] * weights
        explained = followed @ covariance @ followed.T
        noise = np.square(rate) @ share - np.square(now) - np.diagonal(explained)
        before, mean, covariance = (mean, covariance), now, explained + np.diag(noise)
        if max(np.abs(mean - before[0]).max(), np.abs(covariance - before[1]).max()) < CLOSE:
            # What is no more than the change between rounds is rounding: such a neuron stays at 0 or 1.
            return LinearResponse(gain, noise, covariance) if noise.min() > CLOSE else None
    return None
