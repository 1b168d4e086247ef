"""Standard errors and intervals of anything that is computed from moments, by leaving out one part at a time."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import accumulate
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.special import stdtrit

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.fit import call_of
from netxr.moments.inputs import apart, together
from netxr.moments.merge import EDGES, Sums, added, sums_of
from netxr.schema.variables import MOMENT_SPECS, NUMBER_KINDS, check_moments

REFERENCE: Final = "Tukey 1958, doi:10.1214/aoms/1177706647"

FEWEST: Final = 3
"""Parts from which a standard error is worth its name."""

ABOUT: Final = {
    n.STANDARD_ERROR: "standard error, by the jackknife",
    n.LOWER: "lower end of the interval of 95 %",
    n.UPPER: "upper end of the interval of 95 %",
}


def jackknife(data: xr.Dataset, function: Callable[[xr.Dataset], Any]) -> xr.Dataset:
    """Say how sure anything is that is computed from moments, by leaving out one block or trial at a time.

    The parts have to be long beside the memory of the activity; 20 blocks are a good number. Agreement with a truth can
    be computed as well. Drawing samples again (a bootstrap) is not offered: it adds noise to what it estimates, which
    lowers every score.

    Parameters
    ----------
    data : Dataset
        Lagged moments with a dim `block`, as `netxr.lagged_moments(..., blocks=20)` makes them, or else with several
        trials. They are read once.
    function : callable
        Takes moments without that dim; returns a DataArray, a Dataset or a number.

    Returns
    -------
    Dataset
        What the function makes of all moments (`estimate`, if it has no name), and for each variable its standard error
        and the ends of an interval of 95 % by a t distribution, under names that no test has: of `pearson` they are
        `pearson_standard_error`, `pearson_lower` and `pearson_upper`.

    Raises
    ------
    InvalidInput
        If there are fewer than 3 blocks or trials, or no moments.

    References
    ----------
    Tukey 1958, Bias and confidence in not quite large samples, doi:10.1214/aoms/1177706647.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(6, seed=1), n_steps=2000, seed=1)
    >>> moments = netxr.lagged_moments(run, blocks=10).isel(trial=0)
    >>> found = jackknife(moments, netxr.lagged_correlation)
    >>> list(found.data_vars)
    ['lagged_correlation', 'lagged_correlation_standard_error', 'lagged_correlation_lower', 'lagged_correlation_upper']
    >>> def agreement(moments):
    ...     return netxr.compare(run.connectivity, netxr.lagged_correlation(moments), diagonal=True)
    >>> score = jackknife(moments, agreement)
    >>> bool(score.pearson_lower < score.pearson < score.pearson_upper)
    True
    """
    if not callable(function):
        raise InvalidInput("function", got=f"{function!r:.80}", expected="a function of moments")
    parts = parts_of(data, least=FEWEST)
    each = [_named(function(one)) for one in (pooled(parts), *_without_each(parts))]
    whole, left_out = each[0], xr.concat(each[1:], "part", coords="minimal", compat="override", join="override")
    k = len(parts)
    off = left_out - left_out.mean("part", skipna=False)
    error = ((k - 1) / k * (off * off).sum("part", skipna=False)) ** 0.5
    reach = float(stdtrit(k - 1, 0.975)) * error
    beside = {n.STANDARD_ERROR: error, n.LOWER: whole - reach, n.UPPER: whole + reach}
    found = whole.copy()
    for name, variable in whole.data_vars.items():
        for kind, values in beside.items():
            about = {n.LONG_NAME: f"{ABOUT[kind]}, of {name}", n.REFERENCE: REFERENCE, n.MADE_BY: call_of("jackknife")}
            found[f"{name}_{kind}"] = values[name].transpose(*variable.dims).assign_attrs(about)
    return found


def parts_of(moments: object, *, least: int) -> list[xr.Dataset]:
    """Return the moments of each block, or else of each trial, if there are as many as `least`."""
    fix = "Make them with netxr.lagged_moments(..., blocks=20)."
    if not isinstance(moments, xr.Dataset) or n.COMOMENT not in moments:
        raise InvalidInput(
            "data", got=f"a {type(moments).__name__} without moments", expected="moments in blocks", fix=fix
        )
    checked = check_moments(moments, argument="data")
    if checked.attrs.get(n.MISSING) == "drop":
        fix = 'Make them with netxr.lagged_moments(..., blocks=20, missing="drop").'
    own = checked[[spec.name for spec in MOMENT_SPECS if spec.name in checked]]
    dim = n.BLOCK if n.BLOCK in own.dims else n.TRIAL
    size = own.sizes.get(dim, 1)
    if size < least:
        whose = f"in {size} blocks" if dim == n.BLOCK else f"without blocks, of trials: {size}"
        raise InvalidInput("data", got=f"moments {whose}", expected=f"{least} or more", fix=fix)
    beside = [name for name, coord in own.coords.items() if coord.dims == (dim,)]
    return [own.isel({dim: k}).drop_vars(beside) for k in range(size)]


def pooled(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the moments of several parts together."""
    whole = [together(part) for part in parts]
    return _labelled(reduce(added, map(sums_of, whole)), whole, like=parts[0])


def _without_each(parts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Return the moments of all parts but one, for each: of those before it and those after it."""
    whole = [together(part) for part in parts]
    sums = [sums_of(part) for part in whole]
    before = list(accumulate(sums[:-1], added))
    after = list(accumulate(sums[:0:-1], added))[::-1]
    inner = [added(a, b) for a, b in zip(before, after[1:], strict=False)]
    each = enumerate([after[0], *inner, before[-1]])
    return [_labelled(one, whole[:k] + whole[k + 1 :], like=parts[0]) for k, one in each]


def _labelled(sums: Sums, parts: Sequence[xr.Dataset], *, like: xr.Dataset) -> xr.Dataset:
    """Return the summed moments of some parts, of the same labels, with these, and with the ends of each part."""
    first = parts[0]
    found = {
        name: first[name].variable.copy(deep=False, data=one.transpose(*first[name].dims).data)
        for name, one in sums.items()
    }
    frames = first[n.COUNT].attrs.get(n.FRAMES)
    if frames is not None:
        found[n.COUNT].attrs[n.FRAMES] = frames * len(parts)
    ends = {
        name: xr.Variable.concat([part[name].variable for part in parts], n.EDGE_FRAME)  # type: ignore[no-untyped-call]
        for name in EDGES
        if name in first
    }
    whole = first.drop_vars(list(ends)).assign(found | ends)
    return apart(whole, like) if n.INPUT in like.dims else whole


def _named(found: Any) -> xr.Dataset:
    """Return what a function returned as a Dataset."""
    if isinstance(found, xr.Dataset):
        return found
    array = found if isinstance(found, xr.DataArray) else xr.DataArray(np.asarray(found))
    if array.dtype.kind not in NUMBER_KINDS:
        got, expected = f"one that returns {found!r:.80}", "one that returns a DataArray, a Dataset or a number"
        raise InvalidInput("function", got=got, expected=expected)
    return array.to_dataset(name=array.name or "estimate")
