"""Edges out of more pairs of neurons than memory holds, some target rows at a time.

Of all p-values only the lowest are kept. The others are counted in bins, which tell whether the step-up rule might have
reached them: only then are the rows made a second time, with more of them kept.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.rows import RowBlocks, Run, planned_runs, walked
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.significance import (
    FEWEST,
    WHITE_LAGS,
    correlation_p_value,
    lowest_q_values,
    number_of_tests,
    until_white,
    variance_inflation,
    white_from,
)
from netxr.moments.autocorrelation import autocorrelation as autocorrelation_of
from netxr.moments.autocorrelation import n_pairs
from netxr.moments.one_pass import attrs_of, coords_of, keeps_trials_apart
from netxr.schema.variables import labels_of
from netxr.significance.correlation_test import (
    aligned,
    lags_for,
    lags_of_test,
    warn_where_cut_off,
)
from netxr.significance.shifts import check_apart, fisher_z

KEPT: Final = 2_000_000
"""Of pairs without an edge, about so many p-values are kept."""

BINS: Final = 64
"""In which those above are counted."""

ROWS: Final = 16
"""Looked at together: few enough to stay in a cache."""

MOST_EDGES: Final = 10_000_000
"""A list that is longer helps nobody, and takes a gigabyte."""

FIRST_LAGS: Final = (25, 100)
"""Lags up to which the autocorrelation is made first: it is zero beyond them in most recordings."""

Walk = Callable[[Sequence["Family"]], list[list["Low"]]]
"""Makes the rows of each matrix, and returns what was found in them, part by part."""


@dataclass(frozen=True)
class Family:
    """What the p-values of a matrix follow from, beside its correlations, and which of them are kept."""

    target: Floats
    source: Floats
    """Autocorrelations at lags 1, 2, ..., each zero from where it might be that of white noise, (k, i) and (k, j)."""
    n_samples: int
    """Pairs of samples of each correlation."""
    own: NDArray[np.int64]
    """The column of each target itself, -1 where it is none of the sources, or such a pair is tested as well, (i)."""
    thresholds: Floats
    """The largest p-value that is kept, and the ends of the bins in which larger ones are counted, (bins + 1)."""
    slow: NDArray[np.bool_]
    """Targets whose autocorrelation is not yet zero where it ends: their p-values are too low, (i)."""
    shares: Floats | None = None
    """Pairs of samples at each far lag for one at the lag that is tested, where those are compared with, (k)."""

    @property
    def q(self) -> float:
        """The false discovery rate, above which no p-value of an edge is."""
        return float(self.thresholds[-1])

    @property
    def deviate(self) -> float:
        """A normal deviate that is a little nearer to zero than one whose two-sided p-value is q."""
        return float(ndtri(1 - self.q / 2)) * (1 - 1e-6)

    def counted(self, p: Floats) -> NDArray[np.int64]:
        """Return how many p-values that are not kept are in each bin; one at the end of a bin may count in the next."""
        kept, step = np.log(self.thresholds[0]), np.log(self.q / self.thresholds[0]) / BINS
        bins = ((np.log(p[p <= self.q]) - kept) / max(step, 1e-300)).astype(np.int64)
        return np.bincount(np.minimum(bins, BINS - 1), minlength=BINS)


class Low(NamedTuple):
    """Of some rows: how many pairs were tested and how many are undefined, and the pairs with the lowest p-values.

    `serial` has the sums that tell whether correlations at far lags go together: products of neighbours, and squares.
    """

    n_tested: int
    n_undefined: int
    counts: NDArray[np.int64]
    serial: Floats
    target: NDArray[np.int64]
    source: NDArray[np.int64]
    effect: Floats
    p_value: Floats
    deviation: Floats


def family_of(
    targets: NDArray[Any],
    sources: NDArray[Any],
    autocorrelation: xr.DataArray | None,
    *,
    n_samples: int,
    q: float,
    diagonal: bool,
    shares: Floats | None = None,
) -> Family:
    """Return the family of all pairs of some neurons, from their autocorrelation (lag, neuron); None for no memory.

    With `shares` of far lags, correlations are compared with those at these.
    """
    sides = [np.zeros((1, labels.size)) for labels in (targets, sources)]
    slow = np.zeros(targets.size, bool)
    if autocorrelation is not None:
        sides = [aligned(autocorrelation, labels).transpose(n.LAG, n.NEURON).values for labels in (targets, sources)]
        slow = warn_where_cut_off(sides[0], autocorrelation[n.LAG].values, n_samples)
        sides = [until_white(side, n_samples) for side in sides]
        longest = max(1, *(int(np.count_nonzero(side.any(axis=1))) for side in sides))
        sides = [np.ascontiguousarray(side[:longest]) for side in sides]
    places = {} if diagonal else {label: k for k, label in enumerate(sources.tolist())}
    own = np.array([places.get(label, -1) for label in targets.tolist()])
    kept = min(q, KEPT / max(1, targets.size * sources.size))
    return Family(sides[0], sides[1], n_samples, own, np.geomspace(kept, q, BINS + 1), slow, shares)


def low_p_values(family: Family, blocks: Iterable[tuple[slice, NDArray[Any]]]) -> Low:
    """Return what is found in some rows, which come block by block, (row, source); with far lags (lag, row, source)."""
    in_rows = _in_rows if family.shares is None else _beside_shifts
    parts, n_kept, n_rows = [], 0, 0
    for rows, block in blocks:
        for first in range(0, block.shape[-2], ROWS):
            some = slice(rows.start + first, min(rows.start + first + ROWS, rows.stop))
            parts.append(in_rows(family, some, block[..., first : first + ROWS, :]))
            n_kept, n_rows = n_kept + parts[-1].target.size, n_rows + some.stop - some.start
        if n_kept > KEPT + 2 * MOST_EDGES * n_rows / len(family.own):
            raise _too_many(family)
    return together(parts)


def _in_rows(family: Family, rows: slice, r: NDArray[Any]) -> Low:
    """Return what is found in a few rows, so few that they stay in a cache."""
    inflation = variance_inflation(family.target[:, rows], family.source, family.n_samples)
    own = family.own[rows]
    (itself,) = np.nonzero(own >= 0)
    apart = itself, own[itself]
    undefined = np.isnan(r)
    if not inflation.max() <= family.n_samples / FEWEST:
        undefined |= ~(family.n_samples / inflation >= FEWEST)
    undefined[apart] = False
    n_undefined = int(np.count_nonzero(undefined))
    # A t with as low a p-value is no nearer to zero than a normal deviate: this leaves few p-values to compute.
    most = family.n_samples / np.fmin.reduce(inflation, axis=1) - 2
    nearest = np.sqrt(family.deviate**2 / (np.maximum(most, 0) + family.deviate**2))
    is_far = np.abs(r) >= nearest[:, None].astype(r.dtype)
    is_far[apart] = False
    places = np.flatnonzero(is_far & ~undefined if n_undefined else is_far)
    found, n_effective = r.ravel()[places].astype(np.float64), family.n_samples / inflation.ravel()[places]
    p = correlation_p_value(found, n_effective)
    kept = p <= family.thresholds[0]
    row, column = np.divmod(places[kept], r.shape[1])
    columns = rows.start + row, column, found[kept], p[kept], 1 / np.sqrt(n_effective[kept] - 3)
    n_tested = r.size - itself.size - n_undefined
    return Low(n_tested, n_undefined, family.counted(p[~kept]), np.zeros(2), *columns)


def _beside_shifts(family: Family, rows: slice, block: NDArray[Any]) -> Low:
    """Return what is found in a few rows of correlations, of which those at far lags follow, (lag, row, source)."""
    r = block[0].astype(np.float64)
    z = fisher_z(block[1:].astype(np.float64), family.shares)
    deviation = np.sqrt(np.square(z).mean(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(len(z), -np.abs(np.arctanh(r) / deviation))
    own = family.own[rows]
    (itself,) = np.nonzero(own >= 0)
    is_other = np.ones(r.shape, bool)
    is_other[itself, own[itself]] = False
    is_tested = is_other & ~np.isnan(p)
    n_undefined = int(np.count_nonzero(is_other & ~is_tested))
    kept = is_tested & (p <= family.thresholds[0])
    row, column = np.nonzero(kept)
    columns = rows.start + row, column, r[kept], p[kept], deviation[kept]
    defined = z[:, np.isfinite(z).all(0)]
    serial = np.array([(defined[:-1] * defined[1:]).sum(), np.square(defined).sum()])
    return Low(int(is_tested.sum()), n_undefined, family.counted(p[is_tested & ~kept]), serial, *columns)


def together(parts: Sequence[Low]) -> Low:
    """Return what was found in several parts as one."""
    sums: Any = (sum(part[k] for part in parts) for k in range(4))
    columns: Any = (np.concatenate([part[k] for part in parts]) for k in range(4, len(Low._fields)))
    return Low(*sums, *columns)


def discovered(families: Sequence[Family], walk: Walk, *, dependent: bool) -> list[tuple[Low, Floats]]:
    """Return the edges of each matrix with the false discovery rate of each."""
    found = [together(parts) for parts in walk(families)]
    wanted = [_reached(family, low, dependent=dependent) for family, low in zip(families, found, strict=True)]
    if any(one > family.thresholds[0] for one, family in zip(wanted, families, strict=True)):
        more = [
            replace(family, thresholds=np.geomspace(one, family.q, BINS + 1))
            for one, family in zip(wanted, families, strict=True)
        ]
        found = [together(parts) for parts in walk(more)]
    results = []
    for family, low in zip(families, found, strict=True):
        rates = lowest_q_values(low.p_value, number_of_tests(low.n_tested, dependent=dependent))
        is_edge = rates <= family.q
        columns: Any = (column[is_edge] for column in low[4:])
        results.append((Low(*low[:4], *columns), rates[is_edge]))
    return results


def _reached(family: Family, low: Low, *, dependent: bool) -> float:
    """Return the largest p-value that the step-up rule might call an edge; the largest kept one if that is larger."""
    as_low = low.target.size + low.counts.cumsum()
    factor = number_of_tests(low.n_tested, dependent=dependent) * (1 - 1e-9)
    is_possible = (low.counts > 0) & (family.thresholds[:-1] * factor <= family.q * as_low)
    if not is_possible.any():
        return float(family.thresholds[0])
    last = int(np.flatnonzero(is_possible)[-1])
    if as_low[last] > MOST_EDGES:
        raise _too_many(family)
    return float(family.thresholds[last + 1])


def _too_many(family: Family) -> InvalidInput:
    """Return the error about edges that are too many for a list."""
    fix = "Take a lower q; or take off first what all neurons share, such as a global signal or a drift."
    expected = f"one at which at most {MOST_EDGES:,} edges are found"
    return InvalidInput("q", got=f"{family.q:g}", expected=expected, fix=fix)


# --- where the rows come from ------------------------------------------------------------


def rows_of_activity(
    activity: xr.DataArray, *, lag: int, null: str, dim: Any, missing: Any, memory: int | str | None
) -> tuple[Walk, xr.Dataset, NDArray[np.int64]]:
    """Return what walks over rows of lagged correlations that are never held, their labels, and pairs of samples.

    The latter are (lag, matrix), at the lag that is tested and the far ones behind it.
    """
    options: dict[str, Any] = {"dim": dim, "sources": None, "precision": None, "missing": missing, "gaps": "raise"}
    lags = lags_of_test(activity, lag, null) if null == "shift" else [abs(lag)]
    signed = lags if lag >= 0 else [-one for one in lags]
    runs, plan = planned_runs(activity, lags=signed, argument="lag", memory=memory, **options)

    def walk(families: Sequence[Family]) -> list[list[Low]]:
        """Make all rows once."""

        def use(_run: Run, matrix: int) -> Callable[[RowBlocks], Low]:
            """Return what finds low p-values in some rows of a matrix."""
            return partial(_at_one_lag if null != "shift" else low_p_values, families[matrix])

        ((_, found),) = walked(runs, plan, use)
        for parts in found if null == "shift" else []:
            neighbours, squares = together(parts).serial.tolist()
            count = (len(lags) - 1) * activity.sizes[n.NEURON]
            check_apart(neighbours, squares, count, step=int(np.diff(lags).min()))
        return found

    todo = runs[0].todo
    labels = coords_of(activity, todo) | {n.LAG: lag}
    labels |= {n.TRIAL: labels_of(activity, n.TRIAL)} if keeps_trials_apart(activity, todo) else {}
    n_samples = n_pairs(activity, lags=lags, dim=dim, missing=missing, memory=memory).values.reshape(len(lags), -1)
    return walk, xr.Dataset(coords=labels, attrs=attrs_of(activity, todo)), n_samples


def _at_one_lag(family: Family, blocks: RowBlocks) -> Low:
    """Return what is found in rows (lag, row, source) of a single lag."""
    return low_p_values(family, ((rows, r[0]) for rows, r in blocks))


def rows_of_matrix(R: xr.DataArray) -> tuple[Walk, xr.Dataset]:
    """Return what walks over the rows of correlations ([trial, ]target, source) on disk, and their labels."""
    matrices = R.transpose(n.TRIAL, n.TARGET, n.SOURCE, missing_dims="ignore")
    if n.TRIAL not in R.dims:
        matrices = matrices.expand_dims(n.TRIAL)
    at_a_time = matrices.chunks[1] if matrices.chunks else (R.sizes[n.TARGET],)
    ends = np.cumsum((0, *at_a_time)).tolist()

    def walk(families: Sequence[Family]) -> list[list[Low]]:
        """Read all rows once."""
        found = []
        for k, family in enumerate(families):
            rows = map(slice, ends[:-1], ends[1:])
            blocks = ((some, matrices[k, some].values) for some in rows)
            found.append([low_p_values(family, blocks)])
        return found

    attrs = {name: value for name, value in R.attrs.items() if name != n.FRAMES}
    unlabelled = {dim: labels_of(R, str(dim)) for dim in R.dims if dim not in R.coords}
    return walk, xr.Dataset(coords=R.coords, attrs=attrs).assign_coords(unlabelled)


def autocorrelation_to_zero(
    activity: xr.DataArray, *, n_samples: NDArray[np.int64], memory: int | str | None, **options: Any
) -> xr.DataArray:
    """Return the autocorrelation of activity at lags 1, 2, ... up to one at which it is zero in all neurons.

    Pairs of samples are those of each trial, or of all together.
    """
    lags = lags_for(activity)
    for longest in (*(few for few in FIRST_LAGS if few < lags[-1]), lags[-1]):
        found = autocorrelation_of(activity, lags=lags[:longest], memory=memory, **options).compute()
        by_trial = found.transpose(n.LAG, n.NEURON, ...).values.reshape(len(found), found.sizes[n.NEURON], -1)
        if 2 * white_from(by_trial, n_samples).max() + WHITE_LAGS <= longest:  # further lags would change nothing
            break
    return found
