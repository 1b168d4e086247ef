import itertools
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput, NonFiniteActivity, OutputExists
from netxr.estimators import rows as row_estimates
from netxr.estimators.rows import STOP
from netxr.estimators.strongest import strongest_pairs
from netxr.moments import budget
from tests import runs
from tests.oracles import stacked_corrcoef
from tests.runs import nothing_computes
from tests.strategies import FLOATS, chunked, recordings, samples

activity = partial(runs.activity, n=7, n_steps=90)

POOLED = ("time", "trial")

lag_sets = st.lists(st.integers(0, 8), min_size=1, max_size=3, unique=True)


@st.composite
def ways_to_cut_rows(draw, n):
    """Ways to make a matrix of `n` targets some rows at a time: what replaces what a plan says."""
    step = draw(st.integers(1, n))
    rows = min(n, step * draw(st.integers(1, n)))
    held, workers, block = draw(st.booleans()), draw(st.integers(1, 3)), draw(st.integers(8, 50))
    return {"rows": rows, "rows_at_a_time": step, "held": held, "workers": workers, "block": block}


def planned(*, block=None, **changes):
    """Matrices are made by this plan, so many frames at a time."""
    usual = row_estimates.planned_rows

    def changed(*args, **options):
        todo, plan = usual(*args, **options)
        return (replace(todo, block=block, fourier=None) if block else todo), replace(plan, **changes)

    return patch.object(row_estimates, "planned_rows", changed)


def with_holes(recording, holes):
    values = recording.values.copy()
    values.flat[holes] = np.nan
    return recording.copy(data=values)


# --- matrices on disk ------------------------------------------------------------------


@given(recordings(), lag_sets, st.sampled_from(["raise", "drop", "pairwise"]), st.booleans(), st.data())
def test_what_is_stored_is_what_memory_would_hold(recording, lags, missing, lazy, data):
    neurons = recording.neuron.values.tolist()
    options = {
        **data.draw(st.sampled_from([{"lags": lags}, {"lag": lags[0]}, {"lags": [-lag for lag in lags]}])),
        "dim": data.draw(st.sampled_from(["time", POOLED])) if "trial" in recording.dims else "time",
        "sources": data.draw(st.sampled_from([None, neurons[-1], neurons[::-2]])),
        "missing": missing,
    }
    if missing != "raise" and recording.dtype in FLOATS:
        recording = with_holes(recording, data.draw(st.lists(st.integers(0, recording.size - 1), max_size=4)))
    expected = netxr.lagged_correlation(recording, precision="float64", **options)
    given_as = data.draw(chunked(recording)) if lazy else recording
    with TemporaryDirectory() as folder, planned(**data.draw(ways_to_cut_rows(len(neurons)))):
        lazily = netxr.lagged_correlation(given_as, store=f"{folder}/r.zarr", **options)
        assert isinstance(lazily.data, da.Array)
        found = lazily.compute()
    single = recording.dtype in ("float32", "float16")
    assert found.dtype == ("float32" if single else "float64")
    assert found.dims == expected.dims
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 if single else 1e-12)
    of_memory = {name: value for name, value in expected.attrs.items() if name != "symmetry"}  # none of a lazy result
    found.attrs.pop("frames", None)  # which moments say of themselves
    assert found.attrs == of_memory | {"precision": found.dtype.name}
    xr.testing.assert_equal(found.coords.to_dataset(), expected.coords.to_dataset())


@pytest.mark.crossed(1)
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("lag", [0, 3])
def test_what_is_stored_is_the_formula_of_the_tutorial(tmp_path, held, lag):
    recording = activity(trials=1).isel(trial=0, drop=True)
    with planned(rows=4, rows_at_a_time=2, held=held):
        R = netxr.lagged_correlation(recording.chunk(time=20), lag=lag, store=tmp_path / "r.zarr")
    np.testing.assert_allclose(R, stacked_corrcoef(recording.values, lag), rtol=0, atol=1e-12)
    assert R.name == "lagged_correlation"


@pytest.mark.parametrize("dtype", FLOATS)
def test_budgets_that_hold_the_recording_and_that_do_not(tmp_path, dtype, monkeypatch):
    monkeypatch.setattr(budget, "ROWS_BYTES", 2000)
    monkeypatch.setattr(budget, "MATRIX_ROWS", 8)
    values = samples((40, 20_000, 1), dtype, 0)[..., 0]
    recording = xr.DataArray(values, dims=("neuron", "time"))
    lags = [0, 2]
    for lazy in (recording.chunk(time=1500), recording.chunk(time=4000, neuron=15)):
        for memory, held in ((budget.OVERHEAD + 40 * 2**20, True), (budget.OVERHEAD + values.nbytes, False)):
            plan = netxr.plan(lazy, lags=lags, memory=memory, stored=True)
            path = tmp_path / f"{held} {lazy.chunks[0][0]}.zarr"
            R = netxr.lagged_correlation(lazy, lags=lags, memory=memory, store=path)
            assert plan.held is held
            assert len(R.chunksizes["target"]) > 1
            wanted = [stacked_corrcoef(values.astype(float), lag) if lag else np.corrcoef(values) for lag in lags]
            np.testing.assert_allclose(R, wanted, rtol=0, atol=1e-12 if dtype == "float64" else 1e-6)


@pytest.mark.crossed
@pytest.mark.parametrize("function", ["stored", "strongest"])
@pytest.mark.parametrize("dim", ["time", POOLED])
@pytest.mark.parametrize("missing", ["raise", "pairwise"])
def test_a_plan_is_what_is_run(tmp_path, monkeypatch, function, dim, missing):
    monkeypatch.setattr(budget, "ROWS_BYTES", 300)
    monkeypatch.setattr(budget, "MATRIX_ROWS", 2)
    ran = []
    usual = row_estimates.planned_rows
    monkeypatch.setattr(
        row_estimates, "planned_rows", lambda *args, **options: ran.append(usual(*args, **options)) or ran[-1]
    )
    recording, options = (
        activity().chunk(time=40),
        {"dim": dim, "missing": missing, "memory": "1GiB", "sources": ["b"]},
    )
    if function == "stored":
        R = netxr.lagged_correlation(recording, lags=[1, 4], store=tmp_path / "r.zarr", **options)
        assert R.chunksizes["target"][0] == ran[0][1].rows_at_a_time
        assert {R.chunksizes[dim] for dim in set(R.dims) & {"lag", "trial"}} <= {(1, 1)}
    else:
        strongest_pairs(recording, lags=[1, 4], k=2, **options)
    assert [plan for _, plan in ran] == [netxr.plan(recording, lags=[1, 4], stored=True, **options)]


def test_rows_are_chunks_of_the_store(tmp_path):
    with planned(rows=6, rows_at_a_time=3):
        netxr.lagged_correlation(activity(), lags=[1, 2], store=tmp_path / "r.zarr")
    stored = zarr.open_array(tmp_path / "r.zarr" / "lagged_correlation", mode="r")
    assert (stored.shape, stored.chunks) == ((2, 2, 7, 7), (1, 1, 3, 7))
    assert stored.nchunks_initialized == 2 * 2 * 3


def test_coordinates_and_attributes(tmp_path):
    recording = activity().assign_coords(day=("trial", ["mon", "tue"]), area=("neuron", list("tuvwxyz")))
    bare = recording.drop_vars(["neuron", "trial"])
    for name, form in {"labelled": recording, "bare": bare, "lazy": recording.chunk(time=30)}.items():
        for dim in ("time", POOLED):
            R = netxr.lagged_correlation(form, dim=dim, store=tmp_path / f"{name} {len(dim)}.zarr")
            in_memory = netxr.lagged_correlation(form, dim=dim)
            xr.testing.assert_equal(R.coords.to_dataset(), in_memory.coords.to_dataset())
            frames = {"frames": 90} if dim == "time" else {}
            assert R.attrs == {name: one for name, one in in_memory.attrs.items() if name != "symmetry"} | frames
    again = netxr.open(tmp_path / "labelled 4.zarr")
    assert list(again.data_vars) == ["lagged_correlation"]
    assert again.day.values.tolist() == ["mon", "tue"]


def test_the_recording_is_left_as_it_was(tmp_path):
    recording = activity()
    before = recording.copy(deep=True)
    recording.values.flags.writeable = False
    netxr.lagged_correlation(recording, store=tmp_path / "r.zarr")
    strongest_pairs(recording, k=1)
    xr.testing.assert_identical(recording, before)


def test_whole_numbers_and_many_lags(tmp_path):
    recording = activity(n_steps=3000, trials=1, dtype="int16").chunk(time=700)
    lags = list(range(40))
    R = netxr.lagged_correlation(recording, lags=lags, store=tmp_path / "r.zarr")
    np.testing.assert_allclose(R, netxr.lagged_correlation(recording.compute(), lags=lags), rtol=0, atol=1e-12)
    assert R.dtype == "float64"


# --- what cannot be stored ---------------------------------------------------------------


def test_a_path_that_is_taken_is_left_before_anything_is_read(tmp_path):
    path = tmp_path / "r.zarr"
    path.mkdir()
    (path / "precious").write_text("mine")
    with nothing_computes(), pytest.raises(OutputExists, match=r"r\.zarr exists"):
        netxr.lagged_correlation(activity().chunk(time=30), store=path)
    assert [entry.name for entry in tmp_path.rglob("*")] == ["r.zarr", "precious"]


WRONG = {
    "lags": {"lags": [0, 89]},
    "dim": {"dim": "neuron"},
    "sources": {"sources": "cell 9"},
    "precision": {"precision": "float16"},
    "missing": {"missing": "ignore"},
    "memory": {"memory": 2**20},
    "store": {"store": "nowhere/r.zarr"},
}


@pytest.mark.parametrize("argument", WRONG)
@pytest.mark.parametrize("lazy", [False, True])
def test_wrong_arguments_before_anything_is_written(tmp_path, monkeypatch, argument, lazy):
    monkeypatch.chdir(tmp_path)
    recording = activity().chunk(time=30) if lazy else activity()
    with nothing_computes(), pytest.raises(InvalidInput, match=f"^{argument}: got") as caught:
        netxr.lagged_correlation(recording, **{"store": "r.zarr"} | WRONG[argument])
    assert "expected" in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.crossed(1)
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("lazy", [True, False])
def test_an_error_in_the_last_block_leaves_nothing(tmp_path, held, lazy):
    recording = activity(n_steps=400)
    recording[3, 399, 1] = np.nan
    given_as = recording.chunk(time=40) if lazy else recording
    with (
        planned(rows=2, rows_at_a_time=1, held=held),
        pytest.raises(NonFiniteActivity, match=r"trial 6.*neuron number 3 \(from 0\), frame 399"),
    ):
        netxr.lagged_correlation(given_as, store=tmp_path / "r.zarr")
    assert not list(tmp_path.iterdir())


def test_a_user_who_gives_up_leaves_nothing(tmp_path):
    usual, rows = row_estimates._write, []

    def write_then_stop(stored, lags, trial, blocks):
        usual(stored, lags, trial, itertools.islice(blocks, 1))
        rows.append(trial)
        raise KeyboardInterrupt

    with (
        patch.object(row_estimates, "_write", write_then_stop),
        planned(rows=2, rows_at_a_time=1),
        pytest.raises(KeyboardInterrupt),
    ):
        netxr.lagged_correlation(activity(), store=tmp_path / "r.zarr")
    assert rows
    assert not list(tmp_path.iterdir())


def test_when_a_task_fails_those_under_way_are_told_and_waited_for(tmp_path):
    def fail():
        while not (tmp_path / "under way").exists():
            time.sleep(0.01)
        raise ZeroDivisionError

    def wait():
        (tmp_path / "under way").touch()
        give_up = time.monotonic() + 20
        while not (tmp_path / STOP).exists() and time.monotonic() < give_up:
            time.sleep(0.01)
        time.sleep(0.1)
        (tmp_path / ("told" if (tmp_path / STOP).exists() else "never told")).touch()

    plan = replace(netxr.plan(activity(), stored=True), workers=2)
    with pytest.raises(ZeroDivisionError):
        row_estimates.run_tasks([dask.delayed(fail)(), dask.delayed(wait)()], plan, tmp_path)
    assert (tmp_path / "told").exists()


# --- the strongest pairs -----------------------------------------------------------------


def naive_pairs(R, *, k, threshold):
    """Edges (trial, target, lag, source, r) by sorting each row of the whole matrix."""
    edges = []
    for trial in R.trial.values.tolist() if "trial" in R.dims else [None]:
        of_trial = R if trial is None else R.sel(trial=trial)
        for target, lag in itertools.product(R.target.values.tolist(), R.lag.values.tolist()):
            row = of_trial.sel(target=target, lag=lag)
            known = zip(row.source.values.tolist(), row.values.tolist(), strict=True)
            others = [(source, r) for source, r in known if source != target and not np.isnan(r)]
            others.sort(key=lambda pair: -abs(pair[1]))  # a stable sort: those in front come first
            edges += [(trial, target, lag, source, r) for source, r in others[:k] if abs(r) >= (threshold or 0)]
    return edges


def as_edges(found):
    """The same of a list of pairs."""
    trials = found.trial.values.tolist() if "trial" in found.coords else [None] * found.sizes["edge"]
    columns = (found[name].values.tolist() for name in ("target", "lag", "source", "lagged_correlation"))
    return list(zip(trials, *columns, strict=True))


chosen = st.one_of(
    st.tuples(st.integers(1, 9), st.none()),
    st.tuples(st.none(), st.floats(0, 1)),
    st.tuples(st.integers(1, 9), st.floats(0, 1)),
)


@given(recordings(dtypes=("int8", "bool", "int16")), lag_sets, chosen, st.booleans(), st.data())
def test_pairs_are_the_first_of_the_sorted_rows(recording, lags, which, lazy, data):
    # Sums of whole numbers are exact: correlations agree to the bit, and those of equal neurons are tied.
    n = recording.sizes["neuron"]
    copies = data.draw(st.lists(st.integers(0, n - 1), min_size=2, max_size=8))
    recording = recording.isel(neuron=copies).assign_coords(neuron=[f"cell {k}" for k in range(len(copies))])
    recording = recording.where(recording.neuron != "cell 1", 1).astype(recording.dtype)  # does not vary
    neurons = recording.neuron.values.tolist()
    options = {
        "dim": data.draw(st.sampled_from(["time", POOLED])) if "trial" in recording.dims else "time",
        "sources": data.draw(st.sampled_from([None, neurons[:1], neurons[::-2]])),
    }
    given_as = data.draw(chunked(recording)) if lazy else recording
    k, threshold = which
    with planned(**data.draw(ways_to_cut_rows(len(neurons)))):
        found = strongest_pairs(given_as, lags=lags, k=k, threshold=threshold, **options)
    whole = netxr.lagged_correlation(given_as, lags=lags, **options).compute(scheduler="synchronous")
    assert as_edges(found) == naive_pairs(whole, k=k, threshold=threshold)


@given(recordings(dtypes=FLOATS), lag_sets, st.sampled_from(["drop", "pairwise"]), st.data())
def test_missing_samples(recording, lags, missing, data):
    recording = with_holes(recording, data.draw(st.lists(st.integers(0, recording.size - 1), max_size=4)))
    R = netxr.lagged_correlation(recording, lags=lags, missing=missing, precision="float64")
    with planned(**data.draw(ways_to_cut_rows(recording.sizes["neuron"]))):
        found = strongest_pairs(recording, lags=lags, k=10, missing=missing, precision="float64")
    expected = naive_pairs(R, k=10, threshold=None)
    assert {edge[:4] for edge in as_edges(found)} == {edge[:4] for edge in expected}
    np.testing.assert_allclose(*(sorted(e[4] for e in edges) for edges in (as_edges(found), expected)), atol=1e-12)


def test_the_list_of_pairs():
    recording = activity(dtype="float32")
    found = strongest_pairs(recording.chunk(time=30), lags=[1, 3], k=2)
    assert dict(found.sizes) == {"edge": 2 * 7 * 2 * 2}
    assert found.lagged_correlation.dtype == "float32"
    assert set(found.coords) == {"lag", "target", "source", "trial"}
    assert found.attrs.items() >= {"units": "mV", "missing": "raise", "precision": "float32"}.items()
    assert found.lagged_correlation.attrs["estimator"] == "lagged_correlation"
    assert not (found.target == found.source).any()
    pooled = strongest_pairs(recording, dim=POOLED, k=3)
    assert "trial" not in pooled.coords
    assert pooled.lag.values.tolist() == [1] * 21


def test_more_sources_than_there_are_and_a_limit_that_none_reaches():
    recording = activity(trials=1).isel(trial=0)
    every = strongest_pairs(recording, k=1000)
    assert every.sizes["edge"] == 7 * 6
    xr.testing.assert_identical(every, strongest_pairs(recording, threshold=0))
    none = strongest_pairs(recording, threshold=1, k=3)
    assert none.sizes["edge"] == 0
    assert none.target.dtype.kind == "U"


def test_pairs_at_the_limit_are_listed():
    recording = activity(trials=1)
    weakest = strongest_pairs(recording, k=2).lagged_correlation.values[-1]
    at_the_limit = strongest_pairs(recording, threshold=abs(weakest)).lagged_correlation.values
    assert weakest in at_the_limit
    assert np.abs(at_the_limit).min() == abs(weakest)


def test_a_list_of_pairs_is_saved(tmp_path):
    found = strongest_pairs(activity(), k=1)
    netxr.save(found, tmp_path / "pairs.zarr")
    xr.testing.assert_equal(netxr.open(tmp_path / "pairs.zarr").compute(), found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"^k, threshold: got neither; expected how many sources a target, or a limit, or both"),
        *(({"k": k}, r"^k: got .*whole number, 1 or above") for k in (0, -1, 1.5, True, "2")),
        *(({"threshold": x}, r"^threshold: got .*0 to 1") for x in (-0.1, 1.1, np.nan, "a", True)),
        *(({"k": 1, "lag": lag}, r"^lag: got") for lag in (89, -89, "a", [1], None)),
        *(({"k": 1, "lags": lags}, r"^lags: got .*whole numbers") for lags in ([89], [-89], [0, 0], [])),
        ({"k": 1, "lags": "a"}, r"^lags: got 'a'; expected a number of samples, or a time"),
        ({"k": 1, "dim": "neuron"}, r"^dim: got"),
        ({"k": 1, "sources": "cell 9"}, r"^sources: got"),
        ({"k": 1, "missing": "ignore"}, r"^missing: got"),
        ({"k": 1, "memory": 2**20}, r"^memory: got 1 MiB; expected at least"),
    ],
)
def test_wrong_arguments_of_a_list(options, message):
    with nothing_computes(), pytest.raises(InvalidInput, match=message):
        strongest_pairs(activity().chunk(time=30), **options)


def test_what_is_no_recording():
    with pytest.raises(InvalidInput, match=r"^data: got a Dataset"):
        strongest_pairs(netxr.lagged_moments(activity()), k=1)


def test_a_sample_that_is_not_finite():
    recording = activity()
    recording[3, 80, 1] = np.inf
    with planned(rows=2), pytest.raises(NonFiniteActivity, match=r"trial 6.*frame 80"):
        strongest_pairs(recording.chunk(time=20), k=1)


def test_lists_leave_no_files(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    strongest_pairs(activity(), k=1)
    assert not list(Path(tmp_path).iterdir())
