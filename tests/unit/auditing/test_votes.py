"""Whether votes changed by more than chance: of each example, whatever stands beside it."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.auditing.votes import VoteTests
from piescope.measure.significance import permutation_p_values


def votes(models: int, classes: int, seed: int = 0, examples: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Votes of both sides ``[examples, classes]``, and which modal labels differ."""
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.full(classes, 0.3), (2, examples))
    dense, compressed = random.multinomial(models, chances)
    return dense, compressed, dense.argmax(1) != compressed.argmax(1)


@pytest.mark.parametrize("models", [3, 20])
def test_the_order_of_classes_changes_no_p_value(models: int) -> None:
    dense, compressed, changed = votes(models, 12)
    order = np.random.default_rng(1).permutation(12)
    p_values = VoteTests().of(dense, compressed, changed)
    assert changed.sum() > 20 and (p_values[changed] < 1).any()
    np.testing.assert_array_equal(VoteTests().of(dense[:, order], compressed[:, order], changed), p_values)


@pytest.mark.parametrize("models", [3, 20])
@pytest.mark.parametrize("size", [1, 7])
def test_blocks_change_no_p_value(models: int, size: int) -> None:
    """An example's votes have one form also where its neighbours have votes for more classes."""
    dense, compressed, changed = votes(models, 30)
    tests, parts = VoteTests(), range(0, len(dense), size)
    blocks = [tests.of(*(rows[start : start + size] for rows in (dense, compressed, changed))) for start in parts]
    np.testing.assert_array_equal(np.concatenate(blocks), VoteTests().of(dense, compressed, changed))


def test_p_values_are_those_of_the_permutation_test_and_stand_where_the_label_changed() -> None:
    random = np.random.default_rng(2)
    labels = random.integers(0, 3, (2, 4, 40))
    dense, compressed = (np.stack([(side == label).sum(0) for label in range(3)], axis=1) for side in labels)
    changed = dense.argmax(1) != compressed.argmax(1)
    p_values = VoteTests().of(dense, compressed, changed)
    assert (np.isnan(p_values) == ~changed).all()
    assert p_values[changed] == pytest.approx(permutation_p_values(*labels, 3)[changed])


def test_without_a_change_nothing_is_tested() -> None:
    dense = np.array([[3, 0], [0, 3]])
    assert np.isnan(VoteTests().of(dense, dense, np.zeros(2, bool))).all()
