import numpy as np
import pytest

from netxr.kernels.dynamics import recurrent_drive
from netxr.kernels.spiking import fire


def spikes(drive, weights, *, delay=1, potential=0.0, is_set=(), **of_units):
    """Spikes, (t, n), of one trial that was silent before, and the last potentials."""
    n = len(weights)
    states = np.concatenate([np.zeros((delay, n)), np.array(drive, float).reshape(-1, n)])[:, None]
    v = np.full((1, n), potential)
    recurrent = [(delay, recurrent_drive(np.array(weights, float), exact=False, alone=True))]
    is_set = [False] * delay + list(is_set) if is_set else ()
    fire(states, v, delay, recurrent=recurrent, is_set=is_set, **{"leak": 0.5, "threshold": 2, "reset": 0.0} | of_units)
    return states[delay:, 0].tolist(), v[0].tolist()


# --- by hand -----------------------------------------------------------------------------------


def test_one_neuron_adds_up_until_it_spikes():
    """1.5, 0.75 + 1.25 = 2 and a spike; reset to -1, then -0.5 + 0.5, and half of what is left."""
    found, v = spikes([1.5, 1.25, 0.5, 0, 1], [[0]], reset=-1.0)
    assert found == [[0], [1], [0], [0], [0]]
    assert v == [1]


def test_a_spike_arrives_after_its_delay():
    """Neuron 0 spikes at once; neuron 1 gets 3 two steps later and spikes; its own inhibition arrives after that."""
    found, v = spikes([[2, 0], [0, 0], [0, 0], [0, 0], [0, 0]], [[0, 0], [3, -4]], delay=2)
    assert found == [[1, 0], [0, 0], [0, 1], [0, 0], [0, 0]]
    assert v == [0, -4]


def test_spikes_that_are_set_reset_and_others_leak():
    found, v = spikes([[1, 1], [1, 0], [0, 0]], [[0, 0], [1, 0]], is_set=[False, True, False])
    assert found == [[0, 0], [1, 0], [0, 0]]
    assert v == [0, 0.5 * 0.5 + 1]


# --- relations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("leak", [0.0, 0.9])
def test_scaling_everything_changes_no_spike(leak):
    rng = np.random.default_rng(0)
    weights, drive = rng.normal(size=(5, 5)), rng.normal(size=(200, 5))
    first, v = spikes(drive, weights, leak=leak, threshold=1.5, reset=-0.5)
    second, w = spikes(4 * drive, 4 * weights, leak=leak, threshold=6.0, reset=-2.0)
    assert first == second
    np.testing.assert_array_equal(np.multiply(v, 4), w)
    assert 0.02 < np.mean(first) < 0.5
