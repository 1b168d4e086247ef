"""``netxr estimate``: connectivity from a recording, scored if the truth is known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.estimate_report import (
    STRONGEST,
    about_matrices,
    about_pairs,
    at_own_lags,
    echo_axes,
    echo_summary,
    result,
    summary,
)
from netxr.cli.output import echo_json, is_table, plan_of_estimate, running, save_result, warn_of_unfinished
from netxr.cli.scores import Scored, document, echo_scores, score
from netxr.cli.sure import (
    Asked,
    about_reliability,
    about_test,
    asked,
    check_asked,
    echo_sure,
    reliable,
    tested_and_edges,
)
from netxr.estimators.apply import compared, lags_needed
from netxr.estimators.estimator import Estimator
from netxr.estimators.table import ROWWISE, estimator
from netxr.moments.budget import RowPlan
from netxr.recordings.formats.text.connectivity import read_labels
from netxr.recordings.truths import load_truth
from netxr.schema.arguments import check_store_name, check_vacant
from netxr.schema.clock import in_samples
from netxr.schema.variables import labels_of


@click.command()
@click.argument("recording", type=options.PATH)
@options.dims
@options.methods
@click.option(
    "--lag",
    "wanted_lags",
    type=options.samples_or_time,
    metavar="LAG",
    multiple=True,
    default=("1",),
    show_default="1",
    help="Samples, or time such as 20ms, by which the target is read after the source; below 0, before it. Repeat it "
    "for several.",
)
@click.option("--pool-trials", is_flag=True, help="One estimate from the pairs of samples of all trials.")
@click.option(
    "--source", "sources", metavar="LABEL", multiple=True, help="Only connections from this neuron; may be repeated."
)
@options.key("--name", "recording")
@click.option("--groups", type=int, help="Average the neurons into so many equal consecutive groups first.")
@click.option(
    "--missing",
    type=click.Choice(["raise", "drop", "pairwise"]),
    default="raise",
    show_default=True,
    help="What to do with NaN or infinity: raise an error; drop every sample time that has one; or leave out these "
    "samples pair by pair.",
)
@options.gaps
@options.trials
@click.option(
    "--clip",
    nargs=2,
    type=float,
    metavar="LOW HIGH",
    callback=options.check_ascending,
    help="Limit samples to these values first, in their own unit.",
)
@click.option(
    "--high-pass",
    type=float,
    metavar="CUTOFF",
    help="Filter out what changes more slowly first: cycles a second, or per unit of the sampling interval.",
)
@click.option("--difference", is_flag=True, help="Take the differences of neighbouring samples first.")
@click.option("--sampling-interval", type=float, help="Seconds from one sample of a plain file to the next.")
@click.option("--truth", type=options.PATH, metavar="FILE", help="True connectivity, to score the estimate against.")
@options.rows("--rows", "truth")
@options.key("--truth-name", "true connectivity")
@options.neurons("--neurons", "neurons of the truth")
@options.diagonal
@options.permutations
@click.option(
    "--strongest", "most", type=click.IntRange(min=1), metavar="K", help="List the K strongest sources of each neuron."
)
@click.option(
    "--above", type=click.FloatRange(0), metavar="R", help="List the pairs of neurons whose |R| is at least this."
)
@options.tests
@click.option(
    "--memory",
    metavar="AMOUNT",
    help="Most memory of the pass over the recording, such as 2GiB; by default half of what is free. If R does not "
    "fit, and is saved without scores, it is written block by block.",
)
@click.option(
    "--out",
    type=options.PATH,
    metavar="OUT.zarr",
    help="Save the estimate with its scores, or the listed pairs; OUT.csv or OUT.tsv: their values as a table.",
)
@options.quiet
@options.as_json
def command(
    recording: Path,
    dims: tuple[str, ...] | None,
    methods: tuple[str, ...],
    wanted_lags: tuple[int | str, ...],
    pool_trials: bool,
    sources: tuple[str, ...],
    name: str | None,
    groups: int | None,
    missing: Any,
    gaps: Any,
    trial_length: float | str | None,
    clip: tuple[float, float] | None,
    high_pass: float | None,
    difference: bool,
    sampling_interval: float | None,
    truth: Path | None,
    rows: Any,
    truth_name: str | None,
    neurons: Path | None,
    diagonal: bool | None,
    permutations: int,
    most: int | None,
    above: float | None,
    test: bool,
    null: str | None,
    q: float | None,
    edges: Path | None,
    reliability: bool,
    memory: str | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Estimate connectivity from a recording, and score it if the truth is known.

    RECORDING is a Zarr store of netxr, or a file or folder that netxr import takes; if that needs further options,
    import it first. The axes of a plain array are never guessed: name them with --dims. The estimate is by default the
    lagged correlation R: R[i, j] correlates neuron i (target, row) with neuron j (source, column) LAG samples before.
    Correlations have no unit, and a lag counts samples.

    With --truth, or if the store holds its true connectivity, R is scored against it. A truth is a matrix, with or
    without names of rows and columns, or a list of edges with columns such as source, target and weight; names are
    matched with those of the recording. Say with --diagonal or --no-diagonal whether self-connections are included.

    With --test, pairs that are found are listed with p-values and intervals: by default those of lagged correlations,
    or those of --method regression or granger. A pair that correlates need not be connected. --edges saves the list.
    Where R does not fit into memory, and is neither saved nor scored, it is tested some rows at a time.

    With --strongest or --above, pairs of R are listed; a lagged correlation is never held as a whole, others have to
    fit into memory. --out saves the list; without --out it is printed.

    \b
    Examples:
      netxr estimate run.zarr --no-diagonal --out estimate.zarr
      netxr estimate voltage.txt --dims neuron,time --clip -100 30 --truth A.txt --rows target --no-diagonal
      netxr estimate traces.csv --dims time,neuron --lag 0 --lag 1 --lag 2 --missing drop
      netxr estimate run.zarr --method lagged_correlation --method correlation --no-diagonal
      netxr estimate calcium.zarr --high-pass 0.5 --no-diagonal --out R.csv
      netxr estimate long.zarr --memory 2GiB --strongest 5 --out pairs.zarr
      netxr estimate run.zarr --test --q 0.05 --edges edges.csv
    """  # noqa: D301 - click wants the character
    lists = most is not None or above is not None
    entries = [estimator(method) for method in dict.fromkeys(methods)]
    sure = asked(test, null, q, edges, reliability)
    _check_usage(truth, rows or truth_name or neurons, diagonal, lists=lists, entries=entries)
    of_pass = {"dim": (n.TIME, n.TRIAL) if pool_trials else n.TIME, "sources": sources or None, "missing": missing}
    check_asked(sure, entries, wanted_lags, out, options=of_pass, lists=lists)
    _check_out(out)
    activity = netxr.load_activity(recording, dims=dims, name=name, sampling_interval=sampling_interval, gaps=gaps)
    warn_of_unfinished(recording)
    if trial_length is not None:
        activity = netxr.cut_trials(activity, length=trial_length)
    lags = tuple(in_samples(list(wanted_lags), activity, argument="--lag"))
    A = _held_truth(recording) if truth is None else _truth_of(truth, activity, rows, truth_name, neurons)
    if A is None and diagonal is not None:
        raise click.UsageError(f"--diagonal and --no-diagonal need a truth, and {recording} has none.")
    if clip is not None:
        activity = activity.clip(*clip, keep_attrs=True)
    if high_pass is not None:
        activity = netxr.high_pass(activity, cutoff=high_pass)
    if difference:
        activity = netxr.difference(activity)
    if groups is not None:
        activity, A = netxr.coarsen(activity, groups=groups), None if A is None else netxr.coarsen(A, groups=groups)
    wanted = {
        "dim": (n.TIME, n.TRIAL) if pool_trials and n.TRIAL in activity.dims else n.TIME,
        "sources": _labels(sources, activity) or None,
        "missing": missing,
        "memory": memory,
    }
    silent, scored = quiet or as_json, None
    if lists:
        found = _list_pairs(entries[0], activity, lags, wanted, k=most, threshold=above, out=out, quiet=silent)
    else:
        scoring = None if A is None or diagonal is None else {"diagonal": diagonal, "permutations": permutations}
        found, scored = _estimate(entries, activity, lags, wanted, A, scoring, sure, out=out, quiet=silent)
    about = summary(entries, activity, lags, out) | found
    if as_json:
        echo_json(about | ({} if scored is None else document(scored)))
        return
    if not quiet:
        echo_axes(activity, dims)
    echo_summary(entries, about, quiet=quiet)
    echo_sure(about, quiet=quiet)
    if scored is not None:
        echo_scores(scored, quiet=quiet)
    elif A is not None and not lists and not quiet:
        click.echo(f"{recording} holds its true connectivity: add --diagonal or --no-diagonal for scores against it.")


def _check_out(out: Path | None) -> None:
    """Raise if there is something at the place of a result, or its name is none for a store."""
    if out is not None:
        check_vacant("--out", out)
    if out is not None and not is_table(out):
        check_store_name("--out", out)


def _list_pairs(
    entry: Estimator,
    activity: xr.DataArray,
    lags: Sequence[int],
    wanted: Mapping[str, Any],
    *,
    k: int | None,
    threshold: float | None,
    out: Path | None,
    quiet: bool,
) -> dict[str, Any]:
    """List the strongest pairs, save the list if asked to, and return what to say about it."""
    if entry.name in ROWWISE:
        with running(activity, netxr.plan(activity, lags=lags, stored=True, **wanted), quiet=quiet):
            pairs = netxr.strongest_pairs(activity, lags=lags, k=k, threshold=threshold, **wanted)
    else:
        plan = plan_of_estimate(activity, lags_needed([entry], lags), wanted, may_store=False)
        with running(activity, plan, quiet=quiet):
            R = compared(netxr.estimate(activity, method=entry.name, lags=lags, **wanted).compute(), entry.name)
        pairs = netxr.strongest_pairs(R, k=k, threshold=threshold)
    if out is not None:
        save_result(pairs, out)
    return about_pairs(pairs, most=None if out is None else STRONGEST)


def _estimate(
    entries: Sequence[Estimator],
    activity: xr.DataArray,
    lags: Sequence[int],
    wanted: Mapping[str, Any],
    A: xr.DataArray | None,
    scoring: Mapping[str, Any] | None,
    sure: Asked,
    *,
    out: Path | None,
    quiet: bool,
) -> tuple[dict[str, Any], Scored | None]:
    """Estimate all of R, test, score and save it if asked to, and return what to say about it and its scores."""
    names = [entry.name for entry in entries]
    about: dict[str, Any] = {}
    halves = None
    if sure.reliability:
        options = {name: wanted[name] for name in ("missing", "memory")}
        halves = reliable(entries[0], activity, lags[0], **options, quiet=quiet)
        about |= about_reliability(halves)
    found: xr.DataArray | xr.Dataset | None
    if sure.test:
        saved = out is not None or scoring is not None
        found, listed = tested_and_edges(entries[0], activity, lags[0], wanted, sure, saved=saved, quiet=quiet)
        about |= about_test(listed, entries[0], sure)
        if sure.edges is not None:
            save_result(listed, sure.edges)
    else:
        found = _whole(names, entries, activity, lags, wanted, out if scoring is None else None, quiet=quiet)
    if found is None:
        return about, None
    R = compared(found, names[0])
    scored = None if A is None or scoring is None else score(A, R, **scoring, quiet=quiet)
    if scored is not None:
        scored = scored._replace(rows=at_own_lags(scored.rows, entries))
    if out is not None:
        saved_as = result(found, entries, A, scored)
        save_result(saved_as if halves is None else saved_as.assign(halves), out)
    return about_matrices(R, entries) | about, scored


def _whole(
    names: list[str],
    entries: Sequence[Estimator],
    activity: xr.DataArray,
    lags: Sequence[int],
    wanted: Mapping[str, Any],
    store: Path | None,
    *,
    quiet: bool,
) -> xr.DataArray | xr.Dataset | None:
    """Return all of R; None where that does not fit into memory, and was written to the store block by block."""
    method = names if len(names) > 1 else names[0]
    may_store = store is not None and not is_table(store) and method in ROWWISE
    plan = plan_of_estimate(activity, lags_needed(entries, lags), wanted, may_store=may_store)
    with running(activity, plan, quiet=quiet):
        if isinstance(plan, RowPlan):
            netxr.estimate(activity, method=method, lags=lags, store=store, **wanted)
            return None
        return netxr.estimate(activity, method=method, lags=lags, **wanted).compute()


def _check_usage(
    truth: Path | None, about_truth: object, diagonal: bool | None, *, lists: bool, entries: Sequence[Estimator]
) -> None:
    """Raise if options do not go together."""
    if lists and (truth is not None or diagonal is not None):
        raise click.UsageError("--strongest and --above list pairs: there is no matrix to score against a truth.")
    if lists and len(entries) > 1:
        raise click.UsageError("--strongest and --above list the pairs of one estimate: name one --method.")
    if truth is None and about_truth:
        raise click.UsageError("--rows, --truth-name and --neurons go with --truth.")
    if truth is not None and diagonal is None:
        raise click.UsageError("Say --diagonal or --no-diagonal: whether self-connections are included in the scores.")


def _held_truth(recording: Path) -> xr.DataArray | None:
    """Return the connectivity that a store holds beside its activity."""
    if not recording.is_dir() or n.CONNECTIVITY not in netxr.open(recording):
        return None
    held: xr.DataArray = netxr.load_connectivity(recording)
    return held


def _truth_of(truth: Path, activity: xr.DataArray, rows: Any, name: str | None, neurons: Path | None) -> xr.DataArray:
    """Return the connectivity of a file, of the neurons that were recorded."""
    labels = None if neurons is None else read_labels(neurons)
    with options.typed_as(name="--truth-name"):
        return load_truth(truth, labels_of(activity, n.NEURON).tolist(), rows=rows, name=name, labels=labels)


def _labels(texts: Sequence[str], activity: xr.DataArray) -> list[Any]:
    """Return the labels of neurons that are written like `texts`; an unknown text stays as it is."""
    written = {str(label): label for label in activity[n.NEURON].values.tolist()}
    return [written.get(text, text) for text in texts]
