"""Simulation of the rate model, in memory or straight to disk."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from os import PathLike
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.dynamics import BATCH_BYTES, trajectories, trials_together
from netxr.kernels.noise import STEPS_PER_BLOCK, NoiseSource
from netxr.schema.arguments import (
    check_choice,
    check_count,
    check_entries,
    check_rng,
    check_room,
    check_seed,
    check_whole_numbers,
    is_number,
)
from netxr.schema.clock import with_axis
from netxr.schema.provenance import provenance
from netxr.schema.variables import NUMBER_KINDS, check_connectivity, labels_of
from netxr.store.dataset import open as open_store
from netxr.store.layout import steps_per_chunk
from netxr.store.resumable import ResumableRun, resumable_run

Blocks = Iterator[tuple[slice, int, NDArray[Any]]]
"""Which trials, the first step, and states (t, k, n)."""

SETTINGS: Final = (n.MODEL, n.SEED, n.RNG, n.NOISE_SCALE, n.INITIAL, n.N_STEPS)
"""What a run that was interrupted must have in common with the call that resumes it."""

COMMIT_BYTES: Final = 2**26
"""Samples of all trials from one commit to the next: a crash loses about half a second of work."""

MODEL_EQUATION = "x(t + 1) = sigmoid(A x(t) + e(t)), e ~ N(0, noise_scale^2)"


def simulate(
    connectivity: xr.DataArray,
    *,
    n_steps: int,
    trials: int | Sequence[int] | None = None,
    seed: int | Sequence[int] = 0,
    rng: n.Rng = "modern",
    noise_scale: float = 1.0,
    initial: float | xr.DataArray = 0.0,
    dtype: Literal["float32", "float64"] = "float64",
    store: str | PathLike[str] | None = None,
    progress: n.Progress | None = None,
) -> xr.Dataset:
    """Simulate x(t + 1) = sigmoid(A x(t) + e(t)) with independent Gaussian noise e.

    The model of Neuromatch Academy's tutorials on network causality (W3D5). Trials advance together, by one product
    a step: a sparse one where that is cheaper than a dense one. Legacy trials advance one after the other instead.

    Parameters
    ----------
    connectivity : DataArray, (target, source) or (target, source, trial)
        One network for all trials, or one a trial; computed if it is lazy.
    n_steps : int
        Samples a trial, the initial state included.
    trials : int or sequence of int, optional
        How many trials, or their labels; by default one, or those of `connectivity` where it has trials. Noise
        belongs to a trial's label: trial 3 is the same in ``trials=4`` and in ``trials=[3]``, up to rounding.
    seed : int or sequence of int
        One seed for all trials, or one each.
    rng : {"modern", "legacy"}
        "modern": counter-based streams keyed by (seed, trial). "legacy": the tutorial's Mersenne Twister and
        arithmetic, bit for bit, trial k seeded with seed + k.
    noise_scale : float
        Standard deviation of e, 0 or above.
    initial : float or DataArray, (neuron[, trial])
        State at the first sample.
    dtype : {"float64", "float32"}
        Of state and samples.
    store : path-like, optional
        Zarr folder to make. Samples are written block by block, so that length is bounded by the disk: whatever
        the steps and trials, a run takes at most about 1.3 GB on top of its network, and much less for few trials.
        The result is opened lazily. Every 64 MB or so, what is written is committed: a run that is interrupted stays
        there with what it has, and with the attribute `unfinished`. The same call resumes it, and ends with the
        same bits as one that was never interrupted.
    progress : callable, optional
        Called with (steps done, steps in all), counted over trials.

    Returns
    -------
    Dataset
        `activity` (neuron, time, trial) and `connectivity`, with the parameters as attributes. `time` has no
        coordinate: sample t is t sampling intervals after the first.

    Raises
    ------
    InvalidInput
        If an argument is out of range or does not fit another, or there is an unfinished run of other parameters
        at `store`.
    OutputExists
        If there is something else at `store`.
    StoreBusy
        If another process is writing to `store`.
    DiskFull
        If there is no room; what was committed stays.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.random_connectivity(6, seed=42, rng="legacy")
    >>> run = simulate(A, n_steps=5000, seed=42, rng="legacy")
    >>> round(run.activity.isel(neuron=0, time=1, trial=0).item(), 4)
    0.6217
    """
    network, labels = _check_network(connectivity, trials)
    n_steps = check_count("n_steps", n_steps)
    check_rng(rng)
    seeds = _trial_seeds(seed, labels, rng)
    if not is_number(noise_scale) or not 0 <= noise_scale < np.inf:
        raise InvalidInput("noise_scale", got=repr(noise_scale), expected="a standard deviation, 0 or above")
    check_choice("dtype", dtype, ("float32", "float64"))
    if progress is not None and not callable(progress):
        raise InvalidInput("progress", got=repr(progress), expected="a function of (steps done, steps in all)")
    neurons = labels_of(network, n.TARGET)
    state = _first_state(initial, neurons, labels).astype(dtype)
    advance = partial(
        trajectories,
        network.transpose(..., n.TARGET, n.SOURCE).values,
        noise=NoiseSource(seeds, trials=labels, n_neurons=len(neurons), rng=rng),
        noise_scale=float(noise_scale),
    )
    first = float(initial) if isinstance(initial, (int, float, np.number)) else "the first sample"
    attrs = provenance(
        **{n.MODEL: MODEL_EQUATION, n.SEED: int(seed) if isinstance(seed, (int, np.integer)) else seeds, n.RNG: rng},
        **{n.NOISE_SCALE: float(noise_scale), n.INITIAL: first, n.N_STEPS: n_steps},
        **{n.SAMPLING_INTERVAL: 1.0, n.SAMPLING_INTERVAL_UNITS: "step"},
    )
    groups = {n.GROUP: (n.NEURON, network[n.GROUP].values)} if n.GROUP in network.coords else {}
    coords = {n.NEURON: neurons, n.TRIAL: labels, **groups}
    run = xr.Dataset({n.CONNECTIVITY: network.drop_vars(n.GROUP, errors="ignore")}, coords, attrs)
    if store is None:
        check_room("n_steps", n_steps, len(labels) * n_steps * len(neurons) * np.dtype(dtype).itemsize)
        samples = np.empty((len(labels), n_steps, len(neurons)), dtype)
        for rows, start, states in _reporting(advance(state, n_steps=n_steps), progress, total=n_steps * len(labels)):
            samples[rows, start : start + len(states)] = states.swapaxes(0, 1)
        activity = xr.DataArray(samples, dims=(n.TRIAL, n.TIME, n.NEURON), attrs=attrs)
        return with_axis(run.assign({n.ACTIVITY: activity.transpose(n.NEURON, n.TIME, n.TRIAL)}))
    chunk = _stored_steps(len(neurons), len(labels), np.dtype(dtype))
    with resumable_run(
        store, run, n_steps=n_steps, dtype=np.dtype(dtype), steps_per_chunk=chunk, settings=SETTINGS
    ) as resumed:
        _stream(resumed, advance, state, chunk=max(chunk, STEPS_PER_BLOCK), progress=progress)
    return open_store(store)


def _stream(
    resumed: ResumableRun,
    advance: Callable[..., Blocks],
    state: NDArray[Any],
    *,
    chunk: int,
    progress: n.Progress | None,
) -> None:
    """Advance a run from where it is to its end, a segment of all trials at a time, and commit each."""
    done, total = resumed.committed, resumed.n_steps
    per_step = state.size * state.dtype.itemsize
    segment = chunk * max(1, COMMIT_BYTES // (chunk * per_step))
    if done:
        _check_begins_with(resumed, state)
        state = resumed.last_state()
    for start in range(done, total, segment):
        stop = min(start + segment, total)
        blocks = _reporting(
            advance(state, first_step=start, n_steps=stop), progress, total=total * len(state), done=start * len(state)
        )
        state = state.copy()
        for rows, first, states in _gather(blocks, chunk, n_steps=stop):
            resumed.activity[:, first : first + len(states), rows] = states.transpose(2, 0, 1)
            state[rows] = states[-1]
        resumed.commit(stop)


def _check_begins_with(resumed: ResumableRun, state: NDArray[Any]) -> None:
    """Raise if an unfinished run does not begin in `state`."""
    if not np.array_equal(np.asarray(resumed.activity[:, 0, :]).T, state):
        fix = "Ask for the same run, or choose another path."
        raise InvalidInput(
            "initial", got="another first state", expected=f"that of the unfinished run at {resumed.path}", fix=fix
        )


def _stored_steps(n_neurons: int, n_trials: int, dtype: np.dtype[Any]) -> int:
    """Return the samples of a stored chunk: fewer than usual where the trials that advance together are many."""
    steps = steps_per_chunk(n_neurons, dtype)
    together = min(n_trials, trials_together(n_neurons, dtype))
    while steps > STEPS_PER_BLOCK and steps * n_neurons * together * dtype.itemsize > BATCH_BYTES:
        steps //= 2
    return steps


def _gather(blocks: Blocks, length: int, *, n_steps: int) -> Blocks:
    """Join consecutive blocks of the same trials into blocks of `length` steps, a multiple of what comes."""
    for rows, start, states in blocks:
        at = start % length
        if at == 0:
            gathered = np.empty((min(length, n_steps - start), *states.shape[1:]), states.dtype)
        gathered[at : at + len(states)] = states
        if at + len(states) == len(gathered):
            yield rows, start - at, gathered


def _reporting(blocks: Blocks, progress: n.Progress | None, *, total: int, done: int = 0) -> Blocks:
    """Pass blocks on, and report how many steps they hold, with those that were done before."""
    for rows, start, states in blocks:
        yield rows, start, states
        done += states.shape[0] * states.shape[1]
        if progress is not None:
            progress(done, total)


def _check_network(connectivity: xr.DataArray, trials: int | Sequence[int] | None) -> tuple[xr.DataArray, list[int]]:
    """Return the weights and the trial labels, if both can be simulated together."""
    network = check_connectivity(connectivity)
    if not np.isfinite(network.values).all():
        raise InvalidInput(n.CONNECTIVITY, got="weights that are NaN or infinite", expected="finite weights")
    of_networks = labels_of(network, n.TRIAL).tolist() if n.TRIAL in network.dims else None
    if trials is None:
        labels = of_networks or [0]
    elif isinstance(trials, (int, np.integer)):
        n_trials = check_count("trials", trials)
        labels = of_networks if of_networks and len(of_networks) == n_trials else range(n_trials)
    else:
        labels = trials
    expected = "how many, or different whole numbers, 0 or above, as labels"
    labels = check_whole_numbers("trials", labels, largest=2**64 - 1, expected=expected)
    if of_networks is not None and labels != of_networks:
        raise InvalidInput("trials", got=repr(labels), expected=f"those of the connectivity, {of_networks}")
    return network, labels


def _trial_seeds(seed: int | Sequence[int], labels: Sequence[int], rng: n.Rng) -> list[int]:
    """Return a seed for each trial."""
    if isinstance(seed, (int, np.integer)):
        first = check_seed(seed, rng=rng)
        return [check_seed(first + label, rng=rng) if rng == "legacy" else first for label in labels]
    expected = f"one whole number, or one for each of {len(labels)} trials"
    seeds = check_entries("seed", seed, expected=expected)
    if len(seeds) != len(labels):
        raise InvalidInput("seed", got=repr(seed), expected=expected)
    return [check_seed(each, rng=rng) for each in seeds]


def _first_state(initial: float | xr.DataArray, neurons: NDArray[Any], labels: Sequence[int]) -> NDArray[np.float64]:
    """Return the first state of each trial, (trial, neuron)."""
    expected = f"a finite number, or a DataArray with dim {n.NEURON!r} (and {n.TRIAL!r}) that has the network's labels"
    template = xr.DataArray(np.zeros((len(labels), len(neurons))), {n.TRIAL: list(labels), n.NEURON: neurons})
    if isinstance(initial, xr.DataArray) and initial.dtype.kind in NUMBER_KINDS:
        try:
            sides = xr.align(template, initial, join="exact")
            state = (sides[0] + sides[1]).transpose(n.TRIAL, n.NEURON)
        except ValueError as error:
            raise InvalidInput(
                "initial", got=f"a DataArray with sizes {dict(initial.sizes)}", expected=expected
            ) from error
    elif is_number(initial):
        state = template + initial
    else:
        raise InvalidInput("initial", got=repr(initial), expected=expected)
    if not np.isfinite(state.values).all():
        raise InvalidInput("initial", got="NaN or infinity", expected=expected)
    return np.asarray(state.values, np.float64)
