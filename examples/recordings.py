"""Lagged correlation against known connectivity, on simulated recordings that others published.

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
from pathlib import Path

import numpy as np
import xarray as xr

import netxr

SPIKE_CUT = 30.0
"""mV; the spikes of this model overshoot to 1,100 mV, and would drown everything else."""

WHY_NO_DIRECTION = """\
With the diagonal, every region's likeness to its own past counts as an edge that is not there: the score falls.
BOLD signals change slowly: a region looks nearly the same one sample later, so that the correlation at lag 1 is a
fainter copy of the one at lag 0, which is the same both ways. Such a lag carries no direction: the score against A
transposed is as high as against A. The voltages above change within a sample, and there direction shows."""


def pearson(truth: xr.DataArray, estimate: xr.DataArray, *, diagonal: bool = False) -> float:
    """Score an estimate against a connectivity."""
    return netxr.compare(truth, estimate, diagonal=diagonal, permutations=0).pearson.item()


def transposed(truth: xr.DataArray) -> xr.DataArray:
    """Turn every edge round."""
    return truth.rename(target="source", source="target")


def no_self_connection(truth: xr.DataArray) -> xr.DataArray:
    """Say that no neuron drives itself."""
    return truth.where(truth.target != truth.source, 0)


def izhikevich(folder: Path) -> None:
    """Score the networks of spiking neurons, at a lag of 1 ms."""
    print("Izhikevich networks: voltage, lag 1 ms, Pearson correlation without the diagonal")
    print(f"{'network':<16}{'neurons':>8}{'R with A':>12}{'R with A transposed':>22}")
    for network in sorted(folder.glob("exc*/p*")):
        A = netxr.load_connectivity(network / "connectivity.txt", rows="target")
        voltage = netxr.load_activity(
            network / "v_alltimes.txt",
            dims=("neuron", "time"),
            sampling_interval=1,
            interval_units="ms",
            units="mV",
        )
        R = netxr.lagged_correlation(voltage.clip(max=SPIKE_CUT), lag=1)
        name = f"{network.parent.name}/{network.name}"
        print(f"{name:<16}{A.sizes['target']:>8}{pearson(A, R):>12.3f}{pearson(transposed(A), R):>22.3f}")


def netsim(folder: Path) -> None:
    """Score the BOLD signals, and average over the subjects."""
    files = sorted(folder.glob("*.npz"))
    scores = []
    for file in files:
        A = netxr.load_connectivity(file, rows="target", name="Gref")
        bold = netxr.load_activity(file, dims=("neuron", "time"), name="X_np")
        R = netxr.lagged_correlation(bold, lags=[0, 1])
        for lag in (0, 1):
            one = R.sel(lag=lag)
            with_self = pearson(no_self_connection(A), one, diagonal=True)
            scores.append((pearson(A, one), pearson(transposed(A), one), with_self))
    mean = np.reshape(scores, (len(files), 2, 3)).mean(axis=0)
    print(f"NetSim simulation 3: BOLD, Pearson correlation, mean of {len(files)} subjects")
    print(f"{'lag':<5}{'R with A':>10}{'R with A transposed':>22}{'R with A, diagonal included':>30}")
    for lag, (with_A, with_transposed, with_diagonal) in enumerate(mean):
        print(f"{lag:<5}{with_A:>10.3f}{with_transposed:>22.3f}{with_diagonal:>30.3f}")
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
