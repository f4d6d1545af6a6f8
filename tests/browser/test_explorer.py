"""The explorer on a page with made-up data: what it shows is counted anew from the page's arrays."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser.watched import axe
from conftest import HANG
from made_explorer import LEVELS, MODELS, arrays_of, made_head, made_page

pytestmark = [pytest.mark.browser, pytest.mark.sampled(3, of_file=True)]

GMP, ONE_SHOT = "supcon/gmp", "supcon/oneshot"
SIZES = ((1280, 900, "light"), (1280, 900, "dark"), (390, 800, "light"), (390, 800, "dark"))


COLOURFUL = """one => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [one.width, one.height];
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(one, 0, 0);
  return new Set(new Uint32Array(context.getImageData(0, 0, one.width, one.height).data.buffer)).size > 1;
}"""


class Truth:
    """What a page's arrays say, reckoned without its script."""

    def __init__(self, head: dict[str, Any], content: bytes) -> None:
        self.head = head
        self.arrays = arrays_of(head, content)
        self.truth = self.arrays["truth"]

    def level(self, arm: str, value: float) -> tuple[dict[str, Any], dict[str, Any]]:
        found = next(each for each in self.head["arms"] if each["key"] == arm)
        level = next(each for each in found["levels"] if each["value"] == value)
        return self.head["sides"][found["side"]]["cells"], level["cells"]

    def labels(self, arm: str, value: float) -> tuple[np.ndarray, np.ndarray]:
        before, after = self.level(arm, value)
        return self.arrays[before["label"]], self.arrays[after["label"]]

    def lost(self, arm: str, value: float) -> np.ndarray:
        before, after = self.labels(arm, value)
        return (before == self.truth) & (after != self.truth)

    def kept(self, arm: str, value: float) -> np.ndarray:
        before, after = self.labels(arm, value)
        return (before == self.truth) & (after == self.truth)


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, Any], bytes]:
    return made_head(797)


@pytest.fixture(scope="module")
def truth(made: tuple[dict[str, Any], bytes]) -> Truth:
    return Truth(*made)


@pytest.fixture(scope="module")
def address(made: tuple[dict[str, Any], bytes], tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(made, tmp_path_factory.mktemp("a page") / "report.html")


def written(made: tuple[dict[str, Any], bytes], path: Path) -> str:
    path.write_text(made_page(*made), encoding="utf-8")
    return path.as_uri()


class Opened:
    """A page in the browser, and all that it said and asked for."""

    def __init__(self, browser: Any, size: tuple[int, int, str], **options: Any) -> None:
        width, height, scheme = size
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True, **options
        )
        self.context.set_default_timeout(HANG * 1000)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, address: str) -> Any:
        self.page.goto(address)
        self.page.wait_for_selector("html.x-ready")
        return self.page

    def close(self) -> None:
        self.context.close()
        assert self.said == []
        assert [url for url in self.asked if not url.startswith(("data:", "file:"))] == []


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]} {size[2]}")
def sized(request: pytest.FixtureRequest, browser: Any) -> Iterator[Opened]:
    opened = Opened(browser, request.param)
    yield opened
    opened.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    made = Opened(browser, SIZES[0], accept_downloads=True)
    yield made
    made.close()


def chosen(page: Any) -> int:
    return int(page.locator("#wall .x-said").inner_text().split()[0].replace(",", ""))


def hash_of(page: Any) -> str:
    return str(page.evaluate("decodeURIComponent(location.hash)"))


def wall_tile(page: Any, index: int) -> None:
    """Clicks a picture of the wall, by its place in the first row."""
    page.locator(".x-scroll").scroll_into_view_if_needed()
    box = page.locator(".x-scroll canvas").bounding_box()
    page.mouse.click(box["x"] + 34 + 58 * index, box["y"] + 30)


def test_it_opens_whole_in_every_size(sized: Opened, address: str, truth: Truth, tmp_path: Path) -> None:
    page = sized.open(address)
    assert chosen(page) == truth.lost(GMP, 0.95).sum()
    assert page.locator("section#explorer").is_visible()
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert_drawn(page, ".x-scroll canvas", ".x-heat", ".x-cloud")
    page.keyboard.press("Tab")
    wall_tile(page, 0)
    page.wait_for_selector(".x-panel:not([hidden])")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    panel = page.locator(".x-panel").bounding_box()
    assert panel["x"] >= 0 and panel["x"] + panel["width"] <= width
    assert_drawn(page, ".x-large", ".x-thumb")
    page.screenshot(path=tmp_path / "page.png", full_page=True)


def assert_drawn(page: Any, *selectors: str) -> None:
    """Every canvas has pixels of more than one colour, at once or, where it is out of sight, a little later."""
    for selector in selectors:
        assert page.locator(selector).count() > 0
        until(page, f"[...document.querySelectorAll('{selector}')].every({COLOURFUL})")


def until(page: Any, condition: str) -> None:
    """Waits for something of the page; its policy lets nobody evaluate text in it, so it is asked from here."""
    patience = time.monotonic() + HANG
    while time.monotonic() < patience:
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def test_three_clicks_find_a_digit_that_one_method_loses_and_another_keeps(
    sized: Opened, address: str, truth: Truth
) -> None:
    page = sized.open(address)
    point = page.locator(f'#curve g[data-arm="{GMP}"] [data-level="0.9"]').bounding_box()
    page.mouse.click(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    page.get_by_role("group", name="But kept by").get_by_role("button", name="contrastive, one-shot").click()
    wanted = truth.lost(GMP, 0.9) & truth.kept(ONE_SHOT, 0.9)
    assert chosen(page) == wanted.sum() > 0
    wall_tile(page, 0)
    page.wait_for_selector(".x-panel:not([hidden])")
    example = int(page.locator("#x-example").inner_text())
    assert wanted[example]
    assert hash_of(page) == f"#arm={GMP}&s=0.9&kind=lost&kept={ONE_SHOT}&ex={example:05d}"
    assert "lost by" in re.sub(r"[\u2066-\u2069]", "", page.locator(".x-did").inner_text())


def test_every_filter_chooses_what_the_arrays_say(opened: Opened, address: str, truth: Truth) -> None:
    page = opened.open(address)
    before, after = truth.labels(GMP, 0.95)
    lost = truth.lost(GMP, 0.95)
    cells, level = truth.level(GMP, 0.95)
    page.get_by_role("button", name="All changes").click()
    assert chosen(page) == (before != after).sum()
    page.get_by_role("button", name=re.compile("^Lost")).first.click()
    bar = page.locator(".x-panel-classes .x-row").nth(2)
    name = bar.locator(".x-name").inner_text()
    bar.click()
    assert chosen(page) == (lost & (truth.truth == int(name))).sum()
    assert bar.get_attribute("aria-pressed") == "true"
    page.locator("#explorer").get_by_role("button", name=re.compile("class")).first.click()
    pair = page.locator(".x-panel-mix .x-row").first
    one, other = pair.locator(".x-name").inner_text().split(" → ")
    pair.click()
    assert chosen(page) == (lost & (before == int(one)) & (after == int(other))).sum()
    pair.click()
    page.get_by_role("checkbox", name="beyond chance").check()
    confirmed = truth.arrays[level["confirmed"]] == 1
    assert chosen(page) == (lost & confirmed).sum() < lost.sum()
    page.get_by_role("checkbox", name="beyond chance").uncheck()
    page.locator("#explorer .x-refine input[type=range]").evaluate(
        "range => { range.value = 0.8; range.dispatchEvent(new Event('input')); }"
    )
    votes = truth.arrays[level["modal"]] >= 0.8 * MODELS
    assert chosen(page) == (lost & votes).sum() < lost.sum()
    page.locator("#explorer .x-limits button").first.click()
    assert chosen(page) == lost.sum()
    brush(page, (0.5, 0.0), (1.0, 0.5))
    assert "map=" in hash_of(page)
    x0, y0, x1, y1 = map(float, re.search(r"map=([\d.,]+)", hash_of(page))[1].split(","))  # type: ignore[index]
    places = truth.arrays[cells["map"]] * truth.head["arrays"][cells["map"]]["scale"]
    inside = (places[:, 0] >= x0) & (places[:, 0] <= x1) & (places[:, 1] >= y0) & (places[:, 1] <= y1)
    assert abs(chosen(page) - (lost & inside).sum()) <= 2  # the address has three decimals, the view all
    assert 0 < chosen(page) < lost.sum()


def brush(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    canvas = page.locator(".x-brush").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + start[0] * box["width"] + 1, box["y"] + start[1] * box["height"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + end[0] * box["width"] - 1, box["y"] + end[1] * box["height"] - 1, steps=4)
    page.mouse.up()


def test_the_dial_moves_by_key_and_by_hand_and_plays(opened: Opened, address: str, truth: Truth) -> None:
    page = opened.open(address)
    dial = page.get_by_role("slider", name="Sparsity")
    dial.focus()
    page.keyboard.press("ArrowRight")
    assert chosen(page) == truth.lost(GMP, 0.99).sum()
    page.keyboard.press("Home")
    assert dial.get_attribute("aria-valuetext").split("\u00a0")[0] == "30"
    assert hash_of(page).startswith(f"#arm={GMP}&s=0.3&")
    dial.evaluate("range => { range.value = 800; range.dispatchEvent(new Event('input')); }")
    assert chosen(page) == truth.lost(GMP, 0.9).sum()
    page.get_by_role("button", name="Play").click()
    until(page, "location.hash.includes('s=0.99')")
    stops = page.eval_on_selector_all(
        ".x-stop", "all => all.map(one => { const box = one.getBoundingClientRect(); return box.x + box.width / 2; })"
    )
    for value, stop in zip(LEVELS, stops, strict=True):  # they stand below the curve's points
        point = page.locator(f'#curve g[data-arm="{GMP}"] [data-level="{value}"]').bounding_box()
        assert abs(point["x"] + point["width"] / 2 - stop) < 1.5


def test_a_link_opens_the_same_view_and_the_back_button_returns(opened: Opened, address: str, truth: Truth) -> None:
    wanted = f"#arm={ONE_SHOT}&s=0.9&kind=lost&class=3"
    page = opened.open(address + wanted)
    assert chosen(page) == (truth.lost(ONE_SHOT, 0.9) & (truth.truth == 3)).sum()
    assert page.locator(f'#curve g[data-arm="{ONE_SHOT}"] [data-level="0.9"]').evaluate("p => p.matches('.chosen')")
    page.get_by_role("button", name="All changes").click()
    page.go_back()
    assert hash_of(page) == wanted
    assert chosen(page) == (truth.lost(ONE_SHOT, 0.9) & (truth.truth == 3)).sum()
    page.evaluate("location.hash = 'explorer'")
    assert chosen(page) == (truth.lost(ONE_SHOT, 0.9) & (truth.truth == 3)).sum()


def test_back_closes_an_example_and_never_opens_a_closed_one_again(opened: Opened, address: str) -> None:
    page = opened.open(address)
    page.get_by_role("button", name="All changes").click()
    view = hash_of(page)
    panel = page.locator(".x-panel")
    for close in (lambda: page.keyboard.press("Escape"), page.get_by_role("button", name="Close").click, page.go_back):
        wall_tile(page, 1)
        panel.wait_for()
        page.keyboard.press("ArrowRight")
        stands = page.evaluate("(scrollTo({ top: 500, behavior: 'instant' }), scrollY)")
        close()
        panel.wait_for(state="hidden")
        until(page, f"decodeURIComponent(location.hash) === '{view}'")
        assert page.evaluate("scrollY") == stands > 0
    page.go_back()
    assert panel.is_hidden()
    assert "ex=" not in hash_of(page) != view


def test_the_link_is_copied_or_shown(opened: Opened, address: str) -> None:
    page = opened.open(address)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    page.get_by_role("button", name="Copy link to this view").click()
    field = page.get_by_label("Link to this view")
    assert field.input_value() == f"{address}#arm={GMP}&s=0.95&kind=lost"
    assert page.evaluate("getSelection().toString() || document.activeElement.value.length > 0")
    page.evaluate(
        """Object.defineProperty(navigator, 'clipboard',
           { configurable: true, value: { writeText: text => { window.copied = text; return Promise.resolve(); } } })"""
    )
    page.get_by_role("button", name="Copy link to this view").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("copied").startswith(address)


def test_the_chosen_ids_are_saved(opened: Opened, address: str, truth: Truth, tmp_path: Path) -> None:
    page = opened.open(address)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    download.value.save_as(tmp_path / "chosen.csv")
    rows = list(csv.DictReader((tmp_path / "chosen.csv").open(newline="", encoding="utf-8")))
    assert sorted(int(row["id"]) for row in rows) == np.flatnonzero(truth.lost(GMP, 0.95)).tolist()
    assert {row["change"] for row in rows} == {"lost"}


def test_it_is_used_by_keyboard(opened: Opened, address: str, truth: Truth) -> None:
    page = opened.open(address)
    page.keyboard.press("ArrowLeft")
    assert "s=0.9&" in hash_of(page)
    page.locator(".x-scroll").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    said = page.locator("#x-current").inner_text()
    assert page.locator(".x-scroll").get_attribute("aria-activedescendant") == "x-current"
    page.keyboard.press("Enter")
    first = page.locator("#x-example").inner_text()
    assert first in said
    assert page.evaluate("document.activeElement.id") == "x-example"
    page.keyboard.press("ArrowRight")
    assert page.locator("#x-example").inner_text() != first
    page.keyboard.press("?")
    assert page.locator("dialog.x-help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog.x-help").is_visible()
    assert page.locator(".x-panel").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator(".x-panel").is_visible()
    assert page.evaluate("document.activeElement.matches('.x-scroll')")


def test_an_example_shows_its_votes_its_neighbours_and_other_arms(opened: Opened, address: str, truth: Truth) -> None:
    example = int(np.flatnonzero(truth.lost(GMP, 0.95))[0])
    page = opened.open(f"{address}#ex={example:05d}")
    cells = page.locator("button.x-cell")
    assert cells.count() == 5 * len(LEVELS)
    _, level = truth.level(GMP, 0.95)
    right = int(truth.arrays[level["right"]][example])
    here = page.locator('button.x-cell[aria-pressed="true"]')
    assert f"{right} of {MODELS} right" in here.get_attribute("aria-label")
    assert here.locator("circle.right").count() == right
    assert here.locator("circle, rect").count() == MODELS
    page.get_by_role("button", name=re.compile("supervised, random.*99")).click()
    assert "arm=supervised/random&s=0.99" in hash_of(page)
    page.locator(".x-near").first.click()
    near = int(truth.arrays[truth.head["sides"][1]["neighbours"]][example][0])
    assert page.locator("#x-example").inner_text() == f"{near:05d}"


@pytest.mark.parametrize("size", SIZES[::3], ids=str)
def test_a_long_id_can_be_read_whole(size: tuple[int, int, str], browser: Any, tmp_path: Path) -> None:
    made = made_head(40)
    made[0]["ids"] = [
        f"a/folder/{'of-letters-' * 27}{index:02d}.png" if index % 2 else f"{index:02d}" for index in range(40)
    ]
    opened = Opened(browser, size)
    page = opened.open(written(made, tmp_path / "long.html") + "#ex=" + made[0]["ids"][7])
    whole = page.get_by_role("region", name="The whole id")
    assert whole.inner_text() == made[0]["ids"][7]
    assert whole.evaluate("e => e.scrollHeight <= e.clientHeight + 1 && e.scrollWidth <= e.clientWidth + 1")
    assert axe(page) == []
    page.screenshot(path=tmp_path / "long.png")
    page.evaluate("location.hash = 'ex=08'")
    page.get_by_role("heading", name="08").wait_for()
    assert whole.count() == 0
    opened.close()


def test_the_heat_map_opens_what_it_shows(opened: Opened, address: str, truth: Truth) -> None:
    page = opened.open(address)
    heat = page.locator(".x-heat")
    heat.scroll_into_view_if_needed()
    box = heat.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 6, box["y"] + 50)  # the last column: the last arm at its last level
    example = int(page.locator("#x-example").inner_text())
    assert "arm=supervised/random&s=0.99" in hash_of(page)
    changed = [truth.labels(GMP, value)[0][example] != truth.labels(GMP, value)[1][example] for value in LEVELS]
    most = np.sum([truth.labels(GMP, value)[0] != truth.labels(GMP, value)[1] for value in LEVELS], axis=0).max()
    assert sum(changed) >= most - 1  # near the top: most fragile for the arm that was chosen


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "\"' onload=alert(3) x='",
    "a\nb\tc",
    "\u202egnp.exe\u2066",
    "=cmd|' /C calc'!A0",
    "&lt;b&gt;&amp;",
    "${alert(4)}{{7*7}}",
    "x" * 400,
    "",
]


def test_names_are_text_whatever_they_say(browser: Any, tmp_path: Path) -> None:
    head, content = made_head(300)
    head["classes"] = HOSTILE
    head["ids"][: len(HOSTILE)] = HOSTILE
    for arm, name in zip(head["arms"], HOSTILE, strict=False):
        arm["name"] = name
    for size in (SIZES[0], SIZES[3]):
        opened = Opened(browser, size)
        page = opened.open(written((head, content), tmp_path / "hostile.html"))
        for example in range(len(HOSTILE)):
            page.evaluate("id => location.hash = '#ex=' + encodeURIComponent(id)", HOSTILE[example])
            page.wait_for_selector(".x-panel:not([hidden])")
            assert page.locator("#x-example").evaluate("title => title.textContent") == HOSTILE[example]
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert HOSTILE[1] in page.locator("#dial").evaluate("part => part.textContent")
        assert page.locator("#explorer img, #wall img, .x-panel img").count() == 0
        opened.close()


def test_an_audit_of_one_copy_has_no_dial(browser: Any, tmp_path: Path) -> None:
    head, content = made_head(300, arms=1, levels=1)
    for name in ("neighbours",):
        head["sides"][0][name] = None
    head.update(kind="audit", sides=head["sides"][:1], pictures=None)
    for cells in (head["sides"][0]["cells"], head["arms"][0]["levels"][0]["cells"]):
        cells.update(q=None, depth=None, map=None, confirmed=None)
    opened = Opened(browser, SIZES[0])
    page = opened.open(written((head, content), tmp_path / "audit.html"))
    assert chosen(page) == Truth(head, content).lost(GMP, 0.99).sum()
    assert not page.get_by_role("slider", name="Sparsity").is_visible()
    for hidden in (".x-panel-heat", ".x-panel-maps", ".x-panel-measures", "text=But kept by", "text=beyond chance"):
        assert not page.locator(hidden).first.is_visible()
    wall_tile(page, 0)
    assert page.locator(".x-table").inner_text().split()[:2] == ["before", "after"]
    assert page.locator(".x-near, .x-large").count() == 0
    opened.close()


def test_a_class_that_is_not_beyond_chance_is_pale(browser: Any, tmp_path: Path) -> None:
    made = made_head(797)
    level = next(arm for arm in made[0]["arms"] if arm["key"] == GMP)["levels"][-1]
    level["clear_classes"] = [3, 8]
    opened = Opened(browser, SIZES[0])
    page = opened.open(written(made, tmp_path / "classes.html") + f"#arm={GMP}&s={level['value']}")
    rows = page.locator(".x-panel-classes .x-row")
    bars = rows.evaluate_all(
        "all => all.map(row => [row.querySelector('.x-name').textContent, row.querySelector('.x-bar').matches('.pale')])"
    )
    names = made[0]["classes"]
    assert dict(bars) == {name: name not in (names[3], names[8]) for name in names}
    said = page.locator(".x-panel-classes").get_by_text("Pale: not beyond chance.")
    assert said.is_visible()
    assert rows.filter(has_text="not beyond chance").count() == len(names) - 2
    page.evaluate(f"location.hash = 'arm={ONE_SHOT}&s={level['value']}'")
    page.wait_for_selector(".x-panel-classes .x-bar:not(.pale)")
    assert page.locator(".x-panel-classes .x-bar.pale").count() == 0
    assert said.is_hidden()
    opened.close()


def test_where_nobody_knows_the_truth_nothing_is_lost(browser: Any, tmp_path: Path) -> None:
    head, content = made_head(300)
    before, after = Truth(head, content).labels(GMP, 0.95)
    head["truth"] = None
    opened = Opened(browser, SIZES[0])
    page = opened.open(written((head, content), tmp_path / "unknown.html"))
    assert chosen(page) == (before != after).sum()
    assert page.locator("#wall .x-said").inner_text().split(" by ")[0].endswith("changed")
    assert page.get_by_role("button", name=re.compile("^Lost")).count() == 0
    opened.close()


def test_where_the_first_screen_has_no_pictures_the_examples_are_all_there(browser: Any, tmp_path: Path) -> None:
    head, content = made_head(300)
    head["pictures"] = None
    path = tmp_path / "bare.html"
    path.write_text(made_page(head, content).replace('<div id="wall"></div>', ""), encoding="utf-8")
    opened = Opened(browser, SIZES[0])
    page = opened.open(path.as_uri())
    before, after = Truth(head, content).labels(GMP, 0.95)
    page.get_by_role("button", name=re.compile("^All changes")).click()
    assert chosen(page) == (before != after).sum()
    assert page.locator("#explorer .x-said").count() == 1
    assert page.get_by_role("heading", name="Labels, dense → pruned").is_visible()
    assert page.get_by_role("button", name="Save as CSV").is_visible()
    wall_tile(page, 0)
    page.wait_for_selector(".x-panel:not([hidden])")
    assert "ex=" in hash_of(page)
    assert axe(page) == []
    opened.close()


def test_no_serious_finding_of_axe(sized: Opened, address: str) -> None:
    page = sized.open(f"{address}#arm={GMP}&s=0.95&kind=lost&class=3")
    assert axe(page) == []
    wall_tile(page, 0)
    page.wait_for_selector(".x-panel:not([hidden])")
    assert axe(page) == []


def test_what_it_cannot_read_leaves_the_page_as_it_was(browser: Any, tmp_path: Path) -> None:
    head, content = made_head(50)
    head["format"] = 2
    page_text = made_page(head, content).replace('<div id="wall"></div>', '<div id="wall"><p>as it was</p></div>')
    (tmp_path / "later.html").write_text(page_text, encoding="utf-8")
    opened = Opened(browser, SIZES[0])
    opened.page.goto((tmp_path / "later.html").as_uri())
    opened.page.get_by_text("The explorer could not start").wait_for()
    assert opened.page.locator("#wall").inner_text() == "as it was"
    opened.close()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_pictures_fall_only_where_things_may_move(motion: str, browser: Any, address: str) -> None:
    opened = Opened(browser, SIZES[0], reduced_motion=motion)
    page = opened.open(address)
    assert_drawn(page, ".x-scroll canvas")
    at_once, at_last = page.evaluate(
        """async () => {
          const canvas = document.querySelector(".x-scroll canvas");
          const now = performance.now();
          performance.now = () => now;  // a fall that began does not end
          document.querySelectorAll("#dial .x-chip")[1].click();
          await new Promise(requestAnimationFrame);
          const first = canvas.toDataURL();
          delete performance.now;
          await new Promise(done => setTimeout(done, 900));
          return [first, canvas.toDataURL()];
        }"""
    )
    assert (at_once == at_last) == (motion == "reduce")
    opened.close()


def test_what_falls_is_drawn_once_a_frame_however_often_it_changes(opened: Opened, address: str) -> None:
    page = opened.open(address)
    assert_drawn(page, ".x-scroll canvas")
    drawn = page.evaluate(
        """async () => {
          const [wall, frame] = [document.querySelector(".x-scroll canvas"), () => new Promise(requestAnimationFrame)];
          const [clear, now] = [CanvasRenderingContext2D.prototype.clearRect, performance.now()];
          let drawn = 0;
          CanvasRenderingContext2D.prototype.clearRect = function (...box) {
            drawn += this.canvas === wall;
            clear.apply(this, box);
          };
          performance.now = () => now;
          for (const index of [1, 2, 0, 1]) {
            document.querySelectorAll("#dial .x-chip")[index].click();
            await frame();
          }
          drawn = 0;
          for (let index = 0; index < 5; index++) await frame();
          return drawn;
        }"""
    )
    assert drawn == 5


def test_sheets_of_pictures_are_decoded_once_beside_the_page_one_after_the_other(browser: Any, tmp_path: Path) -> None:
    opened = Opened(browser, SIZES[0])
    opened.page.add_init_script(
        """const decode = createImageBitmap;
        [window.asked, window.open, window.most] = [[], 0, 0];
        window.createImageBitmap = async source => {
          asked.push(source.constructor.name);
          most = Math.max(most, ++open);
          try { return await decode(source); } finally { open--; }
        };"""
    )
    page = opened.open(written(made_head(3000), tmp_path / "sheets.html"))
    for _ in range(3):
        page.locator(".x-scroll").press("End")
    until(page, "asked.length > 1 && open === 0")
    assert page.evaluate("[[...new Set(asked)].join(), most]") == ["Blob", 1]
    assert page.evaluate("asked.length") <= len(
        page.evaluate("JSON.parse(document.getElementById('explorer-head').textContent).pictures.sheets")
    )
    opened.close()


def test_it_follows_the_light(opened: Opened, address: str) -> None:
    page = opened.open(address)
    cell = """() => { const heat = document.querySelector(".x-heat"); const copy = document.createElement("canvas");
      copy.width = copy.height = 1;
      const context = copy.getContext("2d"); context.drawImage(heat, heat.width - 6, heat.height - 24, 1, 1, 0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data].join(); }"""
    page.locator(".x-heat").scroll_into_view_if_needed()
    assert_drawn(page, ".x-heat")
    light = page.evaluate(cell)
    page.emulate_media(color_scheme="dark")
    until(page, f"({cell})() !== '{light}'")


def test_thousands_of_ids_are_saved(browser: Any, tmp_path: Path) -> None:
    made = made_head(40_000, arms=5, levels=2)
    made[0]["ids"] = [f"a/long/path/of/a/picture/number-{index:09d}.png" for index in range(40_000)]
    made[0]["pictures"] = None
    opened = Opened(browser, SIZES[0], accept_downloads=True)
    page = opened.open(written(made, tmp_path / "large.html") + "#arm=supervised/random&s=0.99")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    download.value.save_as(tmp_path / "chosen.csv")
    lines = (tmp_path / "chosen.csv").read_text().splitlines()
    before, after = Truth(*made).labels("supervised/random", 0.99)
    assert len(lines) - 1 == (before != after).sum()
    assert (tmp_path / "chosen.csv").stat().st_size > 1_500_000
    opened.close()
