"""The command line as a user calls it."""

import json

from click.testing import CliRunner

from netxr.cli import main


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def output(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def document(*arguments):
    return json.loads(output(*arguments, "--json"))
