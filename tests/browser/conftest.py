"""The browser that opens the pages: Chromium, without its picture of the world outside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Once

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


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
