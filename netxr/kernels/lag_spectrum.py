"""Products at many lags at once, by way of the cross spectra of short segments.

Index letters: i target neuron, j source neuron, t frame, r lag, k segment, q plane.

The products of one segment of `hop` target frames with the `hop + span` source frames around them, span being
the distance of the longest lag from the shortest, are a circular correlation, so a discrete Fourier transform
turns all lags into one complex product a frequency ("overlap-save"; Oppenheim & Schafer, Discrete-Time Signal
Processing, section 8.7). Real and imaginary part of a complex product follow from three real ones:

    Re = a c + b d,    Im = a d - b c = (a - b)(c + d) - a c + b d        for conj(a + ib)(c + id)

So frequencies are kept as real planes, Re, Im and their sum or difference, and everything is a matrix product:
planes of the targets and of the sources; their product over segments, plane by plane; lags from planes. At
segments of three spans the products of planes cost as much as 2.2 direct ones, however many lags there are.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

TILE_TARGETS: Final = 128
"""Targets of a tile: fewer make slower products, more make the planes of a tile larger."""

TILE_SOURCES: Final = 1000
"""Sources of a tile."""

PADDING: Final = 16
"""Samples between planes: planes a power of two apart would compete for the same places of a cache."""

MARGIN_BYTES: Final = 2**18
"""Counted for what NumPy itself needs while it adds and converts."""

# Measured with OpenBLAS on one thread of an AMD EPYC (Zen 5), n = 100 to 2000, segments of 80 to 192 frames, in
# float32, as multiples of the time that one direct product of two neurons takes for a frame.
PLANE: Final = 1.1
"""A product of planes is a smaller one than a direct product."""

PLANE_SEGMENTS: Final = 18.0
"""Writing a product of planes takes as long as the products of so many segments."""

PLANE_NEURONS: Final = 40.0
"""Reading a neuron's planes takes as long as their products with so many neurons."""

TRANSFORM: Final = 1.4
"""A product with a narrow table is slower than a large one."""

INVERSE: Final = (16.0, 1.3)
"""Going from a plane to the lags: once, and for each lag."""

SUM: Final = 70.0
"""Adding a product in float32 to one in float64."""

WORTH: Final = 0.8
"""Spectra must take less than this share of the time of direct products, which round a little less."""


class Tables(NamedTuple):
    """The three linear maps that replace products at lags by products of planes."""

    targets: NDArray[Any]  # (q, t): planes of a segment of targets
    sources: NDArray[Any]  # (q, t): planes of a segment of sources
    lags: NDArray[Any]  # (r, q): products at lags from products of planes


def add_lagged_products(
    product: NDArray[np.float64],
    targets: NDArray[Any],
    sources: NDArray[Any],
    *,
    lags: Sequence[int],
    segment: int,
) -> None:
    """Add the products of targets with the sources `lags` frames before them to `product`, (r, i, j), in place.

    It is raised by the sum over t of targets[i, t] * sources[j, max(lags) - lags[r] + t]: sources (j, max(lags) + t)
    begin max(lags) frames before the targets (i, t), with zeros where there are none. Samples are best near zero mean.
    A segment has more frames than max(lags) - min(lags): see `segment_length`.

    Sums over the block are in the precision of the samples, so a float32 block should not be much longer than some ten
    thousand frames; its error is about that of direct products (up to three times for slow samples).

    Examples
    --------
    >>> product = np.zeros((2, 1, 1))
    >>> add_lagged_products(product, np.array([[1.0, 2]]), np.array([[5.0, 3, 4]]), lags=[0, 1], segment=4)
    >>> product.round(12).ravel()
    array([11., 11.])
    """
    span, n_frames = max(lags) - min(lags), targets.shape[1]
    hop = segment - span
    precision = targets.dtype
    sources = sources[:, : n_frames + span]
    tables = _tables(lags, segment, precision)
    tall, wide = min(len(targets), TILE_TARGETS), min(len(sources), TILE_SOURCES)
    n_lags, n_planes = tables.lags.shape
    shape = (-(-n_frames // hop), n_planes)
    # One piece of memory for all tiles: fresh pages would cost as much as what is done with them.
    target_planes, source_planes = np.empty((*shape, tall), precision), np.empty((*shape, wide), precision)
    planes = np.empty((n_planes, tall * wide + PADDING), precision)
    partial = np.empty((n_lags, tall * wide), precision)
    for columns in _tiles(len(sources), TILE_SOURCES):
        right = _to_planes(tables.sources, sources[columns], hop, source_planes)
        for rows in _tiles(len(targets), TILE_TARGETS):
            left = _to_planes(tables.targets, targets[rows], hop, target_planes)
            tile = (left.shape[2], right.shape[2])
            size = tile[0] * tile[1]
            np.matmul(left.transpose(1, 2, 0), right.transpose(1, 0, 2), out=planes[:, :size].reshape(-1, *tile))
            np.matmul(tables.lags, planes[:, :size], out=partial[:, :size])
            product[:, rows, columns] += partial[:, :size].reshape(-1, *tile)


def segment_length(
    n_targets: int,
    n_sources: int,
    *,
    lags: Sequence[int],
    n_frames: int,
    precision: np.dtype[Any],
    most_bytes: float = np.inf,
) -> int | None:
    """Return the frames of a segment that cost least, or None where direct products are the better choice.

    A block has `n_frames`, and its temporary arrays may take `most_bytes`.
    """
    span = max(lags) - min(lags)
    hops = range(8, max(9, min(n_frames, 64 + 8 * span) + 1), 8)
    costs = {
        span + hop: spectrum_cost(span + hop, n_targets, n_sources, lags=lags, n_frames=n_frames)
        for hop in hops
        if spectrum_bytes(span + hop, n_targets, n_sources, lags=lags, n_frames=n_frames, precision=precision)
        <= most_bytes
    }
    best = min(costs, key=costs.__getitem__, default=None)
    return best if best is not None and costs[best] < WORTH * len(lags) else None


def spectrum_cost(segment: int, n_targets: int, n_sources: int, *, lags: Sequence[int], n_frames: int) -> float:
    """Return the time that a block takes by spectra, in direct products of the block at one lag.

    The direct products at all lags cost len(lags). Sizes are those of `segment_length`.
    """
    hop = segment - (max(lags) - min(lags))
    n_segments, n_planes = -(-n_frames // hop), _n_planes(segment)
    per_neuron = 1 / n_targets + 1 / n_sources
    products = n_planes * (n_segments * (PLANE + PLANE_NEURONS / 2 * per_neuron) + PLANE_SEGMENTS)
    transforms = TRANSFORM * n_planes * n_segments * (hop / n_sources + segment / n_targets)
    inverse = n_planes * (INVERSE[0] + INVERSE[1] * len(lags)) + SUM * len(lags)
    return (products + transforms + inverse) / n_frames


def spectrum_bytes(
    segment: int, n_targets: int, n_sources: int, *, lags: Sequence[int], n_frames: int, precision: np.dtype[Any]
) -> int:
    """Return the most bytes that `add_lagged_products` allocates for a block, which it frees again."""
    hop = segment - (max(lags) - min(lags))
    tall, wide = min(n_targets, TILE_TARGETS), min(n_sources, TILE_SOURCES)
    n_planes = _n_planes(segment)
    samples = -(-n_frames // hop) * n_planes * (tall + wide)
    samples += n_planes * (tall * wide + PADDING) + len(lags) * tall * wide
    # While they are made, the tables and the parts that they are put together from are in float64. Samples of
    # unusual strides are copied a segment at a time.
    tables = 3 * n_planes * (hop + segment + len(lags)) * np.dtype(np.float64).itemsize
    return (samples + segment * (tall + wide)) * precision.itemsize + tables + MARGIN_BYTES


def _n_planes(segment: int) -> int:
    """Return how many planes a segment has: three for each frequency, one where the spectrum is real."""
    return 3 * ((segment - 1) // 2) + (1 if segment % 2 else 2)


def _tables(lags: Sequence[int], segment: int, precision: np.dtype[Any]) -> Tables:
    """Return the maps to planes and back, of real and imaginary parts of the discrete Fourier transform."""
    delays = max(lags) - np.asarray(lags)
    hop = segment - int(delays.max())
    frequencies = np.arange(segment // 2 + 1)
    # Whole turns are taken off as integers: the angles are then as exact as can be.
    angles = 2 * np.pi / segment * (np.outer(frequencies, np.arange(segment)) % segment)
    cosine, sine = np.cos(angles), np.sin(angles)
    is_real = 2 * frequencies % segment == 0
    re, im = cosine[~is_real], -sine[~is_real]
    targets = np.concatenate([cosine[is_real], re, im, re - im])
    sources = np.concatenate([cosine[is_real], re, im, re + im])
    # The inverse adds Re cos - Im sin, twice where the conjugate frequency is left out.
    c, s = 2 * re[:, delays], -2 * im[:, delays]
    inverse = np.concatenate([cosine[is_real][:, delays], c + s, c - s, -s]) / segment
    return Tables(
        np.ascontiguousarray(targets[:, :hop], precision), sources.astype(precision), inverse.T.astype(precision)
    )


def _to_planes(table: NDArray[Any], frames: NDArray[Any], hop: int, out: NDArray[Any]) -> NDArray[Any]:
    """Return the planes of each segment of (n, t), (k, q, n), in `out`; the last segment may be a shorter one."""
    planes = out[:, :, : len(frames)]
    width, n_frames = table.shape[1], frames.shape[1]
    n_full = max(0, (n_frames - width) // hop + 1)
    if n_full:
        segments = np.lib.stride_tricks.sliding_window_view(frames, width, axis=1)[:, ::hop]
        np.matmul(table, segments[:, :n_full].transpose(1, 2, 0), out=planes[:n_full])
    if n_full < len(planes):
        rest = frames[:, n_full * hop :]
        np.matmul(table[:, : rest.shape[1]], rest.T, out=planes[n_full])
    return planes


def _tiles(n: int, most: int) -> Iterator[slice]:
    """Yield slices of `most` or fewer out of `n`, as equal as can be."""
    length = -(-n // -(-n // most))
    return (slice(first, min(first + length, n)) for first in range(0, n, length))
