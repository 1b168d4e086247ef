import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def test_python_of_the_readme_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, str(README), "exec"), names)  # noqa: S102 - the README is ours
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"{name}.zarr" for name in ("R", "monday")),
        *("run.html", "run.png"),
        *(f"{name}.zarr" for name in ("run", "small", "sweep", "tuesday")),
    ]
    assert names["R5"].dims == ("trial", "target", "source")
    assert names["t"].pearson_mean.sizes == {"n_neurons": 4, "sparsity": 2}


def test_readme_sets_up_in_two_commands():
    commands = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(commands) == 2
    assert commands[0].endswith("netxr tutorial")
    assert commands[1].endswith("pytest -n auto --dist loadfile")


def test_readme_names_every_module_of_the_package():
    package = Path(__file__).parents[1] / "netxr"
    modules = {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    folders = {path.name + "/" for path in package.iterdir() if (path / "__init__.py").exists()}
    named = set(re.findall(r"`([a-z_]+/?)`", README.read_text("utf-8")))
    assert modules | folders <= named
