import json
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from xarray.testing import assert_identical
from zarr.storage import MemoryStore

import netxr
from netxr import names as n
from netxr.errors import InvalidInput

N_NEURONS, N_STEPS = 12, 5000
KINDS = ("uint16", "bits10")


def normal(scale=1.0, *, mean=0.0, seed=1, shape=(N_NEURONS, N_STEPS)):
    """Noise that neurons have in common in part."""
    rng = np.random.default_rng(seed)
    return mean + scale * (rng.normal(size=shape) + 0.7 * rng.normal(size=shape[1:]))


def autoregressive(decay):
    samples = normal()
    for t in range(1, N_STEPS):
        samples[:, t] += decay * samples[:, t - 1]
    return samples


def calcium():
    rng = np.random.default_rng(2)
    samples = (rng.random((N_NEURONS, N_STEPS)) < 0.01) * rng.random((N_NEURONS, N_STEPS))
    for t in range(1, N_STEPS):
        samples[:, t] += 0.97 * samples[:, t - 1]
    return 500 + 50 * samples + rng.normal(size=samples.shape)


def network():
    return netxr.simulate(netxr.random_connectivity(N_NEURONS, seed=1), n_steps=N_STEPS, seed=1).activity.values[..., 0]


RECORDINGS = {
    "a network": network,
    "noise": normal,
    "memory": lambda: autoregressive(0.99),
    "a random walk": lambda: autoregressive(1.0),
    "fluorescence": calcium,
    "voltages": lambda: normal(0.05, mean=-65.0),
    "few values": lambda: np.random.default_rng(3).choice([0.0, 0.1, 0.37, 0.713], size=(N_NEURONS, N_STEPS)),
    "one that is large": lambda: normal() * np.where(np.arange(N_NEURONS) == 3, 1000.0, 1.0)[:, None],
    "short": lambda: normal()[:, :100],
    "gaps": lambda: np.where(np.arange(N_STEPS) % 100 == 7, np.nan, normal()),
}


def recording(samples, dtype="float32"):
    labels = [f"n{k}" for k in range(len(samples))]
    activity = netxr.as_activity(np.asarray(samples, dtype), dims=("neuron", "time"), sampling_interval=0.1)
    return activity.assign_coords(neuron=labels).to_dataset()


def change(a, b):
    """The largest change of a correlation at lag 1, by NumPy's own, in frames where all is known."""
    known = np.isfinite(a).all(axis=0)
    pairs = known[1:] & known[:-1]
    estimates = []
    for samples in (np.asarray(a, np.float64), np.asarray(b, np.float64)):
        with np.errstate(invalid="ignore"):  # neurons may have become constant
            both = np.corrcoef(samples[:, 1:][:, pairs], samples[:, :-1][:, pairs])
        estimates.append(both[: len(samples), len(samples) :])
    return np.nanmax(abs(estimates[0] - estimates[1]), initial=0)


def stored_bytes(path):
    return sum(file.stat().st_size for file in Path(path, n.ACTIVITY).rglob("*") if file.is_file())


# --- what it does to correlations ---------------------------------------------


@pytest.mark.crossed(1)
@pytest.mark.parametrize("compact", ["uint16", "bits16", "bits10", "bits7"])
@pytest.mark.parametrize("name", RECORDINGS)
def test_correlations_change_by_less_than_is_said(tmp_path, name, compact):
    run = recording(RECORDINGS[name]())
    netxr.save(run, tmp_path / "run.zarr", compact=compact)
    activity = netxr.open(tmp_path / "run.zarr").activity
    said, measured = activity.attrs[n.COMPACT_EFFECT], change(run.activity.values, activity.values)
    assert measured <= said <= 2
    if said < 0.3 and name != "few values":  # of few values, errors may cancel
        assert 0 < said < 30 * measured


def test_a_neuron_that_varies_by_less_than_a_step_is_named(tmp_path):
    run = recording(normal() * np.where(np.arange(N_NEURONS) == 3, 1e6, 1.0)[:, None])
    netxr.save(run, tmp_path / "run.zarr", compact="uint16")
    activity = netxr.open(tmp_path / "run.zarr").activity
    assert activity.attrs[n.COMPACT_EFFECT] == 2
    assert "11 of 12 neurons vary by less than a step" in activity.attrs[n.COMPACT_NOTE]


def test_the_note_names_the_step_and_the_worst_neuron(tmp_path):
    scale = np.where(np.arange(N_NEURONS) == 5, 0.01, 1.0)[:, None]
    netxr.save(recording(normal() * scale), tmp_path / "run.zarr", compact="uint16")
    attrs = netxr.open(tmp_path / "run.zarr").activity.attrs
    assert "(neuron n5)" in attrs[n.COMPACT_NOTE]
    assert "steps of 0.0002441" in attrs[n.COMPACT_NOTE]
    assert f"{attrs[n.COMPACT_EFFECT]:.1e}" in attrs[n.COMPACT_NOTE]
    netxr.save(recording(normal()), tmp_path / "bits.zarr", compact="bits7")
    assert "7 bits of mantissa" in netxr.open(tmp_path / "bits.zarr").activity.attrs[n.COMPACT_NOTE]


def test_the_worst_of_all_trials_is_said(tmp_path):
    quiet, loud = normal(0.01), normal(1.0, seed=2)
    trials = xr.concat([recording(loud), recording(quiet)], xr.Variable("trial", ["a", "b"]))
    netxr.save(trials, tmp_path / "both.zarr", compact="uint16")
    netxr.save(recording(loud), tmp_path / "loud.zarr", compact="uint16")
    both, alone = (netxr.open(tmp_path / f"{name}.zarr").activity.attrs[n.COMPACT_EFFECT] for name in ("both", "loud"))
    assert 50 < both / alone < 200


def test_room_and_effect_on_a_network(tmp_path):
    run = netxr.simulate(netxr.random_connectivity(50, seed=1), n_steps=20_000, seed=1, dtype="float32")
    sizes, changes = {}, {}
    for compact in KINDS:
        netxr.save(run, tmp_path / compact, compact=compact)
        sizes[compact] = run.activity.nbytes / stored_bytes(tmp_path / compact)
        changes[compact] = change(run.activity.values[..., 0], netxr.open(tmp_path / compact).activity.values[..., 0])
    assert sizes["uint16"] > 1.99
    assert sizes["bits10"] > 2.5
    assert changes["uint16"] < 2e-6
    assert changes["bits10"] < 5e-5


# --- round trips --------------------------------------------------------------


@pytest.mark.crossed
@pytest.mark.parametrize("chunks", [None, 700])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("compact", ["uint16", "bits10", "bits1", "bits22"])
def test_samples_come_back_nearly_and_all_else_as_it_was(tmp_path, compact, dtype, chunks):
    run = recording(normal(), dtype)
    run[n.ACTIVITY][2, 10:20] = np.nan
    given = run.chunk(time=chunks) if chunks else run
    before = given.copy(deep=True)
    netxr.save(given, tmp_path / "run.zarr", compact=compact)
    assert_identical(given, before)
    opened = netxr.open(tmp_path / "run.zarr")
    samples = opened.activity
    assert samples.dtype == dtype
    assert samples.dims == ("neuron", "time")
    bound = np.ptp(run.activity.values[np.isfinite(run.activity)]) / 65532 if compact == "uint16" else None
    error = abs(samples.values - run.activity.values)
    relative = 2.0 ** -(int(compact.removeprefix("bits")) + 1) if bound is None else 0
    limit = bound if bound is not None else abs(run.activity.values) * relative
    known = np.isfinite(run.activity.values)
    assert (error <= limit)[known].all()
    assert np.array_equal(np.isnan(samples.values), ~known)
    assert samples.attrs[n.COMPACT] == compact
    assert run.activity.attrs.items() <= samples.attrs.items()
    assert_identical(opened.neuron, run.neuron.astype(object))
    assert "compact: activity rounded to" in opened.attrs[n.HISTORY]


@pytest.mark.parametrize("compact", KINDS)
def test_lazy_and_in_memory_are_the_same(tmp_path, compact):
    run = recording(normal())
    netxr.save(run, tmp_path / "eager.zarr", compact=compact)
    netxr.save(run.chunk(time=300, neuron=5), tmp_path / "lazy.zarr", compact=compact)
    eager, lazy = (netxr.open(tmp_path / f"{name}.zarr").drop_attrs(deep=False) for name in ("eager", "lazy"))
    assert_identical(eager, lazy)


@pytest.mark.parametrize("compact", KINDS)
def test_dims_in_any_order(tmp_path, compact):
    run = recording(normal())
    netxr.save(run, tmp_path / "1.zarr", compact=compact)
    netxr.save(run.transpose("time", "neuron"), tmp_path / "2.zarr", compact=compact)
    assert netxr.open(tmp_path / "1.zarr").activity.identical(netxr.open(tmp_path / "2.zarr").activity)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("compact", KINDS)
def test_plain_xarray_reads_the_same_values(tmp_path, compact, dtype):
    netxr.save(recording(normal(0.05, mean=-65.0), dtype), tmp_path / "run.zarr", compact=compact)
    plain = xr.open_zarr(tmp_path / "run.zarr", consolidated=False).activity
    assert np.array_equal(plain.values, netxr.open(tmp_path / "run.zarr").activity.values)


def test_codes_are_read_by_whoever_knows_the_cf_conventions(tmp_path):
    run = recording(normal())
    run[n.ACTIVITY][0, 0] = np.nan
    netxr.save(run, tmp_path / "run.zarr", compact="uint16")
    array = zarr.open_array(tmp_path / "run.zarr" / n.ACTIVITY, mode="r")
    codes, attrs = array[:], array.attrs
    assert codes.dtype == np.uint16
    assert array.fill_value == attrs["_FillValue"] == codes[0, 0] == 65535
    samples = np.where(codes == 65535, np.nan, codes * attrs["scale_factor"] + attrs["add_offset"])
    assert np.array_equal(samples, netxr.open(tmp_path / "run.zarr").activity.values, equal_nan=True)


@pytest.mark.parametrize("compact", KINDS)
def test_saved_again_it_is_plain_or_the_same(tmp_path, compact):
    netxr.save(recording(normal()), tmp_path / "1.zarr", compact=compact)
    first = netxr.open(tmp_path / "1.zarr")
    netxr.save(first, tmp_path / "plain.zarr")
    plain = netxr.open(tmp_path / "plain.zarr")
    assert plain.activity.equals(first.activity)
    assert plain.activity.dtype == first.activity.dtype
    assert not {n.COMPACT, n.COMPACT_DTYPE, n.COMPACT_EFFECT, n.COMPACT_NOTE} & set(plain.activity.attrs)
    assert zarr.open_array(tmp_path / "plain.zarr" / n.ACTIVITY).dtype == np.float32
    assert plain.attrs[n.HISTORY] == first.attrs[n.HISTORY]
    netxr.save(first, tmp_path / "2.zarr", compact=compact)
    assert netxr.open(tmp_path / "2.zarr").activity.identical(first.activity)


@pytest.mark.parametrize("compact", KINDS)
def test_a_recording_without_a_known_sample(tmp_path, compact):
    run = recording(np.full((2, 5), np.nan))
    netxr.save(run, tmp_path / "run.zarr", compact=compact)
    opened = netxr.open(tmp_path / "run.zarr").activity
    assert np.isnan(opened.values).all()
    assert opened.attrs[n.COMPACT_EFFECT] == 0


@pytest.mark.parametrize("compact", KINDS)
@pytest.mark.parametrize("constant", [0.0, 0.5, -65.0])
def test_a_constant_recording(tmp_path, constant, compact):
    run = recording(np.full((2, 5), constant))
    netxr.save(run, tmp_path / "run.zarr", compact=compact)
    assert np.array_equal(netxr.open(tmp_path / "run.zarr").activity.values, run.activity.values)


def test_infinity_is_kept_by_bits(tmp_path):
    run = recording(normal())
    run[n.ACTIVITY][1, 3:5] = [np.inf, -np.inf]
    netxr.save(run, tmp_path / "run.zarr", compact="bits10")
    opened = netxr.open(tmp_path / "run.zarr").activity
    assert opened.values[1, 3:5].tolist() == [np.inf, -np.inf]
    assert 0 < opened.attrs[n.COMPACT_EFFECT] < 1e-2


def test_chunks_are_those_of_the_samples(tmp_path):
    run = netxr.as_activity(
        da.random.random((100, 40_000), chunks=(100, 5000)).astype("float32"), dims=("neuron", "time")
    )
    netxr.save(run.to_dataset(), tmp_path / "plain.zarr")
    netxr.save(run.to_dataset(), tmp_path / "codes.zarr", compact="uint16")
    plain, codes = (netxr.open(tmp_path / f"{name}.zarr").activity for name in ("plain", "codes"))
    assert plain.chunks == codes.chunks
    assert np.array_equal(codes.values, codes.isel(time=slice(None)).compute().values)
    assert abs(plain - codes).max() <= 2.0**-16
    m = netxr.lagged_moments(codes, lags=[0, 3]).compute()
    expected = netxr.lagged_moments(codes.compute(), lags=[0, 3])
    np.testing.assert_allclose(m.comoment, expected.comoment, rtol=1e-5, atol=1e-2)


def test_a_zarr_store_that_is_no_folder(tmp_path):
    store = MemoryStore()
    run = recording(normal())
    netxr.save(run, store, compact="uint16")
    assert netxr.open(store).activity.dtype == np.float32
    assert abs(netxr.open(store).activity - run.activity).max() <= 2.0**-13


# --- what is appended ---------------------------------------------------------


@pytest.mark.crossed(1)
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("compact", KINDS)
def test_what_is_appended_is_rounded_alike(tmp_path, compact, lazy):
    run = recording(np.sin(np.arange(N_STEPS) * np.linspace(0.1, 1, 5)[:, None]))
    netxr.save(run, tmp_path / "whole.zarr", compact=compact)
    netxr.save(run.isel(time=slice(0, 3000)), tmp_path / "parts.zarr", compact=compact)
    rest = run.isel(time=slice(3000, None))
    netxr.append(rest.chunk(time=400) if lazy else rest, tmp_path / "parts.zarr", dim="time")
    whole, parts = netxr.open(tmp_path / "whole.zarr").activity, netxr.open(tmp_path / "parts.zarr").activity
    assert parts.attrs[n.COMPACT] == compact
    assert np.array_equal(parts.values, whole.values)


@pytest.mark.parametrize("compact", KINDS)
def test_a_trial_is_appended_with_neurons_in_another_order(tmp_path, compact):
    run = recording(normal()).expand_dims(trial=["a"])
    netxr.save(run, tmp_path / "run.zarr", compact=compact)
    netxr.append(run.assign_coords(trial=["b"]).isel(neuron=slice(None, None, -1)), tmp_path / "run.zarr", dim="trial")
    opened = netxr.open(tmp_path / "run.zarr").activity
    assert np.array_equal(opened.sel(trial="a").values, opened.sel(trial="b").values)


def test_moments_are_those_of_the_stored_samples(tmp_path):
    run = recording(np.sin(np.arange(N_STEPS) * np.linspace(0.1, 1, 5)[:, None]), "float64")
    first = run.isel(time=slice(0, 3000))
    netxr.save(first, tmp_path / "run.zarr", compact="bits4")
    netxr.add(netxr.lagged_moments(netxr.open(tmp_path / "run.zarr").activity, lags=[0, 2]), tmp_path / "run.zarr")
    netxr.append(run.isel(time=slice(3000, None)), tmp_path / "run.zarr", dim="time")
    opened = netxr.open(tmp_path / "run.zarr")
    expected = netxr.lagged_moments(opened.activity.compute(), lags=[0, 2])
    np.testing.assert_allclose(opened.comoment, expected.comoment, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("wrong", [10.0, -10.0, np.inf])
@pytest.mark.parametrize("lazy", [False, True])
def test_samples_beyond_the_codes_are_refused_and_nothing_is_written(tmp_path, lazy, wrong):
    run = recording(normal())
    netxr.save(run, tmp_path / "run.zarr", compact="uint16")
    before = netxr.open(tmp_path / "run.zarr").compute()
    further = recording(normal(seed=2) / 2).drop_vars("time")
    further[n.ACTIVITY][1, 4567] = wrong
    with pytest.raises(InvalidInput, match="the range of the stored codes") as error:
        netxr.append(further.chunk(time=500) if lazy else further, tmp_path / "run.zarr", dim="time")
    assert f"a sample of {wrong:g}" in str(error.value)
    assert "netxr.save(netxr.open(old), new)" in str(error.value)
    assert_identical(netxr.open(tmp_path / "run.zarr").compute(), before)
    netxr.append(recording(normal(seed=2) / 2).drop_vars("time"), tmp_path / "run.zarr", dim="time")
    assert netxr.open(tmp_path / "run.zarr").sizes["time"] == 2 * N_STEPS


def test_other_tools_codes_do_not_wrap_either(tmp_path):
    run = recording(np.linspace(0, 1, 24).reshape(2, 12), "float64").drop_vars(["neuron", "time"])
    packed = {"dtype": "uint8", "scale_factor": 1 / 250, "add_offset": 0.0, "_FillValue": 255}
    run.to_zarr(tmp_path / "run.zarr", consolidated=False, zarr_format=3, encoding={n.ACTIVITY: packed})
    with pytest.raises(InvalidInput, match=r"a sample of 1\.1; expected 0 to 1\.016"):
        netxr.append(run.isel(time=[0]) + 1.1, tmp_path / "run.zarr", dim="time")
    further = run.isel(time=[0, 1]).copy(data={n.ACTIVITY: [[0.1, np.nan]] * 2})
    netxr.append(further, tmp_path / "run.zarr", dim="time")
    assert np.allclose(netxr.open(tmp_path / "run.zarr").activity[0, -2:], [0.1, np.nan], equal_nan=True)


# --- what is refused ----------------------------------------------------------


@pytest.mark.parametrize("compact", ["uint8", "bits0", "bits23", "bits", "bits010", "Bits10", "bits-1", 10, True, ""])
def test_other_words_are_refused(tmp_path, compact):
    with pytest.raises(InvalidInput, match=r"^compact: got") as error:
        netxr.save(recording(normal()), tmp_path / "run.zarr", compact=compact)
    assert "'uint16', or 'bits1' to 'bits22' for float32" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_float64_has_more_bits(tmp_path):
    netxr.save(recording(normal(), "float64"), tmp_path / "run.zarr", compact="bits51")
    with pytest.raises(InvalidInput, match="'bits51' for float64"):
        netxr.save(recording(normal(), "float64"), tmp_path / "other.zarr", compact="bits52")


@pytest.mark.parametrize("compact", KINDS)
@pytest.mark.parametrize("dtype", ["int16", "bool", "float16"])
def test_nothing_is_to_be_won_with_short_samples(tmp_path, dtype, compact):
    with pytest.raises(InvalidInput, match=f"dtype {dtype}; expected float32 or float64"):
        netxr.save(recording(np.ones((2, 5)), dtype), tmp_path / "run.zarr", compact=compact)


def test_without_activity_or_samples_there_is_nothing_to_round(tmp_path):
    with pytest.raises(InvalidInput, match="for connectivity; expected a Dataset with activity"):
        netxr.save(netxr.random_connectivity(5, seed=1).to_dataset(), tmp_path / "run.zarr", compact="uint16")
    with pytest.raises(InvalidInput, match="got no entry along time"):
        netxr.save(recording(np.ones((2, 5))).isel(time=[]), tmp_path / "run.zarr", compact="uint16")


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("wrong", [np.inf, -np.inf, 3e38])
def test_infinity_has_no_code(tmp_path, wrong, lazy):
    run = recording(normal())
    run[n.ACTIVITY][4, 17] = wrong
    with pytest.raises(InvalidInput, match="of neuron n4; expected samples below") as error:
        netxr.save(run.chunk(time=100) if lazy else run, tmp_path / "run.zarr", compact="uint16")
    assert "bits10" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_attributes_are_plain_json(tmp_path):
    netxr.save(recording(normal()), tmp_path / "run.zarr", compact="uint16")
    document = (tmp_path / "run.zarr" / n.ACTIVITY / "zarr.json").read_text()

    def refuse(constant):
        raise AssertionError(constant)

    attrs = json.loads(document, parse_constant=refuse)["attributes"]
    assert {n.COMPACT, n.COMPACT_DTYPE, n.COMPACT_EFFECT, n.COMPACT_NOTE} <= set(attrs)
