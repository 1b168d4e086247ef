"""Files that take data from other files or unpack to very much: refused, unless the caller trusts them."""

import gzip
import os
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import scipy.io
from scipy import sparse

import netxr
from netxr.errors import UnreadableFile
from netxr.recordings.formats import reach
from tests.recordings.formats.files import add_series, make_matlab73, samples, start_nwb

DIMS = {"dims": ("time", "neuron")}
SECRET = b"root:x:0:0:root:/root:/bin/bash\n" * 8  # 256 bytes


@pytest.fixture
def secret(tmp_path):
    """A file of the reader that is no business of whoever made the recording."""
    path = tmp_path / "elsewhere" / "secret"
    path.parent.mkdir()
    path.write_bytes(SECRET)
    return path


def refused(path, match, **options):
    """It is refused by every way in, and read when it is trusted."""
    for call in (netxr.open, netxr.load_activity, netxr.load_recording):
        with pytest.raises(UnreadableFile, match=rf"{match}.*trusted=True"):
            call(path, **options)
    return netxr.load_activity(path, trusted=True, **options)


def external(file, name, secret, shape=(64, 4), dtype="u1"):
    return file.create_dataset(name, shape, dtype, external=[(os.fspath(secret), 0, h5py.h5f.UNLIMITED)])


def test_bytes_of_any_file_as_samples(tmp_path, secret):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        external(file, "X", secret)
    found = refused(tmp_path / "a.h5", r"'X' lies in another file, '.*secret'", **DIMS)
    assert found.values.T.tobytes() == SECRET
    with pytest.raises(UnreadableFile, match="trusted"):
        netxr.load_connectivity(tmp_path / "a.h5", rows="target")


def test_matlab_73(tmp_path, secret):
    path = make_matlab73(tmp_path / "a.mat", {"Y": np.ones(1)})
    with h5py.File(path, "r+") as file:
        external(file, "X", secret).attrs["MATLAB_class"] = np.bytes_("uint8")
    assert refused(path, "'X' lies in another file", name="X", dims=("neuron", "time")).size == len(SECRET)


def test_nwb(tmp_path, secret):
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        start_nwb(file)
        series = add_series(file, "acquisition/x", samples())
        del series["data"]
        external(series, "data", secret)
    assert refused(tmp_path / "a.nwb", "'acquisition/x/data' lies in another file").size == len(SECRET)


def test_netcdf(tmp_path, secret):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.attrs["_NCProperties"] = np.bytes_("version=2")
        for k, (dim, size) in enumerate({"neuron": 64, "time": 4}.items()):
            file[dim] = np.arange(size)
            file[dim].make_scale(dim)
            file[dim].attrs["_Netcdf4Dimid"] = k
        activity = external(file, "activity", secret)
        for k, dim in enumerate(("neuron", "time")):
            activity.dims[k].attach_scale(file[dim])
    assert refused(tmp_path / "a.nc", "'activity' lies in another file").size == len(SECRET)


def test_links_and_virtual_arrays(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = samples()
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["session/X"] = h5py.ExternalLink("other.h5", "x")
    assert np.array_equal(refused(tmp_path / "linked.h5", "other.h5", name="session/X", **DIMS).values.T, samples())
    layout = h5py.VirtualLayout((200, 5), "f4")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (200, 5))
    with h5py.File(tmp_path / "put.h5", "w") as file:
        file.create_virtual_dataset("X", layout)
    assert np.array_equal(refused(tmp_path / "put.h5", "other.h5", **DIMS).values.T, samples())


def test_links_within_a_file_are_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = samples()
        file["soft"] = h5py.SoftLink("/x")
        layout = h5py.VirtualLayout((200, 5), "f4")
        layout[:] = h5py.VirtualSource(file["x"])
        file.create_virtual_dataset("virtual", layout)
    for name in ("x", "soft", "virtual"):
        assert np.array_equal(netxr.load_activity(tmp_path / "a.h5", name=name, **DIMS).values.T, samples())


# --- what unpacks to very much ------------------------------------------------

ROWS = 10**6


def packed_npz(folder):
    np.savez_compressed(folder / "a.npz", X=np.zeros((ROWS, 5)))
    return folder / "a.npz"


def packed_mat(folder):
    scipy.io.savemat(folder / "a.mat", {"X": np.zeros((ROWS, 5))}, do_compression=True)
    return folder / "a.mat"


def nearly_empty_mat(folder):
    scipy.io.savemat(folder / "a.mat", {"X": sparse.csc_array(([1.0], ([0], [0])), shape=(ROWS, 5))})
    return folder / "a.mat"


def packed_parquet(folder):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    table = pandas.DataFrame(np.zeros((4 * ROWS, 5)), columns=list("abcde"))
    table.to_parquet(folder / "a.parquet", row_group_size=4 * ROWS)
    return folder / "a.parquet"


@pytest.mark.parametrize("make", [packed_npz, packed_mat, nearly_empty_mat, packed_parquet])
def test_what_unpacks_to_very_much(tmp_path, make):
    path = make(tmp_path)
    assert refused(path, "over 100 times", **DIMS).sizes["neuron"] == 5


def test_compressed_text(tmp_path):
    with gzip.open(tmp_path / "a.csv.gz", "wb") as file:
        for _ in range(20):
            file.write(b"0,0\n" * 2**18)
    with pytest.raises(UnreadableFile, match="over 100 times"):
        reach.check_reach(tmp_path / "a.csv.gz")


def test_what_is_packed_as_usual_is_read(tmp_path):
    spikes = np.random.default_rng(0).poisson(0.02, (50_000, 40)).astype(float)
    np.savez_compressed(tmp_path / "a.npz", X=spikes)
    assert np.array_equal(netxr.load_activity(tmp_path / "a.npz", **DIMS).values.T, spikes)
    scipy.io.savemat(tmp_path / "a.mat", {"X": spikes}, do_compression=True)
    assert np.array_equal(netxr.load_activity(tmp_path / "a.mat", **DIMS).values.T, spikes)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.infolist()[0].compress_size < spikes.nbytes / 10


def test_trust_is_true_or_false(tmp_path):
    np.savez(tmp_path / "a.npz", X=samples())
    with pytest.raises(netxr.InvalidInput, match="trusted"):
        netxr.load_activity(tmp_path / "a.npz", trusted="no", **DIMS)


# --- what is no file ----------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path):
    pipes = [tmp_path / str(k) / place for k, place in enumerate(("F.npy", "iscell.npy", "ops.npy", "plane0/F.npy"))]
    for folder, pipe in zip(map(str, range(4)), pipes, strict=True):
        pipe.parent.mkdir(parents=True)
        np.save(tmp_path / folder / "F.npy", samples().T)
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
    code = (
        "import sys, netxr\nfor folder in sys.argv[1:]:\n"
        "    try: netxr.open(folder)\n    except netxr.UnreadableFile as e: print(e)"
    )
    command = [sys.executable, "-c", code, *(tmp_path / str(k) for k in range(len(pipes)))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)  # noqa: S603
    assert done.stdout.count("neither a file nor a folder") == len(pipes), done.stderr
