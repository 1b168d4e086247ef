"""Scores of estimates as rows of a table, the same for every command."""

from typing import Any, Final, NamedTuple

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli.output import followed, listing, table, warnings_as_lines
from netxr.estimators.over_trials import entries, over_trials
from netxr.estimators.signs import sign_text

ONE_SIDED: Final = (n.N_NEURONS_ONLY_TRUTH, n.N_NEURONS_ONLY_ESTIMATE, n.N_TRIALS_ONLY_TRUTH, n.N_TRIALS_ONLY_ESTIMATE)

HOW_TO_READ: Final = (
    f"{n.PEARSON_TRANSPOSED} is against A with its axes swapped: R tells direction only where {n.PEARSON} is clearly "
    "further from 0."
)


class Scored(NamedTuple):
    """Scores as a Dataset, as a row for each matrix that was scored, and of several trials a row for each score.

    `signs` says which scores to go by if the truth has signs and the estimate tells none.
    """

    scores: xr.Dataset
    rows: list[dict[str, Any]]
    over_trials: list[dict[str, Any]]
    signs: str


def score(
    truth: xr.DataArray,
    estimate: xr.DataArray,
    *,
    diagonal: bool,
    permutations: int,
    seed: int = 0,
    quiet: bool,
) -> Scored:
    """Compare an estimate with the truth; a bar shows progress unless `quiet`."""
    with warnings_as_lines(), followed("Scoring", quiet=quiet):
        scores = netxr.compare(truth, estimate, diagonal=diagonal, permutations=permutations, seed=seed).compute()
    first = [n.PEARSON, n.PEARSON_TRANSPOSED]
    names = [*first, *(name for name in _score_names(scores) if name not in first)]
    summary = over_trials(scores, [name for name in names if name != n.MANTEL_P])
    return Scored(scores, _rows(scores, names), summary, sign_text(truth, estimate))


def document(scored: Scored) -> dict[str, Any]:
    """Return scores as a JSON document has them."""
    sides = {name: int(scored.scores[name]) for name in (n.N_NEURONS_SHARED, *ONE_SIDED) if name in scored.scores}
    summary = {"over_trials": scored.over_trials} if scored.over_trials else {}
    return {n.DIAGONAL: scored.scores.attrs[n.DIAGONAL], **summary, "scores": scored.rows, "overlap": sides}


def echo_scores(scored: Scored, *, quiet: bool) -> None:
    """Print the scores, what they compare, and how to read them."""
    scores, rows, over_trials, signs = scored
    if not quiet:
        which = "included" if scores.attrs[n.DIAGONAL] else "left out"
        shared = int(scores[n.N_NEURONS_SHARED])
        click.echo(f"R against the true connectivity A: {shared} neurons in both, diagonal {which}")
    if over_trials:
        click.echo(f"{table(over_trials)}\n")
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
    click.echo("\n".join(filter(None, (HOW_TO_READ, signs))))


def _score_names(scores: xr.Dataset) -> list[str]:
    """Return the names of the scores, without counts."""
    return [str(name) for name, values in scores.data_vars.items() if n.UNDEFINED_WHERE in values.attrs]


def _rows(scores: xr.Dataset, names: list[str]) -> list[dict[str, Any]]:
    """Return a row for each matrix that was scored: its labels, its scores, its counts."""
    return [
        labels
        | {name: float(one[name]) for name in names}
        | {name: int(one[name]) for name in (n.N_PAIRS, n.N_UNDEFINED)}
        for labels, one in entries(scores, [str(dim) for dim in scores[n.PEARSON].dims])
    ]
