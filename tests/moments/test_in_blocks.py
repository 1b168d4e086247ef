import itertools

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Lasso, Ridge

import netxr
from netxr.errors import InvalidInput
from tests.oracles import design_of
from tests.runs import activity, nothing_computes
from tests.strategies import chunked, recordings


def test_pairs_belong_to_the_block_of_their_target_by_hand():
    """x = 1 2 4 | 8 16 32: the pair (4, 8) counts in the second block, whose three targets have a source each."""
    found = netxr.lagged_moments(netxr.as_activity([[1, 2, 4, 8, 16, 32]], dims=("neuron", "time")), blocks=2)
    assert found["count"].values.tolist() == [[3, 2], [3, 3]]
    np.testing.assert_allclose(found.mean_target.sel(lag=1).squeeze(), [3, 56 / 3])
    np.testing.assert_allclose(found.mean_source.sel(lag=1).squeeze(), [1.5, 28 / 3])


@given(recordings(max_neurons=3, steps=(25, 40), dtypes=("float64", "int16")), st.integers(1, 4), st.data())
def test_blocks_merged_are_the_whole_at_any_chunking(recording, blocks, data):
    lags = [0, 1, 3]
    with nothing_computes():
        lazy = netxr.lagged_moments(data.draw(chunked(recording)), lags=lags, blocks=blocks)
    found = netxr.lagged_moments(recording, lags=lags, blocks=blocks)
    xr.testing.assert_allclose(lazy.compute(scheduler="synchronous"), found, atol=1e-9)
    whole = netxr.lagged_moments(recording, lags=lags)
    merged = netxr.merge_blocks(found, width=blocks).isel(block=0, drop=True)
    for name in whole:
        assert merged[name].dims == whole[name].dims
        scale = max(1, float(np.abs(whole[name]).max()))
        np.testing.assert_allclose(merged[name], whole[name], rtol=1e-12, atol=1e-12 * scale)


@given(recordings(max_neurons=3, steps=(25, 40), dtypes=("float64",)), st.integers(1, 4), st.data())
def test_blocks_merged_are_the_whole_without_the_frames_that_are_dropped(recording, blocks, data):
    samples = recording.copy()
    for frame in data.draw(st.lists(st.integers(0, recording.sizes["time"] - 1), max_size=12)):
        samples[{"neuron": -1, "time": frame}] = np.nan
    kind = {"lags": [0, 1, 3], "missing": "drop"}
    found = netxr.lagged_moments(samples, blocks=blocks, **kind)
    lazy = netxr.lagged_moments(data.draw(chunked(samples)), blocks=blocks, **kind)
    xr.testing.assert_allclose(lazy.compute(scheduler="synchronous"), found, atol=1e-9)
    whole = netxr.lagged_moments(samples, **kind)
    merged = netxr.merge_blocks(found, width=blocks).isel(block=0, drop=True)
    assert set(merged) == set(whole)
    for name in whole:
        scale = max(1, float(np.abs(whole[name]).max()))
        np.testing.assert_allclose(merged[name], whole[name], rtol=1e-12, atol=1e-12 * scale)


def test_dropped_frames_leave_reliability_and_jackknife_of_blocks():
    run = netxr.simulate(netxr.random_connectivity(8, seed=1), n_steps=1000, seed=1).activity.isel(trial=0)
    samples = run.copy()
    samples[{"neuron": 2, "time": [30, 700]}] = np.nan
    moments = netxr.lagged_moments(samples, blocks=20, missing="drop")
    found, right = (netxr.reliability(one).reliability.item() for one in (moments, run))
    assert found == pytest.approx(right, abs=0.05)
    found = netxr.jackknife(moments, netxr.lagged_correlation).lagged_correlation
    right = netxr.lagged_correlation(samples, missing="drop")
    np.testing.assert_allclose(found, right, atol=1e-12)
    with pytest.raises(InvalidInput, match="interpolate_frames"):
        netxr.recoverability(moments)
    for make in (netxr.reliability, lambda x: netxr.jackknife(x, netxr.lagged_correlation)):
        with pytest.raises(InvalidInput, match=r'lagged_moments\(..., blocks=20, missing="drop"\)'):
            make(netxr.lagged_moments(samples, missing="drop"))
    with pytest.raises(InvalidInput, match=r'lagged_moments\(..., blocks=20, missing="drop"\)'):
        netxr.reliability(samples)


def test_lazy_windows_are_those_of_samples_in_memory():
    recording = activity(n_steps=100)
    eager, lazy = (
        netxr.merge_blocks(netxr.lagged_moments(each, lags=[0, 1, 3], blocks=4), width=2)
        for each in (recording, recording.chunk(time=7))
    )
    assert {name: value.dims for name, value in lazy.items()} == {name: value.dims for name, value in eager.items()}
    xr.testing.assert_allclose(lazy.compute(), eager, atol=1e-9)


def test_chunks_are_read_once_but_where_two_tasks_meet():
    recording, read = activity(n_steps=200).isel(trial=0), []
    samples = recording.copy(data=da.map_blocks(lambda x: (read.append(0), x)[1], recording.chunk(time=7).data))
    read.clear()
    moments = netxr.lagged_moments(samples, blocks=20)
    n_tasks = moments.comoment.data.numblocks[0]
    moments.comoment.compute(scheduler="synchronous")
    assert n_tasks < 20
    assert 29 <= len(read) <= 29 + n_tasks - 1  # of 200 samples there are 29 chunks


def test_lazy_blocks_take_as_many_tasks_however_many_lags():
    recording, sizes = activity(n_steps=100).chunk(time=7), set()
    for lags in ([0, 1], range(8)):
        moments = netxr.lagged_moments(recording, lags=lags, blocks=4)
        sizes.add(len(moments.comoment.data.__dask_graph__()))
    assert len(sizes) == 1


@pytest.mark.parametrize("lags", [[1], [1, 2], [3, 1]])
def test_a_regression_in_each_block_has_the_samples_of_the_block_as_targets(lags):
    recording, p = activity(n_steps=90), max(lags)
    moments = netxr.lagged_moments(recording, lags=range(5), blocks=3)
    found = netxr.regression(moments, lags=lags)
    assert found.coefficient.dims == ("block", "lag", "trial", "target", "source")
    windows = netxr.regression(netxr.merge_blocks(moments, width=2), lags=lags)
    y, x = design_of([recording.isel(trial=1).values], lags)
    for fit, of in ((found, [(0, 30), (30, 60), (60, 90)]), (windows, [(0, 60), (30, 90)])):
        for block, (first, last) in enumerate(of):
            rows = slice(max(0, first - p), last - p)
            design = np.column_stack([x[rows], np.ones(len(x[rows]))])
            b = np.linalg.lstsq(design, y[rows], rcond=None)[0][:-1].reshape(len(lags), 4, 4).swapaxes(1, 2)
            np.testing.assert_allclose(fit.coefficient.isel(block=block, trial=1), b, rtol=1e-7, atol=1e-9)


def test_correlations_in_blocks_and_when_they_were():
    recording = activity(n_steps=100).assign_coords(time=np.arange(100) * 0.5)
    found = netxr.lagged_correlation(netxr.lagged_moments(recording, blocks=4))
    assert found.dims == ("block", "trial", "target", "source")
    np.testing.assert_allclose(found.block_time, [6, 18.5, 31, 43.5])  # the middle of samples 0 to 24, and so on
    second = recording.isel(time=slice(24, 50)).values
    right = np.corrcoef(second[0, 1:, 0], second[1, :-1, 0])[0, 1]
    assert found[1, 0, 0, 1].item() == pytest.approx(right)


@pytest.mark.filterwarnings("ignore:alpha=")
@pytest.mark.crossed(1)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", ["lasso", "ridge"])
def test_cross_validation_against_scikit_learn(penalty, intercept):
    run = netxr.simulate(netxr.random_connectivity(8, sparsity=0.7, seed=2), n_steps=600, seed=2).isel(trial=0)
    found = netxr.regression(netxr.lagged_moments(run, blocks=4), penalty=penalty, alpha="cv", intercept=intercept)
    y, x = design_of([run.activity.transpose("neuron", "time").values], [1])
    starts = np.maximum(np.linspace(0, 600, 5).astype(int) - 1, 0)

    def model(alpha):
        if penalty == "ridge":
            return Ridge(alpha=alpha, fit_intercept=intercept)
        return Lasso(alpha=alpha, fit_intercept=intercept, tol=1e-13, max_iter=10**6)

    centred = (y - y.mean(0), x - x.mean(0)) if intercept else (y, x)
    gram, cross = centred[1].T @ centred[1], centred[1].T @ centred[0]
    largest = np.linalg.eigvalsh(gram)[-1] if penalty == "ridge" else np.abs(cross).max() / len(y)
    alphas = largest * np.logspace(0, -2, 21)
    errors = []
    for alpha in alphas:
        error = 0
        for first, last in itertools.pairwise(starts):
            train = np.r_[0:first, last : len(y)]
            for target in y.T:
                fitted = model(alpha).fit(x[train], target[train])
                error += np.square(target[first:last] - fitted.predict(x[first:last])).sum()
        errors.append(error)
    assert found.alpha.item() == pytest.approx(alphas[np.argmin(errors)], rel=1e-9)
    right = np.array([model(found.alpha.item()).fit(x, target).coef_ for target in y.T])
    np.testing.assert_allclose(found.coefficient, right, atol=1e-7)
    pooled = netxr.regression(run, penalty=penalty, alpha="cv", intercept=intercept)
    assert pooled.coefficient.sizes == {"target": 8, "source": 8}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: netxr.lagged_moments(x, blocks=0), "blocks: got 0"),
        (lambda x: netxr.lagged_moments(x, blocks=30), "blocks: got 30 blocks of 80 samples in all; expected blocks"),
        (lambda x: netxr.lagged_moments(x, blocks=2, missing="pairwise"), "blocks: got them for some samples"),
        (lambda x: netxr.lagged_moments(x, blocks=2, dim=("time", "trial")), "blocks: got them for some samples"),
        (lambda x: netxr.merge_blocks(netxr.lagged_moments(x), width=1), "moments: got moments without blocks"),
        (lambda x: netxr.merge_blocks(netxr.lagged_moments(x, blocks=2), width=3), "width: got 3; expected 1 to 2"),
        (lambda x: netxr.coarsen(netxr.lagged_moments(x, blocks=2), groups=2), "or in blocks"),
        (
            lambda x: netxr.regression(netxr.lagged_moments(x), penalty="ridge", alpha="cv"),
            "data: got moments without blocks",
        ),
    ],
)
def test_what_cannot_be_done(make, message):
    with pytest.raises(InvalidInput, match=message):
        make(activity())


def test_moments_in_blocks_are_not_appended_to(tmp_path):
    recording = activity().to_dataset(name="activity")
    netxr.save(recording.merge(netxr.lagged_moments(recording, blocks=2)), tmp_path / "run.zarr")
    with pytest.raises(InvalidInput, match="store: got moments in blocks"):
        netxr.append(recording.assign_coords(trial=[7, 8]), tmp_path / "run.zarr", dim="trial")


@pytest.mark.parametrize("read", [lambda x: x, lambda x: x.chunk(time=7)])
def test_an_error_counts_frames_from_the_start_of_the_recording(read):
    samples = activity(n_steps=100).astype(float)
    samples[{"neuron": 2, "time": 83, "trial": 0}] = np.nan
    with pytest.raises(netxr.NonFiniteActivity, match=r"neuron number 2 \(from 0\), frame 83"):
        netxr.lagged_moments(read(samples), lags=[0, 3], blocks=4).compute()
