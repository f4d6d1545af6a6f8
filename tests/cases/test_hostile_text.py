"""Hostile texts in everything that is no page: CSV, JUnit, Markdown and the terminal."""

from __future__ import annotations

import csv
import html
import io
import re
from xml.etree import ElementTree

import pytest

import made_hostile
from payloads import TEXTS
from piescope import wording
from piescope.auditing.junit import junit_xml
from piescope.report.audit.document import audit_document
from piescope.report.layout.markdown import escaped
from piescope.report.layout.markdown import markdown as as_markdown
from piescope.store.tables import as_csv

FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")


def spaced(text: str) -> str:
    return " ".join(text.split())


def test_csv_is_read_back_and_holds_no_formula() -> None:
    content = as_csv([{"name": text, "number": -1.5, "other": text} for text in TEXTS], ["name", "number", "other"])
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert len(rows) == len(TEXTS)
    for text, row in zip(TEXTS, rows, strict=True):
        written = text.encode("utf-8", "backslashreplace").decode()
        assert row["name"] == row["other"] == ("'" + written if FORMULA.match(written) else written)
        assert row["number"] == "-1.5"


def test_junit_is_read_back() -> None:
    audit = made_hostile.audit()
    rows = [audit.budgets[0].model_copy(update={"of": text, "reason": text, "verdict": "broken"}) for text in TEXTS]
    (suite,) = ElementTree.fromstring(junit_xml(rows, " ".join(TEXTS)))
    assert len(suite) == len(TEXTS)
    assert {part.tag for part in suite.iter()} == {"testsuite", "testcase", "failure"}
    for text, case in zip(TEXTS, suite, strict=True):
        assert spaced(wording.printable(text)) in spaced(case.find("failure").text), text


def test_markdown_shows_them_as_text() -> None:
    markdown = (
        pytest.importorskip("markdown_it").MarkdownIt("js-default", {"html": True, "linkify": False}).enable("table")
    )
    for text in TEXTS:
        shown = wording.name(text)
        for template in ("{}", "some {} text", "| a | b |\n| --- | --- |\n| {} | x |"):
            rendered = markdown.render(template.replace("{}", escaped(shown)))
            assert not re.search(r"<(?!!-- -->|/?(p|table|thead|tbody|tr|th|td)\b)", rendered), (text, rendered)
            seen = html.unescape(re.sub(r"<!-- -->|</?(p|table|thead|tbody|tr|th|td)[^>]*>", "", rendered))
            assert spaced(shown) in spaced(seen), (text, rendered)


def test_a_whole_audit_in_markdown_adds_nothing() -> None:
    markdown = (
        pytest.importorskip("markdown_it").MarkdownIt("js-default", {"html": True, "linkify": False}).enable("table")
    )
    tags = [
        set(
            re.findall(
                r"<(\w+)", markdown.render(as_markdown(audit_document(made_hostile.audit(is_hostile=is_hostile))))
            )
        )
        for is_hostile in (False, True)
    ]
    assert tags[0] == tags[1]
