"""card.png: its size, what is drawn where, and that nothing which it is given breaks it."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from piescope.report.layout.blocks import Answer, Bar, Bars, Document, Gallery, Picture, Section, Tag, Tile, Words
from piescope.report.layout.card import SIZE, TONES, Card, _is_had, draw_card
from piescope.report.layout.curves import Curve, Mark, MethodCurve
from piescope.report.layout.palette import HUES
from piescope.report.layout.standalone import data_uri


def png(colour: str, size: tuple[int, int] = (8, 8)) -> Picture:
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "PNG")
    return Picture(data_uri("image/png", content.getvalue()), "one")


def method(name: str, values: dict[float, float], hue: int = 0, pale: bool = False) -> MethodCurve:
    return MethodCurve(name, name, hue, hue, tuple(Mark(x, y, "", "", is_pale=pale) for x, y in values.items()))


CURVE = Curve(
    "examples that change label",
    "weights removed",
    (method("Sup / GMP", {0: 8, 1: 9, 2: 16}, pale=True), method("SupCon / GMP", {0: 7, 2: 118}, 1)),
    ((0, "50 %"), (1, "90 %"), (2, "95 %")),
    ((0.0, 15.0), (0.0, 15.0), (1.0, 15.0)),
)
BARS = Bars(
    "class", "recall", (Bar("9", -8.8, -22.9, 3.9, "−8.8 [−22.9, +3.9]", "", (), False),
                        Bar("cat", 2.0, None, None, "+2.0", "", (), True)), "95 %", 5,
)  # fmt: skip
CARD = Card(
    "digits", Tag("HARM SHOWN", "broken"), "It lost 32 examples.", "797 examples", CURVE, ((png("#00FF00"), "lost"),)
)


def pixels(card: Card) -> np.ndarray:
    image = Image.open(io.BytesIO(draw_card(card)))
    assert image.format == "PNG" and image.size == SIZE and image.info["Software"] == "piescope"
    return np.asarray(image.convert("RGB")).astype(int)


def has(drawn: np.ndarray, colour: str) -> bool:
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return bool((np.abs(drawn - wanted).max(-1) <= 3).any())


@pytest.mark.parametrize("tone", ["broken", "kept", "undecided"])
def test_the_verdict_has_its_colour(tone: str) -> None:
    drawn = pixels(replace(CARD, verdict=Tag("ONE WORD", tone)))  # type: ignore[arg-type]
    assert has(drawn[34:70, 52:], TONES[tone])  # the chip
    assert has(drawn[:, :10], TONES[tone])  # the edge
    assert not any(has(drawn[:, :10], TONES[other]) for other in {"broken", "kept", "undecided"} - {tone})


def test_the_curve_is_left_and_the_pictures_are_right() -> None:
    drawn = pixels(CARD)
    left, right = drawn[304:566, :740], drawn[304:566, 740:]
    assert has(left, HUES[0].tint(0.4)) and has(left, HUES[1].light)  # supervised is pale
    assert has(right, "#00FF00") and not has(left, "#00FF00")
    assert has(right, TONES["lost"])
    without = pixels(replace(CARD, pictures=()))
    assert not has(without, "#00FF00")
    assert (without[304:566, 740:] != 255).any()  # the curve has the room
    alone = pixels(replace(CARD, drawing=None))
    assert has(alone[304:566, :740], "#00FF00")


def test_bars_are_pale_where_they_are_not_clear() -> None:
    drawn = pixels(replace(CARD, drawing=BARS))
    assert has(drawn, "#00845F")  # won back, clear
    assert not has(drawn[304:566, :740], TONES["lost"])


def test_without_pictures_nothing_stands_beside_what_is_drawn() -> None:
    drawn = pixels(replace(CARD, drawing=BARS, pictures=(), happened=""))
    assert (drawn[290:325, 1145:] == 255).all()


def test_sentences_stand_where_there_is_nothing_to_draw() -> None:
    bare = replace(CARD, drawing=None, pictures=())
    assert (pixels(bare)[304:566, 20:] == 255).all()
    assert (pixels(replace(bare, lead=("It lost 32 examples.",)))[304:566, 20:] < 100).any()


def test_the_same_card_has_the_same_bytes() -> None:
    assert draw_card(CARD) == draw_card(CARD)


HOSTILE = [
    "数字 против\u202e <script>alert(1)</script>\n\x00", "𝕏" * 400, "a" * 3000, "word " * 500, "", "\ud800", "é ß Ł ğ Ω ж → − ≤ …", "‮עברית",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_drawn(text: str) -> None:
    card = Card(
        text, Tag(text[:40] or "SAFE", "kept"), text, text, replace(CURVE, up=text, methods=(replace(CURVE.methods[0], name=text),)),
        CARD.pictures, text,
    )  # fmt: skip
    pixels(card)
    pixels(replace(card, drawing=replace(BARS, measure=text, rows=(replace(BARS.rows[0], name=text, text=text),))))


def test_letters_that_the_card_lacks_are_boxes_and_that_is_said() -> None:
    assert all(map(_is_had, "éßŁğΩжЯ→−≤±…‖²□")) and not any(map(_is_had, "中あ한עع𝕏"))
    plain, boxes = (pixels(replace(CARD, title=title))[585:, :600] for title in ("digits", "数字"))
    assert (plain != boxes).any()  # the last line says what a box is
    assert (pixels(replace(CARD, title="数字")) == pixels(replace(CARD, title="漢字"))).all()


@pytest.mark.parametrize("uri", ["", "data:image/png;base64,AAAA", "data:,x", "not a uri"])
def test_a_picture_that_cannot_be_read_is_left_out(uri: str) -> None:
    broken = Picture(uri, "broken")
    drawn = pixels(replace(CARD, pictures=((broken, "lost"), *CARD.pictures)))
    assert (drawn == pixels(CARD)).all()


@pytest.mark.parametrize("size", [(200, 100), (60, 20), (7, 21), (64, 64)])
def test_pictures_keep_their_shape(size: tuple[int, int]) -> None:
    drawn = pixels(replace(CARD, pictures=((png("#00FF00", size), "moved"),)))
    high, wide = (np.ptp(places) + 1 for places in np.nonzero(drawn[..., 1] - drawn[..., 0] > 200))
    assert wide / high == pytest.approx(size[0] / size[1], rel=0.1)


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (3000, 10)])
def test_pictures_of_hardly_any_breadth(size: tuple[int, int]) -> None:
    pixels(replace(CARD, pictures=((png("#00FF00", size), "moved"),)))


@pytest.mark.parametrize(
    "curve",
    [
        replace(CURVE, levels=((0, "all"),), methods=(method("a", {0: 3}),), seeds=()),
        replace(CURVE, levels=((0.5, "a long name " * 9), (0.9, "int8")), methods=(method("a", {0.5: 3, 0.9: 1}),), seeds=()),
        replace(CURVE, methods=()),
        replace(CURVE, are_joined=False),
        replace(CURVE, methods=tuple(method(f"method {place}", {0: 1, 1: 1, 2: 1}, place) for place in range(30))),
        replace(CURVE, methods=(method("a", {0: 0, 1: 0, 2: 0}, 4),), seeds=((0.0, 0.0),) * 3),
    ],
)  # fmt: skip
def test_odd_curves(curve: Curve) -> None:
    assert (pixels(replace(CARD, drawing=curve))[304:566] != 255).any()


def test_it_is_made_of_a_document() -> None:
    tiles = (
        Tile((png("#00FF00"),), "3", (Tag("lost", "lost"),), ()),
        Tile((Picture("", "none"),), "4", (Tag("moved", "moved"),), ()),
    )
    answer = Answer(Tag("SAFE", "kept"), "Nothing.", (), "about", (), None, Gallery("1 lost", tiles), ())
    sections = (Section("a", "A", (Words(("no bars",)),)), Section("b", "B", (BARS,)))
    card = Card.of_document(Document("audit", "a against b", answer, sections, ()))
    assert (card.title, card.sentence, card.drawing, card.happened) == ("a against b", "Nothing.", BARS, "1 lost")
    assert [tone for _, tone in card.pictures] == ["lost"]
    bare = Card.of_document(Document("audit", "a", replace(answer, wall=None), (), ()))
    assert bare.drawing is None and bare.pictures == () and bare.happened == ""
    pixels(bare)


def test_a_loss_in_groups_is_drawn_where_no_class_lost_beyond_chance() -> None:
    answer = Answer(Tag("HARM SHOWN", "broken"), "Groups.", (), "", (), None, None, ())
    pale, clear = (
        replace(BARS, rows=tuple(replace(row, is_clear=sure) for row in BARS.rows)) for sure in (False, True)
    )
    assert any((row.value or 0) < 0 for row in BARS.rows)

    def drawn(*bars: Bars) -> object:
        sections = tuple(Section(f"s{place}", "S", (one,)) for place, one in enumerate(bars))
        return Card.of_document(Document("audit", "a", answer, sections, ())).drawing

    assert drawn(pale, clear) is clear and drawn(clear, pale) is clear
    assert drawn(pale, pale) is pale
