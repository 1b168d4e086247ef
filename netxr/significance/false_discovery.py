"""False discovery rates: among many pairs, some have a low p-value by chance."""

from functools import partial
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.significance import q_values
from netxr.schema.arguments import check_choice, check_flag, is_number
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of

Method = Literal["bh", "by"]

METHODS: Final = {
    "bh": "Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x",
    "by": "Benjamini & Yekutieli 2001, doi:10.1214/aos/1013699998",
}


def false_discovery(p_value: xr.DataArray, *, method: Method = "bh", diagonal: bool = False) -> xr.DataArray:
    """Turn p-values into the false discovery rates at which their pairs would be called.

    Of the pairs with a rate of at most .05, at most one in twenty is expected not to correlate (of a regression: to
    have no effect). A pair that correlates need not be connected: a common source is enough. All pairs and lags of a
    trial are one family; trials, blocks and estimators have families of their own.

    Parameters
    ----------
    p_value : DataArray
        ([lag, ][trial, ]target, source), 0 to 1; NumPy or dask. What is NaN stays so, and counts as no test.
    method : {"bh", "by"}
        "bh" holds for tests that are independent or go together, "by" for any.
    diagonal : bool
        Whether a neuron with itself is a pair. It is connected in nearly every recording, and no discovery.

    Returns
    -------
    DataArray
        Rates with the dims and labels of `p_value`, 0 to 1, float64; lazy if it is. Without the diagonal it is NaN
        there. One in memory has `n_undefined` in its attributes: the pairs that were left out.

    Raises
    ------
    InvalidInput
        If it is no matrix of p-values, 0 to 1 (of a lazy one, once it is computed).

    References
    ----------
    Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x; Benjamini & Yekutieli 2001,
    doi:10.1214/aos/1013699998.

    Examples
    --------
    >>> p = xr.DataArray([[0.001, 0.02], [0.03, 0.001]], dims=("target", "source"))
    >>> false_discovery(p).values.tolist()
    [[nan, 0.03], [0.03, nan]]
    """
    check_choice("method", method, tuple(METHODS))
    check_flag("diagonal", diagonal)
    extra = getattr(p_value, "dims", ())
    check_variable(p_value, CONNECTIVITY_SPEC, argument="p_value", extra_dims=extra)
    own = same_neuron(p_value)
    tested = p_value if diagonal else p_value.where(~own)
    family = [n.LAG] * (n.LAG in p_value.dims) + [n.TARGET, n.SOURCE]
    found: xr.DataArray = xr.apply_ufunc(
        partial(q_values, dependent=method == "by"),
        tested,
        input_core_dims=[family],
        output_core_dims=[family],
        vectorize=True,
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"allow_rechunk": True},
    )
    attrs: dict[Any, Any] = {n.LONG_NAME: "false discovery rate", n.REFERENCE: METHODS[method]}
    if tested.chunks is None:
        pairs = tested.isnull() if diagonal else tested.isnull() & ~own
        attrs[n.N_UNDEFINED] = int(pairs.sum())
    return found.transpose(*p_value.dims).rename(n.Q_VALUE).assign_attrs(attrs)


def check_rate(q: object) -> None:
    """Raise InvalidInput if `q` is no rate at which pairs can be called."""
    if not is_number(q) or not 0 < q < 1:  # type: ignore[operator]
        raise InvalidInput("q", got=repr(q), expected="a share above 0 and below 1")


def same_neuron(matrix: xr.DataArray) -> xr.DataArray:
    """Return where target and source of a matrix are the same neuron, (target, source)."""
    target, source = (labels_of(matrix, dim) for dim in (n.TARGET, n.SOURCE))
    return xr.DataArray(target[:, None] == source, dims=(n.TARGET, n.SOURCE))
