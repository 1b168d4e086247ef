"""How many samples it takes to find a network that is known."""

import math

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.linear_response import linear_response
from netxr.schema.arguments import check_flag, is_number
from netxr.schema.variables import check_connectivity


def samples_needed(connectivity: xr.DataArray, *, score: float = 0.9, diagonal: bool = False) -> int:
    """Say how many samples of the tutorial's model a regression needs to correlate with the connectivity by a score.

    A lagged correlation needs as many where coupling is as weak as the tutorial's.

    Parameters
    ----------
    connectivity : DataArray, (target, source)
        Weights of x(t + 1) = sigmoid(A x(t) + e(t)), e ~ N(0, 1), as `netxr.simulate` has it.
    score : float
        Pearson correlation of weights and estimates that is asked for, between 0 and 1.
    diagonal : bool
        Whether self-connections count.

    Returns
    -------
    int
        Samples, all trials together; right to .01 of the score from 50 neurons on, to .03 below.

    Raises
    ------
    InvalidInput
        If an argument is out of range, all weights are the same, or activity does not settle, or stays at 0 or 1.

    Notes
    -----
    Each coefficient is w with an edge and 0 without, of which a share of p and of 1 - p are: variance p (1 - p) w^2.
    Noise adds a variance s^2, its squared standard error. The correlation of a signal with itself and noise is the
    root of its share of the variance: score = 1 / sqrt(1 + 1 / (p (1 - p) (w / s)^2)), with any other weights 1 /
    sqrt(1 + s^2 / var(A)). Of neuron i, s^2 = v_i (C^-1)_jj / T in T samples, v what is left of its variance, C the
    covariance of all, in units of its gain: these follow from A.

    Examples
    --------
    >>> import netxr
    >>> samples_needed(netxr.random_connectivity(100, seed=42, rng="legacy"))
    144807
    """
    A = check_connectivity(connectivity)
    if n.TRIAL in A.dims:
        fix = "Take one with .isel(trial=0)."
        raise InvalidInput("connectivity", got="networks of several trials", expected="one network", fix=fix)
    if not is_number(score) or not 0 < score < 1:
        raise InvalidInput("score", got=repr(score), expected="a correlation between 0 and 1")
    check_flag("diagonal", diagonal)
    weights = A.transpose(n.TARGET, n.SOURCE).values.astype(np.float64)
    if not np.isfinite(weights).all():
        raise InvalidInput("connectivity", got="weights that are NaN or infinite", expected="finite weights")
    counts = np.ones(weights.shape, bool) if diagonal else ~np.eye(len(weights), dtype=bool)
    if not counts.any() or np.ptp(weights[counts]) <= 1e-9:
        expected = "weights that differ: no score is defined where all are the same"
        raise InvalidInput("connectivity", got="the same weight for all pairs", expected=expected)
    found = linear_response(weights)
    if found is None:
        got = "weights with which activity does not settle, or neurons stay at 0 or 1"
        raise InvalidInput("connectivity", got=got, expected="weaker ones")
    variance = np.outer(found.noise / found.gain**2, np.diagonal(np.linalg.inv(found.covariance)))  # of one sample
    needed = float(score**2 / (1 - score**2) * variance[counts].mean() / weights[counts].var())
    return math.ceil(needed)
