import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.simulation import simulate as simulation
from tests.cli.shell import document, output, run
from tests.runs import names


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], {"n_steps": 5000, "trials": 1, "seed": 0, "rng": "modern", "noise_scale": 1.0, "initial": 0.0}),
        (["--steps", 9], {"n_steps": 9}),
        (["--trials", 3], {"trials": 3}),
        (["--seed", 7], {"seed": 7}),
        (["--rng", "legacy"], {"rng": "legacy"}),
        (["--noise-scale", 0.5], {"noise_scale": 0.5}),
        (["--initial", 0.25], {"initial": 0.25}),
        (["--dtype", "float32"], {"dtype": "float32"}),
        ([], {"units": "sigmoid", "burn_in": 0, "common_drive": 0.0}),
        (["--units", "lif"], {"units": "lif"}),
        (
            ["--units", "tanh", "--burn-in", 7, "--common-drive", 0.5],
            {"units": "tanh", "burn_in": 7, "common_drive": 0.5},
        ),
    ],
)
def test_simulate_passes_each_flag_on(called, tmp_path, flags, expected):
    calls = called("simulate")
    output("simulate", tmp_path / "run.zarr", "--neurons", 4, *flags)
    ((_, passed),) = calls
    assert passed.items() >= expected.items()
    assert passed["store"] == tmp_path / "run.zarr"


@pytest.mark.parametrize(
    ("flags", "size", "expected"),
    [
        ([], 100, {"sparsity": 0.9, "seed": 0, "rng": "modern"}),
        (["--neurons", 5], 5, {"sparsity": 0.9, "inhibitory": 0.0, "spectral_radius": None}),
        (["--inhibitory", 0.2, "--spectral-radius", 0.5], 100, {"inhibitory": 0.2, "spectral_radius": 0.5}),
        (["--sparsity", 0.5, "--seed", 4, "--rng", "legacy"], 100, {"sparsity": 0.5, "seed": 4, "rng": "legacy"}),
    ],
)
def test_simulate_draws_the_network_that_is_asked_for(called, tmp_path, flags, size, expected):
    calls = called("random_connectivity")
    output("simulate", tmp_path / "run.zarr", "--steps", 3, *flags)
    ((args, passed),) = calls
    assert args == (size,)
    assert passed.items() >= expected.items()


def test_simulate_writes_what_the_library_gives(store):
    A = netxr.random_connectivity(8, sparsity=0.7, seed=3)
    xr.testing.assert_equal(netxr.open(store).compute(), netxr.simulate(A, n_steps=400, trials=2, seed=3))


@pytest.mark.parametrize("rows", ["target", "source"])
def test_simulate_takes_a_matrix_in_the_orientation_that_is_said(tmp_path, rows):
    np.savetxt(tmp_path / "A.csv", [[0, 0.5], [0, 0]], delimiter=",")
    output("simulate", tmp_path / "r.zarr", "--connectivity", tmp_path / "A.csv", "--rows", rows, "--steps", 5)
    A = netxr.open(tmp_path / "r.zarr").connectivity
    to, from_ = (0, 1) if rows == "target" else (1, 0)
    assert A.sel(target=to, source=from_) == 0.5
    assert A.sum() == 0.5


def test_simulate_takes_one_matrix_of_an_archive(tmp_path):
    np.savez(tmp_path / "A.npz", A=np.eye(3), B=np.zeros((2, 2)))
    flags = ["--rows", "target", "--connectivity-name", "A", "--steps", 5]
    made = document("simulate", tmp_path / "r.zarr", "--connectivity", tmp_path / "A.npz", *flags)
    assert made["neurons"] == 3
    assert made["edges"] == 3


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--connectivity", "A.csv"], 2, "--rows target"),
        (["--connectivity", "A.csv", "--rows", "target", "--neurons", 5], 2, "--neurons"),
        (["--connectivity", "none.csv", "--rows", "target"], 4, "no such file"),
        (["--rows", "target"], 2, "--connectivity"),
        (["--connectivity", "A.csv", "--rows", "target", "--inhibitory", 0.2], 2, "--inhibitory"),
        (["--units", "linear", "--spectral-radius", 1.5], 2, "a spectral radius of 1.5"),
        (["--inhibitory", 2], 2, "a share"),
        (["--burn-in", -1], 2, "--burn-in: got -1"),
        (["--sparsity", 2], 2, "a probability"),
        (["--seed", -1], 2, "x>=0"),
        (["--steps", 0], 2, "--steps: got 0"),
    ],
)
def test_simulate_refuses(tmp_path, monkeypatch, flags, code, says):
    monkeypatch.chdir(tmp_path)
    np.savetxt("A.csv", np.eye(2), delimiter=",")
    result = run("simulate", "run.zarr", *flags)
    assert result.exit_code == code
    assert says in result.stderr
    assert names(tmp_path) == ["A.csv"]


def test_simulate_leaves_what_exists(store):
    before = float(netxr.open(store).activity.sum())
    result = run("simulate", store, "--neurons", 3)
    assert result.exit_code == 3
    assert "is left as it is" in result.stderr
    assert float(netxr.open(store).activity.sum()) == before


def test_simulate_prints_a_summary_or_nothing(tmp_path):
    assert "neurons  4" in output("simulate", tmp_path / "a.zarr", "--neurons", 4, "--steps", 5)
    assert output("simulate", tmp_path / "b.zarr", "--neurons", 4, "--steps", 5, "--quiet") == ""
    made = document("simulate", tmp_path / "c.zarr", "--neurons", 4, "--steps", 5)
    assert (made["neurons"], made["samples"], made["trials"]) == (4, 5, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_leaves_what_was_committed_and_exits_with_130(tmp_path):
    program = [sys.executable, "-c", "from netxr.cli import main; main()"]
    size = ["--neurons", "6", "--steps", "20000000"]  # were nobody to end it, the disk would not fill
    command = [*program, "simulate", str(tmp_path / "run.zarr"), *size]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        while process.poll() is None and not list(tmp_path.iterdir()):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "netxr: error: interrupted; the same command again resumes the run\n"
    assert names(tmp_path) in ([], ["run.zarr"])  # before and after the first commit


def test_simulate_goes_on_with_what_was_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "steps_per_chunk", lambda *_: 256)
    monkeypatch.setattr(simulation, "COMMIT_BYTES", 2**13)
    A = netxr.random_connectivity(4, sparsity=0.9, seed=3)

    def cut_off(done, _total):
        if done > 3000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        netxr.simulate(A, n_steps=5000, seed=3, store=tmp_path / "run.zarr", progress=cut_off)
    assert 0 < netxr.open(tmp_path / "run.zarr").sizes["time"] < 5000
    output("simulate", tmp_path / "run.zarr", "--neurons", 4, "--seed", 3)
    xr.testing.assert_equal(netxr.open(tmp_path / "run.zarr").compute(), netxr.simulate(A, n_steps=5000, seed=3))
