"""Every file name of an audit's folder, once.

DIR/audit.json          the answers
DIR/audit.md            for a pull request or a model card
DIR/examples.parquet    one row an example
DIR/images.parquet      pictures of the examples that the report shows, where there are any
DIR/report.html
DIR/card.png            the finding as a picture, where it was asked for
DIR/COPY/               the same of each copy, where `--compress` made several
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from piescope.store.durable import is_leftover, naming
from piescope.store.layout import TEMPORARY_PREFIX

AUDIT = "audit.json"

BEFORE = "before"
"""Where files of the last audit lie while those of the next one take their place."""


def audit(out: Path) -> Path:
    """The answers."""
    return out / AUDIT


def markdown(out: Path) -> Path:
    """For a pull request or a model card."""
    return out / "audit.md"


def examples(out: Path) -> Path:
    """One row an example."""
    return out / "examples.parquet"


def images(out: Path) -> Path:
    """Pictures of the examples that the report shows: those of its galleries, and changed ones for its explorer."""
    return out / "images.parquet"


def report(out: Path) -> Path:
    """The report."""
    return out / "report.html"


def card(out: Path) -> Path:
    """The finding as a picture."""
    return out / "card.png"


def is_card(path: Path) -> bool:
    """Whether a picture is a card of piescope's, which says so in its first bytes."""
    return path.is_file() and not path.is_symlink() and b"piescope" in path.read_bytes()[:200]


def copy(out: Path, name: str) -> Path:
    """The folder of one compressed copy: ``magnitude-0.7``."""
    return out / name


def is_audit(out: Path) -> bool:
    """Whether a folder holds an audit."""
    return audit(out).is_file()


def written(out: Path) -> list[Path] | None:
    """The files that a folder's audit consists of, its copies' too; None: the folder holds no audit of piescope's.

    Told by what audit.json holds: other tools write a file of that name, too. Links are not followed. Where an audit
    was killed while its files took their places, its audit.json lies still in the folder that it left behind.

    Raises:
        OSError: the system does not let audit.json be read, which says nothing of it.
    """
    left = [place for place in out.glob(f"{TEMPORARY_PREFIX}audit-*") if is_leftover(place)]
    places = [out] if is_audit(out) else [path for place in left for path in (place, place / BEFORE)]
    contents = [content for content in map(_content, places) if content is not None]
    if not contents:
        return None
    folders = [out]
    for row in [row for content in contents for row in content.get("what_if") or []]:
        name = row.get("folder") if isinstance(row, dict) else None
        if isinstance(name, str) and Path(name).name == name and not copy(out, name).is_symlink():
            folders += [copy(out, name)] if places != [out] or _content(copy(out, name)) is not None else []
    files = [file_of(folder) for folder in folders for file_of in (audit, markdown, examples, images, report)]
    files += filter(is_card, map(card, folders))
    return [file for file in dict.fromkeys(files) if file.is_file() or file.is_symlink()]


def _content(out: Path) -> dict[str, Any] | None:
    if not is_audit(out):  # a pipe is not waited for
        return None
    try:
        with naming(audit(out)):
            content = json.loads(audit(out).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    ours = isinstance(content, dict) and {"format_version", "n_examples", "inputs", "budgets"} <= content.keys()
    return content if ours else None
