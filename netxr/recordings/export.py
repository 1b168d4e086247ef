"""Variables as a table of text, which a spreadsheet opens."""

import math
from typing import Final

import pandas as pd
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.words import reads_as_number

MOST_ROWS: Final = 2_000_000
"""Most rows of a table: a matrix of 1,400 neurons."""

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet takes for a formula."""


def csv(table: xr.Dataset, *, separator: str = ",") -> str:
    r"""Return variables as a table, one row for each entry: labels first, in the order target, source.

    A label or name that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay as they are.

    Examples
    --------
    >>> A = xr.DataArray([[0.5, -1.0]], {"target": ["=1+1"], "source": ["b", "-2"]}, name="A")
    >>> print(csv(A.to_dataset()))
    target,source,A
    '=1+1,b,0.5
    '=1+1,-2,-1.0
    <BLANKLINE>
    """
    n_rows = math.prod(table.sizes.values())
    if n_rows > MOST_ROWS:
        fix = "Take it as a Zarr store, which has no such limit."
        raise InvalidInput("table", got=f"{n_rows:,} rows", expected=f"at most {MOST_ROWS:,}", fix=fix)
    dims = list(map(str, table.dims))
    order = [dim for dim in dims if dim not in (n.TARGET, n.SOURCE)] + [d for d in (n.TARGET, n.SOURCE) if d in dims]
    if n.EDGE in dims:  # a list of pairs, whose labels are coordinates
        frame = pd.DataFrame({str(name): one.values for name, one in {**table.coords, **table.data_vars}.items()})
    else:
        frame = table.reset_coords(drop=True).to_dataframe(dim_order=order).reset_index()
    for name in frame.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]]:
        written = {value: _no_formula(value) for value in frame[name].unique()}
        frame[name] = frame[name].map(written)
    frame.columns = [_no_formula(str(name)) for name in frame.columns]
    return str(frame.to_csv(index=False, sep=separator, lineterminator="\n"))


def _no_formula(value: object) -> object:
    """Return a cell with an apostrophe in front if it is a text that a spreadsheet would compute.

    Examples
    --------
    >>> _no_formula("@a"), _no_formula("-2e3"), _no_formula(-2), _no_formula("a=b")
    ("'@a", '-2e3', -2, 'a=b')
    """
    is_formula = isinstance(value, str) and value.startswith(FORMULA) and not reads_as_number(value.strip())
    return f"'{value}" if is_formula else value
