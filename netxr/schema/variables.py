"""What a valid recording, connectivity or set of moments is: specifications and checks on metadata.

A check reads dims, dtypes and labels. It never reads samples, so it is free on data of any size.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, Final, NamedTuple, TypeGuard

import numpy as np
import psutil
import xarray as xr
from xarray.indexes import PandasIndex

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.words import text_of


@dataclass(frozen=True)
class VariableSpec:
    """What one variable must look like."""

    name: str
    dims: tuple[str, ...]
    """Dims that must be there, in the order in which stores are written."""
    optional_dims: tuple[str, ...]
    """Dims that may be there as well."""
    kinds: str
    """NumPy dtype kinds that are allowed."""
    doc: str
    """What the variable holds, with its units."""


NUMBER_KINDS: Final = "fiub"

MOST_BLOCKS: Final = 2**24
"""Lazy data in more blocks than this cannot be worked through."""

ACTIVITY_SPEC: Final = VariableSpec(
    n.ACTIVITY, (n.NEURON, n.TIME), (n.TRIAL,), NUMBER_KINDS, "samples, in the unit that its `units` attribute names"
)
CONNECTIVITY_SPEC: Final = VariableSpec(
    n.CONNECTIVITY,
    (n.TARGET, n.SOURCE),
    (n.TRIAL,),
    NUMBER_KINDS,
    "weight of the edge from source to target; 0 = no edge",
)
INPUTS_SPEC: Final = VariableSpec(
    n.INPUTS, (n.INPUT, n.TIME), (n.TRIAL,), NUMBER_KINDS, "samples of what was recorded beside the activity"
)
MOMENT_SPECS: Final = tuple(
    VariableSpec(name, dims, (n.TRIAL,), kinds, doc)
    for name, dims, kinds, doc in (
        (n.COUNT, (n.LAG,), "iu", "pairs of samples"),
        (n.MEAN_TARGET, (n.LAG, n.TARGET), "f", "mean over the samples that are targets, in units of the activity"),
        (n.MEAN_SOURCE, (n.LAG, n.SOURCE), "f", "mean over the samples that are sources, in units of the activity"),
        (n.SUMSQ_TARGET, (n.LAG, n.TARGET), "f", "sum of squared deviations from mean_target, in squared units"),
        (n.SUMSQ_SOURCE, (n.LAG, n.SOURCE), "f", "sum of squared deviations from mean_source, in squared units"),
        (
            n.COMOMENT,
            (n.LAG, n.TARGET, n.SOURCE),
            "f",
            "sum over pairs of the product of both deviations, in squared units",
        ),
        (n.MEAN_LINKED, (n.LAG, n.TARGET), "f", "mean over what a link makes of the samples that are targets"),
        (n.SUMSQ_LINKED, (n.LAG, n.TARGET), "f", "sum of squared deviations from mean_linked"),
        (n.COMOMENT_LINKED, (n.LAG, n.TARGET, n.SOURCE), "f", "sum over pairs of the product of the linked deviations"),
        (n.MEAN_INPUT_TARGET, (n.LAG, n.INPUT_TARGET), "f", "mean of an input over the samples that are targets"),
        (n.MEAN_INPUT, (n.LAG, n.INPUT), "f", "mean of an input over the samples that are sources"),
        (n.SUMSQ_INPUT_TARGET, (n.LAG, n.INPUT_TARGET), "f", "sum of squared deviations from mean_input_target"),
        (n.SUMSQ_INPUT, (n.LAG, n.INPUT), "f", "sum of squared deviations from mean_input"),
        (n.COMOMENT_INPUT, (n.LAG, n.TARGET, n.INPUT), "f", "the same of neurons and of inputs before them"),
        (n.COMOMENT_INPUT_TARGET, (n.LAG, n.INPUT_TARGET, n.SOURCE), "f", "of inputs and of neurons before them"),
        (n.COMOMENT_INPUTS, (n.LAG, n.INPUT_TARGET, n.INPUT), "f", "of inputs and of inputs before them"),
        (n.COMOMENT_LINKED_INPUT, (n.LAG, n.TARGET, n.INPUT), "f", "of linked neurons and of inputs before them"),
        (n.EDGE_INPUT, (n.INPUT, n.EDGE_FRAME), "f", "samples of inputs near the ends of a trial"),
        (n.EDGE_ACTIVITY, (n.NEURON, n.EDGE_FRAME), "f", "samples near the ends of a trial, in units of the activity"),
        (n.NOT_TARGET, (n.LAG, n.EDGE_FRAME), "b", "true where the lag leaves the frame out of the target side"),
        (n.NOT_SOURCE, (n.LAG, n.EDGE_FRAME), "b", "true where the lag leaves the frame out of the source side"),
    )
)


def check_variable(data: object, spec: VariableSpec, *, argument: str, extra_dims: Iterable[str] = ()) -> xr.DataArray:
    """Return `data` if it is a DataArray that fits `spec` (and may have `extra_dims`), in any order of dims.

    Raises InvalidInput if it is no DataArray, lacks a dim, has one too many, is not numeric, is empty, has chunks of
    unknown length, or repeats a label.
    """
    wanted = f"a DataArray with dims ({', '.join(spec.dims)}{''.join(f'[, {d}]' for d in spec.optional_dims)})"
    if not isinstance(data, xr.DataArray):
        fix = "Give a plain array or a table its labels with netxr.as_activity or netxr.as_connectivity."
        if isinstance(data, xr.Dataset) and data.data_vars:
            name = spec.name if spec.name in data else next(iter(data.data_vars))
            fix = f"Take the variable that is meant, e.g. dataset[{name!r}]."
        raise InvalidInput(argument, got=_describe(data), expected=wanted, fix=fix)
    missing = [dim for dim in spec.dims if dim not in data.dims]
    unknown = [dim for dim in data.dims if dim not in (*spec.dims, *spec.optional_dims, *extra_dims)]
    if missing or unknown:
        raise InvalidInput(
            argument,
            got=f"dims {tuple(map(str, data.dims))}",
            expected=wanted,
            fix=_fix_of_dims(data, spec),
        )
    if data.dtype.kind not in spec.kinds:
        raise InvalidInput(
            argument, got=f"dtype {data.dtype}", expected="real numbers", fix="Convert with .astype(float)."
        )
    check_lengths(data, argument=argument)
    empty = [str(dim) for dim, size in data.sizes.items() if size == 0]
    if empty:
        raise InvalidInput(argument, got=f"no entry along {', '.join(empty)}", expected="at least one along every dim")
    check_blocks(data, argument)
    check_labels(data, argument=argument)
    return data


def _fix_of_dims(data: xr.DataArray, spec: VariableSpec) -> str:
    """Return what to do about data whose dims do not fit `spec`."""
    if n.TARGET in spec.dims and {n.NEURON, n.TIME} <= {*data.dims}:
        return (
            "This is activity. A matrix has a number for each pair of neurons, as of netxr.lagged_correlation(activity)"
            "; netxr.plot.traces and netxr.plot.raster draw activity itself."
        )
    if n.TIME in spec.dims and {n.TARGET, n.SOURCE} <= {*data.dims}:
        return "This is a matrix, with a number for each pair of neurons. Give the activity, (neuron, time)."
    return "Rename dims with .rename, or take one entry of a further dim with .isel."


def check_blocks(data: xr.DataArray | xr.Variable, argument: str) -> None:
    """Raise InvalidInput if lazy data have more blocks than can be counted through, or blocks that no memory holds."""
    if not data.chunks:
        return
    n_blocks, n_bytes = prod(map(len, data.chunks)), prod(map(max, data.chunks)) * data.dtype.itemsize
    if n_blocks > MOST_BLOCKS or n_bytes > psutil.virtual_memory().total:
        sizes = " x ".join(map(str, data.shape))
        raise InvalidInput(
            argument,
            got=f"{sizes} samples in {n_blocks:,} lazy blocks of up to {text_of(n_bytes)}",
            expected=f"at most {MOST_BLOCKS:,} blocks, each of which fits into memory",
            fix="Is the shape right? If it is, rechunk it.",
        )


def check_lengths(data: xr.DataArray | xr.Dataset, *, argument: str) -> None:
    """Raise InvalidInput if lazy data have chunks of unknown length."""
    if any(map(np.isnan, data.sizes.values())):
        fix = "Call .compute_chunk_sizes() on its dask array."
        raise InvalidInput(argument, got="chunks of unknown length", expected="known ones", fix=fix)


def check_labels(data: xr.DataArray, *, argument: str) -> None:
    """Raise InvalidInput if a dim of `data` has a label twice or lacks one, or neurons are called True or False."""
    for dim, one in data.xindexes.items():
        index = one.to_pandas_index() if isinstance(one, PandasIndex) else None  # others hold no single labels
        if index is None:
            continue
        is_mask = index.dtype == bool and dim in (n.NEURON, n.TARGET, n.SOURCE)
        if is_mask or (index.nlevels == 1 and index.hasnans):
            got = "True and False, which choose by place," if is_mask else "NaN or None"
            fix = f"Relabel with .assign_coords({dim}=...)."
            raise InvalidInput(argument, got=f"{got} among labels along {dim}", expected="numbers or text", fix=fix)
        if not index.is_unique:
            twice = index[index.duplicated()][0]
            raise InvalidInput(
                argument,
                got=f"label {twice!r} more than once along {dim}",
                expected="a label of its own for each entry",
                fix=f"Relabel with .assign_coords({dim}=...).",
            )


def check_activity(activity: object, *, argument: str = n.ACTIVITY) -> xr.DataArray:
    """Return `activity` if it is a DataArray (neuron, time[, trial]) of real numbers; no sample is read."""
    return check_variable(activity, ACTIVITY_SPEC, argument=argument)


def check_connectivity(connectivity: object, *, argument: str = n.CONNECTIVITY) -> xr.DataArray:
    """Return `connectivity` if it is a square DataArray (target, source[, trial]) with the same labels on both axes."""
    matrix = check_variable(connectivity, CONNECTIVITY_SPEC, argument=argument)
    if matrix.sizes[n.TARGET] != matrix.sizes[n.SOURCE]:
        raise InvalidInput(
            argument,
            got=f"{matrix.sizes[n.TARGET]} targets x {matrix.sizes[n.SOURCE]} sources",
            expected="a square matrix, every neuron both a target and a source",
        )
    if not np.array_equal(labels_of(matrix, n.TARGET), labels_of(matrix, n.SOURCE)):
        raise InvalidInput(
            argument,
            got="targets and sources with different labels, or in different order",
            expected="the same labels in the same order on both axes",
            fix="Reorder with .sel(source=matrix.target.values).",
        )
    return matrix


def check_moments(moments: object, *, argument: str = "moments") -> xr.Dataset:
    """Return `moments` if it is a Dataset of lagged moments, without reading it.

    Raises InvalidInput if it is no Dataset, lacks a variable of lagged moments, or one of them has the wrong dims.
    """
    names = [spec.name for spec in MOMENT_SPECS[:6]]
    if not isinstance(moments, xr.Dataset) or any(name not in moments for name in names):
        raise InvalidInput(
            argument,
            got=_describe(moments),
            expected=f"a Dataset with {', '.join(names)}",
            fix="Make one with netxr.lagged_moments.",
        )
    for spec in MOMENT_SPECS:
        if spec.name in moments and not set(spec.dims) <= set(moments[spec.name].dims):
            check_variable(moments[spec.name], spec, argument=f"{argument}.{spec.name}")
    return moments


def holds_moments(data: object, *, argument: str = "data") -> TypeGuard[xr.Dataset]:
    """Return whether an estimate follows from the moments in a Dataset; beside activity they have to be of the same.

    Raises InvalidInput if they are of other neurons, or of more or fewer samples; nothing is computed.
    """
    if not isinstance(data, xr.Dataset) or (n.COMOMENT not in data and n.ACTIVITY in data):
        return False
    if n.ACTIVITY not in data:
        return True
    activity, counted = data[n.ACTIVITY], data[n.COUNT].attrs.get(n.FRAMES) if n.COUNT in data else None
    n_trials = 1 if n.TRIAL in data[n.COMOMENT].dims else activity.sizes.get(n.TRIAL, 1)
    n_frames = activity.sizes.get(n.TIME, 0) * n_trials
    wrong = ""
    if counted is not None and counted != n_frames:
        wrong = f"of {counted:,} samples, beside activity of {n_frames:,}"
    if not np.array_equal(labels_of(data, n.TARGET), labels_of(activity, n.NEURON)):
        wrong = f"of {data.sizes[n.TARGET]} targets, beside activity of {activity.sizes[n.NEURON]} neurons"
        wrong += " with other labels" * (data.sizes[n.TARGET] == activity.sizes[n.NEURON])
    if wrong:
        fix = f"Take the samples, run.{n.ACTIVITY}; or the moments, run.drop_vars({n.ACTIVITY!r})."
        expected = "those of its activity: a selection of one leaves the other as it was"
        raise InvalidInput(argument, got=f"a Dataset with moments {wrong}", expected=expected, fix=fix)
    return True


def is_sweep(variables: Iterable[Hashable]) -> bool:
    """Return whether a dataset whose variables have these names is a sweep: it has means of scores over trials."""
    return any(str(name).endswith(n.SCORE_MEAN) for name in variables)


def labels_of(data: xr.DataArray | xr.Dataset, dim: str) -> np.ndarray[Any, Any]:
    """Return the labels along `dim`: its coordinate, or 0, 1, 2, ... where it has none."""
    labels = data.coords.variables.get(dim)
    return np.arange(data.sizes[dim]) if labels is None else np.asarray(labels.values)


class Trial(NamedTuple):
    """Samples of one trial, (neuron, time), and what to call them in an error."""

    name: str
    samples: Any


def trials_of(activity: xr.DataArray) -> list[Trial]:
    """Return the samples of each trial; a recording without trial dim is one trial."""
    if n.TRIAL not in activity.dims:
        return [Trial(n.ACTIVITY, activity.transpose(n.NEURON, n.TIME).data)]
    samples = activity.transpose(n.NEURON, n.TIME, n.TRIAL).data
    labels = labels_of(activity, n.TRIAL).tolist()
    return [Trial(f"{n.ACTIVITY}, trial {label}", samples[:, :, k]) for k, label in enumerate(labels)]


def segments_of(trial: Trial, cuts: Sequence[int]) -> list[Trial]:
    """Return the segments of a trial, each from one cut to the next; without a cut, the trial.

    Examples
    --------
    >>> [each.samples.tolist() for each in segments_of(Trial("activity", np.array([[5, 6, 7]])), [1])]
    [[[5]], [[6, 7]]]
    """
    if not cuts:
        return [trial]
    ends = pairwise([0, *cuts, trial.samples.shape[1]])
    return [Trial(f"{trial.name}, samples {a} to {b - 1}", trial.samples[:, a:b]) for a, b in ends]


def _describe(value: object) -> str:
    """Say in a few words what `value` is."""
    if isinstance(value, xr.Dataset):
        return f"a Dataset with {', '.join(map(str, value.data_vars)) or 'no variable'}"
    shape = getattr(value, "shape", None)
    return type(value).__name__ + (f" of shape {tuple(shape)}" if isinstance(shape, tuple) else "")


def float_type(activity: xr.DataArray) -> np.dtype[Any]:
    """Return the dtype of a result with fractions: that of the samples, float64 for integers."""
    return activity.dtype if activity.dtype.kind == "f" else np.dtype(np.float64)
