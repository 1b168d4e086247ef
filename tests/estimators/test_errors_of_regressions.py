"""What errors about regressions and correlations say: the argument that was written, what fits, and what helps."""

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput, NonFiniteActivity

X = xr.DataArray(np.random.default_rng(0).normal(size=(4, 300)), dims=("neuron", "time"))
Z = xr.DataArray(np.random.default_rng(1).normal(size=(45, 300)), dims=("input", "time"))
SHORT = X[:, :40], Z[:, :40]


@pytest.mark.parametrize(
    "estimate",
    [
        netxr.regression,
        netxr.granger,
        lambda x: netxr.partial_correlation(x, lag=1),
        lambda x: netxr.instrumental_variables(x, instruments=x.rename(neuron="input").fillna(0)),
    ],
)
def test_of_nan_in_activity_it_says_how_to_fill_it(estimate):
    bad = X.copy()
    bad[1, 5] = np.nan
    with pytest.raises(NonFiniteActivity, match=r'missing="drop".*or fill the frames with netxr\.interpolate_frames\('):
        estimate(bad)
    frames = np.isnan(bad).any("neuron").values
    estimate(netxr.interpolate_frames(bad, frames=frames))


@pytest.mark.parametrize("estimate", [netxr.regression, netxr.granger, netxr.lagged_correlation])
def test_of_nan_in_inputs_it_says_how_to_fill_it(estimate):
    bad = Z[:2].copy()
    bad[1, 5] = np.nan
    with pytest.raises(InvalidInput, match=r"given: got 1 samples .* Fill them, as with xarray's interpolate_na"):
        estimate(X, given=bad)
    estimate(X, given=bad.interpolate_na("time"))
    dropped = netxr.lagged_moments(X, inputs=bad, missing="drop")
    with pytest.raises(InvalidInput, match="those of inputs with xarray's interpolate_na"):
        estimate(dropped, given=[0, 1])
    assert netxr.lagged_correlation(dropped, lag=0, given=[0, 1]).notnull().all()


def test_inputs_that_do_not_fit_go_by_the_name_of_the_argument():
    for estimate in (netxr.regression, netxr.granger, netxr.partial_correlation, netxr.lagged_correlation):
        with pytest.raises(InvalidInput, match="given: got 200 along time; expected 300"):
            estimate(X, given=Z[:2, :200])
    with pytest.raises(InvalidInput, match="instruments: got 200 along time; expected 300"):
        netxr.instrumental_variables(X, instruments=Z[:, :200])


@pytest.mark.parametrize(
    ("estimate", "counts"),
    [
        (lambda x, z: netxr.regression(x, given=z), (39, 90)),
        (lambda x, z: netxr.regression(x, given=z, penalty="ridge", alpha=1), (39, 90)),
        (lambda x, z: netxr.partial_correlation(x, given=z, shrinkage=0.5), (40, 45)),
    ],
)
def test_more_inputs_than_samples_are_counted_before_they_are_said_to_depend_on_one_another(estimate, counts):
    with pytest.raises(InvalidInput, match=r"given: got {} samples of each target for {} parameters".format(*counts)):
        estimate(*SHORT)


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (lambda: netxr.regression(X, lags=400), "lags: got 400; expected at most 298"),
        (lambda: netxr.granger(X, lags=[1, 299]), "lags: got 299; expected at most 298"),
        (lambda: netxr.partial_correlation(X, lag=299), "lag: got 299; expected at most 298"),
        (lambda: netxr.instrumental_variables(X, instruments=Z, lag=299), "lag: got 299; expected at most 298"),
    ],
)
def test_a_lag_that_is_too_long_is_named_with_the_longest_that_fits(estimate, said):
    with pytest.raises(InvalidInput, match=said):
        estimate()


def test_activity_that_is_too_short_for_five_blocks_says_how_to_take_fewer():
    options = {"penalty": "ridge", "alpha": "cv"}
    short = X[:2, :12]
    with pytest.raises(InvalidInput, match=r"data: got 5 blocks of 12 samples in all.*lagged_moments\(..., blocks=2\)"):
        netxr.regression(short, **options)
    with pytest.warns(UserWarning, match="was chosen"):
        netxr.regression(netxr.lagged_moments(short, blocks=2), **options)
    with pytest.raises(InvalidInput, match="data: got moments in a single block; expected two blocks or more"):
        netxr.regression(netxr.lagged_moments(short, blocks=1), **options)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", ["ridge", "lasso", "elastic net"])
def test_where_no_neuron_varies_no_strength_is_chosen(penalty, intercept):
    found = netxr.regression(xr.full_like(X, 2), penalty=penalty, alpha="cv", intercept=intercept)
    assert found.alpha.isnull()
    assert found.coefficient.isnull().all()


def test_a_share_of_lasso_is_for_an_elastic_net():
    for penalty in ("ridge", "lasso"):
        with pytest.raises(InvalidInput, match=f"l1_ratio: got 0.5 for {penalty}"):
            netxr.regression(X, penalty=penalty, alpha=0.1, l1_ratio=0.5)
        made_by = netxr.regression(X, penalty=penalty, alpha=0.01).coefficient.attrs["made_by"]
        assert "l1_ratio" not in made_by
    with pytest.raises(InvalidInput, match="l1_ratio: got it for a regression without a penalty"):
        netxr.regression(X, l1_ratio=0.5)
    half = [netxr.regression(X, penalty="elastic net", alpha=0.01, **said) for said in ({}, {"l1_ratio": 0.5})]
    xr.testing.assert_identical(*half)
