"""The visible part of a recording, in as few numbers as a figure has room for. It is read block by block.

Index letters: n neuron, t time, b bin of times. Recordings are plain arrays (n, t), of NumPy or dask.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, Final, NamedTuple

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from netxr.blocks.schedulers import computed
from netxr.blocks.trials import over_frames
from netxr.kernels.trends import Course, join_courses, mean_and_deviation, sum_course

Floats = NDArray[np.float64]
Rows = Sequence[int] | NDArray[np.intp]
Part = tuple[int, int]
"""First sample of a part of a recording, and the one after its last."""

READ_BYTES: Final = 256 * 2**20
"""Most bytes read from disk for one view of traces: less than a second's work."""

MOST_SEGMENTS: Final = 64
"""Most segments a view is drawn from if it is not read whole: enough to see drifts, few enough for some bins each."""


def segments(samples: Any, rows: Rows, start: int, stop: int, *, most: int | None = None) -> list[Part]:
    """Return which samples to read: all from `start` to `stop`, or evenly spaced segments of about `most` bytes.

    Counted are all bytes of the chunks that hold these rows, other neurons included. An array in memory is read whole.

    Examples
    --------
    >>> segments(da.zeros((4, 1000), chunks=(4, 10)), [0], 0, 1000, most=4 * 8 * 30)
    [(0, 10), (490, 500), (990, 1000)]
    """
    if not isinstance(samples, da.Array):
        return [(start, stop)]
    ends = np.cumsum(samples.chunks[1])
    begins = ends - samples.chunks[1]
    met = np.flatnonzero((ends > start) & (begins < stop))
    length = max(1, int(np.mean(ends[met] - begins[met])))
    affordable = (most or READ_BYTES) // _bytes_of_time(samples, rows)
    if affordable >= stop - start or len(met) == 1:
        return [(start, stop)]
    chunks_each = max(1, affordable // (MOST_SEGMENTS * length))
    n_segments = min(MOST_SEGMENTS, max(1, affordable // (chunks_each * length)))
    first = met[np.linspace(0, len(met) - chunks_each, n_segments).astype(int)]
    last = first + chunks_each - 1
    return [(max(int(begins[a]), start), min(int(ends[b]), stop)) for a, b in zip(first, last, strict=True)]


def _bytes_of_time(samples: da.Array, rows: Rows) -> int:
    """Return how many bytes have to be read for one sample of each of these rows."""
    chunk_ends = np.cumsum(samples.chunks[0])
    met = np.unique(np.searchsorted(chunk_ends, rows, side="right"))
    return int(np.take(samples.chunks[0], met).sum()) * int(samples.dtype.itemsize)


def read(samples: Any, rows: Rows, part: Part) -> Floats:
    """Return some rows of a part of a recording, (n, t); NaN where a sample is missing or infinite."""
    values = np.asarray(samples[:, slice(*part)][np.asarray(rows)], dtype=np.float64)  # computes what is lazy
    return np.where(np.isfinite(values), values, np.nan)


class Extremes(NamedTuple):
    """The smallest and the largest sample of each bin, (n, b), and their positions; infinite if there is no number."""

    least: Floats
    least_at: NDArray[np.int64]
    most: Floats
    most_at: NDArray[np.int64]


def extremes(samples: Any, rows: Rows, parts: Sequence[Part], *, n_bins: int) -> tuple[Floats, Floats]:
    """Return the smallest and the largest sample of each bin, in order of time: positions and values, both (n, point).

    Each part (first sample, one after the last) has its share of the bins. There are two points for each, NaN in value
    where a bin holds no number; between two parts there is a point that is NaN.
    """
    edges = [np.linspace(a, b, min(max(1, n_bins // len(parts)), b - a) + 1).astype(np.int64) for a, b in parts]
    found = _over(_extremes_step, _more_extreme, samples, rows, parts, key="extremes", edges=_in_one(edges))
    shift = np.concatenate([own[:-1] for own in edges]) - _in_one(edges)[:-1]
    order = found.least_at <= found.most_at
    positions = np.stack(
        [np.minimum(found.least_at, found.most_at), np.maximum(found.least_at, found.most_at)], axis=-1
    )
    values = np.stack([np.where(order, found.least, found.most), np.where(order, found.most, found.least)], axis=-1)
    values[~np.isfinite(values)] = np.nan
    positions = (positions + shift[:, np.newaxis]).reshape(len(rows), -1).astype(np.float64)
    cuts = 2 * np.cumsum([len(own) - 1 for own in edges])[:-1]
    return np.insert(positions, cuts, np.nan, axis=1), np.insert(values.reshape(len(rows), -1), cuts, np.nan, axis=1)


def _extremes_step(
    pieces: Iterable[NDArray[Any]], offset: int, *, edges: NDArray[np.int64], rows: Rows | None
) -> Extremes:
    """Return the extremes of consecutive pieces that begin at position `offset`, in all bins between `edges`."""
    return reduce(_two_more_extreme, (_extremes_of(piece, at, edges) for piece, at in _chosen(pieces, offset, rows)))


def _extremes_of(piece: NDArray[Any], offset: int, edges: NDArray[np.int64]) -> Extremes:
    """Return the extremes of a piece (n, t)."""
    shape = (len(piece), len(edges) - 1)
    least, most = np.full(shape, np.inf), np.full(shape, -np.inf)
    least_at, most_at = (np.broadcast_to(edges[:-1], shape).copy() for _ in range(2))
    every = np.arange(len(piece))
    for b in _bins_met(edges, offset, piece.shape[1]):
        first = max(int(edges[b]), offset)
        part = piece[:, first - offset : int(edges[b + 1]) - offset]
        there = np.isfinite(part)
        low, high = np.where(there, part, np.inf), np.where(there, part, -np.inf)
        low_at, high_at = low.argmin(axis=1), high.argmax(axis=1)
        least[:, b], least_at[:, b] = low[every, low_at], first + low_at
        most[:, b], most_at[:, b] = high[every, high_at], first + high_at
    return Extremes(least, least_at, most, most_at)


def _two_more_extreme(a: Extremes, b: Extremes) -> Extremes:
    """Return the extremes of two segments, the first of several equal ones."""
    less, more = b.least < a.least, b.most > a.most
    return Extremes(
        np.where(less, b.least, a.least),
        np.where(less, b.least_at, a.least_at),
        np.where(more, b.most, a.most),
        np.where(more, b.most_at, a.most_at),
    )


def _more_extreme(parts: Sequence[Extremes]) -> Extremes:
    """Return the extremes of consecutive segments."""
    return reduce(_two_more_extreme, parts)


class Cells(NamedTuple):
    """Sums of each neuron over bins of samples, (n, b), the number of samples in each, and its mean and spread."""

    total: Floats
    n_samples: NDArray[np.int32]
    course: Course

    def scale(self) -> Floats:
        """Return the mean and standard deviation of each neuron, (n, 2); 1 for one that does not vary."""
        return mean_and_deviation(self.course)


def cells(samples: Any, rows: Rows, edges: NDArray[np.int64]) -> Cells:
    """Add up the samples of a part of a recording, by neuron and bin; NaN and infinity are left out.

    `edges` (b + 1) are the first position of each bin, ascending, and the one after the last.
    """
    part = int(edges[0]), int(edges[-1])
    summed: Cells = _over(_cells_step, _joined_cells, samples, rows, [part], key="cells", edges=edges - edges[0])
    return summed


def _cells_step(pieces: Iterable[NDArray[Any]], offset: int, *, edges: NDArray[np.int64], rows: Rows | None) -> Cells:
    """Return the sums of consecutive pieces that begin at position `offset`, in all bins between `edges`."""
    total: Floats | None = None
    courses: list[Course] = []
    for piece, at in _chosen(pieces, offset, rows):
        if total is None:
            total, count = (np.zeros((len(piece), len(edges) - 1), kind) for kind in (np.float64, np.int32))
        bins = _bins_met(edges, at, piece.shape[1])
        met, inside = slice(bins.start, bins.stop), np.maximum(edges[bins.start : bins.stop] - at, 0)
        there = np.isfinite(piece)
        if there.all():
            total[:, met] += np.add.reduceat(piece, inside, axis=1, dtype=np.float64)
            count[:, met] += np.diff(inside, append=piece.shape[1]).astype(np.int32)
        else:
            total[:, met] += np.add.reduceat(np.where(there, piece, 0), inside, axis=1, dtype=np.float64)
            count[:, met] += np.add.reduceat(there, inside, axis=1, dtype=np.int32)
        courses = [join_courses([*courses, sum_course([piece], 0, order=0, n_steps=1)])]
    assert total is not None  # noqa: S101 - a segment has a piece at least
    return Cells(total, count, courses[0])


def _joined_cells(parts: Sequence[Cells]) -> Cells:
    """Return the sums of consecutive segments."""
    totals, counts, courses = zip(*parts, strict=True)
    return Cells(sum(totals), sum(counts), join_courses(courses))


def _over(
    step: Callable[..., Any],
    combine: Callable[..., Any],
    samples: Any,
    rows: Rows,
    parts: Sequence[Part],
    *,
    key: str,
    edges: NDArray[np.int64],
) -> Any:
    """Reduce some rows of parts of a recording, one part after the other, and return the result."""
    chosen = None if np.array_equal(rows, np.arange(len(samples))) else np.asarray(rows)
    if not isinstance(samples, da.Array):
        ((start, stop),) = parts
        return over_frames(step, combine, samples[:, start:stop], key=key, edges=edges, rows=chosen)
    read = da.concatenate([samples[:, start:stop] for start, stop in parts], axis=1)  # type: ignore[no-untyped-call]
    read = read if chosen is None else read[chosen]
    return computed(over_frames(step, combine, read, key=key, edges=edges, rows=None))[0]


def _chosen(pieces: Iterable[NDArray[Any]], offset: int, rows: Rows | None) -> Iterator[tuple[NDArray[Any], int]]:
    """Yield the chosen rows of pieces, with the position at which each begins."""
    for piece in pieces:
        yield piece if rows is None else piece[rows], offset
        offset += piece.shape[1]


def _bins_met(edges: NDArray[np.int64], offset: int, length: int) -> range:
    """Return which bins hold some of the samples from `offset` on."""
    first, last = np.searchsorted(edges, [offset, offset + length - 1], side="right") - 1
    return range(int(first), int(last) + 1)


def _in_one(edges: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the edges of the bins of several parts, counted as if the parts followed one another."""
    return np.concatenate([[0], np.cumsum(np.concatenate([np.diff(own) for own in edges]))])
