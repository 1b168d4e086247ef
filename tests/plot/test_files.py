import gc
import re
import weakref

import holoviews as hv
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from netxr.errors import InvalidInput, OutputExists
from netxr.plot import facets, matrix, save
from netxr.plot.files import at_position, on_screen, picture


@pytest.mark.parametrize(
    ("ending", "magic"),
    [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG"), ("html", b"<!DOCTYPE")],
)
def test_the_ending_is_the_format(tmp_path, one_edge, ending, magic):
    before = hv.Store.current_backend
    path = save(matrix(one_edge), tmp_path / f"figure.{ending}")
    assert path.read_bytes().startswith(magic)
    assert hv.Store.current_backend == before
    assert plt.get_fignums() == []


def test_a_page_holds_all_that_it_needs(tmp_path, one_edge):
    text = save(matrix(one_edge) + matrix(one_edge), tmp_path / "figure.html").read_text("utf-8")
    assert "default-src 'none'" in text
    assert "<title>figure</title>" in text
    assert not re.findall(r"<script[^>]*src=|<link[^>]*stylesheet", text)
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="([^"]*)"', outside) == ["data:,"]
    assert len(re.findall("data-root-id", outside)) == 1


@pytest.mark.slow
def test_pictures_do_not_stay_in_memory(one_edge, monkeypatch):
    drawn = []
    monkeypatch.setattr(plt.Figure, "__init__", noting(drawn, plt.Figure.__init__))
    picture(matrix(one_edge), "png")
    gc.collect()
    assert [figure() for figure in drawn] == [None]


def noting(drawn, init):
    def noted(figure, *args, **options):
        drawn.append(weakref.ref(figure))
        init(figure, *args, **options)

    return noted


def test_a_file_is_never_overwritten(tmp_path, one_edge):
    path = tmp_path / "figure.png"
    path.write_text("mine")
    with pytest.raises(OutputExists, match=r"figure.png exists"):
        save(matrix(one_edge), path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [("figure.gif", r"\.png, \.svg, \.pdf or \.html"), ("no/figure.png", "folder"), ("no/figure.html", "folder")],
)
def test_other_formats_and_missing_folders_are_refused(tmp_path, one_edge, name, message):
    with pytest.raises(InvalidInput, match=message):
        save(matrix(one_edge), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_figure_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="figure: got int; expected a figure"):
        save(5, tmp_path / "figure.png")


@pytest.fixture
def sliding():
    weights = np.random.default_rng(0).normal(size=(2, 3, 4, 4))
    return facets(xr.DataArray(weights, dims=("trial", "lag", "target", "source")))


def test_a_picture_of_a_figure_with_sliders_is_of_their_first_position_and_says_so(sliding):
    assert "Trial 0, Lag 0 (one of 6 positions)" in picture(sliding, "svg").decode()
    assert "positions" not in picture(sliding[0, 0], "svg").decode()
    first, same, other = (one.dimension_values(2) for one in (at_position(sliding, 0), sliding[0, 0], sliding[1, 2]))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


@pytest.mark.parametrize("col", [None, "lag"])
def test_a_page_has_all_positions_and_a_slider_through_them(sliding, col):
    weights = xr.DataArray(np.zeros((2, 3, 4, 4)), dims=("trial", "lag", "target", "source"))
    model = on_screen(sliding if col is None else facets(weights, col=col))
    slider, *drawn = model.children
    assert [one.visible for one in drawn] == [True] + [False] * slider.end
    assert len(drawn) == (6 if col is None else 2)
    (script,) = slider.js_property_callbacks["change:value"]
    assert script.args["texts"][-1] == ("Trial 1, Lag 2" if col is None else "Trial 1")


def test_a_page_holds_so_many_positions_and_no_more(tmp_path):
    many = facets(xr.DataArray(np.zeros((51, 3, 3)), dims=("block", "target", "source")))
    with pytest.raises(InvalidInput, match=r"figure: got 51 positions of its sliders; expected at most 50 on a page"):
        save(many, tmp_path / "a.html")
    assert not list(tmp_path.iterdir())
    save(many, tmp_path / "a.png")
