import pytest

import netxr
from tests.cli.shell import document, output, run
from tests.runs import names


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (
            [],
            {"lag": (1,), "n_groups": (0,), "sparsity": (0.9,), "seed": 0, "rng": "modern", "activity_seed": None}
            | {"spectral_radius": None, "units": "sigmoid", "weights": "binary", "burn_in": 0, "scores": None},
        ),
        (
            ["--neurons", "4, 8", "--sparsity", "0.5,0.8", "--groups", "0,2", "--no-diagonal"],
            {"n_neurons": (4, 8), "sparsity": (0.5, 0.8), "n_groups": (0, 2), "diagonal": False},
        ),
        (["--steps", "30,40", "--lag", "0,1", "--seed", 5], {"n_steps": (30, 40), "lag": (0, 1), "seed": 5}),
        (["--method", "correlation", "--score", "mcc"], {"method": "correlation", "scores": ["mcc"]}),
        (["--method", "correlation", "--method", "granger"], {"method": ("correlation", "granger")}),
        (
            ["--sparsity", "0.1", "--spectral-radius", "0.5,0.9", "--units", "linear"],
            {"spectral_radius": (0.5, 0.9), "units": "linear"},
        ),
        (["--units", "tanh, linear"], {"units": ("tanh", "linear")}),
        (["--inhibitory", "0,0.2", "--weights", "lognormal"], {"inhibitory": (0, 0.2), "weights": "lognormal"}),
        (["--coupling", "4", "--common-drive", "1", "--burn-in", 9], {"coupling": (4,), "common_drive": (1,)}),
        (
            ["--observed", "0.5,1", "--every", "2", "--calcium", "3"],
            {"observed": (0.5, 1), "every": (2,), "calcium": (3,)},
        ),
        (["--trials", 3], {"trials": 3}),
        (["--rng", "legacy", "--activity-seed", 42], {"rng": "legacy", "activity_seed": 42}),
        (["--workers", 2], {"workers": 2}),
    ],
)
def test_sweep_passes_each_flag_on(called, tmp_path, flags, expected):
    calls = called("sweep")
    output("sweep", tmp_path / "s.zarr", "--neurons", "4", "--steps", "30", "--trials", 2, *flags)
    ((_, passed),) = calls
    assert passed.items() >= expected.items()
    assert passed["store"] == tmp_path / "s.zarr"


def test_units_are_an_axis(tmp_path):
    flags = ["--neurons", 6, "--sparsity", 0.5, "--steps", "60,90", "--trials", 2, "--units", "tanh,sigmoid"]
    lines = output("sweep", tmp_path / "s.zarr", *flags).splitlines()
    assert [line.split()[2] for line in lines[-4:]] == ["tanh", "tanh", "sigmoid", "sigmoid"]
    mapped = document("map", tmp_path / "m.zarr", *flags, "--spectral-radius", 0.5, "--observed", 1, "--at", 0.5)
    assert [cell["units"] for cell in mapped["cells"]] == ["tanh", "sigmoid"]
    assert (tmp_path / "m.png").exists()
    other = run("sweep", tmp_path / "t.zarr", "--neurons", 4, "--units", "tanh,relu")
    assert other.exit_code == 2
    assert "units: got 'relu'; expected 'sigmoid' or" in other.stderr


def test_sweep_prints_the_tutorials_means_and_resumes(tmp_path):
    flags = ["--neurons", "5,10", "--steps", 1000, "--rng", "legacy", "--activity-seed", 42]
    rows = document("sweep", tmp_path / "s.zarr", *flags)["cells"]
    assert [(row["n_neurons"], row["defined"], row["trials"]) for row in rows] == [(5, 3, 5), (10, 5, 5)]
    assert rows[0]["mean"] == pytest.approx(0.859, abs=5e-4)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "s.zarr" / "pearson").rglob("*")}
    again = output("sweep", tmp_path / "s.zarr", *flags)
    assert {file: file.stat().st_mtime_ns for file in before} == before  # nothing is simulated again
    assert "diagonal included" in again
    assert again.splitlines()[-1].split()[-2:] == ["5", "5"]
    other = run("sweep", tmp_path / "s.zarr", "--neurons", "7", "--steps", 1000)
    assert other.exit_code == 2


def test_sweep_of_another_score(tmp_path):
    got = output("sweep", tmp_path / "s.zarr", "--neurons", 4, "--steps", 30, "--trials", 2, "--score", "rv", "-q")
    assert len(got.splitlines()) == 2
    result = run("sweep", tmp_path / "s.zarr", "--neurons", 4, "--steps", 30, "--trials", 2, "--score", "iq")
    assert result.exit_code == 2
    assert "pearson" in result.stderr


@pytest.mark.parametrize("flags", [["--score", "foo"], ["--score", "mantel_p"], ["--activity-seed", -1]])
def test_sweep_refuses_before_it_computes(called, tmp_path, flags):
    calls = called("sweep")
    assert run("sweep", tmp_path / "s.zarr", "--neurons", 4, "--steps", 30, *flags).exit_code == 2
    assert calls == []
    assert names(tmp_path) == []


def test_sweep_leaves_what_exists(store):
    assert run("sweep", store, "--neurons", 4).exit_code in (2, 3)
    assert "activity" in netxr.open(store)


def test_a_sweep_over_methods_has_a_row_for_each(tmp_path):
    flags = ["--neurons", 9, "--steps", 60, "--trials", 2, "--method", "correlation", "--method", "regression"]
    rows = document("sweep", tmp_path / "s.zarr", *flags, "--coupling", "0.5", "--score", "slope")["cells"]
    assert [(row["estimator"], row["coupling"]) for row in rows] == [
        ("correlation", 0.5),
        ("regression", 0.5),
    ]
