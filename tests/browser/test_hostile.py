"""Hostile texts and pictures through both pages: they are shown as what they are, and nothing else happens."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import made_hostile
from browser.explored import explored
from browser.watched import hidden, spaced, watched
from made_pages import audit_page, study_page
from payloads import PAYLOADS, broken_pictures
from piescope import wording

pytestmark = [pytest.mark.browser, pytest.mark.sampled(3, of_file=True)]

PAGES: dict[str, Callable[[bool], bytes]] = {
    "audit": lambda is_hostile: audit_page(made_hostile.audit(is_hostile=is_hostile)),
    "study": lambda is_hostile: study_page(made_hostile.study(is_hostile=is_hostile)),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], Path]:
    """Both pages, hostile and with plain texts in the same places."""
    folder = tmp_path_factory.mktemp("hostile")
    written = {}
    for kind, make in PAGES.items():
        for is_hostile in (True, False):
            written[kind, is_hostile] = folder / f"{kind}-{is_hostile}.html"
            written[kind, is_hostile].write_bytes(make(is_hostile))
    written["audited", True] = made_hostile.audited(folder)
    return written


ROUNDS = 25 if os.environ.get("PIESCOPE_FUZZ") else 1
"""Pages of names that are made of pieces of several; `make fuzz` has more."""


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_pieces_of_several_texts_in_one_name(seed: int, browser: Any, tmp_path: Path) -> None:
    random = Random(seed)

    def piece() -> str:
        text = random.choice(made_hostile.NAMES)[:80]
        start = random.randrange(len(text))
        return text[start : start + random.randint(1, 20)]

    names = list(dict.fromkeys("".join(piece() for _ in range(random.randint(2, 5))) for _ in range(120)))
    make = random.choice([made_hostile.study, made_hostile.audit])
    path = tmp_path / "report.html"
    path.write_bytes((study_page if make is made_hostile.study else audit_page)(make(tuple(names))))
    with watched(browser, path) as seen:
        if make is made_hostile.study:
            seen.page.wait_for_selector("html.x-ready")
        text = seen.text()
        seen.assert_quiet()
    assert not hidden(text)
    assert [name for name in names if spaced(wording.name(name).removesuffix("…")) not in text] == []  # cut or whole


@pytest.mark.parametrize("kind", PAGES)
def test_every_text_is_shown_and_nothing_else_happens(
    kind: str, browser: Any, pages: dict[tuple[str, bool], Path]
) -> None:
    elements = {}
    for is_hostile in (False, True):
        with watched(browser, pages[kind, is_hostile]) as seen:
            if kind == "study":
                seen.page.wait_for_selector("html.x-ready")
            text = seen.text()
            seen.assert_quiet()
            elements[is_hostile] = seen.elements()
    assert elements[True] == elements[False]
    assert not hidden(text)
    missing = [name for name, shown in payloads(kind).items() if shown not in text]
    assert missing == []


def payloads(kind: str) -> dict[str, str]:
    """How each text is to be seen; a study has no names that are empty."""
    return {name: spaced(wording.name(text)) for name, text in PAYLOADS.items() if text or kind == "audit"}


def test_names_in_files_are_shown_by_their_audit(browser: Any, pages: dict[tuple[str, bool], Path]) -> None:
    with explored(browser, pages["audited", True]) as it:
        text = it.seen.text()
        assert not hidden(text)
        assert [name for name in made_hostile.IN_FILES if spaced(wording.name(name.strip())) not in text] == []


@pytest.mark.parametrize("kind", ["study", "audited"])
def test_the_explorer_shows_every_example_and_class(
    kind: str, browser: Any, pages: dict[tuple[str, bool], Path]
) -> None:
    """Each example is opened by its address; the panel says its id and class, and the address holds it."""
    with explored(browser, pages[kind, True]) as it:
        opened = it.page.evaluate(OPEN_EACH)
        ids = [each["id"] for each in opened]
        assert [each["hash"] for each in opened] == ids
        for each in opened:
            text = spaced(each["text"])
            assert not hidden(text)
            assert spaced(each["id"]) in text
            assert spaced(each["class"]) in text
        classes = {spaced(each["class"]) for each in opened}
        assert len(classes) > 50
        names = {*made_hostile.NAMES, *(name.strip() for name in made_hostile.NAMES)}  # readers of files strip them
        assert classes <= {spaced(wording.printable(name)) for name in names}


OPEN_EACH = """
async () => {
  const head = JSON.parse(document.getElementById("explorer-head").textContent), seen = [];
  for (const id of head.ids.slice(0, 110)) {
    location.hash = "#ex=" + encodeURIComponent(id);
    await new Promise(done => addEventListener("hashchange", () => requestAnimationFrame(done), { once: true }));
    const held = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")).get("ex");
    const panel = document.querySelector(".x-panel");
    seen.push({ id, hash: held, text: panel.innerText, class: panel.querySelector(".x-truth b").innerText });
  }
  return seen;
}
"""


def test_the_explorer_saves_them_and_no_formula(browser: Any, pages: dict[tuple[str, bool], Path]) -> None:
    with explored(browser, pages["study", True]) as it:
        it.chip("What happened", "All changes").click()
        with it.page.expect_download() as saved:
            it.page.get_by_role("button", name="Save as CSV").click()
        rows = list(csv.reader(io.StringIO(Path(saved.value.path()).read_text(encoding="utf-8"), newline="")))
        assert len(rows) > 50 and {len(row) for row in rows} == {len(rows[0])}
        cells = {cell for row in rows for cell in row}
        assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r\n")]
        assert "'=cmd|' /C calc'!A0" in cells


def test_broken_and_huge_pictures_leave_no_hole(browser: Any, tmp_path: Path) -> None:
    """Pictures of an audit's folder that somebody meddled with: what can be seen is seen, the rest is told by its id."""
    audit = made_hostile.audit(is_hostile=False)
    ids = [row.id for row in audit.harmed]
    images = dict(zip(ids, broken_pictures().values(), strict=False))
    assert len(images) == len(broken_pictures())
    path = tmp_path / "report.html"
    path.write_bytes(audit_page(audit, images))
    assert path.stat().st_size < 3_000_000
    with watched(browser, path) as seen:
        seen.text()
        seen.page.evaluate("Promise.allSettled([...document.images].map(image => image.decode()))")
        sizes = seen.page.evaluate(
            "[...document.images].map(image => [image.complete, image.naturalWidth, image.naturalHeight])"
        )
        assert sizes
        assert all(done and width and height for done, width, height in sizes)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1280
        assert (
            max(image.bounding_box()["height"] for image in seen.page.locator("img").all() if image.is_visible()) < 400
        )
        seen.assert_quiet()
