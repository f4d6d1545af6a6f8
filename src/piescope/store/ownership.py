"""What in a study's folder is piescope's own. Nothing else is ever removed or written over.

Told by what files hold, not by what they are called: everybody has folders named ``results`` and ``logs``.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from piescope.store import layout
from piescope.store.audit_layout import is_card
from piescope.store.durable import is_leftover, naming, read_record

KEY = r"[0-9a-f]{32,64}"
STUDY_KEYS = {"name", "seed", "replicates", "sparsities", "data", "model", "arms"}
"""What every study.toml that a run wrote has: it writes defaults out."""


def holds_a_study(out: Path) -> bool:
    """Whether a run made this folder a study's: by its catalogue, a finished step, or its lock beside its study.toml.

    A study.toml alone is none: it may be the very file that its author wrote.
    """
    if _is_catalogue(layout.catalogue(out)) or next(steps(out), None) is not None:
        return True
    return _is_lock(layout.lock(out)) and _is_study(layout.study(out))


def is_as_good_as_empty(out: Path) -> bool:
    """Whether a folder holds nothing, or no more than a run that was killed at once leaves behind."""
    return all(is_leftover(entry) or (entry == layout.lock(out) and _is_lock(entry)) for entry in out.iterdir())


def linked_folders(out: Path) -> list[Path]:
    """Folders of a study that are links to elsewhere, which nothing of ours follows to remove what is there."""
    steps = (layout.artefacts, layout.checkpoints, layout.forks, layout.failures, layout.logs, layout.work)
    own = [each(out) for each in (*steps, layout.quarantine, layout.results)]
    inside = [path for folder in own if folder.is_dir() and not folder.is_symlink() for path in _folders(folder)]
    return [path for path in (*own, *inside) if path.is_symlink()]


def belongings(out: Path) -> list[Path]:
    """Every file below a study's folder that piescope wrote, study.toml last, the lock left out; links are none.

    Results are those that their manifest lists, files of a step those that its manifest lists.
    """
    aside = [path for path in layout.quarantine(out).glob("*") if is_set_aside(path)]
    listed = [
        *(path for folder in (*steps(out), *aside) for path in of_step(folder)),
        *(path for path in aside if path.suffix == ".txt"),
        *of_keys(layout.checkpoints(out), ".safetensors"),
        *of_keys(layout.forks(out), ".safetensors"),
        *of_keys(layout.failures(out), ".json"),
        *of_keys(layout.logs(out), ".log"),
        *_results(out),
        layout.catalogue(out),
        *filter(_is_arithmetic, [layout.arithmetic(out)]),
        layout.running(out),
        layout.verifying(out),
        layout.report(out),
        *filter(is_card, [layout.card(out)]),
        layout.study(out),
    ]
    linked = set(linked_folders(out))
    return [
        path
        for path in dict.fromkeys(listed)
        if path.is_file() and not path.is_symlink() and linked.isdisjoint(path.parents)
    ]


def in_the_way(out: Path) -> list[Path]:
    """Files of somebody else's inside finished steps: a step could not be published there again."""
    own = set(belongings(out))
    return [path for step in steps(out) for path in sorted(step.rglob("*")) if not path.is_dir() and path not in own]


def discard(out: Path) -> None:
    """Removes what piescope wrote, and folders that are empty then; a discard that was killed can be taken up again."""
    files, last = belongings(out), layout.study(out)
    for path in files:
        if path != last:
            path.unlink()
    folders = {folder for path in files for folder in path.parents if out in folder.parents}
    folders.update(_folders_of_steps(out))  # a discard that was killed may have left them empty
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        with suppress(OSError):  # somebody put a file there
            folder.rmdir()
    if last in files:  # until now the folder was known by it
        last.unlink()


def of_keys(folder: Path, suffix: str) -> list[Path]:
    """Files that are called as a step's key, in a folder that has one a step."""
    return sorted(path for path in folder.glob(f"*{suffix}") if re.fullmatch(KEY, path.stem))


def is_set_aside(path: Path) -> bool:
    """Whether something in quarantine/ has a name that `piescope.store.quarantine` gives."""
    return re.fullmatch(rf"[a-z]+-{KEY}-\d+(\.txt)?", path.name) is not None


def steps(out: Path) -> Iterator[Path]:
    """Folders of finished steps.

    Raises:
        OSError: the system does not list a folder, which says nothing of what is in it.
    """
    for folder in _folders_of_steps(out):
        manifest = folder / layout.MANIFEST
        is_step = re.fullmatch(KEY, folder.name) and manifest.exists()
        if is_step and _json(manifest).get("key", folder.name) == folder.name:
            yield folder


def empty_folders(out: Path) -> Iterator[Path]:
    """Folders of steps and of their kinds in which there is nothing: a removal that was killed leaves them."""
    return (folder for folder in _folders_of_steps(out) if next(folder.iterdir(), None) is None)


def _folders_of_steps(out: Path) -> Iterator[Path]:
    """The folders that finished steps stand in, also where nothing stands in them any more."""
    home = layout.artefacts(out)
    if home.is_dir() and not home.is_symlink():
        yield home
        for kind in sorted(home.iterdir()):
            if re.fullmatch("[a-z]+", kind.name) and kind.is_dir() and not kind.is_symlink():
                yield kind
                yield from (step for step in sorted(kind.iterdir()) if re.fullmatch(KEY, step.name) and step.is_dir())


def of_step(folder: Path) -> list[Path]:
    """The files that a step's manifest lists, and itself; of a damaged one, those that a step can have.

    Raises:
        OSError: the system cannot read it, which says nothing of the files.
    """
    manifest = folder / layout.MANIFEST
    try:
        with naming(manifest):
            listed = _object(read_record(manifest)).get("files")
    except (ValueError, RecursionError, FileNotFoundError, NotADirectoryError):
        listed = None
    names = listed if isinstance(listed, dict) else layout.FILES_OF_STEPS  # a manifest that is damaged lists nothing
    return [folder / name for name in (*names, layout.MANIFEST) if Path(name).name == name]


def _results(out: Path) -> list[Path]:
    """Files that the manifest of the results lists, and itself; only those inside ``results``.

    Raises:
        OSError: the system cannot read it, which says nothing of the files.
    """
    manifest, home = layout.results_manifest(out), layout.results(out)
    try:
        with naming(manifest):
            content = _object(read_record(manifest))
    except (ValueError, RecursionError, FileNotFoundError, NotADirectoryError):
        return []
    listed = content.get("files")
    if not isinstance(listed, dict) or "made_from" not in content:
        return []
    paths = [out / str(name) for name in listed]
    return [path for path in paths if home in path.parents and ".." not in path.parts] + [manifest]


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_dir()]


def _is_catalogue(path: Path) -> bool:
    return {"study", "arms", "missing"} <= _json(path).keys()


def _is_arithmetic(path: Path) -> bool:
    return {"arithmetic", "why", "day"} <= _json(path).keys()


def _is_study(path: Path) -> bool:
    try:
        return tomllib.loads(read_record(path).decode()).keys() >= STUDY_KEYS
    except (OSError, ValueError, RecursionError):
        return False


def _is_lock(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; one that is missing or damaged holds nothing."""
    try:
        return _object(read_record(path))
    except (OSError, ValueError, RecursionError):
        return {}


def _object(content: bytes) -> dict[str, Any]:
    value = json.loads(content)
    return value if isinstance(value, dict) else {}
