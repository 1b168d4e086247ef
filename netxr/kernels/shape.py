"""How samples of a neuron are spread."""

from typing import Final

import numpy as np

from netxr.kernels.lagged_sums import Floats

UNIFORM: Final = 5 / 9
"""The coefficient of bimodality of a uniform distribution; of a normal one it is 1 / 3."""


def bimodality(samples: Floats) -> Floats:
    """Return (skewness^2 + 1) / kurtosis of samples along the last axis, Sarle's coefficient of bimodality.

    It is 1 for two values, and above `UNIFORM` mostly where samples are near two values, or near one and seldom far
    (Pfister et al. 2013, doi:10.3389/fpsyg.2013.00700). NaN where samples do not vary.

    Examples
    --------
    >>> bimodality(np.array([[0.0, 1, 1, 0, 0], [2.0, 2, 2, 2, 2]]))
    array([ 1., nan])
    """
    off = samples - samples.mean(-1, keepdims=True)
    square = np.square(off)
    second, third, fourth = square.mean(-1), (square * off).mean(-1), np.square(square).mean(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((third**2 / second**3 + 1) * second**2 / fourth)
