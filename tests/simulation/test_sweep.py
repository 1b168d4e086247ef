import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput, OutputExists, UnreadableFile
from netxr.simulation import sweep as sweeps
from netxr.simulation import sweep_cell, sweep_store
from netxr.simulation.axes import AXES as ALL_AXES
from netxr.simulation.sweep_plan import blank_result, check_plan
from tests.oracles import published_activity, published_network, stacked_corrcoef
from tests.runs import contents
from tests.store.origins import without_origin

AXES = ("n_neurons", "sparsity", "n_steps", "n_groups", "lag")
SMALL = {"n_neurons": [4, 6], "sparsity": [0.5, 0.8], "n_steps": 60, "n_groups": [0, 2], "lag": [0, 1], "trials": 3}
SCORES = ("pearson", "spearman", "kappa", "roc_auc", "average_precision", "mantel", "rv")


def stored(path):
    """What a reader without netxr sees."""
    return xr.open_zarr(path, consolidated=False)


@pytest.fixture(scope="module")
def swept():
    """The small sweep in memory."""
    return netxr.sweep(**SMALL)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The small sweep on disk."""
    path = tmp_path_factory.mktemp("sweep") / "s.zarr"
    netxr.sweep(**SMALL, store=path)
    return path


@pytest.fixture
def simulated(monkeypatch):
    """The cells that are computed, in order."""
    cells = []

    def counting(plan, cell):
        cells.append(cell)
        return score_cell(plan, cell)

    score_cell = sweeps.score_cell
    monkeypatch.setattr(sweeps, "score_cell", counting)
    return cells


# --- the numbers ---------------------------------------------------------------


@pytest.mark.slow  # the tutorial has it, and its numbers are held to the same by another test
def test_size_sweep_is_the_published_one_and_says_what_is_undefined(golden):
    known = golden["size_sweep"]
    swept = netxr.sweep(
        n_neurons=known["sizes"], n_steps=known["T"], trials=known["trials"], seed=0, rng="legacy", activity_seed=42
    )
    published = np.array(known["pearson"], dtype=float).T
    scores = swept.isel(sparsity=0, n_steps=0, n_groups=0, lag=0)
    np.testing.assert_allclose(scores.pearson, published, rtol=0, atol=1e-10)
    assert scores.pearson_defined.values.tolist() == [3, 5, 5, 5, 5]
    np.testing.assert_allclose(scores.pearson_mean, np.nanmean(published, axis=1), rtol=0, atol=1e-10)
    np.testing.assert_allclose(scores.pearson_std, np.nanstd(published, axis=1), rtol=0, atol=1e-10)


@pytest.mark.slow  # likewise
def test_coarse_sweep_is_the_published_one(golden):
    known = golden["coarse_sweep"]
    swept = netxr.sweep(
        n_neurons=known["n"], n_groups=known["groups"], n_steps=known["T"], trials=3, seed=0, rng="legacy"
    )
    np.testing.assert_allclose(swept.pearson.squeeze().T, known["pearson"], rtol=0, atol=1e-10)
    assert swept.neurons_per_group.values.tolist() == [[32, 16, 8, 4, 2]]


def test_sparsity_sweep_is_the_published_one(golden):
    known = {float(label): score for label, score in golden["sparsity_demo"].items()}
    asked = list(known)[::6]
    swept = netxr.sweep(n_neurons=25, sparsity=asked, n_steps=2000, trials=1, seed=42, rng="legacy")
    np.testing.assert_allclose(swept.pearson.squeeze(), [known[p] for p in asked], rtol=0, atol=1e-10)


def test_a_cell_is_what_numpy_alone_makes_of_it():
    asked = {"n_neurons": 12, "sparsity": 0.8, "n_steps": 200, "n_groups": [0, 3, 12], "lag": [2, 0], "trials": 2}
    swept = netxr.sweep(**asked, seed=7, rng="legacy").isel(n_neurons=0, sparsity=0, n_steps=0)
    for trial in (0, 1):
        A = published_network(12, sparsity=0.8, seed=7 + trial)
        x = published_activity(A, n_steps=200, seed=7 + trial)
        for n_groups, lag in itertools.product([0, 3, 12], [2, 0]):
            k = n_groups or 12
            coarse_A = A.reshape(k, 12 // k, k, 12 // k).mean(axis=(1, 3))
            R = stacked_corrcoef(x.reshape(k, 12 // k, -1).mean(axis=1), lag=lag)
            score = swept.pearson.sel(n_groups=n_groups, lag=lag, trial=trial).item()
            assert score == pytest.approx(np.corrcoef(coarse_A.ravel(), R.ravel())[0, 1], abs=1e-10)


def test_modern_cell_is_the_library_strung_together():
    scores = netxr.sweep(n_neurons=8, n_steps=300, trials=3, seed=5, diagonal=False, permutations=19).squeeze()
    A = netxr.random_connectivity(8, seed=7)
    run = netxr.simulate(A, n_steps=300, trials=[2], seed=5)
    alone = netxr.compare(A, netxr.lagged_correlation(run.activity), diagonal=False, permutations=19, seed=5)
    for name in (*SCORES, "mantel_p"):
        assert scores[name].sel(trial=2).item() == pytest.approx(alone[name].item(), abs=1e-12, nan_ok=True), name


def test_activity_seed_goes_to_every_trial():
    apart = netxr.sweep(n_neurons=10, n_steps=100, trials=2, seed=3, rng="legacy", activity_seed=9)
    x = published_activity(published_network(10, seed=4), n_steps=100, seed=9)
    expected = np.corrcoef(published_network(10, seed=4).ravel(), stacked_corrcoef(x).ravel())[0, 1]
    assert apart.pearson.sel(trial=1).item() == pytest.approx(expected, abs=1e-10)


def test_summary_is_over_defined_trials_only():
    swept = netxr.sweep(n_neurons=4, n_steps=50, trials=6, seed=0, rng="legacy")
    for name in SCORES:
        values = swept[name].squeeze().values
        defined = values[~np.isnan(values)]
        assert swept[f"{name}_defined"].item() == len(defined)
        assert swept[f"{name}_mean"].item() == pytest.approx(defined.mean(), abs=1e-14)
        assert swept[f"{name}_std"].item() == pytest.approx(defined.std(), abs=1e-14)
    assert 0 < swept.pearson_defined.item() < 6


@pytest.mark.parametrize("n_groups", [0, 3, 12])
def test_networks_without_an_edge_have_no_score(n_groups):
    swept = netxr.sweep(n_neurons=24, sparsity=1, n_steps=50, n_groups=n_groups, trials=2)
    assert swept.pearson_defined.item() == 0
    assert np.isnan(swept.pearson_mean.item())
    assert np.isnan(swept.pearson_std.item())


@pytest.mark.parametrize("workers", [1, 2])
def test_cells_without_an_estimate_are_undefined_and_the_others_are_as_alone(tmp_path, workers):
    options = {"method": "granger", "n_neurons": 5, "sparsity": 0.5, "lag": [1, 3], "trials": 2, "workers": workers}
    swept = netxr.sweep(n_steps=[5, 12, 60], store=tmp_path / "s.zarr", **options)
    assert swept.finished.all()
    # Five neurons at lags 1 to 3 are 16 parameters: of 12 samples lag 1 alone leaves enough targets, of 5 no lag.
    defined = [[0, 0], [2, 0], [2, 2]]
    assert swept.pearson_defined.transpose("n_steps", "lag", ...).values.reshape(3, 2).tolist() == defined
    alone = netxr.sweep(n_steps=60, **options)
    np.testing.assert_allclose(swept.pearson.sel(n_steps=60), alone.pearson.sel(n_steps=60), atol=1e-12)
    one_lag = netxr.sweep(n_steps=12, **options | {"lag": 1})
    np.testing.assert_allclose(swept.pearson.sel(n_steps=[12], lag=[1]), one_lag.pearson, atol=1e-12)


def test_an_estimate_that_is_refused_in_all_cells_is_an_error(tmp_path):
    for _ in range(2):  # the second time it goes on from the store
        with pytest.raises(InvalidInput, match=r"t: got 25 pairs of neurons"):
            netxr.sweep(n_neurons=[5], n_steps=50, method="edge_probability", trials=2, store=tmp_path / "s.zarr")
    swept = netxr.sweep(n_neurons=[5, 23], n_steps=50, method="edge_probability", trials=2)
    assert swept.pearson_defined.squeeze().values.tolist() == [0, 2]


# --- the shape of the result ------------------------------------------------------


def test_every_axis_is_a_dim_and_every_parameter_recorded():
    swept = netxr.sweep(n_neurons=4, n_steps=30, trials=2, seed=1, permutations=5, diagonal=False)
    assert swept.pearson.dims == (*AXES, "trial")
    assert swept.pearson_mean.dims == swept.pearson_defined.dims == AXES
    assert swept.finished.dims == AXES[:3]
    assert swept.finished.all()
    assert {name: swept[name].item() for name in AXES} == dict(zip(AXES, (4, 0.9, 30, 0, 1), strict=True))
    told = {"trials": 2, "seed": 1, "rng": "modern", "diagonal": False, "permutations": 5}
    assert told.items() <= swept.attrs.items()
    assert "netxr_version" in swept.attrs
    assert "mantel_p" in swept
    assert "mantel_p" not in netxr.sweep(n_neurons=4, n_steps=30, trials=1)


@pytest.mark.parametrize("diagonal", [True, False])
def test_every_score_says_whether_the_diagonal_is_in(tmp_path, diagonal):
    grid = {"n_neurons": 4, "n_steps": 30, "trials": 2, "diagonal": diagonal}
    for swept in (netxr.sweep(**grid), netxr.sweep(**grid, store=tmp_path / "s.zarr")):
        for name in SCORES:
            assert [swept[name + end].attrs["diagonal"] for end in ("", "_mean", "_std")] == [diagonal] * 3


def test_neurons_per_group_is_one_without_averaging():
    swept = netxr.sweep(n_neurons=[4, 8], n_groups=[0, 2, 4], n_steps=20, trials=1)
    assert swept.neurons_per_group.transpose("n_neurons", "n_groups").values.tolist() == [[1, 2, 1], [1, 4, 2]]


@pytest.mark.parametrize("rng", ["modern", "legacy"])
def test_a_cell_does_not_depend_on_what_else_is_swept(rng):
    together = netxr.sweep(**SMALL, rng=rng)
    alone = netxr.sweep(**SMALL | {"n_neurons": 6, "sparsity": 0.5, "lag": [1], "n_groups": [2]}, rng=rng)
    assert together.sel(n_neurons=[6], sparsity=[0.5], lag=[1], n_groups=[2]).identical(alone)
    turned = netxr.sweep(**SMALL | {axis: SMALL[axis][::-1] for axis in ("n_neurons", "sparsity", "lag")}, rng=rng)
    assert turned.sel(n_neurons=[4, 6], sparsity=[0.5, 0.8], lag=[0, 1]).identical(together)


def test_trials_in_batches_are_the_trials_at_once(swept, monkeypatch):
    monkeypatch.setattr(sweep_cell, "BATCH_BYTES", 8 * 6 * (6 + 60) * 2)
    xr.testing.assert_allclose(netxr.sweep(**SMALL), swept, rtol=0, atol=1e-12)


def test_workers_change_nothing_but_rounding(swept, tmp_path):
    # Another number of BLAS threads may round the last digit otherwise.
    xr.testing.assert_allclose(netxr.sweep(**SMALL, workers=2), swept, rtol=1e-12)
    xr.testing.assert_allclose(netxr.sweep(**SMALL, workers=3, store=tmp_path / "s.zarr").load(), swept, rtol=1e-12)


# --- the store ----------------------------------------------------------------------


def test_store_holds_the_result_and_opens_lazily(swept, tmp_path):
    path = tmp_path / "s.zarr"
    lazy = netxr.sweep(**SMALL, store=path)
    assert all(variable.chunks is not None for variable in lazy.data_vars.values())
    assert lazy.pearson.data.chunksize == (1, 1, 1, 2, 2, 3)
    assert list(lazy.data_vars) == list(swept.data_vars)
    for reader in (lazy, stored(path), netxr.open(path)):
        assert without_origin(reader.load()).identical(swept)
    netxr.save(lazy, tmp_path / "copy.zarr")
    assert netxr.open(tmp_path / "copy.zarr").load().identical(lazy.load())
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["copy.zarr", "s.zarr"]


def test_finished_store_is_only_opened(kept, simulated):
    heard, before = [], {file: file.stat().st_mtime_ns for file in kept.rglob("*")}
    netxr.sweep(**SMALL, store=kept, progress=lambda *told: heard.append(told))
    assert simulated == []
    assert heard == [(4, 4)]
    assert {file: file.stat().st_mtime_ns for file in kept.rglob("*")} == before


@pytest.mark.crossed(1)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_interrupted_sweep_is_resumed(swept, tmp_path, simulated, interruption, workers):
    path, heard = tmp_path / "s.zarr", []

    def stop_after_two(done, _):
        if done == 2:
            raise interruption

    with pytest.raises(interruption):
        netxr.sweep(**SMALL, store=path, progress=stop_after_two, workers=workers)
    halfway = stored(path).load()
    assert halfway.finished.sum() == 2
    assert halfway.pearson.where(halfway.finished, drop=True).equals(swept.pearson.where(halfway.finished, drop=True))
    assert halfway.pearson.where(~halfway.finished).isnull().all()
    assert halfway.pearson_mean.isnull().all()

    simulated.clear()
    resumed = netxr.sweep(**SMALL, store=path, progress=lambda *told: heard.append(told))
    assert set(simulated) == {tuple(cell) for cell in np.argwhere(~halfway.finished.values).tolist()}
    assert len(simulated) == 2
    assert heard == [(2, 4), (3, 4), (4, 4)]
    assert without_origin(resumed.load()).identical(swept)


def test_pending_cells_are_dropped_on_interruption(tmp_path, simulated):
    def stop(done, _):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        netxr.sweep(n_neurons=range(2, 42), n_steps=400, trials=2, store=tmp_path / "s.zarr", progress=stop, workers=2)
    computed = len(simulated)
    assert computed < 20
    time.sleep(0.1)
    assert len(simulated) == computed


class Crash(Exception):
    pass


class Dying:
    """An array in a table that takes so many more writes and then no more."""

    def __init__(self, array, writes_left):
        self.array, self.writes_left = array, writes_left

    def __getitem__(self, key):
        return self.array[key]

    def __setitem__(self, key, values):
        if self.writes_left[0] == 0:
            raise Crash
        self.writes_left[0] -= 1
        self.array[key] = values


def test_an_estimator_without_a_lag_scores_the_same_at_every_lag(tmp_path):
    asked = {"n_neurons": [4, 6], "n_steps": 200, "trials": 2, "seed": 3}
    found = netxr.sweep(**asked, lag=[1, 3], method="correlation")
    at_zero = netxr.sweep(**asked, lag=0)
    for lag in (1, 3):
        np.testing.assert_allclose(found.pearson.sel(lag=lag), at_zero.pearson.sel(lag=0), rtol=1e-12)
    assert (found.attrs["estimator"], at_zero.attrs["estimator"]) == ("correlation", "lagged_correlation")
    with pytest.raises(InvalidInput, match="method: got 'grangers'; expected one of lagged_correlation, correlation"):
        netxr.sweep(**asked, method="grangers", store=tmp_path / "s.zarr")
    for method in ("regression", "regression_t", "granger", "edge_probability"):
        with pytest.raises(InvalidInput, match="lag: got 0; expected 1 or above"):
            netxr.sweep(**asked, lag=[1, 0], method=method, store=tmp_path / "s.zarr")
    for wrong in ([], ["correlation", "correlation"], 3):
        with pytest.raises(InvalidInput, match=r"method: got .*; expected the name of an estimator, or a list"):
            netxr.sweep(**asked, method=wrong, store=tmp_path / "s.zarr")
    assert not (tmp_path / "s.zarr").exists()


def test_crash_at_any_write_leaves_marks_on_whole_cells_only(swept, monkeypatch):
    settings = {"trials": 3, "seed": 0, "rng": "modern", "activity_seed": None, "diagonal": True, "permutations": 0}
    settings |= {"method": "lagged_correlation", "scores": None, "weights": "binary", "units": "sigmoid", "burn_in": 0}
    plan = check_plan(dict.fromkeys(ALL_AXES) | {axis: SMALL[axis] for axis in AXES}, **settings)
    cells = {cell: sweeps.score_cell(plan, cell) for cell in np.ndindex(2, 2, 1)}
    monkeypatch.setattr(sweeps, "score_cell", lambda _, cell: cells[cell])
    for n_writes in range(4 * (len(SCORES) + 1) + 3 * len(SCORES)):
        left, writes_left = blank_result(plan), [n_writes]
        table = {name: left[name].values for name in left.data_vars}
        with pytest.raises(Crash):
            sweeps._fill({name: Dying(array, writes_left) for name, array in table.items()}, plan, 1, None)
        assert not left.finished.all()
        for name in SCORES:
            np.testing.assert_array_equal(left[name].where(left.finished), swept[name].where(left.finished))
        sweeps._fill(table, plan, 1, None)
        assert left.identical(swept)


KILLED = """
import json, sys, netxr
netxr.sweep(**json.loads(sys.argv[1]), store=sys.argv[2], progress=lambda done, _: print(done, flush=True))
"""


@pytest.mark.slow
def test_killed_sweep_never_marks_a_cell_without_its_scores(tmp_path):
    asked = {"n_neurons": list(range(3, 23)), "n_steps": 1500, "trials": 2}
    path = tmp_path / "s.zarr"
    whole = netxr.sweep(**asked)
    seen = [0]
    for pause in (0.0, 0.013, 0.027):
        command = [sys.executable, "-c", textwrap.dedent(KILLED), json.dumps(asked), str(path)]
        with subprocess.Popen(  # noqa: S603 - the interpreter itself
            command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        ) as process:
            for line in process.stdout:
                if int(line) >= seen[-1] + 2:
                    break
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        left = stored(path).load()
        for name in SCORES:
            # Another process may round the last digit otherwise.
            xr.testing.assert_allclose(left[name].where(left.finished), whole[name].where(left.finished), rtol=1e-12)
        seen.append(int(left.finished.sum()))
    assert seen == sorted(seen)
    assert 2 <= seen[1] < 20
    xr.testing.assert_allclose(netxr.sweep(**asked, store=path).load(), whole, rtol=1e-12)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_neurons": [4, 8]}, r"n_neurons: got \[4, 8\]; expected \[4, 6\], as in the sweep"),
        ({"sparsity": [0.8, 0.5]}, r"sparsity: got \[0.8, 0.5\]; expected \[0.5, 0.8\]"),
        ({"n_steps": 61}, r"n_steps: got \[61\]"),
        ({"n_groups": 0}, r"n_groups: got \[0\]"),
        ({"lag": 1}, r"lag: got \[1\]; expected \[0, 1\]"),
        ({"trials": 4}, r"trials: got 4; expected 3"),
        ({"seed": 1}, r"seed: got 1; expected 0"),
        ({"rng": "legacy"}, r"rng: got 'legacy'; expected 'modern'"),
        ({"activity_seed": 0}, r"activity_seed: got 0; expected None"),
        ({"diagonal": False}, r"diagonal: got False; expected True"),
        ({"permutations": 9}, r"permutations: got 9; expected 0"),
    ],
)
def test_store_of_another_sweep_is_left_alone(kept, simulated, changed, message):
    before = contents(kept)
    with pytest.raises(InvalidInput, match=message):
        netxr.sweep(**SMALL | changed, store=kept)
    assert simulated == []
    assert contents(kept) == before


def test_other_things_at_the_path_are_left_alone(tmp_path, simulated):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    netxr.save(netxr.random_connectivity(3).to_dataset(), tmp_path / "run.zarr")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name, error in (("file", UnreadableFile), ("folder", UnreadableFile), ("run.zarr", OutputExists)):
        with pytest.raises(error, match=name):
            netxr.sweep(**SMALL, store=tmp_path / name)
    with pytest.raises(UnreadableFile):
        netxr.sweep(**SMALL, store=tmp_path / "link")
    with pytest.raises(InvalidInput, match="in a folder that exists"):
        netxr.sweep(**SMALL, store=tmp_path / "none" / "s.zarr")
    assert (tmp_path / "file").read_text() == "mine"
    assert simulated == []


def test_store_that_lost_a_variable_is_said_to_have(kept, tmp_path):
    path = shutil.copytree(kept, tmp_path / "s.zarr")
    shutil.rmtree(path / "kappa")
    with pytest.raises(UnreadableFile, match="kappa is missing"):
        netxr.sweep(**SMALL, store=path)


def test_store_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    def crash(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(sweep_store.zarr, "create_array", crash)
    with pytest.raises(OSError, match="disk full"):
        netxr.sweep(**SMALL, store=tmp_path / "s.zarr")
    assert list(tmp_path.iterdir()) == []


# --- bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_neurons": 0}, "n_neurons: got 0; expected a whole number, 1 or above"),
        ({"n_neurons": [5, 5]}, r"n_neurons: got \[5, 5\]; expected one value, or a sequence of different ones"),
        ({"n_neurons": []}, r"n_neurons: got \[\]"),
        ({"n_neurons": None}, "n_neurons: got None"),
        ({"n_neurons": "5"}, "n_neurons: got '5'"),
        ({"n_neurons": [5, 2.5]}, "n_neurons: got 2.5"),
        ({"sparsity": 1.5}, "sparsity: got 1.5; expected a probability"),
        ({"sparsity": [0.5, float("nan")]}, "sparsity: got nan"),
        ({"sparsity": [0.5, "a"]}, "sparsity: got 'a'"),
        ({"n_steps": [100, -1]}, "n_steps: got -1"),
        ({"n_groups": -1}, "n_groups: got -1; expected a whole number, 0 or above"),
        ({"n_neurons": [12, 10], "n_groups": [0, 4, 20]}, "n_groups: got 20 of 12 neurons, 4 of 10 neurons, 20 of 10"),
        ({"lag": [1, -1]}, "lag: got -1"),
        ({"lag": [1, 99], "n_steps": [100, 200]}, "lag: got 99 in 100 samples; expected"),
        ({"trials": 0}, "trials: got 0"),
        ({"seed": -1}, "seed: got -1"),
        ({"seed": 2**32 - 2, "rng": "legacy"}, r"seed \+ trials - 1: got 4294967298"),
        ({"rng": "new"}, "rng: got 'new'"),
        ({"activity_seed": -1}, "activity_seed: got -1"),
        ({"diagonal": 1}, "diagonal: got 1"),
        ({"permutations": -1}, "permutations: got -1"),
        ({"workers": 0}, "workers: got 0"),
        ({"progress": 1}, "progress: got 1"),
    ],
)
def test_bad_input_is_refused_before_anything_is_done(tmp_path, simulated, wrong, message):
    with pytest.raises(InvalidInput, match=message):
        netxr.sweep(**wrong, store=tmp_path / "s.zarr")
    assert list(tmp_path.iterdir()) == []
    assert simulated == []
