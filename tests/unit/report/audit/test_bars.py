"""Classes as bars, the worst first."""

from __future__ import annotations

import re

import pytest

from made_audit import CASES, page
from piescope.report.audit.bars import bars
from piescope.store.audit_record import AuditRecord


def test_the_worst_fifteen_classes_are_shown_and_the_rest_is_folded() -> None:
    written = page(CASES["many classes"])
    before, after = written.split("985 more classes")
    assert before.count('<th scope="row"><bdi>class ') == 15
    assert after.count('<th scope="row"><bdi>class ') == 985
    worst = sorted(row["impact"] for row in CASES["many classes"]["classes"])[:15]
    changes = re.findall(r'<td class="change">(\S+)', before)
    assert [float(text.replace("−", "-")) for text in changes] == pytest.approx(worst, abs=0.06)


def test_a_bar_says_how_likely_chance_makes_it() -> None:
    record = AuditRecord.of(CASES["labels"])
    drawn = bars(record.classes, "class", "recall", "99.5 %")
    assert drawn is not None and [row.name for row in drawn.rows][:2] == ["cat", "bird"]
    assert drawn.rows[0].chance.startswith("q ") and "chance" not in drawn.rows[0].chance
    assert drawn.brief == 10 and not drawn.more_is_worse
    assert '<rect x="' in page(CASES["labels"]) and 'class="lost"' in page(CASES["labels"])
    unclear = [row for row in drawn.rows if not row.is_clear]
    assert unclear and all(row.chance.endswith(", not beyond chance") for row in unclear)
    unknown = [row.model_copy(update={"q_value": None}) for row in record.classes]
    drawn = bars(unknown, "class", "recall", "99.5 %")
    assert drawn is not None and {row.chance for row in drawn.rows} == {""}
    assert bars([], "class", "recall", "95 %") is None
