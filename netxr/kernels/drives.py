"""What drives a network from outside: noise, a hidden signal, instruments, and states that are set at random.

All of it belongs to labels (seed, trial, step, purpose), and none has a state of its own: any block can be drawn first.
Steps before the first sample have negative numbers.

Index letters: t step, k trial, n neuron.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from netxr.kernels.blas import one_blas_thread
from netxr.kernels.noise import (
    HIDDEN_STREAM,
    INSTRUMENT_STREAM,
    PERTURBATION_STREAM,
    STEPS_PER_BLOCK,
    NoiseSource,
)

HIDDEN_AUTOCORRELATION: Final = 0.9
"""Of the hidden signal, from one step to the next."""

HIDDEN_BLOCKS: Final = 3
"""Blocks of which the hidden signal of the last is made: what came before is beyond the last digit, 0.9^512 = 4e-24."""

EIGHT_FLIPS: Final = np.unpackbits(np.arange(256, dtype=np.uint8)).reshape(256, 8)
"""What each byte is as eight flips of a coin."""


class Drives(NamedTuple):
    """What goes into each step: sqrt(cov) e + c h + eta z, or, in some steps, states that take the place of all."""

    noise: NoiseSource
    """Standard normals e of each trial."""
    noise_scale: float
    """Standard deviation by which they are multiplied."""
    common: float = 0.0
    """Weight c of the hidden signal h."""
    instrument: float = 0.0
    """Weight eta of the instruments z."""
    every: int = 0
    """Every such step, from step 0 on, states are set to 0 or 1 at random; in none if it is 0."""
    mixing: NDArray[Any] | None = None
    """What makes of the normals the noise of each neuron: independent of one another if not given, (n, n)."""

    def instruments(self, i: int, block: int) -> NDArray[np.uint8]:
        """Return the instruments of trial number `i` in a block of steps, (t, n)."""
        return self._flips(i, INSTRUMENT_STREAM, block)

    def blocks(
        self, which: range, *, first_step: int, n_steps: int, dtype: np.dtype[Any], lead: int = 0, sign: int = 1
    ) -> Iterator[NDArray[Any]]:
        """Yield the drive of consecutive blocks of steps of some trials, (lead + t, k, n), up to step `n_steps`.

        The first block begins with `first_step`, a multiple of `STEPS_PER_BLOCK`. The first `lead` rows of each are
        left empty. With sign -1 the drive has its sign turned; set states keep theirs.
        """
        hidden = self._hidden(which, first_step // STEPS_PER_BLOCK) if self.common else None
        for start in range(first_step, n_steps, STEPS_PER_BLOCK):
            # A whole block is drawn even where the run ends inside it: the draws of a block depend on one another.
            drive = np.empty((lead + STEPS_PER_BLOCK, len(which), self.noise.n_neurons), dtype)
            for k, i in enumerate(which):
                drive[lead:, k] = self._of_trial(i, start // STEPS_PER_BLOCK, dtype, sign)
            if hidden is not None:
                drive[lead:] += (sign * self.common * next(hidden)).astype(dtype)[..., None]
            is_set = self.is_set(start, start + STEPS_PER_BLOCK)
            for k, i in enumerate(which if is_set else ()):
                flips = self._flips(i, PERTURBATION_STREAM, start // STEPS_PER_BLOCK)
                drive[lead:, k][is_set] = flips[is_set]
            yield drive[: lead + n_steps - start]

    def is_set(self, start: int, stop: int) -> list[bool]:
        """Return whether the states of each step from `start` to `stop` are set; of none, an empty list."""
        return [step >= 0 and step % self.every == 0 for step in range(start, stop)] if self.every else []

    def _of_trial(self, i: int, block: int, dtype: np.dtype[Any], sign: int) -> NDArray[Any]:
        """Return noise and instruments of trial number `i` in a block of steps, (t, n)."""
        found = self.noise.draw(i, block, dtype)
        if self.mixing is not None:
            with one_blas_thread():
                found = found @ self.mixing.T.astype(dtype)
        if sign * self.noise_scale != 1:
            found *= sign * self.noise_scale
        if self.instrument:
            kicks = EIGHT_FLIPS * dtype.type(sign * self.instrument)
            found += kicks.take(self._bytes(i, INSTRUMENT_STREAM, block), axis=0).reshape(found.shape)
        return found

    def _hidden(self, which: range, block: int) -> Iterator[NDArray[np.float64]]:
        """Yield the hidden signal of some trials from a block on, (t, k): autoregressive, of variance 1.

        It is filtered from some blocks before, so that it is the same whichever block comes first.
        """
        scale, kicks = np.sqrt(1 - HIDDEN_AUTOCORRELATION**2), list[NDArray[np.float64]]()
        for now in count(block - HIDDEN_BLOCKS + 1):
            drawn = [self.noise.generator(i, HIDDEN_STREAM, now).standard_normal(STEPS_PER_BLOCK) for i in which]
            kicks = [*kicks[-HIDDEN_BLOCKS + 1 :], np.stack(drawn, axis=-1)]
            if len(kicks) == HIDDEN_BLOCKS:
                whole = lfilter([scale], [1, -HIDDEN_AUTOCORRELATION], np.concatenate(kicks), axis=0)
                yield whole[-STEPS_PER_BLOCK:]

    def _flips(self, i: int, stream: int, block: int) -> NDArray[np.uint8]:
        """Return fair coin flips, 0 or 1, of a trial in a block of steps, (t, n)."""
        return np.unpackbits(self._bytes(i, stream, block)).reshape(STEPS_PER_BLOCK, self.noise.n_neurons)

    def _bytes(self, i: int, stream: int, block: int) -> NDArray[np.uint8]:
        """Return random bytes of a trial in a block of steps, whose bits are its coin flips."""
        words = self.noise.generator(i, stream, block).bit_generator.random_raw(
            STEPS_PER_BLOCK * self.noise.n_neurons // 64
        )
        return words.astype("<u8").view(np.uint8)
