"""Explanations by renamed classes: against all renamings one by one, and never of honest damage."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from piescope.measure.relabelling import Relabelling, pair_counts, relabelling


def explained(dense: np.ndarray, compressed: np.ndarray, classes: int) -> Relabelling | None:
    return relabelling(*pair_counts(dense, compressed), classes)


def honest(
    random: np.random.Generator, examples: int, classes: int, moved: float, accuracy: float = 0.8
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, dense labels, and those of a copy that changes a share of them to any other."""
    truth = random.integers(0, classes, examples)
    wrong = (truth + random.integers(1, classes, examples)) % classes
    dense = np.where(random.random(examples) < accuracy, truth, wrong)
    other = (dense + random.integers(1, classes, examples)) % classes
    return truth, dense, np.where(random.random(examples) < moved, other, dense)


@pytest.mark.parametrize("classes", [4, 5])
@pytest.mark.parametrize("seed", range(20))
def test_against_all_permutations(classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    _, dense, compressed = honest(random, 200, classes, 0.2)
    compressed = random.permutation(classes)[compressed]
    left = {
        order: int((np.array(order)[dense] != compressed).sum()) for order in permutations(range(classes))
    }  # every one
    found = explained(dense, compressed, classes)
    before, least = left[tuple(range(classes))], min(left.values())
    if found is None:  # the order drawn moves nothing
        assert min(left, key=left.__getitem__) == tuple(range(classes))
        return
    assert (found.examples, found.before) == (200, before)
    if found.kind == "permutation":
        assert found.after == least
        simpler = [
            order
            for order in left
            if sum(place != name for place, name in enumerate(order)) == 2
            and before - left[order] >= 0.9 * (before - least)
        ]
        assert not simpler
    elif found.kind == "swap":
        swaps = [order for order in left if sum(place != name for place, name in enumerate(order)) == 2]
        assert found.after == min(left[order] for order in swaps)
        assert before - found.after >= 0.9 * (before - least)
    else:
        of_shifts = {by: int((dense + by != compressed).sum()) for by in range(1 - classes, classes)}
        assert found.after == min(of_shifts.values()) == of_shifts[found.by]


@pytest.mark.parametrize("by", [-3, -1, 1, 2])
@pytest.mark.parametrize(("examples", "classes"), [(300, 20), (300, 1000), (5000, 100)])
def test_shifts_are_found_whatever_else_changed(by: int, examples: int, classes: int) -> None:
    _, dense, compressed = honest(np.random.default_rng(examples + by), examples, classes, 0.3)
    found = explained(dense + 3, compressed + 3 + by, classes + 6)
    assert found is not None
    assert (found.kind, found.by) == ("shift", by)
    assert found.after == int((dense != compressed).sum())
    assert found.before == int((dense != compressed + by).sum())


@pytest.mark.parametrize(("examples", "classes"), [(100, 2), (300, 3), (400, 10), (20_000, 1000)])
def test_swaps_and_permutations_are_found(examples: int, classes: int) -> None:
    random = np.random.default_rng(classes)
    _, dense, compressed = honest(random, examples, classes, 0.05)
    swapped = np.arange(classes)
    swapped[[0, classes - 1]] = classes - 1, 0
    found = explained(dense, swapped[compressed], classes)
    if classes <= 10:  # of many classes, two are not most of what changed
        assert found is not None
        assert (found.kind, sorted(found.moved.tolist())) == ("swap", [0, classes - 1])
        assert found.after == int((dense != compressed).sum())
    else:
        assert found is None
    if classes > 3:
        order = random.permutation(classes)
        found = explained(dense, order[compressed], classes)
        assert found is not None
        assert found.kind == "permutation"
        assert found.after == int((dense != compressed).sum())
        seen = np.isin(np.arange(classes), found.moved)
        assert (found.image[seen] == order[seen]).all()


def collapsed(random: np.random.Generator, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    _, dense, _ = honest(random, examples, classes, 0.0)
    return dense, np.full(examples, random.integers(classes))


def collapsed_onto_the_rare(random: np.random.Generator, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    dense = (random.random(examples) < random.choice([0.01, 0.1, 0.3])).astype(int)
    return dense, np.ones(examples, int)


def collapsed_onto_an_unused(random: np.random.Generator, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    dense = (random.random(examples) < 0.1).astype(int)
    return dense, np.full(examples, classes)


def one_confusion(random: np.random.Generator, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    _, dense, compressed = honest(random, examples, classes, 0.05)
    return dense, np.where(dense == 0, classes - 1, compressed)


def merged(random: np.random.Generator, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    _, dense, compressed = honest(random, examples, classes, 0.1)
    return dense, compressed // 2 * 2 + (compressed // 2 * 2 + 1 < classes)


def guesses(random: np.random.Generator, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    return random.integers(0, classes, examples), random.integers(0, classes, examples)


def half_of_them(random: np.random.Generator, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    share = random.choice([0.4, 0.6, 0.8])  # never more than guesses move: of two classes 80 % moved are swapped
    _, dense, compressed = honest(random, examples, classes, min(share, 1 - 1 / classes))
    return dense, compressed


def skewed_guesses(random: np.random.Generator, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    shares = [random.dirichlet(np.full(classes, 0.4)) for _ in range(2)]
    one, other = (random.choice(classes, examples, p=share) for share in shares)
    return one, other


HONEST = [
    collapsed,
    collapsed_onto_the_rare,
    collapsed_onto_an_unused,
    one_confusion,
    merged,
    guesses,
    half_of_them,
    skewed_guesses,
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("damage", HONEST)
@pytest.mark.parametrize("classes", [2, 3, 5, 20, 200])
@pytest.mark.parametrize("examples", [4, 20, 300, 3000])
def test_honest_damage_is_never_explained_away(
    damage: Callable[[np.random.Generator, int, int], tuple[np.ndarray, np.ndarray]], classes: int, examples: int
) -> None:
    for seed in range(40):
        dense, compressed = damage(np.random.default_rng(seed), examples, classes)
        found = explained(dense, compressed, classes + 1)
        assert found is None, (seed, found)


@pytest.mark.parametrize("classes", [2, 3, 5, 10])
def test_ordered_classes_that_are_all_one_too_high_are_not_explained_as_the_last_one_stays(classes: int) -> None:
    for seed in range(40):
        _, dense, _ = honest(np.random.default_rng(seed), 500, classes, 0.0)
        assert explained(dense, np.minimum(dense + 1, classes - 1), classes) is None


def test_the_order_of_cells_does_not_matter_and_pairs_come_once() -> None:
    first, second, counts = (np.array(column) for column in ([1, 0, 2], [2, 1, 3], [30, 30, 30]))
    found = relabelling(first, second, counts, 4)
    assert found is not None
    assert (found.kind, found.by, found.after) == ("shift", 1, 0)
    with pytest.raises(ValueError, match="a pair of classes twice"):
        relabelling(np.array([0, 0]), np.array([1, 1]), np.array([1, 2]), 2)
    with pytest.raises(ValueError, match="below num_classes"):
        relabelling(np.array([0]), np.array([2]), np.array([1]), 2)


def test_nothing_is_explained_where_nothing_differs() -> None:
    assert explained(np.zeros(0, int), np.zeros(0, int), 3) is None
    assert explained(np.arange(50) % 5, np.arange(50) % 5, 5) is None
