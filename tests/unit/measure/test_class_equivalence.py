"""Which classes are shown to keep their recall: the form of the rows, and what is refused."""

from __future__ import annotations

import json

import pytest

from made_class_answers import DENSE, LABELS, PRUNED
from piescope.measure.class_equivalence import class_equivalence, no_class_lost_more

KEYS = ["class", "examples", "change", "low", "high", "p_lost", "p_equivalent", "equivalent", "lost_less", "reason"]


def test_equivalence_rows_are_plain_and_in_order() -> None:
    rows = class_equivalence(DENSE, PRUNED, LABELS, 5, margin=50.0)
    assert [list(row) for row in rows] == [KEYS] * 5
    assert [(row["class"], row["examples"]) for row in rows] == [(1, 4), (0, 4), (3, 4), (2, 0), (4, 0)]
    assert [row["equivalent"] for row in rows] == [False, True, True, None, None]
    assert [row["lost_less"] for row in rows] == [False, True, True, None, None]
    assert [row["change"] for row in rows[1:]] == [0.0, 0.0, None, None]
    assert {type(value) for value in list(rows[0].values())[2:7]} == {float}
    assert [row["reason"] for row in rows] == ["", "", "", *["no examples of this class"] * 2]
    json.dumps(rows, allow_nan=False)


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan")])
def test_a_margin_is_above_zero(margin: float) -> None:
    with pytest.raises(ValueError, match="expected above 0, in percentage points"):
        class_equivalence(DENSE, PRUNED, LABELS, 5, margin)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [([True, True], True), ([True, False], False), ([False], False), ([True, None], None), ([False, None], None), ([], None)],
)  # fmt: skip
def test_no_class_lost_more_asks_every_class(verdicts: list[bool | None], expected: bool | None) -> None:
    assert no_class_lost_more([{"lost_less": each} for each in verdicts]) is expected
