import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import ElasticNet, Lasso, Ridge

import netxr
from netxr.errors import InvalidInput
from tests.oracles import design_of, naive_regression, trials_of
from tests.runs import activity, nothing_computes
from tests.strategies import chunked, recordings

# --- by hand -------------------------------------------------------------------------------


def test_a_neuron_that_doubles_by_hand():
    """x = 1 2 4 8 16: the next sample is twice the last, and nothing is left."""
    found = netxr.regression(netxr.as_activity([[1, 2, 4, 8, 16]], dims=("neuron", "time")), intercept=False)
    assert found.coefficient.item() == pytest.approx(2)
    assert found.residual_variance.item() == pytest.approx(0, abs=1e-12)
    assert found.df.item() == 3  # four targets, one coefficient


def test_one_source_by_hand():
    """y = 0 1 2 2 4 on the x = 1 0 2 -1 -2 before it: slope, and its error from four pairs."""
    recording = netxr.as_activity([[1, 0, 2, -1, -2]], dims=("neuron", "time"))
    found = netxr.regression(recording)
    # Targets 0 2 -1 -2 on 1 0 2 -1: means -1/4 and 1/2, products -1/2 + 3 x ... = -0.5, squares of the sources 5.
    y, x = np.array([0, 2, -1, -2]) + 0.25, np.array([1, 0, 2, -1]) - 0.5
    slope = (x @ y) / (x @ x)
    assert found.coefficient.item() == pytest.approx(slope)
    error = np.sqrt((y - slope * x) @ (y - slope * x) / 2 / (x @ x))
    assert found.standard_error.item() == pytest.approx(error)
    assert found.standardised.item() == pytest.approx(slope * np.sqrt((x @ x) / (y @ y)))
    assert found.t.item() == pytest.approx(slope / error)


def test_a_lasso_by_hand():
    """Of one source, lasso takes alpha N / sum x^2 off the slope; no slope is left where that is more than it."""
    recording = netxr.as_activity([[1, 0, 2, -1, -2]], dims=("neuron", "time"))
    y, x = np.array([0, 2, -1, -2]) + 0.25, np.array([1, 0, 2, -1]) - 0.5
    slope = (x @ y) / (x @ x)
    found = netxr.regression(recording, penalty="lasso", alpha=[0.05, 10]).coefficient.squeeze()
    np.testing.assert_allclose(found, [np.sign(slope) * (abs(slope) - 0.05 * 4 / (x @ x)), 0], atol=1e-12)


# --- against independent code --------------------------------------------------------------


@given(recordings(max_neurons=3, steps=(25, 40), dtypes=("float64", "int16")), st.data())
def test_any_recording_against_least_squares_of_the_design(recording, data):
    lags = data.draw(st.sampled_from([[1], [2], [1, 2], [3, 1]]))
    by_trial = netxr.regression(recording, lags=lags)
    pooled = netxr.lagged_moments(recording, lags=range(5), dim=("time", "trial")[: 1 + ("trial" in recording.dims)])
    lazy = netxr.regression(data.draw(chunked(recording)), lags=lags)
    assert isinstance(lazy.t.data, da.Array)
    xr.testing.assert_allclose(lazy.compute(scheduler="synchronous"), by_trial, rtol=1e-6)
    trials = trials_of(recording)
    for found, of in ((netxr.regression(pooled, lags=lags), trials), (by_trial, trials[:1])):
        one = found.isel(trial=0) if "trial" in found.dims else found
        right = naive_regression(of, lags)
        np.testing.assert_allclose(one.coefficient, right.coefficient, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(one.standard_error, right.standard_error, rtol=1e-6)
        np.testing.assert_allclose(one.residual_variance, right.left / right.df, rtol=1e-6)
        assert one.df.item() == right.df


@pytest.fixture(scope="module")
def run():
    A = netxr.random_connectivity(12, sparsity=0.7, seed=3)
    return netxr.simulate(A, n_steps=3000, seed=3).isel(trial=0)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(
    ("penalty", "ours", "model"),
    [
        ("ridge", {"alpha": 30}, lambda fit: Ridge(alpha=30, fit_intercept=fit)),
        ("lasso", {"alpha": 0.001}, lambda fit: Lasso(alpha=0.001, fit_intercept=fit, tol=1e-14, max_iter=10**6)),
        (
            "elastic net",
            {"alpha": 0.002, "l1_ratio": 0.3, "positive": True},
            lambda fit: ElasticNet(
                alpha=0.002, l1_ratio=0.3, positive=True, fit_intercept=fit, tol=1e-14, max_iter=10**6
            ),
        ),
    ],
)
def test_penalties_against_scikit_learn(run, penalty, ours, model, intercept):
    found = netxr.regression(run, lags=2, penalty=penalty, intercept=intercept, **ours)
    y, x = design_of([run.activity.transpose("neuron", "time").values], [1, 2])
    right = np.array([model(intercept).fit(x, target).coef_ for target in y.T]).reshape(12, 2, 12).swapaxes(0, 1)
    np.testing.assert_allclose(found.coefficient, right, atol=1e-7)
    assert penalty == "ridge" or (right == 0).any()
    spread = y.std(0)[:, None] / x[:, :12].std(0)
    np.testing.assert_allclose(found.standardised.sel(lag=1), found.coefficient.sel(lag=1) / spread, rtol=1e-9)


def test_p_values_are_even_without_any_edge():
    noise = netxr.as_activity(np.random.default_rng(0).normal(size=(40, 300)), dims=("neuron", "time"))
    p = np.sort(netxr.regression(noise).p_value.values.ravel())
    assert np.abs(p - (np.arange(p.size) + 0.5) / p.size).max() < 1.63 / np.sqrt(p.size)  # Kolmogorov, 1 %


# --- relations -----------------------------------------------------------------------------


def test_scale_and_shift_of_neurons_change_units_alone():
    recording = activity(n_steps=200)
    scale = xr.DataArray([1.0, 1e6, 1e-9, 3.0], {"neuron": recording.neuron})
    found, scaled = netxr.regression(recording), netxr.regression(recording * scale + 7 * scale)
    for name in ("standardised", "t", "p_value", "condition_number"):
        np.testing.assert_allclose(scaled[name], found[name], rtol=1e-7)
    units = scale.rename(neuron="target") / scale.rename(neuron="source")
    np.testing.assert_allclose(scaled.coefficient, found.coefficient * units, rtol=1e-7)


def test_moments_and_activity_give_the_same_and_nothing_is_computed_early():
    lazy = activity(n_steps=200).chunk(time=50)
    with nothing_computes():
        found = netxr.regression(lazy, lags=[1, 3])
        penalised = netxr.regression(netxr.lagged_moments(lazy, lags=range(4)), lags=[1, 3], penalty="ridge", alpha=1)
    assert found.t.dims == penalised.coefficient.dims == ("lag", "trial", "target", "source")
    assert found.lag.values.tolist() == [1, 3]
    right = netxr.regression(netxr.lagged_moments(activity(n_steps=200), lags=range(4)), lags=[1, 3])
    xr.testing.assert_allclose(found.compute(), right)


def test_a_neuron_that_does_not_vary_is_undefined_and_the_others_are_as_without_it():
    recording = activity(n_steps=200)
    recording[1] = 7
    rest = recording.isel(neuron=[0, 2, 3])
    for options in ({}, {"penalty": "lasso", "alpha": 0.01}, {"penalty": "ridge", "alpha": 1.0}):
        found, right = (netxr.regression(one, **options).standardised for one in (recording, rest))
        assert found.sel(target="b").isnull().all()
        assert found.sel(source="b").isnull().all()
        xr.testing.assert_allclose(found.drop_sel(target="b", source="b"), right)


# --- bad input -----------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["lasso", "elastic net", "ridge"])
@pytest.mark.parametrize("lazy", [False, True])
def test_cross_validation_that_ends_at_an_end_says_so_when_it_is_computed(penalty, lazy):
    drive, noise = np.random.default_rng(1).normal(size=(2, 800))
    flips = np.stack([drive, noise + np.repeat([1, -1], 400) * np.roll(drive, 1)])  # one half misleads about the other
    turns = np.stack([np.cos(0.7 * np.arange(800)), np.sin(0.7 * np.arange(800))])  # what is next is wholly known
    weakest = "the smallest that was tried. A smaller one, or no penalty, may"
    strongest = "A larger one may predict better" if penalty == "ridge" else "the largest, which leaves no coefficient"
    for samples, text in ((flips, strongest), (turns, weakest)):
        recording = netxr.as_activity(samples, dims=("neuron", "time"))
        moments = netxr.lagged_moments(recording.chunk() if lazy else recording, blocks=2)
        with nothing_computes() if lazy else pytest.warns(UserWarning, match=text):
            found = netxr.regression(moments, penalty=penalty, alpha="cv")
        if lazy:
            with pytest.warns(UserWarning, match=text):
                found = found.compute(scheduler="synchronous")
            with pytest.warns(UserWarning, match=text):
                xr.testing.assert_allclose(found, netxr.regression(moments.compute(), penalty=penalty, alpha="cv"))


@pytest.mark.parametrize("lazy", [False, True])
def test_a_penalty_that_leaves_no_coefficient_says_so_when_it_is_computed(run, lazy):
    x = run.activity.transpose("neuron", "time").values
    y, before = (side - side.mean(1, keepdims=True) for side in (x[:, 1:], x[:, :-1]))
    largest = np.abs(y @ before.T).max() / y.shape[1]
    text = rf"alpha=1 leaves no coefficient of any target, as every one from {largest:.3g} on"
    recording = run.activity.chunk() if lazy else run.activity
    with nothing_computes() if lazy else pytest.warns(UserWarning, match=text):
        found = netxr.regression(recording, penalty="lasso", alpha=[2, 1])
    with pytest.warns(UserWarning, match=text) if lazy else nothing_computes():
        found = found.compute()
    assert not found.coefficient.any()
    assert netxr.regression(run.activity, penalty="lasso", alpha=[1, largest * 0.99]).coefficient.any()


def test_fewer_samples_than_parameters_says_both():
    with pytest.raises(InvalidInput, match="got 8 samples of each target for 9 parameters; expected at least 10"):
        netxr.regression(activity(n_steps=10), lags=2)


@pytest.mark.parametrize("method", ["regression", "regression_t", "granger", "edge_probability"])
def test_fewer_samples_than_parameters_name_what_needs_fewer_whatever_the_method(method):
    fix = 'Record longer or name fewer lags, or use netxr.partial_correlation with shrinkage="oas", or netxr.regression'
    with pytest.raises(InvalidInput, match=f"data: got 5 samples of each target for .* parameters; .*{fix} with a"):
        netxr.estimate(activity(26, n_steps=6), method=method)


def test_neurons_that_depend_on_one_another_say_how_strongly():
    recording = activity(n_steps=200)
    recording[3] = recording[0] + recording[1]
    with pytest.raises(InvalidInput, match=r"depend on one another \(condition number .*shrink"):
        netxr.regression(recording)
    assert netxr.regression(recording, penalty="ridge", alpha=1).coefficient.notnull().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lags": 0}, "lags: got 0; expected a whole number from 1"),
        ({"lags": [1, 1]}, r"lags: got \[1, 1\]"),
        ({"alpha": 1}, "alpha: got it for a regression without a penalty"),
        ({"positive": True}, "positive: got it for a regression without a penalty"),
        ({"penalty": "l1"}, "penalty: got 'l1'; expected 'ridge' or 'lasso' or 'elastic net'"),
        ({"penalty": "lasso"}, "alpha: got None; expected how strong"),
        ({"penalty": "lasso", "alpha": [0.1, -1]}, r"alpha: got \[0.1, -1\]"),
        ({"penalty": "ridge", "alpha": 1, "positive": True}, "positive: got True for ridge"),
        ({"penalty": "elastic net", "alpha": 1, "l1_ratio": 0}, "l1_ratio: got 0"),
        ({"intercept": 1}, "intercept"),
    ],
)
def test_arguments_that_do_not_fit(options, message):
    with pytest.raises(InvalidInput, match=message):
        netxr.regression(activity(), **options)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("method", ["regression", "regression_t", "granger", "edge_probability"])
@pytest.mark.parametrize("missing", ["drop", "pairwise"])
def test_missing_samples_that_are_left_out(method, missing):
    message = f"data: got activity or moments whose missing samples are left out, by missing='{missing}'; .*"
    for fix in ("interpolate_frames", "lagged_correlation", "partial_correlation"):
        with pytest.raises(InvalidInput, match=message + fix):
            netxr.estimate(activity(), method=method, missing=missing)
    with pytest.raises(InvalidInput, match=message):
        netxr.estimate(netxr.lagged_moments(activity(), missing=missing), method=method)


def test_moments_from_which_it_does_not_follow():
    moments = netxr.lagged_moments(activity())
    with pytest.raises(InvalidInput, match=r"data: got moments of some sources; .* without sources="):
        netxr.regression(netxr.lagged_moments(activity(), sources=["a", "b"]))
    with pytest.raises(InvalidInput, match=r"data: got moments without 'edge_activity'; .* again"):
        netxr.regression(moments.drop_vars(["edge_activity", "not_target", "not_source"]))


def test_lags_that_moments_lack():
    with pytest.raises(InvalidInput, match=r"data: got moments at lags \[0, 1\]; expected those at \[2\] as well"):
        netxr.regression(netxr.lagged_moments(activity()), lags=2)
    for method in ("regression", "regression_t", "granger", "edge_probability"):
        with pytest.raises(InvalidInput, match="lag: got 0; expected 1 or above"):
            netxr.estimate(activity(), method=method, lag=0)


@pytest.mark.parametrize(
    "estimate",
    [
        netxr.regression,
        netxr.granger,
        netxr.partial_correlation,
        lambda x: netxr.granger(x, conditional=False),
        lambda x: netxr.partial_correlation(x, lag=1),
        lambda x: netxr.regression(x.chunk(time=50), lags=2).coefficient.compute(),
    ],
)
def test_neurons_that_others_add_up_to_are_named(estimate):
    samples = np.random.default_rng(0).normal(size=(5, 200))
    samples[3] = 2 * samples[1]
    x = netxr.as_activity(samples, dims=("neuron", "time"), neurons=list("abcde"))
    with pytest.raises(
        InvalidInput, match=r"depend on one another .*Leave out neuron [bd], which others add up to, or"
    ):
        estimate(x)
    alone = x.drop_sel(neuron="d")
    assert estimate(alone) is not None
