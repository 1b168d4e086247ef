import numpy as np
import pytest
import scipy.stats
import xarray as xr
from scipy.special import expit

import netxr
from netxr.errors import InvalidInput
from tests.runs import activity, nothing_computes


def stimulated(n, n_steps, eta, seed):
    """The tutorial's model with an instrument a neuron, x' = sigmoid(A x + eta z' + e): A, activity and instruments."""
    random = np.random.RandomState(seed)
    A = random.choice([0, 1], size=(n, n), p=[0.9, 0.1])
    A = A / (1.01 * np.linalg.svd(A, compute_uv=False)[0])
    z, e = random.choice([0, 1], size=(n, n_steps)), random.standard_normal((n_steps - 1, n))
    x = np.zeros((n, n_steps))
    for t in range(n_steps - 1):
        x[:, t + 1] = expit(A @ x[:, t] + eta * z[:, t + 1] + e[t])
    recording = netxr.as_activity(x, dims=("neuron", "time"))
    return A, recording, xr.DataArray(z, dims=("input", "time"), coords={"input": np.arange(n)})


def estimated(recording, z):
    """Effects and first-stage F, with targets read as logits."""
    moments = netxr.lagged_moments(recording, inputs=z, link="logit")
    return netxr.instrumental_variables(moments, instruments=z.input)


def agreement(A, found):
    return np.corrcoef(A.ravel(), np.ravel(found))[0, 1]


# --- by hand -------------------------------------------------------------------------------


def test_one_neuron_and_one_instrument_by_hand():
    """Wald's ratio: how much the next sample follows z, by how much x does."""
    x, z = [0.0, 2, 1, 3, 2, 5], [0, 1, 0, 1, 0, 1]
    recording = netxr.as_activity([x], dims=("neuron", "time"))
    with pytest.warns(UserWarning, match="weak"):
        found = netxr.instrumental_variables(recording, instruments=xr.DataArray([z], dims=("input", "time")))
    # After z = 1 comes 1 and 2, after z = 0 comes 2, 3 and 5; with it goes 2 and 3, without it 0, 1 and 2.
    slope = (3 / 2 - 10 / 3) / (5 / 2 - 1)
    assert found.coefficient.item() == pytest.approx(slope)
    left = np.array([2.0, 1, 3, 2, 5]) - slope * np.array(x[:-1])
    of_z = np.array(z[:-1]) - 0.4
    scatter = np.square(left - left.mean()).sum() / 3
    assert found.standard_error.item() == pytest.approx(np.sqrt(scatter * (of_z @ of_z)) / abs(of_z @ x[:-1]))
    # Squares about 8/5 are 26/5, of which the groups' means explain 27/10: F = (27/10) / (5/2 / 3).
    assert found.first_stage_f.item() == pytest.approx(2.7 / (2.5 / 3))


def test_neurons_that_are_their_own_instruments():
    """With sources as instruments nothing is taken off: it is ordinary least squares."""
    x = activity(3, trials=1).isel(trial=0)
    found = netxr.instrumental_variables(x, instruments=x.rename(neuron="input").drop_vars("trial"))
    right = netxr.regression(x)
    for name in ("coefficient", "standard_error", "p_value"):
        np.testing.assert_allclose(found[name], right[name], rtol=1e-7)
    assert (found.first_stage_f > 1e6).all()


def test_a_source_by_its_instrument_alone():
    """y follows x and what is hidden; x follows z and what is hidden: the instrument finds 2, a regression does not."""
    hidden, z, other, e = np.random.default_rng(0).normal(size=(4, 20_000))
    x = z + hidden + e
    y = np.append(0, 2 * x[:-1] + 3 * hidden[:-1]) + other
    recording = netxr.as_activity([x, y], dims=("neuron", "time"))
    found = netxr.instrumental_variables(recording, instruments=xr.DataArray([z, other], dims=("input", "time")))
    np.testing.assert_allclose(found.coefficient, [[0, 0], [2, 0]], atol=0.1)
    assert (found.p_value < 1e-9).values.tolist() == [[False, False], [True, False]]
    assert netxr.regression(recording).coefficient.values[1, 0] > 2.5


# --- against independent code ----------------------------------------------------------------


@pytest.mark.parametrize("extra", [0, 2])
@pytest.mark.filterwarnings("ignore:Instruments are weak")
def test_every_target_against_its_two_regressions(extra):
    rng = np.random.default_rng(1)
    z = rng.normal(size=(3 + extra, 300))
    x = rng.normal(size=(3, 3 + extra)) @ z + rng.normal(size=(3, 300))
    x[:, 1:] += 0.4 * rng.normal(size=(3, 3)) @ x[:, :-1]
    recording = netxr.as_activity(x, dims=("neuron", "time"))
    found = netxr.instrumental_variables(recording, instruments=xr.DataArray(z, dims=("input", "time")), lag=2)
    sources, instruments = (np.column_stack([each[:, :-2].T, np.ones(298)]) for each in (x, z))
    fitted = instruments @ np.linalg.lstsq(instruments, sources, rcond=None)[0]
    for i in range(3):
        b = np.linalg.lstsq(fitted, x[i, 2:], rcond=None)[0]
        variance = np.square(x[i, 2:] - sources @ b).sum() / (298 - 4)
        error = np.sqrt(variance * np.diagonal(np.linalg.inv(fitted.T @ fitted)))
        np.testing.assert_allclose(found.coefficient[i], b[:-1], rtol=1e-8)
        np.testing.assert_allclose(found.standard_error[i], error[:-1], rtol=1e-8)
        np.testing.assert_allclose(found.p_value[i], 2 * scipy.stats.t.sf(abs(b / error)[:-1], 294), rtol=1e-6)
    for j in range(3):
        left = np.linalg.lstsq(instruments, sources[:, j], rcond=None)[1][0]
        whole, k = np.square(sources[:, j] - sources[:, j].mean()).sum(), 3 + extra
        f = ((whole - left) / k) / (left / (298 - k - 1))
        assert found.first_stage_f[j].item() == pytest.approx(f, rel=1e-8)


def test_p_values_are_even_where_there_is_no_effect():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(30, 3000))
    x = netxr.as_activity(z + rng.normal(size=(30, 3000)), dims=("neuron", "time"))
    p = np.sort(netxr.instrumental_variables(x, instruments=xr.DataArray(z, dims=("input", "time"))).p_value, None)
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01


# --- the tutorial's model --------------------------------------------------------------------


def test_six_neurons():
    A, recording, z = stimulated(6, 10_000, 2, 42)
    assert agreement(A, estimated(recording, z).coefficient) == pytest.approx(0.916, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("eta", "score", "least"),
    [(2, 0.722, 303), (1, 0.624, 102), (0.5, 0.417, 25), (0.25, 0.221, 6.0), (0.12, 0.084, 1.5)],
)
@pytest.mark.filterwarnings("ignore:Instruments are weak")
def test_weaker_instruments(eta, score, least):
    scores, f = [], []
    for seed in range(3):
        A, recording, z = stimulated(20, 10_000, eta, seed)
        found = estimated(recording, z)
        scores.append(agreement(A, found.coefficient))
        f.append(found.first_stage_f.min().item())
    assert np.mean(scores) == pytest.approx(score, abs=1e-3)
    assert min(f) == pytest.approx(least, abs=0.5 if least > 10 else 0.05)


@pytest.mark.slow
def test_some_of_the_neurons_and_their_instruments():
    A, recording, z = stimulated(40, 20_000, 2, 42)
    right = {40: (0.646, 0.747), 32: (0.637, 0.732), 24: (0.613, 0.726), 16: (0.652, 0.758), 8: (0.626, 0.759)}
    for k, (score, correlation) in right.items():
        found = estimated(recording[:k], z[:k])
        assert agreement(A[:k, :k], found.coefficient) == pytest.approx(score, abs=1e-3)
        R = netxr.lagged_correlation(recording[:k])
        assert agreement(A[:k, :k], R) == pytest.approx(correlation, abs=1e-3)


# --- relations -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Instruments are weak")
def test_moments_trials_and_lazy_activity():
    x = activity(3)
    z = xr.DataArray(np.random.default_rng(2).normal(size=(3, 80, 2)), dims=("input", "time", "trial"))
    x = x + z.rename(input="neuron").assign_coords(neuron=x.neuron)
    z = z.assign_coords(input=list("uvw"))
    right = netxr.instrumental_variables(x, instruments=z)
    assert right.coefficient.dims == ("trial", "target", "source")
    with nothing_computes():
        lazy = netxr.instrumental_variables(x.chunk(time=13), instruments=z)
    xr.testing.assert_allclose(lazy.compute(), right)
    moments = netxr.lagged_moments(x, inputs=z)
    again = netxr.instrumental_variables(moments, instruments=["w", "u", "v"])
    xr.testing.assert_allclose(again, right)
    assert again.coefficient.attrs["made_by"] == "netxr.instrumental_variables(instruments=['w', 'u', 'v'], lag=1)"
    pooled = netxr.lagged_moments(x, inputs=z, dim=("time", "trial"))
    assert netxr.instrumental_variables(pooled, instruments=z.input).coefficient.dims == ("target", "source")


def test_a_neuron_that_does_not_vary_is_undefined():
    _, recording, z = stimulated(3, 500, 2, 0)
    still = recording.where(recording.neuron != 1, 0.5)
    found = netxr.instrumental_variables(still, instruments=z)
    others = netxr.instrumental_variables(still.isel(neuron=[0, 2]), instruments=z)
    assert found.coefficient[1].isnull().all()
    assert found.coefficient[:, 1].isnull().all()
    assert found.first_stage_f[1].isnull()
    for name in ("coefficient", "standard_error", "p_value"):
        np.testing.assert_allclose(found[name].values[::2, ::2], others[name], rtol=1e-9)


# --- warned of and refused -------------------------------------------------------------------


def test_weak_instruments_are_warned_of_once_computed():
    x = activity(3)
    z = xr.DataArray(np.random.default_rng(2).normal(size=(3, 80)), dims=("input", "time"))
    lazy = netxr.instrumental_variables(x.chunk(time=20).isel(trial=[0]), instruments=z)
    with pytest.warns(UserWarning, match=r"first-stage F of neuron [abc] is \d\.\d, and below 10 for \d of 3 neurons"):
        f = lazy.first_stage_f.compute()
    assert f.min() < 10


def test_arguments_that_do_not_fit():
    _, x, z = stimulated(3, 200, 2, 0)
    with pytest.raises(InvalidInput, match="2 instruments that vary for 3 neurons"):
        netxr.instrumental_variables(x, instruments=z[:2])
    with pytest.raises(InvalidInput, match=r"instruments: got instruments that depend on one another \(condition"):
        netxr.instrumental_variables(x, instruments=xr.concat([z, 2 * z[:1].assign_coords(input=[9])], "input"))
    with pytest.raises(InvalidInput, match=r"by way of which neurons depend on one another \(condition number"):
        netxr.instrumental_variables(x.copy(data=x.values[[0, 1, 1]]), instruments=z)
    with pytest.raises(InvalidInput, match="instruments: got 'a' beside activity"):
        netxr.instrumental_variables(x, instruments="a")
    with pytest.raises(InvalidInput, match="for moments without inputs"):
        netxr.instrumental_variables(netxr.lagged_moments(x), instruments=["a"])
    four = xr.concat([z, z[:1].shift(time=2, fill_value=1).assign_coords(input=[9])], "input")
    with pytest.raises(InvalidInput, match="5 samples of each target for 5 parameters of the first stage"):
        netxr.instrumental_variables(x[:, :6], instruments=four[:, :6])
    with pytest.raises(InvalidInput, match="lag: got 0"):
        netxr.instrumental_variables(x, instruments=z, lag=0)
    with pytest.raises(InvalidInput, match="instruments: got None"):
        netxr.instrumental_variables(x, instruments=None)
