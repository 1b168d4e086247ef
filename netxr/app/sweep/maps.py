"""The map of a sweep: the best score of each cell, which row is chosen, and what it loses to noise and to bias."""

from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr

import netxr.plot
from netxr import names as n
from netxr.app.sweep.views import ALL_IN_ONE, MOST_FACETS, SweepChoice, axes_of, is_drawn_by_length, place_of
from netxr.errors import InvalidInput
from netxr.estimators.score_limit import CORRELATIONS, verdicts
from netxr.plot.palettes import LIGHT
from netxr.plot.scores.score_map import initials, score_map
from netxr.plot.style import with_options
from netxr.plot.words import says

FEW: Final = 4
"""Most lengths that are named along an axis."""


class Marked(NamedTuple):
    """A recording that is marked in the map."""

    name: str
    """Of its store."""
    n_neurons: int
    n_samples: int
    """Its size, all trials together."""
    interval: float
    """Seconds between samples; NaN where that is not known."""


class Best(NamedTuple):
    """The best of all estimators in each cell of a sweep."""

    cells: xr.Dataset
    """`score` and `estimator` over the axes that are drawn."""
    ends: xr.Dataset | None
    """`score` over lengths, its `limit` and `samples_needed`, over the axes that are drawn and not the length; None
    where the sweep does not tell where scores end.
    """

    @property
    def key(self) -> str:
        """What the initials in the cells stand for, where there are several estimators."""
        names = sorted(set(self.cells[n.ESTIMATOR].values.ravel().tolist()))
        said = "; ".join(f"{initials(name)}: {says(n.ESTIMATOR, name)}" for name in names)
        return said if len(names) > 1 else ""


def best_of(sweep: xr.Dataset, choice: SweepChoice) -> Best:
    """Return the best of all estimators in each cell that is drawn."""
    drawn = choice.drawn
    missing = [dim for dim in drawn if dim not in sweep.dims]
    if choice.score not in sweep or missing or len(set(drawn)) < len(drawn):
        there = [*axes_of(sweep)] if choice.score in sweep else [one for one in sweep.data_vars if one in CORRELATIONS]
        got = choice.score if choice.score not in sweep else ", ".join(drawn)
        what = "score" if choice.score not in sweep else "x, y, facet"
        raise InvalidInput(what, got=got, expected=f"of this sweep, each once: {', '.join(map(str, there))}")
    scores = _kept(sweep, choice)
    several = n.N_STEPS in scores.dims and scores.sizes[n.N_STEPS] > 1 and choice.score in CORRELATIONS
    ends = verdicts(scores, score=choice.score, at=choice.at) if several else None
    cells = _best_cells(scores[choice.score]) if ends is None else ends[[n.SCORE, n.ESTIMATOR]]
    if n.N_STEPS in cells.dims and n.N_STEPS not in drawn:
        cells = cells.isel({n.N_STEPS: place_of(sweep, n.N_STEPS, choice.values.get(n.N_STEPS))})
    return Best(cells, ends)


def _best_cells(each: xr.DataArray) -> xr.Dataset:
    """Return the best score of each cell and its estimator, of a sweep that does not tell where scores end."""
    count = each.notnull().sum(n.TRIAL)
    mean = each.sum(n.TRIAL) / count.where(count > 0)
    if n.ESTIMATOR not in mean.dims:
        mean = mean.expand_dims({n.ESTIMATOR: [str(each.coords.get(n.ESTIMATOR, xr.DataArray("")).item())]})
    best = mean.fillna(-np.inf).argmax(n.ESTIMATOR)
    names = mean[n.ESTIMATOR].isel({n.ESTIMATOR: best}).drop_vars(n.ESTIMATOR)
    return xr.Dataset({n.SCORE: mean.isel({n.ESTIMATOR: best}).drop_vars(n.ESTIMATOR), n.ESTIMATOR: names})


def facets_of(best: Best, choice: SweepChoice) -> list[Any]:
    """Return the entries of the axis of facets; one that stands for none where there is none."""
    entries = [None] if choice.facet == ALL_IN_ONE else best.cells[choice.facet].values.tolist()
    if len(entries) > MOST_FACETS:
        raise InvalidInput("facet", got=f"{len(entries)} entries", expected=f"at most {MOST_FACETS}")
    return entries


def maps_of(best: Best, choice: SweepChoice, marked: Marked | None) -> list[Any]:
    """Return a map for each facet."""
    figures = []
    for entry in facets_of(best, choice):
        cells = best.cells if entry is None else best.cells.sel({choice.facet: entry})
        title = "" if entry is None else says(choice.facet, entry)
        spot = None if marked is None else {n.N_NEURONS: marked.n_neurons, n.N_STEPS: marked.n_samples}
        options: dict[str, Any] = {"at": choice.at, "title": title[:1].upper() + title[1:]}
        if spot is not None and marked is not None and {choice.x, choice.y} == set(spot):
            options |= {"mark": (spot[choice.x], spot[choice.y]), "called": marked.name.removesuffix(".zarr")}
        figures.append(score_map(cells, x=choice.x, y=choice.y, **options))
    return figures


class Chosen(NamedTuple):
    """One row of the map, over all lengths."""

    axis: str
    """The axis beside the length."""
    place: int
    """Which of its entries."""
    ends: xr.Dataset
    """Of the chosen entries of the other axes, over `axis` (and length)."""
    others: dict[str, Any]
    """{axis: chosen entry} of these: of the facets, and of the second axis of the map."""

    @property
    def text(self) -> str:
        """The entries of the other axes, in words."""
        return ", ".join(says(axis, entry) for axis, entry in self.others.items())

    @property
    def entries(self) -> dict[str, Any]:
        """{axis: chosen entry} of all axes but the length."""
        return {self.axis: self.ends[self.axis].values.tolist()[self.place], **self.others}

    @property
    def one(self) -> xr.Dataset:
        """Of the chosen entry alone."""
        return self.ends.isel({self.axis: self.place})

    @property
    def called(self) -> str:
        """The chosen entry, in words."""
        return says(self.axis, self.ends[self.axis].values.tolist()[self.place])


def chosen_of(best: Best, choice: SweepChoice, marked: Marked | None) -> Chosen | None:
    """Return the row of the map that is chosen: that of the marked recording, where none is named."""
    if best.ends is None:
        return None
    axis = choice.x if choice.x != n.N_STEPS else choice.y
    ends = best.ends
    further = [str(dim) for dim in ends.dims if dim not in (axis, n.N_STEPS)]
    places = {dim: place_of(ends, dim, choice.values.get(dim)) for dim in further}
    others = {dim: ends[dim].values.tolist()[place] for dim, place in places.items()}
    named = choice.values.get(axis)
    if named is None and marked is not None and axis == n.N_NEURONS:
        place = int(abs(ends[axis].values - marked.n_neurons).argmin())
    else:
        place = place_of(ends, axis, named)
    return Chosen(axis, place, ends.isel(places), others)


def what_is_lost(chosen: Chosen, *, at: float) -> Any:
    """Draw the score over length, and what it lacks by noise and by bias."""
    one = chosen.one
    lengths, limit = one[n.N_STEPS].values.astype(np.float64), float(one[n.LIMIT])
    scores = np.clip(one[n.SCORE].values, 0, 1)
    across = hv.Dimension("samples", label="Number of samples")
    limit = np.clip(limit if np.isfinite(limit) else np.nanmax(scores), np.nanmax(scores), 1)
    bands = {"score": (0 * scores, scores, LIGHT.accent), "lost to noise": (scores, limit, LIGHT.undefined)}
    bands["lost to bias"] = (limit, 1.0, LIGHT.ink)
    drawn = []
    for name, (low, high, colour) in bands.items():
        lower, upper = (np.broadcast_to(end, lengths.shape) for end in (low, high))
        area = hv.Area((lengths, lower, upper), across, ["lower", "upper"], label=name)
        drawn.append(with_options(area, bokeh={"color": colour, "line_alpha": 0}, matplotlib={"facecolor": colour}))
    line = with_options(hv.HLine(at), both={"color": LIGHT.lines}, bokeh={"line_dash": "dashed", "line_width": 1.5})
    few = lengths[:: -(-len(lengths) // FEW)]
    look = {
        "logx": True,
        "xticks": [(length, f"{length:g}") for length in few.tolist()],
        "ylim": (0, 1),
        "xlabel": across.label,
        "ylabel": "Score",
    }
    return with_options(hv.Overlay([*drawn, line]), both=look, bokeh={"legend_position": "top"})


def paper_of(sweep: xr.Dataset, choice: SweepChoice) -> Any:
    """Return the figure of the map for paper."""
    options = {"x": choice.x, "y": choice.y}
    if is_drawn_by_length(sweep, choice):
        facet = {} if choice.facet == ALL_IN_ONE else {"col": choice.facet}
        return netxr.plot.good_enough(_kept(sweep, choice), score=choice.score, at=choice.at, **options, **facet)
    cells = best_of(sweep, choice).cells
    cells = cells if choice.facet == ALL_IN_ONE else cells.isel({choice.facet: 0})
    return netxr.plot.map(cells[[n.SCORE]], score=n.SCORE, **options)


def _kept(sweep: xr.Dataset, choice: SweepChoice) -> xr.Dataset:
    """Return the scores of a sweep at the entries of the axes that are not drawn."""
    kept = {*choice.drawn, n.N_STEPS, n.ESTIMATOR}
    others = {axis: place_of(sweep, axis, choice.values.get(axis)) for axis in axes_of(sweep) if axis not in kept}
    return sweep[[choice.score]].isel(others)
