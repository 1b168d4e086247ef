"""The provisional mean of a recording, and samples counted from it: products then lose no digit to what they share.

Index letters: i neuron, t frame.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PILOT_FRAMES: Final = 63
"""The most frames that the provisional mean is taken from."""


def provisional_mean(frames: NDArray[Any]) -> NDArray[Any]:
    """Return a value near the bulk of each neuron's samples, (i, t) -> (i): the median of some finite frames.

    Counting from it keeps products small beside what they are to resolve: raw float32 sums of a membrane
    potential near -65 lose every digit. The frames are spread over all that there are, because the first ones may
    be unlike the rest; a median ignores strange frames and returns a constant exactly.
    """
    pilot = frames[:, :: max(1, -(-frames.shape[1] // PILOT_FRAMES))]
    if pilot.size and np.isfinite(pilot).all():
        return np.asarray(np.median(pilot, axis=1))
    rows = (row[np.isfinite(row)] for row in frames)
    return np.array([np.median(row[:: -(-len(row) // PILOT_FRAMES)]) if len(row) else 0 for row in rows])


def first_of(pieces: Iterator[NDArray[Any]]) -> tuple[NDArray[Any], Iterator[NDArray[Any]]]:
    """Return the provisional mean of the first piece (i, t) that holds any frame, and all that is left to go through.

    This piece is the first that is left: it is looked at before it is counted.
    """
    first = next(piece for piece in pieces if piece.shape[1])
    return provisional_mean(first), chain([first], pieces)


def subtract(samples: NDArray[Any], shift: NDArray[Any], *, out: NDArray[Any]) -> None:
    """Subtract a provisional mean (i) from samples (i, t), with as many digits as both and `out` have."""
    if samples.dtype.kind in "iu" and samples.itemsize == 8:
        out[:] = _integer_difference(samples, shift)
        return
    # float32 samples lose no digit to a float32 difference if float64 products are asked for.
    exact = np.result_type(samples, shift, out)
    np.subtract(samples, shift[:, None], out=out, dtype=exact, casting="same_kind")
    if exact.itemsize > out.itemsize:
        # What is too small for the precision has become zero. As its smallest number it is no constant.
        tiny = np.finfo(out.dtype).tiny
        for i in np.flatnonzero(np.fmax.reduce(np.abs(out), axis=1, initial=0) < tiny):
            out[i, (out[i] == 0) & (samples[i] != shift[i])] = tiny


def _integer_difference(samples: NDArray[Any], shift: NDArray[Any]) -> NDArray[np.float64]:
    """Return whole numbers of 64 bits (i, t) less a provisional mean (i); float64 may hold too few digits of them."""
    # The last float64 in the range of the integers is before its end.
    limits = np.iinfo(samples.dtype)
    origin = np.clip(np.trunc(shift), np.nextafter(float(limits.min), 0), np.nextafter(float(limits.max), 0))
    rough = samples.astype(np.float64) - shift[:, None]
    with np.errstate(over="ignore"):  # both may wrap around; their difference is right
        exact = (samples - origin.astype(samples.dtype)[:, None]).view(np.int64) + (origin - shift)[:, None]
    return np.asarray(np.where(np.abs(rough) < 2.0**62, exact, rough))
