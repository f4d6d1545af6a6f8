"""The browser that opens the pages: Chromium, without its picture of the world outside."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser.watched import LONG
from conftest import Once

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


SAMPLE = {
    "test_audit_page.py": (
        "wider_than_the_page[(hostile|what-if|many classes)-script]", "wider_than_the_page[(hostile|what-if)-no script]",
        "eight_sheets[(population|hostile)]", "to_ship_and_why[(labels|what-if|identical)]", "drawn", "keyboard",
    ),
    "test_explorer.py": ("every_size[390 dark]", "every_filter", "names_are_text", "first_screen_has_no", "_once_", "never_opens", "long_id"),
    "test_interactions.py": (
        "begins", "dial_by_(mouse|keyboard)", "class_chance", "brush", "kept_by", "back_button", "opens_by_click", "copy_link",
        "saved", "heat_map", "another_method[supervised/gmp]",
    ),
    "test_screens.py": (
        "screen[(study-phone-dark|audit-desk-light|what-if-phone-light)]", "few_sheets", "few_words", "read[study-light]",
    ),
}  # fmt: skip
"""What `make test` has of these files, by parts of names; `make screens` has all."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        parts = SAMPLE.get(item.path.name) if item.path.parent == Path(__file__).parent else None
        if parts is not None and not LONG and not any(re.search(_pattern(part), item.name) for part in parts):
            item.add_marker(pytest.mark.skip(reason="`make screens` has it; here is a sample"))


def _pattern(part: str) -> str:
    return part.replace("[", r"\[").replace("]", r"\]")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync"],
        )  # fmt: skip
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def digits(once: Once) -> Path:
    """The finished study of digits that is kept beside the documents, with its page."""
    from piescope.report.study.build import build_report
    from piescope.study.finished_studies import unpack

    def make(folder: Path) -> None:
        unpack((ROOT / "docs" / "results" / "digits" / "run.zip.zst").read_bytes(), folder)
        assert build_report(folder) is not None

    return once("finished digits", make)
