"""Pages where people work: in a cell of a notebook, or in the browser."""

from __future__ import annotations

import subprocess
import sys
import threading
import webbrowser
from dataclasses import dataclass
from html import escape
from pathlib import Path

SCREEN, WHOLE = 660, 900
"""Pixels of height of a first screen and of a whole page in a notebook; both can be drawn larger."""

MOST_SHOWN = 32 * 2**20
"""Characters of a page that a notebook takes in: it keeps them in its file."""


@dataclass(frozen=True)
class ShownPage:
    """A page that was opened: in a notebook it shows itself, elsewhere it is its path.

    Attributes:
        path: of the file.
        is_open: a browser was asked to open it.

    Example:
        >>> ShownPage(Path("report.html"), is_open=False)
        ShownPage('report.html')
    """

    path: Path
    is_open: bool

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"ShownPage({str(self.path)!r})"

    def _repr_html_(self) -> str:
        page = self.path.read_text(encoding="utf-8")
        if len(page) > MOST_SHOWN:
            return f"<p>{escape(str(self.path))}: too large for a notebook; open it in a browser.</p>"
        return framed(page, str(self.path), WHOLE, "allow-scripts allow-downloads allow-modals")


def framed(page: str, caption: str, height: int = SCREEN, may: str = "", instead: str = "") -> str:
    """A whole page within a notebook, in a frame of its own.

    A frame, not markup within the notebook: neither's styles reach the other, and what a page holds is not the
    notebook's to run. Where notebooks are shown without being trusted, frames are left out: text stays.

    Args:
        page: HTML that needs no other file.
        caption: a line below it.
        height: pixels.
        may: what the page may do, in the words of the attribute ``sandbox``; empty: nothing but be seen.
        instead: what is read in its place where frames are left out.

    Example:
        >>> framed('<p class="a">', "a < b").count("&lt;p class=&quot;a&quot;&gt;"), "a &lt; b" in framed("", "a < b")
        (1, True)
    """
    look = f"width: 100%; height: {height}px; border: 1px solid #8884; border-radius: 6px; resize: vertical"
    held, title, text = (escape(part) for part in (page, caption, instead))
    frame = f'<iframe srcdoc="{held}" sandbox="{may}" title="{title}" style="{look}">{text}</iframe>'
    return f'{frame}<div style="opacity: .7; font-size: 90%">{title}</div>'


def opened(page: Path) -> ShownPage:
    """Shows a page: in a notebook by what is returned, elsewhere in the browser; prints and awaits nothing."""
    return ShownPage(page, not in_notebook() and open_in_browser(page))


def in_notebook() -> bool:
    """Whether this runs in a kernel, whose front end shows what a cell returns."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def open_in_browser(page: Path) -> bool:
    """Has the user's browser open a file, and does not wait for it; False where there is none."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    nowhere = subprocess.DEVNULL  # a browser of its own session: it outlives the command and says nothing into it
    command = [sys.executable, "-m", "webbrowser", page.absolute().as_uri()]
    browser = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
    threading.Thread(target=browser.wait, daemon=True).start()  # its end is heard of, whenever that is
    return True
