"""``netxr estimate``: connectivity out of a recording, scored where the truth is known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import numpy as np
from dask.callbacks import Callback

import netxr
from netxr.cli import options
from netxr.cli.output import check_vacant, echo_json, progress, table
from netxr.cli.scores import Scored, document, echo_scores, score
from netxr.names import (
    CONNECTIVITY,
    DIAGONAL,
    LAG,
    LAGGED_CORRELATION,
    LONG_NAME,
    NEURON,
    PERMUTATIONS,
    SEED,
    SOURCE,
    TARGET,
    TIME,
    TRIAL,
)

if TYPE_CHECKING:
    import xarray as xr

STRONGEST: Final = 10
"""Pairs of neurons that are printed."""


@click.command()
@click.argument("recording", type=options.PATH)
@click.option(
    "--dims",
    type=options.WORDS,
    metavar="DIM,DIM",
    help="What the axes of a plain file are, rows first: neuron,time or time,neuron, or three of them with trial.",
)
@click.option(
    "--lag",
    "lags",
    type=int,
    multiple=True,
    default=(1,),
    show_default=True,
    help="Samples by which the target is read after the source, 0 or above. Repeat it for several.",
)
@click.option("--pool-trials", is_flag=True, help="One estimate from the pairs of samples of all trials.")
@click.option(
    "--source", "sources", metavar="LABEL", multiple=True, help="Only connections from this neuron; may be repeated."
)
@options.key("--name", "recording")
@click.option("--groups", type=int, help="Average the neurons into so many equal consecutive groups first.")
@click.option("--drop-bad-frames", is_flag=True, help="Leave out frames that hold NaN or infinity: otherwise an error.")
@click.option(
    "--clip",
    nargs=2,
    type=float,
    metavar="LOW HIGH",
    callback=options.check_ascending,
    help="Cut samples off at these values first, in their own unit.",
)
@click.option("--sampling-interval", type=float, help="Seconds from one sample of a plain file to the next.")
@click.option("--truth", type=options.PATH, metavar="FILE", help="True connectivity, to score the estimate against.")
@options.rows("--rows", "truth")
@options.key("--truth-name", "true connectivity")
@options.diagonal
@options.permutations
@click.option("--out", type=options.PATH, metavar="OUT.zarr", help="Save the estimate, and scores if there are any.")
@options.quiet
@options.as_json
def command(
    recording: Path,
    dims: tuple[str, ...] | None,
    lags: tuple[int, ...],
    pool_trials: bool,
    sources: tuple[str, ...],
    name: str | None,
    groups: int | None,
    drop_bad_frames: bool,
    clip: tuple[float, float] | None,
    sampling_interval: float | None,
    truth: Path | None,
    rows: Any,
    truth_name: str | None,
    diagonal: bool | None,
    permutations: int,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Estimate connectivity from a recording, and score it where the truth is known.

    RECORDING is a .npy, .npz, .csv, .tsv or .txt file, or a Zarr store of netxr. What its axes are is never guessed:
    say it with --dims. The estimate is the lagged correlation R: R[i, j] correlates neuron i (target, row) with
    neuron j (source, column) LAG samples before. Correlations have no unit, and a lag counts samples.

    With --truth, or a store that holds its true connectivity, R is scored against it; say with --diagonal or
    --no-diagonal whether self-connections enter.

    \b
    Examples:
      netxr estimate run.zarr --no-diagonal --out estimate.zarr
      netxr estimate voltage.txt --dims neuron,time --clip -100 30 --truth A.txt --rows target --no-diagonal
      netxr estimate traces.csv --dims time,neuron --lag 0 --lag 1 --lag 2 --drop-bad-frames
    """  # noqa: D301 - click wants the character
    _check_usage(truth, rows, truth_name, diagonal)
    if out is not None:
        check_vacant(out)
    activity = netxr.load_activity(recording, dims=dims, name=name, sampling_interval=sampling_interval)
    A = _true_connectivity(recording, activity) if truth is None else _load_truth(truth, rows, truth_name, activity)
    if A is None and diagonal is not None:
        raise click.UsageError(f"--diagonal and --no-diagonal go with a truth, and {recording} holds none.")
    if clip is not None:
        activity = activity.clip(*clip, keep_attrs=True)
    if groups is not None:
        activity, A = netxr.coarsen(activity, groups=groups), None if A is None else netxr.coarsen(A, groups=groups)
    lazy = netxr.lagged_correlation(
        activity,
        lag=lags,
        dim=(TIME, TRIAL) if pool_trials and TRIAL in activity.dims else TIME,
        source=_labels(sources, activity) or None,
        missing="drop" if drop_bad_frames else "raise",
    )
    R = _computed(lazy, quiet=quiet or as_json)
    scored = None if A is None or diagonal is None else score(A, R, diagonal=diagonal, permutations=permutations)
    if out is not None:
        netxr.save(_result(R, A, scored), out)
    summary = _summary(R, activity) | ({} if out is None else {"out": str(out)})
    if as_json:
        echo_json(summary | ({} if scored is None else document(scored)))
        return
    _echo_summary(summary, quiet=quiet)
    if scored is not None:
        echo_scores(scored, quiet=quiet)
    elif A is not None and not quiet:
        click.echo(f"{recording} holds its true connectivity: add --diagonal or --no-diagonal for scores against it.")


def _check_usage(truth: Path | None, rows: str | None, truth_name: str | None, diagonal: bool | None) -> None:
    """Raise if options do not go together."""
    if truth is None and (rows or truth_name):
        raise click.UsageError("--rows and --truth-name go with --truth.")
    if truth is not None and diagonal is None:
        raise click.UsageError("Say --diagonal or --no-diagonal: whether self-connections enter the scores.")


def _true_connectivity(recording: Path, activity: "xr.DataArray") -> "xr.DataArray | None":
    """Return the connectivity that a store holds beside its activity."""
    if not recording.is_dir() or CONNECTIVITY not in netxr.open(recording):
        return None
    held: xr.DataArray = netxr.load_connectivity(recording)
    return held


def _load_truth(path: Path, rows: Any, name: str | None, activity: "xr.DataArray") -> "xr.DataArray":
    """Load the true connectivity; a plain file has the neurons in the order of the recording."""
    truth: xr.DataArray = netxr.load_connectivity(path, rows=rows, name=name)
    if path.is_dir():
        return truth
    size, neurons = truth.sizes[TARGET], activity[NEURON].values
    if size != len(neurons):
        raise click.BadParameter(
            f"the truth is {size} x {size} and the recording has {len(neurons)} neurons.", param_hint="--truth"
        )
    return truth.assign_coords({TARGET: neurons, SOURCE: neurons})


def _labels(texts: Sequence[str], activity: "xr.DataArray") -> list[Any]:
    """Return the labels of neurons that are written like `texts`; a text that is like none stays as it is."""
    written = {str(label): label for label in activity[NEURON].values.tolist()}
    return [written.get(text, text) for text in texts]


def _computed(estimate: "xr.DataArray", *, quiet: bool) -> "xr.DataArray":
    """Compute an estimate, with progress on the terminal."""
    with progress("Estimating", quiet=quiet) as report:
        if report is None:
            return estimate.compute()

        def count(_key: Any, _result: Any, _graph: Any, state: Mapping[str, Any], _worker: Any) -> None:
            report(
                len(state["finished"]), sum(len(state[part]) for part in ("finished", "ready", "running", "waiting"))
            )

        with Callback(posttask=count):  # type: ignore[no-untyped-call]
            return estimate.compute()


def _result(R: "xr.DataArray", A: "xr.DataArray | None", scored: Scored | None) -> "xr.Dataset":
    """Return what is saved: the estimate, its scores, and the truth where it is on the same neurons."""
    about_run = {name: value for name, value in R.attrs.items() if name != LONG_NAME}
    result = R.to_dataset(name=LAGGED_CORRELATION).assign_attrs(about_run)
    if scored is not None:
        # On the scores, because the run has a seed of its own.
        settings = {name: scored.scores.attrs[name] for name in (DIAGONAL, PERMUTATIONS, SEED)}
        result = result.assign({name: one.assign_attrs(settings) for name, one in scored.scores.data_vars.items()})
    if A is not None and all(A.indexes[axis].equals(R.indexes[axis]) for axis in (TARGET, SOURCE)):
        result = result.assign({CONNECTIVITY: A})
    return result


def _summary(R: "xr.DataArray", activity: "xr.DataArray") -> dict[str, Any]:
    """Return what was estimated out of what."""
    return {
        "neurons": activity.sizes[NEURON],
        "samples": activity.sizes[TIME],
        "trials": activity.sizes.get(TRIAL, 1),
        "lags": R[LAG].values.tolist(),
        "undefined": int(R.isnull().sum()),
        "strongest": _strongest(R),
    }


def _strongest(R: "xr.DataArray") -> list[dict[str, Any]]:
    """Return a row for each of the strongest correlations between different neurons, with their labels."""
    off_diagonal = R.where(R[TARGET] != R[SOURCE])
    magnitudes = np.abs(off_diagonal.values).ravel()
    candidates = np.flatnonzero(np.isfinite(magnitudes))
    order = candidates[np.argsort(-magnitudes[candidates], kind="stable")[:STRONGEST]]
    rows = []
    for place in zip(*np.unravel_index(order, R.shape), strict=True):
        one = R[place]
        at = {str(dim): one[dim].item() if dim in one.coords else int(k) for dim, k in zip(R.dims, place, strict=True)}
        rows.append({"from": at.pop(SOURCE), "to": at.pop(TARGET)} | at | {"correlation": one.item()})
    return rows


def _echo_summary(summary: Mapping[str, Any], *, quiet: bool) -> None:
    """Print what was estimated, and the strongest pairs."""
    if not quiet:
        lags = ", ".join(map(str, summary["lags"]))
        shape = f"{summary['neurons']} neurons, {summary['samples']} samples, trials: {summary['trials']}"
        click.echo(f"Lagged correlation R at lag {lags}: {shape}; {summary['undefined']} entries undefined")
        click.echo("Strongest pairs of different neurons:")
    if summary["strongest"]:
        click.echo(table(summary["strongest"]))
    if not quiet:
        click.echo(f"Saved to {summary['out']}\n" if "out" in summary else "")
