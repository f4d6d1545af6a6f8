"""What only both sides and the labels together show to be misread is refused, and only that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_predictions import NAMES, as_csv, made, table_of_scores
from made_questions import counted, question
from piescope.auditing.answers.accuracy import accuracy
from piescope.auditing.misread import check_accuracy, check_order, check_strangers
from piescope.auditing.question import Question
from piescope.problems import InputError
from piescope.store.audit_answers import AccuracyChange
from piescope.store.audit_inputs import AuditWarning, LabelsRelabelled, NoSharedNames, Renamed, SideRelabelled

SHIFT = Renamed(how="shift", by=1, classes=(("0", "1"),), moved=3)
LABELS = LabelsRelabelled(renamed=SHIFT, dense=(10.0, 80.0), compressed=(9.0, 78.0))
DENSE = SideRelabelled(side="dense", renamed=SHIFT, before=200, after=7, examples=200)
STRANGERS = NoSharedNames(between=("dense", "labels"), names=("cat", "n02123045"))


def of_named_scores(folder: Path, labels: np.ndarray, **options: Any) -> Question:
    """Scores of named classes on both sides, labels as ids."""
    data = made()
    dense, compressed = (
        as_csv(table_of_scores(data, side).drop_columns(["id"]), folder / f"{side}.csv")
        for side in ("dense", "compressed")
    )
    return question(dense, compressed, labels=labels, **options)


def test_ids_in_another_order_than_the_named_columns_are_refused(tmp_path: Path) -> None:
    turned = of_named_scores(tmp_path, 3 - made().truth)
    with pytest.raises(InputError, match="another order than that of the columns fits them better"):
        check_order(turned, counted(turned, tmp_path))
    right = of_named_scores(tmp_path, made().truth)
    check_order(right, counted(right, tmp_path))


def test_the_order_that_the_user_gives_is_not_doubted(tmp_path: Path) -> None:
    turned = of_named_scores(tmp_path, 3 - made().truth, classes=NAMES)
    check_order(turned, counted(turned, tmp_path))


def with_a_stranger(often: int, **options: Any) -> Question:
    """A dense side that answers a class which no label names so often, of 200 examples."""
    truth = np.arange(200) % 3
    dense = truth.copy()
    dense[:often] = 3
    return question(dense, truth, labels=truth, **options)


def test_a_class_that_no_label_names_and_that_is_answered_often_is_refused(tmp_path: Path) -> None:
    strange = with_a_stranger(10)
    with pytest.raises(InputError, match="'3' answered for 10 of 200 examples, and no true label ever names it"):
        check_strangers(strange, counted(strange, tmp_path), ())
    few = with_a_stranger(9)
    check_strangers(few, counted(few, tmp_path), ())


@pytest.mark.parametrize("warning", [LABELS, DENSE])
def test_a_renaming_that_accounts_for_it_is_warned_of_and_not_refused(tmp_path: Path, warning: AuditWarning) -> None:
    strange = with_a_stranger(10)
    check_strangers(strange, counted(strange, tmp_path), [warning])


def test_a_class_that_the_user_names_is_a_class(tmp_path: Path) -> None:
    named = with_a_stranger(10, classes=NAMES)
    check_strangers(named, counted(named, tmp_path), ())


@pytest.mark.parametrize(("expected", "is_refused"), [(59.1, False), (58.9, True), (80.9, False), (81.1, True)])
def test_an_accuracy_is_refused_a_point_beyond_its_interval(tmp_path: Path, expected: float, is_refused: bool) -> None:
    counts = counted(with_a_stranger(0), tmp_path)
    change = AccuracyChange(dense=70.0, dense_interval=(60.0, 80.0))
    if is_refused:
        with pytest.raises(InputError, match=r"70.0 %.*60.0 to 80.0"):
            check_accuracy(expected, change, (), counts, "dense.csv")
    else:
        check_accuracy(expected, change, (), counts, "dense.csv")


@pytest.mark.parametrize(
    ("warnings", "reason"),
    [
        ((), "likely causes: rows in another order"),
        ((LABELS,), r"ids of the labels were shifted by \+1, the dense side would be right in 80.0 %"),
        ((DENSE,), "all but 7 of 200 answers would be those of the other side"),
        ((STRANGERS,), "the labels call a class 'n02123045', the predictions 'cat'"),
    ],
)
def test_a_wrong_accuracy_names_its_likely_reason(
    tmp_path: Path, warnings: tuple[AuditWarning, ...], reason: str
) -> None:
    counts = counted(with_a_stranger(0), tmp_path)
    with pytest.raises(InputError, match=reason):
        check_accuracy(50, accuracy(counts), warnings, counts, "dense.csv")


def test_without_labels_no_accuracy_can_be_expected(tmp_path: Path) -> None:
    counts = counted(question(np.arange(9) % 3, np.arange(9) % 3), tmp_path)
    with pytest.raises(InputError, match="no true labels"):
        check_accuracy(50, accuracy(counts), (), counts, "dense.csv")
