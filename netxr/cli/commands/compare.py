"""``netxr compare``: an estimate against the truth."""

from pathlib import Path
from typing import Any

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.output import echo_json
from netxr.cli.scores import document, echo_scores, score
from netxr.errors import InvalidInput
from netxr.estimators.table import drawn_estimate
from netxr.recordings.formats.text.connectivity import read_labels
from netxr.recordings.truths import as_called
from netxr.schema.variables import labels_of


@click.command()
@click.argument("truth", type=options.PATH)
@click.argument("estimate", type=options.PATH)
@options.diagonal
@options.rows("--rows", "TRUTH file")
@options.rows("--estimate-rows", "ESTIMATE file")
@options.key("--truth-name", "true connectivity")
@options.key("--estimate-name", "estimate")
@options.neurons("--neurons", "neurons of TRUTH")
@options.neurons("--estimate-neurons", "neurons of ESTIMATE")
@options.permutations
@click.option("--seed", type=options.NOT_NEGATIVE, default=0, show_default=True, help="Seed of the permutations.")
@options.quiet
@options.as_json
def command(
    truth: Path,
    estimate: Path,
    diagonal: bool | None,
    rows: Any,
    estimate_rows: Any,
    truth_name: str | None,
    estimate_name: str | None,
    neurons: Path | None,
    estimate_neurons: Path | None,
    permutations: int,
    seed: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """Score an estimated connectivity against the true one.

    TRUTH and ESTIMATE are .npy, .npz, .csv, .tsv or .txt files with a square matrix, or Zarr stores of netxr; in text,
    rows and columns may have names, or edges be listed. Both are aligned by the labels of their neurons, and compared
    for those that they share; neurons without a label are 0, 1, 2, ... An undefined score is printed with the reason.
    Scores have no unit.

    \b
    Examples:
      netxr compare run.zarr estimate.zarr --no-diagonal
      netxr compare A.csv R.npy --rows source --estimate-rows target --diagonal
    """  # noqa: D301 - click wants the character
    if diagonal is None:
        raise click.UsageError("Say --diagonal or --no-diagonal: whether self-connections are included in the scores.")
    R = _load_estimate(estimate, estimate_rows, estimate_name, estimate_neurons)
    with options.typed_as(name="--truth-name"):
        A = netxr.load_connectivity(truth, rows=rows, name=truth_name, neurons=_labels(neurons))
    A = as_called(A, labels_of(R, n.TARGET).tolist())
    scored = score(A, R, diagonal=diagonal, permutations=permutations, seed=seed, quiet=quiet or as_json)
    if as_json:
        echo_json(document(scored))
    else:
        echo_scores(scored, quiet=quiet)


def _labels(path: Path | None) -> list[Any] | None:
    """Return the labels in a file, if there is one."""
    return None if path is None else read_labels(path)


def _load_estimate(path: Path, rows: Any, name: str | None, neurons: Path | None) -> xr.DataArray:
    """Load an estimate; in a store it may have lags and trials."""
    if not path.is_dir():
        with options.typed_as(rows="--estimate-rows", name="--estimate-name", neurons="--estimate-neurons"):
            matrix: xr.DataArray = netxr.load_connectivity(path, rows=rows, name=name, neurons=_labels(neurons))
        return matrix
    if rows not in (None, n.TARGET):
        expected = f"nothing, or {n.TARGET!r}: {path} is a store, whose rows are targets"
        raise InvalidInput("--estimate-rows", got=repr(rows), expected=expected)
    store = netxr.open(path)
    variable = name or drawn_estimate(store)
    if variable not in store:
        there = ", ".join(map(str, store.data_vars)) or "nothing"
        expected = f"an estimate that {path} holds, which has {there}"
        raise InvalidInput("--estimate-name", got=repr(name) if name else "none", expected=expected)
    stored: xr.DataArray = store[variable]
    return stored
