"""The floors of the house: a module imports from floors below its own, and sideways only for a written reason."""

import ast
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import netxr

PACKAGE = Path(netxr.__file__).parent

FLOORS = {
    0: ["names", "errors"],
    1: [
        *("arguments", "provenance", "schema", "documents", "arrays", "tables", "schedulers", "headway"),
        *("kernels", "kernels.*"),
    ],
    2: [
        *("streams", "budget", "plans", "row_plans", "blocks", "lagged_pass", "row_blocks"),
        *("layout", "compact", "writing", "staging", "commits", "transactions", "stored", "remote", "snapshots"),
        *("descriptions", "store_checks", "chunk_checks", "formats", "formats.*"),
        *("steps", "trial_pass", "frame_flags"),
    ],
    3: [
        *("networks", "simulation", "planning", "moments", "merging", "levels", "estimators", "matrices"),
        *("coarse", "comparison", "overlaps"),
        *("store", "opening", "sources", "loaders", "importing", "appending", "fitting", "upkeep", "growth"),
        *("catalogue", "verification"),
        *("selection", "preprocessing", "detrending", "filtering", "frames"),
    ],
    4: ["sweep*", "tutorial*"],
    5: ["plot", "plot.*"],
    6: ["report*", "app", "app.*", "cli", "cli.*", "__main__"],
}

TOP = max(FLOORS)
"""Here the library is called as its users call it: through the front door."""

SIDEWAYS = {
    ("arrays", "arguments"): "labelling begins with a check of what was said about the axes",
    ("arguments", "kernels.noise"): "a seed is checked against the streams that there are",
    ("arrays", "schema"): "labelling ends with the check of what came out",
    ("kernels.dynamics", "kernels.blas"): "each block of steps runs with one BLAS thread",
    ("kernels.moments", "kernels.lagged_sums"): "moments are made of sums",
    ("kernels.frame_blocks", "kernels.lagged_sums"): "a block has the layers that products need",
    ("kernels.running_sums", "kernels.lagged_sums"): "running sums are sums",
    ("kernels.running_sums", "kernels.frame_blocks"): "they run over blocks",
    ("kernels.running_sums", "kernels.lag_spectrum"): "products at many lags go by way of spectra",
    ("kernels.dynamics", "kernels.noise"): "the loop draws the noise of its own steps",
    ("headway", "schedulers"): "tasks tell of themselves to a cluster as well",
    ("plans", "budget"): "a plan is held against what its parts take",
    ("row_plans", "budget"): "a plan is held against what its parts take",
    ("row_plans", "plans"): "plans are told and timed in one way",
    ("blocks", "streams"): "a task makes its blocks itself",
    ("blocks", "plans"): "partial results are combined as the plan counts them",
    ("lagged_pass", "blocks"): "the pass over one trial is a pass over blocks",
    ("lagged_pass", "budget"): "threads are as many as their memory allows",
    ("lagged_pass", "plans"): "a pass goes by its plan",
    ("lagged_pass", "streams"): "a lane begins with the first block of the recording",
    ("row_blocks", "lagged_pass"): "rows are made of the same trials",
    ("row_blocks", "row_plans"): "rows are made by their plan",
    ("row_blocks", "streams"): "a task makes its blocks itself",
    ("trial_pass", "blocks"): "the frames of a trial are reduced in lanes of blocks",
    ("compact", "blocks"): "how samples lie is seen in one pass over blocks",
    ("compact", "lagged_pass"): "and trial by trial",
    ("compact", "trial_pass"): "what is in memory is rounded a piece at a time",
    ("comparison", "overlaps"): "what both sides have is compared",
    ("staging", "layout"): "what is written is laid out first",
    ("staging", "commits"): "a folder that is being made is locked",
    ("staging", "writing"): "a folder is filled, then named",
    ("transactions", "commits"): "a change is a commit",
    ("transactions", "staging"): "what dead writers left goes away",
    ("transactions", "layout"): "what is written is laid out first",
    ("transactions", "snapshots"): "a repository has transactions of its own",
    ("snapshots", "commits"): "one process commits at a time",
    ("snapshots", "staging"): "a repository appears whole",
    ("remote", "snapshots"): "a version of a repository is a store",
    ("transactions", "writing"): "every chunk is written",
    ("appending", "fitting"): "what is appended has to fit",
    ("appending", "store"): "what is appended to is opened first",
    ("appending", "upkeep"): "moments and estimates follow the samples",
    ("upkeep", "estimators"): "estimates are made again",
    ("upkeep", "moments"): "new samples are summed up",
    ("upkeep", "merging"): "and added to the old",
    ("opening", "loaders"): "what is no store may be a file",
    ("verification", "store"): "what is sound opens",
    ("opening", "store"): "what is opened may be a store",
    ("stored", "commits"): "what counts is what was committed",
    ("descriptions", "commits"): "what counts is what was committed",
    ("descriptions", "remote"): "a store may lie at a URL",
    ("descriptions", "snapshots"): "or have versions",
    ("store_checks", "descriptions"): "what is checked was described first",
    ("chunk_checks", "store_checks"): "all checks tell problems in one way",
    ("writing", "layout"): "what is written is laid out first",
    ("simulation", "growth"): "a run goes to disk bit by bit",
    ("growth", "store"): "what is gone on with is opened first",
    ("simulation", "store"): "a run may go straight to disk",
    ("moments", "planning"): "a pass is planned before it is run",
    ("levels", "moments"): "moments of groups follow from those of neurons",
    ("levels", "planning"): "a pass is planned before it is run",
    ("levels", "coarse"): "groups are labelled and averaged in one way",
    ("estimators", "planning"): "arguments are checked in one way",
    ("estimators", "matrices"): "an estimate may go straight to disk",
    ("matrices", "planning"): "rows are planned before they are made",
    ("matrices", "store"): "rows are written to a store",
    ("estimators", "moments"): "an estimate from activity takes its moments first",
    ("sources", "store"): "a recording may lie in a store",
    ("loaders", "sources"): "what is loaded is first told apart",
    ("importing", "loaders"): "what is converted is loaded first",
    ("importing", "store"): "what is converted is saved",
    ("sweeps", "sweep_store"): "a sweep keeps its finished cells",
    ("sweeps", "sweep_plan"): "a sweep goes through its plan",
    ("sweep_store", "sweep_plan"): "what is kept is laid out by the plan",
    ("report_*s", "report_facts"): "every report says facts",
    ("report_runs", "report_sweeps"): "what is reported may be a sweep",
    ("tutorial", "sweeps"): "two of the tutorial's figures are sweeps",
}
"""Imports on one floor (patterns), with the reason. Within plot, cli and formats, modules share their parts freely."""

HEAVY = ("holoviews", "panel", "bokeh", "matplotlib", "distributed", "xarray", "dask", "numpy", "zarr", "scipy")


def module_name(path):
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(source):
    """Modules of netxr that a source imports anywhere, functions included, and top-level names of all others."""
    own, others = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            inside = [name for name in submodules if name.removeprefix("netxr.") in MODULES]
            found = inside if len(inside) == len(submodules) else [*inside, node.module]
        else:
            continue
        for name in found:
            if name.split(".")[0] == "netxr":
                own.add(name.removeprefix("netxr").removeprefix("."))
            else:
                others.add(name.split(".")[0])
    return own, others


def floor_of(module):
    floors = [floor for floor, patterns in FLOORS.items() if any(fnmatch(module, pattern) for pattern in patterns)]
    assert len(floors) == 1, f"netxr/{module.replace('.', '/')}.py stands on no floor, or on two: say where in FLOORS"
    return floors[0]


def problem_of(module, imported):
    """What is wrong with an import, or None."""
    if imported == "":
        return None if floor_of(module) == TOP else "takes names from the package's front door"
    above = floor_of(imported) - floor_of(module)
    if above > 0:
        return f"points {above} floors up"
    same_room = module.split(".")[0] == imported.split(".")[0] in ("plot", "cli", "formats", "app")
    has_reason = any(fnmatch(module, upper) and fnmatch(imported, lower) for upper, lower in SIDEWAYS)
    if above == 0 and not same_room and not has_reason:
        return "points sideways, with no reason given in SIDEWAYS"
    return None


GRAPH = {module: imports_of(path.read_text())[0] - {module} for module, path in MODULES.items()}


@pytest.mark.parametrize("module", [module for module in MODULES if module])
def test_imports_point_downwards(module):
    assert floor_of(module) >= 0
    problems = {imported: problem_of(module, imported) for imported in sorted(GRAPH[module])}
    assert not {imported: problem for imported, problem in problems.items() if problem}


def test_no_import_goes_round():
    remaining = {module: set(imported) for module, imported in GRAPH.items() if module}
    while leaves := [module for module, imported in remaining.items() if not imported & set(remaining)]:
        for leaf in leaves:
            del remaining[leaf]
    assert not remaining, f"modules that import one another: {sorted(remaining)}"


def test_the_front_door_imports_the_standard_library_only():
    own, others = imports_of(MODULES[""].read_text())
    assert not own
    assert others <= sys.stdlib_module_names


def test_reasons_are_of_imports_that_exist():
    pairs = [(module, imported) for module, found in GRAPH.items() for imported in found]
    for upper, lower in SIDEWAYS:
        assert any(fnmatch(module, upper) and fnmatch(imported, lower) for module, imported in pairs), (upper, lower)


def test_no_module_above_the_plots_is_needed_to_compute():
    """Weighty libraries for figures are met on the fifth floor for the first time."""
    for module, path in MODULES.items():
        if module and floor_of(module) < 5:
            assert not imports_of(path.read_text())[1] & {"holoviews", "panel", "bokeh", "matplotlib", "distributed"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import netxr.store", {"store"}),
        ("from netxr.store import open as o", {"store"}),
        ("from netxr import store", {"store"}),
        ("from netxr.kernels import scores, noise", {"kernels.scores", "kernels.noise"}),
        ("def f():\n    from netxr.plot.pairs import compare", {"plot.pairs"}),
        ("import netxr", {""}),
        ("from netxr import simulate", {""}),
        ("import numpy", set()),
    ],
)
def test_how_imports_are_read(source, expected):
    assert imports_of(source)[0] == expected


@pytest.mark.parametrize(
    ("module", "imported", "wrong"),
    [
        ("schema", "names", False),
        ("schema", "store", True),
        ("kernels.moments", "blocks", True),
        ("store", "moments", True),
        ("plot.pairs", "plot.heatmaps", False),
        ("plot.pairs", "cli.main", True),
        ("sweeps", "simulation", False),
        ("store", "", True),
        ("cli.simulate", "", False),
    ],
)
def test_what_is_wrong_with_an_import(module, imported, wrong):
    assert bool(problem_of(module, imported)) == wrong


def test_a_module_on_no_floor_is_an_error():
    with pytest.raises(AssertionError, match="stands on no floor"):
        floor_of("surprise")


def run(code):
    return subprocess.run(  # noqa: S603 - the code is written below
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


def test_import_is_light():
    loaded = run("import sys, netxr; print(*{name.split('.')[0] for name in sys.modules})")
    assert not set(HEAVY) & set(loaded)


def test_computing_loads_no_figures():
    code = (
        "import sys, netxr; A = netxr.random_connectivity(3); "
        "netxr.lagged_correlation(netxr.simulate(A, n_steps=9).activity); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    assert not {"holoviews", "panel", "bokeh", "matplotlib", "distributed"} & set(run(code))


@pytest.mark.parametrize("name", netxr.__all__)
def test_every_public_name_is_there(name):
    home = netxr._HOME.get(name, name)
    if name != "__version__" and home not in MODULES:
        pytest.skip(f"netxr.{home} is not written yet")
    if name in ("app", "plot"):
        pytest.importorskip("panel" if name == "app" else "holoviews")
    assert getattr(netxr, name) is not None
    assert name in dir(netxr)


def test_type_checkers_know_every_public_name():
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    known = [alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    declared = [node.target.id for node in stub.body if isinstance(node, ast.AnnAssign)]
    assert sorted([*known, *declared]) == sorted(netxr.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'netxr' has no attribute 'simulated'"):
        netxr.simulated  # noqa: B018
