"""What the terminal says of an audit, at every width."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from made_audit import CASES, made
from piescope.cli.audit_summary import summary_lines
from piescope.report.audit.markdown import audit_markdown
from piescope.report.audit.page import render_audit
from piescope.store.audit_record import AuditRecord


@pytest.mark.parametrize("name", CASES)
def test_every_line_fits_every_width(name: str) -> None:
    for width in range(40, 121):
        for line in summary_lines(AuditRecord.of(CASES[name]), width):
            assert cell_len(line) <= width, (width, line)
            assert line == line.rstrip()
            assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ud800-\udfff\u00a0]", line)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=80), min_size=2, max_size=4, unique=True), st.integers(20, 130))
def test_any_class_name_fits_any_width(names: list[str], width: int) -> None:
    content = made(examples=60, names=names, models=2)
    for line in summary_lines(AuditRecord.of(content), width):
        assert cell_len(line) <= width
        line.encode("utf-8")
    audit_markdown(AuditRecord.of(content)).encode("utf-8")
    render_audit(AuditRecord.of(content), {})


def test_a_wide_terminal_gets_columns_and_a_narrow_one_lines() -> None:
    content = CASES["probabilities"]
    wide, narrow = summary_lines(AuditRecord.of(content), 100), summary_lines(AuditRecord.of(content), 40)
    head = "classes, worst first, 99.5 % intervals"
    row = wide[wide.index(head) + 1]
    assert row.startswith("  cat  ") and "->" in row and "q = " in row
    starts = {line.index("->") for line in wide[wide.index(head) + 1 :][:5] if "->" in line}
    assert len(starts) == 1  # aligned
    assert any(line.startswith("  cat: -") for line in narrow)


def test_broken_budgets_come_first_on_the_terminal() -> None:
    content = copy.deepcopy(CASES["probabilities"])
    content["budgets"].reverse()
    lines = summary_lines(AuditRecord.of(content), 120)
    verdicts = [
        line.split()[0]
        for line in lines[lines.index("budgets, with one-sided 95 % bounds") + 1 :][:8]
        if line.startswith("  ") and line[2] != " "
    ]
    assert verdicts[:4] == ["BROKEN", "BROKEN", "undecided", "kept"]
