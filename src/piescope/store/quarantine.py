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
    try:
        place.rename(aside)
    except FileNotFoundError:
        return None
    sync_folder(home)
    sync_folder(place.parent)
    write_file(aside.with_name(f"{aside.name}.txt"), f"{why}\n".encode())
    return aside
