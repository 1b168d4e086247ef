import numpy as np
import pytest

import netxr
from netxr.simulation.settling import remark_on, share_of_start
from tests.cli.shell import output


def saturated(n=30):
    """Strongly coupled and signed: most neurons stay near 0 or 1, far from the 0 in which all begin."""
    return netxr.random_connectivity(n, coupling=20, inhibitory=0.5, signs="edge", seed=1)


def test_one_sample_that_makes_most_of_the_variance_by_hand():
    """999 samples of -0.1 and 0.1, after one of 10: 100 of 100 + 1000 / 100."""
    x = np.resize([0.1, -0.1], (1, 1000, 1))
    x[0, 0] = 10
    assert share_of_start(x).item() == pytest.approx(100 / 110, rel=1e-2)
    assert remark_on(x) == (
        "The first samples stand far from where activity settles: of 1 of 1 neurons they make more than 0.05 of the "
        "variance, 0.91 at most. Take burn_in=512, or leave them out."
    )
    assert remark_on(x[:, :500]) is None
    assert remark_on(x[:, 1:]) is None
    assert remark_on(0 * x) is None


def test_a_start_that_stands_out_is_remarked_in_memory_and_on_disk(tmp_path):
    options = {"n_steps": 2000, "trials": 2}
    run = netxr.simulate(saturated(), **options)
    assert run.attrs["remark"].startswith("The first samples stand far")
    assert netxr.simulate(saturated(), store=tmp_path / "run.zarr", **options).attrs["remark"] == run.attrs["remark"]
    assert "remark" not in netxr.simulate(saturated(), burn_in=512, **options).attrs


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_said_of_the_tutorials_and_of_slow_networks(seed):
    for n in (6, 100):
        assert "remark" not in netxr.simulate(netxr.random_connectivity(n, seed=seed), n_steps=1000).attrs
    slow = netxr.random_connectivity(50, weights="normal", spectral_radius=0.97, seed=seed)
    assert "remark" not in netxr.simulate(slow, n_steps=1000, units="linear", seed=seed).attrs


def test_the_shell_says_it(tmp_path):
    np.savetxt(tmp_path / "A.csv", saturated(10).values, delimiter=",")
    said = output("simulate", tmp_path / "r.zarr", "--connectivity", tmp_path / "A.csv", "--rows", "target")
    assert "The first samples stand far" in said
