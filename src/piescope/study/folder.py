"""The folder of a study: which study it holds, and whether a run may take it. Loads no torch."""

from __future__ import annotations

import os
import shlex
import tempfile
from contextlib import suppress
from pathlib import Path

from piescope.data.locate import VARIABLE
from piescope.problems import StudyError
from piescope.store import layout, ownership
from piescope.store.catalogue import Catalogue
from piescope.store.durable import write_file
from piescope.store.run_records import DamagedRecordError
from piescope.study.inherit import SEAL, sealed, text_of
from piescope.study.parse import parse_study, study_toml
from piescope.study.plan import make_plan
from piescope.study.spec import Study


def study_of(out: Path) -> Study:
    """The study that a folder holds.

    Raises:
        StudyError: none, or a damaged one.
        OSError: the system does not let study.toml be read, which says nothing of it.
    """
    path = layout.study(out)
    command = f"piescope run STUDY --out {shlex.quote(str(out))}"
    anew = f"{command} writes it anew, with the study that it was made of"
    if not path.is_file():
        is_one = out.is_dir() and ownership.holds_a_study(out)
        cure = anew if is_one else "give the folder that `piescope run` wrote (--out)"
        raise StudyError.of(str(out), "DIR", "no study.toml", "the folder of a study", cure)
    text = ""
    try:
        text = text_of(path, str(path))
        return parse_study(text, str(path))
    except StudyError as error:
        problem = error.problems[0]
        expected, cure = "what a run wrote", anew
        if text.startswith(SEAL):  # a run did write it: of a version that took it
            expected, cure = problem.expected, f"mend that in your study: {command} goes on with it"
        raise StudyError.of(str(path), problem.where, problem.found, expected, cure) from None


def run_again(directory: Path) -> str:
    """The command that goes on with a folder: STUDY and DIR where the folder does not tell study or data.

    Example:
        >>> run_again(Path("nowhere"))
        'piescope run STUDY --out nowhere'
    """
    study, data = str(layout.study(directory)), []
    try:
        if study_of(directory).data.holds is not None and not os.environ.get(VARIABLE):
            data = ["--data-dir", "DIR"]
    except StudyError:
        study = "STUDY"
    return shlex.join(["piescope", "run", study, "--out", str(directory), *data])


def write_study(study: Study, out: Path) -> None:
    """Leaves the resolved study in its folder, untouched if it is there."""
    path, resolved = layout.study(out), sealed(study_toml(study)).encode()
    if not path.is_file() or path.read_bytes() != resolved:
        write_file(path, resolved)


def check_place(study: Study, out: Path, fresh: bool = False) -> None:
    """A run takes a folder that is new, empty, or a study's: its own, or the one that it continues; writes nothing.

    --fresh only takes what it can empty without touching more.

    Raises:
        StudyError: it cannot be taken.
    """
    error = StudyError(str(out))
    if out.exists() and not out.is_dir():
        error.add("--out", "a file", "a folder", "give another path")
    elif out.is_dir() and not ownership.holds_a_study(out):
        if not ownership.is_as_good_as_empty(out):
            error.add("--out", "a folder with other files", "a new or empty folder, or a study's", "give another --out")
    elif out.is_dir() and fresh:
        _check_discard(out, error)
    elif layout.study(out).is_file():
        _check_name(study, out, error)
    error.raise_if_any()


def check_folder(study: Study, out: Path, fresh: bool) -> None:
    """Makes the folder of a run, if there is none and it may have it (`check_place`), and sees that it can be written.

    Raises:
        StudyError: it cannot be taken, or made, or written to.
    """
    check_place(study, out, fresh)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as reason:
        why, expected = reason.strerror or str(reason), "a folder that can be made and written to"
        raise StudyError.of(str(out), "--out", why, expected, "give another --out") from None


def _name_in(out: Path) -> str:
    """The name of the study in a folder; where study.toml is damaged, by the catalogue: a run writes study.toml anew.

    Raises:
        StudyError: both are damaged.
    """
    try:
        return study_of(out).name
    except StudyError:
        with suppress(DamagedRecordError):
            kept = Catalogue.read(layout.catalogue(out))
            if kept is not None:
                return kept.study
        raise


def _check_name(study: Study, out: Path, error: StudyError) -> None:
    """Refuses the folder of a study of another name, but that of one which this study says it continues, and does."""
    name = _name_in(out)
    if name == study.name:
        return
    there = study_of(out)
    lost = models_left_over(study, there)
    if lost:
        fault = f"the study {name!r}, {len(lost)} of whose {there.models} models this one has not"
        expected = f"a new folder, that of {study.name!r}, or one whose models it has all (not so: {lost[0]})"
        cure = f"give another --out; to go on there, {study.name!r} must have all models as {name!r} has them"
        error.add("--out", fault, expected, cure)
    elif name != study.continues:
        fault = f"the study {name!r}, all of whose {there.models} models are this one's, too"
        expected = f"a new folder, that of {study.name!r}, or of the study that it continues"
        cure = f'to go on there, write continues = "{name}" at the top of the study; else give another --out'
        error.add("--out", fault, expected, cure)


def models_left_over(study: Study, other: Study) -> list[str]:
    """The models of another study that are none of this one's; none: this one may go on in that one's folder.

    Example:
        >>> from piescope.study.parse import load_study
        >>> models_left_over(load_study("corti2022-fair"), load_study("corti2022-paper"))
        []
    """
    own = {model.key for arm in make_plan(study).arms for model in arm.models}
    return [model.label for arm in make_plan(other).arms for model in arm.models if model.key not in own]


def _check_discard(out: Path, error: StudyError) -> None:
    """Refuses to empty a folder where that would follow a link, or leave something where a step is to be written."""
    linked = ownership.linked_folders(out)
    if linked:
        fault = f"{linked[0].relative_to(out)} is a link to another place"
        error.add("--fresh", fault, "folders of its own", "remove what is there yourself, or give another --out")
        return
    foreign = ownership.in_the_way(out)
    if foreign:
        fault = f"{foreign[0].relative_to(out)}, which piescope did not write, and {len(foreign) - 1} more"
        error.add("--fresh", fault, "steps without other files in them", "move it elsewhere, or give another --out")
