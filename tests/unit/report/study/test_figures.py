"""Every figure of every kind of study: legible, whole, embedded, and the same file each time."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from made_results import CASES, made
from piescope.report.layout.canvas import LOOKS, Style, Width, saved
from piescope.report.study.figures import FIGURES, draw, draw_all, figure
from piescope.report.study.results import Results
from piescope.report.study.signal import Signal
from piescope.store.catalogue import FiguresShown
from piescope.wording import SPACE, as_percent

HOSTILE = (
    "$\\frac{1}",
    "a & b % # _ ^ ~ {}",
    "</svg><script>",
    "猫",
    "\u202eright\u202c",
    "tab\there",
    "é𝄞😀",
    "x" * 200,
)

STUDIES: dict[str, Results] = {
    "digits": made(
        {"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "delayed_gmp", "one_shot")}, sparsities=(0.5, 0.9, 0.95),
        class_names=tuple("0123456789"), channels=1, examples=200, models=6,
    ),
    "hostile": made(
        {"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "delayed_gmp", "my_own"), "simclr": ("gmp",)},
        sparsities=(0.5, 0.7, 0.9, 0.995), examples=200, models=4,
        class_names=(*HOSTILE, *(f"a rather long name of class {i}" for i in range(40 - len(HOSTILE)))),
    ),
    "100 classes": made({"supcon": ("gmp", "my_own")}, class_names=tuple(f"{i}" for i in range(100)), examples=400, models=4),
    "one class": made({"supervised": ("gmp",)}, class_names=("it", "other"), examples=8, models=1),
}  # fmt: skip


@cache
def signal(name: str) -> Signal:
    return Signal(STUDIES[name])


def boxes(drawn: Figure) -> list[tuple[str, Bbox]]:
    drawn.set_dpi(200)
    drawn.draw_without_rendering()
    texts = [text for text in drawn.findobj(Text) if text.get_text().strip() and text.get_visible()]
    shown = []
    for text in texts:
        is_of_axis = text.axes is not None and text not in text.axes.texts and not text.axes.get_visible()
        if not is_of_axis:
            shown.append((text.get_text(), text.get_window_extent()))
    return shown


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "style", "width"),
    [
        ("digits", "paper", "column"),
        ("digits", "talk", "page"),
        ("hostile", "paper", "column"),
        ("hostile", "talk", "page"),
        ("100 classes", "paper", "column"),
        ("one class", "talk", "page"),
    ],
)
@pytest.mark.parametrize("number", FIGURES)
def test_words_are_large_enough_apart_and_on_the_canvas(number: int, name: str, style: Style, width: Width) -> None:
    drawn = draw(signal(name), number, style, width).figure
    assert drawn.get_size_inches()[0] == pytest.approx(LOOKS[style].widths[width])
    assert min(text.get_fontsize() for text in drawn.findobj(Text)) >= 6
    placed = boxes(drawn)
    canvas = drawn.bbox.padded(1)
    outside = [
        text
        for text, box in placed
        if not (canvas.x0 <= box.x0 and canvas.y0 <= box.y0 and box.x1 <= canvas.x1 and box.y1 <= canvas.y1)
    ]
    assert outside == []
    touching = [(a, b) for (a, of_a), (b, of_b) in combinations(placed, 2) if of_a.padded(-1).overlaps(of_b.padded(-1))]
    assert touching == []


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_study_has_every_figure(name: str) -> None:
    figures = draw_all(Signal(CASES[name]))
    assert [drawn.number for drawn in figures] == list(range(1, 12))
    for drawn in figures:
        assert drawn.title and drawn.caption
        if not drawn.rows:
            assert [text.get_text() for text in drawn.figure.texts] == ["nothing of this kind in this run"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("number", FIGURES)
def test_files_are_the_same_bytes_each_time_without_dates_and_with_their_fonts(number: int) -> None:
    one, other = (draw(signal("digits"), number) for _ in range(2))
    assert one.svg == other.svg
    assert b"dc:date" not in one.svg
    assert b"<text" not in one.svg  # outlines
    pdf = saved(one.figure, "pdf")
    if number in (1, 6):  # points and pictures
        assert saved(other.figure, "pdf") == pdf
        assert saved(one.figure, "png", dpi=100) == saved(other.figure, "png", dpi=100)
    assert b"/CreationDate" not in pdf
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/Type3" not in pdf


def test_a_figure_by_its_number() -> None:
    drawn = figure(STUDIES["digits"], 9, style="talk", width="column")
    assert isinstance(drawn, Figure)
    assert drawn.get_size_inches()[0] == pytest.approx(6)
    with pytest.raises(ValueError, match="there is no figure 12: there are 1 to 11"):
        figure(STUDIES["digits"], 12)


SAID = {"figure_1": 0.5, "figure_2": 0.95, "figure_3": 0.5, "figure_4": (0.9,), "figure_5": (0.5, 0.95),
        "figure_6": (0.95,), "figure_7": (0.5, 0.9)}  # fmt: skip
USUAL = {"figure_1": 0.95, "figure_2": 0.9, "figure_3": 0.9, "figure_4": (0.5, 0.9, 0.95), "figure_5": (0.5, 0.9, 0.95),
         "figure_7": (0.5, 0.9, 0.95)}  # fmt: skip


@pytest.mark.parametrize("said", [SAID, {}])
def test_a_study_says_which_sparsities_a_figure_shows(said: dict[str, Any]) -> None:
    results = replace(
        STUDIES["digits"], study=STUDIES["digits"].study.model_copy(update={"figures": FiguresShown(**said)})
    )
    for name, shown in (USUAL | said).items():
        drawn = draw(Signal(results), int(name[-1]))
        sparsities = sorted({row.arm.sparsity for row in drawn.rows} - {0.0})  # type: ignore[attr-defined]
        assert sparsities == list(shown if isinstance(shown, tuple) else (shown,)), name
        if said and name in ("figure_2", "figure_3"):
            told = as_percent(shown)
            assert told in drawn.title and f"pruned, {told}" in {text.get_text() for text in drawn.figure.texts}
    at = "at 95 % sparsity" if said else "each from the lowest sparsity up"
    assert at in draw(Signal(results), 6).caption.replace(SPACE, " ")


def test_a_saved_figure_can_be_saved_again() -> None:
    drawn = draw(signal("digits"), 7)
    before = saved(drawn.figure, "svg")
    saved(drawn.figure, "png", dpi=50)
    assert saved(drawn.figure, "svg") == before


@pytest.mark.parametrize("style", LOOKS)
def test_headings_begin_where_their_panels_do_and_maps_keep_to_the_page(style: Style) -> None:
    for name, number in (("one class", 1), ("one class", 2), ("digits", 5)):
        drawn = draw(signal(name), number, style).figure
        width, height = drawn.get_size_inches()
        begin = {round(axes.get_position().x0 * width, 6) for axes in drawn.axes}
        names = [text for text in drawn.texts if text.get_weight() == "bold"]
        starts = {round((text.get_window_extent().x0 - drawn.bbox.x0) / drawn.dpi, 1) for text in names}
        assert starts <= {round(place, 1) for place in begin}
        assert len(names) > 0
        assert height <= LOOKS[style].height + 0.2
