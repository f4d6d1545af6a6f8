"""Whether a study's folder is as piescope wrote it: artefacts, records, and what hangs on what. Loads no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from piescope.problems import StudyError
from piescope.store import layout, ownership
from piescope.store.arithmetic import ArithmeticRecord
from piescope.store.artefacts import Store
from piescope.store.catalogue import Catalogue
from piescope.store.checkpoints import UnusableCheckpointError, check_checkpoint
from piescope.store.failures import Failure
from piescope.store.run_records import DamagedRecordError, ResultsManifest
from piescope.store.verifying import verified
from piescope.study.catalogue import catalogue_of, look_at
from piescope.study.folder import study_of
from piescope.study.plan import Plan, make_plan
from piescope.wording import counted

EARLIER = "of an earlier state of the folder: `piescope report` makes it anew"
UNSEALED = "of a version that kept neither what parents were nor a hash of the manifest: only files were compared"


@dataclass
class Verification:
    """What was read, and what is not as it was written.

    Attributes:
        steps: finished ones that were found.
        files: of theirs.
        bytes: of these files.
        before: steps that an interrupted verification had read already.
        faults: what does not verify: its place in the folder, and why.
        notes: what is no fault.
    """

    steps: int = 0
    files: int = 0
    bytes: int = 0
    before: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(out: Path, threads: int, on_bytes: Callable[[int], None]) -> Verification:
    """Compares everything in a study's folder with its hashes; see `piescope.store.verifying`.

    Raises:
        StudyError: it holds no study.
    """
    if not out.is_dir() or not ownership.holds_a_study(out):
        study_of(out)  # says what is wrong with it
    found, plan, damaged = Verification(), None, list[str]()
    try:
        plan = make_plan(study_of(out))
    except StudyError as error:
        damaged = [f"study.toml: {problem.where}: {problem.found}" for problem in error.problems]
    except OSError as error:
        damaged = [f"study.toml: {error.strerror}"]
    _artefacts(out, plan, threads, on_bytes, found)
    if found.steps or os.path.lexists(layout.study(out)):  # a run that was killed at once wrote neither
        found.faults = damaged + found.faults
    found.faults += _damaged_records(out)
    if plan is not None:
        _together(plan, Store(out), found)
    return found


def _artefacts(
    out: Path, plan: Plan | None, threads: int, on_bytes: Callable[[int], None], found: Verification
) -> None:
    labels = {} if plan is None else {(step.kind, step.key): step.label for step in plan.steps}
    unsealed = 0
    for one in verified(out, threads, on_bytes):
        found.steps += 1
        found.files += one.files
        found.bytes += one.bytes
        found.before += one.before
        unsealed += not one.has_seal
        if one.fault:
            label = labels.get((one.folder.parent.name, one.folder.name))
            name = str(one.folder.relative_to(out)) + (f" ({label})" if label else "")
            found.faults.append(f"{name}: {one.fault}")
    if unsealed:
        found.notes.append(f"{counted(unsealed, 'finished step')} {UNSEALED}")


def _damaged_records(out: Path) -> Iterator[str]:
    """Of those that stand alone."""
    for path in sorted(layout.failures(out).glob("*.json")):
        try:
            failure = Failure.read(path)
            if failure and failure.key not in ("", path.stem):
                yield f"{path.relative_to(out)} is that of another step, {failure.label}"
        except DamagedRecordError as error:
            yield str(error)
    for folder in (layout.checkpoints(out), layout.forks(out)):
        for path in ownership.of_keys(folder, ".safetensors"):
            try:
                check_checkpoint(path)
            except UnusableCheckpointError as error:
                yield f"{path.relative_to(out)}: {error}; no training goes on from it, one does its steps anew"
    for read, path in (
        (Catalogue.read, layout.catalogue(out)),
        (ArithmeticRecord.read, layout.arithmetic(out)),
        (ResultsManifest.read, layout.results_manifest(out)),
    ):
        try:
            record = read(path)
        except DamagedRecordError as error:
            yield str(error)
        else:
            changed = record.changed(out) if isinstance(record, ResultsManifest) else []
            yield from (f"{name} is not as it was written; {ResultsManifest.CURE}" for name in changed)
            if record is None and path == layout.results_manifest(out) and layout.report(out).exists():
                yield f"results/{layout.MANIFEST} is gone: nothing says what the page is; {ResultsManifest.CURE}"


def _together(plan: Plan, store: Store, found: Verification) -> None:
    """What does not fit what else is there."""
    fit = look_at(plan, store)
    for unfit in fit.unfit:
        if not unfit.damaged:
            found.faults.append(f"artefacts/{unfit.step.kind}/{unfit.step.key} ({unfit.step.label}): {unfit.why}")
    path = layout.catalogue(store.out)
    if path.is_file() and path.read_bytes() != catalogue_of(plan, store, fit).as_bytes():
        found.notes.append(f"catalogue.json is {EARLIER}")
