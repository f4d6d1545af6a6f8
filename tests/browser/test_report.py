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


def test_no_console_error_no_request_answer_and_evidence_visible(tiny_run: Run, page: Any) -> None:
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    address = (tiny_run.out / "report.html").as_uri()
    page.goto(address)
    assert messages == []
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert page.locator("h1").is_visible() and page.locator(".chip").is_visible()
    curve = page.locator("svg#curve").bounding_box()
    assert curve is not None and curve["width"] > 500 and curve["y"] + curve["height"] < 900  # on the first screen
    assert "A tiny study <of> everything & more" in page.title()
    for heading in ("Is it more than noise?", "Who pays?", "What happened to the representation?", "How sure?"):
        assert page.get_by_role("heading", name=heading, exact=True).is_visible()
    drawer = page.locator("details.drawer", has_text="Figures for a paper")
    drawer.locator("summary").click()
    figures = drawer.locator("img.paper")
    assert figures.count() == 10  # the paper's seven, and three of the noise (too few models for the fourth)
    for index in range(10):
        box = figures.nth(index).bounding_box()
        assert box is not None
        assert box["width"] > 600
        assert box["height"] > 60  # an image that did not decode has no height of its own


def test_images_decode_and_nothing_is_wider_than_the_page(tiny_run: Run, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    opened.goto((tiny_run.out / "report.html").as_uri())
    sizes = opened.evaluate("Array.from(document.images).map(i => [i.complete, i.naturalWidth, i.naturalHeight])")
    assert len(sizes) > 17
    assert all(done and width > 0 and height > 0 for done, width, height in sizes)
    for width in (1200, 860, 700, 390):
        opened.set_viewport_size({"width": width, "height": 800})
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, width
    context.close()


def test_hostile_names_stay_text(tiny_run: Run) -> None:
    text = (tiny_run.out / "report.html").read_text()
    assert "A tiny study &lt;of&gt; everything &amp; more" in text
    assert "Content-Security-Policy" in text
    assert not re.search(r"<script(?! type=\"(?:application/json|text/plain)\"|>\(|>\")", text)
    assert not re.search(r"(src|href)=\"(?!data:|#)", text.split("<script")[0])  # nothing to fetch
    assert str(tiny_run.out) not in text  # a shared report tells no private path
