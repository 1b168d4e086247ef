"""``netxr map``: where a score is good enough, over networks, lengths and what is recorded of them."""

from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import pandas as pd
import xarray as xr
from click.core import ParameterSource

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.output import echo_json, progress, table
from netxr.estimators.score_limit import CORRELATIONS, VERDICTS, verdicts
from netxr.estimators.table import BUILT_IN
from netxr.schema.arguments import check_vacant
from netxr.schema.outputs import write_new
from netxr.simulation.sweep_plan import WITHOUT_PERMUTATIONS

METHODS: Final = tuple(name for name in BUILT_IN if name not in (n.CORRELATION, n.CORRELOGRAM_EXCESS))
"""Estimators that are compared: all but the one that looks at no past, and the one of spike trains."""

DEFAULTS: Final = {
    n.N_NEURONS: "25,50,100,200",
    n.SPECTRAL_RADIUS: "0.3,0.6,0.9,0.97",
    n.N_STEPS: "1000,5000,20000,100000",
    n.OBSERVED: "1,0.5,0.25",
}
"""What a map is over: 5,760 scores of five trials and six estimators."""


@click.command()
@click.argument("out", metavar="OUT.zarr", type=options.PATH)
@options.axes(**DEFAULTS)
@click.option(
    "--method",
    "methods",
    multiple=True,
    default=METHODS,
    metavar="NAME",
    show_default=True,
    help="Estimators; the first is drawn by itself as well.",
)
@options.model(units="linear", weights="normal")
@click.option("--trials", type=int, default=5, show_default=True, help="Networks in each cell, seeded by seed + trial.")
@options.seed
@click.option("--diagonal/--no-diagonal", default=False, show_default=True, help="Whether self-connections count.")
@click.option(
    "--workers", type=int, default=1, show_default=True, help="Cells computed in parallel: each takes up to 500 MB."
)
@click.option(
    "--score",
    type=click.Choice(CORRELATIONS),
    default=n.PEARSON,
    show_default=True,
    help="The score that is drawn; all scores are stored.",
)
@click.option("--at", type=float, default=0.9, show_default=True, help="The score that is good enough.")
@click.option(
    "--figure", type=options.PATH, help="Picture to write, .png, .svg or .pdf; beside the store if not given."
)
@click.option("--table", "rows", type=options.PATH, help="Table to write, .csv; beside the store if not given.")
@options.quiet
@options.as_json
@click.pass_context
def command(
    ctx: click.Context,
    /,
    out: Path,
    methods: tuple[str, ...],
    score: str,
    at: float,
    figure: Path | None,
    rows: Path | None,
    quiet: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Draw where correlation is good enough, and what is where it is not.

    Simulates networks over spectral radius, size, length and the share of neurons that is recorded, and scores
    estimators of their connectivity. OUT.zarr keeps each network as it finishes: the same command again goes on where
    it was interrupted. Then OUT.png and OUT.csv are written: in each cell the best estimator, its score, and whether
    that is good enough, would be with more samples, or never. All options of netxr sweep make other maps.

    \b
    Examples:
      netxr map map.zarr
      netxr map small.zarr --neurons 25,50 --steps 1000,10000 --observed 1,0.5 --trials 3
      netxr map sigmoid.zarr --coupling 1,4,8 --inhibitory 0.5 --units sigmoid --weights binary --burn-in 200
    """  # noqa: D301 - click wants the character
    figure, rows = figure or out.with_suffix(".png"), rows or out.with_suffix(".csv")
    for option, path in (("--figure", figure), ("--table", rows)):
        check_vacant(option, path)
    if settings[n.COUPLING] is not None and ctx.get_parameter_source(n.SPECTRAL_RADIUS) == ParameterSource.DEFAULT:
        settings[n.SPECTRAL_RADIUS] = None
    with progress("Mapping", quiet=quiet or as_json) as report:
        swept = netxr.sweep(**settings, method=methods, scores=WITHOUT_PERMUTATIONS, store=out, progress=report)
    held = swept[[score]].compute()
    netxr.plot.save(netxr.plot.good_enough(held, score=score, at=at), figure)
    found = _rows(held, score, at)
    write_new(rows, found.to_csv(index=False).encode(), argument="--table")
    _say(found, out, figure, rows, quiet=quiet, as_json=as_json)


def _rows(held: xr.Dataset, score: str, at: float) -> pd.DataFrame:
    """Return a row for each cell and length: what is best there, what it ends at, and whether it is good enough."""
    found = verdicts(held, score=score, at=at).reset_coords(drop=True)
    single = [dim for dim in found.dims if found.sizes[dim] == 1]
    frame = found.squeeze(single, drop=True).to_dataframe().reset_index()
    frame[n.VERDICT] = [(*VERDICTS, "undefined")[place] for place in frame[n.VERDICT]]
    return frame


def _say(found: pd.DataFrame, out: Path, figure: Path, rows: Path, *, quiet: bool, as_json: bool) -> None:
    """Print what holds at the longest length, and where everything is."""
    longest = found[found[n.N_STEPS] == found[n.N_STEPS].max()].to_dict("records")
    if as_json:
        echo_json({"store": str(out), "figure": str(figure), "table": str(rows), "cells": longest})
        return
    shown = [{**row, n.SAMPLES_NEEDED: _counted(row[n.SAMPLES_NEEDED])} for row in longest]
    kept = [key for key in longest[0] if key not in (n.HALF_SAMPLES, n.LIMIT_STANDARD_ERROR)]
    click.echo(table([{key: row[key] for key in kept} for row in shown]))
    if not quiet:
        click.echo(f"Drew {figure}, wrote {rows}; all scores are in {out}")


def _counted(samples: float) -> str:
    """Return a number of samples as text."""
    return f"{samples:,.0f}" if np.isfinite(samples) else "none"
