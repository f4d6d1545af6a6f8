"""A table that is typeset once, for the page and for LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)


@dataclass(frozen=True)
class TableColumn(Generic[R_contra]):
    """A column of a table: its head, and what stands in it of a row."""

    title: str
    text: Callable[[R_contra], str]


@dataclass(frozen=True)
class WideTable:
    """A table ready to be typeset.

    Attributes:
        title: a few words.
        caption: what its numbers are, for people who see nothing else.
        groups: head cells above the columns, each with how many columns it spans.
        head: one cell per column.
        rows: text cells.
    """

    title: str
    caption: str
    groups: tuple[tuple[str, int], ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def latex(self) -> str:
        """A tabular with its caption; needs the package booktabs."""
        lines = [
            r"\begin{table}",
            r"\centering",
            r"\footnotesize",
            rf"\caption{{{escape_latex(self.caption)}}}",
            r"\smallskip",
            rf"\begin{{tabular}}{{l{'r' * (len(self.head) - 1)}}}",
            r"\toprule",
        ]
        if any(text for text, _ in self.groups):
            spanning = (
                rf"\multicolumn{{{span}}}{{c}}{{{escape_latex(text)}}}" if text else "" for text, span in self.groups
            )
            lines.append(" & ".join(spanning) + r" \\")
            start = 1
            for text, span in self.groups:
                if text:
                    lines.append(rf"\cmidrule(lr){{{start}-{start + span - 1}}}")
                start += span
        head, *body = (" & ".join(map(escape_latex, row)) + r" \\" for row in (self.head, *self.rows))
        lines += [head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
        return "\n".join(lines) + "\n"


def table_of(title: str, caption: str, columns: Iterable[TableColumn[R]], rows: Iterable[R]) -> WideTable:
    """A table with a line for each row and no groups of columns.

    Example:
        >>> columns = [TableColumn("Name", str), TableColumn("Letters", lambda pet: f"{len(pet)}")]
        >>> table_of("Pets", "By name.", columns, ["cat"]).rows
        (('cat', '3'),)
    """
    columns = list(columns)
    body = tuple(tuple(column.text(row) for column in columns) for row in rows)
    return WideTable(title, caption, (("", len(columns)),), tuple(column.title for column in columns), body)


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
}


def escape_latex(text: str) -> str:
    r"""Text that LaTeX prints and does not execute.

    Example:
        >>> print(escape_latex("50 % of a_b"))
        50 \% of a\_b
    """
    kept = (character for character in text if character in LATEX or character.isprintable())
    return "".join(LATEX.get(character, character) for character in kept)
