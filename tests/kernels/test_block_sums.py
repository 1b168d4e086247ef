"""float32 products whose errors would pile up, against long doubles."""

import numpy as np
import pytest

import netxr
from netxr.errors import NonFiniteActivity
from netxr.kernels.block_sums import care_for
from tests.kernels.segments import a_pass, sums_of

RNG = np.random.default_rng


def recorded(samples):
    return netxr.as_activity(samples, dims=("neuron", "time"))


def exact(samples, lag):
    x = samples.astype(np.longdouble)
    sides = [side - side.mean(axis=1, keepdims=True) for side in (x[:, lag:], x[:, : x.shape[1] - lag])]
    target, source = (side / np.sqrt((side**2).sum(axis=1, keepdims=True)) for side in sides)
    return np.asarray((target[:, None] * source[None]).sum(axis=-1), float)


def switching(n=4, n_frames=30_000, *, seed=1, share=0.5):
    """Neurons that are on and off for 50 frames at a time, all but the last at nearly the same times."""
    rng = RNG(seed)
    on = np.repeat(rng.random((n, -(-n_frames // 50))) < share, 50, axis=1)[:, :n_frames]
    on[1:-1] = on[0] ^ (rng.random((n - 2, n_frames)) < 0.01)
    return on


def z_scored(x):
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


# --- by hand -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "repeats", "is_rounded", "is_small"),
    [
        ([0, 1, 0, 1, 1, 0, 2, 1], True, False, False),  # whole numbers: exact
        ([0, 1 / 3, 0, 1 / 3, 1 / 3, 0, 0, 1 / 3], True, True, False),
        ([0.11, -0.52, 0.93, 0.27, -0.71, 0.38, -0.05, 0.64], False, False, False),
        ([0, 0, 0, 0, 0, 0, 1e-23, 0], False, False, True),
    ],
)
def test_which_neurons_need_care(row, repeats, is_rounded, is_small):
    todo = a_pass([0], precision="float32")
    block = np.array([[row, [0.0] * 8]], np.float32)
    care = care_for(block, sums_of(np.zeros((2, 8)), todo), todo=todo)
    assert care.rounded.tolist() == [is_rounded, False]
    assert care.small.tolist() == [is_small, False]
    assert not repeats or care.repeat[0]


# --- against long doubles ----------------------------------------------------------------------

KINDS = {
    "on and off": lambda: switching() / 3,
    "seldom on": lambda: switching(share=0.05) * 0.77,
    "each its own levels": lambda: switching() * RNG(2).random((4, 1)) + RNG(3).random((4, 1)),
    "z-scored counts": lambda: z_scored(RNG(4).poisson(1 + switching()).astype(float)),
    "three levels": lambda: np.array([0, 1 / 3, 0.77])[RNG(5).integers(0, 3, 30_000)] * RNG(6).random((4, 1)),
    "on and off, a little noise": lambda: switching() / 3 + 1e-6 * RNG(7).standard_normal((4, 30_000)),
    "far away from its first frames": lambda: RNG(8).standard_normal((4, 30_000)) + 12 * (np.arange(30_000) > 300),
    "every second sample a million more": lambda: RNG(9).standard_normal((4, 30_000)) + 1e6 * (np.arange(30_000) % 2),
    "beside noise": lambda: np.concatenate([switching() / 3, RNG(10).standard_normal((2, 30_000))]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_float32_is_right_to_a_millionth(kind, order):
    x = np.asarray(KINDS[kind](), np.float32, order=order)
    for lag in (0, 1):
        r = netxr.lagged_correlation(recorded(x), lag=lag).values
        np.testing.assert_allclose(r, exact(x, lag), rtol=0, atol=1e-6)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("kind", ["on and off", "z-scored counts", "beside noise"])
@pytest.mark.parametrize("missing", ["raise", "pairwise"])
def test_so_are_many_lags_of_lazy_chunks(kind, missing):
    x = KINDS[kind]().astype(np.float32)
    m = netxr.lagged_moments(recorded(x).chunk(time=7_001), lags=range(33), missing=missing)
    r = netxr.lagged_correlation(m, lags=[0, 32]).compute().values
    np.testing.assert_allclose(r, [exact(x, 0), exact(x, 32)], rtol=0, atol=1e-6)


def test_so_is_what_is_written_to_disk(tmp_path):
    x = np.concatenate([KINDS["on and off"](), 1e-20 * KINDS["on and off"]()]).astype(np.float32)
    r = netxr.lagged_correlation(recorded(x).chunk(time=10_000), lag=1, store=tmp_path / "R.zarr")
    np.testing.assert_allclose(r.values, exact(x, 1), rtol=0, atol=1e-6)


# --- scale -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-30, 1e-23, 1e-12, 1e6])
@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
def test_one_neuron_in_another_unit(scale, missing):
    x = RNG(0).standard_normal((3, 500)) + RNG(1).standard_normal(500)
    x[1] *= scale
    x = x.astype(np.float32)
    r = netxr.lagged_correlation(recorded(x), lag=1, missing=missing)
    np.testing.assert_allclose(r, exact(x, 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("seldom", [False, True])
@pytest.mark.parametrize(
    ("scale", "precision"), [(1e-170, None), (1e-310, None), (1e-50, "float32"), (1e-39, "float32")]
)
def test_samples_whose_squares_vanish_are_an_error_that_names_the_neuron(scale, precision, seldom):
    x = RNG(0).standard_normal((3, 500))
    x[1] *= scale
    if seldom:
        x[1, np.arange(500) % 100 > 0] = 0
    with pytest.raises(NonFiniteActivity, match=r"neuron number 1 .*so small.*Rescale"):
        netxr.lagged_correlation(recorded(x), lag=1, precision=precision)


def test_a_neuron_that_falls_silent_is_no_error():
    x = RNG(0).standard_normal((2, 4_000)) * np.exp(-np.arange(4_000) / 8)
    r = netxr.lagged_correlation(recorded(x).chunk(time=500), lag=1).values
    np.testing.assert_allclose(r, exact(x, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "origin"), [("int64", 2**62), ("int64", -(2**63)), ("uint64", 2**64 - 2000), ("uint64", 5), ("int64", 0)]
)
@pytest.mark.parametrize("chunk", [None, 77])
def test_whole_numbers_of_64_bits(dtype, origin, chunk):
    steps = RNG(0).integers(0, 900, (3, 300))
    steps[1] += steps[0]
    x = recorded((steps.astype(object) + origin).astype(dtype))
    r = netxr.lagged_correlation(x if chunk is None else x.chunk(time=chunk), lag=1)
    np.testing.assert_allclose(r, exact(steps, 1), rtol=0, atol=1e-12)


def test_whole_numbers_of_both_ends():
    x = RNG(0).integers(-(2**63), 2**63 - 1, (3, 300))
    np.testing.assert_allclose(netxr.lagged_correlation(recorded(x), lag=1), exact(x, 1), rtol=0, atol=1e-12)


# --- lag 0 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int16"])
@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
def test_lag_0_is_symmetric_with_ones_on_its_diagonal(dtype, missing):
    x = (20 * RNG(0).standard_normal((12, 700)) + RNG(1).normal(scale=30, size=700)).astype(dtype)
    first, second = (netxr.lagged_moments(recorded(part), missing=missing) for part in (x[:, :300], x[:, 300:]))
    whole = netxr.lagged_moments(recorded(x).chunk(time=100), missing=missing)
    found = [first, whole, netxr.merge_moments([first, second])]
    if missing == "raise":
        found += [netxr.merge_moments([first, second], continuous=True), netxr.coarsen(first, groups=4)]
        found += netxr.coarse_moments(recorded(x), levels={"all": None, "few": 3}).values()
    for each in found:
        r = netxr.lagged_correlation(each, lag=0).values
        np.testing.assert_array_equal(r, r.T)
        np.testing.assert_array_equal(np.diagonal(r), 1)


def test_sources_and_rows_have_ones_where_a_neuron_meets_itself(tmp_path):
    x = recorded(RNG(0).standard_normal((6, 500)))
    some = netxr.lagged_correlation(x, lag=0, sources=[4, 1])
    assert some.sel(target=4, source=4) == some.sel(target=1, source=1) == 1
    stored = netxr.lagged_correlation(x.chunk(time=100), lag=0, store=tmp_path / "R.zarr").values
    np.testing.assert_array_equal(stored, stored.T)
    np.testing.assert_array_equal(np.diagonal(stored), 1)


def test_a_constant_neuron_stays_undefined_at_lag_0():
    x = RNG(0).standard_normal((3, 50))
    x[1] = 0.1
    r = netxr.lagged_correlation(recorded(x), lag=0).values
    assert np.isnan(r[1]).all()
    assert np.isnan(r[:, 1]).all()
