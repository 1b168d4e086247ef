"""``netxr report``: a run as one page."""

from contextlib import nullcontext
from pathlib import Path

import click

import netxr
from netxr.cli import options
from netxr.cli.output import progress, warnings_as_lines
from netxr.schema.arguments import check_vacant


@click.command()
@click.argument("run")
@click.option("--out", type=options.PATH, metavar="FILE", help="The page to write; by default RUN.html in this folder.")
@options.quiet
def command(run: str, out: Path | None, quiet: bool) -> None:
    """Write one page about a run: figures, scores, facts, origin.

    RUN is a store, or a recording that netxr import takes without options. The page is one file, which opens in any
    browser without a network. If the store has no estimate or scores, an estimate R at lag 1 and its scores are made
    for the page, for up to 1,000 neurons; the store does not change. The page of a sweep has its scores over each
    parameter.

    \b
    Examples:
      netxr report run.zarr
      netxr report netxr-tutorial/tutorial.zarr/small --out small.html
      netxr report suite2p/plane0 --out session.html
    """  # noqa: D301 - click wants the character
    page = out or Path(f"{Path(run.rstrip('/')).stem}.html")
    check_vacant("--out", page)
    bar = progress("Writing the report", quiet=quiet)
    with warnings_as_lines(), bar as step, netxr.progress(step) if step else nullcontext():
        netxr.report_run(run, page, progress=step)
    if not quiet:
        click.echo(f"Wrote the report of {run} to {page}")
