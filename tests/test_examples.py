import re
import subprocess
import sys
from pathlib import Path

import pytest

import netxr

RECORDINGS = Path(__file__).parents[2] / "shared" / "data"
EXAMPLES = Path(__file__).parents[1] / "examples"


def run(*arguments, example="recordings.py"):
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own example


@pytest.fixture(scope="module")
def printed():
    if not (RECORDINGS / "izhikevich").is_dir() or not (RECORDINGS / "netsim_sim3").is_dir():
        pytest.skip(f"no recordings in {RECORDINGS}")
    done = run(RECORDINGS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(text, name):
    """The numbers of each row of a name, in one list."""
    lines = [line for line in text.splitlines() if name in line]
    return [float(word) for line in lines for word in re.findall(r"-?\d\.\d{3}", line)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimate", "scores"),
    [
        ("correlation", [0.525, 0.069, 0.615, -0.191, 0.522, -0.140, 0.671, -0.296]),
        ("regression", [0.628, 0.035, 0.640, -0.135, 0.578, -0.209, 0.730, -0.374]),
        ("its t", [0.684, 0.087, 0.804, 0.080, 0.728, -0.097, 0.780, -0.185]),
        ("sum of 5 lags", [0.769, -0.056, 0.798, 0.420, 0.740, 0.179, 0.773, -0.012]),
    ],
)
def test_voltages_show_the_direction_of_an_edge(printed, estimate, scores):
    assert numbers(printed.partition("NetSim")[0], f"{estimate} ") == scores


@pytest.mark.slow
def test_bold_signals_do_not(printed):
    bold = printed.partition("NetSim")[2]
    assert numbers(bold, "correlation, lag 0")[:2] == [0.472, 0.472]
    assert numbers(bold, "partial correlation, lag 0")[:2] == [0.502, 0.502]
    assert numbers(bold, "OAS")[:2] == [0.510, 0.510]
    assert numbers(bold, "correlation, lag 1") == [0.290, 0.323, 0.174]
    assert numbers(bold, "regression, lag 1")[:2] == [0.082, 0.108]
    assert "mean of 10 subjects" in bold
    assert "carries no direction" in bold


def test_a_folder_without_recordings_is_named(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert run().returncode == 1


@pytest.mark.slow
def test_the_same_lines_run_on_a_cluster(tmp_path):
    pytest.importorskip("distributed")
    run_ = netxr.simulate(netxr.random_connectivity(20, seed=1), n_steps=20_000, seed=1, dtype="float32")
    netxr.save(run_, tmp_path / "run.zarr")
    done = run(tmp_path / "run.zarr", example="cluster.py")
    assert done.returncode == 0, done.stderr
    assert "in each of 2 processes" in done.stdout
    assert float(done.stdout.split("cluster: ")[1]) < 1e-6
