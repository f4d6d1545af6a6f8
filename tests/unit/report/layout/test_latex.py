"""Tables as LaTeX prints them, whatever classes are called: read back without a TeX, compiled where there is one."""

from __future__ import annotations

import re
import shutil
import unicodedata
from itertools import groupby
from pathlib import Path

import pytest

from conftest import run_program
from made_results import made
from payloads import PAYLOADS, TEXTS
from piescope.report.layout.blocks import Table, Tag
from piescope.report.layout.latex import ACCENTS, MOST_COLUMNS, MOST_ROWS, SIGNS, escape_latex, latex
from piescope.report.study.claims import check_claims
from piescope.report.study.signal import Signal
from piescope.report.study.signal_tables import signal_tables
from piescope.report.study.tables import paper_tables, rows_of
from piescope.wording import printable

NAMES = (
    *"&%$#_{}~^\\<>|\"'`[*-,;", "--", "---", "?`", "!`", "[4pt]", "*", "$x_1$", "{\\input{/etc/passwd}}",
    "naïve Čapek Łódź Straße Ðe đ", "œuvre", "ÅÉÎÕÜ ñ ç ş ő ȧ ġ", "猫", "кошка", "γάτα", "חתול", "\u202eright\u202c", "a\tb\nc\x1b[0m",
    "😀", "𝄞", "e\u0301", "\ufffd", "\u00a0", "±×→≤≥…·–—‘’“”‖₁−", "ĳ ǰ",
)  # fmt: skip

WRITTEN = {written: sign for sign, written in SIGNS.items()} | {r"\dots{}": "…"}


def read(cell: str) -> str:
    """What LaTeX prints of a cell."""
    marks = {command: accent for accent, command in ACCENTS.items()}
    pieces = sorted((re.escape(written) for written in WRITTEN), key=len, reverse=True)
    pattern = rf"""(?P<known>{"|".join(pieces)})|\\texttt\{{U\+(?P<code>[0-9A-F]+)\}}|\\(?P<accent>[`'^~"=u.rHvc])\{{\\?(?P<under>\w)\}}"""

    def sign(found: re.Match[str]) -> str:
        if found["code"]:
            return chr(int(found["code"], 16))
        if found["accent"]:
            return unicodedata.normalize("NFC", found["under"] + marks[found["accent"]])
        return WRITTEN[found["known"]]

    return re.sub(pattern, sign, re.sub(r"^\{\}|(?<=-)\{\}(?=-)", "", cell))


def alike(text: str) -> str:
    """Dashes and quotes are typed in LaTeX as ASCII has them."""
    for typed, sign in {"---": "—", "--": "–", "``": "“", "''": "”", "'": "’", "`": "‘", "\u00a0": "~"}.items():
        text = text.replace(sign, typed)
    return text


@pytest.mark.parametrize("text", [*NAMES, *TEXTS], ids=ascii)
def test_what_is_printed_is_the_text(text: str) -> None:
    written = escape_latex(text)
    assert written.isascii()
    assert "--" not in written or any(dash in printable(text) for dash in "–—")
    assert alike(read(written)) == alike(printable(text))


@pytest.mark.parametrize("text", [*NAMES, *TEXTS], ids=ascii)
def test_nothing_in_a_text_is_a_command_of_its_own(text: str) -> None:
    written = escape_latex(text)
    own = {
        *(re.findall(r"\\[A-Za-z]+", "".join(SIGNS.values()))),
        r"\texttt",
        *(rf"\{command}" for command in ACCENTS.values()),
    }
    assert set(re.findall(r"\\[A-Za-z]+", written)) <= own | {r"\i", r"\j"}
    bare = re.sub(r"\\[A-Za-z]+|\\[^A-Za-z]", "", written)
    assert not set("%#&") & set(bare)
    mathematics = re.findall(r"\$[^$]*\$", bare)
    assert len(mathematics) == bare.count("$") / 2
    assert not {"_", "^"} & set(re.sub(r"\$[^$]*\$", "", bare))
    depth = 0
    for brace in re.findall(r"[{}]", bare):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


def test_letters_with_commands_have_those_of_latex() -> None:
    assert escape_latex("Straße") == r"Stra\ss{}e"
    assert escape_latex("naïve") == r"na\"{\i}ve"
    assert all(re.fullmatch(r"\\[A-Za-z]+\{\}", written) for sign, written in SIGNS.items() if sign.isalpha())


def parts(written: str) -> list[list[str]]:
    """The lines of each tabular."""
    inside = re.findall(r"\\begin\{tabular\}.*?\n(.*?)\\end\{tabular\}", written, re.DOTALL)
    return [tabular.splitlines() for tabular in inside]


def cells(line: str) -> int:
    spans = [int(span) for span in re.findall(r"\\multicolumn\{(\d+)\}", line)]
    return len(re.findall(r"(?<!\\)&", line)) + 1 + sum(spans) - len(spans)


def hostile_table(rows: int = 3) -> Table:
    body = tuple((NAMES[row % len(NAMES)], Tag(TEXTS[row % len(TEXTS)], "lost"), "1") for row in range(rows))
    return Table(
        "t", " ".join(NAMES), ("name", NAMES[1], NAMES[2]), body, groups=(("", 1), (NAMES[0], 2)), texts=(0, 1)
    )


@pytest.mark.parametrize("rows", [0, 1, MOST_ROWS, MOST_ROWS + 1, 3 * MOST_ROWS])
def test_every_line_has_every_column_and_every_row_is_there_once(rows: int) -> None:
    table = hostile_table(rows)
    written = latex(table)
    assert written.startswith("% \\usepackage{booktabs,graphicx}\n\\begin{table}\n")
    made = parts(written)
    assert len(made) == max(1, -(-rows // MOST_ROWS))
    assert written.count(r"\caption{") == 1
    assert written.count(r"(continued)") == len(made) - 1
    assert written.count(r"\resizebox") == len(made)
    body = []
    for lines in made:
        assert all(cells(line) == 3 for line in lines if line.endswith(r"\\"))
        rules = [is_rule for is_rule, _ in groupby(line.endswith(r"\\") for line in lines)]
        assert len(rules) >= 5  # rule, groups, rule, head, rule, rows, rule
        assert not any(re.match(r"[\[*]", line) for line in lines)
        body += lines[lines.index(r"\midrule") + 1 : -1]
    assert [alike(read(line.split(" & ")[0])) for line in body] == [alike(printable(row[0])) for row in table.rows]


def test_a_wide_table_goes_on_with_its_first_column_and_its_groups() -> None:
    head = ("Arm", *(f"c{place}" for place in range(40)))
    rows = tuple((f"row {row}", *(f"{row}.{place}" for place in range(40))) for row in range(50))
    written = parts(latex(Table("t", "wide", head, rows, groups=(("", 1), ("first", 20), ("second", 20)))))
    assert len(written) == 6
    seen: dict[tuple[str, str], str] = {}
    for lines in written:
        start = lines.index(r"\midrule")
        names = lines[start - 1].removesuffix(r" \\").split(" & ")
        assert names[0] == "Arm" and len(names) <= MOST_COLUMNS
        assert all(cells(line) == len(names) for line in lines if line.endswith(r"\\"))
        for line in lines[start + 1 : -1]:
            name, *values = line.removesuffix(r" \\").split(" & ")
            seen |= {(name, column): value for column, value in zip(names[1:], values, strict=True)}
    assert seen == {(f"row {row}", f"c{place}"): f"{row}.{place}" for row in range(50) for place in range(40)}
    over = [re.findall(r"\{(\w*)\}(?= &| \\\\)", lines[1]) for lines in written[::2]]
    assert over == [["", "first"], ["", "first", "second"], ["", "second"]]
    rules = [line for line in written[2] if line.startswith(r"\cmidrule")]
    assert rules == [r"\cmidrule(lr){2-6}", r"\cmidrule(lr){7-16}"]


def tables_of_a_study() -> list[Table]:
    names = (*NAMES, *(f"class & number_{i} %" for i in range(100 - len(NAMES))))
    results = made(
        {"supervised": ("gmp", "my_own"), "supcon": ("gmp", "my_own")}, class_names=names, examples=300, models=4
    )
    signal = Signal(results)
    claims = check_claims(results, signal=signal)
    return [*paper_tables(results, rows_of(results, claims)).values(), *signal_tables(signal).values()]


@pytest.mark.parametrize("engine", ["pdflatex", "lualatex", "xelatex"])
def test_all_tables_compile_and_end_at_the_margin(engine: str, tmp_path: Path) -> None:
    if shutil.which(engine) is None:
        pytest.skip(f"no {engine} here")
    tables = [
        *tables_of_a_study(),
        hostile_table(100),
        Table("t", "hostile", ("name", "text"), tuple(PAYLOADS.items())),
    ]
    body = "\n\\clearpage\n".join(map(latex, tables))
    start = "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
    (tmp_path / "all.tex").write_text(start + body + "\\end{document}\n", encoding="ascii")
    options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    done = run_program([engine, *options], cwd=tmp_path)
    log = (tmp_path / "all.log").read_text(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000
    in_tables = [line for line in log.splitlines() if line.startswith("Overfull") and "alignment" in line]
    assert in_tables == []
    assert "too large for page" not in log
    assert "passwd" not in re.sub(r"\s", "", "".join(re.findall(r"\(\S*", log)))  # files that were read
