import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netxr.kernels.stretches import Overlapping, sums_of_stretches
from tests.kernels.segments import a_pass, spans, trial
from tests.strategies import splits


def test_stretches_that_overlap_by_hand():
    """Of frames 2 to 9 in pieces 2 3 4 | 5 | 6 7 8 9, each stretch begins with the last frame of the one before."""
    pieces = (np.arange(first, last)[np.newaxis] for first, last in ((2, 5), (5, 6), (6, 10)))
    frames = Overlapping(pieces, at=2, overlap=1)
    found = [[part[0].tolist() for part in frames.within(span)] for span in (slice(2, 4), slice(3, 7), slice(6, 10))]
    assert found == [[[2, 3]], [[3, 4], [5], [6]], [[6, 7, 8, 9]]]


@given(splits(60), st.sampled_from([1, 3, 5]), st.data())
def test_stretches_have_the_sums_of_their_own_targets(pieces, lag, data):
    x = trial(length=60)
    ends = [0, *sorted(data.draw(st.sets(st.sampled_from(range(2 * lag, 61 - 2 * lag, 2 * lag)), max_size=4))), 60]
    starts = [max(0, first - lag) for first in ends[:-1]]
    todo, stretches = a_pass([lag]), [slice(*span) for span in zip(starts, ends[1:], strict=True)]
    products = np.zeros((len(stretches), 1, 1, 3, 3))
    parts = (x[:, a:b] for a, b in spans(pieces))
    for k, sums in enumerate(sums_of_stretches(parts, stretches, products, place="here", todo=todo)):
        own = slice(max(ends[k], lag), ends[k + 1])
        target, source = x[:, own], x[:, own.start - lag : own.stop - lag]
        centred = [side - sums.shift[:, None] for side in (target, source)]
        np.testing.assert_allclose(products[k, 0, 0], centred[0] @ centred[1].T, rtol=1e-9, atol=1e-9)
        assert sums.n_pairs.tolist() == [target.shape[1]]


def test_a_mean_of_a_stretch_is_not_that_of_a_few_frames_before_it():
    x = np.r_[[9.0], np.zeros(100), [9], np.ones(100)][np.newaxis]  # both nines are the only frame of a piece
    parts = (x[:, a:b] for a, b in spans([1, 100, 1, 100]))
    stretches, products = [slice(0, 102), slice(101, 202)], np.zeros((2, 1, 1, 1, 1))
    found = sums_of_stretches(parts, stretches, products, place="here", todo=a_pass([1]))
    assert [sums.shift.tolist() for sums in found] == [[0], [1]]
