"""Results draw themselves by hvPlot too, as any xarray object does."""

import warnings

import pytest

import netxr


@pytest.fixture(scope="module")
def run():
    return netxr.simulate(netxr.random_connectivity(5, sparsity=0.5, seed=1), n_steps=200, seed=1).isel(trial=0)


RESULTS = {
    "activity": lambda run: run.activity,
    "R": lambda run: netxr.lagged_correlation(run),
    "R at several lags": lambda run: netxr.lagged_correlation(run, lags=[0, 1]),
    "several estimators": lambda run: netxr.estimate(run, method=["lagged_correlation", "regression"]),
    "a test": lambda run: netxr.correlation_test(run).p_value,
    "edges": lambda run: netxr.edges(netxr.correlation_test(run)).effect,
    "autocorrelation": lambda run: netxr.autocorrelation(run, lags=range(5)),
    "scores": lambda run: (
        netxr.compare(
            run.connectivity, netxr.lagged_correlation(run, lags=[0, 1]), diagonal=False, permutations=0
        ).pearson
    ),
    "a sweep": lambda _: netxr.sweep(n_neurons=[4, 6], n_steps=[50, 100], trials=2).pearson_mean.squeeze(),
}


@pytest.mark.parametrize("name", RESULTS)
def test_hvplot_draws_every_result(run, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of packages that it stands on
        pytest.importorskip("hvplot.xarray")
    result = RESULTS[name](run).squeeze(drop=True)
    figure = result.hvplot()
    assert str(figure)
