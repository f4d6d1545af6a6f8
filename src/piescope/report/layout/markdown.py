"""A document as GitHub-flavoured Markdown of a few lines, for a pull request or a model card."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from piescope.report.layout.blocks import Document, Fact, FactList, Table, Words
from piescope.report.layout.short import Short, ShortPart, parts, text
from piescope.wording import shown

MOST_LINES = 60

ROWS = (12, 10, 8, 6, 5, 4, 3, 2, 1)
"""Rows that tables may have at most, tried until all fits; those that are whole have all theirs."""

_SPECIAL = re.compile(
    r"(?P<interval>\[[−+]?[\d.,]+,[ \u00a0][−+]?[\d.,]+\](?![\[(]))"  # ours; a name that looks so is as harmless
    r"|(?P<start>^(?:[-+=](?=[-+=\s])|\d+(?=[.)](?:\s|$))))"  # would begin a list or underline a heading
    r"|(?P<scheme>://|www\.)"
    r"|(?P<short>GH-(?=\d)|:(?=[\w+-]+:))"  # an issue, an emoji
    r"|(?P<letter>[\\`*_\[\]<>|~&$#@])"
)
_LETTERS = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "@<!-- -->", "#": "#<!-- -->"}


def markdown(document: Document) -> str:
    """The document as Markdown.

    Returns:
        Text of fewer than `MOST_LINES` lines that ends with a newline; names are escaped, so that none can break a
        table, link or mention anyone.
    """
    lines: list[str] = []
    for most in ROWS:
        lines = _lines(document, most)
        if len(lines) < MOST_LINES:
            break
    return "\n".join(lines) + "\n"


def _lines(document: Document, most: int) -> list[str]:
    answer = document.answer
    lines = [f"## piescope {document.kind}: {escaped(document.title)}", ""]
    for warning in answer.warnings:
        lines += [f"> **Warning:** {escaped(warning)}", ""]
    lines += [f"**{escaped(f'{answer.verdict.text}. {answer.sentence}')}**", ""]
    lines += [escaped(" ".join(filter(None, (*answer.lead, answer.about)))), ""]
    for part in parts(document):
        lines += _part(part, most)
    return [*lines, _facts(Fact(name, value) for name, value in document.footer)]


def _part(part: ShortPart, most: int) -> list[str]:
    """Tables, and sentences and facts between them as one paragraph."""
    lines: list[str] = []
    left = 0
    for is_table, blocks in groupby(part.blocks, lambda block: isinstance(block, Table)):
        if not is_table:
            lines += [" ".join(filter(None, map(_paragraph, blocks))), ""]
            continue
        for block in blocks:
            assert isinstance(block, Table)
            count = min(len(block.rows), block.brief if block.is_whole else min(block.brief, most))
            left += len(block.rows) - count
            rows = [[text(cell) for cell in row] for row in block.rows[:count]]
            lines += [*table(block.head, rows, block.texts), ""]
    if not part.title:
        return lines
    more = f" ({left:,} more in report.html)" if left else ""
    return [f"### {escaped(part.title)}{more}", *lines]


def _paragraph(block: Short) -> str:
    if isinstance(block, FactList):
        return _facts(block.facts)
    return escaped(" ".join(block.lines)) if isinstance(block, Words) else ""


def _facts(facts: Iterable[Fact]) -> str:
    named = ((fact, f" ({'; '.join(fact.details)})" if fact.details else "") for fact in facts)
    return " · ".join(f"**{escaped(fact.name)}** {escaped(fact.value + details)}" for fact, details in named)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: Sequence[int] = (0,)) -> list[str]:
    """A GitHub table with escaped cells.

    Args:
        head: names of the columns.
        rows: cells.
        texts: places of the columns that are set to the left.
    """
    rule = ["---" if place in texts else "---:" for place in range(len(head))]
    cells = [map(escaped, head), rule, *(map(escaped, row) for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells]


def escaped(text: str) -> str:
    r"""Text in which nothing means anything to Markdown, HTML or GitHub: no link, mention, issue, emoji, formula.

    What cannot be seen, or turns the direction of what follows, is spelt out.

    Example:
        >>> print(escaped("a|b `c` <d> [e](f), 1.2 [0.9, 1.5]"))
        a\|b \`c\` &lt;d&gt; \[e\](f), 1.2 [0.9, 1.5]
        >>> print(escaped("@you http://x.example max_flips"))
        @<!-- -->you http&#58;//x.example max_flips
    """
    text = "".join(map(shown, text))

    def one(match: re.Match[str]) -> str:
        letters = match.group()
        if match["interval"] and match.start():
            return letters
        if match["interval"]:  # it begins the text: what follows could make it a link's definition
            return "\\" + letters
        if match["start"]:
            return "\\" + letters if not letters.isdigit() else f"{letters}\\"
        if match["scheme"]:
            return "&#58;//" if letters == "://" else "www&#46;"
        if match["short"]:
            return letters + "<!-- -->"
        if letters == "_" and _inside_a_word(text, match.start()):
            return letters
        return _LETTERS.get(letters, "\\" + letters)

    return _SPECIAL.sub(one, text)


def _inside_a_word(text: str, place: int) -> bool:
    """GitHub's Markdown emphasises nothing by an underscore between two letters or digits."""
    return text[place - 1 : place].isalnum() and text[place + 1 : place + 2].isalnum()
