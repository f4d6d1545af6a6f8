"""Pictures of the page, as many as it can hold."""

from __future__ import annotations

import re

import pytest

from made_audit import CASES, page, pictures, text_of


def test_only_pngs_become_images() -> None:
    content = CASES["probabilities"]
    first = content["harmed"][0]["id"]
    written = page(content, {first: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"})
    assert "data:image" not in written


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
    assert '<li class="tile">' not in without and 'table class="examples"' in without
    shown = {row["id"] for row in content["harmed"]}
    assert shown <= set(re.findall(r"test-\d+", without))
