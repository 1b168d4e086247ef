"""What it takes to solve for all coefficients of a regression at once, beyond the pass: memory and time, in numbers."""

from dataclasses import dataclass
from typing import Any, Final

import psutil

from netxr.blocks.schedulers import cluster, cores
from netxr.errors import InvalidInput
from netxr.schema.words import counted, text_of

RATE: Final = 3e10
"""Operations a second of a float64 factorisation on one core of an AMD EPYC (Zen 5)."""

ENTRY_SECONDS: Final = 6e-8
"""Of a coefficient with its error, t and p-value, on the same."""


@dataclass(frozen=True)
class Factorisation:
    """The inverse of the moments of all sources at some lags, and the coefficients of all targets."""

    n_neurons: int
    n_lags: int
    """Targets, and lags of the sources, which are all neurons."""
    cores: int
    """Processor cores that share the work."""

    @property
    def peak_bytes(self) -> int:
        """Bytes on top of the moments: the inverse, products with the targets, and results."""
        return 8 * self.n_neurons**2 * self.n_lags * (self.n_lags + 7)

    @property
    def seconds(self) -> float:
        """About how long it takes at the rates of the machine that it was measured on."""
        columns = self.n_neurons * self.n_lags
        operations = columns**3 + 2 * self.n_neurons * columns**2
        return operations / (RATE * self.cores) + ENTRY_SECONDS * self.n_neurons * columns

    def __str__(self) -> str:
        """Say what it takes."""
        return (
            f"a regression at {counted(self.n_lags, 'lag')} {text_of(self.peak_bytes)} and about "
            f"{max(self.seconds, 0.1):,.{1 if self.seconds < 10 else 0}f} s on top of that"
        )


def for_regression(work: Any, n_cores: int) -> str:
    """Return what a regression takes on the moments of a planned pass, behind what that takes; nothing without one."""
    past = sum(lag > 0 for lag in work.lags)
    if not past or 0 not in work.lags or work.n_targets != work.n_sources:
        return ""
    return f"; {Factorisation(work.n_targets, past, n_cores)}"


def check_memory_for(n_neurons: int, n_lags: int) -> None:
    """Raise InvalidInput if a regression on all neurons takes more memory than is free; a cluster's is not known."""
    wanted, free = Factorisation(n_neurons, n_lags, cores()), psutil.virtual_memory().available
    if wanted.peak_bytes > free and cluster() is None:
        raise InvalidInput(
            "data",
            got=f"{n_neurons:,} neurons at {counted(n_lags, 'lag')}, whose regression takes "
            f"{text_of(wanted.peak_bytes)} of memory and about {wanted.seconds:,.0f} s",
            expected=f"at most the {text_of(free)} that are free",
            fix="Name fewer lags, or leave out neurons with netxr.select.",
        )
