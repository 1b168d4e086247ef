"""By hand:
- spikes at 0.5, 1.0, 1.5 and 3.2 in bins of 1: one, two, none, one;
- from 1 on, in bins of 0.5: one, one, none, none, one;
- a spike in the middle of three bins, smoothed: as much before it as after it.
"""

import numpy as np
import pytest
from scipy.stats import norm

from netxr.kernels.spikes import counts, smoothed

SPIKES = np.array([3.2, 0.5, 1.0, 1.5])


def test_by_hand():
    assert counts(SPIKES, slice(0, 4), start=0.0, rate=1).tolist() == [1, 2, 0, 1]
    assert counts(SPIKES, slice(0, 5), start=1.0, rate=2).tolist() == [1, 1, 0, 0, 1]
    before, at, after = smoothed(np.array([1.5]), slice(0, 3), start=0.0, rate=1, width=1.0)
    assert before == pytest.approx(after)
    assert before < at


@pytest.mark.parametrize("width", [0.7, 3.0, 20.0])
def test_smoothing_is_a_sum_of_gaussians(width):
    times = np.random.default_rng(0).uniform(0, 100, 30)
    centres = np.floor(times * 2) / 2 + 0.25
    bins = 0.25 + 0.5 * np.arange(200)
    expected = norm.pdf(bins[:, None], centres, width / 2).sum(1)
    found = smoothed(times, slice(0, 200), start=0.0, rate=2, width=width)
    np.testing.assert_allclose(found, expected, atol=0.02 if width < 1 else 2e-4)


@pytest.mark.parametrize("width", [0.5, 5.0])
def test_a_part_is_what_it_is_within_the_whole(width):
    times = np.random.default_rng(1).uniform(0, 100, 300)
    whole = smoothed(times, slice(0, 1000), start=0.0, rate=10, width=width)
    parts = [smoothed(times, slice(a, a + 125), start=0.0, rate=10, width=width) for a in range(0, 1000, 125)]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rate", [10, 100, 1000 / 3, 1000])
@pytest.mark.parametrize("start", [0.0, 0.1, 3600.7])
def test_a_spike_on_an_edge_is_in_the_bin_that_begins_there(start, rate):
    bins = np.arange(5000)
    spikes = np.round(start + bins / rate, 9)  # as a file holds them, in decimals
    np.testing.assert_array_equal(counts(spikes, slice(0, 5000), start=start, rate=rate), 1)
