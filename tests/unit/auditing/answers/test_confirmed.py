"""How many changed examples are more than chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_questions import counted, question
from piescope.auditing.answers.confirmed import confirmed
from piescope.measure.significance import confirm, permutation_p_values
from piescope.store.audit_answers import Confirmed


def of(folder: Path, dense: Any, compressed: Any) -> tuple[Confirmed, float]:
    return confirmed(counted(question(dense, compressed, values="labels"), folder))


def test_those_that_the_false_discovery_rate_admits(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    dense = np.where(random.random((6, 120)) < 0.9, 0, 1)
    compressed = np.where(random.random((6, 120)) < np.where(np.arange(120) < 30, 0.02, 0.9), 0, 1)
    answer, largest = of(tmp_path, dense, compressed)
    changed = (dense.sum(0) > 3) != (compressed.sum(0) > 3)  # of three and three the first label wins
    p_values = permutation_p_values(dense, compressed, 2)
    are_confirmed = confirm(p_values, changed).confirmed
    assert answer.pies == are_confirmed.sum() > 10 and answer.why_not == ""
    assert largest == pytest.approx(p_values[are_confirmed].max())
    assert answer.smallest_p == pytest.approx(1 / 462)  # of the deals of twelve votes, half the two that are as far


def test_nothing_is_confirmed_of_single_models(tmp_path: Path) -> None:
    answer, largest = of(tmp_path, np.arange(9) % 2, np.arange(9) % 3)
    assert (answer.pies, answer.smallest_p, largest) == (None, None, -1.0)
    assert answer.why_not.startswith("one model on a side")


def test_too_few_models_are_told(tmp_path: Path) -> None:
    answer, _ = of(tmp_path, np.zeros((2, 9), int), np.ones((2, 9), int))
    assert answer.pies == 0 and answer.why_not == "too few models: no vote could be clear enough"
