"""What a recording shows, against plain loops over neurons and samples."""

import itertools
from hashlib import blake2b

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput, NonFiniteActivity
from tests.runs import activity, nothing_computes
from tests.strategies import chunked


def run_of(n=6, n_steps=400, trials=2, **options):
    A = netxr.random_connectivity(n, sparsity=0.5, seed=1)
    A = A.assign_coords(target=list("abcdefghij"[:n]), source=list("abcdefghij"[:n]))
    return netxr.simulate(A, n_steps=n_steps, trials=trials, seed=1, **options)


def plain_indicator(x, constants, saturation=None):
    """One sample after the other: each stage keeps exp(-1 / constant) of itself."""
    for constant in constants:
        shown = [x[0]]
        for sample in x[1:]:
            shown.append(np.exp(-1 / constant) * shown[-1] + (1 - np.exp(-1 / constant)) * sample)
        x = np.array(shown)
    return x if saturation is None else np.maximum(x, 0) / (np.maximum(x, 0) + saturation)


def key(label):
    return int.from_bytes(blake2b(repr(label).encode(), digest_size=8).digest(), "little")


def plain_noise(label, trial, n_samples, seed):
    """Of a neuron and a trial: blocks of 4096 samples from counters of their own."""
    blocks = [
        np.random.Generator(
            np.random.Philox(key=np.array([seed, key(trial)], "u8"), counter=np.array([0, key(label), 7, b], "u8"))
        ).standard_normal(4096)
        for b in range(-(-n_samples // 4096))
    ]
    return np.concatenate(blocks)[:n_samples]


# --- by hand -----------------------------------------------------------------------------------


def test_an_indicator_by_hand():
    """It keeps half of itself from sample to sample, and saturates halfway at 4."""
    x = netxr.as_activity([[8.0, 8, 0, 0, 4]], dims=("neuron", "time"))
    half = 1 / np.log(2)
    np.testing.assert_allclose(netxr.observe(x, calcium=half), [[8, 8, 4, 2, 3]])
    np.testing.assert_allclose(netxr.observe(x, calcium=half, saturation=4), [[2 / 3, 2 / 3, 1 / 2, 1 / 3, 3 / 7]])
    np.testing.assert_allclose(netxr.observe(x, calcium=half, rise=half), [[8, 8, 6, 4, 3.5]])


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_an_indicator_does_not_spread_what_is_missing(lazy, wrong):
    x = netxr.as_activity([[8.0, 8, wrong, 0, 4]], dims=("neuron", "time"))
    with pytest.raises(NonFiniteActivity, match=r"run: got NaN or infinity; .* netxr\.interpolate_frames"):
        netxr.observe(x.chunk(time=2) if lazy else x, calcium=0.01).compute()
    assert np.isnan(netxr.observe(x.where(np.isfinite(x)), noise=0.1)).sum() == 1


# --- against plain loops -------------------------------------------------------------------------


@given(
    st.sampled_from([None, (3.0, 0.0, None), (2.0, 1.5, None), (5.0, 0.5, 0.4), (40.0, 0.0, None)]),
    st.sampled_from([1, 3]),
    st.sampled_from([(0.0, 0.0), (0.3, 0.0), (0.2, 0.5)]),
    st.sampled_from(["float64", "float32", "int16"]),
    st.booleans(),
    st.data(),
)
def test_any_observation_of_any_chunks(indicator, every, noises, dtype, has_trials, data):
    x = activity(3, 300, trials=2, dtype=dtype)
    x = x if has_trials else x.isel(trial=0, drop=True)
    decay, rise, saturation = indicator or (None, 0.0, None)
    options = {"calcium": decay, "rise": rise, "saturation": saturation, "every": every}
    options |= {"noise": noises[0], "shot": noises[1], "seed": 4}
    found = netxr.observe(x, **options)
    for k, trial in enumerate(x.trial.values.tolist() if has_trials else [None]):
        for i, label in enumerate("abc"):
            one = x.isel(neuron=i, trial=k) if has_trials else x.isel(neuron=i)
            constants = [constant for constant in (rise, decay) if constant]
            shown = plain_indicator(one.values.astype(float), constants, saturation)[::every]
            e = plain_noise(label, trial, len(shown), 4) if has_trials else plain_noise_of_no_trial(label, len(shown))
            right = shown + np.sqrt(noises[0] ** 2 + noises[1] * np.maximum(shown, 0)) * e
            mine = found.isel(neuron=i, trial=k) if has_trials else found.isel(neuron=i)
            atol = 2e-5 if dtype == "float32" else 1e-12 * max(1, np.abs(right).max())
            np.testing.assert_allclose(mine, right, rtol=0, atol=atol)
    assert found.dtype == (np.float64 if dtype == "int16" else np.dtype(dtype))
    lazy = netxr.observe(data.draw(chunked(x)), **options)
    assert isinstance(lazy.data, da.Array)
    np.testing.assert_allclose(lazy.compute(scheduler="synchronous"), found, rtol=1e-6 if dtype == "float32" else 1e-12)


def plain_noise_of_no_trial(label, n_samples):
    generator = np.random.Generator(
        np.random.Philox(key=np.array([4, 0], "u8"), counter=np.array([0, key(label), 7, 0], "u8"))
    )
    return generator.standard_normal(4096)[:n_samples]


# --- runs ------------------------------------------------------------------------------------------


def test_some_neurons_with_their_weights_and_inputs():
    run = run_of(instrument=1.0, perturb=4)
    seen = netxr.observe(run, neurons=["e", "a", "c"], every=2)
    for dim in ("neuron", "target", "source", "input"):
        assert seen[dim].values.tolist() == ["e", "a", "c"]
    xr.testing.assert_equal(seen.connectivity, run.connectivity.sel(target=["e", "a", "c"], source=["e", "a", "c"]))
    np.testing.assert_array_equal(seen.activity, run.activity.sel(neuron=["e", "a", "c"])[:, ::2])
    np.testing.assert_array_equal(seen.inputs, run.inputs.sel(input=["e", "a", "c"])[:, ::2])
    assert seen.perturbed.values.tolist() == [t % 2 == 0 for t in range(200)]


def test_a_larger_share_holds_the_smaller_one():
    run = run_of(10)
    seen = [netxr.observe(run, neurons=share, seed=3).neuron.values.tolist() for share in (0.1, 0.5, 0.8, 1)]
    assert [len(labels) for labels in seen] == [1, 5, 8, 10]
    for fewer, more in itertools.pairwise(seen):
        assert set(fewer) < set(more)
    assert seen[-1] == list("abcdefghij")
    others = {tuple(netxr.observe(run, neurons=0.5, seed=seed).neuron.values) for seed in range(5)}
    assert len(others) >= 3


def test_noise_belongs_to_labels():
    run = run_of(10)
    options = {"calcium": 4, "noise": 0.1, "shot": 0.1, "seed": 2}
    whole, part = netxr.observe(run, **options), netxr.observe(run, neurons=["h", "b"], **options)
    xr.testing.assert_allclose(part.activity, whole.activity.sel(neuron=["h", "b"]))
    alone = netxr.observe(run.isel(trial=[1]), **options).activity
    np.testing.assert_array_equal(alone.isel(trial=0), whole.activity.isel(trial=1))


def test_averages_of_what_is_recorded():
    run = run_of(6)
    groups = {"a": "x", "b": "x", "c": "y", "e": "y"}
    seen = netxr.observe(run, neurons=["a", "b", "c", "e"], calcium=3, coarsen=groups, every=2)
    alone = netxr.observe(run.activity, calcium=3, every=2)
    means = np.stack([alone.sel(neuron=two).mean("neuron") for two in (["a", "b"], ["c", "e"])])
    np.testing.assert_allclose(seen.activity, means)
    assert seen.neuron.values.tolist() == ["x", "y"]
    right = run.connectivity.sel(target=["c", "e"], source=["a", "b"]).mean()
    assert seen.connectivity.sel(target="y", source="x").item() == pytest.approx(right.item())


def test_times_and_what_is_said_of_it():
    run = run_of()
    run = run.assign(estimate=netxr.lagged_correlation(run.activity))
    seen = netxr.observe(run, neurons=0.5, calcium=10, rise=1.0, every=4, noise=0.2, seed=1)
    assert seen.time.values[:3].tolist() == [0, 4, 8]
    assert seen.attrs["sampling_interval"] == seen.activity.attrs["sampling_interval"] == 4
    said = "observe neurons=0.5 calcium=10 rise=1.0 every=4 noise=0.2 seed=1"
    assert seen.activity.attrs["preprocessing"] == said
    assert "estimate" not in seen
    again = netxr.observe(seen.activity, every=2)
    assert again.attrs["preprocessing"] == f"{said}\nobserve every=2"
    assert netxr.observe(seen.activity, every=np.int64(2)).attrs["preprocessing"] == f"{said}\nobserve every=2"
    assert again.attrs["sampling_interval"] == 8
    assert again.time.values[:2].tolist() == [0, 8]
    assert run.attrs["sampling_interval"] == 1
    bare = xr.DataArray(np.zeros((2, 9)), dims=("neuron", "time"), attrs={"sampling_interval": 0.5})
    assert netxr.observe(bare, every=3).attrs["sampling_interval"] == 1.5


def test_lazy_runs_stay_lazy_and_go_on_to_estimates(tmp_path):
    run = run_of(6, 9_000, store=tmp_path / "run.zarr").chunk(time=1000)
    with nothing_computes():
        seen = netxr.observe(run, neurons=0.5, calcium=10, every=2, noise=0.01, coarsen=[0, 0, 1])
        R = netxr.lagged_correlation(seen.activity)
    assert isinstance(R.data, da.Array)
    right = netxr.observe(run.compute(), neurons=0.5, calcium=10, every=2, noise=0.01, coarsen=[0, 0, 1])
    np.testing.assert_allclose(R, netxr.lagged_correlation(right.activity), atol=1e-12)


def test_a_slow_indicator_hides_what_a_correlation_could_find():
    A = netxr.random_connectivity(20, weights="normal", spectral_radius=0.9, seed=2)
    run = netxr.simulate(A, n_steps=20_000, units="linear", burn_in=200).isel(trial=0)

    def scores(seen):
        R, b = netxr.lagged_correlation(seen.activity), netxr.regression(seen.activity).coefficient
        return [netxr.compare(seen.connectivity, one, diagonal=False).pearson.item() for one in (R, b)]

    whole, slow, hidden, rare = (
        scores(netxr.observe(run, **o)) for o in ({}, {"calcium": 10}, {"neurons": 0.5}, {"every": 2})
    )
    assert whole[1] > 0.99
    assert slow[0] < whole[0] - 0.1
    assert 0.5 < hidden[1] < 0.98
    assert max(rare) < 0.5


# --- refused ---------------------------------------------------------------------------------------

WRONG = {
    "neurons": [0, 1.5, -0.1, np.nan, [], ["a", "a"], ["z"], "a", [["a"]]],
    "calcium": [0, -1, np.nan, np.inf, "10", True],
    "rise": [-1, np.nan, "1", None, 2.0],
    "saturation": [0, -1, np.nan, "1", 1.0],
    "every": [0, -1, 1.5, "2", None, 400, 500],
    "noise": [-1, np.nan, "1", None],
    "shot": [-1, np.nan, "1", None],
    "seed": [-1, 2**64, None],
    "run": [None, np.zeros((3, 3)), xr.Dataset()],
    "groups": [],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_arguments(name, value):
    with pytest.raises(InvalidInput) as caught:
        netxr.observe(**({"run": activity(4)} | {name: value}))
    assert caught.value.argument == name
    with pytest.raises(InvalidInput, match="every: got 500 for a recording of 400 samples; expected a step that takes"):
        netxr.observe(activity(4, 400), every=500)
    assert netxr.observe(activity(4, 400), every=399).sizes["time"] == 2
    with pytest.raises(InvalidInput, match="groups: got 3; expected a number that divides the 4 neurons"):
        netxr.observe(activity(4), coarsen=3)
