import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from tests.runs import nothing_computes


def recording(n=6, n_steps=200, trials=2, *, dtype=float, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, n_steps, trials)).astype(dtype)
    return xr.DataArray(x, dims=("neuron", "time", "trial"), coords={"neuron": list("abcdefghij")[:n]}, name="activity")


def oracle(values, groups):
    labels = list(dict.fromkeys(g for g in groups if g != -1))
    return labels, np.array([values[[k for k, g in enumerate(groups) if g == label]].mean(axis=0) for label in labels])


@given(st.lists(st.sampled_from([-1, 0, 1, 7]), min_size=6, max_size=6).filter(lambda g: set(g) != {-1}), st.booleans())
def test_groups_of_any_size_are_means_of_their_neurons(groups, lazy):
    x = recording()
    labels, means = oracle(x.values, groups)
    coarse = netxr.coarsen(x.chunk(time=70, neuron=4) if lazy else x, groups=groups)
    assert coarse.neuron.values.tolist() == labels
    assert coarse.group_size.values.tolist() == [groups.count(label) for label in labels]
    np.testing.assert_allclose(coarse, means, atol=1e-14)


@given(st.lists(st.sampled_from([-1, 0, 1, 7]), min_size=6, max_size=6).filter(lambda g: set(g) != {-1}))
def test_connectivity_is_the_mean_over_blocks(groups):
    A = np.random.default_rng(1).random((6, 6))
    coarse = netxr.coarsen(netxr.as_connectivity(A, rows="target"), groups=groups)
    _, rows = oracle(A, groups)
    _, blocks = oracle(rows.T, groups)
    np.testing.assert_allclose(coarse, blocks.T, atol=1e-14)


@pytest.mark.crossed
@pytest.mark.parametrize("dim", ["time", ("time", "trial")])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("lazy", [False, True])
def test_coarse_moments_are_moments_of_coarse_activity(dim, dtype, lazy):
    x = recording(dtype=dtype)
    x = x.chunk(time=30) if lazy else x
    groups, lags = ["p", "q", "", "q", "p", "q"], [0, 1, 5, 40]
    fine = netxr.coarsen(netxr.lagged_moments(x, lags=lags, dim=dim, precision="float64"), groups=groups)
    wanted = netxr.lagged_moments(netxr.coarsen(x, groups=groups), lags=lags, dim=dim)
    for name in ("count", "mean_target", "mean_source", "sumsq_target", "sumsq_source", "comoment"):
        xr.testing.assert_allclose(fine[name].compute(), wanted[name].compute(), rtol=1e-9, atol=1e-9)


def test_coarse_float32_recordings_agree_within_the_promise():
    x = recording(n_steps=5000, dtype="f4") * np.float32(0.05) - np.float32(65)
    groups = [1, 1, 0, -1, 0, 0]
    by_activity = netxr.lagged_correlation(netxr.coarsen(x, groups=groups), lags=[0, 1])
    by_moments = netxr.lagged_correlation(netxr.coarsen(netxr.lagged_moments(x), groups=groups), lags=[0, 1])
    np.testing.assert_allclose(by_activity, by_moments, rtol=0, atol=1e-6)


def test_groups_by_number_mapping_coordinate_and_array_are_the_same():
    x = recording()
    wanted = netxr.coarsen(x, groups=[0, 0, 1, 1, 2, 2])
    by_label = dict(zip("abcdef", [0, 0, 1, 1, 2, 2], strict=True))
    xr.testing.assert_identical(netxr.coarsen(x, groups=3), wanted)
    xr.testing.assert_identical(netxr.coarsen(x, groups=by_label), wanted)
    xr.testing.assert_identical(netxr.coarsen(netxr.assign_groups(x, groups=by_label)), wanted)
    shuffled = xr.DataArray([2, 2, 1, 1, 0, 0], dims="neuron", coords={"neuron": list("fedcba")})
    xr.testing.assert_identical(netxr.coarsen(x, groups=shuffled), wanted)


def test_nan_stays_in_its_own_group():
    x = recording(4, 10, 1)
    x[2, 5] = np.nan
    coarse = netxr.coarsen(x, groups=[0, 0, 1, 1]).isel(trial=0)
    assert np.isnan(coarse.values).tolist() == [[False] * 10, [k == 5 for k in range(10)]]
    A = np.ones((4, 4))
    A[3, 3] = np.nan
    coarse = netxr.coarsen(netxr.as_connectivity(A, rows="target"), groups=2)
    np.testing.assert_array_equal(coarse, [[1, 1], [1, np.nan]])


def test_a_run_is_coarse_grained_whole_and_keeps_what_has_no_neurons():
    run = netxr.simulate(netxr.random_connectivity(6, seed=1), n_steps=50, trials=2, seed=1)
    run = run.assign(temperature=("trial", [36.5, 37.0]))
    coarse = netxr.coarsen(run, groups=2)
    assert coarse.activity.shape == (2, 50, 2)
    assert coarse.connectivity.shape == (2, 2)
    xr.testing.assert_identical(coarse.temperature, run.temperature)
    assert coarse.attrs == run.attrs


def test_groups_of_one_change_nothing():
    x = recording()
    np.testing.assert_allclose(netxr.coarsen(x, groups=6), x, atol=0)


def test_lazy_stays_lazy():
    run = xr.Dataset({"activity": recording().chunk(time=50)})
    with nothing_computes():
        coarse = netxr.coarsen(run, groups=3)
        netxr.coarsen(netxr.lagged_moments(run.activity), groups=3)
    assert isinstance(coarse.activity.data, da.Array)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (4, "groups: got 4; expected a number that divides the 6 neurons: 1, 2, 3, 6"),
        (0, "groups: got 0"),
        (True, "groups: got True"),
        ([0, 1], "groups: got shape"),
        ([-1] * 6, "no neuron in any group"),
        ({"z": 1}, "a group for 'z'"),
        ([0, 0, 0, "a", "a", "a"], "labels of several kinds"),
        ([0.5] * 6, "labels of several kinds"),
        (None, "no coordinate `group`"),
    ],
)
def test_groups_that_do_not_fit_are_named(groups, message):
    with pytest.raises(InvalidInput, match=message):
        netxr.coarsen(recording(), groups=groups)


@pytest.mark.parametrize("function", [netxr.coarsen, netxr.assign_groups])
@pytest.mark.parametrize("data", [np.zeros((3, 3)), None, xr.DataArray(np.zeros(3), dims="time")])
def test_data_without_neurons_is_named(function, data):
    with pytest.raises(InvalidInput, match=r"^data: got"):
        function(data, groups=1)


def test_estimates_scores_and_poor_moments_are_refused():
    x = recording(trials=1)
    R = netxr.lagged_correlation(x)
    with pytest.raises(InvalidInput, match="coarse-grain first, then estimate"):
        netxr.coarsen(R, groups=3)
    A = netxr.as_connectivity(np.eye(6), rows="target", neurons=list("abcdef"))
    scored = xr.Dataset({"connectivity": A, **netxr.compare(A, R, diagonal=True, permutations=0).data_vars})
    with pytest.raises(InvalidInput, match="scores of the finer level"):
        netxr.coarsen(scored, groups=3)
    for moments in (
        netxr.lagged_moments(x, lags=[1]),
        netxr.lagged_moments(x, missing="drop"),
        netxr.lagged_moments(x, sources="a"),
    ):
        with pytest.raises(InvalidInput):
            netxr.coarsen(moments, groups=3)
