"""Simulation of rates or spikes, in memory or straight to disk."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from os import PathLike
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.kernels.drives import Drives
from netxr.kernels.dynamics import BATCH_BYTES, trajectories, trials_together
from netxr.kernels.noise import STEPS_PER_BLOCK, NoiseSource
from netxr.kernels.units import LIF, SIGMOID
from netxr.schema.arguments import check_choice, check_count, check_listener, check_rng, check_room
from netxr.schema.clock import with_axis
from netxr.schema.provenance import provenance
from netxr.schema.variables import labels_of
from netxr.simulation.beginning import check_network, first_state, trial_seeds
from netxr.simulation.model import USUAL, Model, Units, check_model
from netxr.simulation.settling import remark_on
from netxr.store.dataset import open as open_store
from netxr.store.layout import steps_per_chunk
from netxr.store.resumable import Growing, ResumableRun, resumable_run

Blocks = Iterator[tuple[slice, int, NDArray[Any]]]
"""Which trials, the first step, and states (t, k, n)."""

SETTINGS: Final = (n.MODEL, n.SEED, n.RNG, n.NOISE_SCALE, n.INITIAL, n.N_STEPS, *USUAL)
"""What a run that was interrupted must have in common with the call that resumes it."""

COMMIT_BYTES: Final = 2**26
"""Samples of all trials from one commit to the next: a crash loses about half a second of work."""


def simulate(
    connectivity: xr.DataArray,
    *,
    n_steps: int,
    trials: int | Sequence[int] | None = None,
    seed: int | Sequence[int] = 0,
    rng: n.Rng = "modern",
    units: Units = SIGMOID,
    gain: float = 1.0,
    leak: float | None = None,
    threshold: float | None = None,
    reset: float | None = None,
    delay: Any = 1,
    noise_scale: float = 1.0,
    noise_cov: Any = None,
    initial: float | xr.DataArray = 0.0,
    burn_in: int = 0,
    common_drive: float = 0.0,
    instrument: float = 0.0,
    perturb: int | None = None,
    dtype: Literal["float32", "float64"] = "float64",
    store: str | PathLike[str] | None = None,
    progress: n.Progress | None = None,
) -> xr.Dataset:
    """Simulate x(t + 1) = f(gain A x(t) + c h(t + 1) + eta z(t + 1) + e(t)) with Gaussian noise e.

    By default it is x(t + 1) = sigmoid(A x(t) + e(t)), the model of Neuromatch Academy's tutorials on network causality
    (W3D5). Trials advance together, by one product a step: a sparse one where that is cheaper than a dense one. Legacy
    trials advance one after the other instead.

    Units "lif" spike instead: leaky integrate-and-fire neurons with potentials v(t + 1) = leak v(t) + gain A x(t) +
    c h(t + 1) + eta z(t + 1) + e(t). Where v reaches the threshold, there is a spike: x is 1, else 0, and v is reset
    (as in Brunel 2000 [1]_, without a refractory period). At a millisecond a step, a neuron by itself spikes some 8
    times a second, unless told otherwise.

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
    units : {"sigmoid", "linear", "tanh", "threshold", "lif"} or callable
        f: 1 / (1 + exp(-d)); d itself; its tanh; 1 where d is above 0, else 0. Or units that spike. A function of your
        own takes what drives the neurons, (trial, neuron), and returns as much.
    gain : float
        Factor of all weights.
    leak : float, optional
        Share of a state that stays, in [0, 1): x(t + 1) = leak x(t) + (1 - leak) f(...); 0 if not given. Of "lif", that
        of the potential from step to step, exp(-1 / tau) for a time constant of tau steps; .95 if not given, 20 steps.
    threshold, reset : float, optional
        Of "lif": potential from which on a neuron spikes, and after a spike, in the units of weights and noise, 0 at
        rest; 5 and 0 if not given.
    delay : int or array-like, (target, source)
        Steps from a source to a target, 1 to 256: the same for all, or of each edge; an edge of delay d is seen at
        lag d. Before the first step, states are as in `initial`.
    noise_scale : float
        Standard deviation of e, 0 or above.
    noise_cov : array-like, (target, source), optional
        Covariance of e between neurons, or their variances, which `noise_scale` multiplies further; independent, of
        variance 1, if not given.
    initial : float or DataArray, (neuron[, trial])
        State at the first sample, or at the beginning of the burn-in; of "lif", the potential, and no neuron spikes.
    burn_in : int
        Steps before the first sample, in which activity comes to where it settles. A longer burn-in begins earlier: the
        noise of the samples stays the same.
    common_drive : float
        c, weight of one signal that drives all neurons and is not recorded: autoregressive, .9 from step to step, of
        variance 1.
    instrument : float
        eta, weight of the instruments, one a neuron: 0 or 1 at random in each step.
    perturb : int, optional
        Every how many samples, 2 or more, from the first on, all states are set to 0 or 1 at random: spikes of "lif",
        whose potentials are reset where they spike, and only leak where not.
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
        `activity` (neuron, time, trial) and `connectivity`, with the parameters as attributes. Where there are
        instruments, their samples as `inputs` (input, time, trial), for `instrumental_variables(run, instruments=
        run.inputs)`; where states were set, the frames as `perturbed` (time), for `perturbation_effect(run, where=
        run.perturbed)`; `delay` and `noise_cov` where they are matrices. Where the first samples stand so far from
        where activity settles that they make much of its variance, the attribute `remark` says so.

    Raises
    ------
    InvalidInput
        If an argument is out of range or does not fit another, linear units are not stable, or there is an unfinished
        run of other parameters at `store`.
    OutputExists
        If there is something else at `store`.
    StoreBusy
        If another process is writing to `store`.
    DiskFull
        If there is no room; what was committed stays.

    References
    ----------
    .. [1] Brunel 2000, doi:10.1023/A:1008925309027

    Examples
    --------
    >>> import netxr
    >>> A = netxr.random_connectivity(6, seed=42, rng="legacy")
    >>> run = simulate(A, n_steps=5000, seed=42, rng="legacy")
    >>> round(run.activity.isel(neuron=0, time=1, trial=0).item(), 4)
    0.6217
    >>> A = netxr.random_connectivity(50, weights="normal", spectral_radius=0.9)
    >>> run = simulate(A, n_steps=5000, units="linear", burn_in=200)
    >>> scores = netxr.compare(A, netxr.lagged_correlation(run.isel(trial=0)), diagonal=False)
    >>> bool(scores.pearson < 0.85)  # at any length: a regression finds more than .99
    True
    >>> A = netxr.random_connectivity(20, inhibitory=0.2, coupling=4)
    >>> run = simulate(A, n_steps=50_000, units="lif")
    >>> 5 < 1000 * run.activity.mean().item() < 20  # spikes a second, at a millisecond a step
    True
    """
    network, labels = check_network(connectivity, trials)
    n_steps = check_count("n_steps", n_steps)
    check_rng(rng)
    seeds = trial_seeds(seed, labels, rng)
    check_choice("dtype", dtype, ("float32", "float64"))
    if progress is not None:
        check_listener("progress", progress, what="steps done, steps in all")
    neurons = labels_of(network, n.TARGET)
    noise = NoiseSource(seeds, trials=labels, n_neurons=len(neurons), rng=rng)
    options = {n.UNITS: units, n.GAIN: gain, n.LEAK: leak, n.THRESHOLD: threshold, n.RESET: reset, n.DELAY: delay}
    options |= {n.BURN_IN: burn_in, n.PERTURB: perturb}
    options |= {n.NOISE_SCALE: noise_scale, n.NOISE_COV: noise_cov}
    options |= {n.COMMON_DRIVE: common_drive, n.INSTRUMENT: instrument}
    model = check_model(network, noise, options)
    state = first_state(initial, neurons, labels)
    key = f"by neuron, {blake2b(state.tobytes(), digest_size=8).hexdigest()}"
    first = float(initial) if isinstance(initial, (int, float, np.number)) else key
    attrs = provenance(
        **{n.SEED: int(seed) if isinstance(seed, (int, np.integer)) else seeds, n.RNG: rng},
        **{n.NOISE_SCALE: float(noise_scale), n.INITIAL: first, n.N_STEPS: n_steps},
        **{n.SAMPLING_INTERVAL: 1.0, n.SAMPLING_INTERVAL_UNITS: "step"},
        **model.attributes,
    )
    groups = {n.GROUP: (n.NEURON, network[n.GROUP].values)} if n.GROUP in network.coords else {}
    inputs = {n.INPUT: neurons} if instrument else {}
    variables = {n.CONNECTIVITY: network.drop_vars(n.GROUP, errors="ignore"), **model.variables}
    run = xr.Dataset(variables, {n.NEURON: neurons, n.TRIAL: labels, **groups, **inputs}, attrs)
    if store is None:
        check_room("n_steps", n_steps, len(labels) * n_steps * len(neurons) * np.dtype(dtype).itemsize)
        return _in_memory(run, model, state.astype(dtype), n_steps, progress)
    chunk = _stored_steps(len(neurons), len(labels), np.dtype(dtype))
    growing = {n.ACTIVITY: Growing((n.NEURON, n.TIME, n.TRIAL), np.dtype(dtype), attrs)}
    growing |= {name: Growing(one.dims, one.dtype, {}) for name, one in _beside(model.drives, 0, 1).items()}
    with resumable_run(
        store, run, n_steps=n_steps, growing=growing, steps_per_chunk=chunk, settings=SETTINGS
    ) as resumed:
        _stream(resumed, model, state.astype(dtype), chunk=max(chunk, STEPS_PER_BLOCK), progress=progress)
    return open_store(store)


def _in_memory(
    run: xr.Dataset, model: Model, state: NDArray[Any], n_steps: int, progress: n.Progress | None
) -> xr.Dataset:
    """Return a run with its activity, and what was recorded beside it."""
    samples = np.empty((len(state), n_steps, state.shape[1]), state.dtype)
    past, potential = model.start(state)
    blocks = trajectories(
        model.rule, past, drives=model.drives, n_steps=n_steps, first_step=model.first_step, potential=potential
    )
    for rows, start, states in _reporting(blocks, progress, total=n_steps * len(state)):
        samples[rows, start : start + len(states)] = states.swapaxes(0, 1)
    activity = xr.Variable((n.TRIAL, n.TIME, n.NEURON), samples, run.attrs)
    whole = {n.ACTIVITY: activity.transpose(n.NEURON, n.TIME, n.TRIAL), **_beside(model.drives, 0, n_steps)}
    return with_axis(run.assign(whole).assign_attrs(_remarks(samples.transpose(2, 1, 0), model)))


def _remarks(activity: Any, model: Model) -> dict[str, str]:
    """Return what is to be known of the samples of a run, as attributes; of spikes, which do not settle, nothing."""
    remark = None if model.rule.units == LIF else remark_on(activity)
    return {} if remark is None else {n.REMARK: remark}


def _beside(drives: Drives, start: int, stop: int) -> dict[str, xr.Variable]:
    """Return what is recorded beside the activity of some steps, the first of them a multiple of those of a block."""
    found = {}
    if drives.instrument:
        blocks = range(start // STEPS_PER_BLOCK, -(-stop // STEPS_PER_BLOCK))
        each = [np.concatenate([drives.instruments(i, b) for b in blocks]) for i in range(len(drives.noise))]
        samples = np.stack(each)[:, : stop - start].transpose(2, 1, 0)
        found[n.INPUTS] = xr.Variable((n.INPUT, n.TIME, n.TRIAL), samples)
    if drives.every:
        found[n.PERTURBED] = xr.Variable(n.TIME, drives.is_set(start, stop))
    return found


def _stream(
    resumed: ResumableRun, model: Model, state: NDArray[Any], *, chunk: int, progress: n.Progress | None
) -> None:
    """Advance a run from where it is to its end, a segment of all trials at a time, and commit each."""
    done, total = resumed.committed, resumed.n_steps
    per_step = state.size * state.dtype.itemsize
    segment = chunk * max(1, COMMIT_BYTES // (chunk * per_step))
    past, potential = model.start(state)
    first_step = model.first_step
    if done:
        past, first_step = resumed.last_states(len(past)), done
        if potential is not None:
            kept = np.frombuffer(b64decode(resumed.attributes[n.POTENTIAL]), potential.dtype)
            potential = kept.reshape(potential.shape).copy()
    for start in range(done, total, segment):
        stop = min(start + segment, total)
        blocks = trajectories(
            model.rule, past, drives=model.drives, n_steps=stop, first_step=first_step, potential=potential
        )
        blocks = _reporting(blocks, progress, total=total * len(state), done=start * len(state))
        past, first_step = np.empty_like(past), stop
        for rows, first, states in _gather(blocks, chunk, n_steps=stop):
            resumed.arrays[n.ACTIVITY][:, first : first + len(states), rows] = states.transpose(2, 0, 1)
            past[:, rows] = states[-len(past) :]
        for name, values in _beside(model.drives, start, stop).items():
            place = tuple(slice(start, stop) if dim == n.TIME else slice(None) for dim in values.dims)
            resumed.arrays[name][place] = values.values
        told = {} if potential is None else {n.POTENTIAL: b64encode(potential.tobytes()).decode()}
        resumed.commit(stop, _remarks(resumed.arrays[n.ACTIVITY], model) if stop == total else told)


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
