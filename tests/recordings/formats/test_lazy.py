"""Lazy arrays of files against NumPy's indexing of the same numbers."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import UnreadableFile
from netxr.recordings.formats.lazy import BLOCK_BYTES, FileArray, block_shape, lazy_array, stamp_of

INDICES = [
    np.s_[::-1],
    np.s_[5],
    np.s_[-1, 2],
    np.s_[3:40:7, ::-2],
    np.s_[..., 0],
    np.s_[:, None],
    np.s_[[3, 1, 29], :, ::-1],
    np.s_[5:5],
    np.s_[np.arange(50) % 3 == 0],
]


def read_saved(path, name, box):
    return np.load(path)[box]


def read_nothing(path, name, box):
    raise KeyError(name)


def read_too_little(path, name, box):
    return np.load(path)[box][:1]


@pytest.fixture
def saved(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 7, 3))
    np.save(tmp_path / "a.npy", values)
    return tmp_path / "a.npy", values


def lazily(path, values, read=read_saved):
    return lazy_array(read, path, "a", shape=values.shape, dtype=values.dtype)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing_is_numpys(saved, index):
    path, values = saved
    lazy = lazily(path, values)
    assert np.array_equal(lazy[index].compute(), values[index])
    assert np.array_equal(lazy[index][..., ::-1].compute(), values[index][..., ::-1])
    turned = lazy.T * 2
    assert np.array_equal(turned[..., ::-3].compute(), (values.T * 2)[..., ::-3])


@given(st.data())
def test_any_slices_are_numpys(data):
    shape = (11, 4)
    values = np.arange(44.0).reshape(shape)
    index = tuple(data.draw(st.slices(size) | st.integers(-size, size - 1)) for size in shape)
    array = FileArray(
        Path(__file__), "", shape, values.dtype, lambda path, name, box: values[box], stamp_of(Path(__file__))
    )
    assert np.array_equal(array[index], values[index])


def test_it_travels_and_has_one_name(saved):
    lazy = lazily(*saved)
    assert np.array_equal(pickle.loads(pickle.dumps(lazy)).compute(), saved[1])  # noqa: S301
    assert lazily(*saved).name == lazy.name
    os.utime(saved[0], (1, 1))
    assert lazily(*saved).name != lazy.name


@given(
    st.lists(st.integers(1, 10**7), min_size=1, max_size=3),
    st.sampled_from([1, 2, 4, 8]),
    st.lists(st.integers(1, 4096), min_size=3, max_size=3),
)
def test_blocks_are_whole_chunks_within_bounds(shape, itemsize, chunks):
    own = tuple(min(one, size) for one, size in zip(chunks, shape, strict=False))
    block = block_shape(tuple(shape), itemsize, own)
    assert all(1 <= one <= size for one, size in zip(block, shape, strict=True))
    assert all(one % chunk == 0 or one == size for one, chunk, size in zip(block, own, shape, strict=True))
    assert np.prod(block, dtype=float) * itemsize <= max(BLOCK_BYTES, np.prod(own, dtype=float) * itemsize)


def test_a_file_that_changed_is_refused(saved):
    lazy = lazily(*saved)
    np.save(saved[0], saved[1][:3])
    with pytest.raises(UnreadableFile, match=r"changed after it was opened.*Open it again"):
        lazy.compute()
    saved[0].unlink()
    with pytest.raises(UnreadableFile, match="there is no such file"):
        lazy.compute()


@pytest.mark.parametrize(("read", "match"), [(read_nothing, "KeyError"), (read_too_little, r"has shape \(1, 7, 3\)")])
def test_what_cannot_be_read_is_named(saved, read, match):
    with pytest.raises(UnreadableFile, match=match) as told:
        lazily(*saved, read=read).compute()
    assert "a[0:50, 0:7, 0:3]" in str(told.value)


def test_a_shape_that_cannot_be_true_is_refused(saved):
    with pytest.raises(UnreadableFile, match="claims to have shape"):
        lazy_array(read_saved, saved[0], "", shape=(10**13, 100), dtype="f8")


def test_opening_reads_nothing(saved):
    assert lazily(*saved, read=read_nothing).shape == saved[1].shape
