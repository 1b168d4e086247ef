import numpy as np
import pytest

import netxr
from tests.cli.shell import document, output, run


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--diagonal"], {"diagonal": True, "permutations": 999, "seed": 0}),
        (["--no-diagonal", "--permutations", 5, "--seed", 2], {"diagonal": False, "permutations": 5, "seed": 2}),
    ],
)
def test_compare_passes_each_flag_on(called, store, estimate, flags, expected):
    calls = called("compare")
    output("compare", store, estimate, *flags)
    assert calls[0][1].items() >= expected.items()


def test_compare_of_stores_gives_a_row_a_matrix(store, estimate):
    got = document("compare", store, estimate, "--no-diagonal", "--permutations", 9)
    saved = netxr.open(estimate).compute()
    for row in got["scores"]:
        assert row["pearson"] == saved.pearson.sel(lag=row["lag"], trial=row["trial"]).item()
    assert len(got["scores"]) == 4


def test_compare_of_files_in_either_orientation(tmp_path):
    rng = np.random.default_rng(0)
    A, R = (rng.random((5, 5)) < 0.4) * 1.0, rng.normal(size=(5, 5))
    np.save(tmp_path / "A.npy", A)
    np.savez(tmp_path / "R.npz", R=R.T, other=A)
    flags = ["--rows", "target", "--estimate-rows", "source", "--estimate-name", "R", "--diagonal"]
    got = document("compare", tmp_path / "A.npy", tmp_path / "R.npz", *flags)["scores"]
    assert got[0]["pearson"] == pytest.approx(np.corrcoef(A.ravel(), R.ravel())[0, 1], abs=1e-12)


def test_compare_says_what_is_undefined_and_not_shared(tmp_path):
    np.save(tmp_path / "A.npy", np.zeros((3, 3)))
    np.save(tmp_path / "R.npy", np.random.default_rng(0).normal(size=(4, 4)))
    flags = ["--rows", "target", "--estimate-rows", "target", "--no-diagonal"]
    text = output("compare", tmp_path / "A.npy", tmp_path / "R.npy", *flags)
    assert "pearson             undefined" in text
    assert "pearson is undefined where truth or estimate is the same for all pairs." in text
    assert "neurons in the estimate only: 1 (3)" in text
    got = document("compare", tmp_path / "A.npy", tmp_path / "R.npy", *flags)
    assert got["scores"][0]["pearson"] is None
    assert got["overlap"] == {"n_neurons_shared": 3, "n_neurons_only_truth": 0, "n_neurons_only_estimate": 1}


def test_compare_refuses(store, estimate, tmp_path):
    assert "Say --diagonal" in run("compare", store, estimate).stderr
    assert run("compare", store, estimate).exit_code == 2
    result = run("compare", store, store, "--diagonal")
    assert result.exit_code == 2
    assert "expected an estimate that" in result.stderr
    assert run("compare", tmp_path / "gone.npy", estimate, "--diagonal").exit_code == 4
    result = run("compare", store, estimate, "--diagonal", "--estimate-rows", "source")
    assert result.exit_code == 2
    assert "--estimate-rows: got 'source'; expected nothing, or 'target'" in result.stderr
    assert run("compare", store, estimate, "--diagonal", "--estimate-rows", "target").exit_code == 0
    assert run("compare", store, estimate, "--diagonal", "--seed", -1).exit_code == 2


def test_an_outdated_estimate_is_said_to_be_so(tmp_path):
    whole = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=200, seed=1)
    first, path = whole.isel(time=slice(0, 100)), tmp_path / "run.zarr"
    netxr.save(first.assign(lagged_correlation=netxr.lagged_correlation(first.activity)), path)
    netxr.append(whole[["activity"]].isel(time=slice(100, None)), path, dim="time")
    said = "outdated: made before 100 samples were appended along time."
    assert said in run("compare", path, path, "--no-diagonal").stderr
    assert said in run("plot", path, tmp_path / "x.png").stderr


def test_labels_that_none_shares_are_given_by_an_option(estimate, tmp_path):
    np.save(tmp_path / "A.npy", np.eye(8))
    (tmp_path / "names.txt").write_text("\n".join("abcdefgh"))
    told = run(
        "compare", tmp_path / "A.npy", estimate, "--rows", "target", "--neurons", tmp_path / "names.txt", "--diagonal"
    )
    assert told.exit_code == 2
    assert "On the command line: --neurons FILE names those of TRUTH, --estimate-neurons FILE" in told.stderr
