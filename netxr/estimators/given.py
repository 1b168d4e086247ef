"""Inputs that are held fixed, or that are instruments: samples beside activity, or labels of those of moments."""

from collections.abc import Hashable, Sequence
from typing import Any

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.moments.lagged import lagged_moments
from netxr.schema.arguments import array_of, said
from netxr.schema.variables import labels_of

Given = xr.DataArray | Hashable | Sequence[Hashable] | None
"""Samples (input, time[, trial]) where data are activity, else labels of inputs."""

EXPECTED = "labels of inputs that the moments hold"


def samples_of(given: Any, *, argument: str) -> xr.DataArray | None:
    """Return the samples of inputs that go with activity, if they are samples."""
    if given is None or is_samples(given):
        return given  # type: ignore[no-any-return]
    raise InvalidInput(
        argument,
        got=f"{said(given)} beside activity",
        expected="samples: a DataArray (input, time[, trial])",
        fix="Labels are for moments that hold inputs: netxr.lagged_moments(..., inputs=...).",
    )


def moments_beside(activity: xr.DataArray, *, given: Any, argument: str, **options: Any) -> xr.Dataset:
    """Return lagged moments of activity and of the inputs beside it; errors about these name the caller's argument."""
    inputs = samples_of(given, argument=argument)
    try:
        return lagged_moments(activity, inputs=inputs, **options)
    except InvalidInput as error:
        if error.argument != "inputs":
            raise
        raise error.about(argument) from None


def is_samples(given: Any) -> bool:
    """Return whether inputs are samples."""
    return isinstance(given, xr.DataArray) and n.TIME in given.dims


def with_inputs(moments: xr.Dataset, given: Any, *, argument: str) -> xr.Dataset:
    """Return moments with the inputs that are named and no others; for None without any.

    Raises InvalidInput if moments do not hold one of them, or one comes twice.
    """
    if given is None:
        return moments.drop_dims([n.INPUT, n.INPUT_TARGET], errors="ignore")
    fix = "Accumulate them in the same pass: netxr.lagged_moments(..., inputs=...)."
    if is_samples(given):
        raise InvalidInput(argument, got="samples of inputs beside moments", expected=EXPECTED, fix=fix)
    if n.INPUT not in moments.dims:
        got = f"{said(given)} for moments without inputs"
        raise InvalidInput(argument, got=got, expected=EXPECTED, fix=fix)
    held = labels_of(moments, n.INPUT).tolist()
    wanted = array_of(argument, given, expected=EXPECTED, dtype=object).ravel().tolist()
    if not wanted or not all(label in held for label in wanted) or len(set(wanted)) < len(wanted):
        raise InvalidInput(argument, got=said(given), expected=f"{EXPECTED}, each once: {said(held)}", fix=fix)
    places = [held.index(label) for label in wanted]
    return moments.isel({n.INPUT: places, n.INPUT_TARGET: places})


def given_in(moments: xr.Dataset) -> dict[str, Any]:
    """Return the inputs that moments hold, as the option that names them; nothing if there are none."""
    return {"given": labels_of(moments, n.INPUT).tolist()} if n.INPUT in moments.dims else {}
