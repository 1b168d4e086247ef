"""The app in a real browser: Debian's Chromium, driven by Playwright."""

import re
import shutil
import time

import pytest

from netxr.app.frame.theme import TOKENS

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


def verdict(page):
    text = page.get_by_text("their correlation is")
    text.wait_for()
    return text.inner_text()


def settled(page):
    """Wait until the browser has painted what it was sent."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


PLACES = """() => {
  const found = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
    [...(one.matches("canvas") ? [one] : []), ...(one.shadowRoot ? found(one.shadowRoot) : [])]);
  const places = JSON.stringify(found(document).map((one) => one.getBoundingClientRect()));
  window.steady = places === window.places ? window.steady + 1 : 0;
  window.places = places;
  return window.steady >= 5;
}"""
"""Whether all figures are as many and where they were the five times before."""


def still(page):
    """Wait until no figure comes or moves for half a second: what is clicked is where it was seen."""
    page.wait_for_function(PLACES, polling=100)


FOCUS = """() => {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return {
    name: one.getAttribute("aria-label") || one.labels?.[0]?.innerText || one.innerText || "",
    outline: getComputedStyle(one).outlineStyle,
  };
}"""


COLOURS = """(canvases, part) => canvases.filter((one) => one.width > 100).map((canvas) => {
  const [left, top, width, height] = part.map((share, k) => share * (k % 2 ? canvas.height : canvas.width));
  const { data } = canvas.getContext("2d").getImageData(left, top, width, height);
  return new Set(new Uint32Array(data.buffer)).size;
})"""


def focus(page):
    settled(page)
    return page.evaluate(FOCUS)


def test_the_tutorial_opens_at_two_widths(open_page, folder):
    page = open_page("?tab=tutorial")
    assert "0.95967" in verdict(page)
    for width in (2560, 1280, 640, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        page.locator("canvas").nth(3).wait_for(state="attached")  # figures come one after the other
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=folder / f"tutorial_{width}.png", full_page=True)


def test_sliders_have_names_before_they_have_the_focus(open_page):
    page = open_page("?tab=tutorial")
    name = re.compile("Network size")
    sync_api.expect(page.get_by_role("slider").first).to_have_attribute("aria-label", name)


def test_the_tab_key_reaches_heads_and_pages_of_a_table_and_enter_sorts(open_page):
    page = open_page("?tab=recording&recording=estimated.zarr&view=agreement")
    heads = [f"{name}: Enter sorts" for name in ("From", "To", "R", "A", "A, the other way")]
    head = page.get_by_label(heads[2])
    still(page)
    page.get_by_label(heads[0]).focus()
    reached = []
    for _ in range(8):
        reached.append(focus(page))
        page.keyboard.press("Tab")
    assert [one["name"] for one in reached] == [*heads, "Table: arrows select a row", "Show Page 1", "Show Page 2"]
    assert {one["outline"] for one in reached} == {"solid"}
    head.focus()
    page.keyboard.press("Enter")
    sync_api.expect(head).to_have_attribute("aria-sort", "ascending")
    assert focus(page)["name"] == heads[2]


@pytest.mark.slow
def test_each_stop_of_the_slider_ends_in_its_score_and_picture(open_page, folder, golden):
    page = open_page("?tab=tutorial&n=39&steps=2000")
    verdict(page)
    still(page)
    handle, seconds = page.get_by_role("slider").first, []
    for key, n in [("ArrowRight", 42), ("ArrowLeft", 39), ("ArrowLeft", 36), ("ArrowLeft", 33), ("ArrowLeft", 30)]:
        begun = time.perf_counter()
        handle.press(key)
        page.get_by_text(f"{golden['size_demo'][str(n)]:.5f}").wait_for()
        settled(page)
        seconds.append(time.perf_counter() - begun)
    print(
        f"\nslider to picture at 42 neurons {seconds[0]:.2f} s, then {', '.join(f'{one:.2f}' for one in seconds[1:])} s"
    )
    page.screenshot(path=folder / "tutorial_30.png", full_page=True)


@pytest.mark.slow
def test_the_address_restores_the_view_and_so_does_going_back(open_page, app):
    page = open_page("?tab=tutorial&n=39&steps=2000")
    before = verdict(page)
    page.get_by_label("Network size (any number)").fill("20")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?tab=tutorial&n=20&steps=2000")
    sync_api.expect(page.get_by_text("their correlation is")).not_to_have_text(before)
    after = verdict(page)
    again = open_page(page.url.removeprefix(app.address))
    assert verdict(again) == after
    assert again.get_by_label("Network size (any number)").input_value() == "20"
    page.go_back()
    sync_api.expect(page.get_by_text("their correlation is")).to_have_text(before)


@pytest.mark.slow
def test_things_to_try_set_the_sliders_and_are_ticked(open_page, folder):
    page = open_page("?tab=tutorial&n=12")
    before = verdict(page)
    page.get_by_role("button", name=re.compile("Add neurons")).click()
    page.wait_for_url(re.compile("n=42"))
    sync_api.expect(page.get_by_label("Network size (any number)")).to_have_value("42")
    sync_api.expect(page.get_by_text("their correlation is")).not_to_have_text(before)
    page.get_by_role("button", name=re.compile("Look too late")).click()
    page.wait_for_url(re.compile("lag=3"))
    assert "n=" not in page.url  # it is what it says, whatever was tried before
    sync_api.expect(page.locator(".try.done")).to_have_count(2)
    page.get_by_role("button", name="Start over").click()
    page.wait_for_url(re.compile("tab=tutorial$"))
    page.screenshot(path=folder / "tried.png", full_page=True)


@pytest.mark.slow
def test_both_matrices_are_painted_without_a_graphics_card(open_page):
    page = open_page("?tab=tutorial&n=12")
    verdict(page)
    page.locator("canvas").nth(7).wait_for(
        state="attached"
    )  # figures come one after the other: four, of two canvases each
    settled(page)
    middle, whole = (
        page.locator("canvas").evaluate_all(COLOURS, part)[::2]  # each figure, without what is laid over it
        for part in ([0.25, 0.25, 0.25, 0.25], [0, 0, 1, 1])
    )
    assert [n > 1 for n in middle[:3]] == [True] * 3, middle
    assert whole[3] > 1, whole  # the curve has one point


@pytest.mark.slow
def test_a_page_without_its_server_says_so(app, browser):
    page, ends = browser.new_page(), []
    page.route_web_socket("**/ws?*", lambda route: ends.append((route, route.connect_to_server())))
    page.goto(app.address + "?tab=tutorial")
    verdict(page)
    lost = page.get_by_text("no longer connected")
    assert not lost.is_visible()
    ends[0][0].close()
    lost.wait_for()
    page.get_by_role("link", name="Load it again").click()
    verdict(page)
    page.close()


@pytest.mark.slow
def test_everything_is_reached_by_keyboard_and_has_a_name(open_page):
    page = open_page("?tab=tutorial")
    verdict(page)
    still(page)
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(focus(page))
    names = " | ".join(one["name"] for one in seen)
    wanted = ("Tutorial", "Network size (neurons)", "Network size (any number)", "Sparsity", "Length", "Lag", "Groups")
    for name in (*wanted, "Seed", "Include the diagonal", "Python", "Export"):
        assert name in names
    figures = ("True connectivity A", "Estimated connectivity R", "Do they separate?", "Score over size")
    assert all(name in names for name in figures)
    ringed = [one["outline"] for one in seen if one["name"] in ("Tutorial", "Seed", "Export", *figures)]
    assert set(ringed) == {"solid"}


@pytest.mark.slow
def test_errors_are_messages(open_page, folder):
    page = open_page("?tab=tutorial&n=90000&lag=x&evil=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    alerts = page.get_by_role("alert")
    sync_api.expect(alerts).to_have_count(3)
    for told in ("90,000 neurons x 5,000 steps", "lag: got 'x'; expected a whole number"):
        sync_api.expect(alerts.filter(has_text=told)).to_have_count(1)
    assert "Traceback" not in page.content()
    page.screenshot(path=folder / "errors.png", full_page=True)


@pytest.mark.slow
def test_a_long_computation_shows_progress_and_is_cancelled(open_page, folder):
    page = open_page("?tab=tutorial&n=1000&steps=15000")
    page.get_by_text("Simulating 1,000 neurons over 15,000 steps").wait_for()
    assert page.locator("canvas").count() == 0  # nothing is shown yet
    page.screenshot(path=folder / "progress.png", full_page=True)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("cancelled").wait_for()
    page.get_by_label("Network size (any number)").fill("9")
    page.get_by_label("Length (time steps)").fill("1000")
    page.keyboard.press("Tab")
    assert "correlation" in verdict(page)


@pytest.mark.slow
def test_downloads_and_the_lines_of_python(open_page, tmp_path):
    page = open_page("?tab=tutorial")
    verdict(page)
    still(page)
    page.get_by_role("button", name="Export").click()
    for button, begins in {"PNG": b"\x89PNG", "SVG": b"<?xml", "CSV": b"target,source", "Zarr": b"PK"}.items():
        with page.expect_download() as download:
            page.get_by_text(button).first.click()
        download.value.save_as(tmp_path / button)
        assert (tmp_path / button).read_bytes().startswith(begins)

    page.get_by_role("button", name="Python", exact=True).click()
    text = page.get_by_label("Lines of Python", exact=True)
    text.wait_for()
    assert "netxr.plot.overview" in text.input_value()


def test_no_request_left_the_machine(app, requests):
    """The last test here: what all the others asked for."""
    hosts = {re.match(r"\w+://([^/]*)", url)[1] for url in requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {app.address.split("/")[2]}


GROUND = """(canvases) => canvases.filter((one) => one.width > 100)
  .map((canvas) => [...canvas.getContext("2d").getImageData(2, 2, 1, 1).data])
  .filter((pixel) => pixel[3]).map((pixel) => pixel.slice(0, 3).join())"""
"""The colour of each figure in its corner; of what lies over one nothing is drawn there."""


def test_the_theme_is_switched_where_the_page_is_and_the_address_keeps_it(open_page):
    page = open_page("?tab=tutorial&theme=light")
    page.locator("canvas").nth(7).wait_for(state="attached")
    settled(page)
    page.evaluate("window.stays = true")
    dark = ",".join(str(part) for part in bytes.fromhex(TOKENS["surface"].dark[1:]))
    for theme, ground in (("dark", dark), ("light", "255,255,255")):
        page.get_by_role("button", name="Light or dark").click()
        page.wait_for_url(re.compile(f"theme={theme}"))
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        for _ in range(50):
            settled(page)
            if set(page.locator("canvas").evaluate_all(GROUND)) == {ground}:
                break
        assert set(page.locator("canvas").evaluate_all(GROUND)) == {ground}
    assert page.evaluate("window.stays")
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_url(re.compile("theme=dark"))
    page.reload()
    page.locator("canvas").nth(7).wait_for(state="attached")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
