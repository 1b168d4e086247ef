"""The further axes of a sweep: several estimators and scores, and lengths that are parts of one run."""

import gc
import inspect
import shutil
import tracemalloc

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.simulation import sweep_cell
from netxr.simulation.axes import AXES
from netxr.simulation.sweep_plan import call_of

METHODS = ["lagged_correlation", "granger"]
FURTHER = ["pearson", "slope", "mcc", "roc_auc_inhibitory", "symmetry"]
ASKED = {"n_neurons": [5, 8], "sparsity": 0.5, "n_steps": [200, 60], "lag": [1, 2], "trials": 2}


@pytest.fixture
def runs(monkeypatch):
    """How many samples each simulation has."""
    lengths, simulate = [], sweep_cell.simulate

    def counting(*args, n_steps, **options):
        lengths.append(n_steps)
        return simulate(*args, n_steps=n_steps, **options)

    monkeypatch.setattr(sweep_cell, "simulate", counting)
    return lengths


def test_several_estimators_and_lengths_are_from_one_run_and_as_each_alone(runs):
    swept = netxr.sweep(**ASKED, method=METHODS)
    assert runs == [200, 200]
    assert swept.pearson.dims == ("n_neurons", "sparsity", "n_steps", "n_groups", "lag", "estimator", "trial")
    assert swept.finished.dims == ("n_neurons", "sparsity")
    assert "estimator" not in swept.attrs
    for method in METHODS:
        alone = netxr.sweep(**ASKED, method=method)
        assert alone.finished.dims == ("n_neurons", "sparsity", "n_steps")
        for name in ("pearson", "kappa", "rv", "pearson_mean", "pearson_defined"):
            # Ranks of undirected pairs may tie in one and differ by rounding in the other; correlations do not.
            np.testing.assert_allclose(swept[name].sel(estimator=method), alone[name], rtol=0, atol=1e-10)


def test_a_cell_of_several_lengths_is_what_numpy_alone_makes_of_it():
    swept = netxr.sweep(
        n_neurons=7, sparsity=0.5, n_steps=[50, 400, 90], method=["lagged_correlation"], trials=1, seed=3
    )
    A = netxr.random_connectivity(7, sparsity=0.5, seed=3)
    x = netxr.simulate(A, n_steps=400, seed=3).activity.values[:, :, 0]
    for T in (50, 400, 90):
        R = np.corrcoef(x[:, 1:T], x[:, : T - 1])[:7, 7:]
        expected = np.corrcoef(A.values.ravel(), R.ravel())[0, 1]
        assert swept.pearson.sel(n_steps=T).item() == pytest.approx(expected, abs=1e-12)


def test_lengths_that_add_few_samples_and_lengths_that_are_too_short():
    asked = {"n_neurons": 4, "sparsity": 0.3, "n_steps": [4, 40, 41, 43, 90], "lag": [2], "trials": 2}
    swept = netxr.sweep(**asked, method=METHODS)
    for method in METHODS:
        alone = netxr.sweep(**asked, method=method)
        np.testing.assert_allclose(swept.pearson.sel(estimator=method), alone.pearson, rtol=0, atol=1e-10)
    assert swept.pearson.sel(n_steps=4, estimator="granger").isnull().all()
    assert swept.pearson.sel(n_steps=40, estimator="granger").notnull().all()


def test_every_score_of_compare_by_name(tmp_path):
    asked = {"n_neurons": 6, "sparsity": 0.5, "n_steps": 200, "trials": 2, "seed": 4, "diagonal": False}
    swept = netxr.sweep(**asked, scores=FURTHER, store=tmp_path / "s.zarr").load()
    run = netxr.simulate(netxr.random_connectivity(6, sparsity=0.5, seed=5), n_steps=200, trials=[1], seed=4)
    alone = netxr.compare(run.connectivity, netxr.lagged_correlation(run), diagonal=False, permutations=0)
    for name in FURTHER:
        np.testing.assert_allclose(swept[name].sel(trial=1).squeeze(), alone[name].squeeze(), atol=1e-12)
        assert swept[name].attrs["long_name"] == alone[name].attrs["long_name"]
    assert {name for name in swept.data_vars if "_" not in name} == {"pearson", "slope", "mcc", "symmetry", "finished"}
    assert swept.attrs["scores"] == FURTHER
    with pytest.raises(InvalidInput, match=r"^scores: got None; expected \['pearson', 'slope'.*as in the sweep"):
        netxr.sweep(**asked, store=tmp_path / "s.zarr")
    for wrong in ([], ["pearson", "pearson"], ["iq"], ["mantel_p"], 3):
        with pytest.raises(InvalidInput, match=r"^scores: got"):
            netxr.sweep(**asked, scores=wrong)


def test_a_sweep_over_estimators_is_kept_and_resumed(tmp_path):
    class Stop(Exception):
        pass

    def stop(done, _):
        if done:
            raise Stop

    path, whole = tmp_path / "s.zarr", netxr.sweep(**ASKED, method=METHODS)
    with pytest.raises(Stop):
        netxr.sweep(**ASKED, method=METHODS, store=path, progress=stop)
    halfway = xr.open_zarr(path, consolidated=False)
    assert halfway.finished.values.tolist() == [[True], [False]]
    assert halfway.pearson.isel(n_neurons=0).equals(whole.pearson.isel(n_neurons=0))
    shutil.copytree(path, tmp_path / "other.zarr")
    for other, message in (
        ({"method": METHODS[:1]}, r"method: got \['lagged_correlation'\]; expected \['lagged_correl"),
        ({"method": "regression"}, "method: got 'regression'; expected"),
    ):
        with pytest.raises(InvalidInput, match=message):
            netxr.sweep(**ASKED, **other, store=tmp_path / "other.zarr")
    resumed = netxr.sweep(**ASKED, method=METHODS, store=path, workers=2).load()
    xr.testing.assert_allclose(resumed, whole, rtol=1e-12)


def test_networks_and_dynamics_are_the_librarys_strung_together():
    asked = {"n_neurons": 8, "sparsity": 0.5, "n_steps": 300, "trials": 2, "seed": 3, "diagonal": False}
    model = {"weights": "lognormal", "units": "tanh", "burn_in": 20}
    varied = {"inhibitory": [0, 0.5], "spectral_radius": [0.8, 0.5], "common_drive": [0, 1]}
    swept = netxr.sweep(**asked, **model, **varied)
    dims = ("n_neurons", "sparsity", "inhibitory", "spectral_radius", "common_drive")
    assert swept.pearson.dims == (*dims, "n_steps", "n_groups", "lag", "trial")
    assert swept.finished.dims == dims
    A = netxr.random_connectivity(8, sparsity=0.5, inhibitory=0.5, spectral_radius=0.5, weights="lognormal", seed=4)
    run = netxr.simulate(A, n_steps=300, trials=[1], units="tanh", burn_in=20, common_drive=1, seed=3)
    alone = netxr.compare(A, netxr.lagged_correlation(run), diagonal=False, permutations=0)
    cell = swept.sel(inhibitory=0.5, spectral_radius=0.5, common_drive=1, trial=1)
    for name in ("pearson", "kappa", "average_precision"):
        assert cell[name].item() == pytest.approx(alone[name].item(), abs=1e-12)
    told = {"weights": "lognormal", "unit_function": "tanh", "burn_in": 20}
    assert told.items() <= swept.attrs.items()
    assert swept.attrs["model"].startswith("x(t + 1) = tanh(A x(t)")
    assert not told.keys() & netxr.sweep(**asked, coupling=2).attrs.keys()


def test_units_are_an_axis_that_is_kept_and_resumed(tmp_path):
    asked = {"n_neurons": 8, "sparsity": 0.5, "n_steps": [100, 300], "coupling": 0.9, "trials": 2, "method": METHODS}
    kinds = ["tanh", "sigmoid", "lif"]
    swept = netxr.sweep(**asked, units=kinds, store=tmp_path / "s.zarr").load()
    assert swept.units.values.tolist() == kinds
    assert swept.finished.dims == ("n_neurons", "sparsity", "coupling", "units")
    for kind in kinds:
        alone = netxr.sweep(**asked, units=kind)
        np.testing.assert_array_equal(swept.pearson.sel(units=kind), alone.pearson)
        assert alone.attrs["model"] in swept.attrs["model"]
    assert "unit_function" not in swept.attrs
    done = []
    again = netxr.sweep(
        **asked, units=kinds, store=tmp_path / "s.zarr", progress=lambda *told: done.append(told), workers=2
    )
    assert done == [(3, 3)]
    xr.testing.assert_identical(again.load(), swept)
    assert 'units=["tanh", "sigmoid", "lif"]' in call_of(swept)
    assert 'units=["tanh"]' in call_of(netxr.sweep(**asked, units=["tanh"]))
    with pytest.raises(InvalidInput, match=r"^units: got \['tanh'\]; expected \['tanh', 'sigmoid', 'lif'\], as in"):
        netxr.sweep(**asked, units=["tanh"], store=tmp_path / "s.zarr")


def test_spikes_and_an_indicator_on_them():
    asked = {"n_neurons": 8, "sparsity": 0.7, "n_steps": 4000, "trials": 2, "diagonal": False}
    swept = netxr.sweep(**asked, coupling=[2, 4], calcium=[0, 30], units="lif")
    A = netxr.random_connectivity(8, sparsity=0.7, coupling=4, seed=1)
    run = netxr.simulate(A, n_steps=4000, trials=[1], units="lif")
    for calcium in (0, 30):
        seen = netxr.observe(run, calcium=calcium) if calcium else run
        alone = netxr.compare(A, netxr.lagged_correlation(seen), diagonal=False, permutations=0)
        assert swept.pearson.sel(coupling=4, calcium=calcium, trial=1).item() == pytest.approx(
            alone.pearson.item(), abs=1e-9
        )
    assert swept.attrs["model"].startswith("v(t + 1) = leak v(t) + A x(t)")


def test_what_is_recorded_is_the_librarys_strung_together(runs):
    asked = {"n_neurons": [12], "sparsity": 0.5, "n_steps": [301, 200], "trials": 2, "seed": 3, "diagonal": False}
    varied = {"observed": [1, 0.5], "calcium": [0, 4], "every": [1, 3], "n_groups": [0, 2]}
    swept = netxr.sweep(**asked, **varied, method=METHODS[:1])
    assert runs == [301]
    dims = ("n_steps", "observed", "calcium", "every", "n_groups", "lag", "estimator")
    assert swept.pearson.dims == ("n_neurons", "sparsity", *dims, "trial")
    assert swept.neurons_per_group.sel(n_groups=2).values.tolist() == [[6, 3]]
    A = netxr.random_connectivity(12, sparsity=0.5, seed=4)
    for steps, every, n_groups, calcium in ((301, 3, 2, 4), (200, 3, 0, 4), (200, 1, 2, 4), (301, 1, 0, 0)):
        run = netxr.simulate(A, n_steps=steps, trials=[1], seed=3)
        seen = netxr.observe(run, neurons=0.5, calcium=calcium or None, every=every, coarsen=n_groups or None, seed=3)
        alone = netxr.compare(seen.connectivity, netxr.lagged_correlation(seen), diagonal=False, permutations=0)
        place = {"n_neurons": 12, "n_steps": steps, "every": every, "n_groups": n_groups}
        place |= {"observed": 0.5, "calcium": calcium}
        np.testing.assert_allclose(swept.pearson.sel(place).sel(trial=1).squeeze(), alone.pearson.squeeze(), atol=1e-10)
    plain = netxr.sweep(**asked)
    np.testing.assert_allclose(
        swept.pearson.sel(observed=1, calcium=0, every=1, n_groups=[0]).squeeze("estimator"), plain.pearson, atol=1e-10
    )


def test_networks_that_cannot_be_scaled_or_are_not_stable_have_no_score():
    asked = {"n_neurons": 4, "sparsity": 0.7, "n_steps": 60, "trials": 6, "seed": 0}
    swept = netxr.sweep(**asked, spectral_radius=0.5)
    has_cycle = []
    for seed in range(6):
        A = netxr.random_connectivity(4, sparsity=0.7, seed=seed).values
        has_cycle.append(bool(np.linalg.matrix_power(A != 0, 4).any()))
    assert 0 < sum(has_cycle) < 6
    np.testing.assert_array_equal(swept.mantel.notnull().squeeze(), has_cycle)
    strong = netxr.sweep(**asked, coupling=[0.9, 3], units="linear")
    assert strong.pearson_defined.squeeze().values.tolist() == [6, 6 - sum(has_cycle)]
    with pytest.raises(InvalidInput, match=r"^sparsity: got a network without any edge"):
        netxr.sweep(**asked | {"sparsity": 1}, coupling=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spectral_radius": [0.5, 1.2], "units": "linear"}, "spectral_radius: got a spectral radius of 1.2, gain"),
        ({"spectral_radius": 0.5, "coupling": 2}, "spectral_radius: got it beside coupling=2.0; expected one of the"),
        ({"inhibitory": 0.5, "rng": "legacy"}, "rng: got 'legacy'; expected 'modern'"),
        ({"inhibitory": [0, 0.5], "weights": "normal"}, "inhibitory: got 0.5 of normal weights"),
        ({"inhibitory": 2}, "inhibitory: got 2; expected a share, 0 to 1"),
        ({"coupling": 0}, "coupling: got 0.0; expected a number above 0"),
        ({"common_drive": -1}, "common_drive: got -1; expected a finite number, 0 or above"),
        ({"observed": 0}, "observed: got 0; expected a share above 0"),
        ({"observed": [0.05, 1]}, "observed: got 0.05 of 10 neurons; expected shares that are two neurons or more"),
        ({"n_neurons": [10, 100], "observed": 0.05}, "observed: got 0.05 of 10 neurons; expected"),
        (
            {"observed": [0.5, 1], "n_groups": 2},
            "n_groups: got 2 of 5 neurons; expected numbers that divide the recorded",
        ),
        ({"every": [1, 50], "lag": 1}, "lag: got 1 in 2 samples; expected lags that leave"),
        ({"every": 0}, "every: got 0; expected a whole number, 1 or above"),
        ({"calcium": -1}, "calcium: got -1; expected a finite number, 0 or above"),
        ({"units": "relu"}, "units: got 'relu'; expected 'sigmoid' or"),
        ({"units": abs}, "units: got <built-in function abs>; expected one value, or a sequence"),
        ({"units": ["tanh", "relu"]}, "units: got 'relu'; expected 'sigmoid' or"),
        ({"units": ["tanh", "tanh"]}, r"units: got \['tanh', 'tanh'\]; expected one value, or a sequence of different"),
        ({"units": ["tanh", "linear"], "spectral_radius": 1.2}, "spectral_radius: got a spectral radius of 1.2, gain"),
        ({"weights": "equal"}, "weights: got 'equal'; expected"),
        ({"burn_in": -1}, "burn_in: got -1; expected a whole number, 0 or above"),
    ],
)
def test_what_fits_no_network_is_refused_before_any_work(tmp_path, wrong, message):
    with pytest.raises(InvalidInput, match=f"^{message}"):
        netxr.sweep(**{"n_neurons": 10, "n_steps": 100, "trials": 2} | wrong, store=tmp_path / "s.zarr")
    assert not (tmp_path / "s.zarr").exists()


def test_networks_that_all_grow_without_end_are_an_error_about_what_scales_them():
    with pytest.raises(
        InvalidInput, match=r"^coupling: got a spectral radius of .* Take lower numbers for coupling=\.$"
    ):
        netxr.sweep(n_neurons=5, n_steps=50, trials=2, sparsity=0, coupling=2, units="linear")


def test_every_axis_is_an_argument_with_its_default():
    arguments = inspect.signature(netxr.sweep).parameters
    defaults = {name: axis.default for name, axis in AXES.items()} | {"units": "sigmoid"}  # no dim, as of one method
    assert {name: arguments[name].default for name in AXES} == defaults
    assert list(AXES) == [name for name in arguments if name in AXES]


@pytest.mark.slow
def test_the_same_call_on_a_cluster(tmp_path):
    distributed = pytest.importorskip("distributed")
    whole = netxr.sweep(**ASKED, method=METHODS)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        heard = []
        found = netxr.sweep(
            **ASKED, method=METHODS, store=tmp_path / "s.zarr", progress=lambda *told: heard.append(told)
        )
        assert not client.futures  # before a read of the result: those of dask go a moment after it
        xr.testing.assert_allclose(found.load(), whole, rtol=1e-10)
        assert heard == [(0, 2), (1, 2), (2, 2)]
        with pytest.raises(InvalidInput, match="t: got 25 pairs of neurons"):
            netxr.sweep(n_neurons=[5], n_steps=50, method="edge_probability", trials=2)


def test_an_estimate_that_is_refused_does_not_keep_the_samples():
    """An error that is kept would hold what it came through, in a circle: until Python looks for those, if ever."""
    gc.disable()
    tracemalloc.start()
    try:
        netxr.sweep(n_neurons=[5, 6], n_steps=[50_000], trials=2, method=["regression", "edge_probability"])
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert most > 2 * 5 * 50_000 * 8  # the samples were there
    assert held < 1_000_000


def test_an_estimator_that_tells_no_sign_has_no_score_of_inhibitory_edges():
    options = {"inhibitory": 0.4, "sparsity": 0.5, "trials": 1, "diagonal": False}
    found = netxr.sweep(
        n_neurons=10, n_steps=200, method=["regression", "granger"], scores=["pearson", "roc_auc_inhibitory"], **options
    )
    assert found.roc_auc_inhibitory.isnull().squeeze().values.tolist() == [False, True]
    assert found.pearson.notnull().all()
