"""By hand: the one edge goes from "post" to "pre", and does so in every other library."""

import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import netxr
from netxr import from_mne, from_pynapple, to_mne, to_nwb
from netxr.errors import InvalidInput, MissingExtra


@pytest.fixture
def one_edge():
    return netxr.as_connectivity([[0, 0.5, 0], [0, 0, 0], [0, 0, 0]], rows="target", neurons=["pre", "post", "x"])


@pytest.fixture
def found(one_edge):
    run = netxr.simulate(one_edge * 10, n_steps=2000, seed=1).isel(trial=0)
    return netxr.edges(netxr.correlation_test(run))


# --- MNE-Connectivity -------------------------------------------------------------------


class Connectivity:
    """As much of MNE-Connectivity's as is asked for: entries at `indices`, dense with the first of them in rows."""

    def __init__(self, data, *, n_nodes, names, indices, method):
        self.data, self.n_nodes, self.names, self.indices, self.method = data, n_nodes, names, indices, method
        self.dims = ("node_in -> node_out",)

    def get_data(self, output):
        assert output == "dense"
        dense = np.full((self.n_nodes, self.n_nodes, *self.data.shape[1:]), np.nan)
        dense[self.indices] = self.data
        return dense


@pytest.fixture
def mne(monkeypatch):
    """MNE-Connectivity where it is installed, else a stand-in for it."""
    try:
        import mne_connectivity
    except ImportError:
        mne_connectivity = SimpleNamespace(Connectivity=Connectivity)
        monkeypatch.setitem(sys.modules, "mne_connectivity", mne_connectivity)
    return mne_connectivity


def test_to_mne_by_hand(one_edge, mne):
    connectivity = to_mne(one_edge)
    assert isinstance(connectivity, mne.Connectivity)
    assert list(connectivity.names) == ["pre", "post", "x"]
    dense = connectivity.get_data("dense")
    assert dense[1, 0] == 0.5  # from row to column
    assert np.nan_to_num(dense).sum() == 0.5
    assert connectivity.method == "connectivity"


@pytest.mark.usefixtures("mne")
def test_mne_there_and_back_is_identical(one_edge, found):
    xr.testing.assert_equal(from_mne(to_mne(one_edge)), one_edge)
    back = from_mne(to_mne(found, method="correlation"))
    assert back.target.values.tolist() == ["pre", "post", "x"]
    assert back.sel(target="pre", source="post").item() == found.effect.item()
    A = netxr.random_connectivity(12, sparsity=0.7, seed=1, weights="normal")
    assert np.array_equal(from_mne(to_mne(A)).values, A.values)


@pytest.mark.usefixtures("mne")
def test_neurons_that_are_numbers_come_back_as_numbers():
    A = netxr.as_connectivity([[0, 0.5], [-2, 0]], rows="target", neurons=[7, 10])
    xr.testing.assert_identical(from_mne(to_mne(A)), A)
    named = netxr.as_connectivity([[0, 0.5], [-2, 0]], rows="target", neurons=["07", "10"])
    xr.testing.assert_identical(from_mne(to_mne(named)), named)


def half(method, shape=(3, 3)):
    """What MNE-Connectivity makes of all pairs: those below the diagonal."""
    dense = np.array([[0, 0, 0], [0.1, 0, 0], [0.2, 0.3, 0]]).reshape(shape)
    about = {"names": ["0", "1", "2"], "dims": ("node_in -> node_out", "freqs"), "indices": None, "method": method}
    return SimpleNamespace(get_data=lambda output: dense, **about)


@pytest.mark.parametrize("shape", [(3, 3), (3, 3, 1)])
def test_pairs_below_the_diagonal_alone_are_those_above_too(shape):
    found = from_mne(half("coh", shape))
    assert found.values.tolist() == [[0, 0.1, 0.2], [0.1, 0, 0.3], [0.2, 0.3, 0]]
    with pytest.raises(InvalidInput, match="got dpli of one way; expected both ways"):
        from_mne(half("dpli"))
    one_way = netxr.as_connectivity([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]], rows="source", neurons=list("abc"))
    entries = Connectivity(
        np.array([0.5, 0.5]), n_nodes=3, names=list("abc"), indices=(np.array([1, 2]), np.array([0, 1])), method="x"
    )
    xr.testing.assert_equal(from_mne(entries), one_way)


@pytest.mark.skipif(find_spec("mne_connectivity") is None, reason="MNE-Connectivity is not installed")
def test_coherence_of_mne_itself_goes_both_ways():
    from mne_connectivity import spectral_connectivity_epochs

    x = np.random.default_rng(0).normal(size=(20, 3, 300))
    found = from_mne(spectral_connectivity_epochs(x, sfreq=100.0, fmin=5, fmax=15, faverage=True, verbose="error"))
    assert found.target.values.tolist() == [0, 1, 2]
    assert (found.values[~np.eye(3, dtype=bool)] > 0).all()
    np.testing.assert_array_equal(found.values, found.values.T)


@pytest.mark.parametrize(("method", "weight"), [("gc", 0.0), ("Time-varying VAR(1)", 0.5)])
def test_rows_of_an_autoregression_of_mne_are_targets(method, weight):
    data, indices = np.array([0.5]), (np.array([0]), np.array([1]))
    connectivity = Connectivity(data, n_nodes=2, names=["a", "b"], indices=indices, method=method)
    assert from_mne(connectivity).sel(target="a", source="b").item() == weight


def test_what_is_no_matrix_of_mne():
    with pytest.raises(InvalidInput, match="connectivity: got a list"):
        from_mne([1])
    indices = (np.array([0]), np.array([1]))
    several = Connectivity(np.ones((1, 3)), n_nodes=2, names=["a", "b"], indices=indices, method="coh")
    with pytest.raises(InvalidInput, match="expected one matrix"):
        from_mne(several)


def test_without_mne(one_edge, monkeypatch):
    monkeypatch.setitem(sys.modules, "mne_connectivity", None)
    with pytest.raises(MissingExtra, match="\\[mne\\]"):
        to_mne(one_edge)


# --- NWB --------------------------------------------------------------------------------


def test_a_table_of_nwb_there_and_back(one_edge, found, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    file = pynwb.NWBFile("a session", "1", datetime(2026, 1, 1, tzinfo=UTC))
    module = file.create_processing_module("connectivity", "edges")
    module.add(to_nwb(one_edge))
    module.add(to_nwb(found, name="found"))
    with pynwb.NWBHDF5IO(tmp_path / "a.nwb", "w") as io:
        io.write(file)
    with pynwb.NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        tables = io.read().processing["connectivity"]
        listed, edges = tables["connectivity"].to_dataframe(), tables["found"].to_dataframe()
    back = netxr.as_connectivity(listed, neurons=one_edge.target.values)
    xr.testing.assert_equal(back, one_edge)
    assert edges[["source", "target"]].values.tolist() == [["post", "pre"]]
    assert edges.q_value.item() == found.q_value.item()


def test_without_pynwb(one_edge, monkeypatch):
    monkeypatch.setitem(sys.modules, "hdmf.common", None)
    with pytest.raises(MissingExtra, match="\\[nwb\\]"):
        to_nwb(one_edge)


# --- pynapple ---------------------------------------------------------------------------


def intervals(epochs):
    return pd.DataFrame(epochs, columns=["start", "end"])


class TsdFrame:
    """As much of pynapple's as is asked for."""

    def __init__(self, d, t, columns, epochs=((0, 100),), metadata=None):
        self.d, self.index, self.columns, self.metadata = np.asarray(d), np.asarray(t), columns, metadata
        self.time_support = intervals(epochs)

    def __array__(self, dtype=None, copy=None):
        return self.d


class TsGroup:
    def __init__(self, spikes, end):
        self.spikes, self.end, self.time_support = spikes, end, intervals([(0, end)])
        self.metadata = pd.DataFrame({"rate": [len(one) for one in spikes.values()]}, index=list(spikes))

    def count(self, bin_size):
        edges = np.arange(0, self.end + bin_size / 2, bin_size)
        counts = np.stack([np.histogram(one, edges)[0] for one in self.spikes.values()], axis=1)
        return TsdFrame(counts, edges[:-1] + bin_size / 2, list(self.spikes))


def test_from_pynapple_by_hand():
    frame = TsdFrame([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [5.0, 5.1, 5.2], ["a", "b"])
    activity = from_pynapple(frame, units="dF/F")
    assert activity.sel(neuron="b").values.tolist() == [1, 3, 5]
    assert activity.time.values.round(9).tolist() == [5, 5.1, 5.2]
    assert (activity.attrs["sampling_interval"], activity.attrs["units"]) == (0.1, "dF/F")


def test_from_spikes_of_pynapple():
    group = TsGroup({3: [0.05, 0.06, 0.25], 7: [0.15]}, end=0.3)
    activity = from_pynapple(group, bin_size=0.1)
    assert activity.sel(neuron=3).values.tolist() == [2, 0, 1]
    assert activity.sel(neuron=7).values.tolist() == [0, 1, 0]
    assert activity.rate.values.tolist() == [3, 1]
    assert activity.attrs["units"] == "spikes"


def test_bins_that_end_after_an_epoch_of_pynapple_are_left_out():
    group = TsGroup({3: [0.05, 0.06, 0.25], 7: [0.15]}, end=0.3)
    group.time_support = intervals([(0, 0.15), (0.2, 0.3)])  # the second bin ends at 0.2
    activity = from_pynapple(group, bin_size=0.1)
    assert activity.values.tolist() == [[2, 1], [0, 0]]
    assert activity.time.values.round(9).tolist() == [0.05, 0.25]


def test_no_pair_crosses_from_one_epoch_of_pynapple_into_the_next():
    t = np.concatenate([np.arange(50), np.arange(100, 150)]) * 0.1
    x = np.random.default_rng(0).random((100, 3))
    activity = from_pynapple(TsdFrame(x, t, [0, 1, 2], epochs=[(0, 4.9), (10, 15)]))
    moments = netxr.lagged_moments(activity, lags=[1])
    assert moments["count"].item() == 98
    later, before = (np.delete(x, rows, axis=0) for rows in ([0, 50], [49, 99]))
    expected = np.corrcoef(later.T, before.T)[:3, 3:]
    np.testing.assert_allclose(netxr.lagged_correlation(activity, lag=1).values, expected, atol=1e-12)


@pytest.mark.parametrize("start", [5.0, 5.003])
def test_epochs_of_pynapple_that_touch_are_told_apart(start):
    t = np.concatenate([np.arange(50) * 0.1, start + np.arange(50) * 0.1])
    x = np.random.default_rng(0).random((100, 3))
    activity = from_pynapple(TsdFrame(x, t, [0, 1, 2], epochs=[(0, 4.95), (start, 15)]))
    assert activity.attrs["sampling_interval"] == pytest.approx(0.1, abs=1e-9)
    np.testing.assert_allclose(activity.time, np.delete(t, 49))
    assert netxr.lagged_moments(activity, lags=[0, 1])["count"].values.tolist() == [99, 97]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.zeros((3, 2)), {}, "data: got a ndarray; expected a TsdFrame, Tsd or TsGroup"),
        (TsGroup({1: [0.1]}, end=1), {}, "bin_size: got None; expected seconds of a bin"),
        (TsGroup({1: [0.1]}, end=1), {"bin_size": -1}, "bin_size: got -1"),
        (TsdFrame([[1.0]] * 3, [0, 1, 2], ["a"]), {"bin_size": 1}, "expected none: these are samples"),
        (TsdFrame([[1.0]] * 3, [0, 1, 5], ["a"]), {}, "is not even"),
    ],
)
def test_what_is_not_taken_from_pynapple(data, options, message):
    with pytest.raises(InvalidInput, match=message):
        from_pynapple(data, **options)


@pytest.mark.skipif(find_spec("pynapple") is None, reason="pynapple is not installed")
def test_pynapple_itself():
    import pynapple as nap

    frame = nap.TsdFrame(t=np.arange(5) * 0.1, d=np.arange(10.0).reshape(5, 2), columns=["a", "b"])
    assert from_pynapple(frame).sel(neuron="b").values.tolist() == [1, 3, 5, 7, 9]
    activity = from_pynapple(nap.TsGroup({3: nap.Ts([0.1, 0.2]), 7: nap.Ts([0.15, 0.9])}), bin_size=0.1)
    assert activity.sum("time").values.tolist() == [2, 1]  # the last bin would end after the last spike
    assert activity.neuron.values.tolist() == [3, 7]
    cut = nap.TsGroup({3: nap.Ts([0.5, 1.02, 2.5])}, time_support=nap.IntervalSet([0, 2], [1.05, 3]))
    assert from_pynapple(cut, bin_size=0.1).sum("time").item() == 2  # half a bin after 1 s
    assert from_pynapple(cut, bin_size=0.1).sizes["time"] == 20
    two = nap.IntervalSet([0, 10], [4.95, 14.95])
    long = nap.TsdFrame(t=np.arange(200) * 0.1, d=np.random.default_rng(0).random((200, 2))).restrict(two)
    assert netxr.lagged_moments(from_pynapple(long), lags=[1])["count"].item() == 98


# --- arrays -----------------------------------------------------------------------------


def test_arrays_time_x_region_in_and_rows_from_sources_out(one_edge):
    x = np.random.default_rng(0).random((50, 3))
    activity = netxr.as_activity(x, dims=("time", "neuron"), neurons=["V1", "V2", "M1"], sampling_interval=2.0)
    assert activity.sel(neuron="V2").values.tolist() == x[:, 1].tolist()
    adjacency = one_edge.transpose("source", "target").values
    assert adjacency[1, 0] == 0.5


def test_no_edge_becomes_a_table_without_rows():
    pytest.importorskip("hdmf")
    A = netxr.as_connectivity(np.zeros((3, 3)), rows="target")
    table = netxr.to_nwb(A)
    assert list(table.to_dataframe().columns) == ["source", "target", "weight"]
    assert len(table) == 0
