"""Hostile texts in everything that is no page: CSV, LaTeX, JUnit, Markdown and the terminal."""

from __future__ import annotations

import csv
import html
import io
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

import made_hostile
from conftest import run_program
from payloads import PAYLOADS, TEXTS
from piescope import wording
from piescope.auditing.junit import junit_xml
from piescope.report.audit.document import audit_document
from piescope.report.layout.blocks import Table
from piescope.report.layout.latex import latex
from piescope.report.layout.markdown import escaped
from piescope.report.layout.markdown import markdown as as_markdown
from piescope.store.tables import as_csv

FORMULA = re.compile(r"[=+\-@\t\r\n]")


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


LATEX_OF_TABLES = re.compile(
    r"\\(begin|end)\{(table|tabular)\}|\\(centering|footnotesize|smallskip|toprule|midrule|bottomrule)\b|\\caption\b"
    r"|\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater)\{\}|\\\\$|\\[&%$#_{}]"
    r"|\$(\\pm|-|\\\||_1)\$|\\(cmidrule\(lr\)|multicolumn)",
    re.MULTILINE,
)


def hostile_table() -> Table:
    rows = tuple((text, text, name) for name, text in PAYLOADS.items())
    return Table("t", " ".join(TEXTS), ("name", TEXTS[0], TEXTS[-1]), rows, groups=(("", 1), (TEXTS[1], 2)))


def test_latex_has_no_command_but_its_own() -> None:
    written = latex(hostile_table())
    assert "\\" not in LATEX_OF_TABLES.sub("", written)
    body = written.split("\\midrule\n")[1].split("\\bottomrule")[0]
    lines = body.rstrip("\n").split("\n")
    assert len(lines) == len(PAYLOADS)
    assert all(len(re.findall(r"(?<!\\)&", line)) == 2 and line.endswith(r" \\") for line in lines)
    for text, line in zip(TEXTS, lines, strict=True):
        assert read_latex(line.split(" & ")[0]) == wording.printable(text).replace("\ufffd", "?").strip(), text


def read_latex(cell: str) -> str:
    """What LaTeX prints of a cell."""
    names = {"backslash": "\\", "asciitilde": "~", "asciicircum": "^", "less": "<", "greater": ">"}
    cell = cell.replace("~", wording.SPACE).replace("$-$", wording.MINUS).replace(r"$\pm$", "±")
    cell = re.sub(r"\\([&%$#_{}])", lambda found: f"\0{ord(found[1])}\0", cell)
    cell = re.sub(r"\\text([a-z]+)\{\}", lambda found: names[found[1]], cell)
    return re.sub(r"\0(\d+)\0", lambda found: chr(int(found[1])), cell).strip()


@pytest.mark.skipif(shutil.which("lualatex") is None, reason="no lualatex here")
def test_latex_compiles(tmp_path: Path) -> None:
    short = {name: text for name, text in PAYLOADS.items() if len(text) < 300}
    table = Table("t", "hostile", ("name", "text"), tuple(short.items()))
    page = (
        "\\documentclass{article}\\usepackage{booktabs,longtable}\\begin{document}" + latex(table) + "\\end{document}"
    )
    (tmp_path / "page.tex").write_text(page)
    done = run_program(
        ["lualatex", "-interaction=nonstopmode", "-halt-on-error", "--no-shell-escape", "page.tex"], cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 1000
    assert "/etc/passwd" not in (tmp_path / "page.log").read_text(errors="replace")


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
