"""Rows against loops, on made results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from made_results import CASES
from piescope.report.study import frames
from piescope.report.study.gallery import PieTiles, in_order


def test_frames_against_loops() -> None:
    results = CASES["everything"]
    arm = results.find("supervised", "gmp", 0.9)
    other = results.find("supcon", "gmp", 0.9)
    assert arm is not None
    assert other is not None
    rows = [row for row in frames.class_rows(results) if row.arm == arm.key]
    for label, row in enumerate(rows):
        mine = [i for i in range(40) if results.labels[i] == label and arm.columns["is_pie"][i]]
        assert row.pies == len(mine)
        assert row.shared_pies == sum(bool(other.columns["is_pie"][i]) for i in mine)
    (depth,) = [row for row in frames.depth_rows(results) if row.arm == arm.key]
    pies = [arm.columns["pruned_depth"][i] for i in range(40) if arm.columns["is_pie"][i]]
    assert depth.pie.mean == pytest.approx(sum(pies) / len(pies))
    assert depth.pie.std == pytest.approx(np.std(pies, ddof=1))
    (score,) = [row for row in frames.q_score_rows(results) if row.arm == arm.key]
    assert score.q.mean == pytest.approx(sum(arm.columns["pruned_q"]) / 40)


def test_tied_pies_are_counted_and_marked() -> None:
    results = CASES["everything"]
    for arm, row in zip(results.arms, frames.pies_rows(results), strict=True):
        columns = arm.columns
        expected = sum(
            columns["is_pie"][i] and (columns["dense_tie"][i] or columns["pruned_tie"][i]) for i in range(40)
        )
        assert row.tied_pies == expected
    tiles = [tile for arm in results.pruned() for tile in PieTiles(results).of(arm, in_order(arm))]
    tied = sum(row.tied_pies for row in frames.pies_rows(results) if row.arm.pruning != "dense")
    assert sum(any(tag.text == "tie" for tag in tile.tags) for tile in tiles) == tied > 0


def test_pies_where_ties_go_the_other_way() -> None:
    results = CASES["everything"]
    random = np.random.default_rng(0)
    votes = {arm.key: random.integers(0, 3, (4, 40)) for arm in results.arms}
    arms = []
    for arm in results.arms:
        dense = votes[arm.objective, "dense", 0.0]
        first, last = (
            sum(largest(dense[:, i], side) != largest(votes[arm.key][:, i], side) for i in range(40))
            for side in (min, max)
        )
        summary = arm.summary.model_copy(update={"pies": first})
        arms.append((replace(arm, models={**arm.models, "labels": votes[arm.key]}, summary=summary), last))
    results = replace(results, arms=tuple(arm for arm, _ in arms))
    found = frames.pies_rows(results)
    assert [row.pies_other_ties for row in found] == [last for _, last in arms]
    assert any(row.pies_other_ties != row.pies for row in found)
    fewer = tuple(replace(arm, models={**arm.models, "labels": arm.labels[:1]}) for arm in results.arms)
    known = [
        row.pies_other_ties for row in frames.pies_rows(replace(results, arms=fewer)) if row.arm.pruning != "dense"
    ]
    assert None in known  # where votes are not those that were counted


def largest(said: np.ndarray, side: Callable[[list[int]], int]) -> int:
    """The label that most say; of several the first or the last."""
    counts = Counter(said.tolist())
    return side([label for label, count in counts.items() if count == max(counts.values())])


def test_shared_needs_a_sibling() -> None:
    results = CASES["one objective, one sparsity, one model"]
    assert {row.shared_pies for row in frames.class_rows(results)} == {None}


def test_the_dense_row_of_depth_takes_pies_of_any_pruned_arm() -> None:
    results = CASES["everything"]
    dense = results.find("supervised", "dense", 0.0)
    assert dense is not None
    union = np.logical_or.reduce([arm.columns["is_pie"] for arm in results.arms if arm.objective == "supervised"])
    row = frames.depth_rows(results)[0]
    assert row.arm.pruning == "dense"
    assert row.pie.mean == pytest.approx(dense.columns["pruned_depth"][union].mean())


def test_rescued_examples_are_rescued_and_start_at_the_lowest_sparsity() -> None:
    results = CASES["everything"]
    rows = frames.rescued_rows(results)
    assert rows
    assert all(row.label == row.pruned_label != row.dense_label for row in rows)
    sparsities = [row.arm.sparsity for row in rows if row.arm.pruning == "gmp"]
    assert sparsities == sorted(sparsities)
