import itertools
from dataclasses import replace

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given

import netxr
from netxr.blocks import progress as module
from netxr.blocks.progress import Part, report, reported
from netxr.errors import InvalidInput
from netxr.estimators import rows as matrices
from netxr.moments.prepare import planned_rows
from tests.strategies import splits

VALUES = np.random.default_rng(2).normal(size=(6, 6000))


def recording(frames=500, trials=None):
    """A lazy recording of 6,000 frames, in one trial or several."""
    if trials is None:
        return xr.DataArray(da.from_array(VALUES, chunks=(6, frames)), dims=("neuron", "time"))
    values = VALUES.reshape(6, 6000 // trials, trials)
    return xr.DataArray(da.from_array(values, chunks=(6, frames, 1)), dims=("neuron", "time", "trial"))


@pytest.fixture
def reports(monkeypatch):
    """What `reports.append` is called with; parts tell after every piece, however soon."""
    monkeypatch.setattr(module, "PAUSE_SECONDS", -1)
    yield []
    assert not module._listeners, "nobody listens any more"


def listening(reports):
    return netxr.progress(lambda *report: reports.append(report))


def assert_growing(reports, total):
    """Reports that grow, frame by frame at most, up to all of them."""
    done = [done for done, _ in reports]
    assert all(a < b for a, b in itertools.pairwise(done))
    assert {total for _, total in reports} == {total}
    assert reports[-1] == (total, total)


# --- passes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_pass_in_any_number_of_segments(reports, scheduler, workers):
    with dask.config.set(scheduler=scheduler, num_workers=workers), listening(reports):
        netxr.lagged_correlation(recording(), lags=[0, 3]).compute()
    assert_growing(reports, 6000)
    assert len(reports) == 12, "one a block"


@pytest.mark.parametrize("dim", ["time", ("time", "trial")])
def test_trials_apart_or_together_are_one_run(reports, dim):
    with listening(reports):
        netxr.lagged_moments(recording(250, trials=3), dim=dim).compute()
    assert_growing(reports, 6000)
    assert len(reports) == 24


@pytest.mark.parametrize("missing", ["raise", "pairwise"])
def test_several_estimates_of_the_same_moments_are_one_run(reports, missing):
    moments = netxr.lagged_moments(recording(), lags=[0, 1], missing=missing)
    with listening(reports):
        dask.compute(*(netxr.lagged_correlation(moments, lag=lag) for lag in (0, 1)))
    assert_growing(reports, 6000)


def test_different_passes_add_up(reports):
    with listening(reports):
        for lag in (1, 2):
            netxr.lagged_correlation(recording(), lag=lag).compute()
    assert reports[11] == (6000, 6000)
    assert_growing(reports[12:], 12_000)


def test_a_pass_that_is_run_again_counts_once(reports):
    lazy = netxr.lagged_correlation(recording())
    with listening(reports):
        lazy.compute()
        lazy.compute()
    assert_growing(reports, 6000)


def test_few_reports_where_blocks_are_quick():
    reports = []
    with listening(reports):
        netxr.lagged_correlation(recording(50)).compute(scheduler="synchronous")
    assert reports[-1] == (6000, 6000)
    assert len(reports) < 60


def test_what_is_in_memory_tells_nothing(reports):
    with listening(reports):
        netxr.lagged_correlation(recording().compute())
    assert not reports


# --- matrices in rows ------------------------------------------------------------------------------


@pytest.fixture(params=[True, False])
def three_tasks(request, monkeypatch):
    """Matrices of three tasks with two rows each, of a recording that is held or read anew by each task."""

    def planned(*arguments, **options):
        todo, plan = planned_rows(*arguments, **options)
        return todo, replace(plan, rows=2, rows_at_a_time=1, held=request.param)

    monkeypatch.setattr(matrices, "planned_rows", planned)


@pytest.mark.usefixtures("three_tasks")
@pytest.mark.parametrize(("trials", "dim"), [(None, "time"), (3, "time"), (3, ("time", "trial"))])
def test_a_stored_matrix_counts_frames_once_a_task(reports, tmp_path, trials, dim):
    with listening(reports):
        netxr.lagged_correlation(recording(250, trials=trials), dim=dim, store=tmp_path / "r.zarr")
    assert_growing(reports, 3 * 6000)


@pytest.mark.usefixtures("three_tasks")
@pytest.mark.parametrize(("trials", "dim"), [(None, "time"), (3, "time"), (3, ("time", "trial"))])
def test_strongest_pairs_count_frames_once_a_task(reports, trials, dim):
    with listening(reports):
        netxr.strongest_pairs(recording(250, trials=trials), dim=dim, k=1)
    assert_growing(reports, 3 * 6000)


# --- who listens -----------------------------------------------------------------------------------


def test_both_of_two_that_listen_are_told(reports):
    inner, lazy = [], netxr.lagged_correlation(recording())
    with listening(reports):
        with listening(inner):
            lazy.compute()
        netxr.lagged_correlation(recording(), lag=2).compute()
    assert_growing(inner, 6000)
    assert reports[-1] == (12_000, 12_000)


def test_an_error_within_leaves_no_listener_behind(reports):
    bad = recording()
    bad = bad.where(bad.time < 5000)
    with pytest.raises(netxr.NonFiniteActivity), listening(reports):
        netxr.lagged_correlation(bad).compute()
    heard = len(reports)
    netxr.lagged_correlation(recording()).compute()
    assert len(reports) == heard


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_of_the_report_ends_the_pass(reports, tmp_path, error):
    def fail(done, total):
        raise error

    for run in (
        lambda: netxr.lagged_correlation(recording()).compute(scheduler="synchronous"),
        lambda: netxr.lagged_correlation(recording(), store=tmp_path / "r.zarr"),
    ):
        with pytest.raises(error), netxr.progress(fail):
            run()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("listener", [None, 5, "print", [print]])
def test_what_is_no_function(listener):
    with pytest.raises(InvalidInput, match=r"listener: got .*; expected a function of \(how much is done"):  # noqa: SIM117
        with netxr.progress(listener):
            pytest.fail("entered")


# --- parts -----------------------------------------------------------------------------------------


@given(splits(30))
def test_pieces_pass_through_and_what_is_done_is_told(lengths):
    pieces = np.split(np.arange(60).reshape(2, 30), np.cumsum(lengths)[:-1], axis=1)
    reports = []
    with pytest.MonkeyPatch.context() as patch, listening(reports):
        patch.setattr(module, "PAUSE_SECONDS", -1)
        passed = list(reported(iter(pieces), Part("run", "part", 30)))
    assert all(ours is piece for ours, piece in zip(passed, pieces, strict=True))
    assert reports == [(done, 30) for done in np.cumsum(lengths).tolist()]


def test_a_piece_is_done_when_the_next_one_is_asked_for(reports):
    with listening(reports):
        pieces = reported(iter([np.zeros((2, 5))] * 2), Part("run", "part", 10))
        next(pieces)
        assert not reports
        next(pieces)
        assert reports == [(5, 10)]


def test_what_is_told_twice_counts_once(reports):
    with listening(reports):
        for done in (3, 5, 5, 2, 4):  # a part that is done again after a worker was lost
            report(Part("run", "a", 10), done)
        report(Part("run", "b", 10), 5)
        report(Part("other run", "a", 7), 7)
    assert reports == [(3, 10), (5, 10), (10, 10), (17, 17)]


def test_what_is_reported_before_and_after_is_passed_on_to_none(reports):
    report(Part("run", "a", 10), 3)
    with listening(reports):
        pass
    report(Part("run", "a", 10), 5)
    assert not reports


def test_a_bar_of_tqdm_goes_along():
    """By the line in the docstring, with what a bar has of it."""

    class Bar:
        n, total = 0, None

        def update(self, more):
            self.n += more

    bar = Bar()
    with netxr.progress(lambda done, total: setattr(bar, "total", total) or bar.update(done - bar.n)):
        netxr.lagged_correlation(recording()).compute(scheduler="synchronous")
    assert (bar.n, bar.total) == (6000, 6000)
