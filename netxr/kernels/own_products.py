"""Products of each neuron with itself at many lags, without any pair of neurons.

Index letters: i neuron, t frame, r lag.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

Floats = NDArray[np.float64]

FEW_LAGS: Final = 16
"""So many lags take no longer one by one than by Fourier transforms."""

FRAMES: Final = 256
"""Frames that are copied to float64 at a time."""

ROWS: Final = 16
"""Neurons that are transformed at a time, so that what is in between stays in a cache."""

SPANS: Final = 4
"""A transform is of so many times the longest lag, so that frames before them take little beside."""

TRANSFORMS: Final = 4
"""Transforms of a block are added up before they are turned back into lags."""

BLOCK_BYTES: Final = 2**26
"""Samples of a block, at most where one transform needs no more."""


def own_products(
    targets: NDArray[Any], sources: NDArray[Any], *, lags: Sequence[int], exact: NDArray[np.bool_]
) -> Floats:
    """Return the sums over t of targets[i, t] * sources[i, max(lags) - lag + t], (r, i).

    Sources (i, max(lags) + t) begin max(lags) frames before the targets (i, t), and are zero where they end before.
    `exact` (i) says for which neurons the precision of the samples will not do where there are many lags.

    Examples
    --------
    >>> samples = np.array([[5.0, 3, 4]])
    >>> own_products(samples[:, 1:], samples, lags=[0, 1], exact=np.array([True])).ravel()
    array([25., 27.])
    """
    by = _by_spectra if len(lags) > FEW_LAGS else _one_by_one
    return by(targets, sources, np.array(lags), exact)


def own_block(n_neurons: int, max_lag: int, precision: np.dtype[Any]) -> int:
    """Return how many frames of a block are multiplied at a time where there are many lags."""
    once = SPANS * max_lag
    return once * max(1, min(TRANSFORMS, BLOCK_BYTES // (once * n_neurons * precision.itemsize)))


def _one_by_one(targets: NDArray[Any], sources: NDArray[Any], lags: NDArray[np.int64], _: NDArray[np.bool_]) -> Floats:
    """Return the products in float64, some frames at a time."""
    max_lag = lags.max()
    found = np.zeros((len(lags), len(targets)))
    for first in range(0, targets.shape[1], max(FRAMES, max_lag)):
        x = targets[:, first : first + max(FRAMES, max_lag)].astype(np.float64)
        y = sources[:, first : first + x.shape[1] + max_lag].astype(np.float64)
        for sums, lag in zip(found, lags, strict=True):
            shifted = y[:, max_lag - lag :][:, : x.shape[1]]
            sums += np.einsum("it,it->i", x[:, : shifted.shape[1]], shifted)
    return found


def _by_spectra(
    targets: NDArray[Any], sources: NDArray[Any], lags: NDArray[np.int64], exact: NDArray[np.bool_]
) -> Floats:
    """Return the products by way of the cross spectra of short segments, some neurons at a time."""
    max_lag, n_frames = int(lags.max()), targets.shape[1]
    length = -(-n_frames // -(-n_frames // (SPANS * max_lag)))
    size = next_fast_len(length + max_lag, real=True)
    found = np.empty((len(lags), len(targets)))
    for row in range(0, len(targets), ROWS):
        rows = slice(row, row + ROWS)
        dtype = np.float64 if exact[rows].any() else targets.dtype
        spectra = np.zeros((len(targets[rows]), size // 2 + 1), np.result_type(dtype, np.complex64))
        for first in range(0, n_frames, length):
            x = targets[rows, first : first + length].astype(dtype, copy=False)
            y = sources[rows, first : first + x.shape[1] + max_lag].astype(dtype, copy=False)
            cross = np.conjugate(rfft(x, size, axis=1))
            cross *= rfft(y, size, axis=1)
            spectra += cross
        found[:, rows] = irfft(spectra, size, axis=1)[:, max_lag - lags].T
    return found
