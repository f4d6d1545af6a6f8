"""card.png: a finding as a picture of 1200 x 630 for chats and pull requests, drawn with Pillow alone."""

from __future__ import annotations

import base64
import io
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Literal

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from piescope.report.layout import palette
from piescope.report.layout.blocks import Answer, Bars, Document, Picture, Tag, Tone
from piescope.report.layout.curves import Curve, MethodCurve
from piescope.report.layout.svg import spread, ticks
from piescope.wording import number, printable

SIZE = 1200, 630
FINE = 2
"""Pixels that are drawn for one that is kept: lines have smooth edges."""

EDGE, TOP, BOTTOM = 52, 304, 566
"""Of the card: its margin; where the drawing begins below the sentence, and where it ends above the last line."""

TONES: dict[str, str] = {
    "broken": "#A33B00", "kept": "#00684B", "undecided": "#7A5600",
    "lost": palette.KINDS["lost"].light, "rescued": palette.KINDS["won back"].light,
}  # fmt: skip
ELSE = palette.KINDS["moved"].light

MADE_BY = PngInfo()
MADE_BY.add_text("Software", "piescope")

LONGEST = 400
"""Characters of a text that are looked at."""

NOT_HAD = "□"
"""What stands for a letter that the card's fonts have not."""

Point = tuple[float, float]
Edges = tuple[float, float, float, float]
Colour = str
Shown = tuple[Picture, Tone | Literal["strong"]]
"""A picture, and what happened to its example."""


@dataclass(frozen=True)
class Card:
    """What a card says.

    Attributes:
        title: of the study, or what was compared.
        verdict: the chip.
        sentence: the finding.
        about: what was compared, in one line.
        drawing: the curve, or bars of classes; None: the pictures have all the room.
        pictures: of changed examples, each with what happened to it.
        happened: what did, in words.
        lead: sentences that stand where there is neither a drawing nor a picture.
    """

    title: str
    verdict: Tag
    sentence: str
    about: str
    drawing: Curve | Bars | None
    pictures: tuple[Shown, ...]
    happened: str = ""
    lead: tuple[str, ...] = ()

    @classmethod
    def of(cls, title: str, answer: Answer, drawing: Curve | Bars | None) -> Card:
        """Of the first screen of a page."""
        tiles = () if answer.wall is None else answer.wall.tiles
        pictures = ((tile.pictures[0], tile.tags[0].tone) for tile in tiles if tile.pictures and tile.tags)
        shown = tuple((picture, tone) for picture, tone in pictures if picture.uri)
        happened = answer.wall.title if answer.wall is not None and shown else ""
        return cls(title, answer.verdict, answer.sentence, answer.about, drawing, shown, happened, answer.lead)

    @classmethod
    def of_document(cls, document: Document) -> Card:
        """Of a page, with the first bars, classes or groups, that show a loss beyond chance; else the first."""
        bars = [block for section in document.sections for block in section.blocks if isinstance(block, Bars)]
        telling = (one for one in bars if any(row.is_clear and (row.value or 0.0) < 0 for row in one.rows))
        return cls.of(document.title, document.answer, next(telling, bars[0] if bars else None))


def draw_card(card: Card) -> bytes:
    """The card as PNG.

    Example:
        >>> card = Card("a", Tag("SAFE", "kept"), "Nothing was lost.", "", None, ())
        >>> Image.open(io.BytesIO(draw_card(card))).size
        (1200, 630)
    """
    return _Drawing().of(card)


@cache
def _font(name: str, size: float) -> ImageFont.FreeTypeFont:
    content = (resources.files("piescope.report.layout") / "fonts" / f"{name}.ttf").read_bytes()
    return ImageFont.truetype(io.BytesIO(content), round(FINE * size), layout_engine=ImageFont.Layout.BASIC)


@cache
def _is_had(letter: str) -> bool:
    """Whether the fonts have a letter: what they have not looks as what no font has."""
    masks = [_font("regular", 20).getmask(each) for each in (letter, "\uffff")]
    return (bytes(masks[0]), masks[0].size) != (bytes(masks[1]), masks[1].size)


class _Drawing:
    """A card as it is drawn; all places are in its own pixels, which are `FINE` times as many here."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (FINE * SIZE[0], FINE * SIZE[1]), palette.PAPER.light)
        self.pen = ImageDraw.Draw(self.image)
        self.is_lacking = False

    def of(self, card: Card) -> bytes:
        tone = TONES.get(card.verdict.tone, TONES["undecided"])
        self.box((0, 0, 14, SIZE[1]), tone)
        self.head(card, tone)
        room = (EDGE, TOP, SIZE[0] - EDGE, BOTTOM)
        if card.drawing is not None:
            middle = 730 if card.pictures else SIZE[0] - EDGE
            draw = self.curve if isinstance(card.drawing, Curve) else self.bars
            draw(card.drawing, (EDGE, TOP, middle, BOTTOM))  # type: ignore[arg-type]
            room = (middle + 40, TOP, SIZE[0] - EDGE, BOTTOM)
        if card.pictures:
            fits = self.width(self.letters(card.happened), "regular", 16) <= room[2] - room[0]
            happened = card.happened if fits else card.happened.partition(": ")[0]
            self.text(room[:2], happened, palette.SOFT.light, "regular", 16, "la", room[2] - room[0])
            self.wall(card.pictures, (room[0], room[1] + 30, *room[2:]))
        elif card.drawing is None:
            self.lines(" ".join(card.lead), 24, TOP, BOTTOM, "regular")
        self.foot(card)
        kept = io.BytesIO()
        self.image.resize(SIZE, Image.Resampling.LANCZOS).save(kept, "PNG", optimize=True, pnginfo=MADE_BY)
        return kept.getvalue()

    def head(self, card: Card, tone: Colour) -> None:
        """The chip, the name, the sentence."""
        word = self.letters(card.verdict.text)
        right = EDGE + self.width(word, "bold", 19) + 32
        self.pen.rounded_rectangle([_fine((EDGE, 34)), _fine((right, 70))], FINE * 18, fill=tone)
        self.text((EDGE + 16, 52), word, "#FFFFFF", "bold", 19, "lm")
        self.text((right + 18, 52), card.title, palette.SOFT.light, "regular", 19, "lm", SIZE[0] - EDGE - right - 18)
        self.lines(card.sentence, 42, 90, TOP - 26, "bold")

    def foot(self, card: Card) -> None:
        """What was compared, and whose card it is."""
        own = "piescope"
        room = SIZE[0] - 2 * EDGE - self.width(own, "bold", 19) - 30
        self.text((SIZE[0] - EDGE, 602), own, palette.INK.light, "bold", 19, "rm")
        lacking = f"{NOT_HAD}: a letter that this picture lacks. " if self.is_lacking else ""
        self.text((EDGE, 602), lacking + card.about, palette.SOFT.light, "regular", 17, "lm", room)

    def curve(self, curve: Curve, room: Edges) -> None:
        """Lines of methods over the band of seeds, with their names at their ends."""
        left, top, right, bottom = room[0] + 40, room[1] + 30, room[2] - 190, room[3] - 26
        first, last = curve.levels[0][0] - curve.margin, curve.levels[-1][0] + curve.margin
        values = [mark.y for method in curve.methods for mark in method.marks]
        most = 1.06 * max([1.0, *values, *(high for _, high in curve.seeds)])

        def at(place: float, value: float) -> Point:
            return left + (place - first) * (right - left) / (last - first), bottom - value * (bottom - top) / most

        title = f"{curve.up}, by {curve.across}" + ("; grey: by seeds alone" if curve.seeds else "")
        self.text((room[0], room[1]), title, palette.SOFT.light, "regular", 16)
        if curve.seeds:
            edge = [at(place, high) for place, _, high in curve.band]
            edge += [at(place, low) for place, low, _ in reversed(curve.band)]
            self.pen.polygon([_fine(point) for point in edge], fill=palette.SEEDS.tint(0.55))
        for value in (tick for tick in ticks(0, most) if float(tick).is_integer()):
            y = at(0, value)[1]
            self.line([(left, y), (right, y)], palette.LINE.light, 1)
            self.text((left - 10, y), number(value, 0), palette.SOFT.light, "regular", 15, "rm")
        for place, level in curve.levels:
            where = at(place, 0)[0], bottom + 8
            self.text(where, level, palette.SOFT.light, "regular", 16, "ma", (right - left) / len(curve.levels) - 8)
        ends = []
        for method in curve.methods:
            points = [(at(mark.x, mark.y), mark.is_pale) for mark in method.marks]
            self.method(method, points, curve.are_joined)
            ends.append((points[-1][0], method))
        self.names(sorted(ends, key=lambda end: end[0][1])[-10:], bottom)

    def method(self, method: MethodCurve, points: Sequence[tuple[Point, bool]], is_joined: bool) -> None:
        """One line, and a dot a level; pale is lighter."""
        hue = palette.HUES[method.hue % len(palette.HUES)]
        for (before, _), (after, pale) in pairwise(points if is_joined else ()):
            for piece in _dashes(before, after, palette.DASHES[method.dash % len(palette.DASHES)]):
                self.line(piece, hue.tint(0.4) if pale else hue.light, 3.4)
        for (x, y), pale in points:
            self.pen.ellipse([_fine((x - 6, y - 6)), _fine((x + 6, y + 6))], fill=hue.tint(0.4) if pale else hue.light)

    def names(self, ends: Sequence[tuple[Point, MethodCurve]], bottom: float) -> None:
        """Beside the lines' ends, moved apart where they would touch."""
        for y, ((x, _), method) in zip(spread([y for (_, y), _ in ends], 20, bottom - 6), ends, strict=True):
            hue = palette.HUES[method.hue % len(palette.HUES)]
            self.text((x + 14, y), method.name, hue.light, "bold", 15, "lm", 215)

    def bars(self, bars: Bars, room: Edges) -> None:
        """The classes that changed most, each with its interval."""
        rows = [row for row in bars.rows if row.value is not None][:6]
        edges = [edge for row in rows for edge in (row.value, row.low, row.high) if edge is not None]
        low, high = min([-1.0, *edges]), max([1.0, *edges])
        left, top, right = room[0] + 170, room[1] + 30, room[2] - 90
        title = f"change of {bars.measure}, points, by {bars.what}; pale: not beyond chance"
        self.text(room[:2], title, palette.SOFT.light, "regular", 16, "la", room[2] - room[0])

        def across(value: float) -> float:
            return left + (value - low) * (right - left) / (high - low)

        step = min(44.0, (room[3] - top) / max(1, len(rows)))
        self.line([(across(0), top), (across(0), top + step * len(rows))], palette.SOFT.light, 1.5)
        for place, row in enumerate(rows):
            y, value = top + step * (place + 0.5), row.value or 0.0
            full = palette.KINDS["lost" if value < 0 else "won back"]
            start, end = sorted((across(0), across(value)))
            self.box((start, y - 0.3 * step, end, y + 0.3 * step), full.light if row.is_clear else full.tint(0.4))
            if row.low is not None and row.high is not None:
                self.line([(across(row.low), y), (across(row.high), y)], palette.INK.light, 2)
            self.text((left - 14, y), row.name, palette.INK.light, "bold", 17, "rm", 155)
            self.text((right + 12, y), row.text.partition(" ")[0], palette.INK.light, "regular", 17, "lm", 78)

    def wall(self, pictures: Sequence[Shown], room: Edges) -> None:
        """As many pictures as there is room for, of one size, with the colour of what happened below each."""
        columns = 6 if room[2] - room[0] < 600 else 10
        side = (room[2] - room[0] - 12 * (columns - 1)) / columns
        rows = int((room[3] - room[1] + 12) / (side + 18)) or 1
        opened = ((image, each) for each in pictures if (image := _opened(each[0])) is not None)
        for place, (image, (picture, tone)) in zip(range(columns * rows), opened, strict=False):
            x, y = room[0] + place % columns * (side + 12), room[1] + place // columns * (side + 18)
            how = Image.Resampling.NEAREST if picture.is_small else Image.Resampling.LANCZOS
            scale = FINE * side / max(image.size)
            size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
            self.image.paste(image.resize(size, how), _fine((x, y)))
            self.box((x, y + side + 3, x + side, y + side + 8), TONES.get(tone, ELSE))

    # -- letters and lines ------------------------------------------------------------------------------------------

    def letters(self, text: str) -> str:
        """Printable, and boxes for what the fonts have not."""
        shown = printable(unicodedata.normalize("NFC", text), LONGEST)
        had = "".join(letter if _is_had(letter) or letter == NOT_HAD else NOT_HAD for letter in shown)
        self.is_lacking |= had != shown
        return had

    def text(
        self, at: Point, text: str, ink: Colour, font: str, size: float, anchor: str = "la", most: float | None = None
    ) -> None:
        """A line, cut to a width."""
        kept = self.letters(text)
        if most is not None and self.width(kept, font, size) > most:
            fits = bisect_right(range(len(kept)), most, key=lambda end: self.width(kept[:end] + "…", font, size)) - 1
            kept = kept[: max(0, fits)].rstrip() + "…"
        self.pen.text(_fine(at), kept, ink, _font(font, size), anchor)

    def width(self, text: str, font: str, size: float) -> float:
        return _font(font, size).getlength(text) / FINE

    def lines(self, text: str, largest: int, top: float, bottom: float, font: str) -> None:
        """A text in as large letters as there is room for."""
        for size in range(largest, 19, -2):
            lines = list(self.wrapped(self.letters(text), font, size))
            if len(lines) * 1.2 * size <= bottom - top:
                break
        for place, line in enumerate(lines[: int((bottom - top) / (1.2 * size))]):
            self.text((EDGE, top + 1.2 * size * place), line, palette.INK.light, font, size, "la", SIZE[0] - 2 * EDGE)

    def wrapped(self, text: str, font: str, size: float) -> Iterator[str]:
        """Lines of whole words, as wide as the card."""
        line = ""
        for word in text.split(" "):
            if line and self.width(f"{line} {word}", font, size) > SIZE[0] - 2 * EDGE:
                yield line
                line = word
            else:
                line = f"{line} {word}" if line else word
        yield line

    def line(self, points: Iterable[Point], ink: Colour, width: float) -> None:
        self.pen.line([_fine(point) for point in points], ink, round(FINE * width))

    def box(self, edges: tuple[float, float, float, float], ink: Colour) -> None:
        self.pen.rectangle([_fine(edges[:2]), _fine(edges[2:])], fill=ink)


def _dashes(before: Point, after: Point, pattern: Sequence[float]) -> Iterator[tuple[Point, Point]]:
    """The pieces of a line that are drawn."""
    length = ((after[0] - before[0]) ** 2 + (after[1] - before[1]) ** 2) ** 0.5
    if not pattern or length == 0:
        yield before, after
        return
    at, place = 0.0, 0
    while at < length:
        end = min(length, at + 3.4 * pattern[place % len(pattern)])
        if place % 2 == 0:
            yield _between(before, after, at / length), _between(before, after, end / length)
        at, place = end, place + 1


def _between(before: Point, after: Point, share: float) -> Point:
    return before[0] + share * (after[0] - before[0]), before[1] + share * (after[1] - before[1])


def _opened(picture: Picture) -> Image.Image | None:
    """A picture of a data URI; None for one that cannot be read."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(picture.uri.partition(",")[2]))) as image:
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _fine(at: Point) -> tuple[int, int]:
    """Where a place of the card is drawn."""
    return round(FINE * at[0]), round(FINE * at[1])
