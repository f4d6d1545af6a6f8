"""Records of a run are used as they were written, or named as damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from piescope.store.durable import as_json
from piescope.store.failures import Failure
from piescope.store.run_records import DamagedRecordError, ResultsManifest, SealedRecord

RECORDS: list[SealedRecord] = [
    Failure(key="0" * 32, label="supervised dense, seed 0", reason="it diverged", time="2026-01-01T00:00:00+00:00"),
    ResultsManifest(made_from={"study": "0" * 64}, files={"report.html": "1" * 64}),
]

every = pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)


@every
def test_a_flipped_bit_anywhere_is_found(record: SealedRecord, tmp_path: Path) -> None:
    content, path = record.as_bytes(), tmp_path / "record.json"
    path.write_bytes(content)
    assert type(record).read(path) == record
    with path.open("r+b") as file:
        for place in range(len(content)):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([content[place] ^ 1 << bit]), place)
                with pytest.raises(DamagedRecordError, match=r"record\.json is damaged"):
                    type(record).read(path)
            os.pwrite(file.fileno(), content[place : place + 1], place)


@every
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'"x"', b"[" * 10**5, b"\xff\xfe", b"\0" * 99])
def test_what_is_no_record_is_said_to_be_none(record: SealedRecord, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(DamagedRecordError, match=r"record\.json is damaged"):
        type(record).read(path)


@every
def test_what_is_no_file_is_not_opened(record: SealedRecord, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert type(record).read(path) is None
    for make in (Path.mkdir, os.mkfifo, lambda place: place.symlink_to(tmp_path / "nothing")):
        make(path)
        with pytest.raises(DamagedRecordError, match=r"record\.json is damaged: it is no file"):
            type(record).read(path)
        path.rmdir() if path.is_dir() else path.unlink()


def test_one_of_before_seals_is_read(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(as_json({"label": "a", "reason": "b", "time": "c"}))
    assert Failure.read(path) == Failure(label="a", reason="b", time="c")
