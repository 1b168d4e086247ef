"""netCDF files against what xarray was given to write."""

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.netcdf import load
from netxr.schema.clock import clock_of
from tests.marks import slow
from tests.recordings.formats.damage import refusals
from tests.recordings.formats.files import samples
from tests.recordings.formats.opening import opening_takes


@pytest.fixture(params=["h5netcdf", "scipy"])
def engine(request):
    if request.param == "h5netcdf":
        pytest.importorskip("h5py")
        pytest.importorskip("h5netcdf")
    return request.param


def recording(**attrs):
    coords = {"neuron": np.array(list("abcde"), object), "depth": ("neuron", np.arange(5.0))}
    return xr.Dataset({"activity": (("neuron", "time"), samples().T, attrs)}, coords)


def write(dataset, path, engine):
    dataset.to_netcdf(path, engine=engine)
    return path


def test_a_run_of_netxr_comes_back(tmp_path, engine):
    A = netxr.random_connectivity(5, sparsity=0.5, seed=1)
    run = netxr.simulate(A, n_steps=50, trials=2, seed=1)
    run = run.assign_coords({dim: list("vwxyz") for dim in ("neuron", "target", "source")})
    run["group"] = ("neuron", np.array([0, 0, 1, 1, -1], np.int32))
    run["trial"] = np.arange(2, dtype=np.int32)  # netCDF 3 has no longer ones
    path = write(run, tmp_path / "run.nc", engine)
    back = load(path)
    assert all(variable.chunks is not None for variable in back.data_vars.values())
    xr.testing.assert_identical(back.compute(), run.set_coords("group").reset_coords("group"))
    assert {name: one.dtype for name, one in back.variables.items() if one.dtype.kind != "O"} == {
        name: one.dtype for name, one in run.variables.items() if one.dtype.kind not in "OU"
    }


def test_estimates_of_netxr_come_back(tmp_path, engine):
    R = netxr.lagged_correlation(netxr.as_activity(samples(), dims=("time", "neuron")), lag=1)
    R = R.assign_coords(target=np.arange(5, dtype="i4"), source=np.arange(5, dtype="i4"))
    R.attrs = {key: str(value) for key, value in R.attrs.items()}
    back = load(write(R.to_dataset(name="lagged_correlation"), tmp_path / "r.nc", engine))
    assert np.array_equal(back.lagged_correlation.values, R.values)


def test_other_names_are_given(tmp_path, engine):
    foreign = recording().rename({"activity": "dff", "neuron": "cell", "time": "frame"}).transpose("frame", "cell")
    foreign["image"] = (("y", "x"), np.zeros((3, 4)))
    path = write(foreign, tmp_path / "a.nc", engine)
    with pytest.raises(InvalidInput, match=r"dff \(frame, cell\).*image \(y, x\).*dims={'cell': 'neuron'"):
        load(path)
    back = load(path, dims={"cell": "neuron", "frame": "time"})
    assert back.activity.dims == ("neuron", "time")
    assert np.array_equal(back.activity.values, samples().T)
    assert back.neuron.values.tolist() == list("abcde")
    assert np.array_equal(back.image.values, np.zeros((3, 4)))


def test_one_of_several_is_named(tmp_path, engine):
    several = recording().rename(activity="dff").assign(raw=(("neuron", "time"), samples().T * 2))
    path = write(several, tmp_path / "a.nc", engine)
    with pytest.raises(InvalidInput, match=r"name: got None.*dff \(neuron, time\), raw \(neuron, time\)"):
        load(path)
    assert np.array_equal(load(path, name="raw").activity.values, samples().T * 2)
    with pytest.raises(InvalidInput, match=r"name: got 'x'.*dff"):
        load(path, name="x")
    with pytest.raises(InvalidInput, match=r"dims: got {'cell': 'neuron'}.*neuron, time"):
        load(path, name="raw", dims={"cell": "neuron"})


def test_scales_are_applied_block_by_block(tmp_path, engine):
    path = tmp_path / "a.nc"
    packing = {"activity": {"dtype": "i2", "scale_factor": 0.01, "add_offset": 100.0, "_FillValue": -1}}
    recording().to_netcdf(path, engine=engine, encoding=packing)
    with xr.open_dataset(path, engine=engine) as there:
        expected = there.activity.load()
    back = load(path).activity
    assert back.dtype == expected.dtype
    assert np.array_equal(back[:, ::-3].values, expected.values[:, ::-3])
    assert np.array_equal(back.values, expected.values)


def test_times_tell_the_interval(tmp_path, engine):
    timed = recording().assign_coords(time=("time", np.arange(200) * 0.02, {"units": "s"}))
    assert load(write(timed, tmp_path / "a.nc", engine)).activity.attrs["sampling_interval"] == 0.02
    counted = recording().assign_coords(time=np.arange(200, dtype="i4"))
    assert "sampling_interval" not in load(write(counted, tmp_path / "b.nc", engine)).activity.attrs
    dated = recording().assign_coords(time=("time", np.arange(200), {"units": "ms since 2020-01-01"}))
    dated["time"] = dated.time.astype("i4")
    dated.time.attrs["units"] = "ms since 2020-01-01"
    assert load(write(dated, tmp_path / "c.nc", engine)).activity.attrs["sampling_interval_units"] == "ms"


def test_uneven_times_are_told_with_the_fix(tmp_path, engine):
    times = np.arange(200) * 0.02
    times[77:] += 1
    path = write(recording().assign_coords(time=("time", times, {"units": "s"})), tmp_path / "a.nc", engine)
    with pytest.raises(UnreadableFile, match=r"coordinate 'time'.*\(sample 77\).*sampling_interval="):
        load(path)
    with pytest.warns(UserWarning, match=r"\(sample 77\).*, and sampling_interval=0\.02 replaces it"):
        run = load(path, sampling_interval=0.02)
    assert run.activity.attrs["sampling_interval"] == 0.02
    assert "time" not in run.coords
    assert isinstance(run.depth.data, np.ndarray)
    with pytest.raises(InvalidInput, match="sampling_interval"):
        load(path, sampling_interval=0)
    segments = load(path, gaps="segments").activity
    assert segments.gaps == "segments"
    assert segments.time.values.tolist() == times.tolist()


def test_an_interval_that_the_times_contradict_is_said(tmp_path, engine):
    timed = recording().assign_coords(time=("time", np.arange(200) * 20.0, {"units": "ms"}))
    path = write(timed, tmp_path / "a.nc", engine)
    assert load(path, sampling_interval=0.02).activity.sampling_interval == 0.02
    with pytest.warns(UserWarning, match=r"'time' has an interval of 0\.02, and sampling_interval=0\.5 replaces it"):
        load(path, sampling_interval=0.5)


def test_samples_are_read_when_they_are_asked_for(tmp_path, engine):
    path = write(recording(), tmp_path / "a.nc", engine)
    run = load(path)
    path.unlink()
    with pytest.raises(UnreadableFile, match="there is no such file"):
        run.compute()


def test_other_files_are_refused(tmp_path, engine):
    path = tmp_path / "a.nc"
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        load(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UnreadableFile, match="does not begin as a netCDF file"):
        load(path)
    content = write(recording(), tmp_path / "b.nc", engine).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(UnreadableFile, match=r"damaged, or was cut off"):
        load(path).compute()


def test_arrays_without_dims_get_them(tmp_path):
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("h5netcdf")
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["X"] = samples()
    with pytest.raises(InvalidInput, match=r"X \(phony_dim_0, phony_dim_1\)"):
        load(tmp_path / "a.nc")
    run = load(tmp_path / "a.nc", dims={"phony_dim_0": "time", "phony_dim_1": "neuron"})
    assert np.array_equal(run.activity.values, samples().T)


# SciPy opens a file and leaves it to the garbage collector if what it finds is damaged.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_damage_raises_errors_of_netxr_only(tmp_path, engine):
    path = write(recording(), tmp_path / "a.nc", engine)
    assert len(refusals(lambda file: load(file).compute(scheduler="synchronous"), path)) > 15


@pytest.mark.parametrize("apart", [False, *slow(True)])
def test_opening_80_mb_takes_little(tmp_path, engine, apart):
    small = write(recording(), tmp_path / "small.nc", engine)
    large = xr.Dataset({"activity": (("neuron", "time"), np.zeros((100, 200_000), np.float32))})
    assert max(opening_takes("netcdf.load", small, write(large, tmp_path / "large.nc", engine), apart=apart)) < 20


@pytest.mark.parametrize(
    "dims", [{"frame": "time", "cell": "time"}, {"frame": "depth", "cell": "neuron"}, {"frame": "cell"}]
)
def test_dims_get_names_of_their_own(tmp_path, engine, dims):
    foreign = recording().drop_vars("neuron").rename(time="frame", neuron="cell")
    with pytest.raises(InvalidInput, match=r"dims: got .*a name of its own for each dim"):
        load(write(foreign, tmp_path / "a.nc", engine), dims=dims)


def test_dates_and_durations_are_saved_and_opened_again(tmp_path, engine):
    start, step = np.datetime64("2026-01-01"), np.timedelta64(50, "ms")
    for name, times in {"dates": start + step * np.arange(200), "durations": step * np.arange(200)}.items():
        path = write(recording().assign_coords(time=times), tmp_path / f"{name}.nc", engine)
        loaded = load(path)
        assert (loaded.time.values == times).all()
        assert loaded.activity.attrs["sampling_interval"] == 50
        assert loaded.activity.attrs["sampling_interval_units"] == "milliseconds"
        netxr.convert(path, tmp_path / f"{name}.zarr")
        xr.testing.assert_identical(netxr.open(tmp_path / f"{name}.zarr").activity, loaded.activity)


def test_axes_are_named_in_order(tmp_path):
    traces = np.random.default_rng(0).normal(size=(50, 3))
    xr.Dataset({"dff": (("sample", "unit"), traces)}).to_netcdf(tmp_path / "other.nc", engine="scipy")
    found = netxr.load_activity(tmp_path / "other.nc", dims=("time", "neuron"))
    np.testing.assert_array_equal(found.transpose("time", "neuron"), traces)
    with pytest.raises(InvalidInput, match=r"name: got None; expected a variable with 3 axes; .*dff \(sample, unit\)"):
        netxr.load_activity(tmp_path / "other.nc", dims=("time", "neuron", "trial"))


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_steps_of_times_without_a_unit_are_said_to_be_seconds(tmp_path, suffix):
    path, times = tmp_path / f"run.{suffix}", np.arange(50) * 100.0
    run = xr.Dataset({"activity": (("neuron", "time"), np.ones((3, 50)))}, {"time": times})
    run.to_netcdf(path) if suffix == "nc" else run.to_zarr(path, consolidated=False)
    with pytest.warns(UserWarning, match=r"'time' names no unit, and its steps of 100 are taken for seconds\. Say it"):
        activity = netxr.load_recording(path).activity
    assert clock_of(activity)[:2] == (100.0, "s")
    assert netxr.load_recording(path, sampling_interval=0.1).activity.attrs["sampling_interval"] == 0.1


def test_stretches_between_gaps_that_were_said_to_be_trials_still_are(tmp_path):
    times = np.concatenate([np.arange(60), 100 + np.arange(60)]) / 10
    run = xr.Dataset({"activity": (("neuron", "time"), np.ones((3, 120)))}, {"time": ("time", times, {"units": "s"})})
    run.to_netcdf(tmp_path / "run.nc")
    said = netxr.load_recording(tmp_path / "run.nc", gaps="segments")
    said.to_netcdf(tmp_path / "said.nc")
    netxr.save(said, tmp_path / "said.zarr")
    for name in ("said.nc", "said.zarr"):
        assert netxr.load_recording(tmp_path / name).activity.attrs["gaps"] == "segments"


def test_results_alone_open_as_those_of_a_store_do(tmp_path):
    run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=200, seed=1)
    tested = netxr.correlation_test(run)
    for name, results in {"test": tested, "edges": netxr.edges(tested), "moments": netxr.lagged_moments(run)}.items():
        results.to_netcdf(tmp_path / f"{name}.nc", engine="h5netcdf")
        xr.testing.assert_equal(netxr.open(tmp_path / f"{name}.nc").load(), results.compute())
    with pytest.raises(InvalidInput, match=r"got 'activity' .*which has .*p_value"):
        netxr.load_activity(tmp_path / "test.nc")
    with pytest.raises(InvalidInput, match=r"the Dataset with lagged_correlation, .*expected .*'activity'.*no loading"):
        netxr.load_recording(tested)
