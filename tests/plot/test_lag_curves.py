import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from bokeh.models import GlyphRenderer, HoverTool, LinearAxis, Scatter

import netxr
from netxr.errors import InvalidInput
from netxr.plot import lags, save
from tests.plot.drawn import draw, on_paper, on_screen, title_of

BACKENDS = pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])


def estimate(values, steps, **attrs):
    labels = list("abcd")[: values.shape[1]]
    return xr.DataArray(
        values,
        dims=("lag", "target", "source"),
        coords={"lag": steps, "target": labels, "source": labels},
        name="lagged_correlation",
        attrs=attrs,
    )


@pytest.fixture(name="R")
def estimated():
    values = np.random.default_rng(1).uniform(-0.3, 0.3, size=(4, 4, 4))
    values[2, 2, 0] = -0.9  # from a to c, strongest at lag 2
    values[:, range(4), range(4)] = 1.0
    return estimate(values, [0, 1, 2, 3], sampling_interval=0.02, sampling_interval_units="s")


def curves(figure):
    return {curve.label: curve for curve in figure if isinstance(curve, hv.Curve)}


def test_the_strongest_pairs_of_different_neurons_are_drawn(R):
    drawn = curves(lags(R.transpose("source", "lag", "target")[:, ::-1]))
    pairs = [(to, from_) for to in "abcd" for from_ in "abcd" if to != from_]
    pairs.sort(key=lambda pair: -np.abs(R.sel(target=pair[0], source=pair[1])).max().item())
    assert list(drawn) == [f"{from_} → {to}" for to, from_ in pairs[:6]]
    assert next(iter(drawn)) == "a → c"
    for (to, from_), curve in zip(pairs, drawn.values(), strict=False):
        np.testing.assert_array_equal(curve["lag"], [0, 1, 2, 3])
        np.testing.assert_array_equal(curve["value"], R.sel(target=to, source=from_))


def test_chosen_pairs_are_target_and_source(R):
    figure = lags(R, pairs=[("c", "a"), ["b", "b"]])
    assert list(curves(figure)) == ["a → c", "b → b"]
    np.testing.assert_array_equal(curves(figure)["b → b"]["value"], 1)
    assert next(type(element) for element in figure) is hv.HLine


@BACKENDS
def test_axes_are_in_samples_and_in_time(R, backend):
    plot = draw(lags(R, title="Run {1}"), backend)
    if backend == "bokeh":
        assert plot.title.text == "Run {1}\nstrongest 6 of 12 pairs"
        assert [axis.axis_label for axis in plot.xaxis] == ["Lag (s)", "Lag (samples)"]
        assert plot.select_one({"type": LinearAxis, "axis_label": "Lag (s)"}).formatter.args == {"interval": 0.02}
        return
    (axis,) = plot.axes
    plot.draw_without_rendering()
    (above,) = axis.child_axes
    assert (axis.get_title(), axis.get_xlabel(), above.get_xlabel()) == (
        "Run {1}\nstrongest 6 of 12 pairs",
        "Lag (samples)",
        "Lag (s)",
    )
    assert axis.get_ylabel() == "Lagged correlation"
    assert [text.get_text() for text in above.get_xticklabels()][1:-1] == ["0.00", "0.02", "0.04", "0.06"]
    assert axis.get_xticks().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("attrs", [{}, {"sampling_interval": 1.0, "sampling_interval_units": "step"}])
def test_without_a_sampling_interval_there_are_samples_alone(R, attrs):
    plot = on_screen(lags(R.drop_attrs().assign_attrs(attrs)))
    assert [axis.axis_label for axis in plot.xaxis] == ["Lag (samples)"]


def test_times_keep_clear_of_each_other():
    R = estimate(np.zeros((11, 2, 2)), range(11)).assign_attrs(sampling_interval=1 / 30, sampling_interval_units="s")
    plot = on_paper(lags(R, pairs=[("a", "b")]))
    plot.draw_without_rendering()
    boxes = [text.get_window_extent() for text in plot.axes[0].child_axes[0].get_xticklabels() if text.get_text()]
    assert 3 <= len(boxes) <= 7
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[k + 1 :])


def test_ticks_keep_clear_of_each_other():
    uneven = estimate(np.zeros((6, 2, 2)), [0, 1, 2, 5, 10, 20])
    assert on_paper(lags(uneven, pairs=[("a", "b")])).axes[0].get_xticks().tolist() == [0, 2, 5, 10, 20]


def test_curves_differ_in_colour_dashes_and_marks(R):
    plot = on_screen(lags(R))
    (legend,) = plot.legend
    looks = []
    for item in legend.items:
        glyphs = {type(renderer.glyph).__name__: renderer.glyph for renderer in item.renderers}
        looks.append((glyphs["Line"].line_color, tuple(glyphs["Line"].line_dash), glyphs["Scatter"].marker))
    assert len(looks) == 6
    assert len({colour for colour, _, _ in looks}) == 6
    assert len({(dash, mark) for _, dash, mark in looks}) == 6
    assert all(item.renderers[-1].data_source.data["pair"][0] == item.label.value for item in legend.items)
    tips = {tuple(map(tuple, tool.tooltips)) for tool in plot.select({"type": HoverTool})}
    assert tips == {(("pair", "@{pair}"), ("lag", "@lag"), ("value", "@value{0.000}"))}
    (axis,) = on_paper(lags(R)).axes
    lines = axis.get_legend().get_lines()
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == 6


@BACKENDS
def test_gaps_stay_open_and_lonely_values_are_marked(backend):
    values = np.full((100, 2, 2), 0.1)
    values[40:60] = np.nan
    values[50, 0, 1] = 0.3
    figure = lags(estimate(values, np.arange(100)))
    assert np.isnan(curves(figure)["b → a"]["value"]).sum() == 19
    marks = {element.label: element["lag"].tolist() for element in figure if isinstance(element, hv.Scatter)}
    assert marks == {"b → a": [50], "a → b": []}
    draw(figure, backend)


@BACKENDS
def test_a_single_lag_is_marks(R, backend, tmp_path):
    figure = lags(R.isel(lag=2), pairs=[("c", "a")])  # a scalar lag
    if backend == "matplotlib":
        assert save(figure, tmp_path / "one.png").stat().st_size > 5_000
        return
    renderers = draw(figure, backend).select({"type": GlyphRenderer})
    (marks,) = (renderer for renderer in renderers if isinstance(renderer.glyph, Scatter))
    assert (marks.data_source.data["lag"].tolist(), marks.data_source.data["value"].tolist()) == ([2], [-0.9])


@BACKENDS
@pytest.mark.parametrize("n_neurons", [1, 3])
def test_where_nothing_is_defined_the_title_says_so(R, backend, n_neurons):
    nothing = R[:, :n_neurons, :n_neurons] * (np.nan if n_neurons > 1 else 1.0)
    figure = lags(nothing, title="R")
    assert not curves(figure)
    assert hv.Store.lookup_options("bokeh", figure, "plot").kwargs["title"] == (
        "R\nno correlation of two neurons is defined at any lag"
    )
    draw(figure, backend)


def test_long_labels_are_shortened_unless_two_become_the_same(R):
    labels = ["a", "b", "a neuron with a long name", "a neuron of the same name"]
    named = R.assign_coords(target=labels, source=labels)
    assert list(curves(lags(named, pairs=[("a", labels[2])]))) == ["a neu…g name → a"]
    assert list(curves(lags(named, pairs=[("a", labels[2]), ("a", labels[3])]))) == [
        "a neu…g name → a",
        "a neu…e name → a",
    ]


def test_what_cannot_be_drawn_is_refused(R):
    with pytest.raises(InvalidInput, match=r"pairs: got source 'z'.*labels such as 'a', 'b', 'c'"):
        lags(R, pairs=[("a", "z")])
    with pytest.raises(InvalidInput, match=r"pairs: got source \['b'\]"):
        lags(R, pairs=[("a", ["b"])])
    for wrong, came in (
        ([], "0 entries"),
        ([("a",)], r"\('a',\)"),
        ([("a", "b")] * 29, "29 entries"),
        (["ab"], "'ab'"),
        (5, "5"),
    ):
        with pytest.raises(InvalidInput, match=f"pairs: got {came}; expected 1 to 28 pairs"):
            lags(R, pairs=wrong)
    with pytest.raises(InvalidInput, match=r"R: got dims \('target', 'source'\).*lags=range"):
        lags(R.isel(lag=0, drop=True))
    with pytest.raises(InvalidInput, match=r"R: got dims.*trial.*isel"):
        lags(xr.concat([R, R], "trial"))
    with pytest.raises(InvalidInput, match="R: got list"):
        lags([1])


@pytest.mark.parametrize(
    ("long_name", "label"),
    [("Granger causality",) * 2, ("t of a regression",) * 2, ("partial correlation", "Partial correlation")],
)
def test_the_axis_has_the_name_of_the_estimate(R, long_name, label):
    assert on_screen(lags(R.assign_attrs(long_name=long_name))).yaxis[0].axis_label == label


def test_of_lags_of_both_signs_each_pair_is_drawn_one_way():
    run = netxr.sample("rate_network").isel(time=slice(1000))
    R = netxr.lagged_correlation(run.activity, lags=range(-3, 4))
    R = R.isel(target=slice(4), source=slice(4))
    figure = lags(R)
    after, before = R.sel(lag=slice(1, None)), R.sel(lag=slice(None, -1))
    expected = {
        f"{i} → {j}"
        for i in range(4)
        for j in range(4)
        if i != j and abs(after.values[:, j, i]).max() > abs(before.values[:, j, i]).max()
    }
    assert set(curves(figure)) == expected
    assert len(expected) == 6
    assert title_of(lags(R.isel(lag=slice(3, None)))) == "strongest 6 of 12 pairs"
    wider = netxr.lagged_correlation(run.activity, lags=[-1, 1])
    assert title_of(lags(wider)) == "strongest 6 of 300 pairs"
    other = R.copy()
    other[0, 0, 1] += 0.1
    assert title_of(lags(other)) == "strongest 6 of 12 pairs"
    assert list(curves(lags(R, pairs=[(1, 0), (0, 1)]))) == ["0 → 1", "1 → 0"]


def test_many_lags_have_ticks_at_whole_samples_on_paper():
    values = np.random.default_rng(0).normal(size=(21, 2, 2))
    axes = on_paper(lags(estimate(values, np.arange(-10, 11)))).axes[0]
    ticks = axes.get_xticks()
    assert len(ticks) > 3
    np.testing.assert_array_equal(ticks, np.rint(ticks))
