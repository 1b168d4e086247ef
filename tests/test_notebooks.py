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

PERTURBATION = """
import json

print(json.dumps([looked_at, effect, list(rows[64_000].values())]))
"""

LASSO = """
import json

print(json.dumps([score(A, lasso), means.loc["lasso"].tolist()]))
"""

INSTRUMENTS = """
import json

found = [[row.mean_without_edge for (_, one), row in rows.items() if one == name] for name in fits]
print(json.dumps(found))
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


@pytest.mark.slow
def test_a_perturbation_finds_what_a_correlation_cannot(tmp_path):
    _, (looked_at, effect, scores) = run("tutorial_1_perturbation", tmp_path, then=PERTURBATION)
    assert looked_at > 0.15 > 0.02 > abs(effect)
    correlation, _, set_ = scores
    assert correlation < 0.7 < 0.95 < set_


@pytest.mark.slow
def test_a_lasso_has_the_published_scores(tmp_path):
    _, (lasso, shares) = run("tutorial_3_regression", tmp_path, then=LASSO)
    assert lasso == pytest.approx(0.868, abs=0.001)
    assert shares == pytest.approx([0.710, 0.692, 0.672, 0.561, 0.436], abs=0.001)


@pytest.mark.slow
def test_instruments_have_no_bias_where_a_regression_has(tmp_path):
    _, (regression, instruments) = run("tutorial_4_instruments", tmp_path, then=INSTRUMENTS)
    assert min(regression) > 0.2
    assert max(map(abs, instruments)) < 0.05


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_stored_with_what_they_show(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert list(notebook.metadata) == ["kernelspec"]
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(not cell.metadata for cell in notebook.cells)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "display_data", "execute_result"}
    shown = [output.data for output in outputs if output.output_type != "stream"]
    pictures = [data["image/png"] for data in shown if "image/png" in data]
    assert pictures
    assert max(map(len, pictures)) < 1e6
    assert all(output.name == "stdout" for output in outputs if output.output_type == "stream")
    text = (EXAMPLES / f"{name}.ipynb").read_text("utf-8")
    assert len(text) < 5e6
    text = re.sub(r'"image/png": "[^"]*"', "", text)
    assert "<script" not in text
    assert not re.findall(r"/(?:home|root|tmp|work|Users)/|[A-Z]:\\\\", text)


def test_there_are_seven_notebooks():
    others = ["tutorial_1_perturbation", "tutorial_3_regression", "tutorial_4_instruments"]
    assert ["larger_than_memory", "map", "recording_to_map", "tutorial", *others] == NOTEBOOKS
