"""The axes of a sweep: what each may be, what it is where it is not named, and where it acts.

An axis is one `Axis` of `AXES`, and the argument of `netxr.sweep` that has its name. The sweep, its store, the shell,
the report and the app ask this table.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.units import UNITS
from netxr.schema.arguments import check_choice, check_count, check_share, is_finite, is_whole, said


def check_not_negative(name: str, value: Any) -> int:
    """Return `value` as an int if it is a whole number, 0 or above."""
    if not is_whole(value) or value < 0:
        raise InvalidInput(name, got=repr(value), expected="a whole number, 0 or above")
    return int(value)


def _check_probability(name: str, value: Any) -> float:
    """Return `value` as a float if it is a probability."""
    return check_share(name, value, what="a probability")


def _check_part(name: str, value: Any) -> float:
    """Return `value` as a float if it is a share of something, and not none of it."""
    if check_share(name, value) == 0:
        raise InvalidInput(name, got=said(value), expected="a share above 0")
    return float(value)


def _check_amount(name: str, value: Any) -> float:
    """Return `value` as a float if it is finite, 0 or above."""
    if not is_finite(value) or value < 0:
        raise InvalidInput(name, got=said(value), expected="a finite number, 0 or above")
    return float(value)


def check_unit(name: str, value: Any) -> str:
    """Return `value` if it is the name of units."""
    check_choice(name, value, UNITS)
    return str(value)


class Axis(NamedTuple):
    """An axis of a sweep."""

    name: str
    """The dim, and the argument of `netxr.sweep`."""
    acts_on: Literal["network", "dynamics", "observation", "scoring"]
    """What it changes: the "network" that is drawn, the "dynamics" on it, its "observation", or the "scoring"."""
    check: Callable[[str, Any], int | float | str]
    """Takes the name and a value; returns the label, or raises InvalidInput."""
    text: str
    """What it is, for the help of the shell."""
    default: int | float | None = None
    """The only label of a sweep that does not name the axis; None for no dim, and nothing that is changed."""
    flag: str = ""
    """The option in the shell, where it is not the name."""

    @property
    def is_whole(self) -> bool:
        """Whether its labels are whole numbers."""
        return self.check in (check_count, check_not_negative)

    @property
    def is_text(self) -> bool:
        """Whether its labels are words."""
        return self.check is check_unit

    @property
    def option(self) -> str:
        """The option in the shell."""
        return f"--{self.flag or self.name.replace('_', '-')}"


AXES: Final = {
    axis.name: axis
    for axis in (
        Axis(n.N_NEURONS, "network", check_count, "Sizes of the network.", 100, "neurons"),
        Axis(n.SPARSITY, "network", _check_probability, "Probabilities that an entry of A is 0.", 0.9),
        Axis(n.INHIBITORY, "network", check_share, "Shares of the neurons that are inhibitory."),
        Axis(n.COUPLING, "network", _check_amount, "Largest singular values of A."),
        Axis(n.SPECTRAL_RADIUS, "network", _check_amount, "Largest absolute eigenvalues of A."),
        Axis(n.UNITS, "dynamics", check_unit, "How neurons respond."),
        Axis(n.COMMON_DRIVE, "dynamics", _check_amount, "Weights of one hidden signal that drives all neurons."),
        Axis(n.N_STEPS, "dynamics", check_count, "Samples in a trial.", 5000, "steps"),
        Axis(n.OBSERVED, "observation", _check_part, "Shares of the neurons that are recorded."),
        Axis(
            n.CALCIUM, "observation", _check_amount, "Samples in which a calcium indicator falls to 1 / e; 0 for none."
        ),
        Axis(n.EVERY, "observation", check_count, "Every how many steps a sample is taken."),
        Axis(
            n.N_GROUPS,
            "observation",
            check_not_negative,
            "Groups that the neurons are averaged into; 0 for none.",
            0,
            "groups",
        ),
        Axis(n.LAG, "scoring", check_not_negative, "Samples by which the target is read after the source.", 1),
    )
}
"""The axes by name, in the order of the dims; `estimator` comes after them, where several methods are asked for."""
