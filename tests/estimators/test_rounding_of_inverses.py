"""Errors of float32 products, which an inverse of correlations that are nearly all 1 makes larger."""

import numpy as np
import pytest
import xarray as xr

import netxr

ESTIMATES = {
    "partial correlation": netxr.partial_correlation,
    "partial correlation at lag 1": lambda data: netxr.partial_correlation(data, lag=1),
    "regression": lambda data: netxr.regression(data).standardised,
    "Granger causality": lambda data: netxr.granger(data).granger,
    "pairwise Granger causality": lambda data: netxr.granger(data, conditional=False).granger.fillna(0),
}


def moments_of(common, precision, *, lazy=False):
    """Moments of float32 walks, with a signal of this size that all have in common."""
    rng = np.random.default_rng(0)
    walks = np.cumsum(rng.normal(size=(5, 5000)), axis=1) * 0.01 + rng.normal(size=5000) * common
    activity = netxr.as_activity(walks.astype("f4"), dims=("neuron", "time"))
    return netxr.lagged_moments(activity.chunk(time=500) if lazy else activity, lags=[0, 1], precision=precision)


@pytest.mark.parametrize("name", ESTIMATES)
@pytest.mark.parametrize("lazy", [False, True])
def test_float32_products_of_nearly_equal_neurons_warn_and_float64_ones_do_not(name, lazy):
    estimate = ESTIMATES[name]
    single = estimate(moments_of(30, None, lazy=lazy)) if lazy else None  # nothing is said before it is known
    with pytest.warns(UserWarning, match=r'float32.*condition number .*precision="float64"'):
        found = single.compute(scheduler="synchronous") if lazy else estimate(moments_of(30, None))
    exact = estimate(moments_of(30, "float64"))
    assert np.isfinite(found).all()
    assert np.isfinite(exact).all()


@pytest.mark.parametrize("name", ESTIMATES)
def test_without_a_warning_float32_products_will_do(name):
    single, exact = (ESTIMATES[name](moments_of(0.5, precision)) for precision in (None, "float64"))
    np.testing.assert_allclose(single, exact, atol=1e-3)


@pytest.mark.parametrize("lag", [0, 1])
@pytest.mark.parametrize("common", [1, 300])
def test_inputs_that_leave_little_of_the_variance_warn_and_others_will_do(lag, common):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=5000)
    samples = (rng.normal(size=(4, 5000)) + common * shared).astype("f4")
    given = xr.DataArray(shared[None].astype("f4"), dims=("input", "time"))
    recording = netxr.as_activity(samples, dims=("neuron", "time"))
    exact = netxr.lagged_correlation(recording, lag=lag, given=given, precision="float64")
    if common > 1:
        with pytest.warns(UserWarning, match=r"inputs that leave 1e-05 of the variance .* about 9e-03"):
            netxr.lagged_correlation(recording, lag=lag, given=given)
    else:
        np.testing.assert_allclose(netxr.lagged_correlation(recording, lag=lag, given=given), exact, atol=1e-3)


def test_shrinkage_and_penalties_keep_errors_small():
    moments = moments_of(30, None), moments_of(30, "float64")
    for estimate in (
        lambda data: netxr.partial_correlation(data, shrinkage=0.01),
        lambda data: netxr.regression(data, penalty="ridge", alpha=1e6).standardised,
    ):
        single, exact = map(estimate, moments)
        np.testing.assert_allclose(single, exact, atol=1e-3)
