r"""Tables as LaTeX, for a paper: plain ASCII that any engine takes, with the packages that the first line names.

What is wider than a line is shrunk to it (``\resizebox``), what is longer than a page goes on in a second table. A
letter that a plain LaTeX lacks (CJK, emoji, ...) is printed as its number, ``U+732B``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, product

from piescope.report.layout.blocks import Cell, Table
from piescope.wording import printable

MOST_ROWS, MOST_COLUMNS = 45, 16
"""That a page has room for."""

LONGEST_CELL = 200
"""Characters after which a cell is cut: TeX knows no more than 5.7 metres."""


def latex(table: Table) -> str:
    r"""A table with its caption.

    Args:
        table: words of cells are escaped, tones of tags are left out.

    Example:
        >>> print(latex(Table("Pets", "By name.", ("Name", "Legs"), (("[cat]", "4"),))))
        % \usepackage{booktabs,graphicx}
        \begin{table}
        \centering
        \footnotesize
        \caption{By name.}
        \par\smallskip
        \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%
        \begin{tabular}{lr}
        \toprule
        Name & Legs \\
        \midrule
        {}[cat] & 4 \\
        \bottomrule
        \end{tabular}}
        \end{table}
    """
    caption, lines = rf"\caption{{{escape_latex(table.caption)}}}", [r"% \usepackage{booktabs,graphicx}"]
    width, length = len(table.head), max(len(table.rows), 1)
    for left, top in product(range(1, max(width, 2), MOST_COLUMNS - 1), range(0, length, MOST_ROWS)):
        shown = [0, *range(left, min(left + MOST_COLUMNS - 1, width))]
        lines += _float(table, caption, shown, table.rows[top : top + MOST_ROWS])
        caption = r"Table~\thetable{} (continued)."
    return "\n".join(lines) + "\n"


def _float(table: Table, caption: str, shown: Sequence[int], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """A part of a table: some of its columns, some of its rows."""
    columns = "".join("l" if place in table.texts else "r" for place in shown)
    return [
        r"\begin{table}",
        r"\centering",
        r"\footnotesize",
        caption,
        r"\par\smallskip",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *_groups(table, shown),
        _line(table.head, shown),
        r"\midrule",
        *(_line(row, shown) for row in rows),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]


def _line(cells: Sequence[Cell], shown: Sequence[int]) -> str:
    """A line of a table; what begins with [ or * would be an argument of the line before it."""
    texts = (cell if isinstance(cell, str) else cell.text for cell in (cells[place] for place in shown))
    written = (escape_latex(text, LONGEST_CELL) for text in texts)
    return " & ".join("{}" + text if text[:1] in ("[", "*") else text for text in written) + r" \\"


def _groups(table: Table, shown: Sequence[int]) -> Iterator[str]:
    """The line above the heads, and the rules below its cells."""
    if not any(text for text, _ in table.groups):
        return
    over = [group for group, (_, span) in enumerate(table.groups) for _ in range(span)]
    spans = [(table.groups[group][0], len(list(places))) for group, places in groupby(over[place] for place in shown)]
    yield " & ".join(rf"\multicolumn{{{span}}}{{c}}{{{escape_latex(text)}}}" for text, span in spans) + r" \\"
    ends = list(accumulate(span for _, span in spans))
    for (text, span), end in zip(spans, ends, strict=True):
        if text:
            yield rf"\cmidrule(lr){{{end - span + 1}-{end}}}"


SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": "{`}", "\N{NO-BREAK SPACE}": "~", "–": "--", "—": "---", "‘": "{`}", "’": "'", "“": "``",
    "”": "''", "…": r"\dots{}", "\N{MINUS SIGN}": "$-$", "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$",
    "→": r"$\rightarrow$", "≤": r"$\leq$", "≥": r"$\geq$", "‖": r"$\|$", "₁": r"$_1$",
    # of Latin alphabets, with a command of their own
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}",
    "ł": r"\l{}", "Ł": r"\L{}",
}  # fmt: skip

ACCENTS = dict(
    zip("\u0300\u0301\u0302\u0303\u0308\u0304\u0306\u0307\u030a\u030b\u030c\u0327", "`'^~\"=u.rHvc", strict=True)
)
"""The command of each accent that may stand with a plain letter."""


def escape_latex(text: str, longest: int | None = None) -> str:
    r"""Text that LaTeX prints and does not execute, in ASCII.

    Example:
        >>> print(escape_latex("50 % of a_b"), escape_latex("naïve 猫"))
        50 \% of a\_b na\"{\i}ve \texttt{U+732B}
    """
    return re.sub("(?<=-)-", "{}-", "".join(map(_sign, printable(text, longest))))


def _sign(letter: str) -> str:
    if letter in SIGNS or letter.isascii():
        return SIGNS.get(letter, letter)
    plain, *accent = list(unicodedata.normalize("NFD", letter))
    if len(accent) == 1 and accent[0] in ACCENTS and plain.isascii():
        dotless = "\\" if plain in "ij" else ""
        return rf"\{ACCENTS[accent[0]]}{{{dotless}{plain}}}"
    return rf"\texttt{{U+{ord(letter):04X}}}"
