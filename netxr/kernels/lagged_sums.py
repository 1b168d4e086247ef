"""What a pass sums up over pairs of samples, and how the sums of segments and trials join.

The sums of a segment are made in `running_sums`, block by block, as `block_sums` adds up a block; its lagged moments
follow in `moments`.

Index letters: p layer, q product, i target neuron, j source neuron, n row, t frame, r lag, e edge frame. A lag l
pairs x[i, t + l] with x[j, t]. Rows are the neurons, and after them groups of neurons where some are asked for.

The sums of a segment come with its first and last max(lags) frames. So the sums of two segments that follow one
another join to those of both together, and no frame is read twice. At lag l the first l frames are no targets and the
last l no sources, which is counted once a trial is closed; until then `n_pairs` counts all good frames, and `of_target`
and `of_source` hold no more than what frames that are left out in between take away. Where frames are marked, these
three hold what each pair adds from the beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from netxr import names as n
from netxr.kernels.own_products import own_products

Floats = NDArray[np.float64]

BLOCK_BYTES: Final = 2**22
"""Samples that are centred and multiplied at a time: small enough for a cache, large enough for a fast product."""

SAMPLES, VALID, SQUARES = range(3)
"""Layers of a block: samples (zero where missing), one where they are there, and their squares."""

PRODUCTS: Final = {
    "raise": [(SAMPLES, SAMPLES)],
    "drop": [(SAMPLES, SAMPLES)],
    "pairwise": [
        (SAMPLES, SAMPLES),
        (VALID, VALID),
        (SAMPLES, VALID),
        (VALID, SAMPLES),
        (SQUARES, VALID),
        (VALID, SQUARES),
    ],
}
"""Which layer of the targets is multiplied with which layer of the sources."""


@dataclass(frozen=True)
class Pass:
    """What one pass over the frames sums up, and how."""

    lags: tuple[int, ...]
    """Lags, 0 and above."""
    sources: tuple[int, ...] | None
    """Positions of the source neurons; all if None."""
    precision: np.dtype[Any]
    """float32 or float64: of the products within a block. Sums over blocks are float64."""
    missing: n.Missing
    """Non-finite samples are an error, or their frames are left out, or they themselves are."""
    block: int
    """Frames that are multiplied at a time."""
    targets: tuple[int, int] | None = None
    """First target neuron and the one after the last; all if None."""
    groups: scipy.sparse.csr_array | None = None
    """Weights of groups whose own sums and squares are wanted beside those of the neurons, (group, neuron)."""
    fourier: int | None = None
    """Frames of a Fourier segment; without it there is one product a lag."""
    dim: tuple[str, ...] = (n.TIME,)
    """What is accumulated over: "time" keeps trials apart, with "trial" they are pooled."""
    cuts: tuple[int, ...] = ()
    """Frames of each trial with which a segment begins behind a gap; segments are pooled as trials are."""
    linked: int = 0
    """How many of the last targets are made of others, as many as neurons, and are never sources; at lag 0 they are
    targets of inputs alone, the sources behind the neurons. Then the frames at the ends of trials are kept, as they are
    for all sources.
    """
    marked: bool = False
    """Whether the last row is neither target nor source, but 1 in frames that may be sources and 0 in the others."""
    lead: int = 0
    """First frames that are sources alone, those before a block of a longer trial: none, or `max_lag`."""
    start: int = 0
    """Frame of the trial with which it begins, from which an error counts."""
    pairs: bool = True
    """Whether targets are multiplied with all sources, or else each neuron, target and source, with itself alone."""

    @property
    def max_lag(self) -> int:
        """The longest lag."""
        return max(self.lags)

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return 0 if self.groups is None else int(self.groups.shape[0])

    @property
    def rows(self) -> slice:
        """The target neurons as an index."""
        return slice(None) if self.targets is None else slice(*self.targets)

    @property
    def columns(self) -> list[int] | slice:
        """The source neurons as an index."""
        if self.sources is None:
            return slice(None)
        first = self.sources[0] if self.sources else 0
        in_a_row = self.sources == tuple(range(first, first + len(self.sources)))
        return slice(first, first + len(self.sources)) if in_a_row else list(self.sources)


class Frames(NamedTuple):
    """A few frames at an end of a segment."""

    layers: NDArray[Any]  # (p, n, e)
    good: NDArray[np.bool_]  # (e): whether the frame enters any pair

    def copied(self, kept: slice) -> "Frames":
        """Return a copy of some of them."""
        return Frames(self.layers[..., kept].copy(), self.good[kept].copy())


class Edges(NamedTuple):
    """The frames of whole trials that some lag leaves without partner, and which are no targets and no sources."""

    samples: NDArray[Any]  # (i, e)
    not_target: NDArray[np.bool_]  # (r, e)
    not_source: NDArray[np.bool_]  # (r, e)


class LaggedSums(NamedTuple):
    """Sums over the pairs of samples in a segment of frames; samples are counted from a provisional mean."""

    n_frames: int
    n_pairs: NDArray[np.int64]  # (r): pairs of frames
    total: Floats  # (2, n): sums of samples, and of squares, over all frames
    of_target: Floats  # (2, r, n): the same over the frames that are targets
    of_source: Floats  # (2, r, n): the same over the frames that are sources
    product: Floats  # (r, q, i, j): sum over pairs; without pairs of neurons j is 1
    head: Frames
    tail: Frames
    edges: Edges  # of trials that are closed
    shift: NDArray[Any]  # (i): the provisional mean


def block_frames(n_neurons: int, max_lag: int, precision: np.dtype[Any]) -> int:
    """Return how many frames of `n_neurons` are multiplied at a time; the `max_lag` frames before them come on top."""
    return max(BLOCK_BYTES // (n_neurons * precision.itemsize), 512, 4 * max_lag)


def no_sums(todo: Pass, shift: NDArray[Any], product: Floats | None = None) -> LaggedSums:
    """Return the sums over no frame; those of products in an array of zeros, if one is given."""
    n_neurons, n_lags = len(shift), len(todo.lags)
    n_rows, index = n_neurons + todo.n_groups, np.arange(n_neurons)
    n_columns = index[todo.columns].size if todo.pairs else 1
    shape = (n_lags, len(PRODUCTS[todo.missing]), index[todo.rows].size, n_columns)
    of_target, of_source = np.zeros((2, 2, n_lags, n_rows))
    n_layers = 1 + max(max(pair) for pair in PRODUCTS[todo.missing])
    nothing = Frames(np.empty((n_layers, n_rows, 0), todo.precision), np.empty(0, bool))
    return LaggedSums(
        n_frames=0,
        n_pairs=np.zeros(n_lags, np.int64),
        total=np.zeros((2, n_rows)),
        of_target=of_target,
        of_source=of_source,
        product=np.zeros(shape) if product is None else product,
        head=nothing,
        tail=nothing,
        edges=Edges(np.empty((n_neurons, 0)), *np.empty((2, n_lags, 0), bool)),
        shift=shift,
    )


def join_sums(parts: Sequence[LaggedSums], *, todo: Pass) -> LaggedSums:
    """Return the sums over consecutive segments of one trial together."""
    return reduce(lambda a, b: _join(a, b, todo), parts)


def _join(a: LaggedSums, b: LaggedSums, todo: Pass) -> LaggedSums:
    """Add the pairs that cross from one segment into the next to the sums over both."""
    both = pool_sums([a, b])
    _add_crossing_products(both.product, a.tail, b.head, todo)
    if todo.marked or not (a.tail.good.all() and b.head.good.all()):
        _add_crossing_frames(both, a.tail, b.head, todo)
    return both._replace(
        head=_concatenate(a.head, b.head, slice(0, todo.max_lag)),
        tail=_concatenate(a.tail, b.tail, slice(-todo.max_lag, None) if todo.max_lag else slice(0, 0)),
    )


def _add_crossing_products(product: Floats, tail: Frames, head: Frames, todo: Pass) -> None:
    """Add the products of the first frames of a segment with the last ones of the segment before it, in place."""
    target, source = _exact(head.layers), _exact(tail.layers)
    length, ahead = len(tail.good), len(head.good)
    if todo.marked:
        source = source * source[SAMPLES, -1]
    for q, (over, under) in enumerate(PRODUCTS[todo.missing]):
        x, y = _neurons(target[over], todo), _neurons(source[under], todo)
        if not todo.pairs:
            before = np.pad(y, ((0, 0), (todo.max_lag - length, 0)))
            product[:, q, :, 0] += own_products(x, before, lags=todo.lags, exact=np.ones(len(x), bool))
            continue
        for r, lag in enumerate(todo.lags):
            frames, partners = crossing_pairs(length, ahead, lag)
            if frames.stop > frames.start:
                product[r, q] += x[todo.rows, frames] @ y[todo.columns, partners].T


def _add_crossing_frames(sums: LaggedSums, tail: Frames, head: Frames, todo: Pass) -> None:
    """Add to the sums over targets and sources what pairs that cross a border count for, in place."""
    later, earlier = _exact(head.layers)[SAMPLES], _exact(tail.layers)[SAMPLES]
    may_be = as_sources(tail.layers, tail.good, todo)
    for r, lag in enumerate(todo.lags):
        frames, partners = crossing_pairs(len(tail.good), len(head.good), lag)
        target, source = pair_weights(head.good[frames], tail.good[partners], may_be[partners], todo)
        sums.n_pairs[r] += int(target.sum())
        for power in (1, 2):
            sums.of_target[power - 1, r] += later[:, frames] ** power @ target
            sums.of_source[power - 1, r] += earlier[:, partners] ** power @ source


def pair_weights(
    target: NDArray[np.bool_], before: NDArray[np.bool_], source: NDArray[np.bool_], todo: Pass
) -> tuple[Floats, Floats]:
    """Return what pairs of frames add to the sums over targets and over sources, as weights of either frame.

    `target` and `before` say whether the later and the earlier frame of each pair are good, `source` whether the
    earlier one may be a source. Of all frames, only what is missing is counted.
    """
    if todo.marked:
        both = (target & source).astype(np.float64)
        return both, both
    return -(target & ~before).astype(np.float64), -(before & ~target).astype(np.float64)


def as_sources(layers: NDArray[Any], good: NDArray[np.bool_], todo: Pass) -> NDArray[np.bool_]:
    """Return which good frames of layers, (p, n, t), may be sources, (t)."""
    return good & (layers[SAMPLES, -1] != 0) if todo.marked else good


def _exact(layers: NDArray[Any]) -> Floats:
    """Return the layers of a few frames, (p, n, e), in float64, where products of small samples do not vanish."""
    exact = layers.astype(np.float64)
    exact[SQUARES:] = np.square(exact[SAMPLES])
    return exact


def crossing_pairs(before: int, after: int, lag: int) -> tuple[slice, slice]:
    """Return which pairs of frames cross a border: targets among the frames after it, sources among those before it.

    There are as many of each, a lag apart.

    Examples
    --------
    Of frames a b c | d e f g, two are pairs at lag 2: d comes after b, and e after c.

    >>> targets, sources = crossing_pairs(3, 4, 2)
    >>> "defg"[targets], "abc"[sources]
    ('de', 'bc')
    """
    start = min(max(0, lag - before), after)
    stop = max(start, min(lag, after))
    return slice(start, stop), slice(start + before - lag, stop + before - lag)


def _neurons(layer: NDArray[Any], todo: Pass) -> NDArray[Any]:
    """Return the rows of the neurons, without those of groups, (n, t) -> (i, t)."""
    return layer[: len(layer) - todo.n_groups]


def _concatenate(a: Frames, b: Frames, kept: slice) -> Frames:
    """Return some of the frames of two ends that follow one another."""
    return Frames(*(np.concatenate(both, axis=-1) for both in zip(a, b, strict=True))).copied(kept)


def pool_sums(parts: Sequence[LaggedSums], *, in_place: bool = False) -> LaggedSums:
    """Return the sums over segments that share no pair, such as trials, together.

    If `in_place`, the products of the first one may take those of the others.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    product = first.product if in_place else first.product.copy()
    for part in parts[1:]:
        product += part.product
    return LaggedSums(
        sum(part.n_frames for part in parts),
        np.sum([part.n_pairs for part in parts], axis=0),
        np.sum([part.total for part in parts], axis=0),
        np.sum([part.of_target for part in parts], axis=0),
        np.sum([part.of_source for part in parts], axis=0),
        product,
        first.head,
        first.tail,
        Edges(*(np.concatenate(edges, axis=-1) for edges in zip(*(part.edges for part in parts), strict=True))),
        first.shift,
    )


def close_trial(sums: LaggedSums, *, todo: Pass) -> LaggedSums:
    """Return the sums over a whole trial, whose first and last frames have become edge frames.

    Where frames or pairs are left out within the trial as well, no edges are kept: they would not be all.
    """
    if not todo.marked:
        sums = _without_ends(sums, todo)
    nothing = Frames(sums.head.layers[..., :0], sums.head.good[:0])
    if todo.missing != "raise" or todo.marked:
        return sums._replace(head=nothing, tail=nothing)
    n_frames, length = sums.n_frames + todo.lead, len(sums.head.good)
    overlap = max(0, 2 * length - n_frames)
    numbers = np.r_[0:length, n_frames - length + overlap : n_frames]
    layers = np.concatenate([sums.head.layers, sums.tail.layers[..., overlap:]], axis=2)
    lags = np.array(todo.lags)[:, np.newaxis]
    not_target = numbers < (np.full_like(lags, todo.lead) if todo.lead else lags)
    not_source = (n_frames - 1 - numbers < lags) | (numbers < todo.lead - lags)
    edges = Edges(_neurons(layers[SAMPLES], todo).astype(np.float64), not_target, not_source)
    return sums._replace(head=nothing, tail=nothing, edges=edges)


def _without_ends(sums: LaggedSums, todo: Pass) -> LaggedSums:
    """Return sums in which the first frames of a trial are no targets any more, and the last ones no sources.

    Those that lead are none of the frames so far, and sources at the lags that reach them.
    """
    if todo.lead:
        before, last = (side.layers[SAMPLES, :, ::-1].astype(np.float64) for side in (sums.head, sums.tail))
        change = [_running(before.T**power) - _running(last.T**power) for power in (1, 2)]
        of_source = sums.of_source + sums.total[:, np.newaxis] + np.stack(change)[:, list(todo.lags)]
        return sums._replace(of_target=sums.of_target + sums.total[:, np.newaxis], of_source=of_source)
    lags = np.minimum(todo.lags, len(sums.head.good))
    first, last = sums.head.layers[SAMPLES], sums.tail.layers[SAMPLES, :, ::-1]
    sides = [
        side + sums.total[:, np.newaxis] - np.stack([_running(ends.T**power)[lags] for power in (1, 2)])
        for side, ends in ((sums.of_target, first.astype(np.float64)), (sums.of_source, last.astype(np.float64)))
    ]
    n_pairs = sums.n_pairs - _running(sums.head.good.astype(np.int64))[lags]
    return sums._replace(n_pairs=n_pairs, of_target=sides[0], of_source=sides[1])


def _running(entries: NDArray[Any]) -> NDArray[Any]:
    """Return the sum of the first 0, 1, 2, ... entries along the first axis."""
    return np.concatenate([np.zeros_like(entries[:1], shape=(1, *entries.shape[1:])), np.cumsum(entries, axis=0)])
