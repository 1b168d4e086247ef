"""Stored chunks read without zarr-python: the same values, for whatever it may be asked, and only where it may be."""

import dask.array as da
import google_crc32c
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st
from numcodecs import blosc

import netxr
from netxr.errors import UnreadableFile
from netxr.store import lazy
from netxr.store.chunk import WITH_ITS_CHECKSUM


@pytest.fixture
def counted(monkeypatch):
    """How many chunks were read in the thread that asked."""
    read = []

    def reading(*arguments):
        read.append(arguments)
        return read_chunk(*arguments)

    read_chunk = lazy.read_chunk
    monkeypatch.setattr(lazy, "read_chunk", reading)
    return read


SAMPLES = np.arange(12.0).reshape(3, 4)
CHUNK = (
    (compressed := blosc.compress(SAMPLES, b"zstd", 5, 1)) + google_crc32c.value(compressed).to_bytes(4, "little"),
    {"data_type": "float64", "chunk_grid": {"configuration": {"chunk_shape": [3, 4]}}},
)
"""The bytes of a chunk, and what the metadata say of it."""


def stored(folder, dtype, **options):
    samples = da.from_array(np.arange(3 * 700 * 2).reshape(3, 700, 2).astype(dtype), chunks=(3, 700, 1))
    run = xr.Dataset({"activity": (("neuron", "time", "trial"), samples)}, {"neuron": ["a", "b", "c"]})
    netxr.save(run, folder / "run.zarr", **options)
    return folder / "run.zarr"


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8", "int64"])
def test_what_netxr_wrote_is_read_in_the_thread_that_asks(tmp_path, counted, dtype):
    path = stored(tmp_path, dtype)
    activity = netxr.open(path).activity
    expected = zarr.open_array(path / "activity", mode="r")[...]
    np.testing.assert_array_equal(activity.values, expected)
    assert activity.dtype == dtype
    assert len(counted) == 2


def test_codes_are_decoded_by_xarray(tmp_path, counted):
    path = stored(tmp_path, "float32", compact="uint16")
    np.testing.assert_allclose(netxr.open(path).activity.values.std(), np.arange(4200.0).std(), rtol=1e-3)
    assert not counted


RUN = xr.Dataset({"activity": (("neuron", "time"), np.random.default_rng(0).normal(size=(2, 700_000)))})


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("stores") / "long.zarr"
    netxr.save(RUN, path)
    return netxr.open(path).activity


@given(st.slices(700_000), st.sampled_from([0, 1, slice(None), slice(1, None)]))
def test_any_part_is_that_of_the_whole(long_run, time, neuron):
    part = long_run[neuron, time]
    np.testing.assert_array_equal(part.values, RUN.activity[neuron, time].values)


def test_a_damaged_chunk_is_named(tmp_path):
    path = stored(tmp_path, "float32")
    activity = netxr.open(path).activity
    chunk = path / "activity" / "c" / "0" / "0" / "1"
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"activity\[.*\] cannot be read .*checksum"):
        activity.load()


@given(st.integers(0, 2**31), st.integers(0, 7))
def test_a_chunk_of_which_one_bit_changed_is_not_read(tmp_path_factory, place, bit):
    """In what was compressed, or in the checksum behind it."""
    chunk, document = CHUNK
    place %= len(chunk)
    path = tmp_path_factory.mktemp("chunk") / "c"
    path.write_bytes(chunk)
    np.testing.assert_array_equal(lazy.read_chunk(path, document), SAMPLES)
    path.write_bytes(chunk[:place] + bytes([chunk[place] ^ 1 << bit]) + chunk[place + 1 :])
    with pytest.raises(ValueError, match="checksum"):
        lazy.read_chunk(path, document)


def test_the_checksum_of_what_ends_in_its_checksum_is_always_the_same():
    """That of no bytes is 0, as 4 bytes."""
    assert google_crc32c.value(bytes(4)) == WITH_ITS_CHECKSUM
