"""Columns of scores: what is refused, and what looks wrong and works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_refusals import Cases, Refusal, write
from piescope.audits import audit

CASES = Cases()


@CASES.add
def one_hot_columns(root: Path) -> Refusal:
    return {
        "dense": write(root, "d.csv", "cat,dog,cow\n" + "1,0,0\n0,1,0\n0,0,1\n" * 4),
        "compressed": np.arange(12) % 3,
    }, ("d.csv: columns", "one-hot rows", "'cat', 'dog', 'cow'", "--values probabilities")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


def test_probabilities_written_as_0_and_1_are_scores(tmp_path: Path) -> None:
    path = write(tmp_path, "d.csv", "id,cat,dog,cow\na,0,0.25,0.75\nb,1,0.0,0.0\nc,0,0.5,0.5\n")
    result = audit(path, path)
    assert result["class_names"] == ["cat", "dog", "cow"]
    assert result["inputs"]["dense"]["values"] == "probabilities"
