"""What inputs explain is held fixed: against regressions that have the inputs as columns."""

import itertools

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.covariance import OAS
from sklearn.linear_model import ElasticNet, Lasso, Ridge

import netxr
from netxr.errors import InvalidInput
from tests.oracles import squares_left, trials_of
from tests.runs import activity, nothing_computes
from tests.strategies import chunked, recordings


def inputs_for(recording, n=2, *, seed=5):
    """Inputs (input, time[, trial]) that act on a recording, and that recording."""
    dims = ("input", "time", "trial")[: 2 + ("trial" in recording.dims)]
    shape = (n, *(recording.sizes[dim] for dim in dims[1:]))
    z = xr.DataArray(np.random.default_rng(seed).normal(size=shape), dims=dims).assign_coords(input=list("uvw")[:n])
    size, order = recording.sizes["neuron"], recording.dims
    weights = xr.DataArray(np.random.default_rng(seed).normal(size=(size, n)), dims=("neuron", "input"))
    moved = recording.astype(float) + (weights @ (z + 0.5 * z.shift(time=1, fill_value=0))).transpose(*order)
    return z, moved.drop_vars("input", errors="ignore").assign_attrs(recording.attrs)


def columns(trials, lags, p):
    """Samples at some lags before the targets of lags up to p, lag by lag, (target, lag x row)."""
    return np.concatenate([np.concatenate([x[:, p - a : x.shape[1] - a] for a in lags]).T for x in trials]).astype(
        float
    )


def ordinary(x, z, lags, *, intercept=True):
    """Coefficients of the past (d, i), standard errors, squares left and df: least squares with inputs as columns."""
    p = max(lags)
    design = np.hstack([columns(x, lags, p), columns(z, [0, *lags], p)])
    design = np.column_stack([design, np.ones(len(design))]) if intercept else design
    y, n = columns(x, [0], p), len(lags) * len(x[0])
    b = np.linalg.lstsq(design, y, rcond=None)[0]
    left, df = np.square(y - design @ b).sum(0), len(y) - design.shape[1]
    error = np.sqrt(np.outer(np.diagonal(np.linalg.inv(design.T @ design)), left / df))
    return b[:n], error[:n], left, df


def left_of(y, z):
    """What least squares on inputs and a mean leaves, (sample, row)."""
    design = np.column_stack([z, np.ones(len(z))])
    return y - design @ np.linalg.lstsq(design, y, rcond=None)[0]


def by_lag(b, lags, n):
    """(lag x source, target) as (lag, target, source)."""
    return b.reshape(len(lags), n, -1).swapaxes(1, 2)


# --- by hand -------------------------------------------------------------------------------


def test_neurons_that_only_follow_an_input_do_not_go_together_by_hand():
    """x = z + (1 1 -1 -1), y = 2 z + (1 -1 -1 1) with z = 1 -1 1 -1: what is left is orthogonal."""
    z = np.array([1, -1, 1, -1])
    x = netxr.as_activity([z + np.array([1, 1, -1, -1]), 2 * z + np.array([1, -1, -1, 1])], dims=("neuron", "time"))
    stimulus = xr.DataArray([z], dims=("input", "time"))
    assert netxr.lagged_correlation(x, lag=0).values[0, 1] == pytest.approx(8 / np.sqrt(8 * 20))
    found = netxr.lagged_correlation(x, lag=0, given=stimulus)
    np.testing.assert_allclose(found, np.eye(2), atol=1e-12)


def test_one_neuron_and_one_input_by_hand():
    """x(t) = z(t): of targets that are the input itself nothing is left."""
    z = [1.0, 3, 2, 5, 4, 4, 1, 2]
    found = netxr.regression(
        netxr.as_activity([z], dims=("neuron", "time")), given=xr.DataArray([z], dims=("input", "time"))
    )
    assert found.coefficient.isnull().all()
    assert found.df.item() == 7 - 3  # a mean and the input, now and one sample before; the neuron is the latter


def test_a_source_by_hand():
    """y = x before + 3 z now, and nothing else: the coefficient is 1, and nothing is left."""
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 9))
    y = np.append(0, x[:-1]) + 3 * z
    found = netxr.regression(
        netxr.as_activity([x, y], dims=("neuron", "time")), given=xr.DataArray([z], dims=("input", "time"))
    )
    assert found.coefficient.values[1] == pytest.approx([1, 0])
    assert found.residual_variance.values[1] == pytest.approx(0, abs=1e-12)
    assert found.df.item() == 8 - 5


# --- against least squares with the inputs as columns ----------------------------------------


@given(recordings(max_neurons=3, steps=(25, 35), dtypes=("float64",)), st.data())
def test_any_recording_against_least_squares(recording, data):
    lags = data.draw(st.sampled_from([[1], [2], [1, 2], [3, 1]]))
    z, x = inputs_for(recording)
    pools = "trial" in x.dims
    by_trial = netxr.regression(x, lags=lags, given=z)
    lazy = netxr.regression(data.draw(chunked(x)), lags=lags, given=z)
    assert isinstance(lazy.t.data, da.Array)
    xr.testing.assert_allclose(lazy.compute(scheduler="synchronous"), by_trial, rtol=1e-6)
    pooled = netxr.lagged_moments(x, lags=range(5), dim=("time", "trial")[: 1 + pools], inputs=z)
    trials, inputs = trials_of(x), trials_of(z.rename(input="neuron"))
    for found, of in ((netxr.regression(pooled, lags=lags, given=["u", "v"]), slice(None)), (by_trial, slice(1))):
        one = found.isel(trial=0) if "trial" in found.dims else found
        b, error, left, df = ordinary(trials[of], inputs[of], lags)
        n = len(trials[0])
        shown = one.transpose("lag", ...) if "lag" in one.dims else one.expand_dims("lag")
        np.testing.assert_allclose(shown.coefficient, by_lag(b, lags, n), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(shown.standard_error, by_lag(error, lags, n), rtol=1e-7)
        np.testing.assert_allclose(one.residual_variance, left / df, rtol=1e-7)
        assert one.df.item() == df


@pytest.fixture(scope="module")
def driven():
    """A recording of five neurons without trials, and two inputs that act on it."""
    run = netxr.simulate(netxr.random_connectivity(5, sparsity=0.5, seed=3), n_steps=400, seed=3).isel(trial=0)
    z, x = inputs_for(run.activity.drop_vars("trial", errors="ignore").transpose("neuron", "time"))
    return x, z


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("lags", [[1], [1, 2]])
def test_a_regression_is_exact_with_and_without_a_mean(driven, lags, intercept):
    x, z = driven
    found = netxr.regression(x, lags=lags, given=z, intercept=intercept)
    b, error, left, df = ordinary([x.values], [z.values], lags, intercept=intercept)
    np.testing.assert_allclose(found.coefficient, by_lag(b, lags, 5), atol=1e-10)
    np.testing.assert_allclose(found.standard_error, by_lag(error, lags, 5), rtol=1e-10)
    np.testing.assert_allclose(found.residual_variance, left / df, rtol=1e-10)
    p = max(lags)
    spread = columns([x.values], [0], p).std(0)[:, None] / columns([x.values], lags, p).std(0)
    np.testing.assert_allclose(found.standardised, found.coefficient / by_lag(spread.T, lags, 5), rtol=1e-10)
    assert found.t.attrs["made_by"] == f"netxr.regression(lags={lags}, intercept={intercept}, given=['u', 'v'])"


@pytest.mark.parametrize(
    ("penalty", "options", "model"),
    [
        ("ridge", {"alpha": 3}, Ridge(alpha=3)),
        ("lasso", {"alpha": 0.02}, Lasso(alpha=0.02, tol=1e-14, max_iter=10**6)),
        (
            "elastic net",
            {"alpha": 0.02, "l1_ratio": 0.3, "positive": True},
            ElasticNet(alpha=0.02, l1_ratio=0.3, positive=True, tol=1e-14, max_iter=10**6),
        ),
    ],
)
def test_inputs_have_no_penalty(driven, penalty, options, model):
    """Least squares of the inputs and a penalised fit of what they leave: both objectives have the same minimum."""
    x, z = driven
    held = columns([z.values], [0, 1], 1)
    y, past = (left_of(columns([x.values], [lag], 1), held) for lag in (0, 1))
    right = np.array([model.set_params(fit_intercept=False).fit(past, target).coef_ for target in y.T])
    found = netxr.regression(x, penalty=penalty, given=z, **options)
    np.testing.assert_allclose(found.coefficient, right, atol=1e-7)


def test_cross_validation_predicts_with_the_inputs_of_other_blocks(driven):
    x, z = driven
    moments = netxr.lagged_moments(x, inputs=z, blocks=4)
    found = netxr.regression(moments, penalty="ridge", alpha="cv", given=["u", "v"])
    y, past, held = columns([x.values], [0], 1), columns([x.values], [1], 1), columns([z.values], [0, 1], 1)
    edges = np.linspace(0, 400, 5).astype(int)
    block = np.searchsorted(edges, np.arange(1, 400), side="right")
    left = left_of(past, held)
    alphas = np.linalg.eigvalsh(left.T @ left)[-1] * np.logspace(0, -2, 21)
    errors = np.zeros(21)
    for one in range(1, 5):
        train, test = block != one, block == one
        design, of_others = held[train], left_of(past[train], held[train])
        for k, alpha in enumerate(alphas):
            b = Ridge(alpha=alpha, fit_intercept=False).fit(of_others, left_of(y[train], design)).coef_
            rest = np.column_stack([design, np.ones(len(design))])
            g = np.linalg.lstsq(rest, y[train] - past[train] @ b.T, rcond=None)[0]
            predicted = past[test] @ b.T + np.column_stack([held[test], np.ones(test.sum())]) @ g
            errors[k] += np.square(y[test] - predicted).sum()
    best = alphas[errors.argmin()]
    assert found.alpha.item() == pytest.approx(best)
    right = Ridge(alpha=best, fit_intercept=False).fit(left, left_of(y, held)).coef_
    np.testing.assert_allclose(found.coefficient, right, atol=1e-9)


@pytest.mark.parametrize("conditional", [True, False])
def test_granger_against_a_regression_without_the_source(conditional):
    z, x = inputs_for(activity(3, n_steps=60))
    lags = [1, 2]
    moments = netxr.lagged_moments(x, lags=range(3), dim=("time", "trial"), inputs=z)
    found = netxr.granger(moments, lags=2, conditional=conditional, given=["u", "v"])
    trials, inputs = (list(each.transpose("trial", ..., "time").values) for each in (x, z))
    y, held = columns(trials, [0], 2), columns(inputs, [0, *lags], 2)
    for i in range(3):
        for j in range(3):
            if i == j and not conditional:
                continue
            others = [k for k in (range(3) if conditional else [i]) if k != j]
            less = np.hstack([held, columns([t[others] for t in trials], lags, 2)])
            full = np.hstack([less, columns([t[[j]] for t in trials], lags, 2)])
            left, without = squares_left(y[:, i], full), squares_left(y[:, i], less)
            df = len(y) - full.shape[1] - 1
            assert found.df.item() == df
            assert found.f[i, j].item() == pytest.approx((without - left) / 2 / (left / df), rel=1e-9)
            assert found.granger[i, j].item() == pytest.approx(np.log(without / left), rel=1e-9)


@pytest.mark.parametrize("lag", [0, 1, 3, -2])
def test_correlations_of_what_the_inputs_leave(lag):
    z, x = inputs_for(activity(4, n_steps=50))
    found = netxr.lagged_correlation(x, lag=lag, dim=("time", "trial"), given=z)
    trials, inputs = (list(each.transpose("trial", ..., "time").values) for each in (x, z))
    k = abs(lag)
    held = columns(inputs, sorted({0, k}), k)
    target, source = (left_of(columns(trials, [a], k), held) for a in (0, k))
    right = np.corrcoef(target.T, source.T)[:4, 4:]
    np.testing.assert_allclose(found, right if lag >= 0 else right.T, atol=1e-10)
    assert found.lag == lag
    assert "estimator" not in found.attrs
    assert found.attrs["made_by"] == f"netxr.lagged_correlation(lag={lag}, given=['u', 'v'])"


def test_several_lags_some_sources_and_inputs_of_moments():
    z, x = inputs_for(activity(4, n_steps=50))
    moments = netxr.lagged_moments(x.chunk(time=11), lags=[0, 1, 2], inputs=z)
    with nothing_computes():
        found = netxr.lagged_correlation(moments, lags=[2, 0, -1], sources=["c", "a"], given="v")
        netxr.partial_correlation(moments, lag=1, given="v")
        netxr.granger(moments, lags=2, given=["v"])
    assert found.dims == ("lag", "trial", "target", "source")
    assert found.source.values.tolist() == ["c", "a"]
    for lag in (2, 0, -1):
        right = netxr.lagged_correlation(x, lag=lag, given=z.sel(input=["v"])).sel(source=["c", "a"])
        np.testing.assert_allclose(found.sel(lag=lag), right, atol=1e-10)
    one = netxr.lagged_correlation(moments, lag=1, sources="c", given="v")
    assert one.dims == ("trial", "target")


@pytest.mark.parametrize("lag", [0, 2])
def test_partial_correlations_are_those_with_the_inputs_as_further_columns(lag):
    z, x = inputs_for(activity(4, n_steps=60))
    found = netxr.partial_correlation(x, lag=lag, given=z).isel(trial=1)
    trial, given_ = (each.isel(trial=1).values for each in (x, z))
    held = columns([given_], sorted({0, lag}), lag)
    y, past = (columns([trial], [a], lag) for a in (0, lag))
    for i in range(4):
        for j in range(4):
            if not lag and i == j:
                continue
            others = np.hstack([held, np.delete(past, [j] if lag else [i, j], 1)])
            right = np.corrcoef(left_of(y[:, i], others), left_of(past[:, j], others))[0, 1]
            assert found[i, j].item() == pytest.approx(right, abs=1e-10)


def test_what_is_shrunk_is_what_the_inputs_leave():
    z, x = inputs_for(activity(4, n_steps=60, trials=1))
    found = netxr.partial_correlation(x, shrinkage="oas", given=z).isel(trial=0)
    left = left_of(x.isel(trial=0).values.T, z.isel(trial=0).values.T)
    precision = OAS(assume_centered=True).fit(left).precision_
    right = -precision / np.sqrt(np.outer(np.diag(precision), np.diag(precision)))
    np.fill_diagonal(right, 1)
    np.testing.assert_allclose(found, right, atol=1e-9)


def test_linked_targets_and_inputs_at_their_own_time():
    """The tutorial's model with a stimulus, logit x' = A x + eta z' + e; it begins at 0, which has no logit."""
    rng, z = np.random.default_rng(4), np.random.default_rng(5).integers(0, 2, (2, 300))
    A, eta, x = rng.normal(size=(3, 3)), rng.normal(size=(3, 2)), np.zeros((3, 300))
    for t in range(299):
        x[:, t + 1] = expit(A @ x[:, t] + eta @ z[:, t + 1] + rng.normal(size=3) / 9)
    stimuli = xr.DataArray(z, dims=("input", "time"))
    for lags, dtype in itertools.product(([1], [2, 1]), ("float64", "float32")):
        recording = netxr.as_activity(x.astype(dtype), dims=("neuron", "time"))
        options = {"lags": [0, 1, 2], "link": "logit"}
        whole = netxr.lagged_moments(recording, inputs=stimuli, **options)
        parts = [
            netxr.lagged_moments(recording[:, of], inputs=stimuli[:, of], **options)
            for of in (slice(0, 90), slice(90, None))
        ]
        p, tolerance = max(lags), 1e-9 if dtype == "float64" else 1e-3
        design = np.hstack([columns([x], lags, p), columns([z], [0, *lags], p), np.ones((300 - p, 1))])
        y = logit(columns([x], [0], p))
        right = by_lag(np.linalg.lstsq(design, y, rcond=None)[0][: 3 * len(lags)], lags, 3)
        for moments in (whole, netxr.merge_moments(parts, continuous=True)):
            found = netxr.regression(moments, lags=lags, given=[0, 1]).coefficient
            np.testing.assert_allclose(found, right, atol=tolerance)
            held = columns([z], [0, 1], 1)
            of_samples = (left_of(columns([x], [a], 1), held).T for a in (0, 1))
            R = netxr.lagged_correlation(moments, given=[0, 1])
            np.testing.assert_allclose(R, np.corrcoef(*of_samples)[:3, 3:], atol=tolerance)
        blocks = netxr.lagged_moments(recording, inputs=stimuli, blocks=3, **options)
        found = netxr.regression(blocks, lags=lags, given=[0, 1]).coefficient.isel(block=0)
        first = slice(0, 100 - p)
        right = by_lag(np.linalg.lstsq(design[first], y[first], rcond=None)[0][: 3 * len(lags)], lags, 3)
        np.testing.assert_allclose(found, right, atol=tolerance)
        together = netxr.merge_blocks(blocks, width=3).isel(block=0)
        for name in ("mean_linked", "sumsq_linked", "comoment_linked", "comoment_linked_input"):
            np.testing.assert_allclose(together[name], whole[name], atol=1e-9 if dtype == "float64" else 1e-2)


# --- relations -----------------------------------------------------------------------------


def test_inputs_of_other_units_take_out_the_same():
    z, x = inputs_for(activity(3))
    for estimate in (netxr.lagged_correlation, netxr.partial_correlation, netxr.regression, netxr.granger):
        found, moved = estimate(x, given=z), estimate(x, given=1e6 * z - 3e5)
        xr.testing.assert_allclose(moved, found, rtol=1e-6)


def test_inputs_that_moments_hold_are_not_held_fixed_unasked():
    z, x = inputs_for(activity(3))
    moments = netxr.lagged_moments(x, inputs=z)
    plain = netxr.lagged_moments(x)
    for estimate in (netxr.lagged_correlation, netxr.partial_correlation, netxr.regression, netxr.granger):
        xr.testing.assert_allclose(estimate(moments), estimate(plain), rtol=1e-9)
    for method in ("lagged_correlation", "correlation", "partial_correlation", "regression", "regression_t", "granger"):
        xr.testing.assert_allclose(netxr.estimate(moments, method=method), netxr.estimate(plain, method=method))


def test_an_input_that_does_not_vary_changes_nothing():
    z, x = inputs_for(activity(3))
    z = z.copy(data=np.where(z.input.values[:, None, None] == "u", 7.0, z))
    for estimate in (netxr.lagged_correlation, netxr.partial_correlation, netxr.regression, netxr.granger):
        xr.testing.assert_allclose(estimate(x, given=z), estimate(x, given=z.sel(input=["v"])), rtol=1e-9)


def test_blocks_and_their_merger():
    z, x = inputs_for(activity(3, n_steps=90, trials=1))
    blocks = netxr.lagged_moments(x, inputs=z, blocks=3)
    found = netxr.regression(blocks, given=["u", "v"])
    assert found.t.dims == ("block", "trial", "target", "source")
    trial, given_ = x.isel(trial=0).values, z.isel(trial=0).values
    y, past, held = columns([trial], [0], 1), columns([trial], [1], 1), columns([given_], [0, 1], 1)
    own = slice(29, 59)  # targets 30 to 59, whose sources may lie in the block before
    design = np.column_stack([past[own], held[own], np.ones(30)])
    right = np.linalg.lstsq(design, y[own], rcond=None)[0][:3].T
    np.testing.assert_allclose(found.coefficient.isel(block=1, trial=0), right, atol=1e-9)


@pytest.mark.parametrize("delay", [0, 1])
def test_a_neuron_of_which_the_inputs_leave_nothing_is_undefined(delay):
    """An input that is neuron 0, or was that one sample before: its past has nothing left, or itself neither."""
    x = netxr.as_activity(np.random.default_rng(0).normal(size=(3, 90)), dims=("neuron", "time"))
    z = xr.DataArray(np.roll(x.values[:1], delay, 1), dims=("input", "time"))
    gone = np.zeros((3, 3), bool)
    gone[:, 0] = True
    gone[0] |= delay == 0
    for found in (
        netxr.lagged_correlation(x, given=z),
        netxr.partial_correlation(x, lag=1, given=z),
        netxr.regression(x, given=z).t,
        netxr.regression(x, lags=[1, 2], given=z).t[0],
        netxr.granger(x, lags=2, given=z).f,
    ):
        np.testing.assert_array_equal(found.isnull(), gone)
    for lags in (1, 2):
        found = netxr.granger(x, lags=lags, conditional=False, given=z).f
        np.testing.assert_array_equal(found.isnull(), gone | np.eye(3, dtype=bool) | (np.arange(3) == 0)[:, None])


def test_neurons_of_which_the_inputs_are_a_sum_depend_on_one_another():
    _, x = inputs_for(activity(3))
    total = x.mean("neuron").expand_dims("input")
    assert netxr.lagged_correlation(x, given=total).notnull().all()
    assert netxr.partial_correlation(x, given=total, shrinkage=0.1).notnull().all()
    for estimate in (netxr.partial_correlation, netxr.regression, netxr.granger):
        with pytest.raises(InvalidInput, match=r"depend on one another.*and inputs that neurons add up to"):
            estimate(x, given=total)


# --- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimate", [netxr.lagged_correlation, netxr.partial_correlation, netxr.regression, netxr.granger]
)
def test_inputs_that_do_not_fit(estimate):
    z, x = inputs_for(activity(3))
    moments, without = netxr.lagged_moments(x, inputs=z), netxr.lagged_moments(x)
    twice = xr.concat([z, z.sel(input=["u"]).assign_coords(input=["w"])], "input")
    with pytest.raises(InvalidInput, match=r"given: got inputs that depend on one another, .* \(condition number"):
        estimate(x, given=twice)
    with pytest.raises(InvalidInput, match=r"given: got 'w'; expected labels .*: \['u', 'v'\].*inputs="):
        estimate(moments, given="w")
    with pytest.raises(InvalidInput, match="each once"):
        estimate(moments, given=["u", "u"])
    with pytest.raises(InvalidInput, match=r"for moments without inputs.*lagged_moments"):
        estimate(without, given=["u"])
    with pytest.raises(InvalidInput, match="samples of inputs beside moments"):
        estimate(moments, given=z)
    with pytest.raises(InvalidInput, match="'u' beside activity"):
        estimate(x, given="u")


def test_too_few_samples_count_the_inputs():
    z, x = inputs_for(activity(3, n_steps=9, trials=1))
    with pytest.raises(InvalidInput, match="8 samples of each target for 8 parameters"):
        netxr.regression(x, given=z)
    with pytest.raises(InvalidInput, match="8 samples of each target for 8 parameters"):
        netxr.granger(x, given=z)
    short = {"time": slice(0, 5)}
    with pytest.raises(InvalidInput, match="5 samples of 3 neurons and 2 inputs"):
        netxr.partial_correlation(x.isel(short), given=z.isel(short))


def test_lags_of_correlations_with_inputs_that_moments_lack():
    z, x = inputs_for(activity(3))
    moments = netxr.lagged_moments(x, lags=[1], inputs=z)
    with pytest.raises(InvalidInput, match=r"moments at lags \[1\]; expected those at lags \[0\]"):
        netxr.lagged_correlation(moments, given="u")


def test_correlations_with_inputs_are_not_made_by_rows(tmp_path):
    z, x = inputs_for(activity(3))
    with pytest.raises(InvalidInput, match="store: got"):
        netxr.lagged_correlation(x, given=z, store=tmp_path / "R.zarr")


def test_dropped_frames_and_gaps():
    z, x = inputs_for(activity(3, n_steps=40, trials=1).isel(trial=0))
    lacking = x.copy()
    lacking[1, 7] = np.nan
    found = netxr.lagged_correlation(lacking, lag=0, given=z, missing="drop")
    kept = np.arange(40) != 7
    right = np.corrcoef(left_of(x.values.T[kept], z.values.T[kept]).T)
    np.testing.assert_allclose(found, right, atol=1e-10)
    with pytest.raises(InvalidInput, match="missing samples are left out, by missing='drop'"):
        netxr.lagged_correlation(lacking, lag=1, given=z, missing="drop")
    times = np.arange(40.0) + 100 * (np.arange(40) >= 15)
    cut = x.drop_attrs().assign_coords(time=times)
    found = netxr.lagged_correlation(cut, lag=2, given=z, gaps="segments")
    parts = slice(0, 15), slice(15, 40)
    held, target, source = (
        columns([each.values[:, of] for of in parts], lags, 2) for each, lags in ((z, [0, 2]), (x, [0]), (x, [2]))
    )
    right = np.corrcoef(left_of(target, held).T, left_of(source, held).T)[:3, 3:]
    np.testing.assert_allclose(found, right, atol=1e-10)


@pytest.mark.parametrize("lag", [0, 1])
@pytest.mark.parametrize("shrinkage", [0.3, "oas"])
def test_shrunk_a_neuron_of_which_inputs_leave_nothing_is_undefined(driven, lag, shrinkage):
    x, _ = driven
    same = xr.DataArray(x.values[2:3], dims=("input", "time"))
    found = netxr.partial_correlation(x, given=same, lag=lag, shrinkage=shrinkage).values
    alone = netxr.partial_correlation(x.drop_isel(neuron=[2]), given=same, lag=lag, shrinkage=shrinkage)
    check_undefined(found, 2, others=alone.values)


@pytest.mark.filterwarnings("ignore:alpha=.* was chosen:UserWarning")
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("penalty", "alpha"), [("ridge", 1), ("lasso", 0.001), ("ridge", "cv")])
def test_penalised_a_neuron_of_which_inputs_leave_nothing_is_undefined(driven, penalty, alpha, intercept):
    x, _ = driven
    options = {"given": xr.DataArray(x.values[2:3], dims=("input", "time")), "penalty": penalty, "alpha": alpha}
    found = netxr.regression(x, intercept=intercept, **options)
    alone = netxr.regression(x.drop_isel(neuron=[2]), intercept=intercept, **options)
    for name in ("coefficient", "standardised"):
        check_undefined(found[name].values, 2, others=alone[name].values)


def check_undefined(found, one, *, others):
    """Assert that one neuron is undefined, and the others are as if it were not there."""
    assert np.isnan(found[one]).all()
    assert np.isnan(found[:, one]).all()
    np.testing.assert_allclose(np.delete(np.delete(found, one, 0), one, 1), others, atol=1e-12)
