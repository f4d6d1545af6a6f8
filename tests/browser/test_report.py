"""report.html as a reader opens it: from disk, in a browser that may reach nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Run

pytestmark = pytest.mark.browser


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request: pytest.FixtureRequest, browser: Any) -> Iterator[Any]:
    context = browser.new_context(
        java_script_enabled=request.param, offline=True, viewport={"width": 1200, "height": 900}
    )
    yield context.new_page()
    context.close()


def test_no_console_error_no_request_all_images_visible(tiny_run: Run, page: Any) -> None:
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    address = (tiny_run.out / "report.html").as_uri()
    page.goto(address)
    assert messages == []
    assert [url for url in requests if not url.startswith("data:")] == [address]
    figures = page.locator("figure img")
    assert figures.count() == 9  # the paper's seven, and two of the noise (too few models for the third)
    for index in range(9):
        box = figures.nth(index).bounding_box()
        assert box is not None
        assert box["width"] > 600
        assert box["height"] > 60
    assert page.locator("details[open] .tile img").count() > 10
    assert page.locator("details[open] .tile img").first.is_visible()
    # an image that did not decode has no height of its own; the figures' height follows from their content
    page.locator("details:not([open]) summary").first.click()
    assert page.locator("details[open]").count() >= 6
    assert "A tiny study <of> everything & more" in page.title()
    for heading in (
        "In short",
        "Signal or noise?",
        "What was run",
        "Tables",
        "Figures",
        "Lost examples",
        "How to read each measure",
        "Limits",
    ):
        assert page.get_by_role("heading", name=heading, exact=True).is_visible()


def test_images_decode_and_nothing_is_wider_than_the_page(tiny_run: Run, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    opened.goto((tiny_run.out / "report.html").as_uri())
    sizes = opened.evaluate("Array.from(document.images).map(i => [i.complete, i.naturalWidth, i.naturalHeight])")
    assert len(sizes) > 17
    assert all(done and width > 0 and height > 0 for done, width, height in sizes)
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    opened.set_viewport_size({"width": 400, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def test_hostile_names_stay_text(tiny_run: Run) -> None:
    text = (tiny_run.out / "report.html").read_text()
    assert "<h1>A tiny study &lt;of&gt; everything &amp; more</h1>" in text
    assert "Content-Security-Policy" in text
    assert "<script" not in text
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)  # nothing to fetch
    assert str(tiny_run.out) not in text  # a shared report tells no private path
