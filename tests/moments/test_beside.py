import itertools

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask.system import CPU_COUNT
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit

import netxr
from netxr.errors import InvalidInput
from netxr.moments.inputs import together
from tests.beside import LAGS, mask_for, states, stimuli
from tests.oracles import Moments
from tests.runs import nothing_computes


def plain_loop(segments, lag, *, link=None):
    """Moments over segments (row, time) and which of their frames may be sources, frame by frame."""
    pairs = [
        (rows[:, t + lag], rows[:, t])
        for rows, mask in segments
        for t in range(rows.shape[1] - lag)
        if mask[t] and np.isfinite(rows[:, t]).all() and np.isfinite(rows[:, t + lag]).all()
    ]
    target, source = (np.array(side).T.astype(np.longdouble) for side in zip(*pairs, strict=True))
    target = logit(target[:link].astype(float)).astype(np.longdouble) if link else target
    off, from_ = (side - side.mean(1, keepdims=True) for side in (target, source))
    squares = [np.square(side).sum(1) for side in (off, from_)]
    return Moments(len(pairs), target.mean(1), source.mean(1), *squares, off @ from_.T)


def check(found, segments, *, n, tolerance=1e-12, link=False):
    """Hold moments of one set of segments against the loop."""
    both = together(found)
    for lag in found.lag.values.tolist():
        right, one = plain_loop(segments, lag), both.sel(lag=lag)
        assert one["count"].item() == right.count
        for name in ("mean_target", "mean_source", "sumsq_target", "sumsq_source", "comoment"):
            size = np.abs(getattr(right, name)).max()
            np.testing.assert_allclose(one[name], getattr(right, name), rtol=0, atol=tolerance * size, err_msg=name)
        if link and lag:
            right = plain_loop(segments, lag, link=n)
            for name in ("mean", "sumsq"):
                np.testing.assert_allclose(one[f"{name}_linked"][:n], getattr(right, f"{name}_target"), rtol=tolerance)
            size = np.abs(right.comoment).max()
            np.testing.assert_allclose(one.comoment_linked[:n], right.comoment, rtol=0, atol=tolerance * size)


def segments_of(activity, inputs, mask=None, *, trials=(0, 1), cuts=()):
    """Rows and mask of each segment of some trials."""
    rows = np.concatenate([activity.values, inputs.values])
    marks = np.ones(rows.shape[1:], bool) if mask is None else mask.values
    bounds = [0, *cuts, rows.shape[1]]
    return [
        (rows[:, start:stop, k], marks[start:stop, k]) for k in trials for start, stop in itertools.pairwise(bounds)
    ]


def test_one_neuron_and_one_input_by_hand():
    """x = 1, 2, 4 and u = 0, 1, 0: at lag 1 the targets 2, 4 follow the inputs 0, 1."""
    x = netxr.as_activity([[1.0, 2.0, 4.0]], dims=("neuron", "time"))
    found = netxr.lagged_moments(x, inputs=np.array([0, 1, 0])).sel(lag=1)
    assert found.comoment_input.item() == pytest.approx(1.0)  # (-1)(-1/2) + (1)(1/2)
    assert found.comoment_input_target.item() == pytest.approx(-0.5)  # inputs 1, 0 after 1, 2
    assert found.comoment_inputs.item() == pytest.approx(-0.5)  # inputs 1, 0 after 0, 1


def test_marked_pairs_by_hand():
    """Of x = 1, 2, 4, 8 the sources 1 and 4 are marked: at lag 1 their targets are 2 and 8."""
    x = netxr.as_activity([[1.0, 2.0, 4.0, 8.0]], dims=("neuron", "time"))
    found = netxr.lagged_moments(x, where=np.array([True, False, True, False])).sel(lag=1)
    assert found["count"].item() == 2
    assert (found.mean_target.item(), found.mean_source.item()) == (5, 2.5)
    assert found.comoment.item() == pytest.approx(9)  # (-3)(-1.5) + (3)(1.5)


def test_an_effect_of_a_stimulus_is_the_difference_in_means():
    """For inputs of 0 and 1, comoment over summed squares is mean after 1 less mean after 0."""
    x = netxr.as_activity([[0.0, 5.0, 1.0, 7.0, 3.0]], dims=("neuron", "time"))
    found = netxr.lagged_moments(x, inputs=[True, False, True, False, False], lags=[1]).isel(lag=0)
    assert (found.comoment_input / found.sumsq_input).item() == pytest.approx((5 + 7) / 2 - (1 + 3) / 2)


@pytest.mark.parametrize("link", [None, "logit"])
@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("chunks", [None, {"time": 7, "trial": 1}, {"neuron": 1, "time": 60}])
def test_moments_against_a_plain_loop(link, marked, chunks):
    x = states()
    u, mask = stimuli(x), mask_for(x) if marked else None
    given = x if chunks is None else x.chunk(chunks)
    with nothing_computes():
        found = netxr.lagged_moments(given, lags=LAGS, inputs=u, where=mask, link=link)
    assert isinstance(found.comoment_inputs.data, da.Array) == (chunks is not None)
    found = found.compute()
    for k in range(2):
        check(found.isel(trial=k), segments_of(x, u, mask, trials=[k]), n=3, link=bool(link))
    assert found.input.values.tolist() == found.input_target.values.tolist() == ["b", "z"]
    assert found.target.values.tolist() == ["a", "b", "c"]
    assert ("edge_input" in found) == ("edge_activity" in found) == (not marked)
    pooled = netxr.lagged_moments(given, lags=LAGS, inputs=u, where=mask, link=link, dim=("time", "trial"))
    check(pooled.compute(), segments_of(x, u, mask), n=3, link=bool(link))


def test_each_block_is_read_once():
    reads = []

    def noisy(block):
        """Samples that count how often they are asked for."""
        reads.append(block.shape)
        return block + np.random.default_rng(1).uniform(0.1, 0.9, block.shape)

    zeros = da.zeros((3, 200), chunks=(3, 20))
    x = xr.DataArray(da.map_blocks(noisy, zeros, dtype=float, meta=np.empty((0, 0))), dims=("neuron", "time"))
    options = {"inputs": np.arange(200), "where": np.arange(200) % 2 == 0, "link": "logit"}
    netxr.lagged_moments(x, **options).compute(scheduler="synchronous")
    first_again = len(reads) - 10  # for the provisional mean, by segments but the first
    assert 0 <= first_again <= CPU_COUNT


def test_many_samples_in_memory_are_gone_through_in_parts(monkeypatch):
    x = states()
    options = {"lags": LAGS, "inputs": stimuli(x), "where": mask_for(x), "link": "logit"}
    right = netxr.lagged_moments(x, **options)
    monkeypatch.setattr("netxr.moments.beside.AT_ONCE_BYTES", 0)
    monkeypatch.setattr("netxr.moments.beside.ROW_BYTES", 9 * 8 * 7)
    found = netxr.lagged_moments(x, **options)
    assert not found.chunks
    xr.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12)
    with pytest.raises(InvalidInput, match="expected samples above 0 and below 1"):
        netxr.lagged_moments(2 * x, link="logit")


@given(st.lists(st.integers(1, 30), min_size=2, max_size=12), st.booleans(), st.integers(0, 3))
def test_any_chunking_gives_the_same(lengths, marked, seed):
    x = states(n=2, n_steps=sum(lengths) + 8, trials=1, seed=seed)
    u, mask = stimuli(x), mask_for(x, seed=seed) if marked else None
    lazy = x.chunk(time=(*lengths, 8))
    options = {"lags": LAGS, "inputs": u.chunk(time=5), "where": mask, "link": "logit"}
    found = netxr.lagged_moments(lazy, **options).compute(scheduler="synchronous")
    whole = netxr.lagged_moments(x, **options | {"inputs": u})
    xr.testing.assert_allclose(found, whole, rtol=1e-11, atol=1e-11)


def test_frames_without_a_sample_are_dropped_of_marked_ones_and_of_inputs():
    x = states()
    u, mask = stimuli(x), mask_for(x)
    x[1, 20, 0] = np.nan
    u[0, 30, 1] = np.nan
    found = netxr.lagged_moments(x, lags=LAGS, inputs=u, where=mask, missing="drop")
    for k in range(2):
        check(found.isel(trial=k), segments_of(x, u, mask, trials=[k]), n=3)


def test_marked_pairs_of_neurons_that_have_a_sample_each():
    x, mask = states(), mask_for(states())
    x[1, 20:30, 0] = np.nan
    found = netxr.lagged_moments(x.chunk(time=11), lags=[0, 2], where=mask, missing="pairwise").compute()
    for lag in (0, 2):
        target, source = (x.values[..., 0][:, of] for of in (slice(lag, None), slice(0, 60 - lag)))
        for i, j in np.ndindex(3, 3):
            both = np.isfinite(target[i]) & np.isfinite(source[j]) & mask.values[: 60 - lag, 0]
            one = found.sel(lag=lag).isel(trial=0, target=i, source=j)
            assert one["count"].item() == both.sum()
            right = np.cov(target[i][both], source[j][both]) * (both.sum() - 1)
            np.testing.assert_allclose([one.sumsq_target, one.sumsq_source], np.diagonal(right), rtol=1e-12)
            np.testing.assert_allclose(one.comoment, right[0, 1], atol=1e-12)


@pytest.mark.parametrize("marked", [False, True])
def test_no_pair_crosses_a_gap(marked):
    x = states().assign_coords(time=np.r_[0:25, 40:75].astype(float))
    u, mask = stimuli(x), mask_for(x) if marked else None
    found = netxr.lagged_moments(x, lags=LAGS, inputs=u, where=mask, gaps="segments")
    for k in range(2):
        check(found.isel(trial=k), segments_of(x, u, mask, trials=[k], cuts=[25]), n=3)


@pytest.mark.parametrize("chunks", [None, {"time": 13}])
@pytest.mark.parametrize("link", [None, "logit"])
def test_blocks_merge_to_the_whole(chunks, link):
    x = states()
    u = stimuli(x)
    options = {"lags": LAGS, "inputs": u, "link": link}
    blocks = netxr.lagged_moments(x if chunks is None else x.chunk(chunks), blocks=5, **options)
    assert blocks.comoment_input.sizes == {"block": 5, "lag": 3, "trial": 2, "target": 3, "input": 2}
    merged = netxr.merge_blocks(blocks, width=5).isel(block=0, drop=True).compute()
    whole = netxr.lagged_moments(x, **options)
    for name in set(whole) - {"edge_activity", "edge_input", "not_target", "not_source"}:
        xr.testing.assert_allclose(merged[name], whole[name], rtol=1e-12, atol=1e-11)
    xr.testing.assert_allclose(merged.edge_input, whole.edge_input)


@pytest.mark.parametrize("link", [None, "logit"])
def test_days_merge_and_go_on(link):
    x = states(trials=1)
    u = stimuli(x)
    parts = [
        netxr.lagged_moments(x.isel(time=of), lags=LAGS, inputs=u.isel(time=of), link=link)
        for of in (slice(0, 22), slice(22, None))
    ]
    whole = netxr.lagged_moments(x, lags=LAGS, inputs=u, link=link)
    merged = netxr.merge_moments(parts, continuous=True)
    assert set(merged) == set(whole)
    xr.testing.assert_allclose(merged, whole, rtol=1e-12, atol=1e-11)
    check(netxr.merge_moments(parts).isel(trial=0), segments_of(x, u, trials=[0], cuts=[22]), n=3, link=bool(link))


def test_marked_days_merge_with_marked_ones_alone():
    x = states(trials=1)
    mask = mask_for(x)
    halves = [slice(0, 30), slice(30, None)]
    parts = [netxr.lagged_moments(x.isel(time=of), where=mask.isel(time=of)) for of in halves]
    merged = netxr.merge_moments(parts)
    segments = segments_of(x, x[:0], mask, trials=[0], cuts=[30])
    check(merged.isel(trial=0), segments, n=3)
    assert merged["count"].attrs["where"] == "marked"
    plain = netxr.lagged_moments(x.isel(time=halves[0]))
    with pytest.raises(InvalidInput, match="parts: got moments of marked frames beside those of all"):
        netxr.merge_moments([parts[0], plain])
    with pytest.raises(InvalidInput, match="different labels along input"):
        netxr.merge_moments([plain, netxr.lagged_moments(x.isel(time=halves[0]), inputs=np.arange(30))])


def test_neurons_of_several_animals_and_their_inputs():
    x = states()
    u = stimuli(x)
    one, other = netxr.lagged_moments(x, inputs=u), netxr.lagged_moments(x[[2, 0, 1]], inputs=u)
    merged = netxr.merge_moments([one, other], join="outer")
    xr.testing.assert_allclose(merged.comoment_input, 2 * one.comoment_input)
    with pytest.raises(InvalidInput, match="parts: got moments of different neurons, with inputs"):
        netxr.merge_moments([one, netxr.lagged_moments(x[:2], inputs=u)], join="outer")


def test_float32_is_as_precise_as_without_inputs():
    x = states(n_steps=3000)
    u, mask = stimuli(x), mask_for(x, share=0.01)
    exact = netxr.lagged_moments(x, inputs=u, where=mask, lags=LAGS)
    found = netxr.lagged_moments(x.astype("float32"), inputs=u, where=mask, lags=LAGS)
    assert found.attrs["precision"] == "float32"
    for name in exact.data_vars:
        np.testing.assert_allclose(found[name], exact[name], rtol=2e-6, atol=2e-6 * float(abs(exact[name]).max()))


def test_moments_with_inputs_are_symmetric_at_lag_0():
    x = states(n=7, n_steps=500)
    for options in ({"link": "logit"}, {"where": mask_for(x)}):
        moments = netxr.lagged_moments(x, lags=[0], inputs=stimuli(x), **options)
        found = together(moments).comoment.values[0, 0]
        np.testing.assert_array_equal(found, found.T)


def test_inputs_without_trials_are_the_same_in_all():
    x = states()
    u = stimuli(x).isel(trial=0)
    every = xr.concat([u, u], "trial").transpose("input", "time", "trial")
    found = netxr.lagged_moments(x, inputs=u, where=u[0].values > 3)
    mask = xr.DataArray(np.stack([u[0].values > 3] * 2, 1), dims=("time", "trial"))
    xr.testing.assert_identical(found, netxr.lagged_moments(x, inputs=every, where=mask))


def test_correlations_of_neurons_are_those_without_inputs():
    x = states()
    both = netxr.lagged_moments(x, inputs=stimuli(x))
    xr.testing.assert_allclose(netxr.lagged_correlation(both), netxr.lagged_correlation(x), rtol=1e-12, atol=1e-13)
    xr.testing.assert_allclose(netxr.regression(both), netxr.regression(x), rtol=1e-9, atol=1e-9)


def test_a_correlation_of_marked_frames():
    x, mask = states(trials=1), mask_for(states(trials=1))
    found = netxr.lagged_correlation(netxr.lagged_moments(x, where=mask)).isel(trial=0)
    at = np.flatnonzero(mask.values[:-1, 0])
    right = np.corrcoef(np.concatenate([x.values[:, at + 1, 0], x.values[:, at, 0]]))[:3, 3:]
    np.testing.assert_allclose(found, right, atol=1e-12)


def test_marked_sources_would_be_targets_at_a_negative_lag():
    x = states(trials=1)
    moments = netxr.lagged_moments(x, lags=[0, 2], where=mask_for(x))
    with pytest.raises(InvalidInput, match=r"lag: got \[-2\]; expected lags from 0, .* marked by where="):
        netxr.lagged_correlation(moments, lag=-2)


def test_moments_are_saved_and_opened_again(tmp_path):
    x = states()
    moments = netxr.lagged_moments(x, inputs=stimuli(x), link="logit")
    netxr.save(moments, tmp_path / "moments.zarr")
    opened = netxr.open(tmp_path / "moments.zarr")
    xr.testing.assert_equal(opened.drop_vars("trial").load(), moments.drop_vars("trial"))
    xr.testing.assert_allclose(netxr.merge_moments([opened, moments]).comoment_inputs, 2 * moments.comoment_inputs)
    marked = netxr.lagged_moments(x, where=mask_for(x))
    netxr.save(marked, tmp_path / "marked.zarr")
    assert netxr.open(tmp_path / "marked.zarr")["count"].attrs["where"] == "marked"


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((2, 59)), "inputs: got 59 along time; expected 60, as the activity has"),
        (np.zeros((2, 60, 3)), "inputs: got 3 along trial; expected 2"),
        (np.zeros((2, 2, 2, 60)), r"inputs: got ndarray of shape .*expected a DataArray or array, \(time\)"),
        (np.array(["on"] * 60), "inputs: got dtype <U2; expected real numbers"),
        (np.zeros((0, 60)), "inputs: got no entry along input"),
        (xr.DataArray(np.zeros((2, 60)), dims=("neuron", "time")), "inputs: got dims .*'neuron', 'time'"),
        (xr.DataArray(np.zeros((2, 60)), {"input": ["a", "a"]}, ("input", "time")), "label 'a' more than once"),
        (
            np.r_[np.nan, np.zeros(59)],
            r"inputs: got 2 samples that are NaN or infinite, the first of input 0 at sample 0",
        ),
        ("light", "inputs: got"),
    ],
)
def test_inputs_that_do_not_fit(inputs, message):
    with pytest.raises(InvalidInput, match=message):
        netxr.lagged_moments(states(), inputs=inputs)


def test_a_lazy_input_that_is_not_finite_is_named_when_it_is_read():
    u = stimuli(states())
    u[1, 33, 0] = np.inf
    with pytest.raises(InvalidInput, match="the first of input 'z' at sample 33"):
        netxr.lagged_moments(states().chunk(time=10), inputs=u).compute()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros(60, bool), "where: got 0 of 60 frames marked; expected one or more that have a target"),
        (np.arange(60) > 58, "where: got 1 of 60 frames marked, all in the last"),
        (np.ones(60), "where: got dtype float64"),
        (np.ones(61, bool), "where: got 61 along time; expected 60"),
        (np.ones((60, 3), bool), "where: got 3 along trial; expected 2"),
    ],
)
def test_masks_that_do_not_fit(mask, message):
    with pytest.raises(InvalidInput, match=message):
        netxr.lagged_moments(states(), where=mask)


def test_other_times_and_trials_than_those_of_the_activity():
    x = states().assign_coords(time=0.5 * np.arange(60))
    u = stimuli(x)
    same = netxr.lagged_moments(x, inputs=u.assign_coords(time=x.time + 1e-9))
    xr.testing.assert_equal(same, netxr.lagged_moments(x, inputs=u))
    with pytest.raises(InvalidInput, match=r"inputs: got times from 1.0 to 30.5; .* from 0.0 to 29.5"):
        netxr.lagged_moments(x, inputs=u.assign_coords(time=x.time + 1))
    with pytest.raises(InvalidInput, match="where: got times from"):
        netxr.lagged_moments(x, where=mask_for(x).assign_coords(time=np.arange(60)))
    with pytest.raises(InvalidInput, match=r"inputs: got trials \[6, 5\]"):
        netxr.lagged_moments(x, inputs=u.assign_coords(trial=[6, 5]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": np.zeros(60), "sources": ["a"]}, "sources: got 1 of them"),
        ({"inputs": np.zeros(60), "missing": "pairwise"}, 'missing: got "pairwise", with inputs'),
        ({"where": np.ones(60, bool), "blocks": 3}, "blocks: got them for some samples"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(InvalidInput, match=message):
        netxr.lagged_moments(states(), **options)


def test_what_needs_all_frames_or_neurons_alone_says_so():
    x = states(n=4)
    marked = netxr.lagged_moments(x, where=mask_for(x))
    with pytest.raises(InvalidInput, match=r"moments of marked frames, by where=.*without where="):
        netxr.regression(marked)
    for moments in (marked, netxr.lagged_moments(x, inputs=stimuli(x))):
        with pytest.raises(InvalidInput, match="of inputs, of marked frames"):
            netxr.coarsen(moments, groups=2)
    with pytest.raises(InvalidInput, match="first and last samples"):
        netxr.merge_moments([marked, marked], continuous=True)


def test_a_run_with_an_estimate_at_one_lag_is_read_like_any_other():
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=60, seed=1)
    beside_R = run.assign(lagged_correlation=netxr.lagged_correlation(run)).assign_coords(x=("neuron", [3, 1, 2, 0]))
    options = {"lags": [0, 1], "link": "logit", "inputs": np.arange(60.0)}
    for data in (beside_R, beside_R.activity):
        xr.testing.assert_equal(
            netxr.lagged_moments(data, **options).drop_vars("x"), netxr.lagged_moments(run, **options)
        )
        assert netxr.autocorrelation(data, lags=[1]).sizes["neuron"] == 4


def of_trials(name):
    x = np.random.default_rng(0).normal(size=(2, 30, 3))
    return xr.DataArray(x, {"trial": list("uvw")}, (name, "time", "trial"))


@pytest.mark.parametrize("chosen", [0, [0]])
@pytest.mark.parametrize("also", [0, [0]])
def test_one_trial_may_have_its_dim_or_not(chosen, also):
    x, z = of_trials("neuron"), of_trials("input")
    found = netxr.lagged_moments(x.isel(trial=chosen), inputs=z.isel(trial=also))
    alone = xr.DataArray(x.values[..., 0], dims=("neuron", "time"))
    expected = netxr.lagged_moments(alone, inputs=z.values[..., 0])
    np.testing.assert_array_equal(found.comoment_input.squeeze(), expected.comoment_input)


@pytest.mark.parametrize("chosen", [1, [1], [0, 1, 2]])
def test_inputs_of_another_trial_are_refused(chosen):
    x, z = of_trials("neuron"), of_trials("input")
    with pytest.raises(InvalidInput, match=r"inputs: got trials \['u'\]"):
        netxr.lagged_moments(x.isel(trial=chosen), inputs=z.isel(trial=0))
    with pytest.raises(InvalidInput, match=r"where: got trials \['u'\]"):
        netxr.lagged_moments(x.isel(trial=chosen), where=(z > 0).isel(trial=0, input=0))
