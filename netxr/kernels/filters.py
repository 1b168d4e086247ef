"""Zero-phase high-pass filters over a signal that comes in blocks: states carry over from one block to the next.

A block is filtered from rest, forwards and then backwards. What a state at its edge adds is linear, so the states at
all edges follow from those that each block ends in: the result is that of the whole signal, however it is cut.

The filters let nothing of a constant through. So each block may be taken about a sample of its own: the state that
the filter settles in for the rest of it is added where blocks meet.

Index letters: n neuron, t frame, s state (two for each second-order section).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt, sosfilt_zi

Floats = NDArray[np.float64]


class Response(NamedTuple):
    """The states that a block from rest ends in."""

    n_frames: int
    origin: Floats  # (n, 1), what the block was taken about
    forwards: Floats  # (n, s), after its last frame
    backwards: Floats  # (n, s), after its first frame, of the way back over what went forwards


def n_padded(sos: Floats) -> int:
    """Return how many frames a signal is extended by at each end, as SciPy's sosfiltfilt extends it."""
    taps = 2 * len(sos) + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    return int(3 * taps)


def response(sos: Floats, block: NDArray[Any]) -> Response:
    """Return the states that a block (n, t) from rest ends in."""
    origin, block = _about_first(block)
    rest = np.zeros((len(block), 2 * len(sos)))
    there, forwards = _run(sos, block, rest)
    _, backwards = _run(sos, there[:, ::-1], rest)
    return Response(block.shape[1], origin, forwards, backwards)


def states_between(
    sos: Floats, blocks: Sequence[Response], first: NDArray[Any], last: NDArray[Any]
) -> list[tuple[Floats, Floats]]:
    """Return the states (n, s) in which each block begins, forwards at its first frame and backwards at its last.

    The filter, (section, 6), is in second-order sections. `first` and `last` (n, t) are one frame more than `n_padded`
    at each end of the signal, which is extended by point reflection there.
    """
    settled = sosfilt_zi(sos).ravel()
    passing = {n_frames: _passing(sos, n_frames) for n_frames in {block.n_frames for block in blocks}}
    origin, first = _about_first(first)
    last = last - origin
    before = 2 * first[:, :1] - first[:, :0:-1]
    after = 2 * last[:, -1:] - last[:, -2::-1]
    _, state = _run(sos, before, before[:, :1] * settled)
    forwards = []
    for block in blocks:
        constant = (block.origin - origin) * settled
        forwards.append(state - constant)
        state = block.forwards + forwards[-1] @ passing[block.n_frames][0] + constant
    there, _ = _run(sos, after, state)
    _, state = _run(sos, there[:, ::-1], there[:, -1:] * settled)
    backwards = []
    for block, begun in zip(reversed(blocks), reversed(forwards), strict=True):
        backwards.append(state)
        to_end, and_back = passing[block.n_frames]
        state = block.backwards + state @ to_end + begun @ and_back
    return list(zip(forwards, reversed(backwards), strict=True))


def filtered(sos: Floats, block: NDArray[Any], forwards: Floats, backwards: Floats) -> Floats:
    """Return a block (n, t), filtered forwards and backwards from the states in which it begins."""
    there, _ = _run(sos, _about_first(block)[1], forwards)
    back, _ = _run(sos, there[:, ::-1], backwards)
    return back[:, ::-1]


def _passing(sos: Floats, n_frames: int) -> tuple[Floats, Floats]:
    """Return what becomes of each state over so many frames of silence, (s, s): at their end, and back again."""
    each = np.eye(2 * len(sos))
    there, to_end = _run(sos, np.zeros((len(each), n_frames)), each)
    _, and_back = _run(sos, there[:, ::-1], np.zeros_like(each))
    return to_end, and_back


def _about_first(block: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return the first frame of a block, (n, 1), and the block about it; of no frame, zeros."""
    origin = block[:, :1].astype(np.float64) if block.shape[1] else np.zeros((len(block), 1))
    return origin, block - origin


def _run(sos: Floats, block: NDArray[Any], state: Floats) -> tuple[Floats, Floats]:
    """Filter a block (n, t) from a state (n, s), and return it with the state in which it ends."""
    if not block.shape[1]:
        return block, state
    by_section = state.reshape(len(state), len(sos), 2).swapaxes(0, 1)
    done, end = sosfilt(sos, block, axis=1, zi=by_section)
    return done, end.swapaxes(0, 1).reshape(state.shape)
