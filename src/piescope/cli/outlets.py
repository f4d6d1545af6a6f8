"""Standard output and error as places that can fail without taking the command with them.

A gate's outcome does not depend on who reads along: `piescope audit ... | head -1` ends as it would without `head`.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

from piescope.wording import shown, without_commands

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Outlet(io.FileIO):
    """Writes as long as somebody takes it, and remembers why it stopped.

    Attributes:
        failure: what the system said at the first write that failed; None: none did.
        before: the stream that this one replaces; kept, because one that nobody holds closes its descriptor.
    """

    failure: OSError | None = None
    before: TextIO | None = None

    def write(self, content: ReadableBuffer, /) -> int:
        """Writes; what cannot be written is dropped, so that the caller goes on either way."""
        if self.failure is None:
            try:
                return super().write(content)
            except OSError as reason:
                self.failure = reason
        return memoryview(content).nbytes


def take_over() -> None:
    """Makes stdout and stderr places that never raise; where they are closed, places that lead nowhere.

    A closed descriptor would be given to the next file that is opened, and what a library prints would end up in it.
    """
    if os.name != "posix":
        return
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
        if name != "stdin":
            setattr(sys, name, _text(descriptor, getattr(sys, name)))


SHOWN = {
    "nothing": re.compile(r"([\n\t])"),
    "colours": re.compile(r"([\n\t]|\x1b\[[\d;]*m)"),
    "everything": re.compile(r"([\n\r\t]|\x1b\[[\d;?]*[A-Za-z])"),
}
"""What of control characters is sent on as it is."""

LOOKED_BACK = 64
"""Characters of a line that are kept, to see a command that comes in several parts."""


class Printed(io.TextIOWrapper):
    """The last gate of all that a command prints, by whom ever: names of others are printable long before.

    What no eye sees is spelt out (but for colours where they are shown, and what moves the cursor of a terminal), and
    so is what a build server would take for a command (`piescope.wording.COMMANDS`).
    """

    allowed: re.Pattern[str] = SHOWN["nothing"]
    line: str = ""

    def write(self, text: str, /) -> int:
        """Writes what a person may see."""
        kept = self.allowed.split(text)  # what is allowed stands between what is not looked at
        sent = "".join(part if place % 2 else _spelt(part) for place, part in enumerate(kept))
        sent = without_commands(sent, self.line)
        super().write(sent)
        last = (self.line + sent).rpartition("\n")[2]
        self.line = last if len(last) < LOOKED_BACK else ("." if last.strip() else " ") + last[-LOOKED_BACK:]
        return len(text)


def _spelt(text: str) -> str:
    return text if text.isprintable() else "".join(letter if letter.isprintable() else shown(letter) for letter in text)


def _allowed(before: TextIO | None) -> re.Pattern[str]:
    """By what rich and typer go: a terminal, variables that ask for colours, and GitHub, which shows them."""
    if (before is not None and before.isatty()) or "FORCE_COLOR" in os.environ or "TTY_COMPATIBLE" in os.environ:
        return SHOWN["everything"]
    return SHOWN["colours" if os.environ.keys() & {"GITHUB_ACTIONS", "PY_COLORS"} else "nothing"]


def _text(descriptor: int, before: TextIO | None) -> TextIO:
    """A text stream over an outlet, buffered as the one before it was."""
    by_line = descriptor == 2 or (before is not None and before.isatty())
    encoding = getattr(before, "encoding", None) or "utf-8"
    # a name that the terminal's encoding has not is no reason to end
    errors = "replace" if descriptor == 1 else "backslashreplace"
    outlet = Outlet(descriptor, "wb", closefd=False)
    outlet.before = before
    printed = Printed(io.BufferedWriter(outlet), encoding, errors, line_buffering=by_line)
    printed.allowed = _allowed(before)
    return printed


def lost_output() -> OSError | None:
    """Why stdout could not be written in full; None: it was, or its reader had read enough."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    outlet = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = outlet.failure if isinstance(outlet, Outlet) else None
    return None if failure is None or failure.errno in (errno.EPIPE, errno.ECONNRESET) else failure
