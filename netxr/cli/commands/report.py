"""``netxr report``: a run as one page."""

from contextlib import nullcontext
from pathlib import Path

import click

import netxr
from netxr.cli import options
from netxr.cli.output import progress, warn_of_unfinished, warnings_as_lines
from netxr.schema.arguments import check_vacant


@click.command()
@click.argument("run")
@click.argument("page", metavar="[PAGE.html]", type=options.PATH, required=False)
@click.option("--out", type=options.PATH, metavar="FILE", help="The page, if it is not named behind RUN.")
@options.quiet
def command(run: str, page: Path | None, out: Path | None, quiet: bool) -> None:
    """Write one page about a run: figures, scores, facts, origin.

    The page is RUN.html in this folder if it is not named.

    RUN is a store, or a recording that netxr import takes without options. The page is one file, which opens in any
    browser without a network. If the store has no estimate or scores, an estimate R at lag 1 and its scores are made
    for the page, for up to 1,000 neurons; the store does not change. The page of a sweep has its scores over each
    parameter.

    \b
    Examples:
      netxr report run.zarr
      netxr report netxr-tutorial/tutorial.zarr/small small.html
      netxr report suite2p/plane0 --out session.html
    """  # noqa: D301 - click wants the character
    if page is not None and out is not None:
        raise click.UsageError("PAGE.html and --out name the same thing: give one of them.")
    page = page or out or Path(f"{Path(run.rstrip('/')).stem}.html")
    check_vacant("--out", page)
    bar = progress("Writing the report", quiet=quiet)
    with warnings_as_lines(), bar as step, netxr.progress(step) if step else nullcontext():
        netxr.report_run(run, page, progress=step)
    warn_of_unfinished(Path(run))
    if not quiet:
        click.echo(f"Wrote the report of {run} to {page}")
