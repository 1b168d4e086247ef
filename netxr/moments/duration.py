"""How long a pass takes, by its plan: products and reading, at the rates of one machine."""

from typing import Any, Final

PRODUCT_RATE: Final = 1e11
"""Operations a second of a float32 product on one core of an AMD EPYC (Zen 5)."""

READ_RATE: Final = 4e8
"""Bytes a second of samples that one worker reads and decompresses from a local disk."""

SUM_FRAMES: Final = 60
"""Adding a product to its sum takes as long as the products of so many frames."""

SPECTRAL_SHARE: Final = 5.0
"""Products at many lags cost about as much as at this number of lags, by way of Fourier segments."""


def seconds_of(plan: Any, *, reads: int) -> float:
    """Return about how long the products of a plan take, and its reading."""
    work, rate = plan.work, PRODUCT_RATE * 4 / plan.work.precision.itemsize
    share = 1 + SUM_FRAMES / work.block if work.fourier is None else SPECTRAL_SHARE / len(work.lags)
    products = share * work.flops / (rate * plan.processes * min(plan.workers * plan.blas_threads, plan.cores))
    readers = plan.processes * min(plan.workers, plan.cores)
    return float(products + reads * work.stored / (READ_RATE * readers))
