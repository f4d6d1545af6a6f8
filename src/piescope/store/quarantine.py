"""What does not verify is set aside, never deleted: ``quarantine/KIND-KEY-N``, and why in a file of that name."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from piescope.store import layout
from piescope.store.durable import sync_folder, write_file


def set_aside(out: Path, kind: str, key: str, why: str) -> Path | None:
    """Moves whatever lies in an artefact's place into quarantine, by one rename that follows no link.

    Args:
        out: the study's folder.
        kind: of the artefact.
        key: of the artefact.
        why: one line.

    Returns:
        where it is now; None where nothing lay there (another run was first).
    """
    place, home = layout.artefact(out, kind, key), layout.quarantine(out)
    home.mkdir(exist_ok=True)
    aside = next(free for number in count(1) if not os.path.lexists(free := home / f"{kind}-{key}-{number}"))
    reason = aside.with_name(f"{aside.name}.txt")
    write_file(reason, f"{why}\n".encode())  # first: nothing is set aside without a word, whenever a kill comes
    try:
        place.rename(aside)
    except OSError as error:
        if not os.path.lexists(aside):  # if it is there, another run was first, and chose the same number
            reason.unlink(missing_ok=True)
        if isinstance(error, FileNotFoundError):
            return None
        raise
    sync_folder(home)
    sync_folder(place.parent)
    return aside
