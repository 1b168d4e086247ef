"""Correlograms: what stands out at a lag from the lags around it.

Index letters: l lag, from 0 on; i target; j source. R at lag -l is R at lag l with its sides swapped.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d
from scipy.special import gammainc

Floats = NDArray[np.float64]

WIDTH: Final = 10
"""Standard deviation of the Gaussian that smooths a correlogram, in samples."""

REACH: Final = 3 * WIDTH
"""Lags on either side that it takes in."""

HOLLOW: Final = 0.6
"""Share that is taken out of its middle, so that a peak does not hide itself."""


def _window() -> Floats:
    """Return the weights (2 REACH + 1) that take the smoothed correlogram from the correlogram; their sum is 0."""
    smooth = np.exp(-0.5 * (np.arange(-REACH, REACH + 1) / WIDTH) ** 2)
    smooth[REACH] *= 1 - HOLLOW
    window = -smooth / smooth.sum()
    window[REACH] += 1
    return np.asarray(window)


def excess(R: NDArray[Any], lag: int) -> Floats:
    """Return correlations, or pairs of spikes, (..., l, i, j) at a lag less the smoothed ones, (..., i, j).

    Examples
    --------
    >>> R = np.full((REACH + 2, 1, 1), 0.1)
    >>> R[1] += 0.5
    >>> excess(R, 1).round(2).item()
    0.47
    """
    found = np.zeros(R.shape[:-3] + R.shape[-2:])
    for at, weight in enumerate(_window(), lag - REACH):
        one = R[..., abs(at), :, :]
        found += weight * (one if at >= 0 else one.swapaxes(-1, -2))
    return found


def p_value_of_excess(pairs: NDArray[Any], R: NDArray[Any], fano: NDArray[Any], lag: int) -> Floats:
    """Return how often so many pairs of spikes, or so few, come at a lag where the smoothed correlogram expects others.

    Pairs (..., l, i, j) are counted as if all lags offered as many samples as the one in question. They are
    quasi-Poisson. By how much they spread more, or less, than Poisson counts follows from the Fano factors (..., i) of
    both neurons, variance of the counts over their mean, and where these remember, from the sum over u of r_i(u) w(u)
    r_j(u) (Bartlett 1946), with r their autocorrelations, the diagonals of R (..., l, i, j), and w the window over
    itself. Beyond the last lag r is taken to stay as it is.

    P-values (..., i, j) are two-sided; NaN of a neuron with itself, and where one remembers for longer than the window.
    """
    n_pairs = pairs[..., lag, :, :]
    expected = n_pairs - excess(pairs, lag)
    own = np.diagonal(R, axis1=-2, axis2=-1)
    own = np.concatenate([own[..., :0:-1, :], own], axis=-2)  # (..., u, i), from the last lag before to the last after
    passed = convolve1d(own, np.convolve(_window(), _window()), axis=-2, mode="nearest")
    spread = np.einsum("...ui,...uj->...ij", own, passed) * fano[..., None] * fano[..., None, :]
    known = (spread > 0) & (expected > 0) & ~np.eye(fano.shape[-1], dtype=bool)
    scale = np.where(known, spread, np.nan)
    above = gammainc(n_pairs / scale + 0.5, expected / scale)
    return np.asarray(2 * np.minimum(above, 1 - above))
