"""What those who read a text by machine would do with it: build servers with a log, a terminal with letters."""

from __future__ import annotations

import re
import unicodedata

LINE = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")

AT_THE_START = re.compile(r"::|##\[|(---|\+\+\+|~~~|\^\^\^) ")
ANYWHERE = re.compile(r"##(\[|vso\[|teamcity\[)|section_(start|end):\d+:|travis_(fold|time):")


def heard(text: str) -> list[str]:
    """Lines that a build server would take for a command of its own."""
    return [line for line in LINE.split(text) if AT_THE_START.match(line.lstrip()) or ANYWHERE.search(line)]


def unseen(text: str) -> list[str]:
    """Letters that no eye sees, but for line ends: control, direction, tags, lone surrogates."""
    hidden = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return [letter for letter in text if letter != "\n" and unicodedata.category(letter) in hidden]
