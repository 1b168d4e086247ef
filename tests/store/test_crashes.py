"""A writer that dies, or finds the disk full, at any one of its operations on files: all of its work, or none."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import xarray as xr

import netxr
from netxr import names as n
from netxr.kernels.noise import STEPS_PER_BLOCK
from netxr.store.locks import STAGING_PREFIX
from netxr.store.transactions import transaction
from tests.marks import slow
from tests.store import works
from tests.store.dying import workshop
from tests.store.stores import check_open, check_tidy, content, fresh

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks of Unix")

EVERY = os.environ.get("NETXR_BENCHMARK") == "full"
"""Whether to strike at every operation; else at every one of the commit, and at some of those before."""

CHANGES = [("begin", "append_time"), ("begin", "add"), ("begin", "replace")]
if EVERY:
    CHANGES += [("begin_by_trial", "append_time"), ("begin_by_trial", "append_trial"), ("begin", "append_trial")]


@pytest.fixture(scope="module")
def shop():
    with workshop(works.__file__) as shop:
        yield shop


@pytest.fixture(scope="module")
def states(shop, tmp_path_factory):
    """The stores before and after each change, made without any crash."""
    folder = tmp_path_factory.mktemp("states")
    for before, change in CHANGES:
        if not (folder / before / "run.zarr").exists():
            (folder / before).mkdir()
            assert not shop.do(before, folder / before / "run.zarr").error
        after = shutil.copytree(folder / before, folder / f"{before}-{change}")
        assert not shop.do(change, after / "run.zarr").error
    return folder


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    command = [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if mount is None or umount is None or subprocess.run(command, capture_output=True).returncode:  # noqa: S603
        pytest.skip("no right to mount a disk")
    yield place
    subprocess.run([umount, "-l", str(place)], check=True)  # noqa: S603


def points(operations, *, every=240):
    """At which operations to strike: at those that a reader might see, and at some others."""
    seen = [k for k, name in enumerate(operations) if re.fullmatch(rf"os.re\w+ /{STAGING_PREFIX}[^/]+", name)]
    return range(len(operations)) if EVERY else sorted({*seen, *range(every // 2, len(operations), every)})


@pytest.mark.slow
@pytest.mark.parametrize(("before", "change"), CHANGES)
def test_a_killed_change_is_all_or_nothing(shop, states, tmp_path, before, change):
    path = tmp_path / "work" / "run.zarr"
    old, new = (content(netxr.open(states / name / "run.zarr")) for name in (before, f"{before}-{change}"))
    fresh(states / before, path)
    operations = shop.do(change, path).operations
    seen = []
    for at in points(operations):
        fresh(states / before, path)
        assert shop.do(change, path, at=at).died
        now = check_open(path)
        seen.append(now.identical(new))
        assert seen[-1] or now.identical(old), operations[at]
        if seen[-1]:
            with transaction(path):
                pass
        else:
            getattr(works, change)(path)
        xr.testing.assert_identical(check_open(path), new)
        check_tidy(path)
    assert set(seen) == {False, True}


@pytest.mark.slow
@pytest.mark.parametrize("change", ["append_time", "add"])
def test_a_writer_that_is_killed_while_it_repairs(shop, states, tmp_path, change):
    path, cut = tmp_path / "work" / "run.zarr", tmp_path / "cut"
    old, new = (content(netxr.open(states / name / "run.zarr")) for name in ("begin", f"begin-{change}"))
    fresh(states / "begin", path)
    operations = shop.do(change, path).operations
    renames = [k for k, name in enumerate(operations) if name.startswith(f"os.rename /{STAGING_PREFIX}")]
    for at in renames if EVERY else renames[1:2]:
        fresh(states / "begin", path)
        assert shop.do(change, path, at=at).died
        shutil.rmtree(cut, ignore_errors=True)
        shutil.copytree(path.parent, cut)
        whole = shop.do("nothing", path).operations
        for then in points(whole)[:: 1 if EVERY else 3]:
            fresh(tmp_path / "cut", path)
            assert shop.do("nothing", path, at=then).died
            now = check_open(path)
            assert now.identical(new) or now.identical(old), (operations[at], whole[then])
            works.nothing(path)
            assert check_open(path).identical(now)
            check_tidy(path)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "change"), CHANGES)
def test_a_change_that_finds_the_disk_full_is_all_or_nothing(shop, states, tmp_path, before, change):
    path = tmp_path / "work" / "run.zarr"
    old, new = (content(netxr.open(states / name / "run.zarr")) for name in (before, f"{before}-{change}"))
    files = sorted(file.relative_to(states / before) for file in (states / before).rglob("*") if file.is_file())
    fresh(states / before, path)
    operations = shop.do(change, path).operations
    for at in points(operations)[:: 1 if EVERY else 4]:
        fresh(states / before, path)
        error = shop.do(change, path, at=at, how="full").error
        now = check_open(path)
        if error:
            assert error.startswith("DiskFull: "), (operations[at], error)
            assert now.identical(old), operations[at]
            assert sorted(file.relative_to(path.parent) for file in path.rglob("*") if file.is_file()) == files
            check_tidy(path)
            getattr(works, change)(path)
        xr.testing.assert_identical(check_open(path), new)


@pytest.mark.parametrize("how", ["kill", *slow("full")])
def test_a_new_store_is_there_as_a_whole_or_not_at_all(shop, tmp_path, how):
    path = tmp_path / "work" / "run.zarr"
    path.parent.mkdir()
    whole = shop.do("save", path)
    new = content(netxr.open(path))
    for at in points(whole.operations):
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        result = shop.do("save", path, at=at, how=how)
        assert result.died or not result.error or result.error.startswith("DiskFull: ")
        assert path.exists() == (not result.died and not result.error)
        if not path.exists():
            assert how == "kill" or not list(path.parent.iterdir())
            works.save(path)
        xr.testing.assert_identical(check_open(path), new)
        check_tidy(path)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "full"])
def test_a_simulation_that_is_cut_off_holds_what_was_committed(shop, tmp_path, how):
    path = tmp_path / "work" / "run.zarr"
    path.parent.mkdir()
    operations = shop.do("simulate", path).operations
    new = content(netxr.open(path))
    lengths = []
    for at in points(operations):
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        result = shop.do("simulate", path, at=at, how=how)
        committed = 0
        if path.exists():
            now = check_open(path)
            committed = now.sizes["time"]
            xr.testing.assert_identical(now.activity, new.activity[:, :committed])
            assert (n.UNFINISHED in now.attrs) == (committed < works.N_SIMULATED)
        assert result.died or committed == works.N_SIMULATED or result.error.startswith("DiskFull: ")
        lengths.append(committed)
        if committed < works.N_SIMULATED:
            assert not shop.do("simulate", path).error
            xr.testing.assert_identical(check_open(path), new)
            check_tidy(path)
    assert set(lengths) <= {0, STEPS_PER_BLOCK, 2 * STEPS_PER_BLOCK, works.N_SIMULATED}
    assert len(set(lengths)) > 2


@pytest.mark.slow
@pytest.mark.parametrize("room", [0, 4, 20, 60] if EVERY else [20])
def test_a_disk_that_is_really_full(shop, states, small_disk, room):
    """With some KB left, a writer ends in an error, or ends; with room again, it ends."""
    path, filler = small_disk / "work" / "run.zarr", small_disk / "filler"
    errors = []
    for before, change in [*CHANGES, (None, "save"), (None, "simulate")]:
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir()
        if before:
            fresh(states / before, path)
            old = check_open(path)
        free = shutil.disk_usage(small_disk).free - room * 1024
        filler.write_bytes(b"x" * free)
        error = shop.do(change, path).error
        errors.append(error)
        assert not error or error.startswith("DiskFull: "), error
        if error and before:
            assert check_open(path).identical(old)
        if error:
            assert "Make room, and run again" in error
            assert [entry for entry in path.parent.iterdir() if entry != path] == []
        filler.unlink()
        if error:
            assert not shop.do(change, path).error
        now = check_open(path)
        assert n.UNFINISHED not in now.attrs
        if before:
            xr.testing.assert_identical(now, content(netxr.open(states / f"{before}-{change}" / "run.zarr")))
    assert any(errors)


@pytest.mark.slow
def test_a_file_that_would_be_too_long(shop, states, tmp_path):
    """What the system allows a process is reached: another error, with the same end."""
    path = tmp_path / "work" / "run.zarr"
    for before, change in CHANGES:
        fresh(states / before, path)
        old = check_open(path)
        error = shop.do(change, path, at=100, how="limit").error
        assert error.startswith("DiskFull: "), error
        assert check_open(path).identical(old)
        check_tidy(path)
    for change in ("save", "simulate"):
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        assert shop.do(change, path, at=100, how="limit").error.startswith("DiskFull: ")
        assert list(path.parent.iterdir()) == []
