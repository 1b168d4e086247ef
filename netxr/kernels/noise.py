"""Standard normal noise that belongs to labels (seed, trial, step), never to how a run is cut into blocks."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Rng = Literal["modern", "legacy"]
RNGS: Final[tuple[str, ...]] = get_args(Rng)

STEPS_PER_BLOCK: Final = 256
"""Steps that one counted block of the modern stream covers. A promise: another number is another stream."""

NOISE_STREAM: Final = 0
CONNECTIVITY_STREAM: Final = 1


def philox(seed: int, *, trial: int, stream: int, block: int = 0) -> np.random.Generator:
    """Return the generator that belongs to a seed, a trial, a purpose and a block of steps.

    Counter-based (Salmon et al. 2011, doi:10.1145/2063384.2063405): blocks are drawn in any order,
    and 2**128 draws lie between two of them.
    """
    return np.random.Generator(np.random.Philox(key=np.array([seed, trial], np.uint64), counter=[0, 0, stream, block]))


def noise_blocks(
    seeds: Sequence[int], *, trials: Sequence[int], n_neurons: int, n_steps: int, rng: Rng, dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    """Yield the noise of consecutive blocks of steps, each an array (step, trial, neuron).

    Entry t of the stream drives the step that ends in sample t, so entry 0 drives nothing.

    Parameters
    ----------
    seeds : sequence of int
        One seed a trial.
    trials : sequence of int
        One label a trial.
    n_neurons, n_steps : int
        Width of the network, and samples a trial.
    rng : {"modern", "legacy"}
        "modern" counts blocks of `STEPS_PER_BLOCK`; "legacy" is one Mersenne Twister a trial, drawn from step 1 on.
    dtype : dtype
        float32 or float64. The legacy stream is drawn in float64 and rounded.
    """
    draw = _legacy_draws(seeds, n_neurons) if rng == "legacy" else _modern_draws(seeds, trials, n_neurons, dtype)
    for start in range(0, n_steps, STEPS_PER_BLOCK):
        # A whole block is drawn even where the run ends inside it: the draws of a block depend on one another.
        noise = np.empty((STEPS_PER_BLOCK, len(seeds), n_neurons), dtype)
        for i in range(len(seeds)):
            noise[:, i] = draw(i, start // STEPS_PER_BLOCK)
        yield noise[: n_steps - start]


def _modern_draws(seeds: Sequence[int], trials: Sequence[int], n_neurons: int, dtype: np.dtype[Any]) -> Any:
    """Return the function (trial index, block) -> (step, neuron) of the counted stream."""
    shape = (STEPS_PER_BLOCK, n_neurons)

    def draw(i: int, block: int) -> NDArray[Any]:
        generator = philox(seeds[i], trial=trials[i], stream=NOISE_STREAM, block=block)
        return generator.standard_normal(shape, dtype=dtype.type)

    return draw


def _legacy_draws(seeds: Sequence[int], n_neurons: int) -> Any:
    """Return the function (trial index, block) -> (step, neuron) of the Mersenne Twister; blocks come in order."""
    states = [np.random.RandomState(seed) for seed in seeds]

    def draw(i: int, block: int) -> NDArray[Any]:
        if block > 0:
            return states[i].standard_normal((STEPS_PER_BLOCK, n_neurons))
        drives_nothing = np.zeros((1, n_neurons))
        return np.concatenate([drives_nothing, states[i].standard_normal((STEPS_PER_BLOCK - 1, n_neurons))])

    return draw
