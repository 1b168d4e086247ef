"""Lagged second moments of a recording, from which every linear estimate follows."""

from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Pass
from netxr.moments.beside import Beside, beside, labelled, unstacked, widened, with_rows
from netxr.moments.in_blocks import moments_in_blocks
from netxr.moments.one_pass import accumulate
from netxr.moments.other_trials import with_other_trials
from netxr.moments.prepare import Precision, check_lags, is_lazy, prepare
from netxr.schema.clock import activity_of, in_samples


def lagged_moments(
    data: xr.DataArray | xr.Dataset,
    *,
    lags: Sequence[int | str] = (0, 1),
    dim: str | Sequence[str] = n.TIME,
    sources: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    gaps: n.Gaps = "raise",
    memory: int | str | None = None,
    link: Literal["logit"] | None = None,
    inputs: xr.DataArray | NDArray[Any] | None = None,
    where: xr.DataArray | NDArray[np.bool_] | None = None,
    blocks: int | None = None,
    shuffle_trials: int | None = None,
    shuffle_by: str | None = None,
) -> xr.Dataset:
    """Accumulate all pairs of samples that lie `lags` apart: counts, means, squares and co-moments.

    Lag l pairs x_i(t + l), the target, with x_j(t), the source, for all t with both inside one trial. Every
    lag has its own means and squares, over exactly the samples that its pairs hold. One read serves all lags.

    Parameters
    ----------
    data : DataArray or Dataset
        Samples (neuron, time[, trial]), in any order of dims and any chunking, or a Dataset that holds them. NumPy is
        read at once, dask stays lazy.
    lags : sequence of int or str
        Lags in samples, or in time such as "20ms", 0 and above.
    dim : str or sequence of str
        What to accumulate over: "time" keeps trials apart, ("time", "trial") pools them.
    sources : label or sequence of labels, optional
        Neurons to take as sources; all if not given. A single label leaves a `source` axis of length 1.
    precision : {"float32", "float64"}, optional
        Of the products within a block of samples; sums over blocks are float64. By default as precise as the
        samples: float32 for float32 (see Notes; an InvalidInput where samples reach too far from each other for
        that), else float64.
    missing : {"raise", "drop", "pairwise"}
        What to do with NaN and infinity: an error that says how many and where; or drop the frames that hold
        one, with every pair that they are in; or leave out the samples alone, so that each pair of neurons has
        moments over the frames in which both are there (six products in the place of one).
    gaps : {"raise", "segments"}
        What to do where times are not even: an error that says where, or take the stretches between gaps as trials
        of one recording, which are pooled; no pair crosses a gap. A recording whose attribute `gaps` says "segments"
        needs no word of it. At lag 0 alone times do not count.
    memory : int or str, optional
        What the pass may take, in bytes or as text such as "2GiB": of one process, on top of what it holds already.
        By default half of what is free. See `plan`.
    link : {"logit"}, optional
        Function through which targets are read as well, at lags 1 and above: with the logit of samples between 0 and 1,
        the tutorial's model is linear. It takes twice the products.
    inputs : DataArray or array, (input, time[, trial]) or (time), optional
        What was recorded with the neurons: a stimulus, behaviour, motion, the global signal. Its moments with those of
        the neurons come from the same read, in the precision of the samples. See Notes for their names.
    where : DataArray or array of bool, (time[, trial]), optional
        Frames that may be sources: only pairs whose source frame is marked count, as after a stimulus. Computed at once
        if it is lazy. Such moments give correlations; a regression needs every frame.
    blocks : int, optional
        Stretches of about equal length whose moments are kept apart, from the same read. A pair belongs to the block
        of its target; see `merge_blocks`.
    shuffle_trials : int, optional
        Seed by which each trial is given another one, whose samples are the sources, the same for all pairs. What
        correlates then follows from what trials have in common, a stimulus or a drift, for which shifts in time are no
        fair comparison [1]_. Each sample is read twice, and of samples in memory there is a copy. Such moments give
        correlations only.
    shuffle_by : str, optional
        With `shuffle_trials`: a coordinate on `trial`, such as the stimulus. The other trial is one with the same
        value: what correlates is what neurons do at the same stimulus, and no more.

    Returns
    -------
    Dataset
        `count` (lag), `mean_target` and `sumsq_target` (lag, target), `mean_source` and `sumsq_source`
        (lag, source), `comoment` (lag, target, source), all float64, with `trial` after `lag` where it is kept;
        with missing="pairwise", all of them (lag, target, source). With missing="raise" and all sources, also the few
        samples near the ends of trials that some lags leave out (`edge_activity`, `not_target`, `not_source`), from
        which moments are coarse-grained exactly. With a link also `mean_linked`, `sumsq_linked` (lag, target) and
        `comoment_linked` (lag, target, source), NaN at lag 0, where a first sample outside of the link's domain counts
        as 0. With inputs also those of inputs, along `input` as
        sources and `input_target` as targets. With blocks, all of it over a leading dim `block`.

    Raises
    ------
    InvalidInput
        If the activity is no recording, a trial is too short for a lag, an argument is unknown, or inputs or mask have
        other frames, trials or times than the activity, no frame is marked, or trials are shuffled of which there is
        one, or one of a condition.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise"; for dask arrays, when computed.

    Notes
    -----
    Before any product, one provisional mean a neuron is subtracted, so that float32 does not cancel
    (Chan, Golub & LeVeque 1983, doi:10.2307/2683386).

    A float32 sum of k products is off by at most k 2**-24 of the sum of their sizes if each is rounded the same way,
    and by about the root of k of that if the errors go either way; BLAS adds up some 400 frames before it starts anew.
    So the correlation is off by 1e-7 to 1e-6, the more the larger a few samples are beside the others. Products of
    neurons that take few values within a block, or lie far from their provisional mean, are made in float64. At lag
    0 co-moments are symmetric, with summed squares on the diagonal, to the last bit.

    Of inputs: `comoment_input` (lag, target, input) is that of neurons with an input `lag` samples before,
    `comoment_input_target` (lag, input_target, source) that of inputs with a neuron before, `comoment_inputs`
    (lag, input_target, input) that of inputs among themselves; `mean_input`, `sumsq_input` (lag, input) and
    `mean_input_target`, `sumsq_input_target` (lag, input_target) belong to them, `edge_input` (input, edge_frame) to
    `edge_activity`, and `comoment_linked_input` (lag, target, input) to a link.

    References
    ----------
    .. [1] Harris 2020, Nonsense correlations in neuroscience, doi:10.1101/2020.11.29.402719.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> moments = lagged_moments(run.activity, lags=[0, 1, 2])
    >>> moments["count"].squeeze("trial").values.tolist()
    [100, 99, 98]
    >>> light = np.arange(100) % 10 == 0
    >>> moments = lagged_moments(run.activity, inputs=light)
    >>> moments.comoment_input.sizes["input"]
    1
    >>> lagged_moments(run.activity, where=light)["count"].squeeze("trial").values.tolist()
    [10, 10]
    """
    activity = activity_of(data)
    checked = check_lags(in_samples(lags, activity, argument="lags"), n_steps=activity.sizes[n.TIME])
    further = beside(activity, inputs=inputs, link=link, where=where, max_lag=max(checked))
    todo = prepare(activity, lags=checked, dim=dim, sources=sources, precision=precision, missing=missing, gaps=gaps)
    if further is not None or blocks is not None:
        _check_together(todo, further, blocks=blocks)
    if shuffle_trials is not None or shuffle_by is not None:
        if further is not None or blocks is not None:
            expected = "None, with a link, inputs, a mask or blocks"
            raise InvalidInput("shuffle_trials", got=repr(shuffle_trials), expected=expected)
        return _of_other_trials(activity, todo, seed=shuffle_trials, by=shuffle_by, memory=memory)
    rows = activity
    if further is not None:
        todo, rows = widened(todo, further), with_rows(activity, further, finite=missing == "raise")
    if blocks is None:
        found = accumulate(rows, todo, memory=memory)
    else:
        found = moments_in_blocks(rows, todo, blocks=blocks, memory=memory)
    if further is None:
        return found
    whole = labelled(unstacked(found, further), activity, further)  # inputs were neurons among the others
    stays_lazy = is_lazy(activity) or further.lazy or not is_lazy(rows)
    return whole if stays_lazy else whole.compute(scheduler="threads")


def _of_other_trials(
    activity: xr.DataArray, todo: Pass, *, seed: int | None, by: str | None, memory: int | str | None
) -> xr.Dataset:
    """Return the moments of targets and of the sources of another trial."""
    if seed is None:
        expected = "None, where no trials are shuffled"
        raise InvalidInput("shuffle_by", got=repr(by), expected=expected, fix="Give a seed, e.g. shuffle_trials=1.")
    both, crossed = with_other_trials(activity, todo, seed=seed, by=by)
    said = {n.SHUFFLE_TRIALS: int(seed)} | ({} if by is None else {n.SHUFFLE_BY: by})
    return accumulate(both, crossed, memory=memory).assign_attrs(said)


def _check_together(todo: Pass, further: Beside | None, *, blocks: int | None) -> None:
    """Raise InvalidInput if what is asked for beside plain moments of all neurons does not go together."""
    marked = further is not None and further.mask is not None
    if todo.sources is not None:
        fix = "Take all sources, and select those of the estimate."
        got, expected = f"{len(todo.sources)} of them", "None, with a link, inputs, a mask or blocks"
        raise InvalidInput("sources", got=got, expected=expected, fix=fix)
    if further is not None and further.inputs is not None and todo.missing == "pairwise":
        fix = 'Leave out whole frames, with missing="drop".'
        raise InvalidInput("missing", got='"pairwise", with inputs', expected="the same pairs for all", fix=fix)
    if blocks is not None and todo.cuts:
        fix = "Cut the recording where its times are not even, and take blocks of each part."
        raise InvalidInput("gaps", got=f"{len(todo.cuts)} of them", expected="even times, with blocks", fix=fix)
    if blocks is not None and (todo.missing == "pairwise" or marked or n.TRIAL in todo.dim):
        fix = 'Accumulate with missing="raise" or "drop", without where=, and over dim="time".'
        expected = "whole frames, one trial at a time"
        raise InvalidInput("blocks", got="them for some samples or pooled trials", expected=expected, fix=fix)
