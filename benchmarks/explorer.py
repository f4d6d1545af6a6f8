"""How soon a page answers its reader: opened, and after each change of method, level or filter; pages of 10,000 and 60,000 examples.

Headless Chromium without a GPU; 5 methods, 6 sparsities, all that a page can have, made-up data. A page is ready when its script has
drawn what is in sight and two frames have passed; a change is done when the frame after it has been painted, at the top of the page and
with the strips, bars and maps in sight. Times are of a machine with nothing else to do.

python benchmarks/explorer.py [--examples 10000 60000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from made_explorer import made_head, made_page

WATCH = """
new MutationObserver(() => {
  if (window.readyAfter || !document.documentElement?.classList.contains("x-ready")) return;
  window.readyAfter = -1;
  requestAnimationFrame(() => requestAnimationFrame(() => { window.readyAfter = performance.now(); }));
}).observe(document, { subtree: true, attributes: true, childList: true });
"""

CHANGES = {
    "method": [("#dial .x-chip", 1), ("#dial .x-chip", 2), ("#dial .x-chip", 0)],
    "kind": [(".x-kind", 3), (".x-kind", 0)],
    "class": [(".x-panel-classes .x-row", 0), (".x-panel-classes .x-row", 0)],
    "mix-up": [(".x-panel-mix .x-row", 0), (".x-panel-mix .x-row", 0)],
    "beyond chance": [(".x-strip input[type=checkbox]", 0), (".x-strip input[type=checkbox]", 0)],
}

CLICK = """async ([selector, index]) => {
  const element = document.querySelectorAll(selector)[index], began = performance.now();
  element.click();
  await new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)));
  return performance.now() - began;
}"""

SETTLED = 900
"""Milliseconds between two changes: nothing of the last one goes on."""


def measured(browser: Any, address: str, rounds: int) -> tuple[list[float], dict[str, list[float]]]:
    """Milliseconds until a page is ready, and those of each kind of change."""
    ready: list[float] = []
    changes: dict[str, list[float]] = {name: [] for name in CHANGES}
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(address)
        while not page.evaluate("window.readyAfter > 0"):
            page.wait_for_timeout(100)
        ready.append(page.evaluate("readyAfter"))
        for place in ("body", ".x-grid"):
            page.evaluate("place => document.querySelector(place).scrollIntoView()", place)
            page.wait_for_timeout(SETTLED)
            for name, clicks in CHANGES.items():
                for click in clicks:
                    changes[name].append(page.evaluate(CLICK, click))
                    page.wait_for_timeout(SETTLED)
        context.close()
    return ready, changes


def said(values: list[float]) -> str:
    return f"median {statistics.median(values):.0f} ms, {min(values):.0f} to {max(values):.0f}, n = {len(values)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, nargs="+", default=[10_000, 60_000])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for examples in arguments.examples:
            page = Path(folder) / f"{examples}.html"
            page.write_text(made_page(*made_head(examples)), encoding="utf-8")
            ready, changes = measured(browser, page.as_uri(), arguments.rounds)
            print(f"{examples} examples, {page.stat().st_size / 1e6:.1f} MB: ready after {said(ready)}")
            for name, values in changes.items():
                print(f"  {name}: {said(values)}")
        browser.close()


if __name__ == "__main__":
    main()
