"""The tabs over a folder in a real browser: what is computed, cancelled, marked and shared."""

import re
import shutil
import time

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.app.conftest import QUIET
from tests.app.test_browser import CHROMIUM, focus, settled, still, sync_api

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")]


def drawn(page, least=1):
    """Wait until as many figures are painted."""
    sync_api.expect(page.locator("canvas").nth(2 * least - 1)).to_be_attached()
    settled(page)


MARKS = """() => {
  const counts = [];
  for (const model of Bokeh.documents[0]._all_models.values())
    if (model.type === "GlyphRenderer") {
      const colour = (model.glyph.line_color || {}).value || "";
      const filled = (model.glyph.fill_color || {}).value || "";
      if (colour === "#0b6b63" || filled === "#0b6b63")
        counts.push(model.data_source.get_length());
    }
  return counts;
}"""


TOLD = """() => {
  window.told = [];
  Bokeh.documents[0].on_change((event) => {
    if (event.attr === "value" && event.model.type.endsWith("Progress")) window.told.push(event.value);
  });
}"""
"""Take down all values of bars: they may follow each other too fast to be seen by asking for them."""

VIEWS = {
    "activity": "recording&recording=grouped.zarr",
    "clean": "recording&recording=grouped.zarr&view=clean&high_pass=0.1",
    "estimate": "recording&recording=grouped.zarr&view=estimate&lags=0-8",
    "linked": "recording&recording=estimated.zarr&view=beside",
    "agreement": "recording&recording=estimated.zarr&view=agreement",
    "lags": "recording&recording=grouped.zarr&view=lags&lags=0-8",
    "sure": "recording&recording=grouped.zarr&view=sure",
    "windows": "recording&recording=grouped.zarr&view=windows&windows=5",
    "curves": "map&sweep=sweep.zarr&view=curves&facet=sparsity",
    "facets": "map&sweep=sweep.zarr&facet=sparsity",
    "map": "map&sweep=cut.zarr",
    "tutorial": "tutorial",
    "compare": "compare&first=estimated.zarr&first_matrix=connectivity&second=estimated.zarr",
}


FITS = set(VIEWS) - {"windows", "curves"}
"""Views that a screen of 1440 x 900 shows without scrolling."""


@pytest.mark.parametrize("name", VIEWS)
def test_each_view_opens_at_five_widths(open_page, folder, name):
    page = open_page(f"?tab={VIEWS[name]}")
    for width in (2560, 1440, 1199, 800, 390):
        page.set_viewport_size({"width": width, "height": 900})
        drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_role("alert").count() == 0
        if width == 1440 and name in FITS:
            page.wait_for_function("document.documentElement.scrollHeight <= 900")
        page.screenshot(path=folder / f"{name}_{width}.png", full_page=True)


def test_a_thousand_neurons_are_estimated_with_progress(open_page, wide, folder):
    page = open_page("?tab=recording&recording=wide.zarr&view=estimate")
    page.get_by_role("button", name="Save", exact=True).wait_for()
    page.evaluate(TOLD)
    begun = time.perf_counter()
    page.get_by_label("Lags (s)").fill("0-1")
    page.keyboard.press("Enter")
    page.get_by_text("Settings changed").first.wait_for()
    page.get_by_role("button", name="Run").last.click()
    page.get_by_text("Estimating the connectivity of wide.zarr").wait_for()
    page.wait_for_function("window.told.some((value) => value > 0 && value < 100)")
    page.screenshot(path=folder / "estimating.png", full_page=True)
    page.get_by_role("button", name="Save", exact=True).wait_for()
    drawn(page)
    print(f"\n1,000 neurons x 20,000 samples at 11 lags: {time.perf_counter() - begun:.1f} s")
    page.screenshot(path=folder / "wide.png", full_page=True)


def test_an_estimate_is_cancelled_at_once_and_leaves_its_store_alone(open_page, wide):
    before = sorted((file, file.stat().st_mtime_ns) for file in wide.rglob("*"))
    page = open_page("?tab=recording&recording=wide.zarr&view=estimate&lags=0-20")
    cancel = page.get_by_role("button", name="Cancel").last
    cancel.wait_for()
    cancel.click()
    page.get_by_text("wide.zarr: cancelled.").wait_for()
    begun = time.perf_counter()  # the next computation waits for the end of this one
    page.get_by_role("button", name=re.compile("Clean")).click()
    page.get_by_label("Neurons", exact=True).fill("0:9")
    page.keyboard.press("Enter")
    page.get_by_role("button", name=re.compile("Estimate")).first.click()
    page.get_by_role("button", name="Save", exact=True).wait_for()
    seconds = time.perf_counter() - begun
    print(f"\ncancelled, and ten neurons estimated, in {seconds:.1f} s")
    assert sorted((file, file.stat().st_mtime_ns) for file in wide.rglob("*")) == before


def test_what_is_chosen_in_one_figure_is_marked_in_all(open_page, app, folder):
    page = open_page("?tab=recording&recording=estimated.zarr&view=beside")
    drawn(page, 5)
    still(page)
    assert sum(page.evaluate(MARKS)) == 0
    box = page.locator("canvas").first.bounding_box()
    x, y = box["x"] + 150, box["y"] + 120
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 100, y + 100, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("marked="))
    page.wait_for_function(f"() => ({MARKS})().filter((n) => n > 0).length >= 5")  # A, R, graph, scatter
    page.screenshot(path=folder / "marked.png", full_page=True)
    again = open_page(page.url.removeprefix(app.address))
    drawn(again, 5)
    again.wait_for_function(f"() => ({MARKS})().filter((n) => n > 0).length >= 5")
    assert again.evaluate(MARKS) == page.evaluate(MARKS)


NETWORK = """() => {
  for (const model of Bokeh.documents[0]._all_models.values())
    if (model.type === "GlyphRenderer" && "angle" in model.data_source.data && "from" in model.data_source.data) {
      const { x, y, from, to } = model.data_source.data;
      return Array.from(from, (one, k) => [one, to[k], x[k], y[k]]);
    }
}"""
"""Arrowheads of the network: source, target, and where they are in the data."""

PLACE = """([x, y]) => {
  const walk = (views) => views.flatMap((one) => [one, ...walk([...(one.child_views ?? [])])]);
  for (const view of walk([...Bokeh.index.roots ?? Object.values(Bokeh.index)]))
    if (view.frame && view.model.renderers.some((one) => "angle" in (one.data_source?.data ?? {}))) {
      const box = view.el.getBoundingClientRect();
      const [sx, sy] = [view.frame.x_scale.compute(x), view.frame.y_scale.compute(y)];
      return [box.left + sx, box.top + sy];
    }
}"""
"""Where a point of the network is on the page."""


def test_an_edge_that_is_clicked_is_selected_in_all_four_and_in_the_address(open_page, app, folder):
    page = open_page("?tab=recording&recording=grouped.zarr&view=estimate&lags=0-3")
    drawn(page, 3)
    still(page)
    source, target, x, y = page.evaluate(NETWORK)[5]
    page.mouse.click(*page.evaluate(PLACE, [x, y]))
    page.wait_for_url(re.compile("marked="))
    assert page.url.endswith(f"marked={target}+%3C-+{source}")
    selected = ".tabulator-row.tabulator-selected .tabulator-cell"
    sync_api.expect(page.locator(f'{selected}[tabulator-field="source"]')).to_have_text(source)
    sync_api.expect(page.locator(f'{selected}[tabulator-field="target"]')).to_have_text(target)
    page.screenshot(path=folder / "selected.png", full_page=True)
    again = open_page(page.url.removeprefix(app.address))
    sync_api.expect(again.locator(f'{selected}[tabulator-field="source"]')).to_have_text(source)
    again.locator(".tabulator-row").nth(1).click()
    again.wait_for_url(lambda url: url != page.url)
    clicked = again.url
    again.locator(".tabulator-tableholder").focus()
    again.keyboard.press("ArrowDown")
    again.wait_for_url(lambda url: url not in (page.url, clicked))
    sync_api.expect(again.locator(".tabulator-row").nth(2)).to_have_class(re.compile("tabulator-selected"))
    still(again)  # the other cards follow, for which the page has to be there


def test_a_figure_is_enlarged_and_escape_puts_it_back_with_the_focus(open_page, folder):
    page = open_page("?tab=recording&recording=grouped.zarr&view=estimate&lags=0-3")
    drawn(page, 3)
    still(page)
    switch = page.get_by_role("button", name="Enlarge Matrix R")
    figure = page.locator("canvas").first
    before = figure.bounding_box()
    switch.click()
    sync_api.expect(page.locator(".card.enlarged:visible")).to_have_count(1)
    still(page)
    large = figure.bounding_box()
    assert large["width"] > 1.2 * before["width"]
    assert large["y"] + large["height"] <= 900
    page.screenshot(path=folder / "enlarged.png")
    page.keyboard.press("Escape")
    sync_api.expect(page.locator(".card.enlarged:visible")).to_have_count(0)
    still(page)
    assert figure.bounding_box()["width"] == pytest.approx(before["width"], abs=2)
    assert focus(page)["name"] == "Enlarge Matrix R"
    page.get_by_role("button", name="Table of estimators", exact=True).click()
    page.get_by_text("It assumes that").wait_for()
    page.screenshot(path=folder / "estimators.png")
    page.keyboard.press("Escape")
    sync_api.expect(page.get_by_text("It assumes that")).to_be_hidden()
    page.get_by_role("button", name="Table of estimators", exact=True).click()
    page.get_by_role("button", name="Close the table of estimators").click()
    sync_api.expect(page.get_by_text("It assumes that")).to_be_hidden()


def test_a_figure_is_downloaded_as_it_is_drawn(open_page, tmp_path):
    page = open_page("?tab=recording&recording=grouped.zarr&view=estimate&lags=0-3")
    drawn(page, 3)
    still(page)
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download Matrix R as PNG").click()
    assert begun.value.suggested_filename == "netxr_matrix_r.png"
    begun.value.save_as(tmp_path / "R.png")
    picture, box = plt.imread(tmp_path / "R.png"), page.locator("canvas").first.bounding_box()
    assert picture.shape[:2] == pytest.approx((box["height"], box["width"]), abs=2)
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 20  # colours


EARLY = """() => {
  const walk = (views) => views.flatMap((one) => [one, ...walk([...(one.child_views ?? [])])]);
  const [root] = [...Bokeh.index.roots].filter((one) => walk([one]).some((view) => view.frame));
  root.invalidate_layout();
  const figures = walk([root]).filter((view) => view.frame);
  for (const view of figures) view.layout = undefined;  // like one that has come since
  root.compute_layout();
  return figures;
}"""


def test_sizes_are_not_computed_before_new_figures_have_a_layout(open_page):
    page = open_page("?tab=tutorial")
    drawn(page, 4)
    still(page)
    figures = page.evaluate_handle(EARLY)
    page.wait_for_function("(figures) => figures.length === 4 && figures.every((one) => one.layout)", arg=figures)


SQUARES = """() => {
  const squares = [...Bokeh.documents[0]._all_models.values()].filter((one) => one.tags?.includes("square"));
  return squares.map((one) => [one.inner_width, one.inner_height]);
}"""


def test_square_figures_come_to_rest_in_a_window_about_as_high_as_the_page(app, browser):
    arguments = ["--no-sandbox", *(f"--disable-{name}" for name in QUIET)]
    options = {"executable_path": CHROMIUM, "args": arguments, "ignore_default_args": ["--hide-scrollbars"]}
    with browser.browser.browser_type.launch(**options) as with_bars:
        page = with_bars.new_page(viewport={"width": 1400, "height": 500})
        page.goto(app.address + "?tab=recording&recording=estimated.zarr&view=sure&q=0.5")
        drawn(page, 3)
        still(page)
        high = page.evaluate("document.documentElement.scrollHeight")
        for height in (high - 1, high + 1, high + 3, 2000):
            page.set_viewport_size({"width": 1400, "height": height})
            still(page)
            squares = page.evaluate(SQUARES)
            assert len(squares) == 3
            assert all(wide == pytest.approx(tall, abs=1) and wide > 100 for wide, tall in squares)


@pytest.mark.parametrize(
    ("search", "count"), [("?tab=tutorial", 2), ("?tab=compare&first=estimated.zarr&second=seen.zarr", 3)]
)
def test_matrices_in_thirds_of_the_width_are_square(open_page, search, count):
    page = open_page(search)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        drawn(page, 4)
        still(page)
        squares = page.evaluate(SQUARES)
        assert len(squares) == count
        assert all(wide == pytest.approx(tall, abs=1) and wide > 100 for wide, tall in squares)


FRAMES = """() => [...Bokeh.documents[0]._all_models.values()].filter((one) => one.type === "Figure").map(
  (one) => [one.outer_width, one.inner_width])"""


def test_traces_are_as_wide_as_the_raster_and_files_to_export_as_their_menu(open_page):
    page = open_page("?tab=recording&recording=grouped.zarr")
    drawn(page, 2)
    still(page)
    traces, raster = page.evaluate(FRAMES)
    assert traces == pytest.approx(raster, abs=1)
    page.get_by_role("button", name="Export", exact=True).click()
    buttons = page.locator(".menu .bk-btn:visible")
    sync_api.expect(buttons).to_have_count(5)
    widths = [one.bounding_box()["width"] for one in buttons.all()]
    assert widths == pytest.approx([160] * 5, abs=2)


def test_the_strongest_pairs_fill_their_row_where_no_curve_is_beside_them(open_page):
    page = open_page("?tab=recording&recording=grouped.zarr&view=estimate")
    drawn(page, 2)
    still(page)
    row = page.locator(".tabulator-tableholder").bounding_box()
    assert row["width"] > 0.9 * (1280 - 288 - 2 * 24 - 2 * 16 - 15)


def test_edges_are_sorted_by_a_click_on_a_head(open_page, folder):
    page = open_page("?tab=recording&recording=estimated.zarr&view=sure&q=0.5")
    cells = page.locator('.tabulator-cell[tabulator-field="effect"]')
    cells.first.wait_for()
    shown = [float(text) for text in cells.all_inner_texts()]
    assert len(shown) > 2
    assert [abs(value) for value in shown] == sorted(map(abs, shown), reverse=True)
    page.locator('.tabulator-col[tabulator-field="effect"]').click()
    page.wait_for_function(
        """(n) => {
          const cells = [];
          const walk = (root) => root.querySelectorAll("*").forEach((one) => {
            if (one.matches('.tabulator-cell[tabulator-field="effect"]')) cells.push(parseFloat(one.innerText));
            if (one.shadowRoot) walk(one.shadowRoot);
          });
          walk(document);
          return cells.length === n && cells.every((value, k) => k === 0 || cells[k - 1] <= value);
        }""",
        arg=len(shown),
    )
    page.screenshot(path=folder / "sure_sorted.png", full_page=True)


def test_an_error_is_a_message(open_page, folder):
    page = open_page("?tab=recording&recording=damaged.zarr")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "damaged" in alert.inner_text()
    assert "Traceback" not in page.content()
    page.screenshot(path=folder / "damaged.png", full_page=True)


def test_choosing_is_shared_by_the_address(open_page, app):
    page = open_page("?tab=map")
    page.get_by_label("Sweep", exact=True).select_option(index=2)
    drawn(page)
    page.get_by_label("One for each entry of").select_option("Sparsity")
    page.wait_for_url(re.compile("facet=sparsity"))
    again = open_page(page.url.removeprefix(app.address))
    drawn(again, 2)
    assert again.get_by_label("One for each entry of").input_value() == "Sparsity"


def test_the_two_that_are_compared_are_swapped(open_page):
    page = open_page("?tab=compare&first=estimated.zarr&second=grouped.zarr&second_matrix=connectivity")
    drawn(page, 3)
    page.get_by_role("button", name="Swap the two").click()
    page.wait_for_url(re.compile("first=grouped.zarr&first_matrix=connectivity&second=estimated.zarr"))
    stores = page.get_by_label("Store", exact=True)
    sync_api.expect(stores.nth(0)).to_have_value(re.compile("^grouped.zarr"))
    sync_api.expect(stores.nth(1)).to_have_value(re.compile("^estimated.zarr"))
    titles = page.locator(".card h2")
    sync_api.expect(titles.nth(0)).to_have_text("True connectivity")
    sync_api.expect(titles.nth(1)).to_have_text("Lagged correlation")


CELL = """([x, y]) => {
  const walk = (views) => views.flatMap((one) => [one, ...walk([...(one.child_views ?? [])])]);
  for (const view of walk([...Bokeh.index.roots ?? Object.values(Bokeh.index)]))
    if (view.frame && view.model.renderers.some((one) => one.glyph?.type === "Image")) {
      const box = view.el.getBoundingClientRect();
      return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)];
    }
}"""
"""Where a cell of the map is on the page."""


def test_a_cell_of_the_map_that_is_clicked_chooses_its_row(open_page, app, folder):
    page = open_page("?tab=map&sweep=sweep.zarr&y=sparsity")
    drawn(page)
    still(page)
    page.mouse.click(*page.evaluate(CELL, [2, 1]))
    page.wait_for_url(re.compile("n_neurons=10"))
    assert "sparsity=0.9" in page.url
    sync_api.expect(page.get_by_label("Row: neurons")).to_have_value("10")
    sync_api.expect(page.get_by_label("Row: sparsity")).to_have_value("0.9")
    page.screenshot(path=folder / "clicked.png", full_page=True)
    page.get_by_label("Row: neurons").select_option("5")
    page.wait_for_url(re.compile("n_neurons=5"))


def test_an_empty_tab_says_what_comes_next_and_offers_nothing_that_cannot_work(open_page, folder):
    for tab, title in (
        ("recording", "No recording open yet"),
        ("compare", "Nothing to compare yet"),
        ("map", "No sweep"),
    ):
        page = open_page(f"?tab={tab}")
        page.get_by_text(title).first.wait_for()
        assert page.get_by_role("button", name="Python", exact=True).count() == 0
        assert page.get_by_role("button", name="Export", exact=True).count() == 0
        page.screenshot(path=folder / f"empty_{tab}.png", full_page=True)
    page.get_by_role("button", name="Open sweep.zarr").click()
    drawn(page)
    sync_api.expect(page.get_by_role("button", name="Export", exact=True)).to_be_visible()


def test_no_request_left_the_machine(app, requests):
    """The last test here: what all the others asked for."""
    hosts = {re.match(r"\w+://([^/]*)", url)[1] for url in requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {app.address.split("/")[2]}


def test_a_report_is_written_and_downloaded(open_page, tmp_path, folder):
    page = open_page("?tab=recording&recording=estimated.zarr&view=estimate")
    drawn(page)
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Report", exact=True).click()
    page.get_by_text("Writing the report of estimated.zarr").wait_for()
    page.get_by_text("The report of estimated.zarr is written").wait_for()
    page.screenshot(path=folder / "report.png")
    with page.expect_download() as downloaded:
        page.get_by_text("Download the report", exact=True).click()
    assert downloaded.value.suggested_filename == "estimated.html"
    downloaded.value.save_as(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "True and estimated connectivity" in text


COVERED = """() => {
  const found = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
    [one, ...(one.shadowRoot ? found(one.shadowRoot) : [])]);
  return found(document).filter((one) => one.matches(".bk-Toolbar:not(.bk-hidden)")).map((tools) => {
    const frame = tools.getRootNode().host.getRootNode().host.getRootNode().host;
    const place = tools.getBoundingClientRect();
    return [place.bottom, frame.getBoundingClientRect().top, place.width];
  });
}"""


def test_the_tools_of_a_figure_stand_above_what_it_draws(open_page):
    page = open_page("?tab=recording&recording=grouped.zarr&view=estimate&lags=0-3")
    page.locator("canvas").first.wait_for()
    still(page)
    frame = page.locator("canvas").first.bounding_box()
    for share in (0.4, 0.5):
        page.mouse.move(frame["x"] + share * frame["width"], frame["y"] + 0.5 * frame["height"])
    page.wait_for_function(f"({COVERED})().length > 0")
    for bottom, top, width in page.evaluate(COVERED):
        assert bottom <= top + 1
        assert width > 60


def test_a_store_that_is_copied_into_the_folder_is_offered_when_the_page_is_returned_to(open_page, stores):
    page = open_page("?tab=recording&recording=grouped.zarr")
    page.locator("canvas").first.wait_for()
    still(page)
    page.wait_for_timeout(1100)
    shutil.copytree(stores / "seen.zarr", stores / "copied.zarr")
    try:
        page.evaluate("window.dispatchEvent(new Event('focus'))")
        page.locator("option", has_text="copied.zarr").first.wait_for(state="attached")
    finally:
        shutil.rmtree(stores / "copied.zarr")


def test_the_page_is_as_wide_as_the_window_with_a_scroll_bar_or_without(open_page):
    page = open_page("?tab=map")
    page.get_by_role("button", name="Recording").wait_for()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        assert page.evaluate("document.querySelector('header').getBoundingClientRect().width") == width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
