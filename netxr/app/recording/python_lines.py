"""The Python that chooses from a recording and estimates, as the settings say."""

from pathlib import Path
from typing import Any

import xarray as xr

from netxr import names as n
from netxr.app.recording.choice import (
    NEURONS,
    OWN,
    POOLED,
    Choice,
    chosen_truth,
    cutoff_of,
    inputs_of,
    lags_of,
    neurons_of,
)
from netxr.app.recording.compute import lags_in_window, one_recording
from netxr.estimators.apply import lags_needed
from netxr.estimators.table import estimator
from netxr.plot.matrices.side_by_side import TITLE_R
from netxr.significance.correlation_test import lags_for
from netxr.significance.reliability import BLOCKS
from netxr.significance.tested import TESTED


def preparing_lines(path: Path, run: xr.Dataset, choice: Choice) -> list[str]:
    """Return the lines of Python that open a recording, and name what was chosen from it `activity`."""
    trial = f".isel(trial=[{choice.trial}])" if n.TRIAL in run[n.ACTIVITY].dims and choice.trial != POOLED else ""
    lines = ["import netxr", "", f"run = netxr.open({str(path)!r})", f"activity = run.activity{trial}"]
    asked = ", ".join(f"{name}={value!r}" for name, value in neurons_of(run[n.ACTIVITY], choice.neurons).items())
    if asked:
        lines.append(f"activity = netxr.select(activity, {asked})")
    lines += _cleaning_lines(run, choice, trial=trial)
    if choice.level != NEURONS:
        by = "" if choice.level == OWN else f", groups={choice.groups}"
        lines += ["fine = activity", f"activity = netxr.coarsen(fine{by})"]
    return lines


def _cleaning_lines(run: xr.Dataset, choice: Choice, *, trial: str) -> list[str]:
    """Return the lines that clean the activity, in the order in which that is done."""
    bad, filled = choice.bad_frames, choice.bad_frames and choice.high_pass
    cutoff = cutoff_of(run[n.ACTIVITY], choice) if choice.high_pass else 0.0
    said = {
        f"bad = netxr.bad_frames(run.activity{trial}).compute()": bad,
        "activity = netxr.interpolate_frames(activity, frames=bad)": filled,
        f"activity = netxr.high_pass(activity, cutoff={cutoff})": cutoff,
        "activity = netxr.mask_frames(activity, frames=bad)": bad,
        "activity = netxr.difference(activity)": choice.difference,
        "activity = netxr.z_score(activity)": choice.z_score,
    }
    return [line for line, is_done in said.items() if is_done]


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


def sure_lines(run: xr.Dataset, choice: Choice, *, lag: int, q: float, groups: str) -> list[str]:
    """Return the lines that say how sure an estimate is, and draw it."""
    one, several = _one_recording_lines(run, choice)
    lags = lags_needed([estimator(choice.method)], [lag])
    missing = _missing(choice)
    pooled = ', dim=("time", "trial")' if several else ""
    asked, title = f"method={choice.method!r}, lag={lag}", f'{groups}, title="{TITLE_R}")'
    lines = [*one, f"moments = netxr.lagged_moments(activity, lags={lags}{pooled}{missing}).compute()"]
    lines.append(f"R = netxr.estimate(moments, {asked})")
    if several or choice.handling != "pairwise":
        blocks = "" if several else f", blocks={BLOCKS}"
        lines.append(f"parts = netxr.lagged_moments(activity, lags={lags}{blocks}{missing}).compute()")
        lines.append(f"print(netxr.reliability(parts, {asked}).reliability.item())")
    if choice.method not in TESTED:
        return [*lines, f"netxr.plot.matrix(R{title}"]
    if choice.method == n.LAGGED_CORRELATION:
        of_neurons = f"lags=range(1, {lags_for(one_recording(run, choice)).stop}){pooled}{missing}"
        lines += _testing_lines(lag, of_neurons)
    else:
        at = f"[{lag}]" if choice.method == n.REGRESSION else lag
        lines.append(f"tested = netxr.{choice.method}(moments, lags={at}).squeeze(drop=True)")
    lines.append(f"edges = netxr.edges(tested, q={q:g}).to_dataframe()")
    return [*lines, f"netxr.plot.matrix(R, p_value=tested.p_value, q={q:g}{title}"]


def windows_lines(run: xr.Dataset, choice: Choice, *, lag: int, n_windows: int, pairs: Any) -> list[str]:
    """Return the lines that estimate in windows, and draw them."""
    one, _several = _one_recording_lines(run, choice)
    lags = lags_needed([estimator(choice.method)], [lag])
    missing = _missing(choice)
    lines = [*one, f"moments = netxr.lagged_moments(activity, lags={lags}, blocks={n_windows}{missing}).compute()"]
    drawn = "R"
    if choice.method == n.LAGGED_CORRELATION:
        stop, drawn = lags_in_window(one_recording(run, choice), n_windows).stop, "tested"
        lines += _testing_lines(lag, f"lags=range(1, {stop}){missing}")
    else:
        lines.append(f"R = netxr.estimate(moments, method={choice.method!r}, lag={lag})")
    return [*lines, f"netxr.plot.windows({drawn}{'' if pairs is None else f', pairs={pairs}'})"]


def _missing(choice: Choice) -> str:
    """Return the argument that says what to do with missing samples, if it is not an error."""
    return "" if choice.handling == "raise" else f", missing={choice.handling!r}"


def _testing_lines(lag: int, of_neurons: str) -> list[str]:
    """Return the lines that make `tested` of `moments`; `of_neurons` are arguments of the autocorrelation."""
    return [
        f"autocorrelation = netxr.autocorrelation(activity, {of_neurons}).compute()",
        f"tested = netxr.correlation_test(moments, lag={lag}, autocorrelation=autocorrelation)",
    ]


def _one_recording_lines(run: xr.Dataset, choice: Choice) -> tuple[list[str], bool]:
    """Return the line that takes the only trial of the activity, if it has one, and whether several are pooled."""
    several = n.TRIAL in one_recording(run, choice).dims
    return ["activity = activity.isel(trial=0)"] * (n.TRIAL in run[n.ACTIVITY].dims and not several), several


def _computing_line(run: xr.Dataset, choice: Choice) -> str:
    """Return the line that computes R."""
    lags = lags_of(choice.lags)
    options = f"lags={lags}" if len(lags) > 1 else f"lag={lags[0]}"
    if choice.trial == POOLED and n.TRIAL in run[n.ACTIVITY].dims:
        options += ', dim=("time", "trial")'
    if choice.handling != "raise":
        options += f', missing="{choice.handling}"'
    inputs = inputs_of(run, choice)
    if inputs is None:
        return f"R = netxr.estimate(activity, method={choice.method!r}, {options}).compute()"
    at = f"lags={lags}" if len(lags) > 1 else f"lag={lags[0]}"
    passed = options.removeprefix(at).removeprefix(", ")
    needed, labels = lags_needed([estimator(choice.method)], lags), inputs[n.INPUT].values.tolist()
    trial = f", trial=[{choice.trial}]" if n.TRIAL in inputs.dims and choice.trial != POOLED else ""
    beside = f"run.inputs.sel(input={labels}).isel(time=slice(activity.sizes['time']){trial})"
    said = ", ".join(filter(None, (f"lags={needed}", f"inputs={beside}", passed)))
    return f"R = netxr.estimate(netxr.lagged_moments(activity, {said}), method={choice.method!r}, {at}).compute()"


def _stored_line(run: xr.Dataset, choice: Choice) -> str:
    """Return the line that reads R."""
    R, lags = run[choice.method], lags_of(choice.lags)
    lag = f".sel(lag={lags if len(lags) > 1 else lags[0]})" if n.LAG in R.dims else ""
    trial = f".isel(trial=[{max(choice.trial, 0)}])" if n.TRIAL in R.dims else ""
    return f"R = run.{choice.method}{lag}{trial}.compute()"
