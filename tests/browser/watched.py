"""A page that is watched while a test reads it: what it says, asks for, violates, and which elements it has."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from payloads import ELEMENT

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

LONG = os.environ.get("PIESCOPE_BROWSER") == "long"
"""Whether all pages are tried at all sizes (`make screens`); `make test` has a sample."""

ARTEFACTS = Path(__file__).parents[1] / "artefacts"

_WATCH = f"""
window.hostileCalls = 0;
window.hostile = () => {{ window.hostileCalls += 1; }};
window.violations = [];
document.addEventListener("securitypolicyviolation", event =>
  window.violations.push(event.effectiveDirective + " " + event.blockedURI + " " + event.sample));
window.added = () => document.querySelectorAll("{ELEMENT}, base, iframe, object, embed, form, meta[http-equiv=refresh], link:not([rel=icon])").length;
"""

_HANDLERS = """
[...document.querySelectorAll("*")].flatMap(e => [...e.attributes]
  .filter(a => /^on/i.test(a.name) || /^\\s*javascript:/i.test(a.value) && /^(href|src|action|formaction|xlink:href)$/i.test(a.name))
  .map(a => e.tagName + " " + a.name + "=" + a.value))
"""

_ELEMENTS = """
[...document.querySelectorAll("*")].map(e => e.localName + " " + e.getAttributeNames()
  .filter(name => !["height", "style", "width"].includes(name)).sort().join(" "))
"""


@dataclass
class Watched:
    """A page and what was seen of it.

    Attributes:
        page: Playwright's.
        address: of the file that it shows.
        messages: of the console, of errors, of dialogs.
        requests: what it asked for, data URIs and the file itself aside.
    """

    page: Any
    address: str
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def assert_quiet(self) -> None:
        """Nothing was said, asked for, violated, run or added."""
        assert self.messages == []
        assert self.requests == []
        assert self.page.evaluate("window.violations") == []
        assert self.page.evaluate("window.hostileCalls") == 0
        assert self.page.evaluate("window.added()") == 0
        assert self.page.evaluate(_HANDLERS) == []

    def elements(self) -> Counter[str]:
        """How many of each kind of element, kinds told apart by the names of their attributes."""
        return Counter(self.page.evaluate(_ELEMENTS))

    def text(self) -> str:
        """All that a reader of the whole page reads, everything that folds unfolded; white space is one space."""
        self.page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        return spaced(self.page.evaluate("document.body.innerText"))

    def first_screen(self) -> str:
        """What stands inside the window, as text."""
        return spaced(self.page.evaluate(_INSIDE))


_INSIDE = """
(() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), seen = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect(), parent = node.parentElement;
    if (box.width && box.height && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth
        && parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) seen.push(node.data);
  }
  return seen.join(" ");
})()
"""


@contextmanager
def watched(browser: Any, path: Path, after: str = "", **options: Any) -> Iterator[Watched]:
    """A file, opened in a context of its own that has no network.

    Args:
        browser: Chromium.
        path: of the page.
        after: of its address: ``#ex=7``.
        options: of Playwright's `new_context`: viewport, color_scheme, has_touch, ...
    """
    context = browser.new_context(offline=True, **{"viewport": DESK, **options})
    context.add_init_script(_WATCH)
    page = context.new_page()
    seen = Watched(page, path.as_uri())
    page.on("console", lambda message: seen.messages.append(message.text))
    page.on("pageerror", lambda error: seen.messages.append(str(error)))
    page.on("dialog", lambda dialog: (seen.messages.append(dialog.message), dialog.dismiss()))
    page.on("popup", lambda popup: seen.messages.append(f"a window: {popup.url}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith("data:") or request.url.partition("#")[0] == seen.address
            else seen.requests.append(request.url)
        ),
    )
    page.goto(seen.address + after)
    yield seen
    context.close()


def axe(page: Any) -> list[str]:
    """Serious and critical findings of axe-core, each with its places."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'], preload: false })")
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]} {' '.join(node['failureSummary'].split())[:300]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:3]
    ]


def keep(page: Any, name: str, **options: Any) -> None:
    """A screenshot, for people to look at: tests/artefacts/NAME.png."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", animations="disabled", **options)


def spaced(text: str) -> str:
    """Text with one space where there is white space."""
    return " ".join(text.split())


def hidden(text: str) -> set[str]:
    """Characters that no eye sees, or that change how others are read; the isolates that the script sets are its own."""
    kinds = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return {letter for letter in text if unicodedata.category(letter) in kinds} - set("\n\u2068\u2069")
