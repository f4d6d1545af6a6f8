"""`piescope audit --demo`: an audit of two files that ship, as anybody could have typed it."""

from __future__ import annotations

import shlex
from importlib import resources
from pathlib import Path

from piescope.problems import InputError
from piescope.store.durable import write_file

FOLDER = Path("piescope-demo")
OUT = FOLDER / "audit"
SIDES = "dense.csv", "pruned.csv"
"""Two networks of the study ``digits``, supervised, seed 0: dense, and pruned to 95 % while it was trained. The
probabilities that they give the 797 test digits, written by docs/results/ship.py."""


def lay_out() -> tuple[str, str]:
    """Writes both files into a folder here; their paths.

    Raises:
        InputError: other files of these names are there.
    """
    for name in SIDES:
        content = (resources.files("piescope.auditing") / "demo" / name).read_bytes()
        place = FOLDER / name
        if place.exists() and not (place.is_file() and place.read_bytes() == content):
            found, cure = f"{place} of your own", "go to another folder, or move that file"
            raise InputError.of("audit", "--demo", found, "nothing of that name", cure)
        write_file(place, content)
    return str(FOLDER / SIDES[0]), str(FOLDER / SIDES[1])


def next_lines(out: Path) -> list[str]:
    """What to type next.

    Example:
        >>> next_lines(Path("my audit"))[1]
        "  piescope show 'my audit'"
    """
    typed = shlex.join(["piescope", "audit", *(str(FOLDER / name) for name in SIDES), "--data", "digits"])
    return [
        "look at it, with the pictures of what was lost",
        f"  {shlex.join(['piescope', 'show', str(out)])}",
        "the same, typed; either file has an id and a probability for each class in a row",
        f"  {typed}",
        "with files of your own, in any layout",
        "  piescope audit DENSE.csv COMPRESSED.csv --labels LABELS.csv",
    ]
