"""Sums over the frames of a block: of samples, of squares, and of products of targets with sources.

Products are made in float32 where that will do, else in float64.

A sum in float32 is rounded after each product. Where products differ from frame to frame the errors go either way, and
hardly anything is left of them. Where a neuron is on or off, or stands still, the same product comes again and again,
rounded the same way each time; and far from the provisional mean, products are large beside what they are to resolve.
Pairs of such neurons are multiplied in float64. So is a whole block in which a neuron is too small for float32.

Index letters as in `lagged_sums`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netxr.kernels.lag_spectrum import add_lagged_products
from netxr.kernels.lagged_sums import (
    PRODUCTS,
    SAMPLES,
    SQUARES,
    VALID,
    Floats,
    Frames,
    LaggedSums,
    Pass,
    as_sources,
    pair_weights,
)
from netxr.kernels.own_products import own_products

PRODUCT_ROWS: Final = 1280
"""Targets of a product at a time: a fast product already, and the partial result takes little memory."""

PRODUCT_COLUMNS: Final = 4096
"""Sources of a product at a time."""

FLOAT32_PRODUCT: Final = 8192
"""Frames of a float32 product: BLAS adds them up some hundred at a time, and may be left with as many such sums."""

SMALL_PRODUCT: Final = 2**20
"""BLAS adds up a product of fewer multiplications than this from the first frame to the last."""

SMALL_FRAMES: Final = 256
"""Frames of a float32 product that is small."""

FLOAT64_TARGETS: Final = 128
"""Targets that are multiplied in float64 at a time."""

FLOAT64_FRAMES: Final = 256
"""Frames that are copied to float64 at a time."""

LOOKED_AT: Final = 64
"""Frames of a block from which it is told how its samples vary."""

LEVELS: Final = 2**12
"""Samples are the same if they are closer than this part of the largest: products then round alike."""

GRID: Final = 2**6
"""Products of whole numbers up to this one, in some unit, and sums of them, are exact in float32."""

LEAST: Final = 2.0**-50
"""The largest sample of a neuron below which its squares begin to leave the range of float32."""

CORRECTED_FRAMES: Final = 2048
"""Frames whose weight differs from lag to lag that are taken at a time."""

ADDED_FRAMES: Final = 64
"""Frames of a float32 sum where they lie one after the other in memory."""

FLOAT32_FRAMES: Final = 512
"""Frames whose samples and squares are added up in float32, one after the other, before float64 takes over."""

Pairs: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""All pairs of some targets, (i), and some sources, (j)."""


class Care(NamedTuple):
    """The rows of a block whose float32 sums would be wrong."""

    repeat: NDArray[np.bool_]  # (n): takes few values, or lies far away
    rounded: NDArray[np.bool_]  # (n): of these, those whose products are rounded
    small: NDArray[np.bool_]  # (n): too small for float32

    @property
    def alone(self) -> NDArray[np.bool_]:
        """Those whose own sums and squares would be."""
        return np.asarray(self.rounded | self.small)


@np.errstate(over="ignore", invalid="ignore")  # said by an error that names the place
def add_block(
    sums: LaggedSums, layers: NDArray[Any], good: NDArray[np.bool_], totals: Floats, *, todo: Pass
) -> LaggedSums:
    """Return sums with those over the frames of a block that follows; arrays of `sums` are added to in place.

    `layers` (p, n, max_lag + t) are frames of the block behind those before it, `good` (max_lag + t) says which of them
    enter any pair, and `totals` (2, n) are sums and sums of squares over the frames of the block.
    """
    max_lag = todo.max_lag
    n_frames = sums.n_frames + layers.shape[2] - max_lag
    care = care_for(layers, sums, todo=todo)
    _add_sides(sums, layers, good, totals.copy(), care, todo)
    add_products(sums.product, layers, care, todo=todo)
    block = Frames(layers, good)
    own = block.copied(slice(max_lag, 2 * max_lag - len(sums.head.good)))
    return sums._replace(
        n_frames=n_frames,
        head=Frames(*(np.concatenate(parts, axis=-1) for parts in zip(sums.head, own, strict=True))),
        tail=block.copied(slice(layers.shape[2] - min(max_lag, n_frames), None)),
    )


# --- samples and squares ----------------------------------------------------------------


def _add_sides(
    sums: LaggedSums, layers: NDArray[Any], good: NDArray[np.bool_], totals: Floats, care: Care | None, todo: Pass
) -> None:
    """Add sums and squares over all frames, and what frames without partners take away at each lag.

    Where frames are marked they may be few of all, and are added up by themselves.
    """
    x = layers[SAMPLES]
    new = x[:, todo.max_lag :]
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

    Of all frames, the first `todo.max_lag` before the block, `good` (t) says which enter any pair, and `source` (t)
    which may be sources. Positions of frames that count at some lag come back, (e), and their weights, (r, e), as
    `pair_weights` has them.
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


def sums_and_squares(frames: NDArray[Any]) -> Floats:
    """Return the sum and the sum of squares of each row, (n, t) -> (2, n), in the way that suits the memory order.

    In float32 a few frames are added up at a time: sums are rounded the more the longer they are.
    """
    in_rows = frames.strides[1] == frames.itemsize
    at_a_time = frames.shape[1] if frames.dtype != np.float32 else FLOAT32_FRAMES if in_rows else ADDED_FRAMES
    whole = frames.shape[1] // max(1, at_a_time) * at_a_time
    found = np.zeros((2, len(frames)))
    for part, length in ((frames[:, :whole], at_a_time), (frames[:, whole:], frames.shape[1] - whole)):
        if not length:
            continue
        if in_rows:
            some = part.reshape(len(frames), part.shape[1] // length, length)
            found[0] += (some @ np.ones(length, frames.dtype)).sum(axis=1, dtype=np.float64)
            squares = np.matmul(some[:, :, np.newaxis], some[..., np.newaxis])[..., 0, 0]
            found[1] += squares.sum(axis=1, dtype=np.float64)
        else:
            some = part.T.reshape(part.shape[1] // length, length, len(frames))
            found[0] += some.sum(axis=1).sum(axis=0, dtype=np.float64)
            found[1] += np.einsum("gti,gti->gi", some, some).sum(axis=0, dtype=np.float64)
    return found


# --- products ----------------------------------------------------------------------------


def care_for(layers: NDArray[Any], before: LaggedSums, *, todo: Pass) -> Care | None:
    """Return which rows of a block, layers (p, n, max_lag + t), float32 will not do for; None in float64.

    Frames are counted from the provisional mean. By the sums over other frames, `before`, neurons that lie far away
    from it are told from those that come and go.
    """
    if todo.precision != np.float32:
        return None
    samples = layers[SAMPLES, :, todo.max_lag :]
    n_frames = samples.shape[1]
    # Spread by the golden ratio, they are in step with no rhythm of the samples.
    places = np.unique((np.arange(LOOKED_AT) * 0.6180339887498949 % 1 * n_frames).astype(int))
    picked = samples[:, places].astype(np.float64)
    top = np.abs(picked).max(axis=1, initial=0)
    for i in np.flatnonzero(top < LEAST):  # the frames looked at may be silent ones
        top[i] = max(samples[i].max(initial=0), -samples[i].min(initial=0))
    total = before.total[0] + n_frames * picked.mean(axis=1)
    square = before.total[1] + n_frames * np.square(picked).mean(axis=1)
    far = 3 * total**2 > (before.n_frames + n_frames) * square
    exponent = np.frexp(top)[1][:, None]
    levels = np.sort(np.rint(np.ldexp(picked, -exponent) * LEVELS).astype(np.int16), axis=1)
    n_active = (levels != 0).sum(axis=1)
    n_levels = 1 + (levels[:, 1:] != levels[:, :-1]).sum(axis=1) - (n_active < levels.shape[1])
    steps = np.ldexp(picked, -exponent) * GRID
    repeat = (2 * n_levels <= n_active) | far
    return Care(repeat, repeat & ((steps != np.rint(steps)).any(axis=1) | far), (top > 0) & (top < LEAST))


def add_products(product: Floats, layers: NDArray[Any], care: Care | None, *, todo: Pass) -> None:
    """Add the products over the frames of a block, layers (p, n, max_lag + t), to `product`, (r, q, i, j), in place.

    `care` says which neurons float32 will not do for.
    """
    if not product.size:
        return
    n_neurons = layers.shape[1] - todo.n_groups
    care = care and Care(*(rows[:n_neurons] for rows in care))
    for q, (over, under) in enumerate(PRODUCTS[todo.missing]):
        if not todo.pairs:
            alone = np.zeros(n_neurons, bool) if care is None else care.repeat | care.small
            product[:, q, :, 0] += own_products(
                layers[over, :, todo.max_lag :], layers[under], lags=todo.lags, exact=alone
            )
            continue
        exact = care is not None and bool(care.small.any())
        both = [_layer(layers, each, n_neurons, exact=exact) for each in (over, under)]
        targets, sources = both[0][todo.rows, todo.max_lag :], both[1][todo.columns]
        if todo.marked:
            sources = sources * layers[SAMPLES, n_neurons - 1]
        pairs = [] if care is None else _pairs(care, over, under, todo)
        total = product[:, q]
        if todo.fourier is not None:
            exact = exact or any(bool(rows.any() and columns.any()) for rows, columns in pairs)
            _add_spectral(total, targets, sources, todo, exact=exact)
            continue
        for part, frames in _parts(targets, sources, todo):
            for sums, lag in zip(total, todo.lags, strict=True):
                shifted = frames[:, todo.max_lag - lag :][:, : part.shape[1]]
                for rows, columns in _areas(sums, lag, todo):
                    area, some = sums[rows, columns], [(x[rows], y[columns]) for x, y in pairs]
                    if exact:
                        _add_exact(area, part[rows], shifted[columns], *map(np.arange, area.shape))
                    else:
                        _add_tiles(area, part[rows], shifted[columns], some)


def _areas(sums: Floats, lag: int, todo: Pass) -> list[tuple[slice, slice]]:
    """Return the targets and sources that are multiplied at a lag: at lag 0 linked targets with inputs alone."""
    everything = slice(None)
    if lag or not todo.linked:
        return [(everything, everything)]
    linked, inputs = slice(len(sums) - todo.linked, None), slice(todo.linked, None)
    own = [(slice(0, linked.start), everything)]
    return [*own, (linked, inputs)] if sums.shape[1] > todo.linked else own


def _layer(layers: NDArray[Any], which: int, n_neurons: int, *, exact: bool) -> NDArray[Any]:
    """Return a layer of the neurons; squares of small samples are made anew in float64, where they are some."""
    if exact and which == SQUARES:
        return np.square(layers[SAMPLES, :n_neurons].astype(np.float64))
    return layers[which, :n_neurons]


def _pairs(care: Care, over: int, under: int, todo: Pass) -> list[Pairs]:
    """Return the pairs whose products may round alike from frame to frame, each once."""
    if not care.rounded.any() or (over, under) == (VALID, VALID):
        return []
    nothing, everything = np.zeros_like(care.repeat), np.ones_like(care.repeat)
    sides = [(nothing, everything) if layer == VALID else (care.rounded, care.repeat) for layer in (over, under)]
    (rounded, repeat), (own, like) = sides
    rows, columns = todo.rows, todo.columns
    return [(rounded[rows], like[columns]), ((repeat & ~rounded)[rows], own[columns])]


def _parts(targets: NDArray[Any], sources: NDArray[Any], todo: Pass) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield some frames of the targets at a time where they are float32, and the sources around them."""
    length = max(1, targets.shape[1])
    if targets.dtype == np.float32:
        n_pairs = len(targets) * len(sources)
        length = FLOAT32_PRODUCT if n_pairs * FLOAT32_PRODUCT > SMALL_PRODUCT else SMALL_FRAMES
    for first in range(0, targets.shape[1], length):
        part = targets[:, first : first + length]
        yield part, sources[:, first : first + part.shape[1] + todo.max_lag]


def _add_tiles(total: Floats, targets: NDArray[Any], sources: NDArray[Any], pairs: Sequence[Pairs]) -> None:
    """Add a product, (i, t) by (j, t), tile by tile; some pairs in float64."""
    height = _even_part(len(targets), PRODUCT_ROWS)
    width = _even_part(len(sources), PRODUCT_COLUMNS)
    tile = np.empty((height, width), targets.dtype)
    for first in range(0, len(targets), height):
        for left in range(0, len(sources), width):
            rows, columns = slice(first, first + height), slice(left, left + width)
            x, y, sums = targets[rows], sources[columns], total[rows, columns]
            part = np.matmul(x, y.T, out=tile[: len(x), : len(y)])
            for over, under in pairs:
                i, j = np.flatnonzero(over[rows]), np.flatnonzero(under[columns])
                part[np.ix_(i, j)] = 0
                _add_exact(sums, x, y, i, j)
            sums += part


def _add_exact(
    total: Floats, targets: NDArray[Any], sources: NDArray[Any], i: NDArray[np.intp], j: NDArray[np.intp]
) -> None:
    """Add the products of some targets and some sources in float64, some targets and frames at a time."""
    for some in np.array_split(i, -(-len(i) // FLOAT64_TARGETS)) if len(i) and len(j) else []:
        product = np.zeros((len(some), len(j)))
        for first in range(0, targets.shape[1], FLOAT64_FRAMES):
            frames = slice(first, first + FLOAT64_FRAMES)
            x, y = (side[:, frames][few].astype(np.float64) for side, few in ((targets, some), (sources, j)))
            product += x @ y.T
        total[np.ix_(some, j)] += product


def _add_spectral(total: Floats, targets: NDArray[Any], sources: NDArray[Any], todo: Pass, *, exact: bool) -> None:
    """Add the products at all lags by way of Fourier segments, in float64 half as many frames at a time."""
    if todo.fourier is None or not exact:
        add_lagged_products(total, targets, sources, lags=todo.lags, segment=todo.fourier or 0)
        return
    half = -(-targets.shape[1] // 2)
    for first in range(0, targets.shape[1], half):
        part = targets[:, first : first + half].astype(np.float64)
        around = sources[:, first : first + part.shape[1] + todo.max_lag].astype(np.float64)
        add_lagged_products(total, part, around, lags=todo.lags, segment=todo.fourier)


def _even_part(length: int, most: int) -> int:
    """Return the length of parts of about the same length, each `most` or less."""
    return -(-length // -(-length // most))
