"""The command line as a user calls it."""

import json
from inspect import signature

from click.testing import CliRunner

from netxr.cli import main

RUNNER = CliRunner(**{name: False for name in signature(CliRunner).parameters if name == "mix_stderr"})
"""Output and errors apart, as in every click from 8.2 on."""


def run(*arguments):
    return RUNNER.invoke(main, [str(argument) for argument in arguments])


def output(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments):
    return json.loads(output(*arguments, "--json"))
