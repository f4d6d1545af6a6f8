"""Tables as LaTeX, for a paper; they need the package booktabs."""

from __future__ import annotations

from piescope.report.layout.blocks import Cell, Table
from piescope.wording import printable


def latex(table: Table) -> str:
    """A tabular with its caption.

    Args:
        table: words of cells are escaped, tones of tags are left out.
    """
    lines = [
        r"\begin{table}",
        r"\centering",
        r"\footnotesize",
        rf"\caption{{{escape_latex(table.caption)}}}",
        r"\smallskip",
        rf"\begin{{tabular}}{{l{'r' * (len(table.head) - 1)}}}",
        r"\toprule",
        *_groups(table),
    ]
    head, *body = (" & ".join(escape_latex(_text(cell)) for cell in row) + r" \\" for row in (table.head, *table.rows))
    lines += [head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def _groups(table: Table) -> list[str]:
    if not any(text for text, _ in table.groups):
        return []
    spanning = (rf"\multicolumn{{{span}}}{{c}}{{{escape_latex(text)}}}" if text else "" for text, span in table.groups)
    lines, start = [" & ".join(spanning) + r" \\"], 1
    for text, span in table.groups:
        if text:
            lines.append(rf"\cmidrule(lr){{{start}-{start + span - 1}}}")
        start += span
    return lines


LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "\N{NO-BREAK SPACE}": "~",
    "–": "--",
    "\N{MINUS SIGN}": "$-$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "‖": r"$\|$",
    "₁": r"$_1$",
    "\N{REPLACEMENT CHARACTER}": "?",  # LuaTeX takes it for a fault of the file
}


def escape_latex(text: str) -> str:
    r"""Text that LaTeX prints and does not execute.

    Example:
        >>> print(escape_latex("50 % of a_b"))
        50 \% of a\_b
    """
    return "".join(LATEX.get(character, character) for character in printable(text))
