"""Blocks of a dask array that are computed one at a time, inside a task that needs them only in turn.

A task that takes many blocks as its inputs holds them all. A stream holds the part of the graph that makes them
instead, so that each block is there while it is used, whatever the scheduler does meanwhile. To compute
``array.blocks[k]`` in turn would be shorter, but makes what neighbouring blocks share once for each of them, and plans
anew for each block: 3 reads in the place of 1, and 30 times the overhead, where each block needs the one before it.
Knows nothing of neurons.
"""

import itertools
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import dask.array as da
from dask.delayed import Delayed
from dask.typing import Key
from numpy.typing import NDArray

from netxr.compat import dependencies, results_of

Graph = Mapping[Key, Any]


class Stream:
    """Consecutive blocks along the last axis of an array, and all that is needed to make them.

    Parameters
    ----------
    keys : sequence of hashable
        Keys of the blocks, in order.
    graph : mapping
        Tasks that make these blocks and no others.
    inputs : sequence of hashable
        Keys of results that other streams need as well, in the order in which `blocks` takes them.
    """

    # A plain class: dask would look for tasks inside a dataclass or tuple, and run them on its own.
    __slots__ = ("graph", "inputs", "keys")

    def __init__(self, keys: Sequence[Key], graph: Graph, inputs: Sequence[Key]) -> None:
        self.keys = list(keys)
        self.graph = dict(graph)
        self.inputs = list(inputs)

    def blocks(self, inputs: Sequence[Any]) -> Iterator[NDArray[Any]]:
        """Make one block after the other; what a later block needs of an earlier one is kept until then.

        Parameters
        ----------
        inputs : sequence
            The values of the results that other streams need as well.
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

    Parameters
    ----------
    array : dask array
        One chunk along every axis but the last.
    cuts : sequence of int
        Stream k holds the blocks from number ``cuts[k]`` up to ``cuts[k + 1]``.
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
