import json
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import netxr
import netxr.cli.commands.tutorial as command
from netxr.cli import main
from netxr.plot.panels.tutorial import tutorial_figures
from netxr.simulation.other_tutorials import other_sections
from netxr.simulation.tutorial import Check

SAVE = command._save


class Run(NamedTuple):
    out: Path
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The whole command, once, as a newcomer runs it."""
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "out").mkdir()
    program = [sys.executable, "-c", "from netxr.cli import main; main()", "tutorial", "--out", "out"]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return Run(folder / "out", done.stdout, done.stderr)


@pytest.fixture(scope="module")
def sections():
    return netxr.tutorial.run_tutorial()


@pytest.fixture(scope="module")
def all_sections(sections):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Instruments are weak")  # how the weakest fail is what is shown
        return sections | {name: compute() for name, compute in other_sections().items()}


@pytest.mark.slow
def test_the_command_holds_to_what_the_library_computes(run, sections):
    assert run.stderr == "", "no progress where there is no terminal"
    assert "numbers agree." in run.stdout
    assert sections.keys() == {path.parent.name for path in (run.out / "tutorial.zarr").glob("*/zarr.json")}
    for name, section in sections.items():
        saved = netxr.open(run.out / "tutorial.zarr" / name).compute()
        in_order = {each: section[each].transpose(*one.dims) for each, one in saved.data_vars.items()}
        xr.testing.assert_allclose(saved, section.assign(in_order), rtol=1e-10)


@pytest.mark.slow
def test_folder_holds_the_three_parts_and_nothing_else(run):
    assert sorted(path.name for path in run.out.iterdir()) == ["figures", "report.html", "tutorial.zarr"]
    assert [path.name for path in run.out.parent.iterdir()] == ["out"]


@pytest.mark.slow
def test_figures_are_pictures(run, sections):
    pictures = {path.stem: path for path in (run.out / "figures").iterdir()}
    assert set(pictures) == set(tutorial_figures(sections))
    assert {name[0] for name in pictures} >= set("12345678")
    for path in pictures.values():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 10_000


@pytest.mark.slow
def test_store_reads_with_plain_xarray(run):
    plain = xr.open_zarr(run.out / "tutorial.zarr" / "small", consolidated=False)
    assert plain.activity.sizes == {"neuron": 6, "time": 5000, "trial": 1}
    assert float(plain.pearson.squeeze()) == pytest.approx(0.9596667994, abs=1e-10)


def test_store_holds_what_the_scores_were_computed_from(sections):
    for name in ("small", "large", "coarse"):
        A, R = sections[name].connectivity.values, sections[name].lagged_correlation.squeeze().values
        assert sections[name].pearson.item() == pytest.approx(np.corrcoef(A.ravel(), R.ravel())[0, 1], abs=1e-12)


@pytest.mark.slow
def test_info_lists_the_sections(run, sections):
    result = CliRunner().invoke(main, ["info", str(run.out / "tutorial.zarr"), "--json"])
    groups = json.loads(result.stdout)["groups"]
    assert {group["group"] for group in groups} == set(sections)


@pytest.mark.slow
def test_plot_draws_a_section(run, tmp_path):
    store, figure = run.out / "tutorial.zarr" / "small", tmp_path / "small.png"
    result = CliRunner().invoke(main, ["plot", str(store), str(figure), "--kind", "overview"])
    assert result.exit_code == 0, result.output
    assert figure.stat().st_size > 10_000


@pytest.mark.slow
def test_report_is_whole_and_asks_nobody(run, sections):
    text = (run.out / "report.html").read_text("utf-8")
    markup = re.sub("(<script[^>]*>).*?</script>", r"\1", text, flags=re.DOTALL)
    assert not re.findall(r"<(?!a )[^>]*(?:src|href)=[\"'](?!data:)", markup)
    assert "default-src 'none'" in text
    assert text.count("<section") == len(tutorial_figures(sections)) + 3
    for said in ("0.9596667994", "undefined", "A transposed", "legacy", netxr.__version__):
        assert said in text


def test_every_figure_of_the_report_has_a_caption(sections, all_sections):
    from netxr.report.tutorial import CAPTIONS

    assert set(tutorial_figures(sections)) < set(tutorial_figures(all_sections)) == set(CAPTIONS)
    assert all(len(text) > 40 for _, text in CAPTIONS.values())


# --- without drawing, in this process -------------------------------------------


@pytest.fixture
def instead(monkeypatch, sections, all_sections):
    """Let the command take the sections that are computed already, and neither draw nor save."""
    monkeypatch.setattr(netxr.tutorial, "run_tutorial", lambda _, others: all_sections if others else sections)
    monkeypatch.setattr(netxr.plot, "tutorial_figures", lambda _: {})
    monkeypatch.setattr(command, "_save", lambda *_: None)
    monkeypatch.setattr(command, "_drawing_process", lambda: ThreadPoolExecutor(1))
    return monkeypatch


def invoke(*arguments):
    return CliRunner().invoke(main, ["tutorial", *map(str, arguments)])


def test_every_number_of_the_reference_is_printed_and_agrees(instead, golden, tmp_path):
    printed = invoke("--out", tmp_path / "out").stdout
    lines = [line.split() for line in printed.splitlines()]
    marks = [line[-1] for line in lines if line and line[-1] in ("ok", "OFF")]
    assert set(marks) == {"ok"}
    assert f"All {len(marks)} numbers agree." in printed
    assert len(marks) >= 150
    for name in ("small", "large", "coarse16"):
        assert f"{golden[name]['pearson']:.10f}" in printed
    row = next(line for line in printed.splitlines() if "n_neurons 5, trial 2" in line)
    assert row.split().count("undefined") == 2
    table = printed.partition("n_neurons  defined  trials")[2].splitlines()
    assert table[1].split() == ["5", "3", "5"]
    assert table[2].split() == ["10", "5", "5"]


def test_all_prints_the_other_tutorials_of_the_day_too(instead, tmp_path):
    own, whole = (invoke("--out", tmp_path / out, *flag).stdout for out, flag in (("own", []), ("whole", ["--all"])))
    own, whole = (printed.partition("Trials in which") for printed in (own, whole))
    assert whole[0].startswith(own[0])
    assert whole[2].splitlines()[:-1] == own[2].splitlines()[:-1]
    others = whole[0].removeprefix(own[0])
    lines = [line.split() for line in others.splitlines() if line.endswith((" ok", " OFF"))]
    assert {line[-1] for line in lines} == {"ok"}
    values = {f"{float(word):.3f}" for line in lines for word in line if re.fullmatch(r"-?\d+\.\d{10}", word)}
    assert values >= {"0.995", "0.988", "0.868", "0.864", "0.149", "1.000", "0.019", "0.916", "0.722", "0.646"}


def test_the_folder_holds_report_figures_and_store(instead, sections, tmp_path):
    few = ("small", "size_sweep")
    figure = tutorial_figures(sections)["5_size_sweep"]
    instead.setattr(netxr.plot, "tutorial_figures", lambda _: {"5_size_sweep": figure})
    instead.setattr(command, "_save", lambda sections, store: SAVE({name: sections[name] for name in few}, store))
    assert invoke("--out", tmp_path / "out", "--quiet").exit_code == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == ["figures", "report.html", "tutorial.zarr"]
    assert (out / "figures" / "5_size_sweep.png").read_bytes().startswith(b"\x89PNG")
    assert "default-src 'none'" in (out / "report.html").read_text("utf-8")
    for name in few:
        np.testing.assert_array_equal(netxr.open(out / "tutorial.zarr" / name).pearson, sections[name].pearson)


def test_quiet_prints_one_line(instead, tmp_path):
    result = invoke("--out", tmp_path / "out", "--quiet")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""


def test_json_holds_every_number(instead, tmp_path):
    result = invoke("--out", tmp_path / "out", "--json")
    got = json.loads(result.stdout)
    assert got["agrees"] is True
    assert all(check["agrees"] for check in got["checks"])
    assert {"section", "quantity", "value", "reference", "difference"} <= set(got["checks"][0])
    assert got["trials_defined"][0] == {"n_neurons": 5, "defined": 3, "trials": 5}
    assert any(check["value"] is None and check["reference"] is None for check in got["checks"])


@pytest.mark.parametrize("flag", [[], ["--quiet"], ["--json"]])
def test_a_number_that_is_off_is_the_exit_code(instead, tmp_path, flag):
    off = [Check("small", "score", 0.5, 0.6, 0.1), Check("small", "other", 0.5, np.nan, np.inf)]
    instead.setattr(netxr.tutorial, "check_tutorial", lambda _: [Check("small", "R", 1.0, 1.0, 0.0), *off])
    result = invoke("--out", tmp_path / "out", *flag)
    assert result.exit_code == 1
    if flag == ["--json"]:
        assert [check["agrees"] for check in json.loads(result.stdout)["checks"]] == [True, False, False]
    else:
        assert "2 of 3 numbers are OFF." in result.stdout
        assert result.stdout.count("  OFF") == 2
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert report.count('<td class="off">OFF</td>') == 2
    assert "<details>" not in report


def test_a_full_folder_is_left_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr(netxr.tutorial, "run_tutorial", lambda _, others: pytest.fail("computed"))
    (tmp_path / "mine.txt").write_text("mine")
    result = invoke("--out", tmp_path)
    assert result.exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_way_is_left(monkeypatch, tmp_path):
    monkeypatch.setattr(netxr.tutorial, "run_tutorial", lambda _, others: pytest.fail("computed"))
    (tmp_path / "out").write_text("mine")
    assert invoke("--out", tmp_path / "out").exit_code == 3
    assert (tmp_path / "out").read_text() == "mine"


def test_a_missing_folder_is_bad_input(monkeypatch, tmp_path):
    monkeypatch.setattr(netxr.tutorial, "run_tutorial", lambda _, others: pytest.fail("computed"))
    assert invoke("--out", tmp_path / "no" / "out").exit_code == 2


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (OSError(28, "No space left"), 1)])
def test_nothing_is_left_of_a_run_that_ends_early(instead, tmp_path, error, code):
    def fail(*_):
        raise error

    instead.setattr(command, "write_tutorial_report", fail)
    assert invoke("--out", tmp_path / "out").exit_code == code
    assert list(tmp_path.iterdir()) == []
