"""Blocks that are made while those before them are in use."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numpy.typing import NDArray


def one_ahead(blocks: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Pass blocks on, each made in another thread while the one before it is in use.

    Examples
    --------
    >>> import numpy as np
    >>> [block.tolist() for block in one_ahead(iter(np.eye(2)))]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = maker.submit(next, blocks, None)
            yield block
