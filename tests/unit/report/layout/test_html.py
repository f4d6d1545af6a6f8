"""Every kind of block is set, and every text stays text."""

from __future__ import annotations

import re
from html import unescape

import pytest
from markupsafe import Markup

from piescope.report.layout.blocks import (
    Answer,
    Bar,
    Bars,
    Beside,
    Block,
    Chart,
    Document,
    Drawer,
    Fact,
    FactList,
    Gallery,
    Picture,
    Section,
    Table,
    Tag,
    Tile,
    Words,
)
from piescope.report.layout.html import bar, first_screen, page, scale_of, templates
from piescope.wording import printable

HOSTILE = "<script>alert('x')</script>\"&\u202e\ud800{{ 7*7 }}"


def every_block(text: str) -> tuple[Block, ...]:
    drawing = Markup("<svg></svg>")
    row = Bar(text, -5.0, -8.0, -2.0, text, text, (text,), is_clear=False)
    tile = Tile((Picture("data:image/png;base64,cG5n", text),), text, (Tag(text, "lost"),), (text,), drawing, text)
    simple: tuple[Block, ...] = (
        Words((text,)),
        Words((text, text)),
        Words((text,), "note"),
        Words((text,), "small"),
        FactList((Fact(text, text, (text,), "lost"),), "cards"),
        FactList((Fact(text, text, (text,)),)),
        Table(text, text, (text, ""), ((text, Tag(text, "broken")), (text, Tag(text, "strong"))), ((text, 2),)),
        Bars(text, text, (row, row), text, first=1, unfold=text),
        Chart(text, text, drawing, ((drawing, text),)),
        Gallery(text, (tile, tile), first=1, legend=((drawing, text),)),
        Gallery(text, (tile,), form="cards"),
    )
    return (*simple, Drawer(text, text, simple), Beside(simple[:2], simple[2:4]))


def document(text: str) -> Document:
    blocks = every_block(text)
    wall = Gallery(text, (Tile((Picture("data:,", text),), text, (Tag(text, "lost"),), ()),))
    answer = Answer(
        Tag(text, "broken"), text, (text,), text, (text,), Chart(text, text, Markup("<svg></svg>")), wall, blocks
    )
    return Document(
        "study", text, answer, (Section("one", text, blocks), Section("two", text, blocks, text)), ((text, text),)
    )


@pytest.mark.parametrize("render", [lambda made: page(made).decode(), first_screen], ids=["page", "first screen"])
def test_every_text_of_every_block_is_shown_as_it_is_and_nothing_in_it_is_hidden(render: object) -> None:
    made = render(document(HOSTILE))  # type: ignore[operator]
    plain = render(document("plain words"))  # type: ignore[operator]
    assert "<script" not in made and "49" not in re.sub(r"<style>.*?</style>", "", made, flags=re.S)
    assert unescape(made).count(printable(HOSTILE)) == plain.count("plain words") > 20
    tags = [re.sub(r"<style>.*?</style>", "", text, flags=re.S).count("<") for text in (made, plain)]
    assert tags[0] == tags[1]  # no text became an element


def test_templates_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = page(document("text"))
    monkeypatch.setattr("jinja2.Environment.compile", None)
    assert page(document("text")) == first


def test_a_script_is_admitted_by_its_hash_and_its_data_cannot_end_their_element() -> None:
    class Data:
        notes = ("2 examples <have> no picture",)

        def head_json(self) -> str:
            return '{"title": "\\u003c/script>"}'

        def arrays_base64(self) -> str:
            return "eJwDAAAAAAE="

    assert "script" not in page(document("x")).decode().split("</style>")[1]
    made = page(document("x"), Data()).decode()
    assert re.search(r"script-src 'sha256-[\w+/=]{44}'", made)
    assert made.count("</script>") == 3 and "unsafe" not in made
    assert '<p class="note with-script" hidden>2 examples &lt;have&gt; no picture</p>' in made


def test_bars_start_at_zero_and_end_at_the_value() -> None:
    row = Bar("cat", -5.0, -8.0, -2.0, "", "", (), is_clear=True)
    bars = Bars("class", "recall", (row, Bar("dog", 5.0, None, None, "", "", (), is_clear=False)), "95 %", 2)
    scale = scale_of(bars)
    drawn = str(bar(row, scale))
    start, width = (float(number) for number in re.search(r'x="([\d.]+)%" width="([\d.]+)%"', drawn).groups())  # type: ignore[union-attr]
    assert start == pytest.approx(scale.at(-5), abs=0.01) and start + width == pytest.approx(scale.at(0), abs=0.02)
    assert 'class="lost"' in drawn and drawn.count("whisker") == 3
    other = str(bar(bars.rows[1], scale))
    assert "rescued unsure" in other and "whisker" not in other
    assert "<rect" not in str(bar(Bar("x", None, None, None, "", "", (), False), scale))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat → <b>dog", "cat → &lt;b&gt;dog"),
        ("קט → cat", "\u2068קט\u2069 → \u2068cat\u2069"),
        ("كلب (90 %) → <i> (5 %)", "\u2068كلب (90 %)\u2069 → \u2068&lt;i&gt; (5 %)\u2069"),
        ("קט taken for כלב", "\u2068קט\u2069 taken for \u2068כלב\u2069"),
        ("a\u202eb → c", "a\\u202eb → c"),
    ],
)
def test_names_from_right_to_left_stay_on_their_sides_of_an_arrow(text: str, shown: str) -> None:
    made = templates().from_string("{{ text | apart }}").render(text=text)
    assert made == shown
