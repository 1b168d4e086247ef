"""What a microscope or probe makes of activity: a slow indicator that saturates, and noise.

Index letters: n neuron, t sample, k trial.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from netxr.kernels.noise import OBSERVATION_STREAM, philox

Floats = NDArray[np.float64]

STEPS_OF_NOISE: Final = 4096
"""Samples of a neuron whose noise is drawn together. A promise: another number is another stream."""

MEMORY: Final = 40
"""Time constants after which what came before is beyond the last digit: exp(-40) = 4e-18."""


def memory_of(constants: Sequence[float]) -> int:
    """Return how many samples an indicator with these time constants remembers, in samples."""
    return int(np.ceil(MEMORY * sum(constants)))


def indicated(samples: NDArray[Any], *, constants: Sequence[float], saturation: float | None) -> Floats:
    """Return what an indicator shows of samples, (n, t[, k]): it follows them by each time constant, then saturates.

    It is in balance with the first sample. Where it saturates, it shows c / (c + `saturation`), and nothing below 0.
    """
    shown = np.asarray(samples, np.float64)
    for constant in constants:
        stays = np.exp(-1 / constant)
        shown, _ = lfilter([1 - stays], [1, -stays], shown, axis=1, zi=stays * shown[:, :1])
    if saturation is None:
        return shown
    shown = np.maximum(shown, 0)
    return np.asarray(shown / (shown + saturation))


def noisy(
    samples: NDArray[Any],
    *,
    first: int,
    neurons: Sequence[int],
    trials: Sequence[int],
    seed: int,
    noise: float,
    shot: float,
) -> Floats:
    """Return samples, (n, t, k), with Gaussian noise of variance noise^2 + shot * sample.

    Samples begin with number `first`. Noise belongs to the seed, the neuron, the trial and the number of the sample.
    """
    n_samples = samples.shape[1]
    blocks = range(first // STEPS_OF_NOISE, -(-(first + n_samples) // STEPS_OF_NOISE))
    ahead = first - blocks.start * STEPS_OF_NOISE
    out = np.empty(samples.shape)
    for k, trial in enumerate(trials):
        for i, neuron in enumerate(neurons):
            drawn = [
                philox(seed, trial=trial, stream=OBSERVATION_STREAM, block=b, item=neuron).standard_normal(
                    STEPS_OF_NOISE
                )
                for b in blocks
            ]
            variance = noise**2 + shot * np.maximum(samples[i, :, k], 0)
            out[i, :, k] = samples[i, :, k] + np.sqrt(variance) * np.concatenate(drawn)[ahead : ahead + n_samples]
    return out
