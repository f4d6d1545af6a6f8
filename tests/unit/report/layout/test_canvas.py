"""What figures stand on: sizes, words that fit, files that hang on nothing but the figure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from piescope.report.layout.canvas import (
    LOOKS,
    Canvas,
    Heading,
    StudyFigure,
    Style,
    Width,
    extent,
    fitted,
    saved,
    styled,
)
from piescope.report.layout.palette import INK


def drawn(style: Style = "paper", width: Width = "column") -> StudyFigure:
    canvas = Canvas(style, width)
    with styled(canvas.look):
        canvas.headings([Heading(("supervised", "Sup"), INK, ("GMP",))] * 3, 3, 20, 5)
        for axes in canvas.line(3, 3, 20, 5):
            axes.plot([0, 1], [0, 1])
        canvas.key([([{"color": "red"}], "a mark")])
        return canvas.finished()


@pytest.mark.parametrize(
    ("style", "width", "inches"), [("paper", "column", 3.5), ("paper", "page", 7.16), ("talk", "page", 12)]
)
def test_a_figure_is_as_wide_as_it_says(style: Style, width: Width, inches: float) -> None:
    figure = drawn(style, width)
    assert figure.get_size_inches()[0] == pytest.approx(inches)
    box = saved(figure, "pdf").split(b"/MediaBox [")[1].split(b"]")[0].split()
    assert float(box[2]) == pytest.approx(72 * inches, abs=0.1)
    assert min(LOOKS[style].small, LOOKS[style].text) >= 6


def test_panels_are_squares_side_by_side_that_end_at_the_margin() -> None:
    figure = drawn()
    width, height = figure.get_size_inches() * 72
    boxes = [axes.get_position() for axes in figure.axes]
    assert all(box.width * width == pytest.approx(box.height * height) for box in boxes)
    assert boxes[-1].x1 * width == pytest.approx(width - 0.3 * 7)
    assert (boxes[1].x0 - boxes[0].x1) * width == pytest.approx(5)


def test_what_a_notebook_has_set_neither_shows_nor_changes() -> None:
    plain = saved(drawn(), "svg")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "pdf.fonttype": 3, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        figure = drawn()
        assert saved(figure, "svg") == plain
        assert b"/Type3" not in saved(figure, "pdf")
        assert dict(matplotlib.rcParams) == before


def test_a_users_own_savefig_writes_the_same_file(tmp_path: Path) -> None:
    figure = drawn()
    for suffix in ("svg", "pdf", "png"):
        figure.savefig(tmp_path / f"mine.{suffix}")
        assert (tmp_path / f"mine.{suffix}").read_bytes() == saved(drawn(), suffix)  # type: ignore[arg-type]
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["Katze, Łódź, Σ, кошка", "կատու (Armenian)"])
@pytest.mark.filterwarnings("error:Glyph")
def test_letters_that_the_lean_fonts_lack_come_from_the_whole_one(name: str) -> None:
    figure = Canvas("paper", "column").figure
    with styled(LOOKS["paper"]):
        text = figure.text(0.1, 0.5, name, transform=None)
        width = text.get_window_extent().width
    assert b"/FontFile2" in saved(figure, "pdf") and b"<path" in saved(figure, "svg")
    assert width * 72 / figure.dpi == pytest.approx(extent(name, LOOKS["paper"].text), rel=0.1)


def test_no_pyplot_and_no_backend() -> None:
    code = (
        "import sys, matplotlib, piescope.report.study.figures\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert not isinstance(dict.__getitem__(matplotlib.rcParams, 'backend'), str)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_as_long_as_there_is_room() -> None:
    for room in (5, 17, 40):
        assert extent(fitted("a rather long name", room, 6), 6) <= max(room, extent("…", 6))
    assert fitted("a rather long name", 1000, 6) == "a rather long name"
    canvas = Canvas("paper", "column")
    canvas.headings([Heading(("supervised", "Sup"))] * 9, 9, 0, 2)
    assert {text.get_text() for text in canvas.figure.texts} == {"Sup"}
