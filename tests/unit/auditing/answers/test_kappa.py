"""Cohen's kappa between both sides: against scikit-learn, for every kind of comparison, and in what people read."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from piescope import audit
from piescope.auditing.answers.kappa import KappaSums
from piescope.measure.agreement import cohen_kappa
from piescope.store.audit_measures import Figure
from piescope.store.audit_record import AuditRecord


def sides(models: tuple[int, int], examples: int = 400, classes: int = 4) -> list[np.ndarray]:
    random = np.random.default_rng(5)
    truth = np.minimum(random.geometric(0.5, examples) - 1, classes - 1)
    return [
        np.where(random.random((many, examples)) < 0.2, random.integers(0, classes, examples), truth) for many in models
    ]


def kappa_of(record: AuditRecord) -> Figure:
    return record.figures["cohen_kappa"]


def modal(labels: np.ndarray) -> np.ndarray:
    return np.array([np.bincount(column).argmax() for column in labels.T])


@pytest.mark.parametrize("models", [(1, 1), (3, 3)])
def test_of_modal_labels_with_an_interval(models: tuple[int, int]) -> None:
    dense, compressed = sides(models)
    kappa = kappa_of(audit(dense, compressed, values="labels").record)
    assert kappa.value == pytest.approx(cohen_kappa_score(modal(dense), modal(compressed)), abs=1e-12)
    expected = cohen_kappa(modal(dense), modal(compressed), np.ones(400, int), 4)
    assert (kappa.low, kappa.high) == pytest.approx((expected.low, expected.high))
    assert kappa.why_not == ""


@pytest.mark.parametrize("models", [(3, 2), (1, 4), (4, 1)])
def test_over_pairs_of_models_the_mean(models: tuple[int, int]) -> None:
    dense, compressed = sides(models)
    kappa = kappa_of(audit(dense, compressed, values="labels").record)
    expected = np.mean([cohen_kappa_score(one, other) for one in dense for other in compressed])
    assert kappa.value == pytest.approx(expected, abs=1e-12)
    assert kappa.low is None and "mean over pairs" in kappa.why_not


def test_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    dense, compressed = sides((3, 2))
    whole = kappa_of(audit(dense, compressed, values="labels").record)
    monkeypatch.setattr("piescope.auditing.tally.block_size", lambda *_: 37)
    assert kappa_of(audit(dense, compressed, values="labels").record) == whole


def test_what_cannot_be_told() -> None:
    (dense,), (other,) = sides((1, 1))
    same = kappa_of(audit(dense, dense.copy()).record)
    assert (same.value, same.low, same.why_not) == (1.0, None, "no answer changed")
    other_each = kappa_of(audit(np.zeros(60, int), np.ones(60, int), classes=["a", "b"]).record)
    assert (other_each.value, other_each.low) == (0.0, None)
    assert other_each.why_not.startswith("nothing varies")
    one = kappa_of(audit(np.zeros(60, int), np.zeros(60, int), classes=["a", "b"]).record)
    assert one.value is None and "one and the same class" in one.why_not
    lone = kappa_of(audit(dense, np.zeros_like(dense), values="labels").record)
    assert lone.value == pytest.approx(0, abs=1e-12)
    pairs = kappa_of(audit(np.zeros((2, 60), int), np.zeros((1, 60), int), classes=["a", "b"], values="labels").record)
    assert pairs.value is None
    assert not math.isnan(kappa_of(audit(dense, other).record).value or 0.0)


def test_right_and_wrong_are_no_classes() -> None:
    (dense,), (other,) = sides((1, 1))
    assert audit(dense == 0, other == 0, values="correct").record.figures == {}


def test_every_document_shows_it(tmp_path: Path) -> None:
    (dense,), (other,) = sides((1, 1))
    found = audit(dense, other, out=tmp_path / "out")
    assert "**Cohen's kappa** 0." in found.markdown()
    assert "Cohen&#39;s kappa" in (tmp_path / "out" / "report.html").read_text()
    assert 0 < found["figures"]["cohen_kappa"]["low"] < found["figures"]["cohen_kappa"]["value"]
    assert AuditRecord.read(tmp_path / "out") == found.record


def test_pairs_of_models_are_counted_only_where_they_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 60 models a side there are 3,600 pairs."""
    kept: list[tuple[int, ...]] = []
    figure = KappaSums.figure
    monkeypatch.setattr(
        KappaSums, "figure", lambda self, counted: (kept.append(self.equal.shape), figure(self, counted))[1]
    )
    for models in ((4, 4), (4, 3)):
        audit(*sides(models), values="labels")
    assert kept == [(0, 0), (4, 3)]
