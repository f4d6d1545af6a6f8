"""Names of others speak to no build server and move no cursor, whichever way they reach a log."""

from __future__ import annotations

import io
import json
import traceback
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from pyarrow import parquet
from rich.console import Console

import made_hostile
import piescope
from conftest import run_piescope
from heard import heard, unseen
from payloads import TEXTS
from piescope import wording
from piescope.auditing.budgets import verdict_line
from piescope.auditing.junit import junit_xml
from piescope.cli.outlets import SHOWN, Printed
from piescope.cli.progress import Progress
from piescope.cli.terminal import explained, fail, say, show_table
from piescope.problems import InputError
from piescope.report.audit.document import audit_document
from piescope.report.layout.latex import escape_latex
from piescope.report.layout.lines import lines
from piescope.report.layout.markdown import markdown


def test_the_payloads_speak() -> None:
    assert len(TEXTS) > 130
    assert sum(bool(heard(text)) for text in TEXTS) > 20
    assert sum(bool(unseen(text)) for text in TEXTS) > 25


def silent(text: str) -> None:
    assert not heard(text), heard(text)[0][:200]
    assert not unseen(text), ascii(text)[:200]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_every_way_to_write_a_text(text: str) -> None:
    for written in (
        wording.printable(text),
        wording.name(text),
        wording.in_quotes(text),
        wording.json_text({text.encode("utf-8", "replace").decode(): [text]}, indent=1),
        str(InputError.of(text, text, text, text, text)),
        str(InputError.of_unknown(text, text, "name", text, [text, text[:5]])),
        escape_latex(text),
    ):
        silent(written)
    assert json.loads(wording.json_text([text])) == [text]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_every_way_to_print(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    sink = io.StringIO()
    for width in (200, 40):
        console = Console(file=sink, width=width, markup=False, emoji=False, highlight=False)
        say(console, text)
        show_table(console, ("a", "b"), [(text, "1"), ("x", text)], text)
        Progress(console, 1, "cpu", Path("out")).said(f"failed: {text}")
    shown = sink.getvalue()
    assert not unseen(shown)
    for error in (OSError(2, text, text), InputError.of(text, text, text, text, text), ValueError(text)):
        with pytest.raises(typer.Exit), explained(text):
            raise error
    with pytest.raises(typer.Exit):
        fail(text, 2)
    told = capsys.readouterr().err
    assert not unseen(told)
    for said in (shown, told):
        silent(gated(said))


def gated(*texts: str) -> str:
    """What leaves the process of what is printed: the last gate is there for lines that are wrapped, and for libraries."""
    place = io.BytesIO()
    printed = Printed(place, "utf-8", "backslashreplace", newline="\n", write_through=True)
    printed.allowed = SHOWN["nothing"]
    for text in texts:
        assert printed.write(text) == len(text)
    return place.getvalue().decode()


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_the_last_gate(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        silent(gated(traceback.format_exc().replace("\t", " ")).replace("\t", " "))
    letters = [part for letter in text for part in ("", letter)]
    silent(gated(*letters).replace("\t", " "))  # in as many pieces as there are
    silent(gated("\n", text, text, "\r", text).replace("\t", " "))


def test_an_audit_with_such_names_says_nothing_else(tmp_path: Path) -> None:
    audit = made_hostile.audit()
    for width in (200, 80, 40, 20):
        silent(gated("\n".join(lines(audit_document(audit), width))))
    silent(markdown(audit_document(audit)))
    silent(junit_xml(audit.budgets, " ".join(TEXTS)).decode())
    for text in TEXTS:
        row = audit.budgets[0].model_copy(update={"of": text, "reason": text})
        silent(verdict_line(row))


@pytest.mark.sampled(8, heavy=True)
def test_commands_with_such_files(tmp_path: Path) -> None:
    """Classes, ids, columns, file and folder names; on both streams, and where the audit is refused."""
    texts = made_hostile.IN_FILES
    rows = [at for at in range(len(texts)) for _ in range(3)]
    ids = [f"{texts[at]} {number}" for number, at in enumerate(rows)]
    (folder := tmp_path / "::error::folder").mkdir()
    for name, shift in (("##vso[x]dense", 0), ("::stop-commands::x", 1)):
        labels = [texts[(at + shift * (number % 3 == 0)) % len(texts)] for number, at in enumerate(rows)]
        table = pa.table({"id": ids, "label": [texts[at] for at in rows], "prediction": labels})
        parquet.write_table(table, folder / f"{name}.parquet")
    one, other = (Path(folder.name) / f"{name}.parquet" for name in ("##vso[x]dense", "::stop-commands::x"))
    options = ("--label-column", "label", "--out", tmp_path / "::group::out", "--max-class-drop", "1")
    done = run_piescope("audit", one, other, *options, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    for stream in (done.stdout, done.stderr):
        silent(stream)
    for arguments in (
        ("audit", one, one.parent / "::error::none.csv"),
        ("audit", one, other, "--label-column", "::error::x ##[error]"),
        ("audit", one, other, "--metadata", other, "--id-column", "\x1b[31m::error::"),
        ("plan", "::error::x.toml"),
        ("plan", "##teamcity[x]\u202e"),
        ("status", "::error::"),
        ("show", "::error::\x1b]0;x\x07"),
        ("recipes", "::error::", "##vso[x]"),
        ("--::error::##[error]\x1b[31m",),
        ("audit", one, "--\u202e##vso[x]"),
    ):
        for env in ({}, {"COLUMNS": "40"}, {"PY_COLORS": "0", "COLUMNS": "30"}):
            done = run_piescope(*arguments, cwd=tmp_path, env=env)
            assert done.returncode == 2, (arguments, done.stderr)
            said = done.stdout + done.stderr
            silent(said if "PY_COLORS" not in env else said.replace("\x1b[", "").replace("\x1b", "?"))


def test_a_message_to_python_says_nothing_either(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,::error::x\na,##vso[b]\n")
    with pytest.raises(InputError) as refused:
        piescope.audit(tmp_path / "a.csv", tmp_path / "##vso[c].csv")
    silent(str(refused.value))
