"""A document on the terminal: plain lines that fit any width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, chop_cells

from piescope import wording
from piescope.report.layout.blocks import Cell, Document, FactList, Table
from piescope.report.layout.short import Short, parts, text

NARROWEST = 20
"""Columns below which nothing is promised."""

WIDEST_TEXT = 100
"""Sentences wrap here on wider terminals, too."""


def lines(document: Document, width: int) -> list[str]:
    """The answer, and what short documents have of the rest.

    Args:
        document: what it says.
        width: columns of the terminal.

    Returns:
        Lines without trailing space, none wider than ``width`` (wide characters count as two), no control characters.
    """
    width, answer = max(width, NARROWEST), document.answer
    begins, _, data = document.title.rpartition(": ")
    names_the_data = begins and answer.about.startswith(
        data
    )  # what was compared begins as the title ends: once is enough
    made = wrapped(f"{begins if names_the_data else document.title}: {answer.about}", width)
    for warning in answer.warnings:
        made += ["", *wrapped(f"warning: {warning}", width)]
    made += ["", *wrapped(" ".join((f"{answer.verdict.text}.", answer.sentence, *answer.lead)), width)]
    for part in parts(document):
        made += ["", *(wrapped(part.title, width) if part.title else [])]
        for block in part.blocks:
            made += _block(block, width, "  " if part.title else "")
    return [line.rstrip() for line in made]


def _block(block: Short, width: int, indent: str) -> list[str]:
    if isinstance(block, FactList):
        return _facts(block, width, indent)
    if isinstance(block, Table):
        left = len(block.rows) - block.brief
        more = wrapped(f"{left:,} more in report.html", width, indent) if left > 0 else []
        return _table(block, width, indent) + more
    if block.role in ("note", "warning"):
        return [line for said in block.lines for line in wrapped(said, width, f"{indent}  ", f"{indent}- ")]
    return [line for said in block.lines for line in wrapped(said, width, indent)]


def wrapped(said: str, width: int, indent: str = "", first: str | None = None) -> list[str]:
    """Lines of whole words; a word wider than a line is broken. No-break spaces hold until the end.

    Args:
        said: one paragraph.
        width: columns.
        indent: before every line.
        first: before the first line instead; as wide as ``indent`` or less.
    """
    room = min(width, WIDEST_TEXT) - cell_len(indent)
    made: list[str] = []
    for word in filter(None, said.split(" ")):
        plain = wording.plain(word)
        for piece in chop_cells(plain, room) if cell_len(plain) > room else [plain]:
            if made and cell_len(made[-1]) + 1 + cell_len(piece) <= room:
                made[-1] += " " + piece
            else:
                made.append(piece)
    starts = [indent if first is None else first, *[indent] * len(made)]
    return [start + line for start, line in zip(starts, made, strict=False)]


def _facts(facts: FactList, width: int, indent: str) -> list[str]:
    """Names on the left; below each other where there is no room for both."""
    widest = max(cell_len(wording.plain(fact.name)) for fact in facts.facts) + 2 + len(indent)
    column = widest if widest <= width // 2 else len(indent) + 2
    made: list[str] = []
    for fact in facts.facts:
        said = "; ".join((fact.value, *fact.details))
        name = indent + wording.plain(fact.name)
        if column == widest:
            made += wrapped(said, width, " " * column, name + " " * (column - cell_len(name)))
        else:
            made += wrapped(f"{fact.name}: {said}", width, " " * column, indent)
    return made


def _table(table: Table, width: int, indent: str) -> list[str]:
    """Aligned columns; those that are essential where all do not fit; a paragraph a row where these do not, either."""
    every = tuple(range(len(table.head)))
    essential = table.essential or every
    shown = table.rows[: table.brief]
    rows = [[_loud(cell) for cell in row] for row in shown]
    for kept in (every, essential):
        aligned = _aligned([[row[place] for place in kept] for row in (table.head, *rows)], kept, table.texts)
        if aligned and max(map(cell_len, aligned)) + len(indent) <= min(width, WIDEST_TEXT):
            return [indent + line for line in (aligned if any(table.head) else aligned[1:])]
    made: list[str] = []
    for row in shown:
        said = "; ".join(_named(table.head[place], row[place]) for place in essential[1:] if row[place])
        made += wrapped(f"{text(row[0])}: {said}", width, f"{indent}  ", indent)
    return made


def _named(head: str, cell: Cell) -> str:
    is_plain = isinstance(cell, str) or cell.tone == "strong"
    return f"{head}: {_loud(cell)}" if head and is_plain else _loud(cell)


def _loud(cell: Cell) -> str:
    """A verdict that fails is read where there is no colour."""
    return text(cell) if isinstance(cell, str) or cell.tone != "broken" else cell.text.upper()


def _aligned(rows: Sequence[Sequence[str]], places: Iterable[int], texts: Sequence[int]) -> list[str]:
    """Columns on the left, those of numbers on the right; the first row is the head."""
    plain = [[wording.plain(cell) for cell in row] for row in rows]
    sizes = [max(map(cell_len, column)) for column in zip(*plain, strict=True)]
    kinds = [(place in texts, size) for place, size in zip(places, sizes, strict=True)]
    return ["  ".join(_set(cell, *kind) for cell, kind in zip(row, kinds, strict=True) if kind[1]) for row in plain]


def _set(cell: str, is_text: bool, size: int) -> str:
    room = " " * (size - cell_len(cell))
    return cell + room if is_text else room + cell
