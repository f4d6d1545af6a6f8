"""One audit: what both sides say goes in, audit.json and examples.parquet come out."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from piescope.auditing import answers
from piescope.auditing.class_measures import measures
from piescope.auditing.groups import Metadata
from piescope.auditing.rows import Shown, write_rows
from piescope.auditing.suspicions import check_accuracy, suspicions
from piescope.auditing.tally import Audited, Tallied, can_suspect_labels, tally, true_labels
from piescope.auditing.widths import check_widths
from piescope.machine import processor, versions
from piescope.measure.label_errors import LEAST_ACCURACY, RULE
from piescope.reading.columns import numpy_of, texts
from piescope.reading.files import fault
from piescope.reading.inputs import SideInput, agreed_truth
from piescope.reading.labels import Classes, resolve_classes
from piescope.reading.matching import Listed, Matched, match
from piescope.reading.parts import LabelColumn, Predictions
from piescope.reading.sides import Side
from piescope.reading.truth_marks import check_no_truth

if TYPE_CHECKING:
    from piescope.auditing.embeddings import Represented
    from piescope.data.pictures import Pictures

STRANGE_SHARE = 0.05
"""Of the examples that may be answered by a class that no label names ..."""

FEWEST_STRANGE = 5
"""... or this many."""

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Question:
    """Everything that an audit is about.

    Attributes:
        dense: what the models before say.
        compressed: what the models after say.
        labels: true labels; None: those that stand beside the predictions, if any.
        metadata: columns to group by.
        represented: representations of both sides.
        pictures: that models looked at.
        class_names: given by the user.
        common: audit the examples that all files have.
        match_tail: ids are paths under different roots.
        is_paired: model k of one side was made from model k of the other.
        seed: of what is drawn.
        notes: more to be said of the inputs.
        expect_accuracy: of the dense side, percent, as the user knows it; None: not told.
        has_said_scores: the user named the columns of scores.
        is_one_file: both sides are the same file.
        batch_size: pictures that models saw at once; None: no model was run.
    """

    dense: SideInput
    compressed: SideInput
    labels: LabelColumn | None = None
    metadata: Metadata | None = None
    represented: Represented | None = None
    pictures: Pictures | None = None
    class_names: Sequence[str] | None = None
    common: bool = False
    match_tail: bool = False
    is_paired: bool = False
    seed: int = 0
    notes: tuple[str, ...] = field(default=())
    expect_accuracy: float | None = None
    has_said_scores: bool = False
    is_one_file: bool = False
    batch_size: int | None = None

    @property
    def truth(self) -> LabelColumn | None:
        """True labels: given, or found beside the predictions; of answers that are right or wrong: right."""
        found = agreed_truth([*self.dense.parts, *self.compressed.parts])
        return found if self.is_right_or_wrong else self.labels or found

    @property
    def is_right_or_wrong(self) -> bool:
        """Whether it is known of each answer only whether it was right.

        Raises:
            InputError: of one side only.
        """
        kinds = {part.is_correctness for side in (self.dense, self.compressed) for part in side.parts}
        if len(kinds) > 1:
            raise fault(
                self.compressed.name,
                "compressed",
                "right or wrong on one side, predictions on the other",
                "the same of both sides",
                "give right or wrong of both (a column named correct), or predictions of both",
            )
        return kinds == {True}


def resolved(question: Question) -> Audited:
    """The comparison behind a question: rows matched, classes agreed upon.

    Raises:
        InputError: files that do not fit together.
    """
    truth = question.truth
    sides = {"dense": question.dense.parts, "compressed": question.compressed.parts}
    others: dict[str, Listed | None] = {"labels": truth, "metadata": question.metadata}
    if question.represented is not None:
        others |= question.represented.listed()
    matched = match(sides, others, question.common, question.match_tail)
    check_no_truth(question.dense.parts, question.compressed.parts, matched)
    check_widths(sides, matched)
    parts = [*question.dense.parts, *question.compressed.parts]
    classes = _classes(parts, truth, question.class_names)
    dense, compressed = (Side(name, side, classes) for name, side in sides.items())
    groups = () if question.metadata is None or truth is None else question.metadata.groups
    if question.is_paired and len(dense.models) != len(compressed.models):
        raise fault(
            question.compressed.name,
            "--paired",
            f"{len(compressed.models)} models",
            f"{len(dense.models)}, as many as on the dense side",
            "model k must come from model k: give both sides in the same order, or leave --paired out",
        )
    return Audited(dense, compressed, matched, classes, truth, groups, question.seed, question.is_paired)


def _classes(parts: Sequence[Predictions], truth: LabelColumn | None, explicit: Sequence[str] | None) -> Classes:
    labelled = {f"{part.source}": part.class_names for part in parts if part.values == "labels"}
    if truth is not None:
        labelled[f"{truth.source} (labels)"] = truth.names
    scored = {
        f"{place} {part.source}": (part.class_names, part.num_classes or 0)
        for place, part in enumerate(parts)
        if part.values != "labels"
    }
    scored = {
        name.split(" ", 1)[1] if len(scored) == len({n.split(" ", 1)[1] for n in scored}) else name: found
        for name, found in scored.items()
    }
    largest = max(
        [part.largest for part in parts] + ([] if truth is None else [truth.largest if truth.names is None else -1]),
        default=-1,
    )
    are_numbers = explicit is None and _are_numbers(parts, truth)
    return replace(resolve_classes(labelled, scored, -1 if are_numbers else largest, explicit), are_numbers=are_numbers)


def _are_numbers(parts: Sequence[Predictions], truth: LabelColumn | None) -> bool:
    """Whether ids of labels are the numbers that name the columns of scores, ``class_1 ...``, not their places."""
    named = [part for part in parts if part.num_classes is not None and part.class_names is not None]
    if not named or not all(name.isdecimal() and str(int(name)) == name for name in named[0].class_names or ()):
        return False
    numbers = [int(name) for name in named[0].class_names or ()]
    seen = set[int]() if truth is None or truth.names is not None else set(truth.ids_that_occur())
    for part in parts:
        if part.values == "labels" and part.class_names is None:
            seen.update(part.ids_that_occur())
    return bool(seen) and seen <= set(numbers)


def answer(question: Question, out: Path, on_progress: OnProgress = lambda _what, _done, _all: None) -> dict[str, Any]:
    """Writes examples.parquet (and images.parquet) and returns the content of audit.json, budgets not judged yet.

    Args:
        question: what is compared.
        out: an existing folder.
        on_progress: hears what is at work, how many examples are done and how many there are.

    Raises:
        InputError: files that do not fit together, or values that are not what they should be.
    """
    from piescope.store import audit_layout

    audited = resolved(question)
    with tempfile.TemporaryDirectory(prefix="piescope-audit-") as scratch:
        tallied = tally(audited, Path(scratch), lambda done: on_progress("comparing", done, audited.matched.examples))
        content = answers.counts(audited, tallied)
        content["right_or_wrong"] = question.is_right_or_wrong
        if question.is_right_or_wrong:  # of no class: what an answer was is not known
            content |= {"classes": [], "confusions": [], "calibration": None}
        content["measures"] = None if question.is_right_or_wrong else measures(audited, tallied)
        content["warnings"] = [] if question.is_right_or_wrong else suspicions(audited, tallied)
        if question.is_one_file:
            content["warnings"] = [{"kind": "one_file", "name": question.dense.name}, *content["warnings"]]
        content["inputs"] = _inputs(question, audited)
        content["made_with"] = _made_with((question.dense, question.compressed))
        _check_order(question, audited, tallied)
        _check_strangers(question, audited, tallied, content["warnings"])
        if question.expect_accuracy is not None:
            check_accuracy(question.expect_accuracy, content, question.dense.name)
        confirmed, largest = answers.confirmed(audited, tallied)
        content["confirmed"] = confirmed
        why_not = _no_suspicion(audited, content["accuracy"], question.is_right_or_wrong)
        if why_not:
            tallied.thresholds = None
        content["embeddings"], extra = _embeddings(question, audited, tallied)
        cells = [row.pop("_cell") for row in content["confusions"]]
        target = audit_layout.examples(out)
        written = target.with_name(f".tmp-{target.name}")
        try:
            shown = write_rows(audited, tallied, written, largest, cells, extra)
            written.replace(target)
        finally:
            written.unlink(missing_ok=True)
    for row, cell in zip(content["confusions"], cells, strict=True):
        row["examples"] = [each["id"] for each in shown.in_cells[cell]]
    content["harmed"] = shown.harmed
    content["label_errors"] = {
        "count": None if why_not else shown.label_error_count,
        "why_not": why_not,
        "rule": RULE,
        "examples": shown.label_errors,
    }
    content["what_if"], content["budgets"] = [], []
    if question.pictures is not None:
        _write_images(question.pictures, shown, audit_layout.images(out))
    return content


def _check_order(question: Question, audited: Audited, tallied: Tallied) -> None:
    """Refuses class ids whose order among named columns is not sure: another order fits better.

    Raises:
        InputError: it is not sure which id is which class.
    """
    truth = audited.truth
    named = [
        part.class_names
        for side in (question.dense, question.compressed)
        for part in side.parts
        if part.num_classes is not None and part.class_names is not None
    ]
    if truth is None or truth.names is not None or question.class_names is not None or not named:
        return
    if _is_best_order(tallied, audited.classes.count):
        return
    raise fault(
        truth.source,
        "labels",
        "class ids, where the scores are of named classes: another order than that of the columns fits them better",
        "class names, or ids in the order of the columns",
        "say which id is which class: --classes FILE, one name a line, in order of their ids",
    )


def _check_strangers(
    question: Question, audited: Audited, tallied: Tallied, warnings: Sequence[dict[str, Any]]
) -> None:
    """Refuses a class that no label ever names and that the dense side answers often: a column that is no class.

    Raises:
        InputError: there is one, and neither the user nor a renaming of classes accounts for it.
    """
    if (
        audited.truth is None
        or question.is_right_or_wrong
        or question.class_names is not None
        or question.has_said_scores
    ):
        return
    if any(warning["kind"].endswith("relabelled") for warning in warnings):
        return
    known = {true for true, _ in tallied.cells}
    said = Counter[int]()
    for (_, answer_), examples in tallied.cells.items():
        said[answer_] += examples
    stranger = max((label for label in said if label not in known), key=said.__getitem__, default=None)
    if stranger is None or said[stranger] < max(FEWEST_STRANGE, STRANGE_SHARE * tallied.examples):
        return
    name = audited.classes.names[stranger]
    raise fault(
        question.dense.name,
        "classes",
        f"{name!r} answered for {said[stranger]:,} of {tallied.examples:,} examples, and no true label ever names it",
        "classes that the labels name",
        "if it is no class, leave its column out: --score-columns A,B,C; if it is one, name them all: --classes FILE",
    )


def _is_best_order(tallied: Tallied, count: int) -> bool:
    """Whether no other assignment of ids to classes makes the dense side right more often."""
    from scipy.optimize import linear_sum_assignment

    cells = np.zeros((count, count), np.int64)
    for (true, said), examples in tallied.cells.items():
        cells[true, said] = examples
    return bool(cells[linear_sum_assignment(cells, maximize=True)].sum() == np.trace(cells))


def _no_suspicion(audited: Audited, accuracy: dict[str, Any] | None, is_right_or_wrong: bool) -> str:
    """Why no labels can be suspected; empty: they can."""
    if is_right_or_wrong:
        return "right and wrong alone say nothing of the labels"
    if accuracy is None:
        return "there are no true labels"
    if not can_suspect_labels(audited):
        return "labels of few models say nothing of how sure they are: give probabilities, or five models or more"
    if accuracy["dense"] < LEAST_ACCURACY:
        return f"the dense side gets less than {LEAST_ACCURACY:.0f} % right: its own errors would be among them"
    return ""


def _embeddings(
    question: Question, audited: Audited, tallied: Tallied
) -> tuple[dict[str, Any] | None, dict[str, np.ndarray]]:
    if question.represented is None:
        return None, {}
    from pyarrow import parquet

    from piescope.auditing.embeddings import represent

    held = parquet.read_table(tallied.rows, columns=["dense", "compressed"])
    modal = {side: numpy_of(held.column(side)).astype(np.int64) for side in ("dense", "compressed")}
    truth = true_labels(audited, 0, audited.matched.examples)
    return represent(
        question.represented, audited.matched, None if truth is None else truth.astype(np.int64), modal, question.seed
    )


def _write_images(pictures: Pictures, shown: Shown, target: Path) -> None:
    """PNGs of the examples that people look at, by id."""
    from pyarrow import parquet

    from piescope.auditing.thumbnails import thumbnail

    chosen = {
        row["id"]: row["row"] for rows in (shown.harmed, shown.label_errors, *shown.in_cells.values()) for row in rows
    }
    names = list(chosen)
    images = [thumbnail(pictures.batch(chosen[name], chosen[name] + 1)[0]) for name in names]
    parquet.write_table(pa.table({"id": texts(names), "png": pa.array(images, pa.binary())}), target)


def _inputs(question: Question, audited: Audited) -> dict[str, Any]:
    matched = audited.matched
    notes = [*question.notes, *_of_both(question.dense, question.compressed), *matched.notes]
    for side in (audited.dense, audited.compressed):
        if side.is_mixed:
            notes.append(f"{side.name}: labels and scores mixed; only labels are used")
    if audited.dense.has_scores != audited.compressed.has_scores:
        notes.append("only one side has probabilities: calibration and confidence are left out")
    if audited.classes.are_numbers:
        name = audited.classes.names[0]
        notes.append(f"ids of labels are the numbers of the columns of scores: {name} is the first, numbered {name}")
    if question.metadata is not None and audited.truth is None:
        notes.append("metadata is not used: without true labels there is no accuracy of a group")
    if question.is_right_or_wrong:
        notes.append(
            "only right and wrong are known: what concerns classes is left out"
            + (f"; {question.labels.source} is not needed" if question.labels is not None else "")
        )
    metadata, truth = question.metadata, audited.truth
    pictures = question.pictures
    return {
        "dense": _side(question.dense, audited.dense),
        "compressed": _side(question.compressed, audited.compressed),
        "labels": None if truth is None else {"name": truth.source, "told": list(truth.told)},
        "metadata": None
        if metadata is None
        else {
            "name": metadata.source,
            "columns": [group.column for group in metadata.groups],
            "told": list(metadata.told),
        },
        "data": None
        if pictures is None
        else {"name": pictures.name, "examples": len(pictures), "batch_size": question.batch_size},
        "matched_by": matched.by,
        "left_out": _left_out(matched),
        "notes": list(dict.fromkeys(notes + list(pictures.notes if pictures is not None else ()))),
    }


def _made_with(sides: Sequence[SideInput]) -> dict[str, Any]:
    """Versions of what read the files; of what ran the models, and the processor, if any were run here."""
    ran = [library for side in sides for library in side.ran_with]
    return {
        "processor": processor() if ran else None,
        "libraries": versions(["numpy", "pyarrow", *dict.fromkeys(ran)]),
    }


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


def _side(given: SideInput, side: Side) -> dict[str, Any]:
    told = [
        f"{part.source}: {', '.join(part.told)}" if len(given.parts) > 1 else ", ".join(part.told)
        for part in given.parts
        if part.told
    ]
    return {
        "name": given.name,
        "values": side.values,
        "n_models": len(side.models),
        "models": list(side.models),
        "told": told[:10] + ([f"and {len(told) - 10} more files alike"] if len(told) > 10 else []),
    }


def _left_out(matched: Matched) -> dict[str, int]:
    def most(prefix: str) -> int:
        return max((count for name, count in matched.left_out.items() if name.split()[0] == prefix), default=0)

    return {name: most(name) for name in ("dense", "compressed", "labels")}
