"""What both sides say of a block of examples, against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from made_predictions import Made, made
from made_questions import question
from piescope.auditing.audited import resolved
from piescope.auditing.block import AuditBlock, PairShares
from piescope.auditing.votes import VoteTests

START, STOP = 20, 50


def block(data: Made, scores: bool = False, has_truth: bool = True, models: tuple[int, int] = (3, 3)) -> AuditBlock:
    """Some examples in the middle."""
    dense, compressed = (
        (getattr(data, side) if scores else data.labels(side))[:many]
        for side, many in zip(("dense", "compressed"), models, strict=True)
    )
    audited = resolved(question(dense, compressed, labels=data.truth if has_truth else None))
    return AuditBlock.of(audited, START, STOP, VoteTests())


def test_modal_labels_of_each_side_and_what_became_of_them() -> None:
    data = made(models=3)
    part = block(data)
    truth = data.truth[START:STOP]
    for side, name in zip(part.sides, ("dense", "compressed"), strict=True):
        labels = data.labels(name)[:, START:STOP]
        modal = [np.bincount(column).argmax() for column in labels.T]
        assert side.modal.tolist() == modal
        assert side.share == pytest.approx((labels == modal).mean(0))
        assert side.modal_right.tolist() == (modal == truth).tolist()
        assert side.right.tolist() == (labels == truth).tolist() and side.probability is None
    before, after = part.dense.modal, part.compressed.modal
    assert part.changed.tolist() == (before != after).tolist() and part.changed.any()
    assert part.lost.tolist() == ((before == truth) & (after != truth)).tolist()
    assert part.rescued.tolist() == ((before != truth) & (after == truth)).tolist()
    assert (np.isnan(part.p_values) == ~part.changed).all()


def test_harm_is_what_the_target_lost() -> None:
    data = made(models=3)
    rows, truth = np.arange(START, STOP), data.truth[START:STOP]
    fall = [getattr(data, side)[:, rows, truth].mean(0) for side in ("dense", "compressed")]
    assert block(data, scores=True).harm == pytest.approx(fall[0] - fall[1], abs=1e-6)
    share = [(data.labels(side)[:, rows] == truth).mean(0) for side in ("dense", "compressed")]
    assert block(data).harm == pytest.approx(share[0] - share[1])


def test_without_labels_the_target_is_what_the_dense_side_says() -> None:
    part = block(made(models=3), has_truth=False)
    assert part.truth is None and part.compressed.target.tolist() == part.dense.modal.tolist()
    assert set(part.rows()["label"].to_pylist()) == {-1}


@pytest.mark.parametrize("models", [(1, 3), (3, 2)])
def test_shares_of_pairs_are_means_over_pairs(models: tuple[int, int]) -> None:
    data = made(models=3)
    part = block(data, models=models)
    dense, compressed = part.dense.labels, part.compressed.labels
    pairs = list(itertools.product(dense, compressed))
    assert part.pairs is not None and part.pairs.lost is not None and part.pairs.won is not None
    assert part.pairs.changed == pytest.approx(np.mean([one != other for one, other in pairs], axis=0))
    right = [(one == part.truth, other == part.truth) for one, other in pairs]
    assert part.pairs.lost == pytest.approx(np.mean([before & ~after for before, after in right], axis=0))
    assert part.pairs.won == pytest.approx(np.mean([~before & after for before, after in right], axis=0))
    assert part.rows()["changed_share"].to_pylist() == pytest.approx(part.pairs.changed.tolist())


def test_pairs_are_counted_only_where_numbers_of_models_differ() -> None:
    assert block(made(models=3)).pairs is None
    unknown = PairShares.of(np.array([[0, 1]]), np.array([[1, 1], [0, 1]]), None)
    assert unknown.changed.tolist() == [0.5, 0.0] and unknown.lost is unknown.won is None
