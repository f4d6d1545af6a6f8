"""A block of one side: what is refused, and what looks wrong and works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_predictions import as_npy
from made_refusals import Cases, Refusal, refused, write
from piescope.audits import audit

CASES = Cases()


@CASES.add
def probabilities_that_do_not_sum_to_1_between_those_looked_at(root: Path) -> Refusal:
    scores = np.full((50_000, 4), 0.25, np.float32)
    scores[12_345] = [0.5, 0.5, 0.5, 0]
    return {"dense": as_npy(scores, root / "d.npy"), "compressed": np.zeros(50_000, int)}, (
        "d.npy: example 12345",
        "sum to 1.5",
        "--values logits",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


@pytest.mark.parametrize("where", [5, 24_999, 12_345])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_in_logits(value: float, where: int, tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(25_000, 3)).astype(np.float32)
    logits[where, 1] = value
    message = refused(tmp_path, dense=np.zeros(25_000, int), compressed=as_npy(logits, tmp_path / "c.npy"))
    assert message.startswith("c.npy: ")
    assert f" {where}\n" in message
    assert "NaN" in message
    assert "leave the diverged model or the broken examples out" in message


def test_infinity_in_logits_that_are_matched_by_id_is_told_by_id(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    ids = np.array([f"image-{number}" for number in range(5000)])
    np.savez(tmp_path / "d.npz", logits=logits, ids=ids)
    order = np.random.default_rng(1).permutation(5000)
    turned = logits[order]
    turned[1234, 1] = np.inf
    np.savez(tmp_path / "c.npz", logits=turned, ids=ids[order])
    message = refused(tmp_path, dense=tmp_path / "d.npz", compressed=tmp_path / "c.npz")
    assert ids[order][1234] in message or "row 1234" in message


def test_ties_go_to_the_smallest_class_id(tmp_path: Path) -> None:
    ties = np.array([[0.25, 0.25, 0.25, 0.25], [0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5]])
    assert audit(ties, np.array([0, 1, 0]))["changed"] == 0
    assert audit(np.log(ties + 1e-9), np.array([0, 1, 0]))["changed"] == 0
    dense = write(tmp_path, "d.csv", "cat,dog\n0.5,0.5\n0.5,0.5\n")
    turned = write(tmp_path, "c.csv", "dog,cat\n0.5,0.5\n0.5,0.5\n")
    assert audit(dense, turned)["changed"] == 0
    votes = np.array([[0, 2, 1], [1, 0, 2]])
    same = np.array([[0, 0, 1], [0, 0, 1]])
    assert audit(votes, same, labels=np.array([0, 0, 1]))["changed"] == 0


def test_scores_beyond_what_32_bits_hold_are_refused(tmp_path: Path) -> None:
    """They had no probabilities and ended in a fault of ours."""
    logits = np.full((4, 2), 1e300)
    message = refused(tmp_path, dense=as_npy(logits, tmp_path / "d.npy"), compressed=np.zeros(4, int))
    assert message.startswith("d.npy: example 0") and "beyond what 32 bits hold" in message
