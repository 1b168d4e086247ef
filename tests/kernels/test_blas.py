from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np  # noqa: F401  loads the library whose threads are counted
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from netxr.kernels.blas import one_blas_thread


def threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("a BLAS whose threads cannot be set")
        yield


def test_one_thread_inside_and_the_former_number_after():
    with one_blas_thread():
        assert threads() == {1}
    assert threads() == {2}


def test_nested():
    with one_blas_thread():
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


def test_restored_after_an_error():
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        raise ZeroDivisionError
    assert threads() == {2}


def test_overlapping_threads_restore_only_when_the_last_leaves():
    """The first to enter leaves first: the limit holds for the other, and the former number comes back after it."""
    entered, left = Barrier(2, timeout=10), Barrier(2, timeout=10)

    def first():
        with one_blas_thread():
            entered.wait()
        left.wait()

    def second():
        with one_blas_thread():
            entered.wait()
            left.wait()
            return threads()

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(first), pool.submit(second)
        one.result()
        assert other.result() == {1}
    assert threads() == {2}


def test_many_threads_many_times():
    def often(_):
        for _ in range(50):
            with one_blas_thread():
                if threads() != {1}:
                    return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(often, range(8)))
    assert threads() == {2}
