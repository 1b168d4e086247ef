import numpy as np
import pytest
import scipy.stats
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from tests.oracles import design_of, squares_left
from tests.runs import activity, nothing_computes

# --- by hand -------------------------------------------------------------------------------


def test_a_source_at_one_lag_has_the_square_of_its_t():
    found, t = netxr.granger(activity(n_steps=200)), netxr.regression(activity(n_steps=200)).t
    np.testing.assert_allclose(found.f, t**2, rtol=1e-10)
    np.testing.assert_allclose(found.granger, np.log1p(t**2 / 194), rtol=1e-10)  # 199 targets, 4 neurons and a mean


def test_one_neuron_by_hand():
    """x = 0 1 0 1 0 2: what its own past explains of 1 0 1 0 2 on 0 1 0 1 0."""
    found = netxr.granger(netxr.as_activity([[0, 1, 0, 1, 0, 2]], dims=("neuron", "time")))
    # After 1 comes 0 and 0; after 0 comes 1, 1 and 2, about 4/3: squares 2/3 are left of 14/5.
    assert found.granger.item() == pytest.approx(np.log((14 / 5) / (2 / 3)))
    assert found.f.item() == pytest.approx((14 / 5 - 2 / 3) / (2 / 3 / 3))


def test_two_neurons_need_no_condition():
    """With two neurons, all others are the target itself: both tests are one."""
    x = activity(2, n_steps=100)
    both = [netxr.granger(x, lags=3, conditional=each).f.values for each in (True, False)]
    np.testing.assert_allclose(both[0][:, [0, 1], [1, 0]], both[1][:, [0, 1], [1, 0]], rtol=1e-9)
    assert np.isnan(both[1][:, [0, 1], [0, 1]]).all()


def test_the_reference_is_that_of_what_is_held_fixed():
    references = [netxr.granger(activity(3), conditional=each).f.attrs["reference"] for each in (True, False)]
    assert [text.split(",")[0] for text in references] == ["Geweke 1984", "Geweke 1982"]


# --- against regressions that leave a source out ---------------------------------------------


@pytest.mark.crossed(1)
@pytest.mark.parametrize("lags", [[1], [1, 2, 3], [2, 5]])
@pytest.mark.parametrize("conditional", [True, False])
def test_every_pair_against_a_regression_without_the_source(lags, conditional):
    recording = activity(n_steps=120)
    moments = netxr.lagged_moments(recording, lags=range(6), dim=("time", "trial"))
    found = netxr.granger(moments, lags=lags, conditional=conditional)
    trials = list(recording.transpose("trial", "neuron", "time").values)
    for i in range(4):
        for j in range(4):
            held = [k for k in (range(4) if conditional else [i, j]) if k != j]
            if i == j and not conditional:
                continue
            y, less = design_of(trials, lags, held)
            _, full = design_of(trials, lags, [*held, j])
            left, without = squares_left(y[:, i], full), squares_left(y[:, i], less)
            df = len(y) - full.shape[1] - 1
            f = (without - left) / len(lags) / (left / df)
            assert found.f[i, j].item() == pytest.approx(f, rel=1e-8)
            assert found.granger[i, j].item() == pytest.approx(np.log(without / left), rel=1e-8)
            assert found.p_value[i, j].item() == pytest.approx(scipy.stats.f.sf(f, len(lags), df), rel=1e-8)
            assert found.df.item() == df


def test_pairs_without_an_edge_have_even_p_values():
    noise = netxr.as_activity(np.random.default_rng(1).normal(size=(40, 300)), dims=("neuron", "time"))
    for conditional in (True, False):
        p = netxr.granger(noise, lags=2, conditional=conditional).p_value.values
        p = np.sort(p[~np.isnan(p)])
        assert np.abs(p - (np.arange(p.size) + 0.5) / p.size).max() < 1.63 / np.sqrt(p.size)


def test_lazy_moments_stay_lazy_and_a_constant_is_undefined():
    recording = activity(n_steps=100)
    recording[2] = 1
    for conditional in (True, False):
        with nothing_computes():
            lazy = netxr.granger(recording.chunk(time=30), lags=2, conditional=conditional)
        found = lazy.compute()
        xr.testing.assert_allclose(found, netxr.granger(recording, lags=2, conditional=conditional))
        assert found.f.sel(target="c").isnull().all()
        assert found.f.sel(source="c").isnull().all()
        assert found.f.sel(target="a", source=["b", "d"]).notnull().all()


def test_too_few_samples():
    for conditional, parameters in ((True, 9), (False, 5)):
        with pytest.raises(InvalidInput, match=f"samples of each target for {parameters} parameters"):
            netxr.granger(activity(n_steps=6), lags=2, conditional=conditional)


@pytest.mark.parametrize("lags", [1, 2])
def test_a_neuron_that_is_there_twice_has_no_pairwise_test(lags):
    samples = np.random.default_rng(0).normal(size=(3, 100))
    samples[2] = samples[0]
    recording = netxr.as_activity(samples, dims=("neuron", "time"))
    with pytest.raises(InvalidInput, match=r"sources that depend on one another .* Leave out neuron [02], which"):
        netxr.granger(recording, lags=lags, conditional=False)
