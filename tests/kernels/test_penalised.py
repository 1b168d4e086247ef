import warnings

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso

import netxr
from netxr.errors import InvalidInput
from netxr.kernels import penalised


def recorded(n_neurons, n_steps, *, mean=0.0, seed=0):
    """Return noise about a mean."""
    samples = np.random.default_rng(seed).normal(size=(n_neurons, n_steps)) + mean
    return netxr.as_activity(samples, dims=("neuron", "time"))


def sides(recording, *, n_lags=1, intercept=True):
    """Return targets and design, each (sample, column), less their means if there is an intercept."""
    x = recording.values.T
    design = np.concatenate([x[n_lags - lag : len(x) - lag] for lag in range(1, n_lags + 1)], 1)
    both = x[n_lags:], design
    return tuple(side - side.mean(0) for side in both) if intercept else both


def violation(found, targets, design, *, alpha, l1_ratio=1.0, positive=False):
    """Return how far coefficients (target, column) are from a minimum, as a share of the largest alpha of use."""
    l1, l2 = alpha * l1_ratio, alpha * (1 - l1_ratio)
    slope = (targets - design @ found.T).T @ design / len(targets) - l2 * found
    active = found != 0
    outside = (slope if positive else np.abs(slope)) - l1
    worst = np.where(active, np.abs(slope - l1 * np.sign(found)), outside).max()
    return worst / np.abs(targets.T @ design / len(targets)).max()


def test_two_columns_that_are_one_by_hand():
    """Lasso of y = x on two columns x: the two add up to 1 - alpha / var(x), however they share it."""
    x = np.array([1.0, -1, 2, -2, 1, 0, 3, -2])
    gram, cross = np.full((2, 2), x @ x / 8), np.full((1, 2), x @ x / 8)
    found = penalised._descent(gram, cross, np.zeros((1, 2)), 0.1, 0.0, positive=False)
    assert found.sum() == pytest.approx(1 - 0.1 / (x @ x / 8))


def test_settling_goes_to_the_minimum_of_the_signs_by_hand():
    """Of independent columns with variance 1, each coefficient is its covariance less alpha, with the sign it has."""
    found = np.array([0.3, -2.0, 0.0, 0.1])
    penalised._settle(np.eye(4), np.array([1.0, -0.5, 3.0, -1.0]), found, 0.25, 0.0)
    np.testing.assert_allclose(found, [0.75, -0.25, 0, 0])


def test_settling_drops_columns_that_depend_on_others_by_hand():
    """Of one column twice, the shares go on to the same sum or to one of the two."""
    found = np.array([0.2, 0.1])
    penalised._settle(np.ones((2, 2)), np.array([1.0, 1.0]), found, 0.25, 0.0)
    assert found.sum() == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("penalty", "l1_ratio", "positive"), [("lasso", 1.0, False), ("lasso", 1.0, True), ("elastic net", 0.5, False)]
)
def test_more_neurons_than_samples_meet_the_conditions_of_a_minimum(penalty, l1_ratio, positive):
    recording = recorded(30, 20)
    targets, design = sides(recording)
    alphas = np.abs(targets.T @ design / len(targets)).max() * np.array([0.5, 0.1, 0.01])
    options = {"l1_ratio": l1_ratio} if penalty == "elastic net" else {}
    found = netxr.regression(recording, penalty=penalty, alpha=list(alphas), positive=positive, **options)
    for alpha, coefficient in zip(alphas, found.coefficient.values, strict=True):
        off = violation(coefficient, targets, design, alpha=alpha, l1_ratio=l1_ratio, positive=positive)
        assert off < 1e-8
        assert not positive or (coefficient >= 0).all()


def test_more_neurons_than_samples_against_scikit_learn():
    """Where columns are in general position, the minimum is one also with fewer samples."""
    recording = recorded(15, 12)
    targets, design = sides(recording)
    found = netxr.regression(recording, penalty="lasso", alpha=0.1).coefficient.values
    right = [Lasso(alpha=0.1, fit_intercept=False, tol=1e-14, max_iter=10**6).fit(design, y).coef_ for y in targets.T]
    np.testing.assert_allclose(found, right, atol=1e-7)


def test_cross_validation_of_more_neurons_than_samples_ends_soon(monkeypatch):
    rounds = []
    kept = penalised._round
    monkeypatch.setattr(penalised, "_round", lambda *args, **options: rounds.append(1) or kept(*args, **options))
    recording = recorded(20, 15)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "alpha=", UserWarning)  # of noise alone, the strongest penalty is best
        found = netxr.regression(recording, penalty="lasso", alpha="cv")
    assert violation(found.coefficient.values, *sides(recording), alpha=found.alpha.item()) < 1e-8
    assert len(rounds) < 1_500  # six paths of 21 strengths


def test_a_neuron_that_is_there_twice():
    recording = recorded(6, 200)
    recording[5] = recording[0]
    targets, design = sides(recording)
    for positive in (False, True):
        found = netxr.regression(recording, penalty="lasso", alpha=0.02, positive=positive).coefficient.values
        assert violation(found, targets, design, alpha=0.02, positive=positive) < 1e-8


@pytest.mark.parametrize("mean", [10, 1000])
@pytest.mark.parametrize(("penalty", "l1_ratio"), [("lasso", 1.0), ("elastic net", 0.5)])
def test_means_that_are_larger_than_the_deviations_without_an_intercept(mean, penalty, l1_ratio):
    recording = recorded(6, 500, mean=mean, seed=1)
    targets, design = sides(recording, n_lags=3, intercept=False)
    alphas = [20.0, 0.5, 0.001]
    found = netxr.regression(recording, lags=3, penalty=penalty, alpha=alphas, intercept=False).coefficient
    for alpha in alphas:
        coefficient = found.sel(alpha=alpha).transpose("target", "lag", "source").values.reshape(6, -1)
        assert violation(coefficient, targets, design, alpha=alpha, l1_ratio=l1_ratio) < 1e-8
    if mean == 10:
        model = ElasticNet(alpha=0.5, l1_ratio=l1_ratio, fit_intercept=False, tol=1e-14, max_iter=10**6)
        right = [model.fit(design, y).coef_ for y in targets.T]
        coefficient = found.sel(alpha=0.5).transpose("target", "lag", "source").values.reshape(6, -1)
        np.testing.assert_allclose(coefficient, right, atol=1e-7)


def test_descent_that_does_not_end_names_the_way_out(monkeypatch):
    monkeypatch.setattr(penalised, "MOST_ROUNDS", 1)
    with pytest.raises(InvalidInput, match=r"data: got columns so alike .* Use intercept=True, or subtract the mean"):
        netxr.regression(recorded(6, 50, mean=100), penalty="lasso", alpha=0.1, intercept=False)
