"""What an estimator is: a function of lagged moments, and what there is to know of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import is_whole
from netxr.schema.variables import MOMENT_SPECS

TAKEN: Final = frozenset(
    {n.ACTIVITY, n.CONNECTIVITY, n.NEURON, n.TIME, n.TRIAL, n.TARGET, n.SOURCE, n.LAG, n.ESTIMATOR}
    | {spec.name for spec in MOMENT_SPECS}
)
"""Names that no estimator can have: in a store they are others'."""


def _the_lag(lag: int) -> tuple[int, ...]:
    """Return the lag alone, which is all that most estimators need."""
    return (lag,)


@dataclass(frozen=True)
class Estimator:
    """A way to estimate connectivity from lagged moments.

    Parameters
    ----------
    name : str
        What ``netxr.estimate(..., method=name)`` asks for, and the name of the variable in a store: letters, digits and
        underscores, and no other variable's name.
    function : callable
        Takes lagged moments and a lag in samples, and returns the estimate ([trial, ]target, source), real numbers
        with the labels of the moments: a DataArray, or a Dataset whose variable `name` is the one that is compared
        with a truth, and the others go with it, also when samples are appended to a store.
    long_name : str
        Name in figures and messages.
    reference : str
        Source, with its DOI.
    assumes : str
        What has to hold for the estimate to be the connectivity.
    lags : callable
        Takes the lag that is asked for, and returns the lags of the moments that the function needs for it; raises
        InvalidInput for a lag at which there is no estimate.
    directed : bool
        Whether the estimate distinguishes source from target.
    signed : bool
        Whether the estimate distinguishes excitation from inhibition.
    all_sources : bool
        Whether the estimate of one source takes the moments of all, as where the others are held fixed.
    lags_at_once : bool
        Whether the function takes a list of lags as well, and returns them along `lag`, which spares a copy.
    by_rows : callable, optional
        Makes the estimate some rows at a time, straight from activity to disk, for more pairs of neurons than memory
        holds: called as `rows.store_correlation` is.
    package : str
        Name of the package that it comes from, if that is another one; what reads its entry point fills it in.

    Raises
    ------
    InvalidInput
        If the name cannot be that of a variable, or something is called that is no function.

    Examples
    --------
    >>> import netxr
    >>> covariance = Estimator(
    ...     name="lagged_covariance",
    ...     function=lambda moments, lag: moments.comoment.sel(lag=lag) / moments["count"].sel(lag=lag),
    ...     long_name="lagged covariance",
    ... )
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> covariance.function(netxr.lagged_moments(run.activity), 1).sizes
    Frozen({'trial': 1, 'target': 5, 'source': 5})
    """

    name: str
    function: Callable[[xr.Dataset, int], xr.DataArray | xr.Dataset]
    long_name: str
    reference: str = ""
    assumes: str = ""
    lags: Callable[[int], Sequence[int]] = _the_lag
    directed: bool = True
    signed: bool = True
    all_sources: bool = False
    lags_at_once: bool = False
    by_rows: Callable[..., xr.DataArray] | None = None
    package: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier() or self.name in TAKEN:
            expected = "letters, digits and underscores, and no name of another variable or dim"
            raise InvalidInput("name", got=repr(self.name), expected=expected)
        called = {"function": self.function, "lags": self.lags, "by_rows": self.by_rows}
        for argument, value in called.items():
            if not callable(value) and (argument != "by_rows" or value is not None):
                raise InvalidInput(argument, got=f"{value!r:.80}", expected="a function")
        if not isinstance(self.long_name, str):
            raise InvalidInput("long_name", got=repr(self.long_name), expected="text")

    @property
    def has_lag(self) -> bool:
        """Whether the estimate depends on the lag that is asked for."""
        return self.needs(1) != self.needs(2)

    def lag_of(self, lag: int) -> int:
        """Return the lag of the estimate where one is asked for; if it has its own, the longest that it takes."""
        return lag if self.has_lag else max(self.needs(lag))

    def needs(self, lag: int) -> tuple[int, ...]:
        """Return the lags of the moments that are needed for a lag; raise InvalidInput where there are none."""
        cause = None
        try:
            found = tuple(self.lags(lag))
        except InvalidInput:
            raise
        except Exception as error:  # whatever another package raises
            fault, cause = f"fails ({type(error).__name__}: {error})", error
        else:
            if found and all(is_whole(one) and one >= 0 for one in found):
                return tuple(map(int, found))
            fault = f"returns {found!r:.80}"
        got = f"{self.name!r}, whose `lags` {fault} at lag {lag}"
        raise InvalidInput("method", got=got, expected="whole numbers of samples, 0 and above") from cause
