"""What is drawn are the numbers of the rows: every point, every bar, every picture."""

from __future__ import annotations

from collections import Counter
from typing import cast

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from made_results import CASES, made
from piescope.report.layout.canvas import short
from piescope.report.layout.palette import KINDS
from piescope.report.study.figures import draw
from piescope.report.study.frames import ClassRow, MapRow, PairRow, RescuedRow
from piescope.report.study.results import Results
from piescope.report.study.signal import Signal

TWO = made({"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "one_shot")}, class_names=("a", "b", "c"))
"""Fifteen panels at most: none is left out."""


def points(figure: Figure) -> Counter[tuple[float, float]]:
    clouds = [cloud for cloud in figure.findobj(PathCollection) if len(cloud.get_offsets())]
    return Counter(
        (round(float(x), 9), round(float(y), 9)) for cloud in clouds for x, y in np.asarray(cloud.get_offsets())
    )


@pytest.mark.parametrize("number", [1, 5])
def test_every_example_is_on_its_maps(number: int) -> None:
    drawn = draw(Signal(TWO), number)
    rows = [cast(MapRow, row) for row in drawn.rows]
    assert points(drawn.figure) == Counter((round(row.x, 9), round(row.y, 9)) for row in rows)


def test_every_example_is_a_point_in_the_colour_of_what_happened() -> None:
    drawn = draw(Signal(TWO), 2)
    rows = [cast(PairRow, row) for row in drawn.rows]
    assert points(drawn.figure) == Counter((round(row.dense, 9), round(row.pruned, 9)) for row in rows)
    clouds = drawn.figure.findobj(PathCollection)
    shown = Counter(
        to_hex(np.asarray(cloud.get_facecolor())[0]).upper() for cloud in clouds for _ in cloud.get_offsets()
    )  # type: ignore[attr-defined]
    for kind, colour in KINDS.items():
        assert shown[colour.light] == sum(row.kind == kind for row in rows)
    assert sum(row.is_pie for row in rows) == sum(shown[colour.light] for colour in KINDS.values())


def test_jitter_moves_no_point_far() -> None:
    drawn = draw(Signal(TWO), 3)
    rows = [cast(PairRow, row) for row in drawn.rows]
    panels = [axes for axes in drawn.figure.axes if axes.collections]
    assert sum(len(cloud.get_offsets()) for axes in panels for cloud in axes.collections) == len(rows)
    nearest = np.array([[row.dense, row.pruned] for row in rows])
    for axes in panels:
        for cloud in axes.collections:
            for point in np.asarray(cloud.get_offsets()):
                assert np.abs(nearest - point).max(1).min() <= 0.12 + 1e-9


@pytest.mark.parametrize("number", [4, 7])
def test_bars_are_as_high_as_the_counts(number: int) -> None:
    drawn = draw(Signal(TWO), number)
    rows = [cast(ClassRow, row) for row in drawn.rows]
    bars = [patch for axes in drawn.figure.axes for patch in axes.patches]
    heights = Counter(round(float(bar.get_height())) for bar in bars)  # type: ignore[attr-defined]
    expected = Counter(row.shared_pies or 0 for row in rows) + Counter(
        row.pies - (row.shared_pies or 0) for row in rows
    )
    assert heights == expected
    assert len(bars) == 2 * len(rows)


def test_classes_without_room_for_all_names_are_those_that_lose_most() -> None:
    names = tuple(f"class number {i}" for i in range(60))
    results = made({"supcon": ("gmp",)}, sparsities=(0.9,), class_names=names, examples=400)
    drawn = draw(Signal(results), 7, width="column")
    (axes,) = drawn.figure.axes
    shown = [label.get_text() for label in axes.get_xticklabels()]
    lost = {row.label: row.pies for row in map(lambda row: cast(ClassRow, row), drawn.rows)}
    assert 5 < len(shown) < 60
    assert max(lost, key=lambda name: lost[name]) in shown
    assert [names.index(name) for name in shown] == sorted(np.round(axes.get_xticks()).astype(int))
    assert len(axes.patches) == 2 * 60


@pytest.mark.parametrize("number", [4, 7])
def test_of_very_many_classes_those_that_lose_most_are_drawn(number: int) -> None:
    names = tuple(f"class number {i}" for i in range(150))
    drawn = draw(Signal(made({"supervised": ("gmp",), "supcon": ("gmp",)}, class_names=names, examples=400)), number)
    rows = [cast(ClassRow, row) for row in drawn.rows]
    assert {row.label for row in rows} == set(names)
    for axes in drawn.figure.axes:
        if axes.get_visible() and axes.patches:
            assert len(axes.patches) == 2 * 40
    assert any(text.get_text() == "true class; 110 with no more PIEs are left out" for text in drawn.figure.texts)
    lost = Counter[str]()
    for row in rows:
        lost[row.label] += row.pies
    (lowest,) = {axes.get_xlim() for axes in drawn.figure.axes if axes.patches}
    assert lowest == (-0.7, 39.7)
    heights = sum(patch.get_height() for axes in drawn.figure.axes for patch in axes.patches)  # type: ignore[attr-defined]
    assert heights == sum(count for _, count in lost.most_common(40))


def test_a_key_of_many_classes_goes_through_all_their_colours() -> None:
    names = tuple(f"a class with the number {i}" for i in range(150))
    drawn = draw(Signal(made({"supervised": ("gmp",)}, class_names=names, examples=400)), 1)
    texts = [text.get_text() for text in drawn.figure.texts]
    named = [names.index(name) for name in names if short(name) in texts]
    assert len(named) == 20 and (named[0], named[-1]) == (0, 149) and max(np.diff(named)) == 8
    assert "and 130 classes between them" in texts


@pytest.mark.parametrize("name", ["everything", "no depth, no maps"])
def test_pictures_are_those_of_the_rows(name: str) -> None:
    results: Results = CASES[name]
    drawn = draw(Signal(results), 6)
    rows = [cast(RescuedRow, row) for row in drawn.rows]
    shown = [np.asarray(image.get_array()) for axes in drawn.figure.axes for image in axes.images]
    assert len(shown) == len(rows) > 0
    for pixels, row in zip(shown, rows, strict=True):
        image = results.images[row.index]
        assert (pixels == (image[0] if len(image) == 1 else image.transpose(1, 2, 0))).all()
    texts = [text.get_text() for text in drawn.figure.texts]
    assert sum(text.startswith("→ ") for text in texts) == len(rows)


def test_a_map_names_each_group_once_beside_it() -> None:
    drawn = draw(Signal(TWO), 1)
    for axes in drawn.figure.axes:
        texts = [text.get_text() for text in axes.texts]
        assert len(texts) == len(set(texts)) <= 3
