"""The rooms of the house: what each may import, and that imports point downwards inside a room as well."""

import ast
import sys
from pathlib import Path

import pytest

import netxr
from tests.runs import printed_by

PACKAGE = Path(netxr.__file__).parent

GROUND = {"names", "errors", "compat", "schema"}
MIDDLE = GROUND | {
    "kernels",
    "blocks",
    "moments",
    "store",
    "preprocessing",
    "estimators",
    "significance",
    "recordings",
    "simulation",
}
DOOR = "netxr"
"""The package's front door: faces call the library as its users do."""

ROOMS = {
    "names": set(),
    "errors": set(),
    "compat": {"errors"},
    "schema": GROUND,
    "kernels": {"names", "errors", "compat"},
    "blocks": GROUND | {"kernels"},
    "moments": GROUND | {"kernels", "blocks"},
    "store": GROUND | {"kernels", "blocks"},
    "preprocessing": GROUND | {"kernels", "blocks"},
    "estimators": GROUND | {"kernels", "blocks", "moments", "store"},
    "significance": GROUND | {"kernels", "moments", "estimators"},
    "recordings": GROUND | {"kernels", "blocks", "moments", "store", "estimators", "significance", "preprocessing"},
    "simulation": GROUND | {"kernels", "blocks", "moments", "store", "estimators"},
    "plot": GROUND | {"kernels", "blocks", "moments", "estimators", "significance"},
    "report": MIDDLE | {"plot", DOOR},
    "app": MIDDLE | {"plot", "report", DOOR},
    "cli": MIDDLE | {"plot", "report", "app", DOOR},
    "__main__": {"cli"},
}
"""Room -> the rooms that it may import."""

HEAVY = ("holoviews", "panel", "bokeh", "matplotlib", "distributed", "xarray", "dask", "numpy", "zarr", "scipy")
FIGURES = {"holoviews", "panel", "bokeh", "matplotlib"}


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
                own.add(name.removeprefix("netxr").removeprefix(".") or DOOR)
            else:
                others.add(name.split(".")[0])
    return own, others


def room_of(module):
    room = module.split(".")[0]
    assert room in ROOMS or room == DOOR, f"{room} is no room: say in ROOMS what it may import"
    return room


@pytest.fixture(scope="module")
def imports():
    """What each module imports: modules of netxr but itself, and others."""
    found = {module: imports_of(path.read_text("utf-8")) for module, path in MODULES.items() if module}
    return {module: (own - {module}, others) for module, (own, others) in found.items()}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rooms_below(imports, room):
    found = {
        (module, imported)
        for module, (own, _) in imports.items()
        if room_of(module) == room
        for imported in own
        if room_of(imported) not in {room, *ROOMS[room]}
    }
    assert not found, f"{room}/ may import {sorted(ROOMS[room])}"


def test_rooms_lie_above_what_they_import():
    for number, (room, below) in enumerate(ROOMS.items()):
        assert below - {DOOR, room} <= set(list(ROOMS)[: max(number, 3)])


def circle(graph):
    """Nodes that reach one another."""
    remaining = {node: set(imported) & set(graph) for node, imported in graph.items()}
    while leaves := [node for node, imported in remaining.items() if not imported & set(remaining)]:
        for leaf in leaves:
            del remaining[leaf]
    return sorted(remaining)


@pytest.mark.parametrize("room", ["", *sorted({m for m, p in MODULES.items() if m and p.name == "__init__.py"})])
def test_imports_point_downwards_inside_a_room(imports, room):
    """Files and folders of a room can be laid on floors, each above all that it imports."""
    inside = f"{room}." if room else ""

    def entry(module):
        return module.removeprefix(inside).split(".")[0] if module.startswith(inside) and module != room else None

    graph = {}
    for module, (own, _) in imports.items():
        if here := entry(module):
            graph.setdefault(here, set()).update({entry(name) for name in own} - {None, here})
    assert not circle(graph), "these import one another"


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in ("names", "errors", "compat", "__main__")])
def test_a_room_says_what_lives_there(room):
    lines = (ast.get_docstring(ast.parse(MODULES[room].read_text("utf-8"))) or "").splitlines()
    assert len([line for line in lines if line]) >= 2, f"{room}/__init__.py: what lives there, and where to start"


def test_the_front_door_imports_the_standard_library_only():
    own, others = imports_of(MODULES[""].read_text("utf-8"))
    assert not own
    assert others <= sys.stdlib_module_names


def test_figures_are_needed_by_faces_alone(imports):
    for module, (_, others) in imports.items():
        if DOOR not in ROOMS[room_of(module)] and room_of(module) not in ("plot", "compat"):
            assert not others & FIGURES


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import netxr.store", {"store"}),
        ("from netxr.store import open as o", {"store"}),
        ("from netxr import store", {"store"}),
        ("from netxr.kernels import scores, noise", {"kernels.scores", "kernels.noise"}),
        ("def f():\n    from netxr.plot.matrices import grids", {"plot.matrices.grids"}),
        ("import netxr", {DOOR}),
        ("from netxr import simulate", {DOOR}),
        ("import numpy", set()),
    ],
)
def test_how_imports_are_read(source, expected):
    assert imports_of(source)[0] == expected


def test_a_room_that_is_none_is_an_error():
    with pytest.raises(AssertionError, match="surprise is no room"):
        room_of("surprise.party")


def run(code):
    return printed_by(code).split()


def test_import_is_light():
    loaded = run("import sys, netxr; print(*{name.split('.')[0] for name in sys.modules})")
    assert not set(HEAVY) & set(loaded)


def test_computing_loads_no_figures():
    code = (
        "import sys, netxr; A = netxr.random_connectivity(3); "
        "netxr.lagged_correlation(netxr.simulate(A, n_steps=9).activity); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    assert not {*FIGURES, "distributed"} & set(run(code))


@pytest.mark.parametrize("name", netxr.__all__)
def test_every_public_name_is_there(name):
    if name in ("app", "plot", "report"):
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
