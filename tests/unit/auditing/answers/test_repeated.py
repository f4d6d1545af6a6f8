"""One run that is there twice is told from runs that agree, as examples are few or easy, or networks dead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_questions import counted, question
from piescope.auditing.answers.repeated import repeats
from piescope.audits import audit
from piescope.problems import InputError

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


def test_a_run_that_is_there_twice_is_told_on_either_side(tmp_path: Path) -> None:
    several, twice = [run(0), run(1), run(2)], [run(3), run(4), run(5), run(4)]
    assert found(tmp_path, twice, several) == {"dense": [1, 3]}
    assert found(tmp_path, several, [run(4), *twice]) == {"compressed": [0, 2, 4]}
    assert found(tmp_path, several, twice[:3]) == {}
    assert found(tmp_path, twice, several, has_labels=False) == {}  # nothing tells whether they err


def test_errors_that_they_share_tell_and_no_weaker_run_beside_them(tmp_path: Path) -> None:
    assert found(tmp_path, [run(0), run(0)], [run(1)]) == {"dense": [0, 1]}
    few = [run(0, wrong=0.005)] * 2  # 8 errors: two other models may share them
    assert (few[0] != TRUTH).sum() < 20
    assert found(tmp_path, few, [run(1)]) == {}
    assert found(tmp_path, [*few, run(1, wrong=0.6)], [run(2)]) == {}


def test_right_and_wrong_of_bad_models_tell_too(tmp_path: Path) -> None:
    right = (run(0, wrong=0.9) == TRUTH).astype(int)
    other = (run(1, wrong=0.9) == TRUTH).astype(int)
    assert right.mean() < 0.4
    asked = question(np.stack([right, right]), np.stack([other, right]), values="correct")
    assert repeats(counted(asked, tmp_path)) == {"dense": [0, 1]}


def test_errors_that_are_all_one_class_tell_too(tmp_path: Path) -> None:
    said = np.where(run(0, wrong=0.3) == TRUTH, TRUTH, 0)
    assert found(tmp_path, [said, said], [run(1)]) == {"dense": [0, 1]}


def test_scores_that_are_equal_everywhere_are_a_copy_of_few_examples_too(tmp_path: Path) -> None:
    one, other = logits(0, 30), logits(1, 30)
    assert found(tmp_path, [one, one], [other], has_labels=False) == {"dense": [0, 1]}
    assert found(tmp_path, [one, one + 1e-3 * other], [other], has_labels=False) == {}


def test_the_same_scores_with_other_digits_are_one_run_by_their_errors(tmp_path: Path) -> None:
    one = logits(0, 2_000)
    assert found(tmp_path, [one, one.astype(np.float16).astype(float)], [logits(1, 2_000)]) == {"dense": [0, 1]}


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
    assert found(tmp_path, [run(0), run(0)], others) == {"dense": [0, 1]}
    rows = np.stack([logits(0, 500), logits(1, 500), logits(0, 500)])
    asked = question(rows, rows[:2] + 1e-3 * rows[1:])
    assert repeats(counted(asked, tmp_path)) == {"dense": [0, 2]}


def test_the_refusal_names_the_runs_and_what_to_leave_out(tmp_path: Path) -> None:
    twice = [run(0), run(1), run(0), run(0)]
    said = r"(?s)dense\[2\]' and 'dense\[3\]' say the same as 'dense\[0\]'.*runs of other seeds.*leave 'dense\[2\]' and"
    with pytest.raises(InputError, match=said):
        audit(np.stack(twice), np.stack([run(5), run(6)]), labels=TRUTH)
    with pytest.raises(InputError, match=r"(?s)compressed.*copies that differ.*on the other side what belongs to it"):
        audit(np.stack([run(5), run(6)]), np.stack(twice[::2]), labels=TRUTH, paired=True)
