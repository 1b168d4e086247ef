import re
from pathlib import Path

import pytest

import netxr

ROOT = Path(__file__).parents[1]
README, GUIDE, HOUSE = ROOT / "README.md", ROOT / "examples/guide.md", ROOT / "examples/house.md"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def run(page: Path, folder: Path) -> dict[str, object]:
    """Run the Python of a page in order; what it names."""
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)  # noqa: S102 - the page is ours
    return names


def test_python_of_the_readme_runs_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = run(README, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edges.png", "run.zarr"]
    assert names["R"].dims == ("target", "source")
    assert set(names["found"].to_dataframe()) >= {"source", "target", "effect", "p_value", "q_value"}
    assert "effect" in capsys.readouterr().out


@pytest.mark.slow
def test_python_of_the_guide_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run(GUIDE, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"{name}.zarr" for name in ("R", "monday")),
        *("run.html", "run.png"),
        *(f"{name}.zarr" for name in ("run", "small", "sweep", "tuesday")),
    ]
    assert names["R5"].dims == ("trial", "target", "source")
    assert names["t"].pearson_mean.sizes == {"n_neurons": 4, "sparsity": 2}


def test_readme_sets_up_in_two_commands():
    commands = [line for block in blocks(README, "bash") for line in block.splitlines()]
    assert len(commands) == 2
    assert commands[0].endswith("netxr tutorial")
    assert commands[1].endswith("pytest -n auto --dist loadfile")


def test_readme_is_of_one_screen_before_its_tables():
    lines = README.read_text("utf-8").splitlines()
    assert lines.index("## Beside what people use now") <= 60
    assert len(lines) <= 100
    assert (ROOT / "examples/map.png").stat().st_size < 200_000


def test_files_that_pages_name_are_there():
    for page in (README, GUIDE, HOUSE):
        named = set(re.findall(r"(?:`|\()((?:examples|tests)/[\w./]+)", page.read_text("utf-8")))
        assert not [name for name in named if not (ROOT / name).exists()], page.name


def test_every_call_that_pages_name_is_there():
    for page in (README, GUIDE):
        named = set(re.findall(r"\bnetxr\.([a-z_]+)\(", page.read_text("utf-8")))
        assert named <= set(netxr.__all__), page.name


def test_the_house_names_every_module_of_the_package():
    package = ROOT / "netxr"
    modules = {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    folders = {path.name + "/" for path in package.iterdir() if (path / "__init__.py").exists()}
    named = set(re.findall(r"`([a-z_]+/?)`", HOUSE.read_text("utf-8")))
    assert modules | folders <= named
