"""When labels can be suspected, and why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_questions import counted, question
from piescope.auditing.answers.accuracy import accuracy
from piescope.auditing.answers.label_errors import LabelThresholds, why_no_suspicion

TRUTH = np.arange(200) % 4
LABELS = np.where(np.random.default_rng(0).random((5, 200)) < 0.93, TRUTH, (TRUTH + 1) % 4)
SCORES = (0.05 + 0.8 * np.eye(4)[LABELS[0]]).astype(np.float32)


def why_not(folder: Path, dense: np.ndarray, compressed: np.ndarray, **options: Any) -> tuple[str, bool]:
    """The reason, and whether there are thresholds."""
    counts = counted(question(dense, compressed, **options), folder)
    return why_no_suspicion(counts, accuracy(counts)), counts.get(LabelThresholds) is not None


@pytest.mark.parametrize("side", [SCORES, LABELS])
def test_probabilities_or_five_votes_are_enough(tmp_path: Path, side: np.ndarray) -> None:
    assert why_not(tmp_path, side, side, labels=TRUTH) == ("", True)
    assert why_not(tmp_path, side, side) == ("there are no true labels", False)


def test_few_votes_say_nothing(tmp_path: Path) -> None:
    reason, has_thresholds = why_not(tmp_path, LABELS[:4], LABELS, labels=TRUTH)
    assert reason.startswith("labels of few models say nothing") and not has_thresholds


def test_a_poor_dense_side_suspects_nobody(tmp_path: Path) -> None:
    reason, _ = why_not(tmp_path, SCORES, SCORES, labels=(TRUTH + 1) % 4)
    assert reason.startswith("the dense side gets less than")


def test_right_and_wrong_suspect_nobody(tmp_path: Path) -> None:
    right = LABELS[0] == TRUTH
    assert why_not(tmp_path, right, right, values="correct")[0] == "right and wrong alone say nothing of the labels"
