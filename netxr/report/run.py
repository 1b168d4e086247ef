"""The report of a run or a sweep: figures, scores, facts and origin on one page."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import xarray as xr

import netxr
from netxr import names as n
from netxr.blocks.schedulers import computed
from netxr.errors import InvalidInput, NetxrError
from netxr.estimators.apply import compared
from netxr.estimators.over_trials import over_trials
from netxr.estimators.signs import sign_text
from netxr.estimators.symmetry import direction_text, symmetry
from netxr.estimators.table import DEFAULT, drawn_estimate, estimates_in, estimator_of, name_in_words
from netxr.plot.panels import dashboards
from netxr.report import page
from netxr.report.facts import DIAGONAL_MATTERS, FURTHER, MOST_ROWS, SCORES, facts, in_words, origin_parts, score_rows
from netxr.report.sure import sure_parts
from netxr.report.sweep import sweep_parts
from netxr.schema.arguments import check_listener, check_vacant
from netxr.schema.variables import is_sweep
from netxr.significance.recoverability_text import GAINS

MOST_NEURONS: Final = 1000
"""Largest run for whose report a missing estimate or missing scores are made."""

MOST_FORETOLD: Final = 300
"""Largest recording of which is said how well estimators would find its network: in some seconds."""

CAPTIONS: Final = {
    "traces": (
        "Activity of some neurons",
        "The first samples of some neurons. All traces share one scale, which is written on the axis.",
    ),
    "raster": (
        "Activity of all neurons",
        "One row for each neuron. Vertical stripes are events that all neurons share; they raise every correlation. A "
        "slow change along a row is drift. Grey is missing.",
    ),
    "matrix": (
        "Connectivity",
        "A column is where a connection comes from, a row where it goes to. Orange is positive, blue negative, grey a "
        "neuron with itself.",
    ),
    "compare": (
        "True and estimated connectivity",
        "A column is where a connection comes from, a row where it goes to. Each matrix has its own colour range. Look "
        "for the pattern of A in R, and for what else R shows: in a correlation, a bright diagonal is that of each "
        "neuron with itself or its own past, bright rows and columns are neurons that correlate with all others.",
    ),
    "network": (
        "Connectivity as a graph",
        "Arrows point from source to target. The wider and darker, the stronger.",
    ),
    "agreement": (
        "How the estimate agrees with the truth",
        "Without self-connections. R should be higher with an edge than without: the less the two distributions "
        "overlap, the closer the ROC curve comes to the upper left corner.",
    ),
    "lags": (
        "Estimate over lag",
        "The strongest pairs. A connection that acts within one sample peaks at lag 1. A peak at lag 0 is shared "
        "activity rather than a connection.",
    ),
}


def report_run(run: Any, path: str | Path, *, progress: n.Progress | None = None) -> Path:
    """Write one self-contained page about a run: figures, scores, facts, where it comes from, how to make it again.

    The page opens in any browser, without a network. It has the figures of `netxr.plot.dashboard`, of the first trial.
    If a run of up to 1,000 neurons has no estimate or no scores, an estimate R at lag 1 and its scores are made for the
    page, and so are a test of all pairs and the reliability of R; the run itself does not change. Where there is no
    truth, the page says how well estimators would find a network like this one, of up to 300 neurons. The page of a
    sweep has its scores over each parameter that varies. A recording on disk is read once for the raster, once for an
    estimate, once for a test, once for reliability and once for that.

    Parameters
    ----------
    run : Dataset, or path, URL or store
        A run, a recording or a sweep, or what `netxr.open` opens as one.
    path : str or Path
        The file to make, in a folder that exists.
    progress : callable, optional
        Called with (sections drawn, sections in all); reading is followed by `netxr.progress`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputExists
        If something exists at `path`.
    InvalidInput
        If its folder does not exist, may not be written to, or is the run's own; if `run` is nothing that can be
        opened, or has nothing to report; if `progress` is no function.

    Examples
    --------
    >>> import tempfile, netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = report_run(run, folder + "/run.html").read_text("utf-8")
    >>> "True and estimated connectivity" in page
    True
    """
    path = check_vacant("path", path)
    if progress is not None:
        check_listener("progress", progress, what="sections drawn, sections in all")
    source = None if isinstance(run, xr.Dataset) else str(run)
    if source is not None and Path(source).exists() and path.resolve().is_relative_to(Path(source).resolve()):
        raise InvalidInput("path", got=repr(str(path)), expected="a file outside the run, which is left as it is")
    opened = run if isinstance(run, xr.Dataset) else netxr.open(run)
    parts = list((sweep_parts if is_sweep(opened.data_vars) else _of_run)(opened, source))
    title = f"Report of {Path(source).name}" if source else "Report of a run"
    return page.write_report(path, title=title, text=_summary(opened), parts=parts, progress=progress)


def _summary(run: xr.Dataset) -> str:
    """Say in one line what a page is about."""
    if is_sweep(run.data_vars):
        return (
            "Scores of estimates over the parameters of simulated networks. In every matrix, row = to, column = from."
        )
    what = [f"{run.sizes[n.NEURON]:,} neurons"] if n.NEURON in run.sizes else []
    what += ["the true connectivity A"] if n.CONNECTIVITY in run else []
    what += ["an estimate R"] if drawn_estimate(run) else []
    return f"A run: {', '.join(what)}." if what else ""


def _of_run(run: xr.Dataset, source: str | None) -> Iterator[Any]:
    """Yield the sections of the report of a run."""
    known, estimate, note = _estimated(run)
    available = dashboards.available_in(known)
    yield page.Table("Facts", f"The figures are of {available.note}." if available.note else "", facts(known))
    for name, figure in dashboards.figures_of(available).items():
        title, text = CAPTIONS[name]
        yield page.Figure(title, f"{text} {note}".strip() if name in ("compare", "matrix") else text, figure)
    if note and available.R is None:
        yield page.Table("Estimate", note, [])
    yield from _direction(known)
    yield from sure_parts(known, most_neurons=MOST_NEURONS)
    yield from _scores(known, drawn_estimate(known))
    yield from _further_estimates(known)
    yield from _foretold(known)
    yield from origin_parts(known, source, estimate)


def _foretold(run: xr.Dataset) -> Iterator[Any]:
    """Yield how well estimators would find a network like this one, where there is no truth to score them against."""
    if n.ACTIVITY in run and n.CONNECTIVITY not in run and run.sizes[n.NEURON] <= MOST_FORETOLD:
        with suppress(NetxrError):  # too short, or samples are missing
            text = f"{netxr.recoverability(run).sentence} {GAINS}"
            yield page.Table("How well estimators would find this network", text, [])


def _further_estimates(run: xr.Dataset) -> Iterator[Any]:
    """Yield figure and scores of every further estimate that is a matrix."""
    first = drawn_estimate(run)
    for name in estimates_in(run):
        if name != first and n.TARGET in run[name].dims:
            one = dashboards.available_in(run[[name, *{n.CONNECTIVITY} & set(run.data_vars)]])
            figures = dashboards.figures_of(one)
            title, text = CAPTIONS["compare" if "compare" in figures else "matrix"]
            about = name_in_words(run[name])
            yield page.Figure(f"{title}: {about}", text, figures.get("compare", figures.get("matrix")))
            yield from _scores(run[list({name, n.CONNECTIVITY} & set(run.data_vars))], name, of=f": {about}")


def _estimated(run: xr.Dataset) -> tuple[xr.Dataset, str, str]:
    """Return a run with an estimate; if it had none, also the call that made it and a note about that."""
    if drawn_estimate(run) or not {n.ACTIVITY, n.COMOMENT} & set(run.data_vars):
        return run, "", ""
    n_neurons = run.sizes[n.NEURON] if n.ACTIVITY in run else run.sizes[n.TARGET]
    if n_neurons > MOST_NEURONS:
        how = "Make one with netxr estimate, in bounded memory; the report then draws it."
        return run, "", f"The run has no estimate of connectivity, and is too large to make one here. {how}"
    if n.COMOMENT in run:
        lag, data, name = _lag_of(run), run, "run"
    else:
        lag, data, name = 1, run[[n.ACTIVITY]], "run.activity"
    wanted: dict[str, Any] = {"method": DEFAULT, "lag": lag}
    missing: dict[str, Any] = {} if data is run else {"missing": "drop"}
    try:
        moments = run if data is run else computed(netxr.lagged_moments(data, lags=[lag], missing="drop"))[0]
        R = compared(computed(netxr.estimate(moments, **wanted))[0], DEFAULT)
    except NetxrError as error:
        return run, "", f"The run has no estimate of connectivity, and none could be made: {error}"
    options = ", ".join(f"{key}={json.dumps(value)}" for key, value in (wanted | missing).items())
    call = f"netxr.estimate({name}, {options})"
    left_out = "" if data is run else _left_out(run, moments)
    return (
        run.assign({DEFAULT: R}),
        call,
        f"R is the {name_in_words(R)} at lag {lag}, made for this report.{left_out}",
    )


def _left_out(run: xr.Dataset, moments: xr.Dataset) -> str:
    """Say how many samples of a recording are left out of its moments, since they or the ones before hold NaN."""
    n_samples = run.sizes[n.TIME] - int(moments[n.LAG].max())
    most = n_samples - int(moments[n.COUNT].min())
    where = " of a trial at most" if n.TRIAL in moments.dims else ""
    text = f" Of {n_samples:,} samples, {most:,}{where} are left out: NaN or infinity is in them, or at the lag before."
    return text if most else ""


def _lag_of(moments: xr.Dataset) -> int:
    """Return the lag to estimate from moments: 1 if they have it."""
    known: list[int] = moments[n.LAG].values.ravel().tolist()
    return 1 if 1 in known else known[-1]


def _direction(run: xr.Dataset) -> Iterator[Any]:
    """Yield how alike each estimate and its transpose are."""
    rows = []
    for name in estimates_in(run):
        R = run[name]
        entry = estimator_of(R)
        is_told = {n.TARGET, n.SOURCE} <= set(R.dims) and R.sizes[n.TARGET] <= MOST_NEURONS
        said = direction_text(symmetry(R).compute()) if is_told and (entry is None or entry.directed) else ""
        rows += [{"estimate": name_in_words(R), "what it tells": said}] * bool(said)
    if rows:
        text = "An estimate that is like its own transpose does not tell which way a connection goes."
        yield page.Table("Direction", text, rows)


def _scores(run: xr.Dataset, estimate: str | None, *, of: str = "") -> Iterator[Any]:
    """Yield the scores that a run has, or those of its A and R in all trials; `of` says which R of several."""
    names = [name for name in SCORES if name in run]
    if names:
        flag = run[names[0]].attrs.get(n.DIAGONAL, run.attrs.get(n.DIAGONAL))
        text, scored = "" if flag is None else f"{'With' if flag else 'Without'} the diagonal. ", run[names].compute()
    elif estimate is not None and n.CONNECTIVITY in run and run.sizes[n.TARGET] <= MOST_NEURONS:
        text, scored = "Made for this report. ", _made(run, estimate)
        names = [name for name in SCORES if name in scored and name != n.MANTEL_P]
    else:
        return
    names = [name for name in names if name not in FURTHER or scored[name].notnull().any()]
    if estimate is not None and n.CONNECTIVITY in run and (signs := sign_text(run[n.CONNECTIVITY], run[estimate])):
        text += f"{signs} "
    title, rows = f"Scores of R against A{of}", score_rows(scored, names)
    summary = over_trials(scored, [name for name in names if name != n.MANTEL_P])
    if summary:
        yield page.Table(f"{title}, over trials", text + DIAGONAL_MATTERS, list(map(in_words, summary)))
        title = f"{title}, trial by trial"
    yield page.Table(title, "" if summary else text + DIAGONAL_MATTERS, rows, len(rows) > MOST_ROWS)


def _made(run: xr.Dataset, estimate: str) -> xr.Dataset:
    """Score an estimate at the lag that is drawn, in every trial, without and with the diagonal."""
    A, R = run[n.CONNECTIVITY].compute(), dashboards.drawn(run, estimate)
    sides = {"without": False, "with": True}
    made = [netxr.compare(A, R, diagonal=flag, permutations=0) for flag in sides.values()]
    return xr.concat([one.drop_attrs() for one in made], xr.Variable(n.DIAGONAL, list(sides)))
