"""The ground that figures are drawn on: two styles, two widths, everything placed in points from the upper left.

Nothing here is global but one more family in matplotlib's list of fonts: no backend is chosen, no pyplot, and what a
notebook has set (rcParams) neither shows in a figure nor is changed by one.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from matplotlib import style as matplotlib_style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, FontProperties, findfont, fontManager, get_font
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D

from piescope.report.layout.palette import INK, LINE, PAPER, SOFT, Colour
from piescope.report.layout.svg import ticks
from piescope.wording import number, printable

Style = Literal["paper", "talk"]
Width = Literal["column", "page"]
Format = Literal["svg", "pdf", "png"]

INCH = 72
FONT = "DejaVu Sans"
"""It comes with matplotlib: a figure is the same on every machine."""

COMMON = "DejaVu Sans of piescope"
"""Its letters of Europe alone, as a card has them: what a PDF embeds is cut from these in a quarter of the time."""

DPI = 300
LONGEST_NAME = 16
"""Characters of a class name in a figure."""


@dataclass(frozen=True)
class Look:
    """Sizes of a style, in points but for the widths.

    Attributes:
        widths: of a figure, in inches.
        height: of a page's text, or of a slide, in inches; squares are made smaller to keep to it.
        text: of names.
        small: of all else; nothing is smaller.
        line: thickness.
    """

    widths: dict[Width, float]
    height: float
    text: float
    small: float
    line: float


LOOKS: dict[Style, Look] = {
    # IEEE's columns; within a point of a full line at ACM, ICML and CVPR
    "paper": Look({"column": 3.5, "page": 7.16}, height=9, text=7, small=6, line=0.9),
    # half a slide of 13.33 x 7.5 inches, and a whole one
    "talk": Look({"column": 6.0, "page": 12.0}, height=7, text=14, small=12, line=1.8),
}

UNDATED: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


@contextmanager
def styled(look: Look) -> Iterator[None]:
    """The defaults of matplotlib with a look's sizes, whatever the user has set."""
    _know_common_letters()
    sizes = dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize"), look.text)
    with matplotlib_style.context(["default", STYLE, sizes]):
        yield


@cache
def _know_common_letters() -> None:
    """Lets matplotlib find them under a name of their own."""
    for name, weight in (("regular", 400), ("bold", 700)):
        file = str(Path(__file__).with_name("fonts") / f"{name}.ttf")
        fontManager.ttflist.append(FontEntry(fname=file, name=COMMON, weight=weight, size="scalable"))


STYLE: dict[str, Any] = {
    "font.family": [COMMON, FONT],
    "text.color": INK.light,
    "text.parse_math": False,  # a class may be called $x$
    "axes.edgecolor": SOFT.light,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.dpi": DPI,
    "svg.hashsalt": "piescope",  # equal figures have equal bytes
    "svg.fonttype": "path",  # letters are outlines: no reader needs the font
    "pdf.fonttype": 42,  # letters are TrueType: they can be searched, and no publisher refuses them
}


class StudyFigure(Figure):
    """A matplotlib figure that keeps its style wherever it is saved, and that a notebook shows without pyplot."""

    look: Look = LOOKS["paper"]

    def savefig(self, fname: str | os.PathLike[str] | IO[Any], **options: Any) -> None:
        """As matplotlib's, with embedded fonts, without dates."""
        suffix = options.get("format") or (Path(fname).suffix[1:] if isinstance(fname, str | os.PathLike) else "png")
        with styled(self.look):
            super().savefig(fname, **{"metadata": UNDATED.get(suffix), **options})

    def _repr_png_(self) -> bytes:
        return saved(self, "png", dpi=DPI // 2)


def saved(figure: Figure, suffix: Format, **options: Any) -> bytes:
    """A figure's file: equal figures have equal bytes."""
    sink = io.BytesIO()
    figure.savefig(sink, format=suffix, **options)
    return sink.getvalue()


@cache
def _letters() -> frozenset[int]:
    """What the font has."""
    return frozenset(get_font(findfont(FONT)).get_charmap())


def legible(text: str) -> str:
    r"""Text that the font can draw: what it lacks is spelt out.

    Example:
        >>> legible("a$b_ü"), legible("猫\n")
        ('a$b_ü', 'U+732B\\n')
    """
    return "".join(letter if ord(letter) in _letters() else f"U+{ord(letter):04X}" for letter in printable(text))


@lru_cache(maxsize=10_000)
def extent(text: str, size: float, bold: bool = False) -> float:
    """How wide a line of text is, in points."""
    font = FontProperties(family=FONT, weight="bold" if bold else "normal", size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def fitted(text: str, room: float, size: float, bold: bool = False) -> str:
    """As much of a name as there is room for, in points.

    Example:
        >>> fitted("aeroplane", 100, 6), fitted("aeroplane", 20, 6)
        ('aeroplane', 'aero…')
    """
    text = legible(text)
    if extent(text, size, bold) <= room:
        return text
    kept = next((end for end in range(len(text) - 1, 0, -1) if extent(text[:end] + "…", size, bold) <= room), 0)
    return text[:kept] + "…"


def short(name: str) -> str:
    """A class's name, without its middle where it is long: beginnings and ends tell names apart.

    Example:
        >>> short("aeroplane"), short("a rather long name of class 13")
        ('aeroplane', 'a rathe…class 13')
    """
    name, half = legible(name), LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[: half - 1]}…{name[-half:]}"


def apart(places: Sequence[float], distance: float, first: Iterable[int]) -> list[int]:
    """Which of these places to name so that all names are at least so far apart; those that come first have their way.

    Example:
        >>> apart([0, 5, 9, 20], 8, first=[1, 0, 2, 3])
        [1, 3]
    """
    kept: list[int] = []
    for index in first:
        if all(abs(places[index] - places[other]) >= distance for other in kept):
            kept.append(index)
    return sorted(kept)


class Heading(NamedTuple):
    """The name above a panel, the shorter one where there is little room: in an arm's colour, with lines below it."""

    names: tuple[str, ...]
    colour: Colour = INK
    below: tuple[str, ...] = ()


class Canvas:
    """A figure while it is drawn: lines of panels from the top downwards, all in points.

    Args:
        style: for a paper's page, or for a slide.
        width: of a column, or of the whole page.
    """

    def __init__(self, style: Style, width: Width) -> None:
        self.look = LOOKS[style]
        self.whole = self.look.widths[width] * INCH
        self.margin = 0.3 * self.look.text
        self.width = self.whole - 2 * self.margin
        self.y = 0.0
        self.figure = StudyFigure()
        self.figure.look = self.look
        self._boxes: list[tuple[Axes, float, float, float, float]] = []
        # from points within the margins, downwards, to inches, upwards from a lower edge that is not known yet
        self._down = Affine2D().translate(self.margin, 0).scale(1 / INCH, -1 / INCH)
        self._points = self._down + self.figure.dpi_scale_trans

    @property
    def em(self) -> float:
        """The size of names: all distances are multiples of it."""
        return self.look.text

    def finished(self) -> StudyFigure:
        """The figure, as high as what is on it."""
        height = self.y + self.margin
        self._down.translate(0, height / INCH)
        self.figure.set_size_inches(self.whole / INCH, height / INCH)
        for axes, left, top, width, tall in self._boxes:
            place = ((self.margin + left) / self.whole, 1 - (top + tall) / height)
            axes.set_position((*place, width / self.whole, tall / height))
        return self.figure

    def panel(self, left: float, top: float, width: float, height: float) -> Axes:
        """An empty panel."""
        axes = self.figure.add_axes((0, 0, 1, 1))
        line = 0.6 * self.look.line
        for spine in axes.spines.values():
            spine.set_linewidth(line)
        sizes: dict[str, Any] = {"labelsize": self.look.small, "labelcolor": SOFT.light, "color": SOFT.light}
        axes.tick_params(width=line, length=0.35 * self.em, pad=0.3 * self.em, **sizes)
        axes.set_xticks([])
        axes.set_yticks([])
        self._boxes.append((axes, left, top, width, height))
        return axes

    def columns(self, panels: int, least: float, left: float, gap: float) -> int:
        """How many panels stand side by side, none narrower than ``least``, so that all lines are about as long."""
        most = max(1, int((self.width - left + gap) / (least + gap)))
        lines = -(-panels // most)
        return -(-panels // lines)

    def line(
        self, count: int, columns: int, left: float, gap: float, height: float = 0, most: float = 1e9
    ) -> list[Axes]:
        """The next line of panels, under what there is; without a height they are square.

        Args:
            count: of panels, from the left.
            columns: that the width is divided into.
            left: room for names and numbers.
            gap: between panels.
            height: of each.
            most: width of each.
        """
        width = self._across(columns, left, gap, most)
        made = [self.panel(left + index * (width + gap), self.y, width, height or width) for index in range(count)]
        self.y += height or width
        return made

    def _across(self, columns: int, left: float, gap: float, most: float) -> float:
        """The width of a panel."""
        return min(most, (self.width - left - (columns - 1) * gap) / columns)

    def box(self, axes: Axes) -> tuple[float, float, float, float]:
        """Left, top, width, height of a panel."""
        return next(tuple(box) for owner, *box in self._boxes if owner is axes)  # type: ignore[return-value]

    def numbered(
        self, axes: Axes, axis: Literal["x", "y"], low: float, high: float, most: int = 4, whole: bool = False
    ) -> None:
        """Round numbers along an axis from low to high, but for those that would stand out at an end."""
        places = [value for value in ticks(low, high, most) if not whole or float(value).is_integer()]
        room = self.box(axes)[2] / (high - low)
        names = alike(places)
        shown = [
            (place, name)
            for place, name in zip(places, names, strict=True)
            if axis == "y" or room * min(place - low, high - place) > extent(name, self.look.small) / 2 - self.margin
        ]
        named(axes, axis, [place for place, _ in shown], [name for _, name in shown])
        (axes.set_xlim if axis == "x" else axes.set_ylim)(low, high)

    def write(self, x: float, y: float, text: str, small: bool = True, colour: Colour = SOFT, **options: Any) -> None:
        """Text at a place of the figure."""
        size = self.look.small if small else self.look.text
        self.figure.text(x, y, text, fontsize=size, color=colour.light, transform=self._points, **options)

    def headings(self, headings: Sequence[Heading], columns: int, left: float, gap: float, most: float = 1e9) -> None:
        """Names above the panels of the next line, which begin where the panels do."""
        width = self._across(columns, left, gap, most)
        step = 1.25 * self.em
        self.y += 0.3 * self.em
        for index, heading in enumerate(headings):
            x = left + index * (width + gap)
            room = width + gap - 0.6 * self.em
            names = (name for name in heading.names if extent(legible(name), self.em, bold=True) <= room)
            name = fitted(next(names, heading.names[-1]), room, self.em, bold=True)
            self.write(x, self.y, name, small=False, colour=heading.colour, weight="bold", va="top")
            for line, text in enumerate(heading.below, start=1):
                self.write(x, self.y + line * step, fitted(text, room, self.look.small), va="top")
        self.y += step * (1 + max((len(heading.below) for heading in headings), default=0)) + 0.5 * self.em

    def beside(self, axes: Axes, *names: str, colour: Colour = SOFT, x: float = 0.0) -> None:
        """A name left of a panel, upwards: the first that fits."""
        _, top, _, height = self.box(axes)
        room = height + 0.8 * self.em
        name = next((name for name in names if extent(legible(name), self.look.small) <= room), names[-1])
        place: dict[str, Any] = {"rotation": 90, "ha": "left", "va": "center"}
        self.write(x, top + height / 2, fitted(name, room, self.look.small), colour=colour, **place)

    def below(self, text: str, left: float = 0.0) -> None:
        """The name of the axes above it."""
        self.y += 0.3 * self.em
        self.write((left + self.width) / 2, self.y, fitted(text, self.width, self.look.small), ha="center", va="top")
        self.y += 1.3 * self.em

    def key(self, items: Sequence[tuple[Sequence[dict[str, Any]], str]]) -> None:
        """Marks with their names, in lines that fill the width.

        Args:
            items: each with the properties of its marks (`matplotlib.lines.Line2D`) and its name.
        """
        step, x = 1.5 * self.em, 0.0
        self.y += 0.5 * self.em
        for marks, text in items:
            text = fitted(text, self.width - 2 * self.em * len(marks), self.look.small)
            room = 0.9 * self.em * len(marks) + 0.3 * self.em
            width = room + extent(text, self.look.small)
            if x and x + width > self.width:
                x, self.y = 0.0, self.y + step
            for index, mark in enumerate(marks):
                place = x + 0.9 * self.em * (index + 0.5)
                look: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 0.6 * self.em}
                look |= {"markeredgewidth": 0, "transform": self._points} | mark
                half = 0.45 * self.em if look["linestyle"] else 0
                self.figure.add_artist(
                    Line2D(
                        [place - half, place + half][: 2 if half else 1],
                        [self.y + step / 2] * (2 if half else 1),
                        **look,
                    )
                )
            self.write(x + room, self.y + step / 2, text, va="center_baseline")
            x += width + 1.4 * self.em
        self.y += step


def alike(values: Sequence[float]) -> list[str]:
    """Numbers with equally many decimals, as many as any needs.

    Example:
        >>> alike([0.5, 1, 1.25]), alike([0, 1_000])
        (['0.50', '1.00', '1.25'], ['0', '1,000'])
    """
    decimals = max((len(f"{value:.6f}".rstrip("0").partition(".")[2]) for value in values), default=0)
    return [number(value, decimals) for value in values]


def named(axes: Axes, axis: Literal["x", "y"], places: Sequence[float], names: Sequence[str], **options: Any) -> None:
    """Names along an axis."""
    (axes.set_xticks if axis == "x" else axes.set_yticks)(places, labels=names, **options)


def widest(low: float, high: float, most: int, size: float) -> float:
    """Room that the numbers along an axis take, in points."""
    return max(extent(text, size) for text in alike(ticks(low, high, most)))


def bare(axes: Axes, frame: bool = False) -> None:
    """A panel without axes; in a thin frame, if wanted."""
    for spine in axes.spines.values():
        spine.set_visible(frame)
        spine.set_color(LINE.light)
    axes.patch.set_facecolor(PAPER.light)
