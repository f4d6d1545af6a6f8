"""What no honest study has is refused before anything is counted, listed or allocated; what the largest have is not."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import at_most, run_piescope
from made_studies import changed
from piescope.problems import StudyError
from piescope.study.parse import builtin_studies, load_study, parse_study

HOLDS = {"train_examples": 1_000, "test_examples": 1_000, "image_shape": [1, 8, 8], "num_classes": 10}
OWN = {"source": "arrays", "normalisation": {"mean": [0.5], "std": [0.5]}}

ABSURD: list[tuple[str, Any, str]] = [
    ("training.supervised.epochs", 10**12, "training.supervised.epochs"),
    ("training.supcon.head.epochs", 10**6, "training.supcon.head.epochs"),
    ("pruning.one_shot.finetune.epochs", 10**18, "pruning.one_shot.finetune.epochs"),
    ("training.supervised.batch_size", 10**12, "training.supervised.batch_size"),
    ("training.supervised.augmentation", {"pad_and_crop": 10**6}, "training.supervised.augmentation.pad_and_crop"),
    ("training.supcon.projection", [10**9, 10], "training.supcon.projection"),
    ("replicates", 10**7, "replicates"),
    ("replicates", 10**100, "replicates"),
    ("replicates", [1, 2**70], "replicates"),
    ("seed", -(10**400), "seed"),
    ("model.depth", 6 * 10**9 + 4, "model.depth"),
    ("model.width", 10**6, "model.width"),
    ("model", {"depth": 994, "width": 64}, "model: weights, about"),
    ("arms.supervised", ["dense", *(f"p{number}" for number in range(50_000))], "arms.supervised"),
    ("sparsities", [number / 200_000 for number in range(1, 100_000)], "sparsities"),
    ("measures.prediction_depth.points", ["conv1"] * 60_000, "measures.prediction_depth.points"),
    ("measures.projection.sparsities", [0.5] * 100_000, "measures.projection.sparsities"),
    ("data", {**OWN, "holds": {**HOLDS, "train_examples": 10**12}}, "data.holds.train_examples"),
    ("data", {**OWN, "holds": {**HOLDS, "num_classes": 10**12}}, "data.holds.num_classes"),
    ("data", {**OWN, "holds": {**HOLDS, "image_shape": [10**6, 8, 8]}}, "data.holds.image_shape, channels"),
    ("data", {**OWN, "holds": {**HOLDS, "image_shape": [3, 8, 10**9]}}, "data.holds.image_shape, pixels of a side"),
    (
        "data",
        {**OWN, "holds": {**HOLDS, "train_examples": 10**8, "image_shape": [3, 4096, 4096]}},
        "data.holds: bytes of all images",
    ),
]


@pytest.mark.parametrize(
    ("key", "value", "where"), ABSURD, ids=[f"{place} {row[2]}" for place, row in enumerate(ABSURD)]
)
def test_absurd_sizes(key: str, value: Any, where: str) -> None:
    text = changed(key, value)
    assert len(text) < 2_000_000
    with at_most(5), pytest.raises(StudyError) as refused:
        parse_study(text)
    assert where in [problem.where for problem in refused.value.problems]
    assert len(str(refused.value)) < 3_000
    assert "take less" in str(refused.value)


def test_a_grid_of_a_million_steps() -> None:
    with at_most(10), pytest.raises(StudyError, match="2,700,000 models in all arms"):
        parse_study(changed("replicates", 100_000))


def test_many_seeds_are_compared_in_time() -> None:
    with at_most(10), pytest.raises(StudyError, match="more than once"):
        parse_study(changed("replicates", [*range(90_000), 1]))


def test_what_ships_is_far_below() -> None:
    for name in builtin_studies():
        assert load_study(name)
    assert parse_study(changed("training.supervised.epochs", 5_000)).training.supervised is not None
    assert parse_study(changed("training.supervised.augmentation", {"pad_and_crop": 4}))


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_command_ends_before_any_work(command: str, tmp_path: Any) -> None:
    (tmp_path / "study.toml").write_text(changed("training.supervised.epochs", 10**12))
    with at_most(20):
        done = run_piescope(command, "study.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "study.toml: training.supervised.epochs\n  found     1,000,000,000,000\n" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]
