"""Estimates of connectivity against the truth, on simulated recordings that others published.

Run it with the folder of recordings:

    python examples/recordings.py FOLDER

The folder holds either or both of

- ``izhikevich/<exc4_inh1|exc8_inh2>/<p2|p4>/``: ``v_alltimes.txt``, membrane voltages in mV at 1 ms, a row a
  neuron, and ``connectivity.txt``, entry [i, j] from neuron j to neuron i (Lu et al. 2023, arXiv:2311.06928);
- ``netsim_sim3/*.npz``: ``X_np``, BOLD signals of 15 regions, a row a region, and ``Gref``, 1 where region j drives
  region i; its diagonal of ones stands for decay and is no edge (Smith et al. 2011, Network modelling methods for
  FMRI, simulation 3).
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import xarray as xr

import netxr

SPIKE_CUT = 30.0
"""mV; the spikes of this model overshoot to 1,100 mV, and would drown everything else."""

WHY_REGRESSION = """\
These neurons drive one another in chains. A correlation takes detours for edges; a regression holds all other neurons
fixed, and comes closer to A in every network. Its t, which does not depend on how much a neuron varies, comes closer
still, and so does the sum over lags, as an effect lasts for some ms. Voltages change within a sample, so that
direction shows: scores against A transposed are far lower."""

WHY_NO_DIRECTION = """\
Regions of a network go together by way of others: with all others held fixed, they tell more. 200 samples are few, and
shrinking the covariance helps a little.
BOLD signals change slowly: a region looks nearly the same one sample later, so that the correlation at lag 1 is a
fainter copy of the one at lag 0, which is the same both ways. Such a lag carries no direction: the score against A
transposed is as high as against A. Nor does a regression find what the samples are too slow to show.
With the diagonal, every region's likeness to its own past counts as an edge that is not there: the score falls."""


def scores(truth: xr.DataArray, estimates: Mapping[str, xr.DataArray], *, diagonal: bool = False) -> pd.DataFrame:
    """Score estimates against a connectivity, and against the same with every edge turned round."""
    names = {"pearson": "with A", "pearson_transposed": "with A transposed"}
    found = {
        name: netxr.compare(truth, estimate, diagonal=diagonal, permutations=0)[list(names)].to_pandas()
        for name, estimate in estimates.items()
    }
    return pd.DataFrame(found).rename(names).T


def izhikevich(folder: Path) -> None:
    """Score the networks of spiking neurons, at a lag of 1 ms."""
    found = {}
    for network in sorted(folder.glob("exc*/p*")):
        A = netxr.load_connectivity(network / "connectivity.txt", rows="target")
        voltage = netxr.load_activity(
            network / "v_alltimes.txt",
            dims=("neuron", "time"),
            sampling_interval=1,
            interval_units="ms",
            units="mV",
        )
        moments = netxr.lagged_moments(voltage.clip(max=SPIKE_CUT), lags=range(6))  # all estimates follow from these
        one, five = netxr.regression(moments), netxr.regression(moments, lags=5)
        estimates = {
            "correlation": netxr.lagged_correlation(moments, lag=1),
            "regression": one.coefficient,
            "its t": one.t,
            "sum of 5 lags": five.coefficient.sum("lag"),
        }
        found[f"{network.parent.name}/{network.name}"] = scores(A, estimates)
    print("Izhikevich networks: voltage, lag 1 ms, Pearson correlation without the diagonal")
    print(pd.concat(found).round(3).to_string())
    print(WHY_REGRESSION)


def netsim(folder: Path) -> None:
    """Score the BOLD signals, and average over the subjects."""
    files = sorted(folder.glob("*.npz"))
    found = []
    for file in files:
        A = netxr.load_connectivity(file, rows="target", name="Gref")
        moments = netxr.lagged_moments(netxr.load_activity(file, dims=("neuron", "time"), name="X_np"), lags=[0, 1])
        estimates = {
            "correlation, lag 0": netxr.lagged_correlation(moments, lag=0),
            "partial correlation, lag 0": netxr.partial_correlation(moments),
            "the same, shrunk (OAS)": netxr.partial_correlation(moments, shrinkage="oas"),
            "correlation, lag 1": netxr.lagged_correlation(moments, lag=1),
            "regression, lag 1": netxr.regression(moments).coefficient,
        }
        no_self_connection = A.where(A.target != A.source, 0)
        with_diagonal = scores(no_self_connection, estimates, diagonal=True)["with A"]
        found.append(scores(A, estimates).assign(**{"with A, diagonal included": with_diagonal}))
    print(f"NetSim simulation 3: BOLD, Pearson correlation, mean of {len(files)} subjects")
    print(sum(found[1:], found[0]).div(len(files)).round(3).to_string())
    print(WHY_NO_DIRECTION)


def main() -> None:
    """Score every recording in the folder that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/recordings.py FOLDER")
    folder = Path(sys.argv[1])
    known = {"izhikevich": izhikevich, "netsim_sim3": netsim}
    there = [name for name in known if (folder / name).is_dir()]
    if not there:
        sys.exit(f"{folder}: holds neither {' nor '.join(known)}")
    for name in there:
        known[name](folder / name)
        print()


if __name__ == "__main__":
    main()
