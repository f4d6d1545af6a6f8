"""What a study shows in a cell of a notebook, in Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from piescope.runs import StudyRun

NOTEBOOK = """<!doctype html><meta charset="utf-8"><style>h1 {{ color: rgb(1, 2, 3) }} body {{ margin: 0; width: 860px }}</style>
<h1>of the notebook</h1>{cell}"""


@pytest.mark.browser
def test_the_first_screen_is_seen_and_stays_in_its_frame(browser: Any, stored_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "notebook.html"
    path.write_text(NOTEBOOK.format(cell=StudyRun(stored_run)._repr_html_()), encoding="utf-8")
    page = browser.new_page(viewport={"width": 900, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    assert frame.locator("h1").inner_text().startswith("With ")
    for place in (".chip", "svg#curve", "#wall img >> nth=0"):
        box = frame.locator(place).bounding_box()
        outer = page.locator("iframe").bounding_box()
        assert box["y"] + box["height"] <= outer["y"] + outer["height"], place
        assert box["x"] + box["width"] <= outer["x"] + outer["width"], place
    colour = "element => getComputedStyle(element).color"
    assert page.locator("h1").evaluate(colour) == "rgb(1, 2, 3)"
    assert frame.locator("h1").evaluate(colour) != "rgb(1, 2, 3)"
    assert page.locator("body").evaluate("element => getComputedStyle(element).margin") == "0px"
    outside = page.locator("body").inner_text()
    assert repr(StudyRun(stored_run)) in outside and "With " not in outside  # the finding is read once
    assert said == []
    page.close()
