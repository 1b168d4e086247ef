"""Options of the simulation beyond the tutorial's model, each against a plain loop over noise that was drawn apart."""

import re

import numpy as np
import pytest
import scipy.special
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from netxr.simulation import simulate as simulation
from netxr.simulation.simulate import simulate

UNITS = {
    "sigmoid": scipy.special.expit,
    "linear": lambda drive: drive,
    "tanh": np.tanh,
    "threshold": lambda drive: (drive > 0).astype(float),
}


def draws(stream, n_steps, *, before=0, seed=0, trial=0, draw):
    """What belongs to steps from -before on, (step, ...): blocks of 256 from counters of their own."""
    first = -before // 256
    blocks = [
        draw(
            np.random.Generator(np.random.Philox(key=[seed, trial], counter=np.array([0, 0, stream, b % 2**64], "u8")))
        )
        for b in range(first, -(-n_steps // 256))
    ]
    return np.concatenate(blocks)[-before - 256 * first :][: before + n_steps]


def normals(n, n_steps, **of):
    return draws(0, n_steps, draw=lambda random: random.standard_normal((256, n)), **of)


def flips(stream, n, n_steps, **of):
    def bits(random):
        return np.unpackbits(np.frombuffer(random.bytes(32 * n), np.uint8)).reshape(256, n)

    return draws(stream, n_steps, draw=bits, **of)


def hidden(n_steps, *, before=0, **of):
    """The signal step by step, from 512 steps before the first one's block."""
    ahead = 512 + -(-before // 256) * 256
    kicks, h = draws(4, n_steps, before=ahead, draw=lambda random: random.standard_normal(256), **of), [0.0]
    for kick in kicks:
        h.append(0.9 * h[-1] + np.sqrt(1 - 0.81) * kick)
    return np.array(h[1 + ahead - before :])


def plain_loop(A, drive, *, units="sigmoid", leak=0.0, delay=1, initial=0.0, replaced=None):
    """Step by step, each edge from as long ago as its delay; `replaced` holds states that are set, by step."""
    lead, delay = np.max(delay), np.broadcast_to(delay, A.shape)
    x = np.concatenate([np.full((lead + 1, len(A)), float(initial)), np.zeros_like(drive[1:])])
    for t in range(len(drive)):
        now = lead + t
        if t:
            past = x[now - delay, np.arange(len(A))]
            x[now] = leak * x[now - 1] + (1 - leak) * UNITS[units]((A * past).sum(axis=1) + drive[t])
        if replaced is not None and t in replaced:
            x[now] = replaced[t]
    return x[lead:].T


def plain_spikes(A, drive, *, leak, threshold, reset, delay=1, initial=0.0, replaced=None):
    """Leaky integrate-and-fire step by step; in steps of `replaced`, spikes are set."""
    lead, delay, v = np.max(delay), np.broadcast_to(delay, A.shape), np.full(len(A), float(initial))
    s = np.zeros((lead + len(drive), len(A)))
    for t in range(len(drive)):
        now = lead + t
        is_set = replaced is not None and t in replaced
        if t:
            arriving = (A * s[now - delay, np.arange(len(A))]).sum(axis=1) + drive[t]
            v = leak * v + (0 if is_set else arriving)
            s[now] = v >= threshold
        s[now] = replaced[t] if is_set else s[now]
        v = np.where(s[now] > 0, reset, v)
    return s[lead:].T


def network(n=4, **options):
    return netxr.random_connectivity(n, **{"sparsity": 0.4, "weights": "normal", "coupling": 0.9, "seed": 3} | options)


# --- by hand -----------------------------------------------------------------------------------


def test_two_neurons_by_hand():
    """Without noise: neuron 1 gets half of neuron 0 two steps later, and keeps a quarter of itself."""
    A = netxr.as_connectivity([[0.0, 0], [0.5, 0]], rows="target")
    start = xr.DataArray([16.0, 0], {"neuron": [0, 1]})
    run = simulate(A, n_steps=4, units="linear", leak=0.25, delay=2, noise_scale=0, initial=start)
    # Before the first sample it was 16 and 0 too: 0.75 * 8 = 6 arrives at once, and again after the next step.
    assert run.activity.isel(trial=0).values.tolist() == [[16, 4, 1, 0.25], [0, 6, 7.5, 3.375]]


# --- against a plain loop ------------------------------------------------------------------------


@given(
    st.sampled_from(sorted(UNITS)),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([1, 3, "edges"]),
    st.sampled_from([0, 5, 256, 300]),
    st.sampled_from([0.0, 0.7]),
    st.sampled_from([0.0, 1.5]),
    st.sampled_from([None, 2, 3]),
    st.booleans(),
)
def test_every_option_at_once(units, leak, delay, burn_in, common, eta, perturb, shared):
    A, n_steps, of = network(), 300, {"seed": 5, "trial": 2}
    delay = np.random.default_rng(1).integers(1, 5, (4, 4)) if delay == "edges" else delay
    root = np.random.default_rng(2).normal(size=(4, 4))
    run = simulate(
        A,
        n_steps=n_steps,
        trials=[7, 2],
        seed=5,
        units=units,
        gain=0.8,
        leak=leak,
        delay=delay,
        noise_scale=0.5,
        noise_cov=root @ root.T if shared else None,
        initial=0.25,
        burn_in=burn_in,
        common_drive=common,
        instrument=eta,
        perturb=perturb,
    ).sel(trial=2)
    e = normals(4, n_steps, before=burn_in, **of)
    if shared:
        e = e @ np.linalg.cholesky(root @ root.T).T
    z, h = flips(5, 4, n_steps, before=burn_in, **of), hidden(n_steps, before=burn_in, **of)
    set_to = {burn_in + t: x for t, x in enumerate(flips(6, 4, n_steps, **of)) if perturb and t % perturb == 0}
    drive = 0.5 * e + common * h[:, None] + eta * z
    expected = plain_loop(0.8 * A.values, drive, units=units, leak=leak, delay=delay, initial=0.25, replaced=set_to)
    np.testing.assert_allclose(run.activity, expected[:, burn_in:], rtol=0, atol=1e-12)
    if eta:
        np.testing.assert_array_equal(run.inputs, z[burn_in:].T)
    if perturb:
        assert run.perturbed.values.tolist() == [t % perturb == 0 for t in range(n_steps)]
    assert ("inputs" in run, "perturbed" in run) == (eta > 0, perturb is not None)


def test_units_of_ones_own():
    run = simulate(network(), n_steps=300, units=np.sin)
    e = normals(4, 300)
    x = np.zeros_like(e)
    for t in range(1, 300):
        x[t] = np.sin(network().values @ x[t - 1] + e[t])
    np.testing.assert_allclose(run.activity.isel(trial=0), x.T, rtol=0, atol=1e-12)
    assert run.attrs["model"] == "x(t + 1) = sin(A x(t) + e(t)), e ~ N(0, noise_scale^2)"


def test_the_noise_has_the_covariance_that_was_asked_for():
    A = netxr.as_connectivity(np.zeros((3, 3)), rows="target", neurons=list("abc"))
    cov = xr.DataArray(
        [[4.0, 1, 0], [1, 2, 0], [0, 0, 0]], {"target": list("cab"), "source": list("cab")}, ("target", "source")
    )
    run = simulate(A, n_steps=50_000, units="linear", noise_cov=cov, noise_scale=2)
    found = np.cov(run.activity.isel(trial=0))
    np.testing.assert_allclose(found, 4 * np.array([[2, 0, 1], [0, 0, 0], [1, 0, 4]]), atol=0.3)
    assert run.noise_cov.sel(target="c", source="a") == 1
    by_neuron = simulate(A, n_steps=50, units="linear", noise_cov=[1.0, 4, 0]).activity.isel(trial=0)
    np.testing.assert_allclose(by_neuron[:, 1:], normals(3, 50)[1:].T * [[1], [2], [0]], atol=1e-12)


def test_the_hidden_signal_is_autoregressive_of_variance_one():
    A = netxr.as_connectivity([[0.0]], rows="target")
    h = simulate(A, n_steps=100_000, units="linear", common_drive=1, noise_scale=0).activity.values.ravel()[1:]
    assert h.std() == pytest.approx(1, abs=0.03)
    for lag in (1, 5):
        assert np.corrcoef(h[lag:], h[:-lag])[0, 1] == pytest.approx(0.9**lag, abs=0.02)


@given(
    st.sampled_from([0.0, 0.8]),
    st.sampled_from([1, 3, "edges"]),
    st.sampled_from([0, 5, 300]),
    st.sampled_from([0.0, 0.7]),
    st.sampled_from([None, 3]),
    st.sampled_from(["float64", "float32"]),
)
def test_spikes_with_every_option_at_once(leak, delay, burn_in, common, perturb, dtype):
    A, n_steps, of = network(), 300, {"seed": 5, "trial": 2}
    delay = np.random.default_rng(1).integers(1, 5, (4, 4)) if delay == "edges" else delay
    spikes_at = {"leak": leak, "threshold": 0.9, "reset": -0.2}
    options = {"delay": delay, "burn_in": burn_in, "common_drive": common, "perturb": perturb, "dtype": dtype}
    run = simulate(
        A,
        n_steps=n_steps,
        trials=[7, 2],
        seed=5,
        units="lif",
        gain=0.8,
        noise_scale=0.5,
        initial=0.25,
        **spikes_at,
        **options,
    ).sel(trial=2)
    e, h = normals(4, n_steps, before=burn_in, **of), hidden(n_steps, before=burn_in, **of)
    if dtype == "float32":  # another stream: that of float64 is not rounded
        e = draws(0, n_steps, before=burn_in, draw=lambda r: r.standard_normal((256, 4), "f4"), **of)
    set_to = {burn_in + t: x for t, x in enumerate(flips(6, 4, n_steps, **of)) if perturb and t % perturb == 0}
    drive = 0.5 * e + common * h[:, None]
    expected = plain_spikes(0.8 * A.values, drive, delay=delay, initial=0.25, replaced=set_to, **spikes_at)
    np.testing.assert_array_equal(run.activity, expected[:, burn_in:])
    assert 0.02 < expected.mean() < 0.5


def test_what_a_run_of_spikes_says():
    run = simulate(network(), n_steps=20, units="lif", reset=-1)
    assert {name: run.attrs[name] for name in ("unit_function", "leak", "threshold", "reset")} == {
        "unit_function": "lif",
        "leak": 0.95,
        "threshold": 5,
        "reset": -1,
    }
    assert run.attrs["model"] == (
        "v(t + 1) = leak v(t) + A x(t) + e(t), e ~ N(0, noise_scale^2); x = 1 where v >= threshold, then v = reset; "
        "else x = 0"
    )


@pytest.mark.parametrize("n", [6, 100])
def test_a_neuron_spikes_some_times_a_second(n):
    rate = 1000 * simulate(network(n, weights="binary"), n_steps=20_000, units="lif").activity.mean("time")
    assert ((rate > 1) & (rate < 20)).all()


# --- relations ---------------------------------------------------------------------------------


def test_a_longer_burn_in_begins_earlier_and_ends_in_the_same_samples():
    A = network(coupling=0.5)
    runs = [
        simulate(A, n_steps=400, trials=2, common_drive=1, burn_in=b, initial=9.0).activity for b in (100, 300, 999)
    ]
    for run in runs[1:]:
        np.testing.assert_allclose(run, runs[0], rtol=0, atol=1e-12)
    assert abs(runs[0] - simulate(A, n_steps=400, trials=2, common_drive=1, initial=9.0).activity).max() > 0.1


@pytest.mark.crossed(1)
@pytest.mark.parametrize("chunk", [64, 512])
@pytest.mark.parametrize(
    "options",
    [
        {"units": "tanh", "instrument": 1.0, "perturb": 5, "common_drive": 1.0},
        {"units": "linear", "leak": 0.5, "delay": 7, "burn_in": 40},
        {"units": "lif", "threshold": 2.0, "delay": 3, "burn_in": 40, "dtype": "float32"},
        {"delay": np.arange(1, 17).reshape(4, 4), "burn_in": 300, "noise_cov": np.diag([1.0, 2, 3, 4])},
    ],
)
def test_the_same_on_disk_and_resumed(tmp_path, monkeypatch, options, chunk):
    monkeypatch.setattr(simulation, "steps_per_chunk", lambda *_: chunk)
    monkeypatch.setattr(simulation, "COMMIT_BYTES", 2**14)
    options |= {"n_steps": 3000, "trials": 3, "seed": 1}
    in_memory = simulate(network(), **options)

    def stop(done, _):
        if done > 4000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(network(), **options, store=tmp_path / "run.zarr", progress=stop)
    early = netxr.open(tmp_path / "run.zarr")
    assert 0 < early.sizes["time"] < 3000
    xr.testing.assert_equal(early.load(), in_memory.isel(time=slice(early.sizes["time"])))
    on_disk = simulate(network(), **options, store=tmp_path / "run.zarr")
    xr.testing.assert_equal(on_disk.load(), in_memory)
    assert netxr.verify(tmp_path / "run.zarr") == ()


def test_an_unfinished_run_of_other_options_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "steps_per_chunk", lambda *_: 256)
    monkeypatch.setattr(simulation, "COMMIT_BYTES", 2**13)
    delay = np.full((4, 4), 2)

    def stop(done, _):
        if done > 700:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(network(), n_steps=3000, delay=delay, store=tmp_path / "run.zarr", progress=stop)
    others = {
        "leak": {"leak": 0.1},
        "burn_in": {"burn_in": 1},
        "delay": {"delay": delay + np.eye(4, dtype=int)},
        "units": {"units": "lif"},
    }
    for options in ({"delay": delay} | other for other in others.values()):
        with pytest.raises(InvalidInput, match="as the unfinished run"):
            simulate(network(), n_steps=3000, **options, store=tmp_path / "run.zarr")


# --- what estimators find ----------------------------------------------------------------------


def score(A, R):
    return netxr.compare(A, R, diagonal=False).pearson.mean().item()


def test_instruments_and_marked_frames_are_taken_as_they_are():
    A = network(6, weights="binary", sparsity=0.7)
    run = simulate(A, n_steps=20_000, units="linear", instrument=2.0, common_drive=1.0, burn_in=100).isel(trial=0)
    found = netxr.instrumental_variables(run, instruments=run.inputs)
    np.testing.assert_allclose(found.coefficient, A, atol=0.06)
    moments = netxr.lagged_moments(run.activity, inputs=run.inputs)
    xr.testing.assert_allclose(
        netxr.instrumental_variables(moments, instruments=run.inputs.input).coefficient, found.coefficient
    )
    run = simulate(A, n_steps=20_000, units="linear", perturb=2, common_drive=1.0)
    effect = netxr.perturbation_effect(run, where=run.perturbed)
    np.testing.assert_allclose(effect.isel(trial=0), A, atol=0.1)


def test_spikes_and_an_indicator_on_them_tell_of_the_network():
    A = network(20, sparsity=0.9, weights="binary", inhibitory=0.2, coupling=4)
    run = simulate(A, n_steps=100_000, units="lif").isel(trial=0)
    assert score(A, netxr.lagged_correlation(run)) > 0.8
    seen = netxr.observe(run, calcium=200, noise=0.001)
    assert 0.1 < score(A, netxr.lagged_correlation(seen)) < 0.7
    assert seen.activity.std() < 0.1 * run.activity.std()


def test_an_edge_is_seen_at_its_delay():
    delay = np.full((4, 4), 3)
    run = simulate(network(), n_steps=20_000, units="linear", delay=delay)
    moments = netxr.lagged_moments(run.activity, lags=[0, 1, 3])
    at = {lag: score(run.connectivity, netxr.lagged_correlation(moments, lag=lag)) for lag in (1, 3)}
    assert at[3] > 0.8 > 0.5 > abs(at[1])


# --- refused ---------------------------------------------------------------------------------------

WRONG = {
    "units": ["relu", None, 3, lambda drive: drive[0], lambda drive: ["a"]],
    "gain": [np.nan, "2", None, True],
    "leak": [-0.1, 1, np.nan, "0", True],
    "threshold": [np.nan, "1", 1.0],
    "reset": [np.inf, "1", 1.0],
    "delay": [0, 257, 1.0, "1", None, np.zeros((4, 4), int), np.ones((3, 3), int), np.ones((4, 4))],
    "noise_cov": [np.eye(3), -np.eye(4), [[0, 1], [0, 0]], "one", np.full((4, 4), np.nan), [-1.0, 1, 1, 1], 2.0],
    "burn_in": [-1, 1.5, None, True],
    "common_drive": [-1, np.nan, "1", None],
    "instrument": [-1, np.inf, "1", None],
    "perturb": [0, 1, -2, 1.5, True, "2"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_arguments(tmp_path, name, value):
    with pytest.raises(InvalidInput) as caught:
        simulate(network(), n_steps=20, store=tmp_path / "run.zarr", **{name: value})
    assert caught.value.argument == name
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reset": 5}, "reset: got 5; expected a potential below the threshold, 5"),
        ({"threshold": -1}, "threshold: got -1; expected a potential above the reset, 0"),
        ({"threshold": np.nan}, "threshold: got nan; expected a potential, in the units of the weights"),
        ({"reset": "0"}, "reset: got '0'; expected a potential"),
        ({"leak": 1}, "leak: got 1; expected the share of a state that stays"),
        ({"rng": "legacy"}, "rng: got 'legacy' with unit_function='lif'"),
    ],
)
def test_spikes_that_cannot_be(options, message):
    with pytest.raises(InvalidInput, match=message):
        simulate(network(), n_steps=20, units="lif", **options)
    with pytest.raises(InvalidInput, match="threshold: got it for units='tanh'; expected it for 'lif' alone"):
        simulate(network(), n_steps=20, units="tanh", threshold=3)


@pytest.mark.parametrize("other", [{"gain": 0.5}, {"leak": 0.5}, {"delay": 2}, {"units": "tanh"}, {"instrument": 1.0}])
def test_the_tutorials_stream_is_that_of_its_own_model(other):
    name = {"units": "unit_function"}.get(*other, *other)
    with pytest.raises(InvalidInput, match=f"rng: got 'legacy' with {name}="):
        simulate(network(), n_steps=20, rng="legacy", **other)


@given(st.floats(0.5, 1.6), st.sampled_from([0.0, 0.4]), st.sampled_from([1, 2, "edges"]), st.integers(0, 99))
def test_linear_units_run_exactly_where_they_are_stable(radius, leak, delay, seed):
    """Against the growth of a run without noise; sizes near the border are left out."""
    A = network(3, spectral_radius=radius, coupling=None, sparsity=0.0, seed=seed)
    delay = np.random.default_rng(seed).integers(1, 4, (3, 3)) if delay == "edges" else delay
    options = {"units": "linear", "leak": leak, "delay": delay, "noise_scale": 0, "initial": 1.0}
    grown = plain_loop(A.values, np.zeros((900, 3)), **{k: v for k, v in options.items() if k != "noise_scale"})
    size = np.abs(grown).max(axis=0)
    growth = (size[-60:].max() / size[300:360].max()) ** (1 / 540)
    if abs(growth - 1) < 0.005:
        return
    if growth < 1:
        simulate(A, n_steps=5, **options)
    else:
        with pytest.raises(InvalidInput, match=r"connectivity: got a spectral radius of 1\.\d+"):
            simulate(A, n_steps=5, **options)


@pytest.mark.parametrize("gain", [1.0, 2.0, -3.0])
def test_the_radius_that_is_advised_is_stable(gain):
    with pytest.raises(InvalidInput) as caught:
        simulate(network(spectral_radius=1.1, coupling=None), n_steps=5, units="linear", gain=gain)
    advised = float(re.search(r"Draw it with spectral_radius=([\d.]*\d)", str(caught.value))[1])
    assert advised * abs(gain) == pytest.approx(0.9)
    simulate(network(spectral_radius=advised, coupling=None), n_steps=5, units="linear", gain=gain)
