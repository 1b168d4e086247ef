"""Recordings cut into segments, and their lagged sums, for the tests of the kernels."""

import itertools

import numpy as np
from hypothesis import strategies as st

from netxr.kernels import running_sums
from netxr.kernels.lagged_sums import Pass, close_trial, join_sums, pool_sums
from tests.strategies import samples, splits


def trial(n=3, length=30, seed=3, dtype="float64"):
    """Samples (neuron, time) of one trial."""
    return samples((n, length, 1), dtype, seed)[..., 0].copy()


def a_pass(lags, *, missing="raise", precision="float64", block=7, **options):
    """What to sum up, over all neurons unless said otherwise."""
    options = {"sources": None} | options
    return Pass(lags=tuple(lags), precision=np.dtype(precision), missing=missing, block=block, **options)


def sums_of(frames, todo, *, shift=None, offset=0, pieces=None):
    """The sums of a segment that arrives in pieces of these lengths."""
    shift = np.zeros(len(frames)) if shift is None else shift
    parts = (frames[:, a:b] for a, b in spans([frames.shape[1]] if pieces is None else pieces))
    return running_sums.sums_of(parts, offset, shift=shift, place="here", todo=todo)


def sums_of_trial(frames, todo, cut, *, shift):
    """The sums of a whole trial, from segments that join, in pieces, as `cuts` says."""
    segments = [
        sums_of(frames[:, start:stop], todo, shift=shift, offset=start, pieces=pieces)
        for (start, stop), pieces in zip(spans(map(sum, cut)), cut, strict=True)
    ]
    return close_trial(join_sums(segments, todo=todo), todo=todo)


def pooled_sums(trials, todo, cuts, *, shift):
    """The sums over several whole trials."""
    return pool_sums([sums_of_trial(x, todo, cut, shift=shift) for x, cut in zip(trials, cuts, strict=True)])


@st.composite
def cuts(draw: st.DrawFn, length):
    """Segments of a trial: the lengths of their pieces."""
    return [draw(splits(segment)) for segment in draw(splits(length))]


def spans(lengths):
    """Start and stop of consecutive parts."""
    return itertools.pairwise(itertools.accumulate(lengths, initial=0))
