"""Sums over stretches of one trial from which its lagged moments follow; those of two stretches add up.

Index letters: i target neuron, j source neuron, t frame, r lag, e edge frame. A lag l pairs x[i, t + l]
with x[j, t]. Over a whole trial every frame is a source and a target of every lag, but for the few near its
ends (and beside dropped frames) which have no partner: the edge frames. So the sums that a lag needs are the
sums over all frames less what that lag leaves out; only the products are a matter of each lag.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr.errors import NonFiniteActivity

Floats = NDArray[np.float64]

BLOCK_BYTES: Final = 2**22
"""Samples that are centred and multiplied at a time: small enough for a cache, large enough for a fast product."""

BLOCK_TARGETS: Final = 512
"""Targets of a product at a time: a fast product already, and the partial result takes little memory."""

PILOT_FRAMES: Final = 63
"""The most frames that the provisional mean is taken from."""

FLOAT32_FRAMES: Final = 512
"""Frames whose samples and squares are added up in float32, one after the other, before float64 takes over."""


class LaggedSums(NamedTuple):
    """Sums over a stretch of frames of samples counted from a provisional mean; those of two stretches add up."""

    n_frames: int
    total: Floats  # (i): sum of samples
    square: Floats  # (i): sum of squared samples
    product: Floats  # (r, i, j): sum of x[i, t + l] x[j, t] over the pairs that lag r offers
    edges: Floats  # (i, e): samples of the edge frames
    not_target: NDArray[np.bool_]  # (r, e): lag r has no source for the frame
    not_source: NDArray[np.bool_]  # (r, e): lag r has no target for the frame


def block_frames(n_neurons: int, reach: int, precision: np.dtype[Any]) -> int:
    """Return how many frames of `n_neurons` are multiplied at a time; the `reach` frames after them come on top."""
    return max(BLOCK_BYTES // (n_neurons * precision.itemsize), 512, 4 * reach)


def provisional_mean(frames: NDArray[Any]) -> NDArray[Any]:
    """Return a value near the bulk of each neuron's samples, (i, t) -> (i): the median of some finite frames.

    Counting from it keeps products small beside what they are to resolve: raw float32 sums of a membrane
    potential near -65 lose every digit. The frames are spread over all that there are, because the first ones may
    be unlike the rest; a median ignores strange frames and returns a constant exactly.
    """
    pilot = frames[:, :: -(-frames.shape[1] // PILOT_FRAMES)]
    finite = np.isfinite(pilot)
    if finite.all():
        return np.asarray(np.median(pilot, axis=1))
    rows = (row[np.isfinite(row)] for row in frames)
    return np.array([np.median(row[:: -(-len(row) // PILOT_FRAMES)]) if len(row) else 0 for row in rows])


@np.errstate(over="ignore", invalid="ignore")  # what they are about is said by an error that names the place
def lagged_sums(
    frames: NDArray[Any],
    *,
    start: int,
    stop: int,
    offset: int,
    lags: Sequence[int],
    shift: NDArray[Any],
    sources: Sequence[int] | slice,
    precision: np.dtype[Any],
    drop: bool,
    place: str,
) -> LaggedSums:
    """Sum products of frames with the frames `lags` later, for sources in one stretch of a trial.

    Parameters
    ----------
    frames : ndarray, (i, t)
        A trial, or a part of one that holds the stretch and the max(lags) frames after it (fewer only where
        the trial ends).
    start, stop : int
        The stretch: source frames start <= t < stop of `frames`.
    offset : int
        Where in the trial `frames` begins.
    lags : sequence of int
        Lags, 0 and above.
    shift : ndarray, (i)
        Provisional mean.
    sources : sequence of int or slice
        Which neurons are sources.
    precision : dtype
        float32 or float64: of the products of one block. Sums over blocks are float64.
    drop : bool
        Drop frames that hold a non-finite sample, with all their pairs; otherwise they are an error.
    place : str
        What to call the data in that error.

    Raises
    ------
    NonFiniteActivity
        If a sample is NaN or infinite and `drop` is false, or a product overflows.
    """
    n, reach = len(frames), max(lags)
    n_blocks = max(1, round((stop - start) / block_frames(n, reach, precision)))
    length = -(-(stop - start) // n_blocks)
    width = length + reach
    # In the memory order of the samples, so that centring reads and writes in sequence.
    scratch = np.empty((n, width), precision, order="C" if frames.strides[1] <= frames.strides[0] else "F")
    # float32 samples lose no digit to a float32 difference if float64 products are asked for.
    exact = np.result_type(frames, shift, precision)
    total, square = np.zeros(n), np.zeros(n)
    product = np.zeros((len(lags), n, np.empty(n)[sources].size))
    partial = np.empty((min(n, BLOCK_TARGETS), product.shape[2]), precision)
    n_frames, edges = 0, []
    for begin in range(start, stop, length):
        own = min(length, stop - begin)
        block = frames[:, begin : begin + own + reach]
        centred = scratch[:, : block.shape[1]]
        np.subtract(block, shift[:, None], out=centred, dtype=exact, casting="same_kind")
        good = _good_frames(centred, frames, drop=drop, offset=offset, place=place)
        at_a_time = FLOAT32_FRAMES if precision == np.float32 else own
        for first in range(0, own, at_a_time):
            part = centred[:, first : min(first + at_a_time, own)]
            total += part @ np.ones(part.shape[1], precision)
            square += _squares(part)
        for r, lag in enumerate(lags):
            pairs = min(own, block.shape[1] - lag)
            if pairs > 0:
                _add_product(product[r], centred[:, lag : lag + pairs], centred[sources, :pairs], partial)
        n_frames += int(good[:own].sum())
        edges.append(_edge_frames(centred, good, own=own, first=offset + begin, lags=lags))
    if not (np.isfinite(square).all() and np.isfinite(product).all()):
        raise _overflow(place)
    return LaggedSums(
        n_frames, total, square, product, *(np.concatenate(parts, axis=1) for parts in zip(*edges, strict=True))
    )


def _add_product(total: Floats, targets: NDArray[Any], sources: NDArray[Any], partial: NDArray[Any]) -> None:
    """Add the product of (i, t) and (j, t) to `total`, (i, j), a few targets at a time by way of `partial`."""
    for first in range(0, len(targets), len(partial)):
        rows = targets[first : first + len(partial)]
        total[first : first + len(rows)] += np.matmul(rows, sources.T, out=partial[: len(rows)])


def _squares(frames: NDArray[Any]) -> NDArray[Any]:
    """Return the sum of squares of each neuron, (i, t) -> (i), by the product that suits the memory order."""
    if frames.strides[1] == frames.itemsize:
        return np.asarray(np.vecdot(frames, frames))
    return np.asarray(np.einsum("it,it->i", frames, frames))


def _good_frames(
    centred: NDArray[Any], frames: NDArray[Any], *, drop: bool, offset: int, place: str
) -> NDArray[np.bool_]:
    """Return which frames of a block are finite, (t), and set the others to zero; or raise if none may be dropped."""
    if np.isfinite(centred.sum()):
        return np.ones(centred.shape[1], bool)
    if drop:
        good = np.asarray(np.isfinite(centred).all(axis=0))
        centred[:, ~good] = 0
        return good
    wrong = np.argwhere(~np.isfinite(frames))
    if not len(wrong):
        raise _overflow(place)
    neuron, frame = wrong[np.lexsort(wrong.T)[0]] if len(wrong) < 10**6 else wrong[0]
    raise NonFiniteActivity(
        place,
        got=f"{len(wrong):,} samples that are NaN or infinite in frames {offset} to {offset + frames.shape[1] - 1}, "
        f"the first at neuron number {neuron} (from 0), frame {offset + frame}",
        expected="finite samples",
        fix='Drop the frames that hold them with missing="drop", or mend them first.',
    )


def _overflow(place: str) -> NonFiniteActivity:
    """Return the error for finite samples whose sums or products are not."""
    expected = "a range whose products the precision can hold"
    return NonFiniteActivity(place, got="samples so large that they overflow", expected=expected, fix="Rescale them.")


def _edge_frames(
    centred: NDArray[Any], good: NDArray[np.bool_], *, own: int, first: int, lags: Sequence[int]
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the frames of a block that some lag leaves without partner, (i, e), and on which side, (r, e) twice."""
    n_frames = len(good)
    not_target, not_source = np.zeros((2, len(lags), n_frames), bool)
    if first >= max(lags) and n_frames == own + max(lags) and good.all():
        return centred[:, :0].astype(np.float64), not_target[:, :0], not_source[:, :0]
    sources = np.arange(own)
    for r, lag in enumerate(lags):
        targets = sources + lag
        inside = targets < n_frames
        has_target = np.zeros(own, bool)
        has_target[inside] = good[targets[inside]]
        not_source[r, :own] = good[:own] & ~has_target
        not_target[r, targets[inside & ~good[:own]]] = True
        not_target[r, : max(0, min(lag - first, own))] = True
        not_target[r] &= good
    edge = (not_target | not_source).any(axis=0)
    return centred[:, edge].astype(np.float64), not_target[:, edge], not_source[:, edge]


def add_sums(parts: Sequence[LaggedSums]) -> LaggedSums:
    """Return the sums over several stretches together."""
    n_frames, total, square, product, *edges = zip(*parts, strict=True)
    return LaggedSums(
        sum(n_frames), sum(total), sum(square), reduce(np.add, product), *(np.concatenate(e, axis=1) for e in edges)
    )
