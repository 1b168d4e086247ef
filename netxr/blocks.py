"""One pass over a long axis in blocks: in threads where the array is in memory, as a dask graph where it is not.

Knows nothing of neurons. A partial result is anything that `combine` can merge from a list in order.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import dask.array as da
import numpy as np
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray

from netxr.errors import InvalidInput
from netxr.kernels.blas import one_blas_thread

P = TypeVar("P")

WORKING_MEMORY: Final = 48 * 2**20
"""Bytes that the threads of one pass over an array in memory may hold together."""

SPLIT_EVERY: Final = 8
"""Partial results that are combined at a time."""


def in_threads(
    partial: Callable[[int, int], P],
    combine: Callable[[Sequence[P]], P],
    *,
    length: int,
    shortest: int,
    worker_bytes: int,
) -> P:
    """Reduce an axis that is in memory, one stretch a thread, and return the combined result.

    Parameters
    ----------
    partial : callable
        (start, stop) -> partial result; releases the interpreter lock in its bulk.
    combine : callable
        List of partial results, in order -> one.
    length : int
        Entries along the axis.
    shortest : int
        Entries below which a stretch is not worth a thread.
    worker_bytes : int
        Memory that one thread needs. Where the threads of all cores would hold more than `WORKING_MEMORY`
        together, one does the work and BLAS uses the cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores, length // shortest)
    if workers <= 1 or workers * worker_bytes > WORKING_MEMORY:
        return partial(0, length)
    cuts = np.linspace(0, length, workers + 1).astype(int).tolist()
    with one_blas_thread(), ThreadPoolExecutor(workers - 1) as pool:
        others = pool.map(partial, cuts[1:-1], cuts[2:])
        first = partial(0, cuts[1])  # in this thread, which would only wait
        return combine([first, *others])


def in_blocks(
    partial: Callable[..., P], combine: Callable[[Sequence[P]], P], array: da.Array, *, halo: int, **options: Any
) -> Delayed:
    """Reduce the last axis of a dask array block by block, and return the lazy combined result.

    Parameters
    ----------
    partial : callable
        (block with its halo, length of the block, offset of the block, **options) -> partial result.
    combine : callable
        List of partial results, in order -> one.
    array : dask array
        Chunked along its last axis in any way.
    halo : int
        Entries after a block that its partial result needs; there are fewer at the end of the axis.
    **options : Any
        Passed on to `partial`.

    Raises
    ------
    InvalidInput
        If the chunks along the last axis have unknown lengths.
    """
    lengths = array.chunks[-1]
    if any(np.isnan(lengths)):
        raise InvalidInput(
            "activity", got="chunks of unknown length", expected="known ones", fix="Call .compute_chunk_sizes()."
        )
    whole = array.rechunk(dict.fromkeys(range(array.ndim - 1), -1))  # type: ignore[no-untyped-call]
    blocks = whole.to_delayed().ravel()
    run, head = delayed(_partial_of_block, pure=True), delayed(_head, pure=True)
    parts = [
        run(partial, blocks[k], [head(blocks[j], take) for j, take in followers(lengths, k, halo)], offset, options)
        for k, offset in enumerate(np.cumsum([0, *lengths[:-1]]).tolist())
    ]
    return tree(combine, parts)


def followers(lengths: Sequence[int], k: int, halo: int) -> Iterator[tuple[int, int]]:
    """Yield which later blocks hold the `halo` entries after block `k`, and how many of them each holds.

    Examples
    --------
    >>> list(followers([4, 1, 1, 5], k=0, halo=3))
    [(1, 1), (2, 1), (3, 1)]
    >>> list(followers([4, 4], k=1, halo=3))
    []
    """
    for j in range(k + 1, len(lengths)):
        if halo <= 0:
            return
        yield j, min(halo, lengths[j])
        halo -= lengths[j]


def tree(combine: Callable[[Sequence[P]], P], parts: Sequence[Delayed]) -> Delayed:
    """Combine lazy partial results a few at a time, in order, until one is left."""
    run = delayed(combine, pure=True)
    while len(parts) > 1:
        parts = [run(list(parts[k : k + SPLIT_EVERY])) for k in range(0, len(parts), SPLIT_EVERY)]
    return parts[0]


def _head(block: NDArray[Any], length: int) -> NDArray[Any]:
    """Return the first entries of a block."""
    return block[..., :length]


def _partial_of_block(
    partial: Callable[..., P], block: NDArray[Any], heads: Sequence[NDArray[Any]], offset: int, options: dict[str, Any]
) -> P:
    """Return the partial result of a block joined with the heads of its followers."""
    joined = np.concatenate([block, *heads], axis=-1) if heads else block
    with one_blas_thread():
        return partial(joined, block.shape[-1], offset, **options)
