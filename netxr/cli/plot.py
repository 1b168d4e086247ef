"""``netxr plot``: what a store holds, as a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import xarray as xr

import netxr
from netxr.cli import options
from netxr.cli.output import check_vacant
from netxr.errors import InvalidInput
from netxr.names import (
    ACTIVITY,
    CONNECTIVITY,
    FINISHED,
    LAGGED_CORRELATION,
    LONG_NAME,
    NEURON,
    PEARSON,
    SCORE_DEFINED,
    SCORE_MEAN,
    SCORE_STD,
    SOURCE,
    TARGET,
    TIME,
)

KINDS: Final = ("compare", "matrix", "network", "overview", "traces", "curve")
PICTURES: Final = (".png", ".svg", ".pdf")
PAGE: Final = ".html"
MOST_TRACES: Final = 20


@click.command()
@click.argument("store", type=options.PATH)
@click.argument("figure", metavar="FIGURE", type=options.PATH)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    help="By default: curve of a sweep; else compare where A and R are there, matrix of one of them, or traces.",
)
@click.option("--variable", metavar="KEY", help="The matrix to draw as matrix or network.")
@click.option(
    "--at", "places", metavar="DIM=LABEL", multiple=True, help="Take this entry of a dim, e.g. trial=2 or lag=0."
)
@click.option("--x", metavar="NAME", help="What a curve is drawn over, e.g. n_neurons.")
@click.option("--score", show_default=PEARSON, help="The score of a curve, and of the title over A and R.")
@click.option(
    "--steps", type=click.IntRange(min=1), default=500, show_default=True, help="Samples of traces, from the first."
)
@options.quiet
def command(
    store: Path,
    figure: Path,
    kind: str | None,
    variable: str | None,
    places: Sequence[str],
    x: str | None,
    score: str | None,
    steps: int,
    quiet: bool,
) -> None:
    """Draw what a store holds.

    FIGURE ends in .png, .svg or .pdf, or in .html for an interactive page that opens without a network. Matrices
    have from (source) to the right and to (target) downwards; red is positive, blue negative. Only what is drawn
    is read: of several trials or lags, the first one, unless --at says which.

    \b
    Kinds:
      compare   true connectivity A beside its estimate R      matrix, network   one of the two
      overview  both as graphs and as matrices                 traces            activity over time
      curve     a score over a parameter of a sweep

    \b
    Examples:
      netxr plot estimate.zarr estimate.png --at lag=1
      netxr plot run.zarr network.svg --kind network
      netxr plot size.zarr size.html --x n_neurons --at sparsity=0.9
    """  # noqa: D301 - click wants the character
    if figure.suffix.lower() not in (*PICTURES, PAGE):
        raise InvalidInput("FIGURE", got=str(figure), expected=f"a name that ends in {', '.join((*PICTURES, PAGE))}")
    check_vacant(figure)
    data = netxr.open(store)
    _check_finished(data)
    data = _placed(data, places)
    kind = kind or _kind_of(data)
    drawn = _draw(kind, data, variable=variable, x=x, score=score, steps=steps)
    if figure.suffix.lower() == PAGE:
        netxr.report.write_report(figure, title=str(store), parts=[netxr.report.Figure(kind, "", drawn)])
    else:
        netxr.plot.save(drawn, figure)
    if not quiet:
        click.echo(f"Drew {kind} of {store} to {figure}")


def _check_finished(data: xr.Dataset) -> None:
    """Raise if the store is of a sweep that is not finished: its means and deviations come with the last cell."""
    if FINISHED in data and not data[FINISHED].all():
        done, total = int(data[FINISHED].sum()), data[FINISHED].size
        raise InvalidInput(
            "STORE",
            got=f"an unfinished sweep, {done} of {total} cells",
            expected="a finished one",
            fix="Run the same netxr sweep again: it computes what is missing.",
        )


def _placed(data: xr.Dataset, places: Sequence[str]) -> xr.Dataset:
    """Take the entries that `places`, such as "lag=0", name."""
    for place in places:
        dim, _, text = place.partition("=")
        if dim not in data.dims:
            raise InvalidInput(
                "--at", got=repr(place), expected=f"DIM=LABEL, with DIM one of {', '.join(map(str, data.dims))}"
            )
        labels = data[dim].values.tolist()
        if text not in map(str, labels):
            shown = ", ".join(map(str, labels[:10]))
            raise InvalidInput("--at", got=repr(place), expected=f"a label along {dim}, such as {shown}")
        data = data.isel({dim: list(map(str, labels)).index(text)})
    return data


def _kind_of(data: xr.Dataset) -> str:
    """Return which kind of figure suits what is there."""
    if any(str(name).endswith(SCORE_MEAN) for name in data.data_vars):
        return "curve"
    matrices = [name for name in (CONNECTIVITY, LAGGED_CORRELATION) if name in data]
    if matrices:
        return "compare" if len(matrices) == 2 else "matrix"
    return "traces"


def _draw(kind: str, data: xr.Dataset, *, variable: str | None, x: str | None, score: str | None, steps: int) -> Any:
    """Return the figure."""
    if kind == "curve":
        return _curve(data, x, score or PEARSON)
    if kind == "traces":
        window = _variable(data, ACTIVITY).isel({NEURON: slice(MOST_TRACES), TIME: slice(steps)})
        return netxr.plot.traces(_first(window, keep=(NEURON, TIME)), n_steps=steps)
    if kind in ("matrix", "network"):
        known = CONNECTIVITY if CONNECTIVITY in data else LAGGED_CORRELATION
        matrix = _first(_variable(data, variable or known), keep=(TARGET, SOURCE))
        return getattr(netxr.plot, kind)(matrix, title=str(matrix.attrs.get(LONG_NAME, matrix.name)))
    A, R = (_first(_variable(data, name), keep=(TARGET, SOURCE)) for name in (CONNECTIVITY, LAGGED_CORRELATION))
    scored = data.get(PEARSON) if score is None else _variable(data, score)
    return getattr(netxr.plot, kind)(A, R, score=None if scored is None else _first(scored))


def _variable(data: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable of the store."""
    if name not in data:
        there = ", ".join(map(str, data.data_vars)) or "nothing"
        raise InvalidInput("STORE", got=f"no {name}", expected=f"it for this figure; the store has {there}")
    return data[name]


def _first(data: xr.DataArray, keep: Sequence[str] = ()) -> xr.DataArray:
    """Load the first entry along every dim but those in `keep`."""
    return data.isel({dim: 0 for dim in data.dims if dim not in keep}).compute()


def _curve(data: xr.Dataset, x: str | None, score: str) -> Any:
    """Return a score over the one parameter that varies, or that `x` names."""
    mean = _variable(data, score + SCORE_MEAN)
    varies = [str(dim) for dim in mean.dims if mean.sizes[dim] > 1]
    along = list(data[x].dims) if x in data.coords else varies
    if len(varies) > 1 or not (x or varies):
        raise InvalidInput(
            "--at",
            got=f"scores over {', '.join(varies) or 'nothing'}",
            expected="one parameter that varies",
            fix="Take one entry of each other, e.g. --at sparsity=0.9.",
        )
    curve = data[[score + ending for ending in (SCORE_MEAN, SCORE_STD, SCORE_DEFINED)] + [score]]
    return netxr.plot.score_curve(
        curve.squeeze([d for d in mean.dims if d not in along]).compute(), x=x or varies[0], score=score
    )
