import hashlib
import json
import sys

import dask
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from netxr.cli import main
from netxr.errors import InvalidInput, NetxrError, OutputExists, UnreadableFile
from netxr.recordings.convert import convert
from netxr.recordings.load import load_recording
from netxr.store.dataset import open as open_store
from netxr.store.dataset import save
from tests.conftest import SHARED
from tests.marks import slow
from tests.runs import printed_by

DATA = SHARED / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not on this machine")

SAMPLES = np.random.default_rng(0).normal(size=(500, 3)).astype("float32")
TIME_NEURON = ("time", "neuron")


@pytest.fixture
def source(tmp_path):
    np.save(tmp_path / "day one.npy", SAMPLES)
    return tmp_path / "day one.npy"


def test_a_store_holds_what_the_file_held_and_says_where_it_came_from(tmp_path, source):
    convert(source, tmp_path / "run.zarr", dims=TIME_NEURON, neurons=list("abc"), sampling_interval=0.1, units="mV")
    run = open_store(tmp_path / "run.zarr")
    np.testing.assert_array_equal(run.activity.values, SAMPLES.T)
    assert run.activity.dtype == np.float32
    assert run.neuron.values.tolist() == ["a", "b", "c"]
    assert run.activity.attrs == {"sampling_interval": 0.1, "sampling_interval_units": "s", "units": "mV"}
    assert run.attrs["source_file"] == "day one.npy"
    assert run.attrs["source_format"] == "npy"
    said = "dims=('time', 'neuron'), neurons=['a', 'b', 'c'], sampling_interval=0.1, units='mV'"
    assert run.attrs["source_options"] == said
    assert run.attrs["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert run.attrs["history"].endswith(" import: day one.npy (npy)")
    assert len(run.attrs["history"].splitlines()) == 1
    assert str(tmp_path) not in json.dumps(run.attrs)
    with xr.open_zarr(tmp_path / "run.zarr", consolidated=False) as plain:
        np.testing.assert_array_equal(plain.activity.values, SAMPLES.T)


def test_the_checksum_of_a_folder_is_that_of_its_files_in_order(tmp_path):
    folder = tmp_path / "suite2p"
    (folder / "plane0").mkdir(parents=True)
    for name in ("spks", "F"):
        np.save(folder / "plane0" / f"{name}.npy", SAMPLES.T)
    convert(folder, tmp_path / "run.zarr", signal="spks")
    content = b"".join((folder / "plane0" / f"{name}.npy").read_bytes() for name in ("F", "spks"))
    run = open_store(tmp_path / "run.zarr")
    assert run.attrs["source_sha256"] == hashlib.sha256(content).hexdigest()
    assert run.attrs["source_format"] == "suite2p"


def test_a_store_that_is_imported_again_keeps_its_history(tmp_path, source):
    save(load_recording(source, dims=TIME_NEURON), tmp_path / "first.zarr")
    convert(tmp_path / "first.zarr", tmp_path / "second.zarr")
    first, second = (open_store(tmp_path / name) for name in ("first.zarr", "second.zarr"))
    xr.testing.assert_equal(first, second)
    assert second.attrs["created"] == first.attrs["created"]
    assert second.attrs["source_format"] == "zarr"
    assert second.attrs["history"].startswith(first.attrs["history"] + "\n")


@pytest.mark.parametrize(
    ("suffix", "options", "said"),
    [
        ("npy", {}, "5 samples of 2 of 3 neurons are missing (NaN or infinite): a, c."),
        ("csv", {}, "5 samples of 2 of 3 neurons are missing (NaN or infinite): a, c."),
        ("npy", {"trial_length": 240}, "4 samples of 1 of 3 neurons are missing (NaN or infinite): c."),
    ],
)
def test_missing_samples_are_counted_while_they_are_written(tmp_path, monkeypatch, suffix, options, said):
    x = SAMPLES.copy()
    x[490, 0], x[[3, 200, 201], 2], x[410, 2] = np.nan, np.nan, -np.inf
    path = tmp_path / f"x.{suffix}"
    np.save(path, x) if suffix == "npy" else np.savetxt(path, x, delimiter=",")
    monkeypatch.setattr("netxr.recordings.missing_samples.open_store", None)  # nothing is read again
    with dask.config.set({"array.chunk-size": "1 KiB"}), pytest.warns(UserWarning, match="neurons are missing") as told:
        convert(path, tmp_path / "x.zarr", dims=TIME_NEURON, neurons=list("abc"), **options)
    assert str(told[0].message).startswith(f'{said} Estimators leave them out with missing="drop"')
    run = open_store(tmp_path / "x.zarr")
    assert np.isfinite(run.activity.values).sum() == run.activity.size - int(said[0])


def test_a_missing_sample_that_another_process_writes_is_counted(tmp_path):
    x = SAMPLES.copy()
    x[499, 1] = np.nan
    np.save(tmp_path / "x.npy", x)
    said = "^1 sample of 1 of 3 neurons is missing"
    with dask.config.set(scheduler="processes", num_workers=2), pytest.warns(UserWarning, match=said):
        convert(tmp_path / "x.npy", tmp_path / "x.zarr", dims=TIME_NEURON)


def test_progress_is_told_to_the_end(tmp_path, source):
    told = []
    convert(source, tmp_path / "run.zarr", dims=TIME_NEURON, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (SAMPLES.nbytes, SAMPLES.nbytes)


def test_bad_input_is_refused_before_anything_is_written(tmp_path, source):
    (tmp_path / "taken").touch()
    np.save(tmp_path / "cut.npy", SAMPLES)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:-3])
    before = sorted(tmp_path.iterdir())
    for error, given, options in (
        (OutputExists, (tmp_path / "nothing", tmp_path / "taken"), {}),
        (InvalidInput, (source, tmp_path / "run.zarr"), {}),
        (InvalidInput, (source, tmp_path / "no" / "run.zarr"), {"dims": TIME_NEURON}),
        (InvalidInput, (source, tmp_path / "run.zarr"), {"dims": TIME_NEURON, "gain": 2}),
        (InvalidInput, (source, tmp_path / "run.zarr"), {"dims": TIME_NEURON, "format": "wav"}),
        (InvalidInput, (SAMPLES, tmp_path / "run.zarr"), {"dims": TIME_NEURON}),
        (InvalidInput, (source, 5), {"dims": TIME_NEURON}),
        (UnreadableFile, (tmp_path / "nothing", tmp_path / "run.zarr"), {}),
        (UnreadableFile, (tmp_path / "cut.npy", tmp_path / "run.zarr"), {"dims": TIME_NEURON}),
    ):
        with pytest.raises(error):
            convert(*given, **options)
        assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_is_cut_off_meanwhile_leaves_nothing(tmp_path, source, monkeypatch):
    def cut(files):
        source.write_bytes(source.read_bytes()[:-3])
        return "0"

    monkeypatch.setattr("netxr.recordings.convert._sha256", cut)
    with pytest.raises(NetxrError, match=r"day one\.npy: it was changed after it was opened"):
        convert(source, tmp_path / "run.zarr", dims=TIME_NEURON)
    assert sorted(tmp_path.iterdir()) == [source]


MEASURED = """
import resource, sys, numpy as np
from netxr.recordings.convert import convert
np.save("small.npy", np.zeros((8, 100), "float32"))
convert("small.npy", "small.zarr", dims=("neuron", "time"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
convert("big.npy", "big.zarr", dims=sys.argv[1].split(","))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "dims"), [((50_000, 1000), "time,neuron"), *slow(((100, 500_000), "neuron,time"))])
def test_memory_is_bounded(tmp_path, shape, dims):
    big = np.lib.format.open_memmap(tmp_path / "big.npy", mode="w+", dtype="float32", shape=shape)
    big[:] = np.random.default_rng(0).normal(size=shape[1]).astype("float32")
    big.flush()
    del big
    assert int(printed_by(MEASURED, dims, folder=tmp_path)) < 150e6
    assert open_store(tmp_path / "big.zarr").activity.nbytes == 200e6


# --- the command --------------------------------------------------------------


def test_the_command_passes_its_options_on(tmp_path, source):
    out = tmp_path / "run.zarr"
    arguments = ["import", str(source), str(out), "--dims", "time,neuron", "--sampling-interval", "2", "--json"]
    done = CliRunner().invoke(main, [*arguments, "--interval-units", "ms", "--option", 'neurons=["a", "b", "c"]'])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "store": str(out),
        **{"neurons": 3, "samples": 500, "trials": 1, "missing_samples": 0, "dtype": "float32"},
        "sampling_interval": 2.0,
        "sampling_interval_units": "ms",
        **{"source_file": "day one.npy", "source_format": "npy"},
        "source_options": "neurons=['a', 'b', 'c'], dims=('time', 'neuron'), sampling_interval=2.0, "
        "interval_units='ms'",
        "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
    }
    run = open_store(out)
    assert run.neuron.values.tolist() == ["a", "b", "c"]
    assert run.activity.attrs["sampling_interval_units"] == "ms"


@needs_data
def test_the_command_imports_a_folder(tmp_path):
    arguments = ["import", str(DATA / "suite2p"), str(tmp_path / "run.zarr"), "--option", "cells=true"]
    done = CliRunner().invoke(main, [*arguments, "--option", "signal=spks"])
    assert done.exit_code == 0, done.output
    assert "source_format   suite2p" in done.stdout
    assert "No sampling interval is known" in done.stdout
    assert "--option ops=true" in done.stdout
    expected = np.load(DATA / "suite2p" / "spks.npy")[np.load(DATA / "suite2p" / "iscell.npy")[:, 0] == 1]
    np.testing.assert_array_equal(open_store(tmp_path / "run.zarr").activity.values, expected)


@pytest.mark.parametrize(
    ("further", "code", "message"),
    [
        ([], 2, "On the command line: --dims neuron,time"),
        (["--option", "gain"], 2, "is not of the form KEY=VALUE"),
        (["--dims", "time,neuron", "--rate", "3"], 2, "rate: got 3.0; expected no such option"),
        (["--format", "parquet"], 4, "its content looks like npy"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, source, further, code, message):
    done = CliRunner().invoke(main, ["import", str(source), str(tmp_path / "run.zarr"), *further])
    assert done.exit_code == code
    assert message in " ".join(done.output.split())
    assert sorted(tmp_path.iterdir()) == [source]
    taken = CliRunner().invoke(main, ["import", str(source), str(source)])
    assert taken.exit_code == 3
    assert "exists and is left as it is" in taken.output


def test_a_missing_package_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    done = CliRunner().invoke(main, ["import", str(tmp_path / "x.h5"), str(tmp_path / "run.zarr")])
    assert done.exit_code == 1
    assert 'pip install ".[io]"' in done.output


def test_a_recording_of_stacked_trials_is_cut(tmp_path):
    data = np.random.default_rng(3).normal(size=(45, 2))
    np.savetxt(tmp_path / "x.csv", data, delimiter=",", header="a,b", comments="")
    said = ["--dims", "time,neuron", "--sampling-interval", "0.1", "--trials", "2"]
    assert (
        not CliRunner().invoke(main, ["import", *map(str, (tmp_path / "x.csv", tmp_path / "x.zarr")), *said]).exit_code
    )
    run = open_store(tmp_path / "x.zarr")
    np.testing.assert_allclose(run.activity.transpose("trial", "time", "neuron"), data[:40].reshape(2, 20, 2))
    np.testing.assert_allclose(run.onset, [0, 2])
    estimated = ["--trials", "20", "--pool-trials", "--out", str(tmp_path / "R.zarr")]
    arguments = ["estimate", str(tmp_path / "x.csv"), "--dims", "time,neuron", *estimated]
    assert not CliRunner().invoke(main, arguments).exit_code
    pairs = np.concatenate([np.c_[trial[1:], trial[:-1]] for trial in data[:40].reshape(2, 20, 2)])
    R = open_store(tmp_path / "R.zarr").lagged_correlation.squeeze("lag")
    np.testing.assert_allclose(R, np.corrcoef(pairs.T)[:2, 2:], atol=1e-12)
