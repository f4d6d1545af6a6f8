"""What is looked at before an archive's entries are listed."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from piescope import archives


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("one", b"1")
    return path


def test_an_archive_with_and_without_a_comment(archive: Path) -> None:
    for comment in (b"", b"a comment", bytes(2**16 - 1)):
        with zipfile.ZipFile(archive, "a") as made:
            made.comment = comment
        with archives.opened(archive) as opened:
            assert opened.namelist() == ["one"]


@pytest.mark.parametrize("ahead", [0, 2**24])
def test_a_list_that_is_too_long_is_not_read(archive: Path, ahead: int) -> None:
    content = bytes(ahead) + archive.read_bytes()
    archive.write_bytes(content[:-10] + struct.pack("<I", archives.MOST_DIRECTORY + 1) + content[-6:])
    with pytest.raises(zipfile.BadZipFile, match="a list of entries of 4,194,305 bytes"):
        archives.opened(archive)


def test_the_record_of_large_archives_goes_before_the_other(archive: Path) -> None:
    content = archive.read_bytes()
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(content) - 22, 1)
    archive.write_bytes(content[:-22] + large + locator + content[-22:])
    with pytest.raises(zipfile.BadZipFile, match="a list of entries of 1,099,511,627,776 bytes"):
        archives.opened(archive)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"PK\x05\x06" + bytes(17), b"no archive at all", bytes(100)])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(zipfile.BadZipFile):
        archives.opened(tmp_path / "a.zip")


def test_what_grows_beyond_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros", bytes(1_000_000))
    with archives.opened(path) as opened:
        assert archives.growth(opened, path.stat().st_size) is None  # so little does no harm
        monkeypatch.setattr(archives, "HARMLESS", 100_000)
        assert archives.growth(opened, path.stat().st_size) == 1_000_000
        assert archives.growth(opened, 10_000) is None
