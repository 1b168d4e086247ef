"""The connections that are left at a false discovery rate, as a table."""

from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import check_flag, is_number
from netxr.significance.false_discovery import METHODS, Method, false_discovery

EFFECTS: Final = (n.LAGGED_CORRELATION, n.STANDARDISED, n.GRANGER, n.COEFFICIENT)
"""Estimates that come with p-values; the first that there is stands in the list."""

ABOUT: Final = {
    n.EFFECT: "estimate",
    n.LOWER: "lower end of the interval of 95 %",
    n.UPPER: "upper end of the interval of 95 %",
    n.P_VALUE: "p-value",
    n.Q_VALUE: "false discovery rate",
}


def edges(result: xr.Dataset, *, q: float = 0.05, method: Method = "bh", diagonal: bool = False) -> xr.Dataset:
    """List the connections that are found at a false discovery rate, the strongest first.

    Parameters
    ----------
    result : Dataset
        `p_value` ([lag, ][trial, ]target, source) and the estimate that it is about, as `netxr.correlation_test`,
        `netxr.regression` and `netxr.granger` return them; computed at once where it is lazy.
    q : float
        Share of the listed pairs that may be expected to have no edge, above 0 and below 1.
    method, diagonal
        As in `netxr.false_discovery`.

    Returns
    -------
    Dataset
        Over `edge`: `effect` (the estimate), `lower` and `upper` where the result has them, `p_value`, `q_value`, with
        `target`, `source` and, where the result has several, `lag` and `trial` of each edge as coordinates.
        ``.to_dataframe()`` makes a table of it. Attributes: `q`, and how many pairs were tested and left out.

    Raises
    ------
    InvalidInput
        If the result has no p-values or no estimate beside them, or `q` is no share.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.random_connectivity(10, seed=1)
    >>> found = edges(netxr.correlation_test(netxr.simulate(A, n_steps=5000, seed=1)), q=0.05)
    >>> bool((A.sel(target=found.target, source=found.source) > 0).mean() > 0.9)
    True
    """
    if not is_number(q) or not 0 < q < 1:
        raise InvalidInput("q", got=repr(q), expected="a share above 0 and below 1")
    check_flag("diagonal", diagonal)
    effect = next((name for name in EFFECTS if isinstance(result, xr.Dataset) and name in result), None)
    if effect is None or n.P_VALUE not in result:
        held = list(map(str, result.data_vars)) if isinstance(result, xr.Dataset) else type(result).__name__
        fix = "Use netxr.correlation_test(activity), netxr.regression(activity) or netxr.granger(activity)."
        expected = f"a Dataset with {n.P_VALUE!r} and an estimate"
        raise InvalidInput("result", got=f"{held}", expected=expected, fix=fix)
    tested = result[[effect, *(name for name in (n.LOWER, n.UPPER) if name in result), n.P_VALUE]].compute()
    rates = false_discovery(tested[n.P_VALUE], method=method, diagonal=diagonal)
    dims = rates.dims
    places = np.nonzero(rates.values <= q)
    order = np.argsort(-np.abs(tested[effect].transpose(*dims).values[places]), kind="stable")
    at: dict[Any, Any] = {dim: xr.DataArray(place[order], dims=n.EDGE) for dim, place in zip(dims, places, strict=True)}
    listed = tested.assign({n.Q_VALUE: rates}).rename({effect: n.EFFECT}).isel(at)
    for dim in dims:
        if dim not in listed.coords:
            listed = listed.assign_coords({dim: at[dim]})
    about = {n.Q: float(q), n.REFERENCE: METHODS[method], n.N_PAIRS: int(rates.notnull().sum())}
    kept = listed.assign_attrs(result.attrs | about | {n.N_UNDEFINED: rates.attrs[n.N_UNDEFINED]})
    for name, text in ABOUT.items():
        if name in kept:
            kept[name].attrs = {n.LONG_NAME: text if name != n.EFFECT else result[effect].attrs.get(n.LONG_NAME, text)}
    return kept.drop_vars([name for name, coord in kept.coords.items() if coord.dims != (n.EDGE,)])
