"""Lagged sums of frames that arrive in order, in pieces of any length.

Index letters as in `lagged_sums`. A block holds the `max(lags)` frames before it as well: new frames are
targets, and those with the frames before them are sources.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr.kernels.frame_blocks import FrameBlock, frames_of, overflow
from netxr.kernels.lag_spectrum import add_lagged_products
from netxr.kernels.lagged_sums import PRODUCTS, SAMPLES, Edges, Floats, Frames, LaggedSums, Pass

PRODUCT_ROWS: Final = 1024
"""Targets of a product at a time: a fast product already, and the partial result takes little memory."""

PRODUCT_COLUMNS: Final = 4096
"""Sources of a product at a time."""

CORRECTED_FRAMES: Final = 2048
"""Frames whose weight differs from lag to lag that are taken at a time."""

FLOAT32_FRAMES: Final = 512
"""Frames whose samples and squares are added up in float32, one after the other, before float64 takes over."""


class RunningSums:
    """Sums over a segment of a trial that grow with every piece of it.

    Parameters
    ----------
    todo : Pass
        What to accumulate.
    shift : ndarray, (i)
        Provisional mean.
    place : str
        What to call the data in an error.
    offset : int
        Where in the trial the segment begins.
    """

    def __init__(self, todo: Pass, shift: NDArray[Any], *, place: str, offset: int) -> None:
        self._todo, self._place = todo, place
        self._sums = no_sums(todo, shift)
        self._block = FrameBlock(todo, shift, place=place, offset=offset, room=todo.block)

    def add(self, frames: NDArray[Any]) -> None:
        """Add the frames that follow, (i, t).

        Raises
        ------
        NonFiniteActivity
            If a sample is NaN or infinite and is to be an error.
        """
        first = 0
        while first < frames.shape[1]:
            first += self._block.take(frames[:, first:])
            if self._block.is_full:
                self._multiply()

    def _multiply(self) -> None:
        """Add the sums over the block, and make room for the next one."""
        self._sums = add_block(self._sums, self._block.layers, self._block.good, todo=self._todo)
        self._block.empty_out()

    def result(self) -> LaggedSums:
        """Return the sums over all frames so far.

        Raises
        ------
        NonFiniteActivity
            If sums or products of finite samples overflow.
        """
        if self._block.filled:
            self._multiply()
        return check_finite(self._sums, place=self._place)


def sides_of_block(block: FrameBlock, *, todo: Pass) -> LaggedSums:
    """Return the sums over a whole trial that is in memory as one block, without any product.

    They are the same for all targets, so that they are made once, however many parts the targets are taken in.
    """
    no_targets = replace(todo, targets=(0, 0))
    sums = no_sums(no_targets, block.shift)
    for layers, good in _parts(block, todo):
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
    for k, (layers, _) in enumerate(_parts(block, todo)):
        going_on(k * todo.block)
        add_products(sums, layers, todo=todo)
    return check_finite(sums, place=place)


def _parts(block: FrameBlock, todo: Pass) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_]]]:
    """Yield the layers of some frames at a time, behind the frames before them, and which of these are good."""
    for start in range(0, block.filled, todo.block):
        part = slice(start, start + todo.block + todo.max_lag)
        yield block.layers[..., part], block.good[part]


def check_finite(sums: LaggedSums, *, place: str) -> LaggedSums:
    """Return sums if no finite sample made them overflow.

    Raises
    ------
    NonFiniteActivity
        If one did.
    """
    if not (np.isfinite(sums.square).all() and np.isfinite(sums.product).all()):
        raise overflow(place)
    return sums


def no_sums(todo: Pass, shift: NDArray[Any]) -> LaggedSums:
    """Return the sums over no frame."""
    n_neurons, n_lags = len(shift), len(todo.lags)
    n_rows, index = n_neurons + todo.n_groups, np.arange(n_neurons)
    shape = (n_lags, len(PRODUCTS[todo.missing]), index[todo.rows].size, index[todo.columns].size)
    of_target, of_source = np.zeros((2, 2, n_lags, n_rows))
    n_layers = 1 + max(max(pair) for pair in PRODUCTS[todo.missing])
    nothing = Frames(np.empty((n_layers, n_rows, 0), todo.precision), np.empty(0, bool))
    return LaggedSums(
        n_frames=0,
        n_pairs=np.zeros(n_lags, np.int64),
        square=np.zeros(n_rows),
        of_target=of_target,
        of_source=of_source,
        product=np.zeros(shape),
        head=nothing,
        tail=nothing,
        edges=Edges(np.empty((n_neurons, 0)), np.empty(0, np.int64), np.empty(0, np.int64)),
        shift=shift,
    )


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
    _add_sides(sums, layers[SAMPLES], good, todo)
    add_products(sums, layers, todo=todo)
    own = frames_of(layers[..., max_lag:], good[max_lag:], slice(0, max_lag - len(sums.head.good)))
    n_frames = sums.n_frames + layers.shape[2] - max_lag
    return sums._replace(
        n_frames=n_frames,
        head=Frames(*(np.concatenate(parts, axis=-1) for parts in zip(sums.head, own, strict=True))),
        tail=frames_of(layers, good, slice(layers.shape[2] - min(max_lag, n_frames), None)),
    )


@np.errstate(over="ignore", invalid="ignore")  # as above
def add_products(sums: LaggedSums, layers: NDArray[Any], *, todo: Pass) -> None:
    """Add the products over the frames of a block alone, with `layers` as in `add_block`."""
    if not sums.product.size:
        return
    n_neurons = layers.shape[1] - todo.n_groups
    for q, (over, under) in enumerate(PRODUCTS[todo.missing]):
        targets, sources = layers[over, :n_neurons, todo.max_lag :][todo.rows], layers[under, :n_neurons][todo.columns]
        _add_products(sums.product[:, q], targets, sources, todo)


def _add_products(product: Floats, targets: NDArray[Any], sources: NDArray[Any], todo: Pass) -> None:
    """Add the products at all lags, (r, i, j): lag by lag, or by way of Fourier segments."""
    if todo.fourier is not None:
        add_lagged_products(product, targets, sources, lags=todo.lags, segment=todo.fourier)
        return
    own = targets.shape[1]
    height, width = (
        _even_part(len(side), most) for side, most in ((targets, PRODUCT_ROWS), (sources, PRODUCT_COLUMNS))
    )
    partial = np.empty((height, width), todo.precision)
    for total, lag in zip(product, todo.lags, strict=True):
        _add_product(total, targets, sources[:, todo.max_lag - lag : todo.max_lag - lag + own], partial)


def _even_part(length: int, most: int) -> int:
    """Return the length of parts of about the same length, each `most` or less."""
    return -(-length // -(-length // most))


def _add_sides(sums: LaggedSums, x: NDArray[Any], good: NDArray[np.bool_], todo: Pass) -> None:
    """Add sums and squares over the frames that each lag has partners for: those over all, and corrections."""
    new = x[:, todo.max_lag :]
    totals = np.zeros((2, len(x)))
    at_a_time = FLOAT32_FRAMES if todo.precision == np.float32 else new.shape[1]
    for first in range(0, new.shape[1], at_a_time):
        part = new[:, first : first + at_a_time]
        totals[0] += part @ np.ones(part.shape[1], todo.precision)
        totals[1] += _squares(part)
    sums.square[:] += totals[1]
    frames, of_target, of_source = _corrections(good, todo)
    sums.of_target[:] += totals[:, None]
    sums.of_source[:] += totals[:, None]
    for first in range(0, len(frames), CORRECTED_FRAMES):
        some = slice(first, first + CORRECTED_FRAMES)
        few = x[:, frames[some]].astype(np.float64)
        for power in range(2):
            sums.of_target[power] += of_target[:, some] @ few.T
            sums.of_source[power] += of_source[:, some] @ few.T
            np.square(few, out=few)
    sums.n_pairs[:] += int(good[todo.max_lag :].sum()) + of_target.sum(axis=1).astype(np.int64)


def _corrections(
    good: NDArray[np.bool_], todo: Pass
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what sums over all new frames of a block lack or have too much, as weights of some frames.

    Parameters
    ----------
    good : ndarray of bool, (t)
        Which frames enter any pair; the first `todo.max_lag` are those before the block.
    todo : Pass
        What is accumulated.

    Returns
    -------
    frames : ndarray of int, (e)
        Positions of frames whose weight differs for some lag.
    of_target, of_source : ndarray, (r, e)
        What to add to a weight of one for new frames, and of zero for those before them.
    """
    max_lag, n_frames = todo.max_lag, len(good)
    # Frames at the ends, and those that have a bad one within reach.
    n_bad = np.concatenate([[0], np.cumsum(~good)])
    frames = np.arange(n_frames)
    around = n_bad[np.minimum(frames + max_lag + 1, n_frames)] - n_bad[np.maximum(frames - max_lag, 0)]
    frames = frames[(frames < 2 * max_lag) | (frames >= n_frames - max_lag) | (around > 0)]
    lags = np.array(todo.lags)[:, None]
    before, after = frames - lags, frames + lags
    counted = (frames >= max_lag) & good[frames]
    of_target = counted & good[np.maximum(before, 0)]
    of_source = good[frames] & (after >= max_lag) & (after < n_frames) & good[np.minimum(after, n_frames - 1)]
    wrong = ((of_target != counted) | (of_source != counted)).any(axis=0)
    weights = (side[:, wrong].astype(np.float64) - counted[wrong] for side in (of_target, of_source))
    return frames[wrong], *weights


def _add_product(total: Floats, targets: NDArray[Any], sources: NDArray[Any], partial: NDArray[Any]) -> None:
    """Add the product of (i, t) and (j, t) to `total`, (i, j), a tile at a time by way of `partial`."""
    height, width = partial.shape
    for first in range(0, len(targets), height):
        for left in range(0, len(sources), width):
            rows, columns = targets[first : first + height], sources[left : left + width]
            part = partial[: len(rows), : len(columns)]
            total[first : first + height, left : left + width] += np.matmul(rows, columns.T, out=part)


def _squares(frames: NDArray[Any]) -> NDArray[Any]:
    """Return the sum of squares of each row, (n, t) -> (n), by the product that suits the memory order."""
    if frames.strides[1] == frames.itemsize:
        return np.asarray(np.matmul(frames[:, np.newaxis], frames[:, :, np.newaxis])[:, 0, 0])
    return np.asarray(np.einsum("it,it->i", frames, frames))
