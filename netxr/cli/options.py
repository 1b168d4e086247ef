"""Options that several commands share: each is spelled, typed and explained once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from netxr.errors import InvalidInput
from netxr.estimators.table import BUILT_IN, DEFAULT
from netxr.kernels.units import SIGMOID, UNITS
from netxr.schema.words import reads_as_number
from netxr.simulation.axes import AXES
from netxr.simulation.networks import WEIGHTS

FC = TypeVar("FC", bound=Callable[..., Any] | click.Command)

PATH: Final = click.Path(path_type=Path)


class CommaSeparated(click.ParamType):  # type: ignore[type-arg]  # takes a type from click 8.4 on
    """Values of one kind, separated by commas, such as 5,10,25."""

    def __init__(self, kind: "click.ParamType[Any]") -> None:
        self.kind = kind
        self.name = f"{kind.name},..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the values as a tuple."""
        if isinstance(value, tuple):
            return value
        return tuple(self.kind.convert(part.strip(), param, ctx) for part in str(value).split(","))


INTEGERS: Final = CommaSeparated(click.INT)
NUMBERS: Final = CommaSeparated(click.FLOAT)
WORDS: Final = CommaSeparated(click.STRING)


def samples_or_time(text: str) -> int | str:
    """Return a number of samples as one, and a time as the text it is."""
    return text if text.strip("+-0123456789") else int(text)


def number_or_time(text: str) -> float | str:
    """Return a number as one, and a time such as 2s as the text it is."""
    return float(text) if reads_as_number(text) else text


@contextmanager
def typed_as(**flags: str) -> Iterator[None]:
    """Name in errors the option that sets an argument of what is called within, e.g. rows="--estimate-rows"."""
    try:
        yield
    except InvalidInput as error:
        raise error.about(flags.get(error.argument, error.argument)) from error


METHOD_HELP: Final = (
    f"How connectivity is estimated: {', '.join(BUILT_IN)}, or an estimator of another package. "
    "netxr.methods() lists them."
)


methods = click.option(
    "--method",
    "methods",
    metavar="NAME",
    multiple=True,
    default=(DEFAULT,),
    show_default=DEFAULT,
    help=f"{METHOD_HELP} Repeat it for several, from one read.",
)

dims = click.option(
    "--dims",
    type=WORDS,
    metavar="DIM,DIM",
    help="What the axes of a plain file are, rows first: neuron,time or time,neuron, or three of them with trial.",
)

quiet = click.option("--quiet", "-q", is_flag=True, help="Print results and errors only, no progress and no remarks.")

gaps = click.option(
    "--gaps",
    type=click.Choice(["raise", "segments"]),
    default="raise",
    show_default=True,
    help="What to do where times are not even: raise an error; or take the stretches between gaps as trials of one "
    "recording, so that no pair of samples crosses a gap.",
)

trials = click.option(
    "--trials",
    "trial_length",
    type=number_or_time,
    metavar="LENGTH",
    help="Cut the recording into trials of this length that follow one another: a time such as 2s, or a number in the "
    "unit of its sampling interval, or of samples where it has none.",
)


def tests(command: FC) -> FC:
    """Add the options about how sure an estimate is."""
    each = (
        click.option(
            "--test", is_flag=True, help="Test which pairs of neurons correlate, or have an effect, and list them."
        ),
        click.option(
            "--null",
            type=click.Choice(["autocorrelation", "shift", "samples"]),
            help="What a lagged correlation is tested against: chance, allowing for both autocorrelations "
            "(the default); the same pair at far lags; or chance among independent samples, which finds too many.",
        ),
        click.option(
            "--q",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            help="False discovery rate: the share of the listed pairs that may be expected not to correlate, or of a "
            "regression to have no effect. A pair that correlates need not be connected.  [default: 0.05]",
        ),
        click.option(
            "--edges", type=PATH, metavar="EDGES.csv", help="Save all edges as a table; or as EDGES.tsv or EDGES.zarr."
        ),
        click.option(
            "--reliability",
            is_flag=True,
            help="How alike the estimates of two halves of the samples are; from a read of its own.",
        ),
    )
    for option in reversed(each):
        command = option(command)
    return command


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")

NOT_NEGATIVE: Final = click.IntRange(min=0)

seed = click.option("--seed", type=NOT_NEGATIVE, default=0, show_default=True, help="Seed of network and noise.")

rng = click.option(
    "--rng",
    type=click.Choice(["modern", "legacy"]),
    default="modern",
    show_default=True,
    help="Random stream: keyed by seed and trial, or the tutorial's, bit for bit.",
)

diagonal = click.option(
    "--diagonal/--no-diagonal",
    default=None,
    help="Whether self-connections are included in the scores. Neurons correlate with their own past whatever the "
    "network, which dominates the scores, so there is no default.",
)

permutations = click.option(
    "--permutations",
    type=NOT_NEGATIVE,
    default=999,
    show_default=True,
    help="Permutations of neurons for the p-value of the Mantel test; 0 for none.",
)

ROWS_HELP: Final = (
    "What a row of the {} is: 'target' if entry [i, j] is from j to i, 'source' if it is from i to j. "
    "Needed for plain files; stores know it."
)


def rows(flag: str, what: str) -> Callable[[FC], FC]:
    """Return the option that says how a matrix in a plain file is oriented."""
    return click.option(flag, type=click.Choice(["target", "source"]), help=ROWS_HELP.format(what))


def key(flag: str, what: str) -> Callable[[FC], FC]:
    """Return the option that says which array of a file or store is meant."""
    return click.option(
        flag, metavar="KEY", help=f"Which array of an .npz file, or variable of a store, is the {what}."
    )


def neurons(flag: str, what: str) -> Callable[[FC], FC]:
    """Return the option that says how the neurons of a matrix in a plain file are called."""
    text = f"Labels of the {what}: a text file with one a line. Of a list of edges, also neurons that have none."
    return click.option(flag, type=PATH, metavar="FILE", help=text)


def axes(**defaults: str) -> Callable[[FC], FC]:
    """Return an option for each axis of a sweep, which takes one value or several, separated by commas."""

    def added(command: FC) -> FC:
        """Add the options."""
        for axis in reversed([axis for axis in AXES.values() if not axis.is_text]):
            usual = None if axis.default is None else str(axis.default)
            default = defaults.get(axis.name, usual)
            kind = INTEGERS if axis.is_whole else NUMBERS
            command = click.option(
                axis.option, axis.name, type=kind, default=default, show_default=default is not None, help=axis.text
            )(command)
        return command

    return added


def model(*, units: str = SIGMOID, weights: str = "binary") -> Callable[[FC], FC]:
    """Return the options of a model that are the same in all cells of a sweep."""

    def added(command: FC) -> FC:
        """Add the options."""
        names = click.Choice(list(WEIGHTS))
        before = "Steps before the first sample, in which activity comes to where it settles."
        command = click.option("--burn-in", type=NOT_NEGATIVE, default=0, show_default=True, help=before)(command)
        command = click.option("--weights", type=names, default=weights, show_default=True, help="Weights of edges.")(
            command
        )
        respond = f"How neurons respond: {', '.join(UNITS)}."
        return click.option(
            "--units", type=WORDS, callback=_one_or_several, default=units, show_default=True, help=respond
        )(command)

    return added


def _one_or_several(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> str | tuple[str, ...]:
    """Return the only word that is given, or all of several."""
    return given[0] if len(given) == 1 else given


def check_ascending(
    _ctx: click.Context, _param: click.Parameter, limits: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Return two limits, if they are given, when the first is below the second."""
    if limits is not None and not limits[0] < limits[1]:
        raise click.BadParameter(f"LOW must be below HIGH, and {limits[0]:g} is not below {limits[1]:g}.")
    return limits
