import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import NonFiniteActivity
from netxr.kernels.frame_blocks import provisional_mean
from netxr.kernels.lagged_sums import close_trial
from netxr.kernels.moments import moments_of
from tests.kernels.segments import a_pass, sums_of, trial
from tests.oracles import naive_moments

# --- the provisional mean ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ([3.0, 3.0, 3.0], 3.0),
        ([0.1] * 254, 0.1),
        ([-1e9, 2.0, 2.0, 2.0], 2.0),
        ([np.nan, 5.0, np.inf], 5.0),
        ([np.nan, np.nan], 0.0),
        ([], 0.0),
    ],
)
def test_provisional_mean(first, expected):
    assert provisional_mean(np.array([first]))[0] == expected


def test_provisional_mean_is_of_frames_from_everywhere():
    frames = np.full((1, 1000), 7.0)
    frames[0, :300] = 0
    assert provisional_mean(frames)[0] == 7


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_the_provisional_mean_cancels_out(a, b):
    frames, shift, todo = trial(2), np.array([a, b]), a_pass([2])
    moments = moments_of(close_trial(sums_of(frames, todo, shift=shift), todo=todo), todo=todo)
    expected = naive_moments([frames.astype(np.longdouble)], 2)
    np.testing.assert_allclose(moments.comoment[0], expected.comoment.astype(float), rtol=0, atol=1e-6)
    np.testing.assert_allclose(moments.mean_source[0], expected.mean_source.astype(float), rtol=0, atol=1e-9)


# --- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("pieces", [[30], [10, 20], [1] * 30])
@pytest.mark.parametrize("block", [1, 7, 100])
def test_the_place_of_a_non_finite_sample(bad, pieces, block):
    x = trial()
    x[2, 23] = x[1, 25] = bad
    with pytest.raises(NonFiniteActivity, match=r"here: .* neuron number 2 \(from 0\), frame 123;.*missing=\"drop\""):
        sums_of(x, a_pass([1], block=block), pieces=pieces, offset=100)
