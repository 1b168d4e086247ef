"""Metadata documents of a store, damaged in every field."""

import json
import shutil
from ast import literal_eval

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput, UnreadableFile
from netxr.store.metadata import DOCUMENT, read_document, wrong_in
from tests.runs import printed_by


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "run.zarr"
    netxr.save(netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=50, seed=1), path)
    return path


@pytest.fixture
def store(kept, tmp_path):
    return shutil.copytree(kept, tmp_path / "run.zarr")


@pytest.fixture
def plain(store):
    """A store as older releases and other programs write it: the document of each array is the only one."""
    edit(store, {"consolidated_metadata": ...})
    return store


def edit(folder, changes):
    document = json.loads((folder / "zarr.json").read_text())
    for key, value in changes.items():
        *above, last = key.split(".")
        place = document
        for name in above:
            place = place[name]
        place[last] = value
        if value is ...:
            del place[last]
    (folder / "zarr.json").write_text(json.dumps(document))


def refused_by_all(store, message):
    """Reading, appending and verifying say the same; nothing is changed."""
    before = {file: file.read_bytes() for file in store.rglob("*") if file.is_file()}
    more = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=5, seed=2).activity
    for attempt in (lambda: netxr.open(store), lambda: netxr.append(more, store, dim="time")):
        with pytest.raises(UnreadableFile, match=message) as error:
            attempt()
        assert "zarr.json" in str(error.value)
    assert any(not problem.harmless for problem in netxr.verify(store))
    assert {file: file.read_bytes() for file in store.rglob("*") if file.is_file()} == before


DAMAGE = pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": "abc"}, "its shape is 'abc'"),
        ({"shape": [4, -50, 1]}, r"its shape is \[4, -50, 1\]"),
        ({"shape": [4, 50.0, 1]}, r"its shape is \[4, 50.0, 1\]"),
        ({"shape": [4, 2**63, 1]}, "its shape is"),
        ({"shape": [4, 50]}, "its names of dims are"),
        ({"attributes": None}, "its attributes are no JSON object"),
        ({"node_type": ...}, "neither of a Zarr group nor of an array"),
        ({"chunk_grid.configuration.chunk_shape": [4, 0, 1]}, r"its chunks are of shape \[4, 0, 1\]"),
        ({"chunk_grid.configuration.chunk_shape": [4, 50]}, r"its chunks are of shape \[4, 50\]"),
        ({"chunk_grid.configuration.chunk_shape": [10**9, 10**9, 1]}, "its chunks are of shape"),
        ({"chunk_grid.configuration": 5}, "its chunks are"),
        ({"chunk_key_encoding": "default"}, "its names of chunks are 'default'"),
        ({"chunk_key_encoding.configuration": 7}, "its names of chunks are .*7"),
        ({"codecs": None}, "its codecs are None"),
        ({"codecs": ["bytes", 5]}, r"its codecs are \['bytes', 5\]"),
        ({"codecs": [{"name": 5}]}, r"its codecs are \[\{'name': 5\}\]"),
        *(
            ({key: ...}, f"lack {key}")
            for key in ("chunk_grid", "chunk_key_encoding", "codecs", "fill_value", "data_type")
        ),
    ],
)


@DAMAGE
def test_a_damaged_document_is_reported_by_all_and_changes_nothing(plain, changes, message):
    edit(plain / "activity", changes)
    refused_by_all(plain, message)


@DAMAGE
def test_a_damaged_copy_of_a_document_is_reported_by_all_and_changes_nothing(store, changes, message):
    edit(store, {f"consolidated_metadata.metadata.activity.{key}": value for key, value in changes.items()})
    refused_by_all(store, f"in its copy of the metadata, 'activity': .*{message}")


NO_DOCUMENTS = ["", "null", "[]", "{", "[" * 100_000, '{"shape": [1' + "0" * 5000 + "]}"]


@pytest.mark.parametrize("text", NO_DOCUMENTS)
@pytest.mark.parametrize("name", ["", "activity"])
def test_what_is_no_document_is_reported_by_all(plain, name, text):
    (plain / name / "zarr.json").write_text(text)
    refused_by_all(plain, "its metadata are damaged")


OPENED = """
import collections, sys
import netxr

opened = collections.Counter()

def noticed(event, args):
    if event == "open" and args[1] is not None and str(args[0]).startswith(sys.argv[1]):  # `os.open` has no mode
        opened[str(args[0])[len(sys.argv[1]) :]] += 1

sys.addaudithook(noticed)
dataset = netxr.open(sys.argv[1])
print(len(dataset.variables), dict(opened))
"""


def test_each_document_is_read_once_when_a_store_is_opened(tmp_path):
    path = tmp_path / "run.zarr"
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=20, trials=2, seed=1)
    netxr.save(run.assign(netxr.lagged_moments(run.activity).data_vars), path)
    netxr.add(netxr.lagged_correlation(run.activity), path)
    n_variables = len(netxr.open(path).variables)
    found = printed_by(OPENED, path).strip()
    assert found.startswith(f"{n_variables} {{")
    documents = {name: times for name, times in literal_eval(found.partition(" ")[2]).items() if DOCUMENT in name}
    assert documents == {f"/{DOCUMENT}": 1}


@pytest.mark.parametrize("text", [*NO_DOCUMENTS, None])
def test_a_document_of_an_array_that_is_lost_is_reported_and_restored(store, kept, text):
    """The document of the store holds a copy of it, which counts."""
    document = store / "activity" / "zarr.json"
    if text is None:
        document.unlink()
    else:
        document.write_text(text)
    (problem,) = netxr.verify(store)
    wrong = "its zarr.json is missing" if text is None else "its zarr.json is damaged"
    assert (problem.place, problem.wrong, problem.harmless) == ("activity", wrong, False)
    for opened in (netxr.open(store), xr.open_zarr(store)):
        np.testing.assert_array_equal(opened.activity, netxr.open(kept).activity)
    netxr.add(xr.Dataset({"score": 1.0}), store)
    assert json.loads(document.read_text()) == read_document(kept / "activity")
    assert netxr.verify(store) == ()


def test_a_document_that_another_program_changed_is_reported_and_counts_from_the_next_change_on(store):
    edit(store / "activity", {"attributes.note": "mine"})
    (problem,) = netxr.verify(store)
    assert problem.harmless
    assert (problem.place, problem.wrong) == ("activity", "another program has changed it since the last commit")
    assert "note" not in netxr.open(store).activity.attrs
    netxr.add(xr.Dataset({"score": 1.0}), store)
    assert netxr.open(store).activity.attrs["note"] == "mine"
    assert netxr.verify(store) == ()


def test_a_shorter_document_does_not_count(store):
    edit(store / "activity", {"shape": [4, 40, 1]})
    (problem,) = netxr.verify(store)
    assert problem.harmless
    netxr.add(xr.Dataset({"score": 1.0}), store)
    assert netxr.open(store).sizes["time"] == 50
    assert netxr.verify(store) == ()


@pytest.mark.parametrize("name", ["../../elsewhere", "a/../b", "a//b", ".hidden", "", "a\\b"])
def test_a_copy_of_the_metadata_leads_nowhere_else(store, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    array = read_document(store / "activity")
    copy = {"kind": "inline", "must_understand": False, "metadata": {name: array}}
    edit(store, {"consolidated_metadata": copy})
    refused_by_all(store, "no name of a member")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("copy", [5, {}, {"metadata": []}, {"metadata": {"activity": {}}}])
def test_a_damaged_copy_of_the_metadata_is_reported(store, copy):
    edit(store, {"consolidated_metadata": copy})
    refused_by_all(store, "in its copy of|its copy of the metadata is no JSON object")


def test_sound_documents_of_either_version_are_taken(kept):
    assert wrong_in(read_document(kept / "activity")) == ""
    assert wrong_in({"node_type": "array", "zarr_format": 2, "shape": [3], "attributes": {}}) == ""


def test_what_opens_no_more_is_not_called_sound(store):
    units = {"consolidated_metadata.metadata.activity.attributes.units": "days since never"}
    edit(store, units | {"consolidated_metadata.checksum": ...})  # as of another program that wrote the copy
    (store / "activity" / "zarr.json").write_text(
        json.dumps(read_document(store)["consolidated_metadata"]["metadata"]["activity"])
    )
    with pytest.raises(UnreadableFile, match="unable to decode time units"):
        netxr.open(store)
    (problem,) = netxr.verify(store)
    assert not problem.harmless
    assert "it cannot be opened" in problem.wrong


def test_a_place_that_is_closed_is_an_error_of_ours(tmp_path):
    run = xr.Dataset({"activity": (("neuron", "time"), np.zeros((2, 3)))})
    for path in (tmp_path / ("x" * 300), tmp_path / ("x" * 300) / "y"):
        for attempt in (
            netxr.open,
            netxr.catalog,
            netxr.verify,
            lambda path: netxr.load_connectivity(path, rows="target"),
        ):
            with pytest.raises(UnreadableFile, match=r"cannot be reached \(File name too long\)"):
                attempt(path)
    with pytest.raises(InvalidInput, match=r"store: got a path of .* letters; expected one that a file can have"):
        netxr.save(run, tmp_path / ("x" * 300))
    assert list(tmp_path.iterdir()) == []
    for path in ("a\0b", 5):
        with pytest.raises(InvalidInput, match="store: got"):
            netxr.save(run, path)
