import numpy as np
import pytest
import scipy.stats
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.kernels.edge_mixture import Mixture, edge_mixture, memberships
from tests.runs import labelled, nothing_computes

# --- by hand -------------------------------------------------------------------------------


def test_memberships_by_hand():
    """Half N(0, 1), half N(2, 1): at 1 both are as likely; a t of 0 is exp(2) times as likely without an edge."""
    mixture = Mixture(np.array([0.5, 0.5, 0.0]), np.array([0.0, 2.0, -2.0]), np.zeros(3))
    found = memberships(np.array([1.0, 0.0]), mixture)
    np.testing.assert_allclose(found[:, 0], [0.5, 0.5, 0])
    np.testing.assert_allclose(found[0, 1] / found[1, 1], np.exp(2))


def test_groups_far_apart_by_hand():
    """t of 90 pairs about 0, of 6 about 20 and of 4 about -30: shares and means are those of the groups."""
    rng = np.random.default_rng(0)
    t = np.concatenate([rng.normal(size=90), rng.normal(20, 1, 6), rng.normal(-30, 1, 4)])
    found = edge_mixture(t, null_share=0.5)
    np.testing.assert_allclose(found.share, [0.9, 0.06, 0.04])
    np.testing.assert_allclose(found.mean, [0, t[90:96].mean(), t[96:].mean()])
    assert (found.variance >= 0).all()


def test_sides_swap_with_the_sign():
    t = labelled(groups(seed=1))
    found, swapped = netxr.edge_probability(t), netxr.edge_probability(-t)
    np.testing.assert_allclose(swapped.probability, found.probability, atol=1e-4)
    np.testing.assert_allclose(swapped.signed, -found.signed, atol=1e-4)


def groups(*, seed, n=40, share=0.1):
    """t (n, n) of which some come from N(4, 1.5^2)."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, n)) < share, rng.normal(4, 1.5, (n, n)), rng.normal(size=(n, n)))


# --- against what is known -----------------------------------------------------------------


def test_probabilities_against_bayes_with_the_groups_known():
    t = groups(seed=2, n=150)
    found = netxr.edge_probability(labelled(t)).probability.values
    with_edge, without = 0.1 * scipy.stats.norm.pdf(t, 4, 1.5), 0.9 * scipy.stats.norm.pdf(t)
    right = with_edge / (with_edge + without)
    assert np.abs(found - right).mean() < 0.01


def plain_likelihood(t, *, rounds):
    """Log likelihood after so many rounds of expectation and maximisation from edges that go up, t with error 1."""
    share, mean, variance = 0.1, 2.0, 0.0
    for _ in range(rounds):
        edge = share * scipy.stats.norm.pdf(t, mean, np.sqrt(1 + variance))
        likely = edge / (edge + (1 - share) * scipy.stats.norm.pdf(t))
        share, mean = likely.mean(), (likely * t).sum() / likely.sum()
        variance = max((likely * (t - mean) ** 2).sum() / likely.sum() - 1, 0)
    edge = share * scipy.stats.norm.pdf(t, mean, np.sqrt(1 + variance))
    return np.log(edge + (1 - share) * scipy.stats.norm.pdf(t)).sum()


@pytest.mark.parametrize("mean", [4, 1.5])
def test_the_mixture_fits_as_well_as_plain_rounds_without_end(mean):
    """Edges of t about 1.5 are found by 2,000 plain rounds, and not by 100."""
    rng = np.random.default_rng(8)
    t = np.where(rng.random(2500) < 0.1, rng.normal(mean, 1, 2500), rng.normal(size=2500))
    found = edge_mixture(t, null_share=0.9)
    normal = scipy.stats.norm(found.mean[:, None], np.sqrt(1 + found.variance[:, None]))
    best = plain_likelihood(t, rounds=2000)
    assert np.log(found.share @ normal.pdf(t)).sum() > best - 1e-6
    assert mean == 4 or plain_likelihood(t, rounds=100) < best - 1e-6


def test_many_pairs_are_counted_in_bins():
    t = groups(seed=3, n=150)
    few, many = edge_mixture(t[:60, :60].ravel(), null_share=0.9), edge_mixture(t.ravel(), null_share=0.9)
    np.testing.assert_allclose(few.mean[1], many.mean[1], atol=0.2)
    np.testing.assert_allclose(many.share[1], 0.1, atol=0.02)


def test_it_finds_edges_of_the_tutorials_model_that_t_alone_blurs():
    run = netxr.simulate(netxr.random_connectivity(50, seed=42), n_steps=20_000, seed=42).isel(trial=0)
    t = netxr.regression(run).t
    both = [
        netxr.compare(run.connectivity, each, diagonal=True, permutations=0).pearson.item()
        for each in (t, netxr.edge_probability(t).signed)
    ]
    assert both[1] > both[0] + 0.1


def test_lazy_stays_lazy_and_gaps_stay_gaps():
    t = labelled(groups(seed=4)).expand_dims(trial=2)
    t = t.copy()
    t[:, 0, 0] = np.nan
    with nothing_computes():
        lazy = netxr.edge_probability(t.chunk(trial=1))
    found = lazy.compute()
    assert found.probability.dims == ("trial", "target", "source")
    assert found.probability[:, 0, 0].isnull().all()
    assert found.probability.isnull().sum() == 2
    xr.testing.assert_allclose(found.isel(trial=0), netxr.edge_probability(t[0]))


def test_strong_edges_keep_their_sign_beside_still_stronger_ones_of_the_other():
    """Self-connections of t about -40 make a wide part, which is the likelier one for edges of t about 20 as well."""
    t = groups(seed=5, share=0)
    t[:, :2] = np.random.default_rng(6).normal(20, 8, (40, 2))
    np.fill_diagonal(t, np.random.default_rng(7).normal(-40, 4, 40))
    found = netxr.edge_probability(labelled(t))
    assert (np.sign(found.signed) == np.sign(t)).all()
    np.testing.assert_array_equal(np.abs(found.signed), found.probability)
    assert (found.signed.values[t > 5] > 0.9).all()


def test_few_pairs_and_a_share_that_is_none():
    with pytest.raises(InvalidInput, match="t: got 484 pairs of neurons; expected 500 or more"):
        netxr.edge_probability(labelled(np.zeros((22, 22))))
    with pytest.raises(InvalidInput, match="null_share: got 1; expected a number between 0 and 1"):
        netxr.edge_probability(labelled(np.zeros((30, 30))), null_share=1)
