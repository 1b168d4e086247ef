"""A long axis in segments, side by side: in threads, or as tasks of a dask graph that hold a block at a time.

A step takes the pieces of a segment, in order, and where along the axis they begin, and returns a partial result;
`combine` merges those of consecutive segments. Nothing here knows of neurons.

A task that takes many blocks as its inputs holds them all. A stream holds the part of the graph that makes them
instead, so that each block is there while it is used, whatever the scheduler does meanwhile. To compute
``array.blocks[k]`` in turn would be shorter, but makes what neighbouring blocks share once for each of them, and plans
anew for each block: 3 reads in the place of 1, and 30 times the overhead, where each block needs the one before it.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Final, TypeVar

import dask.array as da
import numpy as np
from dask.delayed import Delayed, delayed
from dask.typing import Key
from dask.utils import SerializableLock
from numpy.typing import NDArray

from netxr.blocks.schedulers import cores
from netxr.compat import dependencies, results_of
from netxr.kernels.blas import one_blas_thread

Graph = Mapping[Key, Any]
P = TypeVar("P")
Pieces = Iterator[NDArray[Any]]

WORKING_MEMORY: Final = 48 * 2**20
"""Bytes that the threads of one pass over an array in memory may hold together."""

SPLIT_EVERY: Final = 4
"""Partial results that are combined at a time."""

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

    The step is as above, and releases the interpreter lock in its bulk; `combine` makes one of partial results in
    order. A segment of fewer entries than `shortest` is not worth a thread. Where the threads of all cores, of
    `worker_bytes` each, would hold more than `WORKING_MEMORY` together, one does the work and BLAS uses the cores.
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


# --- blocks in turn ----------------------------------------------------------------------


class Stream:
    """Consecutive blocks along the last axis of an array, and all that is needed to make them.

    The graph holds tasks that make the blocks of these keys and no others; `inputs` are keys of results that other
    streams need as well, in the order in which `blocks` takes them.
    """

    # A plain class: dask would look for tasks inside a dataclass or tuple, and run them on its own.
    __slots__ = ("graph", "inputs", "keys")

    def __init__(self, keys: Sequence[Key], graph: Graph, inputs: Sequence[Key]) -> None:
        self.keys = list(keys)
        self.graph = dict(graph)
        self.inputs = list(inputs)

    def blocks(self, inputs: Sequence[Any]) -> Iterator[NDArray[Any]]:
        """Make one block after the other; what a later block needs of an earlier one is kept until then.

        `inputs` are the values of the results that other streams need as well.
        """
        held = dict(zip(self.inputs, inputs, strict=True))
        steps, last_use = self._steps()
        for k, (key, new) in enumerate(zip(self.keys, steps, strict=True)):
            kept = [task for task in new if last_use[task] > k or task == key]
            values = results_of({task: self.graph[task] for task in new}, kept, dict(held))
            held |= zip(kept, values, strict=True)
            block = held[key]
            held = {task: value for task, value in held.items() if last_use.get(task, -1) > k}
            del values
            yield block
            del block

    def _steps(self) -> tuple[list[set[Key]], dict[Key, int]]:
        """Return the tasks that each block needs beside those before it, and the last block that takes each result."""
        graph = self.graph | dict.fromkeys(self.inputs)  # plain tuples are dependencies only if they are keys of it
        done, steps = set(self.inputs), []
        last_use: dict[Key, int] = {}
        for k, key in enumerate(self.keys):
            new = _needed(graph, [key], done)
            done |= new
            steps.append(new)
            last_use |= dict.fromkeys((task for mine in new for task in dependencies(graph, mine)), k)
            last_use[key] = k
        return steps, last_use


def streams(array: da.Array, cuts: Sequence[int]) -> list[tuple[Stream, list[Delayed]]]:
    """Return the blocks of an array in consecutive streams, each with its lazy inputs; nothing is computed.

    The array has one chunk along every axis but the last. Stream k holds the blocks from number ``cuts[k]`` up to
    ``cuts[k + 1]``.
    """
    keys = list(_flat(array.__dask_keys__()))
    graph = dict(array.dask.cull(set(keys)))
    parts = [keys[start:stop] for start, stop in itertools.pairwise(cuts)]
    needs = [_needed(graph, part) for part in parts]
    users: dict[Key, int] = defaultdict(int)
    for needed in needs:
        for task in needed:
            users[task] += 1

    # What several streams need, or is a pass of its own, and all that it needs in turn: made once, for a pass inside a
    # stream would be run again by each that needs it. As a plain mapping it is left as it is by dask, which otherwise
    # merges array layers of whose other uses it does not know.
    shared = {task for task, n_users in users.items() if n_users > 1}
    shared |= _needed(graph, [task for task in users if _is_pass(graph[task])])
    common = {task: graph[task] for task in shared}

    def lazy(task: Key) -> Delayed:
        """Return a task that several streams need."""
        return Delayed(task, common)  # type: ignore[no-untyped-call]

    found = []
    for part, needed in zip(parts, needs, strict=True):
        own = needed - shared
        direct = {task for mine in own for task in dependencies(graph, mine)} | set(part)
        inputs = sorted(direct - own, key=str)
        found.append((Stream(part, {task: graph[task] for task in own}, inputs), [lazy(task) for task in inputs]))
    return found


def _is_pass(task: Any) -> bool:
    """Return whether a task goes through a stream."""
    arguments = task if isinstance(task, tuple) else getattr(task, "args", ())
    return any(isinstance(argument, Stream) for argument in arguments)


def _needed(graph: Graph, keys: Iterable[Key], known: Container[Key] = ()) -> set[Key]:
    """Return the tasks that some keys need, themselves included, beside those whose results are known."""
    needed: set[Key] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in needed and key not in known:
            needed.add(key)
            waiting.extend(dependencies(graph, key))
    return needed


def _flat(keys: Any) -> Iterator[Key]:
    """Yield the keys of nested lists in order."""
    for key in keys:
        if isinstance(key, list):
            yield from _flat(key)
        else:
            yield key


# --- segments of a dask graph -------------------------------------------------------------


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
    """Reduce the last axis of a dask array, chunked in any way, and return the lazy combined result.

    The axis is cut into as many `segments` at most, which may run side by side. Each is one task that makes its blocks
    one after the other, and so holds one partial result and a block or two. The step is as above, with `options` by
    keyword; `combine` makes one of partial results in order. `one_thread` limits BLAS to one thread in a task; a task
    holds the `lock` while it runs, so that those of one process run in turn. Keys of the tasks begin with `key`.
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
    """Return where to cut consecutive blocks of these lengths into at most so many parts of about the same length.

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
