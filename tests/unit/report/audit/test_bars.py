"""Classes as bars, the worst first."""

from __future__ import annotations

import re

import pytest

from made_audit import CASES, page


def test_the_worst_fifteen_classes_are_shown_and_the_rest_is_folded() -> None:
    written = page(CASES["many classes"])
    before, after = written.split("985 more classes")
    assert before.count('<th scope="row"><bdi>class ') == 15
    assert after.count('<th scope="row"><bdi>class ') == 985
    worst = sorted(row["impact"] for row in CASES["many classes"]["classes"])[:15]
    changes = re.findall(r'<td class="change">(\S+)', before)
    assert [float(text.replace("−", "-")) for text in changes] == pytest.approx(worst, abs=0.06)
