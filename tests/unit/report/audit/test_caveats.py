"""What the numbers of an audit cannot say."""

from __future__ import annotations

from typing import Any

from made_audit import page, text_of


def test_rows_are_matched_by_position_is_a_limit(pair: dict[str, Any]) -> None:
    assert "different orders" not in text_of(page(pair))
    pair["inputs"]["matched_by"] = "row"
    assert "different orders" in text_of(page(pair))
