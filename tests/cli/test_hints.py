"""What a line of error says to do on the command line: options that the command has."""

import re
import subprocess
import sys

import click
import numpy as np
import pytest

import netxr
from netxr.cli import COMMANDS, HINTS, IMPORTED, _hint, main
from netxr.errors import InvalidInput
from tests.cli.shell import document, output, run

NOISE = netxr.as_activity(np.random.default_rng(0).normal(size=(3, 200)), dims=("neuron", "time"))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rec.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(60, 3)), delimiter=",")
    return path


def options_of(command):
    return {flag for option in main.get_command(click.Context(main), command).params for flag in option.opts}


@pytest.mark.parametrize("command", ["info", "report", "plot", "estimate", "recoverability"])
def test_axes_are_named_by_an_option_of_the_command_or_an_import(table, tmp_path, command):
    result = run(command, table, *([tmp_path / "x.png"] if command == "plot" else []))
    assert result.exit_code == 2
    (hint,) = result.stderr.split("On the command line")[1:]
    first = "netxr import SRC DST.zarr --dims time,neuron" in hint
    assert "--dims" in hint
    assert first != ("--dims" in options_of(command))


def test_an_import_has_the_options_that_are_said_of_it():
    assert set(IMPORTED) <= set(HINTS)
    assert {text.split()[0] for text in IMPORTED.values()} <= options_of("import")


def test_a_filter_without_an_interval_says_which_option_it_needs(table):
    result = run("estimate", table, "--dims", "time,neuron", "--high-pass", 0.1)
    assert result.exit_code == 2
    assert "--sampling-interval: got none" in result.stderr
    assert "On the command line: --sampling-interval SECONDS" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["simulate", "--steps", 0], "--steps: got 0"),
        (["simulate", "--neurons", 0], "--neurons: got 0"),
        (["simulate", "--neurons", 5, "--noise-scale", -1], "--noise-scale: got -1.0"),
        (
            ["sweep", "--steps", 2],
            "--lag: got 1 in 2 samples; expected lags that leave at least two pairs in every --st",
        ),
        (["sweep", "--neurons", 5, "--groups", 3], "expected numbers that divide every --neurons"),
        (["estimate", "--lag", 600], "--lag: got [600]"),
        (["estimate", "--high-pass", 3], "--high-pass: got 3.0"),
        (["estimate", "--trials", 900], "--trials: got trials of 900 samples"),
        (["estimate", "--above", 3], "--above: got 3.0"),
        (["estimate", "--method", "none"], "--method: got 'none'"),
        (["recoverability", "--lag", 600], "--lag: got [600]"),
    ],
)
def test_errors_name_options_as_they_were_typed(arguments, said, tmp_path):
    command, *options = arguments
    path = tmp_path / "run.zarr"
    if command in ("estimate", "recoverability"):
        netxr.save(NOISE.assign_attrs(sampling_interval=1.0).to_dataset(name="activity"), path)
    result = run(command, path, *options, "--quiet")
    assert result.exit_code == 2
    assert said in result.stderr.splitlines()[-1]


@pytest.fixture
def matrices(tmp_path):
    named = {"A": "abcd", "B": "pqrs"}
    for name, labels in named.items():
        rows = "".join(f"{label},{','.join('0123')}\n" for label in labels)
        (tmp_path / f"{name}.csv").write_text(f",{','.join(labels)}\n{rows}")
    np.save(tmp_path / "R.npy", np.eye(4))
    np.savez(tmp_path / "two.npz", a=np.eye(4), b=np.eye(4))
    (tmp_path / "few.txt").write_text("a\nb\n")
    np.savetxt(tmp_path / "x.csv", NOISE.T, delimiter=",")
    np.savetxt(tmp_path / "huge.csv", NOISE.T * 1e200, delimiter=",")
    return tmp_path


BOTH = ["--rows", "target", "--estimate-rows", "target"]
OF_TABLE = ["--dims", "time,neuron", "--no-diagonal", "--rows", "target", "--truth"]
NAMES = "--neurons FILE names those of TRUTH, --estimate-neurons FILE those of ESTIMATE."


@pytest.mark.parametrize(
    ("command", "arguments", "argument", "hint"),
    [
        (
            "compare",
            ["R.npy", "R.npy"],
            "--estimate-rows: got none",
            "--estimate-rows target or --estimate-rows source.",
        ),
        ("compare", ["R.npy", "R.npy", *BOTH[2:]], "--rows: got none", "--rows target or --rows source."),
        ("compare", ["two.npz", "R.npy", *BOTH], "--truth-name: got None", ""),
        ("compare", ["R.npy", "two.npz", *BOTH], "--estimate-name: got None", ""),
        ("compare", ["A.csv", "R.npy", *BOTH], "estimate: got labels", NAMES),
        ("compare", ["A.csv", "B.csv", *BOTH], "estimate: got labels", NAMES),
        ("compare", ["R.npy", "R.npy", *BOTH, "--neurons", "few.txt"], "--neurons: got labels of shape (2,)", ""),
        (
            "compare",
            ["R.npy", "R.npy", *BOTH, "--estimate-neurons", "few.txt"],
            "--estimate-neurons: got labels of shape (2,)",
            "",
        ),
        ("estimate", ["x.csv", *OF_TABLE, "two.npz"], "--truth-name: got None", ""),
        ("estimate", ["x.csv", *OF_TABLE, "R.npy"], "--truth: got no labels", "--neurons FILE."),
        ("estimate", ["huge.csv", "--dims", "time,neuron"], "so large that they overflow", ""),
        ("simulate", ["s.zarr", "--connectivity", "two.npz", "--rows", "target"], "--connectivity-name: got None", ""),
    ],
)
def test_hints_name_the_option_that_helps(matrices, monkeypatch, command, arguments, argument, hint):
    monkeypatch.chdir(matrices)
    result = run(command, *arguments, *["--no-diagonal"] * (command == "compare"))
    assert result.exit_code == 2
    line = result.stderr.splitlines()[-1]
    assert argument in line
    assert line.partition("On the command line: ")[2] == hint


@pytest.mark.parametrize("command", COMMANDS)
def test_hints_name_options_that_a_command_has(command):
    for argument in HINTS:
        hint = _hint(argument, command)
        there = options_of("import" if "netxr import" in hint else command) | options_of(command)
        assert {*re.findall(r"--[a-z-]+", hint)} <= there


def test_a_list_of_edges_is_no_recording_and_is_compared_as_it_was_written(tmp_path):
    run_of = netxr.simulate(netxr.random_connectivity(6, sparsity=0.6, seed=1), n_steps=2000, seed=1)
    netxr.save(run_of, tmp_path / "run.zarr")
    edges = tmp_path / "edges.csv"
    output("estimate", tmp_path / "run.zarr", "--test", "--no-diagonal", "--edges", edges)
    for command in ("info", "report", "estimate"):
        told = run(command, edges)
        assert told.exit_code == 2
        assert "a list of edges with the columns" in told.stderr
    found = netxr.edges(netxr.correlation_test(run_of))
    read = netxr.load_connectivity(edges, neurons=range(6))
    for k in range(found.sizes["edge"]):
        at = {"target": found.target.values[k], "source": found.source.values[k]}
        assert read.sel(at).item() == pytest.approx(found.effect.values[k], rel=1e-12)
    assert (read.values != 0).sum() == found.sizes["edge"] > 2


def test_a_list_without_any_edge_is_one(tmp_path):
    empty = tmp_path / "none.csv"
    netxr.edges(netxr.correlation_test(NOISE), q=1e-9).to_dataframe().to_csv(empty)
    assert len(empty.read_text().splitlines()) == 1
    assert netxr.load_connectivity(empty, neurons="abc").values.tolist() == [[0] * 3] * 3
    with pytest.raises(InvalidInput, match="neurons: got none"):
        netxr.load_connectivity(empty)


def test_the_package_runs_as_the_program():
    command = [sys.executable, "-m", "netxr", "info", "nothing.zarr"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert done.returncode == 4
    assert "no such file or folder" in done.stderr


@pytest.mark.parametrize("name", ["append", "high-pass"])
def test_a_function_that_is_no_command_is_said_to_be_one(name):
    told = run(name, "run.zarr")
    assert told.exit_code == 2
    assert f"There is no command '{name}'. netxr.{name.replace('-', '_')} is a function, for Python." in told.stderr
    assert "Did you mean simulate" in run("simulat").stderr


def test_stretches_between_gaps_are_counted(tmp_path):
    times = np.append(np.arange(200), np.arange(300) + 1000) * 0.5
    x = NOISE.isel(time=[*range(100)] * 5).drop_attrs().assign_coords(time=times)
    netxr.save(x.to_dataset(name="activity"), tmp_path / "run.zarr")
    assert document("estimate", tmp_path / "run.zarr", "--gaps", "segments")["segments"] == 2
    assert "segments" not in document("estimate", store_of(NOISE, tmp_path / "even.zarr"))


def store_of(activity, path):
    netxr.save(activity.to_dataset(name="activity"), path)
    return path
