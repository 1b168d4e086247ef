"""Lagged sums of frames that arrive in order, in pieces of any length: gathered in blocks, centred, and added up.

Samples are counted from a provisional mean: products then lose no digit to what they share. A block holds the
`max(lags)` frames before it as well: new frames are targets, and those with the frames before them are sources. Index
letters as in `lagged_sums`.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr.errors import NonFiniteActivity
from netxr.kernels.block_sums import add_block, sums_and_squares
from netxr.kernels.lagged_sums import PRODUCTS, SAMPLES, SQUARES, VALID, Floats, Frames, LaggedSums, Pass, no_sums

PILOT_FRAMES: Final = 63
"""The most frames that the provisional mean is taken from."""

GROUPED_SAMPLES: Final = 2**16
"""Samples that are averaged over groups at a time where they lie frame by frame."""

FAR_FROM_OVERFLOW: Final = {"float32": 2.0**100, "float64": 2.0**1000}
"""Sums of squares, in each precision, below which products do not overflow, nor what Fourier segments make of them."""

LEAST_SQUARE: Final = {"float32": 2.0**-240, "float64": 2.0**-1040}
"""A mean square, in each precision, below which samples or their squares have lost digits."""


# --- a segment ---------------------------------------------------------------------------


def sums_of(pieces: Iterator[NDArray[Any]], offset: int, *, shift: NDArray[Any], place: str, todo: Pass) -> LaggedSums:
    """Return the sums over a segment of a trial, whose frames come in pieces (i, t), in order, from `offset` on.

    `shift` (i) is the provisional mean, `place` what to call the data in an error. Raises NonFiniteActivity if a sample
    is NaN or infinite and is to be an error, or sums or products of finite samples overflow.
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
        return checked(self._sums, todo=self._todo, place=self._place)

    def _add(self) -> None:
        """Add those over the frames of the block."""
        self._sums = add_block(self._sums, self._block.layers, self._block.good, self._block.totals, todo=self._todo)


# --- the provisional mean --------------------------------------------------------------


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


def subtract(samples: NDArray[Any], shift: NDArray[Any], *, out: NDArray[Any]) -> None:
    """Subtract a provisional mean (i) from samples (i, t), with as many digits as both and `out` have."""
    if samples.dtype.kind in "iu" and samples.itemsize == 8:
        out[:] = _integer_difference(samples, shift)
        return
    # float32 samples lose no digit to a float32 difference if float64 products are asked for.
    exact = np.result_type(samples, shift, out)
    np.subtract(samples, shift[:, None], out=out, dtype=exact, casting="same_kind")
    if exact.itemsize > out.itemsize:
        # What is too small for the precision has become zero. As its smallest number it is no constant.
        tiny = np.finfo(out.dtype).tiny
        for i in np.flatnonzero(np.fmax.reduce(np.abs(out), axis=1, initial=0) < tiny):
            out[i, (out[i] == 0) & (samples[i] != shift[i])] = tiny


def _integer_difference(samples: NDArray[Any], shift: NDArray[Any]) -> NDArray[np.float64]:
    """Return whole numbers of 64 bits (i, t) less a provisional mean (i); float64 may hold too few digits of them."""
    # The last float64 in the range of the integers is before its end.
    limits = np.iinfo(samples.dtype)
    origin = np.clip(np.trunc(shift), np.nextafter(float(limits.min), 0), np.nextafter(float(limits.max), 0))
    rough = samples.astype(np.float64) - shift[:, None]
    with np.errstate(over="ignore"):  # both may wrap around; their difference is right
        exact = (samples - origin.astype(samples.dtype)[:, None]).view(np.int64) + (origin - shift)[:, None]
    return np.asarray(np.where(np.abs(rough) < 2.0**62, exact, rough))


# --- blocks ----------------------------------------------------------------------------


class FrameBlock:
    """A block of at most `room` frames that is filled piece by piece; the `max_lag` frames before it stand in front.

    It begins at frame `offset` of a trial, which an error calls `place`; `shift`, (i), is taken off each frame.
    """

    def __init__(self, todo: Pass, shift: NDArray[Any], *, place: str, offset: int, room: int) -> None:
        self._todo, self.shift, self._place, self._offset = todo, shift, place, offset
        self._room = room
        self._layers = np.empty((0, 0, 0))
        self._good = np.ones(todo.max_lag + room, bool)
        self.filled = 0
        self.totals = np.zeros((2, len(shift) + todo.n_groups))  # of the frames of the block: sums, and of squares

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

        Raises NonFiniteActivity if a sample is NaN or infinite and is to be an error.
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
        """Write frames, counted from the provisional mean, behind those that are there, and add them up."""
        todo, n = self._todo, len(self.shift)
        new = slice(todo.max_lag + self.filled, todo.max_lag + self.filled + part.shape[1])
        rows = self._layers[SAMPLES, :, new]
        samples = rows[:n]
        subtract(part, self.shift, out=samples)
        self._good[new] = True
        if todo.missing == "pairwise":
            valid = np.isfinite(samples)
            self._check_range(part, valid)
            samples[~valid] = 0
            self._layers[VALID, :n, new] = valid
            np.square(samples, out=self._layers[SQUARES, :n, new])
        totals = sums_and_squares(samples)
        if todo.missing != "pairwise" and not np.isfinite(totals[0]).all():
            good = np.isfinite(samples).all(axis=0)
            self._check_range(part, np.isfinite(samples))
            if todo.missing == "raise" and not good.all():
                raise _non_finite(part, place=self._place, offset=self._offset + self.filled)
            self._good[new] = good
            samples[:, ~good] = 0
            totals = sums_and_squares(samples)
        self.totals[:, :n] += totals
        if todo.groups is not None:
            # SciPy copies samples that lie frame by frame: a part at a time, the copy stays in a cache.
            n_frames = part.shape[1]
            frame_by_frame = samples.strides[1] > samples.strides[0]
            length = max(1, GROUPED_SAMPLES // n) if frame_by_frame else max(1, n_frames)
            for first in range(0, n_frames, length):
                rows[n:, first : first + length] = todo.groups @ samples[:, first : first + length]
            self.totals[:, n:] += sums_and_squares(rows[n:])

    def _check_range(self, part: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Raise if finite samples are none any more in the precision of the products: those are not missing."""
        lost = (np.isfinite(part) & ~valid).any(axis=1)
        if lost.any():
            raise out_of_range(self._place, int(np.argmax(lost)))

    def empty_out(self) -> None:
        """Keep the last frames as those before the block, and make room for the frames that follow."""
        max_lag = self._todo.max_lag
        self._layers[..., :max_lag] = self.layers[..., self.filled :].copy()
        self._good[:max_lag] = self.good[self.filled :].copy()
        self._offset += self.filled
        self.filled = 0
        self.totals[:] = 0

    def led(self) -> Frames:
        """Take the frames so far for those before the block, and return them."""
        self.empty_out()
        return Frames(self.layers, self.good).copied(slice(0, self._todo.max_lag))

    def parts(self) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_]]]:
        """Yield the layers of some frames at a time, behind the frames before them, and which of these are good."""
        length, max_lag = self._todo.block, self._todo.max_lag
        for start in range(0, self.filled, length):
            part = slice(start, start + length + max_lag)
            yield self.layers[..., part], self.good[part]


# --- what is wrong -------------------------------------------------------------------------


def checked(sums: LaggedSums, *, todo: Pass, place: str) -> LaggedSums:
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


def _non_finite(frames: NDArray[Any], *, place: str, offset: int) -> NonFiniteActivity:
    """Return the error for samples that are NaN or infinite, or that overflow when they are counted from a mean."""
    wrong = np.argwhere(~np.isfinite(frames))
    neuron, frame = wrong[np.lexsort(wrong.T)[0]] if len(wrong) < 10**6 else wrong[0]
    return NonFiniteActivity(
        place,
        got=f"{len(wrong):,} samples that are NaN or infinite in frames {offset} to {offset + frames.shape[1] - 1}, "
        f"the first at neuron number {neuron} (from 0), frame {offset + frame}",
        expected="finite samples",
        fix='Where `missing` is an argument, leave out the frames that hold them with missing="drop", or the samples '
        'alone with missing="pairwise"; or fill the frames with netxr.interpolate_frames(activity, '
        "frames=netxr.bad_frames(activity)). For a reliability or a jackknife, "
        'give netxr.lagged_moments(..., blocks=20, missing="drop").',
    )


TOO_LARGE: Final = "so large that they overflow"
TOO_SMALL: Final = "so small that their squares vanish"


def out_of_range(place: str, neuron: int, what: str = TOO_LARGE) -> NonFiniteActivity:
    """Return the error for finite samples whose sums or products are not, or are rounded away."""
    expected = "a range whose products the precision can hold"
    got = f"samples of neuron number {neuron} (from 0) {what}"
    return NonFiniteActivity(place, got=got, expected=expected, fix="Rescale them.")
