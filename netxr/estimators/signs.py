"""Whether the signs of a truth can show in an estimate of it."""

import xarray as xr

from netxr.estimators.table import estimators_of


def sign_text(truth: xr.DataArray, estimate: xr.DataArray) -> str:
    """Say that an estimate tells no sign where the truth has both; an empty text where it does, or the truth has one.

    Examples
    --------
    >>> A = xr.DataArray([[0.0, -1.0], [1.0, 0.0]], dims=("target", "source"))
    >>> sign_text(A, abs(A).rename("granger"))
    'Granger causality tells no sign, and A has both: go by ROC AUC and average precision, which take magnitudes.'
    >>> sign_text(abs(A), abs(A).rename("granger"))
    ''
    """
    unsigned = [entry.long_name for entry in estimators_of(estimate) if not entry.signed]
    if not unsigned or not bool((truth < 0).any() & (truth > 0).any()):
        return ""
    names = " and ".join(unsigned)
    names = f"{names[:1].upper()}{names[1:]} {'tell' if len(unsigned) > 1 else 'tells'}"
    return f"{names} no sign, and A has both: go by ROC AUC and average precision, which take magnitudes."
