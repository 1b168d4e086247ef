"""Moments of several recordings together, from the moments of each."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import crossing_pairs
from netxr.moments.inputs import apart, together
from netxr.moments.link_function import linked_frames
from netxr.schema.arguments import check_choice, check_entries, check_flag
from netxr.schema.variables import check_moments, labels_of

EDGES = (n.EDGE_ACTIVITY, n.NOT_TARGET, n.NOT_SOURCE)

MEANS = (n.MEAN_TARGET, n.MEAN_SOURCE, n.MEAN_LINKED)
PRODUCTS = {
    n.SUMSQ_TARGET: (n.MEAN_TARGET, n.MEAN_TARGET),
    n.SUMSQ_SOURCE: (n.MEAN_SOURCE, n.MEAN_SOURCE),
    n.COMOMENT: (n.MEAN_TARGET, n.MEAN_SOURCE),
    n.SUMSQ_LINKED: (n.MEAN_LINKED, n.MEAN_LINKED),
    n.COMOMENT_LINKED: (n.MEAN_LINKED, n.MEAN_SOURCE),
}
"""Summed products of deviations, and the means that these are from."""

FIXES: Final = {
    n.TRIAL: "Put trials of different labels side by side with xarray.concat.",
    **dict.fromkeys((n.TARGET, n.SOURCE), 'join="outer" keeps the neurons of all parts, and counts pair by pair.'),
}
"""What to do about labels that differ."""

NOTHING: Final = {n.COUNT: 0} | dict.fromkeys(MEANS, np.nan) | dict.fromkeys(PRODUCTS, 0.0)
"""Moments of neurons that a recording has not."""


def merge_moments(
    parts: Sequence[xr.Dataset], *, continuous: bool = False, join: Literal["exact", "outer"] = "exact"
) -> xr.Dataset:
    """Return the moments of several recordings together: yesterday's, and those of today's new samples.

    Parameters
    ----------
    parts : sequence of Dataset
        Lagged moments of the same neurons, sources and lags, made in the same way; lazy or not. Where trials
        are kept apart, those of the same label are merged.
    continuous : bool
        Whether each part goes on where the one before it ended, without a gap, as parts of one long trial: then the
        pairs of samples that cross from one into the next count as well. Otherwise each part is a trial of its own.
    join : {"exact", "outer"}
        Whether all parts have the same neurons and trials, or the result has those of any part, as for several animals.
        Neurons are matched by label: give those of each animal labels of their own, unless they are the same cells.

    Returns
    -------
    Dataset
        Lagged moments, equal up to rounding to those of all samples at once; lazy if a part is. Of parts with different
        neurons, they are as with missing="pairwise": each pair of neurons has those of the parts that have both, and
        its `count`, which is 0 where no part has.

    Raises
    ------
    InvalidInput
        If the parts differ in lags, or with join="exact" in neurons, trials or in how they treat missing samples; or if
        they are continuous and hold no samples at their ends, or those of several trials.

    Notes
    -----
    The update is that of Chan, Golub & LeVeque (1983), doi:10.2307/2683386, for each lag on its own.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1).isel(trial=0)
    >>> parts = [netxr.lagged_moments(part) for part in (run.activity[:, :60], run.activity[:, 60:])]
    >>> whole = merge_moments(parts, continuous=True)
    >>> bool(np.allclose(whole.comoment, netxr.lagged_moments(run.activity).comoment))
    True
    >>> animals = [netxr.lagged_moments(run.activity[neurons]) for neurons in ([0, 1, 2], [2, 3])]
    >>> merge_moments(animals, join="outer")["count"].sel(lag=0).values.tolist()[2]
    [100, 100, 200, 100]
    """
    check_choice("join", join, ("exact", "outer"))
    check_flag("continuous", continuous)
    expected = "a sequence of lagged moments, of one recording or more"
    checked = [check_moments(part, argument="parts") for part in check_entries("parts", parts, expected=expected)]
    if not checked:
        raise InvalidInput("parts", got="none", expected=expected)
    if join == "outer":
        if continuous:
            got, fix = "continuous=True with join='outer'", "Give each part the same neurons, with netxr.select."
            raise InvalidInput("continuous", got=got, expected="parts of one recording, of the same neurons", fix=fix)
        checked = _of_all_neurons(checked)
    for part in checked[1:]:
        _check_same(checked[0], part)
    if continuous:
        for part in checked:
            _check_ends(part)
    shared = _with_shared_coords(checked)
    whole = reduce(continued if continuous else merged, map(together, shared))
    return apart(whole, shared[0]) if n.INPUT in shared[0].dims else whole


def _check_same(first: xr.Dataset, other: xr.Dataset) -> None:
    """Raise unless two sets of moments are about the same neurons, lags and trials, and made in the same way."""
    for dim in (n.BLOCK, n.LAG, n.TRIAL, n.TARGET, n.SOURCE, n.INPUT):
        here, there = (labels_of(part, dim).tolist() if dim in part.dims else None for part in (first, other))
        if here != there:
            fix = FIXES.get(dim, "")
            raise InvalidInput("parts", got=f"different labels along {dim}", expected="the same in all parts", fix=fix)
    for name in (n.POOLED, n.MISSING, n.LINK):
        if first.attrs.get(name) != other.attrs.get(name):
            got = f"{name} {first.attrs.get(name)!r} and {other.attrs.get(name)!r}"
            raise InvalidInput("parts", got=got, expected="moments that were made in the same way")
    if first[n.COUNT].attrs.get(n.WHERE) != other[n.COUNT].attrs.get(n.WHERE):
        expected = "moments of marked frames in all parts, or in none"
        raise InvalidInput("parts", got="moments of marked frames beside those of all", expected=expected)


def _of_all_neurons(parts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Return parts with the neurons and trials of all, each pair with moments of its own; parts with the same stay."""
    dims = [dim for dim in (n.TRIAL, n.TARGET, n.SOURCE) if all(dim in {*part.coords} & {*part.dims} for part in parts)]
    indexes = {dim: [part.get_index(dim) for part in parts] for dim in dims}
    every = {dim: first.append(others).unique() for dim, (first, *others) in indexes.items()}
    if all(part.sizes[dim] == len(labels) for part in parts for dim, labels in every.items()):
        frames = every | {n.NEURON: every[n.TARGET]}
        return [part.reindex({dim: labels for dim, labels in frames.items() if dim in part.dims}) for part in parts]
    if any(n.INPUT in part.dims for part in parts):
        fix = "Give all parts the same neurons, with netxr.select, or leave the inputs out."
        expected = "the same neurons in all parts, where there are inputs"
        raise InvalidInput("parts", got="moments of different neurons, with inputs", expected=expected, fix=fix)
    wide = []
    for part in parts:
        whole = part.drop_dims([n.NEURON, n.EDGE_FRAME], errors="ignore")
        like = whole[n.COMOMENT]
        pairs = {name: whole[name].broadcast_like(like).transpose(*like.dims) for name in NOTHING if name in whole}
        reindexed = whole.assign(pairs).reindex(every, fill_value=NOTHING)
        wide.append(reindexed.assign_attrs({n.MISSING: "pairwise"}))
    return wide


def _check_ends(part: xr.Dataset) -> None:
    """Raise unless moments hold the samples at both ends of one trial."""
    several = {n.TRIAL} & {*part.attrs.get(n.POOLED, [])} or n.GAPS in part.attrs or part.sizes.get(n.TRIAL, 1) > 1
    if several or n.EDGE_ACTIVITY not in part or part.sizes[n.EDGE_FRAME] > 2 * labels_of(part, n.LAG).max():
        raise InvalidInput(
            "parts",
            got="moments of several trials or segments, of some sources, or with missing samples left out",
            expected="moments of one trial of all neurons each, which keep its first and last samples",
            fix='Accumulate with missing="raise" and without sources=, or join the samples with xarray.concat first.',
        )


def _with_shared_coords(parts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Return parts without the coordinates beside labels that differ among them, such as the day of a trial."""
    first = parts[0].coords
    beside = {name for part in parts for name in part.coords if name not in part.dims}
    differ = [
        name
        for name in beside
        if not all(
            name in part.coords and part[name].variable.equals(first[name].variable)  # type: ignore[no-untyped-call]
            for part in parts
        )
    ]
    return [part.drop_vars(differ, errors="ignore") for part in parts]


Sums = Mapping[str, Any]
"""{name: Variable} of moments without their labels, in an order of dims that all of them share."""


def merged(a: xr.Dataset, b: xr.Dataset) -> xr.Dataset:
    """Return the moments of two recordings that share no pair."""
    edges = {}
    if n.EDGE_ACTIVITY in a and n.EDGE_ACTIVITY in b:
        edges = {name: xr.concat([a[name], b[name]], n.EDGE_FRAME) for name in EDGES}
    merged = a.drop_vars(list(EDGES), errors="ignore").assign(_added(a, b) | edges)
    return merged.drop_attrs(deep=False).assign_attrs(_attrs(a, b))


def _added(a: xr.Dataset, b: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the merged counts, means, squares and co-moments, with the attributes of the first."""
    known = (part[[name for name in NOTHING if name in a]] for part in (a, b))
    first, second = xr.align(*known, join="exact", copy=False)
    found = added(sums_of(first), sums_of(second))
    whole = {
        name: first[name].copy(deep=False, data=value.transpose(*first[name].dims).data)
        for name, value in found.items()
    }
    return whole | {n.COUNT: whole[n.COUNT].drop_attrs(deep=False).assign_attrs(_said(first, second))}


def sums_of(moments: xr.Dataset) -> Sums:
    """Return counts, means, squares and co-moments without labels, which need not be aligned again in each step."""
    return {name: moments[name].variable for name in NOTHING if name in moments}


def added(here: Sums, there: Sums) -> Sums:
    """Return the merged counts, means, squares and co-moments."""
    of_a, of_b = here[n.COUNT], there[n.COUNT]
    count = of_a + of_b
    share = of_b / count.clip(min=1)
    weight = of_a * share
    change = {name: (there[name] - here[name]).where((of_a > 0) & (of_b > 0), 0.0) for name in MEANS if name in here}
    found = {n.COUNT: count}
    for name, steps in change.items():
        found[name] = here[name].where(of_a > 0, there[name]) + share * steps
    for name, (over, under) in PRODUCTS.items():
        if name not in here:
            continue
        summed = here[name].fillna(0) + there[name].fillna(0) + weight * (change[over] * change[under])
        found[name] = summed.where(count > 0, here[name])
    if n.COMOMENT_LINKED in here:  # at lag 0 undefined for neurons as sources
        has = [part[n.COMOMENT_LINKED].notnull() & (of > 0) for part, of in ((here, of_a), (there, of_b))]
        found[n.COMOMENT_LINKED] = found[n.COMOMENT_LINKED].where(has[0] | has[1])
    return found


def _attrs(a: xr.Dataset, b: xr.Dataset) -> dict[str, Any]:
    """Return the attributes that both have, and the lower precision."""
    kept = {name: value for name, value in a.attrs.items() if name in b.attrs and np.array_equal(b.attrs[name], value)}
    known = [part.attrs[n.PRECISION] for part in (a, b) if n.PRECISION in part.attrs]
    return kept | ({n.PRECISION: min(known)} if len(known) == 2 else {})


def _said(a: xr.Dataset, b: xr.Dataset) -> dict[str, Any]:
    """Return what the counts of both say: how many samples they are of, if both do, and which pairs count."""
    said = [part[n.COUNT].attrs for part in (a, b)]
    frames = [attrs[n.FRAMES] for attrs in said if n.FRAMES in attrs]
    which = {n.WHERE: said[0][n.WHERE]} if n.WHERE in said[0] else {}
    return which | ({n.FRAMES: sum(frames)} if len(frames) == 2 else {})


def continued(a: xr.Dataset, b: xr.Dataset) -> xr.Dataset:
    """Return the moments of a trial that ends with `a` and goes on with `b`."""
    names = list(EDGES)
    both = merged(merged(a.drop_vars(names), b.drop_vars(names)), crossing_moments(a, b))
    return both.assign(_edges(a[n.EDGE_ACTIVITY], b[n.EDGE_ACTIVITY], labels_of(a, n.LAG)))


def crossing_moments(a: xr.Dataset, b: xr.Dataset) -> xr.Dataset:
    """Return the moments of the pairs that cross from one part of a trial into the next."""
    last, first = ends_of(a)[1], ends_of(b)[0]
    crossing = [_crossing(last, first, lag, link=n.COMOMENT_LINKED in a) for lag in labels_of(a, n.LAG).tolist()]
    return xr.concat(crossing, a[n.LAG]).assign_attrs(_attrs(a, b))


def ends_of(part: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the first and the last frames of a trial, as many as its longest lag, or all where there are fewer."""
    edges, max_lag = part[n.EDGE_ACTIVITY], int(labels_of(part, n.LAG).max())
    length = min(max_lag, edges.sizes[n.EDGE_FRAME])
    start = edges.sizes[n.EDGE_FRAME] - length
    return edges.isel({n.EDGE_FRAME: slice(0, length)}), edges.isel({n.EDGE_FRAME: slice(start, None)})


def _crossing(last: xr.DataArray, first: xr.DataArray, lag: int, *, link: bool) -> xr.Dataset:
    """Return the moments over pairs whose source is among the last frames of one part, and its target in the next."""
    length = last.sizes[n.EDGE_FRAME]
    targets, sources = crossing_pairs(length, first.sizes[n.EDGE_FRAME], lag)
    n_pairs = targets.stop - targets.start
    target, source = first.isel({n.EDGE_FRAME: targets}), last.isel({n.EDGE_FRAME: sources})
    sides = {n.MEAN_TARGET: _on(n.TARGET, target), n.MEAN_SOURCE: _on(n.SOURCE, source)}
    if link:
        sides[n.MEAN_LINKED] = _on(n.TARGET, linked_frames(target))
    means = {name: frames.sum(n.EDGE_FRAME) / max(1, n_pairs) for name, frames in sides.items()}
    deviations = {name: frames - means[name] for name, frames in sides.items()}
    products = {
        name: xr.dot(deviations[over], deviations[under], dim=n.EDGE_FRAME)
        for name, (over, under) in PRODUCTS.items()
        if {over, under} <= sides.keys()
    }
    n_pairs_of = xr.full_like(means[n.MEAN_TARGET].isel({n.TARGET: 0}, drop=True), n_pairs, dtype=np.int64)
    return xr.Dataset({n.COUNT: n_pairs_of.assign_attrs({n.FRAMES: 0})} | means | products)  # the parts' own


def _on(axis: str, frames: xr.DataArray) -> xr.DataArray:
    """Return frames with their neurons along another axis, and no further labels on it."""
    beside = [name for name, coord in frames.coords.items() if coord.dims == (n.NEURON,) and name != n.NEURON]
    return frames.drop_vars(beside).rename({n.NEURON: axis})


def _edges(a: xr.DataArray, b: xr.DataArray, lags: NDArray[Any]) -> dict[str, xr.DataArray]:
    """Return the edge frames of a trial from those of its two parts, and which lags leave them out."""
    max_lag = int(lags.max())
    frames = xr.concat([a, b], n.EDGE_FRAME)
    n_frames = frames.sizes[n.EDGE_FRAME]
    from_start = np.arange(n_frames)
    if max(a.sizes[n.EDGE_FRAME], b.sizes[n.EDGE_FRAME]) == 2 * max_lag or n_frames > 2 * max_lag:
        frames = frames.isel({n.EDGE_FRAME: np.r_[0:max_lag, n_frames - max_lag : n_frames]})
        from_start = np.arange(2 * max_lag)  # there may be more frames between: those at the ends count alike
    left_out = {
        n.NOT_TARGET: from_start < lags[:, None],
        n.NOT_SOURCE: from_start[::-1] < lags[:, None],
    }
    flags = {name: xr.DataArray(flag, {n.LAG: lags}, (n.LAG, n.EDGE_FRAME)) for name, flag in left_out.items()}
    if n.TRIAL in a.dims:
        flags = {name: flag.expand_dims({n.TRIAL: a[n.TRIAL]}, axis=1) for name, flag in flags.items()}
    return {n.EDGE_ACTIVITY: frames} | flags
