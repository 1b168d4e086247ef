"""By hand:
- of three neurons, one, none, three and two active: more than half are in the third and fourth frame;
- a neuron at 1 alone becomes 2 ** 2, two of them at once 2 ** 1.5, a silent one 1;
- and at 3 alone 4 ** (4 / 3).
"""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import netxr
from netxr import burst_frames, downweight_bursts
from netxr.errors import InvalidInput
from tests.preprocessing.steps import recording
from tests.runs import nothing_computes


def of(rows):
    return netxr.as_activity(np.array(rows, float), dims=("neuron", "time"))


def test_by_hand():
    x = of([[1, 0, 2, 1], [0, 0, 1, 0], [0, 0, 1, 1]])
    assert burst_frames(x, share=0.5).values.tolist() == [False, False, True, True]
    assert burst_frames(x, share=0.5, above=1).values.tolist() == [False] * 4
    found = downweight_bursts(of([[1, 1, 0, 3], [0, 1, 0, 0]]))
    np.testing.assert_allclose(found, [[4, 2**1.5, 1, 4 ** (4 / 3)], [1, 2**1.5, 1, 1]])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_as_a_plain_loop(dtype):
    x = abs(recording(n=5, trials=2)).round(1).astype(dtype).assign_attrs(recording().attrs)
    found = downweight_bursts(x)
    assert found.dtype == (dtype if dtype.startswith("f") else "float64")
    assert (found.units, found.preprocessing) == ("1", "downweight_bursts")
    for frame in np.ndindex(80, 2):
        samples = x.values[:, *frame].astype(float)
        expected = (samples + 1) ** (1 + 1 / samples.sum()) if samples.sum() else np.ones(5)
        np.testing.assert_allclose(found.values[:, *frame], expected, rtol=1e-5)
    share = burst_frames(x, share=0.6, above=0.4)
    np.testing.assert_array_equal(share, (x.values > 0.4).sum(0) > 3)
    assert share.dims == ("time", "trial")


def test_lazy_stays_lazy():
    x = abs(recording(n=4))
    lazy = x.chunk(neuron=2, time=13, trial=1)
    with nothing_computes():
        found, frames = downweight_bursts(lazy), burst_frames(lazy, share=0.5, above=0.1)
    assert isinstance(found.data, da.Array)
    xr.testing.assert_allclose(found.compute(), downweight_bursts(x), rtol=1e-12)
    xr.testing.assert_identical(frames.compute(), burst_frames(x, share=0.5, above=0.1))
    run = x.to_dataset(name="activity").assign(connectivity=(("target", "source"), np.eye(4)))
    xr.testing.assert_identical(downweight_bursts(run).activity, downweight_bursts(x))


def test_a_missing_sample_stays_and_the_others_of_its_frame_are_there():
    found = downweight_bursts(of([[1, np.nan], [0, 1]])).values
    np.testing.assert_allclose(found, [[4, np.nan], [1, 4]])


def bursting(n=30, n_steps=6_000, seed=3):
    """Spikes of a network, (neuron, time), in which all go together once in a while, and its edges."""
    rng = np.random.default_rng(seed)
    edges = (rng.random((n, n)) < 0.1) & ~np.eye(n, dtype=bool)
    burst = rng.random(n_steps) < 0.02
    burst |= np.roll(burst, 1)
    x = np.zeros((n, n_steps))
    for t in range(1, n_steps):
        chance = 0.01 + 0.1 * edges @ x[:, t - 1] + 0.6 * burst[t]
        x[:, t] = rng.random(n) < chance
    return of(x), netxr.as_connectivity(edges.astype(float), rows="target")


def test_without_bursts_edges_are_found():
    x, A = bursting()
    frames = burst_frames(x, share=0.3)
    assert frames.mean() == pytest.approx(0.05, abs=0.01)

    def average_precision(R):
        return netxr.compare(A, R, diagonal=False, permutations=0).average_precision.item()

    raw = average_precision(netxr.lagged_correlation(x))
    found = {
        "weighted": average_precision(netxr.lagged_correlation(downweight_bursts(x))),
        "masked": average_precision(netxr.lagged_correlation(netxr.mask_frames(x, frames=frames), missing="drop")),
        "where": average_precision(netxr.lagged_correlation(netxr.lagged_moments(x, where=~frames))),
    }
    assert raw < 0.6
    assert min(found.values()) > 0.9


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda x: burst_frames(x, share=2), "share: got 2; expected a share, 0 to 1"),
        (lambda x: burst_frames(x, share=0.5, above=np.nan), "above: got nan"),
        (lambda x: downweight_bursts(x - 1), "data: got a negative sample; expected samples from 0 up. Set what"),
        (lambda x: downweight_bursts((x - 1).chunk()).compute(), "data: got a negative sample"),
        (lambda x: downweight_bursts(3), "data: got int"),
    ],
)
def test_bad_input(call, told):
    with pytest.raises(InvalidInput, match=told):
        call(of([[0, 1], [1, 1]]))
