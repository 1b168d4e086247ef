"""The one pass over trials of plain arrays that yields their lagged moments: at once, or as a dask graph."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.delayed import Delayed, delayed
from dask.utils import SerializableLock
from numpy.typing import NDArray

from netxr.blocks.lanes import in_lanes, in_threads, tree
from netxr.blocks.progress import Part, told
from netxr.blocks.streams import Stream, streams
from netxr.kernels.frame_blocks import provisional_mean
from netxr.kernels.lagged_sums import LaggedSums, Pass, close_trial, join_sums, pool_sums
from netxr.kernels.moments import LaggedMoments, moments_of, squares_of_groups
from netxr.kernels.running_sums import RunningSums
from netxr.moments.budget import Cut, gather_bytes, product_bytes
from netxr.moments.plans import Plan
from netxr.schema.trials import Trial


class EdgeFrames(NamedTuple):
    """The frames near the ends of trials that some lags leave out."""

    samples: Any  # (neuron, edge frame)
    not_target: Any  # (lag, edge frame)
    not_source: Any  # (lag, edge frame)


class Summary(NamedTuple):
    """What a pass over some trials amounts to."""

    moments: LaggedMoments
    edges: EdgeFrames
    groups: tuple[Any, Any]  # (lag, group) each: summed squared deviations of groups as targets and as sources


def moments_at_once(trials: Sequence[Trial], todo: Pass, *, plan: Plan) -> Summary:
    """Return the moments of trials together, whose samples are in memory, (neuron, time) each."""
    shift = provisional_mean(trials[0].samples)
    cut = Cut(todo.block, todo.segment)
    worker_bytes = gather_bytes(plan.work, cut) + product_bytes(plan.work, cut) + plan.work.sums
    pooled: list[LaggedSums] = []
    for trial in trials:
        sums = in_threads(
            partial(_sums, shift=shift, todo=todo, name=trial.name),
            partial(join_sums, todo=todo),
            trial.samples,
            shortest=todo.block,
            worker_bytes=worker_bytes,
        )
        pooled = [pool_sums([*pooled, close_trial(sums, todo=todo)], in_place=True)]
    return _finish(pooled[0], todo)


def lazy_moments(trials: Sequence[Trial], todo: Pass, *, plan: Plan, run: str) -> Summary:
    """Return the moments of trials together, whose samples are dask arrays, (neuron, time) each; part of a run."""
    first = trials[0].samples[:, : next(filter(None, trials[0].samples.chunks[1]))].rechunk(-1)
    token = tokenize(todo, plan, *(trial.samples.name for trial in trials))
    # Each lane makes this block anew: if all waited for one task, a cluster would run them where that one was.
    ((pilot, inputs),) = streams(first, [0, 1])
    n_frames = plan.work.n_steps * plan.work.n_trials
    close = delayed(partial(close_trial, todo=todo), pure=True)
    sums = [
        close(
            in_lanes(
                _lane_sums,
                partial(join_sums, todo=todo),
                trial.samples,
                lanes=plan.lanes,
                one_thread=plan.workers * plan.processes > 1,
                key=f"lagged-sums-{token}-{k}",
                lock=SerializableLock(run) if plan.in_turn else None,
                pilot=pilot,
                inputs=inputs,
                todo=todo,
                name=trial.name,
                is_first=k == 0,
                part=Part(run, trial.name, n_frames),
            ),
            dask_key_name=f"whole-trial-{token}-{k}",
        )
        for k, trial in enumerate(trials)
    ]
    pooled = tree(pool_sums, sums, key=f"pooled-trials-{token}")
    done = delayed(_finish_copy, pure=True)(pooled, todo, dask_key_name=f"moments-{token}")
    return _as_arrays(done, todo, trials)


def _as_arrays(done: Delayed, todo: Pass, trials: Sequence[Trial]) -> Summary:
    """Return what a lazy summary holds as dask arrays."""
    n, n_steps = trials[0].samples.shape
    n_lags, index = len(todo.lags), np.arange(n)
    n_targets, n_sources = index[todo.rows].size, index[todo.columns].size
    n_edges = min(2 * todo.reach, n_steps) * len(trials) if todo.missing == "raise" else 0
    by_pair = todo.missing == "pairwise"
    whole = (n_lags, n_targets, n_sources)

    def array(value: Any, shape: tuple[int, ...], dtype: str = "f8") -> Any:
        return da.from_delayed(value, shape, np.dtype(dtype), name=f"{value.key}-array")  # type: ignore[no-untyped-call]

    moments, n_groups = done.moments, todo.n_groups
    return Summary(
        LaggedMoments(
            array(moments.n_pairs, whole if by_pair else (n_lags,), "i8"),
            array(moments.mean_target, whole if by_pair else (n_lags, n_targets)),
            array(moments.mean_source, whole if by_pair else (n_lags, n_sources)),
            array(moments.sumsq_target, whole if by_pair else (n_lags, n_targets)),
            array(moments.sumsq_source, whole if by_pair else (n_lags, n_sources)),
            array(moments.comoment, whole),
        ),
        EdgeFrames(
            array(done.edges.samples, (n, n_edges)),
            array(done.edges.not_target, (n_lags, n_edges), "?"),
            array(done.edges.not_source, (n_lags, n_edges), "?"),
        ),
        (array(done.groups[0], (n_lags, n_groups)), array(done.groups[1], (n_lags, n_groups))),
    )


def _lane_sums(
    pieces: Iterator[NDArray[Any]],
    offset: int,
    *,
    pilot: Stream,
    inputs: Sequence[Any],
    todo: Pass,
    name: str,
    is_first: bool,
    part: Part,
) -> LaggedSums:
    """Return the sums over a lane, about the provisional mean of the recording's first block, which all lanes take."""
    pieces = told(pieces, part._replace(name=f"{part.name} from {offset}"))
    if is_first and offset == 0 and (first := next((piece for piece in pieces if piece.shape[1]), None)) is not None:
        shift, pieces = provisional_mean(first), chain([first], pieces)
    else:
        shift = provisional_mean(next(pilot.blocks(inputs)))
    return _sums(pieces, offset, shift=shift, todo=todo, name=name)


def _sums(pieces: Iterator[NDArray[Any]], offset: int, *, shift: NDArray[Any], todo: Pass, name: str) -> LaggedSums:
    """Return the sums over frames, which begin at `offset` in their trial."""
    running = RunningSums(todo, shift, place=name, offset=offset)
    for piece in pieces:
        running.add(piece)
    return running.result()


def _finish(sums: LaggedSums, todo: Pass) -> Summary:
    """Return the moments that the sums over whole trials amount to; they take the place of the sums in memory."""
    lags, edges = np.array(todo.lags)[:, None], sums.edges
    left_out = edges.from_start < lags, edges.to_end < lags
    groups = squares_of_groups(sums, todo=todo)
    frames = EdgeFrames(edges.samples + sums.shift[:, None], *left_out)
    return Summary(moments_of(sums, todo=todo), frames, groups)


def _finish_copy(sums: LaggedSums, todo: Pass) -> Summary:
    """Finish a copy: what a scheduler holds, it may hand out again."""
    return _finish(sums._replace(product=sums.product.copy()), todo)
