"""Every page on a desk and on a phone, in light and in dark: nothing is said, asked for or cut off, and all can use it.

Screenshots are left in tests/artefacts/ for people to look at.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from browser.watched import DESK, PHONE, Watched, axe, keep, watched
from conftest import Once, run_piescope
from made_audit import CASES, pictures
from made_pages import audit_page
from piescope.store.audit_record import AuditRecord

pytestmark = [pytest.mark.browser, pytest.mark.sampled(3, of_file=True)]

WINDOWS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": DESK},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
}

MOST_WORDS = 1_500
"""Of a study's page while nothing is unfolded, what its explorer says aside."""

MOST_SHEETS = 8
"""Of paper, of a study."""


@pytest.fixture(scope="module")
def pages(once: Once, digits: Path) -> dict[str, Path]:
    def write(folder: Path) -> None:
        folder.mkdir()
        done = run_piescope("audit", "--demo", "--out", folder / "demo")
        assert done.returncode == 0, done.stderr
        content = CASES["what-if"]
        (folder / "what-if.html").write_bytes(audit_page(AuditRecord.of(content), pictures(content)))

    folder = once("audits to look at", write)
    return {
        "study": digits / "report.html",
        "audit": folder / "demo" / "report.html",
        "what-if": folder / "what-if.html",
    }


def ready(seen: Watched) -> None:
    """Waits for the explorer, where there is one, and walks down the page, so that all is drawn."""
    if seen.page.locator("#explorer-head").count():
        seen.page.wait_for_selector("html.x-ready")
    seen.page.evaluate("() => Promise.all([...document.images].map(image => image.decode().catch(() => 0)))")
    seen.page.evaluate(WALK)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("kind", ["study", "audit", "what-if"])
def test_a_screen(kind: str, window: str, scheme: str, browser: Any, pages: dict[str, Path]) -> None:
    options = {"color_scheme": scheme, "reduced_motion": "reduce", **WINDOWS[window]}
    with watched(browser, pages[kind], **options) as seen:
        ready(seen)
        keep(seen.page, f"{kind}-{window}-{scheme}-first")
        keep(seen.page, f"{kind}-{window}-{scheme}", full_page=True)
        assert_fits(seen, WINDOWS[window]["viewport"]["width"])
        found = axe(seen.page)
        if seen.page.locator("#explorer-head").count():
            seen.page.evaluate(
                "location.hash = '#ex=' + JSON.parse(document.getElementById('explorer-head').text).ids[7]"
            )
            seen.page.locator(".x-panel").wait_for()
            keep(seen.page, f"{kind}-{window}-{scheme}-example")
            assert_fits(seen, WINDOWS[window]["viewport"]["width"])
            found += axe(seen.page)
        assert found == []
        seen.assert_quiet()


WALK = """
async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight / 2) {
    scrollTo({ top: y, behavior: "instant" });
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  scrollTo({ top: 0, behavior: "instant" });
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}
"""


def assert_fits(seen: Watched, width: int) -> None:
    """Nothing is wider than the window, and no words are smaller than can be read."""
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.page.evaluate(SMALLEST) >= 10


SMALLEST = """
() => Math.min(...[...document.querySelectorAll("svg text, p, li, td, th, summary, button, label")]
  .filter(e => e.checkVisibility() && e.textContent.trim() && e.getBoundingClientRect().width > 1)
  .map(e => parseFloat(getComputedStyle(e).fontSize) * (e.ownerSVGElement ? e.getScreenCTM().a : 1)))
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["study", "audit"])
def test_without_a_script_answer_and_evidence_can_be_read(
    kind: str, scheme: str, browser: Any, pages: dict[str, Path]
) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True, color_scheme=scheme, viewport=DESK)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(pages[kind].as_uri())
    keep(page, f"{kind}-no-script-{scheme}")
    assert page.locator(".chip").is_visible() and page.locator("h1").is_visible()
    if kind == "study":
        assert page.locator("svg#curve").bounding_box()["height"] > 200
        assert page.locator("#wall img").count() > 10
        assert not page.locator("section#explorer").is_visible()
    headings = page.locator("main > section:not(#explorer) h2").all()
    assert len(headings) >= 4 and all(heading.is_visible() for heading in headings)
    assert not page.locator(".with-script").first.is_visible() if page.locator(".with-script").count() else True
    assert said == []
    context.close()


def test_a_study_is_read_in_few_words(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    page = context.new_page()
    page.goto(pages["study"].as_uri())
    words = page.locator("body").inner_text().split()
    context.close()
    assert len([word for word in words if re.search(r"\w", word)]) <= MOST_WORDS


@pytest.mark.parametrize("kind", ["study", "audit"])
def test_it_is_printed_on_few_sheets(kind: str, browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(viewport=DESK, reduced_motion="reduce")
    page = context.new_page()
    page.goto(pages[kind].as_uri())
    if kind == "study":
        page.wait_for_selector("html.x-ready")
    printed = page.pdf(
        format="A4", print_background=True, margin=dict.fromkeys(("top", "bottom", "left", "right"), "12mm")
    )
    context.close()
    assert 0 < len(re.findall(rb"/Type\s*/Page\b", printed)) <= MOST_SHEETS


def test_what_is_open_is_printed(browser: Any, pages: dict[str, Path]) -> None:
    with watched(browser, pages["study"], viewport=DESK) as seen:
        drawers = seen.page.locator("section.certainty > details.drawer")
        seen.page.emulate_media(media="print")
        assert not seen.page.locator("section.certainty").is_visible()
        seen.page.emulate_media(media="screen")
        drawers.nth(1).locator("summary").click()
        seen.page.emulate_media(media="print")
        assert [drawers.nth(number).is_visible() for number in range(3)] == [False, True, False]


@pytest.mark.parametrize("window", WINDOWS)
def test_values_behind_the_verdicts_are_seen_without_scrolling_and_a_caption_stays(
    window: str, browser: Any, pages: dict[str, Path]
) -> None:
    width = WINDOWS[window]["viewport"]["width"]
    with watched(browser, pages["study"], **WINDOWS[window]) as seen:
        drawer = seen.page.locator("details.drawer:has(table)", has_text="Effects behind the verdicts")
        drawer.locator("summary").click()
        value = drawer.locator("tbody td").first.bounding_box()
        assert value is not None and value["x"] + value["width"] <= width
        drawer.locator(".scroll").evaluate("box => { box.scrollLeft = 10_000 }")
        caption = drawer.locator("caption").bounding_box()
        assert caption is not None and caption["x"] >= 0 and caption["x"] + caption["width"] <= width
