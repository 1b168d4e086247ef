"""What a regression on the past takes from lagged moments, and how its results are labelled."""

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from reprlib import repr as shortened
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import DependentSources, InvalidInput
from netxr.estimators.given import moments_beside, with_inputs
from netxr.kernels.given import held_fixed, held_fixed_at_once
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.least_squares import SHRUNK, that_follow
from netxr.kernels.normal_equations import Ends, NormalEquations, Targets, normal_equations
from netxr.moments.factorisation import check_memory_for
from netxr.moments.inputs import together
from netxr.moments.link_function import linked_or_zero
from netxr.schema.arguments import check_entries, is_whole, said
from netxr.schema.clock import activity_of
from netxr.schema.variables import check_moments, holds_moments, labels_of
from netxr.schema.words import listed

MATRIX: Final = (n.TARGET, n.SOURCE)
MATRICES: Final = (n.LAG, *MATRIX)
"""Dims of a result of one lag, and of several."""

CORE: Final = {
    n.COUNT: (n.LAG,),
    n.MEAN_TARGET: (n.LAG, n.TARGET),
    n.SUMSQ_TARGET: (n.LAG, n.TARGET),
    n.MEAN_SOURCE: (n.LAG, n.SOURCE),
    n.COMOMENT: MATRICES,
    n.EDGE_ACTIVITY: (n.NEURON, n.EDGE_FRAME),
    n.NOT_TARGET: (n.LAG, n.EDGE_FRAME),
    n.NOT_SOURCE: (n.LAG, n.EDGE_FRAME),
}
LINKED: Final = {
    n.MEAN_LINKED: (n.LAG, n.TARGET),
    n.SUMSQ_LINKED: (n.LAG, n.TARGET),
    n.COMOMENT_LINKED: MATRICES,
}
"""What a regression takes from the moments of a trial or block, and of linked targets."""

OF_TARGETS: Final = (n.MEAN_TARGET, n.SUMSQ_TARGET, n.COMOMENT)
"""What of it is of targets that are not linked."""

WHOLE: Final = 'all samples of all neurons: activity or lagged moments with missing="raise"'

MOST_LAGS: Final = 1000
"""Lags of a regression, which takes moments at all their differences."""

FLOAT32_ERROR: Final = 1e-7
"""Of correlations from float32 products."""

MOST_ERROR: Final = 1e-3
"""Of what is solved from them: a larger one is warned of."""


class Fitted(NamedTuple):
    """What is fitted to the moments of one trial, or of trials together, and which results there are."""

    function: Callable[[Any], Sequence[Any]]
    """Takes normal equations and returns the results, in the order of `dims`; columns of the design are lag by lag,
    those of inputs behind them.
    """
    design: Sequence[int]
    """Lags of the sources."""
    dims: Mapping[str, tuple[str, ...]]
    """Names of the results and their dims."""
    sizes: Mapping[str, int] = {}
    """Of dims that are not those of the moments."""
    input_lags: Sequence[int] | None = None
    """Lags of the inputs; by default 0, which is that of the target, and those of the design."""
    over_blocks: bool = False
    """Whether the function takes a list of the normal equations of all blocks, in the place of one after the other."""


def lags_for(design: Sequence[int]) -> list[int]:
    """Return the lags of the moments from which a regression on lags of the past follows.

    Examples
    --------
    >>> lags_for([1, 2, 5])
    [0, 1, 2, 3, 4, 5]
    """
    return sorted({0, *design, *(abs(a - b) for a in design for b in design)})


def check_design(lags: Any) -> list[int]:
    """Return the lags of a regression: those that are listed, or for one number all from 1 to it."""
    expected = "a whole number from 1, or different ones, in samples"
    entries = (
        range(1, min(int(lags), MOST_LAGS) + 1) if is_whole(lags) else check_entries("lags", lags, expected=expected)
    )
    if (is_whole(lags) and lags > MOST_LAGS) or len(entries) > MOST_LAGS:
        raise InvalidInput("lags", got=said(lags), expected=f"{expected}; at most {MOST_LAGS:,} of them")
    if not entries or not all(is_whole(lag) and lag > 0 for lag in entries) or len(set(entries)) < len(entries):
        raise InvalidInput("lags", got=said(lags), expected=expected)
    return [int(lag) for lag in entries]


def moments_for(
    data: Any, design: Sequence[int], *, given: Any = None, argument: str = "given", blocks: int | None = None
) -> xr.Dataset:
    """Return moments from which a regression on these lags follows: those that are given, or those of the activity.

    They hold the inputs that are `given` and no others. Of activity they may be in blocks; those that are given are
    taken as they are.
    """
    needed = lags_for(design)
    if not holds_moments(data):
        return moments_beside(activity_of(data), lags=needed, blocks=blocks, given=given, argument=argument)
    moments = check_moments(data, argument="data")
    missing = sorted(set(needed) - set(labels_of(moments, n.LAG).tolist()))
    if missing:
        held = labels_of(moments, n.LAG).tolist()
        fix = "Name all of these as lags of netxr.lagged_moments."
        raise InvalidInput("data", got=f"moments at lags {held}", expected=f"those at {missing} as well", fix=fix)
    return with_inputs(moments, given, argument=argument)


def check_length(data: Any, design: Sequence[int], *, argument: str = "lags") -> None:
    """Raise InvalidInput if a lag of a regression is too long for the trials of activity."""
    n_steps = np.inf if holds_moments(data) else activity_of(data).sizes[n.TIME]
    if 1 < n_steps < max(design) + 2:
        expected = f"at most {n_steps - 2}, for trials of {n_steps} samples"
        raise InvalidInput(argument, got=f"{max(design)}", expected=expected)


def check_room(data: Any, design: Sequence[int]) -> None:
    """Raise InvalidInput if a lag is too long, or all coefficients take more memory than is free."""
    check_length(data, design)
    held = holds_moments(data)
    sizes = check_moments(data, argument="data").sizes if held else activity_of(data).sizes
    check_memory_for(sizes[n.SOURCE if held else n.NEURON], len(design))


def fit(moments: xr.Dataset, fitted: Fitted) -> xr.Dataset:
    """Return the results of a fit over the moments of each trial, lazy if they are, with the attributes of the moments.

    The inputs that moments hold are further columns of the design. Raises InvalidInput if the moments are of some
    sources, or leave out missing samples: then those of the regression's own targets do not follow.
    """
    check_whole(moments)
    lags = labels_of(moments, n.LAG).tolist()
    if fitted.over_blocks:
        moments = moments if n.BLOCK in moments.dims else moments.expand_dims(n.BLOCK)
    core = CORE | LINKED if n.COMOMENT_LINKED in moments else dict(CORE)
    whole, input_lags = together(moments), fitted.input_lags or sorted({0, *fitted.design})

    equations = partial(
        _equations,
        n_neurons=moments.sizes[n.TARGET],
        lags=lags,
        design=fitted.design,
        input_lags=input_lags if n.INPUT in moments.dims else [],
    )

    def one(*arrays: Any) -> Sequence[Any]:
        """Return the results for a trial or a block."""
        held = dict(zip(core, arrays, strict=True))
        with _naming(held[n.COMOMENT][lags.index(0)], labels_of(moments, n.TARGET)):
            return fitted.function(equations(held))

    def all_blocks(*arrays: Any) -> Sequence[Any]:
        """Return the results for the blocks of a trial together."""
        each = [dict(zip(core, block, strict=True)) for block in zip(*arrays, strict=True)]
        return fitted.function([equations(block) for block in each])

    if fitted.over_blocks:
        core = {name: (n.BLOCK, *dims) for name, dims in core.items()}
    apart = {n.LAG, n.EDGE_FRAME, n.NEURON, *MATRIX, *({n.BLOCK} if fitted.over_blocks else ())}
    sizes = {n.LAG: len(fitted.design), **{dim: moments.sizes[dim] for dim in MATRIX}, **fitted.sizes}
    found = xr.apply_ufunc(
        _over_trials,
        *(_in_one_chunk(whole[name], apart) for name in core),
        input_core_dims=list(core.values()),
        output_core_dims=list(fitted.dims.values()),
        exclude_dims=apart,
        kwargs={
            "function": all_blocks if fitted.over_blocks else one,
            "n_core": len(core[n.COUNT]),
            "shapes": [tuple(sizes[dim] for dim in dims) for dims in fitted.dims.values()],
        },
        dask="parallelized",
        dask_gufunc_kwargs={
            "allow_rechunk": True,
            "output_sizes": {dim: sizes[dim] for dims in fitted.dims.values() for dim in dims},
        },
        output_dtypes=[np.float64] * len(fitted.dims),
    )
    results = dict(zip(fitted.dims, found if isinstance(found, tuple) else (found,), strict=True))
    return _labelled(results, moments, fitted.design)


def _labelled(results: Mapping[str, xr.DataArray], moments: xr.Dataset, design: Sequence[int]) -> xr.Dataset:
    """Return results in the order of dims of all estimates, with the labels and attributes of the moments."""
    order = (n.BLOCK, n.LAG, n.TRIAL, *MATRIX)
    found = xr.Dataset({name: one.transpose(..., *order, missing_dims="ignore") for name, one in results.items()})
    lag = list(design) if n.LAG in found.dims else design[0] if len(design) == 1 else None
    labels = _labels(moments) | ({n.LAG: lag} if lag is not None else {})
    return found.assign_coords(labels).assign_attrs(moments.attrs)


def at_once(moments: xr.Dataset, function: Callable[[Floats, int, int], Floats]) -> xr.DataArray:
    """Return what follows from co-moments at lag 0, ([trial, ]target, source), lazy if they are.

    The function takes what the inputs that moments hold leave of co-moments, the number of samples, and how many
    parameters of each neuron the inputs took.
    """
    check_whole(moments, edges=False)
    whole, n_inputs = together(moments.sel({n.LAG: 0}, drop=True)), moments.sizes.get(n.INPUT, 0)

    def one(comoment: Floats, count: int) -> Floats:
        """Return the result for a trial or a block."""
        left, n_held = held_fixed_at_once(comoment, n_inputs, count)
        _warn_of_little_left(np.diagonal(comoment), np.diagonal(left), moments.attrs.get(n.PRECISION))
        with _naming(comoment, labels_of(moments, n.TARGET)):
            return function(left, count, n_held)

    found: xr.DataArray = xr.apply_ufunc(
        one,
        whole[n.COMOMENT],
        whole[n.COUNT],
        input_core_dims=[MATRIX, ()],
        output_core_dims=[MATRIX],
        exclude_dims={*MATRIX},
        vectorize=True,
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True, "output_sizes": {dim: moments.sizes[dim] for dim in MATRIX}},
        output_dtypes=[np.float64],
    )
    return found.assign_coords(_labels(moments)).assign_attrs(moments.attrs)


@contextmanager
def _naming(comoment: Floats, labels: NDArray[Any]) -> Iterator[None]:
    """Name the neurons that others add up to where a design is singular, by co-moments at lag 0 (neuron and input)."""
    try:
        yield
    except DependentSources as error:
        names = labels[that_follow(comoment[: len(labels), : len(labels)])].tolist()
        if not names or error.argument != "data":
            raise
        fix = f"Leave out {n.NEURON} {listed(names)}, which others add up to, or use {SHRUNK}."
        raise error.about("data", fix=fix) from None


def _labels(moments: xr.Dataset) -> dict[Any, xr.DataArray]:
    """Return the coordinates along targets and along sources."""
    return {name: one for name, one in moments.coords.items() if len(one.dims) == 1 and one.dims[0] in MATRIX}


def _in_one_chunk(variable: xr.DataArray, dims: Collection[str]) -> xr.DataArray:
    """Return a variable with one chunk along dims of which xarray would combine the chunks of all variables."""
    return variable.chunk({dim: -1 for dim in variable.dims if dim in dims}) if variable.chunks else variable


def check_whole(moments: xr.Dataset, *, edges: bool = True, argument: str = "data") -> None:
    """Raise unless moments are of all neurons over the same frames, and keep the `edges` of trials."""
    if not np.array_equal(labels_of(moments, n.TARGET), labels_of(moments, n.SOURCE)):
        got, fix = "moments of some sources", "Accumulate those of all neurons, without sources=."
    elif n.SHUFFLE_TRIALS in moments.attrs:
        got, fix = "moments whose sources are of another trial", "Accumulate them without shuffle_trials=."
    elif n.TARGET not in moments[n.COUNT].dims and (not edges or n.EDGE_ACTIVITY in moments):
        return
    elif n.WHERE in moments[n.COUNT].attrs:
        got = "moments of marked frames, by where="
        fix = "Accumulate them without where=, or use lagged_correlation without inputs, which needs no others."
    elif (missing := moments.attrs.get(n.MISSING)) in ("drop", "pairwise"):
        got = f"activity or moments whose missing samples are left out, by missing={missing!r}"
        fix = (
            "Fill them with netxr.interpolate_frames, those of inputs with xarray's interpolate_na; or use "
            'lagged_correlation without inputs, or, at lag 0 and with missing="drop", partial_correlation.'
        )
    else:
        got, fix = f"moments without {n.EDGE_ACTIVITY!r}", "Accumulate them again with netxr.lagged_moments."
    raise InvalidInput(argument, got=got, expected=WHOLE, fix=fix)


def call_of(function: str, **options: Any) -> str:
    """Return the call of a public function as text, such as "netxr.granger(lags=2)".

    Examples
    --------
    >>> call_of("granger", lags=2)
    'netxr.granger(lags=2)'
    """
    return f"netxr.{function}({', '.join(f'{name}={shortened(one)}' for name, one in options.items())})"


def warn_of_rounding(condition_number: float, precision: str | None) -> None:
    """Warn where an inverse of correlations, whose condition number is large, shows the errors of float32 products."""
    error = condition_number * FLOAT32_ERROR
    if precision == "float32" and error > MOST_ERROR:
        text = (
            f"Moments of float32 products, and sources that nearly depend on one another (condition number "
            f"{condition_number:.0e}): results may be off by about {error:.0e}. "
            'Fix: make the moments with netxr.lagged_moments(..., precision="float64").'
        )
        warnings.warn(text, UserWarning, stacklevel=2)


def without_inputs(equations: NormalEquations, precision: str | None) -> NormalEquations:
    """Return the normal equations of what inputs leave; warn where that shows the errors of float32 products."""
    left = held_fixed(equations)
    _warn_of_little_left(np.diagonal(equations.gram), np.diagonal(left.gram), precision)
    return left


def _warn_of_little_left(before: Floats, after: Floats, precision: str | None) -> None:
    """Warn where what inputs leave of the squares of neurons is little beside the errors of float32 products."""
    shares = after[after > 0] / before[: len(after)][after > 0]
    least = float(shares.min(initial=1))
    if precision == "float32" and FLOAT32_ERROR / least > MOST_ERROR:
        text = (
            f"Moments of float32 products, and inputs that leave {least:.0e} of the variance of a neuron: results may "
            f"be off by about {FLOAT32_ERROR / least:.0e}. "
            'Fix: make the moments with netxr.lagged_moments(..., precision="float64").'
        )
        warnings.warn(text, UserWarning, stacklevel=2)


def by_lag(values: NDArray[Any], n_lags: int | None) -> NDArray[Any]:
    """Return results whose columns are lag by lag, (..., i, d), as (..., lag, i, j); as they are for no lag."""
    if n_lags is None:
        return values
    return np.moveaxis(values.reshape(*values.shape[:-1], n_lags, -1), -2, -3)


def equations_of(moments: xr.Dataset, design: Sequence[int]) -> NormalEquations:
    """Return the normal equations of a regression on lags of the past, of moments of one trial that are in memory."""
    check_whole(moments)
    held = {name: moments[name].transpose(*dims).values for name, dims in CORE.items()}
    lags = labels_of(moments, n.LAG).tolist()
    return _equations(held, n_neurons=moments.sizes[n.TARGET], lags=lags, design=design, input_lags=[])


def _equations(
    held: Mapping[str, NDArray[Any]], *, n_neurons: int, lags: Sequence[int], design: Sequence[int], **options: Any
) -> NormalEquations:
    """Return the normal equations that the moments of one trial or block amount to."""
    edges, longest, at = held[n.EDGE_ACTIVITY], max(design), {lag: number for number, lag in enumerate(lags)}
    left_out = held[n.NOT_TARGET]
    before = left_out[at[0]]  # a block: a trial has targets at lag 0 from its first frame on
    late = held[n.NOT_SOURCE][at[longest]]
    sides = (left_out[at[longest]] & ~before, before & ~late, late & ~before)
    if 1 in at and (left_out[at[1]] & ~before).sum() * longest != sides[0].sum():
        fix = "Leave out short segments, or name shorter lags."
        expected = f"segments of {longest + 1} samples or more, for lags up to {longest}"
        raise InvalidInput("data", got="moments of segments that are shorter than a lag", expected=expected, fix=fix)
    ends = Ends(*(edges[:, side].reshape(len(edges), -1, longest) for side in sides))
    is_linked = n.COMOMENT_LINKED in held
    first = ends.first[:n_neurons]
    if is_linked:
        first = linked_or_zero(first)
    mean, square, comoment = (held[name][:, :n_neurons] for name in (LINKED if is_linked else OF_TARGETS))
    targets = Targets(mean, square, comoment, first)
    own: list[Any] = [held[name] for name in (n.COUNT, n.MEAN_TARGET, n.MEAN_SOURCE, n.COMOMENT)]
    return normal_equations(*own, ends=ends, targets=targets, lags=lags, design=design, **options)


def _over_trials(
    *arrays: NDArray[Any], function: Callable[..., Any], n_core: int, shapes: Sequence[tuple[int, ...]]
) -> Any:
    """Return what a function makes of the moments of each trial; a single one is not copied."""
    leading = arrays[0].shape[:-n_core]
    if not arrays[0].size:  # dask asks for types with no trials
        results = [np.empty((*leading, *shape)) for shape in shapes]
    elif leading:
        each = [function(*(array[index] for array in arrays)) for index in np.ndindex(leading)]
        stacked = [one[0] if len(each) == 1 else np.stack(one) for one in zip(*each, strict=True)]
        results = [np.reshape(one, (*leading, *shape)) for one, shape in zip(stacked, shapes, strict=True)]
    else:
        results = [np.asarray(one) for one in function(*arrays)]
    return tuple(results) if len(results) > 1 else results[0]
