"""Rows beside those of the neurons, so that one read serves them all: inputs, targets read through a link, a mask.

The pass goes over the neurons, then the inputs, then what a link makes of the neurons, then the mask. Neurons and
inputs are sources; all but the mask are targets; the mask says which frames are sources.
"""

from dataclasses import replace
from typing import Any, Final, NamedTuple

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.schedulers import computed
from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Pass, block_frames
from netxr.moments.inputs import apart
from netxr.moments.link_function import LINKED, fill_logits
from netxr.schema.arguments import check_choice
from netxr.schema.beside import inputs_of, mask_of
from netxr.schema.variables import labels_of

AT_ONCE_BYTES: Final = 2**26
"""Rows of samples in memory that are made at once: of more, a graph of tasks costs little beside them."""

ROW_BYTES: Final = 2**22
"""Rows of more samples in memory that are made at a time."""

MARKED: Final = "marked"
"""What `count` says of moments of marked frames."""


class Beside(NamedTuple):
    """What the pass reads beside the activity."""

    neurons: NDArray[Any]
    """Labels of the neurons, (neuron)."""
    inputs: xr.DataArray | None
    """What was recorded with them, (input, time[, trial])."""
    link: str | None
    """The function through which targets are read as well."""
    mask: xr.DataArray | None
    """Which frames are sources, (time[, trial])."""

    @property
    def lazy(self) -> bool:
        """Whether inputs are dask's."""
        return self.inputs is not None and isinstance(self.inputs.data, da.Array)

    @property
    def n_inputs(self) -> int:
        """How many inputs there are."""
        return 0 if self.inputs is None else int(self.inputs.sizes[n.INPUT])

    @property
    def n_sources(self) -> int:
        """How many rows are sources: neurons and inputs."""
        return len(self.neurons) + self.n_inputs

    @property
    def n_targets(self) -> int:
        """How many rows are targets."""
        return self.n_sources + (len(self.neurons) if self.link else 0)

    @property
    def n_rows(self) -> int:
        """How many rows the pass goes over."""
        return self.n_targets + (self.mask is not None)


def beside(activity: xr.DataArray, *, inputs: Any, link: object, where: Any, max_lag: int) -> Beside | None:
    """Return what a pass over a recording reads beside it; None for nothing.

    Raises InvalidInput if any of it does not fit the recording, or a mask leaves no frame that has a target at the
    longest lag; a lazy mask is computed for that.
    """
    if inputs is None and link is None and where is None:
        return None
    if link is not None:
        check_choice("link", link, ("logit",))
    mask = None if where is None else mask_of(where, activity)
    if mask is not None:
        mask = mask.copy(data=computed(mask.data)[0])
        n_marked, late = int(mask.values.sum()), mask.sizes[n.TIME] - max_lag
        if not mask.isel({n.TIME: slice(0, late)}).values.any():
            fix = "Mark the frames that are to be sources as True."
            got = f"{n_marked:,} of {mask.size:,} frames marked" + f", all in the last {max_lag:,}" * (n_marked > 0)
            raise InvalidInput("where", got=got, expected=f"one or more that have a target at lag {max_lag}", fix=fix)
    given = None if inputs is None else inputs_of(inputs, activity)
    return Beside(labels_of(activity, n.NEURON), given, None if link is None else str(link), mask)


def widened(todo: Pass, further: Beside) -> Pass:
    """Return a pass over the neurons of a recording that goes over the rows beside them as well."""
    n_sources, marked = further.n_sources, further.mask is not None
    return replace(
        todo,
        block=block_frames(further.n_rows, todo.max_lag, todo.precision),
        targets=(0, further.n_targets) if marked else None,
        sources=tuple(range(n_sources)) if further.n_rows > n_sources else None,
        linked=len(further.neurons) if further.link else 0,
        marked=marked,
    )


def with_rows(activity: xr.DataArray, further: Beside, *, finite: bool) -> xr.DataArray:
    """Return a recording with the rows that are read beside it as further neurons, without labels.

    It is lazy, also where many samples are in memory: their rows are made some frames at a time, and never of all.
    `finite` is whether an input that is not finite is an error.
    """
    samples = activity.transpose(n.NEURON, n.TIME, ...)
    sides = [each for each in (further.inputs, further.mask) if each is not None]
    arrays = [samples.data, *(_in_all_trials(each, samples) for each in sides)]
    precision = np.dtype(np.float32 if samples.dtype == np.float32 else np.float64)
    options: dict[str, Any] = {
        "labels": further.neurons.tolist(),
        "inputs": [] if further.inputs is None else labels_of(further.inputs, n.INPUT).tolist(),
        "link": further.link,
        "marked": further.mask is not None,
        "precision": precision,
        "finite": finite,
    }
    rest = {name: coord for name, coord in samples.coords.items() if n.NEURON not in coord.dims}
    frame_bytes = further.n_rows * precision.itemsize
    if not any(isinstance(array, da.Array) for array in arrays) and samples[0].size * frame_bytes <= AT_ONCE_BYTES:
        return xr.DataArray(_rows(*map(np.asarray, arrays), **options), rest, samples.dims, samples.name, samples.attrs)
    some = max(1, ROW_BYTES // frame_bytes), *(1,) * (samples.ndim - 2)
    chunks = next((array.chunks[1:] for array in arrays if isinstance(array, da.Array)), some)
    aligned: Any = [_in_chunks(array, chunks) for array in arrays]
    lengths = ((further.n_rows,), *aligned[0].chunks[1:])
    like = np.empty((0,) * samples.ndim, precision)
    rows: Any = da.map_blocks(_rows, *aligned, chunks=lengths, meta=like, **options)  # type: ignore[no-untyped-call]
    return xr.DataArray(rows, rest, samples.dims, samples.name, samples.attrs)


def unstacked(moments: xr.Dataset, further: Beside) -> xr.Dataset:
    """Return moments of rows as those of neurons and inputs together, and of linked targets under their own names.

    What is linked is undefined for inputs as targets, and at lag 0 for neurons as sources.
    """
    n_neurons, n_sources = len(further.neurons), further.n_sources
    both = moments.isel({axis: slice(0, n_sources) for axis in (n.TARGET, n.NEURON) if axis in moments.dims})
    both = both.drop_vars([n.TARGET, n.SOURCE, n.NEURON], errors="ignore")
    if further.link:
        linked = moments[list(LINKED.values())].isel({n.TARGET: slice(n_sources, n_sources + n_neurons)})
        is_input = xr.DataArray(np.arange(n_sources) >= n_neurons, dims=n.SOURCE)
        product = linked[n.COMOMENT].drop_vars([n.TARGET, n.SOURCE]).where((moments[n.LAG] > 0) | is_input)
        defined = linked.drop_vars([n.TARGET, n.SOURCE]).assign({n.COMOMENT: product})
        wide = defined.pad({n.TARGET: (0, further.n_inputs)}) if further.n_inputs else defined
        both = both.assign({name: wide[of] for name, of in LINKED.items()}).assign_attrs({n.LINK: further.link})
    if further.mask is not None:
        both[n.COUNT].attrs[n.WHERE] = MARKED
    return both


def labelled(both: xr.Dataset, activity: xr.DataArray, further: Beside) -> xr.Dataset:
    """Return moments of neurons and inputs together under the names of each, with their labels."""
    axes = [axis for axis in (n.TARGET, n.SOURCE, n.NEURON) if axis in both.dims]
    labels: dict[Any, Any] = dict.fromkeys(axes, further.neurons)
    if n.NEURON in axes:
        labels |= {name: coord for name, coord in activity.coords.items() if coord.dims == (n.NEURON,)}
    if further.inputs is not None:
        along = {name: coord for name, coord in further.inputs.coords.items() if coord.dims == (n.INPUT,)}
        labels |= along | {n.INPUT_TARGET: along[n.INPUT].values}
    return apart(both, xr.Dataset(coords=labels))


def _in_chunks(array: Any, chunks: Any) -> Any:
    """Return rows, (row, time[, trial]), with all of them in a chunk, and given chunks along the other axes."""
    if isinstance(array, da.Array):
        return array.rechunk((-1, *chunks))  # type: ignore[no-untyped-call]
    return da.from_array(array, chunks=(-1, *chunks), name=False)  # type: ignore[no-untyped-call]


def _in_all_trials(given: xr.DataArray, samples: xr.DataArray) -> Any:
    """Return inputs, or a mask as a single row, (row, time[, trial]), the same in all trials if it says no other."""
    rows = given if n.INPUT in given.dims else given.expand_dims(n.INPUT)
    if n.TRIAL in samples.dims and n.TRIAL not in rows.dims:
        rows = rows.expand_dims({n.TRIAL: samples.sizes[n.TRIAL]})
    return rows.transpose(n.INPUT, n.TIME, ...).data


def _rows(
    samples: NDArray[Any],
    *sides: NDArray[Any],
    labels: list[Any],
    inputs: list[Any],
    link: str | None,
    marked: bool,
    precision: np.dtype[Any],
    finite: bool,
    block_info: Any = None,
) -> NDArray[Any]:
    """Return the rows of a block, (row, time[, trial]), from its neurons, inputs and mask, those that there are."""
    start = block_info[0]["array-location"][1][0] if block_info else 0
    n_neurons, n_sources = len(labels), len(labels) + len(inputs)
    n_rows = n_sources + (n_neurons if link else 0) + marked
    rows = np.empty_like(samples, precision, shape=(n_rows, *samples.shape[1:]), subok=False)
    rows[:n_neurons] = samples
    if inputs:
        rows[n_neurons:n_sources] = sides[0]
        if finite:
            _check_finite(rows[n_neurons:n_sources], inputs, start)
    if link:
        fill_logits(rows[n_sources : n_sources + n_neurons], samples, start, labels)
    if marked:
        rows[-1] = sides[-1][0]
    return rows


def _check_finite(rows: NDArray[Any], inputs: list[Any], start: int) -> None:
    """Raise InvalidInput if a sample of an input, (input, time[, trial]), is NaN or infinite."""
    wrong = np.argwhere(~np.isfinite(rows))
    if len(wrong):
        which, frame = wrong[0][:2]
        raise InvalidInput(
            "inputs",
            got=f"{len(wrong):,} samples that are NaN or infinite, the first of input {inputs[which]!r} at sample "
            f"{start + frame}",
            expected="finite samples",
            fix="Fill them, as with xarray's interpolate_na; or, for moments of which no regression is made and for "
            'correlations at lag 0, leave out the frames that hold them with missing="drop".',
        )
