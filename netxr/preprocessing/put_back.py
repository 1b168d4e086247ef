"""What all preprocessing steps share: the new activity goes back into the recording, with a note of the step."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.axis import axis_of
from netxr.schema.clock import Recording, activity_of, clock_of, cuts_of, with_axis
from netxr.schema.variables import MOMENT_SPECS


def put_back(data: Recording, activity: xr.DataArray, *, step: str, **attrs: Any) -> Recording:
    """Return `data` with this activity in the place of its own.

    `step` says in one line what was done; `attrs` are the attributes that it changes. Moments and estimates of a
    Dataset go, since they are those of the samples before the step; all else is kept.
    Raises InvalidInput if the step changes the length of a dim that another variable of the Dataset has as well.
    """
    before = activity.attrs.get(n.PREPROCESSING)
    done = activity.copy(deep=False)
    done.attrs = activity.attrs | attrs | {n.PREPROCESSING: f"{before}\n{step}" if before else step}
    done.encoding = {}  # how the file held the samples before
    if axis_of(done) is not None:
        attrs_of_axis = done[n.TIME].attrs
        done = with_axis(done.drop_vars(n.TIME))
        done[n.TIME].attrs.update(attrs_of_axis)
    if isinstance(data, xr.DataArray):
        return done
    data = _without_results(data)
    changed = {dim for dim, size in done.sizes.items() if size != data.sizes.get(dim)}
    along = [name for name, variable in data.variables.items() if changed & set(variable.dims)]
    stuck = [str(name) for name in along if name != n.ACTIVITY and name not in data[n.ACTIVITY].coords]
    if stuck:
        raise InvalidInput(
            "data",
            got=f"a Dataset whose {', '.join(stuck)} has the dim {', '.join(map(str, changed))} too",
            expected="only activity along a dim that changes its length",
            fix=f"Leave the others out with .drop_vars({stuck}).",
        )
    kept = data.drop_vars(along).assign({n.ACTIVITY: done})[list(data.data_vars)]
    return kept.assign_attrs({name: attrs[name] for name in attrs if name in data.attrs})


def _without_results(run: xr.Dataset) -> xr.Dataset:
    """Return a run without the moments and estimates that were made of its activity."""
    moments = {spec.name for spec in MOMENT_SPECS}
    results = [name for name, one in run.data_vars.items() if name in moments or n.ESTIMATOR in one.attrs]
    kept = run.drop_vars(results)
    used = {dim for one in kept.data_vars.values() for dim in one.dims}
    return kept.drop_vars(
        [name for name in (n.LAG, n.TARGET, n.SOURCE) if results and name in kept.coords and name not in used]
    )


def take(data: Recording, positions: Mapping[Any, Any], *, step: str) -> Recording:
    """Return the entries at these positions along dims, of all that a Dataset has along them.

    Samples that follow one another keep their clock. Of others, the first says when the recording begins, and the rest
    follow it as if nothing had been between them.
    """
    chosen: Recording = data.isel(positions)
    attrs: dict[str, Any] = {}
    if n.TIME in positions and (n.TIME not in data.coords or axis_of(data) is not None):
        interval, _, start = clock_of(activity_of(data))
        first = int(np.arange(data.sizes[n.TIME])[positions[n.TIME]][0])
        attrs[n.START_TIME] = start + first * interval
        chosen = chosen if axis_of(chosen) is not None else chosen.drop_vars(n.TIME, errors="ignore")
    return put_back(chosen, activity_of(chosen), step=step, **attrs)


def by_segment(step: Callable[[xr.DataArray], xr.DataArray], activity: xr.DataArray, *, gaps: n.Gaps) -> xr.DataArray:
    """Return what a step that counts samples as time makes of an activity, of each stretch of even times on its own.

    Raises InvalidInput if there are gaps, and neither `gaps` nor the recording says that the stretches are segments.
    """
    cuts = cuts_of(activity, gaps=gaps)
    if not cuts:
        return step(activity)
    ends = pairwise([0, *cuts, activity.sizes[n.TIME]])
    parts = [step(activity.isel({n.TIME: slice(*each)})) for each in ends]
    return xr.concat(parts, n.TIME, coords="minimal", compat="override", join="exact", combine_attrs="override")
