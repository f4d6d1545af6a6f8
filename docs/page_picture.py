"""The picture on top of README.md: the first screen of a page, as Chromium shows it.

python docs/page_picture.py "$(piescope show --no-browser digits)"      writes docs/images/page.png
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parent / "images" / "page.png"
WIDTH, HEIGHT, FINE = 1280, 836, 1.5
"""CSS pixels of the window, and how many of the picture's make one."""


def photographed(page: Path) -> bytes:
    """The first screen as PNG, in light, of 256 colours."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        size = {"width": WIDTH, "height": HEIGHT}
        tab = browser.new_page(viewport=size, device_scale_factor=FINE, color_scheme="light")
        tab.goto(page.absolute().as_uri())
        tab.wait_for_load_state("load")
        tab.wait_for_timeout(2000)  # pictures fade in
        shot = tab.screenshot()
        browser.close()
    small = io.BytesIO()
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(256).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    content = photographed(Path(sys.argv[1]))
    PICTURE.write_bytes(content)
    sys.stdout.write(f"{PICTURE.name}: {len(content):,} bytes\n")
