"""Hypothesis strategies: recordings of any shape, type, order of dims, memory order and chunking; group assignments."""

import itertools
from typing import Any

import numpy as np
import xarray as xr
from hypothesis import strategies as st

FLOATS = ("float64", "float32")
DTYPES = (*FLOATS, "float16", "int8", "uint8", "int16", "int64", "bool")


@st.composite
def splits(draw: st.DrawFn, length: int) -> tuple[int, ...]:
    """Lengths of consecutive chunks that make up `length`."""
    cuts = draw(st.sets(st.integers(1, length - 1), max_size=8)) if length > 1 else set()
    edges = [0, *sorted(cuts), length]
    return tuple(b - a for a, b in itertools.pairwise(edges))


@st.composite
def chunked(draw: st.DrawFn, data: xr.DataArray) -> xr.DataArray:
    """The same data as a dask array, chunked in any way along every dim."""
    return data.chunk({dim: draw(splits(size)) for dim, size in data.sizes.items()})


def samples(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray[Any, Any]:
    """Samples (neuron, time, trial) with correlations, an own mean and scale for each neuron, and a seed."""
    rng = np.random.default_rng(seed)
    n = shape[0]
    mixed = np.einsum("ij,jtk->itk", np.eye(n) + rng.normal(size=(n, n)) / 2, rng.normal(size=shape))
    mixed[:, 1:] += 0.5 * mixed[::-1, :-1]
    if dtype == "bool":
        return mixed > 0
    if np.dtype(dtype).kind in "iu":
        return np.clip(np.round(20 * mixed + 100), 0, 120).astype(dtype)
    return (mixed * rng.uniform(0.5, 2, (n, 1, 1)) + rng.uniform(-9, 9, (n, 1, 1))).astype(dtype)


@st.composite
def recordings(
    draw: st.DrawFn, *, max_neurons: int = 5, steps: tuple[int, int] = (12, 40), dtypes: tuple[str, ...] = DTYPES
) -> xr.DataArray:
    """A recording in memory: with or without trials and labels, dims in any order, memory in any order."""
    n, n_steps = draw(st.integers(1, max_neurons)), draw(st.integers(*steps))
    n_trials = draw(st.sampled_from([None, 1, 2, 3]))
    dtype, seed = draw(st.sampled_from(dtypes)), draw(st.integers(0, 2**16))
    values = samples((n, n_steps, n_trials or 1), dtype, seed)
    neurons = [f"cell {k}" for k in range(n)] if draw(st.booleans()) else None
    activity = xr.DataArray(values, dims=("neuron", "time", "trial"), name="activity", attrs={"units": "mV"})
    if neurons:
        activity = activity.assign_coords(neuron=neurons)
    activity = activity.isel(trial=0) if n_trials is None else activity.assign_coords(trial=10 + np.arange(n_trials))
    activity = activity.transpose(*draw(st.permutations(activity.dims)))
    return activity.copy(data=draw(memory_orders(activity.values)))


@st.composite
def memory_orders(draw: st.DrawFn, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same values in C order, Fortran order, or as every second entry of a larger array."""
    order = draw(st.sampled_from(["C", "F", "strided", "reversed"]))
    if order == "strided":
        return np.repeat(values, 2, axis=-1)[..., ::2]
    if order == "reversed":
        return np.ascontiguousarray(values[..., ::-1])[..., ::-1]
    return np.array(values, order=order)


@st.composite
def group_assignments(draw: st.DrawFn, n_neurons: int) -> list[Any]:
    """A group for each neuron, numbers or text, some neurons in none, at least one in one."""
    none, groups = draw(st.sampled_from([(-1, [0, 1, 2, 7]), (None, ["a", "b", "c"]), ("", ["a", "b", "c"])]))
    chosen = draw(st.lists(st.sampled_from([none, *groups]), min_size=n_neurons, max_size=n_neurons))
    chosen[draw(st.integers(0, n_neurons - 1))] = draw(st.sampled_from(groups))
    return chosen
