"""``netxr app``: a page in the browser of this machine."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Final

import click

import netxr
from netxr.cli import options

PATIENCE: Final = 1.0
"""Seconds that jobs have to end."""

JOBS: Final = "netxr-"
"""What the names of threads with jobs begin with."""


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
    _leave()


def _leave() -> None:
    """End the program soon: jobs have been told to stop, and tidying up all that a page loads takes seconds.

    What a job was writing is there whole or not at all, as after any other end of a process.
    """
    last = time.monotonic() + PATIENCE
    for thread in threading.enumerate():
        if thread.name.startswith(JOBS):
            thread.join(max(0.0, last - time.monotonic()))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
