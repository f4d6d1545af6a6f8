"""What is compared with what, and what can be told of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_predictions import made
from made_questions import question
from piescope import audit
from piescope.auditing import audited
from piescope.auditing.audited import Audited, resolved
from piescope.problems import InputError


def of_models(dense: int, compressed: int, scores: bool = False, paired: bool = False) -> Audited:
    data = made(models=6)
    sides = (data.dense, data.compressed) if scores else (data.labels("dense"), data.labels("compressed"))
    return resolved(question(sides[0][:dense], sides[1][:compressed], labels=data.truth, paired=paired))


@pytest.mark.parametrize(
    ("models", "comparison", "is_population"),
    [
        ((1, 1), "one against one", False),
        ((3, 3), "vote against vote", True),
        ((3, 2), "mean over pairs of models", True),
        ((1, 2), "mean over pairs of models", False),
    ],
)
def test_like_is_compared_with_like(models: tuple[int, int], comparison: str, is_population: bool) -> None:
    compared = of_models(*models)
    assert (compared.comparison, compared.is_population) == (comparison, is_population)


def test_pairs_by_descent_need_as_many_models() -> None:
    assert of_models(3, 3, paired=True).has_pairs
    assert not of_models(1, 1, paired=True).has_pairs  # nothing to tell apart
    assert not of_models(3, 3).has_pairs
    with pytest.raises(InputError, match="--paired"):
        of_models(3, 2, paired=True)


@pytest.mark.parametrize(("dense", "scores", "can"), [(1, True, True), (4, False, False), (5, False, True)])
def test_labels_are_suspected_by_probabilities_or_enough_voters(dense: int, scores: bool, can: bool) -> None:
    assert of_models(dense, 2, scores).can_suspect_labels == can


def test_the_noise_floor_is_measured_on_a_sample_that_follows_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(of_models(3, 2).sampled_rows) == len(of_models(4, 1).sampled_rows) == 0
    assert of_models(4, 2).sampled_rows.tolist() == list(range(200))
    monkeypatch.setattr(audited, "SAMPLED", 50)
    rows = of_models(4, 2).sampled_rows
    assert len(set(rows.tolist())) == 50 and (np.diff(rows) > 0).all()
    assert rows.tolist() == of_models(4, 2).sampled_rows.tolist()


def test_true_labels_are_ids_of_the_agreed_classes(tmp_path: Path) -> None:
    names = np.array(["cat", "ant", "bee"])[np.arange(30) % 3]
    compared = resolved(question(names, names, labels=names))
    assert compared.classes.names == ("ant", "bee", "cat")
    labels = compared.true_labels(4, 8)
    assert labels is not None and [compared.classes.names[label] for label in labels] == names[4:8].tolist()
    assert resolved(question(names, names)).true_labels(0, 3) is None


def test_ids_may_be_the_numbers_that_name_columns_of_scores(tmp_path: Path) -> None:
    """``class_1 ... class_3``: the label 3 is the third column, and there is no fourth."""
    scores, truth = made(classes=3).dense[0], made(classes=3).truth
    path = tmp_path / "scores.csv"
    rows = [",".join(f"{score:.6f}" for score in row) for row in scores / scores.sum(1, keepdims=True)]
    path.write_text("\n".join(["class_1,class_2,class_3", *rows]) + "\n")
    compared = resolved(question(path, path, labels=truth + 1))
    assert compared.classes.are_numbers and compared.classes.names == ("1", "2", "3")
    assert compared.true_labels(0, 9).tolist() == truth[:9].tolist()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("names", "is_refused"),
    [
        ((["s0", "s1", "s2"], ["s0", "s1", "s2"]), False),
        ((["s0", "s1", "s2"], ["s2", "s1", "s0"]), True),
        ((["dense-7", "dense-11", "dense-9"], ["int8-11", "int8-7", "int8-9"]), True),
        ((["seed07", "seed11"], ["seed7", "seed11"]), False),
        ((["fp32 a", "fp32 b"], ["int8 b", "int8 a"]), True),
        ((["seed0", "seed1", "seed2"], ["seed1_int8", "seed0_int8", "seed2_int8"]), True),
        ((["seed1", "seed10", "seed2"], ["seed01_int8", "seed02_int8", "seed10_int8"]), True),
        ((["Seed_A", "Seed_B"], ["seed_b", "seed_a"]), True),
        ((["s0_f0", "s1_f0", "s0_f1"], ["s1_f0_q", "s0_f0_q", "s0_f1_q"]), True),
        ((["seed1", "seed2", "seed3"], ["seed1_keep3", "seed2_keep1", "seed3_keep2"]), False),
        ((["run1_epoch2", "run2_epoch1"], ["run1_epoch1", "run2_epoch2"]), False),
        ((["dense_seed0", "dense_seed1"], ["int8_seed0", "int8_seed1"]), False),
        ((["50pct_s0", "50pct_s1"], ["90pct_s0", "90pct_s1"]), False),
        ((["x1", "x1b"], ["y2", "y1"]), False),
    ],
)
def test_pairs_are_by_order_and_names_that_say_otherwise_are_refused(
    names: tuple[list[str], list[str]], is_refused: bool
) -> None:
    random = np.random.default_rng(0)
    sides = [{name: random.integers(0, 3, 40) for name in of_side} for of_side in names]
    asked = question(*sides, paired=True)
    if is_refused:
        with pytest.raises(InputError, match=r"(?s)--paired.*model \d of either side"):
            resolved(asked)
    else:
        resolved(asked)


def test_pictures_beside_predictions_are_those_of_the_examples() -> None:
    labels, pictures = np.arange(20) % 3, np.zeros((15, 4, 4), np.uint8)
    with pytest.raises(InputError, match=r"(?s)--data.*15 pictures.*20, as dense has examples"):
        resolved(question(labels, labels.copy(), dataset=pictures))
    assert resolved(question(labels[:15], labels[:15].copy(), dataset=pictures)).matched.examples == 15


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ([3, 5, 9], ["3", "5", "9"]),
        ([2020, 2021, 2023], ["2020", "2021", "2023"]),
        ([0, 1, 3], ["0", "1", "2", "3"]),  # a class may have no example
        ([1, 2, 3], ["0", "1", "2", "3"]),
    ],
)
def test_ids_with_wide_gaps_are_as_many_classes_as_occur(numbers: list[int], names: list[str]) -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 900)
    sides = [np.where(random.random(900) < 0.9, truth, random.integers(0, 3, 900)) for _ in range(2)]
    ids = np.array(numbers)
    found = audit(*(ids[side] for side in sides), labels=ids[truth], budgets={"max_class_drop": 20})
    plain = audit(*sides, labels=truth, budgets={"max_class_drop": 20})
    assert found["class_names"] == names
    for name in ("accuracy", "changed", "flips"):
        assert found[name] == plain[name]
    assert found.record.budgets[0].verdict == ("kept" if len(names) == 3 else "undecided")
    by_name, expected = ({row["class"]: row["impact"] for row in each["classes"]} for each in (found, plain))
    assert [by_name[str(number)] for number in numbers] == [expected[name] for name in "012"]


def test_numbers_of_classes_may_be_listed() -> None:
    truth, said = np.array([3, 5, 9, 3] * 9), np.array([3, 9, 9, 5] * 9)
    assert audit(truth, said, labels=truth, classes=["3", "5", "9"])["class_names"] == ["3", "5", "9"]
    assert audit(truth, said, labels=truth, classes=["3", "5", "7", "9"])["class_names"] == ["3", "5", "7", "9"]
    with pytest.raises(InputError, match="more than 9"):
        audit(truth, said, labels=truth, classes=["3", "5", "8"])
