"""The Python that chooses from a recording and estimates, as the settings say."""

from pathlib import Path

import xarray as xr

from netxr import names as n
from netxr.app.recording.choice import NEURONS, OWN, POOLED, Choice, chosen_truth, lags_of, neurons_of


def preparing_lines(path: Path, run: xr.Dataset, choice: Choice) -> list[str]:
    """Return the lines of Python that open a recording, and name what was chosen from it `activity`."""
    trial = f".isel(trial=[{choice.trial}])" if n.TRIAL in run[n.ACTIVITY].dims and choice.trial != POOLED else ""
    lines = ["import netxr", "", f"run = netxr.open({str(path)!r})", f"activity = run.activity{trial}"]
    asked = ", ".join(f"{name}={value!r}" for name, value in neurons_of(run[n.ACTIVITY], choice.neurons).items())
    if asked:
        lines.append(f"activity = netxr.select(activity, {asked})")
    if choice.high_pass:
        lines.append(f"activity = netxr.high_pass(activity, cutoff={choice.high_pass})")
    if choice.difference:
        lines.append("activity = netxr.difference(activity)")
    if choice.level != NEURONS:
        by = "" if choice.level == OWN else f", groups={choice.groups}"
        lines += ["fine = activity", f"activity = netxr.coarsen(fine{by})"]
    return lines


def estimating_lines(run: xr.Dataset, choice: Choice, *, stored: bool) -> list[str]:
    """Return the lines that follow: they make R and, if the truth is known, A and `scores`."""
    lines = [_stored_line(run, choice) if stored else _computing_line(run, choice)]
    if n.TRIAL in run[n.ACTIVITY].dims and choice.trial != POOLED:
        lines.append("R = R.isel(trial=0)")
    if chosen_truth(run, choice) is None:
        return lines
    trial = f".isel(trial={max(choice.trial, 0)})" if n.TRIAL in run[n.CONNECTIVITY].dims else ""
    lines.append(f"A = run.connectivity{trial}.compute()")
    coarse = choice.level != NEURONS
    if neurons_of(run[n.ACTIVITY], choice.neurons):
        chosen = f"{'fine' if coarse else 'activity'}.neuron.values"
        lines.append(f"A = A.sel(target={chosen}, source={chosen})")
    if coarse:
        lines.append(f"A = netxr.coarsen(A, groups={'fine.group.values' if choice.level == OWN else choice.groups})")
    return [*lines, f"scores = netxr.compare(A, R, diagonal={choice.diagonal}, permutations=0)"]


def _computing_line(run: xr.Dataset, choice: Choice) -> str:
    """Return the line that computes R."""
    lags = lags_of(choice.lags)
    options = f"lags={lags}" if len(lags) > 1 else f"lag={lags[0]}"
    if choice.trial == POOLED and n.TRIAL in run[n.ACTIVITY].dims:
        options += ', dim=("time", "trial")'
    if choice.missing != "raise":
        options += f', missing="{choice.missing}"'
    return f"R = netxr.estimate(activity, method={choice.method!r}, {options}).compute()"


def _stored_line(run: xr.Dataset, choice: Choice) -> str:
    """Return the line that reads R."""
    R, lags = run[choice.method], lags_of(choice.lags)
    lag = f".sel(lag={lags if len(lags) > 1 else lags[0]})" if n.LAG in R.dims else ""
    trial = f".isel(trial=[{max(choice.trial, 0)}])" if n.TRIAL in R.dims else ""
    return f"R = run.{choice.method}{lag}{trial}.compute()"
