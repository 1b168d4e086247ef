"""Lagged sums of frames that arrive in order, in pieces of any length: centred, gathered in blocks, multiplied.

Index letters as in `lagged_sums`. A block holds the `max(lags)` frames before it as well: new frames are
targets, and those with the frames before them are sources.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr.errors import NonFiniteActivity
from netxr.kernels.centring import subtract
from netxr.kernels.lagged_sums import (
    PRODUCTS,
    SAMPLES,
    SQUARES,
    VALID,
    Frames,
    LaggedSums,
    Pass,
    as_sources,
    no_sums,
)
from netxr.kernels.products import Care, add_products, care_for

GROUPED_SAMPLES: Final = 2**16
"""Samples that are averaged over groups at a time where they lie frame by frame."""

CORRECTED_FRAMES: Final = 2048
"""Frames whose weight differs from lag to lag that are taken at a time."""

ADDED_FRAMES: Final = 64
"""Frames of a float32 sum where they lie one after the other in memory."""

FLOAT32_FRAMES: Final = 512
"""Frames whose samples and squares are added up in float32, one after the other, before float64 takes over."""


LEAST_SQUARE: Final = {"float32": 2.0**-240, "float64": 2.0**-1040}
"""A mean square, in each precision, below which samples or their squares have lost digits."""


def sums_of(pieces: Iterator[NDArray[Any]], offset: int, *, shift: NDArray[Any], place: str, todo: Pass) -> LaggedSums:
    """Return the sums over a segment of a trial.

    Parameters
    ----------
    pieces : iterator of ndarray, (i, t)
        The frames, in order.
    offset : int
        Where in the trial the segment begins.
    shift : ndarray, (i)
        Provisional mean.
    place : str
        What to call the data in an error.
    todo : Pass
        What to accumulate.

    Raises
    ------
    NonFiniteActivity
        If a sample is NaN or infinite and is to be an error, or sums or products of finite samples overflow.
    """
    if todo.marked:
        shift = np.append(shift[:-1], 0)
    sums = no_sums(todo, shift)
    block = FrameBlock(todo, shift, place=place, offset=offset, room=todo.block)
    for piece in pieces:
        first = 0
        while first < piece.shape[1]:
            first += block.take(piece[:, first:])
            if block.filled == todo.block:
                sums = add_block(sums, block.layers, block.good, todo=todo)
                block.empty_out()
    if block.filled:
        sums = add_block(sums, block.layers, block.good, todo=todo)
    return _finite(sums, todo=todo, place=place)


# --- blocks of frames ------------------------------------------------------------------


class FrameBlock:
    """A block of at most `room` frames that is filled piece by piece; the `max_lag` frames before it stand in front.

    It begins at frame `offset` of a trial, which an error calls `place`; `shift`, (i), is taken off each frame.
    """

    def __init__(self, todo: Pass, shift: NDArray[Any], *, place: str, offset: int, room: int) -> None:
        self._todo, self.shift, self._place, self._offset = todo, shift, place, offset
        self._room = room
        self._layers = np.empty((0, 0, 0))
        self._good = np.zeros(todo.max_lag + room, bool)
        self.filled = 0

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
        subtract(part, self.shift, out=samples)
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
            # SciPy copies samples that lie frame by frame: a part at a time, the copy stays in a cache.
            n_frames = part.shape[1]
            frame_by_frame = samples.strides[1] > samples.strides[0]
            length = max(1, GROUPED_SAMPLES // n) if frame_by_frame else max(1, n_frames)
            groups = self._layers[SAMPLES, n:, new]
            for first in range(0, n_frames, length):
                groups[:, first : first + length] = todo.groups @ samples[:, first : first + length]

    def _check_range(self, part: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Raise if finite samples are none any more in the precision of the products: those are not missing."""
        lost = (np.isfinite(part) & ~valid).any(axis=1)
        if lost.any():
            raise _out_of_range(self._place, int(np.argmax(lost)))

    def empty_out(self) -> None:
        """Keep the last frames as those before the block, and make room for the frames that follow."""
        max_lag = self._todo.max_lag
        self._layers[..., :max_lag] = self.layers[..., self.filled :].copy()
        self._good[:max_lag] = self.good[self.filled :].copy()
        self._offset += self.filled
        self.filled = 0

    def parts(self) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_]]]:
        """Yield the layers of some frames at a time, behind the frames before them, and which of these are good."""
        length, max_lag = self._todo.block, self._todo.max_lag
        for start in range(0, self.filled, length):
            part = slice(start, start + length + max_lag)
            yield self.layers[..., part], self.good[part]


def _non_finite(frames: NDArray[Any], *, place: str, offset: int) -> NonFiniteActivity:
    """Return the error for samples that are NaN or infinite, or that overflow when they are counted from a mean."""
    wrong = np.argwhere(~np.isfinite(frames))
    neuron, frame = wrong[np.lexsort(wrong.T)[0]] if len(wrong) < 10**6 else wrong[0]
    return NonFiniteActivity(
        place,
        got=f"{len(wrong):,} samples that are NaN or infinite in frames {offset} to {offset + frames.shape[1] - 1}, "
        f"the first at neuron number {neuron} (from 0), frame {offset + frame}",
        expected="finite samples",
        fix="Fill the frames that hold them with netxr.interpolate_frames, or, where `missing` is an argument, leave "
        'them out with missing="drop", or the samples alone with missing="pairwise".',
    )


TOO_LARGE: Final = "so large that they overflow"
TOO_SMALL: Final = "so small that their squares vanish"


def _out_of_range(place: str, neuron: int, what: str = TOO_LARGE) -> NonFiniteActivity:
    """Return the error for finite samples whose sums or products are not, or are rounded away."""
    expected = "a range whose products the precision can hold"
    got = f"samples of neuron number {neuron} (from 0) {what}"
    return NonFiniteActivity(place, got=got, expected=expected, fix="Rescale them.")


# --- sums over blocks ------------------------------------------------------------------


def sides_of_block(block: FrameBlock, *, todo: Pass) -> LaggedSums:
    """Return the sums over a whole trial that is in memory as one block, without any product.

    They are the same for all targets, so that they are made once, however many parts the targets are taken in.
    """
    no_targets = replace(todo, targets=(0, 0))
    sums = no_sums(no_targets, block.shift)
    for layers, good in block.parts():
        sums = add_block(sums, layers, good, todo=no_targets)
    return sums


def sums_of_block(
    block: FrameBlock, sides: LaggedSums, *, todo: Pass, place: str, going_on: Callable[[int], object]
) -> LaggedSums:
    """Return the sums over a whole trial that is in memory as one block.

    Parameters
    ----------
    block : FrameBlock
        All frames.
    sides : LaggedSums
        What `sides_of_block` makes of it.
    todo : Pass
        What to accumulate.
    place : str
        What to call the data in an error.
    going_on : callable
        Called with how many frames are done, before each part of them; what it raises ends the work.

    Raises
    ------
    NonFiniteActivity
        If sums or products of finite samples overflow.
    """
    sums = sides._replace(product=no_sums(todo, block.shift).product)
    for k, (layers, _) in enumerate(block.parts()):
        going_on(k * todo.block)
        add_products(sums.product, layers, care_for(layers, sides, todo=todo), todo=todo)
    return _finite(sums, todo=todo, place=place)


def _finite(sums: LaggedSums, *, todo: Pass, place: str) -> LaggedSums:
    """Return sums, or raise if finite samples are so large or so small that they are wrong."""
    n = len(sums.shift)
    square = sums.square[:n]
    large = ~np.isfinite(square)
    if not np.isfinite(sums.product).all():
        large[todo.rows] |= ~np.isfinite(sums.product).all(axis=(0, 1, 3))
    small = (square > 0) & (square < sums.n_frames * LEAST_SQUARE[todo.precision.name])
    for wrong, what in ((large, TOO_LARGE), (small, TOO_SMALL)):
        if wrong.any():
            raise _out_of_range(place, int(np.argmax(wrong)), what)
    return sums


@np.errstate(over="ignore", invalid="ignore")  # said by an error that names the place
def add_block(sums: LaggedSums, layers: NDArray[Any], good: NDArray[np.bool_], *, todo: Pass) -> LaggedSums:
    """Return sums with those over the frames of a block that follows; arrays of `sums` are added to in place.

    Parameters
    ----------
    sums : LaggedSums
        Sums over all frames before.
    layers : ndarray, (p, n, max_lag + t)
        Frames of the block behind those before it.
    good : ndarray of bool, (max_lag + t)
        Which of them enter any pair.
    todo : Pass
        What to accumulate.
    """
    max_lag = todo.max_lag
    n_frames = sums.n_frames + layers.shape[2] - max_lag
    care = care_for(layers, sums, todo=todo)
    _add_sides(sums, layers, good, care, todo)
    add_products(sums.product, layers, care, todo=todo)
    block = Frames(layers, good)
    own = block.copied(slice(max_lag, 2 * max_lag - len(sums.head.good)))
    return sums._replace(
        n_frames=n_frames,
        head=Frames(*(np.concatenate(parts, axis=-1) for parts in zip(sums.head, own, strict=True))),
        tail=block.copied(slice(layers.shape[2] - min(max_lag, n_frames), None)),
    )


def _add_sides(sums: LaggedSums, layers: NDArray[Any], good: NDArray[np.bool_], care: Care | None, todo: Pass) -> None:
    """Add sums and squares over the frames that each lag has partners for: those over all, and corrections.

    Where frames are marked they may be few of all, and are added up by themselves.
    """
    x = layers[SAMPLES]
    new = x[:, todo.max_lag :]
    totals = np.zeros((2, len(x)))
    at_a_time = FLOAT32_FRAMES if todo.precision == np.float32 else new.shape[1]
    for first in range(0, new.shape[1], at_a_time):
        part = new[:, first : first + at_a_time]
        totals += _sums_and_squares(part)
    for i in np.flatnonzero(care.alone) if care else []:
        exact = new[i].astype(np.float64)
        totals[:, i] = exact.sum(), exact @ exact
    for i in np.flatnonzero(totals[1] == 0):
        if new[i].any():
            totals[1, i] = np.finfo(
                np.float64
            ).smallest_subnormal  # not constant: what is so small is an error, if it remains so
    sums.square[:] += totals[1]
    frames, of_target, of_source = _corrections(good, as_sources(layers, good, todo), todo)
    if not todo.marked:
        sums.of_target[:] += totals[:, None]
        sums.of_source[:] += totals[:, None]
        sums.n_pairs[:] += int(good[todo.max_lag :].sum())
    for first in range(0, len(frames), CORRECTED_FRAMES):
        some = slice(first, first + CORRECTED_FRAMES)
        few = x[:, frames[some]].astype(np.float64)
        for power in range(2):
            sums.of_target[power] += of_target[:, some] @ few.T
            sums.of_source[power] += of_source[:, some] @ few.T
            np.square(few, out=few)
    sums.n_pairs[:] += of_target.sum(axis=1).astype(np.int64)


def _corrections(
    good: NDArray[np.bool_], source: NDArray[np.bool_], todo: Pass
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what sums over all new frames of a block lack or have too much, as weights of some frames.

    Parameters
    ----------
    good : ndarray of bool, (t)
        Which frames enter any pair; the first `todo.max_lag` are those before the block.
    source : ndarray of bool, (t)
        Which of them may be sources.
    todo : Pass
        What is accumulated.

    Returns
    -------
    frames : ndarray of int, (e)
        Positions of frames whose weight differs for some lag.
    of_target, of_source : ndarray, (r, e)
        What to add to a weight of one for new frames, and of zero for those before them; where frames are marked, of
        zero for all.
    """
    max_lag, n_frames = todo.max_lag, len(good)
    # Frames at the ends, and those that have a bad one within reach.
    n_bad = np.concatenate([[0], np.cumsum(~good)])
    frames = np.arange(n_frames)
    around = n_bad[np.minimum(frames + max_lag + 1, n_frames)] - n_bad[np.maximum(frames - max_lag, 0)]
    frames = frames[(frames < 2 * max_lag) | (frames >= n_frames - max_lag) | (around > 0) | todo.marked]
    lags = np.array(todo.lags)[:, None]
    before, after = frames - lags, frames + lags
    counted = (frames >= max_lag) & good[frames]
    of_target = counted & source[np.maximum(before, 0)]
    of_source = source[frames] & (after >= max_lag) & (after < n_frames) & good[np.minimum(after, n_frames - 1)]
    known = counted & (not todo.marked)
    wrong = ((of_target != known) | (of_source != known)).any(axis=0)
    weights = (side[:, wrong].astype(np.float64) - known[wrong] for side in (of_target, of_source))
    return frames[wrong], *weights


def _sums_and_squares(frames: NDArray[Any]) -> NDArray[Any]:
    """Return the sum and the sum of squares of each row, (n, t) -> (2, n), in the way that suits the memory order."""
    if frames.strides[1] == frames.itemsize:
        ones = np.ones(frames.shape[1], frames.dtype)
        return np.stack([frames @ ones, np.matmul(frames[:, np.newaxis], frames[:, :, np.newaxis])[:, 0, 0]])
    if frames.dtype != np.float32:
        return np.stack([frames @ np.ones(frames.shape[1]), np.einsum("it,it->i", frames, frames)])
    # One frame is added to the next here, and the sums are rounded the more the longer they are.
    found = np.zeros((2, len(frames)))
    whole = frames.shape[1] // ADDED_FRAMES * ADDED_FRAMES
    for some in (frames[:, :whole].T.reshape(-1, ADDED_FRAMES, len(frames)), frames[:, whole:].T[np.newaxis]):
        found[0] += some.sum(axis=1).sum(axis=0, dtype=np.float64)
        found[1] += np.einsum("gti,gti->gi", some, some).sum(axis=0, dtype=np.float64)
    return found
