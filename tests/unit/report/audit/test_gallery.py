"""Pictures of the page, as many as it can hold."""

from __future__ import annotations

import re

import pytest

from made_audit import CASES, page, pictures, text_of
from payloads import broken_pictures
from piescope.report.audit import gallery
from piescope.report.layout.blocks import Picture
from piescope.store.audit_record import AuditRecord

BROKEN = broken_pictures()
WHOLE = {
    "page after a picture",
    "palette",
    "sixteen bits",
    "one bit",
    "transparent",
    "one pixel",
    "one pixel wide",
    "one pixel high",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_only_whole_pngs_become_images(kind: str) -> None:
    content = CASES["probabilities"]
    first = content["harmed"][0]["id"]
    written = page(content, {first: BROKEN[kind]})
    assert ("data:image" in written) == (kind in WHOLE)


def test_a_page_of_large_images_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    content = CASES["probabilities"]
    images = pictures(content, most=10_000)
    whole = page(content, images)
    assert "images.parquet" not in whole
    size = max(map(len, images.values()))
    monkeypatch.setattr("piescope.report.audit.gallery.MOST_IMAGE_BYTES", 40 * size)
    written = page(content, images)
    assert sum(map(len, re.findall(r"data:image[^\"]*", written))) <= 40 * size
    assert 'alt="' + content["harmed"][0]["id"] in written  # the most harmed come first
    (hidden,) = re.findall(r"([\d,]+) images more than this page can hold are in images.parquet", text_of(written))
    kept = set(re.findall(r'alt="(test-\d+)', written))
    assert int(hidden) == len(set(images)) - len(kept) > 0


def test_images_where_there_are_images_and_a_table_where_there_are_none() -> None:
    content = CASES["probabilities"]
    with_images, without = page(content, pictures(content, most=10_000)), page(content)
    assert with_images.count('<li class="tile">') == len(content["harmed"]) + len(content["label_errors"]["examples"])
    assert '<li class="tile">' not in without and 'aria-label="Most harmed examples"' in without
    shown = {row["id"] for row in content["harmed"]}
    assert shown <= set(re.findall(r"test-\d+", without))


def test_the_wall_is_of_lost_examples_alone_the_most_harmed_first() -> None:
    record = AuditRecord.of(CASES["probabilities"])
    found = {row.id: Picture("data:,", row.id) for row in record.harmed}
    wall = gallery.wall(record, found)
    assert wall is not None and len(wall.tiles) == gallery.WALL
    assert [tile.id for tile in wall.tiles] == [row.id for row in record.harmed if row.kind == "lost"][: gallery.WALL]
    assert {tile.tags[0].tone for tile in wall.tiles} == {"lost"} and wall.title.startswith("What was lost")
    assert gallery.wall(record, {}) is None
    kept = record.with_answers(harmed=tuple(row.model_copy(update={"kind": "kept"}) for row in record.harmed))
    assert gallery.wall(kept, found) is None
    unlabelled = AuditRecord.of(CASES["no true labels"])
    wall = gallery.wall(unlabelled, {unlabelled.harmed[0].id: Picture("data:,", "x")})
    assert wall is not None and wall.title == "What was changed: the 1 example hit hardest"


def test_of_copies_the_wall_says_by_which() -> None:
    record = AuditRecord.of(CASES["what-if"])
    wall = gallery.wall(record, {row.id: Picture("data:,", row.id) for row in record.harmed})
    assert wall is not None and wall.title.startswith("What was lost by random 0.9: ")


def test_a_list_says_what_tiles_say() -> None:
    record = AuditRecord.of(CASES["population"])
    made = gallery.examples(record, "Harmed", record.harmed, {}).as_table()
    assert made.head == ("example", "true class", "what happened", "before → after", "probability of the true class")
    assert {len(row) for row in made.rows} == {5} and len(made.rows) == len(record.harmed)
    unlabelled = AuditRecord.of(CASES["no true labels, labels only"])
    made = gallery.examples(unlabelled, "Changed", unlabelled.harmed, {}).as_table()
    assert made.head == ("example", "what happened", "before → after")


def test_mix_ups_that_may_be_chance_are_pale() -> None:
    record = AuditRecord.of(CASES["labels"])
    made = gallery.confusions(record, {})
    for row, tile in zip(record.confusions, made.tiles, strict=True):
        assert ("unsure" in str(tile.drawing)) != row.is_clear
        assert ("not beyond chance" in tile.lines[2]) != row.is_clear
    assert made.legend[-1][1] == "pale: not beyond chance"
    clear = record.with_answers(confusions=record.confusions[:1])
    assert clear.confusions[0].is_clear and len(gallery.confusions(clear, {}).legend) == 2
