"""``netxr app``: a page in the browser of this machine."""

from pathlib import Path

import click

import netxr
from netxr.cli import options


@click.command()
@click.argument("store", type=options.PATH, required=False)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="any that is free", help="Where to listen."
)
@click.option(
    "--memory", metavar="SIZE", help="Most memory of a computation, such as 2GiB. By default half of what is free."
)
@click.option("--no-browser", is_flag=True, help="Print the address only; do not open it.")
def command(store: Path | None, port: int, memory: str | None, no_browser: bool) -> None:
    """Look at stores, and play with the tutorial, in the browser.

    STORE is a folder of stores, or one store; the page can read nothing else. It is served to this machine only
    (127.0.0.1), and asks no other host for anything. Ctrl-C ends the app.

    \b
    Examples:
      netxr app
      netxr app runs --port 5006 --memory 2GiB
    """  # noqa: D301 - click wants the character
    netxr.app.serve(
        store,
        port=port,
        memory=memory,
        browser=not no_browser,
        announce=lambda address: click.echo(f"netxr is at {address} (Ctrl-C ends it)"),
    )
