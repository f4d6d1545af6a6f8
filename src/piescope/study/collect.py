"""What in a study's folder nothing wants any more, and its removal. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from piescope.store import layout, ownership
from piescope.store.artefacts import Store
from piescope.store.durable import leftovers
from piescope.study.folder import study_of
from piescope.study.forks import forks_of, unneeded_forks
from piescope.study.partial import plan_of_what_can_be
from piescope.study.plan import make_plan


@dataclass(frozen=True)
class Unwanted:
    """Something that nothing wants.

    Attributes:
        what: it is, for people: a finished step of another version, ...
        path: of the file or folder.
        files: of it, those that piescope wrote.
        others: files in it that are somebody else's, and stay.
    """

    what: str
    path: Path
    files: tuple[Path, ...]
    others: tuple[Path, ...] = ()

    @property
    def bytes(self) -> int:
        """Of the files that would go."""
        return sum(path.lstat().st_size for path in self.files)


def unwanted(out: Path) -> list[Unwanted]:
    """All that no step of the folder's present study wants, that was set aside, or that killed writers left.

    Raises:
        StudyError: the folder holds no study, or a damaged study.toml: nothing says then what is wanted.
    """
    store = Store(out)
    plan = plan_of_what_can_be(make_plan(study_of(out)), store)
    wanted = {step.key for step in plan.steps}
    wanted |= {item.maps.alone.key for item in plan.arms if item.maps is not None}
    forks = {fork.key for step in plan.steps for fork in forks_of(step)}
    unneeded = [
        Unwanted("all trainings that could begin there are done", path, (path,)) for path in unneeded_forks(plan, store)
    ]
    return [*_steps(out, wanted), *_records(out, wanted | forks), *unneeded, *_set_aside(out), *_leftovers(out)]


def _steps(out: Path, wanted: set[str]) -> Iterator[Unwanted]:
    for folder in ownership.steps(out):
        if folder.name not in wanted:
            yield _folder("a finished step of another version of this study", folder)
    for folder in ownership.empty_folders(out):
        if folder.name not in wanted:  # others are set aside by the next run
            yield Unwanted("an empty folder of what was removed", folder, ())


def _records(out: Path, wanted: set[str]) -> Iterator[Unwanted]:
    trainings = ((layout.checkpoints(out), ".safetensors"), (layout.forks(out), ".safetensors"))
    places = ((layout.failures(out), ".json"), (layout.logs(out), ".log"), *trainings)
    for path in (path for folder, suffix in places for path in ownership.of_keys(folder, suffix)):
        if path.stem not in wanted:
            yield Unwanted("of a step of another version of this study", path, (path,))


def _set_aside(out: Path) -> Iterator[Unwanted]:
    home = layout.quarantine(out)
    there = sorted(home.iterdir()) if home.is_dir() and not home.is_symlink() else None
    if there == []:
        yield Unwanted("an empty folder of what was set aside", home, ())
    for path in there or ():
        if not ownership.is_set_aside(path):
            continue
        if path.is_dir() and not path.is_symlink():
            yield _folder("set aside", path)
        elif path.suffix == ".txt" and path.is_file():
            yield Unwanted("why a step was set aside", path, (path,))
        else:
            yield Unwanted("set aside", path, (), (path,))


def _leftovers(out: Path) -> Iterator[Unwanted]:
    for path in leftovers(out):
        inside = tuple(sorted(each for each in path.rglob("*") if not each.is_dir())) if path.is_dir() else (path,)
        yield Unwanted("what a killed writer left", path, inside)


def _folder(what: str, folder: Path) -> Unwanted:
    listed = {path for path in ownership.of_step(folder) if path.is_file() and not path.is_symlink()}
    there = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    own, others = [path for path in there if path in listed], [path for path in there if path not in listed]
    return Unwanted(what, folder, tuple(own), tuple(others))


def remove(found: list[Unwanted]) -> None:
    """Removes the files that piescope wrote, and folders that are empty then; if it is killed, the next one goes on.

    The manifest of a step goes last: by it the step is known as piescope's.
    """
    for one in found:
        for path in sorted(one.files, key=lambda path: path.name == layout.MANIFEST):
            path.unlink(missing_ok=True)
        folders = [one.path, *one.path.rglob("*")] if one.path.is_dir() and not one.path.is_symlink() else []
        for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            with suppress(OSError):  # somebody put a file there
                folder.rmdir()
        with suppress(OSError):
            one.path.parent.rmdir()
