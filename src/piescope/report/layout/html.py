"""A document as one page: it opens from disk, offline, and is whole without a script, which adds the explorer."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Protocol
from unicodedata import bidirectional

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from piescope.notebooks import framed
from piescope.report.layout import svg
from piescope.report.layout.blocks import Bar, Bars, Document
from piescope.report.layout.standalone import content_hash
from piescope.wording import printable


class Explorable(Protocol):
    """What the page's script draws from."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences below it: what it has not."""

    def head_json(self) -> str:
        """Names, arms and where each array lies, as JSON that cannot end its element."""

    def arrays_base64(self) -> str:
        """All arrays, deflated, in base64."""


@cache
def templates() -> Environment:
    """Compiled once. What they are given is text, in which nothing is hidden; what they are not given is a fault."""
    made = Environment(
        loader=PackageLoader("piescope.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    made.filters["kind"] = lambda block: type(block).__name__.lower()
    made.filters["scale"] = scale_of
    made.filters["drawn"] = bar
    made.filters["axis"] = _axis
    made.filters["apart"] = _apart
    return made


def page(document: Document, explorer: Explorable | None = None) -> bytes:
    """The whole page.

    Args:
        document: what it says.
        explorer: what the script draws from; None: a page without a script.

    Returns:
        UTF-8 HTML that needs no other file and no network.
    """
    styles, script = ["templates/page.css"], ""
    if explorer is not None:
        styles, script = [*styles, "explorer/explorer.css"], _source("explorer/explorer.js")
    return _written(document, styles, script, explorer).encode()


def _written(document: Document, styles: list[str], script: str = "", explorer: Explorable | None = None) -> str:
    css = "".join(map(_source, styles))
    return (
        templates()
        .get_template("page.html")
        .render(
            document=document,
            css=Markup(css),
            css_hash=content_hash(css),
            script=Markup(script),
            script_hash=content_hash(script) if script else "",
            head=None if explorer is None else Markup(explorer.head_json()),
            arrays=None if explorer is None else explorer.arrays_base64(),
            notes=() if explorer is None else explorer.notes,
        )
    )


def first_screen(document: Document) -> str:
    """The answer alone, as a page of its own: what a notebook shows."""
    return _written(replace(document, sections=(), footer=()), ["templates/page.css", "templates/cell.css"])


def in_a_cell(document: Document, value: object) -> str:
    """The first screen in a cell of a notebook, with a line on the value that it is of.

    Where frames are left out the finding stays, as text.
    """
    answer = document.answer
    return framed(first_screen(document), repr(value), instead=f"{answer.verdict.text}: {answer.sentence}")


def _source(path: str) -> str:
    return (files("piescope.report") / path).read_text(encoding="utf-8")


BETWEEN = re.compile("( → | taken for )")
"""Words between two names."""


def _apart(text: str) -> Markup:
    """Names of which one is written from right to left, each by itself: what is before stays before what is after."""
    shown = printable(text)
    if not any(bidirectional(letter) in ("R", "AL") for letter in shown):
        return escape(shown)
    parts = BETWEEN.split(shown)  # names at even places; isolates are no elements, so that no name makes one
    return escape("".join(part if place % 2 else f"\u2068{part}\u2069" for place, part in enumerate(parts)))


def _axis(bars: Bars) -> Markup:
    return svg.axis(scale_of(bars), bars.measure if bars.more_is_worse else f"change of {bars.measure}")


def scale_of(bars: Bars) -> svg.Scale:
    """The scale that all bars are drawn on."""
    return svg.Scale.over([end for row in bars.rows for end in (row.value, row.low, row.high)])


def bar(row: Bar, scale: svg.Scale, more_is_worse: bool = False) -> Markup:
    """A bar from 0 to the value, its interval as a whisker; pale where it is not beyond chance."""
    inside = [svg.element("line", x1=f"{scale.at(0):.2f}%", x2=f"{scale.at(0):.2f}%", y1=0, y2=24, class_="zero")]
    if row.value is not None:
        start, end = sorted((scale.at(0), scale.at(row.value)))
        kind = "lost" if (row.value > 0) == more_is_worse else "rescued"
        place = {"x": f"{start:.2f}%", "width": f"{end - start:.2f}%", "y": 5, "height": 14, "rx": 1}
        inside.append(svg.element("rect", **place, class_=f"{kind}{'' if row.is_clear else ' unsure'}"))
    if row.low is not None and row.high is not None:
        low, high = (f"{scale.at(end):.2f}%" for end in (row.low, row.high))
        for x1, x2, y1, y2 in ((low, high, 12, 12), (low, low, 8, 16), (high, high, 8, 16)):
            inside.append(svg.element("line", x1=x1, x2=x2, y1=y1, y2=y2, class_="whisker"))
    return svg.element("svg", *inside, width="100%", height=24, aria_hidden="true", class_="bar")
