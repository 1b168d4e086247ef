"""``netxr import``: a recording of another tool, converted to a store."""

import json
from pathlib import Path
from typing import Any, Final

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.estimate_report import segments
from netxr.cli.output import echo_json, listing, progress, warnings_as_lines
from netxr.recordings.convert import written
from netxr.recordings.marked_neurons import marked_as_none
from netxr.recordings.missing_samples import MissingSamples
from netxr.schema.arguments import check_vacant
from netxr.schema.words import entry_text

NO_INTERVAL: Final = (
    "No sampling interval is known, so that times and lags count samples: say it with --sampling-interval"
)
LEAVE_OUT: Final = (
    "netxr estimate --missing drop leaves out sample times with one, --missing pairwise these samples alone."
)
FROM_OPS: Final = ", or read it from ops.npy with --option ops=true (a pickle: only from who you trust)."


class Setting(click.ParamType):  # type: ignore[type-arg]  # takes a type from click 8.4 on
    """An option of a format, KEY=VALUE; the value is JSON (a number, true, false, null, a list) or text."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Return key and value."""
        key, mark, said = value.partition("=")
        if not mark or not key.isidentifier():
            self.fail(f"{value!r} is not of the form KEY=VALUE.", param, ctx)
        try:
            return key, json.loads(said)
        except ValueError:
            return key, said


@click.command()
@click.argument("source", metavar="SRC", type=options.PATH)
@click.argument("out", metavar="DST.zarr", type=options.PATH)
@click.option("--format", help="What SRC is, if its suffix and content do not say so, e.g. neo, hdf5, suite2p.")
@click.option("--name", metavar="KEY", help="Which of several arrays, series or streams in SRC.")
@click.option(
    "--dims",
    type=options.WORDS,
    help="What each axis of a plain array is: neuron,time or time,neuron, or with trial; of a store or netCDF file "
    "with dims of its own: unit_id=neuron,frame=time.",
)
@click.option("--group", metavar="PATH", help="Group of a Zarr store.")
@click.option(
    "--sampling-interval",
    type=float,
    help="Time from one sample to the next, in seconds unless --interval-units says otherwise.",
)
@click.option("--interval-units", help="Unit of the sampling interval of a plain array, e.g. ms.")
@click.option("--units", help="Unit of the samples of a plain array, e.g. mV.")
@click.option("--rate", type=float, help="For spike times: bins per second in which they are counted.")
@click.option(
    "--option",
    "further",
    type=Setting(),
    multiple=True,
    help="Another option of the format, as often as needed, e.g. --option signal=spks --option cells=true.",
)
@options.gaps
@options.trials
@options.quiet
@options.as_json
def command(
    source: Path,
    out: Path,
    further: tuple[tuple[str, Any], ...],
    gaps: str,
    trial_length: float | str | None,
    quiet: bool,
    as_json: bool,
    **said: Any,
) -> None:
    """Convert a recording of another tool to a Zarr store.

    SRC is a file or folder: NWB, suite2p, CaImAn, MATLAB, HDF5, Zarr, netCDF, .npy, .npz, .csv, .tsv, .txt, Parquet, or
    what Neo reads. What can be read piece by piece needs little memory, however long it is. The store appears when it
    is complete; it says which file it came from, with its checksum.

    \b
    Examples:
      netxr import traces.npy run.zarr --dims neuron,time --sampling-interval 0.033
      netxr import suite2p/plane0 run.zarr --option neuropil=0.7 --option cells=true
      netxr import session.nwb run.zarr --name units --rate 100
      netxr import minian.zarr run.zarr --name C --dims unit_id=neuron,frame=time
    """  # noqa: D301 - click wants the character
    check_vacant("DST.zarr", out)
    given = dict(further) | {option: value for option, value in said.items() if value is not None}
    given |= {"dims": _dims(said["dims"])} if said["dims"] else {}
    given |= {} if gaps == "raise" else {"gaps": gaps}
    with warnings_as_lines(), progress("Importing", quiet=quiet or as_json) as report:
        missing = written(source, out, trial_length=trial_length, progress=report, **given)
    summary = _summary(out)
    if as_json:
        echo_json(summary | ({} if missing is None else {"missing_samples": missing.of_each.sum()}))
    elif not quiet:
        click.echo(listing({name: entry_text(value) for name, value in summary.items()}))
        for remark in _remarks(netxr.open(out), summary.get(n.SOURCE_FORMAT), missing):
            click.echo(remark)
        if n.SAMPLING_INTERVAL not in summary:
            click.echo(NO_INTERVAL + (FROM_OPS if summary.get(n.SOURCE_FORMAT) == "suite2p" else "."))


def _dims(words: list[str]) -> Any:
    """Return what axes are called, as a mapping where each is said as OTHER=OURS."""
    pairs = [word.partition("=") for word in words]
    return {other.strip(): own.strip() for other, _, own in pairs} if all(mark for _, mark, _ in pairs) else words


def _remarks(run: xr.Dataset, known: str | None, missing: MissingSamples | None) -> list[str]:
    """Say what to do about neurons that the file itself marks as none, and about missing samples."""
    remarks = []
    for name, text, good in marked_as_none(run):
        where = f'netxr.select(run, where={{"{name}": {json.dumps(good) if isinstance(good, str) else good}}})'
        keep = "--option cells=true" if known == "suite2p" else where
        remarks.append(f"{text}{'' if good is None else f'; to keep the others alone: {keep}'}.")
    if missing is not None and missing.text:
        remarks.append(f"{missing.text}. {LEAVE_OUT}")
    return remarks


def _summary(out: Path) -> dict[str, Any]:
    """Say what was imported."""
    run = netxr.open(out)
    sizes = {"neurons": run.sizes.get(n.NEURON), "samples": run.sizes.get(n.TIME), "trials": run.sizes.get(n.TRIAL, 1)}
    sizes |= segments(run.activity) if "activity" in run else {}
    origin = (
        n.SAMPLING_INTERVAL,
        n.SAMPLING_INTERVAL_UNITS,
        n.SOURCE_FILE,
        n.SOURCE_FORMAT,
        n.SOURCE_OPTIONS,
        n.SOURCE_SHA256,
    )
    dtype = str(run.activity.dtype) if "activity" in run else None
    known = {"store": str(out), **sizes, "dtype": dtype} | {name: run.attrs.get(name) for name in origin}
    return {name: value for name, value in known.items() if value is not None}
