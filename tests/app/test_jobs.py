import logging
import threading
import time

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.app.frame.jobs import (
    LONG,
    MOST_WAITING,
    QUIET,
    SHORT,
    Cancelled,
    Job,
    JobQueue,
    TooManyWaiting,
    message_of,
)
from netxr.kernels import blas


class Outcome:
    """What became of a computation."""

    def __init__(self):
        self.ended, self.result, self.error, self.told = threading.Event(), None, None, []

    def start(self, queue, work, **options):
        self.job = Job(lambda done, total: self.told.append((done, total)))
        queue.start(self.job, work, then=self.then, failed=self.failed, **options)
        return self

    def then(self, result):
        self.result = result
        self.ended.set()

    def failed(self, error):
        self.error = error
        self.ended.set()

    def wait(self):
        assert self.ended.wait(20)
        return self


@pytest.fixture
def queue():
    queue = JobQueue()
    yield queue
    queue.close()


@pytest.fixture
def gate():
    """An event that computations wait for; opened at the end at the latest."""
    gate = threading.Event()
    yield gate
    gate.set()


def hold(gate, begun):
    def work(job):
        begun.set()
        while not gate.wait(0.01):
            job.step()
        return "done"

    return work


def test_a_result_comes_back(queue):
    assert Outcome().start(queue, lambda job: 42).wait().result == 42


def test_an_error_comes_back(queue):
    assert isinstance(Outcome().start(queue, lambda job: 1 / 0).wait().error, ZeroDivisionError)


def test_long_work_is_done_one_after_the_other_and_short_and_quiet_work_beside_it(queue, gate):
    begun = threading.Event()
    first = Outcome().start(queue, hold(gate, begun))
    second = Outcome().start(queue, lambda job: "second")
    assert begun.wait(20)
    for among in (SHORT, QUIET):
        assert Outcome().start(queue, lambda job: "done", among=among).wait().result == "done"
    assert not first.ended.is_set()
    assert not second.ended.is_set()
    gate.set()
    assert (first.wait().result, second.wait().result) == ("done", "second")


def test_the_queue_is_bounded(queue, gate):
    outcomes = [Outcome().start(queue, hold(gate, threading.Event())) for _ in range(1 + MOST_WAITING)]
    with pytest.raises(TooManyWaiting, match=f"{MOST_WAITING} computations are already waiting"):
        Outcome().start(queue, lambda job: None)
    outcomes[-1].job.cancel()  # makes room at once
    assert isinstance(outcomes[-1].wait().error, Cancelled)
    outcomes[-1] = Outcome().start(queue, lambda job: "done")
    gate.set()
    assert {outcome.wait().result for outcome in outcomes} == {"done"}


def test_cancelling_ends_work_under_way_and_work_that_waits(queue, gate):
    begun = threading.Event()
    running, waiting = Outcome().start(queue, hold(gate, begun)), Outcome().start(queue, lambda job: "never")
    assert begun.wait(20)
    for outcome in (waiting, running):
        outcome.job.cancel()
        assert isinstance(outcome.wait().error, Cancelled)
        assert outcome.result is None


def test_closing_the_desk_cancels_what_it_took_on(gate):
    queue, begun = JobQueue(), threading.Event()
    outcomes = [Outcome().start(queue, hold(gate, begun)), Outcome().start(queue, lambda job: "never")]
    assert begun.wait(20)
    queue.close()
    assert all(isinstance(outcome.wait().error, Cancelled) for outcome in outcomes)


def lazy_activity(reads, *, pause):
    """A recording of 400 blocks, each of which takes a while to read."""

    def block(block_info=None):
        reads.append(time.monotonic())
        time.sleep(pause)
        return np.random.default_rng(len(reads)).normal(size=(3, 50))

    import dask.array as da

    samples = da.map_blocks(block, chunks=((3,), (50,) * 400), dtype=float, meta=np.empty((0, 0)))
    return xr.DataArray(samples, dims=("neuron", "time"), coords={"neuron": list("abc")})


def test_a_correlation_in_threads_stops_promptly_and_leaves_no_reader_behind(queue):
    reads = []
    activity = lazy_activity(reads, pause=0.01)
    outcome = Outcome().start(queue, lambda job: job.compute(netxr.lagged_correlation(activity, memory="1GiB")))
    while not outcome.told:
        assert not outcome.ended.wait(0.01), outcome.error
    outcome.job.cancel()
    assert isinstance(outcome.wait().error, Cancelled)
    n_reads = len(reads)
    assert n_reads < 300
    time.sleep(0.3)
    assert len(reads) == n_reads  # the other threads have stopped too
    assert Outcome().start(queue, lambda job: "next").wait().result == "next"


def test_progress_is_told(queue):
    activity = lazy_activity([], pause=0.002)
    outcome = Outcome().start(queue, lambda job: job.compute(netxr.lagged_correlation(activity, memory="1GiB"))).wait()
    assert outcome.result.shape == (3, 3)
    done = [done for done, _ in outcome.told]
    assert done == sorted(done)
    assert outcome.told[-1] == (20_000, 20_000)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (netxr.InvalidInput("lag", got="-1", expected="0 or above"), "lag: got -1; expected 0 or above."),
        (netxr.NetxrError("one\n two"), "one two"),
        (MemoryError(), "There is not enough memory"),
    ],
)
def test_errors_in_words(error, text, caplog):
    assert message_of(error).startswith(text)
    assert not caplog.records


def test_an_unexpected_error_is_named_on_the_page_and_told_to_the_log(caplog):
    with caplog.at_level(logging.ERROR):
        try:
            {}["/secret/path"]
        except KeyError as error:
            text = message_of(error)
    assert "Unexpected error (KeyError)" in text
    assert "secret" not in text
    assert "/secret/path" in caplog.text


def test_a_job_goes_on_after_a_computation_that_failed(queue):
    samples = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("neuron", "time")).chunk({"time": 1})

    def fail(_block):
        raise ZeroDivisionError

    def work(job):
        with pytest.raises(ZeroDivisionError):
            job.compute(samples.map_blocks(fail, template=samples))
        return float(job.compute(samples.sum()))

    outcome = Outcome().start(queue, work).wait()
    assert outcome.error is None
    assert outcome.result == 15


@pytest.mark.parametrize("among", [SHORT, QUIET, LONG])
def test_computations_take_one_thread_of_blas(queue, among):
    outcome = Outcome().start(queue, lambda _job: bool(blas._former), among=among).wait()
    assert outcome.result
    assert not blas._former
