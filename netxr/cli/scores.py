"""Scores of estimates as rows of a table, the same for every command."""

from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

import netxr
from netxr import names as n
from netxr.cli.output import listing, table

if TYPE_CHECKING:
    import xarray as xr

TRANSPOSED: Final = "pearson_transposed"
"""Pearson correlation with the axes of the truth swapped: if it is as high, the estimate says nothing of direction."""

ONE_SIDED: Final = (n.N_NEURONS_ONLY_TRUTH, n.N_NEURONS_ONLY_ESTIMATE, n.N_TRIALS_ONLY_TRUTH, n.N_TRIALS_ONLY_ESTIMATE)

HOW_TO_READ: Final = (
    f"{TRANSPOSED} is against A with its axes swapped: R tells direction only where {n.PEARSON} is clearly higher."
)


class Scored(NamedTuple):
    """Scores as a Dataset, and as a row for each matrix that was scored."""

    scores: "xr.Dataset"
    rows: list[dict[str, Any]]


def score(
    truth: "xr.DataArray", estimate: "xr.DataArray", *, diagonal: bool, permutations: int, seed: int = 0
) -> Scored:
    """Compare an estimate with the truth, and with the truth's axes swapped."""
    scores = netxr.compare(truth, estimate, diagonal=diagonal, permutations=permutations, seed=seed).compute()
    swapped = netxr.compare(
        truth.rename({n.TARGET: n.SOURCE, n.SOURCE: n.TARGET}), estimate, diagonal=diagonal, permutations=0
    )
    return Scored(scores, _rows(scores, swapped[n.PEARSON].compute()))


def document(scored: Scored) -> dict[str, Any]:
    """Return scores as a JSON document has them."""
    sides = {name: int(scored.scores[name]) for name in (n.N_NEURONS_SHARED, *ONE_SIDED) if name in scored.scores}
    return {n.DIAGONAL: scored.scores.attrs[n.DIAGONAL], "scores": scored.rows, "overlap": sides}


def echo_scores(scored: Scored, *, quiet: bool) -> None:
    """Print the scores, what they compare, and how to read them."""
    scores, rows = scored
    if not quiet:
        which = "included" if scores.attrs[n.DIAGONAL] else "left out"
        shared = int(scores[n.N_NEURONS_SHARED])
        click.echo(f"R against the true connectivity A: {shared} neurons in both, diagonal {which}")
    click.echo(listing(rows[0]) if len(rows) == 1 else table(rows))
    for name in ONE_SIDED:
        if name in scores and scores[name] > 0:
            about = scores[name].attrs
            click.echo(f"{about[n.LONG_NAME]}: {int(scores[name])} ({', '.join(about[n.LABELS])})", err=quiet)
    if quiet:
        return
    for name in _score_names(scores):
        if scores[name].isnull().any():
            click.echo(f"{name} is undefined where {scores[name].attrs[n.UNDEFINED_WHERE]}.")
    click.echo(HOW_TO_READ)


def _score_names(scores: "xr.Dataset") -> list[str]:
    """Return the names of the scores, without counts."""
    return [str(name) for name, values in scores.data_vars.items() if n.UNDEFINED_WHERE in values.attrs]


def _rows(scores: "xr.Dataset", transposed: "xr.DataArray") -> list[dict[str, Any]]:
    """Return a row for each matrix that was scored: its labels, its scores, its counts."""
    dims = [str(dim) for dim in scores[n.PEARSON].dims]
    rows = []
    for place in product(*(range(scores.sizes[dim]) for dim in dims)):
        at = dict(zip(dims, place, strict=True))
        one = scores.isel(at)
        labels = {dim: one[dim].item() if dim in one.coords else at[dim] for dim in dims}
        values = {name: float(one[name]) for name in _score_names(scores)}
        counts = {name: int(one[name]) for name in (n.N_PAIRS, n.N_UNDEFINED)}
        first = {n.PEARSON: values.pop(n.PEARSON), TRANSPOSED: float(transposed.isel(at))}
        rows.append(labels | first | values | counts)
    return rows
