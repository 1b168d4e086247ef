import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput
from netxr.kernels.ahead import one_ahead
from netxr.kernels.drives import Drives
from netxr.kernels.dynamics import Rule, advance, recurrent_drive, trajectories, trials_together
from netxr.kernels.noise import NoiseSource


def weights_of(n, *, density=0.3, k=None, seed=0):
    rng = np.random.default_rng(seed)
    shape = (n, n) if k is None else (k, n, n)
    return rng.normal(size=shape) * (rng.random(shape) < density)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("density", [0.0, 0.01, 0.5])
@pytest.mark.parametrize(
    ("n", "k", "own"),
    [(1, 1, False), (7, 1, False), (7, 4, False), (7, 4, True), (300, 1, False), (300, 3, False), (200, 3, True)],
)
def test_drive_is_the_product_of_weights_and_state(n, k, own, density, exact):
    weights = weights_of(n, density=density, k=k if own else None)
    state = np.random.default_rng(1).random((k, n))
    out = np.empty_like(state)
    recurrent_drive(weights, exact=exact)(state, out)
    expected = [(weights[i] if own else weights).dot(state[i]) for i in range(k)]
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-11)
    if not own:
        recurrent_drive(weights, exact=exact, alone=True)(state[0], out[0])
        np.testing.assert_allclose(out[0], expected[0], rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("density", "exact", "sparse"), [(0.01, False, True), (0.01, True, False), (0.5, False, False)]
)
def test_the_cheaper_product_is_taken(density, exact, sparse):
    for alone in (False, True):
        drive = recurrent_drive(weights_of(500, density=density), exact=exact, alone=alone)
        assert ("sparse" in drive.__qualname__) == sparse


UNITS = {
    "sigmoid": scipy.special.expit,
    "linear": lambda drive: drive,
    "tanh": np.tanh,
    "threshold": lambda drive: (drive > 0).astype(float),
}


@pytest.mark.parametrize("leak", [0.0, 0.25])
@pytest.mark.parametrize("units", UNITS)
def test_advance_is_what_units_make_of_drive_and_noise(units, leak):
    weights, noise = weights_of(5) / 2, np.random.default_rng(2).normal(size=(20, 3, 5))
    sign = -1 if units == "sigmoid" else 1
    start = np.full((3, 5), 0.25)
    states = np.concatenate([start[None], sign * noise])
    recurrent = [(1, recurrent_drive(sign * weights, exact=False))]
    advance(states, 1, recurrent=recurrent, rule=Rule(weights, units, leak))
    state = start
    for step, kick in zip(states[1:], noise, strict=True):
        state = leak * state + (1 - leak) * UNITS[units](state @ weights.T + kick)
        np.testing.assert_allclose(step, state, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(states[0], start)


def test_two_delays_and_a_state_that_is_set_by_hand():
    """Neuron 1 doubles neuron 0 after one step and adds itself after two: 0, 0 + 2, set to 7, 2 * 5 + 2, 2 * 3 + 7."""
    weights, delays = np.array([[0.0, 0], [2, 1]]), np.array([[1, 1], [1, 2]])
    states = np.array([[0.0, 0], [1, 0], [1, 0], [5, 7], [3, 0], [0, 0]])[:, None]
    recurrent = [(1, recurrent_drive(np.array([[0.0, 0], [2, 0]]), exact=False, alone=True))]
    recurrent += [(2, recurrent_drive(np.array([[0.0, 0], [0, 1]]), exact=False, alone=True))]
    rule = Rule(weights, "linear", delays=delays)
    advance(states, 2, recurrent=recurrent, rule=rule, is_set=[False, False, False, True, False, False])
    assert states[:, 0].tolist() == [[0, 0], [1, 0], [1, 2], [5, 7], [3, 12], [0, 13]]


def run(weights, n_steps, *, seeds=(1,), trials=(0,), rng="modern", noise_scale=1.0, initial=0.0, dtype="float64"):
    first = np.full((1, len(seeds), weights.shape[-1]), initial, dtype)
    states = np.full((len(seeds), n_steps, weights.shape[-1]), np.nan, dtype)
    drives = Drives(NoiseSource(seeds, trials=trials, n_neurons=weights.shape[-1], rng=rng), noise_scale)
    for rows, start, block in trajectories(Rule(weights), first, drives=drives, n_steps=n_steps):
        states[rows, start : start + len(block)] = block.swapaxes(0, 1)
    return states


def test_linear_units_that_overflow_are_found_without_a_warning():
    drives = Drives(NoiseSource([0], trials=[0], n_neurons=2, rng="modern"), 1.0)
    with pytest.raises(InvalidInput, match="not finite by step 256"):
        list(trajectories(Rule(np.eye(2) * 1e3, "linear"), np.ones((1, 1, 2)), drives=drives, n_steps=500))


@given(st.floats(-30, 30), st.floats(-5, 5), st.integers(1, 40))
def test_one_neuron_without_noise_is_a_map(weight, initial, n_steps):
    states = run(np.array([[weight]]), n_steps, noise_scale=0.0, initial=initial)[0, :, 0]
    state = initial
    for found in states:
        assert found == pytest.approx(state, rel=1e-12, abs=1e-300)
        state = scipy.special.expit(weight * found)


@pytest.mark.parametrize("rng", ["modern", "legacy"])
@pytest.mark.parametrize("n_steps", [1, 2, 255, 256, 257, 700])
def test_every_step_is_filled_in(rng, n_steps):
    states = run(weights_of(4), n_steps, seeds=(1, 2), trials=(0, 1), rng=rng, initial=0.5)
    assert np.isfinite(states).all()
    assert (states[:, 0] == 0.5).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weight", [1e3, -1e3, 1e30, -1e30])
def test_extreme_weights_saturate_without_a_warning(weight, dtype):
    states = run(np.full((3, 3), weight), 50, dtype=dtype)
    assert ((states >= 0) & (states <= 1)).all()


def test_the_arguments_are_left_as_they_were():
    weights, initial = weights_of(3), np.zeros((1, 3))
    before = weights.copy()
    drives = Drives(NoiseSource([0], trials=[0], n_neurons=3, rng="modern"), 1.0)
    list(trajectories(Rule(weights), initial[None], drives=drives, n_steps=9))
    np.testing.assert_array_equal(weights, before)
    assert (initial == 0).all()


def test_trials_in_batches_agree_with_all_trials_together(monkeypatch):
    weights = weights_of(5, seed=1) / 5

    def states():
        out = np.full((7, 600, 5), np.nan)
        drives = Drives(NoiseSource([3] * 7, trials=range(7), n_neurons=5, rng="modern"), 1.0)
        for rows, start, block in trajectories(Rule(weights), np.zeros((1, 7, 5)), drives=drives, n_steps=600):
            out[rows, start : start + len(block)] = block.swapaxes(0, 1)
        return out

    together = states()
    monkeypatch.setattr("netxr.kernels.dynamics.BATCH_BYTES", 3 * 256 * 5 * 8)
    assert trials_together(5, np.dtype(float)) == 3
    np.testing.assert_allclose(states(), together, rtol=0, atol=1e-14)


@pytest.mark.parametrize("rng", ["modern", "legacy"])
def test_noise_drawn_ahead_is_the_same_noise(rng):
    drives = Drives(NoiseSource((3, 4, 5), trials=(0, 1, 2), n_neurons=5, rng=rng), 1.0)

    def blocks():
        return drives.blocks(range(3), first_step=0, n_steps=700, dtype=np.dtype(float))

    in_turn = list(blocks())
    for ahead, expected in zip(one_ahead(blocks()), in_turn, strict=True):
        np.testing.assert_array_equal(ahead, expected)


@pytest.mark.parametrize("rng", ["modern", "legacy"])
@pytest.mark.parametrize("batch", [2, 100])
def test_a_run_in_stretches_is_the_run_in_one_go(monkeypatch, rng, batch):
    monkeypatch.setattr("netxr.kernels.dynamics.BATCH_BYTES", batch * 256 * 5 * 8)
    weights, options = weights_of(5, seed=1) / 5, {"seeds": (3, 4, 5), "trials": (0, 1, 2), "rng": rng}
    whole = run(weights, 1000, **options)
    drives = Drives(NoiseSource(options["seeds"], trials=options["trials"], n_neurons=5, rng=rng), 1.0)
    parts, past = [], np.zeros((1, 3, 5))
    for start, stop in ((0, 256), (256, 768), (768, 1000)):
        part = np.full((3, stop - start, 5), np.nan)
        segment = trajectories(Rule(weights), past, drives=drives, n_steps=stop, first_step=start or 1)
        for rows, first, block in segment:
            part[rows, first - start : first - start + len(block)] = block.swapaxes(0, 1)
        parts.append(part)
        past = part[None, :, -1].copy()
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_an_error_in_the_drawing_thread_reaches_the_caller():
    def drawn():
        yield np.zeros((256, 1, 3))
        raise MemoryError("no room for noise")

    with pytest.raises(MemoryError, match="no room for noise"):
        list(one_ahead(drawn()))
