import pickle
import subprocess
import sys
import textwrap

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

from netxr.errors import DiskFull, InvalidInput, MissingExtra, OutputExists, StoreBusy, UnreadableFile
from netxr.estimators.correlation import lagged_correlation
from netxr.recordings.append import add, append
from netxr.recordings.load import load_activity
from netxr.recordings.open import open as open_any
from netxr.store.dataset import save
from netxr.store.versions import _icechunk, is_repository, tag, versioned, versions
from tests.runs import nothing_computes

icechunk = pytest.importorskip("icechunk")


def a_run(n_steps=40, n=3):
    samples = np.random.default_rng(n_steps).normal(size=(n, n_steps, 1))
    coords = {"neuron": [f"n{k}" for k in range(n)], "trial": [0]}
    return xr.Dataset({"activity": (("neuron", "time", "trial"), samples)}, coords)


@pytest.fixture
def repository(tmp_path):
    """Forty samples on Monday, sixty on Tuesday."""
    path = tmp_path / "runs.icechunk"
    run = a_run(60)
    with versioned(path, message="Monday") as store:
        save(run.isel(time=slice(40)), store)
    with versioned(path, message="Tuesday") as store:
        append(run.activity[:, 40:], store, dim="time")
    return path


def run_script(script, *arguments):
    """Start another interpreter on a script that begins with what it needs."""
    begin = """
        import sys, time, numpy as np, xarray as xr
        from netxr.recordings.append import append
        from netxr.store.versions import versioned
        from netxr.store.dataset import save
        run = xr.Dataset({"activity": (("neuron", "time", "trial"), np.ones((3, 10, 1)))},
                         {"neuron": ["n0", "n1", "n2"], "trial": [0]})
    """
    command = [sys.executable, "-c", textwrap.dedent(begin) + textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603


# --- transactions -------------------------------------------------------------


def test_a_clean_exit_makes_one_version_of_all_that_was_written(tmp_path):
    run, path = a_run(60), tmp_path / "runs.icechunk"
    with versioned(path, message="all") as store:
        save(run.isel(time=slice(40)), store)
        append(run.activity[:, 40:], store, dim="time")
        add(lagged_correlation(run.activity, lag=1), store)
    assert versions(path).message.tolist() == ["all", "New repository"]
    opened = open_any(path)
    np.testing.assert_array_equal(opened.activity, run.activity)
    np.testing.assert_allclose(opened.lagged_correlation, lagged_correlation(run.activity, lag=1))


def test_plain_icechunk_and_xarray_read_it(repository):
    opened = icechunk.Repository.open(icechunk.local_filesystem_storage(str(repository)))
    plain = xr.open_zarr(opened.readonly_session("main").store, consolidated=False)
    np.testing.assert_array_equal(plain.activity.values, a_run(60).activity.values)


def test_a_repository_that_icechunk_made_is_written_to(tmp_path):
    path = tmp_path / "other"
    icechunk.Repository.create(icechunk.local_filesystem_storage(str(path)))
    with versioned(path, message="first") as store:
        save(a_run(), store, group="deep/er")
    xr.testing.assert_equal(open_any(path, group="deep/er").activity, a_run().activity)
    assert versions(path).message.tolist() == ["first"]


def test_an_exception_leaves_the_version_before(repository):
    def break_off():
        with versioned(repository, message="broken") as store:
            append(a_run(5).activity, store, dim="time")
            assert open_any(store).sizes["time"] == 65
            raise ZeroDivisionError

    before = versions(repository)
    with pytest.raises(ZeroDivisionError):
        break_off()
    pd.testing.assert_frame_equal(versions(repository), before)
    xr.testing.assert_equal(open_any(repository).activity, a_run(60).activity)


def test_nothing_written_makes_no_version(repository):
    before = versions(repository)
    with versioned(repository, message="looked only") as store:
        open_any(store).activity.values.sum()
    pd.testing.assert_frame_equal(versions(repository), before)


def test_a_run_in_a_store_is_not_overwritten(repository):
    with pytest.raises(OutputExists, match="IcechunkStore"), versioned(repository, message="again") as store:
        save(a_run(), store)


def test_who_dies_in_a_transaction_leaves_the_version_before(repository):
    script = """
        with versioned(sys.argv[1], message="dies") as store:
            append(run.activity, store, dim="time")
            print("written", flush=True)
            time.sleep(60)
    """
    process = run_script(script, repository)
    assert process.stdout.readline() == "written\n"
    assert open_any(repository).sizes["time"] == 60  # a reader meanwhile
    process.kill()
    process.communicate()
    xr.testing.assert_equal(open_any(repository).activity, a_run(60).activity)
    with versioned(repository, message="next") as store:
        append(a_run(5).activity, store, dim="time")
    assert open_any(repository).sizes["time"] == 65
    assert "dies" not in versions(repository).message.tolist()


@pytest.mark.slow
def test_processes_that_commit_at_once_lose_nothing(tmp_path):
    path = tmp_path / "runs.icechunk"  # which all of them try to make
    script = """
        for k in range(3):
            with versioned(sys.argv[1], message=f"{sys.argv[2]} {k}") as store:
                save(run, store, group=f"{sys.argv[2]}-{k}")
    """
    processes = [run_script(script, path, name) for name in ("anna", "ben")]
    for process in processes:
        output, errors = process.communicate()
        assert (process.returncode, output, errors) == (0, "", "")
    expected = {f"{name} {k}" for name in ("anna", "ben") for k in range(3)}
    assert set(versions(path).message) == expected | {"New repository"}
    for name in expected:
        assert open_any(path, group=name.replace(" ", "-")).activity.values.sum() == 30


def test_two_who_change_the_same_arrays_conflict(repository):
    def both_append():
        with versioned(repository, message="slow") as slow:
            append(a_run(5).activity, slow, dim="time")
            with versioned(repository, message="fast") as fast:
                append(a_run(7).activity, fast, dim="time")

    with pytest.raises(StoreBusy, match=r"another writer has changed the same arrays.*do it again"):
        both_append()
    assert open_any(repository).sizes["time"] == 67
    assert versions(repository).message[0] == "fast"


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_the_version_before(repository):
    pytest.importorskip("resource")
    script = """
        import resource, signal
        from netxr.errors import DiskFull
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        big = xr.Dataset({"activity": (("neuron", "time"), np.random.default_rng(1).normal(size=(3, 20_000)))})
        try:
            with versioned(sys.argv[1], message="big") as store:
                save(big, store, group="big")
        except DiskFull as error:
            print(error)
    """
    output, errors = run_script(script, repository).communicate(timeout=120)
    assert "no room" in output, errors
    assert issubclass(DiskFull, OSError)
    xr.testing.assert_equal(open_any(repository).activity, a_run(60).activity)


def test_icechunk_says_nothing(tmp_path, capfd):
    with versioned(tmp_path / "runs.icechunk", message="first") as store:
        save(a_run(), store)
    tag(tmp_path / "runs.icechunk", "v1")
    open_any(tmp_path / "runs.icechunk").activity.values.sum()
    assert capfd.readouterr() == ("", "")


# --- versions and tags --------------------------------------------------------


def test_versions_are_listed_newest_first(repository):
    tag(repository, "good", version=versions(repository).version[1])
    tag(repository, "paper", version="good")
    tag(repository, "last")
    table = versions(repository)
    assert table.columns.tolist() == ["version", "when", "message", "tags"]
    assert table.message.tolist() == ["Tuesday", "Monday", "New repository"]
    assert table.tags.tolist() == ["last", "good, paper", ""]
    assert table.when.is_monotonic_decreasing
    assert str(table.when.dt.tz) == "UTC"


def test_every_version_opens_as_it_was(repository):
    table = versions(repository)
    tag(repository, "v1", version=table.version[1])
    monday = open_any(repository, version="v1")
    with versioned(repository, message="Wednesday") as store:
        append(a_run(5).activity, store, dim="time")
    for opened in (monday, open_any(repository, version="v1"), open_any(repository, version=table.version[1])):
        xr.testing.assert_equal(opened.activity, a_run(60).activity[:, :40])
    xr.testing.assert_equal(open_any(repository, version=table.version[0]).activity, a_run(60).activity)
    assert open_any(repository).sizes["time"] == 65
    assert load_activity(repository).sizes["time"] == 65


def test_an_opened_version_is_lazy_and_travels(repository):
    with nothing_computes():
        opened = open_any(repository)
    copy = pickle.loads(pickle.dumps(opened))  # noqa: S301 - made on this line
    with dask.config.set(scheduler="threads"):
        for each in (opened, copy):
            xr.testing.assert_equal(each.activity.compute(), a_run(60).activity)


# --- bad input ----------------------------------------------------------------


def test_what_is_not_there_is_said(repository, tmp_path):
    tag(repository, "v1")
    with pytest.raises(UnreadableFile, match=r"there is no version 'v9'. Tags: v1. netxr.versions lists"):
        open_any(repository, version="v9")
    with pytest.raises(UnreadableFile, match="there is no version 7"):
        open_any(repository, version=7)
    with pytest.raises(UnreadableFile, match=r"there is no group 'monday'. There is no group in it"):
        open_any(repository, group="monday")
    for call in (versions, lambda path: tag(path, "v2")):
        with pytest.raises(UnreadableFile, match="there is no such folder"):
            call(tmp_path / "nothing")
        with pytest.raises(UnreadableFile, match="no icechunk repository"):
            call(tmp_path)
    assert not (tmp_path / "nothing").exists()


def test_names_are_checked(repository):
    tag(repository, "v1")
    for name in ("v1", "", "a/b", 3):
        with pytest.raises(InvalidInput, match="name: got"):
            tag(repository, name)
    for message in ("", " ", None):
        with (
            pytest.raises(InvalidInput, match="message: got"),
            versioned(repository, message=message),
        ):
            pass


def test_a_version_is_for_repositories(tmp_path):
    save(a_run(), tmp_path / "run.zarr")
    np.save(tmp_path / "run.npy", np.zeros((3, 4)))
    for name in ("run.zarr", "run.npy"):
        with pytest.raises(InvalidInput, match=r"version: got 'v1'; expected none(: | for ).*run"):
            open_any(tmp_path / name, version="v1")


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    save(a_run(), tmp_path / "run.zarr")
    with pytest.raises(OutputExists), versioned(tmp_path / "run.zarr", message="no"):
        pass
    with pytest.raises(InvalidInput, match="a folder that exists"), versioned(tmp_path / "a" / "b", message="no"):
        pass
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["run.zarr"]


def test_a_repository_is_written_to_in_transactions_only(repository):
    with pytest.raises(InvalidInput, match=r"expected a transaction of it. with netxr.versioned"):
        save(a_run(), repository, group="more")
    with pytest.raises(OutputExists):
        save(a_run(), repository)
    with pytest.raises(UnreadableFile, match=r"Change it with netxr\.versioned"):
        append(a_run(5).activity, repository, dim="time")
    assert not (repository / "more").exists()


def test_a_damaged_repository_is_said(repository):
    for snapshot in (repository / "snapshots").iterdir():
        snapshot.write_bytes(b"no snapshot")
    with pytest.raises(UnreadableFile, match=r"runs\.icechunk: (icechunk cannot go on|not a readable)"):
        open_any(repository)


def test_a_damaged_chunk_is_said(repository):
    for chunk in (repository / "chunks").iterdir():
        chunk.unlink()
    with pytest.raises(UnreadableFile, match=r"activity\[.*cannot be read"):
        open_any(repository).activity.values.sum()


def test_without_the_package_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "icechunk", None)
    _icechunk.cache_clear()
    with pytest.raises(MissingExtra, match=r'pip install "\.\[icechunk\]"'):
        versions(tmp_path)


def test_a_repository_is_known_by_its_folders(repository, tmp_path):
    assert is_repository(repository)
    assert is_repository(str(repository))
    assert not is_repository(tmp_path)
    assert not is_repository(zarr.storage.MemoryStore())
