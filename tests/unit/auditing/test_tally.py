"""The one pass: what is counted, in blocks of any size."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from made_predictions import made
from made_questions import question
from piescope.auditing.answers.changed import ChangedSums
from piescope.auditing.answers.confusions import ConfusionSums
from piescope.auditing.audited import resolved
from piescope.auditing.tally import occurrences, tally


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_occurrences_are_those_of_a_counter(columns: int) -> None:
    rows = np.random.default_rng(columns).integers(0, 5, (columns, 300))
    assert occurrences(*rows, classes=5) == Counter(zip(*rows.tolist(), strict=True))
    assert occurrences(*rows[:, :0], classes=5) == {}


def test_a_pass_counts_what_is_asked_for_and_writes_a_row_an_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piescope.auditing.tally.block_size", lambda *_: 8)
    data = made(examples=30)
    audited = resolved(question(data.labels("dense")[0], data.labels("compressed")[0]))
    done: list[int] = []
    sums = tally(audited, [ChangedSums, ConfusionSums], tmp_path, done.append)
    assert done == [8, 16, 24, 30] and sums.examples == 30
    changed = (data.labels("dense") != data.labels("compressed"))[0]
    assert sums[ChangedSums].changed == changed.sum() > 0
    assert sums.get(ConfusionSums) is None  # there are no true labels
    with pytest.raises(KeyError):
        sums[ConfusionSums]
    table = parquet.read_table(sums.rows)
    assert table["row"].to_pylist() == list(range(30)) and set(table["label"].to_pylist()) == {-1}
    assert [row["dense"] != row["compressed"] for row in table.to_pylist()] == changed.tolist()
