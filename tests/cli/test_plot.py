import holoviews as hv
import numpy as np
import pytest

import netxr
from tests.cli.shell import output, run
from tests.plot.drawn import title_of
from tests.runs import names


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        (None, "compare"),
        ("compare", "compare"),
        ("overview", "overview"),
        ("matrix", "matrix"),
        ("network", "network"),
    ],
)
def test_plot_draws_each_kind(monkeypatch, estimate, tmp_path, kind, function):
    calls = drawn_as_a_line(monkeypatch, function) if kind else drawn(monkeypatch, function)
    flags = [] if kind is None else ["--kind", kind]
    text = output("plot", estimate, tmp_path / "figure.png", "--at", "lag=1", "--at", "trial=1", *flags)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert f"Drew {kind or 'compare'}" in text
    ((matrices, passed),) = calls
    saved = netxr.open(estimate).sel(lag=1, trial=1).compute()
    if len(matrices) == 2:
        np.testing.assert_array_equal(matrices[1], saved.lagged_correlation)
        assert passed["score"] == saved.pearson
    else:
        np.testing.assert_array_equal(matrices[0], saved.connectivity)


def drawn(monkeypatch, function, *, returned=lambda figure: figure):
    """Return the list of what a function of netxr.plot will be called with."""
    calls = []
    real = getattr(netxr.plot, function)
    monkeypatch.setattr(netxr.plot, function, lambda *a, **k: calls.append((a, k)) or returned(real(*a, **k)))
    return calls


def drawn_as_a_line(monkeypatch, function):
    """The same where its figure has been on paper in the tests of figures, and takes long: a line stands for it."""
    return drawn(monkeypatch, function, returned=lambda _: hv.Curve([1, 2]))


def test_plot_draws_the_variable_that_is_named(monkeypatch, estimate, tmp_path):
    calls = drawn(monkeypatch, "matrix")
    output("plot", estimate, tmp_path / "R.svg", "--kind", "matrix", "--variable", "lagged_correlation", "-q")
    np.testing.assert_array_equal(calls[0][0][0], netxr.open(estimate).lagged_correlation[0, 0])


def test_plot_draws_activity_and_curves(monkeypatch, store, tmp_path):
    calls = drawn(monkeypatch, "traces")
    output("plot", store, tmp_path / "traces.pdf", "--kind", "traces", "--steps", 50)
    ((activity,), passed) = calls[0]
    assert set(activity.dims) == {"neuron", "time"}
    assert passed == {"n_steps": 50}
    output("sweep", tmp_path / "s.zarr", "--neurons", "4,6", "--steps", "30,40", "--trials", 2, "-q")
    output("plot", tmp_path / "s.zarr", tmp_path / "two.png", "--x", "n_steps")  # a curve for each size
    output("plot", tmp_path / "s.zarr", tmp_path / "c.png", "--at", "n_steps=40", "--score", "spearman")
    output("plot", tmp_path / "s.zarr", tmp_path / "d.png", "--at", "n_neurons=4", "--x", "n_steps")
    output("plot", tmp_path / "s.zarr", tmp_path / "m.png", "--kind", "map", "--x", "n_steps", "--y", "n_neurons")
    assert {"two.png", "c.png", "d.png", "m.png", "traces.pdf"} <= set(names(tmp_path))
    one_parameter = run("plot", tmp_path / "s.zarr", tmp_path / "n.png", "--kind", "map", "--at", "n_steps=40")
    assert "expected two parameters that vary" in one_parameter.stderr


@pytest.mark.parametrize(
    ("kind", "flags"),
    [("agreement", ["--no-diagonal"]), ("lags", []), ("dashboard", [])],
)
def test_plot_draws_all_of_an_estimate(monkeypatch, estimate, tmp_path, kind, flags):
    calls = drawn_as_a_line(monkeypatch, kind)
    output("plot", estimate, tmp_path / "figure.png", "--kind", kind, *flags)
    ((given, passed),) = calls
    saved = netxr.open(estimate)
    if kind == "agreement":
        assert passed == {"diagonal": False}
        np.testing.assert_array_equal(given[1], saved.lagged_correlation[0, 0])
    elif kind == "lags":
        np.testing.assert_array_equal(given[0], saved.lagged_correlation.isel(trial=0))
    else:
        assert given[0].identical(saved)


def test_plot_draws_a_raster(store, tmp_path):
    output("plot", store, tmp_path / "raster.png", "--kind", "raster")
    assert (tmp_path / "raster.png").stat().st_size > 0


def test_plot_says_that_a_sweep_is_unfinished(tmp_path):
    def stop_after_two(done, _):
        if done == 2:
            raise KeyboardInterrupt

    grid = {"n_neurons": [4, 5, 6], "n_steps": 30, "trials": 2, "store": tmp_path / "s.zarr"}
    with pytest.raises(KeyboardInterrupt):
        netxr.sweep(**grid, progress=stop_after_two)
    for flags in ([], ["--at", "n_neurons=4", "--x", "n_neurons"]):
        result = run("plot", tmp_path / "s.zarr", tmp_path / "c.png", *flags)
        assert result.exit_code == 2
        assert "an unfinished sweep, 2 of 3 cells" in result.stderr
        assert "it computes what is missing" in result.stderr
    netxr.sweep(**grid)
    output("plot", tmp_path / "s.zarr", tmp_path / "c.png")


def test_a_hint_is_on_what_went_wrong(monkeypatch, tmp_path):
    def fail(*_args, **_kwargs):
        raise netxr.InvalidInput("activity", got="no samples", expected="some")

    monkeypatch.setattr(netxr, "open", fail)
    assert "--missing" not in run("plot", tmp_path, tmp_path / "a.png").stderr


def test_plot_makes_a_page(estimate, tmp_path):
    output("plot", estimate, tmp_path / "figure.html")
    assert "<html" in (tmp_path / "figure.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("figure", "flags", "code", "says"),
    [
        ("figure.gif", [], 2, ".png, .svg, .pdf, .html"),
        ("taken.png", [], 3, "exists"),
        ("a.png", ["--at", "lag=7"], 2, "0, 1"),
        ("a.png", ["--at", "hour=7"], 2, "lag"),
        ("a.png", ["--kind", "traces"], 2, "activity"),
        ("a.png", ["--kind", "curve"], 2, "pearson_mean"),
        ("a.png", ["--kind", "pie"], 2, "compare"),
        ("a.png", ["--score", "foo"], 2, "one with foo"),
        ("a.png", ["--kind", "overview", "--score", "foo"], 2, "one with foo"),
        ("a.png", ["--kind", "traces", "--steps", 0], 2, "x>=1"),
        ("a.png", ["--kind", "agreement"], 2, "--diagonal or --no-diagonal"),
    ],
)
def test_plot_refuses(estimate, tmp_path, figure, flags, code, says):
    (tmp_path / "taken.png").write_text("mine")
    result = run("plot", estimate, tmp_path / figure, *flags)
    assert result.exit_code == code
    assert says in result.stderr
    assert names(tmp_path) == ["taken.png"]
    assert (tmp_path / "taken.png").read_text() == "mine"


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    path = tmp_path_factory.mktemp("swept") / "s.zarr"
    netxr.sweep(n_neurons=[4, 6], n_steps=[30, 40], lag=[0, 1], trials=1, diagonal=False, store=path)
    return path


def test_an_entry_of_a_sweep_is_said_in_the_title(monkeypatch, swept, tmp_path):
    titles = []
    monkeypatch.setattr(netxr.plot, "save", lambda figure, _path: titles.append(title_of(figure)))
    output("plot", swept, tmp_path / "a.png", "--at", "n_steps=40", "--at", "lag=1")
    assert titles == ["lag = 1, 40 samples (without the diagonal)"]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (
            [],
            "got scores over n_neurons, n_steps, lag; expected one or two parameters that vary. Take one entry of",
        ),
        ([], "e.g. --at lag=0, or draw a map of two."),
        (["--kind", "map", "--x", "lag", "--y", "n_steps"], "e.g. --at n_neurons=4, or draw curves over one."),
        (["--kind", "map", "--at", "n_steps=30", "--at", "lag=1"], "got scores over n_neurons; expected two"),
        (["--kind", "curve", "--x", "steps"], "--x: got 'steps'; expected one of n_neurons, sparsity, n_steps, "),
        (["--kind", "map", "--y", "size"], "--y: got 'size'; expected one of n_neurons, sparsity, n_steps, "),
    ],
)
def test_a_sweep_of_which_a_part_is_drawn_is_spoken_of_by_its_dims(swept, tmp_path, flags, says):
    result = run("plot", swept, tmp_path / "a.png", *flags)
    assert result.exit_code == 2
    assert says in result.stderr


def test_an_estimate_that_is_a_variable_is_named_as_one(estimate, tmp_path):
    for name in ("lagged_correlation", "granger"):
        told = run("plot", estimate, tmp_path / "a.png", "--at", f"estimator={name}")
        assert told.exit_code == 2
        assert "Estimates are variables here: --variable lagged_correlation." in told.stderr
