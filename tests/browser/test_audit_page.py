"""report.html of an audit as a reader opens it: from disk, in a browser that may reach nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from browser.watched import LONG
from made_audit import CASES, page, pictures
from piescope.report.audit import headlines
from piescope.store.audit_record import AuditRecord

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("audits") / "a folder with spaces"
    folder.mkdir()
    written = {}
    for index, (name, content) in enumerate(CASES.items()):
        path = folder / f"report-{index}.html"
        path.write_text(page(content, pictures(content) if name in ("probabilities", "hostile") else {}))
        written[name] = path
    return written


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("name", CASES)
def test_no_console_error_no_request_nothing_wider_than_the_page(
    name: str, script: bool, browser: Any, pages: dict[str, Path]
) -> None:
    context = browser.new_context(java_script_enabled=script, offline=True, viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    messages: list[str] = []
    requests: list[str] = []
    opened.on("console", lambda message: messages.append(message.text))
    opened.on("pageerror", lambda error: messages.append(str(error)))
    opened.on("dialog", lambda dialog: messages.append(dialog.message))
    opened.on("request", lambda request: requests.append(request.url))
    address = pages[name].as_uri()
    opened.goto(address)
    assert opened.locator("h1").is_visible()
    for summary in opened.locator("details > summary").all()[:4]:
        if summary.is_visible():
            summary.click()
    assert messages == []
    assert [url for url in requests if not url.startswith("data:")] == [address]
    if script:  # only then can the browser be asked
        for width in (1400, 1000, 701, 700, 480, 360) if LONG else (1400, 700, 360):
            opened.set_viewport_size({"width": width, "height": 800})
            assert opened.evaluate("document.documentElement.scrollWidth") <= width, width
    context.close()


def test_images_decode_and_charts_are_drawn(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    opened.goto(pages["probabilities"].as_uri())
    sizes = opened.evaluate("Array.from(document.images).map(i => [i.complete, i.naturalWidth])")
    assert len(sizes) > 20
    assert all(done and width > 0 for done, width in sizes)
    for index in range(2):
        box = opened.locator("svg.chart").nth(index).bounding_box()
        assert box["width"] > 300 and box["height"] > 200
    # a bar is as wide as its number is large, in the browser's own pixels
    rows = opened.locator("section[aria-labelledby=classes] table.bars").first.locator("tbody tr")
    widths, changes = [], []
    for index in range(rows.count()):
        bar = rows.nth(index).locator("svg rect")
        widths.append(bar.bounding_box()["width"])
        changes.append(abs(float(rows.nth(index).locator("td.change").inner_text().split()[0].replace("−", "-"))))
    assert len(widths) == 10
    per_point = widths[0] / changes[0]
    assert all(
        abs(width - per_point * change) < 0.12 * per_point + 1 for width, change in zip(widths, changes, strict=True)
    )
    context.close()


def test_the_page_is_usable_by_keyboard(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    opened.goto(pages["probabilities"].as_uri())
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.getAttribute('href')") == "#top"
    folded = opened.locator("section[aria-labelledby=confusions] details").first
    folded.locator("> summary").focus()
    opened.keyboard.press("Enter")
    assert folded.get_attribute("open") is not None
    context.close()


@pytest.mark.parametrize("name", CASES)
def test_what_is_open_is_read_in_minutes_and_printed_on_eight_sheets(
    name: str, browser: Any, pages: dict[str, Path]
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.goto(pages[name].as_uri())
    words = re.findall(r"\S*\w\S*", opened.evaluate("document.body.innerText"))
    assert len(words) <= 1500
    assert len(re.findall(rb"/Type\s*/Page\b", opened.pdf(format="A4"))) <= 8
    context.close()


@pytest.mark.parametrize(
    "name", ["labels", "probabilities", "population", "few", "identical", "no true labels", "what-if"]
)
def test_the_first_screen_says_whether_to_ship_and_why(name: str, browser: Any, pages: dict[str, Path]) -> None:
    """In words: nobody needs to know what p or q are."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.goto(pages[name].as_uri())
    heading = opened.locator("h1")
    assert heading.bounding_box()["y"] < 200
    can = "can be shipped|should not be shipped|should not be shipped yet|cannot be judged"
    assert re.search(f"({can})[:.] .+", opened.locator(".finding").inner_text())
    assert not re.search(r"\b[pq] [=<]", opened.locator("header").inner_text())
    assert opened.locator(".chip").inner_text() == headlines.chip(AuditRecord.of(CASES[name])).text
    context.close()


def test_the_ground_is_dark_where_the_reader_s_is(browser: Any, pages: dict[str, Path]) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
        opened = context.new_page()
        opened.goto(pages["what-if"].as_uri())
        grounds.append(opened.evaluate("getComputedStyle(document.body).backgroundColor"))
        texts = opened.locator("svg#curve text").all()
        heights = [text.bounding_box()["height"] for text in texts if text.is_visible()]
        assert heights and min(heights) >= 10  # legible on a phone
        context.close()
    assert [sum(map(int, re.findall(r"\d+", ground)[:3])) > 600 for ground in grounds] == [True, False]
