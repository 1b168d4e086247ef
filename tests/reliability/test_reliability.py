"""A small count of what ``python -m tests.reliability`` tries."""

import sys

import pytest

from tests.reliability.crowds import readers, writers_without_locks
from tests.reliability.damages import damages
from tests.reliability.kills import CALLS, kills
from tests.reliability.tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="forks of Unix")]


@pytest.fixture
def tally():
    """What is tried in a test: nothing of it may fail."""
    tally = Tally()
    yield tally
    print(tally)
    assert tally.rows
    assert not tally.failures


@pytest.mark.parametrize("call", CALLS)
def test_a_writer_that_is_killed(tally, call):
    kills(tally, 3, [call])


def test_damaged_files(tally):
    damages(tally, 2)


def test_readers_beside_a_writer(tally):
    readers(tally, 5)


def test_two_writers_without_locks(tally):
    writers_without_locks(tally, 5)
