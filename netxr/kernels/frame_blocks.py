"""Frames counted from a provisional mean, gathered behind those before them, as products need them.

Index letters: p layer, i neuron, n row, t frame. Rows are the neurons, and after them groups of neurons.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr.errors import NonFiniteActivity
from netxr.kernels.lagged_sums import PRODUCTS, SAMPLES, SQUARES, VALID, Frames, Pass

PILOT_FRAMES: Final = 63
"""The most frames that the provisional mean is taken from."""


def provisional_mean(frames: NDArray[Any]) -> NDArray[Any]:
    """Return a value near the bulk of each neuron's samples, (i, t) -> (i): the median of some finite frames.

    Counting from it keeps products small beside what they are to resolve: raw float32 sums of a membrane
    potential near -65 lose every digit. The frames are spread over all that there are, because the first ones may
    be unlike the rest; a median ignores strange frames and returns a constant exactly.
    """
    pilot = frames[:, :: max(1, -(-frames.shape[1] // PILOT_FRAMES))]
    if pilot.size and np.isfinite(pilot).all():
        return np.asarray(np.median(pilot, axis=1))
    rows = (row[np.isfinite(row)] for row in frames)
    return np.array([np.median(row[:: -(-len(row) // PILOT_FRAMES)]) if len(row) else 0 for row in rows])


def first_of(pieces: Iterator[NDArray[Any]]) -> tuple[NDArray[Any], Iterator[NDArray[Any]]]:
    """Return the provisional mean of the first piece (i, t) that holds any frame, and all that is left to go through.

    This piece is the first that is left: it is looked at before it is counted.
    """
    first = next(piece for piece in pieces if piece.shape[1])
    return provisional_mean(first), chain([first], pieces)


class FrameBlock:
    """A block of frames that is filled piece by piece; the `max_lag` frames before it, if any, stand in front.

    Parameters
    ----------
    todo : Pass
        What is accumulated.
    shift : ndarray, (i)
        Provisional mean.
    place : str
        What to call the data in an error.
    offset : int
        Where in the trial the block begins.
    room : int
        The most frames.
    """

    def __init__(self, todo: Pass, shift: NDArray[Any], *, place: str, offset: int, room: int) -> None:
        self._todo, self.shift, self._place, self._offset = todo, shift, place, offset
        self._room = room
        self._layers = np.empty((0, 0, 0))
        self._good = np.zeros(todo.max_lag + room, bool)
        self.filled = 0

    @property
    def is_full(self) -> bool:
        """Whether no further frame fits in."""
        return self.filled == self._room

    @property
    def layers(self) -> NDArray[Any]:
        """The frames before and those of the block, (p, n, max_lag + t)."""
        return self._layers[..., : self._todo.max_lag + self.filled]

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which of them enter any pair, (max_lag + t)."""
        return self._good[: self._todo.max_lag + self.filled]

    @np.errstate(over="ignore", invalid="ignore")  # what they are about is said by an error that names the place
    def take(self, frames: NDArray[Any]) -> int:
        """Add as many of these frames, (i, t), as there is room for, and return how many.

        Raises
        ------
        NonFiniteActivity
            If a sample is NaN or infinite and is to be an error.
        """
        if not self._layers.size:
            self._layers = self._empty(frames)
        part = frames[:, : self._room - self.filled]
        self._centre(part)
        self.filled += part.shape[1]
        return int(part.shape[1])

    def _empty(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Return room for a block, in the memory order of the samples: centring reads and writes in sequence."""
        todo = self._todo
        n_layers = 1 + max(max(pair) for pair in PRODUCTS[todo.missing])
        n_rows, width = len(self.shift) + todo.n_groups, todo.max_lag + self._room
        if frames.strides[1] > frames.strides[0]:
            layers = np.empty((n_layers, width, n_rows), todo.precision).swapaxes(1, 2)
        else:
            layers = np.empty((n_layers, n_rows, width), todo.precision)
        layers[..., : todo.max_lag] = 0
        return layers

    def _centre(self, part: NDArray[Any]) -> None:
        """Write frames, counted from the provisional mean, behind those that are there."""
        todo, n = self._todo, len(self.shift)
        new = slice(todo.max_lag + self.filled, todo.max_lag + self.filled + part.shape[1])
        samples = self._layers[SAMPLES, :n, new]
        # float32 samples lose no digit to a float32 difference if float64 products are asked for.
        exact = np.result_type(part, self.shift, todo.precision)
        np.subtract(part, self.shift[:, None], out=samples, dtype=exact, casting="same_kind")
        self._good[new] = True
        if todo.missing == "pairwise":
            valid = np.isfinite(samples)
            self._check_range(part, valid)
            samples[~valid] = 0
            self._layers[VALID, :n, new] = valid
            np.square(samples, out=self._layers[SQUARES, :n, new])
        elif not np.isfinite(samples.sum()):
            good = np.isfinite(samples).all(axis=0)
            self._check_range(part, np.isfinite(samples))
            if todo.missing == "raise" and not good.all():
                raise _non_finite(part, place=self._place, offset=self._offset + self.filled)
            self._good[new] = good
            samples[:, ~good] = 0
        if todo.groups is not None:
            self._layers[SAMPLES, n:, new] = todo.groups @ samples

    def _check_range(self, part: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Raise if finite samples are none any more in the precision of the products: those are not missing."""
        if np.isfinite(part)[~valid].any():
            raise overflow(self._place)

    def empty_out(self) -> None:
        """Keep the last frames as those before the block, and make room for the frames that follow."""
        max_lag = self._todo.max_lag
        self._layers[..., :max_lag] = self.layers[..., self.filled :].copy()
        self._good[:max_lag] = self.good[self.filled :].copy()
        self._offset += self.filled
        self.filled = 0


def frames_of(layers: NDArray[Any], good: NDArray[np.bool_], kept: slice) -> Frames:
    """Return a copy of some frames of a block."""
    return Frames(layers[..., kept].copy(), good[kept].copy())


def _non_finite(frames: NDArray[Any], *, place: str, offset: int) -> NonFiniteActivity:
    """Return the error for samples that are NaN or infinite, or that overflow when they are counted from a mean."""
    wrong = np.argwhere(~np.isfinite(frames))
    if not len(wrong):
        return overflow(place)
    neuron, frame = wrong[np.lexsort(wrong.T)[0]] if len(wrong) < 10**6 else wrong[0]
    return NonFiniteActivity(
        place,
        got=f"{len(wrong):,} samples that are NaN or infinite in frames {offset} to {offset + frames.shape[1] - 1}, "
        f"the first at neuron number {neuron} (from 0), frame {offset + frame}",
        expected="finite samples",
        fix='Leave out the frames that hold them with missing="drop", or the samples alone with missing="pairwise".',
    )


def overflow(place: str) -> NonFiniteActivity:
    """Return the error for finite samples whose sums or products are not."""
    expected = "a range whose products the precision can hold"
    return NonFiniteActivity(place, got="samples so large that they overflow", expected=expected, fix="Rescale them.")
