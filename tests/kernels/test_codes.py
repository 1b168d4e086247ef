import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netxr.kernels.codes import (
    Codes,
    bit_rounded,
    changes_of_correlation,
    coded,
    codes_between,
    decoded,
    half_step,
    join_spreads,
    spread,
)

FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**100), max_value=2.0**100)
SAMPLES = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=FLOAT32)


# --- codes --------------------------------------------------------------------


@given(samples=SAMPLES)
def test_samples_are_off_by_half_a_step_at_most(samples):
    codes = codes_between(float(samples.min()), float(samples.max()))
    there, outside = coded(samples, codes)
    assert not outside.any()
    assert there.max() < 65535
    back = decoded(there, codes, np.float64)
    assert (abs(back - samples) <= codes.scale / 2).all()
    low, high = codes.reach
    assert low <= samples.min()
    assert samples.max() <= high


@given(samples=SAMPLES)
def test_a_step_is_a_power_of_two_and_no_finer_one_would_reach(samples):
    least, most = float(samples.min()), float(samples.max())
    scale = codes_between(least, most).scale
    assert math.frexp(scale)[0] == 0.5
    assert (most - least) / (scale / 2) > 65532 or scale == np.spacing(max(abs(least), abs(most))) or least == most == 0


@given(samples=SAMPLES)
def test_coded_again_samples_have_the_same_codes(samples):
    codes = codes_between(float(samples.min()), float(samples.max()))
    there, _ = coded(samples, codes)
    again, outside = coded(decoded(there, codes, np.float32), codes)
    assert not outside.any()
    assert np.array_equal(again, there)


@given(numbers=hnp.arrays(np.int64, (3, 8), elements=st.integers(-30_000, 30_000)), power=st.integers(-20, 20))
def test_whole_numbers_and_their_binary_fractions_are_exact(numbers, power):
    samples = (numbers * 2.0**power).astype(np.float32)
    codes = codes_between(float(samples.min()), float(samples.max()))
    assert np.array_equal(decoded(coded(samples, codes)[0], codes, np.float32), samples)


@pytest.mark.parametrize("constant", [0.0, 0.1, -65.0, 1e-30, 1e30, np.float32(0.1), 5e-324])
def test_a_constant_is_exact(constant):
    codes = codes_between(float(constant), float(constant))
    assert decoded(coded(np.full((1, 2), constant), codes)[0], codes, np.float64).tolist() == [[constant] * 2]


def test_samples_that_lie_close_together_far_from_zero_are_exact():
    samples = (1000 + np.linspace(0, 0.05, 50)).astype(np.float32)[None]
    codes = codes_between(float(samples.min()), float(samples.max()))
    assert np.array_equal(decoded(coded(samples, codes)[0], codes, np.float32), samples)


def test_nan_has_a_code_of_its_own_and_infinity_none():
    codes = codes_between(0.0, 1.0)
    there, outside = coded(np.array([[0.5, np.nan, np.inf, -np.inf]]), codes)
    assert there[0, 1] == 65535
    assert outside.tolist() == [[False, False, True, True]]
    assert np.isnan(decoded(there[:, 1:2], codes, np.float32)).all()


def test_samples_beyond_the_codes_are_told_not_wrapped():
    codes = Codes(np.dtype(np.uint8), 1.0, 0.0, 255)
    there, outside = coded(np.array([-0.6, -0.4, 254.4, 254.6, 255.0, 256.0, 1e30]), codes)
    assert outside.tolist() == [True, False, False, True, True, True, True]
    assert there[~outside].tolist() == [0, 254]
    assert codes.reach == (0.0, 254.0)


def test_without_a_code_for_nan_it_has_none():
    codes = Codes(np.dtype(np.int8), 0.5, 10.0, None)
    assert coded(np.array([np.nan, 10.0]), codes)[1].tolist() == [True, False]
    assert codes.reach == (-54.0, 73.5)


# --- bits ---------------------------------------------------------------------


def naively_rounded(value, bits):
    """Python integers of any length round halves to even."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(mantissa * 2 ** (bits + 1)), exponent - bits - 1)


@given(value=st.floats(1e-30, 1e30), sign=st.sampled_from([-1, 1]), bits=st.integers(1, 51))
def test_float64_is_rounded_half_to_even(value, sign, bits):
    assert bit_rounded(np.array([sign * value]), bits)[0] == sign * naively_rounded(value, bits)


@given(value=st.floats(2.0**-120, 2.0**120, width=32), bits=st.integers(1, 22))
def test_float32_is_rounded_half_to_even(value, bits):
    done = bit_rounded(np.array([value], np.float32), bits)
    assert done.dtype == np.float32
    assert done[0] == naively_rounded(value, bits)
    assert np.array_equal(bit_rounded(done, bits), done)


def test_halves_go_to_the_even_neighbour():
    assert bit_rounded(np.array([1.125, 1.375, 1.625, 1.875]), 2).tolist() == [1.0, 1.5, 1.5, 2.0]


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4", ">f8"])
def test_nan_infinity_zero_and_the_largest_numbers_stay_what_they_are(dtype):
    largest = np.finfo(dtype).max
    samples = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, largest, -largest, 1.0], dtype)
    done = bit_rounded(samples, 5)
    assert done.dtype == samples.dtype
    assert np.array_equal(done[:5], samples[:5], equal_nan=True)
    assert np.signbit(done[4])
    assert np.isfinite(done[5:]).all()
    assert done[5] > largest * 0.98
    assert done[5] == -done[6]


def test_samples_that_do_not_lie_side_by_side_are_rounded():
    samples = np.linspace(1, 2, 24, dtype=np.float32).reshape(4, 6)
    assert np.array_equal(bit_rounded(samples[::2, ::-3], 3), bit_rounded(samples, 3)[::2, ::-3])
    assert np.array_equal(bit_rounded(samples.T, 3), bit_rounded(samples, 3).T)


@given(value=st.floats(1e-30, 1e30), bits=st.integers(1, 40))
def test_half_a_step_bounds_the_error(value, bits):
    bound = half_step(np.array([value]), bits)[0]
    assert abs(naively_rounded(value, bits) - value) <= bound
    assert 2.0 ** -(bits + 2) * value < bound <= 2.0 ** -(bits + 1) * value


# --- how samples lie ----------------------------------------------------------


@given(
    samples=hnp.arrays(np.float64, (3, 9), elements=st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf])),
    cut=st.integers(1, 8),
)
def test_parts_lie_as_the_whole_does(samples, cut):
    together = spread(iter([samples]))
    joined = join_spreads([spread(iter([samples[:, :cut]])), spread(iter([samples[:, cut:]]), cut)])
    in_turn = spread(iter([samples[:, :cut], samples[:, cut:]]))
    for k, row in enumerate(samples):
        finite = row[np.isfinite(row)]
        for one in (together, joined, in_turn):
            assert (one.n_finite[k], one.n_infinite[k]) == (len(finite), np.isinf(row).sum())
            if len(finite):
                assert (one.least[k], one.most[k]) == (finite.min(), finite.max())
                np.testing.assert_allclose(one.sumsq[k], finite.var() * len(finite), rtol=1e-9, atol=1e-3)
                np.testing.assert_allclose(one.mean[k], finite.mean(), rtol=1e-9, atol=1e-6)
            else:
                assert one.least[k] > one.most[k]


def test_small_deviations_far_from_zero_are_resolved():
    samples = (-65 + 0.05 * np.random.default_rng(1).normal(size=(2, 5000))).astype(np.float32)
    pieces = np.array_split(samples, 7, axis=1)
    np.testing.assert_allclose(spread(iter(pieces)).sumsq, samples.astype(np.float64).var(axis=1) * 5000, rtol=1e-9)


# --- what correlations make of it ---------------------------------------------


def test_the_change_follows_its_formula():
    samples = np.random.default_rng(1).normal(size=(2, 10_000)) * [[1.0], [10.0]]
    likely, possible = changes_of_correlation(spread(iter([samples])), 1e-3)
    ratio = 1e-3 / samples.std(axis=1)
    np.testing.assert_allclose(likely, 8 * ratio / 100 + ratio**2)
    np.testing.assert_allclose(possible, 2 * np.arcsin(ratio))


def test_errors_as_large_as_the_samples_may_change_everything():
    samples = np.random.default_rng(1).normal(size=(1, 1000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [change.tolist() for change in changes_of_correlation(spread(iter([samples])), 5.0)] == [[2.0], [2.0]]


def test_neurons_without_correlations_have_none_to_lose():
    samples = np.array([[3.0] * 5, [np.nan] * 5])
    assert [change.tolist() for change in changes_of_correlation(spread(iter([samples])), 1.0)] == [[0, 0], [0, 0]]
