"""MATLAB files against SciPy's reading, and of version 7.3 against h5py's."""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from netxr.errors import InvalidInput, MissingExtra, UnreadableFile
from netxr.recordings.formats.matlab.file import read
from tests.marks import slow
from tests.recordings.formats.damage import refusals
from tests.recordings.formats.files import make_matlab73, matlab_header, samples
from tests.recordings.formats.opening import opening_takes

NUMBERS = {
    "X": samples(),
    "whole": np.arange(-6, 6).reshape(4, 3).astype("i2"),
    "doubles": np.arange(12.0).reshape(3, 4),
    "flags": np.eye(5) > 0,
    "trials": np.random.default_rng(1).normal(size=(3, 4, 5)),
    "large": np.array([[2**63, 1]], dtype="u8"),
    "one": np.array([[7.0]]),
    "W": scipy.sparse.random(9, 9, 0.3, random_state=1, format="csc"),
}
OTHERS = {
    "run": ({"x": 1.0, "y": "a"}, r"class struct, with run\.x \(double 1 x 1\), run\.y \(char.*name='run\.x'"),
    "cells": (np.array([1, "a"], object), r"cells has cells of class char.*cell2mat\(cells\)"),
    "word": ("hello", "class char"),
    "phases": (np.ones((2, 2)) * 1j, r"class complex double.*abs\(phases\)"),
    "empty": (np.empty((0, 3)), "empty"),
}


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def saved(request, tmp_path):
    path = tmp_path / "a.mat"
    arrays = NUMBERS | {name: value for name, (value, _) in OTHERS.items()}
    scipy.io.savemat(path, arrays, do_compression=request.param)
    return path


@pytest.mark.filterwarnings("ignore:The default value for `spmatrix`:DeprecationWarning")  # of the oracle
@pytest.mark.parametrize("name", NUMBERS)
def test_a_variable_is_what_scipy_reads(saved, name):
    expected = scipy.io.loadmat(saved, mat_dtype=True, variable_names=[name])[name]
    dense = expected.toarray() if scipy.sparse.issparse(expected) else expected
    values = np.asarray(read(saved, name).values)
    assert values.dtype == dense.dtype
    assert np.array_equal(values, dense)


@given(
    st_numpy.arrays(
        st_numpy.floating_dtypes(sizes=(32, 64), endianness="=")
        | st_numpy.integer_dtypes(endianness="=")
        | st_numpy.boolean_dtypes(),
        st_numpy.array_shapes(min_dims=2, max_dims=3),
    ),
    st.booleans(),
)
def test_any_numbers_are_what_was_saved(tmp_path_factory, values, compressed):
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    scipy.io.savemat(path, {"X": values}, do_compression=compressed)
    back = np.asarray(read(path, "X").values)
    assert back.dtype == values.dtype
    assert np.array_equal(back, values, equal_nan=values.dtype.kind == "f")


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_matrix_of_numbers_is_refused(saved, name):
    with pytest.raises(UnreadableFile, match=OTHERS[name][1]) as told:
        read(saved, name)
    assert str(saved) in str(told.value)


def test_plain_numbers_are_lazy(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"X": samples()})
    assert read(tmp_path / "a.mat").values.chunks == ((200,), (5,))
    assert np.array_equal(read(tmp_path / "a.mat").values[::-7, 2].compute(), samples()[::-7, 2])


@pytest.mark.parametrize("name", [None, "Y"])
def test_a_name_that_is_not_there_gets_those_that_are(saved, name):
    with pytest.raises(InvalidInput, match=r"X \(200 x 5\), whole \(4 x 3\)"):
        read(saved, name)


def test_the_only_matrix_needs_no_name(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"X": samples(), "rate": 30.0, "word": "abc", "time": np.arange(200)})
    assert np.array_equal(np.asarray(read(tmp_path / "a.mat").values), samples())


def test_the_other_byte_order():
    folder = Path(scipy.io.__file__).parent / "matlab" / "tests" / "data"
    files = sorted(folder.glob("test*double_*.mat"))
    if not files:
        pytest.skip("SciPy comes without its test files")
    for path in files:
        if "_4." not in path.name:  # version 4 has another layout
            name = scipy.io.whosmat(path)[0][0]
            if scipy.io.loadmat(path)[name].dtype.kind == "f":
                assert np.array_equal(np.asarray(read(path, name).values), scipy.io.loadmat(path)[name])


def test_version_4_says_what_to_do(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"X": samples(dtype="f8")}, format="4")
    with pytest.raises(UnreadableFile, match=r"version 4 are not read: save them again"):
        read(tmp_path / "a.mat")


def test_cut_off_and_other_files_are_refused(saved, tmp_path):
    content = saved.read_bytes()
    for kept, match in ((50, "its header is not"), (len(content) - 9, r"cut off"), (200, "cut off")):
        (tmp_path / "b.mat").write_bytes(content[:kept])
        with pytest.raises(UnreadableFile, match=match):
            read(tmp_path / "b.mat", "X")
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        read(tmp_path / "none.mat")


def test_damage_raises_errors_of_netxr_only(saved):
    assert len(refusals(lambda file: np.asarray(read(file, "X").values), saved)) > 10
    assert len(refusals(lambda file: np.asarray(read(file, "W").values), saved)) > 10


@pytest.mark.parametrize("chunks", [None, (2, 3)])
@pytest.mark.parametrize("name", ["X", "doubles", "flags"])
def test_version_73_is_turned_back(tmp_path, name, chunks):
    h5py = pytest.importorskip("h5py")
    path = make_matlab73(tmp_path / "a.mat", {name: NUMBERS[name]}, chunks=chunks)
    with h5py.File(path) as file:
        expected = file[name][()].T.astype(NUMBERS[name].dtype)
    table = read(path)
    assert table.values.dtype == expected.dtype
    assert np.array_equal(table.values.compute(), expected)
    assert np.array_equal(expected, NUMBERS[name])


def test_version_73_knows_what_is_no_matrix(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = make_matlab73(tmp_path / "a.mat", {"X": samples(), "Y": samples()})
    with h5py.File(path, "r+") as file:
        file.create_group("run").attrs["MATLAB_class"] = np.bytes_("struct")
        file["word"] = np.array([[104], [105]], "u2")
        file["word"].attrs["MATLAB_class"] = np.bytes_("char")
        file["none"] = np.array([0, 0], "u8")
        file["none"].attrs.update({"MATLAB_class": np.bytes_("double"), "MATLAB_empty": 1})
        file.create_group("#refs#")
    for name, match in (("run", "class struct"), ("word", "class char"), ("none", "none is empty")):
        with pytest.raises(UnreadableFile, match=match):
            read(path, name)
    with pytest.raises(InvalidInput, match=r"X \(200 x 5\), Y \(200 x 5\)"):
        read(path)


def test_sparse_of_version_73(tmp_path):
    h5py = pytest.importorskip("h5py")
    matrix = NUMBERS["W"]
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group("W")
        group.attrs.update({"MATLAB_class": np.bytes_("double"), "MATLAB_sparse": np.uint64(9)})
        group["data"], group["ir"], group["jc"] = matrix.data, matrix.indices.astype("u8"), matrix.indptr.astype("u8")
        zeros = file.create_group("Z")
        zeros.attrs.update({"MATLAB_class": np.bytes_("double"), "MATLAB_sparse": np.uint64(4)})
        zeros["jc"] = np.zeros(3, "u8")
    matlab_header(path)
    assert np.array_equal(read(path, "W").values, matrix.toarray())
    assert np.array_equal(read(path, "Z").values, np.zeros((4, 2)))
    with h5py.File(path, "r+") as file:
        file["W/ir"][0] = 10**6
    with pytest.raises(UnreadableFile, match="damaged"):
        read(path, "W")


def test_a_header_of_version_73_with_nothing_behind(tmp_path):
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    with pytest.raises(UnreadableFile, match="holds no variable"):
        read(path)


def test_without_h5py_only_version_73_is_not_read(saved, tmp_path, monkeypatch):
    pytest.importorskip("h5py")
    path = make_matlab73(tmp_path / "new.mat", {"X": samples()})
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert np.array_equal(np.asarray(read(saved, "X").values), samples())
    with pytest.raises(MissingExtra, match=r"\.\[io\]"):
        read(path, "X")


@pytest.mark.parametrize("version", [5, 7.3])
@pytest.mark.parametrize("apart", [False, *slow(True)])
def test_opening_80_mb_takes_little(tmp_path, version, apart):
    paths = [tmp_path / "small.mat", tmp_path / "large.mat"]
    for path, n_times in zip(paths, (100, 200_000), strict=True):
        values = np.zeros((n_times, 100), np.float32)
        if version == 5:
            scipy.io.savemat(path, {"X": values})
        else:
            pytest.importorskip("h5py")
            make_matlab73(path, {"X": values})
    assert max(opening_takes("matlab.file.read", *paths, apart=apart)) < 20


@pytest.mark.parametrize("name", [None, "run.X", "run/X"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_field_of_a_struct_is_read(tmp_path, name, compressed):
    run = {"note": "text", "X": samples(), "day": {"rate": 30.0, "empty": np.empty((0, 0))}}
    scipy.io.savemat(tmp_path / "a.mat", {"run": run, "rate": 30.0}, do_compression=compressed)
    np.testing.assert_array_equal(np.asarray(read(tmp_path / "a.mat", name).values), samples())
    assert np.asarray(read(tmp_path / "a.mat", "run.day.rate").values).tolist() == [[30.0]]
    with pytest.raises(InvalidInput, match=r"name: got 'run\.Y'.*has run\.X \(200 x 5\), run\.day\.rate \(1 x 1\),"):
        read(tmp_path / "a.mat", "run.Y")
    with pytest.raises(UnreadableFile, match=r"run\.note is of class char"):
        read(tmp_path / "a.mat", "run.note")


def trials(lengths):
    return [samples(length, seed=length + k) for k, length in enumerate(lengths)]


@pytest.mark.parametrize("compressed", [False, True])
def test_cells_and_entries_of_a_struct_array_are_trials(tmp_path, compressed):
    cells = np.empty((1, 3), object)
    cells[0, :] = trials([20, 20, 20])
    entries = np.array([(one, "a") for one in cells[0]], [("x", object), ("label", object)]).reshape(1, 3)
    content = {"cells": cells, "run": {"cells": cells}, "entries": entries}
    scipy.io.savemat(tmp_path / "a.mat", content, do_compression=compressed)
    expected = np.stack(trials([20, 20, 20]), axis=-1)
    for name in ("cells", "run.cells", "entries.x"):
        np.testing.assert_array_equal(np.asarray(read(tmp_path / "a.mat", name).values), expected)
    for name in ("cells{2}", "run.cells{2}", "entries(2).x"):
        np.testing.assert_array_equal(np.asarray(read(tmp_path / "a.mat", name).values), expected[..., 1])
    for name in ("cells{4}", "cells{x}", "entries(9).x"):
        with pytest.raises(InvalidInput, match=r"name: got .*; expected the name of an array of numbers"):
            read(tmp_path / "a.mat", name)


def test_trials_of_different_lengths_are_told(tmp_path):
    cells = np.empty(3, object)
    cells[:] = trials([20, 19, 20])
    scipy.io.savemat(tmp_path / "a.mat", {"cells": cells})
    with pytest.raises(
        UnreadableFile, match=r"the 3 trials of cells are not alike: 20 x 5, 19 x 5, 20 x 5.*'cells\{1\}'"
    ):
        read(tmp_path / "a.mat", "cells")


def test_structs_and_cells_as_matlab_itself_wrote_them():
    folder = Path(scipy.io.__file__).parent / "matlab" / "tests" / "data"
    compared = 0
    for path in sorted(folder.glob("teststruct*_[67]*.mat")):
        known = scipy.io.loadmat(path, squeeze_me=False)
        for name in ("teststruct", "teststructarr", "teststructnest"):
            if name in known:
                for field in known[name].dtype.names:
                    for entry, value in enumerate(known[name][field].ravel()):
                        if value.dtype.kind == "f" and value.size:
                            found = read(path, f"{name}({entry + 1}).{field}").values
                            np.testing.assert_array_equal(np.asarray(found), value)
                            compared += 1
    assert compared or not list(folder.glob("*.mat"))


def opaque(name, kind):
    """An object of a class of its own, as MATLAB lays it out beside the matrices."""

    def element(type_, data):
        return struct.pack("<II", type_, len(data)) + data + bytes(-len(data) % 8)

    flags = element(6, struct.pack("<II", 17, 0))
    numbers = element(6, struct.pack("<II", 13, 0)) + element(5, struct.pack("<ii", 6, 1)) + element(1, b"")
    content = flags + element(1, name) + element(1, b"MCOS") + element(1, kind)
    return element(14, content + element(14, numbers + element(6, struct.pack("<6I", 0xDD000000, 2, 1, 1, 1, 1))))


@pytest.mark.parametrize("kind", ["string", "table", "datetime", "containers.Map", "Phase"])
@pytest.mark.parametrize("compressed", [False, True])
def test_objects_beside_matrices_are_named_by_their_class(tmp_path, kind, compressed):
    scipy.io.savemat(tmp_path / "a.mat", {"X": samples()}, do_compression=compressed)
    beside = opaque(b"animal", kind.encode())
    if compressed:
        beside = struct.pack("<II", 15, len(zlib.compress(beside))) + zlib.compress(beside)
    with (tmp_path / "a.mat").open("ab") as file:
        file.write(beside)
    np.testing.assert_array_equal(np.asarray(read(tmp_path / "a.mat").values), samples())
    with pytest.raises(UnreadableFile, match=rf"animal is of class {kind}, not a matrix of numbers\. Save the numbers"):
        read(tmp_path / "a.mat", "animal")


def test_structs_and_cells_of_version_73(tmp_path):
    h5py = pytest.importorskip("h5py")
    path, three = tmp_path / "a.mat", trials([20, 20, 20])
    with h5py.File(path, "w", userblock_size=512) as file:
        references = np.empty((3, 1), h5py.ref_dtype)
        for k, one in enumerate(three):
            file[f"#refs#/{k}"] = one.T
            file[f"#refs#/{k}"].attrs["MATLAB_class"] = np.bytes_("single")
            references[k, 0] = file[f"#refs#/{k}"].ref
        for place, kind in (("run", "struct"), ("entries", "struct")):
            file.create_group(place).attrs["MATLAB_class"] = np.bytes_(kind)
        file["run/X"] = samples().T
        file["run/X"].attrs["MATLAB_class"] = np.bytes_("single")
        file["entries/x"] = references
        for place in ("cells", "run/cells"):
            file[place] = references
            file[place].attrs["MATLAB_class"] = np.bytes_("cell")
        file["animal"] = np.array([[0xDD000000, 2, 1, 1, 1, 1]], "u4")
        file["animal"].attrs["MATLAB_class"] = np.bytes_("string")
    matlab_header(path)
    for name in (None, "run.X", "run/X"):
        np.testing.assert_array_equal(read(path, name).values.compute(), samples())
    for name in ("cells", "run.cells", "entries.x"):
        np.testing.assert_array_equal(read(path, name).values.compute(), np.stack(three, axis=-1))
    for name in ("cells{2}", "run/cells{2}", "entries(2).x"):
        np.testing.assert_array_equal(read(path, name).values.compute(), three[1])
    with pytest.raises(UnreadableFile, match="animal is of class string"):
        read(path, "animal")


def test_damage_within_structs_raises_errors_of_netxr_only(tmp_path):
    cells = np.empty(3, object)
    cells[:] = trials([4, 4, 4])
    scipy.io.savemat(tmp_path / "a.mat", {"run": {"X": samples(8), "cells": cells}})
    for name in ("run.X", "run.cells"):
        assert len(refusals(lambda file, name=name: np.asarray(read(file, name).values), tmp_path / "a.mat")) > 10


@pytest.mark.parametrize("compressed", [4096, 2**24])
def test_a_variable_unpacks_to_no_more_than_its_shape(tmp_path, compressed):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"X": np.zeros(compressed // 8)}, do_compression=True)
    content = path.read_bytes()
    unpacked = bytearray(zlib.decompress(content[136:]))
    shape = unpacked.index(np.array([1, compressed // 8], "<i4").tobytes())
    unpacked[shape : shape + 8] = np.array([1, 3], "<i4").tobytes()
    packed = zlib.compress(bytes(unpacked))
    path.write_bytes(content[:132] + np.array([len(packed)], "<u4").tobytes() + packed)
    with pytest.raises(UnreadableFile, match=r"X unpacks to more than its shape|X is of shape \(1, 3\)"):
        read(path, "X")
