import json
import os
import re
from importlib.resources import files
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(path.stem for path in EXAMPLES.glob("*.ipynb"))

TUTORIAL = """
import json

import xarray as xr
from netxr.simulation.tutorial import check_tutorial

ends = [points[100_000] for points in scored.values()]


def scored(score, **matrices):
    return xr.Dataset({"pearson": score, **matrices})


trial = {"trial": [0]}
sections = {
    "small": scored(
        small_score.pearson,
        activity=run.activity,
        connectivity=A,
        lagged_correlation=R.drop_vars("trial").expand_dims(trial),
    ),
    "large": scored(large_score),
    **{f"size_{n:02}": scored(score) for n, (_, _, score) in demo.items()},
    "size_sweep": size_sweep,
    "sparsity_demo": sparsity_sweep,
    "fine": scored(fine_score),
    "coarse": scored(
        coarse_score,
        connectivity=coarse.connectivity,
        lagged_correlation=R_coarse.drop_vars("trial").expand_dims(trial),
    ),
    "coarse_sweep": coarse_sweep,
}
checks = check_tutorial(sections)
off = [check for check in checks if not check.agrees]
print(json.dumps({"checked": len(checks), "off": off, "ends": ends}))
"""

MAP = """
import json

ways = {way: at_one.sel(source=way[0], target=way[1]).item() for way in DRIVES}
others = [r for row in at_one for r in row if (r.source.item(), r.target.item()) not in DRIVES]
raw_score, clean_score = (found[name].pearson.item() for name in ("raw", "clean"))
print(json.dumps([min(ways.values()), max(map(float, others)), raw_score, clean_score, folder.exists()]))
"""

GOOD_ENOUGH = """
import json

ends = limits.limit.sel(n_neurons=50, observed=1, spectral_radius=0.97).squeeze().to_series()
print(json.dumps([table.loc[(50, 1)].tolist(), table.loc[(50, 0.25)].tolist(), ends.round(2).tolist()]))
"""

LARGE = """
import json

scores = [netxr.compare(A, netxr.lagged_correlation(part, lag=1), diagonal=False).pearson.item() for part in parts]
merged = netxr.compare(A, netxr.lagged_correlation(netxr.merge_moments(parts), lag=1), diagonal=False).pearson.item()
print(json.dumps([max(scores), merged, dict(both.sizes), is_edge.mean().item(), folder.exists()]))
"""


def read(name):
    return nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=nbformat.NO_CONVERT)


def run(name, folder, *, then):
    """Run a notebook from top to bottom, then a further cell in it; return the notebook and what that cell printed."""
    notebook = read(name)
    notebook.cells.append(nbformat.v4.new_code_cell(then))
    (folder / "temporary").mkdir()
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=os.environ | {"TMPDIR": str(folder / "temporary"), "OPENBLAS_NUM_THREADS": "1"})
    assert [path.name for path in folder.rglob("*")] == ["temporary"]
    return notebook, json.loads(printed(notebook.cells[-1]))


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


@pytest.mark.slow
def test_tutorial_has_every_number_of_its_reference(tmp_path):
    notebook, numbers = run("tutorial", tmp_path, then=TUTORIAL)
    correlation, regression, half_correlation, half_regression = numbers.pop("ends")
    assert correlation < 0.6 > half_correlation
    assert half_regression < 0.9 < 0.99 < regression
    reference = json.loads((files("netxr.simulation") / "tutorial_reference.json").read_text("utf-8"))
    assert numbers == {"checked": sum(map(len, reference.values())), "off": []}
    shown = {cell.id: cell for cell in notebook.cells}
    assert shown["small-score"].outputs[0].data["text/plain"].startswith("0.9596667994")
    assert "0.2136449771" in printed(shown["coarse-scores"])
    assert "0.1871085307" in printed(shown["coarse-scores"])


@pytest.mark.slow
def test_recording_to_map_finds_which_areas_drive_which(tmp_path):
    _, (weakest, strongest_other, raw, clean, left) = run("recording_to_map", tmp_path, then=MAP)
    assert weakest > 3 * max(strongest_other, 0.01)
    assert clean > 0.7 > 0.3 > raw
    assert not left


@pytest.mark.slow
def test_map_tells_where_correlation_is_good_enough(tmp_path):
    _, (all_recorded, quarter, ends) = run("map", tmp_path, then=GOOD_ENOUGH)
    assert all_recorded[:2] == quarter[:2] == ["lagged_correlation"] * 2
    assert all(name.startswith("regression") for name in all_recorded[2:])
    assert quarter[2:] == ["none"] * 2
    correlation, _, regression = ends
    assert correlation < 0.6 < 0.9 < regression


@pytest.mark.slow
def test_larger_than_memory_adds_a_second_day(tmp_path):
    _, (best_day, merged, sizes, edges, left) = run("larger_than_memory", tmp_path, then=LARGE)
    assert merged > best_day > 0.5
    assert sizes["trial"] == 2
    assert edges > 0.9
    assert not left


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_committed_without_output(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert list(notebook.metadata) == ["kernelspec"]
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(not cell.metadata for cell in notebook.cells)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    text = (EXAMPLES / f"{name}.ipynb").read_text("utf-8")
    assert not re.findall(r"/(?:home|root|tmp|work|Users)/|[A-Z]:\\\\", text)


def test_there_are_four_notebooks():
    assert NOTEBOOKS == ["larger_than_memory", "map", "recording_to_map", "tutorial"]
