"""Lagged sums of frames that arrive in order, in pieces of any length: gathered in blocks, and multiplied.

Index letters as in `lagged_sums`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr.kernels.frame_blocks import (
    PILOT_FRAMES,
    TOO_LARGE,
    TOO_SMALL,
    FrameBlock,
    out_of_range,
    provisional_mean,
)
from netxr.kernels.lagged_sums import (
    SAMPLES,
    Floats,
    Frames,
    LaggedSums,
    Pass,
    as_sources,
    close_trial,
    no_sums,
    pair_weights,
)
from netxr.kernels.products import Care, add_products, care_for

CORRECTED_FRAMES: Final = 2048
"""Frames whose weight differs from lag to lag that are taken at a time."""

ADDED_FRAMES: Final = 64
"""Frames of a float32 sum where they lie one after the other in memory."""

FLOAT32_FRAMES: Final = 512
"""Frames whose samples and squares are added up in float32, one after the other, before float64 takes over."""

FAR_FROM_OVERFLOW: Final = {"float32": 2.0**100, "float64": 2.0**1000}
"""Sums of squares, in each precision, below which products do not overflow, nor what Fourier segments make of them."""

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
    return sums_of_each(pieces, offset, shift=shift, place=place, todos=[todo])[0]


def sums_of_each(
    pieces: Iterator[NDArray[Any]], offset: int, *, shift: NDArray[Any], place: str, todos: Sequence[Pass]
) -> list[LaggedSums]:
    """Return the sums of several passes over a segment whose frames are taken once; all as in `sums_of`."""
    running = [Running(todo, shift, place=place, offset=offset) for todo in todos]
    for piece in pieces:
        for one in running:
            one.take(piece)
    return [one.whole() for one in running]


def sums_of_stretches(
    pieces: Iterator[NDArray[Any]], spans: Sequence[slice], products: Floats, *, place: str, todo: Pass
) -> Iterator[LaggedSums]:
    """Yield the sums over each of some stretches of a trial, whose frames are taken once, about a mean of its own.

    Parameters
    ----------
    pieces : iterator of ndarray, (i, t)
        The frames, in order, from the first one of the first stretch.
    spans : sequence of slice
        Which frames of the trial each stretch holds, in order: behind its first `max(lags)` frames, which the stretch
        before it ends with. One that begins with the trial has no such frames.
    products : ndarray, (s, r, q, i, j)
        Zeros, which become the sums over products of each stretch.
    place, todo
        As in `sums_of`.
    """
    frames = Overlapping(pieces, at=spans[0].start, overlap=todo.max_lag)
    for span, product in zip(spans, products, strict=True):
        own = replace(todo, lead=todo.max_lag if span.start else 0, start=span.start)
        parts = frames.within(span)
        first = [next(parts)]
        while sum(part.shape[1] for part in first) < PILOT_FRAMES and (further := next(parts, None)) is not None:
            first.append(further)
        shift = provisional_mean(max(first, key=lambda part: part.shape[1]))
        running = Running(own, shift, place=place, offset=0, product=product)
        for part in chain(first, parts):
            running.take(part)
        yield close_trial(running.whole(), todo=own)


class Overlapping:
    """Stretches of frames that arrive in pieces, (i, t), one stretch after the other, of which each overlaps the last.

    `at` is the number of the first frame, and `overlap` how many frames of a stretch the next one has as well.
    """

    def __init__(self, pieces: Iterator[NDArray[Any]], *, at: int, overlap: int) -> None:
        self._pieces, self._next, self._overlap = pieces, at, overlap
        self._held: list[tuple[int, NDArray[Any]]] = []

    def within(self, span: slice) -> Iterator[NDArray[Any]]:
        """Yield the pieces of a stretch; all of them are taken before those of the next one."""
        held = [(at, piece) for at, piece in self._held if at + piece.shape[1] > span.start]
        for at, piece in chain(held, self._arriving(span.stop)):
            yield piece[:, max(0, span.start - at) : span.stop - at]

    def _arriving(self, stop: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield pieces up to a frame, and where they begin; those that the next stretch needs as well are held."""
        while self._next < stop:
            at, piece = self._next, next(self._pieces)
            self._next += piece.shape[1]
            least = min(stop, self._next) - self._overlap
            self._held = [one for one in self._held if one[0] + one[1].shape[1] > least] + [(at, piece)]
            yield at, piece


class Running:
    """Sums of one pass over the frames of a segment so far."""

    def __init__(
        self, todo: Pass, shift: NDArray[Any], *, place: str, offset: int, product: Floats | None = None
    ) -> None:
        shift = np.append(shift[:-1], 0) if todo.marked else shift
        self._todo, self._place, self._sums = todo, place, no_sums(todo, shift, product)
        room = max(todo.block, todo.lead)
        self._block = FrameBlock(todo, shift, place=place, offset=todo.start + offset, room=room)
        self._to_lead = todo.lead

    def take(self, piece: NDArray[Any]) -> None:
        """Add the frames of a piece, (i, t)."""
        first = min(self._to_lead, piece.shape[1])
        if first:
            self._block.take(piece[:, :first])
            self._to_lead -= first
            if not self._to_lead:
                self._sums = self._sums._replace(head=self._block.led())
        while first < piece.shape[1]:
            first += self._block.take(piece[:, first:])
            if self._block.filled == self._todo.block:
                self._add()
                self._block.empty_out()

    def whole(self) -> LaggedSums:
        """Return the sums over all frames."""
        if self._block.filled:
            self._add()
        return _finite(self._sums, todo=self._todo, place=self._place)

    def _add(self) -> None:
        """Add those over the frames of the block."""
        self._sums = add_block(self._sums, self._block.layers, self._block.good, todo=self._todo)


# --- sums over blocks ------------------------------------------------------------------


class Held(NamedTuple):
    """A whole trial that is in memory as one block, and what of it is the same for all targets."""

    block: FrameBlock
    sides: LaggedSums  # without any product
    cares: list[Care | None]  # of its parts


def held(block: FrameBlock, *, todo: Pass) -> Held:
    """Return a block of all frames with what is made of it once, however many parts the targets are taken in."""
    no_targets = replace(todo, targets=(0, 0))
    sides = no_sums(no_targets, block.shift)
    for layers, good in block.parts():
        sides = add_block(sides, layers, good, todo=no_targets)
    return Held(block, sides, [care_for(layers, sides, todo=todo) for layers, _ in block.parts()])


def sums_of_held(trial: Held, *, todo: Pass, place: str, going_on: Callable[[int], object]) -> LaggedSums:
    """Return the sums over a whole trial that is in memory.

    Parameters
    ----------
    trial : Held
        As `held` returns it.
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
    sums = trial.sides._replace(product=no_sums(todo, trial.block.shift).product)
    for k, ((layers, _), care) in enumerate(zip(trial.block.parts(), trial.cares, strict=True)):
        going_on(k * todo.block)
        add_products(sums.product, layers, care, todo=todo)
    return _finite(sums, todo=todo, place=place)


def _finite(sums: LaggedSums, *, todo: Pass, place: str) -> LaggedSums:
    """Return sums, or raise if finite samples are so large or so small that they are wrong."""
    n = len(sums.shift)
    square = sums.total[1, :n]
    large = ~np.isfinite(square)
    if not _are_finite(sums, square, todo=todo):
        large[todo.rows] |= ~np.isfinite(sums.product).all(axis=(0, 1, 3))
    small = (square > 0) & (square < sums.n_frames * LEAST_SQUARE[todo.precision.name])
    for wrong, what in ((large, TOO_LARGE), (small, TOO_SMALL)):
        if wrong.any():
            raise out_of_range(place, int(np.argmax(wrong)), what)
    return sums


@np.errstate(over="ignore", invalid="ignore")  # of what is large, each product is looked at
def _are_finite(sums: LaggedSums, square: NDArray[Any], *, todo: Pass) -> bool:
    """Return whether all products are finite, which small squares, (n), of both sides tell without a look at them."""
    before = sums.head.layers[SAMPLES].astype(np.float64)  # where frames lead, no square holds them
    largest = square.max(initial=0) + np.square(before).sum(axis=1).max(initial=0)
    return bool(largest < FAR_FROM_OVERFLOW[todo.precision.name] or np.isfinite(sums.product).all())


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
    """Add sums and squares over all frames, and what frames without partners take away at each lag.

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
    sums.total[:] += totals
    if not todo.marked:
        sums.n_pairs[:] += int(good[todo.max_lag :].sum())
        if good.all():
            return
    frames, of_target, of_source = _weights(good, as_sources(layers, good, todo), todo)
    for first in range(0, len(frames), CORRECTED_FRAMES):
        some = slice(first, first + CORRECTED_FRAMES)
        few = x[:, frames[some]].astype(np.float64)
        for power in range(2):
            sums.of_target[power] += of_target[:, some] @ few.T
            sums.of_source[power] += of_source[:, some] @ few.T
            np.square(few, out=few)
    sums.n_pairs[:] += of_target.sum(axis=1).astype(np.int64)


def _weights(
    good: NDArray[np.bool_], source: NDArray[np.bool_], todo: Pass
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what the pairs of a block count for in the sums over targets and over sources, as weights of some frames.

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
        Positions of frames that count at some lag.
    of_target, of_source : ndarray, (r, e)
        Their weights, as `pair_weights` returns them.
    """
    max_lag, n_frames = todo.max_lag, len(good)
    # Where frames are not marked, those that have a bad one within reach.
    n_bad = np.concatenate([[0], np.cumsum(~good)])
    frames = np.arange(n_frames)
    around = n_bad[np.minimum(frames + max_lag + 1, n_frames)] - n_bad[np.maximum(frames - max_lag, 0)]
    frames = frames[(around > 0) | todo.marked]
    lags = np.array(todo.lags)[:, None]
    before, after = np.maximum(frames - lags, 0), frames + lags
    within = (after >= max_lag) & (after < n_frames)
    after = np.minimum(after, n_frames - 1)
    of_target, _ = pair_weights(good[frames], good[before], source[before], todo)
    _, of_source = pair_weights(good[after], good[frames], source[frames], todo)
    of_target, of_source = of_target * (frames >= max_lag), of_source * within
    some = ((of_target != 0) | (of_source != 0)).any(axis=0)
    return frames[some], of_target[:, some], of_source[:, some]


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
