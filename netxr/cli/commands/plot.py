"""``netxr plot``: what a store holds, as a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.figures import KINDS, FigureOptions, draw, kind_of
from netxr.cli.output import warn_of_unfinished
from netxr.errors import InvalidInput
from netxr.estimators.table import estimates_in
from netxr.schema.arguments import check_vacant
from netxr.simulation.sweep_plan import check_finished

ENDINGS: Final = (".png", ".svg", ".pdf", ".html")


@click.command()
@click.argument("store", type=options.PATH)
@click.argument("figure", metavar="FIGURE", type=options.PATH)
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    help="By default: curve for a sweep; else compare if there are A and R, matrix if there is one of them, or traces.",
)
@click.option("--variable", metavar="KEY", help="The matrix to draw; beside A, the estimate.")
@click.option(
    "--at", "places", metavar="DIM=LABEL", multiple=True, help="Take this entry of a dim, e.g. trial=2 or lag=0."
)
@click.option("--x", metavar="NAME", help="What a curve or a map is drawn over, e.g. n_neurons.")
@click.option("--y", metavar="NAME", help="The other parameter of a map.")
@click.option("--score", show_default=n.PEARSON, help="The score of a curve or a map, and of the title over A and R.")
@click.option("--steps", type=click.IntRange(min=1), help="Samples of activity, from the first; all if not given.")
@options.diagonal
@options.quiet
def command(
    store: Path,
    figure: Path,
    kind: str | None,
    variable: str | None,
    places: Sequence[str],
    x: str | None,
    y: str | None,
    score: str | None,
    steps: int | None,
    diagonal: bool | None,
    quiet: bool,
) -> None:
    """Draw what a store holds.

    FIGURE ends in .png, .svg or .pdf, or in .html for an interactive page that works without a network. In matrices, a
    column is from (source), a row is to (target); orange is positive, blue negative. Of several trials or lags the
    first is drawn, unless --at says which. Only what is drawn is read.

    \b
    Kinds:
      compare    true connectivity A beside its estimate R     matrix, network  one of the two
      overview   both as graphs and as matrices                lags             R over lag, the strongest pairs
      agreement  how R agrees with A, pair by pair             traces, raster   activity over time
      curve      a score over a parameter of a sweep           map              a score over two of them
      dashboard  all that a run has

    \b
    Examples:
      netxr plot estimate.zarr estimate.png --at lag=1
      netxr plot run.zarr network.svg --kind network
      netxr plot size.zarr size.html --x n_neurons --at sparsity=0.9
    """  # noqa: D301 - click wants the character
    if figure.suffix.lower() not in ENDINGS:
        raise InvalidInput("FIGURE", got=str(figure), expected=f"a name that ends in {', '.join(ENDINGS)}")
    check_vacant("FIGURE", figure)
    data = netxr.open(store)
    check_finished(data, argument="STORE")
    data = _placed(data, places)
    kind = kind or kind_of(data)
    drawn = draw(kind, data, FigureOptions(variable=variable, x=x, y=y, score=score, steps=steps, diagonal=diagonal))
    netxr.plot.save(drawn, figure)
    warn_of_unfinished(store)
    for name, one in data.data_vars.items():
        if n.OUTDATED in one.attrs:
            click.echo(f"Warning: {name} is outdated: {one.attrs[n.OUTDATED]}.", err=True)
    if not quiet:
        click.echo(f"Drew {kind} of {store} to {figure}")


def _placed(data: xr.Dataset, places: Sequence[str]) -> xr.Dataset:
    """Take the entries named by `places`, such as "lag=0"."""
    for place in places:
        dim, _, text = place.partition("=")
        if dim not in data.dims:
            made = estimates_in(data) if dim == n.ESTIMATOR else []
            fix = f"Estimates are variables here: --variable {text if text in made else made[0]}." if made else ""
            raise InvalidInput(
                "--at",
                got=repr(place),
                expected=f"DIM=LABEL, with DIM one of {', '.join(map(str, data.dims))}",
                fix=fix,
            )
        labels = data[dim].values.tolist()
        if text not in map(str, labels):
            shown = ", ".join(map(str, labels[:10]))
            raise InvalidInput("--at", got=repr(place), expected=f"a label along {dim}, such as {shown}")
        data = data.isel({dim: list(map(str, labels)).index(text)})
    return data
