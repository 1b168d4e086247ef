"""Standard normal noise that belongs to labels (seed, trial, step), never to how a run is cut into blocks."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr import names as n

STEPS_PER_BLOCK: Final = 256
"""Steps that one counted block of the modern stream covers. A promise: another number is another stream."""

NOISE_STREAM: Final = 0
CONNECTIVITY_STREAM: Final = 1
SIGN_STREAM: Final = 2
WEIGHT_STREAM: Final = 3
HIDDEN_STREAM: Final = 4
INSTRUMENT_STREAM: Final = 5
PERTURBATION_STREAM: Final = 6
OBSERVATION_STREAM: Final = 7
SELECTION_STREAM: Final = 8
"""What is drawn from a stream."""


def philox(seed: int, *, trial: int, stream: int, block: int = 0, item: int = 0) -> np.random.Generator:
    """Return the generator that belongs to a seed, a trial, a purpose, a block of steps, and an item such as a neuron.

    Counter-based (Salmon et al. 2011, doi:10.1145/2063384.2063405): blocks are drawn in any order,
    and 2**64 draws or more lie between two of them. Blocks before the first one have negative numbers.
    """
    key, counter = (np.array(words, np.uint64) for words in ([seed, trial], [0, item, stream, block % 2**64]))
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


class NoiseSource:
    """Standard normal noise of some trials, block by block; the same whatever was drawn before.

    Each trial has a seed and a label. "modern" counts blocks of `STEPS_PER_BLOCK`; "legacy" is one Mersenne Twister a
    trial, drawn from step 1 on, in float64, and rounded. Entry t of the stream drives the step that ends in sample t,
    so entry 0 drives nothing unless steps come before it.
    """

    def __init__(self, seeds: Sequence[int], *, trials: Sequence[int], n_neurons: int, rng: n.Rng) -> None:
        self.n_neurons, self.exact = n_neurons, rng == "legacy"
        self._keys = [np.array([seed, trial], np.uint64) for seed, trial in zip(seeds, trials, strict=True)]
        self._generator = philox(0, trial=0, stream=NOISE_STREAM)
        self._beginning = dict(self._generator.bit_generator.state)
        self._twisters = [_Twister(seed, n_neurons) for seed in seeds] if self.exact else []

    def __len__(self) -> int:
        """Return the number of trials."""
        return len(self._keys)

    def draw(self, i: int, block: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the noise of trial number `i` in a block of steps, (step, neuron)."""
        if self.exact:
            return self._twisters[i].draw(block)
        shape = (STEPS_PER_BLOCK, self.n_neurons)
        return self.generator(i, NOISE_STREAM, block).standard_normal(shape, dtype=dtype.type)

    def generator(self, i: int, stream: int, block: int) -> np.random.Generator:
        """Return the generator that belongs to trial number `i`, a purpose and a block of steps, until the next call.

        It is always the same one, as `philox` makes it: to set its state takes a tenth of the time of another.
        """
        counter = np.array([0, 0, stream, block % 2**64], np.uint64)
        self._beginning["state"] = {"counter": counter, "key": self._keys[i]}
        self._generator.bit_generator.state = self._beginning
        return self._generator


class _Twister:
    """The published stream of a trial, which can only be drawn in order: what lies before a block is drawn first."""

    def __init__(self, seed: int, n_neurons: int) -> None:
        self._seed, self._n_neurons = seed, n_neurons
        self._state, self._following = np.random.RandomState(seed), 0

    def draw(self, block: int) -> NDArray[np.float64]:
        """Return the noise of a block, (step, neuron)."""
        if block < self._following:
            self._state, self._following = np.random.RandomState(self._seed), 0
        while True:
            noise = self._next()
            if self._following > block:
                return noise

    def _next(self) -> NDArray[np.float64]:
        """Draw the block that follows; the first step of all drives nothing."""
        idle = int(self._following == 0)
        self._following += 1
        noise = self._state.standard_normal((STEPS_PER_BLOCK - idle, self._n_neurons))
        return np.concatenate([np.zeros((idle, self._n_neurons)), noise]) if idle else noise
