"""How estimates are to be expected to score, and what they would come to in a recording without end."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.estimators.fit import MATRIX, equations_of
from netxr.kernels.couplings import believed, couplings, expected_correlation
from netxr.kernels.edge_mixture import Mixture
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.least_squares import least_squares
from netxr.kernels.stand_in import StandIn, stand_in
from netxr.schema.variables import labels_of
from netxr.significance.halves import OWN
from netxr.significance.reliability import alike, off_diagonal

ENDLESS: Final = 10**12
"""Samples that leave no noise."""


def network_of(moments: xr.Dataset, *, lag: int) -> StandIn:
    """Return the network that stands for the one that was recorded, from moments of one trial in memory."""
    return stand_in(equations_of(moments, [lag]))


def expected_scores(moments: xr.Dataset, methods: Sequence[str], *, lag: int, mixture: Mixture) -> Floats:
    """Return the score that is to be expected of each estimate, (estimator), of couplings that come from a mixture."""
    equations = equations_of(moments, [lag])
    seen = couplings(least_squares(equations), n_targets=equations.n_targets)
    belief = believed(seen, mixture)
    each = (off_diagonal(moments, method, lag).transpose(*MATRIX) for method in methods)
    return np.array([expected_correlation(one.values, belief) for one in each])


def limits(network: StandIn, methods: Sequence[str], *, lag: int, like: xr.Dataset) -> xr.DataArray:
    """Return the score of each estimator without any noise, (estimator); moments `like` these say what it is made of.

    The truth are the couplings in units of the target's own noise, as if that were the same for all neurons, and their
    gains were not.
    """
    found = off_diagonal(population_moments(network, lag=lag, like=like), methods, lag)
    truth = found.isel({n.ESTIMATOR: 0}, drop=True).copy(data=network.weight)
    return alike(found, truth, list(MATRIX))


def population_moments(network: StandIn, *, lag: int, like: xr.Dataset) -> xr.Dataset:
    """Return the moments of endless activity of a network: C at lag 0, B C at its own, B B C at twice that, ...

    At lags in between there is nothing: samples so far apart share no past. Labels and lags are those of `like`.
    """
    lags, size = labels_of(like, n.LAG).tolist(), len(network.scale)
    units = np.nan_to_num(np.outer(network.scale, network.scale)) * ENDLESS
    coupling, covariance = np.nan_to_num(network.coupling), np.nan_to_num(network.covariance)
    comoment = np.zeros((len(lags), size, size))
    for each, one in zip(comoment, lags, strict=True):
        if one % lag == 0:
            each[...] = np.linalg.matrix_power(coupling, one // lag) @ covariance * units
    square = np.tile(np.diagonal(covariance * units), (len(lags), 1))
    values = {
        n.COUNT: np.full(len(lags), ENDLESS),
        n.MEAN_TARGET: np.zeros_like(square),
        n.MEAN_SOURCE: np.zeros_like(square),
        n.SUMSQ_TARGET: square,
        n.SUMSQ_SOURCE: square,
        n.COMOMENT: comoment,
        n.EDGE_ACTIVITY: np.empty((size, 0)),
        n.NOT_TARGET: np.empty((len(lags), 0), bool),
        n.NOT_SOURCE: np.empty((len(lags), 0), bool),
    }
    return xr.Dataset({name: (OWN[name], value) for name, value in values.items()}, like.coords)
