"""Trials of plain arrays, (neuron, time), reduced over their frames: at once, or in segments of a dask graph."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import dask.array as da
import numpy as np
from dask.base import tokenize
from numpy.typing import NDArray

from netxr.blocks.schedulers import slots
from netxr.blocks.segments import in_segments

P = TypeVar("P")
Step = Callable[..., P]

PIECE_SAMPLES: Final = 2**20
"""Samples in memory that are worked on at a time, in float64."""


def stack_trials(done: Sequence[Any], *, like: Any) -> Any:
    """Return what was made of each trial along a last axis; of a recording without trial dim, that of its only one."""
    if like.ndim == 2:
        return done[0]
    return (da if isinstance(done[0], da.Array) else np).stack(done, axis=-1)


def over_frames(step: Step[P], combine: Callable[[Sequence[P]], P], samples: Any, *, key: str, **options: Any) -> Any:
    """Reduce the frames of a trial: lazily where it is lazy, in segments that make each block anew and hold none.

    `step` takes pieces (neuron, time) of a segment, the frame where it begins, and `options` by keyword; `combine`
    makes one of the partial results of consecutive segments, in order. Keys of the tasks begin with `key`.
    """
    if not isinstance(samples, da.Array):
        return step(pieces_of(samples), 0, **options)
    processes, threads, _ = slots()
    segments = processes * threads
    token = tokenize(samples.name, options, segments)
    return in_segments(step, combine, samples, segments=segments, one_thread=True, key=f"{key}-{token}", **options)


def pieces_of(samples: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield some frames at a time."""
    length = max(1, PIECE_SAMPLES // len(samples))
    for start in range(0, samples.shape[1], length):
        yield samples[:, start : start + length]


def rows_of(samples: NDArray[Any]) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Yield some neurons at a time, with their places."""
    n_rows = max(1, PIECE_SAMPLES // samples.shape[1])
    for start in range(0, len(samples), n_rows):
        rows = slice(start, start + n_rows)
        yield rows, samples[rows]
