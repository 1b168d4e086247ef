import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from netxr.kernels.drives import Drives
from netxr.kernels.noise import INSTRUMENT_STREAM, STEPS_PER_BLOCK, NoiseSource, philox


def noise(seeds=(1,), *, trials=None, n_neurons=3, n_steps=700, rng="modern", dtype="float64"):
    trials = range(len(seeds)) if trials is None else trials
    source = NoiseSource(seeds, trials=trials, n_neurons=n_neurons, rng=rng)
    blocks = Drives(source, 1.0).blocks(range(len(seeds)), first_step=0, n_steps=n_steps, dtype=np.dtype(dtype))
    return np.concatenate(list(blocks))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.sampled_from(["modern", "legacy"]))
def test_a_block_is_the_same_whatever_was_drawn_before(order, rng):
    whole = noise((3, 8), n_steps=5 * STEPS_PER_BLOCK, rng=rng)
    source = NoiseSource((3, 8), trials=range(2), n_neurons=3, rng=rng)
    for block in order:
        drawn = source.draw(1, block, np.dtype("float64"))
        np.testing.assert_array_equal(drawn, whole[block * STEPS_PER_BLOCK : (block + 1) * STEPS_PER_BLOCK, 1])


def test_noise_from_a_later_step_on_and_of_some_trials():
    whole = noise((3, 8, 9), n_steps=700)
    source = NoiseSource((3, 8, 9), trials=range(3), n_neurons=3, rng="modern")
    later = Drives(source, 1.0).blocks(range(1, 3), first_step=256, n_steps=700, dtype=np.dtype("float64"))
    np.testing.assert_array_equal(np.concatenate(list(later)), whole[256:, 1:])


@pytest.mark.parametrize("n_steps", [1, 2, 255, 256, 257, 512, 700])
@pytest.mark.parametrize("rng", ["modern", "legacy"])
def test_shape_and_dtype(n_steps, rng):
    for dtype in ("float32", "float64"):
        drawn = noise((1, 2), n_steps=n_steps, rng=rng, dtype=dtype)
        assert (drawn.shape, drawn.dtype) == ((n_steps, 2, 3), np.dtype(dtype))


@pytest.mark.parametrize("n_steps", [1, 2, 256, 257, 600])
def test_the_legacy_stream_is_one_twister_a_trial_from_step_one_on(n_steps):
    drawn = noise((7, 42), n_steps=n_steps, rng="legacy")
    assert (drawn[0] == 0).all()
    for k, seed in enumerate((7, 42)):
        np.testing.assert_array_equal(drawn[1:, k], np.random.RandomState(seed).standard_normal((n_steps - 1, 3)))


def test_the_modern_stream_stays_as_it_is():
    drawn = noise((5,), trials=[3])
    for block in range(3):
        generator = np.random.Generator(np.random.Philox(key=[5, 3], counter=[0, 0, 0, block]))
        expected = generator.standard_normal((256, 3))
        own = drawn[256 * block : 256 * (block + 1), 0]
        np.testing.assert_array_equal(own, expected[: len(own)])
    assert STEPS_PER_BLOCK == 256


@given(st.integers(1, 600), st.integers(1, 600))
def test_a_longer_run_begins_like_a_shorter_one(a, b):
    shorter = min(a, b)
    np.testing.assert_array_equal(noise(n_steps=a)[:shorter], noise(n_steps=b)[:shorter])


def test_noise_belongs_to_the_label_of_a_trial_and_not_to_its_place():
    together = noise((9, 9, 9), trials=[0, 1, 2])
    np.testing.assert_array_equal(noise((9,), trials=[2])[:, 0], together[:, 2])
    np.testing.assert_array_equal(noise((9, 9), trials=[2, 0]), together[:, [2, 0]])


def test_streams_are_independent():
    drawn = noise((9, 9, 10), trials=[0, 1, 0], n_steps=4 * STEPS_PER_BLOCK)
    streams = drawn.transpose(1, 2, 0).reshape(9, 4, STEPS_PER_BLOCK).reshape(36, -1)
    off_diagonal = np.corrcoef(streams)[~np.eye(36, dtype=bool)]
    assert np.abs(off_diagonal).max() < 0.35  # 5.6 deviations of 256 pairs
    assert scipy.stats.kstest(drawn.ravel(), "norm").pvalue > 1e-3


def test_connectivity_and_noise_are_different_streams():
    same = [philox(1, trial=0, stream=stream).standard_normal(4).tolist() for stream in (0, 1)]
    assert same[0] != same[1]


def test_largest_seed_and_label():
    assert np.isfinite(noise((2**64 - 1,), trials=[2**64 - 1])).all()


def test_a_generator_is_that_of_its_labels_whatever_was_drawn_in_between():
    source = NoiseSource((9, 2**64 - 1), trials=[3, 2**64 - 2], n_neurons=3, rng="modern")
    for i, stream, block in ((0, 2, 0), (1, 5, -3), (1, 0, 7), (0, 2, 0)):
        own = philox([9, 2**64 - 1][i], trial=[3, 2**64 - 2][i], stream=stream, block=block)
        drawn = source.generator(i, stream, block)
        np.testing.assert_array_equal(drawn.random(3, np.float32), own.random(3, np.float32))  # half of a word is left


def test_instruments_are_the_bits_of_the_bytes_of_their_stream():
    drives = Drives(NoiseSource([5], trials=[3], n_neurons=7, rng="modern"), 0.0, instrument=2.0)
    drawn = philox(5, trial=3, stream=INSTRUMENT_STREAM, block=1).bytes(32 * 7)
    bits = np.unpackbits(np.frombuffer(drawn, np.uint8)).reshape(256, 7)
    np.testing.assert_array_equal(drives.instruments(0, 1), bits)
    for dtype in (np.dtype("f4"), np.dtype("f8")):
        (block,) = drives.blocks(range(1), first_step=256, n_steps=400, dtype=dtype, sign=-1)
        np.testing.assert_array_equal(block[:, 0], -2.0 * bits[:144])
