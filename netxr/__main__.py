"""``python -m netxr``: the commands, where the program of that name is not on the path."""

from netxr.cli import main

main(prog_name="python -m netxr")
