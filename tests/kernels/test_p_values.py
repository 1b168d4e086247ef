import numpy as np
import pytest
from scipy import stats

from netxr.kernels import p_values
from netxr.kernels.p_values import p_value_of_f, p_value_of_t

MANY = p_values.FEW + 1


@pytest.mark.parametrize("n", [3, MANY])
def test_f_of_two_lags_by_hand(n):
    """With two lags the p-value is (1 + 2 F / df) ** (-df / 2)."""
    np.testing.assert_allclose(p_value_of_f(np.full(n, 3.0), 2, 6), 1 / 8, rtol=1e-10)


@pytest.mark.parametrize("n", [3, MANY])
def test_t_of_one_degree_of_freedom_by_hand(n):
    """A t of one degree of freedom is the tangent of an even angle: half of all are beyond 45 degrees."""
    np.testing.assert_allclose(p_value_of_t(np.full(n, -1.0), 1), 0.5, rtol=1e-10)


@pytest.mark.parametrize("n", [3, MANY])
def test_t_of_two_degrees_of_freedom_by_hand(n):
    """With two degrees of freedom the p-value is 1 - t / sqrt(2 + t ** 2)."""
    np.testing.assert_allclose(p_value_of_t(np.full(n, 7**0.5), 2), 1 - (7 / 9) ** 0.5, rtol=1e-10)


@pytest.mark.parametrize("df", [1, 2, 5, 30, 1000, 10**6])
@pytest.mark.parametrize("n_lags", [1, 2, 3, 10, 100])
def test_many_p_values_against_scipy(n_lags, df):
    f = np.random.default_rng(0).normal(size=MANY) ** 2 * np.logspace(-6, 3, MANY)
    right = stats.f.sf(f, n_lags, df) if n_lags > 1 else 2 * stats.t.sf(np.sqrt(f), df)
    found = p_value_of_f(f, n_lags, df)
    clear = right > 1e-200  # SciPy's own lose digits below
    np.testing.assert_allclose(found[clear], right[clear], rtol=1e-9)
    np.testing.assert_allclose(found, right, atol=1e-200)


@pytest.mark.parametrize("df", [1, 7, 200, 10**5])
def test_many_p_values_of_t_against_scipy(df):
    t = np.random.default_rng(1).normal(size=(100, 100)) * 3
    np.testing.assert_allclose(p_value_of_t(t, df), 2 * stats.t.sf(np.abs(t), df), rtol=1e-9)


@pytest.mark.parametrize("n", [5, MANY])
def test_p_values_at_the_ends(n):
    f = np.resize([0.0, -1e-20, np.inf, np.nan, 1e300], n)
    found = p_value_of_f(f, 1, 500)
    np.testing.assert_array_equal(found[:5], [1, 1, 0, np.nan, 0])
    assert f[1] == -1e-20  # what was given is kept
