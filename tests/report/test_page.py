import base64
import gzip
import re
from html.parser import HTMLParser

import holoviews as hv
import numpy as np
import pytest

import netxr
from netxr.report.page import Figure, Table, write_report


class Page(HTMLParser):
    """What a browser would fetch, and the text that a reader sees."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.styles, self.seen, self.cells, self.inside = [], "", "", [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.inside.append(tag)
        if tag != "a":
            self.fetched += [attrs[name] for name in ("src", "href", "srcset", "data", "action") if name in attrs]
        self.styles += attrs.get("style") or ""
        if tag == "td":
            self.cells.append(attrs.get("class"))

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" in self.inside:
            self.styles += data
        elif "script" not in self.inside:
            self.seen += data


def fetches(text):
    """Addresses that a page asks for when it is opened."""
    page = Page(text)
    fetched = [address for address in page.fetched if not address.startswith("data:")]
    return fetched + re.findall(r"@import|url\((?!['\"]?data:)", page.styles)


@pytest.fixture(scope="module")
def parts():
    A = netxr.random_connectivity(6, seed=1)
    scores = [{"score": "pearson", "value": "0.960", "agreement": "ok"}]
    return [
        Table("Scores", "What to see.", scores),
        Figure("A pair", "A and R alike.", netxr.plot.compare(A, 0.1 * A, score=1.0)),
        Figure("A curve", "It falls.", hv.Curve([3, 2, 1])),
    ]


@pytest.fixture(scope="module")
def page(parts, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert write_report(path, title="A run", text="About it.", parts=parts) == path
    return path.read_text("utf-8")


def test_page_asks_nobody_for_anything(page):
    assert fetches(page) == []


@pytest.mark.parametrize(
    "outside",
    [
        '<script src="https://cdn.bokeh.org/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.org/a.css">',
        "<style>@import 'a.css';</style>",
        "<style>p { background: url(https://example.org/a.png) }</style>",
        '<img src="a.png">',
    ],
)
def test_the_check_for_requests_would_find_one(page, outside):
    assert fetches(page.replace("</body>", outside + "</body>"))


def test_page_says_what_it_was_given(page):
    text = Page(page).seen
    for said in ("A run", "About it.", "Scores", "What to see.", "pearson", "0.960", "A pair", "A and R alike."):
        assert said in text


def test_page_has_a_link_to_every_section(page):
    targets = re.findall(r'<a href="#([^"]+)">', page)
    assert len(targets) == 3
    assert all(f'id="{target}"' in page for target in targets)


def test_page_fits_a_narrow_window(page):
    assert 'name="viewport"' in page
    assert "overflow-x: auto" in page
    assert "flex-wrap: wrap" in page


def test_panels_of_a_pair_are_drawn_one_by_one_under_their_title(page):
    places = re.findall(r'<div class="figure">(.*?)</section>', page, flags=re.DOTALL)
    assert [place.count("data-root-id") for place in places] == [2, 1]
    assert "Correlation of A and R: 1.000" in Page(page).seen


def test_many_panels_stay_in_their_grid(tmp_path):
    A = {k: netxr.random_connectivity(6, seed=k) for k in range(3)}
    figure = netxr.plot.compare_over(A, A, over="seed")
    write_report(tmp_path / "r.html", title="Six", parts=[Figure("Six", "", figure)])
    assert (tmp_path / "r.html").read_text("utf-8").count("data-root-id") == 1


def test_numbers_of_a_figure_are_in_the_page(tmp_path):
    write_report(tmp_path / "r.html", title="t", parts=[Figure("f", "", hv.Curve([0.12345, 2.0, 3.0]))])
    page = (tmp_path / "r.html").read_text("utf-8")
    packed = [base64.b64decode(data) for data in re.findall(r'"data":"([A-Za-z0-9+/=]{8,})"', page)]
    unpacked = [gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data for data in packed]
    assert np.array([0.12345, 2.0, 3.0]).tobytes() in unpacked


def test_the_browser_is_told_to_ask_nobody(page):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert "*" not in policy


def test_text_is_never_taken_for_html(tmp_path):
    bad = "<script>alert(1)</script>"
    parts = [Table(bad, bad, [{bad: bad}]), Figure(bad, bad, hv.Curve([1, 2]))]
    write_report(tmp_path / "r.html", title=bad, text=bad, parts=parts)
    assert bad not in (tmp_path / "r.html").read_text("utf-8")


def test_numbers_stand_right_and_what_is_off_stands_out(tmp_path):
    row = {"a": "pearson", "b": "-0.5", "c": "2e-16", "d": "undefined", "e": "OFF", "f": 12}
    write_report(tmp_path / "r.html", title="t", parts=[Table("n", "", [row])])
    cells = Page((tmp_path / "r.html").read_text("utf-8")).cells
    assert cells == [None, "number", "number", "number", "off", "number"]


def test_rows_can_be_folded_away(tmp_path):
    rows = [{"a": k} for k in range(30)]
    write_report(tmp_path / "r.html", title="t", parts=[Table("n", "", rows, folded=True)])
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "<summary>Show 30 rows</summary>" in text


def test_a_page_without_figures_carries_no_scripts(tmp_path):
    write_report(tmp_path / "r.html", title="t", parts=[Table("n", "", [])])
    assert "<script" not in (tmp_path / "r.html").read_text("utf-8")


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "r.html").write_text("mine")
    with pytest.raises(netxr.OutputExists):
        write_report(tmp_path / "r.html", title="t", parts=[])
    assert (tmp_path / "r.html").read_text() == "mine"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(netxr.InvalidInput, match=r"path: got .*folder that exists"):
        write_report(tmp_path / "no" / "r.html", title="t", parts=[])
