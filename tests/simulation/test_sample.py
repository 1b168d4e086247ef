import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.simulation.sample import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_small_labelled_and_the_same_each_time(name):
    run = netxr.sample(name)
    xr.testing.assert_identical(run, netxr.sample(name))
    assert set(run.activity.dims) == {"neuron", "time"}
    assert set(run.connectivity.dims) == {"target", "source"}
    assert run.neuron.values.tolist() == run.target.values.tolist() == run.source.values.tolist()
    assert run.nbytes < 6e6
    assert np.isfinite(run.activity).all()
    assert (run.activity.std("time") > 0).all()


def test_the_rate_network_is_the_tutorials(golden):
    run = netxr.sample("rate_network").isel(time=slice(2000))
    score = netxr.compare(run.connectivity, netxr.lagged_correlation(run), diagonal=True, permutations=0).pearson
    assert score.item() == pytest.approx(golden["sparsity_demo"]["0.90"], abs=1e-10)


def test_the_linear_network_has_signs_and_a_correlation_that_is_biased():
    run = netxr.sample("linear_network")
    assert np.abs(np.linalg.eigvals(run.connectivity)).max() == pytest.approx(0.9)
    assert run.connectivity.min() < 0 < run.connectivity.max()
    for length in (2000, 5000):
        found = netxr.estimate(run.isel(time=slice(length)), method=["lagged_correlation", "regression"])
        scores = netxr.compare(run.connectivity, found, diagonal=False, permutations=0).pearson
        assert scores.sel(estimator="lagged_correlation") < 0.8 < 0.9 < scores.sel(estimator="regression")


def test_the_spiking_network_has_spikes_of_which_a_correlation_finds_edges():
    run = netxr.sample("spiking_network")
    assert np.unique(run.activity).tolist() == [0, 1]
    assert 5 < 1000 * run.activity.mean() < 20
    scores = netxr.compare(run.connectivity, netxr.lagged_correlation(run), diagonal=False, permutations=0)
    assert scores.pearson > 0.5


@pytest.mark.parametrize("name", ["calcium", "", None, 3])
def test_an_unknown_name_gets_the_list(name):
    with pytest.raises(InvalidInput, match=r"name: got .*'rate_network'.*'linear_network'"):
        netxr.sample(name)
