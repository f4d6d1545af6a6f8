"""What the terminal says of an audit, at every width."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from made_audit import CASES, made, page, printed, short
from piescope.report.layout.blocks import Answer, Document, Tag
from piescope.report.layout.lines import lines


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", CASES)
def test_every_line_fits_widths_of_all_kinds(name: str) -> None:
    for width in range(40, 121, 4):
        for line in printed(CASES[name], width):
            assert cell_len(line) <= width, (width, line)
            assert line == line.rstrip()
            assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ud800-\udfff\u00a0]", line)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=80), min_size=2, max_size=4, unique=True), st.integers(20, 130))
def test_any_class_name_fits_any_width(names: list[str], width: int) -> None:
    content = made(examples=60, names=names, models=2)
    for line in printed(content, width):
        assert cell_len(line) <= width
        line.encode("utf-8")
    short(content).encode("utf-8")
    page(content).encode("utf-8")


def test_a_wide_terminal_gets_columns_and_a_narrow_one_lines() -> None:
    content = CASES["probabilities"]
    wide, narrow = printed(content, 100), printed(content, 40)
    head = "Who paid?"
    assert wide[wide.index(head) + 1].endswith("change [99.5 %]")
    row = wide[wide.index(head) + 2]
    assert row.startswith("  cat  ") and "->" in row and "q = " in row
    starts = {line.index("->") for line in wide[wide.index(head) + 1 :][:5] if "->" in line}
    assert len(starts) == 1  # aligned
    assert any(line.startswith("  cat: recall: 86.2 -> 79.2 %;") for line in narrow)


def test_of_columns_those_that_are_essential_stay() -> None:
    head = "Which mix-ups grew?"
    for width, columns in ((100, "mix-up before -> after growth"), (76, "mix-up before -> after")):
        said = printed(CASES["labels"], width)
        said = said[said.index(head) + 1 :]
        assert said[0].split() == columns.split()
        assert all(("  +" in line) == (width == 100) and "q = " in line for line in said[1:6])
    narrow = "\n".join(printed(CASES["labels"], 40))
    assert "  cat taken for dog: before -> after:\n" in narrow and "growth" not in narrow


def test_broken_budgets_come_first_on_the_terminal() -> None:
    content = copy.deepcopy(CASES["probabilities"])
    content["budgets"].reverse()
    said = printed(content, 120)
    said = said[said.index("Are the budgets kept?") + 1 :]
    verdicts = re.findall(r"^  \w+: (\w+);", "\n".join(said[: said.index("")]), re.M)
    assert verdicts == ["BROKEN", "BROKEN", "undecided", "kept"]
    assert "observed (one-sided 95 % bound)" in " ".join(said)


@pytest.mark.parametrize(
    ("title", "first"),
    [
        ("What is forgotten: 797 digits", "What is forgotten: 797 digits, 8x8."),
        ("What is forgotten: 10 digits", "What is forgotten: 10 digits: 797 digits, 8x8."),
        ("797 digits", "797 digits: 797 digits, 8x8."),
        ("a against b", "a against b: 797 digits, 8x8."),
    ],
)
def test_the_first_line_names_the_data_once(title: str, first: str) -> None:
    answer = Answer(Tag("SAFE", "kept"), "Nothing.", (), "797 digits, 8x8.", (), None, None, ())
    assert lines(Document("study", title, answer, (), ()), 100)[0] == first
