"""``netxr simulate``: a network and its activity, straight to disk."""

from pathlib import Path
from typing import Any

import click

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.output import echo_json, listing, progress
from netxr.kernels.units import SIGMOID, UNITS

NEURONS, SPARSITY = 100, 0.9


@click.command()
@click.argument("out", metavar="OUT.zarr", type=options.PATH)
@click.option("--neurons", type=int, show_default=str(NEURONS), help="Size of the random network.")
@click.option(
    "--sparsity", type=float, show_default=str(SPARSITY), help="Probability that an entry of the random network is 0."
)
@click.option("--inhibitory", type=float, show_default="0", help="Share of the random network's neurons that inhibit.")
@click.option(
    "--spectral-radius",
    type=float,
    help="Largest absolute eigenvalue of the random network, in the place of a largest singular value of 1 / 1.01.",
)
@click.option(
    "--connectivity",
    type=options.PATH,
    metavar="FILE",
    help="Take the network from a .npy, .npz, .csv, .tsv or .txt file or a store, instead of a random one.",
)
@options.rows("--rows", "matrix in FILE")
@options.key("--connectivity-name", "connectivity")
@click.option(
    "--steps",
    "n_steps",
    type=int,
    default=5000,
    show_default=True,
    help="Samples in a trial, the first state included.",
)
@click.option("--trials", type=int, default=1, show_default=True, help="Repetitions, each with its own noise.")
@options.seed
@options.rng
@click.option(
    "--units",
    type=click.Choice(UNITS),
    default=SIGMOID,
    show_default=True,
    help="What a neuron makes of its drive: f in x(t + 1) = f(A x(t) + e(t)); lif: spikes, leaky integrate-and-fire.",
)
@click.option(
    "--common-drive",
    type=float,
    default=0.0,
    show_default=True,
    help="Weight of a signal that drives all neurons and is not recorded.",
)
@click.option("--noise-scale", type=float, default=1.0, show_default=True, help="Standard deviation of the noise e.")
@click.option(
    "--initial", type=float, default=0.0, show_default=True, help="State of every neuron at the first sample."
)
@click.option(
    "--burn-in",
    type=int,
    default=0,
    show_default=True,
    help="Steps before the first sample, in which activity comes to where it settles.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help="Of state and samples; float32 halves the store.",
)
@options.quiet
@options.as_json
def command(
    out: Path,
    neurons: int | None,
    sparsity: float | None,
    inhibitory: float | None,
    spectral_radius: float | None,
    connectivity: Path | None,
    rows: Any,
    connectivity_name: str | None,
    seed: int,
    rng: Any,
    quiet: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Simulate a network of neurons into a Zarr store.

    The state of every neuron follows x(t + 1) = f(A x(t) + e(t)), with independent Gaussian noise e; by default f is a
    sigmoid, and states lie between 0 and 1. Time is counted in steps. A[i, j] is the weight from neuron j to neuron i.
    A random network has independent edges of equal weight, scaled so that activity stays stable. Samples are written
    block by block, so that only the disk limits the length: a run takes at most about 1.3 GB of memory on top of its
    network, and much less for few trials. A run that was cut off keeps its samples, and the same command resumes it.

    \b
    Examples:
      netxr simulate run.zarr --neurons 50 --steps 20000 --trials 4 --seed 1
      netxr simulate small.zarr --neurons 6 --seed 42 --rng legacy     the tutorial's first network
      netxr simulate strong.zarr --units linear --inhibitory 0.2 --spectral-radius 0.9 --burn-in 200
      netxr simulate own.zarr --connectivity A.csv --rows source       your own matrix
    """  # noqa: D301 - click wants the character
    if connectivity is None:
        if rows or connectivity_name:
            raise click.UsageError("--rows and --connectivity-name go with --connectivity.")
        network = netxr.random_connectivity(
            NEURONS if neurons is None else neurons,
            sparsity=SPARSITY if sparsity is None else sparsity,
            inhibitory=inhibitory or 0.0,
            spectral_radius=spectral_radius,
            seed=seed,
            rng=rng,
        )
    else:
        if {neurons, sparsity, inhibitory, spectral_radius} != {None}:
            raise click.UsageError(
                "--neurons, --sparsity, --inhibitory and --spectral-radius describe a random network, and do not go "
                "with --connectivity."
            )
        with options.typed_as(name="--connectivity-name"):
            network = netxr.load_connectivity(connectivity, rows=rows, name=connectivity_name)
    with progress("Simulating", quiet=quiet or as_json) as report:
        run = netxr.simulate(network, seed=seed, rng=rng, store=out, progress=report, **settings)
    summary = {
        "store": str(out),
        "neurons": run.sizes[n.NEURON],
        "samples": run.sizes[n.TIME],
        "trials": run.sizes[n.TRIAL],
        "edges": int((run.connectivity != 0).sum()),
        "seed": seed,
        "rng": rng,
        "dtype": str(run.activity.dtype),
    }
    summary |= {n.REMARK: run.attrs[n.REMARK]} if n.REMARK in run.attrs else {}
    if as_json:
        echo_json(summary)
    elif not quiet:
        click.echo(listing(summary))
