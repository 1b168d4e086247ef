import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from inspect import cleandoc
from pathlib import Path

import click
import holoviews as hv
import numpy as np
import pytest
import xarray as xr
import zarr
from click.testing import CliRunner

import netxr
from netxr.cli import COMMANDS, main
from netxr.cli.output import listing, progress, table
from netxr.simulation import simulate as simulation

CLI = Path(netxr.cli.__file__).parent


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def output(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def document(*arguments):
    return json.loads(output(*arguments, "--json"))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A simulated run of 8 neurons, 400 samples, 2 trials."""
    path = tmp_path_factory.mktemp("runs") / "run.zarr"
    output("simulate", path, "--neurons", 8, "--sparsity", 0.7, "--steps", 400, "--trials", 2, "--seed", 3)
    return path


@pytest.fixture(scope="module")
def estimate(store):
    path = store.with_name("estimate.zarr")
    output("estimate", store, "--no-diagonal", "--lag", 0, "--lag", 1, "--permutations", 9, "--out", path)
    return path


@pytest.fixture
def called(monkeypatch):
    """Replace a function of netxr by a recorder of its arguments, which then gives what the real one gives."""

    def record(name):
        calls = []
        real = getattr(netxr, name)

        def stand_in(*args, **kwargs):
            calls.append((args, kwargs))
            return real(*args, **kwargs)

        monkeypatch.setattr(netxr, name, stand_in)
        return calls

    return record


# --- the group ----------------------------------------------------------------


def test_help_lists_every_command_and_the_exit_codes():
    text = output("--help")
    assert all(f"  {name} " in text for name in COMMANDS)
    assert "3    the output exists" in text
    assert "130" in text


def test_help_loads_only_click_and_the_standard_library():
    code = "import sys; from netxr.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert not loaded & {"numpy", "xarray", "dask", "zarr", "scipy", "holoviews", "bokeh", "matplotlib"}


def test_help_is_quick():
    def seconds(*command):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, check=True)  # noqa: S603 - our own program
            times.append(time.perf_counter() - start)
        return min(times)

    assert seconds("-c", "from netxr.cli import main; main(['--help'])") < 3 * seconds("-c", "import numpy")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(name):
    text = output(name, "--help")
    assert COMMANDS[name].rstrip(".")[:20] in text
    assert "Example" in text
    assert f"netxr {name}" in text.split("Example")[1]


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_examples_of_the_help_stand_on_lines_of_their_own(name):
    text = output(*([] if name is None else [name]), "--help")
    command = main if name is None else main.get_command(click.Context(main), name)
    examples = [line.strip() for line in cleandoc(command.help).splitlines() if line.startswith("  netxr ")]
    assert examples
    assert set(examples) <= {line.strip() for line in text.splitlines()}
    assert "\\b" not in text
    assert "\b" not in text


def test_help_of_the_group_is_the_help_of_the_commands():
    for name, text in COMMANDS.items():
        command = main.get_command(click.Context(main), name)
        assert (command.help or "").startswith(text.rstrip("., ")), name


def test_every_option_of_every_command_is_explained():
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        bare = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
        assert not bare, (name, bare)


def test_no_module_of_the_command_line_is_longer_than_a_subject_takes():
    for path in CLI.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 250, path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and not node.decorator_list:
                assert node.end_lineno - node.lineno < 50, (path.name, node.name)


def test_version():
    assert output("--version").strip() == f"netxr, version {netxr.__version__}"


@pytest.mark.parametrize("arguments", [["nothing"], ["simulate"], ["simulate", "x.zarr", "--steps", "many"]])
def test_wrong_usage_exits_with_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (netxr.InvalidInput("lag", got="-1", expected="0 or above"), 2),
        (netxr.NonFiniteActivity("activity", got="NaN", expected="finite samples"), 2),
        (netxr.OutputExists("a.zarr"), 3),
        (netxr.UnreadableFile("a.zarr", "damaged\nin two lines"), 4),
        (netxr.NetxrError("something else"), 1),
        (OSError(28, "No space left on device"), 1),
        (MemoryError("Unable to allocate"), 1),
        (ModuleNotFoundError("No module named 'holoviews'", name="holoviews"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_are_one_line_and_an_exit_code(monkeypatch, tmp_path, error, code):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(netxr, "open", fail)
    result = run("info", tmp_path)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("netxr: error: ")
    assert result.stderr.count("\n") == 1


def test_an_interrupted_sweep_says_that_it_can_be_resumed(monkeypatch, tmp_path):
    def interrupt(**_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(netxr, "sweep", interrupt)
    result = run("sweep", tmp_path / "s.zarr")
    assert result.exit_code == 130
    assert result.stderr == "netxr: error: interrupted; the same command again computes what is missing\n"


def test_a_missing_extra_says_how_to_install_it(monkeypatch, tmp_path):
    def fail(*_args, **_kwargs):
        raise ModuleNotFoundError("No module named 'bokeh'", name="bokeh.embed")

    monkeypatch.setattr(netxr, "open", fail)
    assert "pip install 'netxr[plot]'" in run("info", tmp_path).stderr


def test_a_bug_is_not_hidden(monkeypatch, tmp_path):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(netxr, "open", fail)
    assert isinstance(run("info", tmp_path).exception, ZeroDivisionError)


# --- output ---------------------------------------------------------------------


def test_table_sets_text_to_the_left_and_numbers_to_the_right():
    assert table([{"name": "a", "n": 5, "x": 0.5}, {"name": "long", "n": 10, "x": float("nan")}]).splitlines() == [
        "name   n          x",
        "a      5      0.500",
        "long  10  undefined",
    ]


def test_listing_has_a_line_each():
    assert listing({"a": 1, "long": 2.0}) == "a     1\nlong  2.000"


def test_a_p_value_keeps_its_digits_however_small():
    rows = [{"pearson": 0.00012, "mantel_p": p} for p in (0.00012, float("nan"))]
    assert [line.split() for line in table(rows).splitlines()[1:]] == [["0.000", "0.00012"], ["0.000", "undefined"]]


def test_progress_is_for_terminals_only(monkeypatch):
    with progress("Working", quiet=False) as report:
        assert report is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress("Working", quiet=True) as report:
        assert report is None
    with progress("Working", quiet=False) as report:
        report(1, 4)
        report(4, 4)


# --- simulate --------------------------------------------------------------------


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
        (["--neurons", 5], 5, {"sparsity": 0.9}),
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
        (["--sparsity", 2], 2, "a probability"),
        (["--seed", -1], 2, "x>=0"),
        (["--steps", 0], 2, "n_steps"),
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
    assert stderr == "netxr: error: interrupted; the same command again resumes what is there\n"
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


# --- estimate --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], {"method": "lagged_correlation", "lags": (1,), "dim": "time", "sources": None, "missing": "raise"}),
        (["--lag", 0], {"lags": (0,)}),
        (["--lag", 2, "--lag", 0], {"lags": (2, 0)}),
        (["--method", "correlation"], {"method": "correlation"}),
        (["--pool-trials"], {"dim": ("time", "trial")}),
        (["--source", 3], {"sources": [3]}),
        ([], {"memory": None}),
        (["--missing", "drop"], {"missing": "drop"}),
        (["--missing", "pairwise"], {"missing": "pairwise"}),
        (["--memory", "1GiB"], {"memory": "1GiB"}),
    ],
)
def test_estimate_passes_each_flag_on(called, store, flags, expected):
    calls = called("estimate")
    output("estimate", store, *flags)
    ((_, passed),) = calls
    assert passed.items() >= expected.items()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--dims", "time,neuron"], {"dims": ("time", "neuron"), "name": None}),
        (["--dims", "time,neuron", "--name", "X"], {"name": "X"}),
        (["--dims", "time, neuron", "--sampling-interval", 0.5], {"sampling_interval": 0.5}),
    ],
)
def test_estimate_loads_as_it_is_told(called, tmp_path, flags, expected):
    np.savez(tmp_path / "run.npz", X=np.random.default_rng(0).normal(size=(50, 3)))
    calls = called("load_activity")
    output("estimate", tmp_path / "run.npz", *flags)
    ((_, passed),) = calls
    assert passed.items() >= expected.items()


def test_estimate_clips_before_it_correlates(called, store):
    calls = called("estimate")
    output("estimate", store, "--clip", "0.2", "0.6")
    ((activity,), _), *_ = calls
    assert activity.min() == 0.2
    assert activity.max() == 0.6
    assert activity.attrs["sampling_interval"] == 1


def test_estimate_saves_what_the_library_gives(store, estimate):
    saved = netxr.open(estimate).compute()
    R = netxr.lagged_correlation(netxr.open(store).activity, lags=[0, 1]).compute()
    np.testing.assert_array_equal(saved.lagged_correlation, R)
    A = netxr.open(store).connectivity
    xr.testing.assert_equal(saved.pearson, netxr.compare(A, R, diagonal=False, permutations=9).pearson)
    xr.testing.assert_equal(saved.connectivity, A.compute())
    assert saved.attrs["seed"] == 3
    assert saved.pearson.attrs["diagonal"] is False


def test_estimate_groups_recording_and_truth(store):
    got = document("estimate", store, "--groups", 4, "--diagonal", "--pool-trials", "--permutations", 0)
    coarse = netxr.coarsen(netxr.open(store).compute(), groups=4)
    R = netxr.lagged_correlation(coarse.activity, lags=[1], dim=("time", "trial"))
    expected = netxr.compare(coarse.connectivity, R, diagonal=True, permutations=0).pearson.item()
    assert got["neurons"] == 4
    assert got["scores"][0]["pearson"] == pytest.approx(expected, abs=1e-12)


def test_estimate_scores_both_ways(store):
    got = document("estimate", store, "--no-diagonal", "--permutations", 0, "--lag", 0, "--lag", 1)
    data = netxr.open(store).compute()
    off = ~np.eye(8, dtype=bool)
    R = netxr.lagged_correlation(data.activity, lag=1).values
    rows = {(row["lag"], row["trial"]): row for row in got["scores"]}
    for trial in (0, 1):
        for key, A in (("pearson", data.connectivity.values), ("pearson_transposed", data.connectivity.values.T)):
            expected = np.corrcoef(A[off], R[trial][off])[0, 1]
            assert rows[1, trial][key] == pytest.approx(expected, abs=1e-12)
        assert rows[0, trial]["pearson"] == pytest.approx(rows[0, trial]["pearson_transposed"], abs=1e-12)
    assert got["diagonal"] is False
    assert got["overlap"]["n_neurons_shared"] == 8


def test_estimate_names_the_strongest_pair(tmp_path):
    noise = np.random.default_rng(1).normal(size=(3, 500))
    noise[2, 1:] += 3 * noise[0, :-1]
    np.savetxt(tmp_path / "run.csv", noise.T, delimiter=",", header="a,b,c", comments="")
    got = document("estimate", tmp_path / "run.csv", "--dims", "time,neuron")
    first = got["strongest"][0]
    assert (first["from"], first["to"]) == ("a", "c")
    assert first["R"] > 0.9
    assert all(row["from"] != row["to"] for row in got["strongest"])


def test_estimate_takes_a_plain_truth_in_the_order_of_a_labelled_recording(tmp_path):
    noise = np.random.default_rng(1).normal(size=(3, 500))
    noise[2, 1:] += 3 * noise[0, :-1]
    np.savetxt(tmp_path / "run.csv", noise.T, delimiter=",", header="a,b,c", comments="")
    np.save(tmp_path / "A.npy", np.array([[0, 0, 1.0], [0, 0, 0], [0, 0, 0]]))
    flags = ["--dims", "time,neuron", "--truth", tmp_path / "A.npy", "--no-diagonal", "--permutations", 0]
    right = document("estimate", tmp_path / "run.csv", *flags, "--rows", "source")["scores"][0]
    wrong = document("estimate", tmp_path / "run.csv", *flags, "--rows", "target")["scores"][0]
    assert right["pearson"] == wrong["pearson_transposed"]
    assert right["pearson"] > 0.9 > 0.1 > wrong["pearson"]


def test_estimate_of_some_sources_scores_those(store):
    got = document("estimate", store, "--source", 2, "--source", 5, "--no-diagonal", "--pool-trials")
    assert got["scores"][0]["n_pairs"] == 14
    assert got["scores"][0]["mantel"] is None


def test_estimate_counts_what_is_undefined(tmp_path):
    samples = np.random.default_rng(0).normal(size=(3, 50))
    samples[1] = 4.0
    np.save(tmp_path / "run.npy", samples)
    assert document("estimate", tmp_path / "run.npy", "--dims", "neuron,time")["undefined"] == 5


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        ([], 2, "of shape (3, 50)"),
        ([], 2, "--dims neuron,time"),
        (["--dims", "neuron,trial"], 2, "dims"),
        (["--dims", "neuron,time", "--truth", "A.csv", "--rows", "target"], 2, "--diagonal or --no-diagonal"),
        (["--dims", "neuron,time", "--truth", "A.csv", "--diagonal"], 2, "--rows target"),
        (["--dims", "neuron,time", "--rows", "target"], 2, "--truth"),
        (["--dims", "neuron,time", "--diagonal"], 2, "holds none"),
        (["--dims", "neuron,time", "--lag", 49], 2, "from 0 to 48"),
        (["--dims", "neuron,time", "--source", "z"], 2, "'z'"),
        (["--dims", "neuron,time", "--groups", 2], 2, "divides"),
        (["--dims", "neuron,time", "--truth", "gone.csv", "--rows", "target", "--diagonal"], 4, "no such file"),
        (["--dims", "neuron,time", "--out", "A.csv"], 3, "exists"),
        (["--dims", "neuron,time", "--clip", "5", "5"], 2, "5 is not below 5"),
        (["--dims", "neuron,time", "--clip", "nan", "5"], 2, "LOW must be below HIGH"),
        (["--dims", "neuron,time", "--out", "no/such/folder.zarr"], 2, "folder"),
    ],
)
def test_estimate_refuses(tmp_path, monkeypatch, flags, code, says):
    monkeypatch.chdir(tmp_path)
    np.save("run.npy", np.random.default_rng(0).normal(size=(3, 50)))
    np.savetxt("A.csv", np.eye(3), delimiter=",")
    result = run("estimate", "run.npy", *flags)
    assert result.exit_code == code
    assert says in result.stderr
    assert names(tmp_path) == ["A.csv", "run.npy"]


def test_estimate_refuses_a_negative_number_of_permutations_before_it_reads(called, store):
    calls = called("load_activity")
    assert run("estimate", store, "--diagonal", "--permutations", -1).exit_code == 2
    assert calls == []


@pytest.mark.parametrize("size", [3, 5])
def test_estimate_says_that_the_truth_is_of_another_size(tmp_path, size):
    np.save(tmp_path / "A.npy", np.eye(size))
    np.save(tmp_path / "run.npy", np.random.default_rng(0).normal(size=(4, 50)))
    flags = ["--dims", "neuron,time", "--truth", tmp_path / "A.npy", "--rows", "target", "--diagonal"]
    result = run("estimate", tmp_path / "run.npy", *flags)
    assert result.exit_code == 2
    assert f"the truth is {size} x {size} and the recording has 4 neurons" in " ".join(result.stderr.split())


def test_estimate_says_what_to_do_about_missing_samples(tmp_path):
    samples = np.random.default_rng(0).normal(size=(3, 50))
    samples[1, 7:49:2] = np.nan
    np.save(tmp_path / "run.npy", samples)
    result = run("estimate", tmp_path / "run.npy", "--dims", "neuron,time")
    assert result.exit_code == 2
    assert "--missing drop" in result.stderr
    assert "--missing pairwise" in result.stderr
    flags = [tmp_path / "run.npy", "--dims", "neuron,time", "--lag", 0, "--missing"]
    pair = {"from": 0, "to": 2, "lag": 0}
    found = {how: document("estimate", *flags, how) for how in ("drop", "pairwise")}
    whole = np.isfinite(samples[1])
    expected = {"drop": np.corrcoef(samples[[0, 2]][:, whole])[0, 1], "pairwise": np.corrcoef(samples[[0, 2]])[0, 1]}
    for how, got in found.items():
        assert got["undefined"] == 0
        (row,) = (row for row in got["strongest"] if row.items() >= pair.items())
        assert row["R"] == pytest.approx(expected[how], abs=1e-12)


def test_estimate_offers_scores_where_the_truth_is_there(store):
    assert "add --diagonal or --no-diagonal" in output("estimate", store)
    assert "add --diagonal" not in output("estimate", store, "--quiet")


def test_estimate_quiet_prints_only_tables(store):
    lines = output("estimate", store, "--no-diagonal", "--permutations", 0, "--quiet").splitlines()
    assert lines[0].split() == ["from", "to", "lag", "trial", "R"]
    assert lines[11].split()[:4] == ["lag", "trial", "pearson", "pearson_transposed"]
    assert len(lines) == 14


def test_estimate_says_whether_the_diagonal_is_in(store):
    assert "diagonal left out" in output("estimate", store, "--no-diagonal", "--permutations", 0)
    assert "diagonal included" in output("estimate", store, "--diagonal", "--permutations", 0)


# --- estimate: within a budget ----------------------------------------------------


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A recording of 1,500 neurons, whose matrix is larger than itself."""
    path = tmp_path_factory.mktemp("wide") / "wide.zarr"
    samples = np.random.default_rng(0).normal(size=(1500, 60))
    netxr.save(netxr.as_activity(samples, dims=("neuron", "time")).to_dataset(name="activity"), path)
    return path


def least(*flags):
    """The budget that an error asks for."""
    result = run("estimate", *flags, "--memory", "1MiB")
    assert result.exit_code == 2
    assert result.stderr.startswith("netxr: error: memory: got 1 MiB; expected at least ")
    return re.search(r"at least (\d+ \w+)", result.stderr)[1].replace(" ", "")


def test_estimate_says_what_it_will_take_before_it_reads(store, tmp_path):
    told = run("estimate", store, "--memory", "1GiB").stderr
    assert told == f"Plan: {netxr.plan(netxr.open(store).activity, lags=[1], memory='1GiB')}\n"
    told = run("estimate", store, "--memory", "1GiB", "--strongest", 1).stderr
    assert told == f"Plan: {netxr.plan(netxr.open(store).activity, lags=[1], memory='1GiB', stored=True)}\n"
    assert run("estimate", store, "--quiet").stderr == run("estimate", store, "--json").stderr == ""
    np.savez(tmp_path / "run.npz", np.random.default_rng(0).normal(size=(3, 50)))
    assert run("estimate", tmp_path / "run.npz", "--dims", "neuron,time").stderr == ""


def test_a_budget_that_is_too_small_is_an_error_before_anything_is_read(called, store, tmp_path):
    calls = called("estimate")
    for flags in (["--strongest", 2], ["--out", tmp_path / "e.zarr"], []):
        result = run("estimate", store, "--memory", "2MiB", *flags)
        assert result.exit_code == 2
        assert re.search(r"memory: got 2 MiB; expected at least \d+ MiB for 8 x 8 pairs", result.stderr)
        assert "On the command line: --memory 2GiB" in result.stderr
    assert run("estimate", store, "--memory", "plenty").exit_code == 2
    assert calls == []
    assert names(tmp_path) == []


def test_a_matrix_beyond_the_budget_is_written_block_by_block(called, wide, tmp_path):
    calls = called("estimate")
    budget = least(wide, "--out", tmp_path / "e.zarr")
    assert run("estimate", wide, "--memory", budget).exit_code == 2  # it is not to be saved, so it would be held
    assert calls == []
    text = output("estimate", wide, "--memory", budget, "--out", tmp_path / "e.zarr")
    ((_, passed),) = calls
    assert passed["store"] == tmp_path / "e.zarr"
    assert passed["memory"] == budget
    assert "written block by block, and not looked at" in text
    assert "Strongest" not in text
    X = netxr.open(wide).activity.values
    R = netxr.open(tmp_path / "e.zarr").lagged_correlation
    assert R.dims == ("lag", "target", "source")
    expected = np.corrcoef(X[:, 1:], X[:, :-1])[:1500, 1500:]
    np.testing.assert_allclose(R.isel(lag=0), expected, rtol=0, atol=1e-12)
    assert "estimates: lagged_correlation" in output("info", tmp_path / "e.zarr")


def test_what_is_written_block_by_block_is_not_read_again(wide, tmp_path):
    budget = least(wide, "--out", tmp_path / "e.zarr")
    got = document("estimate", wide, "--memory", budget, "--out", tmp_path / "e.zarr")
    about = {"method": "lagged_correlation", "neurons": 1500, "samples": 60, "trials": 1, "lags": [1]}
    assert got == about | {"out": str(tmp_path / "e.zarr")}


def test_a_matrix_that_is_to_be_scored_has_to_fit_into_the_budget(wide, tmp_path):
    budget = least(wide, "--out", tmp_path / "e.zarr")
    np.save(tmp_path / "A.npy", np.zeros((1500, 1500)))
    flags = ["--truth", tmp_path / "A.npy", "--rows", "target", "--diagonal", "--out", tmp_path / "e.zarr"]
    result = run("estimate", wide, "--memory", budget, *flags)
    assert result.exit_code == 2
    assert "memory: got" in result.stderr
    assert names(tmp_path) == ["A.npy"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--strongest", 2], {"k": 2, "threshold": None, "lags": (1,), "dim": "time", "missing": "raise"}),
        (["--above", 0.5], {"k": None, "threshold": 0.5, "sources": None, "memory": None}),
        (["--strongest", 1, "--above", 0.1], {"k": 1, "threshold": 0.1}),
        (["--above", 0, "--lag", 0, "--lag", 2], {"threshold": 0.0, "lags": (0, 2)}),
        (["--above", 0.5, "--pool-trials", "--source", 3], {"dim": ("time", "trial"), "sources": [3]}),
        (["--above", 0.5, "--missing", "drop", "--memory", "1GiB"], {"missing": "drop", "memory": "1GiB"}),
    ],
)
def test_estimate_passes_flags_of_pairs_on(called, store, flags, expected):
    calls = called("strongest_pairs")
    output("estimate", store, *flags)
    ((_, passed),) = calls
    assert passed.items() >= expected.items()


def test_estimate_lists_the_strongest_pairs(store, tmp_path):
    got = document("estimate", store, "--strongest", 2, "--lag", 0, "--lag", 1)
    X = netxr.open(store).activity.values
    expected = set()
    for trial in (0, 1):
        for lag in (0, 1):
            for to in range(8):
                r = [np.corrcoef(X[to, lag:, trial], X[j, : 400 - lag, trial])[0, 1] for j in range(8)]
                best = sorted((j for j in range(8) if j != to), key=lambda j: -abs(r[j]))[:2]
                expected |= {(j, to, lag, trial, round(r[j], 9)) for j in best}
    rows = got["strongest"]
    assert list(rows[0]) == ["from", "to", "lag", "trial", "R"]
    assert {(*list(row.values())[:4], round(row["R"], 9)) for row in rows} == expected
    assert got["pairs"] == len(rows) == 64
    magnitudes = [abs(row["R"]) for row in rows]
    assert magnitudes == sorted(magnitudes, reverse=True)


def test_estimate_saves_the_list_of_pairs_and_prints_its_head(store, tmp_path):
    text = output("estimate", store, "--strongest", 2, "--out", tmp_path / "p.zarr")
    saved = netxr.open(tmp_path / "p.zarr").compute()
    xr.testing.assert_equal(saved, netxr.strongest_pairs(netxr.open(store).activity, k=2))
    assert "pairs listed: 32" in text
    lines = text.splitlines()
    head = lines.index("Strongest pairs of different neurons:") + 1
    assert lines[head].split() == ["from", "to", "lag", "trial", "R"]
    assert lines[head + 11] == f"Saved to {tmp_path / 'p.zarr'}"
    assert "add --diagonal" not in text
    described = output("info", tmp_path / "p.zarr")
    assert "edge 32" in described
    assert "estimates: lagged_correlation" in described


def test_pairs_have_the_labels_of_their_neurons(tmp_path):
    noise = np.random.default_rng(1).normal(size=(3, 500))
    noise[2, 1:] += 3 * noise[0, :-1]
    np.savetxt(tmp_path / "run.csv", noise.T, delimiter=",", header="a,b,c", comments="")
    lines = output("estimate", tmp_path / "run.csv", "--dims", "time,neuron", "--above", 0.5, "--quiet").splitlines()
    assert [line.split()[:3] for line in lines] == [["from", "to", "lag"], ["a", "c", "1"]]


def test_no_pair_may_be_that_strong(store, tmp_path):
    text = output("estimate", store, "--above", 0.99, "--out", tmp_path / "p.zarr")
    assert "pairs listed: 0" in text
    assert "Strongest" not in text
    assert netxr.open(tmp_path / "p.zarr").sizes["edge"] == 0


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--strongest", 0], "x>=1"),
        (["--above", 1.5], "0<=x<=1"),
        (["--above", "nan"], "threshold"),
        (["--strongest", 2, "--diagonal"], "no matrix to score"),
        (["--above", 0.5, "--truth", "A.npy", "--rows", "target", "--no-diagonal"], "no matrix to score"),
        (["--missing", "ignore"], "pairwise"),
    ],
)
def test_estimate_refuses_before_it_computes(called, store, flags, says):
    calls = called("strongest_pairs")
    result = run("estimate", store, *flags)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
    assert all(passed["threshold"] != passed["threshold"] for _, passed in calls)


@pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of Unix")
@pytest.mark.parametrize("in_blocks", [False, True])
def test_ctrl_c_in_an_estimate_ends_the_line_and_leaves_nothing(tmp_path, in_blocks):
    import pty

    n, n_steps = (1000, 100_000) if in_blocks else (200, 10**8)
    shape, chunks = (n, n_steps), (n, 2000 if in_blocks else 50_000)
    group = zarr.create_group(tmp_path / "long.zarr")  # all of it is fill value: it takes no room on disk
    group.create_array(
        "activity", shape=shape, chunks=chunks, dtype="f4", fill_value=0.5, dimension_names=("neuron", "time")
    )
    flags = [tmp_path / "long.zarr", *(f"--lag={lag}" for lag in range(30 if in_blocks else 1))]
    flags += ["--out", tmp_path / "out.zarr"]
    if in_blocks:
        flags += ["--memory", least(*flags)]
    terminal, slave = pty.openpty()
    command = [sys.executable, "-c", "from netxr.cli import main; main()", "estimate", *map(str, flags)]
    with subprocess.Popen(command, stderr=slave) as process:  # noqa: S603 - our own program
        os.close(slave)
        told = b""
        while b"0%" not in told:
            told += os.read(terminal, 1000)
        while in_blocks and names(tmp_path) == ["long.zarr"]:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # of Linux, when the other side is closed
            while more := os.read(terminal, 1000):
                told += more
        assert process.wait(timeout=60) == 130
    os.close(terminal)
    plan, bar, error = told.decode().splitlines()[0], *told.decode().splitlines()[-2:]
    assert plan.startswith("Plan: reads ")
    assert ("target rows" in plan) == in_blocks
    assert "Estimating" in bar
    assert error == "netxr: error: interrupted; no unfinished output is left"
    assert names(tmp_path) == ["long.zarr"]


# --- compare ---------------------------------------------------------------------


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
    assert "--estimate-rows: got 'source'; expected none, or 'target'" in result.stderr
    assert run("compare", store, estimate, "--diagonal", "--estimate-rows", "target").exit_code == 0
    assert run("compare", store, estimate, "--diagonal", "--seed", -1).exit_code == 2


# --- sweep -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], {"lag": (1,), "n_groups": (0,), "sparsity": (0.9,), "seed": 0, "rng": "modern", "activity_seed": None}),
        (["--neurons", "4, 8"], {"n_neurons": (4, 8)}),
        (["--sparsity", "0.5,0.8"], {"sparsity": (0.5, 0.8)}),
        (["--steps", "30,40"], {"n_steps": (30, 40)}),
        (["--groups", "0,2"], {"n_groups": (0, 2)}),
        (["--lag", "0,1"], {"lag": (0, 1)}),
        (["--method", "correlation"], {"method": "correlation"}),
        (["--trials", 2], {"trials": 2}),
        (["--seed", 5], {"seed": 5}),
        (["--rng", "legacy", "--activity-seed", 42], {"rng": "legacy", "activity_seed": 42}),
        (["--no-diagonal"], {"diagonal": False}),
        (["--workers", 2], {"workers": 2}),
    ],
)
def test_sweep_passes_each_flag_on(called, tmp_path, flags, expected):
    calls = called("sweep")
    output("sweep", tmp_path / "s.zarr", "--neurons", "4", "--steps", "30", "--trials", 2, *flags)
    ((_, passed),) = calls
    assert passed.items() >= expected.items()
    assert passed["store"] == tmp_path / "s.zarr"


def test_sweep_prints_the_tutorials_means_and_resumes(tmp_path):
    flags = ["--neurons", "5,10", "--steps", 1000, "--rng", "legacy", "--activity-seed", 42]
    rows = document("sweep", tmp_path / "s.zarr", *flags)["cells"]
    assert [(row["n_neurons"], row["defined"], row["trials"]) for row in rows] == [(5, 3, 5), (10, 5, 5)]
    assert rows[0]["mean"] == pytest.approx(0.859, abs=5e-4)
    begun = time.perf_counter()
    again = output("sweep", tmp_path / "s.zarr", *flags)
    assert time.perf_counter() - begun < 5
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


# --- info ------------------------------------------------------------------------


def test_info_describes_a_run(store, estimate):
    text = output("info", store)
    assert "neuron 8, time 400, trial 2" in text
    assert "true connectivity: known; estimates: none" in text
    about = document("info", estimate)
    assert about["estimates"] == ["lagged_correlation"]
    first = about["variables"][0]
    assert first["variable"] == "lagged_correlation"
    assert first["dims"] == {"lag": 2, "trial": 2, "target": 8, "source": 8}
    assert first["chunks"] == [1, 1, 8, 8]
    assert about["attributes"]["seed"] == 3


def test_info_keeps_the_digits_of_small_settings(tmp_path):
    netxr.save(xr.Dataset(attrs={"step": 2.5e-5, "missing": float("nan")}), tmp_path / "a.zarr")
    lines = [line.split() for line in output("info", tmp_path / "a.zarr").splitlines()]
    assert ["step", "2.5e-05"] in lines
    assert ["missing", "nan"] in lines


def test_info_reads_no_samples(store, monkeypatch):
    monkeypatch.setattr(xr.Dataset, "compute", lambda *_: pytest.fail("computed"))
    monkeypatch.setattr(xr.DataArray, "compute", lambda *_: pytest.fail("computed"))
    assert "activity" in output("info", store)


def test_info_lists_the_stores_in_a_store(tmp_path, store):
    netxr.save(xr.Dataset(), tmp_path / "root.zarr")
    netxr.save(netxr.open(store), tmp_path / "root.zarr" / "one")
    (group,) = document("info", tmp_path / "root.zarr")["groups"]
    assert group["group"] == "one"
    assert "neuron 8" in group["sizes"]
    assert "one" in output("info", tmp_path / "root.zarr")


def test_info_of_nothing_names_what_is_there(store):
    result = run("info", store.with_name("rum.zarr"))
    assert result.exit_code == 4
    assert "run.zarr" in result.stderr


# --- plot ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        (None, "compare"),
        ("compare", "compare"),
        ("overview", "overview"),
        ("matrix", "matrix"),
        ("network", "network"),
    ],
)
def test_plot_draws_each_kind(monkeypatch, estimate, tmp_path, kind, function):
    calls = drawn_as_a_line(monkeypatch, function) if kind else drawn(monkeypatch, function)
    flags = [] if kind is None else ["--kind", kind]
    text = output("plot", estimate, tmp_path / "figure.png", "--at", "lag=1", "--at", "trial=1", *flags)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert f"Drew {kind or 'compare'}" in text
    ((matrices, passed),) = calls
    saved = netxr.open(estimate).sel(lag=1, trial=1).compute()
    if len(matrices) == 2:
        np.testing.assert_array_equal(matrices[1], saved.lagged_correlation)
        assert passed["score"] == saved.pearson
    else:
        np.testing.assert_array_equal(matrices[0], saved.connectivity)


def drawn(monkeypatch, function, *, returned=lambda figure: figure):
    """Return the list of what a function of netxr.plot will be called with."""
    calls = []
    real = getattr(netxr.plot, function)
    monkeypatch.setattr(netxr.plot, function, lambda *a, **k: calls.append((a, k)) or returned(real(*a, **k)))
    return calls


def drawn_as_a_line(monkeypatch, function):
    """The same where its figure has been on paper in the tests of figures, and takes long: a line stands for it."""
    return drawn(monkeypatch, function, returned=lambda _: hv.Curve([1, 2]))


def test_plot_draws_the_variable_that_is_named(monkeypatch, estimate, tmp_path):
    calls = drawn(monkeypatch, "matrix")
    output("plot", estimate, tmp_path / "R.svg", "--kind", "matrix", "--variable", "lagged_correlation", "-q")
    np.testing.assert_array_equal(calls[0][0][0], netxr.open(estimate).lagged_correlation[0, 0])


def test_plot_draws_activity_and_curves(monkeypatch, store, tmp_path):
    calls = drawn(monkeypatch, "traces")
    output("plot", store, tmp_path / "traces.pdf", "--kind", "traces", "--steps", 50)
    ((activity,), passed) = calls[0]
    assert set(activity.dims) == {"neuron", "time"}
    assert passed == {"n_steps": 50}
    output("sweep", tmp_path / "s.zarr", "--neurons", "4,6", "--steps", "30,40", "--trials", 2, "-q")
    assert run("plot", tmp_path / "s.zarr", tmp_path / "c.png").exit_code == 2
    output("plot", tmp_path / "s.zarr", tmp_path / "c.png", "--at", "n_steps=40", "--score", "spearman")
    output("plot", tmp_path / "s.zarr", tmp_path / "d.png", "--at", "n_neurons=4", "--x", "n_steps")
    output("plot", tmp_path / "s.zarr", tmp_path / "m.png", "--kind", "map", "--x", "n_steps", "--y", "n_neurons")
    assert {"c.png", "d.png", "m.png", "traces.pdf"} <= set(names(tmp_path))
    one_parameter = run("plot", tmp_path / "s.zarr", tmp_path / "n.png", "--kind", "map", "--at", "n_steps=40")
    assert "expected two parameters that vary" in one_parameter.stderr


@pytest.mark.parametrize(
    ("kind", "flags"),
    [("agreement", ["--no-diagonal"]), ("lags", []), ("dashboard", [])],
)
def test_plot_draws_all_of_an_estimate(monkeypatch, estimate, tmp_path, kind, flags):
    calls = drawn_as_a_line(monkeypatch, kind)
    output("plot", estimate, tmp_path / "figure.png", "--kind", kind, *flags)
    ((given, passed),) = calls
    saved = netxr.open(estimate)
    if kind == "agreement":
        assert passed == {"diagonal": False}
        np.testing.assert_array_equal(given[1], saved.lagged_correlation[0, 0])
    elif kind == "lags":
        np.testing.assert_array_equal(given[0], saved.lagged_correlation.isel(trial=0))
    else:
        assert given[0].identical(saved)


def test_plot_draws_a_raster(store, tmp_path):
    output("plot", store, tmp_path / "raster.png", "--kind", "raster")
    assert (tmp_path / "raster.png").stat().st_size > 0


def test_plot_says_that_a_sweep_is_unfinished(tmp_path):
    def stop_after_two(done, _):
        if done == 2:
            raise KeyboardInterrupt

    grid = {"n_neurons": [4, 5, 6], "n_steps": 30, "trials": 2, "store": tmp_path / "s.zarr"}
    with pytest.raises(KeyboardInterrupt):
        netxr.sweep(**grid, progress=stop_after_two)
    for flags in ([], ["--at", "n_neurons=4", "--x", "n_neurons"]):
        result = run("plot", tmp_path / "s.zarr", tmp_path / "c.png", *flags)
        assert result.exit_code == 2
        assert "an unfinished sweep, 2 of 3 cells" in result.stderr
        assert "Run the same netxr sweep again" in result.stderr
    netxr.sweep(**grid)
    output("plot", tmp_path / "s.zarr", tmp_path / "c.png")


def test_a_hint_is_on_what_went_wrong(monkeypatch, tmp_path):
    def fail(*_args, **_kwargs):
        raise netxr.InvalidInput("activity", got="no samples", expected="some")

    monkeypatch.setattr(netxr, "open", fail)
    assert "--missing" not in run("plot", tmp_path, tmp_path / "a.png").stderr


def test_plot_makes_a_page(estimate, tmp_path):
    output("plot", estimate, tmp_path / "figure.html")
    assert "<html" in (tmp_path / "figure.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("figure", "flags", "code", "says"),
    [
        ("figure.gif", [], 2, ".png, .svg, .pdf, .html"),
        ("taken.png", [], 3, "exists"),
        ("a.png", ["--at", "lag=7"], 2, "0, 1"),
        ("a.png", ["--at", "hour=7"], 2, "lag"),
        ("a.png", ["--kind", "traces"], 2, "activity"),
        ("a.png", ["--kind", "curve"], 2, "pearson_mean"),
        ("a.png", ["--kind", "pie"], 2, "compare"),
        ("a.png", ["--score", "foo"], 2, "no foo"),
        ("a.png", ["--kind", "overview", "--score", "foo"], 2, "no foo"),
        ("a.png", ["--kind", "traces", "--steps", 0], 2, "x>=1"),
        ("a.png", ["--kind", "agreement"], 2, "--diagonal or --no-diagonal"),
    ],
)
def test_plot_refuses(estimate, tmp_path, figure, flags, code, says):
    (tmp_path / "taken.png").write_text("mine")
    result = run("plot", estimate, tmp_path / figure, *flags)
    assert result.exit_code == code
    assert says in result.stderr
    assert names(tmp_path) == ["taken.png"]
    assert (tmp_path / "taken.png").read_text() == "mine"
