import ast
import re
import subprocess
import sys
import time
from inspect import cleandoc
from pathlib import Path

import click
import pytest

import netxr
from netxr.cli import COMMANDS, GROUPS, main
from netxr.cli.output import listing, progress, table
from tests.cli.shell import output, run
from tests.runs import printed_by

CLI = Path(netxr.cli.__file__).parent


def test_help_lists_every_command_and_the_exit_codes():
    text = output("--help")
    assert all(f"  {name} " in text for name in COMMANDS)
    assert [line for line in text.splitlines() if line.rstrip(":") in GROUPS] == [f"{title}:" for title in GROUPS]
    assert "3    the output exists" in text
    assert "130" in text


def test_help_loads_only_click_and_the_standard_library():
    code = "import sys; from netxr.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    loaded = {name.partition(".")[0] for name in printed_by(code).splitlines()[-1].split()}
    assert not loaded & {"numpy", "xarray", "dask", "zarr", "scipy", "holoviews", "bokeh", "matplotlib"}


def test_help_is_quick():
    def seconds(*command):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, check=True)  # noqa: S603 - our own program
            times.append(time.perf_counter() - start)
        return min(times)

    assert seconds("-c", "from netxr.cli import main; main(['--help'])") < 3 * seconds("-c", "import numpy")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(name):
    text = output(name, "--help")
    assert COMMANDS[name].rstrip(".")[:20] in text
    assert "Example" in text
    assert f"netxr {name}" in text.split("Example")[1]


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_examples_of_the_help_stand_on_lines_of_their_own(name):
    text = output(*([] if name is None else [name]), "--help")
    command = main if name is None else main.get_command(click.Context(main), name)
    examples = [line.strip() for line in cleandoc(command.help).splitlines() if line.startswith("  netxr ")]
    assert examples
    assert set(examples) <= {line.strip() for line in text.splitlines()}
    assert "\\b" not in text
    assert "\b" not in text


def test_help_of_the_group_is_the_help_of_the_commands():
    for name, text in COMMANDS.items():
        command = main.get_command(click.Context(main), name)
        assert (command.help or "").startswith(text.rstrip("., ")), name


def test_every_option_of_every_command_is_explained():
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        bare = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
        assert not bare, (name, bare)


def test_no_module_of_the_command_line_is_longer_than_a_subject_takes():
    for path in CLI.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 250, path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and not node.decorator_list:
                assert node.end_lineno - node.lineno < 50, (path.name, node.name)


def test_version():
    assert output("--version").strip() == f"netxr, version {netxr.__version__}"


@pytest.mark.parametrize("arguments", [["nothing"], ["simulate"], ["simulate", "x.zarr", "--steps", "many"]])
def test_wrong_usage_exits_with_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (netxr.InvalidInput("lag", got="-1", expected="0 or above"), 2),
        (netxr.NonFiniteActivity("activity", got="NaN", expected="finite samples"), 2),
        (netxr.OutputExists("a.zarr"), 3),
        (netxr.UnreadableFile("a.zarr", "damaged\nin two lines"), 4),
        (netxr.NetxrError("something else"), 1),
        (OSError(28, "No space left on device"), 1),
        (MemoryError("Unable to allocate"), 1),
        (ModuleNotFoundError("No module named 'holoviews'", name="holoviews"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_are_one_line_and_an_exit_code(monkeypatch, tmp_path, error, code):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(netxr, "open", fail)
    result = run("info", tmp_path)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("netxr: error: ")
    assert result.stderr.count("\n") == 1


def test_an_interrupted_sweep_says_that_it_can_be_resumed(monkeypatch, tmp_path):
    def interrupt(**_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(netxr, "sweep", interrupt)
    result = run("sweep", tmp_path / "s.zarr")
    assert result.exit_code == 130
    assert result.stderr == "netxr: error: interrupted; the same command again computes what is missing\n"


def test_a_missing_extra_says_how_to_install_it(monkeypatch, tmp_path):
    def fail(*_args, **_kwargs):
        raise ModuleNotFoundError("No module named 'bokeh'", name="bokeh.embed")

    monkeypatch.setattr(netxr, "open", fail)
    assert 'pip install ".[plot]"' in run("info", tmp_path).stderr


def test_a_bug_is_not_hidden(monkeypatch, tmp_path):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(netxr, "open", fail)
    assert isinstance(run("info", tmp_path).exception, ZeroDivisionError)


def test_table_sets_text_to_the_left_and_numbers_to_the_right():
    assert table([{"name": "a", "n": 5, "x": 0.5}, {"name": "long", "n": 10, "x": float("nan")}]).splitlines() == [
        "name   n          x",
        "a      5      0.500",
        "long  10  undefined",
    ]


def test_listing_has_a_line_each():
    assert listing({"a": 1, "long": 2.0}) == "a     1\nlong  2.000"


def test_a_p_value_keeps_its_digits_however_small():
    rows = [{"pearson": 0.00012, "mantel_p": p} for p in (0.00012, float("nan"))]
    assert [line.split() for line in table(rows).splitlines()[1:]] == [["0.000", "0.00012"], ["0.000", "undefined"]]


def test_progress_is_for_terminals_only(monkeypatch, capsys):
    with progress("Working", quiet=False) as report:
        assert report is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress("Working", quiet=True) as report:
        assert report is None
    with progress("Working", quiet=False) as report:
        report(1, 4)
        report(4, 4)
        report(1, 2)  # another pass begins
        assert re.findall(r"(\d+)%", capsys.readouterr().err)[-2:] == ["100", "50"]
        report(2, 2)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("estimat", "estimate"),
        ("simualte", "simulate"),
        ("catalogue", "catalog"),
        ("ls", "catalog"),
        ("convert", "import"),
        ("Plot", "plot"),
    ],
)
def test_a_mistyped_command_gets_a_hint(typed, meant):
    result = run(typed, "a.zarr")
    assert result.exit_code == 2
    assert re.search(rf"There is no command {typed!r}\. Did you mean .*\b{meant}\b", result.stderr)


def test_a_word_that_is_like_no_command_gets_the_list():
    assert "netxr --help lists the commands" in run("xyzzy").stderr


def test_a_mistyped_option_gets_a_hint():
    assert "--neurons" in run("simulate", "a.zarr", "--neuron", "5").stderr


def test_a_shell_completes_commands_and_options(monkeypatch, capsys):
    def completed(words):
        asked = {"_NETXR_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        for name, value in asked.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit):
            main(prog_name="netxr")
        return {line.partition(",")[2] for line in capsys.readouterr().out.splitlines()}

    assert completed("netxr s") == {"simulate", "sweep"}
    assert "--neurons" in completed("netxr simulate --n")
