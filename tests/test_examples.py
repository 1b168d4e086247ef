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
    line = next(line for line in text.splitlines() if line.startswith(name))
    return [float(word) for word in re.findall(r"-?\d\.\d{3}", line)]


@pytest.mark.parametrize(
    ("network", "scores"),
    [
        ("exc4_inh1/p2", [0.525, 0.069]),
        ("exc4_inh1/p4", [0.615, -0.191]),
        ("exc8_inh2/p2", [0.522, -0.140]),
        ("exc8_inh2/p4", [0.671, -0.296]),
    ],
)
def test_voltages_show_the_direction_of_an_edge(printed, network, scores):
    assert numbers(printed, network) == scores


def test_bold_signals_do_not(printed):
    bold = printed.partition("NetSim")[2]
    assert numbers(bold, "0 ")[:2] == [0.472, 0.472]
    assert numbers(bold, "1 ") == [0.290, 0.323, 0.174]
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
