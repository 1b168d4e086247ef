import numpy as np
import scipy.stats

from netxr.kernels.shape import UNIFORM, bimodality


def test_bimodality_against_scipy():
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(size=5000), rng.uniform(size=5000), rng.random(5000) < 0.2, rng.lognormal(size=5000)])
    expected = (scipy.stats.skew(x, axis=1) ** 2 + 1) / scipy.stats.kurtosis(x, axis=1, fisher=False)
    found = bimodality(1e3 + 2 * x)
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    np.testing.assert_allclose(found[:3], [1 / 3, UNIFORM, 1], atol=0.02)
