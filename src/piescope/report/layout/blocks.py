"""What a document is made of: a few kinds of block whose texts are ready to be read; renderers set them.

`html.py`, `markdown.py`, `lines.py` (terminals) and `latex.py` make of them what people read. Every text is plain: a
renderer escapes it. Only drawings are markup, made by `svg.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from markupsafe import Markup

Tone = Literal["", "lost", "rescued", "moved", "changed", "same", "confirmed", "tie", "kept", "broken", "undecided"]
"""What a mark, a card or a chip says beside its words: what happened to an example, or how a question was answered."""

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)


@dataclass(frozen=True)
class Tag:
    """A word with a tone: a verdict, what happened to an example, or a number that is clear of chance (``strong``)."""

    text: str
    tone: Tone | Literal["strong"] = ""


Cell = str | Tag


@dataclass(frozen=True)
class Words:
    """Sentences.

    Attributes:
        lines: one stands as a paragraph, several as a list.
        role: ``note`` and ``warning`` are set apart; ``small`` is for asides.
        in_short: a short document (terminal, Markdown) has them, too.
    """

    lines: tuple[str, ...]
    role: Literal["", "note", "warning", "small"] = ""
    in_short: bool = True


@dataclass(frozen=True)
class Fact:
    """A name and its value; as a card, with lines below."""

    name: str
    value: str
    details: tuple[str, ...] = ()
    tone: Tone = ""


@dataclass(frozen=True)
class FactList:
    """Facts as cards (few, large) or as a list of two columns."""

    facts: tuple[Fact, ...]
    form: Literal["cards", "list"] = "list"


@dataclass(frozen=True)
class TableColumn(Generic[R_contra]):
    """A column of a table: its head, and what stands in it of a row."""

    title: str
    text: Callable[[R_contra], str]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: a few words.
        caption: what its numbers are, for people who see nothing else.
        head: one cell per column.
        rows: cells.
        groups: head cells above the columns, each with how many columns it spans; empty: none.
        texts: places of columns that are words, set to the left; the first always is.
        file: where its numbers are as a file, relative to the study's folder.
        brief: rows that a short document shows.
        is_whole: all of these, however little room there is for others.
        essential: places of the columns that stay on a narrow terminal; empty: all.
    """

    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    groups: tuple[tuple[str, int], ...] = ()
    texts: tuple[int, ...] = (0,)
    file: str = ""
    brief: int = 0
    is_whole: bool = False
    essential: tuple[int, ...] = ()


def table_of(title: str, caption: str, columns: Iterable[TableColumn[R]], rows: Iterable[R], file: str = "") -> Table:
    """A table with a line for each row and no groups of columns.

    Example:
        >>> columns = [TableColumn("Name", str), TableColumn("Letters", lambda pet: f"{len(pet)}")]
        >>> table_of("Pets", "By name.", columns, ["cat"]).rows
        (('cat', '3'),)
    """
    columns = list(columns)
    body = tuple(tuple(column.text(row) for column in columns) for row in rows)
    return Table(title, caption, tuple(column.title for column in columns), body, file=file)


@dataclass(frozen=True)
class Bar:
    """A change with its interval.

    Attributes:
        name: of what.
        value: of the bar, None for no bar.
        low: of the interval, None for none.
        high: likewise.
        text: the change, as it is read.
        both: before and after.
        details: lines beside it.
        is_clear: beyond chance; else it is drawn pale.
        chance: how likely chance alone makes it; empty: that cannot be told.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    both: str
    details: tuple[str, ...]
    is_clear: bool
    chance: str = ""


@dataclass(frozen=True)
class Bars:
    """Changes on one scale, the worst first.

    Attributes:
        what: a row is: class or group.
        measure: that changes, and its unit.
        rows: all of them.
        level: of the intervals: ``95 %``.
        first: rows shown unfolded.
        unfold: what is folded, in words.
        more_is_worse: a value above 0 is a loss: examples forgotten beyond seeds, say; else one below.
        brief: rows that a short document shows.
    """

    what: str
    measure: str
    rows: tuple[Bar, ...]
    level: str
    first: int
    unfold: str = ""
    more_is_worse: bool = False
    brief: int = 5


@dataclass(frozen=True)
class Chart:
    """A drawing.

    Attributes:
        title: a few words.
        caption: what is to be seen.
        drawing: inline SVG.
        legend: a mark and a name each.
        numbers: the same as text, for short documents; empty: nothing.
    """

    title: str
    caption: str
    drawing: Markup
    legend: tuple[tuple[Markup, str], ...] = ()
    numbers: tuple[str, ...] = ()


SMALL = 96
"""Pixels; images up to that width are enlarged with hard edges."""


@dataclass(frozen=True)
class Picture:
    """An image of the page.

    Attributes:
        uri: its data URI; empty where there is none.
        name: of the example.
        is_small: of so few pixels that it is enlarged with hard edges.
    """

    uri: str
    name: str
    is_small: bool = False


@dataclass(frozen=True)
class Tile:
    """One example, or several of a kind, of a gallery.

    Attributes:
        pictures: of them.
        title: the true class, or what they have in common; empty where unknown.
        tags: what happened.
        lines: what the models say.
        drawing: small bars; None for none.
        id: of the example, or empty.
    """

    pictures: tuple[Picture, ...]
    title: str
    tags: tuple[Tag, ...]
    lines: tuple[str, ...]
    drawing: Markup | None = None
    id: str = ""


@dataclass(frozen=True)
class Gallery:
    """Examples, the most telling first.

    Attributes:
        title: a few words.
        tiles: of the examples.
        first: tiles shown unfolded.
        legend: a mark and a name each.
        form: ``wall`` of single pictures, ``cards`` of several each, or ``list`` where there are none.
        brief: tiles that a short document names.
        heads: what its tiles say in a list: id, title, tags and each line, as far as there are any.
        essential: places of those that stay on a narrow terminal; empty: all.
    """

    title: str
    tiles: tuple[Tile, ...]
    first: int = 24
    legend: tuple[tuple[Markup, str], ...] = ()
    form: Literal["wall", "cards", "list"] = "wall"
    brief: int = 0
    heads: tuple[str, ...] = ()
    essential: tuple[int, ...] = ()

    def as_table(self) -> Table:
        """What its tiles say, one a row."""
        most = max((len(tile.lines) for tile in self.tiles), default=0)
        kept = [any(tile.id for tile in self.tiles), any(tile.title for tile in self.tiles)]
        kept += [any(tile.tags for tile in self.tiles), *[True] * most]
        rows = (
            (tile.id, tile.title, _one_tag(tile.tags), *tile.lines, *[""] * (most - len(tile.lines)))
            for tile in self.tiles
        )
        body = tuple(tuple(cell for cell, keep in zip(row, kept, strict=True) if keep) for row in rows)
        heads = self.heads or ("",) * sum(kept)
        texts = tuple(range(len(heads)))
        return Table(self.title, "", heads, body, texts=texts, brief=self.brief, essential=self.essential)


def _one_tag(tags: tuple[Tag, ...]) -> Cell:
    return Tag(", ".join(tag.text for tag in tags), tags[0].tone) if tags else ""


@dataclass(frozen=True)
class Drawer:
    """What is closed until somebody asks.

    Attributes:
        title: what is in it.
        count: how much, in words.
        blocks: the content.
        in_short: a short document has it, too.
    """

    title: str
    count: str
    blocks: tuple[Block, ...]
    in_short: bool = False


@dataclass(frozen=True)
class Beside:
    """Two blocks side by side where there is room: a figure and its pictures, or two ``even`` ones."""

    left: tuple[Block, ...]
    right: tuple[Block, ...]
    even: bool = False


Block = Words | FactList | Table | Bars | Chart | Gallery | Drawer | Beside


@dataclass(frozen=True)
class Section:
    """One question and its answer.

    Attributes:
        anchor: its place in the page's address.
        title: the question, or a few words.
        blocks: the answer.
        link: what the table of contents says; empty: the title.
        depth: ``evidence`` is shown, ``certainty`` stands behind the question how sure it is.
        in_short: a short document has it, too.
    """

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    link: str = ""
    depth: Literal["evidence", "certainty"] = "evidence"
    in_short: bool = True


@dataclass(frozen=True)
class Answer:
    """What stands on the first screen.

    Attributes:
        verdict: the chip: SAFE, HARM SHOWN, TOO FEW TO TELL; with its tone.
        sentence: the finding.
        lead: sentences that follow it.
        about: what was compared, in one line.
        warnings: what makes it doubtful, said before all else.
        curve: what is forgotten against how much was taken away, an ``svg`` with the id ``curve``; None for one level.
        wall: pictures of the forgotten; None where there are none.
        blocks: facts and sentences below both.
    """

    verdict: Tag
    sentence: str
    lead: tuple[str, ...]
    about: str
    warnings: tuple[str, ...]
    curve: Chart | None
    wall: Gallery | None
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A report.

    Attributes:
        kind: of what.
        title: the study's, or what was compared.
        answer: the first screen.
        sections: the rest, in order of reading.
        footer: how it was made, and how to make it again; name and value.
    """

    kind: Literal["study", "audit"]
    title: str
    answer: Answer
    sections: tuple[Section, ...]
    footer: tuple[tuple[str, str], ...]
