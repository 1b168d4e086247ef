import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput
from netxr.moments import budget
from netxr.moments.budget import OVERHEAD, Work, plan_pass, plan_rows
from netxr.schema.arguments import check_memory
from netxr.schema.words import text_of

GIB = 2**30


def work(**sizes):
    """A recording of 100 neurons and 100,000 frames in chunks of a few MB, at two lags."""
    n, precision = sizes.get("n_neurons", 100), sizes.get("precision", np.dtype("float32"))
    usual = {
        "n_neurons": n,
        "n_targets": n,
        "n_sources": n,
        "n_steps": 100_000,
        "n_trials": 1,
        "lags": (0, 1),
        "precision": precision,
        "stored": n * 100_000 * precision.itemsize,
        "chunk": n * 10_000 * precision.itemsize,
    }
    return Work(**(usual | sizes))


def planned(work, *, memory=100 * GIB, processes=1, threads=2, cores=4, how=plan_pass):
    return how(work, memory=memory, processes=processes, threads=threads, cores=cores)


@st.composite
def any_work(draw):
    n, n_trials = draw(st.integers(1, 20_000)), draw(st.integers(1, 300))
    layers, products = draw(st.sampled_from([(1, 1), (3, 6)]))
    lags = draw(st.lists(st.integers(0, 2000), min_size=1, max_size=9, unique=True))
    return work(
        n_neurons=n,
        n_sources=draw(st.integers(1, n)),
        n_steps=draw(st.integers(max(lags) + 2, 10**8)),
        n_trials=n_trials,
        lags=tuple(lags),
        precision=np.dtype(draw(st.sampled_from(["float32", "float64"]))),
        chunk=draw(st.integers(0, 10**9)),
        layers=layers,
        products=products,
        results=draw(st.sampled_from([1, n_trials])),
    )


means = {"processes": st.integers(1, 8), "threads": st.integers(1, 8), "cores": st.integers(1, 16)}
a_pass_anywhere = st.fixed_dictionaries(means)
anywhere = st.fixed_dictionaries(means | {"how": st.sampled_from([plan_pass, plan_rows])})


def least(work, where):
    """The budget that an error asks for, as the user would give it back."""
    with pytest.raises(InvalidInput) as caught:
        planned(work, memory=1, **where)
    return check_memory(re.search(r"at least ([\d.]+ \w+) for", str(caught.value))[1])


# --- plans ---------------------------------------------------------------------------------------


@given(any_work(), st.integers(1, 2**40), anywhere)
def test_a_plan_obeys_the_budget_or_names_one_that_is_enough(work, memory, where):
    enough = least(work, where)
    assert planned(work, memory=enough, **where).peak_bytes <= enough
    try:
        plan = planned(work, memory=memory, **where)
    except InvalidInput:
        assert memory < enough
        return
    assert plan.peak_bytes <= memory
    assert replace(plan.work, block=work.block, fourier=work.fourier) == work
    assert 1 <= plan.workers <= where["threads"]
    assert 1 <= plan.blas_threads <= where["cores"]
    assert plan.work.block >= max(1, work.max_lag)


@given(any_work(), a_pass_anywhere, st.sampled_from(["n_sources", "n_neurons", "chunk", "products"]))
def test_more_of_anything_takes_no_less(work, where, what):
    more = replace(work, **{what: 2 * getattr(work, what)})
    assert least(more, where) >= least(work, where)
    plan = planned(work, memory=10**20, **where)
    assert replace(plan, work=replace(plan.work, **{what: 2 * getattr(work, what)})).peak_bytes >= plan.peak_bytes


@given(any_work(), a_pass_anywhere, st.integers(0, 3000))
def test_a_further_lag_takes_no_less(work, where, lag):
    more = replace(work, lags=(*work.lags, lag), n_steps=work.n_steps + 3000)
    assert least(more, where) >= least(work, where)


def test_a_lavish_budget_keeps_all_cores_busy():
    plan = planned(work(n_steps=10**7), threads=4, cores=4)
    assert (plan.workers, plan.blas_threads) == (4, 1)
    assert plan.segments >= 4


def test_workers_give_way_to_blas_threads_where_memory_is_short():
    large, where = work(n_neurons=4_000, lags=(0, 1, 2, 3, 4)), {"threads": 4, "cores": 4}
    ample, scarce = planned(large, **where), planned(large, memory=least(large, where), **where)
    assert ample.workers > scarce.workers
    assert scarce.blas_threads > ample.blas_threads


def test_on_a_cluster_the_workers_have_as_many_threads_as_they_have():
    plan = planned(work(), memory=least(work(), {"processes": 3, "threads": 2}), processes=3, threads=2)
    assert (plan.processes, plan.workers) == (3, 2)


def test_the_sums_are_in_the_peak():
    plan = planned(work(n_neurons=2_000, lags=tuple(range(10))))
    assert plan.work.sums == 10 * 2_000**2 * 8
    assert plan.peak_bytes > OVERHEAD + plan.work.sums


def test_short_trials_are_not_cut_into_segments():
    assert planned(work(n_steps=900)).segments == 1
    assert planned(work(n_steps=10**6)).segments > 1


# --- rows of a matrix ------------------------------------------------------------------------------


@given(any_work(), st.integers(0, 2**40), a_pass_anywhere.map(lambda where: where | {"how": plan_rows}))
def test_rows_of_tasks_are_whole_blocks_of_the_store(work, more, where):
    plan = planned(work, memory=least(work, where) + more, **where)
    assert 1 <= plan.rows_at_a_time <= plan.rows <= work.n_targets
    assert plan.rows == work.n_targets or plan.rows % plan.rows_at_a_time == 0
    assert plan.reads == (1 if plan.held else plan.tasks)


@given(any_work(), st.integers(0, 2**40), a_pass_anywhere.map(lambda where: where | {"how": plan_rows}))
def test_tasks_share_the_rows_evenly(work, more, where):
    plan = planned(work, memory=least(work, where) + more, **where)
    starts, ends = zip(*plan.shares, strict=True)
    assert (len(starts), starts[0], ends[-1]) == (plan.tasks, 0, work.n_targets)
    assert starts[1:] == ends[:-1]
    step = plan.rows_at_a_time
    chunks = [-(-(end - start) // step) for start, end in plan.shares]
    assert max(chunks) - min(chunks) <= 1
    assert all(start % step == 0 and start < end <= start + plan.rows for start, end in plan.shares)


def test_a_recording_that_fits_is_held_and_read_once():
    small = work(n_neurons=3_000, n_steps=20_000, stored=3_000 * 20_000 * 4)
    assert planned(small, how=plan_rows).held
    assert planned(small, how=plan_rows).reads == 1
    assert not planned(small, how=plan_rows, memory=least(small, {"how": plan_rows})).held


# --- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [plan_pass, plan_rows])
def test_too_small_a_budget_names_both_figures_and_a_fix(how):
    with pytest.raises(InvalidInput) as caught:
        planned(work(n_neurons=2_000), memory=50 * 2**20, how=how)
    assert caught.value.argument == "memory"
    assert "memory: got 50 MiB; expected at least " in str(caught.value)
    assert "2,000 x 2,000 pairs of neurons at 2 lags, from chunks of 76.3 MiB" in str(caught.value)
    assert "Ask for fewer lags or sources" in str(caught.value)


@pytest.mark.parametrize("how", [plan_pass, plan_rows])
def test_without_a_budget_half_of_what_is_free_is_taken(how, monkeypatch):
    monkeypatch.setattr(budget, "available", lambda: 60 * 2**20)
    with pytest.raises(InvalidInput, match=r"memory: got 60 MiB \(half of what is free\)"):
        planned(work(), memory=None, how=how)
    monkeypatch.setattr(budget, "available", lambda: 60 * GIB)
    assert planned(work(), memory=None, how=how) == planned(work(), memory=60 * GIB, how=how)


# --- plans as text ---------------------------------------------------------------------------------


def test_a_plan_says_what_it_takes():
    plan = replace(planned(work()), workers=2, blas_threads=1, work=replace(work(), block=8192))
    assert str(plan) == (
        f"reads 38.1 MiB once; 4.0e9 operations; at most {text_of(plan.peak_bytes)} of memory; "
        "2 tasks at a time with 1 BLAS thread each; a regression at 1 lag 625 KiB and about 0.1 s on top of that"
    )
    assert "; 4.0e9 operations, fewer by Fourier segments; " in str(
        replace(plan, work=replace(work(), block=8192, fourier=2048))
    )
    assert " of memory in each of 3 processes; " in str(replace(plan, processes=3))


def test_a_plan_of_rows_says_how_often_it_reads():
    plan = replace(planned(work(), how=plan_rows), workers=1, blas_threads=4, rows=30, held=False)
    assert str(plan).startswith("reads 38.1 MiB 4 times; 4.0e9 operations")
    assert str(plan).endswith("; 1 task of 30 target rows at a time with 4 BLAS threads each")
    assert str(replace(plan, held=True)).startswith("reads 38.1 MiB once; ")


@pytest.mark.parametrize("how", [plan_pass, plan_rows])
def test_a_cluster_of_one_process_runs_all_its_threads(how):
    for memory in (10**9, 10**12):
        plan = how(work(n_trials=5), memory=memory, processes=1, threads=4, cores=4, cluster=True)
        assert plan.workers == 4
