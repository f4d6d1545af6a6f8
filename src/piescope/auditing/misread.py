"""Refuses what only both sides and the labels together show to be misread, once all is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from piescope.auditing.answers.confusions import ConfusionSums
from piescope.auditing.answers.repeated import repeats
from piescope.auditing.question import Question
from piescope.auditing.tally import Counted
from piescope.reading.files import fault
from piescope.store.audit_answers import AccuracyChange
from piescope.store.audit_inputs import AuditWarning, LabelsRelabelled, NoSharedNames, Renamed, SideRelabelled
from piescope.wording import listed

TOLERANCE = 1.0
"""Points by which the accuracy that a user remembers may be off."""

STRANGE_SHARE = 0.05
"""Of the examples that may be answered by a class that no label names ..."""

FEWEST_STRANGE = 5
"""... or this many."""


def check_repeats(question: Question, counted: Counted) -> None:
    """Refuses a side on which one run is there twice.

    Of copies seeds seem to do nothing, and all that another run does seems to be the compression's doing.

    Raises:
        InputError: names the two.
    """
    for name, places in repeats(counted).items():
        side = question.dense if name == "dense" else question.compressed
        first, *again = (repr(getattr(counted.audited, name).models[place]) for place in places)
        said = f"{listed(again)} {'says' if len(again) == 1 else 'say'} the same as {first}"
        expected = {
            "dense": "runs of other seeds: one that is there again tells nothing of what seeds do",
            "compressed": "copies that differ: those that answer alike are one copy",
        }
        beside = ", and on the other side what belongs to it" if question.is_paired else ""
        cure = f"leave {listed(again)} out{beside}: name the other files, or the other columns, --prediction-column A,B"
        raise fault(side.name, name, f"{said} of all {counted.examples:,} examples", expected[name], cure)


def check_order(question: Question, counted: Counted) -> None:
    """Refuses class ids whose order among named columns is not sure: another order fits better.

    Raises:
        InputError: it is not sure which id is which class.
    """
    truth, sums = counted.audited.truth, counted.get(ConfusionSums)
    parts = [*question.dense.parts, *question.compressed.parts]
    named = any(part.num_classes is not None and part.class_names is not None for part in parts)
    if truth is None or sums is None or truth.names is not None or question.class_names is not None or not named:
        return
    if _is_best_order(sums, counted.audited.classes.count):
        return
    raise fault(
        truth.source,
        "labels",
        "class ids, where the scores are of named classes: another order than that of the columns fits them better",
        "class names, or ids in the order of the columns",
        "say which id is which class: --classes FILE, one name a line, in order of their ids",
    )


def _is_best_order(sums: ConfusionSums, classes: int) -> bool:
    """Whether no other assignment of ids to classes makes the dense side right more often."""
    from scipy.optimize import linear_sum_assignment

    cells = np.zeros((classes, classes), np.int64)
    for (true, predicted), examples in sums.cells.items():
        cells[true, predicted] = examples
    return bool(cells[linear_sum_assignment(cells, maximize=True)].sum() == np.trace(cells))


def check_strangers(question: Question, counted: Counted, warnings: Sequence[AuditWarning]) -> None:
    """Refuses a class that no label ever names and that the dense side answers often: a column that is no class.

    Raises:
        InputError: there is one, and neither the user nor a renaming of classes accounts for it.
    """
    sums, has_named = counted.get(ConfusionSums), question.class_names is not None or question.has_said_scores
    if sums is None or counted.audited.is_right_or_wrong or has_named:
        return
    if any(isinstance(warning, SideRelabelled | LabelsRelabelled) for warning in warnings):
        return
    known = {true for true, _ in sums.cells}
    answered = Counter[int]()
    for (_, predicted), examples in sums.cells.items():
        answered[predicted] += examples
    stranger = max((label for label in answered if label not in known), key=answered.__getitem__, default=None)
    if stranger is None or answered[stranger] < max(FEWEST_STRANGE, STRANGE_SHARE * counted.examples):
        return
    name, many = counted.audited.classes.names[stranger], answered[stranger]
    raise fault(
        question.dense.name,
        "classes",
        f"{name!r} answered for {many:,} of {counted.examples:,} examples, and no true label ever names it",
        "classes that the labels name",
        "if it is no class, leave its column out: --score-columns A,B,C; if it is one, name them all: --classes FILE",
    )


def check_accuracy(
    expected: float,
    accuracy: AccuracyChange | None,
    warnings: Sequence[AuditWarning],
    counted: Counted,
    source: str,
) -> None:
    """Refuses an audit whose dense side is not as accurate as the user knows it to be: the files were misread.

    Args:
        expected: accuracy of the dense side, percent.
        accuracy: what was found; None: there are no true labels.
        warnings: that may say why.
        counted: what was compared.
        source: of the dense predictions.

    Raises:
        InputError: there are no true labels; or the 95 % interval of the accuracy excludes all of ``expected`` and
            the point around it.
    """
    if accuracy is None:
        cure = "name the true labels, --labels FILE, or leave --expect-accuracy out"
        raise fault(source, "--expect-accuracy", "no true labels", "labels to tell an accuracy by", cure)
    dense = accuracy.dense or 0.0
    low, high = (dense if end is None else end for end in accuracy.dense_interval or (None, None))
    if low - TOLERANCE <= expected <= high + TOLERANCE:
        return
    raise fault(
        source,
        "--expect-accuracy",
        f"a dense accuracy of {dense:.1f} % (95 % interval {low:.1f} to {high:.1f})",
        f"{expected:g} %",
        _likely_reason(warnings, counted.audited.matched.by),
    )


def _likely_reason(warnings: Sequence[AuditWarning], matched_by: str) -> str:
    for row in warnings:
        if isinstance(row, LabelsRelabelled):
            what = _in_short(row.renamed, "the labels")
            return f"{what} the dense side would be right in {row.dense[1]:.1f} %: write labels and predictions alike"
        if isinstance(row, SideRelabelled) and row.side == "dense":
            what = _in_short(row.renamed, "the dense side")
            return f"{what} all but {row.after:,} of {row.examples:,} answers would be those of the other side"
        if isinstance(row, NoSharedNames) and "labels" in row.between:
            return f"the labels call a class {row.names[1]!r}, the predictions {row.names[0]!r}: write them alike"
    rows = (
        "rows in another order (ids in all files rule that out), " if matched_by == "row" else "ids of other examples, "
    )
    return f"likely causes: {rows}classes in another order, labels of another split, or another file: check these"


def _in_short(renamed: Renamed, whose: str) -> str:
    if renamed.how == "shift":
        return f"if the ids of {whose} were shifted by {renamed.by:+d},"
    pairs = ", ".join(f"{given} as {meant}" for given, meant in renamed.classes[:3])
    return f"if {whose} were read otherwise ({pairs}{' ...' if renamed.moved > 3 else ''})"
