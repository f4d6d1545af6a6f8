"""What is left of a document where there is little room."""

from __future__ import annotations

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
    Section,
    Table,
    Tag,
    Tile,
    Words,
)
from piescope.report.layout.short import ShortPart, parts


def document(*blocks: Block, in_short: bool = True) -> Document:
    answer = Answer(Tag("SAFE", "kept"), "It is.", (), "", (), None, None, ())
    return Document("audit", "x", answer, (Section("one", "One", blocks, in_short=in_short),), ())


def test_what_is_marked_as_the_page_s_alone_is_left_out() -> None:
    said, aside = Words(("said",)), Words(("aside",), in_short=False)
    assert parts(document(aside, said)) == [ShortPart("One", (said,))]
    assert parts(document(said, in_short=False)) == []
    assert parts(document(aside)) == []  # no heading without anything below
    assert parts(document(Words(()), FactList(()))) == []


def test_blocks_side_by_side_follow_each_other_and_drawers_have_headings() -> None:
    one, other = Words(("one",)), FactList((Fact("a", "b"),))
    assert parts(document(Beside((one,), (other,)))) == [ShortPart("One", (one, other))]
    closed, opened = Drawer("Closed", "", (one,)), Drawer("Opened", "", (one,), in_short=True)
    assert parts(document(other, closed, opened)) == [ShortPart("One", (other,)), ShortPart("Opened", (one,))]


def test_tables_that_are_brief_nowhere_are_left_out() -> None:
    table = Table("t", "c", ("a",), (("1",), ("2",)), brief=1)
    assert parts(document(table, Table("t", "c", ("a",), (("1",),)))) == [ShortPart("One", (table,))]


def test_charts_become_their_numbers_and_galleries_tables() -> None:
    chart = Chart("t", "c", Markup("<svg></svg>"), numbers=("3 lost",))
    tiles = (Tile((), "cat", (Tag("lost", "lost"), Tag("confirmed", "confirmed")), ("a → b",), id="7"),)
    (part,) = parts(
        document(chart, Chart("t", "c", Markup("")), Gallery("g", tiles, brief=2, heads=("i", "c", "t", "l")))
    )
    numbers, table = part.blocks
    assert numbers == Words(("3 lost",))
    assert isinstance(table, Table) and table.head == ("i", "c", "t", "l")
    assert table.rows == (("7", "cat", Tag("lost, confirmed", "lost"), "a → b"),)
    assert Gallery("g", (Tile((), "", (), ("one",)), Tile((), "", (), ("one", "two")))).as_table().rows == (
        ("one", ""), ("one", "two"),
    )  # fmt: skip


def test_bars_become_the_worst_of_them() -> None:
    def bar(value: float, is_clear: bool) -> Bar:
        return Bar(f"{value}", value, None, None, f"{value}", "b", ("d",), is_clear, "q = 0.5")

    def brief(*bars: Bar) -> int:
        (part,) = parts(document(Bars("class", "recall", bars, "95 %", 3, brief=8)))
        table = part.blocks[0]
        assert isinstance(table, Table)
        assert table.head == ("class", "recall", "change [95 %]", "", "") and len(table.rows) == len(bars)
        assert table.rows[0] == (bars[0].name, "b", bars[0].text, "d", "q = 0.5")
        return table.brief

    assert brief(*[bar(-1.0, False)] * 9, bar(1.0, True)) == 5  # five though they may be chance
    assert brief(*[bar(-1.0, True)] * 7, *[bar(-1.0, False)] * 4) == 7
    assert brief(*[bar(-1.0, True)] * 20) == 8
    assert brief(bar(-1.0, False), bar(0.0, False)) == 1
    (part,) = parts(document(Bars("class", "recall", (bar(1.0, True),), "95 %", 3)))
    assert part.blocks == (Words(("none lost recall",)),)
