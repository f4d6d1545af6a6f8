"""Reading one side of an audit is a short walk: few files, each entered after those that it calls back into."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from contract.walk import walk_of

MOST_FILES = 22
MOST_STEPS_BACK = 10
ROWS = 40
CLASSES = ("bird", "cat", "dog")


def _scores() -> np.ndarray:
    """``[rows, classes]`` logits."""
    return np.random.default_rng(0).normal(0, 2, (ROWS, len(CLASSES))).astype(np.float32)


def csv_of_scores(folder: Path) -> Path:
    """Ids, true labels, and a column of probabilities a class."""
    powers = np.exp(_scores())
    shares = powers / powers.sum(1, keepdims=True)
    lines = [",".join(["id", "label", *(f"prob_{name}" for name in CLASSES)])]
    lines += [
        ",".join([f"img_{row}.png", CLASSES[row % 3], *(f"{share:.6f}" for share in shares[row])])
        for row in range(ROWS)
    ]
    path = folder / "scores.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def npz_of_logits(folder: Path) -> Path:
    """Logits with labels and ids beside them."""
    path = folder / "logits.npz"
    np.savez(path, logits=_scores(), labels=np.arange(ROWS) % 3, ids=np.arange(100, 100 + ROWS))
    return path


def npy_of_logits(folder: Path) -> Path:
    """Logits alone."""
    path = folder / "logits.npy"
    np.save(path, _scores())
    return path


def parquet_of_labels(folder: Path) -> Path:
    """Ids and predicted classes."""
    path = folder / "labels.parquet"
    names = [CLASSES[label] for label in _scores().argmax(1)]
    parquet.write_table(pa.table({"id": [f"img_{row}" for row in range(ROWS)], "prediction": names}), path)
    return path


@pytest.mark.parametrize("file_of", [csv_of_scores, npz_of_logits, npy_of_logits, parquet_of_labels])
def test_one_side_is_a_short_walk(file_of: Callable[[Path], Path], tmp_path: Path) -> None:
    from piescope.auditing.options import Asked
    from piescope.auditing.question import hints_of
    from piescope.reading.inputs import read_side

    path, asked = file_of(tmp_path), Asked()
    walk = walk_of(lambda: read_side(path, "dense", hints_of(asked, "dense")))
    sys.stdout.write(f"{walk}\n")
    assert len(walk.files) <= MOST_FILES, walk
    assert len(walk.back) <= MOST_STEPS_BACK, walk
