import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netxr.kernels.held import held, sums_of_held
from netxr.kernels.running_sums import FrameBlock
from tests.kernels.segments import a_pass, spans, sums_of, trial
from tests.strategies import splits


@given(splits(30), st.integers(1, 40), st.integers(0, 20), st.data())
def test_a_block_that_holds_all_frames_has_the_sums_of_running_ones(pieces, block, lag, data):
    """As of a trial that is held in memory, which a task sums up again and again."""
    missing = data.draw(st.sampled_from(["raise", "drop", "pairwise"]))
    todo, frames, shift = a_pass([0, lag + 1], block=block, missing=missing), trial(), np.array([1.0, 0.0, -2.0])
    if missing != "raise":
        frames[2, 11] = np.nan
    block_of_all = FrameBlock(todo, shift, place="here", offset=0, room=30)
    for start, stop in spans(pieces):
        block_of_all.take(frames[:, start:stop])
    for _ in range(2):
        done = []
        ours = sums_of_held(held(block_of_all, todo=todo), todo=todo, place="here", going_on=done.append)
        assert done == list(range(0, 30, block))
        other = sums_of(frames, todo, shift=shift)
        for name in ("n_pairs", "total", "of_target", "of_source", "product", "shift"):
            np.testing.assert_allclose(getattr(ours, name), getattr(other, name), rtol=1e-12, atol=1e-11)
        for mine, theirs in zip((*ours.head, *ours.tail), (*other.head, *other.tail), strict=True):
            np.testing.assert_array_equal(mine, theirs)
