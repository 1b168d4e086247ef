"""The command line: options in, one call of the library, result out.

Each command has its own module in `commands`, which is loaded when the command is called: ``netxr --help`` loads none.
Begin with `commands.simulate`; the files here are shared by several commands.
"""

import errno
import re
from difflib import get_close_matches
from importlib import import_module
from keyword import iskeyword
from typing import Any, Final

import click

import netxr
from netxr.errors import InvalidInput, MissingExtra, NetxrError, NonFiniteActivity, OutputExists, UnreadableFile

GROUPS: Final = {
    "Connectivity of a recording": {
        "estimate": "Estimate connectivity from a recording, and score it.",
        "recoverability": "Say how well estimators would find a network like the one in a recording.",
        "compare": "Score an estimated connectivity against the true one.",
    },
    "Recordings and stores": {
        "import": "Convert a recording of another tool to a Zarr store.",
        "info": "Say what a store holds, without loading it.",
        "catalog": "List the runs, recordings and sweeps in a folder.",
        "verify": "Check that a store is whole and undamaged.",
    },
    "Figures and pages": {
        "plot": "Draw what a store holds.",
        "report": "Write one page about a run: figures, scores, facts.",
        "app": "Look at stores, and play with the tutorial, in the browser.",
    },
    "Networks that are known": {
        "tutorial": "Reproduce the tutorial on correlations, number by number.",
        "simulate": "Simulate a network of neurons into a Zarr store.",
        "sweep": "Score estimates over network size, sparsity, length, ...",
        "map": "Draw where correlation is good enough, and what is where it is not.",
    },
}
"""The commands under their headings in the help."""

COMMANDS: Final = {name: text for group in GROUPS.values() for name, text in group.items()}

OTHER_WORDS: Final = {
    **{"ls": "catalog", "list": "catalog", "show": "info", "describe": "info", "check": "verify"},
    **{"convert": "import", "load": "import", "open": "info", "correlate": "estimate", "draw": "plot", "serve": "app"},
}
"""Words under which a command is looked for."""

FAILED: Final = 1
BAD_INPUT: Final = 2
EXISTS: Final = 3
UNREADABLE: Final = 4
INTERRUPTED: Final = 130

EXTRA_PACKAGES: Final = ("bokeh", "holoviews", "matplotlib")
"""Packages that only figures need."""

HINTS: Final = {
    "dims": "On the command line: --dims neuron,time if a row is a neuron, --dims time,neuron if a row is a sample.",
    "rows": "On the command line: --rows target or --rows source.",
    "--estimate-rows": "On the command line: --estimate-rows target or --estimate-rows source.",
    "name": "On the command line: --name KEY.",
    "truth": "On the command line: --neurons FILE.",
    "estimate": "On the command line: --neurons FILE names the neurons of the true connectivity.",
    "rate": "On the command line: netxr import SRC DST.zarr --rate 100, for bins of 10 ms.",
    "memory": "On the command line: --memory AMOUNT, --dims where axes are swapped. "
    "--strongest, --above, and --out without scores never hold all of R.",
    "cutoff": "On the command line: --high-pass CUTOFF, and --sampling-interval SECONDS for a plain file.",
    "sampling_interval": "On the command line: --sampling-interval SECONDS, of a plain file; else of netxr import.",
}
"""How to do on the command line what an error of the library asks for, by its argument."""

COMPARED: Final = "On the command line: --neurons FILE names those of TRUTH, --estimate-neurons FILE those of ESTIMATE."
"""Of an estimate and a truth, where both have an option for their neurons."""

OPTIONS: Final = {
    "cutoff": "high-pass",
    "k": "strongest",
    "length": "trials",
    "lower": "clip",
    "threshold": "above",
    "trial_length": "trials",
    "upper": "clip",
}
"""What sets an argument of the library, where it has quite another name."""

IMPORTED: Final = {
    "dims": "--dims time,neuron",
    "name": "--name KEY",
    "sampling_interval": "--sampling-interval SECONDS",
}
"""Options of an import, for commands that have none of that name."""

FRAMES_HINT: Final = (
    "On the command line: --missing drop leaves out every sample time with one, --missing pairwise only these samples."
)

FRAMES_HINTS: Final = {
    "recoverability": "It takes every sample: first save a stretch of the recording, or neurons of it, without gaps."
}
"""What to do about missing samples where a command has no --missing."""

SPEAK_OF_DIMS: Final = ("plot",)
"""Commands in whose errors a name such as n_steps is a dim of what is drawn."""

LEFT_BEHIND: Final = {
    "simulate": "the same command again resumes the run",
    "sweep": "the same command again computes what is missing",
    "map": "the same command again computes what is missing",
}
"""What to do after an interruption that leaves something."""


class Failure(click.ClickException):
    """An error that ends the program with one line on standard error and an exit code of its own."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(" ".join(message.split()))
        self.exit_code = code  # type: ignore[misc]  # click has one for each class

    def show(self, file: Any = None) -> None:
        """Print the line."""
        click.echo(f"netxr: error: {self.message}", file=file, err=True)


class LazyGroup(click.Group):
    """The commands of `COMMANDS`, each loaded when it is called, and errors turned into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = import_module(f"netxr.cli.commands.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; of one that is mistyped, name those that are written alike."""
        name = args[0]
        if name in COMMANDS or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        alike = get_close_matches(name, [*COMMANDS, *OTHER_WORDS], n=2, cutoff=0.5)
        meant = list(dict.fromkeys(OTHER_WORDS.get(word, word) for word in alike))
        hint = f" Did you mean {' or '.join(meant)}?" if meant else " netxr --help lists the commands."
        function = name.replace("-", "_")
        if name not in OTHER_WORDS and function in dir(netxr):
            hint = f" netxr.{function} is a function, for Python."
        raise click.UsageError(f"There is no command {name!r}.{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading them."""
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; turn an exception into a line of text and an exit code."""
        try:
            return super().invoke(ctx)
        except (NetxrError, OSError, MemoryError, ImportError, KeyboardInterrupt) as error:
            raise _failure(error, ctx.invoked_subcommand) from error


def _failure(error: BaseException, command: str | None) -> BaseException:
    """Return the failure with which `command` ends after an error of the library or of the machine."""
    text = str(error) or type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return Failure(f"interrupted; {LEFT_BEHIND.get(command or '', 'no unfinished output is left')}", INTERRUPTED)
    if isinstance(error, InvalidInput):
        hint = _hint(error.argument, command)
        if isinstance(error, NonFiniteActivity):  # samples that overflow are not left out, nor are those of filters
            hint = FRAMES_HINTS.get(command or "", FRAMES_HINT) if 'missing="drop"' in text else ""
        typed = ", ".join(dict.fromkeys(_as_typed(each, command) for each in error.argument.split(", ")))
        said = str(error.about(typed))
        if command not in SPEAK_OF_DIMS:
            said = re.sub(r"\bn_[a-z]+", lambda word: _as_typed(word[0], command), said)
        return Failure(f"{said} {hint}", BAD_INPUT)
    if isinstance(error, ImportError) and not isinstance(error, NetxrError):
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA_PACKAGES:
            return error
        return Failure(str(MissingExtra("A figure", package=package, extra="plot")), FAILED)
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        return error  # the reader of our output has ended: click ends quietly
    codes = {OutputExists: EXISTS, UnreadableFile: UNREADABLE}
    return Failure(text, next((code for kind, code in codes.items() if isinstance(error, kind)), FAILED))


def _hint(argument: str, command: str | None) -> str:
    """Return how to do on the command line what an error asks for: by an import where the command has no option."""
    flags, hint = _flags(command), HINTS.get(argument, "")
    if argument == "estimate" and "--estimate-neurons" in flags:
        return COMPARED
    named = {*re.findall(r"--[a-z-]+", hint)}
    if argument in IMPORTED and not flags & named:
        return f"On the command line, import it first: netxr import SRC DST.zarr {IMPORTED[argument]}."
    return hint if argument in IMPORTED or named <= flags or "netxr import" in hint else ""


def _as_typed(argument: str, command: str | None) -> str:
    """Return the option of a command that sets an argument of the library; the argument, where it has none."""
    names = (argument, argument.removeprefix("n_"), argument.removesuffix("s"), OPTIONS.get(argument, argument))
    typed = [f"--{name.replace('_', '-')}" for name in names]
    return next((flag for flag in typed if flag in _flags(command)), argument)


def _flags(command: str | None) -> set[str]:
    """Return all options of a command."""
    known = main.get_command(click.Context(main), command or "")
    return {flag for option in known.params for flag in option.opts} if known else set()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="netxr", prog_name="netxr")
def main() -> None:
    """Tell when correlation is a good enough substitute for causal connectivity.

    netxr simulates networks of neurons or takes recordings of them, estimates their connectivity R from lagged
    correlations, and scores R against the true connectivity A where that is known.

    In every matrix, a row is the target (to) and a column the source (from): A[i, j] is the weight from neuron j
    to neuron i. R[i, j] correlates neuron i with neuron j `lag` samples before.

    \b
    Begin with:
      netxr tutorial                                         the tutorial: numbers, figures, a report
      netxr simulate run.zarr --neurons 50 --seed 1          a network and its activity
      netxr estimate run.zarr --no-diagonal --out est.zarr   its connectivity, estimated and scored
      netxr plot est.zarr est.png                            both matrices side by side

    \b
    Exit codes:
      0    fine
      1    a number is off (tutorial), or the task failed
      2    wrong usage or input
      3    the output exists: nothing is overwritten
      4    a file or store that cannot be read
      130  interrupted with Ctrl-C
    """  # noqa: D301 - click wants the character
