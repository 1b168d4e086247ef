"""``netxr sweep``: scores over a grid of parameters."""

from itertools import product
from pathlib import Path
from typing import Any

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.output import echo_json, progress, table
from netxr.estimators.compare import SCORE_ATTRS
from netxr.simulation.axes import AXES
from netxr.simulation.sweep_plan import WITHOUT_PERMUTATIONS


@click.command()
@click.argument("out", metavar="OUT.zarr", type=options.PATH)
@options.axes()
@options.methods
@options.model()
@click.option("--trials", type=int, default=5, show_default=True, help="Networks in each cell, seeded by seed + trial.")
@options.seed
@options.rng
@click.option(
    "--activity-seed",
    type=options.NOT_NEGATIVE,
    help="Seed of the noise of every trial, which --rng modern draws anew for each.  [default: --seed; with --rng "
    "legacy that of the trial's network]",
)
@click.option(
    "--diagonal/--no-diagonal",
    default=True,
    show_default=True,
    help="Whether self-connections are included in the scores.",
)
@click.option("--workers", type=int, default=1, show_default=True, help="Cells computed in parallel.")
@click.option(
    "--score",
    type=click.Choice(WITHOUT_PERMUTATIONS),
    default=n.PEARSON,
    show_default=True,
    help="The score that is printed. Stored are all of the usual ones, or this alone where it is none of them.",
)
@options.quiet
@options.as_json
def command(out: Path, score: str, methods: tuple[str, ...], quiet: bool, as_json: bool, **settings: Any) -> None:
    """Score estimates over network size, sparsity, length, coarseness, lag and more.

    Every trial draws a network, simulates it, estimates its connectivity by --method and scores that
    against the true one. The store keeps each cell as it finishes: the same command again computes only what is
    missing. Values separated by commas make a grid; steps and lags count samples.

    \b
    Examples:
      netxr sweep size.zarr --neurons 5,10,25,50,100 --steps 1000
      netxr sweep coarse.zarr --neurons 128 --groups 0,4,16,64 --trials 3 --workers 2
      netxr plot size.zarr size.png
    """  # noqa: D301 - click wants the character
    with progress("Sweeping", quiet=quiet or as_json) as report:
        method = methods[0] if len(methods) == 1 else methods
        scores = netxr.sweep(**settings, method=method, scores=scored(score), store=out, progress=report)
    rows = _rows(scores, score)
    if as_json:
        echo_json({"store": str(out), "score": score, n.DIAGONAL: settings[n.DIAGONAL], "cells": rows})
        return
    if not quiet:
        which = "included" if settings[n.DIAGONAL] else "left out"
        spread = "mean and standard deviation over the trials in which it is defined"
        click.echo(f"{score} of A and R, diagonal {which}: {spread}")
    axes = [name for name in rows[0] if name in AXES]
    click.echo(table([row | {name: f"{row[name]:g}" for name in axes if not AXES[name].is_text} for row in rows]))


def scored(score: str) -> list[str] | None:
    """Return the scores that are stored, None for the usual ones."""
    return None if score in SCORE_ATTRS else [score]


def _rows(scores: xr.Dataset, score: str) -> list[dict[str, Any]]:
    """Return a row for each cell: settings, mean, standard deviation, and how many of how many trials are defined."""
    summary = scores[[score + ending for ending in (n.SCORE_MEAN, n.SCORE_STD, n.SCORE_DEFINED)]].compute()
    axes = [str(dim) for dim in summary[score + n.SCORE_MEAN].dims]
    rows = []
    for place in product(*(range(summary.sizes[axis]) for axis in axes)):
        cell = summary.isel(dict(zip(axes, place, strict=True)))
        labels = {axis: cell[axis].item() for axis in axes}
        values = {"mean": float(cell[score + n.SCORE_MEAN]), "standard deviation": float(cell[score + n.SCORE_STD])}
        rows.append(labels | values | {"defined": int(cell[score + n.SCORE_DEFINED]), "trials": scores.sizes[n.TRIAL]})
    return rows
