"""audit.md is short, its tables hold, and names stay text."""

from __future__ import annotations

import html
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_audit import CASES, HOSTILE, made, short
from piescope import wording
from piescope.report.layout.markdown import escaped


def cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


@pytest.mark.parametrize("name", CASES)
def test_markdown_is_short_and_its_tables_hold(name: str) -> None:
    written = short(CASES[name])
    lines = written.split("\n")
    assert len(lines) < 60
    assert len(written) < 20_000
    for before, line in itertools.pairwise(lines):
        if line.startswith("| ---"):
            assert cells(before) == cells(line)
        elif line.startswith("|") and before.startswith("|"):
            assert cells(line) == cells(before)
    assert not re.search(r"<(?!!-- -->)", written)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\ud800-\udfff]", written)
    assert written.encode("utf-8")


def test_markdown_holds_at_most_ten_classes_and_five_confusions() -> None:
    content = made(names=[f"class {index}" for index in range(20)])
    for row in content["classes"]:
        row.update(impact=-5.0, q_value=0.001)
    part = short(content).split("### Who paid?")[1].split("###")[0]
    assert part.count("| class ") == 10 + 1  # and the head
    assert part.startswith(" (10 more in report.html)")
    part = short(content).split("### Which mix-ups grew?")[1]
    assert part.count(" taken for ") == 5


@pytest.mark.parametrize("name", CASES)
def test_budgets_and_copies_are_all_there(name: str) -> None:
    content = CASES[name]
    written = short(content)
    assert "(-" not in written and "(0 more" not in written
    if not content["what_if"]:
        for row in content["budgets"]:
            assert f"| {row['budget']} | {row['verdict']} |" in written
    for row in content["what_if"]:
        assert re.search(rf"^\| (\d+: )?{row['name']} \|", written, re.M)


def test_markdown_renders_names_as_text() -> None:
    renderer = (
        pytest.importorskip("markdown_it").MarkdownIt("js-default", {"html": True, "linkify": False}).enable("table")
    )
    for name in HOSTILE:
        shown = wording.name(name)
        for template in ("{}", "some {} text", "| a | b |\n| --- | --- |\n| {} | x |"):
            rendered = renderer.render(template.format(escaped(shown)))
            text = html.unescape(re.sub(r"<!-- -->|</?(p|table|thead|tbody|tr|th|td)[^>]*>", "", rendered))
            assert " ".join(shown.split()) in " ".join(text.split()), (name, rendered)
            assert not re.search(r"<(script|img|a|em|strong|code|h1|ul|ol|del)\b", rendered)


@given(st.text(max_size=40))
def test_escaping_leaves_nothing_that_links_or_mentions(text: str) -> None:
    written = escaped(wording.printable(text))
    assert "://" not in written and "www." not in written
    assert not re.search(r"@\w", written)
    assert not re.search(r"<(?!!-- -->)", written)
    assert not re.search(r"(?<!\\)(\\\\)*[|`*~$]", written)


def test_what_is_not_seen_or_turns_the_direction_is_spelt_out() -> None:
    assert escaped("a\u202eb\u2066c\u200bd\x1be\nf") == r"a\\u202eb\\u2066c\\u200bd\\x1be\\nf"
    assert escaped("1\u00a0% \u2212 \N{CAT}") == "1\u00a0% \u2212 \N{CAT}"
