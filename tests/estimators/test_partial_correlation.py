import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import OAS

import netxr
from netxr.errors import InvalidInput
from tests.oracles import design_of
from tests.runs import activity, nothing_computes
from tests.strategies import chunked, recordings


def partial(x, y, given_):
    """Correlation of what regressions on others leave of x and of y."""
    held = np.column_stack([given_, np.ones(len(x))])
    x, y = (side - held @ np.linalg.lstsq(held, side, rcond=None)[0] for side in (x, y))
    return (x @ y) / np.sqrt((x @ x) * (y @ y))


# --- by hand -------------------------------------------------------------------------------


def test_two_neurons_hold_nothing_fixed():
    recording = activity(2)
    found = netxr.partial_correlation(recording)
    xr.testing.assert_allclose(found, netxr.lagged_correlation(recording, lag=0).drop_vars("lag"))
    np.testing.assert_array_equal(found.values[:, [0, 1], [0, 1]], 1)


def test_three_neurons_by_hand():
    """All correlations are 1/2: with the third held fixed, (1/2 - 1/4) / (1 - 1/4) = 1/3 is left."""
    x = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]) / 2
    mixed = np.linalg.cholesky(np.full((3, 3), 0.5) + np.eye(3) / 2) @ x
    found = netxr.partial_correlation(netxr.as_activity(np.tile(mixed, 3), dims=("neuron", "time")))
    np.testing.assert_allclose(found, np.full((3, 3), 1 / 3) + np.eye(3) * 2 / 3)


def test_wholly_shrunk_there_is_no_correlation():
    np.testing.assert_allclose(netxr.partial_correlation(activity(), shrinkage=1)[0], np.eye(4), atol=1e-12)


# --- against independent code --------------------------------------------------------------


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_every_pair_against_what_regressions_leave(lag):
    recording = activity(n_steps=60)
    found = netxr.partial_correlation(recording, lag=lag)
    for trial in range(2):
        x = recording.isel(trial=trial).values
        y, past = design_of([x], [lag]) if lag else (x.T, x.T)
        for i in range(4):
            for j in set(range(4)) - ({i} if not lag else set()):
                held = [k for k in range(4) if k != j and (lag or k != i)]
                right = partial(y[:, i], past[:, j], past[:, held])
                assert found[trial, i, j].item() == pytest.approx(right, rel=1e-8)


def test_oas_against_scikit_learn():
    recording = activity(8, n_steps=20).isel(trial=0)
    inverse = OAS().fit(recording.values.T).precision_
    scale = np.sqrt(np.diagonal(inverse))
    right = -inverse / np.outer(scale, scale) + 2 * np.eye(8)
    np.testing.assert_allclose(netxr.partial_correlation(recording, shrinkage="oas"), right, rtol=1e-9)


@given(recordings(max_neurons=3, steps=(20, 30), dtypes=("float64",)), st.sampled_from([0, 2]), st.data())
def test_any_chunking_gives_the_same(recording, lag, data):
    with nothing_computes():
        lazy = netxr.partial_correlation(data.draw(chunked(recording)), lag=lag, shrinkage=0.1)
    right = netxr.partial_correlation(recording, lag=lag, shrinkage=0.1)
    xr.testing.assert_allclose(lazy.compute(scheduler="synchronous"), right)


def test_a_neuron_that_does_not_vary_is_undefined():
    recording = activity()
    recording[1] = 7
    for lag in (0, 1):
        found = netxr.partial_correlation(recording, lag=lag)
        assert found.sel(target="b").isnull().all()
        assert found.sel(source="b").isnull().all()
        rest = netxr.partial_correlation(recording.isel(neuron=[0, 2, 3]), lag=lag)
        xr.testing.assert_allclose(found.drop_sel(target="b", source="b"), rest)


def test_fewer_samples_than_neurons_need_shrinkage():
    recording = activity(12, n_steps=10)
    with pytest.raises(InvalidInput, match="got 10 samples of 12 neurons; expected more samples than neurons"):
        netxr.partial_correlation(recording)
    assert netxr.partial_correlation(recording, shrinkage="oas").notnull().all()
    assert netxr.partial_correlation(recording, lag=1, shrinkage="oas").notnull().all()


@pytest.mark.parametrize("options", [{"lag": -1}, {"lag": 0.5}, {"shrinkage": 2}, {"shrinkage": "lw"}])
def test_arguments_that_do_not_fit(options):
    with pytest.raises(InvalidInput, match=next(iter(options))):
        netxr.partial_correlation(activity(), **options)


# --- neurons that do not vary --------------------------------------------------------------


@pytest.mark.parametrize("lag", [0, 1])
@pytest.mark.parametrize("shrinkage", [0.3, "oas", 1])
def test_a_neuron_that_does_not_vary_is_undefined_and_leaves_the_others_as_they_are(lag, shrinkage):
    recording = activity(4)
    silent = recording.where(recording.neuron != "b", 3.0)
    found = netxr.partial_correlation(silent, lag=lag, shrinkage=shrinkage)
    assert found.sel(target="b").isnull().all()
    assert found.sel(source="b").isnull().all()
    kept = ["a", "c", "d"]
    alone = netxr.partial_correlation(recording.sel(neuron=kept), lag=lag, shrinkage=shrinkage)
    xr.testing.assert_allclose(found.sel(target=kept, source=kept), alone)


def test_no_neuron_varies():
    still = xr.full_like(activity(), 2.0)
    assert netxr.partial_correlation(still, shrinkage="oas").isnull().all()
