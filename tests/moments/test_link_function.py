import dask.array as da
import numpy as np
import pytest
import xarray as xr
from scipy.special import logit

import netxr
from netxr.errors import InvalidInput
from netxr.moments.link_function import fill_logits
from tests.runs import nothing_computes


def states(n=4, n_steps=60, trials=2, *, seed=0, dtype="float64"):
    """Samples between 0 and 1 that begin at 0, as those of a simulation."""
    x = np.random.default_rng(seed).uniform(0.05, 0.95, (n, n_steps, trials)).astype(dtype)
    x[:, 0] = 0
    return netxr.as_activity(x, dims=("neuron", "time", "trial"), neurons=list("abcdefgh")[:n])


def test_one_neuron_by_hand():
    """x = 0, 1/2, 3/4: logits 0 and ln 3 on the 0 and 1/2 before them."""
    found = netxr.lagged_moments(netxr.as_activity([[0, 0.5, 0.75]], dims=("neuron", "time")), link="logit").sel(lag=1)
    assert found.mean_linked.item() == pytest.approx(np.log(3) / 2)
    assert found.sumsq_linked.item() == pytest.approx(np.log(3) ** 2 / 2)
    assert found.comoment_linked.item() == pytest.approx(np.log(3) / 4)  # ln 3 / 2 x 1/4, twice


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("chunks", [None, {"time": 7, "trial": 1}, {"neuron": 1, "time": 60}])
def test_linked_moments_against_numpy(dtype, chunks):
    recording = states(dtype=dtype)
    given = recording if chunks is None else recording.chunk(chunks)
    with nothing_computes():
        found = netxr.lagged_moments(given, lags=[0, 1, 3], link="logit")
    assert isinstance(found.comoment_linked.data, da.Array) == (chunks is not None)
    found, tolerance = found.compute(), 1e-10 if dtype == "float64" else 1e-4
    plain = netxr.lagged_moments(recording, lags=[0, 1, 3])
    xr.testing.assert_allclose(found[list(plain)], plain, rtol=tolerance, atol=tolerance)
    for lag in (1, 3):
        for trial in range(2):
            x = recording.values[..., trial].astype(float)
            y, source = logit(x[:, lag:]), x[:, :-lag]
            y_off, source_off = (side - side.mean(1, keepdims=True) for side in (y, source))
            one = found.sel(lag=lag).isel(trial=trial)
            np.testing.assert_allclose(one.mean_linked, y.mean(1), atol=tolerance)
            np.testing.assert_allclose(one.sumsq_linked, np.square(y_off).sum(1), rtol=tolerance)
            np.testing.assert_allclose(one.comoment_linked, y_off @ source_off.T, atol=10 * tolerance)
    assert found.comoment_linked.sel(lag=0).isnull().all()
    assert found.attrs["link"] == "logit"


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 2e-15), ("float32", 1e-6)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_logits_against_more_digits_from_end_to_end(dtype, tolerance, order):
    off = 10.0 ** -np.random.default_rng(0).uniform(0.5, 15 if dtype == "float64" else 6, (2, 9_000))
    samples = np.stack([off[0], 1 - off[0], 0.5 - off[1], 0.5 + off[1], 0.3 * off[0] ** 2]).astype(dtype, order=order)
    found = np.empty_like(samples)
    fill_logits(found, samples, 1, list(range(5)))
    exact = samples.astype(np.longdouble)  # older SciPy has few digits near 1/2
    near_half, far = 2 * np.arctanh(np.clip(2 * exact - 1, -0.6, 0.6)), np.log(exact) - np.log1p(-exact)
    right = np.where(np.abs(exact - 0.5) < 0.25, near_half, far)
    np.testing.assert_allclose(found, right.astype(float), rtol=tolerance)


def test_days_merge_and_go_on():
    recording = states(n_steps=90)
    whole = netxr.lagged_moments(recording, lags=[0, 1, 2], link="logit")
    parts = [
        netxr.lagged_moments(recording.isel(trial=[0]).isel(time=of), lags=[0, 1, 2], link="logit")
        for of in (slice(0, 40), slice(40, None))
    ]
    merged = netxr.merge_moments(parts, continuous=True)
    right = whole.isel(trial=[0]).drop_vars("trial", errors="ignore")
    xr.testing.assert_allclose(merged.drop_vars("trial", errors="ignore"), right)
    with pytest.raises(InvalidInput, match="parts"):
        netxr.merge_moments([whole, netxr.lagged_moments(recording, lags=[0, 1, 2])])


def test_a_stored_run_that_grows_keeps_its_linked_moments(tmp_path):
    recording = states(n_steps=90)
    first, rest = recording.isel(time=slice(0, 50)), recording.isel(time=slice(50, None))
    moments = netxr.lagged_moments(first, link="logit")
    netxr.save(first.to_dataset(name="activity").merge(moments), tmp_path / "run.zarr")
    netxr.append(rest.to_dataset(name="activity"), tmp_path / "run.zarr", dim="time")
    grown = netxr.open(tmp_path / "run.zarr")
    right = netxr.lagged_moments(recording, link="logit")
    for name in ("count", "comoment", "mean_linked", "sumsq_linked", "comoment_linked"):
        np.testing.assert_allclose(grown[name], right[name], rtol=1e-9)


def test_a_regression_of_linked_targets_is_that_of_the_logits():
    run = netxr.simulate(netxr.random_connectivity(6, sparsity=0.5, seed=1), n_steps=400, seed=1).isel(trial=0)
    moments = netxr.lagged_moments(run, lags=[0, 1, 2], link="logit")
    x = run.activity.transpose("neuron", "time").values
    for lags in ([1], [1, 2]):
        p = max(lags)
        past = np.concatenate([x[:, p - a : x.shape[1] - a] for a in lags])
        design = np.column_stack([past.T, np.ones(past.shape[1])])
        b, left = np.linalg.lstsq(design, logit(x[:, p:]).T, rcond=None)[:2]
        found = netxr.regression(moments, lags=lags)
        right = b[:-1].reshape(len(lags), 6, 6).swapaxes(1, 2)
        np.testing.assert_allclose(found.coefficient, right, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(found.residual_variance, left / (len(design) - design.shape[1]), rtol=1e-9)
        f = netxr.granger(moments, lags=lags).f
        np.testing.assert_allclose(netxr.granger(moments, lags=lags, conditional=False).f.notnull().sum(), 30)
        assert f.notnull().all()


def test_samples_outside_are_counted_and_the_first_is_named():
    recording = states()
    recording[2, 5, 1] = 1
    recording[3, 9, 1] = -2
    with pytest.raises(InvalidInput, match=r"2 samples that are not between 0 and 1, the first .* 1\.0 of neuron c at"):
        netxr.lagged_moments(recording, link="logit")
    with pytest.raises(InvalidInput, match=r"1\.0 of neuron c at sample 5"):
        netxr.lagged_moments(recording.chunk(time=4, trial=1), link="logit").compute()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"link": "probit"}, "link: got 'probit'"), ({"link": "logit", "sources": ["a"]}, "sources: got")],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(InvalidInput, match=message):
        netxr.lagged_moments(states(), **options)


def test_linked_moments_are_not_averaged_over_groups():
    with pytest.raises(InvalidInput, match="moments of linked targets"):
        netxr.coarsen(netxr.lagged_moments(states(), link="logit"), groups=2)
