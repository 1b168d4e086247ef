"""Writers that are killed at random moments: what was committed is there, and the same call again ends the same way.

`NETXR_BENCHMARK=full` kills 200 of them, and prints what they were at; else it is a few.
"""

import os
import shutil
import sys
from collections import Counter
from itertools import cycle

import numpy as np
import pytest

import netxr
from netxr import names as n
from tests.runs import names
from tests.store import works
from tests.store.dying import workshop
from tests.store.stores import behind, check_open, check_tidy, content, fresh

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix"),
]

N_KILLS = 200 if os.environ.get("NETXR_BENCHMARK") == "full" else 6

STEPS = {"append_long": "append_piece", "append_trials_long": "append_next_trial", "update_long": "update_once"}
WORKS = ["save_long", "simulate_long", "convert_long", *STEPS]


@pytest.fixture(scope="module")
def shop():
    with workshop(works.__file__) as shop:
        yield shop


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills")
    np.save(folder / "recording.npy", works.a_recording())
    return folder


@pytest.fixture(scope="module")
def states(shop, folder):
    """For each work, the store before, and all that readers may see afterwards, the end last; and how long it takes."""
    states, seconds = {}, dict.fromkeys(WORKS, 0.0)
    for work in WORKS:
        path = folder / f"{work}-before" / "run.zarr"
        path.parent.mkdir()
        if work in STEPS:
            assert not shop.do("begin_long", path).error
        path = shutil.copytree(path.parent, folder / f"{work}-states") / "run.zarr"
        seen = [content(netxr.open(path))] if work in STEPS else []
        while not seen or work in STEPS:
            told = shop.do(STEPS.get(work, work), path)
            assert not told.error, told.error
            seconds[work] += told.seconds
            seen.append(content(netxr.open(path)))
            if len(seen) > 1 and seen[-1].identical(seen[-2]):
                seen.pop()
                break
        states[work] = seen
    return states, seconds


def test_moments_are_of_the_samples_beside_them(states):
    for work in ("append_long", "append_trials_long"):
        for state in states[0][work]:
            expected = netxr.lagged_moments(state.activity, lags=[1], dim=["time", "trial"]).compute()
            for name in ("count", "mean_source", "sumsq_target", "comoment"):
                np.testing.assert_allclose(state[name], expected[name], rtol=1e-9)


def test_killed_writers_leave_what_they_committed(shop, folder, states):
    states, seconds = states
    rng, stages = np.random.default_rng(1), Counter()
    path = folder / "work" / "run.zarr"
    works_in_turn = cycle(WORKS)
    while stages.total() < N_KILLS:
        work = next(works_in_turn)
        fresh(folder / f"{work}-before", path)
        if not shop.do(work, path, after=rng.uniform(0, seconds[work])).died:
            seconds[work] *= 0.9  # it had ended before
            continue
        stages[work, stage(work, path, states[work])] += 1
        again = shop.do(work, path).error
        assert not again or (again.startswith("OutputExists") and stages[work, "at the end"])
        assert check_open(path).identical(states[work][-1])
        if (
            behind(path) or len(names(path.parent)) > 1
        ):  # the same call had nothing more to write: the next one clears up
            assert not shop.do("nothing", path).error
        check_tidy(path)
    for (work, reached), count in sorted(stages.items()):
        print(f"{count:4} x {work.removesuffix('_long')}: killed {reached}")
    assert sum(count for (_, reached), count in stages.items() if "in the middle" in reached) > N_KILLS // 4


def stage(work, path, states):
    """Check what a writer that was killed left, and say how far it was."""
    beside = [entry.name for entry in path.parent.iterdir() if entry != path]
    if not path.exists():
        return "in the middle, before the store was there" if beside else "before it had begun"
    now = check_open(path)
    if work == "simulate_long":
        done, total = now.sizes["time"], states[-1].sizes["time"]
        assert now.activity.identical(states[-1].activity[:, :done])
        assert (n.UNFINISHED in now.attrs) == (done < total)
        return "at the end" if done == total else "in the middle, unfinished"
    at = next(k for k, state in enumerate(states) if now.identical(state))
    if behind(path):
        return "in the middle, between the documents of a commit"
    if beside:
        return "in the middle, while it wrote a document"
    if at == len(states) - 1:
        return "at the end"
    return "in the middle, between two commits" if at else "before its first commit"
