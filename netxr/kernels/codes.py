"""Samples of fewer digits: as 16-bit codes, or with fewer bits in their mantissas; and what correlations make of it."""

from collections.abc import Iterable, Sequence
from functools import reduce
from math import frexp, ldexp
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Floats = NDArray[np.float64]

MISSING_CODE: Final = np.iinfo(np.uint16).max
"""The code of NaN; those below it are of numbers."""


class Codes(NamedTuple):
    """Which numbers integer codes stand for: code * scale + offset."""

    dtype: "np.dtype[Any]"
    scale: float
    """From one code to the next."""
    offset: float
    """What code 0 stands for."""
    missing: int | None
    """The code of NaN, if it has one."""

    @property
    def reach(self) -> tuple[float, float]:
        """The smallest and the largest number that has a code."""
        ends = np.iinfo(self.dtype)
        first = ends.min + (self.missing == ends.min)
        last = ends.max - (self.missing == ends.max)
        return float(first * self.scale + self.offset), float(last * self.scale + self.offset)


class Spread(NamedTuple):
    """How the samples of each neuron lie, all (neuron,)."""

    n_finite: Floats
    n_infinite: Floats
    """Samples that are finite, and that are infinite."""
    mean: Floats
    sumsq: Floats
    """Of the finite ones: their mean, and the sum of squared deviations from it."""
    least: Floats
    most: Floats
    """The smallest and the largest of them; where there is none, `least` is above `most`."""


def codes_between(least: float, most: float) -> Codes:
    """Return 16-bit codes for samples from `least` to `most`, which lie in the middle of what the codes reach.

    The step is a power of two, and 0 a multiple of it: integers, and whatever else has few binary digits, are coded
    without an error, and so are samples that differ by less than 65,534 units in their last place.
    """
    largest = max(abs(least), abs(most))
    # Two codes are kept for what rounds up and down at the ends.
    span = (most / 2 - least / 2) / (MISSING_CODE // 2 - 1)
    scale = max(_power_of_two(span), float(np.spacing(largest))) if largest else 1.0
    middle = round((least / 2 + most / 2) / scale)
    return Codes(np.dtype(np.uint16), scale, (middle - MISSING_CODE // 2) * scale, MISSING_CODE)


def _power_of_two(number: float) -> float:
    """Return the smallest power of two that is not below a number; 0 for 0."""
    mantissa, exponent = frexp(number)
    return ldexp(mantissa and 1.0, exponent - (mantissa == 0.5))


def coded(values: NDArray[Any], codes: Codes) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the nearest codes of samples, halves to even, and which samples have none; codes of the latter are 0."""
    ends = np.iinfo(codes.dtype)
    levels = np.rint((values.astype(np.float64) - codes.offset) / codes.scale)
    undefined = np.isnan(levels)
    outside = ~undefined & ~((levels >= ends.min) & (levels <= ends.max))
    if codes.missing is None:
        outside |= undefined
    else:
        outside |= levels == codes.missing
        levels[undefined] = codes.missing
    levels[outside] = 0
    return levels.astype(codes.dtype), outside


def decoded(values: NDArray[Any], codes: Codes, dtype: DTypeLike) -> NDArray[Any]:
    """Return the samples that codes stand for."""
    samples = values * codes.scale + codes.offset
    if codes.missing is not None:
        samples[values == codes.missing] = np.nan
    return samples.astype(dtype)


def bit_rounded(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return float samples rounded to `bits` stored bits of mantissa, halves to even; NaN and infinity are kept.

    M. Klöwer et al., Nature Computational Science 1, 713 (2021), doi:10.1038/s43588-021-00156-2.
    """
    native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    whole = native.view(f"u{native.itemsize}")
    integer = whole.dtype.type
    dropped = integer(np.finfo(native.dtype).nmant - bits)
    if not dropped:
        return values
    half = integer((1 << int(dropped) - 1) - 1)
    kept = ~integer((1 << int(dropped)) - 1)
    rounded = ((whole + half + ((whole >> dropped) & integer(1))) & kept).view(native.dtype)
    # A sample next to the largest number would become infinite: it is cut off instead.
    rounded = np.where(np.isfinite(rounded), rounded, (whole & kept).view(native.dtype))
    return np.where(np.isfinite(native), rounded, native).astype(values.dtype, copy=False)


def half_step(largest: Floats, bits: int) -> Floats:
    """Return by how much rounding to `bits` bits changes samples of magnitude `largest` or smaller, at most."""
    exponents = np.frexp(largest)[1]
    return np.where(largest > 0, np.ldexp(1.0, exponents - bits - 2), 0.0)


# --- how samples lie ----------------------------------------------------------


def spread(pieces: Iterable[NDArray[Any]], offset: int = 0) -> Spread:
    """Return how the samples of consecutive pieces (neuron, time) lie, wherever they begin."""
    return reduce(_join, map(_spread_of, pieces))


def join_spreads(parts: Sequence[Spread]) -> Spread:
    """Return how the samples of all parts lie."""
    return reduce(_join, parts)


def _spread_of(piece: NDArray[Any]) -> Spread:
    """Return how the samples of a piece lie."""
    finite = np.isfinite(piece)
    only: dict[str, Any] = {} if finite.all() else {"where": finite}
    count = finite.sum(axis=1).astype(np.float64)
    mean = piece.sum(axis=1, dtype=np.float64, **only) / np.maximum(count, 1)
    deviations = np.subtract(piece, mean[:, None], dtype=np.float64)
    if only:
        deviations[~finite] = 0
    with np.errstate(over="ignore"):
        sumsq = np.einsum("nt,nt->n", deviations, deviations)
    least, most = piece.min(axis=1, initial=np.inf, **only), piece.max(axis=1, initial=-np.inf, **only)
    n_infinite = np.isinf(piece).sum(axis=1) if only else np.zeros_like(count)
    return Spread(count, n_infinite, mean, sumsq, least.astype(np.float64), most.astype(np.float64))


def _join(a: Spread, b: Spread) -> Spread:
    """Return how the samples of two parts lie (Chan, Golub and LeVeque 1983, doi:10.1080/00031305.1983.10483115)."""
    count = a.n_finite + b.n_finite
    apart = b.mean - a.mean
    share = b.n_finite / np.maximum(count, 1)
    with np.errstate(over="ignore"):
        sumsq = a.sumsq + b.sumsq + apart**2 * a.n_finite * share
    ends = np.minimum(a.least, b.least), np.maximum(a.most, b.most)
    return Spread(count, a.n_infinite + b.n_infinite, a.mean + apart * share, sumsq, *ends)


# --- what correlations make of it ---------------------------------------------

CERTAINTY: Final = 8.0
"""Standard deviations of a change by chance; among 100 million pairs of neurons, the largest is at 6."""


def changes_of_correlation(spreads: Spread, error: Floats | float) -> tuple[Floats, Floats]:
    """Return by how much correlations with each neuron change when its samples, and all others', are rounded.

    Let rounding change samples by `error` E at most, and s be the standard deviation of a neuron over T samples. Errors
    that are independent of the samples change r by a sum of T random terms, of standard deviation at most E / (s
    sqrt(T)), and shorten it by the factor 1 / (1 + E^2 / (3 s^2)) at most. Whatever the errors are, they turn the
    vector of deviations by an angle of arcsin(E / s) at most, and r is the cosine of the angle between two of them.

    So 8 E / (s sqrt(T)) + (E / s)^2 is to be expected at most, where errors are like noise, E <= s / 2; and 2 arcsin(E
    / s), at most 2, is possible at all. Both are 0 for neurons that never vary.
    """
    count = np.maximum(spreads.n_finite, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.minimum(error / np.sqrt(spreads.sumsq / count), 1)
    ratio = np.where(spreads.least >= spreads.most, 0.0, np.nan_to_num(ratio, nan=1.0))
    possible = np.minimum(2 * np.arcsin(ratio), 2.0)
    likely = np.where(ratio <= 0.5, CERTAINTY * ratio / np.sqrt(count) + ratio**2, 2.0)
    return np.minimum(likely, possible), possible
