"""Arrays of HDF5 files against h5py's own reading."""

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")

from netxr.errors import InvalidInput, UnreadableFile  # noqa: E402
from netxr.recordings.formats.hdf5 import read  # noqa: E402
from netxr.recordings.load import load_activity  # noqa: E402
from tests.marks import slow  # noqa: E402
from tests.recordings.formats.damage import refusals  # noqa: E402
from tests.recordings.formats.files import samples  # noqa: E402
from tests.recordings.formats.opening import opening_takes  # noqa: E402


def write(path, arrays, **options):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, **options)
    return path


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "u1", "?", "f2"])
@pytest.mark.parametrize("options", [{}, {"chunks": (64, 3), "compression": "gzip"}])
def test_an_array_is_what_h5py_reads(tmp_path, dtype, options):
    path = write(tmp_path / "a.h5", {"session/traces": samples(dtype=dtype)}, **options)
    with h5py.File(path) as file:
        expected = file["session/traces"][()]
    table = read(path, "session/traces")
    assert table.labels is None
    assert table.values.dtype == expected.dtype.newbyteorder("=")
    assert np.array_equal(table.values.compute(), expected)
    assert np.array_equal(table.values[::-3, 1].compute(), expected[::-3, 1])


def test_the_only_table_needs_no_name(tmp_path):
    path = write(tmp_path / "a.h5", {"X": samples(), "rate": 30.0, "time": np.arange(200), "names": ["a", "b"]})
    assert np.array_equal(read(path).values.compute(), samples())
    assert np.array_equal(read(path, "time").values.compute(), np.arange(200))
    assert np.array_equal(read(path, "/X").values.compute(), samples())


@pytest.mark.parametrize("name", [None, "g/Z", "g", ""])
def test_a_name_that_is_not_there_gets_those_that_are(tmp_path, name):
    path = write(tmp_path / "a.h5", {"g/X": samples(), "g/Y": samples(), "words": ["a"]})
    with pytest.raises(InvalidInput, match=r"g/X \(200 x 5\), g/Y \(200 x 5\)") as told:
        read(path, name)
    assert str(path) in str(told.value)
    assert "words" not in str(told.value)


@pytest.mark.parametrize(
    ("values", "match"),
    [(["a", "b"], "holds object"), (np.ones((3, 3)) * 1j, "holds complex128"), (np.empty((0, 3)), "is empty")],
)
def test_what_is_no_array_of_numbers_is_refused(tmp_path, values, match):
    path = write(tmp_path / "a.h5", {"X": values})
    with pytest.raises(UnreadableFile, match=f"X {match}"):
        read(path, "X")


def test_lists_of_lists_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        ragged = file.create_dataset("X", 3, dtype=h5py.vlen_dtype(np.float64))
        ragged[0] = [1.0, 2.0]
    with pytest.raises(UnreadableFile, match="not real numbers"):
        read(tmp_path / "a.h5", "X")


def test_parts_in_a_file_that_is_gone_are_refused(tmp_path):
    write(tmp_path / "part.h5", {"X": samples()})
    layout = h5py.VirtualLayout((200, 5), "f4")
    layout[:] = h5py.VirtualSource(tmp_path / "part.h5", "X", (200, 5))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("X", layout)
    assert np.array_equal(read(tmp_path / "a.h5").values.compute(), samples())
    (tmp_path / "part.h5").unlink()
    with pytest.raises(UnreadableFile, match=r"part\.h5, which is not there"):
        read(tmp_path / "a.h5")


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        read(path)
    path.write_bytes(b"time,a,b\n1,2,3\n")
    with pytest.raises(UnreadableFile, match="does not begin as an HDF5 file"):
        read(path)
    content = write(tmp_path / "b.h5", {"X": samples()}).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableFile, match=r"truncated file.*cut off"):
        read(path)


def test_a_damaged_chunk_is_named_when_it_is_read(tmp_path):
    path = write(tmp_path / "a.h5", {"X": samples()}, chunks=(50, 5), compression="gzip")
    with h5py.File(path) as file:
        where = file["X"].id.get_chunk_info(2).byte_offset
    content = bytearray(path.read_bytes())
    content[where : where + 40] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"X\[0:200, 0:5\] cannot be read"):
        read(path).values.compute()


def test_damage_raises_errors_of_netxr_only(tmp_path):
    path = write(tmp_path / "a.h5", {"g/x": samples()}, chunks=(50, 5), compression="gzip")
    assert len(refusals(lambda file: read(file, "g/x").values.compute(scheduler="synchronous"), path)) > 20


@pytest.mark.parametrize("apart", [False, *slow(True)])
def test_opening_80_mb_takes_little(tmp_path, apart):
    small = write(tmp_path / "small.h5", {"X": samples()})
    with h5py.File(tmp_path / "large.h5", "w") as file:
        file.create_dataset("X", (200_000, 100), "f4", chunks=(1000, 100))
        file["X"][-1] = 7
    assert max(opening_takes("hdf5.read", small, tmp_path / "large.h5", apart=apart)) < 20


def test_an_array_behind_a_link_is_read_from_the_file_that_it_lies_in(tmp_path):
    there, decoy = samples(seed=1), samples(seed=2)
    write(tmp_path / "there.h5", {"x": there})
    path = write(tmp_path / "a.h5", {"x": decoy})
    with h5py.File(path, "a") as file:
        file["linked"] = h5py.ExternalLink("there.h5", "x")
    np.testing.assert_array_equal(read(path, "linked").values.compute(), there)


@pytest.mark.parametrize("name", [None, "X"])
def test_numbers_that_stand_for_others_are_those(tmp_path, name):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset("X", data=np.array([[10, -1], [20, 30], [-1, 40]], np.int16), chunks=(2, 2))
        stored.attrs.update({"scale_factor": 0.5, "add_offset": np.array([100.0]), "_FillValue": np.int16(-1)})
    loaded = load_activity(tmp_path / "a.h5", dims=("neuron", "time"), name=name)
    assert loaded.chunks is not None
    np.testing.assert_array_equal(loaded, [[105, np.nan], [110, 115], [np.nan, 120]])


def test_chunks_that_were_never_written_are_said(tmp_path):
    for name, fill in (("zeros", 0.0), ("missing", np.nan)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file.create_dataset("X", (100, 6), "f4", chunks=(10, 4), fillvalue=fill)[:31] = 1
    with pytest.warns(UserWarning, match=r"12 of 20 chunks of /X were never written, and are read as 0\.0"):
        assert read(tmp_path / "zeros.h5").values[50, 0].compute() == 0
    assert np.isnan(read(tmp_path / "missing.h5").values[50, 0].compute())
