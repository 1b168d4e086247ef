"""How well estimators would recover a network like the one that was recorded."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit

import netxr
from netxr.errors import InvalidInput
from netxr.estimators.fit import equations_of
from netxr.kernels.couplings import couplings, mixture_of
from netxr.kernels.edge_mixture import memberships
from netxr.kernels.least_squares import least_squares
from netxr.significance.as_observed import Observation, steps_simulated
from netxr.significance.halves import halves, without_neighbours
from netxr.significance.recoverability_text import sentence_of
from tests.runs import labelled

METHODS = ("lagged_correlation", "regression")
OF_THE_TABLE = (*METHODS, "partial_correlation", "granger", "regression_t", "edge_probability")


def simulated(n, n_steps, unit, *, radius=None, norm=None, seed=0, share=0.1):
    """Activity (neuron, time) of x(t + 1) = unit(A x(t) + e(t)) with weights of both signs, and A.

    A has a spectral radius, or else a largest singular value.
    """
    rng, burn_in = np.random.default_rng(seed), 500
    A = (rng.random((n, n)) < share) * rng.normal(size=(n, n))
    A *= radius / np.abs(np.linalg.eigvals(A)).max() if radius else norm / np.linalg.norm(A, 2)
    e, x = rng.normal(size=(n_steps + burn_in, n)), np.zeros((n_steps + burn_in, n))
    for t in range(1, len(x)):
        x[t] = unit(A @ x[t - 1] + e[t])
    return netxr.as_activity(x[burn_in:].T, dims=("neuron", "time")), labelled(A)


def of_tutorial(n, n_steps, *, seed=0):
    A = netxr.random_connectivity(n, seed=seed)
    return netxr.simulate(A, n_steps=n_steps, seed=seed).activity.isel(trial=0, drop=True), A


def linear(x):
    return x


@pytest.fixture(scope="module")
def short():
    """A recording of 25 neurons and 400 samples, and what is foretold of it."""
    x, _ = simulated(25, 400, linear, radius=0.6)
    return x, netxr.recoverability(x)


def real(activity, A, methods=METHODS):
    """Scores of estimates of these very samples with the truth."""
    found = netxr.estimate(activity, method=list(methods))
    return netxr.compare(A, found, diagonal=False, permutations=0).pearson


def means(recordings, methods=METHODS):
    """Reliability, what is foretold and what is scored, (3, estimator), means over recordings; and their sentences."""
    found, sentences = [], []
    for x, A in recordings:
        foretold = netxr.recoverability(x, methods=list(methods))
        found.append((foretold.reliability_of_estimate.values, foretold.score.values, real(x, A, methods).values))
        sentences.append(foretold.sentence)
    return np.mean(found, axis=0), sentences


# --- the truth is known ----------------------------------------------------------------------


def test_noise_is_foretold():
    """Reference: .76 / .77 of the tutorial's model with 25 neurons after 5,000 samples."""
    (_, foretold, scored), _ = means([of_tutorial(25, 5000, seed=seed) for seed in range(3)])
    np.testing.assert_allclose(foretold, scored, rtol=0, atol=0.02)
    np.testing.assert_allclose(foretold, 0.77, atol=0.04)


def test_bias_is_foretold():
    """Correlation ends at some .7 in linear networks of a spectral radius of .9, regression does not."""
    x, A = simulated(50, 2000, linear, radius=0.9)
    found = netxr.recoverability(x)
    np.testing.assert_allclose(found.score, real(x, A), rtol=0, atol=0.05)
    correlation, regression = found.limit.values
    assert correlation < 0.8 < 0.9 < regression
    assert found.samples_needed.sel(estimator="lagged_correlation") == np.inf


def step(x):
    return 1.0 * (x > 0)


def rectified(x):
    return x.clip(0)


KINDS = {
    "tutorial 25 x 5,000": lambda seed: of_tutorial(25, 5_000, seed=seed),
    "tutorial 50 x 5,000": lambda seed: of_tutorial(50, 5_000, seed=seed),
    "tutorial 50 x 20,000": lambda seed: of_tutorial(50, 20_000, seed=seed),
    "tutorial 100 x 20,000": lambda seed: of_tutorial(100, 20_000, seed=seed),
    "linear 50 x 20,000, .3": lambda seed: simulated(50, 20_000, linear, radius=0.3, seed=seed),
    "linear 50 x 2,000, .6": lambda seed: simulated(50, 2_000, linear, radius=0.6, seed=seed),
    "linear 50 x 20,000, .9": lambda seed: simulated(50, 20_000, linear, radius=0.9, seed=seed),
    "linear 100 x 500, .9": lambda seed: simulated(100, 500, linear, radius=0.9, seed=seed),
    "linear 50 x 2,000, .97": lambda seed: simulated(50, 2_000, linear, radius=0.97, seed=seed),
    "linear 50 x 20,000, .97": lambda seed: simulated(50, 20_000, linear, radius=0.97, seed=seed),
}
"""Sizes, lengths and radii, no neuron hidden."""

SATURATED = {
    "sigmoid 50 x 20,000, 4": (lambda seed: simulated(50, 20_000, expit, norm=4, seed=seed), {}),
    "sigmoid 50 x 20,000, 8": (lambda seed: simulated(50, 20_000, expit, norm=8, seed=seed), {}),
    "sigmoid 50 x 20,000, 16": (lambda seed: simulated(50, 20_000, expit, norm=16, seed=seed), {}),
    "sigmoid 50 x 100,000, 16": (lambda seed: simulated(50, 100_000, expit, norm=16, seed=seed), {}),
    "tanh 50 x 20,000, 2": (lambda seed: simulated(50, 20_000, np.tanh, norm=2, seed=seed), {}),
    "tanh 50 x 20,000, 4": (lambda seed: simulated(50, 20_000, np.tanh, norm=4, seed=seed), {}),
    "step 50 x 20,000, 4": (lambda seed: simulated(50, 20_000, step, norm=4, seed=seed), {}),
    # Beyond what the effective couplings tell of the network's own:
    "tanh 50 x 20,000, 8": (
        lambda seed: simulated(50, 20_000, np.tanh, norm=8, seed=seed),
        {"regression_t": 0.12, "edge_probability": 0.11},
    ),
    "step 50 x 20,000, 8": (
        lambda seed: simulated(50, 20_000, step, norm=8, seed=seed),
        {"regression_t": 0.08, "edge_probability": 0.10},
    ),
    "rectified 50 x 20,000, 1": (
        lambda seed: simulated(50, 20_000, rectified, norm=1, seed=seed),
        {"granger": 0.16},
    ),
}
"""Units that saturate, and how far off scores are that are not within .05."""


def assert_foretold(kind, recordings, further):
    """Of each estimator within .05, or further, where the recording is not too short to tell; return the sentences."""
    (reliability, foretold, scored), sentences = means(recordings, OF_THE_TABLE)
    print(f"\n{kind}")
    for name, *numbers in zip(OF_THE_TABLE, reliability, foretold, scored, strict=True):
        print("  {:20} reliability {:.2f}  foretold {:.3f}  real {:.3f}".format(name, *numbers))
    within = np.array([further.get(name, 0.05) for name in OF_THE_TABLE])
    told = np.isfinite(foretold)
    assert told[:2].all()
    assert (np.abs(foretold - scored) <= within)[told].all()
    return sentences


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_recording(kind):
    """Every estimator of the table: means of three networks."""
    sentences = assert_foretold(kind, [KINDS[kind](seed) for seed in range(3)], {})
    assert not any("saturate" in sentence for sentence in sentences)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SATURATED)
def test_each_kind_of_units_that_saturate(kind):
    """As each other kind, but for scores that the sentence warns of."""
    make, further = SATURATED[kind]
    sentences = assert_foretold(kind, [make(seed) for seed in range(3)], further)
    assert all("as of units that saturate" in sentence for sentence in sentences)


def test_neurons_that_hardly_vary_do_not_make_the_score():
    """Sources that stay near 0 or 1 tell nothing of their couplings: these are expected to be as strong as others."""
    x, A = simulated(50, 5_000, expit, norm=16, seed=0)
    assert (x.std("time") < 1e-3).sum() > 5
    np.testing.assert_allclose(netxr.recoverability(x).score, real(x, A), rtol=0, atol=0.1)


def test_neurons_whose_units_saturate_are_counted():
    x, _ = simulated(25, 500, linear, radius=0.6)
    assert "saturate" not in netxr.recoverability(x).sentence
    some = x.copy()
    some[:3] = np.sign(x[:3])
    found = netxr.recoverability(some).sentence
    assert "Samples of 3 of the 25 neurons are near two values, or near one and seldom far, as of units" in found
    two = xr.concat([some, some], "trial").transpose("neuron", "time", "trial")
    assert "Samples of 3 of the 25 neurons" in netxr.recoverability(two).sentence
    assert "saturate" not in netxr.recoverability(netxr.lagged_moments(some, blocks=20)).sentence


def test_samples_needed_reach_the_score():
    x, A = of_tutorial(25, 4000, seed=1)
    needed = netxr.recoverability(x, at=0.9).samples_needed.sel(estimator="regression").item()
    longer, _ = of_tutorial(25, int(needed), seed=1)
    assert real(longer, A).sel(estimator="regression") == pytest.approx(0.9, abs=0.03)


def test_with_hidden_neurons_less_comes_out():
    x, A = simulated(50, 20_000, linear, radius=0.9, seed=2)
    kept = {"neuron": slice(25)}
    found = netxr.recoverability(x.isel(kept))
    assert (found.score > real(x.isel(kept), A[:25, :25])).all()
    assert found.sentence.startswith("As far as the recording itself tells, if no neuron is missing, no indicator")


def test_a_slow_indicator_or_noise_of_the_measurement_makes_it_no_bound():
    A = netxr.random_connectivity(60, sparsity=0.94, weights="normal", spectral_radius=0.7, seed=1)
    clear = netxr.simulate(A, n_steps=8000, units="linear", seed=1, burn_in=200).isel(trial=0)
    slow, noisy = (netxr.observe(clear, **what).activity for what in ({"calcium": 6}, {"noise": 1}))
    less = netxr.recoverability(noisy).score - real(noisy, A)
    more = real(slow, A) - netxr.recoverability(slow).score
    assert (less > 0.02).all()
    assert more.sel(estimator="lagged_correlation") > 0.1


# --- what would be seen of it ----------------------------------------------------------------


@pytest.mark.parametrize(("radius", "seen"), [(0.9, {"hidden": 0.5}), (0.7, {"calcium": 10.0})])
def test_what_a_simulation_foretells_of_hidden_neurons_and_an_indicator(radius, seen):
    A = netxr.random_connectivity(60, weights="normal", spectral_radius=radius, seed=3)
    x = netxr.simulate(A, n_steps=5000, units="linear", burn_in=200).activity.isel(trial=0)
    ways = [{"neurons": 1 - seen.get("hidden", 0), "calcium": seen.get("calcium"), "seed": s} for s in range(3)]
    found = netxr.recoverability(x, **seen)
    observed = [netxr.observe(x, **way) for way in ways]
    scored = np.mean([real(one, A.sel(target=one.neuron.values, source=one.neuron.values)) for one in observed], axis=0)
    np.testing.assert_allclose(found.score_as_observed, scored, rtol=0, atol=0.06)
    lost = (found.score - found.score_as_observed).sel(estimator="regression")
    assert lost > 0.04


def test_what_is_said_of_a_simulation(short):
    x, alone = short
    found = netxr.recoverability(x, hidden=0.2, calcium=3, seed=5)
    xr.testing.assert_identical(found, netxr.recoverability(x, hidden=0.2, calcium=3, seed=5))
    assert (found.score_as_observed != netxr.recoverability(x, hidden=0.2, calcium=3).score_as_observed).all()
    assert {name: found.attrs[name] for name in ("hidden", "calcium", "seed")} == {
        "hidden": 0.2,
        "calcium": 3,
        "seed": 5,
    }
    correlation, regression = (f"{each:.2f}".lstrip("0") for each in found.score_as_observed.values)
    said = found.sentence.split(". ")[-1]
    assert said.startswith(
        f"With 20 % of its neurons hidden and an indicator of 3 samples, lagged correlation with {correlation} +- "
    )
    assert f", regression with {regression} +- " in said
    assert said.endswith(": so say 3 simulated recordings of 400 samples of the network that was fitted.")
    xr.testing.assert_allclose(found[list(alone.data_vars)], alone)
    assert found.sentence.startswith(alone.sentence)
    assert "score_as_observed" not in alone


def test_a_simulation_at_a_longer_lag_and_of_a_neuron_that_does_not_vary():
    x, _ = simulated(26, 800, linear, radius=0.6)
    slow = x.copy(data=np.repeat(x.values[:, :400], 2, axis=1))
    slow[3] = 1.0
    found = netxr.recoverability(slow, lag=2, hidden=0.5)
    assert found.score_as_observed.notnull().all()


def test_a_recording_too_short_to_tell_tells_no_simulation():
    x, _ = of_tutorial(50, 300)
    found = netxr.recoverability(x, hidden=0.5)
    assert found.score_as_observed.isnull().all()
    assert found.sentence.endswith("What the recording does not tell, no simulation tells either.")


@pytest.mark.parametrize(
    ("n_neurons", "n_samples", "expected"), [(50, 1000, 1000), (50, 10**6, 167_772), (1600, 10**5, 5242)]
)
def test_a_simulation_is_bounded_in_time(n_neurons, n_samples, expected):
    assert steps_simulated(Observation(0.5, None, 0), n_neurons=n_neurons, n_samples=n_samples) == expected


# --- what it is made of ----------------------------------------------------------------------


def test_reliability_is_that_of_halves_and_counts_parameters():
    x, _ = simulated(30, 300, linear, radius=0.6)
    found = netxr.recoverability(x).reliability_of_estimate
    plain = netxr.reliability(x).reliability.item()
    assert found.sel(estimator="lagged_correlation") == pytest.approx(plain, rel=1e-9)
    r = netxr.reliability(x, method="regression").halves.item()
    of_all, of_half = 299 - 31, 299 / 2 - 31  # degrees of freedom
    expected = 1 / (1 + (1 - r) / r * of_half / of_all)
    assert found.sel(estimator="regression") == pytest.approx(expected, rel=1e-9)


def test_samples_needed_go_by_what_noise_takes_from_the_limit():
    x, _ = simulated(30, 1000, linear, radius=0.6)
    found = netxr.recoverability(x)
    noise = (found.limit / found.score) ** 2 - 1
    used = xr.DataArray([0, 31], dims="estimator")
    needed = used + (999 - used) * noise / (found.limit**2 / 0.9**2 - 1)
    xr.testing.assert_allclose(found.samples_needed, np.ceil(needed).drop_attrs())
    assert (noise > 0).all()


def test_score_is_that_of_networks_drawn_from_what_a_regression_tells():
    """Each coupling is drawn from its posterior, and the estimate scored with each draw."""
    x, _ = simulated(30, 1000, linear, radius=0.6)
    moments = netxr.lagged_moments(x)
    equations = equations_of(moments, [1])
    seen = couplings(least_squares(equations), n_targets=equations.n_targets)
    mixture = mixture_of(seen)
    known, rng = np.isfinite(seen.found), np.random.default_rng(0)
    found, error = seen.found[known], seen.error[known]
    share = memberships(found, mixture, error).cumsum(0)
    r = netxr.lagged_correlation(moments).values[known]
    scores = []
    for _ in range(300):
        part = (rng.random(found.shape) > share).sum(0).clip(max=2)
        kept = mixture.variance[part] / (mixture.variance[part] + error**2)
        mean = mixture.mean[part] + kept * (found - mixture.mean[part])
        drawn = mean + np.sqrt(kept) * error * rng.normal(size=found.shape)
        scores.append(np.corrcoef(np.where(part > 0, drawn, 0), r)[0, 1])
    expected = netxr.recoverability(x, methods="lagged_correlation").score.item()
    assert np.mean(scores) == pytest.approx(expected, abs=0.003)


def test_moments_of_halves_against_those_of_their_samples():
    x, _ = simulated(5, 200, linear, radius=0.5, share=0.5)
    blocks = netxr.lagged_moments(x, blocks=6)
    whole = halves(blocks, "block")
    first, *_ = without_neighbours(blocks, "block")
    merged = netxr.merge_moments([blocks.isel(block=k) for k in (0, 2, 4)])
    for name in ("comoment", "sumsq_target", "mean_source", "count"):
        np.testing.assert_allclose(whole.first[name], merged[name], rtol=1e-9)
    others = netxr.merge_moments([blocks.isel(block=k) for k in (2, 3, 4, 5)])
    np.testing.assert_allclose(first.comoment, others.comoment, rtol=1e-9)
    np.testing.assert_allclose(netxr.regression(first).t, netxr.regression(others).t, rtol=1e-8)


@pytest.mark.slow
def test_error_is_that_of_leaving_out_neighbours():
    """Of networks drawn alike it is about as large as scores differ from what is foretold."""
    found = [(netxr.recoverability(x), real(x, A)) for x, A in (of_tutorial(25, 2000, seed=seed) for seed in range(6))]
    off = np.array([(one.score - score).values[0] for one, score in found])
    errors = np.array([one.score_standard_error.values[0] for one, _ in found])
    assert 0.3 < np.sqrt(np.square(off).mean()) / errors.mean() < 2


# --- what goes in and comes out --------------------------------------------------------------


def test_moments_datasets_and_lazy_activity_tell_the_same(short):
    x, expected = short
    xr.testing.assert_allclose(netxr.recoverability(netxr.lagged_moments(x, blocks=20)), expected)
    lazily = netxr.recoverability(x.to_dataset(name="activity").chunk(time=170))
    xr.testing.assert_allclose(lazily, expected)
    assert lazily.sentence == expected.sentence


def test_a_scale_of_all_neurons_changes_nothing(short):
    x, expected = short
    xr.testing.assert_allclose(netxr.recoverability(1e-3 * x + 5), expected, rtol=1e-6)


def test_trials_are_told_apart_or_are_the_parts():
    run = netxr.simulate(netxr.random_connectivity(24, seed=1), n_steps=600, trials=[5, 7], seed=1)
    found = netxr.recoverability(run)
    assert dict(found.sizes) == {"estimator": 2, "trial": 2}
    assert found.trial.values.tolist() == [5, 7]
    one = netxr.recoverability(run.activity.sel(trial=7))
    xr.testing.assert_allclose(found.sel(trial=7, drop=True), one.drop_vars("trial", errors="ignore"))
    assert "24 neurons with 600 samples in each of 2 trials" in found.sentence
    trials = netxr.simulate(netxr.random_connectivity(24, seed=1), n_steps=100, trials=8, seed=1)
    assert netxr.recoverability(netxr.lagged_moments(trials)).sizes == {"estimator": 2}


def test_any_estimator_and_lag():
    x, _ = simulated(25, 500, linear, radius=0.6)
    found = netxr.recoverability(x, methods=["granger", "correlation"], lag=2, at=0.5)
    assert found.estimator.values.tolist() == ["granger", "correlation"]
    assert found.attrs["lag"] == 2
    assert netxr.recoverability(x, methods="regression_t").sizes == {"estimator": 1}


def test_a_neuron_that_does_not_vary_counts_for_nothing():
    x, _ = simulated(26, 1000, linear, radius=0.6)
    still = x.copy()
    still[3] = 1.0
    found = netxr.recoverability(still)
    others = netxr.recoverability(x.isel(neuron=np.delete(np.arange(26), 3)))
    np.testing.assert_allclose(found.limit, others.limit, rtol=1e-3)


def test_too_short_to_tell():
    x, _ = of_tutorial(50, 300)
    found = netxr.recoverability(x)
    assert (found.reliability_of_estimate < 0.1).all()
    assert found[["score", "score_standard_error", "samples_needed"]].isnull().all().to_array().all()
    assert "the recording is too short to tell by the reliability of lagged correlation (" in found.sentence


def test_samples_that_grow_are_said():
    x = np.random.default_rng(0).normal(size=(25, 300))
    for t in range(1, 300):
        x[0, t] += 1.02 * x[0, t - 1]
    found = netxr.recoverability(netxr.as_activity(x, dims=("neuron", "time")))
    assert "The fit would grow without end (spectral radius 1.0" in found.sentence
    assert "was shrunk to .99: take netxr.high_pass or netxr.difference first." in found.sentence


@pytest.mark.parametrize(
    ("score", "needed", "expected"),
    [
        (0.313, 431_234.0, "with .31 +- .02 (.9 takes about 430,000 samples)"),
        (0.313, np.inf, "with .31 +- .02 (.80 in a recording without end)"),
    ],
)
def test_sentence(score, needed, expected):
    values = {
        "score": score,
        "score_standard_error": 0.02,
        "reliability_of_estimate": 0.2,
        "limit": 0.8,
        "samples_needed": needed,
    }
    found = xr.Dataset(
        {name: ("estimator", [value]) for name, value in values.items()}, {"estimator": ["lagged_correlation"]}
    )
    text = sentence_of(found, n_neurons=1000, n_samples=20_000, at=0.9, radius=0.0)
    assert text == (
        "As far as the recording itself tells, if no neuron is missing, no indicator is slow, samples are as fast as "
        "the couplings and the measurement adds no noise: of 1,000 neurons with 20,000 samples, "
        f"lagged correlation would find a network like this one {expected}."
    )


def test_a_simulation_of_too_many_neurons_is_refused():
    with pytest.raises(InvalidInput, match="calcium: got it with 2,000 neurons; expected at most 1,672"):
        steps_simulated(Observation(0.0, 3.0, 0), n_neurons=2000, n_samples=10**5)


def test_few_neurons_are_said():
    x, _ = of_tutorial(6, 400)
    assert netxr.recoverability(x).sentence.endswith("those with an edge are not told from others.")


# --- what is refused -------------------------------------------------------------------------


def test_too_short_for_a_regression():
    x = netxr.as_activity(np.random.default_rng(0).normal(size=(50, 100)), dims=("neuron", "time"))
    match = (
        "activity: got 99 samples of each neuron for 51 parameters of a regression, and 51 in each half without one of "
        r"its blocks; expected 116 samples or more.*netxr.partial_correlation with shrinkage=\"oas\""
    )
    with pytest.raises(InvalidInput, match=match):
        netxr.recoverability(x)
    assert netxr.recoverability(x, methods="lagged_correlation").limit.notnull().all()
    with pytest.raises(
        InvalidInput, match="got 56 samples of each neuron for 51 parameters of a regression; expected 58"
    ):
        netxr.recoverability(x[:, :57], methods="lagged_correlation")


def test_neurons_that_others_add_up_to_are_named():
    """Without those that are named there are none."""
    x, _ = simulated(24, 500, linear, radius=0.6)
    x = x.assign_coords(neuron=[f"n{k}" for k in range(24)])
    x[5] = x[2] + x[3]
    x[20] = 2 * x[7] - 1
    with pytest.raises(InvalidInput, match=r"activity: got 2 neurons that others add up to, .*drop_sel") as caught:
        netxr.recoverability(x)
    names = str(caught.value).split("blocks: ")[1].split(";")[0].split(", ")
    assert len(set(names) & {"n5", "n2", "n3"}) == len(set(names) & {"n20", "n7"}) == 1
    assert netxr.recoverability(x.drop_sel(neuron=names)).score.notnull().all()
    rare = x.drop_sel(neuron=names).copy()
    rare[:2] = 0.0
    rare[:2, 30] = rare[:1, 5] = 1.0  # alike in the second block, and not in the first
    with pytest.raises(InvalidInput, match=r"1 neuron that others add up to, in all or half of the blocks: n[01];"):
        netxr.recoverability(rare)
    with pytest.raises(InvalidInput, match=r"got 21 neurons that .* and 1 more"):
        netxr.recoverability(x.copy(data=np.repeat(x.values[:3], 8, axis=0)))


def test_it_stands_in_a_run_beside_other_results():
    run = netxr.simulate(netxr.random_connectivity(8, seed=1), n_steps=2000, seed=1)
    beside = (netxr.recoverability(run), netxr.reliability(run), netxr.regression(run), netxr.correlation_test(run))
    names = [name for one in beside for name in one.data_vars]
    assert {name for name in names if names.count(name) > 1} == {"p_value"}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"at": 1}, "at: got 1; expected a score between 0 and 1"),
        ({"at": "high"}, "at: got 'high'"),
        ({"lag": 0}, "lag: got 0"),
        ({"methods": []}, "methods: got"),
        ({"methods": "guess"}, "methods: got 'guess'; expected one of"),
        ({"hidden": 1}, "hidden: got 1; expected a share below 1"),
        ({"hidden": -0.1}, "hidden: got -0.1; expected a share, 0 to 1"),
        ({"hidden": 0.8}, "hidden: got 0.8 of 5 neurons; expected a share that leaves two"),
        ({"calcium": 0}, "calcium: got 0; expected a number of samples above 0"),
        ({"calcium": 11}, "calcium: got 11 samples; expected at most a tenth of the 100 samples"),
        ({"seed": -1, "hidden": 0.5}, "seed: got -1"),
    ],
)
def test_settings_that_are_none(options, match):
    x, _ = simulated(5, 100, linear, radius=0.5, share=0.5)
    with pytest.raises(InvalidInput, match=match):
        netxr.recoverability(x, **options)


def test_one_neuron_has_no_pairs(short):
    alone = short[0].isel(neuron=[0])
    for data in (alone, netxr.lagged_moments(alone, lags=[0, 1], blocks=20)):
        with pytest.raises(InvalidInput, match="activity: got 1 neuron; expected two or more"):
            netxr.recoverability(data)


def test_moments_that_lack_something():
    x, _ = simulated(5, 200, linear, radius=0.5, share=0.5)
    with pytest.raises(InvalidInput, match=r"activity: got moments at lags \[0\]; expected those at lags \[0, 1\]"):
        netxr.recoverability(netxr.lagged_moments(x, lags=[0], blocks=6))
    with pytest.raises(InvalidInput, match="got moments in 4 blocks; expected 6 or more"):
        netxr.recoverability(netxr.lagged_moments(x, blocks=4))
    with pytest.raises(InvalidInput, match="without blocks"):
        netxr.recoverability(netxr.lagged_moments(x))
