"""Chances of modal labels against all outcomes counted one by one, and with each model left out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from piescope.measure.modal_chances import ModalChances, _kinds, disagreement, modal_chances
from piescope.measure.pies import modal_label, votes


@pytest.mark.parametrize("models", [1, 2, 3, 6])
def test_all_outcomes_of_few_models(models: int) -> None:
    counts = np.array([[2, 0, 1, 3], [1, 1, 1, 1], [0, 0, 4, 0], [0, 5, 0, 1]])
    expected = np.zeros(counts.shape)
    for said in product(range(4), repeat=models):
        expected[:, np.bincount(said).argmax()] += np.prod(counts[:, said] / counts.sum(1, keepdims=True), axis=1)
    assert modal_chances(counts, models) == pytest.approx(expected, abs=1e-12)


@pytest.mark.sampled(8, heavy=True)
def test_many_models_of_many_classes_against_drawn_ones() -> None:
    random = np.random.default_rng(0)
    counts = random.multinomial(60, random.dirichlet(np.full(30, 0.4), 4))
    drawn = np.array([random.multinomial(40, row / 60, 20_000).argmax(1) for row in counts])
    found = modal_chances(counts, 40)
    assert found.sum(1) == pytest.approx(1.0)
    for row, labels in zip(found, drawn, strict=True):
        assert row == pytest.approx(np.bincount(labels, minlength=30) / 20_000, abs=4 * 0.5 / 20_000**0.5)
    first = np.arange(4), counts.argmax(1)  # likelier the more models there are, and no chance fades
    assert (modal_chances(counts, 400)[first] > found[first]).all() and modal_chances(counts, 400)[first].min() > 0.6


def test_each_model_left_out() -> None:
    random = np.random.default_rng(1)
    labels = np.where(random.random((5, 200)) < 0.5, random.integers(0, 6, (5, 200)), random.integers(0, 6, 200))
    found = ModalChances(labels, 6, models=5)
    assert found.whole == pytest.approx(modal_chances(votes(labels, 6), 5))
    for model in range(5):
        assert found.without(model) == pytest.approx(modal_chances(votes(np.delete(labels, model, 0), 6), 5))
    assert (ModalChances(labels[:1], 6, 4).without(0).argmax(1) == modal_label(labels[:1], 6)).all()


def test_groups_that_are_sure_disagree_or_not() -> None:
    sure = modal_chances(np.array([[3, 0], [0, 3]]), 3)
    assert disagreement(sure, sure[::-1]).tolist() == [1.0, 1.0]
    assert disagreement(sure, sure).tolist() == [0.0, 0.0]


def test_nobody_votes() -> None:
    for counts, models in (([[1, 1]], 0), ([[0, 0]], 2)):
        with pytest.raises(ValueError, match="expected 1 or more"):
            modal_chances(np.array(counts), models)


@pytest.mark.parametrize(("models", "classes"), [(3, 1), (5, 4), (30, 10), (1000, 40)])
def test_equal_rows_of_votes_are_of_one_kind(models: int, classes: int) -> None:
    """Forty counts of a thousand votes do not fit into one number at once."""
    random = np.random.default_rng(7)
    rows = random.multinomial(models, random.dirichlet(np.ones(classes)), 300)
    rows = rows[random.integers(0, 300, 900)]
    kinds, which = _kinds(rows)
    assert (kinds[which] == rows).all()
    assert len(kinds) == len(np.unique(rows, axis=0))
