"""``netxr report``: a run as one page."""

from pathlib import Path

import click

import netxr
from netxr.cli import options
from netxr.cli.output import check_vacant


@click.command()
@click.argument("run")
@click.option("--out", type=options.PATH, metavar="FILE", help="The page to write; by default RUN.html in this folder.")
@options.quiet
def command(run: str, out: Path | None, quiet: bool) -> None:
    """Write one page about a run: figures, scores, facts, origin.

    RUN is a store, or a recording that netxr import takes and that needs no options. The page opens in any browser
    without a network, and can be mailed. For up to 1,000 neurons an estimate R at lag 1 and scores are made for it
    where the store has none; the store is left as it is. Of a sweep it has the scores over each parameter.

    \b
    Examples:
      netxr report run.zarr
      netxr report netxr-tutorial/tutorial.zarr/small --out small.html
      netxr report suite2p/plane0 --out session.html
    """  # noqa: D301 - click wants the character
    page = out or Path(f"{Path(run.rstrip('/')).stem}.html")
    check_vacant(page)
    netxr.report_run(run, page)
    if not quiet:
        click.echo(f"Wrote the report of {run} to {page}")
