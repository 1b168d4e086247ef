"""Published and independently computed scores of the estimators, on the tutorial's model and on recordings of others.

Scores are Pearson correlations with the true connectivity, of all pairs on the tutorial's model, and without the
diagonal on recordings.
"""

import numpy as np
import pytest

import netxr
from netxr import names as n
from tests.conftest import SHARED
from tests.marks import slow

IZHIKEVICH = SHARED / "data" / "izhikevich"
NETSIM = SHARED / "data" / "netsim_sim3"


def simulated(n_neurons, n_steps, *, network=42):
    """Activity and connectivity by the tutorial's own random streams, without trials."""
    A = netxr.random_connectivity(n_neurons, seed=network, rng="legacy")
    return netxr.simulate(A, n_steps=n_steps, seed=42, rng="legacy").isel(trial=0)


def score(truth, estimate, *, diagonal=True):
    return netxr.compare(truth, estimate, diagonal=diagonal, permutations=0).pearson.item()


def tutorial_lasso(activity, **options):
    """The lasso of the tutorial's next part: of targets through the inverse of their sigmoid."""
    moments = netxr.lagged_moments(activity, lags=[0, 1], link="logit")
    return netxr.regression(moments, penalty="lasso", alpha=0.01, **options).coefficient


# --- all estimators on the tutorial's model --------------------------------------------------


@pytest.mark.parametrize(
    ("n_neurons", "n_steps", "correlation", "regression", "t", "raw_t", "lasso", "probability", "bayes"),
    [
        (25, 5_000, 0.790, 0.791, 0.792, 0.790, 0.892, 0.940, 0.955),
        pytest.param(50, 5_000, 0.581, 0.583, 0.584, 0.579, 0.687, 0.756, 0.757, marks=pytest.mark.slow),
        pytest.param(50, 20_000, 0.813, 0.818, 0.819, 0.813, 0.931, 0.983, 0.984, marks=pytest.mark.slow),
        pytest.param(100, 5_000, 0.363, 0.367, 0.368, 0.361, 0.267, 0.42, 0.426, marks=pytest.mark.slow),
        pytest.param(100, 20_000, 0.604, 0.608, 0.609, 0.604, 0.709, 0.779, 0.781, marks=pytest.mark.slow),
    ],
)
def test_every_estimator_of_a_network(n_neurons, n_steps, correlation, regression, t, raw_t, lasso, probability, bayes):
    run = simulated(n_neurons, n_steps)
    A, moments = run.connectivity, netxr.lagged_moments(run.activity, lags=[0, 1], link="logit", blocks=5)
    plain = netxr.lagged_moments(run.activity, lags=[0, 1], link="logit")
    fit = netxr.regression(plain)
    found = [netxr.lagged_correlation(plain, lag=1), fit.coefficient, fit.t, netxr.regression(run.activity).t]
    np.testing.assert_allclose(
        [score(A, one) for one in found], [correlation, regression, t, raw_t], rtol=0, atol=0.001
    )
    assert score(A, netxr.regression(moments, penalty="lasso", alpha="cv").coefficient) == pytest.approx(
        lasso, abs=0.02
    )
    assert score(A, netxr.edge_probability(fit.t).probability) == pytest.approx(probability, abs=0.01)
    assert score(A, posterior(fit, A)) == pytest.approx(bayes, abs=0.001)


def posterior(fit, A):
    """How likely each pair has an edge where it is known how many there are, and how strong they are."""
    share, expected = (A > 0).mean().item(), A.max().item() / fit.standard_error
    odds = (1 - share) / share * np.exp((np.square(fit.t - expected) - np.square(fit.t)) / 2)
    return 1 / (1 + odds)


# --- the tutorial's next part ----------------------------------------------------------------


def test_a_lasso_needs_the_intercept_left_out():
    run = simulated(50, 10_000)
    A, found = run.connectivity, tutorial_lasso(run.activity, intercept=False)
    assert score(A, found) == pytest.approx(0.868, abs=0.001)
    assert np.corrcoef(A.sel(target=1), found.sel(target=1))[0, 1] == pytest.approx(0.864, abs=0.001)
    assert score(A, tutorial_lasso(run.activity)) == pytest.approx(0.149, abs=0.001)


@pytest.mark.slow
def test_neurons_that_were_not_recorded():
    """The first neurons of 50 are recorded; means over networks where the truth has an edge at all."""
    shares = [1, 0.75, 0.5, 0.25, 0.125]
    of_lasso, of_correlation = np.empty((2, 3, len(shares)))
    for network in range(3):
        run = simulated(50, 5_000, network=network)
        for k, share in enumerate(shares):
            recorded = slice(int(50 * share))
            activity = run.activity.isel(neuron=recorded)
            A = run.connectivity.isel(target=recorded, source=recorded)
            of_lasso[network, k] = score(A, tutorial_lasso(activity, intercept=False))
            of_correlation[network, k] = score(A, netxr.lagged_correlation(activity))
    assert np.isnan(of_lasso).sum(axis=0).tolist() == [0, 0, 0, 0, 1]
    np.testing.assert_allclose(np.nanmean(of_lasso, axis=0), [0.710, 0.692, 0.672, 0.561, 0.436], rtol=0, atol=0.001)
    np.testing.assert_allclose(
        np.nanmean(of_correlation, axis=0), [0.559, 0.562, 0.563, 0.532, 0.424], rtol=0, atol=0.001
    )


@pytest.mark.parametrize(("n_neurons", "expected"), [(6, 1.0), (100, 0.019)])
def test_pairwise_granger_causality_of_one_source(n_neurons, expected):
    """Which targets have p below .05, against the column of the source; itself, which is undefined, has none."""
    run = simulated(n_neurons, 5_000)
    significant = netxr.granger(run.activity, conditional=False).p_value.sel(source=1) < 0.05
    A = run.connectivity.sel(source=1)
    assert np.corrcoef(significant, A)[0, 1] == pytest.approx(expected, abs=0.001)


# --- why correlation fails -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("n_steps", "expected"), [(100_000, 0.859), (1_000_000, 0.983)])
def test_the_tutorials_model_lacks_samples(tmp_path, n_steps, expected):
    """Both correlation and regression come to the truth, and at the same pace."""
    A = netxr.random_connectivity(100, seed=42, rng="legacy")
    run = netxr.simulate(A, n_steps=n_steps, seed=42, rng="legacy", store=tmp_path / "run.zarr").isel(trial=0)
    moments = netxr.lagged_moments(run.activity, lags=[0, 1]).compute()
    correlation = score(A, netxr.lagged_correlation(moments, lag=1))
    assert correlation == pytest.approx(expected, abs=0.001)
    assert score(A, netxr.regression(moments).coefficient) == pytest.approx(correlation, abs=0.005)


@pytest.mark.slow
def test_strong_coupling_and_hidden_neurons_bias_a_correlation():
    """A linear network of 50 with weights of both signs and spectral radius .97, of which all or half are recorded."""
    scores = {}
    for n_steps in (2_000, 20_000):
        run = [linear_run(n_steps, seed=seed) for seed in range(5)]
        for kept in (50, 25):
            found = [both_scores(X[:kept], A[:kept, :kept]) for X, A in run]
            scores[n_steps, kept] = np.mean(found, axis=0)
    np.testing.assert_allclose(scores[20_000, 50], [0.52, 0.999], rtol=0, atol=0.015)
    np.testing.assert_allclose(scores[20_000, 25], [0.55, 0.86], rtol=0, atol=0.015)
    np.testing.assert_allclose(scores[2_000, 50][0], scores[20_000, 50][0], rtol=0, atol=0.03)


def linear_run(n_steps, *, seed):
    """Samples (neuron, time) of x(t + 1) = A x(t) + noise, in its steady state, and A."""
    rng, burn_in = np.random.default_rng(seed), 500
    A = (rng.random((50, 50)) < 0.1) * rng.normal(size=(50, 50))
    A *= 0.97 / np.abs(np.linalg.eigvals(A)).max()
    x = rng.normal(size=(n_steps + burn_in, 50))
    for t in range(1, len(x)):
        x[t] += A @ x[t - 1]
    return x[burn_in:].T, A


def both_scores(X, A):
    """Scores of lagged correlation and regression, by the package."""
    moments = netxr.lagged_moments(netxr.as_activity(X, dims=("neuron", "time")), lags=[0, 1])
    estimates = netxr.lagged_correlation(moments, lag=1), netxr.regression(moments).coefficient
    return [np.corrcoef(A.ravel(), one.values.ravel())[0, 1] for one in estimates]


# --- recordings of others --------------------------------------------------------------------


@pytest.mark.skipif(not NETSIM.is_dir(), reason="the shared data are not here")
def test_regions_in_bold_signals():
    scores = []
    for file in sorted(NETSIM.glob("*.npz")):
        A = netxr.load_connectivity(file, rows="target", name="Gref")
        bold = netxr.load_activity(file, dims=("neuron", "time"), name="X_np")
        estimates = (
            netxr.partial_correlation(bold),
            netxr.partial_correlation(bold, shrinkage="oas"),
            netxr.lagged_correlation(bold, lag=0),
            netxr.lagged_correlation(bold, lag=1),
            netxr.regression(bold).coefficient,
        )
        scores.append([score(A, one, diagonal=False) for one in estimates])
    assert len(scores) == 10
    np.testing.assert_allclose(np.mean(scores, axis=0), [0.502, 0.510, 0.472, 0.290, 0.082], rtol=0, atol=0.001)


@pytest.mark.skipif(not IZHIKEVICH.is_dir(), reason="the shared data are not here")
@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("exc4_inh1/p2", [0.525, 0.628, 0.684, 0.769]),
        *slow(
            ("exc4_inh1/p4", [0.615, 0.640, 0.804, 0.798]),
            ("exc8_inh2/p2", [0.522, 0.578, 0.728, 0.740]),
            ("exc8_inh2/p4", [0.671, 0.730, 0.780, 0.773]),
        ),
    ],
)
def test_membrane_voltages_of_spiking_neurons(network, expected):
    A = netxr.load_connectivity(IZHIKEVICH / network / "connectivity.txt", rows="target")
    voltage = netxr.load_activity(IZHIKEVICH / network / "v_alltimes.txt", dims=("neuron", "time")).clip(max=30)
    one, five = netxr.regression(voltage), netxr.regression(voltage, lags=5)
    estimates = netxr.lagged_correlation(voltage), one.coefficient, one.t, five.coefficient.sum(n.LAG)
    found = [score(A, each, diagonal=False) for each in estimates]
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.001)
