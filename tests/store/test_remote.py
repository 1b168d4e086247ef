import functools
import http.server
import sys
import threading
import time
import zipfile

import fsspec
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import FsspecStore, LocalStore, MemoryStore, ZipStore

from netxr.errors import InvalidInput, MissingExtra, OutputExists, UnreadableFile
from netxr.recordings.open import open as open_any
from netxr.store.dataset import save
from netxr.store.remote import is_url, without_scheme
from tests.store.stores import edit


def a_run():
    samples = np.random.default_rng(1).normal(size=(3, 40, 2))
    coords = {"neuron": ["a", "b", "c"], "trial": [0, 1]}
    return xr.Dataset({"activity": (("neuron", "time", "trial"), samples)}, coords)


def zipped(folder, file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for each in sorted(folder.rglob("*")):
            archive.write(each, each.relative_to(folder))
    return file


@pytest.fixture
def stored(tmp_path):
    """A folder with a run, and the same run as a group in it."""
    save(a_run(), tmp_path / "run.zarr")
    save(a_run().isel(trial=[0]), tmp_path / "run.zarr", group="first")
    return tmp_path / "run.zarr"


def memory_store(folder):
    store = MemoryStore()
    save(a_run(), store)
    save(a_run().isel(trial=[0]), store, group="first")
    return store


def fsspec_store(folder):
    url = f"memory://{folder.parent.name}/run.zarr"
    save(a_run(), FsspecStore.from_url(url))
    save(a_run().isel(trial=[0]), FsspecStore.from_url(url), group="first")
    return FsspecStore.from_url(url, read_only=True)


STORES = {
    "file URL": lambda folder: folder.as_uri(),
    "local": LocalStore,
    "memory": memory_store,
    "zip": lambda folder: ZipStore(zipped(folder, folder.with_suffix(".zip")), mode="r"),
    "fsspec": fsspec_store,
    "fsspec URL": lambda folder: fsspec_store(folder).path and f"memory://{folder.parent.name}/run.zarr",
}


@pytest.fixture(params=STORES)
def source(request, stored):
    yield STORES[request.param](stored)
    fsspec.filesystem("memory").store.clear()


def test_a_run_is_opened_from_anywhere(source):
    for group, saved in ((None, a_run()), ("first", a_run().isel(trial=[0]))):
        opened = open_any(source, group=group)
        xr.testing.assert_equal(opened, saved)
        assert opened.activity.chunks is not None
        assert opened.neuron.dtype == object


def test_groups_that_are_there_are_listed(source):
    with pytest.raises(UnreadableFile, match=r"first"):
        open_any(source, group="second")


def test_a_group_does_not_lead_out_of_its_store(source):
    for group in ("../run.zarr", "first/../../x", "/first", "first/", "", "a\\b", 3):
        with pytest.raises(InvalidInput, match="group: got"):
            open_any(source, group=group)


def test_nothing_is_overwritten_in_a_store():
    store = MemoryStore()
    save(a_run(), store)
    with pytest.raises(OutputExists, match="memory://"):
        save(a_run(), store)
    zarr.open_group(store, path="empty", mode="w")
    save(a_run(), store, group="empty")  # a group without anything in it is as good as none


def test_an_empty_store_is_said():
    with pytest.raises(UnreadableFile, match="there is no Zarr group"):
        open_any(MemoryStore())


def test_no_version_of_what_is_no_repository():
    with pytest.raises(InvalidInput, match=r"version: got 'v1'; expected none for memory://"):
        open_any(MemoryStore(), version="v1")


# --- URLs ---------------------------------------------------------------------


def test_what_is_a_url():
    assert is_url("s3://bucket/run.zarr")
    assert not is_url("/data/run.zarr")
    assert not is_url(LocalStore("/data"))


def test_a_file_url_is_a_path(tmp_path):
    assert without_scheme((tmp_path / "a b ü").as_uri()) == tmp_path / "a b ü"
    assert without_scheme(f"FILE://localhost{tmp_path}") == tmp_path
    with pytest.raises(UnreadableFile, match=r"on the host 'data'.*three slashes"):
        open_any("file://data/run.zarr")
    with pytest.raises(UnreadableFile, match="there is no such file or folder"):
        open_any((tmp_path / "nothing.zarr").as_uri())


@pytest.mark.parametrize("url", ["foo://bucket/run.zarr", "s3:///run.zarr", "az://account/container/run.zarr"])
def test_a_url_of_no_known_kind_is_said(url, monkeypatch):
    pytest.importorskip("obstore")
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(UnreadableFile, match=r"no place that can be read.*store object of your own"):
        open_any(url)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(MissingExtra, match=r'pip install "\.\[remote\]"'):
        open_any("s3://bucket/run.zarr")


def test_a_place_that_does_not_answer_is_given_up(monkeypatch):
    pytest.importorskip("obstore")
    settings = {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "ENDPOINT": "http://127.0.0.1:9", "REGION": "us-east-1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    begin = time.monotonic()
    with pytest.raises(UnreadableFile, match=r"s3://bucket/run.zarr: not a readable Zarr group") as error:
        open_any("s3://bucket/run.zarr")
    assert "\n" not in str(error.value)
    assert time.monotonic() - begin < 30


@pytest.fixture
def address(stored):
    """A server of web pages over the folder that the store is in."""
    pytest.importorskip("obstore")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=stored.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_over_http_a_store_opens(address):
    xr.testing.assert_equal(open_any(f"{address}/run.zarr"), a_run())


def test_over_http_another_store_says_what_it_lacks(address, stored):
    edit(stored / "zarr.json", consolidated_metadata=None)
    with pytest.raises(UnreadableFile, match=r"Over http a store cannot be listed.*consolidate_metadata"):
        open_any(f"{address}/run.zarr")
    with pytest.raises(UnreadableFile, match=r"/nothing.zarr: there is no Zarr group"):
        open_any(f"{address}/nothing.zarr")
