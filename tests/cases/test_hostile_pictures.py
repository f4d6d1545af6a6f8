"""Damaged, huge and odd pictures: each is refused by its name, or becomes a small picture that a page can hold."""

from __future__ import annotations

import pytest

from payloads import bomb, broken_pictures
from piescope.auditing.thumbnails import LARGEST, thumbnail
from piescope.data.readers.decoding import MOST_PIXELS, decoded
from piescope.problems import DataError
from piescope.report.layout.standalone import png_pixels

PICTURES = broken_pictures()
READ = {
    "page after a picture", "CMYK", "palette", "one bit", "transparent", "animated PNG",
    "one pixel", "one pixel wide", "one pixel high",
}  # fmt: skip


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_is_refused_or_becomes_a_small_one(kind: str) -> None:
    if kind not in READ:
        with pytest.raises(DataError) as refused:
            decoded(PICTURES[kind], "a picture")
        assert all(word in str(refused.value) for word in ("a picture", "found", "expected", "cure"))
        return
    pixels = decoded(PICTURES[kind], "a picture")
    assert pixels.shape[0] * pixels.shape[1] <= MOST_PIXELS
    small = png_pixels(thumbnail(pixels))
    assert small is not None and max(small.shape[:2]) <= LARGEST


def test_empty_pictures_that_are_large_are_bombs() -> None:
    """36 million black pixels in 35 kB: 108 MB each, and models see hundreds at once."""
    with pytest.raises(DataError, match="6000 x 6000 pixels in"):
        decoded(bomb(6_000), "a picture")
    assert decoded(bomb(1_000), "a picture").shape == (1_000, 1_000)
