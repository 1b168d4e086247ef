"""Lagged sums of stretches of a trial that overlap, one after the other; the frames are taken once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from numpy.typing import NDArray

from netxr.kernels.lagged_sums import Floats, LaggedSums, Pass, close_trial
from netxr.kernels.running_sums import PILOT_FRAMES, Running, provisional_mean


def sums_of_stretches(
    pieces: Iterator[NDArray[Any]], spans: Sequence[slice], products: Floats, *, place: str, todo: Pass
) -> Iterator[LaggedSums]:
    """Yield the sums over each of some stretches of a trial, whose frames are taken once, about a mean of its own.

    Pieces (i, t) come in order, from the first frame of the first stretch. `spans` say which frames of the trial each
    stretch holds, in order: behind its first `max(lags)` frames, which the stretch before it ends with; one that begins
    with the trial has no such frames. `products` (s, r, q, i, j) are zeros, which become the sums over products of each
    stretch.
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
