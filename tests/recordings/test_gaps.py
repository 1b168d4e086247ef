"""Gaps in the times of files, stores and xarray objects: refused, or segments, in Python and in the shell."""

import re

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput, UnreadableFile
from tests.cli.shell import document, output, run

TIMES = np.r_[0:60, 80:120, 200:300] * 0.05
ENDS = [slice(0, 60), slice(60, 100), slice(100, 200)]
X = np.random.default_rng(0).normal(size=(3, 200)).cumsum(axis=1)
LATER, EARLIER = (np.hstack([X[:, end][:, part] for end in ENDS]) for part in (slice(1, None), slice(None, -1)))
RIGHT = np.corrcoef(LATER, EARLIER)[:3, 3:]
PLACE = r"2\.95 is followed by 4\.0 \(sample 60\), where most steps are 0\.05, and 1 more"


def recording():
    coords = {"neuron": np.array(list("abc"), dtype=object), "time": ("time", TIMES, {"units": "s"})}
    return xr.DataArray(X, coords, ("neuron", "time"), name="activity")


def as_csv(path):
    lines = [",".join(map(repr, map(float, row))) for row in np.vstack([TIMES, X]).T]
    path.write_text("\n".join(["time,a,b,c", *lines]))
    return path


def as_parquet(path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"time": TIMES, **dict(zip("abc", X, strict=True))}), path)
    return path


def as_netcdf(path):
    pytest.importorskip("h5netcdf")
    recording().to_dataset().to_netcdf(path, engine="h5netcdf")
    return path


def as_nwb(path):
    h5py = pytest.importorskip("h5py")
    from tests.recordings.formats import files

    with h5py.File(path, "w") as file:
        files.start_nwb(file)
        files.add_series(file, "acquisition/ts", data=X.T, timestamps=TIMES)
    return path


FILES = {"a.csv": as_csv, "a.parquet": as_parquet, "a.nc": as_netcdf, "a.nwb": as_nwb}


def options_of(name):
    return {"dims": ("time", "neuron")} if name in ("a.csv", "a.parquet") else {}


@pytest.mark.parametrize("name", FILES)
def test_files_with_gaps(name, tmp_path):
    path, options = FILES[name](tmp_path / name), options_of(name)
    with pytest.raises(UnreadableFile, match=PLACE) as told:
        netxr.open(path, **options)
    assert "gaps='segments'" in str(told.value)
    for activity in (
        netxr.open(path, gaps="segments", **options).activity,
        netxr.load_activity(path, gaps="segments", **options),
    ):
        np.testing.assert_allclose(activity.time, TIMES)
        np.testing.assert_allclose(netxr.lagged_correlation(activity), RIGHT, atol=1e-12)
    dims = ["--dims", "time,neuron"] if options else []
    refused = run("import", path, tmp_path / "no.zarr", *dims)
    assert refused.exit_code
    assert "--gaps segments" in refused.stderr
    output("import", path, tmp_path / "run.zarr", *dims, "--gaps", "segments", "--quiet")
    np.testing.assert_allclose(netxr.lagged_correlation(netxr.open(tmp_path / "run.zarr").activity), RIGHT, atol=1e-12)
    for source, said in ((path, [*dims, "--gaps", "segments"]), (tmp_path / "run.zarr", [])):
        out = tmp_path / f"R {source.suffix}.zarr"
        output("estimate", source, *said, "--quiet", "--out", out)
        np.testing.assert_allclose(netxr.open(out).lagged_correlation.squeeze("lag"), RIGHT, atol=1e-12)


def test_a_store_whose_recording_has_gaps(tmp_path):
    netxr.save(recording().to_dataset(), tmp_path / "run.zarr")
    stored = netxr.open(tmp_path / "run.zarr").activity
    with pytest.raises(InvalidInput, match=PLACE):
        netxr.lagged_correlation(stored)
    np.testing.assert_allclose(netxr.lagged_correlation(stored, gaps="segments"), RIGHT, atol=1e-12)
    refused = run("estimate", tmp_path / "run.zarr")
    assert refused.exit_code
    assert "(sample 60)" in refused.stderr
    np.testing.assert_allclose(
        netxr.lagged_correlation(netxr.load_activity(tmp_path / "run.zarr", gaps="segments")), RIGHT, atol=1e-12
    )
    about = document("estimate", tmp_path / "run.zarr", "--gaps", "segments", "--out", tmp_path / "R.zarr")
    assert about
    np.testing.assert_allclose(netxr.open(tmp_path / "R.zarr").lagged_correlation.squeeze("lag"), RIGHT, atol=1e-12)


def test_xarray_objects_with_gaps():
    for source in (recording(), recording().to_dataset()):
        said = netxr.open(source, gaps="segments") if isinstance(source, xr.Dataset) else None
        said = netxr.load_recording(source, gaps="segments") if said is None else said
        np.testing.assert_allclose(netxr.lagged_correlation(said), RIGHT, atol=1e-12)
    even = recording().isel(time=slice(0, 60))
    assert "gaps" not in netxr.load_activity(even, gaps="segments").attrs


def test_a_store_of_another_tool_with_gaps(tmp_path):
    plain = recording().assign_coords(neuron=[1, 2, 3]).rename(neuron="unit_id", time="frame")
    plain.to_dataset(name="C").to_zarr(tmp_path / "minian.zarr", consolidated=False)
    dims = {"unit_id": "neuron", "frame": "time"}
    with pytest.raises(UnreadableFile, match=PLACE):
        netxr.open(tmp_path / "minian.zarr", dims=dims)
    run_ = netxr.open(tmp_path / "minian.zarr", dims=dims, gaps="segments")
    np.testing.assert_allclose(netxr.lagged_correlation(run_), RIGHT, atol=1e-12)


def test_appended_trials_with_the_same_gaps_keep_moments_right(tmp_path):
    first = netxr.load_recording(recording().expand_dims(trial=[0]), gaps="segments")
    netxr.save(first.assign(netxr.lagged_moments(first)), tmp_path / "run.zarr")
    second = netxr.load_recording(recording().expand_dims(trial=[1])[..., ::1] * 2.0, gaps="segments")
    netxr.append(second, tmp_path / "run.zarr", dim="trial")
    both = netxr.open(tmp_path / "run.zarr")
    np.testing.assert_allclose(netxr.lagged_correlation(both), [RIGHT, RIGHT], atol=1e-12)


@pytest.mark.parametrize("function", [netxr.correlation_test, netxr.edges, netxr.granger, netxr.regression])
def test_the_way_out_of_gaps_is_one_where_a_function_has_no_argument_for_them(function):
    samples = np.random.default_rng(1).normal(size=(3, 200))
    uneven = netxr.as_activity(samples, dims=("neuron", "time")).assign_coords(time=np.r_[:100.0, 200.0:300.0])
    with pytest.raises(InvalidInput, match=re.escape(".assign_attrs(gaps='segments')")):
        function(uneven)
    function(uneven.assign_attrs(gaps="segments"))
