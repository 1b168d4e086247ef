"""Small files of other tools, as those tools lay them out, and their contents by another reading."""

import h5py
import numpy as np

RATE = 30.0


def samples(n_times=200, n_neurons=5, *, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(100, 20, (n_times, n_neurons)).astype(dtype)


def matlab_header(path, text=b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Sun Nov 22 2026"):
    """Put MATLAB's own block before an HDF5 file that was made with a block of 512 bytes."""
    with path.open("r+b") as file:
        file.write(text.ljust(116) + bytes(8) + b"\x00\x02IM")


def make_matlab73(path, arrays, *, chunks=None):
    """Arrays as MATLAB sees them; they lie with their axes reversed."""
    classes = {"f8": "double", "f4": "single", "i4": "int32", "u1": "uint8", "b1": "logical"}
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            stored = array.T.astype("u1") if array.dtype == bool else array.T
            node = file.create_dataset(name, data=stored, chunks=chunks, compression=chunks and "gzip")
            node.attrs["MATLAB_class"] = np.bytes_(classes[array.dtype.str[1:]])
    matlab_header(path)
    return path


def make_caiman(path, traces, *, rate=RATE, **beside):
    with h5py.File(path, "w") as file:
        estimates = file.create_group("estimates")
        for name, values in {"C": traces, **beside}.items():
            estimates[name] = values
        estimates["F_dff"] = "NoneType"
        estimates["A/data"], estimates["A/indices"] = np.ones(3), np.arange(3)
        file["params/data/fr"] = rate
    return path


def start_nwb(file):
    file.attrs.update({"neurodata_type": "NWBFile", "namespace": "core", "nwb_version": "2.7.0"})


def add_series(file, place, data, *, kind="TimeSeries", rate=RATE, start=0.0, timestamps=None, unit="a.u.", **attrs):
    """Add a series as NWB lays it out, and return its group."""
    series = file.create_group(place)
    series.attrs["neurodata_type"] = kind
    options = {} if data.size < 1000 else {"chunks": True, "compression": "gzip"}
    series.create_dataset("data", data=data, **options).attrs.update({"unit": unit, **attrs})
    if timestamps is None:
        series["starting_time"] = start
        series["starting_time"].attrs.update({"rate": rate, "unit": "seconds"})
    else:
        series["timestamps"] = timestamps
    return series


def add_table(file, place, ids, **columns):
    table = file.create_group(place)
    table.attrs["neurodata_type"] = "DynamicTable"
    table["id"] = np.asarray(ids)
    for name, values in columns.items():
        table[name] = values
    return table


def refer(series, name, table, rows):
    """Say which rows of a table the columns of a series are."""
    series[name] = np.asarray(rows)
    series[name].attrs["table"] = table.ref


def make_units(path, trains, **columns):
    with h5py.File(path, "w") as file:
        start_nwb(file)
        units = add_table(file, "units", np.arange(len(trains)) + 10, **columns)
        units.attrs["neurodata_type"] = "Units"
        units["spike_times"] = np.concatenate(trains)
        units["spike_times_index"] = np.cumsum([len(train) for train in trains]).astype(np.uint16)
    return path


def make_nwb(path, data=None):
    """One table of regions of interest with two series, and a position that is no neuron."""
    data = samples() if data is None else data
    with h5py.File(path, "w") as file:
        start_nwb(file)
        n_rois = data.shape[1]
        rois = add_table(
            file,
            "processing/ophys/ImageSegmentation/PlaneSegmentation",
            np.arange(n_rois) * 3,
            iscell=np.stack([np.arange(n_rois) % 2, 0.375 + np.arange(n_rois) / 8], axis=1),
            area=[f"V{k}" for k in range(n_rois)],
            depth=np.linspace(0, 1, n_rois),
            image_mask=np.zeros((n_rois, 4, 4)),
        )
        kind = "RoiResponseSeries"
        dff = add_series(file, "processing/ophys/DfOverF/RoiResponseSeries", data / 100, kind=kind)
        raw = add_series(file, "processing/ophys/Fluorescence/RoiResponseSeries", data, kind=kind)
        for series in (dff, raw):
            refer(series, "rois", rois, np.arange(n_rois)[::-1])
        add_series(file, "processing/behavior/Position/SpatialSeries", data[:, :2], kind="SpatialSeries")
    return path
