"""One pass over a long axis: in threads where the array is in memory, as segments of a dask graph where it is not.

Knows nothing of neurons. A step takes the pieces of a segment, in order, and where along the axis they begin, and
returns a partial result; `combine` merges those of consecutive segments.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Final, TypeVar

import dask.array as da
import numpy as np
from dask.delayed import Delayed, delayed
from dask.utils import SerializableLock
from numpy.typing import NDArray

from netxr.blocks.schedulers import cores
from netxr.blocks.streams import Stream, streams
from netxr.kernels.blas import one_blas_thread

P = TypeVar("P")
Pieces = Iterator[NDArray[Any]]

WORKING_MEMORY: Final = 48 * 2**20
"""Bytes that the threads of one pass over an array in memory may hold together."""


Step = Callable[[Pieces, int], P]
"""(pieces of a segment, where it begins) -> partial result."""


def in_threads(
    step: Step[P],
    combine: Callable[[Sequence[P]], P],
    array: NDArray[Any],
    *,
    shortest: int,
    worker_bytes: int,
) -> P:
    """Reduce the last axis of an array in memory, one segment a thread, and return the combined result.

    Parameters
    ----------
    step : callable
        As above; releases the interpreter lock in its bulk.
    combine : callable
        List of partial results, in order -> one.
    array : ndarray
        What to reduce.
    shortest : int
        Entries below which a segment is not worth a thread.
    worker_bytes : int
        Memory that one thread needs. Where the threads of all cores would hold more than `WORKING_MEMORY`
        together, one does the work and BLAS uses the cores.
    """
    length = array.shape[-1]
    workers = min(cores(), length // shortest)
    if workers <= 1 or workers * worker_bytes > WORKING_MEMORY:
        return step(iter([array]), 0)
    cuts = np.linspace(0, length, workers + 1).astype(int).tolist()

    def segment(start: int, stop: int) -> P:
        """Return what the step makes of one segment."""
        return step(iter([array[..., start:stop]]), start)

    with one_blas_thread(), ThreadPoolExecutor(workers - 1) as pool:
        others = pool.map(segment, cuts[1:-1], cuts[2:])
        first = segment(0, cuts[1])  # in this thread, which would only wait
        return combine([first, *others])


def in_segments(
    step: Callable[..., P],
    combine: Callable[[Sequence[P]], P],
    array: da.Array,
    *,
    segments: int,
    one_thread: bool,
    key: str,
    lock: SerializableLock | None = None,
    **options: Any,
) -> Delayed:
    """Reduce the last axis of a dask array, and return the lazy combined result.

    The axis is cut into segments that may run side by side. Each is one task that makes its blocks one after the other,
    and so holds one partial result and a block or two.

    Parameters
    ----------
    step : callable
        As above, with `options` by keyword.
    combine : callable
        List of partial results, in order -> one.
    array : dask array
        Chunked along its last axis in any way.
    segments : int
        The most segments; each has at least one block.
    one_thread : bool
        Limit BLAS to one thread in a task.
    key : str
        How the keys of the tasks begin.
    lock : SerializableLock, optional
        Held by a task while it runs, so that those of one process run in turn.
    **options : Any
        Passed on to `step`.
    """
    lengths = array.chunks[-1]
    whole = array.rechunk(dict.fromkeys(range(array.ndim - 1), -1))  # type: ignore[no-untyped-call]
    cuts = even_cuts(lengths, segments)
    offsets = np.cumsum([0, *lengths]).tolist()
    run = delayed(_run, pure=True)
    results = [
        run(step, part, offsets[start], one_thread, lock, options, *inputs, dask_key_name=f"{key}-{start}")
        for start, (part, inputs) in zip(cuts[:-1], streams(whole, cuts), strict=True)
    ]
    return tree(combine, results, key=f"{key}-sum")


def _run(
    step: Callable[..., P],
    part: Stream,
    offset: int,
    one_thread: bool,
    lock: SerializableLock | None,
    options: dict[str, Any],
    *inputs: Any,
) -> P:
    """Take a step over the blocks of a stream."""
    with lock or nullcontext(), one_blas_thread() if one_thread else nullcontext():
        return step(part.blocks(inputs), offset, **options)


def even_cuts(lengths: Sequence[int], parts: int) -> list[int]:
    """Return where to cut consecutive blocks into at most so many parts of about the same length.

    Parameters
    ----------
    lengths : sequence of int
        Length of each block.
    parts : int
        How many parts; there are fewer if there are fewer blocks.

    Examples
    --------
    >>> even_cuts([4, 4, 4, 4, 4], 2)
    [0, 2, 5]
    >>> even_cuts([9, 1, 1], 5)
    [0, 1, 2, 3]
    """
    ends = np.cumsum(lengths)
    wanted = np.linspace(0, ends[-1], min(parts, len(lengths)) + 1)[1:-1]
    cuts = np.searchsorted(ends, wanted, side="right").tolist()
    # Each part has a block of its own, however long a block is.
    for k in range(len(cuts)):
        cuts[k] = max(cuts[k], cuts[k - 1] + 1 if k else 1)
    for k in reversed(range(len(cuts))):
        cuts[k] = min(cuts[k], (cuts[k + 1] if k + 1 < len(cuts) else len(lengths)) - 1)
    return [0, *cuts, len(lengths)]


def tree(combine: Callable[[Sequence[P]], P], parts: Sequence[Any], *, key: str) -> Delayed:
    """Combine lazy partial results a few at a time, in order, until one is left."""
    run, level = delayed(combine, pure=True), 0
    parts = list(parts)
    while len(parts) > 1:
        parts = [
            run(list(parts[k : k + SPLIT_EVERY]), dask_key_name=f"{key}-{level}-{k // SPLIT_EVERY}")
            for k in range(0, len(parts), SPLIT_EVERY)
        ]
        level += 1
    last: Delayed = parts[0]
    return last


SPLIT_EVERY: Final = 4
"""Partial results that are combined at a time."""
