from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.moments import budget
from netxr.moments.budget import SHORTEST_BLOCK, Work, gather_bytes, product_bytes, ways
from netxr.schema.arguments import check_memory
from netxr.schema.words import text_of


def work(n=100, n_steps=100_000, lags=(0, 1), **sizes):
    usual = {"n_targets": n, "n_sources": n, "n_trials": 1, "precision": np.dtype("float32"), "stored": 0, "chunk": 0}
    return Work(n_neurons=n, n_steps=n_steps, lags=lags, **(usual | sizes))


def block_bytes(work):
    return gather_bytes(work) + product_bytes(work)


def test_what_there_is_to_do():
    some = work(lags=(0, 1, 5), n_sources=7, n_trials=3, products=6)
    assert some.max_lag == 5
    assert some.sums == 8 * 3 * 6 * 100 * 7
    assert some.flops == 2 * 100_000 * 3 * 3 * 6 * 100 * 7


# --- ways to multiply --------------------------------------------------------------------------------

sizes = st.builds(
    work, st.integers(1, 5000), st.integers(2000, 10**7), st.lists(st.integers(0, 1500), min_size=1, unique=True)
)


@given(sizes)
def test_ways_to_multiply_end_with_the_one_that_needs_least_memory(some):
    *_, last = found = ways(some)
    assert block_bytes(last) == min(map(block_bytes, found))
    assert last.fourier is None
    assert all(way.block >= max(1, some.max_lag) for way in found if way.fourier is None)


@given(sizes)
def test_a_block_is_a_whole_number_of_segments(some):
    for way in ways(some):
        if way.fourier is not None:
            hop = way.fourier - (some.max_lag - min(some.lags))
            assert hop > 0
            assert way.block % hop == 0


def test_many_lags_go_through_segments_and_few_do_not():
    assert ways(work(500, lags=tuple(range(64))))[0].fourier is not None
    assert all(way.fourier is None for way in ways(work(500, lags=(0, 1))))


def test_a_block_takes_what_its_samples_take_and_more():
    some = work(1000)
    assert block_bytes(replace(some, block=4096)) > 4096 * 1000 * 4
    assert block_bytes(replace(some, block=8192)) > block_bytes(replace(some, block=4096))
    assert ways(some)[-1].block == SHORTEST_BLOCK


# --- errors and words ------------------------------------------------------------------------------


def test_available_is_part_of_what_is_free(monkeypatch):
    class Free:
        available = 10 * 2**30

    monkeypatch.setattr(budget.psutil, "virtual_memory", Free)
    assert budget.available() == 5 * 2**30


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1000, "1000 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1023 * 1024, "1023 KiB"),
        (2**20 - 1, "1024 KiB"),
        (400_000_000, "381 MiB"),
        (3_300_000_000, "3.07 GiB"),
        (5 * 2**50, "5120 TiB"),
    ],
)
def test_amounts_in_words(n_bytes, text):
    assert text_of(n_bytes) == text
    assert check_memory(text) == pytest.approx(n_bytes, rel=0.005) if n_bytes else True
