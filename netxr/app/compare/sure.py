"""How sure two estimates are, and their difference: made again from blocks of the recordings in their stores."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

import netxr
from netxr import names as n
from netxr.errors import InvalidInput, NetxrError
from netxr.estimators.apply import compared, lags_needed
from netxr.estimators.estimator import Estimator
from netxr.estimators.table import estimator_of, name_in_words
from netxr.plot.matrices.side_by_side import standardise
from netxr.schema.variables import labels_of
from netxr.schema.words import text_of
from netxr.significance.jackknife import parts_of, pooled
from netxr.significance.reliability import BLOCKS

MOST_NEURONS: Final = 300
MOST_BYTES: Final = 2**30
"""Of a recording that is read again: it takes some seconds."""

ALIKE: Final = 1e-3
"""Largest difference, beside the largest weight, of an estimate that was made the same way."""

DIFFERENCE: Final = "difference"


class Sure(NamedTuple):
    """How sure two estimates are."""

    reliability: list[float]
    halves: list[float]
    """Of each: the reliability, and the correlation of both halves before it is corrected; NaN if not known."""
    error: xr.DataArray | None
    """(target, source): the standard error of their standardised difference."""
    problem: str
    """Why there is none."""


NOT_YET: Final = Sure([np.nan, np.nan], [np.nan, np.nan], None, "not known yet")
"""Of matrices whose recordings are still to be read again."""


class _Source(NamedTuple):
    """An estimate, what made it, the activity that it was made of, and where that is: store and trial."""

    R: xr.DataArray
    estimator: Estimator
    activity: xr.DataArray
    recording: tuple[str, str]

    @property
    def lag(self) -> int:
        """Samples by which its target is read after its source."""
        return int(self.R[n.LAG]) if n.LAG in self.R.coords else 1

    def again(self, moments: xr.Dataset) -> xr.DataArray:
        """Make it again from moments."""
        return compared(netxr.estimate(moments, method=self.estimator.name, lag=self.lag), self.estimator.name)


def how_sure(
    sides: Sequence[tuple[str, xr.Dataset, xr.DataArray]], drawn: xr.DataArray, *, compute: Callable[[Any], Any]
) -> Sure:
    """Say how sure two matrices are, each with its store by name and opened, and their difference where it is drawn.

    Matrices of one recording are made again of the same samples, so that what both have of its noise cancels. A truth
    has no error.
    """
    reliability, halves = [np.nan, np.nan], [np.nan, np.nan]
    try:
        sources = {k: _source(*side) for k, side in enumerate(sides) if not is_truth(side[2])}
        squares: Any = 0.0
        for together in _by_recording(sources):
            moments = _moments(list(together.values()), compute)
            for k, one in together.items():
                found = netxr.reliability(moments, method=one.estimator.name, lag=one.lag)
                reliability[k], halves[k] = found[n.RELIABILITY].item(), found[n.HALVES].item()
            error = netxr.jackknife(moments, partial(_difference, together, drawn))
            squares = squares + error[f"{DIFFERENCE}_{n.STANDARD_ERROR}"] ** 2
    except NetxrError as error:
        return Sure(reliability, halves, None, " ".join(str(error).split()))
    return Sure(reliability, halves, np.sqrt(squares) if sources else None, "" if sources else "neither is an estimate")


def is_truth(R: xr.DataArray) -> bool:
    """Return whether a matrix is a true connectivity, which has no error."""
    return R.name == n.CONNECTIVITY and n.ESTIMATOR not in R.attrs


def _source(store: str, run: xr.Dataset, R: xr.DataArray) -> _Source:
    """Return what an estimate was made of, or raise InvalidInput where that is not known."""
    made_by = estimator_of(R)
    if made_by is None or n.ACTIVITY not in run:
        why = "is of no estimator that netxr has" if made_by is None else "is stored without its recording"
        raise NetxrError(f"the {name_in_words(R)} of {store} {why}, from whose halves it would be known")
    activity = run[n.ACTIVITY]
    if n.TRIAL in activity.dims and n.TRIAL in R.coords:
        activity = activity.sel({n.TRIAL: R[n.TRIAL].values})
    if activity.sizes[n.NEURON] > MOST_NEURONS or activity.nbytes > MOST_BYTES:
        got = f"{activity.sizes[n.NEURON]:,} neurons, {text_of(activity.nbytes)}"
        raise InvalidInput(
            "standard errors",
            got=got,
            expected=f"a recording of {MOST_NEURONS} neurons and {text_of(MOST_BYTES)} at most",
        )
    trial = str(R[n.TRIAL].values) if n.TRIAL in R.coords else ""
    return _Source(R, made_by, activity, (store, trial))


def _by_recording(sources: dict[int, _Source]) -> list[dict[int, _Source]]:
    """Return the estimates of each recording: those of one are from the same samples."""
    found: dict[tuple[str, str], dict[int, _Source]] = {}
    for k, one in sources.items():
        found.setdefault(one.recording, {})[k] = one
    return list(found.values())


def _moments(sources: Sequence[_Source], compute: Callable[[Any], Any]) -> xr.Dataset:
    """Return the moments of a recording in blocks, from which all its estimates follow as they are in the store."""
    needed = dict.fromkeys(lag for one in sources for lag in lags_needed([one.estimator], [one.lag]))
    moments: xr.Dataset = compute(netxr.lagged_moments(sources[0].activity, lags=list(needed), blocks=BLOCKS))
    for one in sources:
        off = abs(one.again(pooled(parts_of(moments, least=2))) - one.R)
        if not float(off.max()) <= ALIKE * float(abs(one.R).max()):
            got = f"{one.R.name}, which was made of other samples or otherwise"
            raise InvalidInput(
                "standard errors", got=got, expected="an estimate of the recording as it is in the store"
            )
    return moments


def _difference(together: dict[int, _Source], drawn: xr.DataArray, moments: xr.Dataset) -> xr.DataArray:
    """Return what these estimates add to the standardised difference, second minus first, where it is drawn."""
    of = {dim: labels_of(drawn, dim) for dim in (n.TARGET, n.SOURCE)}
    each = [(1 if k else -1) * standardise(one.again(moments).sel(of), drawn) for k, one in together.items()]
    total: xr.DataArray = sum(each[1:], each[0])
    return total.transpose(*drawn.dims).rename(DIFFERENCE)
