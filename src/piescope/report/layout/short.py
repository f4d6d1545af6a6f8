"""What a short document (terminal, Markdown) has of a long one: sentences, facts and the first rows of tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from piescope.report.layout.blocks import (
    Bars,
    Beside,
    Block,
    Cell,
    Chart,
    Document,
    Drawer,
    FactList,
    Gallery,
    Table,
    Words,
)

Short = Words | FactList | Table
"""The blocks that are left: bars and galleries are tables of a few rows, charts the sentences that stand for them."""


MOST_UNCLEAR = 5
"""Bars below 0 that are shown though they may be chance."""


@dataclass(frozen=True)
class ShortPart:
    """A section, or a drawer that is worth one.

    Attributes:
        title: its heading; empty for what follows the answer at once.
        blocks: at least one.
    """

    title: str
    blocks: tuple[Short, ...]


def parts(document: Document) -> list[ShortPart]:
    """All that is left below the answer's sentences, in order of reading."""
    pages = [("", document.answer.blocks), *((part.title, part.blocks) for part in document.sections if part.in_short)]
    made = [part for title, blocks in pages for part in _parts(title, blocks)]
    return [part for part in made if part.blocks]


def _parts(title: str, blocks: tuple[Block, ...]) -> Iterator[ShortPart]:
    yield ShortPart(title, tuple(_short(blocks)))
    for block in blocks:
        if isinstance(block, Drawer) and block.in_short:
            yield from _parts(block.title, block.blocks)


def _short(blocks: Iterable[Block]) -> Iterator[Short]:
    for block in blocks:
        if isinstance(block, Beside):
            yield from _short((*block.left, *block.right))
        elif isinstance(block, Chart):
            yield from [Words(block.numbers)] if block.numbers else []
        elif isinstance(block, Bars):
            yield _worst(block)
        elif isinstance(block, Words):
            yield from [block] if block.in_short and block.lines else []
        elif isinstance(block, FactList):
            yield from [block] if block.facts else []
        elif not isinstance(block, Drawer):
            table = block.as_table() if isinstance(block, Gallery) else block
            yield from [table] if table.brief and table.rows else []


def _worst(bars: Bars) -> Short:
    more = bars.more_is_worse
    lost = [bar for bar in bars.rows if bar.value is not None and (bar.value > 0 if more else bar.value < 0)]
    if not lost:
        return Words(("none more than seeds",) if more else (f"none lost {bars.measure}",))
    extent = max(len(bar.details) for bar in bars.rows)
    columns = ("seeds → pruned", f"beyond seeds [{bars.level}]") if more else (bars.measure, f"change [{bars.level}]")
    head = (bars.what, *columns, *[""] * extent, "")
    rows = tuple(
        (bar.name, bar.both, bar.text, *bar.details, *[""] * (extent - len(bar.details)), bar.chance)
        for bar in bars.rows
    )
    texts = (0, *range(3, len(head)))
    brief = min(len(lost), bars.brief, max(MOST_UNCLEAR, sum(bar.is_clear for bar in lost)))
    return Table("", "", head, rows, texts=texts, brief=brief, essential=(0, 1, 2, len(head) - 1))


def text(cell: Cell) -> str:
    """A cell's words."""
    return cell if isinstance(cell, str) else cell.text
