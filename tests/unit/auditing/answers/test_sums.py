"""Sums of blocks add up to those of all examples, whatever is compared and however small the blocks."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from made_predictions import made
from made_questions import question
from piescope.auditing import tally
from piescope.auditing.answers import FIGURES, SUMS
from piescope.auditing.answers.measures import MeasureSums
from piescope.auditing.answers.noise import LabelSample
from piescope.auditing.audited import Audited, resolved
from piescope.auditing.block import AuditBlock
from piescope.auditing.votes import VoteTests
from piescope.audits import audit

EXAMPLES = 90


@dataclass(frozen=True)
class Kind:
    """A kind of audit: numbers of models, and what is known."""

    models: tuple[int, int]
    has_scores: bool = False
    has_truth: bool = True
    is_paired: bool = False

    def sides(self, folder: Path) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """What both sides say, and what else is given."""
        data = made(examples=EXAMPLES, models=max(self.models), seed=3)
        dense, compressed = (
            (getattr(data, side) if self.has_scores else data.labels(side))[:many]
            for side, many in zip(("dense", "compressed"), self.models, strict=True)
        )
        options: dict[str, Any] = {"paired": self.is_paired}
        if self.has_truth:
            path = folder / "groups.parquet"
            parquet.write_table(pa.table({"camera": ["left", "right", "right"] * (EXAMPLES // 3)}), path)
            options |= {"labels": data.truth, "metadata": path}
        return dense, compressed, options


KINDS = {
    "one against one": Kind((1, 1)),
    "probabilities": Kind((1, 1), has_scores=True),
    "votes of scores": Kind((6, 6), has_scores=True),
    "pairs by descent": Kind((4, 4), is_paired=True),
    "over pairs": Kind((4, 2)),
    "one dense": Kind((1, 3)),
    "no labels": Kind((5, 5), has_truth=False),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


KEPT = {LabelSample: ("dense", "compressed"), MeasureSums: ("dense_odds", "compressed_odds", "truth")}
"""Attributes that keep an array of every block, examples on the second axis, or on the only one."""


def plain(sums: Any) -> Any:
    """As values that can be compared: arrays as lists, arrays of blocks joined."""
    if isinstance(sums, np.ndarray):
        return sums.tolist()
    if isinstance(sums, list | tuple):
        return [plain(part) for part in sums]
    if not is_dataclass(sums):
        return sums
    kept = {name: getattr(sums, name) for name in KEPT.get(type(sums), ())}
    joined = {name: np.concatenate(parts, min(1, parts[0].ndim - 1)) for name, parts in kept.items() if parts}
    return {name: plain(value) for name, value in (vars(sums) | joined).items()}


def block_of(audited: Audited, start: int, stop: int) -> AuditBlock:
    return AuditBlock.of(audited, start, stop, VoteTests())


@pytest.mark.parametrize("sums", [*SUMS, *FIGURES], ids=lambda sums: sums.__name__)
def test_sums_of_parts_are_those_of_the_whole(sums: Any, kind: Kind, tmp_path: Path) -> None:
    dense, compressed, options = kind.sides(tmp_path)
    audited = resolved(question(dense, compressed, **options))
    ends = (0, 1, 17, 40, EXAMPLES)
    parts = [sums.of(block_of(audited, start, stop)) for start, stop in pairwise(ends)]
    whole = sums.of(block_of(audited, 0, EXAMPLES))
    if whole is None:
        assert parts == [None] * 4
        return
    added = parts[0]
    for part in parts[1:]:
        added = added + part
    assert close(plain(added), plain(whole))


def close(one: Any, other: Any) -> bool:
    """Equal but for the rounding of sums."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    return bool(one == other or one == pytest.approx(other, rel=1e-9, abs=1e-9, nan_ok=True))


def test_an_audit_in_blocks_is_the_audit_in_one(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dense, compressed, options = kind.sides(tmp_path)
    whole = audit(dense, compressed, **options).content
    monkeypatch.setattr(tally, "block_size", lambda *_: 7)
    in_blocks = audit(dense, compressed, **options).content
    assert in_blocks["changed"] > 0
    for name, value in whole.items():
        assert close(in_blocks[name], value), name
