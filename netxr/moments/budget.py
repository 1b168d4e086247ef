"""What a pass over a recording has to do, and what its parts take in memory.

Projections count what a pass allocates: they are upper bounds, held against measured peaks by the tests.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final

import numpy as np
import psutil

from netxr.errors import InvalidInput
from netxr.kernels.lag_spectrum import segment_length, spectrum_bytes
from netxr.kernels.running_sums import PRODUCT_COLUMNS, PRODUCT_ROWS
from netxr.schema.words import text_of

DEFAULT_SHARE: Final = 0.5
"""Share of the memory that is free which a pass may take where no budget is given."""

OVERHEAD: Final = 112 * 2**20
"""Bytes for libraries that load on first use, threads, and what the allocator does not give back at once."""

BLOCK_BYTES: Final = 2**24
"""Samples of a block, where there is room: long enough that adding a product to its sum costs little beside it."""

SHORTEST_BLOCK: Final = 256
"""Frames below which products are too slow to be worth the memory that they save."""

SPECTRAL_BLOCKS: Final = (16384, 8192, 4096)
"""Frames of a block that goes through Fourier segments: the longer, the less it costs to come back from them."""


@dataclass(frozen=True)
class Work:
    """How much there is to accumulate, in numbers, and how many frames are multiplied at a time.

    Parameters
    ----------
    n_neurons, n_targets, n_sources : int
        Rows of a frame, and of them the targets and sources.
    n_steps, n_trials : int
        Frames of a trial, and trials.
    lags : tuple of int
        Lags.
    precision : dtype
        Of samples within a product.
    stored : int
        Bytes of all samples as they are stored.
    chunk : int
        Bytes of the largest chunk as it comes, with all neurons.
    layers, products : int
        Layers of a block, and products of them for each lag.
    results : int
        Separate sets of moments: one a trial that is kept apart.
    block : int
        Frames that are multiplied at a time.
    fourier : int, optional
        Frames of a Fourier segment; without it there is one product a lag.
    """

    n_neurons: int
    n_targets: int
    n_sources: int
    n_steps: int
    n_trials: int
    lags: tuple[int, ...]
    precision: np.dtype[Any]
    stored: int
    chunk: int
    layers: int = 1
    products: int = 1
    results: int = 1
    block: int = 1
    fourier: int | None = None

    @property
    def max_lag(self) -> int:
        """The longest lag."""
        return max(self.lags)

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame within a block."""
        return self.layers * self.n_neurons * self.precision.itemsize

    @property
    def sums(self) -> int:
        """Bytes of the sums over products."""
        return 8 * len(self.lags) * self.products * self.n_targets * self.n_sources

    @property
    def flops(self) -> float:
        """Operations of the products, a lag at a time."""
        frames = self.n_steps * self.n_trials
        return 2.0 * frames * len(self.lags) * self.products * self.n_targets * self.n_sources


def ways(work: Work) -> list[Work]:
    """Return ways to multiply frames, the fastest first and the one that needs least memory last."""
    most = max(work.n_steps, SHORTEST_BLOCK)
    best = max(min(max(BLOCK_BYTES // work.frame_bytes, 2048), most), 4 * work.max_lag)
    spectral = []
    for n_frames in {min(length, most): None for length in SPECTRAL_BLOCKS}:
        fourier = segment_length(
            work.n_targets, work.n_sources, lags=work.lags, n_frames=n_frames, precision=work.precision
        )
        if fourier is not None:
            hop = fourier - (work.max_lag - min(work.lags))
            spectral.append(replace(work, block=max(hop, n_frames // hop * hop), fourier=fourier))
    blocks = (best, max(best // 4, work.max_lag, 1), max(min(best // 4, SHORTEST_BLOCK), work.max_lag, 1))
    return [*spectral, *(replace(work, block=block, fourier=None) for block in blocks)]


def gather_bytes(work: Work) -> int:
    """Return the bytes of a block, and of the frames at both ends of a segment."""
    return work.frame_bytes * (work.block + 6 * work.max_lag)


def product_bytes(work: Work) -> int:
    """Return the bytes of a product on its way to the sum."""
    if work.fourier is None:
        itemsize = work.precision.itemsize
        return min(work.n_targets, PRODUCT_ROWS) * min(work.n_sources, PRODUCT_COLUMNS) * itemsize
    return spectrum_bytes(
        work.fourier, work.n_targets, work.n_sources, lags=work.lags, n_frames=work.block, precision=work.precision
    )


def too_small(budget: int, memory: int | None, least: int, work: Work, *, fix: str) -> InvalidInput:
    """Return the error for a budget that no plan stays within."""
    return InvalidInput(
        "memory",
        got=f"{text_of(budget)}{' (half of what is free)' if memory is None else ''}",
        expected=f"at least {_rounded_up(least)} for {work.n_targets:,} x {work.n_sources:,} pairs of neurons at "
        f"{len(work.lags)} lags, from chunks of {text_of(work.chunk)}",
        fix=fix,
    )


def available() -> int:
    """Return the bytes that a pass may take where no budget is given."""
    return int(DEFAULT_SHARE * psutil.virtual_memory().available)


def _rounded_up(n_bytes: int) -> str:
    """Return an amount of memory in whole units, enough to be given back as a budget."""
    unit, name = (2**30, "GiB") if n_bytes > 100 * 2**30 else (2**20, "MiB")
    return f"{ceil(n_bytes / unit)} {name}"
