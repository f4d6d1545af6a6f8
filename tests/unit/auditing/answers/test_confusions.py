"""Mix-ups that grew."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from made_questions import counted, question
from piescope.auditing.answers import confusions as of_confusions
from piescope.auditing.answers.confusions import ConfusionSums, confusions

TRUTH = np.repeat([0, 1, 2], [40, 40, 20])
DENSE = TRUTH.copy()
DENSE[:3], DENSE[40:44] = 1, 2
COPY = TRUTH.copy()
COPY[:9], COPY[40:42] = 1, 0


def test_cells_that_grew_with_what_moved_in_and_out(tmp_path: Path) -> None:
    """0 for 1 grows from 3 to 9; 1 for 0 from none to 2, out of 1 for 2, which shrinks and is none."""
    grown = confusions(counted(question(DENSE, COPY, labels=TRUTH), tmp_path))
    assert [cell for cell, _ in grown] == [(0, 1), (1, 0)]
    first, second = (row for _, row in grown)
    assert (first.true, first.predicted, first.dense, first.compressed, first.growth) == ("0", "1", 3, 9, 6)
    assert (first.moved_in, first.moved_out, second.moved_in, second.moved_out) == (6, 0, 2, 0)
    assert first.p_value == pytest.approx(stats.binomtest(6, 6).pvalue)
    assert first.q_value == pytest.approx(3 * stats.binomtest(6, 6).pvalue)  # of three cells in which anything moved


def test_only_the_largest_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_confusions, "MOST_CELLS", 1)
    assert [cell for cell, _ in confusions(counted(question(DENSE, COPY, labels=TRUTH), tmp_path))] == [(0, 1)]


def test_over_pairs_of_models_a_cell_has_means(tmp_path: Path) -> None:
    copies = np.stack([COPY, DENSE])
    ((cell, row), *_) = confusions(counted(question(DENSE[None], copies, labels=TRUTH, values="labels"), tmp_path))
    assert cell == (0, 1) and (row.dense, row.compressed, row.growth, row.moved_in) == (3, 6, 3, 3)


def test_the_compressed_sides_cells_follow_from_what_moved(tmp_path: Path) -> None:
    sums = counted(question(DENSE, COPY, labels=TRUTH), tmp_path)[ConfusionSums]
    assert sums.compressed == Counter(zip(TRUTH.tolist(), COPY.tolist(), strict=True))


def test_without_classes_there_is_no_mix_up(tmp_path: Path) -> None:
    assert confusions(counted(question(DENSE, COPY), tmp_path)) == []
    assert confusions(counted(question(DENSE == TRUTH, COPY == TRUTH, values="correct"), tmp_path)) == []
