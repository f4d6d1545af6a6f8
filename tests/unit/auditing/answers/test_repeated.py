"""One run that is there twice is told from runs that agree, as examples are few or easy, or networks dead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_questions import counted, question
from piescope.auditing.answers.repeated import repeats

TRUTH = np.arange(2_000) % 4


def run(seed: int, examples: int = 2_000, wrong: float = 0.1) -> np.ndarray:
    """Labels of a model with errors of its own."""
    random = np.random.default_rng(seed)
    truth = TRUTH[:examples]
    return np.where(random.random(examples) < wrong, random.integers(0, 4, examples), truth)


def logits(seed: int, examples: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(examples, 4)) + 3 * np.eye(4)[TRUTH[:examples]]


def found(folder: Path, dense: list[np.ndarray], compressed: list[np.ndarray], has_labels: bool = True) -> object:
    examples = len(dense[0])
    truth = TRUTH[:examples] if has_labels else None
    asked = question(np.stack(dense), np.stack(compressed), labels=truth)
    return repeats(counted(asked, folder))


@pytest.mark.parametrize("has_labels", [True, False])
def test_a_run_that_is_there_twice_is_told_on_either_side(tmp_path: Path, has_labels: bool) -> None:
    several, twice = [run(0), run(1), run(2)], [run(3), run(4), run(5), run(4)]
    assert found(tmp_path, twice, several, has_labels) == {"dense": (1, 3)}
    assert found(tmp_path, several, twice, has_labels) == {"compressed": (1, 3)}
    assert found(tmp_path, several, twice[:3], has_labels) == {}


def test_two_alone_are_told_by_the_errors_that_they_share(tmp_path: Path) -> None:
    assert found(tmp_path, [run(0), run(0)], [run(1)]) == {"dense": (0, 1)}
    few = [run(0, wrong=0.005)] * 2  # 8 errors: two other models may share them
    assert (few[0] != TRUTH).sum() < 20
    assert found(tmp_path, few, [run(1)]) == {}
    assert found(tmp_path, [run(0), run(0)], [run(1)], has_labels=False) == {}  # nothing tells that they err


def test_scores_that_are_equal_everywhere_are_a_copy_of_few_examples_too(tmp_path: Path) -> None:
    one, other = logits(0, 30), logits(1, 30)
    assert found(tmp_path, [one, one], [other], has_labels=False) == {"dense": (0, 1)}
    assert found(tmp_path, [one, one + 1e-3 * other], [other], has_labels=False) == {}


@pytest.mark.parametrize("of_labels", [True, False])
def test_networks_that_are_dead_say_one_thing_and_are_no_copies(tmp_path: Path, of_labels: bool) -> None:
    """Two of three compressed models answer class 0 always, and with one confidence."""
    if of_labels:
        dead, dense, alive = np.zeros(2_000, np.int64), [run(0), run(1)], run(2)
    else:
        dead, dense, alive = np.zeros((300, 4)), [logits(0, 300), logits(1, 300)], logits(2, 300)
    assert found(tmp_path, dense, [alive, dead, dead]) == {}


def test_models_that_part_in_one_block_only_are_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piescope.auditing.tally.block_size", lambda *_: 137)
    others = [run(3), run(4)]
    for place in (0, 1_999):
        one, other = run(0), run(0)
        other[place] = (other[place] + 1) % 4
        assert found(tmp_path, [one, other, run(1)], others) == {}
    assert found(tmp_path, [run(0), run(0)], others) == {"dense": (0, 1)}
    assert found(tmp_path, [run(0), run(1), run(2), run(1)], others, has_labels=False) == {"dense": (1, 3)}
    rows = np.stack([logits(0, 500), logits(1, 500), logits(0, 500)])
    asked = question(rows, rows[:2] + 1e-3 * rows[1:], labels=TRUTH[:500])
    assert repeats(counted(asked, tmp_path)) == {"dense": (0, 2)}
