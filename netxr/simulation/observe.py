"""What a recording shows of a network: some of its neurons, slowly, noisily, now and then, or in averages."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput, NonFiniteActivity, plain
from netxr.kernels.noise import SELECTION_STREAM, philox
from netxr.kernels.recording import indicated, memory_of, noisy
from netxr.moments.coarse import Groups
from netxr.moments.coarse import coarsen as averaged
from netxr.schema.arguments import check_count, check_entries, check_seed, is_finite, is_number, said
from netxr.schema.clock import Recording, activity_of
from netxr.schema.variables import float_type, labels_of

KEPT: Final = (n.ACTIVITY, n.CONNECTIVITY, n.INPUTS, n.PERTURBED, n.DELAY, n.NOISE_COV)
"""What a run keeps; all else was made of its activity."""

AXES: Final = (n.NEURON, n.TARGET, n.SOURCE)


def observe(
    run: Recording,
    *,
    neurons: float | Sequence[Any] | None = None,
    calcium: float | None = None,
    rise: float = 0.0,
    saturation: float | None = None,
    coarsen: Groups | None = None,
    every: int = 1,
    noise: float = 0.0,
    shot: float = 0.0,
    seed: int = 0,
) -> Recording:
    """Return what a recording shows of a run; in the order of the parameters.

    Parameters
    ----------
    run : DataArray or Dataset
        Activity (neuron, time[, trial]), or a run that holds it; dask stays lazy.
    neurons : float or sequence, optional
        Which neurons are recorded: a share of them, above 0 and up to 1, chosen at random, the same and more of them
        in a larger share; or their labels. The others go on acting, unseen.
    calcium : float, optional
        Samples in which a calcium indicator falls to 1 / e (Vogelstein et al. 2009 [1]_). Of a lasting signal it shows
        the signal itself, and with the first sample it is in balance.
    rise : float
        Of the indicator: samples in which it rises to 1 - 1 / e; 0 for at once.
    saturation : float, optional
        Signal at which the indicator shows half of what it can show at most: c / (c + saturation), 0 below 0.
    coarsen : int, sequence, mapping or DataArray, optional
        Groups of the recorded neurons whose averages are recorded, as in `netxr.coarsen`.
    every : int
        Every how many samples one is taken, the first among them.
    noise : float
        Standard deviation of Gaussian noise on each sample that is taken, in units of the signal.
    shot : float
        Variance of the noise that grows with the signal, as of photons that are counted, at a signal of 1.
    seed : int
        Seed of choice and noise, which belong to labels of neurons and trials, and to the number of a sample.

    Returns
    -------
    DataArray or Dataset
        Recorded activity, in floating point; of a run also `connectivity` between what is recorded, and samples of
        `inputs` and `perturbed` that were taken. Estimates and moments are left out. `preprocessing` says what was
        done.

    Raises
    ------
    InvalidInput
        If an argument is out of range, or neurons or groups do not fit the run.
    NonFiniteActivity
        If an indicator is to show a sample that is NaN or infinite; of lazy activity, when computed.

    References
    ----------
    .. [1] Vogelstein et al. 2009, doi:10.1016/j.bpj.2008.08.005

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(50), n_steps=1000)
    >>> seen = observe(run, neurons=0.5, calcium=10, every=2, noise=0.01)
    >>> seen.activity.sizes, seen.connectivity.shape, seen.activity.time.values[:3].tolist()
    (Frozen({'neuron': 25, 'time': 500, 'trial': 1}), (25, 25), [0.0, 2.0, 4.0])
    """
    constants = _constants(calcium, rise)
    every, seed = check_count("every", every), check_seed(seed, rng="modern")
    _check_amounts(saturation, calcium, noise=noise, shot=shot)
    given = {"neurons": neurons, "calcium": calcium, "rise": rise, "saturation": saturation, "coarsen": coarsen}
    step = _told(given | {"every": every, "noise": noise, "shot": shot, "seed": seed})
    seen = _kept(run) if neurons is None else _recorded(_kept(run), neurons, seed)
    if constants:
        seen = _put_back(seen, _shown(activity_of(seen), constants, saturation))
    if coarsen is not None:
        seen = averaged(seen.drop_vars([n.DELAY, n.NOISE_COV], errors="ignore"), groups=coarsen)
    interval = activity_of(seen).attrs.get(n.SAMPLING_INTERVAL)
    n_steps = activity_of(seen).sizes[n.TIME]
    if every >= max(2, n_steps):
        got = f"{every:,} for a recording of {n_steps:,} samples"
        raise InvalidInput("every", got=got, expected="a step that takes two samples or more")
    seen = seen.isel({n.TIME: slice(None, None, every)})
    activity = activity_of(seen)
    if noise or shot:
        activity = _with_noise(activity, float(noise), float(shot), seed)
    before = activity.attrs.get(n.PREPROCESSING)
    activity.attrs[n.PREPROCESSING] = f"{before}\n{step}" if before else step
    if interval is not None:
        activity.attrs[n.SAMPLING_INTERVAL] = interval * every
    observed = _put_back(seen, activity)
    if interval is not None and n.SAMPLING_INTERVAL in observed.attrs:
        observed.attrs[n.SAMPLING_INTERVAL] = interval * every
    return observed


def _check_amounts(saturation: Any, calcium: Any, **amounts: Any) -> None:
    """Raise InvalidInput if a saturation or an amount of noise is out of range."""
    for name, value in amounts.items():
        if not is_finite(value) or value < 0:
            raise InvalidInput(name, got=said(value), expected="a number, 0 or above")
    if saturation is not None and (not is_finite(saturation) or saturation <= 0):
        raise InvalidInput("saturation", got=said(saturation), expected="a signal above 0")
    if saturation is not None and calcium is None:
        raise InvalidInput("saturation", got="it without calcium=", expected="both, or neither")


def _constants(calcium: Any, rise: Any) -> list[float]:
    """Return the time constants of an indicator, in samples; none without one."""
    if not is_finite(rise) or rise < 0:
        raise InvalidInput("rise", got=said(rise), expected="a number of samples, 0 or above")
    if calcium is None:
        if rise:
            raise InvalidInput("rise", got="it without calcium=", expected="both, or neither")
        return []
    if not is_finite(calcium) or calcium <= 0:
        raise InvalidInput("calcium", got=said(calcium), expected="a number of samples above 0")
    return [float(constant) for constant in (rise, calcium) if constant]


def _kept(run: Recording) -> Recording:
    """Return a run without what was made of its activity."""
    activity_of(run, argument="run")
    return run[[name for name in KEPT if name in run]] if isinstance(run, xr.Dataset) else run


def _recorded(run: Recording, neurons: Any, seed: int) -> Recording:
    """Return a run of some of its neurons, with the weights between them and their inputs."""
    labels = labels_of(activity_of(run), n.NEURON)
    places = _chosen(labels.tolist(), neurons, seed)
    for axis in AXES[1:]:
        if axis in run.dims and not np.array_equal(labels_of(run, axis), labels):
            raise InvalidInput("run", got=f"other labels on {axis} than on {n.NEURON}", expected="the same neurons")
    own_inputs = n.INPUT in run.dims and np.array_equal(labels_of(run, n.INPUT), labels)
    axes = [axis for axis in AXES if axis in run.dims] + ([n.INPUT] if own_inputs else [])
    return run.isel(dict.fromkeys(axes, places))


def _chosen(labels: list[Any], neurons: Any, seed: int) -> list[int]:
    """Return the places of the neurons that are recorded: in their order, or in that of the labels given."""
    if is_number(neurons):
        if not 0 < neurons <= 1:
            expected = "a share above 0 and up to 1, or labels of neurons"
            raise InvalidInput("neurons", got=said(neurons), expected=expected)
        lots = [philox(seed, trial=0, stream=SELECTION_STREAM, item=key_of(label)).random() for label in labels]
        return sorted(np.argsort(lots)[: max(1, round(neurons * len(labels)))].tolist())
    expected = f"a share, or different labels of neurons, of {len(labels)} such as {labels[0]!r}"
    wanted = check_entries("neurons", neurons, expected=expected)
    strange = [label for label in wanted if not isinstance(label, Hashable) or label not in labels]
    if strange or not wanted or len(set(wanted)) < len(wanted) or isinstance(neurons, str):
        raise InvalidInput("neurons", got=said(strange[0] if strange else neurons), expected=expected)
    return [labels.index(label) for label in wanted]


def key_of(label: Any) -> int:
    """Return the number under which a label of a neuron or trial has its noise, the same in every process."""
    return int.from_bytes(blake2b(repr(label).encode(), digest_size=8).digest(), "little")


def _shown(activity: xr.DataArray, constants: Sequence[float], saturation: float | None) -> xr.DataArray:
    """Return what an indicator shows; of lazy activity each chunk from as long before it as the indicator remembers."""
    dtype, memory = float_type(activity), memory_of(constants)
    samples: Any = activity.data

    def show(block: NDArray[Any]) -> NDArray[Any]:
        """Return what the indicator shows of a block that it is in balance with at first."""
        if not np.isfinite(block).all():
            expected = "finite samples: an indicator spreads such a one to all that follow"
            fix = "Fill them with netxr.interpolate_frames, observe, and mark them as missing with netxr.mask_frames."
            raise NonFiniteActivity("run", got="NaN or infinity", expected=expected, fix=fix)
        return indicated(block, constants=constants, saturation=saturation).astype(dtype)

    if not isinstance(activity.data, da.Array):
        return activity.copy(data=show(samples))
    meta = np.empty((0,) * samples.ndim, dtype)
    if memory >= samples.shape[1]:
        return activity.copy(data=samples.rechunk({1: -1}).map_blocks(show, dtype=dtype, meta=meta))
    depth = {axis: (memory, 0) if axis == 1 else 0 for axis in range(samples.ndim)}
    lazily: Any = da.map_overlap  # which has no types
    return activity.copy(data=lazily(show, samples, depth=depth, boundary="none", dtype=dtype, meta=meta))


def _with_noise(activity: xr.DataArray, noise: float, shot: float, seed: int) -> xr.DataArray:
    """Return activity with noise that belongs to labels of neurons and trials, and to the number of a sample."""
    dtype = float_type(activity)
    samples: Any = activity.data
    neurons = [key_of(label) for label in labels_of(activity, n.NEURON).tolist()]
    has_trials = n.TRIAL in activity.dims
    trials = [key_of(label) for label in labels_of(activity, n.TRIAL).tolist()] if has_trials else [0]
    add = partial(noisy, seed=seed, noise=noise, shot=shot)

    def add_to(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        """Return a block with its noise."""
        place = block_info[0]["array-location"] if block_info else [(0, size) for size in samples.shape]
        own = trials[slice(*place[2])] if has_trials else trials
        whole = block if has_trials else block[..., None]
        done = add(whole, first=place[1][0], neurons=neurons[slice(*place[0])], trials=own)
        return (done if has_trials else done[..., 0]).astype(dtype)

    if not isinstance(activity.data, da.Array):
        return activity.copy(data=add_to(samples))
    meta = np.empty((0,) * samples.ndim, dtype)
    return activity.copy(data=samples.map_blocks(add_to, dtype=dtype, meta=meta))


def _put_back(run: Recording, activity: xr.DataArray) -> Recording:
    """Return a run with this activity in the place of its own."""
    return run.assign({n.ACTIVITY: activity}) if isinstance(run, xr.Dataset) else activity


def _told(given: Mapping[str, Any]) -> str:
    """Return in one line how a run was observed: what differs from the run itself."""
    same: dict[str, Any] = {"every": 1, "rise": 0, "noise": 0, "shot": 0, "seed": 0}
    parts = [
        f"{name}={plain(repr(value))}" if is_number(value) else f"{name} as given"
        for name, value in given.items()
        if value is not None and not (is_number(value) and value == same.get(name))
    ]
    return " ".join(["observe", *parts])
