"""A writer that is killed just before one of its operations on files, at every one of them."""

import tempfile
from pathlib import Path

import xarray as xr

import netxr
from tests.store import works
from tests.store.dying import workshop
from tests.store.stores import content, fresh

CALLS = {
    "save": None,
    "simulate": None,
    "convert": "record",
    "sweep": None,
    "append_time": "begin",
    "append_trial": "begin_by_trial",
    "add": "begin",
    "replace": "begin",
}
"""What is called, and what is there before; None for nothing."""


def kills(tally, most, calls=tuple(CALLS)):
    """Kill each call at some of its operations, at most so many, evenly spread: all must be done, or nothing."""
    with workshop(works.__file__) as shop, tempfile.TemporaryDirectory() as folder:
        for call in calls:
            each_kill(tally, shop, Path(folder) / call, call, most)


def each_kill(tally, shop, folder, call, most):
    """Kill one call."""
    before, path = folder / "before", folder / "work" / "run.zarr"
    before.mkdir(parents=True)
    if CALLS[call]:
        done(shop, CALLS[call], before / "run.zarr")
    old = content(netxr.open(before / "run.zarr")) if (before / "run.zarr").exists() else None
    fresh(before, path)
    operations = done(shop, call, path).operations
    new, names = content(netxr.open(path)), listed(path)
    step = max(1, len(operations) / most)
    for at in sorted({int(k * step) for k in range(min(most, len(operations)))} | {len(operations) - 1}):
        fresh(before, path)
        try:
            outcome = shop.do(call, path, at=at)
            if not outcome.died and len(outcome.operations) <= at:
                continue  # it has not come to so many operations this time
            assert outcome.died, "it was not killed"
            now = seen(path)
            assert (now is None and old is None) or is_allowed(now, old, new, call), "neither the old state nor the new"
            if now is None or not now.identical(new):
                done(shop, call, path)
                xr.testing.assert_identical(seen(path), new)
            done(shop, "note", path)  # the next writer clears up
            assert listed(path) == sorted([*names, "note"]), f"left behind: {set(listed(path)) ^ set(names)}"
            xr.testing.assert_equal(seen(path).drop_vars("note"), new)
            tally.note(f"killed at each operation of {call}")
        except Exception as error:
            tally.note(f"killed at each operation of {call}", f"{at} {operations[at]}: {type(error).__name__}: {error}")


def done(shop, call, path):
    """Do a call to its end."""
    outcome = shop.do(call, path)
    assert not outcome.error, outcome.error
    return outcome


def listed(path):
    """Everything in the folder of the store that is not within an array."""
    inside = [entry for entry in path.iterdir() if entry.is_dir()] if path.exists() else []
    return sorted(entry.name for entry in (*path.parent.iterdir(), *inside))


def seen(path):
    """What is at a path, alike in netxr and in xarray alone, and sound; None if nothing is there."""
    if not path.exists():
        return None
    dataset = content(netxr.open(path))
    plain = content(xr.open_zarr(path))
    same = [name for name in plain.data_vars if not plain[name].variable.equals(dataset[name].variable)]
    assert not same, f"xarray reads {same} otherwise"
    assert set(plain.data_vars) == set(dataset.data_vars)
    problems = [str(problem) for problem in netxr.verify(path) if not problem.harmless]
    assert not problems, problems
    return dataset


def is_allowed(now, old, new, call):
    """Whether a state is the old one, the new one, or on the way for calls that are resumed."""
    if now is None:
        return False
    if now.identical(new) or (old is not None and now.identical(old)):
        return True
    if call == "simulate":
        return bool(now.activity.equals(new.activity[:, : now.sizes["time"]]))
    if call == "sweep":
        return all(
            bool(((now[name] == new[name]) | now[name].isnull() | ~now.finished).all())
            for name, scores in new.data_vars.items()
            if "trial" in scores.dims  # what is over trials is there at the end
        )
    return False
