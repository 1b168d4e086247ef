import numpy as np
import pytest

import netxr
from tests.cli.shell import document, output, run


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A simulated run of 24 neurons in one trial."""
    path = tmp_path_factory.mktemp("runs") / "run.zarr"
    netxr.simulate(netxr.random_connectivity(24, seed=1), n_steps=2000, seed=1, store=path)
    return path


def test_the_sentence_and_a_table(recording):
    expected = netxr.recoverability(netxr.open(recording))
    lines = output("recoverability", recording).splitlines()
    assert lines[:2] == [expected.sentence, ""]
    assert lines[2].split() == [
        "estimator",
        "score",
        "score_standard_error",
        "reliability_of_estimate",
        "limit",
        "samples_needed",
    ]
    assert [line.split()[0] for line in lines[3:]] == ["lagged_correlation", "regression"]
    needed = expected.samples_needed.sel(estimator="regression").item()
    assert lines[4].split()[-1] == f"{needed:,.0f}"


def test_options_are_passed_on(recording, called):
    calls = called("recoverability")
    got = document("recoverability", recording, "--method", "regression_t", "--at", 0.5, "--lag", 2)
    assert calls[0][1] == {
        "methods": ["regression_t"],
        "at": 0.5,
        "lag": 2,
        "hidden": 0.0,
        "calcium": None,
        "seed": 0,
    }
    (row,) = got["estimates"]
    assert row["estimator"] == "regression_t"
    assert (got["at"], got["lag"]) == (0.5, 2)


def test_what_hidden_neurons_and_an_indicator_would_do(recording):
    got = document("recoverability", recording, "--hidden", 0.25, "--calcium", 3, "--seed", 7)
    expected = netxr.recoverability(netxr.open(recording), hidden=0.25, calcium=3, seed=7)
    assert [row["score_as_observed"] for row in got["estimates"]] == expected.score_as_observed.values.ravel().tolist()
    assert got["sentence"] == expected.sentence


def test_trials_have_rows_of_their_own_and_too_short_ones_no_score(tmp_path):
    run_of = netxr.simulate(netxr.random_connectivity(24, seed=1), n_steps=100, trials=2, seed=1)
    netxr.save(run_of, tmp_path / "run.zarr")
    got = document("recoverability", tmp_path / "run.zarr", "--method", "lagged_correlation")
    assert [row["trial"] for row in got["estimates"]] == [0, 1]
    assert [row["score"] for row in got["estimates"]] == [None, None]
    assert "undefined" in output("recoverability", tmp_path / "run.zarr")


def test_a_plain_file_and_an_error(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(400, 30)))
    assert "30 neurons with 400 samples" in output("recoverability", tmp_path / "x.npy", "--dims", "time,neuron")
    result = run("recoverability", tmp_path / "x.npy", "--dims", "neuron,time")
    assert result.exit_code == 2
    assert "for 401 parameters of a regression" in result.stderr


@pytest.mark.slow
def test_gains_count_unless_samples_are_z_scored(recording, tmp_path):
    x = netxr.open(recording).activity.compute()
    gains = np.exp(np.random.default_rng(0).normal(size=(1, x.sizes["neuron"], 1)))
    x = x.transpose("trial", "neuron", "time")
    x = x.copy(data=x.values * gains)
    netxr.save(x.to_dataset(name="activity"), tmp_path / "gains.zarr")
    assert "Gains of neurons count" in output("recoverability", tmp_path / "gains.zarr")
    assert "Gains of neurons count" not in output("recoverability", tmp_path / "gains.zarr", "--z-score")
    assert "Gains of neurons count" not in output("recoverability", recording)
    (scored,) = document("recoverability", tmp_path / "gains.zarr", "--z-score", "--method", "regression")["estimates"]
    expected = netxr.recoverability(netxr.z_score(x), methods="regression").score.item()
    assert scored["score"] == pytest.approx(expected)


def test_missing_samples_are_refused_with_what_can_be_done(tmp_path):
    x = np.random.default_rng(0).normal(size=(400, 30))
    x[7, 3] = np.nan
    np.save(tmp_path / "x.npy", x)
    result = run("recoverability", tmp_path / "x.npy", "--dims", "time,neuron")
    assert result.exit_code == 2
    assert "--missing" not in result.stderr
    assert "It takes every sample" in result.stderr
