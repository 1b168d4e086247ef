"""Lagged second moments of a recording: the one pass over the data from which every linear estimate follows."""

from collections.abc import Hashable, Sequence
from typing import Any, Final, Literal

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr.arguments import check_choice, check_entries, check_whole_numbers
from netxr.errors import InvalidInput
from netxr.lagged_pass import MomentsAndEdges, Pass, Trial, moments_of_trials
from netxr.names import (
    ACTIVITY,
    COMOMENT,
    COUNT,
    EDGE_ACTIVITY,
    EDGE_FRAME,
    LAG,
    MEAN_SOURCE,
    MEAN_TARGET,
    MISSING,
    NEURON,
    NOT_SOURCE,
    NOT_TARGET,
    POOLED,
    PRECISION,
    SOURCE,
    SUMSQ_SOURCE,
    SUMSQ_TARGET,
    TARGET,
    TIME,
    TRIAL,
)
from netxr.schema import check_activity, labels_of, provenance

Precision = Literal["float32", "float64"]
Missing = Literal["raise", "drop"]

MOMENT_DIMS: Final = {
    COUNT: (LAG,),
    MEAN_TARGET: (LAG, TARGET),
    MEAN_SOURCE: (LAG, SOURCE),
    SUMSQ_TARGET: (LAG, TARGET),
    SUMSQ_SOURCE: (LAG, SOURCE),
    COMOMENT: (LAG, TARGET, SOURCE),
}
EDGE_DIMS: Final = {EDGE_ACTIVITY: (NEURON, EDGE_FRAME), NOT_TARGET: (LAG, EDGE_FRAME), NOT_SOURCE: (LAG, EDGE_FRAME)}


def lagged_moments(
    activity: xr.DataArray,
    *,
    lags: Sequence[int] = (0, 1),
    dim: str | Sequence[str] = TIME,
    source: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: Missing = "raise",
) -> xr.Dataset:
    """Sum up all pairs of samples that lie `lags` apart: counts, means, squares and co-moments.

    Lag l pairs x_i(t + l), the target, with x_j(t), the source, for all t with both inside one trial. Every
    lag has its own means and squares, over exactly the samples that its pairs hold. One read serves all lags.

    Parameters
    ----------
    activity : DataArray, (neuron, time[, trial])
        Samples, in any order of dims and any chunking; NumPy is summed at once, dask stays lazy.
    lags : sequence of int
        Lags in samples, 0 and above.
    dim : str or sequence of str
        What to sum over: "time" keeps trials apart, ("time", "trial") pools them.
    source : label or sequence of labels, optional
        Neurons to take as sources; all if not given. A single label leaves a `source` axis of length 1.
    precision : {"float32", "float64"}, optional
        Of the products within a block of samples; sums over blocks are float64. By default as precise as the
        samples: float32 for float32 (an error in the correlation below 1e-6, or an InvalidInput where samples
        reach too far from each other for that), else float64.
    missing : {"raise", "drop"}
        What to do with NaN and infinity: an error that says how many and where, or drop the frames that hold
        one, with every pair that they are in.

    Returns
    -------
    Dataset
        `count` (lag), `mean_target` and `sumsq_target` (lag, target), `mean_source` and `sumsq_source`
        (lag, source), `comoment` (lag, target, source), all float64, with `trial` after `lag` where it is kept;
        and the few samples near the ends of trials that some lags leave out (`edge_activity`, `not_target`,
        `not_source`), from which moments are coarse-grained exactly. No edges are kept with missing="drop".

    Raises
    ------
    InvalidInput
        If the activity is no recording, a trial is too short for a lag, or an argument is unknown.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise"; for dask arrays, when computed.

    Notes
    -----
    Before any product, one provisional mean a neuron is subtracted, so that float32 does not cancel
    (Chan, Golub & LeVeque 1983, doi:10.2307/2683386).

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> moments = lagged_moments(run.activity, lags=[0, 1, 2])
    >>> moments["count"].squeeze("trial").values.tolist()
    [100, 99, 98]
    """
    check_activity(activity)
    lag_list = check_lags(lags, n_steps=activity.sizes[TIME])
    pooled = check_dim(dim, activity)
    check_choice("missing", missing, ("raise", "drop"))
    todo = Pass(
        lags=tuple(lag_list),
        sources=positions_of(labels_of(activity, NEURON), source),
        precision=_product_dtype(precision, activity.dtype),
        drop=missing == "drop",
    )
    keeps_trials = TRIAL in activity.dims and TRIAL not in pooled
    trials = _trials(activity)
    parts = [moments_of_trials(group, todo) for group in ([[trial] for trial in trials] if keeps_trials else [trials])]
    made = {POOLED: list(pooled), PRECISION: todo.precision.name, MISSING: missing}
    return _label(parts, activity, todo=todo, keeps_trials=keeps_trials).assign_attrs(
        activity.attrs | provenance(**made)
    )


def check_lags(lags: Sequence[int], *, n_steps: int, argument: str = "lags") -> list[int]:
    """Return the lags as plain integers if a trial of `n_steps` samples offers at least two pairs at each.

    Raises
    ------
    InvalidInput
        If there is none, one repeats, is no whole number, is negative, or is too long for the trial.
    """
    wanted = f"different whole numbers from 0 to {n_steps - 2}, for trials of {n_steps} samples"
    fix = "Put a single lag into a list."
    return check_whole_numbers(argument, lags, largest=n_steps - 2, expected=wanted, fix=fix)


def check_dim(dim: str | Sequence[str], activity: xr.DataArray) -> tuple[str, ...]:
    """Return the dims to sum over, time first.

    Raises
    ------
    InvalidInput
        If time is not among them, or one is neither time nor a trial dim of the activity.
    """
    allowed = [(TIME,), (TIME, TRIAL)] if TRIAL in activity.dims else [(TIME,)]
    expected = " or ".join(map(str, allowed))
    pooled = tuple(sorted([dim] if isinstance(dim, str) else check_entries("dim", dim, expected=expected), key=str))
    if pooled not in allowed:
        raise InvalidInput("dim", got=repr(dim), expected=expected)
    return pooled


def is_label(source: Hashable | Sequence[Hashable] | None) -> bool:
    """Return whether `source` is a single label."""
    return source is not None and not isinstance(source, (list, tuple)) and getattr(source, "ndim", 0) == 0


def positions_of(neurons: NDArray[Any], source: Hashable | Sequence[Hashable] | None) -> tuple[int, ...] | None:
    """Return where among the labels of `neurons` the sources stand, None for all.

    Raises
    ------
    InvalidInput
        If one is no label of a neuron, or comes twice.
    """
    if source is None:
        return None
    labels = neurons.tolist()
    wanted = np.asarray(source, dtype=object).ravel().tolist()
    known = [labels.index(label) for label in wanted if label in labels]
    if not wanted or len(set(known)) < len(wanted):
        raise InvalidInput(
            "source",
            got=repr(wanted),
            expected=f"labels of neurons, each once, such as {', '.join(map(repr, labels[:3]))}",
        )
    return tuple(known)


def _product_dtype(precision: Precision | None, samples: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the products: the one asked for, or as precise as the samples."""
    if precision is not None:
        check_choice("precision", precision, ("float32", "float64"))
    natural = "float32" if samples.kind == "f" and samples.itemsize <= 4 else "float64"
    return np.dtype(precision or natural)


def _trials(activity: xr.DataArray) -> list[Trial]:
    """Return the samples of each trial; a recording without trial dim is one trial."""
    if TRIAL not in activity.dims:
        return [Trial(ACTIVITY, activity.transpose(NEURON, TIME).data)]
    samples = activity.transpose(NEURON, TIME, TRIAL).data
    labels = labels_of(activity, TRIAL).tolist()
    return [Trial(f"{ACTIVITY}, trial {label}", samples[:, :, k]) for k, label in enumerate(labels)]


def _label(parts: Sequence[MomentsAndEdges], activity: xr.DataArray, *, todo: Pass, keeps_trials: bool) -> xr.Dataset:
    """Return the moments with dims, labels and coordinates of the activity."""
    columns: dict[str, Any] = dict(zip(MOMENT_DIMS, zip(*(part.moments for part in parts), strict=True), strict=True))
    dims = dict(MOMENT_DIMS)
    if not todo.drop and todo.sources is None:
        columns |= zip(EDGE_DIMS, zip(*(part[1:] for part in parts), strict=True), strict=True)
        dims |= EDGE_DIMS
    variables = {}
    for name, arrays in columns.items():
        axis = int(dims[name][0] == LAG) if keeps_trials else 0
        stacked = _stack(arrays, axis) if keeps_trials else arrays[0]
        with_trial = (*dims[name][:axis], TRIAL, *dims[name][axis:]) if keeps_trials else dims[name]
        variables[name] = (with_trial, stacked)
    neurons = labels_of(activity, NEURON)
    coords: dict[str, Any] = {LAG: list(todo.lags), TARGET: neurons, SOURCE: neurons[todo.columns]}
    if EDGE_ACTIVITY in variables:
        on_neuron = {str(name): coord for name, coord in activity.coords.items() if coord.dims == (NEURON,)}
        coords.update({NEURON: neurons, **on_neuron})
    if keeps_trials:
        coords |= {str(name): coord for name, coord in activity.coords.items() if coord.dims == (TRIAL,)}
    return xr.Dataset(variables, coords)


def _stack(arrays: Sequence[Any], axis: int) -> Any:
    """Stack the arrays of several trials; that of one is not copied."""
    if len(arrays) == 1:
        return arrays[0][(slice(None),) * axis + (None,)]
    return (da if isinstance(arrays[0], da.Array) else np).stack(arrays, axis=axis)
