"""Hostile texts and pictures through both pages: they are shown as what they are, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import made_hostile
from browser.watched import hidden, spaced, watched
from payloads import PAYLOADS
from piescope import wording
from piescope.report.audit.document import audit_document
from piescope.report.layout.html import page

pytestmark = pytest.mark.browser


def audit_page(is_hostile: bool) -> bytes:
    return page(audit_document(made_hostile.audit(is_hostile=is_hostile)))


PAGES: dict[str, Callable[[bool], bytes]] = {"audit": audit_page}


@pytest.mark.parametrize("kind", PAGES)
def test_every_text_is_shown_and_nothing_else_happens(kind: str, browser: Any, tmp_path: Path) -> None:
    elements = {}
    for is_hostile in (False, True):
        path = tmp_path / f"{is_hostile}.html"
        path.write_bytes(PAGES[kind](is_hostile))
        with watched(browser, path) as seen:
            seen.assert_quiet()
            text = seen.text()
            seen.assert_quiet()
            elements[is_hostile] = seen.elements()
    assert elements[True] == elements[False]
    assert not hidden(text)
    missing = [name for name, payload in PAYLOADS.items() if spaced(wording.name(payload)) not in text]
    assert missing == []
