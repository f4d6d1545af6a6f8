"""One audit: what both sides say goes in, audit.json and examples.parquet come out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

import piescope
from piescope.auditing.answers import FIGURES, SUMS
from piescope.auditing.answers.accuracy import accuracy
from piescope.auditing.answers.calibration import calibration
from piescope.auditing.answers.changed import changed, changed_share
from piescope.auditing.answers.confirmed import confirmed
from piescope.auditing.answers.confusions import Cell, confusions
from piescope.auditing.answers.flips import flips
from piescope.auditing.answers.impacts import classes, confidences, groups
from piescope.auditing.answers.label_errors import LabelThresholds, why_no_suspicion
from piescope.auditing.answers.measures import measures
from piescope.auditing.answers.noise import noise
from piescope.auditing.answers.pairs import seeds
from piescope.auditing.answers.suspicions import suspicions
from piescope.auditing.audited import Audited, resolved
from piescope.auditing.misread import check_accuracy, check_order, check_repeats, check_strangers
from piescope.auditing.options import OnProgress, silent
from piescope.auditing.question import Question
from piescope.auditing.rows import ShownExamples, write_rows
from piescope.auditing.tally import Counted, tally
from piescope.machine import processor, today, versions
from piescope.measure.label_errors import RULE
from piescope.reading.arrow import texts
from piescope.reading.inputs import SideInput
from piescope.reading.matching import Matched
from piescope.reading.sides import Side
from piescope.store import audit_layout
from piescope.store.audit_answers import Confusion, LabelErrors
from piescope.store.audit_inputs import (
    AuditWarning,
    FileRead,
    Inputs,
    MadeWith,
    MetadataRead,
    OneFile,
    PicturesSeen,
    SideRead,
)
from piescope.store.audit_measures import Figure
from piescope.store.audit_record import FORMAT_VERSION, AuditRecord

if TYPE_CHECKING:
    from piescope.data.pictures import Pictures


def answer(question: Question, out: Path, on_progress: OnProgress = silent) -> AuditRecord:
    """Writes examples.parquet (and images.parquet) and returns what was found, budgets not judged yet.

    Args:
        question: what is compared.
        out: an existing folder.
        on_progress: hears what is at work, how many examples are done and how many there are.

    Raises:
        InputError: files that do not fit together, or values that are not what they should be.
    """
    audited = resolved(question)
    with tempfile.TemporaryDirectory(prefix="piescope-audit-") as scratch:
        examples = audited.matched.examples
        kinds = (*SUMS, *FIGURES)
        counted = tally(audited, kinds, Path(scratch), lambda done: on_progress("comparing", done, examples))
        warnings = _warnings(question, counted)
        before_after = accuracy(counted)
        check_repeats(question, counted)
        check_order(question, counted)
        check_strangers(question, counted, warnings)
        if question.expect_accuracy is not None:
            check_accuracy(question.expect_accuracy, before_after, warnings, counted, question.dense.name)
        tested, largest = confirmed(counted)
        why_not = why_no_suspicion(counted, before_after)
        thresholds = None if why_not else counted[LabelThresholds].thresholds
        embeddings, extra = None, dict[str, np.ndarray]()
        if question.represented is not None:
            from piescope.auditing.answers.embeddings import represent

            embeddings, extra = represent(question.represented, counted, question.seed)
        grown = confusions(counted)
        target = audit_layout.examples(out)
        written = target.with_name(f".tmp-{target.name}")
        try:
            cells, has_pictures = [cell for cell, _ in grown], question.pictures is not None
            shown = write_rows(counted, written, largest, thresholds, cells, extra, has_pictures)
            written.replace(target)
        finally:
            written.unlink(missing_ok=True)
    if question.pictures is not None:
        _write_images(question.pictures, shown, audit_layout.images(out))
    return AuditRecord(
        format_version=FORMAT_VERSION,
        piescope=piescope.__version__,
        made_with=_made_with((question.dense, question.compressed)),
        inputs=_inputs(question, audited),
        n_examples=examples,
        is_population=audited.is_population,
        comparison=audited.comparison,
        right_or_wrong=audited.is_right_or_wrong,
        class_names=audited.classes.names,
        warnings=warnings,
        accuracy=before_after,
        flips=flips(counted),
        changed=changed(counted),
        changed_share=changed_share(counted),
        pies=changed(counted),
        seeds=seeds(counted),
        noise=noise(counted),
        confirmed=tested,
        confidence=confidences(counted),
        classes=classes(counted),
        groups=groups(counted),
        confusions=[_with_examples(cell, row, shown) for cell, row in grown],
        measures=measures(counted),
        figures=_figures(counted),
        calibration=calibration(counted),
        harmed=shown.harmed,
        label_errors=LabelErrors(
            count=None if why_not else shown.label_error_count,
            why_not=why_not,
            rule=RULE,
            examples=shown.label_errors,
        ),
        embeddings=embeddings,
        what_if=(),
        budgets=(),
    )


def _figures(counted: Counted) -> dict[str, Figure]:
    sums = [counted.get(kind) for kind in FIGURES]
    return {of.name: of.figure(counted) for of in sums if of is not None}


def _warnings(question: Question, counted: Counted) -> list[AuditWarning]:
    one = OneFile(name=question.dense.name, is_object=not question.files)
    return ([one] if question.is_one_file else []) + suspicions(counted)


def _with_examples(cell: Cell, row: Confusion, shown: ShownExamples) -> Confusion:
    return row.model_copy(update={"examples": tuple(example.id for example in shown.in_cells[cell])})


def _write_images(pictures: Pictures, shown: ShownExamples, target: Path) -> None:
    """PNGs of the examples that people look at, by id."""
    from pyarrow import parquet

    from piescope.auditing.thumbnails import thumbnail

    shown_rows = (shown.harmed, shown.label_errors, *shown.in_cells.values(), shown.pictured)
    chosen = {example.id: example.row for rows in shown_rows for example in rows}
    row_of = {name: row for row, name in enumerate(pictures.ids)}
    if all(name in row_of for name in chosen):  # predictions of some of them, or in another order
        chosen = {name: row_of[name] for name in chosen}
    names = list(chosen)
    images = [thumbnail(pictures.batch(chosen[name], chosen[name] + 1)[0]) for name in names]
    parquet.write_table(pa.table({"id": texts(names), "png": pa.array(images, pa.binary())}), target)


def _inputs(question: Question, audited: Audited) -> Inputs:
    metadata, truth, pictures = question.metadata, audited.truth, question.pictures
    seen = None
    if pictures is not None:
        seen = PicturesSeen(name=pictures.name, examples=len(pictures), batch_size=question.batch_size)
    read = None
    if metadata is not None:
        columns = tuple(group.column for group in metadata.groups)
        read = MetadataRead(name=metadata.source, columns=columns, how_read=metadata.notes)
    return Inputs(
        dense=_side(question.dense, audited.dense),
        compressed=_side(question.compressed, audited.compressed),
        labels=None if truth is None else FileRead(name=truth.source, how_read=truth.notes),
        metadata=read,
        data=seen,
        matched_by=audited.matched.by,
        left_out=_left_out(audited.matched),
        notes=tuple(dict.fromkeys(_notes(question, audited))),
        files=question.files,
        command=question.command,
    )


def _notes(question: Question, audited: Audited) -> list[str]:
    notes = [*question.notes, *_of_both(question.dense, question.compressed), *audited.matched.notes]
    if _are_copies(question):
        notes.append("the files of both sides hold the same bytes: copies, or models that say the same everywhere")
    for side in (audited.dense, audited.compressed):
        if side.is_mixed:
            notes.append(f"{side.name}: labels and scores mixed; only labels are used")
    if audited.dense.has_scores != audited.compressed.has_scores:
        notes.append("only one side has probabilities: calibration and confidence are left out")
    if audited.classes.are_numbers:
        name = audited.classes.names[0]
        are_columns = audited.dense.has_scores or audited.compressed.has_scores
        whose = "of the columns of scores" if are_columns else "of classes, of which there are those that occur"
        notes.append(f"ids of labels are the numbers {whose}: {name} is the first, numbered {name}")
    if question.metadata is not None and audited.truth is None:
        notes.append("metadata is not used: without true labels there is no accuracy of a group")
    if audited.is_right_or_wrong:
        unused = f"; {question.labels.source} is not needed" if question.labels is not None else ""
        notes.append(f"only right and wrong are known: what concerns classes is left out{unused}")
    return notes + list(question.pictures.notes if question.pictures is not None else ())


def _are_copies(question: Question) -> bool:
    """Whether both sides are files, other ones, with the same content."""
    one, other = ([file.sha256 for file in question.files if file.role == role] for role in ("dense", "compressed"))
    is_one = question.is_one_file or question.dense.file is not None
    return bool(one) and None not in one and one == other and not is_one


def _made_with(sides: Sequence[SideInput]) -> MadeWith:
    """Day, processor, and versions of what read the files and of what ran the models, if any were run here."""
    ran = [library for side in sides for library in side.ran_with]
    libraries = versions(["numpy", "pyarrow", *dict.fromkeys(ran)])
    return MadeWith(date=today(), processor=processor(), libraries=libraries)


def _of_both(dense: SideInput, compressed: SideInput) -> list[str]:
    """Notes of both sides; what is said of either alike is said once."""
    one, other = ([_bare(note, side.name) for note in side.notes] for side in (dense, compressed))
    both = [text for text in one if text in other]
    rest = [
        note
        for side, bare in ((dense, one), (compressed, other))
        for note, text in zip(side.notes, bare, strict=True)
        if text not in both
    ]
    return both + rest


def _bare(note: str, name: str) -> str:
    """A note of one model as one of each."""
    if note.startswith(f"{name}: "):
        return f"both models: {note.removeprefix(f'{name}: ')}"
    return f"each model {note.removeprefix(f'{name} ')}" if note.startswith(f"{name} ") else note


def _side(given: SideInput, side: Side) -> SideRead:
    notes = [
        f"{part.source}: {', '.join(part.notes)}" if len(given.parts) > 1 else ", ".join(part.notes)
        for part in given.parts
        if part.notes
    ]
    more = [f"and {len(notes) - 10} more files alike"] if len(notes) > 10 else []
    models = tuple(side.models)
    how_read = (*notes[:10], *more)
    read = SideRead(name=given.name, values=side.values, n_models=len(models), models=models, how_read=how_read)
    return read if given.file is None else read.model_copy(update={"file": given.file})


def _left_out(matched: Matched) -> dict[str, int]:
    def most(prefix: str) -> int:
        return max((count for name, count in matched.left_out.items() if name.split()[0] == prefix), default=0)

    return {name: most(name) for name in ("dense", "compressed", "labels")}
