"""One picture from bytes that nobody vouches for."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from made_pictures import RNG, fault, picture, png
from piescope.data.opening import open_pictures
from piescope.data.readers.decoding import decoded
from piescope.problems import DataError


def test_alpha_palette_cmyk_and_16_bits(tmp_path: Path) -> None:
    rgb = picture(8, 8)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    Image.fromarray(np.dstack([rgb, np.full((8, 8), 7, np.uint8)]), "RGBA").save(tmp_path / "a/alpha.png")
    Image.fromarray(rgb).convert("P").save(tmp_path / "a/palette.png")
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "b/print.jpg")
    pictures = open_pictures(str(tmp_path))
    alpha, palette, cmyk = pictures.batch(0, 3)
    assert np.array_equal(alpha, rgb)
    assert palette.shape == cmyk.shape == (8, 8, 3)
    assert any("1 CMYK" in note for note in pictures.notes)
    Image.fromarray(RNG.integers(0, 65536, (8, 8), dtype=np.uint16)).save(tmp_path / "b/deep.png")
    assert "I;16" in fault(tmp_path) and "8-bit" in fault(tmp_path)


def test_16_bit_rgb_is_converted_and_said(tmp_path: Path) -> None:
    """Pillow writes no such PNG, so it is made by hand: one pixel, 16 bits a channel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = (1).to_bytes(4, "big") * 2 + bytes([16, 2, 0, 0, 0])
    rows = zlib.compress(b"\x00" + b"\xff\x00\x80\x00\x10\x00")
    made = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "deep.png").write_bytes(made)
    pictures = open_pictures(str(tmp_path))
    assert pictures.batch(0, 1)[0].tolist() == [[[255, 128, 16]]]
    assert any("16-bit" in note for note in pictures.notes)


def bomb() -> bytes:
    """A PNG that says it has 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = (60_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("x.png", b"", "0 bytes"),
        ("x.png", b"no picture at all", "no whole picture"),
        ("x.svg", b"<svg/>", "SVG"),
        ("x.png", bomb(), "pixels"),
        ("x.gif", b"GIF89a", "GIF"),
        ("x.png", b"GIF89a\x01\x00\x01\x00", "no whole picture"),
        ("bad\nname.png", png(picture()), "printable"),
    ],
)
def test_damaged_pictures_are_named_before_any_work(
    folder: tuple[Path, dict[str, np.ndarray]], name: str, content: bytes, word: str
) -> None:
    root, _ = folder
    (root / "dog" / name).write_bytes(content)
    message = fault(root)
    assert word in message
    assert str(root.parent) not in message


def test_a_truncated_picture_is_named_when_it_is_read(folder: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, _ = folder
    whole = png(picture(64, 64))
    (root / "dog" / "d.png").write_bytes(whole[: len(whole) // 2])
    pictures = open_pictures(str(root))
    assert len(pictures.batch(0, 3)) == 3
    with pytest.raises(DataError, match=r"dog/d\.png"):
        pictures.batch(0, 4)


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture(16, 16)).save(buffer, "JPEG")
    return buffer.getvalue()


WHOLE = [png(picture()), png(picture(channels=1)), jpeg(), b"P5 4 4 255 "]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_decoding_any_bytes_gives_a_picture_or_a_fault(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    try:
        made = decoded(bytes(content), "it")
    except DataError:
        return
    assert made.dtype == np.uint8 and made.ndim in (2, 3)


def turned(rgb: np.ndarray, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    held = io.BytesIO()
    Image.fromarray(rgb).save(held, "PNG", exif=exif)
    return held.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_where_that_is_asked_for(orientation: int) -> None:
    """By what the eight orientations are: Exif 2.32, section 4.6.4."""
    rgb = picture(6, 8)
    stored = {
        1: rgb, 2: rgb[:, ::-1], 3: rgb[::-1, ::-1], 4: rgb[::-1], 5: rgb.transpose(1, 0, 2),
        6: rgb.transpose(1, 0, 2)[::-1], 7: rgb[::-1, ::-1].transpose(1, 0, 2), 8: rgb.transpose(1, 0, 2)[:, ::-1],
    }[orientation]  # fmt: skip
    content = turned(np.ascontiguousarray(stored), orientation)
    assert np.array_equal(decoded(content, "x", is_upright=True), rgb)
    assert np.array_equal(decoded(content, "x"), stored)


def test_of_a_folder_it_is_said_how_many_are_not_turned(tmp_path: Path) -> None:
    for name, orientation in (("a", 3), ("b", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(turned(picture(8, 8), orientation))
    pictures = open_pictures(str(tmp_path))
    assert any("1 picture with an EXIF orientation" in note for note in pictures.notes)
    held = io.BytesIO()
    Image.fromarray(picture(8, 8)).save(held, "JPEG", exif=b"Exif\x00\x00MM\x00*garbage")
    (tmp_path / "a" / "bad.jpg").write_bytes(held.getvalue())
    assert len(open_pictures(str(tmp_path)).batch(0, 3)) == 3
    assert decoded(held.getvalue(), "x", is_upright=True).shape == (8, 8, 3)
