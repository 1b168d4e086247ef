"""``netxr recoverability``: how well estimators would find a network like the one that was recorded."""

import math
from pathlib import Path
from typing import Final

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.output import echo_json, followed, table, warn_of_unfinished
from netxr.estimators.over_trials import entries
from netxr.schema.words import UNDEFINED
from netxr.significance.recoverability_text import GAINS

COLUMNS: Final = (
    n.SCORE,
    n.SCORE_STANDARD_ERROR,
    n.RELIABILITY_OF_ESTIMATE,
    n.LIMIT,
    n.SAMPLES_NEEDED,
    n.SCORE_AS_OBSERVED,
)


@click.command()
@click.argument("recording", type=options.PATH)
@options.dims
@options.key("--name", "recording")
@click.option(
    "--method",
    "methods",
    metavar="NAME",
    multiple=True,
    default=(n.LAGGED_CORRELATION, n.REGRESSION),
    show_default="lagged_correlation and regression",
    help=f"{options.METHOD_HELP} Repeat it for several.",
)
@click.option(
    "--z-score",
    is_flag=True,
    help="Express the samples of each neuron in standard deviations first: where gains of neurons mean nothing, as of "
    "fluorescence.",
)
@click.option("--at", type=float, default=0.9, show_default=True, help="Score that is asked for, between 0 and 1.")
@click.option(
    "--lag",
    type=options.samples_or_time,
    metavar="LAG",
    default="1",
    show_default=True,
    help="Samples, or time such as 20ms, by which the target is read after the source.",
)
@click.option(
    "--hidden",
    type=float,
    default=0.0,
    show_default=True,
    help="Also simulate what is found of a network like this one of which this share of the neurons is not recorded.",
)
@click.option(
    "--calcium",
    type=float,
    help="Also simulate what is found through a calcium indicator that falls to 1 / e in so many samples.",
)
@options.seed
@options.quiet
@options.as_json
def command(
    recording: Path,
    dims: tuple[str, ...] | None,
    name: str | None,
    methods: tuple[str, ...],
    z_score: bool,
    at: float,
    lag: int | str,
    hidden: float,
    calcium: float | None,
    seed: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """Say how well estimators would find a network like the one in a recording, whose connectivity is not known.

    RECORDING is a Zarr store of netxr, or a file or folder that netxr import takes. It is read once. The score is
    Pearson's correlation with the true connectivity, without the diagonal, that is to be expected as far as the
    recording itself tells, and its error is that of sampling alone. Nothing is known of neurons that were not
    recorded, a slow indicator, noise of the measurement, or samples slower than the couplings: with these, scores are
    mostly lower, but can be higher too. The limit is the score of a recording without end. Where the reliability is
    below .1, the recording is too short to tell. What hidden neurons or an indicator would do to a network like this
    one, --hidden and --calcium show by simulation, in seconds.

    Couplings are those of the units of the recording, in which the gains of neurons count: see --z-score.

    \b
    Examples:
      netxr recoverability run.zarr
      netxr recoverability fluorescence.zarr --z-score
      netxr recoverability run.zarr --hidden 0.5 --calcium 10
      netxr recoverability traces.csv --dims time,neuron --method lagged_correlation --method regression_t --at 0.8
    """  # noqa: D301 - click wants the character
    activity = netxr.load_activity(recording, dims=dims, name=name)
    warn_of_unfinished(recording)
    gains_count = not z_score and not (recording.is_dir() and n.CONNECTIVITY in netxr.open(recording))
    activity = netxr.z_score(activity) if z_score else activity
    with followed("Reading", quiet=quiet or as_json):
        found = netxr.recoverability(
            activity,
            methods=list(dict.fromkeys(methods)),
            at=at,
            lag=lag,
            hidden=hidden,
            calcium=calcium,
            seed=seed,
        )
    found = found.squeeze(n.TRIAL, drop=True) if found.sizes.get(n.TRIAL) == 1 else found
    rows = [labels | _row(one) for labels, one in entries(found, list(map(str, found.sizes)))]
    if as_json:
        echo_json({n.SENTENCE: found.attrs[n.SENTENCE], n.AT: at, n.LAG: found.attrs[n.LAG], "estimates": rows})
        return
    click.echo(found.attrs[n.SENTENCE])
    if gains_count and not quiet:
        click.echo(f"{GAINS} Here: --z-score.")
    click.echo()
    click.echo(table([row | {n.SAMPLES_NEEDED: _samples(row[n.SAMPLES_NEEDED])} for row in rows]))


def _row(found: xr.Dataset) -> dict[str, float]:
    """Return what is foretold of one estimator."""
    return {column: found[column].item() for column in COLUMNS if column in found}


def _samples(needed: float) -> str:
    """Return a number of samples as text."""
    return f"{needed:,.0f}" if math.isfinite(needed) else "never" if math.isinf(needed) else UNDEFINED
