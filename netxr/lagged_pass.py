"""The one pass over trials of plain arrays that yields their lagged moments: at once, or as a dask graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from netxr.blocks import in_blocks, in_threads, tree
from netxr.kernels.lagged_sums import LaggedSums, add_sums, block_frames, lagged_sums, provisional_mean
from netxr.kernels.moments import LaggedMoments, moments_of


@dataclass(frozen=True)
class Pass:
    """What one pass sums up.

    Parameters
    ----------
    lags : tuple of int
        Lags, 0 and above.
    sources : tuple of int, optional
        Positions of the source neurons; all if None.
    precision : dtype
        Of the products within a block.
    drop : bool
        Whether frames with a non-finite sample are dropped.
    """

    lags: tuple[int, ...]
    sources: tuple[int, ...] | None
    precision: np.dtype[Any]
    drop: bool

    @property
    def columns(self) -> list[int] | slice:
        """The source neurons as an index."""
        return slice(None) if self.sources is None else list(self.sources)


class Trial(NamedTuple):
    """Samples of one trial, (neuron, time), and what to call them in an error."""

    name: str
    samples: Any


class MomentsAndEdges(NamedTuple):
    """Moments of some trials, and the frames near the ends of those trials that some lags leave out."""

    moments: LaggedMoments
    edges: NDArray[np.float64]  # (neuron, edge frame)
    not_target: NDArray[np.bool_]  # (lag, edge frame)
    not_source: NDArray[np.bool_]  # (lag, edge frame)


def moments_of_trials(trials: Sequence[Trial], todo: Pass) -> MomentsAndEdges:
    """Return the moments of trials together; those of dask arrays are lazy.

    Parameters
    ----------
    trials : sequence of Trial
        Samples (neuron, time) of each, all NumPy or all dask.
    todo : Pass
        What to sum up.
    """
    return (_lazily if isinstance(trials[0].samples, da.Array) else _at_once)(trials, todo)


def _at_once(trials: Sequence[Trial], todo: Pass) -> MomentsAndEdges:
    """Pass over arrays in memory, in threads."""
    shift = provisional_mean(trials[0].samples)
    n, n_sources = len(shift), len(shift[todo.columns])
    block = block_frames(n, max(todo.lags), todo.precision)
    worker_bytes = n * (n_sources * 8 * len(todo.lags) + block * todo.precision.itemsize)
    sums = (
        in_threads(
            partial(_sums, trial.samples, shift, todo, trial.name),
            add_sums,
            length=trial.samples.shape[1],
            shortest=block,
            worker_bytes=worker_bytes,
        )
        for trial in trials
    )
    return _finish(reduce(lambda a, b: add_sums([a, b]), sums), shift, todo)


def _lazily(trials: Sequence[Trial], todo: Pass) -> MomentsAndEdges:
    """Pass over dask arrays: the same, block by block, when computed."""
    n, n_steps = trials[0].samples.shape
    reach, n_lags = max(todo.lags), len(todo.lags)
    n_sources = n if todo.sources is None else len(todo.sources)
    first = trials[0].samples.rechunk({0: -1})
    shift = delayed(provisional_mean, pure=True)(first[:, : first.chunks[1][0]].to_delayed()[0, 0])
    sums = [
        in_blocks(_sums_of_block, add_sums, trial.samples, halo=reach, name=trial.name, shift=shift, todo=todo)
        for trial in trials
    ]
    done = delayed(_finish_copy, pure=True)(tree(add_sums, sums), shift, todo)
    n_edges = 0 if todo.drop else min(2 * reach, n_steps) * len(trials)

    def array(value: Any, shape: tuple[int, ...], dtype: str = "f8") -> Any:
        return da.from_delayed(value, shape, np.dtype(dtype))  # type: ignore[no-untyped-call]

    moments = done.moments
    return MomentsAndEdges(
        LaggedMoments(
            array(moments.n_pairs, (n_lags,), "i8"),
            array(moments.mean_target, (n_lags, n)),
            array(moments.mean_source, (n_lags, n_sources)),
            array(moments.sumsq_target, (n_lags, n)),
            array(moments.sumsq_source, (n_lags, n_sources)),
            array(moments.comoment, (n_lags, n, n_sources)),
        ),
        array(done.edges, (n, n_edges)),
        array(done.not_target, (n_lags, n_edges), "?"),
        array(done.not_source, (n_lags, n_edges), "?"),
    )


def _sums(
    frames: NDArray[Any], shift: NDArray[Any], todo: Pass, name: str, start: int, stop: int, offset: int = 0
) -> LaggedSums:
    """Return the sums over the stretch start <= t < stop of `frames`, which begin at `offset` in their trial."""
    return lagged_sums(
        frames,
        start=start,
        stop=stop,
        offset=offset,
        lags=todo.lags,
        shift=shift,
        sources=todo.columns,
        precision=todo.precision,
        drop=todo.drop,
        place=name,
    )


def _sums_of_block(
    block: NDArray[Any], length: int, offset: int, *, name: str, shift: NDArray[Any], todo: Pass
) -> LaggedSums:
    """Return the sums over a block that is followed by its halo."""
    return _sums(block, shift, todo, name, 0, length, offset)


def _finish(sums: LaggedSums, shift: NDArray[Any], todo: Pass) -> MomentsAndEdges:
    """Return the moments that the sums over whole trials amount to; they take the place of the sums in memory."""
    edges = slice(0, 0) if todo.drop else slice(None)
    return MomentsAndEdges(
        moments_of(sums, shift=shift, sources=todo.columns, precision=todo.precision),
        sums.edges[:, edges] + shift[:, None],
        sums.not_target[:, edges],
        sums.not_source[:, edges],
    )


def _finish_copy(sums: LaggedSums, shift: NDArray[Any], todo: Pass) -> MomentsAndEdges:
    """Finish a copy: what a scheduler holds, it may hand out again."""
    return _finish(sums._replace(product=sums.product.copy()), shift, todo)
