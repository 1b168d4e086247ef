"""What the results must be, computed the plain way: loops over pairs of neurons, and the tutorial's own procedure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

Array = np.ndarray[Any, Any]


class Moments(NamedTuple):
    count: Any
    mean_target: Array
    mean_source: Array
    sumsq_target: Array
    sumsq_source: Array
    comoment: Array


def trials_of(activity: xr.DataArray) -> list[Array]:
    """The samples (neuron, time) of each trial, as exact as can be."""
    if "trial" not in activity.dims:
        return [activity.transpose("neuron", "time").values.astype(np.longdouble)]
    return [trial.values.astype(np.longdouble) for trial in activity.transpose("trial", "neuron", "time")]


def naive_moments(trials: list[Array], lag: int) -> Moments:
    """Moments over all pairs of frames of which neither holds a non-finite sample."""
    target = np.concatenate([x[:, lag:] for x in trials], axis=1)
    source = np.concatenate([x[:, : x.shape[1] - lag] for x in trials], axis=1)
    keep = np.isfinite(target).all(axis=0) & np.isfinite(source).all(axis=0)
    target, source = target[:, keep], source[:, keep]
    n, count = len(target), int(keep.sum())
    if not count:
        nothing, zero = np.full(n, np.nan), np.zeros(n)
        return Moments(0, nothing, nothing, zero, zero, np.full((n, n), np.nan))
    comoment = np.empty((n, n), np.longdouble)
    for i in range(n):
        for j in range(n):
            comoment[i, j] = np.sum((target[i] - target[i].mean()) * (source[j] - source[j].mean()))
    return Moments(
        count,
        target.mean(axis=1),
        source.mean(axis=1),
        np.array([np.sum((x - x.mean()) ** 2) if np.ptp(x) else 0 for x in target]),
        np.array([np.sum((x - x.mean()) ** 2) if np.ptp(x) else 0 for x in source]),
        comoment,
    )


def pairs_of(trials: list[Array], lag: int) -> Iterator[tuple[tuple[int, int], Array, Array]]:
    """Target and source of each pair of neurons, and their samples of the frames in which both are there."""
    for i, j in np.ndindex(len(trials[0]), len(trials[0])):
        target = np.concatenate([x[i, lag:] for x in trials])
        source = np.concatenate([x[j, : x.shape[1] - lag] for x in trials])
        both = np.isfinite(target) & np.isfinite(source)
        yield (i, j), target[both], source[both]


def naive_pair_moments(trials: list[Array], lag: int) -> Moments:
    """Moments of each pair of neurons over the frames in which both are there, everything (target, source)."""
    n = len(trials[0])
    count, values = np.zeros((n, n), int), np.full((5, n, n), np.nan, np.longdouble)
    values[2:] = 0
    for pair, *sides in pairs_of(trials, lag):
        count[pair] = len(sides[0])
        if count[pair]:
            deviations = [side - side.mean() for side in sides]
            squares = [np.sum(d**2) if np.ptp(d) else 0 for d in deviations]
            values[:, *pair] = *(side.mean() for side in sides), *squares, np.sum(deviations[0] * deviations[1])
    return Moments(count, *values)


def naive_correlation(trials: list[Array], lag: int) -> Array:
    """Pearson's r of each pair of neurons, NaN where one does not vary."""
    m = naive_moments(trials, lag)
    r = np.full(m.comoment.shape, np.nan)
    for i, var_i in enumerate(m.sumsq_target):
        for j, var_j in enumerate(m.sumsq_source):
            if var_i > 0 and var_j > 0:
                r[i, j] = m.comoment[i, j] / np.sqrt(var_i * var_j)
    return r


def stacked_corrcoef(x: Array, lag: int = 1) -> Array:
    """The tutorial's formula: one corner of the correlation matrix of next and present activity."""
    both = np.concatenate([x[:, lag:], x[:, : x.shape[1] - lag]])
    return np.corrcoef(both)[: len(x), len(x) :]


def published_network(n: int, *, seed: int, sparsity: float = 0.9) -> Array:
    """The tutorial's network, by its words: 0/1 entries over 1.01 times the largest singular value."""
    edges = np.random.RandomState(seed).choice([0, 1], size=(n, n), p=[sparsity, 1 - sparsity])
    largest = np.linalg.svd(edges)[1][0]
    return edges / (1.01 * largest) if largest else np.full((n, n), 1e-12)


def published_activity(weights: Array, *, n_steps: int, seed: int) -> Array:
    """The tutorial's simulation, by its words: one multivariate normal of unit covariance a step."""
    twister, n = np.random.RandomState(seed), len(weights)
    x = np.zeros((n, n_steps))
    for t in range(1, n_steps):
        drive = weights.dot(x[:, t - 1]) + twister.multivariate_normal(np.zeros(n), np.identity(n))
        x[:, t] = 1 / (1 + np.exp(-drive))
    return x


def plain_simulation(weights: Array, noise: Array) -> Array:
    """The model step by step, over noise (step, neuron) that was drawn before; its first entry drives nothing."""
    x = np.zeros(noise.shape[::-1])
    for t in range(1, len(noise)):
        x[:, t] = 1 / (1 + np.exp(-(weights.dot(x[:, t - 1]) + noise[t])))
    return x


class Regressed(NamedTuple):
    coefficient: Array  # (lag, target, source)
    standard_error: Array
    left: Array  # (target): summed squares
    df: int


def design_of(trials: list[Array], lags: list[int], neurons: Any = slice(None)) -> tuple[Array, Array]:
    """Targets (sample, neuron), and lag by lag the samples of neurons before them (sample, lag x neuron)."""
    p = max(lags)
    targets = [x[:, p:].T for x in trials]
    past = [np.concatenate([x[neurons, p - a : x.shape[1] - a] for a in lags]).T for x in trials]
    return np.concatenate(targets).astype(float), np.concatenate(past).astype(float)


def naive_regression(trials: list[Array], lags: list[int], *, intercept: bool = True) -> Regressed:
    """Least squares of all neurons on the past of all, from the design matrix."""
    y, x = design_of(trials, lags)
    n = x.shape[1]
    x = np.column_stack([x, np.ones(len(x))]) if intercept else x
    b = np.linalg.lstsq(x, y, rcond=None)[0]
    left, df = np.square(y - x @ b).sum(0), len(x) - x.shape[1]
    error = np.sqrt(np.outer(np.diagonal(np.linalg.inv(x.T @ x)), left / df))
    shaped = [each[:n].reshape(len(lags), -1, y.shape[1]).swapaxes(1, 2) for each in (b, error)]
    return Regressed(shaped[0], shaped[1], left, df)


def squares_left(y: Array, x: Array) -> float:
    """Summed squares of y that a regression on x and a mean leaves."""
    x = np.column_stack([x, np.ones(len(x))])
    return float(np.square(y - x @ np.linalg.lstsq(x, y, rcond=None)[0]).sum())
