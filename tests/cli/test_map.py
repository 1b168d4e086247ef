import csv

import pytest

import netxr
from tests.cli.shell import document, output, run
from tests.runs import names

SMALL = ["--neurons", "9", "--sparsity", 0.6, "--spectral-radius", "0.5,0.9", "--steps", "100,1000", "--trials", 2]
TWO = ["--observed", 1, "--method", "lagged_correlation", "--method", "regression"]


def test_a_map_is_a_store_a_picture_and_a_table_and_goes_on(tmp_path):
    found = document("map", tmp_path / "m.zarr", *SMALL, *TWO, "--at", 0.7, "--workers", 1)
    assert names(tmp_path) == ["m.csv", "m.png", "m.zarr"]
    assert (tmp_path / "m.png").read_bytes()[1:4] == b"PNG"
    rows = list(csv.DictReader((tmp_path / "m.csv").read_text("utf-8").splitlines()))
    assert len(rows) == 4
    assert [(row["n_steps"], row["spectral_radius"]) for row in rows if row["n_steps"] == "1000"] == [
        ("1000", "0.5"),
        ("1000", "0.9"),
    ]
    swept = netxr.open(tmp_path / "m.zarr").load()
    best = swept.pearson_mean.max("estimator").sel(n_steps=1000, spectral_radius=0.9).item()
    (row,) = (row for row in rows if (row["n_steps"], row["spectral_radius"]) == ("1000", "0.9"))
    assert float(row["score"]) == pytest.approx(best)
    assert {row["verdict"] for row in rows} <= {"good enough", "more samples", "never"}
    assert [cell["n_steps"] for cell in found["cells"]] == [1000, 1000]
    assert {"slope", "mcc", "symmetry", "roc_auc_inhibitory"} <= set(swept.data_vars)
    assert (swept.attrs["unit_function"], swept.attrs["weights"], swept.pearson.attrs["diagonal"]) == (
        "linear",
        "normal",
        0,
    )

    refused = run("map", tmp_path / "m.zarr", *SMALL, *TWO)
    assert refused.exit_code == 3
    again = ["--figure", tmp_path / "other.svg", "--table", tmp_path / "other.csv", "--score", "mantel"]
    text = output("map", tmp_path / "m.zarr", *SMALL, *TWO, *again)
    assert text.splitlines()[0].split()[-3:] == ["score", "estimator", "verdict"]
    assert "other.svg" in names(tmp_path)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], {"spectral_radius": (0.3, 0.6, 0.9, 0.97), "units": "linear", "coupling": None, "diagonal": False}),
        (["--coupling", "1,4"], {"spectral_radius": None, "coupling": (1, 4)}),
        (["--calcium", "0,9", "--units", "tanh"], {"calcium": (0, 9), "units": "tanh"}),
    ],
)
def test_it_is_the_sweep_with_defaults_of_its_own(tmp_path, flags, expected, monkeypatch):
    class Enough(netxr.NetxrError):
        pass

    passed = {}

    def sweep(**settings):
        passed.update(settings)
        raise Enough

    monkeypatch.setattr(netxr, "sweep", sweep)
    assert run("map", tmp_path / "m.zarr", *flags).exit_code == 1
    assert passed.items() >= expected.items()
    assert len(passed["method"]) == 6
    assert names(tmp_path) == []
